/* After GROUP BY: what stands in the select list, HAVING and ORDER BY is made of grouping keys and
 * results of aggregates, and of nothing else. */
#include "sql/binder_int.h"

typedef struct Settle {
    Binder *binder;
    BoundQuery *query;
    uint32_t subquery_depth; /* inside so many subqueries */
} Settle;

static Status put_key(Settle *settle, Bound **place, uint32_t index, Error *error)
{
    const Bound *was = *place;
    Bound *key;
    TRY(bound_new(settle->binder, BOUND_KEY, was->type, was->position_byte, 0, &key, error));
    key->as.query = settle->query;
    key->index = index;
    key->scale = was->scale;
    key->precision = was->precision;
    *place = key;
    return OK;
}

static bool find_key(const BoundQuery *query, const Bound *bound, uint32_t *out)
{
    for (uint32_t i = 0; i < query->keys.count; i++) {
        if (bound_equal(query->keys.items[i], bound)) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Are all columns of the relation's primary key among the grouping keys? Then its other columns
 * have one value for each group. */
static bool is_determined(const Settle *settle, const Relation *relation)
{
    const BoundQuery *query = settle->query;
    if (relation->kind != RELATION_TABLE || query->sets.count > 0)
        return false;
    const BoundReference *reference = &settle->binder->references[relation->reference];
    const Schema *schema = relation->schema;
    if (reference->table == NULL || reference->all_users)
        return false;
    for (uint32_t k = 0; k < schema->key_count; k++) {
        bool is_there = false;
        for (uint32_t i = 0; i < query->keys.count; i++) {
            const Bound *key = query->keys.items[i];
            is_there = is_there || (key->kind == BOUND_COLUMN && key->as.relation == relation &&
                                    key->index == schema->key_columns[k]);
        }
        if (!is_there)
            return false;
    }
    return true;
}

static Status error_ungrouped(const Settle *settle, const Bound *column, Error *error)
{
    const Relation *relation = column->as.relation;
    Slice name = relation->columns[column->index].name;
    bool qualified = relation->alias.size > 0;
    if (settle->subquery_depth > 0)
        return error_set_at(error, column->position_byte, STATUS_GROUPING_ERROR,
                            "subquery uses ungrouped column \"%.*s%s%.*s\" from outer query",
                            SLICE_ARGUMENTS(relation->alias), qualified ? "." : "",
                            SLICE_ARGUMENTS(name));
    return error_set_at(error, column->position_byte, STATUS_GROUPING_ERROR,
                        "column \"%.*s%s%.*s\" must appear in the GROUP BY clause or be used in "
                        "an aggregate function",
                        SLICE_ARGUMENTS(relation->alias), qualified ? "." : "",
                        SLICE_ARGUMENTS(name));
}

static Status settle_column(Settle *settle, Bound **place, Error *error)
{
    const Bound *column = *place;
    if (!is_determined(settle, column->as.relation))
        return error_ungrouped(settle, column, error);
    Bound *copy;
    TRY(bound_clone(settle->binder, column, &copy, error));
    TRY(bound_list_add(settle->binder->arena, &settle->query->keys, copy, error));
    return put_key(settle, place, settle->query->keys.count - 1, error);
}

static Status settle_place(Bound **place, void *context, Error *error)
{
    Settle *settle = context;
    Bound *bound = *place;
    uint32_t index;
    if (find_key(settle->query, bound, &index))
        return put_key(settle, place, index, error);
    if (bound->kind == BOUND_COLUMN && bound->as.relation->depth == settle->query->depth)
        return settle_column(settle, place, error);
    TRY(bound_visit_children(bound, settle_place, context, error));
    if (bound->kind != BOUND_SUBQUERY)
        return OK;
    settle->subquery_depth++;
    TRY(query_visit(bound->as.subquery->query, settle_place, context, error));
    settle->subquery_depth--;
    return OK;
}

/* GROUPING's arguments are keys by definition. */
static Status settle_grouping(Settle *settle, const Bound *grouping, Error *error)
{
    for (uint32_t i = 0; i < grouping->child_count; i++) {
        uint32_t index;
        if (!find_key(settle->query, grouping->children[i], &index))
            return error_set_at(error, grouping->children[i]->position_byte, STATUS_GROUPING_ERROR,
                                "arguments to GROUPING must be grouping expressions of the "
                                "associated query level");
        TRY(put_key(settle, &grouping->children[i], index, error));
    }
    return OK;
}

Status group_settle(Binder *binder, BoundQuery *query, Error *error)
{
    Settle settle = {.binder = binder, .query = query};
    if (!query->is_grouped)
        return OK;
    for (uint32_t i = 0; i < query->target_count; i++)
        TRY(settle_place(&query->targets[i].value, &settle, error));
    if (query->having != NULL)
        TRY(settle_place(&query->having, &settle, error));
    for (uint32_t i = 0; i < query->aggregates.count; i++) {
        if (query->aggregates.items[i]->kind == BOUND_GROUPING)
            TRY(settle_grouping(&settle, query->aggregates.items[i], error));
    }
    return OK;
}
