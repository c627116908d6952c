/* Definitions: what pins see over them, what they wait for, what recovery makes of them. */
#include "tests/unit/engine/fixture.h"

static void truncate_table(void *argument)
{
    (void)argument;
    open_with_tables();
    put(0, 0, 1, "settled");
    (void)flush(0, 0);
    put(0, 0, 2, "in memory");
    put(2, 0, 1, "another table");
    Pin *before = pin_number(0);
    define(0, TABLE_CHANGE_TRUNCATE, 1);
    CHECK(count_rows(0, 0).hot_rows == 0 && count_rows(0, 0).cold_rows == 0);
    CHECK(count_at(before, 0).hot_rows == 1 && count_at(before, 0).cold_rows == 1);
    expect_at(before, 0, 0, 1, "settled");
    put(0, 0, 2, "after");
    pin_release(before);
    abandon_engine();
    open_with_tables();
    expect(0, 0, 1, NULL); /* nothing is resurrected */
    expect(0, 0, 2, "after");
    expect(2, 0, 1, "another table");
    CHECK(count_rows(0, 0).hot_rows + count_rows(0, 0).cold_rows == 1);
    close_engine();
}

static void truncate_takes_all_rows_from_whoever_pins_later(void **state)
{
    (void)state;
    run(truncate_table);
}

static void alter_table(void *argument)
{
    (void)argument;
    open_with_tables();
    put(0, 0, 1, "file of version 1");
    (void)flush(0, 0);
    put(0, 0, 2, "memory of version 1");
    Pin *before = pin_number(0);
    define(0, TABLE_CHANGE_ALTER, 2);
    put(0, 0, 3, "version 2");
    CHECK(pin_schema(before, 0)->version == 1);
    expect_at(before, 0, 0, 2, "memory of version 1");
    for (int round = 0; round < 2; round++) {
        expect(0, 0, 1, "file of version 1");
        expect(0, 0, 2, "memory of version 1");
        expect(0, 0, 3, "version 2");
        if (round == 0) {
            pin_release(before);
            abandon_engine();
            open_with_tables();
            CHECK(versions[0] == 2);
        }
    }
    put(0, 0, 2, "changed");
    (void)flush(0, 0);
    expect(0, 0, 2, "changed");
    CHECK(count_rows(0, 0).cold_rows == 3);
    (void)compact(0);
    expect(0, 0, 1, "file of version 1");
    close_engine();
}

static void rows_of_old_schemas_are_read_as_the_new_one(void **state)
{
    (void)state;
    run(alter_table);
}

static void drop_table(void *argument)
{
    SweepResult swept;
    Error error;
    (void)argument;
    open_with_tables();
    put(0, 0, 1, "x");
    (void)flush(0, 0);
    Pin *pin = pin_number(0);
    define(0, TABLE_CHANGE_DROP, 1);
    CHECK(engine_table(engine, TABLE_ID_FIRST) == NULL);
    expect_at(pin, 0, 0, 1, "x");
    CHECK_STATUS(
        STATUS_OBJECT_IN_USE,
        engine_remove_folder(engine, TABLE_ID_FIRST, "/data/storage/s.a-10", &swept, &error));
    CHECK_STATUS(STATUS_UNDEFINED_TABLE,
                 define_until(0, TABLE_CHANGE_TRUNCATE, 1, INT64_MAX, &error));
    pin_release(pin);
    CHECK_OK(engine_remove_folder(engine, TABLE_ID_FIRST, "/data/storage/s.a-10", &swept, &error),
             &error);
    CHECK(swept.folders_removed == 1 && !file_exists(env, "/data/storage/s.a-10"));
    CHECK_OK(engine_remove_folder(engine, TABLE_ID_FIRST, "/data/storage/s.a-10", &swept, &error),
             &error);
    CHECK(swept.folders_removed == 0);
    abandon_engine();
    open_engine();
    CHECK(engine_table(engine, TABLE_ID_FIRST) == NULL);
    close_engine();
}

static void a_dropped_table_stays_for_its_pins_only(void **state)
{
    (void)state;
    run(drop_table);
}

static void lock_timeout(void *argument)
{
    Error error;
    (void)argument;
    open_with_tables();
    WriteBatch *batch = open_batch(0);
    int64_t deadline_ns = env_monotonic_ns(env) + 50000000;
    CHECK_STATUS(STATUS_LOCK_NOT_AVAILABLE,
                 define_until(0, TABLE_CHANGE_ALTER, 2, deadline_ns, &error));
    CHECK(schemas[0]->version == 1 && env_monotonic_ns(env) >= deadline_ns);
    define(2, TABLE_CHANGE_ALTER, 2); /* another table */
    write_abandon(batch);
    define(0, TABLE_CHANGE_ALTER, 2);
    close_engine();
}

static void a_definition_waits_for_statements_until_its_deadline(void **state)
{
    (void)state;
    run(lock_timeout);
}

/* ---- beside flushes ---- */

static void flush_often(void *argument)
{
    SettleResult result;
    Error error;
    EngineTable *table = argument;
    for (int i = 0; i < 6; i++) {
        SettleRequest request = {.job_id = SLICE("test")};
        CHECK_OK(engine_flush(engine, table, &request, &result, &error), &error);
    }
}

static void truncate_beside_flush(void *argument)
{
    Thread *thread;
    Error error;
    (void)argument;
    open_with_tables();
    EngineTable *table = table_number(0);
    CHECK_OK(thread_start(env, "flush", 0, flush_often, table, &thread, &error), &error);
    for (int64_t i = 0; i < 5; i++) {
        put(0, 0, i, "x");
        if (i % 2 == 1)
            define(0, TABLE_CHANGE_TRUNCATE, 1);
    }
    thread_join(thread);
    CHECK(count_rows(0, 0).hot_rows + count_rows(0, 0).cold_rows == 1);
    expect(0, 0, 4, "x");
    CHECK_OK(thread_start(env, "flush", 0, flush_often, table, &thread, &error), &error);
    define(0, TABLE_CHANGE_DROP, 1);
    thread_join(thread);
    engine_table_release(table);
    abandon_engine();
    open_engine();
    CHECK(engine_table(engine, TABLE_ID_FIRST) == NULL);
    close_engine();
}

/* M4: neither rows nor tables come back. */
static void definitions_and_flushes_do_not_undo_each_other(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 40; i++) {
        (void)shut_down(NULL);
        (void)boot(NULL);
        simulation_destroy(machine);
        machine = simulation_create(&(SimulationOptions){
            .seed = seed + i, .schedule = i % 2 == 0 ? SIMULATION_UNIFORM : SIMULATION_PRIORITIES});
        env = simulation_env(machine);
        run(truncate_beside_flush);
    }
}

static Status refuse_rows(void *context, Error *error)
{
    (void)context;
    return error_set(error, STATUS_CHECK_VIOLATION, "refused by what is there");
}

static void check_refuses(void *argument)
{
    uint64_t seq;
    Error error;
    (void)argument;
    open_with_tables();
    put(0, 0, 1, "x");
    TableChange change = {TABLE_CHANGE_TRUNCATE, TABLE_ID_FIRST, NULL};
    Definition request = {.payload = SLICE("......"),
                          .changes = &change,
                          .change_count = 1,
                          .check = refuse_rows,
                          .lock_deadline_ns = INT64_MAX};
    CHECK_STATUS(STATUS_CHECK_VIOLATION, engine_define(engine, &request, &seq, &error));
    expect(0, 0, 1, "x");
    put(0, 0, 2, "the table is free");
    close_engine();
}

static void a_definition_can_be_refused_by_its_check(void **state)
{
    (void)state;
    run(check_refuses);
}

/* ---- allocations ---- */

typedef Status (*Attempt)(int64_t n, Error *error);

static void fail_each(Attempt attempt)
{
    Status status = STATUS_OUT_OF_MEMORY;
    for (int64_t n = 1; status == STATUS_OUT_OF_MEMORY; n++) {
        Error error;
        CHECK(n < 5000);
        memory_fail_at(n, 1);
        status = attempt(n, &error);
        memory_fail_at(0, 0);
        if (status != OK && status != STATUS_OUT_OF_MEMORY)
            simulation_fail(machine, "%s: %s", status_name(status), error.message);
        CHECK(!engine_is_poisoned(engine));
    }
}

static Slice seven_key;
static Slice seven_row;

static Status try_put(int64_t n, Error *error)
{
    (void)n;
    WriteBatch *batch;
    CommitResult result;
    EngineTable *table = table_number(0);
    WriteOperation operation = {.kind = WRITE_PUT, .key = seven_key, .row = seven_row};
    Status status = write_open(engine, table, 1, INT64_MAX, &batch, error);
    engine_table_release(table);
    TRY(status);
    status = write_lock_keys(batch, 0, &seven_key, 1, error);
    if (status == OK)
        status = write_pin(batch, error);
    if (status == OK)
        status = write_add(batch, &operation, error);
    if (status != OK) {
        write_abandon(batch);
        return status;
    }
    return write_commit(batch, &result, error);
}

static Status flush_once(int64_t n, Error *error)
{
    SettleResult result;
    (void)n;
    return try_flush(0, 0, &result, error);
}

static Status compact_once(int64_t n, Error *error)
{
    SettleResult result;
    (void)n;
    return try_compact(0, &result, error);
}

static Status checkpoint_once(int64_t n, Error *error)
{
    (void)n;
    return engine_checkpoint(engine, error);
}

static Status pin_once(int64_t n, Error *error)
{
    Pin *pin;
    HotScan *scan;
    TableCount count;
    (void)n;
    EngineTable *table = table_number(0);
    Status status = pin_open(engine, &table, 1, &pin, error);
    engine_table_release(table);
    TRY(status);
    status = pin_count(pin, 0, 0, &count, error);
    if (status == OK)
        status = hot_scan_open(pin, 0, SLICE_EMPTY, SLICE_EMPTY, false, &scan, error);
    if (status == OK)
        hot_scan_close(scan);
    pin_release(pin);
    return status;
}

static Status sweep_once(int64_t n, Error *error)
{
    SweepResult swept;
    (void)n;
    EngineTable *table = table_number(0);
    Status status = engine_sweep(engine, table, &swept, error);
    engine_table_release(table);
    return status;
}

static void fail_allocations(void *argument)
{
    Arena arena;
    (void)argument;
    open_with_tables();
    arena_open(&arena, 0);
    seven_key = key_in(&arena, 0, 0, 7);
    seven_row = row_in(&arena, 0, 7, "seven");
    for (int64_t i = 0; i < 4; i++) {
        put(0, 0, i, "x");
        put(0, 0, 1, "again");
        fail_each(flush_once);
    }
    fail_each(try_put);
    expect(0, 0, 7, "seven");
    fail_each(compact_once);
    for (int i = 0; i < 40; i++) /* it may have taken smaller pieces */
        (void)compact(0);
    fail_each(pin_once);
    fail_each(checkpoint_once);
    fail_each(sweep_once);
    for (int64_t i = 0; i < 4; i++)
        expect(0, 0, i, i == 1 ? "again" : "x");
    TableCount count = count_rows(0, 0);
    CHECK(count.hot_rows == 1 && count.cold_rows == 4 && count.files == 1);
    abandon_engine();
    open_with_tables();
    count = count_rows(0, 0);
    CHECK(count.hot_rows == 1 && count.cold_rows == 4 && count.files == 1);
    arena_close(&arena);
    close_engine();
}

static void every_allocation_can_fail(void **state)
{
    (void)state;
    run(fail_allocations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(truncate_takes_all_rows_from_whoever_pins_later),
        ON_A_MACHINE(rows_of_old_schemas_are_read_as_the_new_one),
        ON_A_MACHINE(a_dropped_table_stays_for_its_pins_only),
        ON_A_MACHINE(a_definition_waits_for_statements_until_its_deadline),
        ON_A_MACHINE(definitions_and_flushes_do_not_undo_each_other),
        ON_A_MACHINE(a_definition_can_be_refused_by_its_check),
        ON_A_MACHINE(every_allocation_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
