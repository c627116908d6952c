#include "types/key.h"

#include <endian.h>
#include <math.h>

#include "base/assert.h"
#include "types/calendar_int.h"
#include "types/decimal_int.h"

enum {
    TAG_NULL = 0x01,
    TAG_VALUE = 0x02,
    ESCAPE_END = 0x01,  /* behind 0x00: the text ends */
    ESCAPE_ZERO = 0xff, /* behind 0x00: a zero byte of the text */
};

#define SIGN_BIT ((uint64_t)1 << 63)

/* ---- writing ---- */

static uint64_t ordered_double(double x)
{
    uint64_t bits;
    if (isnan(x))
        return UINT64_MAX;
    x = x == 0 ? 0.0 : x;
    memcpy(&bits, &x, sizeof bits);
    return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

static uint8_t *put_u64(uint8_t *at, uint64_t n)
{
    n = htobe64(n);
    memcpy(at, &n, sizeof n);
    return at + sizeof n;
}

static uint8_t *put_escaped(uint8_t *at, Slice s)
{
    while (s.size > 0) {
        size_t run = slice_find(s, 0);
        memcpy(at, s.data, run);
        at += run;
        if (run == s.size)
            break;
        *at++ = 0;
        *at++ = ESCAPE_ZERO;
        s = slice_part(s, run + 1, s.size);
    }
    *at++ = 0;
    *at++ = ESCAPE_END;
    return at;
}

static Slice without_blanks(Type type, Slice s)
{
    while (type.kind == TYPE_CHAR && s.size > 0 && s.data[s.size - 1] == ' ')
        s.size--;
    return s;
}

static uint8_t *put_decimal(uint8_t *at, Type type, const Value *value)
{
    Int128 n = value->as.decimal;
    if (type.a > 0 && value->scale != type.b)
        ASSERT(decimal_rescale(n, value->scale, (unsigned)type.b, &n));
    at = put_u64(at, (uint64_t)(n >> 64) ^ SIGN_BIT);
    return put_u64(at, (uint64_t)n);
}

static bool is_text_family(Type type)
{
    return type_is_text(type) || type.kind == TYPE_BYTEA;
}

/* Tag and body, where `at` has the room that part_room says. */
static uint8_t *put_part(uint8_t *at, Type type, const Value *value)
{
    if (value->is_null) {
        *at++ = TAG_NULL;
        return at;
    }
    *at++ = TAG_VALUE;
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        *at++ = value->as.boolean;
        return at;
    case TYPE_REAL:
    case TYPE_DOUBLE:
        return put_u64(at, ordered_double(value->as.real));
    case TYPE_DECIMAL:
        return put_decimal(at, type, value);
    case TYPE_UUID:
        memcpy(at, value->as.uuid, sizeof value->as.uuid);
        return at + sizeof value->as.uuid;
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_BYTEA:
        return put_escaped(at, without_blanks(type, value->as.bytes));
    default:
        ASSERT(type_is_keyable(type));
        return put_u64(at, (uint64_t)value->as.integer ^ SIGN_BIT);
    }
}

/* At most so many bytes. */
static size_t part_room(Type type, const Value *value)
{
    return is_text_family(type) && !value->is_null ? 3 + 2 * value->as.bytes.size : 17;
}

void key_put_owner(Buffer *out, OwnerId owner)
{
    buffer_put_u32_big(out, owner);
}

void key_put_value(Buffer *out, Type type, const Value *value)
{
    uint8_t *at = buffer_reserve(out, part_room(type, value));
    if (at != NULL)
        out->size += (size_t)(put_part(at, type, value) - at);
}

static Status too_long(size_t size, Error *error)
{
    return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                     "key is too long: %zu bytes (maximum %d)", size, KEY_BYTES_MAX);
}

static Status null_in_key(const Column *column, Error *error)
{
    return error_set(error, STATUS_NOT_NULL_VIOLATION,
                     "null value in column \"%.*s\" violates not-null constraint",
                     SLICE_ARGUMENTS(column->name));
}

/* A long text is refused before room for it is made. */
static Status put_column(const Column *column, const Value *value, Buffer *out, Error *error)
{
    if (value->is_null)
        return null_in_key(column, error);
    if (is_text_family(column->type) && value->as.bytes.size > KEY_BYTES_MAX)
        return too_long(value->as.bytes.size, error);
    key_put_value(out, column->type, value);
    return OK;
}

static void begin(const Schema *schema, OwnerId owner, Buffer *out)
{
    buffer_clear(out);
    if (schema_has_owner(schema))
        key_put_owner(out, owner);
}

static Status finish(const Buffer *out, Error *error)
{
    return out->size > KEY_BYTES_MAX ? too_long(out->size, error) : buffer_status(out, error);
}

Status key_of_row(const Schema *schema, OwnerId owner, Slice row, Buffer *out, Error *error)
{
    begin(schema, owner, out);
    for (uint32_t k = 0; k < schema->key_count; k++) {
        uint16_t column = schema->key_columns[k];
        Value value;
        row_get(&schema->layout, row, column, &value);
        TRY(put_column(&schema->columns[column], &value, out, error));
    }
    return finish(out, error);
}

/* A decimal with more digits than its column is no key of it, and must not be rounded to one. */
static Status check_scale(Type type, const Value *value, Error *error)
{
    if (type.kind != TYPE_DECIMAL || value->is_null || value->scale == type.b)
        return OK;
    Int128 n;
    if (decimal_rescale(value->as.decimal, value->scale, (unsigned)type.b, &n) &&
        decimal_compare((Decimal){n, (unsigned)type.b}, decimal_of(value)) == 0)
        return OK;
    return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                     "a key value does not fit its column's precision and scale");
}

Status key_of_values(const Schema *schema, OwnerId owner, const Value *values, uint32_t count,
                     Buffer *out, Error *error)
{
    ASSERT(count <= schema->key_count);
    begin(schema, owner, out);
    for (uint32_t k = 0; k < count; k++) {
        const Column *column = &schema->columns[schema->key_columns[k]];
        TRY(check_scale(column->type, &values[k], error));
        TRY(put_column(column, &values[k], out, error));
    }
    return finish(out, error);
}

bool key_after_prefix(Buffer *prefix)
{
    while (prefix->size > 0 && prefix->data[prefix->size - 1] == 0xff)
        prefix->size--;
    if (prefix->size == 0)
        return false;
    prefix->data[prefix->size - 1]++;
    return true;
}

/* ---- reading ---- */

OwnerId key_owner(Slice key)
{
    ASSERT(key.size >= OWNER_BYTES);
    Cursor cursor = cursor_of(key);
    return cursor_u32_big(&cursor);
}

static bool read_double(Cursor *cursor, TypeKind kind, Value *out)
{
    uint64_t bits = cursor_u64_big(cursor);
    bits = bits & SIGN_BIT ? bits ^ SIGN_BIT : ~bits;
    memcpy(&out->as.real, &bits, sizeof bits);
    double x = out->as.real;
    if (isnan(x))
        out->as.real = (double)NAN;
    return kind == TYPE_DOUBLE || isnan(x) || (double)(float)x == x;
}

static bool read_decimal(Cursor *cursor, Type type, Value *out)
{
    uint64_t high = cursor_u64_big(cursor) ^ SIGN_BIT;
    uint64_t low = cursor_u64_big(cursor);
    out->as.decimal = (Int128)((unsigned __int128)high << 64 | low);
    out->scale = (uint8_t)type.b;
    return decimal_fits(out->as.decimal);
}

/* The end of an escaped text: the offset of its 0x00 0x01, or SIZE_MAX; counts its zero bytes. */
static size_t find_end(Slice s, size_t *zeros)
{
    *zeros = 0;
    for (size_t at = 0;;) {
        at += slice_find(slice_part(s, at, s.size), 0);
        if (at + 1 >= s.size || (s.data[at + 1] != ESCAPE_END && s.data[at + 1] != ESCAPE_ZERO))
            return SIZE_MAX;
        if (s.data[at + 1] == ESCAPE_END)
            return at;
        ++*zeros;
        at += 2;
    }
}

static Status unescape(Arena *arena, Slice s, size_t zeros, Slice *out, Error *error)
{
    if (zeros == 0) {
        *out = s;
        return OK;
    }
    uint8_t *bytes = arena_allocate(arena, s.size);
    if (bytes == NULL)
        return arena_error(arena, error);
    size_t size = 0;
    for (size_t at = 0; at < s.size; at++) {
        bytes[size++] = s.data[at];
        at += s.data[at] == 0;
    }
    *out = slice_of(bytes, size);
    return OK;
}

static Status damaged(Error *error)
{
    return error_set(error, STATUS_DATA_CORRUPTED, "malformed key");
}

static Status read_bytes(Cursor *cursor, Type type, Arena *arena, Value *out, Error *error)
{
    Slice rest = slice_of(cursor->at, cursor_rest(cursor));
    size_t zeros;
    size_t end = find_end(rest, &zeros);
    if (end == SIZE_MAX)
        return damaged(error);
    TRY(unescape(arena, slice_part(rest, 0, end), zeros, &out->as.bytes, error));
    cursor_skip(cursor, end + 2);
    bool good = type.kind == TYPE_BYTEA || slice_is_utf8_text(out->as.bytes);
    return good ? OK : damaged(error);
}

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
    default:
        return true;
    }
}

static bool read_fixed(Cursor *cursor, Type type, Value *out)
{
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN: {
        uint8_t byte = cursor_u8(cursor);
        out->as.boolean = byte == 1;
        return byte <= 1;
    }
    case TYPE_REAL:
    case TYPE_DOUBLE:
        return read_double(cursor, (TypeKind)type.kind, out);
    case TYPE_DECIMAL:
        return read_decimal(cursor, type, out);
    case TYPE_UUID: {
        Slice bytes = cursor_bytes(cursor, sizeof out->as.uuid);
        if (bytes.size == sizeof out->as.uuid)
            memcpy(out->as.uuid, bytes.data, sizeof out->as.uuid);
        return true;
    }
    default:
        out->as.integer = (int64_t)(cursor_u64_big(cursor) ^ SIGN_BIT);
        return type_is_keyable(type) && integer_fits((TypeKind)type.kind, out->as.integer);
    }
}

static Status read_part(Cursor *cursor, Type type, Arena *arena, Value *out, Error *error)
{
    uint8_t tag = cursor_u8(cursor);
    *out = value_null((TypeKind)type.kind);
    if (!cursor->failed && tag == TAG_NULL)
        return OK;
    if (cursor->failed || tag != TAG_VALUE)
        return damaged(error);
    out->is_null = false;
    if (is_text_family(type))
        return read_bytes(cursor, type, arena, out, error);
    return read_fixed(cursor, type, out) && !cursor->failed ? OK : damaged(error);
}

Status key_to_values(const Schema *schema, Slice key, Arena *arena, Value *out, Error *error)
{
    Cursor cursor = cursor_of(key);
    if (schema_has_owner(schema))
        cursor_skip(&cursor, OWNER_BYTES);
    for (uint32_t k = 0; k < schema->key_count; k++) {
        Type type = schema->columns[schema->key_columns[k]].type;
        TRY(read_part(&cursor, type, arena, &out[k], error));
    }
    return cursor_is_done(&cursor) ? OK : damaged(error);
}

static Status put_parts(const Schema *schema, Slice key, Arena *arena, Buffer *out, Error *error)
{
    Value *values = ARENA_ARRAY(arena, Value, schema->key_count);
    if (values == NULL)
        return arena_error(arena, error);
    TRY(key_to_values(schema, key, arena, values, error));
    buffer_put_text(out, "(");
    for (uint32_t k = 0; k < schema->key_count; k++) {
        buffer_put_text(out, k == 0 ? "" : ", ");
        if (values[k].is_null)
            buffer_put_text(out, "null");
        else
            value_put_text(out, schema->columns[schema->key_columns[k]].type, &values[k]);
    }
    buffer_put_text(out, ")");
    return OK;
}

void key_put_text(const Schema *schema, Slice key, Buffer *out)
{
    Arena arena;
    Error error;
    arena_open(&arena, 0);
    if (put_parts(schema, key, &arena, out, &error) != OK)
        buffer_put_text(out, "?");
    arena_close(&arena);
}
