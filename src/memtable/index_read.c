/* What readers do with the index: go down, move right where a node was split, look again where it
 * was changed. */
#include "base/assert.h"
#include "memtable/index_int.h"

enum { RECORDS_AHEAD = 6 }; /* an iterator asks for records so far ahead of where it stands */

/* Does the sought key lie beyond this node? `place` is the result of the search in it. With
 * `is_strict` the key itself is not sought but what stands before it. */
static bool lies_right(const IndexNode *node, NodePlace place, uint32_t count, Slice key,
                       bool is_strict)
{
    if (place.slot < count)
        return false;
    const RecordHeader *high = node_high(node);
    if (high == NULL)
        return false;
    int order = index_key_compare(key, high);
    return is_strict ? order > 0 : order >= 0;
}

/* One level down or one node to the right; NULL where the node changed meanwhile. */
static const IndexNode *step_towards(const RowIndex *index, const IndexNode *node, Slice key,
                                     bool is_strict)
{
    uint64_t version = node_read_begin(index->env, node);
    uint32_t shape = node_shape(node);
    NodePlace place = index_node_search(node, shape, key);
    const IndexNode *to;
    if (lies_right(node, place, shape_count(shape), key, is_strict))
        to = node_right(node);
    else
        to = node_child(node, place.slot + (place.is_equal && !is_strict));
    return node_read_is_valid(node, version) ? to : NULL;
}

static const IndexNode *root_of(const RowIndex *index)
{
    return atomic_load_explicit(&index->root, memory_order_acquire);
}

/* The leaf that holds the key if any does (or, strict, the last key before it), or one left of it.
 */
static const IndexNode *find_leaf(const RowIndex *index, Slice key, bool is_strict)
{
    const IndexNode *node = root_of(index);
    while (node->level > 0) {
        const IndexNode *to = step_towards(index, node, key, is_strict);
        if (to != NULL) {
            node = to;
            node_prefetch(node);
        }
    }
    return node;
}

const RecordHeader *row_index_get(const RowIndex *index, Slice key)
{
    const IndexNode *leaf = find_leaf(index, key, false);
    for (;;) {
        uint64_t version = node_read_begin(index->env, leaf);
        uint32_t shape = node_shape(leaf);
        NodePlace place = index_node_search(leaf, shape, key);
        bool is_right = lies_right(leaf, place, shape_count(shape), key, false);
        const IndexNode *right = is_right ? node_right(leaf) : NULL;
        const RecordHeader *record = place.is_equal ? node_record(leaf, place.slot) : NULL;
        if (!node_read_is_valid(leaf, version))
            continue;
        if (!is_right)
            return record;
        leaf = right;
    }
}

/* ---- places ---- */

static void place_entry(const IndexNode *leaf, uint32_t slot, const RecordHeader *record,
                        IndexPlace *out)
{
    *out = (IndexPlace){leaf, slot, record};
}

static void place_nowhere(IndexPlace *out)
{
    *out = (IndexPlace){0};
}

/* The first entry of a leaf that is not the first leaf: it never moves, and there always is one. */
static void place_first_of(const IndexNode *leaf, IndexPlace *out)
{
    if (leaf == NULL)
        place_nowhere(out);
    else
        place_entry(leaf, 0, node_record(leaf, 0), out);
}

/* Goes to the entry at `slot` of the leaf, or beyond the leaf. False where the leaf changed. */
static bool place_at(const IndexNode *leaf, uint64_t version, uint32_t slot, uint32_t count,
                     IndexPlace *out)
{
    if (slot < count) {
        const RecordHeader *record = node_record(leaf, slot);
        if (!node_read_is_valid(leaf, version))
            return false;
        place_entry(leaf, slot, record, out);
        return true;
    }
    const IndexNode *right = node_right(leaf);
    if (!node_read_is_valid(leaf, version))
        return false;
    place_first_of(right, out);
    return true;
}

void row_index_first(const RowIndex *index, IndexPlace *out)
{
    const IndexNode *leaf = index->first;
    uint64_t version;
    uint32_t count;
    do {
        version = node_read_begin(index->env, leaf);
        count = shape_count(node_shape(leaf));
    } while (!place_at(leaf, version, 0, count, out));
}

/* The first key not below `key`, or, where `is_after`, the first above it. */
static void seek_forward(const RowIndex *index, Slice key, bool is_after, IndexPlace *out)
{
    const IndexNode *leaf = find_leaf(index, key, false);
    for (;;) {
        uint64_t version = node_read_begin(index->env, leaf);
        uint32_t shape = node_shape(leaf);
        NodePlace place = index_node_search(leaf, shape, key);
        if (lies_right(leaf, place, shape_count(shape), key, false)) {
            const IndexNode *right = node_right(leaf);
            if (node_read_is_valid(leaf, version))
                leaf = right;
            continue;
        }
        uint32_t slot = place.slot + (is_after && place.is_equal);
        if (place_at(leaf, version, slot, shape_count(shape), out))
            return;
    }
}

void row_index_first_from(const RowIndex *index, Slice key, IndexPlace *out)
{
    seek_forward(index, key, false, out);
}

void row_index_last_before(const RowIndex *index, Slice key, IndexPlace *out)
{
    const IndexNode *leaf = find_leaf(index, key, true);
    for (;;) {
        uint64_t version = node_read_begin(index->env, leaf);
        uint32_t shape = node_shape(leaf);
        NodePlace place = index_node_search(leaf, shape, key);
        bool is_right = lies_right(leaf, place, shape_count(shape), key, true);
        const IndexNode *right = is_right ? node_right(leaf) : NULL;
        const RecordHeader *record = place.slot > 0 ? node_record(leaf, place.slot - 1) : NULL;
        if (!node_read_is_valid(leaf, version))
            continue;
        if (is_right) {
            leaf = right;
            continue;
        }
        /* Only in the first leaf nothing stands before: the others begin with a key below. */
        ASSERT(record != NULL || leaf == index->first);
        if (record == NULL)
            place_nowhere(out);
        else
            place_entry(leaf, place.slot - 1, record, out);
        return;
    }
}

/* The last child, or the right neighbour where there is one; NULL where the node changed. */
static const IndexNode *step_to_last(const RowIndex *index, const IndexNode *node)
{
    uint64_t version = node_read_begin(index->env, node);
    const IndexNode *to = node_right(node);
    if (to == NULL)
        to = node_child(node, shape_count(node_shape(node)));
    return node_read_is_valid(node, version) ? to : NULL;
}

void row_index_last(const RowIndex *index, IndexPlace *out)
{
    const IndexNode *node = root_of(index);
    while (node->level > 0) {
        const IndexNode *to = step_to_last(index, node);
        if (to != NULL)
            node = to;
    }
    for (;;) {
        uint64_t version = node_read_begin(index->env, node);
        const IndexNode *right = node_right(node);
        uint32_t count = shape_count(node_shape(node));
        const RecordHeader *record = count > 0 ? node_record(node, count - 1) : NULL;
        if (!node_read_is_valid(node, version))
            continue;
        if (right != NULL) {
            node = right;
            continue;
        }
        if (record == NULL)
            place_nowhere(out);
        else
            place_entry(node, count - 1, record, out);
        return;
    }
}

/* Is the entry still where the place says, as the same version or as a newer one of its key? */
static bool stands_there(const IndexPlace *place, uint32_t count)
{
    if (place->slot >= count)
        return false;
    const RecordHeader *record = node_record(place->leaf, place->slot);
    return record == place->record || index_key_compare(record_key(place->record), record) == 0;
}

static void prefetch_record(const IndexNode *leaf, uint32_t slot, uint32_t count)
{
    if (slot < count) {
        const RecordHeader *record = node_record(leaf, slot);
        __builtin_prefetch(record);
        __builtin_prefetch(record + 1);
    }
}

void row_index_next(const RowIndex *index, IndexPlace *place)
{
    for (;;) {
        uint64_t version = node_read_begin(index->env, place->leaf);
        uint32_t count = shape_count(node_shape(place->leaf));
        if (!stands_there(place, count)) {
            seek_forward(index, record_key(place->record), true, place);
            return;
        }
        prefetch_record(place->leaf, place->slot + RECORDS_AHEAD, count);
        if (place_at(place->leaf, version, place->slot + 1, count, place))
            return;
    }
}

void row_index_previous(const RowIndex *index, IndexPlace *place)
{
    for (;;) {
        uint64_t version = node_read_begin(index->env, place->leaf);
        uint32_t count = shape_count(node_shape(place->leaf));
        if (!stands_there(place, count) || place->slot == 0) {
            row_index_last_before(index, record_key(place->record), place);
            return;
        }
        prefetch_record(place->leaf, place->slot - RECORDS_AHEAD, count);
        const RecordHeader *record = node_record(place->leaf, place->slot - 1);
        if (!node_read_is_valid(place->leaf, version))
            continue;
        place_entry(place->leaf, place->slot - 1, record, place);
        return;
    }
}
