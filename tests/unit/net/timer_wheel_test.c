/* The timer wheel against a list that is searched. */
#include "base/random.h"
#include "net/timer_wheel.h"
#include "tests/unit/base/test.h"

static const int64_t MS = 1000000;
static const int64_t TICK = TIMER_WHEEL_TICK_MS * (int64_t)1000000;

typedef struct Probe {
    WheelTimer timer;
    int fired;
    int64_t fired_ns;
} Probe;

static int64_t now_ns;
static TimerWheel wheel;

static void fire(void *context, WheelTimer *timer)
{
    Probe *probe = (Probe *)(void *)timer;
    (void)context;
    probe->fired++;
    probe->fired_ns = now_ns;
}

static void advance_to(int64_t ns)
{
    now_ns = ns;
    timer_wheel_advance(&wheel, ns, fire, NULL);
}

static void fires_once_and_never_early(void **state)
{
    (void)state;
    Probe probe = {0};
    timer_wheel_open(&wheel, 1000 * MS);
    timer_wheel_set(&wheel, &probe.timer, 1550 * MS);
    assert_true(timer_wheel_is_set(&probe.timer));
    for (int64_t ms = 1000; ms < 1550; ms += 7)
        advance_to(ms * MS);
    assert_int_equal(probe.fired, 0);
    for (int64_t ms = 1550; ms < 3000; ms += 7)
        advance_to(ms * MS);
    assert_int_equal(probe.fired, 1);
    assert_true(probe.fired_ns >= 1550 * MS && probe.fired_ns <= 1550 * MS + TICK + 7 * MS);
    assert_false(timer_wheel_is_set(&probe.timer));
}

static void a_past_deadline_fires_at_the_next_tick(void **state)
{
    (void)state;
    Probe probe = {0};
    timer_wheel_open(&wheel, 5000 * MS);
    timer_wheel_set(&wheel, &probe.timer, 0);
    advance_to(5000 * MS);
    assert_int_equal(probe.fired, 0);
    advance_to(5000 * MS + TICK);
    assert_int_equal(probe.fired, 1);
}

static void can_be_cancelled_and_moved_both_ways(void **state)
{
    (void)state;
    Probe probe = {0};
    timer_wheel_open(&wheel, 0);
    timer_wheel_set(&wheel, &probe.timer, 1000 * MS);
    timer_wheel_cancel(&probe.timer);
    timer_wheel_cancel(&probe.timer);
    advance_to(2000 * MS);
    assert_int_equal(probe.fired, 0);
    timer_wheel_set(&wheel, &probe.timer, 9000 * MS);
    timer_wheel_set(&wheel, &probe.timer, 3000 * MS);
    advance_to(3100 * MS);
    assert_int_equal(probe.fired, 1);
    timer_wheel_set(&wheel, &probe.timer, 4000 * MS);
    timer_wheel_set(&wheel, &probe.timer, 8000 * MS);
    advance_to(7900 * MS);
    assert_int_equal(probe.fired, 1);
    advance_to(8100 * MS);
    assert_int_equal(probe.fired, 2);
}

static void far_and_endless_deadlines_wait(void **state)
{
    (void)state;
    Probe far = {0};
    Probe endless = {0};
    timer_wheel_open(&wheel, 0);
    timer_wheel_set(&wheel, &far.timer, 1000000 * MS);
    timer_wheel_set(&wheel, &endless.timer, INT64_MAX);
    for (int64_t ms = 0; ms < 1000000; ms += 977)
        advance_to(ms * MS);
    assert_int_equal(far.fired, 0);
    advance_to(1000200 * MS);
    assert_int_equal(far.fired, 1);
    advance_to(INT64_MAX / 2);
    assert_int_equal(endless.fired, 0);
    timer_wheel_cancel(&endless.timer);
}

static Probe other;

static void cancel_other(void *context, WheelTimer *timer)
{
    (void)timer;
    (void)context;
    timer_wheel_cancel(&other.timer);
}

static void a_callback_may_cancel_its_neighbour(void **state)
{
    (void)state;
    Probe first = {0};
    other = (Probe){0};
    timer_wheel_open(&wheel, 0);
    timer_wheel_set(&wheel, &first.timer, 500 * MS);
    timer_wheel_set(&wheel, &other.timer, 500 * MS);
    timer_wheel_advance(&wheel, 600 * MS, cancel_other, NULL);
    assert_false(timer_wheel_is_set(&first.timer));
    assert_false(timer_wheel_is_set(&other.timer));
}

static void random_timers_fire_as_in_a_list(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    static Probe probes[COUNT];
    static int64_t deadlines[COUNT]; /* -1: not set */
    Random random = random_of(test_seed());
    memset(probes, 0, sizeof probes);
    for (int i = 0; i < COUNT; i++)
        deadlines[i] = -1;
    timer_wheel_open(&wheel, 0);
    int64_t at = 0;
    for (int round = 0; round < 20000; round++) {
        uint64_t i = random_below(&random, COUNT);
        int64_t span = random_chance(&random, 1, 10) ? 300000 : 5000;
        if (random_chance(&random, 1, 8)) {
            timer_wheel_cancel(&probes[i].timer);
            deadlines[i] = -1;
        } else {
            deadlines[i] = at + (int64_t)random_below(&random, (uint64_t)span) * MS;
            timer_wheel_set(&wheel, &probes[i].timer, deadlines[i]);
        }
        at += (int64_t)random_below(&random, random_chance(&random, 1, 500) ? 200000 : 50) * MS;
        advance_to(at);
        for (int j = 0; j < COUNT; j++) {
            if (probes[j].fired > 0) {
                assert_true(deadlines[j] >= 0 && deadlines[j] <= at);
                deadlines[j] = -1;
                probes[j].fired = 0;
            }
            assert_true(deadlines[j] < 0 || deadlines[j] > at - 2 * TICK);
            assert_true(timer_wheel_is_set(&probes[j].timer) == (deadlines[j] >= 0));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_once_and_never_early),
        cmocka_unit_test(a_past_deadline_fires_at_the_next_tick),
        cmocka_unit_test(can_be_cancelled_and_moved_both_ways),
        cmocka_unit_test(far_and_endless_deadlines_wait),
        cmocka_unit_test(a_callback_may_cancel_its_neighbour),
        cmocka_unit_test(random_timers_fire_as_in_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
