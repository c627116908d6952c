/* Why a reservation suffices: a block of which `bytes` are free takes all the records, in whatever
 * order they come. Several blocks do, filled one after the other, where what each may lose at its
 * end is counted: a record that does not fit leaves less than its own size. */
#include "memtable/blocks_int.h"

#include "base/assert.h"
#include "base/memory.h"

void row_blocks_open(RowStore *store, RowBlocks *out)
{
    *out = (RowBlocks){.store = store, .size_next = ROW_BLOCK_BYTES_MIN};
}

static void free_block(RowStore *store, FilledBlock *block)
{
    row_store_give_back(store, &block->block);
    memory_free(block);
}

static void free_spares(RowStore *store, FilledBlock *spares)
{
    while (spares != NULL) {
        FilledBlock *next = spares->next_spare;
        free_block(store, spares);
        spares = next;
    }
}

void row_blocks_close(RowBlocks *blocks)
{
    free_spares(blocks->store, blocks->spares);
    if (blocks->large != NULL && blocks->large->filled == 0)
        free_block(blocks->store, blocks->large);
    FilledBlock *block = atomic_load_explicit(&blocks->first, memory_order_relaxed);
    while (block != NULL) {
        FilledBlock *next = atomic_load_explicit(&block->next, memory_order_relaxed);
        free_block(blocks->store, block);
        block = next;
    }
}

/* ---- reserving ---- */

static size_t free_bytes(const FilledBlock *block)
{
    return block == NULL ? 0 : block->block.size - block->filled;
}

/* What one more block is good for, beside others. */
static size_t useful_bytes(size_t free, size_t waste)
{
    return free > waste ? free - waste : 0;
}

/* Counts what the ordinary blocks from `block` on are good for. Everything, where one alone takes
 * all. */
static size_t count_useful(const FilledBlock *block, size_t bytes, size_t waste)
{
    size_t useful = 0;
    for (; block != NULL && useful < bytes; block = block->next_spare) {
        size_t free = free_bytes(block);
        useful = free >= bytes ? bytes : useful + useful_bytes(free, waste);
    }
    return useful;
}

/* The smallest size of an ordinary block that holds `bytes`, at most the largest there is. */
static size_t ordinary_size(size_t bytes)
{
    size_t size = ROW_BLOCK_BYTES_MIN;
    while (size < bytes && size < ROW_BLOCK_BYTES_MAX)
        size *= 2;
    return size;
}

static Status take_block(RowStore *store, size_t size, FilledBlock **out, Error *error)
{
    FilledBlock *block = MEMORY_NEW(FilledBlock);
    if (block == NULL)
        return error_out_of_memory(error);
    Status status = row_store_take(store, size, &block->block, error);
    if (status != OK) {
        memory_free(block);
        return status;
    }
    *out = block;
    return OK;
}

/* Takes a block of `wanted` bytes or, where the store cannot give so much in one piece, of less,
 * but at least `least`. */
static Status take_ordinary(RowStore *store, size_t wanted, size_t least, FilledBlock **out,
                            Error *error)
{
    Status status = take_block(store, wanted, out, error);
    while (status == STATUS_OUT_OF_MEMORY && wanted / 2 >= least) {
        wanted /= 2;
        status = take_block(store, wanted, out, error);
    }
    return status;
}

static Status prepare_ordinary(const RowBlocks *blocks, size_t bytes, size_t bytes_largest,
                               BlocksGrowth *out, Error *error)
{
    size_t waste = bytes_largest - 1;
    size_t useful = count_useful(blocks->current, bytes, waste);
    if (useful < bytes)
        useful += count_useful(blocks->spares, bytes - useful, waste);
    FilledBlock **end = &out->ordinary;
    while (useful < bytes) {
        size_t missing = bytes - useful;
        size_t wanted = ordinary_size(missing);
        if (wanted < out->size_next)
            wanted = out->size_next;
        TRY(take_ordinary(blocks->store, wanted, ordinary_size(2 * bytes_largest), end, error));
        size_t size = (*end)->block.size;
        useful += size >= missing ? missing : useful_bytes(size, waste);
        out->bytes += size;
        out->size_next = size < ROW_BLOCK_BYTES_MAX ? size * 2 : ROW_BLOCK_BYTES_MAX;
        end = &(*end)->next_spare;
    }
    return OK;
}

static Status prepare_large(const RowBlocks *blocks, size_t bytes, BlocksGrowth *out, Error *error)
{
    if (free_bytes(blocks->large) >= bytes)
        return OK;
    TRY(take_block(blocks->store, bytes, &out->large, error));
    out->bytes += out->large->block.size;
    return OK;
}

Status row_blocks_prepare(const RowBlocks *blocks, size_t bytes, size_t bytes_largest,
                          BlocksGrowth *out, Error *error)
{
    BlocksGrowth growth = {.size_next = blocks->size_next};
    Status status = bytes_largest > RECORD_BYTES_LARGE
                        ? prepare_large(blocks, bytes, &growth, error)
                        : prepare_ordinary(blocks, bytes, bytes_largest, &growth, error);
    if (status != OK)
        free_spares(blocks->store, growth.ordinary);
    else
        *out = growth;
    return status;
}

void row_blocks_add(RowBlocks *blocks, BlocksGrowth *growth)
{
    FilledBlock **end = &blocks->spares;
    while (*end != NULL)
        end = &(*end)->next_spare;
    *end = growth->ordinary;
    blocks->size_next = growth->size_next;
    blocks->bytes += growth->bytes;
    if (growth->large == NULL)
        return;
    if (blocks->large != NULL && blocks->large->filled == 0) {
        blocks->bytes -= blocks->large->block.size;
        free_block(blocks->store, blocks->large);
    }
    blocks->large = growth->large;
}

void row_blocks_give_up(RowBlocks *blocks, BlocksGrowth *growth)
{
    free_spares(blocks->store, growth->ordinary);
    if (growth->large != NULL)
        free_block(blocks->store, growth->large);
}

/* ---- filling ---- */

/* Begins the first spare that holds the record. Smaller ones before it stay for smaller records. */
static FilledBlock *begin_spare(RowBlocks *blocks, size_t size)
{
    FilledBlock **at = &blocks->spares;
    while (*at != NULL && free_bytes(*at) < size)
        at = &(*at)->next_spare;
    ASSERT(*at != NULL);
    FilledBlock *block = *at;
    *at = block->next_spare;
    block->next_spare = NULL;
    blocks->current = block;
    return block;
}

/* A record that is not large goes to the large block where no ordinary one is reserved for it: the
 * reservation was made for large ones and cannot know which of the records those are. */
static FilledBlock *choose_block(RowBlocks *blocks, size_t size)
{
    if (size <= RECORD_BYTES_LARGE && free_bytes(blocks->current) >= size)
        return blocks->current;
    if (free_bytes(blocks->large) >= size)
        return blocks->large;
    return begin_spare(blocks, size);
}

uint8_t *row_blocks_place(RowBlocks *blocks, size_t size, FilledBlock **in)
{
    FilledBlock *block = choose_block(blocks, size);
    *in = block;
    return block->block.data + block->filled;
}

void row_blocks_publish(RowBlocks *blocks, FilledBlock *in, uint64_t seq, size_t size)
{
    bool is_first = in->filled == 0;
    if (is_first)
        in->first_seq = seq;
    in->filled += size;
    atomic_store_explicit(&in->published, in->filled, memory_order_release);
    if (!is_first)
        return;
    if (blocks->newest == NULL)
        atomic_store_explicit(&blocks->first, in, memory_order_release);
    else
        atomic_store_explicit(&blocks->newest->next, in, memory_order_release);
    blocks->newest = in;
}

/* ---- reading ---- */

static const FilledBlock *first_of(const RowBlocks *blocks)
{
    return atomic_load_explicit(&blocks->first, memory_order_acquire);
}

static const FilledBlock *next_of(const FilledBlock *block)
{
    return atomic_load_explicit(&block->next, memory_order_acquire);
}

Status row_blocks_view(const RowBlocks *blocks, Arena *arena, RowBlockView **out, size_t *count,
                       Error *error)
{
    size_t total = 0;
    for (const FilledBlock *block = first_of(blocks); block != NULL; block = next_of(block))
        total++;
    RowBlockView *views = ARENA_ARRAY(arena, RowBlockView, total);
    if (views == NULL)
        return arena_error(arena, error);
    const FilledBlock *block = first_of(blocks);
    for (size_t i = 0; i < total; i++, block = next_of(block)) {
        views[i] = (RowBlockView){
            .block = block->block,
            .published = atomic_load_explicit(&block->published, memory_order_acquire),
            .first_seq = block->first_seq,
        };
    }
    *out = views;
    *count = total;
    return OK;
}
