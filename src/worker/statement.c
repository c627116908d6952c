#include "worker/statement.h"

static Status open_file(const WorkerFile *file, const BitmapCache *bitmaps, FileDead *out,
                        Error *error)
{
    out->row_count = file->row_count;
    if (file->bitmap_id != 0) {
        out->deletes = bitmap_cache_find(bitmaps, file->bitmap_id);
        if (out->deletes == NULL || out->deletes->row_count != file->row_count)
            return error_set(error, STATUS_PROTOCOL_VIOLATION, "a bitmap that was never sent");
    }
    if (file->marks.size > 0) {
        TRY(dead_set_open(&out->marks, file->row_count, file->marks, error));
        out->has_marks = true;
    }
    return OK;
}

static Status open_block(const WorkerBlock *block, const RegionTable *regions, HotBlock *out,
                         Error *error)
{
    const Region *region = region_find(regions, block->region_id);
    if (region == NULL || block->offset > region->size ||
        block->published > region->size - block->offset)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "a block that lies in no region sent");
    *out = (HotBlock){.data = region->data + block->offset,
                      .published = block->published,
                      .offsets = block->offsets,
                      .offset_count = block->offset_count,
                      .location = hot_position(block->region_id, block->offset)};
    return OK;
}

static Status open_hot(Arena *arena, const WorkerHot *hot, const RegionTable *regions, HotPart *out,
                       Error *error)
{
    out->source = hot;
    out->blocks = ARENA_ARRAY(arena, HotBlock, hot->block_count);
    if (out->blocks == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < hot->block_count; i++)
        TRY(open_block(&hot->blocks[i], regions, &out->blocks[i], error));
    return OK;
}

static Status open_reference(Arena *arena, const WorkerReference *source,
                             const RegionTable *regions, const BitmapCache *bitmaps,
                             StatementReference *out, Error *error)
{
    out->source = source;
    out->files = ARENA_ARRAY(arena, FileDead, source->file_count);
    out->hot = ARENA_ARRAY(arena, HotPart, source->hot_count);
    if (out->files == NULL || out->hot == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < source->file_count; i++)
        TRY(open_file(&source->files[i], bitmaps, &out->files[i], error));
    for (uint32_t i = 0; i < source->hot_count; i++)
        TRY(open_hot(arena, &source->hot[i], regions, &out->hot[i], error));
    return OK;
}

static Status open_deletes(Arena *arena, Statement *statement, Error *error)
{
    const WorkerRequest *request = statement->request;
    statement->delete_lists = ARENA_ARRAY(arena, DeadSet, request->delete_count);
    if (statement->delete_lists == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < request->delete_count; i++)
        TRY(dead_set_open(&statement->delete_lists[i], (uint64_t)UINT32_MAX + 1,
                          request->deletes[i].positions, error));
    return OK;
}

Status statement_open(Arena *arena, const WorkerRequest *request, const RegionTable *regions,
                      const BitmapCache *bitmaps, const uint64_t *table, size_t table_count,
                      Statement **out, Error *error)
{
    Statement *statement = ARENA_NEW(arena, Statement);
    if (statement == NULL)
        return arena_error(arena, error);
    *statement = (Statement){.request = request, .table = table, .table_count = table_count};
    statement->references = ARENA_ARRAY(arena, StatementReference, request->reference_count);
    Status status = statement->references == NULL ? arena_error(arena, error)
                                                  : open_deletes(arena, statement, error);
    for (uint32_t i = 0; status == OK && i < request->reference_count; i++)
        status = open_reference(arena, &request->references[i], regions, bitmaps,
                                &statement->references[i], error);
    if (status == OK)
        *out = statement;
    else
        statement_close(statement);
    return status;
}

static void close_reference(StatementReference *reference)
{
    for (uint32_t i = 0; reference->files != NULL && i < reference->source->file_count; i++) {
        if (reference->files[i].has_marks)
            dead_set_close(&reference->files[i].marks);
    }
}

void statement_close(Statement *statement)
{
    const WorkerRequest *request = statement->request;
    for (uint32_t i = 0; statement->references != NULL && i < request->reference_count; i++) {
        if (statement->references[i].source != NULL)
            close_reference(&statement->references[i]);
    }
    for (uint32_t i = 0; statement->delete_lists != NULL && i < request->delete_count; i++)
        dead_set_close(&statement->delete_lists[i]);
}
