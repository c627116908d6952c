/* Which window a moment falls into. */
#include "tests/unit/stream/fixture.h"

#define MINUTE_US (60 * SECOND_US)
#define DAY_US    (24 * HOUR_US)

static void expect_window(int64_t ttl_us, int64_t at_us, int64_t begin_us, int64_t size_us)
{
    StreamWindow window = stream_window_at(ttl_us, at_us);
    assert_int_equal(window.begin_us, begin_us);
    assert_int_equal(window.end_us, begin_us + size_us);
}

static void windows_are_as_large_as_the_ttl_asks_for(void **state)
{
    (void)state;
    int64_t at = MORNING_US + 34 * MINUTE_US + 5;
    expect_window(1, at, MORNING_US + 34 * MINUTE_US, MINUTE_US);
    expect_window(HOUR_US, at, MORNING_US + 34 * MINUTE_US, MINUTE_US);
    expect_window(HOUR_US + 1, at, MORNING_US, HOUR_US);
    expect_window(DAY_US, at, MORNING_US, HOUR_US);
    expect_window(DAY_US + 1, at, MORNING_US - 10 * HOUR_US, DAY_US);
    expect_window(7 * DAY_US, at, MORNING_US - 10 * HOUR_US, DAY_US);
    /* 2026-11-21 is a Saturday. */
    expect_window(7 * DAY_US + 1, at, MORNING_US - 10 * HOUR_US - 5 * DAY_US, 7 * DAY_US);
}

static void a_window_begins_inclusive_and_ends_exclusive(void **state)
{
    (void)state;
    expect_window(SECOND_US, MORNING_US, MORNING_US, MINUTE_US);
    expect_window(SECOND_US, MORNING_US - 1, MORNING_US - MINUTE_US, MINUTE_US);
    expect_window(SECOND_US, MORNING_US + MINUTE_US - 1, MORNING_US, MINUTE_US);
}

static void moments_before_1970_have_windows_too(void **state)
{
    (void)state;
    expect_window(SECOND_US, -1, -MINUTE_US, MINUTE_US);
    expect_window(31 * DAY_US, 0, -3 * DAY_US, 7 * DAY_US); /* the Monday before */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_as_large_as_the_ttl_asks_for),
        cmocka_unit_test(a_window_begins_inclusive_and_ends_exclusive),
        cmocka_unit_test(moments_before_1970_have_windows_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
