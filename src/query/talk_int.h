/* Private to query/: one request's conversation with a worker, and the rows that come of it. */
#ifndef FIRN_QUERY_TALK_INT_H
#define FIRN_QUERY_TALK_INT_H

#include "query/pool_int.h"

/* Takes bytes of the answer as they come, and how many rows end in them. An error of its own ends
 * the statement with that; WORKER_FAILED says that the worker sent what it should not, and ends
 * that. */
typedef struct TalkSink {
    Status (*bytes)(void *context, Slice bytes, uint64_t rows, Error *error);
    Status (*end)(void *context, Error *error); /* after the last bytes; NULL: nothing to do */
    void *context;
} TalkSink;

typedef struct TalkRequest {
    unsigned roles;         /* who may answer it */
    WorkerRequest *request; /* its `threads` are set here */
    KeepRequest keep;
    size_t table_count; /* items for the worker's table */
    void (*fill_table)(void *context, size_t from, size_t count, uint64_t *out);
    void *table_context;
    int64_t deadline_ns;
    QueryHandle *handle;
} TalkRequest;

typedef struct TalkResult {
    uint64_t rows;
    uint64_t bytes;
    uint64_t hot_rows_read;
    bool was_refused; /* the error is one that the worker reported */
} TalkResult;

/* Runs it in a worker; `*out` is set on errors too. An error that the worker reports leaves the
 * worker whole; everything else that goes wrong is the worker's end. */
CHECKED Status talk(QueryPool *pool, const TalkRequest *request, const TalkSink *sink,
                    TalkResult *out, Error *error);

/* ---- rows of FORMAT_ROWS, cut out of the bytes ---- */

enum {
    ROW_BATCH_MAX = 1024,
    ROW_STREAM_KEPT_BYTES_MAX = 1 << 20,
};

/* Rows as they are found, whole and checked; `lead` has the request's lead_count numbers for each
 * of them. The memory lives until the call returns. */
typedef struct RowSink {
    Status (*rows)(void *context, const RowLayout *layout, const Slice *rows, const int64_t *lead,
                   size_t count, Error *error);
    void *context;
} RowSink;

/* talk() for a request of FORMAT_ROWS: its result types say what rows are. */
CHECKED Status talk_rows(QueryPool *pool, Arena *arena, const TalkRequest *request, RowSink sink,
                         TalkResult *out, Error *error);

typedef struct RowStream {
    const RowLayout *layout;
    uint32_t lead_count;
    RowSink sink;
    Buffer pending; /* bytes that are no whole row yet */
    size_t count;
    Slice rows[ROW_BATCH_MAX];
    int64_t lead[ROW_BATCH_MAX * REQUEST_LEAD_MAX];
} RowStream;

/* The layout must outlive it. */
void row_stream_open(RowStream *stream, const RowLayout *layout, uint32_t lead_count, RowSink sink);
void row_stream_close(RowStream *stream);

/* A TalkSink.bytes: WORKER_FAILED for bytes that are no rows of the layout. */
CHECKED Status row_stream_bytes(void *stream, Slice bytes, uint64_t rows, Error *error);

/* A TalkSink.end: WORKER_FAILED where a row was cut off. */
CHECKED Status row_stream_end(void *stream, Error *error);

#endif
