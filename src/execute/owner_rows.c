/* Deleting everything an owner has in a table, some rows at a time: keys from memory and from the
 * files' rows, each looked at again under its lock. */
#include "execute/execute_int.h"

enum { OWNER_STEP_ROWS = 1000 };

typedef struct OwnerRows {
    Run *run;
    const CatalogTable *table;
    OwnerId owner;
    EngineTable *engine_table;
    Arena arena; /* of one step */
    Slice keys[OWNER_STEP_ROWS];
    size_t count;
    uint64_t deleted;
} OwnerRows;

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

static Status delete_step(OwnerRows *rows, Error *error)
{
    Run *run = rows->run;
    WriteBatch *batch;
    bool open = true;
    TRY(write_open(run->executor->engine, rows->engine_table, rows->table->schema->version,
                   env_monotonic_ns(run->executor->env) + run->options.write_timeout_ns, &batch,
                   error));
    Status status = write_lock_keys(batch, 0, rows->keys, rows->count, error);
    if (status == OK)
        status = commit_step(rows, batch, &open, error);
    if (open)
        write_abandon(batch);
    return status;
}

static Status take_key(OwnerRows *rows, Slice key, Error *error)
{
    TRY(arena_clone(&rows->arena, key, &rows->keys[rows->count++], error));
    return OK;
}

static Status owner_bounds(OwnerRows *rows, Slice *from, Slice *to, Error *error)
{
    Buffer prefix;
    Status status = OK;
    buffer_open(&prefix, 0);
    key_put_owner(&prefix, rows->owner);
    GO(buffer_status(&prefix, error));
    GO(arena_clone(&rows->run->arena, buffer_slice(&prefix), from, error));
    *to = SLICE_EMPTY;
    if (key_after_prefix(&prefix))
        GO(arena_clone(&rows->run->arena, buffer_slice(&prefix), to, error));
done:
    buffer_close(&prefix);
    return status;
}

/* *more is false when nothing was left in memory. */
static Status hot_step(OwnerRows *rows, Slice from, Slice to, bool *more, Error *error)
{
    Pin *pin = NULL;
    HotScan *scan = NULL;
    Status status = OK;
    rows->count = 0;
    arena_reset(&rows->arena);
    GO(pin_open(rows->run->executor->engine, &rows->engine_table, 1, &pin, error));
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

/* ---- rows in files ---- */

typedef struct FileStep {
    OwnerRows *rows;
    Buffer key;
} FileStep;

static Status visit_stored(void *context, const FetchedRow *stored, Error *error)
{
    FileStep *step = context;
    OwnerRows *rows = step->rows;
    TRY(key_of_row(rows->table->schema, rows->owner, stored->row, &step->key, error));
    TRY(take_key(rows, buffer_slice(&step->key), error));
    if (rows->count < OWNER_STEP_ROWS)
        return OK;
    TRY(delete_step(rows, error));
    rows->count = 0;
    arena_reset(&rows->arena);
    return OK;
}

static Status delete_file_rows(OwnerRows *rows, const DataFile *file, Error *error)
{
    Path path;
    FileStep step = {.rows = rows};
    DataFileIo *io = query_data_file_io(rows->run->executor->pool);
    rows->count = 0;
    arena_reset(&rows->arena);
    buffer_open(&step.key, 0);
    Status status = engine_table_path(rows->engine_table, file->path, &path, error);
    if (status == OK)
        status = io->scan(io, path.text, rows->table->schema, visit_stored, &step, error);
    if (status == OK && rows->count > 0)
        status = delete_step(rows, error);
    buffer_close(&step.key);
    return status;
}

static Status cold_rows(OwnerRows *rows, Error *error)
{
    Pin *pin;
    Status status = OK;
    TRY(pin_open(rows->run->executor->engine, &rows->engine_table, 1, &pin, error));
    const ColdVersion *cold = pin_cold(pin, 0);
    for (size_t i = 0; status == OK && i < cold_version_file_count(cold); i++) {
        const DataFile *file = cold_version_file(cold, i);
        if (file->owner == rows->owner)
            status = delete_file_rows(rows, file, error);
    }
    pin_release(pin);
    return status;
}

static Status delete_all(OwnerRows *rows, Error *error)
{
    Slice from;
    Slice to;
    TRY(owner_bounds(rows, &from, &to, error));
    for (bool more = true; more;)
        TRY(hot_step(rows, from, to, &more, error));
    return cold_rows(rows, error);
}

Status delete_owner_rows(Run *run, const CatalogTable *table, OwnerId owner, uint64_t *count,
                         Error *error)
{
    OwnerRows *rows = MEMORY_NEW(OwnerRows);
    if (rows == NULL)
        return error_out_of_memory(error);
    rows->run = run;
    rows->table = table;
    rows->owner = owner;
    rows->engine_table = engine_table(run->executor->engine, table->id);
    arena_open(&rows->arena, 0);
    Status status = rows->engine_table == NULL ? OK : delete_all(rows, error);
    *count = rows->deleted;
    arena_close(&rows->arena);
    engine_table_release(rows->engine_table);
    memory_free(rows);
    return status;
}
