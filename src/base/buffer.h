/* Buffer: bytes that grow at the end, with a limit; and the encoder of fixed and variable integers.
 *
 * A buffer that ran out of memory or of its limit is `failed`: later writes do nothing, and the one
 * check at the end (buffer_status) says so. That keeps encoders free of a test after each byte.
 *
 * Threading: one thread at a time. Ownership: the buffer owns its bytes until buffer_close or
 * buffer_take. Integers are little-endian unless the name says otherwise. */
#ifndef FIRN_BASE_BUFFER_H
#define FIRN_BASE_BUFFER_H

#include "base/error.h"
#include "base/memory.h"
#include "base/slice.h"

typedef struct Buffer {
    uint8_t *data;
    size_t size;     /* bytes written */
    size_t capacity; /* bytes allocated */
    size_t limit;    /* size may not pass it; 0: no limit */
    bool failed;     /* memory or limit ran out: nothing was written since */
    bool is_full;    /* where failed: it was the limit */
} Buffer;

void buffer_open(Buffer *buffer, size_t limit_bytes);
void buffer_close(Buffer *buffer);
void buffer_clear(Buffer *buffer); /* size 0, not failed, memory kept */

/* PROGRAM_LIMIT_EXCEEDED or OUT_OF_MEMORY where a write did not fit. */
CHECKED Status buffer_status(const Buffer *buffer, Error *error);

/* Room for `size` more bytes at data + size, or NULL (and failed). The caller adds to size. */
MEMORY_CHECKED uint8_t *buffer_reserve(Buffer *buffer, size_t size);

static inline Slice buffer_slice(const Buffer *buffer)
{
    return slice_of(buffer->data, buffer->size);
}

/* Hands the bytes to the caller, who frees them with memory_free; the buffer is empty then. */
Slice buffer_take(Buffer *buffer);

void buffer_put(Buffer *buffer, const void *data, size_t size);
void buffer_put_slice(Buffer *buffer, Slice s);
void buffer_put_text(Buffer *buffer, const char *text);
void buffer_put_format(Buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void buffer_put_decimal(Buffer *buffer, uint64_t value); /* its decimal digits */
void buffer_put_zeros(Buffer *buffer, size_t size);
void buffer_put_u8(Buffer *buffer, uint8_t value);
void buffer_put_u16(Buffer *buffer, uint16_t value);
void buffer_put_u32(Buffer *buffer, uint32_t value);
void buffer_put_u64(Buffer *buffer, uint64_t value);
void buffer_put_u16_big(Buffer *buffer, uint16_t value);
void buffer_put_u32_big(Buffer *buffer, uint32_t value);
void buffer_put_u64_big(Buffer *buffer, uint64_t value);
void buffer_put_varint(Buffer *buffer, uint64_t value); /* LEB128, 1 to 10 bytes */
void buffer_put_sized(Buffer *buffer, Slice s);         /* varint length, then the bytes */

/* Overwrites what stands at `offset` already. */
void buffer_set_u32(Buffer *buffer, size_t offset, uint32_t value);
void buffer_set_u64(Buffer *buffer, size_t offset, uint64_t value);

#endif
