/* Text: trimming, padding, replacing. */
#include "types/function_int.h"

static Status text_done(Slice text, Value *result)
{
    *result = value_text(text);
    return OK;
}

/* ---- trim ---- */

/* Is the character of `size` bytes at `at` one of the set's? */
static bool is_in_set(const uint8_t *at, size_t size, Slice set)
{
    for (size_t i = 0; i < set.size; i += text_step(set, i)) {
        if (text_step(set, i) == size && memcmp(set.data + i, at, size) == 0)
            return true;
    }
    return false;
}

static Slice trim_left(Slice text, Slice set)
{
    while (text.size > 0 && is_in_set(text.data, text_step(text, 0), set))
        text = slice_part(text, text_step(text, 0), text.size);
    return text;
}

/* Bytes of the last character. */
static size_t last_size(Slice text)
{
    size_t size = 1;
    while (size < text.size && size < 4 && (text.data[text.size - size] & 0xc0) == 0x80)
        size++;
    return size;
}

static Slice trim_right(Slice text, Slice set)
{
    while (text.size > 0) {
        size_t size = last_size(text);
        if (!is_in_set(text.data + text.size - size, size, set))
            break;
        text.size -= size;
    }
    return text;
}

static Slice set_argument(const Value *arguments, uint32_t count)
{
    return count > 1 ? arguments[1].as.bytes : SLICE(" ");
}

FUNCTION(text_btrim)
{
    Slice set = set_argument(arguments, count);
    return text_done(trim_right(trim_left(arguments[0].as.bytes, set), set), result);
}

FUNCTION(text_ltrim)
{
    return text_done(trim_left(arguments[0].as.bytes, set_argument(arguments, count)), result);
}

FUNCTION(text_rtrim)
{
    return text_done(trim_right(arguments[0].as.bytes, set_argument(arguments, count)), result);
}

/* ---- pad ---- */

/* `length` characters of `fill`, over and over; the size where out is NULL. */
static size_t put_fill(uint8_t *out, Slice fill, size_t length)
{
    size_t size = 0;
    size_t fill_length = text_length(fill);
    for (; length >= fill_length; length -= fill_length) {
        if (out != NULL)
            memcpy(out + size, fill.data, fill.size);
        size += fill.size;
    }
    size_t rest = text_offset(fill, length);
    if (out != NULL && rest > 0)
        memcpy(out + size, fill.data, rest);
    return size + rest;
}

static Status pad(EvaluationContext *context, const Value *arguments, uint32_t count, bool left,
                  Value *result, Error *error)
{
    Slice text = arguments[0].as.bytes;
    Slice fill = count > 2 ? arguments[2].as.bytes : SLICE(" ");
    size_t wanted = arguments[1].as.integer < 0 ? 0 : (size_t)arguments[1].as.integer;
    size_t length = text_length(text);
    if (length >= wanted || fill.size == 0)
        return text_done(slice_part(text, 0, text_offset(text, wanted)), result);
    if (wanted - length > TEXT_RESULT_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "requested length too large");
    size_t fill_size = put_fill(NULL, fill, wanted - length);
    uint8_t *out;
    TRY(text_room(context, text.size + fill_size, &out, error));
    (void)put_fill(left ? out : out + text.size, fill, wanted - length);
    if (text.size > 0)
        memcpy(left ? out + fill_size : out, text.data, text.size);
    return text_done(slice_of(out, text.size + fill_size), result);
}

FUNCTION(text_lpad)
{
    return pad(context, arguments, count, true, result, error);
}

FUNCTION(text_rpad)
{
    return pad(context, arguments, count, false, result, error);
}

FUNCTION(text_repeat)
{
    Slice text = arguments[0].as.bytes;
    int64_t times = arguments[1].as.integer;
    if (times <= 0 || text.size == 0)
        return text_done(SLICE_EMPTY, result);
    uint8_t *out;
    size_t size = text.size > TEXT_RESULT_BYTES_MAX ? SIZE_MAX : text.size * (size_t)times;
    TRY(text_room(context, size, &out, error));
    for (int64_t i = 0; i < times; i++)
        memcpy(out + (size_t)i * text.size, text.data, text.size);
    return text_done(slice_of(out, size), result);
}

/* ---- replace ---- */

FUNCTION(text_replace)
{
    Slice text = arguments[0].as.bytes;
    Slice from = arguments[1].as.bytes;
    Slice to = arguments[2].as.bytes;
    size_t found = from.size == 0 ? SIZE_MAX : text_find(text, from, 0);
    if (found == SIZE_MAX)
        return text_done(text, result);
    Buffer out;
    text_buffer_open(&out);
    size_t done = 0;
    for (; found != SIZE_MAX && !out.failed; found = text_find(text, from, done)) {
        buffer_put(&out, text.data + done, found - done);
        buffer_put_slice(&out, to);
        done = found + from.size;
    }
    buffer_put_slice(&out, slice_part(text, done, text.size));
    return text_buffer_result(context, &out, TYPE_TEXT, result, error);
}

FUNCTION(text_reverse)
{
    Slice text = arguments[0].as.bytes;
    uint8_t *out;
    TRY(text_room(context, text.size, &out, error));
    for (size_t at = 0; at < text.size; at += text_step(text, at)) {
        size_t size = text_step(text, at);
        memcpy(out + text.size - at - size, text.data + at, size);
    }
    return text_done(slice_of(out, text.size), result);
}

/* The number of the character of `size` bytes in the set, or SIZE_MAX. */
static size_t number_in_set(const uint8_t *at, size_t size, Slice set)
{
    size_t number = 0;
    for (size_t i = 0; i < set.size; i += text_step(set, i), number++) {
        if (text_step(set, i) == size && memcmp(set.data + i, at, size) == 0)
            return number;
    }
    return SIZE_MAX;
}

/* Characters of the first set become those at the same places of the second, or vanish. */
FUNCTION(text_translate)
{
    Slice text = arguments[0].as.bytes;
    Slice from = arguments[1].as.bytes;
    Slice to = arguments[2].as.bytes;
    Buffer out;
    text_buffer_open(&out);
    for (size_t at = 0, size; at < text.size; at += size) {
        size = text_step(text, at);
        size_t number = number_in_set(text.data + at, size, from);
        if (number == SIZE_MAX) {
            buffer_put(&out, text.data + at, size);
            continue;
        }
        size_t target = text_offset(to, number);
        if (target < to.size)
            buffer_put(&out, to.data + target, text_step(to, target));
    }
    return text_buffer_result(context, &out, TYPE_TEXT, result, error);
}
