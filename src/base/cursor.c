#include "base/cursor.h"

#include <endian.h>

static const uint8_t *take(Cursor *cursor, size_t size)
{
    if (cursor->failed || (size_t)(cursor->end - cursor->at) < size) {
        cursor->failed = true;
        return NULL;
    }
    const uint8_t *at = cursor->at;
    cursor->at += size;
    return at;
}

uint8_t cursor_u8(Cursor *cursor)
{
    const uint8_t *at = take(cursor, 1);
    return at == NULL ? 0 : *at;
}

uint16_t cursor_u16(Cursor *cursor)
{
    uint16_t value = 0;
    const uint8_t *at = take(cursor, sizeof value);
    if (at != NULL)
        memcpy(&value, at, sizeof value);
    return le16toh(value);
}

uint32_t cursor_u32(Cursor *cursor)
{
    uint32_t value = 0;
    const uint8_t *at = take(cursor, sizeof value);
    if (at != NULL)
        memcpy(&value, at, sizeof value);
    return le32toh(value);
}

uint64_t cursor_u64(Cursor *cursor)
{
    uint64_t value = 0;
    const uint8_t *at = take(cursor, sizeof value);
    if (at != NULL)
        memcpy(&value, at, sizeof value);
    return le64toh(value);
}

uint16_t cursor_u16_big(Cursor *cursor)
{
    return be16toh(le16toh(cursor_u16(cursor)));
}

uint32_t cursor_u32_big(Cursor *cursor)
{
    return be32toh(le32toh(cursor_u32(cursor)));
}

uint64_t cursor_u64_big(Cursor *cursor)
{
    return be64toh(le64toh(cursor_u64(cursor)));
}

uint64_t cursor_varint(Cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = cursor_u8(cursor);
        if (cursor->failed)
            return 0;
        bool too_large = shift == 63 && byte > 1;
        bool overlong = shift > 0 && byte == 0;
        if (too_large || overlong)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    cursor->failed = true;
    return 0;
}

Slice cursor_bytes(Cursor *cursor, size_t size)
{
    const uint8_t *at = take(cursor, size);
    return at == NULL ? SLICE_EMPTY : slice_of(at, size);
}

Slice cursor_sized(Cursor *cursor)
{
    uint64_t size = cursor_varint(cursor);
    if (size > cursor_rest(cursor))
        cursor->failed = true;
    return cursor_bytes(cursor, cursor->failed ? 0 : (size_t)size);
}

void cursor_skip(Cursor *cursor, size_t size)
{
    (void)take(cursor, size);
}
