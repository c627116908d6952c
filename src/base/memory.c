#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/memory_int.h"

/* What stands between a call and the C library's allocator; 0 in every program but a test. */
enum {
    HOOK_FAILING = 1 << 0,
    HOOK_TRACKING = 1 << 1, /* some thread has used a tracker */
};

static _Atomic unsigned hooks;
static _Atomic int64_t allocations;
static _Atomic int64_t fail_from;
static _Atomic int64_t fail_until; /* exclusive; INT64_MAX: for good */
static _Thread_local MemoryTracker *own_tracker;

static unsigned load_hooks(void)
{
    return atomic_load_explicit(&hooks, memory_order_relaxed);
}

static bool must_fail(void)
{
    if ((load_hooks() & HOOK_FAILING) == 0)
        return false;
    int64_t n = atomic_fetch_add(&allocations, 1) + 1;
    return n >= atomic_load(&fail_from) && n < atomic_load(&fail_until);
}

static MemoryTracker *tracker_in_use(void)
{
    return (load_hooks() & HOOK_TRACKING) == 0 ? NULL : own_tracker;
}

static void *tracked(void *memory)
{
    MemoryTracker *tracker = tracker_in_use();
    if (tracker != NULL && memory != NULL)
        memory_tracker_add(tracker, memory);
    return memory;
}

void *memory_allocate(size_t size)
{
    ASSERT(size > 0);
    return must_fail() ? NULL : tracked(malloc(size));
}

void *memory_allocate_zeroed(size_t count, size_t size)
{
    ASSERT(count > 0 && size > 0);
    return must_fail() ? NULL : tracked(calloc(count, size));
}

void *memory_resize(void *memory, size_t size)
{
    ASSERT(size > 0);
    if (memory == NULL)
        return memory_allocate(size);
    if (must_fail())
        return NULL;
    MemoryTracker *tracker = tracker_in_use();
    bool was_tracked = tracker != NULL && memory_tracker_remove(tracker, memory);
    void *resized = realloc(memory, size);
    if (was_tracked)
        memory_tracker_add(tracker, resized == NULL ? memory : resized);
    return resized;
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
    MemoryTracker *tracker = tracker_in_use();
    if (tracker != NULL && memory != NULL)
        (void)memory_tracker_remove(tracker, memory);
    free(memory);
}

void memory_fail_at(int64_t n, int64_t repeat)
{
    atomic_fetch_and(&hooks, ~(unsigned)HOOK_FAILING);
    atomic_store(&allocations, 0);
    atomic_store(&fail_from, n);
    atomic_store(&fail_until, repeat < 0 ? INT64_MAX : n + repeat);
    if (n > 0)
        atomic_fetch_or(&hooks, HOOK_FAILING);
}

int64_t memory_allocations(void)
{
    return atomic_load(&allocations);
}

void memory_set_tracker(MemoryTracker *tracker)
{
    own_tracker = tracker;
    atomic_fetch_or(&hooks, HOOK_TRACKING);
}
