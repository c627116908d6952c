/* One statement's result, in the format that was asked for.
 *
 * Table: the rows and how many they are, or the command tag. CSV: the rows; nothing for a statement
 * that returns none. JSON: the rows as an array of objects, or an object with the tag.
 *
 * Threading: one thread. Ownership: nothing is kept. Errors: INVALID_JSON_TEXT where the answer is
 * broken, QUERY_CANCELED after Ctrl-C; part of the rows may have been written. */
#ifndef FIRN_CLI_RESULT_H
#define FIRN_CLI_RESULT_H

#include "cli/options.h"
#include "cli/printer.h"
#include "cli/response.h"

/* `is_verbose` adds how durable a write is and its sequence. */
CHECKED Status result_put(Printer *output, Arena *arena, const ResponseResult *result,
                          OutputFormat format, bool is_verbose, Error *error);

/* "NOTICE: …", each on its line. */
void result_put_notices(Printer *output, const ResponseResult *result);

#endif
