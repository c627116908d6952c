/* Names of files and folders, made, read back, synced and listed. */
#include "cold/cold_int.h"
#include "tests/unit/cold/fixture.h"

static void expect_path(const Fixture *fixture, uint64_t sequence, uint32_t ordinal,
                        const char *owner, const char *wanted)
{
    Error error;
    Path path;
    DataFileName name;
    assert_ok(cold_data_path(fixture->table, sequence, ordinal, slice_of_text(owner),
                             1700000000123456, &path, &error),
              &error);
    if (wanted != NULL)
        assert_string_equal(path.text, wanted);
    assert_true(cold_parse_data_path(fixture->kind, path.text, &name));
    assert_int_equal(name.file_sequence, sequence);
    assert_int_equal(name.ordinal, ordinal);
    assert_int_equal(name.created_us,
                     fixture->kind == TABLE_USER ? 1700000000000000 : 1700000000123000);
}

static void data_files_have_readable_names(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture, TABLE_SHARED);
    expect_path(&fixture, 17, 0, "", "data/batch-1700000000123-17.parquet");
    expect_path(&fixture, 17, 5, "", "data/batch-1700000000123-17.5.parquet");
    expect_path(&fixture, (1ull << 39) - 1, (1u << 24) - 1, "", NULL);
    fixture_close(&fixture);
    fixture_open(&fixture, TABLE_USER);
    expect_path(&fixture, 9, 0, "alice", "data/alice/2023-11-14T22-13-20-9.parquet");
    expect_path(&fixture, 9, 3, "a@b.org", "data/a@b.org/2023-11-14T22-13-20-9.3.parquet");
    expect_path(&fixture, 9, 0, "..", "data/~2e./2023-11-14T22-13-20-9.parquet");
    expect_path(&fixture, 9, 0, "a/b~c d", "data/a~2fb~7ec~20d/2023-11-14T22-13-20-9.parquet");
    fixture_close(&fixture);
}

static void folder_of_user(const Fixture *fixture, Slice name, char out[300])
{
    Error error;
    Path path;
    assert_ok(cold_data_path(fixture->table, 1, 0, name, 0, &path, &error), &error);
    const char *folder = path.text + strlen("data/");
    size_t size = strcspn(folder, "/");
    assert_true(size < 300);
    memcpy(out, folder, size);
    out[size] = '\0';
}

/* Whatever bytes a name has: one folder of a length any file system takes, and never another's. */
static void no_two_users_share_a_folder(void **state)
{
    (void)state;
    enum { NAMES = 2000 };
    static char folders[NAMES][300];
    static char names[NAMES][130];
    static size_t sizes[NAMES];
    Fixture fixture;
    Random random = random_of(test_seed());
    fixture_open(&fixture, TABLE_USER);
    for (int i = 0; i < NAMES; i++) {
        sizes[i] = 1 + (size_t)random_below(&random, random_chance(&random, 1, 3) ? 128 : 3);
        for (size_t k = 0; k < sizes[i]; k++)
            names[i][k] = "ab~2.ef/@\xc3"[random_below(&random, 10)];
        folder_of_user(&fixture, slice_of(names[i], sizes[i]), folders[i]);
        assert_true(strlen(folders[i]) <= COLD_OWNER_FOLDER_BYTES_MAX);
        assert_true(strcmp(folders[i], ".") != 0 && strcmp(folders[i], "..") != 0);
        for (int k = 0; k < i; k++) {
            bool same_name = sizes[i] == sizes[k] && memcmp(names[i], names[k], sizes[i]) == 0;
            assert_int_equal(strcmp(folders[i], folders[k]) == 0, same_name);
        }
    }
    fixture_close(&fixture);
}

static void a_name_that_is_empty_is_refused(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Path path;
    fixture_open(&fixture, TABLE_USER);
    assert_status(STATUS_INVALID_PARAMETER_VALUE,
                  cold_data_path(fixture.table, 1, 0, SLICE_EMPTY, 0, &path, &error));
    fixture_close(&fixture);
}

static void other_names_are_not_ours(void **state)
{
    (void)state;
    static const char *const shared[] = {"data/batch-1-2.parque",
                                         "data/batch-1-.parquet",
                                         "data/batch-1.parquet",
                                         "data/batch--2.parquet",
                                         "data/x-1-2.parquet",
                                         "data/batch-1-2.0.parquet",
                                         "data/batch-1-2.99999999.parquet",
                                         "data/batch-1-x.parquet",
                                         "data/.parquet",
                                         "",
                                         "data/batch-1--2.parquet",
                                         "data/batch-1-9223372036854775807.parquet"};
    static const char *const user[] = {
        "data/a/2023-11-14T22-13-20.parquet", "data/a/2023-11-14T22-13-2-1.parquet",
        "data/a/2023-11-14X22-13-20-1.parquet", "data/a/batch-1-2.parquet"};
    DataFileName name;
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        if (cold_parse_data_path(TABLE_SHARED, shared[i], &name))
            fail_msg("%s was taken", shared[i]);
    }
    for (size_t i = 0; i < sizeof user / sizeof user[0]; i++) {
        if (cold_parse_data_path(TABLE_USER, user[i], &name))
            fail_msg("%s was taken", user[i]);
    }
}

static Status open_with(const char *folder, uint8_t format_version)
{
    Error error;
    ColdTable *table;
    ColdContext context = {.env = env_real()};
    const ColdTableOptions options = {
        .folder = folder, .kind = TABLE_SHARED, .format_version = format_version};
    Status status = cold_table_open(&context, &options, &table, &error);
    if (status == OK)
        cold_table_close(table);
    return status;
}

static void folders_and_versions_are_checked(void **state)
{
    (void)state;
    assert_status(OK, open_with("/a/b", 2));
    assert_status(STATUS_FEATURE_NOT_SUPPORTED, open_with("/a/b", 3));
    assert_status(STATUS_INVALID_PARAMETER_VALUE, open_with("a/b", 2));
    assert_status(STATUS_INVALID_PARAMETER_VALUE, open_with("/a/b/", 2));
    assert_status(STATUS_INVALID_PARAMETER_VALUE, open_with("/", 2));
    assert_status(STATUS_INVALID_PARAMETER_VALUE, open_with("/a\xff", 2));
    char longest[PATH_BYTES_MAX];
    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[PATH_BYTES_MAX / 2] = '\0';
    assert_status(STATUS_INVALID_PARAMETER_VALUE, open_with(longest, 2));
}

static void lists_what_is_there(void **state)
{
    (void)state;
    static const char *const files[] = {"data/a/x.parquet", "data/y.parquet", "keys/1.keys",
                                        "metadata/1.deletes",
                                        "metadata/v1.metadata.json.foreign-3"};
    Error error;
    Fixture fixture;
    Arena arena;
    const char **listed;
    size_t count;
    fixture_open(&fixture, TABLE_USER);
    arena_open(&arena, 0);
    assert_ok(cold_table_list(fixture.table, &arena, &listed, &count, &error), &error);
    assert_int_equal(count, 0); /* the folder is not there yet */
    for (size_t i = 0; i < 5; i++) {
        Path path;
        assert_ok(cold_make_folder_of(fixture.table, files[i], &error), &error);
        assert_ok(cold_absolute(fixture.table, files[i], &path, &error), &error);
        write_file(path.text, SLICE("x"));
    }
    assert_ok(cold_sync_files(fixture.table, files, 5, &error), &error);
    assert_ok(cold_sync_folders(fixture.table, files, 5, &error), &error);
    assert_ok(cold_table_list(fixture.table, &arena, &listed, &count, &error), &error);
    assert_int_equal(count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(listed[i], files[i]);
    arena_close(&arena);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_files_have_readable_names),
        cmocka_unit_test(no_two_users_share_a_folder),
        cmocka_unit_test(a_name_that_is_empty_is_refused),
        cmocka_unit_test(other_names_are_not_ours),
        cmocka_unit_test(folders_and_versions_are_checked),
        cmocka_unit_test(lists_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
