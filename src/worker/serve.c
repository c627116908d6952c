#include "worker/serve.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "worker/run.h"

/* ---- setting up ---- */

static Status map_ring(Worker *worker, const Frame *frame, Error *error)
{
    struct stat information;
    if (frame->descriptor_count != 1 || fstat(frame->descriptors[0], &information) != 0 ||
        information.st_size != RING_BYTES)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "the setup brings no ring");
    void *ring =
        mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, frame->descriptors[0], 0);
    if (ring == MAP_FAILED)
        return error_set_errno(error, errno, "map", "ring");
    worker->ring = ring;
    return OK;
}

/* The frame's bytes go with the next one: what is kept of them is copied. */
static Status keep_setup(Worker *worker, Slice body, Error *error)
{
    Slice copy = SLICE_EMPTY;
    TRY(arena_clone(&worker->setup_arena, body, &copy, error));
    TRY(setup_decode(&worker->setup_arena, copy, &worker->setup, error));
    worker->spill_folder = arena_text(&worker->setup_arena, worker->setup.spill_folder);
    return worker->spill_folder == NULL ? arena_error(&worker->setup_arena, error) : OK;
}

static Status take_setup(Worker *worker, const Frame *frame, ServeLimit limit, Error *error)
{
    if (frame->kind != MESSAGE_SETUP)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "the setup comes first");
    TRY(map_ring(worker, frame, error));
    TRY(keep_setup(worker, frame->body, error));
    if (limit != NULL)
        TRY(limit(worker->setup.data_bytes_max, error));
    return engine_open(&worker->engine, worker->env, &worker->setup, error);
}

static Status send_ready(Worker *worker, Status status, const Error *failure, Error *error)
{
    Buffer body;
    buffer_open(&body, 0);
    if (status == OK)
        buffer_put_u32(&body, PROTOCOL_VERSION);
    else
        failure_encode(&body, failure);
    uint8_t kind = status == OK ? MESSAGE_READY : MESSAGE_FAILED;
    Status sent = buffer_status(&body, error);
    if (sent == OK)
        sent =
            channel_send(&worker->channel, kind, 0, buffer_slice(&body), NULL, 0, INT64_MAX, error);
    buffer_close(&body);
    return sent;
}

static Status set_up(Worker *worker, ServeLimit limit, Error *error)
{
    Frame frame;
    TRY(channel_receive(&worker->channel, INT64_MAX, &frame, error));
    Error failure;
    Status status = take_setup(worker, &frame, limit, &failure);
    frame_drop_descriptors(&frame);
    TRY(send_ready(worker, status, &failure, error));
    if (status != OK)
        *error = failure;
    return status;
}

/* ---- messages between statements ---- */

static Status take_regions(Worker *worker, const Frame *frame, Error *error)
{
    RegionAnnouncement regions[DESCRIPTORS_MAX];
    uint32_t count = 0;
    TRY(regions_decode(frame->body, regions, &count, error));
    if (count != frame->descriptor_count)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "regions without their descriptors");
    for (uint32_t i = 0; i < count; i++)
        TRY(region_add(&worker->regions, regions[i].id, regions[i].size, frame->descriptors[i],
                       error));
    return OK;
}

static Status take_forget(Worker *worker, Slice body, Error *error)
{
    ForgetMessage forget;
    Arena arena;
    arena_open(&arena, 0);
    Status status = forget_decode(&arena, body, &forget, error);
    for (uint32_t i = 0; status == OK && i < forget.region_count; i++)
        status = region_forget(&worker->regions, forget.regions[i], error);
    for (uint32_t i = 0; status == OK && i < forget.bitmap_count; i++)
        status = bitmap_cache_forget(&worker->bitmaps, forget.bitmaps[i], error);
    arena_close(&arena);
    return status;
}

static Status take_bitmap(Worker *worker, Slice body, Error *error)
{
    BitmapMessage bitmap;
    TRY(bitmap_decode(body, &bitmap, error));
    return bitmap_cache_add(&worker->bitmaps, bitmap.id, bitmap.row_count, bitmap.roaring, error);
}

static Status take_table(Worker *worker, Slice body, Error *error)
{
    size_t items = worker->table.size / sizeof(uint64_t) + body.size / sizeof(uint64_t);
    if (body.size % sizeof(uint64_t) != 0 || items > TABLE_ITEMS_MAX)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "a table that is none");
    buffer_put_slice(&worker->table, body);
    return buffer_status(&worker->table, error);
}

static Status take_frame(Worker *worker, const Frame *frame, Error *error)
{
    switch (frame->kind) {
    case MESSAGE_REGIONS:
        return take_regions(worker, frame, error);
    case MESSAGE_FORGET:
        return take_forget(worker, frame->body, error);
    case MESSAGE_BITMAP:
        return take_bitmap(worker, frame->body, error);
    case MESSAGE_TABLE:
        return take_table(worker, frame->body, error);
    case MESSAGE_RUN:
        return run_request(worker, frame->statement, frame->body, error);
    case MESSAGE_SLOT_FREE:
    case MESSAGE_STOP:
        return OK; /* about a statement that has ended */
    default:
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "an unknown message");
    }
}

static Status serve(Worker *worker, ServeLimit limit, Error *error)
{
    TRY(set_up(worker, limit, error));
    for (;;) {
        Frame frame;
        TRY(channel_receive(&worker->channel, INT64_MAX, &frame, error));
        Status status = take_frame(worker, &frame, error);
        frame_drop_descriptors(&frame);
        if (status != OK)
            return status;
    }
}

static void worker_close(Worker *worker)
{
    engine_close(&worker->engine);
    region_table_close(&worker->regions);
    bitmap_cache_close(&worker->bitmaps);
    buffer_close(&worker->table);
    arena_close(&worker->arena);
    arena_close(&worker->setup_arena);
    channel_close(&worker->channel);
    if (worker->ring != NULL)
        ASSERT(munmap(worker->ring, RING_BYTES) == 0);
}

int worker_serve(Env *env, int descriptor, ServeLimit limit)
{
    Worker worker = {.env = env};
    channel_open(&worker.channel, env, descriptor, true, REQUEST_BYTES_MAX);
    buffer_open(&worker.table, 0);
    arena_open(&worker.arena, 0);
    arena_open(&worker.setup_arena, 0);
    Error error;
    Status status = serve(&worker, limit, &error);
    if (status != STATUS_CONNECTION_FAILURE)
        (void)fprintf(stderr, "firn-worker: %s (%s)\n", error.message, error.internal);
    worker_close(&worker);
    return status == STATUS_CONNECTION_FAILURE ? 0 : 1;
}
