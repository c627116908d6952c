/* One table's folder: what its newest commit and the snapshots it retains name, read whole. */
#include "check/check_int.h"

typedef struct TableCheck {
    Check *check;
    const CheckedTable *table;
    OpenedTable opened;
    PathSet named; /* relative paths */
    uint64_t files;
} TableCheck;

/* ---- opening ---- */

/* What the two callbacks of an opening need: they share a context. */
typedef struct OpenContext {
    const Check *check;
    DamagedIndex damaged; /* or NULL */
    void *context;
} OpenContext;

static void pass_damaged(void *context, uint64_t file_sequence, const Error *why)
{
    const OpenContext *open = context;
    if (open->damaged != NULL)
        open->damaged(open->context, file_sequence, why);
}

static OwnerId owner_of(void *context, Slice name)
{
    const OpenContext *open = context;
    const CatalogUser *const *users;
    size_t count = catalog_users(open->check->catalog, &users);
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(users[i]->name, name))
            return users[i]->id;
    }
    return 0;
}

static bool read_digit(char c, uint8_t *out)
{
    if (c >= '0' && c <= '9')
        *out = (uint8_t)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out = (uint8_t)(c - 'a' + 10);
    else
        return false;
    return true;
}

static bool read_uuid(const char *text, uint8_t out[16])
{
    size_t digits = 0;
    for (; *text != '\0'; text++) {
        uint8_t digit;
        if (*text == '-')
            continue;
        if (digits == 32 || !read_digit(*text, &digit))
            return false;
        out[digits / 2] = (uint8_t)(digits % 2 == 0 ? digit << 4 : out[digits / 2] | digit);
        digits++;
    }
    return digits == 32;
}

/* Kind and uuid as the metadata says, where no catalog says it. */
static Status read_identity(const Check *check, const CheckedTable *table,
                            ColdTableOptions *options, Error *error)
{
    Path path;
    Buffer bytes;
    Arena arena;
    IcebergTable iceberg;
    TRY(path_join(&path, table->folder.text, table->metadata_path, error));
    buffer_open(&bytes, 0);
    arena_open(&arena, 0);
    Status status = env_read_file(check->env, path.text, ICEBERG_METADATA_BYTES_MAX, &bytes, error);
    if (status == OK)
        status = iceberg_read_table(&arena, buffer_slice(&bytes), &iceberg, error);
    if (status == OK && !read_uuid(iceberg.uuid, options->uuid))
        status = iceberg_damaged("its uuid is none", error);
    if (status == OK)
        options->kind = iceberg.kind;
    arena_close(&arena);
    buffer_close(&bytes);
    return status == OK ? OK : error_wrap(error, "%s", path.text);
}

Status check_open_table(Check *check, const CheckedTable *table, DamagedIndex damaged,
                        void *context, OpenedTable *out, Error *error)
{
    ColdContext cold = {.env = check->options->repair ? check->real : check->env,
                        .file_cache = check->cache};
    ColdTableOptions options = {.folder = table->folder.text,
                                .namespace_name = SLICE_EMPTY,
                                .table_name = slice_of_text(table->name),
                                .format_version = ICEBERG_FORMAT_VERSION};
    *out = (OpenedTable){0};
    if (table->definition == NULL) {
        TRY(read_identity(check, table, &options, error));
    } else {
        options.kind = table->definition->kind;
        memcpy(options.uuid, table->definition->uuid, sizeof options.uuid);
    }
    TRY(cold_table_open(&cold, &options, &out->table, error));
    if (table->metadata_path[0] == '\0')
        return cold_version_empty(out->table, &out->version, error);
    OpenContext open = {.check = check, .damaged = damaged, .context = context};
    ColdOpen request = {.metadata_path = table->metadata_path,
                        .owner_of = options.kind == TABLE_USER ? owner_of : NULL,
                        .damaged_index = pass_damaged,
                        .context = &open};
    return cold_version_open(out->table, &request, &out->version, error);
}

void check_close_table(OpenedTable *table)
{
    if (table->version != NULL)
        cold_version_release(table->version);
    cold_table_close(table->table);
    *table = (OpenedTable){0};
}

/* ---- entries of manifests ---- */

typedef struct EntryVisit {
    Check *check;
    const CheckedTable *table;
    IcebergTable iceberg;
    Arena arena;
    PathSet seen; /* manifests and entries */
    CheckEntryVisitor visit;
    void *context;
} EntryVisit;

static Status visit_entry(void *context, const IcebergEntry *entry, Error *error)
{
    EntryVisit *visiting = context;
    bool is_new;
    TRY(path_set_add(&visiting->seen, entry->path, &is_new, error));
    if (!is_new)
        return OK;
    return visiting->visit(visiting->context, entry->path, entry->size_bytes, entry->row_count,
                           entry->is_deletes, error);
}

static Status read_relative(const EntryVisit *visiting, const char *relative, Buffer *out,
                            Error *error)
{
    Path path;
    TRY(path_join(&path, visiting->table->folder.text, relative, error));
    return env_read_file(visiting->check->env, path.text, ICEBERG_METADATA_BYTES_MAX, out, error);
}

static Status visit_manifest(EntryVisit *visiting, const IcebergManifest *manifest, Error *error)
{
    Buffer file;
    uint32_t schema_version;
    bool is_new;
    TRY(path_set_add(&visiting->seen, manifest->path, &is_new, error));
    if (!is_new)
        return OK;
    buffer_open(&file, 0);
    Status status = read_relative(visiting, manifest->path, &file, error);
    if (status == OK) {
        const IcebergManifestRead read = {&visiting->iceberg, buffer_slice(&file),
                                          manifest->sequence, manifest->snapshot_id,
                                          manifest->is_deletes};
        status = iceberg_read_manifest(&read, &schema_version, visit_entry, visiting, error);
    }
    buffer_close(&file);
    return status;
}

static Status visit_snapshot(EntryVisit *visiting, const IcebergSnapshot *snapshot, Error *error)
{
    Buffer file;
    IcebergManifest *manifests = NULL;
    size_t count = 0;
    buffer_open(&file, 0);
    Status status = read_relative(visiting, snapshot->manifest_list, &file, error);
    if (status == OK)
        status = iceberg_read_manifest_list(&visiting->arena, visiting->iceberg.location,
                                            buffer_slice(&file), &manifests, &count, error);
    for (size_t i = 0; status == OK && i < count; i++)
        status = visit_manifest(visiting, &manifests[i], error);
    buffer_close(&file);
    return status;
}

static Status visit_snapshots(EntryVisit *visiting, const char *metadata_path, Error *error)
{
    Buffer file;
    buffer_open(&file, 0);
    Status status = read_relative(visiting, metadata_path, &file, error);
    if (status == OK)
        status =
            iceberg_read_table(&visiting->arena, buffer_slice(&file), &visiting->iceberg, error);
    for (uint32_t i = 0; status == OK && i < visiting->iceberg.snapshot_count; i++)
        status = visit_snapshot(visiting, &visiting->iceberg.snapshots[i], error);
    buffer_close(&file);
    return status;
}

Status check_visit_entries(Check *check, const CheckedTable *table, const ColdVersion *version,
                           CheckEntryVisitor visit, void *context, Error *error)
{
    EntryVisit visiting = {.check = check, .table = table, .visit = visit, .context = context};
    if (cold_version_number(version) == 0)
        return OK;
    arena_open(&visiting.arena, 0);
    path_set_open(&visiting.seen);
    Status status = visit_snapshots(&visiting, cold_version_metadata_path(version), error);
    path_set_close(&visiting.seen);
    arena_close(&visiting.arena);
    return status;
}

/* ---- data and delete files ---- */

static Status check_file(void *context, const char *relative, uint64_t size_bytes,
                         uint64_t row_count, bool is_deletes, Error *error)
{
    TableCheck *work = context;
    Path path;
    Error why;
    (void)is_deletes;
    TRY(path_join(&path, work->table->folder.text, relative, error));
    work->files++;
    work->check->summary->files++;
    work->check->summary->bytes += size_bytes;
    if (parquet_check(work->check->env, path.text, size_bytes, row_count, &why) == OK)
        return OK;
    return check_tell_error(work->check, CHECK_DAMAGE, path.text, &why,
                            "restore this file from a copy; its rows are nowhere else");
}

/* ---- key indexes ---- */

static Status tell_index(TableCheck *work, uint64_t file_sequence, const Error *why)
{
    Check *check = work->check;
    Path relative;
    Path path;
    FileInformation information;
    TRY(cold_index_path(work->opened.table, file_sequence, &relative, check->error));
    TRY(path_join(&path, work->table->folder.text, relative.text, check->error));
    CheckFinding finding = {.grade = CHECK_DERIVED,
                            .object = path.text,
                            .what = why->internal[0] != '\0' ? why->internal : why->message,
                            .advice = "it is made again when the server opens the directory"};
    TRY(env_stat(check->env, path.text, &information, check->error));
    if (!information.exists)
        finding.grade = CHECK_NOTE;
    else if (check->options->repair)
        TRY(env_remove(check->real, path.text, check->error));
    finding.is_repaired = check->options->repair && information.exists;
    check_tell(check, &finding);
    return OK;
}

/* While the version opens there is no table to ask for the index's path yet: told afterwards. */
typedef struct DamagedIndexes {
    uint64_t sequences[256];
    Error why; /* of the first */
    size_t count;
} DamagedIndexes;

static void note_index(void *context, uint64_t file_sequence, const Error *why)
{
    DamagedIndexes *noted = context;
    if (noted->count == 0)
        noted->why = *why;
    if (noted->count < sizeof noted->sequences / sizeof noted->sequences[0])
        noted->sequences[noted->count++] = file_sequence;
}

static Status check_entry(const ColdVersion *version, const KeyIndex *index,
                          const KeyIndexEntry *entry, Error *error)
{
    uint64_t id = data_file_id(key_index_file_sequence(index), entry->file_ordinal);
    const DataFile *file = cold_version_find_file(version, id);
    if (file == NULL || entry->position < file->row_count)
        return OK; /* of a file that a compaction took since, or good */
    return error_set(error, STATUS_DATA_CORRUPTED, "it names row %u of %llu of a file",
                     entry->position, (unsigned long long)file->row_count);
}

/* Every block, so every checksum. */
static Status read_index(const ColdVersion *version, KeyIndex *index, Error *error)
{
    KeyIndexReader reader;
    KeyIndexEntry entry;
    bool has = true;
    TRY(key_index_reader_open(index, &reader, error));
    Status status = OK;
    while (status == OK && has) {
        status = key_index_reader_next(&reader, &entry, &has, error);
        if (status == OK && has)
            status = check_entry(version, index, &entry, error);
    }
    key_index_reader_close(&reader);
    return status;
}

static Status check_indexes(TableCheck *work, const DamagedIndexes *noted)
{
    const ColdVersion *version = work->opened.version;
    for (size_t i = 0; i < noted->count; i++)
        TRY(tell_index(work, noted->sequences[i], &noted->why));
    for (size_t i = 0; i < cold_version_index_count(version); i++) {
        KeyIndex *index = cold_version_index(version, i);
        Error why;
        work->check->summary->indexes++;
        Status status = read_index(version, index, &why);
        if (status == STATUS_OUT_OF_MEMORY)
            return error_out_of_memory(work->check->error);
        if (status != OK)
            TRY(tell_index(work, key_index_file_sequence(index), &why));
    }
    return OK;
}

/* ---- the names that outside readers go by ---- */

/* A crash between the commit record and these names leaves them missing or behind: the next start
 * writes them. Names that say something else were written by nobody of ours. */
typedef enum NameState {
    NAME_RIGHT,
    NAME_BEHIND,
    NAME_WRONG,
} NameState;

/* Its bytes, or *is_there false. */
static Status read_if_there(const Check *check, const char *path, Buffer *out, bool *is_there,
                            Error *error)
{
    Status status = env_read_file(check->env, path, ICEBERG_METADATA_BYTES_MAX, out, error);
    *is_there = status == OK;
    return status == STATUS_FILE_NOT_FOUND ? OK : status;
}

static Status look_at_link(const TableCheck *work, NameState *out, Error *error)
{
    const ColdVersion *version = work->opened.version;
    const char *folder = work->table->folder.text;
    Path own;
    Path name;
    Buffer mine;
    Buffer other;
    bool is_there = false;
    TRY(path_join(&own, folder, cold_version_metadata_path(version), error));
    TRY(path_format(&name, error, "%s/metadata/v%llu.metadata.json", folder,
                    (unsigned long long)cold_version_number(version)));
    buffer_open(&mine, 0);
    buffer_open(&other, 0);
    Status status =
        env_read_file(work->check->env, own.text, ICEBERG_METADATA_BYTES_MAX, &mine, error);
    if (status == OK)
        status = read_if_there(work->check, name.text, &other, &is_there, error);
    bool is_same = slice_equal(buffer_slice(&mine), buffer_slice(&other));
    *out = !is_there ? NAME_BEHIND : is_same ? NAME_RIGHT : NAME_WRONG;
    buffer_close(&mine);
    buffer_close(&other);
    return status;
}

static Status look_at_hint(const TableCheck *work, NameState *out, Error *error)
{
    Path path;
    Buffer hint;
    bool is_there;
    int64_t number = 0;
    int64_t newest = (int64_t)cold_version_number(work->opened.version);
    TRY(path_join(&path, work->table->folder.text, "metadata/version-hint.text", error));
    buffer_open(&hint, 0);
    Status status = read_if_there(work->check, path.text, &hint, &is_there, error);
    bool is_number = slice_to_int64(buffer_slice(&hint), &number) && number > 0;
    if (!is_there || (is_number && number < newest))
        *out = NAME_BEHIND;
    else
        *out = is_number && number == newest ? NAME_RIGHT : NAME_WRONG;
    buffer_close(&hint);
    return status;
}

static Status check_names(TableCheck *work)
{
    static const char advice[] = "the server writes these names when it opens the directory";
    Check *check = work->check;
    NameState link = NAME_RIGHT;
    NameState hint = NAME_RIGHT;
    uint32_t foreign = 0;
    Path path;
    Error error;
    if (cold_version_number(work->opened.version) == 0 || check->options->without_log)
        return OK;
    TRY(path_join(&path, work->table->folder.text, "metadata", check->error));
    Status status = look_at_link(work, &link, &error);
    if (status == OK)
        status = look_at_hint(work, &hint, &error);
    if (status != OK)
        return check_tell_error(check, CHECK_DERIVED, path.text, &error, advice);
    if (link == NAME_RIGHT && hint == NAME_RIGHT)
        return OK;
    if (check->options->repair)
        TRY(cold_version_publish(work->opened.table, work->opened.version, &foreign, check->error));
    bool is_wrong = link == NAME_WRONG || hint == NAME_WRONG;
    check_tell(check, &(CheckFinding){.grade = is_wrong ? CHECK_DERIVED : CHECK_NOTE,
                                      .object = path.text,
                                      .what = link == NAME_RIGHT
                                                  ? "version-hint.text does not name the newest "
                                                    "commit"
                                                  : "v<N>.metadata.json is not the newest commit",
                                      .advice = advice,
                                      .is_repaired = check->options->repair});
    return OK;
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

static Status check_orphans(TableCheck *work)
{
    Check *check = work->check;
    Naming naming = {.named = &work->named, .error = check->error};
    Error why;
    Arena arena;
    const char **paths;
    size_t count;
    Path path;
    Status status = OK;
    if (check->options->without_log)
        return OK;
    if (cold_version_visit_paths(work->opened.version, note_path, &naming, &why) != OK)
        return check_tell_error(check, CHECK_DAMAGE, work->table->folder.text, &why,
                                "restore the file from a copy; it serves older snapshots only");
    TRY(naming.status);
    arena_open(&arena, 0);
    GO(cold_table_list(work->opened.table, &arena, &paths, &count, check->error));
    for (size_t i = 0; i < count; i++) {
        if (path_set_has(&work->named, paths[i]))
            continue;
        GO(path_join(&path, work->table->folder.text, paths[i], check->error));
        GO(check_orphan(check, path.text));
    }
done:
    arena_close(&arena);
    return status;
}

/* ---- all of it ---- */

static Status check_version(TableCheck *work, const DamagedIndexes *noted)
{
    Check *check = work->check;
    Error why;
    Status status =
        check_visit_entries(check, work->table, work->opened.version, check_file, work, &why);
    if (status != OK)
        TRY(check_tell_error(check, CHECK_DAMAGE, work->table->folder.text, &why,
                             "restore the table's metadata folder from a copy"));
    TRY(check_indexes(work, noted));
    TRY(check_names(work));
    TRY(check_orphans(work));
    uint64_t rows = cold_version_rows(work->opened.version);
    check->summary->rows += rows;
    if (check->options->table != NULL)
        check->options->table(check->options->context, work->table->name, work->files, rows);
    return OK;
}

Status check_table(Check *check, const CheckedTable *table)
{
    TableCheck work = {.check = check, .table = table};
    DamagedIndexes *noted = MEMORY_NEW(DamagedIndexes);
    Error why;
    if (noted == NULL)
        return error_out_of_memory(check->error);
    path_set_open(&work.named);
    check->summary->tables++;
    Status status = check_open_table(check, table, note_index, noted, &work.opened, &why);
    if (status == OK)
        status = check_version(&work, noted);
    else
        status = check_tell_error(check, CHECK_DAMAGE, table->folder.text, &why,
                                  "restore the file from a copy of the table's folder");
    check_close_table(&work.opened);
    path_set_close(&work.named);
    memory_free(noted);
    return status;
}
