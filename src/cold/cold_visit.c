/* Which files a version's metadata names, its older snapshots included; and those snapshots. */
#include "base/assert.h"
#include "base/hash.h"
#include "cold/cold_int.h"

enum { VISIT_ARENA_BYTES_MAX = 1 << 30, SEEN_MIN = 256 };

/* Paths that were read already: snapshots share most of their manifests and sidecars. */
typedef struct Seen {
    const char **slots; /* of the arena, NULL where free */
    size_t size;        /* a power of two */
    size_t count;
} Seen;

typedef struct Visiting {
    ColdVersion *version;
    void (*visit)(void *context, const char *path);
    void *context;
    Seen seen;
    Arena arena;
    Error *error;
} Visiting;

/* ---- what was seen ---- */

static const char **seen_slot(const Seen *seen, const char *path)
{
    size_t at = hash_64(slice_of_text(path)) & (seen->size - 1);
    while (seen->slots[at] != NULL && strcmp(seen->slots[at], path) != 0)
        at = (at + 1) & (seen->size - 1);
    return &seen->slots[at];
}

static Status grow_seen(Visiting *visiting)
{
    Seen *seen = &visiting->seen;
    Seen larger = {.size = seen->size == 0 ? SEEN_MIN : seen->size * 2, .count = seen->count};
    larger.slots = ARENA_ARRAY(&visiting->arena, const char *, larger.size);
    if (larger.slots == NULL)
        return arena_error(&visiting->arena, visiting->error);
    for (size_t i = 0; i < seen->size; i++) {
        if (seen->slots[i] != NULL)
            *seen_slot(&larger, seen->slots[i]) = seen->slots[i];
    }
    *seen = larger;
    return OK;
}

/* *is_new is false from the second time on. */
static Status see(Visiting *visiting, const char *path, bool *is_new)
{
    Seen *seen = &visiting->seen;
    if (seen->count * 2 >= seen->size)
        TRY(grow_seen(visiting));
    const char **slot = seen_slot(seen, path);
    *is_new = *slot == NULL;
    if (!*is_new)
        return OK;
    *slot = arena_text(&visiting->arena, slice_of_text(path));
    if (*slot == NULL)
        return arena_error(&visiting->arena, visiting->error);
    seen->count++;
    return OK;
}

static void visit(const Visiting *visiting, const char *path)
{
    visiting->visit(visiting->context, path);
}

/* ---- a snapshot ---- */

static Status visit_entry(void *context, const IcebergEntry *entry, Error *error)
{
    (void)error;
    visit(context, entry->path);
    return OK;
}

static Status visit_manifest(Visiting *visiting, const IcebergManifest *manifest)
{
    bool is_new;
    uint32_t schema_version;
    Buffer file;
    TRY(see(visiting, manifest->path, &is_new));
    if (!is_new)
        return OK;
    visit(visiting, manifest->path);
    buffer_open(&file, 0);
    Status status =
        cold_read_metadata(visiting->version->table, manifest->path, &file, visiting->error);
    if (status == OK) {
        const IcebergManifestRead read = {&visiting->version->iceberg, buffer_slice(&file),
                                          manifest->sequence, manifest->snapshot_id,
                                          manifest->is_deletes};
        status =
            iceberg_read_manifest(&read, &schema_version, visit_entry, visiting, visiting->error);
    }
    buffer_close(&file);
    return status;
}

static Status read_list(Visiting *visiting, const char *path, Arena *arena, IcebergManifest **out,
                        size_t *count)
{
    Buffer file;
    buffer_open(&file, 0);
    Status status = cold_read_metadata(visiting->version->table, path, &file, visiting->error);
    if (status == OK)
        status = iceberg_read_manifest_list(arena, visiting->version->iceberg.location,
                                            buffer_slice(&file), out, count, visiting->error);
    buffer_close(&file);
    return status;
}

static Status visit_list(Visiting *visiting, const char *path)
{
    IcebergManifest *manifests;
    size_t count;
    Arena arena;
    visit(visiting, path);
    arena_open(&arena, VISIT_ARENA_BYTES_MAX);
    Status status = read_list(visiting, path, &arena, &manifests, &count);
    for (size_t i = 0; status == OK && i < count; i++)
        status = visit_manifest(visiting, &manifests[i]);
    arena_close(&arena);
    return status;
}

static Status visit_sets(Visiting *visiting, const SidecarIndex *index)
{
    for (size_t i = 0; i < index->set_count; i++) {
        Path path;
        TRY(cold_sidecar_path(index->sets[i].sidecar, &path, visiting->error));
        visit(visiting, path.text);
    }
    return OK;
}

static Status read_sidecar(Visiting *visiting, const char *relative, uint64_t *previous)
{
    Path path;
    Arena arena;
    SidecarIndex index;
    const ColdTable *table = visiting->version->table;
    TRY(cold_absolute(table, relative, &path, visiting->error));
    arena_open(&arena, VISIT_ARENA_BYTES_MAX);
    Status status =
        sidecar_read_index(table->context.file_cache, path.text, &arena, &index, visiting->error);
    if (status == OK)
        status = visit_sets(visiting, &index);
    if (status == OK)
        *previous = index.previous;
    arena_close(&arena);
    return status;
}

/* The sidecars of an index and those that hold its sets. Ends where another snapshot's began. */
static Status visit_sidecars(Visiting *visiting, const char *newest)
{
    Path next;
    const char *relative = newest;
    for (uint64_t previous = 1; previous != 0;) {
        bool is_new;
        TRY(see(visiting, relative, &is_new));
        if (!is_new)
            return OK;
        visit(visiting, relative);
        TRY(read_sidecar(visiting, relative, &previous));
        TRY(cold_sidecar_path(previous, &next, visiting->error));
        relative = next.text;
    }
    return OK;
}

static Status visit_snapshots(Visiting *visiting)
{
    const IcebergTable *table = &visiting->version->iceberg;
    for (uint32_t i = 0; i < table->snapshot_count; i++) {
        TRY(visit_list(visiting, table->snapshots[i].manifest_list));
        if (table->snapshots[i].deletes != NULL)
            TRY(visit_sidecars(visiting, table->snapshots[i].deletes));
    }
    return OK;
}

/* ---- the rest ---- */

/* Also those of indexes that were damaged: the engine is making them again under that name. */
static Status visit_indexes(Visiting *visiting)
{
    const ColdVersion *version = visiting->version;
    uint64_t *sequences = ARENA_ARRAY(&visiting->arena, uint64_t, version->file_count);
    if (sequences == NULL)
        return arena_error(&visiting->arena, visiting->error);
    size_t count = cold_version_sequences(version, sequences);
    for (size_t i = 0; i < count; i++) {
        Path path;
        TRY(cold_index_path(version->table, sequences[i], &path, visiting->error));
        visit(visiting, path.text);
    }
    return OK;
}

static Status visit_metadata(Visiting *visiting)
{
    const ColdVersion *version = visiting->version;
    const IcebergTable *table = &version->iceberg;
    Path path;
    visit(visiting, version->metadata_path);
    TRY(path_format(&path, visiting->error, "metadata/v%llu.metadata.json",
                    (unsigned long long)table->version));
    visit(visiting, path.text);
    for (uint32_t i = 0; i < table->log_count; i++)
        visit(visiting, table->log[i].path);
    visit(visiting, "metadata/version-hint.text");
    return OK;
}

static Status visit_all(Visiting *visiting)
{
    if (visiting->version->iceberg.version == 0)
        return OK;
    TRY(visit_metadata(visiting));
    TRY(visit_indexes(visiting));
    return visit_snapshots(visiting);
}

Status cold_version_visit_paths(ColdVersion *version, void (*visit_path)(void *, const char *),
                                void *context, Error *error)
{
    Visiting visiting = {
        .version = version, .visit = visit_path, .context = context, .error = error};
    arena_open(&visiting.arena, VISIT_ARENA_BYTES_MAX);
    Status status = visit_all(&visiting);
    arena_close(&visiting.arena);
    return status;
}

/* ---- snapshots ---- */

static Status clone_text(Arena *arena, Slice text, const char **out, Error *error)
{
    *out = arena_text(arena, text);
    return *out == NULL ? arena_error(arena, error) : OK;
}

Status cold_version_snapshots(ColdVersion *version, Arena *arena, ColdSnapshot **out, size_t *count,
                              Error *error)
{
    const IcebergTable *table = &version->iceberg;
    ColdSnapshot *snapshots = ARENA_ARRAY(arena, ColdSnapshot, table->snapshot_count);
    if (snapshots == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < table->snapshot_count; i++) {
        const IcebergSnapshot *from = &table->snapshots[i];
        ColdSnapshot *to = &snapshots[i];
        *to = (ColdSnapshot){
            .snapshot_id = from->id,
            .parent_id = from->parent_id,
            .first_seq = from->first_seq,
            .last_seq = from->last_seq,
            .committed_us = from->timestamp_ms * 1000,
        };
        TRY(clone_text(arena, slice_of_text(from->operation), &to->operation, error));
        TRY(clone_text(arena, from->summary, &to->summary_json, error));
    }
    *out = snapshots;
    *count = table->snapshot_count;
    return OK;
}
