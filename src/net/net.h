/* Net: the front of the server. Loops, connections, HTTP/1.1 and WebSocket; what requests mean is
 * the business of the handlers it is given.
 *
 * Threading: net_open, net_start, net_stop and net_close by one thread; net_configure and
 * net_statistics by any. Handlers are called on loop threads, several at once, and must never block
 * or take long: what does is given to another thread, which answers (net/http.h).
 * Ownership: handlers and their context must outlive the Net.
 * Errors: those of listening and of starting threads; OUT_OF_MEMORY. */
#ifndef FIRN_NET_NET_H
#define FIRN_NET_NET_H

#include "net/http.h"
#include "net/websocket.h"

typedef struct Net Net;

enum {
    NET_LOOPS_MAX = 64,
    NET_ADDRESSES_MAX = 16,
    NET_CORS_ORIGINS_MAX = 64,
    NET_HEADER_BYTES_CEILING = 32 << 10, /* of header_bytes_max: it must fit one read */
};

/* What may change while it runs. net_limits_default gives the defaults of spec/config.md. */
typedef struct NetLimits {
    uint32_t connections_max;     /* beyond it: 503, and closed */
    size_t header_bytes_max;      /* of a request's head: 431 */
    size_t body_bytes_max;        /* of a body taken whole: 413 */
    size_t body_bytes_total_max;  /* of all bodies being taken whole: 503 */
    int64_t header_timeout_ns;    /* from a head's first byte to its last: 408 */
    int64_t idle_timeout_ns;      /* between requests, and while nothing moves within one */
    size_t output_bytes_max;      /* queued on one WebSocket: websocket_send refuses more */
    size_t message_bytes_max;     /* of a WebSocket message: 1009 */
    uint32_t messages_per_second; /* of a WebSocket: 1008. 0: no limit */
    int64_t silence_timeout_ns;   /* of a WebSocket without a sign of life; pings go out at half */
    const Slice *cors_origins;    /* "https://app.example"; "*" allows every origin */
    size_t cors_origin_count;
} NetLimits;

void net_limits_default(NetLimits *out);

typedef struct NetOptions {
    const char *const *addresses; /* HOST:PORT, port 0 picks one */
    size_t address_count;
    uint32_t loops;        /* threads, each listening on every address */
    int send_buffer_bytes; /* SO_SNDBUF of every connection; 0: SEND_BUFFER_DEFAULT */
    NetLimits limits;      /* copied */
} NetOptions;

/* What the room above does with requests and messages; NULL where it does nothing. Called on the
 * connection's loop. */
typedef struct NetHandlers {
    void *context;

    /* A request with a body, before the body is read: it may answer now (401, 404), or ask for the
     * body as a stream. */
    void (*http_head)(void *context, HttpExchange *exchange);

    /* A request, whole, unless its body is streamed. Must not be NULL. */
    void (*http_request)(void *context, HttpExchange *exchange);

    /* The client went away. The exchange must be answered all the same; another thread may be
     * doing so at this moment. */
    void (*http_cancelled)(void *context, HttpExchange *exchange);

    /* The last call for each exchange that was given to http_request: it was answered, and what
     * http_user points to may be freed. */
    void (*http_finished)(void *context, HttpExchange *exchange);

    /* A stream written on the loop's own thread has room again. */
    void (*http_drained)(void *context, HttpExchange *exchange);

    /* A message; it lives until the return. */
    void (*websocket_message)(void *context, WebSocket *socket, Slice message, bool is_text);

    /* What was queued fell below CONNECTION_OUTPUT_LOW. */
    void (*websocket_drained)(void *context, WebSocket *socket);

    /* The client broke a rule (rate, size, protocol) and will be closed: the moment for a last
     * message that says why. */
    void (*websocket_refused)(void *context, WebSocket *socket, const Error *error);

    /* The time of websocket_set_timer came. */
    void (*websocket_timer)(void *context, WebSocket *socket);

    /* The server stops: the moment for a last message; it is closed with 1001 then. */
    void (*websocket_stopping)(void *context, WebSocket *socket);

    /* The last call; `code` is the client's close code, WEBSOCKET_ABNORMAL where there was none. */
    void (*websocket_closed)(void *context, WebSocket *socket, uint16_t code);
} NetHandlers;

/* Binds all addresses; accepts nothing before net_start. */
CHECKED Status net_open(Env *env, const NetOptions *options, const NetHandlers *handlers, Net **out,
                        Error *error);
CHECKED Status net_start(Net *net, Error *error);

/* Stops accepting, ends idle connections and WebSockets, waits until `deadline_ns` for requests
 * under way, then closes everything and calls http_cancelled. Returns when every exchange was
 * answered: whoever holds one must answer it. */
void net_stop(Net *net, int64_t deadline_ns);

/* Frees it; stops it first where that was not done. */
void net_close(Net *net);

/* New limits, for what begins from now on. */
CHECKED Status net_configure(Net *net, const NetLimits *limits, Error *error);

/* "127.0.0.1:7700": the address that was really bound. */
void net_address(const Net *net, size_t number, char out[CONNECTION_ADDRESS_BYTES]);

uint32_t net_loop_count(const Net *net);
Loop *net_loop(const Net *net, uint32_t number);

typedef struct NetStatistics {
    uint64_t connections;         /* now */
    uint64_t websockets;          /* now */
    uint64_t accepted;            /* since the start, as all below */
    uint64_t connections_refused; /* over connections_max */
    uint64_t accept_failures;     /* of the system: descriptors or memory ran out */
    uint64_t requests;
    uint64_t requests_refused; /* by the protocol: 400, 408, 413, 431 … */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t messages_in;
    uint64_t messages_out;
} NetStatistics;

void net_statistics(Net *net, NetStatistics *out);

#endif
