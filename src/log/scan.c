/* Reading a segment's file through a window, frame by frame. */
#include "base/assert.h"
#include "log/log_int.h"

enum { WINDOW_BYTES = 1 << 20 };

Status segment_scan_open(Log *log, const Segment *segment, LogPosition from, LogPosition limit,
                         SegmentScan *out, Error *error)
{
    Path path;
    ASSERT(from >= segment->base);
    *out = (SegmentScan){.log = log, .segment = segment, .position = from, .limit = limit};
    buffer_open(&out->bytes, 0);
    TRY(segment_path(log, segment->name, &path, error));
    TRY(file_open(log->env, path.text, FILE_READ, &out->file, error));
    Status status = file_size(out->file, &out->file_bytes, error);
    if (status != OK)
        segment_scan_close(out);
    return status;
}

void segment_scan_close(SegmentScan *scan)
{
    Error ignored;
    if (scan->file != NULL) {
        Status status = file_close(scan->file, &ignored);
        (void)status; /* it was only read */
    }
    scan->file = NULL;
    buffer_close(&scan->bytes);
}

static uint64_t offset_of(const SegmentScan *scan, LogPosition position)
{
    return LOG_SEGMENT_HEADER_BYTES + (position - scan->segment->base);
}

/* Reads the file from `offset` on, at least `size` bytes where it has them. */
static Status load_window(SegmentScan *scan, uint64_t offset, size_t size, Error *error)
{
    size_t wanted = size < WINDOW_BYTES ? WINDOW_BYTES : size;
    uint64_t rest = offset < scan->file_bytes ? scan->file_bytes - offset : 0;
    size_t got;
    if (wanted > rest)
        wanted = (size_t)rest;
    buffer_clear(&scan->bytes);
    uint8_t *at = buffer_reserve(&scan->bytes, wanted + 1);
    TRY(buffer_status(&scan->bytes, error));
    TRY(file_read_at(scan->file, offset, at, wanted, &got, error));
    scan->bytes.size = got;
    scan->window = offset;
    return OK;
}

/* The bytes from `offset` on that are at hand, after making sure of `size` of them. */
static Status window_at(SegmentScan *scan, uint64_t offset, size_t size, Slice *out, Error *error)
{
    uint64_t end = scan->window + scan->bytes.size;
    bool inside = offset >= scan->window && offset + size <= end;
    if (!inside)
        TRY(load_window(scan, offset, size, error));
    *out = slice_part(buffer_slice(&scan->bytes), (size_t)(offset - scan->window), SIZE_MAX);
    return OK;
}

/* Bytes that a frame which says so at its start would take; a header's where it is no frame. */
static size_t claimed_bytes(Slice header)
{
    uint32_t size;
    if (header.size < FRAME_HEADER_BYTES)
        return header.size;
    memcpy(&size, header.data + 4, sizeof size);
    return size > LOG_FRAME_BYTES_MAX ? FRAME_HEADER_BYTES : frame_bytes(size);
}

static Status frame_at(SegmentScan *scan, LogPosition position, FrameCheck *check, LogFrame *out,
                       Error *error)
{
    Slice bytes;
    uint64_t offset = offset_of(scan, position);
    TRY(window_at(scan, offset, FRAME_HEADER_BYTES, &bytes, error));
    TRY(window_at(scan, offset, claimed_bytes(bytes), &bytes, error));
    *check = frame_check(bytes, scan->segment, position, out);
    return OK;
}

Status segment_scan_next(SegmentScan *scan, FrameCheck *check, LogFrame *out, Error *error)
{
    *check = FRAME_NONE;
    if (scan->position >= scan->limit)
        return OK;
    TRY(frame_at(scan, scan->position, check, out, error));
    if (*check == FRAME_VALID && out->kind != LOG_FRAME_SEAL)
        scan->position = out->end;
    return OK;
}

static bool may_be_frame(Slice bytes)
{
    uint16_t magic;
    if (bytes.size < FRAME_HEADER_BYTES)
        return false;
    memcpy(&magic, bytes.data + 26, sizeof magic);
    return magic == FRAME_MAGIC;
}

/* What a valid frame says to have been durable when it was written. */
static LogPosition claim_of(const LogFrame *frame)
{
    LogGroupHeader header;
    if (frame->kind == LOG_FRAME_SEAL)
        return frame->position;
    return group_header_get(frame, &header) ? header.durable : 0;
}

Status segment_scan_claim(SegmentScan *scan, LogPosition *claim, Error *error)
{
    *claim = 0;
    LogPosition position = scan->position;
    while (offset_of(scan, position) + FRAME_HEADER_BYTES <= scan->file_bytes) {
        Slice bytes;
        FrameCheck check = FRAME_BAD;
        LogFrame frame;
        TRY(window_at(scan, offset_of(scan, position), FRAME_HEADER_BYTES, &bytes, error));
        if (may_be_frame(bytes))
            TRY(frame_at(scan, position, &check, &frame, error));
        if (check == FRAME_VALID && claim_of(&frame) > scan->position) {
            *claim = claim_of(&frame);
            return OK;
        }
        position = check == FRAME_VALID && frame.kind != LOG_FRAME_SEAL ? frame.end : position + 8;
    }
    return OK;
}
