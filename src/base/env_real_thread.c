/* Threads and conditions of the real Env, on pthreads and the monotonic clock. */
#include <errno.h>
#include <limits.h>

#include "base/assert.h"
#include "base/env_int.h"
#include "base/memory.h"

typedef struct RealThread {
    Thread base;
    pthread_t id;
    void (*run)(void *);
    void *argument;
    const char *name;
} RealThread;

void real_condition_open(Condition *condition)
{
    pthread_condattr_t attributes;
    ASSERT(pthread_condattr_init(&attributes) == 0);
    ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(&condition->as.real, &attributes) == 0);
    ASSERT(pthread_condattr_destroy(&attributes) == 0);
}

void real_condition_close(Condition *condition)
{
    ASSERT(pthread_cond_destroy(&condition->as.real) == 0);
}

bool real_condition_wait_until(Condition *condition, Mutex *mutex, int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX) {
        ASSERT(pthread_cond_wait(&condition->as.real, &mutex->as.real) == 0);
        return true;
    }
    if (deadline_ns < 0)
        deadline_ns = 0;
    struct timespec until = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    int result = pthread_cond_timedwait(&condition->as.real, &mutex->as.real, &until);
    ASSERT(result == 0 || result == ETIMEDOUT);
    return result == 0;
}

void real_condition_wake(Condition *condition, bool all)
{
    if (all)
        ASSERT(pthread_cond_broadcast(&condition->as.real) == 0);
    else
        ASSERT(pthread_cond_signal(&condition->as.real) == 0);
}

static void *run_thread(void *argument)
{
    RealThread *thread = argument;
    char shown[16];
    size_t size = strlen(thread->name);
    if (size > sizeof shown - 1)
        size = sizeof shown - 1;
    memcpy(shown, thread->name, size);
    shown[size] = '\0';
    (void)pthread_setname_np(pthread_self(), shown);
    thread->run(thread->argument);
    return NULL;
}

static int start(RealThread *thread, size_t stack_bytes)
{
    pthread_attr_t attributes;
    ASSERT(pthread_attr_init(&attributes) == 0);
    if (stack_bytes < (size_t)PTHREAD_STACK_MIN)
        stack_bytes = (size_t)PTHREAD_STACK_MIN;
    ASSERT(pthread_attr_setstacksize(&attributes, stack_bytes) == 0);
    int result = pthread_create(&thread->id, &attributes, run_thread, thread);
    ASSERT(pthread_attr_destroy(&attributes) == 0);
    return result;
}

Status real_thread_start(Env *env, const char *name, size_t stack_bytes, void (*run)(void *),
                         void *argument, Thread **out, Error *error)
{
    RealThread *thread = MEMORY_NEW(RealThread);
    if (thread == NULL)
        return error_out_of_memory(error);
    *thread = (RealThread){.base.env = env, .run = run, .argument = argument, .name = name};
    int result = start(thread, stack_bytes);
    if (result != 0) {
        memory_free(thread);
        return error_set_errno(error, result == EAGAIN ? ENOMEM : result, "start a thread", name);
    }
    *out = &thread->base;
    return OK;
}

void real_thread_join(Thread *base)
{
    RealThread *thread = (RealThread *)base;
    ASSERT(pthread_join(thread->id, NULL) == 0);
    memory_free(thread);
}
