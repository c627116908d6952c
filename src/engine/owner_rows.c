/* Deleting everything an owner has in a table, some rows at a time: keys from memory and from the
 * files' rows, each looked at again under its lock. Changes like any others: whoever watches the
 * table sees them. */
#include "engine/engine_int.h"

enum { OWNER_STEP_ROWS = 1000 };

typedef struct OwnerRows {
    Engine *engine;
    EngineTable *table;
    OwnerId owner;
    int64_t timeout_ns; /* of each step's waiting */
    Schema *schema;     /* what rows of files are read as */
    Arena arena;        /* of one step */
    Slice keys[OWNER_STEP_ROWS];
    size_t count;
    uint64_t deleted;
} OwnerRows;

/* ---- one step ---- */

static Status delete_key(OwnerRows *rows, WriteBatch *batch, Slice key, size_t *operations,
                         Error *error)
{
    RowFound old;
    bool found;
    TRY(write_find(batch, 0, key, true, &rows->arena, &old, &found, error));
    if (!found)
        return OK;
    WriteOperation operation = {.kind = WRITE_DELETE,
                                .owner = rows->owner,
                                .key = key,
                                .old_row = old.row,
                                .had_old = true,
                                .old = old.location};
    (*operations)++;
    return write_add(batch, &operation, error);
}

static Status commit_step(OwnerRows *rows, WriteBatch *batch, bool *open, Error *error)
{
    CommitResult commit;
    for (;;) {
        size_t operations = 0;
        write_reset(batch);
        TRY(write_pin(batch, error));
        for (size_t i = 0; i < rows->count; i++)
            TRY(delete_key(rows, batch, rows->keys[i], &operations, error));
        if (operations == 0)
            return OK;
        Status status = write_commit(batch, &commit, error);
        *open = status == STATUS_WOULD_BLOCK;
        if (*open)
            continue;
        rows->deleted += status == OK ? operations : 0;
        return status;
    }
}

static Status try_step(OwnerRows *rows, Error *error)
{
    WriteBatch *batch;
    bool open = true;
    Schema *schema = engine_table_schema(rows->table);
    Status status =
        write_open(rows->engine, rows->table, schema->version,
                   env_monotonic_ns(rows->engine->env) + rows->timeout_ns, &batch, error);
    schema_release(schema);
    TRY(status);
    status = write_lock_keys(batch, 0, rows->keys, rows->count, error);
    if (status == OK)
        status = commit_step(rows, batch, &open, error);
    if (open)
        write_abandon(batch);
    return status;
}

/* What is deleted goes by key: a schema that changed on the way makes no difference, but that the
 * table is gone does. */
static Status delete_step(OwnerRows *rows, Error *error)
{
    for (;;) {
        Status status = try_step(rows, error);
        if (status != STATUS_SCHEMA_CHANGED)
            return status;
        if (table_is_dropped(rows->table)) {
            rows->count = 0;
            return error_of(error, STATUS_UNDEFINED_TABLE);
        }
    }
}

/* ---- rows in memory ---- */

static Status take_key(OwnerRows *rows, Slice key, Error *error)
{
    TRY(arena_clone(&rows->arena, key, &rows->keys[rows->count], error));
    rows->count++;
    return OK;
}

static void begin_step(OwnerRows *rows)
{
    rows->count = 0;
    arena_reset(&rows->arena);
}

/* *more is false when nothing was left in memory. */
static Status hot_step(OwnerRows *rows, Slice from, Slice to, bool *more, Error *error)
{
    Pin *pin = NULL;
    HotScan *scan = NULL;
    Status status = OK;
    begin_step(rows);
    GO(pin_open(rows->engine, &rows->table, 1, &pin, error));
    GO(hot_scan_open(pin, 0, from, to, false, &scan, error));
    while (rows->count < OWNER_STEP_ROWS) {
        const RecordHeader *record = hot_scan_next(scan);
        if (record == NULL)
            break;
        GO(take_key(rows, record_key(record), error));
    }
    *more = rows->count > 0;
done:
    hot_scan_close(scan);
    pin_release(pin);
    return status == OK && rows->count > 0 ? delete_step(rows, error) : status;
}

static Status hot_rows(OwnerRows *rows, Error *error)
{
    Buffer from;
    Buffer to;
    bool more = true;
    buffer_open(&from, 0);
    buffer_open(&to, 0);
    key_put_owner(&from, rows->owner);
    key_put_owner(&to, rows->owner);
    Status status = buffer_status(&from, error);
    if (status == OK)
        status = buffer_status(&to, error);
    if (status == OK && !key_after_prefix(&to))
        buffer_clear(&to);
    while (status == OK && more)
        status = hot_step(rows, buffer_slice(&from), buffer_slice(&to), &more, error);
    buffer_close(&from);
    buffer_close(&to);
    return status;
}

/* ---- rows in files ---- */

static Status take_and_step(OwnerRows *rows, Slice key, Error *error)
{
    TRY(take_key(rows, key, error));
    if (rows->count < OWNER_STEP_ROWS)
        return OK;
    TRY(delete_step(rows, error));
    begin_step(rows);
    return OK;
}

typedef struct FileStep {
    OwnerRows *rows;
    Buffer key;
} FileStep;

static Status visit_stored(void *context, const FetchedRow *stored, Error *error)
{
    FileStep *step = context;
    OwnerRows *rows = step->rows;
    TRY(key_of_row(rows->schema, rows->owner, stored->row, &step->key, error));
    return take_and_step(rows, buffer_slice(&step->key), error);
}

static Status delete_file_rows(OwnerRows *rows, const DataFile *file, Error *error)
{
    Path path;
    FileStep step = {.rows = rows};
    DataFileIo *io = rows->engine->io;
    begin_step(rows);
    buffer_open(&step.key, 0);
    Status status = engine_table_path(rows->table, file->path, &path, error);
    if (status == OK)
        status = io->scan(io, path.text, rows->schema, visit_stored, &step, error);
    if (status == OK && rows->count > 0)
        status = delete_step(rows, error);
    buffer_close(&step.key);
    return status;
}

static Status visit_window(void *context, Schema *schema, const RecordHeader *record, Error *error)
{
    (void)schema;
    return take_and_step(context, record_key(record), error);
}

static Status delete_window_rows(OwnerRows *rows, const Pin *pin, Error *error)
{
    begin_step(rows);
    TRY(pin_visit_windows(pin, 0, rows->owner, SLICE_EMPTY, SLICE_EMPTY, visit_window, rows,
                          error));
    return rows->count > 0 ? delete_step(rows, error) : OK;
}

static Status cold_rows(OwnerRows *rows, Error *error)
{
    Pin *pin;
    TRY(pin_open(rows->engine, &rows->table, 1, &pin, error));
    const ColdVersion *cold = pin_cold(pin, 0);
    rows->schema = pin_schema(pin, 0);
    Status status = OK;
    for (size_t i = 0; status == OK && i < cold_version_file_count(cold); i++) {
        const DataFile *file = cold_version_file(cold, i);
        if (file->owner == rows->owner)
            status = delete_file_rows(rows, file, error);
    }
    if (status == OK)
        status = delete_window_rows(rows, pin, error);
    pin_release(pin);
    return status;
}

/* A row that was in memory when that was looked at is in a file, at worst, when those are. */
Status engine_delete_owner_rows(Engine *engine, EngineTable *table, OwnerId owner,
                                int64_t timeout_ns, uint64_t *count, Error *error)
{
    *count = 0;
    ASSERT(table->kind != TABLE_SHARED && owner != 0);
    OwnerRows *rows = MEMORY_NEW(OwnerRows);
    if (rows == NULL)
        return error_out_of_memory(error);
    rows->engine = engine;
    rows->table = table;
    rows->owner = owner;
    rows->timeout_ns = timeout_ns;
    arena_open(&rows->arena, 0);
    Status status = hot_rows(rows, error);
    if (status == OK)
        status = cold_rows(rows, error);
    *count = rows->deleted;
    arena_close(&rows->arena);
    memory_free(rows);
    return status;
}

/* ---- who has files ---- */

static bool is_among(const OwnerId *owners, size_t count, OwnerId owner)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (owners[middle] < owner)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && owners[low] == owner;
}

static bool find_in_version(const SuperVersion *version, const OwnerId *owners, size_t count,
                            OwnerId *out)
{
    size_t files = cold_version_file_count(version->cold);
    for (size_t i = 0; i < files; i++) {
        *out = cold_version_file(version->cold, i)->owner;
        if (is_among(owners, count, *out))
            return true;
    }
    files = version->stream == NULL ? 0 : stream_version_file_count(version->stream);
    for (size_t i = 0; i < files; i++) {
        *out = stream_version_file(version->stream, i)->owner;
        if (is_among(owners, count, *out))
            return true;
    }
    return false;
}

bool engine_find_owner(EngineTable *table, const OwnerId *owners, size_t count, OwnerId *out)
{
    if (table->kind == TABLE_SHARED || count == 0)
        return false;
    SuperVersion *version = table_current(table);
    bool found = find_in_version(version, owners, count, out);
    super_version_release(version);
    return found;
}
