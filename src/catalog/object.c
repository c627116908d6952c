/* Catalog objects: deep copies with an arena of their own, shared by many snapshots. */
#include "base/assert.h"
#include "base/memory.h"
#include "catalog/snapshot_int.h"

CatalogObject *catalog_object_of(const void *typed)
{
    return (CatalogObject *)((uintptr_t)typed - offsetof(CatalogObject, as));
}

static Status clone_slice(Arena *arena, Slice *s, Error *error)
{
    return arena_clone(arena, *s, s, error);
}

static Status clone_checks(Arena *arena, CatalogTable *table, Error *error)
{
    CatalogCheck *checks = ARENA_ARRAY(arena, CatalogCheck, table->check_count);
    if (checks == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < table->check_count; i++) {
        Expression *copy;
        checks[i] = table->checks[i];
        TRY(clone_slice(arena, &checks[i].name, error));
        TRY(clone_slice(arena, &checks[i].sql, error));
        TRY(expression_clone(arena, table->checks[i].expression, NULL, 0, &copy, error));
        checks[i].expression = copy;
    }
    table->checks = checks;
    return OK;
}

static Status clone_defaults(Arena *arena, CatalogTable *table, Error *error)
{
    uint32_t count = table->schema->column_count;
    const Expression **defaults = ARENA_ARRAY(arena, const Expression *, count);
    if (defaults == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < count; i++) {
        Expression *copy = NULL;
        if (table->defaults != NULL && table->defaults[i] != NULL)
            TRY(expression_clone(arena, table->defaults[i], NULL, 0, &copy, error));
        defaults[i] = copy;
    }
    table->defaults = defaults;
    return OK;
}

/* Takes the references last, when nothing can fail any more. */
static Status clone_table(Arena *arena, CatalogTable *table, Error *error)
{
    TRY(clone_slice(arena, &table->namespace_name, error));
    TRY(clone_slice(arena, &table->name, error));
    TRY(clone_slice(arena, &table->storage, error));
    TRY(clone_slice(arena, &table->folder, error));
    TRY(clone_slice(arena, &table->comment, error));
    TRY(clone_checks(arena, table, error));
    TRY(clone_defaults(arena, table, error));
    Schema **old = ARENA_ARRAY(arena, Schema *, table->old_schema_count);
    if (old == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < table->old_schema_count; i++)
        old[i] = schema_clone(table->old_schemas[i]);
    table->old_schemas = old;
    table->schema = schema_clone(table->schema);
    return OK;
}

static Status clone_user(Arena *arena, CatalogUser *user, Error *error)
{
    TRY(clone_slice(arena, &user->name, error));
    TRY(clone_slice(arena, &user->verifier, error));
    TRY(clone_slice(arena, &user->email, error));
    return clone_slice(arena, &user->storage, error);
}

static Status clone_storage(Arena *arena, CatalogStorage *storage, Error *error)
{
    TRY(clone_slice(arena, &storage->id, error));
    TRY(clone_slice(arena, &storage->type, error));
    TRY(clone_slice(arena, &storage->path, error));
    return clone_slice(arena, &storage->options_json, error);
}

static Status clone_setting(Arena *arena, CatalogSetting *setting, Error *error)
{
    TRY(clone_slice(arena, &setting->name, error));
    return clone_slice(arena, &setting->value, error);
}

static Status clone_typed(CatalogObject *object, Error *error)
{
    switch (object->kind) {
    case CATALOG_NAMESPACE:
        return clone_slice(&object->arena, &object->as.name_space.name, error);
    case CATALOG_TABLE:
        return clone_table(&object->arena, &object->as.table, error);
    case CATALOG_USER:
        return clone_user(&object->arena, &object->as.user, error);
    case CATALOG_STORAGE:
        return clone_storage(&object->arena, &object->as.storage, error);
    case CATALOG_SETTING:
        return clone_setting(&object->arena, &object->as.setting, error);
    }
    UNREACHABLE();
}

Status catalog_object_create(const CatalogChange *change, CatalogObject **out, Error *error)
{
    CatalogObject *object = MEMORY_NEW(CatalogObject);
    if (object == NULL)
        return error_out_of_memory(error);
    object->references = 1;
    object->kind = change->kind;
    memcpy(&object->as, &change->as, sizeof object->as);
    arena_open(&object->arena, 0);
    Status status = clone_typed(object, error);
    if (status != OK) {
        arena_close(&object->arena);
        memory_free(object);
        return status;
    }
    *out = object;
    return OK;
}

void catalog_object_release(CatalogObject *object)
{
    if (object == NULL || atomic_fetch_sub(&object->references, 1) != 1)
        return;
    if (object->kind == CATALOG_TABLE) {
        CatalogTable *table = &object->as.table;
        for (uint32_t i = 0; i < table->old_schema_count; i++)
            schema_release(table->old_schemas[i]);
        schema_release(table->schema);
    }
    arena_close(&object->arena);
    memory_free(object);
}

uint64_t catalog_object_id(CatalogObjectKind kind, const void *typed)
{
    switch (kind) {
    case CATALOG_NAMESPACE:
        return ((const CatalogNamespace *)typed)->id;
    case CATALOG_TABLE:
        return ((const CatalogTable *)typed)->id;
    case CATALOG_USER:
        return ((const CatalogUser *)typed)->id;
    case CATALOG_STORAGE:
    case CATALOG_SETTING:
        return 0;
    }
    UNREACHABLE();
}

static int compare_tables(const CatalogTable *a, const CatalogTable *b)
{
    int order = slice_compare(a->namespace_name, b->namespace_name);
    return order != 0 ? order : slice_compare(a->name, b->name);
}

static int compare_users(const CatalogUser *a, const CatalogUser *b)
{
    int order = slice_compare(a->name, b->name);
    return order != 0 ? order : a->id < b->id ? -1 : a->id > b->id;
}

int catalog_object_compare(CatalogObjectKind kind, const void *a, const void *b)
{
    switch (kind) {
    case CATALOG_NAMESPACE:
        return slice_compare(((const CatalogNamespace *)a)->name,
                             ((const CatalogNamespace *)b)->name);
    case CATALOG_TABLE:
        return compare_tables(a, b);
    case CATALOG_USER:
        return compare_users(a, b);
    case CATALOG_STORAGE:
        return slice_compare(((const CatalogStorage *)a)->id, ((const CatalogStorage *)b)->id);
    case CATALOG_SETTING:
        return slice_compare(((const CatalogSetting *)a)->name, ((const CatalogSetting *)b)->name);
    }
    UNREACHABLE();
}
