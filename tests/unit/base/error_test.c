#include "base/error.h"

#include <errno.h>

#include "tests/unit/base/test.h"

static void a_new_error_says_only_what_is_new(void **state)
{
    (void)state;
    Error error;
    error_clear(&error);
    assert_status(error.status, OK);
    error_set_detail(&error, "old detail");
    error_set_hint(&error, "old hint");
    (void)error_wrap(&error, "old place");
    assert_status(error_set_at(&error, 7, STATUS_SYNTAX_ERROR, "at \"%s\"", "x"),
                  STATUS_SYNTAX_ERROR);
    assert_string_equal(error.message, "at \"x\"");
    assert_string_equal(error.detail, "");
    assert_string_equal(error.hint, "");
    assert_string_equal(error.internal, "");
    assert_int_equal(error.position_byte, 7);
    assert_status(error_of(&error, STATUS_DISK_FULL), STATUS_DISK_FULL);
    assert_string_equal(error.message, "no space left on device");
    assert_int_equal(error.position_byte, -1);
}

static void layers_add_what_they_know(void **state)
{
    (void)state;
    Error error;
    (void)error_set(&error, STATUS_IO_ERROR, "message");
    assert_status(error_wrap(&error, "inner %d", 1), STATUS_IO_ERROR);
    assert_status(error_wrap(&error, "outer"), STATUS_IO_ERROR);
    assert_string_equal(error.internal, "outer: inner 1");
    assert_status(error_prefix(&error, "row %d", 3), STATUS_IO_ERROR);
    assert_string_equal(error.message, "row 3: message");
}

static void errno_becomes_a_status(void **state)
{
    (void)state;
    static const struct {
        int number;
        Status status;
    } cases[] = {{ENOSPC, STATUS_DISK_FULL},      {EDQUOT, STATUS_DISK_FULL},
                 {ENOENT, STATUS_FILE_NOT_FOUND}, {EEXIST, STATUS_FILE_EXISTS},
                 {ENOMEM, STATUS_OUT_OF_MEMORY},  {EIO, STATUS_IO_ERROR},
                 {EACCES, STATUS_IO_ERROR}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Error error;
        assert_status(error_set_errno(&error, cases[i].number, "open", "/secret/path"),
                      cases[i].status);
        assert_status(error.status, cases[i].status);
        assert_null(strstr(error.message, "/secret")); /* the client is not told where */
        assert_non_null(strstr(error.internal, "/secret/path"));
    }
}

/* Long values of many-byte characters: what is cut is cut between characters. */
static void texts_are_cut_at_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"x", "é", "€", "😀"};
    char text[2000];
    for (size_t c = 0; c < 4; c++) {
        for (size_t shift = 0; shift < 5; shift++) {
            Error error;
            text[0] = '\0';
            for (size_t i = 0; i < shift; i++)
                strncat(text, "-", sizeof text - strlen(text) - 1);
            for (int i = 0; i < 400; i++)
                strncat(text, characters[c], sizeof text - strlen(text) - 1);
            (void)error_set(&error, STATUS_INTERNAL, "%s", text);
            error_set_detail(&error, "%s", text);
            error_set_hint(&error, "%s", text);
            (void)error_wrap(&error, "%s", text);
            (void)error_wrap(&error, "more before it");
            (void)error_prefix(&error, "more before it");
            const char *texts[] = {error.message, error.detail, error.hint, error.internal};
            for (size_t i = 0; i < 4; i++) {
                assert_true(strlen(texts[i]) > 200);
                assert_true(slice_is_utf8_text(slice_of_text(texts[i])));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_error_says_only_what_is_new),
        cmocka_unit_test(layers_add_what_they_know),
        cmocka_unit_test(errno_becomes_a_status),
        cmocka_unit_test(texts_are_cut_at_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
