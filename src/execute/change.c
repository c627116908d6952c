/* UPDATE and DELETE: find the rows, lock their keys, look again at the head, write.
 *
 * Finding reads a snapshot; writing builds on the head. A row that moved between the two is looked
 * at again: its newest version is put through the WHERE once more where that can be done here, and
 * the whole statement is begun anew where it cannot (a join, a subquery); after a few such rounds
 * nobody else may write until it is through. */
#include <stdlib.h>

#include "execute/execute_int.h"

enum { ROUNDS_BEFORE_TABLE_LOCK = 4 };

/* What `find` returns behind the table's own columns. */
enum {
    FOUND_SEQ,
    FOUND_FILE, /* 0: in memory */
    FOUND_POSITION,
    FOUND_COMPUTED
};

/* A row to be changed, as it was found. */
typedef struct Target {
    Slice key;
    Slice row; /* packed, of the table's schema; empty: to be read at the head */
    uint64_t seq;
    uint64_t file_id; /* 0: memory */
    uint32_t position;
    Slice computed;   /* the whole row `find` returned; empty: nothing is computed */
    size_t operation; /* of its put or delete; SIZE_MAX: it is not changed after all */
    Slice final_row;  /* UPDATE: the new row; DELETE: the old one */
    Slice new_key;    /* where the update moved it to; empty: it keeps its key */
} Target;

typedef struct Change {
    Run *run;
    const BoundChange *bound;
    const CatalogTable *table;
    bool is_delete;
    OwnerId owner;
    EngineTable *engine_table;
    Target *targets;
    size_t count;
    size_t capacity;
    uint64_t bytes;
    const RowLayout *found_layout; /* of `computed` */
    RowLayout layout_copy;
    Buffer key;
    WriteBatch *batch;
    size_t operation_count;
    uint64_t affected;
    bool needs_new_round;
    CommitResult commit;
} Change;

/* ---- finding ---- */

static Status add_target(Change *change, const Target *target, Error *error)
{
    Arena *arena = &change->run->arena;
    if (change->count == change->capacity) {
        size_t capacity = change->capacity == 0 ? 16 : change->capacity * 2;
        Target *grown = ARENA_ARRAY(arena, Target, capacity);
        if (grown == NULL)
            return arena_error(arena, error);
        if (change->count > 0)
            memcpy(grown, change->targets, change->count * sizeof(Target));
        change->targets = grown;
        change->capacity = capacity;
    }
    change->targets[change->count++] = *target;
    change->bytes += target->row.size * 2 + target->key.size;
    if (change->bytes > change->run->options.transaction_bytes_max)
        return error_set(
            error, STATUS_PROGRAM_LIMIT_EXCEEDED,
            "the statement changes more than limits.transaction_bytes_max (%llu bytes)",
            (unsigned long long)change->run->options.transaction_bytes_max);
    return OK;
}

static Status note_key(void *context, Slice key, Error *error)
{
    Change *change = context;
    Target target = {.operation = SIZE_MAX};
    TRY(arena_clone(&change->run->arena, key, &target.key, error));
    return add_target(change, &target, error);
}

/* The layout belongs to the result in hand; later look-ups need one that stays. */
static Status keep_layout(Change *change, const RowLayout *layout, Error *error)
{
    if (change->found_layout != NULL)
        return OK;
    TRY(row_layout_open(&change->run->arena, layout->types, layout->column_count,
                        &change->layout_copy, error));
    change->found_layout = &change->layout_copy;
    return OK;
}

static uint64_t unsigned_column(const RowLayout *layout, Slice row, uint32_t column)
{
    Value value;
    row_get(layout, row, column, &value);
    return value.is_null ? 0 : (uint64_t)value.as.integer;
}

static Status table_row(Change *change, const RowLayout *layout, Slice row, Buffer *out,
                        Error *error)
{
    const Schema *schema = change->table->schema;
    Value *values = ARENA_ARRAY(&change->run->arena, Value, schema->column_count);
    if (values == NULL)
        return arena_error(&change->run->arena, error);
    for (uint32_t c = 0; c < schema->column_count; c++)
        row_get(layout, row, c, &values[c]);
    buffer_clear(out);
    return row_encode(&schema->layout, values, out, error);
}

static Status note_found(void *context, const RowLayout *layout, Slice row, Error *error)
{
    Change *change = context;
    Arena *arena = &change->run->arena;
    const Schema *schema = change->table->schema;
    uint32_t columns = schema->column_count;
    Target target = {.operation = SIZE_MAX};
    Buffer packed;
    Status status = OK;
    TRY(keep_layout(change, layout, error));
    buffer_open(&packed, 0);
    GO(table_row(change, layout, row, &packed, error));
    GO(arena_clone(arena, buffer_slice(&packed), &target.row, error));
    GO(key_of_row(schema, change->owner, target.row, &change->key, error));
    GO(arena_clone(arena, buffer_slice(&change->key), &target.key, error));
    if (change->bound->set_count > 0)
        GO(arena_clone(arena, row, &target.computed, error));
    target.seq = unsigned_column(layout, row, columns + FOUND_SEQ);
    target.file_id = unsigned_column(layout, row, columns + FOUND_FILE);
    target.position = (uint32_t)unsigned_column(layout, row, columns + FOUND_POSITION);
    GO(add_target(change, &target, error));
done:
    buffer_close(&packed);
    return status;
}

static int compare_targets(const void *a, const void *b)
{
    return slice_compare(((const Target *)a)->key, ((const Target *)b)->key);
}

/* A join can find a row more than once: it is changed once, by any of them. */
static void drop_repeated(Change *change)
{
    size_t kept = 0;
    if (change->count < 2)
        return;
    qsort(change->targets, change->count, sizeof(Target), compare_targets);
    for (size_t i = 0; i < change->count; i++) {
        if (kept == 0 || !slice_equal(change->targets[kept - 1].key, change->targets[i].key))
            change->targets[kept++] = change->targets[i];
    }
    change->count = kept;
}

static bool assignments_are_local(const BoundChange *bound)
{
    for (uint32_t i = 0; i < bound->set_count; i++) {
        if (bound->set[i].value == NULL)
            return false;
    }
    return true;
}

static Status find_targets(Change *change, Error *error)
{
    Run *run = change->run;
    const BoundChange *bound = change->bound;
    bool done = false;
    change->count = 0;
    change->bytes = 0;
    change->found_layout = NULL;
    if (bound->short_read != NULL && assignments_are_local(bound))
        TRY(find_keys_short(run, &bound->target, bound->short_read, note_key, change, &done,
                            error));
    if (!done) {
        change->count = 0;
        TRY(select_packed(run, bound->find, true, note_found, change, error));
    }
    drop_repeated(change);
    return OK;
}

/* ---- looking again at the head ---- */

static bool is_unmoved(const Target *target, const RowFound *head)
{
    if (target->row.size == 0)
        return false;
    if (head->location.place == ROW_IN_MEMORY)
        return head->seq == target->seq;
    return target->file_id != 0 && head->location.file_id == target->file_id &&
           head->location.position == target->position;
}

static EvaluationContext row_context(Change *change, const RowFound *found)
{
    EvaluationContext context = evaluation_of(change->run, &change->run->arena);
    context.layout = &change->table->schema->layout;
    context.row = found->row;
    context.seq = (int64_t)found->seq;
    context.updated_us = found->updated_us;
    context.owner = change->run->who.acting_name;
    return context;
}

/* The row at the head, if it is still one to change. *wanted is false where it is gone or does not
 * match any more. */
static Status look_again(Change *change, const Target *target, RowFound *head, bool *wanted,
                         bool *moved, Error *error)
{
    Arena *arena = &change->run->arena;
    const BoundChange *bound = change->bound;
    bool found;
    TRY(write_find(change->batch, 0, target->key, target->row.size == 0, arena, head, &found,
                   error));
    *wanted = found;
    *moved = false;
    if (!found)
        return OK;
    if (is_unmoved(target, head)) {
        head->row = target->row;
        head->seq = target->seq;
        return OK;
    }
    *moved = true;
    if (head->row.size == 0)
        TRY(write_find(change->batch, 0, target->key, true, arena, head, &found, error));
    *wanted = found;
    bool is_local = bound->where_is_local && assignments_are_local(bound);
    change->needs_new_round |= found && !is_local;
    if (!found || !is_local || bound->where == NULL)
        return OK;
    EvaluationContext context = row_context(change, head);
    return expression_is_true(bound->where, &context, wanted, error);
}

/* ---- one row's operations ---- */

static Status add_operation(Change *change, const WriteOperation *operation, Error *error)
{
    TRY(write_add(change->batch, operation, error));
    change->operation_count++;
    return OK;
}

static Status delete_row(Change *change, Target *target, const RowFound *old, Error *error)
{
    WriteOperation operation = {.kind = WRITE_DELETE,
                                .owner = change->owner,
                                .key = target->key,
                                .old_row = old->row,
                                .had_old = true,
                                .old = old->location};
    target->operation = change->operation_count;
    target->final_row = old->row;
    return add_operation(change, &operation, error);
}

/* Another row may have the new key already: it must have left it before, in this statement.
 * (Targets are in order of key.) */
static Status check_new_key(Change *change, Slice key, Error *error)
{
    RowFound found;
    bool is_there;
    TRY(write_lock_keys(change->batch, 0, &key, 1, error));
    TRY(write_find(change->batch, 0, key, true, &change->run->arena, &found, &is_there, error));
    if (!is_there)
        return OK;
    Target wanted = {.key = key};
    const Target *other =
        bsearch(&wanted, change->targets, change->count, sizeof(Target), compare_targets);
    if (other != NULL && other->operation != SIZE_MAX && other->new_key.size > 0)
        return OK;
    return duplicate_key(change->table, key, error);
}

static int compare_slices(const void *a, const void *b)
{
    return slice_compare(*(const Slice *)a, *(const Slice *)b);
}

/* Two rows of the statement must not move to one key. */
static Status check_moves(Change *change, Error *error)
{
    size_t count = 0;
    Slice *keys = ARENA_ARRAY(&change->run->arena, Slice, change->count);
    if (keys == NULL)
        return arena_error(&change->run->arena, error);
    for (size_t i = 0; i < change->count; i++) {
        if (change->targets[i].operation != SIZE_MAX && change->targets[i].new_key.size > 0)
            keys[count++] = change->targets[i].new_key;
    }
    if (count > 1)
        qsort(keys, count, sizeof(Slice), compare_slices);
    for (size_t i = 1; i < count; i++) {
        if (slice_equal(keys[i - 1], keys[i]))
            return duplicate_key(change->table, keys[i], error);
    }
    return OK;
}

static Status move_row(Change *change, Target *target, const RowFound *old, const BuiltRow *built,
                       Error *error)
{
    TRY(check_new_key(change, built->key, error));
    TRY(delete_row(change, target, old, error));
    WriteOperation operation = {
        .kind = WRITE_PUT, .owner = change->owner, .key = built->key, .row = built->row};
    target->operation = change->operation_count;
    target->final_row = built->row;
    target->new_key = built->key;
    return add_operation(change, &operation, error);
}

static Status update_row(Change *change, Target *target, const RowFound *old, Error *error)
{
    Run *run = change->run;
    const Schema *schema = change->table->schema;
    EvaluationContext context = row_context(change, old);
    BuiltRow built;
    Value *values = ARENA_ARRAY(&run->arena, Value, schema->column_count);
    if (values == NULL)
        return arena_error(&run->arena, error);
    TRY(assign_row(run, change->table, change->bound->set, change->bound->set_count, &context,
                   change->found_layout, target->computed, values, error));
    TRY(build_row(run, change->table, values, change->owner, &run->arena, &built, error));
    if (!slice_equal(built.key, target->key))
        return move_row(change, target, old, &built, error);
    WriteOperation operation = {.kind = WRITE_PUT,
                                .owner = change->owner,
                                .key = target->key,
                                .row = built.row,
                                .old_row = old->row,
                                .had_old = true,
                                .old = old->location};
    target->operation = change->operation_count;
    target->final_row = built.row;
    return add_operation(change, &operation, error);
}

static Status change_target(Change *change, Target *target, Error *error)
{
    RowFound head;
    bool wanted;
    bool moved;
    target->operation = SIZE_MAX;
    target->new_key = SLICE_EMPTY;
    TRY(look_again(change, target, &head, &wanted, &moved, error));
    if (!wanted || change->needs_new_round)
        return OK;
    change->affected++;
    return change->is_delete ? delete_row(change, target, &head, error)
                             : update_row(change, target, &head, error);
}

/* ---- one round ---- */

static Status lock_targets(Change *change, Error *error)
{
    Slice *keys = ARENA_ARRAY(&change->run->arena, Slice, change->count);
    if (keys == NULL)
        return arena_error(&change->run->arena, error);
    for (size_t i = 0; i < change->count; i++)
        keys[i] = change->targets[i].key;
    return write_lock_keys(change->batch, 0, keys, change->count, error);
}

static Status build_operations(Change *change, Error *error)
{
    change->affected = 0;
    change->operation_count = 0;
    change->needs_new_round = false;
    write_reset(change->batch);
    TRY(write_pin(change->batch, error));
    for (size_t i = 0; i < change->count && !change->needs_new_round; i++)
        TRY(change_target(change, &change->targets[i], error));
    return change->needs_new_round ? OK : check_moves(change, error);
}

static Status end_without_write(Change *change, Status status, Error *error)
{
    Error waited;
    WriteBatch *batch = change->batch;
    change->batch = NULL;
    if (change->needs_new_round) {
        write_abandon(batch);
        return status;
    }
    Status visible = write_end_unchanged(batch, &waited);
    if (visible != OK) { /* what an error would speak of may be gone, too */
        *error = waited;
        return visible;
    }
    return status;
}

static Status open_batch(Change *change, Error *error)
{
    const Run *run = change->run;
    return write_open(run->executor->engine, change->engine_table, change->table->schema->version,
                      env_monotonic_ns(run->executor->env) + run->options.write_timeout_ns,
                      &change->batch, error);
}

/* ---- RETURNING ---- */

/* In the arena; before the commit without the sequences, which are not known yet. */
static Status returned_rows(Change *change, ReturnedRow **out, size_t *count, Error *error)
{
    *count = 0;
    *out = ARENA_ARRAY(&change->run->arena, ReturnedRow, change->count);
    if (*out == NULL)
        return arena_error(&change->run->arena, error);
    for (size_t i = 0; i < change->count; i++) {
        const Target *target = &change->targets[i];
        if (target->operation != SIZE_MAX)
            (*out)[(*count)++] =
                (ReturnedRow){target->final_row, change->commit.first_seq + target->operation};
    }
    return OK;
}

static Status check_returned(Change *change, Error *error)
{
    const Returning *returning = &change->bound->returning;
    ReturnedRow *rows;
    size_t count;
    if (returning->column_count == 0)
        return OK;
    TRY(returned_rows(change, &rows, &count, error));
    return check_returning(change->run, change->table, returning, change->owner, rows, count,
                           error);
}

static Status return_rows(Change *change, Error *error)
{
    const Returning *returning = &change->bound->returning;
    ReturnedRow *rows;
    size_t count;
    if (returning->column_count == 0)
        return OK;
    Status status = returned_rows(change, &rows, &count, error);
    if (status == OK)
        status = send_returning(change->run, change->table, returning, change->owner, rows, count,
                                change->commit.updated_us, error);
    return status == OK ? OK : returning_failed(error);
}

/* Locks, looks again, writes. The targets are those found before. */
static Status write_targets(Change *change, Error *error)
{
    for (;;) {
        Status status = build_operations(change, error);
        if (status == OK && !change->needs_new_round)
            status = check_returned(change, error);
        if (status != OK || change->operation_count == 0 || change->needs_new_round)
            return end_without_write(change, status, error);
        WriteBatch *batch = change->batch;
        change->batch = NULL;
        status = write_commit(batch, &change->commit, error);
        if (status != STATUS_WOULD_BLOCK)
            return status;
        change->batch = batch;
    }
}

static Status round_by_keys(Change *change, Error *error)
{
    TRY(find_targets(change, error));
    if (change->count == 0)
        return OK;
    TRY(open_batch(change, error));
    Status status = lock_targets(change, error);
    if (status != OK) {
        write_abandon(change->batch);
        change->batch = NULL;
        return status;
    }
    return write_targets(change, error);
}

/* Nobody else writes: what is found at the visible head stays true. */
static Status round_with_table(Change *change, Error *error)
{
    Engine *engine = change->run->executor->engine;
    TRY(open_batch(change, error));
    Status status = write_lock_tables(change->batch, error);
    if (status == OK)
        status = engine_wait_visible(engine, engine_head(engine), error);
    if (status == OK)
        status = find_targets(change, error);
    if (status != OK || change->count == 0) {
        write_abandon(change->batch);
        change->batch = NULL;
        return status;
    }
    return write_targets(change, error);
}

static Status all_rounds(Change *change, Error *error)
{
    for (int round = 0;; round++) {
        change->needs_new_round = false;
        TRY(round < ROUNDS_BEFORE_TABLE_LOCK ? round_by_keys(change, error)
                                             : round_with_table(change, error));
        if (!change->needs_new_round)
            return OK;
        TRY(check_cancelled(change->run, error));
    }
}

/* ---- the whole ---- */

static Status run_all(Change *change, Error *error)
{
    Run *run = change->run;
    TRY(all_rounds(change, error));
    TRY(return_rows(change, error));
    run->summary->row_count = change->affected;
    run->summary->seq = change->commit.last_seq;
    run->summary->durability = durability_given(run->executor);
    set_tag(run, "%s %llu", change->is_delete ? "DELETE" : "UPDATE",
            (unsigned long long)change->affected);
    return OK;
}

static Status refuse_stream(const CatalogTable *table, bool is_delete, Error *error)
{
    if (table->kind != TABLE_STREAM)
        return OK;
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "%s not supported on stream tables",
                     is_delete ? "DELETE" : "UPDATE");
}

Status run_change(Run *run, Error *error)
{
    const BoundChange *bound = run->plan->as.change;
    Change change = {.run = run,
                     .bound = bound,
                     .table = bound->target.table,
                     .is_delete = run->plan->kind == STATEMENT_DELETE,
                     .owner = owner_for(run, bound->target.table)};
    TRY(refuse_stream(change.table, change.is_delete, error));
    change.engine_table = engine_table(run->executor->engine, change.table->id);
    if (change.engine_table == NULL)
        return error_of(error, STATUS_SCHEMA_CHANGED);
    buffer_open(&change.key, 0);
    Status status = run_all(&change, error);
    buffer_close(&change.key);
    engine_table_release(change.engine_table);
    return status;
}
