/* HTTP requests and their answers.
 *
 * An exchange is one request and its answer. It is given to the handlers when its body is there (or
 * at its head, where the body is to be streamed) and must be answered exactly once: http_answer,
 * http_answer_error, or http_stream_begin … http_stream_end, or websocket_accept. It is gone then.
 * Requests on one connection run one after the other, so answers are in order.
 *
 * Threading: an exchange is one thread's at a time: first the loop's, then whosever the handler
 * gives it to; any thread may answer. On the loop's own thread nothing here blocks; elsewhere
 * http_stream_write and http_body_read wait for the client.
 * Ownership: the request's slices live until the answer. Errors: CONNECTION_FAILURE where the
 * client is gone: the exchange must be ended all the same. */
#ifndef FIRN_NET_HTTP_H
#define FIRN_NET_HTTP_H

#include "net/connection.h"
#include "net/http_parse.h"
#include "net/http_uri.h"

typedef struct HttpExchange HttpExchange;

enum {
    HTTP_REQUEST_ID_BYTES_MAX = 128,
    HTTP_ARENA_BYTES_MAX = 512 << 20,  /* of one request's arena */
    HTTP_STREAM_BYTES_MAX = 1 << 20,   /* of a streamed answer waiting to be sent */
    HTTP_BODY_QUEUE_BYTES = 256 << 10, /* of a streamed body waiting to be read */
    HTTP_GZIP_BYTES_MIN = 1024,        /* smaller answers are not packed */
};

/* ---- the request ---- */

typedef struct HttpRequest {
    HttpMethod method;
    Slice path; /* decoded: net/http_uri.h */
    const HttpParameter *parameters;
    size_t parameter_count;
    const HttpHeader *headers;
    size_t header_count;
    Slice host;
    Slice body;           /* whole and unpacked; empty where it is streamed */
    Slice request_id;     /* X-Request-ID, or one of ours */
    bool wants_websocket; /* a valid WebSocket handshake: websocket_accept may answer it */
} HttpRequest;

const HttpRequest *http_request(const HttpExchange *exchange);

/* The value of a header (name in lower case), of a query parameter; data is NULL where missing. */
Slice http_header(const HttpExchange *exchange, const char *name);
Slice http_parameter(const HttpExchange *exchange, const char *name);

/* The request's memory, freed with the answer. */
Arena *http_arena(HttpExchange *exchange);

/* A pointer of the handler's own. */
void http_set_user(HttpExchange *exchange, void *user);
void *http_user(const HttpExchange *exchange);

Loop *http_loop(const HttpExchange *exchange);
uint64_t http_connection_id(const HttpExchange *exchange);
int64_t http_began_ns(
    const HttpExchange *exchange); /* monotonic, when its first byte was handled */

/* The client's address; on the loop's thread. */
void http_peer(const HttpExchange *exchange, char out[CONNECTION_ADDRESS_BYTES]);

/* Has the client gone away? Any thread, at any time before the answer. */
bool http_is_cancelled(const HttpExchange *exchange);

/* ---- bodies as streams ---- */

/* In http_head only: http_request is called at once, and the body is read by http_body_read. At
 * most `bytes_max` bytes, after unpacking. */
CHECKED Status http_stream_body(HttpExchange *exchange, uint64_t bytes_max, Error *error);

/* The next bytes of the body, unpacked: waits for at least one, *got is 0 at its end. Not on the
 * loop's thread. PROTOCOL_VIOLATION, PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT, CONNECTION_FAILURE: the
 * body has a fault or will not come. */
CHECKED Status http_body_read(HttpExchange *exchange, void *out, size_t size, size_t *got,
                              Error *error);

/* ---- answers ---- */

typedef struct HttpAnswer {
    int status;
    const char *content_type;  /* NULL where there is no body */
    Slice body;                /* copied */
    SharedFrame *frame;        /* in place of body: sent as it is; the reference is taken */
    const HttpHeader *headers; /* further ones */
    size_t header_count;
    bool is_packed; /* never gzip it: it is compressed already */
} HttpAnswer;

/* Any thread. Packs it where the client takes gzip; HEAD gets no body. */
void http_answer(HttpExchange *exchange, const HttpAnswer *answer);

/* {"status":"error",…} with the HTTP status of the error's code. */
void http_answer_error(HttpExchange *exchange, const Error *error);

/* The start of an answer of unknown length: `answer` without body or frame. */
CHECKED Status http_stream_begin(HttpExchange *exchange, const HttpAnswer *answer, Error *error);

/* The next piece. Off the loop it waits while HTTP_STREAM_BYTES_MAX are on their way; on it the
 * caller looks at http_stream_queued first and goes on in http_drained. */
CHECKED Status http_stream_write(HttpExchange *exchange, Slice piece, Error *error);
size_t http_stream_queued(HttpExchange *exchange);

/* http_stream_write waits no longer than this (monotonic; INT64_MAX, the default: for ever) and
 * gives QUERY_CANCELED then: a client that reads slowly must not keep the writer's thread. */
void http_stream_set_deadline(HttpExchange *exchange, int64_t deadline_ns);

/* Ends the answer and the exchange. What is not `whole` is cut off, so that the client can tell. */
void http_stream_end(HttpExchange *exchange, bool whole);

/* ---- the body of an error ---- */

/* Where in a request's statements it happened; 0 where unknown (all count from 1 but byte). */
typedef struct HttpErrorPlace {
    uint32_t statement;
    uint32_t line;
    uint32_t column;
    uint32_t byte;
    bool has_position;
} HttpErrorPlace;

/* {"code":…,"sqlstate":…,"message":…,"detail":…,"hint":…,"position":…,"statement":…} */
void http_put_error(Buffer *out, const Error *error, const HttpErrorPlace *place);

/* {"status":"error","took":…,"results":[],"error":{…}} */
void http_put_error_body(Buffer *out, const Error *error, const HttpErrorPlace *place,
                         int64_t took_ns);

/* Milliseconds with three decimals, as "took" has them. */
void http_put_took(Buffer *out, int64_t took_ns);

#endif
