/* Text: what a test writes down, in memory of the C library: the allocations of base/memory.h are
 * what is being made to fail.
 *
 * Threading: one thread at a time. Ownership: text_close frees. Errors: a test without memory
 * stops. */
#ifndef FIRN_TESTS_FAULTS_TEXT_H
#define FIRN_TESTS_FAULTS_TEXT_H

#include <stddef.h>

#include "base/slice.h"

typedef struct Text {
    char *data; /* NUL-terminated; NULL while it is empty */
    size_t size;
    size_t capacity;
} Text;

void text_put(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What is printable of the bytes as it is; long ones by their beginning, size and hash. */
void text_put_bytes(Text *text, Slice bytes);
void text_clear(Text *text);
void text_close(Text *text);
const char *text_of(const Text *text); /* "" where it is empty */

/* The first line in which two texts differ, for people. */
void text_put_difference(Text *out, const char *wanted, const char *got);

#endif
