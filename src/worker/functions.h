/* Functions: what DuckDB calls in this process, and the SQL names under which it finds them.
 *
 *     hot_scan(reference)                     table: rows of a reference's shared memory
 *         columns _seq, _updated, _user (where wanted), _file, _position (where wanted), then the
 *         reference's, each as c<field id>: DuckDB's names know no case, PostgreSQL's do
 *     delete_rows()                           table: file_path, pos of the request's delete lists
 *     alive_<slot>(file_row_number)           boolean: alive in the file of the request's slot
 *     alive_any(reference, file_index, file_row_number)
 *     fn_<symbol>(…)                          types/function.h's implementations (bridge.h)
 *     pg_…                                    PostgreSQL's meaning (macros.h, pg_functions.h)
 *
 * All look at the worker's one statement, which is set from before a prepare until its result is
 * gone. They are registered once, when the worker opens DuckDB.
 *
 * Threading: DuckDB calls them from its own threads, also several at once. Ownership: DuckDB frees
 * what they allocate for it. Errors: reported to DuckDB as "PGxxxxx text", which errors.h reads. */
#ifndef FIRN_WORKER_FUNCTIONS_H
#define FIRN_WORKER_FUNCTIONS_H

#include "worker/duckdb_extra.h"
#include "worker/statement.h"

/* Where the functions find the statement. */
typedef struct FunctionContext {
    Env *env;
    Statement *statement; /* NULL between statements */
} FunctionContext;

enum { FUNCTION_ERROR_BYTES = ERROR_MESSAGE_BYTES_MAX + 8 };

/* "PG22012 division by zero": an error as it travels through DuckDB. */
void function_error_text(const Error *failure, char out[FUNCTION_ERROR_BYTES]);

/* The statement's reference of that number, or NULL. */
StatementReference *function_reference(const FunctionContext *context, int64_t number);

CHECKED Status hot_scan_register(duckdb_connection connection, FunctionContext *context,
                                 Error *error);
CHECKED Status delete_rows_register(duckdb_connection connection, FunctionContext *context,
                                    Error *error);
CHECKED Status alive_register(duckdb_connection connection, FunctionContext *context, Error *error);

#endif
