/* The row cache: what is put comes back by position, bounded in bytes, blocks of a sensible size.
 */
#include "base/random.h"
#include "engine/engine_int.h"
#include "tests/unit/base/test.h"

enum {
    CACHE_BYTES = 256 << 10,
    ROWS = 32,
    ROW_BYTES = 100,
    BLOCKS = 400,
};

typedef struct Fixture {
    Env *env;
    RowCache *cache;
    Arena arena;
} Fixture;

static void open_cache(Fixture *fixture, uint64_t bytes_max)
{
    Error error;
    fixture->env = env_real();
    assert_ok(row_cache_create(fixture->env, bytes_max, &fixture->cache, &error), &error);
    arena_open(&fixture->arena, 0);
}

static void close_cache(Fixture *fixture)
{
    row_cache_destroy(fixture->cache);
    arena_close(&fixture->arena);
}

static RowCacheKey key_of(uint32_t block)
{
    return (RowCacheKey){.table_id = 1 + block % 3, .file_id = 7, .first = block * ROWS};
}

/* Each row's bytes, sequence and time follow from its position; sizes differ, some are empty. */
static size_t row_of(uint32_t position, uint8_t *bytes, FetchedRow *out)
{
    size_t size = position % 7 == 0 ? 0 : ROW_BYTES - position % 50;
    memset(bytes, (int)(position % 251), size);
    *out = (FetchedRow){position, position + 1000, position * 2, slice_of(bytes, size)};
    return size;
}

static void put_block(Fixture *fixture, uint32_t block)
{
    static uint8_t bytes[ROWS][ROW_BYTES];
    FetchedRow rows[ROWS];
    RowCacheKey key = key_of(block);
    for (uint32_t i = 0; i < ROWS; i++)
        (void)row_of(key.first + i, bytes[i], &rows[i]);
    row_cache_put(fixture->cache, &key, rows, ROWS);
}

static bool get_row(Fixture *fixture, uint32_t position)
{
    uint8_t bytes[ROW_BYTES];
    FetchedRow wanted;
    FetchedRow found;
    RowCacheKey key = key_of(position / ROWS);
    arena_reset(&fixture->arena);
    if (!row_cache_get(fixture->cache, &key, position, &fixture->arena, &found))
        return false;
    (void)row_of(position, bytes, &wanted);
    assert_int_equal(found.position, position);
    assert_int_equal(found.seq, wanted.seq);
    assert_int_equal(found.updated_us, wanted.updated_us);
    assert_true(slice_equal(found.row, wanted.row));
    return true;
}

static void test_rows_come_back_by_position(void **state)
{
    Fixture fixture;
    (void)state;
    open_cache(&fixture, CACHE_BYTES);
    assert_false(get_row(&fixture, 5));
    put_block(&fixture, 0);
    put_block(&fixture, 3);
    for (uint32_t i = 0; i < ROWS; i++) {
        assert_true(get_row(&fixture, i));
        assert_true(get_row(&fixture, 3 * ROWS + i));
    }
    assert_false(get_row(&fixture, ROWS));
    RowCacheKey other = key_of(0);
    FetchedRow found;
    other.schema_version = 1;
    assert_false(row_cache_get(fixture.cache, &other, 0, &fixture.arena, &found));
    close_cache(&fixture);
}

static void test_bytes_are_bounded_and_used_blocks_stay(void **state)
{
    Fixture fixture;
    Random random = random_of(test_seed());
    (void)state;
    open_cache(&fixture, CACHE_BYTES);
    put_block(&fixture, BLOCKS);
    for (uint32_t i = 0; i < 5000; i++) {
        uint64_t bytes, hits, misses;
        uint32_t position = (uint32_t)random_below(&random, (uint64_t)BLOCKS * ROWS);
        if (!get_row(&fixture, position)) {
            put_block(&fixture, position / ROWS);
            assert_true(get_row(&fixture, position));
        }
        row_cache_statistics(fixture.cache, &bytes, &hits, &misses);
        assert_true(bytes <= CACHE_BYTES);
        assert_true(get_row(&fixture, BLOCKS * ROWS)); /* the one that is read all the time */
    }
    close_cache(&fixture);
}

static void test_a_block_that_is_too_large_is_not_kept(void **state)
{
    Fixture fixture;
    (void)state;
    open_cache(&fixture, 4096);
    put_block(&fixture, 0);
    assert_false(get_row(&fixture, 0));
    close_cache(&fixture);
}

static void test_blocks_have_sizes_that_fit(void **state)
{
    Fixture fixture;
    (void)state;
    open_cache(&fixture, 64 << 20);
    assert_int_equal(row_cache_block_rows(fixture.cache, 1000000, 10000000), 1024);
    assert_int_equal(row_cache_block_rows(fixture.cache, 1000, 6000000), 4);
    assert_int_equal(row_cache_block_rows(fixture.cache, 10, 600000000), 1);
    assert_int_equal(row_cache_block_rows(fixture.cache, 0, 0), 1024);
    close_cache(&fixture);
    open_cache(&fixture, 0);
    assert_int_equal(row_cache_block_rows(fixture.cache, 1000000, 10000000), 1);
    close_cache(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_back_by_position),
        cmocka_unit_test(test_bytes_are_bounded_and_used_blocks_stay),
        cmocka_unit_test(test_a_block_that_is_too_large_is_not_kept),
        cmocka_unit_test(test_blocks_have_sizes_that_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
