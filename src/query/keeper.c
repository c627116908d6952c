/* The keeper: the one thread that starts worker processes, collects them, and sweeps behind them.
 *
 * A worker dies with the thread that spawned it (PR_SET_PDEATHSIG follows the thread), so one
 * thread spawns them all and lives as long as the pool. It never waits for a worker: READY is
 * received by whoever takes the worker first. */
#include <stdio.h>

#include "base/assert.h"
#include "query/pool_int.h"

/* ---- starting ---- */

/* What DuckDB counts is not all that its process takes: its code's own data, stacks, and what the
 * allocator keeps in pieces come on top, and the limit is of addresses, not of pages. */
static uint64_t process_bytes_max(uint64_t memory_bytes_max)
{
    const uint64_t beside = UINT64_C(64) << 20;
    return memory_bytes_max + (memory_bytes_max / 2 < beside ? memory_bytes_max / 2 : beside);
}

static Status send_setup(QueryPool *pool, PoolWorker *worker, uint32_t folder_count, Error *error)
{
    const QueryPoolOptions *options = &pool->options;
    WorkerSetup setup = {
        .threads = worker->role == ROLE_FETCH ? 1 : options->threads,
        .memory_bytes_max = options->memory_bytes_max / 10 * 6,
        .data_bytes_max = process_bytes_max(options->memory_bytes_max),
        .spill_bytes_max = options->spill_bytes_max,
        .spill_folder = slice_of_text(worker->spill_folder.text),
        .folders = pool->folders,
        .folder_count = folder_count,
    };
    Buffer body;
    buffer_open(&body, 0);
    setup_encode(&body, &setup);
    Status status = buffer_status(&body, error);
    if (status == OK)
        status = channel_send(&worker->channel, MESSAGE_SETUP, 0, buffer_slice(&body),
                              &worker->ring.descriptor, 1,
                              worker->spawned_ns + POOL_SETUP_MS_MAX * POOL_MS_NS, error);
    buffer_close(&body);
    return status;
}

static Status start_process(QueryPool *pool, PoolWorker *worker, uint32_t folder_count,
                            Error *error)
{
    int ours = -1;
    int theirs = -1;
    TRY(process_socket_pair(&ours, &theirs, error));
    channel_open(&worker->channel, pool->env, ours, false, ANSWER_BYTES_MAX);
    Status status = process_spawn(pool->options.worker_path, theirs, &worker->pid, error);
    process_close(theirs);
    if (status != OK)
        return status;
    worker->spawned_ns = env_monotonic_ns(pool->env);
    status = send_setup(pool, worker, folder_count, error);
    process_ring_sent(&worker->ring);
    return status;
}

static Status start(QueryPool *pool, PoolWorker *worker, uint64_t number, uint32_t folder_count,
                    Error *error)
{
    TRY(path_format(&worker->spill_folder, error, "%s/worker-%llu", pool->options.spill_folder,
                    (unsigned long long)number));
    TRY(env_make_directory(pool->env, worker->spill_folder.text, error));
    TRY(process_ring_open(&worker->ring, RING_BYTES, error));
    return start_process(pool, worker, folder_count, error);
}

/* ---- ending ---- */

/* A folder that stays is swept when the server starts again. */
static void remove_spill(QueryPool *pool, const PoolWorker *worker)
{
    Error error;
    FileInformation information = {.exists = false};
    if (worker->spill_folder.text[0] == '\0')
        return;
    Status status = env_stat(pool->env, worker->spill_folder.text, &information, &error);
    if (status == OK && information.exists)
        status = env_remove_tree(pool->env, worker->spill_folder.text, &error);
    (void)status;
}

/* Gives back everything that belonged to the process. */
static void release(QueryPool *pool, PoolWorker *worker)
{
    remove_spill(pool, worker);
    if (worker->channel.env != NULL)
        channel_close(&worker->channel);
    process_ring_close(&worker->ring);
    keep_close(worker);
}

/* ---- what the keeper does, with the mutex held between ---- */

static void note_spawn_failure(QueryPool *pool, const Error *error)
{
    pool->spawn_failures++;
    pool->spawn_error = *error;
    pool->spawn_error.status = STATUS_WORKER_FAILED;
    pool->respawn_ns = env_monotonic_ns(pool->env) + POOL_RESPAWN_MS * POOL_MS_NS;
}

/* It runs, and could not be told what it is for: of no use, like one that did not start. */
static void note_setup_failure(QueryPool *pool, const Error *error)
{
    Error failure;
    (void)error_of(&failure, STATUS_WORKER_FAILED);
    (void)error_wrap(&failure, "setup: %s (%s)", error->message, error->internal);
    note_spawn_failure(pool, &failure);
}

/* Made beside its place, which others may look at meanwhile. */
static void start_wanted(QueryPool *pool, PoolWorker *worker)
{
    Error error;
    PoolWorker made = {.role = worker->role};
    uint32_t folder_count = pool->folder_count;
    uint64_t number = pool->next_spill++;
    mutex_unlock(&pool->mutex);
    Status status = start(pool, &made, number, folder_count, &error);
    if (status != OK && made.pid == 0)
        release(pool, &made);
    mutex_lock(&pool->mutex);
    if (made.pid == 0) {
        worker->state = WORKER_EMPTY;
        note_spawn_failure(pool, &error);
    } else {
        if (status != OK)
            note_setup_failure(pool, &error);
        *worker = made;
        worker->idle_since_ns = made.spawned_ns;
        worker->is_stale = folder_count != pool->folder_count;
        worker->state = status == OK && !worker->is_stale ? WORKER_IDLE : WORKER_ENDING;
        pool->statistics.spawned++;
    }
    if (worker->state == WORKER_ENDING)
        pool_kill(pool, worker);
    condition_broadcast(&pool->changed);
}

static void reap_ending(QueryPool *pool, PoolWorker *worker)
{
    int signal = 0;
    if (!process_reap(worker->pid, &signal))
        return;
    PoolWorker ended = *worker;
    *worker = (PoolWorker){.role = ended.role, .state = WORKER_ENDING};
    mutex_unlock(&pool->mutex);
    release(pool, &ended);
    mutex_lock(&pool->mutex);
    worker->state = WORKER_EMPTY;
    condition_broadcast(&pool->changed);
}

static void end_idle(QueryPool *pool, PoolWorker *worker)
{
    worker->state = WORKER_ENDING;
    pool_kill(pool, worker);
}

/* A worker says nothing between statements: if there is something to read it is gone or mad. One
 * that is not ready may have said READY, which is for whoever takes it. */
static bool is_lost(const PoolWorker *worker, int64_t now_ns)
{
    if (worker->is_ready)
        return channel_is_readable(&worker->channel);
    return now_ns > worker->spawned_ns + POOL_SETUP_MS_MAX * POOL_MS_NS;
}

static uint32_t idle_query_workers(const QueryPool *pool)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pool->worker_count; i++)
        count += pool->workers[i].role == ROLE_QUERY && pool->workers[i].state == WORKER_IDLE;
    return count;
}

/* The worker is this thread's for as long as it takes to tell it. */
static void forget_stale(QueryPool *pool, PoolWorker *worker, int64_t now_ns)
{
    Error error;
    worker->state = WORKER_BUSY;
    mutex_unlock(&pool->mutex);
    Status status = keep_forget_stale(worker, now_ns, now_ns + POOL_TICK_MS * POOL_MS_NS, &error);
    mutex_lock(&pool->mutex);
    worker->state = WORKER_IDLE;
    if (status != OK || worker->was_killed || worker->is_stale)
        end_idle(pool, worker);
    condition_broadcast(&pool->changed);
}

static void look_after_idle(QueryPool *pool, PoolWorker *worker, int64_t now_ns)
{
    bool is_surplus = worker->role == ROLE_QUERY && idle_query_workers(pool) > 1 &&
                      now_ns - worker->idle_since_ns > POOL_IDLE_MS_MAX * POOL_MS_NS;
    if (is_lost(worker, now_ns)) {
        pool->statistics.failures++;
        end_idle(pool, worker);
    } else if (is_surplus) {
        end_idle(pool, worker);
    } else if (worker->is_ready && keep_has_stale(worker, now_ns)) {
        forget_stale(pool, worker, now_ns);
    }
}

/* One round over the places; true where something has to be looked at again soon. */
static bool look_after(QueryPool *pool, bool is_tick)
{
    bool is_ending = false;
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        PoolWorker *worker = &pool->workers[i];
        int64_t now_ns = env_monotonic_ns(pool->env);
        if (worker->state == WORKER_WANTED && pool->is_closing)
            worker->state = WORKER_EMPTY;
        if (worker->state == WORKER_IDLE && pool->is_closing)
            end_idle(pool, worker);
        if (worker->state == WORKER_WANTED && now_ns >= pool->respawn_ns)
            start_wanted(pool, worker);
        if (worker->state == WORKER_ENDING)
            reap_ending(pool, worker);
        if (worker->state == WORKER_IDLE && is_tick)
            look_after_idle(pool, worker, now_ns);
        is_ending |= worker->state == WORKER_ENDING;
    }
    return is_ending;
}

static bool has_state(const QueryPool *pool, WorkerState state)
{
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        if (pool->workers[i].state == state)
            return true;
    }
    return false;
}

static bool is_over(const QueryPool *pool)
{
    if (!pool->is_closing || pool->users > 0)
        return false;
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        if (pool->workers[i].state != WORKER_EMPTY)
            return false;
    }
    return true;
}

void keeper_run(void *argument)
{
    QueryPool *pool = argument;
    int64_t tick_ns = 0;
    mutex_lock(&pool->mutex);
    while (!is_over(pool)) {
        int64_t now_ns = env_monotonic_ns(pool->env);
        bool is_tick = now_ns >= tick_ns;
        if (is_tick)
            tick_ns = now_ns + POOL_TICK_MS * POOL_MS_NS;
        bool is_ending = look_after(pool, is_tick);
        if (is_over(pool))
            break;
        int64_t until_ns = is_ending ? now_ns + POOL_REAP_TICK_MS * POOL_MS_NS : tick_ns;
        if (has_state(pool, WORKER_WANTED) && pool->respawn_ns < until_ns)
            until_ns = pool->respawn_ns;
        (void)condition_wait_until(&pool->keeper_wakes, &pool->mutex, until_ns);
    }
    mutex_unlock(&pool->mutex);
}
