/* The index by itself: after every kind of insertion the whole tree is looked over. */
#include "memtable/index_int.h"
#include "tests/unit/memtable/test.h"

typedef struct Tree {
    RowIndex index;
    Arena records;
    uint64_t seq;
} Tree;

static void tree_open(Tree *tree)
{
    Error error;
    *tree = (Tree){0};
    arena_open(&tree->records, 0);
    assert_ok(row_index_open(env_real(), &tree->index, &error), &error);
}

static void tree_close(Tree *tree)
{
    row_index_close(&tree->index);
    arena_close(&tree->records);
}

static void reserve(Tree *tree, size_t count)
{
    Error error;
    IndexGrowth growth;
    assert_ok(row_index_prepare(&tree->index, count, &growth, &error), &error);
    row_index_add(&tree->index, &growth);
}

/* True where the key is new. */
static bool tree_put(Tree *tree, Slice key)
{
    IndexPath path;
    RecordHeader *older = row_index_find(&tree->index, key, &path);
    RecordHeader header = {
        .seq = ++tree->seq, .kind = RECORD_DELETE, .key_size = (uint16_t)key.size, .older = older};
    uint8_t *at = arena_allocate(&tree->records, record_size(key.size, 0));
    assert_non_null(at);
    row_index_put(&tree->index, &path, record_write(at, &header, key, SLICE_EMPTY));
    return older == NULL;
}

/* ---- looking it over ---- */

typedef struct Census {
    size_t nodes[INDEX_LEVELS_MAX];
    size_t near_full[INDEX_LEVELS_MAX];
    size_t keys;
} Census;

static uint32_t common(Slice a, Slice b)
{
    uint32_t i = 0;
    while (i < a.size && i < b.size && a.data[i] == b.data[i])
        i++;
    return i;
}

static void check_entries(const IndexNode *node, const RecordHeader *low)
{
    uint32_t count = shape_count(node_shape(node));
    uint32_t prefix = shape_prefix(node_shape(node));
    Slice before = low == NULL ? SLICE_EMPTY : record_key(low);
    for (uint32_t i = 0; i < count; i++) {
        Slice key = record_key(node_record(node, i));
        int order = slice_compare(before, key);
        assert_true(order < 0 || (i == 0 && node->level == 0 && order == 0));
        assert_true(common(key, record_key(node_record(node, 0))) >= prefix);
        assert_int_equal(node_head(node, i), key_head(key, prefix));
        before = key;
    }
    if (node_high(node) != NULL)
        assert_true(slice_compare(before, record_key(node_high(node))) < 0);
    assert_true((node_high(node) == NULL) == (node_right(node) == NULL));
    Slice first = count == 0 ? SLICE_EMPTY : record_key(node_record(node, 0));
    for (uint32_t word = 0; word < NODE_PREFIX_WORDS; word++)
        assert_int_equal(node_prefix(node, word), key_head(slice_of(first.data, prefix), word * 8));
}

/* One level from its first node on: every node, its bounds, and the order of their children. */
static void check_level(const IndexNode *first, Census *census)
{
    const IndexNode *child = first->level == 0 ? NULL : node_child(first, 0);
    const RecordHeader *low = NULL;
    for (const IndexNode *node = first; node != NULL; node = node_right(node)) {
        uint32_t count = shape_count(node_shape(node));
        assert_int_equal(node->level, first->level);
        assert_int_equal(node->version & 1, 0);
        check_entries(node, low);
        if (node->level == 0 && low != NULL)
            assert_true(slice_equal(record_key(node_record(node, 0)), record_key(low)));
        for (uint32_t i = 0; node->level > 0 && i <= count; i++) {
            assert_ptr_equal(node_child(node, i), child);
            const RecordHeader *behind = i < count ? node_record(node, i) : node_high(node);
            assert_ptr_equal(node_high(child), behind);
            child = node_right(child);
        }
        census->nodes[node->level]++;
        census->near_full[node->level] += count >= NODE_NEAR_FULL;
        census->keys += node->level == 0 ? count : 0;
        low = node_high(node);
    }
    assert_null(child);
}

static void check_tree(const Tree *tree, size_t keys)
{
    Census census = {0};
    const RowIndex *index = &tree->index;
    const IndexNode *node = index->root;
    assert_int_equal(node->level + 1, index->levels);
    for (;; node = node_child(node, 0)) {
        check_level(node, &census);
        if (node->level == 0)
            break;
    }
    assert_ptr_equal(node, index->first);
    assert_int_equal(census.keys, keys);
    size_t inner = 0;
    for (uint32_t level = 0; level < INDEX_LEVELS_MAX; level++) {
        assert_int_equal(census.near_full[level], index->near_full[level]);
        inner += level > 0 ? census.nodes[level] : 0;
    }
    assert_int_equal(index->leaves.used, census.nodes[0]);
    assert_int_equal(index->inner.used, inner);
    assert_int_equal(row_index_bytes(index), census.nodes[0] * LEAF_BYTES + inner * INNER_BYTES);
    assert_null(node_right(index->last));
    IndexPlace last;
    row_index_last(index, &last);
    assert_int_equal(keys == 0, last.record == NULL);
    if (keys > 0)
        assert_true(slice_equal(record_key(last.record), record_key(index->last_record)));
}

static void test_every_shape_makes_a_sound_tree(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    KeyMaker *maker = malloc(sizeof *maker);
    for (int shape = 0; shape < KEY_SHAPE_COUNT; shape++) {
        Tree tree;
        tree_open(&tree);
        *maker = (KeyMaker){.shape = (KeyShape)shape, .random = random_of(seed)};
        size_t keys = 0;
        size_t target = shape == KEYS_HUGE ? 1500 : 20000;
        for (size_t i = 0; i < target; i++) {
            reserve(&tree, 1);
            keys += tree_put(&tree, make_key(maker));
            if (i < 200 || i % 1999 == 0)
                check_tree(&tree, keys);
        }
        check_tree(&tree, keys);
        tree_close(&tree);
    }
    free(maker);
}

/* Keys that come in order, alone or per owner among others, leave leaves full behind. */
static void test_runs_fill_leaves(void **state)
{
    (void)state;
    static const struct {
        KeyShape shape;
        double fill_least;
    } cases[] = {{KEYS_ASCENDING, 0.99}, {KEYS_USERS, 0.9}, {KEYS_RANDOM, 0.6}};
    KeyMaker *maker = malloc(sizeof *maker);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Tree tree;
        tree_open(&tree);
        *maker = (KeyMaker){.shape = cases[c].shape, .random = random_of(c)};
        for (size_t i = 0; i < 50000; i++) {
            reserve(&tree, 1);
            assert_true(tree_put(&tree, make_key(maker)));
        }
        check_tree(&tree, 50000);
        double fill = 50000.0 / NODE_ENTRIES / (double)tree.index.leaves.used;
        if (fill < cases[c].fill_least)
            fail_msg("shape %d: leaves are filled to %.3f only", cases[c].shape, fill);
        tree_close(&tree);
    }
    free(maker);
}

/* What was reserved for a batch suffices for it, whatever the tree looked like before. The pool
 * itself stops the process where it does not. */
static void test_a_reservation_suffices(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    Random random = random_of(seed);
    KeyMaker *maker = malloc(sizeof *maker);
    for (int round = 0; round < 40; round++) {
        Tree tree;
        tree_open(&tree);
        size_t keys = 0;
        *maker = (KeyMaker){.random = random_of(seed + (uint64_t)round)};
        for (int batch = 0; batch < 60; batch++) {
            maker->shape = (KeyShape)random_below(&random, KEYS_LONG);
            size_t count = 1 + random_below(&random, 400);
            reserve(&tree, count);
            size_t leaves = tree.index.leaves.free;
            for (size_t i = 0; i < count; i++)
                keys += tree_put(&tree, make_key(maker));
            assert_true(tree.index.leaves.free <= leaves);
        }
        check_tree(&tree, keys);
        tree_close(&tree);
    }
    free(maker);
}

/* The worst the bound allows: every leaf full, and a batch that hits each of them twice. */
static void test_a_reservation_suffices_for_full_leaves(void **state)
{
    (void)state;
    Tree tree;
    tree_open(&tree);
    enum { LEAVES = 300 };
    uint8_t key[16];
    for (uint64_t i = 0; i < LEAVES * NODE_ENTRIES; i++) {
        reserve(&tree, 1);
        assert_true(tree_put(&tree, slice_of(key, put_number(key, i * 8))));
    }
    assert_int_equal(tree.index.near_full[0], LEAVES);
    reserve(&tree, 3 * LEAVES);
    for (uint64_t hit = 1; hit <= 3; hit++) {
        for (uint64_t leaf = 0; leaf < LEAVES; leaf++) {
            size_t size = put_number(key, (leaf * NODE_ENTRIES + 33) * 8 + hit);
            assert_true(tree_put(&tree, slice_of(key, size)));
        }
    }
    check_tree(&tree, LEAVES * (NODE_ENTRIES + 3));
    tree_close(&tree);
}

static void test_small_tables_have_small_indexes(void **state)
{
    (void)state;
    Tree tree;
    tree_open(&tree);
    uint8_t key[8];
    for (uint64_t i = 0; i < 10; i++) {
        reserve(&tree, 1);
        assert_true(tree_put(&tree, slice_of(key, put_number(key, i))));
    }
    assert_int_equal(row_index_bytes(&tree.index), LEAF_BYTES);
    assert_int_equal(tree.index.inner.grown, 0);
    tree_close(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape_makes_a_sound_tree),
        cmocka_unit_test(test_runs_fill_leaves),
        cmocka_unit_test(test_a_reservation_suffices),
        cmocka_unit_test(test_a_reservation_suffices_for_full_leaves),
        cmocka_unit_test(test_small_tables_have_small_indexes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
