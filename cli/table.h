/* A result as a table: columns aligned, NULL shown as such, nothing cut unless on a terminal.
 *
 * Two walks over the rows: one to know how wide the columns are, one to write. A terminal's table
 * is brought down to its width by cutting the widest columns first, none below TABLE_CUT_MIN.
 *
 * Threading: one thread. Ownership: nothing is kept. Errors: INVALID_JSON_TEXT; then a part of the
 * rows may have been written. */
#ifndef FIRN_CLI_TABLE_H
#define FIRN_CLI_TABLE_H

#include "cli/printer.h"
#include "cli/response.h"

enum { TABLE_CUT_MIN = 8 };

/* The columns and rows, without a line behind them. */
CHECKED Status table_write(Printer *output, Arena *arena, const ResponseResult *result,
                           Error *error);

/* What every column may take, where all of them and what stands between are to fit in `room`:
 * the largest limit that does, or TABLE_CUT_MIN. */
size_t table_column_limit(const size_t *widths, size_t count, size_t room);

#endif
