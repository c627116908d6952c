/* Live: subscriptions. Whoever subscribed to the rows of a table hears of every change to them, in
 * the order of commits, each once (design/engine.md §10; the rules and why they hold: README.md).
 *
 *     live_subscribe(…, &subscription)           registered: from here on nothing can be missed
 *     pin_open(…, &pin), read the initial rows   as long as they take
 *     live_go(subscription, pin_seq(pin))        what happened since, then live
 * or, to go on from where a client was,
 *     live_subscribe(…, &subscription)
 *     live_seek(subscription, from_seq)          NOT_FOUND: it has to begin anew
 *     live_go(subscription, from_seq)
 *
 * Nothing of SQL is known here: a subscription is a table, whose rows, a row expression and the
 * columns to send. Nothing of a connection either: changes go to a sink of the room above.
 *
 * Threading: any thread, but live_seek and live_go of one subscription one at a time. The sink's
 * functions are called with locks held: they must not wait, nor call anything here. The committer
 * never waits for anything in this room. Ownership: a subscription is reference counted; what a
 * batch holds lives until `deliver` returns. Errors: see each function; what goes wrong later ends
 * the subscription with a reason, never in silence. */
#ifndef FIRN_LIVE_LIVE_H
#define FIRN_LIVE_LIVE_H

#include "base/logger.h"
#include "base/metrics.h"
#include "catalog/catalog.h"
#include "live/encode.h"

typedef struct Live Live;

enum {
    LIVE_ID_BYTES = 16,        /* "LQ-", 12 characters, NUL */
    LIVE_KEYS_MAX = 256,       /* values of one filter that the index holds (column IN (…)) */
    LIVE_TEXT_BYTES_MAX = 255, /* of names and addresses in the list; longer ones are cut */
    LIVE_SQL_BYTES_MAX = 1024, /* of the statement in the list; a longer one is cut */
    LIVE_CATCH_UP_QUEUE_BYTES = 256 << 10, /* live_go waits while more than this is queued */
};

/* ---- how a subscription ends ---- */

/* X(name, is it a resync?, what the client is told). A resync is for the client to subscribe again
 * from a new snapshot; the others are for good. */
#define LIVE_ENDINGS(X)                                                                 \
    X(KILLED, false, "killed")                                                          \
    X(DROPPED, false, "table dropped")                                                  \
    X(PERMISSION, false, "permission changed")                                          \
    X(SHUTDOWN, false, "shutdown")                                                      \
    X(CLOSED, false, "closed") /* the sink wanted no more: nobody is told */            \
    X(SLOW, true, "client too slow")                                                    \
    X(TRUNCATED, true, "table truncated")                                               \
    X(ALTERED, true, "table altered") /* a column that the subscription uses is gone */ \
    X(HISTORY, true, "history gone")                                                    \
    X(FILTER, true, "the filter failed on a row")                                       \
    X(MEMORY, true, "out of memory")                                                    \
    X(FAILED, true, "the log cannot be read back")

typedef enum LiveEnding {
#define X(name, resync, text) LIVE_END_##name,
    LIVE_ENDINGS(X)
#undef X
        LIVE_END_COUNT
} LiveEnding;

const char *live_ending_reason(LiveEnding ending);
bool live_ending_is_resync(LiveEnding ending);

/* ---- where changes go ---- */

typedef enum LiveTaken {
    LIVE_TAKEN,
    LIVE_TOO_SLOW,  /* the client's queue is full: ends with SLOW */
    LIVE_NO_MEMORY, /* ends with MEMORY */
    LIVE_CLOSED,    /* wants no more: ends with CLOSED, and `ended` is not called */
} LiveTaken;

/* None of these is called after `ended` began, after live_unsubscribe returned, or at the same time
 * as another one of the same subscription. `allowed` and `ended` may be called before
 * live_subscribe returns. */
typedef struct LiveSink {
    void *context;

    /* Changes of one transaction, or a part of them (encode.h). */
    LiveTaken (*deliver)(void *context, const LiveBatch *batch);

    /* Everything up to `seq` has been delivered; what follows is live. Once. */
    void (*live)(void *context, uint64_t seq);

    /* Once at most. `detail` says more than the reason where there is more, else "". */
    void (*ended)(void *context, LiveEnding ending, const char *detail);

    /* May the user have these rows still? Asked after rights or the table's access changed. */
    bool (*allowed)(void *context);

    /* Bytes that wait for the client: for the list, and so that live_go reads the log no faster
     * than he takes it (after 30 s without taking any he is too slow). NULL: nobody counts them,
     * and live_go does not wait. */
    size_t (*queued)(void *context);
} LiveSink;

/* ---- opening ---- */

typedef struct LiveOptions {
    uint64_t queue_bytes_max;   /* of the log that waits for the fan-out in memory; above it the
                                   fan-out reads the log back from disk until it has caught up */
    uint64_t slice_bytes_max;   /* of one transaction that is looked at and delivered at one time */
    uint32_t subscriptions_max; /* TOO_MANY_REQUESTS above it */
    LiveFrameMaker frames;      /* makes what sinks send; all NULL: live_plain_frames */
} LiveOptions;

#define LIVE_OPTIONS_DEFAULT \
    ((LiveOptions){          \
        .queue_bytes_max = 64 << 20, .slice_bytes_max = 1 << 20, .subscriptions_max = 2500000})

/* Makes no thread yet; the engine is bound later, because its hooks need this. */
CHECKED Status live_open(Env *env, const LiveOptions *options, Logger *logger, Metrics *metrics,
                         Live **out, Error *error);
void live_close(Live *live); /* after live_stop; every subscription must be released. NULL: fine */

/* After both are open, before the first statement runs; before live_start nobody may subscribe. */
CHECKED Status live_start(Live *live, Engine *engine, Catalog *catalog, Error *error);

/* Ends all subscriptions with SHUTDOWN and the fan-out; before the engine is closed, whose hook may
 * still be called. A live_go that is running ends soon: it must have returned, and subscriptions
 * must be released, before the engine is closed, whose log they read. */
void live_stop(Live *live);

/* For the engine's hook of this name. Never waits. */
void live_handed_out(Live *live, LogChunk *chunk, uint64_t visible);

/* ---- subscribing ---- */

/* Everything is copied. */
typedef struct LiveRequest {
    Schema *schema;           /* the table's, as it was bound; a reference is taken */
    bool all_users;           /* every owner's rows; tables without owners: of no meaning */
    OwnerId owner;            /* else whose */
    const Expression *filter; /* NULL: every row */
    const Value *parameters;  /* put into the filter */
    uint32_t parameter_count;
    int64_t now_us;          /* what now() is in the filter, for good */
    Slice current_user;      /* what current_user is in the filter */
    const uint32_t *columns; /* to be sent: column numbers of the schema, or LIVE_COLUMN_… */
    uint32_t column_count;
    unsigned json_flags; /* JsonFlags, for live_encode */
    OwnerId user_id;     /* who subscribes: rights_changed and the list */
    Slice user_name;
    Slice connection_id;
    Slice client_address;
    Slice sql;
    LiveSink sink;
} LiveRequest;

/* Registers: changes from now on are kept for it, none is delivered yet. SCHEMA_CHANGED: bind
 * again. UNDEFINED_TABLE, INSUFFICIENT_PRIVILEGE (the sink's `allowed` says no),
 * FEATURE_NOT_SUPPORTED (a filter that is not the same for one row at any time, or that reads _seq
 * or _updated), TOO_MANY_REQUESTS, SHUTTING_DOWN. The reference is the caller's. */
CHECKED Status live_subscribe(Live *live, const LiveRequest *request, LiveSubscription **out,
                              Error *error);

/* Goes to what follows the transaction that ended with `from_seq`. NOT_FOUND: no such transaction
 * is in the log any more, yet, or at all; the subscription is as it was. */
CHECKED Status live_seek(LiveSubscription *subscription, uint64_t from_seq, Error *error);

/* Delivers what came after `seq` (of a pin taken after live_subscribe, or what live_seek was given)
 * and goes live: the sink's `live` was called when it returns OK. May take long. Where it fails the
 * subscription has ended, and unless somebody unsubscribed, `ended` was told why; QUERY_CANCELED:
 * it was no error that ended it. */
CHECKED Status live_go(LiveSubscription *subscription, uint64_t seq, Error *error);

/* Ends it without a word; it may have ended already. The sink is not called any more. */
void live_unsubscribe(LiveSubscription *subscription);

LiveSubscription *live_subscription_clone(LiveSubscription *subscription);
void live_subscription_release(LiveSubscription *subscription); /* NULL is allowed */

const char *live_subscription_id(const LiveSubscription *subscription);
uint64_t live_subscription_table(const LiveSubscription *subscription); /* its id */
bool live_subscription_is_ended(const LiveSubscription *subscription);

/* ---- from outside ---- */

/* A user's rights changed (0: anonymous's, or anybody's): every subscription that could be
 * concerned is asked. */
void live_rights_changed(Live *live, OwnerId user_id);

/* The log says so too; this does not wait for the fan-out to come to it. */
void live_table_dropped(Live *live, uint64_t table_id);

/* UNDEFINED_OBJECT where there is none of this id, or `only_of_user` is set and it is not his. */
CHECKED Status live_kill(Live *live, Slice id, bool only_of_user, OwnerId user_id, Error *error);

void live_end_all(Live *live, LiveEnding ending);

/* ---- system.live_queries ---- */

typedef enum LiveFilterKind {
    LIVE_FILTER_EQUAL,  /* found by a value of a column */
    LIVE_FILTER_RANGE,  /* by a range of one */
    LIVE_FILTER_PREFIX, /* by the beginning of a text */
    LIVE_FILTER_EVAL,   /* evaluated for each change of the rows it is about */
    LIVE_FILTER_NONE,   /* there is none */
} LiveFilterKind;

typedef enum LiveState {
    LIVE_STATE_STARTING,
    LIVE_STATE_CATCHING_UP,
    LIVE_STATE_LIVE,
    LIVE_STATE_ENDED,
} LiveState;

const char *live_filter_kind_name(LiveFilterKind kind); /* "equal" */
const char *live_state_name(LiveState state);           /* "catching up" */

typedef struct LiveInformation {
    char live_id[LIVE_ID_BYTES];
    Slice connection_id;
    OwnerId user_id;
    Slice user_name;
    Slice namespace_name;
    Slice table_name;
    Slice sql;
    LiveFilterKind filter_kind;
    LiveState state;
    uint64_t last_seq; /* everything up to here was delivered */
    uint64_t changes_sent;
    uint64_t queued_bytes;
    int64_t lag_ms; /* age of the oldest change that was handed out and not delivered yet */
    Slice client_address;
    int64_t created_us;
} LiveInformation;

/* Oldest first, in the arena; all of them, or one user's. */
CHECKED Status live_list(Live *live, bool only_of_user, OwnerId user_id, Arena *arena,
                         LiveInformation **out, size_t *count, Error *error);

/* ---- statistics ---- */

typedef struct LiveStatistics {
    uint64_t subscriptions;
    uint64_t rows;         /* row changes of tables that somebody subscribed to */
    uint64_t candidates;   /* subscriptions that the index named for them */
    uint64_t evaluations;  /* of filters, on one row each */
    uint64_t changes_sent; /* a change counts for each subscription it was delivered to */
    uint64_t batches_sent;
    uint64_t encoded;        /* batches written as JSON */
    uint64_t encoded_shared; /* batches that got what had been written for another */
    uint64_t resyncs;
    uint64_t caught_up;    /* subscriptions that read the log before they went live */
    uint64_t times_behind; /* the fan-out's queue was full */
    uint64_t queue_bytes;
} LiveStatistics;

void live_statistics(Live *live, LiveStatistics *out);

#endif
