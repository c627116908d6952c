/* The Avro schemas of manifests and manifest lists, with Iceberg's field ids: readers go by those.
 */
#include <stdio.h>

#include "base/json.h"
#include "cold/iceberg_manifest_int.h"

static void put_text(JsonWriter *json, const char *key, const char *value)
{
    json_key(json, key);
    json_text(json, value);
}

static void put_id(JsonWriter *json, const char *key, int32_t id)
{
    json_key(json, key);
    json_integer(json, id);
}

/* ---- fields: everything but the type, which is written between the two calls ---- */

static void begin_field(JsonWriter *json, const char *name, int32_t id)
{
    json_open_object(json);
    put_text(json, "name", name);
    put_id(json, "field-id", id);
}

static void begin_optional(JsonWriter *json, const char *name, int32_t id)
{
    begin_field(json, name, id);
    json_key(json, "default");
    json_null(json);
    json_key(json, "type");
    json_open_array(json);
    json_text(json, "null");
}

static void end_optional(JsonWriter *json)
{
    json_close_array(json);
    json_close_object(json);
}

static void put_required(JsonWriter *json, const char *name, const char *type, int32_t id)
{
    begin_field(json, name, id);
    put_text(json, "type", type);
    json_close_object(json);
}

static void put_optional(JsonWriter *json, const char *name, const char *type, int32_t id)
{
    begin_optional(json, name, id);
    json_text(json, type);
    end_optional(json);
}

static void begin_record(JsonWriter *json, const char *name)
{
    json_open_object(json);
    put_text(json, "type", "record");
    put_text(json, "name", name);
    json_key(json, "fields");
    json_open_array(json);
}

static void end_record(JsonWriter *json)
{
    json_close_array(json);
    json_close_object(json);
}

/* Avro's maps have texts for keys: one by field id is an array of pairs. */
static void put_map(JsonWriter *json, const char *name, int32_t id, int32_t key_id,
                    int32_t value_id, const char *value_type)
{
    char pair[32];
    (void)snprintf(pair, sizeof pair, "k%d_v%d", key_id, value_id);
    begin_optional(json, name, id);
    json_open_object(json);
    put_text(json, "type", "array");
    put_text(json, "logicalType", "map");
    json_key(json, "items");
    begin_record(json, pair);
    put_required(json, "key", "int", key_id);
    put_required(json, "value", value_type, value_id);
    end_record(json);
    json_close_object(json);
    end_optional(json);
}

static void put_list(JsonWriter *json, const char *name, int32_t id, const char *element,
                     int32_t element_id)
{
    begin_optional(json, name, id);
    json_open_object(json);
    put_text(json, "type", "array");
    put_id(json, "element-id", element_id);
    put_text(json, "items", element);
    json_close_object(json);
    end_optional(json);
}

/* ---- manifests ---- */

static void put_partition(JsonWriter *json, TableKind kind)
{
    begin_field(json, "partition", ICEBERG_FIELD_PARTITION);
    json_key(json, "type");
    begin_record(json, "r102");
    if (kind == TABLE_USER)
        put_optional(json, "_user", "string", ICEBERG_PARTITION_FIELD_ID);
    end_record(json);
    json_close_object(json);
}

static void put_data_file(JsonWriter *json, TableKind kind)
{
    begin_record(json, "r2");
    put_required(json, "content", "int", ICEBERG_FIELD_CONTENT);
    put_required(json, "file_path", "string", ICEBERG_FIELD_PATH);
    put_required(json, "file_format", "string", ICEBERG_FIELD_FORMAT);
    put_partition(json, kind);
    put_required(json, "record_count", "long", ICEBERG_FIELD_ROWS);
    put_required(json, "file_size_in_bytes", "long", ICEBERG_FIELD_SIZE);
    put_map(json, "column_sizes", ICEBERG_FIELD_COLUMN_SIZES, 117, 118, "long");
    put_map(json, "value_counts", ICEBERG_FIELD_VALUE_COUNTS, 119, 120, "long");
    put_map(json, "null_value_counts", ICEBERG_FIELD_NULL_COUNTS, 121, 122, "long");
    put_map(json, "nan_value_counts", ICEBERG_FIELD_NAN_COUNTS, 138, 139, "long");
    put_map(json, "lower_bounds", ICEBERG_FIELD_LOWER_BOUNDS, 126, 127, "bytes");
    put_map(json, "upper_bounds", ICEBERG_FIELD_UPPER_BOUNDS, 129, 130, "bytes");
    put_optional(json, "key_metadata", "bytes", ICEBERG_FIELD_KEY_METADATA);
    put_list(json, "split_offsets", ICEBERG_FIELD_SPLITS, "long", 133);
    put_list(json, "equality_ids", ICEBERG_FIELD_EQUALITY_IDS, "int", 136);
    put_optional(json, "sort_order_id", "int", ICEBERG_FIELD_SORT_ORDER);
    put_optional(json, "referenced_data_file", "string", ICEBERG_FIELD_REFERENCED_FILE);
    end_record(json);
}

void iceberg_put_manifest_schema(Buffer *out, TableKind kind)
{
    JsonWriter json;
    json_begin(&json, out);
    begin_record(&json, "manifest_entry");
    put_required(&json, "status", "int", ICEBERG_FIELD_STATUS);
    put_optional(&json, "snapshot_id", "long", ICEBERG_FIELD_SNAPSHOT_ID);
    put_optional(&json, "sequence_number", "long", ICEBERG_FIELD_SEQUENCE);
    put_optional(&json, "file_sequence_number", "long", ICEBERG_FIELD_FILE_SEQUENCE);
    begin_field(&json, "data_file", ICEBERG_FIELD_DATA_FILE);
    json_key(&json, "type");
    put_data_file(&json, kind);
    json_close_object(&json);
    end_record(&json);
}

/* ---- manifest lists ---- */

static void put_partition_summaries(JsonWriter *json)
{
    begin_optional(json, "partitions", ICEBERG_FIELD_LIST_PARTITIONS);
    json_open_object(json);
    put_text(json, "type", "array");
    put_id(json, "element-id", 508);
    json_key(json, "items");
    begin_record(json, "r508");
    put_required(json, "contains_null", "boolean", 509);
    put_optional(json, "contains_nan", "boolean", 518);
    put_optional(json, "lower_bound", "bytes", ICEBERG_FIELD_LIST_LOWER_BOUND);
    put_optional(json, "upper_bound", "bytes", ICEBERG_FIELD_LIST_UPPER_BOUND);
    end_record(json);
    json_close_object(json);
    end_optional(json);
}

void iceberg_put_manifest_list_schema(Buffer *out)
{
    JsonWriter json;
    json_begin(&json, out);
    begin_record(&json, "manifest_file");
    put_required(&json, "manifest_path", "string", ICEBERG_FIELD_LIST_PATH);
    put_required(&json, "manifest_length", "long", ICEBERG_FIELD_LIST_SIZE);
    put_required(&json, "partition_spec_id", "int", ICEBERG_FIELD_LIST_SPEC);
    put_required(&json, "content", "int", ICEBERG_FIELD_LIST_CONTENT);
    put_required(&json, "sequence_number", "long", ICEBERG_FIELD_LIST_SEQUENCE);
    put_required(&json, "min_sequence_number", "long", ICEBERG_FIELD_LIST_SEQUENCE_MIN);
    put_required(&json, "added_snapshot_id", "long", ICEBERG_FIELD_LIST_SNAPSHOT_ID);
    put_required(&json, "added_files_count", "int", ICEBERG_FIELD_LIST_ADDED_FILES);
    put_required(&json, "existing_files_count", "int", ICEBERG_FIELD_LIST_EXISTING_FILES);
    put_required(&json, "deleted_files_count", "int", ICEBERG_FIELD_LIST_DELETED_FILES);
    put_required(&json, "added_rows_count", "long", ICEBERG_FIELD_LIST_ADDED_ROWS);
    put_required(&json, "existing_rows_count", "long", ICEBERG_FIELD_LIST_EXISTING_ROWS);
    put_required(&json, "deleted_rows_count", "long", ICEBERG_FIELD_LIST_DELETED_ROWS);
    put_partition_summaries(&json);
    put_optional(&json, "key_metadata", "bytes", ICEBERG_FIELD_LIST_KEY_METADATA);
    end_record(&json);
}
