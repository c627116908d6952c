/* \live: a query that goes on: its rows, then a line for every change, until Ctrl-C.
 *
 * Each line has the operation, the row's key and the row. Where the server says that it can no
 * longer send every change ("resync"), that is told, and the query begins again: what comes then
 * replaces what came before.
 *
 * Threading: one thread. Ownership: nothing is kept. Errors: an exit code; Ctrl-C is success. */
#ifndef FIRN_CLI_LIVE_H
#define FIRN_CLI_LIVE_H

#include "cli/shell.h"

int live_run(Shell *shell, Slice sql);

#endif
