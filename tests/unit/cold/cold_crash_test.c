/* A machine that dies at every change of its disk, in three ways. The test plays the engine: a
 * commit counts from the moment cold_version_prepare returned (the record in the log), and what is
 * committed must be there afterwards, whole, and go on. */
#include "tests/unit/base/simulated.h"
#include "tests/unit/cold/same_version.h"

enum { COMMITS = 5, ROWS = 3 };

/* What survives a crash: the engine's log, and its numbers that are never used twice. */
typedef struct Log {
    Simulation *simulation;
    TableKind kind;
    uint32_t commits;
    char metadata_path[200];
    uint64_t next_sequence;
    uint64_t files[COMMITS]; /* id of the file that each commit added */
} Log;

static Log world;

#define CHECK(expression) SIMULATION_CHECK(world.simulation, expression)

/* Commit i adds a file, deletes row i % 3 of the file before, and from the fourth on removes the
 * file of three commits before. */
static void expect_commits(const ColdVersion *version)
{
    CHECK(cold_version_number(version) == world.commits);
    size_t files = 0;
    for (uint32_t i = 0; i < world.commits; i++) {
        size_t at = cold_version_search(version, world.files[i]);
        bool is_removed = i + 3 < world.commits;
        CHECK((at == version->file_count) == is_removed);
        if (is_removed)
            continue;
        files++;
        for (uint32_t p = 0; p < ROWS; p++)
            CHECK(cold_version_is_deleted(version, at, p) ==
                  (i + 1 < world.commits && p == (i + 1) % 3));
    }
    CHECK(version->file_count == files);
    CHECK(version->index_count == files);
}

typedef struct Named {
    char paths[200][120];
    size_t count;
} Named;

static void note_named(void *context, const char *path)
{
    Named *named = context;
    CHECK(named->count < 200);
    (void)snprintf(named->paths[named->count++], 120, "%s", path);
}

static bool is_named(const Named *named, const char *path)
{
    bool found = false;
    for (size_t i = 0; !found && i < named->count; i++)
        found = strcmp(named->paths[i], path) == 0;
    return found;
}

/* What the engine does at opening: orphans go. */
static void remove_orphans(Fixture *fixture)
{
    static Named named;
    Error error;
    Arena arena;
    const char **listed;
    size_t count;
    named.count = 0;
    arena_open(&arena, 0);
    simulation_ok(world.simulation,
                  cold_table_list(fixture->table, &arena, &listed, &count, &error), &error);
    simulation_ok(world.simulation,
                  cold_version_visit_paths(fixture->version, note_named, &named, &error), &error);
    for (size_t i = 0; i < count; i++) {
        Path path;
        if (is_named(&named, listed[i]))
            continue;
        simulation_ok(world.simulation, cold_absolute(fixture->table, listed[i], &path, &error),
                      &error);
        simulation_ok(world.simulation, env_remove(fixture->env, path.text, &error), &error);
    }
    arena_close(&arena);
}

static void recover(Fixture *fixture)
{
    Error error;
    Damaged damaged = {0};
    ColdVersion *opened;
    const ColdOpen request = {.metadata_path = world.metadata_path,
                              .owner_of = owner_by_name,
                              .damaged_index = note_damaged,
                              .context = &damaged};
    if (world.commits > 0) {
        simulation_ok(world.simulation,
                      cold_version_open(fixture->table, &request, &opened, &error), &error);
        CHECK(damaged.count == 0);
        cold_version_release(fixture->version);
        fixture->version = opened;
        expect_commits(opened);
        simulation_ok(world.simulation,
                      cold_version_publish(fixture->table, opened, &fixture->foreign, &error),
                      &error);
        CHECK(fixture->foreign == 0);
    }
    remove_orphans(fixture);
}

static void commit_next(Fixture *fixture)
{
    Error error;
    Buffer entries;
    ColdVersion *next;
    uint32_t i = world.commits;
    uint32_t position = i % 3;
    bool is_user = world.kind == TABLE_USER;
    ColdChange change = fixture_change(fixture, i >= 3 ? COLD_REPLACE : COLD_APPEND);
    uint64_t sequence = change.file_sequence = world.next_sequence++;
    buffer_open(&entries, 0);
    DataFile *file = fixture_write_file(fixture, sequence, 0, is_user ? 7 : 0,
                                        is_user ? "alice" : NULL, i * 10, ROWS, &entries);
    KeyIndex *index = fixture_write_index(fixture, sequence, &file, 1, &entries);
    ColdDeletes deletes = {i == 0 ? 0 : world.files[i - 1], &position, 1};
    change.added = &file;
    change.added_count = 1;
    change.added_index = index;
    change.deletes = &deletes;
    change.delete_count = i == 0 ? 0 : 1;
    change.removed = &world.files[i >= 3 ? i - 3 : 0];
    change.removed_count = i >= 3 ? 1 : 0;
    simulation_ok(world.simulation,
                  cold_version_prepare(fixture->table, fixture->version, &change, &next, &error),
                  &error);
    world.files[world.commits++] = file->id; /* the record in the log, durable */
    (void)snprintf(world.metadata_path, sizeof world.metadata_path, "%s",
                   cold_version_metadata_path(next));
    cold_version_release(fixture->version);
    fixture->version = next;
    simulation_ok(world.simulation,
                  cold_version_publish(fixture->table, next, &fixture->foreign, &error), &error);
    data_file_release(file);
    key_index_release(index);
    buffer_close(&entries);
}

static void work(void *argument)
{
    (void)argument;
    Fixture fixture;
    fixture_open_at(&fixture, simulation_env(world.simulation), "/storage", world.kind);
    fixture.snapshots_max = 2;
    recover(&fixture);
    while (world.commits < COMMITS)
        commit_next(&fixture);
    expect_commits(fixture.version);
    remove_orphans(&fixture);
    fixture_close(&fixture);
}

/* False where the run ended before the n-th change. */
static bool crash_at(uint64_t n, SimulationCrash policy, TableKind kind, uint64_t seed)
{
    Error error;
    world = (Log){.simulation = simulation_of_seed(seed), .kind = kind, .next_sequence = 1};
    Env *env = simulation_env(world.simulation);
    assert_ok(env_make_directories(env, "/storage", &error), &error);
    assert_ok(env_sync_directory(env, "/", &error), &error);
    simulation_crash_at_change(world.simulation, n, policy);
    SimulationEnd end = simulation_run(world.simulation, work, NULL);
    bool crashed = end == SIMULATION_CRASHED;
    if (crashed) { /* and once more while it recovers */
        simulation_crash_at_change(world.simulation, n % 13 + 1, policy);
        end = simulation_run(world.simulation, work, NULL);
        simulation_crash_at_change(world.simulation, 0, policy);
        if (end == SIMULATION_CRASHED)
            end = simulation_run(world.simulation, work, NULL);
    }
    assert_end(SIMULATION_FINISHED, end, world.simulation);
    simulation_destroy(world.simulation);
    return crashed;
}

static void crash_everywhere(SimulationCrash policy)
{
    uint64_t seed = test_seed();
    for (int kind = TABLE_SHARED; kind <= TABLE_USER; kind++) {
        uint64_t n = 1;
        while (crash_at(n, policy, (TableKind)kind, seed + n))
            n++;
        assert_true(n > 100);
    }
}

static void a_kill_at_any_change_loses_nothing(void **state)
{
    (void)state;
    crash_everywhere(SIMULATION_KILL);
}

static void a_power_loss_at_any_change_loses_nothing(void **state)
{
    (void)state;
    crash_everywhere(SIMULATION_POWER_LOSS);
}

static void losing_all_that_was_not_synced_loses_nothing(void **state)
{
    (void)state;
    crash_everywhere(SIMULATION_LOSE_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_any_change_loses_nothing),
        cmocka_unit_test(a_power_loss_at_any_change_loses_nothing),
        cmocka_unit_test(losing_all_that_was_not_synced_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
