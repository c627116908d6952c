/* Row records: how one version of a row lies in an arena that the server writes and workers map
 * read-only. The same bytes serve look-ups, scans without an index, and stream window files.
 *
 * At an 8-byte aligned offset of a block:
 *     RecordHeader   64 bytes, below
 *     key            key_size bytes (types/key.h), then zeros up to 8-byte alignment
 *     row            row_size bytes (types/row.h), then zeros up to 8-byte alignment; none for a
 *                    delete
 * Records follow one another without gaps from the block's start; a reader walks them up to the
 * number of bytes that was published to it, and never beyond.
 *
 * Visible at S: seq <= S and not (0 < replaced_by <= S), and kind is RECORD_PUT. A record is
 * replaced at most once; `replaced_by` is stored once, atomically, also when the newer version
 * stands in a newer memtable, so a scan of an arena needs neither an index nor a merge.
 *
 * Threading: everything but the _Atomic members is written before the record is published and
 * never after. */
#ifndef FIRN_TYPES_RECORD_H
#define FIRN_TYPES_RECORD_H

#include <stdatomic.h>

#include "base/assert.h"
#include "types/key.h"

enum RecordKind {
    RECORD_PUT = 1,
    RECORD_DELETE = 2,
};

typedef struct RecordHeader RecordHeader;

struct RecordHeader {
    uint64_t seq;
    _Atomic uint64_t replaced_by; /* sequence of the newer version or delete; 0: none */
    int64_t updated_us;           /* wall clock of the commit */
    RecordHeader *older; /* the version before, in the same memtable (an address of the server) */
    _Atomic uint64_t settled; /* where a flush wrote it: record_settled_at; 0: nowhere yet */
    OwnerId owner;            /* 0 in SHARED tables */
    uint32_t row_size;
    uint16_t key_size;
    uint8_t kind; /* RecordKind */
    uint8_t reserved[5];
    uint64_t reserved_word; /* zero; keeps the header at 64 bytes, one cache line */
};

_Static_assert(sizeof(RecordHeader) == 64, "part of a format");

static inline size_t record_align(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

/* Bytes the whole record takes. */
static inline size_t record_size(size_t key_size, size_t row_size)
{
    return sizeof(RecordHeader) + record_align(key_size) + record_align(row_size);
}

static inline size_t record_whole_size(const RecordHeader *record)
{
    return record_size(record->key_size, record->row_size);
}

static inline Slice record_key(const RecordHeader *record)
{
    return slice_of((const uint8_t *)(record + 1), record->key_size);
}

static inline Slice record_row(const RecordHeader *record)
{
    const uint8_t *row = (const uint8_t *)(record + 1) + record_align(record->key_size);
    return slice_of(row, record->row_size);
}

static inline bool record_is_current(const RecordHeader *record, uint64_t seq)
{
    uint64_t replaced = atomic_load_explicit(&record->replaced_by, memory_order_acquire);
    return record->seq <= seq && !(replaced > 0 && replaced <= seq);
}

static inline bool record_is_visible(const RecordHeader *record, uint64_t seq)
{
    return record->kind == RECORD_PUT && record_is_current(record, seq);
}

/* Writes header, key and row at `at`, which has record_size bytes, 8-byte aligned and zeroed or
 * not. The caller publishes it. */
RecordHeader *record_write(uint8_t *at, const RecordHeader *header, Slice key, Slice row);

#endif
