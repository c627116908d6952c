/* The pool against the real worker program: answers, deadlines, cancels, deaths, limits. */
#include <signal.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "query/pool_int.h"
#include "tests/unit/query/pool.h"

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void start_random(void)
{
    const char *text = getenv("SEED");
    seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)env_monotonic_ns(env_real()) | 1;
    print_message("SEED=%llu\n", (unsigned long long)seed);
}

static void wait_until(bool (*reached)(const QueryPoolStatistics *), TestPool *test)
{
    QueryPoolStatistics statistics;
    for (int i = 0; i < 20000; i++) {
        query_pool_statistics(test->pool, &statistics);
        if (reached(&statistics))
            return;
        env_sleep_ns(env_real(), 1000000);
    }
    fail_msg("never reached");
}

/* ---- answers ---- */

static void statements_are_answered(void **state)
{
    (void)state;
    TestPool test;
    QueryPoolStatistics statistics;
    test_pool_open(&test);
    query_pool_statistics(test.pool, &statistics);
    assert_int_equal(0, statistics.spawned); /* nothing before it is needed */
    assert_string_equal("[1,\"x\"]",
                        RUN(&test, no_tables, "SELECT 1, 'x'", TYPE(INTEGER), TYPE(TEXT)));
    const Value parameters[] = {value_integer(TYPE_INTEGER, 20), value_text(SLICE("it's"))};
    QueryRequest request = {.parameters = parameters, .parameter_count = 2};
    assert_string_equal("[42,\"it's\"]", RUN(&test, request, "SELECT $1::INTEGER + 22, $2::VARCHAR",
                                             TYPE(INTEGER), TYPE(TEXT)));
    query_pool_statistics(test.pool, &statistics);
    assert_int_equal(2, statistics.statements);
    assert_int_equal(0, statistics.failures + statistics.kills);
    assert_int_equal(0, statistics.workers_busy);
    test_pool_close(&test);
}

static void errors_come_with_their_state(void **state)
{
    (void)state;
    TestPool test;
    test_pool_open(&test);
    assert_string_equal("22P02 invalid input syntax for type integer: \"x\"",
                        RUN(&test, no_tables, "SELECT 'x'::INTEGER", TYPE(INTEGER)));
    assert_string_equal("42601 syntax error at or near \"SELEC\"",
                        RUN(&test, no_tables, "SELEC 1", TYPE(INTEGER)));
    assert_string_equal("22012 division by zero",
                        RUN(&test, no_tables, "SELECT pg_idiv(1, 0)", TYPE(INTEGER)));
    QueryPoolStatistics statistics;
    query_pool_statistics(test.pool, &statistics);
    assert_int_equal(0, statistics.failures + statistics.kills);
    test_pool_close(&test);
}

static Status count_rows(void *context, const RowLayout *layout, const Slice *rows, size_t count,
                         Error *error)
{
    (void)error;
    uint64_t *sum = context;
    for (size_t i = 0; i < count; i++) {
        Value value;
        row_get(layout, rows[i], 1, &value);
        *sum += (uint64_t)value.as.integer;
    }
    return OK;
}

static void packed_rows_arrive(void **state)
{
    (void)state;
    TestPool test;
    TestText text;
    Error error;
    uint64_t sum = 0;
    const Type types[] = {TYPE(TEXT), TYPE(BIGINT)};
    test_pool_open(&test);
    test_text(&text, "SELECT 'row ' || range, range FROM range(300000)");
    QueryRequest request = {.text = &text.text,
                            .result_types = types,
                            .result_count = 2,
                            .format = QUERY_ROWS,
                            .deadline_ns = INT64_MAX};
    QuerySink sink = {.rows = count_rows, .context = &sum};
    QueryHandle handle = {.worker = 0};
    QueryResult result;
    assert_int_equal(OK, query_run(test.pool, &request, &sink, &handle, &result, &error));
    assert_int_equal(300000, result.rows);
    assert_int_equal(44999850000, sum);
    assert_int_equal(0, atomic_load(&handle.worker));
    test_pool_close(&test);
}

static void slow_sinks_get_everything(void **state)
{
    (void)state;
    TestPool test;
    Error error;
    Type type = TYPE(BIGINT);
    test_pool_open(&test);
    QueryRequest request = {.result_types = &type, .result_count = 1};
    Collected collected = {.sleep_ns = 3000000};
    assert_int_equal(
        OK, run_request(&test, &request, "SELECT * FROM range(2000000)", &collected, NULL, &error));
    assert_int_equal(2000000, collected.rows);
    assert_true(collected.bytes.size > 16 * MB);
    assert_int_equal(0, memcmp(collected.bytes.data, "[0],[1],", 8));
    buffer_close(&collected.bytes);
    test_pool_close(&test);
}

static void a_refusing_sink_ends_the_statement_not_the_worker(void **state)
{
    (void)state;
    TestPool test;
    Error error;
    Type type = TYPE(BIGINT);
    QueryPoolStatistics statistics;
    test_pool_open(&test);
    for (uint32_t fail_at = 1; fail_at < 6; fail_at++) {
        QueryRequest request = {.result_types = &type, .result_count = 1};
        Collected collected = {.fail_at = fail_at};
        assert_int_equal(STATUS_CONNECTION_FAILURE,
                         run_request(&test, &request, "SELECT * FROM range(100000000000)",
                                     &collected, NULL, &error));
        assert_string_equal("the client is gone", error.message);
        buffer_close(&collected.bytes);
    }
    query_pool_statistics(test.pool, &statistics);
    assert_int_equal(0, statistics.kills + statistics.failures);
    QueryRequest request = {.rows_max = 2};
    assert_string_equal("[0],[1]", RUN(&test, request, "SELECT * FROM range(100000000000)", type));
    test_pool_close(&test);
}

/* ---- ends ---- */

static const char endless[] = "SELECT count(*) FROM range(10000000000) a, range(10000000000) b";

static void a_deadline_costs_the_worker_and_nothing_else(void **state)
{
    (void)state;
    TestPool test;
    QueryPoolStatistics statistics;
    test_pool_open(&test);
    assert_string_equal("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    QueryRequest request = {.deadline_ns = in_milliseconds(200)};
    int64_t begin = env_monotonic_ns(env_real());
    assert_string_equal("57014 canceling statement due to statement timeout",
                        RUN(&test, request, endless, TYPE(BIGINT)));
    assert_true(env_monotonic_ns(env_real()) - begin >= 190000000);
    assert_string_equal("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    query_pool_statistics(test.pool, &statistics);
    assert_int_equal(1, statistics.kills);
    assert_int_equal(0, statistics.failures);
    test_pool_close(&test);
}

typedef struct Cancel {
    TestPool *test;
    QueryHandle handle;
} Cancel;

static void cancel_soon(void *argument)
{
    Cancel *cancel = argument;
    while (atomic_load(&cancel->handle.worker) == 0)
        env_sleep_ns(env_real(), 1000000);
    env_sleep_ns(env_real(), 20000000);
    query_cancel(cancel->test->pool, &cancel->handle);
}

static void a_cancel_ends_a_statement(void **state)
{
    (void)state;
    TestPool test;
    Error error;
    Thread *thread;
    Type type = TYPE(BIGINT);
    test_pool_open(&test);
    Cancel cancel = {.test = &test};
    assert_int_equal(
        OK, thread_start(env_real(), "cancel", 1 << 16, cancel_soon, &cancel, &thread, &error));
    QueryRequest request = {.result_types = &type, .result_count = 1};
    Collected collected = {.rows = 0};
    assert_int_equal(STATUS_QUERY_CANCELED,
                     run_request(&test, &request, endless, &collected, &cancel.handle, &error));
    assert_string_equal("canceling statement due to user request", error.message);
    thread_join(thread);
    buffer_close(&collected.bytes);
    /* the handle stays cancelled: not even a worker is taken */
    assert_int_equal(STATUS_QUERY_CANCELED,
                     run_request(&test, &request, "SELECT 1", &collected, &cancel.handle, &error));
    buffer_close(&collected.bytes);
    assert_string_equal("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    test_pool_close(&test);
}

typedef struct OneRun {
    TestPool *test;
    int64_t deadline_ns;
    Status status;
    Error error;
} OneRun;

static void run_one(void *argument)
{
    OneRun *one = argument;
    Type type = TYPE(BIGINT);
    QueryRequest request = {
        .result_types = &type, .result_count = 1, .deadline_ns = one->deadline_ns};
    Collected collected = {.rows = 0};
    one->status = run_request(one->test, &request, endless, &collected, NULL, &one->error);
    buffer_close(&collected.bytes);
}

static bool both_busy(const QueryPoolStatistics *statistics)
{
    return statistics->workers_busy == 2;
}

static void statements_wait_for_a_worker_and_closing_ends_them(void **state)
{
    (void)state;
    TestPool test;
    Error error;
    test_pool_open(&test);
    static OneRun runs[3];
    Thread *threads[3];
    for (int i = 0; i < 3; i++) {
        runs[i] = (OneRun){.test = &test, .deadline_ns = INT64_MAX};
        if (i == 2) { /* both workers are taken: this one waits until its time is over */
            wait_until(both_busy, &test);
            runs[i].deadline_ns = in_milliseconds(100);
        }
        assert_int_equal(
            OK, thread_start(env_real(), "run", 1 << 18, run_one, &runs[i], &threads[i], &error));
    }
    thread_join(threads[2]);
    assert_int_equal(STATUS_QUERY_CANCELED, runs[2].status);
    test_pool_close(&test);
    for (int i = 0; i < 2; i++) {
        thread_join(threads[i]);
        assert_int_equal(STATUS_SHUTTING_DOWN, runs[i].status);
    }
}

static int64_t worker_of(const QueryHandle *handle)
{
    return atomic_load((_Atomic int64_t *)(uintptr_t)&handle->worker);
}

typedef struct Killer {
    QueryHandle handle;
    uint64_t wait_ns;
} Killer;

static void kill_soon(void *argument)
{
    Killer *killer = argument;
    env_sleep_ns(env_real(), (int64_t)killer->wait_ns);
    int64_t pid = worker_of(&killer->handle);
    if (pid > 0)
        (void)kill((pid_t)pid, SIGKILL);
}

/* Whatever moment a worker dies at: its statement has an answer or an error, the next one works. */
static void killed_workers_cost_their_statement_only(void **state)
{
    (void)state;
    TestPool test;
    Error error;
    Type type = TYPE(BIGINT);
    int failed = 0;
    start_random();
    test_pool_open(&test);
    for (int round = 0; round < 200; round++) {
        Killer killer = {.wait_ns = next_random() % 60000000};
        Thread *thread;
        assert_int_equal(
            OK, thread_start(env_real(), "kill", 1 << 16, kill_soon, &killer, &thread, &error));
        QueryRequest request = {.result_types = &type, .result_count = 1};
        Collected collected = {.rows = 0};
        Status status =
            run_request(&test, &request,
                        round % 2 == 0 ? "SELECT * FROM range(200000)"
                                       : "SELECT sum(range)::BIGINT FROM range(3000000)",
                        &collected, &killer.handle, &error);
        assert_true(status == OK || status == STATUS_WORKER_FAILED);
        failed += status != OK;
        if (status == OK && round % 2 == 0)
            assert_int_equal(200000, collected.rows);
        thread_join(thread);
        buffer_close(&collected.bytes);
    }
    print_message("%d of 200 statements lost their worker\n", failed);
    assert_true(failed > 0);
    for (int i = 0; i < 3; i++) { /* one may have died idle */
        if (strcmp("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER))) == 0)
            break;
        assert_true(i < 2);
    }
    test_pool_close(&test);
}

static bool one_spare(const QueryPoolStatistics *statistics)
{
    return statistics->workers_alive == 2;
}

typedef struct Seven {
    TestPool *test;
    Status status;
    uint64_t rows;
} Seven;

static void ask_for_seven(void *argument)
{
    Seven *seven = argument;
    Error error;
    Type type = TYPE(INTEGER);
    QueryRequest request = {.result_types = &type, .result_count = 1};
    Collected collected = {.rows = 0};
    seven->status = run_request(seven->test, &request, "SELECT 7", &collected, NULL, &error);
    seven->rows = collected.rows;
    buffer_close(&collected.bytes);
}

static void signal_workers(TestPool *test, int signal)
{
    mutex_lock(&test->pool->mutex);
    for (uint32_t i = 0; i < test->pool->worker_count; i++) {
        if (test->pool->workers[i].pid > 0)
            (void)kill((pid_t)test->pool->workers[i].pid, signal);
    }
    mutex_unlock(&test->pool->mutex);
}

static bool one_busy(const QueryPoolStatistics *statistics)
{
    return statistics->workers_busy == 1;
}

/* The worker was dead before it read the statement, however long that took to show: it never said
 * STARTED, and the statement, which only reads, is another worker's. */
static void a_worker_that_never_started_is_replaced(void **state)
{
    (void)state;
    TestPool test;
    Error error;
    Thread *thread;
    test_pool_open_with(&test, worker_path(), 1, 1024 * MB);
    assert_string_equal("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    signal_workers(&test, SIGSTOP);
    Seven seven = {.test = &test};
    assert_int_equal(
        OK, thread_start(env_real(), "ask", 1 << 18, ask_for_seven, &seven, &thread, &error));
    wait_until(one_busy, &test);
    env_sleep_ns(env_real(), 600000000);
    signal_workers(&test, SIGKILL);
    thread_join(thread);
    assert_int_equal(OK, seven.status);
    assert_int_equal(1, seven.rows);
    test_pool_close(&test);
}

static void a_spare_is_ready_while_a_statement_runs(void **state)
{
    (void)state;
    TestPool test;
    Error error;
    Thread *thread;
    test_pool_open(&test);
    assert_string_equal("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    OneRun run = {.test = &test, .deadline_ns = INT64_MAX};
    assert_int_equal(OK, thread_start(env_real(), "run", 1 << 18, run_one, &run, &thread, &error));
    wait_until(one_spare, &test);
    query_pool_close(test.pool);
    thread_join(thread);
    assert_int_equal(OK, env_remove_tree(env_real(), test.folder, &error));
}

/* ---- limits ---- */

/* facts: each of these grew to gigabytes or ran for ever inside one process. */
static void statements_that_blow_up_fail_alone(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "SELECT length(repeat('x', 3000000000))",
        "SELECT len(list_resize([1], 1000000000))",
        "SELECT length(list_resize([1], 1000000000)::VARCHAR)",
        "SELECT len(list_transform(range(100000), lambda x: list_transform(range(100000), "
        "lambda y: x + y)))",
        "SELECT levenshtein(repeat('ab', 100000), repeat('ba', 100000))",
        "SELECT length(array_to_string(range(50000000), ','))",
        "SELECT len(range(1000000000))",
        "SELECT length(string_agg(repeat('x', 100000), '')) FROM range(100000)",
        "SELECT count(*) FROM range(10000000000) a, range(10000000000) b",
        "SELECT length(lpad('x', 2000000000, 'y'))",
    };
    TestPool test;
    test_pool_open_with(&test, worker_path(), 2, 600 * MB);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        QueryRequest request = {.deadline_ns = in_milliseconds(1500)};
        const char *answer = RUN(&test, request, statements[i], TYPE(BIGINT));
        bool is_error = strncmp(answer, "57014", 5) == 0 || strncmp(answer, "53200", 5) == 0 ||
                        strncmp(answer, "54000", 5) == 0 || strncmp(answer, "58P05", 5) == 0 ||
                        strncmp(answer, "22", 2) == 0;
        if (!is_error)
            fail_msg("%s: %s", statements[i], answer);
        assert_string_equal("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    }
    test_pool_close(&test);
}

static void spilling_works_within_its_folder(void **state)
{
    (void)state;
    TestPool test;
    Error error;
    DirectoryEntry *entries;
    size_t count;
    Arena arena;
    test_pool_open_with(&test, worker_path(), 1, 200 * MB);
    assert_string_equal("[4000000]",
                        RUN(&test, no_tables,
                            "SELECT count(*) FROM (SELECT range, hash(range) h, 'some text ' || "
                            "range t FROM range(4000000) ORDER BY h, t) WHERE h IS NOT NULL",
                            TYPE(BIGINT)));
    query_pool_close(test.pool);
    arena_open(&arena, 0);
    assert_int_equal(OK, env_list(env_real(), test.spill.text, &arena, &entries, &count, &error));
    assert_int_equal(0, count); /* every worker's folder went with it */
    arena_close(&arena);
    assert_int_equal(OK, env_remove_tree(env_real(), test.folder, &error));
}

/* ---- programs that are no worker ---- */

static void a_missing_program_is_an_error(void **state)
{
    (void)state;
    TestPool test;
    test_pool_open_with(&test, "/nonexistent/firn-worker", 2, 200 * MB);
    for (int i = 0; i < 3; i++)
        assert_string_equal("58P05 could not start the engine's worker process: No such file or "
                            "directory",
                            RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    test_pool_close(&test);
}

static void a_program_that_ends_at_once_is_an_error(void **state)
{
    (void)state;
    TestPool test;
    test_pool_open_with(&test, "/bin/true", 2, 200 * MB);
    assert_string_equal("58P05 the engine's worker process failed",
                        RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    test_pool_close(&test);
}

/* A worker that answers with nonsense: a script that writes to its socket. */
static void hostile_workers_are_ended(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "head -c 100000 /dev/urandom >&3; sleep 5",
        "head -c 100000 /dev/zero >&3; sleep 5",
        "printf '\\377\\377\\377\\377\\020\\000\\000\\000' >&3; sleep 5",
        /* READY, then random bytes */
        "printf '\\004\\000\\000\\000\\020\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000"
        "\\001\\000\\000\\000' >&3; sleep 0.05; head -c 5000 /dev/urandom >&3; sleep 5",
        /* READY, then a slot that there is not, of statement 1 */
        "printf '\\004\\000\\000\\000\\020\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000"
        "\\001\\000\\000\\000' >&3; printf '\\020\\000\\000\\000\\021\\000\\000\\000\\001\\000\\000"
        "\\000\\000\\000\\000\\000\\011\\000\\000\\000\\001\\000\\000\\000\\001\\000\\000\\000"
        "\\000\\000\\000\\000' >&3; sleep 5",
        "exec 3>&-; sleep 5",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        TestPool test;
        char path[] = "/tmp/firn-fake-worker-XXXXXX";
        int file = mkstemp(path);
        assert_true(file >= 0);
        (void)dprintf(file, "#!/bin/sh\n%s\n", bodies[i]);
        (void)close(file);
        assert_int_equal(0, chmod(path, 0700));
        test_pool_open_with(&test, path, 2, 200 * MB);
        QueryRequest request = {.deadline_ns = in_milliseconds(2000)};
        const char *answer = RUN(&test, request, "SELECT 1", TYPE(INTEGER));
        if (strncmp(answer, "58P05", 5) != 0)
            fail_msg("%s: %s", bodies[i], answer);
        test_pool_close(&test);
        (void)unlink(path);
    }
}

static void allocation_failures_are_errors(void **state)
{
    (void)state;
    TestPool test;
    test_pool_open(&test);
    assert_string_equal("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    for (int64_t n = 1; n < 200; n++) {
        Error error;
        Type type = TYPE(INTEGER);
        QueryRequest request = {.result_types = &type, .result_count = 1};
        Collected collected = {.rows = 0};
        memory_fail_at(n, 1);
        Status status = run_request(&test, &request, "SELECT 1", &collected, NULL, &error);
        int64_t passed = memory_allocations();
        memory_fail_at(0, 0);
        buffer_close(&collected.bytes);
        assert_true(status == OK || status == STATUS_OUT_OF_MEMORY ||
                    status == STATUS_WORKER_FAILED);
        if (status == OK && passed < n)
            break;
    }
    assert_string_equal("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    test_pool_close(&test);
}

/* It runs and is of no use. Who waits is told, instead of one after the other being started. */
static void a_worker_that_cannot_be_set_up_is_an_error(void **state)
{
    (void)state;
    TestPool test;
    PoolWorker *worker = NULL;
    Error error;
    test_pool_open(&test);
    memory_fail_at(1, -1);
    Status status = pool_take(test.pool, ROLE_QUERY, INT64_MAX, NULL, &worker, &error);
    memory_fail_at(0, 0);
    assert_int_equal(STATUS_WORKER_FAILED, status);
    assert_string_equal("[1]", RUN(&test, no_tables, "SELECT 1", TYPE(INTEGER)));
    test_pool_close(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_answered),
        cmocka_unit_test(errors_come_with_their_state),
        cmocka_unit_test(packed_rows_arrive),
        cmocka_unit_test(slow_sinks_get_everything),
        cmocka_unit_test(a_refusing_sink_ends_the_statement_not_the_worker),
        cmocka_unit_test(a_deadline_costs_the_worker_and_nothing_else),
        cmocka_unit_test(a_cancel_ends_a_statement),
        cmocka_unit_test(statements_wait_for_a_worker_and_closing_ends_them),
        cmocka_unit_test(killed_workers_cost_their_statement_only),
        cmocka_unit_test(a_worker_that_never_started_is_replaced),
        cmocka_unit_test(a_spare_is_ready_while_a_statement_runs),
        cmocka_unit_test(statements_that_blow_up_fail_alone),
        cmocka_unit_test(spilling_works_within_its_folder),
        cmocka_unit_test(a_missing_program_is_an_error),
        cmocka_unit_test(a_program_that_ends_at_once_is_an_error),
        cmocka_unit_test(a_worker_that_cannot_be_set_up_is_an_error),
        cmocka_unit_test(hostile_workers_are_ended),
        cmocka_unit_test(allocation_failures_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
