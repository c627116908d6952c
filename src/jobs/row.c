/* Rows of system.jobs as records of the log.
 *
 *     u8 format (1), u8 type, u8 state, u8 trigger, sized id, table id, sized namespace, sized
 * table, owner, submitter, sized parameters, rows, bytes, files, u32 progress (millionths), sized
 *     message, sized error, attempts, u64 created, started, finished, heartbeat, snapshot, sized
 * path Integers are varints unless a width is given. The newest record of an id is its row. */
#include <stdio.h>

#include "jobs/jobs_int.h"

enum { JOB_ROW_FORMAT = 1, PROGRESS_SCALE = 1000000 };

static void put_text(Buffer *out, const char *text)
{
    buffer_put_sized(out, slice_of_text(text));
}

void job_row_encode(Buffer *out, const JobRow *row)
{
    buffer_put_u8(out, JOB_ROW_FORMAT);
    buffer_put_u8(out, (uint8_t)row->type);
    buffer_put_u8(out, (uint8_t)row->state);
    buffer_put_u8(out, (uint8_t)row->trigger);
    put_text(out, row->id);
    buffer_put_varint(out, row->table_id);
    put_text(out, row->namespace_name);
    put_text(out, row->table_name);
    buffer_put_varint(out, row->owner);
    buffer_put_varint(out, row->submitter);
    put_text(out, row->parameters);
    buffer_put_varint(out, row->rows);
    buffer_put_varint(out, row->bytes);
    buffer_put_varint(out, row->files);
    buffer_put_u32(out, (uint32_t)(row->progress * PROGRESS_SCALE));
    put_text(out, row->message);
    put_text(out, row->error);
    buffer_put_varint(out, row->attempts);
    buffer_put_u64(out, (uint64_t)row->created_us);
    buffer_put_u64(out, (uint64_t)row->started_us);
    buffer_put_u64(out, (uint64_t)row->finished_us);
    buffer_put_u64(out, (uint64_t)row->heartbeat_us);
    buffer_put_u64(out, (uint64_t)row->snapshot_id);
    put_text(out, row->first_path);
}

/* A text that does not fit fails the cursor. */
static void get_text(Cursor *cursor, char *out, size_t size)
{
    Slice text = cursor_sized(cursor);
    if (text.size >= size) {
        cursor->failed = true;
        return;
    }
    if (text.size > 0)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
}

static void get_rest(Cursor *cursor, JobRow *row)
{
    get_text(cursor, row->id, sizeof row->id);
    row->table_id = cursor_varint(cursor);
    get_text(cursor, row->namespace_name, sizeof row->namespace_name);
    get_text(cursor, row->table_name, sizeof row->table_name);
    row->owner = (OwnerId)cursor_varint(cursor);
    row->submitter = (OwnerId)cursor_varint(cursor);
    get_text(cursor, row->parameters, sizeof row->parameters);
    row->rows = cursor_varint(cursor);
    row->bytes = cursor_varint(cursor);
    row->files = cursor_varint(cursor);
    row->progress = (double)cursor_u32(cursor) / PROGRESS_SCALE;
    get_text(cursor, row->message, sizeof row->message);
    get_text(cursor, row->error, sizeof row->error);
    row->attempts = (uint32_t)cursor_varint(cursor);
    row->created_us = (int64_t)cursor_u64(cursor);
    row->started_us = (int64_t)cursor_u64(cursor);
    row->finished_us = (int64_t)cursor_u64(cursor);
    row->heartbeat_us = (int64_t)cursor_u64(cursor);
    row->snapshot_id = (int64_t)cursor_u64(cursor);
    get_text(cursor, row->first_path, sizeof row->first_path);
}

Status job_row_decode(Cursor *cursor, JobRow *out, Error *error)
{
    JobRow row = {0};
    uint8_t format = cursor_u8(cursor);
    if (!cursor->failed && format != JOB_ROW_FORMAT)
        return error_set_format(error, "a job record", format, JOB_ROW_FORMAT);
    row.type = (JobType)cursor_u8(cursor);
    row.state = (JobState)cursor_u8(cursor);
    row.trigger = (FlushTrigger)cursor_u8(cursor);
    get_rest(cursor, &row);
    bool sound = row.type >= JOB_FLUSH && row.type <= JOB_USER_CLEANUP && row.state >= JOB_QUEUED &&
                 row.state <= JOB_SUPERSEDED && (int)row.trigger < TRIGGER_COUNT;
    if (cursor->failed || !sound)
        return error_set(error, STATUS_DATA_CORRUPTED, "a job record is damaged");
    *out = row;
    return OK;
}

void job_record(Jobs *jobs, const Job *job)
{
    Buffer payload;
    Error error;
    if (jobs->engine == NULL || engine_is_poisoned(jobs->engine))
        return;
    buffer_open(&payload, 0);
    mutex_lock(&jobs->mutex);
    job_row_encode(&payload, &job->row);
    mutex_unlock(&jobs->mutex);
    Status status = buffer_status(&payload, &error);
    if (status == OK)
        status = engine_append_upper(jobs->engine, FRAME_JOB, buffer_slice(&payload), NULL, NULL,
                                     false, &error);
    if (status != OK)
        LOG_WARN(jobs->logger, "job_not_recorded", "a job's row could not be logged",
                 LOG_TEXT("job", job->row.id), LOG_ERROR_OF(&error));
    buffer_close(&payload);
}

void job_record_state(Jobs *jobs, Job *job, JobState state)
{
    mutex_lock(&jobs->mutex);
    job->row.state = state;
    mutex_unlock(&jobs->mutex);
    job_record(jobs, job);
}

/* ---- recovery ---- */

static Status take_row(Jobs *jobs, const JobRow *row, Error *error)
{
    Job *job = job_find(jobs, row->id);
    if (job == NULL) {
        job = MEMORY_NEW(Job);
        if (job == NULL)
            return error_out_of_memory(error);
        job_append(jobs, job);
    }
    job->row = *row;
    return OK;
}

Status jobs_recover_record(Jobs *jobs, Slice payload, Error *error)
{
    Cursor cursor = cursor_of(payload);
    JobRow row;
    TRY(job_row_decode(&cursor, &row, error));
    return take_row(jobs, &row, error);
}

Status jobs_check_record(Slice payload, Error *error)
{
    Cursor cursor = cursor_of(payload);
    JobRow row;
    return job_row_decode(&cursor, &row, error);
}

Status jobs_check_checkpoint(Slice payload, Error *error)
{
    Cursor cursor = cursor_of(payload);
    uint64_t count = cursor_varint(&cursor);
    for (uint64_t i = 0; i < count; i++) {
        JobRow row;
        TRY(job_row_decode(&cursor, &row, error));
    }
    return OK;
}

void jobs_encode(Jobs *jobs, Buffer *out)
{
    mutex_lock(&jobs->mutex);
    buffer_put_varint(out, jobs->row_count);
    for (const Job *job = jobs->oldest; job != NULL; job = job->newer)
        job_row_encode(out, &job->row);
    mutex_unlock(&jobs->mutex);
}

Status jobs_recover_checkpoint(Jobs *jobs, Slice payload, Error *error)
{
    Cursor cursor = cursor_of(payload);
    uint64_t count = cursor_varint(&cursor);
    for (uint64_t i = 0; i < count; i++) {
        JobRow row;
        TRY(job_row_decode(&cursor, &row, error));
        TRY(take_row(jobs, &row, error));
    }
    return OK;
}

/* ---- names ---- */

const char *job_type_name(JobType type)
{
    static const char *const names[] = {"?",           "flush",       "compact",
                                        "cleanup",     "retention",   "stream_eviction",
                                        "job_cleanup", "user_cleanup"};
    return names[type <= JOB_USER_CLEANUP ? type : 0];
}

const char *job_type_prefix(JobType type)
{
    static const char *const prefixes[] = {"??", "FL", "CO", "CL", "RT", "SE", "JC", "UC"};
    return prefixes[type <= JOB_USER_CLEANUP ? type : 0];
}

const char *job_state_name(JobState state)
{
    static const char *const names[] = {"?",      "queued",    "running",   "completed",
                                        "failed", "cancelled", "superseded"};
    return names[state <= JOB_SUPERSEDED ? state : 0];
}
