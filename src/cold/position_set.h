/* Position sets: which rows of a data file are meant, as portable roaring bitmaps (the format that
 * workers read and that lies in the sidecars).
 *
 * They are read and written here and not by CRoaring, because they come from disks and processes
 * that may be damaged, and because an allocation that fails must be an error: the library's reader
 * checks little more than lengths, and its allocations do not go through base/memory.h.
 * Sets are written with array and bit containers; run containers are read too.
 *
 * Threading: pure functions over bytes. Ownership: of the bytes, the caller's. An empty slice is
 * the empty set. Errors: OUT_OF_MEMORY, and the buffer's limit. */
#ifndef FIRN_COLD_POSITION_SET_H
#define FIRN_COLD_POSITION_SET_H

#include "base/buffer.h"

/* Is it a well-formed set of positions below `limit`? *count says how many. Every other function
 * here takes only sets that passed. */
bool position_set_check(Slice set, uint64_t limit, uint64_t *count);

uint64_t position_set_count(Slice set);
bool position_set_has(Slice set, uint32_t position);

/* Positions in ascending order. All private. */
typedef struct PositionSetIterator {
    Slice set;
    uint32_t container; /* number of the next one */
    uint32_t kind;      /* of the one at hand */
    uint32_t key;       /* high half of its positions */
    uint32_t count;     /* of its values or runs; 0: none is at hand */
    uint32_t at;        /* next value, bit or run in it */
    uint32_t in_run;    /* values of the run that were given */
    const uint8_t *data;
} PositionSetIterator;

PositionSetIterator position_set_begin(Slice set);
bool position_set_next(PositionSetIterator *iterator, uint32_t *out); /* false at the end */

/* The set and the positions (ascending; some may be in the set), appended to `out`. */
CHECKED Status position_set_union(Slice set, const uint32_t *positions, size_t count, Buffer *out,
                                  Error *error);

#endif
