#include "cold/key_index.h"

#include "base/hash.h"
#include "cold/key_index_int.h"
#include "tests/unit/cold/test.h"

typedef struct Fixture {
    Folder folder;
    FileCache *cache;
    Path path;
    KeyIndexEntry *entries; /* sorted by key_index_write */
    size_t count;
} Fixture;

static const KeyIndexFile two_files[] = {
    {0, 1000, {(const uint8_t *)"aa", 2}, {(const uint8_t *)"mm", 2}},
    {3, 70000, {(const uint8_t *)"", 0}, {(const uint8_t *)"zzz", 3}},
};

static void fixture_open(Fixture *fixture, size_t count)
{
    Error error;
    fixture->folder = folder_make();
    fixture->path = folder_path(&fixture->folder, "7.keys");
    fixture->count = count;
    fixture->entries = memory_allocate_zeroed(count + 1, sizeof(KeyIndexEntry));
    assert_non_null(fixture->entries);
    assert_ok(file_cache_open(env_real(), 4, &fixture->cache, &error), &error);
}

static void fixture_close(Fixture *fixture)
{
    file_cache_close(fixture->cache);
    memory_free(fixture->entries);
    folder_remove(&fixture->folder);
}

static KeyIndex *write_and_open(Fixture *fixture)
{
    Error error;
    KeyIndex *index;
    assert_ok(key_index_write(env_real(), fixture->path.text, 7, fixture->entries, fixture->count,
                              two_files, 2, &error),
              &error);
    assert_ok(key_index_open(env_real(), fixture->cache, fixture->path.text, &index, &error),
              &error);
    return index;
}

static void fill_random(Fixture *fixture, Random *random)
{
    for (size_t i = 0; i < fixture->count; i++) {
        uint64_t hash = random_u64(random);
        if (i > 0 && random_chance(random, 1, 50)) /* several keys of one hash */
            hash = fixture->entries[random_below(random, i)].hash;
        bool second = random_chance(random, 1, 2);
        fixture->entries[i] = (KeyIndexEntry){
            hash, second ? 3 : 0, (uint32_t)random_below(random, second ? 70000 : 1000)};
    }
}

static bool same(const KeyIndexEntry *a, const KeyIndexEntry *b)
{
    return a->hash == b->hash && a->file_ordinal == b->file_ordinal && a->position == b->position;
}

/* Every entry is found, with exactly the others of its hash. */
static void expect_all_found(Fixture *fixture, KeyIndex *index)
{
    Error error;
    KeyIndexEntry found[KEY_INDEX_CANDIDATES_MAX];
    size_t count;
    for (size_t i = 0; i < fixture->count;) {
        size_t end = i;
        while (end < fixture->count && fixture->entries[end].hash == fixture->entries[i].hash)
            end++;
        assert_true(key_index_may_have(index, fixture->entries[i].hash));
        assert_ok(key_index_find(index, fixture->entries[i].hash, found, &count, &error), &error);
        assert_int_equal(count, end - i);
        for (size_t k = 0; k < count; k++)
            assert_true(same(&found[k], &fixture->entries[i + k]));
        i = end;
    }
}

static void expect_all_read(Fixture *fixture, KeyIndex *index)
{
    Error error;
    KeyIndexReader reader;
    KeyIndexEntry entry;
    bool has;
    assert_ok(key_index_reader_open(index, &reader, &error), &error);
    for (size_t i = 0; i < fixture->count; i++) {
        assert_ok(key_index_reader_next(&reader, &entry, &has, &error), &error);
        assert_true(has);
        assert_true(same(&entry, &fixture->entries[i]));
    }
    for (int i = 0; i < 2; i++) {
        assert_ok(key_index_reader_next(&reader, &entry, &has, &error), &error);
        assert_false(has);
    }
    key_index_reader_close(&reader);
}

static void expect_sorted(const Fixture *fixture)
{
    for (size_t i = 1; i < fixture->count; i++)
        assert_true(fixture->entries[i - 1].hash <= fixture->entries[i].hash);
}

static void finds_what_was_written(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 100, 511, 3000, 40000};
    Random random = random_of(test_seed());
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        Fixture fixture;
        fixture_open(&fixture, counts[i]);
        fill_random(&fixture, &random);
        KeyIndex *index = write_and_open(&fixture);
        assert_int_equal(key_index_count(index), counts[i]);
        assert_int_equal(key_index_file_sequence(index), 7);
        expect_sorted(&fixture);
        expect_all_found(&fixture, index);
        expect_all_read(&fixture, index);
        key_index_release(index);
        fixture_close(&fixture);
    }
}

static void absent_keys_are_not_found(void **state)
{
    (void)state;
    enum { COUNT = 50000, ASKED = 200000 };
    Error error;
    Fixture fixture;
    KeyIndexEntry found[KEY_INDEX_CANDIDATES_MAX];
    size_t count;
    size_t passed = 0;
    Random random = random_of(test_seed());
    fixture_open(&fixture, COUNT);
    fill_random(&fixture, &random);
    KeyIndex *index = write_and_open(&fixture);
    for (int i = 0; i < ASKED; i++) {
        uint64_t hash = random_u64(&random); /* 2^-48 that one of them is there */
        passed += key_index_may_have(index, hash);
        assert_ok(key_index_find(index, hash, found, &count, &error), &error);
        assert_int_equal(count, 0);
    }
    assert_true(passed > 0 && passed < ASKED * 15 / 1000);
    key_index_release(index);
    fixture_close(&fixture);
}

static void files_come_back(void **state)
{
    (void)state;
    Fixture fixture;
    const KeyIndexFile *files;
    fixture_open(&fixture, 1);
    KeyIndex *index = write_and_open(&fixture);
    assert_int_equal(key_index_files(index, &files), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(files[i].ordinal, two_files[i].ordinal);
        assert_int_equal(files[i].row_count, two_files[i].row_count);
        assert_true(slice_equal(files[i].key_min, two_files[i].key_min));
        assert_true(slice_equal(files[i].key_max, two_files[i].key_max));
    }
    KeyIndex *again = key_index_clone(index);
    key_index_release(index);
    assert_int_equal(key_index_files(again, &files), 2);
    key_index_release(again);
    key_index_release(NULL);
    fixture_close(&fixture);
}

static void is_small(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    Error error;
    Fixture fixture;
    FileInformation information;
    Random random = random_of(test_seed());
    fixture_open(&fixture, COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        fixture.entries[i] = (KeyIndexEntry){random_u64(&random), 0, i};
    KeyIndex *index = write_and_open(&fixture);
    assert_ok(env_stat(env_real(), fixture.path.text, &information, &error), &error);
    print_message("%.2f bytes a key on disk, %.2f in memory\n", (double)information.size / COUNT,
                  (double)key_index_memory(index) / COUNT);
    assert_true(information.size < COUNT * 10);
    assert_true(key_index_memory(index) < COUNT * 14 / 10);
    key_index_release(index);
    fixture_close(&fixture);
}

/* Hashes that are not uniform at all: the sort, the blocks and the search must still be right. */
static void any_hashes_work(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_open(&fixture, 9000);
    for (size_t i = 0; i < 9000; i++) {
        uint64_t hash = i < 3000 ? i / 40 : i < 6000 ? UINT64_MAX - i / 60 : 1ull << (i % 64);
        fixture.entries[8999 - i] = (KeyIndexEntry){hash, i % 2 == 0 ? 3 : 0, (uint32_t)(i % 997)};
    }
    for (size_t i = 6000; i < 9000; i++) /* at most 64 of a hash */
        fixture.entries[8999 - i].hash += i;
    KeyIndex *index = write_and_open(&fixture);
    expect_sorted(&fixture);
    expect_all_found(&fixture, index);
    expect_all_read(&fixture, index);
    key_index_release(index);
    fixture_close(&fixture);
}

static void too_many_keys_of_one_hash_are_an_error(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    KeyIndexEntry found[KEY_INDEX_CANDIDATES_MAX];
    size_t count;
    fixture_open(&fixture, KEY_INDEX_CANDIDATES_MAX + 3000);
    for (size_t i = 0; i < fixture.count; i++)
        fixture.entries[i] = (KeyIndexEntry){i < 65 ? 5 : 1000 + i, 0, (uint32_t)i};
    KeyIndex *index = write_and_open(&fixture);
    assert_status(STATUS_DATA_CORRUPTED, key_index_find(index, 5, found, &count, &error));
    assert_ok(key_index_find(index, 2000, found, &count, &error), &error);
    assert_int_equal(count, 1);
    expect_all_read(&fixture, index);
    key_index_release(index);
    fixture_close(&fixture);
}

static void a_file_that_exists_is_not_overwritten(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    fixture_open(&fixture, 1);
    write_file(fixture.path.text, SLICE("precious"));
    assert_status(STATUS_FILE_EXISTS, key_index_write(env_real(), fixture.path.text, 7,
                                                      fixture.entries, 1, two_files, 2, &error));
    fixture_close(&fixture);
}

/* ---- damage ---- */

/* Opens and asks everything: OK only where every answer is right. */
static Status open_and_ask_all(Fixture *fixture, Error *error)
{
    KeyIndex *index;
    KeyIndexReader reader;
    KeyIndexEntry entry;
    KeyIndexEntry found[KEY_INDEX_CANDIDATES_MAX];
    size_t count;
    bool has = true;
    TRY(key_index_open(env_real(), fixture->cache, fixture->path.text, &index, error));
    Status status = OK;
    for (size_t i = 0; status == OK && i < fixture->count; i++) {
        status = key_index_find(index, fixture->entries[i].hash, found, &count, error);
        assert_true(status != OK || (count == 1 && same(&found[0], &fixture->entries[i])));
    }
    assert_ok(key_index_reader_open(index, &reader, error), error);
    for (size_t i = 0; status == OK && has; i++) {
        status = key_index_reader_next(&reader, &entry, &has, error);
        assert_true(status != OK || !has || same(&entry, &fixture->entries[i]));
    }
    key_index_reader_close(&reader);
    key_index_release(index);
    return status;
}

static void damage_fixture_open(Fixture *fixture, Buffer *bytes)
{
    Random random = random_of(17);
    fixture_open(fixture, 600);
    for (uint32_t i = 0; i < 600; i++)
        fixture->entries[i] = (KeyIndexEntry){random_u64(&random), i % 2 == 0 ? 3 : 0, i};
    key_index_release(write_and_open(fixture));
    read_file(fixture->path.text, bytes);
}

static void every_flipped_byte_is_noticed(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Buffer bytes;
    damage_fixture_open(&fixture, &bytes);
    assert_ok(open_and_ask_all(&fixture, &error), &error);
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t flip = (uint8_t)(1u << (i % 8));
        bytes.data[i] ^= flip;
        file_cache_forget(fixture.cache, fixture.path.text);
        write_file(fixture.path.text, buffer_slice(&bytes));
        Status status = open_and_ask_all(&fixture, &error);
        if (status != STATUS_DATA_CORRUPTED)
            fail_msg("byte %zu: %s", i, status_name(status));
        bytes.data[i] ^= flip;
    }
    buffer_close(&bytes);
    fixture_close(&fixture);
}

static void every_cut_is_noticed(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Buffer bytes;
    damage_fixture_open(&fixture, &bytes);
    for (size_t size = 0; size < bytes.size; size += 37) {
        file_cache_forget(fixture.cache, fixture.path.text);
        write_file(fixture.path.text, slice_of(bytes.data, size));
        assert_status(STATUS_DATA_CORRUPTED, open_and_ask_all(&fixture, &error));
    }
    buffer_put_u8(&bytes, 0);
    write_file(fixture.path.text, buffer_slice(&bytes));
    file_cache_forget(fixture.cache, fixture.path.text);
    assert_status(STATUS_DATA_CORRUPTED, open_and_ask_all(&fixture, &error));
    buffer_close(&bytes);
    fixture_close(&fixture);
}

static void put_header_crc(Buffer *bytes)
{
    buffer_set_u32(bytes, KEY_INDEX_BLOCK_BYTES - 4,
                   crc32c(0, slice_of(bytes->data, KEY_INDEX_BLOCK_BYTES - 4)));
}

static void a_newer_version_is_refused(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Buffer bytes;
    damage_fixture_open(&fixture, &bytes);
    buffer_set_u32(&bytes, 8, KEY_INDEX_VERSION + 1);
    put_header_crc(&bytes);
    write_file(fixture.path.text, buffer_slice(&bytes));
    assert_status(STATUS_VERSION_NOT_SUPPORTED, open_and_ask_all(&fixture, &error));
    buffer_close(&bytes);
    fixture_close(&fixture);
}

/* Headers with a right checksum and wrong numbers must be refused before they are believed. */
static void lying_headers_are_refused(void **state)
{
    (void)state;
    static const size_t fields[] = {12, 24, 32, 40, 48};
    static const uint64_t lies[] = {0, 1, 1u << 20, UINT32_MAX, 1ull << 52, UINT64_MAX};
    Error error;
    Fixture fixture;
    Buffer bytes;
    damage_fixture_open(&fixture, &bytes);
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        for (size_t l = 0; l < sizeof lies / sizeof lies[0]; l++) {
            uint8_t kept[8];
            memcpy(kept, bytes.data + fields[f], 8);
            if (f == 0)
                buffer_set_u32(&bytes, fields[f], (uint32_t)lies[l]);
            else
                buffer_set_u64(&bytes, fields[f], lies[l]);
            put_header_crc(&bytes);
            file_cache_forget(fixture.cache, fixture.path.text);
            write_file(fixture.path.text, buffer_slice(&bytes));
            assert_status(STATUS_DATA_CORRUPTED, open_and_ask_all(&fixture, &error));
            memcpy(bytes.data + fields[f], kept, 8);
        }
    }
    buffer_close(&bytes);
    fixture_close(&fixture);
}

/* Blocks with a right checksum and wrong contents: any answer but none out of bounds. */
static void lying_blocks_do_no_harm(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    KeyIndexEntry entries[300];
    KeyIndexEntry found[KEY_INDEX_CANDIDATES_MAX];
    KeyIndexEntry *decoded = memory_allocate(KEY_INDEX_BLOCK_ENTRIES_MAX * sizeof *decoded);
    KeyBlockLayout layout = {2, 17};
    uint8_t block[KEY_INDEX_BLOCK_BYTES];
    assert_non_null(decoded);
    for (uint32_t i = 0; i < 300; i++)
        entries[i] = (KeyIndexEntry){(uint64_t)i << 50 | (random_u64(&random) >> 20), i % 4, i};
    for (int round = 0; round < 20000; round++) {
        KeyBlock opened;
        size_t count = 0;
        key_block_encode(layout, entries, 300, block);
        for (int i = 0; i < 3; i++)
            block[4 + random_below(&random, random_chance(&random, 1, 2) ? 20 : 4092)] =
                (uint8_t)random_u64(&random);
        Slice checked = slice_of(block + 4, sizeof block - 4);
        uint32_t crc = crc32c(0, checked);
        memcpy(block, &crc, sizeof crc);
        if (!key_block_open(layout, block, &opened))
            continue;
        (void)key_block_decode(&opened, decoded);
        (void)key_block_find(&opened, random_u64(&random) >> random_below(&random, 60), found,
                             &count);
        assert_true(count <= KEY_INDEX_CANDIDATES_MAX);
    }
    memory_free(decoded);
}

/* ---- memory ---- */

static Status write_open_ask(Fixture *fixture, Error *error)
{
    Error ignored;
    KeyIndex *index;
    KeyIndexReader reader;
    Status removed = env_remove(env_real(), fixture->path.text, &ignored);
    (void)removed;
    file_cache_forget(fixture->cache, fixture->path.text);
    TRY(key_index_write(env_real(), fixture->path.text, 7, fixture->entries, fixture->count,
                        two_files, 2, error));
    TRY(key_index_open(env_real(), fixture->cache, fixture->path.text, &index, error));
    Status status = key_index_reader_open(index, &reader, error);
    if (status == OK)
        key_index_reader_close(&reader);
    key_index_release(index);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    Error error;
    Fixture fixture;
    Random random = random_of(3);
    fixture_open(&fixture, 2000);
    fill_random(&fixture, &random);
    FAIL_EVERY_ALLOCATION(write_open_ask(&fixture, &error), &error);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_written),
        cmocka_unit_test(absent_keys_are_not_found),
        cmocka_unit_test(files_come_back),
        cmocka_unit_test(is_small),
        cmocka_unit_test(any_hashes_work),
        cmocka_unit_test(too_many_keys_of_one_hash_are_an_error),
        cmocka_unit_test(a_file_that_exists_is_not_overwritten),
        cmocka_unit_test(every_flipped_byte_is_noticed),
        cmocka_unit_test(every_cut_is_noticed),
        cmocka_unit_test(a_newer_version_is_refused),
        cmocka_unit_test(lying_headers_are_refused),
        cmocka_unit_test(lying_blocks_do_no_harm),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
