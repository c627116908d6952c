/* Engine: DuckDB in this process, opened, locked down and furnished with our functions.
 *
 * Threading: the worker's main thread; DuckDB has its own beside it. Ownership: between engine_open
 * and engine_close. Errors: INTERNAL where DuckDB refuses what it should not. */
#ifndef FIRN_WORKER_ENGINE_H
#define FIRN_WORKER_ENGINE_H

#include "worker/bridge.h"
#include "worker/macros.h"
#include "worker/sql_functions.h"

typedef struct Engine {
    duckdb_database database;
    duckdb_connection connection;
    FunctionContext *context; /* where the registered functions look; freed after DuckDB */
    Bridge bridge;
    SqlFunctions sql_functions;
    Macros macros;
    uint32_t threads;
    const Slice *folders; /* no message names them */
    uint32_t folder_count;
} Engine;

/* The setup's memory must outlive the engine. */
CHECKED Status engine_open(Engine *engine, Env *env, const WorkerSetup *setup, Error *error);
void engine_close(Engine *engine);

CHECKED Status engine_set_threads(Engine *engine, uint32_t threads, Error *error);

/* Makes known to DuckDB what the SQL names of our functions and macros. */
CHECKED Status engine_prepare_names(Engine *engine, Slice sql, Error *error);

/* Runs one or more statements of ours that return nothing. */
CHECKED Status engine_execute(Engine *engine, const char *sql, Error *error);

/* The error from DuckDB's text. */
Status engine_error(const Engine *engine, Error *error, const char *text);

#endif
