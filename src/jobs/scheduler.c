/* The scheduler: asks which flush intervals have come, and once in a while for what nobody
 * triggers: retention, sweeping, old rows, jobs that do not move. */
#include "jobs/jobs_int.h"

enum { HOUSEKEEPING_TICKS = 12 };

/* ---- wanted by the engine ---- */

/* Possibly under the engine's sequencer: queue and return. */
static void want(Jobs *jobs, const JobRequest *request)
{
    Job *job;
    Error ignored;
    mutex_lock(&jobs->mutex);
    bool is_wanted = jobs->started && !jobs->stopping && jobs->queue_length < QUEUE_MAX &&
                     queue_same(jobs, request) == NULL;
    if (is_wanted && job_create(jobs, request, &job, &ignored) == OK) {
        job_append(jobs, job);
        queue_add(jobs, job);
    }
    mutex_unlock(&jobs->mutex);
}

void jobs_flush_wanted(Jobs *jobs, uint64_t table_id, FlushTrigger trigger)
{
    JobRequest request = {.type = JOB_FLUSH, .table_id = table_id, .trigger = trigger};
    want(jobs, &request);
}

void jobs_compaction_wanted(Jobs *jobs, uint64_t table_id)
{
    JobRequest request = {.type = JOB_COMPACT, .table_id = table_id, .trigger = TRIGGER_ROWS};
    want(jobs, &request);
}

/* ---- housekeeping ---- */

/* Whole windows of STREAM tables. */
static void want_evictions(Jobs *jobs, EngineTable *const *tables, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        JobRequest request = {.type = JOB_STREAM_EVICTION,
                              .table_id = engine_table_id(tables[i]),
                              .trigger = TRIGGER_INTERVAL};
        if (engine_has_expired_windows(tables[i]))
            want(jobs, &request);
    }
}

/* Users that were dropped with their rows, ascending. */
static size_t dropped_users(const CatalogSnapshot *snapshot, Arena *arena, const OwnerId **out)
{
    const CatalogUser *const *users;
    size_t count = catalog_users(snapshot, &users);
    size_t dropped = 0;
    OwnerId *owners = ARENA_ARRAY(arena, OwnerId, count);
    for (size_t i = 0; owners != NULL && i < count; i++) {
        if (users[i]->deleted_us != 0 && !users[i]->keeps_name)
            owners[dropped++] = users[i]->id;
    }
    *out = owners;
    return dropped;
}

/* What DROP USER did not come to, or what was in memory then: one user of each table at a time. */
static void want_user_cleanups(Jobs *jobs, EngineTable *const *tables, size_t count, Arena *arena)
{
    const OwnerId *owners;
    CatalogSnapshot *snapshot = catalog_snapshot(jobs->catalog);
    size_t dropped = dropped_users(snapshot, arena, &owners);
    catalog_snapshot_release(snapshot);
    for (size_t i = 0; i < count; i++) {
        JobRequest request = {.type = JOB_USER_CLEANUP, .trigger = TRIGGER_INTERVAL};
        if (engine_find_owner(tables[i], owners, dropped, &request.owner))
            want(jobs, &request);
    }
}

static void want_by_tables(Jobs *jobs, bool is_housekeeping)
{
    Arena arena;
    Error ignored;
    EngineTable **tables;
    size_t count;
    arena_open(&arena, 0);
    if (engine_tables(jobs->engine, &arena, &tables, &count, &ignored) == OK) {
        want_evictions(jobs, tables, count);
        if (is_housekeeping)
            want_user_cleanups(jobs, tables, count, &arena);
        for (size_t i = 0; i < count; i++)
            engine_table_release(tables[i]);
    }
    arena_close(&arena);
}

static bool needs(EngineTable *table, JobType type)
{
    return (type == JOB_RETENTION && engine_has_expired(table)) || engine_has_orphans(table);
}

static void want_for_tables(Jobs *jobs, JobType type, FlushTrigger trigger)
{
    Arena arena;
    Error ignored;
    EngineTable **tables;
    size_t count;
    arena_open(&arena, 0);
    if (engine_tables(jobs->engine, &arena, &tables, &count, &ignored) == OK) {
        for (size_t i = 0; i < count; i++) {
            JobRequest request = {
                .type = type, .table_id = engine_table_id(tables[i]), .trigger = trigger};
            if (needs(tables[i], type))
                want(jobs, &request);
            engine_table_release(tables[i]);
        }
    }
    arena_close(&arena);
}

static void check_stuck(Jobs *jobs)
{
    int64_t now_us = env_wall_us(jobs->env);
    int64_t stuck = 0;
    mutex_lock(&jobs->mutex);
    for (size_t i = 0; i < JOB_WORKERS_MAX; i++) {
        const Job *job = jobs->running[i];
        if (job == NULL || job->row.heartbeat_us == 0 ||
            now_us - job->row.heartbeat_us < jobs->options.stuck_after_us)
            continue;
        stuck++;
        LOG_WARN(jobs->logger, "job_stuck", "a running job has not moved for long",
                 LOG_TEXT("job", job->row.id), LOG_TEXT("type", job_type_name(job->row.type)),
                 LOG_TEXT("table", job->row.table_name));
    }
    mutex_unlock(&jobs->mutex);
    metric_set(jobs->metrics.stuck, stuck);
}

/* The log's retention needs no row of its own in every round: only failures are worth one. */
static void expire_log(Jobs *jobs)
{
    Error error;
    if (engine_expire_log(jobs->engine, &error) != OK)
        LOG_WARN(jobs->logger, "log_expire_failed", "old log segments could not be removed",
                 LOG_ERROR_OF(&error));
}

static void housekeep(Jobs *jobs)
{
    want_for_tables(jobs, JOB_RETENTION, TRIGGER_INTERVAL);
    mutex_lock(&jobs->mutex);
    jobs_trim(jobs, env_wall_us(jobs->env) - jobs->options.retention_us);
    mutex_unlock(&jobs->mutex);
}

static void wait_for_tick(Jobs *jobs, int64_t due_ns)
{
    mutex_lock(&jobs->mutex);
    int64_t until = env_monotonic_ns(jobs->env) + jobs->options.tick_ns;
    if (due_ns < until)
        until = due_ns;
    if (!jobs->stopping && !jobs->tick_now)
        (void)condition_wait_until(&jobs->tick, &jobs->mutex, until);
    jobs->tick_now = false;
    mutex_unlock(&jobs->mutex);
}

static bool is_stopping(Jobs *jobs)
{
    mutex_lock(&jobs->mutex);
    bool stopping = jobs->stopping;
    mutex_unlock(&jobs->mutex);
    return stopping;
}

void scheduler_run(void *argument)
{
    Jobs *jobs = argument;
    metric_set(jobs->metrics.running, 1);
    want_for_tables(jobs, JOB_CLEANUP, TRIGGER_START);
    for (uint64_t round = 1; !is_stopping(jobs); round++) {
        int64_t due_ns = engine_check_intervals(jobs->engine);
        metric_add(jobs->metrics.ticks, 1);
        expire_log(jobs);
        check_stuck(jobs);
        bool is_housekeeping = round % HOUSEKEEPING_TICKS == 0;
        want_by_tables(jobs, is_housekeeping || round == 1);
        if (is_housekeeping)
            housekeep(jobs);
        wait_for_tick(jobs, due_ns);
    }
    metric_set(jobs->metrics.running, 0);
}
