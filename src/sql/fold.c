#include "sql/fold.h"

#include "sql/lower.h"

static bool is_foldable(const Bound *bound)
{
    switch (bound->kind) {
    case BOUND_CALL:
        return bound->as.function->symbol != NULL &&
               !(bound->as.function->flags & (FUNCTION_VOLATILE | FUNCTION_STABLE)) &&
               bound->as.function->kind != FUNCTION_SET;
    case BOUND_CAST:
    case BOUND_NOT:
    case BOUND_IS_NULL:
    case BOUND_IS_TRUE:
    case BOUND_IS_DISTINCT:
    case BOUND_COMPARE:
    case BOUND_IN:
    case BOUND_COALESCE:
    case BOUND_GREATEST:
    case BOUND_LEAST:
    case BOUND_NULLIF:
    case BOUND_SUBSCRIPT:
        return bound->child_count > 0;
    default:
        return false;
    }
}

static bool has_constant_children(const Bound *bound)
{
    for (uint32_t i = 0; i < bound->child_count; i++) {
        const Bound *child = bound->children[i];
        if (child == NULL || child->kind != BOUND_CONSTANT || child->type.kind == TYPE_UNKNOWN)
            return false;
    }
    return true;
}

static Status evaluate(Binder *binder, const Expression *expression, bool *done, Value *out,
                       Error *error)
{
    EvaluationContext context = {.arena = binder->arena};
    Error unseen;
    Status status = expression_evaluate(expression, &context, out, &unseen);
    *done = status == OK;
    return status == STATUS_OUT_OF_MEMORY ? error_out_of_memory(error) : OK;
}

Status bound_fold(Binder *binder, Bound **place, Error *error)
{
    const Bound *bound = *place;
    const Expression *expression;
    Value value;
    bool done;
    if (binder->context->keep_constants || !is_foldable(bound) || !has_constant_children(bound))
        return OK;
    TRY(lower_expression(binder->arena, bound, NULL, &expression, NULL, error));
    if (expression == NULL)
        return OK;
    TRY(evaluate(binder, expression, &done, &value, error));
    if (!done)
        return OK;
    return bound_constant(binder, bound->type, value, bound_begin(bound), place, error);
}
