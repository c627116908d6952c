/* Folders that no table has any more: of drops whose cleanup did not come before the process ended,
 * and of tables whose CREATE did not come to be.
 *
 * Only the directory's own folders are looked through, which its lock keeps for us alone; what lies
 * in another storage may be somebody else's. And only what is called like a table's folder, with a
 * number that was given out here: what people put beside stays. */
#include "database/database_int.h"

/* "<namespace>.<table>-<id>" */
static bool read_table_id(Slice folder, uint64_t *out)
{
    size_t dash = folder.size;
    int64_t id;
    while (dash > 0 && folder.data[dash - 1] != '-')
        dash--;
    if (dash == 0 || slice_find(slice_part(folder, 0, dash - 1), '.') == dash - 1)
        return false;
    if (!slice_to_int64(slice_part(folder, dash, folder.size), &id) || id <= 0)
        return false;
    *out = (uint64_t)id;
    return true;
}

typedef struct Leftovers {
    Database *database;
    CatalogSnapshot *snapshot;
    uint64_t next_id; /* numbers from here on were never a table's */
} Leftovers;

static Status submit_folder(const Leftovers *leftovers, const Path *root, Slice name, Error *error)
{
    Path path;
    char id[JOB_ID_BYTES];
    JobRequest request = {.type = JOB_CLEANUP, .trigger = TRIGGER_INTERVAL, .folder = path.text};
    if (!read_table_id(name, &request.table_id) || request.table_id >= leftovers->next_id ||
        catalog_table_by_id(leftovers->snapshot, request.table_id) != NULL)
        return OK;
    TRY(path_join(&path, root->text, (const char *)name.data, error));
    return jobs_submit(leftovers->database->jobs, &request, id, error);
}

static Status submit_folders(const Leftovers *leftovers, const char *root, Arena *arena,
                             Error *error)
{
    Path path;
    DirectoryEntry *entries;
    size_t count;
    const Database *database = leftovers->database;
    TRY(path_join(&path, database->directory.text, root, error));
    TRY(env_list(database->env, path.text, arena, &entries, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].is_directory)
            TRY(submit_folder(leftovers, &path, entries[i].name, error));
    }
    return OK;
}

void remove_leftovers(Database *database)
{
    Leftovers leftovers = {.database = database,
                           .snapshot = catalog_snapshot(database->catalog),
                           .next_id = engine_next_id(database->engine)};
    Error error;
    Arena arena;
    arena_open(&arena, 0);
    Status status = submit_folders(&leftovers, "storage", &arena, &error);
    if (status == OK)
        status = submit_folders(&leftovers, "streams", &arena, &error);
    if (status != OK)
        LOG_WARN(database->logger, "leftovers_stay", "folders of dropped tables were not removed",
                 LOG_ERROR_OF(&error));
    arena_close(&arena);
    catalog_snapshot_release(leftovers.snapshot);
}
