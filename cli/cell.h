/* A value of a result: from the JSON it came in to the text that is shown.
 *
 * Threading: plain values. Ownership: the text points into the raw value or lives in the arena.
 * Errors: INVALID_JSON_TEXT. */
#ifndef FIRN_CLI_CELL_H
#define FIRN_CLI_CELL_H

#include "base/arena.h"

enum { CELL_DEPTH_MAX = 500 };

typedef struct Cell {
    Slice text; /* of a string: what it says; of anything else: the JSON as it came */
    bool is_null;
} Cell;

CHECKED Status cell_read(Arena *arena, Slice raw, Cell *out, Error *error);

/* Numbers stand at the right of their column. */
bool type_is_number(Slice type);

#endif
