/* Private to live.
 *
 * Lock order (a thread that holds one may take those below it, never those above):
 *     live            what is registered, the predicate index, what the fan-out has reached; held
 *                     while changes are matched and delivered; while a disk works only for a last
 *                     small piece of the log in live_go, and to open a segment in live_subscribe
 *     subscription    one for each: its sink is called under it
 *     live queue      what was handed out and waits for the fan-out; the committer takes it
 *     leaves          catalog, log */
#ifndef FIRN_LIVE_LIVE_INT_H
#define FIRN_LIVE_LIVE_INT_H

#include "base/assert.h"
#include "base/breakage.h"
#include "base/memory.h"
#include "live/index_int.h"
#include "live/live.h"
#include "live/source_int.h"

enum {
    TABLE_BUCKETS = 1024,
    QUEUE_CHUNKS_MAX = 4096,
    MATCHES_MAX = 65536, /* of one slice; above it what there is goes out first */
    SLICE_ROWS_MAX = 16384,
    SCHEMAS_MAX = 32,                 /* of older versions that one worker remembers */
    KEEPER_BYTES = 16 << 20,          /* a log keeper serves who begins less than this behind it */
    CATCH_UP_LOCKED_BYTES = 64 << 10, /* so little of the log is read under the lock */
    FAN_OUT_STACK_BYTES = 8 << 20,    /* filters nest; committed as far as it is touched */
};

#define CATCH_UP_PAUSE_NS    INT64_C(2000000)
#define CATCH_UP_PATIENCE_NS INT64_C(30000000000) /* with a client that takes nothing */

/* ---- metrics ---- */

#define LIVE_METRICS(X)                                                                           \
    X(GAUGE, PLAIN, subscriptions, "firn_live_subscriptions", "Subscriptions")                    \
    X(GAUGE, BYTES, queue_bytes, "firn_live_queue_bytes",                                         \
      "Bytes of the log that wait for the fan-out")                                               \
    X(COUNTER, PLAIN, rows, "firn_live_rows_total", "Row changes of subscribed tables")           \
    X(COUNTER, PLAIN, candidates, "firn_live_candidates_total",                                   \
      "Subscriptions that the predicate index named")                                             \
    X(COUNTER, PLAIN, evaluations, "firn_live_evaluations_total", "Evaluations of filters")       \
    X(COUNTER, PLAIN, changes_sent, "firn_live_changes_sent_total", "Changes delivered")          \
    X(COUNTER, PLAIN, batches_sent, "firn_live_batches_sent_total",                               \
      "Transactions, or parts of them, delivered")                                                \
    X(COUNTER, PLAIN, encoded, "firn_live_encoded_total", "Batches written as JSON")              \
    X(COUNTER, PLAIN, encoded_shared, "firn_live_encoded_shared_total",                           \
      "Batches that shared what was written for another")                                         \
    X(COUNTER, PLAIN, resyncs, "firn_live_resyncs_total", "Subscriptions that had to begin anew") \
    X(COUNTER, PLAIN, caught_up, "firn_live_caught_up_total",                                     \
      "Subscriptions that read the log before they went live")                                    \
    X(COUNTER, PLAIN, times_behind, "firn_live_behind_total",                                     \
      "Times at which the fan-out began to read the log back from disk")                          \
    X(HISTOGRAM, SECONDS, lag_seconds, "firn_live_lag_seconds",                                   \
      "Time from a commit's hand-out to the end of its fan-out")

typedef struct LiveMetrics {
    LIVE_METRICS(METRIC_FIELD)
} LiveMetrics;

/* ---- subscriptions (subscription.c) ---- */

/* What of a row is sent, and how. Two with equal contents share encodings. */
typedef struct LiveProjection {
    const uint32_t *columns;
    uint32_t count;
    unsigned json_flags;
} LiveProjection;

typedef struct LiveTable LiveTable;
typedef struct LiveGroup LiveGroup;
typedef struct LiveKeeper LiveKeeper;
typedef struct LiveMatch LiveMatch;

struct LiveSubscription {
    _Atomic uint32_t references;
    Live *live;
    Arena arena; /* copies of the request */
    char id[LIVE_ID_BYTES];
    Schema *schema;
    uint64_t scope; /* whose rows (index_int.h) */
    Expression *filter;
    bool *used_columns; /* of the schema: sent, filtered by, or in the key */
    bool uses_owner_name;
    LiveFilterKind filter_kind;
    const LiveKey *keys;
    size_t key_count;
    LiveProjection projection;
    int64_t now_us;
    Slice current_user;
    OwnerId user_id;
    OwnerId owner;
    Slice user_name;
    Slice connection_id;
    Slice client_address;
    Slice sql;
    int64_t created_us;
    LiveSink sink;

    /* Under live. */
    bool registered;
    LiveGroup *group;
    LiveNode *nodes;          /* in the group's index, one for each key */
    LiveSubscription *before; /* of all, oldest first */
    LiveSubscription *after;
    LiveSubscription *group_before;
    LiveSubscription *group_after;

    /* The fan-out's, under live. */
    uint64_t stamp; /* of the last row change it was a candidate for */
    LiveMatch *first_match;
    LiveMatch *last_match;
    size_t match_count;
    LiveSubscription *next_touched;
    bool touched;
    bool is_open; /* was sent a part of the transaction that is being fanned out */
    LiveSubscription *open_before;
    LiveSubscription *open_after;
    bool doomed;
    LiveEnding doom;
    const char *doom_detail; /* in the slice's arena */

    Mutex mutex; /* the sink is called under it */

    /* Changed under live and the mutex, but for STARTING to CATCHING_UP: under the mutex alone. */
    _Atomic int state; /* LiveState */

    _Atomic uint64_t sent_seq; /* written by who delivers: live_go, or the fan-out */
    _Atomic uint64_t changes_sent;
    _Atomic int64_t sent_us; /* wall clock of the last transaction looked at by live_go */

    /* live_seek's and live_go's. */
    LogPosition from; /* nothing that it has to hear of stands before */
    LiveKeeper *keeper;
    bool sought;
    LiveSource source; /* where sought */
};

CHECKED Status subscription_create(Live *live, const LiveRequest *request, LiveSubscription **out,
                                   Error *error);

/* Bytes that wait for its client; 0 where nobody counts them. */
uint64_t subscription_queued(LiveSubscription *subscription);

/* Does the table's newest schema have all that the subscription uses, as it was? */
bool subscription_survives(const LiveSubscription *subscription, const Schema *newest);

/* ---- what is registered (registry.c); under live ---- */

/* The subscriptions of a table that were bound with one version of its schema. */
struct LiveGroup {
    LiveGroup *next;
    LiveTable *table;
    Schema *schema;
    LiveIndex index;
    LiveSubscription *first;
    size_t count;
    size_t owner_name_users;
};

struct LiveTable {
    LiveTable *next_in_bucket;
    uint64_t id;
    LiveGroup *groups;
};

LiveTable *registry_table(Live *live, uint64_t table_id); /* NULL: nobody subscribed to it */

/* Into the index and the lists; takes a reference. */
CHECKED Status registry_add(Live *live, LiveSubscription *subscription, Error *error);
void registry_remove(Live *live, LiveSubscription *subscription);

/* Keeps the log from `from` on while it exists (keeper.c). */
CHECKED Status keeper_take(Live *live, LogPosition from, LiveKeeper **out, Error *error);
void keeper_release(Live *live, LiveKeeper *keeper); /* NULL is allowed */

/* ---- ending (ending.c) ---- */

/* Under live: tells the sink, and takes it out. */
void subscription_end(LiveSubscription *subscription, LiveEnding ending, const char *detail);

/* The same without the lock. */
void subscription_end_unlocked(LiveSubscription *subscription, LiveEnding ending,
                               const char *detail);

/* The newest definition of the table against what the subscription needs; ends it where they do not
 * go together, or where its user may not see it any more. Under live. */
void subscription_check(LiveSubscription *subscription, const CatalogSnapshot *snapshot);

/* ---- row changes being looked at (slice.c) ---- */

/* A row change as rows of one version of the table's schema. */
typedef struct LiveImage {
    struct LiveImage *next;
    Schema *schema;
    Slice row;     /* where it is a put */
    Slice old_row; /* where had_old */
} LiveImage;

typedef struct LiveRowChange {
    RowChange change;
    LiveImage *images;
    Slice owner_name;
    bool has_owner_name;
} LiveRowChange;

/* One change for one subscription. */
struct LiveMatch {
    LiveMatch *next;
    LiveRowChange *row;
    const LiveImage *image;
    uint32_t number;
    LiveOperation operation;
};

/* What one thread needs to look at a transaction, a slice of it at a time. */
typedef struct LiveSlice {
    Live *live;
    Arena arena;   /* rows, images, matches: until the next slice */
    Arena scratch; /* of one evaluation */
    LiveRowChange *rows;
    size_t row_count;
    size_t row_capacity;
    size_t bytes;
    uint64_t commit; /* of the transaction */
    int64_t committed_us;
    bool is_last; /* the transaction ends with this slice */
    bool has_commit;
    size_t match_count;
    LiveChange *changes; /* of the batch being delivered */
    size_t change_capacity;
    Buffer converted;
    Schema *schemas[SCHEMAS_MAX]; /* of versions met that nobody was bound with */
    size_t schema_count;
    LiveEncodings *encodings;
    uint64_t evaluations; /* since they were counted last */
    uint64_t candidates;
} LiveSlice;

CHECKED Status slice_open(Live *live, LiveSlice *out, Error *error);
void slice_close(LiveSlice *slice);

/* Rows of the source's current transaction, as many as go together; table 0: of all tables. Then
 * commit and is_last are set. Something must be there. */
CHECKED Status slice_collect(LiveSlice *slice, LiveSource *source, uint64_t table_id, Error *error);

/* Forgets the transaction. */
void slice_end_transaction(LiveSlice *slice);

/* The change as rows of the schema. UNDEFINED_TABLE where its table is gone. */
CHECKED Status slice_image(LiveSlice *slice, LiveRowChange *row, Schema *schema,
                           const LiveImage **out, Error *error);
CHECKED Status slice_owner_name(LiveSlice *slice, LiveRowChange *row, Error *error);

/* ---- matching and delivering (match.c, deliver.c) ---- */

/* Is the row change about rows that the subscription is about, its filter aside? */
bool subscription_covers(const LiveSubscription *subscription, const RowChange *change);

/* What the change is for the subscription; *is_any false: nothing. */
CHECKED Status match_row(LiveSlice *slice, const LiveSubscription *subscription,
                         const LiveRowChange *row, const LiveImage *image, LiveOperation *out,
                         bool *is_any, Error *error);

/* Remembers it for the subscription's batch. */
CHECKED Status match_add(LiveSlice *slice, LiveSubscription *subscription, LiveRowChange *row,
                         const LiveImage *image, LiveOperation operation, Error *error);

/* Hands the subscription's matches to its sink, under its mutex, which the caller holds, and
 * forgets them. */
LiveTaken deliver_matches(LiveSlice *slice, LiveSubscription *subscription, bool more);

/* How what a sink answered ends a subscription; false: it does not. */
bool taken_ends(LiveTaken taken, LiveEnding *out);
LiveEnding ending_of(Status status);

/* ---- fan-out (fan_out.c) ---- */

/* Everything that the source has, to whoever is live. */
CHECKED Status fan_out(LiveSlice *slice, LiveSource *source, Error *error);

/* ---- encodings (encoding.c) ---- */

CHECKED Status encodings_create(const LiveFrameMaker *maker, LiveEncodings **out, Error *error);
void encodings_clear(LiveEncodings *encodings); /* what follows are other changes */
void encodings_destroy(LiveEncodings *encodings);

/* How many were written and shared since it was asked last. */
void encodings_count(LiveEncodings *encodings, uint64_t *written, uint64_t *shared);

/* ---- the whole ---- */

typedef struct QueuedChunk {
    LogChunk *chunk;
    uint64_t bytes;
    uint64_t visible; /* with it: no frame of it is above */
    int64_t handed_out_ns;
} QueuedChunk;

struct Live {
    Env *env;
    Logger *logger;
    LiveOptions options;
    LiveMetrics metrics;
    Engine *engine;
    Catalog *catalog;
    Log *log;
    Thread *fan_out_thread;

    /* How many are registered; counted up before their pin is taken. 0: the hook returns at once.
     */
    _Atomic uint32_t registered;

    /* Where the first frame of the group handed out last stands: whoever registers now hears of
     * nothing before it. */
    _Atomic LogPosition handed_out_from;

    Mutex mutex; /* "live" */
    /* Under it. */
    LiveTable *tables[TABLE_BUCKETS];
    LiveSubscription *oldest;
    LiveSubscription *newest;
    LiveSubscription *open; /* who waits for the rest of the transaction being fanned out */
    uint64_t reached_seq;   /* end of the transaction whose fan-out began last */
    uint64_t next_stamp;
    LiveKeeper *keepers;
    Random random; /* priorities of the index's trees */
    bool closed;   /* before live_start, after live_stop */

    Mutex queue_mutex; /* "live queue" */
    Condition handed_out;
    /* Under it. */
    QueuedChunk *queue; /* a ring */
    size_t queue_first;
    size_t queue_count;
    uint64_t queue_bytes;
    bool behind;             /* nothing is queued: the fan-out reads the log … */
    LogPosition behind_from; /* … from here … */
    uint64_t handed_out_seq; /* … up to here */
    int64_t behind_since_ns;
    bool stopping;
};

/* Adds what the slice counted to the metrics. */
void live_count(Live *live, LiveSlice *slice);

/* feed.c */
void feed_run(LiveSlice *slice); /* until live_stop */
int64_t feed_lag_ns(Live *live); /* age of the oldest group that waits; 0: none */

#endif
