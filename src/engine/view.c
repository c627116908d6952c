/* What a pin sees of the cold tier, and how many rows there are in all. */
#include <roaring/roaring.h>

#include "engine/engine_int.h"

/* ---- key ranges of files ---- */

bool data_file_overlaps(const DataFile *file, Slice from, Slice to)
{
    if (file->key_max.size == 0)
        return true; /* not known */
    bool below = slice_compare(file->key_max, from) < 0;
    bool above = to.size > 0 && slice_compare(file->key_min, to) >= 0;
    return !below && !above;
}

bool pin_has_cold_range(const Pin *pin, size_t table, Slice from, Slice to)
{
    const SuperVersion *version = pin->versions[table];
    const ColdVersion *cold = version->cold;
    size_t count = cold_version_file_count(cold);
    if (version->stream != NULL)
        return stream_has_range(version, pin->expired_us[table], from, to);
    for (size_t i = 0; i < count; i++) {
        if (data_file_overlaps(cold_version_file(cold, i), from, to))
            return true;
    }
    return false;
}

/* ---- marks ---- */

enum { MARKS_STEP = 1024 };

typedef void (*MarkVisitor)(void *context, const Mark *mark);

/* All marks of the pin's memtables at its sequence. */
static void visit_marks(const SuperVersion *version, uint64_t seq, MarkVisitor visit, void *context)
{
    Mark step[MARKS_STEP];
    for (size_t m = 0; m <= version->sealed_count; m++) {
        Marks *marks = memtable_marks(version->pinned[m].memtable);
        size_t count = marks_count(marks);
        for (size_t from = 0; from < count; from += MARKS_STEP) {
            size_t n = count - from < MARKS_STEP ? count - from : MARKS_STEP;
            marks_copy(marks, from, n, step);
            for (size_t i = 0; i < n; i++) {
                if (step[i].seq <= seq)
                    visit(context, &step[i]);
            }
        }
    }
}

typedef struct OneFileMarks {
    uint64_t file_id;
    roaring_bitmap_t *bitmap;
} OneFileMarks;

static void add_file_mark(void *context, const Mark *mark)
{
    OneFileMarks *marks = context;
    if (mark->file_id == marks->file_id)
        roaring_bitmap_add(marks->bitmap, mark->position);
}

Status pin_marks(const Pin *pin, size_t table, uint64_t file_id, Arena *arena, Slice *out,
                 Error *error)
{
    OneFileMarks marks = {file_id, roaring_bitmap_create()};
    *out = SLICE_EMPTY;
    if (marks.bitmap == NULL)
        return error_out_of_memory(error);
    visit_marks(pin->versions[table], pin->seq, add_file_mark, &marks);
    Status status = OK;
    if (!roaring_bitmap_is_empty(marks.bitmap)) {
        size_t size = roaring_bitmap_portable_size_in_bytes(marks.bitmap);
        char *bytes = arena_allocate(arena, size);
        if (bytes == NULL)
            status = arena_error(arena, error);
        else
            *out = slice_of(bytes, roaring_bitmap_portable_serialize(marks.bitmap, bytes));
    }
    roaring_bitmap_free(marks.bitmap);
    return status;
}

typedef struct AllMarks {
    const ColdVersion *cold;
    roaring_bitmap_t **bitmaps; /* by number of the file; NULL: none */
    size_t file_count;
    bool failed;
} AllMarks;

static size_t file_number(const ColdVersion *cold, size_t count, uint64_t file_id)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cold_version_file(cold, middle)->id < file_id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < count && cold_version_file(cold, low)->id == file_id;
    return found ? low : SIZE_MAX;
}

static void add_any_mark(void *context, const Mark *mark)
{
    AllMarks *marks = context;
    size_t number = file_number(marks->cold, marks->file_count, mark->file_id);
    if (number == SIZE_MAX)
        return; /* of a file that a compaction replaced */
    if (marks->bitmaps[number] == NULL)
        marks->bitmaps[number] = roaring_bitmap_create();
    if (marks->bitmaps[number] == NULL)
        marks->failed = true;
    else
        roaring_bitmap_add(marks->bitmaps[number], mark->position);
}

static Status serialize(const roaring_bitmap_t *bitmap, Arena *arena, Slice *out, Error *error)
{
    size_t size = roaring_bitmap_portable_size_in_bytes(bitmap);
    char *bytes = arena_allocate(arena, size);
    if (bytes == NULL)
        return arena_error(arena, error);
    *out = slice_of(bytes, roaring_bitmap_portable_serialize(bitmap, bytes));
    return OK;
}

static Status serialize_all(const AllMarks *marks, Arena *arena, FileMarks *out, size_t *count,
                            Error *error)
{
    for (size_t i = 0; i < marks->file_count; i++) {
        if (marks->bitmaps[i] == NULL)
            continue;
        FileMarks *file = &out[(*count)++];
        file->file_id = cold_version_file(marks->cold, i)->id;
        file->count = roaring_bitmap_get_cardinality(marks->bitmaps[i]);
        TRY(serialize(marks->bitmaps[i], arena, &file->bitmap, error));
    }
    return OK;
}

Status pin_all_marks(const Pin *pin, size_t table, Arena *arena, FileMarks **out, size_t *count,
                     Error *error)
{
    const SuperVersion *version = pin->versions[table];
    AllMarks marks = {.cold = version->cold, .file_count = cold_version_file_count(version->cold)};
    FileMarks *list = ARENA_ARRAY(arena, FileMarks, marks.file_count);
    marks.bitmaps = ARENA_ARRAY(arena, roaring_bitmap_t *, marks.file_count);
    *count = 0;
    if (list == NULL || marks.bitmaps == NULL)
        return arena_error(arena, error);
    visit_marks(version, pin->seq, add_any_mark, &marks);
    Status status = marks.failed ? error_out_of_memory(error)
                                 : serialize_all(&marks, arena, list, count, error);
    for (size_t i = 0; i < marks.file_count; i++) {
        if (marks.bitmaps[i] != NULL)
            roaring_bitmap_free(marks.bitmaps[i]);
    }
    *out = list;
    return status;
}

/* ---- counts ---- */

typedef struct MarkCount {
    const SuperVersion *version;
    OwnerId owner;
    uint64_t count;
} MarkCount;

static bool is_deleted_in_files(const ColdVersion *cold, const Mark *mark)
{
    size_t count = cold_version_file_count(cold);
    for (size_t i = 0; i < count; i++) {
        if (cold_version_file(cold, i)->id == mark->file_id)
            return cold_version_is_deleted(cold, i, mark->position);
    }
    return true; /* the file is gone: the mark says nothing about this version */
}

/* A position can be marked in one memtable only: the row it stood for has one successor. */
static void count_mark(void *context, const Mark *mark)
{
    MarkCount *marks = context;
    if (marks->owner != 0 && mark->owner != marks->owner)
        return;
    marks->count += !is_deleted_in_files(marks->version->cold, mark);
}

static void count_files(const Pin *pin, const SuperVersion *version, OwnerId owner, TableCount *out)
{
    uint64_t rows = 0;
    size_t count = cold_version_file_count(version->cold);
    for (size_t i = 0; i < count; i++) {
        const DataFile *file = cold_version_file(version->cold, i);
        if (owner != 0 && file->owner != owner)
            continue;
        rows += file->row_count - cold_version_deleted_count(version->cold, i);
        out->cold_bytes += file->size_bytes;
        out->files++;
    }
    MarkCount marks = {version, owner, 0};
    visit_marks(version, pin->seq, count_mark, &marks);
    ASSERT(rows >= marks.count);
    out->cold_rows = rows - marks.count;
}

static void count_block(const PinnedMemtable *pinned, const RowBlockView *view, Horizon horizon,
                        OwnerId owner, TableCount *out)
{
    size_t at = 0;
    while (at < view->published) {
        const RecordHeader *record = (const RecordHeader *)(const void *)(view->block.data + at);
        at += record_whole_size(record);
        if (!record_is_visible(record, horizon.seq) || record->updated_us <= horizon.expired_us ||
            (owner != 0 && record->owner != owner) ||
            owner_is_without(pinned->without, pinned->without_count, record->owner))
            continue;
        out->hot_rows++;
    }
}

static Status count_memtable(const PinnedMemtable *pinned, Horizon horizon, OwnerId owner,
                             TableCount *out, Error *error)
{
    Arena arena;
    RowBlockView *blocks;
    size_t count;
    arena_open(&arena, 0);
    Status status = memtable_blocks(pinned->memtable, &arena, &blocks, &count, error);
    for (size_t i = 0; status == OK && i < count; i++)
        count_block(pinned, &blocks[i], horizon, owner, out);
    out->hot_bytes += memtable_bytes(pinned->memtable);
    arena_close(&arena);
    return status;
}

Status pin_count(const Pin *pin, size_t table, OwnerId owner, TableCount *out, Error *error)
{
    const SuperVersion *version = pin->versions[table];
    TRY(pin_check(pin, error));
    Horizon horizon = {pin->seq, pin->expired_us[table]};
    *out = (TableCount){0};
    if (version->stream != NULL)
        TRY(stream_count(pin, table, owner, out, error));
    else
        count_files(pin, version, owner, out);
    for (size_t i = 0; i <= version->sealed_count; i++)
        TRY(count_memtable(&version->pinned[i], horizon, owner, out, error));
    return OK;
}
