/* A catalog over an engine on a simulated machine. Everything here is called inside a run; what
 * must survive a crash is static. A room above hangs itself in by `above`. */
#ifndef FIRN_TESTS_UNIT_CATALOG_FIXTURE_H
#define FIRN_TESTS_UNIT_CATALOG_FIXTURE_H

#include "base/random.h"
#include "catalog/catalog.h"
#include "cold/memory_io.h"
#include "tests/unit/base/simulated.h"

typedef struct Above {
    void (*flush_wanted)(uint64_t table_id, FlushTrigger trigger);
    void (*compaction_wanted)(uint64_t table_id);
    Status (*recover_record)(Slice payload, Error *error);
    Status (*recover_checkpoint)(Slice payload, Error *error);
    void (*encode)(Buffer *out);
} Above;

static Simulation *machine;
static Env *env;
static Engine *engine;
static Catalog *catalog;
static MemoryIo memory_io;
static EngineOptions options;
static CatalogDefaults defaults;
static Above above;

static int boot(void **state)
{
    (void)state;
    machine = simulation_create(&(SimulationOptions){.seed = 1});
    env = simulation_env(machine);
    above = (Above){0};
    options = (EngineOptions){.directory = "/data",
                              .log = {.segment_bytes = 1 << 20, .spare_segments = 1},
                              .log_bytes_max = 1 << 30,
                              .memory_bytes_max = 1 << 30,
                              .stall_soft_percent = 75,
                              .stall_hard_percent = 100,
                              .sealed_soft = 64,
                              .sealed_hard = 128,
                              .snapshot_age_max_ns = INT64_MAX / 4,
                              .snapshot_bytes_max = 1 << 30,
                              .row_cache_bytes = 1 << 16,
                              .key_files_open_max = 4,
                              .snapshots_max = 100};
    defaults = (CatalogDefaults){.flush_rows = 1000000,
                                 .flush_interval_ms = 3600000,
                                 .flush_bytes = 1 << 30,
                                 .snapshot_retention_ms = 3600000,
                                 .target_file_bytes = 1 << 20,
                                 .small_files_max = 8,
                                 .deleted_percent_max = 30,
                                 .delete_files_max = 8,
                                 .compression = "none"};
    return 0;
}

static int shut_down(void **state)
{
    (void)state;
    simulation_destroy(machine);
    return 0;
}

#define ON_A_MACHINE(test)    cmocka_unit_test_setup_teardown(test, boot, shut_down)
#define CHECK(expression)     SIMULATION_CHECK(machine, expression)
#define CHECK_OK(call, error) simulation_ok(machine, call, error)

static inline void check_status(Status wanted, Status got, const char *where)
{
    if (wanted != got)
        simulation_fail(machine, "%s: %s, wanted %s", where, status_name(got), status_name(wanted));
}

#define CHECK_STATUS(wanted, call) check_status(wanted, call, #call)

static inline void run(void (*body)(void *argument))
{
    assert_end(SIMULATION_FINISHED, simulation_run(machine, body, NULL), machine);
}

/* ---- hooks ---- */

static inline Status recover_record(void *context, uint8_t kind, uint64_t seq, Slice payload,
                                    Error *error)
{
    (void)context;
    (void)seq;
    catalog_bind(catalog, engine);
    if (kind == FRAME_DEFINITION)
        return catalog_recover_record(catalog, payload, error);
    return above.recover_record == NULL ? OK : above.recover_record(payload, error);
}

static inline Status recover_checkpoint(void *context, Slice payload, Error *error)
{
    Cursor cursor = cursor_of(payload);
    Slice own = cursor_sized(&cursor);
    Slice rest = cursor_sized(&cursor);
    (void)context;
    catalog_bind(catalog, engine);
    TRY(catalog_recover_checkpoint(catalog, own, error));
    return above.recover_checkpoint == NULL ? OK : above.recover_checkpoint(rest, error);
}

static inline void *checkpoint_begin(void *context)
{
    (void)context;
    return catalog_head(catalog);
}

static inline Status checkpoint_finish(void *context, void *begun, Buffer *out, Error *error)
{
    Buffer own;
    Buffer rest;
    (void)context;
    buffer_open(&own, 0);
    buffer_open(&rest, 0);
    Status status = catalog_snapshot_encode(begun, &own, error);
    if (above.encode != NULL)
        above.encode(&rest);
    buffer_put_sized(out, buffer_slice(&own));
    buffer_put_sized(out, buffer_slice(&rest));
    buffer_close(&own);
    buffer_close(&rest);
    catalog_snapshot_release(begun);
    return status == OK ? buffer_status(out, error) : status;
}

static inline void flush_wanted(void *context, uint64_t table_id, FlushTrigger trigger)
{
    (void)context;
    if (above.flush_wanted != NULL)
        above.flush_wanted(table_id, trigger);
}

static inline void compaction_wanted(void *context, uint64_t table_id)
{
    (void)context;
    if (above.compaction_wanted != NULL)
        above.compaction_wanted(table_id);
}

static inline void handed_out(void *context, LogChunk *chunk, uint64_t visible)
{
    (void)context;
    (void)chunk;
    (void)visible;
}

static inline Status owner_name(void *context, OwnerId owner, Arena *arena, Slice *out,
                                Error *error)
{
    (void)context;
    return catalog_owner_name(catalog, owner, arena, out, error);
}

static inline OwnerId owner_of(void *context, Slice name)
{
    (void)context;
    return catalog_owner_of(catalog, name);
}

static inline void background_error(void *context, const char *what, uint64_t table_id,
                                    const Error *error)
{
    (void)context;
    (void)what;
    (void)table_id;
    (void)error;
}

/* ---- opening ---- */

static inline void open_all(void)
{
    EngineRecovery recovery;
    Error error;
    EngineHooks hooks = {.recover_checkpoint = recover_checkpoint,
                         .recover_record = recover_record,
                         .checkpoint_begin = checkpoint_begin,
                         .checkpoint_finish = checkpoint_finish,
                         .flush_wanted = flush_wanted,
                         .compaction_wanted = compaction_wanted,
                         .handed_out = handed_out,
                         .owner_name = owner_name,
                         .owner_of = owner_of,
                         .background_error = background_error};
    memory_io_open(env, &memory_io);
    CHECK_OK(catalog_open(env, "/data", &defaults, &catalog, &error), &error);
    CHECK_OK(engine_open(env, &options, &hooks, &memory_io.io, &engine, &recovery, &error), &error);
    catalog_bind(catalog, engine);
}

static inline void close_all(void)
{
    Error error;
    CHECK_OK(engine_close(engine, &error), &error);
    catalog_close(catalog);
}

/* As a killed process would. */
static inline void abandon_all(void)
{
    engine_abandon(engine);
    catalog_close(catalog);
}

/* ---- definitions ---- */

static inline Status create_table_of(const char *name_space, const char *name, TableKind kind,
                                     bool if_not_exists, bool *existed, Error *error)
{
    Column columns[2] = {
        {.name = SLICE("k"), .type = TYPE(BIGINT), .not_null = true},
        {.name = SLICE("v"), .type = TYPE(TEXT), .key_position = -1},
    };
    uint32_t key = 0;
    columns[0].initial_default = value_null(TYPE_BIGINT);
    columns[1].initial_default = value_null(TYPE_TEXT);
    TableDraft draft = {.namespace_name = slice_of_text(name_space),
                        .name = slice_of_text(name),
                        .kind = kind,
                        .columns = columns,
                        .column_count = 2,
                        .key_columns = &key,
                        .key_count = 1,
                        .creator = ROOT_USER_ID};
    return catalog_create_table(catalog, &draft, if_not_exists, existed, error);
}

static inline void create_namespace(const char *name)
{
    bool existed;
    Error error;
    CHECK_OK(catalog_create_namespace(catalog, slice_of_text(name), 1, true, &existed, &error),
             &error);
}

static inline uint64_t create_table(const char *name_space, const char *name, TableKind kind)
{
    bool existed;
    Error error;
    CHECK_OK(create_table_of(name_space, name, kind, false, &existed, &error), &error);
    CatalogSnapshot *snapshot = catalog_snapshot(catalog);
    const CatalogTable *table =
        catalog_find_table(snapshot, slice_of_text(name_space), slice_of_text(name));
    CHECK(table != NULL);
    uint64_t id = table->id;
    catalog_snapshot_release(snapshot);
    return id;
}

static inline Status put_user(const char *name, OwnerId *id, Error *error)
{
    CatalogUser user = {.name = slice_of_text(name), .role = ROLE_USER};
    return catalog_put_user(catalog, &user, id, error);
}

static inline bool has_table(const char *name_space, const char *name)
{
    CatalogSnapshot *snapshot = catalog_snapshot(catalog);
    bool has = catalog_find_table(snapshot, slice_of_text(name_space), slice_of_text(name)) != NULL;
    catalog_snapshot_release(snapshot);
    return has;
}

/* ---- one row ---- */

static inline void put_row(uint64_t table_id, OwnerId owner, int64_t key)
{
    WriteBatch *batch;
    CommitResult result;
    RowFound old;
    Buffer encoded;
    Buffer row;
    Arena arena;
    Error error;
    bool had_old;
    EngineTable *table = engine_table(engine, table_id);
    CHECK(table != NULL);
    Schema *schema = engine_table_schema(table);
    Value values[2] = {value_integer(TYPE_BIGINT, key), value_text(SLICE("a row"))};
    arena_open(&arena, 0);
    buffer_open(&encoded, 0);
    buffer_open(&row, 0);
    CHECK_OK(key_of_values(schema, owner, values, 1, &encoded, &error), &error);
    CHECK_OK(row_encode(&schema->layout, values, &row, &error), &error);
    CHECK_OK(write_open(engine, table, schema->version, INT64_MAX, &batch, &error), &error);
    Slice bytes = buffer_slice(&encoded);
    CHECK_OK(write_lock_keys(batch, 0, &bytes, 1, &error), &error);
    CHECK_OK(write_pin(batch, &error), &error);
    CHECK_OK(write_find(batch, 0, bytes, true, &arena, &old, &had_old, &error), &error);
    WriteOperation operation = {.kind = WRITE_PUT,
                                .owner = owner,
                                .key = bytes,
                                .row = buffer_slice(&row),
                                .had_old = had_old,
                                .old = old.location};
    if (had_old)
        operation.old_row = old.row;
    CHECK_OK(write_add(batch, &operation, &error), &error);
    CHECK_OK(write_commit(batch, &result, &error), &error);
    buffer_close(&encoded);
    buffer_close(&row);
    arena_close(&arena);
    schema_release(schema);
    engine_table_release(table);
}

static inline TableCount count_rows(uint64_t table_id, OwnerId owner)
{
    Pin *pin;
    TableCount count;
    Error error;
    EngineTable *table = engine_table(engine, table_id);
    CHECK(table != NULL);
    CHECK_OK(pin_open(engine, &table, 1, &pin, &error), &error);
    CHECK_OK(pin_count(pin, 0, owner, &count, &error), &error);
    pin_release(pin);
    engine_table_release(table);
    return count;
}

#endif
