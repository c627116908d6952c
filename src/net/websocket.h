/* WebSockets of the server: RFC 6455 on a connection that HTTP has handed over.
 *
 * Pings are answered here, silence is ended here, and so is a client that breaks the rules: 1002
 * protocol, 1007 text that is not UTF-8, 1008 too many messages, 1009 too big, 1011 no memory.
 * Extensions are not spoken (permessage-deflate is left out: a server may decline it).
 *
 * Threading: on the loop's thread (websocket_loop) unless it says otherwise.
 * Ownership: reference counted; the connection holds one until websocket_closed, whoever keeps the
 * pointer longer or gives it to another thread has one of its own. Errors: see each function. */
#ifndef FIRN_NET_WEBSOCKET_H
#define FIRN_NET_WEBSOCKET_H

#include "net/http.h"
#include "net/websocket_codec.h"

typedef struct WebSocket WebSocket;

/* Answers a request with wants_websocket by the handshake, in http_request on the loop's thread;
 * the exchange is gone then in any case. NULL where there is no memory (the client gets 503).
 * Borrowed: it lives at least until websocket_closed. */
WebSocket *websocket_accept(HttpExchange *exchange, void *user);

WebSocket *websocket_clone(WebSocket *socket); /* any thread */
void websocket_release(WebSocket *socket);     /* any thread */
void *websocket_user(const WebSocket *socket);
Loop *websocket_loop(const WebSocket *socket);             /* any thread */
uint64_t websocket_connection_id(const WebSocket *socket); /* any thread */
void websocket_peer(const WebSocket *socket, char out[CONNECTION_ADDRESS_BYTES]);

/* A whole message as a frame that any number of WebSockets may send. Any thread. */
MEMORY_CHECKED SharedFrame *websocket_frame(WebSocketOpcode opcode, Slice payload);

/* Queues the frame, whose reference is taken in any case. False where it was not queued: the socket
 * is closing, or output_bytes_max waits already (the reader is too slow: the caller decides). */
bool websocket_send(WebSocket *socket, SharedFrame *frame);

/* The same from any thread, without an answer; the caller knows of the limit by websocket_queued in
 * its own handlers. False where there is no memory. */
bool websocket_post(WebSocket *socket, SharedFrame *frame);

size_t websocket_queued(const WebSocket *socket); /* bytes */
bool websocket_is_open(const WebSocket *socket);

/* Messages are not read (and not handled) between these two: back-pressure. */
void websocket_pause(WebSocket *socket);
void websocket_resume(WebSocket *socket);

/* Calls websocket_timer once at that time; INT64_MAX takes it back. */
void websocket_set_timer(WebSocket *socket, int64_t deadline_ns);

/* Sends a close frame behind what is queued and waits a short time for the client's. */
void websocket_close(WebSocket *socket, uint16_t code, Slice reason);

#endif
