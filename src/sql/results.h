/* Results: the columns of what operations answer, in one place, so that the executor and every
 * client agree. Queries and RETURNING have their own columns in their plans.
 *
 * DESCRIBE answers one row for each column of the table, then one for each property of it:
 *     section   name                 filled
 *     column    the column's         type, nullable, key_position, default, comment
 *     table     PROPERTY_* below     value
 *     index     the index's          type (key, ordered, hnsw), value (its columns)
 *
 * Threading: constants. Ownership: static. Errors: none. */
#ifndef FIRN_SQL_RESULTS_H
#define FIRN_SQL_RESULTS_H

#include "sql/plan.h"

/* The columns of an operation's answer; NULL and 0 where it answers none. */
const ResultColumn *statement_result_columns(const Plan *plan, uint32_t *count);

/* STORAGE FLUSH and COMPACT: one row for each table. `status` says "flushed", "compacted", "nothing
 * to do" or "skipped: stream". With ASYNC: one row with the job's id. */
enum {
    MAINTENANCE_NAMESPACE,
    MAINTENANCE_TABLE,
    MAINTENANCE_ROWS,
    MAINTENANCE_BYTES,
    MAINTENANCE_FILES,
    MAINTENANCE_SNAPSHOT, /* NULL where none was made */
    MAINTENANCE_STATUS,
    MAINTENANCE_COLUMN_COUNT
};

enum {
    DESCRIBE_SECTION,
    DESCRIBE_NAME,
    DESCRIBE_TYPE,
    DESCRIBE_NULLABLE,
    DESCRIBE_KEY_POSITION, /* from 1; NULL: not in the key */
    DESCRIBE_DEFAULT,
    DESCRIBE_VALUE,
    DESCRIBE_COMMENT,
    DESCRIBE_COLUMN_COUNT
};

enum {
    CHECK_STORAGE_ID,
    CHECK_STORAGE_STATUS, /* "ok" or what is wrong */
    CHECK_STORAGE_FREE_BYTES,
    CHECK_STORAGE_COLUMN_COUNT
};

/* Names of the "table" rows of DESCRIBE, in their order. */
#define DESCRIBE_PROPERTIES(X) \
    X("namespace")             \
    X("table")                 \
    X("kind")                  \
    X("access")                \
    X("key")                   \
    X("storage")               \
    X("flush_rows")            \
    X("flush_interval")        \
    X("flush_bytes")           \
    X("ttl")                   \
    X("compression")           \
    X("hot_rows")              \
    X("cold_rows")             \
    X("total_rows")            \
    X("files")                 \
    X("bytes")                 \
    X("comment")

#endif
