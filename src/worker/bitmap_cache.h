/* BitmapCache: committed deletes of files, kept between statements by ids that the server never
 * uses for another bitmap. The server says when to forget one.
 *
 * Threading: changed between statements by the worker's main thread, read by DuckDB's threads
 * during one. Ownership: owns the sets. Errors: PROTOCOL_VIOLATION, PROGRAM_LIMIT_EXCEEDED above
 * BITMAPS_MAX, DATA_CORRUPTED, OUT_OF_MEMORY. */
#ifndef FIRN_WORKER_BITMAP_CACHE_H
#define FIRN_WORKER_BITMAP_CACHE_H

#include "worker/dead_set.h"
#include "worker/id_table.h"

typedef struct BitmapCache {
    IdTable sets; /* of DeadSet */
} BitmapCache;

void bitmap_cache_close(BitmapCache *cache);

CHECKED Status bitmap_cache_add(BitmapCache *cache, uint64_t id, uint64_t row_count, Slice roaring,
                                Error *error);
CHECKED Status bitmap_cache_forget(BitmapCache *cache, uint64_t id, Error *error);

/* NULL where it is not known. */
const DeadSet *bitmap_cache_find(const BitmapCache *cache, uint64_t id);

#endif
