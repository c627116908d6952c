/* What the worker may use: the limit holds, and a build with a sanitizer lives with it. Each test
 * in a child of its own, since a limit cannot be raised again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/limits.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { HAS_SANITIZER = 1 };
#else
enum { HAS_SANITIZER = 0 };
#endif

enum {
    LIMIT_BYTES = 256 << 20,
    FEW_BYTES = 32 << 20,
    MANY_BYTES = 512 << 20,
    FAILED = 99,
};

static bool can_allocate(size_t size)
{
    void *volatile memory = malloc(size);
    bool is_there = memory != NULL;
    free(memory);
    return is_there;
}

/* Bits: 1 for the few bytes, 2 for the many. */
static int allocate_under(uint64_t limit)
{
    pid_t child = fork();
    if (child == 0) {
        Error error;
        if (limits_restrict(limit, &error) != OK)
            _exit(FAILED);
        _exit((can_allocate(FEW_BYTES) ? 1 : 0) | (can_allocate(MANY_BYTES) ? 2 : 0));
    }
    int status = 0;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A sanitizer's shadow alone is beyond any limit: the worker of such a build ended at its first
 * allocation, with "Failed to mmap". */
static void test_memory_beyond_the_limit_is_refused_but_to_sanitizers(void **state)
{
    (void)state;
    assert_int_equal(allocate_under(LIMIT_BYTES), HAS_SANITIZER ? 3 : 1);
}

static void test_no_limit(void **state)
{
    (void)state;
    assert_int_equal(allocate_under(0), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_beyond_the_limit_is_refused_but_to_sanitizers),
        cmocka_unit_test(test_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
