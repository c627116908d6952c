/* The binary form of a value:
 *     kind      u8, TypeKind
 *     flags     u8: 1 NULL (nothing follows)
 *     payload   by kind:
 *         BOOLEAN                          u8, 0 or 1
 *         SMALLINT … BIGINT, DATE, TIME,
 *         TIMESTAMP(TZ)                    i64
 *         REAL, DOUBLE                     u64, the bits of the double
 *         DECIMAL                          u8 scale, i128 (low half first)
 *         texts, BYTEA, JSON(B), UNKNOWN   varint size, bytes
 *         UUID                             16 bytes
 *         INTERVAL                         i32 months, i32 days, i64 microseconds
 *         VECTOR                           varint count, f32 each
 *         ARRAY, RECORD                    varint count, values (each in this form)
 *         VOID                             nothing
 * Integers are little-endian. An ARRAY's elements are of one kind, which is not ARRAY. */
#include <math.h>

#include "base/assert.h"
#include "types/calendar_int.h"
#include "types/decimal_int.h"

enum { VALUE_IS_NULL = 1 };

/* ---- writing ---- */

static void put_double(Buffer *out, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    buffer_put_u64(out, bits);
}

static void put_decimal(Buffer *out, const Value *value)
{
    buffer_put_u8(out, value->scale);
    buffer_put_u64(out, (uint64_t)value->as.decimal);
    buffer_put_u64(out, (uint64_t)(value->as.decimal >> 64));
}

static void put_interval(Buffer *out, Interval interval)
{
    buffer_put_u32(out, (uint32_t)interval.months);
    buffer_put_u32(out, (uint32_t)interval.days);
    buffer_put_u64(out, (uint64_t)interval.micros);
}

static void put_vector(Buffer *out, const Value *value)
{
    buffer_put_varint(out, value->as.vector.count);
    buffer_put(out, value->as.vector.elements, value->as.vector.count * sizeof(float));
}

static void put_array(Buffer *out, const ArrayValue *array)
{
    buffer_put_varint(out, array->count);
    for (uint32_t i = 0; i < array->count; i++)
        value_encode(out, &array->elements[i]);
}

static void put_payload(Buffer *out, const Value *value)
{
    switch ((TypeKind)value->kind) {
    case TYPE_BOOLEAN:
        buffer_put_u8(out, value->as.boolean);
        return;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        buffer_put_u64(out, (uint64_t)value->as.integer);
        return;
    case TYPE_REAL:
    case TYPE_DOUBLE:
        put_double(out, value->as.real);
        return;
    case TYPE_DECIMAL:
        put_decimal(out, value);
        return;
    case TYPE_UUID:
        buffer_put(out, value->as.uuid, sizeof value->as.uuid);
        return;
    case TYPE_INTERVAL:
        put_interval(out, value->as.interval);
        return;
    case TYPE_VECTOR:
        put_vector(out, value);
        return;
    case TYPE_ARRAY:
    case TYPE_RECORD:
        put_array(out, value->as.array);
        return;
    case TYPE_VOID:
        return;
    default:
        buffer_put_sized(out, value->as.bytes);
    }
}

void value_encode(Buffer *out, const Value *value)
{
    buffer_put_u8(out, value->kind);
    buffer_put_u8(out, value->is_null ? VALUE_IS_NULL : 0);
    if (!value->is_null)
        put_payload(out, value);
}

static size_t varint_size(uint64_t n)
{
    size_t size = 1;
    for (; n >= 0x80; n >>= 7)
        size++;
    return size;
}

static size_t payload_size(const Value *value)
{
    switch ((TypeKind)value->kind) {
    case TYPE_BOOLEAN:
        return 1;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_REAL:
    case TYPE_DOUBLE:
        return 8;
    case TYPE_DECIMAL:
        return 17;
    case TYPE_UUID:
    case TYPE_INTERVAL:
        return 16;
    case TYPE_VECTOR:
        return varint_size(value->as.vector.count) + value->as.vector.count * sizeof(float);
    case TYPE_ARRAY:
    case TYPE_RECORD: {
        size_t size = varint_size(value->as.array->count);
        for (uint32_t i = 0; i < value->as.array->count; i++)
            size += value_encoded_size(&value->as.array->elements[i]);
        return size;
    }
    case TYPE_VOID:
        return 0;
    default:
        return varint_size(value->as.bytes.size) + value->as.bytes.size;
    }
}

size_t value_encoded_size(const Value *value)
{
    return 2 + (value->is_null ? 0 : payload_size(value));
}

/* ---- reading: one walk for both, with an arena to build in or without ---- */

typedef struct Reader {
    Arena *arena; /* NULL: only look */
    Cursor *cursor;
    uint32_t depth;
    bool out_of_memory;
} Reader;

static bool read_value(Reader *reader, Value *out);

static bool integer_fits(TypeKind kind, int64_t n)
{
    switch (kind) {
    case TYPE_SMALLINT:
        return n >= INT16_MIN && n <= INT16_MAX;
    case TYPE_INTEGER:
        return n >= INT32_MIN && n <= INT32_MAX;
    case TYPE_DATE:
        return n >= DATE_MINUS_INFINITY && n <= DATE_INFINITY;
    case TYPE_TIME:
        return n >= 0 && n <= MICROS_PER_DAY;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return n != INT64_MIN;
    default:
        return true;
    }
}

static bool read_real(Cursor *cursor, Value *out)
{
    uint64_t bits = cursor_u64(cursor);
    memcpy(&out->as.real, &bits, sizeof bits);
    double x = out->as.real;
    return out->kind == TYPE_DOUBLE || isnan(x) || isinf(x) || (double)(float)x == x;
}

static bool read_decimal(Cursor *cursor, Value *out)
{
    out->scale = cursor_u8(cursor);
    uint64_t low = cursor_u64(cursor);
    uint64_t high = cursor_u64(cursor);
    out->as.decimal = (Int128)((unsigned __int128)high << 64 | low);
    return out->scale <= DECIMAL_DIGITS_MAX && decimal_fits(out->as.decimal);
}

static bool read_bytes(Cursor *cursor, Value *out)
{
    out->as.bytes = cursor_sized(cursor);
    return out->kind == TYPE_BYTEA || slice_is_utf8_text(out->as.bytes);
}

static bool read_vector(Reader *reader, Value *out)
{
    uint64_t count = cursor_varint(reader->cursor);
    if (count > VECTOR_DIMENSION_MAX)
        return false;
    Slice bytes = cursor_bytes(reader->cursor, (size_t)count * sizeof(float));
    if (reader->arena == NULL || reader->cursor->failed)
        return !reader->cursor->failed;
    float *elements = arena_allocate(reader->arena, bytes.size);
    if (elements == NULL) {
        reader->out_of_memory = true;
        return false;
    }
    if (bytes.size > 0)
        memcpy(elements, bytes.data, bytes.size);
    out->as.vector.elements = elements;
    out->as.vector.count = (uint32_t)count;
    return true;
}

/* Elements of an array are of one kind; those of a record each have their own. */
static bool read_elements(Reader *reader, TypeKind kind, uint64_t count, Value *elements)
{
    uint8_t first = TYPE_UNKNOWN;
    for (uint64_t i = 0; i < count; i++) {
        Value scratch;
        Value *element = elements == NULL ? &scratch : &elements[i];
        if (!read_value(reader, element))
            return false;
        first = i == 0 ? element->kind : first;
        if (kind == TYPE_ARRAY && (element->kind != first || first == TYPE_ARRAY))
            return false;
    }
    return true;
}

/* Each element takes two bytes at least, so a count is bounded before anything is allocated. */
static bool read_array(Reader *reader, Value *out)
{
    uint64_t count = cursor_varint(reader->cursor);
    if (reader->depth >= VALUE_DEPTH_MAX || count > cursor_rest(reader->cursor) / 2)
        return false;
    Value *elements = NULL;
    ArrayValue *array = NULL;
    if (reader->arena != NULL) {
        elements = ARENA_ARRAY(reader->arena, Value, (size_t)count);
        array = ARENA_NEW(reader->arena, ArrayValue);
        reader->out_of_memory = elements == NULL || array == NULL;
        if (reader->out_of_memory)
            return false;
        *array = (ArrayValue){(uint32_t)count, elements};
    }
    reader->depth++;
    bool good = read_elements(reader, (TypeKind)out->kind, count, elements);
    reader->depth--;
    out->as.array = array;
    return good;
}

static bool read_payload(Reader *reader, Value *out)
{
    Cursor *cursor = reader->cursor;
    uint8_t byte;
    switch ((TypeKind)out->kind) {
    case TYPE_BOOLEAN:
        byte = cursor_u8(cursor);
        out->as.boolean = byte == 1;
        return byte <= 1;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        out->as.integer = (int64_t)cursor_u64(cursor);
        return integer_fits((TypeKind)out->kind, out->as.integer);
    case TYPE_REAL:
    case TYPE_DOUBLE:
        return read_real(cursor, out);
    case TYPE_DECIMAL:
        return read_decimal(cursor, out);
    case TYPE_UUID: {
        Slice bytes = cursor_bytes(cursor, sizeof out->as.uuid);
        if (!cursor->failed)
            memcpy(out->as.uuid, bytes.data, sizeof out->as.uuid);
        return true;
    }
    case TYPE_INTERVAL:
        out->as.interval.months = (int32_t)cursor_u32(cursor);
        out->as.interval.days = (int32_t)cursor_u32(cursor);
        out->as.interval.micros = (int64_t)cursor_u64(cursor);
        return true;
    case TYPE_VECTOR:
        return read_vector(reader, out);
    case TYPE_ARRAY:
    case TYPE_RECORD:
        return read_array(reader, out);
    case TYPE_VOID:
        return true;
    default:
        return read_bytes(cursor, out);
    }
}

static bool read_value(Reader *reader, Value *out)
{
    uint8_t kind = cursor_u8(reader->cursor);
    uint8_t flags = cursor_u8(reader->cursor);
    if (reader->cursor->failed || kind >= TYPE_KIND_COUNT || flags > VALUE_IS_NULL)
        return false;
    *out = value_null((TypeKind)kind);
    if (flags == VALUE_IS_NULL)
        return true;
    out->is_null = false;
    return read_payload(reader, out) && !reader->cursor->failed;
}

Status value_decode(Arena *arena, Cursor *cursor, Value *out, Error *error)
{
    Reader reader = {.arena = arena, .cursor = cursor};
    Value value;
    if (!read_value(&reader, &value))
        return reader.out_of_memory ? arena_error(arena, error)
                                    : error_set(error, STATUS_DATA_CORRUPTED, "malformed value");
    *out = value;
    return OK;
}

bool value_check(Cursor *cursor)
{
    Reader reader = {.cursor = cursor};
    Value value;
    return read_value(&reader, &value);
}
