#include "cold/avro.h"

#include "tests/unit/cold/test.h"

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"row\",\"namespace\":\"a.b\",\"fields\":["
    "{\"name\":\"number\",\"type\":\"long\",\"field-id\":1},"
    "{\"name\":\"maybe\",\"type\":[\"null\",\"string\"],\"default\":null,\"field-id\":2},"
    "{\"name\":\"flag\",\"type\":\"boolean\",\"field-id\":3},"
    "{\"name\":\"pairs\",\"type\":{\"type\":\"array\",\"logicalType\":\"map\",\"items\":"
    "{\"type\":\"record\",\"name\":\"k4_v5\",\"fields\":[{\"name\":\"key\",\"type\":\"int\","
    "\"field-id\":4},{\"name\":\"value\",\"type\":\"bytes\",\"field-id\":5}]}},\"field-id\":6},"
    "{\"name\":\"again\",\"type\":[\"null\",\"a.b.k4_v5\"],\"field-id\":7},"
    "{\"name\":\"fixed\",\"type\":{\"type\":\"fixed\",\"name\":\"f4\",\"size\":4},\"field-id\":8},"
    "{\"name\":\"kind\",\"type\":{\"type\":\"enum\",\"name\":\"e\",\"symbols\":[\"x\",\"y\"]},"
    "\"field-id\":9},"
    "{\"name\":\"real\",\"type\":\"double\",\"field-id\":10},"
    "{\"name\":\"narrow\",\"type\":\"float\",\"field-id\":11},"
    "{\"name\":\"map\",\"type\":{\"type\":\"map\",\"values\":\"long\"},\"field-id\":12},"
    "{\"name\":\"unnamed\",\"type\":\"null\"}]}";

static void put_row(Buffer *out, int64_t n)
{
    double real = (double)n / 3;
    float narrow = (float)n;
    avro_put_long(out, n);
    avro_put_long(out, n % 2);
    if (n % 2 != 0)
        avro_put_bytes(out, SLICE("odd"));
    avro_put_boolean(out, n % 3 == 0);
    for (int64_t i = 0; i < n % 4; i++) {
        avro_put_long(out, 1);
        avro_put_long(out, i);
        avro_put_bytes(out, SLICE("value"));
    }
    avro_put_long(out, 0);
    avro_put_long(out, 1);
    avro_put_long(out, 77);
    avro_put_bytes(out, SLICE(""));
    buffer_put(out, "abcd", 4);
    avro_put_long(out, 1);
    buffer_put(out, &real, sizeof real);
    buffer_put(out, &narrow, sizeof narrow);
    avro_put_long(out, -2); /* with a length, for those who skip */
    avro_put_long(out, 6);
    avro_put_bytes(out, SLICE("p"));
    avro_put_long(out, n);
    avro_put_bytes(out, SLICE("q"));
    avro_put_long(out, -n);
    avro_put_long(out, 0);
}

static Status write_rows(Buffer *file, int64_t count, bool deflate, Error *error)
{
    static const AvroMetadata metadata[] = {
        {{(const uint8_t *)"content", 7}, {(const uint8_t *)"data", 4}}};
    AvroWriter writer;
    avro_writer_open(&writer, env_real(), file, slice_of_text(schema_text), deflate, metadata, 1);
    Status status = OK;
    for (int64_t n = 0; status == OK && n < count; n++) {
        put_row(&writer.block, n);
        status = avro_writer_end_record(&writer, error);
    }
    if (status == OK)
        status = avro_writer_finish(&writer, error);
    avro_writer_close(&writer);
    return status;
}

static void expect_row(const AvroValue *row, int64_t n)
{
    const AvroValue *items;
    assert_int_equal(avro_integer(row, 1, -1), n);
    assert_slice(avro_text(row, 2), n % 2 != 0 ? "odd" : "");
    assert_int_equal(avro_field(row, 2) != NULL, n % 2 != 0);
    assert_int_equal(avro_boolean(row, 3), n % 3 == 0);
    assert_int_equal(avro_items(row, 6, &items), n % 4);
    for (int64_t i = 0; i < n % 4; i++) {
        assert_int_equal(avro_integer(&items[i], 4, -1), i);
        assert_slice(avro_text(&items[i], 5), "value");
    }
    assert_int_equal(avro_integer(avro_field(row, 7), 4, -1), 77);
    assert_slice(avro_text(row, 8), "abcd");
    assert_int_equal(avro_field(row, 9)->as.integer, 1);
    assert_true(avro_field(row, 10)->as.real == (double)n / 3);
    assert_true(avro_field(row, 11)->as.real == (double)n);
    const AvroValue *map = avro_field(row, 12);
    assert_int_equal(map->as.list.count, 2);
    assert_slice(map->as.list.items[1].key, "q");
    assert_int_equal(map->as.list.items[1].as.integer, -n);
    assert_null(avro_field(row, 99));
    assert_int_equal(avro_integer(row, 2, -5), -5); /* not a number */
    assert_int_equal(avro_items(row, 1, &items), 0);
}

static Status read_rows(Slice file, int64_t count, bool check, Error *error)
{
    AvroReader reader;
    AvroValue row;
    Arena header;
    Arena arena;
    bool has = true;
    int64_t n = 0;
    arena_open(&header, 64 << 20);
    arena_open(&arena, 64 << 20);
    Status status = avro_reader_open(&reader, &header, file, error);
    while (status == OK && has) {
        arena_reset(&arena);
        status = avro_reader_next(&reader, &arena, &row, &has, error);
        if (status == OK && has && check)
            expect_row(&row, n);
        n += status == OK && has;
    }
    if (status == OK && check) {
        assert_slice(avro_reader_metadata(&reader, "content"), "data");
        assert_int_equal(avro_reader_metadata(&reader, "none").size, 0);
        assert_int_equal(n, count);
    }
    avro_reader_close(&reader);
    arena_close(&header);
    arena_close(&arena);
    return status;
}

static void reads_what_it_wrote(void **state)
{
    (void)state;
    static const int64_t counts[] = {0, 1, 7, 5000};
    Error error;
    for (int deflate = 0; deflate < 2; deflate++) {
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            Buffer file;
            buffer_open(&file, 0);
            assert_ok(write_rows(&file, counts[i], deflate == 1, &error), &error);
            assert_ok(read_rows(buffer_slice(&file), counts[i], true, &error), &error);
            buffer_close(&file);
        }
    }
}

static void longs_are_zigzag(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *bytes;
        size_t size;
    } cases[] = {{0, "\x00", 1},      {-1, "\x01", 1},
                 {1, "\x02", 1},      {-64, "\x7f", 1},
                 {64, "\x80\x01", 2}, {INT64_MIN, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Buffer out;
        buffer_open(&out, 0);
        avro_put_long(&out, cases[i].value);
        assert_int_equal(out.size, cases[i].size);
        assert_memory_equal(out.data, cases[i].bytes, out.size);
        buffer_close(&out);
    }
}

/* Every byte, changed and cut: an error or other values, never a read outside (ASan), and with the
 * null codec nothing is ever hidden by compression. */
static void mutations_do_no_harm(void **state)
{
    (void)state;
    Error error;
    Random random = random_of(test_seed());
    for (int deflate = 0; deflate < 2; deflate++) {
        Buffer file;
        buffer_open(&file, 0);
        assert_ok(write_rows(&file, 12, deflate == 1, &error), &error);
        for (size_t i = 0; i < file.size; i++) {
            uint8_t *copy = malloc(file.size);
            memcpy(copy, file.data, file.size);
            copy[i] = (uint8_t)random_u64(&random);
            (void)!read_rows(slice_of(copy, file.size), 0, false, &error);
            free(copy);
            copy = malloc(i + 1);
            memcpy(copy, file.data, i);
            Status status = read_rows(slice_of(copy, i), 0, false, &error);
            /* Cut between blocks it is a whole file with fewer rows. */
            assert_true(status != OK || i + 1 >= file.size ||
                        memcmp(copy + i - 16, file.data + file.size - 16, 16) == 0);
            free(copy);
        }
        buffer_close(&file);
    }
}

static Status read_schema(const char *json)
{
    Error error;
    Arena arena;
    const AvroType *type;
    arena_open(&arena, 0);
    Status status = avro_schema_read(&arena, slice_of_text(json), &type, &error);
    arena_close(&arena);
    return status;
}

static void bad_schemas_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "7",
        "nul",
        "{}",
        "{\"type\":\"nothing\"}",
        "[\"null\",[\"null\"]]",
        "{\"type\":\"record\",\"name\":\"x\"}",
        "{\"type\":\"record\",\"fields\":[]}",
        "{\"type\":\"record\",\"name\":\"x\",\"fields\":[{\"name\":\"y\"}]}",
        "{\"type\":\"array\"}",
        "{\"type\":\"fixed\",\"name\":\"f\",\"size\":-1}",
        "{\"type\":\"enum\",\"name\":\"f\"}",
        "[{\"type\":\"fixed\",\"name\":\"f\",\"size\":1},{\"type\":\"fixed\",\"name\":\"f\","
        "\"size\":2}]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_status(STATUS_DATA_CORRUPTED, read_schema(bad[i]));
    assert_status(OK, read_schema("\"long\""));
    assert_status(OK, read_schema("{\"type\":{\"type\":\"long\",\"logicalType\":\"x\"}}"));
}

static void deep_schemas_are_refused(void **state)
{
    (void)state;
    char text[4096];
    size_t at = 0;
    enum { DEPTH = 60 };
    for (int i = 0; i < DEPTH; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "{\"type\":\"array\",\"items\":");
    at += (size_t)snprintf(text + at, sizeof text - at, "\"long\"");
    for (int i = 0; i < DEPTH; i++)
        text[at++] = '}';
    text[at] = '\0';
    assert_status(STATUS_PROGRAM_LIMIT_EXCEEDED, read_schema(text));
}

static Status read_bytes_of(const char *schema, const void *bytes, size_t size, int64_t records)
{
    Error error;
    Buffer file;
    AvroWriter writer;
    buffer_open(&file, 0);
    avro_writer_open(&writer, env_real(), &file, slice_of_text(schema), false, NULL, 0);
    buffer_put(&writer.block, bytes, size);
    writer.records = (uint64_t)records;
    assert_ok(avro_writer_finish(&writer, &error), &error);
    avro_writer_close(&writer);
    Status status = read_rows(buffer_slice(&file), 0, false, &error);
    buffer_close(&file);
    return status;
}

/* A type that takes no bytes must not let a count run away, nor a type within itself the stack. */
static void counts_are_not_believed(void **state)
{
    (void)state;
    static const uint8_t many_items[] = {0xfe, 0xff, 0xff, 0xff, 0x0f, 0};
    static const uint8_t recursion[100] = {0};
    assert_status(STATUS_DATA_CORRUPTED,
                  read_bytes_of("{\"type\":\"array\",\"items\":\"null\"}", many_items, 6, 1));
    assert_status(STATUS_DATA_CORRUPTED,
                  read_bytes_of("{\"type\":\"array\",\"items\":\"null\"}", "\x02\x00", 2, 1));
    assert_status(STATUS_DATA_CORRUPTED, read_bytes_of("\"null\"", "", 0, 1000000000));
    assert_status(STATUS_DATA_CORRUPTED, read_bytes_of("\"long\"", "\x02\x04", 2, 1));
    assert_status(STATUS_DATA_CORRUPTED, read_bytes_of("\"long\"", "\x02", 1, 2));
    assert_status(
        STATUS_DATA_CORRUPTED,
        read_bytes_of("{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"next\","
                      "\"type\":\"r\"}]}",
                      recursion, sizeof recursion, 1));
}

static void unknown_codecs_are_named(void **state)
{
    (void)state;
    Error error;
    Buffer file;
    buffer_open(&file, 0);
    assert_ok(write_rows(&file, 1, true, &error), &error);
    for (size_t i = 0; i + 7 < file.size; i++) {
        if (memcmp(file.data + i, "deflate", 7) == 0) {
            memcpy(file.data + i, "zstdxyz", 7);
            break;
        }
    }
    assert_status(STATUS_FEATURE_NOT_SUPPORTED, read_rows(buffer_slice(&file), 1, false, &error));
    assert_non_null(strstr(error.message, "zstdxyz"));
    buffer_close(&file);
}

static Status write_and_read(Error *error)
{
    Buffer file;
    buffer_open(&file, 0);
    Status status = write_rows(&file, 3000, true, error);
    if (status == OK)
        status = read_rows(buffer_slice(&file), 3000, false, error);
    buffer_close(&file);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    Error error;
    FAIL_EVERY_ALLOCATION(write_and_read(&error), &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_wrote),      cmocka_unit_test(longs_are_zigzag),
        cmocka_unit_test(mutations_do_no_harm),     cmocka_unit_test(bad_schemas_are_refused),
        cmocka_unit_test(deep_schemas_are_refused), cmocka_unit_test(counts_are_not_believed),
        cmocka_unit_test(unknown_codecs_are_named), cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
