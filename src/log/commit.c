/* Committing: the committer waits for frames, writes a whole group with one write and makes it
 * durable with one sync while the next group fills. */
#include "base/assert.h"
#include "log/log_int.h"

/* ---- waiting ---- */

/* When the data written and not synced must be, or INT64_MAX. Under the mutex. */
static int64_t sync_due_ns(const Log *log)
{
    bool unsynced = log->statistics.durable < log->statistics.written;
    if (!unsynced || log->durability != LOG_INTERVAL)
        return INT64_MAX;
    return log->last_sync_ns + log->interval_ns;
}

void log_wait(Log *log, int64_t deadline_ns)
{
    mutex_lock(&log->mutex);
    log->committer_waits = true;
    while (log_pending_bytes(log) == 0 && !log->wake_committer) {
        int64_t until = sync_due_ns(log);
        if (deadline_ns < until)
            until = deadline_ns;
        if (!condition_wait_until(&log->committer, &log->mutex, until))
            break;
    }
    log->committer_waits = false;
    log->wake_committer = false;
    mutex_unlock(&log->mutex);
}

void log_wake(Log *log)
{
    mutex_lock(&log->mutex);
    log->wake_committer = true;
    condition_signal(&log->committer);
    mutex_unlock(&log->mutex);
}

/* ---- writing ---- */

static void fill_group_header(const Log *log, const LogGroup *group, int64_t wall_us)
{
    LogGroupHeader header = {log->statistics.durable, group->highest_seq, wall_us};
    Buffer *frames = &group->chunk->frames;
    buffer_set_u64(frames, FRAME_HEADER_BYTES, header.durable);
    buffer_set_u64(frames, FRAME_HEADER_BYTES + 8, header.highest_seq);
    buffer_set_u64(frames, FRAME_HEADER_BYTES + 16, (uint64_t)header.wall_us);
}

/* In builds with fault points a group is written in two halves, so that a test can die between. */
static Status write_frames(Log *log, File *file, uint64_t offset, Slice frames, Error *error)
{
    TRY(FAULT(log->env, log_write, error));
#ifdef FIRN_FAULTS
    size_t half = frames.size / 2;
    TRY(file_write_at(file, offset, slice_of(frames.data, half), error));
    TRY(FAULT(log->env, log_append_mid_batch, error));
    return file_write_at(file, offset + half, slice_part(frames, half, frames.size), error);
#else
    return file_write_at(file, offset, frames, error);
#endif
}

static Status sync_current(Log *log, Error *error)
{
    File *file = log->current->file;
    int64_t begin_ns = env_monotonic_ns(log->env);
    TRY(FAULT(log->env, log_sync, error));
    if (!BROKEN(skip_sync))
        TRY(file_sync_data(file, error));
    int64_t end_ns = env_monotonic_ns(log->env);
    mutex_lock(&log->mutex);
    log->last_sync_ns = end_ns;
    log->statistics.syncs++;
    log->statistics.sync_ns += (uint64_t)(end_ns - begin_ns);
    log->statistics.durable = log->statistics.written;
    mutex_unlock(&log->mutex);
    return OK;
}

static Status write_in_place(Log *log, const LogGroup *group, Error *error)
{
    Segment *segment = log->current;
    Buffer *frames = &group->chunk->frames;
    ASSERT(segment->end == group->chunk->begin);
    uint64_t offset = LOG_SEGMENT_HEADER_BYTES + (segment->end - segment->base);
    frames_finish(frames->data, frames->size, segment, segment->end);
    return write_frames(log, segment->file, offset, buffer_slice(frames), error);
}

/* Says in the old segment that the next one exists, so that its loss is noticed. */
static Status seal_segment(Log *log, Segment *segment, uint64_t next_id, Error *error)
{
    Buffer *frame = &log->scratch;
    Slice payload = slice_of(&next_id, sizeof next_id);
    buffer_clear(frame);
    frame_put(frame, LOG_FRAME_SEAL, 0, 0, 0, &payload, 1);
    ASSERT(!frame->failed && frame->size == SEAL_FRAME_BYTES);
    frame_finish(frame->data, segment, segment->end);
    uint64_t offset = LOG_SEGMENT_HEADER_BYTES + (segment->end - segment->base);
    TRY(file_write_at(segment->file, offset, buffer_slice(frame), error));
    TRY(file_sync_data(segment->file, error));
    return segment_close(segment, error);
}

/* The group becomes the first content of a new segment. What stands before it is synced first: the
 * new segment's base says that it is. */
static Status write_to_next_segment(Log *log, const LogGroup *group, Error *error)
{
    Buffer *frames = &group->chunk->frames;
    LogFrame first;
    size_t at = 0;
    bool has_first = log_chunk_next(group->chunk, &at, &first);
    ASSERT(has_first);
    if (log->statistics.durable < log->statistics.written && !BROKEN(rotate_sync))
        TRY(sync_current(log, error));
    Spare spare = {group->next_number, group->next_bytes};
    Segment next = {.id = log->next_segment_id,
                    .salt = env_random_u64(log->env),
                    .base = group->chunk->begin,
                    .first_seq = first.seq};
    frames_finish(frames->data, frames->size, &next, next.base);
    TRY(segment_make(log, &spare, buffer_slice(frames), &next, error));
    Status status = FAULT(log->env, flush_rotate_log, error);
    if (status == OK)
        status = seal_segment(log, log->current, next.id, error);
    if (status != OK) {
        KEEP_FIRST(segment_close(&next, LATER_ERROR(error)));
        return status;
    }
    segments_add(log, &next);
    mutex_lock(&log->mutex);
    log->next_segment_id++;
    log->statistics.syncs += 2;
    mutex_unlock(&log->mutex);
    return OK;
}

static void count_group(Log *log, const LogGroup *group, int64_t wall_us)
{
    uint64_t size = group->chunk->frames.size;
    mutex_lock(&log->mutex);
    Segment *segment = log->current;
    segment->end = group->end;
    segment->last_wall_us = wall_us;
    log->statistics.written = group->end;
    log->statistics.groups++;
    log->statistics.frames += group->chunk->frame_count;
    log->statistics.bytes_written += size;
    if (group->changes_segment)
        log->statistics.durable = group->end;
    atomic_fetch_add(&log->total_bytes, size);
    mutex_unlock(&log->mutex);
}

static bool must_sync_now(Log *log, const LogGroup *group)
{
    mutex_lock(&log->mutex);
    bool unsynced = log->statistics.durable < log->statistics.written;
    bool is_due = env_monotonic_ns(log->env) >= sync_due_ns(log);
    bool must = unsynced && (log->durability == LOG_ALWAYS || group->must_sync || is_due);
    mutex_unlock(&log->mutex);
    return must;
}

static Status write_group(Log *log, const LogGroup *group, Error *error)
{
    int64_t wall_us = env_wall_us(log->env);
    fill_group_header(log, group, wall_us);
    if (group->changes_segment)
        TRY(write_to_next_segment(log, group, error));
    else
        TRY(write_in_place(log, group, error));
    count_group(log, group, wall_us);
    return OK;
}

Status log_write_group(Log *log, LogGroup *group, Error *error)
{
    Status status = OK;
    if (log_is_poisoned(log))
        return error_of(error, STATUS_LOG_POISONED);
    if (group->chunk != NULL)
        GO(write_group(log, group, error));
    if (must_sync_now(log, group))
        GO(sync_current(log, error));
    GO(FAULT(log->env, log_after_sync, error));
    mutex_lock(&log->mutex);
    group->durable = log->statistics.durable;
    mutex_unlock(&log->mutex);
done:
    if (status != OK) {
        (void)error_wrap(error, "log");
        return log_poison(log, error);
    }
    return OK;
}

/* ---- durability ---- */

void log_set_durability(Log *log, LogDurability durability, int64_t interval_ns)
{
    mutex_lock(&log->mutex);
    log->durability = durability;
    log->interval_ns = interval_ns;
    log->wake_committer = true;
    condition_signal(&log->committer);
    mutex_unlock(&log->mutex);
}

LogDurability log_durability(const Log *log)
{
    Log *own = (Log *)(uintptr_t)log;
    mutex_lock(&own->mutex);
    LogDurability durability = own->durability;
    mutex_unlock(&own->mutex);
    return durability;
}
