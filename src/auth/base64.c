#include "auth/base64_int.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static char character_of(Base64 kind, uint32_t six_bits)
{
    if (six_bits < 62)
        return alphabet[six_bits];
    if (six_bits == 62)
        return kind == BASE64_URL ? '-' : '+';
    return kind == BASE64_URL ? '_' : '/';
}

static int value_of(Base64 kind, uint8_t character)
{
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    if (character == (uint8_t)character_of(kind, 62))
        return 62;
    if (character == (uint8_t)character_of(kind, 63))
        return 63;
    return -1;
}

void auth_base64_encode(Base64 kind, Slice bytes, char *out)
{
    uint32_t bits = 0;
    uint32_t count = 0; /* bits not written yet */
    for (size_t i = 0; i < bytes.size; i++) {
        bits = bits << 8 | bytes.data[i];
        for (count += 8; count >= 6; count -= 6)
            *out++ = character_of(kind, bits >> (count - 6) & 0x3f);
    }
    if (count > 0)
        *out = character_of(kind, bits << (6 - count) & 0x3f);
}

bool auth_base64_decode(Base64 kind, Slice text, uint8_t *out, size_t size_max, size_t *size)
{
    uint32_t bits = 0;
    uint32_t count = 0; /* bits not given yet */
    size_t written = 0;
    if (text.size % 4 == 1)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        int value = value_of(kind, text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count < 8)
            continue;
        if (written == size_max)
            return false;
        count -= 8;
        out[written++] = (uint8_t)(bits >> count);
    }
    if ((bits & ((1u << count) - 1)) != 0)
        return false;
    *size = written;
    return true;
}
