/* Opening and closing: the order in which the rooms come and go. */
#include "database/database_int.h"

/* ---- folders ---- */

static Status folder(const Database *database, const char *name, Path *out, Error *error)
{
    return path_join(out, database->directory.text, name, error);
}

/* The engine holds this lock while it is open; here it only tells whether somebody else does,
 * before anything of theirs is touched. */
static Status check_unlocked(const Database *database, Error *error)
{
    Path path;
    File *lock;
    TRY(folder(database, "LOCK", &path, error));
    TRY(file_lock_open(database->env, path.text, &lock, error));
    return file_close(lock, error);
}

/* What is in tmp/ belongs to a process that is gone. */
static Status make_folders(Database *database, Error *error)
{
    Path path;
    FileInformation information;
    TRY(env_make_durable_directories(database->env, database->directory.text, error));
    TRY(check_unlocked(database, error));
    TRY(folder(database, "tmp", &path, error));
    TRY(env_stat(database->env, path.text, &information, error));
    if (information.exists)
        TRY(env_remove_tree(database->env, path.text, error));
    TRY(folder(database, "tmp/worker", &path, error));
    TRY(env_make_directories(database->env, path.text, error));
    TRY(folder(database, "tmp/load", &path, error));
    TRY(env_make_directories(database->env, path.text, error));
    TRY(folder(database, "storage", &path, error));
    TRY(env_make_durable_directories(database->env, path.text, error));
    TRY(folder(database, "streams", &path, error));
    return env_make_durable_directories(database->env, path.text, error);
}

/* Every storage's root is there, safe from a loss of power, before anything is settled in it. */
static Status open_storages(Database *database, Error *error)
{
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    const CatalogStorage *const *storages;
    size_t count = catalog_storages(snapshot, &storages);
    Status status = OK;
    Path path;
    GO(folder(database, "tmp/load", &path, error));
    GO(query_pool_allow_folder(database->pool, slice_of_text(path.text), error));
    for (size_t i = 0; i < count; i++) {
        GO(catalog_storage_path(database->catalog, storages[i]->id, &path, error));
        GO(env_make_durable_directories(database->env, path.text, error));
        GO(query_pool_allow_folder(database->pool, slice_of_text(path.text), error));
    }
done:
    catalog_snapshot_release(snapshot);
    return status;
}

/* ---- parts ---- */

static Status open_pool(Database *database, const char *worker_path, Error *error)
{
    const Configuration *configuration = database->configuration;
    Path spill;
    Path staging;
    TRY(folder(database, "tmp/worker", &spill, error));
    TRY(folder(database, "storage", &staging, error));
    QueryPoolOptions options = {
        .worker_path = worker_path != NULL ? worker_path
                                           : (const char *)configuration->engine_worker_path.data,
        .spill_folder = spill.text,
        .staging_folder = staging.text,
        .workers = configuration->engine_workers,
        .threads = configuration->engine_threads,
        .memory_bytes_max = configuration->engine_worker_memory_bytes,
        .spill_bytes_max = configuration->engine_temp_bytes};
    return query_pool_open(database->env, &options, &database->pool, error);
}

/* What the engine's hooks need, before the engine. */
static Status open_below(Database *database, const DatabaseOptions *options, Error *error)
{
    CatalogDefaults defaults = catalog_defaults_of(database->configuration);
    JobsOptions jobs = jobs_options_of(database->configuration);
    LiveOptions live = LIVE_OPTIONS_DEFAULT;
    live.frames = options->frames;
    TRY(metrics_create(database->env, &database->metrics, error));
    TRY(catalog_open(database->env, database->directory.text, &defaults, &database->catalog,
                     error));
    TRY(jobs_open(database->env, &jobs, database->logger, database->metrics, &database->jobs,
                  error));
    TRY(live_open(database->env, &live, database->logger, database->metrics, &database->live,
                  error));
    TRY(token_book_open(database->env, &database->tokens, error));
    TRY(login_limit_open(database->env, &database->login_limit, error));
    TRY(plan_cache_create(database->env, PLAN_CACHE_ENTRIES_MAX, PLAN_CACHE_BYTES_MAX,
                          &database->plans, error));
    return open_pool(database, options->worker_path, error);
}

static Status open_threads(Database *database, Error *error)
{
    uint32_t wanted = database->configuration->server_workers * STATEMENT_THREADS_PER_WORKER;
    ThreadPoolOptions statements = {
        .name = "firn-statement",
        .threads_max = wanted < STATEMENT_THREADS_MAX ? wanted : STATEMENT_THREADS_MAX,
        .queue_max = STATEMENT_QUEUE_MAX};
    ThreadPoolOptions subscriptions = {.name = "firn-subscribe",
                                       .threads_max = SUBSCRIPTION_THREADS_MAX,
                                       .queue_max = SUBSCRIPTION_QUEUE_MAX};
    TRY(thread_pool_open(database->env, &statements, &database->threads[THREADS_STATEMENTS],
                         error));
    return thread_pool_open(database->env, &subscriptions,
                            &database->threads[THREADS_SUBSCRIPTIONS], error);
}

static Status open_engine(Database *database, EngineRecovery *recovery, Error *error)
{
    EngineOptions options = engine_options_of(database, database->configuration);
    EngineHooks hooks = engine_hooks(database);
    TRY(engine_open(database->env, &options, &hooks, query_data_file_io(database->pool),
                    &database->engine, recovery, error));
    catalog_bind(database->catalog, database->engine);
    return OK;
}

/* What ALTER SYSTEM stored is known now that the catalog is. */
static Status apply_stored_settings(Database *database, Error *error)
{
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    Configuration *configuration;
    Status status = configuration_apply_stored(database->configuration, snapshot,
                                               configuration_kept, database, &configuration, error);
    catalog_snapshot_release(snapshot);
    TRY(status);
    return put_in_force(database, configuration, error);
}

static Status start(Database *database, const DatabaseOptions *options, DatabaseOpening *opening,
                    Error *error)
{
    ExecutorHooks hooks = executor_hooks(database);
    ExecutorOptions limits = executor_options_of(database->configuration);
    TRY(open_storages(database, error));
    TRY(executor_create(database->env, database->engine, database->catalog, database->jobs,
                        database->pool, &hooks, &limits, &database->executor, error));
    TRY(apply_stored_settings(database, error));
    TRY(make_first_objects(database, options->root_password, opening, error));
    if (!opening->recovery.used_checkpoint) /* from here on a log that is missing is missed */
        TRY(engine_checkpoint(database->engine, error));
    TRY(live_start(database->live, database->engine, database->catalog, error));
    database->live_started = true;
    TRY(jobs_start(database->jobs, database->engine, database->catalog, error));
    database->jobs_started = true;
    remove_leftovers(database);
    return open_threads(database, error);
}

static Status open_all(Database *database, const DatabaseOptions *options, DatabaseOpening *opening,
                       Error *error)
{
    TRY(env_absolute_path(database->env, options->directory, &database->directory, error));
    TRY(make_folders(database, error));
    TRY(open_below(database, options, error));
    TRY(read_signer(database, error)); /* before recovery writes anything */
    TRY(open_engine(database, &opening->recovery, error));
    TRY(figures_open(database->env, database->metrics, &opening->recovery, &database->figures,
                     error));
    TRY(make_signer(database, error));
    return start(database, options, opening, error);
}

/* ---- closing ---- */

static void free_parts(Database *database)
{
    plan_cache_destroy(database->plans);
    executor_destroy(database->executor);
    if (database->pool != NULL)
        query_pool_close(database->pool);
    token_signer_destroy(database->signer);
    token_book_close(database->tokens);
    login_limit_close(database->login_limit);
    live_close(database->live);
    if (database->jobs != NULL)
        jobs_close(database->jobs);
    if (database->catalog != NULL)
        catalog_close(database->catalog);
    figures_close(database->figures);
    metrics_destroy(database->metrics);
    configuration_release(database->configuration);
    mutex_close(&database->session_mutex);
    mutex_close(&database->configure_mutex);
    memory_free(database);
}

void database_hurry(Database *database)
{
    atomic_store(&database->hurrying, true);
    jobs_hurry(database->jobs);
}

static const int64_t QUERY_WAIT_NS = INT64_C(5000000000);

typedef struct Stopping {
    int64_t deadline_ns;
    int64_t told_ns; /* when the jobs waited for were named last */
    void (*waiting)(void *context, const JobRow *job);
    void *context;
} Stopping;

static bool is_idle(Database *database)
{
    for (size_t i = 0; i < THREADS_COUNT; i++) {
        ThreadPoolStatistics threads = {0};
        if (database->threads[i] != NULL)
            thread_pool_statistics(database->threads[i], &threads);
        if (threads.busy > 0 || threads.queued > 0)
            return false;
    }
    return true;
}

/* A statement may wait for a job: STORAGE FLUSH. */
static void name_jobs(Database *database, Stopping *stopping, int64_t now_ns)
{
    JobRow *rows;
    size_t count;
    Arena arena;
    Error ignored;
    if (stopping->waiting == NULL || now_ns - stopping->told_ns < INT64_C(1000000000))
        return;
    stopping->told_ns = now_ns;
    arena_open(&arena, 0);
    if (jobs_list(database->jobs, &arena, &rows, &count, &ignored) != OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].state == JOB_RUNNING)
            stopping->waiting(stopping->context, &rows[i]);
    }
    arena_close(&arena);
}

/* Statements that run may end until the deadline; then they are cancelled. A query, which changes
 * nothing and can be asked again, holds nobody up for so long. */
static void wait_for_statements(Database *database, Stopping *stopping)
{
    bool is_cancelled = false;
    int64_t queries_until_ns = env_monotonic_ns(database->env) + QUERY_WAIT_NS;
    while (!is_idle(database)) {
        int64_t now_ns = env_monotonic_ns(database->env);
        if (now_ns >= queries_until_ns)
            executor_cancel_queries(database->executor);
        bool is_over = now_ns >= stopping->deadline_ns || atomic_load(&database->hurrying);
        if (is_over && !is_cancelled)
            executor_cancel_connection(database->executor, NULL);
        is_cancelled = is_cancelled || is_over;
        name_jobs(database, stopping, now_ns);
        env_sleep_ns(database->env, INT64_C(2000000));
    }
}

void database_stop(Database *database, int64_t deadline_ns,
                   void (*waiting)(void *context, const JobRow *job), void *context)
{
    Stopping stopping = {deadline_ns, env_monotonic_ns(database->env), waiting, context};
    if (database->stopped)
        return;
    database->stopped = true;
    atomic_store(&database->stopping, true);
    if (database->live_started)
        live_stop(database->live);
    wait_for_statements(database, &stopping);
    for (size_t i = 0; i < THREADS_COUNT; i++) {
        if (database->threads[i] != NULL)
            thread_pool_stop(database->threads[i]);
    }
    if (database->jobs_started)
        jobs_stop(database->jobs, deadline_ns, waiting, context);
}

Status database_close(Database *database, Error *error)
{
    Status status = OK;
    database_stop(database, env_monotonic_ns(database->env), NULL, NULL);
    for (size_t i = 0; i < THREADS_COUNT; i++)
        thread_pool_close(database->threads[i]);
    plan_cache_clear(database->plans);
    if (database->engine != NULL)
        status = engine_close(database->engine, error);
    if (status != OK)
        LOG_ERROR(database->logger, "close_failed", "the database was not closed cleanly",
                  LOG_ERROR_OF(error));
    free_parts(database);
    return status;
}

Status database_open(Env *env, const DatabaseOptions *options, Database **out,
                     DatabaseOpening *opening, Error *error)
{
    Database *database = MEMORY_NEW(Database);
    Error ignored;
    *opening = (DatabaseOpening){0};
    if (database == NULL) {
        configuration_release(options->configuration);
        return error_out_of_memory(error);
    }
    database->env = env;
    database->logger = options->logger;
    database->hooks = options->hooks;
    database->is_embedded = options->is_embedded;
    database->configuration = options->configuration;
    mutex_open(&database->configure_mutex, env, "configure");
    mutex_open(&database->session_mutex, env, "database_session");
    Status status = open_all(database, options, opening, error);
    if (status == OK) {
        *out = database;
        return OK;
    }
    if (database->plans == NULL || database->engine == NULL) {
        free_parts(database);
        return status;
    }
    Status closed = database_close(database, &ignored);
    (void)closed; /* the first error is the one to tell */
    return status;
}

/* ---- looking in ---- */

Status check_open(Database *database, Error *error)
{
    if (atomic_load_explicit(&database->stopping, memory_order_relaxed))
        return error_of(error, STATUS_SHUTTING_DOWN);
    return OK;
}

Status database_check_ready(Database *database, Error *error)
{
    TRY(check_open(database, error));
    if (engine_is_poisoned(database->engine))
        return error_of(error, STATUS_LOG_POISONED);
    return OK;
}

Env *database_env(Database *database)
{
    return database->env;
}

Metrics *database_metrics(Database *database)
{
    figures_update(database->figures, database->engine);
    return database->metrics;
}

Logger *database_logger(Database *database)
{
    return database->logger;
}

Configuration *database_configuration(Database *database)
{
    mutex_lock(&database->session_mutex);
    Configuration *configuration = configuration_clone(database->configuration);
    mutex_unlock(&database->session_mutex);
    return configuration;
}

Engine *database_engine(Database *database)
{
    return database->engine;
}

Catalog *database_catalog(Database *database)
{
    return database->catalog;
}

Jobs *database_jobs(Database *database)
{
    return database->jobs;
}

Executor *database_executor(Database *database)
{
    return database->executor;
}

Live *database_live(Database *database)
{
    return database->live;
}
