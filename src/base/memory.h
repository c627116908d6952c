/* Memory: the one allocator table, so that a test can make the n-th allocation fail.
 *
 * Threading: every function may be called from any thread. Ownership: what memory_allocate gives is
 * freed with memory_free. Errors: NULL where there is no memory; callers turn it into
 * STATUS_OUT_OF_MEMORY. */
#ifndef FIRN_BASE_MEMORY_H
#define FIRN_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_CHECKED __attribute__((warn_unused_result))

MEMORY_CHECKED void *memory_allocate(size_t size); /* not zeroed; size > 0 */
MEMORY_CHECKED void *memory_allocate_zeroed(size_t count, size_t size);
MEMORY_CHECKED void *memory_resize(void *memory, size_t size);    /* the old stays on failure */
MEMORY_CHECKED void *memory_clone(const void *data, size_t size); /* size may be 0 */
void memory_free(void *memory);                                   /* NULL is allowed */

/* A zeroed object of this type. */
#define MEMORY_NEW(type) ((type *)memory_allocate_zeroed(1, sizeof(type)))

/* Fails the n-th allocation from now (1 is the next), `repeat` times, then works again; repeat < 0
 * fails for good. n = 0 switches it off. For tests; one relaxed load where it is off. */
void memory_fail_at(int64_t n, int64_t repeat);

/* Allocations counted since memory_fail_at, so that a loop knows when it has failed them all. */
int64_t memory_allocations(void);

/* ---- for the simulation: it frees what its threads held when a crash ended them ---- */

/* Remembers the blocks that are allocated while it is in use, until they are freed. A block that
 * grows stays what it was, remembered or not. Not thread-safe: it belongs to the thread that uses
 * it. These calls stop the process where there is no memory. */
typedef struct MemoryTracker MemoryTracker;

MemoryTracker *memory_tracker_create(void);
void memory_tracker_destroy(MemoryTracker *tracker); /* the blocks stay as they are */

/* From now on, for the calling thread; NULL ends it. One relaxed load in a process that never did.
 */
void memory_tracker_use(MemoryTracker *tracker);
void memory_tracker_free_all(MemoryTracker *tracker);
void memory_tracker_forget_all(MemoryTracker *tracker);
size_t memory_tracker_count(const MemoryTracker *tracker);

#endif
