/* Files of memory I/O:
 *     0   8  "FIRNROWS", or "FIRNDELP" for position deletes
 *     8   4  version, 1
 *     12  4  CRC32C of everything behind the header
 *     16  8  rows, or data files named
 *     24  8  bytes behind the header
 *     32  28 zero
 *     60  4  CRC32C of bytes 0–59
 *     64     rows: the schema (types/row.h, varint length before it), then for each row: sequence
 * u64, microseconds i64, the packed row (varint length before it) deletes: for each data file: its
 * path and the set of positions (varint lengths) Integers are little-endian. */
#include "cold/memory_io_int.h"

#include "base/assert.h"
#include "base/hash.h"

enum { MEMORY_FILE_VERSION = 1, MEMORY_FILE_HEADER_BYTES = 64, SPLIT_OFFSET = 64 };

/* ---- any of them ---- */

Status memory_file_damaged(const char *path, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "a data file is damaged");
    return error_wrap(error, "%s", path);
}

static void put_header(Buffer *out, const char *magic, uint64_t count, Slice body)
{
    buffer_put(out, magic, 8);
    buffer_put_u32(out, MEMORY_FILE_VERSION);
    buffer_put_u32(out, crc32c(0, body));
    buffer_put_u64(out, count);
    buffer_put_u64(out, body.size);
    buffer_put_zeros(out, 28);
    buffer_put_u32(out, crc32c(0, slice_of(out->data, out->failed ? 0 : 60)));
}

Status memory_file_write(Env *env, const char *path, const char *magic, uint64_t count, Slice body,
                         Error *error)
{
    Buffer header;
    File *file = NULL;
    Status status = OK;
    buffer_open(&header, 0);
    put_header(&header, magic, count, body);
    GO(buffer_status(&header, error));
    GO(file_open(env, path, FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &file, error));
    GO(file_write_at(file, 0, buffer_slice(&header), error));
    GO(file_write_at(file, MEMORY_FILE_HEADER_BYTES, body, error));
done:
    if (file != NULL)
        KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    buffer_close(&header);
    return status;
}

static Status check_header(const char *path, const char *magic, Slice bytes, uint64_t *count,
                           Error *error)
{
    Cursor cursor = cursor_of(bytes);
    Slice found = cursor_bytes(&cursor, 8);
    uint32_t version = cursor_u32(&cursor);
    uint32_t body_crc = cursor_u32(&cursor);
    *count = cursor_u64(&cursor);
    uint64_t size = cursor_u64(&cursor);
    cursor_skip(&cursor, 28);
    uint32_t crc = cursor_u32(&cursor);
    if (cursor.failed || !slice_equal_text(found, magic) || version != MEMORY_FILE_VERSION ||
        crc != crc32c(0, slice_part(bytes, 0, 60)) || size != cursor_rest(&cursor) ||
        body_crc != crc32c(0, slice_part(bytes, MEMORY_FILE_HEADER_BYTES, bytes.size)))
        return memory_file_damaged(path, error);
    return OK;
}

Status memory_file_read(Env *env, const char *path, const char *magic, Buffer *out, uint64_t *count,
                        Slice *body, Error *error)
{
    TRY(env_read_file(env, path, MEMORY_IO_FILE_BYTES_MAX, out, error));
    TRY(check_header(path, magic, buffer_slice(out), count, error));
    *body = slice_part(buffer_slice(out), MEMORY_FILE_HEADER_BYTES, out->size);
    return OK;
}

/* ---- rows ---- */

void stored_row_put(Buffer *out, const StoredRow *row)
{
    buffer_put_u64(out, row->seq);
    buffer_put_u64(out, (uint64_t)row->updated_us);
    buffer_put_sized(out, row->row);
}

StoredRow stored_row_get(Cursor *cursor)
{
    StoredRow row;
    row.seq = cursor_u64(cursor);
    row.updated_us = (int64_t)cursor_u64(cursor);
    row.row = cursor_sized(cursor);
    return row;
}

Status rows_file_open(Env *env, const char *path, RowsFile *out, Error *error)
{
    RowsFile file = {.path = path};
    Slice body;
    Status status = OK;
    buffer_open(&file.bytes, 0);
    GO(memory_file_read(env, path, MEMORY_ROWS_MAGIC, &file.bytes, &file.count, &body, error));
    file.rows = cursor_of(body);
    Cursor schema = cursor_of(cursor_sized(&file.rows));
    if (file.rows.failed)
        GO(memory_file_damaged(path, error));
    GO(schema_decode(&schema, &file.schema, error));
    *out = file;
    return OK;
done:
    buffer_close(&file.bytes);
    return status;
}

void rows_file_close(RowsFile *file)
{
    schema_release(file->schema);
    buffer_close(&file->bytes);
}

Status rows_file_next(RowsFile *file, const Schema *schema, Arena *arena, Buffer *scratch,
                      StoredRow *out, Error *error)
{
    *out = stored_row_get(&file->rows);
    if (file->rows.failed || !row_check(&file->schema->layout, out->row))
        return memory_file_damaged(file->path, error);
    if (file->schema->version == schema->version)
        return OK;
    buffer_clear(scratch);
    TRY(row_convert(file->schema, out->row, schema, arena, scratch, error));
    out->row = buffer_slice(scratch);
    return OK;
}

/* ---- statistics ---- */

static void add_to_bounds(ColumnStatistics *column, const Value *value)
{
    column->value_count++;
    if (value->is_null) {
        column->null_count++;
        return;
    }
    if (value->kind == TYPE_VECTOR)
        return;
    if ((value->kind == TYPE_REAL || value->kind == TYPE_DOUBLE) &&
        value->as.real != value->as.real) {
        column->may_have_nan = true;
        return;
    }
    if (!column->has_bounds || value_compare(value, &column->lower) < 0)
        column->lower = *value;
    if (!column->has_bounds || value_compare(value, &column->upper) > 0)
        column->upper = *value;
    column->has_bounds = true;
}

static void add_row_to_bounds(ColumnStatistics *columns, const RowsFileWrite *request,
                              const StoredRow *row)
{
    const Schema *schema = request->schema;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        Value value;
        row_get(&schema->layout, row->row, c, &value);
        columns[c].size_bytes += 1 + value_heap_size(&value);
        add_to_bounds(&columns[c], &value);
    }
    ColumnStatistics *system = columns + schema->column_count;
    Value seq = value_integer(TYPE_BIGINT, (int64_t)row->seq);
    Value updated = value_integer(TYPE_TIMESTAMPTZ, row->updated_us);
    Value owner = value_text(request->owner_name);
    add_to_bounds(&system[0], &seq);
    add_to_bounds(&system[1], &updated);
    if (schema_has_owner(schema))
        add_to_bounds(&system[2], &owner);
}

static Status measure(const RowsFileWrite *request, Arena *arena, DataFileResult *out, Error *error)
{
    static const uint32_t system_ids[] = {FIELD_ID_SEQ, FIELD_ID_UPDATED, FIELD_ID_OWNER};
    const Schema *schema = request->schema;
    uint32_t system_count = schema_has_owner(schema) ? 3 : 2;
    uint32_t count = schema->column_count + system_count;
    ColumnStatistics *columns = ARENA_ARRAY(arena, ColumnStatistics, count);
    if (columns == NULL)
        return arena_error(arena, error);
    for (uint32_t c = 0; c < count; c++)
        columns[c].field_id = c < schema->column_count ? schema->columns[c].field_id
                                                       : system_ids[c - schema->column_count];
    Cursor cursor = cursor_of(request->rows);
    for (uint64_t i = 0; i < request->count; i++) {
        StoredRow row = stored_row_get(&cursor);
        add_row_to_bounds(columns, request, &row);
    }
    ASSERT(cursor_is_done(&cursor));
    for (uint32_t c = 0; c < count; c++) {
        if (!columns[c].has_bounds)
            continue;
        TRY(value_clone(arena, &columns[c].lower, &columns[c].lower, error));
        TRY(value_clone(arena, &columns[c].upper, &columns[c].upper, error));
    }
    out->statistics = columns;
    out->statistics_count = count;
    return OK;
}

static Status describe(const RowsFileWrite *request, size_t size, Arena *arena, DataFileResult *out,
                       Error *error)
{
    DataFileResult result = {.row_count = request->count, .size_bytes = size, .split_count = 1};
    result.splits = ARENA_ARRAY(arena, uint64_t, 1);
    if (result.splits == NULL)
        return arena_error(arena, error);
    result.splits[0] = SPLIT_OFFSET;
    TRY(measure(request, arena, &result, error));
    *out = result;
    return OK;
}

static void put_schema(Buffer *out, const Schema *schema)
{
    Buffer encoded;
    buffer_open(&encoded, 0);
    schema_encode(&encoded, schema);
    buffer_put_sized(out, buffer_slice(&encoded));
    out->failed = out->failed || encoded.failed;
    buffer_close(&encoded);
}

Status rows_file_write(Env *env, const RowsFileWrite *request, Arena *arena, DataFileResult *out,
                       Error *error)
{
    Buffer body;
    Status status = OK;
    buffer_open(&body, MEMORY_IO_FILE_BYTES_MAX / 2);
    put_schema(&body, request->schema);
    buffer_put_slice(&body, request->rows);
    GO(buffer_status(&body, error));
    GO(memory_file_write(env, request->path, MEMORY_ROWS_MAGIC, request->count, buffer_slice(&body),
                         error));
    GO(describe(request, MEMORY_FILE_HEADER_BYTES + body.size, arena, out, error));
done:
    buffer_close(&body);
    return status;
}
