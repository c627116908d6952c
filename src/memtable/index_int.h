/* The ordered index of a memtable: a tree of nodes that only grows.
 *
 * Every node knows its right neighbour and the first key over there, so a reader that comes to a
 * node after it was split moves right; a parent learns of the new node a moment later. Nodes never
 * merge and are never freed before the memtable, so readers hold nothing and wait for nothing. The
 * first key of a node that is not the first of its level never changes: it is the separator with
 * which it was split off, and records are never removed.
 *
 * Threading: row_index_find, row_index_put and row_index_reserve are the writer's; the rest is for
 * readers. Ownership: the records are the memtable's. Errors: only row_index_prepare can fail. */
#ifndef FIRN_MEMTABLE_INDEX_INT_H
#define FIRN_MEMTABLE_INDEX_INT_H

#include "memtable/index_node_int.h"

enum {
    /* Each level takes 32 separators or more to grow by one: more keys than memory has bytes. */
    INDEX_LEVELS_MAX = 12,
    NODE_NEAR_FULL = 48, /* from so many entries on, a node may be split by few insertions more */
    NODE_RUN_LONG = 16,  /* so many insertions in a row, and a leaf is split behind them */
};

/* ---- memory of nodes: chunks of nodes of one size ---- */

typedef struct IndexChunk IndexChunk;

typedef struct IndexPool {
    size_t node_bytes;
    IndexChunk *first;
    IndexChunk *filling; /* chunks behind it are untouched */
    size_t free;         /* nodes that index_pool_take can give */
    size_t used;         /* nodes it gave */
    size_t grown;        /* nodes of the newest chunk */
} IndexPool;

void index_pool_open(IndexPool *pool, size_t node_bytes);
void index_pool_close(IndexPool *pool);

/* A chunk that makes `count` nodes free, NULL where they are already. It is not in the pool until
 * index_pool_add. */
CHECKED Status index_pool_prepare(const IndexPool *pool, size_t count, IndexChunk **out,
                                  Error *error);
void index_pool_add(IndexPool *pool, IndexChunk *chunk); /* NULL is allowed */
void index_chunk_free(IndexChunk *chunk);                /* NULL is allowed */

/* A zeroed node; one must be free. */
IndexNode *index_pool_take(IndexPool *pool);

/* ---- the tree ---- */

typedef struct RowIndex {
    Env *env;
    _Atomic(IndexNode *) root;
    IndexNode *first; /* the first leaf, for ever */

    uint8_t apart[64]; /* readers need not fetch again what the writer changes below */

    IndexNode *last;           /* the last leaf */
    RecordHeader *last_record; /* of the highest key; NULL: none */
    uint32_t levels;
    size_t near_full[INDEX_LEVELS_MAX]; /* nodes with NODE_NEAR_FULL entries or more */
    IndexPool leaves;
    IndexPool inner;
} RowIndex;

CHECKED Status row_index_open(Env *env, RowIndex *out, Error *error);
void row_index_close(RowIndex *index);

/* Bytes of the nodes in use. What is reserved and was never touched has no pages yet. */
size_t row_index_bytes(const RowIndex *index);

/* ---- the writer ---- */

typedef struct IndexGrowth {
    IndexChunk *leaves;
    IndexChunk *inner;
} IndexGrowth;

/* Allocates what `count` puts may need at worst; row_index_add or row_index_give_up takes it. */
CHECKED Status row_index_prepare(const RowIndex *index, size_t count, IndexGrowth *out,
                                 Error *error);
void row_index_add(RowIndex *index, IndexGrowth *growth);
void row_index_give_up(IndexGrowth *growth);

/* Where a key is or belongs. Valid until the next row_index_put. */
typedef struct IndexPath {
    IndexNode *leaf;
    NodePlace place;
    bool is_append; /* behind the last leaf's last entry; the nodes above were not looked at */
    IndexNode *nodes[INDEX_LEVELS_MAX]; /* inner nodes by level */
    uint32_t slots[INDEX_LEVELS_MAX];   /* the child taken in each */
} IndexPath;

/* The newest record of the key, or NULL; the path says where to put the next. */
RecordHeader *row_index_find(const RowIndex *index, Slice key, IndexPath *path);

/* Shows the record to readers: as the newest of its key, or as a new key. */
void row_index_put(RowIndex *index, IndexPath *path, RecordHeader *record);

/* ---- readers ---- */

/* A place in a leaf. `record` is the newest of its key (at the time of looking), NULL beyond the
 * end. */
typedef struct IndexPlace {
    const IndexNode *leaf;
    uint32_t slot;
    const RecordHeader *record;
} IndexPlace;

const RecordHeader *row_index_get(const RowIndex *index, Slice key);

void row_index_first(const RowIndex *index, IndexPlace *out);
void row_index_last(const RowIndex *index, IndexPlace *out);
void row_index_first_from(const RowIndex *index, Slice key,
                          IndexPlace *out); /* first key >= `key` */
void row_index_last_before(const RowIndex *index, Slice key,
                           IndexPlace *out); /* last key < `key` */

/* One key on from place->record, which the place still holds or held before a split. */
void row_index_next(const RowIndex *index, IndexPlace *place);
void row_index_previous(const RowIndex *index, IndexPlace *place);

#endif
