/* What the tests of live queries share: a real engine with its catalog in a folder that goes away,
 * with live queries on its hook, and two tables of the same columns, one of them with owners. */
#ifndef FIRN_TESTS_UNIT_LIVE_MACHINE_H
#define FIRN_TESTS_UNIT_LIVE_MACHINE_H

#include "base/memory.h"
#include "base/random.h"
#include "cold/memory_io.h"
#include "live/live.h"
#include "tests/unit/base/test.h"
#include "types/function.h"

enum { OWNERS = 3, COLUMN_ID = 0, COLUMN_ROOM, COLUMN_NAME, COLUMN_AMOUNT, COLUMN_CODE, COLUMNS };

typedef struct Machine {
    char folder[64];
    Env *env;
    MemoryIo io;
    Catalog *catalog;
    Engine *engine;
    Metrics *metrics;
    Live *live;
    LiveOptions options;
    uint64_t feed_bytes_max;
    uint64_t segment_bytes;
    uint64_t shared; /* table ids */
    uint64_t owned;
    OwnerId owners[OWNERS]; /* "user0" … */
} Machine;

/* ---- hooks ---- */

static inline Status machine_recover_checkpoint(void *context, Slice payload, Error *error)
{
    Machine *machine = context;
    catalog_bind(machine->catalog, machine->engine);
    return catalog_recover_checkpoint(machine->catalog, payload, error);
}

static inline Status machine_recover_record(void *context, uint8_t kind, uint64_t seq,
                                            Slice payload, Error *error)
{
    Machine *machine = context;
    (void)seq;
    catalog_bind(machine->catalog, machine->engine);
    return kind == FRAME_DEFINITION ? catalog_recover_record(machine->catalog, payload, error) : OK;
}

static inline void *machine_checkpoint_begin(void *context)
{
    return catalog_head(((Machine *)context)->catalog);
}

static inline Status machine_checkpoint_finish(void *context, void *begun, Buffer *out,
                                               Error *error)
{
    (void)context;
    Status status = catalog_snapshot_encode(begun, out, error);
    catalog_snapshot_release(begun);
    return status;
}

static inline void machine_flush_wanted(void *context, uint64_t table_id, FlushTrigger trigger)
{
    (void)context;
    (void)table_id;
    (void)trigger;
}

static inline void machine_compaction_wanted(void *context, uint64_t table_id)
{
    (void)context;
    (void)table_id;
}

static inline void machine_handed_out(void *context, LogChunk *chunk, uint64_t visible)
{
    live_handed_out(((Machine *)context)->live, chunk, visible);
}

static inline Status machine_owner_name(void *context, OwnerId owner, Arena *arena, Slice *out,
                                        Error *error)
{
    return catalog_owner_name(((Machine *)context)->catalog, owner, arena, out, error);
}

static inline OwnerId machine_owner_of(void *context, Slice name)
{
    return catalog_owner_of(((Machine *)context)->catalog, name);
}

static inline void machine_background_error(void *context, const char *what, uint64_t table_id,
                                            const Error *error)
{
    (void)context;
    (void)fprintf(stderr, "background %s of %llu: %s\n", what, (unsigned long long)table_id,
                  error->message);
}

/* ---- opening and closing ---- */

static inline void machine_start(Machine *machine)
{
    static const CatalogDefaults defaults = {.flush_rows = INT64_MAX,
                                             .flush_interval_ms = 0,
                                             .flush_bytes = INT64_MAX,
                                             .snapshot_retention_ms = 1,
                                             .target_file_bytes = 1 << 20,
                                             .small_files_max = 4,
                                             .deleted_percent_max = 30,
                                             .delete_files_max = 4,
                                             .compression = "none"};
    Error error;
    EngineRecovery recovery;
    EngineOptions options = {.directory = machine->folder,
                             .log = {.durability = LOG_INTERVAL,
                                     .interval_ns = 5000000,
                                     .segment_bytes = machine->segment_bytes,
                                     .spare_segments = 1},
                             .log_bytes_max = 1 << 30,
                             .feed_retention_us = INT64_MAX / 4,
                             .feed_bytes_max = machine->feed_bytes_max,
                             .memory_bytes_max = 1 << 30,
                             .stall_soft_percent = 75,
                             .stall_hard_percent = 100,
                             .sealed_soft = 64,
                             .sealed_hard = 128,
                             .snapshot_age_max_ns = INT64_MAX / 4,
                             .snapshot_bytes_max = 1 << 30,
                             .row_cache_bytes = 1 << 16,
                             .key_files_open_max = 16,
                             .snapshots_max = 1000,
                             .seals_only_by_command = true};
    EngineHooks hooks = {.context = machine,
                         .recover_checkpoint = machine_recover_checkpoint,
                         .recover_record = machine_recover_record,
                         .checkpoint_begin = machine_checkpoint_begin,
                         .checkpoint_finish = machine_checkpoint_finish,
                         .flush_wanted = machine_flush_wanted,
                         .compaction_wanted = machine_compaction_wanted,
                         .handed_out = machine_handed_out,
                         .owner_name = machine_owner_name,
                         .owner_of = machine_owner_of,
                         .background_error = machine_background_error};
    memory_io_open(machine->env, &machine->io);
    assert_ok(metrics_create(machine->env, &machine->metrics, &error), &error);
    assert_ok(catalog_open(machine->env, machine->folder, &defaults, &machine->catalog, &error),
              &error);
    assert_ok(
        live_open(machine->env, &machine->options, NULL, machine->metrics, &machine->live, &error),
        &error);
    assert_ok(engine_open(machine->env, &options, &hooks, &machine->io.io, &machine->engine,
                          &recovery, &error),
              &error);
    catalog_bind(machine->catalog, machine->engine);
    assert_ok(live_start(machine->live, machine->engine, machine->catalog, &error), &error);
}

static inline void machine_stop(Machine *machine)
{
    Error error;
    live_stop(machine->live);
    assert_ok(engine_close(machine->engine, &error), &error);
    live_close(machine->live);
    catalog_close(machine->catalog);
    metrics_destroy(machine->metrics);
}

static inline uint64_t machine_make_table(Machine *machine, const char *name, TableKind kind)
{
    static const uint32_t key[] = {COLUMN_ID};
    Error error;
    bool existed;
    Column columns[COLUMNS] = {
        {.name = SLICE("id"), .type = TYPE(BIGINT)},
        {.name = SLICE("room"), .type = TYPE(INTEGER)},
        {.name = SLICE("name"), .type = TYPE(TEXT)},
        {.name = SLICE("amount"), .type = {.kind = TYPE_DECIMAL, .a = 12, .b = 2}},
        {.name = SLICE("code"), .type = {.kind = TYPE_CHAR, .a = 6}}};
    for (size_t i = 0; i < COLUMNS; i++)
        columns[i].initial_default = value_null((TypeKind)columns[i].type.kind);
    TableDraft draft = {.namespace_name = SLICE("app"),
                        .name = slice_of_text(name),
                        .kind = kind,
                        .access = ACCESS_PUBLIC,
                        .columns = columns,
                        .column_count = COLUMNS,
                        .key_columns = key,
                        .key_count = 1};
    assert_ok(catalog_create_table(machine->catalog, &draft, false, &existed, &error), &error);
    CatalogSnapshot *snapshot = catalog_snapshot(machine->catalog);
    uint64_t id = catalog_find_table(snapshot, SLICE("app"), slice_of_text(name))->id;
    catalog_snapshot_release(snapshot);
    return id;
}

static inline void machine_open(Machine *machine)
{
    Error error;
    bool existed;
    if (machine->options.queue_bytes_max == 0)
        machine->options = LIVE_OPTIONS_DEFAULT;
    if (machine->segment_bytes == 0)
        machine->segment_bytes = 1 << 20;
    if (machine->feed_bytes_max == 0)
        machine->feed_bytes_max = 1 << 30;
    machine->env = env_real();
    (void)snprintf(machine->folder, sizeof machine->folder, "/tmp/firn-live-XXXXXX");
    assert_non_null(mkdtemp(machine->folder));
    machine_start(machine);
    assert_ok(catalog_create_namespace(machine->catalog, SLICE("app"), 0, false, &existed, &error),
              &error);
    for (size_t i = 0; i < OWNERS; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "user%zu", i);
        CatalogUser user = {.name = slice_of_text(name), .role = ROLE_USER};
        assert_ok(catalog_put_user(machine->catalog, &user, &machine->owners[i], &error), &error);
    }
    machine->shared = machine_make_table(machine, "shared", TABLE_SHARED);
    machine->owned = machine_make_table(machine, "owned", TABLE_USER);
}

static inline void machine_close(Machine *machine)
{
    Error error;
    machine_stop(machine);
    assert_ok(env_remove_tree(machine->env, machine->folder, &error), &error);
}

static inline Schema *machine_schema(Machine *machine, uint64_t table_id)
{
    EngineTable *table = engine_table(machine->engine, table_id);
    assert_non_null(table);
    Schema *schema = engine_table_schema(table);
    engine_table_release(table);
    return schema;
}

static inline void machine_flush(Machine *machine, uint64_t table_id, OwnerId owner)
{
    Error error;
    SettleResult result;
    SettleRequest request = {.job_id = SLICE("test"), .owner = owner};
    EngineTable *table = engine_table(machine->engine, table_id);
    assert_non_null(table);
    assert_ok(engine_flush(machine->engine, table, &request, &result, &error), &error);
    engine_table_release(table);
}

static inline void machine_compact(Machine *machine, uint64_t table_id)
{
    Error error;
    SettleResult result;
    SettleRequest request = {.job_id = SLICE("test")};
    EngineTable *table = engine_table(machine->engine, table_id);
    assert_non_null(table);
    assert_ok(engine_compact(machine->engine, table, &request, true, &result, &error), &error);
    engine_table_release(table);
}

/* ---- writing ---- */

typedef struct TestRow {
    int64_t id;
    int64_t room;
    const char *name; /* NULL: NULL, and so for code */
    int64_t cents;
    const char *code;
} TestRow;

enum { WRITES_MAX = 160 };

typedef struct TestWrite {
    OwnerId owner; /* 0 in a table without owners */
    bool is_delete;
    TestRow row; /* is_delete: the id only */
} TestWrite;

static inline Value test_text(TypeKind kind, const char *text)
{
    return text == NULL ? value_null(kind) : value_bytes(kind, slice_of_text(text));
}

/* By field id: columns added later are NULL, dropped ones left out. */
static inline void test_row_encode(const Schema *schema, const TestRow *row, Buffer *out)
{
    Error error;
    Value all[COLUMNS] = {value_integer(TYPE_BIGINT, row->id),
                          value_integer(TYPE_INTEGER, row->room), test_text(TYPE_TEXT, row->name),
                          value_decimal(row->cents, 2), test_text(TYPE_CHAR, row->code)};
    Value values[COLUMNS + 8];
    assert_true(schema->column_count <= COLUMNS + 8);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        uint32_t field = schema->columns[c].field_id;
        values[c] =
            field <= COLUMNS ? all[field - 1] : value_null((TypeKind)schema->columns[c].type.kind);
        if (field <= COLUMNS && !values[c].is_null)
            values[c].kind = schema->columns[c].type.kind; /* widened */
    }
    buffer_clear(out);
    assert_ok(row_encode(&schema->layout, values, out, &error), &error);
}

static inline void test_key(const Schema *schema, OwnerId owner, int64_t id, Buffer *out)
{
    Error error;
    Value value = value_integer(TYPE_BIGINT, id);
    buffer_clear(out);
    assert_ok(key_of_values(schema, owner, &value, 1, out, &error), &error);
}

static inline Status test_add(WriteBatch *batch, const Schema *schema, const TestWrite *write,
                              Arena *arena, Buffer *key, Buffer *row, size_t *added, Error *error)
{
    RowFound old;
    bool had_old;
    test_key(schema, write->owner, write->row.id, key);
    TRY(write_find(batch, 0, buffer_slice(key), true, arena, &old, &had_old, error));
    if (write->is_delete && !had_old)
        return OK;
    WriteOperation operation = {.kind = write->is_delete ? WRITE_DELETE : WRITE_PUT,
                                .owner = write->owner,
                                .key = buffer_slice(key),
                                .old_row = had_old ? old.row : SLICE_EMPTY,
                                .had_old = had_old,
                                .old = old.location};
    if (!write->is_delete) {
        test_row_encode(schema, &write->row, row);
        operation.row = buffer_slice(row);
    }
    ++*added;
    return write_add(batch, &operation, error);
}

static inline Status test_add_all(WriteBatch *batch, const Schema *schema, const TestWrite *writes,
                                  size_t count, Arena *arena, size_t *added, Error *error)
{
    Buffer key;
    Buffer row;
    Status status = OK;
    *added = 0;
    buffer_open(&key, 0);
    buffer_open(&row, 0);
    GO(write_lock_tables(batch, error));
    GO(write_pin(batch, error));
    for (size_t i = 0; i < count; i++)
        GO(test_add(batch, schema, &writes[i], arena, &key, &row, added, error));
done:
    buffer_close(&key);
    buffer_close(&row);
    return status;
}

static inline Status test_commit_once(Machine *machine, uint64_t table_id, const TestWrite *writes,
                                      size_t count, uint64_t *seq, Error *error)
{
    WriteBatch *batch = NULL;
    CommitResult result = {0};
    size_t added;
    Arena arena;
    EngineTable *table = engine_table(machine->engine, table_id);
    assert_non_null(table);
    Schema *schema = engine_table_schema(table);
    arena_open(&arena, 0);
    Status status = write_open(machine->engine, table, schema->version, INT64_MAX, &batch, error);
    if (status == OK) {
        do {
            write_reset(batch);
            status = test_add_all(batch, schema, writes, count, &arena, &added, error);
            if (status != OK)
                write_abandon(batch);
            else if (added == 0)
                status = write_end_unchanged(batch, error);
            else
                status = write_commit(batch, &result, error);
        } while (status == STATUS_WOULD_BLOCK);
    }
    *seq = result.last_seq;
    schema_release(schema);
    engine_table_release(table);
    arena_close(&arena);
    return status;
}

/* One transaction; its last sequence. A key stands in it once. */
static inline uint64_t machine_write(Machine *machine, uint64_t table_id, const TestWrite *writes,
                                     size_t count)
{
    Error error;
    uint64_t seq;
    Status status;
    do
        status = test_commit_once(machine, table_id, writes, count, &seq, &error);
    while (status == STATUS_SCHEMA_CHANGED);
    assert_ok(status, &error);
    return seq;
}

static inline uint64_t machine_put(Machine *machine, uint64_t table_id, OwnerId owner, TestRow row)
{
    TestWrite write = {.owner = owner, .row = row};
    return machine_write(machine, table_id, &write, 1);
}

static inline uint64_t machine_delete(Machine *machine, uint64_t table_id, OwnerId owner,
                                      int64_t id)
{
    TestWrite write = {.owner = owner, .is_delete = true, .row = {.id = id}};
    return machine_write(machine, table_id, &write, 1);
}

/* ---- expressions ---- */

static inline Expression *node_of(Arena *arena, ExpressionKind kind, Type type, uint32_t children)
{
    Expression *node = ARENA_NEW(arena, Expression);
    assert_non_null(node);
    node->kind = kind;
    node->type = type;
    node->position_byte = -1;
    node->child_count = children;
    node->children = ARENA_ARRAY(arena, Expression *, children);
    assert_non_null(node->children);
    return node;
}

static inline Expression *column_node(Arena *arena, const Schema *schema, uint32_t column)
{
    Expression *node = node_of(arena, EXPRESSION_COLUMN, schema->columns[column].type, 0);
    node->index = column;
    return node;
}

static inline Expression *user_node(Arena *arena)
{
    Expression *node = node_of(arena, EXPRESSION_SYSTEM, TYPE(TEXT), 0);
    node->index = SYSTEM_USER;
    return node;
}

static inline Expression *constant_node(Arena *arena, Value value)
{
    Expression *node = node_of(arena, EXPRESSION_CONSTANT, TYPE_OF_KIND(value.kind), 0);
    node->constant = value;
    return node;
}

static inline Expression *integer_node(Arena *arena, int64_t n)
{
    return constant_node(arena, value_integer(TYPE_BIGINT, n));
}

static inline Expression *text_node(Arena *arena, const char *text)
{
    return constant_node(arena, value_text(slice_of_text(text)));
}

static inline Expression *parameter_node(Arena *arena, uint32_t index, Type type)
{
    Expression *node = node_of(arena, EXPRESSION_PARAMETER, type, 0);
    node->index = index;
    return node;
}

static inline Expression *pair_node(Arena *arena, ExpressionKind kind, uint32_t index,
                                    Expression *left, Expression *right)
{
    Expression *node = node_of(arena, kind, TYPE(BOOLEAN), 2);
    node->index = index;
    node->children[0] = left;
    node->children[1] = right;
    return node;
}

static inline Expression *compare_node(Arena *arena, CompareOperator comparison, Expression *left,
                                       Expression *right)
{
    return pair_node(arena, EXPRESSION_COMPARE, comparison, left, right);
}

static inline Expression *call_node(Arena *arena, const char *symbol, Type type, Expression *left,
                                    Expression *right)
{
    const FunctionImplementation *function = function_describe(slice_of_text(symbol));
    assert_non_null(function);
    Expression *node = pair_node(arena, EXPRESSION_CALL, 0, left, right);
    node->type = type;
    node->function = function->function;
    node->is_strict = function->is_strict;
    node->is_volatile = function->is_volatile;
    node->name = symbol;
    return node;
}

#endif
