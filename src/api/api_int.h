/* What the files of this room share. */
#ifndef FIRN_API_API_INT_H
#define FIRN_API_API_INT_H

#include "api/api.h"
#include "base/assert.h"

enum {
    API_JSON_DEPTH_MAX = 64,             /* of what clients send */
    API_QUICK_BODY_BYTES_MAX = 64 << 10, /* larger requests are read on a statement thread */
    API_ANSWER_BYTES_MAX = 1 << 20,      /* of an answer that is made whole; beyond: a stream */
    API_CLIENT_ID_BYTES_MAX = 128,       /* of a WebSocket client's own ids */
    API_QUERIES_WAITING_MAX = 100,       /* of one WebSocket */
    API_TOKENS_CACHED = 128,             /* of one loop */
};

/* How long initial rows wait for a client that does not read, or does not say `next`. */
#define API_PATIENCE_NS INT64_C(60000000000)

/* ---- metrics ---- */

#define API_METRICS(X)                                                                          \
    X(HISTOGRAM, SECONDS, request_seconds, "firn_api_request_seconds",                          \
      "Time of POST /v1/sql, from the first byte of the request to its answer")                 \
    X(COUNTER, PLAIN, quick, "firn_api_quick_total", "Requests answered on the network loop")   \
    X(COUNTER, PLAIN, failed, "firn_api_failed_total", "Requests answered by an error")         \
    X(COUNTER, PLAIN, streamed, "firn_api_streamed_total", "Answers too long to be made whole") \
    X(COUNTER, PLAIN, loaded_rows, "firn_api_loaded_rows_total", "Rows of bulk loads")          \
    X(GAUGE, PLAIN, subscriptions, "firn_api_subscriptions", "Subscriptions of WebSockets")     \
    X(GAUGE, PLAIN, connections, "firn_net_connections", "Connections now")                     \
    X(GAUGE, PLAIN, websockets, "firn_net_websockets", "WebSockets now")                        \
    X(GAUGE, PLAIN, accepted, "firn_net_accepted", "Connections since the start")               \
    X(GAUGE, PLAIN, refused, "firn_net_connections_refused", "Refused: too many connections")   \
    X(GAUGE, PLAIN, accept_failures, "firn_net_accept_failures", "Accepting failed")            \
    X(GAUGE, PLAIN, requests, "firn_net_requests", "HTTP requests since the start")             \
    X(GAUGE, PLAIN, requests_refused, "firn_net_requests_refused", "Malformed HTTP requests")   \
    X(GAUGE, BYTES, bytes_in, "firn_net_received_bytes", "Bytes received since the start")      \
    X(GAUGE, BYTES, bytes_out, "firn_net_sent_bytes", "Bytes sent since the start")             \
    X(GAUGE, PLAIN, messages_in, "firn_net_messages_received", "WebSocket messages received")   \
    X(GAUGE, PLAIN, messages_out, "firn_net_messages_sent", "WebSocket frames sent")

typedef struct ApiMetrics {
    API_METRICS(METRIC_FIELD)
} ApiMetrics;

/* ---- the configuration, as requests read it ---- */

typedef struct ApiLimits {
    _Atomic uint64_t queue_bytes;
    _Atomic uint64_t message_bytes;
    _Atomic uint64_t subscriptions;
    _Atomic int64_t auth_timeout_ns;
    _Atomic uint64_t params;
    _Atomic uint64_t param_bytes;
    _Atomic uint64_t load_bytes;
    _Atomic int64_t statement_timeout_ns;
    _Atomic uint64_t requests_per_second;
    _Atomic uint64_t statements_per_user;
} ApiLimits;

/* ---- connections (clients.c) ---- */

/* Somebody who is connected: a WebSocket, or an HTTP request that is not answered at once. */
typedef struct ApiClient {
    struct ApiClient *after;
    struct ApiClient *before;
    char id[SESSION_ID_BYTES];
    const char *protocol;
    char address[CONNECTION_ADDRESS_BYTES];
    int64_t connected_us;
    _Atomic int64_t active_us;
    _Atomic uint64_t requests;
    _Atomic uint32_t subscriptions;
    /* Calls under the registry's lock. */
    void (*who)(struct ApiClient *client, DatabaseSession *out);
    size_t (*queued)(struct ApiClient *client); /* may be NULL */
    void (*kill)(struct ApiClient *client, const char *reason);
    void (*look_again)(struct ApiClient *client); /* his rights changed; may be NULL */
} ApiClient;

typedef struct Registry {
    Mutex mutex;
    ApiClient *first;
    size_t count;
} Registry;

void clients_add(Api *api, ApiClient *client);
void clients_remove(Api *api, ApiClient *client); /* nothing where it is not in it */

Status clients_visit(void *context, ConnectionVisitor visit, void *visit_context, Error *error);
Status clients_kill(void *context, Slice id, bool only_of_user, OwnerId user_id, Error *error);
void clients_rights_changed(void *context, OwnerId user_id);

/* ---- who asks (session.c) ---- */

typedef struct TokenCache TokenCache;

/* A session with the same texts: its principal points to its own. */
void session_copy(DatabaseSession *out, const DatabaseSession *session);

/* The connection's id: the same for all requests of a connection. */
void session_set_connection(Api *api, uint64_t connection, Session *session);

/* By the Authorization header, else anonymous. On the loop's thread. */
CHECKED Status session_of_request(Api *api, HttpExchange *exchange, DatabaseSession *out,
                                  Error *error);

void token_caches_free(Api *api);

/* ---- limits of one user (rate.c) ---- */

typedef struct Rates Rates;

CHECKED Status rates_create(Env *env, Rates **out, Error *error);
void rates_destroy(Rates *rates);

/* TOO_MANY_REQUESTS above limits.requests_per_second. */
CHECKED Status rate_check_request(Api *api, const DatabaseSession *session, Error *error);

/* TOO_MANY_REQUESTS above limits.statements_per_user; else rate_end_statement is to follow. */
CHECKED Status rate_begin_statement(Api *api, const DatabaseSession *session, Error *error);
void rate_end_statement(Api *api, const DatabaseSession *session);

/* ---- the room ---- */

struct Api {
    Env *env;
    Logger *logger;
    Database *database; /* NULL before api_bind */
    Net *net;           /* NULL before api_attach */
    uint64_t connection_seed;
    Registry registry;
    ApiLimits limits;
    ApiMetrics metrics;
    Rates *rates;
    TokenCache *tokens[NET_LOOPS_MAX]; /* each its loop's own */
    LoopTask reconfigure;
    _Atomic bool reconfigure_posted;
    _Atomic int64_t subscriptions;
};

/* ---- requests that are not answered at once ---- */

typedef enum RequestKind { REQUEST_STATEMENT, REQUEST_LOAD, REQUEST_LOGIN } RequestKind;

/* First member of what http_user points to. */
typedef struct ApiRequest {
    RequestKind kind;
    Api *api;
    HttpExchange *exchange;
    DatabaseSession session;
    ApiClient client;
    bool is_listed;
    _Atomic bool is_killed;
} ApiRequest;

/* Makes one of `size` bytes in the exchange's arena, with its session's id and address set, and
 * sets http_user. NULL: there is no memory, and the exchange was answered. */
ApiRequest *request_create(Api *api, HttpExchange *exchange, RequestKind kind, size_t size);

/* Into the list of connections and out of it again; on any thread, before the answer. */
void request_list(ApiRequest *request, const char *protocol);
void request_unlist(ApiRequest *request);

/* ---- answers ---- */

/* An error with the place in the statement's text, and the results before it (what stands between
 * the brackets). */
void answer_failure(HttpExchange *exchange, Env *env, Slice results, const Error *error,
                    const StatementPlace *place);
void answer_json(HttpExchange *exchange, int status, Slice body);

HttpErrorPlace error_place(const StatementPlace *place);

/* ---- doors ---- */

void statement_request(Api *api, HttpExchange *exchange);       /* POST /v1/sql */
void load_head(Api *api, HttpExchange *exchange, Slice target); /* POST /v1/tables/…/rows */
void load_request(Api *api, HttpExchange *exchange, Slice target);
void login_request(Api *api, HttpExchange *exchange);
void refresh_request(Api *api, HttpExchange *exchange);
void logout_request(Api *api, HttpExchange *exchange);
void me_request(Api *api, HttpExchange *exchange);
void job_request(Api *api, HttpExchange *exchange, Slice id);
void page_request(Api *api, HttpExchange *exchange);
void health_request(Api *api, HttpExchange *exchange);
void ready_request(Api *api, HttpExchange *exchange);
void metrics_request(Api *api, HttpExchange *exchange);
void socket_request(Api *api, HttpExchange *exchange); /* GET /v1/ws */

void route_head(void *context, HttpExchange *exchange);
void route_request(void *context, HttpExchange *exchange);
void route_cancelled(void *context, HttpExchange *exchange);

void socket_message(void *context, WebSocket *socket, Slice message, bool is_text);
void socket_drained(void *context, WebSocket *socket);
void socket_refused(void *context, WebSocket *socket, const Error *error);
void socket_timer(void *context, WebSocket *socket);
void socket_stopping(void *context, WebSocket *socket);
void socket_closed(void *context, WebSocket *socket, uint16_t code);

#endif
