/* Making position sets: one container after the other is gathered as bits, of what the set had and
 * what is added, and becomes an array or stays bits. The format is at the top of position_set.c. */
#include "base/assert.h"
#include "cold/position_set.h"
#include "cold/position_set_int.h"

typedef struct Builder {
    uint8_t bits[POSITION_SET_BITS_BYTES]; /* of the container at hand */
    uint32_t containers;                   /* finished */
    Buffer descriptors;
    Buffer body;
} Builder;

static uint32_t count_bits(const uint8_t *bits)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < POSITION_SET_BITS_BYTES; at += 8) {
        uint64_t word;
        memcpy(&word, bits + at, sizeof word);
        count += (uint32_t)__builtin_popcountll(word);
    }
    return count;
}

static void put_array(Buffer *out, const uint8_t *bits)
{
    for (uint32_t byte = 0; byte < POSITION_SET_BITS_BYTES; byte++) {
        for (uint32_t rest = bits[byte]; rest != 0; rest &= rest - 1)
            buffer_put_u16(out, (uint16_t)(byte * 8 + (uint32_t)__builtin_ctz(rest)));
    }
}

static void finish_container(Builder *builder, uint32_t key)
{
    uint32_t count = count_bits(builder->bits);
    ASSERT(count > 0);
    buffer_put_u16(&builder->descriptors, (uint16_t)key);
    buffer_put_u16(&builder->descriptors, (uint16_t)(count - 1));
    if (count > POSITION_SET_ARRAY_MAX)
        buffer_put(&builder->body, builder->bits, sizeof builder->bits);
    else
        put_array(&builder->body, builder->bits);
    memset(builder->bits, 0, sizeof builder->bits);
    builder->containers++;
}

/* The positions of one key, from the `at`-th on; returns where the next key begins. */
static size_t add_positions(Builder *builder, const uint32_t *positions, size_t count, size_t at,
                            uint32_t key)
{
    for (; at < count && positions[at] >> 16 == key; at++) {
        uint32_t low = positions[at] & 0xffff;
        builder->bits[low / 8] |= (uint8_t)(1u << (low % 8));
    }
    return at;
}

static void gather(Builder *builder, Slice set, const uint32_t *positions, size_t count)
{
    uint32_t containers = position_set_containers(set);
    uint32_t next = 0;
    for (size_t at = 0; at < count || next < containers;) {
        uint32_t added_key = at < count ? positions[at] >> 16 : UINT32_MAX;
        uint32_t old_key = next < containers ? position_set_key(set, next) : UINT32_MAX;
        uint32_t key = added_key < old_key ? added_key : old_key;
        if (old_key == key)
            position_set_load(set, next++, builder->bits);
        at = add_positions(builder, positions, count, at, key);
        ASSERT(at == count || positions[at] >> 16 > key); /* ascending */
        finish_container(builder, key);
    }
}

static void put_offsets(Buffer *out, const Builder *builder)
{
    size_t at = 8 + (size_t)builder->containers * 8;
    for (uint32_t i = 0; i < builder->containers; i++) {
        const uint8_t *descriptor = builder->descriptors.data + (size_t)i * 4;
        uint32_t count = ((uint32_t)descriptor[2] | (uint32_t)descriptor[3] << 8) + 1;
        buffer_put_u32(out, (uint32_t)at);
        at += count > POSITION_SET_ARRAY_MAX ? POSITION_SET_BITS_BYTES : (size_t)count * 2;
    }
}

static Status put_set(Buffer *out, const Builder *builder, Error *error)
{
    TRY(buffer_status(&builder->descriptors, error));
    TRY(buffer_status(&builder->body, error));
    buffer_put_u32(out, POSITION_SET_COOKIE);
    buffer_put_u32(out, builder->containers);
    buffer_put_slice(out, buffer_slice(&builder->descriptors));
    put_offsets(out, builder);
    buffer_put_slice(out, buffer_slice(&builder->body));
    return buffer_status(out, error);
}

Status position_set_union(Slice set, const uint32_t *positions, size_t count, Buffer *out,
                          Error *error)
{
    Builder *builder = MEMORY_NEW(Builder);
    if (builder == NULL)
        return error_out_of_memory(error);
    buffer_open(&builder->descriptors, 0);
    buffer_open(&builder->body, 0);
    gather(builder, set, positions, count);
    Status status = put_set(out, builder, error);
    buffer_close(&builder->descriptors);
    buffer_close(&builder->body);
    memory_free(builder);
    return status;
}
