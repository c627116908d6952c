/* The simulated network. */
#include "tests/unit/base/simulated.h"

static const char address[] = "10.0.0.1:7700";
static const int64_t second_ns = 1000000000;

typedef struct Net {
    Simulation *simulation;
    Env *env;
    Socket *listener;
    Socket *client;
    Socket *server;
} Net;

static Socket *net_listen(Net *net, const char *at, int backlog)
{
    Socket *listener;
    Error error;
    simulation_ok(net->simulation, socket_listen(net->env, at, backlog, &listener, &error), &error);
    return listener;
}

static Socket *accept_one(Net *net, Socket *listener)
{
    Socket *accepted = NULL;
    Error error;
    while (accepted == NULL) {
        SIMULATION_CHECK(net->simulation,
                         socket_wait(listener, false, env_monotonic_ns(net->env) + second_ns));
        simulation_ok(net->simulation, socket_accept(listener, &accepted, &error), &error);
    }
    return accepted;
}

static void open_pair(Net *net)
{
    Error error;
    net->listener = net_listen(net, address, 4);
    simulation_ok(net->simulation,
                  socket_connect(net->env, address, second_ns, &net->client, &error), &error);
    net->server = accept_one(net, net->listener);
}

static void close_pair(Net *net)
{
    socket_close(net->client);
    socket_close(net->server);
    socket_close(net->listener);
}

static SocketResult send_text(Socket *socket, const char *text)
{
    size_t written = 0;
    size_t size = strlen(text);
    SocketResult result = SOCKET_DONE;
    while (result == SOCKET_DONE && size > 0) {
        result = socket_write(socket, &(SocketPart){text, size}, 1, &written);
        text += written;
        size -= written;
    }
    return result;
}

/* Reads until the other side is done, at most `size` bytes. */
static size_t receive_all(Net *net, Socket *socket, char *out, size_t size)
{
    size_t all = 0;
    while (all < size) {
        size_t got;
        SocketResult result = socket_read(socket, out + all, size - all, &got);
        if (result == SOCKET_CLOSED)
            break;
        all += got;
        if (result == SOCKET_AGAIN)
            SIMULATION_CHECK(net->simulation,
                             socket_wait(socket, false, env_monotonic_ns(net->env) + second_ns));
    }
    return all;
}

static void run_on_net(void (*main)(void *argument), int64_t latency_ns)
{
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 30; i++) {
        Simulation *simulation = simulation_create(
            &(SimulationOptions){.seed = seed + i, .socket_latency_ns = latency_ns});
        Net net = {.simulation = simulation, .env = simulation_env(simulation)};
        assert_end(SIMULATION_FINISHED, simulation_run(simulation, main, &net), simulation);
        simulation_destroy(simulation);
    }
}

/* ---- bytes ---- */

enum { STREAM_BYTES = 300000 };

static void send_stream(void *argument)
{
    Net *net = argument;
    static uint8_t bytes[STREAM_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    size_t at = 0;
    while (at < sizeof bytes) {
        size_t written;
        size_t half = (sizeof bytes - at) / 2;
        SocketPart parts[] = {{bytes + at, half}, {bytes + at + half, sizeof bytes - at - half}};
        SocketResult result = socket_write(net->client, parts, 2, &written);
        SIMULATION_CHECK(net->simulation, result != SOCKET_CLOSED);
        SIMULATION_CHECK(net->simulation, written <= SIMULATION_SOCKET_BUFFER_BYTES);
        at += written;
        if (result == SOCKET_AGAIN)
            SIMULATION_CHECK(net->simulation, socket_wait(net->client, true, INT64_MAX));
    }
    socket_shutdown_write(net->client);
}

static void stream_through(void *argument)
{
    Net *net = argument;
    static char bytes[STREAM_BYTES + 1];
    Thread *sender;
    Error error;
    open_pair(net);
    simulation_ok(net->simulation,
                  thread_start(net->env, "sender", THREAD_STACK_BYTES_DEFAULT, send_stream, net,
                               &sender, &error),
                  &error);
    size_t size = receive_all(net, net->server, bytes, sizeof bytes);
    SIMULATION_CHECK(net->simulation, size == STREAM_BYTES);
    for (size_t i = 0; i < size; i++)
        SIMULATION_CHECK(net->simulation, (uint8_t)bytes[i] == (uint8_t)(i * 7 + i / 251));
    thread_join(sender);
    close_pair(net);
}

static void streams_keep_their_bytes(void **state)
{
    (void)state;
    run_on_net(stream_through, 0);
    run_on_net(stream_through, 50000);
}

static void send_and_look(void *argument)
{
    Net *net = argument;
    char text[16];
    size_t got;
    open_pair(net);
    int64_t sent_ns = env_monotonic_ns(net->env);
    SIMULATION_CHECK(net->simulation, send_text(net->server, "hello") == SOCKET_DONE);
    SIMULATION_CHECK(net->simulation,
                     socket_read(net->client, text, sizeof text, &got) == SOCKET_AGAIN);
    SIMULATION_CHECK(net->simulation, !socket_wait(net->client, false, sent_ns + second_ns / 2));
    SIMULATION_CHECK(net->simulation, socket_wait(net->client, false, sent_ns + 5 * second_ns));
    SIMULATION_CHECK(net->simulation, env_monotonic_ns(net->env) >= sent_ns + second_ns);
    socket_shutdown_write(net->server);
    SIMULATION_CHECK(net->simulation, receive_all(net, net->client, text, sizeof text) == 5);
    SIMULATION_CHECK(net->simulation, memcmp(text, "hello", 5) == 0);
    close_pair(net);
}

static void bytes_take_their_time(void **state)
{
    (void)state;
    run_on_net(send_and_look, second_ns);
}

/* ---- ends ---- */

static void close_in_the_middle(void *argument)
{
    Net *net = argument;
    char text[16];
    size_t got;
    open_pair(net);
    SIMULATION_CHECK(net->simulation, send_text(net->client, "bye") == SOCKET_DONE);
    socket_close(net->client); /* what was sent still arrives */
    SIMULATION_CHECK(net->simulation, receive_all(net, net->server, text, sizeof text) == 3);
    SIMULATION_CHECK(net->simulation, send_text(net->server, "x") == SOCKET_CLOSED);
    socket_close(net->server);
    socket_close(net->listener);

    open_pair(net);
    SIMULATION_CHECK(net->simulation, send_text(net->client, "unread") == SOCKET_DONE);
    SIMULATION_CHECK(net->simulation, send_text(net->server, "lost") == SOCKET_DONE);
    socket_close(net->client); /* with bytes unread: the connection is reset */
    SIMULATION_CHECK(net->simulation,
                     socket_read(net->server, text, sizeof text, &got) == SOCKET_CLOSED);
    socket_close(net->server);
    socket_close(net->listener);
}

static void the_other_side_may_go(void **state)
{
    (void)state;
    run_on_net(close_in_the_middle, 0);
}

static void hold_and_cut(void *argument)
{
    Net *net = argument;
    char text[16];
    size_t got;
    Socket *other;
    Error error;
    open_pair(net);
    simulation_set_link(net->simulation, address, SIMULATION_LINK_HELD);
    SIMULATION_CHECK(net->simulation, send_text(net->client, "later") == SOCKET_DONE);
    int64_t now_ns = env_monotonic_ns(net->env);
    SIMULATION_CHECK(net->simulation, !socket_wait(net->server, false, now_ns + second_ns));
    SIMULATION_CHECK(net->simulation, socket_connect(net->env, address, second_ns, &other,
                                                     &error) == STATUS_CONNECTION_FAILURE);
    simulation_set_link(net->simulation, address, SIMULATION_LINK_UP);
    SIMULATION_CHECK(net->simulation, socket_wait(net->server, false, INT64_MAX));
    SIMULATION_CHECK(net->simulation,
                     socket_read(net->server, text, 5, &got) == SOCKET_DONE && text[0] == 'l');

    simulation_set_link(net->simulation, address, SIMULATION_LINK_CUT);
    SIMULATION_CHECK(net->simulation,
                     socket_read(net->server, text, sizeof text, &got) == SOCKET_CLOSED);
    SIMULATION_CHECK(net->simulation, send_text(net->client, "x") == SOCKET_CLOSED);
    SIMULATION_CHECK(net->simulation, socket_connect(net->env, address, second_ns, &other,
                                                     &error) == STATUS_CONNECTION_FAILURE);
    simulation_set_link(net->simulation, address, SIMULATION_LINK_UP); /* what broke stays broken */
    SIMULATION_CHECK(net->simulation, send_text(net->client, "x") == SOCKET_CLOSED);
    close_pair(net);
}

static void links_are_held_and_cut(void **state)
{
    (void)state;
    run_on_net(hold_and_cut, 1000);
}

/* ---- addresses ---- */

static void find_each_other(void *argument)
{
    Net *net = argument;
    char own[64];
    char peer[64];
    Socket *client;
    Socket *second;
    Error error;
    SIMULATION_CHECK(net->simulation,
                     socket_connect(net->env, address, second_ns, &client, &error) ==
                         STATUS_CONNECTION_FAILURE); /* nobody listens */
    Socket *picked = net_listen(net, "127.0.0.1:0", 1);
    socket_own_address(picked, own, sizeof own);
    SIMULATION_CHECK(net->simulation, strcmp(own, "127.0.0.1:0") != 0);
    simulation_ok(net->simulation, socket_connect(net->env, own, second_ns, &client, &error),
                  &error);
    SIMULATION_CHECK(net->simulation,
                     socket_connect(net->env, own, second_ns, &second, &error) ==
                         STATUS_CONNECTION_FAILURE); /* the backlog is full: a timeout */
    Socket *server = accept_one(net, picked);
    socket_peer_address(client, peer, sizeof peer);
    SIMULATION_CHECK(net->simulation, strcmp(own, peer) == 0);
    socket_own_address(client, own, sizeof own);
    socket_peer_address(server, peer, sizeof peer);
    SIMULATION_CHECK(net->simulation, strcmp(own, peer) == 0);
    socket_close(client);
    socket_close(server);
    socket_close(picked);

    Socket *any = net_listen(net, "0.0.0.0:80", 2);
    simulation_ok(net->simulation,
                  socket_connect(net->env, "192.168.1.1:80", second_ns, &client, &error), &error);
    socket_close(any); /* with a connection nobody accepted */
    SIMULATION_CHECK(net->simulation, send_text(client, "x") == SOCKET_CLOSED);
    socket_close(client);
    SIMULATION_CHECK(net->simulation, socket_listen(net->env, "no port", 1, &any, &error) ==
                                          STATUS_INVALID_PARAMETER_VALUE);
}

static void addresses_lead_to_listeners(void **state)
{
    (void)state;
    run_on_net(find_each_other, 0);
}

static void leave_open(void *argument)
{
    open_pair(argument);
}

static void forgotten_sockets_are_reported_and_freed(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(1);
    Net net = {.simulation = simulation, .env = simulation_env(simulation)};
    assert_end(SIMULATION_LEFTOVERS, simulation_run(simulation, leave_open, &net), simulation);
    assert_non_null(strstr(simulation_report(simulation), "3 sockets"));
    simulation_destroy(simulation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_keep_their_bytes),
        cmocka_unit_test(bytes_take_their_time),
        cmocka_unit_test(the_other_side_may_go),
        cmocka_unit_test(links_are_held_and_cut),
        cmocka_unit_test(addresses_lead_to_listeners),
        cmocka_unit_test(forgotten_sockets_are_reported_and_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
