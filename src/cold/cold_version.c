/* A version and its parts, as the engine asks for them. */
#include <stdlib.h>

#include "base/assert.h"
#include "cold/cold_int.h"

/* ---- making and letting go ---- */

Status cold_version_create(ColdTable *table, ColdVersion **out, Error *error)
{
    ColdVersion *version = MEMORY_NEW(ColdVersion);
    if (version == NULL)
        return error_out_of_memory(error);
    atomic_init(&version->references, 1);
    version->table = cold_table_clone(table);
    version->metadata_path = "";
    arena_open(&version->arena, 0);
    *out = version;
    return OK;
}

Status cold_version_empty(ColdTable *table, ColdVersion **out, Error *error)
{
    ColdVersion *version;
    TRY(cold_version_create(table, &version, error));
    version->iceberg.kind = table->kind;
    version->iceberg.uuid = table->uuid;
    version->iceberg.location = table->folder;
    *out = version;
    return OK;
}

ColdVersion *cold_version_clone(ColdVersion *version)
{
    uint32_t before = atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
    ASSERT(before > 0 && before < UINT32_MAX);
    return version;
}

void cold_version_release(ColdVersion *version)
{
    if (version == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    for (size_t i = 0; i < version->file_count; i++) {
        data_file_release(version->files[i].file);
        delete_set_release(version->files[i].deletes);
    }
    for (size_t i = 0; i < version->delete_file_count; i++)
        delete_file_release(version->delete_files[i].file);
    for (size_t i = 0; i < version->index_count; i++)
        key_index_release(version->indexes[i]);
    cold_table_close(version->table);
    arena_close(&version->arena);
    memory_free(version);
}

/* ---- what it is ---- */

uint64_t cold_version_number(const ColdVersion *version)
{
    return version->iceberg.version;
}

int64_t cold_version_snapshot_id(const ColdVersion *version)
{
    const IcebergTable *table = &version->iceberg;
    return table->snapshot_count == 0 ? -1 : table->snapshots[table->snapshot_count - 1].id;
}

const char *cold_version_metadata_path(const ColdVersion *version)
{
    return version->metadata_path;
}

int64_t cold_version_committed_us(const ColdVersion *version)
{
    return version->iceberg.last_updated_ms * 1000;
}

uint64_t cold_version_rows(const ColdVersion *version)
{
    return version->stored_rows - version->deleted_rows;
}

uint64_t cold_version_bytes(const ColdVersion *version)
{
    return version->bytes;
}

/* ---- files ---- */

size_t cold_version_file_count(const ColdVersion *version)
{
    return version->file_count;
}

DataFile *cold_version_file(const ColdVersion *version, size_t i)
{
    ASSERT(i < version->file_count);
    return version->files[i].file;
}

/* The number of the first file whose id is not below `file_id`. */
static size_t first_not_below(const ColdVersion *version, uint64_t file_id)
{
    size_t low = 0;
    size_t high = version->file_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (version->files[middle].file->id < file_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t cold_version_search(const ColdVersion *version, uint64_t file_id)
{
    size_t i = first_not_below(version, file_id);
    bool is_there = i < version->file_count && version->files[i].file->id == file_id;
    return is_there ? i : version->file_count;
}

DataFile *cold_version_find_file(const ColdVersion *version, uint64_t file_id)
{
    size_t i = cold_version_search(version, file_id);
    return i < version->file_count ? version->files[i].file : NULL;
}

/* ---- deletes ---- */

static const DeleteSet *deletes_of(const ColdVersion *version, size_t i)
{
    ASSERT(i < version->file_count);
    return version->files[i].deletes;
}

uint64_t cold_version_deleted_count(const ColdVersion *version, size_t i)
{
    const DeleteSet *set = deletes_of(version, i);
    return set == NULL ? 0 : set->count;
}

bool cold_version_is_deleted(const ColdVersion *version, size_t i, uint32_t position)
{
    const DeleteSet *set = deletes_of(version, i);
    return set != NULL && position_set_has(delete_set_slice(set), position);
}

Slice cold_version_deletes(const ColdVersion *version, size_t i, uint64_t *deletes_id)
{
    const DeleteSet *set = deletes_of(version, i);
    *deletes_id = set == NULL ? 0 : set->id;
    return set == NULL ? SLICE_EMPTY : delete_set_slice(set);
}

uint32_t cold_version_delete_files(const ColdVersion *version, size_t i)
{
    ASSERT(i < version->file_count);
    return version->files[i].delete_files;
}

const char *cold_version_deletes_path(const ColdVersion *version, size_t i)
{
    ASSERT(i < version->file_count);
    const DeleteFile *newest = version->files[i].newest_delete_file;
    return newest == NULL ? NULL : newest->path;
}

static void count_delete_file(ColdVersion *version, const DeleteFile *delete_file)
{
    for (size_t i = 0; i < delete_file->cover_count; i++) {
        size_t at = cold_version_search(version, delete_file->covers[i]);
        if (at == version->file_count)
            continue;
        version->files[at].delete_files++;
        version->files[at].newest_delete_file = delete_file;
    }
}

void cold_version_count(ColdVersion *version)
{
    version->stored_rows = 0;
    version->deleted_rows = 0;
    version->bytes = 0;
    for (size_t i = 0; i < version->file_count; i++) {
        ColdFile *file = &version->files[i];
        version->stored_rows += file->file->row_count;
        version->bytes += file->file->size_bytes;
        version->deleted_rows += file->deletes == NULL ? 0 : file->deletes->count;
        file->delete_files = 0;
        file->newest_delete_file = NULL;
    }
    for (size_t i = 0; i < version->delete_file_count; i++)
        count_delete_file(version, version->delete_files[i].file);
}

/* ---- key indexes ---- */

size_t cold_version_index_count(const ColdVersion *version)
{
    return version->index_count;
}

KeyIndex *cold_version_index(const ColdVersion *version, size_t i)
{
    ASSERT(i < version->index_count);
    return version->indexes[i];
}

/* Files are in order of id, and an id begins with its sequence. */
size_t cold_version_sequences(const ColdVersion *version, uint64_t *out)
{
    size_t count = 0;
    for (size_t i = version->file_count; i > 0; i--) {
        uint64_t sequence = data_file_sequence(version->files[i - 1].file->id);
        if (count == 0 || out[count - 1] != sequence)
            out[count++] = sequence;
    }
    return count;
}

static const KeyIndexFile *find_index_file(const KeyIndex *index, uint32_t ordinal)
{
    const KeyIndexFile *files;
    size_t count = key_index_files(index, &files);
    for (size_t low = 0, high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (files[middle].ordinal == ordinal)
            return &files[middle];
        if (files[middle].ordinal < ordinal)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static Status misfit(const KeyIndex *index, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "a key index does not fit its data files");
    return error_wrap(error, "key index %llu", (unsigned long long)key_index_file_sequence(index));
}

static bool index_file_fits(const ColdVersion *version, const DataFile *file,
                            const KeyIndexFile *entry)
{
    size_t key_bytes_min = version->table->kind == TABLE_USER ? OWNER_BYTES : 0;
    return entry != NULL && entry->row_count == file->row_count &&
           entry->key_min.size >= key_bytes_min && entry->key_max.size >= key_bytes_min;
}

static Status apply_index_file(const ColdVersion *version, DataFile *file,
                               const KeyIndexFile *entry, Error *error)
{
    Slice key_min;
    Slice key_max;
    TRY(arena_clone(&file->arena, entry->key_min, &key_min, error));
    TRY(arena_clone(&file->arena, entry->key_max, &key_max, error));
    file->key_min = key_min;
    file->key_max = key_max;
    if (version->table->kind == TABLE_USER)
        file->owner = key_owner(key_min);
    return OK;
}

Status cold_version_apply_index(ColdVersion *version, const KeyIndex *index, Error *error)
{
    uint64_t sequence = key_index_file_sequence(index);
    size_t begin = first_not_below(version, data_file_id(sequence, 0));
    size_t end = first_not_below(version, data_file_id(sequence + 1, 0));
    for (size_t i = begin; i < end; i++) { /* all fit before any is changed */
        const DataFile *file = version->files[i].file;
        if (!index_file_fits(version, file, find_index_file(index, data_file_ordinal(file->id))))
            return misfit(index, error);
    }
    for (size_t i = begin; i < end; i++) {
        DataFile *file = version->files[i].file;
        const KeyIndexFile *entry = find_index_file(index, data_file_ordinal(file->id));
        TRY(apply_index_file(version, file, entry, error));
    }
    return OK;
}

Status cold_version_add_index(ColdVersion *version, KeyIndex *index, Error *error)
{
    uint64_t sequence = key_index_file_sequence(index);
    TRY(cold_version_apply_index(version, index, error));
    KeyIndex **indexes = ARENA_ARRAY(&version->arena, KeyIndex *, version->index_count + 1);
    if (indexes == NULL)
        return arena_error(&version->arena, error);
    size_t at = 0;
    while (at < version->index_count && key_index_file_sequence(version->indexes[at]) > sequence)
        at++;
    ASSERT(at == version->index_count || key_index_file_sequence(version->indexes[at]) < sequence);
    for (size_t i = 0; i < version->index_count; i++)
        indexes[i < at ? i : i + 1] = version->indexes[i];
    indexes[at] = key_index_clone(index);
    version->indexes = indexes;
    version->index_count++;
    return OK;
}
