/* Reading: rows of a file by their positions, and all of them in order. */
#include "base/assert.h"
#include "query/data_file_int.h"

enum { FETCH_LIST_MAX = 256 }; /* positions in one IN list; longer ones of one step are ranges */

/* SELECT position, _seq, _updated, columns …: three leading numbers, then the row. */
static Status put_rows(Buffer *sql, Arena *arena, const char *path, const Schema *schema,
                       Type **types, Error *error)
{
    uint16_t *columns = ARENA_ARRAY(arena, uint16_t, schema->column_count);
    *types = ARENA_ARRAY(arena, Type, schema->column_count + 3);
    if (columns == NULL || *types == NULL)
        return arena_error(arena, error);
    (*types)[0] = TYPE(BIGINT);
    (*types)[1] = TYPE(BIGINT);
    (*types)[2] = TYPE(TIMESTAMPTZ);
    buffer_put_format(sql, "SELECT file_row_number, c%u, c%u", FIELD_ID_SEQ, FIELD_ID_UPDATED);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        columns[i] = (uint16_t)i;
        (*types)[i + 3] = schema->columns[i].type;
        buffer_put_text(sql, ", ");
        sql_put_file_column(sql, &schema->columns[i]);
    }
    buffer_put_text(sql, " FROM ");
    sql_put_read_parquet(sql, &path, 1, schema, columns, schema->column_count, false, false);
    return OK;
}

static FetchedRow make_row(const int64_t *lead, Slice row)
{
    return (FetchedRow){
        .position = (uint32_t)lead[0], .seq = (uint64_t)lead[1], .updated_us = lead[2], .row = row};
}

/* ---- fetching ---- */

typedef struct Fetch {
    Arena *arena;
    const uint32_t *positions;
    size_t count;
    FetchedRow *out;
    size_t found;
} Fetch;

/* The place of a position among those asked for; count where it is not one. */
static size_t place_of(const Fetch *fetch, uint64_t position)
{
    size_t low = 0;
    size_t high = fetch->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fetch->positions[middle] < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low < fetch->count && fetch->positions[low] == position ? low : fetch->count;
}

static Status take_fetched(void *context, const RowLayout *layout, const Slice *rows,
                           const int64_t *lead, size_t count, Error *error)
{
    (void)layout;
    Fetch *fetch = context;
    for (size_t i = 0; i < count; i++) {
        size_t place = place_of(fetch, (uint64_t)lead[3 * i]);
        if (place == fetch->count || fetch->out[place].row.data != NULL)
            return error_set(error, STATUS_WORKER_FAILED, "the engine fetched another row");
        Slice copy = SLICE_EMPTY;
        TRY(arena_clone(fetch->arena, rows[i], &copy, error));
        fetch->out[place] = make_row(lead + 3 * i, copy);
        fetch->found++;
    }
    return OK;
}

/* The distance of all positions from the one before; 0 where they differ in it. */
static uint32_t step_of(const uint32_t *positions, size_t count)
{
    if (count < 2)
        return 0;
    uint32_t step = positions[1] - positions[0];
    for (size_t i = 2; i < count; i++) {
        if (positions[i] - positions[i - 1] != step)
            return 0;
    }
    return step;
}

static void put_condition(Buffer *sql, const Fetch *fetch)
{
    const uint32_t *positions = fetch->positions;
    uint32_t step = step_of(positions, fetch->count);
    buffer_put_text(sql, " WHERE file_row_number ");
    if (step > 0) {
        buffer_put_format(sql, "BETWEEN %u AND %u", positions[0], positions[fetch->count - 1]);
        if (step > 1)
            buffer_put_format(sql, " AND file_row_number %% %u = %u", step, positions[0] % step);
        return;
    }
    buffer_put_text(sql, "IN (");
    for (size_t i = 0; i < fetch->count; i++)
        buffer_put_format(sql, "%s%u", i > 0 ? "," : "", positions[i]);
    buffer_put_u8(sql, ')');
}

static Status fetch_part(QueryPool *pool, const char *path, const Schema *schema, Arena *scratch,
                         Fetch *fetch, Error *error)
{
    Type *types = NULL;
    Buffer sql;
    buffer_open(&sql, 0);
    Status status = put_rows(&sql, scratch, path, schema, &types, error);
    put_condition(&sql, fetch);
    if (status == OK)
        status = buffer_status(&sql, error);
    WorkerRequest asked = {.sql = buffer_slice(&sql),
                           .format = FORMAT_ROWS,
                           .result_types = types,
                           .result_count = schema->column_count + 3,
                           .lead_count = 3};
    TalkRequest request = {
        .roles = ROLE_FETCH | ROLE_QUERY, .request = &asked, .deadline_ns = INT64_MAX};
    TalkResult result;
    if (status == OK)
        status = talk_rows(pool, scratch, &request, (RowSink){take_fetched, fetch}, &result, error);
    buffer_close(&sql);
    return status;
}

Status data_file_fetch(DataFileIo *io, const char *path, const Schema *schema,
                       const uint32_t *positions, size_t count, Arena *arena, FetchedRow *out,
                       Error *error)
{
    Arena scratch;
    arena_open(&scratch, 0);
    memset(out, 0, count * sizeof *out);
    size_t found = 0;
    size_t part_max = step_of(positions, count) > 0 ? count : FETCH_LIST_MAX;
    Status status = OK;
    for (size_t from = 0; from < count && status == OK; from += part_max) {
        size_t rest = count - from;
        Fetch part = {.arena = arena,
                      .positions = positions + from,
                      .count = rest < part_max ? rest : part_max,
                      .out = out + from};
        status = fetch_part(pool_of_io(io), path, schema, &scratch, &part, error);
        found += part.found;
        arena_reset(&scratch);
    }
    arena_close(&scratch);
    if (status == OK && found != count)
        return error_set(error, STATUS_DATA_CORRUPTED, "a data file has fewer rows than it should");
    return status;
}

/* ---- scanning ---- */

typedef struct Scan {
    StoredRowVisitor visit;
    void *context;
    int64_t next;
} Scan;

static Status take_scanned(void *context, const RowLayout *layout, const Slice *rows,
                           const int64_t *lead, size_t count, Error *error)
{
    (void)layout;
    Scan *scan = context;
    for (size_t i = 0; i < count; i++) {
        if (lead[3 * i] != scan->next++)
            return error_set(error, STATUS_WORKER_FAILED, "the engine gave rows out of order");
        FetchedRow row = make_row(lead + 3 * i, rows[i]);
        TRY(scan->visit(scan->context, &row, error));
    }
    return OK;
}

Status data_file_scan(DataFileIo *io, const char *path, const Schema *schema,
                      StoredRowVisitor visit, void *context, Error *error)
{
    Arena scratch;
    Buffer sql;
    Type *types = NULL;
    arena_open(&scratch, 0);
    buffer_open(&sql, 0);
    Scan scan = {.visit = visit, .context = context};
    Status status = put_rows(&sql, &scratch, path, schema, &types, error);
    if (status == OK)
        status = buffer_status(&sql, error);
    WorkerRequest asked = {.sql = buffer_slice(&sql),
                           .format = FORMAT_ROWS,
                           .result_types = types,
                           .result_count = schema->column_count + 3,
                           .lead_count = 3};
    TalkRequest request = {
        .roles = ROLE_FETCH | ROLE_QUERY, .request = &asked, .deadline_ns = INT64_MAX};
    TalkResult result;
    if (status == OK)
        status = talk_rows(pool_of_io(io), &scratch, &request, (RowSink){take_scanned, &scan},
                           &result, error);
    buffer_close(&sql);
    arena_close(&scratch);
    return status;
}
