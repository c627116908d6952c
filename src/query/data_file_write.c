/* Writing: rows of a sealed memtable, a merge of files, and delete files. */
#include <stdlib.h>

#include "base/assert.h"
#include "query/data_file_int.h"

enum {
    FIELD_ID_DELETE_PATH = 2147483546, /* Iceberg's, of position delete files */
    FIELD_ID_DELETE_POSITION = 2147483545,
    SYSTEM_COLUMNS_BYTES = 16,
    WIDTH_SAMPLES = 4,
    WIDTH_SAMPLE_ROWS = 1024,
    SORTED_VALUE_BYTES = 8, /* of each value beside itself, while it is sorted */
    SORTED_PART = 2,        /* of a worker's memory that a sort's rows may take */
};

static Status all_columns(Arena *arena, const Schema *schema, const uint16_t **out, Error *error)
{
    uint16_t *columns = ARENA_ARRAY(arena, uint16_t, schema->column_count);
    if (columns == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < schema->column_count; i++)
        columns[i] = (uint16_t)i;
    *out = columns;
    return OK;
}

/* ---- a memtable's rows ---- */

/* Blocks in order of address, to find the one that a record lies in. */
typedef struct PlacedBlock {
    const uint8_t *begin;
    const uint8_t *end;
    uint32_t number;
} PlacedBlock;

typedef struct RecordTable {
    const DataFileWrite *request;
    PlacedBlock *blocks;
    size_t block_count;
    bool has_stranger; /* a record that lies in no block */
} RecordTable;

static int compare_places(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const PlacedBlock *)a)->begin;
    uintptr_t y = (uintptr_t)((const PlacedBlock *)b)->begin;
    return x < y ? -1 : x > y;
}

static const PlacedBlock *find_block(const RecordTable *table, const uint8_t *at)
{
    size_t low = 0;
    size_t high = table->block_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)table->blocks[middle].end <= (uintptr_t)at)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < table->block_count && (uintptr_t)table->blocks[low].begin <= (uintptr_t)at;
    return found ? &table->blocks[low] : NULL;
}

/* A stranger becomes a place that no block has, which the worker refuses. */
static void fill_records(void *context, size_t from, size_t count, uint64_t *out)
{
    RecordTable *table = context;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = (const uint8_t *)table->request->records[from + i];
        const PlacedBlock *block = find_block(table, at);
        out[i] = block == NULL ? UINT64_MAX
                               : (uint64_t)block->number << 32 | (uint64_t)(at - block->begin);
    }
}

static Status place_blocks(Arena *arena, const DataFileWrite *request, RecordTable *out,
                           Error *error)
{
    PlacedBlock *blocks = ARENA_ARRAY(arena, PlacedBlock, request->block_count);
    if (blocks == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < request->block_count; i++) {
        const RowBlockView *view = &request->blocks[i];
        blocks[i] =
            (PlacedBlock){view->block.data, view->block.data + view->published, (uint32_t)i};
    }
    qsort(blocks, request->block_count, sizeof *blocks, compare_places);
    *out = (RecordTable){.request = request, .blocks = blocks, .block_count = request->block_count};
    return OK;
}

typedef struct HotRequest {
    WorkerReference reference;
    WorkerHot hot;
    KeepRequest keep;
} HotRequest;

/* The blocks as the worker knows them, and as it has to be sent them. */
static Status make_hot_request(Arena *arena, const DataFileWrite *request, HotRequest *out,
                               Error *error)
{
    size_t count = request->block_count;
    WorkerBlock *blocks = ARENA_ARRAY(arena, WorkerBlock, count);
    QueryBlock *regions = ARENA_ARRAY(arena, QueryBlock, count);
    const QueryBlock **pointers = ARENA_ARRAY(arena, const QueryBlock *, count);
    if (blocks == NULL || regions == NULL || pointers == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < count; i++) {
        const RowBlock *block = &request->blocks[i].block;
        blocks[i] = (WorkerBlock){.region_id = block->region_id,
                                  .offset = block->region_offset,
                                  .published = request->blocks[i].published};
        regions[i] = (QueryBlock){.region_id = block->region_id,
                                  .descriptor = block->descriptor,
                                  .region_size = block->region_size};
        pointers[i] = &regions[i];
    }
    Schema *schema = (Schema *)(uintptr_t)request->schema; /* only read */
    out->hot = (WorkerHot){.schema = schema, .blocks = blocks, .block_count = (uint32_t)count};
    out->reference = (WorkerReference){.schema = schema,
                                       .seq = UINT64_MAX,
                                       .is_ordered = true,
                                       .column_count = schema->column_count,
                                       .hot = &out->hot,
                                       .hot_count = 1};
    out->keep = (KeepRequest){.blocks = pointers, .block_count = count};
    return all_columns(arena, schema, &out->reference.columns, error);
}

/* Bytes of a row as it is packed, on average; the system columns come on top. */
static uint64_t usual_row_bytes(const DataFileWrite *request)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < request->record_count; i++)
        bytes += request->records[i]->row_size;
    return bytes / request->record_count + SYSTEM_COLUMNS_BYTES;
}

static Status write_rows(QueryPool *pool, const DataFileWrite *request, Arena *arena,
                         Arena *scratch, Buffer *sql, DataFileResult *out, Error *error)
{
    DataFileCopy copy = {.path = request->path,
                         .schema = request->schema,
                         .owner_name = request->owner_name,
                         .compression = request->compression,
                         .is_quick = true,
                         .iceberg_schema = request->iceberg_schema};
    copy.row_group_rows = copy_row_group_rows(request->row_group_bytes, usual_row_bytes(request));
    copy_put_begin(sql, &copy);
    buffer_put_text(sql, " FROM hot_scan(0)");
    TRY(copy_put_end(sql, scratch, &copy, error));
    HotRequest hot;
    RecordTable table;
    TRY(make_hot_request(scratch, request, &hot, error));
    TRY(place_blocks(scratch, request, &table, error));
    WorkerRequest asked = {
        .sql = buffer_slice(sql), .references = &hot.reference, .reference_count = 1};
    TalkRequest talk_request = {.roles = ROLE_WRITE,
                                .request = &asked,
                                .keep = hot.keep,
                                .table_count = request->record_count,
                                .fill_table = fill_records,
                                .table_context = &table,
                                .deadline_ns = INT64_MAX};
    TRY(copy_run(pool, arena, &talk_request, &copy, out, error));
    return out->row_count == request->record_count
               ? OK
               : error_set(error, STATUS_WORKER_FAILED, "the engine wrote another number of rows");
}

Status data_file_write(DataFileIo *io, const DataFileWrite *request, Arena *arena,
                       DataFileResult *out, Error *error)
{
    ASSERT(request->record_count > 0);
    Arena scratch;
    Buffer sql;
    arena_open(&scratch, 0);
    buffer_open(&sql, 0);
    Status status = write_rows(pool_of_io(io), request, arena, &scratch, &sql, out, error);
    buffer_close(&sql);
    arena_close(&scratch);
    return status;
}

/* ---- merges ---- */

/* Keys are unique among rows alive, so this order is one order, whoever makes it; the rest is for
 * inputs that break the rule. Files of which each lies behind the one before are in this order as
 * they are, and are not sorted again: that takes no memory, however large they are. */
static void put_key_order(Buffer *sql, const DataFileMerge *request)
{
    const Schema *schema = request->schema;
    if (request->is_in_order || request->input_count == 1)
        return;
    buffer_put_text(sql, " ORDER BY ");
    for (uint32_t i = 0; i < schema->key_count; i++)
        buffer_put_format(sql, "c%u, ", schema->columns[schema->key_columns[i]].field_id);
    buffer_put_text(sql, "file_index, file_row_number");
}

static Status put_inputs(Buffer *sql, Arena *scratch, const DataFileMerge *request,
                         const uint16_t *columns, uint32_t column_count, Error *error)
{
    const char **paths = ARENA_ARRAY(scratch, const char *, request->input_count);
    if (paths == NULL)
        return arena_error(scratch, error);
    for (size_t i = 0; i < request->input_count; i++)
        paths[i] = request->inputs[i].path;
    buffer_put_text(sql, " FROM ");
    sql_put_read_parquet(sql, paths, request->input_count, request->schema, columns, column_count,
                         false, false);
    buffer_put_text(sql, " WHERE alive_any(0, file_index, file_row_number)");
    put_key_order(sql, request);
    return buffer_status(sql, error);
}

static Status make_merge_reference(Arena *scratch, const DataFileMerge *request,
                                   WorkerReference *out, Error *error)
{
    WorkerFile *files = ARENA_ARRAY(scratch, WorkerFile, request->input_count);
    if (files == NULL)
        return arena_error(scratch, error);
    for (size_t i = 0; i < request->input_count; i++)
        files[i] = (WorkerFile){.row_count = request->inputs[i].row_count,
                                .marks = request->inputs[i].dead};
    *out = (WorkerReference){.schema = (Schema *)(uintptr_t)request->schema, /* only read */
                             .files = files,
                             .file_count = (uint32_t)request->input_count};
    return OK;
}

/* The row group's rows are those that DuckDB holds while it writes: rows of 3 kB are others than
 * rows of 30 bytes, and nothing of a file's footer tells them apart (equal texts lie there once).
 * So the first rows of some inputs are measured. */
static void put_row_width(Buffer *sql, const Schema *schema)
{
    buffer_put_text(sql, "(SELECT 0");
    for (uint32_t i = 0; i < schema->column_count; i++) {
        const Column *column = &schema->columns[i];
        if (!type_is_variable(column->type))
            continue;
        bool is_array = column->type.kind == TYPE_ARRAY;
        const char *size = is_array                          ? "len"
                           : column->type.kind == TYPE_BYTEA ? "octet_length"
                                                             : "strlen";
        buffer_put_format(sql, " + coalesce(%s(c%u), 0)%s", size, column->field_id,
                          is_array ? " * 16" : "");
    }
    buffer_put_text(sql, " AS w FROM ");
}

static void put_width_of_inputs(Buffer *sql, const DataFileMerge *request, const uint16_t *columns)
{
    const Schema *schema = request->schema;
    size_t samples = request->input_count < WIDTH_SAMPLES ? request->input_count : WIDTH_SAMPLES;
    buffer_put_text(sql, "SELECT coalesce(avg(w), 0)::BIGINT FROM (");
    for (size_t i = 0; i < samples; i++) {
        size_t input = request->input_count - 1 - i * request->input_count / samples;
        if (i > 0)
            buffer_put_text(sql, " UNION ALL ");
        put_row_width(sql, schema);
        sql_put_read_parquet(sql, &request->inputs[input].path, 1, schema, columns,
                             schema->column_count, false, false);
        buffer_put_format(sql, " LIMIT %d)", WIDTH_SAMPLE_ROWS);
    }
    buffer_put_u8(sql, ')');
}

static Status take_width(void *context, const RowLayout *layout, const Slice *rows,
                         const int64_t *lead, size_t count, Error *error)
{
    (void)lead;
    (void)error;
    uint64_t *width = context;
    Value value;
    for (size_t i = 0; i < count; i++) {
        row_get(layout, rows[i], 0, &value);
        *width = value.is_null || value.as.integer < 0 ? 0 : (uint64_t)value.as.integer;
    }
    return OK;
}

static Status merged_row_bytes(QueryPool *pool, const DataFileMerge *request, Arena *scratch,
                               Buffer *sql, const uint16_t *columns, uint64_t *out, Error *error)
{
    static const Type types[] = {{.kind = TYPE_BIGINT}};
    uint64_t variable = 0;
    TalkResult result;
    buffer_clear(sql);
    put_width_of_inputs(sql, request, columns);
    TRY(buffer_status(sql, error));
    WorkerRequest asked = {
        .sql = buffer_slice(sql), .format = FORMAT_ROWS, .result_types = types, .result_count = 1};
    TalkRequest talk_request = {.roles = ROLE_WRITE, .request = &asked, .deadline_ns = INT64_MAX};
    TRY(talk_rows(pool, scratch, &talk_request, (RowSink){take_width, &variable}, &result, error));
    *out = variable + request->schema->layout.fixed_size + SYSTEM_COLUMNS_BYTES;
    return OK;
}

/* DuckDB's sort spills, but not without end: it holds a part of every run that it merges, and fails
 * at some multiple of its memory. So no more is begun than surely fits. */
static Status check_sort(const QueryPool *pool, const DataFileMerge *request, uint64_t row_bytes,
                         Error *error)
{
    uint64_t rows = 0;
    if (request->is_in_order || request->input_count == 1)
        return OK;
    for (size_t i = 0; i < request->input_count; i++)
        rows += request->inputs[i].row_count;
    row_bytes += (uint64_t)request->schema->column_count * SORTED_VALUE_BYTES;
    if (pool->options.memory_bytes_max == 0 ||
        rows <= pool->options.memory_bytes_max / SORTED_PART / row_bytes)
        return OK;
    return error_set(error, STATUS_OUT_OF_MEMORY, "%llu rows of some %llu bytes cannot be sorted",
                     (unsigned long long)rows, (unsigned long long)row_bytes);
}

static Status write_merge(QueryPool *pool, const DataFileMerge *request, Arena *arena,
                          Arena *scratch, Buffer *sql, WorkerReference *reference,
                          DataFileResult *out, Error *error)
{
    uint64_t row_bytes;
    DataFileCopy copy = {.path = request->path,
                         .schema = request->schema,
                         .owner_name = request->owner_name,
                         .compression = request->compression,
                         .iceberg_schema = request->iceberg_schema};
    const uint16_t *columns = NULL;
    TRY(all_columns(scratch, request->schema, &columns, error));
    TRY(merged_row_bytes(pool, request, scratch, sql, columns, &row_bytes, error));
    TRY(check_sort(pool, request, row_bytes, error));
    copy.row_group_rows = copy_row_group_rows(request->row_group_bytes, row_bytes);
    buffer_clear(sql);
    copy_put_begin(sql, &copy);
    buffer_put_format(sql, " FROM (SELECT *, c%u AS \"_seq\", c%u AS \"_updated\"", FIELD_ID_SEQ,
                      FIELD_ID_UPDATED);
    TRY(put_inputs(sql, scratch, request, columns, request->schema->column_count, error));
    buffer_put_u8(sql, ')');
    TRY(copy_put_end(sql, scratch, &copy, error));
    WorkerRequest asked = {.sql = buffer_slice(sql), .references = reference, .reference_count = 1};
    TalkRequest talk_request = {.roles = ROLE_WRITE, .request = &asked, .deadline_ns = INT64_MAX};
    return copy_run(pool, arena, &talk_request, &copy, out, error);
}

typedef struct MergedRows {
    const DataFileMerge *request;
    MergedRow *rows;
    uint64_t count;
    uint64_t capacity;
} MergedRows;

/* What is not sorted has to come in the order of its files: positions that are not the file's would
 * mark the wrong rows dead. */
static bool follows(const MergedRows *merged, uint64_t input, uint64_t position)
{
    if (!merged->request->is_in_order || merged->count == 0)
        return true;
    const MergedRow *last = &merged->rows[merged->count - 1];
    return input > last->input || (input == last->input && position > last->position);
}

static Status take_merged(void *context, const RowLayout *layout, const Slice *rows,
                          const int64_t *lead, size_t count, Error *error)
{
    (void)layout;
    (void)rows;
    MergedRows *merged = context;
    for (size_t i = 0; i < count; i++) {
        uint64_t input = (uint64_t)lead[2 * i];
        uint64_t position = (uint64_t)lead[2 * i + 1];
        if (merged->count == merged->capacity || input >= merged->request->input_count ||
            position >= merged->request->inputs[input].row_count)
            return error_set(error, STATUS_WORKER_FAILED, "the engine merged rows that are not");
        if (!follows(merged, input, position))
            return error_set(error, STATUS_WORKER_FAILED, "the engine gave files out of order");
        merged->rows[merged->count++] = (MergedRow){(uint32_t)input, (uint32_t)position};
    }
    return OK;
}

/* Asks for the same order once more, of keys and places only: writing the file cannot say where its
 * rows came from, and this costs less than holding all of them. */
static Status read_merged(QueryPool *pool, const DataFileMerge *request, Arena *scratch,
                          Buffer *sql, WorkerReference *reference, MergedRows *merged, Error *error)
{
    static const Type types[] = {{.kind = TYPE_BIGINT}, {.kind = TYPE_BIGINT}};
    buffer_clear(sql);
    buffer_put_text(sql, "SELECT file_index::BIGINT, file_row_number");
    TRY(put_inputs(sql, scratch, request, request->schema->key_columns, request->schema->key_count,
                   error));
    WorkerRequest asked = {.sql = buffer_slice(sql),
                           .format = FORMAT_ROWS,
                           .result_types = types,
                           .result_count = 2,
                           .lead_count = 2,
                           .references = reference,
                           .reference_count = 1};
    TalkRequest talk_request = {.roles = ROLE_WRITE, .request = &asked, .deadline_ns = INT64_MAX};
    TalkResult result;
    TRY(talk_rows(pool, scratch, &talk_request, (RowSink){take_merged, merged}, &result, error));
    return merged->count == merged->capacity
               ? OK
               : error_set(error, STATUS_WORKER_FAILED, "the engine merged another number of rows");
}

static Status merge(QueryPool *pool, const DataFileMerge *request, Arena *arena, Arena *scratch,
                    Buffer *sql, DataFileResult *out, MergedRows *merged, Error *error)
{
    WorkerReference reference;
    TRY(make_merge_reference(scratch, request, &reference, error));
    TRY(write_merge(pool, request, arena, scratch, sql, &reference, out, error));
    merged->capacity = out->row_count;
    merged->rows = memory_allocate_zeroed(out->row_count + 1, sizeof *merged->rows);
    if (merged->rows == NULL)
        return error_out_of_memory(error);
    return read_merged(pool, request, scratch, sql, &reference, merged, error);
}

Status data_file_merge(DataFileIo *io, const DataFileMerge *request, Arena *arena,
                       DataFileResult *out, MergedRow **rows, Error *error)
{
    Arena scratch;
    Buffer sql;
    arena_open(&scratch, 0);
    buffer_open(&sql, 0);
    MergedRows merged = {.request = request};
    DataFileResult made = {.row_count = 0};
    Status status = merge(pool_of_io(io), request, arena, &scratch, &sql, &made, &merged, error);
    if (status == OK) {
        *out = made;
        *rows = merged.rows;
    } else {
        memory_free(merged.rows);
    }
    buffer_close(&sql);
    arena_close(&scratch);
    return status;
}

/* ---- delete files ---- */

static int compare_lists(const void *a, const void *b)
{
    return slice_compare(((const DeleteList *)a)->path, ((const DeleteList *)b)->path);
}

static Status take_written(void *context, const RowLayout *layout, const Slice *rows,
                           const int64_t *lead, size_t count, Error *error)
{
    (void)lead;
    (void)error;
    DataFileResult *out = context;
    for (size_t i = 0; i < count; i++) {
        Value written;
        Value bytes;
        row_get(layout, rows[i], 1, &written);
        row_get(layout, rows[i], 2, &bytes);
        out->row_count = written.is_null ? 0 : (uint64_t)written.as.integer;
        out->size_bytes = bytes.is_null ? 0 : (uint64_t)bytes.as.integer;
    }
    return OK;
}

static Status write_deletes(QueryPool *pool, const char *path, Arena *scratch, Buffer *sql,
                            const DeleteList *lists, size_t count, DataFileResult *out,
                            Error *error)
{
    static const Type types[] = {{.kind = TYPE_TEXT},   {.kind = TYPE_BIGINT},
                                 {.kind = TYPE_BIGINT}, {.kind = TYPE_BIGINT},
                                 {.kind = TYPE_JSON},   {.kind = TYPE_TEXT}};
    buffer_put_text(sql, "COPY (SELECT file_path, pos FROM delete_rows()) TO ");
    sql_put_literal(sql, slice_of_text(path));
    buffer_put_format(sql,
                      " (FORMAT parquet, COMPRESSION zstd, FIELD_IDS {file_path: %u, pos: %u},"
                      " RETURN_STATS)",
                      FIELD_ID_DELETE_PATH, FIELD_ID_DELETE_POSITION);
    TRY(buffer_status(sql, error));
    WorkerRequest asked = {.sql = buffer_slice(sql),
                           .format = FORMAT_ROWS,
                           .result_types = types,
                           .result_count = sizeof types / sizeof *types,
                           .deletes = lists,
                           .delete_count = (uint32_t)count};
    TalkRequest request = {.roles = ROLE_WRITE, .request = &asked, .deadline_ns = INT64_MAX};
    TalkResult result;
    return talk_rows(pool, scratch, &request, (RowSink){take_written, out}, &result, error);
}

Status data_file_write_deletes(DataFileIo *io, const char *path, const char *const *paths,
                               const Slice *positions, size_t count, DataFileResult *out,
                               Error *error)
{
    if (count > DELETE_LISTS_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "deletes of too many files");
    Arena scratch;
    Buffer sql;
    arena_open(&scratch, 0);
    buffer_open(&sql, 0);
    DataFileResult made = {.row_count = 0};
    DeleteList *lists = ARENA_ARRAY(&scratch, DeleteList, count);
    Status status = lists == NULL ? arena_error(&scratch, error) : OK;
    for (size_t i = 0; status == OK && i < count; i++)
        lists[i] = (DeleteList){slice_of_text(paths[i]), positions[i]};
    if (status == OK) {
        qsort(lists, count, sizeof *lists, compare_lists); /* Iceberg wants them in order */
        status = write_deletes(pool_of_io(io), path, &scratch, &sql, lists, count, &made, error);
    }
    if (status == OK)
        *out = made;
    buffer_close(&sql);
    arena_close(&scratch);
    return status;
}
