/* Keys: memcmp orders them as values compare, none is a prefix of another, and they read back. */
#include "tests/unit/types/random_value.h"

enum { KEYS = 120, SCHEMAS = 150 };

typedef struct Entry {
    Value *values;
    Buffer key;
} Entry;

static int compare_values(const Schema *schema, const Value *a, const Value *b)
{
    for (uint32_t k = 0; k < schema->key_count; k++) {
        int order = value_compare(&a[k], &b[k]);
        if (order != 0)
            return order < 0 ? -1 : 1;
    }
    return 0;
}

static int sign(int n)
{
    return n < 0 ? -1 : n > 0;
}

static void make_entries(Random *random, Arena *arena, const Schema *schema, Entry *entries)
{
    Error error;
    for (int i = 0; i < KEYS; i++) {
        entries[i].values = ARENA_ARRAY(arena, Value, schema->key_count);
        /* Neighbours share their leading values, so that later parts decide. */
        uint32_t shared = i == 0 ? 0 : (uint32_t)random_below(random, schema->key_count + 1);
        for (uint32_t k = 0; k < schema->key_count; k++)
            entries[i].values[k] = k < shared
                                       ? entries[i - 1].values[k]
                                       : random_value(random, arena, schema->columns[k].type);
        buffer_open(&entries[i].key, 0);
        assert_int_equal(
            key_of_values(schema, 9, entries[i].values, schema->key_count, &entries[i].key, &error),
            OK);
    }
}

static void check_pair(const Schema *schema, const Entry *a, const Entry *b)
{
    Slice x = buffer_slice(&a->key);
    Slice y = buffer_slice(&b->key);
    assert_int_equal(sign(slice_compare(x, y)), compare_values(schema, a->values, b->values));
    if (!slice_equal(x, y)) {
        assert_false(slice_starts_with(x, y));
        assert_false(slice_starts_with(y, x));
    }
}

static void check_reads_back(const Schema *schema, const Entry *entry, Arena *arena)
{
    Error error;
    Value *values = ARENA_ARRAY(arena, Value, schema->key_count);
    assert_int_equal(key_to_values(schema, buffer_slice(&entry->key), arena, values, &error), OK);
    assert_int_equal(compare_values(schema, values, entry->values), 0);
    for (uint32_t k = 0; k < schema->key_count; k++)
        assert_int_equal(values[k].kind, schema->columns[k].type.kind);
    Value *broken = ARENA_ARRAY(arena, Value, schema->key_count);
    for (size_t size = 0; size < entry->key.size; size++)
        assert_int_not_equal(
            key_to_values(schema, slice_of(entry->key.data, size), arena, broken, &error), OK);
}

static void test_order(void **state)
{
    (void)state;
    Random random = random_from_environment();
    for (int round = 0; round < SCHEMAS; round++) {
        Arena arena;
        arena_open(&arena, 0);
        uint32_t count = 1 + (uint32_t)random_below(&random, 4);
        Schema *schema =
            random_schema(&random, count, count, round % 2 == 0 ? TABLE_SHARED : TABLE_USER);
        Entry entries[KEYS];
        make_entries(&random, &arena, schema, entries);
        for (int i = 0; i < KEYS; i++) {
            for (int j = 0; j < KEYS; j++)
                check_pair(schema, &entries[i], &entries[j]);
            check_reads_back(schema, &entries[i], &arena);
        }
        for (int i = 0; i < KEYS; i++)
            buffer_close(&entries[i].key);
        schema_release(schema);
        arena_close(&arena);
    }
}

static Schema *schema_of(Type type, TableKind kind)
{
    Column column = {.name = SLICE("k"), .type = type, .field_id = 1, .key_position = 0};
    column.initial_default = value_null((TypeKind)type.kind);
    Schema *schema = NULL;
    Error error;
    assert_int_equal(schema_create(1, 1, kind, &column, 1, 2, &schema, &error), OK);
    return schema;
}

/* Bytes are a format: they are compared with what the header says. */
static void check_bytes(Type type, Value value, const char *expected, size_t size)
{
    Schema *schema = schema_of(type, TABLE_SHARED);
    Buffer key;
    Error error;
    buffer_open(&key, 0);
    assert_int_equal(key_of_values(schema, 0, &value, 1, &key, &error), OK);
    assert_int_equal(key.size, size);
    assert_memory_equal(key.data, expected, size);
    buffer_close(&key);
    schema_release(schema);
}

static void test_format(void **state)
{
    (void)state;
    check_bytes(TYPE(BOOLEAN), value_boolean(true), "\2\1", 2);
    check_bytes(TYPE(INTEGER), value_integer(TYPE_INTEGER, -1),
                "\2\x7f\xff\xff\xff\xff\xff\xff\xff", 9);
    check_bytes(TYPE(SMALLINT), value_integer(TYPE_SMALLINT, 1), "\2\x80\0\0\0\0\0\0\1", 9);
    check_bytes(TYPE(DOUBLE), value_double(-0.0), "\2\x80\0\0\0\0\0\0\0", 9);
    check_bytes(TYPE(DOUBLE), value_double(-1.0), "\2\x40\x0f\xff\xff\xff\xff\xff\xff", 9);
    check_bytes(TYPE(DOUBLE), value_double((double)NAN), "\2\xff\xff\xff\xff\xff\xff\xff\xff", 9);
    check_bytes(TYPE(TEXT), value_text(SLICE("a\0b")),
                "\2a\0\xff"
                "b\0\1",
                7);
    check_bytes((Type){.kind = TYPE_CHAR, .a = 5}, value_bytes(TYPE_CHAR, SLICE("a  ")), "\2a\0\1",
                4);
    check_bytes((Type){.kind = TYPE_DECIMAL, .a = 5, .b = 2}, value_decimal(15, 1),
                "\2\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x96", 17);
}

static void test_owner(void **state)
{
    (void)state;
    Schema *schema = schema_of(TYPE(BOOLEAN), TABLE_USER);
    Buffer key;
    Error error;
    Value value = value_boolean(false);
    buffer_open(&key, 0);
    assert_int_equal(key_of_values(schema, 0x01020304, &value, 1, &key, &error), OK);
    assert_memory_equal(key.data, "\1\2\3\4\2\0", 6);
    assert_int_equal(key_owner(buffer_slice(&key)), 0x01020304);
    assert_int_equal(key_of_values(schema, 7, NULL, 0, &key, &error), OK);
    assert_int_equal(key.size, OWNER_BYTES);
    buffer_close(&key);
    schema_release(schema);
}

static void test_limits(void **state)
{
    (void)state;
    static uint8_t zeros[KEY_BYTES_MAX + 1];
    Schema *schema = schema_of(TYPE(BYTEA), TABLE_SHARED);
    Buffer key;
    Error error;
    buffer_open(&key, 0);
    Value value = value_bytes(TYPE_BYTEA, slice_of(zeros, KEY_BYTES_MAX / 2));
    assert_int_equal(key_of_values(schema, 0, &value, 1, &key, &error),
                     STATUS_PROGRAM_LIMIT_EXCEEDED);
    value.as.bytes.size = KEY_BYTES_MAX / 2 - 2;
    assert_int_equal(key_of_values(schema, 0, &value, 1, &key, &error), OK);
    value.as.bytes.size = sizeof zeros;
    assert_int_equal(key_of_values(schema, 0, &value, 1, &key, &error),
                     STATUS_PROGRAM_LIMIT_EXCEEDED);
    value = value_null(TYPE_BYTEA);
    assert_int_equal(key_of_values(schema, 0, &value, 1, &key, &error), STATUS_NOT_NULL_VIOLATION);
    schema_release(schema);
    schema = schema_of((Type){.kind = TYPE_DECIMAL, .a = 5, .b = 2}, TABLE_SHARED);
    value = value_decimal(1005, 3);
    assert_int_equal(key_of_values(schema, 0, &value, 1, &key, &error),
                     STATUS_NUMERIC_VALUE_OUT_OF_RANGE);
    buffer_close(&key);
    schema_release(schema);
}

static void test_after_prefix(void **state)
{
    (void)state;
    Buffer prefix;
    buffer_open(&prefix, 0);
    buffer_put(&prefix, "\1\xfe\xff\xff", 4);
    assert_true(key_after_prefix(&prefix));
    assert_int_equal(prefix.size, 2);
    assert_memory_equal(prefix.data, "\1\xff", 2);
    buffer_clear(&prefix);
    buffer_put(&prefix, "\xff\xff", 2);
    assert_false(key_after_prefix(&prefix));
    buffer_close(&prefix);
}

static void test_text(void **state)
{
    (void)state;
    Column columns[2] = {
        {.name = SLICE("a"), .type = TYPE(INTEGER), .field_id = 1, .key_position = 1},
        {.name = SLICE("b"), .type = TYPE(TEXT), .field_id = 2, .key_position = 0},
    };
    columns[0].initial_default = value_null(TYPE_INTEGER);
    columns[1].initial_default = value_null(TYPE_TEXT);
    Schema *schema = NULL;
    Error error;
    assert_int_equal(schema_create(1, 1, TABLE_USER, columns, 2, 3, &schema, &error), OK);
    Value values[2] = {value_text(SLICE("abc")), value_integer(TYPE_INTEGER, -5)};
    Buffer key;
    Buffer text;
    buffer_open(&key, 0);
    buffer_open(&text, 0);
    assert_int_equal(key_of_values(schema, 3, values, 2, &key, &error), OK);
    key_put_text(schema, buffer_slice(&key), &text);
    assert_true(slice_equal_text(buffer_slice(&text), "(abc, -5)"));
    buffer_clear(&text);
    key_put_text(schema, slice_of(key.data, key.size - 1), &text);
    assert_true(slice_equal_text(buffer_slice(&text), "?"));
    buffer_close(&key);
    buffer_close(&text);
    schema_release(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),        cmocka_unit_test(test_format),
        cmocka_unit_test(test_owner),        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_after_prefix), cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
