/* Bodies read as a stream by another thread: a ring between the loop, which fills it and stops
 * reading the connection while it is full, and the reader, who waits while it is empty. */
#include "base/assert.h"
#include "net/http_int.h"

enum { PACKED_BYTES = 32 << 10 };

static HttpStream *stream_of_resume(LoopTask *task)
{
    return (HttpStream *)(void *)((uint8_t *)task - offsetof(HttpStream, resume));
}

/* On the loop: the reader has made room. */
static void resume_reading(LoopTask *task)
{
    HttpStream *stream = stream_of_resume(task);
    HttpExchange *exchange = stream->exchange;
    Connection *connection = exchange->connection;
    mutex_lock(&stream->mutex);
    stream->resume_is_posted = false;
    mutex_unlock(&stream->mutex);
    if (exchange->is_over) {
        http_exchange_give_back(exchange);
        return;
    }
    HttpCodec *codec = exchange->is_detached ? NULL : http_codec_of(connection);
    if (codec == NULL || codec->state != HTTP_READS_BODY)
        return;
    codec->body_began_ns = connection->loop->now_ns; /* the wait was not the client's */
    codec->body_received = 0;
    connection_resume(connection);
    http_codec_set_deadline(codec);
    connection_process_input(connection);
}

Status http_stream_body(HttpExchange *exchange, uint64_t bytes_max, Error *error)
{
    ASSERT(loop_is_current(exchange->loop) && !exchange->body_is_streamed);
    if (!exchange->body_is_gzip && exchange->head.length > bytes_max)
        return error_set(error, STATUS_PAYLOAD_TOO_LARGE, "the body is larger than %llu bytes",
                         (unsigned long long)bytes_max);
    TRY(http_stream_open(exchange, error));
    HttpStream *stream = exchange->stream;
    exchange->seen_stream = stream;
    stream->queue = memory_allocate(HTTP_BODY_QUEUE_BYTES);
    if (stream->queue == NULL)
        return error_out_of_memory(error);
    if (exchange->body_is_gzip) {
        stream->packed_bytes = memory_allocate(PACKED_BYTES);
        if (stream->packed_bytes == NULL)
            return error_out_of_memory(error);
        TRY(gzip_reader_open(&stream->unpacker, error));
    }
    stream->resume.run = resume_reading;
    stream->exchange = exchange;
    stream->body_bytes_max = bytes_max;
    exchange->body_is_streamed = true;
    return OK;
}

void http_body_stream_close(HttpStream *stream)
{
    gzip_reader_close(&stream->unpacker);
    memory_free(stream->packed_bytes);
    memory_free(stream->queue);
}

/* ---- the loop's side ---- */

size_t http_body_stream_room(HttpExchange *exchange)
{
    HttpStream *stream = exchange->stream;
    mutex_lock(&stream->mutex);
    size_t room = HTTP_BODY_QUEUE_BYTES - stream->queue_size;
    if (room == 0)
        stream->body_is_paused = true; /* until the reader says that there is much room */
    if (stream->body_is_paused)
        room = 0;
    mutex_unlock(&stream->mutex);
    return room;
}

void http_body_stream_put(HttpExchange *exchange, Slice piece)
{
    HttpStream *stream = exchange->stream;
    mutex_lock(&stream->mutex);
    ASSERT(piece.size <= HTTP_BODY_QUEUE_BYTES - stream->queue_size);
    size_t at = (stream->queue_first + stream->queue_size) % HTTP_BODY_QUEUE_BYTES;
    size_t first =
        HTTP_BODY_QUEUE_BYTES - at < piece.size ? HTTP_BODY_QUEUE_BYTES - at : piece.size;
    memcpy(stream->queue + at, piece.data, first);
    if (piece.size > first)
        memcpy(stream->queue, piece.data + first, piece.size - first);
    stream->queue_size += piece.size;
    condition_broadcast(&stream->changed);
    mutex_unlock(&stream->mutex);
}

void http_body_stream_end(HttpExchange *exchange)
{
    HttpStream *stream = exchange->stream;
    mutex_lock(&stream->mutex);
    stream->body_has_ended = true;
    condition_broadcast(&stream->changed);
    mutex_unlock(&stream->mutex);
}

void http_body_stream_fail(HttpExchange *exchange, const Error *error)
{
    HttpStream *stream = exchange->stream;
    mutex_lock(&stream->mutex);
    if (stream->body_status == OK && !stream->body_has_ended) {
        stream->body_status = error->status;
        memcpy(stream->body_message, error->message, sizeof stream->body_message);
    }
    condition_broadcast(&stream->changed);
    mutex_unlock(&stream->mutex);
}

/* ---- the reader's side ---- */

static size_t take_queued(HttpStream *stream, uint8_t *out, size_t size)
{
    size_t at = stream->queue_first;
    size_t taken = stream->queue_size < size ? stream->queue_size : size;
    size_t first = HTTP_BODY_QUEUE_BYTES - at < taken ? HTTP_BODY_QUEUE_BYTES - at : taken;
    memcpy(out, stream->queue + at, first);
    if (taken > first)
        memcpy(out + first, stream->queue, taken - first);
    stream->queue_first = (at + taken) % HTTP_BODY_QUEUE_BYTES;
    stream->queue_size -= taken;
    return taken;
}

/* What came before a fault is handed out first. */
static Status read_raw(HttpExchange *exchange, void *out, size_t size, size_t *got, Error *error)
{
    HttpStream *stream = exchange->stream;
    Status status = OK;
    bool resumes = false;
    mutex_lock(&stream->mutex);
    while (stream->queue_size == 0 && !stream->body_has_ended && stream->body_status == OK)
        condition_wait(&stream->changed, &stream->mutex);
    *got = take_queued(stream, out, size);
    if (*got == 0 && stream->body_status != OK) {
        status = error_set(error, stream->body_status, "%s", stream->body_message);
    } else if (stream->body_is_paused && stream->queue_size <= HTTP_BODY_QUEUE_BYTES / 2) {
        stream->body_is_paused = false;
        resumes = !stream->resume_is_posted;
        stream->resume_is_posted = true;
    }
    mutex_unlock(&stream->mutex);
    if (resumes)
        loop_post(exchange->loop, &stream->resume);
    return status;
}

static Status read_unpacked(HttpExchange *exchange, void *out, size_t size, size_t *got,
                            Error *error)
{
    HttpStream *stream = exchange->stream;
    for (;;) {
        TRY(gzip_reader_next(&stream->unpacker, &stream->packed, out, size, got, error));
        if (*got > 0)
            return OK;
        ASSERT(stream->packed.size == 0);
        size_t raw = 0;
        TRY(read_raw(exchange, stream->packed_bytes, PACKED_BYTES, &raw, error));
        if (raw == 0 && !stream->unpacker.is_done)
            return error_set(error, STATUS_PROTOCOL_VIOLATION, "the gzip body ends too early");
        if (raw == 0)
            return OK;
        stream->packed = slice_of(stream->packed_bytes, raw);
    }
}

Status http_body_read(HttpExchange *exchange, void *out, size_t size, size_t *got, Error *error)
{
    HttpStream *stream = exchange->stream;
    ASSERT(size > 0 && !loop_is_current(exchange->loop));
    *got = 0;
    if (!exchange->body_is_streamed) {
        ASSERT(exchange->request.body.size == 0);
        return OK; /* there was none */
    }
    TRY(stream->unpacker.is_open ? read_unpacked(exchange, out, size, got, error)
                                 : read_raw(exchange, out, size, got, error));
    stream->body_bytes += *got;
    if (stream->body_bytes <= stream->body_bytes_max)
        return OK;
    return error_set(error, STATUS_PAYLOAD_TOO_LARGE, "the body is larger than %llu bytes",
                     (unsigned long long)stream->body_bytes_max);
}
