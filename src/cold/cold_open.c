/* Opening a version: metadata → manifest list → manifests → deletes → key indexes. What it builds
 * is what cold_version_prepare had in memory; the exceptions are named in cold.h.
 *
 * A damaged key index is reported and left out: it can be made again. Damage to anything else is an
 * error, for it cannot. */
#include <stdlib.h>

#include "base/assert.h"
#include "cold/cold_int.h"

enum { OPEN_ARENA_BYTES_MAX = 1 << 30 };

typedef struct Opening {
    ColdTable *table;
    const ColdOpen *request;
    ColdVersion *version;
    const IcebergSnapshot *snapshot; /* the current one, or NULL */
    uint32_t manifest;               /* number of the one being read */
    Buffer files;                    /* ColdFile */
    Buffer delete_files;             /* ColdDeleteFile */
    Arena arena;
    Error *error;
} Opening;

/* ---- metadata ---- */

static Status check_table(Opening *opening, const IcebergTable *table)
{
    if (strcmp(table->uuid, opening->table->uuid) != 0)
        return iceberg_damaged("it is another table's", opening->error);
    if (table->kind != opening->table->kind)
        return iceberg_damaged("its partitions are those of another kind of table", opening->error);
    return OK;
}

static Status read_metadata(Opening *opening)
{
    ColdVersion *version = opening->version;
    IcebergTable table;
    Buffer json;
    buffer_open(&json, 0);
    Status status =
        cold_read_metadata(opening->table, opening->request->metadata_path, &json, opening->error);
    if (status == OK)
        status = iceberg_read_table(&opening->arena, buffer_slice(&json), &table, opening->error);
    if (status == OK)
        status = check_table(opening, &table);
    if (status == OK)
        status = iceberg_clone_table(&version->arena, &table, &version->iceberg, opening->error);
    buffer_close(&json);
    if (status != OK)
        return error_wrap(opening->error, "%s", opening->request->metadata_path);
    uint32_t count = version->iceberg.snapshot_count;
    opening->snapshot = count == 0 ? NULL : &version->iceberg.snapshots[count - 1];
    version->metadata_path =
        arena_text(&version->arena, slice_of_text(opening->request->metadata_path));
    return version->metadata_path == NULL ? arena_error(&version->arena, opening->error) : OK;
}

static Status read_manifest_list(Opening *opening)
{
    ColdVersion *version = opening->version;
    Buffer file;
    buffer_open(&file, 0);
    Status status =
        cold_read_metadata(opening->table, opening->snapshot->manifest_list, &file, opening->error);
    if (status == OK)
        status = iceberg_read_manifest_list(&version->arena, version->iceberg.location,
                                            buffer_slice(&file), &version->manifests,
                                            &version->manifest_count, opening->error);
    buffer_close(&file);
    return status;
}

/* ---- data files ---- */

static const ColumnStatistics *find_statistics(const DataFile *file, uint32_t field_id)
{
    for (uint32_t i = 0; i < file->statistics_count; i++) {
        if (file->statistics[i].field_id == field_id && file->statistics[i].has_bounds)
            return &file->statistics[i];
    }
    return NULL;
}

static Status fill_from_bounds(DataFile *file, Error *error)
{
    const ColumnStatistics *seq = find_statistics(file, FIELD_ID_SEQ);
    const ColumnStatistics *updated = find_statistics(file, FIELD_ID_UPDATED);
    if (seq == NULL || updated == NULL || seq->lower.kind != TYPE_BIGINT ||
        seq->lower.as.integer < 0)
        return iceberg_damaged("a data file without bounds of _seq and _updated", error);
    file->first_seq = (uint64_t)seq->lower.as.integer;
    file->last_seq = (uint64_t)seq->upper.as.integer;
    file->first_updated_us = updated->lower.as.integer;
    file->last_updated_us = updated->upper.as.integer;
    return OK;
}

static Status clone_bound(Arena *arena, Value *bound, Error *error)
{
    if (bound->kind != TYPE_TEXT && bound->kind != TYPE_BYTEA)
        return OK;
    return arena_clone(arena, bound->as.bytes, &bound->as.bytes, error);
}

static Status fill_statistics(DataFile *file, const IcebergEntry *entry, Error *error)
{
    uint32_t count = entry->statistics_count;
    ColumnStatistics *statistics = ARENA_ARRAY(&file->arena, ColumnStatistics, count);
    uint64_t *splits = ARENA_ARRAY(&file->arena, uint64_t, entry->split_count);
    if (statistics == NULL || splits == NULL)
        return arena_error(&file->arena, error);
    for (uint32_t i = 0; i < count; i++) {
        statistics[i] = entry->statistics[i];
        if (!statistics[i].has_bounds)
            continue;
        TRY(clone_bound(&file->arena, &statistics[i].lower, error));
        TRY(clone_bound(&file->arena, &statistics[i].upper, error));
    }
    if (entry->split_count > 0)
        memcpy(splits, entry->splits, entry->split_count * sizeof *splits);
    file->statistics = statistics;
    file->statistics_count = count;
    file->splits = splits;
    file->split_count = entry->split_count;
    return OK;
}

/* The owner by name is a guess until the key index says who it was (cold_version_apply_index). */
static Status fill_owner(Opening *opening, DataFile *file, const IcebergEntry *entry)
{
    if (opening->table->kind != TABLE_USER)
        return OK;
    file->owner_name = arena_text(&file->arena, entry->owner_name);
    if (file->owner_name == NULL)
        return arena_error(&file->arena, opening->error);
    if (opening->request->owner_of != NULL)
        file->owner = opening->request->owner_of(opening->request->context, entry->owner_name);
    return OK;
}

static Status fill_data_file(Opening *opening, DataFile *file, const IcebergEntry *entry)
{
    DataFileName name;
    if (!cold_parse_data_path(opening->table->kind, entry->path, &name))
        return iceberg_damaged("a data file whose name is not one of ours", opening->error);
    file->id = data_file_id(name.file_sequence, name.ordinal);
    file->created_us = name.created_us;
    file->row_count = entry->row_count;
    file->size_bytes = entry->size_bytes;
    file->snapshot_id = (uint64_t)entry->snapshot_id;
    file->path = arena_text(&file->arena, slice_of_text(entry->path));
    if (file->path == NULL)
        return arena_error(&file->arena, opening->error);
    TRY(fill_owner(opening, file, entry));
    TRY(fill_statistics(file, entry, opening->error));
    return fill_from_bounds(file, opening->error);
}

static Status add_data_file(Opening *opening, const IcebergEntry *entry)
{
    ColdFile file = {.sequence = entry->sequence, .manifest = opening->manifest};
    TRY(data_file_create(&file.file, opening->error));
    Status status = fill_data_file(opening, file.file, entry);
    if (status == OK) {
        buffer_put(&opening->files, &file, sizeof file);
        status = buffer_status(&opening->files, opening->error);
    }
    if (status != OK)
        data_file_release(file.file);
    return status;
}

/* ---- delete files ---- */

static Status fill_delete_file(DeleteFile *file, const IcebergEntry *entry, Error *error)
{
    file->path = arena_text(&file->arena, slice_of_text(entry->path));
    file->covers_first = arena_text(&file->arena, slice_of_text(entry->covers_first));
    file->covers_last = arena_text(&file->arena, slice_of_text(entry->covers_last));
    if (file->path == NULL || file->covers_first == NULL || file->covers_last == NULL)
        return arena_error(&file->arena, error);
    file->row_count = entry->row_count;
    file->size_bytes = entry->size_bytes;
    file->sequence = entry->sequence;
    file->snapshot_id = entry->snapshot_id;
    return arena_clone(&file->arena, entry->owner_name, &file->owner_name, error);
}

static Status add_delete_file(Opening *opening, const IcebergEntry *entry)
{
    ColdDeleteFile file = {.manifest = opening->manifest};
    TRY(delete_file_create(&file.file, opening->error));
    Status status = fill_delete_file(file.file, entry, opening->error);
    if (status == OK) {
        buffer_put(&opening->delete_files, &file, sizeof file);
        status = buffer_status(&opening->delete_files, opening->error);
    }
    if (status != OK)
        delete_file_release(file.file);
    return status;
}

/* ---- manifests ---- */

static Status add_entry(void *context, const IcebergEntry *entry, Error *error)
{
    (void)error;
    Opening *opening = context;
    return entry->is_deletes ? add_delete_file(opening, entry) : add_data_file(opening, entry);
}

static Status read_manifest(Opening *opening, uint32_t number)
{
    IcebergManifest *manifest = &opening->version->manifests[number];
    size_t first = opening->files.size;
    Buffer file;
    buffer_open(&file, 0);
    opening->manifest = number;
    Status status = cold_read_metadata(opening->table, manifest->path, &file, opening->error);
    if (status == OK) {
        const IcebergManifestRead read = {&opening->version->iceberg, buffer_slice(&file),
                                          manifest->sequence, manifest->snapshot_id,
                                          manifest->is_deletes};
        status = iceberg_read_manifest(&read, &manifest->schema_version, add_entry, opening,
                                       opening->error);
    }
    buffer_close(&file);
    if (status != OK)
        return error_wrap(opening->error, "%s", manifest->path);
    for (size_t at = first; at < opening->files.size; at += sizeof(ColdFile))
        ((ColdFile *)(void *)(opening->files.data + at))->file->schema_version =
            manifest->schema_version;
    return OK;
}

static int compare_files(const void *a, const void *b)
{
    uint64_t x = ((const ColdFile *)a)->file->id;
    uint64_t y = ((const ColdFile *)b)->file->id;
    return x < y ? -1 : x > y;
}

static int compare_delete_files(const void *a, const void *b)
{
    const DeleteFile *x = ((const ColdDeleteFile *)a)->file;
    const DeleteFile *y = ((const ColdDeleteFile *)b)->file;
    if (x->sequence != y->sequence)
        return x->sequence < y->sequence ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* Moves what was read into the version, whose release lets it go from then on. */
static Status install_files(Opening *opening)
{
    ColdVersion *version = opening->version;
    size_t file_count = opening->files.size / sizeof(ColdFile);
    size_t delete_file_count = opening->delete_files.size / sizeof(ColdDeleteFile);
    version->files = ARENA_ARRAY(&version->arena, ColdFile, file_count);
    version->delete_files = ARENA_ARRAY(&version->arena, ColdDeleteFile, delete_file_count);
    if (version->files == NULL || version->delete_files == NULL)
        return arena_error(&version->arena, opening->error);
    if (file_count > 0)
        memcpy(version->files, opening->files.data, opening->files.size);
    if (delete_file_count > 0)
        memcpy(version->delete_files, opening->delete_files.data, opening->delete_files.size);
    version->file_count = file_count;
    version->delete_file_count = delete_file_count;
    buffer_clear(&opening->files);
    buffer_clear(&opening->delete_files);
    if (file_count > 1)
        qsort(version->files, file_count, sizeof(ColdFile), compare_files);
    if (delete_file_count > 1)
        qsort(version->delete_files, delete_file_count, sizeof(ColdDeleteFile),
              compare_delete_files);
    for (size_t i = 1; i < file_count; i++) {
        if (version->files[i - 1].file->id == version->files[i].file->id)
            return iceberg_damaged("a data file stands in it twice", opening->error);
    }
    return OK;
}

/* ---- deletes ---- */

static Status read_set(Opening *opening, const SidecarSet *at)
{
    ColdVersion *version = opening->version;
    size_t number = cold_version_search(version, at->file_id);
    Path relative;
    Path path;
    if (number == version->file_count || version->files[number].deletes != NULL)
        return OK; /* the file has gone, or a newer sidecar had its set */
    ColdFile *file = &version->files[number];
    TRY(cold_sidecar_path(at->sidecar, &relative, opening->error));
    TRY(cold_absolute(opening->table, relative.text, &path, opening->error));
    return sidecar_read_set(opening->table->context.file_cache, path.text, at,
                            file->file->row_count, &file->deletes, opening->error);
}

static int compare_by_path(const void *a, const void *b)
{
    return slice_compare(((const SidecarDeleteFile *)a)->path,
                         ((const SidecarDeleteFile *)b)->path);
}

static Status apply_covers(Opening *opening, const SidecarIndex *index)
{
    ColdVersion *version = opening->version;
    size_t count = index->delete_file_count;
    if (count > 1)
        qsort(index->delete_files, count, sizeof *index->delete_files, compare_by_path);
    for (size_t i = 0; i < version->delete_file_count && count > 0; i++) {
        DeleteFile *file = version->delete_files[i].file;
        SidecarDeleteFile wanted = {.path = slice_of_text(file->path)};
        const SidecarDeleteFile *found =
            bsearch(&wanted, index->delete_files, count, sizeof wanted, compare_by_path);
        if (found == NULL || file->covers != NULL)
            continue;
        Slice covers = slice_of(found->covers, found->cover_count * sizeof *found->covers);
        TRY(arena_clone(&file->arena, covers, &covers, opening->error));
        file->covers = (const uint64_t *)(const void *)covers.data;
        file->cover_count = found->cover_count;
    }
    return OK;
}

static Status apply_sidecar(Opening *opening, const SidecarIndex *index)
{
    for (size_t i = 0; i < index->set_count; i++)
        TRY(read_set(opening, &index->sets[i]));
    return apply_covers(opening, index);
}

static void note_in_chain(SidecarChain *chain, const SidecarIndex *index)
{
    chain->sequences[chain->count++] = index->file_sequence;
    if (index->previous == 0)
        chain->whole_bytes = index->index_bytes;
    else
        chain->additions_bytes += index->index_bytes;
}

/* Newest first, so that the first set found of a file is its newest. */
static Status read_chain(Opening *opening)
{
    ColdVersion *version = opening->version;
    const char *relative = opening->snapshot->deletes;
    Path next;
    for (bool is_whole = false; !is_whole;) {
        Path path;
        SidecarIndex index;
        if (version->chain.count == SIDECAR_CHAIN_MAX)
            return iceberg_damaged("its sidecars have no end", opening->error);
        TRY(cold_absolute(opening->table, relative, &path, opening->error));
        TRY(sidecar_read_index(opening->table->context.file_cache, path.text, &opening->arena,
                               &index, opening->error));
        note_in_chain(&version->chain, &index);
        TRY(apply_sidecar(opening, &index));
        is_whole = index.previous == 0;
        TRY(cold_sidecar_path(index.previous, &next, opening->error));
        relative = next.text;
    }
    return OK;
}

/* What outside readers are told is deleted must be what we know is. */
static Status check_deletes(Opening *opening)
{
    const ColdVersion *version = opening->version;
    for (size_t i = 0; i < version->delete_file_count; i++) {
        const DeleteFile *file = version->delete_files[i].file;
        for (size_t c = 0; c < file->cover_count; c++) {
            size_t at = cold_version_search(version, file->covers[c]);
            if (at < version->file_count && version->files[at].deletes == NULL)
                return iceberg_damaged("a file's deleted rows are missing", opening->error);
        }
        if (file->cover_count == 0)
            return iceberg_damaged("a delete file that no sidecar knows", opening->error);
    }
    return OK;
}

static Status read_deletes(Opening *opening)
{
    if (opening->snapshot->deletes != NULL)
        TRY(read_chain(opening));
    return check_deletes(opening);
}

/* ---- key indexes ---- */

static Status try_index(Opening *opening, uint64_t sequence, Error *why)
{
    Path relative;
    Path path;
    KeyIndex *index;
    ColdVersion *version = opening->version;
    const ColdContext *context = &opening->table->context;
    TRY(cold_index_path(opening->table, sequence, &relative, why));
    TRY(cold_absolute(opening->table, relative.text, &path, why));
    TRY(key_index_open(context->env, context->file_cache, path.text, &index, why));
    Status status = OK;
    if (key_index_file_sequence(index) != sequence)
        status = error_of(why, STATUS_DATA_CORRUPTED);
    if (status == OK)
        status = cold_version_apply_index(version, index, why);
    if (status == OK)
        version->indexes[version->index_count++] = index;
    else
        key_index_release(index);
    return status;
}

static bool can_be_made_again(Status status)
{
    return status == STATUS_DATA_CORRUPTED || status == STATUS_FILE_NOT_FOUND ||
           status == STATUS_IO_ERROR;
}

static Status read_indexes(Opening *opening)
{
    ColdVersion *version = opening->version;
    const ColdOpen *request = opening->request;
    uint64_t *sequences = ARENA_ARRAY(&opening->arena, uint64_t, version->file_count);
    if (sequences == NULL)
        return arena_error(&opening->arena, opening->error);
    size_t count = cold_version_sequences(version, sequences);
    version->indexes = ARENA_ARRAY(&version->arena, KeyIndex *, count);
    if (version->indexes == NULL)
        return arena_error(&version->arena, opening->error);
    for (size_t i = 0; i < count; i++) {
        Status status = try_index(opening, sequences[i], opening->error);
        if (status != OK && !can_be_made_again(status))
            return status;
        if (status != OK && request->damaged_index != NULL)
            request->damaged_index(request->context, sequences[i], opening->error);
    }
    return OK;
}

/* ---- all of it ---- */

static Status read_all(Opening *opening)
{
    TRY(read_metadata(opening));
    if (opening->snapshot == NULL)
        return OK;
    TRY(read_manifest_list(opening));
    for (uint32_t i = 0; i < opening->version->manifest_count; i++)
        TRY(read_manifest(opening, i));
    TRY(install_files(opening));
    TRY(read_deletes(opening));
    TRY(read_indexes(opening));
    cold_version_count(opening->version);
    return OK;
}

/* What was read and not moved into the version. */
static void release_rest(Opening *opening)
{
    const ColdFile *files = (const ColdFile *)(const void *)opening->files.data;
    for (size_t i = 0; i < opening->files.size / sizeof *files; i++)
        data_file_release(files[i].file);
    const ColdDeleteFile *deletes =
        (const ColdDeleteFile *)(const void *)opening->delete_files.data;
    for (size_t i = 0; i < opening->delete_files.size / sizeof *deletes; i++)
        delete_file_release(deletes[i].file);
    buffer_close(&opening->files);
    buffer_close(&opening->delete_files);
}

Status cold_version_open(ColdTable *table, const ColdOpen *request, ColdVersion **out, Error *error)
{
    Opening opening = {.table = table, .request = request, .error = error};
    TRY(cold_version_create(table, &opening.version, error));
    buffer_open(&opening.files, 0);
    buffer_open(&opening.delete_files, 0);
    arena_open(&opening.arena, OPEN_ARENA_BYTES_MAX);
    Status status = read_all(&opening);
    release_rest(&opening);
    arena_close(&opening.arena);
    if (status == OK) {
        *out = opening.version;
        return OK;
    }
    cold_version_release(opening.version);
    return error_wrap(error, "%s/%s", table->folder, request->metadata_path);
}
