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

static Status return_row(Run *run, const CatalogTable *table, const Returning *returning,
                         EvaluationContext *context, Value *values, RowSender *sender, Error *error)
{
    (void)run;
    (void)table;
    for (uint32_t i = 0; i < returning->column_count; i++)
        TRY(expression_evaluate(returning->projections[i], context, &values[i], error));
    return row_sender_put(sender, values, error);
}

static Slice name_of_owner(const Run *run, OwnerId owner)
{
    const CatalogUser *user = catalog_user_by_id(run->plan->snapshot, owner);
    return user == NULL ? SLICE_EMPTY : user->name;
}

Status send_returning(Run *run, const CatalogTable *table, const Returning *returning,
                      OwnerId owner, const ReturnedRow *rows, size_t count, int64_t updated_us,
                      Error *error)
{
    const ResultSink *sink = run->sink;
    Arena scratch;
    RowSender sender;
    Status status = OK;
    if (returning->column_count == 0)
        return OK;
    Value *values = ARENA_ARRAY(&run->arena, Value, returning->column_count);
    if (values == NULL)
        return arena_error(&run->arena, error);
    TRY(sink->columns(sink->context, returning->columns, returning->column_count, error));
    run->summary->has_rows = true;
    arena_open(&scratch, 0);
    row_sender_open(run, returning->columns, returning->column_count, &sender);
    EvaluationContext context = evaluation_of(run, &scratch);
    context.layout = &table->schema->layout;
    context.owner = name_of_owner(run, owner);
    context.updated_us = updated_us;
    for (size_t i = 0; i < count; i++) {
        arena_reset(&scratch);
        context.row = rows[i].row;
        context.seq = (int64_t)rows[i].seq;
        GO(return_row(run, table, returning, &context, values, &sender, error));
    }
    GO(row_sender_flush(&sender, error));
done:
    row_sender_close(&sender);
    arena_close(&scratch);
    return status;
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
