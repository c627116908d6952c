/* STREAM tables for the engine: the rows of window files that the pin sees are copied, checked,
 * into a piece of shared memory made for the statement; of the memtables only records are offered
 * that have not expired. */
#include "execute/execute_int.h"

/* Of one table reference: positions in a region have 31 bits. */
#define WINDOW_BYTES_MAX (((uint64_t)1 << 31) - 4096)

/* ---- window files ---- */

typedef struct WindowRows {
    Run *run;
    SharedMemory *region;
    uint64_t region_id;
    size_t used;
    QueryReference *out;
    QueryHot *hot; /* where the next schema's records go */
    size_t hot_max;
    QueryBlock *block; /* of the schema at hand */
    const Schema *schema;
    uint64_t count;
} WindowRows;

static Status begin_schema(WindowRows *rows, const Schema *schema, Error *error)
{
    QueryBlock *block = ARENA_NEW(&rows->run->arena, QueryBlock);
    if (block == NULL)
        return arena_error(&rows->run->arena, error);
    ASSERT(rows->out->hot_count < rows->hot_max);
    *block = (QueryBlock){.region_id = rows->region_id,
                          .descriptor = rows->region->descriptor,
                          .region_size = rows->region->size,
                          .region_offset = rows->used};
    rows->hot[rows->out->hot_count++] =
        (QueryHot){.schema = schema, .blocks = block, .block_count = 1};
    rows->block = block;
    rows->schema = schema;
    return OK;
}

static Status copy_record(void *context, Schema *schema, const RecordHeader *record, Error *error)
{
    WindowRows *rows = context;
    size_t size = record_whole_size(record);
    if (rows->schema != schema)
        TRY(begin_schema(rows, schema, error));
    if (rows->count % 1024 == 0)
        TRY(check_cancelled(rows->run, error));
    ASSERT(size <= rows->region->size - rows->used);
    memcpy(rows->region->data + rows->used, record, size);
    rows->used += size;
    rows->block->published += size;
    rows->count++;
    return OK;
}

static Status refuse_size(uint64_t bytes, Error *error)
{
    (void)error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                    "the statement would read %llu bytes of window files (maximum %llu)",
                    (unsigned long long)bytes, (unsigned long long)WINDOW_BYTES_MAX);
    error_set_hint(error, "Ask for one user's rows, or lower the table's TTL.");
    return error->status;
}

/* Pages of the region that nothing was copied to are never taken. */
static Status open_region(Run *run, OpenReferences *open, uint64_t bytes, SharedMemory **out,
                          Error *error)
{
    size_t size = (size_t)((bytes + 4095) & ~(uint64_t)4095);
    SharedMemory *region = &open->regions[open->region_count];
    TRY(shared_memory_open(run->executor->env, "window rows", size, region, error));
    open->region_count++;
    *out = region;
    return OK;
}

size_t reference_window_schemas(const OpenReferences *open, size_t table, const QueryReference *out)
{
    size_t schemas;
    (void)pin_window_bytes(open->pin, table, out->owner, &schemas);
    return schemas;
}

Status reference_add_windows(Run *run, OpenReferences *open, size_t table, const HotRange *range,
                             QueryHot *hot, size_t hot_max, QueryReference *out, Error *error)
{
    size_t schemas;
    WindowRows rows = {.run = run, .out = out, .hot = hot, .hot_max = hot_max};
    uint64_t bytes = pin_window_bytes(open->pin, table, out->owner, &schemas);
    if (bytes == 0)
        return OK;
    if (bytes > WINDOW_BYTES_MAX)
        return refuse_size(bytes, error);
    TRY(open_region(run, open, bytes, &rows.region, error));
    rows.region_id = one_off_region_id();
    Slice from = range->narrow ? range->from : SLICE_EMPTY;
    Slice to = range->narrow ? range->to : SLICE_EMPTY;
    TRY(pin_visit_windows(open->pin, table, out->owner, from, to, copy_record, &rows, error));
    open->hot_rows_offered += rows.count;
    return OK;
}

/* ---- memtables ---- */

static bool is_expired(const RecordHeader *record, int64_t expired_us)
{
    return record->updated_us <= expired_us;
}

typedef struct BlockLook {
    size_t records;
    size_t expired;
} BlockLook;

static BlockLook look_at(const RowBlockView *view, int64_t expired_us)
{
    BlockLook look = {0};
    for (size_t at = 0; at < view->published; look.records++) {
        const RecordHeader *record = (const RecordHeader *)(const void *)(view->block.data + at);
        look.expired += is_expired(record, expired_us);
        at += record_whole_size(record);
    }
    return look;
}

/* Offsets of the records that have not expired, where some have; all of them, where none has: no
 * offsets. *left is false where nothing is left of the block. */
Status reference_without_expired(Run *run, const RowBlockView *view, int64_t expired_us,
                                 QueryBlock *block, bool *left, Error *error)
{
    BlockLook look = look_at(view, expired_us);
    *left = look.expired < look.records;
    if (!*left || look.expired == 0)
        return OK;
    uint32_t *offsets = ARENA_ARRAY(&run->arena, uint32_t, look.records - look.expired);
    if (offsets == NULL)
        return arena_error(&run->arena, error);
    size_t count = 0;
    for (size_t at = 0; at < view->published;) {
        const RecordHeader *record = (const RecordHeader *)(const void *)(view->block.data + at);
        if (!is_expired(record, expired_us))
            offsets[count++] = (uint32_t)at;
        at += record_whole_size(record);
    }
    block->offsets = offsets;
    block->offset_count = count;
    return OK;
}
