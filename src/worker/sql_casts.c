/* Casts that DuckDB does in another way than PostgreSQL, and text forms. */
#include "worker/sql_functions_int.h"

#include "types/value.h"

#define CAST(name, FROM, TO)                                                                  \
    static Status name(EvaluationContext *context, const Value *arguments, uint32_t count,    \
                       Value *result, Error *error)                                           \
    {                                                                                         \
        (void)count;                                                                          \
        return value_cast(context->arena, &arguments[0], TYPE(FROM), TYPE(TO), CAST_EXPLICIT, \
                          result, error);                                                     \
    }

#define ARRAY_CAST(name, TO)                                                               \
    static Status name(EvaluationContext *context, const Value *arguments, uint32_t count, \
                       Value *result, Error *error)                                        \
    {                                                                                      \
        (void)count;                                                                       \
        return value_cast(context->arena, &arguments[0], TYPE(TEXT), TYPE_ARRAY_OF(TO),    \
                          CAST_EXPLICIT, result, error);                                   \
    }

/* X(kind in names, TypeKind): what text is read as. */
#define TEXT_TARGETS(X)         \
    X(bool, BOOLEAN)            \
    X(int2, SMALLINT)           \
    X(int4, INTEGER)            \
    X(int8, BIGINT)             \
    X(float4, REAL)             \
    X(float8, DOUBLE)           \
    X(numeric, DECIMAL)         \
    X(bytea, BYTEA)             \
    X(date, DATE)               \
    X(time, TIME)               \
    X(timestamp, TIMESTAMP)     \
    X(timestamptz, TIMESTAMPTZ) \
    X(interval, INTERVAL)       \
    X(uuid, UUID)               \
    X(json, JSON)               \
    X(jsonb, JSONB)

#define JSON_TARGETS(X) \
    X(bool, BOOLEAN)    \
    X(int2, SMALLINT)   \
    X(int4, INTEGER)    \
    X(int8, BIGINT)     \
    X(float4, REAL)     \
    X(float8, DOUBLE)   \
    X(numeric, DECIMAL)

#define X(to, TO) CAST(cast_text_##to, TEXT, TO)
TEXT_TARGETS(X)
#undef X
#define X(to, TO) ARRAY_CAST(cast_text_##to##s, TO)
TEXT_TARGETS(X)
ARRAY_CAST(cast_text_texts, TEXT)
#undef X
#define X(to, TO) CAST(cast_jsonb_##to, JSONB, TO)
JSON_TARGETS(X)
#undef X
CAST(cast_json_jsonb, JSON, JSONB)
CAST(cast_float4_numeric, REAL, DECIMAL)
CAST(cast_float8_numeric, DOUBLE, DECIMAL)
CAST(cast_time_interval, TIME, INTERVAL)
CAST(cast_interval_time, INTERVAL, TIME)
CAST(cast_timestamptz_time, TIMESTAMPTZ, TIME)

/* DuckDB has no array of an open size: the floats go as a list. */
static Status cast_text_vector(EvaluationContext *context, const Value *arguments, uint32_t count,
                               Value *result, Error *error)
{
    (void)count;
    Value vector;
    TRY(value_cast(context->arena, &arguments[0], TYPE(TEXT), TYPE(VECTOR), CAST_EXPLICIT, &vector,
                   error));
    uint32_t size = vector.as.vector.count;
    ArrayValue *array = ARENA_NEW(context->arena, ArrayValue);
    Value *elements = ARENA_ARRAY(context->arena, Value, size);
    if (array == NULL || elements == NULL)
        return arena_error(context->arena, error);
    for (uint32_t i = 0; i < size; i++)
        elements[i] = (Value){.kind = TYPE_REAL, .as.real = (double)vector.as.vector.elements[i]};
    *array = (ArrayValue){.count = size, .elements = elements};
    *result = (Value){.kind = TYPE_ARRAY, .as.array = array};
    return OK;
}

/* ---- text forms ---- */

static Type type_of_value(const Value *value)
{
    Type type = TYPE_OF_KIND(value->kind);
    if (value->kind == TYPE_ARRAY && !value->is_null && value->as.array->count > 0)
        type.element = value->as.array->elements[0].kind;
    return type;
}

static Status keep_text(Arena *arena, Buffer *text, Value *result, Error *error)
{
    Slice kept;
    Status status = buffer_status(text, error);
    if (status == OK)
        status = arena_clone(arena, buffer_slice(text), &kept, error);
    buffer_close(text);
    if (status == OK)
        *result = value_text(kept);
    return status;
}

static Status text_of(EvaluationContext *context, const Value *arguments, uint32_t count,
                      Value *result, Error *error)
{
    Buffer text;
    (void)count;
    buffer_open(&text, 0);
    value_put_text(&text, type_of_value(&arguments[0]), &arguments[0]);
    return keep_text(context->arena, &text, result, error);
}

static bool needs_quotes(Slice field)
{
    static const char SPECIAL[] = "\"\\(), \t\n\r\v\f";
    for (size_t i = 0; i < field.size; i++) {
        if (field.data[i] != 0 && strchr(SPECIAL, field.data[i]) != NULL)
            return true;
    }
    return field.size == 0;
}

static void put_quoted(Buffer *out, Slice field)
{
    buffer_put_u8(out, '"');
    for (size_t i = 0; i < field.size; i++) {
        if (field.data[i] == '"' || field.data[i] == '\\')
            buffer_put_u8(out, field.data[i]);
        buffer_put_u8(out, field.data[i]);
    }
    buffer_put_u8(out, '"');
}

/* PostgreSQL's record_out for one field. */
static Status row_field(EvaluationContext *context, const Value *arguments, uint32_t count,
                        Value *result, Error *error)
{
    Buffer text;
    Value field;
    if (arguments[0].is_null) {
        *result = value_text(SLICE_EMPTY);
        return OK;
    }
    TRY(text_of(context, arguments, count, &field, error));
    buffer_open(&text, 0);
    if (needs_quotes(field.as.bytes))
        put_quoted(&text, field.as.bytes);
    else
        buffer_put_slice(&text, field.as.bytes);
    return keep_text(context->arena, &text, result, error);
}

/* An assignment to VARCHAR(n): too long is an error unless only blanks are too much. */
static Status fit_text(EvaluationContext *context, const Value *arguments, uint32_t count,
                       Value *result, Error *error)
{
    Type type = {.kind = TYPE_VARCHAR, .a = (int32_t)arguments[1].as.integer};
    (void)count;
    return value_cast(context->arena, &arguments[0], TYPE(TEXT), type, CAST_ASSIGNMENT, result,
                      error);
}

static const SqlScalar scalars[] = {
    {"pg_text", "any -> text", false, text_of},
    {"pg_row_field", "any -> text", true, row_field},
    {"pg_fit_text", "text int4 -> text", false, fit_text},
#define X(to, TO) {"pg_cast_text_" #to, "text -> " #to, false, cast_text_##to},
    TEXT_TARGETS(X)
#undef X
#define X(to, TO) {"pg_cast_text_" #to "s", "text -> " #to "[]", false, cast_text_##to##s},
        TEXT_TARGETS(X) X(text, TEXT)
#undef X
#define X(to, TO) {"pg_cast_jsonb_" #to, "jsonb -> " #to, false, cast_jsonb_##to},
            JSON_TARGETS(X)
#undef X
                {"pg_cast_text_vector", "text -> float4[]", false, cast_text_vector},
    {"pg_cast_json_jsonb", "json -> jsonb", false, cast_json_jsonb},
    {"pg_cast_float4_numeric", "float4 -> numeric", false, cast_float4_numeric},
    {"pg_cast_float8_numeric", "float8 -> numeric", false, cast_float8_numeric},
    {"pg_cast_time_interval", "time -> interval", false, cast_time_interval},
    {"pg_cast_interval_time", "interval -> time", false, cast_interval_time},
    {"pg_cast_timestamptz_time", "timestamptz -> time", false, cast_timestamptz_time},
};

const SqlTable sql_casts = {scalars, sizeof scalars / sizeof *scalars};
