/* Replay: rows of the log that no cold commit covers go back into memtables.
 *
 * Positions are never taken from the log: a compaction may have moved the row since. The replaced
 * row is found by its key, among the candidates that are alive; if the record says that one stood
 * there and exactly one has its hash, it is that one. */
#include "engine/engine_int.h"

typedef struct Replay {
    Engine *engine;
    EngineRecovery *out;
    Arena arena; /* of one row */
    Buffer converted;
    EngineTable *table; /* of the row before: rows of one table come together */
    uint64_t rows_until_check;
} Replay;

enum {
    MEMORY_CHECK_ROWS = 4096,
    RECOVER_MID_ROWS = 50,
};

/* ---- one table, ready for its rows ---- */

typedef struct OpenVersion {
    EngineTable *table;
    uint64_t damaged[64];
    size_t damaged_count;
    bool too_many;
} OpenVersion;

static OwnerId owner_of(void *context, Slice name)
{
    const OpenVersion *open = context;
    const EngineHooks *hooks = &open->table->engine->hooks;
    return hooks->owner_of(hooks->context, name);
}

static void note_damaged(void *context, uint64_t file_sequence, const Error *why)
{
    OpenVersion *open = context;
    const EngineHooks *hooks = &open->table->engine->hooks;
    hooks->background_error(hooks->context, "key index", open->table->id, why);
    if (open->damaged_count < sizeof open->damaged / sizeof open->damaged[0])
        open->damaged[open->damaged_count++] = file_sequence;
    else
        open->too_many = true;
}

static Status open_version(EngineTable *table, ColdVersion **out, Error *error)
{
    OpenVersion open = {.table = table};
    ColdOpen request = {.metadata_path = table->appended.metadata_path,
                        .owner_of = table->kind == TABLE_USER ? owner_of : NULL,
                        .damaged_index = note_damaged,
                        .context = &open};
    uint32_t foreign = 0;
    if (table->appended.metadata_path[0] == '\0')
        return cold_version_empty(table->cold_table, out, error);
    for (;;) {
        open.damaged_count = 0;
        open.too_many = false;
        TRY(cold_version_open(table->cold_table, &request, out, error));
        Status status = OK;
        for (size_t i = 0; i < open.damaged_count && status == OK; i++)
            status = rebuild_index(table, *out, table->recovered_schema, open.damaged[i], error);
        if (status == OK && !open.too_many)
            status = cold_version_publish(table->cold_table, *out, &foreign, error);
        atomic_fetch_add(&table->engine->foreign_metadata, foreign);
        if (status == OK && !open.too_many)
            return OK;
        cold_version_release(*out);
        *out = NULL;
        TRY(status);
    }
}

Status table_finish_recovery(EngineTable *table, Error *error)
{
    TableMemtable *active = NULL;
    ColdVersion *cold = NULL;
    StreamVersion *stream = NULL;
    SuperVersion *next = NULL;
    Status status = OK;
    GO(table->kind == TABLE_STREAM ? cold_version_empty(table->cold_table, &cold, error)
                                   : open_version(table, &cold, error));
    if (table->kind == TABLE_STREAM)
        GO(stream_recover(table, &stream, error));
    GO(table_memtable_create(table->engine, table->recovered_schema, &active, error));
    GO(super_version_create(table, table->recovered_schema, active, NULL, 0, cold, stream, &next,
                            error));
    mutex_lock(&table->engine->root);
    SuperVersion *old = table_install(table, next);
    mutex_unlock(&table->engine->root);
    super_version_release(old);
done:
    table_memtable_release(active);
    stream_version_release(stream);
    if (cold != NULL)
        cold_version_release(cold);
    if (status == STATUS_FILE_NOT_FOUND) { /* a commit names it: that is damage, not a wrong path */
        status = error->status = STATUS_DATA_CORRUPTED;
        (void)error_prefix(error, "a file that was committed is missing");
    }
    if (status != OK)
        (void)error_wrap(error, "table %llu", (unsigned long long)table->id);
    return status;
}

/* ---- one row ---- */

static Schema *schema_of(const EngineTable *table, uint32_t version)
{
    if (table->recovered_schema->version == version)
        return table->recovered_schema;
    for (size_t i = 0; i < table->old_schema_count; i++) {
        if (table->old_schemas[i]->version == version)
            return table->old_schemas[i];
    }
    return NULL;
}

static Status current_row(Replay *replay, const EngineTable *table, const RowChange *change,
                          Slice *row, Error *error)
{
    *row = change->row;
    if (change->kind == WRITE_DELETE || change->schema_version == table->recovered_schema->version)
        return OK;
    Schema *schema = schema_of(table, change->schema_version);
    if (schema == NULL)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "the log has a row of a schema that the catalog does not know");
    buffer_clear(&replay->converted);
    TRY(row_convert(schema, change->row, table->recovered_schema, &replay->arena,
                    &replay->converted, error));
    *row = buffer_slice(&replay->converted);
    return OK;
}

static Status find_replaced(Replay *replay, EngineTable *table, const RowChange *change,
                            RowLocation *out, Error *error)
{
    RowFound found;
    bool is_there;
    *out = (RowLocation){.place = ROW_NOWHERE};
    if (!change->had_old || BROKEN(replay_lookup))
        return OK;
    TRY(version_find(table, table->current, change->key, change->owner, horizon_at_head(table),
                     false, &replay->arena, &found, &is_there, error));
    if (is_there)
        *out = found.location;
    return OK;
}

static Status apply_row(Replay *replay, EngineTable *table, const RowChange *change,
                        const LogFrame *frame, Error *error)
{
    TableMemtable *active = table->current->active;
    RowLocation old;
    Slice row;
    TRY(current_row(replay, table, change, &row, error));
    TRY(find_replaced(replay, table, change, &old, error));
    size_t size = record_size(change->key.size, row.size);
    TRY(memtable_reserve(active->rows, 1, size, size, error));
    if (old.place == ROW_IN_FILE)
        TRY(marks_reserve(memtable_marks(active->rows), 1, error));
    RecordHeader header = {.seq = change->seq,
                           .updated_us = change->updated_us,
                           .owner = change->owner,
                           .key_size = (uint16_t)change->key.size,
                           .row_size = (uint32_t)row.size};
    header.kind = change->kind == WRITE_PUT ? RECORD_PUT : RECORD_DELETE;
    (void)memtable_put(active->rows, &header, change->key, row);
    if (old.place == ROW_IN_FILE) {
        Mark mark = {old.file_id, change->seq, old.position, change->owner};
        marks_add(memtable_marks(active->rows), &mark);
    }
    active->hi = change->seq;
    active->operations++;
    if (frame->position < active->first_position)
        active->first_position = frame->position;
    if (active->first_put_ns == 0)
        active->first_put_ns = env_monotonic_ns(replay->engine->env);
    return OK;
}

/* ---- memory ---- */

static void count_memory(Engine *engine, TableMemtable *memtable)
{
    uint64_t bytes = memtable_bytes(memtable->rows);
    atomic_fetch_add(&engine->memory_bytes, bytes - memtable->bytes_counted);
    memtable->bytes_counted = bytes;
}

static EngineTable *largest_table(Engine *engine)
{
    EngineTable *largest = NULL;
    uint64_t bytes = 0;
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        for (EngineTable *t = engine->tables[i]; t != NULL; t = t->next_in_bucket) {
            uint64_t own = memtable_bytes(t->current->active->rows);
            if (own <= bytes)
                continue;
            bytes = own;
            largest = t;
        }
    }
    return largest;
}

/* What has not come by yet is in no memtable: a checkpoint made on the way must not begin behind
 * it.
 */
static void note_replayed(Engine *engine, LogPosition position)
{
    mutex_lock(&engine->sequencer);
    engine->replaying_from = position;
    if (position < engine->oldest_unsettled)
        engine->oldest_unsettled = position;
    mutex_unlock(&engine->sequencer);
}

/* The log may hold more than memory does: what is over half of the limit is flushed on the way. */
static Status relieve_memory(Replay *replay, LogPosition position, Error *error)
{
    Engine *engine = replay->engine;
    if (replay->rows_until_check-- > 0)
        return OK;
    replay->rows_until_check = MEMORY_CHECK_ROWS;
    count_memory(engine, replay->table->current->active);
    if (atomic_load(&engine->memory_bytes) < engine->options.memory_bytes_max / 2)
        return OK;
    EngineTable *table = largest_table(engine);
    if (table == NULL)
        return OK;
    note_replayed(engine, position);
    SettleRequest request = {.job_id = SLICE("recovery")};
    SettleResult result;
    return engine_flush(engine, table, &request, &result, error);
}

static Status replay_frame(void *context, const LogFrame *frame, Error *error)
{
    Replay *replay = context;
    Engine *engine = replay->engine;
    RowChange change;
    if (frame->kind != FRAME_ROW)
        return OK;
    TRY(row_change_decode(frame, &change, error));
    if (replay->table == NULL || replay->table->id != change.table_id)
        replay->table = table_map_find(engine, change.table_id);
    EngineTable *table = replay->table;
    if (table == NULL || change.seq <= cold_state_hi(&table->appended, change.owner)) {
        replay->out->rows_skipped++;
        return OK;
    }
    arena_reset(&replay->arena);
    TRY(apply_row(replay, table, &change, frame, error));
    replay->out->rows_replayed++;
    if (replay->out->rows_replayed % RECOVER_MID_ROWS == 0)
        TRY(FAULT(engine->env, recover_mid, error));
    return relieve_memory(replay, frame->end, error);
}

/* ---- all ---- */

static void finish_tables(Engine *engine)
{
    mutex_lock(&engine->sequencer);
    engine->replaying_from = UINT64_MAX;
    engine->oldest_unsettled = UINT64_MAX;
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        for (EngineTable *table = engine->tables[i]; table != NULL; table = table->next_in_bucket) {
            count_memory(engine, table->current->active);
            LogPosition first = table_first_position(table);
            if (first < engine->oldest_unsettled)
                engine->oldest_unsettled = first;
        }
    }
    mutex_unlock(&engine->sequencer);
}

Status replay_rows(Engine *engine, LogPosition from, EngineRecovery *out, Error *error)
{
    Replay replay = {.engine = engine, .out = out, .rows_until_check = MEMORY_CHECK_ROWS};
    arena_open(&replay.arena, 0);
    buffer_open(&replay.converted, 0);
    note_replayed(engine, from);
    Status status = log_replay(engine->log, from, replay_frame, &replay, error);
    finish_tables(engine);
    arena_close(&replay.arena);
    buffer_close(&replay.converted);
    return status;
}
