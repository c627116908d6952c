/* Private to query/: the functions of the pool's DataFileIo, and what they share. */
#ifndef FIRN_QUERY_DATA_FILE_INT_H
#define FIRN_QUERY_DATA_FILE_INT_H

#include "query/data_file_io.h"
#include "query/sql_text.h"
#include "query/talk_int.h"

static inline QueryPool *pool_of_io(DataFileIo *io)
{
    return (QueryPool *)io; /* its first member */
}

/* What a COPY that writes a data file is made of. */
typedef struct DataFileCopy {
    const char *path;
    const Schema *schema;
    Slice owner_name; /* of tables that have owners */
    const char *compression;
    bool is_quick; /* compressed with less effort: a flush, whose file a compaction writes again */
    uint64_t row_group_rows;
    Slice iceberg_schema;
} DataFileCopy;

/* COPY (SELECT columns as they are stored … */
void copy_put_begin(Buffer *sql, const DataFileCopy *copy);

/* …) TO 'path' (FORMAT parquet, field ids, metadata, RETURN_STATS) */
CHECKED Status copy_put_end(Buffer *sql, Arena *arena, const DataFileCopy *copy, Error *error);

/* Rows for one row group of about that many bytes. */
uint64_t copy_row_group_rows(uint64_t row_group_bytes, uint64_t row_bytes);

/* Runs the COPY in the writing worker; then asks where the row groups of the file begin. */
CHECKED Status copy_run(QueryPool *pool, Arena *arena, TalkRequest *request,
                        const DataFileCopy *copy, DataFileResult *out, Error *error);

/* Statistics from what RETURN_STATS says of a file's columns (JSON). */
CHECKED Status statistics_read(Arena *arena, const Schema *schema, bool with_owner, Slice json,
                               DataFileResult *out, Error *error);

/* The functions themselves. */
Status data_file_write(DataFileIo *io, const DataFileWrite *request, Arena *arena,
                       DataFileResult *out, Error *error);
Status data_file_merge(DataFileIo *io, const DataFileMerge *request, Arena *arena,
                       DataFileResult *out, MergedRow **rows, Error *error);
Status data_file_write_deletes(DataFileIo *io, const char *path, const char *const *paths,
                               const Slice *positions, size_t count, DataFileResult *out,
                               Error *error);
Status data_file_fetch(DataFileIo *io, const char *path, const Schema *schema,
                       const uint32_t *positions, size_t count, Arena *arena, FetchedRow *out,
                       Error *error);
Status data_file_scan(DataFileIo *io, const char *path, const Schema *schema,
                      StoredRowVisitor visit, void *context, Error *error);

#endif
