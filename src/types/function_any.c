/* Functions that take any kind: choices, and texts made of everything. */
#include "types/function_int.h"

/* ---- choices ---- */

static Status not_comparable(Error *error)
{
    return error_set(error, STATUS_DATATYPE_MISMATCH, "values of different types");
}

/* NULLs do not count; of equal values the first stays. */
static Status choose(const Value *arguments, uint32_t count, int wanted, Value *result,
                     Error *error)
{
    const Value *best = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const Value *value = &arguments[i];
        if (value->is_null)
            continue;
        if (best != NULL && !value_kinds_compare((TypeKind)best->kind, (TypeKind)value->kind))
            return not_comparable(error);
        if (best == NULL || value_compare(value, best) * wanted > 0)
            best = value;
    }
    if (best != NULL)
        *result = *best;
    return OK;
}

FUNCTION(any_greatest)
{
    return choose(arguments, count, 1, result, error);
}

FUNCTION(any_least)
{
    return choose(arguments, count, -1, result, error);
}

FUNCTION(any_nullif)
{
    const Value *a = &arguments[0];
    const Value *b = &arguments[1];
    if (a->is_null)
        return OK;
    if (!b->is_null) {
        if (!value_kinds_compare((TypeKind)a->kind, (TypeKind)b->kind))
            return not_comparable(error);
        if (value_compare(a, b) == 0)
            return OK;
    }
    *result = *a;
    return OK;
}

static uint32_t count_nulls(const Value *arguments, uint32_t count)
{
    uint32_t nulls = 0;
    for (uint32_t i = 0; i < count; i++)
        nulls += arguments[i].is_null;
    return nulls;
}

FUNCTION(any_num_nulls)
{
    *result = value_integer(TYPE_INTEGER, count_nulls(arguments, count));
    return OK;
}

FUNCTION(any_num_nonnulls)
{
    *result = value_integer(TYPE_INTEGER, count - count_nulls(arguments, count));
    return OK;
}

/* ---- concat ---- */

static void put_any(Buffer *out, const Value *value)
{
    value_put_text(out, type_of_value(value), value);
}

FUNCTION(concat)
{
    Buffer text;
    text_buffer_open(&text);
    for (uint32_t i = 0; i < count; i++)
        put_any(&text, &arguments[i]);
    return text_buffer_result(context, &text, TYPE_TEXT, result, error);
}

FUNCTION(concat_ws)
{
    if (arguments[0].is_null)
        return OK;
    Buffer text;
    bool is_first = true;
    text_buffer_open(&text);
    for (uint32_t i = 1; i < count; i++) {
        if (arguments[i].is_null)
            continue;
        if (!is_first)
            buffer_put_slice(&text, arguments[0].as.bytes);
        is_first = false;
        put_any(&text, &arguments[i]);
    }
    return text_buffer_result(context, &text, TYPE_TEXT, result, error);
}

/* ---- OVERLAPS ---- */

/* A period by two ends (or an end and an interval, which the binder adds), in either order; false
 * where it has no known end at all. */
static bool take_period(const Value *a, const Value *b, const Value **begin, const Value **end)
{
    if (a->is_null) {
        const Value *swap = a;
        a = b;
        b = swap;
    }
    if (!a->is_null && !b->is_null && value_compare(a, b) > 0) {
        *begin = b;
        *end = a;
    } else {
        *begin = a;
        *end = b;
    }
    return !a->is_null;
}

/* The later beginning against the other period's end. */
static void compare_end(const Value *later, const Value *other_end, const Value *own_end,
                        Value *result)
{
    if (other_end->is_null)
        return;
    if (value_compare(later, other_end) < 0)
        *result = value_boolean(true);
    else if (!own_end->is_null)
        *result = value_boolean(false);
}

FUNCTION(overlaps)
{
    const Value *a;
    const Value *a_end;
    const Value *b;
    const Value *b_end;
    for (uint32_t i = 1; i < count; i++) {
        if (!value_kinds_compare((TypeKind)arguments[0].kind, (TypeKind)arguments[i].kind))
            return not_comparable(error);
    }
    if (!take_period(&arguments[0], &arguments[1], &a, &a_end) ||
        !take_period(&arguments[2], &arguments[3], &b, &b_end))
        return OK;
    int order = value_compare(a, b);
    if (order > 0)
        compare_end(a, b_end, a_end, result);
    else if (order < 0)
        compare_end(b, a_end, b_end, result);
    else if (!a_end->is_null && !b_end->is_null)
        *result = value_boolean(true);
    return OK;
}

FUNCTION(current_user)
{
    *result = value_text(context->current_user);
    return OK;
}
