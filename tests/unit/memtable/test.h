/* What the tests of the memtable share: a schema, a memtable in a store of its own, keys of all
 * shapes, and an oracle that remembers every version in the plainest way. */
#ifndef FIRN_TESTS_UNIT_MEMTABLE_TEST_H
#define FIRN_TESTS_UNIT_MEMTABLE_TEST_H

#include "base/memory.h"
#include "base/random.h"
#include "memtable/memtable.h"
#include "tests/unit/base/test.h"

/* Runs `call`, which returns a Status, with its n-th allocation failing, for every n, until it
 * succeeds; `check` after each failure. */
#define FAIL_EVERY_ALLOCATION(call, error, check) FAIL_FROM_EVERY(call, error, 1, check)

/* The same with `repeat` allocations from the n-th on failing; -1: all of them. */
#define FAIL_FROM_EVERY(call, error, repeat, check)                                  \
    do {                                                                             \
        Status fail_status_ = STATUS_OUT_OF_MEMORY;                                  \
        for (int64_t fail_n_ = 1; fail_status_ == STATUS_OUT_OF_MEMORY; fail_n_++) { \
            memory_fail_at(fail_n_, repeat);                                         \
            fail_status_ = (call);                                                   \
            memory_fail_at(0, 0);                                                    \
            if (fail_status_ != OK)                                                  \
                check;                                                               \
        }                                                                            \
        if (fail_status_ != OK)                                                      \
            fail_msg("%s: %s [%s]", #call, (error)->message, (error)->internal);     \
    } while (0)

static inline Schema *test_schema(void)
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
    assert_ok(schema_create(1, 1, TABLE_USER, columns, 2, 3, &schema, &error), &error);
    return schema;
}

typedef struct Fixture {
    RowStore *store;
    Memtable *memtable;
    uint64_t seq; /* the last one given */
} Fixture;

static inline void fixture_open(Fixture *fixture)
{
    Error error;
    Schema *schema = test_schema();
    *fixture = (Fixture){0};
    assert_ok(row_store_open(env_real(), UINT64_MAX, &fixture->store, &error), &error);
    assert_ok(memtable_create(env_real(), fixture->store, 1, schema, &fixture->memtable, &error),
              &error);
    schema_release(schema);
}

static inline void fixture_close(Fixture *fixture)
{
    memtable_release(fixture->memtable);
    assert_int_equal(row_store_bytes_taken(fixture->store), 0);
    row_store_close(fixture->store);
}

static inline RecordHeader *put_reserved(Fixture *fixture, uint8_t kind, Slice key, Slice row)
{
    fixture->seq++;
    RecordHeader header = {
        .seq = fixture->seq, .updated_us = (int64_t)fixture->seq * 10, .owner = 7, .kind = kind};
    return memtable_put(fixture->memtable, &header, key, row);
}

static inline RecordHeader *put(Fixture *fixture, uint8_t kind, Slice key, Slice row)
{
    Error error;
    size_t size = record_size(key.size, row.size);
    assert_ok(memtable_reserve(fixture->memtable, 1, size, size, &error), &error);
    return put_reserved(fixture, kind, key, row);
}

/* ---- keys ---- */

typedef enum KeyShape {
    KEYS_RANDOM,    /* 16 bytes */
    KEYS_ASCENDING, /* owner, tag, a number that grows */
    KEYS_DESCENDING,
    KEYS_FEW,    /* numbers out of a few */
    KEYS_USERS,  /* numbers that grow, of many owners in turn */
    KEYS_LONG,   /* 70 bytes in common, then a number */
    KEYS_NESTED, /* texts of zeros and ones: one is often the beginning of another */
    KEYS_HUGE,   /* up to KEY_BYTES_MAX, differing late */
    KEYS_MIXED,  /* each of the above in turn */
    KEY_SHAPE_COUNT
} KeyShape;

typedef struct KeyMaker {
    KeyShape shape;
    Random random;
    uint64_t made;
    uint8_t bytes[KEY_BYTES_MAX];
} KeyMaker;

static inline size_t put_number(uint8_t *at, uint64_t number)
{
    number = __builtin_bswap64(number);
    memcpy(at, &number, sizeof number);
    return sizeof number;
}

static inline size_t key_of_owner(uint8_t *bytes, uint32_t owner, uint64_t number)
{
    owner = __builtin_bswap32(owner);
    memcpy(bytes, &owner, sizeof owner);
    bytes[4] = 2;
    return 5 + put_number(bytes + 5, number ^ (uint64_t)1 << 63);
}

static inline size_t key_nested(KeyMaker *maker)
{
    size_t size = 1 + random_below(&maker->random, 12);
    for (size_t i = 0; i < size; i++)
        maker->bytes[i] = (uint8_t)random_below(&maker->random, 2);
    return size;
}

static inline size_t key_long(KeyMaker *maker)
{
    memset(maker->bytes, 'l', 70);
    return 70 + put_number(maker->bytes + 70, random_below(&maker->random, 5000));
}

static inline size_t key_huge(KeyMaker *maker)
{
    size_t size = KEY_BYTES_MAX - random_below(&maker->random, 4);
    memset(maker->bytes, 'h', size);
    maker->bytes[size - 1 - random_below(&maker->random, 40)] = (uint8_t)maker->made;
    return size;
}

/* The next key; the bytes are the maker's until the next call. */
static inline Slice make_key(KeyMaker *maker)
{
    uint8_t *bytes = maker->bytes;
    uint64_t n = maker->made++;
    KeyShape shape = maker->shape == KEYS_MIXED ? (KeyShape)(n % KEYS_HUGE) : maker->shape;
    size_t size = 16;
    if (shape == KEYS_RANDOM)
        random_bytes(&maker->random, bytes, size);
    else if (shape == KEYS_ASCENDING)
        size = key_of_owner(bytes, 7, n);
    else if (shape == KEYS_DESCENDING)
        size = key_of_owner(bytes, 7, 1000000000 - n);
    else if (shape == KEYS_FEW)
        size = key_of_owner(bytes, 7, random_below(&maker->random, 50));
    else if (shape == KEYS_USERS)
        size = key_of_owner(bytes, (uint32_t)random_below(&maker->random, 9), n);
    else if (shape == KEYS_LONG)
        size = key_long(maker);
    else if (shape == KEYS_NESTED)
        size = key_nested(maker);
    else
        size = key_huge(maker);
    return slice_of(bytes, size);
}

/* ---- the oracle ---- */

typedef struct OracleVersion {
    uint64_t seq;
    uint8_t kind;
    uint32_t row_size; /* rows are `row_size` times the low byte of seq */
} OracleVersion;

typedef struct OracleKey {
    Slice key; /* its own copy */
    OracleVersion *versions;
    size_t count;
} OracleKey;

typedef struct Oracle {
    OracleKey *keys; /* sorted */
    size_t count;
    size_t versions;
} Oracle;

/* The first key not below `key`. */
static inline size_t oracle_find(const Oracle *oracle, Slice key)
{
    size_t low = 0;
    size_t high = oracle->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (slice_compare(oracle->keys[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline void oracle_add(Oracle *oracle, Slice key, OracleVersion version)
{
    size_t at = oracle_find(oracle, key);
    if (at == oracle->count || !slice_equal(oracle->keys[at].key, key)) {
        oracle->keys = realloc(oracle->keys, (oracle->count + 1) * sizeof(OracleKey));
        assert_non_null(oracle->keys);
        memmove(oracle->keys + at + 1, oracle->keys + at, (oracle->count - at) * sizeof(OracleKey));
        uint8_t *copy = malloc(key.size);
        assert_non_null(copy);
        memcpy(copy, key.data, key.size);
        oracle->keys[at] = (OracleKey){.key = slice_of(copy, key.size)};
        oracle->count++;
    }
    OracleKey *entry = &oracle->keys[at];
    entry->versions = realloc(entry->versions, (entry->count + 1) * sizeof(OracleVersion));
    assert_non_null(entry->versions);
    entry->versions[entry->count++] = version;
    oracle->versions++;
}

/* The newest version at `seq`, or NULL. */
static inline const OracleVersion *oracle_version(const OracleKey *key, uint64_t seq)
{
    const OracleVersion *found = NULL;
    for (size_t i = 0; i < key->count && key->versions[i].seq <= seq; i++)
        found = &key->versions[i];
    return found;
}

static inline const OracleVersion *oracle_get(const Oracle *oracle, Slice key, uint64_t seq)
{
    size_t at = oracle_find(oracle, key);
    if (at == oracle->count || !slice_equal(oracle->keys[at].key, key))
        return NULL;
    return oracle_version(&oracle->keys[at], seq);
}

static inline void oracle_close(Oracle *oracle)
{
    for (size_t i = 0; i < oracle->count; i++) {
        free((void *)(uintptr_t)oracle->keys[i].key.data);
        free(oracle->keys[i].versions);
    }
    free(oracle->keys);
}

/* Is the record the oracle's version, in every byte? */
static inline void assert_record(const RecordHeader *record, Slice key,
                                 const OracleVersion *version)
{
    if (version == NULL) {
        assert_null(record);
        return;
    }
    assert_non_null(record);
    assert_int_equal(record->seq, version->seq);
    assert_int_equal(record->kind, version->kind);
    assert_int_equal(record->updated_us, version->seq * 10);
    assert_int_equal(record->owner, 7);
    assert_int_equal(record->row_size, version->row_size);
    assert_true(slice_equal(record_key(record), key));
    Slice row = record_row(record);
    for (size_t i = 0; i < row.size; i++)
        assert_int_equal(row.data[i], (uint8_t)version->seq);
}

#endif
