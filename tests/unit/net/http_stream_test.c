/* Bodies and answers as streams: whole, in order, with back-pressure, and when one side goes. */
#include "net/gzip.h"
#include "tests/unit/net/server.h"

static Server server;

static int start(void **state)
{
    (void)state;
    server_open(&server, env_real());
    server_start(&server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    server_close(&server);
    assert_int_equal(server.requests, server.finished);
    return 0;
}

static void assert_pattern(Slice bytes, size_t size)
{
    assert_int_equal(bytes.size, size);
    for (size_t i = 0; i < size; i++) {
        if (bytes.data[i] != (uint8_t)('a' + i / 7 % 26))
            fail_msg("byte %zu is wrong", i);
    }
}

static void answers_of_any_size_are_streamed(void **state)
{
    (void)state;
    static const int sizes[][2] = {{0, 10}, {1, 1}, {5000, 7}, {100000, 100000}, {9000000, 65537}};
    Client client;
    client_open(&client, server.address);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char request[100];
        (void)snprintf(request, sizeof request,
                       "GET /stream?bytes=%d&piece=%d HTTP/1.1\r\nHost: h\r\n\r\n", sizes[i][0],
                       sizes[i][1]);
        assert_true(client_send_text(&client, request));
        client_expect(&client, 200, NULL);
        assert_false(client.is_closed);
        assert_slice(client_header(&client, "transfer-encoding"), "chunked");
        assert_pattern(buffer_slice(&client.body), (size_t)sizes[i][0]);
    }
    client_close(&client);
}

static void http_1_0_gets_no_chunks(void **state)
{
    (void)state;
    Client client;
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "GET /stream?bytes=30000&piece=999 HTTP/1.0\r\n\r\n"));
    assert_true(client_ends(&client));
    size_t head = client_find_head(&client);
    assert_null(memmem(client.input.data, head, "chunked", 7));
    client_drop(&client, head);
    assert_pattern(buffer_slice(&client.input), 30000);
    client_close(&client);
}

/* What breaks off must not look whole. */
static void a_broken_answer_can_be_told(void **state)
{
    (void)state;
    Client client;
    client_ask(&client, server.address,
               "GET /stream?bytes=9000&piece=1000&cut=4000 HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(client.is_closed);
    client_close(&client);
}

/* The writer waits while the client does not read: memory stays bounded. */
static void a_slow_reader_holds_the_writer_back(void **state)
{
    (void)state;
    enum { SIZE = 40000000 };
    Client client;
    NetStatistics before = server_statistics(&server);
    client_open(&client, server.address);
    assert_true(client_send_text(
        &client, "GET /stream?bytes=40000000&piece=50000 HTTP/1.1\r\nHost: h\r\n\r\n"));
    env_sleep_ns(env_real(), 300000000);
    NetStatistics waiting = server_statistics(&server);
    assert_true(waiting.bytes_out - before.bytes_out <
                SIZE / 2); /* the system's buffers are full */
    client_expect(&client, 200, NULL);
    assert_pattern(buffer_slice(&client.body), SIZE);
    client_close(&client);
}

static void a_reader_slower_than_the_deadline_loses_its_writer(void **state)
{
    (void)state;
    Client client;
    int failures = server.write_failures;
    client_open(&client, server.address);
    assert_true(client_send_text(
        &client,
        "GET /stream?bytes=100000000&piece=50000&patience=200 HTTP/1.1\r\nHost: h\r\n\r\n"));
    WAIT_UNTIL(server.write_failures == failures + 1);
    assert_true(client_read_answer(&client, true));
    assert_true(client.is_closed); /* cut off, not whole */
    client_close(&client);
}

static void a_client_that_goes_away_stops_the_writer(void **state)
{
    (void)state;
    Client client;
    int cancelled = server.cancelled;
    int failures = server.write_failures;
    client_open(&client, server.address);
    assert_true(client_send_text(
        &client, "GET /stream?bytes=1000000000&piece=50000 HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_true(client_receive(&client));
    client_close(&client);
    WAIT_UNTIL(server.write_failures == failures + 1);
    assert_int_equal(server.cancelled, cancelled + 1);
    WAIT_UNTIL(server.finished == server.requests);
}

static void put_body(Buffer *out, size_t size, bool is_chunked)
{
    uint8_t *bytes = memory_allocate(size == 0 ? 1 : size);
    fill_pattern(bytes, size, 0);
    if (!is_chunked) {
        buffer_put_format(out, "Content-Length: %zu\r\n\r\n", size);
        buffer_put(out, bytes, size);
    } else {
        buffer_put_text(out, "Transfer-Encoding: chunked\r\n\r\n");
        for (size_t at = 0; at < size; at += 7777) {
            size_t piece = size - at < 7777 ? size - at : 7777;
            buffer_put_format(out, "%zx\r\n", piece);
            buffer_put(out, bytes + at, piece);
            buffer_put_text(out, "\r\n");
        }
        buffer_put_text(out, "0\r\n\r\n");
    }
    memory_free(bytes);
}

static void bodies_of_any_size_are_read_as_they_come(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 5000, 262144, 262145, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int kind = 0; kind < 4; kind++) {
            Client client;
            Buffer request;
            char wanted[64];
            buffer_open(&request, 0);
            buffer_put_format(&request, "POST /count%s HTTP/1.1\r\nHost: h\r\n",
                              kind & 2 ? "?slow" : "");
            put_body(&request, sizes[i], kind & 1);
            buffer_put_text(&request, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
            (void)snprintf(wanted, sizeof wanted, "%zu good", sizes[i]);
            client_open(&client, server.address);
            assert_true(client_send(&client, buffer_slice(&request)));
            client_expect(&client, 200, wanted);
            client_expect(&client, 404, NULL);
            client_close(&client);
            buffer_close(&request);
        }
    }
}

static void a_body_can_be_read_while_the_answer_is_written(void **state)
{
    (void)state;
    Client client;
    Buffer request;
    buffer_open(&request, 0);
    for (int round = 0; round < 20; round++) {
        buffer_clear(&request);
        buffer_put_text(&request, "POST /copy HTTP/1.1\r\nHost: h\r\n");
        put_body(&request, (size_t)(round * 30011), round & 1);
        client_open(&client, server.address);
        assert_true(client_send(&client, buffer_slice(&request)));
        client_expect(&client, 200, NULL);
        if (round > 0)
            assert_pattern(buffer_slice(&client.body), (size_t)(round * 30011));
        client_close(&client);
    }
    buffer_close(&request);
}

static void a_packed_body_is_unpacked_for_its_reader(void **state)
{
    (void)state;
    Client client;
    Buffer request;
    Buffer body;
    Buffer packed;
    GzipWriter writer;
    Error error;
    buffer_open(&request, 0);
    buffer_open(&body, 0);
    buffer_open(&packed, 0);
    uint8_t *at = buffer_reserve(&body, 2000000);
    fill_pattern(at, 2000000, 0);
    body.size = 2000000;
    assert_ok(gzip_writer_open(&writer, 0, &error), &error);
    assert_ok(gzip_writer_put(&writer, buffer_slice(&body), true, &packed, &error), &error);
    gzip_writer_close(&writer);
    for (size_t cut = 0; cut < 2; cut++) {
        size_t size = packed.size - cut * 20;
        buffer_clear(&request);
        buffer_put_format(&request,
                          "POST /count HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n"
                          "Content-Length: %zu\r\n\r\n",
                          size);
        buffer_put(&request, packed.data, size);
        client_open(&client, server.address);
        assert_true(client_send(&client, buffer_slice(&request)));
        client_expect(&client, cut == 0 ? 200 : 400, cut == 0 ? "2000000 good" : NULL);
        client_close(&client);
    }
    buffer_close(&request);
    buffer_close(&body);
    buffer_close(&packed);
}

static void faulty_bodies_are_told_to_their_reader(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *request;
    } cases[] = {
        {400, "POST /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\naaaX"},
        {413, "POST /count?limit=2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\naaa"},
        {413, "POST /count?limit=2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\naaa\r\n0\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Client client;
        client_ask(&client, server.address, cases[i].request);
        assert_int_equal(client.status, cases[i].status);
        client_close(&client);
    }
}

static void a_body_that_breaks_off_is_told_to_its_reader(void **state)
{
    (void)state;
    Client client;
    int failures = server.read_failures;
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "POST /count HTTP/1.1\r\nHost: h\r\n"
                                          "Content-Length: 1000\r\n\r\nabc"));
    client_close(&client);
    WAIT_UNTIL(server.read_failures == failures + 1);
}

static void expected_streams_are_asked_for(void **state)
{
    (void)state;
    Client client;
    client_open(&client, server.address);
    assert_true(client_send_text(&client,
                                 "POST /count HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                                 "Content-Length: 3\r\n\r\n"));
    client_expect(&client, 100, NULL);
    assert_true(client_send_text(&client, "aaa"));
    client_expect(&client, 200, "3 good");
    client_close(&client);
}

/* A stream written on the loop's own thread goes on in http_drained. */
static uint64_t drained_left;
static _Atomic int drained_calls;

static void write_more(HttpExchange *exchange)
{
    uint8_t bytes[10000];
    Error error;
    memset(bytes, 'x', sizeof bytes);
    while (drained_left > 0 && http_stream_queued(exchange) <= HTTP_STREAM_BYTES_MAX) {
        assert_ok(http_stream_write(exchange, slice_of(bytes, sizeof bytes), &error), &error);
        drained_left -= sizeof bytes;
    }
    if (drained_left == 0)
        http_stream_end(exchange, true);
}

static void request_for_loop_stream(void *context, HttpExchange *exchange)
{
    Error error;
    (void)context;
    drained_left = 20000000;
    assert_ok(http_stream_begin(exchange,
                                &(HttpAnswer){.status = 200, .content_type = "text/plain"}, &error),
              &error);
    write_more(exchange);
}

static void on_drained(void *context, HttpExchange *exchange)
{
    (void)context;
    atomic_fetch_add(&drained_calls, 1);
    write_more(exchange);
}

static void a_stream_on_the_loop_goes_on_when_drained(void **state)
{
    (void)state;
    static Server own;
    Client client;
    server_open(&own, env_real());
    own.handlers.http_request = request_for_loop_stream;
    own.handlers.http_drained = on_drained;
    server_start(&own);
    client_ask(&client, own.address, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_int_equal(client.body.size, 20000000);
    assert_true(drained_calls > 2);
    client_close(&client);
    server_close(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_of_any_size_are_streamed),
        cmocka_unit_test(http_1_0_gets_no_chunks),
        cmocka_unit_test(a_broken_answer_can_be_told),
        cmocka_unit_test(a_slow_reader_holds_the_writer_back),
        cmocka_unit_test(a_reader_slower_than_the_deadline_loses_its_writer),
        cmocka_unit_test(a_client_that_goes_away_stops_the_writer),
        cmocka_unit_test(bodies_of_any_size_are_read_as_they_come),
        cmocka_unit_test(a_body_can_be_read_while_the_answer_is_written),
        cmocka_unit_test(a_packed_body_is_unpacked_for_its_reader),
        cmocka_unit_test(faulty_bodies_are_told_to_their_reader),
        cmocka_unit_test(a_body_that_breaks_off_is_told_to_its_reader),
        cmocka_unit_test(expected_streams_are_asked_for),
        cmocka_unit_test(a_stream_on_the_loop_goes_on_when_drained),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
