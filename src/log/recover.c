/* Opening: which segments there are, whether they belong together, and where the log ends.
 *
 * One group is one write that was not synced when the machine died, so any part of the last one may
 * be missing. A bad frame is the end, unless something valid behind it says that the place was
 * durable: a group header, a seal, or a next segment's base. Then it is damage, and the open is
 * refused. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/memory.h"
#include "log/log_int.h"

static Status damaged_at(const SegmentScan *scan, const char *what, Error *error)
{
    uint64_t offset = LOG_SEGMENT_HEADER_BYTES + (scan->position - scan->segment->base);
    (void)error_set(error, STATUS_DATA_CORRUPTED, "log segment %s is damaged at offset %llu: %s",
                    scan->segment->name, (unsigned long long)offset, what);
    error_set_hint(error, "Nothing was changed. Restore the file, or run firn check.");
    return error->status;
}

/* ---- finding the segments ---- */

static Status add_found(Log *log, Slice name, Error *error)
{
    Segment segment = {0};
    memcpy(segment.name, name.data, name.size);
    TRY(segment_header_read(log, &segment, error));
    TRY(segments_reserve(log, error));
    segments_add(log, &segment);
    return OK;
}

static int compare_segments(const void *a, const void *b)
{
    const Segment *x = *(Segment *const *)a;
    const Segment *y = *(Segment *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static Status find_segments(Log *log, Error *error)
{
    Arena arena;
    DirectoryEntry *entries;
    size_t count;
    Status status = OK;
    arena_open(&arena, 0);
    GO(env_list(log->env, log->directory.text, &arena, &entries, &count, error));
    for (size_t i = 0; i < count; i++) {
        uint64_t seq;
        if (segment_name_parse(entries[i].name, &seq))
            GO(add_found(log, entries[i].name, error));
    }
    if (log->segment_count > 0)
        qsort(log->segments, log->segment_count, sizeof(Segment *), compare_segments);
done:
    arena_close(&arena);
    return status;
}

static Status check_chain(const Log *log, LogPosition from, Error *error)
{
    if (log->segment_count == 0) {
        if (from == 0)
            return OK;
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "the log is missing: no segment is there, but a checkpoint needs it");
    }
    const Segment *first = log->segments[0];
    if (first->base > from)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "the log is incomplete: it begins with segment %s, an older one is needed",
                         first->name);
    for (size_t i = 1; i < log->segment_count; i++) {
        const Segment *before = log->segments[i - 1];
        const Segment *after = log->segments[i];
        if (after->id != before->id + 1 || after->base < before->base)
            return error_set(error, STATUS_DATA_CORRUPTED,
                             "the log is incomplete: a segment between %s and %s is missing",
                             before->name, after->name);
    }
    return OK;
}

/* ---- checking the frames ---- */

typedef struct Check {
    Log *log;
    LogRecovery *recovery;
    LogPosition from;      /* frames before it are looked at and not counted */
    LogPosition committed; /* one past the last whole transaction */
    LogPosition known;     /* highest durable claim */
    uint64_t frames_open;  /* of a transaction that has not ended */
    uint64_t bytes_open;
    LogPosition last_frame; /* where the last whole transaction's last frame begins */
} Check;

static void note_frame(Check *check, Segment *segment, const LogFrame *frame)
{
    LogGroupHeader header;
    LogRecovery *recovery = check->recovery;
    if (group_header_get(frame, &header)) {
        if (header.durable > check->known)
            check->known = header.durable;
        if (header.highest_seq > recovery->highest_seq)
            recovery->highest_seq = header.highest_seq;
        recovery->last_wall_us = header.wall_us;
        segment->last_wall_us = header.wall_us;
        if (check->frames_open == 0 && frame->end > check->from)
            check->committed = frame->end;
        return;
    }
    if (frame->seq > recovery->highest_seq)
        recovery->highest_seq = frame->seq;
    if (frame->end <= check->from)
        return;
    check->frames_open++;
    check->bytes_open += frame->end - frame->position;
    if ((frame->flags & LOG_FRAME_COMMIT) == 0)
        return;
    recovery->frames += check->frames_open;
    recovery->bytes += check->bytes_open;
    check->frames_open = 0;
    check->bytes_open = 0;
    check->committed = frame->end;
    check->last_frame = frame->position;
}

/* Behind the last good frame of the last segment. */
static Status check_tail(Check *check, SegmentScan *scan, FrameCheck found, const LogFrame *frame,
                         Error *error)
{
    if (found == FRAME_VALID && frame->kind == LOG_FRAME_SEAL)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "the log is incomplete: the segment after %s is missing",
                         scan->segment->name);
    if (scan->position < check->known)
        return damaged_at(scan, "it ends below what was durable", error);
    LogPosition claim;
    TRY(segment_scan_claim(scan, &claim, error));
    if (claim > scan->position)
        return damaged_at(scan, "what follows says that this was durable", error);
    return OK;
}

static Status check_end(Check *check, SegmentScan *scan, FrameCheck found, const LogFrame *frame,
                        bool is_last, Error *error)
{
    if (is_last)
        return check_tail(check, scan, found, frame, error);
    if (scan->position < scan->limit)
        return damaged_at(scan, "a frame is missing, but the next segment is there", error);
    if (scan->position > scan->limit)
        return damaged_at(scan, "a frame reaches beyond the next segment's beginning", error);
    return OK;
}

/* The segment in which replay begins is read from its start: nothing else would tell that it ends
 * before the place where replay begins. */
static Status check_segment(Check *check, size_t number, Error *error)
{
    Log *log = check->log;
    Segment *segment = log->segments[number];
    bool is_last = number + 1 == log->segment_count;
    LogPosition limit = is_last ? UINT64_MAX : log->segments[number + 1]->base;
    SegmentScan scan;
    FrameCheck found;
    LogFrame frame;
    if (segment->base >= limit)
        return OK;
    TRY(segment_scan_open(log, segment, segment->base, limit, &scan, error));
    Status status = OK;
    for (;;) {
        GO(segment_scan_next(&scan, &found, &frame, error));
        if (found != FRAME_VALID || frame.kind == LOG_FRAME_SEAL)
            break;
        note_frame(check, segment, &frame);
    }
    GO(check_end(check, &scan, found, &frame, is_last, error));
    segment->end = scan.position;
    if (is_last && check->recovery->torn_bytes == 0)
        check->recovery->torn_bytes = scan.position - check->committed;
done:
    segment_scan_close(&scan);
    return status;
}

static Status check_frames(Log *log, LogPosition from, LogRecovery *recovery, Error *error)
{
    Check check = {
        .log = log, .recovery = recovery, .from = from, .committed = from, .known = from};
    size_t first = segment_find(log, from);
    for (size_t i = 0; i < log->segment_count; i++) {
        Segment *segment = log->segments[i];
        if (segment->base > check.known)
            check.known = segment->base;
        bool is_last = i + 1 == log->segment_count;
        segment->end = is_last ? segment->base : log->segments[i + 1]->base;
        if (i >= first)
            TRY(check_segment(&check, i, error));
    }
    if (check.committed < check.known && log->segment_count > 0)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "the log ends in the middle of a durable transaction");
    log->recovered_from = from;
    log->recovered_end = check.committed;
    if (BROKEN(drop_last) && check.last_frame > from)
        log->recovered_end = check.last_frame;
    log->recovered_known = check.known;
    recovery->end = check.committed;
    recovery->durable = check.known;
    recovery->segments = log->segment_count;
    recovery->first = log->segment_count > 0 ? log->segments[0]->base : from;
    recovery->found_any = log->segment_count > 0;
    return OK;
}

Status log_recover(Log *log, LogPosition from, LogRecovery *recovery, Error *error)
{
    *recovery = (LogRecovery){0};
    TRY(find_segments(log, error));
    TRY(check_chain(log, from, error));
    TRY(check_frames(log, from, recovery, error));
    uint64_t total = 0;
    for (size_t i = 0; i < log->segment_count; i++) {
        const Segment *segment = log->segments[i];
        total += segment->end - segment->base;
        if (segment->first_seq > recovery->highest_seq) /* one may have no frames, only a name */
            recovery->highest_seq = segment->first_seq;
    }
    atomic_store(&log->total_bytes, total);
    return spares_adopt(log, error);
}

/* ---- replay ---- */

static Status visit_frame(const Segment *segment, LogVisitor visit, void *context,
                          const LogFrame *frame, Error *error)
{
    if (visit(context, frame, error) == OK)
        return OK;
    return error_wrap(error, "log segment %s, position %llu", segment->name,
                      (unsigned long long)frame->position);
}

/* Segments may be added meanwhile: a flush during replay commits. */
static Status replay_segment(Log *log, LogPosition *position, LogVisitor visit, void *context,
                             Error *error)
{
    LogPosition limit;
    SegmentScan scan = {0};
    FrameCheck found = FRAME_NONE;
    LogFrame frame;
    Status status = OK;
    Segment *segment = segment_pin(log, *position, &limit);
    if (segment == NULL)
        return error_set(error, STATUS_DATA_CORRUPTED, "a log segment is missing");
    if (limit > log->recovered_end)
        limit = log->recovered_end;
    GO(segment_scan_open(log, segment, *position, limit, &scan, error));
    while (scan.position < limit) {
        GO(segment_scan_next(&scan, &found, &frame, error));
        if (found != FRAME_VALID)
            GO(damaged_at(&scan, "it was whole a moment ago", error));
        if (frame.kind >= LOG_FRAME_KIND_MIN)
            GO(visit_frame(segment, visit, context, &frame, error));
    }
    *position = limit;
done:
    segment_scan_close(&scan);
    segment_unpin(log, segment);
    return status;
}

Status log_replay(Log *log, LogPosition from, LogVisitor visit, void *context, Error *error)
{
    LogPosition position = from;
    ASSERT(from >= log->recovered_from);
    while (position < log->recovered_end)
        TRY(replay_segment(log, &position, visit, context, error));
    return OK;
}

/* ---- starting to write ---- */

/* The tail that nothing called durable, with checksums for the new segment. */
static Status read_tail(Log *log, const Segment *segment, Buffer *out, Error *error)
{
    LogPosition from = segment->base;
    size_t size = (size_t)(log->recovered_end - from);
    size_t got;
    Path path;
    File *file = NULL;
    Status status = OK;
    const Segment *last = log->segments[log->segment_count - 1];
    uint8_t *at = buffer_reserve(out, size);
    GO(buffer_status(out, error));
    GO(segment_path(log, last->name, &path, error));
    GO(file_open(log->env, path.text, FILE_READ, &file, error));
    GO(file_read_at(file, LOG_SEGMENT_HEADER_BYTES + (from - last->base), at, size, &got, error));
    if (got != size)
        GO(error_set(error, STATUS_DATA_CORRUPTED, "log segment %s became shorter", last->name));
    out->size = size;
    frames_finish(out->data, size, segment, from);
done:
    if (file != NULL)
        KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    return status;
}

static Status make_first_segment(Log *log, uint64_t seq, Error *error)
{
    Buffer tail;
    Spare spare;
    Status status = OK;
    Segment segment = {
        .id = log->next_segment_id, .salt = env_random_u64(log->env), .first_seq = seq};
    ASSERT(log->segment_count == 0 || seq > log->segments[log->segment_count - 1]->first_seq);
    buffer_open(&tail, 0);
    segment.base =
        log->recovered_known < log->recovered_end ? log->recovered_known : log->recovered_end;
    if (segment.base < log->recovered_end)
        GO(read_tail(log, &segment, &tail, error));
    GO(FAULT(log->env, recover_rewrite, error));
    uint64_t around = LOG_SEGMENT_HEADER_BYTES + SEAL_FRAME_BYTES;
    uint64_t more = segment_bytes_least(log) / 2;
    GO(spare_take(log, tail.size + around + more, 0, &spare, error));
    GO(segments_reserve(log, error));
    GO(segment_make(log, &spare, buffer_slice(&tail), &segment, error));
    if (log->segment_count > 0)
        log->segments[log->segment_count - 1]->end = segment.base;
    segments_add(log, &segment);
    log->next_segment_id++;
    log->room = spare.file_bytes - around - tail.size;
done:
    buffer_close(&tail);
    return status;
}

Status log_start(Log *log, uint64_t seq, Error *error)
{
    ASSERT(!log->started);
    log->next_segment_id = 1;
    if (log->segment_count > 0)
        log->next_segment_id = log->segments[log->segment_count - 1]->id + 1;
    TRY(make_first_segment(log, seq, error));
    log->appended = log->recovered_end;
    log->statistics.written = log->recovered_end;
    log->statistics.durable = log->recovered_end;
    log->last_sync_ns = env_monotonic_ns(log->env);
    TRY(thread_start(log->env, "log spares", THREAD_STACK_BYTES_DEFAULT, spare_run, log,
                     &log->preparer_thread, error));
    log->started = true;
    return OK;
}
