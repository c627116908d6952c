/* Sockets of the real Env, over the loopback. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/unit/base/test.h"

static Env *env;
static const int64_t patience_ns = INT64_C(20000000000);

static int take_env(void **state)
{
    (void)state;
    env = env_real();
    return 0;
}

static int64_t deadline(void)
{
    return env_monotonic_ns(env) + patience_ns;
}

typedef struct Pair {
    Socket *listener;
    Socket *client;
    Socket *server;
    char address[64];
} Pair;

static void open_pair(Pair *pair)
{
    Error error;
    assert_ok(socket_listen(env, "127.0.0.1:0", 8, &pair->listener, &error), &error);
    socket_own_address(pair->listener, pair->address, sizeof pair->address);
    assert_ok(socket_accept(pair->listener, &pair->server, &error), &error);
    assert_null(pair->server); /* nobody is there yet */
    assert_ok(socket_connect(env, pair->address, patience_ns, &pair->client, &error), &error);
    assert_true(socket_wait(pair->listener, false, deadline()));
    assert_ok(socket_accept(pair->listener, &pair->server, &error), &error);
    assert_non_null(pair->server);
}

static void close_pair(Pair *pair)
{
    socket_close(pair->client);
    socket_close(pair->server);
    socket_close(pair->listener);
}

static void bytes_go_both_ways(void **state)
{
    (void)state;
    Pair pair;
    char text[16];
    size_t n;
    open_pair(&pair);
    assert_int_equal(socket_read(pair.server, text, sizeof text, &n), SOCKET_AGAIN);
    assert_false(socket_wait(pair.server, false, env_monotonic_ns(env) + 1000000));
    SocketPart parts[] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    assert_int_equal(socket_write(pair.client, parts, 3, &n), SOCKET_DONE);
    assert_int_equal(n, 5);
    size_t all = 0;
    while (all < 5) {
        assert_true(socket_wait(pair.server, false, deadline()));
        assert_int_equal(socket_read(pair.server, text + all, sizeof text - all, &n), SOCKET_DONE);
        all += n;
    }
    assert_memory_equal(text, "abcde", 5);

    socket_shutdown_write(pair.client); /* the other direction stays open */
    assert_true(socket_wait(pair.server, false, deadline()));
    assert_int_equal(socket_read(pair.server, text, sizeof text, &n), SOCKET_CLOSED);
    assert_int_equal(socket_write(pair.server, parts, 1, &n), SOCKET_DONE);
    assert_true(socket_wait(pair.client, false, deadline()));
    assert_int_equal(socket_read(pair.client, text, sizeof text, &n), SOCKET_DONE);
    close_pair(&pair);
    socket_close(NULL);
}

/* Nobody reads: the writer is told to wait, and goes on when somebody does. */
static void a_full_socket_says_again(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 16];
    Pair pair;
    size_t n;
    size_t sent = 0;
    size_t received = 0;
    open_pair(&pair);
    SocketPart part = {bytes, sizeof bytes};
    while (socket_write(pair.client, &part, 1, &n) == SOCKET_DONE) {
        sent += n;
        assert_true(sent < 1 << 28);
    }
    while (received < sent) {
        assert_true(socket_wait(pair.server, false, deadline()));
        if (socket_read(pair.server, bytes, sizeof bytes, &n) == SOCKET_DONE)
            received += n;
    }
    assert_int_equal(received, sent);
    assert_true(socket_wait(pair.client, true, deadline()));
    close_pair(&pair);
}

/* The other side is gone: an answer, no signal. */
static void a_closed_socket_is_seen(void **state)
{
    (void)state;
    Pair pair;
    char text[4];
    size_t n;
    open_pair(&pair);
    socket_close(pair.client);
    pair.client = NULL;
    assert_true(socket_wait(pair.server, false, deadline()));
    assert_int_equal(socket_read(pair.server, text, sizeof text, &n), SOCKET_CLOSED);
    SocketPart part = {"x", 1};
    SocketResult result = SOCKET_DONE;
    while (result == SOCKET_DONE) /* the first writes may still be taken */
        result = socket_write(pair.server, &part, 1, &n);
    assert_int_equal(result, SOCKET_CLOSED);
    close_pair(&pair);
}

static void sockets_are_set_up_for_servers(void **state)
{
    (void)state;
    Pair pair;
    open_pair(&pair);
    Socket *const sockets[] = {pair.client, pair.server};
    for (size_t i = 0; i < 2; i++) {
        int descriptor = socket_descriptor(sockets[i]);
        int on = 0;
        socklen_t size = sizeof on;
        assert_int_equal(getsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
        assert_true(on);
        assert_true((fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0);
        assert_true((fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    }
    char own[64];
    char peer[64];
    socket_own_address(pair.client, own, sizeof own);
    socket_peer_address(pair.server, peer, sizeof peer);
    assert_string_equal(own, peer);
    Socket *second;
    Error error;
    assert_ok(socket_listen(env, pair.address, 8, &second, &error), &error); /* SO_REUSEPORT */
    socket_close(second);
    close_pair(&pair);
}

static void bad_addresses_are_refused(void **state)
{
    (void)state;
    Socket *socket;
    Error error;
    char closed[64];
    char longest[400];
    memset(longest, 'x', sizeof longest);
    (void)snprintf(longest + 380, sizeof longest - 380, ":1");
    static const char *const texts[] = {"", "localhost", "127.0.0.1:", "7700"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_status(socket_listen(env, texts[i], 1, &socket, &error),
                      STATUS_INVALID_PARAMETER_VALUE);
        assert_status(socket_connect(env, texts[i], 1000000, &socket, &error),
                      STATUS_INVALID_PARAMETER_VALUE);
    }
    assert_status(socket_listen(env, longest, 1, &socket, &error), STATUS_INVALID_PARAMETER_VALUE);
    assert_status(socket_listen(env, "127.0.0.1:http", 1, &socket, &error),
                  STATUS_CONNECTION_FAILURE);
    assert_status(socket_listen(env, "192.0.2.1:0", 1, &socket, &error), STATUS_IO_ERROR);
    assert_ok(socket_listen(env, "127.0.0.1:0", 1, &socket, &error), &error);
    socket_own_address(socket, closed, sizeof closed);
    socket_close(socket);
    assert_status(socket_connect(env, closed, patience_ns, &socket, &error),
                  STATUS_CONNECTION_FAILURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_both_ways),
        cmocka_unit_test(a_full_socket_says_again),
        cmocka_unit_test(a_closed_socket_is_seen),
        cmocka_unit_test(sockets_are_set_up_for_servers),
        cmocka_unit_test(bad_addresses_are_refused),
    };
    return cmocka_run_group_tests(tests, take_env, NULL);
}
