/* Values: order, copies, the binary form. */
#include "tests/unit/types/random_value.h"

static int sign(int n)
{
    return n < 0 ? -1 : n > 0;
}

static void expect_order(Value a, Value b, int expected)
{
    assert_int_equal(sign(value_compare(&a, &b)), expected);
    assert_int_equal(sign(value_compare(&b, &a)), -expected);
}

static Value bigint(int64_t n)
{
    return value_integer(TYPE_BIGINT, n);
}

static Value date(int64_t n)
{
    return value_integer(TYPE_DATE, n);
}

static Value timestamp(int64_t n)
{
    return value_integer(TYPE_TIMESTAMP, n);
}

static Value interval(int32_t months, int32_t days, int64_t micros)
{
    Value value = {.kind = TYPE_INTERVAL};
    value.as.interval = (Interval){months, days, micros};
    return value;
}

static void test_numbers(void **state)
{
    (void)state;
    expect_order(bigint(INT64_MIN), bigint(INT64_MAX), -1);
    expect_order(value_integer(TYPE_SMALLINT, 3), bigint(3), 0);
    expect_order(bigint(3), value_double(3.5), -1);
    expect_order(value_double((double)NAN), value_double(INFINITY), 1);
    expect_order(value_double((double)NAN), value_double((double)NAN), 0);
    expect_order(value_double(-0.0), value_double(0.0), 0);
    expect_order(value_decimal(150, 2), value_decimal(15, 1), 0);
    expect_order(value_decimal(151, 2), value_decimal(15, 1), 1);
    expect_order(bigint(2), value_decimal(15, 1), 1);
    expect_order(value_decimal(15, 1), value_double(1.5), 0);
    Int128 most = decimal_power_of_10(38) - 1;
    expect_order(value_decimal(most, 0), value_decimal(most, 38), 1);
    expect_order(value_decimal(-most, 0), value_decimal(most, 38), -1);
    expect_order(value_decimal(-most, 0), value_decimal(-most, 1), -1);
}

static void test_texts(void **state)
{
    (void)state;
    expect_order(value_text(SLICE("a")), value_text(SLICE("ab")), -1);
    expect_order(value_text(SLICE("a ")), value_text(SLICE("a")), 1);
    expect_order(value_bytes(TYPE_CHAR, SLICE("a ")), value_bytes(TYPE_CHAR, SLICE("a")), 0);
    expect_order(value_text(SLICE("\xc3\xa9")), value_text(SLICE("z")), 1);
    expect_order(value_bytes(TYPE_BYTEA, SLICE("\0")), value_bytes(TYPE_BYTEA, SLICE_EMPTY), 1);
}

static void test_times(void **state)
{
    (void)state;
    expect_order(date(1), timestamp(MICROS_PER_DAY), 0);
    expect_order(date(DATE_INFINITY), timestamp(TIMESTAMP_INFINITY), 0);
    expect_order(date(DATE_DAYS_MAX), timestamp(TIMESTAMP_INFINITY), -1);
    expect_order(date(DATE_DAYS_MAX), timestamp(TIMESTAMP_MICROS_MAX), 1);
    expect_order(date(DATE_MINUS_INFINITY), timestamp(TIMESTAMP_MICROS_MIN), -1);
    expect_order(date(DATE_MINUS_INFINITY), timestamp(TIMESTAMP_MINUS_INFINITY), 0);
    expect_order(interval(1, 0, 0), interval(0, 30, 0), 0);
    expect_order(interval(0, 1, 0), interval(0, 0, MICROS_PER_DAY), 0);
    expect_order(interval(0, 0, -1), interval(0, 0, 0), -1);
    expect_order(interval(INT32_MAX, INT32_MAX, INT64_MAX),
                 interval(INT32_MIN, INT32_MIN, INT64_MIN), 1);
}

static void test_arrays(void **state)
{
    (void)state;
    Value one[] = {bigint(1)};
    Value two[] = {bigint(1), bigint(2)};
    Value with_null[] = {bigint(1), value_null(TYPE_BIGINT)};
    ArrayValue arrays[] = {{1, one}, {2, two}, {2, with_null}};
    Value values[3];
    for (int i = 0; i < 3; i++) {
        values[i] = (Value){.kind = TYPE_ARRAY};
        values[i].as.array = &arrays[i];
    }
    expect_order(values[0], values[1], -1);
    expect_order(values[1], values[2], -1);
    expect_order(values[2], values[2], 0);
    Value null = value_null(TYPE_BIGINT);
    assert_true(value_is_same(&null, &null));
    assert_false(value_is_same(&null, &one[0]));
    assert_true(value_is_same(&two[0], &one[0]));
}

static Value random_nested(Random *random, Arena *arena, int depth)
{
    if (depth > 3 || random_chance(random, 2, 3)) {
        Type type = random_type(random, false);
        return random_chance(random, 1, 8) ? value_null((TypeKind)type.kind)
                                           : random_value(random, arena, type);
    }
    ArrayValue *array = ARENA_NEW(arena, ArrayValue);
    uint32_t count = (uint32_t)random_below(random, 4);
    Value *elements = ARENA_ARRAY(arena, Value, count);
    bool is_record = random_chance(random, 1, 2);
    Type type = random_type(random, false);
    for (uint32_t i = 0; i < count; i++)
        elements[i] =
            is_record ? random_nested(random, arena, depth + 1) : random_value(random, arena, type);
    *array = (ArrayValue){count, elements};
    Value value = {.kind = is_record ? TYPE_RECORD : TYPE_ARRAY};
    value.as.array = array;
    return value;
}

static void test_codec(void **state)
{
    (void)state;
    Random random = random_from_environment();
    Error error;
    for (int round = 0; round < 3000; round++) {
        Arena arena;
        Buffer bytes;
        arena_open(&arena, 0);
        buffer_open(&bytes, 0);
        Value value = random_nested(&random, &arena, 0);
        Value clone;
        Value copy;
        assert_int_equal(value_clone(&arena, &value, &clone, &error), OK);
        assert_true(value_is_same(&value, &clone));
        assert_int_equal(value_heap_size(&value), value_heap_size(&clone));
        value_encode(&bytes, &value);
        assert_int_equal(value_encoded_size(&value), bytes.size);
        Cursor cursor = cursor_of(buffer_slice(&bytes));
        Cursor checked = cursor;
        assert_int_equal(value_decode(&arena, &cursor, &copy, &error), OK);
        assert_true(cursor_is_done(&cursor));
        assert_true(value_check(&checked) && cursor_is_done(&checked));
        assert_int_equal(copy.kind, value.kind);
        assert_true(value_is_same(&value, &copy));
        for (size_t size = 0; size < bytes.size; size++) {
            cursor = cursor_of(slice_of(bytes.data, size));
            checked = cursor;
            assert_int_equal(value_decode(&arena, &cursor, &copy, &error), STATUS_DATA_CORRUPTED);
            assert_false(value_check(&checked));
        }
        bytes.data[random_below(&random, bytes.size)] = (uint8_t)random_u64(&random);
        cursor = cursor_of(buffer_slice(&bytes));
        checked = cursor;
        bool good = value_decode(&arena, &cursor, &copy, &error) == OK;
        assert_int_equal(good, value_check(&checked));
        buffer_close(&bytes);
        arena_close(&arena);
    }
}

static void test_depth(void **state)
{
    (void)state;
    Arena arena;
    Buffer bytes;
    Error error;
    arena_open(&arena, 0);
    buffer_open(&bytes, 0);
    for (int i = 0; i < VALUE_DEPTH_MAX; i++)
        buffer_put(&bytes, "\x16\0\1", 3);
    buffer_put(&bytes, "\x17\0", 2);
    Cursor cursor = cursor_of(buffer_slice(&bytes));
    Value value;
    assert_int_equal(value_decode(&arena, &cursor, &value, &error), OK);
    buffer_clear(&bytes);
    for (int i = 0; i <= VALUE_DEPTH_MAX; i++)
        buffer_put(&bytes, "\x16\0\1", 3);
    buffer_put(&bytes, "\x17\0", 2);
    cursor = cursor_of(buffer_slice(&bytes));
    assert_int_equal(value_decode(&arena, &cursor, &value, &error), STATUS_DATA_CORRUPTED);
    buffer_close(&bytes);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_texts), cmocka_unit_test(test_times),
        cmocka_unit_test(test_arrays),  cmocka_unit_test(test_codec), cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
