#include "base/version.h"

#include "tests/unit/base/test.h"

static void the_text_says_all_of_it(void **state)
{
    (void)state;
    const char *parts[] = {version_number(), version_commit(), version_flavor(),
                           version_compiler()};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        assert_string_not_equal(parts[i], "unknown"); /* the Makefile gave them all */
        assert_non_null(strstr(version_text(), parts[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_text_says_all_of_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
