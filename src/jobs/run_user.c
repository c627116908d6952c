/* A dropped user's rows, and the files they are in. */
#include <stdio.h>

#include "jobs/jobs_int.h"

/* Of each step's waiting for locks and room: nobody waits for the job. */
#define STEP_TIMEOUT_NS INT64_C(30000000000)

typedef struct Cleanup {
    Jobs *jobs;
    Job *job;
    JobRow *out;
    SweepResult swept;
    uint64_t files; /* that compactions replaced */
} Cleanup;

static SettleRequest request_of(const Cleanup *cleanup, JobContext *context, OwnerId owner)
{
    return (SettleRequest){.job_id = slice_of_text(cleanup->job->row.id),
                           .owner = owner,
                           .progress = job_progress,
                           .context = context};
}

/* Deletes become files' deletes by a flush; a compaction then leaves files out in which all is
 * deleted. What older snapshots name stays as long as they do. */
static Status settle_user_table(Cleanup *cleanup, EngineTable *table, OwnerId owner, Error *error)
{
    Engine *engine = cleanup->jobs->engine;
    JobContext context = {cleanup->jobs, cleanup->job};
    SettleRequest request = request_of(cleanup, &context, owner);
    SettleResult result;
    TRY(engine_flush(engine, table, &request, &result, error));
    TRY(engine_compact(engine, table, &request, true, &result, error));
    cleanup->files += result.files_removed;
    return OK;
}

/* A flush leaves out window files in which all is deleted; those that still have a row that expired
 * before it could be deleted go with the rest. */
static Status settle_stream_table(Cleanup *cleanup, EngineTable *table, OwnerId owner, Error *error)
{
    Engine *engine = cleanup->jobs->engine;
    JobContext context = {cleanup->jobs, cleanup->job};
    SettleRequest request = request_of(cleanup, &context, 0);
    SettleResult result;
    SweepResult swept;
    TRY(engine_flush(engine, table, &request, &result, error));
    TRY(engine_evict_windows(engine, table, owner, &swept, error));
    cleanup->swept.files_removed += swept.files_removed;
    cleanup->swept.bytes_removed += swept.bytes_removed;
    return OK;
}

static TableKind kind_of(EngineTable *table)
{
    Schema *schema = engine_table_schema(table);
    TableKind kind = schema->kind;
    schema_release(schema);
    return kind;
}

/* Rows that are in memory alone need no flush: their deletes go with them. */
static Status clean_table(Cleanup *cleanup, EngineTable *table, Error *error)
{
    OwnerId owner = cleanup->job->request.owner;
    OwnerId found;
    uint64_t rows;
    TableKind kind = kind_of(table);
    if (kind == TABLE_SHARED)
        return OK;
    TRY(job_progress(&(JobContext){cleanup->jobs, cleanup->job}, 0, error));
    Status status = engine_delete_owner_rows(cleanup->jobs->engine, table, owner, STEP_TIMEOUT_NS,
                                             &rows, error);
    cleanup->out->rows += rows;
    if (status == STATUS_UNDEFINED_TABLE)
        return OK; /* dropped meanwhile */
    TRY(status);
    if (!engine_find_owner(table, &owner, 1, &found))
        return OK;
    return kind == TABLE_STREAM ? settle_stream_table(cleanup, table, owner, error)
                                : settle_user_table(cleanup, table, owner, error);
}

Status run_user_cleanup(Jobs *jobs, Job *job, JobRow *out, Error *error)
{
    Cleanup cleanup = {.jobs = jobs, .job = job, .out = out};
    EngineTable **tables = NULL;
    size_t count = 0;
    Arena arena;
    arena_open(&arena, 0);
    Status status = engine_tables(jobs->engine, &arena, &tables, &count, error);
    for (size_t i = 0; status == OK && i < count; i++)
        status = clean_table(&cleanup, tables[i], error);
    for (size_t i = 0; i < count; i++)
        engine_table_release(tables[i]);
    arena_close(&arena);
    metric_add(jobs->metrics.sweep_files, (int64_t)cleanup.swept.files_removed);
    metric_add(jobs->metrics.sweep_bytes, (int64_t)cleanup.swept.bytes_removed);
    out->files = cleanup.files + cleanup.swept.files_removed;
    out->bytes = cleanup.swept.bytes_removed;
    (void)snprintf(out->message, sizeof out->message, "%llu rows deleted, %llu files left out",
                   (unsigned long long)out->rows, (unsigned long long)out->files);
    return status;
}
