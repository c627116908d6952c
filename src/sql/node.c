/* Constructors of the bound tree. */
#include "sql/binder_int.h"

void binder_open(Binder *binder, BindContext *context, Arena *scratch)
{
    *binder = (Binder){.context = context, .arena = scratch, .kept = context->arena};
}

Status binder_down(Binder *binder, int32_t position, Error *error)
{
    if (binder->depth >= BIND_DEPTH_MAX)
        return error_set_at(error, position, STATUS_STATEMENT_TOO_COMPLEX,
                            "statement nests deeper than %d levels", BIND_DEPTH_MAX);
    binder->depth++;
    return OK;
}

Status list_grow(Arena *arena, void **items, uint32_t count, uint32_t *capacity, size_t item_size,
                 Error *error)
{
    if (count < *capacity)
        return OK;
    uint32_t larger = *capacity == 0 ? 8 : *capacity * 2;
    void *memory = arena_allocate_zeroed(arena, larger, item_size);
    if (memory == NULL)
        return arena_error(arena, error);
    if (count > 0)
        memcpy(memory, *items, (size_t)count * item_size);
    *items = memory;
    *capacity = larger;
    return OK;
}

Status bound_list_add(Arena *arena, BoundList *list, Bound *bound, Error *error)
{
    TRY(list_grow(arena, (void **)&list->items, list->count, &list->capacity, sizeof bound, error));
    list->items[list->count++] = bound;
    return OK;
}

Status bound_new(Binder *binder, BoundKind kind, Type type, int32_t position, uint32_t child_count,
                 Bound **out, Error *error)
{
    if (binder->node_count++ >= BIND_NODES_MAX)
        return error_set_at(error, position, STATUS_STATEMENT_TOO_COMPLEX,
                            "statement has more than %d expressions", BIND_NODES_MAX);
    Bound *bound = ARENA_NEW(binder->arena, Bound);
    Bound **children = child_count == 0 ? NULL : ARENA_ARRAY(binder->arena, Bound *, child_count);
    if (bound == NULL || (child_count > 0 && children == NULL))
        return arena_error(binder->arena, error);
    bound->kind = kind;
    bound->type = type;
    bound->position_byte = position;
    bound->child_count = child_count;
    bound->children = children;
    *out = bound;
    return OK;
}

int32_t bound_begin(const Bound *bound)
{
    int32_t begin = bound->position_byte;
    while (bound->child_count > 0 && bound->children[0] != NULL) {
        bound = bound->children[0];
        if (bound->position_byte >= 0 && bound->position_byte < begin)
            begin = bound->position_byte;
    }
    return begin;
}

Status bound_constant(Binder *binder, Type type, Value value, int32_t position, Bound **out,
                      Error *error)
{
    Bound *bound;
    TRY(bound_new(binder, BOUND_CONSTANT, type, position, 0, &bound, error));
    bound->as.constant = value;
    bound_settle(bound);
    *out = bound;
    return OK;
}

Status bound_boolean(Binder *binder, bool value, int32_t position, Bound **out, Error *error)
{
    return bound_constant(binder, TYPE(BOOLEAN), value_boolean(value), position, out, error);
}

Status bound_column(Binder *binder, Relation *relation, uint32_t column, int32_t position,
                    Bound **out, Error *error)
{
    ASSERT(column < relation->column_count);
    const RelationColumn *from = &relation->columns[column];
    Bound *bound;
    TRY(bound_new(binder, BOUND_COLUMN, from->type, position, 0, &bound, error));
    bound->as.relation = relation;
    bound->index = column;
    bound->scale = from->scale;
    bound->precision = from->precision;
    *out = bound;
    return OK;
}

Status bound_unary(Binder *binder, BoundKind kind, Type type, Bound *child, int32_t position,
                   Bound **out, Error *error)
{
    Bound *bound;
    TRY(bound_new(binder, kind, type, position, 1, &bound, error));
    bound->children[0] = child;
    bound_settle(bound);
    *out = bound;
    return OK;
}

Status bound_and(Binder *binder, Bound *left, Bound *right, Bound **out, Error *error)
{
    if (left == NULL || right == NULL) {
        *out = left == NULL ? right : left;
        return OK;
    }
    uint32_t left_count = left->kind == BOUND_AND ? left->child_count : 1;
    uint32_t right_count = right->kind == BOUND_AND ? right->child_count : 1;
    Bound *bound;
    TRY(bound_new(binder, BOUND_AND, TYPE(BOOLEAN), left->position_byte, left_count + right_count,
                  &bound, error));
    for (uint32_t i = 0; i < left_count; i++)
        bound->children[i] = left->kind == BOUND_AND ? left->children[i] : left;
    for (uint32_t i = 0; i < right_count; i++)
        bound->children[left_count + i] = right->kind == BOUND_AND ? right->children[i] : right;
    *out = bound;
    return OK;
}

Status bound_compare(Binder *binder, CompareOperator operation, Bound *left, Bound *right,
                     int32_t position, Bound **out, Error *error)
{
    Bound *bound;
    TRY(bound_new(binder, BOUND_COMPARE, TYPE(BOOLEAN), position, 2, &bound, error));
    bound->index = (uint32_t)operation;
    bound->children[0] = left;
    bound->children[1] = right;
    *out = bound;
    return OK;
}

/* ---- copies ---- */

static Status clone_into(Binder *binder, Bound **place, Error *error)
{
    return *place == NULL ? OK : bound_clone(binder, *place, place, error);
}

static Status clone_order(Binder *binder, BoundOrder **order, uint32_t count, Error *error)
{
    BoundOrder *copy = ARENA_ARRAY(binder->arena, BoundOrder, count);
    if (copy == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = (*order)[i];
        TRY(clone_into(binder, &copy[i].value, error));
    }
    *order = copy;
    return OK;
}

static Status clone_aggregate(Binder *binder, BoundAggregate **place, Error *error)
{
    BoundAggregate *copy = ARENA_NEW(binder->arena, BoundAggregate);
    if (copy == NULL)
        return arena_error(binder->arena, error);
    *copy = **place;
    *place = copy;
    TRY(clone_order(binder, &copy->order, copy->order_count, error));
    return clone_into(binder, &copy->filter, error);
}

Status bound_clone(Binder *binder, const Bound *bound, Bound **out, Error *error)
{
    TRY(binder_down(binder, bound->position_byte, error));
    Bound *copy;
    TRY(bound_new(binder, bound->kind, bound->type, bound->position_byte, bound->child_count, &copy,
                  error));
    Bound **children = copy->children;
    *copy = *bound;
    copy->children = children;
    for (uint32_t i = 0; i < bound->child_count; i++) {
        children[i] = bound->children[i];
        TRY(clone_into(binder, &children[i], error));
    }
    if (copy->aggregate != NULL)
        TRY(clone_aggregate(binder, &copy->aggregate, error));
    binder_up(binder);
    *out = copy;
    return OK;
}
