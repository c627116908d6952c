/* The text and JSON forms: every value reads back as itself, and JSON looks as clients expect. */
#include "base/json.h"
#include "tests/unit/types/random_value.h"

static void round_trip(Random *random, Arena *arena, Type type, bool as_json)
{
    Error error;
    Buffer text;
    Value value = random_value(random, arena, type);
    Value copy;
    buffer_open(&text, 0);
    if (as_json)
        value_put_json(&text, type, &value, JSON_BIGINT_AS_STRING);
    else
        value_put_text(&text, type, &value);
    Status status = as_json ? value_from_json(arena, type, buffer_slice(&text), &copy, &error)
                            : value_from_text(arena, type, buffer_slice(&text), &copy, &error);
    bool same = status == OK && value_is_same(&value, &copy) && copy.kind == value.kind;
    if (!same) {
        char name[TYPE_NAME_BYTES_MAX];
        type_name(type, name);
        fail_msg("%s %.*s: %s", name, SLICE_ARGUMENTS(buffer_slice(&text)),
                 status == OK ? "another value" : error.message);
    }
    buffer_close(&text);
}

/* Dates beyond the calendar's end are no dates, though a column could hold their number. */
static bool is_in_range(const Value *value)
{
    int64_t n = value->as.integer;
    if (value->kind == TYPE_DATE)
        return (n >= DATE_DAYS_MIN && n <= DATE_DAYS_MAX) || n == DATE_INFINITY ||
               n == DATE_MINUS_INFINITY;
    if (value->kind == TYPE_TIMESTAMP || value->kind == TYPE_TIMESTAMPTZ)
        return n >= TIMESTAMP_MICROS_MIN || n == TIMESTAMP_MINUS_INFINITY;
    return true;
}

static void test_round_trips(void **state)
{
    (void)state;
    Random random = random_from_environment();
    for (int round = 0; round < 30000; round++) {
        Arena arena;
        arena_open(&arena, 0);
        Type type = random_type(&random, false);
        Random again = random;
        Value peek = random_value(&again, &arena, type);
        if (is_in_range(&peek))
            round_trip(&random, &arena, type, round % 2 == 0);
        else
            random = again;
        arena_close(&arena);
    }
}

static void test_intervals(void **state)
{
    (void)state;
    Random random = random_from_environment();
    for (int round = 0; round < 20000; round++) {
        Arena arena;
        arena_open(&arena, 0);
        Type type = TYPE(INTERVAL);
        Value value = random_value(&random, &arena, type);
        if (value.as.interval.micros == INT64_MIN)
            value.as.interval.micros++; /* its hours do not read back: PostgreSQL's neither */
        Buffer text;
        Value copy;
        Error error;
        buffer_open(&text, 0);
        value_put_text(&text, type, &value);
        assert_int_equal(value_from_text(&arena, type, buffer_slice(&text), &copy, &error), OK);
        assert_int_equal(copy.as.interval.months, value.as.interval.months);
        assert_int_equal(copy.as.interval.days, value.as.interval.days);
        assert_true(copy.as.interval.micros == value.as.interval.micros);
        buffer_close(&text);
        arena_close(&arena);
    }
}

static const struct {
    TypeKind kind;
    int32_t a;
    const char *text;
    const char *json;
} shown[] = {
    {TYPE_BOOLEAN, 0, "t", "true"},
    {TYPE_INTEGER, 0, "-5", "-5"},
    {TYPE_BIGINT, 0, "9007199254740992", "9007199254740992"},
    {TYPE_BIGINT, 0, "9007199254740993", "\"9007199254740993\""},
    {TYPE_BIGINT, 0, "-9223372036854775808", "\"-9223372036854775808\""},
    {TYPE_REAL, 0, "0.1", "0.1"},
    {TYPE_DOUBLE, 0, "1e20", "1e+20"},
    {TYPE_DOUBLE, 0, "NaN", "\"NaN\""},
    {TYPE_DOUBLE, 0, "-inf", "\"-Infinity\""},
    {TYPE_DECIMAL, 0, "1.50", "\"1.50\""},
    {TYPE_TEXT, 0, "a\"\\\n\x01\xc3\xa9", "\"a\\\"\\\\\\n\\u0001\xc3\xa9\""},
    {TYPE_CHAR, 4, "ab", "\"ab  \""},
    {TYPE_CHAR, 3, "\xc3\xa9", "\"\xc3\xa9  \""},
    {TYPE_BYTEA, 0, "\\x00ff10", "\"AP8Q\""},
    {TYPE_BYTEA, 0, "", "\"\""},
    {TYPE_DATE, 0, "2020-01-05", "\"2020-01-05\""},
    {TYPE_DATE, 0, "infinity", "\"infinity\""},
    {TYPE_TIME, 0, "10:00", "\"10:00:00\""},
    {TYPE_TIMESTAMP, 0, "2020-01-05 10:00:00.5", "\"2020-01-05T10:00:00.5\""},
    {TYPE_TIMESTAMPTZ, 0, "2020-01-05 10:00+02", "\"2020-01-05T08:00:00+00:00\""},
    {TYPE_TIMESTAMPTZ, 0, "0044-03-15 BC", "\"0044-03-15T00:00:00+00:00 BC\""},
    {TYPE_INTERVAL, 0, "1 day 2 hours", "\"1 day 02:00:00\""},
    {TYPE_UUID, 0, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
     "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
    {TYPE_JSON, 0, "{\"b\" :\n1}", "{\"b\" : 1}"},
    {TYPE_JSONB, 0, "{\"b\":1, \"a\":[1.50]}", "{\"a\": [1.50], \"b\": 1}"},
    {TYPE_VECTOR, 3, "[1, 2.5,-3e12]", "[1,2.5,-3e+12]"},
};

static void test_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        Type type = {.kind = (uint8_t)shown[i].kind, .a = shown[i].a};
        Arena arena;
        Buffer json;
        Value value;
        Error error;
        arena_open(&arena, 0);
        buffer_open(&json, 0);
        assert_int_equal(
            value_from_text(&arena, type, slice_of_text(shown[i].text), &value, &error), OK);
        value_put_json(&json, type, &value, JSON_BIGINT_AS_STRING);
        if (!slice_equal_text(buffer_slice(&json), shown[i].json))
            fail_msg("%s: %.*s", shown[i].json, SLICE_ARGUMENTS(buffer_slice(&json)));
        buffer_clear(&json);
        Value null = value_null(shown[i].kind);
        value_put_json(&json, type, &null, 0);
        assert_true(slice_equal_text(buffer_slice(&json), "null"));
        buffer_close(&json);
        arena_close(&arena);
    }
}

static const struct {
    TypeKind kind;
    TypeKind element;
    const char *json;
    const char *text; /* NULL: refused; "~": NULL */
} read[] = {
    {TYPE_INTEGER, 0, "5", "5"},
    {TYPE_INTEGER, 0, "5.0", "5"},
    {TYPE_INTEGER, 0, "1e3", "1000"},
    {TYPE_INTEGER, 0, "5.5", NULL},
    {TYPE_INTEGER, 0, "\"7\"", "7"},
    {TYPE_INTEGER, 0, "1e20", NULL},
    {TYPE_INTEGER, 0, "true", NULL},
    {TYPE_INTEGER, 0, "[1]", NULL},
    {TYPE_BIGINT, 0, "9223372036854775807", "9223372036854775807"},
    {TYPE_BIGINT, 0, "9223372036854775808", NULL},
    {TYPE_BOOLEAN, 0, "true", "t"},
    {TYPE_BOOLEAN, 0, "\"off\"", "f"},
    {TYPE_BOOLEAN, 0, "1", NULL},
    {TYPE_DECIMAL, 0, "1.50", "1.50"},
    {TYPE_DECIMAL, 0, "\"1.50\"", "1.50"},
    {TYPE_DOUBLE, 0, "\"NaN\"", "NaN"},
    {TYPE_TEXT, 0, "\"a\\n\\u00e9\"", "a\n\xc3\xa9"},
    {TYPE_TEXT, 0, "5", "5"},
    {TYPE_TEXT, 0, "true", "true"},
    {TYPE_TEXT, 0, "{\"a\": 1}", "{\"a\": 1}"},
    {TYPE_TEXT, 0, "null", "~"},
    {TYPE_BYTEA, 0, "\"AP8Q\"", "\\x00ff10"},
    {TYPE_BYTEA, 0, "\"\\\\x00ff\"", "\\x00ff"},
    {TYPE_BYTEA, 0, "\"###\"", NULL},
    {TYPE_TIMESTAMPTZ, 0, "\"2020-01-05T10:00:00Z\"", "2020-01-05 10:00:00+00"},
    {TYPE_TIMESTAMPTZ, 0, "5", NULL},
    {TYPE_TIMESTAMPTZ, 0, "\"now\"", NULL},
    {TYPE_JSONB, 0, "{\"b\": 1, \"a\": 2}", "{\"a\": 2, \"b\": 1}"},
    {TYPE_JSONB, 0, "\"{\\\"a\\\": 1}\"", "{\"a\": 1}"},
    {TYPE_JSONB, 0, "\"abc\"", NULL},
    {TYPE_JSON, 0, "[1,  2]", "[1,  2]"},
    {TYPE_VECTOR, 0, "[1, 2.5]", "[1,2.5]"},
    {TYPE_VECTOR, 0, "\"[1,2]\"", "[1,2]"},
    {TYPE_VECTOR, 0, "[1, \"x\"]", NULL},
    {TYPE_ARRAY, TYPE_INTEGER, "[1, null, \"3\"]", "{1,NULL,3}"},
    {TYPE_ARRAY, TYPE_TEXT, "\"{a,b}\"", "{a,b}"},
    {TYPE_ARRAY, TYPE_INTEGER, "[1, [2]]", NULL},
    {TYPE_INTEGER, 0, "[1", NULL},
};

static void test_from_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
        Type type = {.kind = (uint8_t)read[i].kind, .element = (uint8_t)read[i].element};
        Arena arena;
        Buffer text;
        Value value;
        Error error;
        arena_open(&arena, 0);
        buffer_open(&text, 0);
        Status status = value_from_json(&arena, type, slice_of_text(read[i].json), &value, &error);
        if ((status != OK) != (read[i].text == NULL))
            fail_msg("%s: %s", read[i].json, status == OK ? "was read" : error.message);
        if (status == OK && value.is_null)
            buffer_put_text(&text, "~");
        if (status == OK)
            value_put_text(&text, type, &value);
        if (status == OK && !slice_equal_text(buffer_slice(&text), read[i].text))
            fail_msg("%s: %.*s", read[i].json, SLICE_ARGUMENTS(buffer_slice(&text)));
        buffer_close(&text);
        arena_close(&arena);
    }
}

/* Texts that pgvector, not PostgreSQL itself, has the answers to. */
static const struct {
    int32_t dimension;
    const char *text;
    const char *outcome;
} vectors[] = {
    {0, "[1,2,3]", "[1,2,3]"},
    {3, " [ 1 , 2 , 3 ] ", "[1,2,3]"},
    {0, "[1e-3,-0.5,.5]", "[0.001,-0.5,0.5]"},
    {2, "[1,2,3]", "22000"},
    {0, "[]", "22000"},
    {0, "[1,]", "22P02"},
    {0, "1,2", "22P02"},
    {0, "[1,2", "22P02"},
    {0, "[1,2]x", "22P02"},
    {0, "[NaN]", "22000"},
    {0, "[1e40]", "22003"},
    {0, "[a]", "22P02"},
    {0, "", "22P02"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        Type type = {.kind = TYPE_VECTOR, .a = vectors[i].dimension};
        Arena arena;
        Buffer text;
        Value value;
        Error error;
        arena_open(&arena, 0);
        buffer_open(&text, 0);
        Status status =
            value_from_text(&arena, type, slice_of_text(vectors[i].text), &value, &error);
        if (status == OK)
            value_put_text(&text, type, &value);
        else
            buffer_put_text(&text, status_sqlstate(status));
        if (!slice_equal_text(buffer_slice(&text), vectors[i].outcome))
            fail_msg("%s: %.*s", vectors[i].text, SLICE_ARGUMENTS(buffer_slice(&text)));
        buffer_close(&text);
        arena_close(&arena);
    }
}

static void test_deep_json(void **state)
{
    (void)state;
    static char text[4000];
    Arena arena;
    Value value;
    Error error;
    arena_open(&arena, 0);
    memset(text, '[', 1000);
    memset(text + 1000, ']', 1000);
    assert_int_equal(value_from_text(&arena, TYPE(JSONB), slice_of(text, 2000), &value, &error),
                     OK);
    assert_int_equal(value.as.bytes.size, 2000);
    memset(text, '[', 1001);
    memset(text + 1001, ']', 1001);
    assert_int_equal(value_from_text(&arena, TYPE(JSONB), slice_of(text, 2002), &value, &error),
                     STATUS_STATEMENT_TOO_COMPLEX);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_json),        cmocka_unit_test(test_from_json),
        cmocka_unit_test(test_vectors),     cmocka_unit_test(test_deep_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
