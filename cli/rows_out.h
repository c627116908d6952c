/* A result for programs: CSV (RFC 4180) and JSON.
 *
 * CSV: a line of names, then the rows; quotes only where they are needed; NULL is nothing, the
 * empty text is "". JSON: an array of objects, one to a line, the values as the server sent them.
 *
 * Threading: one thread. Ownership: nothing is kept. Errors: INVALID_JSON_TEXT; then a part of the
 * rows may have been written. */
#ifndef FIRN_CLI_ROWS_OUT_H
#define FIRN_CLI_ROWS_OUT_H

#include "cli/printer.h"
#include "cli/response.h"
#include "cli/row_walk.h"

CHECKED Status csv_write(Printer *output, Arena *arena, const ResponseResult *result, Error *error);
CHECKED Status json_write(Printer *output, const ResponseResult *result, Error *error);

/* One line of CSV, and of it one value. */
void csv_put_cells(Buffer *out, const Cell *cells, size_t count);
void csv_put_value(Buffer *out, Slice text);

/* One row, a JSON array, as an object. */
CHECKED Status json_put_row(Buffer *out, const ResponseColumn *columns, size_t count, Slice row,
                            Error *error);

#endif
