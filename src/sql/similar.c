/* SIMILAR TO patterns and replacement texts. */
#include "base/buffer.h"
#include "sql/regex.h"

static Status take(Arena *arena, Buffer *text, Slice *out, Error *error)
{
    Status status = buffer_status(text, error);
    if (status == OK)
        status = arena_clone(arena, buffer_slice(text), out, error);
    buffer_close(text);
    return status;
}

/* A character of a SIMILAR TO pattern, outside of brackets. */
static void put_similar(Buffer *out, uint8_t c)
{
    switch (c) {
    case '%':
        buffer_put_text(out, ".*");
        return;
    case '_':
        buffer_put_u8(out, '.');
        return;
    case '(':
        buffer_put_text(out, "(?:");
        return;
    case '\\':
    case '.':
    case '^':
    case '$':
        buffer_put_u8(out, '\\');
        buffer_put_u8(out, c);
        return;
    default:
        buffer_put_u8(out, c);
    }
}

Status similar_translate(Arena *arena, Slice pattern, Slice escape, Slice *out, Error *error)
{
    Buffer text;
    if (escape.size > 1)
        return error_set(error, STATUS_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
    bool in_bracket = false;
    buffer_open(&text, 0);
    buffer_put_text(&text, "^(?:");
    for (size_t i = 0; i < pattern.size; i++) {
        uint8_t c = pattern.data[i];
        bool is_escape = escape.size == 1 && c == escape.data[0] && i + 1 < pattern.size;
        if (is_escape) {
            uint8_t next = pattern.data[++i];
            if (next == '"') {
                buffer_close(&text);
                return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                                 "SUBSTRING … SIMILAR … ESCAPE is not supported");
            }
            if (next < 0x80)
                buffer_put_u8(&text, '\\');
            buffer_put_u8(&text, next);
        } else if (in_bracket) {
            if (c == '\\')
                buffer_put_u8(&text, '\\');
            buffer_put_u8(&text, c);
            in_bracket = c != ']';
        } else {
            put_similar(&text, c);
            in_bracket = c == '[';
        }
    }
    buffer_put_text(&text, ")$");
    return take(arena, &text, out, error);
}

Status replacement_translate(Arena *arena, Slice replacement, Slice *out, Error *error)
{
    Buffer text;
    buffer_open(&text, 0);
    for (size_t i = 0; i < replacement.size; i++) {
        uint8_t c = replacement.data[i];
        uint8_t next = i + 1 < replacement.size ? replacement.data[i + 1] : 0;
        if (c != '\\') {
            buffer_put_u8(&text, c);
            continue;
        }
        bool is_reference = (next >= '0' && next <= '9') || next == '&';
        if (is_reference) {
            buffer_put_u8(&text, '\\');
            buffer_put_u8(&text, next == '&' ? '0' : next);
            i++;
        } else {
            buffer_put_text(&text, "\\\\");
            if (next == '\\')
                i++;
        }
    }
    return take(arena, &text, out, error);
}
