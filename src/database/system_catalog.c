/* What has a name: system.namespaces, tables, columns, indexes, users, storages. */
#include <stdio.h>

#include "base/json.h"
#include "database/system_int.h"
#include "sql/quantity.h"

/* ---- namespaces ---- */

typedef struct TableCounts {
    int64_t all;
    int64_t seen;
} TableCounts;

static TableCounts count_tables(const SystemRows *rows, uint64_t namespace_id)
{
    const CatalogTable *const *tables;
    size_t count = catalog_tables(rows->snapshot, &tables);
    TableCounts out = {0};
    for (size_t i = 0; i < count; i++) {
        if (tables[i]->namespace_id != namespace_id)
            continue;
        out.all++;
        out.seen += system_sees_table(rows, tables[i]);
    }
    return out;
}

/* Who may make tables anywhere may know of every namespace, others of those where they see one. */
Status system_rows_namespaces(SystemRows *rows, Error *error)
{
    const CatalogNamespace *const *namespaces;
    size_t count = catalog_namespaces(rows->snapshot, &namespaces);
    GuardedObject none = {.kind = OBJECT_NONE};
    bool sees_empty = guard_allows(rows->who->role, ACTION_CREATE_TABLE, &none);
    for (size_t i = 0; i < count; i++) {
        TableCounts tables = count_tables(rows, namespaces[i]->id);
        if (!sees_empty && tables.seen == 0)
            continue;
        row_text(rows, namespaces[i]->name);
        row_text_or_null(rows, system_sees_user(rows, namespaces[i]->owner)
                                   ? system_user_name(rows, namespaces[i]->owner)
                                   : SLICE_EMPTY);
        row_time_or_null(rows, namespaces[i]->created_us);
        row_integer(rows, sees_empty ? tables.all : tables.seen);
        row_text(rows, SLICE("{}"));
        TRY(row_end(rows, error));
    }
    return OK;
}

/* ---- tables ---- */

static const char *kind_name(TableKind kind)
{
    static const char *const names[] = {
        [TABLE_SHARED] = "shared", [TABLE_USER] = "user", [TABLE_STREAM] = "stream"};
    return names[kind];
}

static const char *access_name(const CatalogTable *table)
{
    static const char *const names[] = {
        [ACCESS_PRIVATE] = "private", [ACCESS_PROTECTED] = "protected", [ACCESS_PUBLIC] = "public"};
    return table->kind == TABLE_SHARED ? names[table->access] : NULL;
}

/* The declared key; a hidden `_row` is none. */
static uint32_t key_names(SystemRows *rows, const Schema *schema, Slice **out)
{
    if (schema->columns[schema->key_columns[0]].hidden)
        return 0;
    Slice *names = row_allocate(rows, schema->key_count * sizeof *names);
    if (names == NULL)
        return 0;
    for (uint32_t i = 0; i < schema->key_count; i++)
        names[i] = schema->columns[schema->key_columns[i]].name;
    *out = names;
    return schema->key_count;
}

static void put_duration(JsonWriter *writer, const char *key, int64_t milliseconds)
{
    char text[QUANTITY_TEXT_BYTES_MAX];
    if (milliseconds == 0)
        return;
    duration_put_text(milliseconds, text);
    json_key(writer, key);
    json_text(writer, text);
}

static void put_count(JsonWriter *writer, const char *key, int64_t count)
{
    if (count == 0)
        return;
    json_key(writer, key);
    json_integer(writer, count);
}

/* What the table itself says, as WITH takes it; the columns beside it say what is in force. */
static void row_options(SystemRows *rows, const TableOptions *options)
{
    JsonWriter writer;
    Buffer out;
    buffer_open(&out, 0);
    json_begin(&writer, &out);
    json_open_object(&writer);
    put_count(&writer, "flush_rows", options->flush_rows);
    put_duration(&writer, "flush_interval", options->flush_interval_ms);
    put_count(&writer, "flush_bytes", options->flush_bytes);
    put_duration(&writer, "ttl", options->ttl_ms);
    put_duration(&writer, "snapshot_retention", options->snapshot_retention_ms);
    put_count(&writer, "target_file_size", options->target_file_bytes);
    put_count(&writer, "format_version", options->format_version);
    if (options->compression[0] != '\0') {
        json_key(&writer, "compression");
        json_text(&writer, options->compression);
    }
    json_close_object(&writer);
    if (out.failed)
        rows->status = STATUS_OUT_OF_MEMORY;
    row_copy(rows, buffer_slice(&out));
    buffer_close(&out);
}

static Status put_table(SystemRows *rows, const CatalogTable *table, Error *error)
{
    TablePolicy policy;
    Slice *key = NULL;
    uint32_t key_count = key_names(rows, table->schema, &key);
    catalog_policy(rows->sources->catalog, table, &policy);
    row_text(rows, table->namespace_name);
    row_text(rows, table->name);
    row_words(rows, kind_name(table->kind));
    row_words(rows, access_name(table));
    row_text(rows, table->storage);
    row_integer(rows, table->schema->version);
    row_texts(rows, key, key_count);
    row_integer(rows, policy.flush_rows);
    row_integer(rows, policy.flush_interval_ns / 1000000);
    row_integer(rows, policy.flush_bytes);
    row_unsigned_or_null(rows, (uint64_t)policy.ttl_us / 1000);
    row_words(rows, policy.compression);
    row_options(rows, &table->options);
    row_text_or_null(rows, table->comment);
    row_time_or_null(rows, table->created_us);
    row_time_or_null(rows, table->altered_us);
    return row_end(rows, error);
}

Status system_rows_tables(SystemRows *rows, Error *error)
{
    const CatalogTable *const *tables;
    size_t count = catalog_tables(rows->snapshot, &tables);
    for (size_t i = 0; i < count; i++) {
        if (system_sees_table(rows, tables[i]))
            TRY(put_table(rows, tables[i], error));
    }
    return OK;
}

/* ---- columns ---- */

static Status put_column(SystemRows *rows, const CatalogTable *table, const Column *column,
                         uint32_t position, Error *error)
{
    char type[TYPE_NAME_BYTES_MAX];
    type_name(column->type, type);
    row_text(rows, table->namespace_name);
    row_text(rows, table->name);
    row_text(rows, column->name);
    row_unsigned_or_null(rows, position);
    row_integer(rows, column->field_id);
    row_copy(rows, slice_of_text(type));
    row_boolean(rows, !column->not_null && column->key_position < 0);
    row_text_or_null(rows, column->default_sql);
    row_unsigned_or_null(rows, position == 0 ? 0 : (uint64_t)(column->key_position + 1));
    row_text_or_null(rows, column->comment);
    row_boolean(rows, position == 0);
    return row_end(rows, error);
}

/* Does a schema from `from` on, or the current one, have the field? */
static bool is_known_later(const CatalogTable *table, uint32_t from, uint32_t field_id)
{
    for (uint32_t i = from; i < table->old_schema_count; i++) {
        if (schema_find_field(table->old_schemas[i], field_id) >= 0)
            return true;
    }
    return schema_find_field(table->schema, field_id) >= 0;
}

/* Columns that only older versions have, each as it was last: files still hold them. */
static Status put_dropped_columns(SystemRows *rows, const CatalogTable *table, Error *error)
{
    for (uint32_t i = 0; i < table->old_schema_count; i++) {
        const Schema *schema = table->old_schemas[i];
        for (uint32_t c = 0; c < schema->column_count; c++) {
            const Column *column = &schema->columns[c];
            if (!column->hidden && !is_known_later(table, i + 1, column->field_id))
                TRY(put_column(rows, table, column, 0, error));
        }
    }
    return OK;
}

static Status put_columns(SystemRows *rows, const CatalogTable *table, Error *error)
{
    const Schema *schema = table->schema;
    uint32_t position = 0;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (!schema->columns[c].hidden)
            TRY(put_column(rows, table, &schema->columns[c], ++position, error));
    }
    return put_dropped_columns(rows, table, error);
}

Status system_rows_columns(SystemRows *rows, Error *error)
{
    const CatalogTable *const *tables;
    size_t count = catalog_tables(rows->snapshot, &tables);
    for (size_t i = 0; i < count; i++) {
        if (system_sees_table(rows, tables[i]))
            TRY(put_columns(rows, tables[i], error));
    }
    return OK;
}

/* ---- indexes ---- */

static void sum_key_indexes(const SystemRows *rows, const SystemPin *pin, uint64_t *entries,
                            uint64_t *bytes)
{
    const ColdVersion *cold = pin_cold(pin->pin, 0);
    size_t count = cold_version_index_count(cold);
    *entries = 0;
    *bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const KeyIndex *index = cold_version_index(cold, i);
        char relative[64];
        (void)snprintf(relative, sizeof relative, "keys/%llu.keys",
                       (unsigned long long)key_index_file_sequence(index));
        *entries += key_index_count(index);
        *bytes += system_file_size(rows, pin, relative);
    }
}

/* The index of a declared key, as far as it lies on the disk; rows in memory have their own, and
 * those of windows go with them. */
static Status put_key_index(SystemRows *rows, const CatalogTable *table, const SystemPin *pin,
                            Error *error)
{
    Slice *key = NULL;
    uint32_t key_count = key_names(rows, table->schema, &key);
    bool counts = system_owner_seen(rows, table) == 0 && table->kind != TABLE_STREAM;
    uint64_t entries;
    uint64_t bytes;
    if (key_count == 0 && rows->status == OK)
        return OK;
    sum_key_indexes(rows, pin, &entries, &bytes);
    row_text(rows, table->namespace_name);
    row_text(rows, table->name);
    row_text(rows, SLICE("primary"));
    row_texts(rows, key, key_count);
    row_boolean(rows, true);
    row_text(rows, SLICE("key"));
    if (counts) {
        row_unsigned(rows, entries);
        row_unsigned(rows, bytes);
    } else {
        row_null(rows);
        row_null(rows);
    }
    row_text(rows, SLICE("ready"));
    return row_end(rows, error);
}

Status system_rows_indexes(SystemRows *rows, Error *error)
{
    return system_each_table(rows, put_key_index, error);
}

/* ---- users ---- */

Status system_rows_users(SystemRows *rows, Error *error)
{
    const CatalogUser *const *users;
    size_t count = catalog_users(rows->snapshot, &users);
    for (size_t i = 0; i < count; i++) {
        const CatalogUser *user = users[i];
        if (!system_sees_user(rows, user->id))
            continue;
        row_text(rows, user->name);
        row_words(rows, role_name(user->role));
        row_text_or_null(rows, user->email);
        row_text_or_null(rows, user->storage);
        row_time_or_null(rows, user->created_us);
        row_time_or_null(rows, user->last_seen_us);
        row_time_or_null(rows, user->deleted_us);
        row_text(rows, SLICE("{}"));
        TRY(row_end(rows, error));
    }
    return OK;
}

/* ---- storages ---- */

enum { STORAGE_OPTIONS_DEPTH_MAX = 8 };

/* Everything but what is known to be harmless is a secret: better one asterisk too many. */
static bool is_secret(Slice key)
{
    static const char *const harmless[] = {"endpoint", "region", "bucket", "shared_template",
                                           "user_template"};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++) {
        if (slice_equal_text(key, harmless[i]))
            return false;
    }
    return true;
}

static void put_options(Buffer *out, const JsonValue *options)
{
    JsonWriter writer;
    json_begin(&writer, out);
    json_open_object(&writer);
    for (uint32_t i = 0; options->kind == JSON_OBJECT && i < options->count; i++) {
        const JsonValue *member = &options->children[i];
        json_key_slice(&writer, member->key);
        if (is_secret(member->key))
            json_text(&writer, "***");
        else
            json_raw(&writer, member->raw);
    }
    json_close_object(&writer);
}

static void row_storage_options(SystemRows *rows, Slice json)
{
    JsonValue *options;
    Error ignored;
    Buffer out;
    buffer_open(&out, 0);
    if (json.size > 0 &&
        json_read(&rows->scratch, json, STORAGE_OPTIONS_DEPTH_MAX, &options, &ignored) == OK)
        put_options(&out, options);
    else
        buffer_put_text(&out, "{}");
    if (out.failed)
        rows->status = STATUS_OUT_OF_MEMORY;
    row_copy(rows, buffer_slice(&out));
    buffer_close(&out);
}

/* Bytes of data files of the storage's tables, and how many tables. */
static Status sum_tables(const SystemRows *rows, Slice storage, uint64_t *tables, uint64_t *bytes,
                         Error *error)
{
    const CatalogTable *const *all;
    size_t count = catalog_tables(rows->snapshot, &all);
    *tables = 0;
    *bytes = 0;
    for (size_t i = 0; i < count; i++) {
        SystemPin pin;
        if (!slice_equal(all[i]->storage, storage))
            continue;
        TRY(system_pin_open(rows, all[i]->id, &pin, error));
        if (pin.pin != NULL)
            *bytes += cold_version_bytes(pin_cold(pin.pin, 0));
        *tables += pin.pin != NULL;
        system_pin_close(&pin);
    }
    return OK;
}

/* A storage's folder is made with its first table. */
static const char *storage_status(const SystemRows *rows, const char *path, uint64_t tables)
{
    FileInformation information;
    Error ignored;
    if (env_stat(rows->sources->env, path, &information, &ignored) != OK)
        return "unreachable";
    if (information.exists)
        return information.is_directory ? "ok" : "not a folder";
    return tables == 0 ? "unused" : "missing";
}

static Status put_storage(SystemRows *rows, Slice id, Slice type, Slice options, Error *error)
{
    uint64_t tables;
    uint64_t bytes;
    Path path;
    TRY(catalog_storage_path(rows->sources->catalog, id, &path, error));
    TRY(sum_tables(rows, id, &tables, &bytes, error));
    row_text(rows, id);
    row_text(rows, type);
    row_copy(rows, slice_of_text(path.text));
    row_storage_options(rows, options);
    row_unsigned(rows, tables);
    row_unsigned(rows, bytes);
    row_time_or_null(rows, env_wall_us(rows->sources->env)); /* it is checked now */
    row_words(rows, storage_status(rows, path.text, tables));
    return row_end(rows, error);
}

Status system_rows_storages(SystemRows *rows, Error *error)
{
    const CatalogStorage *const *storages;
    size_t count = catalog_storages(rows->snapshot, &storages);
    TRY(put_storage(rows, SLICE("local"), SLICE("filesystem"), SLICE_EMPTY, error));
    for (size_t i = 0; i < count; i++) {
        const CatalogStorage *storage = storages[i];
        if (slice_equal_text(storage->id, "local"))
            continue;
        Status status = put_storage(rows, storage->id, storage->type, storage->options_json, error);
        if (status != OK && status != STATUS_UNDEFINED_OBJECT) /* dropped at this moment */
            return status;
    }
    return OK;
}
