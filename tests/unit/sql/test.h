/* What the unit tests of the SQL room's front half share: cmocka, a thread with a big stack
 * (parsing recurses), a catalog to bind against, and the seed of a randomised test. */
#ifndef FIRN_TESTS_UNIT_SQL_TEST_H
#define FIRN_TESTS_UNIT_SQL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/env.h"

#define assert_ok(call, error)                                                   \
    do {                                                                         \
        if ((call) != OK)                                                        \
            fail_msg("%s: %s [%s]", #call, (error)->message, (error)->internal); \
    } while (0)

#define assert_status(wanted, got) assert_string_equal(status_name(wanted), status_name(got))

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static inline void assert_slice(Slice got, const char *wanted)
{
    if (!slice_equal_text(got, wanted))
        fail_msg("got \"%.*s\", wanted \"%s\"", SLICE_ARGUMENTS(got), wanted);
}

static inline uint64_t test_seed(void)
{
    const char *text = getenv("SEED");
    uint64_t seed =
        text != NULL ? strtoull(text, NULL, 10) : env_random_u64(env_real()) % 1000000000;
    print_message("SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

/* A small generator, so that a seed means the same everywhere. */
static inline uint64_t test_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t x = *state;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

#endif
