/* Appending: frames go into the buffer of the group being filled. Everything here runs under the
 * caller's sequencer. */
#include "base/assert.h"
#include "base/memory.h"
#include "log/log_int.h"

Status log_poison(Log *log, Error *error)
{
    atomic_store(&log->poisoned, true);
    return error->status;
}

bool log_is_poisoned(const Log *log)
{
    return atomic_load_explicit(&log->poisoned, memory_order_acquire);
}

static Status refuse_poisoned(Error *error)
{
    (void)error_of(error, STATUS_LOG_POISONED);
    error_set_hint(error, "The disk refused a write of the log. Reads go on. Look at the server's "
                          "log, mend the disk, and start the server again.");
    return error->status;
}

/* ---- chunks ---- */

static LogChunk *reuse_chunk(Log *log)
{
    mutex_lock(&log->mutex);
    LogChunk *chunk = log->free_chunks;
    if (chunk != NULL)
        log->free_chunks = chunk->next_free;
    mutex_unlock(&log->mutex);
    return chunk;
}

static LogChunk *new_chunk(Log *log)
{
    LogChunk *chunk = reuse_chunk(log);
    if (chunk == NULL) {
        chunk = MEMORY_NEW(LogChunk);
        if (chunk == NULL)
            return NULL;
        buffer_open(&chunk->frames, 0);
    }
    chunk->references = 1;
    chunk->log = log;
    chunk->next_free = NULL;
    chunk->frame_count = 0;
    buffer_clear(&chunk->frames);
    return chunk;
}

LogChunk *log_chunk_clone(LogChunk *chunk)
{
    atomic_fetch_add(&chunk->references, 1);
    return chunk;
}

void log_chunk_release(LogChunk *chunk)
{
    if (chunk == NULL || atomic_fetch_sub(&chunk->references, 1) != 1)
        return;
    Log *log = chunk->log;
    if (chunk->frames.capacity > CHUNK_BYTES_KEPT_MAX)
        buffer_close(&chunk->frames);
    mutex_lock(&log->mutex);
    chunk->next_free = log->free_chunks;
    log->free_chunks = chunk;
    mutex_unlock(&log->mutex);
}

bool log_chunk_next(const LogChunk *chunk, size_t *at, LogFrame *out)
{
    for (;;) {
        ASSERT(*at <= chunk->frames.size);
        if (*at == chunk->frames.size)
            return false;
        frame_split(chunk->frames.data + *at, chunk->begin + *at, out);
        *at += (size_t)(out->end - out->position);
        if (out->kind >= LOG_FRAME_KIND_MIN)
            return true;
    }
}

/* ---- reserving ---- */

static Status reserve_memory(Log *log, size_t bytes, Error *error)
{
    if (log->filling == NULL) {
        log->filling = new_chunk(log);
        if (log->filling == NULL)
            return error_out_of_memory(error);
    }
    if (buffer_reserve(&log->filling->frames, bytes) == NULL) {
        log->filling->frames.failed = false; /* what was appended before is whole */
        return error_out_of_memory(error);
    }
    return OK;
}

/* The group will not fit into the current segment: makes sure that there is one for it. */
static Status reserve_next_segment(Log *log, uint64_t group_bytes, bool for_commit_record,
                                   Error *error)
{
    if (log->has_next && group_bytes <= log->next_room)
        return OK;
    uint64_t around = LOG_SEGMENT_HEADER_BYTES + SEAL_FRAME_BYTES;
    Spare spare;
    TRY(segments_reserve(log, error));
    TRY(spare_take(log, group_bytes + around, for_commit_record ? 0 : 1, &spare, error));
    if (log->has_next)
        spare_give_back(log, &log->next);
    log->has_next = true;
    log->next = spare;
    log->next_room = spare.file_bytes - around;
    return OK;
}

Status log_reserve(Log *log, size_t frames, size_t bytes, bool for_commit_record, Error *error)
{
    ASSERT(log->started && frames > 0);
    if (log_is_poisoned(log))
        return refuse_poisoned(error);
    if (bytes > LOG_FRAME_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "a transaction of %zu bytes is larger than the log takes (%d)", bytes,
                         LOG_FRAME_BYTES_MAX);
    TRY(FAULT(log->env, log_append, error));
    size_t needed = frames * (FRAME_HEADER_BYTES + 7) + bytes;
    if (log->filling == NULL || log->filling->frames.size == 0)
        needed += GROUP_FRAME_BYTES;
    TRY(reserve_memory(log, needed, error));
    uint64_t group_bytes = log->filling->frames.size + needed;
    if (group_bytes > log->room)
        TRY(reserve_next_segment(log, group_bytes, for_commit_record, error));
    return OK;
}

/* ---- appending ---- */

static void begin_group(Log *log)
{
    LogChunk *chunk = log->filling;
    chunk->begin = log->appended;
    LogGroupHeader header = {0}; /* filled in when the group is written */
    group_header_put(&chunk->frames, &header);
    log->appended += GROUP_FRAME_BYTES;
}

LogPosition log_append(Log *log, uint8_t kind, uint8_t flags, uint64_t seq, uint64_t transaction,
                       const Slice *parts, size_t part_count)
{
    ASSERT(kind >= LOG_FRAME_KIND_MIN && seq > 0);
    ASSERT(log->filling != NULL);
    if (log->filling->frames.size == 0)
        begin_group(log);
    Buffer *frames = &log->filling->frames;
    size_t before = frames->size;
    frame_put(frames, kind, flags, seq, transaction, parts, part_count);
    ASSERT(!frames->failed); /* log_reserve was asked for less */
    log->filling->frame_count++;
    log->appended += frames->size - before;
    atomic_store_explicit(&log->pending_bytes, frames->size, memory_order_relaxed);
    return log->appended;
}

void log_notify(Log *log)
{
    mutex_lock(&log->mutex);
    bool waits = log->committer_waits;
    mutex_unlock(&log->mutex);
    if (waits)
        condition_signal(&log->committer);
}

LogPosition log_appended(const Log *log)
{
    return log->appended;
}

size_t log_pending_bytes(const Log *log)
{
    return (size_t)atomic_load_explicit(&log->pending_bytes, memory_order_relaxed);
}

void log_require_sync(Log *log)
{
    log->filling_must_sync = true;
}

void log_take_group(Log *log, uint64_t highest_seq, LogGroup *out)
{
    *out = (LogGroup){.end = log->appended, .must_sync = log->filling_must_sync};
    log->filling_must_sync = false;
    LogChunk *chunk = log->filling;
    if (chunk == NULL || chunk->frames.size == 0)
        return;
    out->chunk = chunk;
    out->highest_seq = highest_seq;
    log->filling = NULL;
    atomic_store_explicit(&log->pending_bytes, 0, memory_order_relaxed);
    uint64_t size = chunk->frames.size;
    if (size <= log->room) {
        log->room -= size;
        return;
    }
    ASSERT(log->has_next && size <= log->next_room);
    out->changes_segment = true;
    out->next_number = log->next.number;
    out->next_bytes = log->next.file_bytes;
    log->has_next = false;
    log->room = log->next_room - size;
}
