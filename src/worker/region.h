/* Regions: shared memory of the server (and window files) that a worker maps, once each, read-only.
 *
 * The server says which ones are mapped and when to forget them; an id is never used twice.
 *
 * Threading: changed between statements by the worker's main thread, read by DuckDB's threads
 * during one. Ownership: the table owns the mappings. Errors: PROTOCOL_VIOLATION for a server that
 * breaks the rules, PROGRAM_LIMIT_EXCEEDED above REGIONS_MAX, those of the system. */
#ifndef FIRN_WORKER_REGION_H
#define FIRN_WORKER_REGION_H

#include "worker/id_table.h"

enum { REGIONS_MAX = 16384 };

typedef struct Region {
    uint64_t id;
    const uint8_t *data;
    size_t size;
} Region;

typedef struct RegionTable {
    IdTable regions; /* of Region */
} RegionTable;

void region_table_close(RegionTable *table);

/* Maps `size` bytes of the descriptor, which stays the caller's. */
CHECKED Status region_add(RegionTable *table, uint64_t id, uint64_t size, int descriptor,
                          Error *error);
CHECKED Status region_forget(RegionTable *table, uint64_t id, Error *error);

/* NULL where it is not mapped. */
const Region *region_find(const RegionTable *table, uint64_t id);

#endif
