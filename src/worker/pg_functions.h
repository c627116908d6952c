/* Functions under names of their own that PostgreSQL's meaning needs beside macros and bridge:
 *     pg_num_div(text, text) -> DECIMAL(38,20)   quotient of two numbers in text form
 *     pg_f8text(double), pg_f4text(float)        text as PostgreSQL shows floats
 *     pg_initcap, pg_format, pg_quote_ident, pg_quote_literal, pg_encode, pg_decode,
 *     pg_justify_days, pg_justify_hours, pg_jcontains, pg_jconcat, pg_jeq: the bridge's
 *
 * Threading: DuckDB's threads call. Errors: "PGxxxxx text". */
#ifndef FIRN_WORKER_PG_FUNCTIONS_H
#define FIRN_WORKER_PG_FUNCTIONS_H

#include "worker/bridge.h"

CHECKED Status pg_functions_register(Bridge *bridge, Error *error);

#endif
