/* What workers keep by id: regions they have mapped and bitmaps they have read.
 *
 * The server decides what a worker keeps and tells it what to forget; both sides then know the
 * same. What was not used for a while is forgotten, because a mapping keeps memory alive that the
 * server gave up long ago. */
#include "base/assert.h"
#include "query/pool_int.h"
#include "worker/region.h"

enum { FORGET_MAX = 4096 };

static void free_things(IdTable *table)
{
    for (size_t i = 0; i < table->count; i++)
        memory_free(table->items[i].value);
    id_table_close(table);
}

void keep_close(PoolWorker *worker)
{
    free_things(&worker->regions);
    free_things(&worker->bitmaps);
}

/* Notes that the worker will have it; `*is_new` where it has to be sent. */
static Status note(IdTable *table, size_t count_max, uint64_t id, int64_t now_ns, bool *is_new,
                   Error *error)
{
    KeptThing *thing = id_table_find(table, id);
    *is_new = thing == NULL;
    if (thing != NULL) {
        thing->used_ns = now_ns;
        return OK;
    }
    if (table->count >= count_max)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "the statement reads more than %zu pieces of memory", count_max);
    TRY(id_table_reserve(table, error));
    thing = MEMORY_NEW(KeptThing);
    if (thing == NULL)
        return error_out_of_memory(error);
    *thing = (KeptThing){.id = id, .used_ns = now_ns};
    id_table_add(table, id, thing);
    return OK;
}

/* ---- forgetting ---- */

/* Takes what was used last before that time out of the table; from the end, so that nothing is
 * skipped. */
static uint32_t take_older(IdTable *table, int64_t before_ns, uint64_t ids[FORGET_MAX])
{
    uint32_t count = 0;
    for (size_t i = table->count; i > 0 && count < FORGET_MAX; i--) {
        KeptThing *thing = table->items[i - 1].value;
        if (thing->used_ns >= before_ns)
            continue;
        ids[count++] = thing->id;
        memory_free(id_table_remove(table, thing->id));
    }
    return count;
}

static Status forget(PoolWorker *worker, int64_t before_ns, int64_t deadline_ns, Error *error)
{
    uint64_t regions[FORGET_MAX];
    uint64_t bitmaps[FORGET_MAX];
    ForgetMessage message = {.regions = regions, .bitmaps = bitmaps};
    message.region_count = take_older(&worker->regions, before_ns, regions);
    message.bitmap_count = take_older(&worker->bitmaps, before_ns, bitmaps);
    if (message.region_count + message.bitmap_count == 0)
        return OK;
    Buffer body;
    buffer_open(&body, 0);
    forget_encode(&body, &message);
    Status status = buffer_status(&body, error);
    if (status == OK)
        status = channel_send(&worker->channel, MESSAGE_FORGET, worker->statement,
                              buffer_slice(&body), NULL, 0, deadline_ns, error);
    buffer_close(&body);
    return status;
}

/* ---- sending ---- */

typedef struct RegionBatch {
    RegionAnnouncement regions[DESCRIPTORS_MAX];
    int descriptors[DESCRIPTORS_MAX];
    uint32_t count;
} RegionBatch;

static Status send_regions(PoolWorker *worker, RegionBatch *batch, int64_t deadline_ns,
                           Error *error)
{
    if (batch->count == 0)
        return OK;
    Buffer body;
    buffer_open(&body, 0);
    regions_encode(&body, batch->regions, batch->count);
    Status status = buffer_status(&body, error);
    if (status == OK)
        status =
            channel_send(&worker->channel, MESSAGE_REGIONS, worker->statement, buffer_slice(&body),
                         batch->descriptors, batch->count, deadline_ns, error);
    buffer_close(&body);
    batch->count = 0;
    return status;
}

static Status keep_regions(PoolWorker *worker, const KeepRequest *request, int64_t now_ns,
                           int64_t deadline_ns, Error *error)
{
    RegionBatch batch = {.count = 0};
    for (size_t i = 0; i < request->block_count; i++) {
        const QueryBlock *block = request->blocks[i];
        bool is_new = false;
        TRY(note(&worker->regions, REGIONS_MAX, block->region_id, now_ns, &is_new, error));
        if (!is_new)
            continue;
        batch.regions[batch.count] = (RegionAnnouncement){block->region_id, block->region_size};
        batch.descriptors[batch.count++] = block->descriptor;
        if (batch.count == DESCRIPTORS_MAX)
            TRY(send_regions(worker, &batch, deadline_ns, error));
    }
    return send_regions(worker, &batch, deadline_ns, error);
}

static Status send_bitmap(PoolWorker *worker, const QueryFile *file, int64_t deadline_ns,
                          Error *error)
{
    BitmapMessage message = {
        .id = file->deletes_id, .row_count = file->row_count, .roaring = file->deletes};
    Buffer body;
    buffer_open(&body, 0);
    bitmap_encode(&body, &message);
    Status status = buffer_status(&body, error);
    if (status == OK)
        status = channel_send(&worker->channel, MESSAGE_BITMAP, worker->statement,
                              buffer_slice(&body), NULL, 0, deadline_ns, error);
    buffer_close(&body);
    return status;
}

static Status keep_bitmaps(PoolWorker *worker, const KeepRequest *request, int64_t now_ns,
                           int64_t deadline_ns, Error *error)
{
    for (size_t i = 0; i < request->file_count; i++) {
        const QueryFile *file = request->files[i];
        bool is_new = false;
        TRY(note(&worker->bitmaps, BITMAPS_MAX, file->deletes_id, now_ns, &is_new, error));
        if (is_new)
            TRY(send_bitmap(worker, file, deadline_ns, error));
    }
    return OK;
}

/* Might what the request needs not fit beside what is kept? */
static bool is_crowded(const PoolWorker *worker, const KeepRequest *request)
{
    return worker->regions.count + request->block_count > REGIONS_MAX ||
           worker->bitmaps.count + request->file_count > BITMAPS_MAX;
}

Status keep_send(PoolWorker *worker, const KeepRequest *request, int64_t now_ns,
                 int64_t deadline_ns, Error *error)
{
    while (is_crowded(worker, request) && worker->regions.count + worker->bitmaps.count > 0)
        TRY(forget(worker, INT64_MAX, deadline_ns, error));
    TRY(keep_regions(worker, request, now_ns, deadline_ns, error));
    return keep_bitmaps(worker, request, now_ns, deadline_ns, error);
}

/* ---- what is old ---- */

static bool has_older(const IdTable *table, int64_t before_ns)
{
    for (size_t i = 0; i < table->count; i++) {
        if (((const KeptThing *)table->items[i].value)->used_ns < before_ns)
            return true;
    }
    return false;
}

bool keep_has_stale(const PoolWorker *worker, int64_t now_ns)
{
    int64_t before_ns = now_ns - POOL_STALE_MS * POOL_MS_NS;
    return has_older(&worker->regions, before_ns) || has_older(&worker->bitmaps, before_ns);
}

Status keep_forget_stale(PoolWorker *worker, int64_t now_ns, int64_t deadline_ns, Error *error)
{
    return forget(worker, now_ns - POOL_STALE_MS * POOL_MS_NS, deadline_ns, error);
}
