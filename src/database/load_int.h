/* Private to the load readers: a window over bytes that arrive, and the row being filled. */
#ifndef FIRN_DATABASE_LOAD_INT_H
#define FIRN_DATABASE_LOAD_INT_H

#include "base/assert.h"
#include "base/memory.h"
#include "database/load_rows.h"

/* ---- bytes that arrive ---- */

typedef struct LoadWindow {
    const LoadSource *source;
    uint8_t *data;
    size_t capacity;
    size_t begin; /* what is not taken yet … */
    size_t end;   /* … ends here */
    size_t limit; /* bytes it may hold */
    bool at_end;  /* the source has no more */
    uint64_t line;
} LoadWindow;

void window_open(LoadWindow *window, const LoadTarget *target, const LoadSource *source);
void window_close(LoadWindow *window);

static inline Slice window_slice(const LoadWindow *window)
{
    return slice_of(window->data + window->begin, window->end - window->begin);
}

/* More bytes behind those that are there, or at_end. What window_slice gave moves.
 * PROGRAM_LIMIT_EXCEEDED where the window is full of one row. */
CHECKED Status window_fill(LoadWindow *window, Error *error);

/* Passes over a byte order mark at the very beginning. */
CHECKED Status window_skip_mark(LoadWindow *window, Error *error);

/* ---- the row ---- */

typedef struct LoadFill {
    const LoadTarget *target;
    Arena arena; /* of one row */
    Value *values;
    bool *given;
} LoadFill;

CHECKED Status fill_open(const LoadTarget *target, LoadFill *out, Error *error);
void fill_close(LoadFill *fill);

/* No column is given; what the last row needed is freed. */
void fill_begin(LoadFill *fill);

/* Number of the column; UNDEFINED_COLUMN with the nearest name. */
CHECKED Status fill_find(const LoadFill *fill, Slice name, uint32_t *out, Error *error);
CHECKED Status fill_visit(LoadFill *fill, uint64_t line, Error *error);

/* The error with its place before it. */
Status load_fail_at(uint64_t line, const char *what, Error *error);
Status load_fail_in(const LoadFill *fill, const char *unit, uint64_t line, uint32_t column,
                    Error *error);

#endif
