/* Row cache: rows fetched from files, in blocks of neighbours. To bring one row the engine unpacks
 * its whole row group, so its neighbours cost little more, and who reads a row often reads those.
 * Files never change, so a block is never stale; what is dead is decided before the cache is asked.
 *
 * Sets of 8 blocks; the bytes of all are bounded by counting. A hand goes round: a block that was
 * used since it came by last stays once more. */
#include "base/hash.h"
#include "engine/engine_int.h"

enum {
    CACHE_WAYS = 8,
    CACHE_SETS = 1024,
    CACHE_ENTRIES = CACHE_SETS * CACHE_WAYS,
    CACHED_BLOCK_BYTES = 128 << 10,   /* wanted */
    CACHED_BLOCK_BYTES_MAX = 4 << 20, /* a larger one is not kept */
    COMPRESSION = 3,                  /* of a file, about; an error makes blocks of another size */
};

typedef struct CachedRow {
    uint64_t seq;
    int64_t updated_us;
    uint32_t end; /* of its bytes; they begin where the one before ends */
} CachedRow;

typedef struct CachedBlock {
    uint32_t first; /* position */
    uint32_t count;
    size_t size; /* of this object */
    const uint8_t *bytes;
    CachedRow rows[];
} CachedBlock;

typedef struct CacheEntry {
    RowCacheKey key;
    CachedBlock *block; /* NULL: free */
    bool is_used;       /* since the hand came by */
} CacheEntry;

struct RowCache {
    Mutex mutex;
    uint64_t bytes_max;
    uint64_t bytes;
    uint64_t hits;
    uint64_t misses;
    size_t hand;
    CacheEntry *entries; /* CACHE_ENTRIES; made at the first put */
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

static void drop(RowCache *cache, CacheEntry *entry)
{
    if (entry->block == NULL)
        return;
    cache->bytes -= entry->block->size;
    memory_free(entry->block);
    *entry = (CacheEntry){0};
}

void row_cache_destroy(RowCache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; cache->entries != NULL && i < CACHE_ENTRIES; i++)
        drop(cache, &cache->entries[i]);
    memory_free(cache->entries);
    mutex_close(&cache->mutex);
    memory_free(cache);
}

uint32_t row_cache_block_rows(const RowCache *cache, uint64_t file_rows, uint64_t file_bytes)
{
    uint64_t row_bytes = sizeof(CachedRow) + COMPRESSION * file_bytes / (file_rows + 1);
    uint64_t bytes = cache->bytes_max / 32;
    if (bytes > CACHED_BLOCK_BYTES)
        bytes = CACHED_BLOCK_BYTES;
    uint32_t rows = 1;
    while (rows < CACHED_BLOCK_ROWS_MAX && rows * 2 * row_bytes <= bytes)
        rows *= 2;
    return rows;
}

/* ---- reading ---- */

static CacheEntry *set_of(RowCache *cache, const RowCacheKey *key)
{
    uint64_t hash = hash_64(slice_of(key, sizeof *key));
    return &cache->entries[hash % CACHE_SETS * CACHE_WAYS];
}

static CacheEntry *find(RowCache *cache, const RowCacheKey *key)
{
    CacheEntry *set = set_of(cache, key);
    for (size_t i = 0; i < CACHE_WAYS; i++) {
        if (set[i].block != NULL && memcmp(&set[i].key, key, sizeof *key) == 0)
            return &set[i];
    }
    return NULL;
}

static bool copy_out(const CachedBlock *block, uint32_t position, Arena *arena, FetchedRow *out)
{
    uint32_t number = position - block->first;
    ASSERT(number < block->count);
    const CachedRow *row = &block->rows[number];
    uint32_t begin = number == 0 ? 0 : block->rows[number - 1].end;
    Slice bytes;
    Error unused;
    if (arena_clone(arena, slice_of(block->bytes + begin, row->end - begin), &bytes, &unused) != OK)
        return false;
    *out = (FetchedRow){position, row->seq, row->updated_us, bytes};
    return true;
}

bool row_cache_get(RowCache *cache, const RowCacheKey *key, uint32_t position, Arena *arena,
                   FetchedRow *out)
{
    bool found = false;
    mutex_lock(&cache->mutex);
    CacheEntry *entry = cache->entries == NULL ? NULL : find(cache, key);
    if (entry != NULL) {
        entry->is_used = true;
        found = copy_out(entry->block, position, arena, out);
    }
    cache->hits += found;
    cache->misses += !found;
    mutex_unlock(&cache->mutex);
    return found;
}

/* ---- keeping ---- */

static CachedBlock *pack(const FetchedRow *rows, size_t count)
{
    size_t head = sizeof(CachedBlock) + count * sizeof(CachedRow);
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += rows[i].row.size;
    if (head + bytes > CACHED_BLOCK_BYTES_MAX)
        return NULL;
    CachedBlock *block = memory_allocate(head + bytes);
    if (block == NULL)
        return NULL;
    uint8_t *to = (uint8_t *)block + head;
    *block = (CachedBlock){rows[0].position, (uint32_t)count, head + bytes, to};
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        ASSERT(rows[i].position == block->first + i);
        if (rows[i].row.size > 0)
            memcpy(to + end, rows[i].row.data, rows[i].row.size);
        end += rows[i].row.size;
        block->rows[i] = (CachedRow){rows[i].seq, rows[i].updated_us, (uint32_t)end};
    }
    return block;
}

/* Two rounds of the hand: the first may find all of them used. */
static void make_room(RowCache *cache, size_t size)
{
    for (size_t n = 0; cache->bytes + size > cache->bytes_max && n < 2 * CACHE_ENTRIES; n++) {
        CacheEntry *entry = &cache->entries[cache->hand];
        cache->hand = (cache->hand + 1) % CACHE_ENTRIES;
        if (entry->is_used)
            entry->is_used = false;
        else
            drop(cache, entry);
    }
}

/* A free place of the set, else one that was not used of late, else any. */
static CacheEntry *place_in(CacheEntry *set, size_t any)
{
    CacheEntry *unused = NULL;
    for (size_t i = 0; i < CACHE_WAYS; i++) {
        if (set[i].block == NULL)
            return &set[i];
        if (!set[i].is_used)
            unused = &set[i];
    }
    return unused != NULL ? unused : &set[any % CACHE_WAYS];
}

static bool has_entries(RowCache *cache)
{
    if (cache->entries == NULL)
        cache->entries = memory_allocate_zeroed(CACHE_ENTRIES, sizeof(CacheEntry));
    return cache->entries != NULL;
}

void row_cache_put(RowCache *cache, const RowCacheKey *key, const FetchedRow *rows, size_t count)
{
    CachedBlock *block = pack(rows, count);
    if (block == NULL)
        return;
    mutex_lock(&cache->mutex);
    bool keeps =
        block->size <= cache->bytes_max / 4 && has_entries(cache) && find(cache, key) == NULL;
    if (keeps) {
        CacheEntry *entry = place_in(set_of(cache, key), cache->misses);
        drop(cache, entry);
        make_room(cache, block->size);
        *entry = (CacheEntry){.key = *key, .block = block, .is_used = true};
        cache->bytes += block->size;
    }
    mutex_unlock(&cache->mutex);
    if (!keeps)
        memory_free(block);
}

void row_cache_statistics(RowCache *cache, uint64_t *bytes, uint64_t *hits, uint64_t *misses)
{
    mutex_lock(&cache->mutex);
    *bytes = cache->bytes;
    *hits = cache->hits;
    *misses = cache->misses;
    mutex_unlock(&cache->mutex);
}
