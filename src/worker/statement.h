/* Statement: a request as the functions that DuckDB calls look at it: regions found, bitmaps in the
 * form alive() asks, every number compared with what is really there.
 *
 * A worker runs one statement at a time. It is set before DuckDB is asked to prepare it and stays
 * until its result is gone.
 *
 * Threading: made and ended by the worker's main thread, read by DuckDB's threads between, but for
 * the counter. Ownership: lives in the statement's arena; borrows the request, the regions and the
 * bitmaps kept. Errors: PROTOCOL_VIOLATION for a request that names what was never sent,
 * DATA_CORRUPTED for a damaged bitmap. */
#ifndef FIRN_WORKER_STATEMENT_H
#define FIRN_WORKER_STATEMENT_H

#include <stdatomic.h>

#include "worker/bitmap_cache.h"
#include "worker/protocol.h"
#include "worker/region.h"

/* Rows dead in one file: by committed deletes, and by marks of the pin. */
typedef struct FileDead {
    uint64_t row_count;
    const DeadSet *deletes; /* kept by the cache; NULL: none */
    DeadSet marks;          /* this statement's; has_marks */
    bool has_marks;
} FileDead;

typedef struct HotBlock {
    const uint8_t *data;
    uint64_t published;
    const uint32_t *offsets; /* NULL: every record */
    uint32_t offset_count;
    uint64_t location; /* hot_position of its first byte */
} HotBlock;

typedef struct HotPart {
    const WorkerHot *source;
    HotBlock *blocks;
} HotPart;

typedef struct StatementReference {
    const WorkerReference *source;
    FileDead *files;
    HotPart *hot;
} StatementReference;

typedef struct Statement {
    const WorkerRequest *request;
    StatementReference *references;
    DeadSet *delete_lists; /* of request->deletes */
    const uint64_t *table; /* TABLE's items: not aligned with anything but themselves */
    size_t table_count;
    _Atomic uint64_t hot_rows_read;
} Statement;

/* The regions and bitmaps must outlive the statement. */
CHECKED Status statement_open(Arena *arena, const WorkerRequest *request,
                              const RegionTable *regions, const BitmapCache *bitmaps,
                              const uint64_t *table, size_t table_count, Statement **out,
                              Error *error);
void statement_close(Statement *statement);

#endif
