/* Subqueries in expressions, and comparisons with all elements of an array. */
#include "sql/writer_int.h"

#include <stdio.h>

/* ---- tests: comparisons of operands ---- */

typedef struct Operands {
    const char *names[2];
    const Bound *values[2];
} Operands;

static Operands set_operands(Writer *writer, const Bound *left, const char *right)
{
    Operands before = {{writer->operands[0], writer->operands[1]},
                       {writer->operand_values[0], writer->operand_values[1]}};
    writer->operand_values[0] = left;
    writer->operands[1] = right;
    writer->operand_values[1] = NULL;
    return before;
}

static void restore_operands(Writer *writer, const Operands *before)
{
    for (int i = 0; i < 2; i++) {
        writer->operands[i] = before->names[i];
        writer->operand_values[i] = before->values[i];
    }
}

static Status write_inner(Writer *writer, const BoundQuery *query, Error *error)
{
    put(writer, "(");
    TRY(write_query(writer, query, query->columns, error));
    put(writer, ")");
    return OK;
}

/* ---- x op ANY (SELECT …) ---- */

/* A comparison whose right side is the column as it stands. */
static bool is_plain_test(const Bound *test)
{
    return test->kind == BOUND_COMPARE && test->children[1]->kind == BOUND_OPERAND &&
           !needs_key(test->children[0]) && !needs_key(test->children[1]) &&
           test->children[0]->type.kind == test->children[1]->type.kind;
}

static Status write_plain_any(Writer *writer, const BoundSubquery *subquery, Error *error)
{
    const Bound *test = subquery->tests[0];
    Operands before = set_operands(writer, subquery->lefts[0], "?");
    put(writer, "(");
    TRY(write_expression(writer, test->children[0], error));
    restore_operands(writer, &before);
    put(writer, operator_text((CompareOperator)test->index));
    put(writer, subquery->kind == SUBQUERY_ANY ? "ANY " : "ALL ");
    TRY(write_inner(writer, subquery->query, error));
    put(writer, ")");
    return OK;
}

/* The whole test of one row: a column's, or those of all columns together. */
static Status write_tests(Writer *writer, const BoundSubquery *subquery, uint32_t alias,
                          Error *error)
{
    bool all_columns = subquery->row_operator == COMPARE_EQUAL;
    put(writer, "(");
    for (uint32_t i = 0; i < subquery->test_count; i++) {
        char column[32];
        snprintf(column, sizeof column, "s%u.c%u", alias, i);
        if (i > 0)
            put(writer, all_columns ? " AND " : " OR ");
        Operands before = set_operands(writer, subquery->lefts[i], column);
        TRY(write_expression(writer, subquery->tests[i], error));
        restore_operands(writer, &before);
    }
    put(writer, ")");
    return OK;
}

/* ANY: true where one test is, else NULL where one is NULL, else false. ALL the other way round. */
static Status write_general_any(Writer *writer, const BoundSubquery *subquery, Error *error)
{
    bool any = subquery->kind == SUBQUERY_ANY;
    uint32_t alias = writer->lambda_count++;
    put_format(writer,
               "(SELECT CASE WHEN bool_%s(b) IS %s THEN %s WHEN count(*) > count(b) THEN NULL "
               "ELSE %s END FROM (SELECT ",
               any ? "or" : "and", any ? "TRUE" : "FALSE", any ? "true" : "false",
               any ? "false" : "true");
    TRY(write_tests(writer, subquery, alias, error));
    put(writer, " AS b FROM ");
    TRY(write_inner(writer, subquery->query, error));
    put_format(writer, " AS s%u) AS u)", alias);
    return OK;
}

Status write_subquery(Writer *writer, const Bound *bound, Error *error)
{
    const BoundSubquery *subquery = bound->as.subquery;
    switch (subquery->kind) {
    case SUBQUERY_EXISTS:
        put(writer, "EXISTS ");
        return write_inner(writer, subquery->query, error);
    case SUBQUERY_ARRAY:
        if (subquery->query->columns[0].type.kind == TYPE_DECIMAL)
            return error_unwritable(bound, error, "ARRAY(SELECT …) of numbers");
        put(writer, "ARRAY");
        return write_inner(writer, subquery->query, error);
    case SUBQUERY_SCALAR:
        return write_inner(writer, subquery->query, error);
    case SUBQUERY_ANY:
    case SUBQUERY_ALL:
        return subquery->test_count == 1 && is_plain_test(subquery->tests[0])
                   ? write_plain_any(writer, subquery, error)
                   : write_general_any(writer, subquery, error);
    }
    UNREACHABLE();
}

/* WHERE (a, b) IN (SELECT …): only true matters, so a semi-join says it. */
static bool is_positive_row_in(const Bound *bound)
{
    return bound->kind == BOUND_SUBQUERY && bound->as.subquery->kind == SUBQUERY_ANY &&
           !(bound->as.subquery->test_count == 1 && is_plain_test(bound->as.subquery->tests[0]));
}

static Status write_exists(Writer *writer, const BoundSubquery *subquery, Error *error)
{
    uint32_t alias = writer->lambda_count++;
    put(writer, "EXISTS (SELECT 1 FROM ");
    TRY(write_inner(writer, subquery->query, error));
    put_format(writer, " AS s%u WHERE ", alias);
    TRY(write_tests(writer, subquery, alias, error));
    put(writer, ")");
    return OK;
}

Status write_condition(Writer *writer, const Bound *bound, Error *error)
{
    if (is_positive_row_in(bound))
        return write_exists(writer, bound->as.subquery, error);
    if (bound->kind != BOUND_AND)
        return write_expression(writer, bound, error);
    put(writer, "(");
    for (uint32_t i = 0; i < bound->child_count; i++) {
        if (i > 0)
            put(writer, " AND ");
        TRY(write_condition(writer, bound->children[i], error));
    }
    put(writer, ")");
    return OK;
}

/* ---- x op ANY (array) ---- */

/* = ANY and <> ALL have functions of their own. */
static const char *bridge_of(const Bound *bound)
{
    const Bound *test = bound->as.test;
    bool is_plain = test->kind == BOUND_COMPARE && test->children[0]->kind == BOUND_OPERAND &&
                    test->children[1]->kind == BOUND_OPERAND &&
                    bound->children[0]->type.kind == bound->children[1]->type.element &&
                    bound->children[0]->type.kind != TYPE_DECIMAL;
    if (!is_plain)
        return NULL;
    if (test->index == COMPARE_EQUAL && !bound->is_all)
        return "fn_array_any_equal(";
    return test->index == COMPARE_NOT_EQUAL && bound->is_all ? "fn_array_all_not_equal(" : NULL;
}

static Status write_test_list(Writer *writer, const Bound *bound, Error *error)
{
    char name[16];
    snprintf(name, sizeof name, "x%u", writer->lambda_count++);
    put(writer, "list_transform(");
    TRY(write_expression(writer, bound->children[1], error));
    put_format(writer, ", lambda %s: ", name);
    Operands before = set_operands(writer, bound->children[0], name);
    TRY(write_expression(writer, bound->as.test, error));
    restore_operands(writer, &before);
    put(writer, ")");
    return OK;
}

Status write_quantified(Writer *writer, const Bound *bound, Error *error)
{
    const char *bridge = bridge_of(bound);
    if (bridge != NULL) {
        put(writer, bridge);
        TRY(write_expression(writer, bound->children[0], error));
        put(writer, ", ");
        TRY(write_expression(writer, bound->children[1], error));
        put(writer, ")");
        return OK;
    }
    put(writer, bound->is_all ? "pg_all(" : "pg_any(");
    TRY(write_test_list(writer, bound, error));
    put(writer, ")");
    return OK;
}
