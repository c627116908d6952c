/* Channel: framed messages over a stream socket between the server and a worker, with descriptors.
 *
 * A frame on the wire, integers little-endian:
 *      0  u32  size of the body, at most the receiver's limit
 *      4  u8   kind (protocol.h)
 *      5  u8   descriptors that come with it (SCM_RIGHTS), at most DESCRIPTORS_MAX
 *      6  u16  zero
 *      8  u64  statement it belongs to, 0: none
 *     16       body
 * Descriptors travel with the frame's first byte. An end that takes none drops what it is sent.
 *
 * Threading: one thread at a time, but for channel_interrupt. Ownership: the channel owns its
 * socket and the memory of the frame received last; the receiver owns a frame's descriptors.
 * Errors: CONNECTION_FAILURE where the other side is gone, QUERY_CANCELED where the deadline
 * passed, PROTOCOL_VIOLATION for anything that is no frame, OUT_OF_MEMORY. */
#ifndef FIRN_WORKER_CHANNEL_H
#define FIRN_WORKER_CHANNEL_H

#include "base/env.h"

enum {
    FRAME_HEADER_BYTES = 16,
    DESCRIPTORS_MAX = 64,             /* of one frame; Linux takes up to 253 */
    CHANNEL_KEPT_BYTES_MAX = 1 << 20, /* a larger body's memory is given back after its use */
};

typedef struct Channel {
    Env *env;
    int descriptor;
    bool takes_descriptors;
    size_t body_bytes_max;
    Buffer body;
} Channel;

typedef struct Frame {
    uint8_t kind;
    uint64_t statement;
    Slice body; /* until the next channel_receive */
    int descriptors[DESCRIPTORS_MAX];
    uint32_t descriptor_count;
} Frame;

/* Takes the descriptor, which is a connected stream socket. */
void channel_open(Channel *channel, Env *env, int descriptor, bool takes_descriptors,
                  size_t body_bytes_max);
void channel_close(Channel *channel);

/* Waits until all of it is sent, at most until `deadline_ns` (monotonic; INT64_MAX: for ever). The
 * descriptors stay the caller's. */
CHECKED Status channel_send(Channel *channel, uint8_t kind, uint64_t statement, Slice body,
                            const int *descriptors, uint32_t descriptor_count, int64_t deadline_ns,
                            Error *error);

CHECKED Status channel_receive(Channel *channel, int64_t deadline_ns, Frame *out, Error *error);

/* Is there something to receive (or the end of the stream) now? */
bool channel_is_readable(const Channel *channel);

/* Waits until there is; QUERY_CANCELED where the deadline passed first. Nothing is received. */
CHECKED Status channel_wait(Channel *channel, int64_t deadline_ns, Error *error);

/* Makes every send and receive of both sides fail at once. Any thread, while the channel is open.
 */
void channel_interrupt(Channel *channel);

/* Closes what came with a frame that nobody wants. */
void frame_drop_descriptors(Frame *frame);

#endif
