/* Compaction, schemas, many users at once, key indexes that do not fit. */
#include "tests/unit/cold/same_version.h"

static void compaction_replaces_files(void **state)
{
    (void)state;
    static const uint32_t dead[] = {1};
    static const uint32_t late[] = {0};
    Fixture fixture;
    Buffer entries;
    fixture_open(&fixture, TABLE_SHARED);
    uint64_t a = fixture_append_plain(&fixture, 0, 3);
    uint64_t b = fixture_append_plain(&fixture, 3, 3);
    uint64_t kept = fixture_append_plain(&fixture, 6, 3);
    fixture_delete(&fixture, &(ColdDeletes){a, dead, 1}, 1);
    ColdVersion *old = cold_version_clone(fixture.version);
    ColdChange change = fixture_change(&fixture, COLD_REPLACE);
    buffer_open(&entries, 0);
    DataFile *merged =
        fixture_write_file(&fixture, change.file_sequence, 0, 0, NULL, 0, 5, &entries);
    KeyIndex *index = fixture_write_index(&fixture, change.file_sequence, &merged, 1, &entries);
    const uint64_t removed[] = {b, a};
    const ColdDeletes deletes[] = {{merged->id, late, 1}};
    change.added = &merged;
    change.added_count = 1;
    change.added_index = index;
    change.removed = removed;
    change.removed_count = 2;
    change.deletes = deletes;
    change.delete_count = 1;
    fixture_commit(&fixture, &change);
    assert_int_equal(cold_version_file_count(fixture.version), 2);
    assert_null(cold_version_find_file(fixture.version, a));
    expect_deleted(fixture.version, merged->id, "x....");
    assert_int_equal(cold_version_rows(fixture.version), 7);
    assert_int_equal(cold_version_index_count(fixture.version), 2);
    assert_ptr_equal(cold_version_index(fixture.version, 0), index);
    assert_int_equal(key_index_file_sequence(cold_version_index(fixture.version, 1)),
                     data_file_sequence(kept));
    assert_int_equal(cold_version_file_count(old), 3); /* readers of it see what they saw */
    expect_deleted(old, a, ".x.");
    expect_opens_the_same(&fixture);
    cold_version_release(old);
    data_file_release(merged);
    key_index_release(index);
    buffer_close(&entries);
    fixture_close(&fixture);
}

static void files_keep_their_schema_version(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture, TABLE_SHARED);
    uint64_t a = fixture_append_plain(&fixture, 0, 3);
    Schema *old = fixture.schema;
    fixture.schema = fixture_schema(TABLE_SHARED, 2);
    ColdChange change = fixture_change(&fixture, COLD_SCHEMA);
    int64_t snapshot = cold_version_snapshot_id(fixture.version);
    fixture_commit(&fixture, &change);
    assert_int_equal(cold_version_snapshot_id(fixture.version), snapshot);
    assert_int_equal(fixture.version->iceberg.current_schema_id, 2);
    assert_int_equal(fixture.version->iceberg.schema_count, 2);
    expect_opens_the_same(&fixture);
    uint64_t b = fixture_append_plain(&fixture, 3, 3);
    assert_int_equal(cold_version_find_file(fixture.version, a)->schema_version, 1);
    assert_int_equal(cold_version_find_file(fixture.version, b)->schema_version, 2);
    expect_opens_the_same(&fixture);
    fixture.snapshots_max = 1;
    fixture_remove(&fixture, &a, 1); /* its manifest still names it, as deleted */
    fixture_remove(&fixture, &b, 1);
    (void)fixture_append_plain(&fixture, 9, 3);
    (void)fixture_append_plain(&fixture, 12, 3);
    assert_int_equal(fixture.version->iceberg.schema_count, 1);
    expect_opens_the_same(&fixture);
    schema_release(old);
    fixture_close(&fixture);
}

/* A memtable sealed before the schema changed is flushed after: its schema was never in the
 * metadata, its files' version must be known all the same. */
static void files_of_an_unknown_schema_version_open(void **state)
{
    (void)state;
    Fixture fixture;
    Buffer entries;
    fixture_open(&fixture, TABLE_SHARED);
    ColdChange change = fixture_change(&fixture, COLD_APPEND);
    buffer_open(&entries, 0);
    DataFile *file = fixture_write_file(&fixture, change.file_sequence, 0, 0, NULL, 0, 5, &entries);
    KeyIndex *index = fixture_write_index(&fixture, change.file_sequence, &file, 1, &entries);
    schema_release(fixture.schema);
    fixture.schema = fixture_schema(TABLE_SHARED, 2);
    change.schema = fixture.schema;
    change.added = &file;
    change.added_count = 1;
    change.added_index = index;
    fixture_commit(&fixture, &change);
    assert_int_equal(cold_version_file(fixture.version, 0)->schema_version, 1);
    expect_opens_the_same(&fixture);
    data_file_release(file);
    key_index_release(index);
    buffer_close(&entries);
    fixture_close(&fixture);
}

static void one_change_may_add_many_users(void **state)
{
    (void)state;
    static const char *const users[] = {"alice", "bob", "alice", "../../x", "J\xc3\xb6rg"};
    static const OwnerId owners[] = {7, 8, 7, 9, 10};
    Error error;
    Fixture fixture;
    Buffer entries;
    DataFile *files[5];
    ColdVersion *opened;
    Damaged damaged;
    fixture_open(&fixture, TABLE_USER);
    ColdChange change = fixture_change(&fixture, COLD_APPEND);
    buffer_open(&entries, 0);
    for (uint32_t i = 0; i < 5; i++)
        files[i] = fixture_write_file(&fixture, change.file_sequence, i, owners[i], users[i],
                                      i * 10, 3, &entries);
    KeyIndex *index = fixture_write_index(&fixture, change.file_sequence, files, 5, &entries);
    change.added = files;
    change.added_count = 5;
    change.added_index = index;
    fixture_commit(&fixture, &change);
    assert_string_equal(files[2]->path, "data/alice/2023-11-14T22-13-20-1.2.parquet");
    assert_string_equal(files[3]->path, "data/~2e.~2f..~2fx/2023-11-14T22-13-20-1.3.parquet");
    assert_string_equal(files[4]->path, "data/J~c3~b6rg/2023-11-14T22-13-20-1.4.parquet");
    expect_opens_the_same(&fixture); /* owners too, though two names are unknown */
    assert_ok(fixture_reopen(&fixture, &damaged, &opened, &error), &error);
    assert_int_equal(cold_version_file(opened, 3)->owner, 9);
    assert_slice(opened->manifests[0].owner_min, "../../x");
    assert_slice(opened->manifests[0].owner_max, "bob");
    cold_version_release(opened);
    for (uint32_t i = 0; i < 5; i++)
        data_file_release(files[i]);
    key_index_release(index);
    buffer_close(&entries);
    fixture_close(&fixture);
}

/* ---- key indexes ---- */

static void a_damaged_index_is_reported_and_made_again(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Damaged damaged;
    ColdVersion *opened;
    Path path;
    Buffer bytes;
    fixture_open(&fixture, TABLE_USER);
    for (int i = 0; i < 3; i++)
        (void)fixture_append_plain(&fixture, i * 10, 10);
    assert_ok(cold_absolute(fixture.table, "keys/2.keys", &path, &error), &error);
    read_file(path.text, &bytes);
    bytes.data[bytes.size - 1] ^= 1;
    write_file(path.text, buffer_slice(&bytes));
    assert_ok(fixture_reopen(&fixture, &damaged, &opened, &error), &error);
    assert_int_equal(damaged.count, 1);
    assert_int_equal(damaged.sequences[0], 2);
    assert_int_equal(damaged.status, STATUS_DATA_CORRUPTED);
    assert_int_equal(cold_version_index_count(opened), 2);
    assert_int_equal(cold_version_file(opened, 1)->key_min.size, 0);
    assert_int_equal(cold_version_file(opened, 1)->owner, 7); /* by name */
    bytes.data[bytes.size - 1] ^= 1;
    file_cache_forget(fixture.cache, path.text);
    write_file(path.text, buffer_slice(&bytes));
    KeyIndex *index;
    assert_ok(key_index_open(fixture.env, fixture.cache, path.text, &index, &error), &error);
    assert_ok(cold_version_add_index(opened, index, &error), &error);
    key_index_release(index);
    expect_same_version(fixture.version, opened);
    cold_version_release(opened);
    assert_ok(env_remove(fixture.env, path.text, &error), &error);
    file_cache_forget(fixture.cache, path.text);
    assert_ok(fixture_reopen(&fixture, &damaged, &opened, &error), &error);
    assert_int_equal(damaged.count, 1);
    assert_int_equal(damaged.status, STATUS_FILE_NOT_FOUND);
    cold_version_release(opened);
    buffer_close(&bytes);
    fixture_close(&fixture);
}

static void an_index_of_other_files_is_not_taken(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Damaged damaged;
    ColdVersion *opened;
    Path one;
    Path two;
    Buffer bytes;
    fixture_open(&fixture, TABLE_SHARED);
    (void)fixture_append_plain(&fixture, 0, 10);
    (void)fixture_append_plain(&fixture, 10, 5);
    assert_ok(cold_absolute(fixture.table, "keys/1.keys", &one, &error), &error);
    assert_ok(cold_absolute(fixture.table, "keys/2.keys", &two, &error), &error);
    read_file(one.text, &bytes);
    write_file(two.text, buffer_slice(&bytes));
    file_cache_forget(fixture.cache, two.text);
    assert_ok(fixture_reopen(&fixture, &damaged, &opened, &error), &error);
    assert_int_equal(damaged.count, 1);
    assert_int_equal(damaged.sequences[0], 2);
    cold_version_release(opened);
    buffer_close(&bytes);
    fixture_close(&fixture);
}

/* ---- many readers ---- */

typedef struct Reader {
    Fixture *fixture;
    ColdVersion *version;
    uint64_t seed;
} Reader;

static void read_at_random(void *argument)
{
    Reader *reader = argument;
    Error error;
    Random random = random_of(reader->seed);
    KeyIndexEntry found[KEY_INDEX_CANDIDATES_MAX];
    for (int i = 0; i < 2000; i++) {
        ColdVersion *version = cold_version_clone(reader->version);
        size_t at = (size_t)random_below(&random, cold_version_file_count(version));
        const DataFile *file = cold_version_file(version, at);
        KeyIndex *index = cold_version_index(version, cold_version_index_count(version) - 1 - at);
        size_t count;
        assert_true(cold_version_is_deleted(version, at, 0));
        assert_false(cold_version_is_deleted(version, at, 1));
        assert_ok(key_index_find(index, hash_64(file->key_min), found, &count, &error), &error);
        assert_int_equal(count, 1);
        cold_version_release(version);
    }
    cold_version_release(reader->version);
}

/* Versions are read, counted and let go by many threads while new ones are made. */
static void readers_share_versions(void **state)
{
    (void)state;
    enum { READERS = 4 };
    static const uint32_t zero[] = {0};
    Error error;
    Fixture fixture;
    Reader readers[READERS];
    Thread *threads[READERS];
    uint64_t seed = test_seed();
    fixture_open(&fixture, TABLE_SHARED);
    for (int i = 0; i < 12; i++) { /* more indexes than descriptors */
        uint64_t id = data_file_id(fixture.next_sequence, 0);
        (void)fixture_append(&fixture, 0, NULL, i * 10, 5, &(ColdDeletes){id, zero, 1}, 1);
    }
    for (uint64_t i = 0; i < READERS; i++) {
        readers[i] = (Reader){&fixture, cold_version_clone(fixture.version), seed + i};
        assert_ok(thread_start(env_real(), "reader", THREAD_STACK_BYTES_DEFAULT, read_at_random,
                               &readers[i], &threads[i], &error),
                  &error);
    }
    for (int i = 0; i < 10; i++) {
        uint64_t id = cold_version_file(fixture.version, 0)->id;
        fixture_remove(&fixture, &id, 1);
    }
    for (int i = 0; i < READERS; i++)
        thread_join(threads[i]);
    expect_opens_the_same(&fixture);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compaction_replaces_files),
        cmocka_unit_test(files_keep_their_schema_version),
        cmocka_unit_test(files_of_an_unknown_schema_version_open),
        cmocka_unit_test(one_change_may_add_many_users),
        cmocka_unit_test(a_damaged_index_is_reported_and_made_again),
        cmocka_unit_test(an_index_of_other_files_is_not_taken),
        cmocka_unit_test(readers_share_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
