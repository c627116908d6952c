#include <math.h>

#include "base/json.h"
#include "base/random.h"
#include "tests/unit/base/test.h"

enum { DEPTH = 20 };

static Status read_text(Arena *arena, Slice text, JsonValue **out, Error *error)
{
    return json_read(arena, text, DEPTH, out, error);
}

static void values_are_what_was_written(void **state)
{
    (void)state;
    static const char text[] = " { \"a\" : [ 1 , -2.5e3, true , false , null, \"x\\n\\u00e9\" ] ,"
                               " \"b\" : { } , \"c\":[], \"a\": \"again\" } \r\n\t";
    Arena arena;
    JsonValue *value;
    Error error;
    arena_open(&arena, 0);
    assert_ok(read_text(&arena, slice_of_text(text), &value, &error), &error);
    assert_int_equal(value->kind, JSON_OBJECT);
    assert_int_equal(value->count, 4);
    const JsonValue *array = &value->children[0];
    assert_slice(array->key, "a");
    assert_slice(array->raw, "[ 1 , -2.5e3, true , false , null, \"x\\n\\u00e9\" ]");
    assert_int_equal(array->count, 6);
    assert_true(array->children[0].is_integer && array->children[0].integer == 1);
    assert_false(array->children[1].is_integer);
    assert_true(json_number(&array->children[1]) == -2500);
    assert_slice(array->children[1].text, "-2.5e3");
    assert_true(array->children[2].boolean && !array->children[3].boolean);
    assert_int_equal(array->children[4].kind, JSON_NULL);
    assert_slice(array->children[5].text, "x\né");
    assert_slice(array->children[5].raw, "\"x\\n\\u00e9\"");
    assert_int_equal(value->children[1].kind, JSON_OBJECT);
    assert_int_equal(value->children[1].count, 0);
    assert_slice(json_member_text(value, "a", SLICE_EMPTY), "again"); /* the last one counts */
    assert_null(json_member(value, "none"));
    assert_null(json_member(NULL, "a"));
    assert_null(json_member(array, "a"));
    arena_close(&arena);
}

static void members_have_fallbacks(void **state)
{
    (void)state;
    Arena arena;
    JsonValue *value;
    Error error;
    arena_open(&arena, 0);
    assert_ok(
        read_text(&arena, SLICE("{\"i\":-7,\"f\":1.5,\"t\":\"x\",\"b\":true}"), &value, &error),
        &error);
    assert_int_equal(json_member_integer(value, "i", 1), -7);
    assert_int_equal(json_member_integer(value, "f", 1), 1);
    assert_int_equal(json_member_integer(value, "t", 1), 1);
    assert_true(json_member_boolean(value, "b", false));
    assert_true(json_member_boolean(value, "i", true));
    assert_slice(json_member_text(value, "i", SLICE("fallback")), "fallback");
    arena_close(&arena);
}

static void numbers_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_integer;
        int64_t integer;
        double number;
    } cases[] = {
        {"0", true, 0, 0},
        {"-0", true, 0, -0.0},
        {"9223372036854775807", true, INT64_MAX, 9223372036854775807.0},
        {"-9223372036854775808", true, INT64_MIN, -9223372036854775808.0},
        {"9223372036854775808", false, 0, 9223372036854775808.0},
        {"1.0", false, 0, 1},
        {"1e2", false, 0, 100},
        {"1E-2", false, 0, 0.01},
        {"0.1e+1", false, 0, 1},
        {"1e400", false, 0, INFINITY},
        {"100000000000000000000000000000000000000000000000000000000000000000000000000", false, 0,
         1e74},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Arena arena;
        JsonValue *value;
        Error error;
        arena_open(&arena, 0);
        assert_ok(read_text(&arena, slice_of_text(cases[i].text), &value, &error), &error);
        assert_int_equal(value->is_integer, cases[i].is_integer);
        if (value->is_integer)
            assert_true(value->integer == cases[i].integer);
        assert_true(json_number(value) == cases[i].number);
        arena_close(&arena);
    }
}

static void valid_documents_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "\"\"",
        "[]",
        "{}",
        " [ ] ",
        "[[],[[]]]",
        "{\"\":0}",
        "{\"a\":{\"b\":[{}]}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\ud83d\\ude00\"",
        "\"\x7f\"",
        "\"é€😀\"",
        "[1,2,3]",
        "123456789012345678901234567890",
        "[-0.0, 1.5E+10]",
        "\"\\u0001\"",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        Arena arena;
        JsonValue *value;
        Error error;
        arena_open(&arena, 0);
        assert_ok(read_text(&arena, slice_of_text(texts[i]), &value, &error), &error);
        assert_true(slice_equal(value->raw, slice_trim(slice_of_text(texts[i]))));
        arena_close(&arena);
    }
}

static const char *const invalid[] = {
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "NaN",
    "Infinity",
    "-",
    "+1",
    "01",
    "-01",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x1",
    "1 2",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{a:1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "[1}",
    "{\"a\":1]",
    "\"",
    "\"a",
    "\"\\",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\ud800\\u0041\"",
    "\"\\ud800x\"",
    "\"\\udc00\"",
    "\"\n\"",
    "\"\x01\"",
    "\"\xff\"",
    "\"\xc3\"",
    "\"\xed\xa0\x80\"",
    "// c\n1",
    "/**/1",
    "1,",
    "'a'",
    "[\"a\" \"b\"]",
    "\xef\xbb\xbf"
    "1",
    "[1]x",
    "{}{}",
    "\x0b"
    "1",
};

static void invalid_documents_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        Arena arena;
        JsonValue *value = NULL;
        Error error;
        arena_open(&arena, 0);
        Status status = read_text(&arena, slice_of_text(invalid[i]), &value, &error);
        if (status != STATUS_INVALID_JSON_TEXT)
            fail_msg("\"%s\" was taken (%s)", invalid[i], status_name(status));
        assert_null(value);
        assert_non_null(strstr(error.message, "at byte "));
        arena_close(&arena);
    }
}

/* Cut anywhere, in memory of exactly that size: an error, and no read behind the end. */
static void every_truncation_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "{\"key\\u00e9\":[1.5e-3,-7,\"a\\ud83d\\ude00\\n\",true,null,{\"x\":[[]]}],\"b\":false}";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        uint8_t *bytes = malloc(size == 0 ? 1 : size);
        assert_non_null(bytes);
        memcpy(bytes, text, size);
        Arena arena;
        JsonValue *value;
        Error error;
        arena_open(&arena, 0);
        assert_status(read_text(&arena, slice_of(bytes, size), &value, &error),
                      STATUS_INVALID_JSON_TEXT);
        arena_close(&arena);
        free(bytes);
    }
}

static Status read_nested(size_t depth, const char *opening, const char *closing,
                          uint32_t depth_max, Error *error)
{
    Buffer text;
    Arena arena;
    JsonValue *value;
    buffer_open(&text, 0);
    arena_open(&arena, 0);
    for (size_t i = 0; i < depth; i++)
        buffer_put_text(&text, opening);
    buffer_put_text(&text, "1");
    for (size_t i = 0; i < depth; i++)
        buffer_put_text(&text, closing);
    Status status = json_read(&arena, buffer_slice(&text), depth_max, &value, error);
    if (status == OK) {
        for (size_t i = 0; i < depth; i++)
            value = value->children;
        assert_int_equal(value->integer, 1);
    }
    arena_close(&arena);
    buffer_close(&text);
    return status;
}

/* Deep nesting costs no stack: parse trees of long expressions are like that. */
static void depth_is_limited_by_the_caller_alone(void **state)
{
    (void)state;
    Error error;
    assert_ok(read_nested(DEPTH, "[", "]", DEPTH, &error), &error);
    assert_status(read_nested(DEPTH + 1, "[", "]", DEPTH, &error), STATUS_STATEMENT_TOO_COMPLEX);
    assert_ok(read_nested(DEPTH, "{\"a\":", "}", DEPTH, &error), &error);
    assert_status(read_nested(DEPTH + 1, "{\"a\":", "}", DEPTH, &error),
                  STATUS_STATEMENT_TOO_COMPLEX);
    assert_ok(read_nested(300000, "[", "]", 300000, &error), &error);
    assert_status(read_nested(300000, "[{\"k\":", "}]", 1000, &error),
                  STATUS_STATEMENT_TOO_COMPLEX);
    assert_status(read_nested(1, "[", "]", 0, &error), STATUS_STATEMENT_TOO_COMPLEX);
    assert_ok(read_nested(0, "", "", 0, &error), &error);
}

/* A document that would need more memory than the arena may have is refused, however it is made. */
static void memory_is_limited_by_the_arena(void **state)
{
    (void)state;
    Buffer text;
    Error error;
    JsonValue *value;
    buffer_open(&text, 0);
    buffer_put_u8(&text, '[');
    for (int i = 0; i < 100000; i++)
        buffer_put_text(&text, "0,");
    buffer_put_text(&text, "0]");
    Arena arena;
    arena_open(&arena, 1 << 20);
    assert_status(read_text(&arena, buffer_slice(&text), &value, &error),
                  STATUS_PROGRAM_LIMIT_EXCEEDED);
    arena_close(&arena);
    buffer_close(&text);
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1,2,{\"b\":\"x\\ny\"}],\"c\":\"\\u00e9\"}";
    Status status = STATUS_OUT_OF_MEMORY;
    for (int64_t n = 1; status != OK; n++) {
        Arena arena;
        JsonValue *value = NULL;
        Error error;
        arena_open(&arena, 0);
        memory_fail_at(n, 1);
        status = read_text(&arena, slice_of_text(text), &value, &error);
        memory_fail_at(0, 0);
        assert_true(status == OK || (status == STATUS_OUT_OF_MEMORY && value == NULL));
        assert_true(n < 50);
        arena_close(&arena);
    }
}

/* Random documents, written and read again: the same text comes out. */
static void write_random(Random *random, JsonWriter *writer, int depth)
{
    uint8_t bytes[12];
    switch (random_below(random, depth == 0 ? 5 : 7)) {
    case 0:
        json_null(writer);
        return;
    case 1:
        json_boolean(writer, random_chance(random, 1, 2));
        return;
    case 2:
        json_integer(writer, (int64_t)random_u64(random) >> random_below(random, 64));
        return;
    case 3:
        json_double(writer, (double)random_u64(random) / 1e6);
        return;
    case 4:
        random_bytes(random, bytes, sizeof bytes);
        json_slice(writer, slice_of(bytes, random_below(random, sizeof bytes)));
        return;
    case 5:
        json_open_array(writer);
        for (uint64_t i = random_below(random, 5); i > 0; i--)
            write_random(random, writer, depth - 1);
        json_close_array(writer);
        return;
    default:
        json_open_object(writer);
        for (uint64_t i = random_below(random, 5); i > 0; i--) {
            json_key_slice(writer, slice_of(&i, 3));
            write_random(random, writer, depth - 1);
        }
        json_close_object(writer);
    }
}

static void rewrite(JsonWriter *writer, const JsonValue *value)
{
    if (value->kind == JSON_STRING)
        json_slice(writer, value->text);
    else if (value->kind == JSON_ARRAY)
        json_open_array(writer);
    else if (value->kind == JSON_OBJECT)
        json_open_object(writer);
    else
        json_raw(writer, value->raw);
    for (uint32_t i = 0; i < value->count; i++) {
        if (value->kind == JSON_OBJECT)
            json_key_slice(writer, value->children[i].key);
        rewrite(writer, &value->children[i]);
    }
    if (value->kind == JSON_ARRAY)
        json_close_array(writer);
    else if (value->kind == JSON_OBJECT)
        json_close_object(writer);
}

static void documents_come_back(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    Buffer first;
    Buffer second;
    buffer_open(&first, 0);
    buffer_open(&second, 0);
    for (int i = 0; i < 3000; i++) {
        Arena arena;
        JsonWriter writer;
        JsonValue *value;
        Error error;
        buffer_clear(&first);
        buffer_clear(&second);
        json_begin(&writer, &first);
        write_random(&random, &writer, 6);
        arena_open(&arena, 0);
        assert_ok(read_text(&arena, buffer_slice(&first), &value, &error), &error);
        json_begin(&writer, &second);
        rewrite(&writer, value);
        assert_true(slice_equal(buffer_slice(&first), buffer_slice(&second)));
        arena_close(&arena);
    }
    buffer_close(&first);
    buffer_close(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_what_was_written),
        cmocka_unit_test(members_have_fallbacks),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(valid_documents_are_read),
        cmocka_unit_test(invalid_documents_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(depth_is_limited_by_the_caller_alone),
        cmocka_unit_test(memory_is_limited_by_the_arena),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(documents_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
