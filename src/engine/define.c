/* Definitions: DDL and what it does to tables (design/engine.md §7).
 *
 * A flush changes no answer; these do. So: the table's lock exclusively, then its cold lock, then
 * everything that can fail, then seal and append in one step under the sequencer, then installed in
 * the very step in which visible passes the record. Leaving any one out resurrects or loses rows
 * (engine_rules.py, truncate). */
#include "engine/engine_int.h"

typedef struct Prepared {
    const TableChange *change;
    EngineTable *table; /* a reference; CREATE: the new one */
    bool locked;
    SuperVersion *next;    /* TRUNCATE, ALTER */
    SuperVersion *old;     /* what it replaced; DROP: NULL */
    EngineTable *removed;  /* DROP: the map's reference */
    ColdVersion *cold;     /* of `next`, where it is a new one */
    StreamVersion *stream; /* the same */
    ColdState appended;    /* ALTER, TRUNCATE: what becomes of the table's */
} Prepared;

typedef struct Define {
    Engine *engine;
    const Definition *definition;
    Prepared *prepared;
    size_t count;
    Buffer payload;
    Install install;
    uint64_t seq;
    bool installed;
} Define;

/* ---- locks ---- */

static Status lock_table(Define *define, Prepared *prepared, Error *error)
{
    uint64_t id = prepared->change->table_id;
    prepared->table = engine_table(define->engine, id);
    if (prepared->table == NULL)
        return error_of(error, STATUS_UNDEFINED_TABLE);
    if (!BROKEN(truncate_lock))
        TRY(table_lock_exclusive(&prepared->table->lock, define->definition->lock_deadline_ns,
                                 error));
    mutex_lock(&prepared->table->cold_lock);
    prepared->locked = true;
    env_yield(define->engine->env, "table locked");
    return OK;
}

static void unlock_table(Prepared *prepared)
{
    if (!prepared->locked)
        return;
    mutex_unlock(&prepared->table->cold_lock);
    if (!BROKEN(truncate_lock))
        table_unlock_exclusive(&prepared->table->lock);
    prepared->locked = false;
}

/* ---- preparing ---- */

static Status prepare_change(Define *define, Prepared *prepared, ColdChange *change, Error *error)
{
    EngineTable *table = prepared->table;
    TablePolicy policy;
    engine_table_policy(table, &policy);
    change->file_sequence = engine_next_id(define->engine);
    change->snapshots_max = define->engine->options.snapshots_max;
    change->snapshots_after_us = env_wall_us(define->engine->env) - policy.snapshot_retention_us;
    return cold_version_prepare(table->cold_table, table->current->cold, change, &prepared->cold,
                                error);
}

static Status all_file_ids(const ColdVersion *cold, Arena *arena, uint64_t **out, size_t *count,
                           Error *error)
{
    *count = cold_version_file_count(cold);
    *out = ARENA_ARRAY(arena, uint64_t, *count);
    if (*out == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = cold_version_file(cold, i)->id;
    return OK;
}

/* STREAM: the version without files. */
static Status prepare_no_windows(Define *define, Prepared *prepared, Error *error)
{
    EngineTable *table = prepared->table;
    StreamVersion *current = table->current->stream;
    if (current == NULL || stream_version_file_count(current) == 0)
        return OK;
    StreamContext context = stream_context_of(table);
    StreamChange change = {.removes_all = true,
                           .evict_until_us = INT64_MIN,
                           .expired_us = table_expired_us(table),
                           .sequence = engine_next_id(define->engine)};
    return stream_version_prepare(&context, current, &change, &prepared->stream, error);
}

static Status prepare_truncate(Define *define, Prepared *prepared, Error *error)
{
    EngineTable *table = prepared->table;
    const SuperVersion *current = table->current;
    TableMemtable *fresh = NULL;
    Arena arena;
    uint64_t *ids;
    size_t count;
    Status status = OK;
    arena_open(&arena, 0);
    GO(all_file_ids(current->cold, &arena, &ids, &count, error));
    if (count > 0) {
        ColdChange change = {.operation = COLD_DELETE,
                             .schema = current->schema,
                             .removed = ids,
                             .removed_count = count};
        GO(prepare_change(define, prepared, &change, error));
    }
    GO(prepare_no_windows(define, prepared, error));
    GO(table_memtable_create(define->engine, current->schema, &fresh, error));
    GO(super_version_create(table, current->schema, BROKEN(truncate_seal) ? current->active : fresh,
                            NULL, 0, prepared->cold != NULL ? prepared->cold : current->cold,
                            prepared->stream != NULL ? prepared->stream : current->stream,
                            &prepared->next, error));
done:
    table_memtable_release(fresh);
    arena_close(&arena);
    return status;
}

/* The active memtable is sealed as it is; rows of the new schema begin a fresh one. */
static Status prepare_alter(Define *define, Prepared *prepared, Error *error)
{
    EngineTable *table = prepared->table;
    const SuperVersion *current = table->current;
    Schema *schema = prepared->change->definition->schema;
    TableMemtable *fresh = NULL;
    size_t sealed = current->sealed_count + 1;
    Status status = OK;
    SealedEntry *entries = memory_allocate_zeroed(sealed, sizeof(SealedEntry));
    if (entries == NULL)
        return error_out_of_memory(error);
    entries[0].memtable = current->active;
    for (size_t i = 0; i < current->sealed_count; i++)
        entries[i + 1] = current->sealed[i];
    bool skips_empty = current->active->operations == 0;
    if (cold_version_number(current->cold) > 0) {
        ColdChange change = {.operation = COLD_SCHEMA, .schema = schema};
        GO(prepare_change(define, prepared, &change, error));
    }
    GO(table_memtable_create(define->engine, schema, &fresh, error));
    GO(super_version_create(table, schema, fresh, entries + skips_empty, sealed - skips_empty,
                            prepared->cold != NULL ? prepared->cold : current->cold,
                            current->stream, &prepared->next, error));
done:
    memory_free(entries);
    table_memtable_release(fresh);
    return status;
}

/* A flush syncs the table's folder and the one that holds it. That one, of a storage maybe that is
 * new, must be safe itself, or a loss of power takes everything settled in it. */
static Status make_parent_of(Engine *engine, const char *folder, Error *error)
{
    Path parent;
    TRY(path_format(&parent, error, "%s", folder));
    char *slash = strrchr(parent.text, '/');
    if (slash == NULL || slash == parent.text)
        return OK;
    *slash = '\0';
    return env_make_durable_directories(engine->env, parent.text, error);
}

static Status prepare(Define *define, Prepared *prepared, Error *error)
{
    const TableChange *change = prepared->change;
    if (change->kind == TABLE_CHANGE_CREATE) {
        TRY(make_parent_of(define->engine, change->definition->folder, error));
        return table_create(define->engine, change->definition, &prepared->table, error);
    }
    TRY(lock_table(define, prepared, error));
    switch (change->kind) {
    case TABLE_CHANGE_TRUNCATE:
        return prepare_truncate(define, prepared, error);
    case TABLE_CHANGE_ALTER:
        return prepare_alter(define, prepared, error);
    case TABLE_CHANGE_CREATE:
    case TABLE_CHANGE_DROP:
        return OK;
    }
    UNREACHABLE();
}

/* "": as it was. */
static const char *metadata_of(const Prepared *prepared)
{
    if (prepared->stream != NULL)
        return stream_version_manifest(prepared->stream);
    return prepared->cold == NULL ? "" : cold_version_metadata_path(prepared->cold);
}

static Status encode(Define *define, Error *error)
{
    DefinitionChange *changes = memory_allocate_zeroed(define->count + 1, sizeof *changes);
    if (changes == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < define->count; i++) {
        const Prepared *prepared = &define->prepared[i];
        changes[i].kind = (uint8_t)prepared->change->kind;
        changes[i].table_id = prepared->table->id;
        changes[i].metadata_path = slice_of_text(metadata_of(prepared));
    }
    definition_put(&define->payload, changes, define->count, define->definition->payload);
    memory_free(changes);
    return buffer_status(&define->payload, error);
}

/* ---- appending and installing ---- */

static void note_metadata(Prepared *prepared)
{
    const char *path = metadata_of(prepared);
    size_t size = strlen(path) + 1;
    if (size == 1)
        return;
    ASSERT(size <= sizeof prepared->table->appended.metadata_path);
    memcpy(prepared->table->appended.metadata_path, path, size);
}

/* Under the sequencer, with the record. */
static void note_appended(Prepared *prepared, uint64_t seq)
{
    EngineTable *table = prepared->table;
    switch (prepared->change->kind) {
    case TABLE_CHANGE_CREATE:
        cold_state_flush(&table->appended, 0, seq);
        return;
    case TABLE_CHANGE_DROP:
        table->dropped = true;
        return;
    case TABLE_CHANGE_TRUNCATE:
        note_metadata(prepared);
        cold_state_flush(&table->appended, 0, seq);
        table->current->active->sealed = !BROKEN(truncate_seal);
        return;
    case TABLE_CHANGE_ALTER:
        note_metadata(prepared);
        table->schema_version = prepared->change->definition->schema->version;
        table_take_policy(table, &prepared->change->definition->policy, true);
        table->current->active->sealed = true;
        return;
    }
    UNREACHABLE();
}

static void install_change(Engine *engine, Prepared *prepared)
{
    EngineTable *table = prepared->table;
    switch (prepared->change->kind) {
    case TABLE_CHANGE_CREATE:
        table_map_add(engine, table_clone(table));
        return;
    case TABLE_CHANGE_DROP:
        prepared->removed = table_map_remove(engine, table->id);
        graveyard_add(engine, table);
        return;
    case TABLE_CHANGE_TRUNCATE:
    case TABLE_CHANGE_ALTER:
        prepared->old = table_install(table, prepared->next);
        prepared->next = NULL;
        return;
    }
    UNREACHABLE();
}

static void install_definition(Install *install)
{
    Define *define = install->context;
    if (define->installed)
        return;
    define->installed = true;
    for (size_t i = 0; i < define->count; i++)
        install_change(define->engine, &define->prepared[i]);
    if (define->definition->install != NULL)
        define->definition->install(define->definition->context, define->seq);
}

/* A breakage. */
static void install_now(Define *define)
{
    mutex_lock(&define->engine->root);
    install_definition(&define->install);
    mutex_unlock(&define->engine->root);
}

static Status append(Define *define, Error *error)
{
    Engine *engine = define->engine;
    Slice part = buffer_slice(&define->payload);
    TRY(sequencer_reserve(engine, 1, part.size, true, error));
    sequencer_prepare(engine, 1);
    define->seq = sequencer_next(engine);
    define->install = (Install){.run = install_definition, .context = define, .seq = define->seq};
    define->install.position =
        log_append(engine->log, FRAME_DEFINITION, LOG_FRAME_COMMIT, define->seq, 0, &part, 1);
    if (!BROKEN(define_sync))
        log_require_sync(engine->log);
    if (BROKEN(install_early))
        install_now(define);
    engine_add_install(engine, &define->install);
    for (size_t i = 0; i < define->count; i++)
        note_appended(&define->prepared[i], define->seq);
    if (define->definition->appended != NULL)
        define->definition->appended(define->definition->context, define->seq);
    return OK;
}

/* Outside readers see the change as soon as it can be linked; the next commit does it otherwise. */
static void publish(Define *define)
{
    Engine *engine = define->engine;
    for (size_t i = 0; i < define->count; i++) {
        const Prepared *prepared = &define->prepared[i];
        Error error;
        uint32_t foreign = 0;
        if (prepared->cold == NULL)
            continue;
        if (cold_version_publish(prepared->table->cold_table, prepared->cold, &foreign, &error) !=
            OK)
            engine->hooks.background_error(engine->hooks.context, "publish", prepared->table->id,
                                           &error);
        atomic_fetch_add(&engine->foreign_metadata, foreign);
    }
}

static Status run(Define *define, Error *error)
{
    Engine *engine = define->engine;
    for (size_t i = 0; i < define->count; i++)
        TRY(prepare(define, &define->prepared[i], error));
    if (define->definition->check != NULL) {
        TRY(engine_wait_visible(engine, engine_head(engine), error));
        TRY(define->definition->check(define->definition->check_context, error));
    }
    TRY(encode(define, error));
    TRY(FAULT(engine->env, ddl_commit, error));
    mutex_lock(&engine->sequencer);
    Status status = append(define, error);
    mutex_unlock(&engine->sequencer);
    TRY(status);
    log_notify(engine->log);
    TRY(engine_wait_install(engine, &define->install, error));
    publish(define);
    return OK;
}

static void close_prepared(Prepared *prepared)
{
    unlock_table(prepared);
    super_version_release(prepared->next);
    super_version_release(prepared->old);
    if (prepared->cold != NULL)
        cold_version_release(prepared->cold);
    stream_version_release(prepared->stream);
    engine_table_release(prepared->removed);
    engine_table_release(prepared->table);
}

Status engine_define(Engine *engine, const Definition *definition, uint64_t *seq, Error *error)
{
    Define define = {.engine = engine, .definition = definition, .count = definition->change_count};
    Status status = OK;
    define.prepared = memory_allocate_zeroed(define.count + 1, sizeof(Prepared));
    if (define.prepared == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < define.count; i++)
        define.prepared[i].change = &definition->changes[i];
    buffer_open(&define.payload, 0);
    mutex_lock(&engine->define_mutex);
    status = run(&define, error);
    mutex_unlock(&engine->define_mutex);
    if (status == OK)
        *seq = define.seq;
    for (size_t i = 0; i < define.count; i++)
        close_prepared(&define.prepared[i]);
    buffer_close(&define.payload);
    memory_free(define.prepared);
    if (status == OK)
        engine_release_log(engine);
    return status;
}

/* ---- records that touch no table ---- */

Status engine_append_upper(Engine *engine, uint8_t kind, Slice payload,
                           void (*appended)(void *context, uint64_t seq), void *context, bool wait,
                           Error *error)
{
    uint64_t seq = 0;
    ASSERT(kind >= FRAME_UPPER);
    mutex_lock(&engine->sequencer);
    Status status = sequencer_reserve(engine, 1, payload.size, false, error);
    if (status == OK) {
        sequencer_prepare(engine, 1);
        seq = sequencer_next(engine);
        (void)log_append(engine->log, kind, LOG_FRAME_COMMIT, seq, 0, &payload, 1);
        if (appended != NULL)
            appended(context, seq);
    }
    mutex_unlock(&engine->sequencer);
    TRY(status);
    log_notify(engine->log);
    return wait ? engine_wait_visible(engine, seq, error) : OK;
}
