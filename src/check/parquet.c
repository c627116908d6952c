/* A Parquet file's frame, read without the analytic engine: a checker must not depend on what it
 * checks with.
 *
 *     "PAR1", row groups, footer, u32 length of the footer (little-endian), "PAR1"
 *
 * The footer is Thrift's compact form of FileMetaData: field 1 version (i32), 2 schema (list), 3
 * number of rows (i64), 4 row groups (list of structs whose field 1 is a list of column chunks,
 * field 2 bytes, field 3 number of rows). What stands in the pages themselves is for DuckDB to say:
 * they carry no checksums. */
#include "base/cursor.h"
#include "check/check_int.h"

enum {
    FOOTER_BYTES_MAX = 256 << 20,
    ENDING_BYTES = 8,
    THRIFT_DEPTH_MAX = 16,
    THRIFT_FIELD_STOP = 0,
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_I8 = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_BINARY = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_STRUCT = 12,
    FILE_ROWS_FIELD = 3,
    FILE_GROUPS_FIELD = 4,
    GROUP_CHUNKS_FIELD = 1,
    GROUP_ROWS_FIELD = 3,
    CHUNK_DATA_FIELD = 3,
    DATA_COMPRESSED_FIELD = 7,
    DATA_PAGE_FIELD = 9,
    DATA_DICTIONARY_FIELD = 11,
};

static const char magic[] = "PAR1";

static Status damaged(const char *what, Error *error)
{
    return error_set(error, STATUS_DATA_CORRUPTED, "%s", what);
}

/* ---- Thrift's compact form ---- */

typedef struct ThriftField {
    uint8_t type; /* THRIFT_FIELD_STOP at the end */
    int16_t id;
} ThriftField;

static int64_t zigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static int64_t read_integer(Cursor *cursor)
{
    return zigzag(cursor_varint(cursor));
}

static ThriftField next_field(Cursor *cursor, ThriftField before)
{
    uint8_t head = cursor_u8(cursor);
    ThriftField field = {.type = head & 15};
    if (cursor->failed || field.type == THRIFT_FIELD_STOP)
        return (ThriftField){0};
    field.id = head >> 4 == 0 ? (int16_t)read_integer(cursor) : (int16_t)(before.id + (head >> 4));
    return field;
}

static uint64_t list_head(Cursor *cursor, uint8_t *type)
{
    uint8_t head = cursor_u8(cursor);
    uint64_t count = head >> 4;
    *type = head & 15;
    if (count == 15)
        count = cursor_varint(cursor);
    if (count > cursor_rest(cursor)) /* each takes a byte at least */
        cursor->failed = true;
    return cursor->failed ? 0 : count;
}

static void skip(Cursor *cursor, uint8_t type, bool in_list, int depth);

static void skip_struct(Cursor *cursor, int depth)
{
    ThriftField field = {0};
    for (;;) {
        field = next_field(cursor, field);
        if (cursor->failed || field.type == THRIFT_FIELD_STOP)
            return;
        skip(cursor, field.type, false, depth);
    }
}

static void skip_list(Cursor *cursor, int depth)
{
    uint8_t type;
    uint64_t count = list_head(cursor, &type);
    for (uint64_t i = 0; i < count && !cursor->failed; i++)
        skip(cursor, type, true, depth);
}

static void skip(Cursor *cursor, uint8_t type, bool in_list, int depth)
{
    if (depth >= THRIFT_DEPTH_MAX) {
        cursor->failed = true;
        return;
    }
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        cursor_skip(cursor, in_list ? 1 : 0);
        return;
    case THRIFT_I8:
        cursor_skip(cursor, 1);
        return;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        (void)cursor_varint(cursor);
        return;
    case THRIFT_DOUBLE:
        cursor_skip(cursor, 8);
        return;
    case THRIFT_BINARY:
        (void)cursor_sized(cursor);
        return;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(cursor, depth + 1);
        return;
    case THRIFT_STRUCT:
        skip_struct(cursor, depth + 1);
        return;
    default:
        cursor->failed = true; /* maps are not used in a footer */
    }
}

/* ---- the footer ---- */

typedef struct Footer {
    uint64_t size_bytes; /* of the file */
    int64_t rows;        /* as it says, -1: it does not */
    int64_t group_rows;  /* of all groups */
    bool is_outside;     /* a column chunk reaches out of the file */
} Footer;

static void read_chunk_data(Footer *footer, Cursor *cursor)
{
    ThriftField field = {0};
    int64_t begin = INT64_MAX;
    int64_t size = 0;
    for (;;) {
        field = next_field(cursor, field);
        if (cursor->failed || field.type == THRIFT_FIELD_STOP)
            break;
        bool is_offset = field.id == DATA_PAGE_FIELD || field.id == DATA_DICTIONARY_FIELD;
        if (field.type != THRIFT_I64 || (!is_offset && field.id != DATA_COMPRESSED_FIELD)) {
            skip(cursor, field.type, false, 3);
            continue;
        }
        int64_t value = read_integer(cursor);
        if (is_offset && value > 0 && value < begin)
            begin = value;
        else if (!is_offset)
            size = value;
    }
    if (begin < 4 || size < 0 || begin > (int64_t)footer->size_bytes ||
        size > (int64_t)footer->size_bytes - begin)
        footer->is_outside = true;
}

static void read_chunk(Footer *footer, Cursor *cursor)
{
    ThriftField field = {0};
    for (;;) {
        field = next_field(cursor, field);
        if (cursor->failed || field.type == THRIFT_FIELD_STOP)
            return;
        if (field.id == CHUNK_DATA_FIELD && field.type == THRIFT_STRUCT)
            read_chunk_data(footer, cursor);
        else
            skip(cursor, field.type, false, 2);
    }
}

static void read_group(Footer *footer, Cursor *cursor)
{
    ThriftField field = {0};
    uint8_t type = 0;
    for (;;) {
        field = next_field(cursor, field);
        if (cursor->failed || field.type == THRIFT_FIELD_STOP)
            return;
        if (field.id == GROUP_ROWS_FIELD && field.type == THRIFT_I64) {
            footer->group_rows += read_integer(cursor);
        } else if (field.id == GROUP_CHUNKS_FIELD && field.type == THRIFT_LIST) {
            uint64_t count = list_head(cursor, &type);
            for (uint64_t i = 0; i < count && !cursor->failed; i++)
                read_chunk(footer, cursor);
        } else {
            skip(cursor, field.type, false, 1);
        }
    }
}

static void read_file(Footer *footer, Cursor *cursor)
{
    ThriftField field = {0};
    uint8_t type = 0;
    for (;;) {
        field = next_field(cursor, field);
        if (cursor->failed || field.type == THRIFT_FIELD_STOP)
            return;
        if (field.id == FILE_ROWS_FIELD && field.type == THRIFT_I64) {
            footer->rows = read_integer(cursor);
        } else if (field.id == FILE_GROUPS_FIELD && field.type == THRIFT_LIST) {
            uint64_t count = list_head(cursor, &type);
            for (uint64_t i = 0; i < count && !cursor->failed; i++)
                read_group(footer, cursor);
        } else {
            skip(cursor, field.type, false, 0);
        }
    }
}

Status parquet_footer_check(Slice bytes, uint64_t size_bytes, uint64_t row_count, Error *error)
{
    Footer footer = {.size_bytes = size_bytes, .rows = -1};
    Cursor cursor = cursor_of(bytes);
    read_file(&footer, &cursor);
    if (!cursor_is_done(&cursor))
        return damaged("its footer is malformed", error);
    if (footer.rows < 0 || (uint64_t)footer.rows != row_count)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "its footer says %lld rows, the manifest %llu", (long long)footer.rows,
                         (unsigned long long)row_count);
    if (footer.group_rows != footer.rows)
        return damaged("its row groups do not have the rows that its footer says", error);
    if (footer.is_outside)
        return damaged("a column lies outside of the file", error);
    return OK;
}

/* ---- the file ---- */

static Status read_ending(File *file, uint64_t size_bytes, uint64_t *footer_bytes, Error *error)
{
    uint8_t head[4];
    uint8_t ending[ENDING_BYTES];
    size_t got;
    TRY(file_read_at(file, 0, head, sizeof head, &got, error));
    if (got != sizeof head || memcmp(head, magic, sizeof head) != 0)
        return damaged("offset 0: it does not begin as a Parquet file", error);
    TRY(file_read_at(file, size_bytes - ENDING_BYTES, ending, sizeof ending, &got, error));
    if (got != sizeof ending || memcmp(ending + 4, magic, 4) != 0)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "offset %llu: it does not end as a Parquet file",
                         (unsigned long long)(size_bytes - 4));
    Cursor cursor = cursor_of(slice_of(ending, 4));
    *footer_bytes = cursor_u32(&cursor);
    if (*footer_bytes == 0 || *footer_bytes > FOOTER_BYTES_MAX ||
        *footer_bytes > size_bytes - ENDING_BYTES - 4)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "offset %llu: the footer's length is impossible",
                         (unsigned long long)(size_bytes - ENDING_BYTES));
    return OK;
}

static Status check_open_file(File *file, uint64_t size_bytes, uint64_t row_count, Error *error)
{
    uint64_t size;
    uint64_t footer_bytes;
    size_t got;
    TRY(file_size(file, &size, error));
    if (size != size_bytes)
        return error_set(error, STATUS_DATA_CORRUPTED, "it has %llu bytes, the manifest says %llu",
                         (unsigned long long)size, (unsigned long long)size_bytes);
    if (size < 2 * ENDING_BYTES)
        return damaged("it is too short for a Parquet file", error);
    TRY(read_ending(file, size, &footer_bytes, error));
    uint64_t at = size - ENDING_BYTES - footer_bytes;
    uint8_t *bytes = memory_allocate((size_t)footer_bytes);
    if (bytes == NULL)
        return error_out_of_memory(error);
    Status status = file_read_at(file, at, bytes, (size_t)footer_bytes, &got, error);
    if (status == OK && got != footer_bytes)
        status = damaged("its footer cannot be read", error);
    if (status == OK)
        status = parquet_footer_check(slice_of(bytes, got), at, row_count, error);
    memory_free(bytes);
    return status == STATUS_DATA_CORRUPTED
               ? error_prefix(error, "footer at offset %llu", (unsigned long long)at)
               : status;
}

Status parquet_check(Env *env, const char *path, uint64_t size_bytes, uint64_t row_count,
                     Error *error)
{
    File *file;
    TRY(file_open(env, path, FILE_READ, &file, error));
    Status status = check_open_file(file, size_bytes, row_count, error);
    KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    return status;
}
