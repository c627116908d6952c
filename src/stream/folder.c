/* What is in a table's two folders, and taking things out of them. */
#include "stream/stream_int.h"

typedef struct Listing {
    const StreamContext *context;
    Arena *arena;
    Buffer found; /* const char * */
} Listing;

static Status add_path(Listing *listing, const char *folder, Slice name, Error *error)
{
    const char *path = folder == NULL
                           ? arena_text(listing->arena, name)
                           : arena_format(listing->arena, "%s/%.*s", folder, SLICE_ARGUMENTS(name));
    if (path == NULL)
        return arena_error(listing->arena, error);
    buffer_put(&listing->found, &path, sizeof path);
    return buffer_status(&listing->found, error);
}

/* Folders of windows have no folders in them. */
static Status list_window(Listing *listing, Slice name, Error *error)
{
    const char *folder = arena_text(listing->arena, name);
    DirectoryEntry *entries;
    Path path;
    size_t count;
    if (folder == NULL)
        return arena_error(listing->arena, error);
    TRY(path_join(&path, listing->context->folder, folder, error));
    TRY(env_list(listing->context->env, path.text, listing->arena, &entries, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (!entries[i].is_directory)
            TRY(add_path(listing, folder, entries[i].name, error));
    }
    return OK;
}

/* What stands beside the windows' folders is not ours. */
static Status list_folder(Listing *listing, const char *folder, bool of_windows, Error *error)
{
    Env *env = listing->context->env;
    FileInformation information;
    DirectoryEntry *entries;
    size_t count;
    TRY(env_stat(env, folder, &information, error));
    if (!information.exists)
        return OK;
    TRY(env_list(env, folder, listing->arena, &entries, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (of_windows != entries[i].is_directory)
            continue;
        TRY(of_windows ? list_window(listing, entries[i].name, error)
                       : add_path(listing, NULL, entries[i].name, error));
    }
    return OK;
}

Status stream_list(const StreamContext *context, Arena *arena, const char ***out, size_t *count,
                   Error *error)
{
    Listing listing = {.context = context, .arena = arena};
    buffer_open(&listing.found, 0);
    Status status = list_folder(&listing, context->folder, true, error);
    if (status == OK)
        status = list_folder(&listing, context->state, false, error);
    if (status == OK) {
        *count = listing.found.size / sizeof(char *);
        *out = ARENA_ARRAY(arena, const char *, *count);
        if (*out == NULL)
            status = arena_error(arena, error);
        else if (*count > 0)
            memcpy((void *)*out, listing.found.data, listing.found.size);
    }
    buffer_close(&listing.found);
    return status;
}

/* A folder that still has something in it stays: the system refuses to remove it. */
static void remove_folder_of(const StreamContext *context, const char *path)
{
    Path folder;
    Error ignored;
    const char *end = strrchr(path, '/');
    if (end == NULL)
        return;
    Status status =
        path_format(&folder, &ignored, "%s/%.*s", context->folder, (int)(end - path), path);
    if (status == OK)
        status = env_remove_directory(context->env, folder.text, &ignored);
    (void)status; /* whoever removes the last file tries again */
}

Status stream_remove(const StreamContext *context, const char *path, bool *removed, uint64_t *bytes,
                     Error *error)
{
    FileInformation information;
    Path absolute;
    *removed = false;
    *bytes = 0;
    TRY(stream_absolute(context, path, &absolute, error));
    TRY(env_stat(context->env, absolute.text, &information, error));
    file_cache_forget(context->cache, absolute.text);
    if (!information.exists)
        return OK;
    Status status = env_remove(context->env, absolute.text, error);
    if (status == STATUS_FILE_NOT_FOUND)
        return OK;
    TRY(status);
    *removed = true;
    *bytes = information.size;
    remove_folder_of(context, path);
    return OK;
}
