/* Asking a key index: one hash, or all of them in order. */
#include "base/assert.h"
#include "cold/key_index_int.h"

/* Blocks are cut from uniform hashes, so a block's number is nearly its hash's place in the whole
 * range: looking there first and widening the search by doubling finds it in two or three steps
 * whatever the size. Returns the first block whose first hash is not below `hash`. */
static size_t first_block_not_below(const KeyIndex *index, uint64_t hash)
{
    size_t count = (size_t)index->header.block_count;
    size_t guess = (size_t)(((unsigned __int128)hash * count) >> 64);
    size_t low = guess; /* everything before is below, once this search has ended */
    size_t high = guess;
    for (size_t step = 1; low > 0 && key_index_sample(index, low - 1) >= hash; step *= 2)
        low -= step < low ? step : low;
    for (size_t step = 1; high < count && key_index_sample(index, high) < hash; step *= 2)
        high += step < count - high ? step : count - high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key_index_sample(index, middle) < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A hash's entries may begin in the block before the first one that begins with it, and go on in
 * several. */
Status key_index_find(KeyIndex *index, uint64_t hash, KeyIndexEntry *out, size_t *count,
                      Error *error)
{
    uint8_t buffer[KEY_INDEX_BLOCK_BYTES];
    KeyBlock block;
    size_t found = 0;
    *count = 0;
    if (!key_index_may_have(index, hash))
        return OK;
    size_t at = first_block_not_below(index, hash);
    at -= at > 0;
    for (; at < index->header.block_count && key_index_sample(index, at) <= hash; at++) {
        TRY(key_index_read_block(index, at, buffer, &block, error));
        if (!key_block_find(&block, hash, out, &found))
            return key_index_damaged(index, "too many keys have one hash", error);
    }
    *count = found;
    return OK;
}

/* ---- all entries ---- */

Status key_index_reader_open(KeyIndex *index, KeyIndexReader *out, Error *error)
{
    KeyIndexEntry *entries = memory_allocate(KEY_INDEX_BLOCK_ENTRIES_MAX * sizeof *entries);
    if (entries == NULL)
        return error_out_of_memory(error);
    *out = (KeyIndexReader){.index = key_index_clone(index), .entries = entries};
    return OK;
}

void key_index_reader_close(KeyIndexReader *reader)
{
    key_index_release(reader->index);
    memory_free(reader->entries);
    *reader = (KeyIndexReader){0};
}

static Status read_next_block(KeyIndexReader *reader, Error *error)
{
    uint8_t buffer[KEY_INDEX_BLOCK_BYTES];
    KeyBlock block;
    TRY(key_index_read_block(reader->index, reader->next_block, buffer, &block, error));
    if (!key_block_decode(&block, reader->entries))
        return key_index_damaged(reader->index, "a block is malformed", error);
    reader->begin += reader->count;
    reader->count = block.count;
    reader->next_block++;
    return OK;
}

Status key_index_reader_next(KeyIndexReader *reader, KeyIndexEntry *out, bool *has, Error *error)
{
    const KeyIndexHeader *header = &reader->index->header;
    if (reader->at == reader->begin + reader->count) {
        bool ended = reader->next_block == header->block_count;
        if (ended && reader->at != header->entry_count)
            return key_index_damaged(reader->index, "entries are missing", error);
        *has = !ended;
        if (ended)
            return OK;
        TRY(read_next_block(reader, error));
    }
    *out = reader->entries[reader->at++ - reader->begin];
    *has = true;
    return OK;
}
