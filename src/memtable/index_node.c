#include "memtable/index_node_int.h"

enum {
    ROUNDS_BEFORE_SLEEP = 512,
    SLEEP_NS = 20000,
};

/* The processor gave the writer's time to somebody else in the few instructions in which a node is
 * odd: waiting for long would burn the time it needs to go on. */
void index_node_wait(Env *env, uint32_t *rounds)
{
    (*rounds)++;
    if (*rounds % ROUNDS_BEFORE_SLEEP == 0) {
        env_sleep_ns(env, SLEEP_NS);
        return;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

int index_key_compare_from(Slice key, const RecordHeader *record, size_t from)
{
    Slice other = record_key(record);
    size_t shorter = key.size < other.size ? key.size : other.size;
    if (from < shorter) {
        int order = memcmp(key.data + from, other.data + from, shorter - from);
        if (order != 0)
            return order;
    }
    return key.size < other.size ? -1 : key.size > other.size;
}

/* The bytes of the prefix that the node does not hold itself: its first record has them. */
static int compare_long_prefix(const IndexNode *node, uint32_t prefix, Slice key)
{
    Slice other = record_key(node_record(node, 0));
    size_t end = key.size < prefix ? key.size : prefix;
    if (end > other.size)
        end = other.size;
    int order = 0;
    if (end > NODE_PREFIX_BYTES)
        order = memcmp(key.data + NODE_PREFIX_BYTES, other.data + NODE_PREFIX_BYTES,
                       end - NODE_PREFIX_BYTES);
    return order == 0 && key.size < prefix ? -1 : order;
}

/* How the first `prefix` bytes of the key compare with the node's: 0 where the key begins with
 * them, below 0 where it stands before every key here, above 0 where it stands behind. */
static int compare_prefix(const IndexNode *node, uint32_t prefix, Slice key)
{
    for (uint32_t word = 0; word < NODE_PREFIX_WORDS && word * 8 < prefix; word++) {
        uint64_t have = node_prefix(node, word);
        uint64_t want = key_head(key, word * 8);
        if (prefix < word * 8 + 8)
            want &= ~(uint64_t)0 << (8 * (word * 8 + 8 - prefix));
        if (want != have)
            return want < have ? -1 : 1;
    }
    if (prefix > NODE_PREFIX_BYTES && key.size > NODE_PREFIX_BYTES)
        return compare_long_prefix(node, prefix, key);
    return key.size < prefix ? -1 : 0;
}

bool index_node_has_prefix(const IndexNode *node, uint32_t shape, Slice key)
{
    return compare_prefix(node, shape_prefix(shape), key) == 0;
}

/* How many of the heads from `from` to `end` are below `head`, or not above it; without branches
 * that a processor could guess wrong. */
static inline uint32_t heads_below(const IndexNode *node, uint32_t from, uint32_t end,
                                   uint64_t head, bool or_equal)
{
    uint32_t count = end - from;
    while (count > 1) {
        uint32_t half = count / 2;
        uint64_t at = node_head(node, from + half - 1);
        from += half & -(uint32_t)(at < head || (or_equal && at == head));
        count -= half;
    }
    if (count == 1) {
        uint64_t at = node_head(node, from);
        from += at < head || (or_equal && at == head);
    }
    return from;
}

/* Among entries whose heads are equal the whole keys decide. */
static NodePlace search_keys(const IndexNode *node, uint32_t from, uint32_t end, uint32_t prefix,
                             Slice key)
{
    while (from < end) {
        uint32_t middle = from + (end - from) / 2;
        int order = index_key_compare_from(key, node_record(node, middle), prefix);
        if (order == 0)
            return (NodePlace){middle, true};
        if (order > 0)
            from = middle + 1;
        else
            end = middle;
    }
    return (NodePlace){from, false};
}

NodePlace index_node_search(const IndexNode *node, uint32_t shape, Slice key)
{
    uint32_t count = shape_count(shape);
    uint32_t prefix = shape_prefix(shape);
    int side = prefix == 0 ? 0 : compare_prefix(node, prefix, key);
    if (side != 0)
        return (NodePlace){side < 0 ? 0 : count, false};
    uint64_t head = key_head(key, prefix);
    uint32_t from = heads_below(node, 0, count, head, false);
    if (from == count || node_head(node, from) != head)
        return (NodePlace){from, false};
    uint32_t end = from + 1;
    if (end < count && node_head(node, end) == head)
        end = heads_below(node, end, count, head, true);
    return search_keys(node, from, end, prefix, key);
}
