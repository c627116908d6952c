/* Parquet files through the pool's DataFileIo: written, read back, merged, with their statistics.
 */
#include <math.h>
#include <roaring/roaring.h>

#include "tests/unit/query/pool.h"

#define ALL_TYPES(X)                                               \
    X(1, "id", TYPE(BIGINT))                                       \
    X(2, "bo", TYPE(BOOLEAN))                                      \
    X(3, "i2", TYPE(SMALLINT))                                     \
    X(4, "It's \"4\"", TYPE(INTEGER))                              \
    X(5, "f4", TYPE(REAL))                                         \
    X(6, "f8", TYPE(DOUBLE))                                       \
    X(7, "d4", ((Type){.kind = TYPE_DECIMAL, .a = 4, .b = 1}))     \
    X(8, "d9", ((Type){.kind = TYPE_DECIMAL, .a = 9, .b = 2}))     \
    X(9, "d18", ((Type){.kind = TYPE_DECIMAL, .a = 18, .b = 0}))   \
    X(10, "d38", ((Type){.kind = TYPE_DECIMAL, .a = 38, .b = 10})) \
    X(11, "tx", TYPE(TEXT))                                        \
    X(12, "by", TYPE(BYTEA))                                       \
    X(13, "da", TYPE(DATE))                                        \
    X(14, "ti", TYPE(TIME))                                        \
    X(15, "ts", TYPE(TIMESTAMP))                                   \
    X(16, "tz", TYPE(TIMESTAMPTZ))                                 \
    X(17, "uu", TYPE(UUID))                                        \
    X(18, "js", TYPE(JSON))                                        \
    X(19, "ve", ((Type){.kind = TYPE_VECTOR, .a = 3}))             \
    X(20, "vc", ((Type){.kind = TYPE_VARCHAR, .a = 500}))

enum { ALL_COUNT = 20, ROWS = 20000 };

static const float floats[3] = {1, -2.5f, INFINITY};

static Int128 most(int digits)
{
    Int128 n = 1;
    while (digits-- > 0)
        n *= 10;
    return n - 1;
}

/* Row 0 is NULL but for the key, 1 and 2 are the ends, 3 is odd; the rest repeats. */
static void make_values(int row, Value values[ALL_COUNT], char scratch[64])
{
#define X(id, name, type) values[id - 1] = value_null((type).kind);
    ALL_TYPES(X)
#undef X
    values[0] = value_integer(TYPE_BIGINT, row);
    int odd = row % 4;
    if (odd == 0)
        return;
    bool low = odd == 1;
    values[1] = value_boolean(!low);
    values[2] = value_integer(TYPE_SMALLINT, low ? INT16_MIN : INT16_MAX);
    values[3] = value_integer(TYPE_INTEGER, low ? INT32_MIN : INT32_MAX);
    values[4] = (Value){.kind = TYPE_REAL, .as.real = low ? -0.1f : odd == 2 ? 3 : NAN};
    values[5] = value_double(low ? -1e308 : odd == 2 ? 1e308 : 0.1);
    values[6] = value_decimal(low ? -most(4) : most(4), 1);
    values[7] = value_decimal(low ? -most(9) : most(9), 2);
    values[8] = value_decimal(low ? -most(18) : most(18), 0);
    values[9] = value_decimal(low ? -most(38) : most(38), 10);
    int size = snprintf(scratch, 64, "text %c\xc3\xa4 number %d", low ? 'a' : 'z', row);
    values[10] = value_text(slice_of(scratch, (size_t)size));
    values[11] = value_bytes(TYPE_BYTEA, low ? SLICE("") : SLICE("\x00\xff'"));
    values[12] = value_integer(TYPE_DATE, low ? -719162 : odd == 2 ? 2932896 : DATE_INFINITY);
    values[13] = value_integer(TYPE_TIME, low ? 0 : 86399999999);
    values[14] = value_integer(TYPE_TIMESTAMP, low ? -62135596800000000 : 253402300799999999);
    values[15] = value_integer(TYPE_TIMESTAMPTZ, low ? TIMESTAMP_MINUS_INFINITY : row);
    values[16] = (Value){.kind = TYPE_UUID};
    memset(values[16].as.uuid, low ? 0x01 : 0xfe, 16);
    values[17] = value_bytes(TYPE_JSON, SLICE("{\"a\" : 1}"));
    values[18] = (Value){.kind = TYPE_VECTOR, .as.vector = {floats, 3}};
    values[19] = value_bytes(TYPE_VARCHAR, low ? SLICE("") : slice_of(scratch, (size_t)size));
}

typedef struct Written {
    TestPool test;
    Schema *schema;
    TestHot hot;
    Path path;
    Arena arena;
    DataFileResult result;
} Written;

static void written_open(Written *written, TableKind kind)
{
    Column columns[ALL_COUNT];
    Value values[ALL_COUNT];
    char scratch[64];
    Error error;
#define X(id, name, type) columns[id - 1] = test_column(name, type, id);
    ALL_TYPES(X)
#undef X
    test_pool_open(&written->test);
    written->schema = test_schema(kind, 3, columns, ALL_COUNT);
    test_hot_open(&written->hot, written->schema, 1, 16 * MB);
    for (int row = 0; row < ROWS; row++) {
        make_values(row, values, scratch);
        test_hot_put(&written->hot, 1000 + (uint64_t)row, 1, values);
    }
    written->path = test_file(&written->test, "it's.parquet");
    arena_open(&written->arena, 0);
    if (test_hot_write(&written->test, &written->hot, written->path.text, &written->arena,
                       &written->result, &error) != OK)
        fail_msg("%s (%s)", error.message, error.internal);
}

static void written_close(Written *written)
{
    arena_close(&written->arena);
    test_hot_close(&written->hot);
    schema_release(written->schema);
    test_pool_close(&written->test);
}

static void check_row(const Schema *schema, int row, Slice packed)
{
    Value values[ALL_COUNT];
    char scratch[64];
    Buffer expected;
    Error error;
    make_values(row, values, scratch);
    buffer_open(&expected, 0);
    assert_int_equal(OK, row_encode(&schema->layout, values, &expected, &error));
    assert_int_equal(expected.size, packed.size);
    for (uint32_t c = 0; c < ALL_COUNT; c++) {
        Value got;
        row_get(&schema->layout, packed, c, &got);
        if (!value_is_same(&values[c], &got))
            fail_msg("row %d, column %u", row, c + 1);
    }
    assert_memory_equal(expected.data, packed.data, expected.size); /* byte for byte */
    buffer_close(&expected);
}

static Status check_scanned(void *context, const FetchedRow *row, Error *error)
{
    (void)error;
    Written *written = context;
    check_row(written->schema, (int)row->position, row->row);
    assert_int_equal(1000 + row->position, row->seq);
    assert_int_equal((1000 + (int64_t)row->position) * 1000000, row->updated_us);
    return OK;
}

static void every_type_comes_back_byte_for_byte(void **state)
{
    (void)state;
    Written written;
    Error error;
    written_open(&written, TABLE_SHARED);
    DataFileIo *io = query_data_file_io(written.test.pool);
    assert_int_equal(ROWS, written.result.row_count);
    if (io->scan(io, written.path.text, written.schema, check_scanned, &written, &error) != OK)
        fail_msg("%s (%s)", error.message, error.internal);
    written_close(&written);
}

static const ColumnStatistics *statistics_of(const Written *written, uint32_t field_id)
{
    for (uint32_t i = 0; i < written->result.statistics_count; i++) {
        if (written->result.statistics[i].field_id == field_id)
            return &written->result.statistics[i];
    }
    fail_msg("no statistics of %u", field_id);
    return NULL;
}

static void statistics_are_typed_and_exact(void **state)
{
    (void)state;
    Written written;
    Value low[ALL_COUNT];
    Value high[ALL_COUNT];
    char scratch[64];
    written_open(&written, TABLE_USER);
    make_values(1, low, scratch);
    char other[64];
    make_values(2, high, other);
    assert_int_equal(ALL_COUNT + 3, written.result.statistics_count);
    for (uint32_t c = 0; c < ALL_COUNT; c++) {
        const ColumnStatistics *column = statistics_of(&written, c + 1);
        assert_int_equal(c == 18 ? ROWS / 4 * 9 + ROWS / 4 : ROWS, column->value_count);
        assert_int_equal(c == 0 ? 0 : ROWS / 4, column->null_count);
        assert_true(column->size_bytes > 0);
        bool has_bounds = c != 18;
        assert_int_equal(has_bounds, column->has_bounds);
        if (!has_bounds || c == 0 || c == 10 || c == 19 || c == 12 || c == 15)
            continue;
        if (!value_is_same(&low[c], &column->lower) || !value_is_same(&high[c], &column->upper))
            fail_msg("bounds of column %u", c + 1);
    }
    assert_true(statistics_of(&written, 5)->may_have_nan);
    assert_false(statistics_of(&written, 6)->may_have_nan);
    assert_int_equal(0, statistics_of(&written, 1)->lower.as.integer);
    assert_int_equal(ROWS - 1, statistics_of(&written, 1)->upper.as.integer);
    assert_true(
        slice_equal_text(statistics_of(&written, 11)->lower.as.bytes, "text a\xc3\xa4 number 1"));
    assert_int_equal(DATE_INFINITY, statistics_of(&written, 13)->upper.as.integer);
    assert_int_equal(1000, statistics_of(&written, FIELD_ID_SEQ)->lower.as.integer);
    assert_int_equal((999 + ROWS) * 1000000ll,
                     statistics_of(&written, FIELD_ID_UPDATED)->upper.as.integer);
    assert_true(slice_equal_text(statistics_of(&written, FIELD_ID_OWNER)->upper.as.bytes, "anna"));
    written_close(&written);
}

static void files_are_laid_out_for_other_readers(void **state)
{
    (void)state;
    Written written;
    char sql[4000];
    written_open(&written, TABLE_USER);
    assert_true(written.result.split_count > 1);
    assert_int_equal(4, written.result.splits[0]);
    for (uint32_t i = 1; i < written.result.split_count; i++)
        assert_true(written.result.splits[i] > written.result.splits[i - 1]);
    FileInformation information;
    Error error;
    assert_int_equal(OK, env_stat(env_real(), written.path.text, &information, &error));
    assert_int_equal(information.size, written.result.size_bytes);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/it''s.parquet", written.test.folder);
    (void)snprintf(
        sql, sizeof sql,
        "SELECT name, field_id, type FROM parquet_schema('%s') WHERE name IN ('id', 'i2', "
        "'It''s \"4\"', 've', 'element', '_user', '_seq', '_updated') ORDER BY field_id",
        path);
    assert_string_equal(
        "[\"id\",1,\"INT64\"],[\"i2\",3,\"INT32\"],[\"It's \\\"4\\\"\",4,\"INT32\"],"
        "[\"ve\",19,null],[\"element\",1000000019,\"FLOAT\"],"
        "[\"_seq\",2000000001,\"INT64\"],[\"_updated\",2000000002,\"INT64\"],"
        "[\"_user\",2000000003,\"BYTE_ARRAY\"]",
        RUN(&written.test, no_tables, sql, TYPE(TEXT), TYPE(BIGINT), TYPE(TEXT)));
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(DISTINCT row_group_id), max(row_group_num_rows) FROM "
                   "parquet_metadata('%s')",
                   path);
    const char *groups = RUN(&written.test, no_tables, sql, TYPE(BIGINT), TYPE(BIGINT));
    assert_string_equal("[5,4096]", groups); /* about 1 MiB each */
    written_close(&written);
}

static void the_iceberg_schema_goes_along(void **state)
{
    (void)state;
    TestPool test;
    TestHot hot;
    Arena arena;
    Error error;
    DataFileResult result;
    const Column columns[] = {test_column("id", TYPE(BIGINT), 1),
                              test_column("v", ((Type){.kind = TYPE_VECTOR, .a = 3}), 2)};
    test_pool_open(&test);
    Schema *schema = test_schema(TABLE_SHARED, 1, columns, 2);
    test_hot_open(&hot, schema, 1, MB);
    test_hot_put(&hot, 1, 0,
                 (Value[]){value_integer(TYPE_BIGINT, 1),
                           (Value){.kind = TYPE_VECTOR, .as.vector = {floats, 3}}});
    (void)test_hot(&hot);
    Path path = test_file(&test, "x.parquet");
    DataFileWrite request = {
        .path = path.text,
        .schema = schema,
        .compression = "none",
        .row_group_bytes = 1 << 20,
        .records = hot.records,
        .record_count = 1,
        .blocks = &hot.view,
        .block_count = 1,
        .iceberg_schema = SLICE("{\"fields\":[{\"id\":2,\"type\":{\"type\":\"list\",\"element-id\":"
                                "77,\"element\":\"it's\"}}]}"),
    };
    DataFileIo *io = query_data_file_io(test.pool);
    arena_open(&arena, 0);
    assert_int_equal(OK, io->write(io, &request, &arena, &result, &error));
    char sql[4000];
    (void)snprintf(
        sql, sizeof sql,
        "SELECT (SELECT decode(value) FROM parquet_kv_metadata('%s') WHERE decode(key) = "
        "'iceberg.schema'), (SELECT field_id FROM parquet_schema('%s') WHERE name = "
        "'element'), (SELECT any_value(compression) FROM parquet_metadata('%s'))",
        path.text, path.text, path.text);
    assert_string_equal("[\"{\\\"fields\\\":[{\\\"id\\\":2,\\\"type\\\":{\\\"type\\\":\\\"list\\\","
                        "\\\"element-id\\\":77,\\\"element\\\":\\\"it's\\\"}}]}\",77,"
                        "\"UNCOMPRESSED\"]",
                        RUN(&test, no_tables, sql, TYPE(TEXT), TYPE(BIGINT), TYPE(TEXT)));
    arena_close(&arena);
    test_hot_close(&hot);
    schema_release(schema);
    test_pool_close(&test);
}

/* ---- fetching ---- */

static void rows_are_fetched_by_position(void **state)
{
    (void)state;
    enum { MANY = 700 };
    Written written;
    Arena arena;
    Error error;
    static FetchedRow rows[MANY];
    static uint32_t positions[MANY];
    written_open(&written, TABLE_SHARED);
    DataFileIo *io = query_data_file_io(written.test.pool);
    for (uint32_t i = 0; i < MANY; i++)
        positions[i] = i * 28 + 3;
    arena_open(&arena, 0);
    if (io->fetch(io, written.path.text, written.schema, positions, MANY, &arena, rows, &error) !=
        OK)
        fail_msg("%s (%s)", error.message, error.internal);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(positions[i], rows[i].position);
        assert_int_equal(1000 + positions[i], rows[i].seq);
        check_row(written.schema, (int)positions[i], rows[i].row);
    }
    uint32_t outside = ROWS;
    assert_int_equal(STATUS_DATA_CORRUPTED, io->fetch(io, written.path.text, written.schema,
                                                      &outside, 1, &arena, rows, &error));
    assert_int_not_equal(OK, io->fetch(io, "/tmp/none/none.parquet", written.schema, &outside, 1,
                                       &arena, rows, &error));
    assert_null(strstr(error.message, "/tmp"));
    arena_close(&arena);
    written_close(&written);
}

static Status stop_scanning(void *context, const FetchedRow *row, Error *error)
{
    int *count = context;
    (void)row;
    return ++*count < 3000 ? OK : error_set(error, STATUS_NOT_FOUND, "enough");
}

static void a_scan_can_be_ended(void **state)
{
    (void)state;
    Written written;
    Error error;
    int count = 0;
    written_open(&written, TABLE_SHARED);
    DataFileIo *io = query_data_file_io(written.test.pool);
    assert_int_equal(STATUS_NOT_FOUND, io->scan(io, written.path.text, written.schema,
                                                stop_scanning, &count, &error));
    assert_int_equal(3000, count);
    written_close(&written);
}

/* ---- merging ---- */

enum { MERGED_EACH = 30000 };

/* Keys of three files lie among each other, or those of each behind those of the one before. */
static int merged_key(bool in_order, int number, int position)
{
    return in_order ? number * MERGED_EACH + position : position * 3 + number;
}

static void put_file(TestPool *test, const Schema *schema, int number, bool in_order, Path *path)
{
    TestHot hot;
    Arena arena;
    Error error;
    DataFileResult result;
    char name[32];
    (void)snprintf(name, sizeof name, "in-%d.parquet", number);
    *path = test_file(test, name);
    test_hot_open(&hot, schema, 100 + (uint64_t)number, 8 * MB);
    for (int i = 0; i < MERGED_EACH; i++) {
        char text[32];
        int size = snprintf(text, sizeof text, "k%07d", merged_key(in_order, number, i));
        test_hot_put(&hot, (uint64_t)(number * 100000 + i + 1), 1,
                     (Value[]){value_text(slice_of(text, (size_t)size)),
                               value_integer(TYPE_INTEGER, number)});
    }
    arena_open(&arena, 0);
    assert_int_equal(OK, test_hot_write(test, &hot, path->text, &arena, &result, &error));
    arena_close(&arena);
    test_hot_close(&hot);
}

static Slice every_tenth(uint32_t rows)
{
    roaring_bitmap_t *bitmap = roaring_bitmap_create();
    for (uint32_t i = 0; i < rows; i += 10)
        roaring_bitmap_add(bitmap, i);
    size_t size = roaring_bitmap_portable_size_in_bytes(bitmap);
    char *bytes = malloc(size);
    (void)roaring_bitmap_portable_serialize(bitmap, bytes);
    roaring_bitmap_free(bitmap);
    return slice_of(bytes, size);
}

typedef struct MergeCheck {
    const MergedRow *rows;
    const Schema *schema;
    bool in_order;
    uint32_t next;
    int last;
} MergeCheck;

static Status check_merged(void *context, const FetchedRow *row, Error *error)
{
    (void)error;
    MergeCheck *check = context;
    MergedRow from = check->rows[check->next++];
    Value key;
    Value number;
    row_get(&check->schema->layout, row->row, 0, &key);
    row_get(&check->schema->layout, row->row, 1, &number);
    int64_t value = 0;
    assert_true(slice_to_int64(slice_part(key.as.bytes, 1, 7), &value));
    assert_true(value > check->last);
    check->last = (int)value;
    assert_int_equal(from.input, number.as.integer);
    assert_int_equal(value, merged_key(check->in_order, (int)from.input, (int)from.position));
    assert_int_equal(from.input * 100000 + from.position + 1, row->seq);
    assert_false(from.input == 1 && from.position % 10 == 0);
    return OK;
}

static void merge_three(bool in_order)
{
    TestPool test;
    Arena arena;
    Error error;
    Path paths[3];
    Path output;
    DataFileInput inputs[3];
    DataFileResult result;
    MergedRow *rows = NULL;
    Column columns[] = {test_column("k", TYPE(TEXT), 1), test_column("n", TYPE(INTEGER), 2)};
    test_pool_open(&test);
    Schema *schema = test_schema(TABLE_USER, 1, columns, 2);
    Slice dead = every_tenth(MERGED_EACH);
    for (int i = 0; i < 3; i++) {
        put_file(&test, schema, i, in_order, &paths[i]);
        inputs[i] = (DataFileInput){.path = paths[i].text,
                                    .file_id = (uint64_t)i,
                                    .row_count = MERGED_EACH,
                                    .dead = i == 1 ? dead : SLICE_EMPTY};
    }
    output = test_file(&test, "merged.parquet");
    DataFileMerge request = {.inputs = inputs,
                             .input_count = 3,
                             .is_in_order = in_order,
                             .path = output.text,
                             .schema = schema,
                             .owner = 1,
                             .owner_name = SLICE("anna"),
                             .compression = "zstd",
                             .row_group_bytes = 1 << 20};
    DataFileIo *io = query_data_file_io(test.pool);
    arena_open(&arena, 0);
    if (io->merge(io, &request, &arena, &result, &rows, &error) != OK)
        fail_msg("%s (%s)", error.message, error.internal);
    assert_int_equal(3 * MERGED_EACH - MERGED_EACH / 10, result.row_count);
    assert_true(result.split_count > 1);
    assert_int_equal(5, result.statistics_count);
    MergeCheck check = {.rows = rows, .schema = schema, .in_order = in_order, .last = -1};
    assert_int_equal(OK, io->scan(io, output.text, schema, check_merged, &check, &error));
    assert_int_equal(result.row_count, check.next);
    memory_free(rows);
    free((void *)(uintptr_t)dead.data);
    arena_close(&arena);
    schema_release(schema);
    test_pool_close(&test);
}

static void merges_keep_order_and_say_where_rows_came_from(void **state)
{
    (void)state;
    merge_three(false);
}

static void files_behind_each_other_are_merged_without_a_sort(void **state)
{
    (void)state;
    merge_three(true);
}

/* ---- deletes ---- */

static void delete_files_are_sorted_pairs(void **state)
{
    (void)state;
    TestPool test;
    Error error;
    DataFileResult result;
    const char *const paths[] = {"data/b.parquet", "data/a.parquet"};
    test_pool_open(&test);
    Slice bitmap = every_tenth(100000);
    const Slice positions[] = {bitmap, bitmap};
    Path path = test_file(&test, "deletes.parquet");
    DataFileIo *io = query_data_file_io(test.pool);
    assert_int_equal(OK, io->write_deletes(io, path.text, paths, positions, 2, &result, &error));
    assert_int_equal(20000, result.row_count);
    FileInformation information;
    assert_int_equal(OK, env_stat(env_real(), path.text, &information, &error));
    assert_int_equal(information.size, result.size_bytes);
    char sql[4000];
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*), arg_min(file_path, r), arg_max(file_path, r), "
                   "sum(pos)::BIGINT, "
                   "bool_and(file_path "
                   "> "
                   "f OR (file_path = f AND pos > p) OR f IS NULL) FROM (SELECT *, file_row_number "
                   "r, lag(file_path) OVER w f, "
                   "lag(pos) OVER w p FROM '%s' WINDOW w AS (ORDER BY file_row_number))",
                   path.text);
    assert_string_equal("[20000,\"data/a.parquet\",\"data/b.parquet\",999900000,true]",
                        RUN(&test, no_tables, sql, TYPE(BIGINT), TYPE(TEXT), TYPE(TEXT),
                            TYPE(BIGINT), TYPE(BOOLEAN)));
    (void)snprintf(
        sql, sizeof sql,
        "SELECT name, field_id FROM parquet_schema('%s') WHERE field_id IS NOT NULL ORDER "
        "BY 1",
        path.text);
    assert_string_equal("[\"file_path\",2147483546],[\"pos\",2147483545]",
                        RUN(&test, no_tables, sql, TYPE(TEXT), TYPE(BIGINT)));
    free((void *)(uintptr_t)bitmap.data);
    test_pool_close(&test);
}

/* ---- failures ---- */

static void failures_are_errors_and_the_next_write_works(void **state)
{
    (void)state;
    Written written;
    Error error;
    DataFileResult result;
    written_open(&written, TABLE_SHARED);
    assert_int_not_equal(OK,
                         test_hot_write(&written.test, &written.hot, "/tmp/firn-no-such/x.parquet",
                                        &written.arena, &result, &error));
    Path path = test_file(&written.test, "again.parquet");
    const RecordHeader *first = written.hot.records[0];
    written.hot.records[0] = (const RecordHeader *)(const void *)&error; /* no record of a block */
    assert_int_equal(STATUS_DATA_CORRUPTED, test_hot_write(&written.test, &written.hot, path.text,
                                                           &written.arena, &result, &error));
    written.hot.records[0] = first;
    assert_int_equal(OK, test_hot_write(&written.test, &written.hot, path.text, &written.arena,
                                        &result, &error));
    assert_int_equal(ROWS, result.row_count);
    written_close(&written);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back_byte_for_byte),
        cmocka_unit_test(statistics_are_typed_and_exact),
        cmocka_unit_test(files_are_laid_out_for_other_readers),
        cmocka_unit_test(the_iceberg_schema_goes_along),
        cmocka_unit_test(rows_are_fetched_by_position),
        cmocka_unit_test(a_scan_can_be_ended),
        cmocka_unit_test(merges_keep_order_and_say_where_rows_came_from),
        cmocka_unit_test(files_behind_each_other_are_merged_without_a_sort),
        cmocka_unit_test(delete_files_are_sorted_pairs),
        cmocka_unit_test(failures_are_errors_and_the_next_write_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
