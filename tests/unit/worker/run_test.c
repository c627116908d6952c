/* Statements: parameters, results in both formats, errors, held results, ends. */
#include <math.h>

#include "tests/unit/worker/harness.h"

static const WorkerRequest plain = {.reference_count = 0};

/* ---- results ---- */

static void results_are_what_was_asked_for(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 1);
    const Type d10 = {.kind = TYPE_DECIMAL, .a = 10, .b = 2};
    const Type d38 = {.kind = TYPE_DECIMAL, .a = 38, .b = 0};
    const Type v2 = {.kind = TYPE_VECTOR, .a = 2};
    assert_string_equal("[1]", RUN_JSON(&harness, plain, "SELECT 1::TINYINT", TYPE(SMALLINT)));
    assert_string_equal("[255]", RUN_JSON(&harness, plain, "SELECT 255::UTINYINT", TYPE(INTEGER)));
    assert_string_equal("[7]", RUN_JSON(&harness, plain, "SELECT 7::HUGEINT", TYPE(BIGINT)));
    assert_string_equal(
        "[-9223372036854775808]",
        RUN_JSON(&harness, plain, "SELECT -9223372036854775808::HUGEINT", TYPE(BIGINT)));
    assert_string_equal(
        "22003 bigint out of range",
        RUN_JSON(&harness, plain, "SELECT 9223372036854775808::HUGEINT", TYPE(BIGINT)));
    assert_string_equal("22003 integer out of range",
                        RUN_JSON(&harness, plain, "SELECT 3000000000", TYPE(INTEGER)));
    assert_string_equal("22003 smallint out of range",
                        RUN_JSON(&harness, plain, "SELECT 40000::UBIGINT", TYPE(SMALLINT)));
    assert_string_equal("[\"18446744073709551615\"]",
                        RUN_JSON(&harness, plain, "SELECT 18446744073709551615::UBIGINT", d38));
    assert_string_equal("[\"12\"]", RUN_JSON(&harness, plain, "SELECT 12::HUGEINT", d38));
    assert_string_equal("[\"1.50\"]", RUN_JSON(&harness, plain, "SELECT 1.5::DECIMAL(4,1)", d10));
    assert_string_equal("[\"1.50\"]", RUN_JSON(&harness, plain, "SELECT '1.5'", d10));
    assert_string_equal("[\"2.00\"]", RUN_JSON(&harness, plain, "SELECT 2", d10));
    assert_string_equal("[1.5]", RUN_JSON(&harness, plain, "SELECT 1.5::FLOAT", TYPE(DOUBLE)));
    assert_string_equal("[\"x\"]",
                        RUN_JSON(&harness, plain, "SELECT 'x'::ENUM('y','x')", TYPE(TEXT)));
    assert_string_equal("[\"1 year 2 mons -3 days +04:05:06\"]",
                        RUN_JSON(&harness, plain,
                                 "SELECT INTERVAL '1 year 2 months -3 days 4 hours 5 minutes 6 s'",
                                 TYPE(INTERVAL)));
    assert_string_equal("[[1,null,3],[\"a\"],[1.5,2]]",
                        RUN_JSON(&harness, plain, "SELECT [1,NULL,3], ['a'], [1.5,2]::FLOAT[2]",
                                 TYPE_ARRAY_OF(INTEGER), TYPE_ARRAY_OF(TEXT), v2));
    assert_string_equal("[[1,2]]", RUN_JSON(&harness, plain, "SELECT [1,2]::FLOAT[]", v2));
    assert_string_equal("22000 expected 2 dimensions, not 3",
                        RUN_JSON(&harness, plain, "SELECT [1,2,3]::FLOAT[]", v2));
    assert_string_equal("[{\"a\": 1},null,null]",
                        RUN_JSON(&harness, plain, "SELECT '{\"a\": 1}'::JSON, NULL, NULL::INTEGER",
                                 TYPE(JSON), TYPE(TEXT), TYPE(INTEGER)));
    assert_string_equal("[\"2020-01-01T00:00:00\",\"2020-01-01T00:00:00.000001\"]",
                        RUN_JSON(&harness, plain,
                                 "SELECT TIMESTAMP_S '2020-01-01', TIMESTAMP_NS '2020-01-01 "
                                 "00:00:00.000001'",
                                 TYPE(TIMESTAMP), TYPE(TIMESTAMP)));
    assert_string_equal("0A000 the engine's result cannot be sent as text",
                        RUN_JSON(&harness, plain, "SELECT {'a': 1}", TYPE(TEXT)));
    assert_string_equal("XX000 the statement has 2 columns, not 1",
                        RUN_JSON(&harness, plain, "SELECT 1, 2", TYPE(INTEGER)));
    harness_close(&harness);
}

static void big_integers_as_strings_on_request(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 1);
    WorkerRequest request = {.json_flags = JSON_BIGINT_AS_STRING};
    assert_string_equal("[\"9007199254740993\"]",
                        RUN_JSON(&harness, request, "SELECT 9007199254740993", TYPE(BIGINT)));
    harness_close(&harness);
}

/* Rows as the server takes them apart. */
static void packed_rows_are_rows_of_the_types(void **state)
{
    (void)state;
    enum { ROWS = 100000 };
    Harness harness;
    harness_open(&harness, 2);
    const Type types[] = {TYPE(BIGINT), TYPE(BIGINT), TYPE(TEXT), TYPE(DOUBLE)};
    WorkerRequest request = {.sql = SLICE("SELECT range, range * 2, CASE WHEN range % 3 = 0 THEN "
                                          "NULL ELSE 'row ' || range END, range / 2 FROM "
                                          "range(100000)"),
                             .format = FORMAT_ROWS,
                             .threads = 2,
                             .result_types = types,
                             .result_count = 4,
                             .lead_count = 1};
    Buffer out;
    Arena arena;
    Error error;
    RowLayout layout;
    buffer_open(&out, 0);
    arena_open(&arena, 0);
    assert_int_equal(OK, row_layout_open(&arena, types + 1, 3, &layout, &error));
    assert_int_equal(OK, harness_run(&harness, &request, &out));
    assert_int_equal(ROWS, harness.rows);
    assert_true(harness.slots > SLOT_COUNT);
    size_t at = 0;
    for (int64_t i = 0; i < ROWS; i++) {
        uint32_t header[2];
        int64_t lead;
        memcpy(header, out.data + at, sizeof header);
        memcpy(&lead, out.data + at + 8, sizeof lead);
        assert_int_equal(1, header[1]);
        assert_int_equal(i, lead);
        Slice row = slice_of(out.data + at + 16, header[0]);
        assert_true(row_check(&layout, row));
        Value value;
        row_get(&layout, row, 0, &value);
        assert_int_equal(i * 2, value.as.integer);
        row_get(&layout, row, 1, &value);
        assert_int_equal(i % 3 == 0, value.is_null);
        at += (16 + header[0] + 7) & ~(size_t)7;
    }
    assert_int_equal(out.size, at);
    arena_close(&arena);
    buffer_close(&out);
    harness_close(&harness);
}

static void rows_max_and_stop_end_a_statement_early(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 2);
    WorkerRequest request = {.rows_max = 3};
    assert_string_equal("[0],[1],[2]", RUN_JSON(&harness, request,
                                                "SELECT * FROM range(100000000000)", TYPE(BIGINT)));
    harness.stop_after_slots = 2;
    Type type = TYPE(BIGINT);
    request = (WorkerRequest){.sql = SLICE("SELECT * FROM range(100000000000)"),
                              .format = FORMAT_JSON,
                              .threads = 2,
                              .result_types = &type,
                              .result_count = 1};
    Buffer out;
    buffer_open(&out, 0);
    assert_int_equal(OK, harness_run(&harness, &request, &out));
    assert_true(harness.slots >= 2 && harness.slots < 2 + 2 * SLOT_COUNT);
    harness.stop_after_slots = -1;
    assert_string_equal("[5]", RUN_JSON(&harness, plain, "SELECT 5", TYPE(BIGINT)));
    buffer_close(&out);
    harness_close(&harness);
}

/* ---- parameters ---- */

static void parameters_of_every_kind(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 1);
    const float floats[] = {1, 2.5f};
    const Value items[] = {value_text(SLICE("a")), value_null(TYPE_TEXT)};
    const ArrayValue array = {2, items};
    const ArrayValue empty = {0, NULL};
    Value uuid = {.kind = TYPE_UUID};
    for (int i = 0; i < 16; i++)
        uuid.as.uuid[i] = (uint8_t)(0xf0 + i);
    const Value values[] = {
        value_boolean(true),
        value_integer(TYPE_SMALLINT, -3),
        value_integer(TYPE_INTEGER, 4),
        value_integer(TYPE_BIGINT, INT64_MIN),
        (Value){.kind = TYPE_REAL, .as.real = 1.5},
        value_double(-INFINITY),
        value_decimal(-12345, 7),
        value_text(SLICE("it's \"text\"")),
        value_bytes(TYPE_BYTEA, SLICE("\x00\x01")),
        value_integer(TYPE_DATE, 1),
        value_integer(TYPE_TIME, 1000000),
        value_integer(TYPE_TIMESTAMP, 5),
        value_integer(TYPE_TIMESTAMPTZ, 6),
        (Value){.kind = TYPE_INTERVAL, .as.interval = {1, 2, 3000000}},
        uuid,
        (Value){.kind = TYPE_VECTOR, .as.vector = {floats, 2}},
        (Value){.kind = TYPE_ARRAY, .as.array = &array},
        value_null(TYPE_INTEGER),
        (Value){.kind = TYPE_ARRAY, .as.array = &empty},
    };
    const Type d38 = {.kind = TYPE_DECIMAL, .a = 38, .b = 7};
    const Type v2 = {.kind = TYPE_VECTOR, .a = 2};
    WorkerRequest request = {.parameters = values, .parameter_count = 19};
    assert_string_equal(
        "[true,-3,4,-9223372036854775808,1.5,\"-Infinity\",\"-0.0012345\",\"it's "
        "\\\"text\\\"\",\"AAE=\",\"1970-01-02\",\"00:00:01\",\"1970-01-01T00:00:00.000005\","
        "\"1970-01-01T00:00:00.000006+00:00\",\"1 mon 2 days 00:00:03\","
        "\"f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff\",[1,2.5],[\"a\",null],null,[]]",
        RUN_JSON(
            &harness, request,
            "SELECT $1::BOOLEAN, $2::SMALLINT, $3::INTEGER, $4::BIGINT, $5::FLOAT, $6::DOUBLE, "
            "$7::DECIMAL(38,7), $8::VARCHAR, $9::BLOB, $10::DATE, $11::TIME, $12::TIMESTAMP, "
            "$13::TIMESTAMPTZ, $14::INTERVAL, $15::UUID, $16::FLOAT[2], $17::VARCHAR[], "
            "$18::INTEGER, $19::INTEGER[]",
            TYPE(BOOLEAN), TYPE(SMALLINT), TYPE(INTEGER), TYPE(BIGINT), TYPE(REAL), TYPE(DOUBLE),
            d38, TYPE(TEXT), TYPE(BYTEA), TYPE(DATE), TYPE(TIME), TYPE(TIMESTAMP),
            TYPE(TIMESTAMPTZ), TYPE(INTERVAL), TYPE(UUID), v2, TYPE_ARRAY_OF(TEXT), TYPE(INTEGER),
            TYPE_ARRAY_OF(INTEGER)));
    request = (WorkerRequest){.parameter_count = 1};
    request.parameters = values;
    assert_string_equal("42P02 there is no parameter $1",
                        RUN_JSON(&harness, request, "SELECT 1", TYPE(INTEGER)));
    harness_close(&harness);
}

/* ---- errors ---- */

static void errors_have_their_state_and_no_paths(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 2);
    assert_string_equal("22P02 invalid input syntax for type integer: \"bad\"",
                        RUN_JSON(&harness, plain, "SELECT 'bad'::INTEGER", TYPE(INTEGER)));
    assert_string_equal("22P02 invalid input syntax for type integer: \"9x\"",
                        RUN_JSON(&harness, plain,
                                 "SELECT (range || 'x')::INTEGER FROM range(9, 10)",
                                 TYPE(INTEGER)));
    assert_string_equal("22012 division by zero",
                        RUN_JSON(&harness, plain,
                                 "SELECT CASE WHEN range = 5000 THEN error('PG22012 division by "
                                 "zero') END FROM range(10000)",
                                 TYPE(INTEGER)));
    assert_string_equal("42601 syntax error at or near \"x\"",
                        RUN_JSON(&harness, plain, "SELECT 1 FORM x FORM", TYPE(INTEGER)));
    char sql[200];
    (void)snprintf(sql, sizeof sql, "SELECT * FROM read_parquet('%s/none.parquet')",
                   harness.folder);
    assert_string_equal("58030 could not read or write a data file",
                        RUN_JSON(&harness, plain, sql, TYPE(INTEGER)));
    assert_non_null(strstr(harness.error.internal, harness.folder)); /* for the log */
    (void)snprintf(sql, sizeof sql, "SELECT '%s/secret.parquet'::INTEGER", harness.folder);
    assert_string_equal("22P02 invalid input syntax for type integer: \"...\"",
                        RUN_JSON(&harness, plain, sql, TYPE(INTEGER)));
    assert_string_equal(
        "42501 permission denied",
        RUN_JSON(&harness, plain, "SELECT * FROM read_text('/etc/passwd')", TYPE(TEXT)));
    assert_string_equal("[1]", RUN_JSON(&harness, plain, "SELECT 1", TYPE(INTEGER)));
    harness_close(&harness);
}

static void settings_are_postgres_meaning(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 2);
    assert_string_equal("[2],[1],[null]",
                        RUN_JSON(&harness, plain,
                                 "SELECT * FROM (VALUES (1), (NULL), (2)) t(x) ORDER BY x DESC "
                                 "NULLS LAST",
                                 TYPE(INTEGER)));
    assert_string_equal("[null],[2],[1]",
                        RUN_JSON(&harness, plain,
                                 "SELECT * FROM (VALUES (1), (NULL), (2)) t(x) ORDER BY x DESC",
                                 TYPE(INTEGER)));
    assert_string_equal("[1],[2],[null]",
                        RUN_JSON(&harness, plain,
                                 "SELECT * FROM (VALUES (1), (NULL), (2)) t(x) ORDER BY x",
                                 TYPE(INTEGER)));
    assert_string_equal("[\"UTC\",false]", RUN_JSON(&harness, plain,
                                                    "SELECT current_setting('TimeZone'), "
                                                    "current_setting('enable_external_access')",
                                                    TYPE(TEXT), TYPE(BOOLEAN)));
    WorkerRequest one = {.threads = 1};
    assert_string_equal("[1]",
                        RUN_JSON(&harness, one, "SELECT current_setting('threads')", TYPE(BIGINT)));
    WorkerRequest three = {.threads = 3};
    assert_string_equal(
        "[3]", RUN_JSON(&harness, three, "SELECT current_setting('threads')", TYPE(BIGINT)));
    harness_close(&harness);
}

/* ---- held results ---- */

static const char *hold(Harness *harness, const char *sql)
{
    WorkerRequest request = {.holds = true};
    return RUN_JSON(harness, request, sql, TYPE(BIGINT));
}

static void held_rows_are_not_seen_before_the_end(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 2);
    assert_string_equal("[1]", hold(&harness, "SELECT 1"));
    assert_string_equal("22012 division by zero",
                        hold(&harness, "SELECT CASE WHEN range = 900000 THEN error('PG22012 "
                                       "division by zero') ELSE range END FROM range(1000000)"));
    assert_int_equal(0, harness.slots);
    assert_int_equal(0, harness.rows);
    harness_close(&harness);
}

static void check_numbers(const Buffer *out, int64_t count)
{
    const char *at = (const char *)out->data;
    for (int64_t i = 0; i < count; i++) {
        char expected[32];
        int size = snprintf(expected, sizeof expected, i == 0 ? "[%lld]" : ",[%lld]", (long long)i);
        assert_memory_equal(expected, at, size);
        at += size;
    }
    assert_ptr_equal(out->data + out->size, at);
}

static void large_held_results_go_through_a_file(void **state)
{
    (void)state;
    enum { ROWS = 1500000 };
    Harness harness;
    harness_open(&harness, 2);
    Type type = TYPE(BIGINT);
    WorkerRequest request = {.sql = SLICE("SELECT * FROM range(1500000)"),
                             .format = FORMAT_JSON,
                             .threads = 2,
                             .holds = true,
                             .result_types = &type,
                             .result_count = 1};
    Buffer out;
    buffer_open(&out, 0);
    assert_int_equal(OK, harness_run(&harness, &request, &out));
    assert_int_equal(ROWS, harness.rows);
    assert_true(out.size > (12 << 20));
    check_numbers(&out, ROWS);
    buffer_close(&out);
    harness_close(&harness);
}

static void too_much_to_hold_is_an_error(void **state)
{
    (void)state;
    Harness harness;
    harness_open_with(&harness, 2, 6 << 20);
    assert_string_equal("53100 the result is too large to be held back",
                        hold(&harness, "SELECT * FROM range(1500000)"));
    assert_int_equal(0, harness.slots);
    assert_string_equal("[1]", hold(&harness, "SELECT 1"));
    harness_close(&harness);
}

/* ---- statements and their surroundings ---- */

static void a_statement_leaves_nothing_behind(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 2);
    harness_do(&harness, "SELECT 1");
    uint64_t item = 7;
    harness_table(&harness, &item, 1);
    assert_string_equal("[1]", RUN_JSON(&harness, plain, "SELECT 1", TYPE(INTEGER)));
    for (int i = 0; i < 300; i++) /* errors and rows in turn, with everything checked by ASan */
        (void)RUN_JSON(&harness, plain,
                       i % 2 == 0 ? "SELECT repeat('x', 1000) FROM range(100)" : "SELECT 'x'::INT",
                       TYPE(TEXT));
    harness_close(&harness);
}

static void requests_that_are_none_end_as_errors(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 2);
    Buffer body;
    Buffer out;
    buffer_open(&body, 0);
    buffer_open(&out, 0);
    buffer_put_text(&body, "this is no request");
    harness.statement++;
    harness_send(&harness, MESSAGE_RUN, &body, NULL, 0);
    assert_int_equal(STATUS_PROTOCOL_VIOLATION, harness_hear(&harness, &out));
    assert_string_equal("[1]", RUN_JSON(&harness, plain, "SELECT 1", TYPE(INTEGER)));
    harness_send(&harness, MESSAGE_BITMAP, &body, NULL, 0); /* this one ends the worker */
    assert_int_equal(STATUS_CONNECTION_FAILURE, harness_hear(&harness, &out));
    buffer_close(&body);
    buffer_close(&out);
    harness_close(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_what_was_asked_for),
        cmocka_unit_test(big_integers_as_strings_on_request),
        cmocka_unit_test(packed_rows_are_rows_of_the_types),
        cmocka_unit_test(rows_max_and_stop_end_a_statement_early),
        cmocka_unit_test(parameters_of_every_kind),
        cmocka_unit_test(errors_have_their_state_and_no_paths),
        cmocka_unit_test(settings_are_postgres_meaning),
        cmocka_unit_test(held_rows_are_not_seen_before_the_end),
        cmocka_unit_test(large_held_results_go_through_a_file),
        cmocka_unit_test(too_much_to_hold_is_an_error),
        cmocka_unit_test(a_statement_leaves_nothing_behind),
        cmocka_unit_test(requests_that_are_none_end_as_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
