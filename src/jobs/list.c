/* All jobs there are rows of, oldest first. */
#include <stdio.h>

#include "jobs/jobs_int.h"

Job *job_find(Jobs *jobs, const char *id)
{
    for (Job *job = jobs->oldest; job != NULL; job = job->newer) {
        if (strcmp(job->row.id, id) == 0)
            return job;
    }
    return NULL;
}

void job_append(Jobs *jobs, Job *job)
{
    job->newer = NULL;
    if (jobs->newest == NULL)
        jobs->oldest = job;
    else
        jobs->newest->newer = job;
    jobs->newest = job;
    jobs->row_count++;
}

static bool is_finished(const Job *job)
{
    return job->row.state >= JOB_COMPLETED;
}

void jobs_trim(Jobs *jobs, int64_t before_us)
{
    Job **at = &jobs->oldest;
    Job *kept = NULL;
    while (*at != NULL) {
        Job *job = *at;
        bool may_go = is_finished(job) && job->waiting == 0 && !job->is_queued;
        bool must_go = jobs->row_count > JOB_ROWS_MAX || job->row.finished_us < before_us;
        if (may_go && must_go) {
            *at = job->newer;
            jobs->row_count--;
            memory_free(job);
            continue;
        }
        kept = job;
        at = &job->newer;
    }
    jobs->newest = kept;
}

static void make_id(Jobs *jobs, JobType type, char out[JOB_ID_BYTES])
{
    static const char letters[] = "0123456789abcdefghijkmnpqrstuvwxyz"; /* without l and o */
    char text[13];
    for (size_t i = 0; i < 12; i++)
        text[i] = letters[env_random_u64(jobs->env) % (sizeof letters - 1)];
    text[12] = '\0';
    (void)snprintf(out, JOB_ID_BYTES, "%s-%s", job_type_prefix(type), text);
}

static void copy_name(char *out, size_t size, Slice name)
{
    size_t n = name.size < size - 1 ? name.size : size - 1;
    if (n > 0)
        memcpy(out, name.data, n);
    out[n] = '\0';
}

static void fill_names(Jobs *jobs, JobRow *row)
{
    if (jobs->catalog == NULL || row->table_id == 0)
        return;
    CatalogSnapshot *snapshot = catalog_snapshot(jobs->catalog);
    const CatalogTable *table = catalog_table_by_id(snapshot, row->table_id);
    if (table != NULL) {
        copy_name(row->namespace_name, sizeof row->namespace_name, table->namespace_name);
        copy_name(row->table_name, sizeof row->table_name, table->name);
    }
    catalog_snapshot_release(snapshot);
}

/* Names are filled in by whoever takes the job up: here a lock of the engine may be held. */
Status job_create(Jobs *jobs, const JobRequest *request, Job **out, Error *error)
{
    Job *job = MEMORY_NEW(Job);
    if (job == NULL)
        return error_out_of_memory(error);
    job->request = *request;
    if (request->folder != NULL) {
        (void)snprintf(job->folder, sizeof job->folder, "%s", request->folder);
        job->request.folder = job->folder;
    }
    job->row = (JobRow){.type = request->type,
                        .state = JOB_QUEUED,
                        .table_id = request->table_id,
                        .owner = request->owner,
                        .submitter = request->submitter,
                        .trigger = request->trigger,
                        .created_us = env_wall_us(jobs->env),
                        .snapshot_id = -1};
    make_id(jobs, request->type, job->row.id);
    (void)snprintf(job->row.parameters, sizeof job->row.parameters,
                   "{\"owner\":%u,\"everything\":%s}", request->owner,
                   request->everything ? "true" : "false");
    *out = job;
    return OK;
}

void job_fill_names(Jobs *jobs, Job *job)
{
    JobRow row = job->row;
    fill_names(jobs, &row);
    mutex_lock(&jobs->mutex);
    memcpy(job->row.namespace_name, row.namespace_name, sizeof row.namespace_name);
    memcpy(job->row.table_name, row.table_name, sizeof row.table_name);
    mutex_unlock(&jobs->mutex);
}

/* ---- for everybody ---- */

Status jobs_get(Jobs *jobs, const char *id, JobRow *out, Error *error)
{
    mutex_lock(&jobs->mutex);
    const Job *job = job_find(jobs, id);
    if (job != NULL)
        *out = job->row;
    mutex_unlock(&jobs->mutex);
    return job != NULL ? OK
                       : error_set(error, STATUS_UNDEFINED_OBJECT, "job \"%s\" does not exist", id);
}

Status jobs_list(Jobs *jobs, Arena *arena, JobRow **out, size_t *count, Error *error)
{
    for (;;) {
        mutex_lock(&jobs->mutex);
        size_t wanted = jobs->row_count;
        mutex_unlock(&jobs->mutex);
        JobRow *rows = ARENA_ARRAY(arena, JobRow, wanted);
        if (rows == NULL)
            return arena_error(arena, error);
        size_t n = 0;
        mutex_lock(&jobs->mutex);
        bool fits = jobs->row_count <= wanted;
        for (const Job *job = jobs->oldest; fits && job != NULL; job = job->newer)
            rows[n++] = job->row;
        mutex_unlock(&jobs->mutex);
        if (!fits)
            continue;
        *out = rows;
        *count = n;
        return OK;
    }
}
