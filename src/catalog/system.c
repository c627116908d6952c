/* The system tables: their names and columns, exactly as spec'd for users (catalog.md §1). Their
 * rows are made by src/database from whatever knows them. */
#include "base/memory.h"
#include "catalog/snapshot.h"

#define TEXT    TYPE(TEXT)
#define INT     TYPE(INTEGER)
#define BIGINT  TYPE(BIGINT)
#define BOOLEAN TYPE(BOOLEAN)
#define TS      TYPE(TIMESTAMPTZ)
#define JSON    TYPE(JSON)
#define TEXTS   TYPE_ARRAY_OF(TEXT)
#define REAL    TYPE(REAL)
#define DOUBLE  TYPE(DOUBLE)

static const SystemColumnDefinition namespaces[] = {
    {"namespace", TEXT}, {"owner", TEXT}, {"created_at", TS}, {"tables", INT}, {"options", JSON}};

static const SystemColumnDefinition tables[] = {
    {"namespace", TEXT},     {"table_name", TEXT},   {"kind", TEXT},
    {"access", TEXT},        {"storage", TEXT},      {"schema_version", INT},
    {"key", TEXTS},          {"flush_rows", BIGINT}, {"flush_interval_ms", BIGINT},
    {"flush_bytes", BIGINT}, {"ttl_ms", BIGINT},     {"compression", TEXT},
    {"options", JSON},       {"comment", TEXT},      {"created_at", TS},
    {"altered_at", TS}};

static const SystemColumnDefinition columns[] = {
    {"namespace", TEXT},   {"table_name", TEXT}, {"column_name", TEXT}, {"position", INT},
    {"field_id", INT},     {"type", TEXT},       {"nullable", BOOLEAN}, {"default", TEXT},
    {"key_position", INT}, {"comment", TEXT},    {"dropped", BOOLEAN}};

static const SystemColumnDefinition indexes[] = {
    {"namespace", TEXT}, {"table_name", TEXT}, {"index_name", TEXT},
    {"columns", TEXTS},  {"unique", BOOLEAN},  {"method", TEXT},
    {"rows", BIGINT},    {"bytes", BIGINT},    {"state", TEXT}};

static const SystemColumnDefinition users[] = {
    {"user_name", TEXT}, {"role", TEXT},    {"email", TEXT},    {"storage", TEXT},
    {"created_at", TS},  {"last_seen", TS}, {"deleted_at", TS}, {"options", JSON}};

static const SystemColumnDefinition storages[] = {
    {"storage_id", TEXT}, {"type", TEXT},    {"path", TEXT},     {"options", JSON},
    {"tables", INT},      {"bytes", BIGINT}, {"checked_at", TS}, {"status", TEXT}};

static const SystemColumnDefinition files[] = {
    {"namespace", TEXT}, {"table_name", TEXT},    {"user_name", TEXT},    {"path", TEXT},
    {"kind", TEXT},      {"format", TEXT},        {"rows", BIGINT},       {"deleted_rows", BIGINT},
    {"bytes", BIGINT},   {"key_min", TEXT},       {"key_max", TEXT},      {"min_seq", BIGINT},
    {"max_seq", BIGINT}, {"snapshot_id", BIGINT}, {"deletes_path", TEXT}, {"created_at", TS}};

static const SystemColumnDefinition manifest[] = {
    {"namespace", TEXT},     {"table_name", TEXT}, {"user_name", TEXT},   {"snapshot_id", BIGINT},
    {"files", BIGINT},       {"rows", BIGINT},     {"bytes", BIGINT},     {"min_seq", BIGINT},
    {"max_seq", BIGINT},     {"hot_rows", BIGINT}, {"hot_bytes", BIGINT}, {"needs_flush", BOOLEAN},
    {"metadata_path", TEXT}, {"committed_at", TS}};

static const SystemColumnDefinition snapshots[] = {
    {"namespace", TEXT},   {"table_name", TEXT}, {"snapshot_id", BIGINT},
    {"parent_id", BIGINT}, {"operation", TEXT},  {"summary", JSON},
    {"first_seq", BIGINT}, {"last_seq", BIGINT}, {"committed_at", TS}};

static const SystemColumnDefinition jobs[] = {
    {"job_id", TEXT},     {"type", TEXT},      {"state", TEXT},      {"namespace", TEXT},
    {"table_name", TEXT}, {"user_name", TEXT}, {"parameters", JSON}, {"trigger", TEXT},
    {"rows", BIGINT},     {"bytes", BIGINT},   {"files", BIGINT},    {"progress", REAL},
    {"message", TEXT},    {"error", TEXT},     {"attempts", INT},    {"created_at", TS},
    {"started_at", TS},   {"finished_at", TS}, {"heartbeat_at", TS}};

static const SystemColumnDefinition live_queries[] = {
    {"live_id", TEXT},        {"connection_id", TEXT},  {"user_name", TEXT},
    {"namespace", TEXT},      {"table_name", TEXT},     {"sql", TEXT},
    {"filter_kind", TEXT},    {"state", TEXT},          {"last_seq", BIGINT},
    {"changes_sent", BIGINT}, {"queued_bytes", BIGINT}, {"lag_ms", INT},
    {"client_address", TEXT}, {"created_at", TS}};

static const SystemColumnDefinition connections[] = {
    {"connection_id", TEXT}, {"door", TEXT},         {"user_name", TEXT}, {"client_address", TEXT},
    {"statements", BIGINT},  {"subscriptions", INT}, {"connected_at", TS}};

static const SystemColumnDefinition queries[] = {
    {"query_id", TEXT}, {"connection_id", TEXT}, {"user_name", TEXT},
    {"sql", TEXT},      {"state", TEXT},         {"executor", TEXT},
    {"started_at", TS}, {"rows", BIGINT},        {"bytes", BIGINT}};

static const SystemColumnDefinition settings[] = {
    {"name", TEXT},   {"value", TEXT},      {"default", TEXT},    {"unit", TEXT},
    {"source", TEXT}, {"restart", BOOLEAN}, {"description", TEXT}};

static const SystemColumnDefinition stats[] = {{"name", TEXT}, {"value", DOUBLE}, {"labels", JSON}};

static const SystemColumnDefinition functions[] = {{"name", TEXT},          {"arguments", TEXTS},
                                                   {"returns", TEXT},       {"kind", TEXT},
                                                   {"short_path", BOOLEAN}, {"description", TEXT}};

#define SYSTEM_TABLE(name, guard)                        \
    {                                                    \
#name, guard, name, sizeof name / sizeof name[0] \
    }

static const SystemTable all_tables[] = {
    SYSTEM_TABLE(columns, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(connections, OBJECT_SYSTEM_TABLE_OWN),
    SYSTEM_TABLE(files, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(functions, OBJECT_SYSTEM_TABLE_OPEN),
    SYSTEM_TABLE(indexes, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(jobs, OBJECT_SYSTEM_TABLE_OWN),
    SYSTEM_TABLE(live_queries, OBJECT_SYSTEM_TABLE_OWN),
    SYSTEM_TABLE(manifest, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(namespaces, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(queries, OBJECT_SYSTEM_TABLE_OWN),
    SYSTEM_TABLE(settings, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(snapshots, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(stats, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(storages, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(tables, OBJECT_SYSTEM_TABLE),
    SYSTEM_TABLE(users, OBJECT_SYSTEM_TABLE),
};

enum { SYSTEM_TABLE_COUNT = sizeof all_tables / sizeof all_tables[0] };

const SystemTable *system_table_all(size_t *count)
{
    *count = SYSTEM_TABLE_COUNT;
    return all_tables;
}

const SystemTable *system_table_find(Slice name)
{
    for (size_t i = 0; i < SYSTEM_TABLE_COUNT; i++) {
        if (slice_equal_text(name, all_tables[i].name))
            return &all_tables[i];
    }
    return NULL;
}

Status system_table_schema(const SystemTable *table, Schema **out, Error *error)
{
    Column *made = memory_allocate_zeroed(table->column_count, sizeof(Column));
    if (made == NULL)
        return error_out_of_memory(error);
    for (uint32_t i = 0; i < table->column_count; i++) {
        made[i] = (Column){.name = slice_of_text(table->columns[i].name),
                           .type = table->columns[i].type,
                           .field_id = i + 1,
                           .key_position = i == 0 ? 0 : -1,
                           .initial_default = value_null(table->columns[i].type.kind)};
    }
    uint64_t id = SYSTEM_TABLE_ID_FIRST + (uint64_t)(table - all_tables);
    Status status = schema_create(id, 1, TABLE_SHARED, made, table->column_count,
                                  table->column_count + 1, out, error);
    memory_free(made);
    return status;
}
