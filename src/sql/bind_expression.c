/* Expressions: one function for each kind of PostgreSQL's nodes. */
#include "sql/binder_int.h"
#include "sql/fold.h"
#include "sql/literal.h"

typedef Status (*NodeBinder)(Binder *, Scope *, const Node *, Bound **, Error *);

Status bind_expression_in(Binder *binder, Scope *scope, Clause clause, const Node *node,
                          Bound **out, Error *error)
{
    Clause before = scope->clause;
    scope->clause = clause;
    Status status = bind_expression(binder, scope, node, out, error);
    scope->clause = before;
    return status;
}

Status bind_expressions(Binder *binder, Scope *scope, const Node *list, Bound ***out,
                        uint32_t *count, Error *error)
{
    *count = node_count(list);
    *out = ARENA_ARRAY(binder->arena, Bound *, *count);
    if (*out == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < *count; i++)
        TRY(bind_expression(binder, scope, node_item(list, i), &(*out)[i], error));
    return OK;
}

/* ---- logic ---- */

static Status bind_connective(Binder *binder, Scope *scope, const Node *node, BoundKind kind,
                              Bound **out, Error *error)
{
    const Node *arguments = node_field(node, "args");
    uint32_t count = node_count(arguments);
    const char *what = kind == BOUND_AND ? "AND" : kind == BOUND_OR ? "OR" : "NOT";
    Bound *bound;
    TRY(bound_new(binder, kind, TYPE(BOOLEAN), node_location(node), count, &bound, error));
    for (uint32_t i = 0; i < count; i++) {
        TRY(bind_expression(binder, scope, node_item(arguments, i), &bound->children[i], error));
        TRY(coerce_boolean(binder, bound->children[i], what, &bound->children[i], error));
    }
    *out = bound;
    return OK;
}

static Status bind_logic(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    Slice operation = node_text(node, "boolop");
    BoundKind kind = slice_equal_text(operation, "AND_EXPR")  ? BOUND_AND
                     : slice_equal_text(operation, "OR_EXPR") ? BOUND_OR
                                                              : BOUND_NOT;
    return bind_connective(binder, scope, node, kind, out, error);
}

static Status null_test(Binder *binder, Bound *argument, bool negated, int32_t position,
                        Bound **out, Error *error)
{
    TRY(bound_unary(binder, BOUND_IS_NULL, TYPE(BOOLEAN), argument, position, out, error));
    (*out)->negated = negated;
    return OK;
}

/* A row is NULL where all its fields are, and NOT NULL where none is. */
static Status null_test_of_row(Binder *binder, Bound *row, bool negated, int32_t position,
                               Bound **out, Error *error)
{
    *out = NULL;
    for (uint32_t i = 0; i < row->child_count; i++) {
        Bound *one;
        TRY(null_test(binder, row->children[i], negated, position, &one, error));
        TRY(bound_and(binder, *out, one, out, error));
    }
    return *out != NULL ? OK : bound_boolean(binder, true, position, out, error);
}

static Status bind_null_test(Binder *binder, Scope *scope, const Node *node, Bound **out,
                             Error *error)
{
    Bound *argument;
    TRY(bind_expression(binder, scope, node_field(node, "arg"), &argument, error));
    TRY(coerce_unknown_to_text(binder, &argument, error));
    bool negated = slice_equal_text(node_text(node, "nulltesttype"), "IS_NOT_NULL");
    if (argument->kind == BOUND_ROW)
        return null_test_of_row(binder, argument, negated, node_location(node), out, error);
    return null_test(binder, argument, negated, node_location(node), out, error);
}

static Status bind_truth_test(Binder *binder, Scope *scope, const Node *node, Bound **out,
                              Error *error)
{
    static const struct {
        const char *type;
        const char *what;
        uint32_t index;
        bool negated;
    } TESTS[] = {
        {"IS_TRUE", "IS TRUE", 1, false},       {"IS_NOT_TRUE", "IS NOT TRUE", 1, true},
        {"IS_FALSE", "IS FALSE", 0, false},     {"IS_NOT_FALSE", "IS NOT FALSE", 0, true},
        {"IS_UNKNOWN", "IS UNKNOWN", 2, false}, {"IS_NOT_UNKNOWN", "IS NOT UNKNOWN", 2, true},
    };
    Slice type = node_text(node, "booltesttype");
    size_t i = 0;
    while (i + 1 < sizeof TESTS / sizeof TESTS[0] && !slice_equal_text(type, TESTS[i].type))
        i++;
    Bound *argument;
    TRY(bind_expression(binder, scope, node_field(node, "arg"), &argument, error));
    TRY(coerce_boolean(binder, argument, TESTS[i].what, &argument, error));
    TRY(bound_unary(binder, BOUND_IS_TRUE, TYPE(BOOLEAN), argument, node_location(node), out,
                    error));
    (*out)->index = TESTS[i].index;
    (*out)->negated = TESTS[i].negated;
    return OK;
}

/* ---- choices ---- */

static Status bind_choice(Binder *binder, Scope *scope, const Node *node, BoundKind kind,
                          const char *what, Bound **out, Error *error)
{
    Bound **children;
    uint32_t count;
    TRY(bind_expressions(binder, scope, node_field(node, "args"), &children, &count, error));
    Type type;
    TRY(common_type(children, count, what, &type, error));
    TRY(coerce_all(binder, children, count, &type, what, error));
    Bound *bound;
    TRY(bound_new(binder, kind, type, node_location(node), 0, &bound, error));
    bound->children = children;
    bound->child_count = count;
    bound_settle(bound);
    *out = bound;
    return OK;
}

static Status bind_coalesce(Binder *binder, Scope *scope, const Node *node, Bound **out,
                            Error *error)
{
    return bind_choice(binder, scope, node, BOUND_COALESCE, "COALESCE", out, error);
}

static Status bind_extreme(Binder *binder, Scope *scope, const Node *node, Bound **out,
                           Error *error)
{
    bool greatest = slice_equal_text(node_text(node, "op"), "IS_GREATEST");
    return bind_choice(binder, scope, node, greatest ? BOUND_GREATEST : BOUND_LEAST,
                       greatest ? "GREATEST" : "LEAST", out, error);
}

/* ---- parameters, casts, the rest ---- */

static Status grow_parameters(BindContext *context, uint32_t count, Error *error)
{
    Type *types = ARENA_ARRAY(context->arena, Type, count);
    if (types == NULL)
        return arena_error(context->arena, error);
    for (uint32_t i = 0; i < context->parameter_count; i++)
        types[i] = context->parameter_types[i];
    context->parameter_types = types;
    context->parameter_count = count;
    return OK;
}

static Status bind_parameter(Binder *binder, Scope *scope, const Node *node, Bound **out,
                             Error *error)
{
    (void)scope;
    BindContext *context = binder->context;
    int64_t number = node_integer(node, "number", 0);
    if (number < 1 || number > PARAMETERS_MAX)
        return error_set_at(error, node_location(node), STATUS_UNDEFINED_PARAMETER,
                            "there is no parameter $%lld", (long long)number);
    if (number > context->parameter_count)
        TRY(grow_parameters(context, (uint32_t)number, error));
    Type type = context->parameter_types[number - 1];
    TRY(bound_new(binder, BOUND_PARAMETER, type, node_location(node), 0, out, error));
    (*out)->index = (uint32_t)(number - 1);
    bound_settle(*out);
    return OK;
}

static Status bind_literal(Binder *binder, Scope *scope, const Node *node, Bound **out,
                           Error *error)
{
    (void)scope;
    return bind_constant(binder, node, out, error);
}

/* interval '3' DAY, timestamp(0) '…': of literals only. */
static Status bind_time_cast(Binder *binder, Scope *scope, const Node *node,
                             const TimeModifiers *modifiers, Type type, Bound **out, Error *error)
{
    Bound *bound;
    int32_t position = node_location(node_field(node, "typeName"));
    TRY(bind_expression(binder, scope, node_field(node, "arg"), &bound, error));
    bool is_literal = bound->kind == BOUND_CONSTANT && bound->type.kind == TYPE_UNKNOWN &&
                      !bound->as.constant.is_null;
    if (is_literal && modifiers->fields != 0) {
        Status status =
            interval_text_with_unit(binder->arena, bound->as.constant.as.bytes, modifiers->fields,
                                    &bound->as.constant.as.bytes, error);
        if (status != OK) {
            error->position_byte = position;
            return status;
        }
    }
    TRY(coerce_explicit(binder, bound, type, position, out, error));
    bool changes =
        modifiers->fields != 0 || (modifiers->precision >= 0 && modifiers->precision < 6);
    if (changes && ((*out)->kind != BOUND_CONSTANT || (!is_literal && modifiers->fields != 0)))
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "a precision of times other than 6 is not supported");
    if ((*out)->kind == BOUND_CONSTANT)
        time_round(type, modifiers->precision, &(*out)->as.constant);
    return OK;
}

static Status bind_cast(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    Type type;
    TimeModifiers modifiers;
    if (time_modifiers_read(node_field(node, "typeName"), &modifiers)) {
        TRY(bind_plain_type_name(node_field(node, "typeName"), &type, error));
        return bind_time_cast(binder, scope, node, &modifiers, type, out, error);
    }
    TRY(bind_type_name(binder->context, node_field(node, "typeName"), &type, error));
    const Node *argument = node_field(node, "arg");
    int32_t position = node_location(node);
    Bound *bound;
    if (node_is(argument, "A_ArrayExpr") && type.kind == TYPE_ARRAY)
        return bind_array_as(binder, scope, argument, type, out, error);
    TRY(bind_expression(binder, scope, argument, &bound, error));
    if (position < 0)
        position = bound->position_byte;
    return coerce_explicit(binder, bound, type, position, out, error);
}

static Status bind_collation(Binder *binder, Scope *scope, const Node *node, Bound **out,
                             Error *error)
{
    const Node *names = node_field(node, "collname");
    Slice name = node_string(node_item(names, node_count(names) - 1));
    bool is_binary = slice_equal_text(name, "C") || slice_equal_text(name, "POSIX") ||
                     slice_equal_text(name, "default") || slice_equal_text(name, "ucs_basic");
    if (!is_binary)
        return error_set_at(error, node_location(node), STATUS_FEATURE_NOT_SUPPORTED,
                            "collation \"%.*s\" is not supported: text is ordered by its bytes",
                            SLICE_ARGUMENTS(name));
    TRY(bind_expression(binder, scope, node_field(node, "arg"), out, error));
    TRY(coerce_unknown_to_text(binder, out, error));
    if (type_is_text((*out)->type))
        return OK;
    char type[TYPE_NAME_BYTES_MAX];
    type_postgres_name((*out)->type, type);
    return error_set_at(error, node_location(node), STATUS_DATATYPE_MISMATCH,
                        "collations are not supported by type %s", type);
}

static Status bind_row(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    Bound **children;
    uint32_t count;
    TRY(bind_expressions(binder, scope, node_field(node, "args"), &children, &count, error));
    for (uint32_t i = 0; i < count; i++) {
        if (children[i]->kind == BOUND_ROW)
            return error_set_at(error, node_location(node), STATUS_FEATURE_NOT_SUPPORTED,
                                "rows inside rows are not supported");
    }
    TRY(bound_new(binder, BOUND_ROW, TYPE(RECORD), node_location(node), 0, out, error));
    (*out)->children = children;
    (*out)->child_count = count;
    return OK;
}

static Status bind_session(Binder *binder, Scope *scope, const Node *node, Bound **out,
                           Error *error)
{
    (void)scope;
    return bind_session_value(binder, node, out, error);
}

static Status refuse_default(Binder *binder, Scope *scope, const Node *node, Bound **out,
                             Error *error)
{
    (void)binder;
    (void)scope;
    (void)out;
    return error_set_at(error, node_location(node), STATUS_SYNTAX_ERROR,
                        "DEFAULT is not allowed in this context");
}

static Status refuse_named_argument(Binder *binder, Scope *scope, const Node *node, Bound **out,
                                    Error *error)
{
    (void)binder;
    (void)scope;
    (void)out;
    return error_set_at(error, node_location(node), STATUS_FEATURE_NOT_SUPPORTED,
                        "named arguments (name => value) are not supported here");
}

static const struct {
    const char *kind;
    NodeBinder bind;
} BINDERS[] = {
    {"ColumnRef", bind_column_reference},
    {"A_Const", bind_literal},
    {"A_Expr", bind_operator_expression},
    {"BoolExpr", bind_logic},
    {"FuncCall", bind_call},
    {"ParamRef", bind_parameter},
    {"TypeCast", bind_cast},
    {"NullTest", bind_null_test},
    {"BooleanTest", bind_truth_test},
    {"CaseExpr", bind_case},
    {"CoalesceExpr", bind_coalesce},
    {"MinMaxExpr", bind_extreme},
    {"SubLink", bind_subquery_expression},
    {"A_ArrayExpr", bind_array},
    {"A_Indirection", bind_indirection},
    {"RowExpr", bind_row},
    {"SQLValueFunction", bind_session},
    {"CollateClause", bind_collation},
    {"GroupingFunc", bind_grouping_call},
    {"SetToDefault", refuse_default},
    {"NamedArgExpr", refuse_named_argument},
};

static Status bind_by_kind(Binder *binder, Scope *scope, const Node *node, Bound **out,
                           Error *error)
{
    Slice kind = node_kind(node);
    for (size_t i = 0; i < sizeof BINDERS / sizeof BINDERS[0]; i++) {
        if (slice_equal_text(kind, BINDERS[i].kind))
            return BINDERS[i].bind(binder, scope, node, out, error);
    }
    return error_set_at(error, node_location(node), STATUS_FEATURE_NOT_SUPPORTED,
                        "expressions of the kind %.*s are not supported", SLICE_ARGUMENTS(kind));
}

Status bind_expression(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    TRY(binder_down(binder, node_location(node), error));
    TRY(bind_by_kind(binder, scope, node, out, error));
    binder_up(binder);
    return bound_fold(binder, out, error);
}
