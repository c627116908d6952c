/* A small database without sessions: catalog, engine, jobs, live queries and an executor, over data
 * files of the simulation's format; users root, alice and bob; tables app.open (SHARED, protected),
 * app.closed (SHARED, private, without a key), app.own (USER) and app.passing (STREAM). */
#ifndef FIRN_TESTS_UNIT_DATABASE_FIXTURE_H
#define FIRN_TESTS_UNIT_DATABASE_FIXTURE_H

#include "base/memory.h"
#include "cold/memory_io.h"
#include "database/system_tables.h"
#include "tests/unit/database/test.h"

typedef struct Fixture {
    Path folder;
    MemoryIo io;
    Catalog *catalog;
    Engine *engine;
    Jobs *jobs;
    Live *live;
    Metrics *metrics;
    Executor *executor;
    Configuration *configuration;
    SystemSources sources;
    OwnerId alice;
    OwnerId bob;
    OwnerId root;
} Fixture;

static inline Status recover_nothing(void *context, Slice payload, Error *error)
{
    (void)context, (void)payload, (void)error;
    return OK;
}

static inline Status recover_no_record(void *context, uint8_t kind, uint64_t seq, Slice payload,
                                       Error *error)
{
    (void)context, (void)kind, (void)seq, (void)payload, (void)error;
    return OK;
}

static inline void *begin_checkpoint(void *context)
{
    return context;
}

static inline Status finish_checkpoint(void *context, void *begun, Buffer *out, Error *error)
{
    (void)context, (void)begun, (void)error;
    buffer_put_u8(out, 0);
    return OK;
}

static inline void hear_flush(void *context, uint64_t table_id, FlushTrigger trigger)
{
    (void)context, (void)table_id, (void)trigger;
}

static inline void hear_compaction(void *context, uint64_t table_id)
{
    (void)context, (void)table_id;
}

static inline void hear_changes(void *context, LogChunk *chunk, uint64_t visible)
{
    live_handed_out(((Fixture *)context)->live, chunk, visible);
}

static inline Status name_owner(void *context, OwnerId owner, Arena *arena, Slice *out,
                                Error *error)
{
    return catalog_owner_name(((Fixture *)context)->catalog, owner, arena, out, error);
}

static inline OwnerId find_owner(void *context, Slice name)
{
    return catalog_owner_of(((Fixture *)context)->catalog, name);
}

static inline void hear_error(void *context, const char *what, uint64_t table_id,
                              const Error *error)
{
    (void)context, (void)table_id;
    fail_msg("%s: %s", what, error->message);
}

static inline Status list_connections(void *context, ConnectionVisitor visit, void *visit_context,
                                      Error *error)
{
    const Fixture *f = context;
    ConnectionInformation rows[] = {
        {.connection_id = "c-alice",
         .protocol = "websocket",
         .user_id = f->alice,
         .user_name = SLICE("alice"),
         .connected_us = 1,
         .requests = 7,
         .subscriptions = 2},
        {.connection_id = "c-nobody", .protocol = "http", .user_id = 0, .connected_us = 1}};
    for (size_t i = 0; i < COUNT(rows); i++)
        TRY(visit(visit_context, &rows[i], error));
    return OK;
}

static inline OwnerId make_user(Fixture *f, const char *name, Role role)
{
    CatalogUser user = {.name = slice_of_text(name),
                        .role = role,
                        .verifier = SLICE("$argon2id$secret"),
                        .version = 1};
    OwnerId id;
    Error error;
    assert_ok(catalog_put_user(f->catalog, &user, &id, &error), &error);
    return id;
}

static inline void open_rooms(Fixture *f)
{
    EngineOptions options = {
        .directory = f->folder.text,
        .log = {.durability = LOG_NONE, .interval_ns = 1000000, .segment_bytes = 1 << 20},
        .log_bytes_max = 64 << 20,
        .memory_bytes_max = 64 << 20,
        .stall_soft_percent = 75,
        .stall_hard_percent = 100,
        .sealed_soft = 4,
        .sealed_hard = 8,
        .snapshot_age_max_ns = INT64_C(600000000000),
        .snapshot_bytes_max = 64 << 20,
        .row_cache_bytes = 1 << 20,
        .key_files_open_max = 16,
        .snapshots_max = 100,
        .seals_only_by_command = true};
    EngineHooks hooks = {
        f,          recover_nothing, recover_no_record, begin_checkpoint, finish_checkpoint,
        hear_flush, hear_compaction, hear_changes,      name_owner,       find_owner,
        hear_error};
    CatalogDefaults defaults = {.flush_rows = 1000,
                                .flush_interval_ms = 60000,
                                .flush_bytes = 1 << 20,
                                .snapshot_retention_ms = 3600000,
                                .target_file_bytes = 1 << 20,
                                .small_files_max = 16,
                                .deleted_percent_max = 30,
                                .delete_files_max = 8,
                                .compression = "zstd"};
    JobsOptions jobs = {.workers = 1,
                        .retention_us = INT64_C(3600000000),
                        .stuck_after_us = INT64_C(3600000000),
                        .tick_ns = INT64_C(3600000000000)};
    LiveOptions live = LIVE_OPTIONS_DEFAULT;
    EngineRecovery recovery;
    Error error;
    assert_ok(metrics_create(env_real(), &f->metrics, &error), &error);
    assert_ok(catalog_open(env_real(), f->folder.text, &defaults, &f->catalog, &error), &error);
    assert_ok(jobs_open(env_real(), &jobs, NULL, f->metrics, &f->jobs, &error), &error);
    assert_ok(live_open(env_real(), &live, NULL, f->metrics, &f->live, &error), &error);
    assert_ok(engine_open(env_real(), &options, &hooks, &f->io.io, &f->engine, &recovery, &error),
              &error);
    catalog_bind(f->catalog, f->engine);
    assert_ok(live_start(f->live, f->engine, f->catalog, &error), &error);
    assert_ok(jobs_start(f->jobs, f->engine, f->catalog, &error), &error);
    assert_ok(executor_create(env_real(), f->engine, f->catalog, f->jobs, NULL, &(ExecutorHooks){0},
                              &(ExecutorOptions){0}, &f->executor, &error),
              &error);
    assert_ok(configuration_load(env_real(), &(ConfigurationSources){0}, &f->configuration, &error),
              &error);
}

static inline void make_table(Fixture *f, const char *name, TableKind kind, TableAccess access,
                              bool keyed)
{
    static const uint32_t key[] = {0};
    Column columns[] = {{.name = SLICE("id"),
                         .type = TYPE(INTEGER),
                         .not_null = keyed,
                         .key_position = keyed ? 0 : -1,
                         .initial_default = value_null(TYPE_INTEGER)},
                        {.name = SLICE("body"),
                         .type = TYPE(TEXT),
                         .key_position = -1,
                         .comment = SLICE("the letter"),
                         .initial_default = value_null(TYPE_TEXT)}};
    TableDraft draft = {.namespace_name = SLICE("app"),
                        .name = slice_of_text(name),
                        .kind = kind,
                        .access = access,
                        .columns = columns,
                        .column_count = 2,
                        .key_columns = key,
                        .key_count = keyed ? 1 : 0,
                        .options = {.flush_rows = 500, .flush_interval_ms = 20000},
                        .storage = SLICE("local"),
                        .creator = f->root};
    if (kind == TABLE_STREAM)
        draft.options.ttl_ms = 3600000;
    bool existed;
    Error error;
    assert_ok(catalog_create_table(f->catalog, &draft, false, &existed, &error), &error);
}

static inline EngineTable *table_of(Fixture *f, const char *name)
{
    CatalogSnapshot *snapshot = catalog_snapshot(f->catalog);
    const CatalogTable *table = catalog_find_table(snapshot, SLICE("app"), slice_of_text(name));
    assert_non_null(table);
    EngineTable *out = engine_table(f->engine, table->id);
    catalog_snapshot_release(snapshot);
    return out;
}

/* Puts (or, with body NULL, deletes) one row of a keyed table. */
static inline void write_row(Fixture *f, const char *name, OwnerId owner, int32_t id,
                             const char *body)
{
    EngineTable *table = table_of(f, name);
    Schema *schema = engine_table_schema(table);
    Value values[] = {value_integer(TYPE_INTEGER, id),
                      value_text(slice_of_text(body == NULL ? "" : body))};
    WriteBatch *batch;
    CommitResult result;
    RowFound old;
    bool found;
    Buffer row;
    Buffer key;
    Arena arena;
    Error error;
    buffer_open(&row, 0);
    buffer_open(&key, 0);
    arena_open(&arena, 0);
    assert_ok(row_encode(&schema->layout, values, &row, &error), &error);
    assert_ok(key_of_row(schema, owner, buffer_slice(&row), &key, &error), &error);
    assert_ok(write_open(f->engine, table, schema->version, INT64_MAX, &batch, &error), &error);
    Slice keys[] = {buffer_slice(&key)};
    assert_ok(write_lock_keys(batch, 0, keys, 1, &error), &error);
    assert_ok(write_pin(batch, &error), &error);
    assert_ok(write_find(batch, 0, keys[0], true, &arena, &old, &found, &error), &error);
    WriteOperation operation = {.kind = body == NULL ? WRITE_DELETE : WRITE_PUT,
                                .owner = owner,
                                .key = keys[0],
                                .row = body == NULL ? SLICE_EMPTY : buffer_slice(&row),
                                .had_old = found};
    if (found) {
        operation.old = old.location;
        operation.old_row = old.row;
    }
    assert_ok(write_add(batch, &operation, &error), &error);
    assert_ok(write_commit(batch, &result, &error), &error);
    buffer_close(&row);
    buffer_close(&key);
    arena_close(&arena);
    schema_release(schema);
    engine_table_release(table);
}

static inline void flush(Fixture *f, const char *name, OwnerId owner)
{
    EngineTable *table = table_of(f, name);
    SettleRequest request = {.job_id = SLICE("FL-test"), .owner = owner};
    SettleResult result;
    Error error;
    assert_ok(engine_flush(f->engine, table, &request, &result, &error), &error);
    engine_table_release(table);
}

static inline int open_fixture(void **state)
{
    Fixture *f = MEMORY_NEW(Fixture);
    bool existed;
    Error error;
    make_folder(&f->folder);
    memory_io_open(env_real(), &f->io);
    open_rooms(f);
    f->root = make_user(f, "root", ROLE_SYSTEM);
    f->alice = make_user(f, "alice", ROLE_USER);
    f->bob = make_user(f, "bob", ROLE_USER);
    assert_ok(catalog_create_namespace(f->catalog, SLICE("app"), f->root, false, &existed, &error),
              &error);
    assert_ok(
        catalog_create_namespace(f->catalog, SLICE("empty"), f->root, false, &existed, &error),
        &error);
    make_table(f, "open", TABLE_SHARED, ACCESS_PROTECTED, true);
    make_table(f, "closed", TABLE_SHARED, ACCESS_PRIVATE, false);
    make_table(f, "own", TABLE_USER, ACCESS_PRIVATE, true);
    make_table(f, "passing", TABLE_STREAM, ACCESS_PRIVATE, true);
    f->sources = (SystemSources){.env = env_real(),
                                 .engine = f->engine,
                                 .catalog = f->catalog,
                                 .jobs = f->jobs,
                                 .executor = f->executor,
                                 .live = f->live,
                                 .metrics = f->metrics,
                                 .configuration = f->configuration,
                                 .visit_connections = list_connections,
                                 .connections_context = f};
    *state = f;
    return 0;
}

static inline int close_fixture(void **state)
{
    Fixture *f = *state;
    Error error;
    executor_destroy(f->executor);
    live_stop(f->live);
    jobs_stop(f->jobs, 0, NULL, NULL);
    assert_ok(engine_close(f->engine, &error), &error);
    live_close(f->live);
    jobs_close(f->jobs);
    catalog_close(f->catalog);
    metrics_destroy(f->metrics);
    configuration_release(f->configuration);
    remove_folder(&f->folder);
    memory_free(f);
    return 0;
}

#endif
