#include "types/expression.h"

#include "base/assert.h"
#include "types/expression_int.h"

enum { ARGUMENTS_ON_STACK = 4 };

/* One evaluation: its context, where errors go, and how deep it is. */
typedef struct Evaluator {
    EvaluationContext *context;
    Error *error;
    uint32_t depth;
} Evaluator;

static Status evaluate(Evaluator *evaluator, const Expression *node, Value *out);

static Status broken(Evaluator *evaluator, const char *what)
{
    return error_set(evaluator->error, STATUS_INTERNAL, "expression does not fit its row: %s",
                     what);
}

/* ---- leaves ---- */

static Status evaluate_column(Evaluator *evaluator, const Expression *node, Value *out)
{
    EvaluationContext *context = evaluator->context;
    bool excluded = node->kind == EXPRESSION_EXCLUDED;
    const RowLayout *layout = excluded ? context->excluded_layout : context->layout;
    Slice row = excluded ? context->excluded : context->row;
    if (layout == NULL || node->index >= layout->column_count || row.size < layout->fixed_size ||
        layout->types[node->index].kind != node->type.kind)
        return broken(evaluator, "a column");
    if (node->type.kind == TYPE_ARRAY)
        return row_get_in(layout, row, node->index, context->arena, out, evaluator->error);
    row_get(layout, row, node->index, out);
    return OK;
}

static Status evaluate_parameter(Evaluator *evaluator, const Expression *node, Value *out)
{
    const EvaluationContext *context = evaluator->context;
    if (node->index >= context->parameter_count)
        return error_set(evaluator->error, STATUS_UNDEFINED_PARAMETER, "there is no parameter $%u",
                         node->index + 1);
    const Value *value = &context->parameters[node->index];
    if (!value->is_null && value->kind != node->type.kind)
        return broken(evaluator, "a parameter");
    *out = *value;
    out->kind = node->type.kind;
    return OK;
}

static Status evaluate_system(Evaluator *evaluator, const Expression *node, Value *out)
{
    const EvaluationContext *context = evaluator->context;
    switch ((SystemColumn)node->index) {
    case SYSTEM_SEQ:
        *out = value_integer(TYPE_BIGINT, context->seq);
        return OK;
    case SYSTEM_UPDATED:
        *out = value_integer(TYPE_TIMESTAMPTZ, context->updated_us);
        return OK;
    case SYSTEM_USER:
        *out = value_text(context->owner);
        return OK;
    case SYSTEM_DELETED:
        *out = value_boolean(false); /* only rows that are there are evaluated */
        return OK;
    }
    return broken(evaluator, "a system column");
}

/* ---- logic of three values ---- */

/* AND stops at the first false, OR at the first true. */
static Status evaluate_junction(Evaluator *evaluator, const Expression *node, Value *out)
{
    bool stop = node->kind == EXPRESSION_OR;
    bool has_null = false;
    for (uint32_t i = 0; i < node->child_count; i++) {
        Value value;
        TRY(evaluate(evaluator, node->children[i], &value));
        if (!value.is_null && value.as.boolean == stop) {
            *out = value_boolean(stop);
            return OK;
        }
        has_null = has_null || value.is_null;
    }
    *out = has_null ? value_null(TYPE_BOOLEAN) : value_boolean(!stop);
    return OK;
}

static Status evaluate_not(Evaluator *evaluator, const Expression *node, Value *out)
{
    TRY(evaluate(evaluator, node->children[0], out));
    if (!out->is_null)
        out->as.boolean = !out->as.boolean;
    return OK;
}

static Status evaluate_is_null(Evaluator *evaluator, const Expression *node, Value *out)
{
    Value value;
    TRY(evaluate(evaluator, node->children[0], &value));
    *out = value_boolean(value.is_null != node->negated);
    return OK;
}

static Status evaluate_is_true(Evaluator *evaluator, const Expression *node, Value *out)
{
    Value value;
    TRY(evaluate(evaluator, node->children[0], &value));
    bool is_it =
        node->index == 2 ? value.is_null : !value.is_null && value.as.boolean == (node->index == 1);
    *out = value_boolean(is_it != node->negated);
    return OK;
}

/* ---- comparisons ---- */

static bool compares(int order, CompareOperator comparison)
{
    switch (comparison) {
    case COMPARE_EQUAL:
        return order == 0;
    case COMPARE_NOT_EQUAL:
        return order != 0;
    case COMPARE_LESS:
        return order < 0;
    case COMPARE_LESS_OR_EQUAL:
        return order <= 0;
    case COMPARE_GREATER:
        return order > 0;
    case COMPARE_GREATER_OR_EQUAL:
        return order >= 0;
    }
    return false;
}

static Status evaluate_compare(Evaluator *evaluator, const Expression *node, Value *out)
{
    Value left;
    Value right;
    TRY(evaluate(evaluator, node->children[0], &left));
    TRY(evaluate(evaluator, node->children[1], &right));
    if (left.is_null || right.is_null)
        *out = value_null(TYPE_BOOLEAN);
    else
        *out = value_boolean(compares(value_compare(&left, &right), (CompareOperator)node->index));
    return OK;
}

static Status evaluate_is_distinct(Evaluator *evaluator, const Expression *node, Value *out)
{
    Value left;
    Value right;
    TRY(evaluate(evaluator, node->children[0], &left));
    TRY(evaluate(evaluator, node->children[1], &right));
    *out = value_boolean(value_is_same(&left, &right) == node->negated);
    return OK;
}

static Status evaluate_in(Evaluator *evaluator, const Expression *node, Value *out)
{
    Value needle;
    TRY(evaluate(evaluator, node->children[0], &needle));
    bool has_null = needle.is_null;
    for (uint32_t i = 1; i < node->child_count && !needle.is_null; i++) {
        Value value;
        TRY(evaluate(evaluator, node->children[i], &value));
        if (!value.is_null && value_compare(&needle, &value) == 0) {
            *out = value_boolean(!node->negated);
            return OK;
        }
        has_null = has_null || value.is_null;
    }
    *out = has_null ? value_null(TYPE_BOOLEAN) : value_boolean(node->negated);
    return OK;
}

/* ---- choices ---- */

static Status evaluate_case(Evaluator *evaluator, const Expression *node, Value *out)
{
    uint32_t i = 0;
    for (; i + 1 < node->child_count; i += 2) {
        Value when;
        TRY(evaluate(evaluator, node->children[i], &when));
        if (!when.is_null && when.as.boolean)
            return evaluate(evaluator, node->children[i + 1], out);
    }
    if (i < node->child_count)
        return evaluate(evaluator, node->children[i], out);
    *out = value_null((TypeKind)node->type.kind);
    return OK;
}

static Status evaluate_coalesce(Evaluator *evaluator, const Expression *node, Value *out)
{
    *out = value_null((TypeKind)node->type.kind);
    for (uint32_t i = 0; i < node->child_count && out->is_null; i++)
        TRY(evaluate(evaluator, node->children[i], out));
    return OK;
}

/* ---- calls, casts, arrays ---- */

static Status evaluate_cast(Evaluator *evaluator, const Expression *node, Value *out)
{
    EvaluationContext *context = evaluator->context;
    Value value;
    TRY(evaluate(evaluator, node->children[0], &value));
    int64_t now_us = context->now_us == 0 ? VALUE_NO_CLOCK : context->now_us;
    return value_cast_at(context->arena, &value, node->children[0]->type, node->type,
                         (enum CastContext)node->index, now_us, out, evaluator->error);
}

/* All children; *has_null where one of them is NULL (and then not all may have been computed). */
static Status evaluate_arguments(Evaluator *evaluator, const Expression *node, Value *arguments,
                                 bool *has_null)
{
    *has_null = false;
    for (uint32_t i = 0; i < node->child_count; i++) {
        TRY(evaluate(evaluator, node->children[i], &arguments[i]));
        *has_null = *has_null || arguments[i].is_null;
    }
    return OK;
}

/* A text serves as any kind of text. */
static bool is_result_of(const Value *value, Type type)
{
    return value->kind == type.kind ||
           (type_is_text(TYPE_OF_KIND(value->kind)) && type_is_text(type));
}

static Status call(Evaluator *evaluator, const Expression *node, Value *arguments, Value *out)
{
    bool has_null;
    TRY(evaluate_arguments(evaluator, node, arguments, &has_null));
    if (has_null && node->is_strict) {
        *out = value_null((TypeKind)node->type.kind);
        return OK;
    }
    Value result = value_null((TypeKind)node->type.kind);
    TRY(node->function(evaluator->context, arguments, node->child_count, &result,
                       evaluator->error));
    if (!result.is_null && !is_result_of(&result, node->type))
        return broken(evaluator, "a function's result");
    *out = result;
    out->kind = node->type.kind;
    return OK;
}

static Status evaluate_call(Evaluator *evaluator, const Expression *node, Value *out)
{
    Value on_stack[ARGUMENTS_ON_STACK];
    if (node->child_count <= ARGUMENTS_ON_STACK)
        return call(evaluator, node, on_stack, out);
    Value *arguments = ARENA_ARRAY(evaluator->context->arena, Value, node->child_count);
    if (arguments == NULL)
        return arena_error(evaluator->context->arena, evaluator->error);
    return call(evaluator, node, arguments, out);
}

static Status evaluate_array(Evaluator *evaluator, const Expression *node, Value *out)
{
    Arena *arena = evaluator->context->arena;
    Value *elements = ARENA_ARRAY(arena, Value, node->child_count);
    ArrayValue *array = ARENA_NEW(arena, ArrayValue);
    if (elements == NULL || array == NULL)
        return arena_error(arena, evaluator->error);
    bool has_null;
    TRY(evaluate_arguments(evaluator, node, elements, &has_null));
    *array = (ArrayValue){node->child_count, elements};
    *out = (Value){.kind = TYPE_ARRAY};
    out->as.array = array;
    return OK;
}

/* ---- dispatch ---- */

static Status evaluate_kind(Evaluator *evaluator, const Expression *node, Value *out)
{
    switch (node->kind) {
    case EXPRESSION_CONSTANT:
        *out = node->constant;
        return OK;
    case EXPRESSION_PARAMETER:
        return evaluate_parameter(evaluator, node, out);
    case EXPRESSION_COLUMN:
    case EXPRESSION_EXCLUDED:
        return evaluate_column(evaluator, node, out);
    case EXPRESSION_SYSTEM:
        return evaluate_system(evaluator, node, out);
    case EXPRESSION_CALL:
        return evaluate_call(evaluator, node, out);
    case EXPRESSION_CAST:
        return evaluate_cast(evaluator, node, out);
    case EXPRESSION_AND:
    case EXPRESSION_OR:
        return evaluate_junction(evaluator, node, out);
    case EXPRESSION_NOT:
        return evaluate_not(evaluator, node, out);
    case EXPRESSION_IS_NULL:
        return evaluate_is_null(evaluator, node, out);
    case EXPRESSION_IS_TRUE:
        return evaluate_is_true(evaluator, node, out);
    case EXPRESSION_IS_DISTINCT:
        return evaluate_is_distinct(evaluator, node, out);
    case EXPRESSION_COMPARE:
        return evaluate_compare(evaluator, node, out);
    case EXPRESSION_IN:
        return evaluate_in(evaluator, node, out);
    case EXPRESSION_CASE:
        return evaluate_case(evaluator, node, out);
    case EXPRESSION_COALESCE:
        return evaluate_coalesce(evaluator, node, out);
    case EXPRESSION_ARRAY:
        return evaluate_array(evaluator, node, out);
    }
    return broken(evaluator, "an unknown node");
}

/* The innermost node that failed is the one whose place the error tells. */
static Status evaluate(Evaluator *evaluator, const Expression *node, Value *out)
{
    if (evaluator->depth >= EXPRESSION_DEPTH_MAX)
        return expression_too_deep(evaluator->error);
    evaluator->depth++;
    Status status = evaluate_kind(evaluator, node, out);
    evaluator->depth--;
    if (status != OK && evaluator->error->position_byte < 0)
        evaluator->error->position_byte = node->position_byte;
    return status;
}

Status expression_too_deep(Error *error)
{
    return error_set(error, STATUS_STATEMENT_TOO_COMPLEX, "expression nests deeper than %d levels",
                     EXPRESSION_DEPTH_MAX);
}

Status expression_evaluate(const Expression *expression, EvaluationContext *context, Value *out,
                           Error *error)
{
    Evaluator evaluator = {.context = context, .error = error};
    if (expression->kind == EXPRESSION_PARAMETER) /* by far the most frequent: rows of VALUES */
        return evaluate_parameter(&evaluator, expression, out);
    Value value;
    TRY(evaluate(&evaluator, expression, &value));
    *out = value;
    return OK;
}

Status expression_is_true(const Expression *filter, EvaluationContext *context, bool *out,
                          Error *error)
{
    Value value;
    TRY(expression_evaluate(filter, context, &value, error));
    *out = !value.is_null && value.as.boolean;
    return OK;
}

Status expression_passes(const Expression *check, EvaluationContext *context, bool *out,
                         Error *error)
{
    Value value;
    TRY(expression_evaluate(check, context, &value, error));
    *out = value.is_null || value.as.boolean;
    return OK;
}
