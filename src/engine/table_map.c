/* Tables by id. */
#include "engine/engine_int.h"

static EngineTable **bucket_of(Engine *engine, uint64_t id)
{
    return &engine->tables[id % TABLE_BUCKETS];
}

EngineTable *table_map_find(Engine *engine, uint64_t id)
{
    EngineTable *table = *bucket_of(engine, id);
    while (table != NULL && table->id != id)
        table = table->next_in_bucket;
    return table;
}

void table_map_add(Engine *engine, EngineTable *table)
{
    EngineTable **bucket = bucket_of(engine, table->id);
    ASSERT(table_map_find(engine, table->id) == NULL);
    table->next_in_bucket = *bucket;
    *bucket = table;
    engine->table_count++;
}

EngineTable *table_map_remove(Engine *engine, uint64_t id)
{
    EngineTable **at = bucket_of(engine, id);
    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next_in_bucket;
    EngineTable *found = *at;
    if (found != NULL) {
        *at = found->next_in_bucket;
        engine->table_count--;
    }
    return found;
}

/* ---- dropped tables that somebody still holds ---- */

void graveyard_add(Engine *engine, EngineTable *table)
{
    table->in_graveyard = true;
    table->next_in_graveyard = engine->graveyard;
    engine->graveyard = table;
}

void graveyard_remove(Engine *engine, EngineTable *table)
{
    mutex_lock(&engine->root);
    if (table->in_graveyard) {
        EngineTable **at = &engine->graveyard;
        while (*at != table)
            at = &(*at)->next_in_graveyard;
        *at = table->next_in_graveyard;
    }
    mutex_unlock(&engine->root);
}

bool graveyard_has(Engine *engine, uint64_t id)
{
    bool found = false;
    mutex_lock(&engine->root);
    for (const EngineTable *t = engine->graveyard; t != NULL; t = t->next_in_graveyard)
        found |= t->id == id;
    mutex_unlock(&engine->root);
    return found;
}

/* ---- for everybody ---- */

EngineTable *engine_table(Engine *engine, uint64_t table_id)
{
    mutex_lock(&engine->root);
    EngineTable *table = table_map_find(engine, table_id);
    if (table != NULL)
        table_clone(table);
    mutex_unlock(&engine->root);
    return table;
}

static void collect(Engine *engine, EngineTable **out)
{
    size_t n = 0;
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        for (EngineTable *table = engine->tables[i]; table != NULL; table = table->next_in_bucket)
            out[n++] = table_clone(table);
    }
}

Status engine_tables(Engine *engine, Arena *arena, EngineTable ***out, size_t *count, Error *error)
{
    for (;;) {
        mutex_lock(&engine->root);
        size_t wanted = engine->table_count;
        mutex_unlock(&engine->root);
        EngineTable **list = ARENA_ARRAY(arena, EngineTable *, wanted);
        if (list == NULL)
            return arena_error(arena, error);
        mutex_lock(&engine->root);
        bool fits = engine->table_count == wanted;
        if (fits)
            collect(engine, list);
        mutex_unlock(&engine->root);
        if (!fits)
            continue;
        *out = list;
        *count = wanted;
        return OK;
    }
}
