#include "cli/live_socket.h"

#include <openssl/evp.h>

enum {
    OPCODE_CONTINUATION = 0,
    OPCODE_TEXT = 1,
    OPCODE_CLOSE = 8,
    OPCODE_PING = 9,
    OPCODE_PONG = 10,
    CONTROL_BYTES_MAX = 125,
    KEY_BYTES = 16,
    KEY_TEXT_BYTES = 24,
};

static const char MAGIC[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

static Status not_websocket(Error *error)
{
    return error_set(error, STATUS_PROTOCOL_VIOLATION, "the server does not speak WebSocket");
}

/* ---- the handshake ---- */

Status live_socket_accept(Slice key, char out[WEBSOCKET_ACCEPT_BYTES + 1], Error *error)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    Buffer text;
    buffer_open(&text, 256);
    buffer_put_slice(&text, key);
    buffer_put_text(&text, MAGIC);
    Status status = buffer_status(&text, error);
    if (status == OK &&
        EVP_Digest(text.data, text.size, digest, &digest_size, EVP_sha1(), NULL) != 1)
        status = error_set(error, STATUS_INTERNAL, "SHA-1 is not to be had on this machine");
    if (status == OK)
        (void)EVP_EncodeBlock((unsigned char *)out, digest, (int)digest_size);
    buffer_close(&text);
    return status;
}

static Status check_answer(const HttpReply *reply, Slice key, Error *error)
{
    char expected[WEBSOCKET_ACCEPT_BYTES + 1];
    TRY(live_socket_accept(key, expected, error));
    if (reply->status == 503 || reply->status == 429)
        return error_set(error, STATUS_CONNECTION_FAILURE,
                         "the server takes no more connections now (HTTP %d)", reply->status);
    if (reply->status != 101 ||
        !slice_equal_text(http_reply_header(reply, "sec-websocket-accept"), expected))
        return not_websocket(error);
    return OK;
}

static Status shake_hands(LiveSocket *socket, const char *path, HttpReply *reply, Buffer *request,
                          Error *error)
{
    uint8_t bytes[KEY_BYTES];
    char key[KEY_TEXT_BYTES + 1];
    env_random(socket->http.env, bytes, sizeof bytes);
    (void)EVP_EncodeBlock((unsigned char *)key, bytes, KEY_BYTES);
    buffer_put_format(request,
                      "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                      "Sec-WebSocket-Version: 13\r\nUser-Agent: firn\r\n\r\n",
                      path, socket->http.address, key);
    TRY(buffer_status(request, error));
    TRY(http_client_connect(&socket->http, error));
    TRY(http_client_send(&socket->http, buffer_slice(request), error));
    TRY(http_client_read_head(&socket->http, reply, error));
    return check_answer(reply, slice_of_text(key), error);
}

Status live_socket_open(LiveSocket *socket, Env *env, const char *host, uint16_t port,
                        const char *path, Error *error)
{
    HttpReply reply;
    Buffer request;
    *socket = (LiveSocket){0};
    buffer_open(&socket->message, WEBSOCKET_MESSAGE_BYTES_MAX);
    TRY(http_client_open(&socket->http, env, host, port, error));
    buffer_open(&request, HTTP_CLIENT_HEAD_BYTES_MAX);
    http_reply_open(&reply);
    Status status = shake_hands(socket, path, &reply, &request, error);
    http_reply_close(&reply);
    buffer_close(&request);
    return status;
}

/* ---- frames ---- */

void live_socket_put_frame(Buffer *out, uint8_t opcode, Slice payload, const uint8_t mask[4])
{
    buffer_put_u8(out, (uint8_t)(0x80 | opcode));
    if (payload.size <= CONTROL_BYTES_MAX) {
        buffer_put_u8(out, (uint8_t)(0x80 | payload.size));
    } else if (payload.size <= UINT16_MAX) {
        buffer_put_u8(out, 0x80 | 126);
        buffer_put_u16_big(out, (uint16_t)payload.size);
    } else {
        buffer_put_u8(out, 0x80 | 127);
        buffer_put_u64_big(out, payload.size);
    }
    buffer_put(out, mask, 4);
    uint8_t *at = payload.size == 0 ? NULL : buffer_reserve(out, payload.size);
    for (size_t i = 0; at != NULL && i < payload.size; i++)
        at[i] = payload.data[i] ^ mask[i % 4];
    if (at != NULL)
        out->size += payload.size;
}

static uint64_t read_big(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

static bool is_known(uint8_t opcode)
{
    return opcode == OPCODE_CONTINUATION || opcode == OPCODE_TEXT ||
           (opcode >= OPCODE_CLOSE && opcode <= OPCODE_PONG);
}

Status live_socket_read_frame(Slice input, LiveFrame *out, Error *error)
{
    *out = (LiveFrame){0};
    if (input.size < 2)
        return OK;
    uint8_t opcode = input.data[0] & 0x0f;
    bool is_last = (input.data[0] & 0x80) != 0;
    uint64_t size = input.data[1]; /* with the mask's bit, which must not be set */
    size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    bool is_broken_control = opcode >= OPCODE_CLOSE && (!is_last || size > CONTROL_BYTES_MAX);
    if ((input.data[0] & 0x70) != 0 || size > 127 || !is_known(opcode) || is_broken_control)
        return not_websocket(error);
    if (input.size < 2 + more)
        return OK;
    if (more > 0)
        size = read_big(input.data + 2, more);
    if (size > WEBSOCKET_MESSAGE_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "the server's message is too large");
    if (input.size < 2 + more + size)
        return OK;
    *out = (LiveFrame){is_last, opcode, slice_part(input, 2 + more, size), 2 + more + (size_t)size};
    return OK;
}

/* ---- messages ---- */

static Status send_frame(LiveSocket *socket, uint8_t opcode, Slice payload, Error *error)
{
    uint8_t mask[4];
    Buffer frame;
    Status status = OK;
    buffer_open(&frame, 0);
    env_random(socket->http.env, mask, sizeof mask);
    live_socket_put_frame(&frame, opcode, payload, mask);
    GO(buffer_status(&frame, error));
    GO(http_client_send(&socket->http, buffer_slice(&frame), error));
done:
    buffer_close(&frame);
    return status;
}

Status live_socket_send(LiveSocket *socket, Slice text, Error *error)
{
    return send_frame(socket, OPCODE_TEXT, text, error);
}

void live_socket_close(LiveSocket *socket)
{
    static const uint8_t normal[2] = {1000 >> 8, 1000 & 0xff};
    Error ignored;
    if (socket->http.socket != NULL &&
        send_frame(socket, OPCODE_CLOSE, slice_of(normal, sizeof normal), &ignored) != OK)
        http_client_disconnect(&socket->http);
    http_client_close(&socket->http);
    buffer_close(&socket->message);
}

static Status closed(Slice payload, Error *error)
{
    Slice reason = slice_part(payload, 2, payload.size);
    unsigned code = payload.size < 2 ? 1005 : (unsigned)read_big(payload.data, 2);
    return error_set(error, STATUS_CONNECTION_FAILURE, "the server ended the connection (%u%s%.*s)",
                     code, reason.size > 0 ? ": " : "", SLICE_ARGUMENTS(reason));
}

/* *text has data where a message is complete. */
static Status take_data(LiveSocket *socket, const LiveFrame *frame, Slice *text, Error *error)
{
    if ((frame->opcode == OPCODE_CONTINUATION) != socket->in_message)
        return not_websocket(error);
    if (frame->is_last && !socket->in_message) { /* the usual case: no copy */
        *text = frame->payload;
        return slice_is_utf8_text(*text) ? OK : not_websocket(error);
    }
    if (!socket->in_message)
        buffer_clear(&socket->message);
    socket->in_message = !frame->is_last;
    buffer_put_slice(&socket->message, frame->payload);
    TRY(buffer_status(&socket->message, error));
    if (!frame->is_last)
        return OK;
    *text = buffer_slice(&socket->message);
    return slice_is_utf8_text(*text) ? OK : not_websocket(error);
}

static Status take_frame(LiveSocket *socket, const LiveFrame *frame, Slice *text, Error *error)
{
    switch (frame->opcode) {
    case OPCODE_CLOSE:
        return closed(frame->payload, error);
    case OPCODE_PING:
        return send_frame(socket, OPCODE_PONG, frame->payload, error);
    case OPCODE_PONG:
        return OK;
    default:
        return take_data(socket, frame, text, error);
    }
}

Status live_socket_receive(LiveSocket *socket, Slice *text, Error *error)
{
    *text = SLICE_EMPTY;
    while (text->data == NULL) {
        LiveFrame frame;
        if (socket->http.socket == NULL)
            return error_set(error, STATUS_CONNECTION_FAILURE, "the connection is closed");
        http_client_drop(&socket->http, socket->taken);
        socket->taken = 0;
        TRY(live_socket_read_frame(buffer_slice(&socket->http.input), &frame, error));
        socket->taken = frame.size;
        if (frame.size == 0)
            TRY(http_client_receive(&socket->http, error));
        else
            TRY(take_frame(socket, &frame, text, error));
    }
    return OK;
}
