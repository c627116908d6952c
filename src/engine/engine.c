#include "engine/engine.h"

#include "engine/engine_int.h"

/* ---- opening ---- */

/* An end beyond any machine: what bounds the rows in memory is pressure.c, which lets writers wait
 * where the store could only refuse them. */
static const uint64_t ROWS_MAPPED_BYTES_MAX = (uint64_t)1 << 44;

static Status lock_directory(Engine *engine, const char *directory, Error *error)
{
    Path path;
    TRY(path_format(&engine->directory, error, "%s", directory));
    TRY(env_make_durable_directories(engine->env, directory, error));
    TRY(path_join(&path, directory, "LOCK", error));
    return file_lock_open(engine->env, path.text, &engine->lock_file, error);
}

static Status open_parts(Engine *engine, Error *error)
{
    Env *env = engine->env;
    const EngineOptions *options = &engine->options;
    TRY(row_store_open(env, ROWS_MAPPED_BYTES_MAX, &engine->row_store, error));
    TRY(row_cache_create(env, options->row_cache_bytes, &engine->row_cache, error));
    TRY(file_cache_open(env, options->key_files_open_max, &engine->file_cache, error));
    engine->cold_context = (ColdContext){env, engine->io, engine->file_cache};
    return OK;
}

static void open_locks(Engine *engine)
{
    Env *env = engine->env;
    key_locks_open(&engine->key_locks, env);
    mutex_open(&engine->define_mutex, env, "define");
    mutex_open(&engine->sequencer, env, "sequencer");
    mutex_open(&engine->root, env, "root");
    mutex_open(&engine->pressure_mutex, env, "pressure");
    commit_waits_open(engine);
    condition_open(&engine->handed_out, env);
    condition_open(&engine->pressure_changed, env);
    engine->waiters_end = &engine->waiters;
    engine->installs_end = &engine->installs;
    engine->oldest_unsettled = UINT64_MAX;
    engine->replaying_from = UINT64_MAX;
    atomic_store(&engine->stall_reason, "");
}

static void stop_committer(Engine *engine)
{
    if (engine->committer == NULL)
        return;
    atomic_store(&engine->closing, true);
    log_wake(engine->log);
    thread_join(engine->committer);
    engine->committer = NULL;
}

static void release_tables(Engine *engine)
{
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        while (engine->tables[i] != NULL)
            engine_table_release(table_map_remove(engine, engine->tables[i]->id));
    }
}

static void close_parts(Engine *engine)
{
    Error ignored;
    ASSERT(engine->pin_count == 0);
    release_tables(engine);
    log_close(engine->log);
    if (engine->file_cache != NULL)
        file_cache_close(engine->file_cache);
    row_cache_destroy(engine->row_cache);
    if (engine->row_store != NULL)
        row_store_close(engine->row_store);
    if (engine->lock_file != NULL) {
        Status status = file_close(engine->lock_file, &ignored);
        (void)status; /* the lock goes with the descriptor, whatever close says */
    }
    condition_close(&engine->pressure_changed);
    condition_close(&engine->handed_out);
    commit_waits_close(engine);
    mutex_close(&engine->pressure_mutex);
    mutex_close(&engine->root);
    mutex_close(&engine->sequencer);
    mutex_close(&engine->define_mutex);
    key_locks_close(&engine->key_locks);
    memory_free(engine);
}

Status engine_open(Env *env, const EngineOptions *options, const EngineHooks *hooks, DataFileIo *io,
                   Engine **out, EngineRecovery *recovery, Error *error)
{
    Engine *engine = MEMORY_NEW(Engine);
    if (engine == NULL)
        return error_out_of_memory(error);
    engine->env = env;
    engine->options = *options;
    engine->hooks = *hooks;
    engine->io = io;
    open_locks(engine);
    *out = engine; /* the hooks may ask for it while it recovers */
    Status status = OK;
    GO(lock_directory(engine, options->directory, error));
    GO(open_parts(engine, error));
    GO(engine_recover(engine, recovery, error));
    return OK;
done:
    *out = NULL;
    stop_committer(engine);
    close_parts(engine);
    return status;
}

void engine_abandon(Engine *engine)
{
    stop_committer(engine);
    close_parts(engine);
}

Status engine_close(Engine *engine, Error *error)
{
    Status status = OK;
    if (!atomic_load(&engine->poisoned))
        status = engine_checkpoint(engine, error);
    engine_abandon(engine);
    return status;
}

/* ---- small answers ---- */

Env *engine_env(const Engine *engine)
{
    return engine->env;
}

uint64_t engine_head(const Engine *engine)
{
    Engine *own = (Engine *)(uintptr_t)engine;
    mutex_lock(&own->sequencer);
    uint64_t head = own->head;
    mutex_unlock(&own->sequencer);
    return head;
}

bool engine_is_poisoned(const Engine *engine)
{
    return atomic_load(&engine->poisoned);
}

Log *engine_log(Engine *engine)
{
    return engine->log;
}

void engine_set_limits(Engine *engine, const EngineOptions *options)
{
    mutex_lock(&engine->sequencer);
    const char *directory = engine->options.directory;
    engine->options = *options;
    engine->options.directory = directory;
    mutex_unlock(&engine->sequencer);
    log_set_durability(engine->log, options->log.durability, options->log.interval_ns);
    pressure_relieved(engine);
}

/* ---- intervals ---- */

/* When the table's interval flush is due, or INT64_MAX. Under the sequencer. */
static int64_t table_due_ns(const EngineTable *table)
{
    const SuperVersion *version = table->current;
    int64_t first_ns = version->active->first_put_ns;
    if (version->sealed_count > 0)
        return INT64_MIN; /* a flush that failed */
    if (first_ns == 0 || table->policy.flush_interval_ns <= 0)
        return INT64_MAX;
    bool is_endless = table->policy.flush_interval_ns > INT64_MAX - first_ns;
    return is_endless ? INT64_MAX : first_ns + table->policy.flush_interval_ns;
}

/* Sealed memtables are nothing that failed while a flush works on them. */
static bool is_flushing(EngineTable *table)
{
    if (!mutex_try_lock(&table->flush_mutex))
        return true;
    mutex_unlock(&table->flush_mutex);
    return false;
}

static int64_t check_table(Engine *engine, EngineTable *table, int64_t now_ns)
{
    if (is_flushing(table))
        return INT64_MAX; /* the next tick looks again */
    mutex_lock(&engine->sequencer);
    int64_t due_ns = table->dropped ? INT64_MAX : table_due_ns(table);
    if (!table->dropped) /* rows that replay put back, and changed policies, wait for no writer */
        sequencer_check_triggers(engine, table);
    mutex_unlock(&engine->sequencer);
    if (due_ns > now_ns)
        return due_ns;
    if (due_ns == INT64_MIN) { /* … or one that runs */
        if (!mutex_try_lock(&table->flush_mutex))
            return INT64_MAX;
        mutex_unlock(&table->flush_mutex);
    }
    engine->hooks.flush_wanted(engine->hooks.context, table->id, TRIGGER_INTERVAL);
    return INT64_MAX;
}

int64_t engine_check_intervals(Engine *engine)
{
    Arena arena;
    Error ignored;
    EngineTable **tables;
    size_t count;
    int64_t next_ns = INT64_MAX;
    int64_t now_ns = env_monotonic_ns(engine->env);
    pins_check(engine);
    atomic_store(&engine->relief_wanted, false);
    pressure_memory_check(engine);
    if (engine->options.seals_only_by_command)
        return next_ns;
    arena_open(&arena, 0);
    if (engine_tables(engine, &arena, &tables, &count, &ignored) == OK) {
        for (size_t i = 0; i < count; i++) {
            int64_t due_ns = check_table(engine, tables[i], now_ns);
            next_ns = due_ns < next_ns ? due_ns : next_ns;
            engine_table_release(tables[i]);
        }
    }
    arena_close(&arena);
    return next_ns;
}

/* ---- statistics ---- */

static void add_memtable(const TableMemtable *memtable, uint64_t *rows, uint64_t *bytes)
{
    *rows += memtable->operations;
    *bytes += memtable_bytes(memtable->rows);
}

static void add_table(EngineTable *table, EngineStatistics *out, LogPosition *oldest)
{
    const SuperVersion *version = table->current;
    add_memtable(version->active, &out->memory_active_rows, &out->memory_active_bytes);
    for (size_t i = 0; i < version->sealed_count; i++)
        add_memtable(version->sealed[i].memtable, &out->memory_sealed_rows,
                     &out->memory_sealed_bytes);
    out->sealed_memtables += (uint32_t)version->sealed_count;
    LogPosition first = table_first_position(table);
    if (first < *oldest) {
        *oldest = first;
        out->pinning_table = table->id;
        MemtableUsage usage;
        size_t last = version->sealed_count;
        memtable_usage(version->pinned[last].memtable, &usage);
        out->oldest_unflushed_seq = usage.first_seq;
    }
}

static void add_tables(Engine *engine, EngineStatistics *out)
{
    LogPosition oldest = UINT64_MAX;
    mutex_lock(&engine->sequencer);
    mutex_lock(&engine->root);
    out->head = engine->head;
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        for (EngineTable *table = engine->tables[i]; table != NULL; table = table->next_in_bucket)
            add_table(table, out, &oldest);
    }
    out->pins = engine->pin_count;
    out->pins_cancelled = engine->pins_cancelled;
    if (engine->oldest_pin != NULL)
        out->oldest_pin_ns = env_monotonic_ns(engine->env) - engine->oldest_pin->opened_ns;
    mutex_unlock(&engine->root);
    mutex_unlock(&engine->sequencer);
}

void engine_statistics(Engine *engine, EngineStatistics *out)
{
    *out = (EngineStatistics){0};
    log_statistics(engine->log, &out->log);
    add_tables(engine, out);
    out->visible = engine_visible(engine);
    out->memory_mapped_bytes = row_store_bytes_mapped(engine->row_store);
    out->commits = atomic_load(&engine->commits);
    out->commit_ns = atomic_load(&engine->commit_ns);
    out->snapshots_committed = atomic_load(&engine->snapshots_committed);
    out->unflushed_bytes = atomic_load(&engine->unflushed_bytes);
    out->stalls = atomic_load(&engine->stalls);
    out->stall_ns = atomic_load(&engine->stall_ns);
    out->stall_reason = atomic_load(&engine->stall_reason);
    out->slowdowns = atomic_load(&engine->slowdowns);
    out->checkpoints = atomic_load(&engine->checkpoints);
    out->foreign_metadata = atomic_load(&engine->foreign_metadata);
    out->is_poisoned = atomic_load(&engine->poisoned);
    row_cache_statistics(engine->row_cache, &out->row_cache_bytes, &out->row_cache_hits,
                         &out->row_cache_misses);
}
