/* DeadSet: which rows of a file are dead, in the form in which alive() asks: for each row of a
 * vector, millions of times a second.
 *
 * Made from a portable roaring bitmap (32 bit). It is read here and not by the library, whose safe
 * reading checks the outer bounds only and trusts what is written inside. Chunks of 65,536 rows
 * without a dead row take no memory.
 *
 * Threading: immutable once open. Ownership: owns its memory until closed.
 * Errors: DATA_CORRUPTED for bytes that are no bitmap of this file, OUT_OF_MEMORY. */
#ifndef FIRN_WORKER_DEAD_SET_H
#define FIRN_WORKER_DEAD_SET_H

#include "base/error.h"

enum {
    DEAD_CHUNK_ROWS = 1 << 16,
    DEAD_CHUNK_WORDS = DEAD_CHUNK_ROWS / 64,
};

typedef struct DeadSet {
    uint64_t row_count; /* of the file: positions are below it */
    uint64_t dead_count;
    uint32_t chunk_count; /* up to the last one with a dead row */
    uint64_t **chunks;    /* DEAD_CHUNK_WORDS each, or NULL where nothing is dead */
} DeadSet;

/* An empty slice is an empty set. */
CHECKED Status dead_set_open(DeadSet *set, uint64_t row_count, Slice roaring, Error *error);
void dead_set_close(DeadSet *set);

size_t dead_set_bytes(const DeadSet *set);

/* The chunk a position lies in, or NULL where nothing in it is dead. */
static inline const uint64_t *dead_set_chunk(const DeadSet *set, uint64_t position)
{
    uint64_t number = position / DEAD_CHUNK_ROWS;
    return number < set->chunk_count ? set->chunks[number] : NULL;
}

static inline bool dead_set_has(const DeadSet *set, uint64_t position)
{
    const uint64_t *chunk = dead_set_chunk(set, position);
    size_t bit = position % DEAD_CHUNK_ROWS;
    return chunk != NULL && ((chunk[bit / 64] >> (bit % 64)) & 1) != 0;
}

/* alive[i] is made false for every dead row of first … first + count - 1, which must be rows of
 * the file. */
void dead_set_clear_range(const DeadSet *set, uint64_t first, size_t count, bool *alive);

/* The same for any positions; false, with nothing promised, where one is no row of the file. */
__attribute__((warn_unused_result)) bool dead_set_clear(const DeadSet *set,
                                                        const int64_t *positions, size_t count,
                                                        bool *alive);

/* The first dead position at or after `from`; row_count where there is none. */
uint64_t dead_set_next(const DeadSet *set, uint64_t from);

#endif
