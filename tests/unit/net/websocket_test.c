/* WebSockets over real sockets: messages, rules, silence, back-pressure, fan-out. */
#include <sys/resource.h>

#include "tests/unit/net/server.h"

static Server server;

/* ---- the application: talks back ---- */

enum { SOCKETS_MAX = 1200 };

static struct {
    Mutex lock;
    WebSocket *sockets[SOCKETS_MAX]; /* references, open or not */
    int count;
    _Atomic int closed;
    _Atomic int close_code;
    _Atomic int drained;
    _Atomic int timers;
    _Atomic int stopping;
    _Atomic int refused;
    char refusal[ERROR_MESSAGE_BYTES_MAX + 64];
} talk;

static void send_text(WebSocket *socket, Slice text)
{
    SharedFrame *frame = websocket_frame(WEBSOCKET_TEXT, text);
    if (frame == NULL)
        websocket_close(socket, WEBSOCKET_SERVER_ERROR, SLICE("out of memory"));
    else
        (void)websocket_send(socket, frame);
}

static void on_message(void *context, WebSocket *socket, Slice message, bool is_text)
{
    (void)context;
    assert_ptr_equal(websocket_user(socket), &server);
    if (slice_equal_text(message, "close"))
        websocket_close(socket, WEBSOCKET_NORMAL, SLICE("as you wish"));
    else if (slice_equal_text(message, "pause"))
        websocket_pause(socket);
    else if (slice_equal_text(message, "timer"))
        websocket_set_timer(socket, loop_now_ns(websocket_loop(socket)) + 3000000000);
    else if (!is_text)
        websocket_close(socket, WEBSOCKET_UNSUPPORTED, SLICE("text only"));
    else
        send_text(socket, message);
}

static void on_drain(void *context, WebSocket *socket)
{
    (void)context;
    assert_true(websocket_queued(socket) < CONNECTION_OUTPUT_LOW);
    atomic_fetch_add(&talk.drained, 1);
}

static void on_refused(void *context, WebSocket *socket, const Error *error)
{
    (void)context;
    (void)snprintf(talk.refusal, sizeof talk.refusal, "%s: %s", status_name(error->status),
                   error->message);
    send_text(socket, slice_of_text(talk.refusal));
    atomic_fetch_add(&talk.refused, 1);
}

static void on_timer(void *context, WebSocket *socket)
{
    (void)context;
    atomic_fetch_add(&talk.timers, 1);
    send_text(socket, SLICE("it is time"));
}

static void on_stopping(void *context, WebSocket *socket)
{
    (void)context;
    atomic_fetch_add(&talk.stopping, 1);
    send_text(socket, SLICE("goodbye"));
}

static void on_closed(void *context, WebSocket *socket, uint16_t code)
{
    (void)context;
    assert_false(websocket_is_open(socket));
    atomic_store(&talk.close_code, code);
    atomic_fetch_add(&talk.closed, 1);
}

static void request_socket(void *context, HttpExchange *exchange)
{
    if (!http_request(exchange)->wants_websocket) {
        on_request(context, exchange);
        return;
    }
    atomic_fetch_add(&server.requests, 1);
    WebSocket *socket = websocket_accept(exchange, &server);
    if (socket == NULL)
        return;
    mutex_lock(&talk.lock);
    assert_true(talk.count < SOCKETS_MAX);
    talk.sockets[talk.count++] = websocket_clone(socket);
    mutex_unlock(&talk.lock);
}

static void begin(void (*change)(NetLimits *limits), uint32_t loops)
{
    memset(&talk, 0, sizeof talk);
    mutex_open(&talk.lock, env_real(), "talk");
    server_open(&server, shifted());
    server.options.loops = loops;
    server.handlers.http_request = request_socket;
    server.handlers.websocket_message = on_message;
    server.handlers.websocket_drained = on_drain;
    server.handlers.websocket_refused = on_refused;
    server.handlers.websocket_timer = on_timer;
    server.handlers.websocket_stopping = on_stopping;
    server.handlers.websocket_closed = on_closed;
    if (change != NULL)
        change(&server.options.limits);
    server_start(&server);
}

static void end(void)
{
    server_stop_net(&server, 0);
    for (int i = 0; i < talk.count; i++)
        websocket_release(talk.sockets[i]);
    server_close(&server);
    assert_int_equal(talk.closed, talk.count);
    mutex_close(&talk.lock);
}

/* ---- the client's side ---- */

#define HANDSHAKE                                                                              \
    "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

static void open_socket(Client *client)
{
    client_open(client, server.address);
    assert_true(client_send_text(client, HANDSHAKE));
    assert_true(client_read_answer(client, false));
    assert_int_equal(client->status, 101);
    assert_slice(client_header(client, "sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void put_frame(Buffer *out, uint8_t first, Slice payload)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t header[WEBSOCKET_HEADER_BYTES_MAX];
    size_t size = websocket_put_masked_header(
        header, payload.size > WEBSOCKET_CONTROL_BYTES_MAX ? WEBSOCKET_TEXT : WEBSOCKET_PING,
        payload.size, mask);
    header[0] = first;
    buffer_put(out, header, size);
    size_t at = out->size;
    buffer_put_slice(out, payload);
    websocket_mask(out->data + at, payload.size, mask, 0);
}

static bool send_frame(Client *client, uint8_t first, const char *payload)
{
    Buffer frame;
    buffer_open(&frame, 0);
    put_frame(&frame, first, slice_of_text(payload));
    bool sent = client_send(client, buffer_slice(&frame));
    buffer_close(&frame);
    return sent;
}

/* The next frame from the server: its first byte and payload, in client->body; false at the end. */
static bool read_frame(Client *client, uint8_t *first)
{
    for (;;) {
        Slice input = buffer_slice(&client->input);
        size_t header = input.size < 2         ? 0
                        : input.data[1] < 126  ? 2
                        : input.data[1] == 126 ? 4
                                               : 10;
        if (header > 0 && input.size >= header) {
            uint64_t size = header == 2 ? input.data[1] : 0;
            for (size_t i = 2; i < header; i++)
                size = size << 8 | input.data[i];
            if (input.size >= header + size) {
                *first = input.data[0];
                buffer_clear(&client->body);
                buffer_put(&client->body, input.data + header, (size_t)size);
                client_drop(client, header + (size_t)size);
                return true;
            }
        }
        if (!client_receive(client))
            return false;
    }
}

static void expect_frame(Client *client, uint8_t first, const char *payload)
{
    uint8_t got;
    if (!read_frame(client, &got))
        fail_msg("closed instead of \"%s\"", payload);
    assert_int_equal(got, first);
    assert_slice(buffer_slice(&client->body), payload);
}

static void expect_close(Client *client, uint16_t code)
{
    uint8_t got;
    if (!read_frame(client, &got))
        fail_msg("no close frame");
    assert_int_equal(got, 0x88);
    assert_true(client->body.size >= 2);
    assert_int_equal(client->body.data[0] << 8 | client->body.data[1], code);
}

/* ---- tests ---- */

static void messages_are_exchanged(void **state)
{
    (void)state;
    Client client;
    begin(NULL, 2);
    open_socket(&client);
    assert_true(send_frame(&client, 0x81, "hello"));
    expect_frame(&client, 0x81, "hello");
    assert_true(send_frame(&client, 0x01, "in "));
    assert_true(send_frame(&client, 0x89, "are you there"));
    assert_true(send_frame(&client, 0x80, "pieces"));
    expect_frame(&client, 0x8a, "are you there");
    expect_frame(&client, 0x81, "in pieces");
    assert_int_equal(server_statistics(&server).websockets, 1);
    assert_true(send_frame(&client, 0x88, "\003\350bye"));
    expect_close(&client, 1000);
    assert_true(client_ends(&client));
    assert_int_equal(talk.close_code, 1000);
    client_close(&client);
    WAIT_UNTIL(server_statistics(&server).websockets == 0);
    end();
}

/* Frames right behind the handshake, and the handshake byte by byte. */
static void the_handshake_may_come_with_its_first_messages(void **state)
{
    (void)state;
    Client client;
    Buffer bytes;
    begin(NULL, 1);
    buffer_open(&bytes, 0);
    buffer_put_text(&bytes, HANDSHAKE);
    put_frame(&bytes, 0x81, SLICE("one"));
    put_frame(&bytes, 0x81, SLICE("two"));
    client_open(&client, server.address);
    assert_true(client_send(&client, buffer_slice(&bytes)));
    assert_true(client_read_answer(&client, false));
    expect_frame(&client, 0x81, "one");
    expect_frame(&client, 0x81, "two");
    client_close(&client);
    client_open(&client, server.address);
    for (size_t i = 0; i < bytes.size; i++) {
        assert_true(client_send(&client, slice_of(bytes.data + i, 1)));
        env_sleep_ns(env_real(), 50000);
    }
    assert_true(client_read_answer(&client, false));
    expect_frame(&client, 0x81, "one");
    expect_frame(&client, 0x81, "two");
    client_close(&client);
    buffer_close(&bytes);
    end();
}

static void bad_handshakes_are_plain_http(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers;
    } cases[] = {
        {426, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"},
        {404, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: short\r\n"},
        {404, "Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"},
        {404, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"},
    };
    begin(NULL, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Client client;
        char request[500];
        (void)snprintf(request, sizeof request, "GET /ws HTTP/1.1\r\nHost: h\r\n%s\r\n",
                       cases[i].headers);
        client_ask(&client, server.address, request);
        assert_int_equal(client.status, cases[i].status);
        if (cases[i].status == 426)
            assert_slice(client_header(&client, "sec-websocket-version"), "13");
        client_close(&client);
    }
    end();
}

static void broken_rules_are_answered_by_their_codes(void **state)
{
    (void)state;
    static const struct {
        uint8_t first;
        const char *payload;
        uint16_t code;
        const char *refusal;
    } cases[] = {
        {0xc1, "x", 1002, "PROTOCOL_VIOLATION: a reserved bit is set"},
        {0x80, "x", 1002, "PROTOCOL_VIOLATION: a continuation of no message"},
        {0x81, "\377", 1007, "CHARACTER_NOT_IN_REPERTOIRE: the text is not UTF-8"},
        {0x82, "x", 1003, NULL},
        {0x81, "close", 1000, NULL},
    };
    begin(NULL, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Client client;
        open_socket(&client);
        assert_true(send_frame(&client, cases[i].first, cases[i].payload));
        if (cases[i].refusal != NULL)
            expect_frame(&client, 0x81, cases[i].refusal);
        expect_close(&client, cases[i].code);
        (void)send_frame(&client, 0x88, "\003\350");
        assert_true(client_ends(&client));
        client_close(&client);
    }
    end();
}

/* A message far over the limit: the client still sends when it is refused, and yet reads why. */
static void a_message_too_big_is_refused_readably(void **state)
{
    (void)state;
    Client client;
    Buffer frame;
    begin(NULL, 1);
    open_socket(&client);
    buffer_open(&frame, 0);
    uint8_t *zeros = memory_allocate_zeroed(1, 3 << 20);
    memset(zeros, 'x', 3 << 20);
    put_frame(&frame, 0x81, slice_of(zeros, 3 << 20));
    memory_free(zeros);
    assert_true(client_send(&client, buffer_slice(&frame)));
    expect_frame(&client, 0x81, "PAYLOAD_TOO_LARGE: the message is too big");
    expect_close(&client, 1009);
    client_close(&client);
    buffer_close(&frame);
    end();
}

static void too_many_messages_are_refused(void **state)
{
    (void)state;
    Client client;
    begin(NULL, 1);
    open_socket(&client);
    for (int i = 0; i < 51; i++)
        assert_true(send_frame(&client, 0x81, "m"));
    for (int i = 0; i < 50; i++)
        expect_frame(&client, 0x81, "m");
    expect_frame(&client, 0x81, "TOO_MANY_REQUESTS: too many messages");
    expect_close(&client, 1008);
    client_close(&client);
    open_socket(&client); /* at the allowed rate it goes on for ever */
    for (int second = 0; second < 4; second++) {
        for (int i = 0; i < 50; i++) {
            assert_true(send_frame(&client, 0x81, "m"));
            expect_frame(&client, 0x81, "m");
        }
        shift_seconds(1.0);
    }
    client_close(&client);
    end();
}

static void silence_is_asked_and_then_ended(void **state)
{
    (void)state;
    Client deaf;
    Client alive;
    begin(NULL, 1);
    open_socket(&deaf);
    open_socket(&alive);
    shift_seconds(5.2);
    expect_frame(&deaf, 0x89, "");
    expect_frame(&alive, 0x89, "");
    assert_true(send_frame(&alive, 0x8a, ""));
    uint64_t heard = server_statistics(&server).bytes_in;
    WAIT_UNTIL(server_statistics(&server).bytes_in >= heard);
    env_sleep_ns(env_real(), 200000000);
    shift_seconds(5.0);
    assert_true(client_ends(&deaf));
    assert_int_equal(deaf.input.size, 0);
    assert_int_equal(talk.closed, 1);
    assert_int_equal(talk.close_code, WEBSOCKET_ABNORMAL);
    expect_frame(&alive, 0x89, "");
    assert_true(send_frame(&alive, 0x81, "still here"));
    expect_frame(&alive, 0x81, "still here");
    client_close(&deaf);
    client_close(&alive);
    end();
}

static void timers_fire_once(void **state)
{
    (void)state;
    Client client;
    begin(NULL, 1);
    open_socket(&client);
    assert_true(send_frame(&client, 0x81, "timer"));
    assert_true(send_frame(&client, 0x81, "x"));
    expect_frame(&client, 0x81, "x");
    shift_seconds(2.5);
    env_sleep_ns(env_real(), 250000000);
    assert_int_equal(talk.timers, 0);
    shift_seconds(0.7);
    expect_frame(&client, 0x81, "it is time");
    assert_int_equal(talk.timers, 1);
    client_close(&client);
    end();
}

static void resume(LoopTask *task)
{
    (void)task;
    websocket_resume(talk.sockets[0]);
}

static void a_paused_socket_is_not_read(void **state)
{
    (void)state;
    Client client;
    static LoopTask task = {.run = resume};
    begin(NULL, 1);
    open_socket(&client);
    assert_true(send_frame(&client, 0x81, "pause"));
    assert_true(send_frame(&client, 0x81, "later"));
    env_sleep_ns(env_real(), 200000000);
    assert_int_equal(server_statistics(&server).messages_in, 1);
    shift_seconds(60); /* unheard, not silent */
    env_sleep_ns(env_real(), 200000000);
    assert_int_equal(talk.closed, 0);
    loop_post(websocket_loop(talk.sockets[0]), &task);
    expect_frame(&client, 0x81, "later");
    client_close(&client);
    end();
}

/* ---- fan-out ---- */

typedef struct FanOut {
    LoopTask task;
    SharedFrame *frame;
    Loop *loop;
    int times;
    _Atomic int sent;
    _Atomic bool done;
} FanOut;

static void fan_out(LoopTask *task)
{
    FanOut *fan = (FanOut *)(void *)task;
    for (int i = 0; i < talk.count; i++) {
        for (int j = 0; j < fan->times && websocket_loop(talk.sockets[i]) == fan->loop; j++) {
            if (websocket_send(talk.sockets[i], shared_frame_clone(fan->frame)))
                atomic_fetch_add(&fan->sent, 1);
        }
    }
    shared_frame_release(fan->frame);
    atomic_store(&fan->done, true);
}

static void start_fan_out(FanOut *fan, Loop *loop, SharedFrame *frame, int times)
{
    *fan = (FanOut){.task = {.run = fan_out}, .frame = frame, .loop = loop, .times = times};
    loop_post(loop, &fan->task);
}

static void one_frame_reaches_a_thousand(void **state)
{
    (void)state;
    enum { COUNT = 1000, TIMES = 20 };
    static Client clients[COUNT];
    static FanOut fans[2];
    begin(NULL, 2);
    for (int i = 0; i < COUNT; i++)
        open_socket(&clients[i]);
    assert_int_equal(server_statistics(&server).connections, COUNT);
    for (uint32_t i = 0; i < 2; i++)
        start_fan_out(&fans[i], net_loop(server.net, i),
                      websocket_frame(WEBSOCKET_TEXT, SLICE("to all of you")), TIMES);
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < TIMES; j++)
            expect_frame(&clients[i], 0x81, "to all of you");
    }
    assert_int_equal(fans[0].sent + fans[1].sent, COUNT * TIMES);
    for (int i = 0; i < COUNT; i++)
        client_close(&clients[i]);
    WAIT_UNTIL(server_statistics(&server).connections == 0);
    end();
}

static void small_queue(NetLimits *limits)
{
    limits->output_bytes_max = 1 << 20;
}

/* A client that does not read has a bounded queue; the writer is told, and again when there is
 * room. */
static void a_slow_reader_has_a_bounded_queue(void **state)
{
    (void)state;
    enum { TIMES = 3000 };
    Client client;
    static FanOut fan;
    Buffer text;
    begin(small_queue, 1);
    open_socket(&client);
    buffer_open(&text, 0);
    for (int i = 0; i < 10000; i++)
        buffer_put_u8(&text, 'x');
    start_fan_out(&fan, net_loop(server.net, 0),
                  websocket_frame(WEBSOCKET_TEXT, buffer_slice(&text)), TIMES);
    WAIT_UNTIL(fan.done);
    assert_in_range(fan.sent, 100, TIMES / 2);
    for (int i = 0; i < fan.sent; i++) {
        uint8_t first = 0;
        do
            assert_true(read_frame(&client, &first));
        while (first != 0x81); /* a ping may come between */
        assert_int_equal(client.body.size, 10000);
    }
    WAIT_UNTIL(talk.drained == 1);
    assert_true(send_frame(&client, 0x81, "go on"));
    expect_frame(&client, 0x81, "go on");
    client_close(&client);
    buffer_close(&text);
    end();
}

static void frames_can_be_posted_from_any_thread(void **state)
{
    (void)state;
    Client client;
    begin(NULL, 2);
    open_socket(&client);
    for (int i = 0; i < 100; i++)
        assert_true(
            websocket_post(talk.sockets[0], websocket_frame(WEBSOCKET_TEXT, SLICE("posted"))));
    for (int i = 0; i < 100; i++)
        expect_frame(&client, 0x81, "posted");
    client_close(&client);
    WAIT_UNTIL(talk.closed == 1);
    assert_true(
        websocket_post(talk.sockets[0], websocket_frame(WEBSOCKET_TEXT, SLICE("too late"))));
    end();
}

static void stopping_says_goodbye(void **state)
{
    (void)state;
    Client client;
    begin(NULL, 1);
    open_socket(&client);
    assert_true(send_frame(&client, 0x81, "x"));
    expect_frame(&client, 0x81, "x");
    server_stop_net(&server, 0.5);
    expect_frame(&client, 0x81, "goodbye");
    expect_close(&client, 1001);
    assert_int_equal(talk.stopping, 1);
    client_close(&client);
    end();
}

static void accepting_and_talking_survive_failing_memory(void **state)
{
    (void)state;
    begin(NULL, 1);
    for (int64_t n = 1; n < 25; n++) {
        Client client;
        Client other;
        Buffer bytes;
        buffer_open(&bytes, 0);
        buffer_put_text(&bytes, HANDSHAKE);
        put_frame(&bytes, 0x01, SLICE("two "));
        put_frame(&bytes, 0x80, SLICE("pieces"));
        client_open(&client, server.address);
        assert_true(buffer_reserve(&client.input, 200000) != NULL);
        WAIT_UNTIL(server_statistics(&server).connections > 0);
        memory_fail_at(n, 1);
        (void)client_send(&client, buffer_slice(&bytes));
        (void)client_receive(&client);
        memory_fail_at(0, 0);
        client_close(&client);
        open_socket(&other);
        assert_true(send_frame(&other, 0x81, "fine"));
        expect_frame(&other, 0x81, "fine");
        client_close(&other);
        buffer_close(&bytes);
    }
    end();
}

/* Both ends of a thousand connections are here. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
    raise_descriptor_limit();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_exchanged),
        cmocka_unit_test(the_handshake_may_come_with_its_first_messages),
        cmocka_unit_test(bad_handshakes_are_plain_http),
        cmocka_unit_test(broken_rules_are_answered_by_their_codes),
        cmocka_unit_test(a_message_too_big_is_refused_readably),
        cmocka_unit_test(too_many_messages_are_refused),
        cmocka_unit_test(silence_is_asked_and_then_ended),
        cmocka_unit_test(timers_fire_once),
        cmocka_unit_test(a_paused_socket_is_not_read),
        cmocka_unit_test(one_frame_reaches_a_thousand),
        cmocka_unit_test(a_slow_reader_has_a_bounded_queue),
        cmocka_unit_test(frames_can_be_posted_from_any_thread),
        cmocka_unit_test(stopping_says_goodbye),
        cmocka_unit_test(accepting_and_talking_survive_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
