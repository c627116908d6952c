/* What becomes of a STREAM table's window files beside a flush: windows go when all of them has
 * expired, what nothing names is removed, and recovery opens what the last commit named.
 *
 * Whoever changes files holds the table's flush mutex, so that no flush is between its files and
 * its commit; the cold lock then covers the commit itself, as everywhere. */
#include "engine/engine_int.h"

Status stream_state_folder(const Engine *engine, uint64_t table_id, Path *out, Error *error)
{
    return path_format(out, error, "%s/catalog/streams/%llu", engine->directory.text,
                       (unsigned long long)table_id);
}

/* ---- recovery ---- */

static void tell_damaged(void *context, const Error *why)
{
    const EngineTable *table = context;
    const EngineHooks *hooks = &table->engine->hooks;
    hooks->background_error(hooks->context, "key index", table->id, why);
}

Status stream_recover(EngineTable *table, StreamVersion **out, Error *error)
{
    StreamContext context = stream_context_of(table);
    if (table->appended.metadata_path[0] == '\0')
        return stream_version_empty(out, error);
    TRY(stream_version_open(&context, table->appended.metadata_path, tell_damaged, table, out,
                            error));
    atomic_store(&table->expired_us, stream_version_expired_us(*out));
    return OK;
}

/* ---- a commit that changes no answer ---- */

typedef struct StreamInstall {
    EngineTable *table;
    SuperVersion *next;
    SuperVersion *old;
} StreamInstall;

static void install_stream(Install *install)
{
    StreamInstall *work = install->context;
    work->old = table_install(work->table, work->next);
    work->next = NULL;
}

Status stream_commit(EngineTable *table, StreamVersion *next, Error *error)
{
    const SuperVersion *current = table->current;
    StreamInstall work = {.table = table};
    bool appended = false;
    ColdRecord record = {.table_id = table->id, .kind = COLD_RECORD_COMPACTION};
    Install install = {.run = install_stream, .context = &work};
    record.metadata_path = slice_of_text(stream_version_manifest(next));
    TRY(super_version_create(table, current->schema, current->active, current->sealed,
                             current->sealed_count, current->cold, next, &work.next, error));
    Status status = cold_commit(table, &record, &install, NULL, NULL, &appended, error);
    if (status == OK)
        stream_remove_manifest(table, stream_version_manifest(work.old->stream));
    super_version_release(work.next);
    super_version_release(work.old);
    return status;
}

void stream_remove_manifest(EngineTable *table, const char *manifest)
{
    StreamContext context = stream_context_of(table);
    Error ignored;
    bool removed;
    uint64_t bytes;
    if (manifest[0] == '\0')
        return;
    Status status = stream_remove(&context, manifest, &removed, &bytes, &ignored);
    (void)status; /* what stays is an orphan: the sweep removes it */
}

/* Under flush mutex and cold lock. */
static Status commit_change(EngineTable *table, int64_t evict_until_us, OwnerId evict_owner,
                            Error *error)
{
    StreamContext context = stream_context_of(table);
    StreamVersion *next;
    StreamChange change = {.evict_until_us = evict_until_us,
                           .evict_owner = evict_owner,
                           .expired_us = table_expired_us(table),
                           .sequence = engine_next_id(table->engine)};
    TRY(stream_version_prepare(&context, table->current->stream, &change, &next, error));
    Status status = stream_commit(table, next, error);
    stream_version_release(next);
    return status;
}

Status stream_keep_expired(EngineTable *table, Error *error)
{
    Status status = OK;
    mutex_lock(&table->cold_lock);
    if (atomic_load(&table->engine->poisoned))
        status = error_of(error, STATUS_LOG_POISONED);
    else if (!table_is_dropped(table))
        status = commit_change(table, INT64_MIN, 0, error);
    mutex_unlock(&table->cold_lock);
    return status;
}

/* ---- what nothing names ---- */

/* Every version that anything still looks at. */
static Status alive_streams(EngineTable *table, Arena *arena, StreamVersion ***out, size_t *count,
                            Error *error)
{
    Engine *engine = table->engine;
    size_t capacity = 0;
    *count = 0;
    mutex_lock(&engine->root);
    for (const SuperVersion *v = table->alive; v != NULL; v = v->next_alive)
        capacity++;
    *out = ARENA_ARRAY(arena, StreamVersion *, capacity);
    for (const SuperVersion *v = table->alive; *out != NULL && v != NULL; v = v->next_alive) {
        bool counts = v == table->current || !BROKEN(sweep_pinned);
        bool is_repeated = *count > 0 && (*out)[*count - 1] == v->stream;
        if (counts && !is_repeated)
            (*out)[(*count)++] = stream_version_clone(v->stream);
    }
    mutex_unlock(&engine->root);
    return *out == NULL ? arena_error(arena, error) : OK;
}

static Status remove_unnamed(EngineTable *table, const NameSet *set, const char *const *listed,
                             size_t count, bool only_looks, SweepResult *out, Error *error)
{
    StreamContext context = stream_context_of(table);
    for (size_t i = 0; i < count; i++) {
        bool removed = only_looks;
        uint64_t bytes = 0;
        if (name_set_has(set, listed[i]))
            continue;
        if (!only_looks)
            TRY(stream_remove(&context, listed[i], &removed, &bytes, error));
        out->files_removed += removed;
        out->bytes_removed += bytes;
    }
    return OK;
}

/* Listed first, then what is named is taken out: all of it under the locks. */
static Status sweep_locked(EngineTable *table, bool only_looks, SweepResult *out, Error *error)
{
    StreamContext context = stream_context_of(table);
    StreamVersion **versions = NULL;
    size_t version_count = 0;
    const char **listed;
    size_t count;
    Arena arena;
    NameSet set = {.arena = &arena};
    Status status = OK;
    arena_open(&arena, 0);
    GO(stream_list(&context, &arena, &listed, &count, error));
    GO(alive_streams(table, &arena, &versions, &version_count, error));
    for (size_t i = 0; i < version_count; i++)
        stream_version_visit_paths(versions[i], name_set_add, &set);
    GO(name_set_finish(&set, error));
    status = remove_unnamed(table, &set, listed, count, only_looks, out, error);
done:
    for (size_t i = 0; i < version_count; i++)
        stream_version_release(versions[i]);
    memory_free(set.names);
    arena_close(&arena);
    return status;
}

/* Once the log refused a write, only recovery may decide about files. */
static Status lock_files(EngineTable *table, Error *error)
{
    mutex_lock(&table->flush_mutex);
    mutex_lock(&table->cold_lock);
    return atomic_load(&table->engine->poisoned) ? error_of(error, STATUS_LOG_POISONED) : OK;
}

static void unlock_files(EngineTable *table)
{
    mutex_unlock(&table->cold_lock);
    mutex_unlock(&table->flush_mutex);
}

Status stream_sweep(EngineTable *table, bool only_looks, SweepResult *out, Error *error)
{
    if (only_looks) { /* a flush at work is not waited for: what it leaves is found later */
        if (!mutex_try_lock(&table->flush_mutex))
            return OK;
        mutex_unlock(&table->flush_mutex);
    }
    Status status = lock_files(table, error);
    if (status == OK)
        status = sweep_locked(table, only_looks, out, error);
    unlock_files(table);
    return status;
}

/* ---- windows past their time ---- */

bool engine_has_expired_windows(EngineTable *table)
{
    if (table->kind != TABLE_STREAM || atomic_load(&table->engine->poisoned))
        return false;
    SuperVersion *version = table_current(table);
    bool has = stream_version_has_expired(version->stream, table_expired_us(table));
    super_version_release(version);
    return has;
}

static Status evict_locked(EngineTable *table, OwnerId owner, SweepResult *out, Error *error)
{
    int64_t expired_us = table_expired_us(table);
    OwnerId found;
    if (table_is_dropped(table))
        return OK;
    if (stream_version_has_expired(table->current->stream, expired_us) ||
        (owner != 0 && engine_find_owner(table, &owner, 1, &found)))
        TRY(commit_change(table, expired_us, owner, error));
    return sweep_locked(table, false, out, error);
}

Status engine_evict_windows(Engine *engine, EngineTable *table, OwnerId owner, SweepResult *out,
                            Error *error)
{
    *out = (SweepResult){0};
    ASSERT(table->engine == engine);
    if (table->kind != TABLE_STREAM)
        return OK;
    Status status = lock_files(table, error);
    if (status == OK)
        status = evict_locked(table, owner, out, error);
    unlock_files(table);
    return status;
}
