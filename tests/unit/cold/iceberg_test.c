/* The parts of Iceberg's metadata by themselves: bounds, schemas, paths, the table's JSON,
 * manifests. */
#include <math.h>

#include "cold/iceberg.h"

#include "tests/unit/cold/fixture.h"

/* ---- bounds ---- */

static void expect_bound(Value value, const char *bytes, size_t size)
{
    Buffer out;
    buffer_open(&out, 0);
    assert_true(iceberg_put_bound(&out, &value, false));
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, bytes, size);
    buffer_close(&out);
}

/* The examples of the specification, and the ends of each type. */
static void bounds_are_in_icebergs_form(void **state)
{
    (void)state;
    expect_bound(value_boolean(true), "\x01", 1);
    expect_bound(value_integer(TYPE_SMALLINT, -2), "\xfe\xff\xff\xff", 4);
    expect_bound(value_integer(TYPE_INTEGER, 34), "\x22\x00\x00\x00", 4);
    expect_bound(value_integer(TYPE_DATE, -1), "\xff\xff\xff\xff", 4);
    expect_bound(value_integer(TYPE_BIGINT, 34), "\x22\0\0\0\0\0\0\0", 8);
    expect_bound(value_integer(TYPE_TIMESTAMPTZ, INT64_MIN + 1), "\x01\0\0\0\0\0\0\x80", 8);
    expect_bound(value_double(1.0), "\0\0\0\0\0\0\xf0\x3f", 8);
    expect_bound((Value){.kind = TYPE_REAL, .as.real = -2.5}, "\x00\x00\x20\xc0", 4);
    expect_bound(value_decimal(1420, 2), "\x05\x8c", 2);
    expect_bound(value_decimal(0, 2), "\x00", 1);
    expect_bound(value_decimal(127, 0), "\x7f", 1);
    expect_bound(value_decimal(128, 0), "\x00\x80", 2);
    expect_bound(value_decimal(-128, 0), "\x80", 1);
    expect_bound(value_decimal(-129, 0), "\xff\x7f", 2);
    expect_bound(value_text(SLICE("iceberg")), "iceberg", 7);
    expect_bound(value_bytes(TYPE_BYTEA, SLICE("\x00\xff")), "\x00\xff", 2);
    Value uuid = {.kind = TYPE_UUID, .as.uuid = {0xf7, 0x9c, 0x3e, 0x09}};
    expect_bound(uuid, "\xf7\x9c\x3e\x09\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

static void what_has_no_bound_gets_none(void **state)
{
    (void)state;
    Buffer out;
    float elements[1] = {1};
    Value none[] = {value_null(TYPE_BIGINT),
                    value_double((double)NAN),
                    {.kind = TYPE_VECTOR, .as.vector = {elements, 1}}};
    buffer_open(&out, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_false(iceberg_put_bound(&out, &none[i], false));
        assert_false(iceberg_put_bound(&out, &none[i], true));
    }
    assert_int_equal(out.size, 0);
    buffer_close(&out);
}

/* A reader that tells zeros apart must find both within the bounds. */
static void zeros_have_signs_in_bounds(void **state)
{
    (void)state;
    Buffer out;
    Value zero = value_double(0.0);
    buffer_open(&out, 0);
    assert_true(iceberg_put_bound(&out, &zero, false));
    assert_true(iceberg_put_bound(&out, &zero, true));
    assert_memory_equal(out.data, "\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0\0", 16);
    buffer_close(&out);
}

static void expect_upper(const char *before, const char *tail, const char *wanted)
{
    char text[400];
    char upper[400];
    Buffer out;
    buffer_open(&out, 0);
    (void)snprintf(text, sizeof text, "%s%s and whatever follows, however long it is", before,
                   tail);
    (void)snprintf(upper, sizeof upper, "%s%s", before, wanted);
    Value value = value_text(slice_of_text(text));
    assert_true(iceberg_put_bound(&out, &value, true));
    assert_slice(buffer_slice(&out), upper);
    assert_true(slice_compare(buffer_slice(&out), slice_of_text(text)) > 0);
    buffer_close(&out);
}

static void cut_texts_still_bound(void **state)
{
    (void)state;
    char a60[61];
    Buffer out;
    memset(a60, 'a', 60);
    a60[60] = '\0';
    expect_upper(a60, "abcdef", "abce");
    expect_upper(a60, "abc\x7f", "abd");           /* no character behind 0x7f in a byte */
    expect_upper(a60, "ab\xc3\xa9", "ab\xc3\xaa"); /* é, ê */
    expect_upper(a60, "abc\xc3\xa9", "abd");       /* é does not fit whole */
    expect_upper(a60, "a\xed\x9f\xbf", "b");       /* behind U+D7FF are surrogates */
    a60[59] = '\0';
    expect_upper(a60, "b\xf4\x8f\xbf\xbf", "c"); /* nothing is behind the last code point */
    char last[100] = "";
    for (int i = 0; i < 20; i++)
        memcpy(last + strlen(last), "\xf4\x8f\xbf\xbf", 5); /* the last code point, only */
    Value value = value_text(slice_of_text(last));
    buffer_open(&out, 0);
    assert_false(iceberg_put_bound(&out, &value, true));
    assert_true(iceberg_put_bound(&out, &value, false));
    assert_int_equal(out.size, 64);
    buffer_close(&out);
}

static void random_cuts_bound(void **state)
{
    (void)state;
    static const char *const characters[] = {"a",
                                             "\x7f",
                                             "\xc2\x80",
                                             "\xdf\xbf",
                                             "\xe0\xa0\x80",
                                             "\xed\x9f\xbf",
                                             "\xef\xbf\xbf",
                                             "\xf0\x90\x80\x80",
                                             "\xf4\x8f\xbf\xbf",
                                             "z"};
    Random random = random_of(test_seed());
    for (int round = 0; round < 3000; round++) {
        char text[500] = "";
        Buffer lower;
        Buffer upper;
        buffer_open(&lower, 0);
        buffer_open(&upper, 0);
        size_t size = 0;
        for (uint64_t i = 10 + random_below(&random, 60); i > 0; i--)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s",
                                     characters[random_below(&random, 10)]);
        Value value = value_text(slice_of_text(text));
        Value binary = value_bytes(TYPE_BYTEA, slice_of_text(text));
        assert_true(iceberg_put_bound(&lower, &value, false));
        assert_true(lower.size <= ICEBERG_BOUND_BYTES_MAX);
        assert_true(slice_compare(buffer_slice(&lower), slice_of_text(text)) <= 0);
        assert_true(lower.size == 0 || slice_is_utf8_text(buffer_slice(&lower)));
        if (iceberg_put_bound(&upper, &value, true)) {
            assert_true(slice_compare(buffer_slice(&upper), slice_of_text(text)) >= 0);
            assert_true(slice_is_utf8_text(buffer_slice(&upper)));
        }
        buffer_clear(&upper);
        assert_true(iceberg_put_bound(&upper, &binary, true));
        assert_true(slice_compare(buffer_slice(&upper), slice_of_text(text)) >= 0);
        buffer_close(&lower);
        buffer_close(&upper);
    }
}

static void bounds_come_back(void **state)
{
    (void)state;
    static const struct {
        IcebergKind kind;
        Value value;
    } cases[] = {
        {ICEBERG_BOOLEAN, {.kind = TYPE_BOOLEAN, .as.boolean = true}},
        {ICEBERG_INT, {.kind = TYPE_INTEGER, .as.integer = -5}},
        {ICEBERG_LONG, {.kind = TYPE_BIGINT, .as.integer = INT64_MIN}},
        {ICEBERG_LONG, {.kind = TYPE_INTEGER, .as.integer = 7}}, /* before it was widened */
        {ICEBERG_DATE, {.kind = TYPE_DATE, .as.integer = -719162}},
        {ICEBERG_TIME, {.kind = TYPE_TIME, .as.integer = 86399999999}},
        {ICEBERG_TIMESTAMP, {.kind = TYPE_TIMESTAMP, .as.integer = 1}},
        {ICEBERG_TIMESTAMPTZ, {.kind = TYPE_TIMESTAMPTZ, .as.integer = -1}},
        {ICEBERG_FLOAT, {.kind = TYPE_REAL, .as.real = 0.5}},
        {ICEBERG_DOUBLE, {.kind = TYPE_DOUBLE, .as.real = 1e300}},
        {ICEBERG_DOUBLE, {.kind = TYPE_REAL, .as.real = 1.5}},
        {ICEBERG_UUID, {.kind = TYPE_UUID, .as.uuid = {1, 2, 3}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        IcebergField field = {.kind = cases[i].kind};
        Value back;
        Buffer out;
        buffer_open(&out, 0);
        assert_true(iceberg_put_bound(&out, &cases[i].value, false));
        assert_true(iceberg_read_bound(&field, buffer_slice(&out), &back));
        assert_int_equal(back.kind, cases[i].value.kind);
        assert_int_equal(value_compare(&back, &cases[i].value), 0);
        assert_false(iceberg_read_bound(&field, slice_of("0123456", 7), &back));
        buffer_close(&out);
    }
}

static void decimals_come_back(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    IcebergField field = {.kind = ICEBERG_DECIMAL, .scale = 3};
    for (int i = 0; i < 2000; i++) {
        Int128 number = (Int128)random_u64(&random) << 62 ^ (Int128)random_u64(&random);
        Value value = value_decimal(
            (random_chance(&random, 1, 2) ? -number : number) >> random_below(&random, 126), 3);
        Value back;
        Buffer out;
        buffer_open(&out, 0);
        assert_true(iceberg_put_bound(&out, &value, false));
        assert_true(iceberg_read_bound(&field, buffer_slice(&out), &back));
        assert_true(back.as.decimal == value.as.decimal && back.scale == 3);
        buffer_close(&out);
    }
}

/* ---- schemas ---- */

static void schemas_are_icebergs(void **state)
{
    (void)state;
    Error error;
    Arena arena;
    Buffer json;
    IcebergField *fields;
    size_t count;
    Schema *schema = fixture_schema(TABLE_USER, 2);
    buffer_open(&json, 0);
    arena_open(&arena, 0);
    cold_put_iceberg_schema(&json, schema);
    assert_slice(
        buffer_slice(&json),
        "{\"type\":\"struct\",\"schema-id\":2,\"fields\":["
        "{\"id\":1,\"name\":\"id\",\"required\":false,\"type\":\"long\"},"
        "{\"id\":2,\"name\":\"name\",\"required\":false,\"type\":\"string\",\"doc\":\"who "
        "\\\"it\\\" "
        "is\"},"
        "{\"id\":3,\"name\":\"score\",\"required\":false,\"type\":\"double\"},"
        "{\"id\":4,\"name\":\"price\",\"required\":false,\"type\":\"decimal(10, 2)\"},"
        "{\"id\":5,\"name\":\"small\",\"required\":false,\"type\":\"int\"},"
        "{\"id\":6,\"name\":\"embedding\",\"required\":false,\"type\":{\"type\":\"list\","
        "\"element-id\":1000000006,\"element\":\"float\",\"element-required\":false}},"
        "{\"id\":7,\"name\":\"added\",\"required\":false,\"type\":\"date\"},"
        "{\"id\":2000000001,\"name\":\"_seq\",\"required\":false,\"type\":\"long\",\"doc\":"
        "\"sequence "
        "of the change that wrote the row\"},"
        "{\"id\":2000000002,\"name\":\"_updated\",\"required\":false,\"type\":\"timestamptz\","
        "\"doc\":\"when it was committed\"},"
        "{\"id\":2000000003,\"name\":\"_user\",\"required\":false,\"type\":\"string\",\"doc\":"
        "\"whose "
        "row it is\"}]}");
    assert_ok(iceberg_schema_fields(&arena, buffer_slice(&json), &fields, &count, &error), &error);
    assert_int_equal(count, 10);
    assert_int_equal(iceberg_find_field(fields, count, 4)->kind, ICEBERG_DECIMAL);
    assert_int_equal(iceberg_find_field(fields, count, 4)->scale, 2);
    assert_int_equal(iceberg_find_field(fields, count, 6)->kind, ICEBERG_OTHER);
    assert_null(iceberg_find_field(fields, count, 99));
    buffer_clear(&json);
    iceberg_put_sort_fields(&json, schema);
    assert_slice(buffer_slice(&json), "[{\"transform\":\"identity\",\"source-id\":1,"
                                      "\"direction\":\"asc\",\"null-order\":\"nulls-first\"}]");
    schema_release(schema);
    buffer_close(&json);
    arena_close(&arena);
}

/* ---- paths ---- */

static void only_files_inside_are_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"/t/data/../../etc/passwd",
                                      "/t/../x",
                                      "/t/data/./x",
                                      "/t/data//x",
                                      "/t/data/",
                                      "/t/",
                                      "/t",
                                      "/tdata/x",
                                      "/u/data/x",
                                      "data/x",
                                      "",
                                      "/t/elsewhere/x",
                                      "/t/data/x/..",
                                      "/t//data/x"};
    Error error;
    Arena arena;
    const char *relative;
    arena_open(&arena, 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (iceberg_relative(&arena, "/t", slice_of_text(bad[i]), &relative, &error) !=
            STATUS_DATA_CORRUPTED)
            fail_msg("\"%s\" was taken", bad[i]);
    }
    assert_status(STATUS_DATA_CORRUPTED,
                  iceberg_relative(&arena, "/t", slice_of("/t/data/a\0b", 11), &relative, &error));
    assert_ok(iceberg_relative(&arena, "/t", SLICE("/t/data/a/b.parquet"), &relative, &error),
              &error);
    assert_string_equal(relative, "data/a/b.parquet");
    arena_close(&arena);
}

/* ---- the table's JSON ---- */

static const char table_json[] =
    "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"/t\",\"last-sequence-number\":3,"
    "\"last-updated-ms\":5,\"schemas\":[{\"schema-id\":1,\"fields\":[]}],\"current-schema-id\":1,"
    "\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],\"sort-orders\":[{\"order-id\":1,"
    "\"fields\":[]}],\"properties\":{\"firn.version\":\"4\"},\"current-snapshot-id\":7,"
    "\"snapshots\":[{\"snapshot-id\":7,\"sequence-number\":3,\"timestamp-ms\":5,\"schema-id\":1,"
    "\"manifest-list\":\"/t/metadata/l.avro\",\"summary\":{\"operation\":\"append\","
    "\"firn.deletes\":\"metadata/1.deletes\"}}]}";

static Status read_table(Slice json)
{
    Error error;
    Arena arena;
    IcebergTable table;
    arena_open(&arena, 64 << 20);
    Status status = iceberg_read_table(&arena, json, &table, &error);
    arena_close(&arena);
    return status;
}

/* Replaces the first `from` by `to`. */
static Status read_changed(const char *from, const char *to)
{
    char text[2000];
    const char *at = strstr(table_json, from);
    assert_non_null(at);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - table_json), table_json, to,
                   at + strlen(from));
    return read_table(slice_of_text(text));
}

static void foreign_metadata_is_named(void **state)
{
    (void)state;
    assert_status(OK, read_table(slice_of_text(table_json)));
    assert_status(STATUS_FEATURE_NOT_SUPPORTED, read_changed("version\":2", "version\":3"));
    assert_status(STATUS_FEATURE_NOT_SUPPORTED,
                  read_changed("0,\"fields\":[]}],\"sort",
                               "0,\"fields\":[{\"source-id\":1,\"field-id\":1000,\"name\":\"b\","
                               "\"transform\":\"bucket[4]\"}]}],\"sort"));
}

static void damaged_metadata_is_refused(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"{\"format", "[\"format"},
        {"-version\":2", "-version\":\"2\""},
        {"\"table-uuid\":\"u\"", "\"x\":1"},
        {"\"location\":\"/t\"", "\"location\":\"t\""},
        {"-number\":3", "-number\":-3"},
        {"current-schema-id\":1", "current-schema-id\":2"},
        {"schema-id\":1", "schema-id\":-1"},
        {"firn.version\":\"4\"", "firn.version\":\"x\""},
        {"firn.version\":\"4\"", "firn.version\":\"0\""},
        {"snapshot-id\":7", "snapshot-id\":8"},
        {"/t/metadata/l.avro", "/x/metadata/l.avro"},
        {"metadata/1.deletes", "../1.deletes"},
        {"\"operation\":\"append\",", ""},
        {"\"order-id\":1", "\"order-id\":5"},
        {"\"summary\":{", "\"xummary\":{"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (read_changed(changes[i][0], changes[i][1]) != STATUS_DATA_CORRUPTED)
            fail_msg("%s as %s was read", changes[i][0], changes[i][1]);
    }
}

static void mutated_metadata_does_no_harm(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    size_t size = sizeof table_json - 1;
    for (int round = 0; round < 20000; round++) {
        char *copy = malloc(size);
        memcpy(copy, table_json, size);
        for (uint64_t i = 1 + random_below(&random, 3); i > 0; i--)
            copy[random_below(&random, size)] = (char)(32 + random_below(&random, 95));
        (void)!read_table(slice_of(copy, size));
        free(copy);
    }
}

/* ---- manifests ---- */

typedef struct Counted {
    size_t entries;
    uint64_t rows;
} Counted;

static Status count_entry(void *context, const IcebergEntry *entry, Error *error)
{
    (void)error;
    Counted *counted = context;
    counted->entries++;
    counted->rows += entry->row_count;
    return OK;
}

static void table_for_manifests(IcebergTable *table, IcebergSchema *schema)
{
    *schema = (IcebergSchema){1, SLICE("{\"fields\":[{\"id\":1,\"type\":\"long\"},"
                                       "{\"id\":2,\"type\":\"double\"}]}")};
    *table = (IcebergTable){.kind = TABLE_USER,
                            .location = "/t",
                            .current_schema_id = 1,
                            .schemas = schema,
                            .schema_count = 1};
}

static void write_manifest(Buffer *out, const IcebergTable *table, bool is_deletes)
{
    Error error;
    IcebergManifestWriter writer;
    IcebergSnapshot snapshot = {.id = 9, .sequence = 4};
    static const uint64_t splits[] = {4, 1000};
    const ColumnStatistics statistics[] = {
        {.field_id = 1,
         .value_count = 5,
         .size_bytes = 9,
         .has_bounds = true,
         .lower = value_integer(TYPE_BIGINT, 1),
         .upper = value_integer(TYPE_BIGINT, 5)},
        {.field_id = 2, .value_count = 5, .null_count = 5, .lower = value_double(0)},
    };
    assert_ok(
        iceberg_manifest_open(&writer, env_real(), out, table, &snapshot, is_deletes, 3, &error),
        &error);
    for (int i = 0; i < 4; i++) {
        const IcebergEntry entry = {.status = (IcebergStatus)(i % 3),
                                    .is_deletes = is_deletes,
                                    .snapshot_id = 9,
                                    .sequence = 2 + i % 3,
                                    .path = "data/bob/x.parquet",
                                    .owner_name = i == 0 ? SLICE("zoe") : SLICE("bob"),
                                    .row_count = 5,
                                    .size_bytes = 100,
                                    .statistics = statistics,
                                    .statistics_count = 2,
                                    .splits = splits,
                                    .split_count = 2,
                                    .covers_first = "data/bob/a.parquet",
                                    .covers_last = "data/bob/b.parquet"};
        assert_ok(iceberg_manifest_add(&writer, &entry, &error), &error);
    }
    assert_ok(iceberg_manifest_finish(&writer, &error), &error);
    assert_int_equal(writer.manifest.files[ICEBERG_EXISTING], 2);
    assert_int_equal(writer.manifest.files[ICEBERG_ADDED], 1);
    assert_int_equal(writer.manifest.files[ICEBERG_DELETED], 1);
    assert_int_equal(writer.manifest.sequence_min, 2);
    assert_slice(writer.manifest.owner_min, "bob");
    assert_slice(writer.manifest.owner_max, "zoe");
    iceberg_manifest_close(&writer);
}

static void manifests_come_back(void **state)
{
    (void)state;
    Error error;
    IcebergSchema schema;
    IcebergTable table;
    table_for_manifests(&table, &schema);
    for (int is_deletes = 0; is_deletes < 2; is_deletes++) {
        Buffer file;
        Counted counted = {0};
        uint32_t schema_version = 0;
        buffer_open(&file, 0);
        write_manifest(&file, &table, is_deletes == 1);
        IcebergManifestRead read = {&table, buffer_slice(&file), 4, 9, is_deletes == 1};
        assert_ok(iceberg_read_manifest(&read, &schema_version, count_entry, &counted, &error),
                  &error);
        assert_int_equal(schema_version, 3);  /* though only schema 1 is known */
        assert_int_equal(counted.entries, 3); /* without the deleted one */
        assert_int_equal(counted.rows, 15);
        read.is_deletes = !read.is_deletes;
        assert_status(STATUS_DATA_CORRUPTED,
                      iceberg_read_manifest(&read, &schema_version, count_entry, &counted, &error));
        buffer_close(&file);
    }
}

static void mutated_manifests_do_no_harm(void **state)
{
    (void)state;
    Error error;
    IcebergSchema schema;
    IcebergTable table;
    Buffer file;
    Random random = random_of(test_seed());
    table_for_manifests(&table, &schema);
    buffer_open(&file, 0);
    write_manifest(&file, &table, false);
    for (size_t i = 0; i < file.size; i++) {
        Counted counted = {0};
        uint32_t schema_version;
        uint8_t *copy = malloc(file.size);
        memcpy(copy, file.data, file.size);
        copy[i] = (uint8_t)random_u64(&random);
        const IcebergManifestRead read = {&table, slice_of(copy, file.size), 4, 9, false};
        (void)!iceberg_read_manifest(&read, &schema_version, count_entry, &counted, &error);
        free(copy);
    }
    buffer_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_in_icebergs_form),
        cmocka_unit_test(what_has_no_bound_gets_none),
        cmocka_unit_test(zeros_have_signs_in_bounds),
        cmocka_unit_test(cut_texts_still_bound),
        cmocka_unit_test(random_cuts_bound),
        cmocka_unit_test(bounds_come_back),
        cmocka_unit_test(decimals_come_back),
        cmocka_unit_test(schemas_are_icebergs),
        cmocka_unit_test(only_files_inside_are_named),
        cmocka_unit_test(foreign_metadata_is_named),
        cmocka_unit_test(damaged_metadata_is_refused),
        cmocka_unit_test(mutated_metadata_does_no_harm),
        cmocka_unit_test(manifests_come_back),
        cmocka_unit_test(mutated_manifests_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
