#include "types/row.h"

#include <endian.h>

#include "base/assert.h"
#include "types/calendar_int.h"
#include "types/decimal_int.h"

/* Bytes of a column's slot; 0 where a type has no place in a row. */
static uint32_t slot_size(Type type)
{
    if (type_is_variable(type))
        return sizeof(uint32_t);
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        return 1;
    case TYPE_SMALLINT:
        return 2;
    case TYPE_INTEGER:
    case TYPE_REAL:
    case TYPE_DATE:
        return 4;
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return 8;
    case TYPE_DECIMAL:
        return type.a > 0 && type.a <= 18 ? 8 : 16;
    case TYPE_UUID:
    case TYPE_INTERVAL:
        return 16;
    case TYPE_VECTOR:
        return type.a > 0 && type.a <= VECTOR_DIMENSION_MAX ? (uint32_t)type.a * 4 : 0;
    default:
        return 0;
    }
}

static uint32_t align_to(uint32_t offset, uint32_t size)
{
    uint32_t alignment = size >= 8 ? 8 : size;
    return (offset + alignment - 1) & ~(alignment - 1);
}

Status row_layout_open(Arena *arena, const Type *types, uint32_t column_count, RowLayout *out,
                       Error *error)
{
    if (column_count > COLUMNS_MAX)
        return error_set(error, STATUS_TOO_MANY_COLUMNS, "a row can have at most %d columns",
                         COLUMNS_MAX);
    Type *copies = ARENA_ARRAY(arena, Type, column_count);
    uint32_t *offset = ARENA_ARRAY(arena, uint32_t, column_count);
    uint32_t *variable_before = ARENA_ARRAY(arena, uint32_t, column_count);
    if (copies == NULL || offset == NULL || variable_before == NULL)
        return arena_error(arena, error);
    uint32_t at = (column_count + 7) / 8;
    uint32_t last_variable = 0;
    for (uint32_t c = 0; c < column_count; c++) {
        uint32_t size = slot_size(types[c]);
        if (size == 0) {
            char name[TYPE_NAME_BYTES_MAX];
            type_name(types[c], name);
            return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "a row cannot hold type %s",
                             name);
        }
        copies[c] = types[c];
        offset[c] = align_to(at, size);
        variable_before[c] = last_variable;
        if (type_is_variable(types[c]))
            last_variable = offset[c];
        at = offset[c] + size;
    }
    *out = (RowLayout){column_count, at, copies, offset, variable_before};
    return OK;
}

/* ---- writing ---- */

static size_t variable_size(const Value *value)
{
    if (value->is_null)
        return 0;
    return value->kind == TYPE_ARRAY ? value_encoded_size(value) : value->as.bytes.size;
}

static void put_bytes(uint8_t *at, const Value *value, size_t size)
{
    if (size == 0) /* also a NULL, of any kind */
        return;
    if (value->kind != TYPE_ARRAY) {
        memcpy(at, value->as.bytes.data, size);
        return;
    }
    Buffer fixed = {.data = at, .capacity = size, .limit = size};
    value_encode(&fixed, value);
    ASSERT(!fixed.failed && fixed.size == size);
}

static void put_u16(uint8_t *at, uint16_t n)
{
    n = htole16(n);
    memcpy(at, &n, sizeof n);
}

static void put_u32(uint8_t *at, uint32_t n)
{
    n = htole32(n);
    memcpy(at, &n, sizeof n);
}

static void put_u64(uint8_t *at, uint64_t n)
{
    n = htole64(n);
    memcpy(at, &n, sizeof n);
}

static void put_real(uint8_t *at, double x, size_t size)
{
    float narrow = (float)x;
    if (size == sizeof narrow)
        memcpy(at, &narrow, sizeof narrow);
    else
        memcpy(at, &x, sizeof x);
}

static void put_decimal(uint8_t *at, Type type, const Value *value)
{
    ASSERT(value->scale == type.b);
    put_u64(at, (uint64_t)value->as.decimal);
    if (slot_size(type) == 16)
        put_u64(at + 8, (uint64_t)(value->as.decimal >> 64));
    else
        ASSERT(value->as.decimal == (int64_t)value->as.decimal);
}

static void put_vector(uint8_t *at, Type type, const Value *value)
{
    ASSERT(value->as.vector.count == (uint32_t)type.a);
    memcpy(at, value->as.vector.elements, value->as.vector.count * sizeof(float));
}

static void put_interval(uint8_t *at, Interval interval)
{
    put_u32(at, (uint32_t)interval.months);
    put_u32(at + 4, (uint32_t)interval.days);
    put_u64(at + 8, (uint64_t)interval.micros);
}

static void put_slot(uint8_t *at, Type type, const Value *value)
{
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        *at = value->as.boolean;
        return;
    case TYPE_SMALLINT:
        put_u16(at, (uint16_t)value->as.integer);
        return;
    case TYPE_INTEGER:
    case TYPE_DATE:
        put_u32(at, (uint32_t)value->as.integer);
        return;
    case TYPE_REAL:
        put_real(at, value->as.real, sizeof(float));
        return;
    case TYPE_DOUBLE:
        put_real(at, value->as.real, sizeof(double));
        return;
    case TYPE_DECIMAL:
        put_decimal(at, type, value);
        return;
    case TYPE_UUID:
        memcpy(at, value->as.uuid, sizeof value->as.uuid);
        return;
    case TYPE_INTERVAL:
        put_interval(at, value->as.interval);
        return;
    case TYPE_VECTOR:
        put_vector(at, type, value);
        return;
    default:
        put_u64(at, (uint64_t)value->as.integer);
    }
}

Status row_encode(const RowLayout *layout, const Value *values, Buffer *out, Error *error)
{
    size_t size = layout->fixed_size;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        if (type_is_variable(layout->types[c]))
            size += variable_size(&values[c]);
    }
    if (size > ROW_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "row is too big: %zu bytes (maximum %d)", size, ROW_BYTES_MAX);
    uint8_t *row = buffer_reserve(out, size);
    if (row == NULL)
        return buffer_status(out, error);
    memset(row, 0, layout->fixed_size);
    size_t end = layout->fixed_size;
    for (uint32_t c = 0; c < layout->column_count; c++) {
        const Value *value = &values[c];
        uint8_t *slot = row + layout->offset[c];
        if (value->is_null)
            row[c / 8] |= (uint8_t)(1u << (c % 8));
        if (type_is_variable(layout->types[c])) {
            size_t bytes = variable_size(value);
            put_bytes(row + end, value, bytes);
            end += bytes;
            put_u32(slot, (uint32_t)end);
        } else if (!value->is_null) {
            put_slot(slot, layout->types[c], value);
        }
    }
    out->size += size;
    return OK;
}

/* ---- reading ---- */

static uint16_t get_u16(const uint8_t *at)
{
    uint16_t n;
    memcpy(&n, at, sizeof n);
    return le16toh(n);
}

static uint32_t get_u32(const uint8_t *at)
{
    uint32_t n;
    memcpy(&n, at, sizeof n);
    return le32toh(n);
}

static uint64_t get_u64(const uint8_t *at)
{
    uint64_t n;
    memcpy(&n, at, sizeof n);
    return le64toh(n);
}

static double get_real(const uint8_t *at, size_t size)
{
    float narrow;
    double x;
    if (size != sizeof narrow) {
        memcpy(&x, at, sizeof x);
        return x;
    }
    memcpy(&narrow, at, sizeof narrow);
    return (double)narrow;
}

static Int128 get_decimal(const uint8_t *at, Type type)
{
    if (slot_size(type) == 8)
        return (int64_t)get_u64(at);
    return (Int128)((unsigned __int128)get_u64(at + 8) << 64 | get_u64(at));
}

static Slice variable_bytes(const RowLayout *layout, Slice row, uint32_t column)
{
    uint32_t before = layout->variable_before[column];
    uint32_t begin = before == 0 ? layout->fixed_size : get_u32(row.data + before);
    uint32_t end = get_u32(row.data + layout->offset[column]);
    return slice_of(row.data + begin, end - begin);
}

static void get_slot(const uint8_t *at, Type type, Value *out)
{
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        out->as.boolean = *at != 0;
        return;
    case TYPE_SMALLINT:
        out->as.integer = (int16_t)get_u16(at);
        return;
    case TYPE_INTEGER:
    case TYPE_DATE:
        out->as.integer = (int32_t)get_u32(at);
        return;
    case TYPE_REAL:
        out->as.real = get_real(at, sizeof(float));
        return;
    case TYPE_DOUBLE:
        out->as.real = get_real(at, sizeof(double));
        return;
    case TYPE_DECIMAL:
        out->as.decimal = get_decimal(at, type);
        out->scale = (uint8_t)type.b;
        return;
    case TYPE_UUID:
        memcpy(out->as.uuid, at, sizeof out->as.uuid);
        return;
    case TYPE_INTERVAL:
        out->as.interval.months = (int32_t)get_u32(at);
        out->as.interval.days = (int32_t)get_u32(at + 4);
        out->as.interval.micros = (int64_t)get_u64(at + 8);
        return;
    case TYPE_VECTOR:
        out->as.vector.elements = (const float *)(const void *)at;
        out->as.vector.count = (uint32_t)type.a;
        return;
    default:
        out->as.integer = (int64_t)get_u64(at);
    }
}

void row_get(const RowLayout *layout, Slice row, uint32_t column, Value *out)
{
    Type type = layout->types[column];
    out->kind = type.kind;
    out->scale = 0;
    out->is_null = row_is_null(row, column);
    if (out->is_null)
        return;
    ASSERT(type.kind != TYPE_ARRAY);
    if (type_is_variable(type))
        out->as.bytes = variable_bytes(layout, row, column);
    else
        get_slot(row.data + layout->offset[column], type, out);
}

static Status get_array(Type type, Slice bytes, Arena *arena, Value *out, Error *error)
{
    Cursor cursor = cursor_of(bytes);
    Value value;
    TRY(value_decode(arena, &cursor, &value, error));
    bool good = cursor_is_done(&cursor) && value.kind == TYPE_ARRAY && !value.is_null;
    if (!good || (value.as.array->count > 0 && value.as.array->elements[0].kind != type.element))
        return error_set(error, STATUS_DATA_CORRUPTED, "malformed array in a row");
    *out = value;
    return OK;
}

Status row_get_in(const RowLayout *layout, Slice row, uint32_t column, Arena *arena, Value *out,
                  Error *error)
{
    Type type = layout->types[column];
    if (type.kind == TYPE_ARRAY && !row_is_null(row, column))
        return get_array(type, variable_bytes(layout, row, column), arena, out, error);
    row_get(layout, row, column, out);
    return OK;
}

/* ---- rows from outside ---- */

static bool is_zero(const uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (at[i] != 0)
            return false;
    }
    return true;
}

static bool slot_is_valid(const uint8_t *at, Type type)
{
    Value value;
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        return *at <= 1;
    case TYPE_TIME:
        return get_u64(at) <= (uint64_t)MICROS_PER_DAY;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return (int64_t)get_u64(at) != INT64_MIN;
    case TYPE_DATE:
        return (int32_t)get_u32(at) != INT32_MIN;
    case TYPE_DECIMAL:
        get_slot(at, type, &value);
        return decimal_digits(value.as.decimal) <=
               (unsigned)(type.a > 0 ? type.a : DECIMAL_PRECISION_MAX);
    default:
        return true;
    }
}

static bool bytes_are_valid(Slice bytes, Type type)
{
    if (type.kind == TYPE_BYTEA)
        return true;
    if (type.kind != TYPE_ARRAY)
        return slice_is_utf8_text(bytes);
    Cursor cursor = cursor_of(bytes);
    return bytes.size >= 2 && bytes.data[0] == TYPE_ARRAY && bytes.data[1] == 0 &&
           value_check(&cursor) && cursor_is_done(&cursor);
}

bool row_check(const RowLayout *layout, Slice row)
{
    if (row.size < layout->fixed_size || row.size > ROW_BYTES_MAX)
        return false;
    uint32_t count = layout->column_count;
    if (count % 8 != 0 && row.data[count / 8] >> (count % 8) != 0)
        return false;
    uint32_t end = layout->fixed_size;
    for (uint32_t c = 0; c < count; c++) {
        Type type = layout->types[c];
        const uint8_t *slot = row.data + layout->offset[c];
        bool is_null = row_is_null(row, c);
        if (!type_is_variable(type)) {
            if (is_null ? !is_zero(slot, slot_size(type)) : !slot_is_valid(slot, type))
                return false;
            continue;
        }
        uint32_t begin = end;
        end = get_u32(slot);
        if (end < begin || end > row.size || (is_null && end != begin))
            return false;
        if (!is_null && !bytes_are_valid(slice_of(row.data + begin, end - begin), type))
            return false;
    }
    return end == row.size;
}
