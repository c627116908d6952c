/* Key index files of any bytes: opened, asked, read through. The checksums are put right first, or
 * nothing behind them would ever be reached; what they protect must hold without them too. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hash.h"
#include "cold/key_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BLOCK = 4096, BYTES_MAX = 64 << 10 };

static uint64_t load(const uint8_t *at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, at, size);
    return le64toh(value);
}

static void store_crc(uint8_t *at, Slice of)
{
    uint32_t crc = htole32(crc32c(0, of));
    memcpy(at, &crc, sizeof crc);
}

static void put_checksums_right(uint8_t *file, size_t size)
{
    if (size < BLOCK)
        return;
    uint64_t blocks = load(file + 32, 8);
    for (size_t i = 1; i <= blocks && (i + 1) * BLOCK <= size; i++)
        store_crc(file + i * BLOCK, slice_of(file + i * BLOCK + 4, BLOCK - 4));
    if (blocks < size / BLOCK) {
        size_t meta = (size_t)(blocks + 1) * BLOCK;
        store_crc(file + 60, slice_of(file + meta, size - meta));
    }
    store_crc(file + BLOCK - 4, slice_of(file, BLOCK - 4));
}

static void ask(KeyIndex *index)
{
    Error error;
    KeyIndexEntry found[KEY_INDEX_CANDIDATES_MAX];
    size_t count = 0;
    KeyIndexReader reader;
    KeyIndexEntry entry;
    bool has = true;
    const KeyIndexFile *files;
    for (size_t i = key_index_files(index, &files); i > 0; i--)
        (void)hash_64(files[i - 1].key_min);
    ASSERT(key_index_reader_open(index, &reader, &error) == OK);
    while (has && key_index_reader_next(&reader, &entry, &has, &error) == OK && has) {
        (void)key_index_may_have(index, entry.hash);
        if (key_index_find(index, entry.hash, found, &count, &error) == OK)
            ASSERT(count <= KEY_INDEX_CANDIDATES_MAX);
    }
    key_index_reader_close(&reader);
    for (uint64_t hash = 1; hash != 0; hash <<= 1)
        (void)!key_index_find(index, hash - 1, found, &count, &error);
}

static const char *file_path(void)
{
    static char path[] = "/tmp/firn-key-index-fuzz-XXXXXX";
    static bool made;
    if (!made) {
        int descriptor = mkstemp(path);
        ASSERT(descriptor >= 0);
        (void)close(descriptor);
        made = true;
    }
    return path;
}

static void write_file(const char *path, Slice bytes)
{
    FILE *file = fopen(path, "wb");
    ASSERT(file != NULL);
    ASSERT(bytes.size == 0 || fwrite(bytes.data, bytes.size, 1, file) == 1);
    ASSERT(fclose(file) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[BYTES_MAX];
    Error error;
    FileCache *cache;
    KeyIndex *index;
    if (size == 0 || size > BYTES_MAX)
        return 0;
    memcpy(bytes, data, size);
    put_checksums_right(bytes, size);
    write_file(file_path(), slice_of(bytes, size));
    ASSERT(file_cache_open(env_real(), 2, &cache, &error) == OK);
    if (key_index_open(env_real(), cache, file_path(), &index, &error) == OK) {
        ask(index);
        key_index_release(index);
    }
    file_cache_close(cache);
    return 0;
}
