#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/memory.h"

void world_fail(World *world, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    simulation_fail(world->simulation, "%s", text);
}

bool world_tolerates(const World *world, Status status)
{
    return world->has_faults && (status == STATUS_IO_ERROR || status == STATUS_DISK_FULL ||
                                 status == STATUS_LOG_POISONED);
}

void world_expect(World *world, Status status, const Error *error, const char *what)
{
    if (status != OK)
        world_fail(world, "%s: %s: %s (%s)", what, status_name(status), error->message,
                   error->internal);
}

uint64_t world_random(World *world, uint64_t below)
{
    return env_random_u64(world->env) % below;
}

void world_pause(World *world, uint64_t steps)
{
    for (uint64_t i = 0; i < steps && !world->stopping; i++)
        env_yield(world->env, "pause");
}

/* ---- rows ---- */

bool world_is_stream(const World *world, size_t number)
{
    return world->has_stream && number == 1;
}

static Schema *make_schema(World *world, size_t number, uint32_t version)
{
    Schema *schema;
    Error error;
    Column columns[3] = {
        {.name = SLICE("k"), .type = TYPE(BIGINT), .field_id = 1, .not_null = true},
        {.name = SLICE("v"), .type = TYPE(BIGINT), .field_id = 2, .key_position = -1},
        {.name = SLICE("extra"), .type = TYPE(BIGINT), .field_id = version + 1, .key_position = -1},
    };
    for (int i = 0; i < 3; i++)
        columns[i].initial_default = value_null(TYPE_BIGINT);
    TableKind kind = world_is_stream(world, number) ? TABLE_STREAM : TABLE_USER;
    columns[2].initial_default = value_integer(TYPE_BIGINT, (int64_t)version);
    Status status = schema_create(TABLE_ID_FIRST + number, version, kind, columns,
                                  version == 1 ? 2 : 3, version + 2, &schema, &error);
    world_expect(world, status, &error, "schema");
    return schema;
}

void row_of_value(World *world, Schema *schema, int64_t key, int64_t value, Buffer *row)
{
    Error error;
    Value values[3] = {value_integer(TYPE_BIGINT, key), value_integer(TYPE_BIGINT, value),
                       value_integer(TYPE_BIGINT, (int64_t)schema->version)};
    buffer_clear(row);
    world_expect(world, row_encode(&schema->layout, values, row, &error), &error, "row");
}

void key_of(World *world, Schema *schema, size_t owner, int64_t key, Buffer *out)
{
    Error error;
    Value value = value_integer(TYPE_BIGINT, key);
    buffer_clear(out);
    Status status = key_of_values(schema, (OwnerId)(FIRST_OWNER + owner), &value, 1, out, &error);
    world_expect(world, status, &error, "key");
}

int64_t column_of_row(const Schema *schema, Slice row, uint32_t column)
{
    Value value;
    row_get(&schema->layout, row, column, &value);
    return value.as.integer;
}

int64_t value_of_row(World *world, const Schema *schema, Slice row)
{
    if (!row_check(&schema->layout, row))
        world_fail(world, "a row is damaged");
    if (schema->version > 1 && column_of_row(schema, row, 2) != schema->version)
        world_fail(world, "a row of version %u reads as one of version %ld", schema->version,
                   column_of_row(schema, row, 2));
    return column_of_row(schema, row, 1);
}

Schema *layout_of(World *world, uint32_t version)
{
    return world->layouts[version == 1 ? 0 : 1];
}

/* ---- hooks: a catalog of two tables ---- */

/* The upper record of a definition: table number, schema version, and what it does. */
static void set_schema(World *world, size_t number, uint32_t version)
{
    if (world->schemas[number] != NULL)
        schema_release(world->schemas[number]);
    world->schemas[number] = make_schema(world, number, version);
}

static void describe_table(const World *world, size_t number, Schema *schema, TableDefinition *out)
{
    static const char *const folders[TABLES] = {"/data/storage/s.t-10", "/data/storage/s.u-11"};
    *out = (TableDefinition){.schema = schema,
                             .folder = world_is_stream(world, number) ? "/data/streams/s.u-11"
                                                                      : folders[number],
                             .namespace_name = SLICE("s"),
                             .table_name = number == 0 ? SLICE("t") : SLICE("u"),
                             .created_us = 1};
    out->uuid[0] = (uint8_t)(number + 1);
    out->policy = (TablePolicy){.flush_rows = INT64_MAX,
                                .flush_bytes = INT64_MAX,
                                .ttl_us = INT64_C(31) * 86400 * 1000000,
                                .snapshot_retention_us = 0,
                                .target_file_bytes = 1 << 20,
                                .small_files_max = 3,
                                .deleted_percent_max = 30,
                                .delete_files_max = 4,
                                .compression = "none",
                                .format_version = 2};
}

static Status register_table(World *world, size_t number, uint32_t version, Error *error)
{
    TableDefinition definition;
    Schema *old[256];
    uint32_t count = 0;
    set_schema(world, number, version);
    for (uint32_t v = 1; v < version && count < 256; v++)
        old[count++] = make_schema(world, number, v);
    describe_table(world, number, world->schemas[number], &definition);
    definition.old_schemas = old;
    definition.old_schema_count = count;
    Status status = engine_recover_table(world->engine, &definition, error);
    for (uint32_t i = 0; i < count; i++)
        schema_release(old[i]);
    return status;
}

static Status recover_record(void *context, uint8_t kind, uint64_t seq, Slice payload, Error *error)
{
    World *world = context;
    Cursor cursor = cursor_of(payload);
    uint8_t number = cursor_u8(&cursor);
    uint32_t version = cursor_u32(&cursor);
    uint8_t truncates = cursor_u8(&cursor);
    if (kind != FRAME_DEFINITION)
        return OK;
    if (truncates != 0) {
        Change change = {.seq = seq, .table = number, .is_truncate = true};
        oracle_add(world, &change);
        return OK;
    }
    return register_table(world, number, version, error);
}

static Status recover_checkpoint(void *context, Slice payload, Error *error)
{
    World *world = context;
    Cursor cursor = cursor_of(payload);
    for (size_t i = 0; i < TABLES; i++) {
        uint32_t version = cursor_u32(&cursor);
        if (version == 0)
            continue;
        TRY(register_table(world, i, version, error));
    }
    return OK;
}

static void *checkpoint_begin(void *context)
{
    World *world = context;
    void *versions = memory_clone(world->appended, sizeof world->appended);
    ASSERT(versions != NULL);
    return versions;
}

static Status checkpoint_finish(void *context, void *begun, Buffer *out, Error *error)
{
    uint32_t *versions = begun;
    (void)context;
    for (size_t i = 0; i < TABLES; i++)
        buffer_put_u32(out, versions[i]);
    memory_free(versions);
    return buffer_status(out, error);
}

static void flush_wanted(void *context, uint64_t table_id, FlushTrigger trigger)
{
    (void)context;
    (void)table_id;
    (void)trigger;
}

static void compaction_wanted(void *context, uint64_t table_id)
{
    (void)context;
    (void)table_id;
}

static void handed_out(void *context, LogChunk *chunk, uint64_t visible)
{
    World *world = context;
    oracle_take_chunk(world, chunk);
    world->oracle->handed_out = visible;
}

static Status owner_name(void *context, OwnerId owner, Arena *arena, Slice *out, Error *error)
{
    char name[16];
    (void)context;
    (void)snprintf(name, sizeof name, "u%u", owner);
    return arena_clone(arena, slice_of_text(name), out, error);
}

static OwnerId owner_of(void *context, Slice name)
{
    int64_t number;
    (void)context;
    return slice_to_int64(slice_part(name, 1, name.size), &number) ? (OwnerId)number : 0;
}

static void background_error(void *context, const char *what, uint64_t table_id, const Error *error)
{
    World *world = context;
    (void)table_id;
    if (!world_tolerates(world, error->status))
        world_fail(world, "background %s: %s (%s)", what, error->message, error->internal);
}

/* ---- opening and closing ---- */

static EngineOptions engine_options(World *world)
{
    return (EngineOptions){.directory = "/data",
                           .log = {.durability = world->durability,
                                   .interval_ns = world->interval_ns,
                                   .segment_bytes = world->segment_bytes,
                                   .spare_segments = 1},
                           .log_bytes_max = 1 << 30,
                           .feed_retention_us = INT64_MAX / 4,
                           .feed_bytes_max = 32 << 10,
                           .memory_bytes_max = 1 << 30,
                           .stall_soft_percent = 75,
                           .stall_hard_percent = 100,
                           .sealed_soft = 64,
                           .sealed_hard = 128,
                           .snapshot_age_max_ns = INT64_MAX / 4,
                           .snapshot_bytes_max = 1 << 30,
                           .row_cache_bytes = 1 << 16,
                           .key_files_open_max = 4,
                           .snapshots_max = 1000000,
                           .seals_only_by_command = true};
}

/* What a definition does here when it is appended, and when it is installed. */
typedef struct DefinitionWork {
    World *world;
    size_t number;
    bool truncates;
    uint32_t version;
    Schema *schema;
} DefinitionWork;

static void definition_appended(void *context, uint64_t seq)
{
    DefinitionWork *work = context;
    World *world = work->world;
    if (work->truncates) {
        world->oracle->pending_truncate[work->number] = seq;
        return;
    }
    world->appended[work->number] = work->version;
    if (world->schemas[work->number] != NULL)
        schema_release(world->schemas[work->number]);
    world->schemas[work->number] = schema_clone(work->schema);
}

static void definition_installed(void *context, uint64_t seq)
{
    DefinitionWork *work = context;
    if (!work->truncates)
        return;
    Change change = {.seq = seq, .table = (uint8_t)work->number, .is_truncate = true};
    oracle_add(work->world, &change);
    work->world->oracle->pending_truncate[work->number] = 0;
}

Status world_define(World *world, size_t number, TableChangeKind kind, uint32_t version,
                    Error *error)
{
    Schema *schema = make_schema(world, number, version);
    DefinitionWork work = {world, number, kind == TABLE_CHANGE_TRUNCATE, version, schema};
    TableDefinition definition;
    Buffer payload;
    uint64_t seq = 0;
    describe_table(world, number, schema, &definition);
    buffer_open(&payload, 0);
    buffer_put_u8(&payload, (uint8_t)number);
    buffer_put_u32(&payload, version);
    buffer_put_u8(&payload, kind == TABLE_CHANGE_TRUNCATE);
    TableChange change = {kind, TABLE_ID_FIRST + number, &definition};
    Definition request = {.payload = buffer_slice(&payload),
                          .changes = &change,
                          .change_count = 1,
                          .appended = definition_appended,
                          .install = definition_installed,
                          .context = &work,
                          .lock_deadline_ns = INT64_MAX};
    Status status = engine_define(world->engine, &request, &seq, error);
    buffer_close(&payload);
    schema_release(schema);
    if (status == OK) {
        oracle_acknowledge(world, seq);
        world->oracle->definitions++;
    }
    return status;
}

static void create_tables(World *world)
{
    Error error;
    for (size_t i = 0; i < TABLES; i++) {
        EngineTable *table = engine_table(world->engine, TABLE_ID_FIRST + i);
        if (table != NULL) {
            engine_table_release(table);
            continue;
        }
        Status status = world_define(world, i, TABLE_CHANGE_CREATE, 1, &error);
        world_expect(world, status, &error, "create");
    }
}

EngineTable *world_table(World *world, size_t number)
{
    EngineTable *table = engine_table(world->engine, TABLE_ID_FIRST + number);
    if (table == NULL)
        world_fail(world, "table %zu is gone", number);
    return table;
}

static void check_after_recovery(World *world)
{
    EngineTable *tables[TABLES];
    Pin *pin;
    Error error;
    for (size_t i = 0; i < TABLES; i++)
        tables[i] = world_table(world, i);
    world_expect(world, pin_open(world->engine, tables, TABLES, &pin, &error), &error, "pin");
    check_pin(world, pin);
    for (size_t i = 0; i < TABLES; i++)
        check_outside(world, pin, i, world->oracle->settled[i]);
    pin_release(pin);
    for (size_t i = 0; i < TABLES; i++)
        engine_table_release(tables[i]);
}

void world_open(World *world)
{
    EngineOptions options = engine_options(world);
    EngineHooks hooks = {
        world,           recover_checkpoint, recover_record, checkpoint_begin, checkpoint_finish,
        flush_wanted,    compaction_wanted,  handed_out,     owner_name,       owner_of,
        background_error};
    EngineRecovery recovery;
    Error error;
    world->stopping = false;
    world->thread_count = 0;
    memory_io_open(world->env, &world->io);
    for (size_t i = 0; i < TABLES; i++)
        world->schemas[i] = NULL;
    for (uint32_t i = 0; i < 2; i++)
        world->layouts[i] = make_schema(world, 0, i + 1);
    memset(world->appended, 0, sizeof world->appended);
    Status status = env_make_durable_directories(world->env, "/data/storage", &error);
    world_expect(world, status, &error, "storage");
    status =
        engine_open(world->env, &options, &hooks, &world->io.io, &world->engine, &recovery, &error);
    world_expect(world, status, &error, "open");
    for (size_t i = 0; i < TABLES; i++)
        world->appended[i] = world->schemas[i] == NULL ? 0 : world->schemas[i]->version;
    oracle_recover(world);
    create_tables(world);
    world->head_opened = engine_head(world->engine);
    check_after_recovery(world);
}

void world_stop(World *world)
{
    world->stopping = true;
    for (size_t i = 0; i < world->thread_count; i++)
        thread_join(world->threads[i]);
    world->thread_count = 0;
}

void world_close(World *world)
{
    Error error;
    Status status = engine_close(world->engine, &error);
    if (!world_tolerates(world, status))
        world_expect(world, status, &error, "close");
    for (size_t i = 0; i < TABLES; i++)
        schema_release(world->schemas[i]);
    for (size_t i = 0; i < 2; i++)
        schema_release(world->layouts[i]);
}
