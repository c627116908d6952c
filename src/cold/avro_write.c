/* Writing Avro container files:
 *     "Obj" 0x01; metadata as a map of bytes, with avro.schema and avro.codec; 16 bytes of sync
 *     blocks: records as a long, bytes as a long, the records (deflated), the sync bytes again
 * Longs are zigzag varints; bytes and strings have their length before them; a map or array is
 * blocks of a count and so many items, ended by a count of 0. */
#include <zlib.h>

#include "base/assert.h"
#include "cold/avro.h"
#include "cold/zlib_int.h"

enum { DEFLATE_STEP_BYTES = 32 << 10 };

void avro_put_long(Buffer *out, int64_t value)
{
    buffer_put_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void avro_put_boolean(Buffer *out, bool value)
{
    buffer_put_u8(out, value);
}

void avro_put_bytes(Buffer *out, Slice value)
{
    avro_put_long(out, (int64_t)value.size);
    buffer_put_slice(out, value);
}

static void put_entry(Buffer *out, Slice key, Slice value)
{
    avro_put_bytes(out, key);
    avro_put_bytes(out, value);
}

void avro_writer_open(AvroWriter *writer, Env *env, Buffer *out, Slice schema, bool deflate,
                      const AvroMetadata *metadata, size_t metadata_count)
{
    *writer = (AvroWriter){.out = out, .deflate = deflate};
    buffer_open(&writer->block, AVRO_BLOCK_BYTES_MAX);
    env_random(env, writer->sync, sizeof writer->sync);
    buffer_put(out, "Obj\x01", 4);
    avro_put_long(out, (int64_t)metadata_count + 2);
    put_entry(out, SLICE("avro.schema"), schema);
    put_entry(out, SLICE("avro.codec"), deflate ? SLICE("deflate") : SLICE("null"));
    for (size_t i = 0; i < metadata_count; i++)
        put_entry(out, metadata[i].key, metadata[i].value);
    avro_put_long(out, 0);
    buffer_put(out, writer->sync, sizeof writer->sync);
}

/* Appends the block's bytes deflated, without header or checksum as Avro has it. */
static Status deflate_into(Slice bytes, Buffer *out, Error *error)
{
    z_stream stream = zlib_stream();
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return error_out_of_memory(error);
    ASSERT(bytes.size <= UINT32_MAX);
    stream.next_in = (uint8_t *)(uintptr_t)bytes.data;
    stream.avail_in = (uInt)bytes.size;
    int result = Z_OK;
    while (result == Z_OK) {
        uint8_t *at = buffer_reserve(out, DEFLATE_STEP_BYTES);
        if (at == NULL)
            break;
        stream.next_out = at;
        stream.avail_out = DEFLATE_STEP_BYTES;
        result = deflate(&stream, Z_FINISH);
        out->size += DEFLATE_STEP_BYTES - stream.avail_out;
    }
    (void)deflateEnd(&stream);
    TRY(buffer_status(out, error));
    ASSERT(result == Z_STREAM_END);
    return OK;
}

static Status put_deflated(AvroWriter *writer, Error *error)
{
    Buffer deflated;
    buffer_open(&deflated, 0);
    Status status = deflate_into(buffer_slice(&writer->block), &deflated, error);
    if (status == OK)
        avro_put_bytes(writer->out, buffer_slice(&deflated));
    buffer_close(&deflated);
    return status;
}

static Status write_block(AvroWriter *writer, Error *error)
{
    TRY(buffer_status(&writer->block, error));
    avro_put_long(writer->out, (int64_t)writer->records);
    if (writer->deflate)
        TRY(put_deflated(writer, error));
    else
        avro_put_bytes(writer->out, buffer_slice(&writer->block));
    buffer_put(writer->out, writer->sync, sizeof writer->sync);
    buffer_clear(&writer->block);
    writer->records = 0;
    return buffer_status(writer->out, error);
}

Status avro_writer_end_record(AvroWriter *writer, Error *error)
{
    writer->records++;
    if (writer->block.size < AVRO_BLOCK_BYTES)
        return buffer_status(&writer->block, error);
    return write_block(writer, error);
}

Status avro_writer_finish(AvroWriter *writer, Error *error)
{
    if (writer->records > 0)
        TRY(write_block(writer, error));
    return buffer_status(writer->out, error);
}

void avro_writer_close(AvroWriter *writer)
{
    buffer_close(&writer->block);
}
