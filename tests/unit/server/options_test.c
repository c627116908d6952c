/* What may stand behind `firnd`. */
#include "server/options.h"

#include "tests/unit/base/test.h"

#define READ(out, error, ...)                        \
    options_read((const char *const[]){__VA_ARGS__}, \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), (out), (error))

static void nothing_means_the_defaults(void **state)
{
    (void)state;
    Options options;
    Error error;
    assert_ok(options_read(NULL, 0, &options, &error), &error);
    assert_int_equal(options.action, OPTIONS_SERVE);
    assert_string_equal(options.directory, "./data");
    assert_null(options.config_file);
    assert_int_equal(options.setting_count, 0);
    options_close(&options);
}

static void values_come_in_both_forms(void **state)
{
    (void)state;
    Options options;
    Error error;
    assert_ok(READ(&options, &error, "--data", "d", "--listen=[::1]:1", "--set", "a.b=c=d",
                   "--listen", "127.0.0.1:0", "--config=f", "--check-config"),
              &error);
    assert_int_equal(options.action, OPTIONS_CHECK_CONFIG);
    assert_string_equal(options.directory, "d");
    assert_string_equal(options.config_file, "f");
    assert_int_equal(options.setting_count, 2);
    assert_string_equal(options.settings[0], "a.b=c=d");
    assert_string_equal(options.settings[1], "server.listen=[::1]:1, 127.0.0.1:0");
    options_close(&options);
}

static void wrong_use_is_named(void **state)
{
    (void)state;
    Options options;
    Error error;
    assert_status(STATUS_INVALID_PARAMETER_VALUE, READ(&options, &error, "--dtaa", "x"));
    assert_string_equal(error.message, "unknown argument --dtaa");
    assert_string_equal(error.hint, "Did you mean \"--data\"?");
    assert_status(STATUS_INVALID_PARAMETER_VALUE, READ(&options, &error, "--data"));
    assert_string_equal(error.message, "--data needs a value");
    assert_status(STATUS_INVALID_PARAMETER_VALUE, READ(&options, &error, "--data="));
    assert_status(STATUS_INVALID_PARAMETER_VALUE, READ(&options, &error, "--set", "novalue"));
    assert_status(STATUS_INVALID_PARAMETER_VALUE, READ(&options, &error, "--set", "=x"));
    assert_status(STATUS_INVALID_PARAMETER_VALUE, READ(&options, &error, "--listen", ""));
    assert_status(STATUS_INVALID_PARAMETER_VALUE, READ(&options, &error, "stray"));
    assert_status(STATUS_INVALID_PARAMETER_VALUE, READ(&options, &error, "--database", "x"));
}

static void too_many_settings_are_refused(void **state)
{
    (void)state;
    const char *arguments[2 * OPTIONS_SETTINGS_MAX];
    Options options;
    Error error;
    for (size_t i = 0; i < OPTIONS_SETTINGS_MAX; i++) {
        arguments[2 * i] = "--set";
        arguments[2 * i + 1] = "a=b";
    }
    assert_ok(options_read(arguments, 2 * (OPTIONS_SETTINGS_MAX - 1), &options, &error), &error);
    options_close(&options);
    assert_status(STATUS_INVALID_PARAMETER_VALUE,
                  options_read(arguments, 2 * OPTIONS_SETTINGS_MAX, &options, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_means_the_defaults),
        cmocka_unit_test(values_come_in_both_forms),
        cmocka_unit_test(wrong_use_is_named),
        cmocka_unit_test(too_many_settings_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
