#include "cli/row_walk.h"

enum { ROW_BYTES_MAX = 1 << 30 };

static Status not_a_row(Error *error)
{
    return error_set(error, STATUS_INVALID_JSON_TEXT,
                     "a row of the server's answer does not fit its columns");
}

Status row_walk_open(RowWalk *walk, Arena *arena, Slice rows, size_t column_count, Error *error)
{
    *walk = (RowWalk){.column_count = column_count};
    arena_open(&walk->arena, ROW_BYTES_MAX);
    walk->cells = ARENA_ARRAY(arena, Cell, column_count);
    if (walk->cells == NULL)
        return arena_error(arena, error);
    if (!json_walk_array(&walk->rows, rows.data == NULL ? SLICE("[]") : rows))
        return not_a_row(error);
    return OK;
}

void row_walk_close(RowWalk *walk)
{
    arena_close(&walk->arena);
}

Status row_read(Arena *arena, Slice row, Cell *cells, size_t column_count, Error *error)
{
    JsonWalk values;
    size_t count = 0;
    if (!json_walk_array(&values, row))
        return not_a_row(error);
    for (;;) {
        bool has;
        Slice key;
        Slice raw;
        TRY(json_walk_next(&values, &has, &key, &raw, error));
        if (!has)
            return count == column_count ? OK : not_a_row(error);
        if (count == column_count)
            return not_a_row(error);
        TRY(cell_read(arena, raw, &cells[count++], error));
    }
}

Status row_walk_next(RowWalk *walk, bool *has, Error *error)
{
    Slice key;
    Slice row;
    arena_reset(&walk->arena);
    TRY(json_walk_next(&walk->rows, has, &key, &row, error));
    return *has ? row_read(&walk->arena, row, walk->cells, walk->column_count, error) : OK;
}
