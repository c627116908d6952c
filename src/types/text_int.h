/* Text in characters: UTF-8 that was checked when it came in, so a lead byte says a character's
 * length. Damaged text is never read beyond its end.
 *
 * Threading: pure functions. Ownership: slices of the text given. Errors: none. */
#ifndef FIRN_TYPES_TEXT_INT_H
#define FIRN_TYPES_TEXT_INT_H

#include "base/buffer.h"

/* The code point at `at` and its bytes (at least 1); `at` is below s.size. */
uint32_t text_code_point(Slice s, size_t at, size_t *size);

/* Bytes of the character at `at`. */
static inline size_t text_step(Slice s, size_t at)
{
    uint8_t c = s.data[at];
    size_t size = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return size <= s.size - at ? size : s.size - at;
}

size_t text_length(Slice s); /* in characters */

/* The offset of character number `count`, or s.size where there are fewer. */
size_t text_offset(Slice s, size_t count);

/* Bytes of a code point in UTF-8, 1–4. */
size_t text_encode(uint32_t code, uint8_t out[4]);

/* PostgreSQL's isspace: blank, \t \n \v \f \r. */
static inline bool text_is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool text_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool text_is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline uint8_t text_lower_ascii(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static inline uint8_t text_upper_ascii(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c;
}

/* 0–15, or -1. */
int text_hex_digit(uint8_t c);
void text_put_hex(Buffer *out, Slice bytes); /* two lower-case digits each */

#endif
