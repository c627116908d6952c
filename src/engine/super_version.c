#include "engine/engine_int.h"

/* ---- memtables ---- */

Status table_memtable_create(Engine *engine, Schema *schema, TableMemtable **out, Error *error)
{
    TableMemtable *memtable = MEMORY_NEW(TableMemtable);
    if (memtable == NULL)
        return error_out_of_memory(error);
    uint64_t id = atomic_fetch_add(&engine->memtable_ids, 1) + 1;
    Status status =
        memtable_create(engine->env, engine->row_store, id, schema, &memtable->rows, error);
    if (status != OK) {
        memory_free(memtable);
        return status;
    }
    memtable->references = 1;
    memtable->engine = engine;
    memtable->first_position = UINT64_MAX;
    *out = memtable;
    return OK;
}

TableMemtable *table_memtable_clone(TableMemtable *memtable)
{
    atomic_fetch_add(&memtable->references, 1);
    return memtable;
}

void table_memtable_release(TableMemtable *memtable)
{
    if (memtable == NULL || atomic_fetch_sub(&memtable->references, 1) != 1)
        return;
    Engine *engine = memtable->engine;
    atomic_fetch_sub(&engine->memory_bytes, memtable->bytes_counted);
    memtable_release(memtable->rows);
    memory_free(memtable->superseded);
    memory_free(memtable->settled_files);
    memory_free(memtable);
    pressure_relieved(engine);
}

/* ---- super-versions ---- */

static Status copy_entry(const SealedEntry *from, SealedEntry *to, Error *error)
{
    to->without_count = from->without_count;
    if (from->without_count > 0) {
        to->without = memory_clone(from->without, from->without_count * sizeof(OwnerId));
        if (to->without == NULL)
            return error_out_of_memory(error);
    }
    to->memtable = table_memtable_clone(from->memtable);
    return OK;
}

static Status copy_entries(SuperVersion *version, const SealedEntry *sealed, size_t count,
                           Error *error)
{
    version->pinned = memory_allocate_zeroed(count + 1, sizeof(PinnedMemtable));
    version->sealed = memory_allocate_zeroed(count + 1, sizeof(SealedEntry));
    if (version->pinned == NULL || version->sealed == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < count; i++) {
        TRY(copy_entry(&sealed[i], &version->sealed[i], error));
        version->sealed_count++;
        version->pinned[i + 1] =
            (PinnedMemtable){version->sealed[i].memtable->rows, version->sealed[i].without,
                             version->sealed[i].without_count};
    }
    return OK;
}

/* ---- the list of all that exist ---- */

static void list_version(EngineTable *table, SuperVersion *version)
{
    mutex_lock(&table->engine->root);
    version->table = table;
    version->next_alive = table->alive;
    table->alive = version;
    mutex_unlock(&table->engine->root);
}

static void unlist_version(SuperVersion *version)
{
    EngineTable *table = version->table;
    if (table == NULL)
        return;
    mutex_lock(&table->engine->root);
    SuperVersion **at = &table->alive;
    while (*at != version) {
        ASSERT(*at != NULL);
        at = &(*at)->next_alive;
    }
    *at = version->next_alive;
    mutex_unlock(&table->engine->root);
}

Status super_version_create(EngineTable *table, Schema *schema, TableMemtable *active,
                            const SealedEntry *sealed, size_t sealed_count, ColdVersion *cold,
                            StreamVersion *stream, SuperVersion **out, Error *error)
{
    SuperVersion *version = MEMORY_NEW(SuperVersion);
    if (version == NULL)
        return error_out_of_memory(error);
    version->references = 1;
    Status status = copy_entries(version, sealed, sealed_count, error);
    if (status != OK) {
        super_version_release(version);
        return status;
    }
    version->schema = schema_clone(schema);
    version->active = table_memtable_clone(active);
    version->cold = cold_version_clone(cold);
    version->stream = stream_version_clone(stream);
    version->pinned[0] = (PinnedMemtable){active->rows, NULL, 0};
    list_version(table, version);
    *out = version;
    return OK;
}

SuperVersion *super_version_clone(SuperVersion *version)
{
    atomic_fetch_add(&version->references, 1);
    return version;
}

void super_version_release(SuperVersion *version)
{
    if (version == NULL || atomic_fetch_sub(&version->references, 1) != 1)
        return;
    unlist_version(version);
    for (size_t i = 0; i < version->sealed_count; i++) {
        table_memtable_release(version->sealed[i].memtable);
        memory_free(version->sealed[i].without);
    }
    table_memtable_release(version->active);
    if (version->cold != NULL)
        cold_version_release(version->cold);
    stream_version_release(version->stream);
    if (version->schema != NULL)
        schema_release(version->schema);
    memory_free(version->sealed);
    memory_free(version->pinned);
    memory_free(version);
}

const SealedEntry *super_version_sealed(const SuperVersion *version, const Memtable *rows)
{
    for (size_t i = 0; i < version->sealed_count; i++) {
        if (version->sealed[i].memtable->rows == rows)
            return &version->sealed[i];
    }
    return NULL;
}

bool owner_is_without(const OwnerId *without, size_t count, OwnerId owner)
{
    for (size_t i = 0; i < count; i++) {
        if (without[i] == owner)
            return true;
    }
    return false;
}
