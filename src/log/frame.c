#include "base/assert.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "log/log_int.h"

static uint32_t frame_crc(const uint8_t *frame, size_t size, const Segment *segment,
                          LogPosition position)
{
    uint64_t place[3] = {segment->id, segment->salt, position};
    uint32_t crc = crc32c(0, slice_of(place, sizeof place));
    return crc32c(crc, slice_of(frame + 4, size - 4));
}

static uint32_t payload_size(const uint8_t *frame)
{
    uint32_t size;
    memcpy(&size, frame + 4, sizeof size);
    return size;
}

void frame_put(Buffer *out, uint8_t kind, uint8_t flags, uint64_t seq, uint64_t transaction,
               const Slice *parts, size_t part_count)
{
    size_t size = 0;
    for (size_t i = 0; i < part_count; i++)
        size += parts[i].size;
    ASSERT(size <= LOG_FRAME_BYTES_MAX);
    buffer_put_u32(out, 0);
    buffer_put_u32(out, (uint32_t)size);
    buffer_put_u64(out, seq);
    buffer_put_u64(out, transaction);
    buffer_put_u8(out, kind);
    buffer_put_u8(out, flags);
    buffer_put_u16(out, FRAME_MAGIC);
    buffer_put_u32(out, 0);
    for (size_t i = 0; i < part_count; i++)
        buffer_put_slice(out, parts[i]);
    buffer_put_zeros(out, frame_bytes(size) - FRAME_HEADER_BYTES - size);
}

void frame_finish(uint8_t *frame, const Segment *segment, LogPosition position)
{
    uint32_t crc = frame_crc(frame, FRAME_HEADER_BYTES + payload_size(frame), segment, position);
    memcpy(frame, &crc, sizeof crc);
}

void frames_finish(uint8_t *frames, size_t size, const Segment *segment, LogPosition begin)
{
    size_t at = 0;
    while (at < size) {
        frame_finish(frames + at, segment, begin + at);
        at += frame_bytes(payload_size(frames + at));
    }
    ASSERT(at == size);
}

static bool is_all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

FrameCheck frame_check(Slice bytes, const Segment *segment, LogPosition position, LogFrame *out)
{
    if (bytes.size < FRAME_HEADER_BYTES)
        return is_all_zero(bytes.data, bytes.size) ? FRAME_NONE : FRAME_BAD;
    Cursor cursor = cursor_of(bytes);
    uint32_t crc = cursor_u32(&cursor);
    uint32_t size = cursor_u32(&cursor);
    cursor_skip(&cursor, 18);
    uint16_t magic = cursor_u16(&cursor);
    if (magic == 0 && is_all_zero(bytes.data, FRAME_HEADER_BYTES))
        return FRAME_NONE;
    if (magic != FRAME_MAGIC || size > LOG_FRAME_BYTES_MAX || frame_bytes(size) > bytes.size)
        return FRAME_BAD;
    if (crc != frame_crc(bytes.data, FRAME_HEADER_BYTES + size, segment, position))
        return FRAME_BAD;
    frame_split(bytes.data, position, out);
    return FRAME_VALID;
}

void frame_split(const uint8_t *frame, LogPosition position, LogFrame *out)
{
    uint32_t size = payload_size(frame);
    Cursor cursor = cursor_of(slice_of(frame + 8, FRAME_HEADER_BYTES - 8));
    *out = (LogFrame){.position = position, .end = position + frame_bytes(size)};
    out->seq = cursor_u64(&cursor);
    out->transaction = cursor_u64(&cursor);
    out->kind = cursor_u8(&cursor);
    out->flags = cursor_u8(&cursor);
    out->payload = slice_of(frame + FRAME_HEADER_BYTES, size);
}

void group_header_put(Buffer *out, const LogGroupHeader *header)
{
    uint64_t fields[3] = {header->durable, header->highest_seq, (uint64_t)header->wall_us};
    Slice payload = slice_of(fields, sizeof fields);
    frame_put(out, LOG_FRAME_GROUP, 0, 0, 0, &payload, 1);
}

bool group_header_get(const LogFrame *frame, LogGroupHeader *out)
{
    if (frame->kind != LOG_FRAME_GROUP || frame->payload.size != GROUP_PAYLOAD_BYTES)
        return false;
    Cursor cursor = cursor_of(frame->payload);
    out->durable = cursor_u64(&cursor);
    out->highest_seq = cursor_u64(&cursor);
    out->wall_us = (int64_t)cursor_u64(&cursor);
    return true;
}
