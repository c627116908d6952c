/* Schemas: copies, look-ups, refusals, the binary form under damage and without memory. */
#include "tests/unit/types/random_value.h"

static Column column_of(const char *name, Type type, uint32_t field_id, int key_position)
{
    Column column = {.name = slice_of_text(name),
                     .type = type,
                     .field_id = field_id,
                     .key_position = (int16_t)key_position,
                     .comment = SLICE("a comment")};
    column.initial_default = value_null((TypeKind)type.kind);
    return column;
}

static void test_create(void **state)
{
    (void)state;
    Column columns[] = {column_of("b", TYPE(TEXT), 4, 1), column_of("a", TYPE(BIGINT), 2, 0),
                        column_of("c", TYPE(JSONB), 9, -1)};
    Schema *schema = NULL;
    Error error;
    assert_int_equal(schema_create(5, 3, TABLE_USER, columns, 3, 10, &schema, &error), OK);
    assert_int_equal(schema->key_count, 2);
    assert_int_equal(schema->key_columns[0], 1);
    assert_int_equal(schema->key_columns[1], 0);
    assert_int_equal(schema_find(schema, SLICE("c")), 2);
    assert_int_equal(schema_find(schema, SLICE("C")), -1);
    assert_int_equal(schema_find_field(schema, 9), 2);
    assert_int_equal(schema_find_field(schema, 3), -1);
    assert_true(schema_has_owner(schema));
    assert_ptr_equal(schema_clone(schema), schema);
    schema_release(schema);
    assert_true(slice_equal_text(schema->columns[0].comment, "a comment"));
    schema_release(schema);
}

static void expect_refusal(const Column *columns, uint32_t count, Status expected)
{
    Schema *schema = NULL;
    Error error;
    assert_int_equal(schema_create(5, 3, TABLE_SHARED, columns, count, 10, &schema, &error),
                     expected);
    assert_null(schema);
}

static void test_refusals(void **state)
{
    (void)state;
    const Status invalid = STATUS_INVALID_TABLE_DEFINITION;
    Column good[] = {column_of("a", TYPE(BIGINT), 1, 0), column_of("b", TYPE(TEXT), 2, -1)};
    Column columns[2];
    memcpy(columns, good, sizeof good);
    columns[0].key_position = -1;
    expect_refusal(columns, 2, invalid);
    columns[0].key_position = 1;
    expect_refusal(columns, 2, invalid);
    memcpy(columns, good, sizeof good);
    columns[1].field_id = 1;
    expect_refusal(columns, 2, invalid);
    columns[1].field_id = 10;
    expect_refusal(columns, 2, invalid);
    memcpy(columns, good, sizeof good);
    columns[1].name = SLICE("a");
    expect_refusal(columns, 2, invalid);
    memcpy(columns, good, sizeof good);
    columns[0].type = TYPE(JSON);
    expect_refusal(columns, 2, invalid);
    memcpy(columns, good, sizeof good);
    columns[1].initial_default = value_boolean(true);
    expect_refusal(columns, 2, invalid);
    memcpy(columns, good, sizeof good);
    columns[1].type = TYPE(RECORD);
    expect_refusal(columns, 2, STATUS_FEATURE_NOT_SUPPORTED);
    expect_refusal(columns, COLUMNS_MAX + 1, STATUS_TOO_MANY_COLUMNS);
}

static void assert_same_schema(const Schema *a, const Schema *b)
{
    Buffer x;
    Buffer y;
    buffer_open(&x, 0);
    buffer_open(&y, 0);
    schema_encode(&x, a);
    schema_encode(&y, b);
    assert_true(slice_equal(buffer_slice(&x), buffer_slice(&y)));
    assert_int_equal(a->layout.fixed_size, b->layout.fixed_size);
    buffer_close(&x);
    buffer_close(&y);
}

static void test_codec(void **state)
{
    (void)state;
    Random random = random_from_environment();
    Error error;
    for (int round = 0; round < 200; round++) {
        Schema *schema =
            random_schema(&random, 1 + (uint32_t)random_below(&random, 30), 1, TABLE_STREAM);
        Schema *copy = NULL;
        Buffer bytes;
        buffer_open(&bytes, 0);
        schema_encode(&bytes, schema);
        Cursor cursor = cursor_of(buffer_slice(&bytes));
        assert_int_equal(schema_decode(&cursor, &copy, &error), OK);
        assert_true(cursor_is_done(&cursor));
        assert_same_schema(schema, copy);
        schema_release(copy);
        for (int i = 0; i < 50; i++) {
            Cursor damaged;
            copy = NULL;
            if (i < 20)
                damaged = cursor_of(slice_of(bytes.data, random_below(&random, bytes.size)));
            else {
                bytes.data[random_below(&random, bytes.size)] = (uint8_t)random_u64(&random);
                damaged = cursor_of(buffer_slice(&bytes));
            }
            Status status = schema_decode(&damaged, &copy, &error);
            assert_true(status == OK || status == STATUS_DATA_CORRUPTED ||
                        status == STATUS_VERSION_NOT_SUPPORTED);
            assert_true(i >= 20 || status != OK);
            schema_release(copy);
        }
        schema_release(schema);
        buffer_close(&bytes);
    }
}

static void test_without_memory(void **state)
{
    (void)state;
    Column columns[] = {column_of("b", TYPE(TEXT), 4, 1), column_of("a", TYPE(BIGINT), 2, 0)};
    columns[0].initial_default = value_text(SLICE("initial"));
    Schema *schema = NULL;
    Error error;
    Buffer bytes;
    buffer_open(&bytes, 0);
    assert_int_equal(schema_create(5, 3, TABLE_USER, columns, 2, 10, &schema, &error), OK);
    schema_encode(&bytes, schema);
    for (int64_t n = 1; schema != NULL; n++) {
        schema_release(schema);
        schema = NULL;
        memory_fail_at(n, 1);
        Cursor cursor = cursor_of(buffer_slice(&bytes));
        Status status = schema_decode(&cursor, &schema, &error);
        bool failed_one = memory_allocations() >= n;
        memory_fail_at(0, 0);
        if (!failed_one) {
            assert_int_equal(status, OK);
            break;
        }
        assert_int_equal(status, STATUS_OUT_OF_MEMORY);
        assert_int_equal(schema_create(5, 3, TABLE_USER, columns, 2, 10, &schema, &error), OK);
    }
    schema_release(schema);
    buffer_close(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_codec),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
