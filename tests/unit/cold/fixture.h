/* A table of the cold tier in a folder of its own, with memory I/O in place of Parquet; and a model
 * of what should be in it: for each file its rows and which of them are deleted. */
#ifndef FIRN_TESTS_UNIT_COLD_FIXTURE_H
#define FIRN_TESTS_UNIT_COLD_FIXTURE_H

#include "base/hash.h"
#include "cold/cold.h"
#include "cold/memory_io.h"
#include "tests/unit/cold/test.h"

enum { FIXTURE_ROWS_MAX = 64 };

typedef struct Fixture {
    Env *env;
    char root[200]; /* holds the table's folder */
    char folder[256];
    TableKind kind;
    MemoryIo io;
    FileCache *cache;
    ColdContext context;
    ColdTable *table;
    Schema *schema;
    ColdVersion *version; /* the newest */
    uint64_t next_sequence;
    uint64_t next_seq;
    uint32_t snapshots_max;
    int64_t snapshots_after_us;
    uint32_t foreign;
} Fixture;

static const uint8_t fixture_uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* ---- schema ---- */

static inline Schema *fixture_schema(TableKind kind, uint32_t version)
{
    Error error;
    Schema *schema;
    Column columns[] = {
        {.name = SLICE("id"), .type = TYPE(BIGINT), .field_id = 1, .not_null = true},
        {.name = SLICE("name"),
         .type = TYPE(TEXT),
         .field_id = 2,
         .key_position = -1,
         .comment = SLICE("who \"it\" is")},
        {.name = SLICE("score"), .type = TYPE(DOUBLE), .field_id = 3, .key_position = -1},
        {.name = SLICE("price"),
         .type = {.kind = TYPE_DECIMAL, .a = 10, .b = 2},
         .field_id = 4,
         .key_position = -1},
        {.name = SLICE("small"), .type = TYPE(SMALLINT), .field_id = 5, .key_position = -1},
        {.name = SLICE("embedding"),
         .type = {.kind = TYPE_VECTOR, .a = 2},
         .field_id = 6,
         .key_position = -1},
        {.name = SLICE("added"), .type = TYPE(DATE), .field_id = 7, .key_position = -1},
    };
    uint32_t count = version == 1 ? 6 : 7;
    for (uint32_t i = 0; i < count; i++)
        columns[i].initial_default = value_null((TypeKind)columns[i].type.kind);
    assert_ok(schema_create(42, version, kind, columns, count, 8, &schema, &error), &error);
    return schema;
}

/* ---- opening ---- */

static inline void fixture_open_table(Fixture *fixture)
{
    Error error;
    ColdTableOptions options = {
        .folder = fixture->folder,
        .namespace_name = SLICE("shop"),
        .table_name = SLICE("orders"),
        .kind = fixture->kind,
        .format_version = 2,
        .created_us = 1690000000000000,
    };
    memcpy(options.uuid, fixture_uuid, 16);
    assert_ok(file_cache_open(fixture->env, 8, &fixture->cache, &error), &error);
    fixture->context = (ColdContext){fixture->env, &fixture->io.io, fixture->cache};
    assert_ok(cold_table_open(&fixture->context, &options, &fixture->table, &error), &error);
}

static inline void fixture_close_table(Fixture *fixture)
{
    cold_version_release(fixture->version);
    fixture->version = NULL;
    cold_table_close(fixture->table);
    file_cache_close(fixture->cache);
}

static inline void fixture_open_at(Fixture *fixture, Env *env, const char *root, TableKind kind)
{
    Error error;
    *fixture = (Fixture){.env = env, .kind = kind, .next_sequence = 1, .next_seq = 1};
    fixture->snapshots_max = 100;
    (void)snprintf(fixture->root, sizeof fixture->root, "%s", root);
    (void)snprintf(fixture->folder, sizeof fixture->folder, "%s/shop.orders-42", root);
    memory_io_open(env, &fixture->io);
    fixture->schema = fixture_schema(kind, 1);
    fixture_open_table(fixture);
    assert_ok(cold_version_empty(fixture->table, &fixture->version, &error), &error);
}

static inline void fixture_open(Fixture *fixture, TableKind kind)
{
    Folder folder = folder_make();
    fixture_open_at(fixture, env_real(), folder.path, kind);
}

static inline void fixture_close(Fixture *fixture)
{
    Error error;
    fixture_close_table(fixture);
    schema_release(fixture->schema);
    if (fixture->env == env_real())
        assert_ok(env_remove_tree(fixture->env, fixture->root, &error), &error);
}

/* ---- rows and files ---- */

typedef struct FixtureRow {
    Buffer bytes; /* a record */
    const RecordHeader *record;
} FixtureRow;

static inline void fixture_row(const Fixture *fixture, OwnerId owner, int64_t id, uint64_t seq,
                               FixtureRow *out)
{
    Error error;
    Buffer row;
    Buffer key;
    char name[120];
    float embedding[2] = {(float)id, 0.5f};
    Value values[7] = {
        value_integer(TYPE_BIGINT, id),
        value_null(TYPE_TEXT),
        value_double((double)id / 4),
        value_decimal((Int128)id * 101 - 700, 2),
        value_integer(TYPE_SMALLINT, id % 100 - 50),
        {.kind = TYPE_VECTOR, .as.vector = {embedding, 2}},
        value_integer(TYPE_DATE, 20000 + id),
    };
    (void)snprintf(
        name, sizeof name, "name of number %lld%s", (long long)id,
        id % 7 == 0 ? ", and a long one it is, longer than what a bound may have, for sure" : "");
    if (id % 5 != 0)
        values[1] = value_text(slice_of_text(name));
    buffer_open(&row, 0);
    buffer_open(&key, 0);
    buffer_open(&out->bytes, 0);
    assert_ok(row_encode(&fixture->schema->layout, values, &row, &error), &error);
    assert_ok(key_of_row(fixture->schema, owner, buffer_slice(&row), &key, &error), &error);
    RecordHeader header = {.seq = seq,
                           .updated_us = 1700000000000000 + (int64_t)seq,
                           .owner = owner,
                           .row_size = (uint32_t)row.size,
                           .key_size = (uint16_t)key.size,
                           .kind = RECORD_PUT};
    uint8_t *at = buffer_reserve(&out->bytes, record_size(key.size, row.size));
    assert_non_null(at);
    out->record = record_write(at, &header, buffer_slice(&key), buffer_slice(&row));
    buffer_close(&row);
    buffer_close(&key);
}

static inline void fixture_describe(const Fixture *fixture, DataFile *file, uint32_t ordinal,
                                    uint64_t sequence, OwnerId owner, const char *owner_name)
{
    Error error;
    Path path;
    Slice name = owner_name == NULL ? SLICE_EMPTY : slice_of_text(owner_name);
    file->created_us = 1700000000000000;
    assert_ok(
        cold_data_path(fixture->table, sequence, ordinal, name, file->created_us, &path, &error),
        &error);
    file->id = data_file_id(sequence, ordinal);
    file->path = arena_text(&file->arena, slice_of_text(path.text));
    file->owner = owner;
    file->owner_name = owner_name == NULL ? NULL : arena_text(&file->arena, name);
    file->schema_version = fixture->schema->version;
}

/* Writes a file of `count` rows with ids from `first_id`, and adds its entries to the index's. */
static inline DataFile *fixture_write_file(Fixture *fixture, uint64_t sequence, uint32_t ordinal,
                                           OwnerId owner, const char *owner_name, int64_t first_id,
                                           uint32_t count, Buffer *entries)
{
    Error error;
    DataFile *file;
    Path path;
    DataFileResult result;
    FixtureRow rows[FIXTURE_ROWS_MAX];
    const RecordHeader *records[FIXTURE_ROWS_MAX];
    assert_true(count > 0 && count <= FIXTURE_ROWS_MAX);
    assert_ok(data_file_create(&file, &error), &error);
    fixture_describe(fixture, file, ordinal, sequence, owner, owner_name);
    file->first_seq = fixture->next_seq;
    for (uint32_t i = 0; i < count; i++) {
        fixture_row(fixture, owner, first_id + i, fixture->next_seq++, &rows[i]);
        records[i] = rows[i].record;
        KeyIndexEntry entry = {hash_64(record_key(records[i])), ordinal, i};
        buffer_put(entries, &entry, sizeof entry);
    }
    file->last_seq = fixture->next_seq - 1;
    file->first_updated_us = records[0]->updated_us;
    file->last_updated_us = records[count - 1]->updated_us;
    assert_ok(arena_clone(&file->arena, record_key(records[0]), &file->key_min, &error), &error);
    assert_ok(arena_clone(&file->arena, record_key(records[count - 1]), &file->key_max, &error),
              &error);
    assert_ok(cold_make_folder_of(fixture->table, file->path, &error), &error);
    assert_ok(cold_absolute(fixture->table, file->path, &path, &error), &error);
    const DataFileWrite write = {.path = path.text,
                                 .schema = fixture->schema,
                                 .owner = owner,
                                 .owner_name =
                                     owner_name == NULL ? SLICE_EMPTY : slice_of_text(owner_name),
                                 .compression = "none",
                                 .records = records,
                                 .record_count = count};
    assert_ok(fixture->io.io.write(&fixture->io.io, &write, &file->arena, &result, &error), &error);
    file->row_count = result.row_count;
    file->size_bytes = result.size_bytes;
    file->statistics = result.statistics;
    file->statistics_count = result.statistics_count;
    file->splits = result.splits;
    file->split_count = result.split_count;
    for (uint32_t i = 0; i < count; i++)
        buffer_close(&rows[i].bytes);
    return file;
}

static inline KeyIndex *fixture_write_index(Fixture *fixture, uint64_t sequence,
                                            DataFile *const *files, size_t count, Buffer *entries)
{
    Error error;
    Path relative;
    Path path;
    KeyIndex *index;
    KeyIndexFile table[32];
    assert_true(count <= 32);
    for (size_t i = 0; i < count; i++)
        table[i] = (KeyIndexFile){data_file_ordinal(files[i]->id), files[i]->row_count,
                                  files[i]->key_min, files[i]->key_max};
    assert_ok(cold_index_path(fixture->table, sequence, &relative, &error), &error);
    assert_ok(cold_make_folder_of(fixture->table, relative.text, &error), &error);
    assert_ok(cold_absolute(fixture->table, relative.text, &path, &error), &error);
    assert_ok(key_index_write(fixture->env, path.text, sequence,
                              (KeyIndexEntry *)(void *)entries->data,
                              entries->size / sizeof(KeyIndexEntry), table, count, &error),
              &error);
    assert_ok(key_index_open(fixture->env, fixture->cache, path.text, &index, &error), &error);
    return index;
}

/* ---- changes ---- */

static inline ColdChange fixture_change(Fixture *fixture, ColdOperation operation)
{
    return (ColdChange){
        .operation = operation,
        .schema = fixture->schema,
        .file_sequence = fixture->next_sequence++,
        .job_id = SLICE("FL-4k7q"),
        .first_seq = operation == COLD_APPEND ? 10 : 0,
        .last_seq = operation == COLD_APPEND ? 20 : 0,
        .snapshots_max = fixture->snapshots_max,
        .snapshots_after_us = fixture->snapshots_after_us,
    };
}

static inline Status fixture_try(Fixture *fixture, const ColdChange *change, Error *error)
{
    ColdVersion *next;
    TRY(cold_version_prepare(fixture->table, fixture->version, change, &next, error));
    cold_version_release(fixture->version);
    fixture->version = next;
    return cold_version_publish(fixture->table, next, &fixture->foreign, error);
}

static inline void fixture_commit(Fixture *fixture, const ColdChange *change)
{
    Error error;
    assert_ok(fixture_try(fixture, change, &error), &error);
}

/* Adds one file of `count` rows; deletes what is given. Returns its id. */
static inline uint64_t fixture_append(Fixture *fixture, OwnerId owner, const char *owner_name,
                                      int64_t first_id, uint32_t count, const ColdDeletes *deletes,
                                      size_t delete_count)
{
    Buffer entries;
    ColdChange change = fixture_change(fixture, COLD_APPEND);
    uint64_t sequence = change.file_sequence;
    buffer_open(&entries, 0);
    DataFile *file =
        fixture_write_file(fixture, sequence, 0, owner, owner_name, first_id, count, &entries);
    KeyIndex *index = fixture_write_index(fixture, sequence, &file, 1, &entries);
    uint64_t id = file->id;
    change.added = &file;
    change.added_count = 1;
    change.added_index = index;
    change.deletes = deletes;
    change.delete_count = delete_count;
    fixture_commit(fixture, &change);
    data_file_release(file);
    key_index_release(index);
    buffer_close(&entries);
    return id;
}

static inline uint64_t fixture_append_plain(Fixture *fixture, int64_t first_id, uint32_t count)
{
    bool is_user = fixture->kind == TABLE_USER;
    return fixture_append(fixture, is_user ? 7 : 0, is_user ? "alice" : NULL, first_id, count, NULL,
                          0);
}

static inline void fixture_delete(Fixture *fixture, const ColdDeletes *deletes, size_t count)
{
    ColdChange change = fixture_change(fixture, COLD_APPEND);
    change.deletes = deletes;
    change.delete_count = count;
    fixture_commit(fixture, &change);
}

static inline void fixture_remove(Fixture *fixture, const uint64_t *ids, size_t count)
{
    ColdChange change = fixture_change(fixture, COLD_DELETE);
    change.removed = ids;
    change.removed_count = count;
    fixture_commit(fixture, &change);
}

/* ---- opening again ---- */

typedef struct Damaged {
    uint64_t sequences[32];
    size_t count;
    Status status;
} Damaged;

static inline void note_damaged(void *context, uint64_t file_sequence, const Error *why)
{
    Damaged *damaged = context;
    damaged->sequences[damaged->count++] = file_sequence;
    damaged->status = why->status;
}

static inline OwnerId owner_by_name(void *context, Slice name)
{
    (void)context;
    return slice_equal_text(name, "alice") ? 7 : slice_equal_text(name, "bob") ? 8 : 0;
}

static inline Status fixture_reopen(Fixture *fixture, Damaged *damaged, ColdVersion **out,
                                    Error *error)
{
    const ColdOpen request = {.metadata_path = cold_version_metadata_path(fixture->version),
                              .owner_of = owner_by_name,
                              .damaged_index = note_damaged,
                              .context = damaged};
    *damaged = (Damaged){0};
    return cold_version_open(fixture->table, &request, out, error);
}

#endif
