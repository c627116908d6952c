#include "auth/auth.h"

#include "tests/unit/base/test.h"

static Status check(Slice name)
{
    Error error;
    Status status = user_name_check(name, &error);
    assert_true(status == OK || (error.status == status && error.message[0] != '\0'));
    return status;
}

static void test_good_names(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a", "alice", "Alice.B_9@example.org", "+49", "_", "@", "9", "a-", "a.", "a..b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_status(OK, check(slice_of_text(names[i])));
}

static void test_bad_names(void **state)
{
    (void)state;
    static const char *const names[] = {"",  ".",   "..",    ".a",   "-a",  "-",   "a b", "a/b",
                                        "/", "a\\", "a\n",   "é",    "a:b", "a'b", "a\"", "a*",
                                        "~", "a%",  "a\x7f", "\x80", "a,b", "a;b", "$a",  "a=b"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_status(STATUS_INVALID_NAME, check(slice_of_text(names[i])));
    assert_status(STATUS_INVALID_NAME, check(slice_of("a\0b", 3)));
}

static void test_every_byte(void **state)
{
    (void)state;
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-";
    for (int byte = 0; byte < 256; byte++) {
        uint8_t name[2] = {'a', (uint8_t)byte};
        bool may = byte != 0 && strchr(allowed, byte) != NULL;
        assert_status(may ? OK : STATUS_INVALID_NAME, check(slice_of(name, 2)));
    }
}

static void test_length(void **state)
{
    (void)state;
    char name[USER_NAME_BYTES_MAX + 1];
    memset(name, 'n', sizeof name);
    assert_status(OK, check(slice_of(name, USER_NAME_BYTES_MAX)));
    assert_status(STATUS_INVALID_NAME, check(slice_of(name, USER_NAME_BYTES_MAX + 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_names),
        cmocka_unit_test(test_bad_names),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
