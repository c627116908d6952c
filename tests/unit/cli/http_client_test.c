#include "cli/http_client.c"
#include "cli/interrupt.c"

#include "tests/unit/base/test.h"

static const int64_t SECOND = 1000000000;

/* A server of one connection: for each request the next answer, in pieces. */
typedef struct Server {
    Socket *listener;
    const char *const *answers;
    size_t piece; /* bytes at once; 0: all */
    Thread *thread;
    char host[64];
    uint16_t port;
} Server;

static void send_all(Socket *peer, Slice bytes)
{
    while (bytes.size > 0) {
        SocketPart part = {bytes.data, bytes.size};
        size_t written = 0;
        SocketResult result = socket_write(peer, &part, 1, &written);
        if (result == SOCKET_CLOSED)
            return;
        bytes = slice_part(bytes, written, bytes.size);
        if (result == SOCKET_AGAIN)
            (void)socket_wait(peer, true, env_monotonic_ns(env_real()) + SECOND);
    }
}

/* Every request of these tests ends with this body. To close with a part of it unread would reset
 * the connection and take the answer from the client. */
static bool is_whole(const char *got, size_t size)
{
    static const char end[] = "\r\n\r\n{}";
    return size > 0 && memmem(got, size, end, sizeof end - 1) != NULL;
}

/* False where the peer is gone. */
static bool await_request(Socket *peer)
{
    char got[4096];
    size_t size = 0;
    while (!is_whole(got, size)) {
        size_t more = 0;
        SocketResult result = socket_read(peer, got + size, sizeof got - size, &more);
        size += more;
        if (result == SOCKET_CLOSED)
            return false;
        if (result == SOCKET_AGAIN)
            (void)socket_wait(peer, false, env_monotonic_ns(env_real()) + SECOND);
    }
    return true;
}

static void serve(void *argument)
{
    Server *server = argument;
    Socket *peer = NULL;
    Error error;
    while (peer == NULL) {
        (void)socket_wait(server->listener, false, env_monotonic_ns(env_real()) + SECOND);
        if (socket_accept(server->listener, &peer, &error) != OK)
            return;
    }
    for (size_t i = 0; server->answers[i] != NULL && await_request(peer); i++) {
        Slice answer = slice_of_text(server->answers[i]);
        size_t piece = server->piece == 0 ? answer.size : server->piece;
        for (size_t at = 0; at < answer.size; at += piece)
            send_all(peer, slice_part(answer, at, piece));
    }
    socket_close(peer);
}

static void server_open(Server *server, const char *const *answers, size_t piece)
{
    Error error;
    char address[64];
    int64_t port;
    *server = (Server){.answers = answers, .piece = piece};
    assert_ok(socket_listen(env_real(), "127.0.0.1:0", 4, &server->listener, &error), &error);
    socket_own_address(server->listener, address, sizeof address);
    assert_true(slice_to_int64(slice_of_text(strrchr(address, ':') + 1), &port));
    server->port = (uint16_t)port;
    assert_ok(thread_start(env_real(), "server", THREAD_STACK_BYTES_DEFAULT, serve, server,
                           &server->thread, &error),
              &error);
}

static void server_close(Server *server)
{
    thread_join(server->thread);
    socket_close(server->listener);
}

typedef struct Outcome {
    Status status;
    int http_status;
    char body[100];
    char error[ERROR_MESSAGE_BYTES_MAX];
} Outcome;

static Outcome ask(HttpClient *client)
{
    Outcome outcome = {0};
    HttpReply reply;
    Error error;
    error_clear(&error);
    http_reply_open(&reply);
    outcome.status =
        http_client_ask(client, "POST", "/v1/sql", SLICE("token"), SLICE("{}"), &reply, &error);
    outcome.http_status = reply.status;
    (void)snprintf(outcome.body, sizeof outcome.body, "%.*s",
                   SLICE_ARGUMENTS(buffer_slice(&reply.body)));
    (void)snprintf(outcome.error, sizeof outcome.error, "%s", error.message);
    http_reply_close(&reply);
    return outcome;
}

static Outcome ask_once(const char *answer, size_t piece)
{
    const char *const answers[] = {answer, NULL};
    Server server;
    HttpClient client;
    Error error;
    server_open(&server, answers, piece);
    assert_ok(http_client_open(&client, env_real(), "127.0.0.1", server.port, &error), &error);
    client.patience_ns = 20 * SECOND;
    Outcome outcome = ask(&client);
    http_client_close(&client);
    server_close(&server);
    return outcome;
}

static void reads_answers(void **state)
{
    static const struct {
        const char *answer;
        int status;
        const char *body;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
        {"HTTP/1.1 404 No\r\ncontent-length:0\r\n\r\n", 404, ""},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x"},
        {"HTTP/1.1 204 None\r\n\r\n", 204, ""},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
         "chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n",
         200, "hello!"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0A\r\n0123456789\r\n0\r\nA: "
         "b\r\n\r\n",
         200, "0123456789"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t piece = 0; piece < 3; piece++) {
            Outcome outcome = ask_once(cases[i].answer, piece);
            assert_string_equal(outcome.error, "");
            assert_int_equal(outcome.http_status, cases[i].status);
            assert_string_equal(outcome.body, cases[i].body);
        }
    }
}

static void refuses_what_is_not_http(void **state)
{
    static const char *const wrong[] = {
        "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_status(ask_once(wrong[i], 0).status, STATUS_PROTOCOL_VIOLATION);
    assert_status(ask_once("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 0).status,
                  STATUS_PROGRAM_LIMIT_EXCEEDED);
    assert_status(
        ask_once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n", 0)
            .status,
        STATUS_PROGRAM_LIMIT_EXCEEDED);
}

static void notices_a_server_that_goes(void **state)
{
    static const char *const cut[] = {
        "", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"};
    (void)state;
    for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++)
        assert_status(ask_once(cut[i], 0).status, STATUS_CONNECTION_FAILURE);
}

static void keeps_the_connection(void **state)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    static const char *const answers[] = {ok, ok, ok, NULL};
    Server server;
    HttpClient client;
    Error error;
    (void)state;
    server_open(&server, answers, 0);
    assert_ok(http_client_open(&client, env_real(), "127.0.0.1", server.port, &error), &error);
    for (int i = 0; i < 3; i++)
        assert_string_equal(ask(&client).body, "x"); /* the server takes one connection only */
    http_client_close(&client);
    server_close(&server);
}

static void count_wait(void *context, int64_t waited_ns)
{
    (void)waited_ns;
    if (++*(int *)context == 3)
        interrupt_raise();
}

static void gives_up_after_an_interrupt(void **state)
{
    static const char *const answers[] = {"", "", NULL}; /* waits for a second request */
    Server server;
    HttpClient client;
    Error error;
    int waits = 0;
    (void)state;
    server_open(&server, answers, 0);
    assert_ok(http_client_open(&client, env_real(), "127.0.0.1", server.port, &error), &error);
    client.on_wait = count_wait;
    client.context = &waits;
    assert_status(ask(&client).status, STATUS_QUERY_CANCELED);
    assert_int_equal(waits, 3);
    assert_null(client.socket); /* the server sees that nobody waits any more */
    interrupt_clear();
    http_client_close(&client);
    server_close(&server);
}

static void survives_without_memory(void **state)
{
    (void)state;
    bool has_failed = true;
    for (int64_t n = 1; has_failed; n++) {
        static const char hello[] =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        static const char *const answers[] = {hello, hello, NULL};
        Server server;
        HttpClient client;
        Error error;
        server_open(&server, answers, 0);
        assert_ok(http_client_open(&client, env_real(), "127.0.0.1", server.port, &error), &error);
        assert_string_equal(ask(&client).body, "hello"); /* the server's part is allocated */
        buffer_close(&client.input);
        memory_fail_at(n, 1);
        Outcome outcome = ask(&client);
        has_failed = memory_allocations() >= n;
        memory_fail_at(0, 0);
        assert_true(has_failed ? outcome.status == STATUS_OUT_OF_MEMORY : outcome.status == OK);
        http_client_close(&client);
        server_close(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_answers),
                                       cmocka_unit_test(refuses_what_is_not_http),
                                       cmocka_unit_test(notices_a_server_that_goes),
                                       cmocka_unit_test(keeps_the_connection),
                                       cmocka_unit_test(gives_up_after_an_interrupt),
                                       cmocka_unit_test(survives_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
