/* Limits and times: what happens at each of them, with a clock the test moves; stopping; failing
 * memory. */
#include "tests/unit/net/server.h"

static Server server;

static void begin(void (*change)(NetLimits *limits))
{
    server_open(&server, shifted());
    server.options.loops = 1;
    if (change != NULL)
        change(&server.options.limits);
    server_start(&server);
}

static void end(void)
{
    server_close(&server);
    assert_int_equal(server.requests, server.finished);
}

/* ---- times ---- */

static void a_slow_head_is_408(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "GET / HTTP/1.1\r\nHo"));
    WAIT_UNTIL(server_statistics(&server).bytes_in > 0);
    shift_seconds(9);
    env_sleep_ns(env_real(), 300000000);
    assert_true(client_send_text(&client, "st: h\r\n")); /* a byte now and then is no excuse */
    WAIT_UNTIL(server_statistics(&server).bytes_in > 20);
    shift_seconds(1.5);
    client_expect(&client, 408, NULL);
    assert_true(client_ends(&client));
    client_close(&client);
    end();
}

static void a_slow_body_is_408(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "POST /echo HTTP/1.1\r\nHost: h\r\n"
                                          "Content-Length: 1000\r\n\r\nabc"));
    WAIT_UNTIL(server_statistics(&server).requests == 1);
    shift_seconds(70);
    env_sleep_ns(env_real(), 300000000);
    uint64_t before = server_statistics(&server).bytes_in;
    assert_true(client_send_text(&client, "def")); /* below the rate */
    WAIT_UNTIL(server_statistics(&server).bytes_in > before);
    shift_seconds(10);
    client_expect(&client, 408, NULL);
    client_close(&client);
    end();
}

static void a_slow_streamed_body_is_told_to_its_reader(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "POST /count HTTP/1.1\r\nHost: h\r\n"
                                          "Content-Length: 100000\r\n\r\nabc"));
    WAIT_UNTIL(server.requests == 1);
    shift_seconds(80);
    client_expect(&client, 408, NULL);
    assert_int_equal(server.read_failures, 1);
    client_close(&client);
    end();
}

static void silent_and_idle_connections_are_closed(void **state)
{
    (void)state;
    Client silent;
    Client idle;
    begin(NULL);
    client_open(&silent, server.address);
    client_ask(&idle, server.address, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
    WAIT_UNTIL(server_statistics(&server).connections == 2);
    shift_seconds(11);
    assert_true(client_ends(&silent)); /* never said anything: as a slow head */
    assert_int_equal(silent.input.size, 0);
    WAIT_UNTIL(server_statistics(&server).connections == 1);
    shift_seconds(70);
    assert_true(client_ends(&idle));
    assert_int_equal(idle.input.size, 0);
    client_close(&silent);
    client_close(&idle);
    end();
}

static void a_client_that_does_not_read_is_closed(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "GET /large?bytes=50000000 HTTP/1.1\r\nHost: h\r\n\r\n"));
    WAIT_UNTIL(server_statistics(&server).bytes_out > 0);
    env_sleep_ns(env_real(), 300000000);
    shift_seconds(80);
    WAIT_UNTIL(server_statistics(&server).connections == 0);
    client_close(&client);
    end();
}

static void a_request_under_way_is_not_idle(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    HttpExchange *held = wait_for_held(&server);
    shift_seconds(500);
    env_sleep_ns(env_real(), 300000000);
    answer_text(held, 200, SLICE("late"));
    client_expect(&client, 200, "late");
    client_close(&client);
    end();
}

/* ---- limits ---- */

static void few_connections(NetLimits *limits)
{
    limits->connections_max = 3;
}

static void connections_over_the_limit_are_503(void **state)
{
    (void)state;
    Client clients[3];
    Client over;
    begin(few_connections);
    for (int i = 0; i < 3; i++)
        client_ask(&clients[i], server.address, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
    client_open(&over, server.address);
    client_expect(&over, 503, NULL);
    assert_slice(client_header(&over, "retry-after"), "1");
    assert_true(client_ends(&over));
    client_close(&over);
    assert_int_equal(server_statistics(&server).connections_refused, 1);
    client_close(&clients[0]);
    WAIT_UNTIL(server_statistics(&server).connections == 2);
    client_ask(&over, server.address, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(over.status, 404);
    client_close(&over);
    client_close(&clients[1]);
    client_close(&clients[2]);
    end();
}

static void little_memory(NetLimits *limits)
{
    limits->body_bytes_total_max = 3000000;
}

static void bodies_over_the_common_limit_are_503(void **state)
{
    (void)state;
    Client first;
    Client second;
    Buffer request;
    begin(little_memory);
    buffer_open(&request, 0);
    buffer_put_text(&request, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n");
    buffer_put_zeros(&request, 1900000);
    client_open(&first, server.address);
    client_open(&second, server.address);
    assert_true(client_send(&first, buffer_slice(&request)));
    WAIT_UNTIL(server_statistics(&server).bytes_in >= request.size);
    (void)client_send(&second, buffer_slice(&request));
    client_expect(&second, 503, NULL);
    buffer_clear(&request);
    buffer_put_zeros(&request, 100000);
    assert_true(client_send(&first, buffer_slice(&request)));
    client_expect(&first, 200, NULL);
    client_close(&second);
    client_open(&second, server.address); /* the memory is back */
    buffer_clear(&request);
    buffer_put_text(&request, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n");
    buffer_put_zeros(&request, 2000000);
    assert_true(client_send(&second, buffer_slice(&request)));
    client_expect(&second, 200, NULL);
    client_close(&first);
    client_close(&second);
    buffer_close(&request);
    end();
}

static void limits_can_change_while_it_runs(void **state)
{
    (void)state;
    Client client;
    NetLimits limits;
    Error error;
    begin(NULL);
    client_ask(&client, server.address,
               "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789");
    assert_int_equal(client.status, 200);
    client_close(&client);
    net_limits_default(&limits);
    limits.body_bytes_max = 9;
    assert_ok(net_configure(server.net, &limits, &error), &error);
    client_ask(&client, server.address,
               "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789");
    assert_int_equal(client.status, 413);
    client_close(&client);
    limits.header_bytes_max = 1 << 30;
    assert_status(net_configure(server.net, &limits, &error), STATUS_INVALID_CONFIGURATION);
    end();
}

static const Slice origins[] = {{(const uint8_t *)"https://app.example", 19}};

static void one_origin(NetLimits *limits)
{
    limits->cors_origins = origins;
    limits->cors_origin_count = 1;
}

static void origins_are_allowed_by_name(void **state)
{
    (void)state;
    Client client;
    begin(one_origin);
    client_ask(&client, server.address,
               "OPTIONS /v1/sql HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\n"
               "Access-Control-Request-Method: POST\r\n\r\n");
    assert_int_equal(client.status, 204);
    assert_slice(client_header(&client, "access-control-allow-origin"), "https://app.example");
    assert_true(client_header(&client, "access-control-allow-headers").size > 0);
    assert_slice(client_header(&client, "vary"), "Origin");
    assert_int_equal(server.requests, 0);
    client_close(&client);
    client_ask(&client, server.address,
               "GET /nothing HTTP/1.1\r\nHost: h\r\nOrigin: https://app.example\r\n\r\n");
    assert_slice(client_header(&client, "access-control-allow-origin"), "https://app.example");
    client_close(&client);
    client_ask(&client, server.address,
               "GET /nothing HTTP/1.1\r\nHost: h\r\nOrigin: https://evil.example\r\n\r\n");
    assert_null(client_header(&client, "access-control-allow-origin").data);
    client_close(&client);
    client_ask(&client, server.address,
               "OPTIONS /v1/sql HTTP/1.1\r\nHost: h\r\nOrigin: https://evil.example\r\n"
               "Access-Control-Request-Method: POST\r\n\r\n");
    assert_int_equal(client.status, 404); /* the handler's business, without a word of CORS */
    assert_null(client_header(&client, "access-control-allow-origin").data);
    client_close(&client);
    end();
}

/* ---- clients that go ---- */

static void a_client_that_goes_away_cancels_its_request(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    HttpExchange *held = wait_for_held(&server);
    assert_false(http_is_cancelled(held));
    client_close(&client);
    WAIT_UNTIL(server.cancelled == 1);
    assert_true(http_is_cancelled(held));
    assert_int_equal(server.finished, 0);
    answer_text(held, 200, SLICE("too late"));
    WAIT_UNTIL(server.finished == 1 && server_statistics(&server).connections == 0);
    assert_int_equal(server.cancelled, 1);
    end();
}

/* The handler answers in the very call that tells it of the end. */
static void a_cancelled_request_may_be_answered_at_once(void **state)
{
    (void)state;
    Client gone;
    Client waiting;
    begin(NULL);
    server.answers_when_cancelled = true;
    client_open(&gone, server.address);
    assert_true(client_send_text(&gone, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    (void)wait_for_held(&server);
    client_close(&gone);
    WAIT_UNTIL(server.finished == 1 && server_statistics(&server).connections == 0);
    client_open(&waiting, server.address);
    assert_true(client_send_text(&waiting, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    (void)wait_for_held(&server);
    socket_shutdown_write(waiting.socket);
    client_expect(&waiting, 503, "cancelled");
    client_close(&waiting);
    end();
}

static void a_cut_request_may_be_answered_at_once(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    server.answers_when_cancelled = true;
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    (void)wait_for_held(&server);
    server_stop_net(&server, 0.1);
    assert_int_equal(server.finished, 1);
    client_close(&client);
    end();
}

/* Who only ends its side is told to be gone, and gets the answer all the same. */
static void a_client_that_ends_its_side_gets_its_answer(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    socket_shutdown_write(client.socket);
    HttpExchange *held = wait_for_held(&server);
    WAIT_UNTIL(server.cancelled == 1);
    answer_text(held, 200, SLICE("here"));
    client_expect(&client, 200, "here");
    assert_true(client_ends(&client));
    client_close(&client);
    end();
}

/* Behind a request under way more wait than are read; then the client goes. */
static void a_paused_client_that_goes_away_is_noticed(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    HttpExchange *held = wait_for_held(&server);
    for (int i = 0; i < 20; i++)
        assert_true(client_send_text(&client, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"));
    client_close(&client);
    answer_text(held, 200, SLICE("here"));
    WAIT_UNTIL(server_statistics(&server).connections == 0);
    end();
}

/* ---- stopping ---- */

static void answer_soon(void *argument)
{
    env_sleep_ns(env_real(), 300000000);
    answer_text(argument, 200, SLICE("in time"));
}

static void stopping_answers_what_is_under_way(void **state)
{
    (void)state;
    Client idle;
    Client busy;
    Thread *answerer;
    Error error;
    begin(NULL);
    client_ask(&idle, server.address, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
    client_open(&busy, server.address);
    assert_true(client_send_text(&busy, "GET /hold HTTP/1.1\r\nHost: h\r\n\r\n"));
    HttpExchange *held = wait_for_held(&server);
    assert_ok(thread_start(env_real(), "answer", THREAD_STACK_BYTES_DEFAULT, answer_soon, held,
                           &answerer, &error),
              &error);
    server_stop_net(&server, 10);
    thread_join(answerer);
    client_expect(&busy, 200, "in time");
    assert_slice(client_header(&busy, "connection"), "close");
    assert_true(client_ends(&busy));
    assert_true(client_ends(&idle));
    client_close(&idle);
    client_close(&busy);
    end();
}

static void stopping_cuts_what_takes_too_long(void **state)
{
    (void)state;
    Client client;
    begin(NULL);
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "GET /stream?bytes=1000000000&piece=100000 HTTP/1.1\r\n"
                                          "Host: h\r\n\r\n"));
    WAIT_UNTIL(server_statistics(&server).bytes_out > 0);
    server_stop_net(&server, 0.2);
    assert_int_equal(server.write_failures, 1);
    assert_int_equal(server.finished, 1);
    client_close(&client);
    end();
}

static void a_server_that_never_ran_can_be_closed(void **state)
{
    (void)state;
    static const char *const address = "127.0.0.1:0";
    NetHandlers handlers = {.http_request = on_request};
    NetOptions options = {.addresses = &address, .address_count = 1, .loops = 3};
    Net *net;
    Error error;
    net_limits_default(&options.limits);
    assert_ok(net_open(env_real(), &options, &handlers, &net, &error), &error);
    net_close(net);
    static const char *const wrong = "no-address";
    options.addresses = &wrong;
    assert_true(net_open(env_real(), &options, &handlers, &net, &error) != OK);
    options.loops = 0;
    assert_status(net_open(env_real(), &options, &handlers, &net, &error),
                  STATUS_INVALID_CONFIGURATION);
}

static void opening_survives_failing_memory(void **state)
{
    (void)state;
    static const char *const address = "127.0.0.1:0";
    NetHandlers handlers = {.http_request = on_request};
    NetOptions options = {.addresses = &address, .address_count = 1, .loops = 2};
    Net *net;
    Error error;
    Status status = STATUS_OUT_OF_MEMORY;
    net_limits_default(&options.limits);
    for (int64_t n = 1; status != OK && n < 50; n++) {
        memory_fail_at(n, 1);
        status = net_open(env_real(), &options, &handlers, &net, &error);
        memory_fail_at(0, 0);
        if (status != OK)
            assert_status(status, STATUS_OUT_OF_MEMORY);
    }
    assert_ok(status, &error);
    net_close(net);
}

/* Whichever allocation fails, the server answers or closes, and goes on serving others. */
static void serving_survives_failing_memory(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "POST /echo?a=b%20c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "GET /large?bytes=5000&copy HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n",
        "POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
        "GET / HTTP/1.1\r\n\r\n",
        "POST /denied HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
    };
    begin(NULL);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        for (int64_t n = 1; n < 30; n++) {
            Client client;
            Client other;
            client_open(&client, server.address);
            assert_true(buffer_reserve(&client.input, 200000) != NULL);
            WAIT_UNTIL(server_statistics(&server).connections >= 1);
            memory_fail_at(n, 1);
            (void)client_send_text(&client, requests[i]);
            (void)client_receive(&client);
            memory_fail_at(0, 0);
            client_close(&client);
            client_ask(&other, server.address, requests[0]);
            assert_int_equal(other.status, 200);
            client_close(&other);
        }
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_head_is_408),
        cmocka_unit_test(a_slow_body_is_408),
        cmocka_unit_test(a_slow_streamed_body_is_told_to_its_reader),
        cmocka_unit_test(silent_and_idle_connections_are_closed),
        cmocka_unit_test(a_client_that_does_not_read_is_closed),
        cmocka_unit_test(a_request_under_way_is_not_idle),
        cmocka_unit_test(connections_over_the_limit_are_503),
        cmocka_unit_test(bodies_over_the_common_limit_are_503),
        cmocka_unit_test(limits_can_change_while_it_runs),
        cmocka_unit_test(origins_are_allowed_by_name),
        cmocka_unit_test(a_client_that_goes_away_cancels_its_request),
        cmocka_unit_test(a_cancelled_request_may_be_answered_at_once),
        cmocka_unit_test(a_cut_request_may_be_answered_at_once),
        cmocka_unit_test(a_client_that_ends_its_side_gets_its_answer),
        cmocka_unit_test(a_paused_client_that_goes_away_is_noticed),
        cmocka_unit_test(stopping_answers_what_is_under_way),
        cmocka_unit_test(stopping_cuts_what_takes_too_long),
        cmocka_unit_test(a_server_that_never_ran_can_be_closed),
        cmocka_unit_test(opening_survives_failing_memory),
        cmocka_unit_test(serving_survives_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
