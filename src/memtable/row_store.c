/* The regions and the blocks cut from them.
 *
 * A region is an array of units of 64 KiB with one bit for each that is taken. A block is a run of
 * units, a power of two of them at a multiple of its own size, so that blocks of one size leave no
 * gaps for each other; runs that are no power of two (one large record) start anywhere.
 *
 * Pages of shared memory that were touched stay with us until their region is closed (the seals
 * forbid punching holes), so bytes_max bounds what is mapped, not what is taken. Making a region
 * and closing one take tens of microseconds to milliseconds and happen outside the lock. */
#include "memtable/row_store.h"

#include "base/assert.h"
#include "base/memory.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif

enum {
    UNIT_BYTES = ROW_BLOCK_BYTES_MIN,
    REGION_UNITS_MAX = ROW_REGION_BYTES / UNIT_BYTES,
    REGION_WORDS = REGION_UNITS_MAX / 64,
    PAGE_BYTES = 4096,
    REGIONS_FIRST = 16,
};

_Static_assert(REGION_UNITS_MAX % 64 == 0, "the map of units is whole words");
_Static_assert(ROW_BLOCK_BYTES_MAX % UNIT_BYTES == 0, "blocks are whole units");

typedef struct Region {
    uint64_t id;
    SharedMemory memory;
    uint32_t units; /* 0: all of it is one large block */
    uint32_t units_free;
    uint64_t taken[REGION_WORDS]; /* a bit for each unit; those beyond `units` are set */
} Region;

struct RowStore {
    Env *env;
    uint64_t bytes_max;
    Mutex lock;
    Region **regions; /* in the order of their ids */
    size_t count;
    size_t capacity;
    uint64_t next_id;
    _Atomic uint64_t bytes_taken;
    _Atomic uint64_t bytes_mapped; /* also those about to be mapped */
};

/* Blocks that are not taken must not be touched: a debug build watches over it. */
static void forbid(const void *data, size_t size)
{
#ifdef ASAN_POISON_MEMORY_REGION
    ASAN_POISON_MEMORY_REGION(data, size);
#else
    (void)data;
    (void)size;
#endif
}

static void allow(const void *data, size_t size)
{
#ifdef ASAN_UNPOISON_MEMORY_REGION
    ASAN_UNPOISON_MEMORY_REGION(data, size);
#else
    (void)data;
    (void)size;
#endif
}

/* ---- units of one region ---- */

static bool unit_is_taken(const Region *region, uint32_t unit)
{
    return (region->taken[unit / 64] >> (unit % 64)) & 1;
}

static void mark_units(Region *region, uint32_t from, uint32_t count, bool taken)
{
    for (uint32_t unit = from; unit < from + count; unit++) {
        ASSERT(unit < region->units && unit_is_taken(region, unit) != taken);
        region->taken[unit / 64] ^= (uint64_t)1 << (unit % 64);
    }
    region->units_free += taken ? -count : count;
}

/* The first taken unit in [from, to), or `to`. */
static uint32_t first_taken(const Region *region, uint32_t from, uint32_t to)
{
    while (from < to) {
        uint64_t rest = region->taken[from / 64] >> (from % 64);
        if (rest != 0) {
            uint32_t found = from + (uint32_t)__builtin_ctzll(rest);
            return found < to ? found : to;
        }
        from = (from / 64 + 1) * 64;
    }
    return to;
}

static bool find_run(const Region *region, uint32_t count, uint32_t *out)
{
    if (region->units_free < count)
        return false;
    uint32_t step = (count & (count - 1)) == 0 ? count : 1;
    uint32_t from = 0;
    while (from + count <= region->units) {
        uint32_t taken = first_taken(region, from, from + count);
        if (taken == from + count) {
            *out = from;
            return true;
        }
        from = (taken / step + 1) * step;
    }
    return false;
}

static void describe_block(const Region *region, size_t offset, size_t size, RowBlock *out)
{
    *out = (RowBlock){
        .region_id = region->id,
        .descriptor = region->memory.descriptor,
        .region_offset = offset,
        .region_size = region->memory.size,
        .data = region->memory.data + offset,
        .size = size,
    };
}

/* With the lock held. */
static void take_run(RowStore *store, Region *region, uint32_t from, uint32_t count, RowBlock *out)
{
    mark_units(region, from, count, true);
    describe_block(region, (size_t)from * UNIT_BYTES, (size_t)count * UNIT_BYTES, out);
    atomic_fetch_add(&store->bytes_taken, out->size);
    allow(out->data, out->size);
}

/* ---- regions ---- */

static bool region_is_empty(const Region *region)
{
    return region->units > 0 && region->units_free == region->units;
}

/* With the lock held; the caller closes it after that. */
static Region *remove_region(RowStore *store, size_t index)
{
    Region *region = store->regions[index];
    store->count--;
    memmove(store->regions + index, store->regions + index + 1,
            (store->count - index) * sizeof(Region *));
    return region;
}

static void close_region(RowStore *store, Region *region)
{
    atomic_fetch_sub(&store->bytes_mapped, region->memory.size);
    allow(region->memory.data, region->memory.size);
    shared_memory_close(store->env, &region->memory);
    memory_free(region);
}

/* With the lock held: an empty region to close so that another may be opened, or NULL. */
static Region *remove_empty_region(RowStore *store)
{
    for (size_t i = 0; i < store->count; i++) {
        if (region_is_empty(store->regions[i]))
            return remove_region(store, i);
    }
    return NULL;
}

static Status error_full(const RowStore *store, Error *error)
{
    Status status = error_out_of_memory(error);
    error_set_detail(error, "The rows in memory have reached their limit of %llu bytes.",
                     (unsigned long long)store->bytes_max);
    return status;
}

/* Books room for a region: `wanted` bytes, or less where less is left, but at least `least`. An
 * empty region that is kept goes first. */
static Status book_bytes(RowStore *store, size_t wanted, size_t least, size_t *out, Error *error)
{
    for (;;) {
        mutex_lock(&store->lock);
        uint64_t mapped = atomic_load(&store->bytes_mapped);
        uint64_t left = mapped < store->bytes_max ? store->bytes_max - mapped : 0;
        size_t size = wanted <= left ? wanted : (size_t)left / UNIT_BYTES * UNIT_BYTES;
        bool fits = size >= least;
        Region *empty = fits ? NULL : remove_empty_region(store);
        if (fits)
            atomic_fetch_add(&store->bytes_mapped, size);
        mutex_unlock(&store->lock);
        if (fits) {
            *out = size;
            return OK;
        }
        if (empty == NULL)
            return error_full(store, error);
        close_region(store, empty);
    }
}

/* A region that is not in the store yet. Its bytes are booked. */
static Status open_region(RowStore *store, size_t size, bool is_one_block, Region **out,
                          Error *error)
{
    Region *region = MEMORY_NEW(Region);
    if (region == NULL)
        return error_out_of_memory(error);
    Status status = shared_memory_open(store->env, "firn-rows", size, &region->memory, error);
    if (status != OK) {
        memory_free(region);
        return status;
    }
    ASSERT(region->memory.size == size && (uintptr_t)region->memory.data % 8 == 0);
    region->units = is_one_block ? 0 : (uint32_t)(size / UNIT_BYTES);
    region->units_free = region->units;
    for (uint32_t unit = region->units; unit < REGION_UNITS_MAX; unit++)
        region->taken[unit / 64] |= (uint64_t)1 << (unit % 64);
    forbid(region->memory.data, size);
    *out = region;
    return OK;
}

/* With the lock held. */
static Status add_region(RowStore *store, Region *region, Error *error)
{
    if (store->count == store->capacity) {
        size_t capacity = store->capacity == 0 ? REGIONS_FIRST : store->capacity * 2;
        Region **more = memory_resize(store->regions, capacity * sizeof(Region *));
        if (more == NULL)
            return error_out_of_memory(error);
        store->regions = more;
        store->capacity = capacity;
    }
    region->id = store->next_id++;
    store->regions[store->count++] = region;
    return OK;
}

/* Makes a region and takes its first units, or all of it, under the lock that makes it known. */
static Status take_from_new_region(RowStore *store, size_t wanted, size_t least, uint32_t units,
                                   RowBlock *out, Error *error)
{
    size_t size = 0;
    Region *region = NULL;
    TRY(book_bytes(store, wanted, least, &size, error));
    Status status = open_region(store, size, units == 0, &region, error);
    if (status != OK) {
        atomic_fetch_sub(&store->bytes_mapped, size);
        return status;
    }
    mutex_lock(&store->lock);
    status = add_region(store, region, error);
    if (status == OK && units > 0)
        take_run(store, region, 0, units, out);
    mutex_unlock(&store->lock);
    if (status != OK) {
        close_region(store, region);
        return status;
    }
    if (units == 0) {
        describe_block(region, 0, size, out);
        atomic_fetch_add(&store->bytes_taken, size);
        allow(out->data, size);
    }
    return OK;
}

/* ---- what others call ---- */

Status row_store_open(Env *env, uint64_t bytes_max, RowStore **out, Error *error)
{
    RowStore *store = MEMORY_NEW(RowStore);
    if (store == NULL)
        return error_out_of_memory(error);
    store->env = env;
    store->bytes_max = bytes_max;
    store->next_id = 1;
    mutex_open(&store->lock, env, "row_store");
    *out = store;
    return OK;
}

void row_store_close(RowStore *store)
{
    ASSERT(atomic_load(&store->bytes_taken) == 0);
    while (store->count > 0)
        close_region(store, remove_region(store, store->count - 1));
    ASSERT(atomic_load(&store->bytes_mapped) == 0);
    memory_free(store->regions);
    mutex_close(&store->lock);
    memory_free(store);
}

static bool take_from_known_regions(RowStore *store, uint32_t units, RowBlock *out)
{
    bool found = false;
    mutex_lock(&store->lock);
    for (size_t i = 0; i < store->count && !found; i++) {
        uint32_t from;
        found = find_run(store->regions[i], units, &from);
        if (found)
            take_run(store, store->regions[i], from, units, out);
    }
    mutex_unlock(&store->lock);
    return found;
}

Status row_store_take(RowStore *store, size_t size, RowBlock *out, Error *error)
{
    ASSERT(size > 0);
    if (size > store->bytes_max)
        return error_full(store, error);
    if (size > ROW_BLOCK_BYTES_MAX) {
        size_t whole = (size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        return take_from_new_region(store, whole, whole, 0, out, error);
    }
    uint32_t units = (uint32_t)((size + UNIT_BYTES - 1) / UNIT_BYTES);
    if (take_from_known_regions(store, units, out))
        return OK;
    return take_from_new_region(store, ROW_REGION_BYTES, (size_t)units * UNIT_BYTES, units, out,
                                error);
}

static size_t find_region(const RowStore *store, uint64_t id)
{
    size_t low = 0;
    size_t high = store->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (store->regions[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    ASSERT(low < store->count && store->regions[low]->id == id);
    return low;
}

/* With the lock held: the region, where it is to be closed now, because it is one large block's or
 * because another empty one is kept already. */
static Region *give_back_to(RowStore *store, const RowBlock *block)
{
    size_t index = find_region(store, block->region_id);
    Region *region = store->regions[index];
    ASSERT(block->data == region->memory.data + block->region_offset);
    if (region->units == 0) {
        ASSERT(block->size == region->memory.size);
        return remove_region(store, index);
    }
    mark_units(region, (uint32_t)(block->region_offset / UNIT_BYTES),
               (uint32_t)(block->size / UNIT_BYTES), false);
    forbid(block->data, block->size);
    if (!region_is_empty(region))
        return NULL;
    for (size_t i = 0; i < store->count; i++) {
        if (i != index && region_is_empty(store->regions[i]))
            return remove_region(store, index);
    }
    return NULL;
}

void row_store_give_back(RowStore *store, const RowBlock *block)
{
    mutex_lock(&store->lock);
    ASSERT(atomic_load(&store->bytes_taken) >= block->size);
    atomic_fetch_sub(&store->bytes_taken, block->size);
    Region *done = give_back_to(store, block);
    mutex_unlock(&store->lock);
    if (done != NULL)
        close_region(store, done);
}

uint64_t row_store_bytes_taken(const RowStore *store)
{
    return atomic_load_explicit(&store->bytes_taken, memory_order_relaxed);
}

uint64_t row_store_bytes_mapped(const RowStore *store)
{
    return atomic_load_explicit(&store->bytes_mapped, memory_order_relaxed);
}
