#include "memtable/row_store.h"

#include "tests/unit/memtable/test.h"

enum { UNIT = ROW_BLOCK_BYTES_MIN };

static RowStore *open_store(uint64_t bytes_max)
{
    Error error;
    RowStore *store;
    assert_ok(row_store_open(env_real(), bytes_max, &store, &error), &error);
    return store;
}

static RowBlock take(RowStore *store, size_t size)
{
    Error error;
    RowBlock block;
    assert_ok(row_store_take(store, size, &block, &error), &error);
    assert_true(block.size >= size);
    assert_int_equal((uintptr_t)block.data % 8, 0);
    assert_true(block.region_offset + block.size <= block.region_size);
    return block;
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        size_t asked;
        size_t size;
    } cases[] = {
        {1, UNIT},
        {UNIT, UNIT},
        {UNIT + 1, 2 * UNIT},
        {5 * UNIT - 3, 5 * UNIT},
        {ROW_BLOCK_BYTES_MAX, ROW_BLOCK_BYTES_MAX},
        {ROW_BLOCK_BYTES_MAX + 1, ROW_BLOCK_BYTES_MAX + 4096},
        {40 << 20, 40 << 20},
    };
    RowStore *store = open_store(UINT64_MAX);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RowBlock block = take(store, cases[i].asked);
        assert_int_equal(block.size, cases[i].size);
        assert_int_equal(row_store_bytes_taken(store), block.size);
        bool is_alone = block.size > ROW_BLOCK_BYTES_MAX;
        assert_int_equal(block.region_size, is_alone ? block.size : ROW_REGION_BYTES);
        row_store_give_back(store, &block);
    }
    row_store_close(store);
}

static void test_many_tables_share_a_region(void **state)
{
    (void)state;
    RowStore *store = open_store(UINT64_MAX);
    RowBlock blocks[ROW_REGION_BYTES / UNIT + 1];
    size_t count = ROW_REGION_BYTES / UNIT;
    for (size_t i = 0; i <= count; i++)
        blocks[i] = take(store, UNIT);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(blocks[i].region_id, blocks[0].region_id);
    assert_true(blocks[count].region_id != blocks[0].region_id);
    assert_int_equal(row_store_bytes_mapped(store), 2 * ROW_REGION_BYTES);
    for (size_t i = 0; i <= count; i++)
        row_store_give_back(store, &blocks[i]);
    row_store_close(store);
}

static void test_one_empty_region_is_kept(void **state)
{
    (void)state;
    RowStore *store = open_store(UINT64_MAX);
    enum { REGIONS = 3, EACH = ROW_REGION_BYTES / ROW_BLOCK_BYTES_MAX };
    RowBlock blocks[REGIONS * EACH];
    for (size_t i = 0; i < REGIONS * EACH; i++)
        blocks[i] = take(store, ROW_BLOCK_BYTES_MAX);
    assert_int_equal(row_store_bytes_mapped(store), REGIONS * ROW_REGION_BYTES);
    for (size_t i = 0; i < REGIONS * EACH; i++) {
        row_store_give_back(store, &blocks[i]);
        size_t done = (i + 1) / EACH;
        size_t closed = done > 1 ? done - 1 : 0;
        assert_int_equal(row_store_bytes_mapped(store), (REGIONS - closed) * ROW_REGION_BYTES);
    }
    RowBlock again = take(store, UNIT);
    assert_int_equal(again.region_id, blocks[0].region_id);
    assert_int_equal(row_store_bytes_mapped(store), ROW_REGION_BYTES);
    row_store_give_back(store, &again);
    row_store_close(store);
}

static void test_region_ids_are_never_used_twice(void **state)
{
    (void)state;
    RowStore *store = open_store(UINT64_MAX);
    uint64_t last = 0;
    for (int i = 0; i < 20; i++) {
        RowBlock block = take(store, 10 << 20);
        assert_true(block.region_id > last);
        last = block.region_id;
        row_store_give_back(store, &block);
    }
    row_store_close(store);
}

static void test_the_limit(void **state)
{
    (void)state;
    Error error;
    RowBlock none = {.size = 77};
    RowStore *store = open_store(ROW_REGION_BYTES + 3 * UNIT + 100);
    RowBlock blocks[9];
    for (int i = 0; i < 8; i++)
        blocks[i] = take(store, ROW_BLOCK_BYTES_MAX);
    assert_status(STATUS_OUT_OF_MEMORY, row_store_take(store, 4 * UNIT, &none, &error));
    assert_int_equal(none.size, 77);
    blocks[8] = take(store, 3 * UNIT);
    assert_int_equal(blocks[8].region_size, 3 * UNIT);
    assert_status(STATUS_OUT_OF_MEMORY, row_store_take(store, 1, &none, &error));
    for (int i = 0; i < 9; i++)
        row_store_give_back(store, &blocks[i]);
    /* What is kept empty goes where something larger asks for its bytes. */
    RowBlock large = take(store, ROW_REGION_BYTES + 2 * UNIT);
    row_store_give_back(store, &large);
    assert_int_equal(row_store_bytes_mapped(store), 0);
    assert_status(STATUS_OUT_OF_MEMORY, row_store_take(store, SIZE_MAX, &none, &error));
    row_store_close(store);
}

static void test_failures_change_nothing(void **state)
{
    (void)state;
    Error error;
    RowStore *store = open_store(UINT64_MAX);
    RowBlock first = {0};
    RowBlock second = {0};
    FAIL_EVERY_ALLOCATION(row_store_take(store, UNIT, &first, &error), &error, {
        assert_int_equal(row_store_bytes_taken(store), 0);
        assert_int_equal(row_store_bytes_mapped(store), 0);
    });
    FAIL_EVERY_ALLOCATION(row_store_take(store, 9 << 20, &second, &error), &error, {
        assert_int_equal(row_store_bytes_taken(store), UNIT);
        assert_int_equal(row_store_bytes_mapped(store), ROW_REGION_BYTES);
    });
    row_store_give_back(store, &second);
    row_store_give_back(store, &first);
    row_store_close(store);
}

/* ---- many blocks ---- */

typedef struct Holder {
    RowStore *store;
    Random random;
    RowBlock blocks[60];
    uint8_t mark[60];
    size_t count;
    uint64_t bytes;
} Holder;

static size_t any_size(Random *random)
{
    switch (random_below(random, 8)) {
    case 0:
        return 1 + random_below(random, 6 << 20);
    case 1:
        return 1 + random_below(random, ROW_BLOCK_BYTES_MAX);
    default:
        return (size_t)UNIT << random_below(random, 7);
    }
}

/* Both ends and some places in between carry the holder's mark. */
static void paint(const RowBlock *block, uint8_t mark)
{
    for (size_t at = 0; at < block->size; at += UNIT / 2)
        block->data[at] = mark;
    block->data[block->size - 1] = mark;
}

static void check_paint(const RowBlock *block, uint8_t mark)
{
    for (size_t at = 0; at < block->size; at += UNIT / 2)
        ASSERT(block->data[at] == mark);
    ASSERT(block->data[block->size - 1] == mark);
}

static void holder_step(Holder *holder)
{
    Error error;
    bool takes = holder->count < 60 && random_chance(&holder->random, 1, 2);
    if (takes) {
        size_t i = holder->count++;
        RowBlock *block = &holder->blocks[i];
        ASSERT(row_store_take(holder->store, any_size(&holder->random), block, &error) == OK);
        holder->mark[i] = (uint8_t)random_u64(&holder->random);
        paint(block, holder->mark[i]);
        holder->bytes += block->size;
    } else if (holder->count > 0) {
        size_t i = random_below(&holder->random, holder->count);
        check_paint(&holder->blocks[i], holder->mark[i]);
        holder->bytes -= holder->blocks[i].size;
        row_store_give_back(holder->store, &holder->blocks[i]);
        holder->count--;
        holder->blocks[i] = holder->blocks[holder->count];
        holder->mark[i] = holder->mark[holder->count];
    }
}

static void give_all_back(Holder *holder)
{
    while (holder->count > 0) {
        holder->count--;
        check_paint(&holder->blocks[holder->count], holder->mark[holder->count]);
        row_store_give_back(holder->store, &holder->blocks[holder->count]);
    }
}

static void test_blocks_never_overlap(void **state)
{
    (void)state;
    Holder *holder = calloc(1, sizeof *holder);
    assert_non_null(holder);
    holder->store = open_store(UINT64_MAX);
    holder->random = random_of(test_seed());
    for (int i = 0; i < 3000; i++) {
        holder_step(holder);
        assert_int_equal(row_store_bytes_taken(holder->store), holder->bytes);
        assert_true(row_store_bytes_mapped(holder->store) >= holder->bytes);
    }
    give_all_back(holder);
    assert_true(row_store_bytes_mapped(holder->store) <= ROW_REGION_BYTES);
    row_store_close(holder->store);
    free(holder);
}

static void run_holder(void *argument)
{
    for (int i = 0; i < 1500; i++)
        holder_step(argument);
    give_all_back(argument);
}

static void test_threads_never_share_a_block(void **state)
{
    (void)state;
    enum { THREADS = 3 };
    Error error;
    uint64_t seed = test_seed();
    RowStore *store = open_store(UINT64_MAX);
    Holder *holders = calloc(THREADS, sizeof *holders);
    Thread *threads[THREADS];
    assert_non_null(holders);
    for (uint64_t i = 0; i < THREADS; i++) {
        holders[i] = (Holder){.store = store, .random = random_of(seed + i)};
        assert_ok(thread_start(env_real(), "holder", THREAD_STACK_BYTES_DEFAULT, run_holder,
                               &holders[i], &threads[i], &error),
                  &error);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_int_equal(row_store_bytes_taken(store), 0);
    row_store_close(store);
    free(holders);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_many_tables_share_a_region),
        cmocka_unit_test(test_one_empty_region_is_kept),
        cmocka_unit_test(test_region_ids_are_never_used_twice),
        cmocka_unit_test(test_the_limit),
        cmocka_unit_test(test_failures_change_nothing),
        cmocka_unit_test(test_blocks_never_overlap),
        cmocka_unit_test(test_threads_never_share_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
