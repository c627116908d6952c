/* Initial rows of a subscription: chosen by sequence and time, counted into batches, as JSON.
 *
 * Rows come in the order of the key and leave in it. last_rows keeps the newest by `_seq`. A value
 * too large for a message leaves as {"large":bytes}.
 *
 * Threading: one thread. Ownership: everything borrowed but the rows held. Errors: what the sink
 * says; OUT_OF_MEMORY. */
#ifndef FIRN_DATABASE_INITIAL_ROWS_H
#define FIRN_DATABASE_INITIAL_ROWS_H

#include "database/database.h"

enum {
    INITIAL_LAST_ROWS_MAX = 100000,
    INITIAL_BATCH_BYTES_MAX = 512 << 10, /* a batch ends above it, whatever batch_size says */
    INITIAL_VALUE_BYTES_MAX = 256 << 10, /* of JSON; larger ones leave as {"large":bytes} */
};

typedef struct InitialRow {
    uint64_t arrival;
    uint64_t seq;
    Slice json; /* allocated */
} InitialRow;

typedef struct InitialRows {
    const BoundSubscribe *bound;
    const SubscribeOptions *options;
    const SubscriberSink *sink;
    unsigned json_flags;
    Buffer row;
    Buffer batch;
    uint64_t batch_rows;
    InitialRow *kept; /* with last_rows: at most twice as many */
    size_t kept_count;
    uint64_t arrivals;
} InitialRows;

/* `out` is the sink for execute_select_at; it borrows `rows`. */
void initial_rows_open(InitialRows *rows, const BoundSubscribe *bound,
                       const SubscribeOptions *options, unsigned json_flags,
                       const SubscriberSink *sink, ResultSink *out);
CHECKED Status initial_rows_finish(InitialRows *rows, Error *error); /* the last batch */
void initial_rows_close(InitialRows *rows);

#endif
