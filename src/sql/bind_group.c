/* GROUP BY and grouping sets, and what may stand outside of aggregates after it. */
#include "sql/binder_int.h"

enum { GROUPING_SETS_MAX = 4096 };

/* A set of keys as bits would be too small: PostgreSQL takes 1664 of them. */
typedef struct KeySet {
    uint32_t *keys;
    uint32_t count;
} KeySet;

typedef struct KeySets {
    KeySet *items;
    uint32_t count;
    uint32_t capacity;
} KeySets;

static Status add_set(Binder *binder, KeySets *sets, KeySet set, int32_t position, Error *error)
{
    if (sets->count >= GROUPING_SETS_MAX)
        return error_set_at(error, position, STATUS_STATEMENT_TOO_COMPLEX,
                            "too many grouping sets present (maximum %d)", GROUPING_SETS_MAX);
    TRY(list_grow(binder->arena, (void **)&sets->items, sets->count, &sets->capacity, sizeof set,
                  error));
    sets->items[sets->count++] = set;
    return OK;
}

static Status join_sets(Binder *binder, const KeySet *a, const KeySet *b, KeySet *out, Error *error)
{
    KeySet both = {ARENA_ARRAY(binder->arena, uint32_t, a->count + b->count), 0};
    if (both.keys == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < a->count + b->count; i++) {
        uint32_t key = i < a->count ? a->keys[i] : b->keys[i - a->count];
        bool is_there = false;
        for (uint32_t k = 0; k < both.count; k++)
            is_there = is_there || both.keys[k] == key;
        if (!is_there)
            both.keys[both.count++] = key;
    }
    *out = both;
    return OK;
}

/* ---- keys ---- */

static Status add_key(Binder *binder, BoundQuery *query, Bound *value, uint32_t *out, Error *error)
{
    for (uint32_t i = 0; i < query->keys.count; i++) {
        if (bound_equal(query->keys.items[i], value)) {
            *out = i;
            return OK;
        }
    }
    *out = query->keys.count;
    return bound_list_add(binder->arena, &query->keys, value, error);
}

static Status refuse_in_key(Bound **place, void *context, Error *error)
{
    const BoundQuery *query = context;
    const Bound *bound = *place;
    if (bound->kind == BOUND_RESULT && bound->as.query == query)
        return error_set_at(error, bound->position_byte, STATUS_GROUPING_ERROR,
                            "aggregate functions are not allowed in GROUP BY");
    if (bound->kind == BOUND_WINDOW)
        return error_set_at(error, bound->position_byte, STATUS_WINDOWING_ERROR,
                            "window functions are not allowed in GROUP BY");
    if (bound->kind == BOUND_CALL && bound->as.function->kind == FUNCTION_SET)
        return error_set_at(error, bound->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "set-returning functions in GROUP BY are not supported");
    return OK;
}

/* One expression of GROUP BY: its hidden target is taken back, keys have a list of their own. */
static Status bind_key(Binder *binder, Scope *scope, const Node *node, uint32_t *out, Error *error)
{
    BoundQuery *query = scope->query;
    uint32_t before = query->target_count;
    uint32_t target;
    Bound *value;
    TRY(find_target(binder, scope, node, CLAUSE_GROUP_BY, &target, error));
    TRY(coerce_unknown_to_text(binder, &query->targets[target].value, error));
    TRY(bound_clone(binder, query->targets[target].value, &value, error));
    query->target_count = before;
    TRY(bound_visit_all(&value, refuse_in_key, query, error));
    TRY(check_equality_operator(value->type, value->position_byte, error));
    if (value->kind == BOUND_ROW)
        return error_set_at(error, value->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "grouping by a row is not supported");
    return add_key(binder, query, value, out, error);
}

/* (a, b) is two keys that go together. */
static Status bind_key_list(Binder *binder, Scope *scope, const Node *node, KeySet *out,
                            Error *error)
{
    bool is_row = node_is(node, "RowExpr") || node_kind(node).size == 0 || node_is(node, "List");
    const Node *list = node_is(node, "RowExpr") ? node_field(node, "args") : node;
    uint32_t count = is_row ? node_count(list) : 1;
    out->keys = ARENA_ARRAY(binder->arena, uint32_t, count);
    if (out->keys == NULL)
        return arena_error(binder->arena, error);
    out->count = 0;
    for (uint32_t i = 0; i < count; i++)
        TRY(bind_key(binder, scope, is_row ? node_item(list, i) : node, &out->keys[out->count++],
                     error));
    return OK;
}

/* ---- grouping sets ---- */

static Status bind_element(Binder *binder, Scope *scope, const Node *node, KeySets *out,
                           Error *error);

static Status bind_members(Binder *binder, Scope *scope, const Node *content, KeySet **out,
                           uint32_t *count, Error *error)
{
    *count = node_count(content);
    *out = ARENA_ARRAY(binder->arena, KeySet, *count);
    if (*out == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < *count; i++)
        TRY(bind_key_list(binder, scope, node_item(content, i), &(*out)[i], error));
    return OK;
}

static Status expand_rollup(Binder *binder, const KeySet *members, uint32_t count, int32_t position,
                            KeySets *out, Error *error)
{
    for (uint32_t length = count + 1; length > 0; length--) {
        KeySet set = {NULL, 0};
        for (uint32_t i = 0; i + 1 < length; i++)
            TRY(join_sets(binder, &set, &members[i], &set, error));
        TRY(add_set(binder, out, set, position, error));
    }
    return OK;
}

static Status expand_cube(Binder *binder, const KeySet *members, uint32_t count, int32_t position,
                          KeySets *out, Error *error)
{
    if (count > 12)
        return error_set_at(error, position, STATUS_TOO_MANY_COLUMNS,
                            "CUBE is limited to 12 elements");
    for (uint32_t chosen = 1u << count; chosen > 0; chosen--) {
        KeySet set = {NULL, 0};
        for (uint32_t i = 0; i < count; i++) {
            if ((chosen - 1) & (1u << i))
                TRY(join_sets(binder, &set, &members[i], &set, error));
        }
        TRY(add_set(binder, out, set, position, error));
    }
    return OK;
}

static Status expand_sets(Binder *binder, Scope *scope, const Node *content, KeySets *out,
                          Error *error)
{
    for (uint32_t i = 0; i < node_count(content); i++)
        TRY(bind_element(binder, scope, node_item(content, i), out, error));
    return OK;
}

static Status bind_grouping_set(Binder *binder, Scope *scope, const Node *node, KeySets *out,
                                Error *error)
{
    Slice kind = node_text(node, "kind");
    const Node *content = node_field(node, "content");
    int32_t position = node_location(node);
    KeySet *members;
    uint32_t count;
    if (slice_equal_text(kind, "GROUPING_SET_EMPTY"))
        return add_set(binder, out, (KeySet){NULL, 0}, position, error);
    if (slice_equal_text(kind, "GROUPING_SET_SETS"))
        return expand_sets(binder, scope, content, out, error);
    TRY(bind_members(binder, scope, content, &members, &count, error));
    if (slice_equal_text(kind, "GROUPING_SET_ROLLUP"))
        return expand_rollup(binder, members, count, position, out, error);
    return expand_cube(binder, members, count, position, out, error);
}

/* What one element of GROUP BY stands for: several sets, or one. */
static Status bind_element(Binder *binder, Scope *scope, const Node *node, KeySets *out,
                           Error *error)
{
    TRY(binder_down(binder, node_location(node), error));
    if (node_is(node, "GroupingSet")) {
        TRY(bind_grouping_set(binder, scope, node, out, error));
    } else {
        KeySet set;
        TRY(bind_key_list(binder, scope, node, &set, error));
        TRY(add_set(binder, out, set, node_location(node), error));
    }
    binder_up(binder);
    return OK;
}

/* GROUP BY a, ROLLUP (b, c): every set of one with every set of the other. */
static Status multiply(Binder *binder, const KeySets *a, const KeySets *b, KeySets *out,
                       Error *error)
{
    *out = (KeySets){NULL, 0, 0};
    for (uint32_t i = 0; i < a->count; i++) {
        for (uint32_t j = 0; j < b->count; j++) {
            KeySet both;
            TRY(join_sets(binder, &a->items[i], &b->items[j], &both, error));
            TRY(add_set(binder, out, both, -1, error));
        }
    }
    return OK;
}

static Status keep_sets(Binder *binder, const KeySets *sets, BoundQuery *query, Error *error)
{
    GroupingSetList *list = &query->sets;
    list->sets = ARENA_ARRAY(binder->arena, uint32_t *, sets->count);
    list->sizes = ARENA_ARRAY(binder->arena, uint32_t, sets->count);
    if (list->sets == NULL || list->sizes == NULL)
        return arena_error(binder->arena, error);
    list->count = sets->count;
    for (uint32_t i = 0; i < sets->count; i++) {
        list->sets[i] = sets->items[i].keys;
        list->sizes[i] = sets->items[i].count;
    }
    return OK;
}

Status bind_group_clause(Binder *binder, Scope *scope, const Node *list, Error *error)
{
    BoundQuery *query = scope->query;
    bool has_sets = false;
    KeySets all = {NULL, 0, 0};
    if (node_count(list) == 0)
        return OK;
    query->is_grouped = true;
    TRY(add_set(binder, &all, (KeySet){NULL, 0}, -1, error));
    for (uint32_t i = 0; i < node_count(list); i++) {
        const Node *node = node_item(list, i);
        KeySets element = {NULL, 0, 0};
        KeySets product;
        has_sets = has_sets || node_is(node, "GroupingSet");
        TRY(bind_element(binder, scope, node, &element, error));
        TRY(multiply(binder, &all, &element, &product, error));
        all = product;
    }
    return has_sets ? keep_sets(binder, &all, query, error) : OK;
}
