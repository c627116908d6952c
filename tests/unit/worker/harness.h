/* For the worker's tests: a worker served by a thread of the same process, so that the sanitizers
 * see its functions, and a server's side that speaks the protocol to it; arenas made by hand. */
#ifndef FIRN_TESTS_UNIT_WORKER_HARNESS_H
#define FIRN_TESTS_UNIT_WORKER_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "types/record.h"
#include "worker/protocol.h"
#include "worker/serve.h"

#define UNUSED __attribute__((unused))

#ifdef __SANITIZE_THREAD__
/* DuckDB is not instrumented: what happens inside it is not looked at, what it calls of ours is. */
UNUSED const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "ignore_noninstrumented_modules=1";
}
#endif

/* ---- records made by hand ---- */

typedef struct TestRegion {
    uint64_t id;
    int descriptor;
    uint8_t *data;
    size_t size;
    size_t used;
    size_t first; /* where the block begins */
} TestRegion;

UNUSED static void region_make(TestRegion *region, uint64_t id, size_t size)
{
    *region = (TestRegion){.id = id, .size = size, .descriptor = memfd_create("test", MFD_CLOEXEC)};
    assert_true(region->descriptor >= 0);
    assert_int_equal(0, ftruncate(region->descriptor, (off_t)size));
    region->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, region->descriptor, 0);
    assert_true(region->data != MAP_FAILED);
}

UNUSED static void region_end(TestRegion *region)
{
    (void)munmap(region->data, region->size);
    (void)close(region->descriptor);
}

/* One version of a row; NULL values: a delete. Returns its offset in the region. */
UNUSED static uint32_t region_put(TestRegion *region, const Schema *schema, uint64_t seq,
                                  uint64_t replaced_by, WorkerOwner owner, const Value *values)
{
    Buffer row;
    Error error;
    buffer_open(&row, 0);
    if (values != NULL)
        assert_int_equal(OK, row_encode(&schema->layout, values, &row, &error));
    Slice key = SLICE("key45678901");
    RecordHeader header = {.seq = seq,
                           .updated_us = (int64_t)seq * 1000,
                           .owner = owner,
                           .row_size = (uint32_t)row.size,
                           .key_size = (uint16_t)key.size,
                           .kind = values != NULL ? RECORD_PUT : RECORD_DELETE};
    atomic_init(&header.replaced_by, replaced_by);
    size_t at = region->used;
    assert_true(at + record_size(key.size, row.size) <= region->size);
    (void)record_write(region->data + at, &header, key, buffer_slice(&row));
    region->used += record_size(key.size, row.size);
    buffer_close(&row);
    return (uint32_t)(at - region->first);
}

UNUSED static WorkerBlock region_block(const TestRegion *region)
{
    return (WorkerBlock){.region_id = region->id,
                         .offset = region->first,
                         .published = region->used - region->first};
}

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

/* ---- a worker in this process ---- */

typedef struct Harness {
    Thread *thread;
    Channel channel;
    int theirs;
    const uint8_t *ring;
    uint64_t statement;
    char folder[64];
    uint64_t spill_bytes_max;
    int stop_after_slots; /* sends STOP after so many; -1: never */
    uint64_t rows;
    uint64_t hot_rows_read;
    uint32_t slots;
    Error error; /* of the statement that failed last */
} Harness;

UNUSED static void harness_serve(void *argument)
{
    Harness *harness = argument;
    (void)worker_serve(env_real(), harness->theirs, NULL);
}

UNUSED static void harness_send(Harness *harness, uint8_t kind, const Buffer *body,
                                const int *descriptors, uint32_t count)
{
    Error error;
    assert_false(body->failed);
    assert_int_equal(OK, channel_send(&harness->channel, kind, harness->statement,
                                      buffer_slice(body), descriptors, count, INT64_MAX, &error));
}

UNUSED static void harness_setup(Harness *harness, uint32_t threads)
{
    int ring = memfd_create("ring", MFD_CLOEXEC);
    assert_int_equal(0, ftruncate(ring, RING_BYTES));
    harness->ring = mmap(NULL, RING_BYTES, PROT_READ, MAP_SHARED, ring, 0);
    assert_true(harness->ring != MAP_FAILED);
    Slice folder = slice_of_text(harness->folder);
    WorkerSetup setup = {.threads = threads,
                         .memory_bytes_max = 1ull << 30,
                         .spill_bytes_max = harness->spill_bytes_max,
                         .spill_folder = folder,
                         .folders = &folder,
                         .folder_count = 1};
    Buffer body;
    buffer_open(&body, 0);
    setup_encode(&body, &setup);
    harness_send(harness, MESSAGE_SETUP, &body, &ring, 1);
    buffer_close(&body);
    (void)close(ring);
}

UNUSED static void harness_open_with(Harness *harness, uint32_t threads, uint64_t spill_bytes_max)
{
    *harness = (Harness){.stop_after_slots = -1, .spill_bytes_max = spill_bytes_max};
    (void)snprintf(harness->folder, sizeof harness->folder, "/tmp/firn-worker-test-XXXXXX");
    assert_non_null(mkdtemp(harness->folder));
    int pair[2];
    Error error;
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
    channel_open(&harness->channel, env_real(), pair[0], false, ANSWER_BYTES_MAX);
    harness->theirs = pair[1];
    assert_int_equal(OK, thread_start(env_real(), "worker", 8 << 20, harness_serve, harness,
                                      &harness->thread, &error));
    harness_setup(harness, threads);
    Frame frame;
    assert_int_equal(OK, channel_receive(&harness->channel, INT64_MAX, &frame, &error));
    if (frame.kind != MESSAGE_READY) {
        assert_int_equal(OK, failure_decode(frame.body, &harness->error, &error));
        fail_msg("%s (%s)", harness->error.message, harness->error.internal);
    }
}

UNUSED static void harness_open(Harness *harness, uint32_t threads)
{
    harness_open_with(harness, threads, 1ull << 30);
}

UNUSED static void harness_close(Harness *harness)
{
    Error error;
    channel_close(&harness->channel);
    thread_join(harness->thread);
    (void)munmap((void *)(uintptr_t)harness->ring, RING_BYTES);
    assert_int_equal(OK, env_remove_tree(env_real(), harness->folder, &error));
}

UNUSED static void harness_region(Harness *harness, const TestRegion *region)
{
    RegionAnnouncement announcement = {region->id, region->size};
    Buffer body;
    buffer_open(&body, 0);
    regions_encode(&body, &announcement, 1);
    harness_send(harness, MESSAGE_REGIONS, &body, &region->descriptor, 1);
    buffer_close(&body);
}

UNUSED static void harness_bitmap(Harness *harness, uint64_t id, uint64_t rows, Slice roaring)
{
    BitmapMessage message = {id, rows, roaring};
    Buffer body;
    buffer_open(&body, 0);
    bitmap_encode(&body, &message);
    harness_send(harness, MESSAGE_BITMAP, &body, NULL, 0);
    buffer_close(&body);
}

UNUSED static void harness_table(Harness *harness, const uint64_t *items, size_t count)
{
    Buffer body;
    buffer_open(&body, 0);
    buffer_put(&body, items, count * sizeof *items);
    harness_send(harness, MESSAGE_TABLE, &body, NULL, 0);
    buffer_close(&body);
}

UNUSED static void harness_slot(Harness *harness, Slice body, Buffer *out)
{
    SlotMessage slot;
    Error error;
    assert_int_equal(OK, slot_decode(body, &slot, &error));
    buffer_put(out, harness->ring + (size_t)slot.slot * SLOT_BYTES, slot.size);
    harness->rows += slot.rows;
    harness->slots++;
    Buffer answer;
    buffer_open(&answer, 0);
    if (harness->stop_after_slots == (int)harness->slots)
        harness_send(harness, MESSAGE_STOP, &answer, NULL, 0);
    buffer_put_u32(&answer, slot.slot);
    harness_send(harness, MESSAGE_SLOT_FREE, &answer, NULL, 0);
    buffer_close(&answer);
}

/* Everything until the statement's end; its bytes are appended to `out`. */
UNUSED static Status harness_hear(Harness *harness, Buffer *out)
{
    for (;;) {
        Frame frame;
        Error error;
        Status status = channel_receive(&harness->channel, INT64_MAX, &frame, &error);
        if (status != OK)
            return status;
        assert_int_equal(harness->statement, frame.statement);
        if (frame.kind == MESSAGE_STARTED) {
            continue;
        } else if (frame.kind == MESSAGE_SLOT) {
            harness_slot(harness, frame.body, out);
        } else if (frame.kind == MESSAGE_DONE) {
            WorkerDone done;
            assert_int_equal(OK, done_decode(frame.body, &done, &error));
            buffer_put_slice(out, done.last);
            harness->rows += done.last_rows;
            harness->hot_rows_read = done.hot_rows_read;
            if (harness->stop_after_slots < 0)
                assert_int_equal(harness->rows, done.rows);
            return OK;
        } else {
            assert_int_equal(MESSAGE_FAILED, frame.kind);
            assert_int_equal(OK, failure_decode(frame.body, &harness->error, &error));
            return harness->error.status;
        }
    }
}

UNUSED static Status harness_run(Harness *harness, const WorkerRequest *request, Buffer *out)
{
    Buffer body;
    Error error;
    buffer_open(&body, 0);
    assert_int_equal(OK, request_encode(&body, request, &error));
    harness->statement++;
    harness->rows = 0;
    harness->slots = 0;
    harness_send(harness, MESSAGE_RUN, &body, NULL, 0);
    buffer_close(&body);
    return harness_hear(harness, out);
}

/* The statement's rows as JSON text (static memory), or "STATE message" where it fails. */
UNUSED static const char *harness_json(Harness *harness, WorkerRequest request, const char *sql,
                                       const Type *types, uint32_t count)
{
    static char text[1 << 20];
    request.sql = slice_of_text(sql);
    request.format = FORMAT_JSON;
    request.threads = request.threads == 0 ? 2 : request.threads;
    request.result_types = types;
    request.result_count = count;
    Buffer out;
    buffer_open(&out, 0);
    Status status = harness_run(harness, &request, &out);
    if (status == OK)
        (void)snprintf(text, sizeof text, "%.*s", (int)out.size, (const char *)out.data);
    else
        (void)snprintf(text, sizeof text, "%s %s", status_sqlstate(status), harness->error.message);
    buffer_close(&out);
    return text;
}

#define RUN_JSON(harness, request, sql, ...)                         \
    harness_json(harness, request, sql, (const Type[]){__VA_ARGS__}, \
                 sizeof((const Type[]){__VA_ARGS__}) / sizeof(Type))

/* As a statement that nobody wants rows of. */
UNUSED static void harness_do(Harness *harness, const char *sql)
{
    WorkerRequest request = {.sql = slice_of_text(sql), .format = FORMAT_JSON, .threads = 2};
    Buffer out;
    buffer_open(&out, 0);
    if (harness_run(harness, &request, &out) != OK)
        fail_msg("%s: %s (%s)", sql, harness->error.message, harness->error.internal);
    buffer_close(&out);
}

#endif
