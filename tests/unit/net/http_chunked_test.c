/* The chunked coding: content, ends and faults, at every cut and byte by byte. */
#include "base/buffer.h"
#include "base/random.h"
#include "net/http_chunked.h"
#include "tests/unit/base/test.h"

/* Feeds pieces of `step` bytes, the first of `first`. Returns the status; *rest counts what stood
 * behind the body. */
static Status feed(Slice input, size_t first, size_t step, Buffer *out, size_t *rest, bool *done)
{
    HttpChunked chunked = {0};
    Error error;
    size_t at = 0;
    size_t end = first < input.size ? first : input.size;
    for (;;) {
        while (at < end && !http_chunked_is_done(&chunked)) {
            size_t used;
            Slice data;
            Status status =
                http_chunked_next(&chunked, slice_part(input, at, end - at), &used, &data, &error);
            if (status != OK)
                return status;
            assert_true(used > 0 && data.size <= used);
            buffer_put_slice(out, data);
            at += used;
        }
        if (end == input.size || http_chunked_is_done(&chunked))
            break;
        end = end + step < input.size ? end + step : input.size;
    }
    *rest = input.size - at;
    *done = http_chunked_is_done(&chunked);
    return OK;
}

static void check(const char *text, const char *wanted, size_t wanted_rest)
{
    Slice input = slice_of_text(text);
    for (size_t first = 0; first <= input.size; first++) {
        for (size_t step = 1; step < 4; step++) {
            Buffer out;
            size_t rest = 0;
            bool done = false;
            buffer_open(&out, 0);
            Status status = feed(input, first, step, &out, &rest, &done);
            if (status != OK)
                fail_msg("%s: %s", text, status_name(status));
            assert_true(done);
            assert_slice(buffer_slice(&out), wanted);
            assert_int_equal(rest, wanted_rest);
            buffer_close(&out);
        }
    }
}

static void check_refused(const char *text, Status wanted)
{
    Slice input = slice_of_text(text);
    for (size_t first = 0; first <= input.size; first++) {
        Buffer out;
        size_t rest;
        bool done;
        buffer_open(&out, 0);
        Status status = feed(input, first, 1, &out, &rest, &done);
        if (status != wanted)
            fail_msg("%s: %s, not %s", text, status_name(status), status_name(wanted));
        buffer_close(&out);
    }
}

static void bodies_are_put_together(void **state)
{
    (void)state;
    check("0\r\n\r\n", "", 0);
    check("5\r\nhello\r\n0\r\n\r\n", "hello", 0);
    check("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /", "hello world", 5);
    check("A\r\n0123456789\r\n00\r\n\r\n", "0123456789", 0);
    check("0005\r\nhello\r\n0\r\n\r\n", "hello", 0);
    check("5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", "hello", 0);
    check("1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n", 0);
    check("0\r\nDigest: x\r\nB:\r\n\r\nrest", "", 4);
}

static void faults_are_refused(void **state)
{
    (void)state;
    static const char *const faults[] = {
        "0x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhelloX\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-1\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        ";a\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5;a\001\r\nhello\r\n0\r\n\r\n",
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\n: y\r\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX: a\001\r\n\r\n",
        "0\r\n\rX",
        "0\n\n",
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        check_refused(faults[i], STATUS_PROTOCOL_VIOLATION);
}

static void extensions_and_trailers_are_limited(void **state)
{
    (void)state;
    static char text[HTTP_CHUNK_EXTRA_BYTES_MAX + 64];
    memset(text, 'a', sizeof text - 1);
    memcpy(text, "5;", 2);
    check_refused(text, STATUS_HEADER_TOO_LARGE);
    memcpy(text, "0\r\nX:", 5);
    check_refused(text, STATUS_HEADER_TOO_LARGE);
}

/* Chunks of one byte with long extensions may not go on for ever. */
static void many_small_extensions_are_limited_together(void **state)
{
    (void)state;
    HttpChunked chunked = {0};
    Error error;
    Status status = OK;
    int chunks = 0;
    for (; status == OK && chunks < 10000; chunks++) {
        Slice input = SLICE("1;aaaaaaaa\r\nx\r\n");
        for (size_t at = 0; at < input.size && status == OK;) {
            size_t used = 0;
            Slice data;
            status = http_chunked_next(&chunked, slice_part(input, at, 99), &used, &data, &error);
            at += used;
        }
    }
    assert_status(status, STATUS_HEADER_TOO_LARGE);
    assert_in_range(chunks, HTTP_CHUNK_EXTRA_BYTES_MAX / 9, HTTP_CHUNK_EXTRA_BYTES_MAX / 7);
}

static void random_bodies_come_back(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    for (int round = 0; round < 500; round++) {
        Buffer body;
        Buffer coded;
        Buffer out;
        size_t rest = 0;
        bool done = false;
        buffer_open(&body, 0);
        buffer_open(&coded, 0);
        buffer_open(&out, 0);
        for (uint64_t i = random_below(&random, 8); i > 0; i--) {
            uint8_t bytes[300];
            size_t size = 1 + (size_t)random_below(&random, sizeof bytes);
            random_bytes(&random, bytes, size);
            buffer_put(&body, bytes, size);
            buffer_put_format(&coded, random_chance(&random, 1, 2) ? "%zx\r\n" : "%zX;e\r\n", size);
            buffer_put(&coded, bytes, size);
            buffer_put_text(&coded, "\r\n");
        }
        buffer_put_text(&coded, "0\r\n\r\n");
        size_t step = 1 + (size_t)random_below(&random, 100);
        assert_status(feed(buffer_slice(&coded), step, step, &out, &rest, &done), OK);
        assert_true(done && rest == 0 && slice_equal(buffer_slice(&out), buffer_slice(&body)));
        buffer_close(&body);
        buffer_close(&coded);
        buffer_close(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_are_put_together),
        cmocka_unit_test(faults_are_refused),
        cmocka_unit_test(extensions_and_trailers_are_limited),
        cmocka_unit_test(many_small_extensions_are_limited_together),
        cmocka_unit_test(random_bodies_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
