#include "cold/position_set.h"

#include <roaring/roaring.h>

#include "tests/unit/cold/test.h"

/* CRoaring is the judge: what we write it must read, and the other way round. */

enum { POSITIONS_MAX = 200000 };

static uint32_t positions[POSITIONS_MAX];

static int compare_numbers(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static size_t random_positions(Random *random, size_t count, uint64_t limit)
{
    for (size_t i = 0; i < count; i++)
        positions[i] = (uint32_t)random_below(random, limit);
    qsort(positions, count, sizeof positions[0], compare_numbers);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || positions[i] != positions[i - 1])
            positions[kept++] = positions[i];
    }
    return kept;
}

static Slice serialized(const roaring_bitmap_t *bitmap, Buffer *out)
{
    size_t size = roaring_bitmap_portable_size_in_bytes(bitmap);
    uint8_t *at = buffer_reserve(out, size);
    assert_non_null(at);
    out->size += roaring_bitmap_portable_serialize(bitmap, (char *)at);
    return buffer_slice(out);
}

static void expect_same(Slice set, const roaring_bitmap_t *wanted, Random *random)
{
    uint64_t count;
    uint32_t got;
    assert_true(position_set_check(set, 1ull << 32, &count));
    assert_int_equal(count, roaring_bitmap_get_cardinality(wanted));
    assert_int_equal(position_set_count(set), count);
    PositionSetIterator iterator = position_set_begin(set);
    roaring_uint32_iterator_t *judge = roaring_create_iterator(wanted);
    for (; judge->has_value; (void)roaring_advance_uint32_iterator(judge)) {
        assert_true(position_set_next(&iterator, &got));
        assert_int_equal(got, judge->current_value);
        assert_true(position_set_has(set, got));
    }
    assert_false(position_set_next(&iterator, &got));
    roaring_free_uint32_iterator(judge);
    for (int i = 0; i < 1000; i++) {
        uint32_t asked = (uint32_t)random_below(random, 1 << 20);
        assert_int_equal(position_set_has(set, asked), roaring_bitmap_contains(wanted, asked));
    }
    if (count > 0) {
        uint32_t last = roaring_bitmap_maximum(wanted);
        assert_false(position_set_check(set, last, &count));
        assert_true(position_set_check(set, (uint64_t)last + 1, &count));
    }
}

static void the_library_reads_what_we_write(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        uint64_t limit;
    } cases[] = {{0, 1},         {1, 1},          {5, 100},          {4096, 65536},
                 {60000, 65536}, {9000, 1 << 20}, {200000, 1 << 20}, {3000, 1ull << 32}};
    Error error;
    Random random = random_of(test_seed());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Buffer set;
        buffer_open(&set, 0);
        size_t count = random_positions(&random, cases[i].count, cases[i].limit);
        assert_ok(position_set_union(SLICE_EMPTY, positions, count, &set, &error), &error);
        roaring_bitmap_t *wanted = roaring_bitmap_of_ptr(count, positions);
        roaring_bitmap_t *read =
            roaring_bitmap_portable_deserialize_safe((const char *)set.data, set.size);
        assert_non_null(read);
        assert_true(roaring_bitmap_equals(read, wanted));
        expect_same(buffer_slice(&set), wanted, &random);
        roaring_bitmap_free(read);
        roaring_bitmap_free(wanted);
        buffer_close(&set);
    }
}

static void we_read_what_the_library_writes(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    for (int round = 0; round < 60; round++) {
        Buffer set;
        buffer_open(&set, 0);
        size_t count = random_positions(&random, (size_t)random_below(&random, 20000), 1 << 20);
        roaring_bitmap_t *bitmap = roaring_bitmap_of_ptr(count, positions);
        for (uint64_t i = random_below(&random, 5); i > 0; i--) {
            uint64_t from = random_below(&random, round % 2 == 0 ? 1 << 17 : 1 << 20);
            roaring_bitmap_add_range(bitmap, from, from + random_below(&random, 70000));
        }
        if (round % 3 > 0)
            (void)roaring_bitmap_run_optimize(bitmap);
        expect_same(serialized(bitmap, &set), bitmap, &random);
        roaring_bitmap_free(bitmap);
        buffer_close(&set);
    }
}

static void unions_are_unions(void **state)
{
    (void)state;
    Error error;
    Random random = random_of(test_seed());
    for (int round = 0; round < 30; round++) {
        Buffer base;
        Buffer all;
        buffer_open(&base, 0);
        buffer_open(&all, 0);
        size_t count = random_positions(&random, (size_t)random_below(&random, 9000), 300000);
        roaring_bitmap_t *bitmap = roaring_bitmap_of_ptr(count, positions);
        if (round % 2 == 0)
            (void)roaring_bitmap_run_optimize(bitmap);
        Slice set = serialized(bitmap, &base);
        count = random_positions(&random, (size_t)random_below(&random, 9000), 300000);
        assert_ok(position_set_union(set, positions, count, &all, &error), &error);
        for (size_t i = 0; i < count; i++)
            roaring_bitmap_add(bitmap, positions[i]);
        expect_same(buffer_slice(&all), bitmap, &random);
        roaring_bitmap_free(bitmap);
        buffer_close(&base);
        buffer_close(&all);
    }
}

static void the_empty_slice_is_the_empty_set(void **state)
{
    (void)state;
    uint64_t count = 5;
    uint32_t got;
    PositionSetIterator iterator = position_set_begin(SLICE_EMPTY);
    assert_true(position_set_check(SLICE_EMPTY, 0, &count));
    assert_int_equal(count, 0);
    assert_int_equal(position_set_count(SLICE_EMPTY), 0);
    assert_false(position_set_has(SLICE_EMPTY, 0));
    assert_false(position_set_next(&iterator, &got));
}

/* Damaged sets are refused, or are sets after all: never a read outside (ASan). The bytes are moved
 * to memory of their exact size for that. */
static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    size_t refused = 0;
    for (int round = 0; round < 4000; round++) {
        Buffer set;
        buffer_open(&set, 0);
        size_t count = random_positions(&random, 1 + random_below(&random, 300), 1 << 18);
        roaring_bitmap_t *bitmap = roaring_bitmap_of_ptr(count, positions);
        roaring_bitmap_add_range(bitmap, 100, 100 + random_below(&random, 9000));
        (void)roaring_bitmap_run_optimize(bitmap);
        Slice whole = serialized(bitmap, &set);
        for (int i = 0; i < 2; i++)
            set.data[random_below(&random, i == 0 ? 24 : whole.size)] =
                (uint8_t)random_u64(&random);
        size_t size = random_chance(&random, 1, 4) ? random_below(&random, whole.size) : whole.size;
        uint8_t *exact = size == 0 ? NULL : malloc(size);
        if (size > 0)
            memcpy(exact, set.data, size);
        uint64_t checked;
        Slice damaged = slice_of(exact, size);
        if (position_set_check(damaged, 1ull << 32, &checked)) {
            uint32_t got;
            uint64_t walked = 0;
            PositionSetIterator iterator = position_set_begin(damaged);
            for (int64_t last = -1; position_set_next(&iterator, &got); last = got, walked++)
                assert_true((int64_t)got > last);
            assert_int_equal(walked, checked);
        } else {
            refused++;
        }
        free(exact);
        roaring_bitmap_free(bitmap);
        buffer_close(&set);
    }
    assert_true(refused > 1000);
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    Error error;
    Buffer out;
    Random random = random_of(1);
    buffer_open(&out, 0);
    size_t count = random_positions(&random, 20000, 1 << 20);
    FAIL_EVERY_ALLOCATION(
        (buffer_close(&out), position_set_union(SLICE_EMPTY, positions, count, &out, &error)),
        &error);
    assert_int_equal(position_set_count(buffer_slice(&out)), count);
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_reads_what_we_write),
        cmocka_unit_test(we_read_what_the_library_writes),
        cmocka_unit_test(unions_are_unions),
        cmocka_unit_test(the_empty_slice_is_the_empty_set),
        cmocka_unit_test(damage_is_refused_or_harmless),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
