/* The real Env: clock and randomness here, files, threads, memory and sockets beside. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/assert.h"
#include "base/env_int.h"

static int64_t real_wall_us(Env *env)
{
    (void)env;
    struct timespec now;
    ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t real_monotonic_ns(Env *env)
{
    (void)env;
    struct timespec now;
    ASSERT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void real_sleep_ns(Env *env, int64_t duration_ns)
{
    (void)env;
    if (duration_ns <= 0)
        return;
    struct timespec left = {duration_ns / 1000000000, duration_ns % 1000000000};
    while (nanosleep(&left, &left) != 0)
        ASSERT(errno == EINTR);
}

static void real_random(Env *env, void *out, size_t size)
{
    (void)env;
    uint8_t *at = out;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        ASSERT(got > 0);
        at += got;
        size -= (size_t)got;
    }
}

static const EnvOperations real_operations = {
    .wall_us = real_wall_us,
    .monotonic_ns = real_monotonic_ns,
    .sleep_ns = real_sleep_ns,
    .random = real_random,
    .condition_open = real_condition_open,
    .condition_close = real_condition_close,
    .condition_wait_until = real_condition_wait_until,
    .condition_wake = real_condition_wake,
    .thread_start = real_thread_start,
    .thread_join = real_thread_join,
    .file_open = real_file_open,
    .stat = real_stat,
    .list = real_list,
    .make_directory = real_make_directory,
    .sync_directory = real_sync_directory,
    .rename = real_rename,
    .link = real_link,
    .remove = real_remove,
    .remove_directory = real_remove_directory,
    .free_space = real_free_space,
    .working_directory = real_working_directory,
    .lock_open = real_lock_open,
    .shared_memory_open = real_shared_memory_open,
    .shared_memory_close = real_shared_memory_close,
    .socket_listen = real_socket_listen,
    .socket_connect = real_socket_connect,
};

static Env real = {&real_operations};

Env *env_real(void)
{
    return &real;
}
