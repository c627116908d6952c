/* The sweep: files that nothing names (design/engine.md §8). List first, then subtract what is in
 * flight, committed or pinned: in the other order a file written between the two would be lost.
 *
 * The cold lock is held meanwhile, so that no commit is half-way between its metadata and its
 * record; only data files of running flushes are in flight, and their names say so. Once the log
 * refused a write, only recovery may decide about files: nothing is swept. */
#include <stdlib.h>

#include "engine/engine_int.h"

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void name_set_add(void *context, const char *path)
{
    NameSet *set = context;
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 256 : set->capacity * 2;
        const char **names = memory_resize(set->names, capacity * sizeof(char *));
        if (names == NULL) {
            set->failed = true;
            return;
        }
        set->names = names;
        set->capacity = capacity;
    }
    char *copy = arena_text(set->arena, slice_of_text(path));
    set->failed |= copy == NULL;
    if (copy != NULL)
        set->names[set->count++] = copy;
}

Status name_set_finish(NameSet *set, Error *error)
{
    if (set->failed)
        return error_out_of_memory(error);
    if (set->count > 0)
        qsort(set->names, set->count, sizeof(char *), compare_names);
    return OK;
}

bool name_set_has(const NameSet *set, const char *path)
{
    return set->count > 0 &&
           bsearch(&path, set->names, set->count, sizeof(char *), compare_names) != NULL;
}

/* Every version of the cold tier that anything still looks at. */
static Status alive_versions(EngineTable *table, Arena *arena, ColdVersion ***out, size_t *count,
                             Error *error)
{
    Engine *engine = table->engine;
    size_t n = 0;
    size_t capacity = 0;
    mutex_lock(&engine->root);
    for (const SuperVersion *v = table->alive; v != NULL; v = v->next_alive)
        capacity++;
    ColdVersion **versions = ARENA_ARRAY(arena, ColdVersion *, capacity);
    for (const SuperVersion *v = table->alive; versions != NULL && v != NULL; v = v->next_alive) {
        if (v == table->current || !BROKEN(sweep_pinned))
            versions[n++] = cold_version_clone(v->cold);
    }
    mutex_unlock(&engine->root);
    if (versions == NULL)
        return arena_error(arena, error);
    *out = versions;
    *count = n;
    return OK;
}

static bool is_repeated(ColdVersion *const *versions, size_t i)
{
    for (size_t n = 0; n < i; n++) {
        if (versions[n] == versions[i])
            return true;
    }
    return false;
}

static Status collect_names(EngineTable *table, NameSet *set, Error *error)
{
    ColdVersion **versions;
    size_t count;
    Status status = OK;
    TRY(alive_versions(table, set->arena, &versions, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (status == OK && !is_repeated(versions, i))
            status = cold_version_visit_paths(versions[i], name_set_add, set, error);
    }
    for (size_t i = 0; i < count; i++)
        cold_version_release(versions[i]);
    return status == OK ? name_set_finish(set, error) : status;
}

/* A flush that gives up removes its own files meanwhile. */
static Status remove_file(EngineTable *table, const char *relative, SweepResult *out, Error *error)
{
    Engine *engine = table->engine;
    Path path;
    FileInformation information;
    TRY(cold_absolute(table->cold_table, relative, &path, error));
    TRY(env_stat(engine->env, path.text, &information, error));
    file_cache_forget(engine->file_cache, path.text);
    Status status = env_remove(engine->env, path.text, error);
    if (status == STATUS_FILE_NOT_FOUND)
        return OK;
    TRY(status);
    out->files_removed++;
    out->bytes_removed += information.size;
    return OK;
}

static bool is_in_flight(EngineTable *table, const char *relative)
{
    uint64_t sequence = cold_path_sequence(relative);
    return sequence != 0 && in_flight_has(table->engine, table->id, sequence);
}

/* `only_looks`: counts what it would remove. */
static Status sweep_locked(EngineTable *table, bool only_looks, SweepResult *out, Error *error)
{
    Arena arena;
    const char **listed;
    size_t count;
    arena_open(&arena, 0);
    NameSet set = {.arena = &arena};
    Status status = OK;
    GO(cold_table_list(table->cold_table, &arena, &listed, &count, error));
    GO(collect_names(table, &set, error));
    for (size_t i = 0; i < count; i++) {
        bool in_flight = !BROKEN(sweep_in_flight) && is_in_flight(table, listed[i]);
        if (name_set_has(&set, listed[i]) || in_flight)
            continue;
        if (only_looks)
            out->files_removed++;
        else
            GO(remove_file(table, listed[i], out, error));
    }
done:
    memory_free(set.names);
    arena_close(&arena);
    return status;
}

Status engine_sweep(Engine *engine, EngineTable *table, SweepResult *out, Error *error)
{
    *out = (SweepResult){0};
    if (table->kind == TABLE_STREAM)
        return stream_sweep(table, false, out, error);
    mutex_lock(&table->cold_lock);
    Status status = atomic_load(&engine->poisoned) ? error_of(error, STATUS_LOG_POISONED) : OK;
    if (status == OK)
        status = sweep_locked(table, false, out, error);
    mutex_unlock(&table->cold_lock);
    return status;
}

bool engine_has_orphans(EngineTable *table)
{
    SweepResult found = {0};
    Error ignored;
    if (atomic_load(&table->engine->poisoned))
        return false;
    if (table->kind == TABLE_STREAM)
        return stream_sweep(table, true, &found, &ignored) != OK || found.files_removed > 0;
    mutex_lock(&table->cold_lock);
    Status status = sweep_locked(table, true, &found, &ignored);
    mutex_unlock(&table->cold_lock);
    return status != OK || found.files_removed > 0;
}

/* ---- snapshots past their time ---- */

typedef struct Expire {
    EngineTable *table;
    SuperVersion *next;
    SuperVersion *old;
} Expire;

static void install_expire(Install *install)
{
    Expire *expire = install->context;
    expire->old = table_install(expire->table, expire->next);
    expire->next = NULL;
}

static Status commit_expire(Expire *expire, ColdVersion *cold, Error *error)
{
    EngineTable *table = expire->table;
    const SuperVersion *current = table->current;
    bool appended = false;
    uint32_t foreign = 0;
    ColdRecord record = {.table_id = table->id, .kind = COLD_RECORD_COMPACTION};
    Install install = {.run = install_expire, .context = expire};
    record.metadata_path = slice_of_text(cold_version_metadata_path(cold));
    TRY(super_version_create(table, current->schema, current->active, current->sealed,
                             current->sealed_count, cold, current->stream, &expire->next, error));
    TRY(cold_commit(table, &record, &install, NULL, NULL, &appended, error));
    return cold_version_publish(table->cold_table, cold, &foreign, error);
}

/* A commit that changes nothing but which snapshots the metadata keeps. */
static Status expire_locked(EngineTable *table, bool *done, Error *error)
{
    Expire expire = {.table = table};
    ColdVersion *cold = NULL;
    TablePolicy policy;
    Status status = OK;
    engine_table_policy(table, &policy);
    ColdChange change = {
        .operation = COLD_SCHEMA,
        .schema = table->current->schema,
        .file_sequence = engine_next_id(table->engine),
        .snapshots_max = table->engine->options.snapshots_max,
        .snapshots_after_us = env_wall_us(table->engine->env) - policy.snapshot_retention_us,
    };
    if (table_is_dropped(table) ||
        !cold_version_has_expired(table->current->cold, change.snapshots_max,
                                  change.snapshots_after_us))
        return OK;
    GO(cold_version_prepare(table->cold_table, table->current->cold, &change, &cold, error));
    GO(commit_expire(&expire, cold, error));
    *done = true;
done:
    super_version_release(expire.next);
    super_version_release(expire.old);
    if (cold != NULL)
        cold_version_release(cold);
    return status;
}

bool engine_has_expired(EngineTable *table)
{
    TablePolicy policy;
    engine_table_policy(table, &policy);
    SuperVersion *version = table_current(table);
    int64_t after_us = env_wall_us(table->engine->env) - policy.snapshot_retention_us;
    bool has =
        table->kind != TABLE_STREAM &&
        cold_version_has_expired(version->cold, table->engine->options.snapshots_max, after_us);
    super_version_release(version);
    return has;
}

Status engine_expire_snapshots(Engine *engine, EngineTable *table, bool *done, Error *error)
{
    *done = false;
    if (table->kind == TABLE_STREAM || atomic_load(&engine->poisoned))
        return OK;
    mutex_lock(&table->cold_lock);
    Status status = expire_locked(table, done, error);
    mutex_unlock(&table->cold_lock);
    return status;
}

/* ---- dropped tables ---- */

static Status remove_tree(Engine *engine, const char *folder, bool *removed, Error *error)
{
    FileInformation information;
    TRY(env_stat(engine->env, folder, &information, error));
    if (!information.exists)
        return OK;
    TRY(env_remove_tree(engine->env, folder, error));
    *removed = true;
    return OK;
}

Status engine_remove_folder(Engine *engine, uint64_t table_id, const char *folder, SweepResult *out,
                            Error *error)
{
    Path state;
    bool removed = false;
    *out = (SweepResult){0};
    if (atomic_load(&engine->poisoned))
        return error_of(error, STATUS_LOG_POISONED);
    EngineTable *table = engine_table(engine, table_id);
    bool in_use = table != NULL || graveyard_has(engine, table_id);
    engine_table_release(table);
    if (in_use)
        return error_set(error, STATUS_OBJECT_IN_USE, "a statement still reads the table");
    TRY(stream_state_folder(engine, table_id, &state, error));
    TRY(remove_tree(engine, state.text, &removed, error));
    TRY(remove_tree(engine, folder, &removed, error));
    out->folders_removed = removed ? 1 : 0;
    return OK;
}

Status engine_expire_log(Engine *engine, Error *error)
{
    int64_t before_us = env_wall_us(engine->env) - engine->options.feed_retention_us;
    return log_expire(engine->log, before_us, engine->options.feed_bytes_max, error);
}
