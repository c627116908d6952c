/* Reading back what was written: live queries that resume or catch up. */
#include "base/assert.h"
#include "base/memory.h"
#include "log/log_int.h"

struct LogReader {
    Log *log;
    Segment *segment; /* counted in its readers */
    SegmentScan scan;
};

Segment *segment_pin(Log *log, LogPosition position, LogPosition *limit)
{
    Segment *segment = NULL;
    mutex_lock(&log->mutex);
    size_t i = segment_find(log, position);
    if (i < log->segment_count) {
        segment = log->segments[i];
        segment->readers++;
        bool is_last = i + 1 == log->segment_count;
        *limit = is_last ? UINT64_MAX : log->segments[i + 1]->base;
    }
    mutex_unlock(&log->mutex);
    return segment;
}

void segment_unpin(Log *log, Segment *segment)
{
    mutex_lock(&log->mutex);
    ASSERT(segment->readers > 0);
    segment->readers--;
    mutex_unlock(&log->mutex);
}

static Status enter_segment(LogReader *reader, LogPosition position, Error *error)
{
    LogPosition limit;
    Segment *segment = segment_pin(reader->log, position, &limit);
    if (segment == NULL)
        return error_set(error, STATUS_NOT_FOUND, "the log does not reach back so far");
    Status status = segment_scan_open(reader->log, segment, position, limit, &reader->scan, error);
    if (status != OK) {
        segment_unpin(reader->log, segment);
        return status;
    }
    reader->segment = segment;
    return OK;
}

static void leave_segment(LogReader *reader)
{
    if (reader->segment == NULL)
        return;
    segment_scan_close(&reader->scan);
    segment_unpin(reader->log, reader->segment);
    reader->segment = NULL;
}

Status log_reader_open(Log *log, LogPosition from, LogReader **out, Error *error)
{
    LogReader *reader = MEMORY_NEW(LogReader);
    if (reader == NULL)
        return error_out_of_memory(error);
    reader->log = log;
    Status status = enter_segment(reader, from, error);
    if (status != OK) {
        memory_free(reader);
        return status;
    }
    *out = reader;
    return OK;
}

void log_reader_close(LogReader *reader)
{
    if (reader == NULL)
        return;
    leave_segment(reader);
    memory_free(reader);
}

/* The segment may have got a successor since it was entered. */
static void refresh_limit(LogReader *reader)
{
    Log *log = reader->log;
    if (reader->scan.limit != UINT64_MAX)
        return;
    mutex_lock(&log->mutex);
    for (size_t i = 0; i + 1 < log->segment_count; i++) {
        if (log->segments[i] == reader->segment)
            reader->scan.limit = log->segments[i + 1]->base;
    }
    mutex_unlock(&log->mutex);
}

static Status damaged(const LogReader *reader, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "log segment %s cannot be read back",
                    reader->segment->name);
    return error->status;
}

/* The window may hold what the file had before the group was written. */
static Status read_again(LogReader *reader, FrameCheck *check, LogFrame *out, Error *error)
{
    buffer_clear(&reader->scan.bytes);
    TRY(segment_scan_next(&reader->scan, check, out, error));
    return *check == FRAME_VALID ? OK : damaged(reader, error);
}

Status log_reader_next(LogReader *reader, LogPosition until, LogFrame *out, bool *has, Error *error)
{
    for (;;) {
        FrameCheck check;
        *has = false;
        if (reader->scan.position >= until)
            return OK;
        refresh_limit(reader);
        if (reader->scan.position >= reader->scan.limit) {
            LogPosition position = reader->scan.position;
            leave_segment(reader);
            TRY(enter_segment(reader, position, error));
            continue;
        }
        TRY(segment_scan_next(&reader->scan, &check, out, error));
        if (check != FRAME_VALID)
            TRY(read_again(reader, &check, out, error));
        if (out->kind < LOG_FRAME_KIND_MIN)
            continue;
        *has = true;
        return OK;
    }
}

/* Where a search for `seq` has to begin: the last segment whose first sequence is not above. */
static Status search_start(Log *log, uint64_t seq, LogPosition *from, LogPosition *until,
                           Error *error)
{
    bool found = false;
    mutex_lock(&log->mutex);
    *until = log->statistics.written;
    for (size_t i = log->segment_count; i > 0 && !found; i--) {
        found = log->segments[i - 1]->first_seq <= seq;
        *from = log->segments[i - 1]->base;
    }
    bool from_beginning = log->segment_count > 0 && log->segments[0]->base == 0;
    mutex_unlock(&log->mutex);
    if (!found && !from_beginning)
        return error_set(error, STATUS_NOT_FOUND, "the log does not reach back so far");
    return OK;
}

Status log_find(Log *log, uint64_t seq, LogPosition *out, Error *error)
{
    LogReader *reader = NULL;
    LogPosition from;
    LogPosition until;
    Status status = OK;
    TRY(search_start(log, seq, &from, &until, error));
    *out = until;
    if (from >= until)
        return OK;
    GO(log_reader_open(log, from, &reader, error));
    for (;;) {
        LogFrame frame;
        bool has;
        GO(log_reader_next(reader, until, &frame, &has, error));
        if (!has || frame.seq >= seq) {
            *out = has ? frame.position : until;
            break;
        }
    }
done:
    log_reader_close(reader);
    return status;
}
