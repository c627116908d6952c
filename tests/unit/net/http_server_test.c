/* HTTP over real sockets: requests and answers, in order, within limits, or refused. */
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

#define ECHO(body, size) "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " size "\r\n\r\n" body

static void answers_on_the_loop_and_from_workers(void **state)
{
    (void)state;
    Client client;
    client_open(&client, server.address);
    assert_true(client_send_text(&client, ECHO("hello", "5")));
    client_expect(&client, 200, "hello");
    assert_slice(client_header(&client, "server"), "firn");
    assert_slice(client_header(&client, "content-type"), "text/plain");
    assert_int_equal(client_header(&client, "date").size, 29);
    assert_null(client_header(&client, "connection").data);
    assert_true(client_send_text(&client, "POST /later HTTP/1.1\r\nHost: h\r\n"
                                          "Content-Length: 5\r\n\r\nworld"));
    client_expect(&client, 200, "world");
    assert_true(client_send_text(&client, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n"));
    client_expect(&client, 404, "nothing here");
    client_close(&client);
}

static void requests_are_shown_decoded(void **state)
{
    (void)state;
    Client client;
    client_ask(&client, server.address,
               "GET http://x.example/information?a=b%20c&d HTTP/1.1\r\nHost: h\r\n"
               "X-Request-ID: my-id/7\r\n\r\n");
    assert_slice(buffer_slice(&client.body), "GET /information host=x.example id=my-id/7 a=b c d=");
    assert_slice(client_header(&client, "x-request-id"), "my-id/7");
    client_close(&client);
    client_ask(&client, server.address,
               "GET /information HTTP/1.1\r\nHost: h\r\nX-Request-ID: a b\"c\r\n\r\n");
    Slice id = client_header(&client, "x-request-id");
    assert_int_equal(id.size, 16); /* one of ours: theirs could break a log line */
    client_close(&client);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    enum { COUNT = 600 };
    Client client;
    Buffer requests;
    buffer_open(&requests, 0);
    for (int i = 0; i < COUNT; i++) {
        char body[16];
        int size = snprintf(body, sizeof body, "%d", i);
        buffer_put_format(&requests, "POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s",
                          i % 3 == 0 ? "later" : "echo", size, body);
    }
    client_open(&client, server.address);
    assert_true(client_send(&client, buffer_slice(&requests)));
    for (int i = 0; i < COUNT; i++) {
        char body[16];
        (void)snprintf(body, sizeof body, "%d", i);
        client_expect(&client, 200, body);
    }
    assert_int_equal(client.input.size, 0);
    client_close(&client);
    buffer_close(&requests);
}

/* The client ends its side behind its last request: all of them are answered all the same. */
static void pipelined_requests_before_the_end_are_all_answered(void **state)
{
    (void)state;
    Client client;
    client_open(&client, server.address);
    for (int i = 0; i < 50; i++)
        assert_true(client_send_text(&client, ECHO("a", "1")));
    socket_shutdown_write(client.socket);
    for (int i = 0; i < 50; i++)
        client_expect(&client, 200, "a");
    assert_true(client_ends(&client));
    client_close(&client);
}

static void requests_may_come_byte_by_byte(void **state)
{
    (void)state;
    const char *text = ECHO("slow", "4") "POST /echo HTTP/1.1\r\nHost: h\r\n"
                                         "Transfer-Encoding: chunked\r\n\r\n"
                                         "2;x\r\nch\r\n3\r\nunk\r\n0\r\nT: x\r\n\r\n";
    Client client;
    client_open(&client, server.address);
    for (const char *at = text; *at != '\0'; at++) {
        assert_true(client_send(&client, slice_of(at, 1)));
        env_sleep_ns(env_real(), 100000);
    }
    client_expect(&client, 200, "slow");
    client_expect(&client, 200, "chunk");
    client_close(&client);
}

/* Each vector is refused with its status and a JSON error, and the connection is closed. */
static void the_smuggling_matrix_is_refused(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *request;
    } vectors[] = {
        {400,
         "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"},
        {400,
         "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"},
        {400, "GET /echo HTTP/1.1\r\nHost: h\r\n\rX"},
        {400, "GET /echo HTTP/1.1\r\nHost : h\r\n\r\n"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5,5\r\n\r\nhello"},
        {400, "GET /echo HTTP/1.1\nHost: h\n\n"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
              "chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"},
        {400,
         "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n"},
        {400, "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
              "chunked\r\n\r\n5;a\nhello\r\n0\r\n\r\n"},
        {400, "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"},
        {400, "GET /echo HTTP/1.1\r\n\r\n"},
        {400, "GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
        {501,
         "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
        {400, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {400, "GET /a%2Fb HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /?a=%00 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {501, "BREW / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {505, "GET / HTTP/3.0\r\nHost: h\r\n\r\n"},
        {417, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: nothing\r\n\r\n"},
        {415,
         "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx"},
        {400, "hello\r\n\r\n"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        Client client;
        int before = server.requests;
        client_ask(&client, server.address, vectors[i].request);
        if (client.status != vectors[i].status)
            fail_msg("vector %zu: %d, not %d", i, client.status, vectors[i].status);
        assert_slice(client_header(&client, "content-type"), "application/json");
        assert_slice(client_header(&client, "connection"), "close");
        assert_memory_equal(client.body.data, "{\"status\":\"error\",\"took\":", 24);
        assert_non_null(memmem(client.body.data, client.body.size, "\"sqlstate\":", 11));
        assert_true(client_ends(&client));
        assert_int_equal(client.input.size, 0);
        assert_int_equal(server.requests, before);
        client_close(&client);
    }
}

/* A NUL cannot be in the table above. */
static void a_nul_in_a_header_is_refused(void **state)
{
    (void)state;
    static const char request[] = "GET /echo HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n";
    Client client;
    client_open(&client, server.address);
    assert_true(client_send(&client, slice_of(request, sizeof request - 1)));
    client_expect(&client, 400, NULL);
    client_close(&client);
}

static void errors_have_the_form_of_the_protocol(void **state)
{
    (void)state;
    Client client;
    client_ask(&client, server.address, "GET / HTTP/1.1\r\n\r\n");
    assert_slice(buffer_slice(&client.body),
                 "{\"status\":\"error\",\"took\":0.000,\"results\":[],\"error\":{\"code\":"
                 "\"PROTOCOL_VIOLATION\",\"sqlstate\":\"08P01\",\"message\":\"the request has no "
                 "Host header\",\"detail\":null,\"hint\":null,\"position\":null,\"statement\":null"
                 "}}\n");
    client_close(&client);
}

static void heads_are_limited(void **state)
{
    (void)state;
    Client client;
    Buffer request;
    buffer_open(&request, 0);
    buffer_put_text(&request, "GET /information HTTP/1.1\r\nHost: h\r\nX-Long: ");
    size_t rest = (16 << 10) - request.size - 4;
    for (size_t i = 0; i < rest; i++)
        buffer_put_u8(&request, 'x');
    buffer_put_text(&request, "\r\n\r\n");
    assert_int_equal(request.size, 16 << 10);
    client_open(&client, server.address);
    assert_true(client_send(&client, buffer_slice(&request)));
    client_expect(&client, 200, NULL);
    client_close(&client);
    request.size -= 4;
    buffer_put_text(&request, "x\r\n\r\n");
    client_open(&client, server.address);
    (void)client_send(&client, buffer_slice(&request));
    client_expect(&client, 431, NULL);
    client_close(&client);
    request.size -= 4; /* no end at all */
    buffer_put_text(&request, "xxxx");
    client_open(&client, server.address);
    (void)client_send(&client, buffer_slice(&request));
    client_expect(&client, 431, NULL);
    client_close(&client);
    buffer_close(&request);
}

static void put_pattern(Buffer *out, size_t size)
{
    uint8_t *at = buffer_reserve(out, size);
    assert_non_null(at);
    fill_pattern(at, size, 0);
    out->size += size;
}

static void large_bodies_come_back_whole(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 65535, 65536, 65537, 3000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int chunked = 0; chunked < 2; chunked++) {
            Client client;
            Buffer body;
            Buffer request;
            buffer_open(&body, 0);
            buffer_open(&request, 0);
            put_pattern(&body, sizes[i]);
            buffer_put_text(&request, "POST /echo HTTP/1.1\r\nHost: h\r\n");
            buffer_put_format(&request,
                              chunked ? "Transfer-Encoding: chunked\r\n\r\n%zx\r\n"
                                      : "Content-Length: %zu\r\n\r\n",
                              sizes[i]);
            buffer_put_slice(&request, buffer_slice(&body));
            if (chunked)
                buffer_put_text(&request, "\r\n0\r\n\r\n");
            client_open(&client, server.address);
            assert_true(client_send(&client, buffer_slice(&request)));
            client_expect(&client, 200, NULL);
            assert_true(slice_equal(buffer_slice(&client.body), buffer_slice(&body)));
            client_close(&client);
            buffer_close(&body);
            buffer_close(&request);
        }
    }
}

static void bodies_over_the_limit_are_413(void **state)
{
    (void)state;
    Client client;
    client_ask(&client, server.address,
               "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 67108865\r\n\r\n");
    assert_int_equal(client.status, 413);
    assert_true(client_ends(&client));
    client_close(&client);
}

static void expectations_are_met_before_the_body(void **state)
{
    (void)state;
    Client client;
    client_open(&client, server.address);
    assert_true(client_send_text(&client,
                                 "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                                 "Content-Length: 5\r\n\r\n"));
    client_expect(&client, 100, NULL);
    assert_true(client_send_text(&client, "hello"));
    client_expect(&client, 200, "hello");
    client_close(&client);
    client_ask(&client, server.address,
               "POST /denied HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
               "Content-Length: 5\r\n\r\n");
    assert_int_equal(client.status, 401); /* and the body is never asked for */
    assert_true(client_ends(&client));
    client_close(&client);
}

static void an_answer_at_the_head_skips_a_short_body(void **state)
{
    (void)state;
    Client client;
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "POST /denied HTTP/1.1\r\nHost: h\r\n"
                                          "Content-Length: 10\r\n\r\n01234"));
    client_expect(&client, 401, NULL);
    assert_slice(client_header(&client, "www-authenticate"), "Bearer");
    assert_null(client_header(&client, "connection").data);
    assert_true(client_send_text(&client, "56789" ECHO("next", "4")));
    client_expect(&client, 200, "next");
    client_close(&client);
    client_ask(&client, server.address,
               "POST /denied HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n");
    assert_int_equal(client.status, 401);
    assert_slice(client_header(&client, "connection"), "close");
    assert_true(client_ends(&client));
    client_close(&client);
}

static void head_has_the_length_but_no_body(void **state)
{
    (void)state;
    Client client;
    client_open(&client, server.address);
    assert_true(client_send_text(&client, "HEAD /large?bytes=5000 HTTP/1.1\r\nHost: h\r\n\r\n"
                                          "HEAD /nothing HTTP/1.1\r\nHost: h\r\n\r\n"
                                          "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_true(client_read_answer(&client, false));
    assert_slice(client_header(&client, "content-length"), "5000");
    assert_true(client_read_answer(&client, false));
    assert_int_equal(client.status, 404);
    assert_slice(client_header(&client, "content-length"), "12");
    assert_true(client_read_answer(&client, false));
    assert_int_equal(client.status, 200);
    assert_true(client_send_text(&client, ECHO("a", "1")));
    client_expect(&client, 200, "a");
    client_close(&client);
}

static void connections_are_closed_when_asked_and_for_1_0(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET /echo HTTP/1.0\r\n\r\n",
        "GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        Client client;
        client_ask(&client, server.address, requests[i]);
        assert_int_equal(client.status, 200);
        assert_slice(client_header(&client, "connection"), "close");
        assert_true(client_ends(&client));
        client_close(&client);
    }
}

static void unpack_into(Slice packed, Buffer *out)
{
    GzipReader reader;
    Error error;
    size_t got = 0;
    assert_ok(gzip_reader_open(&reader, &error), &error);
    do {
        uint8_t *at = buffer_reserve(out, 65536);
        assert_ok(gzip_reader_next(&reader, &packed, at, 65536, &got, &error), &error);
        out->size += got;
    } while (got == 65536);
    assert_true(reader.is_done);
    gzip_reader_close(&reader);
}

static void answers_are_packed_for_who_takes_it(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        const char *path;
        bool is_packed;
    } cases[] = {
        {"gzip", "/large?bytes=50000&copy", true},
        {"br;q=1.0, gzip;q=0.8, *;q=0.1", "/large?bytes=2000&copy", true},
        {"gzip", "/stream?bytes=50000&piece=3000", true},
        {"gzip;q=0", "/large?bytes=50000&copy", false},
        {"gzip; q=0.0", "/large?bytes=50000&copy", false},
        {"identity", "/large?bytes=50000&copy", false},
        {"gzip", "/large?bytes=1000&copy", false},
        {"gzip", "/large?bytes=50000", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Client client;
        char request[200];
        Buffer out;
        buffer_open(&out, 0);
        (void)snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: h\r\nAccept-Encoding: %s\r\n\r\n", cases[i].path,
                       cases[i].accept);
        client_ask(&client, server.address, request);
        Slice encoding = client_header(&client, "content-encoding");
        assert_int_equal(slice_equal_text(encoding, "gzip"), cases[i].is_packed);
        if (cases[i].is_packed) {
            assert_slice(client_header(&client, "vary"), "Accept-Encoding");
            unpack_into(buffer_slice(&client.body), &out);
        } else {
            buffer_put_slice(&out, buffer_slice(&client.body));
        }
        Buffer wanted;
        buffer_open(&wanted, 0);
        put_pattern(&wanted, out.size);
        assert_true(out.size >= 1000 && slice_equal(buffer_slice(&out), buffer_slice(&wanted)));
        buffer_close(&wanted);
        buffer_close(&out);
        client_close(&client);
    }
}

static void put_packed_request(Buffer *out, const char *path, Slice body)
{
    GzipWriter writer;
    Buffer packed;
    Error error;
    buffer_open(&packed, 0);
    assert_ok(gzip_writer_open(&writer, 0, &error), &error);
    assert_ok(gzip_writer_put(&writer, body, true, &packed, &error), &error);
    gzip_writer_close(&writer);
    buffer_put_format(out,
                      "POST %s HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n"
                      "Content-Length: %zu\r\n\r\n",
                      path, packed.size);
    buffer_put_slice(out, buffer_slice(&packed));
    buffer_close(&packed);
}

static void packed_bodies_are_unpacked(void **state)
{
    (void)state;
    Client client;
    Buffer body;
    Buffer request;
    buffer_open(&body, 0);
    buffer_open(&request, 0);
    put_pattern(&body, 700000);
    put_packed_request(&request, "/echo", buffer_slice(&body));
    client_open(&client, server.address);
    assert_true(client_send(&client, buffer_slice(&request)));
    client_expect(&client, 200, NULL);
    assert_true(slice_equal(buffer_slice(&client.body), buffer_slice(&body)));
    assert_true(client_send_text(&client,
                                 "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\n"
                                 "Content-Length: 5\r\n\r\nhello"));
    client_expect(&client, 400, NULL);
    client_close(&client);
    buffer_clear(&request);
    buffer_clear(&body);
    buffer_put_zeros(&body, 20 << 20);
    put_packed_request(&request, "/echo", buffer_slice(&body));
    client_open(&client, server.address);
    (void)client_send(&client, buffer_slice(&request));
    client_expect(&client, 413, NULL);
    client_close(&client);
    buffer_close(&request);
    buffer_close(&body);
}

static void other_doors_are_told_in_their_language(void **state)
{
    (void)state;
    Client client;
    client_open(&client, server.address);
    assert_true(client_send(&client, slice_of("\x16\x03\x01\x02\x00\x01", 6)));
    assert_true(client_ends(&client));
    assert_int_equal(client.input.size, 7);
    assert_int_equal(client.input.data[0], 0x15);
    client_close(&client);
    client_open(&client, server.address);
    assert_true(client_send(&client, slice_of("\0\0\0\x08\x04\xd2\x16\x2f", 8)));
    assert_true(client_receive(&client));
    assert_int_equal(client.input.data[0], 'N');
    assert_true(client_send(&client, slice_of("\0\0\0\x10\0\3\0\0user\0x\0\0", 16)));
    assert_true(client_ends(&client));
    assert_int_equal(client.input.data[1], 'E');
    assert_non_null(memmem(client.input.data, client.input.size, "C0A000", 6));
    uint32_t length = client.input.data[5];
    assert_int_equal(length + 2, client.input.size);
    client_close(&client);
}

static void statistics_are_counted(void **state)
{
    (void)state;
    Client client;
    NetStatistics before = server_statistics(&server);
    client_ask(&client, server.address, ECHO("hello", "5"));
    NetStatistics after = server_statistics(&server);
    assert_int_equal(after.requests - before.requests, 1);
    assert_int_equal(after.accepted - before.accepted, 1);
    assert_true(after.bytes_in - before.bytes_in >= sizeof(ECHO("hello", "5")) - 1);
    WAIT_UNTIL(server_statistics(&server).bytes_out - before.bytes_out >= 100);
    client_close(&client);
    WAIT_UNTIL(server_statistics(&server).connections == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_on_the_loop_and_from_workers),
        cmocka_unit_test(requests_are_shown_decoded),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(pipelined_requests_before_the_end_are_all_answered),
        cmocka_unit_test(requests_may_come_byte_by_byte),
        cmocka_unit_test(the_smuggling_matrix_is_refused),
        cmocka_unit_test(a_nul_in_a_header_is_refused),
        cmocka_unit_test(errors_have_the_form_of_the_protocol),
        cmocka_unit_test(heads_are_limited),
        cmocka_unit_test(large_bodies_come_back_whole),
        cmocka_unit_test(bodies_over_the_limit_are_413),
        cmocka_unit_test(expectations_are_met_before_the_body),
        cmocka_unit_test(an_answer_at_the_head_skips_a_short_body),
        cmocka_unit_test(head_has_the_length_but_no_body),
        cmocka_unit_test(connections_are_closed_when_asked_and_for_1_0),
        cmocka_unit_test(answers_are_packed_for_who_takes_it),
        cmocka_unit_test(packed_bodies_are_unpacked),
        cmocka_unit_test(other_doors_are_told_in_their_language),
        cmocka_unit_test(statistics_are_counted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
