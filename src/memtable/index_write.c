/* What the writer does with the index: find the place, put the entry, split what is full.
 *
 * Where a node is cut:
 *     behind its last entry   where the new one comes behind all others of its level: keys that
 * come in order leave full nodes behind behind the new entry    in a leaf that took a long run of
 * insertions each behind the one before: one user's rows in order, among those of others in the
 * middle           else
 *
 * How many nodes `count` puts can use up (row_index_prepare): a node with fewer than NODE_NEAR_FULL
 * entries, and each half of a node cut in the middle, takes 16 insertions or more until it is full,
 * and a cut behind a run spends a run of 16. Such a cut, and one behind the last entry, can leave
 * one node that is nearly full, which can be cut once in the middle after one more insertion. So
 * with n nodes nearly full now, c insertions cut at most 2 * (n + c / 16) nodes, and at most c.
 * Each cut inserts one separator one level up. */
#include "base/assert.h"
#include "memtable/index_int.h"

enum { PREFIX_WORTH_GROWING = 4 }; /* bytes: below, heads tell keys apart well enough */

_Static_assert(NODE_ENTRIES / 2 + 1 < NODE_NEAR_FULL, "a half is not nearly full");
_Static_assert(NODE_NEAR_FULL - 1 + NODE_RUN_LONG <= NODE_ENTRIES,
               "what is not takes a run to fill");
_Static_assert(KEY_BYTES_MAX < 1 << 24, "the prefix's size fits the shape");

/* ---- changing one node ---- */

static void change_begin(IndexNode *node)
{
    uint64_t version = atomic_load_explicit(&node->version, memory_order_relaxed);
    ASSERT((version & 1) == 0);
    atomic_store_explicit(&node->version, version + 1, memory_order_relaxed);
}

static void change_end(IndexNode *node)
{
    uint64_t version = atomic_load_explicit(&node->version, memory_order_relaxed);
    atomic_store_explicit(&node->version, version + 1, memory_order_release);
}

static uint32_t count_of(const IndexNode *node)
{
    return shape_count(atomic_load_explicit(&node->shape, memory_order_relaxed));
}

static uint32_t prefix_of(const IndexNode *node)
{
    return shape_prefix(atomic_load_explicit(&node->shape, memory_order_relaxed));
}

static void set_shape(IndexNode *node, uint32_t count, uint32_t prefix)
{
    atomic_store_explicit(&node->shape, shape_of(count, prefix), memory_order_release);
}

static void set_entry(IndexNode *node, uint32_t slot, uint64_t head, RecordHeader *record)
{
    atomic_store_explicit(&node->heads[slot], head, memory_order_release);
    atomic_store_explicit(&node->records[slot], record, memory_order_release);
}

static void set_child(IndexNode *node, uint32_t slot, IndexNode *child)
{
    atomic_store_explicit(&node->children[slot], child, memory_order_release);
}

static void copy_entry(IndexNode *to, uint32_t to_slot, const IndexNode *from, uint32_t from_slot)
{
    set_entry(to, to_slot, atomic_load_explicit(&from->heads[from_slot], memory_order_relaxed),
              atomic_load_explicit(&from->records[from_slot], memory_order_relaxed));
}

/* ---- prefixes ---- */

static uint32_t common_prefix(Slice a, Slice b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    size_t i = 0;
    while (i < shorter && a.data[i] == b.data[i])
        i++;
    return (uint32_t)i;
}

/* Computes the heads again for another prefix. Between change_begin and change_end, or before the
 * node is shown. */
static void set_prefix(IndexNode *node, uint32_t count, uint32_t prefix)
{
    Slice first = record_key(node_record(node, 0));
    for (uint32_t word = 0; word < NODE_PREFIX_WORDS; word++) {
        Slice part = {first.data, first.size < prefix ? first.size : prefix};
        atomic_store_explicit(&node->prefix[word], key_head(part, word * 8), memory_order_release);
    }
    for (uint32_t slot = 0; slot < count; slot++) {
        RecordHeader *record = node_record(node, slot);
        set_entry(node, slot, key_head(record_key(record), prefix), record);
    }
    set_shape(node, count, prefix);
}

/* After a split the keys left may have more in common: worth a pass over them now and then. */
static void grow_prefix(IndexNode *node, uint32_t count)
{
    if (count < 2)
        return;
    uint32_t prefix =
        common_prefix(record_key(node_record(node, 0)), record_key(node_record(node, count - 1)));
    if (prefix >= prefix_of(node) + PREFIX_WORTH_GROWING)
        set_prefix(node, count, prefix);
}

/* Makes the prefix one that the new key begins with too. A second key says for the first time what
 * keys here have in common. */
static void fit_prefix(IndexNode *node, Slice key)
{
    uint32_t count = count_of(node);
    if (count == 0 || (count > 1 && index_node_has_prefix(node, node_shape(node), key)))
        return;
    uint32_t prefix = common_prefix(record_key(node_record(node, 0)), key);
    if (prefix == prefix_of(node))
        return;
    change_begin(node);
    set_prefix(node, count, prefix);
    change_end(node);
}

/* ---- one more entry ---- */

static void count_near_full(RowIndex *index, const IndexNode *node, uint32_t before, uint32_t after)
{
    index->near_full[node->level] += after >= NODE_NEAR_FULL;
    index->near_full[node->level] -= before >= NODE_NEAR_FULL;
}

static void shift_entries(IndexNode *node, uint32_t slot, uint32_t count)
{
    for (uint32_t i = count; i > slot; i--)
        copy_entry(node, i, node, i - 1);
    if (node->level == 0)
        return;
    for (uint32_t i = count; i > slot; i--)
        set_child(node, i + 1, node_child(node, i));
}

/* There is room. `child` comes behind the new separator; NULL in a leaf. */
static void insert_entry(RowIndex *index, IndexNode *node, uint32_t slot, RecordHeader *record,
                         IndexNode *child)
{
    uint32_t count = count_of(node);
    ASSERT(slot <= count && count < NODE_ENTRIES);
    fit_prefix(node, record_key(record));
    uint32_t prefix = prefix_of(node);
    uint64_t head = key_head(record_key(record), prefix);
    bool is_last = slot == count;
    if (!is_last) {
        change_begin(node);
        shift_entries(node, slot, count);
    }
    if (child != NULL)
        set_child(node, slot + 1, child);
    set_entry(node, slot, head, record);
    set_shape(node, count + 1, prefix);
    if (!is_last)
        change_end(node);
    count_near_full(index, node, count, count + 1);
}

/* ---- splits ---- */

static IndexNode *new_node(RowIndex *index, uint8_t level)
{
    IndexNode *node = index_pool_take(level == 0 ? &index->leaves : &index->inner);
    node->level = level;
    return node;
}

/* A new right neighbour with the entries from `from` on, known to nobody yet. In an inner node the
 * entry before them is left out: it becomes the separator above. */
static IndexNode *copy_right_part(RowIndex *index, const IndexNode *node, uint32_t from)
{
    IndexNode *right = new_node(index, node->level);
    uint32_t count = NODE_ENTRIES - from;
    for (uint32_t i = 0; i < count; i++)
        copy_entry(right, i, node, from + i);
    for (uint32_t i = 0; node->level > 0 && i <= count; i++)
        set_child(right, i, node_child(node, from + i));
    for (uint32_t word = 0; count > 0 && word < NODE_PREFIX_WORDS; word++)
        atomic_store_explicit(&right->prefix[word], node_prefix(node, word), memory_order_relaxed);
    set_shape(right, count, count > 0 ? prefix_of(node) : 0);
    atomic_store_explicit(&right->right, node_right(node), memory_order_relaxed);
    atomic_store_explicit(&right->high, node_high(node), memory_order_relaxed);
    count_near_full(index, right, 0, count);
    grow_prefix(right, count);
    return right;
}

/* Shows the right neighbour and cuts off here what it has, in one step for readers. */
static void cut_off(RowIndex *index, IndexNode *node, uint32_t count, IndexNode *right,
                    RecordHeader *separator)
{
    count_near_full(index, node, NODE_ENTRIES, count);
    change_begin(node);
    atomic_store_explicit(&node->right, right, memory_order_release);
    atomic_store_explicit(&node->high, separator, memory_order_release);
    set_shape(node, count, prefix_of(node));
    if (count < NODE_ENTRIES)
        grow_prefix(node, count);
    change_end(node);
    node->run = 0;
}

static uint32_t cut_of_leaf(const IndexNode *leaf, uint32_t slot)
{
    if (slot == NODE_ENTRIES && node_right(leaf) == NULL)
        return NODE_ENTRIES;
    return leaf->run >= NODE_RUN_LONG ? slot : NODE_ENTRIES / 2;
}

/* Puts the record in a full leaf. Returns the new right leaf and its first record. */
static IndexNode *split_leaf(RowIndex *index, IndexNode *leaf, uint32_t slot, RecordHeader *record,
                             RecordHeader **separator)
{
    uint32_t cut = cut_of_leaf(leaf, slot);
    IndexNode *right = copy_right_part(index, leaf, cut);
    bool goes_right = slot > cut || cut == NODE_ENTRIES;
    if (goes_right)
        insert_entry(index, right, slot - cut, record, NULL);
    *separator = node_record(right, 0);
    cut_off(index, leaf, cut, right, *separator);
    if (!goes_right)
        insert_entry(index, leaf, slot, record, NULL);
    if (index->last == leaf)
        index->last = right;
    return right;
}

/* Puts separator and child in a full inner node. Returns the new right node and what separates the
 * two. */
static IndexNode *split_inner(RowIndex *index, IndexNode *node, uint32_t slot, RecordHeader *record,
                              IndexNode *child, RecordHeader **separator)
{
    if (slot == NODE_ENTRIES && node_right(node) == NULL) {
        IndexNode *right = new_node(index, node->level);
        set_child(right, 0, child);
        *separator = record;
        cut_off(index, node, NODE_ENTRIES, right, record);
        return right;
    }
    uint32_t cut = NODE_ENTRIES / 2;
    *separator = node_record(node, cut);
    IndexNode *right = copy_right_part(index, node, cut + 1);
    if (slot > cut)
        insert_entry(index, right, slot - cut - 1, record, child);
    cut_off(index, node, cut, right, *separator);
    if (slot <= cut)
        insert_entry(index, node, slot, record, child);
    return right;
}

static void grow_root(RowIndex *index, IndexNode *right, RecordHeader *separator)
{
    IndexNode *old = atomic_load_explicit(&index->root, memory_order_relaxed);
    ASSERT(index->levels < INDEX_LEVELS_MAX);
    IndexNode *root = new_node(index, (uint8_t)index->levels);
    set_child(root, 0, old);
    insert_entry(index, root, 0, separator, right);
    index->levels++;
    atomic_store_explicit(&index->root, root, memory_order_release);
}

/* Tells the levels above of a new node behind `separator`. */
static void insert_above(RowIndex *index, const IndexPath *path, RecordHeader *separator,
                         IndexNode *child)
{
    for (uint32_t level = 1; level < index->levels; level++) {
        IndexNode *node = path->nodes[level];
        uint32_t slot = path->slots[level];
        if (count_of(node) < NODE_ENTRIES) {
            insert_entry(index, node, slot, separator, child);
            return;
        }
        child = split_inner(index, node, slot, separator, child, &separator);
    }
    grow_root(index, child, separator);
}

/* ---- what others call ---- */

static void find_path(const RowIndex *index, Slice key, IndexPath *path)
{
    IndexNode *node = atomic_load_explicit(&index->root, memory_order_relaxed);
    while (node->level > 0) {
        NodePlace place = index_node_search(node, node_shape(node), key);
        uint32_t slot = place.slot + place.is_equal;
        path->nodes[node->level] = node;
        path->slots[node->level] = slot;
        node = node_child(node, slot);
        node_prefetch(node);
    }
    path->leaf = node;
    path->place = index_node_search(node, node_shape(node), key);
    path->is_append = false;
}

RecordHeader *row_index_find(const RowIndex *index, Slice key, IndexPath *path)
{
    if (index->last_record != NULL && index_key_compare(key, index->last_record) > 0) {
        path->leaf = index->last;
        path->place = (NodePlace){count_of(index->last), false};
        path->is_append = true;
        return NULL;
    }
    find_path(index, key, path);
    return path->place.is_equal ? node_record(path->leaf, path->place.slot) : NULL;
}

static void note_slot(IndexNode *leaf, uint32_t slot)
{
    leaf->run = slot == leaf->last_slot + 1u ? (uint8_t)(leaf->run + 1) : 0;
    leaf->last_slot = (uint8_t)slot;
}

void row_index_put(RowIndex *index, IndexPath *path, RecordHeader *record)
{
    IndexNode *leaf = path->leaf;
    uint32_t slot = path->place.slot;
    if (path->place.is_equal) {
        atomic_store_explicit(&leaf->records[slot], record, memory_order_release);
        return;
    }
    if (leaf == index->last && slot == count_of(leaf))
        index->last_record = record;
    note_slot(leaf, slot);
    if (count_of(leaf) < NODE_ENTRIES) {
        insert_entry(index, leaf, slot, record, NULL);
        return;
    }
    if (path->is_append)
        find_path(index, record_key(record), path);
    RecordHeader *separator;
    IndexNode *right = split_leaf(index, leaf, slot, record, &separator);
    insert_above(index, path, separator, right);
}

Status row_index_open(Env *env, RowIndex *out, Error *error)
{
    *out = (RowIndex){.env = env, .levels = 1};
    index_pool_open(&out->leaves, LEAF_BYTES);
    index_pool_open(&out->inner, INNER_BYTES);
    IndexChunk *chunk;
    TRY(index_pool_prepare(&out->leaves, 1, &chunk, error));
    index_pool_add(&out->leaves, chunk);
    out->first = new_node(out, 0);
    out->last = out->first;
    atomic_store_explicit(&out->root, out->first, memory_order_release);
    return OK;
}

void row_index_close(RowIndex *index)
{
    index_pool_close(&index->leaves);
    index_pool_close(&index->inner);
}

size_t row_index_bytes(const RowIndex *index)
{
    return index->leaves.used * LEAF_BYTES + index->inner.used * INNER_BYTES;
}

/* Nodes of one level that so many insertions into it may cut off. */
static size_t splits_at_most(const RowIndex *index, uint32_t level, size_t insertions)
{
    size_t near_full = level < index->levels ? index->near_full[level] : 0;
    size_t splits = 2 * (near_full + insertions / NODE_RUN_LONG);
    return splits < insertions ? splits : insertions;
}

Status row_index_prepare(const RowIndex *index, size_t count, IndexGrowth *out, Error *error)
{
    size_t leaves = splits_at_most(index, 0, count);
    size_t inner = 0;
    size_t insertions = leaves;
    for (uint32_t level = 1; insertions > 0; level++) {
        size_t splits = splits_at_most(index, level, insertions);
        inner += splits + (level >= index->levels); /* a new root */
        insertions = splits;
    }
    TRY(index_pool_prepare(&index->leaves, leaves, &out->leaves, error));
    Status status = index_pool_prepare(&index->inner, inner, &out->inner, error);
    if (status != OK)
        index_chunk_free(out->leaves);
    return status;
}

void row_index_add(RowIndex *index, IndexGrowth *growth)
{
    index_pool_add(&index->leaves, growth->leaves);
    index_pool_add(&index->inner, growth->inner);
}

void row_index_give_up(IndexGrowth *growth)
{
    index_chunk_free(growth->leaves);
    index_chunk_free(growth->inner);
}
