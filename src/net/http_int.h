/* Private to net: exchanges, the codec that makes them out of a connection's bytes, and streams.
 *
 * Threading: a codec is its loop's. Of an exchange the loop touches, while a handler has it, only
 * what is atomic, the stream under its lock, and `detached`, which is the loop's alone.
 * Ownership: the codec belongs to its connection; an exchange to whoever must answer it, and holds
 * a reference to its connection; exchanges come from a pool of their loop and go back to it. */
#ifndef FIRN_NET_HTTP_INT_H
#define FIRN_NET_HTTP_INT_H

#include "net/gzip.h"
#include "net/http_chunked.h"
#include "net/net_int.h"

enum {
    HTTP_DISCARD_BYTES_MAX = 64 << 10, /* of a body nobody wants, read to keep the connection */
    HTTP_BODY_INLINE_BYTES = 64 << 10, /* a body that came with its head and is no longer: copied */
    HTTP_BODY_RATE_MIN = 1024,         /* bytes a second a body must come at, beyond a grace time */
};

typedef struct HttpStream HttpStream;

struct HttpExchange {
    HttpRequest request;
    HttpHead head;
    Arena arena;
    Connection *connection; /* a reference */
    Loop *loop;
    LoopTask task; /* the answer, on its way to the loop */
    void *user;
    int64_t began_ns;
    HttpExchange *next_free;

    /* decided at its head, read only after that */
    Slice cors_origin; /* to be named in the answer; empty: none */
    bool accepts_gzip;
    bool body_is_gzip;
    bool body_is_streamed;

    _Atomic bool is_cancelled;
    _Atomic bool body_is_complete;
    _Atomic bool can_discard; /* what has not come of the body is small enough to be skipped */

    /* the loop's own */
    bool is_given;           /* to http_request: http_finished follows */
    bool is_detached;        /* its connection has closed: nothing more is sent */
    bool is_over;            /* waits only for the stream's `resume`, which is posted */
    HttpStream *seen_stream; /* `stream`, once the loop knows of it */

    Buffer body;           /* of a body taken whole in several pieces */
    uint64_t body_counted; /* bytes counted in Net.body_bytes */
    GzipReader gzip;       /* of a body taken whole */

    bool says_close;          /* the answer promises to close */
    SharedFrame *answer;      /* NULL: it could not be made, close */
    SharedFrame *answer_body; /* or NULL */
    HttpStream *stream;       /* of the answer or the body; NULL where neither is streamed */
};

typedef enum HttpCodecState {
    HTTP_READS_HEAD,
    HTTP_READS_BODY,
    HTTP_ANSWERS, /* the request is whole, its answer is not */
} HttpCodecState;

typedef struct HttpCodec {
    Connection *connection;
    HttpExchange *exchange; /* NULL between requests, and while a body nobody wants is skipped */
    HttpCodecState state;
    bool body_is_chunked;
    bool is_owned;         /* somebody answers the exchange: http_codec_finish will come */
    size_t scanned;        /* of an incomplete head */
    int64_t head_began_ns; /* 0: no byte of it has come */
    HttpChunked chunked;
    uint64_t body_left;     /* without chunks */
    int64_t body_began_ns;  /* or went on after a pause */
    uint64_t body_received; /* since then */
} HttpCodec;

extern const ConnectionProtocol http_protocol;

/* ---- http_codec.c ---- */

/* The codec of an open connection that still speaks HTTP, or NULL. */
HttpCodec *http_codec_of(Connection *connection);

/* The exchange's answer is queued: goes on to the next request or closes. Frees the exchange. */
void http_codec_finish(HttpExchange *exchange);

/* The connection is not HTTP's any more: frees the codec and the exchange. */
void http_codec_leave(HttpExchange *exchange);

/* Sets the deadline that fits the state. */
void http_codec_set_deadline(HttpCodec *codec);

/* Answers for the protocol itself, and closes. */
void http_codec_refuse(HttpCodec *codec, const Error *error);

/* The same for a request whose head was understood: its answer carries id and origin. */
void http_codec_refuse_exchange(HttpCodec *codec, const Error *error);

/* ---- http_body.c ---- */

/* Takes what there is of the body; returns bytes used. It may refuse the request. */
size_t http_body_take(HttpCodec *codec, Slice input);
bool http_body_is_done(const HttpCodec *codec);

/* The last byte has come: request.body is set, or the stream's reader told. */
CHECKED Status http_body_settle(HttpExchange *exchange, Error *error);

/* ---- http_exchange.c ---- */

HttpExchange *http_exchange_take(Connection *connection); /* NULL: no memory */
void http_exchange_give_back(HttpExchange *exchange);     /* to the pool; calls http_finished */
void http_exchange_pool_free(Loop *loop);

/* Fills in the request of a parsed head. */
CHECKED Status http_exchange_begin(HttpExchange *exchange, Error *error);

/* Says once that the client is gone. */
void http_exchange_cancel(HttpExchange *exchange);

/* ---- http_answer.c ---- */

/* The head of an answer. Body sizes: BODY_NONE for statuses without a body, BODY_CHUNKED. */
#define BODY_NONE    (-1)
#define BODY_CHUNKED (-2)

typedef struct HttpAnswerHead {
    const HttpAnswer *answer;
    int64_t body_size;
    size_t inline_size; /* bytes of the body that follow in the same frame */
    bool is_gzip;
} HttpAnswerHead;

/* A frame with the head and room for inline_size bytes, whose place goes to *body. Decides
 * says_close. NULL where there is no memory. */
SharedFrame *http_answer_frame(HttpExchange *exchange, const HttpAnswerHead *head, uint8_t **body);

/* A whole refusal without any exchange, which closes. NULL where there is no memory. */
SharedFrame *http_refusal_frame(Env *env, const Error *error);

/* ---- http_date.c ---- */

enum { HTTP_DATE_BYTES = 29 };

/* "Sun, 06 Nov 1994 08:49:37 GMT", not NUL-terminated. */
void http_date(int64_t wall_us, char out[HTTP_DATE_BYTES]);

/* ---- http_stream.c ---- */

struct HttpStream {
    Mutex mutex; /* "http_stream": everything up to `packed` */
    Condition changed;
    struct HttpPiece *first; /* written, not yet with the loop */
    struct HttpPiece *last;
    uint64_t produced; /* bytes of the answer handed over */
    uint64_t consumed; /* of these the system has taken */
    bool is_posted;    /* the exchange's task is on its way */
    bool has_ended;
    bool is_whole;
    bool is_closed; /* nothing will be sent any more */
    bool wants_drained;
    bool resume_is_posted;

    uint8_t *queue; /* of the body: a ring of HTTP_BODY_QUEUE_BYTES; NULL: not streamed */
    size_t queue_first;
    size_t queue_size;
    bool body_has_ended;
    bool body_is_paused; /* the connection is not read: the queue is full */
    Status body_status;  /* its fault */
    char body_message[ERROR_MESSAGE_BYTES_MAX];

    /* the writer's and the reader's own */
    bool is_begun;
    bool is_chunked;
    bool drops_body; /* HEAD */
    bool gzips;
    GzipWriter gzip;
    GzipReader unpacker;
    Slice packed; /* in packed_bytes, not unpacked yet */
    uint8_t *packed_bytes;
    uint64_t body_bytes_max;
    uint64_t body_bytes;
    int64_t deadline_ns; /* of a write's wait */
    LoopTask resume;
    HttpExchange *exchange;

    /* the loop's own */
    uint64_t base; /* connection_sent where the answer begins */
    bool has_base;
};

CHECKED Status http_stream_open(HttpExchange *exchange, Error *error); /* where there is none */
void http_stream_close(HttpExchange *exchange);

/* Output was taken by the system. */
void http_stream_on_output(HttpExchange *exchange);

/* ---- http_body_stream.c ---- */

/* Bytes of a streamed body that may be put now; 0 where its queue is full, and the reader will
 * have the connection resumed. */
size_t http_body_stream_room(HttpExchange *exchange);
void http_body_stream_put(HttpExchange *exchange, Slice piece);
void http_body_stream_end(HttpExchange *exchange);

/* The body has a fault, or will not come: its reader is told. */
void http_body_stream_fail(HttpExchange *exchange, const Error *error);
void http_body_stream_close(HttpStream *stream);

/* The connection closed: wakes who waits. */
void http_stream_on_closed(HttpExchange *exchange);

#endif
