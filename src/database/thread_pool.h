/* Thread pool: threads with the stack that PostgreSQL's parser needs, for work that may wait.
 *
 * Threads are started as they are needed, up to a maximum, and stay. Work beyond that queues, in
 * order, up to a maximum of its own.
 *
 * Threading: any thread. Ownership: tasks are the caller's, and again so when run is called.
 * Errors: TOO_MANY_REQUESTS where the queue is full, SHUTTING_DOWN after thread_pool_stop. */
#ifndef FIRN_DATABASE_THREAD_POOL_H
#define FIRN_DATABASE_THREAD_POOL_H

#include "base/env.h"

typedef struct ThreadPool ThreadPool;

typedef struct PoolTask {
    struct PoolTask *next;
    void (*run)(struct PoolTask *task);
} PoolTask;

typedef struct ThreadPoolOptions {
    const char *name;
    uint32_t threads_max;
    uint32_t queue_max; /* tasks that wait for a thread */
} ThreadPoolOptions;

CHECKED Status thread_pool_open(Env *env, const ThreadPoolOptions *options, ThreadPool **out,
                                Error *error);

CHECKED Status thread_pool_submit(ThreadPool *pool, PoolTask *task, Error *error);

/* Takes no new tasks; those that were taken are run. Then waits for all threads. */
void thread_pool_stop(ThreadPool *pool);
void thread_pool_close(ThreadPool *pool); /* stops where that was not done; NULL is allowed */

/* Is this a thread of any pool? */
bool thread_pool_is_current(void);

typedef struct ThreadPoolStatistics {
    uint32_t threads;
    uint32_t busy;
    uint32_t queued;
} ThreadPoolStatistics;

void thread_pool_statistics(ThreadPool *pool, ThreadPoolStatistics *out);

#endif
