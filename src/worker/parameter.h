/* Parameters: our Values bound to a prepared statement's $1 …. Threading: the worker's main thread.
 * Ownership: DuckDB copies. Errors: CHARACTER_NOT_IN_REPERTOIRE for text that is none,
 * FEATURE_NOT_SUPPORTED for a kind that DuckDB does not have, OUT_OF_MEMORY. */
#ifndef FIRN_WORKER_PARAMETER_H
#define FIRN_WORKER_PARAMETER_H

#include "worker/vector.h"

CHECKED Status parameter_bind(duckdb_prepared_statement statement, uint32_t index,
                              const Value *value, Error *error);

#endif
