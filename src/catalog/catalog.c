#include "catalog/catalog.h"

#include "catalog/catalog_int.h"

Status catalog_open(Env *env, const char *directory, const CatalogDefaults *defaults, Catalog **out,
                    Error *error)
{
    Catalog *catalog = MEMORY_NEW(Catalog);
    if (catalog == NULL)
        return error_out_of_memory(error);
    catalog->env = env;
    catalog->defaults = *defaults;
    mutex_open(&catalog->define_mutex, env, "catalog define");
    mutex_open(&catalog->mutex, env, "catalog");
    Status status = path_format(&catalog->directory, error, "%s", directory);
    if (status == OK)
        status = catalog_snapshot_empty(&catalog->head, error);
    if (status != OK) {
        catalog_close(catalog);
        return status;
    }
    catalog->visible = catalog_snapshot_clone(catalog->head);
    *out = catalog;
    return OK;
}

void catalog_close(Catalog *catalog)
{
    if (catalog == NULL)
        return;
    catalog_snapshot_release(catalog->head);
    catalog_snapshot_release(catalog->visible);
    mutex_close(&catalog->mutex);
    mutex_close(&catalog->define_mutex);
    memory_free(catalog);
}

void catalog_bind(Catalog *catalog, Engine *engine)
{
    catalog->engine = engine;
}

CatalogSnapshot *catalog_snapshot(Catalog *catalog)
{
    mutex_lock(&catalog->mutex);
    CatalogSnapshot *snapshot = catalog_snapshot_clone(catalog->visible);
    mutex_unlock(&catalog->mutex);
    return snapshot;
}

CatalogSnapshot *catalog_head(Catalog *catalog)
{
    mutex_lock(&catalog->mutex);
    CatalogSnapshot *snapshot = catalog_snapshot_clone(catalog->head);
    mutex_unlock(&catalog->mutex);
    return snapshot;
}

uint64_t catalog_version(Catalog *catalog)
{
    return atomic_load_explicit(&catalog->version, memory_order_acquire);
}

/* ---- tables as the engine sees them ---- */

Status catalog_storage_path(Catalog *catalog, Slice id, Path *out, Error *error)
{
    if (slice_equal_text(id, "local"))
        return path_join(out, catalog->directory.text, "storage", error);
    CatalogSnapshot *head = catalog_head(catalog);
    const CatalogStorage *storage = catalog_find_storage(head, id);
    Status status = storage == NULL
                        ? error_set(error, STATUS_UNDEFINED_OBJECT,
                                    "storage \"%.*s\" does not exist", SLICE_ARGUMENTS(id))
                        : path_format(out, error, "%.*s", SLICE_ARGUMENTS(storage->path));
    catalog_snapshot_release(head);
    return status;
}

Status catalog_table_folder(Catalog *catalog, const CatalogTable *table, Path *out, Error *error)
{
    Path root;
    if (table->kind == TABLE_STREAM)
        TRY(path_join(&root, catalog->directory.text, "streams", error));
    else
        TRY(catalog_storage_path(catalog, table->storage, &root, error));
    return path_format(out, error, "%s/%.*s", root.text, SLICE_ARGUMENTS(table->folder));
}

static int64_t given_or(int64_t own, int64_t fallback)
{
    return own != 0 ? own : fallback;
}

void catalog_policy(Catalog *catalog, const CatalogTable *table, TablePolicy *out)
{
    const TableOptions *own = &table->options;
    mutex_lock(&catalog->mutex);
    CatalogDefaults defaults = catalog->defaults;
    mutex_unlock(&catalog->mutex);
    *out = (TablePolicy){
        .flush_rows = given_or(own->flush_rows, defaults.flush_rows),
        .flush_interval_ns =
            given_or(own->flush_interval_ms, defaults.flush_interval_ms) * 1000 * 1000,
        .flush_bytes = given_or(own->flush_bytes, defaults.flush_bytes),
        .ttl_us = own->ttl_ms * 1000,
        .snapshot_retention_us =
            given_or(own->snapshot_retention_ms, defaults.snapshot_retention_ms) * 1000,
        .target_file_bytes = given_or(own->target_file_bytes, defaults.target_file_bytes),
        .small_files_max = defaults.small_files_max,
        .deleted_percent_max = defaults.deleted_percent_max,
        .delete_files_max = defaults.delete_files_max,
        .format_version = own->format_version != 0 ? own->format_version : 2,
    };
    memcpy(out->compression, own->compression[0] != '\0' ? own->compression : defaults.compression,
           sizeof out->compression);
}

Status catalog_table_definition(Catalog *catalog, const CatalogTable *table, Path *folder,
                                TableDefinition *out, Error *error)
{
    TRY(catalog_table_folder(catalog, table, folder, error));
    *out = (TableDefinition){.schema = table->schema,
                             .old_schemas = table->old_schemas,
                             .old_schema_count = table->old_schema_count,
                             .folder = folder->text,
                             .namespace_name = table->namespace_name,
                             .table_name = table->name,
                             .created_us = table->created_us};
    memcpy(out->uuid, table->uuid, sizeof out->uuid);
    catalog_policy(catalog, table, &out->policy);
    return OK;
}

Status catalog_set_defaults(Catalog *catalog, const CatalogDefaults *defaults, Error *error)
{
    (void)error;
    const CatalogTable *const *tables;
    mutex_lock(&catalog->define_mutex);
    mutex_lock(&catalog->mutex);
    catalog->defaults = *defaults;
    mutex_unlock(&catalog->mutex);
    CatalogSnapshot *snapshot = catalog_snapshot(catalog);
    size_t count = catalog_tables(snapshot, &tables);
    for (size_t i = 0; i < count; i++) {
        TablePolicy policy;
        EngineTable *table = engine_table(catalog->engine, tables[i]->id);
        if (table == NULL)
            continue;
        catalog_policy(catalog, tables[i], &policy);
        engine_table_set_policy(table, &policy);
        engine_table_release(table);
    }
    catalog_snapshot_release(snapshot);
    mutex_unlock(&catalog->define_mutex);
    return OK;
}

/* ---- owners ---- */

Status catalog_owner_name(Catalog *catalog, OwnerId owner, Arena *arena, Slice *out, Error *error)
{
    CatalogSnapshot *head = catalog_head(catalog);
    const CatalogUser *user = catalog_user_by_id(head, owner);
    Status status = user == NULL ? error_set(error, STATUS_INTERNAL, "no user has the id %u", owner)
                                 : arena_clone(arena, user->name, out, error);
    catalog_snapshot_release(head);
    return status;
}

/* The newest of a name: an older one's files were removed with him, or his name is still taken. */
OwnerId catalog_owner_of(Catalog *catalog, Slice name)
{
    const CatalogUser *const *users;
    OwnerId id = 0;
    CatalogSnapshot *head = catalog_head(catalog);
    size_t count = catalog_users(head, &users);
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(users[i]->name, name))
            id = users[i]->id;
    }
    catalog_snapshot_release(head);
    return id;
}

/* ---- definitions ---- */

/* Under the engine's sequencer, with the record. */
static void head_appended(void *context, uint64_t seq)
{
    CatalogWork *work = context;
    Catalog *catalog = work->catalog;
    (void)seq;
    mutex_lock(&catalog->mutex);
    work->replaced = catalog->head;
    catalog->head = catalog_snapshot_clone(work->next);
    mutex_unlock(&catalog->mutex);
}

/* In the hand-out step. */
static void head_visible(void *context, uint64_t seq)
{
    CatalogWork *work = context;
    Catalog *catalog = work->catalog;
    (void)seq;
    mutex_lock(&catalog->mutex);
    work->hidden = catalog->visible;
    catalog->visible = catalog_snapshot_clone(work->next);
    atomic_store_explicit(&catalog->version, catalog_snapshot_version(work->next),
                          memory_order_release);
    mutex_unlock(&catalog->mutex);
}

static void put_changes(Buffer *out, const CatalogChange *changes, size_t count)
{
    buffer_put_varint(out, count);
    for (size_t i = 0; i < count; i++)
        catalog_change_encode(out, &changes[i]);
}

Status catalog_define_checked(Catalog *catalog, const CatalogChange *changes, size_t count,
                              const TableChange *table_changes, size_t table_change_count,
                              int64_t deadline_ns, TableEditCheck check, void *check_context,
                              Error *error)
{
    CatalogWork work = {.catalog = catalog, .head = catalog->head};
    Buffer payload;
    uint64_t seq;
    Status status = OK;
    buffer_open(&payload, 0);
    put_changes(&payload, changes, count);
    GO(buffer_status(&payload, error));
    GO(catalog_snapshot_apply(work.head, changes, count, &work.next, error));
    Definition definition = {.payload = buffer_slice(&payload),
                             .changes = table_changes,
                             .change_count = table_change_count,
                             .appended = head_appended,
                             .install = head_visible,
                             .context = &work,
                             .check = check,
                             .check_context = check_context,
                             .lock_deadline_ns = deadline_ns};
    GO(engine_define(catalog->engine, &definition, &seq, error));
done:
    catalog_snapshot_release(work.next);
    catalog_snapshot_release(work.replaced);
    catalog_snapshot_release(work.hidden);
    buffer_close(&payload);
    return status;
}

Status catalog_define(Catalog *catalog, const CatalogChange *changes, size_t count,
                      const TableChange *table_changes, size_t table_change_count,
                      int64_t deadline_ns, Error *error)
{
    return catalog_define_checked(catalog, changes, count, table_changes, table_change_count,
                                  deadline_ns, NULL, NULL, error);
}

/* ---- recovery ---- */

static Status register_table(Catalog *catalog, const CatalogTable *table, Error *error)
{
    Path folder;
    TableDefinition definition;
    TRY(catalog_table_definition(catalog, table, &folder, &definition, error));
    return engine_recover_table(catalog->engine, &definition, error);
}

static void set_recovered(Catalog *catalog, CatalogSnapshot *next)
{
    catalog_snapshot_release(catalog->head);
    catalog_snapshot_release(catalog->visible);
    catalog->head = next;
    catalog->visible = catalog_snapshot_clone(next);
    atomic_store(&catalog->version, catalog_snapshot_version(next));
}

/* Storages come behind tables in a snapshot, so the tables are registered when all is applied. */
static Status apply_recovered(Catalog *catalog, const CatalogChange *changes, size_t count,
                              Error *error)
{
    CatalogSnapshot *next;
    TRY(catalog_snapshot_apply(catalog->head, changes, count, &next, error));
    set_recovered(catalog, next);
    for (size_t i = 0; i < count; i++) {
        if (changes[i].kind != CATALOG_TABLE || changes[i].removed)
            continue;
        const CatalogTable *table = catalog_table_by_id(next, changes[i].as.table.id);
        TRY(register_table(catalog, table, error));
    }
    return OK;
}

static Status damaged(Error *error)
{
    return error_set(error, STATUS_DATA_CORRUPTED, "a catalog record is damaged");
}

Status catalog_recover_record(Catalog *catalog, Slice payload, Error *error)
{
    Arena arena;
    Cursor cursor = cursor_of(payload);
    uint64_t count = cursor_varint(&cursor);
    uint64_t decoded = 0;
    Status status = OK;
    arena_open(&arena, 0);
    CatalogChange *changes = NULL;
    if (cursor.failed || count > cursor_rest(&cursor))
        GO(damaged(error));
    changes = ARENA_ARRAY(&arena, CatalogChange, count);
    if (changes == NULL)
        GO(arena_error(&arena, error));
    for (; decoded < count; decoded++)
        GO(catalog_change_decode(&arena, &cursor, &changes[decoded], error));
    if (!cursor_is_done(&cursor))
        GO(damaged(error));
    GO(apply_recovered(catalog, changes, (size_t)count, error));
done:
    for (uint64_t i = 0; i < decoded; i++)
        catalog_change_close(&changes[i]);
    arena_close(&arena);
    return status;
}

/* A snapshot is encoded as the changes that make it. */
Status catalog_recover_checkpoint(Catalog *catalog, Slice payload, Error *error)
{
    return catalog_recover_record(catalog, payload, error);
}
