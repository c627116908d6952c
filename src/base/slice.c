#include "base/slice.h"

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int slice_compare(Slice a, Slice b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

bool slice_equal_ignoring_case(Slice a, Slice b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++) {
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    }
    return true;
}

bool slice_starts_with(Slice s, Slice prefix)
{
    return s.size >= prefix.size && slice_equal(slice_of(s.data, prefix.size), prefix);
}

Slice slice_part(Slice s, size_t from, size_t size)
{
    if (from >= s.size)
        return SLICE_EMPTY;
    size_t rest = s.size - from;
    return slice_of(s.data + from, size < rest ? size : rest);
}

size_t slice_find(Slice s, uint8_t byte)
{
    if (s.size == 0)
        return 0;
    const uint8_t *at = memchr(s.data, byte, s.size);
    return at == NULL ? s.size : (size_t)(at - s.data);
}

Slice slice_trim(Slice s)
{
    while (s.size > 0 && is_space(s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size > 0 && is_space(s.data[s.size - 1]))
        s.size--;
    return s;
}

/* RFC 3629, section 4. */
size_t slice_utf8_size(Slice s, size_t at)
{
    const uint8_t *bytes = s.data + at;
    uint8_t c = bytes[0];
    if (c < 0x80)
        return c == 0 ? 0 : 1;
    size_t size = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || s.size - at < size)
        return 0;
    uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (bytes[1] < low || bytes[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    return size;
}

/* Eight plain ASCII bytes at a time: most text is. */
static bool is_plain_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t zero_bytes = (word - 0x0101010101010101u) & ~word;
    return ((word | zero_bytes) & 0x8080808080808080u) == 0;
}

bool slice_is_utf8_text(Slice s)
{
    size_t at = 0;
    while (at < s.size) {
        if (s.size - at >= 8 && is_plain_word(s.data + at)) {
            at += 8;
            continue;
        }
        size_t size = slice_utf8_size(s, at);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

bool slice_to_int64(Slice s, int64_t *out)
{
    size_t at = 0;
    bool negative = s.size > 0 && s.data[0] == '-';
    if (s.size > 0 && (s.data[0] == '-' || s.data[0] == '+'))
        at = 1;
    if (at == s.size)
        return false;
    int64_t value = 0;
    for (; at < s.size; at++) {
        uint8_t c = s.data[at];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value))
            return false;
        int64_t digit = negative ? -(int64_t)(c - '0') : c - '0';
        if (__builtin_add_overflow(value, digit, &value))
            return false;
    }
    *out = value;
    return true;
}
