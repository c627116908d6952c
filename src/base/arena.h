/* Arena: memory for one request, freed at once.
 *
 * Threading: one thread at a time. Ownership: everything allocated lives until arena_reset or
 * arena_close. Errors: NULL where memory is gone or the arena's limit is reached; the caller says
 * which with arena_error. */
#ifndef FIRN_BASE_ARENA_H
#define FIRN_BASE_ARENA_H

#include "base/error.h"
#include "base/memory.h"
#include "base/slice.h"

typedef struct ArenaChunk ArenaChunk;

typedef struct Arena {
    ArenaChunk *newest;
    uint8_t *at;  /* next free byte of the newest chunk */
    uint8_t *end; /* one past its last */
    size_t used;  /* bytes in all chunks, allocated from the system */
    size_t limit; /* bytes the chunks may use in all; 0: no limit */
    bool is_full; /* an allocation failed at the limit, not for want of memory */
} Arena;

/* An arena that allocates nothing until it is asked. */
void arena_open(Arena *arena, size_t limit_bytes);

/* Frees everything but the first chunk, which the next request uses again. */
void arena_reset(Arena *arena);
void arena_close(Arena *arena);

/* Aligned to 16 bytes, not zeroed; size 0 gives a valid pointer. */
MEMORY_CHECKED void *arena_allocate(Arena *arena, size_t size);
MEMORY_CHECKED void *arena_allocate_zeroed(Arena *arena, size_t count, size_t size);

/* A copy in the arena. `out` is untouched on failure. */
CHECKED Status arena_clone(Arena *arena, Slice s, Slice *out, Error *error);

/* The same, ended by a NUL that is not counted. */
MEMORY_CHECKED char *arena_text(Arena *arena, Slice s);

/* printf into the arena; NULL where there is no memory. */
MEMORY_CHECKED char *arena_format(Arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* After a NULL: PROGRAM_LIMIT_EXCEEDED where the limit was reached, else OUT_OF_MEMORY. */
Status arena_error(const Arena *arena, Error *error);

#define ARENA_NEW(arena, type) ((type *)arena_allocate_zeroed((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) \
    ((type *)arena_allocate_zeroed((arena), (count) == 0 ? 1 : (count), sizeof(type)))

#endif
