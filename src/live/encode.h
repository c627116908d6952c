/* Encode: what changed, as a sink gets it and as clients of WebSockets read it
 * (spec/protocols.md §2).
 *
 * One batch is what one transaction changed for one subscription. As JSON it is one message or
 * several, of which all but the client's own id is the same for everybody who gets the same changes
 * with the same columns: that body is written once and shared.
 *
 *     {"type":"changes","id":"a1"   live_put_prefix, each client's own
 *     ,"commit":812,"changes":[{"seq":812,"op":"update","row":[1,"b"],"old":[1,"a"]}]}   the body
 *
 * Threading: a batch belongs to the call that delivers it. Ownership: see live_encode. Errors:
 * PROGRAM_LIMIT_EXCEEDED where not even a shortened change fits a message. */
#ifndef FIRN_LIVE_ENCODE_H
#define FIRN_LIVE_ENCODE_H

#include "types/key.h"

/* Columns of a subscription that are no columns of the table. What stood there before has no
 * sequence or time in the log: in old rows these two are null. */
#define LIVE_COLUMN_SEQ     0xfffffff0U
#define LIVE_COLUMN_UPDATED 0xfffffff1U
#define LIVE_COLUMN_USER    0xfffffff2U

typedef struct LiveSubscription LiveSubscription;
typedef struct LiveEncodings LiveEncodings;

typedef enum LiveOperation {
    LIVE_INSERT, /* a row that is new, or begins to match the filter */
    LIVE_UPDATE,
    LIVE_DELETE,
    LIVE_LEAVE, /* is there still, but does not match any more */
} LiveOperation;

const char *live_operation_name(LiveOperation operation); /* "insert" */

typedef struct LiveChange {
    LiveOperation operation;
    uint32_t number; /* of the row change within what is being delivered: equal numbers with equal
                        operations are equal changes */
    uint64_t seq;
    int64_t updated_us;
    OwnerId owner;    /* whose row; 0 in tables without owners */
    Slice owner_name; /* where the subscription sends or filters by it, else empty */
    Slice row;        /* INSERT, UPDATE: packed, of the batch's schema */
    Slice old_row;    /* UPDATE, DELETE, LEAVE */
} LiveChange;

typedef struct LiveBatch {
    const LiveSubscription *subscription;
    Schema *schema; /* the one it was subscribed with; borrowed */
    const LiveChange *changes;
    size_t count;         /* may be 0 in the last of several batches */
    uint64_t commit;      /* the transaction's last sequence */
    int64_t committed_us; /* its wall clock */
    bool more;            /* more batches of this transaction follow */
    LiveEncodings *encodings;
} LiveBatch;

/* One column of a change, for whoever takes values instead of JSON; `column` counts those that the
 * subscription sends. Its bytes live as long as the batch, or in the arena. */
uint32_t live_column_count(const LiveSubscription *subscription);
CHECKED Status live_change_value(const LiveBatch *batch, const LiveChange *change, bool is_old,
                                 uint32_t column, Arena *arena, Type *type, Value *out,
                                 Error *error);

/* How the room above makes what it sends: from the bytes of a body something that can be shared by
 * reference count between connections. */
typedef struct LiveFrameMaker {
    void *context;
    void *(*make)(void *context, Slice body); /* a new one with one reference; NULL: no memory */
    void *(*clone)(void *frame);
    void (*release)(void *frame);
} LiveFrameMaker;

typedef struct LiveMessage {
    void *frame;      /* by the maker; clone it to keep it beyond `deliver` */
    size_t body_size; /* bytes of its body */
} LiveMessage;

/* The batch's messages, each body of at most `body_bytes_max` bytes, at least one; they live until
 * `deliver` returns. */
CHECKED Status live_encode(const LiveBatch *batch, size_t body_bytes_max,
                           const LiveMessage **messages, size_t *count, Error *error);

/* The beginning of a message; `id` is the client's own. */
void live_put_prefix(Buffer *out, Slice id);

/* Frames that are nothing but their bytes. */
extern const LiveFrameMaker live_plain_frames;
Slice live_plain_frame_body(const void *frame);

#endif
