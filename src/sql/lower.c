#include "sql/lower.h"

#include "sql/writer_int.h"
#include "types/function.h"

typedef struct Lowering {
    Arena *arena;
    const Relation *relation;
    const char *why; /* what is not row-local */
} Lowering;

typedef Status (*Lower)(Lowering *, const Bound *, Expression *, Error *);

static Status lower(Lowering *lowering, const Bound *bound, Expression **out, Error *error);

/* Not an error: the engine runs it. */
static Status refuse(Lowering *lowering, const char *why)
{
    if (lowering->why == NULL)
        lowering->why = why;
    return OK;
}

static Status lower_children(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    out->child_count = bound->child_count;
    out->children = ARENA_ARRAY(lowering->arena, Expression *, bound->child_count);
    if (out->children == NULL)
        return arena_error(lowering->arena, error);
    for (uint32_t i = 0; i < bound->child_count && lowering->why == NULL; i++) {
        if (bound->children[i] == NULL)
            return refuse(lowering, "a part that is left out");
        TRY(lower(lowering, bound->children[i], &out->children[i], error));
    }
    return OK;
}

/* ---- leaves ---- */

static Status lower_constant(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    out->kind = EXPRESSION_CONSTANT;
    return value_clone(lowering->arena, &bound->as.constant, &out->constant, error);
}

static Status lower_parameter(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    (void)lowering;
    (void)error;
    out->kind = EXPRESSION_PARAMETER;
    out->index = bound->index;
    return OK;
}

static Status lower_column(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    (void)error;
    if (bound->as.relation != lowering->relation || lowering->relation == NULL)
        return refuse(lowering, "a column of another table");
    const RelationColumn *column = &bound->as.relation->columns[bound->index];
    if (column->location != NULL)
        return refuse(lowering, "a row's place");
    out->kind = column->is_system ? EXPRESSION_SYSTEM : EXPRESSION_COLUMN;
    out->index = column->is_system ? (uint32_t)column->system : bound->index;
    return OK;
}

static Status lower_excluded(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    (void)lowering;
    (void)error;
    out->kind = EXPRESSION_EXCLUDED;
    out->index = bound->index;
    return OK;
}

/* ---- calls ---- */

static Status set_function(Lowering *lowering, const char *symbol, Expression *out)
{
    const FunctionImplementation *function = function_describe(slice_of_text(symbol));
    if (function == NULL)
        return refuse(lowering, symbol);
    out->kind = EXPRESSION_CALL;
    out->function = function->function;
    out->name = function->symbol;
    out->is_strict = function->is_strict;
    out->is_volatile = function->is_volatile;
    return OK;
}

static Status lower_call(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    const CatalogueFunction *function = bound->as.function;
    bool is_named_zone = function->writer == WRITE_ZONE && zone_is_named(bound->children[0]);
    if (function->kind == FUNCTION_SET || function->symbol == NULL || is_named_zone)
        return refuse(lowering, function->name);
    TRY(set_function(lowering, function->symbol, out));
    TRY(lower_children(lowering, bound, out, error));
    out->name = function->name;
    return OK;
}

static Status lower_cast(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    uint8_t from = bound->children[0]->type.kind;
    if (from == TYPE_RECORD || from == TYPE_UNKNOWN)
        return refuse(lowering, "a cast of a row");
    out->kind = EXPRESSION_CAST;
    out->index = (uint32_t)bound->cast_context;
    return lower_children(lowering, bound, out, error);
}

static Status lower_symbol(Lowering *lowering, const Bound *bound, const char *symbol,
                           Expression *out, Error *error)
{
    TRY(set_function(lowering, symbol, out));
    return lower_children(lowering, bound, out, error);
}

static Status lower_extreme(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    bool greatest = bound->kind == BOUND_GREATEST;
    return lower_symbol(lowering, bound, greatest ? "any_greatest" : "any_least", out, error);
}

static Status lower_nullif(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    return lower_symbol(lowering, bound, "any_nullif", out, error);
}

static Status lower_subscript(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    return lower_symbol(lowering, bound, "array_get", out, error);
}

static Status lower_slice(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    return lower_symbol(lowering, bound, "array_slice", out, error);
}

/* = ANY and <> ALL of an array have functions of their own. */
static Status lower_quantified(Lowering *lowering, const Bound *bound, Expression *out,
                               Error *error)
{
    const Bound *test = bound->as.test;
    bool is_plain = test->kind == BOUND_COMPARE && test->children[0]->kind == BOUND_OPERAND &&
                    test->children[1]->kind == BOUND_OPERAND;
    if (is_plain && test->index == COMPARE_EQUAL && !bound->is_all)
        return lower_symbol(lowering, bound, "array_any_equal", out, error);
    if (is_plain && test->index == COMPARE_NOT_EQUAL && bound->is_all)
        return lower_symbol(lowering, bound, "array_all_not_equal", out, error);
    return refuse(lowering, "a comparison with ANY or ALL");
}

/* ---- the rest has nodes of its own ---- */

static Status lower_plain(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    static const ExpressionKind KINDS[] = {
        [BOUND_AND] = EXPRESSION_AND,         [BOUND_OR] = EXPRESSION_OR,
        [BOUND_NOT] = EXPRESSION_NOT,         [BOUND_IS_NULL] = EXPRESSION_IS_NULL,
        [BOUND_IS_TRUE] = EXPRESSION_IS_TRUE, [BOUND_IS_DISTINCT] = EXPRESSION_IS_DISTINCT,
        [BOUND_COMPARE] = EXPRESSION_COMPARE, [BOUND_IN] = EXPRESSION_IN,
        [BOUND_CASE] = EXPRESSION_CASE,       [BOUND_COALESCE] = EXPRESSION_COALESCE,
        [BOUND_ARRAY] = EXPRESSION_ARRAY,
    };
    out->kind = KINDS[bound->kind];
    out->index = bound->index;
    out->negated = bound->negated;
    return lower_children(lowering, bound, out, error);
}

static Status lower_subquery(Lowering *lowering, const Bound *bound, Expression *out, Error *error)
{
    (void)bound;
    (void)out;
    (void)error;
    return refuse(lowering, "a subquery");
}

static const Lower LOWERS[] = {
    [BOUND_CONSTANT] = lower_constant,
    [BOUND_PARAMETER] = lower_parameter,
    [BOUND_COLUMN] = lower_column,
    [BOUND_EXCLUDED] = lower_excluded,
    [BOUND_CALL] = lower_call,
    [BOUND_CAST] = lower_cast,
    [BOUND_AND] = lower_plain,
    [BOUND_OR] = lower_plain,
    [BOUND_NOT] = lower_plain,
    [BOUND_IS_NULL] = lower_plain,
    [BOUND_IS_TRUE] = lower_plain,
    [BOUND_IS_DISTINCT] = lower_plain,
    [BOUND_COMPARE] = lower_plain,
    [BOUND_IN] = lower_plain,
    [BOUND_QUANTIFIED] = lower_quantified,
    [BOUND_CASE] = lower_plain,
    [BOUND_COALESCE] = lower_plain,
    [BOUND_GREATEST] = lower_extreme,
    [BOUND_LEAST] = lower_extreme,
    [BOUND_NULLIF] = lower_nullif,
    [BOUND_ARRAY] = lower_plain,
    [BOUND_ROW] = NULL,
    [BOUND_SUBSCRIPT] = lower_subscript,
    [BOUND_SLICE] = lower_slice,
    [BOUND_SUBQUERY] = lower_subquery,
    [BOUND_OPERAND] = NULL,
};

/* The evaluator's values compare JSONB by its bytes, in which 1.0 is not 1.00. The operators of
 * JSONB are functions, which know better. */
static bool compares_json(const Bound *bound)
{
    switch (bound->kind) {
    case BOUND_IS_DISTINCT:
    case BOUND_COMPARE:
    case BOUND_IN:
    case BOUND_GREATEST:
    case BOUND_LEAST:
    case BOUND_NULLIF:
        return bound->child_count > 0 && bound->children[0]->type.kind == TYPE_JSONB;
    default:
        return false;
    }
}

static Status lower(Lowering *lowering, const Bound *bound, Expression **out, Error *error)
{
    Lower by_kind =
        (size_t)bound->kind < sizeof LOWERS / sizeof LOWERS[0] ? LOWERS[bound->kind] : NULL;
    if (compares_json(bound))
        return refuse(lowering, "a comparison of jsonb");
    if (by_kind == NULL)
        return refuse(lowering, bound->kind == BOUND_ROW ? "a row" : "an aggregate");
    Expression *expression = ARENA_NEW(lowering->arena, Expression);
    if (expression == NULL)
        return arena_error(lowering->arena, error);
    expression->type = bound->type;
    expression->position_byte = bound->position_byte;
    *out = expression;
    return by_kind(lowering, bound, expression, error);
}

Status lower_expression(Arena *arena, const Bound *bound, const Relation *relation,
                        const Expression **out, const char **why, Error *error)
{
    Lowering lowering = {.arena = arena, .relation = relation};
    Expression *expression = NULL;
    TRY(lower(&lowering, bound, &expression, error));
    *out = lowering.why == NULL ? expression : NULL;
    if (why != NULL)
        *why = lowering.why;
    return OK;
}
