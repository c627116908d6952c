/* An engine with three tables on a simulated machine, and the smallest catalog there is: the record
 * of a definition says table number, schema version and what it does.
 *
 * Everything here is called inside a run. What must survive a crash is static. */
#ifndef FIRN_TESTS_UNIT_ENGINE_FIXTURE_H
#define FIRN_TESTS_UNIT_ENGINE_FIXTURE_H

#include "base/random.h"
#include "cold/memory_io.h"
#include "engine/engine_int.h"
#include "tests/unit/base/simulated.h"

enum { TABLES = 3, OWN = 1 /* the USER table; the others are SHARED */, TABLE_ID_FIRST = 10 };

static Simulation *machine;
static Env *env;
static Engine *engine;
static EngineOptions options;
static EngineRecovery recovery;
static TablePolicy policy;
static TableKind own_kind; /* of OWN */
static MemoryIo memory_io;
static Schema *schemas[TABLES];
static uint32_t versions[TABLES]; /* appended; 0: none */
static uint32_t flushes_wanted;
static FlushTrigger last_trigger;
static uint64_t last_wanted;
static uint32_t background_errors;

static int boot(void **state)
{
    (void)state;
    machine = simulation_create(&(SimulationOptions){.seed = 1});
    env = simulation_env(machine);
    options = (EngineOptions){.directory = "/data",
                              .log = {.durability = LOG_ALWAYS,
                                      .interval_ns = 5000000,
                                      .segment_bytes = 1 << 20,
                                      .spare_segments = 1},
                              .log_bytes_max = 1 << 30,
                              .feed_retention_us = 0,
                              .feed_bytes_max = 0,
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
    policy = (TablePolicy){.flush_rows = INT64_MAX,
                           .flush_bytes = INT64_MAX,
                           .target_file_bytes = 1 << 20,
                           .small_files_max = 3,
                           .deleted_percent_max = 30,
                           .delete_files_max = 4,
                           .compression = "none",
                           .format_version = 2};
    background_errors = flushes_wanted = 0;
    own_kind = TABLE_USER;
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

static inline void run_until_crash(void (*body)(void *argument))
{
    assert_end(SIMULATION_CRASHED, simulation_run(machine, body, NULL), machine);
}

/* ---- schemas: k BIGINT, v TEXT; later versions have one column more ---- */

static inline Schema *schema_of_version(size_t number, uint32_t version)
{
    Schema *schema;
    Error error;
    Column columns[3] = {
        {.name = SLICE("k"), .type = TYPE(BIGINT), .field_id = 1, .not_null = true},
        {.name = SLICE("v"), .type = TYPE(TEXT), .field_id = 2, .key_position = -1},
        {.name = SLICE("n"), .type = TYPE(BIGINT), .field_id = version + 1, .key_position = -1},
    };
    columns[0].initial_default = value_null(TYPE_BIGINT);
    columns[1].initial_default = value_null(TYPE_TEXT);
    columns[2].initial_default = value_integer(TYPE_BIGINT, version);
    CHECK_OK(schema_create(TABLE_ID_FIRST + number, version,
                           number == OWN ? own_kind : TABLE_SHARED, columns, version == 1 ? 2 : 3,
                           version + 2, &schema, &error),
             &error);
    return schema;
}

static inline void describe(size_t number, Schema *schema, TableDefinition *out)
{
    static const char *const folders[] = {"/data/storage/s.a-10", "/data/storage/s.b-11",
                                          "/data/storage/s.c-12"};
    static const char *const names[] = {"a", "b", "c"};
    *out = (TableDefinition){.schema = schema,
                             .policy = policy,
                             .folder = folders[number],
                             .namespace_name = SLICE("s"),
                             .table_name = slice_of_text(names[number]),
                             .created_us = 1};
    out->uuid[0] = (uint8_t)(number + 1);
}

static inline void keep_schema(size_t number, Schema *schema)
{
    if (schemas[number] != NULL)
        schema_release(schemas[number]);
    schemas[number] = schema_clone(schema);
    versions[number] = schema->version;
}

/* ---- hooks ---- */

static inline Status register_table(size_t number, uint32_t version, Error *error)
{
    TableDefinition definition;
    Schema *old[16];
    uint32_t count = 0;
    Schema *schema = schema_of_version(number, version);
    for (uint32_t v = 1; v < version && count < 16; v++)
        old[count++] = schema_of_version(number, v);
    describe(number, schema, &definition);
    definition.old_schemas = old;
    definition.old_schema_count = count;
    Status status = engine_recover_table(engine, &definition, error);
    keep_schema(number, schema);
    schema_release(schema);
    for (uint32_t i = 0; i < count; i++)
        schema_release(old[i]);
    return status;
}

static inline Status recover_record(void *context, uint8_t kind, uint64_t seq, Slice payload,
                                    Error *error)
{
    Cursor cursor = cursor_of(payload);
    uint8_t number = cursor_u8(&cursor);
    uint32_t version = cursor_u32(&cursor);
    uint8_t change = cursor_u8(&cursor);
    (void)context;
    (void)seq;
    if (kind != FRAME_DEFINITION || change == TABLE_CHANGE_TRUNCATE)
        return OK;
    if (change == TABLE_CHANGE_DROP) {
        versions[number] = 0;
        return OK;
    }
    return register_table(number, version, error);
}

static inline Status recover_checkpoint(void *context, Slice payload, Error *error)
{
    Cursor cursor = cursor_of(payload);
    (void)context;
    for (size_t i = 0; i < TABLES; i++) {
        uint32_t version = cursor_u32(&cursor);
        if (version != 0)
            TRY(register_table(i, version, error));
    }
    return OK;
}

static inline void *checkpoint_begin(void *context)
{
    (void)context;
    return memory_clone(versions, sizeof versions);
}

static inline Status checkpoint_finish(void *context, void *begun, Buffer *out, Error *error)
{
    const uint32_t *own = begun;
    (void)context;
    if (begun == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < TABLES; i++)
        buffer_put_u32(out, own[i]);
    memory_free(begun);
    return buffer_status(out, error);
}

static inline void flush_wanted(void *context, uint64_t table_id, FlushTrigger trigger)
{
    (void)context;
    flushes_wanted++;
    last_wanted = table_id;
    last_trigger = trigger;
}

static inline void compaction_wanted(void *context, uint64_t table_id)
{
    (void)context;
    (void)table_id;
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
    char name[16];
    (void)context;
    (void)snprintf(name, sizeof name, "u%u", owner);
    return arena_clone(arena, slice_of_text(name), out, error);
}

static inline OwnerId owner_of(void *context, Slice name)
{
    int64_t number;
    (void)context;
    return slice_to_int64(slice_part(name, 1, name.size), &number) ? (OwnerId)number : 0;
}

static inline void background_error(void *context, const char *what, uint64_t table_id,
                                    const Error *error)
{
    (void)context;
    (void)what;
    (void)table_id;
    (void)error;
    background_errors++;
}

/* ---- opening ---- */

static inline Status try_open(Error *error)
{
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
    memset(schemas, 0, sizeof schemas);
    memset(versions, 0, sizeof versions);
    memory_io_open(env, &memory_io);
    return engine_open(env, &options, &hooks, &memory_io.io, &engine, &recovery, error);
}

static inline void release_schemas(void)
{
    for (size_t i = 0; i < TABLES; i++) {
        if (schemas[i] != NULL)
            schema_release(schemas[i]);
        schemas[i] = NULL;
    }
}

static inline void open_engine(void)
{
    Error error;
    CHECK_OK(try_open(&error), &error);
}

static inline void close_engine(void)
{
    Error error;
    CHECK_OK(engine_close(engine, &error), &error);
    release_schemas();
}

/* As a killed process would, but for what is in the file system's cache. */
static inline void abandon_engine(void)
{
    engine_abandon(engine);
    release_schemas();
}

/* ---- definitions ---- */

typedef struct DefineWork {
    size_t number;
    uint32_t version; /* 0: dropped */
    Schema *schema;   /* NULL: nothing changes for the catalog */
} DefineWork;

static inline void define_appended(void *context, uint64_t seq)
{
    DefineWork *work = context;
    (void)seq;
    if (work->schema != NULL)
        keep_schema(work->number, work->schema);
    else if (work->version == 0)
        versions[work->number] = 0;
}

static inline Status define_until(size_t number, TableChangeKind kind, uint32_t version,
                                  int64_t deadline_ns, Error *error)
{
    Schema *schema = schema_of_version(number, version);
    bool is_new = kind == TABLE_CHANGE_CREATE || kind == TABLE_CHANGE_ALTER;
    DefineWork work = {number, kind == TABLE_CHANGE_DROP ? 0 : version, is_new ? schema : NULL};
    TableDefinition definition;
    uint8_t payload[6] = {(uint8_t)number, (uint8_t)version, 0, 0, 0, (uint8_t)kind};
    TableChange change = {kind, TABLE_ID_FIRST + number, &definition};
    uint64_t seq;
    describe(number, schema, &definition);
    Definition request = {.payload = slice_of(payload, sizeof payload),
                          .changes = &change,
                          .change_count = 1,
                          .appended = define_appended,
                          .context = &work,
                          .lock_deadline_ns = deadline_ns};
    Status status = engine_define(engine, &request, &seq, error);
    schema_release(schema);
    return status;
}

static inline void define(size_t number, TableChangeKind kind, uint32_t version)
{
    Error error;
    CHECK_OK(define_until(number, kind, version, INT64_MAX, &error), &error);
}

static inline void open_with_tables(void)
{
    open_engine();
    for (size_t i = 0; i < TABLES; i++) {
        if (versions[i] == 0)
            define(i, TABLE_CHANGE_CREATE, 1);
    }
}

static inline EngineTable *table_number(size_t number)
{
    EngineTable *table = engine_table(engine, TABLE_ID_FIRST + number);
    CHECK(table != NULL);
    return table;
}

/* ---- rows ---- */

static inline Slice key_in(Arena *arena, size_t number, OwnerId owner, int64_t key)
{
    Buffer bytes;
    Slice out;
    Error error;
    Value value = value_integer(TYPE_BIGINT, key);
    buffer_open(&bytes, 0);
    CHECK_OK(key_of_values(schemas[number], owner, &value, 1, &bytes, &error), &error);
    CHECK_OK(arena_clone(arena, buffer_slice(&bytes), &out, &error), &error);
    buffer_close(&bytes);
    return out;
}

static inline Slice row_in(Arena *arena, size_t number, int64_t key, const char *text)
{
    Buffer bytes;
    Slice out;
    Error error;
    Value values[3] = {value_integer(TYPE_BIGINT, key), value_text(slice_of_text(text)),
                       value_integer(TYPE_BIGINT, versions[number])};
    buffer_open(&bytes, 0);
    CHECK_OK(row_encode(&schemas[number]->layout, values, &bytes, &error), &error);
    CHECK_OK(arena_clone(arena, buffer_slice(&bytes), &out, &error), &error);
    buffer_close(&bytes);
    return out;
}

static inline Status open_batch_until(size_t number, int64_t deadline_ns, WriteBatch **out,
                                      Error *error)
{
    EngineTable *table = table_number(number);
    Status status = write_open(engine, table, schemas[number]->version, deadline_ns, out, error);
    engine_table_release(table);
    return status;
}

static inline WriteBatch *open_batch(size_t number)
{
    WriteBatch *batch;
    Error error;
    CHECK_OK(open_batch_until(number, INT64_MAX, &batch, &error), &error);
    return batch;
}

/* Looks the key up and adds what makes it `text` (NULL: gone). */
static inline Status add_change(WriteBatch *batch, Arena *arena, size_t in_batch, size_t number,
                                OwnerId owner, int64_t key, const char *text, Error *error)
{
    RowFound old;
    bool had_old;
    Slice bytes = key_in(arena, number, owner, key);
    TRY(write_find(batch, in_batch, bytes, true, arena, &old, &had_old, error));
    WriteOperation operation = {.table = in_batch,
                                .kind = text == NULL ? WRITE_DELETE : WRITE_PUT,
                                .owner = owner,
                                .key = bytes,
                                .had_old = had_old,
                                .old = old.location};
    if (had_old)
        operation.old_row = old.row;
    if (text != NULL)
        operation.row = row_in(arena, number, key, text);
    return write_add(batch, &operation, error);
}

static inline Status write_key(size_t number, OwnerId owner, int64_t key, const char *text,
                               Error *error)
{
    WriteBatch *batch;
    CommitResult result;
    Arena arena;
    TRY(open_batch_until(number, INT64_MAX, &batch, error));
    arena_open(&arena, 0);
    Slice bytes = key_in(&arena, number, owner, key);
    Status status = write_lock_keys(batch, 0, &bytes, 1, error);
    for (bool again = status == OK; again;) {
        write_reset(batch);
        status = write_pin(batch, error);
        if (status == OK)
            status = add_change(batch, &arena, 0, number, owner, key, text, error);
        if (status != OK)
            break;
        status = write_commit(batch, &result, error);
        again = status == STATUS_WOULD_BLOCK;
        if (!again)
            batch = NULL;
    }
    write_abandon(batch);
    arena_close(&arena);
    return status;
}

static inline void put(size_t number, OwnerId owner, int64_t key, const char *text)
{
    Error error;
    CHECK_OK(write_key(number, owner, key, text, &error), &error);
}

static inline void erase(size_t number, OwnerId owner, int64_t key)
{
    put(number, owner, key, NULL);
}

static inline Pin *pin_number(size_t number)
{
    Pin *pin;
    Error error;
    EngineTable *table = table_number(number);
    CHECK_OK(pin_open(engine, &table, 1, &pin, &error), &error);
    engine_table_release(table);
    return pin;
}

/* The value of a key for the pin is this text; NULL: no row. */
static inline void expect_at(Pin *pin, size_t number, OwnerId owner, int64_t key, const char *text)
{
    RowFound found;
    Arena arena;
    Error error;
    bool has;
    arena_open(&arena, 0);
    CHECK_OK(pin_get(pin, 0, key_in(&arena, number, owner, key), &arena, &found, &has, &error),
             &error);
    Value value = value_null(TYPE_TEXT);
    if (has)
        row_get(&pin_schema(pin, 0)->layout, found.row, 1, &value);
    bool is_right = text == NULL ? !has : has && slice_equal_text(value.as.bytes, text);
    if (!is_right)
        simulation_fail(machine, "key %ld is \"%.*s\", wanted \"%s\"", key,
                        SLICE_ARGUMENTS(has ? value.as.bytes : SLICE("(none)")),
                        text == NULL ? "(none)" : text);
    arena_close(&arena);
}

static inline void expect(size_t number, OwnerId owner, int64_t key, const char *text)
{
    Pin *pin = pin_number(number);
    expect_at(pin, number, owner, key, text);
    pin_release(pin);
}

static inline TableCount count_at(Pin *pin, OwnerId owner)
{
    TableCount count;
    Error error;
    CHECK_OK(pin_count(pin, 0, owner, &count, &error), &error);
    return count;
}

static inline TableCount count_rows(size_t number, OwnerId owner)
{
    Pin *pin = pin_number(number);
    TableCount count = count_at(pin, owner);
    pin_release(pin);
    return count;
}

/* ---- settling ---- */

static inline Status try_flush(size_t number, OwnerId owner, SettleResult *out, Error *error)
{
    EngineTable *table = table_number(number);
    SettleRequest request = {.job_id = SLICE("test"), .owner = owner};
    Status status = engine_flush(engine, table, &request, out, error);
    engine_table_release(table);
    return status;
}

static inline SettleResult flush(size_t number, OwnerId owner)
{
    SettleResult result;
    Error error;
    CHECK_OK(try_flush(number, owner, &result, &error), &error);
    return result;
}

static inline Status try_compact(size_t number, SettleResult *out, Error *error)
{
    EngineTable *table = table_number(number);
    SettleRequest request = {.job_id = SLICE("test")};
    Status status = engine_compact(engine, table, &request, true, out, error);
    engine_table_release(table);
    return status;
}

static inline SettleResult compact(size_t number)
{
    SettleResult result;
    Error error;
    CHECK_OK(try_compact(number, &result, &error), &error);
    return result;
}

#endif
