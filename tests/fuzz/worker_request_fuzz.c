/* What a worker reads from its server: every message of the protocol, and the bitmaps in them. The
 * first byte says which. */
#include "worker/dead_set.h"
#include "worker/protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_request(Arena *arena, Slice bytes)
{
    WorkerRequest request;
    Error error;
    Buffer again;
    if (request_decode(arena, bytes, &request, &error) != OK)
        return;
    buffer_open(&again, 0);
    if (request_encode(&again, &request, &error) == OK) { /* what was read can be written */
        WorkerRequest twin;
        if (request_decode(arena, buffer_slice(&again), &twin, &error) != OK)
            __builtin_trap();
        request_close(&twin);
    }
    buffer_close(&again);
    request_close(&request);
}

static void read_dead_set(Slice bytes)
{
    DeadSet set;
    Error error;
    if (dead_set_open(&set, 200000, bytes, &error) != OK)
        return;
    uint64_t count = 0;
    for (uint64_t at = dead_set_next(&set, 0); at < set.row_count; at = dead_set_next(&set, at + 1))
        count++;
    if (count != set.dead_count)
        __builtin_trap();
    dead_set_close(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    Slice bytes = slice_of(data + 1, size - 1);
    Arena arena;
    Error error;
    WorkerSetup setup;
    ForgetMessage forget;
    BitmapMessage bitmap;
    RegionAnnouncement regions[DESCRIPTORS_MAX];
    uint32_t count;
    Status ignored = OK;
    arena_open(&arena, 64 << 20);
    switch (data[0] % 6) {
    case 0:
        read_request(&arena, bytes);
        break;
    case 1:
        ignored = setup_decode(&arena, bytes, &setup, &error);
        break;
    case 2:
        ignored = forget_decode(&arena, bytes, &forget, &error);
        break;
    case 3:
        ignored = bitmap_decode(bytes, &bitmap, &error);
        break;
    case 4:
        ignored = regions_decode(bytes, regions, &count, &error);
        break;
    default:
        read_dead_set(bytes);
    }
    (void)ignored;
    arena_close(&arena);
    return 0;
}
