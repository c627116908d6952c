/* Base64 without padding (RFC 4648), strict: one text for each value.
 *
 * Threading: pure functions. Errors: false, with nothing said. */
#ifndef FIRN_AUTH_BASE64_INT_H
#define FIRN_AUTH_BASE64_INT_H

#include "base/slice.h"

typedef enum Base64 {
    BASE64_STANDARD, /* + and /: password verifiers */
    BASE64_URL,      /* - and _: tokens */
} Base64;

/* Characters for `size` bytes. */
static inline size_t base64_size(size_t size)
{
    return size / 3 * 4 + (size % 3 == 0 ? 0 : size % 3 + 1);
}

/* Writes base64_size characters, no NUL. */
void auth_base64_encode(Base64 kind, Slice bytes, char *out);

/* False where the text has another character, an impossible length, bits behind its last byte, or
 * more than `size_max` bytes. */
__attribute__((warn_unused_result)) bool auth_base64_decode(Base64 kind, Slice text, uint8_t *out,
                                                            size_t size_max, size_t *size);

#endif
