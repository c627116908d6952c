/* Flush, one owner's flush, compaction, sweep: what pins see does not change, and nothing is there
 * twice. */
#include "tests/unit/engine/fixture.h"

/* ---- flush ---- */

static void settle(void *argument)
{
    (void)argument;
    open_with_tables();
    SettleResult nothing = flush(0, 0);
    CHECK(nothing.files == 0 && nothing.snapshot_id == -1); /* C9, E8: no file of nothing */
    for (int64_t i = 0; i < 10; i++)
        put(0, 0, i, "old");
    Pin *before = pin_number(0);
    SettleResult result = flush(0, 0);
    CHECK(result.rows == 10 && result.files == 1 && result.snapshot_id != -1);
    CHECK(count_rows(0, 0).hot_rows == 0 && count_rows(0, 0).cold_rows == 10);
    CHECK(count_at(before, 0).hot_rows == 10 && count_at(before, 0).cold_rows == 0);
    put(0, 0, 3, "new");
    erase(0, 0, 4);
    expect(0, 0, 3, "new");
    expect(0, 0, 4, NULL);
    expect(0, 0, 5, "old");
    expect_at(before, 0, 0, 3, "old");
    expect_at(before, 0, 0, 4, "old");
    CHECK(count_rows(0, 0).hot_rows == 1 && count_rows(0, 0).cold_rows == 8);
    CHECK(flush(0, 0).rows == 1);
    CHECK(count_rows(0, 0).cold_rows == 9);
    expect(0, 0, 3, "new");
    expect(0, 0, 4, NULL);
    expect_at(before, 0, 0, 4, "old");
    pin_release(before);
    erase(0, 0, 5);
    CHECK(flush(0, 0).files == 0); /* only a delete: G1 */
    expect(0, 0, 5, NULL);
    abandon_engine();
    open_with_tables();
    CHECK(recovery.rows_replayed == 0);
    CHECK(count_rows(0, 0).cold_rows == 8);
    expect(0, 0, 5, NULL);
    close_engine();
}

static void flushed_rows_are_in_files_and_nowhere_else(void **state)
{
    (void)state;
    run(settle);
}

static void write_while_it_flushes(void *argument)
{
    (void)argument;
    for (int64_t i = 0; i < 20; i++) {
        put(0, 0, i % 7, "later");
        if (i % 3 == 0)
            erase(0, 0, (i + 3) % 7);
    }
}

static void flush_beside_writer(void *argument)
{
    Thread *thread;
    Error error;
    (void)argument;
    open_with_tables();
    for (int64_t i = 0; i < 7; i++)
        put(0, 0, i, "first");
    CHECK_OK(thread_start(env, "writer", 0, write_while_it_flushes, NULL, &thread, &error), &error);
    for (int i = 0; i < 3; i++)
        (void)flush(0, 0);
    thread_join(thread);
    bool there[7];
    size_t rows = 0;
    for (int64_t i = 0; i < 7; i++)
        there[i] = true;
    for (int64_t i = 0; i < 20; i++) {
        there[i % 7] = true;
        if (i % 3 == 0)
            there[(i + 3) % 7] = false;
    }
    for (int round = 0; round < 2; round++) {
        rows = 0;
        for (int64_t i = 0; i < 7; i++) {
            expect(0, 0, i, there[i] ? "later" : NULL);
            rows += there[i];
        }
        TableCount count = count_rows(0, 0);
        CHECK(count.hot_rows + count.cold_rows == rows);
        (void)flush(0, 0);
        CHECK(count_rows(0, 0).cold_rows == rows);
    }
    close_engine();
}

/* What replaced a row of the memtable being flushed becomes a mark on the file (G4, G5). */
static void rows_replaced_during_a_flush_stay_replaced(void **state)
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
        run(flush_beside_writer);
    }
}

/* ---- one owner's flush ---- */

static void settle_owners(void *argument)
{
    static const OwnerId owners[] = {5, 3, 9, 4};
    const PinnedMemtable *memtables;
    (void)argument;
    open_with_tables();
    for (size_t i = 0; i < 4; i++)
        put(OWN, owners[i], 1, "x");
    put(OWN, 7, 1, "stays");
    for (size_t i = 0; i < 4; i++)
        CHECK(flush(OWN, owners[i]).rows == 1);
    Pin *pin = pin_number(OWN);
    CHECK(pin_memtables(pin, 0, &memtables) == 2 && memtables[1].without_count == 4);
    for (size_t i = 1; i < 4; i++)
        CHECK(memtables[1].without[i - 1] < memtables[1].without[i]);
    CHECK(count_at(pin, 0).hot_rows == 1 && count_at(pin, 0).cold_rows == 4);
    pin_release(pin);
    CHECK(flush(OWN, 5).files == 0); /* done already */
    abandon_engine();
    open_with_tables();
    CHECK(recovery.rows_replayed == 1); /* the owner who was not flushed */
    for (size_t i = 0; i < 4; i++)
        expect(OWN, owners[i], 1, "x");
    expect(OWN, 7, 1, "stays");
    CHECK(flush(OWN, 0).rows == 1);
    close_engine();
}

/* Bug: owners flushed out of a memtable were listed in the order of their flushes; a worker process
 * refuses a list that is not in order of id. */
static void bug_owners_flushed_in_any_order(void **state)
{
    (void)state;
    run(settle_owners);
}

static void flush_one_often(void *argument)
{
    TableStatistics statistics;
    (void)argument;
    open_with_tables();
    for (int64_t i = 0; i < 12; i++) {
        put(OWN, 2, i, "mine");
        put(OWN, 3, i, "other's");
        (void)flush(OWN, 2);
        EngineTable *table = table_number(OWN);
        engine_table_statistics(table, &statistics);
        engine_table_release(table);
        CHECK(statistics.sealed_memtables <= 4);
    }
    CHECK(count_rows(OWN, 2).cold_rows == 12);
    CHECK(count_rows(OWN, 3).hot_rows + count_rows(OWN, 3).cold_rows == 12);
    close_engine();
}

static void one_owners_flushes_do_not_pile_memtables_up(void **state)
{
    (void)state;
    run(flush_one_often);
}

/* ---- what fails ---- */

static Status stop_at_once(void *context, double progress, Error *error)
{
    (void)context;
    (void)progress;
    return error_set(error, STATUS_QUERY_CANCELED, "stopped");
}

static void give_up(void *argument)
{
    SettleResult result;
    SweepResult swept;
    Error error;
    (void)argument;
    open_with_tables();
    put(0, 0, 1, "x");
    EngineTable *table = table_number(0);
    SettleRequest request = {.job_id = SLICE("test"), .progress = stop_at_once};
    CHECK_STATUS(STATUS_QUERY_CANCELED, engine_flush(engine, table, &request, &result, &error));
    expect(0, 0, 1, "x");
    CHECK(count_rows(0, 0).hot_rows == 1);
    CHECK(!engine_has_orphans(table));
    CHECK_OK(engine_sweep(engine, table, &swept, &error), &error);
    CHECK(flush(0, 0).rows == 1);
    CHECK(count_rows(0, 0).cold_rows == 1);
    engine_table_release(table);
    close_engine();
}

static void a_flush_that_is_stopped_leaves_the_rows(void **state)
{
    (void)state;
    run(give_up);
}

static void fail_disk(void *argument)
{
    static const SimulationOperation operations[] = {SIMULATION_CREATE, SIMULATION_WRITE,
                                                     SIMULATION_SYNC, SIMULATION_SYNC_DIRECTORY,
                                                     SIMULATION_MAKE_DIRECTORY};
    SettleResult result;
    Error error;
    (void)argument;
    open_with_tables();
    int64_t rows = 0;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        for (uint64_t nth = 1; nth < 6; nth++) {
            put(0, 0, rows++, "x");
            simulation_inject(machine, &(SimulationFault){.operation = operations[i],
                                                          .path_part = "storage",
                                                          .nth = nth,
                                                          .status = STATUS_IO_ERROR});
            Status status = try_flush(0, 0, &result, &error);
            simulation_clear_faults(machine);
            CHECK(status == OK || status == STATUS_IO_ERROR);
            CHECK(!engine_is_poisoned(engine));
            TableCount count = count_rows(0, 0);
            CHECK((int64_t)(count.hot_rows + count.cold_rows) == rows);
        }
    }
    (void)flush(0, 0);
    CHECK((int64_t)count_rows(0, 0).cold_rows == rows);
    close_engine();
}

/* I4: the memtable stays readable and is flushed later. */
static void a_flush_that_the_disk_refuses_is_done_again(void **state)
{
    (void)state;
    run(fail_disk);
}

/* ---- sweep ---- */

static void sweep_many(void *argument)
{
    bool *done = argument;
    while (!*done) {
        SweepResult swept;
        Error error;
        EngineTable *table = table_number(0);
        CHECK_OK(engine_sweep(engine, table, &swept, &error), &error);
        engine_table_release(table);
        env_yield(env, "swept");
    }
}

static void give_up_beside_sweep(void *argument)
{
    Thread *thread;
    SettleResult result;
    Error error;
    bool done = false;
    (void)argument;
    open_with_tables();
    CHECK_OK(thread_start(env, "sweep", 0, sweep_many, &done, &thread, &error), &error);
    for (int64_t i = 0; i < 6; i++) {
        put(0, 0, i, "x");
        EngineTable *table = table_number(0);
        SettleRequest request = {.job_id = SLICE("test"), .progress = stop_at_once};
        CHECK_STATUS(STATUS_QUERY_CANCELED, engine_flush(engine, table, &request, &result, &error));
        engine_table_release(table);
    }
    (void)flush(0, 0);
    done = true;
    thread_join(thread);
    CHECK(count_rows(0, 0).cold_rows == 6);
    for (int64_t i = 0; i < 6; i++)
        expect(0, 0, i, "x");
    close_engine();
}

/* Bug: the sweep failed because a flush that gave up had removed its file between look and unlink.
 */
static void bug_sweep_beside_a_flush_that_gives_up(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 40; i++) {
        (void)shut_down(NULL);
        (void)boot(NULL);
        simulation_destroy(machine);
        machine = simulation_create(&(SimulationOptions){.seed = seed + i});
        env = simulation_env(machine);
        run(give_up_beside_sweep);
    }
}

static void pin_over_compaction(void *argument)
{
    SweepResult swept;
    Error error;
    bool done;
    (void)argument;
    open_with_tables();
    for (int64_t i = 0; i < 4; i++) {
        put(0, 0, i, "old");
        (void)flush(0, 0);
    }
    Pin *pin = pin_number(0);
    put(0, 0, 1, "new");
    erase(0, 0, 2);
    CHECK(compact(0).files_removed == 4);
    (void)flush(0, 0);
    (void)compact(0);
    EngineTable *table = table_number(0);
    env_sleep_ns(env, 10000000000);
    CHECK_OK(engine_expire_snapshots(engine, table, &done, &error), &error);
    CHECK_OK(engine_sweep(engine, table, &swept, &error), &error);
    expect_at(pin, 0, 0, 1, "old");
    expect_at(pin, 0, 0, 2, "old");
    CHECK(count_at(pin, 0).cold_rows == 4);
    expect(0, 0, 1, "new");
    expect(0, 0, 2, NULL);
    CHECK(count_rows(0, 0).cold_rows == 3);
    pin_release(pin);
    CHECK(engine_has_orphans(table));
    CHECK_OK(engine_sweep(engine, table, &swept, &error), &error);
    CHECK(swept.files_removed > 0 && !engine_has_orphans(table));
    expect(0, 0, 1, "new");
    engine_table_release(table);
    abandon_engine();
    open_with_tables();
    CHECK(count_rows(0, 0).cold_rows == 3);
    expect(0, 0, 1, "new");
    expect(0, 0, 2, NULL);
    close_engine();
}

/* N3, G7: files and marks stay as a pin knows them; afterwards they go. */
static void a_pin_keeps_its_files_over_compaction_and_sweep(void **state)
{
    (void)state;
    run(pin_over_compaction);
}

static void compact_with_marks(void *argument)
{
    (void)argument;
    open_with_tables();
    for (int64_t i = 0; i < 6; i++) {
        put(OWN, 2, i, "old");
        put(OWN, 3, i, "old");
        (void)flush(OWN, 0);
    }
    put(OWN, 2, 1, "new");
    erase(OWN, 3, 2);
    SettleResult result = compact(OWN); /* the marks in memory gain twins on the outputs */
    CHECK(result.files == 2 && result.files_removed == 12);
    expect(OWN, 2, 1, "new");
    expect(OWN, 3, 2, NULL);
    expect(OWN, 3, 1, "old");
    TableCount count = count_rows(OWN, 0);
    CHECK(count.hot_rows == 1 && count.cold_rows == 10 && count.files == 2);
    (void)flush(OWN, 2);
    expect(OWN, 3, 2, NULL);
    (void)flush(OWN, 0);
    CHECK(count_rows(OWN, 2).cold_rows == 6 && count_rows(OWN, 3).cold_rows == 5);
    (void)compact(OWN);
    CHECK(count_rows(OWN, 2).cold_rows == 6 && count_rows(OWN, 3).cold_rows == 5);
    expect(OWN, 2, 1, "new");
    close_engine();
}

static void marks_follow_a_compaction(void **state)
{
    (void)state;
    run(compact_with_marks);
}

/* Keys that lie in each other's ranges, so that a merge has to sort them. */
static void put_interleaved(int64_t files, int64_t rows)
{
    for (int64_t file = 0; file < files; file++) {
        for (int64_t i = 0; i < rows; i++)
            put(0, 0, i * files + file, "row");
        (void)flush(0, 0);
    }
}

static void expect_all(int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        expect(0, 0, i, "row");
    CHECK(count_rows(0, 0).cold_rows == (uint64_t)count);
}

static void compact_in_pieces(void *argument)
{
    Error error;
    (void)argument;
    policy.small_files_max = 100;
    open_with_tables();
    put_interleaved(8, 5);
    memory_io.sorted_rows_max = 12; /* two files of eight */
    SettleResult result = compact(0);
    CHECK(result.files == 4 && result.files_removed == 8);
    expect_all(40);
    memory_io.sorted_rows_max = 22;
    for (int i = 0; i < 8; i++) { /* each success dares a little more */
        Status status = try_compact(0, &result, &error);
        CHECK(status == OK || status == STATUS_OUT_OF_MEMORY);
    }
    CHECK(count_rows(0, 0).files <= 3);
    expect_all(40);
    memory_io.sorted_rows_max = 1; /* nothing at all can be merged: that is told */
    CHECK_STATUS(STATUS_OUT_OF_MEMORY, try_compact(0, &result, &error));
    expect_all(40);
    memory_io.sorted_rows_max = 0;
    for (int i = 0; i < 40; i++)
        result = compact(0);
    erase(0, 0, 7);
    (void)flush(0, 0);
    close_engine();
    open_with_tables();
    result = compact(0);
    CHECK(count_rows(0, 0).files == 1 && count_rows(0, 0).cold_rows == 39);
    close_engine();
}

/* N5: a merge that finds too little memory becomes smaller ones. */
static void a_merge_without_memory_takes_pieces(void **state)
{
    (void)state;
    run(compact_in_pieces);
}

static void compact_in_order(void *argument)
{
    (void)argument;
    policy.small_files_max = 100;
    open_with_tables();
    for (int64_t file = 0; file < 6; file++) {
        for (int64_t i = 0; i < 5; i++)
            put(0, 0, (5 - file) * 5 + i, "row");
        (void)flush(0, 0);
    }
    memory_io.sorted_rows_max = 1;
    SettleResult result = compact(0);
    CHECK(result.files == 1 && result.files_removed == 6);
    expect_all(30);
    erase(0, 0, 3);
    (void)flush(0, 0);
    result = compact(0); /* one file alone is in order, too */
    CHECK(result.files == 1 && result.files_removed == 1);
    CHECK(count_rows(0, 0).cold_rows == 29);
    close_engine();
}

static void files_behind_each_other_are_not_sorted(void **state)
{
    (void)state;
    run(compact_in_order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(a_merge_without_memory_takes_pieces),
        ON_A_MACHINE(files_behind_each_other_are_not_sorted),
        ON_A_MACHINE(flushed_rows_are_in_files_and_nowhere_else),
        ON_A_MACHINE(rows_replaced_during_a_flush_stay_replaced),
        ON_A_MACHINE(bug_owners_flushed_in_any_order),
        ON_A_MACHINE(one_owners_flushes_do_not_pile_memtables_up),
        ON_A_MACHINE(a_flush_that_is_stopped_leaves_the_rows),
        ON_A_MACHINE(a_flush_that_the_disk_refuses_is_done_again),
        ON_A_MACHINE(bug_sweep_beside_a_flush_that_gives_up),
        ON_A_MACHINE(a_pin_keeps_its_files_over_compaction_and_sweep),
        ON_A_MACHINE(marks_follow_a_compaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
