/* Parts of JSON values, as arrays that are unnested. */
#include "base/json.h"
#include "worker/sql_functions_int.h"

enum { JSON_PARTS_DEPTH_MAX = 512 };

typedef enum PartKind {
    PART_RAW,  /* as it stands in the text */
    PART_TEXT, /* strings without quotes, null as NULL */
    PART_KEY,
} PartKind;

static Status read_json(EvaluationContext *context, const Value *argument, JsonValue **out,
                        Error *error)
{
    Status status = json_read(context->arena, argument->as.bytes, JSON_PARTS_DEPTH_MAX, out, error);
    if (status == STATUS_INVALID_JSON_TEXT)
        return error_set(error, STATUS_INVALID_TEXT_REPRESENTATION,
                         "invalid input syntax for type json");
    return status;
}

static Value part_of(const JsonValue *child, PartKind kind)
{
    if (kind == PART_KEY)
        return value_text(child->key);
    if (kind == PART_TEXT && child->kind == JSON_NULL)
        return value_null(TYPE_TEXT);
    return value_text(kind == PART_TEXT && child->kind == JSON_STRING ? child->text : child->raw);
}

static Status make_array(EvaluationContext *context, const JsonValue *json, PartKind kind,
                         Value *result, Error *error)
{
    ArrayValue *array = ARENA_NEW(context->arena, ArrayValue);
    Value *elements = ARENA_ARRAY(context->arena, Value, json->count);
    if (array == NULL || elements == NULL)
        return arena_error(context->arena, error);
    for (uint32_t i = 0; i < json->count; i++)
        elements[i] = part_of(&json->children[i], kind);
    *array = (ArrayValue){.count = json->count, .elements = elements};
    *result = (Value){.kind = TYPE_ARRAY, .as.array = array};
    return OK;
}

static Status parts_of_object(EvaluationContext *context, const Value *arguments, PartKind kind,
                              Value *result, Error *error)
{
    JsonValue *json;
    TRY(read_json(context, &arguments[0], &json, error));
    if (json->kind == JSON_ARRAY)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "cannot deconstruct an array as an object");
    if (json->kind != JSON_OBJECT)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "cannot deconstruct a scalar");
    return make_array(context, json, kind, result, error);
}

static Status parts_of_array(EvaluationContext *context, const Value *arguments, PartKind kind,
                             Value *result, Error *error)
{
    JsonValue *json;
    TRY(read_json(context, &arguments[0], &json, error));
    if (json->kind == JSON_OBJECT)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "cannot extract elements from an object");
    if (json->kind != JSON_ARRAY)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "cannot extract elements from a scalar");
    return make_array(context, json, kind, result, error);
}

#define PARTS(name, function, kind)                                                        \
    static Status name(EvaluationContext *context, const Value *arguments, uint32_t count, \
                       Value *result, Error *error)                                        \
    {                                                                                      \
        (void)count;                                                                       \
        return function(context, arguments, kind, result, error);                          \
    }

PARTS(keys, parts_of_object, PART_KEY)
PARTS(values, parts_of_object, PART_RAW)
PARTS(texts, parts_of_object, PART_TEXT)
PARTS(elements, parts_of_array, PART_RAW)
PARTS(elements_text, parts_of_array, PART_TEXT)

/* A key of json_build_object and json_object_agg. */
static Status key(EvaluationContext *context, const Value *arguments, uint32_t count, Value *result,
                  Error *error)
{
    (void)context;
    (void)count;
    if (arguments[0].is_null)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "field name must not be null");
    *result = arguments[0];
    return OK;
}

static const SqlScalar scalars[] = {
    {"pg_json_keys", "json -> text[]", false, keys},
    {"pg_json_values", "json -> text[]", false, values},
    {"pg_json_texts", "json -> text[]", false, texts},
    {"pg_json_elements", "json -> text[]", false, elements},
    {"pg_json_elements_text", "json -> text[]", false, elements_text},
    {"pg_json_key", "text -> text", true, key},
};

const SqlTable sql_json = {scalars, sizeof scalars / sizeof *scalars};
