/* INSERT: rows from VALUES or a query, defaults, checks, conflicts, one transaction. */
#include <stdlib.h>

#include "base/hash.h"
#include "execute/execute_int.h"

typedef struct InsertRow {
    BuiltRow built;
    OwnerId owner;
    Value *values;    /* of all columns; only where ON CONFLICT DO UPDATE needs them */
    bool is_repeated; /* an earlier row of this statement has its key */
    bool is_skipped;  /* by DO NOTHING, or by DO UPDATE's WHERE */
    size_t operation; /* number in the batch, for RETURNING; SIZE_MAX: none */
    Slice final_row;  /* what stands there afterwards */
} InsertRow;

typedef struct Insert {
    Run *run;
    const BoundInsert *bound;
    const CatalogTable *table;
    OwnerId owner;        /* of the rows that are being gathered */
    const ManyRows *many; /* NULL: the statement's own rows */
    EngineTable *engine_table;
    InsertRow *rows;
    size_t row_count;
    size_t row_capacity;
    uint64_t bytes;
    uint64_t next_row_number; /* for `_row` */
    uint64_t row_numbers_left;
    size_t operation_count;
    uint64_t affected;
    uint64_t seen;
    CommitResult commit;
} Insert;

/* ---- gathering rows ---- */

static Status add_insert_row(Insert *insert, InsertRow **out, Error *error)
{
    Arena *arena = &insert->run->arena;
    if (insert->row_count == insert->row_capacity) {
        size_t capacity = insert->row_capacity == 0 ? 16 : insert->row_capacity * 2;
        InsertRow *grown = ARENA_ARRAY(arena, InsertRow, capacity);
        if (grown == NULL)
            return arena_error(arena, error);
        if (insert->row_count > 0)
            memcpy(grown, insert->rows, insert->row_count * sizeof(InsertRow));
        insert->rows = grown;
        insert->row_capacity = capacity;
    }
    *out = &insert->rows[insert->row_count++];
    return OK;
}

static bool has_hidden_key(const Schema *schema)
{
    return schema->columns[schema->key_columns[0]].hidden;
}

enum { ROW_NUMBERS_STEP_MAX = 65536 };

/* Row numbers are taken in steps that grow with the statement. */
static Status next_row_number(Insert *insert, uint64_t *out, Error *error)
{
    if (insert->row_numbers_left == 0) {
        uint64_t step =
            insert->bound->query == NULL ? insert->bound->row_count : insert->row_count + 16;
        if (insert->many != NULL)
            step = insert->many->count;
        if (step > ROW_NUMBERS_STEP_MAX)
            step = ROW_NUMBERS_STEP_MAX;
        TRY(engine_take_sequences(insert->run->executor->engine, step, &insert->next_row_number,
                                  error));
        insert->row_numbers_left = step;
    }
    insert->row_numbers_left--;
    *out = insert->next_row_number++;
    return OK;
}

static Status fill_defaults(Insert *insert, const bool *given, EvaluationContext *context,
                            Value *values, Error *error)
{
    const Schema *schema = insert->table->schema;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (given[c])
            continue;
        const Expression *expression = insert->bound->defaults[c];
        if (expression == NULL && insert->many != NULL && insert->table->defaults != NULL)
            expression = insert->table->defaults[c];
        values[c] = value_null(schema->columns[c].type.kind);
        if (schema->columns[c].hidden) {
            uint64_t number;
            TRY(next_row_number(insert, &number, error));
            values[c] = value_integer(TYPE_BIGINT, (int64_t)number);
        } else if (expression != NULL) {
            TRY(expression_evaluate(expression, context, &values[c], error));
        }
    }
    return OK;
}

static Status take_row(Insert *insert, Value *values, Error *error)
{
    Run *run = insert->run;
    InsertRow *row;
    TRY(add_insert_row(insert, &row, error));
    *row = (InsertRow){.operation = SIZE_MAX, .owner = insert->owner};
    TRY(build_row(run, insert->table, values, insert->owner, &run->arena, &row->built, error));
    insert->bytes += row->built.row.size + row->built.key.size;
    if (insert->bytes > run->options.transaction_bytes_max)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "the statement writes more than limits.transaction_bytes_max (%llu bytes)",
                         (unsigned long long)run->options.transaction_bytes_max);
    return OK;
}

static Status mark_given(Insert *insert, bool **out, Error *error)
{
    *out = ARENA_ARRAY(&insert->run->arena, bool, insert->table->schema->column_count);
    if (*out == NULL)
        return arena_error(&insert->run->arena, error);
    for (uint32_t i = 0; i < insert->bound->column_count; i++)
        (*out)[insert->bound->columns[i]] = true;
    return OK;
}

/* One row of VALUES, with the parameters that the run has now. */
static Status take_values_row(Insert *insert, const Expression *const *row, const bool *given,
                              Value *values, Error *error)
{
    Run *run = insert->run;
    const BoundInsert *bound = insert->bound;
    EvaluationContext context = evaluation_of(run, &run->arena);
    for (uint32_t i = 0; i < bound->column_count; i++) {
        uint32_t column = bound->columns[i];
        if (given[column])
            TRY(expression_evaluate(row[i], &context, &values[column], error));
    }
    TRY(fill_defaults(insert, given, &context, values, error));
    return take_row(insert, values, error);
}

/* The VALUES row is $1, $2 …: a column is given where its parameter is. */
static void mark_given_of(const Insert *insert, size_t row, bool *given)
{
    const BoundInsert *bound = insert->bound;
    const bool *of_row = insert->many->given + row * bound->column_count;
    for (uint32_t i = 0; i < bound->column_count; i++)
        given[bound->columns[i]] = of_row[i];
}

static Status take_many(Insert *insert, bool *given, Value *values, Error *error)
{
    Run *run = insert->run;
    const ManyRows *many = insert->many;
    OwnerId owner = insert->owner;
    ASSERT(many->given == NULL || insert->bound->column_count == run->plan->parameter_count);
    for (size_t r = 0; r < many->count; r++) {
        run->parameters = many->parameters + r * run->plan->parameter_count;
        if (many->owners != NULL)
            insert->owner = many->owners[r];
        if (many->given != NULL)
            mark_given_of(insert, r, given);
        TRY(take_values_row(insert, insert->bound->rows[0], given, values, error));
    }
    insert->owner = owner;
    return OK;
}

static Status take_values(Insert *insert, Error *error)
{
    Run *run = insert->run;
    const BoundInsert *bound = insert->bound;
    bool *given;
    TRY(mark_given(insert, &given, error));
    Value *values = ARENA_ARRAY(&run->arena, Value, insert->table->schema->column_count);
    if (values == NULL)
        return arena_error(&run->arena, error);
    if (insert->many != NULL)
        return take_many(insert, given, values, error);
    for (uint32_t r = 0; r < bound->row_count; r++)
        TRY(take_values_row(insert, bound->rows[r], given, values, error));
    return OK;
}

typedef struct QueryRows {
    Insert *insert;
    const bool *given;
    Value *values;
} QueryRows;

static Status take_query_row(void *query_rows, const RowLayout *layout, Slice row, Error *error)
{
    QueryRows *rows = query_rows;
    Insert *insert = rows->insert;
    EvaluationContext context = evaluation_of(insert->run, &insert->run->arena);
    for (uint32_t i = 0; i < insert->bound->column_count; i++)
        row_get(layout, row, i, &rows->values[insert->bound->columns[i]]);
    TRY(fill_defaults(insert, rows->given, &context, rows->values, error));
    return take_row(insert, rows->values, error);
}

static Status take_query(Insert *insert, Error *error)
{
    Run *run = insert->run;
    bool *given;
    TRY(mark_given(insert, &given, error));
    QueryRows rows = {insert, given,
                      ARENA_ARRAY(&run->arena, Value, insert->table->schema->column_count)};
    if (rows.values == NULL)
        return arena_error(&run->arena, error);
    return select_packed(run, insert->bound->query, false, take_query_row, &rows, error);
}

/* ---- the same key twice in one statement ---- */

typedef struct KeyOrder {
    uint64_t hash;
    size_t row;
} KeyOrder;

static int compare_order(const void *a, const void *b)
{
    const KeyOrder *x = a;
    const KeyOrder *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static bool repeats(const Insert *insert, const KeyOrder *order, size_t first, size_t at)
{
    for (size_t i = first; i < at; i++) {
        if (slice_equal(insert->rows[order[i].row].built.key,
                        insert->rows[order[at].row].built.key))
            return true;
    }
    return false;
}

static Status repeated_key(Insert *insert, InsertRow *row, Error *error)
{
    switch (insert->bound->conflict) {
    case CONFLICT_ERROR:
        return duplicate_key(insert->table, row->built.key, error);
    case CONFLICT_NOTHING:
        row->is_repeated = true;
        return OK;
    case CONFLICT_UPDATE:
        (void)error_set(error, STATUS_CARDINALITY_VIOLATION,
                        "ON CONFLICT DO UPDATE command cannot affect row a second time");
        error_set_hint(error, "Ensure that no rows proposed for insertion within the same command "
                              "have duplicate constrained values.");
        return error->status;
    }
    UNREACHABLE();
}

static Status find_repeated(Insert *insert, Error *error)
{
    size_t count = insert->row_count;
    if (count < 2)
        return OK;
    KeyOrder *order = ARENA_ARRAY(&insert->run->arena, KeyOrder, count);
    if (order == NULL)
        return arena_error(&insert->run->arena, error);
    for (size_t i = 0; i < count; i++)
        order[i] = (KeyOrder){hash_64(insert->rows[i].built.key), i};
    qsort(order, count, sizeof(KeyOrder), compare_order);
    size_t first = 0;
    for (size_t i = 1; i < count; i++) {
        if (order[i].hash != order[first].hash)
            first = i;
        else if (repeats(insert, order, first, i))
            TRY(repeated_key(insert, &insert->rows[order[i].row], error));
    }
    return OK;
}

/* ---- conflicts ---- */

static Status add_put(Insert *insert, WriteBatch *batch, InsertRow *row, const RowFound *old,
                      bool had_old, Slice new_row, Error *error)
{
    WriteOperation operation = {.kind = WRITE_PUT,
                                .owner = row->owner,
                                .key = row->built.key,
                                .row = new_row,
                                .had_old = had_old};
    if (had_old) {
        operation.old_row = old->row;
        operation.old = old->location;
    }
    TRY(write_add(batch, &operation, error));
    row->operation = insert->operation_count++;
    row->final_row = new_row;
    insert->affected++;
    return OK;
}

/* DO UPDATE SET …: the old row is the row, the proposed one is `excluded`. */
static Status update_existing(Insert *insert, WriteBatch *batch, InsertRow *row,
                              const RowFound *old, Error *error)
{
    Run *run = insert->run;
    const BoundInsert *bound = insert->bound;
    const Schema *schema = insert->table->schema;
    EvaluationContext context = evaluation_of(run, &run->arena);
    BuiltRow built;
    bool applies = true;
    context.layout = &schema->layout;
    context.row = old->row;
    context.excluded_layout = &schema->layout;
    context.excluded = row->built.row;
    context.seq = (int64_t)old->seq;
    context.updated_us = old->updated_us;
    context.owner = run->who.acting_name;
    if (bound->conflict_where != NULL)
        TRY(expression_is_true(bound->conflict_where, &context, &applies, error));
    row->is_skipped = !applies;
    if (!applies)
        return OK;
    Value *values = ARENA_ARRAY(&run->arena, Value, schema->column_count);
    if (values == NULL)
        return arena_error(&run->arena, error);
    TRY(assign_row(run, insert->table, bound->conflict_set, bound->conflict_set_count, &context,
                   NULL, SLICE_EMPTY, values, error));
    TRY(build_row(run, insert->table, values, insert->owner, &run->arena, &built, error));
    if (!slice_equal(built.key, row->built.key))
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "ON CONFLICT DO UPDATE that changes the primary key is not supported");
    return add_put(insert, batch, row, old, true, built.row, error);
}

static Status resolve_row(Insert *insert, WriteBatch *batch, InsertRow *row, Error *error)
{
    RowFound old;
    bool found = false;
    row->is_skipped = row->is_repeated;
    if (row->is_repeated)
        return OK;
    if (!has_hidden_key(insert->table->schema))
        TRY(write_find(batch, 0, row->built.key, true, &insert->run->arena, &old, &found, error));
    if (!found)
        return add_put(insert, batch, row, NULL, false, row->built.row, error);
    switch (insert->bound->conflict) {
    case CONFLICT_ERROR:
        return duplicate_key(insert->table, row->built.key, error);
    case CONFLICT_NOTHING:
        row->is_skipped = true;
        return OK;
    case CONFLICT_UPDATE:
        return update_existing(insert, batch, row, &old, error);
    }
    UNREACHABLE();
}

static Status lock_keys(Insert *insert, WriteBatch *batch, Error *error)
{
    if (has_hidden_key(insert->table->schema))
        return OK; /* nobody else has these keys */
    Slice *keys = ARENA_ARRAY(&insert->run->arena, Slice, insert->row_count);
    if (keys == NULL)
        return arena_error(&insert->run->arena, error);
    for (size_t i = 0; i < insert->row_count; i++)
        keys[i] = insert->rows[i].built.key;
    return write_lock_keys(batch, 0, keys, insert->row_count, error);
}

/* A refusal, too, speaks of a row that must not vanish with a crash. */
static Status refuse_after_visible(WriteBatch *batch, Status status, Error *error)
{
    Error waited;
    Status visible = write_end_unchanged(batch, &waited);
    if (visible == OK)
        return status;
    *error = waited;
    return visible;
}

/* In the arena; before the commit without the sequences, which are not known yet. */
static Status returned_rows(Insert *insert, ReturnedRow **out, size_t *count, Error *error)
{
    *count = 0;
    *out = ARENA_ARRAY(&insert->run->arena, ReturnedRow, insert->row_count);
    if (*out == NULL)
        return arena_error(&insert->run->arena, error);
    for (size_t i = 0; i < insert->row_count; i++) {
        const InsertRow *row = &insert->rows[i];
        if (!row->is_skipped)
            (*out)[(*count)++] =
                (ReturnedRow){row->final_row, insert->commit.first_seq + row->operation};
    }
    return OK;
}

static Status check_returned(Insert *insert, Error *error)
{
    const Returning *returning = &insert->bound->returning;
    ReturnedRow *rows;
    size_t count;
    if (returning->column_count == 0)
        return OK;
    TRY(returned_rows(insert, &rows, &count, error));
    return check_returning(insert->run, insert->table, returning, insert->owner, rows, count,
                           error);
}

static Status return_rows(Insert *insert, Error *error)
{
    const Returning *returning = &insert->bound->returning;
    ReturnedRow *rows;
    size_t count;
    if (returning->column_count == 0)
        return OK;
    Status status = returned_rows(insert, &rows, &count, error);
    if (status == OK)
        status = send_returning(insert->run, insert->table, returning, insert->owner, rows, count,
                                insert->commit.updated_us, error);
    return status == OK ? OK : returning_failed(error);
}

static Status write_rows(Insert *insert, Error *error)
{
    Run *run = insert->run;
    WriteBatch *batch;
    Status status;
    TRY(write_open(run->executor->engine, insert->engine_table, insert->table->schema->version,
                   env_monotonic_ns(run->executor->env) + run->options.write_timeout_ns, &batch,
                   error));
    status = lock_keys(insert, batch, error);
    if (status != OK) {
        write_abandon(batch);
        return status;
    }
    for (;;) {
        insert->affected = 0;
        insert->operation_count = 0;
        write_reset(batch);
        status = write_pin(batch, error);
        for (size_t i = 0; status == OK && i < insert->row_count; i++)
            status = resolve_row(insert, batch, &insert->rows[i], error);
        if (status == OK)
            status = check_returned(insert, error);
        if (status != OK)
            return refuse_after_visible(batch, status, error);
        if (insert->operation_count == 0)
            return write_end_unchanged(batch, error);
        status = write_commit(batch, &insert->commit, error);
        if (status != STATUS_WOULD_BLOCK)
            return status;
    }
}

/* ---- the whole ---- */

static Status insert_rows(Insert *insert, Error *error)
{
    Run *run = insert->run;
    if (insert->bound->query != NULL)
        TRY(take_query(insert, error));
    else
        TRY(take_values(insert, error));
    if (insert->row_count > 0) {
        TRY(find_repeated(insert, error));
        TRY(write_rows(insert, error));
    }
    TRY(return_rows(insert, error));
    run->summary->row_count = insert->affected;
    run->summary->seq = insert->commit.last_seq;
    run->summary->durability = durability_given(run->executor);
    set_tag(run, "INSERT 0 %llu", (unsigned long long)insert->affected);
    return OK;
}

Status run_insert(Run *run, Error *error)
{
    const BoundInsert *bound = run->plan->as.insert;
    Insert insert = {.run = run,
                     .bound = bound,
                     .table = bound->target.table,
                     .many = run->many,
                     .owner = owner_for(run, bound->target.table)};
    insert.engine_table = engine_table(run->executor->engine, insert.table->id);
    if (insert.engine_table == NULL)
        return error_of(error, STATUS_SCHEMA_CHANGED);
    Status status = insert_rows(&insert, error);
    engine_table_release(insert.engine_table);
    return status;
}
