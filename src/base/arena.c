#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"

enum {
    ARENA_ALIGNMENT = 16,
    ARENA_CHUNK_BYTES_MIN = 4096,
    ARENA_CHUNK_BYTES_MAX = 1 << 20, /* chunks double up to this; a larger object has its own */
};

struct ArenaChunk {
    ArenaChunk *older;
    size_t size; /* of `bytes` */
    _Alignas(ARENA_ALIGNMENT) uint8_t bytes[];
};

void arena_open(Arena *arena, size_t limit_bytes)
{
    *arena = (Arena){.limit = limit_bytes};
}

static void free_chunks_until(Arena *arena, const ArenaChunk *kept)
{
    while (arena->newest != kept) {
        ArenaChunk *chunk = arena->newest;
        arena->newest = chunk->older;
        arena->used -= sizeof(ArenaChunk) + chunk->size;
        memory_free(chunk);
    }
}

static ArenaChunk *oldest_chunk(const Arena *arena)
{
    ArenaChunk *chunk = arena->newest;
    while (chunk != NULL && chunk->older != NULL)
        chunk = chunk->older;
    return chunk;
}

static void start_chunk(Arena *arena, ArenaChunk *chunk)
{
    arena->newest = chunk;
    arena->at = chunk == NULL ? NULL : chunk->bytes;
    arena->end = chunk == NULL ? NULL : chunk->bytes + chunk->size;
}

void arena_reset(Arena *arena)
{
    ArenaChunk *first = oldest_chunk(arena);
    if (first != NULL && first->size > ARENA_CHUNK_BYTES_MAX)
        first = NULL;
    free_chunks_until(arena, first);
    start_chunk(arena, first);
}

void arena_close(Arena *arena)
{
    free_chunks_until(arena, NULL);
    start_chunk(arena, NULL);
    ASSERT(arena->used == 0);
}

static size_t next_chunk_size(const Arena *arena, size_t wanted)
{
    size_t size = arena->newest == NULL ? ARENA_CHUNK_BYTES_MIN : arena->newest->size * 2;
    if (size > ARENA_CHUNK_BYTES_MAX)
        size = ARENA_CHUNK_BYTES_MAX;
    if (size < ARENA_CHUNK_BYTES_MIN)
        size = ARENA_CHUNK_BYTES_MIN;
    return wanted > size ? wanted : size;
}

/* Near the limit a chunk is no larger than what is wanted. */
static bool add_chunk(Arena *arena, size_t wanted)
{
    size_t left = arena->limit == 0            ? SIZE_MAX
                  : arena->limit < arena->used ? 0
                                               : arena->limit - arena->used;
    size_t size = next_chunk_size(arena, wanted);
    if (size > left - sizeof(ArenaChunk))
        size = wanted;
    size_t whole = sizeof(ArenaChunk) + size;
    arena->is_full = whole > left;
    if (arena->is_full)
        return false;
    ArenaChunk *chunk = memory_allocate(whole);
    if (chunk == NULL)
        return false;
    chunk->older = arena->newest;
    chunk->size = size;
    arena->used += whole;
    start_chunk(arena, chunk);
    return true;
}

void *arena_allocate(Arena *arena, size_t size)
{
    if (size > SIZE_MAX / 4) {
        arena->is_full = arena->limit != 0;
        return NULL;
    }
    size_t whole = (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (whole == 0)
        whole = ARENA_ALIGNMENT;
    if ((size_t)(arena->end - arena->at) < whole && !add_chunk(arena, whole))
        return NULL;
    void *memory = arena->at;
    arena->at += whole;
    return memory;
}

void *arena_allocate_zeroed(Arena *arena, size_t count, size_t size)
{
    size_t whole;
    if (__builtin_mul_overflow(count, size, &whole))
        return NULL;
    void *memory = arena_allocate(arena, whole);
    if (memory != NULL)
        memset(memory, 0, whole);
    return memory;
}

Status arena_clone(Arena *arena, Slice s, Slice *out, Error *error)
{
    char *copy = arena_text(arena, s);
    if (copy == NULL)
        return arena_error(arena, error);
    *out = slice_of(copy, s.size);
    return OK;
}

char *arena_text(Arena *arena, Slice s)
{
    char *copy = arena_allocate(arena, s.size + 1);
    if (copy == NULL)
        return NULL;
    if (s.size > 0)
        memcpy(copy, s.data, s.size);
    copy[s.size] = '\0';
    return copy;
}

char *arena_format(Arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0)
        return NULL;
    char *text = arena_allocate(arena, (size_t)size + 1);
    if (text == NULL)
        return NULL;
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return text;
}

Status arena_error(const Arena *arena, Error *error)
{
    if (arena->is_full)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "the request needs more than %zu bytes of working memory", arena->limit);
    return error_out_of_memory(error);
}
