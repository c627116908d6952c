/* The simulated disk when it fails: chosen operations, syncs, space, slowness. */
#include "tests/unit/base/machine.h"

/* ---- faults ---- */

static Status write_some(const char *path)
{
    Error error;
    File *file = open_file(path);
    Status status = file_write_at(file, 0, SLICE("0123456789"), &error);
    close_file(file);
    return status;
}

static void the_nth_operation_fails(void **state)
{
    (void)state;
    simulation_inject(machine, &(SimulationFault){.operation = SIMULATION_WRITE,
                                                  .path_part = "data",
                                                  .nth = 2,
                                                  .status = STATUS_IO_ERROR});
    assert_status(write_some("data1"), OK);
    assert_status(write_some("other"), OK); /* is not counted */
    assert_status(write_some("data1"), STATUS_IO_ERROR);
    assert_status(write_some("data1"), OK);
    simulation_inject(machine, &(SimulationFault){.operation = SIMULATION_WRITE,
                                                  .nth = 2,
                                                  .for_good = true,
                                                  .status = STATUS_DISK_FULL});
    assert_status(write_some("data1"), OK);
    for (int i = 0; i < 5; i++)
        assert_status(write_some("data1"), STATUS_DISK_FULL);
    simulation_clear_faults(machine);
    assert_status(write_some("data1"), OK);
    assert_int_equal(simulation_faults_fired(machine), 6);
}

static Status do_kind(SimulationOperation kind, Error *error)
{
    Arena arena;
    DirectoryEntry *entries;
    size_t count;
    FileInformation information;
    File *file = NULL;
    char byte;
    switch (kind) {
    case SIMULATION_STAT:
        return env_stat(env, "f", &information, error);
    case SIMULATION_MAKE_DIRECTORY:
        return env_make_directory(env, "made", error);
    case SIMULATION_SYNC_DIRECTORY:
        return env_sync_directory(env, ".", error);
    case SIMULATION_RENAME:
        return env_rename(env, "f", "f", error);
    case SIMULATION_LINK:
        return env_link(env, "f", "linked", error);
    case SIMULATION_REMOVE:
        return env_remove(env, "linked", error);
    case SIMULATION_REMOVE_DIRECTORY:
        return env_remove_directory(env, "made", error);
    case SIMULATION_LIST:
        arena_open(&arena, 0);
        Status listed = env_list(env, ".", &arena, &entries, &count, error);
        arena_close(&arena);
        return listed;
    default:
        break;
    }
    unsigned flags = FILE_READ | FILE_WRITE | (kind == SIMULATION_CREATE ? FILE_TRUNCATE : 0u);
    TRY(kind == SIMULATION_LOCK ? file_lock_open(env, "lock", &file, error)
                                : file_open(env, "f", flags, &file, error));
    Status status = OK;
    if (kind == SIMULATION_READ)
        status = file_read_at(file, 0, &byte, 1, &count, error);
    else if (kind == SIMULATION_SYNC)
        status = file_sync(file, error);
    else if (kind == SIMULATION_TRUNCATE)
        status = file_truncate(file, 3, error);
    else if (kind == SIMULATION_ALLOCATE)
        status = file_allocate(file, 30, error);
    close_file(file);
    return status;
}

static void every_kind_of_operation_can_fail(void **state)
{
    (void)state;
    put_file(env, "f", 0, SLICE("x"), true);
    for (int kind = 0; kind <= SIMULATION_LOCK; kind++) {
        SimulationOperation operation = (SimulationOperation)kind;
        Error error;
        if (operation == SIMULATION_WRITE)
            continue;
        uint64_t count = simulation_count(machine, operation);
        simulation_inject(
            machine,
            &(SimulationFault){.operation = operation, .nth = 1, .status = STATUS_IO_ERROR});
        assert_status(do_kind(operation, &error), STATUS_IO_ERROR);
        assert_status(error.status, STATUS_IO_ERROR);
        assert_status(do_kind(operation, &error), OK);
        assert_int_equal(simulation_count(machine, operation), count + 2);
        simulation_clear_faults(machine);
    }
}

/* A failed sync: reads see the data, a later sync does not save it; the disk has it or has it not.
 */
static void a_failed_sync_loses_what_it_should_have_saved(void **state)
{
    (void)state;
    int lost = 0;
    for (int i = 0; i < 100; i++) {
        Error error;
        put_file(env, "f", 0, SLICE("old"), true);
        sync_directory(env, ".");
        File *file = open_file("f");
        simulation_inject(
            machine,
            &(SimulationFault){.operation = SIMULATION_SYNC, .nth = 1, .status = STATUS_IO_ERROR});
        assert_ok(file_write_at(file, 0, SLICE("new"), &error), &error);
        assert_status(file_sync(file, &error), STATUS_IO_ERROR);
        assert_ok(file_sync(file, &error), &error);
        close_file(file);
        assert_slice(get_file(env, "f"), "new");
        simulation_crash(machine, SIMULATION_KILL);
        assert_slice(get_file(env, "f"), "new");
        simulation_crash(machine, SIMULATION_LOSE_ALL);
        bool is_lost = slice_equal_text(get_file(env, "f"), "old");
        if (!is_lost)
            assert_slice(get_file(env, "f"), "new");
        lost += is_lost;
        simulation_clear_faults(machine);
    }
    assert_true(lost > 10 && lost < 90);
}

static void a_failed_write_may_have_written_a_part(void **state)
{
    (void)state;
    int partial = 0;
    for (int i = 0; i < 50; i++) {
        Error error;
        simulation_inject(
            machine,
            &(SimulationFault){.operation = SIMULATION_WRITE, .nth = 1, .status = STATUS_IO_ERROR});
        assert_status(write_some("f"), STATUS_IO_ERROR);
        Slice content = get_file(env, "f");
        partial += content.size > 0 && content.size < 10;
        assert_true(slice_starts_with(SLICE("0123456789"), content));
        assert_ok(env_remove(env, "f", &error), &error);
        simulation_clear_faults(machine);
    }
    assert_true(partial > 10);
}

static void the_disk_can_be_full(void **state)
{
    (void)state;
    enum { PAGE = 4096 };
    static uint8_t bytes[10 * PAGE];
    Error error;
    uint64_t left;
    simulation_set_disk_bytes(machine, 8 * PAGE);
    File *file = open_file("f");
    assert_ok(file_write_at(file, 0, slice_of(bytes, 3 * PAGE), &error), &error);
    assert_ok(env_free_space(env, ".", &left, &error), &error);
    assert_int_equal(left, 5 * PAGE);
    assert_status(file_write_at(file, 3 * PAGE, slice_of(bytes, 6 * PAGE), &error),
                  STATUS_DISK_FULL);
    assert_int_equal(simulation_disk_used(machine), 8 * PAGE);
    assert_ok(file_write_at(file, 0, slice_of(bytes, 8 * PAGE), &error), &error); /* in place */
    assert_ok(file_truncate(file, PAGE, &error), &error);
    assert_int_equal(simulation_disk_used(machine), PAGE);

    assert_status(file_allocate(file, 9 * PAGE, &error), STATUS_DISK_FULL);
    assert_ok(file_allocate(file, 8 * PAGE, &error), &error);
    File *other = open_file("other");
    assert_status(file_write_at(other, 0, SLICE("x"), &error), STATUS_DISK_FULL);
    assert_ok(file_write_at(file, PAGE, slice_of(bytes, 7 * PAGE), &error), &error); /* reserved */
    close_file(other);

    assert_ok(env_remove(env, "f", &error), &error);
    assert_int_equal(simulation_disk_used(machine), 8 * PAGE); /* it is still open */
    close_file(file);
    assert_int_equal(simulation_disk_used(machine), 0);
    assert_status(write_some("other"), OK);
}

static void one_holds_the_lock(void **state)
{
    (void)state;
    File *first;
    File *second;
    Error error;
    assert_ok(file_lock_open(env, "lock", &first, &error), &error);
    assert_status(file_lock_open(env, "lock", &second, &error), STATUS_DIRECTORY_LOCKED);
    close_file(first);
    assert_ok(file_lock_open(env, "lock", &first, &error), &error);
    simulation_crash(machine, SIMULATION_KILL); /* the holder is dead */
    assert_ok(file_lock_open(env, "lock", &first, &error), &error);
    close_file(first);
}

/* ---- slow syncs ---- */

typedef struct Slow {
    File *file;
    bool is_syncing;
} Slow;

static void write_during_sync(void *argument)
{
    Slow *slow = argument;
    Error error;
    while (!slow->is_syncing)
        env_yield(env, "waiting for the sync");
    env_sleep_ns(env, 1000000);
    simulation_ok(machine, file_write_at(slow->file, 3, SLICE("late"), &error), &error);
}

static void sync_slowly(void *argument)
{
    Slow slow = {.file = argument};
    Thread *thread;
    Error error;
    simulation_ok(machine, file_write_at(slow.file, 0, SLICE("in time"), &error), &error);
    simulation_ok(machine,
                  thread_start(env, "writer", THREAD_STACK_BYTES_DEFAULT, write_during_sync, &slow,
                               &thread, &error),
                  &error);
    int64_t before_ns = env_monotonic_ns(env);
    slow.is_syncing = true;
    simulation_ok(machine, file_sync_data(slow.file, &error), &error);
    SIMULATION_CHECK(machine, env_monotonic_ns(env) >= before_ns + 5000000);
    thread_join(thread);
}

static void a_sync_saves_what_was_written_before_it(void **state)
{
    (void)state;
    boot_with(
        &(SimulationOptions){.seed = test_seed(), .sync_ns_min = 5000000, .sync_ns_max = 9000000});
    put_file(env, "f", 0, SLICE("       "), true);
    sync_directory(env, ".");
    File *file = open_file("f");
    assert_end(SIMULATION_FINISHED, simulation_run(machine, sync_slowly, file), machine);
    assert_slice(get_file(env, "f"), "in late");
    simulation_crash(machine, SIMULATION_LOSE_ALL);
    assert_slice(get_file(env, "f"), "in time");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(the_nth_operation_fails),
        ON_A_MACHINE(every_kind_of_operation_can_fail),
        ON_A_MACHINE(a_failed_sync_loses_what_it_should_have_saved),
        ON_A_MACHINE(a_failed_write_may_have_written_a_part),
        ON_A_MACHINE(the_disk_can_be_full),
        ON_A_MACHINE(one_holds_the_lock),
        ON_A_MACHINE(a_sync_saves_what_was_written_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
