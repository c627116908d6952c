/* The whole directory, one part after the other. */
#include "check/check_int.h"

const char *check_grade_name(CheckGrade grade)
{
    static const char *const names[] = {"damaged", "derived", "orphan", "note"};
    return names[grade];
}

bool check_is_good(const CheckSummary *summary)
{
    return summary->found[CHECK_DAMAGE] == 0 && summary->found[CHECK_DERIVED] == summary->repaired;
}

/* ---- findings ---- */

/* Without the directory's path in front. */
static const char *below(const Check *check, const char *path)
{
    size_t size = strlen(check->options->directory);
    if (strncmp(path, check->options->directory, size) == 0 && path[size] == '/')
        return path + size + 1;
    return path;
}

void check_tell(Check *check, const CheckFinding *finding)
{
    CheckFinding told = *finding;
    told.object = below(check, finding->object);
    check->summary->found[told.grade]++;
    if (told.is_repaired && told.grade == CHECK_DERIVED)
        check->summary->repaired++;
    check->options->found(check->options->context, &told);
}

Status check_tell_error(Check *check, CheckGrade grade, const char *object, const Error *why,
                        const char *advice)
{
    char what[ERROR_MESSAGE_BYTES_MAX + ERROR_INTERNAL_BYTES_MAX + 8];
    if (why->status == STATUS_OUT_OF_MEMORY)
        return error_out_of_memory(check->error);
    size_t size = strlen(why->message);
    memcpy(what, why->message, size + 1);
    if (why->internal[0] != '\0') {
        memcpy(what + size, " (", 2);
        size_t more = strlen(why->internal);
        memcpy(what + size + 2, why->internal, more);
        memcpy(what + size + 2 + more, ")", 2);
    }
    check_tell(check,
               &(CheckFinding){.grade = grade, .object = object, .what = what, .advice = advice});
    return OK;
}

Status check_orphan(Check *check, const char *absolute)
{
    bool remove = check->options->repair && check->log_is_good;
    if (remove)
        TRY(env_remove(check->real, absolute, check->error));
    check_tell(check, &(CheckFinding){.grade = CHECK_ORPHAN,
                                      .object = absolute,
                                      .what = "no commit names it",
                                      .advice = "the server's sweep removes it",
                                      .is_repaired = remove});
    return OK;
}

/* ---- log and catalog ---- */

static Status count_frame(void *context, const InspectedFrame *frame, Error *error)
{
    Check *check = context;
    (void)frame;
    (void)error;
    check->summary->frames++;
    return OK;
}

static Status check_log(Check *check)
{
    Error why;
    Status status = check_read_state(check, count_frame, check, &why);
    const LogRecovery *log = &check->inspection.log;
    check->summary->segments = log->segments;
    check->summary->log_end = log->end;
    check->summary->log_durable = log->durable;
    check->summary->torn_bytes = log->torn_bytes;
    check->log_is_good = status == OK;
    if (status != OK)
        return check_tell_error(check, CHECK_DAMAGE, "log and catalog", &why,
                                "nothing is repaired here: what was acknowledged behind this place "
                                "would be dropped. Restore log/ and catalog/ from a copy");
    if (check->inspection.feed_is_damaged)
        TRY(check_tell_error(check, CHECK_DERIVED, "log", &check->inspection.feed_error,
                             "no row needs it: subscribers that resume from before it start anew. "
                             "It goes with feed.retention"));
    if (log->torn_bytes > 0)
        check_tell(check, &(CheckFinding){.grade = CHECK_NOTE,
                                          .object = "log",
                                          .what = "it ends in a group that was not written whole",
                                          .advice = "nothing of it was acknowledged; the server "
                                                    "drops it when it opens the directory"});
    return OK;
}

/* ---- tables of the catalog ---- */

static Status check_known_table(Check *check, const CatalogTable *definition, PathSet *folders)
{
    CheckedTable table = {.definition = definition, .metadata_path = ""};
    Error why;
    const InspectedTable *settled = engine_inspection_find(&check->inspection, definition->id);
    Path name;
    TRY(path_format(&name, check->error, "%.*s.%.*s", SLICE_ARGUMENTS(definition->namespace_name),
                    SLICE_ARGUMENTS(definition->name)));
    memcpy(table.name, name.text, sizeof table.name - 1);
    if (check_table_folder(check, definition, &table.folder, &why) != OK)
        return check_tell_error(check, CHECK_DAMAGE, table.name, &why, "restore catalog/");
    TRY(path_set_add(folders, table.folder.text, NULL, check->error));
    if (settled == NULL) {
        check_tell(check, &(CheckFinding){.grade = CHECK_DAMAGE,
                                          .object = table.name,
                                          .what = "the catalog has it, the engine does not",
                                          .advice = "restore log/ and catalog/ from a copy"});
        return OK;
    }
    table.metadata_path = settled->metadata_path;
    return definition->kind == TABLE_STREAM ? check_stream_table(check, &table)
                                            : check_table(check, &table);
}

/* Folders of tables that are gone: the job that cleans up has not come to them yet. */
static Status check_leftovers(Check *check, const char *root, const PathSet *folders)
{
    Arena arena;
    DirectoryEntry *entries;
    size_t count;
    Path top;
    Path path;
    FileInformation information;
    Status status = OK;
    TRY(path_join(&top, check->options->directory, root, check->error));
    TRY(env_stat(check->env, top.text, &information, check->error));
    if (!information.exists)
        return OK;
    arena_open(&arena, 0);
    GO(env_list(check->env, top.text, &arena, &entries, &count, check->error));
    for (size_t i = 0; i < count; i++) {
        GO(path_join(&path, top.text, (const char *)entries[i].name.data, check->error));
        if (path_set_has(folders, path.text))
            continue;
        check_tell(check, &(CheckFinding){.grade = CHECK_ORPHAN,
                                          .object = path.text,
                                          .what = "no table of the catalog lies here",
                                          .advice = "the job that cleans up after dropped tables "
                                                    "removes it"});
    }
done:
    arena_close(&arena);
    return status;
}

static Status check_tables(Check *check)
{
    const CatalogTable *const *tables;
    size_t count = catalog_tables(check->catalog, &tables);
    PathSet folders;
    Status status = OK;
    path_set_open(&folders);
    for (size_t i = 0; i < count; i++)
        GO(check_known_table(check, tables[i], &folders));
    GO(check_leftovers(check, "storage", &folders));
    GO(check_leftovers(check, "streams", &folders));
done:
    path_set_close(&folders);
    return status;
}

/* ---- tables as outside readers find them ---- */

enum { HINT_BYTES_MAX = 24 };

static Status read_hint(const Check *check, const Path *folder, uint64_t *out, Error *error)
{
    Path path;
    Buffer bytes;
    int64_t number = 0;
    TRY(path_join(&path, folder->text, "metadata/version-hint.text", error));
    buffer_open(&bytes, 0);
    Status status = env_read_file(check->env, path.text, HINT_BYTES_MAX, &bytes, error);
    if (status == OK && (!slice_to_int64(buffer_slice(&bytes), &number) || number < 1))
        status = error_set(error, STATUS_DATA_CORRUPTED, "version-hint.text is no number");
    buffer_close(&bytes);
    *out = (uint64_t)number;
    return status;
}

/* A hint may be behind: readers go on from it to the newest that is there. */
static Status find_newest(const Check *check, const Path *folder, Path *relative, Error *error)
{
    uint64_t number;
    Path path;
    FileInformation information = {.exists = true};
    TRY(read_hint(check, folder, &number, error));
    while (information.exists) {
        TRY(path_format(&path, error, "%s/metadata/v%llu.metadata.json", folder->text,
                        (unsigned long long)++number));
        TRY(env_stat(check->env, path.text, &information, error));
    }
    return path_format(relative, error, "metadata/v%llu.metadata.json",
                       (unsigned long long)(number - 1));
}

static Status check_folder(Check *check, const char *root, Slice name)
{
    CheckedTable table = {0};
    Path relative;
    Path own;
    Error why;
    TRY(path_format(&table.folder, check->error, "%s/%.*s", root, SLICE_ARGUMENTS(name)));
    TRY(path_format(&own, check->error, "%.*s", SLICE_ARGUMENTS(name)));
    memcpy(table.name, own.text, sizeof table.name - 1);
    if (find_newest(check, &table.folder, &relative, &why) != OK)
        return check_tell_error(check, CHECK_DAMAGE, table.folder.text, &why,
                                "start the server once: it writes these names again");
    table.metadata_path = relative.text;
    return check_table(check, &table);
}

static Status check_folders(Check *check)
{
    Arena arena;
    DirectoryEntry *entries;
    size_t count;
    Path root;
    Status status = OK;
    TRY(path_join(&root, check->options->directory, "storage", check->error));
    arena_open(&arena, 0);
    GO(env_list(check->env, root.text, &arena, &entries, &count, check->error));
    for (size_t i = 0; i < count; i++) {
        if (entries[i].is_directory)
            GO(check_folder(check, root.text, entries[i].name));
    }
done:
    arena_close(&arena);
    return status;
}

/* ---- all of it ---- */

static Status check_parts(Check *check)
{
    if (check->options->without_log)
        return check_folders(check);
    TRY(check_log(check));
    return check->log_is_good ? check_tables(check) : OK;
}

Status check_directory(Env *env, const CheckOptions *options, CheckSummary *out, Error *error)
{
    Check check = {.options = options, .summary = out, .error = error};
    File *lock = NULL;
    Path absolute;
    CheckOptions own = *options;
    *out = (CheckSummary){0};
    TRY(env_absolute_path(env, options->directory, &absolute, error));
    own.directory = absolute.text;
    check.options = &own;
    Status status = check_begin(&check, env, absolute.text, &lock, error);
    if (status == OK)
        status = check_parts(&check);
    check_end(&check, lock);
    return status;
}
