/* A table of window files in a folder of its own, and a model of the rows that should be in it. */
#ifndef FIRN_TESTS_UNIT_STREAM_FIXTURE_H
#define FIRN_TESTS_UNIT_STREAM_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/random.h"
#include "stream/stream.h"
#include "tests/unit/base/test.h"

enum { TABLE_ID = 42, ROWS_MAX = 20000 };

#define SECOND_US INT64_C(1000000)
#define HOUR_US   (3600 * SECOND_US)

/* 2026-11-21T10:00:00Z */
#define MORNING_US INT64_C(1795255200000000)

/* One row that was settled; `version` says by which settle. */
typedef struct ModelRow {
    OwnerId owner;
    int64_t id;
    int64_t updated_us;
    uint64_t seq;
    bool gone; /* deleted or evicted */
} ModelRow;

typedef struct Fixture {
    char root[64];
    char folder[128];
    char state[128];
    StreamContext context;
    Schema *schema;
    StreamVersion *version;
    int64_t ttl_us;
    uint64_t sequence;
    uint64_t seq;
    ModelRow rows[ROWS_MAX];
    size_t row_count;
} Fixture;

static inline Schema *fixture_schema(uint32_t version)
{
    Error error;
    Schema *schema;
    Column columns[] = {
        {.name = SLICE("id"), .type = TYPE(BIGINT), .field_id = 1, .not_null = true},
        {.name = SLICE("text"), .type = TYPE(TEXT), .field_id = 2, .key_position = -1},
    };
    for (int i = 0; i < 2; i++)
        columns[i].initial_default = value_null((TypeKind)columns[i].type.kind);
    assert_ok(schema_create(TABLE_ID, version, TABLE_STREAM, columns, 2, 3, &schema, &error),
              &error);
    return schema;
}

static inline Fixture *fixture_open(void)
{
    Error error;
    Fixture *fixture = calloc(1, sizeof *fixture);
    (void)snprintf(fixture->root, sizeof fixture->root, "/tmp/firn-stream-XXXXXX");
    assert_non_null(mkdtemp(fixture->root));
    (void)snprintf(fixture->folder, sizeof fixture->folder, "%s/chat.typing-42", fixture->root);
    (void)snprintf(fixture->state, sizeof fixture->state, "%s/state/42", fixture->root);
    fixture->context = (StreamContext){env_real(), NULL, fixture->folder, fixture->state, TABLE_ID};
    assert_ok(file_cache_open(env_real(), 4, &fixture->context.cache, &error), &error);
    fixture->schema = fixture_schema(1);
    fixture->ttl_us = 30 * 60 * SECOND_US; /* windows of a minute */
    fixture->sequence = 1;
    assert_ok(stream_version_empty(&fixture->version, &error), &error);
    return fixture;
}

static inline void fixture_close(Fixture *fixture)
{
    Error error;
    stream_version_release(fixture->version);
    schema_release(fixture->schema);
    file_cache_close(fixture->context.cache);
    assert_ok(env_remove_tree(env_real(), fixture->root, &error), &error);
    free(fixture);
}

static inline const char *folder_of(const Fixture *fixture, const char *relative)
{
    return strchr(relative, '/') != NULL ? fixture->folder : fixture->state;
}

/* ---- rows ---- */

static inline void key_of_id(const Fixture *fixture, OwnerId owner, int64_t id, Buffer *out)
{
    Error error;
    Value value = value_integer(TYPE_BIGINT, id);
    assert_ok(key_of_values(fixture->schema, owner, &value, 1, out, &error), &error);
}

/* A record of malloc; the text tells the row apart, some are long. */
static inline RecordHeader *record_of(const Fixture *fixture, const ModelRow *model)
{
    Error error;
    Buffer key;
    Buffer row;
    char text[3000];
    size_t size = model->id % 7 == 0 ? 2500 : 20;
    (void)memset(text, 'a' + (int)(model->id % 26), sizeof text);
    Value values[2] = {value_integer(TYPE_BIGINT, model->id), value_text(slice_of(text, size))};
    buffer_open(&key, 0);
    buffer_open(&row, 0);
    key_of_id(fixture, model->owner, model->id, &key);
    assert_ok(row_encode(&fixture->schema->layout, values, &row, &error), &error);
    RecordHeader header = {.seq = model->seq,
                           .replaced_by = 7, /* what is of memory only is not written */
                           .updated_us = model->updated_us,
                           .owner = model->owner,
                           .row_size = (uint32_t)row.size,
                           .key_size = (uint16_t)key.size,
                           .kind = RECORD_PUT};
    uint8_t *at = aligned_alloc(16, (record_size(key.size, row.size) + 15) / 16 * 16);
    RecordHeader *record = record_write(at, &header, buffer_slice(&key), buffer_slice(&row));
    buffer_close(&key);
    buffer_close(&row);
    return record;
}

static inline ModelRow *fixture_add(Fixture *fixture, OwnerId owner, int64_t id, int64_t updated_us)
{
    assert_true(fixture->row_count < ROWS_MAX);
    ModelRow *row = &fixture->rows[fixture->row_count++];
    *row = (ModelRow){owner, id, updated_us, ++fixture->seq, false};
    return row;
}

static inline int compare_records(const void *a, const void *b)
{
    return slice_compare(record_key(*(RecordHeader *const *)a),
                         record_key(*(RecordHeader *const *)b));
}

static inline Status name_owner(void *context, OwnerId owner, Arena *arena, Slice *out,
                                Error *error)
{
    static const char *const names[] = {"nobody", "alice", "bob@x.org", "alice"};
    (void)context;
    if (owner < 4)
        return arena_clone(arena, slice_of_text(names[owner]), out, error);
    char text[16];
    (void)snprintf(text, sizeof text, "u%u", owner);
    return arena_clone(arena, slice_of_text(text), out, error);
}

/* ---- settling ---- */

typedef struct Batch {
    RecordHeader **records;
    size_t count;
} Batch;

/* Records of the model's rows from `from` on. */
static inline Batch batch_of(const Fixture *fixture, size_t from)
{
    Batch batch = {.count = fixture->row_count - from};
    batch.records = calloc(batch.count + 1, sizeof(RecordHeader *));
    for (size_t i = 0; i < batch.count; i++)
        batch.records[i] = record_of(fixture, &fixture->rows[from + i]);
    qsort(batch.records, batch.count, sizeof(RecordHeader *), compare_records);
    return batch;
}

static inline void batch_free(Batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        free(batch->records[i]);
    free(batch->records);
}

static inline StreamSettleOptions settle_options(Fixture *fixture)
{
    return (StreamSettleOptions){.file_sequence = fixture->sequence++,
                                 .ttl_us = fixture->ttl_us,
                                 .schema = fixture->schema,
                                 .owner_name = name_owner};
}

static inline Status try_settle(Fixture *fixture, const Batch *batch, StreamSettle **out,
                                Error *error)
{
    StreamSettleOptions options = settle_options(fixture);
    return stream_settle_open(&fixture->context, fixture->version, &options,
                              (const RecordHeader *const *)batch->records, batch->count, out,
                              error);
}

static inline Status try_prepare(Fixture *fixture, StreamChange change, StreamVersion **out,
                                 Error *error)
{
    change.sequence = fixture->sequence++;
    return stream_version_prepare(&fixture->context, fixture->version, &change, out, error);
}

static inline void take_version(Fixture *fixture, StreamVersion *next)
{
    stream_version_release(fixture->version);
    fixture->version = next;
}

static inline void apply(Fixture *fixture, StreamChange change)
{
    Error error;
    StreamVersion *next;
    assert_ok(try_prepare(fixture, change, &next, &error), &error);
    take_version(fixture, next);
}

/* Settles the model's rows from `from` on, and commits. */
static inline void settle_from(Fixture *fixture, size_t from)
{
    Error error;
    StreamSettle *settle;
    Batch batch = batch_of(fixture, from);
    assert_ok(try_settle(fixture, &batch, &settle, &error), &error);
    apply(fixture,
          (StreamChange){.settle = settle, .evict_until_us = INT64_MIN, .expired_us = INT64_MIN});
    stream_settle_close(settle, true);
    batch_free(&batch);
}

static inline void reopen(Fixture *fixture)
{
    Error error;
    StreamVersion *next;
    char manifest[STREAM_PATH_BYTES_MAX];
    (void)snprintf(manifest, sizeof manifest, "%s", stream_version_manifest(fixture->version));
    stream_version_release(fixture->version); /* its indexes still know the cache */
    file_cache_close(fixture->context.cache);
    assert_ok(file_cache_open(env_real(), 4, &fixture->context.cache, &error), &error);
    fixture->version = NULL;
    assert_ok(stream_version_open(&fixture->context, manifest, NULL, NULL, &next, &error), &error);
    fixture->version = next;
}

/* ---- comparing ---- */

typedef struct Seen {
    const Fixture *fixture;
    bool *seen; /* by row of the model */
    size_t count;
} Seen;

static inline size_t model_find(const Fixture *fixture, const RecordHeader *record)
{
    for (size_t i = 0; i < fixture->row_count; i++) {
        if (fixture->rows[i].seq == record->seq)
            return i;
    }
    fail_msg("a row that nobody wrote");
    return 0;
}

static inline Status see(void *context, const StreamFile *file, uint32_t place,
                         const RecordHeader *record, Error *error)
{
    Seen *seen = context;
    (void)error;
    if (stream_version_is_deleted(file, place))
        return OK;
    size_t at = model_find(seen->fixture, record);
    const ModelRow *row = &seen->fixture->rows[at];
    RecordHeader *wanted = record_of(seen->fixture, row);
    assert_false(seen->seen[at]);
    assert_int_equal(record->replaced_by, 0);
    assert_int_equal(record->owner, row->owner);
    assert_int_equal(record->updated_us, row->updated_us);
    assert_true(slice_equal(record_key(record), record_key(wanted)));
    assert_true(slice_equal(record_row(record), record_row(wanted)));
    free(wanted);
    seen->seen[at] = true;
    seen->count++;
    return OK;
}

/* Is the key's row found by its key, there and nowhere else? */
static inline void expect_by_key(const Fixture *fixture, const StreamVersion *version,
                                 const ModelRow *row, bool there)
{
    Error error;
    Buffer key;
    Arena arena;
    StreamPlace places[STREAM_CANDIDATES_MAX];
    size_t count;
    size_t found = 0;
    buffer_open(&key, 0);
    arena_open(&arena, 0);
    key_of_id(fixture, row->owner, row->id, &key);
    uint64_t hash = hash_64(buffer_slice(&key));
    assert_ok(stream_version_find(version, hash, places, &count, &error), &error);
    for (size_t i = 0; i < count; i++) {
        const RecordHeader *record;
        const StreamFile *file = stream_version_find_file(version, places[i].file_id);
        assert_ok(stream_read(&fixture->context, file, places[i].place, &arena, &record, &error),
                  &error);
        found += record->seq == row->seq;
    }
    assert_int_equal(found, there);
    if (there)
        assert_true(stream_version_may_have(version, hash));
    buffer_close(&key);
    arena_close(&arena);
}

/* The version holds the first `rows` of the model that are not gone, and nothing else. */
static inline void expect_rows(const Fixture *fixture, const StreamVersion *version, size_t rows)
{
    Error error;
    Seen seen = {.fixture = fixture, .seen = calloc(ROWS_MAX, 1)};
    size_t wanted = 0;
    for (size_t i = 0; i < stream_version_file_count(version); i++) {
        const StreamFile *file = stream_version_file(version, i);
        size_t before = seen.count;
        assert_ok(stream_scan(&fixture->context, file, see, &seen, &error), &error);
        assert_int_equal(seen.count - before, file->rows - file->deleted_count);
    }
    for (size_t i = 0; i < fixture->row_count; i++) {
        bool there = i < rows && !fixture->rows[i].gone;
        assert_int_equal(seen.seen[i], there);
        wanted += there;
        if (i % 17 == 0 || fixture->row_count < 200)
            expect_by_key(fixture, version, &fixture->rows[i], there);
    }
    assert_int_equal(seen.count, wanted);
    free(seen.seen);
}

static inline bool file_is_there(const Fixture *fixture, const char *relative)
{
    Error error;
    Path path;
    FileInformation information;
    assert_ok(path_join(&path, folder_of(fixture, relative), relative, &error), &error);
    assert_ok(env_stat(env_real(), path.text, &information, &error), &error);
    return information.exists;
}

#endif
