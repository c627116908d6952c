/* One WebSocket: who it is, what waits to be sent, its subscriptions and its queries.
 *
 * Everything is under its mutex but for what belongs to the loop's thread. That mutex is a leaf:
 * whoever holds it calls nothing of the database, of live or of a registry (README.md). */
#ifndef FIRN_API_SOCKET_INT_H
#define FIRN_API_SOCKET_INT_H

#include "api/api_int.h"
#include "api/request.h"

enum {
    SOCKET_SENT_HIGH = 192 << 10,        /* given to the network at one time: below its own limit,
                                            above which a client would not be heard */
    SOCKET_OWN_BYTES_MAX = 8 << 20,      /* of answers to messages: a client that reads none */
    SOCKET_OWN_BYTES_LOW = 2 << 20,      /* above it no further query is begun */
    SUBSCRIPTION_BURST_BYTES = 32 << 20, /* of one transaction, and of what follows initial rows */
    SUBSCRIPTION_ROWS_BYTES = 1 << 20,   /* of initial rows, whose reader waits above it */
    MESSAGE_ROOM_BYTES = 1024,           /* for what is not the body: type, id */
};

typedef struct ApiSocket ApiSocket;
typedef struct ApiSubscription ApiSubscription;
typedef struct QueryCall QueryCall;

/* What a waiting message counts as. */
typedef enum OutgoingKind {
    OUTGOING_OWN,   /* of no subscription */
    OUTGOING_ROWS,  /* subscribed, rows, live: their writer waits */
    OUTGOING_CATCH, /* changes before it is live */
    OUTGOING_CHANGE,
    OUTGOING_FINAL, /* the last of a subscription */
    OUTGOING_KIND_COUNT
} OutgoingKind;

typedef struct Outgoing {
    struct Outgoing *next;
    ApiSubscription *subscription; /* a reference; NULL: none */
    SharedFrame *head;
    SharedFrame *body; /* NULL, or the rest of the same WebSocket frame, shared with others */
    size_t size;
    OutgoingKind kind;
    bool is_killed; /* FINAL: by KILL LIVE QUERY */
} Outgoing;

struct ApiSocket {
    ApiClient client; /* the first member */
    Api *api;
    Loop *loop;
    WebSocket *socket; /* the loop's, until it is closed */
    _Atomic uint32_t references;
    LoopTask pump;
    Mutex mutex;
    Condition changed; /* room, `next`, or the end */
    DatabaseSession session;
    bool is_authenticated;
    bool is_closed;
    bool pump_is_posted;
    bool is_broken;      /* a message could not be made: there is no going on */
    bool is_too_slow;    /* SOCKET_OWN_BYTES_MAX */
    bool wants_check;    /* its user's rights changed */
    const char *closing; /* reason; NULL: it stays */
    Outgoing *first;
    Outgoing *last;
    size_t own_bytes;
    size_t queued_bytes;
    ApiSubscription *subscriptions;
    uint32_t subscription_count;
    QueryCall *first_query;
    QueryCall *last_query;
    uint32_t query_count;
    bool is_querying;
};

struct ApiSubscription {
    ApiSubscription *after;
    ApiSubscription *before;
    ApiSocket *socket; /* a reference */
    _Atomic uint32_t references;
    DatabaseTask task;
    DatabaseTask cleanup;
    LiveSubscription *cleaned;
    char id[API_CLIENT_ID_BYTES_MAX + 1];
    Slice prefix; /* of its messages of changes; in the arena, as all of the request */
    Arena arena;
    SqlRequest sql;
    SubscribeOptions options;
    DatabaseSession watch;     /* for the question whether it may go on; never changed */
    _Atomic uint64_t table_id; /* 0: not known yet */
    /* Under the socket's mutex. */
    bool is_listed;
    bool is_running; /* database_subscribe */
    bool is_muted;   /* its client wants no more, or is gone */
    bool is_over;    /* its last message is queued */
    bool is_live;
    bool is_slow;    /* initial rows were not read in time */
    uint64_t commit; /* of the transaction whose parts are coming; 0: none */
    LiveSubscription *live;
    size_t queued[OUTGOING_KIND_COUNT];
    uint64_t nexts; /* batches asked for */
    uint64_t batch;
};

/* ---- socket.c ---- */

ApiSocket *socket_clone(ApiSocket *socket);
void socket_release(ApiSocket *socket);

/* Closes it soon, with `closing` and the reason. Any thread. */
void socket_end(ApiSocket *socket, const char *reason);

/* ---- socket_message.c ---- */

void socket_say_ready(ApiSocket *socket);

/* ---- socket_output.c ---- */

/* Queues a message; takes the frames in any case. False where it is closed, or memory ran out. */
bool socket_put(ApiSocket *socket, ApiSubscription *subscription, OutgoingKind kind,
                SharedFrame *head, SharedFrame *body);

/* Queues a JSON text as a message; a message that cannot be queued ends the connection. */
void socket_say(ApiSocket *socket, ApiSubscription *subscription, OutgoingKind kind,
                const Buffer *json);
void socket_say_error(ApiSocket *socket, Slice id, const Error *error);

/* For messages that are queued together: made without the lock, appended under it. */
MEMORY_CHECKED Outgoing *outgoing_create(ApiSubscription *subscription, OutgoingKind kind,
                                         SharedFrame *head, SharedFrame *body);
void outgoing_free(Outgoing *first);
void socket_append(ApiSocket *socket, Outgoing *first); /* under the mutex */
void socket_wake(ApiSocket *socket);                    /* under the mutex */

/* On the loop. */
void socket_pump(ApiSocket *socket);
void socket_send_rest(ApiSocket *socket);
void socket_send_now(ApiSocket *socket, const Buffer *json);
void socket_run_pump(LoopTask *task);

/* {"type":TYPE,"id":ID — the id left out where it has no data. */
void put_message(Buffer *out, const char *type, Slice id);
void put_error_message(Buffer *out, Slice id, const Error *error, const StatementPlace *place);

/* ---- subscription.c ---- */

/* On the loop; `message` lives in the arena, which is taken over. */
void client_subscribe(ApiSocket *socket, Slice id, const JsonValue *message, Arena *arena);
void client_next(ApiSocket *socket, Slice id);
void client_unsubscribe(ApiSocket *socket, Slice id);
void client_unsubscribe_all(ApiSocket *socket); /* it is closed */

void client_subscription_release(ApiSubscription *subscription);
ApiSubscription *client_subscription_clone(ApiSubscription *subscription);

/* On the loop: its last message was sent. True where it was the last one there was. */
bool client_subscription_finish(ApiSubscription *subscription);

/* ---- query.c ---- */

void query_begin(ApiSocket *socket, Slice id, const JsonValue *message, Arena *arena);
void query_start_next(ApiSocket *socket); /* where none runs and there is room */
void queries_drop(ApiSocket *socket);

#endif
