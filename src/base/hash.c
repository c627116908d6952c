#define XXH_INLINE_ALL /* libpg_query exports old XXH symbols of its own */
#include "base/hash.h"

#include <xxhash.h>

#include "base/hash_int.h"

uint64_t hash_64(Slice s)
{
    return XXH3_64bits(s.data, s.size);
}

uint64_t hash_64_seeded(Slice s, uint64_t seed)
{
    return XXH3_64bits_withSeed(s.data, s.size, seed);
}

/* One bit at a time: only for processors without the instruction, so small beats fast. */
uint32_t crc32c_plain(uint32_t crc, Slice s)
{
    crc = ~crc;
    for (size_t i = 0; i < s.size; i++) {
        crc ^= s.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *at,
                                                               size_t size)
{
    uint64_t wide = crc;
    while (size >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        wide = __builtin_ia32_crc32di(wide, word);
        at += 8;
        size -= 8;
    }
    crc = (uint32_t)wide;
    while (size-- > 0)
        crc = __builtin_ia32_crc32qi(crc, *at++);
    return crc;
}
#endif

uint32_t crc32c(uint32_t crc, Slice s)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc32c_sse42(~crc, s.data, s.size);
#endif
    return crc32c_plain(crc, s);
}
