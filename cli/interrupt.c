#include "cli/interrupt.h"

#include <errno.h>
#include <poll.h>
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

/* The signal is held back but while we sleep: between the look at the flag and the sleep it would
 * be lost. */
bool interrupt_wait_input(int descriptor)
{
    struct pollfd watched = {.fd = descriptor, .events = POLLIN};
    sigset_t held;
    sigset_t before;
    int ready = -1;
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &held, &before);
    while (ready < 0 && pending == 0) {
        ready = ppoll(&watched, 1, NULL, &before);
        if (ready < 0 && errno != EINTR)
            ready = 1; /* the read will say what is wrong */
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return pending == 0;
}
