/* The rows of a result, one after the other, each as texts.
 *
 * Threading: one thread. Ownership: the cells live until the next row. Errors: INVALID_JSON_TEXT,
 * also where a row has not as many values as there are columns. */
#ifndef FIRN_CLI_ROW_WALK_H
#define FIRN_CLI_ROW_WALK_H

#include "cli/cell.h"
#include "cli/json_walk.h"

typedef struct RowWalk {
    JsonWalk rows;
    Arena arena; /* of one row's texts */
    Cell *cells;
    size_t column_count;
} RowWalk;

/* `rows` is a JSON array of arrays; `arena` holds the list of cells. */
CHECKED Status row_walk_open(RowWalk *walk, Arena *arena, Slice rows, size_t column_count,
                             Error *error);
void row_walk_close(RowWalk *walk);

/* walk->cells are the next row's; *has is false behind the last. */
CHECKED Status row_walk_next(RowWalk *walk, bool *has, Error *error);

/* One row, a JSON array, into cells[column_count]. */
CHECKED Status row_read(Arena *arena, Slice row, Cell *cells, size_t column_count, Error *error);

#endif
