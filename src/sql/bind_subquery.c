/* Subqueries inside expressions. */
#include "sql/binder_int.h"

static Status new_subquery(Binder *binder, SubqueryKind kind, BoundQuery *query, Type type,
                           int32_t position, Bound **out, Error *error)
{
    BoundSubquery *subquery = ARENA_NEW(binder->arena, BoundSubquery);
    if (subquery == NULL)
        return arena_error(binder->arena, error);
    subquery->kind = kind;
    subquery->query = query;
    TRY(bound_new(binder, BOUND_SUBQUERY, type, position, 0, out, error));
    (*out)->as.subquery = subquery;
    bound_settle(*out);
    return OK;
}

static Status one_column(const BoundQuery *query, int32_t position, Error *error)
{
    if (query->column_count == 1)
        return OK;
    return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                        "subquery must return only one column");
}

static Status bind_exists(Binder *binder, BoundQuery *query, int32_t position, Bound **out,
                          Error *error)
{
    return new_subquery(binder, SUBQUERY_EXISTS, query, TYPE(BOOLEAN), position, out, error);
}

static Status bind_scalar(Binder *binder, BoundQuery *query, int32_t position, Bound **out,
                          Error *error)
{
    TRY(one_column(query, position, error));
    return new_subquery(binder, SUBQUERY_SCALAR, query, query->columns[0].type, position, out,
                        error);
}

Status subquery_of_column(Binder *binder, BoundQuery *query, uint32_t column, int32_t position,
                          Bound **out, Error *error)
{
    BoundQuery *outer;
    Relation *relation;
    Bound *value;
    TRY(query_wrap(binder, query, &outer, &relation, error));
    TRY(bound_column(binder, relation, column, position, &value, error));
    TRY(query_add_target(binder, outer, query->columns[column].name, value, error));
    outer->visible_count = 1;
    TRY(query_settle_columns(binder, outer, error));
    return bind_scalar(binder, outer, position, out, error);
}

static Status bind_array_of(Binder *binder, BoundQuery *query, int32_t position, Bound **out,
                            Error *error)
{
    TRY(one_column(query, position, error));
    Type element = query->columns[0].type;
    if (element.kind == TYPE_ARRAY || element.kind == TYPE_VECTOR || element.kind == TYPE_RECORD)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "arrays of arrays, rows or vectors are not supported");
    Type type = {.kind = TYPE_ARRAY, .element = element.kind};
    return new_subquery(binder, SUBQUERY_ARRAY, query, type, position, out, error);
}

/* ---- x op ANY (SELECT …) ---- */

typedef struct RowTest {
    const Node *node;
    Slice operation;
    Bound **lefts;
    uint32_t left_count;
} RowTest;

static Status bind_lefts(Binder *binder, Scope *scope, RowTest *test, Error *error)
{
    Bound *left;
    TRY(bind_expression(binder, scope, node_field(test->node, "testexpr"), &left, error));
    if (left->kind == BOUND_ROW) {
        test->lefts = left->children;
        test->left_count = left->child_count;
        return OK;
    }
    test->lefts = ARENA_ARRAY(binder->arena, Bound *, 1);
    if (test->lefts == NULL)
        return arena_error(binder->arena, error);
    test->lefts[0] = left;
    test->left_count = 1;
    return OK;
}

static Status check_row_operator(const RowTest *test, CompareOperator *out, int32_t position,
                                 Error *error)
{
    *out = COMPARE_EQUAL;
    if (slice_equal_text(test->operation, "="))
        return OK;
    *out = COMPARE_NOT_EQUAL;
    if (slice_equal_text(test->operation, "<>") || test->left_count == 1)
        return OK;
    return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                        "comparing a row with ANY or ALL of a subquery by %.*s is not supported",
                        SLICE_ARGUMENTS(test->operation));
}

static Status bind_tests(Binder *binder, RowTest *test, BoundSubquery *subquery, int32_t position,
                         Error *error)
{
    const BoundQuery *query = subquery->query;
    subquery->tests = ARENA_ARRAY(binder->arena, Bound *, test->left_count);
    if (subquery->tests == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < test->left_count; i++) {
        const RelationColumn *column = &query->columns[i];
        Bound right = {.type = column->type,
                       .scale = column->scale,
                       .precision = column->precision,
                       .position_byte = position};
        Resolution resolution;
        TRY(resolve_operator(test->operation, test->lefts[i], &right, position, &resolution,
                             error));
        if (resolution.result.kind != TYPE_BOOLEAN)
            return error_set_at(error, position, STATUS_DATATYPE_MISMATCH,
                                "row comparison operator must yield type boolean");
        TRY(coerce(binder, test->lefts[i], resolution.arguments[0], CAST_IMPLICIT,
                   test->lefts[i]->position_byte, &test->lefts[i], error));
        TRY(make_test(binder, &resolution, test->lefts[i], &right, position, &subquery->tests[i],
                      error));
    }
    subquery->lefts = test->lefts;
    subquery->test_count = test->left_count;
    return OK;
}

static Status bind_any_or_all(Binder *binder, Scope *scope, const Node *node, BoundQuery *query,
                              bool is_all, Bound **out, Error *error)
{
    int32_t position = node_location(node);
    const Node *names = node_field(node, "operName");
    RowTest test = {.node = node, .operation = SLICE("=")};
    if (names != NULL)
        test.operation = node_string(node_item(names, node_count(names) - 1));
    if (slice_equal_text(test.operation, "!="))
        test.operation = SLICE("<>");
    TRY(bind_lefts(binder, scope, &test, error));
    if (test.left_count < query->column_count)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR, "subquery has too many columns");
    if (test.left_count > query->column_count)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR, "subquery has too few columns");
    TRY(new_subquery(binder, is_all ? SUBQUERY_ALL : SUBQUERY_ANY, query, TYPE(BOOLEAN), position,
                     out, error));
    BoundSubquery *subquery = (*out)->as.subquery;
    TRY(check_row_operator(&test, &subquery->row_operator, position, error));
    return bind_tests(binder, &test, subquery, position, error);
}

Status bind_subquery_expression(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                Error *error)
{
    Slice kind = node_text(node, "subLinkType");
    int32_t position = node_location(node);
    BoundQuery *query;
    TRY(bind_query(binder, scope, scope->common, node_field(node, "subselect"), false, &query,
                   error));
    if (slice_equal_text(kind, "EXISTS_SUBLINK"))
        return bind_exists(binder, query, position, out, error);
    if (slice_equal_text(kind, "EXPR_SUBLINK"))
        return bind_scalar(binder, query, position, out, error);
    if (slice_equal_text(kind, "ARRAY_SUBLINK"))
        return bind_array_of(binder, query, position, out, error);
    bool is_all = slice_equal_text(kind, "ALL_SUBLINK");
    if (is_all || slice_equal_text(kind, "ANY_SUBLINK"))
        return bind_any_or_all(binder, scope, node, query, is_all, out, error);
    return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                        "subqueries of the kind %.*s are not supported", SLICE_ARGUMENTS(kind));
}
