/* What happens where memory ends: every call either does all of it or changes nothing. */
#include "tests/unit/memtable/test.h"

enum { ROWS_BEFORE = 3000 };

static Slice key_number(uint8_t key[16], uint64_t number)
{
    return slice_of(key, put_number(key, number * 0x9e3779b97f4a7c15u));
}

static void put_rows(Fixture *fixture, uint64_t from, uint64_t to)
{
    uint8_t key[16];
    uint8_t row[100] = {0};
    for (uint64_t i = from; i < to; i++)
        put(fixture, RECORD_PUT, key_number(key, i), slice_of(row, sizeof row));
}

static void check_rows(const Fixture *fixture, uint64_t count)
{
    uint8_t key[16];
    for (uint64_t i = 0; i < count; i++) {
        const RecordHeader *record =
            memtable_get(fixture->memtable, key_number(key, i), UINT64_MAX);
        assert_non_null(record);
        assert_int_equal(record->seq, i + 1);
    }
}

static void test_create_fails_cleanly(void **state)
{
    (void)state;
    Error error;
    RowStore *store = NULL;
    Memtable *memtable = NULL;
    Schema *schema = test_schema();
    FAIL_EVERY_ALLOCATION(row_store_open(env_real(), 1 << 30, &store, &error), &error,
                          assert_null(store));
    FAIL_EVERY_ALLOCATION(memtable_create(env_real(), store, 1, schema, &memtable, &error), &error,
                          assert_null(memtable));
    assert_int_equal(schema->references, 2);
    memtable_release(memtable);
    assert_int_equal(schema->references, 1);
    row_store_close(store);
    schema_release(schema);
}

/* What must be as it was where a reservation failed: also the number of allocations alive. */
typedef struct Before {
    MemtableUsage usage;
    uint64_t taken;
    MemoryTracker *tracker;
} Before;

static void look_before(Fixture *fixture, Before *before)
{
    memtable_usage(fixture->memtable, &before->usage);
    before->taken = row_store_bytes_taken(fixture->store);
    before->tracker = memory_tracker_create();
    memory_tracker_use(before->tracker);
}

static void assert_as_before(const Fixture *fixture, const Before *before)
{
    MemtableUsage usage;
    memtable_usage(fixture->memtable, &usage);
    assert_memory_equal(&usage, &before->usage, sizeof usage);
    assert_int_equal(row_store_bytes_taken(fixture->store), before->taken);
    assert_int_equal(memory_tracker_count(before->tracker), 0);
}

static void look_no_more(Before *before)
{
    memory_tracker_use(NULL);
    memory_tracker_forget_all(before->tracker);
    memory_tracker_destroy(before->tracker);
}

/* A reservation that needs leaves, inner nodes and several blocks at once. One failure may be got
 * over by a smaller block; failures that do not end may not. */
static void reserve_much(int repeat)
{
    Error error;
    Fixture fixture;
    Before before;
    fixture_open(&fixture);
    put_rows(&fixture, 0, ROWS_BEFORE);
    look_before(&fixture, &before);
    enum { MORE = 100000 };
    size_t size = record_size(8, 100);
    FAIL_FROM_EVERY(memtable_reserve(fixture.memtable, MORE, MORE * size, size, &error), &error,
                    repeat, assert_as_before(&fixture, &before));
    look_no_more(&before);
    assert_true(row_store_bytes_taken(fixture.store) >= before.taken + (MORE - ROWS_BEFORE) * size);
    check_rows(&fixture, ROWS_BEFORE);
    memory_fail_at(1, -1);
    uint8_t key[16];
    uint8_t row[100] = {0};
    for (uint64_t i = ROWS_BEFORE; i < ROWS_BEFORE + MORE; i++)
        put_reserved(&fixture, RECORD_PUT, key_number(key, i), slice_of(row, sizeof row));
    memory_fail_at(0, 0);
    check_rows(&fixture, ROWS_BEFORE + MORE);
    fixture_close(&fixture);
}

static void test_reserve_is_all_or_nothing(void **state)
{
    (void)state;
    reserve_much(1);
    reserve_much(-1);
}

static void test_reserve_for_a_large_row_is_all_or_nothing(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Before before;
    fixture_open(&fixture);
    put_rows(&fixture, 0, ROWS_BEFORE);
    look_before(&fixture, &before);
    size_t size = record_size(8, 20 << 20);
    FAIL_EVERY_ALLOCATION(memtable_reserve(fixture.memtable, 1, size, size, &error), &error,
                          assert_as_before(&fixture, &before));
    look_no_more(&before);
    assert_true(row_store_bytes_taken(fixture.store) >= before.taken + size);
    fixture_close(&fixture);
}

/* Where a reservation fails, the one before it still holds. */
static void test_an_earlier_promise_survives(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    fixture_open(&fixture);
    size_t size = record_size(8, 100);
    assert_ok(memtable_reserve(fixture.memtable, 500, 500 * size, size, &error), &error);
    memory_fail_at(1, -1);
    assert_status(STATUS_OUT_OF_MEMORY,
                  memtable_reserve(fixture.memtable, 90000, 90000 * size, size, &error));
    uint8_t key[16];
    uint8_t row[100] = {0};
    for (uint64_t i = 0; i < 500; i++)
        put_reserved(&fixture, RECORD_PUT, key_number(key, i), slice_of(row, sizeof row));
    memory_fail_at(0, 0);
    check_rows(&fixture, 500);
    fixture_close(&fixture);
}

/* The store's limit is met in the middle of a table: its rows stay, and there is room again when
 * another table goes. */
static void test_the_store_is_full(void **state)
{
    (void)state;
    Error error;
    Fixture fixture = {0};
    Memtable *other;
    Schema *schema = test_schema();
    assert_ok(row_store_open(env_real(), 1 << 20, &fixture.store, &error), &error);
    assert_ok(memtable_create(env_real(), fixture.store, 1, schema, &fixture.memtable, &error),
              &error);
    assert_ok(memtable_create(env_real(), fixture.store, 2, schema, &other, &error), &error);
    size_t size = record_size(8, 100);
    assert_ok(memtable_reserve(other, 1, size, size, &error), &error);
    assert_ok(memtable_reserve(other, 4000, 4000 * size, size, &error), &error);
    Status status = OK;
    uint64_t rows = 0;
    while ((status = memtable_reserve(fixture.memtable, 1, size, size, &error)) == OK) {
        uint8_t key[16];
        uint8_t row[100] = {0};
        put_reserved(&fixture, RECORD_PUT, key_number(key, rows++), slice_of(row, sizeof row));
    }
    assert_status(STATUS_OUT_OF_MEMORY, status);
    assert_true(row_store_bytes_mapped(fixture.store) <= 1 << 20);
    assert_true(rows > 100);
    check_rows(&fixture, rows);
    memtable_release(other);
    assert_ok(memtable_reserve(fixture.memtable, 1, size, size, &error), &error);
    fixture_close(&fixture);
    schema_release(schema);
}

/* ---- an Env that runs out of shared memory ---- */

typedef struct PoorEnv {
    Env base;
    EnvOperations operations;
    int regions_left;
} PoorEnv;

static Status poor_open(Env *env, const char *name, size_t size, SharedMemory *out, Error *error)
{
    PoorEnv *poor = (PoorEnv *)(void *)env;
    if (poor->regions_left == 0)
        return error_set(error, STATUS_OUT_OF_MEMORY, "too many open files");
    poor->regions_left--;
    return shared_memory_open(env_real(), name, size, out, error);
}

static void poor_close(Env *env, SharedMemory *memory)
{
    (void)env;
    shared_memory_close(env_real(), memory);
}

static void test_the_machine_gives_no_region(void **state)
{
    (void)state;
    Error error;
    PoorEnv poor = {.operations = *env_real()->operations, .regions_left = 1};
    poor.base.operations = &poor.operations;
    poor.operations.shared_memory_open = poor_open;
    poor.operations.shared_memory_close = poor_close;
    Fixture fixture = {0};
    Schema *schema = test_schema();
    assert_ok(row_store_open(&poor.base, UINT64_MAX, &fixture.store, &error), &error);
    assert_ok(memtable_create(&poor.base, fixture.store, 1, schema, &fixture.memtable, &error),
              &error);
    schema_release(schema);
    put_rows(&fixture, 0, ROWS_BEFORE);
    uint64_t taken = row_store_bytes_taken(fixture.store);
    uint64_t mapped = row_store_bytes_mapped(fixture.store);
    size_t size = record_size(8, 100);
    size_t large = record_size(8, 5 << 20);
    assert_status(STATUS_OUT_OF_MEMORY,
                  memtable_reserve(fixture.memtable, 400000, 400000 * size, size, &error));
    assert_status(STATUS_OUT_OF_MEMORY,
                  memtable_reserve(fixture.memtable, 1, large, large, &error));
    assert_int_equal(row_store_bytes_taken(fixture.store), taken);
    assert_int_equal(row_store_bytes_mapped(fixture.store), mapped);
    put_rows(&fixture, ROWS_BEFORE, ROWS_BEFORE + 100);
    poor.regions_left = 1;
    assert_ok(memtable_reserve(fixture.memtable, 1, large, large, &error), &error);
    check_rows(&fixture, ROWS_BEFORE + 100);
    fixture_close(&fixture);
}

static void test_views_fail_cleanly(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Arena arena;
    RowBlockView *views = NULL;
    size_t count = 99;
    fixture_open(&fixture);
    put_rows(&fixture, 0, ROWS_BEFORE);
    arena_open(&arena, 0);
    FAIL_EVERY_ALLOCATION(memtable_blocks(fixture.memtable, &arena, &views, &count, &error), &error,
                          assert_true(views == NULL && count == 99));
    assert_true(count > 0);
    arena_close(&arena);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_fails_cleanly),
        cmocka_unit_test(test_reserve_is_all_or_nothing),
        cmocka_unit_test(test_reserve_for_a_large_row_is_all_or_nothing),
        cmocka_unit_test(test_an_earlier_promise_survives),
        cmocka_unit_test(test_the_store_is_full),
        cmocka_unit_test(test_the_machine_gives_no_region),
        cmocka_unit_test(test_views_fail_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
