/* One writer and several readers at once. The readers know what every sequence did, so they can say
 * for any S they learned what must be found, in which order, and what must not.
 *
 * The writer applies commits of several puts and then moves `visible`, as the engine does. What is
 * wrong in a thread stops the process: cmocka's own assertions are for the first thread only. */
#include "tests/unit/memtable/test.h"

#if defined(__SANITIZE_THREAD__)
enum { PUTS = 30000, KEYS = 6000 };
#elif defined(__SANITIZE_ADDRESS__)
enum { PUTS = 60000, KEYS = 9000 };
#else
enum { PUTS = 400000, KEYS = 60000 };
#endif

enum { READERS = 3, COMMIT_MAX = 20, KEY_BYTES = 40 };

typedef struct Plan {
    KeyShape shape;
    uint8_t keys[KEYS][KEY_BYTES]; /* sorted, different */
    uint8_t key_size[KEYS];
    uint32_t key_of[PUTS + 1]; /* by sequence, which begins with 1 */
    uint32_t before[PUTS + 1]; /* the sequence of the version before; 0: none */
    uint8_t kind[PUTS + 1];
    uint32_t new_keys[PUTS + 1]; /* different keys up to the sequence */
    uint32_t live_keys[PUTS + 1];
    Fixture fixture;
    _Atomic uint64_t visible;
    _Atomic uint64_t checks;
    _Atomic bool is_done;
    uint64_t seed;
} Plan;

static Slice key_at(const Plan *plan, uint32_t key)
{
    return slice_of(plan->keys[key], plan->key_size[key]);
}

static void make_keys(Plan *plan)
{
    for (uint32_t i = 0; i < KEYS; i++) {
        uint8_t *key = plan->keys[i];
        if (plan->shape == KEYS_LONG)
            memset(key, 'l', 20);
        size_t at = plan->shape == KEYS_LONG ? 20 : 0;
        plan->key_size[i] = (uint8_t)(at + key_of_owner(key + at, i / 100, i));
    }
}

/* The order in which keys come: growing, or any; a third are versions of keys that were there. */
static void make_puts(Plan *plan, Random *random)
{
    static uint32_t last[KEYS];
    memset(last, 0, sizeof last);
    uint32_t fresh = 0;
    for (uint32_t seq = 1; seq <= PUTS; seq++) {
        bool is_fresh =
            plan->shape == KEYS_ASCENDING && fresh < KEYS && random_chance(random, 2, 3);
        uint32_t key = (uint32_t)random_below(random, fresh == 0 || !is_fresh ? KEYS : fresh);
        if (plan->shape == KEYS_ASCENDING)
            key = is_fresh || fresh == 0 ? fresh++ : (uint32_t)random_below(random, fresh);
        bool was_live = last[key] != 0 && plan->kind[last[key]] == RECORD_PUT;
        bool is_live = random_chance(random, 4, 5);
        plan->key_of[seq] = key;
        plan->before[seq] = last[key];
        plan->kind[seq] = is_live ? RECORD_PUT : RECORD_DELETE;
        plan->new_keys[seq] = plan->new_keys[seq - 1] + (last[key] == 0);
        plan->live_keys[seq] = plan->live_keys[seq - 1] + is_live - was_live;
        last[key] = seq;
    }
}

/* ---- the writer ---- */

static void write_commit(Plan *plan, Random *random)
{
    Error error;
    Fixture *fixture = &plan->fixture;
    uint64_t count = 1 + random_below(random, COMMIT_MAX);
    if (count > PUTS - fixture->seq)
        count = PUTS - fixture->seq;
    size_t size = record_size(KEY_BYTES, 8);
    ASSERT(memtable_reserve(fixture->memtable, count, count * size, size, &error) == OK);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t seq = fixture->seq + 1;
        Slice row = plan->kind[seq] == RECORD_PUT ? slice_of(&seq, sizeof seq) : SLICE_EMPTY;
        put_reserved(fixture, plan->kind[seq], key_at(plan, plan->key_of[seq]), row);
    }
    atomic_store_explicit(&plan->visible, fixture->seq, memory_order_release);
}

static void run_writer(void *argument)
{
    Plan *plan = argument;
    Random random = random_of(plan->seed + 1);
    while (plan->fixture.seq < PUTS) {
        write_commit(plan, &random);
        /* On a machine with few cores the readers must get their turn in the middle of it. */
        if (random_chance(&random, 1, 200))
            env_sleep_ns(env_real(), 200000);
    }
    atomic_store(&plan->is_done, true);
}

/* ---- the readers ---- */

static uint64_t learn_visible(Plan *plan)
{
    return atomic_load_explicit(&plan->visible, memory_order_acquire);
}

/* Is the record what the plan says it is, and the newest of its key at `seq`? */
static void check_record(const Plan *plan, const RecordHeader *record, uint64_t seq)
{
    ASSERT(record->seq >= 1 && record->seq <= seq);
    ASSERT(slice_equal(record_key(record), key_at(plan, plan->key_of[record->seq])));
    ASSERT(record->kind == plan->kind[record->seq]);
    if (record->kind == RECORD_PUT)
        ASSERT(memcmp(record_row(record).data, &record->seq, sizeof record->seq) == 0);
    uint64_t replaced = atomic_load_explicit(&record->replaced_by, memory_order_acquire);
    ASSERT(replaced == 0 || replaced > seq);
    if (record->older != NULL)
        ASSERT(record->older->seq == plan->before[record->seq]);
    else
        ASSERT(plan->before[record->seq] == 0);
}

static void check_get(Plan *plan, Random *random)
{
    uint64_t seq = learn_visible(plan);
    if (seq == 0)
        return;
    uint64_t known = 1 + random_below(random, seq);
    Slice key = key_at(plan, plan->key_of[known]);
    const RecordHeader *record = memtable_get(plan->fixture.memtable, key, seq);
    ASSERT(record != NULL);
    ASSERT(record->seq >= known);
    check_record(plan, record, seq);
    const RecordHeader *earlier = memtable_get(plan->fixture.memtable, key, known);
    ASSERT(earlier != NULL);
    ASSERT(earlier->seq == known);
    const RecordHeader *newest = memtable_get(plan->fixture.memtable, key, UINT64_MAX);
    ASSERT(newest != NULL);
    ASSERT(newest->seq >= record->seq);
}

static void check_miss(Plan *plan, Random *random)
{
    uint8_t key[KEY_BYTES + 1];
    Slice known = key_at(plan, (uint32_t)random_below(random, KEYS));
    memcpy(key, known.data, known.size);
    key[known.size] = (uint8_t)random_below(random, 3);
    ASSERT(memtable_get(plan->fixture.memtable, slice_of(key, known.size + 1), UINT64_MAX) == NULL);
}

/* All of it, or what lies between two keys. */
static void check_scan(Plan *plan, Random *random, bool is_whole)
{
    uint64_t seq = learn_visible(plan);
    bool backward = random_chance(random, 1, 2);
    uint32_t low = is_whole ? 0 : (uint32_t)random_below(random, KEYS);
    uint32_t high = is_whole ? KEYS : low + (uint32_t)random_below(random, 300);
    MemtableIterator iterator;
    memtable_iterate(plan->fixture.memtable, seq, key_at(plan, low),
                     high < KEYS ? key_at(plan, high) : SLICE_EMPTY, backward, &iterator);
    size_t found = 0;
    int64_t before = backward ? INT64_MAX : -1;
    for (const RecordHeader *record; (record = memtable_next(&iterator)) != NULL; found++) {
        check_record(plan, record, seq);
        int64_t key = plan->key_of[record->seq];
        ASSERT(backward ? key < before : key > before);
        ASSERT(key >= low && key < high);
        before = key;
    }
    if (is_whole)
        ASSERT(found == plan->new_keys[seq]);
}

static void check_blocks(Plan *plan)
{
    Error error;
    Arena arena;
    RowBlockView *views;
    size_t count;
    size_t visible = 0;
    arena_open(&arena, 0);
    uint64_t seq = learn_visible(plan);
    ASSERT(memtable_blocks(plan->fixture.memtable, &arena, &views, &count, &error) == OK);
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < views[i].published;) {
            const RecordHeader *record = (const void *)(views[i].block.data + at);
            visible += record_is_visible(record, seq);
            at += record_whole_size(record);
        }
    }
    ASSERT(visible == plan->live_keys[seq]);
    arena_close(&arena);
}

static void check_usage(Plan *plan)
{
    MemtableUsage usage;
    uint64_t seq = learn_visible(plan);
    memtable_usage(plan->fixture.memtable, &usage);
    ASSERT(usage.versions >= seq && usage.versions <= PUTS);
    ASSERT(usage.keys >= plan->new_keys[seq] && usage.keys <= usage.versions);
    ASSERT(memtable_bytes(plan->fixture.memtable) > usage.versions * sizeof(RecordHeader) / 2);
}

static void run_reader(void *argument)
{
    Plan *plan = argument;
    uint64_t number = atomic_fetch_add(&plan->checks, 1);
    Random random = random_of(plan->seed + 100 + number);
    bool is_last_round = false;
    do {
        is_last_round = atomic_load(&plan->is_done);
        for (int i = 0; i < 200; i++)
            check_get(plan, &random);
        for (int i = 0; i < 50; i++)
            check_miss(plan, &random);
        for (int i = 0; i < 5; i++)
            check_scan(plan, &random, false);
        check_scan(plan, &random, true);
        check_blocks(plan);
        check_usage(plan);
        atomic_fetch_add(&plan->checks, 1);
    } while (!is_last_round);
}

static void run_plan(KeyShape shape, uint64_t seed)
{
    Error error;
    Plan *plan = calloc(1, sizeof *plan);
    assert_non_null(plan);
    Random random = random_of(seed);
    plan->shape = shape;
    plan->seed = seed;
    make_keys(plan);
    make_puts(plan, &random);
    fixture_open(&plan->fixture);
    Thread *threads[READERS + 1];
    for (int i = 0; i < READERS; i++)
        assert_ok(thread_start(env_real(), "reader", THREAD_STACK_BYTES_DEFAULT, run_reader, plan,
                               &threads[i], &error),
                  &error);
    assert_ok(thread_start(env_real(), "writer", THREAD_STACK_BYTES_DEFAULT, run_writer, plan,
                           &threads[READERS], &error),
              &error);
    for (int i = 0; i <= READERS; i++)
        thread_join(threads[i]);
    print_message("%llu rounds of reading\n", (unsigned long long)plan->checks);
    MemtableUsage usage;
    memtable_usage(plan->fixture.memtable, &usage);
    assert_int_equal(usage.versions, PUTS);
    assert_int_equal(usage.keys, plan->new_keys[PUTS]);
    fixture_close(&plan->fixture);
    free(plan);
}

static void test_keys_in_any_order(void **state)
{
    (void)state;
    run_plan(KEYS_RANDOM, test_seed());
}

static void test_keys_in_order(void **state)
{
    (void)state;
    run_plan(KEYS_ASCENDING, test_seed());
}

static void test_keys_with_much_in_common(void **state)
{
    (void)state;
    run_plan(KEYS_LONG, test_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_in_any_order),
        cmocka_unit_test(test_keys_in_order),
        cmocka_unit_test(test_keys_with_much_in_common),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
