/* UNION, INTERSECT, EXCEPT and VALUES: one type for each column. */
#include "sql/binder_int.h"

/* ---- giving a query's outputs other types ---- */

static bool has_types(const BoundQuery *query, const Type *types)
{
    for (uint32_t i = 0; i < query->column_count; i++) {
        Type has = query->columns[i].type;
        if (has.kind != types[i].kind || has.element != types[i].element)
            return false;
    }
    return true;
}

/* May the targets themselves be cast? Not where DISTINCT, ORDER BY or a set look at them. */
static bool is_plain_select(const BoundQuery *query)
{
    return query->kind == QUERY_SELECT && query->distinct == DISTINCT_NONE &&
           query->order_count == 0 && !query->has_sets && !query->is_grouped;
}

static Status coerce_targets(Binder *binder, BoundQuery *query, const Type *types, Error *error)
{
    for (uint32_t i = 0; i < query->visible_count; i++) {
        Bound **value = &query->targets[i].value;
        TRY(coerce(binder, *value, types[i], CAST_IMPLICIT, (*value)->position_byte, value, error));
    }
    return query_settle_columns(binder, query, error);
}

static Status coerce_rows(Binder *binder, BoundQuery *query, const Type *types, Error *error)
{
    for (uint32_t i = 0; i < query->column_count; i++) {
        for (uint32_t r = 0; r < query->row_count; r++) {
            Bound **value = &query->rows[r][i];
            TRY(coerce(binder, *value, types[i], CAST_IMPLICIT, (*value)->position_byte, value,
                       error));
        }
    }
    return values_settle_columns(binder, query, error);
}

Status query_wrap(Binder *binder, BoundQuery *inner, BoundQuery **out, Relation **relation,
                  Error *error)
{
    BoundQuery *outer = ARENA_NEW(binder->arena, BoundQuery);
    FromItem *item = ARENA_NEW(binder->arena, FromItem);
    FromItem **from = ARENA_ARRAY(binder->arena, FromItem *, 1);
    if (outer == NULL || item == NULL || from == NULL)
        return arena_error(binder->arena, error);
    outer->kind = QUERY_SELECT;
    outer->number = binder->query_count++;
    outer->depth = inner->depth;
    TRY(relation_new(binder, RELATION_QUERY, inner->depth, -1, &item->relation, error));
    item->relation->query = inner;
    item->relation->columns = inner->columns;
    item->relation->column_count = inner->column_count;
    from[0] = item;
    outer->from = from;
    outer->from_count = 1;
    *out = outer;
    *relation = item->relation;
    return OK;
}

/* SELECT CAST(c0 AS …) … FROM (query) */
static Status wrap(Binder *binder, BoundQuery **query, const Type *types, Error *error)
{
    BoundQuery *inner = *query;
    BoundQuery *outer;
    Relation *relation;
    TRY(query_wrap(binder, inner, &outer, &relation, error));
    for (uint32_t i = 0; i < inner->column_count; i++) {
        Bound *value;
        TRY(bound_column(binder, relation, i, -1, &value, error));
        TRY(query_add_target(binder, outer, inner->columns[i].name, value, error));
    }
    outer->visible_count = outer->target_count;
    *query = outer;
    return coerce_targets(binder, outer, types, error);
}

Status query_coerce(Binder *binder, BoundQuery **query, const Type *types, Error *error)
{
    if (has_types(*query, types))
        return OK;
    if (is_plain_select(*query))
        return coerce_targets(binder, *query, types, error);
    if ((*query)->kind == QUERY_VALUES_LIST && (*query)->order_count == 0)
        return coerce_rows(binder, *query, types, error);
    /* Untyped literals first: nothing casts an unknown column. */
    for (uint32_t i = 0; (*query)->kind == QUERY_SELECT && i < (*query)->visible_count; i++) {
        Bound **value = &(*query)->targets[i].value;
        if ((*value)->type.kind == TYPE_UNKNOWN)
            TRY(coerce(binder, *value, types[i], CAST_IMPLICIT, (*value)->position_byte, value,
                       error));
    }
    if ((*query)->kind == QUERY_SELECT)
        TRY(query_settle_columns(binder, *query, error));
    return has_types(*query, types) ? OK : wrap(binder, query, types, error);
}

/* ---- set operations ---- */

static const char *operation_name(SetOperation operation)
{
    static const char *const NAMES[] = {"UNION", "INTERSECT", "EXCEPT"};
    return NAMES[operation];
}

static SetOperation operation_of(const Node *node)
{
    Slice operation = node_text(node, "op");
    if (slice_equal_text(operation, "SETOP_UNION"))
        return SET_UNION;
    return slice_equal_text(operation, "SETOP_INTERSECT") ? SET_INTERSECT : SET_EXCEPT;
}

/* A stand-in for a column of a branch: its target where there is one (a NULL fits any scale). */
static Status branch_value(Binder *binder, const BoundQuery *query, uint32_t i, Bound **out,
                           Error *error)
{
    if (query->kind == QUERY_SELECT) {
        *out = query->targets[i].value;
        return OK;
    }
    const RelationColumn *column = &query->columns[i];
    TRY(bound_new(binder, BOUND_OPERAND, column->type, -1, 0, out, error));
    (*out)->scale = column->scale;
    (*out)->precision = column->precision;
    return OK;
}

static Status unify_types(Binder *binder, const BoundQuery *query, Type *types, Error *error)
{
    for (uint32_t i = 0; i < query->left->column_count; i++) {
        Bound *values[2];
        TRY(branch_value(binder, query->left, i, &values[0], error));
        TRY(branch_value(binder, query->right, i, &values[1], error));
        TRY(common_type(values, 2, operation_name(query->operation), &types[i], error));
        for (int v = 0; v < 2; v++) {
            if (!coerce_is_possible(values[v], types[i], CAST_IMPLICIT))
                return error_set_at(error, values[v]->position_byte, STATUS_CANNOT_COERCE,
                                    "%s could not convert a column's type",
                                    operation_name(query->operation));
        }
    }
    return OK;
}

/* A set operation that tells rows apart compares whole rows. */
static Status check_comparable(const BoundQuery *query, Error *error)
{
    if (query->operation == SET_UNION && query->is_all)
        return OK;
    for (uint32_t i = 0; i < query->column_count; i++)
        TRY(check_equality_operator(query->columns[i].type, -1, error));
    return OK;
}

static Status set_settle_columns(Binder *binder, BoundQuery *query, Error *error)
{
    query->column_count = query->left->column_count;
    query->columns = ARENA_ARRAY(binder->arena, RelationColumn, query->column_count);
    if (query->columns == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < query->column_count; i++) {
        Bound *values[2];
        TRY(branch_value(binder, query->left, i, &values[0], error));
        TRY(branch_value(binder, query->right, i, &values[1], error));
        Type type = type_equal(values[0]->type, values[1]->type) ? values[0]->type
                                                                 : type_plain(values[0]->type);
        if (type.kind == TYPE_CHAR && type.a == 0)
            return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                             "CHAR values of several lengths in one column are not supported");
        query->columns[i] = (RelationColumn){.name = query->left->columns[i].name, .type = type};
        column_settle(&query->columns[i], values, 2);
    }
    return OK;
}

static Status bind_branches(Binder *binder, Scope *scope, const Node *node, BoundQuery *query,
                            Error *error)
{
    TRY(bind_query(binder, scope->parent, scope->common, node_field(node, "larg"), true,
                   &query->left, error));
    TRY(bind_query(binder, scope->parent, scope->common, node_field(node, "rarg"), true,
                   &query->right, error));
    if (query->left->column_count == query->right->column_count)
        return OK;
    return error_set(error, STATUS_SYNTAX_ERROR,
                     "each %s query must have the same number of columns",
                     operation_name(query->operation));
}

Status bind_set_operation(Binder *binder, Scope *scope, const Node *node, BoundQuery *query,
                          bool keep_unknown, Error *error)
{
    (void)keep_unknown; /* both sides settle each other */
    query->operation = operation_of(node);
    query->is_all = node_boolean(node, "all");
    if (node_count(node_field(node, "lockingClause")) > 0)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "SELECT FOR UPDATE and FOR SHARE are not supported");
    TRY(bind_branches(binder, scope, node, query, error));
    Type *types = ARENA_ARRAY(binder->arena, Type, query->left->column_count);
    if (types == NULL)
        return arena_error(binder->arena, error);
    TRY(unify_types(binder, query, types, error));
    TRY(query_coerce(binder, &query->left, types, error));
    TRY(query_coerce(binder, &query->right, types, error));
    TRY(set_settle_columns(binder, query, error));
    TRY(check_comparable(query, error));
    TRY(bind_set_order(binder, query, node_field(node, "sortClause"), error));
    return bind_limit_clause(binder, scope, node, error);
}

/* ---- VALUES ---- */

Status values_settle_columns(Binder *binder, BoundQuery *query, Error *error)
{
    Bound **values = ARENA_ARRAY(binder->arena, Bound *, query->row_count);
    if (values == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < query->column_count; i++) {
        for (uint32_t r = 0; r < query->row_count; r++)
            values[r] = query->rows[r][i];
        query->columns[i].type = values[0]->type;
        for (uint32_t r = 1; r < query->row_count; r++) {
            if (!type_equal(values[r]->type, values[0]->type))
                query->columns[i].type = type_plain(values[0]->type);
        }
        column_settle(&query->columns[i], values, query->row_count);
    }
    return OK;
}

static Status bind_rows(Binder *binder, Scope *scope, const Node *lists, BoundQuery *query,
                        Error *error)
{
    query->row_count = node_count(lists);
    query->rows = ARENA_ARRAY(binder->arena, Bound **, query->row_count);
    if (query->rows == NULL)
        return arena_error(binder->arena, error);
    scope->clause = CLAUSE_VALUES;
    for (uint32_t r = 0; r < query->row_count; r++) {
        uint32_t count;
        TRY(bind_expressions(binder, scope, node_item(lists, r), &query->rows[r], &count, error));
        if (r > 0 && count != query->column_count)
            return error_set_at(error, count > 0 ? query->rows[r][0]->position_byte : -1,
                                STATUS_SYNTAX_ERROR, "VALUES lists must all be the same length");
        query->column_count = count;
    }
    return OK;
}

static Status unify_column(Binder *binder, BoundQuery *query, uint32_t column, bool keep_unknown,
                           Error *error)
{
    Bound **values = ARENA_ARRAY(binder->arena, Bound *, query->row_count);
    Type type;
    if (values == NULL)
        return arena_error(binder->arena, error);
    bool all_unknown = true;
    for (uint32_t r = 0; r < query->row_count; r++) {
        values[r] = query->rows[r][column];
        all_unknown = all_unknown && values[r]->type.kind == TYPE_UNKNOWN;
    }
    if (all_unknown && keep_unknown)
        return OK;
    TRY(common_type(values, query->row_count, "VALUES", &type, error));
    TRY(coerce_all(binder, values, query->row_count, &type, "VALUES", error));
    for (uint32_t r = 0; r < query->row_count; r++)
        query->rows[r][column] = values[r];
    return OK;
}

Status bind_values(Binder *binder, Scope *scope, const Node *node, BoundQuery *query,
                   bool keep_unknown, Error *error)
{
    TRY(bind_rows(binder, scope, node_field(node, "valuesLists"), query, error));
    query->columns = ARENA_ARRAY(binder->arena, RelationColumn, query->column_count);
    if (query->columns == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < query->column_count; i++) {
        TRY(unify_column(binder, query, i, keep_unknown, error));
        char *name = arena_format(binder->arena, "column%u", i + 1);
        if (name == NULL)
            return arena_error(binder->arena, error);
        query->columns[i].name = slice_of_text(name);
    }
    TRY(values_settle_columns(binder, query, error));
    TRY(bind_set_order(binder, query, node_field(node, "sortClause"), error));
    return bind_limit_clause(binder, scope, node, error);
}
