/* Key indexes of windows: each holds rows of one window's files, some settles' or all of them.
 *
 * The file is a key index (cold/key_index.h). Its file table says which file an ordinal is: the
 * lower bound of its keys is the file's id, 8 bytes little-endian, the upper bound is empty.
 *
 * A settle writes one index for each window that it touches and takes into it every index of that
 * window, newest first, that is no larger than what has come together. So sizes at least double
 * from newer to older: a window that was written to n times has at most log2(n) indexes, and an
 * entry is written again at most as often. */
#include <endian.h>
#include <stdlib.h>

#include "base/hash.h"
#include "stream/stream_int.h"

/* Nobody asks an index of a window for its number. */
enum { REBUILT_SEQUENCE = 1 };

StreamIndex *stream_index_clone(StreamIndex *index)
{
    atomic_fetch_add(&index->references, 1);
    return index;
}

void stream_index_release(StreamIndex *index)
{
    if (index == NULL || atomic_fetch_sub(&index->references, 1) != 1)
        return;
    if (index->index != NULL)
        key_index_release(index->index);
    memory_free(index->file_ids);
    memory_free(index);
}

static Status read_file_ids(StreamIndex *index, Error *error)
{
    const KeyIndexFile *files;
    index->file_count = key_index_files(index->index, &files);
    index->file_ids = memory_allocate_zeroed(index->file_count + 1, sizeof(uint64_t));
    if (index->file_ids == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < index->file_count; i++) {
        uint64_t id;
        if (files[i].ordinal != i || files[i].key_min.size != sizeof id) {
            (void)error_set(error, STATUS_DATA_CORRUPTED, "a key index is damaged");
            return error_wrap(error, "%s: its file table", index->path);
        }
        memcpy(&id, files[i].key_min.data, sizeof id);
        index->file_ids[i] = le64toh(id);
    }
    return OK;
}

Status stream_index_open(const StreamContext *context, StreamWindow window, const char *path,
                         StreamIndex **out, Error *error)
{
    Path absolute;
    StreamIndex *index = MEMORY_NEW(StreamIndex);
    if (index == NULL)
        return error_out_of_memory(error);
    index->references = 1;
    index->window = window;
    Status status = OK;
    size_t size = strlen(path) + 1;
    ASSERT(size <= sizeof index->path);
    memcpy(index->path, path, size);
    GO(stream_absolute(context, path, &absolute, error));
    GO(key_index_open(context->env, context->cache, absolute.text, &index->index, error));
    GO(read_file_ids(index, error));
    *out = index;
    return OK;
done:
    stream_index_release(index);
    return status;
}

/* ---- making one ---- */

void index_plan_close(IndexPlan *plan)
{
    memory_free(plan->entries);
    memory_free(plan->file_ids);
    plan->entries = NULL;
    plan->file_ids = NULL;
}

Status index_plan_file(IndexPlan *plan, uint64_t file_id, uint32_t *ordinal, Error *error)
{
    if (plan->file_count == plan->file_capacity) {
        size_t capacity = plan->file_capacity == 0 ? 16 : plan->file_capacity * 2;
        uint64_t *grown = memory_resize(plan->file_ids, capacity * sizeof *grown);
        if (grown == NULL)
            return error_out_of_memory(error);
        plan->file_ids = grown;
        plan->file_capacity = capacity;
    }
    *ordinal = (uint32_t)plan->file_count;
    plan->file_ids[plan->file_count++] = file_id;
    return OK;
}

Status index_plan_add(IndexPlan *plan, uint64_t hash, uint32_t ordinal, uint32_t place,
                      Error *error)
{
    if (plan->entry_count == plan->entry_capacity) {
        size_t capacity = plan->entry_capacity == 0 ? 256 : plan->entry_capacity * 2;
        KeyIndexEntry *grown = memory_resize(plan->entries, capacity * sizeof *grown);
        if (grown == NULL)
            return error_out_of_memory(error);
        plan->entries = grown;
        plan->entry_capacity = capacity;
    }
    plan->entries[plan->entry_count++] = (KeyIndexEntry){hash, ordinal, place};
    return OK;
}

Status index_plan_merge(IndexPlan *plan, StreamIndex *index, Error *error)
{
    KeyIndexReader reader;
    KeyIndexEntry entry;
    bool has = true;
    uint32_t *ordinals = memory_allocate_zeroed(index->file_count + 1, sizeof(uint32_t));
    if (ordinals == NULL)
        return error_out_of_memory(error);
    Status status = OK;
    for (size_t i = 0; i < index->file_count && status == OK; i++)
        status = index_plan_file(plan, index->file_ids[i], &ordinals[i], error);
    if (status == OK)
        status = key_index_reader_open(index->index, &reader, error);
    if (status != OK) {
        memory_free(ordinals);
        return status;
    }
    for (;;) {
        status = key_index_reader_next(&reader, &entry, &has, error);
        if (status != OK || !has)
            break;
        if (entry.file_ordinal >= index->file_count) {
            status = error_set(error, STATUS_DATA_CORRUPTED, "a key index is damaged");
            break;
        }
        status =
            index_plan_add(plan, entry.hash, ordinals[entry.file_ordinal], entry.position, error);
        if (status != OK)
            break;
    }
    key_index_reader_close(&reader);
    memory_free(ordinals);
    return status;
}

static Status sync_file(const StreamContext *context, const char *path, Error *error)
{
    File *file;
    if (BROKEN(skip_data_sync))
        return OK;
    TRY(file_open(context->env, path, FILE_READ | FILE_WRITE, &file, error));
    Status status = file_sync(file, error);
    KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    return status;
}

typedef struct NumberedId {
    uint64_t id;
    uint32_t ordinal;
} NumberedId;

static int compare_numbered(const void *a, const void *b)
{
    const NumberedId *x = a;
    const NumberedId *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Each file once: several settles may have written to it. */
static Status merge_file_ids(IndexPlan *plan, Error *error)
{
    size_t count = plan->file_count;
    NumberedId *numbered = memory_allocate_zeroed(count + 1, sizeof *numbered);
    uint32_t *ordinals = memory_allocate_zeroed(count + 1, sizeof *ordinals);
    if (numbered == NULL || ordinals == NULL) {
        memory_free(numbered);
        memory_free(ordinals);
        return error_out_of_memory(error);
    }
    for (size_t i = 0; i < count; i++)
        numbered[i] = (NumberedId){plan->file_ids[i], (uint32_t)i};
    qsort(numbered, count, sizeof *numbered, compare_numbered);
    plan->file_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || numbered[i].id != numbered[i - 1].id)
            plan->file_ids[plan->file_count++] = numbered[i].id;
        ordinals[numbered[i].ordinal] = (uint32_t)(plan->file_count - 1);
    }
    for (size_t i = 0; i < plan->entry_count; i++)
        plan->entries[i].file_ordinal = ordinals[plan->entries[i].file_ordinal];
    memory_free(numbered);
    memory_free(ordinals);
    return OK;
}

Status index_plan_write(const StreamContext *context, IndexPlan *plan, uint64_t sequence,
                        const char *path, Error *error)
{
    TRY(merge_file_ids(plan, error));
    KeyIndexFile *files = memory_allocate_zeroed(plan->file_count + 1, sizeof *files);
    uint64_t *ids = memory_allocate_zeroed(plan->file_count + 1, sizeof *ids);
    Path absolute;
    Status status = files == NULL || ids == NULL ? error_out_of_memory(error) : OK;
    if (status != OK)
        goto done;
    for (size_t i = 0; i < plan->file_count; i++) {
        ids[i] = htole64(plan->file_ids[i]);
        files[i] = (KeyIndexFile){.ordinal = (uint32_t)i,
                                  .row_count = plan->entry_count,
                                  .key_min = slice_of(&ids[i], sizeof ids[i])};
    }
    GO(stream_absolute(context, path, &absolute, error));
    GO(key_index_write(context->env, absolute.text, sequence, plan->entries, plan->entry_count,
                       files, plan->file_count, error));
    GO(sync_file(context, absolute.text, error));
done:
    memory_free(files);
    memory_free(ids);
    return status;
}

/* ---- making one again ---- */

typedef struct Rebuild {
    IndexPlan plan;
    uint32_t ordinal;
} Rebuild;

static Status add_row(void *context, const StreamFile *file, uint32_t place,
                      const RecordHeader *record, Error *error)
{
    Rebuild *rebuild = context;
    (void)file;
    return index_plan_add(&rebuild->plan, hash_64(record_key(record)), rebuild->ordinal, place,
                          error);
}

/* It takes the place of one that may have held less: entries that another index has too do no harm.
 */
Status stream_index_rebuild(const StreamContext *context, const StreamVersion *version,
                            StreamWindow window, const char *path, Error *error)
{
    Rebuild rebuild = {.plan = {.window = window}};
    Path beside;
    Path absolute;
    Path folder;
    Status status = OK;
    char temporary[STREAM_PATH_BYTES_MAX + 8];
    size_t size = strlen(path);
    memcpy(temporary, path, size);
    memcpy(temporary + size, ".tmp", 5);
    for (size_t i = 0; i < version->file_count; i++) {
        const StreamFile *file = version->files[i];
        if (!same_window(file->window, window))
            continue;
        GO(index_plan_file(&rebuild.plan, file->id, &rebuild.ordinal, error));
        GO(stream_scan(context, file, add_row, &rebuild, error));
    }
    GO(stream_absolute(context, path, &absolute, error));
    GO(stream_absolute(context, temporary, &beside, error));
    status = env_remove(context->env, beside.text, error);
    if (status == STATUS_FILE_NOT_FOUND)
        status = OK;
    if (status != OK)
        goto done;
    GO(index_plan_write(context, &rebuild.plan, REBUILT_SEQUENCE, temporary, error));
    file_cache_forget(context->cache, absolute.text);
    GO(env_rename(context->env, beside.text, absolute.text, error));
    folder = absolute;
    *strrchr(folder.text, '/') = '\0';
    GO(env_sync_directory(context->env, folder.text, error));
done:
    index_plan_close(&rebuild.plan);
    return status;
}
