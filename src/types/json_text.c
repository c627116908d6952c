#include "types/json_int.h"

#include <stdlib.h>

#include "types/row.h"
#include "types/text_int.h"

/* PostgreSQL's limits for numeric: digits before and behind the point. */
enum { NUMBER_WHOLE_DIGITS_MAX = 131072, NUMBER_FRACTION_DIGITS_MAX = 16383 };

/* ---- reading ---- */

/* Would it be JSON but for a \u0000, which JSON allows and no text of ours can hold? A copy with
 * another character in its place says so. */
static bool has_zero_escape(Arena *arena, Slice text)
{
    char *copy = arena_text(arena, text);
    JsonValue *ignored;
    Error error;
    bool found = false;
    for (size_t i = 0; copy != NULL && i + 5 < text.size; i++) {
        if (copy[i] != '\\')
            continue;
        i++;
        if (memcmp(copy + i, "u0000", 5) == 0) {
            found = true;
            copy[i + 4] = '1';
        }
    }
    return found &&
           json_read(arena, slice_of(copy, text.size), JSON_DEPTH_MAX, &ignored, &error) == OK;
}

static Status explain(Arena *arena, Slice text, Error *error)
{
    char reason[ERROR_DETAIL_BYTES_MAX];
    memcpy(reason, error->message, sizeof reason);
    if (has_zero_escape(arena, text)) {
        Status status = error_set(error, STATUS_UNTRANSLATABLE_CHARACTER,
                                  "unsupported Unicode escape sequence");
        error_set_detail(error, "\\u0000 cannot be converted to text.");
        return status;
    }
    Status status =
        error_set(error, STATUS_INVALID_TEXT_REPRESENTATION, "invalid input syntax for type json");
    error_set_detail(error, "%s", reason);
    return status;
}

Status json_parse(Arena *arena, Slice text, JsonValue **out, Error *error)
{
    Status status = json_read(arena, text, JSON_DEPTH_MAX, out, error);
    return status == STATUS_INVALID_JSON_TEXT ? explain(arena, text, error) : status;
}

/* ---- normal form ---- */

static int compare_members(const void *x, const void *y)
{
    const JsonValue *a = x;
    const JsonValue *b = y;
    if (a->key.size != b->key.size)
        return a->key.size < b->key.size ? -1 : 1;
    int order = slice_compare(a->key, b->key);
    if (order != 0)
        return order;
    return a->raw.data < b->raw.data ? -1 : a->raw.data > b->raw.data;
}

/* Of equal keys, now side by side in the order they were written, the last one stays. */
static uint32_t drop_doubles(JsonValue *members, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count || !slice_equal(members[i].key, members[i + 1].key);
        if (is_last)
            members[kept++] = members[i];
    }
    return kept;
}

void json_sort_members(JsonValue *object)
{
    if (object->count > 1)
        qsort(object->children, object->count, sizeof *object->children, compare_members);
}

typedef struct NumberParts {
    bool negative;
    Slice whole;
    Slice fraction;
    int64_t exponent;
} NumberParts;

static size_t skip_digits(Slice s, size_t at)
{
    while (at < s.size && text_is_digit(s.data[at]))
        at++;
    return at;
}

static NumberParts split_number(Slice s)
{
    NumberParts parts = {.negative = s.size > 0 && s.data[0] == '-'};
    size_t begin = parts.negative;
    size_t at = skip_digits(s, begin);
    parts.whole = slice_part(s, begin, at - begin);
    if (at < s.size && s.data[at] == '.') {
        size_t end = skip_digits(s, at + 1);
        parts.fraction = slice_part(s, at + 1, end - at - 1);
        at = end;
    }
    if (at < s.size && !slice_to_int64(slice_part(s, at + 1, s.size), &parts.exponent))
        parts.exponent = s.data[at + 1] == '-' ? -INT32_MAX : INT32_MAX;
    return parts;
}

static uint8_t digit_at(const NumberParts *parts, int64_t i)
{
    int64_t whole = (int64_t)parts->whole.size;
    if (i < 0)
        return '0';
    if (i < whole)
        return parts->whole.data[i];
    i -= whole;
    return i < (int64_t)parts->fraction.size ? parts->fraction.data[i] : '0';
}

static bool is_zero(const NumberParts *parts)
{
    for (int64_t i = 0; i < (int64_t)(parts->whole.size + parts->fraction.size); i++) {
        if (digit_at(parts, i) != '0')
            return false;
    }
    return true;
}

static int64_t digits_before_point(const NumberParts *parts)
{
    return (int64_t)parts->whole.size + parts->exponent;
}

static int64_t digits_behind_point(const NumberParts *parts)
{
    int64_t digits = (int64_t)parts->fraction.size - parts->exponent;
    return digits < 0 ? 0 : digits;
}

static bool number_fits(Slice number)
{
    NumberParts parts = split_number(number);
    return digits_behind_point(&parts) <= NUMBER_FRACTION_DIGITS_MAX &&
           (is_zero(&parts) || digits_before_point(&parts) <= NUMBER_WHOLE_DIGITS_MAX);
}

bool json_normalise(JsonValue *value)
{
    if (value->kind == JSON_NUMBER)
        return number_fits(value->text);
    if (value->kind == JSON_OBJECT) {
        json_sort_members(value);
        value->count = drop_doubles(value->children, value->count);
    }
    for (uint32_t i = 0; i < value->count; i++) {
        if (!json_normalise(&value->children[i]))
            return false;
    }
    return true;
}

/* The point moves by the exponent; zeros fill what the digits do not reach. */
void json_put_number(Buffer *out, Slice number)
{
    NumberParts parts = split_number(number);
    bool zero = is_zero(&parts);
    int64_t point = digits_before_point(&parts);
    int64_t scale = digits_behind_point(&parts);
    if (parts.negative && !zero)
        buffer_put_u8(out, '-');
    int64_t first = 0;
    while (first < point - 1 && digit_at(&parts, first) == '0')
        first++;
    if (point <= 0 || zero)
        buffer_put_u8(out, '0');
    for (; first < point && !zero; first++)
        buffer_put_u8(out, digit_at(&parts, first));
    if (scale > 0)
        buffer_put_u8(out, '.');
    for (int64_t i = point; i < point + scale; i++)
        buffer_put_u8(out, digit_at(&parts, i));
}

static void put_container(Buffer *out, const JsonValue *value)
{
    bool is_object = value->kind == JSON_OBJECT;
    buffer_put_u8(out, is_object ? '{' : '[');
    for (uint32_t i = 0; i < value->count; i++) {
        if (i > 0)
            buffer_put_text(out, ", ");
        if (is_object) {
            json_put_string(out, value->children[i].key);
            buffer_put_text(out, ": ");
        }
        json_put_normal(out, &value->children[i]);
    }
    buffer_put_u8(out, is_object ? '}' : ']');
}

void json_put_normal(Buffer *out, const JsonValue *value)
{
    switch (value->kind) {
    case JSON_NULL:
        buffer_put_text(out, "null");
        return;
    case JSON_BOOLEAN:
        buffer_put_text(out, value->boolean ? "true" : "false");
        return;
    case JSON_NUMBER:
        json_put_number(out, value->text);
        return;
    case JSON_STRING:
        json_put_string(out, value->text);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        put_container(out, value);
    }
}

Status buffer_into_arena(Buffer *buffer, Arena *arena, Slice *out, Error *error)
{
    Status status = buffer_status(buffer, error);
    if (status == OK)
        status = arena_clone(arena, buffer_slice(buffer), out, error);
    buffer_close(buffer);
    return status;
}

Status jsonb_from_tree(Arena *arena, JsonValue *tree, Value *out, Error *error)
{
    if (!json_normalise(tree))
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "value overflows numeric format");
    Buffer text;
    Slice bytes;
    buffer_open(&text, ROW_BYTES_MAX);
    json_put_normal(&text, tree);
    TRY(buffer_into_arena(&text, arena, &bytes, error));
    *out = value_bytes(TYPE_JSONB, bytes);
    return OK;
}

Status jsonb_from_text(Arena *arena, Slice text, Value *out, Error *error)
{
    JsonValue *tree;
    TRY(json_parse(arena, text, &tree, error));
    return jsonb_from_tree(arena, tree, out, error);
}
