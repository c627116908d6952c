/* What recovery does not need any more stays for live queries that resume, for a while. */
#include "base/assert.h"
#include "base/memory.h"
#include "log/log_int.h"

void log_release(Log *log, LogPosition position)
{
    int64_t now_us = env_wall_us(log->env);
    mutex_lock(&log->mutex);
    if (position > log->statistics.released)
        log->statistics.released = position;
    for (size_t i = 0; i + 1 < log->segment_count; i++) {
        Segment *segment = log->segments[i];
        if (segment->released || log->segments[i + 1]->base > position)
            continue;
        segment->released = true;
        segment->released_us = segment->last_wall_us != 0 ? segment->last_wall_us : now_us;
    }
    mutex_unlock(&log->mutex);
}

static uint64_t released_bytes(const Log *log)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < log->segment_count && log->segments[i]->released; i++)
        bytes += log->segments[i]->file_bytes;
    return bytes;
}

/* Takes the oldest segment off the list if it may go. Under the mutex. */
static Segment *take_expired(Log *log, int64_t before_wall_us, uint64_t bytes_max)
{
    if (log->segment_count < 2)
        return NULL;
    Segment *oldest = log->segments[0];
    bool too_old = oldest->released_us < before_wall_us;
    if (!oldest->released || oldest->readers > 0)
        return NULL;
    if (!too_old && released_bytes(log) <= bytes_max)
        return NULL;
    log->segment_count--;
    for (size_t i = 0; i < log->segment_count; i++)
        log->segments[i] = log->segments[i + 1];
    return oldest;
}

static void put_back_oldest(Log *log, Segment *segment)
{
    mutex_lock(&log->mutex);
    ASSERT(log->segment_count < log->segment_capacity); /* it was taken from here */
    for (size_t i = log->segment_count; i > 0; i--)
        log->segments[i] = log->segments[i - 1];
    log->segments[0] = segment;
    log->segment_count++;
    log->statistics.unlink_failures++;
    mutex_unlock(&log->mutex);
}

static Status remove_segment(Log *log, Segment *segment, Error *error)
{
    Path path;
    TRY(FAULT(log->env, log_unlink, error));
    if (spare_recycle(log, segment))
        return OK;
    TRY(segment_path(log, segment->name, &path, error));
    return env_remove(log->env, path.text, error);
}

/* The segments go one by one, the oldest first, each removal durable before the next: a crash
 * leaves a log without holes. */
static Status expire_all(Log *log, int64_t before_wall_us, uint64_t bytes_max, Error *error)
{
    for (;;) {
        mutex_lock(&log->mutex);
        Segment *segment = take_expired(log, before_wall_us, bytes_max);
        mutex_unlock(&log->mutex);
        if (segment == NULL)
            return OK;
        Status status = remove_segment(log, segment, error);
        if (status != OK) {
            put_back_oldest(log, segment);
            return status;
        }
        memory_free(segment);
        TRY(FAULT(log->env, flush_mid_release, error));
        TRY(env_sync_directory(log->env, log->directory.text, error));
    }
}

Status log_expire(Log *log, int64_t before_wall_us, uint64_t bytes_max, Error *error)
{
    mutex_lock(&log->expiry);
    Status status = expire_all(log, before_wall_us, bytes_max, error);
    mutex_unlock(&log->expiry);
    return status;
}
