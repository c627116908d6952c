/* Reading a table's metadata JSON: ours, and as much of others' as Firn can go on from. */
#include <stdio.h>

#include "base/assert.h"
#include "cold/iceberg.h"

Status iceberg_damaged(const char *what, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "a table's metadata is damaged");
    return error_wrap(error, "%s", what);
}

Status iceberg_json(Arena *arena, Slice text, JsonValue **out, Error *error)
{
    Status status = json_read(arena, text, ICEBERG_JSON_DEPTH_MAX, out, error);
    if (status == STATUS_INVALID_JSON_TEXT || status == STATUS_STATEMENT_TOO_COMPLEX)
        return iceberg_damaged("it is not JSON", error);
    return status;
}

/* ---- paths ---- */

/* Every part of the path is a name, and none leads up or out. */
static bool is_inside(Slice path)
{
    if (path.size == 0 || path.size >= PATH_BYTES_MAX / 2 ||
        memchr(path.data, '\0', path.size) != NULL)
        return false;
    for (size_t begin = 0; begin <= path.size;) {
        Slice rest = slice_part(path, begin, path.size);
        Slice part = slice_part(rest, 0, slice_find(rest, '/'));
        if (part.size == 0 || slice_equal_text(part, ".") || slice_equal_text(part, ".."))
            return false;
        begin += part.size + 1;
    }
    return slice_starts_with(path, SLICE("data/")) || slice_starts_with(path, SLICE("metadata/"));
}

Status iceberg_relative(Arena *arena, const char *location, Slice path, const char **out,
                        Error *error)
{
    Slice before = slice_of_text(location);
    bool is_behind =
        path.size > before.size && slice_starts_with(path, before) && path.data[before.size] == '/';
    Slice relative = is_behind ? slice_part(path, before.size + 1, path.size) : SLICE_EMPTY;
    if (!is_inside(relative))
        return iceberg_damaged("it names a file outside of the table's folder", error);
    const char *text = arena_text(arena, relative);
    if (text == NULL)
        return arena_error(arena, error);
    *out = text;
    return OK;
}

/* ---- members ---- */

typedef struct TableReader {
    Arena *arena;
    IcebergTable *table;
    Error *error;
} TableReader;

static Status damaged(TableReader *reader, const char *what)
{
    return iceberg_damaged(what, reader->error);
}

static Status read_text(TableReader *reader, const JsonValue *object, const char *key,
                        const char **out)
{
    Slice text = json_member_text(object, key, SLICE_EMPTY);
    if (text.size == 0 || memchr(text.data, '\0', text.size) != NULL)
        return damaged(reader, key);
    *out = arena_text(reader->arena, text);
    return *out == NULL ? arena_error(reader->arena, reader->error) : OK;
}

/* A whole number from 0 up. */
static Status read_count(TableReader *reader, const JsonValue *object, const char *key,
                         int64_t *out)
{
    *out = json_member_integer(object, key, -1);
    return *out < 0 ? damaged(reader, key) : OK;
}

static Status read_schema_id(TableReader *reader, const JsonValue *object, const char *key,
                             uint32_t *out)
{
    int64_t id;
    TRY(read_count(reader, object, key, &id));
    *out = (uint32_t)id;
    return id > INT32_MAX ? damaged(reader, key) : OK;
}

static const JsonValue *array_member(const JsonValue *object, const char *key)
{
    const JsonValue *member = json_member(object, key);
    return member != NULL && member->kind == JSON_ARRAY ? member : NULL;
}

/* firn.… numbers are texts, in properties and summaries. */
static uint64_t number_property(const JsonValue *properties, const char *key)
{
    int64_t number;
    Slice text = json_member_text(properties, key, SLICE_EMPTY);
    return slice_to_int64(text, &number) && number >= 0 ? (uint64_t)number : 0;
}

static Status clone_slice(TableReader *reader, Slice s, Slice *out)
{
    return arena_clone(reader->arena, s, out, reader->error);
}

/* ---- parts ---- */

static Status read_schemas(TableReader *reader, const JsonValue *root)
{
    IcebergTable *table = reader->table;
    const JsonValue *schemas = array_member(root, "schemas");
    if (schemas == NULL || schemas->count == 0)
        return damaged(reader, "schemas");
    table->schemas = ARENA_ARRAY(reader->arena, IcebergSchema, schemas->count);
    if (table->schemas == NULL)
        return arena_error(reader->arena, reader->error);
    for (uint32_t i = 0; i < schemas->count; i++) {
        IcebergSchema *schema = &table->schemas[i];
        TRY(read_schema_id(reader, &schemas->children[i], "schema-id", &schema->id));
        TRY(clone_slice(reader, schemas->children[i].raw, &schema->json));
    }
    table->schema_count = schemas->count;
    TRY(read_schema_id(reader, root, "current-schema-id", &table->current_schema_id));
    if (iceberg_find_schema(table, table->current_schema_id) == NULL)
        return damaged(reader, "current-schema-id");
    return OK;
}

static bool is_user_partition(const JsonValue *field)
{
    return json_member_integer(field, "source-id", -1) == FIELD_ID_OWNER &&
           json_member_integer(field, "field-id", -1) == ICEBERG_PARTITION_FIELD_ID &&
           slice_equal_text(json_member_text(field, "transform", SLICE_EMPTY), "identity");
}

static Status read_partition_spec(TableReader *reader, const JsonValue *root)
{
    const JsonValue *specs = array_member(root, "partition-specs");
    const JsonValue *spec = specs != NULL && specs->count == 1 ? &specs->children[0] : NULL;
    const JsonValue *fields = array_member(spec, "fields");
    if (fields == NULL)
        return damaged(reader, "partition-specs");
    bool is_ours =
        json_member_integer(spec, "spec-id", -1) == ICEBERG_SPEC_ID &&
        (fields->count == 0 || (fields->count == 1 && is_user_partition(&fields->children[0])));
    if (!is_ours)
        return error_set(reader->error, STATUS_FEATURE_NOT_SUPPORTED,
                         "the table has an Iceberg partition spec that Firn did not make");
    reader->table->kind = fields->count == 0 ? TABLE_SHARED : TABLE_USER;
    return OK;
}

static Status read_sort_fields(TableReader *reader, const JsonValue *root)
{
    const JsonValue *orders = array_member(root, "sort-orders");
    for (uint32_t i = 0; orders != NULL && i < orders->count; i++) {
        const JsonValue *fields = array_member(&orders->children[i], "fields");
        if (json_member_integer(&orders->children[i], "order-id", -1) == ICEBERG_SORT_ORDER_ID &&
            fields != NULL)
            return clone_slice(reader, fields->raw, &reader->table->sort_fields);
    }
    return damaged(reader, "sort-orders");
}

/* Tables made before the property was have none: their format is the first. */
static Status check_table_format(TableReader *reader, const JsonValue *properties)
{
    if (json_member(properties, "firn.format") == NULL)
        return OK;
    uint64_t format = number_property(properties, "firn.format");
    return format == TABLE_FORMAT
               ? OK
               : error_set_format(reader->error, "a table's metadata", format, TABLE_FORMAT);
}

static Status read_properties(TableReader *reader, const JsonValue *root)
{
    IcebergTable *table = reader->table;
    const JsonValue *properties = json_member(root, "properties");
    TRY(check_table_format(reader, properties));
    TRY(clone_slice(reader, json_member_text(properties, "firn.namespace", SLICE_EMPTY),
                    &table->namespace_name));
    TRY(clone_slice(reader, json_member_text(properties, "firn.table", SLICE_EMPTY),
                    &table->table_name));
    table->table_id = number_property(properties, "firn.table_id");
    table->version = number_property(properties, "firn.version");
    return table->version == 0 ? damaged(reader, "firn.version") : OK;
}

static Status read_summary(TableReader *reader, const JsonValue *json, IcebergSnapshot *out)
{
    const JsonValue *summary = json_member(json, "summary");
    if (summary == NULL || summary->kind != JSON_OBJECT)
        return damaged(reader, "summary");
    TRY(read_text(reader, summary, "operation", &out->operation));
    TRY(clone_slice(reader, summary->raw, &out->summary));
    out->first_seq = number_property(summary, "firn.first_seq");
    out->last_seq = number_property(summary, "firn.last_seq");
    Slice deletes = json_member_text(summary, "firn.deletes", SLICE_EMPTY);
    if (deletes.size == 0)
        return OK;
    if (!is_inside(deletes))
        return damaged(reader, "firn.deletes");
    out->deletes = arena_text(reader->arena, deletes);
    return out->deletes == NULL ? arena_error(reader->arena, reader->error) : OK;
}

static Status read_snapshot(TableReader *reader, const JsonValue *json, IcebergSnapshot *out)
{
    TRY(read_count(reader, json, "snapshot-id", &out->id));
    TRY(read_count(reader, json, "sequence-number", &out->sequence));
    TRY(read_count(reader, json, "timestamp-ms", &out->timestamp_ms));
    TRY(read_schema_id(reader, json, "schema-id", &out->schema_id));
    out->parent_id = json_member_integer(json, "parent-snapshot-id", -1);
    TRY(iceberg_relative(reader->arena, reader->table->location,
                         json_member_text(json, "manifest-list", SLICE_EMPTY), &out->manifest_list,
                         reader->error));
    return read_summary(reader, json, out);
}

/* Oldest first, the current one last: Firn never goes back to an older one. */
static Status read_snapshots(TableReader *reader, const JsonValue *root)
{
    IcebergTable *table = reader->table;
    const JsonValue *snapshots = array_member(root, "snapshots");
    uint32_t count = snapshots == NULL ? 0 : snapshots->count;
    if (count > ICEBERG_SNAPSHOTS_LIMIT)
        return error_set(reader->error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "a table has more than %d Iceberg snapshots", ICEBERG_SNAPSHOTS_LIMIT);
    table->snapshots = ARENA_ARRAY(reader->arena, IcebergSnapshot, count);
    if (table->snapshots == NULL)
        return arena_error(reader->arena, reader->error);
    for (uint32_t i = 0; i < count; i++) {
        TRY(read_snapshot(reader, &snapshots->children[i], &table->snapshots[i]));
        if (i > 0 && table->snapshots[i].sequence <= table->snapshots[i - 1].sequence)
            return damaged(reader, "snapshots are not in order");
    }
    table->snapshot_count = count;
    int64_t current = json_member_integer(root, "current-snapshot-id", -1);
    if (current != (count == 0 ? -1 : table->snapshots[count - 1].id))
        return damaged(reader, "current-snapshot-id is not the last snapshot");
    return OK;
}

static Status read_metadata_log(TableReader *reader, const JsonValue *root)
{
    IcebergTable *table = reader->table;
    const JsonValue *log = array_member(root, "metadata-log");
    uint32_t count = log == NULL ? 0 : log->count;
    table->log = ARENA_ARRAY(reader->arena, IcebergLogEntry, count);
    if (table->log == NULL)
        return arena_error(reader->arena, reader->error);
    for (uint32_t i = 0; i < count; i++) {
        TRY(read_count(reader, &log->children[i], "timestamp-ms", &table->log[i].timestamp_ms));
        TRY(iceberg_relative(reader->arena, table->location,
                             json_member_text(&log->children[i], "metadata-file", SLICE_EMPTY),
                             &table->log[i].path, reader->error));
    }
    table->log_count = count;
    return OK;
}

static Status check_format_version(TableReader *reader, const JsonValue *root)
{
    int64_t version = json_member_integer(root, "format-version", -1);
    if (version < 1)
        return damaged(reader, "format-version");
    if (version != ICEBERG_FORMAT_VERSION)
        return error_set(reader->error, STATUS_FEATURE_NOT_SUPPORTED,
                         "Iceberg format version %lld is not supported, only %d",
                         (long long)version, ICEBERG_FORMAT_VERSION);
    return OK;
}

Status iceberg_read_table(Arena *arena, Slice text, IcebergTable *out, Error *error)
{
    JsonValue *root;
    IcebergTable table = {0};
    TableReader reader = {arena, &table, error};
    TRY(iceberg_json(arena, text, &root, error));
    TRY(check_format_version(&reader, root));
    TRY(read_text(&reader, root, "table-uuid", &table.uuid));
    TRY(read_text(&reader, root, "location", &table.location));
    if (table.location[0] != '/' || strlen(table.location) >= PATH_BYTES_MAX)
        return damaged(&reader, "location");
    TRY(read_count(&reader, root, "last-sequence-number", &table.last_sequence));
    TRY(read_count(&reader, root, "last-updated-ms", &table.last_updated_ms));
    TRY(read_schemas(&reader, root));
    TRY(read_partition_spec(&reader, root));
    TRY(read_sort_fields(&reader, root));
    TRY(read_properties(&reader, root));
    TRY(read_snapshots(&reader, root));
    TRY(read_metadata_log(&reader, root));
    *out = table;
    return OK;
}

const IcebergSchema *iceberg_find_schema(const IcebergTable *table, uint32_t id)
{
    for (uint32_t i = 0; i < table->schema_count; i++) {
        if (table->schemas[i].id == id)
            return &table->schemas[i];
    }
    return NULL;
}

/* ---- copying ---- */

static Status clone_text(Arena *arena, const char *text, const char **out, Error *error)
{
    if (text == NULL) {
        *out = NULL;
        return OK;
    }
    *out = arena_text(arena, slice_of_text(text));
    return *out == NULL ? arena_error(arena, error) : OK;
}

static Status clone_snapshot(Arena *arena, const IcebergSnapshot *snapshot, IcebergSnapshot *out,
                             Error *error)
{
    *out = *snapshot;
    TRY(clone_text(arena, snapshot->manifest_list, &out->manifest_list, error));
    TRY(clone_text(arena, snapshot->operation, &out->operation, error));
    TRY(clone_text(arena, snapshot->deletes, &out->deletes, error));
    return arena_clone(arena, snapshot->summary, &out->summary, error);
}

static Status clone_lists(Arena *arena, const IcebergTable *table, IcebergTable *out, Error *error)
{
    out->schemas = ARENA_ARRAY(arena, IcebergSchema, table->schema_count);
    out->snapshots = ARENA_ARRAY(arena, IcebergSnapshot, table->snapshot_count);
    out->log = ARENA_ARRAY(arena, IcebergLogEntry, table->log_count);
    if (out->schemas == NULL || out->snapshots == NULL || out->log == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < table->schema_count; i++) {
        out->schemas[i].id = table->schemas[i].id;
        TRY(arena_clone(arena, table->schemas[i].json, &out->schemas[i].json, error));
    }
    for (uint32_t i = 0; i < table->snapshot_count; i++)
        TRY(clone_snapshot(arena, &table->snapshots[i], &out->snapshots[i], error));
    for (uint32_t i = 0; i < table->log_count; i++) {
        out->log[i].timestamp_ms = table->log[i].timestamp_ms;
        TRY(clone_text(arena, table->log[i].path, &out->log[i].path, error));
    }
    return OK;
}

Status iceberg_clone_table(Arena *arena, const IcebergTable *table, IcebergTable *out, Error *error)
{
    IcebergTable clone = *table;
    TRY(clone_text(arena, table->uuid, &clone.uuid, error));
    TRY(clone_text(arena, table->location, &clone.location, error));
    TRY(arena_clone(arena, table->namespace_name, &clone.namespace_name, error));
    TRY(arena_clone(arena, table->table_name, &clone.table_name, error));
    TRY(arena_clone(arena, table->sort_fields, &clone.sort_fields, error));
    TRY(clone_lists(arena, table, &clone, error));
    *out = clone;
    return OK;
}
