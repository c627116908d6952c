/* Everything that can fail, once: allocations, operations of the disk, the fault points. After it
 * the version is what it was, nothing lies about, and the next commit works. */
#include "base/fault.h"
#include "tests/unit/base/simulated.h"
#include "tests/unit/cold/same_version.h"

typedef struct Machine {
    Simulation *simulation;
    Fixture fixture;
    uint64_t file; /* the first one */
} Machine;

static const uint32_t zero[] = {0};
static const uint32_t one[] = {1};

static void machine_open(Machine *machine, TableKind kind)
{
    Error error;
    machine->simulation = simulation_of_seed(1);
    Env *env = simulation_env(machine->simulation);
    assert_ok(env_make_directories(env, "/storage", &error), &error);
    fixture_open_at(&machine->fixture, env, "/storage", kind);
    machine->file = fixture_append_plain(&machine->fixture, 0, 5);
    (void)fixture_append_plain(&machine->fixture, 5, 5);
    fixture_delete(&machine->fixture, &(ColdDeletes){machine->file, zero, 1}, 1);
}

static void machine_close(Machine *machine)
{
    fixture_close(&machine->fixture);
    simulation_destroy(machine->simulation);
}

/* A change that does everything: adds, deletes, removes. */
typedef struct Everything {
    ColdChange change;
    DataFile *file;
    KeyIndex *index;
    Buffer entries;
    ColdDeletes deletes[2];
    uint64_t removed[1];
} Everything;

static void everything_open(Machine *machine, Everything *all)
{
    Fixture *fixture = &machine->fixture;
    bool is_user = fixture->kind == TABLE_USER;
    all->change = fixture_change(fixture, COLD_REPLACE);
    buffer_open(&all->entries, 0);
    all->file = fixture_write_file(fixture, all->change.file_sequence, 0, is_user ? 7 : 0,
                                   is_user ? "alice" : NULL, 20, 4, &all->entries);
    all->index =
        fixture_write_index(fixture, all->change.file_sequence, &all->file, 1, &all->entries);
    all->deletes[0] = (ColdDeletes){machine->file, one, 1};
    all->deletes[1] = (ColdDeletes){all->file->id, zero, 1};
    all->removed[0] = cold_version_file(fixture->version, 1)->id;
    all->change.added = &all->file;
    all->change.added_count = 1;
    all->change.added_index = all->index;
    all->change.deletes = all->deletes;
    all->change.delete_count = 2;
    all->change.removed = all->removed;
    all->change.removed_count = 1;
}

static void everything_close(Everything *all)
{
    data_file_release(all->file);
    key_index_release(all->index);
    buffer_close(&all->entries);
}

static size_t count_files(const Machine *machine)
{
    Error error;
    Arena arena;
    const char **listed;
    size_t count;
    arena_open(&arena, 0);
    assert_ok(cold_table_list(machine->fixture.table, &arena, &listed, &count, &error), &error);
    arena_close(&arena);
    return count;
}

static void expect_done(Machine *machine, const Everything *all)
{
    assert_int_equal(cold_version_number(machine->fixture.version), 4);
    expect_deleted(machine->fixture.version, machine->file, "xx...");
    expect_deleted(machine->fixture.version, all->file->id, "x...");
    expect_opens_the_same(&machine->fixture);
}

/* ---- memory ---- */

static Status prepare_only(Machine *machine, const ColdChange *change, ColdVersion **out,
                           Error *error)
{
    return cold_version_prepare(machine->fixture.table, machine->fixture.version, change, out,
                                error);
}

static void preparing_without_memory(void **state)
{
    (void)state;
    static const TableKind kinds[] = {TABLE_SHARED, TABLE_USER};
    Error error;
    for (int k = 0; k < 2; k++) {
        Machine machine;
        Everything all;
        ColdVersion *next;
        machine_open(&machine, kinds[k]);
        everything_open(&machine, &all);
        size_t files = count_files(&machine);
        Status status = STATUS_OUT_OF_MEMORY;
        for (int64_t n = 1; status == STATUS_OUT_OF_MEMORY; n++) {
            memory_fail_at(n, 1);
            status = prepare_only(&machine, &all.change, &next, &error);
            memory_fail_at(0, 0);
            if (status == STATUS_OUT_OF_MEMORY)
                assert_int_equal(count_files(&machine), files); /* what was made is gone */
        }
        assert_ok(status, &error);
        cold_version_release(machine.fixture.version);
        machine.fixture.version = next;
        FAIL_EVERY_ALLOCATION(
            cold_version_publish(machine.fixture.table, next, &machine.fixture.foreign, &error),
            &error);
        expect_done(&machine, &all);
        everything_close(&all);
        machine_close(&machine);
    }
}

static Status open_and_release(Machine *machine, Error *error)
{
    Damaged damaged;
    ColdVersion *opened;
    TRY(fixture_reopen(&machine->fixture, &damaged, &opened, error));
    cold_version_release(opened);
    return OK;
}

static void visit_nothing(void *context, const char *path)
{
    (void)context;
    (void)path;
}

static void opening_and_visiting_without_memory(void **state)
{
    (void)state;
    Error error;
    Machine machine;
    machine_open(&machine, TABLE_USER);
    FAIL_EVERY_ALLOCATION(open_and_release(&machine, &error), &error);
    FAIL_EVERY_ALLOCATION(
        cold_version_visit_paths(machine.fixture.version, visit_nothing, NULL, &error), &error);
    machine_close(&machine);
}

/* ---- the disk ---- */

/* The n-th operation of a kind fails: false where there were not so many. */
static bool fail_operation(SimulationOperation operation, uint64_t n, Status wanted)
{
    Error error;
    Machine machine;
    Everything all;
    machine_open(&machine, TABLE_USER);
    everything_open(&machine, &all);
    size_t files = count_files(&machine);
    uint64_t number = cold_version_number(machine.fixture.version);
    simulation_inject(machine.simulation,
                      &(SimulationFault){.operation = operation, .nth = n, .status = wanted});
    Status status = fixture_try(&machine.fixture, &all.change, &error);
    bool fired = simulation_faults_fired(machine.simulation) > 0;
    simulation_clear_faults(machine.simulation);
    bool hint_was_not_read = fired && status == OK && operation == SIMULATION_OPEN;
    if (fired && !hint_was_not_read) /* which is then written all the same */
        assert_status(wanted, status);
    else
        assert_ok(status, &error);
    if (cold_version_number(machine.fixture.version) == number) { /* preparing failed */
        assert_int_equal(count_files(&machine), files);
        all.change.file_sequence = machine.fixture.next_sequence++;
        assert_ok(fixture_try(&machine.fixture, &all.change, &error), &error);
    } else if (fired) { /* publishing did */
        assert_ok(cold_version_publish(machine.fixture.table, machine.fixture.version,
                                       &machine.fixture.foreign, &error),
                  &error);
    }
    assert_int_equal(machine.fixture.foreign, 0);
    expect_done(&machine, &all);
    everything_close(&all);
    machine_close(&machine);
    return fired;
}

static void every_operation_of_the_disk_may_fail(void **state)
{
    (void)state;
    static const SimulationOperation operations[] = {
        SIMULATION_OPEN,           SIMULATION_CREATE, SIMULATION_WRITE, SIMULATION_SYNC,
        SIMULATION_SYNC_DIRECTORY, SIMULATION_LINK,   SIMULATION_RENAME};
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        uint64_t fired = 0;
        while (fail_operation(operations[i], fired + 1, STATUS_IO_ERROR))
            fired++;
        assert_true(fired > 0);
        while (fail_operation(operations[i], fired + 1, STATUS_DISK_FULL))
            fired++;
    }
}

static void reading_may_fail(void **state)
{
    (void)state;
    Error error;
    Machine machine;
    machine_open(&machine, TABLE_USER);
    for (uint64_t n = 1;; n++) {
        Damaged damaged;
        ColdVersion *opened;
        simulation_inject(
            machine.simulation,
            &(SimulationFault){.operation = SIMULATION_READ, .nth = n, .status = STATUS_IO_ERROR});
        uint64_t before = simulation_faults_fired(machine.simulation);
        Status status = fixture_reopen(&machine.fixture, &damaged, &opened, &error);
        bool fired = simulation_faults_fired(machine.simulation) > before;
        simulation_clear_faults(machine.simulation);
        if (status == OK) {
            assert_int_equal(damaged.count, fired); /* of a key index, which can be made again */
            cold_version_release(opened);
        } else {
            assert_status(STATUS_IO_ERROR, status);
        }
        if (!fired)
            break;
    }
    machine_close(&machine);
}

/* ---- damage ---- */

static Status open_damaged(Machine *machine, const char *relative, size_t at, bool cut,
                           Damaged *damaged)
{
    Error error;
    Path path;
    Buffer bytes;
    File *file;
    ColdVersion *opened;
    Env *env = machine->fixture.env;
    buffer_open(&bytes, 0);
    assert_ok(cold_absolute(machine->fixture.table, relative, &path, &error), &error);
    assert_ok(env_read_file(env, path.text, 1 << 24, &bytes, &error), &error);
    file_cache_forget(machine->fixture.cache, path.text);
    assert_ok(file_open(env, path.text, FILE_WRITE, &file, &error), &error);
    uint8_t flipped = bytes.data[at] ^ (uint8_t)(1u << (at % 8));
    if (cut)
        assert_ok(file_truncate(file, at, &error), &error);
    else
        assert_ok(file_write_at(file, at, slice_of(&flipped, 1), &error), &error);
    Status status = fixture_reopen(&machine->fixture, damaged, &opened, &error);
    if (status == OK)
        cold_version_release(opened);
    assert_ok(file_write_at(file, 0, buffer_slice(&bytes), &error), &error);
    assert_ok(file_close(file, &error), &error);
    file_cache_forget(machine->fixture.cache, path.text);
    buffer_close(&bytes);
    return status;
}

static void damage_one_file(Machine *machine, const char *relative, bool is_index)
{
    Error error;
    Path path;
    FileInformation information;
    assert_ok(cold_absolute(machine->fixture.table, relative, &path, &error), &error);
    assert_ok(env_stat(machine->fixture.env, path.text, &information, &error), &error);
    for (size_t at = 0; at < information.size; at += 1 + information.size / 100) {
        for (int cut = 0; cut < 2; cut++) {
            Damaged damaged;
            Status status = open_damaged(machine, relative, at, cut == 1, &damaged);
            if (is_index) /* a block is looked at when it is asked for */
                assert_ok(status, &error);
            else if (status != STATUS_DATA_CORRUPTED)
                fail_msg("%s, byte %zu %s: %s", relative, at, cut ? "cut" : "flipped",
                         status_name(status));
        }
    }
}

/* Every file that opening reads: metadata, manifest list, manifests, sidecars, indexes. */
static void damage_is_noticed(void **state)
{
    (void)state;
    Error error;
    Machine machine;
    Path path;
    machine_open(&machine, TABLE_SHARED);
    const ColdVersion *version = machine.fixture.version;
    const IcebergSnapshot *current = &version->iceberg.snapshots[2];
    damage_one_file(&machine, cold_version_metadata_path(version), false);
    damage_one_file(&machine, current->manifest_list, false);
    for (size_t i = 0; i < version->manifest_count; i++)
        damage_one_file(&machine, version->manifests[i].path, false);
    damage_one_file(&machine, current->deletes, false);
    assert_ok(cold_index_path(machine.fixture.table, 1, &path, &error), &error);
    damage_one_file(&machine, path.text, true);
    expect_opens_the_same(&machine.fixture);
    machine_close(&machine);
}

static void missing_files_are_noticed(void **state)
{
    (void)state;
    Error error;
    Damaged damaged;
    ColdVersion *opened;
    Machine machine;
    Path path;
    machine_open(&machine, TABLE_SHARED);
    const char *manifest = machine.fixture.version->manifests[1].path;
    assert_ok(cold_absolute(machine.fixture.table, manifest, &path, &error), &error);
    assert_ok(env_remove(machine.fixture.env, path.text, &error), &error);
    assert_status(STATUS_FILE_NOT_FOUND,
                  fixture_reopen(&machine.fixture, &damaged, &opened, &error));
    assert_non_null(strstr(error.internal, manifest));
    assert_null(strstr(error.message, "/"));
    machine_close(&machine);
}

static void another_tables_metadata_is_refused(void **state)
{
    (void)state;
    Error error;
    Damaged damaged;
    ColdVersion *opened;
    ColdTable *other;
    Machine machine;
    machine_open(&machine, TABLE_SHARED);
    ColdTable *mine = machine.fixture.table;
    const ColdTableOptions options = {
        .folder = machine.fixture.folder, .kind = TABLE_SHARED, .format_version = 2, .uuid = {9}};
    assert_ok(cold_table_open(&machine.fixture.context, &options, &other, &error), &error);
    machine.fixture.table = other;
    assert_status(STATUS_DATA_CORRUPTED,
                  fixture_reopen(&machine.fixture, &damaged, &opened, &error));
    machine.fixture.table = mine;
    cold_table_close(other);
    machine_close(&machine);
}

/* ---- fault points ---- */

#ifdef FIRN_FAULTS

static void arm(const char *text)
{
    Error error;
    assert_ok(fault_arm(text, &error), &error);
}

static void fault_points_fail_cleanly(void **state)
{
    (void)state;
    static const char *const points[] = {"flush_mid_metadata:eio", "flush_after_metadata_sync:eio",
                                         "flush_mid_metadata:enospc"};
    Error error;
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        Machine machine;
        Everything all;
        machine_open(&machine, TABLE_SHARED);
        everything_open(&machine, &all);
        size_t files = count_files(&machine);
        arm(points[i]);
        assert_int_not_equal(fixture_try(&machine.fixture, &all.change, &error), OK);
        arm("");
        assert_int_equal(count_files(&machine), files);
        all.change.file_sequence = machine.fixture.next_sequence++;
        assert_ok(fixture_try(&machine.fixture, &all.change, &error), &error);
        expect_done(&machine, &all);
        everything_close(&all);
        machine_close(&machine);
    }
}

static void a_fault_after_the_link_is_made_good(void **state)
{
    (void)state;
    Error error;
    Machine machine;
    Everything all;
    machine_open(&machine, TABLE_SHARED);
    everything_open(&machine, &all);
    arm("flush_after_link:eio");
    assert_status(STATUS_IO_ERROR, fixture_try(&machine.fixture, &all.change, &error));
    arm("");
    assert_slice(
        get_file(machine.fixture.env, "/storage/shop.orders-42/metadata/version-hint.text"), "3");
    assert_ok(cold_version_publish(machine.fixture.table, machine.fixture.version,
                                   &machine.fixture.foreign, &error),
              &error);
    assert_slice(
        get_file(machine.fixture.env, "/storage/shop.orders-42/metadata/version-hint.text"), "4");
    assert_int_equal(machine.fixture.foreign, 0);
    expect_done(&machine, &all);
    everything_close(&all);
    machine_close(&machine);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preparing_without_memory),
        cmocka_unit_test(opening_and_visiting_without_memory),
        cmocka_unit_test(every_operation_of_the_disk_may_fail),
        cmocka_unit_test(reading_may_fail),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(missing_files_are_noticed),
        cmocka_unit_test(another_tables_metadata_is_refused),
#ifdef FIRN_FAULTS
        cmocka_unit_test(fault_points_fail_cleanly),
        cmocka_unit_test(a_fault_after_the_link_is_made_good),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
