/* Bodies: their framing, and those that are taken whole. */
#include "base/assert.h"
#include "net/http_int.h"

enum { UNPACK_STEP_BYTES = 32 << 10 };

bool http_body_is_done(const HttpCodec *codec)
{
    return codec->body_is_chunked ? http_chunked_is_done(&codec->chunked) : codec->body_left == 0;
}

static Status next_piece(HttpCodec *codec, Slice input, size_t *used, Slice *piece, Error *error)
{
    if (codec->body_is_chunked)
        return http_chunked_next(&codec->chunked, input, used, piece, error);
    uint64_t left = codec->body_left;
    *piece = slice_part(input, 0, left < input.size ? (size_t)left : input.size);
    *used = piece->size;
    codec->body_left -= piece->size;
    return OK;
}

/* ---- bodies taken whole ---- */

static Status count_bytes(HttpExchange *exchange, size_t size, Error *error)
{
    Net *net = exchange->loop->net;
    const NetLimits *limits = &exchange->loop->configuration->limits;
    exchange->body_counted += size;
    uint64_t total = atomic_fetch_add(&net->body_bytes, size) + size;
    if (exchange->body.size + size > limits->body_bytes_max)
        return error_set(error, STATUS_PAYLOAD_TOO_LARGE, "the body is larger than %zu bytes",
                         limits->body_bytes_max);
    if (total > limits->body_bytes_total_max)
        return error_set(error, STATUS_OUT_OF_MEMORY,
                         "too many large request bodies at once: try again");
    return OK;
}

static Status unpack(HttpExchange *exchange, Slice piece, Error *error)
{
    Buffer *body = &exchange->body;
    if (!exchange->gzip.is_open)
        TRY(gzip_reader_open(&exchange->gzip, error));
    for (size_t got = UNPACK_STEP_BYTES; piece.size > 0 || got == UNPACK_STEP_BYTES;) {
        uint8_t *at = buffer_reserve(body, UNPACK_STEP_BYTES);
        TRY(buffer_status(body, error));
        TRY(gzip_reader_next(&exchange->gzip, &piece, at, UNPACK_STEP_BYTES, &got, error));
        TRY(count_bytes(exchange, got, error));
        body->size += got;
    }
    return OK;
}

static bool is_whole(const HttpCodec *codec, Slice piece)
{
    const HttpExchange *exchange = codec->exchange;
    return !codec->body_is_chunked && !exchange->body_is_gzip &&
           piece.size == exchange->head.length && piece.size <= HTTP_BODY_INLINE_BYTES;
}

static Status take_piece(HttpCodec *codec, Slice piece, Error *error)
{
    HttpExchange *exchange = codec->exchange;
    if (piece.size == 0 || exchange == NULL)
        return OK;
    if (exchange->body_is_streamed) {
        http_body_stream_put(exchange, piece);
        return OK;
    }
    if (is_whole(codec, piece))
        return arena_clone(&exchange->arena, piece, &exchange->request.body, error);
    if (exchange->body_is_gzip)
        return unpack(exchange, piece, error);
    TRY(count_bytes(exchange, piece.size, error));
    buffer_put_slice(&exchange->body, piece);
    return buffer_status(&exchange->body, error);
}

Status http_body_settle(HttpExchange *exchange, Error *error)
{
    if (exchange->body_is_streamed) {
        http_body_stream_end(exchange);
        return OK;
    }
    if (exchange->body_is_gzip && !exchange->gzip.is_done)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "the gzip body ends too early");
    if (exchange->body.size > 0)
        exchange->request.body = buffer_slice(&exchange->body);
    return OK;
}

/* ---- from the connection ---- */

/* What a faulty body does: nobody's closes, a stream's reader is told, the rest is refused. */
static void fail(HttpCodec *codec, const Error *error)
{
    if (codec->exchange == NULL) {
        connection_close_gently(codec->connection);
    } else if (codec->exchange->body_is_streamed) {
        atomic_store(&codec->exchange->can_discard, false);
        connection_pause(codec->connection);
        http_body_stream_fail(codec->exchange, error);
    } else {
        atomic_store(&codec->exchange->can_discard, false);
        http_codec_refuse_exchange(codec, error);
    }
}

static Status take_some(HttpCodec *codec, Slice input, size_t *used, Error *error)
{
    HttpExchange *exchange = codec->exchange;
    Slice piece;
    *used = 0;
    if (exchange != NULL && exchange->body_is_streamed) {
        size_t room = http_body_stream_room(exchange);
        if (room == 0) {
            connection_pause(codec->connection);
            return OK;
        }
        input = slice_part(input, 0, room);
    }
    TRY(next_piece(codec, input, used, &piece, error));
    return take_piece(codec, piece, error);
}

size_t http_body_take(HttpCodec *codec, Slice input)
{
    size_t total = 0;
    Error error;
    while (total < input.size && !http_body_is_done(codec)) {
        size_t used;
        if (take_some(codec, slice_part(input, total, input.size), &used, &error) != OK) {
            fail(codec, &error);
            return input.size;
        }
        if (used == 0)
            break;
        total += used;
    }
    codec->body_received += total;
    return total;
}
