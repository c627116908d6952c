/* Functions that sql/'s writer names beside the bridge and the macros: casts, keys of numbers,
 * parts of JSON, aggregates.
 *
 *     pg_text(x)                     any value's text form
 *     pg_cast_<from>_<to>(x)         types/value.h's cast; <to>s: an array
 *     pg_fit_text(x, n)              x, or 22001 where it is longer than n
 *     pg_row_field(x)                a field of a row's text form; '' for NULL
 *     pg_num_key(x)                  bytes that sort as the numbers do
 *     pg_num_floor(x, s), …_ceil     the nearest number of scale s that is not larger, not smaller
 *     pg_num_greatest(…), …_least    without NULLs
 *     pg_num_var_samp(n, sum, sum of squares), var_pop, stddev_samp, stddev_pop
 *     pg_json_keys, _values, _texts, _elements, _elements_text: parts as arrays; pg_json_key(x)
 *     pg_slice, pg_any, pg_all, pg_mode, pg_step: macros
 *     pg_num_sum, pg_interval_sum, pg_f8_var_samp …, pg_regr_slope …: aggregates
 * Numbers come and go as text in PostgreSQL's form.
 *
 * Each is made known to DuckDB when the first statement names it.
 *
 * Threading: the worker's main thread registers, DuckDB's threads call. Ownership: DuckDB's.
 * Errors: "PGxxxxx text". */
#ifndef FIRN_WORKER_SQL_FUNCTIONS_H
#define FIRN_WORKER_SQL_FUNCTIONS_H

#include "worker/bridge.h"

typedef struct SqlFunctions {
    const Bridge *bridge;
    bool *is_registered; /* by number in the tables, one behind the other */
} SqlFunctions;

CHECKED Status sql_functions_open(SqlFunctions *functions, const Bridge *bridge, Error *error);
void sql_functions_close(SqlFunctions *functions);

/* Registers what the text names and is not there yet. */
CHECKED Status sql_functions_prepare(SqlFunctions *functions, Slice sql, Error *error);

#endif
