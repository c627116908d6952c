/* Definitions of users, storages and settings. */
#include "catalog/catalog_int.h"

/* ---- users ---- */

/* Is the name taken, by somebody there or by somebody whose data were kept? */
static bool name_is_taken(const CatalogSnapshot *snapshot, Slice name, OwnerId but)
{
    const CatalogUser *const *users;
    size_t count = catalog_users(snapshot, &users);
    for (size_t i = 0; i < count; i++) {
        const CatalogUser *user = users[i];
        if (user->id != but && slice_equal(user->name, name) &&
            (user->deleted_us == 0 || user->keeps_name))
            return true;
    }
    return false;
}

/* Deleted users stay in the catalog, so the largest id was never given to two. */
static OwnerId next_user_id(const CatalogSnapshot *snapshot)
{
    const CatalogUser *const *users;
    size_t count = catalog_users(snapshot, &users);
    return count == 0 ? ROOT_USER_ID : users[count - 1]->id + 1;
}

/* Rows of the owner, in memory or in files. Where it cannot be told, there are some. */
static bool table_has_rows(Catalog *catalog, EngineTable *table, OwnerId owner)
{
    Pin *pin;
    TableCount count;
    Error ignored;
    if (pin_open(catalog->engine, &table, 1, &pin, &ignored) != OK)
        return true;
    bool has =
        pin_schema(pin, 0)->kind != TABLE_SHARED &&
        (pin_count(pin, 0, owner, &count, &ignored) != OK || count.hot_rows > 0 || count.files > 0);
    pin_release(pin);
    return has;
}

static bool owner_has_rows(Catalog *catalog, OwnerId owner)
{
    Arena arena;
    EngineTable **tables;
    size_t count = 0;
    Error ignored;
    arena_open(&arena, 0);
    bool has = engine_tables(catalog->engine, &arena, &tables, &count, &ignored) != OK;
    for (size_t i = 0; i < count; i++) {
        has = has || table_has_rows(catalog, tables[i], owner);
        engine_table_release(tables[i]);
    }
    arena_close(&arena);
    return has;
}

/* Files say whose they are by name: a new user must not get those of a deleted one. */
static Status refuse_heir(Catalog *catalog, Slice name, Error *error)
{
    const CatalogUser *const *users;
    size_t count = catalog_users(catalog->head, &users);
    for (size_t i = 0; i < count; i++) {
        const CatalogUser *user = users[i];
        if (user->deleted_us == 0 || !slice_equal(user->name, name) ||
            !owner_has_rows(catalog, user->id))
            continue;
        (void)error_set(error, STATUS_OBJECT_IN_USE,
                        "the rows of a deleted user \"%.*s\" are still being removed",
                        SLICE_ARGUMENTS(name));
        error_set_hint(error, "Try again when the job user_cleanup is done; see system.jobs.");
        return error->status;
    }
    return OK;
}

static Status put_user(Catalog *catalog, const CatalogUser *user, OwnerId *id, Error *error)
{
    CatalogChange change = {.kind = CATALOG_USER, .as.user = *user};
    if (name_is_taken(catalog->head, user->name, user->id))
        return error_set(error, STATUS_DUPLICATE_OBJECT, "user \"%.*s\" already exists",
                         SLICE_ARGUMENTS(user->name));
    if (user->id == 0) {
        TRY(refuse_heir(catalog, user->name, error));
        change.as.user.id = next_user_id(catalog->head);
        change.as.user.created_us = env_wall_us(catalog->env);
    }
    *id = change.as.user.id;
    return catalog_define(catalog, &change, 1, NULL, 0, INT64_MAX, error);
}

Status catalog_put_user(Catalog *catalog, const CatalogUser *user, OwnerId *id, Error *error)
{
    TRY(user_name_check(user->name, error));
    mutex_lock(&catalog->define_mutex);
    Status status = put_user(catalog, user, id, error);
    mutex_unlock(&catalog->define_mutex);
    return status;
}

static Status drop_user(Catalog *catalog, OwnerId id, bool keep_data, Error *error)
{
    const CatalogUser *user = catalog_user_by_id(catalog->head, id);
    if (user == NULL || user->deleted_us != 0)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "the user does not exist");
    CatalogChange change = {.kind = CATALOG_USER, .as.user = *user};
    change.as.user.deleted_us = env_wall_us(catalog->env);
    change.as.user.keeps_name = keep_data;
    change.as.user.verifier = SLICE_EMPTY;
    change.as.user.version++;
    return catalog_define(catalog, &change, 1, NULL, 0, INT64_MAX, error);
}

Status catalog_drop_user(Catalog *catalog, OwnerId id, bool keep_data, Error *error)
{
    mutex_lock(&catalog->define_mutex);
    Status status = drop_user(catalog, id, keep_data, error);
    mutex_unlock(&catalog->define_mutex);
    return status;
}

/* ---- storages ---- */

static Status put_storage(Catalog *catalog, const CatalogStorage *storage, bool is_new,
                          Error *error)
{
    bool exists = catalog_find_storage(catalog->head, storage->id) != NULL ||
                  slice_equal_text(storage->id, "local");
    if (exists && is_new)
        return error_set(error, STATUS_DUPLICATE_OBJECT, "storage \"%.*s\" already exists",
                         SLICE_ARGUMENTS(storage->id));
    if (!exists && !is_new)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "storage \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(storage->id));
    CatalogChange change = {.kind = CATALOG_STORAGE, .as.storage = *storage};
    if (is_new)
        change.as.storage.created_us = env_wall_us(catalog->env);
    return catalog_define(catalog, &change, 1, NULL, 0, INT64_MAX, error);
}

Status catalog_put_storage(Catalog *catalog, const CatalogStorage *storage, bool is_new,
                           Error *error)
{
    mutex_lock(&catalog->define_mutex);
    Status status = put_storage(catalog, storage, is_new, error);
    mutex_unlock(&catalog->define_mutex);
    return status;
}

static Status drop_storage(Catalog *catalog, Slice id, Error *error)
{
    const CatalogTable *const *tables;
    size_t count = catalog_tables(catalog->head, &tables);
    if (catalog_find_storage(catalog->head, id) == NULL)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "storage \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(id));
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(tables[i]->storage, id))
            return error_set(error, STATUS_DEPENDENT_OBJECTS_STILL_EXIST,
                             "storage \"%.*s\" has tables", SLICE_ARGUMENTS(id));
    }
    CatalogChange change = {.kind = CATALOG_STORAGE, .removed = true};
    change.as.storage.id = id;
    return catalog_define(catalog, &change, 1, NULL, 0, INT64_MAX, error);
}

Status catalog_drop_storage(Catalog *catalog, Slice id, Error *error)
{
    mutex_lock(&catalog->define_mutex);
    Status status = drop_storage(catalog, id, error);
    mutex_unlock(&catalog->define_mutex);
    return status;
}

/* ---- settings ---- */

Status catalog_put_setting(Catalog *catalog, Slice name, Slice value, bool removed, Error *error)
{
    CatalogChange change = {.kind = CATALOG_SETTING, .removed = removed};
    change.as.setting = (CatalogSetting){name, value};
    mutex_lock(&catalog->define_mutex);
    Status status = catalog_define(catalog, &change, 1, NULL, 0, INT64_MAX, error);
    mutex_unlock(&catalog->define_mutex);
    return status;
}
