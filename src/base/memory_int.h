/* Private to base: how the allocator table tells a tracker about blocks. */
#ifndef FIRN_BASE_MEMORY_INT_H
#define FIRN_BASE_MEMORY_INT_H

#include "base/memory.h"

void memory_tracker_add(MemoryTracker *tracker, void *block);

/* True where it was remembered. */
bool memory_tracker_remove(MemoryTracker *tracker, void *block);

/* memory.c: puts the tracker where the calling thread's allocations see it. */
void memory_set_tracker(MemoryTracker *tracker);

#endif
