/* What clients ask for in JSON. */
#include "api/request.h"

#include "tests/unit/base/test.h"

static const SqlRequestLimits limits = {.params_max = 3, .param_bytes_max = 10};

static Status read_text(Arena *arena, const char *text, SqlRequest *out, Error *error)
{
    arena_reset(arena);
    return sql_request_read(arena, slice_of_text(text), &limits, out, error);
}

static void a_request_is_read(void **state)
{
    (void)state;
    Arena arena;
    SqlRequest request;
    Error error;
    arena_open(&arena, 0);
    assert_ok(read_text(&arena,
                        "{\"sql\":\"SELECT $1\",\"params\":[7,\"x\",null],"
                        "\"namespace\":\"chat\",\"bigint\":\"string\"}",
                        &request, &error),
              &error);
    assert_slice(request.sql, "SELECT $1");
    assert_int_equal(request.params->count, 3);
    assert_slice(request.params->children[1].raw, "\"x\"");
    assert_slice(request.namespace_name, "chat");
    assert_int_equal(request.json_flags, JSON_BIGINT_AS_STRING);
    assert_ok(read_text(&arena, "{\"sql\":\"x\",\"params\":null,\"bigint\":\"number\"}", &request,
                        &error),
              &error);
    assert_null(request.params);
    assert_null(request.namespace_name.data);
    assert_int_equal(request.json_flags, 0);
    arena_close(&arena);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        Status status;
        const char *message; /* a part of it */
        const char *hint;
    } cases[] = {
        {"", STATUS_INVALID_JSON_TEXT, "the body is empty", ""},
        {"{", STATUS_INVALID_JSON_TEXT, "invalid JSON at byte 1", ""},
        {"[]", STATUS_INVALID_PARAMETER_VALUE, "a JSON object is expected", ""},
        {"{}", STATUS_INVALID_PARAMETER_VALUE, "\"sql\" is missing", ""},
        {"{\"sql\":\" \"}", STATUS_INVALID_PARAMETER_VALUE, "\"sql\" is missing", ""},
        {"{\"sql\":1}", STATUS_INVALID_PARAMETER_VALUE, "\"sql\" must be a text", ""},
        {"{\"sql\":\"x\",\"parms\":[]}", STATUS_INVALID_PARAMETER_VALUE, "unknown field \"parms\"",
         "Did you mean \"params\"?"},
        {"{\"sql\":\"x\",\"params\":{}}", STATUS_INVALID_PARAMETER_VALUE, "must be an array", ""},
        {"{\"sql\":\"x\",\"params\":[1,2,3,4]}", STATUS_TOO_MANY_ARGUMENTS, "4 parameters", ""},
        {"{\"sql\":\"x\",\"params\":[1,\"1234567890\"]}", STATUS_PROGRAM_LIMIT_EXCEEDED,
         "parameter $2 is longer", ""},
        {"{\"sql\":\"x\",\"bigint\":\"text\"}", STATUS_INVALID_PARAMETER_VALUE, "\"bigint\"", ""},
        {"{\"sql\":\"x\",\"namespace\":\"a23456789012345678901234567890123\"}",
         STATUS_INVALID_SCHEMA_NAME, "does not exist", ""},
    };
    Arena arena;
    SqlRequest request;
    arena_open(&arena, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Error error;
        assert_status(cases[i].status, read_text(&arena, cases[i].text, &request, &error));
        if (strstr(error.message, cases[i].message) == NULL)
            fail_msg("%s: \"%s\"", cases[i].text, error.message);
        assert_string_equal(error.hint, cases[i].hint);
    }
    arena_close(&arena);
}

/* Deeper than any request has a reason to be: refused by the limit, not by the stack. */
static void deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    Arena arena;
    SqlRequest request;
    Buffer text;
    Error error;
    arena_open(&arena, 0);
    buffer_open(&text, 0);
    buffer_put_text(&text, "{\"sql\":\"x\",\"params\":");
    for (int i = 0; i < DEPTH; i++)
        buffer_put_u8(&text, '[');
    assert_status(STATUS_STATEMENT_TOO_COMPLEX,
                  sql_request_read(&arena, buffer_slice(&text), &limits, &request, &error));
    buffer_close(&text);
    arena_close(&arena);
}

static Status read_options(Arena *arena, const char *text, SubscribeOptions *out, Error *error)
{
    JsonValue *value;
    arena_reset(arena);
    TRY(json_read(arena, slice_of_text(text), 10, &value, error));
    return subscribe_options_read(arena, value, out, error);
}

static void options_of_subscriptions_are_read(void **state)
{
    (void)state;
    Arena arena;
    SubscribeOptions options;
    Error error;
    arena_open(&arena, 0);
    assert_ok(read_options(&arena, "{}", &options, &error), &error);
    assert_int_equal(options.last_rows, -1);
    assert_int_equal(options.from_time_us, -1);
    assert_false(options.pull);
    assert_ok(read_options(&arena,
                           "{\"options\":{\"last_rows\":5,\"batch_size\":\"7\",\"from_seq\":0,"
                           "\"until_seq\":9,\"from_time\":\"1970-01-01T00:00:01Z\",\"pull\":true}}",
                           &options, &error),
              &error);
    assert_int_equal(options.last_rows, 5);
    assert_int_equal(options.batch_size, 7);
    assert_int_equal(options.from_seq, 0);
    assert_int_equal(options.until_seq, 9);
    assert_int_equal(options.from_time_us, 1000000);
    assert_int_equal(options.until_time_us, -1);
    assert_true(options.pull);
    assert_status(STATUS_INVALID_PARAMETER_VALUE,
                  read_options(&arena, "{\"options\":{\"last_rows\":-1}}", &options, &error));
    assert_status(STATUS_INVALID_PARAMETER_VALUE,
                  read_options(&arena, "{\"options\":{\"last_rows\":1.5}}", &options, &error));
    assert_status(STATUS_INVALID_PARAMETER_VALUE,
                  read_options(&arena, "{\"options\":{\"last_row\":1}}", &options, &error));
    assert_string_equal(error.hint, "Did you mean \"last_rows\"?");
    assert_status(STATUS_INVALID_DATETIME_FORMAT,
                  read_options(&arena, "{\"options\":{\"from_time\":\"soon\"}}", &options, &error));
    assert_non_null(strstr(error.message, "from_time"));
    assert_status(STATUS_INVALID_PARAMETER_VALUE,
                  read_options(&arena, "{\"options\":{\"pull\":1}}", &options, &error));
    arena_close(&arena);
}

static void every_failed_allocation_is_an_error(void **state)
{
    (void)state;
    SqlRequest request;
    Status status = STATUS_OUT_OF_MEMORY;
    for (int64_t n = 1; status == STATUS_OUT_OF_MEMORY; n++) {
        Arena arena;
        Error error;
        arena_open(&arena, 0);
        memory_fail_at(n, 1);
        status = sql_request_read(&arena, SLICE("{\"sql\":\"a\\nb\",\"params\":[1]}"), &limits,
                                  &request, &error);
        memory_fail_at(0, 0);
        arena_close(&arena);
        assert_true(n < 100);
    }
    assert_status(OK, status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(options_of_subscriptions_are_read),
        cmocka_unit_test(every_failed_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
