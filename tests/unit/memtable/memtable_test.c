#include "memtable/memtable.h"

#include "tests/unit/memtable/test.h"

typedef struct Both {
    Fixture fixture;
    Oracle oracle;
    KeyMaker *maker;
    Random random;
} Both;

static void both_open(Both *both, KeyShape shape, uint64_t seed)
{
    *both = (Both){.random = random_of(seed)};
    fixture_open(&both->fixture);
    both->maker = malloc(sizeof *both->maker);
    assert_non_null(both->maker);
    *both->maker = (KeyMaker){.shape = shape, .random = random_of(seed + 1)};
}

static void both_close(Both *both)
{
    fixture_close(&both->fixture);
    oracle_close(&both->oracle);
    free(both->maker);
}

static const uint8_t *row_bytes(uint64_t seq)
{
    static uint8_t bytes[4096];
    memset(bytes, (uint8_t)seq, sizeof bytes);
    return bytes;
}

/* One version of a new or a known key, in both. */
static void put_any(Both *both)
{
    Oracle *oracle = &both->oracle;
    Slice key = make_key(both->maker);
    if (oracle->count > 0 && random_chance(&both->random, 1, 3))
        key = oracle->keys[random_below(&both->random, oracle->count)].key;
    uint64_t seq = both->fixture.seq + 1;
    OracleVersion version = {seq, RECORD_PUT, (uint32_t)random_below(&both->random, 300)};
    if (random_chance(&both->random, 1, 5))
        version = (OracleVersion){seq, RECORD_DELETE, 0};
    const RecordHeader *record =
        put(&both->fixture, version.kind, key, slice_of(row_bytes(seq), version.row_size));
    assert_record(record, key, &version);
    oracle_add(oracle, key, version);
}

static uint64_t any_seq(Both *both)
{
    if (random_chance(&both->random, 1, 4))
        return UINT64_MAX;
    return random_below(&both->random, both->fixture.seq + 2);
}

/* ---- gets ---- */

static void check_gets(Both *both)
{
    uint64_t seq = any_seq(both);
    const Oracle *oracle = &both->oracle;
    for (size_t i = 0; i < oracle->count; i++) {
        Slice key = oracle->keys[i].key;
        assert_record(memtable_get(both->fixture.memtable, key, seq), key,
                      oracle_version(&oracle->keys[i], seq));
    }
    for (int i = 0; i < 200; i++) {
        Slice key = make_key(both->maker);
        assert_record(memtable_get(both->fixture.memtable, key, seq), key,
                      oracle_get(oracle, key, seq));
    }
}

/* ---- iterators ---- */

static Slice any_bound(Both *both, uint8_t copy[KEY_BYTES_MAX])
{
    if (random_chance(&both->random, 1, 4))
        return SLICE_EMPTY;
    Slice key = make_key(both->maker);
    if (both->oracle.count > 0 && random_chance(&both->random, 1, 2))
        key = both->oracle.keys[random_below(&both->random, both->oracle.count)].key;
    memcpy(copy, key.data, key.size);
    return slice_of(copy, key.size);
}

static bool lies_within(Slice key, Slice from, Slice to)
{
    return (from.size == 0 || slice_compare(key, from) >= 0) &&
           (to.size == 0 || slice_compare(key, to) < 0);
}

static void check_range(Both *both, uint64_t seq, Slice from, Slice to, bool backward)
{
    const Oracle *oracle = &both->oracle;
    MemtableIterator iterator;
    memtable_iterate(both->fixture.memtable, seq, from, to, backward, &iterator);
    for (size_t i = 0; i < oracle->count; i++) {
        const OracleKey *key = &oracle->keys[backward ? oracle->count - 1 - i : i];
        const OracleVersion *version = oracle_version(key, seq);
        if (version != NULL && lies_within(key->key, from, to))
            assert_record(memtable_next(&iterator), key->key, version);
    }
    assert_null(memtable_next(&iterator));
    assert_null(memtable_next(&iterator));
}

static void check_ranges(Both *both)
{
    static uint8_t from_bytes[KEY_BYTES_MAX];
    static uint8_t to_bytes[KEY_BYTES_MAX];
    for (int i = 0; i < 12; i++) {
        Slice from = any_bound(both, from_bytes);
        Slice to = any_bound(both, to_bytes);
        uint64_t seq = any_seq(both);
        check_range(both, seq, from, to, false);
        check_range(both, seq, from, to, true);
    }
}

/* ---- blocks ---- */

typedef struct BlockWalk {
    size_t records;
    size_t bytes;
    size_t visible;
    uint64_t last_seq;
} BlockWalk;

static void walk_block(const RowBlockView *view, uint64_t seq, const Oracle *oracle,
                       BlockWalk *walk)
{
    const RecordHeader *first = (const void *)view->block.data;
    assert_true(view->published > 0 && view->published <= view->block.size);
    assert_int_equal(view->first_seq, first->seq);
    for (size_t at = 0; at < view->published;) {
        const RecordHeader *record = (const void *)(view->block.data + at);
        const OracleVersion *current = oracle_get(oracle, record_key(record), seq);
        bool is_current = current != NULL && current->seq == record->seq;
        assert_int_equal(record_is_current(record, seq), is_current);
        walk->visible += record_is_visible(record, seq);
        walk->records++;
        walk->last_seq = record->seq > walk->last_seq ? record->seq : walk->last_seq;
        at += record_whole_size(record);
        assert_true(at <= view->published);
    }
    walk->bytes += view->published;
}

static void check_blocks(Both *both)
{
    Error error;
    Arena arena;
    RowBlockView *views;
    size_t count;
    uint64_t seq = any_seq(both);
    BlockWalk walk = {0};
    arena_open(&arena, 0);
    assert_ok(memtable_blocks(both->fixture.memtable, &arena, &views, &count, &error), &error);
    size_t expected = 0;
    for (size_t i = 0; i < both->oracle.count; i++) {
        const OracleVersion *version = oracle_version(&both->oracle.keys[i], seq);
        expected += version != NULL && version->kind == RECORD_PUT;
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(i == 0 || views[i].first_seq > views[i - 1].first_seq);
        walk_block(&views[i], seq, &both->oracle, &walk);
    }
    assert_int_equal(walk.records, both->oracle.versions);
    assert_int_equal(walk.visible, expected);
    assert_int_equal(walk.last_seq, both->fixture.seq);
    arena_close(&arena);
}

static void check_usage(Both *both)
{
    MemtableUsage usage;
    memtable_usage(both->fixture.memtable, &usage);
    assert_int_equal(usage.versions, both->oracle.versions);
    assert_int_equal(usage.keys, both->oracle.count);
    assert_int_equal(usage.last_seq, both->fixture.seq);
    assert_int_equal(usage.first_seq, both->fixture.seq > 0);
    assert_int_equal(usage.first_put_ns > 0, both->fixture.seq > 0);
    assert_int_equal(usage.row_bytes, row_store_bytes_taken(both->fixture.store));
    assert_int_equal(memtable_bytes(both->fixture.memtable),
                     usage.row_bytes + usage.index_bytes + usage.mark_bytes);
}

static void check_all(Both *both)
{
    check_gets(both);
    check_ranges(both);
    check_blocks(both);
    check_usage(both);
}

static void test_it_does_as_the_oracle(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int shape = 0; shape < KEY_SHAPE_COUNT; shape++) {
        Both both;
        both_open(&both, (KeyShape)shape, seed);
        check_all(&both);
        size_t steps = shape == KEYS_HUGE ? 500 : 4000;
        for (size_t i = 1; i <= steps; i++) {
            put_any(&both);
            if (i < 5 || i % (steps / 4) == 0)
                check_all(&both);
        }
        both_close(&both);
    }
}

/* Before every step of an iterator the writer inserts, so that leaves split under it all the time.
 * What was there when it was made comes, each key once, in order, as of its sequence. */
static void iterate_beside_writer(Both *both, bool backward)
{
    size_t expected = both->oracle.count;
    uint64_t seq = both->fixture.seq;
    Slice *keys = malloc(expected * sizeof *keys);
    assert_non_null(keys);
    for (size_t i = 0; i < expected; i++)
        keys[i] = both->oracle.keys[backward ? expected - 1 - i : i].key;
    MemtableIterator iterator;
    memtable_iterate(both->fixture.memtable, seq, SLICE_EMPTY, SLICE_EMPTY, backward, &iterator);
    for (size_t i = 0; i < expected; i++) {
        for (uint64_t puts = random_below(&both->random, 4); puts > 0; puts--)
            put_any(both);
        assert_record(memtable_next(&iterator), keys[i], oracle_get(&both->oracle, keys[i], seq));
    }
    assert_null(memtable_next(&iterator));
    free(keys);
}

static void test_iterators_stay_right_while_leaves_split(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int shape = 0; shape < KEYS_HUGE; shape++) {
        Both both;
        both_open(&both, (KeyShape)shape, seed);
        for (int i = 0; i < 500; i++)
            put_any(&both);
        iterate_beside_writer(&both, false);
        iterate_beside_writer(&both, true);
        check_all(&both);
        both_close(&both);
    }
}

/* An iterator at the head shows keys that came while it was under way where they lie ahead of it,
 * and never goes back. */
static void test_an_iterator_at_the_head_only_goes_on(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int backward = 0; backward <= 1; backward++) {
        Both both;
        both_open(&both, KEYS_RANDOM, seed);
        for (int i = 0; i < 300; i++)
            put_any(&both);
        MemtableIterator iterator;
        memtable_iterate(both.fixture.memtable, UINT64_MAX, SLICE_EMPTY, SLICE_EMPTY, backward == 1,
                         &iterator);
        const RecordHeader *before = NULL;
        const RecordHeader *record;
        while ((record = memtable_next(&iterator)) != NULL) {
            if (before != NULL) {
                int order = slice_compare(record_key(before), record_key(record));
                assert_true(backward == 1 ? order > 0 : order < 0);
            }
            assert_record(record, record_key(record),
                          oracle_get(&both.oracle, record_key(record), UINT64_MAX));
            before = record;
            if (both.fixture.seq < 3000)
                put_any(&both);
        }
        both_close(&both);
    }
}

static void test_prefixes_are_ranges(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture);
    uint8_t key[32];
    for (uint64_t n = 0; n < 3000; n++)
        put(&fixture, RECORD_PUT, slice_of(key, key_of_owner(key, (uint32_t)(n % 3), n)),
            SLICE("row"));
    const uint8_t from[] = {0, 0, 0, 1};
    const uint8_t to[] = {0, 0, 0, 2};
    MemtableIterator iterator;
    memtable_iterate(fixture.memtable, UINT64_MAX, slice_of(from, 4), slice_of(to, 4), false,
                     &iterator);
    for (uint64_t n = 1; n < 3000; n += 3) {
        const RecordHeader *record = memtable_next(&iterator);
        assert_non_null(record);
        assert_int_equal(record->seq, n + 1);
    }
    assert_null(memtable_next(&iterator));
    fixture_close(&fixture);
}

static void test_versions_hang_on_each_other(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture);
    Slice key = SLICE("key");
    RecordHeader *first = put(&fixture, RECORD_PUT, key, SLICE("one"));
    RecordHeader *second = put(&fixture, RECORD_DELETE, key, SLICE_EMPTY);
    RecordHeader *third = put(&fixture, RECORD_PUT, key, SLICE("three"));
    assert_null(first->older);
    assert_ptr_equal(second->older, first);
    assert_ptr_equal(third->older, second);
    assert_int_equal(first->replaced_by, second->seq);
    assert_int_equal(second->replaced_by, third->seq);
    assert_int_equal(third->replaced_by, 0);
    assert_int_equal(third->settled, 0);
    assert_null(memtable_get(fixture.memtable, key, 0));
    assert_ptr_equal(memtable_get(fixture.memtable, key, 1), first);
    assert_ptr_equal(memtable_get(fixture.memtable, key, 2), second);
    assert_ptr_equal(memtable_get(fixture.memtable, key, UINT64_MAX), third);
    fixture_close(&fixture);
}

/* ---- sizes ---- */

static void test_large_rows_lie_apart(void **state)
{
    (void)state;
    static const size_t sizes[] = {10 << 20, 100, 900 << 10, 3 << 20, ROW_BYTES_MAX, 5 << 20, 64};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    Fixture fixture;
    fixture_open(&fixture);
    uint8_t *row = malloc(ROW_BYTES_MAX);
    assert_non_null(row);
    uint64_t whole = 0;
    for (uint64_t i = 0; i < COUNT; i++) {
        uint8_t key[8];
        memset(row, (int)i + 1, sizes[i]);
        put(&fixture, RECORD_PUT, slice_of(key, put_number(key, i)), slice_of(row, sizes[i]));
        whole += record_size(8, sizes[i]);
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        uint8_t key[8];
        const RecordHeader *record =
            memtable_get(fixture.memtable, slice_of(key, put_number(key, i)), UINT64_MAX);
        assert_non_null(record);
        assert_int_equal(record->row_size, sizes[i]);
        memset(row, (int)i + 1, sizes[i]);
        assert_memory_equal(record_row(record).data, row, sizes[i]);
    }
    MemtableUsage usage;
    memtable_usage(fixture.memtable, &usage);
    assert_int_equal(usage.row_bytes, row_store_bytes_taken(fixture.store));
    assert_true(usage.row_bytes >= whole && usage.row_bytes < whole + (4 << 20));
    free(row);
    fixture_close(&fixture);
}

/* A batch of rows of all sizes, of which only the sum and the largest are said. */
static void test_a_reservation_suffices_for_any_mix(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    Random random = random_of(seed);
    uint8_t *row = calloc(1, 3 << 20);
    assert_non_null(row);
    for (int round = 0; round < 30; round++) {
        Fixture fixture;
        fixture_open(&fixture);
        for (int batch = 0; batch < 6; batch++) {
            size_t sizes[40];
            size_t bytes = 0;
            size_t largest = 0;
            size_t limit = (size_t)1 << (8 + random_below(&random, 15));
            limit = limit > 3 << 20 ? 3 << 20 : limit;
            size_t count = 1 + random_below(&random, 40);
            for (size_t i = 0; i < count; i++) {
                sizes[i] = random_chance(&random, 1, 2) ? random_below(&random, limit)
                                                        : random_below(&random, 200);
                size_t size = record_size(16, sizes[i]);
                bytes += size;
                largest = size > largest ? size : largest;
            }
            Error error;
            assert_ok(memtable_reserve(fixture.memtable, count, bytes, largest, &error), &error);
            uint64_t taken = row_store_bytes_taken(fixture.store);
            for (size_t i = 0; i < count; i++) {
                uint8_t key[16];
                random_bytes(&random, key, sizeof key);
                put_reserved(&fixture, RECORD_PUT, slice_of(key, 16), slice_of(row, sizes[i]));
            }
            assert_int_equal(row_store_bytes_taken(fixture.store), taken);
        }
        fixture_close(&fixture);
    }
    free(row);
}

static void test_small_tables_take_little(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture);
    assert_int_equal(row_store_bytes_taken(fixture.store), 0);
    assert_true(memtable_bytes(fixture.memtable) < 4096);
    put(&fixture, RECORD_PUT, SLICE("key"), SLICE("row"));
    assert_int_equal(row_store_bytes_taken(fixture.store), ROW_BLOCK_BYTES_MIN);
    assert_true(memtable_bytes(fixture.memtable) < ROW_BLOCK_BYTES_MIN + 4096);
    fixture_close(&fixture);
}

static void test_blocks_double(void **state)
{
    (void)state;
    Fixture fixture;
    Error error;
    Arena arena;
    RowBlockView *views;
    size_t count;
    static const uint8_t row[1000];
    fixture_open(&fixture);
    for (uint64_t i = 0; i < 20000; i++) {
        uint8_t key[8];
        put(&fixture, RECORD_PUT, slice_of(key, put_number(key, i)), slice_of(row, sizeof row));
    }
    arena_open(&arena, 0);
    assert_ok(memtable_blocks(fixture.memtable, &arena, &views, &count, &error), &error);
    size_t size = ROW_BLOCK_BYTES_MIN;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(views[i].block.size, size);
        assert_true(i + 1 == count || views[i].published + record_size(8, 1000) > size);
        size = size < ROW_BLOCK_BYTES_MAX ? size * 2 : size;
    }
    arena_close(&arena);
    fixture_close(&fixture);
}

enum { HOT_VERSIONS = 1000000 };

static void test_a_hot_key(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture);
    Slice key = SLICE("hot");
    for (uint64_t i = 1; i <= HOT_VERSIONS; i++)
        put(&fixture, RECORD_PUT, key, slice_of(&i, sizeof i));
    for (uint64_t seq = 1; seq <= HOT_VERSIONS; seq += 99999) {
        const RecordHeader *record = memtable_get(fixture.memtable, key, seq);
        assert_non_null(record);
        assert_int_equal(record->seq, seq);
        assert_memory_equal(record_row(record).data, &seq, sizeof seq);
    }
    MemtableUsage usage;
    memtable_usage(fixture.memtable, &usage);
    assert_int_equal(usage.versions, HOT_VERSIONS);
    assert_int_equal(usage.keys, 1);
    MemtableIterator iterator;
    memtable_iterate(fixture.memtable, 5, SLICE_EMPTY, SLICE_EMPTY, true, &iterator);
    assert_int_equal(memtable_next(&iterator)->seq, 5);
    assert_null(memtable_next(&iterator));
    fixture_close(&fixture);
}

/* ---- life ---- */

static void test_references_keep_it(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture);
    Memtable *memtable = memtable_clone(fixture.memtable);
    const RecordHeader *record = put(&fixture, RECORD_PUT, SLICE("key"), SLICE("row"));
    memtable_release(memtable);
    assert_slice(record_row(record), "row");
    assert_int_equal(memtable_id(fixture.memtable), 1);
    assert_int_equal(memtable_schema(fixture.memtable)->column_count, 2);
    assert_int_equal(marks_count(memtable_marks(fixture.memtable)), 0);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_does_as_the_oracle),
        cmocka_unit_test(test_iterators_stay_right_while_leaves_split),
        cmocka_unit_test(test_an_iterator_at_the_head_only_goes_on),
        cmocka_unit_test(test_prefixes_are_ranges),
        cmocka_unit_test(test_versions_hang_on_each_other),
        cmocka_unit_test(test_large_rows_lie_apart),
        cmocka_unit_test(test_a_reservation_suffices_for_any_mix),
        cmocka_unit_test(test_small_tables_take_little),
        cmocka_unit_test(test_blocks_double),
        cmocka_unit_test(test_a_hot_key),
        cmocka_unit_test(test_references_keep_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
