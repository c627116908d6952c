/* The tables behind sql_functions.h. */
#ifndef FIRN_WORKER_SQL_FUNCTIONS_INT_H
#define FIRN_WORKER_SQL_FUNCTIONS_INT_H

#include "worker/sql_functions.h"

typedef struct SqlScalar {
    const char *name;
    const char *signature;
    bool with_nulls;
    ScalarFunction function;
} SqlScalar;

typedef struct SqlTable {
    const SqlScalar *items;
    size_t count;
} SqlTable;

extern const SqlTable sql_casts;   /* sql_casts.c */
extern const SqlTable sql_numbers; /* sql_numbers.c */
extern const SqlTable sql_json;    /* sql_json.c */

typedef struct SqlAggregate {
    const char *name;
    Status (*make)(duckdb_connection connection, const char *name, Error *error);
} SqlAggregate;

extern const SqlAggregate sql_aggregates[]; /* sql_aggregates.c */
extern const size_t sql_aggregate_count;
extern const SqlAggregate sql_statistics[]; /* sql_statistics.c */
extern const size_t sql_statistic_count;

#endif
