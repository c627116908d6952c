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

#endif
