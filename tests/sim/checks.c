#include <roaring/roaring.h>

#include "base/assert.h"
#include "tests/sim/world.h"

/* What a reader finds, and whether it finds anything twice. */
typedef struct Found {
    World *world;
    const char *what;
    const Schema *schema;
    uint64_t seq; /* nothing newer may be seen; 0: no limit */
    State state;
    size_t table;
    size_t owner;
    const ColdVersion *version;
    const StreamVersion *stream;
    size_t file;
    const uint32_t *marks; /* positions in ascending order */
    size_t mark_count;
} Found;

static void clear(State *state)
{
    for (size_t i = 0; i < sizeof state->value / sizeof(int64_t); i++)
        ((int64_t *)state->value)[i] = -1;
}

static void put(Found *found, size_t owner, Slice row, uint64_t seq)
{
    int64_t key = column_of_row(found->schema, row, 0);
    int64_t value = value_of_row(found->world, found->schema, row);
    if (key < 0 || key >= KEYS || owner >= OWNERS)
        world_fail(found->world, "%s: a key that nobody wrote: %ld", found->what, key);
    int64_t *place = &found->state.value[found->table][owner][key];
    if (*place >= 0)
        world_fail(found->world, "%s: key %ld of owner %zu of table %zu twice", found->what, key,
                   owner, found->table);
    if (found->seq != 0 && seq > found->seq)
        world_fail(found->world, "%s: sequence %lu seen at %lu", found->what, seq, found->seq);
    *place = value;
    found->world->oracle->keys_read++;
}

/* ---- rows of files ---- */

/* The bitmap is gone before anything else can happen: a crash leaves no time to free it, and what
 * the library allocates is not among what goes with the machine. */
static void load_marks(Found *found, Slice marks, Arena *arena)
{
    roaring_bitmap_t *bitmap =
        roaring_bitmap_portable_deserialize_safe((const char *)marks.data, marks.size);
    ASSERT(bitmap != NULL);
    found->mark_count = (size_t)roaring_bitmap_get_cardinality(bitmap);
    uint32_t *positions = ARENA_ARRAY(arena, uint32_t, found->mark_count);
    ASSERT(positions != NULL);
    roaring_bitmap_to_uint32_array(bitmap, positions);
    roaring_bitmap_free(bitmap);
    found->marks = positions;
}

static bool is_marked(const Found *found, uint32_t position)
{
    size_t low = 0;
    size_t high = found->mark_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (found->marks[middle] < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low < found->mark_count && found->marks[low] == position;
}

static Status take_stored(void *context, const FetchedRow *row, Error *error)
{
    Found *found = context;
    (void)error;
    if (cold_version_is_deleted(found->version, found->file, row->position))
        return OK;
    if (is_marked(found, row->position))
        return OK;
    put(found, found->owner, row->row, row->seq);
    return OK;
}

static void scan_file(Found *found, Pin *pin, bool with_marks)
{
    World *world = found->world;
    const DataFile *file = cold_version_file(found->version, found->file);
    Arena arena;
    Slice marks;
    Path path;
    Error error;
    arena_open(&arena, 0);
    if (with_marks) {
        Status status = pin_marks(pin, found->table, file->id, &arena, &marks, &error);
        world_expect(world, status, &error, "marks");
        if (marks.size > 0)
            load_marks(found, marks, &arena);
    }
    found->owner = (size_t)(file->owner - FIRST_OWNER);
    Status status = engine_table_path(pin_table(pin, found->table), file->path, &path, &error);
    world_expect(world, status, &error, "path");
    status = world->io.io.scan(&world->io.io, path.text, found->schema, take_stored, found, &error);
    world_expect(world, status, &error, "scan of a file");
    found->marks = NULL;
    found->mark_count = 0;
    arena_close(&arena);
}

/* ---- rows of window files ---- */

static void put_converted(Found *found, Schema *own, const RecordHeader *record)
{
    Arena arena;
    Slice row;
    Error error;
    arena_open(&arena, 0);
    Status status =
        record_row_in(record, own, (Schema *)(uintptr_t)found->schema, &arena, &row, &error);
    world_expect(found->world, status, &error, "conversion");
    put(found, (size_t)(record->owner - FIRST_OWNER), row, record->seq);
    arena_close(&arena);
}

static Status take_window_row(void *context, Schema *schema, const RecordHeader *record,
                              Error *error)
{
    (void)error;
    put_converted(context, schema, record);
    return OK;
}

static Status take_window_record(void *context, const StreamFile *file, uint32_t place,
                                 const RecordHeader *record, Error *error)
{
    Found *found = context;
    (void)error;
    if (!stream_version_is_deleted(file, place))
        put_converted(found, stream_version_schema(found->stream, file->schema_version), record);
    return OK;
}

static void scan_windows(Found *found, Pin *pin, bool with_marks)
{
    World *world = found->world;
    FileCache *cache;
    Error error;
    Status status;
    if (with_marks) {
        status = pin_visit_windows(pin, found->table, 0, SLICE_EMPTY, SLICE_EMPTY, take_window_row,
                                   found, &error);
        world_expect(world, status, &error, "windows");
        return;
    }
    found->stream = pin_stream(pin, found->table);
    world_expect(world, file_cache_open(world->env, 4, &cache, &error), &error, "file cache");
    StreamContext context = {world->env, cache, "/data/streams/s.u-11", "/data/catalog/streams/11",
                             TABLE_ID_FIRST + 1};
    for (size_t i = 0; i < stream_version_file_count(found->stream); i++) {
        status = stream_scan(&context, stream_version_file(found->stream, i), take_window_record,
                             found, &error);
        world_expect(world, status, &error, "scan of a window file");
    }
    file_cache_close(cache);
}

static void scan_files(Found *found, Pin *pin, bool with_marks)
{
    found->version = pin_cold(pin, found->table);
    found->schema = pin_schema(pin, found->table);
    if (world_is_stream(found->world, found->table)) {
        scan_windows(found, pin, with_marks);
        return;
    }
    for (size_t i = 0; i < cold_version_file_count(found->version); i++) {
        found->file = i;
        scan_file(found, pin, with_marks);
        world_pause(found->world, world_random(found->world, 2));
    }
}

/* ---- rows in memory ---- */

static void scan_memory(Found *found, Pin *pin, bool backward)
{
    World *world = found->world;
    const RecordHeader *record;
    HotScan *scan;
    Arena arena;
    Slice row;
    Error error;
    arena_open(&arena, 0);
    found->schema = pin_schema(pin, found->table);
    Status status = hot_scan_open(pin, found->table, SLICE(""), SLICE(""), backward, &scan, &error);
    world_expect(world, status, &error, "hot scan");
    while ((record = hot_scan_next(scan)) != NULL) {
        status = record_row_in(record, hot_scan_schema(scan), pin_schema(pin, found->table), &arena,
                               &row, &error);
        world_expect(world, status, &error, "row");
        put(found, (size_t)(record->owner - FIRST_OWNER), row, record->seq);
        world_pause(world, world_random(world, 2));
    }
    hot_scan_close(scan);
    arena_close(&arena);
}

/* ---- R ---- */

static void compare(World *world, const Found *found, uint64_t seq)
{
    State truth;
    oracle_state(world->oracle, seq, &truth);
    for (size_t owner = 0; owner < OWNERS; owner++)
        for (size_t key = 0; key < KEYS; key++) {
            int64_t want = truth.value[found->table][owner][key];
            int64_t have = found->state.value[found->table][owner][key];
            if (want != have)
                world_fail(world, "R: at %lu table %zu owner %zu key %zu is %ld, the log says %ld",
                           seq, found->table, owner, key, have, want);
        }
}

static void wait_for_oracle(World *world, uint64_t seq)
{
    while (world->oracle->handed_out < seq)
        env_yield(world->env, "oracle");
}

static void check_key(World *world, Pin *pin, size_t table)
{
    State truth;
    RowFound row;
    Arena arena;
    Buffer key;
    Error error;
    bool has;
    size_t owner = world_random(world, OWNERS);
    int64_t number = (int64_t)world_random(world, KEYS);
    arena_open(&arena, 0);
    buffer_open(&key, 0);
    key_of(world, pin_schema(pin, table), owner, number, &key);
    Status status = pin_get(pin, table, buffer_slice(&key), &arena, &row, &has, &error);
    world_expect(world, status, &error, "get");
    int64_t value = has ? value_of_row(world, pin_schema(pin, table), row.row) : -1;
    oracle_state(world->oracle, pin_seq(pin), &truth);
    if (value != truth.value[table][owner][number])
        world_fail(world, "R: at %lu the key %ld of owner %zu of table %zu gives %ld, the log %ld",
                   pin_seq(pin), number, owner, table, value, truth.value[table][owner][number]);
    buffer_close(&key);
    arena_close(&arena);
}

/* A range of one owner's keys, memory and files together, forwards or backwards. */
typedef struct RangeCheck {
    size_t table;
    size_t owner;
    size_t low;
    size_t high; /* not in it */
    RangeRequest request;
} RangeCheck;

static void compare_range(World *world, Pin *pin, const RangeCheck *check, const RangeRow *rows,
                          size_t count)
{
    State truth;
    size_t at = 0;
    oracle_state(world->oracle, pin_seq(pin), &truth);
    for (size_t i = check->low; i < check->high && at < check->request.rows_max; i++) {
        size_t key = check->request.backward ? check->high - 1 - (i - check->low) : i;
        int64_t wanted = truth.value[check->table][check->owner][key];
        if (wanted < 0)
            continue;
        if (at == count)
            world_fail(world, "R: at %lu a range of table %zu ends before key %zu", pin_seq(pin),
                       check->table, key);
        int64_t value = value_of_row(world, pin_schema(pin, check->table), rows[at++].row);
        if (value != wanted)
            world_fail(world, "R: at %lu a range of table %zu gives key %zu as %ld, the log %ld",
                       pin_seq(pin), check->table, key, value, wanted);
    }
    if (at != count)
        world_fail(world, "R: at %lu a range of table %zu has %zu rows, not %zu", pin_seq(pin),
                   check->table, count, at);
}

static void check_range(World *world, Pin *pin, size_t table)
{
    RangeCheck check = {.table = table, .owner = world_random(world, OWNERS)};
    Schema *schema = pin_schema(pin, table);
    RangeRow *rows;
    size_t count;
    bool complete;
    Arena arena;
    Buffer from;
    Buffer to;
    Error error;
    check.low = world_random(world, KEYS);
    check.high = check.low + 1 + world_random(world, KEYS - check.low);
    arena_open(&arena, 0);
    buffer_open(&from, 0);
    buffer_open(&to, 0);
    key_of(world, schema, check.owner, (int64_t)check.low, &from);
    key_of(world, schema, check.owner, (int64_t)check.high, &to);
    check.request = (RangeRequest){.from = buffer_slice(&from),
                                   .to = buffer_slice(&to),
                                   .backward = world_random(world, 2) == 0,
                                   .rows_max = 1 + world_random(world, KEYS)};
    Status status =
        pin_read_range(pin, table, &check.request, &arena, &rows, &count, &complete, &error);
    world_expect(world, status, &error, "range");
    if (complete)
        compare_range(world, pin, &check, rows, count);
    buffer_close(&from);
    buffer_close(&to);
    arena_close(&arena);
}

static void check_count(World *world, Pin *pin, const Found *found)
{
    TableCount count;
    Error error;
    uint64_t rows = 0;
    for (size_t owner = 0; owner < OWNERS; owner++)
        for (size_t key = 0; key < KEYS; key++)
            rows += found->state.value[found->table][owner][key] >= 0;
    world_expect(world, pin_count(pin, found->table, 0, &count, &error), &error, "count");
    if (count.hot_rows + count.cold_rows != rows)
        world_fail(world, "R: %lu and %lu rows are counted, %lu seen", count.hot_rows,
                   count.cold_rows, rows);
}

void check_pin(World *world, Pin *pin)
{
    wait_for_oracle(world, pin_seq(pin));
    for (size_t table = 0; table < TABLES; table++) {
        Found found = {.world = world, .what = "R", .table = table, .seq = pin_seq(pin)};
        clear(&found.state);
        scan_memory(&found, pin, world_random(world, 2) == 0);
        scan_files(&found, pin, true);
        compare(world, &found, pin_seq(pin));
        check_count(world, pin, &found);
        check_key(world, pin, table);
        check_range(world, pin, table);
    }
    world->oracle->checks++;
}

/* ---- O ---- */

void check_outside(World *world, Pin *pin, size_t table, const uint64_t *settled)
{
    Found found = {.world = world, .what = "O", .table = table};
    wait_for_oracle(world, pin_seq(pin));
    clear(&found.state);
    scan_files(&found, pin, false);
    for (size_t owner = 0; owner < OWNERS; owner++) {
        if (!oracle_ever_was(world->oracle, table, owner, found.state.value[table][owner],
                             settled[owner], pin_seq(pin)))
            world_fail(world,
                       "O: the files of table %zu never were the state of owner %zu between "
                       "%lu and %lu",
                       table, owner, settled[owner], pin_seq(pin));
    }
    world->oracle->checks++;
}
