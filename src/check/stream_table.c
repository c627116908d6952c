/* One STREAM table: the manifest that was committed last, and every record of its windows. */
#include "check/check_int.h"

typedef struct StreamCheck {
    Check *check;
    const CheckedTable *table;
    StreamContext context;
    StreamVersion *version;
    PathSet named;
    uint64_t rows; /* of the file at hand */
    bool index_is_damaged;
} StreamCheck;

/* Windows are in the table's folder, manifests and indexes in the one of its state (stream.h). */
static Status absolute_path(const StreamCheck *work, const char *relative, Path *out, Error *error)
{
    bool is_window = strchr(relative, '/') != NULL;
    return path_join(out, is_window ? work->context.folder : work->context.state, relative, error);
}

static void note_index(void *context, const Error *why)
{
    StreamCheck *work = context;
    work->index_is_damaged = true;
    check_tell(work->check,
               &(CheckFinding){.grade = CHECK_DERIVED,
                               .object = work->context.state,
                               .what = why->internal[0] != '\0' ? why->internal : why->message,
                               .advice = "it is made again when the server opens the directory"});
}

static Status count_record(void *context, const StreamFile *file, uint32_t place,
                           const RecordHeader *record, Error *error)
{
    StreamCheck *work = context;
    (void)file;
    (void)place;
    (void)record;
    (void)error;
    work->rows++;
    return OK;
}

static Status check_window(StreamCheck *work, const StreamFile *file)
{
    Check *check = work->check;
    Path path;
    Error why;
    work->rows = 0;
    check->summary->files++;
    check->summary->bytes += file->bytes;
    TRY(absolute_path(work, file->path, &path, check->error));
    Status status = stream_scan(&work->context, file, count_record, work, &why);
    if (status == OK && work->rows != file->rows)
        status = error_set(&why, STATUS_DATA_CORRUPTED, "it has %llu rows, the manifest says %llu",
                           (unsigned long long)work->rows, (unsigned long long)file->rows);
    check->summary->rows +=
        work->rows - (file->deleted_count < work->rows ? file->deleted_count : work->rows);
    return status == OK ? OK
                        : check_tell_error(check, CHECK_DAMAGE, path.text, &why,
                                           "restore this file from a copy");
}

/* ---- what nothing names ---- */

typedef struct Naming {
    PathSet *named;
    Status status;
    Error *error;
} Naming;

static void note_path(void *context, const char *path)
{
    Naming *naming = context;
    if (naming->status == OK)
        naming->status = path_set_add(naming->named, path, NULL, naming->error);
}

static Status check_orphans(StreamCheck *work)
{
    Check *check = work->check;
    Naming naming = {.named = &work->named, .error = check->error};
    Arena arena;
    const char **paths;
    size_t count;
    Path path;
    Status status = OK;
    stream_version_visit_paths(work->version, note_path, &naming);
    TRY(naming.status);
    arena_open(&arena, 0);
    GO(stream_list(&work->context, &arena, &paths, &count, check->error));
    for (size_t i = 0; i < count; i++) {
        if (path_set_has(&work->named, paths[i]))
            continue;
        GO(absolute_path(work, paths[i], &path, check->error));
        GO(check_orphan(check, path.text));
    }
done:
    arena_close(&arena);
    return status;
}

/* ---- all of it ---- */

static Status open_version(StreamCheck *work, Error *why)
{
    const char *manifest = work->table->metadata_path;
    return manifest[0] == '\0' ? stream_version_empty(&work->version, why)
                               : stream_version_open(&work->context, manifest, note_index, work,
                                                     &work->version, why);
}

static Status check_version(StreamCheck *work)
{
    Check *check = work->check;
    size_t count = stream_version_file_count(work->version);
    uint64_t before = check->summary->rows;
    for (size_t i = 0; i < count; i++)
        TRY(check_window(work, stream_version_file(work->version, i)));
    TRY(check_orphans(work));
    if (check->options->table != NULL)
        check->options->table(check->options->context, work->table->name, count,
                              check->summary->rows - before);
    return OK;
}

Status check_stream_table(Check *check, const CheckedTable *table)
{
    StreamCheck work = {.check = check, .table = table};
    Path state;
    Error why;
    TRY(check_stream_state(check, table->definition->id, &state, check->error));
    work.context = (StreamContext){check->env, check->cache, table->folder.text, state.text,
                                   table->definition->id};
    path_set_open(&work.named);
    check->summary->tables++;
    Status status = open_version(&work, &why);
    if (status == OK)
        status = check_version(&work);
    else if (!work.index_is_damaged) /* else it only could not be made again: told already */
        status = check_tell_error(check, CHECK_DAMAGE, state.text, &why,
                                  "restore the table's folders from a copy");
    else
        status = OK;
    stream_version_release(work.version);
    path_set_close(&work.named);
    return status;
}
