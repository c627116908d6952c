/* Text: lengths, cases, parts and places. Characters are code points. */
#include "types/function_int.h"
#include "types/text_case_int.h"

static Slice text_argument(const Value *arguments, uint32_t i)
{
    return arguments[i].as.bytes;
}

static Status text_done(Slice text, Value *result)
{
    *result = value_text(text);
    return OK;
}

static Status integer_done(int64_t n, Value *result)
{
    *result = value_integer(TYPE_INTEGER, n);
    return OK;
}

/* ---- lengths ---- */

FUNCTION(text_length)
{
    return integer_done((int64_t)text_length(text_argument(arguments, 0)), result);
}

FUNCTION(text_octet_length)
{
    return integer_done((int64_t)text_argument(arguments, 0).size, result);
}

FUNCTION(text_bit_length)
{
    return integer_done((int64_t)text_argument(arguments, 0).size * 8, result);
}

FUNCTION(text_ascii)
{
    Slice text = text_argument(arguments, 0);
    size_t size;
    return integer_done(text.size == 0 ? 0 : text_code_point(text, 0, &size), result);
}

/* ---- joining and comparing ---- */

FUNCTION(text_concat)
{
    Slice a = text_argument(arguments, 0);
    Slice b = text_argument(arguments, 1);
    uint8_t *out;
    TRY(text_room(context, a.size + b.size, &out, error));
    if (a.size > 0)
        memcpy(out, a.data, a.size);
    if (b.size > 0)
        memcpy(out + a.size, b.data, b.size);
    return text_done(slice_of(out, a.size + b.size), result);
}

FUNCTION(text_starts_with)
{
    *result =
        value_boolean(slice_starts_with(text_argument(arguments, 0), text_argument(arguments, 1)));
    return OK;
}

/* ---- case ---- */

static bool is_ascii(Slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= 0x80)
            return false;
    }
    return true;
}

static void map_ascii(Slice text, bool upper, uint8_t *out)
{
    for (size_t i = 0; i < text.size; i++)
        out[i] = upper ? text_upper_ascii(text.data[i]) : text_lower_ascii(text.data[i]);
}

/* A code point's mapping takes at most one byte more for each of its own (ȿ, 2 bytes, to Ȿ, 3). */
static Status map_case(EvaluationContext *context, Slice text, bool upper, Slice *out, Error *error)
{
    uint8_t *bytes;
    bool ascii = is_ascii(text);
    TRY(text_room(context, ascii ? text.size : text.size * 2, &bytes, error));
    size_t size = ascii ? text.size : 0;
    if (ascii)
        map_ascii(text, upper, bytes);
    for (size_t at = 0, step; !ascii && at < text.size; at += step) {
        uint32_t code = text_code_point(text, at, &step);
        size += text_encode(upper ? text_upper_code(code) : text_lower_code(code), bytes + size);
    }
    *out = slice_of(bytes, size);
    return OK;
}

Status text_to_lower(EvaluationContext *context, Slice text, Slice *out, Error *error)
{
    return map_case(context, text, false, out, error);
}

FUNCTION(text_lower)
{
    Slice text;
    TRY(map_case(context, text_argument(arguments, 0), false, &text, error));
    return text_done(text, result);
}

FUNCTION(text_upper)
{
    Slice text;
    TRY(map_case(context, text_argument(arguments, 0), true, &text, error));
    return text_done(text, result);
}

/* Words are runs of letters and digits. */
FUNCTION(text_initcap)
{
    Slice text = text_argument(arguments, 0);
    uint8_t *out;
    TRY(text_room(context, text.size * 2, &out, error));
    size_t size = 0;
    bool in_word = false;
    for (size_t at = 0, step; at < text.size; at += step) {
        uint32_t code = text_code_point(text, at, &step);
        code = in_word ? text_lower_code(code) : text_upper_code(code);
        in_word = text_is_letter_or_digit(code);
        size += text_encode(code, out + size);
    }
    return text_done(slice_of(out, size), result);
}

/* ---- parts ---- */

/* Characters [from, to), counted from 1; `to` INT64_MAX: the end. */
static Slice part(Slice text, int64_t from, int64_t to)
{
    from = from < 1 ? 1 : from;
    if (to <= from)
        return slice_part(text, 0, 0);
    size_t begin = text_offset(text, (size_t)from - 1);
    Slice rest = slice_part(text, begin, text.size);
    return to == INT64_MAX ? rest : slice_part(rest, 0, text_offset(rest, (size_t)(to - from)));
}

/* Where a part of `length` from `from` on ends; beyond INTEGER: at the end. */
static Status part_end(int64_t from, int64_t length, int64_t *out, Error *error)
{
    if (length < 0)
        return error_set(error, STATUS_SUBSTRING_ERROR, "negative substring length not allowed");
    *out = from + length > INT32_MAX ? INT64_MAX : from + length;
    return OK;
}

FUNCTION(text_substring)
{
    int64_t from = arguments[1].as.integer;
    int64_t to = INT64_MAX;
    if (count > 2)
        TRY(part_end(from, arguments[2].as.integer, &to, error));
    return text_done(part(text_argument(arguments, 0), from, to), result);
}

FUNCTION(bytea_substring)
{
    Slice bytes = text_argument(arguments, 0);
    int64_t from = arguments[1].as.integer;
    int64_t to = INT64_MAX;
    if (count > 2)
        TRY(part_end(from, arguments[2].as.integer, &to, error));
    from = from < 1 ? 1 : from;
    size_t size = to <= from ? 0 : to == INT64_MAX ? bytes.size : (size_t)(to - from);
    *result = value_bytes(TYPE_BYTEA, slice_part(bytes, (size_t)from - 1, size));
    return OK;
}

FUNCTION(text_left)
{
    Slice text = text_argument(arguments, 0);
    int64_t n = arguments[1].as.integer;
    if (n < 0)
        n += (int64_t)text_length(text);
    return text_done(part(text, 1, n < 0 ? 1 : n + 1), result);
}

FUNCTION(text_right)
{
    Slice text = text_argument(arguments, 0);
    int64_t n = arguments[1].as.integer;
    int64_t skipped = n < 0 ? -n : (int64_t)text_length(text) - n;
    if (n == INT32_MIN) /* has no opposite in PostgreSQL's arithmetic, and skips nothing there */
        skipped = 0;
    return text_done(part(text, skipped + 1, INT64_MAX), result);
}

static Status overlay(EvaluationContext *context, const Value *arguments, int64_t length,
                      Value *result, Error *error)
{
    Slice text = text_argument(arguments, 0);
    Slice over = text_argument(arguments, 1);
    int64_t from = arguments[2].as.integer;
    if (from <= 0)
        return error_set(error, STATUS_SUBSTRING_ERROR, "negative substring length not allowed");
    int64_t end = from + length;
    if (end > INT32_MAX || end < INT32_MIN)
        return integer_out_of_range(TYPE_INTEGER, error);
    Slice head = part(text, 1, from);
    Slice tail = part(text, end, INT64_MAX);
    uint8_t *out;
    size_t size = head.size + over.size + tail.size;
    TRY(text_room(context, size, &out, error));
    const Slice parts[] = {head, over, tail};
    for (size_t i = 0, at = 0; i < 3; at += parts[i++].size) {
        if (parts[i].size > 0)
            memcpy(out + at, parts[i].data, parts[i].size);
    }
    return text_done(slice_of(out, size), result);
}

FUNCTION(text_overlay)
{
    int64_t length =
        count > 3 ? arguments[3].as.integer : (int64_t)text_length(text_argument(arguments, 1));
    return overlay(context, arguments, length, result, error);
}

/* ---- places ---- */

size_t text_find(Slice text, Slice wanted, size_t from)
{
    if (from > text.size || wanted.size > text.size - from)
        return SIZE_MAX;
    if (wanted.size == 0)
        return from;
    const uint8_t *at = memmem(text.data + from, text.size - from, wanted.data, wanted.size);
    return at == NULL ? SIZE_MAX : (size_t)(at - text.data);
}

FUNCTION(text_position)
{
    Slice text = text_argument(arguments, 0);
    size_t at = text_find(text, text_argument(arguments, 1), 0);
    size_t characters = at == SIZE_MAX ? 0 : text_length(slice_part(text, 0, at)) + 1;
    return integer_done((int64_t)characters, result);
}

FUNCTION(bytea_position)
{
    size_t at = text_find(text_argument(arguments, 0), text_argument(arguments, 1), 0);
    return integer_done(at == SIZE_MAX ? 0 : (int64_t)at + 1, result);
}

static int64_t count_fields(Slice text, Slice separator)
{
    int64_t fields = 1;
    for (size_t at = 0; (at = text_find(text, separator, at)) != SIZE_MAX; at += separator.size)
        fields++;
    return fields;
}

/* Fields are counted from 1, or from the end where `number` is negative. */
static Slice field(Slice text, Slice separator, int64_t number)
{
    if (text.size == 0)
        return text;
    if (separator.size == 0)
        return number == 1 || number == -1 ? text : SLICE_EMPTY;
    if (number < 0)
        number += count_fields(text, separator) + 1;
    size_t begin = 0;
    for (int64_t i = 1; number > 0; i++) {
        size_t end = text_find(text, separator, begin);
        if (i == number)
            return slice_part(text, begin, end == SIZE_MAX ? text.size : end - begin);
        if (end == SIZE_MAX)
            break;
        begin = end + separator.size;
    }
    return SLICE_EMPTY;
}

FUNCTION(text_split_part)
{
    int64_t number = arguments[2].as.integer;
    if (number == 0)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "field position must not be zero");
    return text_done(field(text_argument(arguments, 0), text_argument(arguments, 1), number),
                     result);
}

/* ---- one character ---- */

FUNCTION(int4_chr)
{
    int64_t code = arguments[0].as.integer;
    if (code < 0)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "character number must be positive");
    if (code == 0)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "null character not permitted");
    if (code > 0x10ffff)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "requested character too large for encoding: %lld", (long long)code);
    if (code >= 0xd800 && code <= 0xdfff)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "requested character not valid for encoding: %lld", (long long)code);
    uint8_t *out;
    TRY(text_room(context, 4, &out, error));
    return text_done(slice_of(out, text_encode((uint32_t)code, out)), result);
}
