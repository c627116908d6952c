/* The filter of a key index: is a hash surely not in it?
 *
 * A Bloom filter cut into lines of 64 bytes: the hash picks one line, and seven bits in it. About
 * 1.1 % of absent hashes pass at 10 bits a key, a little more than an uncut filter lets through,
 * for one cache miss in place of seven. Entries come sorted by hash and the line follows the hash's
 * high bits, so building walks the filter once from front to back. */
#include "cold/key_index_int.h"

enum { LINE_BITS = KEY_INDEX_FILTER_LINE_BYTES * 8, PROBE_BITS = 9 };

_Static_assert(1 << PROBE_BITS == LINE_BITS, "a probe names any bit of a line");
_Static_assert(KEY_INDEX_FILTER_PROBES *PROBE_BITS <= 64, "probes come from one word");

uint64_t key_filter_lines(uint64_t entry_count)
{
    return (entry_count * KEY_INDEX_FILTER_BITS_PER_KEY + LINE_BITS - 1) / LINE_BITS;
}

static size_t line_of(uint64_t lines, uint64_t hash)
{
    unsigned __int128 product = (unsigned __int128)hash * lines;
    return (size_t)(product >> 64) * KEY_INDEX_FILTER_LINE_BYTES;
}

/* The hash's high bits chose the line, so all keys of a line share them: every bit must take part
 * in the probes. Part of the format. */
static uint64_t probes_of(uint64_t hash)
{
    hash ^= hash >> 33;
    hash *= 0xff51afd7ed558ccdu;
    hash ^= hash >> 33;
    hash *= 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 33;
}

void key_filter_add(uint8_t *filter, uint64_t lines, uint64_t hash)
{
    uint8_t *line = filter + line_of(lines, hash);
    uint64_t probes = probes_of(hash);
    for (int i = 0; i < KEY_INDEX_FILTER_PROBES; i++, probes >>= PROBE_BITS)
        line[(probes & (LINE_BITS - 1)) / 8] |= (uint8_t)(1u << (probes & 7));
}

bool key_filter_may_have(const uint8_t *filter, uint64_t lines, uint64_t hash)
{
    if (lines == 0)
        return false;
    const uint8_t *line = filter + line_of(lines, hash);
    uint64_t probes = probes_of(hash);
    for (int i = 0; i < KEY_INDEX_FILTER_PROBES; i++, probes >>= PROBE_BITS) {
        if (((line[(probes & (LINE_BITS - 1)) / 8] >> (probes & 7)) & 1) == 0)
            return false;
    }
    return true;
}
