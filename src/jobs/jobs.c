#include "jobs/jobs.h"

#include <stdio.h>

#include "jobs/jobs_int.h"

static const MetricDefinition definitions[] = {JOBS_METRICS(METRIC_DEFINITION)};

static Status register_metrics(Jobs *jobs, Metrics *metrics, Error *error)
{
    static const MetricDefinition triggered = {METRIC_COUNTER, METRIC_PLAIN,
                                               "firn_flush_triggered_total",
                                               "Flushes begun, by what asked for them"};
    TRY(metrics_register_all(metrics, definitions, METRIC_COUNT(definitions),
                             METRIC_FIELDS(&jobs->metrics, definitions), error));
    for (int i = 0; i < TRIGGER_COUNT; i++) {
        MetricLabel label = {"trigger", flush_trigger_name((FlushTrigger)i)};
        TRY(metrics_register(metrics, &triggered, &label, 1, &jobs->triggered[i], error));
    }
    return OK;
}

Status jobs_open(Env *env, const JobsOptions *options, Logger *logger, Metrics *metrics, Jobs **out,
                 Error *error)
{
    Jobs *jobs = MEMORY_NEW(Jobs);
    if (jobs == NULL)
        return error_out_of_memory(error);
    jobs->env = env;
    jobs->logger = logger;
    jobs->options = *options;
    jobs->queue_end = &jobs->queue;
    mutex_open(&jobs->mutex, env, "jobs");
    condition_open(&jobs->work, env);
    condition_open(&jobs->ended, env);
    condition_open(&jobs->tick, env);
    Status status = register_metrics(jobs, metrics, error);
    if (status != OK) {
        jobs_close(jobs);
        return status;
    }
    *out = jobs;
    return OK;
}

void jobs_close(Jobs *jobs)
{
    if (jobs == NULL)
        return;
    ASSERT(jobs->worker_count == 0);
    while (jobs->oldest != NULL) {
        Job *job = jobs->oldest;
        jobs->oldest = job->newer;
        memory_free(job);
    }
    memory_free(jobs->backoffs);
    condition_close(&jobs->tick);
    condition_close(&jobs->ended);
    condition_close(&jobs->work);
    mutex_close(&jobs->mutex);
    memory_free(jobs);
}

/* ---- starting ---- */

/* What was under way when the process ended is in the log still, or settled: a new job finds out.
 */
static void supersede_unfinished(Jobs *jobs)
{
    int64_t now_us = env_wall_us(jobs->env);
    for (Job *job = jobs->oldest; job != NULL; job = job->newer) {
        if (job->row.state >= JOB_COMPLETED)
            continue;
        mutex_lock(&jobs->mutex);
        job->row.state = JOB_SUPERSEDED;
        job->row.finished_us = now_us;
        (void)snprintf(job->row.message, sizeof job->row.message,
                       "the server ended before the job did; nothing is lost");
        mutex_unlock(&jobs->mutex);
        job_record(jobs, job);
    }
}

static Status start_threads(Jobs *jobs, Error *error)
{
    uint32_t count = jobs->options.workers;
    if (count < 1)
        count = 1;
    if (count > JOB_WORKERS_MAX)
        count = JOB_WORKERS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        jobs->arguments[i] = (WorkerArgument){jobs, i};
        TRY(thread_start(jobs->env, "jobs", THREAD_STACK_BYTES_DEFAULT, worker_run,
                         &jobs->arguments[i], &jobs->workers[i], error));
        jobs->worker_count++;
    }
    return thread_start(jobs->env, "scheduler", THREAD_STACK_BYTES_DEFAULT, scheduler_run, jobs,
                        &jobs->scheduler, error);
}

Status jobs_start(Jobs *jobs, Engine *engine, Catalog *catalog, Error *error)
{
    jobs->engine = engine;
    jobs->catalog = catalog;
    supersede_unfinished(jobs);
    mutex_lock(&jobs->mutex);
    jobs->started = true;
    mutex_unlock(&jobs->mutex);
    Status status = start_threads(jobs, error);
    if (status != OK)
        jobs_stop(jobs, 0, NULL, NULL);
    return status;
}

/* ---- stopping ---- */

static const Job *any_running(const Jobs *jobs)
{
    for (size_t i = 0; i < JOB_WORKERS_MAX; i++) {
        if (jobs->running[i] != NULL)
            return jobs->running[i];
    }
    return NULL;
}

static void tell_waiting(Jobs *jobs, void (*waiting)(void *, const JobRow *), void *context)
{
    JobRow rows[JOB_WORKERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < JOB_WORKERS_MAX; i++) {
        if (jobs->running[i] != NULL)
            rows[count++] = jobs->running[i]->row;
    }
    mutex_unlock(&jobs->mutex);
    for (size_t i = 0; waiting != NULL && i < count; i++)
        waiting(context, &rows[i]);
    mutex_lock(&jobs->mutex);
}

enum { WAITING_STEP_NS = 1000 * 1000 * 1000 };

static void wait_for_running(Jobs *jobs, int64_t deadline_ns,
                             void (*waiting)(void *, const JobRow *), void *context)
{
    while (any_running(jobs) != NULL && !jobs->hurry) {
        int64_t now_ns = env_monotonic_ns(jobs->env);
        if (now_ns >= deadline_ns)
            break;
        tell_waiting(jobs, waiting, context);
        int64_t until = now_ns + WAITING_STEP_NS;
        if (any_running(jobs) != NULL && !jobs->hurry)
            (void)condition_wait_until(&jobs->ended, &jobs->mutex,
                                       until < deadline_ns ? until : deadline_ns);
    }
    jobs->hurry = true; /* running jobs stop at their next safe place */
}

/* Those that run still are on record as interrupted before they are waited for: whoever ends the
 * process now leaves the truth behind. One that comes to its end all the same says so itself. */
static void mark_interrupted(Jobs *jobs)
{
    Job marked[JOB_WORKERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < JOB_WORKERS_MAX; i++) {
        if (jobs->running[i] == NULL)
            continue;
        Job *job = &marked[count++];
        *job = (Job){.row = jobs->running[i]->row};
        job->row.state = JOB_FAILED;
        job->row.finished_us = env_wall_us(jobs->env);
        (void)snprintf(job->row.error, sizeof job->row.error, "interrupted by shutdown");
    }
    mutex_unlock(&jobs->mutex);
    for (size_t i = 0; i < count; i++)
        job_record(jobs, &marked[i]);
    mutex_lock(&jobs->mutex);
}

static void cancel_queued(Jobs *jobs)
{
    while (jobs->queue != NULL) {
        Job *job = jobs->queue;
        queue_remove(jobs, job);
        job->row.state = JOB_CANCELLED;
        job->row.finished_us = env_wall_us(jobs->env);
        (void)snprintf(job->row.message, sizeof job->row.message, "the server is shutting down");
    }
    condition_broadcast(&jobs->ended);
}

void jobs_stop(Jobs *jobs, int64_t deadline_ns, void (*waiting)(void *context, const JobRow *row),
               void *context)
{
    mutex_lock(&jobs->mutex);
    jobs->stopping = true;
    cancel_queued(jobs);
    condition_broadcast(&jobs->work);
    condition_broadcast(&jobs->tick);
    wait_for_running(jobs, deadline_ns, waiting, context);
    mark_interrupted(jobs);
    mutex_unlock(&jobs->mutex);
    for (uint32_t i = 0; i < jobs->worker_count; i++)
        thread_join(jobs->workers[i]);
    jobs->worker_count = 0;
    if (jobs->scheduler != NULL)
        thread_join(jobs->scheduler);
    jobs->scheduler = NULL;
}

void jobs_hurry(Jobs *jobs)
{
    mutex_lock(&jobs->mutex);
    jobs->hurry = true;
    condition_broadcast(&jobs->ended);
    mutex_unlock(&jobs->mutex);
}

void jobs_set_options(Jobs *jobs, const JobsOptions *options)
{
    mutex_lock(&jobs->mutex);
    jobs->options = *options;
    jobs->tick_now = true;
    condition_broadcast(&jobs->tick);
    mutex_unlock(&jobs->mutex);
}

/* ---- submitting and waiting ---- */

Status jobs_submit(Jobs *jobs, const JobRequest *request, char id[JOB_ID_BYTES], Error *error)
{
    Status status = OK;
    bool is_new = false;
    mutex_lock(&jobs->mutex);
    Job *job = queue_same(jobs, request);
    if (!jobs->started || jobs->stopping) {
        status = error_of(error, STATUS_SHUTTING_DOWN);
    } else if (job == NULL && jobs->queue_length >= QUEUE_MAX) {
        status = error_set(error, STATUS_TOO_MANY_REQUESTS, "too many jobs are waiting");
    } else if (job == NULL) {
        status = job_create(jobs, request, &job, error);
        is_new = status == OK;
    }
    if (status == OK) {
        ASSERT(job != NULL);
        if (job->request.trigger != TRIGGER_COMMAND)
            job->request.trigger = request->trigger;
        memcpy(id, job->row.id, JOB_ID_BYTES);
        if (is_new) {
            job_append(jobs, job);
            queue_add(jobs, job);
        }
    }
    mutex_unlock(&jobs->mutex);
    return status;
}

Status jobs_wait(Jobs *jobs, const char *id, int64_t deadline_ns, JobRow *out, Error *error)
{
    bool in_time = true;
    mutex_lock(&jobs->mutex);
    Job *job = job_find(jobs, id);
    if (job != NULL) {
        job->waiting++;
        while (job->row.state < JOB_COMPLETED && in_time)
            in_time = condition_wait_until(&jobs->ended, &jobs->mutex, deadline_ns);
        job->waiting--;
        *out = job->row;
    }
    mutex_unlock(&jobs->mutex);
    if (job == NULL)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "job \"%s\" does not exist", id);
    if (out->state < JOB_COMPLETED)
        return error_set(error, STATUS_QUERY_CANCELED, "stopped waiting; job %s goes on", id);
    return OK;
}

static void cancel(Jobs *jobs, Job *job)
{
    if (job->is_queued) {
        queue_remove(jobs, job);
        job->row.state = JOB_CANCELLED;
        job->row.finished_us = env_wall_us(jobs->env);
        condition_broadcast(&jobs->ended);
    } else {
        atomic_store(&job->cancelled, true);
    }
}

Status jobs_cancel(Jobs *jobs, const char *id, Error *error)
{
    mutex_lock(&jobs->mutex);
    Job *job = job_find(jobs, id);
    if (job != NULL && job->row.state < JOB_COMPLETED)
        cancel(jobs, job);
    mutex_unlock(&jobs->mutex);
    return job != NULL ? OK
                       : error_set(error, STATUS_UNDEFINED_OBJECT, "job \"%s\" does not exist", id);
}

void jobs_cancel_table(Jobs *jobs, uint64_t table_id)
{
    mutex_lock(&jobs->mutex);
    for (Job *job = jobs->oldest; job != NULL; job = job->newer) {
        bool is_its = job->row.table_id == table_id && job->request.folder == NULL;
        if (is_its && job->row.state < JOB_COMPLETED)
            cancel(jobs, job);
    }
    mutex_unlock(&jobs->mutex);
}
