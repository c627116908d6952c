/* Errors: what DuckDB says, as PostgreSQL would have said it, with its SQLSTATE.
 *
 * DuckDB's text is "Some Error: what happened", sometimes with a picture of our SQL behind it. The
 * first line is read against a table; paths of data folders never leave; the whole text goes to the
 * internal part, for the log.
 *
 * Threading: pure. Ownership: nothing is kept. */
#ifndef FIRN_WORKER_ERRORS_H
#define FIRN_WORKER_ERRORS_H

#include "base/error.h"

/* Sets the error from DuckDB's text (NULL: it had none). `folders` are the places that no message
 * may name. Returns its status, which is never OK. */
Status duckdb_error_set(Error *error, const char *text, const Slice *folders,
                        uint32_t folder_count);

#endif
