#include "net/shared_frame.h"

#include "base/assert.h"

SharedFrame *shared_frame_create(size_t size)
{
    SharedFrame *frame = memory_allocate(sizeof(SharedFrame) + size);
    if (frame == NULL)
        return NULL;
    atomic_init(&frame->references, 1);
    frame->data = frame->bytes;
    frame->size = size;
    return frame;
}

SharedFrame *shared_frame_copy(Slice bytes)
{
    SharedFrame *frame = shared_frame_create(bytes.size);
    if (frame != NULL && bytes.size > 0)
        memcpy(frame->data, bytes.data, bytes.size);
    return frame;
}

SharedFrame *shared_frame_take(Buffer *buffer)
{
    ASSERT(!buffer->failed);
    SharedFrame *frame = shared_frame_create(0);
    if (frame == NULL)
        return NULL;
    frame->size = buffer->size;
    frame->data = (uint8_t *)(uintptr_t)buffer_take(buffer).data;
    return frame;
}

SharedFrame *shared_frame_clone(SharedFrame *frame)
{
    uint32_t before = atomic_fetch_add_explicit(&frame->references, 1, memory_order_relaxed);
    ASSERT(before > 0 && before < UINT32_MAX);
    return frame;
}

void shared_frame_release(SharedFrame *frame)
{
    if (frame == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&frame->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    if (frame->data != frame->bytes)
        memory_free(frame->data);
    memory_free(frame);
}
