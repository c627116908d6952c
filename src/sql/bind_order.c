/* ORDER BY, DISTINCT, LIMIT. */
#include "sql/binder_int.h"

/* ---- the target an expression means ---- */

static Status error_position_missing(Clause clause, int64_t number, int32_t position, Error *error)
{
    return error_set_at(error, position, STATUS_INVALID_COLUMN_REFERENCE,
                        "%s position %lld is not in select list", clause_name(clause),
                        (long long)number);
}

static Status find_by_number(const BoundQuery *query, const Node *node, Clause clause,
                             uint32_t *out, Error *error)
{
    const Node *value = node_field(node, "ival");
    int32_t position = node_location(node);
    if (value == NULL)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR, "non-integer constant in %s",
                            clause_name(clause));
    int64_t number = node_integer(value, "ival", 0);
    if (number < 1 || number > query->visible_count)
        return error_position_missing(clause, number, position, error);
    *out = (uint32_t)(number - 1);
    return OK;
}

/* An output name; *found stays false where it is none. GROUP BY takes columns of FROM first. */
static Status find_by_name(Binder *binder, Scope *scope, const Node *node, Clause clause,
                           bool *is_found, uint32_t *out, Error *error)
{
    const BoundQuery *query = scope->query;
    Slice name = node_string(node_item(node_field(node, "fields"), 0));
    int32_t position = node_location(node);
    if (clause == CLAUSE_GROUP_BY) {
        Bound *column;
        Scope own = *scope;
        own.parent = NULL;
        TRY(scope_find_column(binder, &own, name, position, &column, error));
        if (column != NULL)
            return OK;
    }
    for (uint32_t i = 0; i < query->visible_count; i++) {
        if (!slice_equal(query->targets[i].name, name))
            continue;
        if (*is_found && !bound_equal(query->targets[*out].value, query->targets[i].value))
            return error_set_at(error, position, STATUS_AMBIGUOUS_COLUMN,
                                "%s \"%.*s\" is ambiguous", clause_name(clause),
                                SLICE_ARGUMENTS(name));
        if (!*is_found)
            *out = i;
        *is_found = true;
    }
    return OK;
}

static Status find_by_value(Binder *binder, Scope *scope, const Node *node, Clause clause,
                            uint32_t *out, Error *error)
{
    BoundQuery *query = scope->query;
    Bound *value;
    TRY(bind_expression_in(binder, scope, clause, node, &value, error));
    for (uint32_t i = 0; i < query->target_count; i++) {
        if (bound_equal(query->targets[i].value, value)) {
            *out = i;
            return OK;
        }
    }
    *out = query->target_count;
    return query_add_target(binder, query, SLICE_EMPTY, value, error);
}

Status find_target(Binder *binder, Scope *scope, const Node *node, Clause clause, uint32_t *out,
                   Error *error)
{
    if (node_is(node, "A_Const"))
        return find_by_number(scope->query, node, clause, out, error);
    bool is_name = node_is(node, "ColumnRef") && node_count(node_field(node, "fields")) == 1 &&
                   node_is(node_item(node_field(node, "fields"), 0), "String");
    bool is_found = false;
    if (is_name)
        TRY(find_by_name(binder, scope, node, clause, &is_found, out, error));
    return is_found ? OK : find_by_value(binder, scope, node, clause, out, error);
}

/* ---- ORDER BY ---- */

static bool sorts_nulls_first(const Node *sort, bool descending)
{
    Slice nulls = node_text(sort, "sortby_nulls");
    if (slice_equal_text(nulls, "SORTBY_NULLS_FIRST"))
        return true;
    return descending && !slice_equal_text(nulls, "SORTBY_NULLS_LAST");
}

static Status check_order(Type type, int32_t position, Error *error)
{
    bool sortable = type.kind != TYPE_JSON && type.kind != TYPE_VECTOR;
    if (type.kind == TYPE_JSONB || type.kind == TYPE_RECORD)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "ordering by %s is not supported",
                            type.kind == TYPE_JSONB ? "jsonb" : "a row");
    if (sortable)
        return OK;
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(type_plain(type), name);
    error_set_at(error, position, STATUS_UNDEFINED_FUNCTION,
                 "could not identify an ordering operator for type %s", name);
    error_set_hint(error, "Use an explicit ordering operator or modify the query.");
    return error->status;
}

static Status read_direction(const Node *sort, BoundOrder *out, Error *error)
{
    Slice direction = node_text(sort, "sortby_dir");
    if (slice_equal_text(direction, "SORTBY_USING"))
        return error_set_at(error, node_location(sort), STATUS_FEATURE_NOT_SUPPORTED,
                            "ORDER BY … USING is not supported");
    out->descending = slice_equal_text(direction, "SORTBY_DESC");
    out->nulls_first = sorts_nulls_first(sort, out->descending);
    return OK;
}

Status bind_sort_key(Binder *binder, const Node *sort, Bound *value, BoundOrder *out, Error *error)
{
    TRY(coerce_unknown_to_text(binder, &value, error));
    TRY(check_order(value->type, value->position_byte, error));
    *out = (BoundOrder){.value = value};
    return read_direction(sort, out, error);
}

static bool is_ordered_by(const BoundQuery *query, uint32_t target)
{
    for (uint32_t i = 0; i < query->order_count; i++) {
        if (query->order[i].target == target)
            return true;
    }
    return false;
}

Status bind_order_clause(Binder *binder, Scope *scope, const Node *list, Error *error)
{
    BoundQuery *query = scope->query;
    query->order = ARENA_ARRAY(binder->arena, BoundOrder, node_count(list));
    if (query->order == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < node_count(list); i++) {
        const Node *sort = node_item(list, i);
        BoundOrder key = {.value = NULL};
        TRY(find_target(binder, scope, node_field(sort, "node"), CLAUSE_ORDER_BY, &key.target,
                        error));
        Bound **value = &query->targets[key.target].value;
        TRY(coerce_unknown_to_text(binder, value, error));
        TRY(check_order((*value)->type, (*value)->position_byte, error));
        TRY(read_direction(sort, &key, error));
        if (!is_ordered_by(query, key.target))
            query->order[query->order_count++] = key;
    }
    return OK;
}

static Status find_set_column(const BoundQuery *query, const Node *node, uint32_t *out,
                              Error *error)
{
    int32_t position = node_location(node);
    const Node *fields = node_field(node, "fields");
    const Node *number = node_field(node, "ival");
    if (node_is(node, "A_Const") && number != NULL) {
        int64_t n = node_integer(number, "ival", 0);
        if (n < 1 || n > query->column_count)
            return error_position_missing(CLAUSE_ORDER_BY, n, position, error);
        *out = (uint32_t)(n - 1);
        return OK;
    }
    Slice name = node_is(node, "ColumnRef") && node_count(fields) == 1
                     ? node_string(node_item(fields, 0))
                     : SLICE_EMPTY;
    for (uint32_t i = 0; name.size > 0 && i < query->column_count; i++) {
        if (slice_equal(query->columns[i].name, name)) {
            *out = i;
            return OK;
        }
    }
    if (name.size > 0)
        return scope_error_no_column(NULL, SLICE_EMPTY, name, position, error);
    error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                 "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
    error_set_detail(error, "Only result column names can be used, not expressions or functions.");
    return error->status;
}

Status bind_set_order(Binder *binder, BoundQuery *query, const Node *list, Error *error)
{
    query->order = ARENA_ARRAY(binder->arena, BoundOrder, node_count(list));
    if (query->order == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < node_count(list); i++) {
        const Node *sort = node_item(list, i);
        BoundOrder key = {.value = NULL};
        TRY(find_set_column(query, node_field(sort, "node"), &key.target, error));
        TRY(check_order(query->columns[key.target].type, node_location(sort), error));
        TRY(read_direction(sort, &key, error));
        if (!is_ordered_by(query, key.target))
            query->order[query->order_count++] = key;
    }
    return OK;
}

/* ---- DISTINCT ---- */

static Status bind_distinct_all(BoundQuery *query, Error *error)
{
    query->distinct = DISTINCT_ALL;
    for (uint32_t i = 0; i < query->visible_count; i++)
        TRY(check_equality_operator(query->targets[i].value->type,
                                    query->targets[i].value->position_byte, error));
    for (uint32_t i = 0; i < query->order_count; i++) {
        const Bound *value = query->targets[query->order[i].target].value;
        if (query->order[i].target >= query->visible_count)
            return error_set_at(error, value->position_byte, STATUS_INVALID_COLUMN_REFERENCE,
                                "for SELECT DISTINCT, ORDER BY expressions must appear in select "
                                "list");
    }
    return OK;
}

static bool is_distinct_on(const BoundQuery *query, uint32_t target)
{
    for (uint32_t i = 0; i < query->distinct_on_count; i++) {
        if (query->distinct_on[i] == target)
            return true;
    }
    return false;
}

/* The first of the sort keys must be those of DISTINCT ON. */
static Status check_distinct_order(const BoundQuery *query, int32_t position, Error *error)
{
    uint32_t matched = 0;
    for (uint32_t i = 0; i < query->order_count && matched < query->distinct_on_count; i++) {
        if (!is_distinct_on(query, query->order[i].target))
            return error_set_at(error, position, STATUS_INVALID_COLUMN_REFERENCE,
                                "SELECT DISTINCT ON expressions must match initial ORDER BY "
                                "expressions");
        matched++;
    }
    return OK;
}

Status bind_distinct_clause(Binder *binder, Scope *scope, const Node *list, Error *error)
{
    BoundQuery *query = scope->query;
    uint32_t count = node_count(list);
    if (count == 0)
        return OK;
    bool on = node_kind(node_item(list, 0)).size > 0;
    if (!on)
        return bind_distinct_all(query, error);
    query->distinct = DISTINCT_ON;
    query->distinct_on = ARENA_ARRAY(binder->arena, uint32_t, count);
    if (query->distinct_on == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t target;
        TRY(find_target(binder, scope, node_item(list, i), CLAUSE_DISTINCT_ON, &target, error));
        TRY(coerce_unknown_to_text(binder, &query->targets[target].value, error));
        TRY(check_equality_operator(query->targets[target].value->type,
                                    node_location(node_item(list, i)), error));
        if (!is_distinct_on(query, target))
            query->distinct_on[query->distinct_on_count++] = target;
    }
    return check_distinct_order(query, node_location(node_item(list, 0)), error);
}

/* ---- LIMIT ---- */

static Status bind_limit(Binder *binder, Scope *scope, Clause clause, const Node *node, Bound **out,
                         Error *error)
{
    *out = NULL;
    if (node == NULL)
        return OK;
    Bound *value;
    const char *what = clause_name(clause);
    TRY(bind_expression_in(binder, scope, clause, node, &value, error));
    TRY(coerce_to(binder, value, TYPE(BIGINT), what, &value, error));
    if (bound_reads_columns(value))
        return error_set_at(error, value->position_byte, STATUS_INVALID_COLUMN_REFERENCE,
                            "argument of %s must not contain variables", what);
    if (bound_is_null_constant(value))
        return OK; /* no limit at all */
    if (value->kind == BOUND_CONSTANT && value->as.constant.as.integer < 0)
        return error_set_at(error, value->position_byte,
                            clause == CLAUSE_LIMIT ? STATUS_INVALID_ROW_COUNT_IN_LIMIT
                                                   : STATUS_INVALID_ROW_COUNT_IN_OFFSET,
                            "%s must not be negative", what);
    *out = value;
    return OK;
}

Status bind_limit_clause(Binder *binder, Scope *scope, const Node *select, Error *error)
{
    BoundQuery *query = scope->query;
    TRY(bind_limit(binder, scope, CLAUSE_OFFSET, node_field(select, "limitOffset"), &query->offset,
                   error));
    TRY(bind_limit(binder, scope, CLAUSE_LIMIT, node_field(select, "limitCount"), &query->limit,
                   error));
    if (!slice_equal_text(node_text(select, "limitOption"), "LIMIT_OPTION_WITH_TIES"))
        return OK;
    if (query->order_count == 0)
        return error_set(error, STATUS_SYNTAX_ERROR,
                         "WITH TIES cannot be specified without ORDER BY clause");
    query->with_ties = true;
    return OK;
}
