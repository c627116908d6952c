/* Arrays of one dimension; their subscripts begin at 1. */
#include "types/function_int.h"
#include "types/json_int.h"

static const ArrayValue *array_argument(const Value *arguments, uint32_t i)
{
    return arguments[i].as.array;
}

static Status integer_done(int64_t n, Value *result)
{
    *result = value_integer(TYPE_INTEGER, n);
    return OK;
}

/* ---- sizes ---- */

/* An empty array has no dimension, and no array here has a second one: NULL. */
static bool has_dimension(const Value *arguments)
{
    return arguments[1].as.integer == 1 && array_argument(arguments, 0)->count > 0;
}

FUNCTION(array_length)
{
    return has_dimension(arguments) ? integer_done(array_argument(arguments, 0)->count, result)
                                    : OK;
}

FUNCTION(array_upper)
{
    return has_dimension(arguments) ? integer_done(array_argument(arguments, 0)->count, result)
                                    : OK;
}

FUNCTION(array_lower)
{
    return has_dimension(arguments) ? integer_done(1, result) : OK;
}

FUNCTION(array_cardinality)
{
    return integer_done(array_argument(arguments, 0)->count, result);
}

FUNCTION(array_ndims)
{
    return array_argument(arguments, 0)->count > 0 ? integer_done(1, result) : OK;
}

FUNCTION(array_dims)
{
    uint32_t elements = array_argument(arguments, 0)->count;
    if (elements == 0)
        return OK;
    char *text = arena_format(context->arena, "[1:%u]", elements);
    if (text == NULL)
        return arena_error(context->arena, error);
    *result = value_text(slice_of_text(text));
    return OK;
}

/* ---- elements ---- */

FUNCTION(array_get)
{
    const ArrayValue *array = array_argument(arguments, 0);
    int64_t i = arguments[1].as.integer;
    if (i >= 1 && i <= array->count)
        *result = array->elements[i - 1];
    return OK;
}

static Status slice_array(EvaluationContext *context, const ArrayValue *array, int64_t from,
                          int64_t to, Value *result, Error *error)
{
    from = from < 1 ? 1 : from;
    to = to > array->count ? array->count : to;
    uint32_t size = to < from ? 0 : (uint32_t)(to - from + 1);
    return array_result(context, array->elements + (size == 0 ? 0 : from - 1), size, result, error);
}

/* a[from:to]; for a bound that was not written the binder gives 1, or INT32_MAX. */
FUNCTION(array_slice)
{
    return slice_array(context, array_argument(arguments, 0), arguments[1].as.integer,
                       arguments[2].as.integer, result, error);
}

FUNCTION(array_trim)
{
    const ArrayValue *array = array_argument(arguments, 0);
    int64_t n = arguments[1].as.integer;
    if (n < 0 || n > array->count)
        return error_set(error, STATUS_ARRAY_SUBSCRIPT_ERROR,
                         "number of elements to trim must be between 0 and %u", array->count);
    return slice_array(context, array, 1, array->count - n, result, error);
}

/* ---- searching ---- */

static Status not_of_its_kind(Error *error)
{
    return error_set(error, STATUS_DATATYPE_MISMATCH, "values of different types");
}

/* Can a value stand beside every element? */
static bool fits(const ArrayValue *array, const Value *value)
{
    return array->count == 0 ||
           value_kinds_compare((TypeKind)array->elements[0].kind, (TypeKind)value->kind);
}

/* x = ANY (array), and with `wanted` false x <> ALL (array), whose answer is the opposite. */
static Status any_equal(const Value *arguments, bool wanted, Value *result, Error *error)
{
    const Value *value = &arguments[0];
    if (arguments[1].is_null)
        return OK;
    const ArrayValue *array = array_argument(arguments, 1);
    if (!fits(array, value))
        return not_of_its_kind(error);
    bool has_null = value->is_null && array->count > 0;
    for (uint32_t i = 0; i < array->count && !value->is_null; i++) {
        const Value *element = &array->elements[i];
        if (element->is_null) {
            has_null = true;
        } else if (value_compare(value, element) == 0) {
            *result = value_boolean(wanted);
            return OK;
        }
    }
    if (!has_null)
        *result = value_boolean(!wanted);
    return OK;
}

FUNCTION(array_any_equal)
{
    return any_equal(arguments, true, result, error);
}

FUNCTION(array_all_not_equal)
{
    return any_equal(arguments, false, result, error);
}

/* NULL elements equal nothing. */
static bool has_element(const ArrayValue *array, const Value *value)
{
    for (uint32_t i = 0; i < array->count && !value->is_null; i++) {
        if (!array->elements[i].is_null && value_compare(&array->elements[i], value) == 0)
            return true;
    }
    return false;
}

static Status check_arrays(const ArrayValue *a, const ArrayValue *b, Error *error)
{
    return a->count == 0 || b->count == 0 || fits(a, &b->elements[0]) ? OK : not_of_its_kind(error);
}

static bool contains_all(const ArrayValue *array, const ArrayValue *wanted)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (!has_element(array, &wanted->elements[i]))
            return false;
    }
    return true;
}

FUNCTION(array_contains)
{
    TRY(check_arrays(array_argument(arguments, 0), array_argument(arguments, 1), error));
    *result =
        value_boolean(contains_all(array_argument(arguments, 0), array_argument(arguments, 1)));
    return OK;
}

FUNCTION(array_contained)
{
    TRY(check_arrays(array_argument(arguments, 0), array_argument(arguments, 1), error));
    *result =
        value_boolean(contains_all(array_argument(arguments, 1), array_argument(arguments, 0)));
    return OK;
}

FUNCTION(array_overlaps)
{
    const ArrayValue *a = array_argument(arguments, 0);
    const ArrayValue *b = array_argument(arguments, 1);
    TRY(check_arrays(a, b, error));
    bool found = false;
    for (uint32_t i = 0; i < b->count && !found; i++)
        found = has_element(a, &b->elements[i]);
    *result = value_boolean(found);
    return OK;
}

static bool has_null_element(const ArrayValue *array)
{
    for (uint32_t i = 0; i < array->count; i++) {
        if (array->elements[i].is_null)
            return true;
    }
    return false;
}

FUNCTION(array_position)
{
    if (arguments[0].is_null)
        return OK;
    const ArrayValue *array = array_argument(arguments, 0);
    if (!fits(array, &arguments[1]))
        return not_of_its_kind(error);
    if (array->count == 0 || (arguments[1].is_null && !has_null_element(array)))
        return OK; /* found nowhere, wherever the search begins */
    if (count > 2 && arguments[2].is_null)
        return error_set(error, STATUS_NULL_VALUE_NOT_ALLOWED, "initial position must not be null");
    int64_t from = count > 2 ? arguments[2].as.integer : 1;
    for (int64_t i = from < 1 ? 1 : from; i <= array->count; i++) {
        if (value_is_same(&array->elements[i - 1], &arguments[1]))
            return integer_done(i, result);
    }
    return OK;
}

FUNCTION(array_positions)
{
    if (arguments[0].is_null)
        return OK;
    const ArrayValue *array = array_argument(arguments, 0);
    if (!fits(array, &arguments[1]))
        return not_of_its_kind(error);
    Value *places = ARENA_ARRAY(context->arena, Value, array->count);
    if (places == NULL)
        return arena_error(context->arena, error);
    uint32_t found = 0;
    for (uint32_t i = 0; i < array->count; i++) {
        if (value_is_same(&array->elements[i], &arguments[1]))
            places[found++] = value_integer(TYPE_INTEGER, i + 1);
    }
    return array_result(context, places, found, result, error);
}

/* ---- making arrays ---- */

static Status join(EvaluationContext *context, const ArrayValue *a, const ArrayValue *b,
                   Value *result, Error *error)
{
    uint32_t size;
    if (__builtin_add_overflow(a->count, b->count, &size))
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum");
    TRY(check_arrays(a, b, error));
    Value *elements = ARENA_ARRAY(context->arena, Value, size);
    if (elements == NULL)
        return arena_error(context->arena, error);
    if (a->count > 0)
        memcpy(elements, a->elements, a->count * sizeof *elements);
    if (b->count > 0)
        memcpy(elements + a->count, b->elements, b->count * sizeof *elements);
    return array_result(context, elements, size, result, error);
}

FUNCTION(array_concat)
{
    if (arguments[0].is_null || arguments[1].is_null) {
        *result = arguments[arguments[0].is_null];
        return OK;
    }
    return join(context, array_argument(arguments, 0), array_argument(arguments, 1), result, error);
}

static const ArrayValue no_elements = {0, NULL};

static const ArrayValue *array_or_nothing(const Value *value)
{
    return value->is_null ? &no_elements : value->as.array;
}

FUNCTION(array_append)
{
    const ArrayValue one = {1, &arguments[1]};
    return join(context, array_or_nothing(&arguments[0]), &one, result, error);
}

FUNCTION(array_prepend)
{
    const ArrayValue one = {1, &arguments[0]};
    return join(context, &one, array_or_nothing(&arguments[1]), result, error);
}

/* Elements that are `from` become `to`, or go where `to` is NULL. */
static Status replace(EvaluationContext *context, const Value *arguments, const Value *to,
                      Value *result, Error *error)
{
    if (arguments[0].is_null)
        return OK;
    const ArrayValue *array = array_argument(arguments, 0);
    if (!fits(array, &arguments[1]) || (to != NULL && !fits(array, to)))
        return not_of_its_kind(error);
    Value *elements = ARENA_ARRAY(context->arena, Value, array->count);
    if (elements == NULL)
        return arena_error(context->arena, error);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < array->count; i++) {
        bool is_it = value_is_same(&array->elements[i], &arguments[1]);
        if (!is_it || to != NULL)
            elements[kept++] = is_it ? *to : array->elements[i];
    }
    return array_result(context, elements, kept, result, error);
}

FUNCTION(array_remove)
{
    return replace(context, arguments, NULL, result, error);
}

FUNCTION(array_replace)
{
    return replace(context, arguments, &arguments[2], result, error);
}

/* The number of thresholds, which grow, that do not pass the value. */
FUNCTION(array_width_bucket)
{
    const ArrayValue *thresholds = array_argument(arguments, 1);
    if (!fits(thresholds, &arguments[0]))
        return not_of_its_kind(error);
    for (uint32_t i = 0; i < thresholds->count; i++) {
        if (thresholds->elements[i].is_null)
            return error_set(error, STATUS_NULL_VALUE_NOT_ALLOWED,
                             "thresholds array must not contain NULLs");
    }
    uint32_t low = 0;
    uint32_t high = thresholds->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (value_compare(&arguments[0], &thresholds->elements[middle]) < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return integer_done(low, result);
}

/* ---- arrays and text ---- */

static void put_texts(Buffer *out, const ArrayValue *array, Slice separator, const Value *null)
{
    bool is_first = true;
    for (uint32_t i = 0; i < array->count; i++) {
        const Value *element = &array->elements[i];
        if (element->is_null && null == NULL)
            continue;
        if (!is_first)
            buffer_put_slice(out, separator);
        is_first = false;
        if (element->is_null)
            buffer_put_slice(out, null->as.bytes);
        else
            value_put_text(out, type_of_value(element), element);
    }
}

FUNCTION(array_to_text)
{
    if (arguments[0].is_null || arguments[1].is_null)
        return OK;
    Buffer out;
    const Value *null = count > 2 && !arguments[2].is_null ? &arguments[2] : NULL;
    text_buffer_open(&out);
    put_texts(&out, array_argument(arguments, 0), arguments[1].as.bytes, null);
    return text_buffer_result(context, &out, TYPE_TEXT, result, error);
}

static void put_part(Buffer *parts, Slice part, const Value *null)
{
    bool is_null = null != NULL && slice_equal(part, null->as.bytes);
    Value value = is_null ? value_null(TYPE_TEXT) : value_text(part);
    buffer_put(parts, &value, sizeof value);
}

/* Without a separator every character is an element; with an empty one the text is the only one. */
static void split(Buffer *parts, Slice text, const Value *separator, const Value *null)
{
    if (separator->is_null) {
        for (size_t at = 0; at < text.size; at += text_step(text, at))
            put_part(parts, slice_part(text, at, text_step(text, at)), null);
        return;
    }
    Slice wanted = separator->as.bytes;
    size_t begin = 0;
    size_t found = wanted.size == 0 ? SIZE_MAX : text_find(text, wanted, 0);
    for (; found != SIZE_MAX && !parts->failed; found = text_find(text, wanted, begin)) {
        put_part(parts, slice_part(text, begin, found - begin), null);
        begin = found + wanted.size;
    }
    put_part(parts, slice_part(text, begin, text.size), null);
}

FUNCTION(text_to_array)
{
    if (arguments[0].is_null)
        return OK;
    Buffer parts;
    Slice bytes;
    const Value *null = count > 2 && !arguments[2].is_null ? &arguments[2] : NULL;
    text_buffer_open(&parts);
    if (arguments[0].as.bytes.size > 0)
        split(&parts, arguments[0].as.bytes, &arguments[1], null);
    uint32_t elements = (uint32_t)(parts.size / sizeof(Value));
    TRY(buffer_into_arena(&parts, context->arena, &bytes, error));
    return array_result(context, (const Value *)(const void *)bytes.data, elements, result, error);
}
