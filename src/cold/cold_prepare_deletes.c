/* The delete files and the sidecar of the next version.
 *
 * A change writes one delete file for each partition it touches (a SHARED table has one, a USER
 * table one for each user), about all data files of that partition in which it deletes: few files,
 * and each in the partition of its data files. A delete file goes when the last data file it is
 * about has gone. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "cold/cold_prepare_int.h"

/* ---- delete files that stay ---- */

static bool covers_any(const ColdVersion *version, const DeleteFile *file)
{
    for (size_t i = 0; i < file->cover_count; i++) {
        if (cold_version_search(version, file->covers[i]) < version->file_count)
            return true;
    }
    return false;
}

static void keep_delete_files(Preparation *preparation)
{
    const ColdVersion *base = preparation->base;
    ColdVersion *version = preparation->version;
    for (size_t i = 0; i < base->delete_file_count; i++) {
        const ColdDeleteFile *file = &base->delete_files[i];
        if (!covers_any(version, file->file))
            continue;
        version->delete_files[version->delete_file_count++] =
            (ColdDeleteFile){delete_file_clone(file->file), file->manifest};
    }
}

/* ---- new ones ---- */

typedef struct Deletion {
    const ColdDeletes *deletes;
    const DataFile *file;
} Deletion;

static Slice owner_of(const DataFile *file)
{
    return file->owner_name == NULL ? SLICE_EMPTY : slice_of_text(file->owner_name);
}

/* By partition, then by path: position deletes are sorted by path. */
static int compare_deletions(const void *a, const void *b)
{
    const DataFile *x = ((const Deletion *)a)->file;
    const DataFile *y = ((const Deletion *)b)->file;
    int order = slice_compare(owner_of(x), owner_of(y));
    return order != 0 ? order : strcmp(x->path, y->path);
}

static Status collect_deletions(Preparation *preparation, Deletion **out, size_t *count)
{
    const ColdChange *change = preparation->change;
    ColdVersion *version = preparation->version;
    size_t found = 0;
    Deletion *deletions = ARENA_ARRAY(&preparation->arena, Deletion, change->delete_count);
    if (deletions == NULL)
        return arena_error(&preparation->arena, preparation->error);
    for (size_t i = 0; i < change->delete_count; i++) {
        const ColdDeletes *deletes = &change->deletes[i];
        if (deletes->count > 0)
            deletions[found++] =
                (Deletion){deletes, cold_version_find_file(version, deletes->file_id)};
    }
    if (found > 1)
        qsort(deletions, found, sizeof *deletions, compare_deletions);
    *out = deletions;
    *count = found;
    return OK;
}

static size_t partition_end(const Deletion *deletions, size_t begin, size_t count)
{
    size_t end = begin + 1;
    while (end < count &&
           slice_equal(owner_of(deletions[end].file), owner_of(deletions[begin].file)))
        end++;
    return end;
}

static Status fill_covers(DeleteFile *file, const Deletion *deletions, size_t count, Error *error)
{
    uint64_t *covers = ARENA_ARRAY(&file->arena, uint64_t, count);
    if (covers == NULL)
        return arena_error(&file->arena, error);
    for (size_t i = 0; i < count; i++) { /* few: sorted by path they are nearly sorted by id */
        uint64_t id = deletions[i].file->id;
        size_t at = i;
        for (; at > 0 && covers[at - 1] > id; at--)
            covers[at] = covers[at - 1];
        covers[at] = id;
    }
    file->covers = covers;
    file->cover_count = count;
    return OK;
}

/* "<newest data file it is about>-<sequence>.deletes.parquet", beside that file. */
static Status name_delete_file(Preparation *preparation, const Deletion *deletions, size_t count,
                               DeleteFile *file)
{
    const DataFile *newest = deletions[0].file;
    for (size_t i = 1; i < count; i++) {
        if (deletions[i].file->id > newest->id)
            newest = deletions[i].file;
    }
    size_t size = strlen(newest->path) - strlen(".parquet");
    file->path = arena_format(&file->arena, "%.*s-%llu.deletes.parquet", (int)size, newest->path,
                              (unsigned long long)preparation->change->file_sequence);
    return file->path == NULL ? arena_error(&file->arena, preparation->error) : OK;
}

static Status describe_delete_file(Preparation *preparation, const Deletion *deletions,
                                   size_t count, DeleteFile *file)
{
    Slice first;
    Slice last;
    Error *error = preparation->error;
    TRY(name_delete_file(preparation, deletions, count, file));
    TRY(fill_covers(file, deletions, count, error));
    TRY(arena_clone(&file->arena, owner_of(deletions[0].file), &file->owner_name, error));
    TRY(arena_clone(&file->arena, slice_of_text(deletions[0].file->path), &first, error));
    TRY(arena_clone(&file->arena, slice_of_text(deletions[count - 1].file->path), &last, error));
    file->covers_first = (const char *)first.data;
    file->covers_last = (const char *)last.data;
    file->sequence = preparation->snapshot.sequence;
    file->snapshot_id = preparation->snapshot.id;
    return OK;
}

/* Paths as the manifests have them, and the new positions as sets. */
static Status delete_file_contents(Preparation *preparation, const Deletion *deletions,
                                   size_t count, const char **paths, Slice *sets, Buffer *bytes)
{
    Error *error = preparation->error;
    size_t *ends = ARENA_ARRAY(&preparation->arena, size_t, count);
    if (ends == NULL)
        return arena_error(&preparation->arena, error);
    for (size_t i = 0; i < count; i++) {
        char path[ICEBERG_PATH_BYTES_MAX];
        iceberg_absolute(preparation->version->iceberg.location, deletions[i].file->path, path);
        paths[i] = arena_text(&preparation->arena, slice_of_text(path));
        if (paths[i] == NULL)
            return arena_error(&preparation->arena, error);
        TRY(position_set_union(SLICE_EMPTY, deletions[i].deletes->positions,
                               deletions[i].deletes->count, bytes, error));
        ends[i] = bytes->size;
    }
    for (size_t i = 0, begin = 0; i < count; begin = ends[i++])
        sets[i] = slice_of(bytes->data + begin, ends[i] - begin);
    return OK;
}

static Status write_parquet(Preparation *preparation, const Deletion *deletions, size_t count,
                            DeleteFile *file)
{
    Arena *arena = &preparation->arena;
    DataFileIo *io = preparation->table->context.io;
    Error *error = preparation->error;
    DataFileResult result = {0};
    Buffer bytes;
    Path absolute;
    const char *noted;
    Status status = OK;
    const char **paths = ARENA_ARRAY(arena, const char *, count);
    Slice *sets = ARENA_ARRAY(arena, Slice, count);
    if (paths == NULL || sets == NULL)
        return arena_error(arena, error);
    buffer_open(&bytes, 0);
    GO(delete_file_contents(preparation, deletions, count, paths, sets, &bytes));
    GO(cold_absolute(preparation->table, file->path, &absolute, error));
    GO(preparation_note(preparation, file->path, &noted));
    status = io->write_deletes(io, absolute.text, paths, sets, count, &result, error);
    preparation_forget_existing(preparation, status);
    GO(status);
    GO(cold_sync_files(preparation->table, &noted, 1, error));
    file->row_count = result.row_count;
    file->size_bytes = result.size_bytes;
done:
    buffer_close(&bytes);
    return status;
}

static Status add_delete_file(Preparation *preparation, const Deletion *deletions, size_t count)
{
    DeleteFile *file;
    ColdVersion *version = preparation->version;
    TRY(delete_file_create(&file, preparation->error));
    Status status = describe_delete_file(preparation, deletions, count, file);
    if (status == OK)
        status = write_parquet(preparation, deletions, count, file);
    if (status != OK) {
        delete_file_release(file);
        return status;
    }
    version->delete_files[version->delete_file_count++] = (ColdDeleteFile){file, NO_MANIFEST};
    preparation->new_delete_files++;
    return OK;
}

Status prepare_delete_files(Preparation *preparation)
{
    Deletion *deletions;
    size_t count;
    ColdVersion *version = preparation->version;
    TRY(collect_deletions(preparation, &deletions, &count));
    version->delete_files =
        ARENA_ARRAY(&version->arena, ColdDeleteFile, preparation->base->delete_file_count + count);
    if (version->delete_files == NULL)
        return arena_error(&version->arena, preparation->error);
    keep_delete_files(preparation);
    for (size_t begin = 0, end; begin < count; begin = end) {
        end = partition_end(deletions, begin, count);
        TRY(add_delete_file(preparation, deletions + begin, end - begin));
    }
    return OK;
}

/* ---- the sidecar ---- */

static bool must_be_whole(const SidecarChain *chain)
{
    uint64_t room = chain->whole_bytes > SIDECAR_ADDITIONS_BYTES_MIN ? chain->whole_bytes
                                                                     : SIDECAR_ADDITIONS_BYTES_MIN;
    return chain->count == 0 || chain->count == SIDECAR_CHAIN_MAX || chain->additions_bytes >= room;
}

static Status fill_index(Preparation *preparation, bool is_whole, SidecarIndex *index)
{
    const ColdVersion *version = preparation->version;
    Arena *arena = &preparation->arena;
    index->sets = ARENA_ARRAY(arena, SidecarSet, version->file_count);
    index->delete_files = ARENA_ARRAY(arena, SidecarDeleteFile, version->delete_file_count);
    if (index->sets == NULL || index->delete_files == NULL)
        return arena_error(arena, preparation->error);
    for (size_t i = 0; i < version->file_count; i++) {
        DeleteSet *set = version->files[i].deletes;
        if (set != NULL && (is_whole || set->sidecar == index->file_sequence))
            index->sets[index->set_count++] =
                (SidecarSet){.file_id = version->files[i].file->id, .set = set};
    }
    size_t first = is_whole ? 0 : version->delete_file_count - preparation->new_delete_files;
    for (size_t i = first; i < version->delete_file_count; i++) {
        const DeleteFile *file = version->delete_files[i].file;
        index->delete_files[index->delete_file_count++] =
            (SidecarDeleteFile){slice_of_text(file->path), file->covers, file->cover_count};
    }
    return OK;
}

static void extend_chain(const SidecarChain *before, const SidecarIndex *index, SidecarChain *out)
{
    *out = (SidecarChain){.count = 1, .sequences = {index->file_sequence}};
    if (index->previous == 0) {
        out->whole_bytes = index->index_bytes;
        return;
    }
    memcpy(out->sequences + 1, before->sequences, before->count * sizeof before->sequences[0]);
    out->count += before->count;
    out->whole_bytes = before->whole_bytes;
    out->additions_bytes = before->additions_bytes + index->index_bytes;
}

static Status write_sidecar(Preparation *preparation)
{
    const SidecarChain *before = &preparation->base->chain;
    bool is_whole = must_be_whole(before);
    SidecarIndex index = {.file_sequence = preparation->change->file_sequence,
                          .previous = is_whole ? 0 : before->sequences[0]};
    Path path;
    Buffer bytes;
    TRY(fill_index(preparation, is_whole, &index));
    TRY(cold_sidecar_path(index.file_sequence, &path, preparation->error));
    buffer_open(&bytes, SIDECAR_BYTES_MAX);
    Status status = sidecar_put(&bytes, &index, preparation->error);
    if (status == OK)
        status = preparation_write(preparation, path.text, buffer_slice(&bytes));
    buffer_close(&bytes);
    TRY(status);
    extend_chain(before, &index, &preparation->version->chain);
    return OK;
}

/* A change without new deletes leaves the index as it is: what it says of files that went is
 * ignored when it is read. */
Status prepare_sidecar(Preparation *preparation)
{
    ColdVersion *version = preparation->version;
    Path path;
    if (preparation->new_delete_files > 0)
        TRY(write_sidecar(preparation));
    else if (version->deleted_rows > 0)
        version->chain = preparation->base->chain;
    if (version->chain.count == 0)
        return OK;
    TRY(cold_sidecar_path(version->chain.sequences[0], &path, preparation->error));
    preparation->snapshot.deletes = arena_text(&version->arena, slice_of_text(path.text));
    return preparation->snapshot.deletes == NULL ? arena_error(&version->arena, preparation->error)
                                                 : OK;
}
