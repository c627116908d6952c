#include "types/text_int.h"

uint32_t text_code_point(Slice s, size_t at, size_t *size)
{
    static const uint8_t lead_masks[] = {0, 0xff, 0x1f, 0x0f, 0x07};
    *size = text_step(s, at);
    uint32_t code = s.data[at] & lead_masks[*size];
    for (size_t i = 1; i < *size; i++)
        code = code << 6 | (s.data[at + i] & 0x3f);
    return code;
}

size_t text_length(Slice s)
{
    size_t count = 0;
    for (size_t at = 0; at < s.size; at += text_step(s, at))
        count++;
    return count;
}

size_t text_offset(Slice s, size_t count)
{
    size_t at = 0;
    for (; at < s.size && count > 0; count--)
        at += text_step(s, at);
    return at;
}

size_t text_encode(uint32_t code, uint8_t out[4])
{
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (uint8_t)(leads[size] | code);
    return size;
}

int text_hex_digit(uint8_t c)
{
    if (text_is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void text_put_hex(Buffer *out, Slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *at = buffer_reserve(out, bytes.size * 2);
    if (at == NULL)
        return;
    for (size_t i = 0; i < bytes.size; i++) {
        *at++ = (uint8_t)digits[bytes.data[i] >> 4];
        *at++ = (uint8_t)digits[bytes.data[i] & 15];
    }
    out->size += bytes.size * 2;
}
