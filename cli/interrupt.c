#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t pending;

static void on_signal(int number)
{
    (void)number;
    pending = 1;
}

/* Without SA_RESTART, so that a read of the terminal returns too. */
void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
}

bool interrupt_is_pending(void)
{
    return pending != 0;
}

void interrupt_clear(void)
{
    pending = 0;
}

void interrupt_raise(void)
{
    pending = 1;
}
