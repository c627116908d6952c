/* Values as JSON: what results and requests have (spec/protocols.md, section 1), and PostgreSQL's
 * to_json. */
#include <math.h>

#include "types/base64_int.h"
#include "types/datetime_int.h"
#include "types/decimal_int.h"
#include "types/json_int.h"
#include "types/row.h"
#include "types/text_int.h"

/* Integers up to here are exact in a client that has only doubles. */
#define SAFE_INTEGER ((int64_t)1 << 53)

static void put_quoted(Buffer *out, Type type, const Value *value)
{
    buffer_put_u8(out, '"');
    value_put_text(out, type, value);
    buffer_put_u8(out, '"');
}

static void put_real(Buffer *out, Type type, const Value *value)
{
    if (isfinite(value->as.real))
        value_put_text(out, type, value);
    else
        put_quoted(out, type, value);
}

static void put_integer(Buffer *out, Type type, const Value *value, unsigned flags)
{
    int64_t n = value->as.integer;
    if ((flags & JSON_BIGINT_AS_STRING) && (n > SAFE_INTEGER || n < -SAFE_INTEGER))
        put_quoted(out, type, value);
    else
        value_put_text(out, type, value);
}

static void put_base64(Buffer *out, Slice bytes)
{
    buffer_put_u8(out, '"');
    base64_encode(out, bytes, 0);
    buffer_put_u8(out, '"');
}

static void put_datetime(Buffer *out, const Value *value)
{
    char text[DATETIME_TEXT_BYTES_MAX];
    size_t size = datetime_write((TypeKind)value->kind, value->as.integer, DATETIME_ISO, text);
    buffer_put_u8(out, '"');
    buffer_put(out, text, size);
    buffer_put_u8(out, '"');
}

/* A JSON text may have line ends between its tokens, where a blank means the same; a line of
 * NDJSON may not. */
static void put_json_text(Buffer *out, Slice text)
{
    size_t begin = out->size;
    buffer_put_slice(out, text);
    for (size_t i = begin; i < out->size && !out->failed; i++) {
        if (out->data[i] == '\n' || out->data[i] == '\r')
            out->data[i] = ' ';
    }
}

static void put_padded(Buffer *out, Type type, Slice s)
{
    json_put_string(out, s);
    size_t length = type.a > 0 && !out->failed ? text_length(s) : (size_t)type.a;
    if (length >= (size_t)type.a || out->failed)
        return;
    out->size--; /* the closing quote */
    for (; length < (size_t)type.a; length++)
        buffer_put_u8(out, ' ');
    buffer_put_u8(out, '"');
}

static void put_vector(Buffer *out, const Value *value)
{
    buffer_put_u8(out, '[');
    for (uint32_t i = 0; i < value->as.vector.count; i++) {
        Value element = {.kind = TYPE_REAL, .as.real = (double)vector_element(value, i)};
        if (i > 0)
            buffer_put_u8(out, ',');
        put_real(out, TYPE(REAL), &element);
    }
    buffer_put_u8(out, ']');
}

static void put_array(Buffer *out, Type type, const Value *value, unsigned flags)
{
    const ArrayValue *array = value->as.array;
    buffer_put_u8(out, '[');
    for (uint32_t i = 0; i < array->count; i++) {
        Type element = value->kind == TYPE_ARRAY ? type_of_element(type)
                                                 : TYPE_OF_KIND(array->elements[i].kind);
        if (i > 0)
            buffer_put_u8(out, ',');
        value_put_json(out, element, &array->elements[i], flags);
    }
    buffer_put_u8(out, ']');
}

void value_put_json(Buffer *out, Type type, const Value *value, unsigned flags)
{
    if (value->is_null) {
        buffer_put_text(out, "null");
        return;
    }
    switch ((TypeKind)value->kind) {
    case TYPE_BOOLEAN:
        buffer_put_text(out, value->as.boolean ? "true" : "false");
        return;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
        put_integer(out, type, value, flags);
        return;
    case TYPE_REAL:
    case TYPE_DOUBLE:
        put_real(out, type, value);
        return;
    case TYPE_UNKNOWN:
    case TYPE_TEXT:
    case TYPE_VARCHAR:
        json_put_string(out, value->as.bytes);
        return;
    case TYPE_CHAR:
        put_padded(out, type, value->as.bytes);
        return;
    case TYPE_BYTEA:
        put_base64(out, value->as.bytes);
        return;
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        put_datetime(out, value);
        return;
    case TYPE_JSON:
    case TYPE_JSONB:
        put_json_text(out, value->as.bytes);
        return;
    case TYPE_VECTOR:
        put_vector(out, value);
        return;
    case TYPE_ARRAY:
    case TYPE_RECORD:
        put_array(out, type, value, flags);
        return;
    case TYPE_DECIMAL:
    case TYPE_INTERVAL:
    case TYPE_UUID:
        put_quoted(out, type, value);
        return;
    case TYPE_VOID:
    case TYPE_KIND_COUNT:
        buffer_put_text(out, "null");
        return;
    }
}

/* ---- PostgreSQL's to_json ---- */

static void put_elements(Buffer *out, Type type, const ArrayValue *array)
{
    buffer_put_u8(out, '[');
    for (uint32_t i = 0; i < array->count; i++) {
        if (i > 0)
            buffer_put_u8(out, ',');
        json_put_value(out, type_of_element(type), &array->elements[i]);
    }
    buffer_put_u8(out, ']');
}

/* (a,b) is {"f1":a,"f2":b}. */
static void put_fields(Buffer *out, const ArrayValue *record)
{
    buffer_put_u8(out, '{');
    for (uint32_t i = 0; i < record->count; i++) {
        buffer_put_format(out, "%s\"f%u\":", i > 0 ? "," : "", i + 1);
        json_put_value(out, TYPE_OF_KIND(record->elements[i].kind), &record->elements[i]);
    }
    buffer_put_u8(out, '}');
}

static void put_text_as_string(Buffer *out, Type type, const Value *value)
{
    Buffer text;
    buffer_open(&text, out->limit);
    value_put_text(&text, type, value);
    if (text.failed) {
        out->failed = true;
        out->is_full = text.is_full;
    } else {
        json_put_string(out, buffer_slice(&text));
    }
    buffer_close(&text);
}

void json_put_value(Buffer *out, Type type, const Value *value)
{
    if (value->is_null) {
        buffer_put_text(out, "null");
        return;
    }
    switch ((TypeKind)value->kind) {
    case TYPE_DECIMAL:
        decimal_put_text(out, decimal_of(value));
        return;
    case TYPE_JSON:
    case TYPE_JSONB:
        buffer_put_slice(out, value->as.bytes);
        return;
    case TYPE_ARRAY:
        put_elements(out, type, value->as.array);
        return;
    case TYPE_RECORD:
        put_fields(out, value->as.array);
        return;
    case TYPE_BYTEA:
    case TYPE_VECTOR:
    case TYPE_CHAR:
        put_text_as_string(out, type, value);
        return;
    default:
        value_put_json(out, type, value, 0);
    }
}

/* ---- from JSON ---- */

static Status not_from_json(Type type, Slice json, Error *error)
{
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(type, name);
    return error_set(error, STATUS_INVALID_TEXT_REPRESENTATION,
                     "invalid input syntax for type %s: %.*s", name, SLICE_ARGUMENTS(json));
}

static Status bytea_from_base64(Arena *arena, Slice text, Value *out, Error *error)
{
    if (slice_starts_with(text, SLICE("\\x")))
        return value_from_text(arena, TYPE(BYTEA), text, out, error);
    Buffer bytes;
    Slice copy;
    size_t bad;
    buffer_open(&bytes, ROW_BYTES_MAX);
    bool good = base64_decode(&bytes, text, &bad) == BASE64_GOOD;
    TRY(buffer_into_arena(&bytes, arena, &copy, error));
    if (!good)
        return error_set(error, STATUS_INVALID_TEXT_REPRESENTATION,
                         "invalid input syntax for type bytea: neither \\x and hexadecimal digits "
                         "nor base64");
    *out = value_bytes(TYPE_BYTEA, copy);
    return OK;
}

static Status string_to_value(Arena *arena, Type type, Slice text, Value *out, Error *error)
{
    if (type.kind == TYPE_BYTEA)
        return bytea_from_base64(arena, text, out, error);
    return value_from_text(arena, type, text, out, error);
}

/* 5.0 and 1e3 are whole numbers to a client that has only doubles. */
static Status number_to_integer(Type type, Slice number, Value *out, Error *error)
{
    Decimal decimal;
    Decimal whole;
    TRY(decimal_from_text(number, TYPE(DECIMAL), &decimal, error));
    TRY(decimal_round(decimal, 0, DECIMAL_TRUNCATE, &whole, error));
    if (decimal_compare(decimal, whole) != 0)
        return not_from_json(type, number, error);
    int64_t n;
    TRY(decimal_to_integer(whole, (TypeKind)type.kind, &n, error));
    *out = value_integer((TypeKind)type.kind, n);
    return OK;
}

static Status number_to_value(Arena *arena, Type type, const JsonValue *json, Value *out,
                              Error *error)
{
    if (type_is_integer(type) && !json->is_integer)
        return number_to_integer(type, json->text, out, error);
    if (type_is_number(type) || type_is_text(type) || type.kind == TYPE_UNKNOWN)
        return value_from_text(arena, type, json->text, out, error);
    return not_from_json(type, json->raw, error);
}

static Status tree_to_value(Arena *arena, Type type, const JsonValue *json, Value *out,
                            Error *error);

static Status array_to_value(Arena *arena, Type type, const JsonValue *json, Value *out,
                             Error *error)
{
    ArrayValue *array = ARENA_NEW(arena, ArrayValue);
    Value *elements = ARENA_ARRAY(arena, Value, json->count);
    if (array == NULL || elements == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < json->count; i++)
        TRY(tree_to_value(arena, type_of_element(type), &json->children[i], &elements[i], error));
    *array = (ArrayValue){json->count, elements};
    Value value = {.kind = TYPE_ARRAY};
    value.as.array = array;
    *out = value;
    return OK;
}

static bool takes_json(Type type)
{
    return type.kind == TYPE_JSON || type.kind == TYPE_JSONB || type_is_text(type) ||
           type.kind == TYPE_UNKNOWN;
}

/* An ARRAY's elements are no arrays, so this recurses once at most. */
static Status tree_to_value(Arena *arena, Type type, const JsonValue *json, Value *out,
                            Error *error)
{
    bool is_json = type.kind == TYPE_JSON || type.kind == TYPE_JSONB;
    if (json->kind == JSON_NULL) {
        *out = value_null((TypeKind)type.kind);
        return OK;
    }
    if (json->kind == JSON_STRING)
        return string_to_value(arena, type, json->text, out, error);
    if (is_json)
        return value_from_text(arena, type, json->raw, out, error);
    if (json->kind == JSON_NUMBER)
        return number_to_value(arena, type, json, out, error);
    if (json->kind == JSON_ARRAY && type.kind == TYPE_ARRAY)
        return array_to_value(arena, type, json, out, error);
    bool is_vector = json->kind == JSON_ARRAY && type.kind == TYPE_VECTOR;
    bool is_boolean = json->kind == JSON_BOOLEAN && type.kind == TYPE_BOOLEAN;
    if (is_vector || is_boolean || takes_json(type))
        return value_from_text(arena, type, json->raw, out, error);
    return not_from_json(type, json->raw, error);
}

Status value_from_json(Arena *arena, Type type, Slice json, Value *out, Error *error)
{
    JsonValue *tree;
    TRY(json_parse(arena, json, &tree, error));
    return tree_to_value(arena, type, tree, out, error);
}
