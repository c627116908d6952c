/* What several files of functions need. */
#include "types/function_int.h"
#include "types/json_int.h"

Status text_room(EvaluationContext *context, size_t size, uint8_t **out, Error *error)
{
    if (size > TEXT_RESULT_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
    *out = arena_allocate(context->arena, size);
    return *out == NULL ? arena_error(context->arena, error) : OK;
}

void text_buffer_open(Buffer *buffer)
{
    buffer_open(buffer, TEXT_RESULT_BYTES_MAX);
}

Status text_buffer_result(EvaluationContext *context, Buffer *buffer, TypeKind kind, Value *result,
                          Error *error)
{
    Slice text;
    TRY(buffer_into_arena(buffer, context->arena, &text, error));
    *result = value_bytes(kind, text);
    return OK;
}

Status array_result(EvaluationContext *context, const Value *elements, uint32_t count,
                    Value *result, Error *error)
{
    ArrayValue *array = ARENA_NEW(context->arena, ArrayValue);
    if (array == NULL)
        return arena_error(context->arena, error);
    *array = (ArrayValue){count, elements};
    *result = (Value){.kind = TYPE_ARRAY};
    result->as.array = array;
    return OK;
}

Status context_now(const EvaluationContext *context, int64_t *out, Error *error)
{
    if (context->now_us == 0)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "the current time is not available here");
    *out = context->now_us;
    return OK;
}

Type type_of_value(const Value *value)
{
    Type type = TYPE_OF_KIND(value->kind);
    if (value->kind == TYPE_ARRAY && !value->is_null && value->as.array->count > 0)
        type.element = value->as.array->elements[0].kind;
    return type;
}
