/* Queries: SELECT, VALUES and set operations, from WITH to LIMIT. */
#include "sql/binder_int.h"

Status query_new(Binder *binder, const Scope *parent, QueryKind kind, BoundQuery **out,
                 Error *error)
{
    BoundQuery *query = ARENA_NEW(binder->arena, BoundQuery);
    if (query == NULL)
        return arena_error(binder->arena, error);
    query->kind = kind;
    query->number = binder->query_count++;
    query->depth = parent == NULL ? 0 : parent->query->depth + 1;
    *out = query;
    return OK;
}

Status query_add_target(Binder *binder, BoundQuery *query, Slice name, Bound *value, Error *error)
{
    if (query->target_count >= TARGETS_MAX)
        return error_set(error, STATUS_TOO_MANY_COLUMNS, "target lists can have at most %d entries",
                         TARGETS_MAX);
    TRY(list_grow(binder->arena, (void **)&query->targets, query->target_count,
                  &query->target_capacity, sizeof(BoundTarget), error));
    query->targets[query->target_count++] = (BoundTarget){.name = name, .value = value};
    return OK;
}

Status query_settle_columns(Binder *binder, BoundQuery *query, Error *error)
{
    query->column_count = query->visible_count;
    query->columns = ARENA_ARRAY(binder->arena, RelationColumn, query->visible_count);
    if (query->columns == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < query->visible_count; i++) {
        const BoundTarget *target = &query->targets[i];
        query->columns[i] = (RelationColumn){.name = target->name,
                                             .type = target->value->type,
                                             .scale = target->value->scale,
                                             .precision = target->value->precision};
    }
    return OK;
}

/* ---- SELECT ---- */

static Status refuse_select_parts(const Node *node, Error *error)
{
    if (node_count(node_field(node, "lockingClause")) > 0)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "SELECT FOR UPDATE and FOR SHARE are not supported");
    if (node_field(node, "intoClause") != NULL)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "SELECT INTO is not supported");
    if (node_boolean(node, "groupDistinct"))
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "GROUP BY DISTINCT is not supported");
    return OK;
}

static Status bind_condition(Binder *binder, Scope *scope, Clause clause, const Node *node,
                             Bound **out, Error *error)
{
    *out = NULL;
    if (node == NULL)
        return OK;
    TRY(bind_expression_in(binder, scope, clause, node, out, error));
    return coerce_boolean(binder, *out, clause_name(clause), out, error);
}

/* What stays open becomes what is around the query needs; DISTINCT needs it at once, so that it is
 * text. */
static Status settle_unknown_targets(Binder *binder, BoundQuery *query, bool keep_unknown,
                                     Error *error)
{
    keep_unknown = keep_unknown && query->distinct == DISTINCT_NONE;
    for (uint32_t i = 0; i < query->target_count; i++) {
        if (!keep_unknown || i >= query->visible_count)
            TRY(coerce_unknown_to_text(binder, &query->targets[i].value, error));
    }
    return OK;
}

static Status bind_select(Binder *binder, Scope *scope, const Node *node, bool keep_unknown,
                          Error *error)
{
    BoundQuery *query = scope->query;
    TRY(refuse_select_parts(node, error));
    TRY(bind_from_clause(binder, scope, node_field(node, "fromClause"), error));
    TRY(bind_window_clause(binder, scope, node_field(node, "windowClause"), error));
    TRY(bind_targets(binder, scope, node_field(node, "targetList"), error));
    query->visible_count = query->target_count;
    TRY(bind_condition(binder, scope, CLAUSE_WHERE, node_field(node, "whereClause"), &query->where,
                       error));
    TRY(bind_condition(binder, scope, CLAUSE_HAVING, node_field(node, "havingClause"),
                       &query->having, error));
    if (query->having != NULL)
        query->is_grouped = true;
    TRY(bind_order_clause(binder, scope, node_field(node, "sortClause"), error));
    TRY(bind_group_clause(binder, scope, node_field(node, "groupClause"), error));
    TRY(bind_distinct_clause(binder, scope, node_field(node, "distinctClause"), error));
    TRY(bind_limit_clause(binder, scope, node, error));
    TRY(settle_unknown_targets(binder, query, keep_unknown, error));
    TRY(group_settle(binder, query, error));
    return query_settle_columns(binder, query, error);
}

/* ---- the kinds ---- */

static bool is_set_operation(const Node *node)
{
    Slice operation = node_text(node, "op");
    return operation.size > 0 && !slice_equal_text(operation, "SETOP_NONE");
}

static bool is_values(const Node *node)
{
    return node_count(node_field(node, "valuesLists")) > 0;
}

static Status bind_by_kind(Binder *binder, Scope *scope, const Node *node, bool keep_unknown,
                           Error *error)
{
    switch (scope->query->kind) {
    case QUERY_SELECT:
        return bind_select(binder, scope, node, keep_unknown, error);
    case QUERY_VALUES_LIST:
        return bind_values(binder, scope, node, scope->query, keep_unknown, error);
    case QUERY_SET:
        return bind_set_operation(binder, scope, node, scope->query, keep_unknown, error);
    }
    UNREACHABLE();
}

Status bind_query(Binder *binder, Scope *parent, CommonScope *common, const Node *node,
                  bool keep_unknown, BoundQuery **out, Error *error)
{
    BoundQuery *query;
    if (!node_is(node, "SelectStmt") && node_field(node, "op") == NULL)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "%.*s inside a query is not supported", SLICE_ARGUMENTS(node_kind(node)));
    QueryKind kind = is_set_operation(node) ? QUERY_SET
                     : is_values(node)      ? QUERY_VALUES_LIST
                                            : QUERY_SELECT;
    TRY(binder_down(binder, -1, error));
    TRY(query_new(binder, parent, kind, &query, error));
    Scope scope = {.parent = parent, .query = query, .common = common};
    TRY(bind_with(binder, parent, node_field(node, "withClause"), query, &scope.common, error));
    TRY(bind_by_kind(binder, &scope, node, keep_unknown, error));
    binder_up(binder);
    *out = query;
    return OK;
}
