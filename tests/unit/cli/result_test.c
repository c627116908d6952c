#include "cli/cell.c"
#include "cli/interrupt.c"
#include "cli/json_walk.c"
#include "cli/printer.c"
#include "cli/response.c"
#include "cli/result.c"
#include "cli/row_walk.c"
#include "cli/rows_out.c"
#include "cli/table.c"
#include "cli/text.c"

#include <locale.h>

#include "tests/unit/base/test.h"

static const char COLUMNS[] = "{\"columns\":[{\"name\":\"id\",\"type\":\"BIGINT\"},"
                              "{\"name\":\"body\",\"type\":\"TEXT\"}],\"row_count\":2,\"rows\":";

static Status put(Printer *output, const char *rows, OutputFormat format, Error *error)
{
    Arena arena;
    Buffer raw;
    ResponseResult result;
    arena_open(&arena, 1 << 20);
    buffer_open(&raw, 0);
    buffer_put_text(&raw, rows[0] == '[' ? COLUMNS : "");
    buffer_put_text(&raw, rows);
    buffer_put_text(&raw, rows[0] == '[' ? "}" : "");
    Status status = buffer_status(&raw, error);
    if (status == OK)
        status = response_read_result(&arena, buffer_slice(&raw), &result, error);
    if (status == OK)
        status = result_put(output, &arena, &result, format, true, error);
    buffer_close(&raw);
    arena_close(&arena);
    return status;
}

static void shows(const char *rows, OutputFormat format, size_t width, const char *wanted)
{
    Printer output;
    Error error;
    printer_open(&output, NULL, true);
    output.width = width;
    assert_ok(put(&output, rows, format, &error), &error);
    assert_slice(buffer_slice(&output.buffer), wanted);
    printer_close(&output);
}

static void aligns_tables(void **state)
{
    (void)state;
    shows("[[7,\"a\"],[null,\"bcdef\"]]", FORMAT_TABLE, 0,
          "   id | body\n"
          "------+-------\n"
          "    7 | a\n"
          " NULL | bcdef\n"
          "(2 rows)\n\n");
    shows("[[1,\"日本\"],[2,\"e\\u0301\\tx\"]]", FORMAT_TABLE, 0,
          " id | body\n"
          "----+------\n"
          "  1 | 日本\n"
          "  2 | e\xcc\x81\\tx\n"
          "(2 rows)\n\n");
    shows("[]", FORMAT_TABLE, 0, " id | body\n----+------\n(2 rows)\n\n");
    shows("[[1,\"\\u001b[31m\\u202e\"]]", FORMAT_TABLE, 0, /* nothing that moves a terminal */
          " id | body\n----+----------------\n  1 | \\x1b[31m\\u202e\n(2 rows)\n\n");
}

static void cuts_on_a_terminal_only(void **state)
{
    (void)state;
    shows("[[7,\"0123456789012345678901234567890123456789\"]]", FORMAT_TABLE, 20,
          " id | body\n"
          "----+---------------\n"
          "  7 | 012345678901~\n"
          "(2 rows)\n\n");
    shows("[[7,\"0123456789012345678901234567890123456789\"]]", FORMAT_TABLE, 5,
          " id | body\n"
          "----+----------\n"
          "  7 | 0123456~\n"
          "(2 rows)\n\n");
    const size_t widths[] = {3, 100, 50};
    assert_int_equal(table_column_limit(widths, 3, 73), 30);
    assert_true(table_column_limit(widths, 3, 162) >= 100);
    assert_in_range(table_column_limit(widths, 3, 161), 98, 99);
    assert_int_equal(table_column_limit(widths, 3, 10), TABLE_CUT_MIN);
}

static void quotes_csv(void **state)
{
    (void)state;
    shows("[[1,\"a,b\"],[2,\"say \\\"x\\\"\"],[3,\"l\\r\\nm\"],[4,\"\"],[null,null],[5,\" x\"]]",
          FORMAT_CSV, 10,
          "id,body\n1,\"a,b\"\n2,\"say \"\"x\"\"\"\n3,\"l\r\nm\"\n4,\"\"\n,\n5,\" x\"\n");
    shows("{\"message\":\"CREATE TABLE\"}", FORMAT_CSV, 0, "");
}

static void writes_json(void **state)
{
    (void)state;
    shows("[[1,\"a\\\"\"],[null,[1]]]", FORMAT_JSON, 10,
          "[\n{\"id\":1,\"body\":\"a\\\"\"},\n{\"id\":null,\"body\":[1]}\n]\n");
    shows("[]", FORMAT_JSON, 0, "[]\n");
    shows("{\"message\":\"INSERT 0 1\",\"row_count\":1,\"seq\":5,\"durability\":\"always\"}",
          FORMAT_JSON, 0,
          "{\"message\":\"INSERT 0 1\",\"row_count\":1,\"durability\":\"always\",\"seq\":5}\n");
}

static void tells_writes(void **state)
{
    (void)state;
    shows("{\"message\":\"INSERT 0 1\",\"seq\":5,\"durability\":\"always\"}", FORMAT_TABLE, 0,
          "INSERT 0 1\n(durability always, sequence 5)\n");
    shows("{\"message\":\"ALTER TABLE\",\"information\":\"more\"}", FORMAT_TABLE, 0,
          "ALTER TABLE: more\n");
}

static void refuses_rows_that_do_not_fit(void **state)
{
    static const char *const wrong[] = {"[[1]]", "[[1,2,3]]", "[7]", "[[1,2]"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (int format = FORMAT_TABLE; format <= FORMAT_CSV; format++) {
            Printer output;
            Error error;
            printer_open(&output, NULL, true);
            assert_status(put(&output, wrong[i], (OutputFormat)format, &error),
                          STATUS_INVALID_JSON_TEXT);
            printer_close(&output);
        }
    }
}

static void stops_after_an_interrupt(void **state)
{
    (void)state;
    for (int format = FORMAT_TABLE; format <= FORMAT_CSV; format++) {
        Printer output;
        Error error;
        printer_open(&output, NULL, true);
        interrupt_raise();
        assert_status(put(&output, "[[1,2]]", (OutputFormat)format, &error), STATUS_QUERY_CANCELED);
        interrupt_clear();
        printer_close(&output);
    }
}

static void reads_errors(void **state)
{
    Arena arena;
    Response response;
    Error error;
    (void)state;
    arena_open(&arena, 1 << 20);
    assert_ok(response_read(&arena,
                            SLICE("{\"status\":\"error\",\"took\":1.5,\"results\":[],\"error\":{"
                                  "\"sqlstate\":\"42601\",\"message\":\"m\",\"detail\":null,"
                                  "\"position\":{\"line\":1,\"byte\":3}}}"),
                            &response, &error),
              &error);
    assert_true(response.is_error);
    assert_slice(response.error.sqlstate, "42601");
    assert_int_equal(response.error.byte, 3);
    assert_int_equal(response.error.detail.size, 0);
    assert_ok(response_read(&arena, SLICE("{\"status\":\"error\"}"), &response, &error), &error);
    assert_int_equal(response.error.byte, -1);
    assert_status(response_read(&arena, SLICE("<html>"), &response, &error),
                  STATUS_INVALID_JSON_TEXT);
    assert_status(response_read(&arena, SLICE("{\"status\":7}"), &response, &error),
                  STATUS_INVALID_JSON_TEXT);
    arena_close(&arena);
}

static void survives_without_memory(void **state)
{
    (void)state;
    bool has_failed = true;
    for (int64_t n = 1; has_failed; n++) {
        Printer output;
        Error error;
        printer_open(&output, NULL, true);
        memory_fail_at(n, 1);
        Status status = put(&output, "[[7,\"a\\nb\"],[8,\"c\"]]", FORMAT_TABLE, &error);
        has_failed = memory_allocations() >= n;
        memory_fail_at(0, 0);
        printer_flush(&output);
        if (has_failed && status == OK)
            assert_true(output.failed); /* never half a table that looks whole */
        printer_close(&output);
    }
}

int main(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {cmocka_unit_test(aligns_tables),
                                       cmocka_unit_test(cuts_on_a_terminal_only),
                                       cmocka_unit_test(quotes_csv),
                                       cmocka_unit_test(writes_json),
                                       cmocka_unit_test(tells_writes),
                                       cmocka_unit_test(refuses_rows_that_do_not_fit),
                                       cmocka_unit_test(stops_after_an_interrupt),
                                       cmocka_unit_test(reads_errors),
                                       cmocka_unit_test(survives_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
