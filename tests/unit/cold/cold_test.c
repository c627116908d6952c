/* Commits, and that what they leave on disk says the same as what they left in memory. */
#include "tests/unit/cold/same_version.h"

/* ---- tests ---- */

static bool exists(const Fixture *fixture, const char *relative)
{
    Error error;
    Path path;
    FileInformation information;
    assert_ok(cold_absolute(fixture->table, relative, &path, &error), &error);
    assert_ok(env_stat(fixture->env, path.text, &information, &error), &error);
    return information.exists;
}

static void nothing_is_made_before_the_first_commit(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture, TABLE_SHARED);
    assert_int_equal(cold_version_number(fixture.version), 0);
    assert_int_equal(cold_version_snapshot_id(fixture.version), -1);
    assert_string_equal(cold_version_metadata_path(fixture.version), "");
    assert_int_equal(cold_version_file_count(fixture.version), 0);
    assert_int_equal(cold_version_rows(fixture.version), 0);
    assert_false(exists(&fixture, "metadata"));
    fixture_close(&fixture);
}

static void appends_and_opens_again(void **state)
{
    (void)state;
    static const TableKind kinds[] = {TABLE_SHARED, TABLE_USER};
    for (int k = 0; k < 2; k++) {
        Fixture fixture;
        fixture_open(&fixture, kinds[k]);
        for (int i = 0; i < 5; i++) {
            uint64_t id = fixture_append_plain(&fixture, i * 10, 10);
            assert_int_equal(cold_version_number(fixture.version), i + 1);
            assert_int_equal(cold_version_file_count(fixture.version), i + 1);
            assert_int_equal(cold_version_rows(fixture.version), 10 * (i + 1));
            assert_non_null(cold_version_find_file(fixture.version, id));
            expect_opens_the_same(&fixture);
        }
        assert_null(cold_version_find_file(fixture.version, 999));
        assert_true(exists(&fixture, "metadata/v5.metadata.json"));
        fixture_close(&fixture);
    }
}

static void expect_hint(const Fixture *fixture, const char *wanted)
{
    Error error;
    Path path;
    Buffer hint;
    assert_ok(cold_absolute(fixture->table, "metadata/version-hint.text", &path, &error), &error);
    buffer_open(&hint, 0);
    assert_ok(env_read_file(fixture->env, path.text, 100, &hint, &error), &error);
    assert_slice(buffer_slice(&hint), wanted);
    buffer_close(&hint);
}

static void publishing_again_changes_nothing(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    fixture_open(&fixture, TABLE_SHARED);
    (void)fixture_append_plain(&fixture, 0, 3);
    (void)fixture_append_plain(&fixture, 3, 3);
    expect_hint(&fixture, "2");
    for (int i = 0; i < 3; i++)
        assert_ok(cold_version_publish(fixture.table, fixture.version, &fixture.foreign, &error),
                  &error);
    expect_hint(&fixture, "2");
    assert_int_equal(fixture.foreign, 0);
    fixture_close(&fixture);
}

static void foreign_commits_are_moved_aside(void **state)
{
    (void)state;
    Error error;
    Arena arena;
    const char **paths;
    size_t count;
    Fixture fixture;
    Path path;
    fixture_open(&fixture, TABLE_SHARED);
    (void)fixture_append_plain(&fixture, 0, 3);
    assert_ok(cold_absolute(fixture.table, "metadata/v2.metadata.json", &path, &error), &error);
    write_file(path.text, SLICE("{\"somebody\":\"else\"}"));
    (void)fixture_append_plain(&fixture, 3, 3);
    assert_int_equal(fixture.foreign, 1);
    assert_true(exists(&fixture, "metadata/v2.metadata.json.foreign-1"));
    expect_opens_the_same(&fixture);
    assert_ok(env_remove(fixture.env, path.text, &error), &error);
    write_file(path.text, SLICE("again"));
    assert_ok(cold_version_publish(fixture.table, fixture.version, &fixture.foreign, &error),
              &error);
    assert_int_equal(fixture.foreign, 2);
    assert_true(exists(&fixture, "metadata/v2.metadata.json.foreign-2"));
    arena_open(&arena, 0);
    assert_ok(cold_table_list(fixture.table, &arena, &paths, &count, &error), &error);
    for (size_t i = 0; i < count; i++) /* they are nobody's orphans */
        assert_null(strstr(paths[i], "foreign"));
    arena_close(&arena);
    fixture_close(&fixture);
}

/* ---- deletes ---- */

static void deletes_add_up(void **state)
{
    (void)state;
    static const uint32_t first[] = {1, 4};
    static const uint32_t second[] = {0};
    static const uint32_t third[] = {2};
    Fixture fixture;
    uint64_t before;
    uint64_t after;
    fixture_open(&fixture, TABLE_SHARED);
    uint64_t a = fixture_append_plain(&fixture, 0, 6);
    uint64_t b = fixture_append(&fixture, 0, NULL, 6, 3, &(ColdDeletes){a, first, 2}, 1);
    expect_opens_the_same(&fixture);
    expect_deleted(fixture.version, a, ".x..x.");
    expect_deleted(fixture.version, b, "...");
    (void)cold_version_deletes(fixture.version, 0, &before);
    const ColdDeletes both[] = {{b, third, 1}, {a, second, 1}};
    fixture_delete(&fixture, both, 2);
    expect_opens_the_same(&fixture);
    expect_deleted(fixture.version, a, "xx..x.");
    expect_deleted(fixture.version, b, "..x");
    (void)cold_version_deletes(fixture.version, 0, &after);
    assert_int_not_equal(before, after);
    assert_int_equal(cold_version_rows(fixture.version), 5);
    assert_int_equal(cold_version_delete_files(fixture.version, 0), 2);
    assert_int_equal(cold_version_delete_files(fixture.version, 1), 1);
    assert_string_equal(cold_version_deletes_path(fixture.version, 0),
                        "data/batch-1700000000000-2-3.deletes.parquet");
    fixture_close(&fixture);
}

static void a_new_file_may_have_deletes_at_once(void **state)
{
    (void)state;
    static const uint32_t position[] = {0, 2};
    Fixture fixture;
    fixture_open(&fixture, TABLE_SHARED);
    uint64_t id = data_file_id(fixture.next_sequence, 0);
    assert_int_equal(fixture_append(&fixture, 0, NULL, 0, 4, &(ColdDeletes){id, position, 2}, 1),
                     id);
    expect_deleted(fixture.version, id, "x.x.");
    expect_opens_the_same(&fixture);
    fixture_close(&fixture);
}

typedef struct NamedDeletes {
    char text[2000];
} NamedDeletes;

static void note_deletes(void *context, Slice path, Slice positions)
{
    NamedDeletes *named = context;
    size_t size = strlen(named->text);
    PositionSetIterator iterator = position_set_begin(positions);
    size += (size_t)snprintf(named->text + size, sizeof named->text - size,
                             "%.*s:", SLICE_ARGUMENTS(path));
    for (uint32_t position; position_set_next(&iterator, &position);)
        size += (size_t)snprintf(named->text + size, sizeof named->text - size, " %u", position);
    (void)snprintf(named->text + size, sizeof named->text - size, "\n");
}

/* One delete file for each user and change, in the user's folder, naming the data files as the
 * manifests do, with the change's positions only. */
static void users_have_delete_files_of_their_own(void **state)
{
    (void)state;
    static const uint32_t zero[] = {0};
    static const uint32_t one[] = {1};
    Error error;
    Fixture fixture;
    NamedDeletes named = {""};
    char wanted[1000];
    Path path;
    fixture_open(&fixture, TABLE_USER);
    uint64_t a1 = fixture_append(&fixture, 7, "alice", 0, 3, NULL, 0);
    uint64_t a2 = fixture_append(&fixture, 7, "alice", 3, 3, NULL, 0);
    uint64_t b1 = fixture_append(&fixture, 8, "bob", 0, 3, NULL, 0);
    const ColdDeletes first[] = {{b1, zero, 1}, {a2, zero, 1}, {a1, zero, 1}};
    const ColdDeletes second[] = {{a1, one, 1}};
    fixture_delete(&fixture, first, 3);
    fixture_delete(&fixture, second, 1);
    assert_int_equal(fixture.version->delete_file_count, 3);
    assert_string_equal(cold_version_deletes_path(fixture.version, 1),
                        "data/alice/2023-11-14T22-13-20-2-4.deletes.parquet");
    assert_string_equal(cold_version_deletes_path(fixture.version, 2),
                        "data/bob/2023-11-14T22-13-20-3-4.deletes.parquet");
    assert_string_equal(cold_version_deletes_path(fixture.version, 0),
                        "data/alice/2023-11-14T22-13-20-1-5.deletes.parquet");
    assert_ok(
        cold_absolute(fixture.table, cold_version_deletes_path(fixture.version, 1), &path, &error),
        &error);
    assert_ok(memory_io_read_deletes(&fixture.io, path.text, note_deletes, &named, &error), &error);
    (void)snprintf(wanted, sizeof wanted,
                   "%s/data/alice/2023-11-14T22-13-20-1.parquet: 0\n"
                   "%s/data/alice/2023-11-14T22-13-20-2.parquet: 0\n",
                   fixture.folder, fixture.folder);
    assert_string_equal(named.text, wanted);
    expect_opens_the_same(&fixture);
    fixture_close(&fixture);
}

static void delete_files_go_with_their_last_data_file(void **state)
{
    (void)state;
    static const uint32_t zero[] = {0};
    Fixture fixture;
    fixture_open(&fixture, TABLE_SHARED);
    uint64_t a = fixture_append_plain(&fixture, 0, 3);
    uint64_t b = fixture_append_plain(&fixture, 3, 3);
    uint64_t c = fixture_append_plain(&fixture, 6, 3);
    const ColdDeletes deletes[] = {{a, zero, 1}, {b, zero, 1}};
    fixture_delete(&fixture, deletes, 2);
    fixture_remove(&fixture, &a, 1);
    assert_int_equal(fixture.version->delete_file_count, 1);
    assert_int_equal(cold_version_rows(fixture.version), 5);
    expect_opens_the_same(&fixture);
    fixture_remove(&fixture, &b, 1);
    assert_int_equal(fixture.version->delete_file_count, 0);
    assert_int_equal(cold_version_rows(fixture.version), 3);
    expect_opens_the_same(&fixture);
    const ColdDeletes again[] = {{c, zero, 1}};
    fixture_delete(&fixture, again, 1);
    expect_deleted(fixture.version, c, "x..");
    expect_opens_the_same(&fixture);
    fixture_close(&fixture);
}

static void wrong_deletes_are_refused(void **state)
{
    (void)state;
    static const uint32_t outside[] = {3};
    static const uint32_t twice[] = {1};
    static const uint32_t unsorted[] = {2, 1};
    Error error;
    Fixture fixture;
    fixture_open(&fixture, TABLE_SHARED);
    uint64_t id = fixture_append_plain(&fixture, 0, 3);
    fixture_delete(&fixture, &(ColdDeletes){id, twice, 1}, 1);
    const ColdDeletes wrong[] = {
        {id, outside, 1}, {id, twice, 1}, {id, unsorted, 2}, {id + 1, outside, 1}};
    for (size_t i = 0; i < 4; i++) {
        ColdChange change = fixture_change(&fixture, COLD_APPEND);
        change.deletes = &wrong[i];
        change.delete_count = 1;
        assert_status(STATUS_INTERNAL, fixture_try(&fixture, &change, &error));
    }
    expect_deleted(fixture.version, id, ".x.");
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_made_before_the_first_commit),
        cmocka_unit_test(appends_and_opens_again),
        cmocka_unit_test(publishing_again_changes_nothing),
        cmocka_unit_test(foreign_commits_are_moved_aside),
        cmocka_unit_test(deletes_add_up),
        cmocka_unit_test(a_new_file_may_have_deletes_at_once),
        cmocka_unit_test(users_have_delete_files_of_their_own),
        cmocka_unit_test(delete_files_go_with_their_last_data_file),
        cmocka_unit_test(wrong_deletes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
