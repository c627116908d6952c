/* An HTTP/1.1 client for one server: one kept connection, one request at a time.
 *
 * Waiting is done in short slices, so that Ctrl-C ends it (by closing the connection: the server
 * stops the statement then) and somebody can show how time goes by.
 *
 * Threading: one thread. Ownership: close what was opened. Errors: CONNECTION_FAILURE where the
 * server cannot be reached or went away, QUERY_CANCELED after Ctrl-C, PROTOCOL_VIOLATION for what
 * is not HTTP, PROGRAM_LIMIT_EXCEEDED for an answer of more than HTTP_CLIENT_BODY_BYTES_MAX. */
#ifndef FIRN_CLI_HTTP_CLIENT_H
#define FIRN_CLI_HTTP_CLIENT_H

#include "base/buffer.h"
#include "base/env.h"

enum {
    HTTP_CLIENT_HEAD_BYTES_MAX = 64 << 10,
    HTTP_CLIENT_BODY_BYTES_MAX = 1 << 30,
    HTTP_CLIENT_ADDRESS_BYTES = 300,
};

typedef struct HttpClient {
    Env *env;
    char address[HTTP_CLIENT_ADDRESS_BYTES]; /* HOST:PORT */
    Socket *socket;                          /* NULL: not connected */
    Buffer input;                            /* received, not used yet */

    /* Called about ten times a second while an answer is awaited; NULL: nobody. */
    void (*on_wait)(void *context, int64_t waited_ns);
    void *context;
    int64_t patience_ns; /* CONNECTION_FAILURE after waiting so long; 0: for ever */
} HttpClient;

typedef struct HttpReply {
    int status;
    Buffer body;
    Buffer head; /* status line and headers */
} HttpReply;

CHECKED Status http_client_open(HttpClient *client, Env *env, const char *host, uint16_t port,
                                Error *error);
void http_client_close(HttpClient *client);

/* Ends the connection; the next request makes a new one. */
void http_client_disconnect(HttpClient *client);

/* `token` may be empty; a body only where it is not empty or the method is POST. */
CHECKED Status http_client_ask(HttpClient *client, const char *method, const char *path,
                               Slice token, Slice body, HttpReply *reply, Error *error);

void http_reply_open(HttpReply *reply);
void http_reply_close(HttpReply *reply);
Slice http_reply_header(const HttpReply *reply, const char *name); /* data NULL where missing */

/* ---- for the WebSocket client, which begins as one ---- */

CHECKED Status http_client_connect(HttpClient *client, Error *error); /* where it is not */
CHECKED Status http_client_send(HttpClient *client, Slice bytes, Error *error);

/* Waits for more input. */
CHECKED Status http_client_receive(HttpClient *client, Error *error);
void http_client_drop(HttpClient *client, size_t size); /* the input's first bytes */
CHECKED Status http_client_read_head(HttpClient *client, HttpReply *reply, Error *error);

#endif
