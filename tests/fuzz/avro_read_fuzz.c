/* The Avro reader against any bytes: containers of any schema, and with the first byte set so,
 * records of Iceberg's own manifest schema, which the fuzzer would not find by itself. */
#include "base/assert.h"
#include "base/env.h"
#include "cold/avro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES_MAX = 32 << 20, RECORDS_MAX = 10000 };

static const char manifest_like[] =
    "{\"type\":\"record\",\"name\":\"e\",\"fields\":[{\"name\":\"status\",\"type\":\"int\","
    "\"field-id\":0},{\"name\":\"seq\",\"type\":[\"null\",\"long\"],\"field-id\":3},{\"name\":"
    "\"file\",\"field-id\":2,\"type\":{\"type\":\"record\",\"name\":\"r2\",\"fields\":[{\"name\":"
    "\"path\",\"type\":\"string\",\"field-id\":100},{\"name\":\"lower\",\"field-id\":125,\"type\":["
    "\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"k126_v127\","
    "\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":126},{\"name\":\"value\","
    "\"type\":\"bytes\",\"field-id\":127}]}}]},{\"name\":\"again\",\"type\":[\"null\","
    "\"k126_v127\"]}]}}]}";

/* Every value must lie in the file or the block: reading it is what ASan watches. */
static uint64_t touch(const AvroValue *value, uint64_t sum)
{
    switch (value->type->kind) {
    case AVRO_BYTES:
    case AVRO_STRING:
    case AVRO_FIXED:
        for (size_t i = 0; i < value->as.bytes.size; i++)
            sum = sum * 31 + value->as.bytes.data[i];
        return sum;
    case AVRO_RECORD:
    case AVRO_ARRAY:
    case AVRO_MAP: /* at most AVRO_DEPTH_MAX deep */
        for (uint32_t i = 0; i < value->as.list.count; i++)
            sum = touch(&value->as.list.items[i], sum + value->as.list.items[i].key.size);
        return sum;
    case AVRO_UNION:
        UNREACHABLE();
    default:
        return sum + 1;
    }
}

static void read_file(Slice file)
{
    Error error;
    AvroReader reader;
    Arena header;
    Arena arena;
    arena_open(&header, ARENA_BYTES_MAX);
    arena_open(&arena, ARENA_BYTES_MAX);
    Status status = avro_reader_open(&reader, &header, file, &error);
    bool has = true;
    for (int i = 0; status == OK && has && i < RECORDS_MAX; i++) {
        AvroValue value;
        arena_reset(&arena);
        status = avro_reader_next(&reader, &arena, &value, &has, &error);
        if (status == OK && has) {
            (void)touch(&value, 0);
            (void)avro_integer(&value, 0, 0);
            (void)avro_text(avro_field(&value, 2), 100);
        }
    }
    avro_reader_close(&reader);
    arena_close(&arena);
    arena_close(&header);
}

static void read_records(Slice records, uint8_t count)
{
    Error error;
    Buffer file;
    AvroWriter writer;
    buffer_open(&file, 0);
    avro_writer_open(&writer, env_real(), &file, slice_of_text(manifest_like), count % 2 == 0, NULL,
                     0);
    buffer_put_slice(&writer.block, records);
    writer.records = count;
    ASSERT(avro_writer_finish(&writer, &error) == OK);
    avro_writer_close(&writer);
    read_file(buffer_slice(&file));
    buffer_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Slice input = slice_of(data, size);
    if (size > 1 && data[0] < 64)
        read_records(slice_part(input, 1, size), data[0]);
    else
        read_file(input);
    return 0;
}
