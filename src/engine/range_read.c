/* Reading a short range of keys, from memory and files, in the order of the key.
 *
 * Files are sorted by key. Where a key stands in one is found by its fences, the keys of the first
 * row of each block, which are read once and kept in the row cache like a block; rows come out of
 * blocks, one of which is fetched where a range begins in it. So a range that was read before, or
 * whose neighbours were, costs no work of the analytic engine; one that is long, or lies in many
 * files, is left to it. */
#include "engine/engine_int.h"

enum {
    RANGE_FILES_MAX = 8,
    RANGE_ROWS_MAX = 4096,
    RANGE_BYTES_MAX = 4 << 20,
    RANGE_FETCHES_MAX = 6, /* each costs about what the whole statement costs the engine */
    RANGE_SKIPPED_MAX = 100000,
    FENCED_ROWS_MAX = 4 << 20,
    FENCES = UINT32_MAX, /* in place of a block's first position: no block begins there */
};

/* A place in a file, and the row that stands there. */
typedef struct FileCursor {
    const DataFile *file;
    uint32_t block_rows;
    int64_t position; /* of the row */
    bool has_row;
    Slice key;
    FetchedRow row;
} FileCursor;

typedef struct RangeRead {
    EngineTable *table;
    const SuperVersion *version;
    const RangeRequest *request;
    uint64_t seq;
    Arena *arena;
    Buffer key; /* scratch */
    uint32_t fetches;
    uint32_t skipped;
    size_t bytes;
    FileCursor cursors[RANGE_FILES_MAX];
    size_t cursor_count;
    HotScan *hot;
    const RecordHeader *record; /* the next one of memory */
} RangeRead;

static Status give_up(Error *error)
{
    return error_of(error, STATUS_WOULD_BLOCK);
}

static bool is_limited(const RangeRead *read)
{
    return read->request->rows_max <= RANGE_ROWS_MAX;
}

/* ---- fences ---- */

static RowCacheKey fence_key(const RangeRead *read, const FileCursor *cursor)
{
    return (RowCacheKey){read->table->id, cursor->file->id, FENCES, read->version->schema->version};
}

static uint32_t fence_count(const FileCursor *cursor)
{
    return (uint32_t)((cursor->file->row_count + cursor->block_rows - 1) / cursor->block_rows);
}

/* A schema of the key's columns alone, so that only those are read. */
static Status make_key_schema(const Schema *schema, Schema **out, Error *error)
{
    Column columns[64];
    if (schema->key_count > sizeof columns / sizeof columns[0])
        return give_up(error);
    for (uint32_t i = 0; i < schema->key_count; i++)
        columns[i] = schema->columns[schema->key_columns[i]];
    return schema_create(schema->table_id, schema->version, schema->kind, columns,
                         schema->key_count, schema->next_field_id, out, error);
}

static Status fetch_fences(RangeRead *read, const FileCursor *cursor, const Schema *key_schema,
                           Arena *arena, FetchedRow *rows, uint32_t count, Error *error)
{
    Path path;
    DataFileIo *io = read->table->engine->io;
    uint32_t *positions = ARENA_ARRAY(arena, uint32_t, count);
    if (positions == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < count; i++)
        positions[i] = i * cursor->block_rows;
    TRY(cold_absolute(read->table->cold_table, cursor->file->path, &path, error));
    TRY(io->fetch(io, path.text, key_schema, positions, count, arena, rows, error));
    for (uint32_t i = 0; i < count; i++) {
        buffer_clear(&read->key);
        TRY(key_of_row(key_schema, cursor->file->owner, rows[i].row, &read->key, error));
        TRY(arena_clone(arena, buffer_slice(&read->key), &rows[i].row, error));
        rows[i].position = i;
    }
    return OK;
}

static Status load_fences(RangeRead *read, const FileCursor *cursor, Error *error)
{
    uint32_t count = fence_count(cursor);
    Schema *key_schema = NULL;
    Arena arena;
    Status status = OK;
    arena_open(&arena, 0);
    RowCacheKey key = fence_key(read, cursor);
    FetchedRow *rows = ARENA_ARRAY(&arena, FetchedRow, count);
    if (rows == NULL)
        GO(arena_error(&arena, error));
    GO(make_key_schema(read->version->schema, &key_schema, error));
    GO(fetch_fences(read, cursor, key_schema, &arena, rows, count, error));
    row_cache_put(read->table->engine->row_cache, &key, rows, count);
done:
    if (key_schema != NULL)
        schema_release(key_schema);
    arena_close(&arena);
    return status;
}

static Status need_fences(RangeRead *read, const FileCursor *cursor, Error *error)
{
    FetchedRow unused;
    RowCacheKey key = fence_key(read, cursor);
    if (row_cache_get(read->table->engine->row_cache, &key, 0, read->arena, &unused))
        return OK;
    if (cursor->file->row_count > FENCED_ROWS_MAX || ++read->fetches > RANGE_FETCHES_MAX)
        return give_up(error);
    return load_fences(read, cursor, error);
}

/* How many fences stand before the bound. They may leave the cache at any time: then give up. */
static Status fences_before(RangeRead *read, const FileCursor *cursor, Slice bound, uint32_t *out,
                            Error *error)
{
    RowCacheKey key = fence_key(read, cursor);
    uint32_t low = 0;
    uint32_t high = fence_count(cursor);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        FetchedRow fence;
        if (!row_cache_get(read->table->engine->row_cache, &key, middle, read->arena, &fence))
            return give_up(error);
        if (slice_compare(fence.row, bound) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out = low;
    return OK;
}

/* ---- rows of a file ---- */

static Status read_row(RangeRead *read, FileCursor *cursor, uint32_t position, Error *error)
{
    bool was_cached;
    if (read->fetches > RANGE_FETCHES_MAX)
        return give_up(error);
    TRY(version_fetch_row(read->table, read->version, cursor->file, position, read->arena,
                          &cursor->row, &was_cached, error));
    read->fetches += !was_cached;
    buffer_clear(&read->key);
    TRY(key_of_row(read->version->schema, cursor->file->owner, cursor->row.row, &read->key, error));
    return arena_clone(read->arena, buffer_slice(&read->key), &cursor->key, error);
}

/* The first position whose key is not before the bound; row_count where there is none. */
static Status find_position(RangeRead *read, FileCursor *cursor, Slice bound, uint32_t *out,
                            Error *error)
{
    uint32_t fences;
    TRY(fences_before(read, cursor, bound, &fences, error));
    if (fences == 0) {
        *out = 0;
        return OK;
    }
    uint64_t end = (uint64_t)fences * cursor->block_rows;
    uint32_t low = (fences - 1) * cursor->block_rows + 1;
    uint32_t high = (uint32_t)(end < cursor->file->row_count ? end : cursor->file->row_count);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        TRY(read_row(read, cursor, middle, error));
        if (slice_compare(cursor->key, bound) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out = low;
    return OK;
}

static bool is_in_range(const RangeRead *read, Slice key)
{
    const RangeRequest *request = read->request;
    return slice_compare(key, request->from) >= 0 &&
           (request->to.size == 0 || slice_compare(key, request->to) < 0);
}

/* To the first row that is alive, from the cursor's position on. */
static Status settle(RangeRead *read, FileCursor *cursor, Error *error)
{
    int64_t step = read->request->backward ? -1 : 1;
    cursor->has_row = false;
    for (; cursor->position >= 0 && cursor->position < (int64_t)cursor->file->row_count;
         cursor->position += step) {
        uint32_t position = (uint32_t)cursor->position;
        if (!version_is_alive(read->version, cursor->file->id, position, read->seq)) {
            if (++read->skipped > RANGE_SKIPPED_MAX)
                return give_up(error);
            continue;
        }
        TRY(read_row(read, cursor, position, error));
        cursor->has_row = is_in_range(read, cursor->key);
        return OK;
    }
    return OK;
}

static Status advance_file(RangeRead *read, FileCursor *cursor, Error *error)
{
    cursor->position += read->request->backward ? -1 : 1;
    return settle(read, cursor, error);
}

static Status start_file(RangeRead *read, FileCursor *cursor, Error *error)
{
    const RangeRequest *request = read->request;
    uint32_t position = (uint32_t)cursor->file->row_count;
    if (!request->backward)
        TRY(find_position(read, cursor, request->from, &position, error));
    else if (request->to.size > 0)
        TRY(find_position(read, cursor, request->to, &position, error));
    cursor->position = (int64_t)position - request->backward;
    return settle(read, cursor, error);
}

/* ---- opening ---- */

/* Blocks that lie in the range, whole or in part, without reading one. */
static Status estimate_rows(RangeRead *read, FileCursor *cursor, uint64_t *out, Error *error)
{
    uint32_t before = 0;
    uint32_t within = fence_count(cursor);
    if (cursor->file->row_count <= RANGE_ROWS_MAX) {
        *out = cursor->file->row_count;
        return OK;
    }
    TRY(fences_before(read, cursor, read->request->from, &before, error));
    if (read->request->to.size > 0)
        TRY(fences_before(read, cursor, read->request->to, &within, error));
    *out = (uint64_t)(within > before ? within - before : 0) * cursor->block_rows;
    return OK;
}

static Status add_files(RangeRead *read, Error *error)
{
    const ColdVersion *cold = read->version->cold;
    RowCache *cache = read->table->engine->row_cache;
    for (size_t i = 0; i < cold_version_file_count(cold); i++) {
        const DataFile *file = cold_version_file(cold, i);
        if (!data_file_overlaps(file, read->request->from, read->request->to))
            continue;
        if (read->cursor_count == RANGE_FILES_MAX || file->row_count > UINT32_MAX)
            return give_up(error);
        FileCursor *cursor = &read->cursors[read->cursor_count++];
        *cursor = (FileCursor){.file = file};
        cursor->block_rows = row_cache_block_rows(cache, file->row_count, file->size_bytes);
    }
    return OK;
}

/* What a statement may read here though no block of it is in the cache: of wide rows less. */
static uint64_t affordable_rows(const RangeRead *read)
{
    uint64_t rows = RANGE_ROWS_MAX;
    for (size_t i = 0; i < read->cursor_count; i++) {
        uint64_t of_file = (uint64_t)RANGE_FETCHES_MAX * read->cursors[i].block_rows;
        rows = of_file < rows ? of_file : rows;
    }
    return rows;
}

/* A range of everything is long if its files are; others are measured by the fences. */
static Status check_length(RangeRead *read, Error *error)
{
    bool is_all = read->request->from.size == 0 && read->request->to.size == 0;
    uint64_t affordable = affordable_rows(read);
    uint64_t rows = 0;
    if (is_limited(read) && read->request->rows_max > affordable)
        return give_up(error);
    for (size_t i = 0; !is_limited(read) && i < read->cursor_count; i++) {
        if (is_all)
            rows += read->cursors[i].file->row_count;
        if (rows > affordable)
            return give_up(error);
    }
    for (size_t i = 0; i < read->cursor_count; i++)
        TRY(need_fences(read, &read->cursors[i], error));
    rows = 0;
    for (size_t i = 0; !is_limited(read) && i < read->cursor_count; i++) {
        uint64_t of_file;
        TRY(estimate_rows(read, &read->cursors[i], &of_file, error));
        rows += of_file;
    }
    return rows > affordable ? give_up(error) : OK;
}

static Status start(RangeRead *read, const Pin *pin, size_t table, Error *error)
{
    const RangeRequest *request = read->request;
    if (read->version->stream != NULL)
        return give_up(error);
    TRY(add_files(read, error));
    TRY(check_length(read, error));
    for (size_t i = 0; i < read->cursor_count; i++)
        TRY(start_file(read, &read->cursors[i], error));
    TRY(hot_scan_open(pin, table, request->from, request->to, request->backward, &read->hot,
                      error));
    read->record = hot_scan_next(read->hot);
    return OK;
}

/* ---- merging ---- */

static bool comes_before(const RangeRead *read, Slice a, Slice b)
{
    int order = slice_compare(a, b);
    return read->request->backward ? order > 0 : order < 0;
}

static FileCursor *next_file(RangeRead *read)
{
    FileCursor *next = NULL;
    for (size_t i = 0; i < read->cursor_count; i++) {
        FileCursor *cursor = &read->cursors[i];
        if (cursor->has_row && (next == NULL || comes_before(read, cursor->key, next->key)))
            next = cursor;
    }
    return next;
}

static Status take_record(RangeRead *read, RangeRow *out, Error *error)
{
    const RecordHeader *record = read->record;
    *out =
        (RangeRow){.key = record_key(record), .seq = record->seq, .updated_us = record->updated_us};
    TRY(record_row_in(record, hot_scan_schema(read->hot), read->version->schema, read->arena,
                      &out->row, error));
    read->record = hot_scan_next(read->hot);
    return OK;
}

static Status next_row(RangeRead *read, RangeRow *out, bool *has, Error *error)
{
    FileCursor *cursor = next_file(read);
    *has = cursor != NULL || read->record != NULL;
    if (!*has)
        return OK;
    if (cursor == NULL ||
        (read->record != NULL && comes_before(read, record_key(read->record), cursor->key)))
        return take_record(read, out, error);
    *out = (RangeRow){.key = cursor->key,
                      .row = cursor->row.row,
                      .seq = cursor->row.seq,
                      .updated_us = cursor->row.updated_us};
    return advance_file(read, cursor, error);
}

static Status add_row(RangeRead *read, const RangeRow *row, RangeRow **rows, size_t *count,
                      size_t *capacity, Error *error)
{
    read->bytes += row->row.size;
    if (*count == RANGE_ROWS_MAX || read->bytes > RANGE_BYTES_MAX)
        return give_up(error);
    if (*count == *capacity) {
        *capacity = *capacity == 0 ? 64 : *capacity * 2;
        RangeRow *grown = ARENA_ARRAY(read->arena, RangeRow, *capacity);
        if (grown == NULL)
            return arena_error(read->arena, error);
        if (*count > 0)
            memcpy(grown, *rows, *count * sizeof(RangeRow));
        *rows = grown;
    }
    (*rows)[(*count)++] = *row;
    return OK;
}

static Status gather(RangeRead *read, RangeRow **rows, size_t *count, Error *error)
{
    size_t capacity = 0;
    bool has = true;
    while (*count < read->request->rows_max) {
        RangeRow row;
        TRY(next_row(read, &row, &has, error));
        if (!has)
            break;
        TRY(add_row(read, &row, rows, count, &capacity, error));
    }
    return OK;
}

Status pin_read_range(const Pin *pin, size_t table, const RangeRequest *request, Arena *arena,
                      RangeRow **rows, size_t *count, bool *complete, Error *error)
{
    RangeRead read = {.table = pin->tables[table],
                      .version = pin->versions[table],
                      .request = request,
                      .seq = pin->seq,
                      .arena = arena};
    *rows = NULL;
    *count = 0;
    buffer_open(&read.key, 0);
    Status status = start(&read, pin, table, error);
    if (status == OK)
        status = gather(&read, rows, count, error);
    hot_scan_close(read.hot);
    buffer_close(&read.key);
    *complete = status == OK;
    return status == STATUS_WOULD_BLOCK ? OK : status;
}
