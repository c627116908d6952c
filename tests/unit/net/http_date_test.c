/* The Date header against the C library. */
#include <time.h>

#include "base/random.h"
#include "net/http_int.h"
#include "tests/unit/base/test.h"

static void check(int64_t seconds)
{
    char wanted[64];
    char got[HTTP_DATE_BYTES + 1] = {0};
    time_t when = (time_t)seconds;
    struct tm parts;
    assert_non_null(gmtime_r(&when, &parts));
    assert_int_equal(strftime(wanted, sizeof wanted, "%a, %d %b %Y %H:%M:%S GMT", &parts),
                     HTTP_DATE_BYTES);
    http_date(seconds * 1000000 + 999999, got);
    assert_string_equal(got, wanted);
}

static void dates_are_the_librarys(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    check(0);
    check(784111777);  /* RFC 9110's example */
    check(951782400);  /* 2000-02-29 */
    check(4107542399); /* 2100-02-28 23:59:59, not a leap year */
    check(4107542400);
    for (int64_t day = 0; day < 365 * 200; day++)
        check(day * 86400 + (int64_t)random_below(&random, 86400));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dates_are_the_librarys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
