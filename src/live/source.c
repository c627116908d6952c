#include "live/source_int.h"

#include "base/assert.h"

void source_of_chunk(const LogChunk *chunk, LiveSource *out)
{
    *out = (LiveSource){.chunk = chunk, .seq_max = UINT64_MAX};
}

Status source_of_log(Log *log, LogPosition from, LiveSource *out, Error *error)
{
    LiveSource source = {.log = log, .until = from, .position = from};
    TRY(log_reader_open(log, from, &source.reader, error));
    *out = source;
    return OK;
}

void source_close(LiveSource *source)
{
    log_reader_close(source->reader);
    source->reader = NULL;
    source->has_frame = false;
}

void source_extend(LiveSource *source, uint64_t seq_max)
{
    LogStatistics statistics;
    log_statistics(source->log, &statistics);
    source->until = statistics.written;
    source->seq_max = seq_max;
}

static Status load(LiveSource *source, Error *error)
{
    if (source->chunk != NULL)
        source->has_frame = log_chunk_next(source->chunk, &source->at, &source->frame);
    else
        TRY(log_reader_next(source->reader, source->until, &source->frame, &source->has_frame,
                            error));
    return OK;
}

Status source_peek(LiveSource *source, const LogFrame **out, Error *error)
{
    if (!source->has_frame)
        TRY(load(source, error));
    bool is_given = source->has_frame && source->frame.seq <= source->seq_max;
    *out = is_given ? &source->frame : NULL;
    return OK;
}

void source_take(LiveSource *source)
{
    ASSERT(source->has_frame);
    source->position = source->frame.end;
    source->has_frame = false;
}

static bool ends_transaction(const LogFrame *frame)
{
    return (frame->flags & LOG_FRAME_COMMIT) != 0;
}

/* The rest of a transaction is in its chunk, always. */
static uint64_t commit_seq_in_chunk(const LiveSource *source)
{
    size_t at = source->at;
    LogFrame frame = source->frame;
    while (!ends_transaction(&frame)) {
        bool has = log_chunk_next(source->chunk, &at, &frame);
        ASSERT(has);
    }
    return frame.seq;
}

/* A second reader goes ahead: what stands between may be more than fits into memory. */
static Status commit_seq_in_log(const LiveSource *source, uint64_t *out, Error *error)
{
    LogReader *reader;
    LogFrame frame;
    bool has = true;
    TRY(log_reader_open(source->log, source->frame.position, &reader, error));
    Status status = OK;
    do {
        GO(log_reader_next(reader, source->until, &frame, &has, error));
    } while (has && !ends_transaction(&frame));
    if (has)
        *out = frame.seq;
    else
        GO(error_set(error, STATUS_DATA_CORRUPTED, "a transaction has no end in the log"));
done:
    log_reader_close(reader);
    return status;
}

Status source_commit_seq(LiveSource *source, uint64_t *out, Error *error)
{
    ASSERT(source->has_frame);
    if (ends_transaction(&source->frame)) {
        *out = source->frame.seq;
        return OK;
    }
    if (source->chunk == NULL)
        return commit_seq_in_log(source, out, error);
    *out = commit_seq_in_chunk(source);
    return OK;
}
