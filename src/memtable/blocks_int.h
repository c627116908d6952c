/* The blocks of one memtable: where its records lie, and how far readers may walk.
 *
 * Ordinary records fill one block after the other; a block is left when a record does not fit any
 * more. Records above RECORD_BYTES_LARGE have a block of their own size apart, so that they do not
 * leave half-empty blocks behind.
 *
 * Threading: one writer; row_blocks_view from any thread. Ownership: blocks go back to the store in
 * row_blocks_close. Errors: only row_blocks_prepare and row_blocks_view can fail. */
#ifndef FIRN_MEMTABLE_BLOCKS_INT_H
#define FIRN_MEMTABLE_BLOCKS_INT_H

#include "memtable/row_store.h"
#include "types/record.h"

enum { RECORD_BYTES_LARGE = ROW_BLOCK_BYTES_MAX / 4 };

typedef struct FilledBlock FilledBlock;

struct FilledBlock {
    RowBlock block;
    uint64_t first_seq;          /* written before `published` says that there is a record */
    size_t filled;               /* the writer's */
    _Atomic size_t published;    /* bytes that hold whole records */
    _Atomic(FilledBlock *) next; /* in the order in which they got their first record */
    FilledBlock *next_spare;     /* the writer's: not begun yet */
};

typedef struct RowBlocks {
    RowStore *store;
    _Atomic(FilledBlock *) first;
    FilledBlock *newest;  /* the end of the list from `first` */
    FilledBlock *current; /* for ordinary records; NULL before the first */
    FilledBlock *large;   /* for large ones */
    FilledBlock *spares;  /* ordinary blocks reserved, in the order of their use */
    size_t size_next;     /* of the next ordinary block */
    uint64_t bytes;       /* of all of them, spares too */
} RowBlocks;

void row_blocks_open(RowStore *store, RowBlocks *out);
void row_blocks_close(RowBlocks *blocks);

/* What a reservation takes from the store before it is sure of everything else. */
typedef struct BlocksGrowth {
    FilledBlock *ordinary; /* a list by next_spare */
    FilledBlock *large;
    size_t size_next;
    uint64_t bytes;
} BlocksGrowth;

/* Room for any records with sizes of `bytes` in all, none above `bytes_largest`. */
CHECKED Status row_blocks_prepare(const RowBlocks *blocks, size_t bytes, size_t bytes_largest,
                                  BlocksGrowth *out, Error *error);
void row_blocks_add(RowBlocks *blocks, BlocksGrowth *growth);
void row_blocks_give_up(RowBlocks *blocks, BlocksGrowth *growth);

/* Room for a record, reserved before. */
uint8_t *row_blocks_place(RowBlocks *blocks, size_t size, FilledBlock **in);

/* Shows readers the record placed last, which is complete. */
void row_blocks_publish(RowBlocks *blocks, FilledBlock *in, uint64_t seq, size_t size);

CHECKED Status row_blocks_view(const RowBlocks *blocks, Arena *arena, RowBlockView **out,
                               size_t *count, Error *error);

#endif
