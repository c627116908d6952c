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

/* ---- JSONB that is equal ---- */

/* Where the string that begins at `at` ends; the text is JSON that we wrote. */
static size_t end_of_string(Slice text, size_t at)
{
    for (at++; at < text.size && text.data[at] != '"'; at++)
        at += text.data[at] == '\\';
    return at < text.size ? at + 1 : text.size;
}

static size_t end_of_number(Slice text, size_t at)
{
    while (at < text.size && text.data[at] != '\0' &&
           strchr("+-.0123456789eE", text.data[at]) != NULL)
        at++;
    return at;
}

/* Without the zeros behind a point that say nothing, and -0 as 0. */
static Slice plain_number(Slice number)
{
    if (slice_find(number, '.') < number.size && slice_find(number, 'e') == number.size &&
        slice_find(number, 'E') == number.size) {
        while (number.data[number.size - 1] == '0')
            number.size--;
        number.size -= number.data[number.size - 1] == '.';
    }
    return slice_equal_text(number, "-0") ? SLICE("0") : number;
}

/* The text with plain numbers: the same for values that are equal, as 1.0 and 1.00 are. */
static Status jsonb_key(EvaluationContext *context, const Value *arguments, uint32_t count,
                        Value *result, Error *error)
{
    Slice text = arguments[0].as.bytes;
    Buffer key;
    Slice kept;
    (void)count;
    buffer_open(&key, 0);
    for (size_t at = 0; at < text.size;) {
        uint8_t first = text.data[at];
        bool is_number = first == '-' || (first >= '0' && first <= '9');
        size_t end = first == '"' ? end_of_string(text, at)
                     : is_number  ? end_of_number(text, at)
                                  : at + 1;
        Slice token = slice_part(text, at, end - at);
        buffer_put_slice(&key, is_number ? plain_number(token) : token);
        at = end;
    }
    Status status = buffer_status(&key, error);
    if (status == OK)
        status = arena_clone(context->arena, buffer_slice(&key), &kept, error);
    if (status == OK)
        *result = value_text(kept);
    buffer_close(&key);
    return status;
}

static const SqlScalar scalars[] = {
    {"pg_json_keys", "json -> text[]", false, keys},
    {"pg_json_values", "json -> text[]", false, values},
    {"pg_json_texts", "json -> text[]", false, texts},
    {"pg_json_elements", "json -> text[]", false, elements},
    {"pg_json_elements_text", "json -> text[]", false, elements_text},
    {"pg_json_key", "text -> text", true, key},
    {"pg_jsonb_key", "jsonb -> text", false, jsonb_key},
};

const SqlTable sql_json = {scalars, sizeof scalars / sizeof *scalars};
