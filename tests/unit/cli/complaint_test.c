#include "cli/complaint.c"
#include "cli/printer.c"
#include "cli/text.c"

#include <locale.h>

#include "tests/unit/base/test.h"

static void complains(const char *sql, int64_t byte, const StatementPlace *place,
                      const char *wanted)
{
    Printer output;
    ResponseError error = {
        .sqlstate = SLICE("42601"), .message = SLICE("no"), .hint = SLICE("h"), .byte = byte};
    printer_open(&output, NULL, true);
    complaint_put(&output, &error, slice_of_text(sql), place);
    assert_slice(buffer_slice(&output.buffer), wanted);
    printer_close(&output);
}

static void points_at_the_byte(void **state)
{
    const StatementPlace file = {.name = "x.sql", .line = 10};
    (void)state;
    complains("SELECT x", 7, NULL,
              "ERROR 42601: no\nLINE 1: SELECT x\n               ^\nHINT: h\n");
    complains("SELECT x", 8, NULL,
              "ERROR 42601: no\nLINE 1: SELECT x\n                ^\nHINT: h\n");
    complains("a\n\t\xc3\xa9 b", 6, &file,
              "x.sql:11: ERROR 42601: no\nLINE 2:  \xc3\xa9 b\n           ^\nHINT: h\n");
    complains("SELECT x", -1, NULL, "ERROR 42601: no\nHINT: h\n");
    complains("SELECT x", 9, NULL, "ERROR 42601: no\nHINT: h\n"); /* not a place in it */
    complains("SELECT x", INT64_MAX, NULL, "ERROR 42601: no\nHINT: h\n");
}

static void cuts_long_lines_around_the_place(void **state)
{
    char sql[400];
    (void)state;
    memset(sql, 'a', sizeof sql);
    sql[300] = 'X';
    sql[sizeof sql - 1] = '\0';
    Printer output;
    ResponseError error = {.byte = 300};
    printer_open(&output, NULL, true);
    complaint_put(&output, &error, slice_of_text(sql), NULL);
    const char *text = (const char *)output.buffer.data;
    buffer_put_u8(&output.buffer, 0);
    const char *line = strchr(text, '\n') + 1;
    const char *caret = strchr(line, '\n') + 1;
    assert_int_equal(line[strcspn(caret, "^")], 'X');
    assert_true(strcspn(line, "\n") < 100);
    printer_close(&output);
}

int main(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    const struct CMUnitTest tests[] = {cmocka_unit_test(points_at_the_byte),
                                       cmocka_unit_test(cuts_long_lines_around_the_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
