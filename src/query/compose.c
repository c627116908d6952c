#include "query/compose.h"

#include <stdlib.h>

#include "base/assert.h"
#include "query/sql_text.h"

_Static_assert((int)HOT_POSITION_BITS == (int)QUERY_HOT_POSITION_BITS, "one meaning of _position");

enum {
    ROWS_FOR_ALL_THREADS = 100000, /* fewer are read by one thread as fast */
    OWN_BRANCH_FILES_MAX = 8,      /* dead-row files of one reference with a branch each */
    SQL_BYTES_MAX = 64 << 20,
};

/* One reference being written. */
typedef struct Part {
    const QueryReference *source;
    WorkerReference *made;
    uint32_t number;
    bool with_owner;   /* the subquery has `_user` */
    bool with_updated; /* … `_updated` and `_deleted` */
    const QueryFile **clean;
    size_t clean_count;
    const QueryFile **dirty;
    size_t dirty_count;
    bool has_branch; /* something was written already */
} Part;

typedef struct Composer {
    Arena *arena;
    const QueryRequest *source;
    Composition *out;
    Buffer *sql;
} Composer;

static bool is_dirty(const QueryFile *file)
{
    return file->deletes_id != 0 || file->marks.size > 0;
}

/* ---- what a reference is for the worker ---- */

static Status make_columns(Composer *composer, Part *part, Error *error)
{
    const QueryReference *source = part->source;
    uint32_t count = source->schema->column_count;
    uint16_t *columns = ARENA_ARRAY(composer->arena, uint16_t, count);
    if (columns == NULL)
        return arena_error(composer->arena, error);
    for (uint32_t c = 0; c < count; c++) {
        if (source->columns == NULL || source->columns[c])
            columns[part->made->column_count++] = (uint16_t)c;
    }
    part->made->columns = columns;
    return OK;
}

static Status make_files(Composer *composer, Part *part, Error *error)
{
    const QueryReference *source = part->source;
    if (source->file_count > REFERENCE_FILES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "a statement over %zu files",
                         source->file_count);
    part->clean = ARENA_ARRAY(composer->arena, const QueryFile *, source->file_count);
    part->dirty = ARENA_ARRAY(composer->arena, const QueryFile *, source->file_count);
    WorkerFile *files = ARENA_ARRAY(composer->arena, WorkerFile, source->file_count);
    if (part->clean == NULL || part->dirty == NULL || files == NULL)
        return arena_error(composer->arena, error);
    for (size_t i = 0; i < source->file_count; i++) {
        const QueryFile *file = &source->files[i];
        if (!is_dirty(file)) {
            part->clean[part->clean_count++] = file;
            continue;
        }
        files[part->dirty_count] = (WorkerFile){file->row_count, file->deletes_id, file->marks};
        part->dirty[part->dirty_count++] = file;
    }
    part->made->files = files;
    part->made->file_count = (uint32_t)part->dirty_count;
    composer->out->files += source->file_count;
    composer->out->has_dead_rows |= part->dirty_count > 0;
    return OK;
}

static Status make_blocks(Composer *composer, const QueryHot *hot, WorkerHot *made, Error *error)
{
    if (hot->block_count > HOT_BLOCKS_MAX || hot->without_count > REFERENCE_OWNERS_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "a statement over too many blocks");
    WorkerBlock *blocks = ARENA_ARRAY(composer->arena, WorkerBlock, hot->block_count);
    if (blocks == NULL)
        return arena_error(composer->arena, error);
    for (size_t i = 0; i < hot->block_count; i++) {
        const QueryBlock *block = &hot->blocks[i];
        if (block->offset_count > UINT32_MAX)
            return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "too many offsets");
        blocks[i] = (WorkerBlock){.region_id = block->region_id,
                                  .offset = block->region_offset,
                                  .published = block->published,
                                  .offsets = block->offsets,
                                  .offset_count = (uint32_t)block->offset_count};
    }
    *made = (WorkerHot){.schema = (Schema *)(uintptr_t)hot->schema, /* only read */
                        .blocks = blocks,
                        .block_count = (uint32_t)hot->block_count,
                        .without = hot->without,
                        .without_count = (uint32_t)hot->without_count};
    return OK;
}

static Status make_hot(Composer *composer, Part *part, Error *error)
{
    const QueryReference *source = part->source;
    if (source->hot_count > REFERENCE_HOT_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "a statement over too many memtables");
    WorkerHot *hot = ARENA_ARRAY(composer->arena, WorkerHot, source->hot_count);
    if (hot == NULL)
        return arena_error(composer->arena, error);
    for (size_t i = 0; i < source->hot_count; i++)
        TRY(make_blocks(composer, &source->hot[i], &hot[i], error));
    part->made->hot = hot;
    part->made->hot_count = (uint32_t)source->hot_count;
    return OK;
}

static int compare_owners(const void *a, const void *b)
{
    OwnerId x = ((const WorkerOwnerName *)a)->owner;
    OwnerId y = ((const WorkerOwnerName *)b)->owner;
    return x < y ? -1 : x > y;
}

static Status make_owner_names(Composer *composer, Part *part, Error *error)
{
    const QueryReference *source = part->source;
    size_t count = part->with_owner ? source->owner_name_count : 0;
    if (count > REFERENCE_OWNERS_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "a statement over too many users");
    WorkerOwnerName *names = ARENA_ARRAY(composer->arena, WorkerOwnerName, count);
    if (names == NULL)
        return arena_error(composer->arena, error);
    for (size_t i = 0; i < count; i++)
        names[i] = (WorkerOwnerName){source->owner_names[i].owner, source->owner_names[i].name};
    qsort(names, count, sizeof *names, compare_owners);
    part->made->owner_names = names;
    part->made->owner_name_count = (uint32_t)count;
    return OK;
}

static Status make_part(Composer *composer, Part *part, Error *error)
{
    const QueryReference *source = part->source;
    part->with_owner = source->with_owner_column && schema_has_owner(source->schema);
    part->with_updated = source->schema->kind != TABLE_STREAM;
    *part->made = (WorkerReference){.schema = (Schema *)(uintptr_t)source->schema,
                                    .seq = source->seq,
                                    .has_owner = source->has_owner,
                                    .owner = source->owner,
                                    .with_owner_column = part->with_owner,
                                    .with_location = source->with_location};
    TRY(make_columns(composer, part, error));
    TRY(make_files(composer, part, error));
    TRY(make_hot(composer, part, error));
    return make_owner_names(composer, part, error);
}

/* ---- branches ---- */

static void begin_branch(Composer *composer, Part *part)
{
    buffer_put_text(composer->sql, part->has_branch ? " UNION ALL SELECT " : "SELECT ");
    part->has_branch = true;
}

static void put_column_name(Buffer *sql, const Column *column)
{
    buffer_put_text(sql, " AS ");
    sql_put_identifier(sql, column->name);
    buffer_put_text(sql, ", ");
}

/* The system columns under their names; `from` reads them from a file, else from hot_scan. */
static void put_system_columns(Buffer *sql, const Part *part, bool is_file)
{
    if (is_file)
        buffer_put_format(sql, "c%u AS ", FIELD_ID_SEQ);
    buffer_put_text(sql, "\"_seq\"");
    if (part->with_updated && is_file)
        buffer_put_format(sql, ", c%u AS \"_updated\"", FIELD_ID_UPDATED);
    else if (part->with_updated)
        buffer_put_text(sql, ", \"_updated\"");
    if (part->with_updated)
        buffer_put_text(sql, ", false AS \"_deleted\"");
    if (part->with_owner && is_file)
        buffer_put_format(sql, ", c%u AS \"_user\"", FIELD_ID_OWNER);
    else if (part->with_owner)
        buffer_put_text(sql, ", \"_user\"");
}

/* file_index counts from 0, lists from 1. */
static void put_file_location(Buffer *sql, const QueryFile *const *files, size_t count)
{
    if (count == 1) {
        buffer_put_format(sql, ", %llu::UBIGINT", (unsigned long long)files[0]->file_id);
    } else {
        buffer_put_text(sql, ", ([");
        for (size_t i = 0; i < count; i++)
            buffer_put_format(sql, "%s%llu", i > 0 ? "," : "",
                              (unsigned long long)files[i]->file_id);
        buffer_put_text(sql, "]::UBIGINT[])[(file_index + 1)::BIGINT]");
    }
    buffer_put_text(sql, " AS \"_file\", file_row_number::UBIGINT AS \"_position\"");
}

static Status put_files(Composer *composer, Part *part, const QueryFile *const *files, size_t count,
                        const char *condition, Error *error)
{
    Buffer *sql = composer->sql;
    const char **paths = ARENA_ARRAY(composer->arena, const char *, count);
    if (paths == NULL)
        return arena_error(composer->arena, error);
    for (size_t i = 0; i < count; i++)
        paths[i] = files[i]->path;
    bool is_behind = condition != NULL && composer->source->retry_behind_barrier;
    begin_branch(composer, part);
    buffer_put_text(sql, is_behind ? "* FROM (SELECT " : "");
    for (uint32_t i = 0; i < part->made->column_count; i++) {
        const Column *column = &part->source->schema->columns[part->made->columns[i]];
        sql_put_file_column(sql, column);
        put_column_name(sql, column);
    }
    put_system_columns(sql, part, true);
    if (part->source->with_location)
        put_file_location(sql, files, count);
    buffer_put_text(sql, " FROM ");
    sql_put_read_parquet(sql, paths, count, part->source->schema, part->made->columns,
                         part->made->column_count, part->with_owner,
                         files[0]->row_count >= ROWS_FOR_ALL_THREADS);
    if (condition != NULL)
        buffer_put_format(sql, " WHERE %s", condition);
    buffer_put_text(sql, is_behind ? " OFFSET 0)" : "");
    return OK;
}

static Status put_own_branches(Composer *composer, Part *part, Error *error)
{
    WorkerRequest *request = &composer->out->request;
    for (size_t i = 0; i < part->dirty_count; i++) {
        uint32_t slot = request->alive_slot_count++;
        request->alive_slots[slot] = (AliveSlot){part->number, (uint32_t)i};
        char *condition = arena_format(composer->arena, "alive_%u(file_row_number)", slot);
        if (condition == NULL)
            return arena_error(composer->arena, error);
        TRY(put_files(composer, part, &part->dirty[i], 1, condition, error));
    }
    return OK;
}

static Status put_dirty_files(Composer *composer, Part *part, Error *error)
{
    size_t slots = ALIVE_SLOTS_MAX - composer->out->request.alive_slot_count;
    if (part->dirty_count <= OWN_BRANCH_FILES_MAX && part->dirty_count <= slots)
        return put_own_branches(composer, part, error);
    char *condition =
        arena_format(composer->arena, "alive_any(%u, file_index, file_row_number)", part->number);
    if (condition == NULL)
        return arena_error(composer->arena, error);
    return put_files(composer, part, part->dirty, part->dirty_count, condition, error);
}

static void put_hot(Composer *composer, Part *part)
{
    Buffer *sql = composer->sql;
    begin_branch(composer, part);
    for (uint32_t i = 0; i < part->made->column_count; i++) {
        const Column *column = &part->source->schema->columns[part->made->columns[i]];
        buffer_put_format(sql, "c%u", column->field_id);
        put_column_name(sql, column);
    }
    put_system_columns(sql, part, false);
    if (part->source->with_location)
        buffer_put_text(sql, ", \"_file\", \"_position\"");
    buffer_put_format(sql, " FROM hot_scan(%u)", part->number);
}

/* A hot_scan of nothing knows the types. */
static Status put_subquery(Composer *composer, Part *part, Error *error)
{
    buffer_put_u8(composer->sql, '(');
    if (part->clean_count > 0)
        TRY(put_files(composer, part, part->clean, part->clean_count, NULL, error));
    if (part->dirty_count > 0)
        TRY(put_dirty_files(composer, part, error));
    if (part->made->hot_count > 0 || !part->has_branch)
        put_hot(composer, part);
    buffer_put_u8(composer->sql, ')');
    return OK;
}

/* ---- everything ---- */

static Status write_subqueries(Composer *composer, WorkerReference *references, Slice *subqueries,
                               Error *error)
{
    for (size_t i = 0; i < composer->source->reference_count; i++) {
        Part part = {.source = &composer->source->references[i],
                     .made = &references[i],
                     .number = (uint32_t)i};
        TRY(make_part(composer, &part, error));
        buffer_clear(composer->sql);
        TRY(put_subquery(composer, &part, error));
        TRY(buffer_status(composer->sql, error));
        TRY(arena_clone(composer->arena, buffer_slice(composer->sql), &subqueries[i], error));
    }
    return OK;
}

static Status join_text(Composer *composer, const char *prefix, const Slice *subqueries,
                        Error *error)
{
    const QueryText *text = composer->source->text;
    Buffer *sql = composer->sql;
    buffer_clear(sql);
    buffer_put_text(sql, prefix);
    buffer_put_slice(sql, text->pieces[0]);
    for (size_t i = 0; i < text->hole_count; i++) {
        ASSERT(text->holes[i] < composer->source->reference_count);
        buffer_put_slice(sql, subqueries[text->holes[i]]);
        buffer_put_slice(sql, text->pieces[i + 1]);
    }
    TRY(buffer_status(sql, error));
    return arena_clone(composer->arena, buffer_slice(sql), &composer->out->request.sql, error);
}

/* What the worker must have before it is asked: pointers to the request's blocks and files. */
static Status list_kept(Composer *composer, Error *error)
{
    const QueryRequest *source = composer->source;
    size_t block_count = 0;
    size_t file_count = 0;
    for (size_t i = 0; i < source->reference_count; i++) {
        file_count += source->references[i].file_count;
        for (size_t k = 0; k < source->references[i].hot_count; k++)
            block_count += source->references[i].hot[k].block_count;
    }
    const QueryBlock **blocks = ARENA_ARRAY(composer->arena, const QueryBlock *, block_count);
    const QueryFile **files = ARENA_ARRAY(composer->arena, const QueryFile *, file_count);
    if (blocks == NULL || files == NULL)
        return arena_error(composer->arena, error);
    KeepRequest *keep = &composer->out->keep;
    *keep = (KeepRequest){.blocks = blocks, .files = files};
    for (size_t i = 0; i < source->reference_count; i++) {
        const QueryReference *reference = &source->references[i];
        for (size_t k = 0; k < reference->file_count; k++) {
            if (reference->files[k].deletes_id != 0)
                files[keep->file_count++] = &reference->files[k];
        }
        for (size_t k = 0; k < reference->hot_count; k++) {
            for (size_t b = 0; b < reference->hot[k].block_count; b++)
                blocks[keep->block_count++] = &reference->hot[k].blocks[b];
        }
    }
    return OK;
}

static void copy_request(const QueryRequest *source, WorkerReference *references,
                         WorkerRequest *out)
{
    *out = (WorkerRequest){.format = source->format == QUERY_JSON ? FORMAT_JSON : FORMAT_ROWS,
                           .json_flags = source->json_flags,
                           .rows_max = source->rows_max,
                           .now_us = source->now_us,
                           .parameters = source->parameters,
                           .parameter_count = (uint32_t)source->parameter_count,
                           .result_types = source->result_types,
                           .result_count = (uint32_t)source->result_count,
                           .references = references,
                           .reference_count = (uint32_t)source->reference_count};
}

static Status check_counts(const QueryRequest *source, Error *error)
{
    if (source->reference_count > REQUEST_REFERENCES_MAX)
        return error_set(error, STATUS_STATEMENT_TOO_COMPLEX, "more than %d tables in a statement",
                         REQUEST_REFERENCES_MAX);
    if (source->parameter_count > REQUEST_PARAMETERS_MAX)
        return error_set(error, STATUS_TOO_MANY_ARGUMENTS, "too many parameters");
    if (source->result_count > REQUEST_RESULTS_MAX)
        return error_of(error, STATUS_TOO_MANY_COLUMNS);
    return OK;
}

Status compose(Arena *arena, const QueryRequest *request, const char *prefix, Composition *out,
               Error *error)
{
    TRY(check_counts(request, error));
    Slice *subqueries = ARENA_ARRAY(arena, Slice, request->reference_count);
    WorkerReference *references = ARENA_ARRAY(arena, WorkerReference, request->reference_count);
    if (subqueries == NULL || references == NULL)
        return arena_error(arena, error);
    *out = (Composition){.has_dead_rows = false};
    copy_request(request, references, &out->request);
    Buffer sql;
    buffer_open(&sql, SQL_BYTES_MAX);
    Composer composer = {.arena = arena, .source = request, .out = out, .sql = &sql};
    Status status = write_subqueries(&composer, references, subqueries, error);
    if (status == OK)
        status = join_text(&composer, prefix, subqueries, error);
    if (status == OK)
        status = list_kept(&composer, error);
    buffer_close(&sql);
    return status;
}
