/* Ranges in a treap, by where they begin; each node knows which of those below it reaches furthest.
 * A value is found in O(log n) for each range that holds it: a part of the tree that does not reach
 * it is not entered, nor what begins behind it. Random priorities keep the tree shallow whatever
 * order clients subscribe in. Nothing here recurses. */
#include "live/index_int.h"

#include "base/assert.h"

/* Which range begins first? Ends that begin nowhere are before all; of equal values the inclusive
 * one. */
static int compare_low(const LiveBound *a, const LiveBound *b)
{
    if (a->is_endless || b->is_endless)
        return (int)b->is_endless - (int)a->is_endless;
    int order = value_compare(&a->value, &b->value);
    return order != 0 ? order : (int)b->is_inclusive - (int)a->is_inclusive;
}

static int compare_high(const LiveBound *a, const LiveBound *b)
{
    if (a->is_endless || b->is_endless)
        return (int)a->is_endless - (int)b->is_endless;
    int order = value_compare(&a->value, &b->value);
    return order != 0 ? order : (int)a->is_inclusive - (int)b->is_inclusive;
}

static bool begins_by(const LiveBound *low, const Value *value)
{
    if (low->is_endless)
        return true;
    int order = value_compare(&low->value, value);
    return order < 0 || (order == 0 && low->is_inclusive);
}

static bool reaches(const LiveBound *high, const Value *value)
{
    if (high->is_endless)
        return true;
    int order = value_compare(&high->value, value);
    return order > 0 || (order == 0 && high->is_inclusive);
}

/* ---- keeping it in shape ---- */

static void set_reach(LiveNode *node)
{
    LiveNode *best = node;
    if (node->left != NULL && compare_high(&node->left->reach->high, &best->high) > 0)
        best = node->left->reach;
    if (node->right != NULL && compare_high(&node->right->reach->high, &best->high) > 0)
        best = node->right->reach;
    node->reach = best;
}

static void set_reach_upwards(LiveNode *node)
{
    for (; node != NULL; node = node->parent)
        set_reach(node);
}

static LiveNode **link_of(LiveNode **root, LiveNode *node)
{
    if (node->parent == NULL)
        return root;
    return node->parent->left == node ? &node->parent->left : &node->parent->right;
}

/* The child goes up, its parent down to the other side. */
static void rotate_up(LiveNode **root, LiveNode *child)
{
    LiveNode *parent = child->parent;
    LiveNode **link = link_of(root, parent);
    if (parent->left == child) {
        parent->left = child->right;
        if (child->right != NULL)
            child->right->parent = parent;
        child->right = parent;
    } else {
        parent->right = child->left;
        if (child->left != NULL)
            child->left->parent = parent;
        child->left = parent;
    }
    child->parent = parent->parent;
    parent->parent = child;
    *link = child;
    set_reach(parent);
    set_reach(child);
}

void interval_add(LiveNode **root, LiveNode *node)
{
    LiveNode *parent = NULL;
    LiveNode **link = root;
    while (*link != NULL) {
        parent = *link;
        link = compare_low(&node->low, &parent->low) < 0 ? &parent->left : &parent->right;
    }
    node->parent = parent;
    node->left = NULL;
    node->right = NULL;
    node->reach = node;
    *link = node;
    while (node->parent != NULL && node->parent->priority < node->priority)
        rotate_up(root, node);
    set_reach_upwards(node->parent);
}

void interval_remove(LiveNode **root, LiveNode *node)
{
    while (node->left != NULL && node->right != NULL) {
        bool left_wins = node->left->priority > node->right->priority;
        rotate_up(root, left_wins ? node->left : node->right);
    }
    LiveNode *child = node->left != NULL ? node->left : node->right;
    *link_of(root, node) = child;
    if (child != NULL)
        child->parent = node->parent;
    set_reach_upwards(node->parent);
    node->parent = NULL;
    node->left = NULL;
    node->right = NULL;
}

/* ---- finding ---- */

/* The first node, in order, of the tree from `node` down that could hold the value. */
static LiveNode *first_reaching(LiveNode *node, const Value *value)
{
    while (node->left != NULL && reaches(&node->left->reach->high, value))
        node = node->left;
    return node;
}

/* The next one in order, or NULL. */
static LiveNode *next_reaching(LiveNode *node, const Value *value)
{
    if (node->right != NULL && reaches(&node->right->reach->high, value))
        return first_reaching(node->right, value);
    while (node->parent != NULL && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

void interval_find(LiveNode *root, const Value *value, LiveVisit visit, void *context)
{
    if (root == NULL || !reaches(&root->reach->high, value))
        return;
    LiveNode *node = first_reaching(root, value);
    while (node != NULL && begins_by(&node->low, value)) {
        if (reaches(&node->high, value))
            visit(context, node->subscription);
        node = next_reaching(node, value);
    }
}
