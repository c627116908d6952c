/* Nodes come from chunks that double, so that a table of ten rows has one leaf and a large one few
 * chunks. A chunk is made as large as a reservation asks: what is never touched has no pages. */
#include "base/assert.h"
#include "base/memory.h"
#include "memtable/index_int.h"

enum { CHUNK_NODES_MAX = 256 };

struct IndexChunk {
    IndexChunk *next;
    size_t count;
    size_t taken;
    uint8_t *nodes; /* at a cache line */
};

void index_pool_open(IndexPool *pool, size_t node_bytes)
{
    *pool = (IndexPool){.node_bytes = node_bytes};
}

void index_pool_close(IndexPool *pool)
{
    while (pool->first != NULL) {
        IndexChunk *chunk = pool->first;
        pool->first = chunk->next;
        index_chunk_free(chunk);
    }
}

void index_chunk_free(IndexChunk *chunk)
{
    memory_free(chunk);
}

Status index_pool_prepare(const IndexPool *pool, size_t count, IndexChunk **out, Error *error)
{
    if (pool->free >= count) {
        *out = NULL;
        return OK;
    }
    size_t nodes = pool->grown * 2 < CHUNK_NODES_MAX ? pool->grown * 2 : CHUNK_NODES_MAX;
    if (nodes < count - pool->free)
        nodes = count - pool->free;
    if (nodes > (SIZE_MAX - sizeof(IndexChunk) - 64) / pool->node_bytes)
        return error_out_of_memory(error);
    IndexChunk *chunk = memory_allocate(sizeof *chunk + 64 + nodes * pool->node_bytes);
    if (chunk == NULL)
        return error_out_of_memory(error);
    uintptr_t start = (uintptr_t)(chunk + 1);
    *chunk = (IndexChunk){.count = nodes, .nodes = (uint8_t *)((start + 63) / 64 * 64)};
    *out = chunk;
    return OK;
}

void index_pool_add(IndexPool *pool, IndexChunk *chunk)
{
    if (chunk == NULL)
        return;
    IndexChunk **end = pool->filling == NULL ? &pool->first : &pool->filling->next;
    while (*end != NULL)
        end = &(*end)->next;
    *end = chunk;
    if (pool->filling == NULL)
        pool->filling = chunk;
    pool->free += chunk->count;
    pool->grown = chunk->count;
}

IndexNode *index_pool_take(IndexPool *pool)
{
    ASSERT(pool->free > 0);
    while (pool->filling->taken == pool->filling->count)
        pool->filling = pool->filling->next;
    IndexChunk *chunk = pool->filling;
    uint8_t *node = chunk->nodes + chunk->taken * pool->node_bytes;
    chunk->taken++;
    pool->free--;
    pool->used++;
    memset(node, 0, pool->node_bytes);
    return (IndexNode *)(void *)node;
}
