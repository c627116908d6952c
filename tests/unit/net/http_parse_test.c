/* Heads of requests: what is taken, what is refused and how, whole and cut at every byte. */
#include "base/random.h"
#include "net/http_parse.h"
#include "tests/unit/base/test.h"

typedef struct Case {
    const char *name;
    int status; /* 0: taken */
    const char *head;
    size_t size; /* 0: strlen */
} Case;

#define GET  "GET / HTTP/1.1\r\nHost: h\r\n"
#define POST "POST / HTTP/1.1\r\nHost: h\r\n"

/* The smuggling matrix (those of its vectors that are in the head) and what else must not pass. */
static const Case refused[] = {
    {"two different Content-Lengths", 400, POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
     0},
    {"two equal Content-Lengths", 400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 0},
    {"length and chunked", 400, POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
    {"chunked and length", 400, POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 0},
    {"bare CR in a header", 400, GET "X: a\rb\r\n\r\n", 0},
    {"CRLF CR X", 400, GET "\rX\r\n\r\n", 0},
    {"bare LF after a header", 400, "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 0},
    {"bare LF after the request line", 400, "GET / HTTP/1.1\nHost: h\r\n\r\n", 0},
    {"only LF", 400, "GET / HTTP/1.1\nHost: h\n\n", 0},
    {"space before the colon", 400, GET "X : y\r\n\r\n", 0},
    {"tab before the colon", 400, GET "X\t: y\r\n\r\n", 0},
    {"length before the colon", 400, POST "Content-Length : 5\r\n\r\n", 0},
    {"folded line", 400, GET "X: a\r\n b\r\n\r\n", 0},
    {"folded with a tab", 400, GET "X: a\r\n\tb\r\n\r\n", 0},
    {"fold first", 400, "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 0},
    {"no Host", 400, "GET / HTTP/1.1\r\nX: y\r\n\r\n", 0},
    {"no headers", 400, "GET / HTTP/1.1\r\n\r\n", 0},
    {"two Hosts", 400, GET "Host: h\r\n\r\n", 0},
    {"length +5", 400, POST "Content-Length: +5\r\n\r\n", 0},
    {"length 5,5", 400, POST "Content-Length: 5,5\r\n\r\n", 0},
    {"length 0x5", 400, POST "Content-Length: 0x5\r\n\r\n", 0},
    {"length -1", 400, POST "Content-Length: -1\r\n\r\n", 0},
    {"length 5 6", 400, POST "Content-Length: 5 6\r\n\r\n", 0},
    {"length empty", 400, POST "Content-Length:\r\n\r\n", 0},
    {"length 5.0", 400, POST "Content-Length: 5.0\r\n\r\n", 0},
    {"length beyond 64 bits", 413, POST "Content-Length: 18446744073709551616\r\n\r\n", 0},
    {"NUL in a value", 400, GET "X: a\0b\r\n\r\n", sizeof(GET "X: a\0b\r\n\r\n") - 1},
    {"NUL in a name", 400, GET "X\0Y: b\r\n\r\n", sizeof(GET "X\0Y: b\r\n\r\n") - 1},
    {"escape in a value", 400, GET "X: a\033b\r\n\r\n", 0},
    {"DEL in a value", 400, GET "X: a\177b\r\n\r\n", 0},
    {"chunked twice", 400, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     0},
    {"chunked, chunked", 501, POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 0},
    {"gzip, chunked", 501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 0},
    {"xchunked", 501, POST "Transfer-Encoding: xchunked\r\n\r\n", 0},
    {"quoted chunked", 501, POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 0},
    {"identity", 501, POST "Transfer-Encoding: identity\r\n\r\n", 0},
    {"chunked in HTTP/1.0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
    {"another expectation", 417, POST "Expect: 200-ok\r\n\r\n", 0},
    {"empty line first", 400, "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"two spaces", 400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"space at the end", 400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 0},
    {"space first", 400, " GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"tab", 400, "GET\t/\tHTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"space in the target", 400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"fragment", 400, "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"raw UTF-8 in the target", 400, "GET /\303\244 HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"no target", 400, "GET HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"HTTP/0.9", 400, "GET /\r\n\r\n", 0},
    {"HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\n", 0},
    {"HTTP/1.2", 505, "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 0},
    {"http/1.1", 400, "GET / http/1.1\r\nHost: h\r\n\r\n", 0},
    {"HTTP/1.10", 400, "GET / HTTP/1.10\r\nHost: h\r\n\r\n", 0},
    {"unknown method", 501, "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"TRACE", 501, "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"method in lower case", 501, "get / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"method with a bracket", 400, "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"target without slash", 400, "GET a HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"asterisk with GET", 400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"absolute without host", 400, "GET http:/// HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"absolute with user", 400, "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"another scheme", 400, "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"host with slash", 400, "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", 0},
    {"host with user", 400, "GET / HTTP/1.1\r\nHost: a@h\r\n\r\n", 0},
    {"host with comma", 400, "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 0},
    {"host with bad port", 400, "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 0},
    {"host with long port", 400, "GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n", 0},
    {"open bracket", 400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 0},
    {"bytes behind bracket", 400, "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 0},
    {"header without colon", 400, GET "Nonsense\r\n\r\n", 0},
    {"header without name", 400, GET ": x\r\n\r\n", 0},
    {"name with UTF-8", 400, GET "\303\244: x\r\n\r\n", 0},
};

static const Case taken[] = {
    {"plain", 0, GET "\r\n", 0},
    {"query", 0, "GET /a?b=c HTTP/1.1\r\nHost: h:7700\r\n\r\n", 0},
    {"absolute", 0, "GET http://x.example:80/a HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"absolute without path", 0, "GET http://x.example HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"absolute with query only", 0, "GET http://x?a HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"options", 0, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 0},
    {"empty host", 0, "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
    {"address", 0, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:7700\r\n\r\n", 0},
    {"1.0", 0, "GET / HTTP/1.0\r\n\r\n", 0},
    {"values of any kind", 0, GET "X:\t a\tb \377 \r\nY:\r\nZ: :::\r\n\r\n", 0},
    {"length", 0, POST "Content-Length: 18446744073709551615\r\n\r\n", 0},
    {"chunked", 0, POST "transfer-encoding: Chunked\r\n\r\n", 0},
    {"continue", 0, POST "Content-Length: 1\r\nexpect: 100-Continue\r\n\r\n", 0},
};

static Slice text_of(const Case *c)
{
    return slice_of(c->head, c->size == 0 ? strlen(c->head) : c->size);
}

/* As a connection does it: the head comes in two pieces. Returns the HTTP status, 0 for taken. */
static int read_in_pieces(Slice text, size_t cut, HttpHead *head, Arena *arena)
{
    size_t scanned = 0;
    size_t end = 0;
    Error error;
    Status status = http_head_find_end(slice_part(text, 0, cut), &scanned, &end, &error);
    if (status == OK && end == 0)
        status = http_head_find_end(text, &scanned, &end, &error);
    if (status == OK) {
        assert_true(end > 0);
        status = http_head_parse(slice_part(text, 0, end), arena, head, &error);
    }
    if (status != OK)
        assert_true(error.message[0] != '\0');
    return status == OK ? 0 : http_refusal_status(status);
}

static void check_case(const Case *c)
{
    Slice text = text_of(c);
    for (size_t cut = 0; cut <= text.size; cut++) {
        Arena arena;
        HttpHead head;
        arena_open(&arena, 0);
        int status = read_in_pieces(text, cut, &head, &arena);
        if (status != c->status)
            fail_msg("%s, cut at %zu: %d, not %d", c->name, cut, status, c->status);
        arena_close(&arena);
    }
}

static void refuses_what_two_could_read_in_two_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        check_case(&refused[i]);
}

static void takes_what_is_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        check_case(&taken[i]);
}

static HttpHead parsed(Arena *arena, const char *text)
{
    HttpHead head;
    Error error;
    assert_ok(http_head_parse(slice_of_text(text), arena, &head, &error), &error);
    return head;
}

static void reads_all_parts(void **state)
{
    (void)state;
    Arena arena;
    arena_open(&arena, 0);
    HttpHead head = parsed(&arena, "PATCH /a%20b?c=d&e HTTP/1.1\r\nHOST:  h:1  \r\nX-Y:z\r\n"
                                   "Content-Length: 042\r\nConnection: Keep-Alive, upgrade\r\n"
                                   "Expect: 100-continue\r\n\r\n");
    assert_int_equal(head.method, HTTP_PATCH);
    assert_string_equal(http_method_name(head.method), "PATCH");
    assert_slice(head.path, "/a%20b");
    assert_slice(head.query, "c=d&e");
    assert_slice(head.host, "h:1");
    assert_int_equal(head.header_count, 5);
    assert_slice(http_head_value(&head, "x-y"), "z");
    assert_null(http_head_value(&head, "x-z").data);
    assert_true(head.has_length && head.length == 42 && !head.is_chunked);
    assert_true(head.keep_alive && head.wants_upgrade && head.expects_continue);

    head =
        parsed(&arena, "GET HTTP://Other:9/p HTTP/1.1\r\nHost: h\r\nConnection: x,close\r\n\r\n");
    assert_slice(head.host, "Other:9");
    assert_slice(head.path, "/p");
    assert_false(head.keep_alive);

    head =
        parsed(&arena, "GET / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(head.minor_version, 0);
    assert_false(head.keep_alive);
    assert_false(head.expects_continue);

    head = parsed(&arena, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_slice(head.path, "*");
    head = parsed(&arena, "GET http://h?q HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_slice(head.path, "/");
    assert_slice(head.query, "q");
    arena_close(&arena);
}

static void limits_the_number_of_headers(void **state)
{
    (void)state;
    Arena arena;
    Buffer text;
    HttpHead head;
    Error error;
    arena_open(&arena, 0);
    buffer_open(&text, 0);
    buffer_put_text(&text, GET);
    for (int i = 1; i < HTTP_HEADERS_MAX; i++)
        buffer_put_text(&text, "a: b\r\n");
    size_t enough = text.size;
    buffer_put_text(&text, "\r\n");
    assert_ok(http_head_parse(buffer_slice(&text), &arena, &head, &error), &error);
    assert_int_equal(head.header_count, HTTP_HEADERS_MAX);
    text.size = enough;
    buffer_put_text(&text, "a: b\r\n\r\n");
    assert_status(http_head_parse(buffer_slice(&text), &arena, &head, &error),
                  STATUS_HEADER_TOO_LARGE);
    buffer_close(&text);
    arena_close(&arena);
}

static void looks_at_no_byte_twice(void **state)
{
    (void)state;
    const char *text = GET "X: a long header that comes byte by byte\r\n\r\nrest";
    size_t size = strlen(text);
    size_t scanned = 0;
    size_t end = 0;
    Error error;
    for (size_t i = 0; i <= size && end == 0; i++) {
        size_t before = scanned;
        assert_ok(http_head_find_end(slice_of(text, i), &scanned, &end, &error), &error);
        assert_true(scanned >= before && scanned <= i && i - scanned <= 1);
    }
    assert_int_equal(end, size - 4);
}

static void lists_are_split_at_commas(void **state)
{
    (void)state;
    assert_true(http_list_has(SLICE("a, b;q=1 ,c"), "b"));
    assert_true(http_list_has(SLICE("Close"), "close"));
    assert_false(http_list_has(SLICE("closed, ,"), "close"));
    assert_false(http_list_has(SLICE(""), "close"));
}

/* Any bytes at all: the answer is the same however they are cut, and nothing is read beyond. */
static void random_bytes_are_read_alike_in_pieces(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "GET",     " ", "/",        "HTTP/1.1", "\r\n",          "\r", "\n", ":",
        "Host: h", "a", "\r\n\r\n", "\0",       "Content-Length"};
    Random random = random_of(test_seed());
    for (int round = 0; round < 20000; round++) {
        uint8_t text[256];
        size_t size = 0;
        while (size < 200 && random_chance(&random, 15, 16)) {
            const char *piece = pieces[random_below(&random, sizeof pieces / sizeof pieces[0])];
            size_t piece_size = piece[0] == '\0' ? 1 : strlen(piece);
            memcpy(text + size, piece, piece_size);
            size += piece_size;
        }
        size_t whole_scanned = 0;
        size_t whole_end = 0;
        size_t scanned = 0;
        size_t end = 0;
        Error error;
        Status whole = http_head_find_end(slice_of(text, size), &whole_scanned, &whole_end, &error);
        Status status = OK;
        for (size_t i = 0; i <= size && status == OK && end == 0; i++)
            status = http_head_find_end(slice_of(text, i), &scanned, &end, &error);
        assert_status(whole, status);
        assert_int_equal(whole_end, end);
        if (whole == OK && whole_end > 0) {
            Arena arena;
            HttpHead head;
            arena_open(&arena, 0);
            (void)!http_head_parse(slice_of(text, whole_end), &arena, &head, &error);
            arena_close(&arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_two_could_read_in_two_ways),
        cmocka_unit_test(takes_what_is_right),
        cmocka_unit_test(reads_all_parts),
        cmocka_unit_test(limits_the_number_of_headers),
        cmocka_unit_test(looks_at_no_byte_twice),
        cmocka_unit_test(lists_are_split_at_commas),
        cmocka_unit_test(random_bytes_are_read_alike_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
