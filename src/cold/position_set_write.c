/* Making position sets: values are gathered as bits of one container at a time, which becomes an
 * array or stays bits when the next one begins. The format is at the top of position_set.c. */
#include "base/assert.h"
#include "cold/position_set.h"
#include "cold/position_set_int.h"

typedef struct Builder {
    uint8_t bits[POSITION_SET_BITS_BYTES]; /* of the container at hand */
    uint32_t key;
    uint32_t count; /* values in it */
    uint32_t containers;
    Buffer descriptors;
    Buffer body;
} Builder;

static void put_array(Buffer *out, const uint8_t *bits)
{
    for (uint32_t byte = 0; byte < POSITION_SET_BITS_BYTES; byte++) {
        for (uint32_t rest = bits[byte]; rest != 0; rest &= rest - 1)
            buffer_put_u16(out, (uint16_t)(byte * 8 + (uint32_t)__builtin_ctz(rest)));
    }
}

static void finish_container(Builder *builder)
{
    if (builder->count == 0)
        return;
    buffer_put_u16(&builder->descriptors, (uint16_t)builder->key);
    buffer_put_u16(&builder->descriptors, (uint16_t)(builder->count - 1));
    if (builder->count > POSITION_SET_ARRAY_MAX)
        buffer_put(&builder->body, builder->bits, sizeof builder->bits);
    else
        put_array(&builder->body, builder->bits);
    memset(builder->bits, 0, sizeof builder->bits);
    builder->count = 0;
    builder->containers++;
}

static void add(Builder *builder, uint32_t position)
{
    uint32_t key = position >> 16;
    if (builder->count > 0 && key != builder->key) {
        ASSERT(key > builder->key);
        finish_container(builder);
    }
    builder->key = key;
    uint8_t *byte = &builder->bits[(position & 0xffff) / 8];
    uint8_t bit = (uint8_t)(1u << (position % 8));
    builder->count += (*byte & bit) == 0;
    *byte |= bit;
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
    PositionSetIterator iterator = position_set_begin(set);
    uint32_t old = 0;
    bool has_old = position_set_next(&iterator, &old);
    for (size_t i = 0; i < count || has_old;) {
        bool old_is_next = has_old && (i == count || old <= positions[i]);
        add(builder, old_is_next ? old : positions[i]);
        if (old_is_next)
            has_old = position_set_next(&iterator, &old);
        else
            i++;
    }
    finish_container(builder);
    Status status = put_set(out, builder, error);
    buffer_close(&builder->descriptors);
    buffer_close(&builder->body);
    memory_free(builder);
    return status;
}
