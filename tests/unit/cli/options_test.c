#include "cli/options.c"

#include "tests/unit/base/test.h"

static Options options;

static Status read(const char *line, Error *error)
{
    static char text[400];
    char *arguments[20] = {(char *)(uintptr_t) "firn"};
    int count = 1;
    (void)snprintf(text, sizeof text, "%s", line);
    for (char *rest = text; *rest != '\0' && count < 20;) {
        arguments[count++] = rest;
        rest += strcspn(rest, "|");
        if (*rest != '\0')
            *rest++ = '\0';
    }
    return command_line_read(count, arguments, &options, error);
}

static void reads_everything(void **state)
{
    Error error;
    (void)state;
    assert_ok(read("", &error), &error);
    assert_int_equal(options.mode, RUN_INPUT);
    assert_string_equal(options.host, "127.0.0.1");
    assert_string_equal(options.user, "root");
    assert_int_equal(options.port, 7700);
    assert_ok(read("-H|h|-p|1|-U||-n|chat|-c|SELECT 1|--format|csv|--param|1|--param=x|--no-color|"
                   "--verbose",
                   &error),
              &error);
    assert_int_equal(options.mode, RUN_COMMAND);
    assert_string_equal(options.text, "SELECT 1");
    assert_string_equal(options.host, "h");
    assert_string_equal(options.user, "");
    assert_string_equal(options.namespace_name, "chat");
    assert_int_equal(options.port, 1);
    assert_int_equal(options.format, FORMAT_CSV);
    assert_int_equal(options.parameter_count, 2);
    assert_string_equal(options.parameters[1], "x");
    assert_true(options.no_color && options.is_verbose && !options.reads_input);
    assert_ok(read("-", &error), &error);
    assert_true(options.reads_input);
    assert_ok(read("-f|x.sql", &error), &error);
    assert_int_equal(options.mode, RUN_FILE);
    assert_ok(read("version", &error), &error);
    assert_int_equal(options.mode, RUN_VERSION);
    assert_ok(read("top|-x", &error), &error);
    assert_int_equal(options.mode, RUN_NOT_BUILT);
}

static void refuses_the_rest(void **state)
{
    static const char *const wrong[] = {
        "-p|0",   "-p|65536", "-p|x",      "-p", "--format|xml", "--nosuch", "-c|a|-f|b",
        "-c|a|-", "word",     "-c|a|-c|b", "-x", "--param",      "-p|1 ",    "-c|a|--version"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        Error error;
        if (read(wrong[i], &error) != STATUS_INVALID_PARAMETER_VALUE)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_true(error.message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_everything),
                                       cmocka_unit_test(refuses_the_rest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
