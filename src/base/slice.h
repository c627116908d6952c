/* Slice: bytes somebody else owns, with their length. Passed by value everywhere instead of char *.
 *
 * Threading: plain values. Ownership: a slice never owns; whoever hands one out says how long the
 * bytes live. Errors: none. */
#ifndef FIRN_BASE_SLICE_H
#define FIRN_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Slice {
    const uint8_t *data; /* may be NULL only when size is 0 */
    size_t size;         /* bytes */
} Slice;

#define SLICE_EMPTY ((Slice){NULL, 0})

/* From a string literal: its length without the terminator. */
#define SLICE(literal) ((Slice){(const uint8_t *)("" literal ""), sizeof(literal) - 1})

/* For printf's "%.*s". */
#define SLICE_ARGUMENTS(s) (int)((s).size > 4096 ? 4096 : (s).size), (const char *)(s).data

static inline Slice slice_of(const void *data, size_t size)
{
    return (Slice){(const uint8_t *)data, size};
}

static inline Slice slice_of_text(const char *text)
{
    return (Slice){(const uint8_t *)text, strlen(text)};
}

static inline bool slice_equal(Slice a, Slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_equal_text(Slice a, const char *text)
{
    return slice_equal(a, slice_of_text(text));
}

/* memcmp order, the shorter first where one is a prefix of the other. */
int slice_compare(Slice a, Slice b);

/* ASCII case is ignored; other bytes must be equal. */
bool slice_equal_ignoring_case(Slice a, Slice b);

bool slice_starts_with(Slice s, Slice prefix);

/* The part from `from`, at most `size` bytes; empty where `from` lies beyond the end. */
Slice slice_part(Slice s, size_t from, size_t size);

/* Offset of the first `byte`, or s.size. */
size_t slice_find(Slice s, uint8_t byte);

/* Without ASCII white space at both ends. */
Slice slice_trim(Slice s);

/* Is it UTF-8 as RFC 3629 has it (no surrogates, no overlong forms) and free of NUL? */
bool slice_is_utf8_text(Slice s);

/* Bytes of the UTF-8 character at `at` (below s.size); 0 where there is none, or NUL. */
size_t slice_utf8_size(Slice s, size_t at);

/* A whole decimal integer with an optional sign; false where it is anything else or too large. */
__attribute__((warn_unused_result)) bool slice_to_int64(Slice s, int64_t *out);

/* A whole decimal number ("-1.5e3", ".5", "5."), rounded to nearest even, in any locale and of any
 * length; false where it is anything else ("NaN" and "Infinity" are). Beyond the range it is
 * infinite or zero: the caller decides whether that is an error. */
__attribute__((warn_unused_result)) bool slice_to_double(Slice s, double *out);
__attribute__((warn_unused_result)) bool slice_to_float(Slice s, float *out);

#endif
