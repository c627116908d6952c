#include "base/assert.h"
#include "tests/sim/world.h"

enum { KEYS_IN_BATCH_MAX = 4, TABLES_LOCKED_ONE_IN = 30 };

/* ---- a writer ---- */

/* One transaction's keys, in the order in which they are locked. */
typedef struct Work {
    World *world;
    WriteBatch *batch;
    EngineTable *tables[TABLES];
    Schema *schemas[TABLES];
    size_t table_of[TABLES]; /* number in the batch -> table */
    size_t table_count;
    struct {
        size_t number; /* of the table in the batch */
        size_t owner;
        int64_t key;
        Buffer encoded;
    } keys[KEYS_IN_BATCH_MAX];
    size_t key_count;
    Arena arena;
    Buffer row;
} Work;

static void begin(World *world, Work *work)
{
    memset(work, 0, sizeof *work);
    work->world = world;
    arena_open(&work->arena, 0);
    buffer_open(&work->row, 0);
    size_t first = world_random(world, TABLES);
    work->table_count = world_random(world, 4) == 0 ? TABLES : 1;
    for (size_t i = 0; i < work->table_count; i++) {
        work->table_of[i] = work->table_count == 1 ? first : i;
        work->tables[i] = world_table(world, work->table_of[i]);
        work->schemas[i] = engine_table_schema(work->tables[i]);
    }
}

static void end(Work *work)
{
    for (size_t i = 0; i < work->key_count; i++)
        buffer_close(&work->keys[i].encoded);
    for (size_t i = 0; i < work->table_count; i++) {
        schema_release(work->schemas[i]);
        engine_table_release(work->tables[i]);
    }
    buffer_close(&work->row);
    arena_close(&work->arena);
}

static Status open_batch(Work *work, Error *error)
{
    size_t number;
    TRY(write_open(work->world->engine, work->tables[0], work->schemas[0]->version, INT64_MAX,
                   &work->batch, error));
    for (size_t i = 1; i < work->table_count; i++) {
        Status status = write_add_table(work->batch, work->tables[i], work->schemas[i]->version,
                                        &number, error);
        if (status != OK) {
            write_abandon(work->batch);
            return status;
        }
    }
    return OK;
}

static void choose_keys(Work *work)
{
    World *world = work->world;
    for (size_t i = 0; i < work->table_count; i++) {
        size_t count = 1 + world_random(world, 2);
        for (size_t k = 0; k < count; k++) {
            size_t at = work->key_count++;
            work->keys[at].number = i;
            work->keys[at].owner = world_random(world, OWNERS);
            work->keys[at].key = (int64_t)world_random(world, KEYS);
            buffer_open(&work->keys[at].encoded, 0);
            key_of(world, work->schemas[i], work->keys[at].owner, work->keys[at].key,
                   &work->keys[at].encoded);
        }
    }
}

static Status lock_keys(Work *work, Error *error)
{
    if (world_random(work->world, TABLES_LOCKED_ONE_IN) == 0)
        return write_lock_tables(work->batch, error);
    for (size_t i = 0; i < work->table_count; i++) {
        Slice keys[KEYS_IN_BATCH_MAX];
        size_t count = 0;
        for (size_t k = 0; k < work->key_count; k++)
            if (work->keys[k].number == i)
                keys[count++] = buffer_slice(&work->keys[k].encoded);
        TRY(write_lock_keys(work->batch, i, keys, count, error));
    }
    return OK;
}

static bool is_repeated(const Work *work, size_t k)
{
    for (size_t i = 0; i < k; i++)
        if (work->keys[i].number == work->keys[k].number &&
            work->keys[i].owner == work->keys[k].owner && work->keys[i].key == work->keys[k].key)
            return true;
    return false;
}

/* A counter goes up by one or away; other keys get a value nobody had. */
static bool next_value(World *world, int64_t key, const RowFound *old, bool had_old,
                       const Schema *schema, int64_t *out)
{
    if (had_old && world_random(world, 4) == 0)
        return false;
    if (key == COUNTER_KEY)
        *out = (had_old ? value_of_row(world, schema, old->row) : 0) + 1;
    else
        *out = world->oracle->next_value++;
    return true;
}

static Status add_one(Work *work, size_t k, Error *error)
{
    World *world = work->world;
    size_t number = work->keys[k].number;
    RowFound old;
    bool had_old;
    int64_t value;
    Slice key = buffer_slice(&work->keys[k].encoded);
    TRY(write_find(work->batch, number, key, true, &work->arena, &old, &had_old, error));
    world_pause(world, world_random(world, 4));
    WriteOperation operation = {.table = number,
                                .kind = WRITE_DELETE,
                                .owner = (OwnerId)(FIRST_OWNER + work->keys[k].owner),
                                .key = key,
                                .old_row = had_old ? old.row : (Slice){0},
                                .had_old = had_old,
                                .old = old.location};
    if (next_value(world, work->keys[k].key, &old, had_old, work->schemas[number], &value)) {
        operation.kind = WRITE_PUT;
        row_of_value(world, work->schemas[number], work->keys[k].key, value, &work->row);
        operation.row = buffer_slice(&work->row);
    }
    return write_add(work->batch, &operation, error);
}

static Status add_all(Work *work, Error *error)
{
    TRY(write_pin(work->batch, error));
    for (size_t k = 0; k < work->key_count; k++)
        if (!is_repeated(work, k))
            TRY(add_one(work, k, error));
    return OK;
}

/* The batch is ended by write_commit but for WOULD_BLOCK, and here after any other error. */
static Status write_batch(Work *work, CommitResult *out, Error *error)
{
    for (;;) {
        Status status = add_all(work, error);
        if (status != OK) {
            write_abandon(work->batch);
            return status;
        }
        status = write_commit(work->batch, out, error);
        if (status != STATUS_WOULD_BLOCK)
            return status;
        write_reset(work->batch);
    }
}

/* What writers meet that is no failure. */
static bool is_refusal(const World *world, Status status)
{
    return status == STATUS_SCHEMA_CHANGED || world_tolerates(world, status);
}

static void write_once(World *world)
{
    Work work;
    CommitResult result;
    Error error;
    begin(world, &work);
    choose_keys(&work);
    world_pause(world, world_random(world, 3));
    Status status = open_batch(&work, &error);
    if (status == OK) {
        status = lock_keys(&work, &error);
        if (status == OK)
            status = write_batch(&work, &result, &error);
        else
            write_abandon(work.batch);
    }
    if (status == OK)
        oracle_acknowledge(world, result.last_seq);
    else if (!is_refusal(world, status))
        world_expect(world, status, &error, "write");
    end(&work);
}

static void writer(void *argument)
{
    World *world = argument;
    while (!world->stopping) {
        write_once(world);
        world_pause(world, world_random(world, 20));
    }
}

/* ---- the writer that never waits ---- */

typedef struct SingleWork {
    World *world;
    Schema *schema;
    int64_t key;
    size_t owner;
    Buffer encoded;
    Buffer row;
    bool is_done;
    Status status;
    uint64_t seq;
} SingleWork;

static Status decide(void *context, const RowFound *old, bool had_old, WriteOperation *operation,
                     bool *skip, Error *error)
{
    SingleWork *work = context;
    int64_t value;
    (void)error;
    *skip = false;
    operation->kind = WRITE_DELETE;
    operation->owner = (OwnerId)(FIRST_OWNER + work->owner);
    if (!next_value(work->world, work->key, old, had_old, work->schema, &value))
        return OK;
    operation->kind = WRITE_PUT;
    row_of_value(work->world, work->schema, work->key, value, &work->row);
    operation->row = buffer_slice(&work->row);
    return OK;
}

static void single_done(void *context, Status status, const CommitResult *result)
{
    SingleWork *work = context;
    work->status = status;
    work->seq = status == OK ? result->last_seq : 0;
    work->is_done = true;
}

static void write_single_once(World *world)
{
    EngineTable *table = world_table(world, world_random(world, TABLES));
    SingleWork work = {.world = world,
                       .schema = engine_table_schema(table),
                       .key = (int64_t)world_random(world, KEYS),
                       .owner = world_random(world, OWNERS)};
    uint64_t seen;
    bool skipped;
    Error error;
    buffer_open(&work.encoded, 0);
    buffer_open(&work.row, 0);
    key_of(world, work.schema, work.owner, work.key, &work.encoded);
    Status status =
        write_single(world->engine, table, work.schema->version, buffer_slice(&work.encoded),
                     decide, &work, single_done, &work, &seen, &skipped, &error);
    if (status == OK) {
        while (!work.is_done)
            env_yield(world->env, "single");
        status = work.status;
    }
    if (status == OK && !skipped)
        oracle_acknowledge(world, work.seq);
    if (status != OK && status != STATUS_WOULD_BLOCK && !is_refusal(world, status))
        world_expect(world, status, &error, "single write");
    buffer_close(&work.encoded);
    buffer_close(&work.row);
    schema_release(work.schema);
    engine_table_release(table);
}

static void single_writer(void *argument)
{
    World *world = argument;
    while (!world->stopping) {
        write_single_once(world);
        world_pause(world, world_random(world, 20));
    }
}

/* ---- who answers without writing: an UPDATE of nothing ---- */

/* What stood at the head when the batch pinned is at least what it found; a log without frames of
 * this run has nothing to lose. */
static Status end_unchanged(World *world, Work *work, uint64_t head, Error *error)
{
    TRY(write_end_unchanged(work->batch, error));
    if (head > world->head_opened && head > world->oracle->told)
        world->oracle->told = head;
    return OK;
}

static void answer_once(World *world)
{
    Work work;
    RowFound row;
    bool has;
    Error error;
    begin(world, &work);
    choose_keys(&work);
    Status status = open_batch(&work, &error);
    if (status == OK) {
        status = lock_keys(&work, &error);
        uint64_t head = engine_head(world->engine);
        if (status == OK)
            status = write_pin(work.batch, &error);
        for (size_t k = 0; k < work.key_count && status == OK; k++)
            status =
                write_find(work.batch, work.keys[k].number, buffer_slice(&work.keys[k].encoded),
                           true, &work.arena, &row, &has, &error);
        if (status == OK)
            status = end_unchanged(world, &work, head, &error);
        else
            write_abandon(work.batch);
    }
    if (status != OK && !is_refusal(world, status))
        world_expect(world, status, &error, "answer");
    end(&work);
}

static void answerer(void *argument)
{
    World *world = argument;
    while (!world->stopping) {
        answer_once(world);
        world_pause(world, world_random(world, 60));
    }
}

/* ---- readers ---- */

static void read_once(World *world)
{
    EngineTable *tables[TABLES];
    uint64_t settled[TABLES][OWNERS];
    Pin *pin;
    Error error;
    memcpy(settled, world->oracle->settled, sizeof settled);
    for (size_t i = 0; i < TABLES; i++)
        tables[i] = world_table(world, i);
    world_expect(world, pin_open(world->engine, tables, TABLES, &pin, &error), &error, "pin");
    if (world_random(world, 3) == 0)
        world_pause(world, world_random(world, 400));
    check_pin(world, pin);
    size_t table = world_random(world, TABLES);
    check_outside(world, pin, table, settled[table]);
    pin_release(pin);
    for (size_t i = 0; i < TABLES; i++)
        engine_table_release(tables[i]);
}

static void reader(void *argument)
{
    World *world = argument;
    while (!world->stopping) {
        read_once(world);
        world_pause(world, world_random(world, 60));
    }
}

/* ---- flush and compaction ---- */

static void note_settled(Oracle *oracle, size_t table, OwnerId owner, uint64_t seq)
{
    for (size_t i = 0; i < OWNERS; i++)
        if ((owner == 0 || owner == FIRST_OWNER + i) && seq > oracle->settled[table][i])
            oracle->settled[table][i] = seq;
}

static void flush_once(World *world)
{
    size_t number = world_random(world, TABLES);
    EngineTable *table = world_table(world, number);
    OwnerId owner = world_is_stream(world, number) ? 0 : (OwnerId)world_random(world, 3);
    SettleRequest request = {.job_id = SLICE("flush"),
                             .owner = owner == 0 ? 0 : FIRST_OWNER + owner - 1};
    SettleResult result;
    Error error;
    uint64_t before = engine_visible(world->engine);
    Status status = engine_flush(world->engine, table, &request, &result, &error);
    engine_table_release(table);
    if (world_tolerates(world, status))
        return;
    world_expect(world, status, &error, "flush");
    note_settled(world->oracle, number, request.owner, before);
    world->oracle->flushes++;
}

static void flusher(void *argument)
{
    World *world = argument;
    while (!world->stopping) {
        flush_once(world);
        world_pause(world, world_random(world, 150));
    }
}

static void compact_once(World *world)
{
    EngineTable *table = world_table(world, world_random(world, TABLES));
    SettleRequest request = {.job_id = SLICE("compact")};
    SettleResult result;
    Error error;
    bool everything = world_random(world, 2) == 0;
    Status status = engine_compact(world->engine, table, &request, everything, &result, &error);
    engine_table_release(table);
    if (world_tolerates(world, status))
        return;
    world_expect(world, status, &error, "compact");
    world->oracle->compactions++;
}

static void compactor(void *argument)
{
    World *world = argument;
    while (!world->stopping) {
        compact_once(world);
        world_pause(world, world_random(world, 200));
    }
}

/* ---- definitions ---- */

static void definer(void *argument)
{
    World *world = argument;
    while (!world->stopping) {
        Error error;
        world_pause(world, world_random(world, 1500));
        if (world->stopping)
            break;
        size_t number = world_random(world, TABLES);
        uint32_t version = world->schemas[number]->version;
        bool truncates = world_random(world, 2) == 0;
        if (!truncates && version == 200)
            continue;
        Status status = truncates
                            ? world_define(world, number, TABLE_CHANGE_TRUNCATE, version, &error)
                            : world_define(world, number, TABLE_CHANGE_ALTER, version + 1, &error);
        if (!world_tolerates(world, status))
            world_expect(world, status, &error, "define");
    }
}

/* ---- housekeeping ---- */

static void checkpointer(void *argument)
{
    World *world = argument;
    while (!world->stopping) {
        Error error;
        world_pause(world, world_random(world, 400));
        Status status = engine_checkpoint(world->engine, &error);
        if (!world_tolerates(world, status))
            world_expect(world, status, &error, "checkpoint");
    }
}

static void sweep_once(World *world)
{
    EngineTable *table = world_table(world, world_random(world, TABLES));
    SweepResult swept;
    bool done;
    Error error;
    Status status = OK;
    switch (world_random(world, 4)) {
    case 0:
        status = engine_sweep(world->engine, table, &swept, &error);
        break;
    case 2:
        status = engine_evict_windows(world->engine, table, 0, &swept, &error);
        break;
    case 1:
        status = engine_expire_snapshots(world->engine, table, &done, &error);
        break;
    default:
        status = engine_expire_log(world->engine, &error);
    }
    engine_table_release(table);
    if (!world_tolerates(world, status))
        world_expect(world, status, &error, "housekeeping");
}

static void sweeper(void *argument)
{
    World *world = argument;
    while (!world->stopping) {
        sweep_once(world);
        world_pause(world, world_random(world, 300));
    }
}

static void start(World *world, const char *name, void (*run)(void *))
{
    Error error;
    Status status = thread_start(world->env, name, 0, run, world,
                                 &world->threads[world->thread_count++], &error);
    world_expect(world, status, &error, "thread");
}

void actors_start(World *world)
{
    uint64_t writers = 1 + world_random(world, 3);
    for (uint64_t i = 0; i < writers; i++)
        start(world, "writer", writer);
    start(world, "single", single_writer);
    start(world, "answerer", answerer);
    start(world, "reader", reader);
    start(world, "reader", reader);
    start(world, "flusher", flusher);
    if (world_random(world, 2) == 0)
        start(world, "flusher", flusher);
    if (world_random(world, 4) != 0)
        start(world, "compactor", compactor);
    if (world_random(world, 2) == 0)
        start(world, "definer", definer);
    if (world_random(world, 2) == 0)
        start(world, "checkpointer", checkpointer);
    if (world_random(world, 2) == 0)
        start(world, "sweeper", sweeper);
}

void actors_start_writers(World *world)
{
    start(world, "writer", writer);
    start(world, "writer", writer);
    start(world, "single", single_writer);
}
