/* The set of blocks that a simulation's threads hold: open addressing with linear probing. Its own
 * memory comes from the C library, past the table whose blocks it watches. */
#include <stdlib.h>

#include "base/assert.h"
#include "base/memory_int.h"

enum { SLOTS_MIN = 1024 };

struct MemoryTracker {
    void **slots; /* NULL: free */
    size_t slot_count;
    size_t count;
};

static void **allocate_slots(size_t count)
{
    void **slots = calloc(count, sizeof(void *));
    ASSERT(slots != NULL);
    return slots;
}

MemoryTracker *memory_tracker_create(void)
{
    MemoryTracker *tracker = calloc(1, sizeof *tracker);
    ASSERT(tracker != NULL);
    tracker->slots = allocate_slots(SLOTS_MIN);
    tracker->slot_count = SLOTS_MIN;
    return tracker;
}

void memory_tracker_destroy(MemoryTracker *tracker)
{
    if (tracker == NULL)
        return;
    free(tracker->slots);
    free(tracker);
}

void memory_tracker_use(MemoryTracker *tracker)
{
    memory_set_tracker(tracker);
}

size_t memory_tracker_count(const MemoryTracker *tracker)
{
    return tracker->count;
}

static size_t home_of(const MemoryTracker *tracker, const void *block)
{
    uint64_t mixed = (uint64_t)(uintptr_t)block * 0x9e3779b97f4a7c15u;
    return (size_t)(mixed >> 32) & (tracker->slot_count - 1);
}

static size_t next_slot(const MemoryTracker *tracker, size_t slot)
{
    return (slot + 1) & (tracker->slot_count - 1);
}

static void insert(MemoryTracker *tracker, void *block)
{
    size_t slot = home_of(tracker, block);
    while (tracker->slots[slot] != NULL)
        slot = next_slot(tracker, slot);
    tracker->slots[slot] = block;
}

static void grow(MemoryTracker *tracker)
{
    void **old = tracker->slots;
    size_t old_count = tracker->slot_count;
    tracker->slot_count = old_count * 2;
    tracker->slots = allocate_slots(tracker->slot_count);
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] != NULL)
            insert(tracker, old[i]);
    }
    free(old);
}

void memory_tracker_add(MemoryTracker *tracker, void *block)
{
    if (tracker->count * 2 >= tracker->slot_count)
        grow(tracker);
    insert(tracker, block);
    tracker->count++;
}

/* Moves back what stood behind the slot because of it, so that no search stops too early. */
static void close_gap(MemoryTracker *tracker, size_t gap)
{
    size_t mask = tracker->slot_count - 1;
    for (size_t slot = next_slot(tracker, gap); tracker->slots[slot] != NULL;
         slot = next_slot(tracker, slot)) {
        size_t home = home_of(tracker, tracker->slots[slot]);
        if (((slot - home) & mask) < ((slot - gap) & mask))
            continue; /* its home lies behind the gap */
        tracker->slots[gap] = tracker->slots[slot];
        tracker->slots[slot] = NULL;
        gap = slot;
    }
}

bool memory_tracker_remove(MemoryTracker *tracker, void *block)
{
    size_t slot = home_of(tracker, block);
    while (tracker->slots[slot] != NULL && tracker->slots[slot] != block)
        slot = next_slot(tracker, slot);
    if (tracker->slots[slot] == NULL)
        return false;
    tracker->slots[slot] = NULL;
    tracker->count--;
    close_gap(tracker, slot);
    return true;
}

void memory_tracker_forget_all(MemoryTracker *tracker)
{
    for (size_t i = 0; i < tracker->slot_count && tracker->count > 0; i++) {
        if (tracker->slots[i] == NULL)
            continue;
        tracker->slots[i] = NULL;
        tracker->count--;
    }
}

void memory_tracker_free_all(MemoryTracker *tracker)
{
    for (size_t i = 0; i < tracker->slot_count && tracker->count > 0; i++) {
        if (tracker->slots[i] == NULL)
            continue;
        free(tracker->slots[i]);
        tracker->slots[i] = NULL;
        tracker->count--;
    }
}
