#include "memtable/memtable.h"

#include "base/memory.h"
#include "memtable/blocks_int.h"
#include "memtable/index_int.h"

/* Written by the writer, read by anybody at any time: each number by itself is right, and after the
 * writer has stopped they agree. */
typedef struct Counters {
    _Atomic uint64_t row_bytes;
    _Atomic uint64_t filled_bytes; /* of row_bytes: what records take */
    _Atomic uint64_t index_bytes;
    _Atomic uint64_t versions;
    _Atomic uint64_t keys;
    _Atomic uint64_t first_seq;
    _Atomic uint64_t last_seq;
    _Atomic int64_t first_put_ns;
} Counters;

struct Memtable {
    Env *env;
    uint64_t id;
    Schema *schema;
    Marks *marks;
    _Atomic uint32_t references;
    RowIndex index;
    RowBlocks blocks;
    Counters counters;
};

static uint64_t count_of(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void set_count(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, value, memory_order_relaxed);
}

/* ---- life ---- */

Status memtable_create(Env *env, RowStore *store, uint64_t id, Schema *schema, Memtable **out,
                       Error *error)
{
    Memtable *memtable = MEMORY_NEW(Memtable);
    if (memtable == NULL)
        return error_out_of_memory(error);
    memtable->env = env;
    memtable->id = id;
    atomic_store(&memtable->references, 1);
    row_blocks_open(store, &memtable->blocks);
    Status status = row_index_open(env, &memtable->index, error);
    if (status == OK)
        status = marks_create(env, &memtable->marks, error);
    if (status != OK) {
        row_index_close(&memtable->index);
        memory_free(memtable);
        return status;
    }
    memtable->schema = schema_clone(schema);
    set_count(&memtable->counters.index_bytes, row_index_bytes(&memtable->index));
    *out = memtable;
    return OK;
}

Memtable *memtable_clone(Memtable *memtable)
{
    uint32_t before = atomic_fetch_add_explicit(&memtable->references, 1, memory_order_relaxed);
    ASSERT(before > 0 && before < UINT32_MAX);
    return memtable;
}

void memtable_release(Memtable *memtable)
{
    uint32_t before = atomic_fetch_sub_explicit(&memtable->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    row_index_close(&memtable->index);
    row_blocks_close(&memtable->blocks);
    marks_destroy(memtable->marks);
    schema_release(memtable->schema);
    memory_free(memtable);
}

uint64_t memtable_id(const Memtable *memtable)
{
    return memtable->id;
}

Schema *memtable_schema(const Memtable *memtable)
{
    return memtable->schema;
}

Marks *memtable_marks(Memtable *memtable)
{
    return memtable->marks;
}

/* ---- writing ---- */

Status memtable_reserve(Memtable *memtable, size_t count, size_t bytes, size_t bytes_largest,
                        Error *error)
{
    ASSERT(bytes_largest <= bytes && (count == 0) == (bytes == 0));
    if (count == 0)
        return OK;
    IndexGrowth index;
    BlocksGrowth blocks;
    TRY(row_index_prepare(&memtable->index, count, &index, error));
    Status status = row_blocks_prepare(&memtable->blocks, bytes, bytes_largest, &blocks, error);
    if (status != OK) {
        row_index_give_up(&index);
        return status;
    }
    row_index_add(&memtable->index, &index);
    row_blocks_add(&memtable->blocks, &blocks);
    set_count(&memtable->counters.row_bytes, memtable->blocks.bytes);
    return OK;
}

static void count_put(Memtable *memtable, uint64_t seq, size_t size, bool is_new_key)
{
    Counters *counters = &memtable->counters;
    if (count_of(&counters->versions) == 0) {
        set_count(&counters->first_seq, seq);
        atomic_store_explicit(&counters->first_put_ns, env_monotonic_ns(memtable->env),
                              memory_order_relaxed);
    }
    set_count(&counters->versions, count_of(&counters->versions) + 1);
    set_count(&counters->keys, count_of(&counters->keys) + is_new_key);
    set_count(&counters->last_seq, seq);
    set_count(&counters->filled_bytes, count_of(&counters->filled_bytes) + size);
    set_count(&counters->index_bytes, row_index_bytes(&memtable->index));
}

/* Says since when the older version is replaced. Before the new record is published: README.md. */
static void replace(RecordHeader *older, uint64_t seq)
{
    ASSERT(atomic_load_explicit(&older->replaced_by, memory_order_relaxed) == 0);
    atomic_store_explicit(&older->replaced_by, seq, memory_order_release);
}

RecordHeader *memtable_put(Memtable *memtable, const RecordHeader *header, Slice key, Slice row)
{
    ASSERT(header->seq > count_of(&memtable->counters.last_seq));
    ASSERT(key.size > 0 && key.size <= KEY_BYTES_MAX && row.size <= ROW_BYTES_MAX);
    ASSERT(header->kind == RECORD_PUT || header->kind == RECORD_DELETE);
    IndexPath path;
    RecordHeader *older = row_index_find(&memtable->index, key, &path);
    RecordHeader complete = {
        .seq = header->seq,
        .updated_us = header->updated_us,
        .older = older,
        .owner = header->owner,
        .row_size = (uint32_t)row.size,
        .key_size = (uint16_t)key.size,
        .kind = header->kind,
    };
    FilledBlock *in;
    size_t size = record_size(key.size, row.size);
    RecordHeader *record =
        record_write(row_blocks_place(&memtable->blocks, size, &in), &complete, key, row);
    if (older != NULL)
        replace(older, header->seq);
    row_blocks_publish(&memtable->blocks, in, header->seq, size);
    row_index_put(&memtable->index, &path, record);
    count_put(memtable, header->seq, size, older == NULL);
    return record;
}

/* ---- reading ---- */

static const RecordHeader *version_at(const RecordHeader *newest, uint64_t seq)
{
    while (newest != NULL && newest->seq > seq)
        newest = newest->older;
    return newest;
}

const RecordHeader *memtable_get(const Memtable *memtable, Slice key, uint64_t seq)
{
    return version_at(row_index_get(&memtable->index, key), seq);
}

void memtable_iterate(const Memtable *memtable, uint64_t seq, Slice from, Slice to, bool backward,
                      MemtableIterator *out)
{
    *out = (MemtableIterator){
        .memtable = memtable,
        .seq = seq,
        .backward = backward,
        .from = from,
        .to = to,
    };
}

#define SLOT_AT_END UINT32_MAX /* of an iterator that has given its last record */

static void go_to_start(const MemtableIterator *iterator, IndexPlace *out)
{
    const RowIndex *index = &iterator->memtable->index;
    if (iterator->backward && iterator->to.size > 0)
        row_index_last_before(index, iterator->to, out);
    else if (iterator->backward)
        row_index_last(index, out);
    else if (iterator->from.size > 0)
        row_index_first_from(index, iterator->from, out);
    else
        row_index_first(index, out);
}

static void go_on(const MemtableIterator *iterator, IndexPlace *place)
{
    const RowIndex *index = &iterator->memtable->index;
    if (iterator->backward)
        row_index_previous(index, place);
    else
        row_index_next(index, place);
}

static bool is_within(const MemtableIterator *iterator, const RecordHeader *record)
{
    Slice bound = iterator->backward ? iterator->from : iterator->to;
    if (bound.size == 0)
        return true;
    int order = slice_compare(record_key(record), bound);
    return iterator->backward ? order >= 0 : order < 0;
}

const RecordHeader *memtable_next(MemtableIterator *iterator)
{
    if (iterator->slot == SLOT_AT_END)
        return NULL;
    IndexPlace place = {iterator->node, iterator->slot, iterator->last};
    if (place.record == NULL)
        go_to_start(iterator, &place);
    else
        go_on(iterator, &place);
    const RecordHeader *given = NULL;
    while (place.record != NULL && is_within(iterator, place.record)) {
        given = version_at(place.record, iterator->seq);
        if (given != NULL)
            break;
        go_on(iterator, &place);
    }
    iterator->node = place.leaf;
    iterator->slot = given != NULL ? place.slot : SLOT_AT_END;
    iterator->last = given;
    return given;
}

/* ---- accounting ---- */

void memtable_usage(const Memtable *memtable, MemtableUsage *out)
{
    const Counters *counters = &memtable->counters;
    *out = (MemtableUsage){
        .row_bytes = count_of(&counters->row_bytes),
        .index_bytes = count_of(&counters->index_bytes),
        .mark_bytes = marks_bytes(memtable->marks),
        .versions = count_of(&counters->versions),
        .keys = count_of(&counters->keys),
        .first_seq = count_of(&counters->first_seq),
        .last_seq = count_of(&counters->last_seq),
        .first_put_ns = atomic_load_explicit(&counters->first_put_ns, memory_order_relaxed),
    };
}

uint64_t memtable_bytes(const Memtable *memtable)
{
    return count_of(&memtable->counters.row_bytes) + count_of(&memtable->counters.index_bytes) +
           marks_bytes(memtable->marks);
}

uint64_t memtable_filled_bytes(const Memtable *memtable)
{
    return count_of(&memtable->counters.filled_bytes) + count_of(&memtable->counters.index_bytes) +
           marks_bytes(memtable->marks);
}

Status memtable_blocks(const Memtable *memtable, Arena *arena, RowBlockView **out, size_t *count,
                       Error *error)
{
    return row_blocks_view(&memtable->blocks, arena, out, count, error);
}
