/* Catalog changes as bytes: what a catalog record of the log and a checkpoint hold.
 *
 *     change      u8 format (1), u8 kind, u8 removed, then
 *       removed   varint id (namespaces, tables, users) or sized name (storages, settings)
 *       put       the object's fields in the order of its struct: integers as varints (signed ones
 *                 zigzag), texts sized, schemas by schema_encode, expressions by expression_encode
 *     snapshot    varint number of changes, each put
 * A later format adds fields at the end of an object and raises the number; older ones stay
 * readable. */
#include "base/assert.h"
#include "catalog/snapshot_int.h"

enum {
    CATALOG_FORMAT = 1,
    CATALOG_CHECKS_MAX = 1000,
    CATALOG_OLD_SCHEMAS_MAX = 100000,
};

static void put_signed(Buffer *out, int64_t value)
{
    buffer_put_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

static int64_t get_signed(Cursor *cursor)
{
    uint64_t value = cursor_varint(cursor);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* ---- encoding ---- */

static void put_namespace(Buffer *out, const CatalogNamespace *name_space)
{
    buffer_put_varint(out, name_space->id);
    buffer_put_sized(out, name_space->name);
    buffer_put_varint(out, name_space->owner);
    put_signed(out, name_space->created_us);
}

static void put_options(Buffer *out, const TableOptions *options)
{
    put_signed(out, options->flush_rows);
    put_signed(out, options->flush_interval_ms);
    put_signed(out, options->flush_bytes);
    put_signed(out, options->ttl_ms);
    put_signed(out, options->snapshot_retention_ms);
    put_signed(out, options->target_file_bytes);
    buffer_put(out, options->compression, sizeof options->compression);
    buffer_put_u8(out, options->format_version);
}

static void put_optional_expression(Buffer *out, const Expression *expression)
{
    buffer_put_u8(out, expression != NULL);
    if (expression != NULL)
        expression_encode(out, expression);
}

static void put_table(Buffer *out, const CatalogTable *table)
{
    buffer_put_varint(out, table->id);
    buffer_put_varint(out, table->namespace_id);
    buffer_put_sized(out, table->namespace_name);
    buffer_put_sized(out, table->name);
    buffer_put_u8(out, (uint8_t)table->access);
    buffer_put_sized(out, table->storage);
    buffer_put_sized(out, table->folder);
    schema_encode(out, table->schema);
    for (uint32_t i = 0; i < table->schema->column_count; i++)
        put_optional_expression(out, table->defaults == NULL ? NULL : table->defaults[i]);
    buffer_put_varint(out, table->check_count);
    for (uint32_t i = 0; i < table->check_count; i++) {
        buffer_put_sized(out, table->checks[i].name);
        buffer_put_sized(out, table->checks[i].sql);
        expression_encode(out, table->checks[i].expression);
    }
    put_options(out, &table->options);
    buffer_put_sized(out, table->comment);
    buffer_put_varint(out, table->creator);
    put_signed(out, table->created_us);
    put_signed(out, table->altered_us);
    buffer_put(out, table->uuid, sizeof table->uuid);
    buffer_put_varint(out, table->old_schema_count);
    for (uint32_t i = 0; i < table->old_schema_count; i++)
        schema_encode(out, table->old_schemas[i]);
}

static void put_user(Buffer *out, const CatalogUser *user)
{
    buffer_put_varint(out, user->id);
    buffer_put_sized(out, user->name);
    buffer_put_u8(out, (uint8_t)user->role);
    buffer_put_sized(out, user->verifier);
    buffer_put_sized(out, user->email);
    buffer_put_sized(out, user->storage);
    buffer_put_varint(out, user->version);
    put_signed(out, user->created_us);
    put_signed(out, user->last_seen_us);
    put_signed(out, user->deleted_us);
    buffer_put_u8(out, user->keeps_name);
}

static void put_storage(Buffer *out, const CatalogStorage *storage)
{
    buffer_put_sized(out, storage->id);
    buffer_put_sized(out, storage->type);
    buffer_put_sized(out, storage->path);
    buffer_put_sized(out, storage->options_json);
    put_signed(out, storage->created_us);
}

static void put_object(Buffer *out, CatalogObjectKind kind, const void *typed)
{
    switch (kind) {
    case CATALOG_NAMESPACE:
        put_namespace(out, typed);
        return;
    case CATALOG_TABLE:
        put_table(out, typed);
        return;
    case CATALOG_USER:
        put_user(out, typed);
        return;
    case CATALOG_STORAGE:
        put_storage(out, typed);
        return;
    case CATALOG_SETTING:
        buffer_put_sized(out, ((const CatalogSetting *)typed)->name);
        buffer_put_sized(out, ((const CatalogSetting *)typed)->value);
        return;
    }
    UNREACHABLE();
}

static void put_header(Buffer *out, CatalogObjectKind kind, bool removed)
{
    buffer_put_u8(out, CATALOG_FORMAT);
    buffer_put_u8(out, (uint8_t)kind);
    buffer_put_u8(out, removed);
}

void catalog_change_encode(Buffer *out, const CatalogChange *change)
{
    put_header(out, change->kind, change->removed);
    if (!change->removed)
        put_object(out, change->kind, &change->as);
    else if (change->kind == CATALOG_STORAGE)
        buffer_put_sized(out, change->as.storage.id);
    else if (change->kind == CATALOG_SETTING)
        buffer_put_sized(out, change->as.setting.name);
    else
        buffer_put_varint(out, catalog_object_id(change->kind, &change->as));
}

Status catalog_snapshot_encode(const CatalogSnapshot *snapshot, Buffer *out, Error *error)
{
    size_t count = 0;
    for (int k = 0; k < CATALOG_KIND_COUNT; k++)
        count += snapshot->index[k].count;
    buffer_put_varint(out, count);
    for (int k = 0; k < CATALOG_KIND_COUNT; k++) {
        for (size_t i = 0; i < snapshot->index[k].count; i++) {
            put_header(out, (CatalogObjectKind)(k + 1), false);
            put_object(out, (CatalogObjectKind)(k + 1), snapshot->index[k].by_name[i]);
        }
    }
    return buffer_status(out, error);
}

/* ---- decoding ---- */

static Status damaged(Error *error)
{
    return error_set(error, STATUS_DATA_CORRUPTED, "a catalog record is damaged");
}

static void get_namespace(Cursor *cursor, CatalogNamespace *out)
{
    out->id = cursor_varint(cursor);
    out->name = cursor_sized(cursor);
    out->owner = (OwnerId)cursor_varint(cursor);
    out->created_us = get_signed(cursor);
}

static void get_options(Cursor *cursor, TableOptions *out)
{
    out->flush_rows = get_signed(cursor);
    out->flush_interval_ms = get_signed(cursor);
    out->flush_bytes = get_signed(cursor);
    out->ttl_ms = get_signed(cursor);
    out->snapshot_retention_ms = get_signed(cursor);
    out->target_file_bytes = get_signed(cursor);
    Slice compression = cursor_bytes(cursor, sizeof out->compression);
    if (compression.size == sizeof out->compression)
        memcpy(out->compression, compression.data, sizeof out->compression - 1);
    out->format_version = cursor_u8(cursor);
}

static Status get_defaults(Arena *arena, Cursor *cursor, CatalogTable *out, Error *error)
{
    const Expression **defaults = ARENA_ARRAY(arena, const Expression *, out->schema->column_count);
    if (defaults == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < out->schema->column_count; i++) {
        Expression *expression = NULL;
        if (cursor_u8(cursor) != 0)
            TRY(expression_decode(arena, cursor, &expression, error));
        defaults[i] = expression;
    }
    out->defaults = defaults;
    return OK;
}

static Status get_checks(Arena *arena, Cursor *cursor, CatalogTable *out, Error *error)
{
    uint64_t count = cursor_varint(cursor);
    if (count > CATALOG_CHECKS_MAX || count > cursor_rest(cursor))
        return damaged(error);
    CatalogCheck *checks = ARENA_ARRAY(arena, CatalogCheck, count);
    if (checks == NULL)
        return arena_error(arena, error);
    for (uint64_t i = 0; i < count; i++) {
        Expression *expression;
        checks[i].name = cursor_sized(cursor);
        checks[i].sql = cursor_sized(cursor);
        TRY(expression_decode(arena, cursor, &expression, error));
        checks[i].expression = expression;
    }
    out->checks = checks;
    out->check_count = (uint32_t)count;
    return OK;
}

/* Schemas decoded into a change live as long as its arena does: the arena cannot release them, so
 * whoever decodes calls catalog_change_close. */
static Status get_old_schemas(Arena *arena, Cursor *cursor, CatalogTable *out, Error *error)
{
    uint64_t count = cursor_varint(cursor);
    if (count > CATALOG_OLD_SCHEMAS_MAX || count > cursor_rest(cursor))
        return damaged(error);
    Schema **schemas = ARENA_ARRAY(arena, Schema *, count);
    if (schemas == NULL)
        return arena_error(arena, error);
    out->old_schemas = schemas;
    for (uint64_t i = 0; i < count; i++) {
        TRY(schema_decode(cursor, &schemas[i], error));
        out->old_schema_count++;
    }
    return OK;
}

static Status get_table(Arena *arena, Cursor *cursor, CatalogTable *out, Error *error)
{
    out->id = cursor_varint(cursor);
    out->namespace_id = cursor_varint(cursor);
    out->namespace_name = cursor_sized(cursor);
    out->name = cursor_sized(cursor);
    out->access = (TableAccess)cursor_u8(cursor);
    out->storage = cursor_sized(cursor);
    out->folder = cursor_sized(cursor);
    TRY(schema_decode(cursor, &out->schema, error));
    out->kind = out->schema->kind;
    TRY(get_defaults(arena, cursor, out, error));
    TRY(get_checks(arena, cursor, out, error));
    get_options(cursor, &out->options);
    out->comment = cursor_sized(cursor);
    out->creator = (OwnerId)cursor_varint(cursor);
    out->created_us = get_signed(cursor);
    out->altered_us = get_signed(cursor);
    Slice uuid = cursor_bytes(cursor, sizeof out->uuid);
    if (uuid.size == sizeof out->uuid)
        memcpy(out->uuid, uuid.data, sizeof out->uuid);
    return get_old_schemas(arena, cursor, out, error);
}

static void get_user(Cursor *cursor, CatalogUser *out)
{
    out->id = (OwnerId)cursor_varint(cursor);
    out->name = cursor_sized(cursor);
    out->role = (Role)cursor_u8(cursor);
    out->verifier = cursor_sized(cursor);
    out->email = cursor_sized(cursor);
    out->storage = cursor_sized(cursor);
    out->version = cursor_varint(cursor);
    out->created_us = get_signed(cursor);
    out->last_seen_us = get_signed(cursor);
    out->deleted_us = get_signed(cursor);
    out->keeps_name = cursor_u8(cursor) != 0;
}

static void get_storage(Cursor *cursor, CatalogStorage *out)
{
    out->id = cursor_sized(cursor);
    out->type = cursor_sized(cursor);
    out->path = cursor_sized(cursor);
    out->options_json = cursor_sized(cursor);
    out->created_us = get_signed(cursor);
}

static void get_removed(Cursor *cursor, CatalogChange *out)
{
    switch (out->kind) {
    case CATALOG_NAMESPACE:
        out->as.name_space.id = cursor_varint(cursor);
        return;
    case CATALOG_TABLE:
        out->as.table.id = cursor_varint(cursor);
        return;
    case CATALOG_USER:
        out->as.user.id = (OwnerId)cursor_varint(cursor);
        return;
    case CATALOG_STORAGE:
        out->as.storage.id = cursor_sized(cursor);
        return;
    case CATALOG_SETTING:
        out->as.setting.name = cursor_sized(cursor);
        return;
    }
    UNREACHABLE();
}

static Status get_object(Arena *arena, Cursor *cursor, CatalogChange *out, Error *error)
{
    switch (out->kind) {
    case CATALOG_NAMESPACE:
        get_namespace(cursor, &out->as.name_space);
        return OK;
    case CATALOG_TABLE:
        return get_table(arena, cursor, &out->as.table, error);
    case CATALOG_USER:
        get_user(cursor, &out->as.user);
        return OK;
    case CATALOG_STORAGE:
        get_storage(cursor, &out->as.storage);
        return OK;
    case CATALOG_SETTING:
        out->as.setting.name = cursor_sized(cursor);
        out->as.setting.value = cursor_sized(cursor);
        return OK;
    }
    UNREACHABLE();
}

static bool is_sound(const CatalogChange *change)
{
    if (change->kind == CATALOG_TABLE && !change->removed)
        return change->as.table.access <= ACCESS_PUBLIC;
    if (change->kind == CATALOG_USER && !change->removed)
        return change->as.user.role <= ROLE_SYSTEM;
    return true;
}

Status catalog_change_decode(Arena *arena, Cursor *cursor, CatalogChange *out, Error *error)
{
    memset(out, 0, sizeof *out);
    uint8_t format = cursor_u8(cursor);
    uint8_t kind = cursor_u8(cursor);
    uint8_t removed = cursor_u8(cursor);
    if (!cursor->failed && format != CATALOG_FORMAT)
        return error_set_format(error, "a catalog record", format, CATALOG_FORMAT);
    if (cursor->failed || kind < 1 || kind > CATALOG_KIND_COUNT || removed > 1)
        return damaged(error);
    out->kind = (CatalogObjectKind)kind;
    out->removed = removed;
    Status status = OK;
    if (out->removed)
        get_removed(cursor, out);
    else
        status = get_object(arena, cursor, out, error);
    if (status == OK && (cursor->failed || !is_sound(out)))
        status = damaged(error);
    if (status != OK)
        catalog_change_close(out);
    return status;
}

void catalog_change_close(CatalogChange *change)
{
    if (change->kind != CATALOG_TABLE || change->removed)
        return;
    CatalogTable *table = &change->as.table;
    for (uint32_t i = 0; i < table->old_schema_count; i++)
        schema_release(table->old_schemas[i]);
    table->old_schema_count = 0;
    if (table->schema != NULL)
        schema_release(table->schema);
    table->schema = NULL;
}
