/* Ctrl-C: ends what is waited for, not the shell.
 *
 * Threading: the flag is set by a signal handler and read by the one thread. Ownership: none.
 * Errors: none. */
#ifndef FIRN_CLI_INTERRUPT_H
#define FIRN_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT only sets the flag. Without it SIGINT ends the program. */
void interrupt_catch(void);

bool interrupt_is_pending(void);
void interrupt_clear(void);
void interrupt_raise(void); /* as if the key had been pressed: for tests */

/* Waits until the descriptor can be read (or is at its end); false after Ctrl-C, also where the key
 * was pressed before. */
bool interrupt_wait_input(int descriptor);

#endif
