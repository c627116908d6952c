/* Triggers and back-pressure: who is asked to flush and when, who waits and for how long. */
#include "tests/unit/engine/fixture.h"

static void put_text(size_t number, int64_t key, size_t size)
{
    static char text[65536];
    CHECK(size < sizeof text);
    memset(text, 'x', size);
    text[size] = '\0';
    put(number, number == OWN ? 2 : 0, key, text);
}

static void set_policy(size_t number, const TablePolicy *own)
{
    EngineTable *table = table_number(number);
    engine_table_set_policy(table, own);
    engine_table_release(table);
}

/* ---- triggers ---- */

static void by_rows_and_bytes(void *argument)
{
    (void)argument;
    options.seals_only_by_command = false;
    open_with_tables();
    TablePolicy own = policy;
    own.flush_rows = 5;
    set_policy(0, &own);
    for (int64_t i = 0; i < 4; i++)
        put(0, 0, i % 2, "x"); /* operations count, not keys: C1 */
    CHECK(flushes_wanted == 0);
    put(0, 0, 9, "x");
    CHECK(flushes_wanted == 1 && last_trigger == TRIGGER_ROWS && last_wanted == TABLE_ID_FIRST);
    put(0, 0, 10, "x");
    CHECK(flushes_wanted == 1); /* asked once */
    (void)flush(0, 0);
    own = policy;
    own.flush_bytes = 100000;
    set_policy(2, &own); /* C7: at once */
    for (int64_t i = 0; i < 40 && flushes_wanted == 1; i++)
        put_text(2, i, 10000);
    CHECK(flushes_wanted == 2 && last_trigger == TRIGGER_BYTES &&
          last_wanted == TABLE_ID_FIRST + 2);
    TableStatistics statistics;
    EngineTable *table = table_number(2);
    engine_table_statistics(table, &statistics);
    engine_table_release(table);
    CHECK(statistics.needs_flush && statistics.active_bytes >= 100000);
    CHECK(statistics.active_bytes < 1 << 20);
    close_engine();
}

static void rows_and_bytes_ask_for_a_flush(void **state)
{
    (void)state;
    run(by_rows_and_bytes);
}

static void by_interval(void *argument)
{
    (void)argument;
    options.seals_only_by_command = false;
    open_with_tables();
    TablePolicy own = policy;
    own.flush_interval_ns = 2000000000;
    set_policy(0, &own);
    CHECK(engine_check_intervals(engine) == INT64_MAX); /* an idle table has no time: C9 */
    put(0, 0, 1, "x");
    int64_t due_ns = engine_check_intervals(engine);
    CHECK(due_ns > env_monotonic_ns(env) && flushes_wanted == 0);
    env_sleep_ns(env, due_ns - env_monotonic_ns(env));
    (void)engine_check_intervals(engine);
    CHECK(flushes_wanted == 1 && last_trigger == TRIGGER_INTERVAL); /* C3 */
    (void)flush(0, 0);
    CHECK(engine_check_intervals(engine) == INT64_MAX);
    close_engine();
}

static void an_interval_asks_for_a_flush(void **state)
{
    (void)state;
    run(by_interval);
}

static void never_by_interval(void *argument)
{
    (void)argument;
    options.seals_only_by_command = false;
    open_with_tables();
    TablePolicy own = policy;
    own.flush_interval_ns = INT64_MAX;
    set_policy(0, &own);
    put(0, 0, 1, "x");
    CHECK(engine_check_intervals(engine) == INT64_MAX);
    CHECK(flushes_wanted == 0);
    close_engine();
}

/* Bug: the longest interval overflowed, and its table was flushed at once. */
static void bug_longest_interval_was_due_at_once(void **state)
{
    (void)state;
    run(never_by_interval);
}

static void by_memory_and_log(void *argument)
{
    (void)argument;
    options.seals_only_by_command = false;
    options.memory_bytes_max = 4 << 20;
    open_with_tables();
    put_text(0, 1, 1000);
    for (int64_t i = 0; i < 200 && flushes_wanted == 0; i++)
        put_text(2, i, 30000);
    CHECK(flushes_wanted == 1 && last_trigger == TRIGGER_MEMORY);
    CHECK(last_wanted == TABLE_ID_FIRST + 2); /* the largest: C5 */
    (void)flush(2, 0);
    options.memory_bytes_max = 1 << 30;
    options.log_bytes_max = 4 << 20;
    engine_set_limits(engine, &options);
    for (int64_t i = 0; i < 200 && flushes_wanted == 1; i++)
        put_text(2, i, 30000);
    CHECK(flushes_wanted == 2 && last_trigger == TRIGGER_LOG);
    CHECK(last_wanted == TABLE_ID_FIRST); /* the one that keeps the log: C6 */
    close_engine();
}

static void memory_and_log_ask_for_a_flush(void **state)
{
    (void)state;
    run(by_memory_and_log);
}

/* ---- stalls ---- */

static void stall_until_deadline(void *argument)
{
    WriteBatch *batch;
    Error error;
    bool skipped;
    uint64_t seen;
    (void)argument;
    options.memory_bytes_max = 2 << 20;
    open_with_tables();
    int64_t key = 0;
    for (Status status = OK; status == OK; key++) {
        CHECK(key < 400);
        status = open_batch_until(0, env_monotonic_ns(env) + 100000000, &batch, &error);
        if (status == OK) {
            write_abandon(batch);
            put_text(0, key, 30000);
        } else {
            CHECK_STATUS(STATUS_STALLED, status);
        }
    }
    CHECK(strstr(error.message, "memory") != NULL && error.hint[0] != '\0');
    EngineStatistics statistics;
    engine_statistics(engine, &statistics);
    CHECK(statistics.stalls > 0 && statistics.stall_ns > 0 && statistics.slowdowns > 0);
    CHECK(statistics.stall_reason[0] == '\0'); /* nobody waits now */
    EngineTable *table = table_number(0);
    CHECK_STATUS(STATUS_WOULD_BLOCK, write_single(engine, table, 1, SLICE("k"), NULL, NULL, NULL,
                                                  NULL, &seen, &skipped, &error));
    engine_table_release(table);
    int64_t begin_ns = env_monotonic_ns(env);
    (void)count_rows(0, 0);
    CHECK(env_monotonic_ns(env) - begin_ns < 1000000000); /* J7: reads do not wait */
    close_engine();
}

static void flush_later(void *argument)
{
    (void)argument;
    env_sleep_ns(env, 300000000);
    (void)flush(0, 0); /* J3: a flush is let through */
}

static void resume(void *argument)
{
    Thread *thread;
    WriteBatch *batch;
    Error error;
    (void)argument;
    options.memory_bytes_max = 2 << 20;
    open_with_tables();
    for (int64_t key = 0; engine->memory_bytes < options.memory_bytes_max; key++)
        put_text(0, key, 30000);
    int64_t begin_ns = env_monotonic_ns(env);
    CHECK_OK(thread_start(env, "flush", 0, flush_later, NULL, &thread, &error), &error);
    CHECK_OK(open_batch_until(0, INT64_MAX, &batch, &error), &error);
    int64_t waited_ns = env_monotonic_ns(env) - begin_ns;
    CHECK(waited_ns >= 300000000 && waited_ns < 600000000); /* J2 */
    write_abandon(batch);
    thread_join(thread);
    close_engine();
}

static void writers_go_on_when_there_is_room_again(void **state)
{
    (void)state;
    run(resume);
}

static void sealed_limit(void *argument)
{
    WriteBatch *batch;
    Error error;
    (void)argument;
    options.sealed_soft = 1;
    options.sealed_hard = 2;
    open_with_tables();
    for (int i = 0; i < 2; i++) {
        put(0, 0, i, "x");
        EngineTable *table = table_number(0);
        CHECK_OK(table_seal(table, &error), &error);
        engine_table_release(table);
    }
    CHECK_STATUS(STATUS_STALLED,
                 open_batch_until(0, env_monotonic_ns(env) + 50000000, &batch, &error));
    CHECK(strstr(error.message, "sealed") != NULL);
    put(2, 0, 1, "x"); /* another table is not stalled by it */
    (void)flush(0, 0);
    put(0, 0, 3, "x");
    close_engine();
}

static void too_many_sealed_memtables_stall_their_table(void **state)
{
    (void)state;
    run(sealed_limit);
}

/* ---- pins ---- */

static void cancel_pins(void *argument)
{
    Error error;
    (void)argument;
    options.snapshot_age_max_ns = 1000000000;
    open_with_tables();
    put(0, 0, 1, "x");
    Pin *old = pin_number(0);
    Pin *clone = pin_clone(old);
    env_sleep_ns(env, 2000000000);
    Pin *young = pin_number(0);
    (void)engine_check_intervals(engine);
    CHECK_STATUS(STATUS_SNAPSHOT_TOO_OLD, pin_check(old, &error));
    CHECK_STATUS(STATUS_SNAPSHOT_TOO_OLD, pin_check(clone, &error));
    CHECK_OK(pin_check(young, &error), &error);
    EngineStatistics statistics;
    engine_statistics(engine, &statistics);
    CHECK(statistics.pins == 2 && statistics.pins_cancelled == 1);
    CHECK(statistics.oldest_pin_ns >= 2000000000);
    pin_release(old);
    pin_release(clone);
    pin_release(young);
    options.snapshot_age_max_ns = INT64_MAX / 4;
    options.snapshot_bytes_max = 1;
    engine_set_limits(engine, &options);
    Pin *holding = pin_number(0);
    (void)flush(0, 0); /* only the pin holds the memtable now */
    Pin *light = pin_number(0);
    (void)engine_check_intervals(engine);
    CHECK_STATUS(STATUS_SNAPSHOT_TOO_OLD, pin_check(holding, &error));
    CHECK_OK(pin_check(light, &error), &error);
    pin_release(holding);
    pin_release(light);
    close_engine();
}

static void pins_that_are_old_or_hold_too_much_are_cancelled(void **state)
{
    (void)state;
    run(cancel_pins);
}

static void a_stalled_writer_gives_up_at_its_deadline(void **state)
{
    (void)state;
    run(stall_until_deadline);
}

/* ---- disk full ---- */

static void fill_disk(void *argument)
{
    SettleResult result;
    Error error;
    Status status = OK;
    int64_t rows = 0;
    (void)argument;
    open_with_tables();
    env_sleep_ns(env, 1000000000);
    simulation_set_disk_bytes(machine, simulation_disk_used(machine) + (256 << 10));
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    for (; status == OK; rows += status == OK) {
        CHECK(rows < 1000);
        status = write_key(0, 0, rows, text, &error);
    }
    CHECK_STATUS(STATUS_DISK_FULL, status);
    CHECK(!engine_is_poisoned(engine));
    expect(0, 0, rows, NULL); /* nothing of it is there */
    CHECK((int64_t)count_rows(0, 0).hot_rows == rows);
    status = try_flush(0, 0, &result, &error);
    CHECK(status == OK || status == STATUS_DISK_FULL);
    CHECK((int64_t)(count_rows(0, 0).hot_rows + count_rows(0, 0).cold_rows) == rows);
    simulation_set_disk_bytes(machine, 0);
    put(0, 0, rows++, "works again"); /* A9: without a restart */
    (void)flush(0, 0);
    CHECK((int64_t)count_rows(0, 0).cold_rows == rows);
    abandon_engine();
    open_with_tables();
    CHECK((int64_t)count_rows(0, 0).cold_rows == rows);
    close_engine();
}

static void a_full_disk_refuses_writes_and_nothing_else(void **state)
{
    (void)state;
    run(fill_disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(rows_and_bytes_ask_for_a_flush),
        ON_A_MACHINE(an_interval_asks_for_a_flush),
        ON_A_MACHINE(bug_longest_interval_was_due_at_once),
        ON_A_MACHINE(memory_and_log_ask_for_a_flush),
        ON_A_MACHINE(a_stalled_writer_gives_up_at_its_deadline),
        ON_A_MACHINE(writers_go_on_when_there_is_room_again),
        ON_A_MACHINE(too_many_sealed_memtables_stall_their_table),
        ON_A_MACHINE(pins_that_are_old_or_hold_too_much_are_cancelled),
        ON_A_MACHINE(a_full_disk_refuses_writes_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
