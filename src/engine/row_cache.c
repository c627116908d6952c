/* Row cache: rows fetched from files, by file and position. Files never change, so an entry is
 * never stale; what is dead is decided before the cache is asked.
 *
 * Sets of 8 entries, the least recently used one of its set goes; the bytes of all are bounded by
 * counting, with a sweep hand over the sets. */
#include "base/hash.h"
#include "engine/engine_int.h"

enum {
    ROW_CACHE_WAYS = 8,
    ROW_CACHE_SETS = 4096,
    ROW_CACHE_ROW_BYTES_MAX = 1 << 20, /* a larger row is not kept */
};

typedef struct CachedRow {
    RowCacheKey key;
    uint64_t seq;
    int64_t updated_us;
    uint64_t used; /* tick of the last use; 0: empty */
    uint32_t size;
    uint8_t *row;
} CachedRow;

struct RowCache {
    Mutex mutex;
    uint64_t bytes_max;
    uint64_t bytes;
    uint64_t tick;
    uint64_t hits;
    uint64_t misses;
    size_t hand;
    CachedRow *rows; /* ROW_CACHE_SETS × ROW_CACHE_WAYS */
};

Status row_cache_create(Env *env, uint64_t bytes_max, RowCache **out, Error *error)
{
    RowCache *cache = MEMORY_NEW(RowCache);
    if (cache == NULL)
        return error_out_of_memory(error);
    cache->bytes_max = bytes_max;
    mutex_open(&cache->mutex, env, "row cache");
    *out = cache;
    return OK;
}

static void drop(RowCache *cache, CachedRow *entry)
{
    if (entry->used == 0)
        return;
    cache->bytes -= entry->size;
    memory_free(entry->row);
    *entry = (CachedRow){0};
}

void row_cache_destroy(RowCache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; cache->rows != NULL && i < ROW_CACHE_SETS * ROW_CACHE_WAYS; i++)
        drop(cache, &cache->rows[i]);
    memory_free(cache->rows);
    mutex_close(&cache->mutex);
    memory_free(cache);
}

static CachedRow *set_of(RowCache *cache, const RowCacheKey *key)
{
    uint64_t hash = hash_64(slice_of(key, sizeof *key));
    return &cache->rows[hash % ROW_CACHE_SETS * ROW_CACHE_WAYS];
}

static CachedRow *find(CachedRow *set, const RowCacheKey *key)
{
    for (size_t i = 0; i < ROW_CACHE_WAYS; i++) {
        if (set[i].used != 0 && memcmp(&set[i].key, key, sizeof *key) == 0)
            return &set[i];
    }
    return NULL;
}

static bool copy_out(const CachedRow *entry, Arena *arena, FetchedRow *out)
{
    uint8_t *copy = arena_allocate(arena, entry->size);
    if (copy == NULL)
        return false;
    if (entry->size > 0)
        memcpy(copy, entry->row, entry->size);
    *out = (FetchedRow){entry->key.position, entry->seq, entry->updated_us,
                        slice_of(copy, entry->size)};
    return true;
}

bool row_cache_get(RowCache *cache, const RowCacheKey *key, Arena *arena, FetchedRow *out)
{
    bool found = false;
    mutex_lock(&cache->mutex);
    CachedRow *entry = cache->rows == NULL ? NULL : find(set_of(cache, key), key);
    if (entry != NULL) {
        entry->used = ++cache->tick;
        found = copy_out(entry, arena, out);
    }
    cache->hits += found;
    cache->misses += !found;
    mutex_unlock(&cache->mutex);
    return found;
}

static CachedRow *victim_of(CachedRow *set)
{
    CachedRow *oldest = &set[0];
    for (size_t i = 1; i < ROW_CACHE_WAYS; i++) {
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    return oldest;
}

static void make_room(RowCache *cache, size_t size)
{
    for (size_t n = 0; cache->bytes + size > cache->bytes_max && n < ROW_CACHE_SETS; n++) {
        CachedRow *set = &cache->rows[cache->hand * ROW_CACHE_WAYS];
        cache->hand = (cache->hand + 1) % ROW_CACHE_SETS;
        for (size_t i = 0; i < ROW_CACHE_WAYS; i++)
            drop(cache, &set[i]);
    }
}

static bool has_table(RowCache *cache)
{
    if (cache->rows == NULL)
        cache->rows = memory_allocate_zeroed(ROW_CACHE_SETS * ROW_CACHE_WAYS, sizeof(CachedRow));
    return cache->rows != NULL;
}

void row_cache_put(RowCache *cache, const RowCacheKey *key, const FetchedRow *row)
{
    size_t size = row->row.size;
    if (size > ROW_CACHE_ROW_BYTES_MAX || size > cache->bytes_max / 8)
        return;
    uint8_t *copy = memory_clone(row->row.data, size);
    if (copy == NULL)
        return;
    mutex_lock(&cache->mutex);
    bool keeps = has_table(cache) && find(set_of(cache, key), key) == NULL;
    if (keeps) {
        CachedRow *entry = victim_of(set_of(cache, key));
        drop(cache, entry);
        make_room(cache, size);
        *entry = (CachedRow){.key = *key, .seq = row->seq, .updated_us = row->updated_us};
        entry->used = ++cache->tick;
        entry->size = (uint32_t)size;
        entry->row = copy;
        cache->bytes += size;
    }
    mutex_unlock(&cache->mutex);
    if (!keeps)
        memory_free(copy);
}

void row_cache_statistics(RowCache *cache, uint64_t *bytes, uint64_t *hits, uint64_t *misses)
{
    mutex_lock(&cache->mutex);
    *bytes = cache->bytes;
    *hits = cache->hits;
    *misses = cache->misses;
    mutex_unlock(&cache->mutex);
}
