/* Run: one request, from its message to its answer.
 *
 * Threading: the worker's main thread. Ownership: everything of a statement is gone when
 * run_request returns. Errors: those of the statement are its answer; what is returned is the
 * channel's, after which the worker ends. */
#ifndef FIRN_WORKER_RUN_H
#define FIRN_WORKER_RUN_H

#include "worker/engine.h"
#include "worker/outlet.h"

typedef struct Worker {
    Env *env;
    Channel channel;
    Engine engine;
    RegionTable regions;
    BitmapCache bitmaps;
    uint8_t *ring; /* RING_BYTES */
    Buffer table;  /* what TABLE messages brought for the next RUN */
    Arena arena;   /* of the statement */
    Arena setup_arena;
    WorkerSetup setup;
    const char *spill_folder;
} Worker;

CHECKED Status run_request(Worker *worker, uint64_t statement, Slice body, Error *error);

#endif
