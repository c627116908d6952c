/* `firn check` and `firn dump`: a data directory looked at without a server.
 *
 * Threading: one thread. Ownership: borrows the arguments. Errors: said on stderr; the exit code is
 * EXIT_DONE, EXIT_WRONG_USE, EXIT_LOCKED where a server has the directory, or EXIT_DAMAGED. */
#ifndef FIRN_CLI_OFFLINE_H
#define FIRN_CLI_OFFLINE_H

#include "cli/options.h"

enum {
    EXIT_LOCKED = 3,
    EXIT_DAMAGED = 4,
};

/* Is the word behind the program's name one of the two? */
bool offline_is_command(const char *word);

/* `arguments` as main has them. */
int offline_run(int count, char **arguments);

#endif
