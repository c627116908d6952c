/* The lines of \live, in each format.
 *
 *     table  insert (7)  id=7  body=hello
 *     json   {"op":"insert","seq":12,"key":{"id":7},"row":{"id":7,"body":"hello"}}
 *     csv    insert,12,7,hello          behind a line of names
 *
 * Initial rows have the operation "row"; "live" and "resync" are lines of their own.
 *
 * Threading: one thread. Ownership: nothing is kept. Errors: INVALID_JSON_TEXT. */
#ifndef FIRN_CLI_LIVE_LINE_H
#define FIRN_CLI_LIVE_LINE_H

#include "cli/options.h"
#include "cli/printer.h"
#include "cli/response.h"

enum { LIVE_VALUE_WIDTH = 60 }; /* of a value on a terminal */

typedef struct LiveLines {
    Printer *output;
    OutputFormat format;
    const ResponseColumn *columns;
    size_t column_count;
} LiveLines;

/* What happened to a row; the raw JSON of its values, data NULL where there are none. */
typedef struct LiveChange {
    Slice op;
    int64_t seq; /* 0: none */
    Slice row;   /* insert, update, row */
    Slice old;   /* update, delete, leave */
} LiveChange;

/* After the columns are known: the names of CSV. */
void live_lines_begin(LiveLines *lines);
CHECKED Status live_lines_put(LiveLines *lines, Arena *arena, const LiveChange *change,
                              Error *error);

/* "live" with the sequence, "resync" with the reason. */
void live_lines_put_event(LiveLines *lines, const char *op, int64_t seq, Slice reason);

#endif
