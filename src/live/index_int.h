/* Private to live: the predicate index of the subscriptions to one table.
 *
 * It narrows and decides nothing: whoever it names has the whole filter evaluated, whoever it does
 * not name cannot match. A subscription stands in it under its keys: values of one column that its
 * rows must have, or a range of them, or LIVE_ANY_ROW; with them goes its scope, whose rows it is
 * about. A row is looked up once for each column and kind of key in use: values by hash, ranges in
 * a balanced tree of intervals.
 *
 * Threading: under the lock "live". Ownership: nodes and the bytes of their bounds belong to the
 * subscription, which outlives its place here. Errors: OUT_OF_MEMORY, with nothing added. */
#ifndef FIRN_LIVE_INDEX_INT_H
#define FIRN_LIVE_INDEX_INT_H

#include "base/random.h"
#include "live/encode.h"
#include "types/expression.h"

/* A scope is an owner's id, or this: rows of all owners, or of a table without. */
#define LIVE_SCOPE_ALL UINT64_MAX

/* In place of a column: there is nothing to look a row up by. */
#define LIVE_ANY_ROW UINT32_MAX

/* One end of a range. */
typedef struct LiveBound {
    Value value;
    bool is_endless;
    bool is_inclusive;
} LiveBound;

typedef struct LiveKey {
    uint32_t column; /* of the schema, LIVE_COLUMN_USER, or LIVE_ANY_ROW */
    bool is_range;
    Value value; /* not a range: of the column's family (value_is_indexable) */
    LiveBound low;
    LiveBound high;
} LiveKey;

typedef struct LiveBucket LiveBucket;
typedef struct LiveNode LiveNode;

struct LiveNode {
    LiveSubscription *subscription;
    LiveBucket *bucket; /* NULL: not in the index */
    LiveNode *before;   /* of a value's list */
    LiveNode *after;
    LiveNode *parent; /* of a tree of ranges */
    LiveNode *left;
    LiveNode *right;
    LiveNode *reach; /* of the nodes from here down, the one whose range ends last */
    uint64_t priority;
    LiveBound low;
    LiveBound high;
};

/* A column and kind of key that somebody stands under. */
typedef struct LiveUse {
    uint32_t column;
    bool is_range;
    size_t owned; /* how many keys with an owner's scope … */
    size_t all;   /* … and with LIVE_SCOPE_ALL */
} LiveUse;

typedef struct LiveIndex {
    LiveBucket **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t entry_count;
    LiveUse *uses;
    size_t use_count;
    size_t use_capacity;
} LiveIndex;

void index_close(LiveIndex *index); /* which is empty */

/* `scope` with each key; `nodes` has room for as many. */
CHECKED Status index_add(LiveIndex *index, Random *random, const Schema *schema, uint64_t scope,
                         const LiveKey *keys, size_t count, LiveSubscription *subscription,
                         LiveNode *nodes, Error *error);
void index_remove(LiveIndex *index, LiveNode *nodes, size_t count, uint64_t scope);

/* A row to look up. */
typedef struct LiveProbe {
    const Schema *schema;
    Slice row;
    OwnerId owner;
    Slice owner_name; /* where somebody stands under LIVE_COLUMN_USER */
} LiveProbe;

/* Calls `visit` for every subscription that could match the row; for one that stands under several
 * keys perhaps more than once. */
typedef void (*LiveVisit)(void *context, LiveSubscription *subscription);
void index_find(const LiveIndex *index, const LiveProbe *probe, LiveVisit visit, void *context);

/* Can a constant of this kind be a key of such a column: is its order among the column's values the
 * evaluator's, exactly? */
bool value_is_indexable(Type column, const Value *value);

/* Text whose bytes are all that it is: every kind but CHAR. */
bool is_open_text(unsigned kind);

/* Can equality with it be found by hash? */
bool value_is_hashable(Type column, const Value *value);

/* ---- trees of ranges (interval.c) ---- */

void interval_add(LiveNode **root, LiveNode *node);
void interval_remove(LiveNode **root, LiveNode *node);
void interval_find(LiveNode *root, const Value *value, LiveVisit visit, void *context);

#endif
