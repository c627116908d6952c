/* Checkpoints: the catalog, and what is settled of each table, as applied at append up to a
 * position of the log. A checkpoint is published only when the log is durable up to there, and the
 * log is released up to its replay_from at most: that is where recovery from it begins to read.
 *
 * catalog/<16 hex digits of the last sequence>.checkpoint, integers little-endian:
 *     0  8  magic "FIRNCKP1"
 *     8  4  CRC32C of everything behind it
 *    12  4  format (1)
 *    16  8  position: records of the log behind it are to be applied
 *    24  8  replay_from: rows from here on may be unsettled
 *    32  8  highest sequence that may have been given out
 *    40  8  highest id that may have been given out
 *    48  …  sized tables, sized upper part, nothing more
 *     tables   number, each: id, hi, sized metadata path, number of owners, each: owner, hi
 * (varints). The newest is the only one read: it is whole, or the open is refused. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "engine/engine_int.h"

static const char checkpoint_magic[8] = "FIRNCKP1";

enum {
    CHECKPOINT_FORMAT = 1,
    CHECKPOINT_CRC_AT = 8,
    CHECKPOINT_CHECKED_FROM = 12,
    CHECKPOINT_LOG_BYTES_MIN = 1 << 20,
    CHECKPOINT_LOG_BYTES_MAX = 64 << 20,
    CHECKPOINTS_KEPT = 2,
    NAME_DIGITS = 16,
};

/* ---- names ---- */

static Status folder_path(const Engine *engine, Path *out, Error *error)
{
    return path_join(out, engine->directory.text, "catalog", error);
}

static Status checkpoint_path(const Engine *engine, uint64_t number, Path *out, Error *error)
{
    return path_format(out, error, "%s/catalog/%016llx.checkpoint", engine->directory.text,
                       (unsigned long long)number);
}

bool checkpoint_name_parse(Slice name, uint64_t *number)
{
    Slice ending = SLICE(".checkpoint");
    if (name.size != NAME_DIGITS + ending.size ||
        !slice_equal(slice_part(name, NAME_DIGITS, ending.size), ending))
        return false;
    char digits[NAME_DIGITS + 1];
    char *end;
    memcpy(digits, name.data, NAME_DIGITS);
    digits[NAME_DIGITS] = '\0';
    *number = strtoull(digits, &end, 16);
    return *end == '\0';
}

/* ---- tables ---- */

static void put_table(Buffer *out, const EngineTable *table)
{
    const ColdState *state = &table->appended;
    const char *metadata = state->metadata_path;
    if (BROKEN(checkpoint_state) && table->kind != TABLE_STREAM)
        metadata = cold_version_metadata_path(table->current->cold);
    buffer_put_varint(out, table->id);
    buffer_put_varint(out, state->hi);
    buffer_put_sized(out, slice_of_text(metadata));
    buffer_put_varint(out, state->owner_count);
    for (size_t i = 0; i < state->owner_count; i++) {
        buffer_put_varint(out, state->owners[i].owner);
        buffer_put_varint(out, state->owners[i].hi);
    }
}

/* Tables made but not installed yet are in the log behind the position, or not in it at all. */
static void put_tables(Engine *engine, Buffer *out)
{
    size_t count = 0;
    Buffer list;
    buffer_open(&list, 0);
    mutex_lock(&engine->root);
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        for (EngineTable *table = engine->tables[i]; table != NULL; table = table->next_in_bucket) {
            if (table->dropped)
                continue;
            put_table(&list, table);
            count++;
        }
    }
    mutex_unlock(&engine->root);
    buffer_put_varint(out, count);
    buffer_put_slice(out, buffer_slice(&list));
    out->failed |= list.failed;
    buffer_close(&list);
}

static Status damaged(Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "the catalog's checkpoint is damaged");
    error_set_hint(error, "Nothing was changed. Restore the file, or run firn check.");
    return error->status;
}

static Status apply_table(Engine *engine, Cursor *cursor, Error *error)
{
    uint64_t id = cursor_varint(cursor);
    uint64_t hi = cursor_varint(cursor);
    Slice path = cursor_sized(cursor);
    uint64_t owners = cursor_varint(cursor);
    EngineTable *table = table_map_find(engine, id);
    if (cursor->failed || table == NULL || path.size >= sizeof table->appended.metadata_path)
        return damaged(error);
    ColdState *state = &table->appended;
    if (path.size > 0)
        memcpy(state->metadata_path, path.data, path.size);
    state->metadata_path[path.size] = '\0';
    cold_state_flush(state, 0, hi);
    for (uint64_t i = 0; i < owners && !cursor->failed; i++) {
        OwnerId owner = (OwnerId)cursor_varint(cursor);
        uint64_t owner_hi = cursor_varint(cursor);
        TRY(cold_state_reserve(state, error));
        cold_state_flush(state, owner, owner_hi);
    }
    return OK;
}

Status checkpoint_tables_apply(Engine *engine, Slice tables, Error *error)
{
    Cursor cursor = cursor_of(tables);
    uint64_t count = cursor_varint(&cursor);
    for (uint64_t i = 0; i < count; i++)
        TRY(apply_table(engine, &cursor, error));
    return cursor_is_done(&cursor) ? OK : damaged(error);
}

/* ---- reading ---- */

static Status find_newest(Engine *engine, uint64_t *number, bool *found, Error *error)
{
    Arena arena;
    Path folder;
    DirectoryEntry *entries;
    size_t count;
    Status status = OK;
    *found = false;
    arena_open(&arena, 0);
    GO(folder_path(engine, &folder, error));
    GO(env_make_durable_directories(engine->env, folder.text, error));
    GO(env_list(engine->env, folder.text, &arena, &entries, &count, error));
    for (size_t i = 0; i < count; i++) {
        uint64_t n;
        if (!checkpoint_name_parse(entries[i].name, &n))
            continue;
        if (!*found || n > *number)
            *number = n;
        *found = true;
    }
done:
    arena_close(&arena);
    return status;
}

Status checkpoint_decode(CheckpointImage *image, Error *error)
{
    Slice bytes = buffer_slice(&image->bytes);
    Cursor cursor = cursor_of(bytes);
    Slice magic = cursor_bytes(&cursor, sizeof checkpoint_magic);
    uint32_t crc = cursor_u32(&cursor);
    if (cursor.failed || memcmp(magic.data, checkpoint_magic, sizeof checkpoint_magic) != 0 ||
        crc != crc32c(0, slice_part(bytes, CHECKPOINT_CHECKED_FROM, SIZE_MAX)))
        return damaged(error);
    uint32_t format = cursor_u32(&cursor);
    if (format != CHECKPOINT_FORMAT)
        return error_set_format(error, "the catalog's checkpoint", format, CHECKPOINT_FORMAT);
    image->position = cursor_u64(&cursor);
    image->replay_from = cursor_u64(&cursor);
    image->seq_ceiling = cursor_u64(&cursor);
    image->id_ceiling = cursor_u64(&cursor);
    image->tables = cursor_sized(&cursor);
    image->upper = cursor_sized(&cursor);
    return cursor_is_done(&cursor) ? OK : damaged(error);
}

Status checkpoint_read(Engine *engine, bool *found, CheckpointImage *out, Error *error)
{
    Path path;
    uint64_t number = 0;
    *out = (CheckpointImage){0};
    buffer_open(&out->bytes, 0);
    TRY(find_newest(engine, &number, found, error));
    if (!*found)
        return OK;
    engine->checkpoint_number = number;
    TRY(checkpoint_path(engine, number, &path, error));
    TRY(env_read_file(engine->env, path.text, CHECKPOINT_BYTES_MAX, &out->bytes, error));
    return checkpoint_decode(out, error) == OK ? OK : error_wrap(error, "%s", path.text);
}

void checkpoint_close(CheckpointImage *image)
{
    buffer_close(&image->bytes);
}

/* ---- writing ---- */

typedef struct CheckpointWork {
    LogPosition position;
    LogPosition replay_from;
    uint64_t head;
    uint64_t seq_ceiling;
    uint64_t id_ceiling;
    Buffer tables;
    Buffer upper;
    Buffer bytes;
    void *begun;
} CheckpointWork;

/* The state as of the log's end, in one step. */
static void take_state(Engine *engine, CheckpointWork *work)
{
    mutex_lock(&engine->sequencer);
    work->position = log_appended(engine->log);
    work->replay_from =
        engine->oldest_unsettled < work->position ? engine->oldest_unsettled : work->position;
    if (BROKEN(release))
        work->replay_from = work->position;
    work->head = engine->head;
    work->seq_ceiling = engine->seq_ceiling;
    work->id_ceiling = atomic_load(&engine->id_ceiling);
    work->begun = engine->hooks.checkpoint_begin(engine->hooks.context);
    put_tables(engine, &work->tables);
    mutex_unlock(&engine->sequencer);
}

static Status encode(CheckpointWork *work, Error *error)
{
    Buffer *out = &work->bytes;
    buffer_put(out, checkpoint_magic, sizeof checkpoint_magic);
    buffer_put_u32(out, 0);
    buffer_put_u32(out, CHECKPOINT_FORMAT);
    buffer_put_u64(out, work->position);
    buffer_put_u64(out, work->replay_from);
    buffer_put_u64(out, work->seq_ceiling);
    buffer_put_u64(out, work->id_ceiling);
    buffer_put_sized(out, buffer_slice(&work->tables));
    buffer_put_sized(out, buffer_slice(&work->upper));
    TRY(buffer_status(&work->tables, error));
    TRY(buffer_status(out, error));
    Slice checked = slice_part(buffer_slice(out), CHECKPOINT_CHECKED_FROM, SIZE_MAX);
    buffer_set_u32(out, CHECKPOINT_CRC_AT, crc32c(0, checked));
    return OK;
}

static Status write_beside(Engine *engine, Slice bytes, Path *beside, Error *error)
{
    File *file = NULL;
    Status status = OK;
    GO(path_format(beside, error, "%s/catalog/checkpoint.tmp", engine->directory.text));
    GO(FAULT(engine->env, checkpoint_write, error));
    GO(file_open(engine->env, beside->text, FILE_WRITE | FILE_CREATE | FILE_TRUNCATE, &file,
                 error));
    GO(file_write_at(file, 0, bytes, error));
    GO(file_sync(file, error));
done:
    if (file != NULL)
        KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    return status;
}

static void remove_older(Engine *engine)
{
    Arena arena;
    Path folder;
    Path path;
    Error ignored;
    DirectoryEntry *entries;
    size_t count;
    size_t seen = 0;
    arena_open(&arena, 0);
    if (folder_path(engine, &folder, &ignored) == OK &&
        env_list(engine->env, folder.text, &arena, &entries, &count, &ignored) == OK) {
        for (size_t i = count; i > 0; i--) { /* names are in order, the newest last */
            uint64_t number;
            if (!checkpoint_name_parse(entries[i - 1].name, &number) || ++seen <= CHECKPOINTS_KEPT)
                continue;
            if (checkpoint_path(engine, number, &path, &ignored) == OK &&
                env_remove(engine->env, path.text, &ignored) != OK)
                engine->hooks.background_error(engine->hooks.context, "checkpoint", 0, &ignored);
        }
    }
    arena_close(&arena);
}

static Status take_name(Engine *engine, uint64_t number, const Path *beside, Error *error)
{
    Path folder;
    Path path;
    TRY(FAULT(engine->env, checkpoint_publish, error));
    TRY(folder_path(engine, &folder, error));
    TRY(checkpoint_path(engine, number, &path, error));
    TRY(env_rename(engine->env, beside->text, path.text, error));
    return env_sync_directory(engine->env, folder.text, error);
}

static Status publish(Engine *engine, const CheckpointWork *work, const Path *beside, Error *error)
{
    if (!BROKEN(checkpoint_early))
        TRY(engine_wait_durable(engine, work->position, error));
    TRY(take_name(engine, work->head, beside, error));
    engine->checkpoint_number = work->head;
    atomic_store(&engine->checkpoint_position, work->position);
    atomic_store(&engine->checkpoint_replay_from, work->replay_from);
    atomic_fetch_add(&engine->checkpoints, 1);
    remove_older(engine);
    return OK;
}

static Status checkpoint_locked(Engine *engine, Error *error)
{
    CheckpointWork work = {0};
    Path beside;
    Status status = OK;
    buffer_open(&work.tables, 0);
    buffer_open(&work.upper, 0);
    buffer_open(&work.bytes, 0);
    take_state(engine, &work);
    GO(engine->hooks.checkpoint_finish(engine->hooks.context, work.begun, &work.upper, error));
    if (work.head <= engine->checkpoint_number)
        goto done; /* nothing was appended since */
    GO(encode(&work, error));
    GO(write_beside(engine, buffer_slice(&work.bytes), &beside, error));
    GO(publish(engine, &work, &beside, error));
done:
    buffer_close(&work.tables);
    buffer_close(&work.upper);
    buffer_close(&work.bytes);
    return status;
}

Status checkpoint_write_again(Engine *engine, const CheckpointImage *image, Error *error)
{
    Path beside;
    TRY(write_beside(engine, buffer_slice(&image->bytes), &beside, error));
    return take_name(engine, engine->checkpoint_number, &beside, error);
}

Status engine_checkpoint(Engine *engine, Error *error)
{
    if (atomic_load(&engine->poisoned))
        return error_of(error, STATUS_LOG_POISONED);
    mutex_lock(&engine->define_mutex);
    Status status = checkpoint_locked(engine, error);
    mutex_unlock(&engine->define_mutex);
    if (status == OK)
        engine_release_log(engine);
    return status;
}

/* Due when many records stand behind the last one, or when it alone keeps much of the log. */
Status checkpoint_if_due(Engine *engine, Error *error)
{
    uint64_t due = engine->options.log_bytes_max / 8;
    if (due < CHECKPOINT_LOG_BYTES_MIN)
        due = CHECKPOINT_LOG_BYTES_MIN;
    if (due > CHECKPOINT_LOG_BYTES_MAX)
        due = CHECKPOINT_LOG_BYTES_MAX;
    LogStatistics statistics;
    log_statistics(engine->log, &statistics);
    uint64_t since = statistics.written - atomic_load(&engine->checkpoint_position);
    uint64_t kept = statistics.written - atomic_load(&engine->checkpoint_replay_from);
    uint64_t unflushed = atomic_load(&engine->unflushed_bytes);
    bool keeps_much = kept > unflushed && kept - unflushed >= due;
    return since < due && !keeps_much ? OK : engine_checkpoint(engine, error);
}

/* ---- waiting for the log ---- */

enum { DURABLE_POLL_NS = 1000 * 1000 };

Status engine_wait_durable(Engine *engine, LogPosition position, Error *error)
{
    for (;;) {
        LogStatistics statistics;
        log_statistics(engine->log, &statistics);
        if (statistics.durable >= position)
            return OK;
        if (atomic_load(&engine->poisoned))
            return error_of(error, STATUS_LOG_POISONED);
        mutex_lock(&engine->sequencer);
        log_require_sync(engine->log);
        mutex_unlock(&engine->sequencer);
        log_wake(engine->log);
        env_sleep_ns(engine->env, DURABLE_POLL_NS);
    }
}
