/* The files of memory I/O, written and read. For this folder only. */
#ifndef FIRN_COLD_MEMORY_IO_INT_H
#define FIRN_COLD_MEMORY_IO_INT_H

#include "base/cursor.h"
#include "cold/memory_io.h"

#define MEMORY_ROWS_MAGIC    "FIRNROWS"
#define MEMORY_DELETES_MAGIC "FIRNDELP"

/* Writes a file that does not exist yet: header, then the body. */
CHECKED Status memory_file_write(Env *env, const char *path, const char *magic, uint64_t count,
                                 Slice body, Error *error);

/* Reads and checks one; the body lies in `out` behind the header. */
CHECKED Status memory_file_read(Env *env, const char *path, const char *magic, Buffer *out,
                                uint64_t *count, Slice *body, Error *error);

Status memory_file_damaged(const char *path, Error *error);

/* One row as it lies in a body. */
typedef struct StoredRow {
    uint64_t seq;
    int64_t updated_us;
    Slice row;
} StoredRow;

void stored_row_put(Buffer *out, const StoredRow *row);
StoredRow stored_row_get(Cursor *cursor);

/* An opened file of rows. */
typedef struct RowsFile {
    Buffer bytes;
    Schema *schema; /* a reference */
    uint64_t count;
    Cursor rows;
    const char *path;
} RowsFile;

CHECKED Status rows_file_open(Env *env, const char *path, RowsFile *out, Error *error);
void rows_file_close(RowsFile *file);

/* The next row, as one of `schema`; bytes in `scratch` where it had to be converted. Must not be
 * called more than `count` times. */
CHECKED Status rows_file_next(RowsFile *file, const Schema *schema, Arena *arena, Buffer *scratch,
                              StoredRow *out, Error *error);

/* Writes rows (stored_row_put one after the other) of the schema as a file, and says what it is. */
typedef struct RowsFileWrite {
    const char *path;
    const Schema *schema;
    Slice rows;
    uint64_t count;
    Slice owner_name; /* USER tables */
} RowsFileWrite;

CHECKED Status rows_file_write(Env *env, const RowsFileWrite *request, Arena *arena,
                               DataFileResult *out, Error *error);

#endif
