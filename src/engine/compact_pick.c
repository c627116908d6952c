/* Which files a compaction merges: each group is of one partition (an owner, or the whole SHARED
 * table) and becomes one file.
 *
 * Small files are merged once there are more than the policy allows, the smallest first and only as
 * long as they are of a size with what is gathered, so that a large file is not written again and
 * again for a few new rows. A file with many deleted rows or many delete files is written alone.
 * A merge has a most of rows as it has of bytes: it sorts them, and memory is what it is. */
#include <stdlib.h>

#include "engine/compact_int.h"

enum {
    GROUP_FILES_MIN = 4, /* a merge takes so many small files, however they differ in size */
    SMALL_BYTES_ALWAYS = 1 << 20, /* below it size does not matter */
    MERGE_GROWS_BY_PART_UNASKED = 16,
};

typedef struct Picked {
    DataFile *file;
    uint64_t deleted;
    uint32_t delete_files;
} Picked;

static bool is_small(const Picked *picked, const CompactionWish *wish)
{
    return picked->file->size_bytes < (uint64_t)wish->policy.target_file_bytes / 2 &&
           picked->file->row_count < wish->rows_max / 2;
}

static bool is_worn(const Picked *picked, const TablePolicy *policy)
{
    return picked->deleted * 100 > picked->file->row_count * policy->deleted_percent_max ||
           picked->delete_files > policy->delete_files_max;
}

/* By owner, then by size. */
static int compare_picked(const void *a, const void *b)
{
    const DataFile *x = ((const Picked *)a)->file;
    const DataFile *y = ((const Picked *)b)->file;
    if (x->owner != y->owner)
        return x->owner < y->owner ? -1 : 1;
    if (x->size_bytes != y->size_bytes)
        return x->size_bytes < y->size_bytes ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static Status list_files(const ColdVersion *cold, const CompactionWish *wish, Arena *arena,
                         Picked **out, size_t *count, Error *error)
{
    size_t all = cold_version_file_count(cold);
    Picked *list = ARENA_ARRAY(arena, Picked, all);
    if (list == NULL)
        return arena_error(arena, error);
    *count = 0;
    for (size_t i = 0; i < all; i++) {
        DataFile *file = cold_version_file(cold, i);
        if ((wish->owner != 0 && file->owner != wish->owner) ||
            data_file_sequence(file->id) >= wish->before)
            continue;
        list[(*count)++] =
            (Picked){file, cold_version_deleted_count(cold, i), cold_version_delete_files(cold, i)};
    }
    if (*count > 0)
        qsort(list, *count, sizeof(Picked), compare_picked);
    *out = list;
    return OK;
}

static int compare_keys(const void *a, const void *b)
{
    const DataFile *x = *(DataFile *const *)a;
    const DataFile *y = *(DataFile *const *)b;
    int order = slice_compare(x->key_min, y->key_min);
    return order != 0 ? order : x->id < y->id ? -1 : x->id > y->id;
}

/* A file whose bounds are not known is behind none. */
static void put_in_order(CompactionGroup *group)
{
    qsort(group->files, group->file_count, sizeof(DataFile *), compare_keys);
    group->is_in_order = true;
    for (size_t i = 1; i < group->file_count; i++) {
        const DataFile *before = group->files[i - 1];
        group->is_in_order &= before->key_min.size > 0 && before->key_max.size > 0 &&
                              slice_compare(before->key_max, group->files[i]->key_min) < 0;
    }
}

static Status add_group(CompactionPlan *plan, Arena *arena, const Picked *files, size_t count,
                        Error *error)
{
    if (plan->group_count == COMPACTION_GROUPS_MAX || plan->rows >= COMPACTION_ROWS_MAX) {
        plan->has_more = true;
        return OK;
    }
    CompactionGroup *group = &plan->groups[plan->group_count];
    group->owner = files[0].file->owner;
    group->files = ARENA_ARRAY(arena, DataFile *, count);
    if (group->files == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < count; i++) {
        group->files[i] = files[i].file;
        plan->bytes += files[i].file->size_bytes;
        plan->rows += files[i].file->row_count;
    }
    group->file_count = count;
    put_in_order(group);
    plan->group_count++;
    return OK;
}

/* How many of the small files, in order of size, one merge takes; one alone is none. */
static size_t merge_length(const Picked *small, size_t count, const CompactionWish *wish)
{
    uint64_t bytes = 0;
    uint64_t rows = 0;
    size_t n = 0;
    while (n < count) {
        uint64_t size = small[n].file->size_bytes;
        bool of_a_size = size <= SMALL_BYTES_ALWAYS || size <= bytes * 2;
        if (n >= GROUP_FILES_MIN && !of_a_size)
            break;
        if (n >= 2 && bytes + size > (uint64_t)wish->policy.target_file_bytes)
            break;
        rows += small[n].file->row_count;
        if (n >= 1 && rows > wish->rows_max)
            break;
        bytes += size;
        n++;
    }
    return n == 1 ? 0 : n;
}

static Status pick_by_policy(CompactionPlan *plan, Arena *arena, const Picked *files, size_t count,
                             const CompactionWish *wish, Error *error)
{
    size_t small = 0;
    while (small < count && is_small(&files[small], wish))
        small++;
    size_t merged = 0;
    if (small > wish->policy.small_files_max)
        merged = merge_length(files, small, wish);
    if (merged > 0)
        TRY(add_group(plan, arena, files, merged, error));
    for (size_t i = merged; i < count; i++) {
        if (is_worn(&files[i], &wish->policy))
            TRY(add_group(plan, arena, &files[i], 1, error));
    }
    return OK;
}

/* By command: everything that is not one full, clean file already. */
static Status pick_everything(CompactionPlan *plan, Arena *arena, const Picked *files, size_t count,
                              const CompactionWish *wish, Error *error)
{
    uint64_t target = (uint64_t)wish->policy.target_file_bytes;
    for (size_t from = 0; from < count;) {
        uint64_t bytes = files[from].file->size_bytes;
        uint64_t rows = files[from].file->row_count;
        size_t to = from + 1;
        for (; to < count && bytes + files[to].file->size_bytes <= target &&
               rows + files[to].file->row_count <= wish->rows_max;
             to++) {
            bytes += files[to].file->size_bytes;
            rows += files[to].file->row_count;
        }
        bool is_clean = to - from == 1 && files[from].deleted == 0;
        if (!is_clean)
            TRY(add_group(plan, arena, files + from, to - from, error));
        from = to;
    }
    return OK;
}

Status compaction_pick(const ColdVersion *cold, const CompactionWish *wish, Arena *arena,
                       CompactionPlan *out, Error *error)
{
    Picked *files = NULL;
    size_t count = 0;
    *out = (CompactionPlan){0};
    TRY(list_files(cold, wish, arena, &files, &count, error));
    out->groups = ARENA_ARRAY(arena, CompactionGroup, count);
    if (out->groups == NULL)
        return arena_error(arena, error);
    for (size_t from = 0; from < count && !out->has_more;) {
        size_t to = from;
        while (to < count && files[to].file->owner == files[from].file->owner)
            to++;
        TRY(wish->everything ? pick_everything(out, arena, files + from, to - from, wish, error)
                             : pick_by_policy(out, arena, files + from, to - from, wish, error));
        from = to;
    }
    return OK;
}

bool engine_wants_compaction(EngineTable *table)
{
    Arena arena;
    Error ignored;
    CompactionPlan plan;
    CompactionWish wish = {.before = UINT64_MAX, .rows_max = table_merge_rows(table)};
    engine_table_policy(table, &wish.policy);
    SuperVersion *version = table_current(table);
    arena_open(&arena, 0);
    bool wants = compaction_pick(version->cold, &wish, &arena, &plan, &ignored) == OK &&
                 plan.group_count > 0;
    if (!wants && wish.rows_max < COMPACTION_ROWS_MAX)
        table_merge_more(table, MERGE_GROWS_BY_PART_UNASKED);
    arena_close(&arena);
    super_version_release(version);
    return wants;
}
