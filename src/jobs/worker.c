/* The threads that run jobs. */
#include <stdio.h>

#include "jobs/jobs_int.h"

static Status run_type(Jobs *jobs, Job *job, JobRow *out, Error *error)
{
    switch (job->row.type) {
    case JOB_FLUSH:
        return run_flush(jobs, job, out, error);
    case JOB_COMPACT:
        return run_compact(jobs, job, out, error);
    case JOB_CLEANUP:
        return run_cleanup(jobs, job, out, error);
    case JOB_RETENTION:
        return run_retention(jobs, job, out, error);
    case JOB_JOB_CLEANUP:
        return run_job_cleanup(jobs, job, out, error);
    case JOB_STREAM_EVICTION:
        return run_stream_eviction(jobs, job, out, error);
    case JOB_USER_CLEANUP:
        return run_user_cleanup(jobs, job, out, error);
    }
    UNREACHABLE();
}

static void count_failure(Jobs *jobs, const Job *job)
{
    switch (job->row.type) {
    case JOB_FLUSH:
        metric_add(jobs->metrics.flush_failed, 1);
        return;
    case JOB_COMPACT:
        metric_add(jobs->metrics.compact_failed, 1);
        return;
    case JOB_CLEANUP:
    case JOB_RETENTION:
    case JOB_STREAM_EVICTION:
        metric_add(jobs->metrics.sweep_failed, 1);
        return;
    default:
        metric_add(jobs->metrics.other_failed, 1);
        return;
    }
}

static JobState state_of(Status status)
{
    if (status == OK)
        return JOB_COMPLETED;
    return status == STATUS_QUERY_CANCELED || status == STATUS_UNDEFINED_TABLE ? JOB_CANCELLED
                                                                               : JOB_FAILED;
}

static void begin(Jobs *jobs, Job *job, size_t slot)
{
    int64_t now_us = env_wall_us(jobs->env);
    mutex_lock(&jobs->mutex);
    jobs->running[slot] = job;
    job->row.state = JOB_RUNNING;
    job->row.started_us = now_us;
    job->row.heartbeat_us = now_us;
    job->row.attempts = backoff_failures(jobs, job->row.type, job->row.table_id) + 1;
    mutex_unlock(&jobs->mutex);
    job_fill_names(jobs, job);
    job_record(jobs, job);
}

static void end(Jobs *jobs, Job *job, size_t slot, Status status, const JobRow *result,
                const Error *error)
{
    JobState state = state_of(status);
    mutex_lock(&jobs->mutex);
    job->row.rows = result->rows;
    job->row.bytes = result->bytes;
    job->row.files = result->files;
    job->row.snapshot_id = result->snapshot_id;
    memcpy(job->row.message, result->message, sizeof job->row.message);
    memcpy(job->row.first_path, result->first_path, sizeof job->row.first_path);
    if (status != OK)
        (void)snprintf(job->row.error, sizeof job->row.error, "%s", error->message);
    if (status == OK)
        job->row.progress = 1;
    job->row.finished_us = env_wall_us(jobs->env);
    job->row.heartbeat_us = job->row.finished_us;
    backoff_note(jobs, job, state == JOB_FAILED);
    mutex_unlock(&jobs->mutex);
    if (state == JOB_FAILED)
        count_failure(jobs, job);
    job_record_state(jobs, job, state);
    mutex_lock(&jobs->mutex);
    jobs->running[slot] = NULL;
    condition_broadcast(&jobs->ended);
    condition_broadcast(&jobs->work); /* another of this table may run now */
    mutex_unlock(&jobs->mutex);
}

static void log_end(Jobs *jobs, const Job *job, const JobRow *result, Status status,
                    const Error *error)
{
    if (status == OK)
        LOG_INFO(jobs->logger, "job_completed", "a job is done", LOG_TEXT("job", job->row.id),
                 LOG_TEXT("type", job_type_name(job->row.type)),
                 LOG_TEXT("namespace", job->row.namespace_name),
                 LOG_TEXT("table", job->row.table_name), LOG_UNSIGNED("rows", result->rows),
                 LOG_UNSIGNED("files", result->files));
    else
        LOG_WARN(jobs->logger, "job_failed", "a job did not succeed", LOG_TEXT("job", job->row.id),
                 LOG_TEXT("type", job_type_name(job->row.type)),
                 LOG_TEXT("namespace", job->row.namespace_name),
                 LOG_TEXT("table", job->row.table_name), LOG_ERROR_OF(error));
}

/* Nobody else would ask again: the table is gone from the catalog. The pause after a failure goes
 * before it. */
static void try_folder_again(Jobs *jobs, const JobRequest *request)
{
    char id[JOB_ID_BYTES];
    Error ignored;
    JobRequest again = *request;
    again.trigger = TRIGGER_INTERVAL;
    Status status = jobs_submit(jobs, &again, id, &ignored);
    (void)status; /* the server is stopping, or has no memory */
}

static void run_one(Jobs *jobs, Job *job, size_t slot)
{
    JobRow result = {.snapshot_id = -1};
    Error error;
    error_clear(&error);
    begin(jobs, job, slot);
    Status status = run_type(jobs, job, &result, &error);
    log_end(jobs, job, &result, status, &error);
    bool is_again = job->request.folder != NULL && state_of(status) == JOB_FAILED;
    JobRequest request = job->request;
    Path folder; /* the row may go as soon as it has ended */
    memcpy(folder.text, job->folder, sizeof folder.text);
    request.folder = folder.text;
    end(jobs, job, slot, status, &result, &error);
    if (is_again)
        try_folder_again(jobs, &request);
}

void worker_run(void *argument)
{
    WorkerArgument *worker = argument;
    Jobs *jobs = worker->jobs;
    mutex_lock(&jobs->mutex);
    while (!jobs->stopping) {
        int64_t next_ns;
        Job *job = queue_take(jobs, env_monotonic_ns(jobs->env), &next_ns);
        if (job == NULL) {
            (void)condition_wait_until(&jobs->work, &jobs->mutex, next_ns);
            continue;
        }
        jobs->running[worker->slot] = job; /* at once, so that no other of its kind is taken */
        mutex_unlock(&jobs->mutex);
        run_one(jobs, job, worker->slot);
        mutex_lock(&jobs->mutex);
    }
    mutex_unlock(&jobs->mutex);
}
