/* The simulated scheduler: threads, locks, conditions, time, and how runs end. */
#include "tests/unit/base/simulated.h"

enum { THREADS_MAX = 8 };

/* What the threads of a test work on. */
typedef struct Test {
    Simulation *simulation;
    Env *env;
    Mutex lock;
    Mutex other_lock;
    Condition condition;
    int threads;
    int64_t counter;
    int64_t waiting;
    int64_t seen[THREADS_MAX];
    void (*work)(void *argument);
    _Atomic int next_number;
} Test;

static void start_all(Test *test, void (*work)(void *argument), int count)
{
    Thread *threads[THREADS_MAX];
    Error error;
    for (int i = 0; i < count; i++)
        simulation_ok(test->simulation,
                      thread_start(test->env, "worker", THREAD_STACK_BYTES_DEFAULT, work, test,
                                   &threads[i], &error),
                      &error);
    for (int i = 0; i < count; i++)
        thread_join(threads[i]);
}

static void main_of_test(void *argument)
{
    Test *test = argument;
    mutex_open(&test->lock, test->env, "first");
    mutex_open(&test->other_lock, test->env, "second");
    condition_open(&test->condition, test->env);
    start_all(test, test->work, test->threads);
    condition_close(&test->condition);
    mutex_close(&test->other_lock);
    mutex_close(&test->lock);
}

static SimulationEnd run(Test *test, Simulation *simulation, int threads,
                         void (*work)(void *argument))
{
    *test = (Test){.simulation = simulation,
                   .env = simulation_env(simulation),
                   .threads = threads,
                   .work = work};
    return simulation_run(simulation, main_of_test, test);
}

/* ---- scheduling ---- */

enum { ADDITIONS = 50 };

static void add_locked(void *argument)
{
    Test *test = argument;
    for (int i = 0; i < ADDITIONS; i++) {
        mutex_lock(&test->lock);
        int64_t read = test->counter;
        env_yield(test->env, "between read and write");
        test->counter = read + 1;
        mutex_unlock(&test->lock);
    }
}

static void add_unlocked(void *argument)
{
    Test *test = argument;
    int64_t read = test->counter;
    env_yield(test->env, "between read and write");
    test->counter = read + 1;
}

static void locks_exclude(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int schedule = SIMULATION_UNIFORM; schedule <= SIMULATION_PRIORITIES; schedule++) {
        SimulationOptions options = {.seed = seed, .schedule = (SimulationSchedule)schedule};
        Simulation *simulation = simulation_create(&options);
        Test test;
        assert_end(SIMULATION_FINISHED, run(&test, simulation, THREADS_MAX, add_locked),
                   simulation);
        assert_int_equal(test.counter, THREADS_MAX * ADDITIONS);
        assert_true(simulation_switches(simulation) > 0);
        simulation_destroy(simulation);
    }
}

/* The race that a missing lock makes is found within a few seeds, by either way of choosing. */
static void a_missing_lock_is_found(void **state)
{
    (void)state;
    for (int schedule = SIMULATION_UNIFORM; schedule <= SIMULATION_PRIORITIES; schedule++) {
        int lost = 0;
        for (uint64_t seed = 0; seed < 200; seed++) {
            SimulationOptions options = {.seed = seed,
                                         .schedule = (SimulationSchedule)schedule,
                                         .priority_changes = 3,
                                         .priority_steps = 20};
            Simulation *simulation = simulation_create(&options);
            Test test;
            assert_end(SIMULATION_FINISHED, run(&test, simulation, 2, add_unlocked), simulation);
            lost += test.counter < 2;
            simulation_destroy(simulation);
        }
        assert_true(lost > 0 && lost < 200);
    }
}

static uint64_t hash_of_run(uint64_t seed, int64_t *now_ns)
{
    Simulation *simulation = simulation_of_seed(seed);
    Test test;
    assert_end(SIMULATION_FINISHED, run(&test, simulation, 4, add_locked), simulation);
    uint64_t hash = simulation_trace_hash(simulation) ^ env_random_u64(simulation_env(simulation));
    *now_ns = env_monotonic_ns(simulation_env(simulation));
    simulation_destroy(simulation);
    return hash;
}

static void the_same_seed_gives_the_same_run(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    int64_t first_ns;
    int64_t again_ns;
    uint64_t first = hash_of_run(seed, &first_ns);
    assert_int_equal(first, hash_of_run(seed, &again_ns));
    assert_int_equal(first_ns, again_ns);
    assert_int_not_equal(first, hash_of_run(seed + 1, &again_ns));
}

static void the_trace_names_the_last_events(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(1);
    Test test;
    assert_end(SIMULATION_FINISHED, run(&test, simulation, 2, add_locked), simulation);
    Buffer trace;
    buffer_open(&trace, 0);
    simulation_put_trace(simulation, &trace);
    buffer_put_u8(&trace, 0);
    assert_non_null(strstr((char *)trace.data, " worker          lock first\n"));
    assert_non_null(strstr((char *)trace.data, " worker          yield between read and write\n"));
    buffer_close(&trace);
    simulation_destroy(simulation);
}

static void try_without_waiting(void *argument)
{
    Test *test = argument;
    if (mutex_try_lock(&test->lock)) {
        SIMULATION_CHECK(test->simulation, test->waiting == 0);
        test->waiting++;
        env_yield(test->env, "holding it");
        test->counter++;
        test->waiting--;
        mutex_unlock(&test->lock);
    }
}

static void a_lock_can_be_tried(void **state)
{
    (void)state;
    bool some_failed = false;
    for (uint64_t seed = 0; seed < 50; seed++) {
        Simulation *simulation = simulation_of_seed(seed);
        Test test;
        assert_end(SIMULATION_FINISHED, run(&test, simulation, 4, try_without_waiting), simulation);
        assert_true(test.counter >= 1);
        some_failed = some_failed || test.counter < 4;
        simulation_destroy(simulation);
    }
    assert_true(some_failed);
}

/* ---- conditions and time ---- */

static void wait_for_a_signal(void *argument)
{
    Test *test = argument;
    mutex_lock(&test->lock);
    test->waiting++;
    while (test->counter == 0)
        condition_wait(&test->condition, &test->lock);
    test->counter--;
    mutex_unlock(&test->lock);
}

static void signal_waiters(void *argument)
{
    Test *test = argument;
    if (test->next_number++ > 0) {
        wait_for_a_signal(test);
        return;
    }
    for (int given = 0; given < test->threads - 1;) {
        mutex_lock(&test->lock);
        if (test->waiting > given) {
            test->counter++;
            given++;
            condition_signal(&test->condition);
        }
        mutex_unlock(&test->lock);
        env_sleep_ns(test->env, 1000);
    }
}

static void signals_wake_one_each(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 100; i++) {
        SimulationOptions options = {.seed = seed + i, .spurious_in_1000 = i % 2 == 0 ? 300 : 0};
        Simulation *simulation = simulation_create(&options);
        Test test;
        assert_end(SIMULATION_FINISHED, run(&test, simulation, 5, signal_waiters), simulation);
        assert_int_equal(test.counter, 0);
        simulation_destroy(simulation);
    }
}

static void broadcast_once(void *argument)
{
    Test *test = argument;
    mutex_lock(&test->lock);
    bool is_last = ++test->waiting == test->threads;
    if (is_last) {
        test->counter = 1;
        condition_broadcast(&test->condition);
    }
    while (test->counter == 0)
        condition_wait(&test->condition, &test->lock);
    mutex_unlock(&test->lock);
}

static void a_broadcast_wakes_all(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(test_seed());
    Test test;
    assert_end(SIMULATION_FINISHED, run(&test, simulation, THREADS_MAX, broadcast_once),
               simulation);
    simulation_destroy(simulation);
}

static void wait_until_a_deadline(void *argument)
{
    Test *test = argument;
    int64_t start_ns = env_monotonic_ns(test->env);
    int64_t deadline_ns = start_ns + INT64_C(3600000000000);
    mutex_lock(&test->lock);
    bool in_time = condition_wait_until(&test->condition, &test->lock, deadline_ns);
    SIMULATION_CHECK(test->simulation, !in_time);
    SIMULATION_CHECK(test->simulation, env_monotonic_ns(test->env) >= deadline_ns);
    SIMULATION_CHECK(test->simulation, env_monotonic_ns(test->env) < deadline_ns + 1000000);
    in_time = condition_wait_until(&test->condition, &test->lock, start_ns); /* long ago */
    SIMULATION_CHECK(test->simulation, !in_time);
    mutex_unlock(&test->lock);
}

static void an_hour_passes_at_once(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(1);
    Env *env = simulation_env(simulation);
    int64_t wall_us = env_wall_us(env);
    Test test;
    assert_end(SIMULATION_FINISHED, run(&test, simulation, 2, wait_until_a_deadline), simulation);
    int64_t passed_us = env_wall_us(env) - wall_us;
    assert_true(passed_us >= INT64_C(3600000000) && passed_us < INT64_C(3601000000));
    simulation_move_wall_clock(simulation, -wall_us);
    assert_int_equal(env_wall_us(env), passed_us);
    simulation_destroy(simulation);
}

static void sleep_by_number(void *argument)
{
    Test *test = argument;
    int number = test->next_number++;
    env_sleep_ns(test->env, (THREADS_MAX - number) * INT64_C(1000000000));
    test->seen[test->counter++] = number;
}

static void sleepers_wake_in_order(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(test_seed());
    Test test;
    assert_end(SIMULATION_FINISHED, run(&test, simulation, THREADS_MAX, sleep_by_number),
               simulation);
    for (int i = 0; i < THREADS_MAX; i++)
        assert_int_equal(test.seen[i], THREADS_MAX - 1 - i);
    simulation_destroy(simulation);
}

/* ---- how runs end ---- */

static void lock_crosswise(void *argument)
{
    Test *test = argument;
    bool first = test->next_number++ == 0;
    Mutex *outer = first ? &test->lock : &test->other_lock;
    Mutex *inner = first ? &test->other_lock : &test->lock;
    mutex_lock(outer);
    mutex_lock(inner);
    mutex_unlock(inner);
    mutex_unlock(outer);
}

static void a_deadlock_is_named(void **state)
{
    (void)state;
    int deadlocks = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        Simulation *simulation = simulation_of_seed(seed);
        Test test;
        SimulationEnd end = run(&test, simulation, 2, lock_crosswise);
        if (end == SIMULATION_DEADLOCKED) {
            const char *report = simulation_report(simulation);
            assert_non_null(strstr(report, "worker waits in lock first, held by worker"));
            assert_non_null(strstr(report, "worker waits in lock second, held by worker"));
            assert_non_null(strstr(report, "main waits in join worker"));
            deadlocks++;
        } else {
            assert_end(SIMULATION_FINISHED, end, simulation);
        }
        simulation_destroy(simulation);
    }
    assert_true(deadlocks > 0 && deadlocks < 50);
}

static void lock_twice(void *argument)
{
    Test *test = argument;
    mutex_lock(&test->lock);
    mutex_lock(&test->lock);
}

static void wait_for_nobody(void *argument)
{
    Test *test = argument;
    mutex_lock(&test->lock);
    condition_wait(&test->condition, &test->lock);
}

static void spin(void *argument)
{
    Test *test = argument;
    for (;;)
        env_yield(test->env, "spinning");
}

static void fail_on_purpose(void *argument)
{
    Test *test = argument;
    SIMULATION_CHECK(test->simulation, 1 + 1 == 3);
}

static void what_cannot_end_is_ended(void **state)
{
    (void)state;
    static const struct {
        void (*work)(void *argument);
        SimulationEnd end;
        const char *report;
    } cases[] = {
        {lock_twice, SIMULATION_DEADLOCKED, "waits in lock first, held by worker"},
        {wait_for_nobody, SIMULATION_DEADLOCKED, "worker waits in wait first"},
        {spin, SIMULATION_STEPS_EXHAUSTED, "worker is at yield spinning"},
        {fail_on_purpose, SIMULATION_FAILED, "1 + 1 == 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SimulationOptions options = {.seed = i, .steps_max = 10000};
        Simulation *simulation = simulation_create(&options);
        Test test;
        assert_end(cases[i].end, run(&test, simulation, 2, cases[i].work), simulation);
        if (strstr(simulation_report(simulation), cases[i].report) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", cases[i].report, simulation_report(simulation));
        assert_end(SIMULATION_FINISHED, run(&test, simulation, 2, add_locked), simulation);
        simulation_destroy(simulation);
    }
}

static void sleep_for_ever(void *argument)
{
    env_sleep_ns(argument, INT64_MAX);
}

static void leave_things_behind(void *argument)
{
    Test *test = argument;
    Thread *thread;
    File *file;
    Error error;
    SharedMemory memory;
    simulation_ok(test->simulation,
                  thread_start(test->env, "sleeper", THREAD_STACK_BYTES_DEFAULT, sleep_for_ever,
                               test->env, &thread, &error),
                  &error);
    simulation_ok(test->simulation,
                  file_open(test->env, "left.txt", FILE_WRITE | FILE_CREATE, &file, &error),
                  &error);
    simulation_ok(test->simulation, shared_memory_open(test->env, "left", 4096, &memory, &error),
                  &error);
}

static void leftovers_are_named(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(1);
    Test test = {.simulation = simulation, .env = simulation_env(simulation)};
    assert_end(SIMULATION_LEFTOVERS, simulation_run(simulation, leave_things_behind, &test),
               simulation);
    assert_non_null(strstr(simulation_report(simulation), "thread sleeper"));
    assert_non_null(strstr(simulation_report(simulation), "file left.txt"));
    assert_non_null(strstr(simulation_report(simulation), "1 shared memories"));
    simulation_destroy(simulation);
}

static void a_thread_may_fail_to_start(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(1);
    simulation_inject(simulation, &(SimulationFault){.operation = SIMULATION_START_THREAD,
                                                     .nth = 3,
                                                     .status = STATUS_OUT_OF_MEMORY});
    Test test;
    assert_end(SIMULATION_FAILED, run(&test, simulation, 4, add_locked), simulation);
    assert_non_null(strstr(simulation_report(simulation), "out of memory"));
    assert_int_equal(simulation_faults_fired(simulation), 1);
    simulation_destroy(simulation);
}

/* ---- crashes ---- */

/* Each step of a run is a place to crash at; each crash leaves a simulation that can run again. */
static void every_step_can_be_the_last(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(test_seed());
    SimulationEnd end = SIMULATION_CRASHED;
    uint64_t crashes = 0;
    for (uint64_t step = 1; end == SIMULATION_CRASHED; step += 7, crashes++) {
        Test test;
        simulation_crash_at_step(simulation, step, SIMULATION_KILL);
        end = run(&test, simulation, 4, add_locked);
    }
    assert_end(SIMULATION_FINISHED, end, simulation);
    assert_true(crashes > 50);
    simulation_destroy(simulation);
}

static size_t fill_stack(size_t depth)
{
    volatile char frame[256];
    memset((char *)frame, (int)depth, sizeof frame);
    return depth == 0 ? (size_t)frame[0] : fill_stack(depth - 1) + (size_t)frame[17];
}

static void use_the_stack(void *argument)
{
    Test *test = argument;
    (void)fill_stack(500);
    env_yield(test->env, "deep in it");
    simulation_crash(test->simulation, SIMULATION_KILL);
}

/* Stacks are used again after threads were abandoned on them. */
static void stacks_are_used_again(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(1);
    for (int i = 0; i < 200; i++) {
        Test test;
        assert_end(SIMULATION_CRASHED, run(&test, simulation, 3, use_the_stack), simulation);
    }
    simulation_destroy(simulation);
}

static void its_env_works_outside_of_runs(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(1);
    Env *env = simulation_env(simulation);
    Mutex lock;
    int64_t before_ns = env_monotonic_ns(env);
    mutex_open(&lock, env, "outside");
    mutex_lock(&lock);
    assert_false(mutex_try_lock(&lock));
    env_sleep_ns(env, 5000);
    env_yield(env, "outside");
    mutex_unlock(&lock);
    mutex_close(&lock);
    assert_true(env_monotonic_ns(env) >= before_ns + 5000);
    simulation_destroy(simulation);
}

static void sleep_and_finish(void *argument)
{
    env_sleep_ns(argument, 1000);
}

static void run_own_simulation(void *argument)
{
    Test *test = argument;
    for (uint64_t seed = 0; seed < 20; seed++) {
        Simulation *simulation = simulation_of_seed(seed);
        SimulationEnd end =
            simulation_run(simulation, sleep_and_finish, simulation_env(simulation));
        test->counter += end == SIMULATION_FINISHED;
        Test own;
        test->counter += run(&own, simulation, 4, add_locked) == SIMULATION_FINISHED;
        simulation_destroy(simulation);
    }
}

static void real_threads_may_each_have_one(void **state)
{
    (void)state;
    Thread *threads[3];
    Test tests[3] = {0};
    Error error;
    for (int i = 0; i < 3; i++)
        assert_ok(thread_start(env_real(), "simulates", THREAD_STACK_BYTES_DEFAULT,
                               run_own_simulation, &tests[i], &threads[i], &error),
                  &error);
    for (int i = 0; i < 3; i++) {
        thread_join(threads[i]);
        assert_int_equal(tests[i].counter, 40);
    }
}

/* ---- a deadline that nobody waits for any more ---- */

typedef struct EarlyWake {
    Simulation *simulation;
    Env *env;
    Mutex mutex;
    Condition condition;
    bool woken;
} EarlyWake;

static void wait_with_a_deadline(void *argument)
{
    EarlyWake *wake = argument;
    mutex_lock(&wake->mutex);
    while (!wake->woken)
        (void)condition_wait_until(&wake->condition, &wake->mutex,
                                   env_monotonic_ns(wake->env) + 1000000);
    wake->woken = false;
    while (!wake->woken) /* for ever now: the deadline of the first wait is nobody's */
        condition_wait(&wake->condition, &wake->mutex);
    mutex_unlock(&wake->mutex);
}

static void wake_up(EarlyWake *wake)
{
    mutex_lock(&wake->mutex);
    wake->woken = true;
    condition_signal(&wake->condition);
    mutex_unlock(&wake->mutex);
}

static void wake_before_the_deadline(void *argument)
{
    EarlyWake *wake = argument;
    Thread *thread;
    Error error;
    mutex_open(&wake->mutex, wake->env, "wake");
    condition_open(&wake->condition, wake->env);
    simulation_ok(wake->simulation,
                  thread_start(wake->env, "waiter", 0, wait_with_a_deadline, wake, &thread, &error),
                  &error);
    env_yield(wake->env, "it waits");
    wake_up(wake);
    env_sleep_ns(wake->env, 50000000); /* all sleep; the clock passes the old deadline */
    wake_up(wake);
    thread_join(thread);
    condition_close(&wake->condition);
    mutex_close(&wake->mutex);
}

/* Bug: with all asleep and the earliest deadline one of a thread that was woken before it, the
 * simulation took the run for a deadlock. */
static void bug_stale_earliest_deadline(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 50; seed++) {
        EarlyWake wake = {.simulation = simulation_of_seed(seed)};
        wake.env = simulation_env(wake.simulation);
        SimulationEnd end = simulation_run(wake.simulation, wake_before_the_deadline, &wake);
        assert_end(SIMULATION_FINISHED, end, wake.simulation);
        simulation_destroy(wake.simulation);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bug_stale_earliest_deadline),
        cmocka_unit_test(locks_exclude),
        cmocka_unit_test(a_missing_lock_is_found),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(the_trace_names_the_last_events),
        cmocka_unit_test(a_lock_can_be_tried),
        cmocka_unit_test(signals_wake_one_each),
        cmocka_unit_test(a_broadcast_wakes_all),
        cmocka_unit_test(an_hour_passes_at_once),
        cmocka_unit_test(sleepers_wake_in_order),
        cmocka_unit_test(a_deadlock_is_named),
        cmocka_unit_test(what_cannot_end_is_ended),
        cmocka_unit_test(leftovers_are_named),
        cmocka_unit_test(a_thread_may_fail_to_start),
        cmocka_unit_test(every_step_can_be_the_last),
        cmocka_unit_test(stacks_are_used_again),
        cmocka_unit_test(its_env_works_outside_of_runs),
        cmocka_unit_test(real_threads_may_each_have_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
