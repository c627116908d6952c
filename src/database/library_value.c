/* Values and errors between the library's callers and us. */
#include <stdio.h>

#include "database/library_int.h"

FIRN_EXPORTED firn_value firn_null(void)
{
    return (firn_value){.kind = FIRN_NULL};
}

FIRN_EXPORTED firn_value firn_boolean(bool value)
{
    return (firn_value){.kind = FIRN_BOOLEAN, .as.boolean = value};
}

FIRN_EXPORTED firn_value firn_integer(int64_t value)
{
    return (firn_value){.kind = FIRN_INTEGER, .as.integer = value};
}

FIRN_EXPORTED firn_value firn_real(double value)
{
    return (firn_value){.kind = FIRN_REAL, .as.real = value};
}

FIRN_EXPORTED firn_value firn_text(const char *text)
{
    return (firn_value){.kind = FIRN_TEXT, .as.bytes = {text, strlen(text)}};
}

FIRN_EXPORTED firn_value firn_bytes(const void *data, size_t size)
{
    return (firn_value){.kind = FIRN_BYTES, .as.bytes = {data, size}};
}

FIRN_EXPORTED firn_value firn_vector(const float *elements, uint32_t count)
{
    return (firn_value){.kind = FIRN_VECTOR, .as.vector = {elements, count}};
}

/* ---- errors ---- */

int library_error(const Error *error, const StatementPlace *place, firn_error *out)
{
    if (out == NULL)
        return (int)error->status;
    *out = (firn_error){.code = (int)error->status, .position = -1};
    (void)snprintf(out->name, sizeof out->name, "%s", status_name(error->status));
    (void)snprintf(out->sqlstate, sizeof out->sqlstate, "%s", status_sqlstate(error->status));
    (void)snprintf(out->message, sizeof out->message, "%s", error->message);
    (void)snprintf(out->detail, sizeof out->detail, "%s", error->detail);
    (void)snprintf(out->hint, sizeof out->hint, "%s", error->hint);
    if (place != NULL && place->has_position)
        out->position = place->byte;
    return out->code;
}

/* ---- values ---- */

static Status value_of(const firn_value *from, Value *out, Error *error)
{
    switch (from->kind) {
    case FIRN_NULL:
        *out = value_null(TYPE_UNKNOWN);
        return OK;
    case FIRN_BOOLEAN:
        *out = value_boolean(from->as.boolean);
        return OK;
    case FIRN_INTEGER:
        *out = value_integer(TYPE_BIGINT, from->as.integer);
        return OK;
    case FIRN_REAL:
        *out = value_double(from->as.real);
        return OK;
    case FIRN_TEXT:
        *out = value_text(slice_of(from->as.bytes.data, from->as.bytes.size));
        if (!slice_is_utf8_text(out->as.bytes))
            return error_of(error, STATUS_CHARACTER_NOT_IN_REPERTOIRE);
        return OK;
    case FIRN_BYTES:
        *out = value_bytes(TYPE_BYTEA, slice_of(from->as.bytes.data, from->as.bytes.size));
        return OK;
    case FIRN_VECTOR:
        *out = (Value){.kind = TYPE_VECTOR};
        out->as.vector.elements = from->as.vector.elements;
        out->as.vector.count = from->as.vector.count;
        return OK;
    }
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "a value has the unknown kind %d",
                     (int)from->kind);
}

Status library_values(Arena *arena, const firn_value *values, size_t count, Value **out,
                      Error *error)
{
    *out = ARENA_ARRAY(arena, Value, count);
    if (*out == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < count; i++)
        TRY(value_of(&values[i], &(*out)[i], error));
    return OK;
}

static Status take_text(Arena *arena, Type type, const Value *value, firn_value *out, Error *error)
{
    Buffer text;
    buffer_open(&text, 0);
    value_put_text(&text, type, value);
    Status status = buffer_status(&text, error);
    const char *copy = status == OK ? arena_text(arena, buffer_slice(&text)) : NULL;
    size_t size = text.size;
    buffer_close(&text);
    TRY(status);
    if (copy == NULL)
        return arena_error(arena, error);
    *out = (firn_value){.kind = FIRN_TEXT, .as.bytes = {copy, size}};
    return OK;
}

static Status take_vector(Arena *arena, const Value *value, firn_value *out, Error *error)
{
    uint32_t count = value->as.vector.count;
    float *elements = ARENA_ARRAY(arena, float, count);
    if (elements == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < count; i++)
        elements[i] = vector_element(value, i);
    *out = firn_vector(elements, count);
    return OK;
}

static Status take_bytes(Arena *arena, const Value *value, firn_value *out, Error *error)
{
    Slice copy;
    TRY(arena_clone(arena, value->as.bytes, &copy, error));
    *out = firn_bytes(copy.data, copy.size);
    return OK;
}

Status library_from_value(Arena *arena, Type type, const Value *value, firn_value *out,
                          Error *error)
{
    if (value->is_null) {
        *out = firn_null();
        return OK;
    }
    switch (value->kind) {
    case TYPE_BOOLEAN:
        *out = firn_boolean(value->as.boolean);
        return OK;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
        *out = firn_integer(value->as.integer);
        return OK;
    case TYPE_REAL:
    case TYPE_DOUBLE:
        *out = firn_real(value->as.real);
        return OK;
    case TYPE_BYTEA:
        return take_bytes(arena, value, out, error);
    case TYPE_VECTOR:
        return take_vector(arena, value, out, error);
    default:
        return take_text(arena, type, value, out, error);
    }
}
