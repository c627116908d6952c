/* Select lists: stars, names of columns. */
#include "sql/binder_int.h"

/* ---- names (PostgreSQL's FigureColname) ---- */

typedef struct NameGuessed {
    Slice name;
    int strength; /* 0: none, 1: weak (a type's or CASE's), 2: good */
} NameGuessed;

enum { NAME_DEPTH_MAX = 100 };

static NameGuessed guess_name(const Node *node, int depth);

static NameGuessed good(Slice name)
{
    return (NameGuessed){name, 2};
}

static Slice last_string(const Node *list)
{
    for (uint32_t i = node_count(list); i > 0; i--) {
        const Node *item = node_item(list, i - 1);
        if (node_is(item, "String"))
            return node_string(item);
    }
    return SLICE_EMPTY;
}

static NameGuessed guess_from_list(const Node *list)
{
    Slice name = last_string(list);
    return name.size > 0 ? good(name) : (NameGuessed){SLICE_EMPTY, 0};
}

static NameGuessed guess_indirection(const Node *node, int depth)
{
    NameGuessed field = guess_from_list(node_field(node, "indirection"));
    return field.strength > 0 ? field : guess_name(node_field(node, "arg"), depth + 1);
}

static NameGuessed guess_cast(const Node *node, int depth)
{
    NameGuessed inner = guess_name(node_field(node, "arg"), depth + 1);
    if (inner.strength > 1)
        return inner;
    Slice type = last_string(node_field(node_field(node, "typeName"), "names"));
    return type.size > 0 ? (NameGuessed){type, 1} : inner;
}

static NameGuessed guess_case(const Node *node, int depth)
{
    NameGuessed inner = {SLICE_EMPTY, 0};
    if (node_field(node, "defresult") != NULL)
        inner = guess_name(node_field(node, "defresult"), depth + 1);
    return inner.strength > 1 ? inner : (NameGuessed){SLICE("case"), 1};
}

static NameGuessed guess_subquery(const Node *node, int depth)
{
    Slice kind = node_text(node, "subLinkType");
    if (slice_equal_text(kind, "EXISTS_SUBLINK"))
        return good(SLICE("exists"));
    if (slice_equal_text(kind, "ARRAY_SUBLINK"))
        return good(SLICE("array"));
    if (!slice_equal_text(kind, "EXPR_SUBLINK"))
        return (NameGuessed){SLICE_EMPTY, 0};
    const Node *select = node_field(node, "subselect");
    const Node *left;
    while ((left = node_field(select, "larg")) != NULL && depth++ < NAME_DEPTH_MAX)
        select = left;
    const Node *target = node_item(node_field(select, "targetList"), 0);
    if (target == NULL)
        return (NameGuessed){SLICE_EMPTY, 0};
    Slice name = node_text(target, "name");
    return name.size > 0 ? good(name) : guess_name(node_field(target, "val"), depth + 1);
}

static NameGuessed guess_session(const Node *node)
{
    static const struct {
        const char *operation;
        const char *name;
    } NAMES[] = {
        {"SVFOP_CURRENT_DATE", "current_date"},
        {"SVFOP_CURRENT_TIME", "current_time"},
        {"SVFOP_CURRENT_TIME_N", "current_time"},
        {"SVFOP_CURRENT_TIMESTAMP", "current_timestamp"},
        {"SVFOP_CURRENT_TIMESTAMP_N", "current_timestamp"},
        {"SVFOP_LOCALTIME", "localtime"},
        {"SVFOP_LOCALTIME_N", "localtime"},
        {"SVFOP_LOCALTIMESTAMP", "localtimestamp"},
        {"SVFOP_LOCALTIMESTAMP_N", "localtimestamp"},
        {"SVFOP_CURRENT_ROLE", "current_role"},
        {"SVFOP_CURRENT_USER", "current_user"},
        {"SVFOP_USER", "user"},
        {"SVFOP_SESSION_USER", "session_user"},
        {"SVFOP_CURRENT_CATALOG", "current_catalog"},
        {"SVFOP_CURRENT_SCHEMA", "current_schema"},
    };
    Slice operation = node_text(node, "op");
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (slice_equal_text(operation, NAMES[i].operation))
            return good(slice_of_text(NAMES[i].name));
    }
    return (NameGuessed){SLICE_EMPTY, 0};
}

static NameGuessed guess_fixed(const Node *node)
{
    static const struct {
        const char *kind;
        const char *name;
    } NAMES[] = {
        {"GroupingFunc", "grouping"},
        {"A_ArrayExpr", "array"},
        {"RowExpr", "row"},
        {"CoalesceExpr", "coalesce"},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (node_is(node, NAMES[i].kind))
            return good(slice_of_text(NAMES[i].name));
    }
    if (node_is(node, "MinMaxExpr"))
        return good(slice_equal_text(node_text(node, "op"), "IS_GREATEST") ? SLICE("greatest")
                                                                           : SLICE("least"));
    if (node_is(node, "A_Expr") && slice_equal_text(node_text(node, "kind"), "AEXPR_NULLIF"))
        return good(SLICE("nullif"));
    return (NameGuessed){SLICE_EMPTY, 0};
}

static NameGuessed guess_name(const Node *node, int depth)
{
    if (node == NULL || depth > NAME_DEPTH_MAX)
        return (NameGuessed){SLICE_EMPTY, 0};
    if (node_is(node, "ColumnRef"))
        return guess_from_list(node_field(node, "fields"));
    if (node_is(node, "FuncCall"))
        return guess_from_list(node_field(node, "funcname"));
    if (node_is(node, "A_Indirection"))
        return guess_indirection(node, depth);
    if (node_is(node, "TypeCast"))
        return guess_cast(node, depth);
    if (node_is(node, "CollateClause"))
        return guess_name(node_field(node, "arg"), depth + 1);
    if (node_is(node, "CaseExpr"))
        return guess_case(node, depth);
    if (node_is(node, "SubLink"))
        return guess_subquery(node, depth);
    if (node_is(node, "SQLValueFunction"))
        return guess_session(node);
    return guess_fixed(node);
}

Slice target_name(const Node *value)
{
    NameGuessed guessed = guess_name(value, 0);
    return guessed.strength > 0 ? guessed.name : SLICE("?column?");
}

/* ---- stars ---- */

static Status add_columns(Binder *binder, Scope *scope, const ScopeItem *item, int32_t position,
                          Error *error)
{
    for (uint32_t i = 0; i < item->column_count; i++) {
        const ScopeColumn *column = &item->columns[i];
        if (column->hidden)
            continue;
        Bound *value;
        TRY(scope_column_value(binder, column, position, &value, error));
        TRY(query_add_target(binder, scope->query, column->name, value, error));
    }
    return OK;
}

static Status expand_all(Binder *binder, Scope *scope, int32_t position, Error *error)
{
    if (scope->item_count == 0)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                            "SELECT * with no tables specified is not valid");
    for (uint32_t i = 0; i < scope->item_count; i++) {
        if (scope->items[i]->columns_visible)
            TRY(add_columns(binder, scope, scope->items[i], position, error));
    }
    return OK;
}

static Status expand_one(Binder *binder, Scope *scope, const Node *fields, int32_t position,
                         Error *error)
{
    uint32_t count = node_count(fields);
    Slice table = node_string(node_item(fields, count - 2));
    Slice namespace_name = count > 2 ? node_string(node_item(fields, count - 3)) : SLICE_EMPTY;
    ScopeItem *item;
    TRY(scope_find_item(scope, namespace_name, table, position, &item, error));
    if (item == NULL)
        return scope_error_no_item(scope, table, position, error);
    return add_columns(binder, scope, item, position, error);
}

static bool is_star(const Node *value)
{
    if (!node_is(value, "ColumnRef"))
        return false;
    const Node *fields = node_field(value, "fields");
    return node_is(node_item(fields, node_count(fields) - 1), "A_Star");
}

static Status expand_star(Binder *binder, Scope *scope, const Node *value, Error *error)
{
    const Node *fields = node_field(value, "fields");
    if (node_count(fields) == 1)
        return expand_all(binder, scope, node_location(value), error);
    return expand_one(binder, scope, fields, node_location(value), error);
}

/* ---- the list ---- */

Status bind_targets(Binder *binder, Scope *scope, const Node *list, Error *error)
{
    Clause clause = scope->clause;
    for (uint32_t i = 0; i < node_count(list); i++) {
        const Node *target = node_item(list, i);
        const Node *value = node_field(target, "val");
        Bound *bound;
        if (is_star(value)) {
            TRY(expand_star(binder, scope, value, error));
            continue;
        }
        TRY(bind_expression_in(binder, scope, clause, value, &bound, error));
        Slice name = node_text(target, "name");
        TRY(query_add_target(binder, scope->query, name.size > 0 ? name : target_name(value), bound,
                             error));
    }
    return OK;
}
