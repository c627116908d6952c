#include "worker/bitmap_cache.h"

#include "base/memory.h"
#include "worker/protocol.h"

const DeadSet *bitmap_cache_find(const BitmapCache *cache, uint64_t id)
{
    return id_table_find(&cache->sets, id);
}

Status bitmap_cache_add(BitmapCache *cache, uint64_t id, uint64_t row_count, Slice roaring,
                        Error *error)
{
    if (bitmap_cache_find(cache, id) != NULL)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "a bitmap was sent twice");
    if (cache->sets.count >= BITMAPS_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "more than %d bitmaps", BITMAPS_MAX);
    TRY(id_table_reserve(&cache->sets, error));
    DeadSet *set = MEMORY_NEW(DeadSet);
    if (set == NULL)
        return error_out_of_memory(error);
    Status status = dead_set_open(set, row_count, roaring, error);
    if (status == OK)
        id_table_add(&cache->sets, id, set);
    else
        memory_free(set);
    return status;
}

static void set_destroy(DeadSet *set)
{
    dead_set_close(set);
    memory_free(set);
}

Status bitmap_cache_forget(BitmapCache *cache, uint64_t id, Error *error)
{
    DeadSet *set = id_table_remove(&cache->sets, id);
    if (set == NULL)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "a bitmap to forget is not known");
    set_destroy(set);
    return OK;
}

void bitmap_cache_close(BitmapCache *cache)
{
    for (size_t i = 0; i < cache->sets.count; i++)
        set_destroy(cache->sets.items[i].value);
    id_table_close(&cache->sets);
}
