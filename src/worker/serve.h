/* Serve: a worker's life: set up once, then one statement after the other until the server is gone.
 *
 * Threading: the worker's main thread. Ownership: takes the socket. Errors: none come out; what the
 * server sends wrong ends the worker, because nothing it says after that can be trusted. */
#ifndef FIRN_WORKER_SERVE_H
#define FIRN_WORKER_SERVE_H

#include "base/env.h"

/* Called once the server has said what the process may use, and before DuckDB is opened. */
typedef Status (*ServeLimit)(uint64_t data_bytes_max, Error *error);

/* Returns when the server closed the connection (0) or broke the rules (1). `limit` may be NULL. */
int worker_serve(Env *env, int descriptor, ServeLimit limit);

#endif
