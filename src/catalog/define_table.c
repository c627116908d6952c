/* Definitions of tables and namespaces. */
#include <stdio.h>

#include "catalog/catalog_int.h"

static Status no_such_table(Error *error)
{
    return error_of(error, STATUS_UNDEFINED_TABLE);
}

/* ---- namespaces ---- */

static Status create_namespace(Catalog *catalog, Slice name, OwnerId owner, bool if_not_exists,
                               bool *existed, Error *error)
{
    *existed = catalog_find_namespace(catalog->head, name) != NULL;
    if (*existed && if_not_exists)
        return OK;
    if (*existed)
        return error_set(error, STATUS_DUPLICATE_SCHEMA, "namespace \"%.*s\" already exists",
                         SLICE_ARGUMENTS(name));
    CatalogChange change = {.kind = CATALOG_NAMESPACE};
    change.as.name_space = (CatalogNamespace){.id = engine_next_id(catalog->engine),
                                              .name = name,
                                              .owner = owner,
                                              .created_us = env_wall_us(catalog->env)};
    return catalog_define(catalog, &change, 1, NULL, 0, INT64_MAX, error);
}

Status catalog_create_namespace(Catalog *catalog, Slice name, OwnerId owner, bool if_not_exists,
                                bool *existed, Error *error)
{
    TRY(namespace_name_check(name, error));
    mutex_lock(&catalog->define_mutex);
    Status status = create_namespace(catalog, name, owner, if_not_exists, existed, error);
    mutex_unlock(&catalog->define_mutex);
    return status;
}

static Status note_dropped(Catalog *catalog, const CatalogTable *table, Arena *arena,
                           DropCounts *out, Error *error)
{
    Path folder;
    TRY(catalog_table_folder(catalog, table, &folder, error));
    out->table_ids[out->tables] = table->id;
    out->folders[out->tables] = arena_text(arena, slice_of_text(folder.text));
    if (out->folders[out->tables] == NULL)
        return arena_error(arena, error);
    out->tables++;
    return OK;
}

static Status open_counts(Arena *arena, size_t tables, DropCounts *out, Error *error)
{
    *out = (DropCounts){.table_ids = ARENA_ARRAY(arena, uint64_t, tables),
                        .folders = ARENA_ARRAY(arena, const char *, tables)};
    return out->table_ids == NULL || out->folders == NULL ? arena_error(arena, error) : OK;
}

/* Every table of the namespace and the namespace itself, in one record. */
static Status drop_with_tables(Catalog *catalog, const CatalogNamespace *name_space,
                               int64_t deadline_ns, Arena *arena, DropCounts *out, Error *error)
{
    const CatalogTable *const *tables;
    size_t all = catalog_tables(catalog->head, &tables);
    CatalogChange *changes = ARENA_ARRAY(arena, CatalogChange, all + 1);
    TableChange *table_changes = ARENA_ARRAY(arena, TableChange, all + 1);
    size_t count = 0;
    if (changes == NULL || table_changes == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < all; i++) {
        if (tables[i]->namespace_id != name_space->id)
            continue;
        TRY(note_dropped(catalog, tables[i], arena, out, error));
        changes[count] = (CatalogChange){.kind = CATALOG_TABLE, .removed = true};
        changes[count].as.table.id = tables[i]->id;
        table_changes[count] = (TableChange){TABLE_CHANGE_DROP, tables[i]->id, NULL};
        count++;
    }
    changes[count] = (CatalogChange){.kind = CATALOG_NAMESPACE, .removed = true};
    changes[count].as.name_space.id = name_space->id;
    return catalog_define(catalog, changes, count + 1, table_changes, count, deadline_ns, error);
}

static size_t tables_in(const CatalogSnapshot *snapshot, const CatalogNamespace *name_space)
{
    const CatalogTable *const *tables;
    size_t all = catalog_tables(snapshot, &tables);
    size_t count = 0;
    for (size_t i = 0; i < all; i++)
        count += tables[i]->namespace_id == name_space->id;
    return count;
}

static Status drop_namespace(Catalog *catalog, Slice name, bool if_exists, bool cascade,
                             int64_t deadline_ns, Arena *arena, DropCounts *out, bool *missing,
                             Error *error)
{
    const CatalogNamespace *name_space = catalog_find_namespace(catalog->head, name);
    *missing = name_space == NULL;
    if (*missing && if_exists)
        return OK;
    if (*missing)
        return error_set(error, STATUS_INVALID_SCHEMA_NAME, "namespace \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(name));
    size_t count = tables_in(catalog->head, name_space);
    if (count > 0 && !cascade)
        return error_set(error, STATUS_DEPENDENT_OBJECTS_STILL_EXIST,
                         "cannot drop namespace \"%.*s\": %zu tables are in it",
                         SLICE_ARGUMENTS(name), count);
    TRY(open_counts(arena, count, out, error));
    return drop_with_tables(catalog, name_space, deadline_ns, arena, out, error);
}

Status catalog_drop_namespace(Catalog *catalog, Slice name, bool if_exists, bool cascade,
                              int64_t deadline_ns, Arena *arena, DropCounts *out, bool *missing,
                              Error *error)
{
    *out = (DropCounts){0};
    mutex_lock(&catalog->define_mutex);
    Status status =
        drop_namespace(catalog, name, if_exists, cascade, deadline_ns, arena, out, missing, error);
    mutex_unlock(&catalog->define_mutex);
    return status;
}

/* ---- CREATE TABLE ---- */

/* The draft's columns with field ids and key positions, and `_row` where there is no key. */
static Status draft_columns(const TableDraft *draft, Arena *arena, Column **out, uint32_t *count,
                            Error *error)
{
    uint32_t n = draft->column_count + (draft->key_count == 0);
    Column *columns = ARENA_ARRAY(arena, Column, n);
    if (columns == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < draft->column_count; i++) {
        columns[i] = draft->columns[i];
        columns[i].field_id = i + 1;
        columns[i].key_position = -1;
        columns[i].initial_default = value_null(columns[i].type.kind);
    }
    for (uint32_t i = 0; i < draft->key_count; i++) {
        columns[draft->key_columns[i]].key_position = (int16_t)i;
        columns[draft->key_columns[i]].not_null = true;
    }
    if (draft->key_count == 0)
        columns[n - 1] = (Column){.name = SLICE("_row"),
                                  .type = TYPE(BIGINT),
                                  .field_id = n,
                                  .not_null = true,
                                  .hidden = true,
                                  .initial_default = value_null(TYPE_BIGINT)};
    *out = columns;
    *count = n;
    return OK;
}

static Status draft_schema(const TableDraft *draft, uint64_t id, Arena *arena, Schema **out,
                           Error *error)
{
    Column *columns;
    uint32_t count;
    TRY(draft_columns(draft, arena, &columns, &count, error));
    return schema_create(id, 1, draft->kind, columns, count, count + 1, out, error);
}

/* Namespace and name lead the folder's name, so that people find it; the id makes it unique. */
static Status folder_name(const TableDraft *draft, uint64_t id, Arena *arena, Slice *out,
                          Error *error)
{
    char *text = arena_format(arena, "%.*s.%.*s-%llu", SLICE_ARGUMENTS(draft->namespace_name),
                              SLICE_ARGUMENTS(draft->name), (unsigned long long)id);
    if (text == NULL)
        return arena_error(arena, error);
    *out = slice_of_text(text);
    return OK;
}

static Status fill_table(Catalog *catalog, const TableDraft *draft,
                         const CatalogNamespace *name_space, Arena *arena, CatalogTable *out,
                         Error *error)
{
    uint64_t id = engine_next_id(catalog->engine);
    *out = (CatalogTable){.id = id,
                          .namespace_id = name_space->id,
                          .namespace_name = name_space->name,
                          .name = draft->name,
                          .kind = draft->kind,
                          .access = draft->access,
                          .checks = draft->checks,
                          .check_count = draft->check_count,
                          .options = draft->options,
                          .creator = draft->creator,
                          .created_us = env_wall_us(catalog->env)};
    out->storage = draft->storage.size > 0 ? draft->storage : SLICE("local");
    out->altered_us = out->created_us;
    env_random(catalog->env, out->uuid, sizeof out->uuid);
    out->uuid[6] = (uint8_t)((out->uuid[6] & 0x0f) | 0x40); /* version 4, RFC 4122 */
    out->uuid[8] = (uint8_t)((out->uuid[8] & 0x3f) | 0x80);
    TRY(folder_name(draft, id, arena, &out->folder, error));
    TRY(draft_schema(draft, id, arena, &out->schema, error));
    const Expression **defaults = ARENA_ARRAY(arena, const Expression *, draft->column_count + 1);
    if (defaults == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; draft->defaults != NULL && i < draft->column_count; i++)
        defaults[i] = draft->defaults[i];
    out->defaults = defaults;
    return OK;
}

static Status create_filled(Catalog *catalog, const TableDraft *draft,
                            const CatalogNamespace *name_space, Arena *arena, Error *error)
{
    CatalogChange change = {.kind = CATALOG_TABLE};
    CatalogTable *table = &change.as.table;
    TableDefinition definition;
    Path folder;
    Status status = OK;
    GO(fill_table(catalog, draft, name_space, arena, table, error));
    GO(catalog_table_definition(catalog, table, &folder, &definition, error));
    TableChange table_change = {TABLE_CHANGE_CREATE, table->id, &definition};
    GO(catalog_define(catalog, &change, 1, &table_change, 1, INT64_MAX, error));
done:
    if (table->schema != NULL)
        schema_release(table->schema);
    return status;
}

static Status create_table(Catalog *catalog, const TableDraft *draft, bool if_not_exists,
                           bool *existed, Arena *arena, Error *error)
{
    const CatalogNamespace *name_space =
        catalog_find_namespace(catalog->head, draft->namespace_name);
    if (name_space == NULL)
        return error_set(error, STATUS_INVALID_SCHEMA_NAME, "namespace \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(draft->namespace_name));
    *existed = catalog_find_table(catalog->head, draft->namespace_name, draft->name) != NULL;
    if (*existed && if_not_exists)
        return OK;
    if (*existed)
        return error_set(error, STATUS_DUPLICATE_TABLE, "relation \"%.*s\" already exists",
                         SLICE_ARGUMENTS(draft->name));
    if (draft->storage.size > 0 && !slice_equal_text(draft->storage, "local") &&
        catalog_find_storage(catalog->head, draft->storage) == NULL)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "storage \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(draft->storage));
    return create_filled(catalog, draft, name_space, arena, error);
}

Status catalog_create_table(Catalog *catalog, const TableDraft *draft, bool if_not_exists,
                            bool *existed, Error *error)
{
    Arena arena;
    TRY(object_name_check(draft->name, "table", error));
    arena_open(&arena, 0);
    mutex_lock(&catalog->define_mutex);
    Status status = create_table(catalog, draft, if_not_exists, existed, &arena, error);
    mutex_unlock(&catalog->define_mutex);
    arena_close(&arena);
    return status;
}

/* ---- DROP and TRUNCATE ---- */

static Status drop_table(Catalog *catalog, uint64_t table_id, int64_t deadline_ns, Arena *arena,
                         DropCounts *out, Error *error)
{
    const CatalogTable *table = catalog_table_by_id(catalog->head, table_id);
    if (table == NULL)
        return no_such_table(error);
    TRY(open_counts(arena, 1, out, error));
    TRY(note_dropped(catalog, table, arena, out, error));
    CatalogChange change = {.kind = CATALOG_TABLE, .removed = true};
    change.as.table.id = table_id;
    TableChange table_change = {TABLE_CHANGE_DROP, table_id, NULL};
    return catalog_define(catalog, &change, 1, &table_change, 1, deadline_ns, error);
}

Status catalog_drop_table(Catalog *catalog, uint64_t table_id, int64_t deadline_ns, Arena *arena,
                          DropCounts *out, Error *error)
{
    *out = (DropCounts){0};
    mutex_lock(&catalog->define_mutex);
    Status status = drop_table(catalog, table_id, deadline_ns, arena, out, error);
    mutex_unlock(&catalog->define_mutex);
    return status;
}

/* No change of the catalog: its record is empty, and says so by a count of zero. */
Status catalog_truncate_table(Catalog *catalog, uint64_t table_id, int64_t deadline_ns,
                              Error *error)
{
    TableChange table_change = {TABLE_CHANGE_TRUNCATE, table_id, NULL};
    mutex_lock(&catalog->define_mutex);
    Status status = catalog_table_by_id(catalog->head, table_id) == NULL
                        ? no_such_table(error)
                        : catalog_define(catalog, NULL, 0, &table_change, 1, deadline_ns, error);
    mutex_unlock(&catalog->define_mutex);
    return status;
}
