/* Query: the server's side of the analytic engine. SQL that sql/ wrote from a bound tree runs in a
 * worker process over pinned snapshots; rows come back packed or already encoded for a door.
 *
 * Threading: a pool serves any number of threads; query_run blocks its caller. Ownership: requests
 * borrow everything until query_run returns; the pins of a request are held by the caller until
 * then (engine.md §4: until the worker has answered or was waited for).
 * Errors: SQL errors of the worker with their SQLSTATE; WORKER_FAILED where it died by itself,
 * QUERY_CANCELED where its deadline passed or query_cancel was called. What a worker sends is
 * untrusted and checked. */
#ifndef FIRN_QUERY_QUERY_H
#define FIRN_QUERY_QUERY_H

#include "cold/data_file.h"

typedef struct QueryPool QueryPool;

typedef struct QueryPoolOptions {
    const char *worker_path;    /* firn-worker */
    const char *spill_folder;   /* each worker gets a folder in it, wiped after its end */
    const char *staging_folder; /* where the maintenance worker writes Parquet (data folders too) */
    uint32_t workers;           /* query workers at most; the maintenance worker is one more */
    uint32_t threads;           /* of all workers together */
    uint64_t memory_bytes_max;  /* of each, for its statement; keeper.c: RLIMIT_DATA */
    uint64_t spill_bytes_max;
} QueryPoolOptions;

/* Starts no worker: the first is spawned when it is needed, and a spare is kept after that. */
CHECKED Status query_pool_open(Env *env, const QueryPoolOptions *options, QueryPool **out,
                               Error *error);

/* Kills what runs. */
void query_pool_close(QueryPool *pool);

/* Workers open files in the staging folder and in folders allowed here, and nowhere else: one call
 * for each further storage, before its first file is read or written. Workers that were started
 * before are replaced when they are done. */
CHECKED Status query_pool_allow_folder(QueryPool *pool, Slice folder, Error *error);

/* The seam of cold/data_file.h, served by the maintenance worker (writes, merges) and by query
 * workers (fetches). Borrowed; lives as long as the pool. */
DataFileIo *query_data_file_io(QueryPool *pool);

/* ---- requests ---- */

/* One file of a table reference's cold part. */
typedef struct QueryFile {
    const char *path; /* absolute */
    uint64_t file_id; /* what `_file` shows of it */
    uint64_t row_count;
    uint64_t deletes_id; /* 0: none. The bitmap under an id never changes: workers cache it */
    Slice deletes;       /* portable roaring bitmap of committed deletes */
    Slice marks;         /* portable roaring bitmap of positions marked at this pin; empty: none */
} QueryFile;

/* Part of an arena that holds whole records. Where `offsets` is given, only the records at these
 * offsets of the block are read (one user's rows, a key range); else all of them, filtered by
 * visibility, owner and kind. */
typedef struct QueryBlock {
    uint64_t region_id; /* never used twice: workers keep regions mapped by it */
    int descriptor;
    uint64_t region_size;
    uint64_t region_offset;
    uint64_t published; /* bytes */
    const uint32_t *offsets;
    size_t offset_count;
} QueryBlock;

/* Records of one memtable or window file. */
typedef struct QueryHot {
    const Schema *schema; /* the records' own version: converted by field id to the reference's */
    const QueryBlock *blocks;
    size_t block_count;
    const OwnerId *without; /* owners whose rows were flushed out of it: skipped; ascending */
    size_t without_count;
} QueryHot;

typedef struct QueryOwnerName {
    OwnerId owner;
    Slice name;
} QueryOwnerName;

/* One table reference of the statement: what the reference number in the SQL stands for. */
typedef struct QueryReference {
    const Schema *schema;
    uint64_t seq;   /* S of the pin */
    bool has_owner; /* only this owner's rows */
    OwnerId owner;
    bool with_owner_column; /* `_user` is wanted: owner_names maps ids */
    const QueryOwnerName *owner_names;
    size_t owner_name_count;
    const QueryFile *files; /* already pruned */
    size_t file_count;
    const QueryHot *hot;
    size_t hot_count;
    const bool *columns; /* by column number: which the SQL may name; NULL: all */
    bool with_location;  /* adds _file (UINT64: file_id; 0: hot) and _position (UINT64: the row in
                            the file, or query_hot_position of the record) */
} QueryReference;

/* `_position` of a hot row: its region and the record's offset in it (a multiple of 8, regions of
 * at most 2 GiB). */
enum { QUERY_HOT_POSITION_BITS = 28 };

static inline uint64_t query_hot_position(uint64_t region_id, uint64_t region_offset)
{
    return region_id << QUERY_HOT_POSITION_BITS | region_offset / 8;
}

/* SQL with holes: text[0], reference, text[1], reference, …, text[reference_count]. A hole becomes
 * a parenthesised subquery with the reference's columns under their names, and `_seq`, `_updated`,
 * `_user`, `_deleted` where the table has them (`_user` with with_owner_column only). */
typedef struct QueryText {
    const Slice *pieces;   /* hole_count + 1 */
    const uint32_t *holes; /* which reference stands in each hole */
    size_t hole_count;
} QueryText;

typedef enum QueryFormat {
    QUERY_ROWS, /* packed rows of result_types: QuerySink.rows */
    QUERY_JSON, /* JSON arrays, one per row, separated by commas: QuerySink.bytes */
} QueryFormat;

typedef struct QueryRequest {
    const QueryText *text;
    const QueryReference *references;
    size_t reference_count;
    const Value *parameters; /* $1 …, typed */
    size_t parameter_count;
    const Type *result_types; /* what each column is sent as */
    size_t result_count;
    QueryFormat format;
    unsigned json_flags;       /* JsonFlags */
    int64_t deadline_ns;       /* monotonic; INT64_MAX: none */
    int64_t now_us;            /* now(), current_date … of the statement */
    bool retry_behind_barrier; /* private: set by query_run when it runs the statement again */
    uint64_t rows_max;         /* stops after so many; 0: all */
} QueryRequest;

/* Takes results as they come; anything but OK ends the statement with that. The memory lives until
 * the call returns. */
typedef struct QuerySink {
    Status (*bytes)(void *context, Slice json, uint64_t rows, Error *error);
    Status (*rows)(void *context, const RowLayout *layout, const Slice *rows, size_t count,
                   Error *error);
    void *context;
} QuerySink;

typedef struct QueryResult {
    uint64_t rows;
    uint64_t bytes;
    uint64_t files_opened;
    uint64_t hot_rows_read;
} QueryResult;

/* A statement in flight, so that another thread can end it. */
typedef struct QueryHandle {
    _Atomic bool cancelled;
    _Atomic int64_t worker; /* process id while it runs, 0 otherwise */
} QueryHandle;

CHECKED Status query_run(QueryPool *pool, const QueryRequest *request, const QuerySink *sink,
                         QueryHandle *handle, QueryResult *out, Error *error);

/* Ends it: its worker is killed, query_run returns QUERY_CANCELED. Any thread. */
void query_cancel(QueryPool *pool, QueryHandle *handle);

/* Runs EXPLAIN over the same request: DuckDB's plan as text lines into the buffer. */
CHECKED Status query_explain(QueryPool *pool, const QueryRequest *request, Buffer *out,
                             Error *error);

typedef struct QueryPoolStatistics {
    uint64_t statements;
    uint64_t failures; /* workers that died by themselves */
    uint64_t kills;    /* by deadline or cancel */
    uint64_t spawned;
    uint32_t workers_alive;
    uint32_t workers_busy;
} QueryPoolStatistics;

void query_pool_statistics(QueryPool *pool, QueryPoolStatistics *out);

#endif
