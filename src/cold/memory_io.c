/* The seam of data_file.h over the files of memory_io_file.c. */
#include "cold/memory_io.h"

#include <stdlib.h>

#include "base/assert.h"
#include "cold/memory_io_int.h"
#include "cold/position_set.h"

static Env *env_of(DataFileIo *io)
{
    return ((MemoryIo *)(void *)io)->env;
}

/* ---- writing a memtable's rows ---- */

static Status memory_write(DataFileIo *io, const DataFileWrite *request, Arena *arena,
                           DataFileResult *out, Error *error)
{
    Buffer rows;
    buffer_open(&rows, MEMORY_IO_FILE_BYTES_MAX / 2);
    for (size_t i = 0; i < request->record_count; i++) {
        const RecordHeader *record = request->records[i];
        ASSERT(record->kind == RECORD_PUT && record->owner == request->owner);
        ASSERT(i == 0 ||
               slice_compare(record_key(request->records[i - 1]), record_key(record)) < 0);
        StoredRow row = {record->seq, record->updated_us, record_row(record)};
        stored_row_put(&rows, &row);
    }
    const RowsFileWrite write = {request->path, request->schema, buffer_slice(&rows),
                                 request->record_count, request->owner_name};
    Status status = buffer_status(&rows, error);
    if (status == OK)
        status = rows_file_write(env_of(io), &write, arena, out, error);
    buffer_close(&rows);
    return status;
}

/* ---- merging ---- */

typedef struct MergeRow {
    Slice key;
    StoredRow row;
    MergedRow from;
} MergeRow;

typedef struct Merging {
    Env *env;
    const DataFileMerge *request;
    Buffer rows; /* MergeRow; what they point at is in the arena */
    Arena arena;
    Buffer key;
    Buffer scratch;
    Error *error;
} Merging;

static Status add_row(Merging *merging, const StoredRow *row, MergedRow from)
{
    const DataFileMerge *request = merging->request;
    MergeRow added = {.row = *row, .from = from};
    TRY(key_of_row(request->schema, request->owner, row->row, &merging->key, merging->error));
    TRY(arena_clone(&merging->arena, buffer_slice(&merging->key), &added.key, merging->error));
    TRY(arena_clone(&merging->arena, row->row, &added.row.row, merging->error));
    buffer_put(&merging->rows, &added, sizeof added);
    return buffer_status(&merging->rows, merging->error);
}

static Status add_input(Merging *merging, uint32_t number)
{
    const DataFileInput *input = &merging->request->inputs[number];
    RowsFile file;
    TRY(rows_file_open(merging->env, input->path, &file, merging->error));
    Status status = OK;
    if (file.count != input->row_count)
        status = memory_file_damaged(input->path, merging->error);
    for (uint64_t i = 0; status == OK && i < file.count; i++) {
        StoredRow row;
        MergedRow from = {number, (uint32_t)i};
        status = rows_file_next(&file, merging->request->schema, &merging->arena, &merging->scratch,
                                &row, merging->error);
        if (status == OK && !position_set_has(input->dead, (uint32_t)i))
            status = add_row(merging, &row, from);
    }
    rows_file_close(&file);
    return status;
}

static int compare_rows(const void *a, const void *b)
{
    const MergeRow *x = a;
    const MergeRow *y = b;
    int order = slice_compare(x->key, y->key);
    return order != 0 ? order : x->row.seq < y->row.seq ? -1 : x->row.seq > y->row.seq;
}

static Status write_merged(Merging *merging, Arena *arena, DataFileResult *out, MergedRow *from)
{
    const DataFileMerge *request = merging->request;
    size_t count = merging->rows.size / sizeof(MergeRow);
    const MergeRow *rows = (const MergeRow *)(const void *)merging->rows.data;
    Buffer body;
    buffer_open(&body, MEMORY_IO_FILE_BYTES_MAX / 2);
    for (size_t i = 0; i < count; i++) {
        stored_row_put(&body, &rows[i].row);
        from[i] = rows[i].from;
    }
    const RowsFileWrite write = {request->path, request->schema, buffer_slice(&body), count,
                                 request->owner_name};
    Status status = buffer_status(&body, merging->error);
    if (status == OK)
        status = rows_file_write(merging->env, &write, arena, out, merging->error);
    buffer_close(&body);
    return status;
}

/* Whoever says that nothing is to be sorted must be right. */
static void check_order(const Merging *merging, const MergedRow *from, size_t count)
{
    for (size_t i = 1; merging->request->is_in_order && i < count; i++)
        ASSERT(from[i - 1].input < from[i].input ||
               (from[i - 1].input == from[i].input && from[i - 1].position < from[i].position));
}

static Status check_sort(const MemoryIo *io, const DataFileMerge *request, Error *error)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < request->input_count; i++)
        rows += request->inputs[i].row_count;
    bool sorts = !request->is_in_order && request->input_count > 1;
    return sorts && io->sorted_rows_max != 0 && rows > io->sorted_rows_max
               ? error_out_of_memory(error)
               : OK;
}

static Status merge(Merging *merging, Arena *arena, DataFileResult *out, MergedRow **rows)
{
    for (size_t i = 0; i < merging->request->input_count; i++)
        TRY(add_input(merging, (uint32_t)i));
    size_t count = merging->rows.size / sizeof(MergeRow);
    if (count > 1)
        qsort(merging->rows.data, count, sizeof(MergeRow), compare_rows);
    MergedRow *from = memory_allocate_zeroed(count == 0 ? 1 : count, sizeof *from);
    if (from == NULL)
        return error_out_of_memory(merging->error);
    Status status = write_merged(merging, arena, out, from);
    check_order(merging, from, count);
    if (status == OK)
        *rows = from;
    else
        memory_free(from);
    return status;
}

static Status memory_merge(DataFileIo *io, const DataFileMerge *request, Arena *arena,
                           DataFileResult *out, MergedRow **rows, Error *error)
{
    Merging merging = {.env = env_of(io), .request = request, .error = error};
    TRY(check_sort((MemoryIo *)(void *)io, request, error));
    arena_open(&merging.arena, 0);
    buffer_open(&merging.rows, 0);
    buffer_open(&merging.key, 0);
    buffer_open(&merging.scratch, 0);
    Status status = merge(&merging, arena, out, rows);
    buffer_close(&merging.rows);
    buffer_close(&merging.key);
    buffer_close(&merging.scratch);
    arena_close(&merging.arena);
    return status;
}

/* ---- position deletes ---- */

static Status memory_write_deletes(DataFileIo *io, const char *path, const char *const *paths,
                                   const Slice *positions, size_t count, DataFileResult *out,
                                   Error *error)
{
    Buffer body;
    uint64_t rows = 0;
    buffer_open(&body, MEMORY_IO_FILE_BYTES_MAX / 2);
    for (size_t i = 0; i < count; i++) {
        ASSERT(i == 0 || strcmp(paths[i - 1], paths[i]) < 0);
        buffer_put_sized(&body, slice_of_text(paths[i]));
        buffer_put_sized(&body, positions[i]);
        rows += position_set_count(positions[i]);
    }
    Status status = buffer_status(&body, error);
    if (status == OK)
        status = memory_file_write(env_of(io), path, MEMORY_DELETES_MAGIC, count,
                                   buffer_slice(&body), error);
    if (status == OK)
        *out = (DataFileResult){.row_count = rows, .size_bytes = 64 + body.size};
    buffer_close(&body);
    return status;
}

Status memory_io_read_deletes(MemoryIo *io, const char *path, MemoryDeletesVisitor visit,
                              void *context, Error *error)
{
    Buffer bytes;
    uint64_t count;
    Slice body;
    Status status = OK;
    buffer_open(&bytes, 0);
    GO(memory_file_read(io->env, path, MEMORY_DELETES_MAGIC, &bytes, &count, &body, error));
    Cursor cursor = cursor_of(body);
    for (; count > 0 && !cursor.failed; count--) {
        Slice file = cursor_sized(&cursor);
        visit(context, file, cursor_sized(&cursor));
    }
    if (!cursor_is_done(&cursor))
        GO(memory_file_damaged(path, error));
done:
    buffer_close(&bytes);
    return status;
}

/* ---- reading rows ---- */

static Status fetch_row(const StoredRow *row, uint32_t position, Arena *arena, FetchedRow *out,
                        Error *error)
{
    out->position = position;
    out->seq = row->seq;
    out->updated_us = row->updated_us;
    return arena_clone(arena, row->row, &out->row, error);
}

static Status memory_fetch(DataFileIo *io, const char *path, const Schema *schema,
                           const uint32_t *positions, size_t count, Arena *arena, FetchedRow *out,
                           Error *error)
{
    RowsFile file;
    Buffer scratch;
    size_t found = 0;
    TRY(rows_file_open(env_of(io), path, &file, error));
    Status status = OK;
    buffer_open(&scratch, 0);
    for (uint64_t i = 0; status == OK && i < file.count && found < count; i++) {
        StoredRow row;
        status = rows_file_next(&file, schema, arena, &scratch, &row, error);
        if (status == OK && positions[found] == i) {
            status = fetch_row(&row, (uint32_t)i, arena, &out[found], error);
            found++;
        }
    }
    if (status == OK && found < count)
        status = memory_file_damaged(path, error);
    buffer_close(&scratch);
    rows_file_close(&file);
    return status;
}

static Status memory_scan(DataFileIo *io, const char *path, const Schema *schema,
                          StoredRowVisitor visit, void *context, Error *error)
{
    RowsFile file;
    Arena arena;
    Buffer scratch;
    TRY(rows_file_open(env_of(io), path, &file, error));
    Status status = OK;
    arena_open(&arena, 0);
    buffer_open(&scratch, 0);
    for (uint64_t i = 0; status == OK && i < file.count; i++) {
        StoredRow row;
        FetchedRow fetched;
        arena_reset(&arena);
        status = rows_file_next(&file, schema, &arena, &scratch, &row, error);
        if (status == OK)
            status = fetch_row(&row, (uint32_t)i, &arena, &fetched, error);
        if (status == OK)
            status = visit(context, &fetched, error);
    }
    buffer_close(&scratch);
    arena_close(&arena);
    rows_file_close(&file);
    return status;
}

void memory_io_open(Env *env, MemoryIo *out)
{
    *out = (MemoryIo){
        .io = {.write = memory_write,
               .merge = memory_merge,
               .write_deletes = memory_write_deletes,
               .fetch = memory_fetch,
               .scan = memory_scan},
        .env = env,
    };
}
