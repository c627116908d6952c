/* Memtable: the ordered, multi-version table in memory of one table's unflushed rows.
 *
 * Records lie in blocks of shared memory (row_store.h), which workers map; an ordered index over
 * them serves look-ups and ranges. Every version of a key stays until the memtable goes.
 *
 * Threading: one writer at a time (the engine's sequencer), any number of readers without locks, at
 * once with it. A reader that learned a sequence S from the engine's hand-out point sees every
 * record with seq <= S. Ownership: reference counted; records live as long as their memtable.
 * Errors: only memtable_reserve can fail (OUT_OF_MEMORY, or what the machine said when asked for
 * shared memory); after it the puts it was made for cannot. */
#ifndef FIRN_MEMTABLE_MEMTABLE_H
#define FIRN_MEMTABLE_MEMTABLE_H

#include "memtable/marks.h"
#include "memtable/row_store.h"
#include "types/record.h"

typedef struct Memtable Memtable;

/* `id` is never used twice (the engine's). All rows are of `schema`, of which a reference is kept.
 * Starts with one reference. */
CHECKED Status memtable_create(Env *env, RowStore *store, uint64_t id, Schema *schema,
                               Memtable **out, Error *error);
Memtable *memtable_clone(Memtable *memtable); /* one more reference */
void memtable_release(Memtable *memtable);

uint64_t memtable_id(const Memtable *memtable);
Schema *memtable_schema(const Memtable *memtable); /* borrowed */
Marks *memtable_marks(Memtable *memtable);         /* borrowed */

/* ---- writing: the sequencer's thread only ---- */

/* Makes sure that `count` puts with record_size() sums of `bytes` in all, the largest of
 * `bytes_largest`, cannot fail. It replaces what an earlier call promised and was not used.
 * An error, with nothing changed, where it cannot be. */
CHECKED Status memtable_reserve(Memtable *memtable, size_t count, size_t bytes,
                                size_t bytes_largest, Error *error);

/* Adds a version. `header` has seq (above every one here), updated_us, owner, kind; sizes are set
 * from key (1 to KEY_BYTES_MAX bytes) and row, the rest is this room's. An older version of the key
 * in this memtable gets replaced_by = seq and becomes `older`. Returns the record, published to
 * readers. */
RecordHeader *memtable_put(Memtable *memtable, const RecordHeader *header, Slice key, Slice row);

/* ---- reading ---- */

/* The newest version of the key with seq <= `seq`, put or delete; NULL where there is none.
 * UINT64_MAX reads the head. */
const RecordHeader *memtable_get(const Memtable *memtable, Slice key, uint64_t seq);

/* Keys in [from, to), each once, with its newest version at `seq`, in either direction. Deletes are
 * shown too (the caller merges). The memtable must outlive the iterator. */
typedef struct MemtableIterator {
    const Memtable *memtable;
    uint64_t seq;
    bool backward;
    Slice from;       /* inclusive; empty: from the first key */
    Slice to;         /* exclusive; empty: to the last key */
    const void *node; /* where it stands: private */
    uint32_t slot;
    const RecordHeader *last; /* the record given last: the place to go on from after a split */
} MemtableIterator;

/* `from` and `to` must outlive the iterator. */
void memtable_iterate(const Memtable *memtable, uint64_t seq, Slice from, Slice to, bool backward,
                      MemtableIterator *out);

/* NULL at the end. */
const RecordHeader *memtable_next(MemtableIterator *iterator);

/* ---- accounting ---- */

typedef struct MemtableUsage {
    uint64_t row_bytes;   /* of blocks taken from the row store */
    uint64_t index_bytes; /* of the ordered index */
    uint64_t mark_bytes;  /* of marks and notes */
    uint64_t versions;    /* records in it */
    uint64_t keys;        /* different ones */
    uint64_t first_seq;   /* 0 where it is empty */
    uint64_t last_seq;
    int64_t first_put_ns; /* monotonic time of the first put, for age */
} MemtableUsage;

void memtable_usage(const Memtable *memtable, MemtableUsage *out);

/* Bytes that would come free with it: rows, index and marks. Relaxed loads, no lock. */
uint64_t memtable_bytes(const Memtable *memtable);

/* The same without the room in its blocks that no record fills yet: what a flush will write is in
 * proportion to it. Blocks double in size, so the other one grows in leaps. */
uint64_t memtable_filled_bytes(const Memtable *memtable);

/* Its blocks with what is published of each at this moment, in the order in which they were begun.
 * Whoever walks them at a sequence S learned S before this call (README.md says why). The array is
 * in the arena. */
CHECKED Status memtable_blocks(const Memtable *memtable, Arena *arena, RowBlockView **out,
                               size_t *count, Error *error);

#endif
