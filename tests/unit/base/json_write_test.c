#include <math.h>

#include "base/json.h"
#include "tests/unit/base/test.h"

static void writes_a_document(void **state)
{
    (void)state;
    Buffer out;
    JsonWriter writer;
    buffer_open(&out, 0);
    json_begin(&writer, &out);
    json_open_object(&writer);
    json_key(&writer, "a");
    json_integer(&writer, INT64_MIN);
    json_key_slice(&writer, SLICE("b"));
    json_open_array(&writer);
    json_null(&writer);
    json_boolean(&writer, true);
    json_boolean(&writer, false);
    json_unsigned(&writer, UINT64_MAX);
    json_double(&writer, 1.5);
    json_double(&writer, NAN);
    json_double(&writer, -INFINITY);
    json_open_object(&writer);
    json_close_object(&writer);
    json_raw(&writer, SLICE("[1]"));
    json_before_raw(&writer);
    buffer_put_text(&out, "2");
    json_close_array(&writer);
    json_key(&writer, "c");
    json_text(&writer, "x");
    json_close_object(&writer);
    assert_slice(buffer_slice(&out),
                 "{\"a\":-9223372036854775808,\"b\":[null,true,false,18446744073709551615,1.5,"
                 "\"NaN\",\"-Infinity\",{},[1],2],\"c\":\"x\"}");
    buffer_close(&out);
}

static void check_string(Slice text, const char *wanted)
{
    Buffer out;
    buffer_open(&out, 0);
    json_put_string(&out, text);
    assert_slice(buffer_slice(&out), wanted);
    buffer_close(&out);
}

static void escapes_strings(void **state)
{
    (void)state;
    check_string(SLICE_EMPTY, "\"\"");
    check_string(SLICE("plain"), "\"plain\"");
    check_string(SLICE("\"\\/"), "\"\\\"\\\\/\"");
    check_string(SLICE("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
    check_string(SLICE("\x01\x1f\x7f"), "\"\\u0001\\u001f\x7f\"");
    check_string(slice_of("a\0b", 3), "\"a\xef\xbf\xbd"
                                      "b\"");
    check_string(SLICE("é€😀"), "\"é€😀\"");
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
    check_string(SLICE("a\xff"
                       "b"),
                 "\"a\xef\xbf\xbd"
                 "b\"");
    check_string(SLICE("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* cut short */
    check_string(SLICE("\xc0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");                 /* overlong */
    check_string(SLICE("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""); /* surrogate */
}

/* Every single byte and every pair of them comes back from our own reader. */
static void our_reader_reads_every_string(void **state)
{
    (void)state;
    Arena arena;
    Error error;
    Buffer out;
    arena_open(&arena, 0);
    buffer_open(&out, 0);
    for (unsigned pair = 0; pair < 65536; pair++) {
        uint8_t bytes[2] = {(uint8_t)pair, (uint8_t)(pair >> 8)};
        Slice text = slice_of(bytes, 2);
        if (!slice_is_utf8_text(text))
            continue;
        JsonValue *value;
        buffer_clear(&out);
        json_put_string(&out, text);
        assert_ok(json_read(&arena, buffer_slice(&out), 1, &value, &error), &error);
        assert_true(slice_equal(value->text, text));
        arena_reset(&arena);
    }
    buffer_close(&out);
    arena_close(&arena);
}

static void a_full_buffer_is_reported_once_at_the_end(void **state)
{
    (void)state;
    Buffer out;
    JsonWriter writer;
    Error error;
    buffer_open(&out, 8);
    json_begin(&writer, &out);
    json_open_array(&writer);
    for (int i = 0; i < 100; i++)
        json_text(&writer, "abcdef");
    json_close_array(&writer);
    assert_status(buffer_status(&out, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
    assert_true(out.size <= 8);
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_a_document),
        cmocka_unit_test(escapes_strings),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(our_reader_reads_every_string),
        cmocka_unit_test(a_full_buffer_is_reported_once_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
