/* Cursor: bounded reading of bytes that may be damaged or hostile.
 *
 * A read past the end gives zero (or an empty slice), sets `failed`, and every later read fails
 * too; one check at the end is enough, and nothing beyond the end is ever touched.
 *
 * Threading: one thread at a time. Ownership: slices handed out point into the bytes read.
 * Integers are little-endian unless the name says otherwise. */
#ifndef FIRN_BASE_CURSOR_H
#define FIRN_BASE_CURSOR_H

#include "base/slice.h"

typedef struct Cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
} Cursor;

static inline Cursor cursor_of(Slice s)
{
    return (Cursor){s.data, s.data + s.size, false};
}

static inline size_t cursor_rest(const Cursor *cursor)
{
    return cursor->failed ? 0 : (size_t)(cursor->end - cursor->at);
}

/* Everything was read, and nothing was missing. */
static inline bool cursor_is_done(const Cursor *cursor)
{
    return !cursor->failed && cursor->at == cursor->end;
}

uint8_t cursor_u8(Cursor *cursor);
uint16_t cursor_u16(Cursor *cursor);
uint32_t cursor_u32(Cursor *cursor);
uint64_t cursor_u64(Cursor *cursor);
uint16_t cursor_u16_big(Cursor *cursor);
uint32_t cursor_u32_big(Cursor *cursor);
uint64_t cursor_u64_big(Cursor *cursor);
uint64_t cursor_varint(Cursor *cursor); /* an overlong or 65-bit form fails */
Slice cursor_bytes(Cursor *cursor, size_t size);
Slice cursor_sized(Cursor *cursor); /* varint length, then the bytes */
void cursor_skip(Cursor *cursor, size_t size);

#endif
