/* Descriptors of many files, of which at most `files_max` are open at once.
 *
 * Happy path: look the path up under the lock, pin its entry, read outside the lock, unpin.
 * A miss takes a place first (closing the least recently used entry that nobody reads), then opens
 * outside the lock. Two that miss the same path at once both open it; the later one's is closed.
 *
 * At the limit, with every entry being read, a miss waits: reads are short, so one ends soon.
 * A file forgotten while it is read, or while it is being opened, is used for that read and closed
 * after it; it is never found again. */
#include "base/assert.h"
#include "base/hash.h"
#include "cold/key_index.h"

enum { FILE_CACHE_FILES_LIMIT = 1 << 20 };

typedef struct CachedFile CachedFile;

struct CachedFile {
    CachedFile *next_in_bucket;
    CachedFile *newer; /* towards the one used last */
    CachedFile *older;
    File *file;
    uint64_t hash;  /* of the path */
    uint32_t pins;  /* reads under way */
    bool forgotten; /* in no bucket and no list: the last reader closes it */
    char path[];
};

struct FileCache {
    Env *env;
    Mutex mutex;
    Condition freed; /* a place came free, or an entry lost its last pin */
    uint32_t files_max;
    uint32_t places_used; /* descriptors open or about to be */
    uint64_t forgets;     /* calls of file_cache_forget: an open that overlaps one is not kept */
    uint32_t bucket_mask;
    CachedFile **buckets;
    CachedFile *newest;
    CachedFile *oldest;
};

static uint32_t bucket_count_for(uint32_t files_max)
{
    uint32_t count = 16;
    while (count < files_max)
        count *= 2;
    return count;
}

Status file_cache_open(Env *env, uint32_t files_max, FileCache **out, Error *error)
{
    ASSERT(files_max > 0 && files_max <= FILE_CACHE_FILES_LIMIT);
    uint32_t bucket_count = bucket_count_for(files_max);
    FileCache *cache = MEMORY_NEW(FileCache);
    CachedFile **buckets = memory_allocate_zeroed(bucket_count, sizeof *buckets);
    if (cache == NULL || buckets == NULL) {
        memory_free(cache);
        memory_free(buckets);
        return error_out_of_memory(error);
    }
    cache->env = env;
    cache->files_max = files_max;
    cache->bucket_mask = bucket_count - 1;
    cache->buckets = buckets;
    mutex_open(&cache->mutex, env, "file_cache");
    condition_open(&cache->freed, env);
    *out = cache;
    return OK;
}

/* ---- buckets and the list, under the lock ---- */

static CachedFile **bucket_link(FileCache *cache, const CachedFile *entry)
{
    CachedFile **link = &cache->buckets[entry->hash & cache->bucket_mask];
    while (*link != entry)
        link = &(*link)->next_in_bucket;
    return link;
}

static CachedFile *find(const FileCache *cache, const char *path, uint64_t hash)
{
    CachedFile *entry = cache->buckets[hash & cache->bucket_mask];
    while (entry != NULL && (entry->hash != hash || strcmp(entry->path, path) != 0))
        entry = entry->next_in_bucket;
    return entry;
}

static void unlink_from_list(FileCache *cache, CachedFile *entry)
{
    *(entry->newer == NULL ? &cache->newest : &entry->newer->older) = entry->older;
    *(entry->older == NULL ? &cache->oldest : &entry->older->newer) = entry->newer;
}

static void put_newest(FileCache *cache, CachedFile *entry)
{
    entry->newer = NULL;
    entry->older = cache->newest;
    *(cache->newest == NULL ? &cache->oldest : &cache->newest->newer) = entry;
    cache->newest = entry;
}

static void insert(FileCache *cache, CachedFile *entry)
{
    CachedFile **bucket = &cache->buckets[entry->hash & cache->bucket_mask];
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    put_newest(cache, entry);
}

static void take_out(FileCache *cache, CachedFile *entry)
{
    *bucket_link(cache, entry) = entry->next_in_bucket;
    unlink_from_list(cache, entry);
}

static CachedFile *pin(FileCache *cache, CachedFile *entry)
{
    entry->pins++;
    unlink_from_list(cache, entry);
    put_newest(cache, entry);
    return entry;
}

static CachedFile *oldest_unpinned(const FileCache *cache)
{
    CachedFile *entry = cache->oldest;
    while (entry != NULL && entry->pins > 0)
        entry = entry->newer;
    return entry;
}

/* ---- without the lock ---- */

/* The file was only read: an error in closing it says nothing about its bytes. */
static void destroy_entry(CachedFile *entry)
{
    Error ignored;
    Status status = file_close(entry->file, &ignored);
    (void)status;
    memory_free(entry);
}

static void give_place_back(FileCache *cache)
{
    mutex_lock(&cache->mutex);
    ASSERT(cache->places_used > 0);
    cache->places_used--;
    condition_broadcast(&cache->freed);
    mutex_unlock(&cache->mutex);
}

void file_cache_close(FileCache *cache)
{
    if (cache == NULL)
        return;
    while (cache->oldest != NULL) {
        CachedFile *entry = cache->oldest;
        ASSERT(entry->pins == 0);
        take_out(cache, entry);
        destroy_entry(entry);
        cache->places_used--;
    }
    ASSERT(cache->places_used == 0);
    condition_close(&cache->freed);
    mutex_close(&cache->mutex);
    memory_free(cache->buckets);
    memory_free(cache);
}

static Status open_entry(FileCache *cache, const char *path, uint64_t hash, CachedFile **out,
                         Error *error)
{
    size_t path_size = strlen(path) + 1;
    CachedFile *entry = memory_allocate_zeroed(1, sizeof *entry + path_size);
    if (entry == NULL)
        return error_out_of_memory(error);
    memcpy(entry->path, path, path_size);
    entry->hash = hash;
    entry->pins = 1;
    Status status = file_open(cache->env, path, FILE_READ, &entry->file, error);
    if (status != OK) {
        memory_free(entry);
        return status;
    }
    *out = entry;
    return OK;
}

/* Under the lock, waiting where it must: the pinned entry of the path, or NULL and a place to open
 * it in, with what must be closed first in *evicted. */
static CachedFile *find_or_take_place(FileCache *cache, const char *path, uint64_t hash,
                                      CachedFile **evicted)
{
    *evicted = NULL;
    for (;;) {
        CachedFile *entry = find(cache, path, hash);
        if (entry != NULL)
            return pin(cache, entry);
        if (cache->places_used < cache->files_max) {
            cache->places_used++;
            return NULL;
        }
        CachedFile *oldest = oldest_unpinned(cache);
        if (oldest != NULL) {
            take_out(cache, oldest);
            *evicted = oldest; /* its place is ours now */
            return NULL;
        }
        condition_wait(&cache->freed, &cache->mutex);
    }
}

/* Makes the entry just opened known, unless another thread was first or its file was forgotten. */
static CachedFile *publish_entry(FileCache *cache, CachedFile *opened, uint64_t forgets_before)
{
    mutex_lock(&cache->mutex);
    CachedFile *other = find(cache, opened->path, opened->hash);
    if (other != NULL)
        other = pin(cache, other);
    else if (cache->forgets != forgets_before)
        opened->forgotten = true;
    else
        insert(cache, opened);
    mutex_unlock(&cache->mutex);
    if (other == NULL)
        return opened;
    destroy_entry(opened);
    give_place_back(cache);
    return other;
}

static Status acquire(FileCache *cache, const char *path, CachedFile **out, Error *error)
{
    uint64_t hash = hash_64(slice_of_text(path));
    CachedFile *evicted;
    mutex_lock(&cache->mutex);
    CachedFile *entry = find_or_take_place(cache, path, hash, &evicted);
    uint64_t forgets = cache->forgets;
    mutex_unlock(&cache->mutex);
    if (entry != NULL) {
        *out = entry;
        return OK;
    }
    if (evicted != NULL)
        destroy_entry(evicted);
    Status status = open_entry(cache, path, hash, &entry, error);
    if (status != OK) {
        give_place_back(cache);
        return status;
    }
    *out = publish_entry(cache, entry, forgets);
    return OK;
}

static void release(FileCache *cache, CachedFile *entry)
{
    mutex_lock(&cache->mutex);
    ASSERT(entry->pins > 0);
    entry->pins--;
    bool is_last_of_forgotten = entry->pins == 0 && entry->forgotten;
    if (entry->pins == 0)
        condition_broadcast(&cache->freed);
    mutex_unlock(&cache->mutex);
    if (!is_last_of_forgotten)
        return;
    destroy_entry(entry);
    give_place_back(cache);
}

Status file_cache_read(FileCache *cache, const char *path, uint64_t offset, void *out, size_t size,
                       size_t *got, Error *error)
{
    CachedFile *entry;
    TRY(acquire(cache, path, &entry, error));
    Status status = file_read_at(entry->file, offset, out, size, got, error);
    release(cache, entry);
    return status;
}

void file_cache_forget(FileCache *cache, const char *path)
{
    mutex_lock(&cache->mutex);
    cache->forgets++;
    CachedFile *entry = find(cache, path, hash_64(slice_of_text(path)));
    bool is_unused = entry != NULL && entry->pins == 0;
    if (entry != NULL) {
        take_out(cache, entry);
        entry->forgotten = true;
    }
    mutex_unlock(&cache->mutex);
    if (!is_unused)
        return;
    destroy_entry(entry);
    give_place_back(cache);
}
