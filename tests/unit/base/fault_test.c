#include "base/fault.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/test.h"

static void every_point_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(fault_name(FAULT_log_append), "log_append");
    assert_string_equal(fault_name(FAULT_recover_rewrite), "recover_rewrite");
}

#ifdef FIRN_FAULTS

static void arm(const char *text)
{
    Error error;
    assert_ok(fault_arm(text, &error), &error);
}

static Status pass(void)
{
    Error error;
    return FAULT(env_real(), log_sync, &error);
}

static void nothing_happens_where_nothing_is_armed(void **state)
{
    (void)state;
    arm("");
    uint64_t passed = fault_passed(FAULT_log_sync);
    assert_status(pass(), OK);
    assert_int_equal(fault_passed(FAULT_log_sync), passed + 1);
}

static void errors_name_the_point(void **state)
{
    (void)state;
    Error error;
    arm("log_sync:eio,log_write:enospc,log_append:short");
    assert_status(FAULT(env_real(), log_sync, &error), STATUS_IO_ERROR);
    assert_non_null(strstr(error.message, "log_sync"));
    assert_status(FAULT(env_real(), log_write, &error), STATUS_DISK_FULL);
    assert_non_null(strstr(error.message, "log_write"));
    assert_true(FAULT_IS_SHORT(log_append));
    assert_false(FAULT_IS_SHORT(log_write));
    assert_status(FAULT(env_real(), log_append, &error), STATUS_IO_ERROR);
    assert_status(FAULT(env_real(), flush_write, &error), OK);
    arm("");
}

static void counts_from_k_for_n_times(void **state)
{
    (void)state;
    arm("log_sync:eio*2@3");
    static const Status wanted[] = {OK, OK, STATUS_IO_ERROR, STATUS_IO_ERROR, OK, OK};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_int_equal(fault_is_armed(FAULT_log_sync, FAULT_ACTION_EIO), wanted[i] != OK);
        assert_status(pass(), wanted[i]);
    }
    arm("log_sync:eio@2"); /* for good, and counted anew */
    assert_status(pass(), OK);
    for (int i = 0; i < 10; i++)
        assert_status(pass(), STATUS_IO_ERROR);
    arm("");
}

static void a_wrong_text_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "log_sync",
        "log_sync:",
        "log_sync:explode",
        "log_snyc:eio",
        "log_sync:eio*0",
        "log_sync:eio*-1",
        "log_sync:eio@x",
        "log_sync:eio@1*2",
        "log_sync:eio*",
        ",",
        ":eio",
        "log_write:eio,log_sync:no",
    };
    arm("log_sync:eio");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        Error error;
        assert_status(fault_arm(texts[i], &error), STATUS_INVALID_PARAMETER_VALUE);
        assert_status(pass(), STATUS_IO_ERROR);
        assert_false(fault_is_armed(FAULT_log_write, FAULT_ACTION_EIO));
    }
    arm("");
}

/* In a program that uses a fault point for the first time. */
static int run_child(const char *faults)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(126);
        (void)setenv("FIRN_FAULT", faults, 1);
        (void)execl("/proc/self/exe", "fault_test", "child", (char *)NULL);
        _exit(127);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    return result;
}

static void the_variable_is_read_at_the_first_use(void **state)
{
    (void)state;
    int result = run_child("log_sync:eio");
    assert_true(WIFEXITED(result));
    assert_int_equal(WEXITSTATUS(result), STATUS_IO_ERROR);
    result = run_child("log_sync:kill");
    assert_true(WIFSIGNALED(result));
    assert_int_equal(WTERMSIG(result), SIGKILL);
    result = run_child("log_sync:nonsense");
    assert_true(WIFSIGNALED(result));
    assert_int_equal(WTERMSIG(result), SIGABRT);
}

static void the_counts_outlive_a_kill(void **state)
{
    (void)state;
    uint64_t counts[2 * FAULT_POINT_COUNT] = {0};
    char path[] = "/tmp/fault_test_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(setenv("FIRN_FAULT_COUNTS_FILE", path, 1), 0);
    (void)run_child("log_sync:kill");
    (void)run_child("log_sync:eio@2");
    assert_int_equal(unsetenv("FIRN_FAULT_COUNTS_FILE"), 0);
    assert_int_equal(pread(file, counts, sizeof counts, 0), sizeof counts);
    assert_int_equal(close(file), 0);
    assert_int_equal(unlink(path), 0);
    for (size_t i = 0; i < FAULT_POINT_COUNT; i++) {
        assert_int_equal(counts[2 * i], i == FAULT_log_sync ? 2 : 0);     /* passed */
        assert_int_equal(counts[2 * i + 1], i == FAULT_log_sync ? 1 : 0); /* fired */
    }
}

typedef struct Pausing {
    _Atomic bool done;
    Status status;
} Pausing;

static void pause_at_log_sync(void *argument)
{
    Pausing *pausing = argument;
    pausing->status = pass();
    atomic_store(&pausing->done, true);
}

static void wait_for_passing(uint64_t passed)
{
    while (fault_passed(FAULT_log_sync) == passed)
        env_sleep_ns(env_real(), 100000);
}

static void a_pause_ends_when_it_is_disarmed(void **state)
{
    (void)state;
    Pausing pausing = {.status = STATUS_INTERNAL};
    Thread *thread;
    Error error;
    uint64_t passed = fault_passed(FAULT_log_sync);
    arm("log_sync:pause");
    assert_ok(thread_start(env_real(), "pausing", THREAD_STACK_BYTES_DEFAULT, pause_at_log_sync,
                           &pausing, &thread, &error),
              &error);
    wait_for_passing(passed);
    env_sleep_ns(env_real(), 10000000);
    assert_false(atomic_load(&pausing.done));
    arm("");
    thread_join(thread);
    assert_status(pausing.status, OK);
}

static void a_pause_ends_when_its_file_goes(void **state)
{
    (void)state;
    char path[] = "/tmp/fault_test_XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(close(descriptor), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(setenv("FIRN_FAULT_PAUSE_FILE", path, 1), 0);

    Pausing pausing = {.status = STATUS_INTERNAL};
    Thread *thread;
    Error error;
    arm("log_sync:pause");
    assert_ok(thread_start(env_real(), "pausing", THREAD_STACK_BYTES_DEFAULT, pause_at_log_sync,
                           &pausing, &thread, &error),
              &error);
    while (access(path, F_OK) != 0) /* the pause makes its file */
        env_sleep_ns(env_real(), 100000);
    assert_false(atomic_load(&pausing.done));
    assert_int_equal(unlink(path), 0);
    thread_join(thread);
    assert_status(pausing.status, OK);
    assert_status(pass(), OK); /* it is disarmed */
    assert_int_equal(unsetenv("FIRN_FAULT_PAUSE_FILE"), 0);
    arm("");
}

static int be_child(void)
{
    Error error;
    return (int)fault_check(env_real(), FAULT_log_sync, &error);
}

#else

static void other_builds_have_only_names(void **state)
{
    (void)state;
    Error error;
    assert_int_equal(setenv("FIRN_FAULT", "log_sync:kill", 1), 0);
    assert_status(FAULT(env_real(), log_sync, &error), OK);
    assert_false(FAULT_IS_SHORT(log_sync));
}

static int be_child(void)
{
    return 0;
}

#endif

int main(int argument_count, char **arguments)
{
    if (argument_count == 2 && strcmp(arguments[1], "child") == 0)
        return be_child();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_has_a_name),
#ifdef FIRN_FAULTS
        cmocka_unit_test(nothing_happens_where_nothing_is_armed),
        cmocka_unit_test(errors_name_the_point),
        cmocka_unit_test(counts_from_k_for_n_times),
        cmocka_unit_test(a_wrong_text_changes_nothing),
        cmocka_unit_test(the_variable_is_read_at_the_first_use),
        cmocka_unit_test(the_counts_outlive_a_kill),
        cmocka_unit_test(a_pause_ends_when_it_is_disarmed),
        cmocka_unit_test(a_pause_ends_when_its_file_goes),
#else
        cmocka_unit_test(other_builds_have_only_names),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
