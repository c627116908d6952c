#include "types/base64_int.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(Buffer *out, Slice bytes, size_t line_length)
{
    size_t column = 0;
    for (size_t at = 0; at < bytes.size; at += 3) {
        Slice group = slice_part(bytes, at, 3);
        uint32_t bits = (uint32_t)group.data[0] << 16;
        bits |= group.size > 1 ? (uint32_t)group.data[1] << 8 : 0;
        bits |= group.size > 2 ? group.data[2] : 0;
        char text[4];
        for (size_t i = 0; i < 4; i++)
            text[i] = i <= group.size ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
        buffer_put(out, text, sizeof text);
        column += sizeof text;
        if (column == line_length && group.size == 3) { /* none behind a padded end */
            buffer_put_u8(out, '\n');
            column = 0;
        }
    }
}

static int digit_of(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* As PostgreSQL reads it, that is leniently: the first '=' says how long this group and every later
 * one is, and symbols behind it count as any. */
enum Base64Result base64_decode(Buffer *out, Slice text, size_t *bad)
{
    uint32_t bits = 0;
    int count = 0;
    int group_bytes = 3;
    for (*bad = 0; *bad < text.size; ++*bad) {
        uint8_t c = text.data[*bad];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            continue;
        if (c == '=' && group_bytes == 3) {
            if (count != 2 && count != 3)
                return BASE64_BAD_PADDING;
            group_bytes = count - 1;
        }
        int digit = c == '=' ? 0 : digit_of(c);
        if (digit < 0)
            return BASE64_BAD_SYMBOL;
        bits = bits << 6 | (uint32_t)digit;
        if (++count < 4)
            continue;
        for (int i = 0; i < group_bytes; i++)
            buffer_put_u8(out, (uint8_t)(bits >> (16 - 8 * i)));
        bits = 0;
        count = 0;
    }
    return count == 0 ? BASE64_GOOD : BASE64_BAD_END;
}
