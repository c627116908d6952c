/* Reading Avro container files of any schema, and never trusting a length: every record and every
 * item takes at least one byte, so that no count can promise more than there are bytes.
 * The format is at the top of avro_write.c. */
#include "base/assert.h"
#include "cold/avro.h"
#include "cold/zlib_int.h"

enum { INFLATE_STEP_BYTES = 64 << 10 };

Status avro_damaged(const char *what, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "an Avro file is damaged");
    return error_wrap(error, "%s", what);
}

/* ---- parts ---- */

static int64_t get_long(Cursor *cursor)
{
    uint64_t value = cursor_varint(cursor);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static Slice get_bytes(Cursor *cursor)
{
    int64_t size = get_long(cursor);
    if (size < 0 || (uint64_t)size > cursor_rest(cursor))
        cursor->failed = true;
    return cursor_bytes(cursor, cursor->failed ? 0 : (size_t)size);
}

/* The count that begins a block of an array's or map's items: 0 at its end. A negative one is
 * followed by the block's length in bytes, for those who skip. */
static uint64_t get_block_count(Cursor *cursor)
{
    int64_t count = get_long(cursor);
    if (count < 0) {
        (void)get_long(cursor);
        count = count == INT64_MIN ? 0 : -count;
    }
    if ((uint64_t)count > cursor_rest(cursor))
        cursor->failed = true;
    return cursor->failed ? 0 : (uint64_t)count;
}

/* ---- values ---- */

static Status read_value(Arena *arena, Cursor *cursor, const AvroType *type, uint32_t depth,
                         AvroValue *out, Error *error);

static Status read_union(Arena *arena, Cursor *cursor, const AvroType *type, uint32_t depth,
                         AvroValue *out, Error *error)
{
    int64_t branch = get_long(cursor);
    if (cursor->failed || branch < 0 || branch >= type->count)
        return avro_damaged("a union has no such branch", error);
    return read_value(arena, cursor, type->branches[branch], depth + 1, out, error);
}

static Status read_record(Arena *arena, Cursor *cursor, const AvroType *type, uint32_t depth,
                          AvroValue *out, Error *error)
{
    AvroValue *items = ARENA_ARRAY(arena, AvroValue, type->count);
    if (items == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < type->count; i++)
        TRY(read_value(arena, cursor, type->fields[i].type, depth + 1, &items[i], error));
    out->as.list.items = items;
    out->as.list.count = type->count;
    return OK;
}

/* Room for `more` items behind those that are there. */
static Status grow_items(Arena *arena, AvroValue *list, uint64_t more, Error *error)
{
    uint64_t count = list->as.list.count + more;
    if (count > AVRO_ITEMS_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "an Avro array has more than %d items", AVRO_ITEMS_MAX);
    AvroValue *items = ARENA_ARRAY(arena, AvroValue, (size_t)count);
    if (items == NULL)
        return arena_error(arena, error);
    if (list->as.list.count > 0)
        memcpy(items, list->as.list.items, list->as.list.count * sizeof *items);
    list->as.list.items = items;
    return OK;
}

static Status read_item(Arena *arena, Cursor *cursor, const AvroType *type, uint32_t depth,
                        AvroValue *out, Error *error)
{
    const uint8_t *begin = cursor->at;
    if (type->kind == AVRO_MAP)
        out->key = get_bytes(cursor);
    TRY(read_value(arena, cursor, type->element, depth + 1, out, error));
    if (cursor->failed || cursor->at == begin)
        return avro_damaged("an item has no bytes", error);
    return OK;
}

static Status read_list(Arena *arena, Cursor *cursor, const AvroType *type, uint32_t depth,
                        AvroValue *out, Error *error)
{
    out->as.list.items = NULL;
    out->as.list.count = 0;
    for (uint64_t count; (count = get_block_count(cursor)) > 0;) {
        TRY(grow_items(arena, out, count, error));
        for (; count > 0; count--) {
            AvroValue item = {0};
            TRY(read_item(arena, cursor, type, depth, &item, error));
            out->as.list.items[out->as.list.count++] = item;
        }
    }
    return cursor->failed ? avro_damaged("an array ends too early", error) : OK;
}

static double real_of_bits(uint64_t bits, bool is_float)
{
    double real;
    float narrow;
    uint32_t narrow_bits = (uint32_t)bits;
    memcpy(&narrow, &narrow_bits, sizeof narrow);
    memcpy(&real, &bits, sizeof real);
    return is_float ? (double)narrow : real;
}

static Status read_value(Arena *arena, Cursor *cursor, const AvroType *type, uint32_t depth,
                         AvroValue *out, Error *error)
{
    if (depth >= AVRO_DEPTH_MAX)
        return avro_damaged("a value nests too deep", error);
    out->type = type;
    switch (type->kind) {
    case AVRO_NULL:
        break;
    case AVRO_BOOLEAN:
        out->as.boolean = cursor_u8(cursor) != 0;
        break;
    case AVRO_INT:
    case AVRO_LONG:
    case AVRO_ENUM:
        out->as.integer = get_long(cursor);
        break;
    case AVRO_FLOAT:
        out->as.real = real_of_bits(cursor_u32(cursor), true);
        break;
    case AVRO_DOUBLE:
        out->as.real = real_of_bits(cursor_u64(cursor), false);
        break;
    case AVRO_BYTES:
    case AVRO_STRING:
        out->as.bytes = get_bytes(cursor);
        break;
    case AVRO_FIXED:
        out->as.bytes = cursor_bytes(cursor, type->size);
        break;
    case AVRO_RECORD:
        return read_record(arena, cursor, type, depth, out, error);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return read_list(arena, cursor, type, depth, out, error);
    case AVRO_UNION:
        return read_union(arena, cursor, type, depth, out, error);
    }
    return cursor->failed ? avro_damaged("a value ends too early", error) : OK;
}

/* ---- the file ---- */

static Status read_metadata(AvroReader *reader, Arena *arena, Error *error)
{
    AvroMetadata *entries = ARENA_ARRAY(arena, AvroMetadata, AVRO_METADATA_MAX);
    if (entries == NULL)
        return arena_error(arena, error);
    for (uint64_t count; (count = get_block_count(&reader->file)) > 0;) {
        if (count > AVRO_METADATA_MAX - reader->metadata_count)
            return avro_damaged("it has too much metadata", error);
        for (; count > 0; count--) {
            AvroMetadata *entry = &entries[reader->metadata_count++];
            entry->key = get_bytes(&reader->file);
            entry->value = get_bytes(&reader->file);
        }
    }
    reader->metadata = entries;
    return reader->file.failed ? avro_damaged("its metadata ends too early", error) : OK;
}

static Status read_codec(AvroReader *reader, Error *error)
{
    Slice codec = avro_reader_metadata(reader, "avro.codec");
    reader->deflate = slice_equal_text(codec, "deflate");
    if (reader->deflate || codec.size == 0 || slice_equal_text(codec, "null"))
        return OK;
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                     "Avro files with codec \"%.*s\" cannot be read", SLICE_ARGUMENTS(codec));
}

Status avro_reader_open(AvroReader *reader, Arena *arena, Slice file, Error *error)
{
    *reader = (AvroReader){.file = cursor_of(file)};
    Slice magic = cursor_bytes(&reader->file, 4);
    if (!slice_equal(magic, slice_of("Obj\x01", 4)))
        return avro_damaged("it does not begin as one", error);
    TRY(read_metadata(reader, arena, error));
    reader->sync = cursor_bytes(&reader->file, AVRO_SYNC_BYTES);
    if (reader->file.failed)
        return avro_damaged("it ends too early", error);
    TRY(read_codec(reader, error));
    TRY(avro_schema_read(arena, avro_reader_metadata(reader, "avro.schema"), &reader->type, error));
    buffer_open(&reader->inflated, AVRO_BLOCK_BYTES_MAX);
    return OK;
}

void avro_reader_close(AvroReader *reader)
{
    buffer_close(&reader->inflated);
}

Slice avro_reader_metadata(const AvroReader *reader, const char *key)
{
    for (size_t i = reader->metadata_count; i > 0; i--) {
        if (slice_equal_text(reader->metadata[i - 1].key, key))
            return reader->metadata[i - 1].value;
    }
    return SLICE_EMPTY;
}

static int inflate_step(z_stream *stream, Buffer *out)
{
    uint8_t *at = buffer_reserve(out, INFLATE_STEP_BYTES);
    if (at == NULL)
        return Z_MEM_ERROR;
    stream->next_out = at;
    stream->avail_out = INFLATE_STEP_BYTES;
    int result = inflate(stream, Z_NO_FLUSH);
    out->size += INFLATE_STEP_BYTES - stream->avail_out;
    return result;
}

static Status inflate_into(Slice bytes, Buffer *out, Error *error)
{
    z_stream stream = zlib_stream();
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return error_out_of_memory(error);
    stream.next_in = (uint8_t *)(uintptr_t)bytes.data;
    stream.avail_in = (uInt)bytes.size;
    int result;
    do {
        result = inflate_step(&stream, out);
    } while (result == Z_OK);
    bool is_whole = result == Z_STREAM_END && stream.avail_in == 0;
    (void)inflateEnd(&stream);
    TRY(buffer_status(out, error));
    if (result == Z_MEM_ERROR)
        return error_out_of_memory(error);
    return is_whole ? OK : avro_damaged("a block cannot be inflated", error);
}

static Status open_block(AvroReader *reader, Slice bytes, Error *error)
{
    if (bytes.size > AVRO_BLOCK_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "a block of an Avro file is longer than %d bytes", AVRO_BLOCK_BYTES_MAX);
    buffer_clear(&reader->inflated);
    if (reader->deflate) {
        TRY(inflate_into(bytes, &reader->inflated, error));
        bytes = buffer_slice(&reader->inflated);
    }
    reader->block = cursor_of(bytes);
    return OK;
}

static Status next_block(AvroReader *reader, Error *error)
{
    int64_t records = get_long(&reader->file);
    Slice bytes = get_bytes(&reader->file);
    Slice sync = cursor_bytes(&reader->file, AVRO_SYNC_BYTES);
    if (reader->file.failed || records < 0)
        return avro_damaged("a block ends too early", error);
    if (!slice_equal(sync, reader->sync))
        return avro_damaged("a block does not end as it should", error);
    TRY(open_block(reader, bytes, error));
    reader->records = (uint64_t)records;
    if (records == 0 && cursor_rest(&reader->block) > 0)
        return avro_damaged("an empty block has bytes", error);
    return OK;
}

Status avro_reader_next(AvroReader *reader, Arena *arena, AvroValue *out, bool *has, Error *error)
{
    while (reader->records == 0) {
        *has = !cursor_is_done(&reader->file);
        if (!*has)
            return OK;
        TRY(next_block(reader, error));
    }
    size_t before = cursor_rest(&reader->block);
    *out = (AvroValue){0};
    TRY(read_value(arena, &reader->block, reader->type, 0, out, error));
    if (cursor_rest(&reader->block) == before)
        return avro_damaged("a record has no bytes", error);
    reader->records--;
    if (reader->records == 0 && cursor_rest(&reader->block) > 0)
        return avro_damaged("a block has more bytes than records", error);
    *has = true;
    return OK;
}

/* ---- fields ---- */

const AvroValue *avro_field(const AvroValue *record, int32_t field_id)
{
    if (record == NULL || record->type->kind != AVRO_RECORD)
        return NULL;
    for (uint32_t i = 0; i < record->type->count; i++) {
        const AvroValue *value = &record->as.list.items[i];
        if (record->type->fields[i].field_id == field_id)
            return value->type->kind == AVRO_NULL ? NULL : value;
    }
    return NULL;
}

int64_t avro_integer(const AvroValue *record, int32_t field_id, int64_t fallback)
{
    const AvroValue *value = avro_field(record, field_id);
    bool is_integer =
        value != NULL && (value->type->kind == AVRO_INT || value->type->kind == AVRO_LONG);
    return is_integer ? value->as.integer : fallback;
}

Slice avro_text(const AvroValue *record, int32_t field_id)
{
    const AvroValue *value = avro_field(record, field_id);
    bool is_text =
        value != NULL && (value->type->kind == AVRO_BYTES || value->type->kind == AVRO_STRING ||
                          value->type->kind == AVRO_FIXED);
    return is_text ? value->as.bytes : SLICE_EMPTY;
}

bool avro_boolean(const AvroValue *record, int32_t field_id)
{
    const AvroValue *value = avro_field(record, field_id);
    return value != NULL && value->type->kind == AVRO_BOOLEAN && value->as.boolean;
}

uint32_t avro_items(const AvroValue *record, int32_t field_id, const AvroValue **out)
{
    const AvroValue *value = avro_field(record, field_id);
    bool is_array = value != NULL && value->type->kind == AVRO_ARRAY;
    *out = is_array ? value->as.list.items : NULL;
    return is_array ? value->as.list.count : 0;
}
