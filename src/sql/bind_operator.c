/* A_Expr: operators and what the grammar makes of them (IN, BETWEEN, LIKE, ANY …). */
#include "sql/binder_int.h"

typedef struct OperatorNode {
    Slice name;
    const Node *left;
    const Node *right;
    int32_t position;
} OperatorNode;

static Status bind_sides(Binder *binder, Scope *scope, const OperatorNode *node, Bound **left,
                         Bound **right, Error *error)
{
    *left = NULL;
    if (node->left != NULL)
        TRY(bind_expression(binder, scope, node->left, left, error));
    return bind_expression(binder, scope, node->right, right, error);
}

static Status bind_plain(Binder *binder, Scope *scope, const OperatorNode *node, Bound **out,
                         Error *error)
{
    Bound *left;
    Bound *right;
    bool row_and_query = node_is(node->left, "RowExpr") && node_is(node->right, "SubLink");
    if (row_and_query)
        return error_set_at(error, node->position, STATUS_FEATURE_NOT_SUPPORTED,
                            "comparing a row with a subquery's row is not supported: use IN or "
                            "compare the columns");
    TRY(bind_sides(binder, scope, node, &left, &right, error));
    if (left != NULL && left->kind == BOUND_ROW && right->kind == BOUND_ROW)
        return bind_row_comparison(binder, node->name, left, right, node->position, out, error);
    return bind_operator(binder, node->name, left, right, node->position, out, error);
}

/* ---- DISTINCT FROM, NULLIF ---- */

/* Both sides as the operator = would have them. */
static Status coerce_for_equality(Binder *binder, Bound **left, Bound **right, int32_t position,
                                  Error *error)
{
    Resolution resolution;
    TRY(resolve_operator(SLICE("="), *left, *right, position, &resolution, error));
    TRY(coerce(binder, *left, resolution.arguments[0], CAST_IMPLICIT, (*left)->position_byte, left,
               error));
    TRY(coerce(binder, *right, resolution.arguments[1], CAST_IMPLICIT, (*right)->position_byte,
               right, error));
    return OK;
}

static Status distinct_pair(Binder *binder, Bound *left, Bound *right, bool negated,
                            int32_t position, Bound **out, Error *error)
{
    TRY(coerce_for_equality(binder, &left, &right, position, error));
    Bound *bound;
    TRY(bound_new(binder, BOUND_IS_DISTINCT, TYPE(BOOLEAN), position, 2, &bound, error));
    bound->children[0] = left;
    bound->children[1] = right;
    bound->negated = negated;
    *out = bound;
    return OK;
}

/* Rows are distinct where any pair of columns is. */
static Status distinct_rows(Binder *binder, Bound *left, Bound *right, bool negated,
                            int32_t position, Bound **out, Error *error)
{
    if (left->child_count != right->child_count)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                            "unequal number of entries in row expressions");
    Bound *both;
    TRY(bound_new(binder, negated ? BOUND_AND : BOUND_OR, TYPE(BOOLEAN), position,
                  left->child_count, &both, error));
    for (uint32_t i = 0; i < left->child_count; i++)
        TRY(distinct_pair(binder, left->children[i], right->children[i], negated, position,
                          &both->children[i], error));
    *out = both;
    return OK;
}

static Status bind_distinct(Binder *binder, Scope *scope, const OperatorNode *node, bool negated,
                            Bound **out, Error *error)
{
    Bound *left;
    Bound *right;
    TRY(bind_sides(binder, scope, node, &left, &right, error));
    if (left->kind == BOUND_ROW && right->kind == BOUND_ROW)
        return distinct_rows(binder, left, right, negated, node->position, out, error);
    return distinct_pair(binder, left, right, negated, node->position, out, error);
}

static Status bind_distinct_from(Binder *binder, Scope *scope, const OperatorNode *node,
                                 Bound **out, Error *error)
{
    return bind_distinct(binder, scope, node, false, out, error);
}

static Status bind_not_distinct_from(Binder *binder, Scope *scope, const OperatorNode *node,
                                     Bound **out, Error *error)
{
    return bind_distinct(binder, scope, node, true, out, error);
}

static Status bind_nullif(Binder *binder, Scope *scope, const OperatorNode *node, Bound **out,
                          Error *error)
{
    Bound *left;
    Bound *right;
    TRY(bind_sides(binder, scope, node, &left, &right, error));
    TRY(coerce_for_equality(binder, &left, &right, node->position, error));
    Bound *bound;
    TRY(bound_new(binder, BOUND_NULLIF, left->type, node->position, 2, &bound, error));
    bound->children[0] = left;
    bound->children[1] = right;
    bound_settle(bound);
    *out = bound;
    return OK;
}

/* ---- BETWEEN ---- */

static Status between_pair(Binder *binder, const Bound *value, const Bound *low, const Bound *high,
                           bool negated, int32_t position, Bound **out, Error *error)
{
    Bound *copies[4];
    const Bound *sources[4] = {value, low, value, high};
    Bound *first;
    Bound *second;
    for (int i = 0; i < 4; i++)
        TRY(bound_clone(binder, sources[i], &copies[i], error));
    TRY(bind_operator(binder, negated ? SLICE("<") : SLICE(">="), copies[0], copies[1], position,
                      &first, error));
    TRY(bind_operator(binder, negated ? SLICE(">") : SLICE("<="), copies[2], copies[3], position,
                      &second, error));
    Bound *both;
    TRY(bound_new(binder, negated ? BOUND_OR : BOUND_AND, TYPE(BOOLEAN), position, 2, &both,
                  error));
    both->children[0] = first;
    both->children[1] = second;
    *out = both;
    return OK;
}

static Status bind_between_kind(Binder *binder, Scope *scope, const OperatorNode *node,
                                bool negated, bool symmetric, Bound **out, Error *error)
{
    Bound *value;
    Bound *low;
    Bound *high;
    TRY(bind_expression(binder, scope, node->left, &value, error));
    TRY(bind_expression(binder, scope, node_item(node->right, 0), &low, error));
    TRY(bind_expression(binder, scope, node_item(node->right, 1), &high, error));
    Bound *one;
    TRY(between_pair(binder, value, low, high, negated, node->position, &one, error));
    if (!symmetric) {
        *out = one;
        return OK;
    }
    Bound *other;
    TRY(between_pair(binder, value, high, low, negated, node->position, &other, error));
    Bound *both;
    TRY(bound_new(binder, negated ? BOUND_AND : BOUND_OR, TYPE(BOOLEAN), node->position, 2, &both,
                  error));
    both->children[0] = one;
    both->children[1] = other;
    *out = both;
    return OK;
}

static Status bind_between(Binder *binder, Scope *scope, const OperatorNode *node, Bound **out,
                           Error *error)
{
    return bind_between_kind(binder, scope, node, false, false, out, error);
}

static Status bind_not_between(Binder *binder, Scope *scope, const OperatorNode *node, Bound **out,
                               Error *error)
{
    return bind_between_kind(binder, scope, node, true, false, out, error);
}

static Status bind_between_symmetric(Binder *binder, Scope *scope, const OperatorNode *node,
                                     Bound **out, Error *error)
{
    return bind_between_kind(binder, scope, node, false, true, out, error);
}

static Status bind_not_between_symmetric(Binder *binder, Scope *scope, const OperatorNode *node,
                                         Bound **out, Error *error)
{
    return bind_between_kind(binder, scope, node, true, true, out, error);
}

/* ---- LIKE, SIMILAR TO ---- */

static Status bind_pattern(Binder *binder, Scope *scope, const OperatorNode *node, Bound **out,
                           Error *error)
{
    Bound *left;
    Bound *right;
    TRY(bind_sides(binder, scope, node, &left, &right, error));
    return bind_operator(binder, node->name, left, right, node->position, out, error);
}

/* ---- the table ---- */

static const struct {
    const char *kind;
    Status (*bind)(Binder *, Scope *, const OperatorNode *, Bound **, Error *);
} KINDS[] = {
    {"AEXPR_OP", bind_plain},
    {"AEXPR_OP_ANY", NULL}, /* bind_quantified.c */
    {"AEXPR_OP_ALL", NULL},
    {"AEXPR_IN", NULL},
    {"AEXPR_DISTINCT", bind_distinct_from},
    {"AEXPR_NOT_DISTINCT", bind_not_distinct_from},
    {"AEXPR_NULLIF", bind_nullif},
    {"AEXPR_LIKE", bind_pattern},
    {"AEXPR_ILIKE", bind_pattern},
    {"AEXPR_SIMILAR", bind_pattern},
    {"AEXPR_BETWEEN", bind_between},
    {"AEXPR_NOT_BETWEEN", bind_not_between},
    {"AEXPR_BETWEEN_SYM", bind_between_symmetric},
    {"AEXPR_NOT_BETWEEN_SYM", bind_not_between_symmetric},
};

Status bind_operator_expression(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                Error *error)
{
    Slice kind = node_text(node, "kind");
    const Node *names = node_field(node, "name");
    OperatorNode operation = {.name = node_string(node_item(names, node_count(names) - 1)),
                              .left = node_field(node, "lexpr"),
                              .right = node_field(node, "rexpr"),
                              .position = node_location(node)};
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (!slice_equal_text(kind, KINDS[i].kind))
            continue;
        if (KINDS[i].bind != NULL)
            return KINDS[i].bind(binder, scope, &operation, out, error);
        if (slice_equal_text(kind, "AEXPR_IN"))
            return bind_in_list(binder, scope, node, out, error);
        return bind_quantified_array(binder, scope, node, out, error);
    }
    return error_set_at(error, operation.position, STATUS_FEATURE_NOT_SUPPORTED,
                        "expressions of the kind %.*s are not supported", SLICE_ARGUMENTS(kind));
}
