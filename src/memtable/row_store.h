/* Row store: shared memory cut into blocks for memtables, so that thousands of small tables need
 * neither thousands of descriptors nor thousands of pages.
 *
 * Regions of shared memory (env's shared_memory_open) are cut into blocks of whole units of 64 KiB,
 * usually powers of two of it; what is larger than the largest block gets a region of its own.
 * Region ids are never used twice; a block given back is used again, so a worker may read a block
 * only while a pin keeps its memtable. A region all of whose blocks are back is closed, but for one
 * kept.
 *
 * Threading: all functions from any thread. Ownership: a block belongs to one memtable until
 * row_store_give_back. Errors: OUT_OF_MEMORY, also where bytes_max is reached; those of env's
 * shared_memory_open. */
#ifndef FIRN_MEMTABLE_ROW_STORE_H
#define FIRN_MEMTABLE_ROW_STORE_H

#include "base/env.h"

typedef struct RowStore RowStore;

enum {
    ROW_BLOCK_BYTES_MIN = 64 << 10,
    ROW_BLOCK_BYTES_MAX = 4 << 20,
    ROW_REGION_BYTES = 32 << 20,
};

typedef struct RowBlock {
    uint64_t region_id;
    int descriptor;         /* of the region; -1 in the simulation */
    uint64_t region_offset; /* of the block in its region */
    uint64_t region_size;
    uint8_t *data; /* in this process, 8-byte aligned */
    size_t size;
} RowBlock;

/* What a reader may look at. */
typedef struct RowBlockView {
    RowBlock block;
    size_t published;   /* bytes from the block's start that hold whole records */
    uint64_t first_seq; /* of its first record */
} RowBlockView;

/* `bytes_max` bounds the bytes mapped; where less than a whole region is left, the last one is
 * smaller. */
CHECKED Status row_store_open(Env *env, uint64_t bytes_max, RowStore **out, Error *error);

/* Every block must be back. */
void row_store_close(RowStore *store);

/* A block of at least `size` bytes, not zeroed. */
CHECKED Status row_store_take(RowStore *store, size_t size, RowBlock *out, Error *error);
void row_store_give_back(RowStore *store, const RowBlock *block);

uint64_t row_store_bytes_taken(const RowStore *store);  /* of blocks in use */
uint64_t row_store_bytes_mapped(const RowStore *store); /* of all regions */

#endif
