/* Limits: what a worker process may use, set by itself before DuckDB is opened.
 *
 * Threading: the main thread, before there is another. Errors: those of the system. */
#ifndef FIRN_WORKER_LIMITS_H
#define FIRN_WORKER_LIMITS_H

#include "base/error.h"

/* At the very start: dies with the server, dumps no core, is the first to go when the machine has
 * no memory left, leaves the terminal's signals to the server. */
CHECKED Status limits_begin(Error *error);

/* RLIMIT_DATA: memory of its own, shared maps not counted; 0: no limit, and none in builds with a
 * sanitizer, whose shadow it would count. The fence around files, network and processes is raised
 * here too once it is built: everything after this call runs inside, DuckDB's other threads
 * included. */
CHECKED Status limits_restrict(uint64_t data_bytes_max, Error *error);

#endif
