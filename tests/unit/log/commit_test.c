/* Committing: what is durable when, in each mode; what a failed write or sync leaves behind; the
 * committer beside its writers. */
#include "tests/unit/log/machine.h"

/* ---- modes ---- */

static void check_durable(bool wanted)
{
    LogStatistics now = statistics();
    CHECK((now.durable == now.written) == wanted);
}

static void always(void *argument)
{
    Error error;
    (void)argument;
    open_log(0);
    uint64_t syncs = statistics().syncs;
    for (int i = 0; i < 3; i++)
        CHECK_OK(append("x", 1, &error), &error);
    CHECK_OK(commit(&error), &error);
    CHECK(statistics().syncs == syncs + 1); /* A4: a group shares one */
    CHECK(statistics().groups == 1 && statistics().frames == 3);
    check_durable(true);
    CHECK_OK(commit(&error), &error); /* nothing is due */
    CHECK(statistics().syncs == syncs + 1 && statistics().groups == 1);
    close_log();
}

static void a_group_is_one_write_and_one_sync(void **state)
{
    (void)state;
    run(always);
}

static void none(void *argument)
{
    Error error;
    (void)argument;
    options.durability = LOG_NONE;
    open_log(0);
    put("a");
    env_sleep_ns(env, 3600000000000);
    put("b");
    check_durable(false);
    CHECK_OK(append("c", 1, &error), &error);
    log_require_sync(log_);
    CHECK_OK(commit(&error), &error);
    check_durable(true);
    put("d");
    check_durable(false);
    log_set_durability(log_, LOG_ALWAYS, 0);
    CHECK_OK(commit(&error), &error); /* an empty group syncs what is due */
    check_durable(true);
    close_log();
}

static void mode_none_syncs_only_what_must_be(void **state)
{
    (void)state;
    run(none);
}

static void interval(void *argument)
{
    Error error;
    (void)argument;
    options.durability = LOG_INTERVAL;
    open_log(0);
    put("a");
    check_durable(false);
    env_sleep_ns(env, options.interval_ns + 1);
    CHECK_OK(commit(&error), &error);
    check_durable(true);
    put("b");
    check_durable(false);
    int64_t begin_ns = env_monotonic_ns(env);
    log_wait(log_, INT64_MAX); /* until the sync is due */
    int64_t waited_ns = env_monotonic_ns(env) - begin_ns;
    CHECK(waited_ns > 0 && waited_ns < 2 * options.interval_ns);
    CHECK_OK(commit(&error), &error);
    check_durable(true);
    close_log();
}

static void mode_interval_syncs_when_it_is_due(void **state)
{
    (void)state;
    run(interval);
}

static uint64_t durable_frames;

static void write_then_lose(void *argument)
{
    const LogDurability *mode = argument;
    options.durability = *mode;
    open_log(0);
    put("first");
    put("second");
    simulation_crash(machine, SIMULATION_LOSE_ALL);
}

static void count_frames(void *argument)
{
    (void)argument;
    options.durability = LOG_ALWAYS;
    open_log(0);
    durable_frames = recovery.frames;
    close_log();
}

static void only_mode_always_survives_the_loss_of_power(void **state)
{
    (void)state;
    LogDurability always_mode = LOG_ALWAYS;
    LogDurability none_mode = LOG_NONE;
    run_until(SIMULATION_CRASHED, write_then_lose, &always_mode);
    run(count_frames);
    assert_int_equal(2, durable_frames);
    (void)shut_down(NULL);
    (void)boot(NULL);
    run_until(SIMULATION_CRASHED, write_then_lose, &none_mode);
    run(count_frames);
    assert_int_equal(0, durable_frames);
}

/* ---- poison ---- */

static SimulationFault fault;

static void fail_once(void *argument)
{
    Error error;
    (void)argument;
    open_log(0);
    put("acknowledged");
    env_sleep_ns(env, 1000000000); /* the spares are made: the fault meets the log itself */
    CHECK_OK(append("doubtful", 1, &error), &error);
    simulation_inject(machine, &fault);
    CHECK_STATUS(STATUS_IO_ERROR, commit(&error));
    simulation_clear_faults(machine);
    CHECK(log_is_poisoned(log_));
    CHECK_STATUS(STATUS_LOG_POISONED, append("later", 1, &error));
    CHECK(error.hint[0] != '\0');
    CHECK_STATUS(STATUS_LOG_POISONED, commit(&error)); /* also after the disk works again */
    CHECK(statistics().durable < log_appended(log_));
    close_log();
}

static void check_survivors(void *argument)
{
    (void)argument;
    open_log(0);
    CHECK(strncmp(replayed, "acknowledged ", 13) == 0);
    CHECK(strstr(replayed, "later") == NULL);
    put("works again");
    close_log();
}

/* A7, A8: no acknowledgement after it until the log is opened anew. */
static void a_failed_write_or_sync_poisons_the_log(void **state)
{
    static const SimulationOperation operations[] = {SIMULATION_WRITE, SIMULATION_SYNC};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        (void)shut_down(NULL);
        (void)boot(NULL);
        fault = (SimulationFault){.operation = operations[i], .nth = 1, .status = STATUS_IO_ERROR};
        run(fail_once);
        run(check_survivors);
    }
}

static void fail_rollover(void *argument)
{
    const SimulationOperation *operation = argument;
    Error error;
    Status status = OK;
    open_log(0);
    put("acknowledged");
    env_sleep_ns(env, 1000000000);
    while (log_->filling == NULL || log_->filling->frames.size <= log_->room)
        CHECK_OK(append("doubtful", 1, &error), &error);
    env_sleep_ns(env, 1000000000);
    simulation_inject(
        machine, &(SimulationFault){.operation = *operation, .nth = 1, .status = STATUS_IO_ERROR});
    status = commit(&error);
    simulation_clear_faults(machine);
    CHECK_STATUS(STATUS_IO_ERROR, status);
    CHECK(log_is_poisoned(log_));
    close_log();
}

/* A10: making a segment fails loudly at each of its steps. */
static void a_failed_change_of_segment_poisons_the_log(void **state)
{
    static SimulationOperation operations[] = {SIMULATION_WRITE, SIMULATION_SYNC, SIMULATION_RENAME,
                                               SIMULATION_SYNC_DIRECTORY};
    (void)state;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        (void)shut_down(NULL);
        (void)boot(NULL);
        run_until(SIMULATION_FINISHED, fail_rollover, &operations[i]);
        run(check_survivors);
        run(check_survivors);
    }
}

/* ---- waiting ---- */

static void wake_later(void *argument)
{
    (void)argument;
    env_sleep_ns(env, 5000000);
    log_wake(log_);
}

static void wait_and_be_woken(void *argument)
{
    Thread *thread;
    Error error;
    (void)argument;
    open_log(0);
    int64_t begin_ns = env_monotonic_ns(env);
    log_wait(log_, begin_ns + 1000000); /* the deadline */
    CHECK(env_monotonic_ns(env) - begin_ns >= 1000000);
    CHECK_OK(thread_start(env, "waker", 0, wake_later, NULL, &thread, &error), &error);
    log_wait(log_, INT64_MAX);
    thread_join(thread);
    log_wake(log_); /* before the wait: it is not lost */
    log_wait(log_, INT64_MAX);
    CHECK_OK(append("x", 1, &error), &error);
    log_notify(log_);
    log_wait(log_, INT64_MAX); /* something is there already */
    CHECK_OK(commit(&error), &error);
    close_log();
}

static void the_committer_is_woken(void **state)
{
    (void)state;
    run(wait_and_be_woken);
}

/* ---- beside writers ---- */

enum { WRITERS = 4, WRITES = 60 };

static Mutex sequencer;
static uint32_t writers_left;
static LogPosition ends[WRITERS];

static void writer(void *argument)
{
    LogPosition *end = argument;
    for (int i = 0; i < WRITES; i++) {
        Error error;
        mutex_lock(&sequencer);
        CHECK_OK(append("a row of some bytes", 1 + (size_t)i % 3, &error), &error);
        *end = log_appended(log_);
        mutex_unlock(&sequencer);
        log_notify(log_);
        while (statistics().durable < *end)
            env_sleep_ns(env, 1000);
    }
    mutex_lock(&sequencer);
    writers_left--;
    mutex_unlock(&sequencer);
    log_wake(log_);
}

static void committer(void *argument)
{
    bool more = true;
    (void)argument;
    while (more) {
        LogGroup group;
        Error error;
        log_wait(log_, env_monotonic_ns(env) + 1000000);
        mutex_lock(&sequencer);
        more = writers_left > 0 || log_pending_bytes(log_) > 0;
        log_take_group(log_, last_seq, &group);
        mutex_unlock(&sequencer);
        CHECK_OK(log_write_group(log_, &group, &error), &error);
        CHECK(group.durable == statistics().durable);
        log_chunk_release(group.chunk);
    }
}

static void write_together(void *argument)
{
    Thread *threads[WRITERS + 1];
    Error error;
    (void)argument;
    open_log(0);
    mutex_open(&sequencer, env, "sequencer");
    writers_left = WRITERS;
    CHECK_OK(thread_start(env, "committer", 0, committer, NULL, &threads[WRITERS], &error), &error);
    for (int i = 0; i < WRITERS; i++)
        CHECK_OK(thread_start(env, "writer", 0, writer, &ends[i], &threads[i], &error), &error);
    for (int i = 0; i <= WRITERS; i++)
        thread_join(threads[i]);
    LogStatistics now = statistics();
    CHECK(now.frames == WRITERS * WRITES * 2);
    CHECK(now.groups < now.frames && now.segments > 0);
    mutex_close(&sequencer);
    close_log();
    open_log(0);
    CHECK(recovery.frames == WRITERS * WRITES * 2);
    close_log();
}

static void writers_share_groups(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 10; i++) {
        simulation_destroy(machine);
        machine = simulation_create(&(SimulationOptions){
            .seed = seed + i,
            .spurious_in_1000 = 5,
            .sync_ns_min = 1000,
            .sync_ns_max = 200000,
            .schedule = i % 2 == 0 ? SIMULATION_UNIFORM : SIMULATION_PRIORITIES});
        env = simulation_env(machine);
        last_seq = 0;
        run(write_together);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(a_group_is_one_write_and_one_sync),
        ON_A_MACHINE(mode_none_syncs_only_what_must_be),
        ON_A_MACHINE(mode_interval_syncs_when_it_is_due),
        ON_A_MACHINE(only_mode_always_survives_the_loss_of_power),
        ON_A_MACHINE(a_failed_write_or_sync_poisons_the_log),
        ON_A_MACHINE(a_failed_change_of_segment_poisons_the_log),
        ON_A_MACHINE(the_committer_is_woken),
        ON_A_MACHINE(writers_share_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
