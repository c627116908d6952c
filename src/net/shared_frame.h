/* SharedFrame: encoded bytes that wait in the output queues of any number of connections.
 *
 * Threading: immutable once it is shared; references are counted atomically, so that a frame made
 * by one thread is sent and freed by others. Ownership: each holder has a reference of its own.
 * Errors: NULL where there is no memory. */
#ifndef FIRN_NET_SHARED_FRAME_H
#define FIRN_NET_SHARED_FRAME_H

#include <stdatomic.h>

#include "base/buffer.h"

typedef struct SharedFrame {
    _Atomic uint32_t references;
    uint8_t *data; /* `bytes`, or memory of its own */
    size_t size;
    uint8_t bytes[];
} SharedFrame;

/* Room for `size` bytes, which the caller writes to data before it shares the frame. */
MEMORY_CHECKED SharedFrame *shared_frame_create(size_t size);
MEMORY_CHECKED SharedFrame *shared_frame_copy(Slice bytes);

/* The buffer's bytes without a copy; the buffer is empty then. Untouched on failure. */
MEMORY_CHECKED SharedFrame *shared_frame_take(Buffer *buffer);

SharedFrame *shared_frame_clone(SharedFrame *frame);
void shared_frame_release(SharedFrame *frame); /* NULL is allowed */

#endif
