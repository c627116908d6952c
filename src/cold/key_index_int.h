/* What the parts of the key index share: the layout (its table of bytes is at the top of
 * key_index.c), the blocks, the filter. For this folder only.
 *
 * Threading: pure functions; an open KeyIndex is immutable. */
#ifndef FIRN_COLD_KEY_INDEX_INT_H
#define FIRN_COLD_KEY_INDEX_INT_H

#include <stdatomic.h>

#include "cold/key_index.h"

enum {
    KEY_INDEX_VERSION = 1,
    KEY_INDEX_BLOCK_BYTES = 4096,
    KEY_INDEX_BLOCK_HEADER_BYTES = 24,
    KEY_INDEX_BLOCK_ENTRIES_MAX = 2048,
    KEY_INDEX_FILTER_LINE_BYTES = 64, /* a cache line: one miss of the cache for each question */
    KEY_INDEX_FILTER_BITS_PER_KEY = 10,
    KEY_INDEX_FILTER_PROBES = 7,
};

#define KEY_INDEX_MAGIC "FIRNKEYS"

/* What the header says. */
typedef struct KeyIndexHeader {
    uint64_t file_sequence;
    uint64_t entry_count;
    uint64_t block_count;
    uint64_t meta_size; /* bytes of samples, filter and file table together */
    uint64_t filter_lines;
    uint32_t file_count; /* rows of the file table */
    uint8_t ordinal_bits;
    uint8_t position_bits;
    uint32_t meta_crc;
} KeyIndexHeader;

struct KeyIndex {
    _Atomic uint32_t references;
    Env *env;
    FileCache *cache;
    char *path;
    KeyIndexHeader header;
    uint8_t *meta;         /* as on disk: samples, filter, file table */
    const uint8_t *filter; /* in meta */
    KeyIndexFile *files;   /* keys point into meta */
};

/* ---- the filter: a Bloom filter in which all bits of a key lie in one line ---- */

uint64_t key_filter_lines(uint64_t entry_count);
void key_filter_add(uint8_t *filter, uint64_t lines, uint64_t hash);
bool key_filter_may_have(const uint8_t *filter, uint64_t lines, uint64_t hash);

/* ---- blocks ---- */

typedef struct KeyBlockLayout {
    uint8_t ordinal_bits;
    uint8_t position_bits;
} KeyBlockLayout;

/* How many of the sorted entries, from the first, one block holds; at least 1. `guess` is where
 * the search for the number starts. */
size_t key_block_capacity(KeyBlockLayout layout, const KeyIndexEntry *entries, size_t count,
                          size_t guess);

/* Writes exactly these entries as a block. */
void key_block_encode(KeyBlockLayout layout, const KeyIndexEntry *entries, size_t count,
                      uint8_t out[KEY_INDEX_BLOCK_BYTES]);

/* A block read back and checked. */
typedef struct KeyBlock {
    KeyBlockLayout layout;
    const uint8_t *bytes; /* KEY_INDEX_BLOCK_BYTES */
    uint32_t count;
    uint32_t low_bits;
    uint32_t upper_bits; /* length of the bit vector */
    uint32_t lows_begin; /* bit offsets from the block's start */
    uint32_t locations_begin;
    uint64_t first_hash;
} KeyBlock;

/* False where checksum or shape are wrong. */
bool key_block_open(KeyBlockLayout layout, const uint8_t *bytes, KeyBlock *out);

/* Adds the entries with this hash to `out`, of which *count are taken; false where there are more
 * than KEY_INDEX_CANDIDATES_MAX in all. */
bool key_block_find(const KeyBlock *block, uint64_t hash, KeyIndexEntry *out, size_t *count);

/* All of them; false where the bit vector does not hold as many as the block says. */
bool key_block_decode(const KeyBlock *block, KeyIndexEntry *out);

/* ---- the file ---- */

uint64_t key_index_sample(const KeyIndex *index, size_t block); /* first hash of a block */

/* Reads a block, checks it, and leaves its bytes in `buffer`. */
CHECKED Status key_index_read_block(KeyIndex *index, size_t block,
                                    uint8_t buffer[KEY_INDEX_BLOCK_BYTES], KeyBlock *out,
                                    Error *error);

Status key_index_damaged(const KeyIndex *index, const char *what, Error *error);

#endif
