/* Base64 (RFC 4648). Threading: pure functions. Ownership: the caller's buffer. */
#ifndef FIRN_TYPES_BASE64_INT_H
#define FIRN_TYPES_BASE64_INT_H

#include "base/buffer.h"

/* `line_length` 0: one line; else a newline behind each so many characters (76: PostgreSQL). */
void base64_encode(Buffer *out, Slice bytes, size_t line_length);

/* What stopped a decoder; white space is skipped. */
enum Base64Result {
    BASE64_GOOD,
    BASE64_BAD_SYMBOL, /* *bad is its offset */
    BASE64_BAD_PADDING,
    BASE64_BAD_END,
};
enum Base64Result base64_decode(Buffer *out, Slice text, size_t *bad);

#endif
