/* Versions: which files a table has, as of one commit. */
#include <stdlib.h>

#include "base/hash.h"
#include "cold/position_set.h"
#include "stream/stream_int.h"

bool same_window(StreamWindow a, StreamWindow b)
{
    return a.begin_us == b.begin_us && a.end_us == b.end_us;
}

Status version_create(size_t files, size_t indexes, size_t schemas, StreamVersion **out,
                      Error *error)
{
    StreamVersion *version = MEMORY_NEW(StreamVersion);
    if (version == NULL)
        return error_out_of_memory(error);
    version->references = 1;
    version->expired_us = INT64_MIN;
    version->files = memory_allocate_zeroed(files + 1, sizeof(StreamFile *));
    version->indexes = memory_allocate_zeroed(indexes + 1, sizeof(StreamIndex *));
    version->schemas = memory_allocate_zeroed(schemas + 1, sizeof(Schema *));
    if (version->files == NULL || version->indexes == NULL || version->schemas == NULL) {
        stream_version_release(version);
        return error_out_of_memory(error);
    }
    *out = version;
    return OK;
}

Status stream_version_empty(StreamVersion **out, Error *error)
{
    return version_create(0, 0, 0, out, error);
}

StreamVersion *stream_version_clone(StreamVersion *version)
{
    if (version != NULL)
        atomic_fetch_add(&version->references, 1);
    return version;
}

void stream_version_release(StreamVersion *version)
{
    if (version == NULL || atomic_fetch_sub(&version->references, 1) != 1)
        return;
    for (size_t i = 0; i < version->file_count; i++)
        stream_file_release(version->files[i]);
    for (size_t i = 0; i < version->index_count; i++)
        stream_index_release(version->indexes[i]);
    for (size_t i = 0; i < version->schema_count; i++)
        schema_release(version->schemas[i]);
    memory_free(version->files);
    memory_free(version->indexes);
    memory_free(version->schemas);
    memory_free(version);
}

const char *stream_version_manifest(const StreamVersion *version)
{
    return version->manifest;
}

int64_t stream_version_expired_us(const StreamVersion *version)
{
    return version->expired_us;
}

size_t stream_version_file_count(const StreamVersion *version)
{
    return version->file_count;
}

const StreamFile *stream_version_file(const StreamVersion *version, size_t number)
{
    ASSERT(number < version->file_count);
    return version->files[number];
}

const StreamFile *stream_version_find_file(const StreamVersion *version, uint64_t id)
{
    size_t low = 0;
    size_t high = version->file_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (version->files[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < version->file_count && version->files[low]->id == id;
    return found ? version->files[low] : NULL;
}

Schema *stream_version_schema(const StreamVersion *version, uint32_t schema_version)
{
    for (size_t i = 0; i < version->schema_count; i++) {
        if (version->schemas[i]->version == schema_version)
            return version->schemas[i];
    }
    return NULL;
}

bool stream_version_has_expired(const StreamVersion *version, int64_t expired_us)
{
    for (size_t i = 0; i < version->file_count; i++) {
        if (version->files[i]->window.end_us <= expired_us)
            return true;
    }
    return false;
}

void stream_version_visit_paths(const StreamVersion *version,
                                void (*visit)(void *context, const char *path), void *context)
{
    for (size_t i = 0; i < version->file_count; i++)
        visit(context, version->files[i]->path);
    for (size_t i = 0; i < version->index_count; i++)
        visit(context, version->indexes[i]->path);
    if (version->manifest[0] != '\0')
        visit(context, version->manifest);
}

/* ---- looking up ---- */

bool stream_version_may_have(const StreamVersion *version, uint64_t hash)
{
    for (size_t i = 0; i < version->index_count; i++) {
        if (key_index_may_have(version->indexes[i]->index, hash))
            return true;
    }
    return false;
}

static bool is_there(const StreamPlace *places, size_t count, StreamPlace place)
{
    for (size_t i = 0; i < count; i++) {
        if (places[i].file_id == place.file_id && places[i].place == place.place)
            return true;
    }
    return false;
}

static Status add_candidates(const StreamVersion *version, const StreamIndex *index, uint64_t hash,
                             StreamPlace *out, size_t *count, Error *error)
{
    KeyIndexEntry entries[KEY_INDEX_CANDIDATES_MAX];
    size_t found;
    if (!key_index_may_have(index->index, hash))
        return OK;
    TRY(key_index_find(index->index, hash, entries, &found, error));
    for (size_t i = 0; i < found; i++) {
        if (entries[i].file_ordinal >= index->file_count)
            return error_set(error, STATUS_DATA_CORRUPTED, "a key index is damaged");
        StreamPlace place = {index->file_ids[entries[i].file_ordinal], entries[i].position};
        const StreamFile *file = stream_version_find_file(version, place.file_id);
        if (file == NULL || stream_version_is_deleted(file, place.place) ||
            is_there(out, *count, place))
            continue;
        if (*count == STREAM_CANDIDATES_MAX)
            return error_set(error, STATUS_DATA_CORRUPTED, "too many rows share one key's hash");
        out[(*count)++] = place;
    }
    return OK;
}

Status stream_version_find(const StreamVersion *version, uint64_t hash,
                           StreamPlace out[STREAM_CANDIDATES_MAX], size_t *count, Error *error)
{
    *count = 0;
    for (size_t i = 0; i < version->index_count; i++)
        TRY(add_candidates(version, version->indexes[i], hash, out, count, error));
    return OK;
}

/* ---- the next version ---- */

static int compare_files(const void *a, const void *b)
{
    const StreamFile *x = *(StreamFile *const *)a;
    const StreamFile *y = *(StreamFile *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static const StreamDeletes *deletes_of(const StreamChange *change, uint64_t file_id)
{
    for (size_t i = 0; i < change->delete_count; i++) {
        if (change->deletes[i].file_id == file_id)
            return &change->deletes[i];
    }
    return NULL;
}

/* The file with more places deleted; a new object, because other versions share this one. */
static Status with_deletes(const StreamFile *file, const StreamDeletes *deletes, StreamFile **out,
                           Error *error)
{
    Buffer set;
    buffer_open(&set, 0);
    Status status = position_set_union(file->deleted, deletes->places, deletes->count, &set, error);
    StreamFile *changed = NULL;
    if (status == OK) {
        changed = memory_clone(file, sizeof *file);
        if (changed == NULL)
            status = error_out_of_memory(error);
    }
    if (status == OK) {
        changed->references = 1;
        changed->deleted = buffer_take(&set);
        changed->deleted_count = position_set_count(changed->deleted);
        *out = changed;
    }
    buffer_close(&set);
    return status;
}

/* Takes the file into the version, unless nothing of it is left. `file` is one reference. */
static Status add_file(StreamVersion *next, const StreamChange *change, StreamFile *file,
                       Error *error)
{
    const StreamDeletes *deletes = deletes_of(change, file->id);
    if (deletes != NULL) {
        StreamFile *changed;
        Status status = with_deletes(file, deletes, &changed, error);
        stream_file_release(file);
        TRY(status);
        file = changed;
    }
    bool is_evicted = file->window.end_us <= change->evict_until_us ||
                      (change->evict_owner != 0 && file->owner == change->evict_owner);
    if (file->deleted_count == file->rows || is_evicted)
        stream_file_release(file);
    else
        next->files[next->file_count++] = file;
    return OK;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_extended(const StreamSettle *settle, uint64_t file_id)
{
    return settle != NULL && settle->extended_count > 0 &&
           bsearch(&file_id, settle->extended, settle->extended_count, sizeof file_id,
                   compare_ids) != NULL;
}

static Status add_files(StreamVersion *next, const StreamVersion *base, const StreamChange *change,
                        Error *error)
{
    const StreamSettle *settle = change->settle;
    for (size_t i = 0; i < base->file_count && !change->removes_all; i++) {
        if (!is_extended(settle, base->files[i]->id))
            TRY(add_file(next, change, stream_file_clone(base->files[i]), error));
    }
    for (size_t i = 0; settle != NULL && i < settle->file_count; i++)
        TRY(add_file(next, change, stream_file_clone(settle->files[i].file), error));
    qsort(next->files, next->file_count, sizeof(StreamFile *), compare_files);
    if (next->file_count > STREAM_FILES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "the table has more than %d window files", STREAM_FILES_MAX);
    return OK;
}

static bool is_replaced(const StreamSettle *settle, const StreamIndex *index)
{
    for (size_t i = 0; settle != NULL && i < settle->replaced_count; i++) {
        if (settle->replaced[i] == index)
            return true;
    }
    return false;
}

static bool has_window(const StreamVersion *version, StreamWindow window)
{
    for (size_t i = 0; i < version->file_count; i++) {
        if (same_window(version->files[i]->window, window))
            return true;
    }
    return false;
}

static void add_indexes(StreamVersion *next, const StreamVersion *base, const StreamChange *change)
{
    const StreamSettle *settle = change->settle;
    for (size_t i = 0; i < base->index_count; i++) {
        if (!is_replaced(settle, base->indexes[i]) && has_window(next, base->indexes[i]->window))
            next->indexes[next->index_count++] = stream_index_clone(base->indexes[i]);
    }
    for (size_t i = 0; settle != NULL && i < settle->index_count; i++) {
        if (has_window(next, settle->indexes[i]->window))
            next->indexes[next->index_count++] = stream_index_clone(settle->indexes[i]);
    }
}

static void add_schema(StreamVersion *next, Schema *schema)
{
    bool is_used = false;
    for (size_t i = 0; i < next->file_count; i++)
        is_used |= next->files[i]->schema_version == schema->version;
    if (is_used && stream_version_schema(next, schema->version) == NULL)
        next->schemas[next->schema_count++] = schema_clone(schema);
}

Status stream_version_prepare(const StreamContext *context, StreamVersion *base,
                              const StreamChange *change, StreamVersion **out, Error *error)
{
    const StreamSettle *settle = change->settle;
    StreamVersion *next;
    size_t files = base->file_count + (settle == NULL ? 0 : settle->file_count);
    size_t indexes = base->index_count + (settle == NULL ? 0 : settle->index_count);
    TRY(version_create(files, indexes, base->schema_count + 1, &next, error));
    Status status = OK;
    GO(add_files(next, base, change, error));
    add_indexes(next, base, change);
    for (size_t i = 0; i < base->schema_count; i++)
        add_schema(next, base->schemas[i]);
    if (settle != NULL)
        add_schema(next, settle->options.schema);
    next->expired_us =
        change->expired_us > base->expired_us ? change->expired_us : base->expired_us;
    GO(manifest_write(context, next, change->sequence, error));
    *out = next;
    return OK;
done:
    stream_version_release(next);
    return status;
}
