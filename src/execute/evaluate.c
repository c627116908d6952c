/* Evaluating row-local expressions of a statement, and sending rows. */
#include "execute/execute_int.h"

enum { JSON_PIECE_BYTES = 64 << 10 };

EvaluationContext evaluation_of(Run *run, Arena *arena)
{
    return (EvaluationContext){.env = run->executor->env,
                               .arena = arena,
                               .parameters = run->parameters,
                               .parameter_count = run->parameter_count,
                               .now_us = run->now_us,
                               .current_user = run->who.name,
                               .node_id = run->options.node_id};
}

Status evaluate_count(Run *run, const Expression *expression, Status negative, const char *what,
                      uint64_t fallback, uint64_t *out, Error *error)
{
    EvaluationContext context = evaluation_of(run, &run->arena);
    Value value;
    *out = fallback;
    if (expression == NULL)
        return OK;
    TRY(expression_evaluate(expression, &context, &value, error));
    if (value.is_null)
        return OK;
    if (value.as.integer < 0)
        return error_set(error, negative, "%s must not be negative", what);
    *out = (uint64_t)value.as.integer;
    return OK;
}

/* ---- sending ---- */

static void put_json_row(Run *run, Buffer *out, const ResultColumn *columns, const Value *values,
                         uint32_t count)
{
    buffer_put_u8(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_put_u8(out, ',');
        value_put_json(out, columns[i].type, &values[i], run->session->json_flags);
    }
    buffer_put_u8(out, ']');
}

void row_sender_open(Run *run, const ResultColumn *columns, uint32_t count, RowSender *out)
{
    *out = (RowSender){.run = run, .columns = columns, .column_count = count};
    buffer_open(&out->json, 0);
}

Status row_sender_flush(RowSender *sender, Error *error)
{
    const ResultSink *sink = sender->run->sink;
    if (sender->waiting == 0)
        return OK;
    TRY(buffer_status(&sender->json, error));
    TRY(sink->json(sink->context, buffer_slice(&sender->json), sender->waiting, error));
    sender->waiting = 0;
    buffer_clear(&sender->json);
    return OK;
}

Status row_sender_put(RowSender *sender, const Value *values, Error *error)
{
    const ResultSink *sink = sender->run->sink;
    sender->sent++;
    if (!sink->wants_json)
        return sink->row(sink->context, values, sender->column_count, error);
    if (sender->waiting > 0)
        buffer_put_u8(&sender->json, ',');
    put_json_row(sender->run, &sender->json, sender->columns, values, sender->column_count);
    sender->waiting++;
    return sender->json.size < JSON_PIECE_BYTES ? OK : row_sender_flush(sender, error);
}

void row_sender_close(RowSender *sender)
{
    buffer_close(&sender->json);
}

Status check_cancelled(const Run *run, Error *error)
{
    if (run->running != NULL && atomic_load(&run->running->cancelled))
        return error_set(error, STATUS_QUERY_CANCELED, "canceling statement due to user request");
    if (env_monotonic_ns(run->executor->env) >= run->deadline_ns)
        return error_set(error, STATUS_QUERY_CANCELED,
                         "canceling statement due to statement timeout");
    return OK;
}
