/* Rows as lines of CSV and NDJSON. */
#include "api/lines.h"

#include "tests/unit/base/test.h"

static const ResultColumn columns[] = {
    {.name = {(const uint8_t *)"id", 2}, .type = {.kind = TYPE_BIGINT}},
    {.name = {(const uint8_t *)"a,b", 3}, .type = {.kind = TYPE_TEXT}},
};

static void write_rows(LineWriter *writer, uint32_t count)
{
    Error error;
    StatementSink sink = lines_sink(writer);
    Value first[] = {value_integer(TYPE_BIGINT, 7), value_text(SLICE("say \"hi\"\nthere"))};
    Value second[] = {value_integer(TYPE_BIGINT, INT64_MAX), value_null(TYPE_TEXT)};
    Value third[] = {value_null(TYPE_BIGINT), value_text(SLICE(""))};
    assert_ok(sink.rows.columns(sink.rows.context, columns, count, &error), &error);
    assert_ok(sink.rows.row(sink.rows.context, first, count, &error), &error);
    assert_ok(sink.rows.row(sink.rows.context, second, count, &error), &error);
    assert_ok(sink.rows.row(sink.rows.context, third, count, &error), &error);
    assert_status(STATUS_FEATURE_NOT_SUPPORTED,
                  sink.rows.columns(sink.rows.context, columns, count, &error));
}

static void check(LineFormat format, unsigned flags, uint32_t count, const char *wanted)
{
    LineWriter writer;
    Arena arena;
    Outlet outlet = {0};
    arena_open(&arena, 0);
    lines_open(&writer, format, flags, &arena, &outlet);
    write_rows(&writer, count);
    assert_slice(buffer_slice(&writer.out), wanted);
    lines_close(&writer);
    arena_close(&arena);
}

static void csv_is_quoted_as_rfc_4180_has_it(void **state)
{
    (void)state;
    check(LINES_CSV, 0, 2,
          "id,\"a,b\"\r\n7,\"say \"\"hi\"\"\nthere\"\r\n9223372036854775807,\r\n,\"\"\r\n");
    check(LINES_CSV, 0, 1, "id\r\n7\r\n9223372036854775807\r\n\"\"\r\n");
}

static void ndjson_has_an_object_for_each_row(void **state)
{
    (void)state;
    check(LINES_NDJSON, 0, 2,
          "{\"id\":7,\"a,b\":\"say \\\"hi\\\"\\nthere\"}\n"
          "{\"id\":9223372036854775807,\"a,b\":null}\n{\"id\":null,\"a,b\":\"\"}\n");
    check(LINES_NDJSON, JSON_BIGINT_AS_STRING, 1,
          "{\"id\":7}\n{\"id\":\"9223372036854775807\"}\n{\"id\":null}\n");
}

static void fields_that_could_be_misread_are_quoted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *wanted;
    } cases[] = {{"plain", "plain"}, {"", "\"\""},     {" x", "\" x\""},   {"x ", "\"x \""},
                 {"a;b", "a;b"},     {"\r", "\"\r\""}, {"\"", "\"\"\"\""}, {"é", "é"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Buffer out;
        buffer_open(&out, 0);
        csv_put_field(&out, slice_of_text(cases[i].text), false);
        assert_slice(buffer_slice(&out), cases[i].wanted);
        buffer_close(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_quoted_as_rfc_4180_has_it),
        cmocka_unit_test(ndjson_has_an_object_for_each_row),
        cmocka_unit_test(fields_that_could_be_misread_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
