/* Write batches: what one transaction holds from its first look-up to its commit. */
#include <stdlib.h>

#include "base/hash.h"
#include "engine/engine_int.h"

enum { OPERATIONS_FIRST = 8 };

/* ---- beginning and ending ---- */

static Status stale_schema(Error *error)
{
    return error_of(error, STATUS_SCHEMA_CHANGED);
}

/* What is installed under a shared lock does not change its schema. */
static bool is_current(EngineTable *table, uint32_t schema_version)
{
    Engine *engine = table->engine;
    if (BROKEN(schema_check))
        return true;
    mutex_lock(&engine->root);
    bool current = table->current->schema->version == schema_version &&
                   table_map_find(engine, table->id) == table;
    mutex_unlock(&engine->root);
    return current;
}

Status write_add_table(WriteBatch *batch, EngineTable *table, uint32_t schema_version,
                       size_t *number, Error *error)
{
    if (batch->table_count == TABLES_IN_BATCH_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "a transaction writes to more than %d tables", TABLES_IN_BATCH_MAX);
    ASSERT(batch->table_count == 0 || !batch->tables[0].exclusive);
    TRY(table_lock_shared(&table->lock, batch->deadline_ns, error));
    if (!is_current(table, schema_version)) {
        table_unlock_shared(&table->lock);
        return stale_schema(error);
    }
    *number = batch->table_count++;
    batch->tables[*number] =
        (BatchTable){.table = table_clone(table), .schema_version = schema_version};
    return OK;
}

Status write_open(Engine *engine, EngineTable *table, uint32_t schema_version, int64_t deadline_ns,
                  WriteBatch **out, Error *error)
{
    TRY(pressure_admit(engine, table, deadline_ns, error));
    if (atomic_load(&engine->poisoned))
        return error_of(error, STATUS_LOG_POISONED);
    WriteBatch *batch = MEMORY_NEW(WriteBatch);
    if (batch == NULL)
        return error_out_of_memory(error);
    size_t number;
    batch->engine = engine;
    batch->deadline_ns = deadline_ns;
    arena_open(&batch->arena, 0);
    Status status = write_add_table(batch, table, schema_version, &number, error);
    if (status != OK) {
        write_abandon(batch);
        return status;
    }
    *out = batch;
    return OK;
}

static void release_locks(WriteBatch *batch)
{
    KeyLocks *locks = &batch->engine->key_locks;
    for (size_t block = 0; block < batch->lock_blocks; block++) {
        for (size_t i = 0; i < batch->lock_counts[block]; i++)
            key_lock_release(locks, &batch->locks[block][i]);
    }
    batch->lock_blocks = 0;
    batch->locks_held = 0;
}

static void release_versions(WriteBatch *batch)
{
    for (size_t i = 0; i < batch->table_count; i++) {
        super_version_release(batch->tables[i].version);
        batch->tables[i].version = NULL;
    }
}

static void release_tables(WriteBatch *batch)
{
    release_versions(batch);
    for (size_t i = 0; i < batch->table_count; i++) {
        if (batch->tables[i].exclusive)
            table_unlock_exclusive(&batch->tables[i].table->lock);
        else
            table_unlock_shared(&batch->tables[i].table->lock);
        engine_table_release(batch->tables[i].table);
    }
    batch->table_count = 0;
}

void write_abandon(WriteBatch *batch)
{
    if (batch == NULL)
        return;
    release_locks(batch);
    release_tables(batch);
    arena_close(&batch->arena);
    memory_free(batch);
}

Status write_end_unchanged(WriteBatch *batch, Error *error)
{
    Engine *engine = batch->engine;
    uint64_t seen = batch->seen;
    write_abandon(batch);
    return BROKEN(noop_ack) ? OK : engine_wait_visible(engine, seen, error);
}

/* ---- locks ---- */

static int compare_locks(const void *a, const void *b)
{
    uint64_t x = ((const KeyLock *)a)->hash;
    uint64_t y = ((const KeyLock *)b)->hash;
    return x < y ? -1 : x > y;
}

static bool holds(const WriteBatch *batch, uint64_t hash)
{
    for (size_t block = 0; block < batch->lock_blocks; block++) {
        KeyLock wanted = {.hash = hash};
        if (bsearch(&wanted, batch->locks[block], batch->lock_counts[block], sizeof(KeyLock),
                    compare_locks) != NULL)
            return true;
    }
    return false;
}

/* The locks that are wanted and not held yet, sorted, each once; in the arena. */
static Status wanted_locks(WriteBatch *batch, uint64_t table_id, const Slice *keys, size_t count,
                           KeyLock **out, size_t *wanted, Error *error)
{
    KeyLock *locks = ARENA_ARRAY(&batch->arena, KeyLock, count);
    size_t n = 0;
    if (locks == NULL)
        return arena_error(&batch->arena, error);
    for (size_t i = 0; i < count; i++) {
        locks[n].hash = key_lock_hash(table_id, keys[i]);
        n += !holds(batch, locks[n].hash);
    }
    qsort(locks, n, sizeof(KeyLock), compare_locks);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || locks[kept - 1].hash != locks[i].hash)
            locks[kept++] = locks[i];
    }
    *out = locks;
    *wanted = kept;
    return OK;
}

static Status reserve_lock_block(WriteBatch *batch, Error *error)
{
    if (batch->lock_blocks < batch->lock_block_capacity)
        return OK;
    size_t capacity = batch->lock_block_capacity == 0 ? 4 : batch->lock_block_capacity * 2;
    KeyLock **locks = ARENA_ARRAY(&batch->arena, KeyLock *, capacity);
    size_t *counts = ARENA_ARRAY(&batch->arena, size_t, capacity);
    if (locks == NULL || counts == NULL)
        return arena_error(&batch->arena, error);
    if (batch->lock_blocks > 0) {
        memcpy(locks, batch->locks, batch->lock_blocks * sizeof(KeyLock *));
        memcpy(counts, batch->lock_counts, batch->lock_blocks * sizeof(size_t));
    }
    batch->locks = locks;
    batch->lock_counts = counts;
    batch->lock_block_capacity = capacity;
    return OK;
}

static void keep_block(WriteBatch *batch, KeyLock *locks, size_t count)
{
    batch->locks[batch->lock_blocks] = locks;
    batch->lock_counts[batch->lock_blocks] = count;
    batch->lock_blocks++;
    batch->locks_held += count;
}

/* The first locks of a batch are taken in order and waited for. Later ones could meet a batch that
 * waits for ours, so all are let go and taken again together where one is not free. */
static Status take_locks(WriteBatch *batch, KeyLock *locks, size_t count, Error *error)
{
    KeyLocks *all = &batch->engine->key_locks;
    for (size_t i = 0; i < count; i++) {
        env_yield(batch->engine->env, "key lock");
        Status status = key_lock_wait(all, &locks[i], batch->deadline_ns, error);
        if (status != OK) {
            keep_block(batch, locks, i);
            return status;
        }
    }
    keep_block(batch, locks, count);
    return OK;
}

static size_t try_locks(WriteBatch *batch, KeyLock *locks, size_t count)
{
    KeyLocks *all = &batch->engine->key_locks;
    for (size_t i = 0; i < count; i++) {
        if (!key_lock_try(all, &locks[i]))
            return i;
    }
    return count;
}

static Status take_all_again(WriteBatch *batch, KeyLock *more, size_t count, Error *error)
{
    size_t total = batch->locks_held + count;
    KeyLock *all = ARENA_ARRAY(&batch->arena, KeyLock, total);
    size_t n = 0;
    if (all == NULL)
        return arena_error(&batch->arena, error);
    for (size_t block = 0; block < batch->lock_blocks; block++) {
        for (size_t i = 0; i < batch->lock_counts[block]; i++)
            all[n++].hash = batch->locks[block][i].hash;
    }
    for (size_t i = 0; i < count; i++)
        all[n++].hash = more[i].hash;
    release_locks(batch);
    batch->must_look_again = true;
    qsort(all, total, sizeof(KeyLock), compare_locks);
    return take_locks(batch, all, total, error);
}

static Status take_more_locks(WriteBatch *batch, KeyLock *locks, size_t count, Error *error)
{
    size_t taken = try_locks(batch, locks, count);
    if (taken == count) {
        keep_block(batch, locks, count);
        return OK;
    }
    for (size_t i = 0; i < taken; i++)
        key_lock_release(&batch->engine->key_locks, &locks[i]);
    return take_all_again(batch, locks, count, error);
}

/* ---- tables locked whole ---- */

static int compare_tables(const void *a, const void *b)
{
    const BatchTable *x = *(BatchTable *const *)a;
    const BatchTable *y = *(BatchTable *const *)b;
    return x->table->id < y->table->id ? -1 : x->table->id > y->table->id;
}

/* In the order of their ids, holding nothing else: batches that do the same never wait for each
 * other in a circle. */
static Status take_exclusive(WriteBatch *batch, Error *error)
{
    BatchTable *order[TABLES_IN_BATCH_MAX];
    for (size_t i = 0; i < batch->table_count; i++)
        order[i] = &batch->tables[i];
    qsort(order, batch->table_count, sizeof(BatchTable *), compare_tables);
    for (size_t i = 0; i < batch->table_count; i++) {
        TRY(table_lock_exclusive(&order[i]->table->lock, batch->deadline_ns, error));
        order[i]->exclusive = true;
    }
    return OK;
}

static void forget_tables(WriteBatch *batch)
{
    for (size_t i = 0; i < batch->table_count; i++) {
        if (batch->tables[i].exclusive)
            table_unlock_exclusive(&batch->tables[i].table->lock);
        engine_table_release(batch->tables[i].table);
    }
    batch->table_count = 0;
}

/* Other locks are let go first: who waits for a table must not hold what another waits for. */
Status write_lock_tables(WriteBatch *batch, Error *error)
{
    if (batch->tables[0].exclusive)
        return OK;
    bool was_pinned = batch->tables[0].version != NULL;
    release_locks(batch);
    release_versions(batch);
    for (size_t i = 0; i < batch->table_count; i++)
        table_unlock_shared(&batch->tables[i].table->lock);
    Status status = take_exclusive(batch, error);
    if (status != OK) {
        forget_tables(batch);
        return status;
    }
    for (size_t i = 0; i < batch->table_count; i++) {
        if (!is_current(batch->tables[i].table, batch->tables[i].schema_version))
            return stale_schema(error);
    }
    if (was_pinned)
        TRY(write_pin(batch, error));
    batch->must_look_again = was_pinned;
    return OK;
}

/* A key that is locked after the pin may have got a row in a memtable that the pin does not know.
 */
static void check_pin_is_head(WriteBatch *batch, const BatchTable *table)
{
    Engine *engine = batch->engine;
    if (table->version == NULL)
        return;
    mutex_lock(&engine->sequencer);
    batch->must_look_again |= table->table->current->active != table->version->active;
    mutex_unlock(&engine->sequencer);
}

Status write_lock_keys(WriteBatch *batch, size_t number, const Slice *keys, size_t count,
                       Error *error)
{
    KeyLock *locks;
    size_t wanted;
    ASSERT(number < batch->table_count);
    if (batch->tables[number].exclusive || BROKEN(no_lock))
        return OK;
    if (batch->locks_held + count > KEY_LOCKS_MAX)
        return write_lock_tables(batch, error);
    TRY(wanted_locks(batch, batch->tables[number].table->id, keys, count, &locks, &wanted, error));
    if (wanted == 0)
        return OK;
    TRY(reserve_lock_block(batch, error));
    if (batch->locks_held == 0)
        TRY(take_locks(batch, locks, wanted, error));
    else
        TRY(take_more_locks(batch, locks, wanted, error));
    check_pin_is_head(batch, &batch->tables[number]);
    return OK;
}

/* ---- looking up at the head ---- */

Status write_pin(WriteBatch *batch, Error *error)
{
    Engine *engine = batch->engine;
    (void)error;
    release_versions(batch);
    batch->must_look_again = false;
    mutex_lock(&engine->sequencer);
    batch->seen = engine->head;
    for (size_t i = 0; i < batch->table_count; i++)
        batch->tables[i].version = super_version_clone(batch->tables[i].table->current);
    mutex_unlock(&engine->sequencer);
    return OK;
}

Status write_find(WriteBatch *batch, size_t number, Slice key, bool want_row, Arena *arena,
                  RowFound *out, bool *found, Error *error)
{
    BatchTable *table = &batch->tables[number];
    ASSERT(number < batch->table_count && table->version != NULL);
    OwnerId owner = key_owner_of(table->table->kind, key);
    return version_find(table->table, table->version, key, owner, horizon_at_head(table->table),
                        want_row, arena, out, found, error);
}

/* ---- operations ---- */

static Status reserve_operation(WriteBatch *batch, Error *error)
{
    if (batch->operation_count < batch->operation_capacity)
        return OK;
    size_t capacity =
        batch->operation_capacity == 0 ? OPERATIONS_FIRST : batch->operation_capacity * 2;
    BatchOperation *operations = ARENA_ARRAY(&batch->arena, BatchOperation, capacity);
    if (operations == NULL)
        return arena_error(&batch->arena, error);
    if (batch->operation_count > 0)
        memcpy(operations, batch->operations, batch->operation_count * sizeof(BatchOperation));
    batch->operations = operations;
    batch->operation_capacity = capacity;
    return OK;
}

/* Encodes the body into the arena; key and row of the copy point into it. */
static Status encode_operation(Arena *arena, const EngineTable *table, uint32_t schema_version,
                               const WriteOperation *operation, BatchOperation *out, Error *error)
{
    size_t size_max = 64 + operation->key.size + operation->row.size + operation->old_row.size;
    uint8_t *memory = arena_allocate(arena, size_max);
    if (memory == NULL)
        return arena_error(arena, error);
    Buffer body = {.data = memory, .capacity = size_max, .limit = size_max};
    row_body_put(&body, table->id, schema_version, operation);
    ASSERT(!body.failed);
    out->operation = *operation;
    out->body = buffer_slice(&body);
    Cursor cursor = cursor_of(out->body);
    (void)cursor_varint(&cursor);
    (void)cursor_varint(&cursor);
    (void)cursor_u8(&cursor);
    (void)cursor_varint(&cursor);
    out->operation.key = cursor_sized(&cursor);
    out->operation.row = operation->kind == WRITE_PUT ? cursor_sized(&cursor) : SLICE_EMPTY;
    out->operation.old_row = operation->had_old ? cursor_sized(&cursor) : SLICE_EMPTY;
    ASSERT(cursor_is_done(&cursor));
    return OK;
}

static Status check_operation(const WriteOperation *operation, Error *error)
{
    if (operation->key.size > KEY_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "the key has %zu bytes (maximum %d)",
                         operation->key.size, KEY_BYTES_MAX);
    if (operation->row.size > ROW_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "the row has %zu bytes (maximum %d)",
                         operation->row.size, ROW_BYTES_MAX);
    return OK;
}

Status write_add(WriteBatch *batch, const WriteOperation *operation, Error *error)
{
    const BatchTable *table = &batch->tables[operation->table];
    ASSERT(operation->table < batch->table_count);
    TRY(check_operation(operation, error));
    TRY(reserve_operation(batch, error));
    TRY(encode_operation(&batch->arena, table->table, table->schema_version, operation,
                         &batch->operations[batch->operation_count], error));
    batch->operation_count++;
    return OK;
}

void write_reset(WriteBatch *batch)
{
    batch->operation_count = 0;
}

/* ---- committing ---- */

static Status outcome_unknown(Status status, Error *error)
{
    (void)error_set(error, status,
                    "the log refused the write: its outcome is not known until the "
                    "server is started again");
    return status;
}

static Status sequence_batch(WriteBatch *batch, CommitWaiter *waiter, Error *error)
{
    if (batch->must_look_again)
        return error_set(error, STATUS_WOULD_BLOCK, "locks were let go: look again");
    return sequence_operations(batch->engine, batch->tables, batch->table_count, batch->operations,
                               batch->operation_count, waiter, error);
}

Status write_commit(WriteBatch *batch, CommitResult *out, Error *error)
{
    Engine *engine = batch->engine;
    CommitWait *wait = commit_wait_take(engine);
    if (wait == NULL) {
        write_abandon(batch);
        return error_out_of_memory(error);
    }
    Status status = sequence_batch(batch, &wait->waiter, error);
    if (status != STATUS_WOULD_BLOCK)
        write_abandon(batch);
    if (status == OK) {
        Status outcome = commit_wait_for(wait);
        *out = wait->waiter.result;
        status = outcome == OK ? OK : outcome_unknown(outcome, error);
    }
    commit_wait_give(engine, wait);
    return status;
}

/* ---- without waiting ---- */

typedef struct AsyncCommit {
    CommitWaiter waiter;
    CommitCallback callback;
    void *context;
} AsyncCommit;

static void async_commit_done(void *context, Status status, const CommitResult *result)
{
    AsyncCommit *commit = context;
    commit->callback(commit->context, status, result);
    memory_free(commit);
}

static AsyncCommit *new_async_commit(CommitCallback callback, void *context)
{
    AsyncCommit *commit = MEMORY_NEW(AsyncCommit);
    if (commit == NULL)
        return NULL;
    commit->callback = callback;
    commit->context = context;
    commit->waiter = (CommitWaiter){.callback = async_commit_done, .context = commit};
    return commit;
}

Status write_commit_async(WriteBatch *batch, CommitCallback callback, void *context, Error *error)
{
    AsyncCommit *commit = new_async_commit(callback, context);
    if (commit == NULL) {
        write_abandon(batch);
        return error_out_of_memory(error);
    }
    Status status = sequence_batch(batch, &commit->waiter, error);
    if (status != STATUS_WOULD_BLOCK)
        write_abandon(batch);
    if (status != OK)
        memory_free(commit);
    return status;
}
