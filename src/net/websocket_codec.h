/* The WebSocket protocol on the wire (RFC 6455), both sides, without any socket.
 *
 *     byte 0   FIN, three reserved bits (0: no extension is spoken), opcode (4 bits)
 *     byte 1   MASK, length (7 bits): 0-125, 126: two bytes follow, 127: eight bytes follow, both
 *              big-endian and never longer than needed
 *     4 bytes  masking key: from clients always, from servers never
 *     payload  exclusive-or with the key's bytes in turn, where it is masked
 *
 * Texts are checked as UTF-8 as they come, over fragments too. A broken rule ends the connection
 * with the close code that the RFC names for it.
 *
 * Threading: one thread at a time. Ownership: a message points into the input or the reader's
 * buffer and lives until the next call. Errors: only those of memory; what the peer does wrong is
 * an event. */
#ifndef FIRN_NET_WEBSOCKET_CODEC_H
#define FIRN_NET_WEBSOCKET_CODEC_H

#include "base/buffer.h"

typedef enum WebSocketOpcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
} WebSocketOpcode;

enum {
    WEBSOCKET_CONTROL_BYTES_MAX = 125,
    WEBSOCKET_HEADER_BYTES_MAX = 14,
    WEBSOCKET_ACCEPT_BYTES = 28, /* of Sec-WebSocket-Accept */

    /* Close codes. */
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_GOING_AWAY = 1001,
    WEBSOCKET_PROTOCOL_ERROR = 1002,
    WEBSOCKET_UNSUPPORTED = 1003,
    WEBSOCKET_NO_CODE = 1005,  /* never sent: the close frame carried none */
    WEBSOCKET_ABNORMAL = 1006, /* never sent: the connection ended without a close frame */
    WEBSOCKET_BAD_TEXT = 1007,
    WEBSOCKET_POLICY = 1008,
    WEBSOCKET_TOO_BIG = 1009,
    WEBSOCKET_SERVER_ERROR = 1011,
};

/* ---- reading ---- */

/* Where a text stands between two bytes of UTF-8; all zero at a character's border. */
typedef struct Utf8State {
    uint8_t missing; /* continuation bytes to come */
    uint8_t low;     /* bounds of the next one */
    uint8_t high;
} Utf8State;

/* False where the bytes cannot be part of UTF-8. */
bool utf8_feed(Utf8State *state, Slice bytes);

typedef struct WebSocketReader {
    size_t message_bytes_max;
    bool expects_mask; /* true on the server's side */
    bool has_failed;
    uint8_t header[WEBSOCKET_HEADER_BYTES_MAX];
    uint8_t header_size; /* bytes read of it */
    bool in_payload;
    bool is_last;           /* this frame's FIN */
    WebSocketOpcode opcode; /* of this frame */
    uint8_t mask[4];
    uint64_t payload_size;
    uint64_t payload_read;
    WebSocketOpcode
        message_opcode; /* of the fragmented message, CONTINUATION where there is none */
    Utf8State utf8;
    Buffer message; /* fragments and split payloads; freed when their message was handed out */
    uint8_t control_size;
    uint8_t control[WEBSOCKET_CONTROL_BYTES_MAX];
} WebSocketReader;

typedef enum WebSocketEventKind {
    WEBSOCKET_EVENT_NONE,    /* all input was used, nothing is complete */
    WEBSOCKET_EVENT_MESSAGE, /* payload, is_text */
    WEBSOCKET_EVENT_PING,    /* payload */
    WEBSOCKET_EVENT_PONG,
    WEBSOCKET_EVENT_CLOSE, /* code, payload is the reason */
    WEBSOCKET_EVENT_FAIL,  /* code says which rule was broken, payload in words; read no further */
} WebSocketEventKind;

typedef struct WebSocketEvent {
    WebSocketEventKind kind;
    bool is_text;
    uint16_t code;
    Slice payload;
} WebSocketEvent;

void websocket_reader_open(WebSocketReader *reader, bool expects_mask, size_t message_bytes_max);
void websocket_reader_close(WebSocketReader *reader);

/* Frees what the last message took; for connections that go idle. */
void websocket_reader_trim(WebSocketReader *reader);

/* The next event; *used counts the bytes taken. The input is unmasked in place. */
CHECKED Status websocket_reader_next(WebSocketReader *reader, uint8_t *data, size_t size,
                                     size_t *used, WebSocketEvent *event, Error *error);

/* ---- writing ---- */

/* A frame's header without a mask into `out`; returns its size. */
size_t websocket_put_header(uint8_t out[WEBSOCKET_HEADER_BYTES_MAX], WebSocketOpcode opcode,
                            uint64_t payload_size);

/* The same with a masking key behind it, for clients. */
size_t websocket_put_masked_header(uint8_t out[WEBSOCKET_HEADER_BYTES_MAX], WebSocketOpcode opcode,
                                   uint64_t payload_size, const uint8_t mask[4]);

/* Exclusive-or with the key, whose first byte stands for payload byte `offset` = 0. */
void websocket_mask(uint8_t *data, size_t size, const uint8_t mask[4], uint64_t offset);

/* The payload of a close frame: the code and as much of the reason as fits; returns its size. */
size_t websocket_put_close(uint8_t out[WEBSOCKET_CONTROL_BYTES_MAX], uint16_t code, Slice reason);

/* Sec-WebSocket-Accept for a key, NUL-terminated; false where the key is not 16 bytes in base64. */
bool websocket_accept_key(Slice key, char out[WEBSOCKET_ACCEPT_BYTES + 1]);

#endif
