/* The folders of a table: made, synced, listed. */
#include <stdlib.h>

#include "base/assert.h"
#include "cold/cold_int.h"

enum { LIST_DEPTH_MAX = 4 }; /* table, data, user, and one to spare */

/* ---- folders ---- */

/* The relative folder of a relative path; "" for the table's own. */
static Status folder_of(const char *relative, Path *out, Error *error)
{
    const char *slash = strrchr(relative, '/');
    int size = slash == NULL ? 0 : (int)(slash - relative);
    return path_format(out, error, "%.*s", size, relative);
}

static Status absolute_folder(const ColdTable *table, const char *relative, Path *out, Error *error)
{
    return relative[0] == '\0' ? path_format(out, error, "%s", table->folder)
                               : cold_absolute(table, relative, out, error);
}

Status cold_make_folder_of(const ColdTable *table, const char *relative, Error *error)
{
    Path folder;
    Path absolute;
    TRY(folder_of(relative, &folder, error));
    TRY(absolute_folder(table, folder.text, &absolute, error));
    return env_make_directories(table->context.env, absolute.text, error);
}

static Status sync_file(const ColdTable *table, const char *relative, Error *error)
{
    Path path;
    File *file;
    TRY(cold_absolute(table, relative, &path, error));
    TRY(file_open(table->context.env, path.text, FILE_READ | FILE_WRITE, &file, error));
    Status status = file_sync(file, error);
    KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    return status;
}

Status cold_sync_files(const ColdTable *table, const char *const *paths, size_t count, Error *error)
{
    for (size_t i = 0; i < count; i++)
        TRY(sync_file(table, paths[i], error));
    return OK;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every folder on the way down to the paths, "" among them, each once. */
static Status folders_of(Arena *arena, const char *const *paths, size_t count, const char ***out,
                         size_t *out_count, Error *error)
{
    size_t found = 0;
    const char **folders = ARENA_ARRAY(arena, const char *, count *LIST_DEPTH_MAX);
    if (folders == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < count; i++) {
        Path folder;
        TRY(folder_of(paths[i], &folder, error));
        for (int depth = 0; depth < LIST_DEPTH_MAX; depth++) {
            folders[found] = arena_text(arena, slice_of_text(folder.text));
            if (folders[found++] == NULL)
                return arena_error(arena, error);
            if (folder.text[0] == '\0')
                break;
            char *slash = strrchr(folder.text, '/');
            *(slash == NULL ? folder.text : slash) = '\0';
        }
    }
    if (found > 0)
        qsort(folders, found, sizeof *folders, compare_texts);
    *out_count = 0;
    for (size_t i = 0; i < found; i++) {
        if (i == 0 || strcmp(folders[i], folders[i - 1]) != 0)
            folders[(*out_count)++] = folders[i];
    }
    *out = folders;
    return OK;
}

static Status sync_parent_of_table(const ColdTable *table, Error *error)
{
    Path parent;
    TRY(path_format(&parent, error, "%s", table->folder));
    char *slash = strrchr(parent.text, '/');
    *(slash == parent.text ? slash + 1 : slash) = '\0';
    return env_sync_directory(table->context.env, parent.text, error);
}

/* Deepest first: a folder's entry is safe only when its own parent is. */
static Status sync_folders(const ColdTable *table, const char **folders, size_t count,
                           bool with_table, Error *error)
{
    for (size_t i = count; i > 0; i--) {
        Path path;
        if (folders[i - 1][0] == '\0' && !with_table)
            continue;
        TRY(absolute_folder(table, folders[i - 1], &path, error));
        TRY(env_sync_directory(table->context.env, path.text, error));
    }
    return with_table && count > 0 ? sync_parent_of_table(table, error) : OK;
}

Status cold_sync_folders_below(const ColdTable *table, const char *const *paths, size_t count,
                               bool with_table, Error *error)
{
    Arena arena;
    const char **folders;
    size_t folder_count;
    arena_open(&arena, 0);
    Status status = folders_of(&arena, paths, count, &folders, &folder_count, error);
    if (status == OK)
        status = sync_folders(table, folders, folder_count, with_table, error);
    arena_close(&arena);
    return status;
}

Status cold_sync_folders(const ColdTable *table, const char *const *paths, size_t count,
                         Error *error)
{
    return cold_sync_folders_below(table, paths, count, true, error);
}

/* ---- listing ---- */

typedef struct Listing {
    const ColdTable *table;
    Arena *arena;
    Buffer found; /* const char * */
    Error *error;
} Listing;

static bool is_moved_aside(Slice name)
{
    static const char mark[] = ".metadata.json.foreign-";
    for (size_t i = 0; i + sizeof mark - 1 < name.size; i++) {
        if (memcmp(name.data + i, mark, sizeof mark - 1) == 0)
            return true;
    }
    return false;
}

static Status list_folder(Listing *listing, const char *relative, uint32_t depth);

static Status list_entry(Listing *listing, const char *relative, const DirectoryEntry *entry,
                         uint32_t depth)
{
    const char *separator = relative[0] == '\0' ? "" : "/";
    const char *path =
        arena_format(listing->arena, "%s%s%s", relative, separator, (const char *)entry->name.data);
    if (path == NULL)
        return arena_error(listing->arena, listing->error);
    if (entry->is_directory)
        return list_folder(listing, path, depth + 1);
    if (!is_moved_aside(entry->name))
        buffer_put(&listing->found, &path, sizeof path);
    return OK;
}

static Status list_folder(Listing *listing, const char *relative, uint32_t depth)
{
    Path absolute;
    DirectoryEntry *entries;
    size_t count;
    if (depth >= LIST_DEPTH_MAX)
        return OK; /* nothing of ours lies so deep */
    TRY(absolute_folder(listing->table, relative, &absolute, listing->error));
    TRY(env_list(listing->table->context.env, absolute.text, listing->arena, &entries, &count,
                 listing->error));
    for (size_t i = 0; i < count; i++)
        TRY(list_entry(listing, relative, &entries[i], depth));
    return OK;
}

Status cold_table_list(ColdTable *table, Arena *arena, const char ***out, size_t *count,
                       Error *error)
{
    Listing listing = {.table = table, .arena = arena, .error = error};
    FileInformation information;
    Slice copy;
    Status status = OK;
    buffer_open(&listing.found, 0);
    GO(env_stat(table->context.env, table->folder, &information, error));
    if (information.exists)
        GO(list_folder(&listing, "", 0));
    GO(buffer_status(&listing.found, error));
    GO(arena_clone(arena, buffer_slice(&listing.found), &copy, error));
    *out = (const char **)(uintptr_t)copy.data;
    *count = listing.found.size / sizeof(const char *);
done:
    buffer_close(&listing.found);
    return status;
}
