/* The files of the next version: those of the base that stay, those that are added, each with its
 * set of deleted positions; and the indexes that cover them. */
#include <stdlib.h>

#include "base/assert.h"
#include "cold/cold_prepare_int.h"

/* ---- files ---- */

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

bool preparation_removes(const Preparation *preparation, uint64_t file_id)
{
    size_t count = preparation->change->removed_count;
    return count > 0 &&
           bsearch(&file_id, preparation->removed, count, sizeof file_id, compare_ids) != NULL;
}

static Status sort_removed(Preparation *preparation)
{
    const ColdChange *change = preparation->change;
    preparation->removed = ARENA_ARRAY(&preparation->arena, uint64_t, change->removed_count);
    if (preparation->removed == NULL)
        return arena_error(&preparation->arena, preparation->error);
    if (change->removed_count == 0)
        return OK;
    memcpy(preparation->removed, change->removed, change->removed_count * sizeof(uint64_t));
    qsort(preparation->removed, change->removed_count, sizeof(uint64_t), compare_ids);
    return OK;
}

static void add_file(ColdVersion *version, DataFile *file, DeleteSet *deletes, int64_t sequence,
                     uint32_t manifest)
{
    version->files[version->file_count++] = (ColdFile){
        .file = data_file_clone(file),
        .deletes = deletes == NULL ? NULL : delete_set_clone(deletes),
        .sequence = sequence,
        .manifest = manifest,
    };
}

/* The id is in the name: it is all that is left of it when the table is opened again. */
static void check_added(const Preparation *preparation, const DataFile *file)
{
    DataFileName name;
    ASSERT(cold_parse_data_path(preparation->table->kind, file->path, &name));
    ASSERT(data_file_id(name.file_sequence, name.ordinal) == file->id);
    ASSERT((preparation->table->kind == TABLE_USER) == (file->owner_name != NULL));
    ASSERT(file->row_count > 0 && file->row_count <= UINT32_MAX);
}

static int compare_files(const void *a, const void *b)
{
    uint64_t x = ((const ColdFile *)a)->file->id;
    uint64_t y = ((const ColdFile *)b)->file->id;
    return x < y ? -1 : x > y;
}

/* Those added have the highest ids as a rule: then all are in order already. */
static void sort_files(ColdVersion *version)
{
    bool sorted = true;
    for (size_t i = 1; sorted && i < version->file_count; i++)
        sorted = version->files[i - 1].file->id < version->files[i].file->id;
    if (!sorted)
        qsort(version->files, version->file_count, sizeof *version->files, compare_files);
    for (size_t i = 1; i < version->file_count; i++)
        ASSERT(version->files[i - 1].file->id < version->files[i].file->id);
}

static void collect_files(Preparation *preparation)
{
    const ColdChange *change = preparation->change;
    const ColdVersion *base = preparation->base;
    ColdVersion *version = preparation->version;
    for (size_t i = 0; i < base->file_count; i++) {
        const ColdFile *file = &base->files[i];
        if (!preparation_removes(preparation, file->file->id))
            add_file(version, file->file, file->deletes, file->sequence, file->manifest);
    }
    ASSERT(version->file_count + change->removed_count == base->file_count);
    for (size_t i = 0; i < change->added_count; i++) {
        check_added(preparation, change->added[i]);
        change->added[i]->snapshot_id = (uint64_t)preparation->snapshot.id;
        add_file(version, change->added[i], NULL, preparation->snapshot.sequence, NO_MANIFEST);
    }
    sort_files(version);
}

/* ---- their deletes ---- */

static Status refuse_deletes(const Preparation *preparation, const ColdDeletes *deletes,
                             const char *what)
{
    (void)error_set(preparation->error, STATUS_INTERNAL, "deleted rows do not fit their file");
    return error_wrap(preparation->error, "file %llu: %s", (unsigned long long)deletes->file_id,
                      what);
}

static Status check_positions(const Preparation *preparation, const ColdDeletes *deletes,
                              uint64_t row_count)
{
    for (size_t i = 0; i < deletes->count; i++) {
        if (deletes->positions[i] >= row_count)
            return refuse_deletes(preparation, deletes, "a position is outside of it");
        if (i > 0 && deletes->positions[i - 1] >= deletes->positions[i])
            return refuse_deletes(preparation, deletes, "positions do not ascend");
    }
    return OK;
}

static Status add_deletes(Preparation *preparation, const ColdDeletes *deletes)
{
    ColdVersion *version = preparation->version;
    size_t at = cold_version_search(version, deletes->file_id);
    if (at == version->file_count)
        return refuse_deletes(preparation, deletes, "it is not in the version");
    ColdFile *file = &version->files[at];
    TRY(check_positions(preparation, deletes, file->file->row_count));
    Slice before = file->deletes == NULL ? SLICE_EMPTY : delete_set_slice(file->deletes);
    uint64_t count = (file->deletes == NULL ? 0 : file->deletes->count) + deletes->count;
    Buffer set;
    DeleteSet *created = NULL;
    Status status = OK;
    buffer_open(&set, 0);
    GO(position_set_union(before, deletes->positions, deletes->count, &set, preparation->error));
    if (position_set_count(buffer_slice(&set)) != count)
        GO(refuse_deletes(preparation, deletes, "a position was deleted before"));
    GO(delete_set_create(buffer_slice(&set), count, &created, preparation->error));
    created->sidecar = preparation->change->file_sequence;
    delete_set_release(file->deletes);
    file->deletes = created;
done:
    buffer_close(&set);
    return status;
}

Status prepare_files(Preparation *preparation)
{
    const ColdChange *change = preparation->change;
    ColdVersion *version = preparation->version;
    size_t room = preparation->base->file_count + change->added_count;
    version->files = ARENA_ARRAY(&version->arena, ColdFile, room);
    if (version->files == NULL)
        return arena_error(&version->arena, preparation->error);
    TRY(sort_removed(preparation));
    collect_files(preparation);
    for (size_t i = 0; i < change->delete_count; i++) {
        if (change->deletes[i].count > 0)
            TRY(add_deletes(preparation, &change->deletes[i]));
    }
    return OK;
}

/* ---- indexes ---- */

static KeyIndex *find_index(const Preparation *preparation, uint64_t sequence)
{
    const ColdVersion *base = preparation->base;
    KeyIndex *added = preparation->change->added_index;
    if (added != NULL && key_index_file_sequence(added) == sequence)
        return added;
    for (size_t low = 0, high = base->index_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        uint64_t found = key_index_file_sequence(base->indexes[middle]);
        if (found == sequence)
            return base->indexes[middle];
        if (found > sequence)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL; /* it was damaged, and nobody made it again */
}

static void check_added_index(const ColdChange *change)
{
    for (size_t i = 0; change->added_index != NULL && i < change->added_count; i++)
        ASSERT(data_file_sequence(change->added[i]->id) ==
               key_index_file_sequence(change->added_index));
}

/* An index stays as long as one of its files does. */
Status prepare_indexes(Preparation *preparation)
{
    ColdVersion *version = preparation->version;
    uint64_t *sequences = ARENA_ARRAY(&preparation->arena, uint64_t, version->file_count);
    if (sequences == NULL)
        return arena_error(&preparation->arena, preparation->error);
    size_t count = cold_version_sequences(version, sequences);
    version->indexes = ARENA_ARRAY(&version->arena, KeyIndex *, count);
    if (version->indexes == NULL)
        return arena_error(&version->arena, preparation->error);
    check_added_index(preparation->change);
    for (size_t i = 0; i < count; i++) {
        KeyIndex *index = find_index(preparation, sequences[i]);
        if (index != NULL)
            version->indexes[version->index_count++] = key_index_clone(index);
    }
    return OK;
}
