/* A blocking HTTP client for the tests: sends any bytes, reads answers one by one. */
#ifndef FIRN_TESTS_UNIT_NET_CLIENT_H
#define FIRN_TESTS_UNIT_NET_CLIENT_H

#include "net/http_chunked.h"
#include "net/http_parse.h"
#include "tests/unit/base/test.h"

typedef struct Client {
    Socket *socket;
    Buffer input; /* received, not yet taken */
    Buffer body;  /* of the last answer */
    Buffer head;
    int status;
    bool is_closed; /* by the server */
} Client;

static const int64_t CLIENT_PATIENCE_NS = 20 * (int64_t)1000000000;

static inline void client_open(Client *client, const char *address)
{
    Error error;
    *client = (Client){0};
    assert_ok(socket_connect(env_real(), address, CLIENT_PATIENCE_NS, &client->socket, &error),
              &error);
    buffer_open(&client->input, 0);
    buffer_open(&client->body, 0);
    buffer_open(&client->head, 0);
}

static inline void client_close(Client *client)
{
    socket_close(client->socket);
    buffer_close(&client->input);
    buffer_close(&client->body);
    buffer_close(&client->head);
}

/* False where the server closed before everything was sent. */
static inline bool client_send(Client *client, Slice bytes)
{
    int64_t deadline_ns = env_monotonic_ns(env_real()) + CLIENT_PATIENCE_NS;
    while (bytes.size > 0) {
        SocketPart part = {bytes.data, bytes.size};
        size_t written = 0;
        SocketResult result = socket_write(client->socket, &part, 1, &written);
        if (result == SOCKET_CLOSED)
            return false;
        if (result == SOCKET_AGAIN && !socket_wait(client->socket, true, deadline_ns))
            fail_msg("the server does not read");
        bytes = slice_part(bytes, written, bytes.size);
    }
    return true;
}

static inline bool client_send_text(Client *client, const char *text)
{
    return client_send(client, slice_of_text(text));
}

/* Waits for more input; false at its end. */
static inline bool client_receive(Client *client)
{
    int64_t deadline_ns = env_monotonic_ns(env_real()) + CLIENT_PATIENCE_NS;
    for (;;) {
        size_t got = 0;
        uint8_t *at = buffer_reserve(&client->input, 65536);
        assert_non_null(at);
        SocketResult result = socket_read(client->socket, at, 65536, &got);
        client->input.size += got;
        if (result == SOCKET_DONE)
            return true;
        if (result == SOCKET_CLOSED) {
            client->is_closed = true;
            return false;
        }
        if (!socket_wait(client->socket, false, deadline_ns))
            fail_msg("the server does not answer");
    }
}

static inline void client_drop(Client *client, size_t size)
{
    assert_true(size <= client->input.size);
    memmove(client->input.data, client->input.data + size, client->input.size - size);
    client->input.size -= size;
}

static inline bool client_ends(Client *client)
{
    while (client_receive(client))
        continue;
    return true;
}

static inline size_t client_find_head(const Client *client)
{
    const uint8_t *end = client->input.size == 0
                             ? NULL
                             : memmem(client->input.data, client->input.size, "\r\n\r\n", 4);
    return end == NULL ? 0 : (size_t)(end - client->input.data) + 4;
}

/* "HTTP/1.1 200 …": a header's value, or data NULL. */
static inline Slice client_header(const Client *client, const char *name)
{
    Slice head = buffer_slice(&client->head);
    Slice wanted = slice_of_text(name);
    for (size_t at = slice_find(head, '\n') + 1; at < head.size;) {
        Slice line = slice_part(head, at, head.size);
        line = slice_part(line, 0, slice_find(line, '\n'));
        size_t colon = slice_find(line, ':');
        if (slice_equal_ignoring_case(slice_part(line, 0, colon), wanted))
            return slice_trim(slice_part(line, colon + 1, line.size));
        at += line.size + 1;
    }
    return SLICE_EMPTY;
}

static inline void client_take_chunked(Client *client)
{
    HttpChunked chunked = {0};
    Error error;
    while (!http_chunked_is_done(&chunked)) {
        size_t used;
        Slice data;
        if (client->input.size == 0 && !client_receive(client))
            return; /* cut off */
        assert_ok(http_chunked_next(&chunked, buffer_slice(&client->input), &used, &data, &error),
                  &error);
        buffer_put_slice(&client->body, data);
        client_drop(client, used);
    }
    client->is_closed = false;
}

static inline void client_take_body(Client *client, bool has_body)
{
    Slice length = client_header(client, "content-length");
    int64_t size = 0;
    buffer_clear(&client->body);
    if (client->status < 200 || client->status == 204 || client->status == 304 || !has_body)
        return;
    if (slice_equal_text(client_header(client, "transfer-encoding"), "chunked")) {
        client->is_closed = true; /* unless its end comes */
        client_take_chunked(client);
        return;
    }
    assert_true(slice_to_int64(length, &size));
    while (client->input.size < (size_t)size && client_receive(client))
        continue;
    assert_true(client->input.size >= (size_t)size);
    buffer_put(&client->body, client->input.data, (size_t)size);
    client_drop(client, (size_t)size);
}

/* The next answer; false where the server closes instead. */
static inline bool client_read_answer(Client *client, bool has_body)
{
    size_t size = 0;
    while ((size = client_find_head(client)) == 0) {
        if (!client_receive(client))
            return false;
    }
    buffer_clear(&client->head);
    buffer_put(&client->head, client->input.data, size);
    client_drop(client, size);
    assert_true(client->head.size > 12 && memcmp(client->head.data, "HTTP/1.1 ", 9) == 0);
    client->status = (int)strtol((const char *)client->head.data + 9, NULL, 10);
    client_take_body(client, has_body);
    return true;
}

static inline void client_expect(Client *client, int status, const char *body)
{
    if (!client_read_answer(client, true))
        fail_msg("closed instead of %d", status);
    if (client->status != status)
        fail_msg("%d, not %d: %.*s", client->status, status,
                 SLICE_ARGUMENTS(buffer_slice(&client->body)));
    if (body != NULL)
        assert_slice(buffer_slice(&client->body), body);
}

/* One request on a connection of its own. */
static inline void client_ask(Client *client, const char *address, const char *request)
{
    client_open(client, address);
    (void)client_send_text(client, request);
    if (!client_read_answer(client, true))
        fail_msg("no answer to: %s", request);
}

#endif
