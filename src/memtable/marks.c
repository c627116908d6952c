/* The list of marks and the map from (file, position) to their place in it.
 *
 * list   segments of 64, 128, 256, … marks that never move, so that marks_copy reads without the
 *        lock what `count` has published
 * map    open addressing; a slot holds half a hash and a mark's number plus one, 0 where it is
 * free, at most three quarters of them used
 *
 * A map that is outgrown stays beside its successor until its slots are moved over. Each
 * marks_reserve moves a few more of them than it makes room for, and never many with the lock held:
 * neither the one who reserves nor anybody else waits for a whole pass, and the pass is over before
 * the successor is full. */
#include "memtable/marks.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/memory.h"

enum {
    SEGMENT_FIRST = 64,
    SEGMENTS_MAX = 26,
    MAP_SLOTS_FIRST = 64,
    SLOTS_MOVED_AT_ONCE = 1024,
    SLOTS_MOVED_LEAST = 64,
};

/* What the segments hold in all; far beyond it the list would take 100 GiB. */
static const size_t MARKS_MAX = ((size_t)SEGMENT_FIRST << SEGMENTS_MAX) - SEGMENT_FIRST;

typedef struct Map {
    uint64_t *slots; /* NULL: none */
    size_t size;     /* a power of two */
} Map;

struct Marks {
    Mutex lock;
    _Atomic size_t count; /* marks in the list; grows under the lock */
    Mark *segments[SEGMENTS_MAX];
    size_t capacity; /* of the segments there are */
    Map map;
    Map old;      /* being moved into `map` */
    size_t moved; /* slots of `old` done */
    _Atomic uint64_t bytes;
};

/* ---- the list ---- */

static uint32_t segment_of(size_t index)
{
    return (uint32_t)(63 - __builtin_clzll(index / SEGMENT_FIRST + 1));
}

static size_t segment_start(uint32_t segment)
{
    return (((size_t)1 << segment) - 1) * SEGMENT_FIRST;
}

static size_t segment_size(uint32_t segment)
{
    return (size_t)SEGMENT_FIRST << segment;
}

static Mark *mark_at(const Marks *marks, size_t index)
{
    uint32_t segment = segment_of(index);
    return marks->segments[segment] + (index - segment_start(segment));
}

/* ---- the map ---- */

static uint32_t mark_hash(uint64_t file_id, uint32_t position)
{
    uint8_t bytes[sizeof file_id + sizeof position];
    memcpy(bytes, &file_id, sizeof file_id);
    memcpy(bytes + sizeof file_id, &position, sizeof position);
    return (uint32_t)hash_64(slice_of(bytes, sizeof bytes));
}

static size_t map_size_for(size_t count)
{
    size_t size = MAP_SLOTS_FIRST;
    while (size / 4 * 3 < count)
        size *= 2;
    return size;
}

static void map_put(Map *map, uint32_t hash, uint64_t slot)
{
    size_t at = hash & (map->size - 1);
    while (map->slots[at] != 0)
        at = (at + 1) & (map->size - 1);
    map->slots[at] = slot;
}

static const Mark *map_find(const Marks *marks, const Map *map, uint32_t hash, uint64_t file_id,
                            uint32_t position)
{
    if (map->slots == NULL)
        return NULL;
    for (size_t at = hash & (map->size - 1); map->slots[at] != 0; at = (at + 1) & (map->size - 1)) {
        if ((uint32_t)(map->slots[at] >> 32) != hash)
            continue;
        const Mark *mark = mark_at(marks, (uint32_t)map->slots[at] - 1);
        if (mark->file_id == file_id && mark->position == position)
            return mark;
    }
    return NULL;
}

/* With the lock held. */
static const Mark *find(const Marks *marks, uint32_t hash, uint64_t file_id, uint32_t position)
{
    const Mark *mark = map_find(marks, &marks->map, hash, file_id, position);
    return mark != NULL ? mark : map_find(marks, &marks->old, hash, file_id, position);
}

/* With the lock held. Returns the map that is done with, for the caller to free. */
static uint64_t *move_slots(Marks *marks, size_t count)
{
    if (marks->old.slots == NULL)
        return NULL;
    size_t left = marks->old.size - marks->moved;
    size_t end = marks->moved + (count < left ? count : left);
    for (; marks->moved < end; marks->moved++) {
        uint64_t slot = marks->old.slots[marks->moved];
        if (slot != 0)
            map_put(&marks->map, (uint32_t)(slot >> 32), slot);
    }
    if (end < marks->old.size)
        return NULL;
    uint64_t *done = marks->old.slots;
    atomic_fetch_sub(&marks->bytes, marks->old.size * sizeof(uint64_t));
    marks->old = (Map){0};
    return done;
}

/* What falls due when room is made for `count` adds. The successor has twice the slots, three
 * quarters of which may be used, so moving two for each add is done in time. */
static void move_due_slots(Marks *marks, size_t count)
{
    size_t due = SLOTS_MOVED_LEAST + 2 * count;
    while (due > 0) {
        size_t part = due < SLOTS_MOVED_AT_ONCE ? due : SLOTS_MOVED_AT_ONCE;
        mutex_lock(&marks->lock);
        bool is_done = marks->old.slots == NULL;
        uint64_t *done = move_slots(marks, part);
        mutex_unlock(&marks->lock);
        memory_free(done);
        due = is_done ? 0 : due - part;
    }
}

/* ---- growing ---- */

/* What one marks_reserve allocates before it takes the lock to install it. */
typedef struct Growth {
    uint32_t first; /* segments [first, end) */
    uint32_t end;
    Mark *segments[SEGMENTS_MAX];
    Map map;
} Growth;

static void growth_free(Growth *growth)
{
    for (uint32_t i = growth->first; i < growth->end; i++)
        memory_free(growth->segments[i]);
    memory_free(growth->map.slots);
}

static Status growth_allocate(Growth *growth, Error *error)
{
    bool is_whole = true;
    for (uint32_t i = growth->first; i < growth->end; i++) {
        growth->segments[i] = memory_allocate(segment_size(i) * sizeof(Mark));
        is_whole = is_whole && growth->segments[i] != NULL;
    }
    if (growth->map.size > 0) {
        growth->map.slots = memory_allocate_zeroed(growth->map.size, sizeof(uint64_t));
        is_whole = is_whole && growth->map.slots != NULL;
    }
    if (is_whole)
        return OK;
    growth_free(growth);
    return error_out_of_memory(error);
}

/* With the lock held: what is missing for `needed` marks. False where nothing is. */
static bool growth_plan(const Marks *marks, size_t needed, Growth *out)
{
    uint32_t segments = marks->capacity == 0 ? 0 : segment_of(marks->capacity - 1) + 1;
    *out = (Growth){.first = segments, .end = segments};
    while (segment_start(out->end) < needed)
        out->end++;
    if (map_size_for(needed) > marks->map.size)
        out->map.size = map_size_for(needed);
    return out->end > out->first || out->map.size > 0;
}

/* With the lock held. False where another thread was faster. */
static bool growth_install(Marks *marks, Growth *growth)
{
    bool fits = segment_start(growth->first) == marks->capacity && marks->old.slots == NULL &&
                (growth->map.size == 0 || growth->map.size > marks->map.size);
    if (!fits)
        return false;
    for (uint32_t i = growth->first; i < growth->end; i++) {
        marks->segments[i] = growth->segments[i];
        atomic_fetch_add(&marks->bytes, segment_size(i) * sizeof(Mark));
    }
    marks->capacity = segment_start(growth->end);
    if (growth->map.size > 0) {
        marks->old = marks->map;
        marks->moved = 0;
        marks->map = growth->map;
        atomic_fetch_add(&marks->bytes, growth->map.size * sizeof(uint64_t));
    }
    return true;
}

static Status grow(Marks *marks, Growth *growth, Error *error)
{
    TRY(growth_allocate(growth, error));
    mutex_lock(&marks->lock);
    bool is_used = growth_install(marks, growth);
    mutex_unlock(&marks->lock);
    if (!is_used)
        growth_free(growth);
    return OK;
}

/* ---- what others call ---- */

Status marks_create(Env *env, Marks **out, Error *error)
{
    Marks *marks = MEMORY_NEW(Marks);
    if (marks == NULL)
        return error_out_of_memory(error);
    mutex_open(&marks->lock, env, "marks");
    atomic_store(&marks->bytes, sizeof *marks);
    *out = marks;
    return OK;
}

void marks_destroy(Marks *marks)
{
    for (uint32_t i = 0; i < SEGMENTS_MAX; i++)
        memory_free(marks->segments[i]);
    memory_free(marks->map.slots);
    memory_free(marks->old.slots);
    mutex_close(&marks->lock);
    memory_free(marks);
}

enum Step {
    STEP_DONE,
    STEP_MOVED, /* room is missing, and some slots were moved that stand in its way */
    STEP_GROW,  /* room is missing: the growth says what to allocate */
    STEP_FULL,
};

/* One step towards room for `count` more, so short that the lock may be held for it. */
static enum Step step_to_room(Marks *marks, size_t count, Growth *growth, uint64_t **done)
{
    size_t used = atomic_load(&marks->count);
    if (count > MARKS_MAX - used)
        return STEP_FULL;
    if (!growth_plan(marks, used + count, growth))
        return STEP_DONE;
    if (marks->old.slots == NULL)
        return STEP_GROW;
    *done = move_slots(marks, SLOTS_MOVED_AT_ONCE);
    return STEP_MOVED;
}

Status marks_reserve(Marks *marks, size_t count, Error *error)
{
    if (count > MARKS_MAX)
        return error_out_of_memory(error);
    move_due_slots(marks, count);
    for (;;) {
        Growth growth;
        uint64_t *done = NULL;
        mutex_lock(&marks->lock);
        enum Step step = step_to_room(marks, count, &growth, &done);
        mutex_unlock(&marks->lock);
        if (step == STEP_DONE)
            return OK;
        if (step == STEP_FULL)
            return error_out_of_memory(error);
        if (step == STEP_GROW)
            TRY(grow(marks, &growth, error));
        memory_free(done);
    }
}

/* With the lock held. */
static void append(Marks *marks, const Mark *mark, uint32_t hash)
{
    size_t index = atomic_load(&marks->count);
    ASSERT(index < marks->capacity && index < marks->map.size / 4 * 3);
    *mark_at(marks, index) = *mark;
    map_put(&marks->map, hash, (uint64_t)hash << 32 | (uint32_t)(index + 1));
    atomic_store_explicit(&marks->count, index + 1, memory_order_release);
}

void marks_add(Marks *marks, const Mark *mark)
{
    uint32_t hash = mark_hash(mark->file_id, mark->position);
    mutex_lock(&marks->lock);
    if (find(marks, hash, mark->file_id, mark->position) == NULL)
        append(marks, mark, hash);
    mutex_unlock(&marks->lock);
}

bool marks_covers(Marks *marks, uint64_t file_id, uint32_t position, uint64_t seq)
{
    uint32_t hash = mark_hash(file_id, position);
    mutex_lock(&marks->lock);
    const Mark *mark = find(marks, hash, file_id, position);
    bool covers = mark != NULL && mark->seq <= seq;
    mutex_unlock(&marks->lock);
    return covers;
}

size_t marks_count(Marks *marks)
{
    return atomic_load_explicit(&marks->count, memory_order_acquire);
}

void marks_copy(Marks *marks, size_t from, size_t count, Mark *out)
{
    size_t end = from + count;
    ASSERT(end >= from && end <= marks_count(marks));
    while (from < end) {
        uint32_t segment = segment_of(from);
        size_t part = segment_start(segment + 1) - from;
        if (part > end - from)
            part = end - from;
        memcpy(out, mark_at(marks, from), part * sizeof(Mark));
        out += part;
        from += part;
    }
}

uint64_t marks_bytes(Marks *marks)
{
    return atomic_load_explicit(&marks->bytes, memory_order_relaxed);
}
