/* Recovery: the newest checkpoint, the records behind it, the cold versions they name, then the
 * rows that no commit covers (design/engine.md §8). Doing more of it again ends the same. */
#include "engine/engine_int.h"

typedef struct Recover {
    Engine *engine;
    EngineRecovery *out;
    CheckpointImage image;
    LogPosition from; /* records before it are in the checkpoint */
    uint64_t seq_ceiling;
    uint64_t id_ceiling;
} Recover;

/* ---- tables, as the hooks register them ---- */

static Status keep_schemas(EngineTable *table, const TableDefinition *definition, Error *error)
{
    Schema **schemas = memory_allocate_zeroed(definition->old_schema_count + 1, sizeof(Schema *));
    if (schemas == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < table->old_schema_count; i++)
        schema_release(table->old_schemas[i]);
    memory_free(table->old_schemas);
    for (size_t i = 0; i < definition->old_schema_count; i++)
        schemas[i] = schema_clone(definition->old_schemas[i]);
    table->old_schemas = schemas;
    table->old_schema_count = definition->old_schema_count;
    if (table->recovered_schema != NULL)
        schema_release(table->recovered_schema);
    table->recovered_schema = schema_clone(definition->schema);
    table->schema_version = definition->schema->version;
    table_take_policy(table, &definition->policy, false);
    return OK;
}

Status engine_recover_table(Engine *engine, const TableDefinition *definition, Error *error)
{
    EngineTable *table = table_map_find(engine, definition->schema->table_id);
    if (table == NULL) {
        TRY(table_create(engine, definition, &table, error));
        table_map_add(engine, table);
    }
    return keep_schemas(table, definition, error);
}

void engine_recover_drop(Engine *engine, uint64_t table_id)
{
    engine_table_release(table_map_remove(engine, table_id));
}

/* ---- records ---- */

static Status damaged(const char *what, Error *error)
{
    return error_set(error, STATUS_DATA_CORRUPTED, "a %s record names a table that is not there",
                     what);
}

static Status set_metadata(EngineTable *table, Slice path, Error *error)
{
    if (path.size >= sizeof table->appended.metadata_path)
        return damaged("cold commit", error);
    if (path.size > 0)
        memcpy(table->appended.metadata_path, path.data, path.size);
    table->appended.metadata_path[path.size] = '\0';
    return OK;
}

/* A table that a later record drops may be gone for a checkpoint that knew of the drop already. */
static Status apply_cold(Recover *recover, const LogFrame *frame, Error *error)
{
    ColdRecord record;
    TRY(cold_record_get(frame->payload, &record, error));
    EngineTable *table = table_map_find(recover->engine, record.table_id);
    if (table == NULL)
        return damaged("cold commit", error);
    TRY(set_metadata(table, record.metadata_path, error));
    if (record.kind != COLD_RECORD_FLUSH)
        return OK;
    if (BROKEN(user_replay) && record.owner != 0)
        return OK;
    TRY(cold_state_reserve(&table->appended, error));
    cold_state_flush(&table->appended, record.owner, record.hi);
    return OK;
}

static Status apply_change(Recover *recover, const DefinitionChange *change, uint64_t seq,
                           Error *error)
{
    Engine *engine = recover->engine;
    EngineTable *table = table_map_find(engine, change->table_id);
    if (table == NULL)
        return damaged("definition", error);
    switch ((TableChangeKind)change->kind) {
    case TABLE_CHANGE_CREATE:
        cold_state_flush(&table->appended, 0, seq);
        return OK;
    case TABLE_CHANGE_DROP:
        engine_recover_drop(engine, change->table_id);
        return OK;
    case TABLE_CHANGE_TRUNCATE:
        cold_state_flush(&table->appended, 0, seq);
        return change->metadata_path.size == 0 ? OK
                                               : set_metadata(table, change->metadata_path, error);
    case TABLE_CHANGE_ALTER:
        return change->metadata_path.size == 0 ? OK
                                               : set_metadata(table, change->metadata_path, error);
    }
    return damaged("definition", error);
}

/* The upper room first: it registers the tables that the changes speak of. */
static Status apply_definition(Recover *recover, const LogFrame *frame, Error *error)
{
    Engine *engine = recover->engine;
    DefinitionChange *changes;
    size_t count;
    Slice payload;
    Arena arena;
    Status status = OK;
    arena_open(&arena, 0);
    GO(definition_get(frame->payload, &arena, &changes, &count, &payload, error));
    GO(engine->hooks.recover_record(engine->hooks.context, FRAME_DEFINITION, frame->seq, payload,
                                    error));
    for (size_t i = 0; i < count; i++)
        GO(apply_change(recover, &changes[i], frame->seq, error));
done:
    arena_close(&arena);
    return status;
}

static Status apply_ceiling(Recover *recover, const LogFrame *frame, Error *error)
{
    Cursor cursor = cursor_of(frame->payload);
    uint64_t seq = cursor_u64(&cursor);
    uint64_t id = cursor_u64(&cursor);
    if (!cursor_is_done(&cursor))
        return error_set(error, STATUS_DATA_CORRUPTED, "a ceiling record is damaged");
    recover->seq_ceiling = seq > recover->seq_ceiling ? seq : recover->seq_ceiling;
    recover->id_ceiling = id > recover->id_ceiling ? id : recover->id_ceiling;
    return OK;
}

static Status apply_record(void *context, const LogFrame *frame, Error *error)
{
    Recover *recover = context;
    Engine *engine = recover->engine;
    if (frame->kind == FRAME_ROW)
        return OK;
    recover->out->records_applied++;
    switch (frame->kind) {
    case FRAME_COLD:
        return apply_cold(recover, frame, error);
    case FRAME_DEFINITION:
        return apply_definition(recover, frame, error);
    case FRAME_CEILING:
        return apply_ceiling(recover, frame, error);
    default:
        if (frame->kind >= FRAME_UPPER)
            return engine->hooks.recover_record(engine->hooks.context, frame->kind, frame->seq,
                                                frame->payload, error);
        return error_set(error, STATUS_VERSION_NOT_SUPPORTED,
                         "the log has a record of a kind (%u) that this version does not know",
                         frame->kind);
    }
}

/* ---- the steps ---- */

static Status load_checkpoint(Recover *recover, Error *error)
{
    Engine *engine = recover->engine;
    CheckpointImage *image = &recover->image;
    TRY(checkpoint_read(engine, &recover->out->used_checkpoint, image, error));
    if (!recover->out->used_checkpoint)
        return OK;
    recover->from = image->position;
    recover->seq_ceiling = image->seq_ceiling;
    recover->id_ceiling = image->id_ceiling;
    Status status = engine->hooks.recover_checkpoint(engine->hooks.context, image->upper, error);
    if (status == OK)
        status = checkpoint_tables_apply(engine, image->tables, error);
    if (status != OK)
        return error_wrap(error, "catalog/%016llx.checkpoint",
                          (unsigned long long)engine->checkpoint_number);
    atomic_store(&engine->checkpoint_position, image->position);
    return OK;
}

/* The name of the checkpoint that was found may be in the page cache only, where the folder's sync
 * failed before the last end: a loss of power would leave the one before it. So it is written
 * again, and where that does not work the log is kept as far as it goes, until this life has made
 * one. */
static void confirm_checkpoint(Recover *recover)
{
    Engine *engine = recover->engine;
    Error error;
    if (atomic_load(&engine->checkpoints) > 0)
        return;
    atomic_store(&engine->checkpoint_replay_from, recover->out->log.first);
    if (!recover->out->used_checkpoint)
        return;
    if (checkpoint_write_again(engine, &recover->image, &error) == OK)
        atomic_store(&engine->checkpoint_replay_from, recover->image.replay_from);
    else
        engine->hooks.background_error(engine->hooks.context, "checkpoint", 0, &error);
}

/* A directory with settled tables and neither log nor checkpoint is not a new one. */
static Status refuse_tables_in(Engine *engine, const char *folder, Error *error)
{
    Path storage;
    FileInformation information;
    DirectoryEntry *entries;
    size_t count = 0;
    Arena arena;
    TRY(path_join(&storage, engine->directory.text, folder, error));
    TRY(env_stat(engine->env, storage.text, &information, error));
    if (!information.exists)
        return OK;
    arena_open(&arena, 0);
    Status status = env_list(engine->env, storage.text, &arena, &entries, &count, error);
    arena_close(&arena);
    TRY(status);
    if (count == 0)
        return OK;
    (void)error_set(error, STATUS_DATA_CORRUPTED,
                    "the directory has tables, but neither a log nor a checkpoint");
    error_set_hint(error, "Nothing was changed. Restore log/ and catalog/.");
    return error->status;
}

static Status refuse_headless(Engine *engine, const EngineRecovery *out, Error *error)
{
    if (out->used_checkpoint || out->log.found_any)
        return OK;
    TRY(refuse_tables_in(engine, "storage", error));
    return refuse_tables_in(engine, "streams", error);
}

static Status start_log(Recover *recover, Error *error)
{
    Engine *engine = recover->engine;
    uint64_t highest = recover->out->log.highest_seq;
    engine->head = highest > recover->seq_ceiling ? highest : recover->seq_ceiling;
    engine->head++; /* names the segment */
    engine->seq_ceiling = engine->head;
    atomic_store(&engine->next_id, recover->id_ceiling + 1);
    atomic_store(&engine->id_ceiling, recover->id_ceiling + 1);
    TRY(log_start(engine->log, engine->head, error));
    atomic_store(&engine->visible, engine->head);
    return thread_start(engine->env, "committer", THREAD_STACK_BYTES_DEFAULT, committer_run, engine,
                        &engine->committer, error);
}

/* Logs the first ceiling: nothing is given out before it is durable. */
static Status log_ceiling(Engine *engine, Error *error)
{
    mutex_lock(&engine->sequencer);
    Status status = sequencer_reserve(engine, 1, 0, true, error);
    if (status == OK)
        sequencer_prepare(engine, 1);
    uint64_t head = engine->head;
    mutex_unlock(&engine->sequencer);
    TRY(status);
    log_notify(engine->log);
    return engine_wait_visible(engine, head, error);
}

static Status finish_tables(Engine *engine, Error *error)
{
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        for (EngineTable *table = engine->tables[i]; table != NULL; table = table->next_in_bucket)
            TRY(table_finish_recovery(table, error));
    }
    return OK;
}

static Status recover_all(Recover *recover, Error *error)
{
    Engine *engine = recover->engine;
    EngineRecovery *out = recover->out;
    Path log_path;
    TRY(load_checkpoint(recover, error));
    LogPosition replay_from = recover->image.replay_from;
    TRY(path_join(&log_path, engine->directory.text, "log", error));
    TRY(log_open(engine->env, log_path.text, &engine->options.log, replay_from, &engine->log,
                 &out->log, error));
    TRY(refuse_headless(engine, out, error));
    if (recover->from > out->log.end)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "the log ends before the checkpoint: its newest segments are missing");
    TRY(log_replay(engine->log, recover->from, apply_record, recover, error));
    TRY(start_log(recover, error));
    TRY(log_ceiling(engine, error));
    TRY(finish_tables(engine, error));
    int64_t replay_ns = env_monotonic_ns(engine->env);
    TRY(replay_rows(engine, replay_from, out, error));
    out->replay_ns = env_monotonic_ns(engine->env) - replay_ns;
    confirm_checkpoint(recover);
    return OK;
}

Status engine_recover(Engine *engine, EngineRecovery *out, Error *error)
{
    Recover recover = {.engine = engine, .out = out};
    int64_t begin_ns = env_monotonic_ns(engine->env);
    *out = (EngineRecovery){0};
    buffer_open(&recover.image.bytes, 0);
    Status status = recover_all(&recover, error);
    checkpoint_close(&recover.image);
    TRY(status);
    out->duration_ns = env_monotonic_ns(engine->env) - begin_ns;
    out->foreign_metadata = (uint32_t)atomic_load(&engine->foreign_metadata);
    engine_release_log(engine);
    return OK;
}
