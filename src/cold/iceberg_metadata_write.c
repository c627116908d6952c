/* Writing a table's metadata JSON, Iceberg format version 2. */
#include <stdio.h>

#include "base/assert.h"
#include "cold/iceberg.h"

void iceberg_absolute(const char *location, const char *path, char out[ICEBERG_PATH_BYTES_MAX])
{
    int size = snprintf(out, ICEBERG_PATH_BYTES_MAX, "%s/%s", location, path);
    ASSERT(size > 0 && size < ICEBERG_PATH_BYTES_MAX);
}

void iceberg_uuid_text(const uint8_t uuid[16], char out[ICEBERG_UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[uuid[i] >> 4];
        *at++ = digits[uuid[i] & 15];
    }
    *at = '\0';
}

/* ---- members ---- */

static void put_text(JsonWriter *json, const char *key, const char *value)
{
    json_key(json, key);
    json_text(json, value);
}

static void put_integer(JsonWriter *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_integer(json, value);
}

static void put_path(JsonWriter *json, const char *key, const char *location, const char *path)
{
    char whole[ICEBERG_PATH_BYTES_MAX];
    iceberg_absolute(location, path, whole);
    put_text(json, key, whole);
}

/* Properties are texts, also those that are numbers. */
static void put_number_property(JsonWriter *json, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put_text(json, key, text);
}

/* ---- parts ---- */

static void put_schemas(JsonWriter *json, const IcebergTable *table)
{
    json_key(json, "schemas");
    json_open_array(json);
    for (uint32_t i = 0; i < table->schema_count; i++)
        json_raw(json, table->schemas[i].json);
    json_close_array(json);
    put_integer(json, "current-schema-id", table->current_schema_id);
}

/* A SHARED table has one partition, a USER table one for each user. */
static void put_partition_specs(JsonWriter *json, TableKind kind)
{
    json_key(json, "partition-specs");
    json_open_array(json);
    json_open_object(json);
    put_integer(json, "spec-id", ICEBERG_SPEC_ID);
    json_key(json, "fields");
    json_open_array(json);
    if (kind == TABLE_USER) {
        json_open_object(json);
        put_integer(json, "source-id", FIELD_ID_OWNER);
        put_integer(json, "field-id", ICEBERG_PARTITION_FIELD_ID);
        put_text(json, "name", "_user");
        put_text(json, "transform", "identity");
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
    json_close_array(json);
    put_integer(json, "default-spec-id", ICEBERG_SPEC_ID);
    put_integer(json, "last-partition-id",
                kind == TABLE_USER ? ICEBERG_PARTITION_FIELD_ID : ICEBERG_PARTITION_FIELD_ID - 1);
}

/* Order 0 is Iceberg's "unsorted": position deletes have it. Data files are sorted by their key. */
static void put_sort_orders(JsonWriter *json, Slice fields)
{
    json_key(json, "sort-orders");
    json_open_array(json);
    json_raw(json, SLICE("{\"order-id\":0,\"fields\":[]}"));
    json_open_object(json);
    put_integer(json, "order-id", ICEBERG_SORT_ORDER_ID);
    json_key(json, "fields");
    json_raw(json, fields);
    json_close_object(json);
    json_close_array(json);
    put_integer(json, "default-sort-order-id", ICEBERG_SORT_ORDER_ID);
}

static void put_properties(JsonWriter *json, const IcebergTable *table)
{
    json_key(json, "properties");
    json_open_object(json);
    put_number_property(json, "firn.format", TABLE_FORMAT);
    json_key(json, "firn.namespace");
    json_slice(json, table->namespace_name);
    json_key(json, "firn.table");
    json_slice(json, table->table_name);
    put_number_property(json, "firn.table_id", table->table_id);
    put_number_property(json, "firn.version", table->version);
    json_close_object(json);
}

static void put_snapshot(JsonWriter *json, const IcebergTable *table,
                         const IcebergSnapshot *snapshot)
{
    json_open_object(json);
    put_integer(json, "sequence-number", snapshot->sequence);
    put_integer(json, "snapshot-id", snapshot->id);
    if (snapshot->parent_id >= 0)
        put_integer(json, "parent-snapshot-id", snapshot->parent_id);
    put_integer(json, "timestamp-ms", snapshot->timestamp_ms);
    json_key(json, "summary");
    json_raw(json, snapshot->summary);
    put_path(json, "manifest-list", table->location, snapshot->manifest_list);
    put_integer(json, "schema-id", snapshot->schema_id);
    json_close_object(json);
}

static void put_current_snapshot(JsonWriter *json, const IcebergTable *table)
{
    uint32_t count = table->snapshot_count;
    int64_t current = count == 0 ? -1 : table->snapshots[count - 1].id;
    put_integer(json, "current-snapshot-id", current);
    json_key(json, "refs");
    json_open_object(json);
    if (count > 0) {
        json_key(json, "main");
        json_open_object(json);
        put_integer(json, "snapshot-id", current);
        put_text(json, "type", "branch");
        json_close_object(json);
    }
    json_close_object(json);
}

static void put_snapshots(JsonWriter *json, const IcebergTable *table)
{
    put_current_snapshot(json, table);
    json_key(json, "snapshots");
    json_open_array(json);
    for (uint32_t i = 0; i < table->snapshot_count; i++)
        put_snapshot(json, table, &table->snapshots[i]);
    json_close_array(json);
    json_key(json, "snapshot-log");
    json_open_array(json);
    for (uint32_t i = 0; i < table->snapshot_count; i++) {
        json_open_object(json);
        put_integer(json, "timestamp-ms", table->snapshots[i].timestamp_ms);
        put_integer(json, "snapshot-id", table->snapshots[i].id);
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_metadata_log(JsonWriter *json, const IcebergTable *table)
{
    json_key(json, "metadata-log");
    json_open_array(json);
    for (uint32_t i = 0; i < table->log_count; i++) {
        json_open_object(json);
        put_integer(json, "timestamp-ms", table->log[i].timestamp_ms);
        put_path(json, "metadata-file", table->location, table->log[i].path);
        json_close_object(json);
    }
    json_close_array(json);
}

void iceberg_put_table(Buffer *out, const IcebergTable *table)
{
    JsonWriter json;
    json_begin(&json, out);
    json_open_object(&json);
    put_integer(&json, "format-version", ICEBERG_FORMAT_VERSION);
    put_text(&json, "table-uuid", table->uuid);
    put_text(&json, "location", table->location);
    put_integer(&json, "last-sequence-number", table->last_sequence);
    put_integer(&json, "last-updated-ms", table->last_updated_ms);
    put_integer(&json, "last-column-id", FIELD_ID_OWNER);
    put_schemas(&json, table);
    put_partition_specs(&json, table->kind);
    put_sort_orders(&json, table->sort_fields);
    put_properties(&json, table);
    put_snapshots(&json, table);
    put_metadata_log(&json, table);
    json_close_object(&json);
}
