/* Long histories: random changes against a model, old snapshots going, manifests and sidecars
 * staying few, nothing left behind and nothing missing. */
#include "tests/unit/base/simulated.h"
#include "tests/unit/cold/same_version.h"

/* ---- a model of what should be there ---- */

enum { MODEL_FILES_MAX = 400 };

typedef struct ModelFile {
    uint64_t id;
    uint32_t rows;
    bool deleted[FIXTURE_ROWS_MAX];
    bool removed;
} ModelFile;

typedef struct Model {
    ModelFile files[MODEL_FILES_MAX];
    size_t count;
    Random random;
} Model;

static ModelFile *random_file(Model *model)
{
    for (int tries = 0; tries < 20 && model->count > 0; tries++) {
        ModelFile *file = &model->files[random_below(&model->random, model->count)];
        if (!file->removed)
            return file;
    }
    return NULL;
}

/* Up to three files, a few rows of each that live. */
static size_t random_deletes(Model *model, ColdDeletes out[3], uint32_t positions[3][8])
{
    size_t count = 0;
    for (uint64_t wanted = random_below(&model->random, 4); wanted > 0; wanted--) {
        ModelFile *file = random_file(model);
        size_t found = 0;
        for (size_t i = 0; i < count; i++)
            file = file != NULL && out[i].file_id == file->id ? NULL : file;
        for (uint32_t p = 0; file != NULL && p < file->rows && found < 8; p++) {
            if (!file->deleted[p] && random_chance(&model->random, 1, 3)) {
                file->deleted[p] = true;
                positions[count][found++] = p;
            }
        }
        if (found > 0) {
            out[count] = (ColdDeletes){file->id, positions[count], found};
            count++;
        }
    }
    return count;
}

static void append_random(Fixture *fixture, Model *model)
{
    ColdDeletes deletes[3];
    uint32_t positions[3][8];
    uint32_t rows = 1 + (uint32_t)random_below(&model->random, 20);
    bool is_user = fixture->kind == TABLE_USER;
    bool alice = random_chance(&model->random, 1, 2);
    size_t count = random_deletes(model, deletes, positions);
    assert_true(model->count < MODEL_FILES_MAX);
    uint64_t id = fixture_append(fixture,
                                 !is_user ? 0
                                 : alice  ? 7
                                          : 8,
                                 !is_user ? NULL
                                 : alice  ? "alice"
                                          : "bob",
                                 (int64_t)fixture->next_seq * 100, rows, deletes, count);
    model->files[model->count++] = (ModelFile){.id = id, .rows = rows};
}

static void delete_random(Fixture *fixture, Model *model)
{
    ColdDeletes deletes[3];
    uint32_t positions[3][8];
    size_t count = random_deletes(model, deletes, positions);
    if (count > 0)
        fixture_delete(fixture, deletes, count);
}

static void remove_random(Fixture *fixture, Model *model)
{
    uint64_t ids[4];
    size_t count = 0;
    for (uint64_t wanted = 1 + random_below(&model->random, 4); wanted > 0; wanted--) {
        ModelFile *file = random_file(model);
        if (file == NULL)
            continue;
        file->removed = true;
        ids[count++] = file->id;
    }
    if (count > 0)
        fixture_remove(fixture, ids, count);
}

static void expect_model(const ColdVersion *version, const Model *model)
{
    size_t files = 0;
    uint64_t rows = 0;
    for (size_t i = 0; i < model->count; i++) {
        const ModelFile *file = &model->files[i];
        size_t at = cold_version_search(version, file->id);
        assert_int_equal(at == version->file_count, file->removed);
        if (file->removed)
            continue;
        files++;
        for (uint32_t p = 0; p < file->rows; p++) {
            assert_int_equal(cold_version_is_deleted(version, at, p), file->deleted[p]);
            rows += !file->deleted[p];
        }
    }
    assert_int_equal(files, version->file_count);
    assert_int_equal(rows, cold_version_rows(version));
}

/* ---- which files are there, and which should be ---- */

typedef struct Paths {
    char (*texts)[200];
    size_t count;
    size_t room;
} Paths;

static void add_path(void *context, const char *path)
{
    Paths *paths = context;
    if (paths->count == paths->room) {
        paths->room = paths->room == 0 ? 256 : paths->room * 2;
        paths->texts = realloc(paths->texts, paths->room * sizeof *paths->texts);
        assert_non_null(paths->texts);
    }
    (void)snprintf(paths->texts[paths->count++], sizeof *paths->texts, "%s", path);
}

static bool has_path(const Paths *paths, const char *path)
{
    for (size_t i = 0; i < paths->count; i++) {
        if (strcmp(paths->texts[i], path) == 0)
            return true;
    }
    return false;
}

/* As the engine sweeps: everything listed that no metadata names is removed. Everything named must
 * be there. Returns how many files are left. */
static size_t sweep(Fixture *fixture)
{
    Error error;
    Arena arena;
    const char **listed;
    size_t count;
    size_t kept = 0;
    Paths named = {0};
    arena_open(&arena, 0);
    assert_ok(cold_table_list(fixture->table, &arena, &listed, &count, &error), &error);
    assert_ok(cold_version_visit_paths(fixture->version, add_path, &named, &error), &error);
    for (size_t i = 0; i < named.count; i++) {
        Path path;
        FileInformation information;
        assert_ok(cold_absolute(fixture->table, named.texts[i], &path, &error), &error);
        assert_ok(env_stat(fixture->env, path.text, &information, &error), &error);
        if (!information.exists)
            fail_msg("%s is named and not there", named.texts[i]);
    }
    for (size_t i = 0; i < count; i++) {
        Path path;
        if (has_path(&named, listed[i])) {
            kept++;
            continue;
        }
        assert_ok(cold_absolute(fixture->table, listed[i], &path, &error), &error);
        file_cache_forget(fixture->cache, path.text);
        assert_ok(env_remove(fixture->env, path.text, &error), &error);
    }
    free(named.texts);
    arena_close(&arena);
    return kept;
}

/* ---- tests ---- */

/* On a simulated machine, whose disk costs nothing. */
static Simulation *simulation;

static void history_open(Fixture *fixture, TableKind kind)
{
    Error error;
    simulation = simulation_of_seed(1);
    assert_ok(env_make_directories(simulation_env(simulation), "/storage", &error), &error);
    fixture_open_at(fixture, simulation_env(simulation), "/storage", kind);
}

static void history_close(Fixture *fixture)
{
    fixture_close(fixture);
    simulation_destroy(simulation);
}

static void random_history(TableKind kind, uint64_t seed, int steps)
{
    Fixture fixture;
    Model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->random = random_of(seed);
    history_open(&fixture, kind);
    fixture.snapshots_max = 1 + (uint32_t)random_below(&model->random, 8);
    append_random(&fixture, model);
    for (int i = 0; i < steps; i++) {
        uint64_t choice = random_below(&model->random, 10);
        if (choice < 6)
            append_random(&fixture, model);
        else if (choice < 8)
            delete_random(&fixture, model);
        else
            remove_random(&fixture, model);
        if (random_chance(&model->random, 1, 6))
            (void)sweep(&fixture);
        expect_model(fixture.version, model);
        expect_opens_the_same(&fixture);
    }
    free(model);
    history_close(&fixture);
}

static void random_histories_come_back(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (uint64_t i = 0; i < 6; i++)
        random_history(i % 2 == 0 ? TABLE_SHARED : TABLE_USER, seed + i, 60);
}

/* The table is opened after each change and the next change is made from what was opened. */
static void a_history_of_reopenings(void **state)
{
    (void)state;
    Error error;
    Damaged damaged;
    Fixture fixture;
    Model *model = calloc(1, sizeof *model);
    assert_non_null(model);
    model->random = random_of(test_seed());
    history_open(&fixture, TABLE_USER);
    for (int i = 0; i < 100; i++) {
        ColdVersion *opened;
        if (i % 3 == 2)
            delete_random(&fixture, model);
        else if (i % 10 == 9)
            remove_random(&fixture, model);
        else
            append_random(&fixture, model);
        assert_ok(fixture_reopen(&fixture, &damaged, &opened, &error), &error);
        cold_version_release(fixture.version);
        fixture.version = opened;
        expect_model(opened, model);
    }
    free(model);
    history_close(&fixture);
}

static size_t count_small_manifests(const ColdVersion *version)
{
    size_t count = 0;
    for (size_t i = 0; i < version->manifest_count; i++)
        count += version->manifests[i].files[ICEBERG_ADDED] +
                     version->manifests[i].files[ICEBERG_EXISTING] <
                 MANIFEST_ENTRIES_MAX / 2;
    return count;
}

static uint64_t metadata_bytes(const Fixture *fixture)
{
    Error error;
    Arena arena;
    const char **listed;
    size_t count;
    uint64_t bytes = 0;
    arena_open(&arena, 0);
    assert_ok(cold_table_list(fixture->table, &arena, &listed, &count, &error), &error);
    for (size_t i = 0; i < count; i++) {
        Path path;
        FileInformation information;
        if (strncmp(listed[i], "metadata/", 9) != 0)
            continue;
        assert_ok(cold_absolute(fixture->table, listed[i], &path, &error), &error);
        assert_ok(env_stat(fixture->env, path.text, &information, &error), &error);
        bytes += information.size;
    }
    arena_close(&arena);
    return bytes;
}

/* What a commit writes does not grow with the number of files: the bytes of all commits between 250
 * and 300 files are not much more than those between 100 and 150. */
static void commits_stay_small(void **state)
{
    (void)state;
    static const uint32_t zero[] = {0};
    Fixture fixture;
    uint64_t written[6] = {0};
    uint64_t last = 0;
    history_open(&fixture, TABLE_SHARED);
    fixture.snapshots_max = 5;
    for (int i = 0; i < 300; i++) {
        uint64_t id = fixture_append_plain(&fixture, i * 2, 2);
        fixture_delete(&fixture, &(ColdDeletes){id, zero, 1}, 1);
        assert_true(count_small_manifests(fixture.version) <= 2 * MANIFEST_MERGE_AT + 4);
        assert_true(fixture.version->chain.count <= SIDECAR_CHAIN_MAX);
        assert_true(fixture.version->iceberg.snapshot_count <= 5);
        assert_true(fixture.version->iceberg.log_count <= COLD_METADATA_LOG_MAX);
        uint64_t now = metadata_bytes(&fixture);
        written[i / 50] += now - last;
        last = now;
    }
    print_message("bytes of metadata in 100 commits: %llu, after 500 commits: %llu\n",
                  (unsigned long long)written[2], (unsigned long long)written[5]);
    assert_true(written[5] < written[2] * 3 / 2);
    expect_opens_the_same(&fixture);
    history_close(&fixture);
}

static void snapshots_expire(void **state)
{
    (void)state;
    Error error;
    Arena arena;
    ColdSnapshot *snapshots;
    size_t count;
    Fixture fixture;
    history_open(&fixture, TABLE_SHARED);
    uint64_t a = fixture_append_plain(&fixture, 0, 3);
    for (int i = 1; i < 6; i++)
        (void)fixture_append_plain(&fixture, i * 3, 3);
    arena_open(&arena, 0);
    assert_ok(cold_version_snapshots(fixture.version, &arena, &snapshots, &count, &error), &error);
    assert_int_equal(count, 6);
    assert_int_equal(snapshots[0].parent_id, -1);
    assert_int_equal(snapshots[5].parent_id, snapshots[4].snapshot_id);
    assert_int_equal(snapshots[5].snapshot_id, cold_version_snapshot_id(fixture.version));
    assert_string_equal(snapshots[5].operation, "append");
    assert_int_equal(snapshots[5].first_seq, 10);
    assert_int_equal(snapshots[5].last_seq, 20);
    assert_non_null(strstr(snapshots[5].summary_json, "\"firn.job\":\"FL-4k7q\""));
    assert_non_null(strstr(snapshots[5].summary_json, "\"total-records\":\"18\""));
    fixture.snapshots_max = 3;
    fixture_remove(&fixture, &a, 1);
    assert_ok(cold_version_snapshots(fixture.version, &arena, &snapshots, &count, &error), &error);
    assert_int_equal(count, 3);
    assert_string_equal(snapshots[2].operation, "delete");
    fixture.snapshots_max = 100;
    fixture.snapshots_after_us = INT64_MAX; /* all that were superseded */
    (void)fixture_append_plain(&fixture, 100, 3);
    assert_ok(cold_version_snapshots(fixture.version, &arena, &snapshots, &count, &error), &error);
    assert_int_equal(count, 1);
    expect_opens_the_same(&fixture);
    arena_close(&arena);
    history_close(&fixture);
}

/* An old snapshot keeps its files; when it goes, they go with the next sweep. */
static void expired_snapshots_give_their_files_up(void **state)
{
    (void)state;
    static const uint32_t zero[] = {0};
    Error error;
    Fixture fixture;
    Path path;
    FileInformation information;
    history_open(&fixture, TABLE_SHARED);
    uint64_t a = fixture_append_plain(&fixture, 0, 3);
    (void)fixture_append_plain(&fixture, 3, 3);
    fixture_delete(&fixture, &(ColdDeletes){a, zero, 1}, 1);
    const char *data = cold_version_file(fixture.version, 0)->path;
    assert_ok(cold_absolute(fixture.table, data, &path, &error), &error);
    fixture_remove(&fixture, &a, 1);
    size_t before = sweep(&fixture);
    assert_ok(env_stat(fixture.env, path.text, &information, &error), &error);
    assert_true(information.exists);
    fixture.snapshots_max = 1;
    (void)fixture_append_plain(&fixture, 6, 3);
    size_t after = sweep(&fixture);
    assert_true(after < before);
    assert_ok(env_stat(fixture.env, path.text, &information, &error), &error);
    assert_false(information.exists);
    expect_opens_the_same(&fixture);
    history_close(&fixture);
}

/* The owner moved the folder, or opened a backup of it elsewhere. */
static void a_moved_folder_opens(void **state)
{
    (void)state;
    static const uint32_t one[] = {1};
    Error error;
    Damaged damaged;
    ColdVersion *opened;
    Fixture fixture;
    char moved[300];
    char metadata_path[200];
    history_open(&fixture, TABLE_SHARED);
    uint64_t a = fixture_append_plain(&fixture, 0, 3);
    fixture_delete(&fixture, &(ColdDeletes){a, one, 1}, 1);
    (void)snprintf(metadata_path, sizeof metadata_path, "%s",
                   cold_version_metadata_path(fixture.version));
    (void)snprintf(moved, sizeof moved, "%s/elsewhere", fixture.root);
    fixture_close_table(&fixture);
    assert_ok(env_rename(fixture.env, fixture.folder, moved, &error), &error);
    (void)snprintf(fixture.folder, sizeof fixture.folder, "%s/elsewhere", fixture.root);
    fixture_open_table(&fixture);
    const ColdOpen request = {
        .metadata_path = metadata_path, .damaged_index = note_damaged, .context = &damaged};
    damaged = (Damaged){0};
    assert_ok(cold_version_open(fixture.table, &request, &opened, &error), &error);
    assert_int_equal(damaged.count, 0);
    fixture.version = opened;
    expect_deleted(opened, a, ".x.");
    (void)fixture_append_plain(&fixture, 3, 3); /* and goes on from there */
    (void)sweep(&fixture);
    expect_opens_the_same(&fixture);
    history_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_come_back),
        cmocka_unit_test(a_history_of_reopenings),
        cmocka_unit_test(commits_stay_small),
        cmocka_unit_test(snapshots_expire),
        cmocka_unit_test(expired_snapshots_give_their_files_up),
        cmocka_unit_test(a_moved_folder_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
