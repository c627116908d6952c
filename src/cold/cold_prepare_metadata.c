/* The snapshot of a change, the manifest list and the metadata that hold it together. */
#include <stdio.h>

#include "base/assert.h"
#include "cold/cold_prepare_int.h"

/* ---- the snapshot ---- */

static bool has_snapshot(const Preparation *preparation)
{
    return preparation->change->operation != COLD_SCHEMA;
}

static bool is_used(const IcebergTable *table, int64_t snapshot_id)
{
    for (uint32_t i = 0; i < table->snapshot_count; i++) {
        if (table->snapshots[i].id == snapshot_id)
            return true;
    }
    return false;
}

/* 53 bits, so that readers in JavaScript see the number that is there. */
static int64_t draw_snapshot_id(const Preparation *preparation)
{
    int64_t id;
    do {
        id = (int64_t)(env_random_u64(preparation->table->context.env) >> 11);
    } while (id == 0 || is_used(&preparation->base->iceberg, id));
    return id;
}

/* What the commit is to readers that follow changes: "append" adds and does nothing else. */
static const char *operation_of(const ColdChange *change)
{
    bool deletes = false;
    for (size_t i = 0; i < change->delete_count; i++)
        deletes = deletes || change->deletes[i].count > 0;
    switch (change->operation) {
    case COLD_APPEND:
        return !deletes ? "append" : change->added_count > 0 ? "overwrite" : "delete";
    case COLD_REPLACE:
        return "replace";
    case COLD_DELETE:
    case COLD_SCHEMA:
        return "delete";
    }
    UNREACHABLE();
}

/* Time does not go back from one snapshot to the next, whatever the clock does. */
Status prepare_snapshot(Preparation *preparation)
{
    IcebergTable *table = &preparation->version->iceberg;
    int64_t now_ms = env_wall_us(preparation->table->context.env) / 1000;
    table->version++;
    if (now_ms > table->last_updated_ms)
        table->last_updated_ms = now_ms;
    if (!has_snapshot(preparation))
        return OK;
    table->last_sequence++;
    preparation->snapshot = (IcebergSnapshot){
        .id = draw_snapshot_id(preparation),
        .parent_id = cold_version_snapshot_id(preparation->base),
        .sequence = table->last_sequence,
        .timestamp_ms = table->last_updated_ms,
        .schema_id = preparation->change->schema->version,
        .operation = operation_of(preparation->change),
        .first_seq = preparation->change->first_seq,
        .last_seq = preparation->change->last_seq,
    };
    return OK;
}

/* ---- its summary ---- */

typedef struct Totals {
    uint64_t files;
    uint64_t rows;
    uint64_t bytes;
    uint64_t delete_files;
    uint64_t deletes;
} Totals;

static void add_data_file(Totals *totals, const DataFile *file)
{
    totals->files++;
    totals->rows += file->row_count;
    totals->bytes += file->size_bytes;
}

static void add_delete_file(Totals *totals, const DeleteFile *file)
{
    totals->delete_files++;
    totals->deletes += file->row_count;
    totals->bytes += file->size_bytes;
}

static Totals totals_of(const ColdVersion *version)
{
    Totals totals = {0};
    for (size_t i = 0; i < version->file_count; i++)
        add_data_file(&totals, version->files[i].file);
    for (size_t i = 0; i < version->delete_file_count; i++)
        add_delete_file(&totals, version->delete_files[i].file);
    return totals;
}

static Totals added_totals(const Preparation *preparation)
{
    const ColdVersion *version = preparation->version;
    Totals totals = {0};
    for (size_t i = 0; i < preparation->change->added_count; i++)
        add_data_file(&totals, preparation->change->added[i]);
    for (size_t i = preparation->new_delete_files; i > 0; i--)
        add_delete_file(&totals, version->delete_files[version->delete_file_count - i].file);
    return totals;
}

/* What was there and what was added, less what is there. */
static Totals removed_totals(Totals before, Totals added, Totals after)
{
    return (Totals){
        .files = before.files + added.files - after.files,
        .rows = before.rows + added.rows - after.rows,
        .bytes = before.bytes + added.bytes - after.bytes,
        .delete_files = before.delete_files + added.delete_files - after.delete_files,
        .deletes = before.deletes + added.deletes - after.deletes,
    };
}

static void put_number(JsonWriter *json, const char *key, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    json_key(json, key);
    json_text(json, text);
}

static void put_number_if_any(JsonWriter *json, const char *key, uint64_t value)
{
    if (value > 0)
        put_number(json, key, value);
}

static void put_totals(JsonWriter *json, const Preparation *preparation)
{
    Totals before = totals_of(preparation->base);
    Totals after = totals_of(preparation->version);
    Totals added = added_totals(preparation);
    Totals removed = removed_totals(before, added, after);
    put_number_if_any(json, "added-data-files", added.files);
    put_number_if_any(json, "deleted-data-files", removed.files);
    put_number_if_any(json, "added-delete-files", added.delete_files);
    put_number_if_any(json, "removed-delete-files", removed.delete_files);
    put_number_if_any(json, "added-position-delete-files", added.delete_files);
    put_number_if_any(json, "removed-position-delete-files", removed.delete_files);
    put_number_if_any(json, "added-records", added.rows);
    put_number_if_any(json, "deleted-records", removed.rows);
    put_number_if_any(json, "added-position-deletes", added.deletes);
    put_number_if_any(json, "removed-position-deletes", removed.deletes);
    put_number_if_any(json, "added-files-size", added.bytes);
    put_number_if_any(json, "removed-files-size", removed.bytes);
    put_number(json, "total-data-files", after.files);
    put_number(json, "total-delete-files", after.delete_files);
    put_number(json, "total-records", after.rows);
    put_number(json, "total-files-size", after.bytes);
    put_number(json, "total-position-deletes", after.deletes);
    put_number(json, "total-equality-deletes", 0);
}

static void put_summary(Buffer *out, const Preparation *preparation)
{
    const ColdChange *change = preparation->change;
    JsonWriter json;
    json_begin(&json, out);
    json_open_object(&json);
    json_key(&json, "operation");
    json_text(&json, preparation->snapshot.operation);
    json_key(&json, "firn.job");
    json_slice(&json, change->job_id);
    put_number(&json, "firn.first_seq", change->first_seq);
    put_number(&json, "firn.last_seq", change->last_seq);
    if (preparation->snapshot.deletes != NULL) {
        json_key(&json, "firn.deletes");
        json_text(&json, preparation->snapshot.deletes);
    }
    put_totals(&json, preparation);
    json_close_object(&json);
}

/* ---- the manifest list ---- */

Status prepare_manifest_list(Preparation *preparation)
{
    const ColdVersion *version = preparation->version;
    char before[64];
    char behind[64];
    Buffer list;
    if (!has_snapshot(preparation))
        return OK;
    (void)snprintf(before, sizeof before, "metadata/snap-%lld-",
                   (long long)preparation->snapshot.id);
    (void)snprintf(behind, sizeof behind, "-%s.avro", preparation->uuid);
    buffer_open(&list, ICEBERG_MANIFEST_BYTES_MAX);
    Status status = iceberg_put_manifest_list(
        &list, preparation->table->context.env, &version->iceberg, &preparation->snapshot,
        version->manifests, version->manifest_count, preparation->error);
    if (status == OK)
        status = preparation_write_checked(preparation, before, behind, buffer_slice(&list),
                                           &preparation->snapshot.manifest_list);
    buffer_close(&list);
    return status;
}

/* ---- the metadata ---- */

static Status add_snapshot(Preparation *preparation)
{
    ColdVersion *version = preparation->version;
    IcebergTable *table = &version->iceberg;
    Error *error = preparation->error;
    Buffer summary;
    buffer_open(&summary, 0);
    put_summary(&summary, preparation);
    Status status = buffer_status(&summary, error);
    if (status == OK)
        status = arena_clone(&version->arena, buffer_slice(&summary),
                             &preparation->snapshot.summary, error);
    buffer_close(&summary);
    TRY(status);
    IcebergSnapshot *snapshots =
        ARENA_ARRAY(&version->arena, IcebergSnapshot, table->snapshot_count + 1);
    if (snapshots == NULL)
        return arena_error(&version->arena, error);
    if (table->snapshot_count > 0)
        memcpy(snapshots, table->snapshots, table->snapshot_count * sizeof *snapshots);
    snapshots[table->snapshot_count++] = preparation->snapshot;
    table->snapshots = snapshots;
    return OK;
}

/* How many of the oldest snapshots the limits drop. A snapshot was superseded when the one behind
 * it was committed. */
static uint32_t count_expired(const IcebergTable *table, uint32_t snapshots_max, int64_t after_us)
{
    uint32_t max = snapshots_max == 0 ? 1 : snapshots_max;
    uint32_t expired = 0;
    while (expired + 1 < table->snapshot_count &&
           (table->snapshot_count - expired > max ||
            table->snapshots[expired + 1].timestamp_ms * 1000 < after_us))
        expired++;
    return expired;
}

static void expire_snapshots(const ColdChange *change, IcebergTable *table)
{
    uint32_t expired = count_expired(table, change->snapshots_max, change->snapshots_after_us);
    table->snapshots += expired;
    table->snapshot_count -= expired;
}

bool cold_version_has_expired(const ColdVersion *version, uint32_t snapshots_max,
                              int64_t snapshots_after_us)
{
    return count_expired(&version->iceberg, snapshots_max, snapshots_after_us) > 0;
}

/* Names the metadata before this, and forgets the oldest. */
static Status extend_log(Preparation *preparation)
{
    ColdVersion *version = preparation->version;
    IcebergTable *table = &version->iceberg;
    const IcebergTable *base = &preparation->base->iceberg;
    if (base->version == 0)
        return OK;
    uint32_t kept =
        table->log_count < COLD_METADATA_LOG_MAX ? table->log_count : COLD_METADATA_LOG_MAX - 1;
    IcebergLogEntry *log = ARENA_ARRAY(&version->arena, IcebergLogEntry, kept + 1);
    if (log == NULL)
        return arena_error(&version->arena, preparation->error);
    if (kept > 0)
        memcpy(log, table->log + (table->log_count - kept), kept * sizeof *log);
    log[kept].timestamp_ms = base->last_updated_ms;
    log[kept].path = arena_format(&version->arena, "metadata/v%llu.metadata.json",
                                  (unsigned long long)base->version);
    if (log[kept].path == NULL)
        return arena_error(&version->arena, preparation->error);
    table->log = log;
    table->log_count = kept + 1;
    return OK;
}

/* ---- schemas ---- */

static bool schema_is_used(const ColdVersion *version, uint32_t id)
{
    const IcebergTable *table = &version->iceberg;
    bool used = id == table->current_schema_id;
    for (uint32_t i = 0; !used && i < table->snapshot_count; i++)
        used = table->snapshots[i].schema_id == id;
    for (size_t i = 0; !used && i < version->manifest_count; i++)
        used = version->manifests[i].schema_version == id;
    return used;
}

/* Manifests are written before this, so they find every schema that was known. */
static void forget_schemas(ColdVersion *version)
{
    IcebergTable *table = &version->iceberg;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->schema_count; i++) {
        if (schema_is_used(version, table->schemas[i].id))
            table->schemas[kept++] = table->schemas[i];
    }
    table->schema_count = kept;
}

static Status encode_json(Arena *arena, void (*put)(Buffer *out, const Schema *schema),
                          const Schema *schema, Slice *out, Error *error)
{
    Buffer json;
    buffer_open(&json, 0);
    put(&json, schema);
    Status status = buffer_status(&json, error);
    if (status == OK)
        status = arena_clone(arena, buffer_slice(&json), out, error);
    buffer_close(&json);
    return status;
}

static Status add_schema(ColdVersion *version, const Schema *schema, Error *error)
{
    IcebergTable *table = &version->iceberg;
    IcebergSchema *schemas = ARENA_ARRAY(&version->arena, IcebergSchema, table->schema_count + 1);
    if (schemas == NULL)
        return arena_error(&version->arena, error);
    if (table->schema_count > 0)
        memcpy(schemas, table->schemas, table->schema_count * sizeof *schemas);
    schemas[table->schema_count].id = schema->version;
    TRY(encode_json(&version->arena, cold_put_iceberg_schema, schema,
                    &schemas[table->schema_count].json, error));
    table->schemas = schemas;
    table->schema_count++;
    return OK;
}

/* What the change says of the table as a whole. */
Status prepare_table(Preparation *preparation)
{
    ColdVersion *version = preparation->version;
    IcebergTable *table = &version->iceberg;
    const Schema *schema = preparation->change->schema;
    Error *error = preparation->error;
    table->table_id = schema->table_id;
    TRY(arena_clone(&version->arena, preparation->table->namespace_name, &table->namespace_name,
                    error));
    TRY(arena_clone(&version->arena, preparation->table->table_name, &table->table_name, error));
    TRY(encode_json(&version->arena, iceberg_put_sort_fields, schema, &table->sort_fields, error));
    table->current_schema_id = schema->version;
    return iceberg_find_schema(table, schema->version) == NULL ? add_schema(version, schema, error)
                                                               : OK;
}

static Status write_metadata(Preparation *preparation)
{
    ColdVersion *version = preparation->version;
    char before[64];
    Buffer json;
    (void)snprintf(before, sizeof before, "metadata/%s-", preparation->uuid);
    buffer_open(&json, ICEBERG_METADATA_BYTES_MAX);
    iceberg_put_table(&json, &version->iceberg);
    Status status = buffer_status(&json, preparation->error);
    if (status == OK)
        status = preparation_write_checked(preparation, before, ".metadata", buffer_slice(&json),
                                           &version->metadata_path);
    buffer_close(&json);
    return status;
}

Status prepare_metadata(Preparation *preparation)
{
    ColdVersion *version = preparation->version;
    if (has_snapshot(preparation))
        TRY(add_snapshot(preparation));
    if (has_snapshot(preparation) || preparation->change->snapshots_max > 0)
        expire_snapshots(preparation->change, &version->iceberg);
    forget_schemas(version);
    TRY(extend_log(preparation));
    return write_metadata(preparation);
}
