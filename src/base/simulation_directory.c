/* Directories of the simulated disk: names come and go at once for everybody who looks, and durably
 * when their directory is synced. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/simulation_int.h"

Status simulated_stat(Env *env, const char *path, FileInformation *out, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Operation operation = operation_begin(simulation, SIMULATION_STAT, path, error);
    if (operation.fault != OK)
        return operation_end(&operation, operation.fault);
    Place place;
    int number = place_look(simulation, path, &place);
    if (number == ENOENT || number == ENOTDIR)
        place.inode = NULL;
    else if (number != 0)
        return operation_end(&operation, error_set_errno(error, number, "stat", path));
    *out = (FileInformation){.exists = false};
    if (place.inode != NULL)
        *out = (FileInformation){.exists = true,
                                 .is_directory = place.inode->is_directory,
                                 .size = place.inode->current.size,
                                 .modified_us = place.inode->modified_us,
                                 .blocks_size = place.inode->used_pages * DISK_PAGE_BYTES};
    return operation_end(&operation, OK);
}

static Status list_entries(const Inode *directory, Arena *arena, DirectoryEntry **entries,
                           size_t *count, Error *error)
{
    const EntryList *list = &directory->entries;
    DirectoryEntry *listed = ARENA_ARRAY(arena, DirectoryEntry, list->count);
    if (listed == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < list->count; i++) {
        Slice name = slice_of_text(list->entries[i].name);
        TRY(arena_clone(arena, name, &listed[i].name, error));
        listed[i].is_directory = list->entries[i].inode->is_directory;
    }
    *entries = listed;
    *count = list->count;
    return OK;
}

Status simulated_list(Env *env, const char *path, Arena *arena, DirectoryEntry **entries,
                      size_t *count, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Inode *directory;
    Status status = OK;
    Operation operation = operation_begin(simulation, SIMULATION_LIST, path, error);
    GO(operation.fault);
    GO(path_find(simulation, path, "list", &directory, error));
    if (!directory->is_directory)
        GO(error_set_errno(error, ENOTDIR, "list", path));
    GO(list_entries(directory, arena, entries, count, error));
done:
    return operation_end(&operation, status);
}

Status simulated_make_directory(Env *env, const char *path, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Place place;
    Status status = OK;
    Operation operation = operation_begin(simulation, SIMULATION_MAKE_DIRECTORY, path, error);
    GO(operation.fault);
    GO(place_find(simulation, path, "make a directory", &place, error));
    if (place.inode != NULL)
        GO(error_set_errno(error, EEXIST, "make a directory", path));
    Inode *made = inode_create(simulation, true);
    directory_set(simulation, place.directory, place.name, made, 0, false);
    inode_release(simulation, made);
done:
    return operation_end(&operation, status);
}

Status simulated_sync_directory(Env *env, const char *path, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Inode *directory;
    Status status = OK;
    Operation operation = operation_begin(simulation, SIMULATION_SYNC_DIRECTORY, path, error);
    GO(operation.fault);
    GO(path_find(simulation, path, "sync", &directory, error));
    if (!directory->is_directory)
        GO(error_set_errno(error, ENOTDIR, "sync", path));
    directory_settle(simulation, directory);
done:
    return operation_end(&operation, status);
}

/* ---- rename ---- */

static bool lies_in(const Inode *directory, const Inode *above)
{
    while (directory != NULL && directory != above)
        directory = directory->parent;
    return directory != NULL;
}

/* 0, or the errno of what rename(2) refuses. */
static int refusal(const Place *from, const Place *to)
{
    if (from->inode == NULL)
        return ENOENT;
    if (from->name[0] == '\0' || to->name[0] == '\0')
        return EBUSY; /* the root */
    if (from->inode == to->inode)
        return 0; /* two names of one thing: nothing happens */
    if (from->inode->is_directory && lies_in(to->directory, from->inode))
        return EINVAL;
    if (to->inode == NULL)
        return 0;
    if (from->inode->is_directory && !to->inode->is_directory)
        return ENOTDIR;
    if (!from->inode->is_directory && to->inode->is_directory)
        return EISDIR;
    return to->inode->is_directory && to->inode->entries.count > 0 ? ENOTEMPTY : 0;
}

static void move_entry(Simulation *simulation, const Place *from, const Place *to)
{
    if (from->inode == to->inode)
        return;
    uint64_t rename_id = ++simulation->rename_ids;
    bool crosses = from->directory != to->directory;
    directory_set(simulation, to->directory, to->name, from->inode, rename_id, crosses);
    directory_set(simulation, from->directory, from->name, NULL, rename_id, crosses);
}

Status simulated_rename(Env *env, const char *from, const char *to, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Place from_place;
    Place to_place;
    Status status = OK;
    Operation operation = operation_begin(simulation, SIMULATION_RENAME, from, error);
    GO(operation.fault);
    GO(place_find(simulation, from, "rename", &from_place, error));
    GO(place_find(simulation, to, "rename", &to_place, error));
    int number = refusal(&from_place, &to_place);
    if (number != 0)
        GO(error_set_errno(error, number, "rename", from));
    move_entry(simulation, &from_place, &to_place);
done:
    return operation_end(&operation, status);
}

/* ---- link and remove ---- */

Status simulated_link(Env *env, const char *from, const char *to, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Inode *inode;
    Place place;
    Status status = OK;
    Operation operation = operation_begin(simulation, SIMULATION_LINK, to, error);
    GO(operation.fault);
    GO(path_find(simulation, from, "link", &inode, error));
    GO(place_find(simulation, to, "link", &place, error));
    if (place.inode != NULL)
        GO(error_set_errno(error, EEXIST, "link", to));
    if (inode->is_directory)
        GO(error_set_errno(error, EPERM, "link", to));
    directory_set(simulation, place.directory, place.name, inode, 0, false);
done:
    return operation_end(&operation, status);
}

static Status remove_entry(Simulation *simulation, const char *path, bool is_directory,
                           Error *error)
{
    Place place;
    TRY(place_find(simulation, path, "remove", &place, error));
    if (place.inode == NULL)
        return error_set_errno(error, ENOENT, "remove", path);
    if (place.inode->is_directory && !is_directory)
        return error_set_errno(error, EISDIR, "remove", path);
    if (!place.inode->is_directory && is_directory)
        return error_set_errno(error, ENOTDIR, "remove", path);
    if (place.name[0] == '\0')
        return error_set_errno(error, EBUSY, "remove", path);
    if (place.inode->entries.count > 0)
        return error_set_errno(error, ENOTEMPTY, "remove", path);
    directory_set(simulation, place.directory, place.name, NULL, 0, false);
    return OK;
}

Status simulated_remove(Env *env, const char *path, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Status status = OK;
    Operation operation = operation_begin(simulation, SIMULATION_REMOVE, path, error);
    GO(operation.fault);
    GO(remove_entry(simulation, path, false, error));
done:
    return operation_end(&operation, status);
}

Status simulated_remove_directory(Env *env, const char *path, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Status status = OK;
    Operation operation = operation_begin(simulation, SIMULATION_REMOVE_DIRECTORY, path, error);
    GO(operation.fault);
    GO(remove_entry(simulation, path, true, error));
done:
    return operation_end(&operation, status);
}
