/* Blocks of the key index: sorted hashes in the least bits that still let one be found without
 * reading the others (Elias and Fano's way).
 *
 * A block, 4096 bytes:
 *     0   4  CRC32C of bytes 4–4095
 *     4   2  entries in it, 1 to 2048
 *     6   2  bytes of the bit vector
 *     8   8  hash of the first entry
 *     16  1  low bits L of each hash, 0 to 63
 *     17  7  zero
 *     24     bit vector: with d = hash - first hash, entry i is a one at bit (d >> L) + i, so the
 *            entries whose d has the high part H stand behind the H-th zero
 *     ..     the low L bits of each d
 *     ..     the location of each entry: position, and above it the file's ordinal, each as wide
 *            as the header of the index says
 *     ..     zeros
 * Bits are numbered from the lowest of the first byte; the three parts begin at whole bytes.
 * With L = log2(range / entries) an entry's hash takes between L + 2 and L + 3 bits. */
#include <endian.h>

#include "base/assert.h"
#include "base/hash.h"
#include "cold/key_index_int.h"

enum { BLOCK_DATA_BITS = (KEY_INDEX_BLOCK_BYTES - KEY_INDEX_BLOCK_HEADER_BYTES) * 8 };

/* ---- bits ---- */

static uint64_t low_mask(uint32_t width)
{
    return width == 0 ? 0 : UINT64_MAX >> (64 - width);
}

/* Up to 8 bytes at `at`; those beyond the block count as zeros. */
static uint64_t load_word(const uint8_t *bytes, size_t at)
{
    uint64_t word = 0;
    if (at + sizeof word <= KEY_INDEX_BLOCK_BYTES)
        memcpy(&word, bytes + at, sizeof word);
    else if (at < KEY_INDEX_BLOCK_BYTES)
        memcpy(&word, bytes + at, KEY_INDEX_BLOCK_BYTES - at);
    return le64toh(word);
}

static uint64_t get_bits(const uint8_t *bytes, size_t bit, uint32_t width)
{
    if (width == 0)
        return 0;
    uint32_t shift = bit % 8;
    uint64_t value = load_word(bytes, bit / 8) >> shift;
    if (shift + width > 64)
        value |= load_word(bytes, bit / 8 + 8) << (64 - shift);
    return value & low_mask(width);
}

/* Onto zeros. */
static void put_bits(uint8_t *bytes, size_t bit, uint32_t width, uint64_t value)
{
    while (width > 0) {
        uint32_t shift = bit % 8;
        uint32_t step = 8 - shift < width ? 8 - shift : width;
        bytes[bit / 8] |= (uint8_t)((value & low_mask(step)) << shift);
        value >>= step;
        bit += step;
        width -= step;
    }
}

static size_t whole_bytes(size_t bits)
{
    return (bits + 7) / 8;
}

/* ---- making ---- */

typedef struct Shape {
    uint32_t low_bits;
    size_t upper_bits;
    size_t bits; /* of all three parts, each at whole bytes */
} Shape;

static uint32_t location_bits(KeyBlockLayout layout)
{
    return (uint32_t)layout.ordinal_bits + layout.position_bits;
}

static Shape shape_of(KeyBlockLayout layout, const KeyIndexEntry *entries, size_t count)
{
    uint64_t range = entries[count - 1].hash - entries[0].hash;
    uint64_t step = range / count;
    Shape shape;
    shape.low_bits = step == 0 ? 0 : 63 - (uint32_t)__builtin_clzll(step);
    shape.upper_bits = (size_t)(range >> shape.low_bits) + count;
    shape.bits = 8 * (whole_bytes(shape.upper_bits) + whole_bytes(count * shape.low_bits) +
                      whole_bytes(count * location_bits(layout)));
    return shape;
}

static bool fits(KeyBlockLayout layout, const KeyIndexEntry *entries, size_t count)
{
    return count <= KEY_INDEX_BLOCK_ENTRIES_MAX &&
           shape_of(layout, entries, count).bits <= BLOCK_DATA_BITS;
}

size_t key_block_capacity(KeyBlockLayout layout, const KeyIndexEntry *entries, size_t count,
                          size_t guess)
{
    ASSERT(count > 0);
    size_t capacity = guess < 1 ? 1 : guess > count ? count : guess;
    while (capacity > 1 && !fits(layout, entries, capacity))
        capacity--;
    while (capacity < count && fits(layout, entries, capacity + 1))
        capacity++;
    return capacity;
}

static uint64_t location_of(KeyBlockLayout layout, const KeyIndexEntry *entry)
{
    ASSERT((uint64_t)entry->position >> layout.position_bits == 0);
    ASSERT((uint64_t)entry->file_ordinal >> layout.ordinal_bits == 0);
    return (uint64_t)entry->file_ordinal << layout.position_bits | entry->position;
}

static void put_entries(KeyBlockLayout layout, const KeyIndexEntry *entries, size_t count,
                        Shape shape, uint8_t *data)
{
    size_t lows = 8 * whole_bytes(shape.upper_bits);
    size_t locations = lows + 8 * whole_bytes(count * shape.low_bits);
    for (size_t i = 0; i < count; i++) {
        uint64_t d = entries[i].hash - entries[0].hash;
        put_bits(data, (size_t)(d >> shape.low_bits) + i, 1, 1);
        put_bits(data, lows + i * shape.low_bits, shape.low_bits, d & low_mask(shape.low_bits));
        put_bits(data, locations + i * location_bits(layout), location_bits(layout),
                 location_of(layout, &entries[i]));
    }
}

static void store(uint8_t *at, uint64_t value, size_t size)
{
    value = htole64(value);
    memcpy(at, &value, size);
}

void key_block_encode(KeyBlockLayout layout, const KeyIndexEntry *entries, size_t count,
                      uint8_t out[KEY_INDEX_BLOCK_BYTES])
{
    ASSERT(count > 0 && fits(layout, entries, count));
    Shape shape = shape_of(layout, entries, count);
    memset(out, 0, KEY_INDEX_BLOCK_BYTES);
    store(out + 4, count, 2);
    store(out + 6, whole_bytes(shape.upper_bits), 2);
    store(out + 8, entries[0].hash, 8);
    out[16] = (uint8_t)shape.low_bits;
    put_entries(layout, entries, count, shape, out + KEY_INDEX_BLOCK_HEADER_BYTES);
    store(out, crc32c(0, slice_of(out + 4, KEY_INDEX_BLOCK_BYTES - 4)), 4);
}

/* ---- reading ---- */

static uint32_t load_u16(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

bool key_block_open(KeyBlockLayout layout, const uint8_t *bytes, KeyBlock *out)
{
    uint32_t crc = (uint32_t)get_bits(bytes, 0, 32);
    if (crc != crc32c(0, slice_of(bytes + 4, KEY_INDEX_BLOCK_BYTES - 4)))
        return false;
    uint32_t upper_bytes = load_u16(bytes + 6);
    *out = (KeyBlock){
        .layout = layout,
        .bytes = bytes,
        .count = load_u16(bytes + 4),
        .low_bits = bytes[16],
        .upper_bits = upper_bytes * 8,
        .first_hash = load_word(bytes, 8),
    };
    if (out->count == 0 || out->count > KEY_INDEX_BLOCK_ENTRIES_MAX || out->low_bits > 63)
        return false;
    size_t lows = (KEY_INDEX_BLOCK_HEADER_BYTES + (size_t)upper_bytes) * 8;
    size_t locations = lows + 8 * whole_bytes((size_t)out->count * out->low_bits);
    size_t end = locations + (size_t)out->count * location_bits(layout);
    out->lows_begin = (uint32_t)lows;
    out->locations_begin = (uint32_t)locations;
    return end <= KEY_INDEX_BLOCK_BYTES * 8;
}

static void get_location(const KeyBlock *block, uint32_t i, KeyIndexEntry *out)
{
    uint32_t width = location_bits(block->layout);
    uint64_t location = get_bits(block->bytes, block->locations_begin + (size_t)i * width, width);
    out->position = (uint32_t)(location & low_mask(block->layout.position_bits));
    out->file_ordinal = (uint32_t)(location >> block->layout.position_bits);
}

static uint64_t get_low(const KeyBlock *block, uint32_t i)
{
    return get_bits(block->bytes, block->lows_begin + (size_t)i * block->low_bits, block->low_bits);
}

static uint64_t upper_word(const KeyBlock *block, uint32_t bit)
{
    return load_word(block->bytes, KEY_INDEX_BLOCK_HEADER_BYTES + bit / 8);
}

static bool upper_bit(const KeyBlock *block, uint32_t bit)
{
    return (block->bytes[KEY_INDEX_BLOCK_HEADER_BYTES + bit / 8] >> (bit % 8)) & 1;
}

/* The bit behind the n-th zero, or upper_bits where there are fewer. */
static uint32_t after_zeros(const KeyBlock *block, uint64_t n)
{
    uint32_t bit = 0;
    while (n > 0 && bit + 64 <= block->upper_bits) {
        uint32_t zeros = 64 - (uint32_t)__builtin_popcountll(upper_word(block, bit));
        if (zeros >= n)
            break;
        n -= zeros;
        bit += 64;
    }
    while (n > 0 && bit < block->upper_bits)
        n -= !upper_bit(block, bit++);
    return n > 0 ? block->upper_bits : bit;
}

bool key_block_find(const KeyBlock *block, uint64_t hash, KeyIndexEntry *out, size_t *count)
{
    if (hash < block->first_hash)
        return true;
    uint64_t d = hash - block->first_hash;
    uint64_t high = d >> block->low_bits;
    if (high >= block->upper_bits)
        return true;
    uint64_t low = d & low_mask(block->low_bits);
    uint32_t bit = after_zeros(block, high);
    for (uint32_t i = bit - (uint32_t)high;
         bit < block->upper_bits && i < block->count && upper_bit(block, bit); bit++, i++) {
        if (get_low(block, i) != low)
            continue;
        if (*count == KEY_INDEX_CANDIDATES_MAX)
            return false;
        out[*count].hash = hash;
        get_location(block, i, &out[(*count)++]);
    }
    return true;
}

bool key_block_decode(const KeyBlock *block, KeyIndexEntry *out)
{
    uint32_t i = 0;
    for (uint32_t bit = 0; bit < block->upper_bits && i < block->count; bit++) {
        if (!upper_bit(block, bit))
            continue;
        uint64_t high = bit - i;
        out[i].hash = block->first_hash + (high << block->low_bits | get_low(block, i));
        get_location(block, i, &out[i]);
        i++;
    }
    return i == block->count;
}
