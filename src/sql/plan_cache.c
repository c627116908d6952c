#include "sql/plan_cache.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/memory.h"

typedef struct Entry Entry;

struct Entry {
    uint64_t hash;
    Entry *next; /* of the bucket; of those to be freed, once it left the part */
    Entry *newer;
    Entry *older;
    Plan *plan; /* its sql is the key's text */
    size_t bytes;
    bool as_subscription;
    uint32_t type_count;
    uint32_t namespace_size;
    Type types[]; /* then the namespace's bytes */
};

typedef struct Part {
    Mutex lock;
    uint64_t version; /* of the catalog its plans were bound against */
    Entry **buckets;
    Entry *newest;
    Entry *oldest;
    size_t entries;
    size_t bytes;
    uint64_t hits;
    uint64_t misses;
    uint64_t evictions;
} Part;

struct PlanCache {
    size_t entries_max; /* of a part, and so for the following */
    size_t bytes_max;
    size_t bucket_mask;
    size_t part_count;
    Part parts[];
};

/* ---- life ---- */

static size_t bucket_count_for(size_t entries)
{
    size_t count = 16;
    while (count < entries)
        count *= 2;
    return count;
}

Status plan_cache_create(Env *env, size_t entries_max, size_t bytes_max, PlanCache **out,
                         Error *error)
{
    size_t parts = entries_max / PLAN_CACHE_ENTRIES_OF_PART_MIN;
    parts = parts < 1 ? 1 : parts > PLAN_CACHE_PARTS_MAX ? PLAN_CACHE_PARTS_MAX : parts;
    PlanCache *cache = memory_allocate_zeroed(1, sizeof *cache + parts * sizeof(Part));
    if (cache == NULL)
        return error_out_of_memory(error);
    cache->entries_max = entries_max / parts;
    cache->bytes_max = bytes_max / parts;
    size_t buckets = bucket_count_for(cache->entries_max);
    cache->bucket_mask = buckets - 1;
    for (size_t i = 0; i < parts; i++) {
        Part *part = &cache->parts[i];
        part->buckets = memory_allocate_zeroed(buckets, sizeof *part->buckets);
        if (part->buckets == NULL) {
            plan_cache_destroy(cache);
            return error_out_of_memory(error);
        }
        mutex_open(&part->lock, env, "plan_cache");
        cache->part_count++;
    }
    *out = cache;
    return OK;
}

/* Plans are released outside of the lock: the last reference frees whole arenas. */
static void free_entries(Entry *entries)
{
    while (entries != NULL) {
        Entry *entry = entries;
        entries = entry->next;
        plan_release(entry->plan);
        memory_free(entry);
    }
}

void plan_cache_destroy(PlanCache *cache)
{
    if (cache == NULL)
        return;
    plan_cache_clear(cache);
    for (size_t i = 0; i < cache->part_count; i++) {
        mutex_close(&cache->parts[i].lock);
        memory_free(cache->parts[i].buckets);
    }
    memory_free(cache);
}

/* ---- the list by use, the buckets; with the part's lock ---- */

static void unlink_use(Part *part, Entry *entry)
{
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        part->newest = entry->older;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        part->oldest = entry->newer;
}

static void link_use(Part *part, Entry *entry)
{
    entry->newer = NULL;
    entry->older = part->newest;
    if (part->newest != NULL)
        part->newest->newer = entry;
    else
        part->oldest = entry;
    part->newest = entry;
}

static void remove_entry(PlanCache *cache, Part *part, Entry *entry, Entry **removed)
{
    Entry **at = &part->buckets[entry->hash & cache->bucket_mask];
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    unlink_use(part, entry);
    part->entries--;
    part->bytes -= entry->bytes;
    entry->next = *removed;
    *removed = entry;
}

static void remove_all(PlanCache *cache, Part *part, Entry **removed)
{
    while (part->oldest != NULL)
        remove_entry(cache, part, part->oldest, removed);
}

/* ---- keys ---- */

static uint64_t hash_of(const BindRequest *request)
{
    uint64_t seed = hash_64(request->namespace_name) + request->as_subscription;
    for (uint32_t i = 0; i < request->parameter_count; i++) {
        const Type *type = &request->parameter_types[i];
        uint64_t mixed = (uint64_t)type->kind << 8 | type->element;
        mixed = mixed << 24 ^ (uint64_t)(uint32_t)type->a << 8 ^ (uint64_t)(uint32_t)type->b;
        seed = (seed ^ mixed) * 0x9e3779b97f4a7c15u;
    }
    return hash_64_seeded(request->sql, seed);
}

static Part *part_of(PlanCache *cache, uint64_t hash)
{
    return &cache->parts[(hash >> 48) % cache->part_count];
}

static Slice namespace_of(const Entry *entry)
{
    return slice_of(entry->types + entry->type_count, entry->namespace_size);
}

static bool is_key_of(const Entry *entry, uint64_t hash, const BindRequest *request)
{
    if (entry->hash != hash || entry->type_count != request->parameter_count ||
        entry->as_subscription != request->as_subscription ||
        !slice_equal(entry->plan->sql, request->sql) ||
        !slice_equal(namespace_of(entry), request->namespace_name))
        return false;
    for (uint32_t i = 0; i < entry->type_count; i++) {
        if (!type_equal(entry->types[i], request->parameter_types[i]))
            return false;
    }
    return true;
}

static Entry *find_entry(PlanCache *cache, Part *part, uint64_t hash, const BindRequest *request)
{
    Entry *entry = part->buckets[hash & cache->bucket_mask];
    while (entry != NULL && !is_key_of(entry, hash, request))
        entry = entry->next;
    return entry;
}

/* False where the request's catalog is older than the part's plans. */
static bool meet_version(PlanCache *cache, Part *part, uint64_t version, Entry **removed)
{
    if (version > part->version) {
        remove_all(cache, part, removed);
        part->version = version;
    }
    return version == part->version;
}

/* ---- find and put ---- */

Plan *plan_cache_find(PlanCache *cache, const BindRequest *request)
{
    uint64_t hash = hash_of(request);
    uint64_t version = catalog_snapshot_version(request->snapshot);
    Part *part = part_of(cache, hash);
    Entry *removed = NULL;
    Plan *found = NULL;
    mutex_lock(&part->lock);
    Entry *entry = meet_version(cache, part, version, &removed)
                       ? find_entry(cache, part, hash, request)
                       : NULL;
    if (entry != NULL) {
        part->hits++;
        found = plan_clone(entry->plan);
        if (part->newest != entry) {
            unlink_use(part, entry);
            link_use(part, entry);
        }
    } else {
        part->misses++;
    }
    mutex_unlock(&part->lock);
    free_entries(removed);
    return found;
}

static Entry *entry_create(const BindRequest *request, uint64_t hash, Plan *plan)
{
    size_t types = request->parameter_count * sizeof(Type);
    size_t size = sizeof(Entry) + types + request->namespace_name.size;
    Entry *entry = memory_allocate(size);
    if (entry == NULL)
        return NULL;
    *entry = (Entry){.hash = hash,
                     .plan = plan,
                     .bytes = size + sizeof(Plan) + plan->arena.used,
                     .as_subscription = request->as_subscription,
                     .type_count = request->parameter_count,
                     .namespace_size = (uint32_t)request->namespace_name.size};
    if (types > 0)
        memcpy(entry->types, request->parameter_types, types);
    if (entry->namespace_size > 0)
        memcpy(entry->types + entry->type_count, request->namespace_name.data,
               entry->namespace_size);
    return entry;
}

static void insert_entry(PlanCache *cache, Part *part, Entry *entry, Entry **removed)
{
    while (part->oldest != NULL &&
           (part->entries >= cache->entries_max || part->bytes + entry->bytes > cache->bytes_max)) {
        remove_entry(cache, part, part->oldest, removed);
        part->evictions++;
    }
    Entry **bucket = &part->buckets[entry->hash & cache->bucket_mask];
    entry->next = *bucket;
    *bucket = entry;
    (void)plan_clone(entry->plan);
    link_use(part, entry);
    part->entries++;
    part->bytes += entry->bytes;
}

void plan_cache_put(PlanCache *cache, const BindRequest *request, Plan *plan)
{
    if (!plan_is_cacheable(plan) || request->sql.size > PLAN_CACHE_TEXT_BYTES_MAX ||
        request->keep_constants)
        return;
    ASSERT(slice_equal(plan->sql, request->sql));
    uint64_t hash = hash_of(request);
    uint64_t version = catalog_snapshot_version(plan->snapshot);
    Part *part = part_of(cache, hash);
    Entry *removed = NULL;
    Entry *entry = entry_create(request, hash, plan);
    if (entry == NULL)
        return;
    mutex_lock(&part->lock);
    bool kept = entry->bytes <= cache->bytes_max && cache->entries_max > 0 &&
                meet_version(cache, part, version, &removed) &&
                find_entry(cache, part, hash, request) == NULL;
    if (kept)
        insert_entry(cache, part, entry, &removed);
    mutex_unlock(&part->lock);
    if (!kept)
        memory_free(entry);
    free_entries(removed);
}

void plan_cache_clear(PlanCache *cache)
{
    for (size_t i = 0; i < cache->part_count; i++) {
        Entry *removed = NULL;
        mutex_lock(&cache->parts[i].lock);
        remove_all(cache, &cache->parts[i], &removed);
        mutex_unlock(&cache->parts[i].lock);
        free_entries(removed);
    }
}

void plan_cache_statistics(PlanCache *cache, PlanCacheStatistics *out)
{
    *out = (PlanCacheStatistics){0};
    for (size_t i = 0; i < cache->part_count; i++) {
        Part *part = &cache->parts[i];
        mutex_lock(&part->lock);
        out->hits += part->hits;
        out->misses += part->misses;
        out->evictions += part->evictions;
        out->entries += part->entries;
        out->bytes += part->bytes;
        mutex_unlock(&part->lock);
    }
}
