/* Rows: round trips, the format's bytes, rows of other versions, and row_check on damage. */
#include "tests/unit/types/random_value.h"

static Value *random_row(Random *random, Arena *arena, const RowLayout *layout)
{
    Value *values = ARENA_ARRAY(arena, Value, layout->column_count);
    for (uint32_t c = 0; c < layout->column_count; c++) {
        Type type = layout->types[c];
        values[c] = random_chance(random, 1, 4) ? value_null((TypeKind)type.kind)
                                                : random_value(random, arena, type);
    }
    return values;
}

static void check_equal(const RowLayout *layout, Slice row, const Value *values)
{
    for (uint32_t c = 0; c < layout->column_count; c++) {
        Value value;
        row_get(layout, row, c, &value);
        assert_int_equal(value.kind, layout->types[c].kind);
        assert_true(value_is_same(&value, &values[c]));
        assert_int_equal(row_is_null(row, c), values[c].is_null);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    Random random = random_from_environment();
    for (int round = 0; round < 300; round++) {
        Arena arena;
        Buffer out;
        Error error;
        arena_open(&arena, 0);
        buffer_open(&out, 0);
        Schema *schema =
            random_schema(&random, 1 + (uint32_t)random_below(&random, 40), 1, TABLE_SHARED);
        for (int i = 0; i < 20; i++) {
            /* Rows may begin anywhere in a buffer. */
            buffer_clear(&out);
            buffer_put_zeros(&out, random_below(&random, 9));
            size_t begin = out.size;
            Value *values = random_row(&random, &arena, &schema->layout);
            assert_int_equal(row_encode(&schema->layout, values, &out, &error), OK);
            Slice row = slice_part(buffer_slice(&out), begin, out.size);
            assert_true(row_check(&schema->layout, row));
            check_equal(&schema->layout, row, values);
            assert_false(row_check(&schema->layout, slice_of(row.data, row.size - 1)));
        }
        schema_release(schema);
        buffer_close(&out);
        arena_close(&arena);
    }
}

static void test_format(void **state)
{
    (void)state;
    const Type types[] = {TYPE(SMALLINT), TYPE(TEXT), TYPE(BIGINT), TYPE(BYTEA), TYPE(TEXT)};
    const Value values[] = {value_integer(TYPE_SMALLINT, -2), value_text(SLICE("ab")),
                            value_null(TYPE_BIGINT), value_null(TYPE_BYTEA),
                            value_text(SLICE("c"))};
    Arena arena;
    Buffer out;
    RowLayout layout;
    Error error;
    arena_open(&arena, 0);
    buffer_open(&out, 0);
    assert_int_equal(row_layout_open(&arena, types, 5, &layout, &error), OK);
    assert_int_equal(layout.offset[0], 2);
    assert_int_equal(layout.offset[1], 4);
    assert_int_equal(layout.offset[2], 8);
    assert_int_equal(layout.offset[3], 16);
    assert_int_equal(layout.offset[4], 20);
    assert_int_equal(layout.fixed_size, 24);
    assert_int_equal(layout.variable_before[1], 0);
    assert_int_equal(layout.variable_before[3], 4);
    assert_int_equal(layout.variable_before[4], 16);
    assert_int_equal(row_encode(&layout, values, &out, &error), OK);
    static const uint8_t bytes[] = {0x0c, 0, 0xfe, 0xff, 26, 0, 0,  0, 0, 0, 0,   0,   0,  0,
                                    0,    0, 26,   0,    0,  0, 27, 0, 0, 0, 'a', 'b', 'c'};
    assert_int_equal(out.size, sizeof bytes);
    assert_memory_equal(out.data, bytes, sizeof bytes);
    buffer_close(&out);
    arena_close(&arena);
}

static void test_arrays_and_intervals(void **state)
{
    (void)state;
    const Type types[] = {TYPE_ARRAY_OF(TEXT), TYPE(INTERVAL), TYPE(TEXT)};
    const Value elements[] = {value_text(SLICE("x")), value_null(TYPE_TEXT)};
    const ArrayValue array = {2, elements};
    Value values[] = {{.kind = TYPE_ARRAY}, {.kind = TYPE_INTERVAL}, value_text(SLICE("end"))};
    values[0].as.array = &array;
    values[1].as.interval = (Interval){-1, 2, INT64_MIN};
    Arena arena;
    Buffer out;
    RowLayout layout;
    Error error;
    arena_open(&arena, 0);
    buffer_open(&out, 0);
    assert_int_equal(row_layout_open(&arena, types, 3, &layout, &error), OK);
    assert_int_equal(row_encode(&layout, values, &out, &error), OK);
    assert_true(row_check(&layout, buffer_slice(&out)));
    for (uint32_t c = 0; c < 3; c++) {
        Value value;
        assert_int_equal(row_get_in(&layout, buffer_slice(&out), c, &arena, &value, &error), OK);
        assert_true(value_is_same(&value, &values[c]));
    }
    buffer_close(&out);
    arena_close(&arena);
}

static void test_too_big(void **state)
{
    (void)state;
    static const uint8_t byte = 0;
    const Type type = TYPE(BYTEA);
    Value value = value_bytes(TYPE_BYTEA, slice_of(&byte, (size_t)ROW_BYTES_MAX));
    Arena arena;
    Buffer out;
    RowLayout layout;
    Error error;
    arena_open(&arena, 0);
    buffer_open(&out, 0);
    assert_int_equal(row_layout_open(&arena, &type, 1, &layout, &error), OK);
    assert_int_equal(row_encode(&layout, &value, &out, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
    assert_int_equal(out.size, 0);
    buffer_close(&out);
    arena_close(&arena);
}

/* Whatever row_check accepts can be read without leaving the row: ASan watches a copy of its exact
 * size. */
static void test_damage(void **state)
{
    (void)state;
    Random random = random_from_environment();
    Arena arena;
    arena_open(&arena, 0);
    int accepted = 0;
    for (int round = 0; round < 200; round++) {
        Buffer out;
        Error error;
        buffer_open(&out, 0);
        Schema *schema =
            random_schema(&random, 1 + (uint32_t)random_below(&random, 12), 1, TABLE_SHARED);
        Value *values = random_row(&random, &arena, &schema->layout);
        assert_int_equal(row_encode(&schema->layout, values, &out, &error), OK);
        for (int i = 0; i < 200; i++) {
            size_t size =
                random_chance(&random, 1, 4) ? random_below(&random, out.size + 1) : out.size;
            uint8_t *copy = memory_clone(out.data, size);
            uint8_t *exact = memory_allocate(size == 0 ? 1 : size);
            memcpy(exact, copy, size);
            for (uint64_t n = random_below(&random, 4); n > 0 && size > 0; n--)
                exact[random_below(&random, size)] = (uint8_t)random_u64(&random);
            if (row_check(&schema->layout, slice_of(exact, size))) {
                Buffer text;
                buffer_open(&text, 0);
                accepted++;
                for (uint32_t c = 0; c < schema->column_count; c++) {
                    Value value;
                    row_get(&schema->layout, slice_of(exact, size), c, &value);
                    value_put_text(&text, schema->columns[c].type, &value);
                }
                buffer_close(&text);
            }
            memory_free(copy);
            memory_free(exact);
        }
        schema_release(schema);
        buffer_close(&out);
    }
    assert_true(accepted > 0);
    arena_close(&arena);
}

static Column column_of(const char *name, Type type, uint32_t field_id)
{
    Column column = {.name = slice_of_text(name),
                     .type = type,
                     .field_id = field_id,
                     .key_position = (int16_t)(field_id == 1 ? 0 : -1)};
    column.initial_default = value_null((TypeKind)type.kind);
    return column;
}

static void test_convert(void **state)
{
    (void)state;
    Column before[] = {column_of("id", TYPE(INTEGER), 1), column_of("gone", TYPE(TEXT), 2),
                       column_of("r", TYPE(REAL), 3),
                       column_of("d", (Type){.kind = TYPE_DECIMAL, .a = 9, .b = 2}, 4),
                       column_of("v", (Type){.kind = TYPE_VARCHAR, .a = 3}, 5)};
    Column after[] = {column_of("v", TYPE(TEXT), 5),
                      column_of("identity", TYPE(BIGINT), 1),
                      column_of("r", TYPE(DOUBLE), 3),
                      column_of("d", (Type){.kind = TYPE_DECIMAL, .a = 30, .b = 2}, 4),
                      column_of("added", TYPE(TEXT), 6),
                      column_of("null", TYPE(DATE), 7)};
    after[4].initial_default = value_text(SLICE("new"));
    Schema *old = NULL;
    Schema *new = NULL;
    Error error;
    assert_int_equal(schema_create(1, 1, TABLE_SHARED, before, 5, 6, &old, &error), OK);
    assert_int_equal(schema_create(1, 2, TABLE_SHARED, after, 6, 8, &new, &error), OK);
    Value real = {.kind = TYPE_REAL, .as.real = 0.5};
    const Value values[] = {value_integer(TYPE_INTEGER, -7), value_text(SLICE("x")), real,
                            value_decimal(-12345, 2), value_bytes(TYPE_VARCHAR, SLICE("abc"))};
    const Value expected[] = {value_text(SLICE("abc")), value_integer(TYPE_BIGINT, -7),
                              value_double(0.5),        value_decimal(-12345, 2),
                              value_text(SLICE("new")), value_null(TYPE_DATE)};
    Arena arena;
    Buffer row;
    Buffer out;
    Buffer key;
    Buffer old_key;
    arena_open(&arena, 0);
    buffer_open(&row, 0);
    buffer_open(&out, 0);
    buffer_open(&key, 0);
    buffer_open(&old_key, 0);
    assert_int_equal(row_encode(&old->layout, values, &row, &error), OK);
    assert_int_equal(row_convert(old, buffer_slice(&row), new, &arena, &out, &error), OK);
    assert_true(row_check(&new->layout, buffer_slice(&out)));
    check_equal(&new->layout, buffer_slice(&out), expected);
    assert_int_equal(key_of_row(old, 0, buffer_slice(&row), &old_key, &error), OK);
    assert_int_equal(key_of_row(new, 0, buffer_slice(&out), &key, &error), OK);
    assert_true(slice_equal(buffer_slice(&key), buffer_slice(&old_key)));
    buffer_close(&row);
    buffer_close(&out);
    buffer_close(&key);
    buffer_close(&old_key);
    arena_close(&arena);
    schema_release(old);
    schema_release(new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_format),
        cmocka_unit_test(test_too_big),    cmocka_unit_test(test_arrays_and_intervals),
        cmocka_unit_test(test_damage),     cmocka_unit_test(test_convert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
