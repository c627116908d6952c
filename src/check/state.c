/* What a directory says of itself: the checkpoint, the log, and the catalog that they make. */
#include "base/cursor.h"
#include "check/check_int.h"
#include "database/checkpoint_parts.h"
#include "jobs/jobs.h"

enum { CHECK_OPEN_FILES_MAX = 64, CHANGES_MAX = 1 << 24 };

typedef struct StateReading {
    Check *check;
    CheckFrameVisitor visit;
    void *context;
} StateReading;

/* ---- the catalog ---- */

static Status decode_changes(Arena *arena, Slice payload, CatalogChange **out, size_t *decoded,
                             Error *error)
{
    Cursor cursor = cursor_of(payload);
    uint64_t count = cursor_varint(&cursor);
    if (cursor.failed || count > cursor_rest(&cursor) || count > CHANGES_MAX)
        return error_set(error, STATUS_DATA_CORRUPTED, "a record of the catalog is damaged");
    *out = ARENA_ARRAY(arena, CatalogChange, count);
    if (*out == NULL)
        return arena_error(arena, error);
    for (; *decoded < count; ++*decoded)
        TRY(catalog_change_decode(arena, &cursor, &(*out)[*decoded], error));
    if (!cursor_is_done(&cursor))
        return error_set(error, STATUS_DATA_CORRUPTED, "a record of the catalog is damaged");
    return OK;
}

static Status apply_to_catalog(Check *check, Slice payload, Error *error)
{
    Arena arena;
    CatalogChange *changes = NULL;
    CatalogSnapshot *next = NULL;
    size_t decoded = 0;
    arena_open(&arena, 0);
    Status status = decode_changes(&arena, payload, &changes, &decoded, error);
    if (status == OK)
        status = catalog_snapshot_apply(check->catalog, changes, decoded, &next, error);
    if (status == OK) {
        catalog_snapshot_release(check->catalog);
        check->catalog = next;
    }
    for (size_t i = 0; i < decoded; i++)
        catalog_change_close(&changes[i]);
    arena_close(&arena);
    return status;
}

/* ---- the visitor ---- */

static Status visit_checkpoint(void *context, Slice upper, Error *error)
{
    StateReading *reading = context;
    CheckpointParts parts;
    TRY(checkpoint_parts_get(upper, &parts, error));
    TRY(jobs_check_checkpoint(parts.jobs, error));
    TRY(token_book_recover_checkpoint(reading->check->tokens, parts.tokens, error));
    return apply_to_catalog(reading->check, parts.catalog, error);
}

/* As recovery does: what it would refuse is refused here. */
static Status apply_upper(Check *check, const InspectedFrame *frame, Error *error)
{
    switch (frame->frame->kind) {
    case FRAME_DEFINITION:
        return apply_to_catalog(check, frame->upper, error);
    case FRAME_JOB:
        return jobs_check_record(frame->upper, error);
    case FRAME_TOKEN:
        return token_book_recover_record(check->tokens, frame->upper, error);
    default:
        if (frame->frame->kind < FRAME_UPPER)
            return OK;
        return error_set(error, STATUS_VERSION_NOT_SUPPORTED,
                         "the log has a record of the unknown kind %u", frame->frame->kind);
    }
}

static Status visit_frame(void *context, const InspectedFrame *frame, Error *error)
{
    StateReading *reading = context;
    if (frame->is_applied)
        TRY(apply_upper(reading->check, frame, error));
    return reading->visit == NULL ? OK : reading->visit(reading->context, frame, error);
}

Status check_read_state(Check *check, CheckFrameVisitor visit, void *context, Error *error)
{
    StateReading reading = {.check = check, .visit = visit, .context = context};
    const InspectVisitor visitor = {
        .context = &reading, .checkpoint = visit_checkpoint, .frame = visit_frame};
    engine_inspection_close(&check->inspection);
    return engine_inspect(check->env, check->options->directory, &visitor, &check->inspection,
                          error);
}

/* ---- folders ---- */

static Status storage_root(const Check *check, const CatalogTable *table, Path *out, Error *error)
{
    if (table->kind == TABLE_STREAM)
        return path_join(out, check->options->directory, "streams", error);
    if (slice_equal_text(table->storage, "local"))
        return path_join(out, check->options->directory, "storage", error);
    const CatalogStorage *storage = catalog_find_storage(check->catalog, table->storage);
    if (storage == NULL)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "its storage \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(table->storage));
    return path_format(out, error, "%.*s", SLICE_ARGUMENTS(storage->path));
}

Status check_table_folder(const Check *check, const CatalogTable *table, Path *out, Error *error)
{
    Path root;
    TRY(storage_root(check, table, &root, error));
    return path_format(out, error, "%s/%.*s", root.text, SLICE_ARGUMENTS(table->folder));
}

Status check_stream_state(const Check *check, uint64_t table_id, Path *out, Error *error)
{
    return path_format(out, error, "%s/catalog/streams/%llu", check->options->directory,
                       (unsigned long long)table_id);
}

/* ---- beginning and end ---- */

static Status refuse_other_folders(Env *env, const char *directory, Error *error)
{
    static const char *const names[] = {"log", "catalog", "storage"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        Path path;
        FileInformation information;
        TRY(path_join(&path, directory, names[i], error));
        TRY(env_stat(env, path.text, &information, error));
        if (information.is_directory)
            return OK;
    }
    (void)error_set(error, STATUS_INVALID_PARAMETER_VALUE, "this is no data directory of Firn");
    return error_wrap(error, "%s", directory);
}

/* The lock is a file that is made where it is missing: the one thing that checking may leave. */
Status check_begin(Check *check, Env *env, const char *directory, File **lock, Error *error)
{
    Path path;
    check->real = env;
    check->env = env_read_only(env);
    buffer_open(&check->inspection.tables, 0);
    TRY(refuse_other_folders(env, directory, error));
    TRY(path_join(&path, directory, "LOCK", error));
    TRY(file_lock_open(env, path.text, lock, error));
    TRY(file_cache_open(check->env, CHECK_OPEN_FILES_MAX, &check->cache, error));
    TRY(token_book_open(check->env, &check->tokens, error));
    return catalog_snapshot_empty(&check->catalog, error);
}

void check_end(Check *check, File *lock)
{
    Error ignored;
    engine_inspection_close(&check->inspection);
    if (check->catalog != NULL)
        catalog_snapshot_release(check->catalog);
    if (check->cache != NULL)
        file_cache_close(check->cache);
    token_book_close(check->tokens);
    if (lock == NULL)
        return;
    Status status = file_close(lock, &ignored);
    (void)status; /* nothing was written through it */
}
