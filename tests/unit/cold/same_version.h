/* Is one version all that another is? A version that was prepared and the same one opened again. */
#ifndef FIRN_TESTS_UNIT_COLD_SAME_VERSION_H
#define FIRN_TESTS_UNIT_COLD_SAME_VERSION_H

#include "cold/cold_int.h"
#include "tests/unit/cold/fixture.h"

static inline void expect_same_value(const Value *a, const Value *b)
{
    assert_int_equal(a->is_null, b->is_null);
    assert_int_equal(value_compare(a, b), 0);
}

/* Bounds of long texts are cut on disk, so they only have to hold the others. */
static inline void expect_same_statistics(const DataFile *a, const DataFile *b)
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

static inline void expect_same_file(const DataFile *a, const DataFile *b)
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

static inline void expect_same_deletes(const ColdVersion *a, const ColdVersion *b, size_t i)
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

static inline void expect_same_manifests(const ColdVersion *a, const ColdVersion *b)
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

static inline void expect_same_metadata(const IcebergTable *a, const IcebergTable *b)
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

static inline void expect_same_version(const ColdVersion *a, const ColdVersion *b)
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

static inline void expect_opens_the_same(Fixture *fixture)
{
    Error error;
    Damaged damaged;
    ColdVersion *opened;
    assert_ok(fixture_reopen(fixture, &damaged, &opened, &error), &error);
    assert_int_equal(damaged.count, 0);
    expect_same_version(fixture->version, opened);
    cold_version_release(opened);
}

static inline void expect_deleted(const ColdVersion *version, uint64_t id, const char *wanted)
{
    size_t i = cold_version_search(version, id);
    char got[FIXTURE_ROWS_MAX + 1] = "";
    const DataFile *file = cold_version_find_file(version, id);
    assert_non_null(file);
    for (uint32_t p = 0; p < file->row_count; p++)
        (void)snprintf(got + p, 2, "%c", cold_version_is_deleted(version, i, p) ? 'x' : '.');
    assert_string_equal(got, wanted);
}

#endif
