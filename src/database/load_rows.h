/* Load rows: the bodies of a bulk load (NDJSON, CSV, Parquet) as rows of values for named columns.
 *
 *     NDJSON    an object on each line; members by column name, null is NULL, a column that is not
 *               a member is not given. Empty lines are passed over
 *     CSV       RFC 4180 with a header row that names columns, in any order; LF or CR LF. An empty
 *               field is NULL, an empty field in quotes is the empty text. Empty lines are passed
 *               over where rows have more than one field
 *     Parquet   columns by name; names that begin with '_' and are not asked for are passed over
 *               (the files of our own tables have them), values are cast as an INSERT would
 * UTF-8, with or without a byte order mark. A member or column that is not asked for is an error
 * with the nearest name. Texts are read as PostgreSQL reads them.
 *
 * Bytes come from a callback, as they arrive; one row is held at a time.
 *
 * Threading: one thread at a time. Ownership: what the visitor is given lives until it returns.
 * Errors: INVALID_JSON_TEXT, BAD_COPY_FILE_FORMAT, UNDEFINED_COLUMN, DUPLICATE_COLUMN, what the
 * types say of a value, PROGRAM_LIMIT_EXCEEDED for a row that is too long; all begin with the line
 * (Parquet: the row) and the column. Errors of the callbacks pass as they are. */
#ifndef FIRN_DATABASE_LOAD_ROWS_H
#define FIRN_DATABASE_LOAD_ROWS_H

#include "query/query.h"

typedef struct LoadColumn {
    Slice name;
    Type type;
} LoadColumn;

typedef struct LoadRow {
    uint64_t line;       /* on which it begins; Parquet: the row; from 1 */
    const Value *values; /* one for each column; NULLs where they are not given */
    const bool *given;   /* false: the body says nothing of the column */
} LoadRow;

enum { LOAD_ROW_BYTES_MAX_DEFAULT = 64 << 20 };

typedef struct LoadTarget {
    const LoadColumn *columns; /* at most COLUMNS_MAX */
    uint32_t column_count;
    int64_t now_us;       /* what 'now' and 'today' mean in texts */
    size_t row_bytes_max; /* of a row's text; 0: the default */
    Status (*visit)(void *context, const LoadRow *row, Error *error);
    void *context;
} LoadTarget;

typedef struct LoadSource {
    /* Waits for at least one byte; *got is 0 at the end. */
    Status (*read)(void *context, void *out, size_t size, size_t *got, Error *error);
    void *context;
} LoadSource;

CHECKED Status load_ndjson(const LoadTarget *target, const LoadSource *source, Error *error);
CHECKED Status load_csv(const LoadTarget *target, const LoadSource *source, Error *error);

/* A file in a folder that the pool allows, under a name that was never used before: workers
 * remember what they read of a file by its path. Rows come while a query worker is kept. */
CHECKED Status load_parquet(const LoadTarget *target, QueryPool *pool, const char *path,
                            QueryHandle *handle, Error *error);

#endif
