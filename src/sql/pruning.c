/* Pruning: conjuncts of the form column OP value, which hold for every row a query takes from a
 * reference. They choose files and prefixes; the query's own conditions stand as well.
 *
 * A comparison is never true of NULL, so a WHERE's also holds on the inner side of an outer join.
 * In ON it holds for the side whose rows must match. */
#include "sql/lower.h"
#include "sql/short.h"

enum { PRUNING_TERMS_MAX = 32 };

typedef struct Pruning {
    Binder *binder;
    uint32_t depth; /* of the query whose FROM is meant */
} Pruning;

static Status add_term(const Pruning *pruning, const Relation *relation, uint32_t column,
                       CompareOperator comparison, const Bound *value, Error *error)
{
    Binder *binder = pruning->binder;
    BoundReference *reference = &binder->references[relation->reference];
    const Expression *lowered;
    if (reference->pruning_count >= PRUNING_TERMS_MAX)
        return OK;
    TRY(lower_expression(binder->kept, value, NULL, &lowered, NULL, error));
    if (lowered == NULL)
        return OK;
    if (reference->pruning == NULL)
        reference->pruning = ARENA_ARRAY(binder->kept, PruningTerm, PRUNING_TERMS_MAX);
    if (reference->pruning == NULL)
        return arena_error(binder->kept, error);
    reference->pruning[reference->pruning_count++] =
        (PruningTerm){.column = column, .comparison = comparison, .value = lowered};
    return OK;
}

static bool from_item_has(const FromItem *item, const Relation *relation)
{
    if (item->relation != NULL)
        return item->relation == relation;
    return from_item_has(item->left, relation) || from_item_has(item->right, relation);
}

/* A stored column of a table in this query's FROM, on a side that the condition prunes. */
static bool is_prunable(const Pruning *pruning, const Bound *bound, const FromItem *only)
{
    if (bound->kind != BOUND_COLUMN || bound->as.relation->kind != RELATION_TABLE)
        return false;
    const Relation *relation = bound->as.relation;
    return relation->depth == pruning->depth && !relation->columns[bound->index].is_system &&
           (only == NULL || from_item_has(only, relation));
}

static bool is_value(const Bound *bound)
{
    return !bound_reads_columns(bound) && !bound_has_subquery(bound) && !bound_is_volatile(bound);
}

static CompareOperator turned(CompareOperator operation)
{
    static const CompareOperator TURNED[] = {
        COMPARE_EQUAL, COMPARE_NOT_EQUAL,     COMPARE_GREATER, COMPARE_GREATER_OR_EQUAL,
        COMPARE_LESS,  COMPARE_LESS_OR_EQUAL,
    };
    return TURNED[operation];
}

static Status prune_comparison(const Pruning *pruning, const Bound *bound, const FromItem *only,
                               Error *error)
{
    const Bound *left = bound->children[0];
    const Bound *right = bound->children[1];
    CompareOperator operation = (CompareOperator)bound->index;
    if (operation == COMPARE_NOT_EQUAL)
        return OK;
    if (is_prunable(pruning, left, only) && is_value(right))
        return add_term(pruning, left->as.relation, left->index, operation, right, error);
    if (is_prunable(pruning, right, only) && is_value(left))
        return add_term(pruning, right->as.relation, right->index, turned(operation), left, error);
    return OK;
}

/* column IN (constants): between the least and the greatest. */
static Status prune_in(const Pruning *pruning, const Bound *bound, const FromItem *only,
                       Error *error)
{
    const Bound *column = bound->children[0];
    const Bound *least = NULL;
    const Bound *greatest = NULL;
    if (bound->negated || !is_prunable(pruning, column, only))
        return OK;
    for (uint32_t i = 1; i < bound->child_count; i++) {
        const Bound *item = bound->children[i];
        if (item->kind != BOUND_CONSTANT)
            return OK;
        if (item->as.constant.is_null)
            continue;
        if (least == NULL || value_compare(&item->as.constant, &least->as.constant) < 0)
            least = item;
        if (greatest == NULL || value_compare(&item->as.constant, &greatest->as.constant) > 0)
            greatest = item;
    }
    if (least == NULL)
        return OK;
    TRY(add_term(pruning, column->as.relation, column->index, COMPARE_GREATER_OR_EQUAL, least,
                 error));
    return add_term(pruning, column->as.relation, column->index, COMPARE_LESS_OR_EQUAL, greatest,
                    error);
}

/* BETWEEN is an AND within the AND; what lies deeper than anybody writes is not looked at. */
enum { CONJUNCT_DEPTH_MAX = 8 };

static Status prune_within(const Pruning *pruning, const Bound *bound, const FromItem *only,
                           int depth, Error *error)
{
    if (bound->kind == BOUND_COMPARE)
        return prune_comparison(pruning, bound, only, error);
    if (bound->kind == BOUND_IN)
        return prune_in(pruning, bound, only, error);
    if (bound->kind != BOUND_AND || depth == CONJUNCT_DEPTH_MAX)
        return OK;
    for (uint32_t i = 0; i < bound->child_count; i++)
        TRY(prune_within(pruning, bound->children[i], only, depth + 1, error));
    return OK;
}

static Status prune_conjuncts(const Pruning *pruning, const Bound *bound, const FromItem *only,
                              Error *error)
{
    return bound == NULL ? OK : prune_within(pruning, bound, only, 0, error);
}

static Status prune_join(const Pruning *pruning, const FromItem *item, Error *error)
{
    if (item->relation != NULL)
        return OK;
    TRY(prune_join(pruning, item->left, error));
    TRY(prune_join(pruning, item->right, error));
    if (item->join == JOIN_INNER || item->join == JOIN_CROSS) {
        TRY(prune_conjuncts(pruning, item->condition, item->left, error));
        return prune_conjuncts(pruning, item->condition, item->right, error);
    }
    if (item->join == JOIN_FULL)
        return OK;
    return prune_conjuncts(pruning, item->condition,
                           item->join == JOIN_LEFT ? item->right : item->left, error);
}

static Status prune_select(Binder *binder, const BoundQuery *query, Error *error)
{
    Pruning pruning = {.binder = binder, .depth = query->depth};
    for (uint32_t i = 0; i < query->from_count; i++)
        TRY(prune_join(&pruning, query->from[i], error));
    return prune_conjuncts(&pruning, query->where, NULL, error);
}

/* ---- all queries of a statement ---- */

static Status prune_from(Binder *binder, const FromItem *item, Error *error)
{
    if (item->relation == NULL) {
        TRY(prune_from(binder, item->left, error));
        return prune_from(binder, item->right, error);
    }
    return item->relation->kind == RELATION_QUERY
               ? pruning_find(binder, item->relation->query, error)
               : OK;
}

static Status prune_subquery(Bound **place, void *context, Error *error)
{
    const Bound *bound = *place;
    Binder *binder = context;
    TRY(bound_visit_children(*place, prune_subquery, context, error));
    return bound->kind == BOUND_SUBQUERY ? pruning_find(binder, bound->as.subquery->query, error)
                                         : OK;
}

static Status prune_expressions(Binder *binder, BoundQuery *query, Error *error)
{
    for (uint32_t i = 0; i < query->target_count; i++)
        TRY(prune_subquery(&query->targets[i].value, binder, error));
    for (uint32_t i = 0; i < query->keys.count; i++)
        TRY(prune_subquery(&query->keys.items[i], binder, error));
    for (uint32_t i = 0; i < query->aggregates.count; i++)
        TRY(prune_subquery(&query->aggregates.items[i], binder, error));
    if (query->where != NULL)
        TRY(prune_subquery(&query->where, binder, error));
    return query->having == NULL ? OK : prune_subquery(&query->having, binder, error);
}

Status pruning_find(Binder *binder, BoundQuery *query, Error *error)
{
    TRY(binder_down(binder, -1, error));
    for (uint32_t i = 0; i < query->common_count; i++)
        TRY(pruning_find(binder, query->common[i]->query, error));
    if (query->kind == QUERY_SET) {
        TRY(pruning_find(binder, query->left, error));
        TRY(pruning_find(binder, query->right, error));
    }
    for (uint32_t i = 0; i < query->from_count; i++)
        TRY(prune_from(binder, query->from[i], error));
    if (query->kind == QUERY_SELECT) {
        TRY(prune_select(binder, query, error));
        TRY(prune_expressions(binder, query, error));
    }
    binder_up(binder);
    return OK;
}
