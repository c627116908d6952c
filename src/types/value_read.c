/* Values from PostgreSQL's text. */
#include <math.h>
#include <stdlib.h>

#include "types/datetime_int.h"
#include "types/decimal_int.h"
#include "types/json_int.h"
#include "types/text_int.h"
#include "types/value_read_int.h"

static Status bad_syntax(Type type, Slice text, Error *error)
{
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(type, name);
    return error_set(error, STATUS_INVALID_TEXT_REPRESENTATION,
                     "invalid input syntax for type %s: \"%.*s\"", name, SLICE_ARGUMENTS(text));
}

/* ---- booleans and numbers ---- */

/* Any beginning of `word` that says which word it is. */
static bool is_prefix(Slice s, const char *word, size_t size_min)
{
    Slice whole = slice_of_text(word);
    return s.size >= size_min && s.size <= whole.size &&
           slice_equal_ignoring_case(s, slice_part(whole, 0, s.size));
}

static Status read_boolean(Slice text, Value *out, Error *error)
{
    Slice s = slice_trim(text);
    bool yes = is_prefix(s, "true", 1) || is_prefix(s, "yes", 1) || is_prefix(s, "on", 2) ||
               is_prefix(s, "1", 1);
    bool no = is_prefix(s, "false", 1) || is_prefix(s, "no", 1) || is_prefix(s, "off", 2) ||
              is_prefix(s, "0", 1);
    if (!yes && !no)
        return bad_syntax(TYPE(BOOLEAN), text, error);
    *out = value_boolean(yes);
    return OK;
}

/* What is too long is out of range even where something else follows, as in PostgreSQL. */
static Status read_integer(Type type, Slice text, Value *out, Error *error)
{
    Slice s = slice_trim(text);
    char name[TYPE_NAME_BYTES_MAX];
    int64_t limit = type.kind == TYPE_SMALLINT  ? INT16_MAX
                    : type.kind == TYPE_INTEGER ? INT32_MAX
                                                : INT64_MAX;
    bool negative = s.size > 0 && s.data[0] == '-';
    size_t begin = s.size > 0 && (s.data[0] == '-' || s.data[0] == '+');
    size_t at = begin;
    Int128 n = 0;
    for (; at < s.size && text_is_digit(s.data[at]) && n <= (Int128)limit + 1; at++)
        n = n * 10 + (s.data[at] - '0');
    bool is_whole = at == s.size && at > begin;
    if (n > (Int128)limit + 1 || (is_whole && n > limit && !negative)) {
        type_postgres_name(type, name);
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "value \"%.*s\" is out of range for type %s", SLICE_ARGUMENTS(text), name);
    }
    if (!is_whole)
        return bad_syntax(type, text, error);
    *out = value_integer((TypeKind)type.kind, (int64_t)(negative ? -n : n));
    return OK;
}

/* "0x1.8p3", which C reads and PostgreSQL therefore too. */
static bool read_hexadecimal(Slice s, double *out)
{
    enum { HEXADECIMAL_BYTES_MAX = 100 };
    char text[HEXADECIMAL_BYTES_MAX];
    char *end = text;
    size_t sign = s.size > 0 && (s.data[0] == '-' || s.data[0] == '+');
    if (s.size < sign + 3 || s.size >= sizeof text || (s.data[sign + 1] | 0x20) != 'x')
        return false;
    memcpy(text, s.data, s.size);
    text[s.size] = '\0';
    *out = strtod(text, &end);
    return end == text + s.size;
}

static bool read_special_float(Slice s, double *out)
{
    bool negative = s.size > 0 && s.data[0] == '-';
    size_t sign = s.size > 0 && (s.data[0] == '-' || s.data[0] == '+');
    Slice word = slice_part(s, sign, s.size);
    if (slice_equal_ignoring_case(word, SLICE("nan"))) {
        *out = (double)NAN;
        return true;
    }
    *out = negative ? -INFINITY : INFINITY;
    return slice_equal_ignoring_case(word, SLICE("inf")) ||
           slice_equal_ignoring_case(word, SLICE("infinity"));
}

/* A number that became 0 although a digit of it was not has run out below. */
static bool has_digit_above_zero(Slice s)
{
    for (size_t i = 0; i < s.size && (s.data[i] | 0x20) != 'e'; i++) {
        if (s.data[i] >= '1' && s.data[i] <= '9')
            return true;
    }
    return false;
}

static size_t skip_digits(Slice s, size_t at)
{
    while (at < s.size && text_is_digit(s.data[at]))
        at++;
    return at;
}

/* The longest beginning that is a decimal number. */
static Slice number_prefix(Slice s)
{
    size_t begin = s.size > 0 && (s.data[0] == '-' || s.data[0] == '+');
    size_t at = skip_digits(s, begin);
    size_t digits = at - begin;
    if (at < s.size && s.data[at] == '.') {
        size_t end = skip_digits(s, at + 1);
        digits += end - at - 1;
        at = end;
    }
    if (digits == 0)
        return SLICE_EMPTY;
    if (at < s.size && (s.data[at] | 0x20) == 'e') {
        size_t exponent = at + 1;
        exponent += exponent < s.size && (s.data[exponent] == '-' || s.data[exponent] == '+');
        size_t end = skip_digits(s, exponent);
        at = end > exponent ? end : at;
    }
    return slice_part(s, 0, at);
}

/* As strtod has it: the number at the beginning must be in range before what follows counts. */
static Status read_float(Type type, Slice text, Value *out, Error *error)
{
    Slice s = slice_trim(text);
    Slice number = number_prefix(s);
    double x = 0;
    float narrow = 0;
    bool is_real = type.kind == TYPE_REAL;
    bool is_number = is_real ? slice_to_float(number, &narrow) : slice_to_double(number, &x);
    x = is_real ? (double)narrow : x;
    if (is_number && (isinf(x) || (x == 0 && has_digit_above_zero(number)))) {
        char name[TYPE_NAME_BYTES_MAX];
        type_postgres_name(type, name);
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "\"%.*s\" is out of range for type %s",
                         SLICE_ARGUMENTS(is_real ? text : number), name);
    }
    if (number.size != s.size || !is_number) {
        if (!read_special_float(s, &x) && !read_hexadecimal(s, &x))
            return bad_syntax(type, text, error);
    }
    *out = (Value){.kind = type.kind, .as.real = is_real ? (double)(float)x : x};
    return OK;
}

static Status read_decimal(Type type, Slice text, Value *out, Error *error)
{
    Decimal decimal;
    TRY(decimal_from_text(text, type, &decimal, error));
    *out = value_of_decimal(decimal);
    return OK;
}

/* ---- characters ---- */

Status text_apply_length(Type type, Slice text, bool cuts, Value *out, Error *error)
{
    size_t end = type.a > 0 ? text_offset(text, (size_t)type.a) : text.size;
    for (size_t i = end; i < text.size && !cuts; i++) {
        if (text.data[i] != ' ') {
            char name[TYPE_NAME_BYTES_MAX];
            type_postgres_name(type, name);
            return error_set(error, STATUS_STRING_DATA_RIGHT_TRUNCATION,
                             "value too long for type %s(%d)", name, type.a);
        }
    }
    Slice s = slice_part(text, 0, end);
    while (type.kind == TYPE_CHAR && s.size > 0 && s.data[s.size - 1] == ' ')
        s.size--;
    *out = value_bytes((TypeKind)type.kind, s);
    return OK;
}

/* ---- bytes ---- */

static Status odd_digits(Error *error)
{
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                     "invalid hexadecimal data: odd number of digits");
}

Status hex_decode(Arena *arena, Slice text, Slice *out, Error *error)
{
    uint8_t *bytes = arena_allocate(arena, text.size / 2);
    if (bytes == NULL)
        return arena_error(arena, error);
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++) {
        uint8_t c = text.data[at];
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r')
            continue;
        int high = text_hex_digit(c);
        if (high >= 0 && at + 1 == text.size)
            return odd_digits(error);
        at += high >= 0;
        int low = high < 0 ? -1 : text_hex_digit(text.data[at]);
        if (low < 0)
            return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                             "invalid hexadecimal digit: \"%.*s\"", (int)text_step(text, at),
                             (const char *)text.data + at);
        bytes[size++] = (uint8_t)(high << 4 | low);
    }
    *out = slice_of(bytes, size);
    return OK;
}

static bool is_octal(uint8_t c, uint8_t most)
{
    return c >= '0' && c <= most;
}

Status escape_decode(Arena *arena, Slice text, Slice *out, Error *error)
{
    uint8_t *bytes = arena_allocate(arena, text.size);
    if (bytes == NULL)
        return arena_error(arena, error);
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++) {
        Slice rest = slice_part(text, at + 1, 3);
        uint8_t c = text.data[at];
        if (c == '\\' && rest.size > 0 && rest.data[0] == '\\') {
            at++;
        } else if (c == '\\' && rest.size == 3 && is_octal(rest.data[0], '3') &&
                   is_octal(rest.data[1], '7') && is_octal(rest.data[2], '7')) {
            c = (uint8_t)((rest.data[0] - '0') << 6 | (rest.data[1] - '0') << 3 |
                          (rest.data[2] - '0'));
            at += 3;
        } else if (c == '\\') {
            return error_set(error, STATUS_INVALID_TEXT_REPRESENTATION,
                             "invalid input syntax for type bytea");
        }
        bytes[size++] = c;
    }
    *out = slice_of(bytes, size);
    return OK;
}

static Status read_bytea(Arena *arena, Slice text, Value *out, Error *error)
{
    Slice bytes;
    if (slice_starts_with(text, SLICE("\\x")))
        TRY(hex_decode(arena, slice_part(text, 2, text.size), &bytes, error));
    else
        TRY(escape_decode(arena, text, &bytes, error));
    *out = value_bytes(TYPE_BYTEA, bytes);
    return OK;
}

/* 32 digits, a hyphen allowed behind each group of four, braces around all. */
static bool read_uuid(Slice s, uint8_t out[16])
{
    size_t at = 0;
    bool braces = s.size > 0 && s.data[0] == '{';
    at += braces;
    for (int i = 0; i < 16; i++) {
        if (at + 2 > s.size)
            return false;
        int high = text_hex_digit(s.data[at]);
        int low = text_hex_digit(s.data[at + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
        at += 2;
        if (i % 2 == 1 && i < 15 && at < s.size && s.data[at] == '-')
            at++;
    }
    if (braces && (at >= s.size || s.data[at++] != '}'))
        return false;
    return at == s.size;
}

static Status read_uuid_value(Slice text, Value *out, Error *error)
{
    Value value = {.kind = TYPE_UUID};
    if (!read_uuid(text, value.as.uuid))
        return bad_syntax(TYPE(UUID), text, error);
    *out = value;
    return OK;
}

/* ---- dates and times ---- */

static Status read_datetime(Type type, Slice text, int64_t now_us, Value *out, Error *error)
{
    int64_t n;
    TRY(datetime_read((TypeKind)type.kind, text, now_us, &n, error));
    *out = value_integer((TypeKind)type.kind, n);
    return OK;
}

static Status read_interval(Slice text, Value *out, Error *error)
{
    Value value = {.kind = TYPE_INTERVAL};
    TRY(interval_read(text, &value.as.interval, error));
    *out = value;
    return OK;
}

static Status read_json(Arena *arena, Slice text, Value *out, Error *error)
{
    JsonValue *tree;
    TRY(json_parse(arena, text, &tree, error));
    *out = value_bytes(TYPE_JSON, text);
    return OK;
}

static Status no_input(Type type, Error *error)
{
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(type, name);
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "input of type %s is not supported",
                     name);
}

Status value_from_text_at(Arena *arena, Type type, Slice text, int64_t now_us, Value *out,
                          Error *error)
{
    switch ((TypeKind)type.kind) {
    case TYPE_UNKNOWN:
    case TYPE_TEXT:
        *out = value_bytes((TypeKind)type.kind, text);
        return OK;
    case TYPE_BOOLEAN:
        return read_boolean(text, out, error);
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
        return read_integer(type, text, out, error);
    case TYPE_REAL:
    case TYPE_DOUBLE:
        return read_float(type, text, out, error);
    case TYPE_DECIMAL:
        return read_decimal(type, text, out, error);
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return text_apply_length(type, text, false, out, error);
    case TYPE_BYTEA:
        return read_bytea(arena, text, out, error);
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return read_datetime(type, text, now_us, out, error);
    case TYPE_INTERVAL:
        return read_interval(text, out, error);
    case TYPE_UUID:
        return read_uuid_value(text, out, error);
    case TYPE_JSON:
        return read_json(arena, text, out, error);
    case TYPE_JSONB:
        return jsonb_from_text(arena, text, out, error);
    case TYPE_VECTOR:
        return vector_from_text(arena, type, text, out, error);
    case TYPE_ARRAY:
        return array_from_text(arena, type, text, now_us, out, error);
    case TYPE_RECORD:
    case TYPE_VOID:
    case TYPE_KIND_COUNT:
        break;
    }
    return no_input(type, error);
}

Status value_from_text(Arena *arena, Type type, Slice text, Value *out, Error *error)
{
    return value_from_text_at(arena, type, text, VALUE_NO_CLOCK, out, error);
}
