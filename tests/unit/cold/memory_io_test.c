#include "cold/memory_io.h"

#include "tests/unit/cold/same_version.h"

static Path path_in(const Fixture *fixture, const char *name)
{
    Error error;
    Path path;
    assert_ok(path_join(&path, fixture->root, name, &error), &error);
    return path;
}

static DataFile *write_rows(Fixture *fixture, int64_t first_id, uint32_t count, Path *path)
{
    Error error;
    Buffer entries;
    buffer_open(&entries, 0);
    DataFile *file = fixture_write_file(fixture, fixture->next_sequence++, 0, 0, NULL, first_id,
                                        count, &entries);
    assert_ok(cold_absolute(fixture->table, file->path, path, &error), &error);
    buffer_close(&entries);
    return file;
}

static int64_t id_of(const Schema *schema, Slice row)
{
    Value value;
    row_get(&schema->layout, row, 0, &value);
    return value.as.integer;
}

static void rows_come_back_by_position(void **state)
{
    (void)state;
    static const uint32_t positions[] = {0, 3, 9};
    Error error;
    Fixture fixture;
    Path path;
    Arena arena;
    FetchedRow rows[3];
    fixture_open(&fixture, TABLE_SHARED);
    arena_open(&arena, 0);
    DataFile *file = write_rows(&fixture, 100, 10, &path);
    DataFileIo *io = &fixture.io.io;
    assert_ok(io->fetch(io, path.text, fixture.schema, positions, 3, &arena, rows, &error), &error);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rows[i].position, positions[i]);
        assert_int_equal(rows[i].seq, 1 + positions[i]);
        assert_int_equal(rows[i].updated_us, 1700000000000001 + positions[i]);
        assert_int_equal(id_of(fixture.schema, rows[i].row), 100 + positions[i]);
    }
    static const uint32_t outside[] = {10};
    assert_status(STATUS_DATA_CORRUPTED,
                  io->fetch(io, path.text, fixture.schema, outside, 1, &arena, rows, &error));
    data_file_release(file);
    arena_close(&arena);
    fixture_close(&fixture);
}

typedef struct Scanned {
    const Schema *schema;
    int64_t next_id;
    size_t count;
} Scanned;

static Status check_scanned(void *context, const FetchedRow *row, Error *error)
{
    (void)error;
    Scanned *scanned = context;
    Value value;
    assert_int_equal(row->position, scanned->count++);
    assert_int_equal(id_of(scanned->schema, row->row), scanned->next_id++);
    if (scanned->schema->version == 2) { /* added since the file was written */
        row_get(&scanned->schema->layout, row->row, 6, &value);
        assert_true(value.is_null);
    }
    return OK;
}

static void scans_convert_to_newer_schemas(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Path path;
    fixture_open(&fixture, TABLE_SHARED);
    DataFile *file = write_rows(&fixture, 7, 12, &path);
    for (uint32_t version = 1; version <= 2; version++) {
        Schema *schema = fixture_schema(TABLE_SHARED, version);
        Scanned scanned = {schema, 7, 0};
        DataFileIo *io = &fixture.io.io;
        assert_ok(io->scan(io, path.text, schema, check_scanned, &scanned, &error), &error);
        assert_int_equal(scanned.count, 12);
        schema_release(schema);
    }
    data_file_release(file);
    fixture_close(&fixture);
}

static void statistics_are_exact(void **state)
{
    (void)state;
    Fixture fixture;
    Path path;
    fixture_open(&fixture, TABLE_SHARED);
    DataFile *file = write_rows(&fixture, 0, 10, &path);
    assert_int_equal(file->statistics_count, 8);
    const ColumnStatistics *id = &file->statistics[0];
    const ColumnStatistics *name = &file->statistics[1];
    const ColumnStatistics *embedding = &file->statistics[5];
    const ColumnStatistics *seq = &file->statistics[6];
    assert_int_equal(id->lower.as.integer, 0);
    assert_int_equal(id->upper.as.integer, 9);
    assert_int_equal(name->null_count, 2);
    assert_int_equal(name->value_count, 10);
    assert_slice(name->upper.as.bytes, "name of number 9");
    assert_false(embedding->has_bounds);
    assert_int_equal(seq->field_id, FIELD_ID_SEQ);
    assert_int_equal(seq->upper.as.integer, 10);
    data_file_release(file);
    fixture_close(&fixture);
}

/* Three files with interleaved keys, some rows dead: in key order, each known by where it came
 * from. */
static void merges_in_key_order(void **state)
{
    (void)state;
    static const uint32_t dead_rows[] = {0, 2};
    Error error;
    Fixture fixture;
    Path paths[3];
    DataFile *files[3];
    Buffer dead;
    Arena arena;
    DataFileResult result;
    MergedRow *rows;
    fixture_open(&fixture, TABLE_SHARED);
    buffer_open(&dead, 0);
    arena_open(&arena, 0);
    files[0] = write_rows(&fixture, 20, 5, &paths[0]);
    files[1] = write_rows(&fixture, 0, 5, &paths[1]);
    files[2] = write_rows(&fixture, 10, 5, &paths[2]);
    assert_ok(position_set_union(SLICE_EMPTY, dead_rows, 2, &dead, &error), &error);
    const DataFileInput inputs[] = {
        {paths[0].text, files[0]->id, 5, SLICE_EMPTY},
        {paths[1].text, files[1]->id, 5, buffer_slice(&dead)},
        {paths[2].text, files[2]->id, 5, SLICE_EMPTY},
    };
    Path out = path_in(&fixture, "merged");
    const DataFileMerge request = {
        .inputs = inputs, .input_count = 3, .path = out.text, .schema = fixture.schema};
    DataFileIo *io = &fixture.io.io;
    assert_ok(io->merge(io, &request, &arena, &result, &rows, &error), &error);
    static const MergedRow wanted[] = {{1, 1}, {1, 3}, {1, 4}, {2, 0}, {2, 1}, {2, 2}, {2, 3},
                                       {2, 4}, {0, 0}, {0, 1}, {0, 2}, {0, 3}, {0, 4}};
    assert_int_equal(result.row_count, 13);
    assert_memory_equal(rows, wanted, sizeof wanted);
    static const uint32_t first[] = {0};
    FetchedRow row;
    assert_ok(io->fetch(io, out.text, fixture.schema, first, 1, &arena, &row, &error), &error);
    assert_int_equal(id_of(fixture.schema, row.row), 1);
    assert_int_equal(row.seq, 7); /* as it was, not as of the merge */
    memory_free(rows);
    for (int i = 0; i < 3; i++)
        data_file_release(files[i]);
    buffer_close(&dead);
    arena_close(&arena);
    fixture_close(&fixture);
}

static void torn_files_are_noticed(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Path path;
    Buffer bytes;
    fixture_open(&fixture, TABLE_SHARED);
    DataFile *file = write_rows(&fixture, 0, 3, &path);
    read_file(path.text, &bytes);
    for (size_t i = 0; i < bytes.size; i += 3) {
        Scanned scanned = {fixture.schema, 0, 0};
        DataFileIo *io = &fixture.io.io;
        bytes.data[i] ^= 1;
        write_file(path.text, buffer_slice(&bytes));
        assert_status(STATUS_DATA_CORRUPTED,
                      io->scan(io, path.text, fixture.schema, check_scanned, &scanned, &error));
        bytes.data[i] ^= 1;
        write_file(path.text, slice_of(bytes.data, i));
        assert_status(STATUS_DATA_CORRUPTED,
                      io->scan(io, path.text, fixture.schema, check_scanned, &scanned, &error));
    }
    buffer_close(&bytes);
    data_file_release(file);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_by_position),
        cmocka_unit_test(scans_convert_to_newer_schemas),
        cmocka_unit_test(statistics_are_exact),
        cmocka_unit_test(merges_in_key_order),
        cmocka_unit_test(torn_files_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
