/* Values as PostgreSQL's text. */
#include "base/json.h"
#include "types/datetime_int.h"
#include "types/decimal_int.h"
#include "types/text_int.h"

static void put_integer(Buffer *out, int64_t n)
{
    if (n < 0)
        buffer_put_u8(out, '-');
    buffer_put_decimal(out, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

static void put_char(Buffer *out, Type type, Slice s)
{
    buffer_put_slice(out, s);
    size_t length = type.a > 0 ? text_length(s) : 0;
    for (; length < (size_t)type.a; length++)
        buffer_put_u8(out, ' ');
}

static void put_bytea(Buffer *out, Slice bytes)
{
    buffer_put_text(out, "\\x");
    text_put_hex(out, bytes);
}

static void put_uuid(Buffer *out, const uint8_t uuid[16])
{
    static const uint8_t parts[] = {4, 2, 2, 2, 6};
    for (size_t i = 0; i < sizeof parts; i++) {
        if (i > 0)
            buffer_put_u8(out, '-');
        text_put_hex(out, slice_of(uuid, parts[i]));
        uuid += parts[i];
    }
}

static void put_vector(Buffer *out, const Value *value)
{
    buffer_put_u8(out, '[');
    for (uint32_t i = 0; i < value->as.vector.count; i++) {
        if (i > 0)
            buffer_put_u8(out, ',');
        put_float(out, vector_element(value, i));
    }
    buffer_put_u8(out, ']');
}

/* ---- arrays and records: elements in quotes where they would be misread ---- */

/* How an element is told from its surroundings. */
typedef struct Quoting {
    const char *reserved; /* characters that call for quotes */
    const char *null;     /* a NULL element, and the word that must be quoted for it */
    bool doubles_quotes;  /* "" inside quotes, else \" */
} Quoting;

static const Quoting array_quoting = {"{},\"\\", "NULL", false};
static const Quoting record_quoting = {"(),\"\\", "", true};

static bool needs_quotes(Slice s, const Quoting *quoting)
{
    if (s.size == 0 || slice_equal_ignoring_case(s, slice_of_text(quoting->null)))
        return true;
    for (size_t i = 0; i < s.size; i++) {
        uint8_t c = s.data[i];
        if (text_is_space(c) || (c != 0 && strchr(quoting->reserved, c) != NULL))
            return true;
    }
    return false;
}

/* Puts quotes around what stands from `begin` on, in place: the bytes move up from the end. */
static void quote_from(Buffer *out, size_t begin, const Quoting *quoting)
{
    size_t extra = 2;
    for (size_t i = begin; i < out->size; i++)
        extra += out->data[i] == '\\' || out->data[i] == '"';
    if (buffer_reserve(out, extra) == NULL)
        return;
    uint8_t *from = out->data + out->size;
    uint8_t *to = from + extra;
    *--to = '"';
    while (from > out->data + begin) {
        uint8_t c = *--from;
        *--to = c;
        if (c == '\\' || c == '"')
            *--to = quoting->doubles_quotes ? c : '\\';
    }
    *--to = '"';
    out->size += extra;
}

static void put_element(Buffer *out, Type type, const Value *value, const Quoting *quoting)
{
    if (value->is_null) {
        buffer_put_text(out, quoting->null);
        return;
    }
    size_t begin = out->size;
    value_put_text(out, type, value);
    if (!out->failed && needs_quotes(slice_of(out->data + begin, out->size - begin), quoting))
        quote_from(out, begin, quoting);
}

static void put_array(Buffer *out, Type type, const ArrayValue *array)
{
    buffer_put_u8(out, '{');
    for (uint32_t i = 0; i < array->count; i++) {
        if (i > 0)
            buffer_put_u8(out, ',');
        put_element(out, type_of_element(type), &array->elements[i], &array_quoting);
    }
    buffer_put_u8(out, '}');
}

static void put_record(Buffer *out, const ArrayValue *record)
{
    buffer_put_u8(out, '(');
    for (uint32_t i = 0; i < record->count; i++) {
        const Value *field = &record->elements[i];
        if (i > 0)
            buffer_put_u8(out, ',');
        put_element(out, TYPE_OF_KIND(field->kind), field, &record_quoting);
    }
    buffer_put_u8(out, ')');
}

static void put_datetime(Buffer *out, const Value *value)
{
    char text[DATETIME_TEXT_BYTES_MAX];
    size_t size =
        value->kind == TYPE_INTERVAL
            ? interval_write(value->as.interval, text)
            : datetime_write((TypeKind)value->kind, value->as.integer, DATETIME_SQL, text);
    buffer_put(out, text, size);
}

void value_put_text(Buffer *out, Type type, const Value *value)
{
    if (value->is_null)
        return;
    switch ((TypeKind)value->kind) {
    case TYPE_BOOLEAN:
        buffer_put_u8(out, value->as.boolean ? 't' : 'f');
        return;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
        put_integer(out, value->as.integer);
        return;
    case TYPE_REAL:
        put_float(out, (float)value->as.real);
        return;
    case TYPE_DOUBLE:
        put_double(out, value->as.real);
        return;
    case TYPE_DECIMAL:
        decimal_put_text(out, decimal_of(value));
        return;
    case TYPE_CHAR:
        put_char(out, type, value->as.bytes);
        return;
    case TYPE_UNKNOWN:
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_JSON:
    case TYPE_JSONB:
        buffer_put_slice(out, value->as.bytes);
        return;
    case TYPE_BYTEA:
        put_bytea(out, value->as.bytes);
        return;
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_INTERVAL:
        put_datetime(out, value);
        return;
    case TYPE_UUID:
        put_uuid(out, value->as.uuid);
        return;
    case TYPE_VECTOR:
        put_vector(out, value);
        return;
    case TYPE_ARRAY:
        put_array(out, type, value->as.array);
        return;
    case TYPE_RECORD:
        put_record(out, value->as.array);
        return;
    case TYPE_VOID:
    case TYPE_KIND_COUNT:
        return;
    }
}
