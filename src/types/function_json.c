/* JSON and JSONB: reading parts, and asking about them. A JSONB value's text is normalised, so that
 * its parts are as they stand in it. */
#include "types/function_int.h"
#include "types/json_int.h"

static Status parse_argument(EvaluationContext *context, const Value *arguments, uint32_t i,
                             JsonValue **out, Error *error)
{
    return json_parse(context->arena, arguments[i].as.bytes, out, error);
}

/* ---- parts ---- */

/* NULL where there is no such part. */
static Status as_json(const JsonValue *part, TypeKind kind, Value *result)
{
    if (part != NULL)
        *result = value_bytes(kind, part->raw);
    return OK;
}

/* JSON's null is NULL, a string is its text, the rest its JSON. */
static Status as_text(const JsonValue *part, Value *result)
{
    if (part != NULL && part->kind != JSON_NULL)
        *result = value_text(part->kind == JSON_STRING ? part->text : part->raw);
    return OK;
}

/* One step of a path: a key of an object, or an index into an array. */
static const JsonValue *step(const JsonValue *at, const Value *path)
{
    int64_t index;
    if (path->is_null)
        return NULL;
    if (at->kind == JSON_OBJECT)
        return json_find_member(at, path->as.bytes);
    if (at->kind != JSON_ARRAY || !slice_to_int64(slice_trim(path->as.bytes), &index) ||
        index > INT32_MAX || index < INT32_MIN)
        return NULL;
    return json_find_element(at, index);
}

static Status follow_path(EvaluationContext *context, const Value *arguments, const JsonValue **out,
                          Error *error)
{
    JsonValue *json;
    const ArrayValue *path = arguments[1].as.array;
    TRY(parse_argument(context, arguments, 0, &json, error));
    *out = json;
    for (uint32_t i = 0; i < path->count && *out != NULL; i++)
        *out = step(*out, &path->elements[i]);
    return OK;
}

/* PostgreSQL keeps a scalar JSONB as an array of one, and here it shows. */
static const JsonValue *element_at(const JsonValue *json, int64_t index, TypeKind kind)
{
    bool is_scalar = json->kind != JSON_ARRAY && json->kind != JSON_OBJECT;
    if (kind == TYPE_JSONB && is_scalar)
        return index == 0 || index == -1 ? json : NULL;
    return json_find_element(json, index);
}

#define JSON_PART_FUNCTIONS(type, kind)                                                \
    FUNCTION(type##_get_field)                                                         \
    {                                                                                  \
        JsonValue *json;                                                               \
        TRY(parse_argument(context, arguments, 0, &json, error));                      \
        return as_json(json_find_member(json, arguments[1].as.bytes), kind, result);   \
    }                                                                                  \
    FUNCTION(type##_get_field_text)                                                    \
    {                                                                                  \
        JsonValue *json;                                                               \
        TRY(parse_argument(context, arguments, 0, &json, error));                      \
        return as_text(json_find_member(json, arguments[1].as.bytes), result);         \
    }                                                                                  \
    FUNCTION(type##_get_element)                                                       \
    {                                                                                  \
        JsonValue *json;                                                               \
        TRY(parse_argument(context, arguments, 0, &json, error));                      \
        return as_json(element_at(json, arguments[1].as.integer, kind), kind, result); \
    }                                                                                  \
    FUNCTION(type##_get_element_text)                                                  \
    {                                                                                  \
        JsonValue *json;                                                               \
        TRY(parse_argument(context, arguments, 0, &json, error));                      \
        return as_text(element_at(json, arguments[1].as.integer, kind), result);       \
    }                                                                                  \
    FUNCTION(type##_get_path)                                                          \
    {                                                                                  \
        const JsonValue *part;                                                         \
        TRY(follow_path(context, arguments, &part, error));                            \
        return as_json(part, kind, result);                                            \
    }                                                                                  \
    FUNCTION(type##_get_path_text)                                                     \
    {                                                                                  \
        const JsonValue *part;                                                         \
        TRY(follow_path(context, arguments, &part, error));                            \
        return as_text(part, result);                                                  \
    }                                                                                  \
    FUNCTION(type##_typeof)                                                            \
    {                                                                                  \
        return kind_name(context, arguments, result, error);                           \
    }                                                                                  \
    FUNCTION(type##_array_length)                                                      \
    {                                                                                  \
        return array_length(context, arguments, result, error);                        \
    }

static Status kind_name(EvaluationContext *context, const Value *arguments, Value *result,
                        Error *error)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",     [JSON_BOOLEAN] = "boolean", [JSON_NUMBER] = "number",
        [JSON_STRING] = "string", [JSON_ARRAY] = "array",     [JSON_OBJECT] = "object"};
    JsonValue *json;
    TRY(parse_argument(context, arguments, 0, &json, error));
    *result = value_text(slice_of_text(names[json->kind]));
    return OK;
}

static Status array_length(EvaluationContext *context, const Value *arguments, Value *result,
                           Error *error)
{
    JsonValue *json;
    TRY(parse_argument(context, arguments, 0, &json, error));
    if (json->kind != JSON_ARRAY)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         json->kind == JSON_OBJECT ? "cannot get array length of a non-array"
                                                   : "cannot get array length of a scalar");
    *result = value_integer(TYPE_INTEGER, json->count);
    return OK;
}

JSON_PART_FUNCTIONS(json, TYPE_JSON)
JSON_PART_FUNCTIONS(jsonb, TYPE_JSONB)

/* ---- comparing ---- */

static Status compare(EvaluationContext *context, const Value *arguments, int *out, Error *error)
{
    JsonValue *a;
    JsonValue *b;
    TRY(parse_argument(context, arguments, 0, &a, error));
    TRY(parse_argument(context, arguments, 1, &b, error));
    *out = json_compare(a, b);
    return OK;
}

#define JSONB_COMPARISON(name, condition)                \
    FUNCTION(jsonb_##name)                               \
    {                                                    \
        int order;                                       \
        TRY(compare(context, arguments, &order, error)); \
        *result = value_boolean(condition);              \
        return OK;                                       \
    }

JSONB_COMPARISON(equal, order == 0)
JSONB_COMPARISON(not_equal, order != 0)
JSONB_COMPARISON(less, order < 0)
JSONB_COMPARISON(less_or_equal, order <= 0)
JSONB_COMPARISON(greater, order > 0)
JSONB_COMPARISON(greater_or_equal, order >= 0)

static Status contains(EvaluationContext *context, const Value *arguments, uint32_t outer,
                       Value *result, Error *error)
{
    JsonValue *a;
    JsonValue *b;
    TRY(parse_argument(context, arguments, outer, &a, error));
    TRY(parse_argument(context, arguments, 1 - outer, &b, error));
    *result = value_boolean(json_contains(a, b));
    return OK;
}

FUNCTION(jsonb_contains)
{
    return contains(context, arguments, 0, result, error);
}

FUNCTION(jsonb_contained)
{
    return contains(context, arguments, 1, result, error);
}

/* ---- ?, ?|, ?& ---- */

static bool is_string(const JsonValue *value, Slice text)
{
    return value->kind == JSON_STRING && slice_equal(value->text, text);
}

/* A key of an object, a string of an array, or the string itself. */
static bool exists(const JsonValue *json, Slice key)
{
    if (json->kind != JSON_ARRAY)
        return json_find_member(json, key) != NULL || is_string(json, key);
    for (uint32_t i = 0; i < json->count; i++) {
        if (is_string(&json->children[i], key))
            return true;
    }
    return false;
}

FUNCTION(jsonb_exists)
{
    JsonValue *json;
    TRY(parse_argument(context, arguments, 0, &json, error));
    *result = value_boolean(exists(json, arguments[1].as.bytes));
    return OK;
}

/* NULL keys are left out. */
static Status count_existing(EvaluationContext *context, const Value *arguments, uint32_t *found,
                             uint32_t *asked, Error *error)
{
    JsonValue *json;
    const ArrayValue *keys = arguments[1].as.array;
    TRY(parse_argument(context, arguments, 0, &json, error));
    *found = 0;
    *asked = 0;
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->elements[i].is_null)
            continue;
        ++*asked;
        *found += exists(json, keys->elements[i].as.bytes);
    }
    return OK;
}

FUNCTION(jsonb_exists_any)
{
    uint32_t found;
    uint32_t asked;
    TRY(count_existing(context, arguments, &found, &asked, error));
    *result = value_boolean(found > 0);
    return OK;
}

FUNCTION(jsonb_exists_all)
{
    uint32_t found;
    uint32_t asked;
    TRY(count_existing(context, arguments, &found, &asked, error));
    *result = value_boolean(found == asked);
    return OK;
}
