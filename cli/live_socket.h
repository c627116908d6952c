/* A WebSocket client (RFC 6455) over the HTTP client's connection: text messages, one at a time.
 *
 *     byte 0   FIN, three reserved bits (0), opcode (4 bits)
 *     byte 1   MASK, length (7 bits): 0-125, 126: two bytes follow, 127: eight bytes follow, both
 *              big-endian
 *     4 bytes  masking key: on what we send always, on what we get never
 *     payload  exclusive-or with the key's bytes in turn, where it is masked
 *
 * Pings are answered while a message is waited for.
 *
 * Threading: one thread. Ownership: a message lives until the next call. Errors: PROTOCOL_VIOLATION
 * for what breaks the rules, CONNECTION_FAILURE where the server closed (its reason in the
 * message), QUERY_CANCELED after Ctrl-C, PROGRAM_LIMIT_EXCEEDED for a message too large. */
#ifndef FIRN_CLI_LIVE_SOCKET_H
#define FIRN_CLI_LIVE_SOCKET_H

#include "cli/http_client.h"

enum { WEBSOCKET_MESSAGE_BYTES_MAX = 64 << 20 };

typedef struct LiveSocket {
    HttpClient http;
    Buffer message; /* fragments so far */
    bool in_message;
    size_t taken; /* bytes of the input that the last message took */
} LiveSocket;

/* Connects and shakes hands. */
CHECKED Status live_socket_open(LiveSocket *socket, Env *env, const char *host, uint16_t port,
                                const char *path, Error *error);

/* Says goodbye where it still can. */
void live_socket_close(LiveSocket *socket);

CHECKED Status live_socket_send(LiveSocket *socket, Slice text, Error *error);
CHECKED Status live_socket_receive(LiveSocket *socket, Slice *text, Error *error);

/* ---- the parts, for tests ---- */

typedef struct LiveFrame {
    bool is_last;
    uint8_t opcode;
    Slice payload;
    size_t size; /* of the whole frame; 0: more bytes are needed */
} LiveFrame;

CHECKED Status live_socket_read_frame(Slice input, LiveFrame *out, Error *error);
void live_socket_put_frame(Buffer *out, uint8_t opcode, Slice payload, const uint8_t mask[4]);

/* What the server must answer to this key. */
enum { WEBSOCKET_ACCEPT_BYTES = 28 };
CHECKED Status live_socket_accept(Slice key, char out[WEBSOCKET_ACCEPT_BYTES + 1], Error *error);

#endif
