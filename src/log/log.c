#include "log/log.h"

#include "base/assert.h"
#include "base/memory.h"
#include "log/log_int.h"

enum { SCRATCH_BYTES = LOG_SEGMENT_HEADER_BYTES + 256 };

static Status prepare(Log *log, const char *directory, Error *error)
{
    TRY(path_format(&log->directory, error, "%s", directory));
    if (strlen(directory) + 32 > PATH_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "the log's path is too long");
    if (buffer_reserve(&log->scratch, SCRATCH_BYTES) == NULL)
        return error_out_of_memory(error);
    return env_make_durable_directories(log->env, directory, error);
}

Status log_open(Env *env, const char *directory, const LogOptions *options, LogPosition from,
                Log **out, LogRecovery *recovery, Error *error)
{
    ASSERT(options->segment_bytes >= SEGMENT_BYTES_MIN / 64);
    Log *log = MEMORY_NEW(Log);
    if (log == NULL)
        return error_out_of_memory(error);
    log->env = env;
    log->options = *options;
    log->durability = options->durability;
    log->interval_ns = options->interval_ns;
    mutex_open(&log->expiry, env, "log expiry");
    mutex_open(&log->mutex, env, "log");
    condition_open(&log->committer, env);
    condition_open(&log->preparer, env);
    buffer_open(&log->scratch, 0);
    Status status = OK;
    GO(prepare(log, directory, error));
    GO(log_recover(log, from, recovery, error));
    *out = log;
    return OK;
done:
    log_close(log);
    return status;
}

static void stop_preparer(Log *log)
{
    if (log->preparer_thread == NULL)
        return;
    mutex_lock(&log->mutex);
    log->closing = true;
    condition_broadcast(&log->preparer);
    mutex_unlock(&log->mutex);
    thread_join(log->preparer_thread);
}

static void free_chunk(LogChunk *chunk)
{
    buffer_close(&chunk->frames);
    memory_free(chunk);
}

static void free_segments(Log *log)
{
    Error ignored;
    for (size_t i = 0; i < log->segment_count; i++) {
        ASSERT(log->segments[i]->readers == 0);
        if (log->segments[i]->file != NULL) {
            Status status = segment_close(log->segments[i], &ignored);
            (void)status; /* what counts was synced before */
        }
        memory_free(log->segments[i]);
    }
    memory_free(log->segments);
    while (log->segments_ready_count > 0)
        memory_free(log->segments_ready[--log->segments_ready_count]);
}

void log_close(Log *log)
{
    if (log == NULL)
        return;
    stop_preparer(log);
    if (log->has_next)
        spare_give_back(log, &log->next);
    free_segments(log);
    if (log->filling != NULL)
        free_chunk(log->filling);
    while (log->free_chunks != NULL) {
        LogChunk *chunk = log->free_chunks;
        log->free_chunks = chunk->next_free;
        free_chunk(chunk);
    }
    buffer_close(&log->scratch);
    condition_close(&log->preparer);
    condition_close(&log->committer);
    mutex_close(&log->mutex);
    mutex_close(&log->expiry);
    memory_free(log);
}

static void add_segment_statistics(const Segment *segment, LogStatistics *out)
{
    uint64_t bytes = segment->end - segment->base;
    if (segment->released)
        out->bytes_released += bytes;
    else
        out->bytes_unreleased += bytes;
    out->segments += bytes > 0;
    if (out->first_seq == 0)
        out->first_seq = segment->first_seq;
}

void log_statistics(const Log *log, LogStatistics *out)
{
    Log *own = (Log *)(uintptr_t)log;
    mutex_lock(&own->mutex);
    *out = log->statistics;
    for (size_t i = 0; i < log->segment_count; i++)
        add_segment_statistics(log->segments[i], out);
    mutex_unlock(&own->mutex);
}
