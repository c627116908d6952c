/* Preparing a change: everything the next version needs is written and synced under names that no
 * reader looks for. The engine decides afterwards, in its log, whether it happened. */
#include <stdio.h>

#include "base/assert.h"
#include "base/fault.h"
#include "base/hash.h"
#include "cold/cold_prepare_int.h"

/* ---- writing files ---- */

Status preparation_note(Preparation *preparation, const char *relative, const char **out)
{
    const char *copy = arena_text(&preparation->arena, slice_of_text(relative));
    if (copy == NULL)
        return arena_error(&preparation->arena, preparation->error);
    buffer_put(&preparation->written, &copy, sizeof copy);
    *out = copy;
    return buffer_status(&preparation->written, preparation->error);
}

void preparation_forget_existing(Preparation *preparation, Status status)
{
    if (status == STATUS_FILE_EXISTS)
        preparation->written.size -= sizeof(const char *);
}

static Status write_synced(Env *env, const char *path, Slice bytes, Error *error)
{
    File *file;
    TRY(file_open(env, path, FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &file, error));
    Status status = file_write_at(file, 0, bytes, error);
    if (status == OK)
        status = file_sync(file, error);
    KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    return status;
}

Status preparation_write(Preparation *preparation, const char *relative, Slice bytes)
{
    Path path;
    const char *noted;
    TRY(cold_absolute(preparation->table, relative, &path, preparation->error));
    TRY(preparation_note(preparation, relative, &noted));
    Status status =
        write_synced(preparation->table->context.env, path.text, bytes, preparation->error);
    preparation_forget_existing(preparation, status);
    return status;
}

Status preparation_write_checked(Preparation *preparation, const char *before, const char *behind,
                                 Slice bytes, const char **out)
{
    Arena *arena = &preparation->version->arena;
    const char *path = arena_format(arena, "%sc%08x%s", before, crc32c(0, bytes), behind);
    if (path == NULL)
        return arena_error(arena, preparation->error);
    TRY(preparation_write(preparation, path, bytes));
    *out = path;
    return OK;
}

/* Best effort: what stays behind is swept. */
static void remove_written(Preparation *preparation)
{
    const char *const *paths = (const char *const *)(const void *)preparation->written.data;
    size_t count = preparation->written.size / sizeof *paths;
    for (size_t i = 0; i < count; i++) {
        Path path;
        Error ignored;
        Status status = cold_absolute(preparation->table, paths[i], &path, &ignored);
        if (status == OK)
            status = env_remove(preparation->table->context.env, path.text, &ignored);
        (void)status;
    }
}

/* ---- making things safe ---- */

/* Paths of the added files and their index. */
static Status added_paths(Preparation *preparation, const char ***out, size_t *count)
{
    const ColdChange *change = preparation->change;
    size_t found = 0;
    Path index;
    const char **paths = ARENA_ARRAY(&preparation->arena, const char *, change->added_count + 1);
    if (paths == NULL)
        return arena_error(&preparation->arena, preparation->error);
    for (size_t i = 0; i < change->added_count; i++)
        paths[found++] = change->added[i]->path;
    if (change->added_index != NULL) {
        TRY(cold_index_path(preparation->table, key_index_file_sequence(change->added_index),
                            &index, preparation->error));
        paths[found] = arena_text(&preparation->arena, slice_of_text(index.text));
        if (paths[found++] == NULL)
            return arena_error(&preparation->arena, preparation->error);
    }
    *out = paths;
    *count = found;
    return OK;
}

static Status sync_added_files(Preparation *preparation)
{
    const char **paths;
    size_t count;
    if (preparation->change->added_are_synced)
        return OK;
    TRY(added_paths(preparation, &paths, &count));
    return cold_sync_files(preparation->table, paths, count, preparation->error);
}

/* With the first commit the table's own folder is new too. */
static Status sync_folders(Preparation *preparation)
{
    const char **added;
    size_t added_count = 0;
    size_t written_count = preparation->written.size / sizeof *added;
    bool is_first = preparation->base->iceberg.version == 0;
    if (!preparation->change->added_are_synced || is_first)
        TRY(added_paths(preparation, &added, &added_count));
    const char **all = ARENA_ARRAY(&preparation->arena, const char *, added_count + written_count);
    if (all == NULL)
        return arena_error(&preparation->arena, preparation->error);
    if (added_count > 0)
        memcpy(all, added, added_count * sizeof *all);
    if (written_count > 0)
        memcpy(all + added_count, preparation->written.data, preparation->written.size);
    return cold_sync_folders_below(preparation->table, all, added_count + written_count, is_first,
                                   preparation->error);
}

/* All three folders are made with the first commit, so that later ones change nothing above them.
 */
static Status make_folders(Preparation *preparation)
{
    static const char *const inside[] = {"metadata/x", "data/x", "keys/x"};
    if (preparation->base->iceberg.version > 0)
        return OK;
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        TRY(cold_make_folder_of(preparation->table, inside[i], preparation->error));
    return OK;
}

/* ---- the order of things ---- */

/* RFC 9562's random UUID. */
static void draw_uuid(Preparation *preparation)
{
    uint8_t uuid[16];
    env_random(preparation->table->context.env, uuid, sizeof uuid);
    uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
    uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
    iceberg_uuid_text(uuid, preparation->uuid);
}

static Status begin(Preparation *preparation)
{
    TRY(cold_version_create(preparation->table, &preparation->version, preparation->error));
    draw_uuid(preparation);
    TRY(iceberg_clone_table(&preparation->version->arena, &preparation->base->iceberg,
                            &preparation->version->iceberg, preparation->error));
    TRY(prepare_table(preparation));
    return prepare_snapshot(preparation);
}

static Status run(Preparation *preparation)
{
    Env *env = preparation->table->context.env;
    TRY(begin(preparation));
    TRY(prepare_files(preparation));
    TRY(prepare_indexes(preparation));
    TRY(make_folders(preparation));
    TRY(sync_added_files(preparation));
    TRY(prepare_delete_files(preparation));
    cold_version_count(preparation->version);
    TRY(prepare_sidecar(preparation));
    TRY(prepare_manifests(preparation));
    TRY(FAULT(env, flush_mid_metadata, preparation->error));
    TRY(prepare_manifest_list(preparation));
    TRY(prepare_metadata(preparation));
    TRY(sync_folders(preparation));
    return FAULT(env, flush_after_metadata_sync, preparation->error);
}

Status cold_version_prepare(ColdTable *table, ColdVersion *base, const ColdChange *change,
                            ColdVersion **out, Error *error)
{
    Preparation preparation = {.table = table, .base = base, .change = change, .error = error};
    ASSERT(change->operation != COLD_SCHEMA ||
           change->added_count + change->removed_count + change->delete_count == 0);
    buffer_open(&preparation.written, 0);
    arena_open(&preparation.arena, 0);
    Status status = run(&preparation);
    if (status == OK) {
        *out = preparation.version;
    } else {
        remove_written(&preparation);
        cold_version_release(preparation.version);
    }
    buffer_close(&preparation.written);
    arena_close(&preparation.arena);
    return status;
}
