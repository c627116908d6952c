/* Arrays and vectors from text. Arrays have one dimension here; more are refused by name. */
#include <math.h>

#include "types/text_int.h"
#include "types/value_read_int.h"

enum { ARRAY_ELEMENTS_MAX = 1 << 24 };

/* ---- vectors: pgvector's form ---- */

static Status bad_vector(Slice text, const char *detail, Error *error)
{
    Status status =
        error_set(error, STATUS_INVALID_TEXT_REPRESENTATION,
                  "invalid input syntax for type vector: \"%.*s\"", SLICE_ARGUMENTS(text));
    if (detail != NULL)
        error_set_detail(error, "%s", detail);
    return status;
}

Status vector_check_dimension(Type type, uint32_t count, Error *error)
{
    if (count == 0)
        return error_set(error, STATUS_DATA_EXCEPTION, "vector must have at least 1 dimension");
    if (count > VECTOR_DIMENSION_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "vector cannot have more than %d dimensions", VECTOR_DIMENSION_MAX);
    if (type.a > 0 && count != (uint32_t)type.a)
        return error_set(error, STATUS_DATA_EXCEPTION, "expected %d dimensions, not %u", type.a,
                         count);
    return OK;
}

Status vector_check_element(float x, Error *error)
{
    if (isnan(x))
        return error_set(error, STATUS_DATA_EXCEPTION, "NaN not allowed in vector");
    if (isinf(x))
        return error_set(error, STATUS_DATA_EXCEPTION, "infinite value not allowed in vector");
    return OK;
}

static size_t skip_space(Slice s, size_t at)
{
    while (at < s.size && text_is_space(s.data[at]))
        at++;
    return at;
}

/* Bytes of the number at `at`: up to a comma, a bracket or white space. */
static Slice number_at(Slice s, size_t at)
{
    size_t end = at;
    while (end < s.size && s.data[end] != ',' && s.data[end] != ']' && !text_is_space(s.data[end]))
        end++;
    return slice_part(s, at, end - at);
}

/* Numbers up to the closing bracket; behind it in *at. */
static Status read_numbers(Slice text, size_t *at, float *elements, uint32_t *count, Error *error)
{
    for (;;) {
        *at = skip_space(text, *at);
        Slice number = number_at(text, *at);
        if (*count == VECTOR_DIMENSION_MAX)
            return vector_check_dimension(TYPE(VECTOR), *count + 1, error);
        float x;
        if (!slice_to_float(number, &x)) {
            bool is_nan = slice_equal_ignoring_case(number, SLICE("nan"));
            return is_nan ? vector_check_element(NAN, error) : bad_vector(text, NULL, error);
        }
        if (isinf(x))
            return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                             "\"%.*s\" is out of range for type vector", SLICE_ARGUMENTS(number));
        elements[(*count)++] = x;
        *at = skip_space(text, *at + number.size);
        uint8_t next = *at < text.size ? text.data[*at] : 0;
        ++*at;
        if (next == ']')
            return OK;
        if (next != ',')
            return bad_vector(text, NULL, error);
    }
}

static uint32_t count_commas(Slice s)
{
    uint32_t count = 0;
    for (size_t i = 0; i < s.size; i++)
        count += s.data[i] == ',';
    return count;
}

Status vector_from_text(Arena *arena, Type type, Slice text, Value *out, Error *error)
{
    size_t at = skip_space(text, 0);
    if (at == text.size || text.data[at] != '[')
        return bad_vector(text, "Vector contents must start with \"[\".", error);
    uint32_t room = count_commas(text) + 1;
    room = room > VECTOR_DIMENSION_MAX ? VECTOR_DIMENSION_MAX : room;
    float *elements = arena_allocate(arena, room * sizeof(float));
    if (elements == NULL)
        return arena_error(arena, error);
    uint32_t count = 0;
    at = skip_space(text, at + 1);
    if (at < text.size && text.data[at] == ']')
        return vector_check_dimension(type, 0, error);
    TRY(read_numbers(text, &at, elements, &count, error));
    if (skip_space(text, at) != text.size)
        return bad_vector(text, "Junk after closing right brace.", error);
    TRY(vector_check_dimension(type, count, error));
    Value value = {.kind = TYPE_VECTOR};
    value.as.vector.elements = elements;
    value.as.vector.count = count;
    *out = value;
    return OK;
}

/* ---- arrays ---- */

typedef struct ArrayReader {
    Arena *arena;
    Slice original; /* with the blanks before it */
    Slice text;
    size_t at;
    Type element;
    int64_t now_us;
    bool only_looks; /* a first walk, so that a malformed array is found before a bad element */
    uint8_t *bytes;  /* room for all elements' texts */
    Buffer values;   /* Value */
    Error *error;
} ArrayReader;

static Status malformed(ArrayReader *reader, const char *detail)
{
    Status status = error_set(reader->error, STATUS_INVALID_TEXT_REPRESENTATION,
                              "malformed array literal: \"%.*s\"", SLICE_ARGUMENTS(reader->text));
    error_set_detail(reader->error, "%s", detail);
    return status;
}

static Status unexpected(ArrayReader *reader)
{
    if (reader->at >= reader->text.size)
        return malformed(reader, "Unexpected end of input.");
    Status status = error_set(reader->error, STATUS_INVALID_TEXT_REPRESENTATION,
                              "malformed array literal: \"%.*s\"", SLICE_ARGUMENTS(reader->text));
    error_set_detail(reader->error, "Unexpected \"%c\" character.", reader->text.data[reader->at]);
    return status;
}

static int peek(const ArrayReader *reader)
{
    return reader->at < reader->text.size ? reader->text.data[reader->at] : -1;
}

/* An element's text without its quotes and backslashes; *quoted where it cannot be NULL. */
static Status take_element(ArrayReader *reader, Slice *out, bool *quoted)
{
    uint8_t *bytes = reader->bytes;
    size_t size = 0;
    size_t kept = 0; /* blanks behind the last other byte do not count */
    bool inside = false;
    bool was_closed = false;
    *quoted = false;
    for (;; reader->at++) {
        int c = peek(reader);
        if (c < 0)
            return unexpected(reader);
        if (c == '"') {
            if (was_closed || (!inside && size > 0))
                return malformed(reader, "Incorrectly quoted array element.");
            was_closed = inside;
            inside = !inside;
            *quoted = true;
            continue;
        }
        if (!inside && (c == ',' || c == '}'))
            break;
        if (!inside && c == '{')
            return unexpected(reader);
        bool is_blank = !inside && text_is_space((uint8_t)c);
        if (is_blank && (size == 0 || was_closed))
            continue;
        if (was_closed)
            return malformed(reader, "Incorrectly quoted array element.");
        if (c == '\\') {
            reader->at++;
            c = peek(reader);
            if (c < 0)
                return unexpected(reader);
            *quoted = true;
        }
        bytes[size++] = (uint8_t)c;
        kept = is_blank ? kept : size;
    }
    reader->bytes += size;
    *out = slice_of(bytes, kept);
    return OK;
}

static Status read_element(ArrayReader *reader)
{
    Slice text;
    bool quoted;
    TRY(take_element(reader, &text, &quoted));
    if (text.size == 0 && !quoted)
        return unexpected(reader);
    if (reader->only_looks)
        return OK;
    Value value = value_null((TypeKind)reader->element.kind);
    bool is_null = !quoted && slice_equal_ignoring_case(text, SLICE("null"));
    if (!is_null)
        TRY(value_from_text_at(reader->arena, reader->element, text, reader->now_us, &value,
                               reader->error));
    if (reader->values.size / sizeof value >= ARRAY_ELEMENTS_MAX)
        return error_set(reader->error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "array size exceeds the maximum allowed (%d)", ARRAY_ELEMENTS_MAX);
    buffer_put(&reader->values, &value, sizeof value);
    return buffer_status(&reader->values, reader->error);
}

static Status read_elements(ArrayReader *reader)
{
    reader->at = skip_space(reader->text, reader->at);
    if (peek(reader) == '}') {
        reader->at++;
        return OK;
    }
    if (peek(reader) == '{')
        return error_set(reader->error, STATUS_FEATURE_NOT_SUPPORTED,
                         "arrays of more than one dimension are not supported");
    for (;;) {
        TRY(read_element(reader));
        bool is_last = peek(reader) == '}';
        reader->at++;
        if (is_last)
            return OK;
    }
}

static Status finish_array(ArrayReader *reader, Value *out)
{
    uint32_t count = (uint32_t)(reader->values.size / sizeof(Value));
    ArrayValue *array = ARENA_NEW(reader->arena, ArrayValue);
    Value *elements = ARENA_ARRAY(reader->arena, Value, count);
    if (array == NULL || elements == NULL)
        return arena_error(reader->arena, reader->error);
    if (count > 0)
        memcpy(elements, reader->values.data, reader->values.size);
    *array = (ArrayValue){count, elements};
    Value value = {.kind = TYPE_ARRAY};
    value.as.array = array;
    *out = value;
    return OK;
}

/* A number behind the bracket? */
static bool begins_bound(const ArrayReader *reader)
{
    size_t at = reader->at + 1;
    if (at >= reader->text.size)
        return false;
    uint8_t first = reader->text.data[at];
    return (first >= '0' && first <= '9') || first == '-' || first == '+';
}

static Status read_array(ArrayReader *reader, Value *out)
{
    reader->at = skip_space(reader->text, 0);
    if (peek(reader) == '[' && !begins_bound(reader)) {
        reader->text = reader->original;
        return malformed(reader, "\"[\" must introduce explicitly-specified array dimensions.");
    }
    if (peek(reader) == '[')
        return error_set(reader->error, STATUS_FEATURE_NOT_SUPPORTED,
                         "array literals with explicit dimensions are not supported");
    if (peek(reader) != '{') {
        reader->text = reader->original;
        return malformed(reader, "Array value must start with \"{\" or dimension information.");
    }
    uint8_t *room = arena_allocate(reader->arena, reader->text.size);
    size_t begin = reader->at + 1;
    if (room == NULL)
        return arena_error(reader->arena, reader->error);
    for (int walk = 0; walk < 2; walk++) {
        reader->only_looks = walk == 0;
        reader->at = begin;
        reader->bytes = room;
        TRY(read_elements(reader));
        if (skip_space(reader->text, reader->at) != reader->text.size)
            return malformed(reader, "Junk after closing right brace.");
    }
    return finish_array(reader, out);
}

Status array_from_text(Arena *arena, Type type, Slice text, int64_t now_us, Value *out,
                       Error *error)
{
    ArrayReader reader = {.arena = arena,
                          .original = text,
                          .text = slice_part(text, skip_space(text, 0), text.size),
                          .element = type_of_element(type),
                          .now_us = now_us,
                          .error = error};
    buffer_open(&reader.values, 0);
    Status status = read_array(&reader, out);
    buffer_close(&reader.values);
    return status;
}
