/* Bounds of columns in Iceberg's binary form: integers and floats little-endian, decimals as the
 * shortest big-endian two's complement, texts as UTF-8, everything else as its bytes. */
#include <endian.h>
#include <math.h>

#include "cold/iceberg.h"

/* ---- writing ---- */

static bool put_real(Buffer *out, double real, bool is_float, bool is_upper)
{
    if (isnan(real))
        return false;
    if (real == 0) /* a reader that tells zeros apart must find both between the bounds */
        real = is_upper ? 0.0 : -0.0;
    float narrow = (float)real;
    uint64_t bits = 0;
    uint32_t narrow_bits;
    memcpy(&bits, &real, sizeof bits);
    memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
    if (is_float)
        buffer_put_u32(out, narrow_bits);
    else
        buffer_put_u64(out, bits);
    return true;
}

static void put_decimal(Buffer *out, Int128 value)
{
    uint8_t bytes[16];
    for (int i = 0; i < 16; i++)
        bytes[15 - i] = (uint8_t)((unsigned __int128)value >> (8 * i));
    size_t begin = 0;
    while (begin < 15 && ((bytes[begin] == 0x00 && bytes[begin + 1] < 0x80) ||
                          (bytes[begin] == 0xff && bytes[begin + 1] >= 0x80)))
        begin++;
    buffer_put(out, bytes + begin, 16 - begin);
}

/* The longest prefix of whole characters, at most ICEBERG_BOUND_BYTES_MAX bytes. */
static Slice cut_text(Slice text)
{
    size_t size = ICEBERG_BOUND_BYTES_MAX;
    while (size > 0 && (text.data[size] & 0xc0) == 0x80)
        size--;
    return slice_of(text.data, size);
}

static size_t character_begin(const uint8_t *bytes, size_t end)
{
    size_t begin = end - 1;
    while (begin > 0 && (bytes[begin] & 0xc0) == 0x80)
        begin--;
    return begin;
}

/* The bytes that follow those of one character in order. They may be no character (a surrogate,
 * the end of a length): the caller looks. */
static bool increment_character(uint8_t *at, size_t size)
{
    for (size_t i = size; i-- > 1;) {
        if (at[i] < 0xbf) {
            at[i]++;
            return true;
        }
        at[i] = 0x80;
    }
    return ++at[0] != 0;
}

/* A cut upper bound must be above what was cut: the last character that can be incremented is, and
 * what follows it goes. */
static bool put_cut_upper_text(Buffer *out, Slice cut)
{
    uint8_t bytes[ICEBERG_BOUND_BYTES_MAX];
    uint8_t kept[4];
    memcpy(bytes, cut.data, cut.size);
    for (size_t end = cut.size; end > 0;) {
        size_t begin = character_begin(bytes, end);
        if (end - begin > 4)
            return false;
        memcpy(kept, bytes + begin, end - begin);
        if (increment_character(bytes + begin, end - begin) &&
            slice_is_utf8_text(slice_of(bytes, end))) {
            buffer_put(out, bytes, end);
            return true;
        }
        memcpy(bytes + begin, kept, end - begin);
        end = begin;
    }
    return false;
}

static bool put_text(Buffer *out, Slice text, bool is_upper)
{
    if (text.size <= ICEBERG_BOUND_BYTES_MAX) {
        buffer_put_slice(out, text);
        return true;
    }
    Slice cut = cut_text(text);
    if (is_upper)
        return put_cut_upper_text(out, cut);
    buffer_put_slice(out, cut);
    return true;
}

static bool put_binary(Buffer *out, Slice bytes, bool is_upper)
{
    if (bytes.size <= ICEBERG_BOUND_BYTES_MAX || !is_upper) {
        buffer_put_slice(out, slice_part(bytes, 0, ICEBERG_BOUND_BYTES_MAX));
        return true;
    }
    size_t end = ICEBERG_BOUND_BYTES_MAX;
    while (end > 0 && bytes.data[end - 1] == 0xff)
        end--;
    if (end == 0)
        return false;
    buffer_put(out, bytes.data, end - 1);
    buffer_put_u8(out, (uint8_t)(bytes.data[end - 1] + 1));
    return true;
}

bool iceberg_put_bound(Buffer *out, const Value *value, bool is_upper)
{
    if (value->is_null)
        return false;
    switch ((TypeKind)value->kind) {
    case TYPE_BOOLEAN:
        buffer_put_u8(out, value->as.boolean);
        return true;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_DATE:
        buffer_put_u32(out, (uint32_t)value->as.integer);
        return true;
    case TYPE_BIGINT:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        buffer_put_u64(out, (uint64_t)value->as.integer);
        return true;
    case TYPE_REAL:
    case TYPE_DOUBLE:
        return put_real(out, value->as.real, value->kind == TYPE_REAL, is_upper);
    case TYPE_DECIMAL:
        put_decimal(out, value->as.decimal);
        return true;
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_JSON:
    case TYPE_JSONB:
        return put_text(out, value->as.bytes, is_upper);
    case TYPE_BYTEA:
        return put_binary(out, value->as.bytes, is_upper);
    case TYPE_UUID:
        buffer_put(out, value->as.uuid, sizeof value->as.uuid);
        return true;
    default:
        return false;
    }
}

/* ---- reading ---- */

static int64_t little_endian(Slice bytes)
{
    uint64_t bits = 0;
    memcpy(&bits, bytes.data, bytes.size);
    bits = le64toh(bits);
    return bytes.size == 4 ? (int32_t)(uint32_t)bits : (int64_t)bits;
}

static bool read_integer(TypeKind narrow, TypeKind wide, Slice bytes, Value *out)
{
    if (bytes.size != 8 && (bytes.size != 4 || narrow == TYPE_UNKNOWN))
        return false;
    if (bytes.size == 8 && wide == TYPE_UNKNOWN)
        return false;
    *out = value_integer(bytes.size == 4 ? narrow : wide, little_endian(bytes));
    return true;
}

static bool read_real(Slice bytes, Value *out)
{
    if (bytes.size != 4 && bytes.size != 8)
        return false;
    float narrow;
    memcpy(&narrow, bytes.data, sizeof narrow);
    *out = value_double((double)narrow);
    if (bytes.size == 4)
        out->kind = TYPE_REAL;
    else
        memcpy(&out->as.real, bytes.data, sizeof out->as.real);
    return true;
}

static bool read_decimal(uint8_t scale, Slice bytes, Value *out)
{
    if (bytes.size == 0 || bytes.size > 16)
        return false;
    unsigned __int128 bits = bytes.data[0] & 0x80 ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < bytes.size; i++)
        bits = bits << 8 | bytes.data[i];
    *out = value_decimal((Int128)bits, scale);
    return true;
}

bool iceberg_read_bound(const IcebergField *field, Slice bytes, Value *out)
{
    switch (field->kind) {
    case ICEBERG_OTHER:
        return false;
    case ICEBERG_BOOLEAN:
        *out = value_boolean(bytes.size == 1 && bytes.data[0] != 0);
        return bytes.size == 1;
    case ICEBERG_INT:
    case ICEBERG_LONG:
        return read_integer(TYPE_INTEGER, TYPE_BIGINT, bytes, out);
    case ICEBERG_DATE:
        return read_integer(TYPE_DATE, TYPE_UNKNOWN, bytes, out);
    case ICEBERG_TIME:
        return read_integer(TYPE_UNKNOWN, TYPE_TIME, bytes, out);
    case ICEBERG_TIMESTAMP:
        return read_integer(TYPE_UNKNOWN, TYPE_TIMESTAMP, bytes, out);
    case ICEBERG_TIMESTAMPTZ:
        return read_integer(TYPE_UNKNOWN, TYPE_TIMESTAMPTZ, bytes, out);
    case ICEBERG_FLOAT:
    case ICEBERG_DOUBLE:
        return read_real(bytes, out);
    case ICEBERG_DECIMAL:
        return read_decimal(field->scale, bytes, out);
    case ICEBERG_STRING:
        *out = value_bytes(TYPE_TEXT, bytes);
        return true;
    case ICEBERG_BINARY:
        *out = value_bytes(TYPE_BYTEA, bytes);
        return true;
    case ICEBERG_UUID:
        *out = (Value){.kind = TYPE_UUID};
        if (bytes.size == sizeof out->as.uuid)
            memcpy(out->as.uuid, bytes.data, sizeof out->as.uuid);
        return bytes.size == sizeof out->as.uuid;
    }
    return false;
}
