/* Serve: a data directory behind a port, from opening to closing.
 *
 *     starts: database (recovery) → api → net; says "listening on HOST:PORT" when it can serve
 *     first SIGINT or SIGTERM: net accepts nothing more and tells subscribers, statements finish,
 *         jobs are waited for (named in the log) for shutdown.wait, then all is closed
 *     second one: nothing is waited for any more; jobs are marked failed, their rows are in the log
 *     SIGHUP: the live keys of the configuration are read again
 *
 * Threading: the main thread. Ownership: the configuration's reference is taken. Errors: printed;
 * the result is the process's exit code. */
#ifndef FIRN_SERVER_SERVE_H
#define FIRN_SERVER_SERVE_H

#include "database/configuration.h"

enum {
    EXIT_CLEAN = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_LOCKED = 3,
    EXIT_DAMAGED = 4,
};

int serve(Env *env, const char *directory, Configuration *configuration);

/* "firnd: …", with detail, hint and what only the log may know, on standard error. */
void print_error(const char *what, const Error *error);

#endif
