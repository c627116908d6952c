/* Writing a key index: sort, cut into blocks, write blocks as they fill, then samples, filter and
 * file table, and the header last, so that a file whose writing was cut short has no valid header.
 * The format's table of bytes is at the top of key_index.c. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "cold/key_index_int.h"
#include "types/key.h"

enum {
    WRITE_BATCH_BLOCKS = 64,
    SORT_DIGIT_BITS = 8,
    SORT_DIGITS = 1 << SORT_DIGIT_BITS,
    SORT_BY_INSERTION_MAX = 32,
};

/* ---- sorting ---- */

static int compare_entries(const void *a, const void *b)
{
    const KeyIndexEntry *x = a;
    const KeyIndexEntry *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->file_ordinal != y->file_ordinal)
        return x->file_ordinal < y->file_ordinal ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

static void sort_few(KeyIndexEntry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        KeyIndexEntry entry = entries[i];
        size_t at = i;
        for (; at > 0 && compare_entries(&entry, &entries[at - 1]) < 0; at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

/* The digit of a hash that begins at bit `shift`. */
static size_t digit_of(const KeyIndexEntry *entry, uint32_t shift)
{
    return (size_t)(entry->hash >> shift) & (SORT_DIGITS - 1);
}

/* Moves every entry to the others of its digit, in place; `end` becomes the end of each digit. */
static void sort_by_digit(KeyIndexEntry *entries, size_t count, uint32_t shift,
                          size_t end[SORT_DIGITS])
{
    size_t next[SORT_DIGITS];
    memset(end, 0, SORT_DIGITS * sizeof *end);
    for (size_t i = 0; i < count; i++)
        end[digit_of(&entries[i], shift)]++;
    for (size_t d = 0, sum = 0; d < SORT_DIGITS; d++) {
        next[d] = sum;
        sum += end[d];
        end[d] = sum;
    }
    for (size_t d = 0; d < SORT_DIGITS; d++) {
        while (next[d] < end[d]) {
            KeyIndexEntry entry = entries[next[d]];
            for (size_t to; (to = digit_of(&entry, shift)) != d;) {
                KeyIndexEntry displaced = entries[next[to]];
                entries[next[to]++] = entry;
                entry = displaced;
            }
            entries[next[d]++] = entry;
        }
    }
}

/* From the highest digit down: hashes are uniform, so after three of them groups are tiny. At most
 * eight deep; what has one hash then is sorted by location. */
static void sort_entries(KeyIndexEntry *entries, size_t count, uint32_t bits)
{
    if (count <= SORT_BY_INSERTION_MAX) {
        sort_few(entries, count);
        return;
    }
    if (bits == 0) {
        qsort(entries, count, sizeof *entries, compare_entries);
        return;
    }
    size_t end[SORT_DIGITS];
    uint32_t shift = bits - SORT_DIGIT_BITS;
    sort_by_digit(entries, count, shift, end);
    for (size_t d = 0, begin = 0; d < SORT_DIGITS; begin = end[d++])
        sort_entries(entries + begin, end[d] - begin, shift);
}

/* ---- writing ---- */

typedef struct Writing {
    File *file;
    KeyIndexHeader header;
    KeyBlockLayout layout;
    Buffer batch; /* blocks not written yet */
    Buffer meta;
    uint64_t offset; /* where the next batch goes */
} Writing;

static uint8_t bits_for(uint32_t max)
{
    return max == 0 ? 0 : (uint8_t)(32 - __builtin_clz(max));
}

static void measure(Writing *writing, const KeyIndexEntry *entries, size_t count)
{
    uint32_t ordinal_max = 0;
    uint32_t position_max = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].file_ordinal > ordinal_max)
            ordinal_max = entries[i].file_ordinal;
        if (entries[i].position > position_max)
            position_max = entries[i].position;
    }
    writing->layout = (KeyBlockLayout){bits_for(ordinal_max), bits_for(position_max)};
}

static Status flush_batch(Writing *writing, Error *error)
{
    TRY(buffer_status(&writing->batch, error));
    TRY(file_write_at(writing->file, writing->offset, buffer_slice(&writing->batch), error));
    writing->offset += writing->batch.size;
    buffer_clear(&writing->batch);
    return OK;
}

static Status write_block(Writing *writing, const KeyIndexEntry *entries, size_t count,
                          Error *error)
{
    uint8_t *block = buffer_reserve(&writing->batch, KEY_INDEX_BLOCK_BYTES);
    if (block == NULL)
        return buffer_status(&writing->batch, error);
    key_block_encode(writing->layout, entries, count, block);
    writing->batch.size += KEY_INDEX_BLOCK_BYTES;
    writing->header.block_count++;
    buffer_put_u64(&writing->meta, entries[0].hash);
    if (writing->batch.size < WRITE_BATCH_BLOCKS * KEY_INDEX_BLOCK_BYTES)
        return OK;
    return flush_batch(writing, error);
}

static Status write_blocks(Writing *writing, const KeyIndexEntry *entries, size_t count,
                           Error *error)
{
    size_t guess = 1;
    writing->offset = KEY_INDEX_BLOCK_BYTES;
    for (size_t at = 0; at < count; at += guess) {
        guess = key_block_capacity(writing->layout, entries + at, count - at, guess);
        TRY(write_block(writing, entries + at, guess, error));
    }
    return flush_batch(writing, error);
}

static Status put_filter(Writing *writing, const KeyIndexEntry *entries, size_t count, Error *error)
{
    uint64_t lines = key_filter_lines(count);
    size_t begin = writing->meta.size;
    buffer_put_zeros(&writing->meta, (size_t)lines * KEY_INDEX_FILTER_LINE_BYTES);
    TRY(buffer_status(&writing->meta, error));
    for (size_t i = 0; i < count; i++)
        key_filter_add(writing->meta.data + begin, lines, entries[i].hash);
    writing->header.filter_lines = lines;
    return OK;
}

static void put_files(Writing *writing, const KeyIndexFile *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ASSERT(i == 0 || files[i - 1].ordinal < files[i].ordinal);
        ASSERT(files[i].key_min.size <= KEY_BYTES_MAX && files[i].key_max.size <= KEY_BYTES_MAX);
        buffer_put_varint(&writing->meta, files[i].ordinal);
        buffer_put_varint(&writing->meta, files[i].row_count);
        buffer_put_sized(&writing->meta, files[i].key_min);
        buffer_put_sized(&writing->meta, files[i].key_max);
    }
    writing->header.file_count = (uint32_t)count;
}

static void put_header(Buffer *out, const KeyIndexHeader *header)
{
    buffer_put(out, KEY_INDEX_MAGIC, 8);
    buffer_put_u32(out, KEY_INDEX_VERSION);
    buffer_put_u32(out, header->file_count);
    buffer_put_u64(out, header->file_sequence);
    buffer_put_u64(out, header->entry_count);
    buffer_put_u64(out, header->block_count);
    buffer_put_u64(out, header->meta_size);
    buffer_put_u64(out, header->filter_lines);
    buffer_put_u8(out, header->ordinal_bits);
    buffer_put_u8(out, header->position_bits);
    buffer_put_u16(out, 0);
    buffer_put_u32(out, header->meta_crc);
    buffer_put_zeros(out, KEY_INDEX_BLOCK_BYTES - 4 - out->size);
    buffer_put_u32(out, crc32c(0, buffer_slice(out)));
}

static Status write_meta_and_header(Writing *writing, Error *error)
{
    KeyIndexHeader *header = &writing->header;
    TRY(buffer_status(&writing->meta, error));
    header->meta_size = writing->meta.size;
    header->meta_crc = crc32c(0, buffer_slice(&writing->meta));
    header->ordinal_bits = writing->layout.ordinal_bits;
    header->position_bits = writing->layout.position_bits;
    TRY(file_write_at(writing->file, writing->offset, buffer_slice(&writing->meta), error));
    buffer_clear(&writing->batch);
    put_header(&writing->batch, header);
    TRY(buffer_status(&writing->batch, error));
    ASSERT(writing->batch.size == KEY_INDEX_BLOCK_BYTES);
    return file_write_at(writing->file, 0, buffer_slice(&writing->batch), error);
}

Status key_index_write(Env *env, const char *path, uint64_t file_sequence, KeyIndexEntry *entries,
                       size_t count, const KeyIndexFile *files, size_t file_count, Error *error)
{
    Writing writing = {.header = {.file_sequence = file_sequence, .entry_count = count}};
    Status status = OK;
    buffer_open(&writing.batch, 0);
    buffer_open(&writing.meta, 0);
    sort_entries(entries, count, 64);
    measure(&writing, entries, count);
    GO(file_open(env, path, FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &writing.file, error));
    GO(write_blocks(&writing, entries, count, error));
    GO(put_filter(&writing, entries, count, error));
    put_files(&writing, files, file_count);
    GO(write_meta_and_header(&writing, error));
done:
    if (writing.file != NULL)
        KEEP_FIRST(file_close(writing.file, LATER_ERROR(error)));
    buffer_close(&writing.batch);
    buffer_close(&writing.meta);
    return status;
}
