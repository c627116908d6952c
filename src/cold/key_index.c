/* An open key index: header, samples, filter and file table in memory, blocks on disk.
 *
 * The file:
 *     0     header block, 4096 bytes:
 *         0   8  "FIRNKEYS"
 *         8   4  version, 1
 *         12  4  rows of the file table
 *         16  8  file sequence
 *         24  8  entries
 *         32  8  blocks
 *         40  8  bytes of samples, filter and file table together
 *         48  8  lines of the filter
 *         56  1  bits of a file's ordinal
 *         57  1  bits of a position
 *         58  2  zero
 *         60  4  CRC32C of samples, filter and file table
 *         64     zeros
 *         4092 4 CRC32C of bytes 0–4091
 *     4096  blocks of 4096 bytes (key_index_block.c), sorted by hash
 *     ..    samples: the first hash of each block, 8 bytes
 *     ..    filter: lines of 64 bytes (key_index_filter.c)
 *     ..    file table: for each file, by ordinal: ordinal and rows as varints, key_min and key_max
 *           each as varint length and bytes
 * Nothing follows. Every byte lies under one of the checksums. Integers are little-endian.
 *
 * What stays in memory is about 1.27 bytes a key: the filter, and 8 bytes for each block. */
#include <endian.h>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "cold/key_index_int.h"
#include "types/key.h"

enum {
    READ_STEP_BYTES = 1 << 20,
    KEY_INDEX_FILES_MAX = 1 << 24, /* as many as ordinals there are */
};

Status key_index_damaged(const KeyIndex *index, const char *what, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "a key index is damaged");
    return error_wrap(error, "%s: %s", index->path, what);
}

/* All of [offset, offset + size), or DATA_CORRUPTED. */
static Status read_fully(KeyIndex *index, uint64_t offset, uint8_t *out, size_t size, Error *error)
{
    for (size_t done = 0; done < size;) {
        size_t step = size - done < READ_STEP_BYTES ? size - done : READ_STEP_BYTES;
        size_t got = 0;
        TRY(file_cache_read(index->cache, index->path, offset + done, out + done, step, &got,
                            error));
        if (got != step)
            return key_index_damaged(index, "it ends too early", error);
        done += step;
    }
    return OK;
}

/* ---- opening ---- */

static Status decode_header(KeyIndex *index, const uint8_t *bytes, Error *error)
{
    Cursor cursor = cursor_of(slice_of(bytes, KEY_INDEX_BLOCK_BYTES));
    KeyIndexHeader *header = &index->header;
    Slice magic = cursor_bytes(&cursor, 8);
    uint32_t version = cursor_u32(&cursor);
    header->file_count = cursor_u32(&cursor);
    header->file_sequence = cursor_u64(&cursor);
    header->entry_count = cursor_u64(&cursor);
    header->block_count = cursor_u64(&cursor);
    header->meta_size = cursor_u64(&cursor);
    header->filter_lines = cursor_u64(&cursor);
    header->ordinal_bits = cursor_u8(&cursor);
    header->position_bits = cursor_u8(&cursor);
    cursor_skip(&cursor, 2);
    header->meta_crc = cursor_u32(&cursor);
    cursor_skip(&cursor, cursor_rest(&cursor) - 4);
    uint32_t crc = cursor_u32(&cursor);
    if (!slice_equal_text(magic, KEY_INDEX_MAGIC))
        return key_index_damaged(index, "it does not begin as one", error);
    if (crc != crc32c(0, slice_of(bytes, KEY_INDEX_BLOCK_BYTES - 4)))
        return key_index_damaged(index, "the header's checksum is wrong", error);
    if (version != KEY_INDEX_VERSION) {
        (void)error_set_format(error, "a key index", version, KEY_INDEX_VERSION);
        return error_wrap(error, "%s", index->path);
    }
    return OK;
}

/* Do the header's numbers agree with each other and with the file's size? After this they may be
 * multiplied, allocated and read by. */
static bool header_is_sound(const KeyIndexHeader *header, uint64_t file_bytes)
{
    if (header->block_count > file_bytes / KEY_INDEX_BLOCK_BYTES ||
        header->meta_size > file_bytes ||
        file_bytes != (header->block_count + 1) * KEY_INDEX_BLOCK_BYTES + header->meta_size)
        return false;
    if (header->entry_count < header->block_count ||
        header->entry_count > header->block_count * KEY_INDEX_BLOCK_ENTRIES_MAX)
        return false;
    if (header->ordinal_bits > 24 || header->position_bits > 32 ||
        header->file_count > KEY_INDEX_FILES_MAX)
        return false;
    return header->filter_lines == key_filter_lines(header->entry_count) &&
           header->filter_lines * KEY_INDEX_FILTER_LINE_BYTES + header->block_count * 8 <=
               header->meta_size;
}

static Status read_header(KeyIndex *index, Error *error)
{
    uint8_t bytes[KEY_INDEX_BLOCK_BYTES];
    FileInformation information;
    TRY(env_stat(index->env, index->path, &information, error));
    if (!information.exists) {
        (void)error_of(error, STATUS_FILE_NOT_FOUND);
        return error_wrap(error, "%s", index->path);
    }
    TRY(read_fully(index, 0, bytes, sizeof bytes, error));
    TRY(decode_header(index, bytes, error));
    if (!header_is_sound(&index->header, information.size))
        return key_index_damaged(index, "the header does not fit the file", error);
    return OK;
}

static bool samples_ascend(const KeyIndex *index)
{
    for (size_t i = 1; i < index->header.block_count; i++) {
        if (key_index_sample(index, i - 1) > key_index_sample(index, i))
            return false;
    }
    return true;
}

static Status read_meta(KeyIndex *index, Error *error)
{
    const KeyIndexHeader *header = &index->header;
    size_t size = (size_t)header->meta_size;
    index->meta = memory_allocate(size == 0 ? 1 : size);
    if (index->meta == NULL)
        return error_out_of_memory(error);
    uint64_t offset = (header->block_count + 1) * KEY_INDEX_BLOCK_BYTES;
    TRY(read_fully(index, offset, index->meta, size, error));
    if (crc32c(0, slice_of(index->meta, size)) != header->meta_crc)
        return key_index_damaged(index, "the checksum of filter and files is wrong", error);
    index->filter = index->meta + header->block_count * 8;
    if (!samples_ascend(index))
        return key_index_damaged(index, "its blocks are not sorted", error);
    return OK;
}

static bool decode_file(Cursor *cursor, KeyIndexFile *out)
{
    uint64_t ordinal = cursor_varint(cursor);
    out->row_count = cursor_varint(cursor);
    out->key_min = cursor_sized(cursor);
    out->key_max = cursor_sized(cursor);
    out->ordinal = (uint32_t)ordinal;
    return !cursor->failed && ordinal < KEY_INDEX_FILES_MAX && out->row_count <= 1ull << 32 &&
           out->key_min.size <= KEY_BYTES_MAX && out->key_max.size <= KEY_BYTES_MAX;
}

static Status decode_files(KeyIndex *index, Error *error)
{
    const KeyIndexHeader *header = &index->header;
    size_t begin =
        (size_t)(header->block_count * 8 + header->filter_lines * KEY_INDEX_FILTER_LINE_BYTES);
    Cursor cursor = cursor_of(slice_of(index->meta + begin, (size_t)header->meta_size - begin));
    if (header->file_count > cursor_rest(&cursor))
        return key_index_damaged(index, "its file table is too short", error);
    if (header->file_count > 0) {
        index->files = memory_allocate_zeroed(header->file_count, sizeof *index->files);
        if (index->files == NULL)
            return error_out_of_memory(error);
    }
    for (uint32_t i = 0; i < header->file_count; i++) {
        if (!decode_file(&cursor, &index->files[i]) ||
            (i > 0 && index->files[i - 1].ordinal >= index->files[i].ordinal))
            return key_index_damaged(index, "its file table is malformed", error);
    }
    if (!cursor_is_done(&cursor))
        return key_index_damaged(index, "something follows its file table", error);
    return OK;
}

static void destroy(KeyIndex *index)
{
    memory_free(index->files);
    memory_free(index->meta);
    memory_free(index->path);
    memory_free(index);
}

Status key_index_open(Env *env, FileCache *cache, const char *path, KeyIndex **out, Error *error)
{
    KeyIndex *index = MEMORY_NEW(KeyIndex);
    if (index == NULL)
        return error_out_of_memory(error);
    Status status = OK;
    atomic_init(&index->references, 1);
    index->env = env;
    index->cache = cache;
    index->path = memory_clone(path, strlen(path) + 1);
    if (index->path == NULL)
        GO(error_out_of_memory(error));
    GO(read_header(index, error));
    GO(read_meta(index, error));
    GO(decode_files(index, error));
    *out = index;
done:
    if (status != OK)
        destroy(index);
    return status;
}

KeyIndex *key_index_clone(KeyIndex *index)
{
    uint32_t before = atomic_fetch_add_explicit(&index->references, 1, memory_order_relaxed);
    ASSERT(before > 0 && before < UINT32_MAX);
    return index;
}

void key_index_release(KeyIndex *index)
{
    if (index == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&index->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    /* Else the cache would keep a removed file open, and its blocks on the disk. */
    file_cache_forget(index->cache, index->path);
    destroy(index);
}

/* ---- what it is ---- */

uint64_t key_index_file_sequence(const KeyIndex *index)
{
    return index->header.file_sequence;
}

size_t key_index_count(const KeyIndex *index)
{
    return (size_t)index->header.entry_count;
}

size_t key_index_files(const KeyIndex *index, const KeyIndexFile **out)
{
    *out = index->files;
    return index->header.file_count;
}

uint64_t key_index_memory(const KeyIndex *index)
{
    return sizeof *index + index->header.meta_size + strlen(index->path) + 1 +
           index->header.file_count * sizeof *index->files;
}

bool key_index_may_have(const KeyIndex *index, uint64_t hash)
{
    return key_filter_may_have(index->filter, index->header.filter_lines, hash);
}

uint64_t key_index_sample(const KeyIndex *index, size_t block)
{
    uint64_t hash;
    ASSERT(block < index->header.block_count);
    memcpy(&hash, index->meta + block * sizeof hash, sizeof hash);
    return le64toh(hash);
}

Status key_index_read_block(KeyIndex *index, size_t block, uint8_t buffer[KEY_INDEX_BLOCK_BYTES],
                            KeyBlock *out, Error *error)
{
    KeyBlockLayout layout = {index->header.ordinal_bits, index->header.position_bits};
    uint64_t offset = (block + 1) * (uint64_t)KEY_INDEX_BLOCK_BYTES;
    TRY(read_fully(index, offset, buffer, KEY_INDEX_BLOCK_BYTES, error));
    if (!key_block_open(layout, buffer, out) || out->first_hash != key_index_sample(index, block))
        return key_index_damaged(index, "a block's checksum is wrong", error);
    return OK;
}
