#include "base/status.h"

#include "tests/unit/base/test.h"

static void every_status_is_whole(void **state)
{
    (void)state;
    for (int i = 0; i < STATUS_COUNT; i++) {
        Status status = (Status)i;
        const char *sqlstate = status_sqlstate(status);
        assert_int_equal(strlen(sqlstate), 5);
        assert_int_equal(strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 5);
        assert_true(status_http(status) == 200 || status_http(status) >= 400);
        assert_true(status_text(status)[0] != '\0');
        assert_status(status_from_sqlstate(sqlstate), status); /* so no SQLSTATE stands twice */
        for (int j = 0; j < i; j++)
            assert_string_not_equal(status_name(status), status_name((Status)j));
    }
}

static void unknown_codes_are_internal_errors(void **state)
{
    (void)state;
    assert_status(status_from_sqlstate("ZZZZZ"), STATUS_INTERNAL);
    assert_status(status_from_sqlstate(""), STATUS_INTERNAL);
    assert_string_equal(status_name((Status)9999), "INTERNAL");
    assert_string_equal(status_name(STATUS_COUNT), "INTERNAL");
}

static Status give(Status status)
{
    return status;
}

static Status try_both(Status first, Status second, int *reached)
{
    *reached = 0;
    TRY(give(first));
    *reached = 1;
    TRY(give(second));
    *reached = 2;
    return OK;
}

static Status go_and_keep(Status body, Status cleanup)
{
    Status status = OK;
    GO(give(body));
done:
    KEEP_FIRST(give(cleanup));
    return status;
}

static void the_first_error_wins(void **state)
{
    (void)state;
    int reached;
    assert_status(try_both(OK, OK, &reached), OK);
    assert_int_equal(reached, 2);
    assert_status(try_both(STATUS_IO_ERROR, STATUS_INTERNAL, &reached), STATUS_IO_ERROR);
    assert_int_equal(reached, 0);
    assert_status(go_and_keep(OK, OK), OK);
    assert_status(go_and_keep(STATUS_IO_ERROR, STATUS_INTERNAL), STATUS_IO_ERROR);
    assert_status(go_and_keep(OK, STATUS_INTERNAL), STATUS_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_is_whole),
        cmocka_unit_test(unknown_codes_are_internal_errors),
        cmocka_unit_test(the_first_error_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
