#include "database/thread_pool.h"

#include "base/assert.h"
#include "base/memory.h"
#include "sql/tree.h"

struct ThreadPool {
    Env *env;
    ThreadPoolOptions options;
    Mutex mutex; /* everything below; a leaf */
    Condition work;
    PoolTask *first;
    PoolTask *last;
    uint32_t queued;
    uint32_t idle;
    uint32_t thread_count;
    bool stopping;
    Thread **threads; /* threads_max of them */
};

static _Thread_local bool is_pool_thread;

bool thread_pool_is_current(void)
{
    return is_pool_thread;
}

Status thread_pool_open(Env *env, const ThreadPoolOptions *options, ThreadPool **out, Error *error)
{
    ASSERT(options->threads_max > 0 && options->queue_max > 0);
    ThreadPool *pool = MEMORY_NEW(ThreadPool);
    if (pool == NULL)
        return error_out_of_memory(error);
    pool->threads = memory_allocate_zeroed(options->threads_max, sizeof(Thread *));
    if (pool->threads == NULL) {
        memory_free(pool);
        return error_out_of_memory(error);
    }
    pool->env = env;
    pool->options = *options;
    mutex_open(&pool->mutex, env, "thread_pool");
    condition_open(&pool->work, env);
    *out = pool;
    return OK;
}

/* The next task; NULL where the thread is to end. */
static PoolTask *take_task(ThreadPool *pool)
{
    mutex_lock(&pool->mutex);
    pool->idle++;
    while (pool->first == NULL && !pool->stopping)
        condition_wait(&pool->work, &pool->mutex);
    PoolTask *task = pool->first;
    pool->idle--;
    if (task != NULL) {
        pool->first = task->next;
        pool->queued--;
        if (pool->first == NULL)
            pool->last = NULL;
    }
    mutex_unlock(&pool->mutex);
    return task;
}

static void run_thread(void *argument)
{
    ThreadPool *pool = argument;
    PoolTask *task;
    is_pool_thread = true;
    while ((task = take_task(pool)) != NULL)
        task->run(task);
}

/* With the mutex held. A thread that cannot be started is an error only where there is none. */
static Status start_thread(ThreadPool *pool, Error *error)
{
    Thread **place = &pool->threads[pool->thread_count];
    Error failure;
    Status status = thread_start(pool->env, pool->options.name, SQL_STACK_BYTES, run_thread, pool,
                                 place, &failure);
    if (status == OK)
        pool->thread_count++;
    else if (pool->thread_count == 0) {
        *error = failure;
        return status;
    }
    return OK;
}

static Status admit(ThreadPool *pool, PoolTask *task, Error *error)
{
    if (pool->stopping)
        return error_of(error, STATUS_SHUTTING_DOWN);
    if (pool->queued >= pool->options.queue_max) {
        error_set(error, STATUS_TOO_MANY_REQUESTS, "too many statements wait for a thread");
        error_set_hint(error, "try again in a moment");
        return error->status;
    }
    if (pool->idle <= pool->queued && pool->thread_count < pool->options.threads_max)
        TRY(start_thread(pool, error));
    task->next = NULL;
    if (pool->last == NULL)
        pool->first = task;
    else
        pool->last->next = task;
    pool->last = task;
    pool->queued++;
    condition_signal(&pool->work);
    return OK;
}

Status thread_pool_submit(ThreadPool *pool, PoolTask *task, Error *error)
{
    mutex_lock(&pool->mutex);
    Status status = admit(pool, task, error);
    mutex_unlock(&pool->mutex);
    return status;
}

void thread_pool_stop(ThreadPool *pool)
{
    mutex_lock(&pool->mutex);
    pool->stopping = true;
    condition_broadcast(&pool->work);
    mutex_unlock(&pool->mutex);
    for (uint32_t i = 0; i < pool->thread_count; i++)
        thread_join(pool->threads[i]);
    pool->thread_count = 0;
}

void thread_pool_close(ThreadPool *pool)
{
    if (pool == NULL)
        return;
    thread_pool_stop(pool);
    ASSERT(pool->first == NULL);
    condition_close(&pool->work);
    mutex_close(&pool->mutex);
    memory_free(pool->threads);
    memory_free(pool);
}

void thread_pool_statistics(ThreadPool *pool, ThreadPoolStatistics *out)
{
    mutex_lock(&pool->mutex);
    *out = (ThreadPoolStatistics){.threads = pool->thread_count,
                                  .busy = pool->thread_count - pool->idle,
                                  .queued = pool->queued};
    mutex_unlock(&pool->mutex);
}
