/* Settling: rows of a memtable into window files, with the key indexes of the windows they fall
 * into. All of it is synced when it returns; nothing names it yet. */
#include <stdlib.h>

#include "base/hash.h"
#include "cold/data_file.h"
#include "stream/stream_int.h"

/* ---- who goes where ---- */

typedef struct Going {
    OwnerId owner;
    int64_t begin_us; /* of its window */
    size_t record;
} Going;

static int compare_going(const void *a, const void *b)
{
    const Going *x = a;
    const Going *y = b;
    if (x->owner != y->owner)
        return x->owner < y->owner ? -1 : 1;
    if (x->begin_us != y->begin_us)
        return x->begin_us < y->begin_us ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

static int compare_homes(const void *a, const void *b)
{
    const StreamFile *x = *(const StreamFile *const *)a;
    const StreamFile *y = *(const StreamFile *const *)b;
    if (x->owner != y->owner)
        return x->owner < y->owner ? -1 : 1;
    if (x->window.begin_us != y->window.begin_us)
        return x->window.begin_us < y->window.begin_us ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

typedef struct Work {
    StreamSettle *settle;
    const RecordHeader *const *records;
    size_t record_count;
    Going *going;               /* by owner and window, then in key order */
    const StreamFile **homes;   /* the base's files by owner and window */
    const RecordHeader **group; /* of the group at hand */
    uint32_t *places;           /* of the group at hand */
} Work;

/* The newest file of the base that these rows may be added to, or NULL. */
static const StreamFile *home_of(const Work *work, OwnerId owner, StreamWindow window)
{
    const StreamSettle *settle = work->settle;
    StreamFile wanted = {.owner = owner, .window = window, .id = UINT64_MAX};
    const StreamFile *key = &wanted;
    size_t low = 0;
    size_t high = settle->base->file_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_homes(&work->homes[middle], &key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low > 0; low--) {
        const StreamFile *file = work->homes[low - 1];
        if (file->owner != owner || file->window.begin_us != window.begin_us)
            return NULL;
        if (file->window.end_us == window.end_us && file->bytes < STREAM_FILE_BYTES_MAX &&
            file->schema_version == settle->options.schema->version)
            return file;
    }
    return NULL;
}

/* ---- one group ---- */

static Status add_file(StreamSettle *settle, const SettleGroup *group, StreamFile **out,
                       Error *error)
{
    if (settle->file_count == settle->file_capacity) {
        size_t capacity = settle->file_capacity == 0 ? 16 : settle->file_capacity * 2;
        SettledFile *grown = memory_resize(settle->files, capacity * sizeof *grown);
        if (grown == NULL)
            return error_out_of_memory(error);
        settle->files = grown;
        settle->file_capacity = capacity;
    }
    StreamFile *file =
        group->base == NULL ? MEMORY_NEW(StreamFile) : memory_clone(group->base, sizeof *file);
    if (file == NULL)
        return error_out_of_memory(error);
    file->references = 1;
    if (file->deleted.size > 0) {
        file->deleted.data = memory_clone(file->deleted.data, file->deleted.size);
        if (file->deleted.data == NULL) {
            memory_free(file);
            return error_out_of_memory(error);
        }
    }
    settle->files[settle->file_count++] = (SettledFile){file, group->base == NULL};
    *out = file;
    return OK;
}

static Status begin_file(StreamSettle *settle, const SettleGroup *group, StreamFile **out,
                         Error *error)
{
    size_t ordinal = settle->file_count;
    if (ordinal >= (size_t)1 << DATA_FILE_ORDINAL_BITS)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "a flush has too many files");
    TRY(add_file(settle, group, out, error));
    if (group->base != NULL)
        return OK;
    (*out)->id = data_file_id(settle->options.file_sequence, (uint32_t)ordinal);
    (*out)->owner = group->owner;
    (*out)->window = group->window;
    (*out)->schema_version = settle->options.schema->version;
    return OK;
}

/* The plan of the window's index; the first time its folder is made. */
static Status plan_of(StreamSettle *settle, StreamWindow window, IndexPlan **out, Error *error)
{
    char name[WINDOW_NAME_BYTES];
    Path folder;
    for (size_t i = 0; i < settle->plan_count; i++) {
        if (same_window(settle->plans[i].window, window)) {
            *out = &settle->plans[i];
            return OK;
        }
    }
    if (settle->plan_count == settle->plan_capacity) {
        size_t capacity = settle->plan_capacity == 0 ? 4 : settle->plan_capacity * 2;
        IndexPlan *grown = memory_resize(settle->plans, capacity * sizeof *grown);
        if (grown == NULL)
            return error_out_of_memory(error);
        settle->plans = grown;
        settle->plan_capacity = capacity;
    }
    window_name(window.begin_us, name);
    TRY(path_join(&folder, settle->context.folder, name, error));
    TRY(env_make_durable_directories(settle->context.env, folder.text, error));
    settle->plans[settle->plan_count] = (IndexPlan){.window = window};
    *out = &settle->plans[settle->plan_count++];
    return OK;
}

static Status index_group(IndexPlan *plan, const SettleGroup *group, uint64_t file_id, Error *error)
{
    uint32_t ordinal;
    TRY(index_plan_file(plan, file_id, &ordinal, error));
    for (size_t i = 0; i < group->count; i++)
        TRY(index_plan_add(plan, hash_64(record_key(group->records[i])), ordinal, group->places[i],
                           error));
    return OK;
}

static Status write_group(Work *work, size_t from, size_t to, Error *error)
{
    StreamSettle *settle = work->settle;
    const Going *first = &work->going[from];
    StreamFile *file;
    IndexPlan *plan;
    SettleGroup group = {.window = stream_window_at(settle->options.ttl_us, first->begin_us),
                         .owner = first->owner,
                         .records = work->group,
                         .places = work->places,
                         .count = to - from};
    for (size_t i = from; i < to; i++)
        work->group[i - from] = work->records[work->going[i].record];
    group.base = home_of(work, group.owner, group.window);
    TRY(plan_of(settle, group.window, &plan, error));
    TRY(begin_file(settle, &group, &file, error));
    TRY(settle_group_write(settle, &group, file, error));
    for (size_t i = from; i < to; i++)
        settle->places[work->going[i].record] =
            (StreamSettled){(uint32_t)(settle->file_count - 1), work->places[i - from]};
    return index_group(plan, &group, file->id, error);
}

/* ---- all groups ---- */

static Status write_groups(Work *work, Error *error)
{
    StreamSettle *settle = work->settle;
    const StreamSettleOptions *options = &settle->options;
    for (size_t from = 0; from < work->record_count;) {
        size_t to = from + 1;
        while (to < work->record_count && work->going[to].owner == work->going[from].owner &&
               work->going[to].begin_us == work->going[from].begin_us)
            to++;
        TRY(write_group(work, from, to, error));
        if (from == 0)
            TRY(FAULT(settle->context.env, flush_mid_write, error));
        if (options->progress != NULL)
            TRY(options->progress(options->context, to, error));
        env_yield(settle->context.env, "window file written");
        from = to;
    }
    return FAULT(settle->context.env, flush_after_file_sync, error);
}

static Status open_work(Work *work, Error *error)
{
    StreamSettle *settle = work->settle;
    const StreamVersion *base = settle->base;
    size_t count = work->record_count;
    work->going = memory_allocate_zeroed(count + 1, sizeof(Going));
    work->homes = memory_allocate_zeroed(base->file_count + 1, sizeof(StreamFile *));
    work->group = memory_allocate_zeroed(count + 1, sizeof(RecordHeader *));
    work->places = memory_allocate_zeroed(count + 1, sizeof(uint32_t));
    settle->places = memory_allocate_zeroed(count + 1, sizeof(StreamSettled));
    if (work->going == NULL || work->homes == NULL || work->group == NULL || work->places == NULL ||
        settle->places == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < count; i++) {
        const RecordHeader *record = work->records[i];
        StreamWindow window = stream_window_at(settle->options.ttl_us, record->updated_us);
        work->going[i] = (Going){record->owner, window.begin_us, i};
    }
    qsort(work->going, count, sizeof(Going), compare_going);
    for (size_t i = 0; i < base->file_count; i++)
        work->homes[i] = base->files[i];
    qsort(work->homes, base->file_count, sizeof(StreamFile *), compare_homes);
    return OK;
}

static void close_work(Work *work)
{
    memory_free(work->going);
    memory_free(work->homes);
    memory_free(work->group);
    memory_free(work->places);
}

/* ---- indexes ---- */

/* Takes the window's older indexes into the plan, newest first, while they are no larger. */
static Status merge_older(StreamSettle *settle, IndexPlan *plan, Error *error)
{
    const StreamVersion *base = settle->base;
    for (size_t i = base->index_count; i > 0; i--) {
        StreamIndex *index = base->indexes[i - 1];
        if (!same_window(index->window, plan->window))
            continue;
        if (key_index_count(index->index) > plan->entry_count)
            return OK;
        TRY(index_plan_merge(plan, index, error));
        settle->replaced[settle->replaced_count++] = index;
    }
    return OK;
}

static Status write_index(StreamSettle *settle, IndexPlan *plan, Error *error)
{
    const StreamContext *context = &settle->context;
    uint64_t sequence = settle->options.file_sequence;
    Path path;
    TRY(merge_older(settle, plan, error));
    TRY(path_format(&path, error, "%016llx-%zx.keys", (unsigned long long)sequence,
                    (size_t)(plan - settle->plans)));
    TRY(index_plan_write(context, plan, sequence, path.text, error));
    TRY(stream_index_open(context, plan->window, path.text, &settle->indexes[settle->index_count],
                          error));
    settle->index_count++;
    return OK;
}

/* The names that files took in the window's folder. */
static Status sync_window(const StreamSettle *settle, StreamWindow window, Error *error)
{
    char name[WINDOW_NAME_BYTES];
    Path folder;
    window_name(window.begin_us, name);
    TRY(path_join(&folder, settle->context.folder, name, error));
    return BROKEN(skip_data_sync) ? OK
                                  : env_sync_directory(settle->context.env, folder.text, error);
}

static Status write_indexes(StreamSettle *settle, Error *error)
{
    settle->indexes = memory_allocate_zeroed(settle->plan_count + 1, sizeof(StreamIndex *));
    settle->replaced = memory_allocate_zeroed(settle->base->index_count + 1, sizeof(StreamIndex *));
    if (settle->indexes == NULL || settle->replaced == NULL)
        return error_out_of_memory(error);
    TRY(env_make_durable_directories(settle->context.env, settle->context.state, error));
    for (size_t i = 0; i < settle->plan_count; i++) {
        TRY(sync_window(settle, settle->plans[i].window, error));
        TRY(write_index(settle, &settle->plans[i], error));
        env_yield(settle->context.env, "window index written");
    }
    if (!BROKEN(skip_data_sync))
        TRY(env_sync_directory(settle->context.env, settle->context.state, error));
    return FAULT(settle->context.env, flush_after_directory_sync, error);
}

/* ---- the whole ---- */

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static Status note_extended(StreamSettle *settle, Error *error)
{
    settle->extended = memory_allocate_zeroed(settle->file_count + 1, sizeof(uint64_t));
    if (settle->extended == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < settle->file_count; i++) {
        if (!settle->files[i].is_new)
            settle->extended[settle->extended_count++] = settle->files[i].file->id;
    }
    qsort(settle->extended, settle->extended_count, sizeof(uint64_t), compare_ids);
    return OK;
}

Status stream_settle_open(const StreamContext *context, StreamVersion *base,
                          const StreamSettleOptions *options, const RecordHeader *const *records,
                          size_t count, StreamSettle **out, Error *error)
{
    StreamSettle *settle = MEMORY_NEW(StreamSettle);
    if (settle == NULL)
        return error_out_of_memory(error);
    Work work = {.settle = settle, .records = records, .record_count = count};
    Status status = OK;
    settle->context = *context;
    settle->options = *options;
    settle->base = stream_version_clone(base);
    GO(open_work(&work, error));
    GO(write_groups(&work, error));
    GO(write_indexes(settle, error));
    GO(note_extended(settle, error));
    *out = settle;
done:
    close_work(&work);
    if (status != OK)
        stream_settle_close(settle, false);
    return status;
}

StreamSettled stream_settle_place(const StreamSettle *settle, size_t record)
{
    return settle->places[record];
}

size_t stream_settle_file_count(const StreamSettle *settle)
{
    return settle->file_count;
}

const StreamFile *stream_settle_file(const StreamSettle *settle, size_t number)
{
    ASSERT(number < settle->file_count);
    return settle->files[number].file;
}

uint64_t stream_settle_bytes(const StreamSettle *settle)
{
    return settle->bytes_added;
}

/* ---- the end ---- */

static void remove_quietly(const StreamSettle *settle, const char *relative)
{
    Error ignored;
    bool removed;
    uint64_t bytes;
    Status status = stream_remove(&settle->context, relative, &removed, &bytes, &ignored);
    (void)status; /* what stays is an orphan: the sweep removes it */
}

void stream_settle_close(StreamSettle *settle, bool committed)
{
    if (settle == NULL)
        return;
    for (size_t i = 0; i < settle->file_count; i++) {
        const SettledFile *file = &settle->files[i];
        if (!committed && file->is_new && file->file->path[0] != '\0')
            remove_quietly(settle, file->file->path);
        stream_file_release(file->file);
    }
    for (size_t i = 0; i < settle->index_count; i++) {
        if (!committed)
            remove_quietly(settle, settle->indexes[i]->path);
        stream_index_release(settle->indexes[i]);
    }
    for (size_t i = 0; i < settle->plan_count; i++)
        index_plan_close(&settle->plans[i]);
    stream_version_release(settle->base);
    memory_free(settle->files);
    memory_free(settle->places);
    memory_free(settle->extended);
    memory_free(settle->plans);
    memory_free(settle->indexes);
    memory_free(settle->replaced);
    memory_free(settle);
}
