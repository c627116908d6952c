/* Marks: which stored rows (file, position) the versions in one memtable replace, and since when.
 *
 * Beside a map for single questions an append-only list is kept, because a bitmap cannot tell what
 * came since a bulk pass, nor whose row it was.
 *
 * Threading: any thread; one lock inside, held for short. Ownership: inside their memtable.
 * Errors: only marks_reserve can fail; after it the adds it was made for cannot. */
#ifndef FIRN_MEMTABLE_MARKS_H
#define FIRN_MEMTABLE_MARKS_H

#include "base/env.h"
#include "types/key.h"

typedef struct Marks Marks;

typedef struct Mark {
    uint64_t file_id;
    uint64_t seq;      /* the first sequence here that replaced the row */
    uint32_t position; /* row number in the file, from 0 */
    OwnerId owner;
} Mark;

CHECKED Status marks_create(Env *env, Marks **out, Error *error);
void marks_destroy(Marks *marks);

/* Makes room for `count` more marks. The room is there for whoever adds first: those who reserve
 * and add at the same time do both under one lock of theirs (the engine's sequencer). Room stays;
 * what was reserved and not used is there for the next. */
CHECKED Status marks_reserve(Marks *marks, size_t count, Error *error);

/* There must be room. A position that is marked already keeps its first sequence, and takes none.
 */
void marks_add(Marks *marks, const Mark *mark);

/* Is the position replaced here at or before `seq`? */
bool marks_covers(Marks *marks, uint64_t file_id, uint32_t position, uint64_t seq);

/* Marks added so far (each position once). */
size_t marks_count(Marks *marks);

/* Copies the marks numbered [from, from + count) in the order they came. The caller asked
 * marks_count. */
void marks_copy(Marks *marks, size_t from, size_t count, Mark *out);

/* Bytes of map and list. */
uint64_t marks_bytes(Marks *marks);

#endif
