/* hot_scan over arenas made by hand. */
#include <math.h>

#include "tests/unit/worker/harness.h"

/* ---- every type ---- */

#define ALL_TYPES(X)                                               \
    X(1, "id", TYPE(BIGINT))                                       \
    X(2, "bo", TYPE(BOOLEAN))                                      \
    X(3, "i2", TYPE(SMALLINT))                                     \
    X(4, "i4", TYPE(INTEGER))                                      \
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
    X(18, "js", TYPE(JSONB))                                       \
    X(19, "ve", ((Type){.kind = TYPE_VECTOR, .a = 3}))             \
    X(20, "ch", ((Type){.kind = TYPE_CHAR, .a = 5}))

enum { ALL_COUNT = 20 };

static const float floats[2][3] = {{0, -1.5f, 3e38f}, {1, 2, 3}};

static Int128 power_of_ten(int exponent)
{
    Int128 n = 1;
    while (exponent-- > 0)
        n *= 10;
    return n;
}

/* Row 0: everything NULL but the key; 1: smallest values; 2: largest; 3: odd ones. */
static void make_values(int row, Value values[ALL_COUNT])
{
    static const struct {
        uint8_t kind;
        int64_t low, high, odd;
    } integers[] = {
        {TYPE_SMALLINT, INT16_MIN, INT16_MAX, 0},
        {TYPE_INTEGER, INT32_MIN, INT32_MAX, -1},
        {TYPE_DATE, -719162, 2932896, DATE_INFINITY},
        {TYPE_TIME, 0, 86399999999, 1},
        {TYPE_TIMESTAMP, -62135596800000000, 253402300799999999, TIMESTAMP_INFINITY},
        {TYPE_TIMESTAMPTZ, -62135596800000000, 253402300799999999, TIMESTAMP_MINUS_INFINITY},
    };
    static const int places[] = {2, 3, 12, 13, 14, 15};
#define X(id, name, type) values[id - 1] = value_null((type).kind);
    ALL_TYPES(X)
#undef X
    values[0] = value_integer(TYPE_BIGINT, row == 1 ? INT64_MIN : row == 2 ? INT64_MAX : row);
    if (row == 0)
        return;
    for (size_t i = 0; i < 6; i++) {
        int64_t n = row == 1 ? integers[i].low : row == 2 ? integers[i].high : integers[i].odd;
        values[places[i]] = value_integer(integers[i].kind, n);
    }
    values[1] = value_boolean(row == 2);
    values[4] = (Value){.kind = TYPE_REAL, .as.real = row == 1 ? -1.5 : row == 2 ? 3 : NAN};
    values[5] = value_double(row == 1 ? -INFINITY : row == 2 ? 1e300 : NAN);
    static const int digits[] = {4, 9, 18, 38};
    static const unsigned scales[] = {1, 2, 0, 10};
    for (int i = 0; i < 4; i++) {
        Int128 most = power_of_ten(digits[i]) - 1;
        values[6 + i] = value_decimal(row == 1 ? -most : row == 2 ? most : 1, scales[i]);
    }
    values[10] = value_text(row == 1   ? SLICE("")
                            : row == 2 ? SLICE("twelve bytes")
                                       : SLICE("thirteen byt\xc3\xa9 and more"));
    values[11] = value_bytes(TYPE_BYTEA, row == 1 ? SLICE("") : SLICE("\x00\xff\x01"));
    values[16] = (Value){.kind = TYPE_UUID};
    memset(values[16].as.uuid, row == 1 ? 0 : row == 2 ? 0xff : 0x7f, 16);
    values[17] = value_bytes(TYPE_JSONB, row == 1 ? SLICE("null") : SLICE("{\"a\": [1, 2]}"));
    values[18] = (Value){.kind = TYPE_VECTOR, .as.vector = {floats[row % 2], 3}};
    values[19] = value_bytes(TYPE_CHAR, row == 1 ? SLICE("") : SLICE("ab"));
}

static const char *const all_rows[] = {
    "[0,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,"
    "null]",
    "[-9223372036854775808,false,-32768,-2147483648,-1.5,\"-Infinity\",\"-999.9\",\"-9999999.99\","
    "\"-999999999999999999\",\"-9999999999999999999999999999.9999999999\",\"\",\"\",\"0001-01-01\","
    "\"00:00:00\",\"0001-01-01T00:00:00\",\"0001-01-01T00:00:00+00:00\","
    "\"00000000-0000-0000-0000-000000000000\",null,[1,2,3],\"     \"]",
    "[9223372036854775807,true,32767,2147483647,3,1e+300,\"999.9\",\"9999999.99\","
    "\"999999999999999999\",\"9999999999999999999999999999.9999999999\",\"twelve bytes\",\"AP8B\","
    "\"9999-12-31\",\"23:59:59.999999\",\"9999-12-31T23:59:59.999999\","
    "\"9999-12-31T23:59:59.999999+00:00\",\"ffffffff-ffff-ffff-ffff-ffffffffffff\","
    "{\"a\": [1, 2]},[0,-1.5,3e+38],\"ab   \"]",
    "[3,false,0,-1,\"NaN\",\"NaN\",\"0.1\",\"0.01\",\"1\",\"0.0000000001\","
    "\"thirteen byt\xc3\xa9 and more\",\"AP8B\",\"infinity\",\"00:00:00.000001\",\"infinity\","
    "\"-infinity\",\"7f7f7f7f-7f7f-7f7f-7f7f-7f7f7f7f7f7f\",{\"a\": [1, 2]},[1,2,3],\"ab   \"]",
};

static Schema *all_schema(void)
{
    Column columns[ALL_COUNT];
#define X(id, name, type) columns[id - 1] = test_column(name, type, id);
    ALL_TYPES(X)
#undef X
    return test_schema(TABLE_SHARED, 1, columns, ALL_COUNT);
}

static const uint16_t first_columns[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
                                         10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

/* A reference over one region, whole. */
typedef struct OnePart {
    WorkerBlock block;
    WorkerHot hot;
    WorkerReference reference;
    WorkerRequest request;
} OnePart;

static void one_part(OnePart *part, Schema *schema, Schema *of_records, const TestRegion *region)
{
    part->block = region_block(region);
    part->hot = (WorkerHot){.schema = of_records, .blocks = &part->block, .block_count = 1};
    part->reference = (WorkerReference){.schema = schema,
                                        .seq = 100,
                                        .columns = first_columns,
                                        .column_count = schema->column_count,
                                        .hot = &part->hot,
                                        .hot_count = 1};
    part->request = (WorkerRequest){.references = &part->reference, .reference_count = 1};
}

static void every_type_comes_back(void **state)
{
    (void)state;
    Harness harness;
    TestRegion region;
    OnePart part;
    Value values[ALL_COUNT];
    Schema *schema = all_schema();
    harness_open(&harness, 2);
    region_make(&region, 1, 1 << 20);
    for (int row = 0; row < 4; row++) {
        make_values(row, values);
        (void)region_put(&region, schema, (uint64_t)row + 1, 0, 0, values);
    }
    harness_region(&harness, &region);
    one_part(&part, schema, schema, &region);
#define X(id, name, type) type,
    const Type types[] = {ALL_TYPES(X)};
#undef X
    for (int row = 0; row < 4; row++) {
        char sql[400];
        (void)snprintf(sql, sizeof sql,
                       "SELECT c1,c2,c3,c4,c5,c6,c7,c8,c9,c10,c11,c12,c13,c14,c15,c16,c17,c18,c19,"
                       "c20 FROM hot_scan(0) WHERE _seq = %d",
                       row + 1);
        assert_string_equal(all_rows[row],
                            harness_json(&harness, part.request, sql, types, ALL_COUNT));
    }
    assert_string_equal(
        "[\"BIGINT\",\"DECIMAL(4,1)\",\"DECIMAL(38,10)\",\"FLOAT[3]\",\"UUID\"]",
        RUN_JSON(&harness, part.request,
                 "SELECT typeof(c1), typeof(c7), typeof(c10), typeof(c19), typeof(c17) "
                 "FROM hot_scan(0) LIMIT 1",
                 TYPE(TEXT), TYPE(TEXT), TYPE(TEXT), TYPE(TEXT), TYPE(TEXT)));
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

/* DuckDB's own idea of the values: orders and comparisons go by them. */
static void values_mean_the_same_to_duckdb(void **state)
{
    (void)state;
    Harness harness;
    TestRegion region;
    OnePart part;
    Value values[ALL_COUNT];
    Schema *schema = all_schema();
    harness_open(&harness, 1);
    region_make(&region, 1, 1 << 20);
    for (int row = 1; row < 3; row++) {
        make_values(row, values);
        (void)region_put(&region, schema, (uint64_t)row, 0, 0, values);
    }
    harness_region(&harness, &region);
    one_part(&part, schema, schema, &region);
    assert_string_equal(
        "[2]",
        RUN_JSON(&harness, part.request,
                 "SELECT _seq FROM hot_scan(0) WHERE "
                 "c17 = 'ffffffff-ffff-ffff-ffff-ffffffffffff'::UUID AND c7 = 999.9 AND "
                 "c13 = DATE '9999-12-31' AND c14 = TIME '23:59:59.999999' AND "
                 "c15 = TIMESTAMP '9999-12-31 23:59:59.999999' AND c12 = '\\x00\\xFF\\x01'::BLOB "
                 "AND c19 = [0, -1.5, 3e38]::FLOAT[3] AND c10 > 1e27 AND c11 = 'twelve bytes'",
                 TYPE(BIGINT)));
    assert_string_equal("[1],[2]",
                        RUN_JSON(&harness, part.request,
                                 "SELECT _seq FROM hot_scan(0) ORDER BY c17", TYPE(BIGINT)));
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

static void ten_megabytes_are_not_copied(void **state)
{
    (void)state;
    enum { LARGE = 10 << 20 };
    Harness harness;
    TestRegion region;
    OnePart part;
    const Column columns[] = {test_column("id", TYPE(BIGINT), 1), test_column("t", TYPE(TEXT), 2)};
    Schema *schema = test_schema(TABLE_SHARED, 1, columns, 2);
    uint8_t *bytes = malloc(LARGE);
    memset(bytes, 'x', LARGE);
    harness_open(&harness, 2);
    region_make(&region, 1, LARGE + (1 << 20));
    (void)region_put(&region, schema, 1, 0, 0,
                     (Value[]){value_integer(TYPE_BIGINT, 1), value_text(slice_of(bytes, LARGE))});
    harness_region(&harness, &region);
    one_part(&part, schema, schema, &region);
    assert_string_equal("[10485760,10485760]",
                        RUN_JSON(&harness, part.request,
                                 "SELECT length(c2), strlen(c2) FROM hot_scan(0)", TYPE(BIGINT),
                                 TYPE(BIGINT)));
    Type type = TYPE(TEXT);
    part.request.sql = SLICE("SELECT c2 FROM hot_scan(0)");
    part.request.format = FORMAT_ROWS;
    part.request.result_types = &type;
    part.request.result_count = 1;
    part.request.threads = 2;
    Buffer out;
    buffer_open(&out, 0);
    assert_int_equal(OK, harness_run(&harness, &part.request, &out));
    assert_true(out.size > LARGE);
    assert_int_equal(1, harness.rows);
    assert_true(harness.slots > 30); /* one row, cut anywhere */
    assert_memory_equal(bytes, out.data + 8 + 8, LARGE);
    buffer_close(&out);
    free(bytes);
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

/* ---- which rows ---- */

static Schema *small_schema(TableKind kind)
{
    const Column columns[] = {test_column("id", TYPE(BIGINT), 1), test_column("t", TYPE(TEXT), 2)};
    return test_schema(kind, 1, columns, 2);
}

static void put_small(TestRegion *region, const Schema *schema, uint64_t seq, uint64_t replaced_by,
                      WorkerOwner owner, int64_t id)
{
    const Value values[] = {value_integer(TYPE_BIGINT, id), value_text(SLICE("text"))};
    (void)region_put(region, schema, seq, replaced_by, owner, values);
}

static void only_visible_rows_are_read(void **state)
{
    (void)state;
    Harness harness;
    TestRegion region;
    OnePart part;
    Schema *schema = small_schema(TABLE_SHARED);
    harness_open(&harness, 2);
    region_make(&region, 1, 1 << 20);
    put_small(&region, schema, 10, 0, 0, 1);
    put_small(&region, schema, 11, 15, 0, 2); /* replaced within the pin */
    put_small(&region, schema, 15, 0, 0, 2);
    put_small(&region, schema, 16, 21, 0, 3); /* replaced after it */
    (void)region_put(&region, schema, 17, 0, 0, NULL);
    put_small(&region, schema, 20, 0, 0, 4);
    put_small(&region, schema, 21, 0, 0, 3); /* after it */
    harness_region(&harness, &region);
    one_part(&part, schema, schema, &region);
    part.reference.seq = 20;
    const char *sql = "SELECT c1, _seq, _updated FROM hot_scan(0) ORDER BY _seq";
    assert_string_equal(
        "[1,10,\"1970-01-01T00:00:00.01+00:00\"],"
        "[2,15,\"1970-01-01T00:00:00.015+00:00\"],"
        "[3,16,\"1970-01-01T00:00:00.016+00:00\"],"
        "[4,20,\"1970-01-01T00:00:00.02+00:00\"]",
        RUN_JSON(&harness, part.request, sql, TYPE(BIGINT), TYPE(BIGINT), TYPE(TIMESTAMPTZ)));
    assert_int_equal(4, harness.hot_rows_read);
    part.reference.seq = 21;
    assert_string_equal("[1,10],[2,15],[4,20],[3,21]",
                        RUN_JSON(&harness, part.request,
                                 "SELECT c1, _seq FROM hot_scan(0) ORDER BY _seq", TYPE(BIGINT),
                                 TYPE(BIGINT)));
    part.reference.seq = 5;
    assert_string_equal(
        "[0]", RUN_JSON(&harness, part.request, "SELECT count(*) FROM hot_scan(0)", TYPE(BIGINT)));
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

static void owners_are_kept_apart(void **state)
{
    (void)state;
    Harness harness;
    TestRegion region;
    OnePart part;
    Schema *schema = small_schema(TABLE_USER);
    const WorkerOwnerName names[] = {{3, SLICE("carla")}, {7, SLICE("a user with a long name")}};
    const WorkerOwner without[] = {4, 7};
    harness_open(&harness, 2);
    region_make(&region, 1, 1 << 20);
    for (uint64_t i = 0; i < 6; i++)
        put_small(&region, schema, i + 1, 0, (WorkerOwner[]){3, 4, 7, 3, 7, 9}[i], (int64_t)i);
    harness_region(&harness, &region);
    one_part(&part, schema, schema, &region);
    part.reference.with_owner_column = true;
    part.reference.owner_names = names;
    part.reference.owner_name_count = 2;
    const char *sql = "SELECT c1, _user FROM hot_scan(0) ORDER BY c1";
    assert_string_equal("[0,\"carla\"],[1,null],[2,\"a user with a long name\"],[3,\"carla\"],"
                        "[4,\"a user with a long name\"],[5,null]",
                        RUN_JSON(&harness, part.request, sql, TYPE(BIGINT), TYPE(TEXT)));
    part.hot.without = without;
    part.hot.without_count = 2;
    assert_string_equal("[0,\"carla\"],[3,\"carla\"],[5,null]",
                        RUN_JSON(&harness, part.request, sql, TYPE(BIGINT), TYPE(TEXT)));
    part.hot.without_count = 0;
    part.reference.has_owner = true;
    part.reference.owner = 7;
    assert_string_equal("[2,\"a user with a long name\"],[4,\"a user with a long name\"]",
                        RUN_JSON(&harness, part.request, sql, TYPE(BIGINT), TYPE(TEXT)));
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

static void given_offsets_are_all_that_is_read(void **state)
{
    (void)state;
    enum { ROWS = 50000 };
    Harness harness;
    TestRegion region;
    OnePart part;
    Schema *schema = small_schema(TABLE_SHARED);
    uint32_t *offsets = calloc(ROWS, sizeof *offsets);
    uint32_t count = 0;
    harness_open(&harness, 2);
    region_make(&region, 5, 16 << 20);
    region.used = region.first = 4096; /* a block in the middle of its region */
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ROWS; i++) {
        uint32_t offset = (uint32_t)(region.used - region.first);
        put_small(&region, schema, 1 + i % 3, 0, 0, (int64_t)i);
        if (i % 2 == 0)
            offsets[count++] = offset;
        sum += i % 2 == 0 && i % 3 < 2 ? i : 0;
    }
    harness_region(&harness, &region);
    one_part(&part, schema, schema, &region);
    part.block.offsets = offsets;
    part.block.offset_count = count;
    part.reference.seq = 2;
    char expected[64];
    (void)snprintf(expected, sizeof expected, "[%llu]", (unsigned long long)sum);
    assert_string_equal(
        expected,
        RUN_JSON(&harness, part.request, "SELECT sum(c1)::BIGINT FROM hot_scan(0)", TYPE(BIGINT)));
    part.reference.with_location = true;
    (void)snprintf(expected, sizeof expected, "[0,%llu,0,true]",
                   (unsigned long long)hot_position(5, 4096));
    assert_string_equal(expected,
                        RUN_JSON(&harness, part.request,
                                 "SELECT c1, _position, _file, typeof(_file) = 'UBIGINT' FROM "
                                 "hot_scan(0) ORDER BY c1 LIMIT 1",
                                 TYPE(BIGINT), TYPE(BIGINT), TYPE(BIGINT), TYPE(BOOLEAN)));
    offsets[3] += 8; /* no record there: its bytes are read as a header and do not fit */
    const char *answer =
        RUN_JSON(&harness, part.request, "SELECT count(c2) FROM hot_scan(0)", TYPE(BIGINT));
    assert_true(answer[0] == '[' || strncmp(answer, "XX001", 5) == 0);
    offsets[3] = 4u << 20;
    offsets[3] += 12 << 20;
    assert_string_equal(
        "XX001 a row in memory is damaged",
        RUN_JSON(&harness, part.request, "SELECT count(c2) FROM hot_scan(0)", TYPE(BIGINT)));
    free(offsets);
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

/* ---- schema versions ---- */

static void old_records_are_read_as_the_newest_schema(void **state)
{
    (void)state;
    Harness harness;
    TestRegion region;
    OnePart part;
    const Type d9 = {.kind = TYPE_DECIMAL, .a = 9, .b = 2};
    const Type d20 = {.kind = TYPE_DECIMAL, .a = 20, .b = 2};
    const Column old[] = {test_column("id", TYPE(BIGINT), 1),
                          test_column("gone", TYPE(TEXT), 2),
                          test_column("a", TYPE(SMALLINT), 3),
                          test_column("b", TYPE(REAL), 4),
                          test_column("c", d9, 5),
                          test_column("d", TYPE(TEXT), 6)};
    Column new[] = {test_column("d2", TYPE(TEXT), 6),   test_column("id", TYPE(BIGINT), 1),
                    test_column("a", TYPE(BIGINT), 3),  test_column("b", TYPE(DOUBLE), 4),
                    test_column("c", d20, 5),           test_column("added", TYPE(INTEGER), 7),
                    test_column("text", TYPE(TEXT), 8), test_column("none", TYPE(UUID), 9)};
    new[5].initial_default = value_integer(TYPE_INTEGER, 42);
    new[6].initial_default = value_text(SLICE("a default that is long"));
    Schema *before = test_schema(TABLE_SHARED, 1, old, 6);
    Schema *after = test_schema(TABLE_SHARED, 2, new, 8);
    harness_open(&harness, 2);
    region_make(&region, 1, 1 << 20);
    const Value row[] = {
        value_integer(TYPE_BIGINT, 1),    value_text(SLICE("gone")),
        value_integer(TYPE_SMALLINT, -7), (Value){.kind = TYPE_REAL, .as.real = 0.5},
        value_decimal(-12345, 2),         value_text(SLICE("kept"))};
    (void)region_put(&region, before, 1, 0, 0, row);
    harness_region(&harness, &region);
    one_part(&part, after, before, &region);
    assert_string_equal("[\"kept\",1,-7,0.5,\"-123.45\",42,\"a default that is long\",null]",
                        RUN_JSON(&harness, part.request,
                                 "SELECT c6,c1,c3,c4,c5,c7,c8,c9 FROM hot_scan(0)", TYPE(TEXT),
                                 TYPE(BIGINT), TYPE(BIGINT), TYPE(DOUBLE), d20, TYPE(INTEGER),
                                 TYPE(TEXT), TYPE(UUID)));
    schema_release(before);
    schema_release(after);
    harness_close(&harness);
    region_end(&region);
}

static void several_versions_at_once(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    Harness harness;
    TestRegion regions[2];
    const Column first[] = {test_column("id", TYPE(BIGINT), 1), test_column("n", TYPE(INTEGER), 2)};
    const Column second[] = {test_column("id", TYPE(BIGINT), 1), test_column("n", TYPE(BIGINT), 2)};
    Schema *schemas[2] = {test_schema(TABLE_SHARED, 1, first, 2),
                          test_schema(TABLE_SHARED, 2, second, 2)};
    WorkerBlock blocks[2];
    WorkerHot hot[2];
    harness_open(&harness, 2);
    for (int p = 0; p < 2; p++) {
        region_make(&regions[p], (uint64_t)p + 1, 4 << 20);
        for (int i = 0; i < ROWS; i++) {
            const Value row[] = {value_integer(TYPE_BIGINT, i),
                                 value_integer(p == 0 ? TYPE_INTEGER : TYPE_BIGINT, p + 1)};
            (void)region_put(&regions[p], schemas[p], 1, 0, 0, row);
        }
        harness_region(&harness, &regions[p]);
        blocks[p] = region_block(&regions[p]);
        hot[p] = (WorkerHot){.schema = schemas[p], .blocks = &blocks[p], .block_count = 1};
    }
    WorkerReference reference = {.schema = schemas[1],
                                 .seq = 9,
                                 .columns = first_columns,
                                 .column_count = 2,
                                 .hot = hot,
                                 .hot_count = 2};
    WorkerRequest request = {.references = &reference, .reference_count = 1};
    assert_string_equal(
        "[10000,15000,24995000]",
        RUN_JSON(&harness, request,
                 "SELECT count(*), sum(c2)::BIGINT, sum(c1)::BIGINT FROM hot_scan(0)", TYPE(BIGINT),
                 TYPE(BIGINT), TYPE(BIGINT)));
    for (int p = 0; p < 2; p++)
        schema_release(schemas[p]);
    harness_close(&harness);
    region_end(&regions[0]);
    region_end(&regions[1]);
}

/* ---- arrays, order, damage ---- */

static void arrays_become_lists(void **state)
{
    (void)state;
    Harness harness;
    TestRegion region;
    OnePart part;
    const Column columns[] = {test_column("id", TYPE(BIGINT), 1),
                              test_column("l", TYPE_ARRAY_OF(TEXT), 2)};
    Schema *schema = test_schema(TABLE_SHARED, 1, columns, 2);
    const Value items[] = {value_text(SLICE("one")), value_null(TYPE_TEXT),
                           value_text(SLICE("something longer"))};
    const ArrayValue arrays[] = {{3, items}, {0, NULL}};
    harness_open(&harness, 2);
    region_make(&region, 1, 1 << 20);
    for (int i = 0; i < 3; i++) {
        Value array =
            i < 2 ? (Value){.kind = TYPE_ARRAY, .as.array = &arrays[i]} : value_null(TYPE_ARRAY);
        (void)region_put(&region, schema, 1, 0, 0, (Value[]){value_integer(TYPE_BIGINT, i), array});
    }
    harness_region(&harness, &region);
    one_part(&part, schema, schema, &region);
    assert_string_equal("[0,[\"one\",null,\"something longer\"],3],[1,[],0],[2,null,null]",
                        RUN_JSON(&harness, part.request,
                                 "SELECT c1, c2, len(c2) FROM hot_scan(0) ORDER BY c1",
                                 TYPE(BIGINT), TYPE_ARRAY_OF(TEXT), TYPE(BIGINT)));
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

static void ordered_records_come_in_the_tables_order(void **state)
{
    (void)state;
    enum { ROWS = 10000 };
    Harness harness;
    TestRegion region;
    OnePart part;
    Schema *schema = small_schema(TABLE_SHARED);
    static uint64_t table[ROWS];
    harness_open(&harness, 2);
    region_make(&region, 1, 4 << 20);
    for (int i = 0; i < ROWS; i++) { /* also replaced ones: a flush wants what it names */
        table[ROWS - 1 - i] = region.used;
        put_small(&region, schema, (uint64_t)i + 1, 50000, 0, i);
    }
    harness_region(&harness, &region);
    harness_table(&harness, table, ROWS / 2);
    harness_table(&harness, table + ROWS / 2, ROWS / 2);
    one_part(&part, schema, schema, &region);
    part.reference.is_ordered = true;
    part.reference.seq = 1;
    assert_string_equal("[10000,9999,0,true]",
                        RUN_JSON(&harness, part.request,
                                 "SELECT count(*), first(c1), last(c1), list(c1) = "
                                 "list_reverse_sort(list(c1)) FROM hot_scan(0)",
                                 TYPE(BIGINT), TYPE(BIGINT), TYPE(BIGINT), TYPE(BOOLEAN)));
    assert_string_equal("[0]", RUN_JSON(&harness, part.request, "SELECT count(*) FROM hot_scan(0)",
                                        TYPE(BIGINT))); /* a table is for one statement */
    table[0] = 1ull << 32;                              /* a block that there is not */
    harness_table(&harness, table, 1);
    assert_string_equal(
        "XX001 a row in memory is damaged",
        RUN_JSON(&harness, part.request, "SELECT count(*) FROM hot_scan(0)", TYPE(BIGINT)));
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

static void damaged_records_fail_the_statement_only(void **state)
{
    (void)state;
    Harness harness;
    TestRegion region;
    OnePart part;
    Schema *schema = small_schema(TABLE_SHARED);
    harness_open(&harness, 2);
    region_make(&region, 1, 1 << 20);
    put_small(&region, schema, 1, 0, 0, 1);
    put_small(&region, schema, 2, 0, 0, 2);
    harness_region(&harness, &region);
    one_part(&part, schema, schema, &region);
    RecordHeader *record = (RecordHeader *)(void *)region.data;
    const char *sql = "SELECT count(c2) FROM hot_scan(0)";
    uint32_t size = record->row_size;
    record->row_size = 1 << 30;
    assert_string_equal("XX001 a row in memory is damaged",
                        RUN_JSON(&harness, part.request, sql, TYPE(BIGINT)));
    record->row_size = 3; /* shorter than any row */
    assert_string_equal("XX001 a row in memory is damaged",
                        RUN_JSON(&harness, part.request, sql, TYPE(BIGINT)));
    record->row_size = size;
    uint8_t *end = (uint8_t *)(uintptr_t)record_row(record).data + schema->layout.offset[1];
    *end = 200; /* a text that ends behind its row */
    assert_string_equal("XX001 a row in memory is damaged",
                        RUN_JSON(&harness, part.request, sql, TYPE(BIGINT)));
    *end = (uint8_t)size;
    assert_string_equal("[2]", RUN_JSON(&harness, part.request, sql, TYPE(BIGINT)));
    part.block.published = region.size + 8;
    assert_string_equal("08P01 a block that lies in no region sent",
                        RUN_JSON(&harness, part.request, sql, TYPE(BIGINT)));
    part.block = region_block(&region);
    part.block.region_id = 99;
    assert_string_equal("08P01 a block that lies in no region sent",
                        RUN_JSON(&harness, part.request, sql, TYPE(BIGINT)));
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

/* Many blocks, read by several threads at once, while the server goes on replacing rows. */
static void parallel_scans_see_every_row_once(void **state)
{
    (void)state;
    enum { BLOCKS = 24, ROWS = 4000 };
    Harness harness;
    TestRegion region;
    Schema *schema = small_schema(TABLE_SHARED);
    static WorkerBlock blocks[BLOCKS];
    harness_open(&harness, 4);
    region_make(&region, 1, 32 << 20);
    for (int b = 0; b < BLOCKS; b++) {
        region.first = region.used;
        for (int i = 0; i < ROWS; i++)
            put_small(&region, schema, 1, 0, 0, (int64_t)b * ROWS + i);
        blocks[b] = region_block(&region);
    }
    harness_region(&harness, &region);
    WorkerHot hot = {.schema = schema, .blocks = blocks, .block_count = BLOCKS};
    WorkerReference reference = {.schema = schema,
                                 .seq = 9,
                                 .columns = first_columns,
                                 .column_count = 2,
                                 .hot = &hot,
                                 .hot_count = 1};
    WorkerRequest request = {.references = &reference, .reference_count = 1, .threads = 4};
    for (int round = 0; round < 5; round++)
        assert_string_equal(
            "[96000,96000,4607952000]",
            RUN_JSON(&harness, request,
                     "SELECT count(*), count(DISTINCT c1), sum(c1)::BIGINT FROM hot_scan(0)",
                     TYPE(BIGINT), TYPE(BIGINT), TYPE(BIGINT)));
    schema_release(schema);
    harness_close(&harness);
    region_end(&region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back),
        cmocka_unit_test(values_mean_the_same_to_duckdb),
        cmocka_unit_test(ten_megabytes_are_not_copied),
        cmocka_unit_test(only_visible_rows_are_read),
        cmocka_unit_test(owners_are_kept_apart),
        cmocka_unit_test(given_offsets_are_all_that_is_read),
        cmocka_unit_test(old_records_are_read_as_the_newest_schema),
        cmocka_unit_test(several_versions_at_once),
        cmocka_unit_test(arrays_become_lists),
        cmocka_unit_test(ordered_records_come_in_the_tables_order),
        cmocka_unit_test(damaged_records_fail_the_statement_only),
        cmocka_unit_test(parallel_scans_see_every_row_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
