/* Commits, and that what they leave on disk says the same as what they left in memory. */
#include "cold/cold_int.h"

#include "tests/unit/cold/fixture.h"

/* ---- two versions are one ---- */

static void expect_same_value(const Value *a, const Value *b)
{
    assert_int_equal(a->is_null, b->is_null);
    assert_int_equal(value_compare(a, b), 0);
}

/* Bounds of long texts are cut on disk, so they only have to hold the others. */
static void expect_same_statistics(const DataFile *a, const DataFile *b)
{
    for (uint32_t i = 0; i < a->statistics_count; i++) {
        const ColumnStatistics *x = &a->statistics[i];
        const ColumnStatistics *y = NULL;
        for (uint32_t k = 0; k < b->statistics_count; k++) {
            if (b->statistics[k].field_id == x->field_id)
                y = &b->statistics[k];
        }
        assert_non_null(y);
        assert_int_equal(x->value_count, y->value_count);
        assert_int_equal(x->null_count, y->null_count);
        assert_int_equal(x->size_bytes, y->size_bytes);
        assert_int_equal(x->has_bounds, y->has_bounds);
        if (x->has_bounds && x->lower.kind == TYPE_TEXT) {
            assert_true(value_compare(&y->lower, &x->lower) <= 0);
            assert_true(value_compare(&y->upper, &x->upper) >= 0);
        } else if (x->has_bounds) {
            expect_same_value(&x->lower, &y->lower);
            expect_same_value(&x->upper, &y->upper);
        }
    }
}

static void expect_same_file(const DataFile *a, const DataFile *b)
{
    assert_int_equal(a->id, b->id);
    assert_string_equal(a->path, b->path);
    assert_int_equal(a->owner, b->owner);
    assert_int_equal(a->owner_name == NULL, b->owner_name == NULL);
    if (a->owner_name != NULL)
        assert_string_equal(a->owner_name, b->owner_name);
    assert_int_equal(a->row_count, b->row_count);
    assert_int_equal(a->size_bytes, b->size_bytes);
    assert_int_equal(a->schema_version, b->schema_version);
    assert_int_equal(a->first_seq, b->first_seq);
    assert_int_equal(a->last_seq, b->last_seq);
    assert_int_equal(a->first_updated_us, b->first_updated_us);
    assert_int_equal(a->last_updated_us, b->last_updated_us);
    assert_true(slice_equal(a->key_min, b->key_min));
    assert_true(slice_equal(a->key_max, b->key_max));
    assert_int_equal(a->created_us, b->created_us);
    assert_int_equal(a->snapshot_id, b->snapshot_id);
    assert_int_equal(a->split_count, b->split_count);
    for (uint32_t i = 0; i < a->split_count; i++)
        assert_int_equal(a->splits[i], b->splits[i]);
    expect_same_statistics(a, b);
}

static void expect_same_deletes(const ColdVersion *a, const ColdVersion *b, size_t i)
{
    uint64_t a_id;
    uint64_t b_id;
    assert_true(slice_equal(cold_version_deletes(a, i, &a_id), cold_version_deletes(b, i, &b_id)));
    assert_int_equal(a_id == 0, b_id == 0);
    assert_int_equal(cold_version_deleted_count(a, i), cold_version_deleted_count(b, i));
    assert_int_equal(cold_version_delete_files(a, i), cold_version_delete_files(b, i));
    const char *path = cold_version_deletes_path(a, i);
    assert_int_equal(path == NULL, cold_version_deletes_path(b, i) == NULL);
    if (path != NULL)
        assert_string_equal(path, cold_version_deletes_path(b, i));
}

static void expect_same_manifests(const ColdVersion *a, const ColdVersion *b)
{
    assert_int_equal(a->manifest_count, b->manifest_count);
    for (size_t i = 0; i < a->manifest_count; i++) {
        const IcebergManifest *x = &a->manifests[i];
        const IcebergManifest *y = &b->manifests[i];
        assert_string_equal(x->path, y->path);
        assert_int_equal(x->size_bytes, y->size_bytes);
        assert_int_equal(x->is_deletes, y->is_deletes);
        assert_int_equal(x->schema_version, y->schema_version);
        assert_int_equal(x->sequence, y->sequence);
        assert_int_equal(x->sequence_min, y->sequence_min);
        assert_int_equal(x->snapshot_id, y->snapshot_id);
        assert_memory_equal(x->files, y->files, sizeof x->files);
        assert_memory_equal(x->rows, y->rows, sizeof x->rows);
        assert_true(slice_equal(x->owner_min, y->owner_min));
        assert_true(slice_equal(x->owner_max, y->owner_max));
    }
    for (size_t i = 0; i < a->file_count; i++) {
        assert_int_equal(a->files[i].manifest, b->files[i].manifest);
        assert_int_equal(a->files[i].sequence, b->files[i].sequence);
    }
}

static void expect_same_metadata(const IcebergTable *a, const IcebergTable *b)
{
    Buffer x;
    Buffer y;
    buffer_open(&x, 0);
    buffer_open(&y, 0);
    iceberg_put_table(&x, a);
    iceberg_put_table(&y, b);
    assert_true(slice_equal(buffer_slice(&x), buffer_slice(&y)));
    buffer_close(&x);
    buffer_close(&y);
}

static void expect_same_version(const ColdVersion *a, const ColdVersion *b)
{
    assert_int_equal(cold_version_number(a), cold_version_number(b));
    assert_int_equal(cold_version_snapshot_id(a), cold_version_snapshot_id(b));
    assert_string_equal(cold_version_metadata_path(a), cold_version_metadata_path(b));
    assert_int_equal(cold_version_committed_us(a), cold_version_committed_us(b));
    assert_int_equal(cold_version_file_count(a), cold_version_file_count(b));
    for (size_t i = 0; i < cold_version_file_count(a); i++) {
        expect_same_file(cold_version_file(a, i), cold_version_file(b, i));
        expect_same_deletes(a, b, i);
    }
    assert_int_equal(cold_version_rows(a), cold_version_rows(b));
    assert_int_equal(cold_version_bytes(a), cold_version_bytes(b));
    assert_int_equal(cold_version_index_count(a), cold_version_index_count(b));
    for (size_t i = 0; i < cold_version_index_count(a); i++)
        assert_int_equal(key_index_file_sequence(cold_version_index(a, i)),
                         key_index_file_sequence(cold_version_index(b, i)));
    assert_int_equal(a->delete_file_count, b->delete_file_count);
    assert_memory_equal(&a->chain, &b->chain, sizeof a->chain);
    expect_same_manifests(a, b);
    expect_same_metadata(&a->iceberg, &b->iceberg);
}

static void expect_opens_the_same(Fixture *fixture)
{
    Error error;
    Damaged damaged;
    ColdVersion *opened;
    assert_ok(fixture_reopen(fixture, &damaged, &opened, &error), &error);
    assert_int_equal(damaged.count, 0);
    expect_same_version(fixture->version, opened);
    cold_version_release(opened);
}

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

static void expect_deleted(const ColdVersion *version, uint64_t id, const char *wanted)
{
    size_t i = cold_version_search(version, id);
    char got[FIXTURE_ROWS_MAX + 1] = "";
    const DataFile *file = cold_version_find_file(version, id);
    assert_non_null(file);
    for (uint32_t p = 0; p < file->row_count; p++)
        (void)snprintf(got + p, 2, "%c", cold_version_is_deleted(version, i, p) ? 'x' : '.');
    assert_string_equal(got, wanted);
}

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

/* ---- compaction and schemas ---- */

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
        cmocka_unit_test(compaction_replaces_files),
        cmocka_unit_test(files_keep_their_schema_version),
        cmocka_unit_test(files_of_an_unknown_schema_version_open),
        cmocka_unit_test(one_change_may_add_many_users),
        cmocka_unit_test(a_damaged_index_is_reported_and_made_again),
        cmocka_unit_test(an_index_of_other_files_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
