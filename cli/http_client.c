#include "cli/http_client.h"

#include <stdio.h>

#include "base/assert.h"
#include "cli/interrupt.h"

static const int64_t SLICE_NS = 100000000;
static const int64_t CONNECT_NS = 10000000000;
static const size_t READ_BYTES = 64 << 10;

enum { CHUNK_LINE_BYTES_MAX = 4096, TRAILER_LINES_MAX = 100 };

Status http_client_open(HttpClient *client, Env *env, const char *host, uint16_t port, Error *error)
{
    bool is_bare_v6 = strchr(host, ':') != NULL && host[0] != '[';
    *client = (HttpClient){.env = env};
    buffer_open(&client->input, 0);
    int size = snprintf(client->address, sizeof client->address, is_bare_v6 ? "[%s]:%u" : "%s:%u",
                        host, (unsigned)port);
    if (size < 0 || (size_t)size >= sizeof client->address)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "the host's name is too long");
    return OK;
}

void http_client_disconnect(HttpClient *client)
{
    socket_close(client->socket);
    client->socket = NULL;
    buffer_clear(&client->input);
}

void http_client_close(HttpClient *client)
{
    http_client_disconnect(client);
    buffer_close(&client->input);
}

void http_reply_open(HttpReply *reply)
{
    *reply = (HttpReply){0};
    buffer_open(&reply->body, HTTP_CLIENT_BODY_BYTES_MAX);
    buffer_open(&reply->head, HTTP_CLIENT_HEAD_BYTES_MAX);
}

void http_reply_close(HttpReply *reply)
{
    buffer_close(&reply->body);
    buffer_close(&reply->head);
}

/* ---- the connection ---- */

/* A kept connection that the server has closed meanwhile is of no use; to find out costs one read
 * that gives nothing. */
static bool is_stale(HttpClient *client)
{
    uint8_t byte;
    size_t got = 0;
    return socket_read(client->socket, &byte, 1, &got) != SOCKET_AGAIN;
}

Status http_client_connect(HttpClient *client, Error *error)
{
    if (client->socket != NULL && (client->input.size > 0 || is_stale(client)))
        http_client_disconnect(client);
    if (client->socket != NULL)
        return OK;
    return socket_connect(client->env, client->address, CONNECT_NS, &client->socket, error);
}

static Status lost(HttpClient *client, const char *what, Error *error)
{
    http_client_disconnect(client);
    return error_set(error, STATUS_CONNECTION_FAILURE, "%s", what);
}

/* One slice of waiting: OK where there is something, or where it is worth to look again. */
static Status wait_slice(HttpClient *client, bool for_write, int64_t begin_ns, Error *error)
{
    int64_t now_ns = env_monotonic_ns(client->env);
    if (interrupt_is_pending()) {
        http_client_disconnect(client);
        return error_set(error, STATUS_QUERY_CANCELED, "cancelled");
    }
    if (client->patience_ns > 0 && now_ns - begin_ns > client->patience_ns)
        return lost(client, "the server does not answer in time", error);
    if (!socket_wait(client->socket, for_write, now_ns + SLICE_NS) && client->on_wait != NULL)
        client->on_wait(client->context, env_monotonic_ns(client->env) - begin_ns);
    return OK;
}

Status http_client_send(HttpClient *client, Slice bytes, Error *error)
{
    int64_t begin_ns = env_monotonic_ns(client->env);
    while (bytes.size > 0) {
        SocketPart part = {bytes.data, bytes.size};
        size_t written = 0;
        SocketResult result = socket_write(client->socket, &part, 1, &written);
        if (result == SOCKET_CLOSED)
            return lost(client, "the server closed the connection", error);
        bytes = slice_part(bytes, written, bytes.size);
        if (result == SOCKET_AGAIN)
            TRY(wait_slice(client, true, begin_ns, error));
    }
    return OK;
}

Status http_client_receive(HttpClient *client, Error *error)
{
    int64_t begin_ns = env_monotonic_ns(client->env);
    for (;;) {
        uint8_t *at = buffer_reserve(&client->input, READ_BYTES);
        size_t got = 0;
        TRY(buffer_status(&client->input, error));
        SocketResult result = socket_read(client->socket, at, READ_BYTES, &got);
        client->input.size += got;
        if (result == SOCKET_DONE)
            return OK;
        if (result == SOCKET_CLOSED)
            return lost(client, "the server closed the connection", error);
        TRY(wait_slice(client, false, begin_ns, error));
    }
}

void http_client_drop(HttpClient *client, size_t size)
{
    ASSERT(size <= client->input.size);
    client->input.size -= size;
    memmove(client->input.data, client->input.data + size, client->input.size);
}

/* ---- answers ---- */

static Status refuse(Error *error)
{
    return error_set(error, STATUS_PROTOCOL_VIOLATION, "the server does not speak HTTP");
}

static Status refuse_size(Error *error)
{
    return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                     "the answer is larger than %d bytes: add a LIMIT", HTTP_CLIENT_BODY_BYTES_MAX);
}

static size_t find_end(Slice input)
{
    const void *end = input.size == 0 ? NULL : memmem(input.data, input.size, "\r\n\r\n", 4);
    return end == NULL ? 0 : (size_t)((const uint8_t *)end - input.data) + 4;
}

static Status read_status(HttpReply *reply, Error *error)
{
    Slice line = buffer_slice(&reply->head);
    int64_t status;
    bool is_http =
        slice_starts_with(line, SLICE("HTTP/1.1 ")) || slice_starts_with(line, SLICE("HTTP/1.0 "));
    if (!is_http || !slice_to_int64(slice_part(line, 9, 3), &status) || status < 100)
        return refuse(error);
    reply->status = (int)status;
    return OK;
}

Status http_client_read_head(HttpClient *client, HttpReply *reply, Error *error)
{
    size_t end;
    while ((end = find_end(buffer_slice(&client->input))) == 0) {
        if (client->input.size > HTTP_CLIENT_HEAD_BYTES_MAX)
            return refuse(error);
        TRY(http_client_receive(client, error));
    }
    buffer_clear(&reply->head);
    buffer_put(&reply->head, client->input.data, end);
    TRY(buffer_status(&reply->head, error));
    http_client_drop(client, end);
    return read_status(reply, error);
}

Slice http_reply_header(const HttpReply *reply, const char *name)
{
    Slice head = buffer_slice(&reply->head);
    for (size_t at = slice_find(head, '\n') + 1; at < head.size;) {
        Slice line = slice_part(head, at, head.size);
        line = slice_part(line, 0, slice_find(line, '\n'));
        size_t colon = slice_find(line, ':');
        if (slice_equal_ignoring_case(slice_part(line, 0, colon), slice_of_text(name)))
            return slice_trim(slice_part(line, colon + 1, line.size));
        at += line.size + 1;
    }
    return SLICE_EMPTY;
}

/* Takes `size` bytes of the body, appended. */
static Status read_bytes(HttpClient *client, uint64_t size, HttpReply *reply, Error *error)
{
    for (;;) {
        size_t taken = client->input.size < size ? client->input.size : (size_t)size;
        buffer_put(&reply->body, client->input.data, taken);
        TRY(buffer_status(&reply->body, error));
        http_client_drop(client, taken);
        size -= taken;
        if (size == 0)
            return OK;
        TRY(http_client_receive(client, error));
    }
}

/* The input's next line, without its CRLF; it stays in the input. */
static Status await_line(HttpClient *client, Slice *line, Error *error)
{
    for (;;) {
        Slice input = buffer_slice(&client->input);
        size_t end = slice_find(input, '\n');
        if (end > CHUNK_LINE_BYTES_MAX || (end < input.size && end == 0))
            return refuse(error);
        if (end < input.size) {
            *line = slice_part(input, 0, end - 1);
            return input.data[end - 1] == '\r' ? OK : refuse(error);
        }
        TRY(http_client_receive(client, error));
    }
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The line before a chunk: its size in hexadecimal digits, and extensions, which say nothing. */
static Status read_chunk_size(HttpClient *client, uint64_t *size, Error *error)
{
    Slice line;
    size_t at = 0;
    uint64_t value = 0;
    TRY(await_line(client, &line, error));
    for (; at < line.size && hex_digit(line.data[at]) >= 0; at++) {
        value = value << 4 | (uint64_t)hex_digit(line.data[at]);
        if (value > HTTP_CLIENT_BODY_BYTES_MAX)
            return refuse_size(error);
    }
    if (at == 0 || (at < line.size && line.data[at] != ';' && line.data[at] != ' '))
        return refuse(error);
    http_client_drop(client, line.size + 2);
    *size = value;
    return OK;
}

/* Behind the last chunk: lines until an empty one. Behind every other: that empty one alone. */
static Status skip_lines(HttpClient *client, uint32_t count_max, Error *error)
{
    Slice line;
    for (uint32_t i = 0; i < count_max; i++) {
        TRY(await_line(client, &line, error));
        bool is_empty = line.size == 0;
        http_client_drop(client, line.size + 2);
        if (is_empty)
            return OK;
    }
    return refuse(error);
}

static Status read_chunked(HttpClient *client, HttpReply *reply, Error *error)
{
    for (;;) {
        uint64_t size = 0;
        TRY(read_chunk_size(client, &size, error));
        if (size == 0)
            return skip_lines(client, TRAILER_LINES_MAX, error);
        TRY(read_bytes(client, size, reply, error));
        TRY(skip_lines(client, 1, error));
    }
}

static Status read_body(HttpClient *client, HttpReply *reply, Error *error)
{
    int64_t size = 0;
    Slice coding = http_reply_header(reply, "transfer-encoding");
    Slice length = http_reply_header(reply, "content-length");
    buffer_clear(&reply->body);
    if (reply->status == 204 || reply->status == 304)
        return OK;
    if (slice_equal_ignoring_case(coding, SLICE("chunked")))
        return read_chunked(client, reply, error);
    if (length.data == NULL || !slice_to_int64(length, &size) || size < 0)
        return refuse(error);
    if (size > HTTP_CLIENT_BODY_BYTES_MAX)
        return refuse_size(error);
    return read_bytes(client, (uint64_t)size, reply, error);
}

/* ---- requests ---- */

static void put_head(const HttpClient *client, Buffer *out, const char *method, const char *path,
                     Slice token, Slice body)
{
    buffer_put_format(out, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: firn\r\n", method, path,
                      client->address);
    if (token.size > 0) {
        buffer_put_text(out, "Authorization: Bearer ");
        buffer_put_slice(out, token);
        buffer_put_text(out, "\r\n");
    }
    if (body.size > 0 || strcmp(method, "POST") == 0)
        buffer_put_format(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                          body.size);
    buffer_put_text(out, "\r\n");
}

static Status talk(HttpClient *client, Slice head, Slice body, HttpReply *reply, Error *error)
{
    TRY(http_client_send(client, head, error));
    TRY(http_client_send(client, body, error));
    TRY(http_client_read_head(client, reply, error));
    while (reply->status < 200)
        TRY(http_client_read_head(client, reply, error));
    return read_body(client, reply, error);
}

Status http_client_ask(HttpClient *client, const char *method, const char *path, Slice token,
                       Slice body, HttpReply *reply, Error *error)
{
    Buffer head;
    Status status = OK;
    buffer_open(&head, 0);
    put_head(client, &head, method, path, token, body);
    GO(buffer_status(&head, error));
    GO(http_client_connect(client, error));
    status = talk(client, buffer_slice(&head), body, reply, error);
    bool closes = status != OK ||
                  slice_equal_ignoring_case(http_reply_header(reply, "connection"), SLICE("close"));
    if (closes)
        http_client_disconnect(client);
done:
    buffer_close(&head);
    return status;
}
