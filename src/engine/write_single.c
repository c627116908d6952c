/* A whole single-row write on a thread that must not wait: a network loop. Where anything would
 * have to be waited for (a lock, a file, room) nothing is done, and a statement thread does it
 * again. */
#include "base/hash.h"
#include "engine/engine_int.h"

typedef struct Single {
    Engine *engine;
    BatchTable table;
    KeyLock lock;
    Arena *arena;
    BatchOperation operation;
} Single;

static Status would_block(Error *error)
{
    return error_of(error, STATUS_WOULD_BLOCK);
}

/* The head's super-version and sequence. */
static uint64_t pin_head(Single *single)
{
    Engine *engine = single->engine;
    mutex_lock(&engine->sequencer);
    uint64_t head = engine->head;
    single->table.version = super_version_clone(single->table.table->current);
    mutex_unlock(&engine->sequencer);
    return head;
}

static Status find_hot(Single *single, Slice key, RowFound *out, bool *found, Error *error)
{
    const SuperVersion *version = single->table.version;
    bool may_be_cold;
    OwnerId owner = key_owner_of(single->table.table->kind, key);
    *out = (RowFound){0};
    version_find_hot(version, key, owner, horizon_at_head(single->table.table), &out->location,
                     &may_be_cold);
    if (may_be_cold)
        return would_block(error);
    *found = out->location.place == ROW_IN_MEMORY;
    if (!*found)
        return OK;
    const RecordHeader *record = out->location.record;
    out->seq = record->seq;
    out->updated_us = record->updated_us;
    return record_row_in(record, memtable_schema(out->location.memtable), version->schema,
                         single->arena, &out->row, error);
}

typedef struct AsyncSingle {
    CommitWaiter waiter;
    CommitCallback callback;
    void *context;
} AsyncSingle;

static void single_done(void *context, Status status, const CommitResult *result)
{
    AsyncSingle *async = context;
    async->callback(async->context, status, result);
    memory_free(async);
}

static Status encode_and_sequence(Single *single, CommitCallback callback, void *context,
                                  Error *error)
{
    const WriteOperation *operation = &single->operation.operation;
    Buffer body;
    buffer_open(&body, 0);
    row_body_put(&body, single->table.table->id, single->table.schema_version, operation);
    Status status = buffer_status(&body, error);
    AsyncSingle *async = status == OK ? MEMORY_NEW(AsyncSingle) : NULL;
    if (status == OK && async == NULL)
        status = error_out_of_memory(error);
    if (status == OK) {
        async->callback = callback;
        async->context = context;
        async->waiter = (CommitWaiter){.callback = single_done, .context = async};
        single->operation.body = buffer_slice(&body);
        status = sequence_operations(single->engine, &single->table, 1, &single->operation, 1,
                                     &async->waiter, error);
    }
    if (status != OK)
        memory_free(async);
    buffer_close(&body);
    return status;
}

static Status decide_and_sequence(Single *single, Slice key, WriteDecision decide,
                                  void *decide_context, CommitCallback callback, void *context,
                                  bool *skipped, Error *error)
{
    RowFound old;
    bool had_old = false;
    WriteOperation *operation = &single->operation.operation;
    TRY(find_hot(single, key, &old, &had_old, error));
    *operation = (WriteOperation){.key = key, .old = old.location, .had_old = had_old};
    if (had_old)
        operation->old_row = old.row;
    operation->owner = key_owner_of(single->table.table->kind, key);
    TRY(decide(decide_context, &old, had_old, operation, skipped, error));
    if (*skipped)
        return OK;
    ASSERT(operation->key.size <= KEY_BYTES_MAX && operation->row.size <= ROW_BYTES_MAX);
    ASSERT(slice_equal(operation->key, key)); /* a change of key is not for this path */
    return encode_and_sequence(single, callback, context, error);
}

static Status with_key_lock(Single *single, Slice key, WriteDecision decide, void *decide_context,
                            CommitCallback callback, void *context, uint64_t *seen, bool *skipped,
                            Error *error)
{
    KeyLocks *locks = &single->engine->key_locks;
    if (!key_lock_try(locks, &single->lock))
        return would_block(error);
    *seen = pin_head(single);
    Status status = OK;
    if (single->table.version->schema->version != single->table.schema_version)
        status = error_of(error, STATUS_SCHEMA_CHANGED);
    if (status == OK)
        status = decide_and_sequence(single, key, decide, decide_context, callback, context,
                                     skipped, error);
    super_version_release(single->table.version);
    key_lock_release(locks, &single->lock);
    return status;
}

Status write_single(Engine *engine, EngineTable *table, uint32_t schema_version, Slice key,
                    WriteDecision decide, void *decide_context, CommitCallback callback,
                    void *callback_context, uint64_t *seen, bool *skipped, Error *error)
{
    Arena arena;
    Single single = {.engine = engine,
                     .table = {.table = table, .schema_version = schema_version},
                     .lock = {.hash = key_lock_hash(table->id, key)},
                     .arena = &arena};
    *skipped = false;
    if (atomic_load(&engine->poisoned))
        return error_of(error, STATUS_LOG_POISONED);
    if (!pressure_is_clear(engine, table) || !table_lock_try_shared(&table->lock))
        return would_block(error);
    arena_open(&arena, 0);
    Status status = with_key_lock(&single, key, decide, decide_context, callback, callback_context,
                                  seen, skipped, error);
    arena_close(&arena);
    table_unlock_shared(&table->lock);
    return status;
}
