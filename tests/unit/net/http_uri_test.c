/* Paths and queries: strict decoding. */
#include "net/http_uri.h"
#include "tests/unit/base/test.h"

static void check_path(const char *raw, const char *wanted)
{
    Arena arena;
    Slice out;
    Error error;
    arena_open(&arena, 0);
    Status status = http_path_decode(slice_of_text(raw), &arena, &out, &error);
    if (wanted == NULL) {
        assert_status(status, STATUS_PROTOCOL_VIOLATION);
    } else {
        assert_ok(status, &error);
        assert_slice(out, wanted);
    }
    arena_close(&arena);
}

static void paths_are_decoded_or_refused(void **state)
{
    (void)state;
    check_path("/", "/");
    check_path("/v1/sql", "/v1/sql");
    check_path("/a%20b+c", "/a b+c");
    check_path("/%C3%A4", "/\303\244");
    check_path("/a.b/..c/...", "/a.b/..c/...");
    check_path("/a//b/", "/a//b/");
    check_path("*", "*");
    check_path("/%", NULL);
    check_path("/%4", NULL);
    check_path("/%4g", NULL);
    check_path("/%g4", NULL);
    check_path("/%00", NULL);
    check_path("/%0a", NULL);
    check_path("/%7F", NULL);
    check_path("/a%2Fb", NULL);
    check_path("/%2f", NULL);
    check_path("/%C3", NULL);
    check_path("/%ED%A0%80", NULL);
    check_path("/..", NULL);
    check_path("/../a", NULL);
    check_path("/a/./b", NULL);
    check_path("/a/%2e%2E", NULL);
    check_path("/.", NULL);
}

static void check_query(const char *raw, size_t wanted_count, const char *name, const char *value)
{
    Arena arena;
    HttpParameter *parameters;
    size_t count;
    Error error;
    arena_open(&arena, 0);
    assert_ok(http_query_decode(slice_of_text(raw), &arena, &parameters, &count, &error), &error);
    assert_int_equal(count, wanted_count);
    if (count > 0) {
        assert_slice(parameters[count - 1].name, name);
        assert_slice(parameters[count - 1].value, value);
    }
    arena_close(&arena);
}

static void refuse_query(const char *raw)
{
    Arena arena;
    HttpParameter *parameters;
    size_t count;
    Error error;
    arena_open(&arena, 0);
    assert_status(http_query_decode(slice_of_text(raw), &arena, &parameters, &count, &error),
                  STATUS_PROTOCOL_VIOLATION);
    arena_close(&arena);
}

static void queries_are_decoded_or_refused(void **state)
{
    (void)state;
    check_query("", 0, "", "");
    check_query("a=b", 1, "a", "b");
    check_query("a=b&c=d+e%2B", 2, "c", "d e+");
    check_query("a", 1, "a", "");
    check_query("a=", 1, "a", "");
    check_query("a=b=c", 1, "a", "b=c");
    check_query("&&a=1&", 1, "a", "1");
    check_query("%61=%0a", 1, "a", "\n");
    refuse_query("a=%zz");
    refuse_query("a=%00");
    refuse_query("a=%ff");
    refuse_query("a=1&a=2");
    refuse_query("a=1&%61=2");
}

static void the_number_of_parameters_is_limited(void **state)
{
    (void)state;
    Buffer raw;
    buffer_open(&raw, 0);
    for (int i = 0; i < HTTP_PARAMETERS_MAX; i++)
        buffer_put_format(&raw, "%sp%d=%d", i == 0 ? "" : "&", i, i);
    buffer_put_u8(&raw, 0);
    check_query((const char *)raw.data, HTTP_PARAMETERS_MAX, "p63", "63");
    raw.size--;
    buffer_put_text(&raw, "&q");
    buffer_put_u8(&raw, 0);
    refuse_query((const char *)raw.data);
    buffer_close(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_decoded_or_refused),
        cmocka_unit_test(queries_are_decoded_or_refused),
        cmocka_unit_test(the_number_of_parameters_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
