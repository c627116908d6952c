/* Bridge: the row evaluator's own functions (types/function.h) as functions of DuckDB, so that both
 * executors mean the same by construction.
 *
 * Signatures are those of the list in types/: "numeric", "any", "array" and "vector" arguments take
 * any type of DuckDB's (numbers also as text); a "numeric" result is text in PostgreSQL's form,
 * because each value has its own scale. A result "any", "array" or "vector" is not for the bridge.
 *
 * There are some three hundred, and registering all would cost every new worker more than opening
 * DuckDB does: each is registered when the first statement names it.
 *
 * Threading: the worker's main thread registers, DuckDB's threads call. Ownership: DuckDB's.
 * Errors: the functions' own, as "PGxxxxx text". */
#ifndef FIRN_WORKER_BRIDGE_H
#define FIRN_WORKER_BRIDGE_H

#include "types/function.h"
#include "worker/functions.h"

typedef struct Bridge {
    duckdb_connection connection;
    FunctionContext *context;
    bool *is_registered; /* by number in function_all */
} Bridge;

CHECKED Status bridge_open(Bridge *bridge, duckdb_connection connection, FunctionContext *context,
                           Error *error);
void bridge_close(Bridge *bridge);

/* Registers what the text names as fn_<symbol> and is not there yet. */
CHECKED Status bridge_prepare(Bridge *bridge, Slice sql, Error *error);

/* A function of another file under this name. The signature's words are those of bridge_table.h;
 * `with_nulls`: it is called with NULLs too. */
CHECKED Status bridge_register(const Bridge *bridge, const char *name, const char *signature,
                               bool with_nulls, ScalarFunction function, Error *error);

/* The function of that symbol under another name too. */
CHECKED Status bridge_alias(Bridge *bridge, const char *name, const char *symbol, Error *error);

#endif
