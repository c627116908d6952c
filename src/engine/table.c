#include <stdio.h>

#include "engine/engine_int.h"

/* ---- what is settled, for recovery ---- */

void cold_state_close(ColdState *state)
{
    memory_free(state->owners);
    *state = (ColdState){0};
}

uint64_t cold_state_hi(const ColdState *state, OwnerId owner)
{
    for (size_t i = 0; i < state->owner_count; i++) {
        if (state->owners[i].owner == owner && state->owners[i].hi > state->hi)
            return state->owners[i].hi;
    }
    return state->hi;
}

Status cold_state_reserve(ColdState *state, Error *error)
{
    size_t bytes = (state->owner_count + 1) * sizeof(OwnerFlushed);
    OwnerFlushed *owners = memory_resize(state->owners, bytes);
    if (owners == NULL)
        return error_out_of_memory(error);
    state->owners = owners;
    return OK;
}

/* Exceptions that the table's own mark has passed say nothing any more. */
static void forget_passed(ColdState *state)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->owner_count; i++) {
        if (state->owners[i].hi > state->hi)
            state->owners[kept++] = state->owners[i];
    }
    state->owner_count = kept;
}

void cold_state_flush(ColdState *state, OwnerId owner, uint64_t hi)
{
    if (owner == 0) {
        if (hi > state->hi)
            state->hi = hi;
        forget_passed(state);
        return;
    }
    for (size_t i = 0; i < state->owner_count; i++) {
        if (state->owners[i].owner != owner)
            continue;
        if (hi > state->owners[i].hi)
            state->owners[i].hi = hi;
        return;
    }
    state->owners[state->owner_count++] = (OwnerFlushed){owner, hi}; /* reserved */
}

/* ---- making and ending ---- */

static Status open_cold(EngineTable *table, const TableDefinition *definition, ColdVersion **out,
                        Error *error)
{
    ColdTableOptions options = {
        .folder = table->folder,
        .namespace_name = definition->namespace_name,
        .table_name = definition->table_name,
        /* The cold tier of a STREAM table stays empty; its folder has windows in it. */
        .kind = table->kind == TABLE_STREAM ? TABLE_USER : table->kind,
        .format_version = definition->policy.format_version,
        .created_us = definition->created_us,
    };
    memcpy(options.uuid, definition->uuid, sizeof options.uuid);
    TRY(cold_table_open(&table->engine->cold_context, &options, &table->cold_table, error));
    return cold_version_empty(table->cold_table, out, error);
}

static Status first_version(EngineTable *table, const TableDefinition *definition, Error *error)
{
    TableMemtable *active = NULL;
    ColdVersion *cold = NULL;
    StreamVersion *stream = NULL;
    Status status = OK;
    GO(open_cold(table, definition, &cold, error));
    if (table->kind == TABLE_STREAM)
        GO(stream_version_empty(&stream, error));
    GO(table_memtable_create(table->engine, definition->schema, &active, error));
    GO(super_version_create(table, definition->schema, active, NULL, 0, cold, stream,
                            &table->current, error));
done:
    table_memtable_release(active);
    stream_version_release(stream);
    if (cold != NULL)
        cold_version_release(cold);
    return status;
}

Status table_create(Engine *engine, const TableDefinition *definition, EngineTable **out,
                    Error *error)
{
    EngineTable *table = MEMORY_NEW(EngineTable);
    if (table == NULL)
        return error_out_of_memory(error);
    table->references = 1;
    table->engine = engine;
    table->id = definition->schema->table_id;
    table->kind = definition->schema->kind;
    table->schema_version = definition->schema->version;
    atomic_store(&table->expired_us, INT64_MIN);
    table_take_policy(table, &definition->policy, false);
    table_lock_open(&table->lock, engine->env);
    mutex_open(&table->flush_mutex, engine->env, "flush");
    mutex_open(&table->cold_lock, engine->env, "cold");
    Status status = OK;
    Path state;
    int size = snprintf(table->folder, sizeof table->folder, "%s", definition->folder);
    if (size < 0 || (size_t)size >= sizeof table->folder)
        status = error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "the table's path is too long");
    if (status == OK && table->kind == TABLE_STREAM)
        status = stream_state_folder(engine, table->id, &state, error);
    if (status == OK && table->kind == TABLE_STREAM)
        memcpy(table->stream_state, state.text, sizeof table->stream_state);
    if (status == OK)
        status = first_version(table, definition, error);
    if (status != OK) {
        engine_table_release(table);
        return status;
    }
    *out = table;
    return OK;
}

EngineTable *table_clone(EngineTable *table)
{
    atomic_fetch_add(&table->references, 1);
    return table;
}

void engine_table_release(EngineTable *table)
{
    if (table == NULL || atomic_fetch_sub(&table->references, 1) != 1)
        return;
    graveyard_remove(table->engine, table);
    super_version_release(table->current);
    ASSERT(table->alive == NULL);
    cold_table_close(table->cold_table);
    cold_state_close(&table->appended);
    for (size_t i = 0; i < table->old_schema_count; i++)
        schema_release(table->old_schemas[i]);
    memory_free(table->old_schemas);
    if (table->recovered_schema != NULL)
        schema_release(table->recovered_schema);
    mutex_close(&table->cold_lock);
    mutex_close(&table->flush_mutex);
    table_lock_close(&table->lock);
    memory_free(table);
}

/* ---- what expires ---- */

static void raise_expired(EngineTable *table, int64_t expired_us)
{
    int64_t seen = atomic_load(&table->expired_us);
    while (seen < expired_us &&
           !atomic_compare_exchange_weak(&table->expired_us, &seen, expired_us))
        ;
}

int64_t table_expired_us(EngineTable *table)
{
    int64_t ttl_us = atomic_load_explicit(&table->ttl_us, memory_order_relaxed);
    if (ttl_us > 0)
        raise_expired(table, env_wall_us(table->engine->env) - ttl_us);
    return atomic_load(&table->expired_us);
}

void table_take_policy(EngineTable *table, const TablePolicy *policy, bool expires)
{
    if (expires)
        (void)table_expired_us(table);
    table->policy = *policy;
    atomic_store(&table->ttl_us, table->kind == TABLE_STREAM ? policy->ttl_us : 0);
}

/* ---- what is installed ---- */

SuperVersion *table_install(EngineTable *table, SuperVersion *version)
{
    SuperVersion *old = table->current;
    table->current = version;
    return old;
}

SuperVersion *table_current(EngineTable *table)
{
    Engine *engine = table->engine;
    mutex_lock(&engine->root);
    SuperVersion *version = super_version_clone(table->current);
    mutex_unlock(&engine->root);
    return version;
}

/* The new super-version with a fresh active memtable and the old one sealed. */
static Status sealed_version(EngineTable *table, TableMemtable *fresh, SuperVersion **out,
                             Error *error)
{
    const SuperVersion *old = table->current;
    size_t count = old->sealed_count + 1;
    SealedEntry *entries = memory_allocate_zeroed(count, sizeof(SealedEntry));
    if (entries == NULL)
        return error_out_of_memory(error);
    entries[0] = (SealedEntry){.memtable = old->active};
    for (size_t i = 0; i < old->sealed_count; i++)
        entries[i + 1] = old->sealed[i];
    Status status = super_version_create(table, old->schema, fresh, entries, count, old->cold,
                                         old->stream, out, error);
    memory_free(entries);
    return status;
}

/* The schema for a fresh memtable, or NULL where there is nothing to seal. */
static Schema *needs_seal(EngineTable *table)
{
    Engine *engine = table->engine;
    mutex_lock(&engine->sequencer);
    bool needs = !table->dropped && table->current->active->operations > 0;
    Schema *schema = needs ? schema_clone(table->current->schema) : NULL;
    mutex_unlock(&engine->sequencer);
    return schema;
}

/* Under the cold lock the super-version stays, so everything is made before the sequencer is taken.
 */
static Status seal_locked(EngineTable *table, SuperVersion **old, Error *error)
{
    Engine *engine = table->engine;
    TableMemtable *fresh = NULL;
    SuperVersion *version = NULL;
    Schema *schema = needs_seal(table);
    Status status = OK;
    if (schema == NULL)
        return OK;
    GO(table_memtable_create(engine, schema, &fresh, error));
    GO(sealed_version(table, fresh, &version, error));
    mutex_lock(&engine->sequencer);
    table->current->active->sealed = true;
    mutex_lock(&engine->root);
    *old = table_install(table, version);
    mutex_unlock(&engine->root);
    mutex_unlock(&engine->sequencer);
done:
    table_memtable_release(fresh);
    schema_release(schema);
    return status;
}

Status table_seal(EngineTable *table, Error *error)
{
    SuperVersion *old = NULL;
    mutex_lock(&table->cold_lock);
    Status status = seal_locked(table, &old, error);
    mutex_unlock(&table->cold_lock);
    super_version_release(old);
    env_yield(table->engine->env, "sealed");
    return status;
}

bool table_is_dropped(EngineTable *table)
{
    mutex_lock(&table->engine->sequencer);
    bool dropped = table->dropped;
    mutex_unlock(&table->engine->sequencer);
    return dropped;
}

/* ---- for the rooms above ---- */

uint64_t engine_table_id(const EngineTable *table)
{
    return table->id;
}

Status engine_table_path(const EngineTable *table, const char *relative, Path *out, Error *error)
{
    return cold_absolute(table->cold_table, relative, out, error);
}

Schema *engine_table_schema(EngineTable *table)
{
    Engine *engine = table->engine;
    mutex_lock(&engine->root);
    Schema *schema = schema_clone(table->current->schema);
    mutex_unlock(&engine->root);
    return schema;
}

void engine_table_set_policy(EngineTable *table, const TablePolicy *policy)
{
    Engine *engine = table->engine;
    Error error;
    mutex_lock(&engine->sequencer);
    bool keeps_longer = atomic_load(&table->ttl_us) > 0 && policy->ttl_us > table->policy.ttl_us;
    table_take_policy(table, policy, true);
    table->current->active->flush_wanted = false;
    mutex_unlock(&engine->sequencer);
    /* What the shorter time let expire would come back with the next start. */
    if (keeps_longer && stream_keep_expired(table, &error) != OK)
        engine->hooks.background_error(engine->hooks.context, "ttl", table->id, &error);
}

void engine_table_policy(EngineTable *table, TablePolicy *out)
{
    mutex_lock(&table->engine->sequencer);
    *out = table->policy;
    mutex_unlock(&table->engine->sequencer);
}

static void add_usage(const TableMemtable *memtable, uint64_t *rows, uint64_t *bytes)
{
    *rows += memtable->operations;
    *bytes += memtable_bytes(memtable->rows);
}

void engine_table_statistics(EngineTable *table, TableStatistics *out)
{
    Engine *engine = table->engine;
    *out = (TableStatistics){0};
    mutex_lock(&engine->sequencer);
    const SuperVersion *version = table->current;
    add_usage(version->active, &out->active_rows, &out->active_bytes);
    out->last_seq = version->active->hi;
    for (size_t i = 0; i < version->sealed_count; i++) {
        add_usage(version->sealed[i].memtable, &out->sealed_rows, &out->sealed_bytes);
        if (version->sealed[i].memtable->hi > out->last_seq)
            out->last_seq = version->sealed[i].memtable->hi;
    }
    out->sealed_memtables = (uint32_t)version->sealed_count;
    out->flushed_seq = table->appended.hi;
    out->needs_flush = version->sealed_count > 0 || version->active->flush_wanted;
    mutex_unlock(&engine->sequencer);
}
