/* Proposed rows: checked, packed, with their keys. A row that passes here can always be flushed. */
#include "execute/execute_int.h"

static Status null_violation(const CatalogTable *table, const Column *column, Error *error)
{
    (void)error_set(
        error, STATUS_NOT_NULL_VIOLATION,
        "null value in column \"%.*s\" of relation \"%.*s\" violates not-null constraint",
        SLICE_ARGUMENTS(column->name), SLICE_ARGUMENTS(table->name));
    return error->status;
}

static Status check_nulls(const CatalogTable *table, const Value *values, Error *error)
{
    const Schema *schema = table->schema;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (values[i].is_null && schema->columns[i].not_null)
            return null_violation(table, &schema->columns[i], error);
    }
    return OK;
}

static Status check_constraints(Run *run, const CatalogTable *table, Slice row, Arena *arena,
                                Error *error)
{
    EvaluationContext context = evaluation_of(run, arena);
    context.layout = &table->schema->layout;
    context.row = row;
    for (uint32_t i = 0; i < table->check_count; i++) {
        bool passes;
        TRY(expression_passes(table->checks[i].expression, &context, &passes, error));
        if (!passes)
            return error_set(error, STATUS_CHECK_VIOLATION,
                             "new row for relation \"%.*s\" violates check constraint \"%.*s\"",
                             SLICE_ARGUMENTS(table->name), SLICE_ARGUMENTS(table->checks[i].name));
    }
    return OK;
}

static Status key_too_long(Error *error)
{
    if (error->status != STATUS_PROGRAM_LIMIT_EXCEEDED)
        return error->status;
    return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                     "the key of the row is longer than %d bytes", KEY_BYTES_MAX);
}

Status build_row(Run *run, const CatalogTable *table, Value *values, OwnerId owner, Arena *arena,
                 BuiltRow *out, Error *error)
{
    TRY(check_nulls(table, values, error));
    buffer_clear(&run->row_scratch);
    buffer_clear(&run->key_scratch);
    TRY(row_encode(&table->schema->layout, values, &run->row_scratch, error));
    TRY(arena_clone(arena, buffer_slice(&run->row_scratch), &out->row, error));
    if (table->check_count > 0)
        TRY(check_constraints(run, table, out->row, arena, error));
    if (key_of_row(table->schema, owner, out->row, &run->key_scratch, error) != OK)
        return key_too_long(error);
    return arena_clone(arena, buffer_slice(&run->key_scratch), &out->key, error);
}

static void put_key_columns(const Schema *schema, Buffer *out)
{
    buffer_put_u8(out, '(');
    for (uint32_t i = 0; i < schema->key_count; i++) {
        if (i > 0)
            buffer_put_text(out, ", ");
        buffer_put_slice(out, schema->columns[schema->key_columns[i]].name);
    }
    buffer_put_u8(out, ')');
}

Status duplicate_key(const CatalogTable *table, Slice key, Error *error)
{
    Buffer detail;
    buffer_open(&detail, 0);
    put_key_columns(table->schema, &detail);
    buffer_put_u8(&detail, '=');
    key_put_text(table->schema, key, &detail);
    (void)error_set(error, STATUS_UNIQUE_VIOLATION,
                    "duplicate key value violates unique constraint \"%.*s_pkey\"",
                    SLICE_ARGUMENTS(table->name));
    if (!detail.failed)
        error_set_detail(error, "Key %.*s already exists.", SLICE_ARGUMENTS(buffer_slice(&detail)));
    buffer_close(&detail);
    return error->status;
}

/* Assignments see the old row only: all of them are evaluated before any is put. */
Status assign_row(Run *run, const CatalogTable *table, const ColumnAssignment *set,
                  uint32_t set_count, EvaluationContext *context, const RowLayout *computed_layout,
                  Slice computed, Value *values, Error *error)
{
    const Schema *schema = table->schema;
    Value *assigned = ARENA_ARRAY(context->arena, Value, set_count);
    (void)run;
    if (assigned == NULL)
        return arena_error(context->arena, error);
    for (uint32_t i = 0; i < set_count; i++) {
        if (set[i].value != NULL)
            TRY(expression_evaluate(set[i].value, context, &assigned[i], error));
        else
            row_get(computed_layout, computed, (uint32_t)set[i].computed_column, &assigned[i]);
    }
    for (uint32_t c = 0; c < schema->column_count; c++)
        row_get(&schema->layout, context->row, c, &values[c]);
    for (uint32_t i = 0; i < set_count; i++)
        values[set[i].column] = assigned[i];
    return OK;
}

/* ---- RETURNING ---- */

static Slice name_of_owner(const Run *run, OwnerId owner)
{
    const CatalogUser *user = catalog_user_by_id(run->plan->snapshot, owner);
    return user == NULL ? SLICE_EMPTY : user->name;
}

typedef struct Returner {
    const Returning *returning;
    EvaluationContext context;
    Arena scratch;
    Value *values;
} Returner;

static Status returner_open(Run *run, const CatalogTable *table, const Returning *returning,
                            OwnerId owner, Returner *out, Error *error)
{
    *out = (Returner){.returning = returning,
                      .values = ARENA_ARRAY(&run->arena, Value, returning->column_count)};
    if (out->values == NULL)
        return arena_error(&run->arena, error);
    arena_open(&out->scratch, 0);
    out->context = evaluation_of(run, &out->scratch);
    out->context.layout = &table->schema->layout;
    out->context.owner = name_of_owner(run, owner);
    return OK;
}

/* The values live until the next row's. */
static Status returner_evaluate(Returner *returner, const ReturnedRow *row, Error *error)
{
    const Returning *returning = returner->returning;
    arena_reset(&returner->scratch);
    returner->context.row = row->row;
    returner->context.seq = (int64_t)row->seq;
    for (uint32_t i = 0; i < returning->column_count; i++)
        TRY(expression_evaluate(returning->projections[i], &returner->context, &returner->values[i],
                                error));
    return OK;
}

Status check_returning(Run *run, const CatalogTable *table, const Returning *returning,
                       OwnerId owner, const ReturnedRow *rows, size_t count, Error *error)
{
    Returner returner;
    Status status = OK;
    if (returning->column_count == 0)
        return OK;
    TRY(returner_open(run, table, returning, owner, &returner, error));
    for (size_t i = 0; status == OK && i < count; i++)
        status = returner_evaluate(&returner, &rows[i], error);
    arena_close(&returner.scratch);
    return status;
}

static Status send_rows(Run *run, Returner *returner, const ReturnedRow *rows, size_t count,
                        Error *error)
{
    const Returning *returning = returner->returning;
    const ResultSink *sink = run->sink;
    RowSender sender;
    Status status = OK;
    TRY(sink->columns(sink->context, returning->columns, returning->column_count, error));
    run->summary->has_rows = true;
    row_sender_open(run, returning->columns, returning->column_count, &sender);
    for (size_t i = 0; i < count; i++) {
        GO(returner_evaluate(returner, &rows[i], error));
        GO(row_sender_put(&sender, returner->values, error));
    }
    GO(row_sender_flush(&sender, error));
done:
    row_sender_close(&sender);
    return status;
}

Status send_returning(Run *run, const CatalogTable *table, const Returning *returning,
                      OwnerId owner, const ReturnedRow *rows, size_t count, int64_t updated_us,
                      Error *error)
{
    Returner returner;
    if (returning->column_count == 0)
        return OK;
    Status status = returner_open(run, table, returning, owner, &returner, error);
    if (status == OK) {
        returner.context.updated_us = updated_us;
        status = send_rows(run, &returner, rows, count, error);
        arena_close(&returner.scratch);
    }
    return status;
}

Status returning_failed(Error *error)
{
    return error_prefix(error, "the statement was done, but its rows cannot be returned");
}

const char *durability_given(const Executor *executor)
{
    switch (log_durability(engine_log(executor->engine))) {
    case LOG_ALWAYS:
        return "always";
    case LOG_INTERVAL:
        return "interval";
    case LOG_NONE:
        return "none";
    }
    UNREACHABLE();
}
