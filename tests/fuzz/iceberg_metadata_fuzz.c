/* Everything of a table's metadata that is read from bytes, by the first of them: the table's JSON,
 * schemas, manifest lists, manifests, bounds, sets of positions. What is read can be written. */
#include "base/assert.h"
#include "cold/iceberg.h"
#include "cold/position_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES_MAX = 64 << 20, POSITIONS_MAX = 100000 };

static IcebergSchema schema = {
    1, {(const uint8_t *)"{\"fields\":[{\"id\":1,\"type\":\"long\"}]}", 36}};

static const IcebergTable table = {.kind = TABLE_USER,
                                   .location = "/t",
                                   .current_schema_id = 1,
                                   .schemas = &schema,
                                   .schema_count = 1};

static void read_table(Slice json)
{
    Error error;
    Arena arena;
    IcebergTable read;
    IcebergTable clone;
    Buffer again;
    arena_open(&arena, ARENA_BYTES_MAX);
    buffer_open(&again, 0);
    if (iceberg_read_table(&arena, json, &read, &error) == OK) {
        ASSERT(iceberg_clone_table(&arena, &read, &clone, &error) == OK);
        iceberg_put_table(&again, &clone);
        ASSERT(iceberg_read_table(&arena, buffer_slice(&again), &read, &error) == OK);
        ASSERT(read.snapshot_count == clone.snapshot_count && read.version == clone.version);
    }
    buffer_close(&again);
    arena_close(&arena);
}

static void read_schema(Slice json)
{
    Error error;
    Arena arena;
    IcebergField *fields;
    size_t count;
    arena_open(&arena, ARENA_BYTES_MAX);
    (void)!iceberg_schema_fields(&arena, json, &fields, &count, &error);
    arena_close(&arena);
}

static void read_manifest_list(Slice file)
{
    Error error;
    Arena arena;
    IcebergManifest *manifests;
    size_t count;
    arena_open(&arena, ARENA_BYTES_MAX);
    if (iceberg_read_manifest_list(&arena, "/t", file, &manifests, &count, &error) == OK) {
        for (size_t i = 0; i < count; i++)
            ASSERT(manifests[i].path[0] != '/');
    }
    arena_close(&arena);
}

static Status look_at_entry(void *context, const IcebergEntry *entry, Error *error)
{
    (void)context;
    (void)error;
    Buffer bound;
    ASSERT(entry->path[0] != '/' && strstr(entry->path, "..") == NULL);
    buffer_open(&bound, 0);
    for (uint32_t i = 0; i < entry->statistics_count; i++) {
        if (entry->statistics[i].has_bounds)
            (void)iceberg_put_bound(&bound, &entry->statistics[i].upper, true);
    }
    buffer_close(&bound);
    return OK;
}

static void read_manifest(Slice file, bool is_deletes)
{
    Error error;
    uint32_t schema_version;
    const IcebergManifestRead request = {&table, file, 1, 1, is_deletes};
    (void)!iceberg_read_manifest(&request, &schema_version, look_at_entry, NULL, &error);
}

static void read_bound(Slice bytes)
{
    for (int kind = ICEBERG_OTHER; kind <= ICEBERG_UUID; kind++) {
        IcebergField field = {.kind = (IcebergKind)kind, .scale = 2};
        Value value;
        Buffer again;
        buffer_open(&again, 0);
        if (iceberg_read_bound(&field, bytes, &value)) {
            (void)iceberg_put_bound(&again, &value, false);
            (void)iceberg_put_bound(&again, &value, true);
        }
        buffer_close(&again);
    }
}

static void read_positions(Slice set)
{
    uint64_t count;
    uint32_t position;
    uint64_t walked = 0;
    if (!position_set_check(set, 1ull << 32, &count) || count > POSITIONS_MAX)
        return;
    PositionSetIterator iterator = position_set_begin(set);
    for (; position_set_next(&iterator, &position); walked++)
        ASSERT(position_set_has(set, position));
    ASSERT(walked == count && count == position_set_count(set));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    Slice input = slice_of(data + 1, size - 1);
    switch (data[0] % 7) {
    case 0:
        read_table(input);
        break;
    case 1:
        read_schema(input);
        break;
    case 2:
        read_manifest_list(input);
        break;
    case 3:
    case 4:
        read_manifest(input, data[0] % 7 == 4);
        break;
    case 5:
        read_bound(input);
        break;
    default:
        read_positions(input);
        break;
    }
    return 0;
}
