#include "cli/credentials.c"
#include "cli/interrupt.c"

#include "tests/unit/base/test.h"

static void finds(const char *text, const char *user, const char *wanted)
{
    Buffer password;
    buffer_open(&password, PASSWORD_BYTES_MAX);
    bool found = credentials_search(slice_of_text(text), "h", 7700, user, &password);
    assert_int_equal(found, wanted != NULL);
    if (wanted != NULL)
        assert_slice(buffer_slice(&password), wanted);
    credentials_wipe(&password);
}

static void searches_lines(void **state)
{
    (void)state;
    finds("", "u", NULL);
    finds("h:7700:u:p", "u", "p");
    finds("h:7700:u:p\n", "v", NULL);
    finds("x:7700:u:1\nh:1:u:2\nh:7700:v:3\nh:7700:u:4\nh:7700:u:5\n", "u", "4");
    finds("*:*:*:p", "u", "p");
    finds("#h:7700:u:no\r\nh:7700:u:a:b\\\\c#\r\n", "u", "a:b\\c#");
    finds("h:7700:a\\:b:p", "a:b", "p");
    finds("h:7700:u:\nh:7700:u\nh\n:::\n", "u", NULL); /* no password, no parts */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(searches_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
