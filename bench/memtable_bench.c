/* Micro benchmark of the memtable: inserts, gets, scans, memory per row.
 *
 *     make build/release/library/{base,types,memtable}.a
 *     L=build/release/library
 *     gcc -std=c17 -D_GNU_SOURCE -O2 -Isrc bench/memtable_bench.c -o build/memtable_bench \
 *         -pthread $L/memtable.a $L/types.a $L/base.a -lxxhash -lm
 *     build/memtable_bench [rows] [random seed]
 *
 * A row is 150 bytes: a key of 16 bytes and 134 bytes beside it; its record adds a header of 64.
 * Each figure is the median of several runs; runs with a new row store also pay for the first touch
 * of every page, runs with a warm one take blocks that were used before. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "memtable/memtable.h"

enum {
    ROW_BYTES = 134,
    KEY_BYTES = 16,
    RUNS = 5,
    BATCH = 100, /* rows reserved at once, as a statement does */
};

typedef struct Bench {
    Env *env;
    Schema *schema;
    size_t rows;
    uint8_t (*keys)[KEY_BYTES];  /* in the order of their insertion */
    uint8_t (*asked)[KEY_BYTES]; /* the same shuffled */
    uint64_t random;
} Bench;

static void must(Status status, const Error *error)
{
    if (status == OK)
        return;
    fprintf(stderr, "%s: %s\n", status_name(status), error->message);
    exit(1);
}

static uint64_t next_random(Bench *bench)
{
    uint64_t x = bench->random += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void big_endian(uint8_t *out, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(out, &value, 8);
}

/* Keys as a table of one user has them: owner, tag, a number, and a few bytes more. */
static void make_keys(Bench *bench, bool in_order)
{
    for (size_t i = 0; i < bench->rows; i++) {
        uint8_t *key = bench->keys[i];
        memset(key, 0, KEY_BYTES);
        key[3] = 7;
        key[4] = 2;
        big_endian(key + 5, in_order ? i : next_random(bench));
    }
    memcpy(bench->asked, bench->keys, bench->rows * KEY_BYTES);
    for (size_t i = bench->rows; i > 1; i--) {
        size_t other = next_random(bench) % i;
        uint8_t swap[KEY_BYTES];
        memcpy(swap, bench->asked[i - 1], KEY_BYTES);
        memcpy(bench->asked[i - 1], bench->asked[other], KEY_BYTES);
        memcpy(bench->asked[other], swap, KEY_BYTES);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints the median, and behind it the two ends, which say how quiet the machine was. */
static void print_runs(const char *what, double *values, const char *unit)
{
    qsort(values, RUNS, sizeof *values, compare_doubles);
    printf("  %-22s %7.2f %s [%.2f – %.2f]\n", what, values[RUNS / 2], unit, values[0],
           values[RUNS - 1]);
}

static double seconds_since(Bench *bench, int64_t start_ns)
{
    return (double)(env_monotonic_ns(bench->env) - start_ns) / 1e9;
}

static Memtable *create(Bench *bench, RowStore *store)
{
    Error error;
    Memtable *memtable;
    must(memtable_create(bench->env, store, 1, bench->schema, &memtable, &error), &error);
    return memtable;
}

static void put_all(Bench *bench, Memtable *memtable)
{
    Error error;
    uint8_t row[ROW_BYTES];
    memset(row, 'r', sizeof row);
    size_t record = record_size(KEY_BYTES, ROW_BYTES);
    for (size_t i = 0; i < bench->rows; i++) {
        if (i % BATCH == 0)
            must(memtable_reserve(memtable, BATCH, BATCH * record, record, &error), &error);
        RecordHeader header = {.seq = i + 1, .updated_us = 1, .owner = 7, .kind = RECORD_PUT};
        memtable_put(memtable, &header, slice_of(bench->keys[i], KEY_BYTES),
                     slice_of(row, sizeof row));
    }
}

static Memtable *fill(Bench *bench, RowStore *store)
{
    Memtable *memtable = create(bench, store);
    put_all(bench, memtable);
    return memtable;
}

static void bench_get(Bench *bench, const Memtable *memtable, bool hit)
{
    double times[RUNS];
    for (int run = 0; run < RUNS; run++) {
        size_t found = 0;
        int64_t start = env_monotonic_ns(bench->env);
        for (size_t i = 0; i < bench->rows; i++) {
            uint8_t key[KEY_BYTES];
            memcpy(key, bench->asked[i], KEY_BYTES);
            key[KEY_BYTES - 1] = hit ? 0 : 1;
            const RecordHeader *record =
                memtable_get(memtable, slice_of(key, sizeof key), UINT64_MAX);
            found += record != NULL && record_row(record).data[0] == 'r';
        }
        times[run] = seconds_since(bench, start) * 1e9 / (double)bench->rows;
        if (found != (hit ? bench->rows : 0))
            exit(2);
    }
    print_runs(hit ? "get, hit" : "get, miss", times, "ns");
}

static void bench_scan_blocks(Bench *bench, const Memtable *memtable)
{
    double times[RUNS];
    for (int run = 0; run < RUNS; run++) {
        Error error;
        Arena arena;
        RowBlockView *views;
        size_t count;
        size_t visible = 0;
        arena_open(&arena, 0);
        int64_t start = env_monotonic_ns(bench->env);
        must(memtable_blocks(memtable, &arena, &views, &count, &error), &error);
        for (size_t i = 0; i < count; i++) {
            for (size_t at = 0; at < views[i].published;) {
                const RecordHeader *record = (const void *)(views[i].block.data + at);
                visible += record_is_visible(record, bench->rows / 2);
                at += record_whole_size(record);
            }
        }
        times[run] = (double)bench->rows / seconds_since(bench, start) / 1e6;
        arena_close(&arena);
        if (visible != bench->rows / 2)
            exit(3);
    }
    print_runs("scan of blocks", times, "M rows/s");
}

static void bench_iterate(Bench *bench, const Memtable *memtable, bool backward)
{
    double times[RUNS];
    for (int run = 0; run < RUNS; run++) {
        size_t found = 0;
        MemtableIterator iterator;
        int64_t start = env_monotonic_ns(bench->env);
        memtable_iterate(memtable, UINT64_MAX, SLICE_EMPTY, SLICE_EMPTY, backward, &iterator);
        for (const RecordHeader *record; (record = memtable_next(&iterator)) != NULL;)
            found += record->kind == RECORD_PUT;
        times[run] = (double)bench->rows / seconds_since(bench, start) / 1e6;
        if (found != bench->rows)
            exit(4);
    }
    print_runs(backward ? "iterator, backward" : "iterator, forward", times, "M rows/s");
}

/* ---- a writer beside a reader ---- */

typedef struct Reader {
    const Memtable *memtable;
    const uint8_t (*keys)[KEY_BYTES];
    size_t rows;
    _Atomic bool is_done;
    uint64_t gets;
} Reader;

static void run_reader(void *argument)
{
    Reader *reader = argument;
    while (!atomic_load_explicit(&reader->is_done, memory_order_relaxed)) {
        Slice key = slice_of(reader->keys[reader->gets % reader->rows], KEY_BYTES);
        (void)memtable_get(reader->memtable, key, UINT64_MAX);
        reader->gets++;
    }
}

static void bench_beside_reader(Bench *bench, RowStore *store)
{
    double inserts[RUNS];
    double gets[RUNS];
    for (int run = 0; run < RUNS; run++) {
        Error error;
        Thread *thread;
        Reader reader = {.keys = (const void *)bench->asked, .rows = bench->rows};
        Memtable *memtable = create(bench, store);
        reader.memtable = memtable;
        must(thread_start(bench->env, "reader", THREAD_STACK_BYTES_DEFAULT, run_reader, &reader,
                          &thread, &error),
             &error);
        int64_t start = env_monotonic_ns(bench->env);
        put_all(bench, memtable);
        double seconds = seconds_since(bench, start);
        atomic_store(&reader.is_done, true);
        thread_join(thread);
        inserts[run] = (double)bench->rows / seconds / 1e6;
        gets[run] = (double)reader.gets / seconds / 1e6;
        memtable_release(memtable);
    }
    print_runs("insert beside a reader", inserts, "M rows/s");
    print_runs("  and its gets", gets, "M/s");
}

/* ---- one order of keys ---- */

enum { REGION_BLOCKS = ROW_REGION_BYTES / ROW_BLOCK_BYTES_MAX, HELD_MAX = 1024 };

typedef struct WarmStore {
    RowStore *store;
    RowBlock held[HELD_MAX]; /* one of each region, so that it stays open */
    size_t held_count;
} WarmStore;

/* A store with room for the rows in pages that were touched before. */
static void warm_open(Bench *bench, WarmStore *warm)
{
    Error error;
    uint64_t record = record_size(KEY_BYTES, ROW_BYTES);
    uint64_t room = ROW_REGION_BYTES - ROW_BLOCK_BYTES_MAX;
    size_t regions = (size_t)(bench->rows * record / room) + 2;
    must(row_store_open(bench->env, UINT64_MAX, &warm->store, &error), &error);
    RowBlock *blocks = memory_allocate(regions * REGION_BLOCKS * sizeof *blocks);
    if (blocks == NULL || regions > HELD_MAX)
        exit(5);
    for (size_t i = 0; i < regions * REGION_BLOCKS; i++) {
        must(row_store_take(warm->store, ROW_BLOCK_BYTES_MAX, &blocks[i], &error), &error);
        memset(blocks[i].data, 0, blocks[i].size);
    }
    warm->held_count = 0;
    for (size_t i = 0; i < regions * REGION_BLOCKS; i++) {
        if (i % REGION_BLOCKS == 0)
            warm->held[warm->held_count++] = blocks[i];
        else
            row_store_give_back(warm->store, &blocks[i]);
    }
    memory_free(blocks);
}

static void warm_close(WarmStore *warm)
{
    for (size_t i = 0; i < warm->held_count; i++)
        row_store_give_back(warm->store, &warm->held[i]);
    row_store_close(warm->store);
}

static double bench_insert(Bench *bench, RowStore *store, Memtable **out)
{
    int64_t start = env_monotonic_ns(bench->env);
    *out = fill(bench, store);
    return (double)bench->rows / seconds_since(bench, start) / 1e6;
}

static void bench_inserts_into_new_pages(Bench *bench)
{
    double times[RUNS];
    for (int run = 0; run < RUNS; run++) {
        Error error;
        RowStore *store;
        Memtable *memtable;
        must(row_store_open(bench->env, UINT64_MAX, &store, &error), &error);
        times[run] = bench_insert(bench, store, &memtable);
        memtable_release(memtable);
        row_store_close(store);
    }
    print_runs("insert, new pages", times, "M rows/s");
}

static Memtable *bench_inserts_into_warm_pages(Bench *bench, RowStore *store)
{
    double times[RUNS];
    Memtable *memtable = NULL;
    for (int run = 0; run < RUNS; run++) {
        if (memtable != NULL)
            memtable_release(memtable);
        times[run] = bench_insert(bench, store, &memtable);
    }
    print_runs("insert, warm pages", times, "M rows/s");
    return memtable;
}

static void print_memory(const Bench *bench, const Memtable *memtable)
{
    MemtableUsage usage;
    double rows = (double)bench->rows;
    memtable_usage(memtable, &usage);
    printf("  %-22s %7.1f bytes a row (blocks %.1f, index %.1f)\n", "memory",
           (double)memtable_bytes(memtable) / rows, (double)usage.row_bytes / rows,
           (double)usage.index_bytes / rows);
}

static void bench_order(Bench *bench, bool in_order)
{
    WarmStore warm;
    make_keys(bench, in_order);
    printf("%s keys\n", in_order ? "ordered" : "random");
    bench_inserts_into_new_pages(bench);
    warm_open(bench, &warm);
    Memtable *memtable = bench_inserts_into_warm_pages(bench, warm.store);
    print_memory(bench, memtable);
    bench_get(bench, memtable, true);
    bench_get(bench, memtable, false);
    bench_scan_blocks(bench, memtable);
    bench_iterate(bench, memtable, false);
    bench_iterate(bench, memtable, true);
    memtable_release(memtable);
    bench_beside_reader(bench, warm.store);
    warm_close(&warm);
}

static Schema *make_schema(void)
{
    Error error;
    Schema *schema;
    Column columns[] = {
        {.name = SLICE("k"),
         .type = TYPE(BIGINT),
         .field_id = 1,
         .not_null = true,
         .initial_default = value_null(TYPE_BIGINT)},
        {.name = SLICE("v"),
         .type = TYPE(TEXT),
         .field_id = 2,
         .key_position = -1,
         .initial_default = value_null(TYPE_TEXT)},
    };
    must(schema_create(1, 1, TABLE_USER, columns, 2, 3, &schema, &error), &error);
    return schema;
}

int main(int count, char **arguments)
{
    Bench bench = {.env = env_real(), .random = 1};
    bench.rows = count > 1 ? strtoull(arguments[1], NULL, 10) : 1000000;
    if (count > 2)
        bench.random = strtoull(arguments[2], NULL, 10);
    if (bench.rows < 1 || bench.rows > UINT32_MAX)
        return 1;
    bench.schema = make_schema();
    bench.keys = memory_allocate_zeroed(bench.rows, sizeof *bench.keys);
    bench.asked = memory_allocate_zeroed(bench.rows, sizeof *bench.asked);
    if (bench.keys == NULL || bench.asked == NULL)
        return 1;
    bench_order(&bench, true);
    bench_order(&bench, false);
    memory_free(bench.keys);
    memory_free(bench.asked);
    schema_release(bench.schema);
    return 0;
}
