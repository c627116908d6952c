/* Answers of unknown length, written piece by piece by one thread while the loop sends them.
 *
 * Every piece is encoded (packed, framed as a chunk) by the writer. HTTP/1.0 has no chunks: there
 * the end of the connection ends the answer. */
#include <stdio.h>

#include "base/assert.h"
#include "net/http_int.h"

typedef struct HttpPiece {
    struct HttpPiece *next;
    SharedFrame *frame;
} HttpPiece;

static void run_stream(LoopTask *task);

Status http_stream_open(HttpExchange *exchange, Error *error)
{
    if (exchange->stream != NULL)
        return OK;
    HttpStream *stream = MEMORY_NEW(HttpStream);
    if (stream == NULL)
        return error_out_of_memory(error);
    mutex_open(&stream->mutex, exchange->loop->env, "http_stream");
    condition_open(&stream->changed, exchange->loop->env);
    stream->deadline_ns = INT64_MAX;
    exchange->stream = stream;
    return OK;
}

static void free_pieces(HttpPiece *piece)
{
    while (piece != NULL) {
        HttpPiece *next = piece->next;
        shared_frame_release(piece->frame);
        memory_free(piece);
        piece = next;
    }
}

void http_stream_close(HttpExchange *exchange)
{
    HttpStream *stream = exchange->stream;
    if (stream == NULL)
        return;
    free_pieces(stream->first);
    gzip_writer_close(&stream->gzip);
    http_body_stream_close(stream);
    condition_close(&stream->changed);
    mutex_close(&stream->mutex);
    memory_free(stream);
    exchange->stream = NULL;
}

/* ---- the writer's side ---- */

static Status fail_closed(Error *error)
{
    return error_set(error, STATUS_CONNECTION_FAILURE, "the client is gone");
}

/* Gives the loop what was written; on the loop itself there is nothing to wait for. */
static void notify_loop(HttpExchange *exchange)
{
    HttpStream *stream = exchange->stream;
    mutex_lock(&stream->mutex);
    bool must_post = !stream->is_posted;
    stream->is_posted = true;
    mutex_unlock(&stream->mutex);
    if (!must_post)
        return;
    if (loop_is_current(exchange->loop))
        run_stream(&exchange->task);
    else
        loop_post(exchange->loop, &exchange->task);
}

static bool is_full(const HttpStream *stream)
{
    return stream->produced - stream->consumed > HTTP_STREAM_BYTES_MAX;
}

/* Takes the frame in any case. */
static Status add_piece(HttpExchange *exchange, SharedFrame *frame, Error *error)
{
    HttpStream *stream = exchange->stream;
    HttpPiece *piece = frame == NULL ? NULL : MEMORY_NEW(HttpPiece);
    if (piece == NULL) {
        shared_frame_release(frame);
        return error_out_of_memory(error);
    }
    piece->frame = frame;
    mutex_lock(&stream->mutex);
    if (stream->last == NULL)
        stream->first = piece;
    else
        stream->last->next = piece;
    stream->last = piece;
    stream->produced += frame->size;
    stream->wants_drained = is_full(stream);
    mutex_unlock(&stream->mutex);
    return OK;
}

/* On the loop itself nobody could make room meanwhile. */
static Status wait_for_room(HttpExchange *exchange, Error *error)
{
    HttpStream *stream = exchange->stream;
    bool in_time = true;
    if (loop_is_current(exchange->loop))
        return OK;
    mutex_lock(&stream->mutex);
    while (in_time && !stream->is_closed && is_full(stream))
        in_time = condition_wait_until(&stream->changed, &stream->mutex, stream->deadline_ns);
    bool is_closed = stream->is_closed;
    mutex_unlock(&stream->mutex);
    if (is_closed)
        return fail_closed(error);
    return in_time ? OK
                   : error_set(error, STATUS_QUERY_CANCELED,
                               "canceling statement: the client reads its result too slowly");
}

void http_stream_set_deadline(HttpExchange *exchange, int64_t deadline_ns)
{
    exchange->stream->deadline_ns = deadline_ns;
}

Status http_stream_begin(HttpExchange *exchange, const HttpAnswer *answer, Error *error)
{
    ASSERT(answer->body.size == 0 && answer->frame == NULL);
    TRY(http_stream_open(exchange, error));
    HttpStream *stream = exchange->stream;
    ASSERT(!stream->is_begun);
    stream->is_chunked = exchange->head.minor_version > 0;
    stream->drops_body = exchange->head.method == HTTP_HEAD;
    stream->gzips = exchange->accepts_gzip && !answer->is_packed;
    exchange->says_close = exchange->says_close || !stream->is_chunked;
    if (stream->gzips)
        TRY(gzip_writer_open(&stream->gzip, 0, error));
    HttpAnswerHead head = {.answer = answer,
                           .body_size = stream->is_chunked ? BODY_CHUNKED : BODY_NONE,
                           .is_gzip = stream->gzips};
    uint8_t *body = NULL;
    SharedFrame *frame = http_answer_frame(exchange, &head, &body);
    exchange->task.run = run_stream;
    TRY(add_piece(exchange, frame, error));
    stream->is_begun = true;
    notify_loop(exchange);
    return OK;
}

/* "SIZE CRLF bytes CRLF", or the bytes alone. */
static SharedFrame *frame_piece(const HttpStream *stream, Slice piece)
{
    char line[24];
    if (!stream->is_chunked)
        return shared_frame_copy(piece);
    int line_size = snprintf(line, sizeof line, "%zx\r\n", piece.size);
    ASSERT(line_size > 0 && (size_t)line_size < sizeof line);
    SharedFrame *frame = shared_frame_create((size_t)line_size + piece.size + 2);
    if (frame == NULL)
        return NULL;
    memcpy(frame->data, line, (size_t)line_size);
    memcpy(frame->data + line_size, piece.data, piece.size);
    memcpy(frame->data + (size_t)line_size + piece.size, "\r\n", 2);
    return frame;
}

/* An empty piece would be the last chunk: it is left out. */
static Status add_data(HttpExchange *exchange, Slice piece, bool is_last, Error *error)
{
    HttpStream *stream = exchange->stream;
    Status status = OK;
    Buffer packed;
    buffer_open(&packed, 0);
    if (stream->gzips) {
        GO(gzip_writer_put(&stream->gzip, piece, is_last, &packed, error));
        piece = buffer_slice(&packed);
    }
    if (piece.size > 0)
        GO(add_piece(exchange, frame_piece(stream, piece), error));
done:
    buffer_close(&packed);
    return status;
}

Status http_stream_write(HttpExchange *exchange, Slice piece, Error *error)
{
    HttpStream *stream = exchange->stream;
    ASSERT(stream != NULL && stream->is_begun && !stream->has_ended);
    if (piece.size == 0 || stream->drops_body)
        return OK;
    TRY(wait_for_room(exchange, error));
    TRY(add_data(exchange, piece, false, error));
    notify_loop(exchange);
    return OK;
}

size_t http_stream_queued(HttpExchange *exchange)
{
    HttpStream *stream = exchange->stream;
    mutex_lock(&stream->mutex);
    uint64_t queued = stream->produced - stream->consumed;
    mutex_unlock(&stream->mutex);
    return (size_t)queued;
}

static Status add_end(HttpExchange *exchange, Error *error)
{
    HttpStream *stream = exchange->stream;
    if (stream->drops_body)
        return OK;
    if (stream->gzips)
        TRY(add_data(exchange, SLICE_EMPTY, true, error));
    if (!stream->is_chunked)
        return OK;
    return add_piece(exchange, shared_frame_copy(SLICE("0\r\n\r\n")), error);
}

/* The loop may finish the exchange as soon as it knows: nothing of it is touched after that. */
void http_stream_end(HttpExchange *exchange, bool whole)
{
    HttpStream *stream = exchange->stream;
    Error error;
    ASSERT(stream != NULL && stream->is_begun && !stream->has_ended);
    bool is_whole = whole && add_end(exchange, &error) == OK;
    mutex_lock(&stream->mutex);
    stream->has_ended = true;
    stream->is_whole = is_whole;
    bool must_post = !stream->is_posted;
    stream->is_posted = true;
    mutex_unlock(&stream->mutex);
    if (!must_post)
        return;
    if (loop_is_current(exchange->loop))
        run_stream(&exchange->task);
    else
        loop_post(exchange->loop, &exchange->task);
}

/* ---- the loop's side ---- */

static void send_pieces(HttpExchange *exchange, HttpPiece *piece)
{
    HttpStream *stream = exchange->stream;
    Connection *connection = exchange->connection;
    if (!stream->has_base && !exchange->is_detached) {
        stream->base = connection_sent(connection) + connection_queued(connection);
        stream->has_base = true;
    }
    for (HttpPiece *at = piece; at != NULL && !exchange->is_detached; at = at->next) {
        (void)connection_send(connection, at->frame); /* a failure has closed the connection */
        at->frame = NULL;
    }
    free_pieces(piece);
    HttpCodec *codec = exchange->is_detached ? NULL : http_codec_of(connection);
    if (codec != NULL)
        http_codec_set_deadline(codec);
}

static HttpExchange *exchange_of(LoopTask *task)
{
    return (HttpExchange *)(void *)((uint8_t *)task - offsetof(HttpExchange, task));
}

/* Chunks without the last one tell the client; where there are none, only a reset does. */
static void cut_off(HttpExchange *exchange)
{
    if (exchange->stream->is_chunked)
        exchange->says_close = true;
    else
        connection_abort(exchange->connection);
}

static void run_stream(LoopTask *task)
{
    HttpExchange *exchange = exchange_of(task);
    HttpStream *stream = exchange->stream;
    exchange->seen_stream = stream;
    mutex_lock(&stream->mutex);
    HttpPiece *pieces = stream->first;
    bool has_ended = stream->has_ended;
    bool is_whole = stream->is_whole;
    stream->first = NULL;
    stream->last = NULL;
    stream->is_posted = false;
    mutex_unlock(&stream->mutex);
    send_pieces(exchange, pieces);
    if (exchange->is_detached)
        http_stream_on_closed(exchange);
    if (!has_ended)
        return;
    if (!is_whole && !exchange->is_detached)
        cut_off(exchange);
    http_codec_finish(exchange);
}

void http_stream_on_output(HttpExchange *exchange)
{
    HttpStream *stream = exchange->seen_stream;
    const NetHandlers *handlers = &exchange->loop->net->handlers;
    uint64_t sent = connection_sent(exchange->connection);
    if (!stream->has_base || sent <= stream->base)
        return;
    mutex_lock(&stream->mutex);
    stream->consumed = sent - stream->base;
    bool has_room = stream->produced - stream->consumed <= HTTP_STREAM_BYTES_MAX / 2;
    bool is_wanted = has_room && stream->wants_drained;
    if (has_room) {
        stream->wants_drained = false;
        condition_broadcast(&stream->changed);
    }
    mutex_unlock(&stream->mutex);
    if (is_wanted && handlers->http_drained != NULL)
        handlers->http_drained(handlers->context, exchange);
}

void http_stream_on_closed(HttpExchange *exchange)
{
    HttpStream *stream = exchange->seen_stream;
    Error error;
    mutex_lock(&stream->mutex);
    stream->is_closed = true;
    condition_broadcast(&stream->changed);
    mutex_unlock(&stream->mutex);
    (void)fail_closed(&error);
    http_body_stream_fail(exchange, &error);
}
