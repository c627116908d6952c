#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

static _Atomic bool counting;
static _Atomic int64_t allocations;
static _Atomic int64_t fail_from;
static _Atomic int64_t fail_until; /* exclusive; INT64_MAX: for good */

static bool must_fail(void)
{
    if (!atomic_load_explicit(&counting, memory_order_relaxed))
        return false;
    int64_t n = atomic_fetch_add(&allocations, 1) + 1;
    return n >= atomic_load(&fail_from) && n < atomic_load(&fail_until);
}

void *memory_allocate(size_t size)
{
    ASSERT(size > 0);
    return must_fail() ? NULL : malloc(size);
}

void *memory_allocate_zeroed(size_t count, size_t size)
{
    ASSERT(count > 0 && size > 0);
    return must_fail() ? NULL : calloc(count, size);
}

void *memory_resize(void *memory, size_t size)
{
    ASSERT(size > 0);
    return must_fail() ? NULL : realloc(memory, size);
}

void *memory_clone(const void *data, size_t size)
{
    void *copy = memory_allocate(size + 1);
    if (copy != NULL && size > 0)
        memcpy(copy, data, size);
    return copy;
}

void memory_free(void *memory)
{
    free(memory);
}

void memory_fail_at(int64_t n, int64_t repeat)
{
    atomic_store(&counting, false);
    atomic_store(&allocations, 0);
    atomic_store(&fail_from, n);
    atomic_store(&fail_until, repeat < 0 ? INT64_MAX : n + repeat);
    atomic_store(&counting, n > 0);
}

int64_t memory_allocations(void)
{
    return atomic_load(&allocations);
}
