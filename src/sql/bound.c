#include "sql/bound.h"

#include "sql/binder_int.h"

static Status visit_order(BoundOrder *order, uint32_t count, BoundVisitor visit, void *context,
                          Error *error)
{
    for (uint32_t i = 0; i < count; i++)
        TRY(visit(&order[i].value, context, error));
    return OK;
}

static Status visit_one(Bound **place, BoundVisitor visit, void *context, Error *error)
{
    return *place == NULL ? OK : visit(place, context, error);
}

static Status visit_many(Bound **items, uint32_t count, BoundVisitor visit, void *context,
                         Error *error)
{
    for (uint32_t i = 0; i < count; i++)
        TRY(visit_one(&items[i], visit, context, error));
    return OK;
}

static Status visit_definition(WindowDefinition *window, BoundVisitor visit, void *context,
                               Error *error)
{
    TRY(visit_many(window->partition, window->partition_count, visit, context, error));
    TRY(visit_order(window->order, window->order_count, visit, context, error));
    TRY(visit_one(&window->start_offset, visit, context, error));
    return visit_one(&window->end_offset, visit, context, error);
}

Status bound_visit_children(Bound *bound, BoundVisitor visit, void *context, Error *error)
{
    TRY(visit_many(bound->children, bound->child_count, visit, context, error));
    if (bound->kind == BOUND_SUBQUERY) {
        BoundSubquery *subquery = bound->as.subquery;
        TRY(visit_many(subquery->lefts, subquery->test_count, visit, context, error));
        TRY(visit_many(subquery->tests, subquery->test_count, visit, context, error));
    }
    if (bound->kind == BOUND_QUANTIFIED)
        TRY(visit_one(&bound->as.test, visit, context, error));
    if (bound->aggregate != NULL) {
        BoundAggregate *aggregate = bound->aggregate;
        TRY(visit_order(aggregate->order, aggregate->order_count, visit, context, error));
        TRY(visit_one(&aggregate->filter, visit, context, error));
    }
    if (bound->window != NULL) {
        TRY(visit_one(&bound->window->filter, visit, context, error));
        TRY(visit_definition(bound->window->definition, visit, context, error));
    }
    return OK;
}

static Status visit_from(FromItem *item, BoundVisitor visit, void *context, Error *error)
{
    if (item->relation == NULL) {
        TRY(visit_from(item->left, visit, context, error));
        TRY(visit_from(item->right, visit, context, error));
        return visit_one(&item->condition, visit, context, error);
    }
    Relation *relation = item->relation;
    if (relation->kind == RELATION_FUNCTION)
        return visit_many(relation->functions, relation->function_count, visit, context, error);
    if (relation->kind == RELATION_QUERY)
        return query_visit(relation->query, visit, context, error);
    return OK;
}

static Status visit_select_parts(BoundQuery *query, BoundVisitor visit, void *context, Error *error)
{
    for (uint32_t i = 0; i < query->from_count; i++)
        TRY(visit_from(query->from[i], visit, context, error));
    TRY(visit_one(&query->where, visit, context, error));
    TRY(visit_many(query->keys.items, query->keys.count, visit, context, error));
    TRY(visit_many(query->aggregates.items, query->aggregates.count, visit, context, error));
    TRY(visit_one(&query->having, visit, context, error));
    for (uint32_t i = 0; i < query->target_count; i++)
        TRY(visit_one(&query->targets[i].value, visit, context, error));
    return OK;
}

Status query_visit(BoundQuery *query, BoundVisitor visit, void *context, Error *error)
{
    for (uint32_t i = 0; i < query->common_count; i++)
        TRY(query_visit(query->common[i]->query, visit, context, error));
    switch (query->kind) {
    case QUERY_SELECT:
        TRY(visit_select_parts(query, visit, context, error));
        break;
    case QUERY_VALUES_LIST:
        for (uint32_t i = 0; i < query->row_count; i++)
            TRY(visit_many(query->rows[i], query->column_count, visit, context, error));
        break;
    case QUERY_SET:
        TRY(query_visit(query->left, visit, context, error));
        TRY(query_visit(query->right, visit, context, error));
        break;
    }
    TRY(visit_one(&query->limit, visit, context, error));
    return visit_one(&query->offset, visit, context, error);
}

typedef struct AllContext {
    BoundVisitor visit;
    void *context;
} AllContext;

static Status visit_all_below(Bound **place, void *context, Error *error)
{
    AllContext *all = context;
    TRY(all->visit(place, all->context, error));
    Bound *bound = *place;
    TRY(bound_visit_children(bound, visit_all_below, context, error));
    if (bound->kind == BOUND_SUBQUERY)
        return query_visit(bound->as.subquery->query, visit_all_below, context, error);
    return OK;
}

Status bound_visit_all(Bound **place, BoundVisitor visit, void *context, Error *error)
{
    AllContext all = {visit, context};
    return visit_all_below(place, &all, error);
}

/* ---- questions about a tree ---- */

/* Visitors answer "found" by ending the walk with an error nobody sees. */
static Status found(void)
{
    return STATUS_CARDINALITY_VIOLATION;
}

static bool ask(const Bound *bound, BoundVisitor visit)
{
    Error unseen;
    Bound *root = (Bound *)(uintptr_t)bound;
    return bound_visit_all(&root, visit, NULL, &unseen) != OK;
}

static Status find_variable(Bound **place, void *context, Error *error)
{
    (void)context;
    (void)error;
    const Bound *bound = *place;
    switch (bound->kind) {
    case BOUND_PARAMETER:
    case BOUND_COLUMN:
    case BOUND_EXCLUDED:
    case BOUND_SUBQUERY:
    case BOUND_AGGREGATE:
    case BOUND_WINDOW:
    case BOUND_GROUPING:
    case BOUND_KEY:
    case BOUND_RESULT:
    case BOUND_OPERAND:
        return found();
    case BOUND_CALL: {
        const CatalogueFunction *function = bound->as.function;
        bool changes = function->flags & (FUNCTION_VOLATILE | FUNCTION_STABLE);
        return changes || function->kind == FUNCTION_SET ? found() : OK;
    }
    default:
        return OK;
    }
}

bool bound_is_constant(const Bound *bound)
{
    return !ask(bound, find_variable);
}

static Status find_volatile(Bound **place, void *context, Error *error)
{
    (void)context;
    (void)error;
    const Bound *bound = *place;
    bool is_call = bound->kind == BOUND_CALL || bound->kind == BOUND_AGGREGATE;
    return is_call && function_is_volatile(bound->as.function) ? found() : OK;
}

bool bound_is_volatile(const Bound *bound)
{
    return ask(bound, find_volatile);
}

static Status find_column(Bound **place, void *context, Error *error)
{
    (void)context;
    (void)error;
    BoundKind kind = (*place)->kind;
    bool reads = kind == BOUND_COLUMN || kind == BOUND_KEY || kind == BOUND_RESULT ||
                 kind == BOUND_AGGREGATE || kind == BOUND_WINDOW || kind == BOUND_EXCLUDED;
    return reads ? found() : OK;
}

bool bound_reads_columns(const Bound *bound)
{
    return ask(bound, find_column);
}

static Status find_subquery(Bound **place, void *context, Error *error)
{
    (void)context;
    (void)error;
    return (*place)->kind == BOUND_SUBQUERY ? found() : OK;
}

bool bound_has_subquery(const Bound *bound)
{
    return ask(bound, find_subquery);
}

/* ---- equality ---- */

static bool both_or_neither(const void *a, const void *b)
{
    return (a == NULL) == (b == NULL);
}

static bool same_list(Bound *const *a, uint32_t a_count, Bound *const *b, uint32_t b_count)
{
    if (a_count != b_count)
        return false;
    for (uint32_t i = 0; i < a_count; i++) {
        if (!both_or_neither(a[i], b[i]) || (a[i] != NULL && !bound_equal(a[i], b[i])))
            return false;
    }
    return true;
}

static bool same_optional(const Bound *a, const Bound *b)
{
    return both_or_neither(a, b) && (a == NULL || bound_equal(a, b));
}

static bool same_order(const BoundOrder *a, uint32_t a_count, const BoundOrder *b, uint32_t b_count)
{
    if (a_count != b_count)
        return false;
    for (uint32_t i = 0; i < a_count; i++) {
        if (a[i].descending != b[i].descending || a[i].nulls_first != b[i].nulls_first ||
            !bound_equal(a[i].value, b[i].value))
            return false;
    }
    return true;
}

static bool same_aggregate(const BoundAggregate *a, const BoundAggregate *b)
{
    if (!both_or_neither(a, b))
        return false;
    if (a == NULL)
        return true;
    return a->query == b->query && a->is_star == b->is_star && a->distinct == b->distinct &&
           a->within_group == b->within_group && same_optional(a->filter, b->filter) &&
           same_order(a->order, a->order_count, b->order, b->order_count);
}

static bool same_definition(const WindowDefinition *a, const WindowDefinition *b)
{
    return a == b ||
           (same_list(a->partition, a->partition_count, b->partition, b->partition_count) &&
            same_order(a->order, a->order_count, b->order, b->order_count) &&
            a->has_frame == b->has_frame && a->mode == b->mode && a->start == b->start &&
            a->end == b->end && a->exclusion == b->exclusion &&
            same_optional(a->start_offset, b->start_offset) &&
            same_optional(a->end_offset, b->end_offset));
}

static bool same_window(const BoundWindow *a, const BoundWindow *b)
{
    if (!both_or_neither(a, b))
        return false;
    return a == NULL || (a->is_star == b->is_star && same_optional(a->filter, b->filter) &&
                         same_definition(a->definition, b->definition));
}

static bool same_content(const Bound *a, const Bound *b)
{
    switch (a->kind) {
    case BOUND_CONSTANT:
        return a->as.constant.scale == b->as.constant.scale &&
               value_is_same(&a->as.constant, &b->as.constant);
    case BOUND_COLUMN:
        return a->as.relation == b->as.relation && a->index == b->index;
    case BOUND_CALL:
    case BOUND_AGGREGATE:
    case BOUND_WINDOW:
        return a->as.function == b->as.function && !function_is_volatile(a->as.function);
    case BOUND_KEY:
    case BOUND_RESULT:
        return a->as.query == b->as.query && a->index == b->index;
    case BOUND_SUBQUERY:
        return a->as.subquery == b->as.subquery;
    case BOUND_QUANTIFIED:
        return bound_equal(a->as.test, b->as.test);
    default:
        return a->index == b->index;
    }
}

bool bound_equal(const Bound *a, const Bound *b)
{
    if (a == b)
        return a->kind != BOUND_CALL || !bound_is_volatile(a);
    return a->kind == b->kind && type_equal(a->type, b->type) && a->negated == b->negated &&
           a->is_all == b->is_all && same_content(a, b) &&
           same_aggregate(a->aggregate, b->aggregate) && same_window(a->window, b->window) &&
           same_list(a->children, a->child_count, b->children, b->child_count);
}
