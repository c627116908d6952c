/* Assertions that stay on in release: a broken invariant stops the process before it can write.
 *
 * What a client or a disk may cause is an error (status.h), never an assertion. */
#ifndef FIRN_BASE_ASSERT_H
#define FIRN_BASE_ASSERT_H

#include <stdnoreturn.h>

noreturn void assert_failed(const char *expression, const char *file, int line);

#define ASSERT(expression)                                  \
    do {                                                    \
        if (__builtin_expect(!(expression), 0))             \
            assert_failed(#expression, __FILE__, __LINE__); \
    } while (0)

#define UNREACHABLE() assert_failed("unreachable", __FILE__, __LINE__)

#endif
