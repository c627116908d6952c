/* The manifests of the next version. A change writes a manifest of what it adds, and one in place
 * of each that names something it removes; the others stay as they are. Where small ones have
 * become many, they are merged, so that neither a commit's cost nor the number of manifests grows
 * with the table's age.
 *
 * All data files in a manifest are of one schema version: its header says which, and that is how a
 * file's schema version is known when the table is opened again. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "cold/cold_prepare_int.h"

typedef struct PlannedEntry {
    IcebergStatus status;
    const ColdFile *file;          /* data, or NULL */
    const DeleteFile *delete_file; /* deletes, or NULL */
    uint32_t *manifest;            /* where its new manifest's number goes; NULL where removed */
    uint32_t old_manifest;
} PlannedEntry;

typedef enum ManifestFate {
    MANIFEST_DROP, /* nothing in it was alive already */
    MANIFEST_KEEP,
    MANIFEST_REWRITE, /* something in it is removed */
    MANIFEST_MERGE,
} ManifestFate;

/* A manifest of the base and its entries that are alive in the base. */
typedef struct OldManifest {
    const IcebergManifest *manifest;
    ManifestFate fate;
    size_t begin; /* in the plan's old entries */
    size_t count;
    size_t removed;
} OldManifest;

typedef struct Plan {
    Preparation *preparation;
    OldManifest *manifests;
    size_t manifest_count;
    PlannedEntry *old; /* by manifest */
    size_t old_count;
    Buffer made;       /* IcebergManifest: those of the new version */
    Buffer statistics; /* of the entry at hand */
    Buffer file;       /* of the manifest at hand */
} Plan;

/* ---- entries as Iceberg has them ---- */

static void put_system_column(Buffer *out, const DataFile *file, uint32_t field_id, Value lower,
                              Value upper)
{
    ColumnStatistics column = {
        .field_id = field_id,
        .value_count = file->row_count,
        .has_bounds = true,
        .lower = lower,
        .upper = upper,
    };
    for (uint32_t i = 0; i < file->statistics_count; i++) {
        if (file->statistics[i].field_id == field_id)
            column.size_bytes = file->statistics[i].size_bytes;
    }
    buffer_put(out, &column, sizeof column);
}

/* The bounds of _seq and _updated are what a file's sequences and times are known by when the table
 * is opened again, so they are the file's own, whatever was measured. */
static void put_statistics(Buffer *out, const DataFile *file)
{
    buffer_clear(out);
    for (uint32_t i = 0; i < file->statistics_count; i++) {
        uint32_t id = file->statistics[i].field_id;
        if (id != FIELD_ID_SEQ && id != FIELD_ID_UPDATED)
            buffer_put(out, &file->statistics[i], sizeof file->statistics[i]);
    }
    put_system_column(out, file, FIELD_ID_SEQ, value_integer(TYPE_BIGINT, (int64_t)file->first_seq),
                      value_integer(TYPE_BIGINT, (int64_t)file->last_seq));
    put_system_column(out, file, FIELD_ID_UPDATED,
                      value_integer(TYPE_TIMESTAMPTZ, file->first_updated_us),
                      value_integer(TYPE_TIMESTAMPTZ, file->last_updated_us));
}

static Status data_entry(Plan *plan, const ColdFile *file, IcebergEntry *out)
{
    const DataFile *data = file->file;
    put_statistics(&plan->statistics, data);
    TRY(buffer_status(&plan->statistics, plan->preparation->error));
    *out = (IcebergEntry){
        .snapshot_id = (int64_t)data->snapshot_id,
        .sequence = file->sequence,
        .path = data->path,
        .owner_name = data->owner_name == NULL ? SLICE_EMPTY : slice_of_text(data->owner_name),
        .row_count = data->row_count,
        .size_bytes = data->size_bytes,
        .statistics = (const ColumnStatistics *)(const void *)plan->statistics.data,
        .statistics_count = (uint32_t)(plan->statistics.size / sizeof(ColumnStatistics)),
        .splits = data->splits,
        .split_count = data->split_count,
    };
    return OK;
}

static IcebergEntry deletes_entry(const DeleteFile *file)
{
    return (IcebergEntry){
        .is_deletes = true,
        .snapshot_id = file->snapshot_id,
        .sequence = file->sequence,
        .path = file->path,
        .owner_name = file->owner_name,
        .row_count = file->row_count,
        .size_bytes = file->size_bytes,
        .covers_first = file->covers_first,
        .covers_last = file->covers_last,
        .covers_one = file->cover_count == 1,
    };
}

static Status add_entry(Plan *plan, IcebergManifestWriter *writer, const PlannedEntry *planned)
{
    IcebergEntry entry;
    if (planned->file != NULL)
        TRY(data_entry(plan, planned->file, &entry));
    else
        entry = deletes_entry(planned->delete_file);
    entry.status = planned->status;
    if (planned->status == ICEBERG_DELETED)
        entry.snapshot_id = plan->preparation->snapshot.id;
    return iceberg_manifest_add(writer, &entry, plan->preparation->error);
}

/* ---- writing one ---- */

/* The next of the version's manifests, its texts in the version's memory. */
static Status install_manifest(Plan *plan, const IcebergManifest *manifest, uint32_t *number)
{
    Arena *arena = &plan->preparation->version->arena;
    Error *error = plan->preparation->error;
    IcebergManifest installed = *manifest;
    Slice path;
    TRY(arena_clone(arena, slice_of_text(manifest->path), &path, error));
    installed.path = (const char *)path.data;
    TRY(arena_clone(arena, manifest->owner_min, &installed.owner_min, error));
    TRY(arena_clone(arena, manifest->owner_max, &installed.owner_max, error));
    *number = (uint32_t)(plan->made.size / sizeof installed);
    buffer_put(&plan->made, &installed, sizeof installed);
    return buffer_status(&plan->made, error);
}

static Status name_manifest(Plan *plan, const char **out)
{
    Preparation *preparation = plan->preparation;
    char before[64];
    char behind[32];
    (void)snprintf(before, sizeof before, "metadata/%s-", preparation->uuid);
    (void)snprintf(behind, sizeof behind, "-m%u.avro", preparation->manifests_written++);
    return preparation_write_checked(preparation, before, behind, buffer_slice(&plan->file), out);
}

static bool is_full(const Plan *plan, size_t written)
{
    return written == MANIFEST_ENTRIES_MAX || plan->file.size >= MANIFEST_BYTES_WANTED;
}

/* Writes a manifest of as many of the entries as one holds; *written says how many. */
static Status write_one(Plan *plan, uint32_t schema_version, const PlannedEntry *entries,
                        size_t count, size_t *written)
{
    Preparation *preparation = plan->preparation;
    IcebergManifestWriter writer;
    uint32_t number;
    Status status = OK;
    size_t done_count = 0;
    buffer_clear(&plan->file);
    GO(iceberg_manifest_open(&writer, preparation->table->context.env, &plan->file,
                             &preparation->version->iceberg, &preparation->snapshot,
                             entries[0].delete_file != NULL, schema_version, preparation->error));
    while (done_count < count && !is_full(plan, done_count))
        GO(add_entry(plan, &writer, &entries[done_count++]));
    GO(iceberg_manifest_finish(&writer, preparation->error));
    GO(name_manifest(plan, &writer.manifest.path));
    GO(install_manifest(plan, &writer.manifest, &number));
    for (size_t i = 0; i < done_count; i++) {
        if (entries[i].manifest != NULL)
            *entries[i].manifest = number;
    }
    *written = done_count;
done:
    iceberg_manifest_close(&writer);
    return status;
}

static Status write_all(Plan *plan, uint32_t schema_version, const PlannedEntry *entries,
                        size_t count)
{
    for (size_t at = 0, written; at < count; at += written)
        TRY(write_one(plan, schema_version, entries + at, count - at, &written));
    return OK;
}

/* ---- what is added ---- */

static int compare_schema_versions(const void *a, const void *b)
{
    uint32_t x = ((const PlannedEntry *)a)->file->file->schema_version;
    uint32_t y = ((const PlannedEntry *)b)->file->file->schema_version;
    return x < y ? -1 : x > y;
}

static Status write_added_files(Plan *plan)
{
    ColdVersion *version = plan->preparation->version;
    size_t count = 0;
    PlannedEntry *entries = ARENA_ARRAY(&plan->preparation->arena, PlannedEntry,
                                        plan->preparation->change->added_count);
    if (entries == NULL)
        return arena_error(&plan->preparation->arena, plan->preparation->error);
    for (size_t i = 0; i < version->file_count; i++) {
        if (version->files[i].manifest == NO_MANIFEST)
            entries[count++] = (PlannedEntry){.status = ICEBERG_ADDED,
                                              .file = &version->files[i],
                                              .manifest = &version->files[i].manifest};
    }
    ASSERT(count == plan->preparation->change->added_count);
    if (count > 1)
        qsort(entries, count, sizeof *entries, compare_schema_versions);
    for (size_t begin = 0, end; begin < count; begin = end) {
        uint32_t schema_version = entries[begin].file->file->schema_version;
        for (end = begin + 1; end < count; end++) {
            if (entries[end].file->file->schema_version != schema_version)
                break;
        }
        TRY(write_all(plan, schema_version, entries + begin, end - begin));
    }
    return OK;
}

static Status write_added_deletes(Plan *plan)
{
    Preparation *preparation = plan->preparation;
    ColdVersion *version = preparation->version;
    size_t count = preparation->new_delete_files;
    PlannedEntry *entries = ARENA_ARRAY(&preparation->arena, PlannedEntry, count);
    if (entries == NULL)
        return arena_error(&preparation->arena, preparation->error);
    for (size_t i = 0; i < count; i++) {
        ColdDeleteFile *file = &version->delete_files[version->delete_file_count - count + i];
        entries[i] = (PlannedEntry){
            .status = ICEBERG_ADDED, .delete_file = file->file, .manifest = &file->manifest};
    }
    return write_all(plan, preparation->change->schema->version, entries, count);
}

/* ---- what was there ---- */

/* Files of base and version are in one order, and so are their delete files: `next` walks along. */
static PlannedEntry plan_old_file(const Plan *plan, const ColdFile *file, size_t *next)
{
    ColdVersion *version = plan->preparation->version;
    while (*next < version->file_count && version->files[*next].file->id < file->file->id)
        ++*next; /* it is added */
    ColdFile *kept = *next < version->file_count ? &version->files[*next] : NULL;
    bool stays = kept != NULL && kept->file == file->file;
    return (PlannedEntry){.status = stays ? ICEBERG_EXISTING : ICEBERG_DELETED,
                          .file = file,
                          .manifest = stays ? &kept->manifest : NULL,
                          .old_manifest = file->manifest};
}

static PlannedEntry plan_old_deletes(const Plan *plan, const ColdDeleteFile *file, size_t *next)
{
    ColdVersion *version = plan->preparation->version;
    ColdDeleteFile *kept =
        *next < version->delete_file_count ? &version->delete_files[*next] : NULL;
    bool stays = kept != NULL && kept->file == file->file;
    *next += stays;
    return (PlannedEntry){.status = stays ? ICEBERG_EXISTING : ICEBERG_DELETED,
                          .delete_file = file->file,
                          .manifest = stays ? &kept->manifest : NULL,
                          .old_manifest = file->manifest};
}

static OldManifest *old_manifest(const Plan *plan, uint32_t number)
{
    ASSERT(number < plan->manifest_count);
    return &plan->manifests[number];
}

static void place(Plan *plan, PlannedEntry entry)
{
    OldManifest *old = old_manifest(plan, entry.old_manifest);
    plan->old[old->begin + old->count++] = entry;
    old->removed += entry.manifest == NULL;
}

/* Where each manifest's entries begin, so that they can be placed without sorting. */
static void find_places(Plan *plan)
{
    const ColdVersion *base = plan->preparation->base;
    size_t begin = 0;
    for (size_t i = 0; i < base->file_count; i++)
        old_manifest(plan, base->files[i].manifest)->count++;
    for (size_t i = 0; i < base->delete_file_count; i++)
        old_manifest(plan, base->delete_files[i].manifest)->count++;
    for (size_t i = 0; i < plan->manifest_count; i++) {
        OldManifest *old = &plan->manifests[i];
        old->manifest = &base->manifests[i];
        old->begin = begin;
        begin += old->count;
        old->count = 0;
    }
}

static Status collect_old(Plan *plan)
{
    const ColdVersion *base = plan->preparation->base;
    Arena *arena = &plan->preparation->arena;
    size_t next_file = 0;
    size_t next_deletes = 0;
    plan->manifest_count = base->manifest_count;
    plan->old_count = base->file_count + base->delete_file_count;
    plan->manifests = ARENA_ARRAY(arena, OldManifest, plan->manifest_count);
    plan->old = ARENA_ARRAY(arena, PlannedEntry, plan->old_count);
    if (plan->manifests == NULL || plan->old == NULL)
        return arena_error(arena, plan->preparation->error);
    find_places(plan);
    for (size_t i = 0; i < base->file_count; i++)
        place(plan, plan_old_file(plan, &base->files[i], &next_file));
    for (size_t i = 0; i < base->delete_file_count; i++)
        place(plan, plan_old_deletes(plan, &base->delete_files[i], &next_deletes));
    return OK;
}

static bool is_small(const OldManifest *old)
{
    return old->count < MANIFEST_ENTRIES_MAX / 2 &&
           old->manifest->size_bytes < MANIFEST_BYTES_WANTED / 2;
}

static void judge_old(Plan *plan)
{
    for (size_t i = 0; i < plan->manifest_count; i++) {
        OldManifest *old = &plan->manifests[i];
        old->fate = old->count == 0    ? MANIFEST_DROP
                    : old->removed > 0 ? MANIFEST_REWRITE
                                       : MANIFEST_KEEP;
    }
}

static bool is_of_sort(const OldManifest *old, const IcebergManifest *sort)
{
    return old->fate == MANIFEST_KEEP && is_small(old) &&
           old->manifest->is_deletes == sort->is_deletes &&
           (sort->is_deletes || old->manifest->schema_version == sort->schema_version);
}

/* Small manifests like the one given that may be merged: marks them where they are enough. */
static void mark_merges(Plan *plan, const IcebergManifest *sort)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->manifest_count; i++)
        count += is_of_sort(&plan->manifests[i], sort);
    for (size_t i = 0; count >= MANIFEST_MERGE_AT && i < plan->manifest_count; i++) {
        if (is_of_sort(&plan->manifests[i], sort))
            plan->manifests[i].fate = MANIFEST_MERGE;
    }
}

/* Writes the entries of all manifests to be merged that are like the one given. */
static Status write_merged(Plan *plan, const IcebergManifest *sort)
{
    Preparation *preparation = plan->preparation;
    size_t count = 0;
    PlannedEntry *entries = ARENA_ARRAY(&preparation->arena, PlannedEntry, plan->old_count);
    if (entries == NULL)
        return arena_error(&preparation->arena, preparation->error);
    for (size_t i = 0; i < plan->manifest_count; i++) {
        OldManifest *old = &plan->manifests[i];
        if (old->fate != MANIFEST_MERGE || old->manifest->is_deletes != sort->is_deletes ||
            (!sort->is_deletes && old->manifest->schema_version != sort->schema_version))
            continue;
        memcpy(entries + count, plan->old + old->begin, old->count * sizeof *entries);
        count += old->count;
        old->fate = MANIFEST_DROP;
    }
    return write_all(plan, sort->schema_version, entries, count);
}

static Status keep_manifest(Plan *plan, const OldManifest *old)
{
    uint32_t number;
    TRY(install_manifest(plan, old->manifest, &number));
    for (size_t i = 0; i < old->count; i++)
        *plan->old[old->begin + i].manifest = number;
    return OK;
}

static Status carry_over(Plan *plan)
{
    for (size_t i = 0; i < plan->manifest_count; i++) {
        if (plan->manifests[i].fate == MANIFEST_KEEP)
            mark_merges(plan, plan->manifests[i].manifest);
    }
    for (size_t i = 0; i < plan->manifest_count; i++) {
        OldManifest *old = &plan->manifests[i];
        if (old->fate == MANIFEST_REWRITE)
            TRY(write_all(plan, old->manifest->schema_version, plan->old + old->begin, old->count));
        else if (old->fate == MANIFEST_MERGE)
            TRY(write_merged(plan, old->manifest));
        else if (old->fate == MANIFEST_KEEP)
            TRY(keep_manifest(plan, old));
    }
    return OK;
}

/* ---- all of them ---- */

/* A change of the schema alone makes no snapshot: its manifests are those of the one before. */
static Status keep_all(Plan *plan)
{
    const ColdVersion *base = plan->preparation->base;
    uint32_t number;
    for (size_t i = 0; i < base->manifest_count; i++)
        TRY(install_manifest(plan, &base->manifests[i], &number));
    return OK;
}

static Status make_manifests(Plan *plan)
{
    if (plan->preparation->change->operation == COLD_SCHEMA)
        return keep_all(plan);
    TRY(collect_old(plan));
    judge_old(plan);
    TRY(write_added_files(plan));
    TRY(write_added_deletes(plan));
    return carry_over(plan);
}

Status prepare_manifests(Preparation *preparation)
{
    Plan plan = {.preparation = preparation};
    ColdVersion *version = preparation->version;
    Slice made;
    buffer_open(&plan.made, 0);
    buffer_open(&plan.statistics, 0);
    buffer_open(&plan.file, ICEBERG_MANIFEST_BYTES_MAX);
    Status status = make_manifests(&plan);
    if (status == OK)
        status = arena_clone(&version->arena, buffer_slice(&plan.made), &made, preparation->error);
    if (status == OK) {
        version->manifests = (IcebergManifest *)(uintptr_t)made.data;
        version->manifest_count = made.size / sizeof(IcebergManifest);
    }
    buffer_close(&plan.made);
    buffer_close(&plan.statistics);
    buffer_close(&plan.file);
    return status;
}
