/* What each type of job does. */
#include <stdio.h>

#include "jobs/jobs_int.h"

Status job_progress(void *job_context, double progress, Error *error)
{
    JobContext *context = job_context;
    Jobs *jobs = context->jobs;
    mutex_lock(&jobs->mutex);
    context->job->row.progress = progress;
    context->job->row.heartbeat_us = env_wall_us(jobs->env);
    bool stops = jobs->hurry;
    mutex_unlock(&jobs->mutex);
    if (atomic_load(&context->job->cancelled))
        return error_set(error, STATUS_QUERY_CANCELED, "the job was cancelled");
    return stops ? error_set(error, STATUS_SHUTTING_DOWN, "interrupted by shutdown") : OK;
}

static Status borrow_table(Jobs *jobs, const Job *job, EngineTable **out, Error *error)
{
    *out = engine_table(jobs->engine, job->row.table_id);
    return *out != NULL ? OK : error_set(error, STATUS_UNDEFINED_TABLE, "the table was dropped");
}

static SettleRequest settle_request(JobContext *context)
{
    const Job *job = context->job;
    return (SettleRequest){.job_id = slice_of_text(job->row.id),
                           .owner = job->request.owner,
                           .progress = job_progress,
                           .context = context};
}

static void take_result(const SettleResult *result, JobRow *out)
{
    out->rows = result->rows;
    out->bytes = result->bytes;
    out->files = result->files;
    out->snapshot_id = result->snapshot_id;
    memcpy(out->first_path, result->first_path, sizeof out->first_path);
}

Status run_flush(Jobs *jobs, Job *job, JobRow *out, Error *error)
{
    JobContext context = {jobs, job};
    EngineTable *table;
    SettleResult result;
    TRY(borrow_table(jobs, job, &table, error));
    int64_t begin_ns = env_monotonic_ns(jobs->env);
    metric_add(jobs->metrics.flush_started, 1);
    metric_add(jobs->metrics.flush_running, 1);
    metric_add(jobs->triggered[job->row.trigger], 1);
    SettleRequest request = settle_request(&context);
    Status status = engine_flush(jobs->engine, table, &request, &result, error);
    engine_table_release(table);
    metric_add(jobs->metrics.flush_running, -1);
    metric_observe(jobs->metrics.flush_seconds, env_monotonic_ns(jobs->env) - begin_ns);
    TRY(status);
    metric_add(jobs->metrics.flush_completed, 1);
    metric_add(jobs->metrics.flush_rows, (int64_t)result.rows);
    metric_add(jobs->metrics.flush_bytes, (int64_t)result.bytes);
    metric_observe(jobs->metrics.flush_output, (int64_t)result.bytes);
    metric_set(jobs->metrics.flush_last, env_wall_us(jobs->env) / 1000000);
    take_result(&result, out);
    (void)snprintf(out->message, sizeof out->message, "%llu rows in %llu files",
                   (unsigned long long)result.rows, (unsigned long long)result.files);
    return OK;
}

Status run_compact(Jobs *jobs, Job *job, JobRow *out, Error *error)
{
    JobContext context = {jobs, job};
    EngineTable *table;
    SettleResult result;
    TRY(borrow_table(jobs, job, &table, error));
    int64_t begin_ns = env_monotonic_ns(jobs->env);
    SettleRequest request = settle_request(&context);
    Status status =
        engine_compact(jobs->engine, table, &request, job->request.everything, &result, error);
    engine_table_release(table);
    metric_observe(jobs->metrics.compact_seconds, env_monotonic_ns(jobs->env) - begin_ns);
    TRY(status);
    metric_add(jobs->metrics.compact_completed, 1);
    metric_add(jobs->metrics.compact_files, (int64_t)result.files_removed);
    take_result(&result, out);
    (void)snprintf(out->message, sizeof out->message, "%llu files became %llu",
                   (unsigned long long)result.files_removed, (unsigned long long)result.files);
    return OK;
}

void job_take_sweep(Jobs *jobs, const SweepResult *result, JobRow *out)
{
    metric_add(jobs->metrics.sweep_files, (int64_t)result->files_removed);
    metric_add(jobs->metrics.sweep_bytes, (int64_t)result->bytes_removed);
    out->files = result->files_removed + result->folders_removed;
    out->bytes = result->bytes_removed;
    (void)snprintf(out->message, sizeof out->message, "%llu files and %llu folders removed",
                   (unsigned long long)result->files_removed,
                   (unsigned long long)result->folders_removed);
}

/* A dropped table's folder stays while somebody reads it: then the job is tried again later. */
Status run_cleanup(Jobs *jobs, Job *job, JobRow *out, Error *error)
{
    SweepResult result;
    if (job->request.folder != NULL) {
        TRY(engine_remove_folder(jobs->engine, job->row.table_id, job->folder, &result, error));
    } else {
        EngineTable *table;
        TRY(borrow_table(jobs, job, &table, error));
        Status status = engine_sweep(jobs->engine, table, &result, error);
        engine_table_release(table);
        TRY(status);
    }
    job_take_sweep(jobs, &result, out);
    return OK;
}

Status run_retention(Jobs *jobs, Job *job, JobRow *out, Error *error)
{
    EngineTable *table;
    SweepResult result;
    bool expired = false;
    if (job->row.table_id == 0)
        return engine_expire_log(jobs->engine, error);
    TRY(borrow_table(jobs, job, &table, error));
    Status status = engine_expire_snapshots(jobs->engine, table, &expired, error);
    if (status == OK)
        status = engine_sweep(jobs->engine, table, &result, error);
    engine_table_release(table);
    TRY(status);
    job_take_sweep(jobs, &result, out);
    return OK;
}

/* Files that a pin still needs stay: they are orphans then, and the sweep's. */
Status run_stream_eviction(Jobs *jobs, Job *job, JobRow *out, Error *error)
{
    EngineTable *table;
    SweepResult result;
    TRY(borrow_table(jobs, job, &table, error));
    Status status = engine_evict_windows(jobs->engine, table, 0, &result, error);
    engine_table_release(table);
    TRY(status);
    job_take_sweep(jobs, &result, out);
    return OK;
}

Status run_job_cleanup(Jobs *jobs, Job *job, JobRow *out, Error *error)
{
    (void)job;
    (void)error;
    mutex_lock(&jobs->mutex);
    size_t before = jobs->row_count;
    jobs_trim(jobs, env_wall_us(jobs->env) - jobs->options.retention_us);
    out->rows = before - jobs->row_count;
    mutex_unlock(&jobs->mutex);
    return OK;
}
