#include <math.h>

#include "types/datetime_int.h"
#include "types/decimal_int.h"
#include "types/json_int.h"
#include "types/row.h"
#include "types/value_read_int.h"

/* One cast in flight. */
typedef struct Cast {
    Arena *arena;
    Type from;
    Type to;
    enum CastContext context;
    int64_t now_us;
    Error *error;
} Cast;

/* ---- which casts there are (pg_cast) ---- */

enum { CAST_NONE = CAST_EXPLICIT + 1 };

static int number_cast(TypeKind from, TypeKind to)
{
    static const uint8_t rank[TYPE_KIND_COUNT] = {
        [TYPE_SMALLINT] = 1, [TYPE_INTEGER] = 2, [TYPE_BIGINT] = 3,
        [TYPE_DECIMAL] = 4,  [TYPE_REAL] = 5,    [TYPE_DOUBLE] = 6};
    return rank[from] < rank[to] ? CAST_IMPLICIT : CAST_ASSIGNMENT;
}

static int datetime_cast(TypeKind from, TypeKind to)
{
    switch (from) {
    case TYPE_DATE:
        return to == TYPE_TIMESTAMP || to == TYPE_TIMESTAMPTZ ? CAST_IMPLICIT : CAST_NONE;
    case TYPE_TIME:
        return to == TYPE_INTERVAL ? CAST_IMPLICIT : CAST_NONE;
    case TYPE_INTERVAL:
        return to == TYPE_TIME ? CAST_ASSIGNMENT : CAST_NONE;
    case TYPE_TIMESTAMP:
        if (to == TYPE_TIMESTAMPTZ)
            return CAST_IMPLICIT;
        return to == TYPE_DATE || to == TYPE_TIME ? CAST_ASSIGNMENT : CAST_NONE;
    case TYPE_TIMESTAMPTZ:
        return to == TYPE_DATE || to == TYPE_TIME || to == TYPE_TIMESTAMP ? CAST_ASSIGNMENT
                                                                          : CAST_NONE;
    default:
        return CAST_NONE;
    }
}

static int json_cast(TypeKind from, Type to)
{
    if (to.kind == TYPE_JSON || to.kind == TYPE_JSONB)
        return CAST_ASSIGNMENT;
    bool is_scalar = to.kind == TYPE_BOOLEAN || type_is_number(to);
    return from == TYPE_JSONB && is_scalar ? CAST_EXPLICIT : CAST_NONE;
}

/* pgvector's: a vector is a real[] wherever one is wanted. */
static int vector_cast(Type from, Type to)
{
    if (from.kind == TYPE_VECTOR)
        return to.kind == TYPE_ARRAY && to.element == TYPE_REAL ? CAST_IMPLICIT : CAST_NONE;
    bool is_list = from.element == TYPE_INTEGER || from.element == TYPE_REAL ||
                   from.element == TYPE_DOUBLE || from.element == TYPE_DECIMAL;
    return from.kind == TYPE_ARRAY && is_list ? CAST_ASSIGNMENT : CAST_NONE;
}

static int cast_context(Type from, Type to)
{
    if (from.kind == TYPE_UNKNOWN || (from.kind == to.kind && from.kind != TYPE_ARRAY))
        return CAST_IMPLICIT;
    if (type_is_number(from) && type_is_number(to))
        return number_cast((TypeKind)from.kind, (TypeKind)to.kind);
    if (type_is_text(from) && type_is_text(to))
        return CAST_IMPLICIT;
    if (type_is_text(to))
        return from.kind == TYPE_VOID ? CAST_NONE : CAST_ASSIGNMENT;
    if (type_is_text(from))
        return to.kind == TYPE_VOID || to.kind == TYPE_RECORD ? CAST_NONE : CAST_EXPLICIT;
    if (from.kind == TYPE_VECTOR || to.kind == TYPE_VECTOR)
        return vector_cast(from, to);
    if (from.kind == TYPE_ARRAY && to.kind == TYPE_ARRAY)
        return cast_context(type_of_element(from), type_of_element(to));
    if (from.kind == TYPE_JSON || from.kind == TYPE_JSONB)
        return json_cast((TypeKind)from.kind, to);
    bool is_flag = (from.kind == TYPE_BOOLEAN && to.kind == TYPE_INTEGER) ||
                   (from.kind == TYPE_INTEGER && to.kind == TYPE_BOOLEAN);
    return is_flag ? CAST_EXPLICIT : datetime_cast((TypeKind)from.kind, (TypeKind)to.kind);
}

bool type_can_cast(Type from, Type to, enum CastContext context)
{
    return cast_context(from, to) <= (int)context;
}

static Status no_cast(const Cast *cast)
{
    char from[TYPE_NAME_BYTES_MAX];
    char to[TYPE_NAME_BYTES_MAX];
    type_postgres_name(cast->from, from);
    type_postgres_name(cast->to, to);
    return error_set(cast->error, STATUS_CANNOT_COERCE, "cannot cast type %s to %s", from, to);
}

/* ---- numbers ---- */

static Status integer_overflow(TypeKind kind, Error *error)
{
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(TYPE_OF_KIND(kind), name);
    return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", name);
}

static Status to_integer(const Cast *cast, int64_t n, Value *out)
{
    TypeKind kind = (TypeKind)cast->to.kind;
    if ((kind == TYPE_SMALLINT && n != (int16_t)n) || (kind == TYPE_INTEGER && n != (int32_t)n))
        return integer_overflow(kind, cast->error);
    *out = value_integer(kind, n);
    return OK;
}

/* To the nearest even whole number, as the processor rounds. */
static Status real_to_integer(const Cast *cast, double x, Value *out)
{
    double rounded = rint(x);
    bool fits = rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0;
    return fits ? to_integer(cast, (int64_t)rounded, out)
                : integer_overflow((TypeKind)cast->to.kind, cast->error);
}

static Status to_real(const Cast *cast, double x, Value *out)
{
    double result = cast->to.kind == TYPE_REAL ? (double)(float)x : x;
    if (isinf(result) && !isinf(x))
        return error_set(cast->error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "value out of range: overflow");
    if (result == 0 && x != 0)
        return error_set(cast->error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "value out of range: underflow");
    *out = (Value){.kind = cast->to.kind, .as.real = result};
    return OK;
}

static Status to_decimal(const Cast *cast, Decimal decimal, Value *out)
{
    TRY(decimal_apply(decimal, cast->to, &decimal, cast->error));
    *out = value_of_decimal(decimal);
    return OK;
}

static Status from_integer(const Cast *cast, int64_t n, Value *out)
{
    if (cast->to.kind == TYPE_DECIMAL)
        return to_decimal(cast, (Decimal){n, 0}, out);
    if (type_is_integer(cast->to))
        return to_integer(cast, n, out);
    /* Straight to float: by way of double it would be rounded twice. */
    double x = cast->to.kind == TYPE_REAL ? (double)(float)n : (double)n;
    *out = (Value){.kind = cast->to.kind, .as.real = x};
    return OK;
}

static Status from_real(const Cast *cast, double x, Value *out)
{
    if (type_is_integer(cast->to))
        return real_to_integer(cast, x, out);
    if (cast->to.kind != TYPE_DECIMAL)
        return to_real(cast, x, out);
    Decimal decimal;
    TRY(decimal_from_double(x, (TypeKind)cast->from.kind, cast->to, &decimal, cast->error));
    *out = value_of_decimal(decimal);
    return OK;
}

static Status decimal_to_float(Decimal decimal, Value *out)
{
    char text[DECIMAL_TEXT_BYTES_MAX];
    float x = 0;
    bool good = slice_to_float(slice_of(text, decimal_write(decimal, text)), &x);
    *out = (Value){.kind = TYPE_REAL, .as.real = good ? (double)x : 0};
    return OK;
}

static Status from_decimal(const Cast *cast, Decimal decimal, Value *out)
{
    int64_t n;
    if (cast->to.kind == TYPE_DECIMAL)
        return to_decimal(cast, decimal, out);
    if (cast->to.kind == TYPE_REAL)
        return decimal_to_float(decimal, out);
    if (cast->to.kind == TYPE_DOUBLE) {
        *out = value_double(decimal_to_double(decimal));
        return OK;
    }
    TRY(decimal_to_integer(decimal, (TypeKind)cast->to.kind, &n, cast->error));
    *out = value_integer((TypeKind)cast->to.kind, n);
    return OK;
}

static Status cast_number(const Cast *cast, const Value *value, Value *out)
{
    if (cast->to.kind == TYPE_BOOLEAN) {
        *out = value_boolean(value->as.integer != 0);
        return OK;
    }
    if (value->kind == TYPE_DECIMAL)
        return from_decimal(cast, decimal_of(value), out);
    if (type_is_integer(cast->from))
        return from_integer(cast, value->as.integer, out);
    return from_real(cast, value->as.real, out);
}

/* ---- text ---- */

static Status from_text(const Cast *cast, Slice text, Value *out)
{
    if (cast->to.kind == TYPE_VARCHAR || cast->to.kind == TYPE_CHAR)
        return text_apply_length(cast->to, text, cast->context == CAST_EXPLICIT, out, cast->error);
    return value_from_text_at(cast->arena, cast->to, text, cast->now_us, out, cast->error);
}

static Status to_text(const Cast *cast, const Value *value, Value *out)
{
    Buffer buffer;
    Slice text;
    if (value->kind == TYPE_BOOLEAN)
        return from_text(cast, value->as.boolean ? SLICE("true") : SLICE("false"), out);
    if (value->kind == TYPE_JSON || value->kind == TYPE_JSONB)
        return from_text(cast, value->as.bytes, out);
    buffer_open(&buffer, ROW_BYTES_MAX);
    value_put_text(&buffer, cast->from, value);
    TRY(buffer_into_arena(&buffer, cast->arena, &text, cast->error));
    return from_text(cast, text, out);
}

/* ---- dates and times ---- */

static Status date_to_timestamp(const Cast *cast, int64_t days, Value *out)
{
    int64_t micros;
    if (days == DATE_INFINITY || days == DATE_MINUS_INFINITY)
        micros = days > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_MINUS_INFINITY;
    else if (__builtin_mul_overflow(days, MICROS_PER_DAY, &micros) || micros > TIMESTAMP_MICROS_MAX)
        return error_set(cast->error, STATUS_DATETIME_FIELD_OVERFLOW,
                         "date out of range for timestamp");
    *out = value_integer((TypeKind)cast->to.kind, micros);
    return OK;
}

/* An infinite timestamp has no time of day: NULL. */
static Status from_timestamp(const Cast *cast, int64_t micros, Value *out)
{
    TypeKind to = (TypeKind)cast->to.kind;
    bool is_infinite = micros == TIMESTAMP_INFINITY || micros == TIMESTAMP_MINUS_INFINITY;
    int64_t clock;
    int64_t days = micros_to_days(micros, &clock);
    if (to == TYPE_DATE && is_infinite)
        *out = value_integer(to, micros > 0 ? DATE_INFINITY : DATE_MINUS_INFINITY);
    else if (to == TYPE_DATE)
        *out = value_integer(to, days);
    else if (to == TYPE_TIME)
        *out = is_infinite ? value_null(to) : value_integer(to, clock);
    else
        *out = value_integer(to, micros);
    return OK;
}

static Status cast_datetime(const Cast *cast, const Value *value, Value *out)
{
    switch ((TypeKind)value->kind) {
    case TYPE_DATE:
        return date_to_timestamp(cast, value->as.integer, out);
    case TYPE_TIME:
        *out = (Value){.kind = TYPE_INTERVAL};
        out->as.interval = (Interval){0, 0, value->as.integer};
        return OK;
    case TYPE_INTERVAL: {
        int64_t clock;
        (void)micros_to_days(value->as.interval.micros, &clock);
        *out = value_integer(TYPE_TIME, clock);
        return OK;
    }
    default:
        return from_timestamp(cast, value->as.integer, out);
    }
}

/* ---- JSON ---- */

static Status not_that_json(const Cast *cast, const JsonValue *json)
{
    static const char *const kinds[] = {
        [JSON_NULL] = "null",     [JSON_BOOLEAN] = "boolean", [JSON_NUMBER] = "numeric",
        [JSON_STRING] = "string", [JSON_ARRAY] = "array",     [JSON_OBJECT] = "object"};
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(cast->to, name);
    return error_set(cast->error, STATUS_INVALID_PARAMETER_VALUE, "cannot cast jsonb %s to type %s",
                     kinds[json->kind], name);
}

static Status cast_json(const Cast *cast, const Value *value, Value *out)
{
    JsonValue *json;
    Slice text = value->as.bytes;
    if (cast->to.kind == TYPE_JSONB)
        return jsonb_from_text(cast->arena, text, out, cast->error);
    if (cast->to.kind == TYPE_JSON) {
        *out = value_bytes(TYPE_JSON, text);
        return OK;
    }
    TRY(json_parse(cast->arena, text, &json, cast->error));
    if (cast->to.kind == TYPE_BOOLEAN && json->kind == JSON_BOOLEAN) {
        *out = value_boolean(json->boolean);
        return OK;
    }
    if (cast->to.kind == TYPE_BOOLEAN || json->kind != JSON_NUMBER)
        return not_that_json(cast, json);
    Decimal decimal;
    Cast number = *cast;
    number.from = TYPE(DECIMAL);
    TRY(decimal_from_text(json->text, TYPE(DECIMAL), &decimal, cast->error));
    return from_decimal(&number, decimal, out);
}

/* ---- vectors and arrays ---- */

static Status vector_to_vector(const Cast *cast, const Value *value, Value *out)
{
    TRY(vector_check_dimension(cast->to, value->as.vector.count, cast->error));
    *out = *value;
    return OK;
}

static Status new_array(const Cast *cast, uint32_t count, Value **elements, Value *out)
{
    ArrayValue *array = ARENA_NEW(cast->arena, ArrayValue);
    *elements = ARENA_ARRAY(cast->arena, Value, count);
    if (array == NULL || *elements == NULL)
        return arena_error(cast->arena, cast->error);
    *array = (ArrayValue){count, *elements};
    *out = (Value){.kind = TYPE_ARRAY};
    out->as.array = array;
    return OK;
}

static Status vector_to_array(const Cast *cast, const Value *value, Value *out)
{
    Value *elements;
    TRY(new_array(cast, value->as.vector.count, &elements, out));
    for (uint32_t i = 0; i < value->as.vector.count; i++)
        elements[i] = (Value){.kind = TYPE_REAL, .as.real = (double)vector_element(value, i)};
    return OK;
}

static Status element_to_float(const Cast *cast, const Value *element, float *out)
{
    Value real;
    Cast to_float = *cast;
    to_float.from = TYPE_OF_KIND(element->kind);
    to_float.to = TYPE(REAL);
    if (element->is_null)
        return error_set(cast->error, STATUS_NULL_VALUE_NOT_ALLOWED,
                         "array must not contain nulls");
    TRY(cast_number(&to_float, element, &real));
    *out = (float)real.as.real;
    return vector_check_element(*out, cast->error);
}

static Status array_to_vector(const Cast *cast, const ArrayValue *array, Value *out)
{
    TRY(vector_check_dimension(cast->to, array->count, cast->error));
    float *elements = arena_allocate(cast->arena, array->count * sizeof(float));
    if (elements == NULL)
        return arena_error(cast->arena, cast->error);
    for (uint32_t i = 0; i < array->count; i++)
        TRY(element_to_float(cast, &array->elements[i], &elements[i]));
    *out = (Value){.kind = TYPE_VECTOR};
    out->as.vector.elements = elements;
    out->as.vector.count = array->count;
    return OK;
}

static Status array_to_array(const Cast *cast, const ArrayValue *array, Value *out)
{
    Value *elements;
    TRY(new_array(cast, array->count, &elements, out));
    for (uint32_t i = 0; i < array->count; i++)
        TRY(value_cast_at(cast->arena, &array->elements[i], type_of_element(cast->from),
                          type_of_element(cast->to), cast->context, cast->now_us, &elements[i],
                          cast->error));
    return OK;
}

/* ---- all of them ---- */

static Status cast_value(const Cast *cast, const Value *value, Value *out)
{
    Type from = cast->from;
    Type to = cast->to;
    if (from.kind == TYPE_UNKNOWN)
        return from_text(cast, value->as.bytes, out);
    if (from.kind == TYPE_VECTOR && to.kind == TYPE_VECTOR)
        return vector_to_vector(cast, value, out);
    bool has_modifiers = to.kind == TYPE_DECIMAL || type_is_text(to) || to.kind == TYPE_ARRAY;
    if (from.kind == to.kind && !has_modifiers) {
        *out = *value;
        return OK;
    }
    if (type_is_text(from))
        return from_text(cast, value->as.bytes, out);
    if (type_is_text(to))
        return to_text(cast, value, out);
    if (type_is_number(from))
        return cast_number(cast, value, out);
    switch ((TypeKind)from.kind) {
    case TYPE_BOOLEAN:
        *out = value_integer(TYPE_INTEGER, value->as.boolean);
        return OK;
    case TYPE_JSON:
    case TYPE_JSONB:
        return cast_json(cast, value, out);
    case TYPE_VECTOR:
        return vector_to_array(cast, value, out);
    case TYPE_ARRAY:
        return to.kind == TYPE_VECTOR ? array_to_vector(cast, value->as.array, out)
                                      : array_to_array(cast, value->as.array, out);
    default:
        return cast_datetime(cast, value, out);
    }
}

Status value_cast_at(Arena *arena, const Value *value, Type from, Type to, enum CastContext context,
                     int64_t now_us, Value *out, Error *error)
{
    Cast cast = {arena, from, to, context, now_us, error};
    if (!type_can_cast(from, to, context))
        return no_cast(&cast);
    if (value->is_null) {
        *out = value_null((TypeKind)to.kind);
        return OK;
    }
    Value result;
    TRY(cast_value(&cast, value, &result));
    *out = result;
    return OK;
}

Status value_cast(Arena *arena, const Value *value, Type from, Type to, enum CastContext context,
                  Value *out, Error *error)
{
    return value_cast_at(arena, value, from, to, context, VALUE_NO_CLOCK, out, error);
}
