/* Process: the operating system's part of the pool: worker processes, their sockets and rings.
 *
 * The only file of the server besides base/ that calls the system for these things: the simulation
 * has no worker processes, so Env has no seam for them.
 *
 * Threading: process_spawn only from one thread that lives as long as the pool, because a worker
 * dies with the thread that spawned it; the rest from any thread. Ownership: explicit ends.
 * Errors: those of the system. */
#ifndef FIRN_QUERY_PROCESS_H
#define FIRN_QUERY_PROCESS_H

#include "base/env.h"

/* A connected pair of stream sockets, both closed on exec. */
CHECKED Status process_socket_pair(int *ours, int *theirs, Error *error);

/* Memory that the worker may write and this process maps read-only; of fixed size, so that a worker
 * cannot make reading it fatal. */
typedef struct ProcessRing {
    const uint8_t *data;
    size_t size;
    int descriptor; /* to be sent to the worker, then closed by process_ring_sent */
} ProcessRing;

CHECKED Status process_ring_open(ProcessRing *ring, size_t size, Error *error);
void process_ring_sent(ProcessRing *ring);
void process_ring_close(ProcessRing *ring);

/* Starts the program with the socket as descriptor WORKER_DESCRIPTOR, in a process group of its
 * own, with an environment of a few harmless variables. */
CHECKED Status process_spawn(const char *path, int socket, int64_t *pid, Error *error);

void process_kill(int64_t pid);

/* Collects the process if it has ended; false where it has not. `*signal` is the signal that ended
 * it, 0 where it exited by itself. */
bool process_reap(int64_t pid, int *signal);

void process_close(int descriptor);

#endif
