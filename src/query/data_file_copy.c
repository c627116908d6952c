/* COPY … TO: how every Parquet file of ours is written.
 *
 * Columns stand under their names with Iceberg's field ids, then _seq, _updated and, in tables with
 * owners, _user. The file is a new one at the path given; the caller syncs it. */
#include "base/json.h"
#include "query/data_file_int.h"

enum {
    ROW_GROUP_ROWS_MIN = 2048,
    ROW_GROUP_ROWS_MAX = 122880,
    ROW_GROUP_ROWS_STEP = 2048, /* DuckDB's vectors */
    SCHEMA_DEPTH_MAX = 16,
    ELEMENT_ID_OFFSET = 1000000000, /* of a list's elements where the Iceberg schema is silent */
};

uint64_t copy_row_group_rows(uint64_t row_group_bytes, uint64_t row_bytes)
{
    uint64_t rows = row_group_bytes / (row_bytes == 0 ? 1 : row_bytes);
    rows -= rows % ROW_GROUP_ROWS_STEP;
    if (rows < ROW_GROUP_ROWS_MIN)
        return ROW_GROUP_ROWS_MIN;
    return rows > ROW_GROUP_ROWS_MAX ? ROW_GROUP_ROWS_MAX : rows;
}

/* ---- what is selected ---- */

static bool is_stored_as_it_is(Type type)
{
    return type.kind != TYPE_SMALLINT && type.kind != TYPE_VECTOR;
}

void copy_put_begin(Buffer *sql, const DataFileCopy *copy)
{
    buffer_put_text(sql, "COPY (SELECT ");
    for (uint32_t i = 0; i < copy->schema->column_count; i++) {
        const Column *column = &copy->schema->columns[i];
        buffer_put_format(sql, "c%u", column->field_id);
        if (!is_stored_as_it_is(column->type)) {
            buffer_put_text(sql, "::");
            sql_put_stored_type(sql, column->type);
        }
        buffer_put_text(sql, " AS ");
        sql_put_identifier(sql, column->name);
        buffer_put_text(sql, ", ");
    }
    buffer_put_text(sql, "\"_seq\", \"_updated\"");
    if (!schema_has_owner(copy->schema))
        return;
    buffer_put_text(sql, ", ");
    sql_put_literal(sql, copy->owner_name);
    buffer_put_text(sql, " AS \"_user\"");
}

/* ---- how it is written ---- */

/* The Iceberg schema says which id a list's elements have: readers go by it. */
static uint32_t element_id(const JsonValue *schema, uint32_t field_id)
{
    const JsonValue *fields = json_member(schema, "fields");
    int64_t fallback = (int64_t)field_id + ELEMENT_ID_OFFSET;
    for (uint32_t i = 0; fields != NULL && i < fields->count; i++) {
        const JsonValue *field = &fields->children[i];
        if (json_member_integer(field, "id", 0) == (int64_t)field_id)
            return (uint32_t)json_member_integer(json_member(field, "type"), "element-id",
                                                 fallback);
    }
    return (uint32_t)fallback;
}

static void put_field_id(Buffer *sql, const JsonValue *schema, const Column *column)
{
    sql_put_literal(sql, column->name);
    if (column->type.kind == TYPE_VECTOR)
        buffer_put_format(sql, ": {__duckdb_field_id: %u, element: %u}, ", column->field_id,
                          element_id(schema, column->field_id));
    else
        buffer_put_format(sql, ": %u, ", column->field_id);
}

static Status put_field_ids(Buffer *sql, Arena *arena, const DataFileCopy *copy, Error *error)
{
    JsonValue *schema = NULL;
    if (copy->iceberg_schema.size > 0)
        TRY(json_read(arena, copy->iceberg_schema, SCHEMA_DEPTH_MAX, &schema, error));
    buffer_put_text(sql, "FIELD_IDS {");
    for (uint32_t i = 0; i < copy->schema->column_count; i++)
        put_field_id(sql, schema, &copy->schema->columns[i]);
    if (schema_has_owner(copy->schema))
        buffer_put_format(sql, "'_user': %u, ", FIELD_ID_OWNER);
    buffer_put_format(sql, "'_seq': %u, '_updated': %u}", FIELD_ID_SEQ, FIELD_ID_UPDATED);
    return OK;
}

/* DuckDB's name of a compression of ours. */
static const char *compression_name(const char *compression)
{
    if (strcmp(compression, "none") == 0)
        return "uncompressed";
    if (strcmp(compression, "lz4") == 0)
        return "lz4_raw";
    return strcmp(compression, "snappy") == 0 ? "snappy" : "zstd";
}

Status copy_put_end(Buffer *sql, Arena *arena, const DataFileCopy *copy, Error *error)
{
    buffer_put_text(sql, ") TO ");
    sql_put_literal(sql, slice_of_text(copy->path));
    buffer_put_format(sql, " (FORMAT parquet, COMPRESSION %s, ROW_GROUP_SIZE %llu, ",
                      compression_name(copy->compression),
                      (unsigned long long)copy->row_group_rows);
    if (copy->is_quick && strcmp(copy->compression, "zstd") == 0)
        buffer_put_text(sql, "COMPRESSION_LEVEL 1, ");
    TRY(put_field_ids(sql, arena, copy, error));
    if (copy->iceberg_schema.size > 0) {
        buffer_put_text(sql, ", KV_METADATA {'iceberg.schema': ");
        sql_put_literal(sql, copy->iceberg_schema);
        buffer_put_u8(sql, '}');
    }
    buffer_put_text(sql, ", RETURN_STATS)");
    return buffer_status(sql, error);
}

/* ---- running ---- */

typedef struct CopyAnswer {
    Arena *arena;
    DataFileResult *out;
    Slice statistics;
    uint64_t rows;
} CopyAnswer;

/* file name, rows, bytes, bytes of the footer, statistics, partition */
static const Type copy_types[] = {{.kind = TYPE_TEXT},   {.kind = TYPE_BIGINT},
                                  {.kind = TYPE_BIGINT}, {.kind = TYPE_BIGINT},
                                  {.kind = TYPE_JSON},   {.kind = TYPE_TEXT}};

static Status take_statistics(void *context, const RowLayout *layout, const Slice *rows,
                              const int64_t *lead, size_t count, Error *error)
{
    (void)lead;
    CopyAnswer *answer = context;
    for (size_t i = 0; i < count; i++) {
        Value written;
        Value bytes;
        Value statistics;
        row_get(layout, rows[i], 1, &written);
        row_get(layout, rows[i], 2, &bytes);
        row_get(layout, rows[i], 4, &statistics);
        answer->out->row_count = written.is_null ? 0 : (uint64_t)written.as.integer;
        answer->out->size_bytes = bytes.is_null ? 0 : (uint64_t)bytes.as.integer;
        if (!statistics.is_null)
            TRY(arena_clone(answer->arena, statistics.as.bytes, &answer->statistics, error));
        answer->rows++;
    }
    return OK;
}

typedef struct SplitAnswer {
    Buffer offsets;
} SplitAnswer;

static Status take_splits(void *context, const RowLayout *layout, const Slice *rows,
                          const int64_t *lead, size_t count, Error *error)
{
    (void)lead;
    SplitAnswer *answer = context;
    for (size_t i = 0; i < count; i++) {
        Value offset;
        row_get(layout, rows[i], 0, &offset);
        uint64_t number = offset.is_null ? 0 : (uint64_t)offset.as.integer;
        buffer_put(&answer->offsets, &number, sizeof number);
    }
    return buffer_status(&answer->offsets, error);
}

static Status keep_splits(Arena *arena, const Buffer *offsets, DataFileResult *out, Error *error)
{
    Slice copy = SLICE_EMPTY;
    TRY(arena_clone(arena, buffer_slice(offsets), &copy, error));
    out->splits = (uint64_t *)(uintptr_t)copy.data;
    out->split_count = (uint32_t)(copy.size / sizeof *out->splits);
    return OK;
}

/* A row group begins where the first page of its first column does. */
static Status read_splits(QueryPool *pool, Arena *arena, const char *path, DataFileResult *out,
                          Error *error)
{
    static const Type types[] = {{.kind = TYPE_BIGINT}};
    Buffer sql;
    SplitAnswer answer;
    buffer_open(&sql, 0);
    buffer_open(&answer.offsets, 0);
    buffer_put_text(&sql, "SELECT min(least(data_page_offset, coalesce(dictionary_page_offset, "
                          "data_page_offset))) FROM parquet_metadata(");
    sql_put_literal(&sql, slice_of_text(path));
    buffer_put_text(&sql, ") GROUP BY row_group_id ORDER BY row_group_id");
    WorkerRequest asked = {
        .sql = buffer_slice(&sql), .format = FORMAT_ROWS, .result_types = types, .result_count = 1};
    TalkRequest request = {.roles = ROLE_WRITE, .request = &asked, .deadline_ns = INT64_MAX};
    TalkResult result;
    Status status = buffer_status(&sql, error);
    if (status == OK)
        status = talk_rows(pool, arena, &request, (RowSink){take_splits, &answer}, &result, error);
    if (status == OK)
        status = keep_splits(arena, &answer.offsets, out, error);
    buffer_close(&answer.offsets);
    buffer_close(&sql);
    return status;
}

Status copy_run(QueryPool *pool, Arena *arena, TalkRequest *request, const DataFileCopy *copy,
                DataFileResult *out, Error *error)
{
    DataFileResult made = {.row_count = 0};
    CopyAnswer answer = {.arena = arena, .out = &made};
    TalkResult result;
    request->request->format = FORMAT_ROWS;
    request->request->result_types = copy_types;
    request->request->result_count = sizeof copy_types / sizeof *copy_types;
    TRY(talk_rows(pool, arena, request, (RowSink){take_statistics, &answer}, &result, error));
    if (answer.rows != 1)
        return error_set(error, STATUS_WORKER_FAILED, "the engine did not say what it wrote");
    TRY(statistics_read(arena, copy->schema, schema_has_owner(copy->schema), answer.statistics,
                        &made, error));
    TRY(read_splits(pool, arena, copy->path, &made, error));
    *out = made;
    return OK;
}
