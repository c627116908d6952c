#include "cli/text.h"

#include <wchar.h>

/* Bytes of the UTF-8 sequence at `at`, 0 where it is none. */
static size_t sequence_size(Slice text, size_t at)
{
    uint8_t c = text.data[at];
    size_t size = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    Slice sequence = slice_part(text, at, size);
    if (c == 0)
        return 1;
    return sequence.size == size && slice_is_utf8_text(sequence) ? size : 0;
}

uint32_t text_next(Slice text, size_t *at)
{
    static const uint8_t first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    size_t size = sequence_size(text, *at);
    if (size == 0) {
        *at += 1;
        return 0xfffd;
    }
    uint32_t code = text.data[*at] & first_bits[size];
    for (size_t i = 1; i < size; i++)
        code = code << 6 | (text.data[*at + i] & 0x3f);
    *at += size;
    return code;
}

static bool is_control(uint32_t code)
{
    bool is_direction = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
    return code < 0x20 || (code >= 0x7f && code < 0xa0) || is_direction || code == 0x2028 ||
           code == 0x2029;
}

/* "\n", "\x1b", "\u202e" */
static size_t put_escape(Buffer *out, uint32_t code)
{
    static const char letters[] = "abtnvfr";
    size_t before = out->size;
    if (code >= 7 && code <= 13)
        buffer_put_format(out, "\\%c", letters[code - 7]);
    else if (code < 0x100)
        buffer_put_format(out, "\\x%02x", (unsigned)code);
    else
        buffer_put_format(out, "\\u%04x", (unsigned)code);
    return out->size - before;
}

static size_t width_of(uint32_t code)
{
    if (is_control(code))
        return code >= 7 && code <= 13 ? 2 : code < 0x100 ? 4 : 6;
    if (code < 0x80)
        return 1;
    int width = wcwidth((wchar_t)code);
    return width < 0 ? 1 : (size_t)width;
}

size_t text_width(Slice text)
{
    size_t width = 0;
    for (size_t at = 0; at < text.size;)
        width += width_of(text_next(text, &at));
    return width;
}

static void put_code(Buffer *out, Slice text, size_t from, size_t to, uint32_t code)
{
    if (is_control(code))
        (void)put_escape(out, code);
    else if (code == 0xfffd && to - from == 1)
        buffer_put_text(out, "\xef\xbf\xbd");
    else
        buffer_put(out, text.data + from, to - from);
}

/* Where the text is too wide, one column is kept for the ellipsis. */
size_t text_put(Buffer *out, Slice text, size_t width, bool is_unicode)
{
    bool is_cut = width > 0 && text_width(text) > width;
    size_t room = width == 0 ? SIZE_MAX : is_cut ? width - 1 : width;
    size_t used = 0;
    for (size_t at = 0; at < text.size;) {
        size_t from = at;
        uint32_t code = text_next(text, &at);
        if (used + width_of(code) > room)
            break;
        put_code(out, text, from, at, code);
        used += width_of(code);
    }
    if (!is_cut)
        return used;
    buffer_put_text(out, is_unicode ? "\xe2\x80\xa6" : "~");
    return used + 1;
}

void text_put_spaces(Buffer *out, size_t count)
{
    uint8_t *at = count == 0 ? NULL : buffer_reserve(out, count);
    if (at == NULL)
        return;
    memset(at, ' ', count);
    out->size += count;
}
