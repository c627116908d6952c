#include "base/random.h"

#include <string.h>

#include "base/assert.h"

/* splitmix64 spreads a seed of few bits over the whole state. */
static uint64_t spread(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

Random random_of(uint64_t seed)
{
    Random random;
    for (size_t i = 0; i < 4; i++)
        random.state[i] = spread(&seed);
    return random;
}

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

uint64_t random_u64(Random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Lemire's multiplication; the few values that would favour some results are drawn again. */
uint64_t random_below(Random *random, uint64_t limit)
{
    ASSERT(limit > 0);
    uint64_t unfair = (0 - limit) % limit;
    for (;;) {
        unsigned __int128 product = (unsigned __int128)random_u64(random) * limit;
        if ((uint64_t)product >= unfair)
            return (uint64_t)(product >> 64);
    }
}

bool random_chance(Random *random, uint64_t hits, uint64_t of)
{
    return random_below(random, of) < hits;
}

void random_bytes(Random *random, void *out, size_t size)
{
    uint8_t *at = out;
    while (size > 0) {
        uint64_t word = random_u64(random);
        size_t part = size < sizeof word ? size : sizeof word;
        memcpy(at, &word, part);
        at += part;
        size -= part;
    }
}
