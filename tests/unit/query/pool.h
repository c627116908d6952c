/* For the query room's tests: a pool over the real worker program, tables made by hand. */
#ifndef FIRN_TESTS_UNIT_QUERY_POOL_H
#define FIRN_TESTS_UNIT_QUERY_POOL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cold/data_file.h"
#include "query/query.h"

#define UNUSED __attribute__((unused))
#define MB     (1ull << 20)

/* FIRN_WORKER, or the release build's: sanitizers slow DuckDB's allocator down for nothing. */
UNUSED static const char *worker_path(void)
{
    const char *given = getenv("FIRN_WORKER");
    return given != NULL ? given : "build/release/firn-worker";
}

typedef struct TestPool {
    QueryPool *pool;
    char folder[64];
    Path spill;
} TestPool;

UNUSED static void test_pool_open_with(TestPool *test, const char *path, uint32_t workers,
                                       uint64_t memory)
{
    Error error;
    (void)snprintf(test->folder, sizeof test->folder, "/tmp/firn-query-test-XXXXXX");
    assert_non_null(mkdtemp(test->folder));
    assert_int_equal(OK, path_join(&test->spill, test->folder, "spill", &error));
    QueryPoolOptions options = {.worker_path = path,
                                .spill_folder = test->spill.text,
                                .staging_folder = test->folder,
                                .workers = workers,
                                .threads = 2,
                                .memory_bytes_max = memory,
                                .spill_bytes_max = 1024 * MB};
    if (query_pool_open(env_real(), &options, &test->pool, &error) != OK)
        fail_msg("%s (%s)", error.message, error.internal);
}

UNUSED static void test_pool_open(TestPool *test)
{
    test_pool_open_with(test, worker_path(), 2, 1024 * MB);
}

UNUSED static void test_pool_close(TestPool *test)
{
    Error error;
    query_pool_close(test->pool);
    assert_int_equal(OK, env_remove_tree(env_real(), test->folder, &error));
}

/* ---- statements ---- */

/* Text with @0 … @9 where references stand. */
typedef struct TestText {
    Slice pieces[16];
    uint32_t holes[16];
    QueryText text;
} TestText;

UNUSED static void test_text(TestText *out, const char *sql)
{
    size_t count = 0;
    for (;;) {
        const char *hole = strchr(sql, '@');
        if (hole == NULL)
            break;
        out->pieces[count] = slice_of(sql, (size_t)(hole - sql));
        out->holes[count++] = (uint32_t)(hole[1] - '0');
        sql = hole + 2;
    }
    out->pieces[count] = slice_of_text(sql);
    out->text = (QueryText){out->pieces, out->holes, count};
}

typedef struct Collected {
    Buffer bytes;
    uint64_t rows;
    uint32_t calls;
    int64_t sleep_ns; /* in every call */
    uint32_t fail_at; /* the call that refuses; 0: none */
} Collected;

UNUSED static Status collect_bytes(void *context, Slice json, uint64_t rows, Error *error)
{
    Collected *collected = context;
    if (++collected->calls == collected->fail_at)
        return error_set(error, STATUS_CONNECTION_FAILURE, "the client is gone");
    env_sleep_ns(env_real(), collected->sleep_ns);
    buffer_put_slice(&collected->bytes, json);
    collected->rows += rows;
    return OK;
}

UNUSED static Status run_request(TestPool *test, QueryRequest *request, const char *sql,
                                 Collected *collected, QueryHandle *handle, Error *error)
{
    TestText text;
    test_text(&text, sql);
    QueryHandle own = {.worker = 0};
    QueryResult result;
    QuerySink sink = {.bytes = collect_bytes, .context = collected};
    request->text = &text.text;
    request->format = QUERY_JSON;
    request->deadline_ns = request->deadline_ns == 0 ? INT64_MAX : request->deadline_ns;
    buffer_open(&collected->bytes, 0);
    Status status =
        query_run(test->pool, request, &sink, handle != NULL ? handle : &own, &result, error);
    if (status == OK)
        assert_int_equal(collected->rows, result.rows);
    return status;
}

/* The rows as JSON (static memory), or "STATE message". */
UNUSED static const char *run_json(TestPool *test, QueryRequest request, const char *sql,
                                   const Type *types, size_t count)
{
    static char text[1 << 16];
    Collected collected = {.rows = 0};
    Error error;
    request.result_types = types;
    request.result_count = count;
    Status status = run_request(test, &request, sql, &collected, NULL, &error);
    if (status == OK)
        (void)snprintf(text, sizeof text, "%.*s", (int)collected.bytes.size,
                       (const char *)collected.bytes.data);
    else
        (void)snprintf(text, sizeof text, "%s %s", status_sqlstate(status), error.message);
    buffer_close(&collected.bytes);
    return text;
}

#define RUN(test, request, sql, ...)                          \
    run_json(test, request, sql, (const Type[]){__VA_ARGS__}, \
             sizeof((const Type[]){__VA_ARGS__}) / sizeof(Type))

UNUSED static const QueryRequest no_tables = {.reference_count = 0};

UNUSED static int64_t in_milliseconds(int64_t milliseconds)
{
    return env_monotonic_ns(env_real()) + milliseconds * 1000000;
}

/* ---- tables ---- */

UNUSED static Column test_column(const char *name, Type type, uint32_t field_id)
{
    return (Column){.name = slice_of_text(name),
                    .type = type,
                    .field_id = field_id,
                    .key_position = field_id == 1 ? 0 : -1,
                    .not_null = field_id == 1,
                    .initial_default = value_null(type.kind)};
}

UNUSED static Schema *test_schema(TableKind kind, uint32_t version, const Column *columns,
                                  uint32_t count)
{
    Schema *schema = NULL;
    Error error;
    assert_int_equal(OK, schema_create(7, version, kind, columns, count, 100, &schema, &error));
    return schema;
}

enum { TEST_RECORDS_MAX = 500000 };

/* Records in one region. */
typedef struct TestHot {
    SharedMemory memory;
    size_t used;
    uint64_t region_id;
    const Schema *schema;
    const RecordHeader **records;
    size_t count;
    RowBlockView view;
    QueryBlock block;
    QueryHot hot;
} TestHot;

UNUSED static void test_hot_open(TestHot *hot, const Schema *schema, uint64_t region_id,
                                 size_t size)
{
    Error error;
    *hot = (TestHot){.schema = schema, .region_id = region_id};
    hot->records = calloc(TEST_RECORDS_MAX, sizeof *hot->records);
    assert_int_equal(OK, shared_memory_open(env_real(), "test", size, &hot->memory, &error));
}

UNUSED static void test_hot_close(TestHot *hot)
{
    shared_memory_close(env_real(), &hot->memory);
    free(hot->records);
}

UNUSED static void test_hot_put(TestHot *hot, uint64_t seq, OwnerId owner, const Value *values)
{
    Buffer row;
    Buffer key;
    Error error;
    buffer_open(&row, 0);
    buffer_open(&key, 0);
    assert_int_equal(OK, row_encode(&hot->schema->layout, values, &row, &error));
    assert_int_equal(OK, key_of_row(hot->schema, owner, buffer_slice(&row), &key, &error));
    RecordHeader header = {.seq = seq,
                           .updated_us = (int64_t)seq * 1000000,
                           .owner = owner,
                           .row_size = (uint32_t)row.size,
                           .key_size = (uint16_t)key.size,
                           .kind = RECORD_PUT};
    size_t size = record_size(key.size, row.size);
    assert_true(hot->used + size <= hot->memory.size && hot->count < TEST_RECORDS_MAX);
    hot->records[hot->count++] =
        record_write(hot->memory.data + hot->used, &header, buffer_slice(&key), buffer_slice(&row));
    hot->used += size;
    buffer_close(&row);
    buffer_close(&key);
}

/* What the records so far are for a request. */
UNUSED static const QueryHot *test_hot(TestHot *hot)
{
    hot->block = (QueryBlock){.region_id = hot->region_id,
                              .descriptor = hot->memory.descriptor,
                              .region_size = hot->memory.size,
                              .published = hot->used};
    hot->view = (RowBlockView){.block = {.region_id = hot->region_id,
                                         .descriptor = hot->memory.descriptor,
                                         .region_size = hot->memory.size,
                                         .data = hot->memory.data,
                                         .size = hot->memory.size},
                               .published = hot->used};
    hot->hot = (QueryHot){.schema = hot->schema, .blocks = &hot->block, .block_count = 1};
    return &hot->hot;
}

/* The records so far as a data file. */
UNUSED static Status test_hot_write(TestPool *test, TestHot *hot, const char *path, Arena *arena,
                                    DataFileResult *out, Error *error)
{
    (void)test_hot(hot);
    DataFileWrite request = {.path = path,
                             .schema = hot->schema,
                             .owner = 1,
                             .owner_name = SLICE("anna"),
                             .compression = "zstd",
                             .row_group_bytes = 1 << 20,
                             .records = hot->records,
                             .record_count = hot->count,
                             .blocks = &hot->view,
                             .block_count = 1};
    DataFileIo *io = query_data_file_io(test->pool);
    return io->write(io, &request, arena, out, error);
}

UNUSED static Path test_file(const TestPool *test, const char *name)
{
    Path path;
    Error error;
    assert_int_equal(OK, path_join(&path, test->folder, name, &error));
    return path;
}

#endif
