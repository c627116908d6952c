/* Macros: PostgreSQL's meaning written in DuckDB's SQL, where that is exact and faster than a call
 * of ours; sql/'s writer knows their names. All are strict where PostgreSQL's functions are: NULL
 * in, NULL out, before any error.
 *
 * Each is created when the first statement names it: creating all takes as long as opening DuckDB.
 *
 * Threading: the worker's main thread. Ownership: DuckDB's. Errors: INTERNAL where DuckDB refuses
 * one. */
#ifndef FIRN_WORKER_MACROS_H
#define FIRN_WORKER_MACROS_H

#include "base/buffer.h"
#include "worker/duckdb_extra.h"

typedef struct Macros {
    bool *is_created; /* by number in the table */
} Macros;

CHECKED Status macros_open(Macros *set, Error *error);
void macros_close(Macros *set);

/* Creates what the text names and is not there yet. */
CHECKED Status macros_prepare(Macros *set, duckdb_connection connection, Slice sql, Error *error);

/* All names, for tests; NULL behind the last. */
const char *macros_name(size_t number);

#endif
