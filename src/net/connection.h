/* Connection: one accepted socket on one loop, with bounded input, a queue of frames to send, a
 * deadline and a protocol that says what its bytes mean.
 *
 * Idle it owns no buffers: bytes are read into the loop's own memory and only what a protocol
 * leaves unused is kept here.
 *
 * Threading: the loop's thread; connection_clone and connection_release from any.
 * Ownership: reference counted. The loop holds one reference until the socket is closed; whoever
 * hands a connection to another thread takes one. Errors: a connection that cannot go on, for want
 * of memory too, is closed; its protocol's on_closed says so. */
#ifndef FIRN_NET_CONNECTION_H
#define FIRN_NET_CONNECTION_H

#include "net/loop.h"
#include "net/shared_frame.h"

typedef struct Connection Connection;

enum {
    CONNECTION_READ_BYTES = 64 << 10,   /* read at once, and kept at most where nobody takes it */
    CONNECTION_OUTPUT_HIGH = 256 << 10, /* reading stops while more than this waits to be sent */
    CONNECTION_OUTPUT_LOW = 64 << 10,   /* and goes on below this */
    CONNECTION_ADDRESS_BYTES = 64,
};

/* What a protocol does. Called on the loop's thread; it may close the connection or give it to
 * another protocol at any time. */
typedef struct ConnectionProtocol {
    const char *name;

    /* Bytes that came, and those left unused before; returns how many were used. What is left is
     * given again together with what follows, or by connection_process_input. */
    size_t (*on_input)(Connection *connection, uint8_t *data, size_t size);

    /* The peer goes away: connection_peer_ended says whether all that it sent was read (it will
     * send nothing more) or not yet (reading is paused); then there is a second call. */
    void (*on_end)(Connection *connection);

    /* Some of the output was taken by the system. */
    void (*on_output)(Connection *connection);

    /* The deadline passed. */
    void (*on_deadline)(Connection *connection);

    /* The server stops: end as the protocol has it, soon. */
    void (*on_stop)(Connection *connection);

    /* The socket is closed; the last call. Not called after connection_close_gently has ended
     * everything, but before it begins. */
    void (*on_closed)(Connection *connection);
} ConnectionProtocol;

/* ---- for protocols ---- */

/* Makes `protocol` responsible; on_closed of the one before is not called. */
void connection_set_protocol(Connection *connection, const ConnectionProtocol *protocol,
                             void *state);
const ConnectionProtocol *connection_protocol(const Connection *connection);
void *connection_state(const Connection *connection);

/* Queues the frame, whose reference is taken in any case, and sends it before the loop waits again.
 * False where the connection is closing, or had to be closed for want of memory. */
bool connection_send(Connection *connection, SharedFrame *frame);

/* Sends what can be sent now, without waiting for the end of the loop's turn. */
void connection_flush(Connection *connection);

/* Bytes that wait to be sent; bytes sent since it was accepted. */
size_t connection_queued(const Connection *connection);
uint64_t connection_sent(const Connection *connection);

/* on_deadline is called then; INT64_MAX: never. */
void connection_set_deadline(Connection *connection, int64_t deadline_ns);

/* Stops reading until it is resumed: for protocols that cannot take more now. on_end is called all
 * the same where the peer goes away meanwhile. */
void connection_pause(Connection *connection);
void connection_resume(Connection *connection);

/* Offers bytes left unused once more; nothing where on_input is running already. */
void connection_process_input(Connection *connection);
size_t connection_unused_input(const Connection *connection);

/* Did the peer end its side? */
bool connection_peer_ended(const Connection *connection);

/* Sends what is queued, ends our side, and throws away what still comes until the peer has ended
 * its side or a short time has passed: closed at once, the last frames would be lost with unread
 * input. on_closed is called now. */
void connection_close_gently(Connection *connection);

/* Closes at once; on_closed is called now. */
void connection_abort(Connection *connection);

bool connection_is_open(const Connection *connection); /* neither of the two was called */

/* ---- for everybody ---- */

Connection *connection_clone(Connection *connection); /* any thread */
void connection_release(Connection *connection);      /* any thread */

Loop *connection_loop(const Connection *connection);  /* any thread */
uint64_t connection_id(const Connection *connection); /* never used twice; any thread */

/* "127.0.0.1:50412"; "unknown" once it is closed. */
void connection_peer(const Connection *connection, char out[CONNECTION_ADDRESS_BYTES]);

#endif
