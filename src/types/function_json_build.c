/* JSON and JSONB from values. */
#include "types/function_int.h"
#include "types/json_int.h"

/* Text that was written as JSON, as a value of either kind. */
static Status finish(EvaluationContext *context, Buffer *text, TypeKind kind, Value *result,
                     Error *error)
{
    TRY(text_buffer_result(context, text, TYPE_JSON, result, error));
    if (kind == TYPE_JSON)
        return OK;
    return jsonb_from_text(context->arena, result->as.bytes, result, error);
}

static Status to_json(EvaluationContext *context, const Value *value, TypeKind kind, Value *result,
                      Error *error)
{
    Buffer text;
    text_buffer_open(&text);
    json_put_value(&text, type_of_value(value), value);
    return finish(context, &text, kind, result, error);
}

/* ---- objects ---- */

static Status check_key(const Value *key, uint32_t i, TypeKind kind, Error *error)
{
    if (key->is_null) {
        if (kind == TYPE_JSONB)
            return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                             "argument %u: key must not be null", i + 1);
        Status status =
            error_set(error, STATUS_INVALID_PARAMETER_VALUE, "argument %u cannot be null", i + 1);
        error_set_hint(error, "Object keys should be text.");
        return status;
    }
    if (key->kind == TYPE_ARRAY || key->kind == TYPE_RECORD || key->kind == TYPE_JSON ||
        key->kind == TYPE_JSONB)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "key value must be scalar, not array, composite, or json");
    return OK;
}

/* Numbers and booleans get quotes. */
static void put_key(Buffer *out, const Value *key)
{
    bool is_bare = type_is_number(TYPE_OF_KIND(key->kind)) || key->kind == TYPE_BOOLEAN;
    size_t begin = out->size;
    json_put_value(out, type_of_value(key), key);
    if (!is_bare || out->failed || out->data[begin] == '"')
        return;
    if (buffer_reserve(out, 2) == NULL)
        return;
    memmove(out->data + begin + 1, out->data + begin, out->size - begin);
    out->data[begin] = '"';
    out->size++;
    buffer_put_u8(out, '"');
}

static Status put_members(const Value *arguments, uint32_t count, TypeKind kind, Buffer *out,
                          Error *error)
{
    for (uint32_t i = 0; i + 1 < count; i += 2) {
        TRY(check_key(&arguments[i], i, kind, error));
        buffer_put_text(out, i > 0 ? ", " : "");
        put_key(out, &arguments[i]);
        buffer_put_text(out, " : ");
        json_put_value(out, type_of_value(&arguments[i + 1]), &arguments[i + 1]);
    }
    return OK;
}

static Status build_object(EvaluationContext *context, const Value *arguments, uint32_t count,
                           TypeKind kind, Value *result, Error *error)
{
    if (count % 2 != 0) {
        Status status = error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                                  "argument list must have even number of elements");
        error_set_hint(error, "The arguments of %s() must consist of alternating keys and values.",
                       kind == TYPE_JSON ? "json_build_object" : "jsonb_build_object");
        return status;
    }
    Buffer text;
    text_buffer_open(&text);
    buffer_put_u8(&text, '{');
    Status status = put_members(arguments, count, kind, &text, error);
    buffer_put_u8(&text, '}');
    if (status != OK) {
        buffer_close(&text);
        return status;
    }
    return finish(context, &text, kind, result, error);
}

/* ---- arrays ---- */

static Status build_array(EvaluationContext *context, const Value *arguments, uint32_t count,
                          TypeKind kind, Value *result, Error *error)
{
    Buffer text;
    text_buffer_open(&text);
    buffer_put_u8(&text, '[');
    for (uint32_t i = 0; i < count; i++) {
        buffer_put_text(&text, i > 0 ? ", " : "");
        json_put_value(&text, type_of_value(&arguments[i]), &arguments[i]);
    }
    buffer_put_u8(&text, ']');
    return finish(context, &text, kind, result, error);
}

#define JSON_BUILD_FUNCTIONS(type, kind)                                     \
    FUNCTION(type##_build_object)                                            \
    {                                                                        \
        return build_object(context, arguments, count, kind, result, error); \
    }                                                                        \
    FUNCTION(type##_build_array)                                             \
    {                                                                        \
        return build_array(context, arguments, count, kind, result, error);  \
    }                                                                        \
    FUNCTION(any_to_##type)                                                  \
    {                                                                        \
        return to_json(context, &arguments[0], kind, result, error);         \
    }

JSON_BUILD_FUNCTIONS(json, TYPE_JSON)
JSON_BUILD_FUNCTIONS(jsonb, TYPE_JSONB)
