#include "base/buffer.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

enum { BUFFER_BYTES_MIN = 256 };

void buffer_open(Buffer *buffer, size_t limit_bytes)
{
    *buffer = (Buffer){.limit = limit_bytes};
}

void buffer_close(Buffer *buffer)
{
    memory_free(buffer->data);
    *buffer = (Buffer){.limit = buffer->limit};
}

void buffer_clear(Buffer *buffer)
{
    buffer->size = 0;
    buffer->failed = false;
    buffer->is_full = false;
}

Status buffer_status(const Buffer *buffer, Error *error)
{
    if (!buffer->failed)
        return OK;
    if (buffer->is_full)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "more than %zu bytes",
                         buffer->limit);
    return error_out_of_memory(error);
}

static bool grow(Buffer *buffer, size_t wanted)
{
    size_t capacity = buffer->capacity == 0 ? BUFFER_BYTES_MIN : buffer->capacity;
    while (capacity < wanted)
        capacity *= 2;
    uint8_t *data = memory_resize(buffer->data, capacity);
    if (data == NULL)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

/* Room for `size` bytes that count and `spare` that do not. */
static uint8_t *reserve(Buffer *buffer, size_t size, size_t spare)
{
    size_t limit = buffer->limit == 0 ? SIZE_MAX / 4 : buffer->limit;
    if (buffer->failed)
        return NULL;
    if (size > limit || buffer->size > limit - size) {
        buffer->failed = true;
        buffer->is_full = true;
        return NULL;
    }
    size_t wanted = buffer->size + size + spare;
    if (wanted > buffer->capacity && !grow(buffer, wanted)) {
        buffer->failed = true;
        return NULL;
    }
    return buffer->data + buffer->size;
}

uint8_t *buffer_reserve(Buffer *buffer, size_t size)
{
    return reserve(buffer, size, size == 0 ? 1 : 0); /* never NULL but for failure */
}

Slice buffer_take(Buffer *buffer)
{
    Slice taken = buffer_slice(buffer);
    size_t limit = buffer->limit;
    *buffer = (Buffer){.limit = limit};
    return taken;
}

void buffer_put(Buffer *buffer, const void *data, size_t size)
{
    if (size == 0)
        return;
    uint8_t *at = buffer_reserve(buffer, size);
    if (at == NULL)
        return;
    memcpy(at, data, size);
    buffer->size += size;
}

void buffer_put_slice(Buffer *buffer, Slice s)
{
    buffer_put(buffer, s.data, s.size);
}

void buffer_put_text(Buffer *buffer, const char *text)
{
    buffer_put(buffer, text, strlen(text));
}

void buffer_put_format(Buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0);
    uint8_t *at = reserve(buffer, (size_t)size, 1); /* printf's NUL */
    if (at == NULL)
        return;
    va_start(arguments, format);
    (void)vsnprintf((char *)at, (size_t)size + 1, format, arguments);
    va_end(arguments);
    buffer->size += (size_t)size;
}

void buffer_put_decimal(Buffer *buffer, uint64_t value)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buffer_put(buffer, digits + at, sizeof digits - at);
}

void buffer_put_zeros(Buffer *buffer, size_t size)
{
    uint8_t *at = buffer_reserve(buffer, size);
    if (at == NULL)
        return;
    memset(at, 0, size);
    buffer->size += size;
}

void buffer_put_u8(Buffer *buffer, uint8_t value)
{
    buffer_put(buffer, &value, 1);
}

void buffer_put_u16(Buffer *buffer, uint16_t value)
{
    value = htole16(value);
    buffer_put(buffer, &value, sizeof value);
}

void buffer_put_u32(Buffer *buffer, uint32_t value)
{
    value = htole32(value);
    buffer_put(buffer, &value, sizeof value);
}

void buffer_put_u64(Buffer *buffer, uint64_t value)
{
    value = htole64(value);
    buffer_put(buffer, &value, sizeof value);
}

void buffer_put_u16_big(Buffer *buffer, uint16_t value)
{
    value = htobe16(value);
    buffer_put(buffer, &value, sizeof value);
}

void buffer_put_u32_big(Buffer *buffer, uint32_t value)
{
    value = htobe32(value);
    buffer_put(buffer, &value, sizeof value);
}

void buffer_put_u64_big(Buffer *buffer, uint64_t value)
{
    value = htobe64(value);
    buffer_put(buffer, &value, sizeof value);
}

void buffer_put_varint(Buffer *buffer, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t)value;
    buffer_put(buffer, bytes, size);
}

void buffer_put_sized(Buffer *buffer, Slice s)
{
    buffer_put_varint(buffer, s.size);
    buffer_put_slice(buffer, s);
}

void buffer_set_u32(Buffer *buffer, size_t offset, uint32_t value)
{
    if (buffer->failed)
        return;
    ASSERT(offset + sizeof value <= buffer->size);
    value = htole32(value);
    memcpy(buffer->data + offset, &value, sizeof value);
}

void buffer_set_u64(Buffer *buffer, size_t offset, uint64_t value)
{
    if (buffer->failed)
        return;
    ASSERT(offset + sizeof value <= buffer->size);
    value = htole64(value);
    memcpy(buffer->data + offset, &value, sizeof value);
}
