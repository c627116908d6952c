/* What \d shows of a DESCRIBE: columns, indexes, and the table's properties, each by themselves.
 *
 * Threading: one thread. Ownership: nothing is kept. Errors: INVALID_JSON_TEXT. An answer whose
 * columns are not those of DESCRIBE is shown as it is. */
#ifndef FIRN_CLI_DESCRIBE_H
#define FIRN_CLI_DESCRIBE_H

#include "cli/shell.h"

CHECKED Status describe_view(Shell *shell, Arena *arena, const ResponseResult *result,
                             Error *error);

#endif
