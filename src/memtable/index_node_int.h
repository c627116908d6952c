/* Nodes of the ordered index: their layout, the search inside one, and how readers and the writer
 * meet in it.
 *
 * Threading: one writer, any number of readers. Every member that both touch is atomic. A node has
 * a version; the writer makes it odd, changes members, and makes it even again: writer   version =
 * v + 1; members, each stored with release; version = v + 2 with release reader   v = version with
 * acquire, wait while odd; members, each loaded with acquire; what was read counts only if version
 * is still v A reader that saw one changed member has acquired what the writer did before it, the
 * odd version too, so its second look at the version differs: no fence is needed, and
 * ThreadSanitizer sees every edge. Until then a reader may hold members of two states together, so
 * a search trusts none of them further than that each is one the node once had: sizes are checked
 * before bytes are read. Two changes need no odd version, for every reader may see them or not: a
 * new last entry (`shape` is stored after it), and a record that takes the slot of the older
 * version of its key.
 *
 * Ownership: nodes are their pool's and live as long as the memtable. */
#ifndef FIRN_MEMTABLE_INDEX_NODE_INT_H
#define FIRN_MEMTABLE_INDEX_NODE_INT_H

#include "base/env.h"
#include "types/record.h"

enum {
    NODE_ENTRIES = 64,
    NODE_PREFIX_WORDS = 4, /* of the common prefix, kept in the node itself */
    NODE_PREFIX_BYTES = NODE_PREFIX_WORDS * 8,
};

typedef struct IndexNode IndexNode;

/* A leaf's entry is a key, by the record of its newest version. An inner node's entry is a
 * separator: a record whose key is the first of the child behind it. leaf    entries 0 … count-1
 *     inner   children 0 … count, entry i between children i and i+1
 * All keys of a node begin with the same `prefix` bytes; heads are the eight bytes after them, big
 * endian, zeros where the key ends before. */
struct IndexNode {
    _Atomic uint64_t version; /* odd while the writer changes the node */
    _Atomic uint32_t shape;   /* count in the low byte, bytes of the prefix above */
    uint8_t level;            /* 0: leaf */
    uint8_t last_slot;        /* the writer's: where it inserted last, and how many insertions in */
    uint8_t run;              /*     a row went one slot further each */
    _Atomic uint64_t prefix[NODE_PREFIX_WORDS]; /* big endian */
    _Atomic(IndexNode *) right;                 /* the next of its level; NULL: the last */
    _Atomic(RecordHeader *) high; /* the first key of `right`, which is above all here */
    _Atomic uint64_t heads[NODE_ENTRIES];
    _Atomic(RecordHeader *) records[NODE_ENTRIES];
    _Atomic(IndexNode *) children[]; /* NODE_ENTRIES + 1 in an inner node, none in a leaf */
};

_Static_assert(offsetof(IndexNode, heads) == 64, "what every visit reads is one cache line");
_Static_assert(sizeof(IndexNode) % 64 == 0, "nodes begin at cache lines");

enum {
    LEAF_BYTES = sizeof(IndexNode),
    INNER_BYTES = (sizeof(IndexNode) + (NODE_ENTRIES + 1) * sizeof(void *) + 63) / 64 * 64,
};

static inline uint32_t shape_count(uint32_t shape)
{
    return shape & 0xff;
}

static inline uint32_t shape_prefix(uint32_t shape)
{
    return shape >> 8;
}

static inline uint32_t shape_of(uint32_t count, uint32_t prefix)
{
    return prefix << 8 | count;
}

static inline uint32_t node_shape(const IndexNode *node)
{
    return atomic_load_explicit(&node->shape, memory_order_acquire);
}

static inline uint64_t node_prefix(const IndexNode *node, uint32_t word)
{
    return atomic_load_explicit(&node->prefix[word], memory_order_acquire);
}

static inline uint64_t node_head(const IndexNode *node, uint32_t slot)
{
    return atomic_load_explicit(&node->heads[slot], memory_order_acquire);
}

static inline RecordHeader *node_record(const IndexNode *node, uint32_t slot)
{
    return atomic_load_explicit(&node->records[slot], memory_order_acquire);
}

static inline IndexNode *node_child(const IndexNode *node, uint32_t slot)
{
    return atomic_load_explicit(&node->children[slot], memory_order_acquire);
}

static inline IndexNode *node_right(const IndexNode *node)
{
    return atomic_load_explicit(&node->right, memory_order_acquire);
}

static inline RecordHeader *node_high(const IndexNode *node)
{
    return atomic_load_explicit(&node->high, memory_order_acquire);
}

/* ---- readers ---- */

/* Waits for the writer to leave the node; it is in there for tens of nanoseconds. */
void index_node_wait(Env *env, uint32_t *rounds);

static inline uint64_t node_read_begin(Env *env, const IndexNode *node)
{
    uint32_t rounds = 0;
    for (;;) {
        uint64_t version = atomic_load_explicit(&node->version, memory_order_acquire);
        if (__builtin_expect((version & 1) == 0, 1))
            return version;
        index_node_wait(env, &rounds);
    }
}

static inline bool node_read_is_valid(const IndexNode *node, uint64_t version)
{
    return atomic_load_explicit(&node->version, memory_order_relaxed) == version;
}

/* Asks for the cache lines of header and heads at once: a search would ask for one after another.
 */
static inline void node_prefetch(const IndexNode *node)
{
    const uint8_t *lines = (const uint8_t *)node;
    for (size_t at = 0; at < offsetof(IndexNode, records); at += 64)
        __builtin_prefetch(lines + at);
}

/* ---- keys ---- */

/* The eight bytes of the key from `from`, big endian, zeros beyond its end. */
static inline uint64_t key_head(Slice key, size_t from)
{
    uint64_t head = 0;
    if (from + 8 <= key.size)
        memcpy(&head, key.data + from, 8);
    else if (from < key.size)
        memcpy(&head, key.data + from, key.size - from);
    return __builtin_bswap64(head);
}

/* slice_compare of key and the record's key, whose first `from` bytes are known to be equal. */
int index_key_compare_from(Slice key, const RecordHeader *record, size_t from);

static inline int index_key_compare(Slice key, const RecordHeader *record)
{
    return index_key_compare_from(key, record, 0);
}

/* ---- search ---- */

typedef struct NodePlace {
    uint32_t slot; /* of the first entry whose key is not below the one sought; count: none is */
    bool is_equal; /* its key is the one sought */
} NodePlace;

NodePlace index_node_search(const IndexNode *node, uint32_t shape, Slice key);

bool index_node_has_prefix(const IndexNode *node, uint32_t shape, Slice key);

#endif
