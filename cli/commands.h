/* Commands: what begins with a backslash.
 *
 * Threading: one thread. Ownership: nothing is kept. Errors: an exit code; what was wrong has been
 * told. */
#ifndef FIRN_CLI_COMMANDS_H
#define FIRN_CLI_COMMANDS_H

#include "cli/shell.h"

int command_run(Shell *shell, Slice text);

/* The lines a shell begins with. */
void command_greet(Shell *shell);

#endif
