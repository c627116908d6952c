#include <endian.h>

#include "query/talk_int.h"

enum { ROW_HEADER_BYTES = 8 };

void row_stream_open(RowStream *stream, const RowLayout *layout, uint32_t lead_count, RowSink sink)
{
    stream->layout = layout;
    stream->lead_count = lead_count;
    stream->sink = sink;
    stream->count = 0;
    buffer_open(&stream->pending, 0);
}

void row_stream_close(RowStream *stream)
{
    buffer_close(&stream->pending);
}

static Status set_damaged(Error *error)
{
    return error_set(error, STATUS_WORKER_FAILED, "the engine's worker process sent damaged rows");
}

static Status hand_over(RowStream *stream, Error *error)
{
    size_t count = stream->count;
    stream->count = 0;
    return count == 0 ? OK
                      : stream->sink.rows(stream->sink.context, stream->layout, stream->rows,
                                          stream->lead, count, error);
}

static Status take_row(RowStream *stream, Slice lead, Slice row, Error *error)
{
    if (!row_check(stream->layout, row))
        return set_damaged(error);
    if (lead.size > 0)
        memcpy(stream->lead + stream->count * stream->lead_count, lead.data, lead.size);
    stream->rows[stream->count++] = row;
    return stream->count == ROW_BATCH_MAX ? hand_over(stream, error) : OK;
}

/* The row at the front of `bytes`; *used is 0 where it is not whole yet. */
static Status cut_row(RowStream *stream, Slice bytes, size_t *used, Error *error)
{
    *used = 0;
    if (bytes.size < ROW_HEADER_BYTES)
        return OK;
    uint32_t size;
    uint32_t leads;
    memcpy(&size, bytes.data, sizeof size);
    memcpy(&leads, bytes.data + sizeof size, sizeof leads);
    size = le32toh(size);
    if (size > ROW_BYTES_MAX || le32toh(leads) != stream->lead_count)
        return set_damaged(error);
    size_t begin = ROW_HEADER_BYTES + stream->lead_count * sizeof(int64_t);
    size_t whole = (begin + size + 7) & ~(size_t)7;
    if (bytes.size < whole)
        return OK;
    *used = whole;
    return take_row(stream, slice_part(bytes, ROW_HEADER_BYTES, begin - ROW_HEADER_BYTES),
                    slice_of(bytes.data + begin, size), error);
}

/* Rows begin at multiples of 8 in memory that is aligned, so that vectors in them are. */
static void keep_rest(RowStream *stream, size_t used)
{
    Buffer *pending = &stream->pending;
    pending->size -= used;
    if (pending->size > 0)
        memmove(pending->data, pending->data + used, pending->size);
    else if (pending->capacity > ROW_STREAM_KEPT_BYTES_MAX)
        buffer_close(pending);
}

Status row_stream_bytes(void *context, Slice bytes, uint64_t rows, Error *error)
{
    (void)rows;
    RowStream *stream = context;
    buffer_put_slice(&stream->pending, bytes);
    TRY(buffer_status(&stream->pending, error));
    size_t at = 0;
    for (size_t used = 1; used > 0; at += used)
        TRY(cut_row(stream, slice_part(buffer_slice(&stream->pending), at, SIZE_MAX), &used,
                    error));
    TRY(hand_over(stream, error));
    keep_rest(stream, at);
    return OK;
}

Status row_stream_end(void *context, Error *error)
{
    const RowStream *stream = context;
    return stream->pending.size == 0 ? OK : set_damaged(error);
}

Status talk_rows(QueryPool *pool, Arena *arena, const TalkRequest *request, RowSink sink,
                 TalkResult *out, Error *error)
{
    const WorkerRequest *asked = request->request;
    RowLayout layout;
    TRY(row_layout_open(arena, asked->result_types + asked->lead_count,
                        asked->result_count - asked->lead_count, &layout, error));
    RowStream *stream = ARENA_NEW(arena, RowStream);
    if (stream == NULL)
        return arena_error(arena, error);
    row_stream_open(stream, &layout, asked->lead_count, sink);
    TalkSink talk_sink = {row_stream_bytes, row_stream_end, stream};
    Status status = talk(pool, request, &talk_sink, out, error);
    row_stream_close(stream);
    return status;
}
