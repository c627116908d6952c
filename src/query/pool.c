#include "query/pool_int.h"

#include "base/assert.h"
#include "query/data_file_io.h"

/* ---- looking for workers (the mutex is held) ---- */

/* Warm caches first: of those that are idle the one that was busy last, ready ones before others.
 */
static bool is_better(const PoolWorker *worker, const PoolWorker *than)
{
    if (than == NULL)
        return true;
    if (worker->role != than->role)
        return worker->role > than->role; /* fetches: their own before the statements' */
    if (worker->is_ready != than->is_ready)
        return worker->is_ready;
    return worker->idle_since_ns > than->idle_since_ns;
}

static PoolWorker *find_idle(QueryPool *pool, unsigned roles)
{
    PoolWorker *best = NULL;
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        PoolWorker *worker = &pool->workers[i];
        bool fits = worker->state == WORKER_IDLE && (worker->role & roles) != 0;
        if (fits && is_better(worker, best))
            best = worker;
    }
    return best;
}

/* Could one of these roles come free, or is one on its way? An ending one makes place, no more. */
static bool has_hope(const QueryPool *pool, unsigned roles)
{
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        const PoolWorker *worker = &pool->workers[i];
        bool is_none = worker->state == WORKER_EMPTY || worker->state == WORKER_ENDING;
        if ((worker->role & roles) != 0 && !is_none)
            return true;
    }
    return false;
}

/* Asks the keeper for one more worker of the highest of the roles that has a place. */
static void want_worker(QueryPool *pool, unsigned roles)
{
    PoolWorker *place = NULL;
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        PoolWorker *worker = &pool->workers[i];
        bool fits = worker->state == WORKER_EMPTY && (worker->role & roles) != 0;
        if (fits && (place == NULL || worker->role > place->role))
            place = worker;
    }
    if (place == NULL)
        return;
    place->state = WORKER_WANTED;
    condition_signal(&pool->keeper_wakes);
}

static uint32_t count_wanted(const QueryPool *pool)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < pool->worker_count; i++)
        count += pool->workers[i].state == WORKER_WANTED;
    return count;
}

/* One query worker stands ready besides those that are busy, as long as there is a place. */
static void want_spare(QueryPool *pool)
{
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        const PoolWorker *worker = &pool->workers[i];
        bool is_spare = worker->state == WORKER_IDLE || worker->state == WORKER_WANTED;
        if (worker->role == ROLE_QUERY && is_spare)
            return;
    }
    if (pool->wants_spare && !pool->is_closing)
        want_worker(pool, ROLE_QUERY);
}

/* ---- taking ---- */

static Status set_timeout(Error *error)
{
    return error_set(error, STATUS_QUERY_CANCELED, "canceling statement due to statement timeout");
}

static Status check_wanted(const QueryPool *pool, const QueryHandle *handle, Error *error)
{
    if (pool->is_closing)
        return error_of(error, STATUS_SHUTTING_DOWN);
    if (handle != NULL && atomic_load(&handle->cancelled))
        return error_set(error, STATUS_QUERY_CANCELED, "canceling statement due to user request");
    return OK;
}

static Status set_spawn_error(const QueryPool *pool, Error *error)
{
    *error = pool->spawn_error;
    return error->status;
}

static Status wait_for_change(QueryPool *pool, int64_t deadline_ns, Error *error)
{
    if (pool->waiting >= POOL_WAITING_MAX)
        return error_set(error, STATUS_TOO_MANY_REQUESTS, "too many statements wait for a worker");
    pool->waiting++;
    bool in_time = condition_wait_until(&pool->changed, &pool->mutex, deadline_ns);
    pool->waiting--;
    return in_time ? OK : set_timeout(error);
}

static Status take_idle(QueryPool *pool, unsigned roles, int64_t deadline_ns, QueryHandle *handle,
                        PoolWorker **out, Error *error)
{
    uint64_t failures = pool->spawn_failures;
    for (;;) {
        TRY(check_wanted(pool, handle, error));
        PoolWorker *worker = find_idle(pool, roles);
        if (worker != NULL) {
            *out = worker;
            return OK;
        }
        if (pool->spawn_failures != failures && !has_hope(pool, roles))
            return set_spawn_error(pool, error);
        if (count_wanted(pool) <= pool->waiting) /* one for each that waits, and for this one */
            want_worker(pool, roles);
        TRY(wait_for_change(pool, deadline_ns, error));
    }
}

static void mark_busy(QueryPool *pool, PoolWorker *worker, QueryHandle *handle)
{
    worker->state = WORKER_BUSY;
    worker->handle = handle;
    worker->statement++;
    if (handle != NULL)
        atomic_store(&handle->worker, worker->pid);
    want_spare(pool);
}

/* ---- READY ---- */

static Status take_ready(PoolWorker *worker, const Frame *frame, Error *error)
{
    Cursor cursor = cursor_of(frame->body);
    if (frame->kind == MESSAGE_READY && cursor_u32(&cursor) == PROTOCOL_VERSION &&
        cursor_is_done(&cursor)) {
        worker->is_ready = true;
        return OK;
    }
    Error said;
    error_clear(&said);
    if (frame->kind == MESSAGE_FAILED)
        TRY(failure_decode(frame->body, &said, error));
    (void)error_set(error, STATUS_WORKER_FAILED, "the engine's worker process could not start");
    (void)error_wrap(error, "%s (%s)", said.message, said.internal);
    return STATUS_WORKER_FAILED;
}

/* `*is_good`: the worker is only not there yet, the statement's time is over. */
static Status make_ready(PoolWorker *worker, int64_t deadline_ns, bool *is_good, Error *error)
{
    int64_t limit = worker->spawned_ns + POOL_SETUP_MS_MAX * POOL_MS_NS;
    *is_good = true;
    if (worker->is_ready)
        return OK;
    Status status =
        channel_wait(&worker->channel, deadline_ns < limit ? deadline_ns : limit, error);
    if (status == STATUS_QUERY_CANCELED && deadline_ns < limit)
        return set_timeout(error);
    *is_good = false;
    Frame frame;
    TRY(status);
    TRY(channel_receive(&worker->channel, limit, &frame, error));
    TRY(take_ready(worker, &frame, error));
    *is_good = true;
    return OK;
}

Status pool_take(QueryPool *pool, unsigned roles, int64_t deadline_ns, QueryHandle *handle,
                 PoolWorker **out, Error *error)
{
    PoolWorker *worker = NULL;
    mutex_lock(&pool->mutex);
    pool->users++;
    Status status = take_idle(pool, roles, deadline_ns, handle, &worker, error);
    if (status == OK)
        mark_busy(pool, worker, handle);
    else
        pool->users--;
    condition_broadcast(&pool->changed);
    mutex_unlock(&pool->mutex);
    if (status != OK)
        return status;
    bool is_good = true;
    status = make_ready(worker, deadline_ns, &is_good, error);
    if (status == OK) {
        *out = worker;
        return OK;
    }
    if (!is_good)
        status = pool_explain_end(pool, worker, handle, error);
    pool_give_back(pool, worker, is_good ? FATE_GOOD : FATE_FAILED);
    return status;
}

/* ---- giving back ---- */

void pool_kill(QueryPool *pool, PoolWorker *worker)
{
    if (worker->was_killed || worker->pid == 0)
        return;
    worker->was_killed = true;
    process_kill(worker->pid);
    channel_interrupt(&worker->channel);
    if (worker->state == WORKER_BUSY)
        pool->statistics.kills++;
}

/* Good workers of a state from before a folder was allowed are not kept. */
void pool_give_back(QueryPool *pool, PoolWorker *worker, WorkerFate fate)
{
    bool is_good = fate == FATE_GOOD;
    mutex_lock(&pool->mutex);
    ASSERT(worker->state == WORKER_BUSY);
    if (worker->handle != NULL)
        atomic_store(&worker->handle->worker, 0);
    worker->handle = NULL;
    bool stays = is_good && !worker->was_killed && !worker->is_stale && !pool->is_closing;
    if (fate == FATE_FAILED && !worker->was_killed)
        pool->statistics.failures++;
    if (fate == FATE_KILLED && !worker->was_killed)
        pool->statistics.kills++;
    worker->state = stays ? WORKER_IDLE : WORKER_ENDING;
    if (!stays)
        pool_kill(pool, worker);
    worker->idle_since_ns = env_monotonic_ns(pool->env);
    pool->wants_spare |= worker->role == ROLE_QUERY;
    want_spare(pool);
    pool->users--;
    condition_signal(&pool->keeper_wakes);
    condition_broadcast(&pool->changed);
    mutex_unlock(&pool->mutex);
}

uint32_t pool_threads(QueryPool *pool, const PoolWorker *worker)
{
    if (worker->role == ROLE_FETCH)
        return 1;
    uint32_t busy = 0;
    mutex_lock(&pool->mutex);
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        const PoolWorker *other = &pool->workers[i];
        busy += other->state == WORKER_BUSY && other->role != ROLE_FETCH;
    }
    mutex_unlock(&pool->mutex);
    uint32_t threads = pool->options.threads / (busy == 0 ? 1 : busy);
    return threads == 0 ? 1 : threads;
}

Status pool_explain_end(QueryPool *pool, const PoolWorker *worker, QueryHandle *handle,
                        Error *error)
{
    mutex_lock(&pool->mutex);
    Error why;
    Status status = check_wanted(pool, handle, &why);
    bool was_killed = worker->was_killed;
    mutex_unlock(&pool->mutex);
    if (status != OK) {
        *error = why;
        return status;
    }
    if (error->status == STATUS_QUERY_CANCELED)
        return set_timeout(error);
    if (error->status != STATUS_CONNECTION_FAILURE && error->status != STATUS_PROTOCOL_VIOLATION)
        return error->status;
    char internal[ERROR_INTERNAL_BYTES_MAX];
    memcpy(internal, error->internal, sizeof internal);
    char message[ERROR_MESSAGE_BYTES_MAX];
    memcpy(message, error->message, sizeof message);
    (void)error_set(error, STATUS_WORKER_FAILED, "the engine's worker process failed");
    error_set_hint(error, "It may have needed more memory than it may have.");
    (void)error_wrap(error, "%s %s%s", message, internal, was_killed ? " (killed)" : "");
    return STATUS_WORKER_FAILED;
}

/* ---- opening and closing ---- */

static Status copy_text(QueryPool *pool, const char **text, Error *error)
{
    *text = arena_text(&pool->arena, slice_of_text(*text));
    return *text == NULL ? arena_error(&pool->arena, error) : OK;
}

static Status copy_options(QueryPool *pool, const QueryPoolOptions *options, Error *error)
{
    pool->options = *options;
    TRY(copy_text(pool, &pool->options.worker_path, error));
    TRY(copy_text(pool, &pool->options.spill_folder, error));
    TRY(copy_text(pool, &pool->options.staging_folder, error));
    if (options->workers == 0 || options->workers > POOL_WORKERS_MAX)
        return error_set(error, STATUS_INVALID_CONFIGURATION, "1 to %d workers", POOL_WORKERS_MAX);
    pool->folders[pool->folder_count++] = slice_of_text(pool->options.staging_folder);
    return OK;
}

static Status make_places(QueryPool *pool, Error *error)
{
    uint32_t queries = pool->options.workers;
    pool->worker_count = queries + 2;
    pool->workers = arena_allocate_zeroed(&pool->arena, pool->worker_count, sizeof *pool->workers);
    if (pool->workers == NULL)
        return arena_error(&pool->arena, error);
    for (uint32_t i = 0; i < pool->worker_count; i++)
        pool->workers[i].role = i < queries ? ROLE_QUERY : i == queries ? ROLE_FETCH : ROLE_WRITE;
    return OK;
}

/* Spill folders of a server that ended without a word. */
static Status clear_spill_folder(QueryPool *pool, Error *error)
{
    const char *folder = pool->options.spill_folder;
    FileInformation information;
    TRY(env_stat(pool->env, folder, &information, error));
    if (information.exists)
        TRY(env_remove_tree(pool->env, folder, error));
    return env_make_directories(pool->env, folder, error);
}

static void free_pool(QueryPool *pool)
{
    condition_close(&pool->changed);
    condition_close(&pool->keeper_wakes);
    mutex_close(&pool->mutex);
    arena_close(&pool->arena);
    memory_free(pool);
}

Status query_pool_open(Env *env, const QueryPoolOptions *options, QueryPool **out, Error *error)
{
    QueryPool *pool = MEMORY_NEW(QueryPool);
    if (pool == NULL)
        return error_out_of_memory(error);
    pool->env = env;
    data_file_io_open(&pool->io);
    arena_open(&pool->arena, 0);
    mutex_open(&pool->mutex, env, "query_pool");
    condition_open(&pool->changed, env);
    condition_open(&pool->keeper_wakes, env);
    Status status = copy_options(pool, options, error);
    if (status == OK)
        status = make_places(pool, error);
    if (status == OK)
        status = clear_spill_folder(pool, error);
    if (status == OK)
        status = thread_start(env, "worker keeper", THREAD_STACK_BYTES_DEFAULT, keeper_run, pool,
                              &pool->keeper, error);
    if (status == OK)
        *out = pool;
    else
        free_pool(pool);
    return status;
}

void query_pool_close(QueryPool *pool)
{
    mutex_lock(&pool->mutex);
    pool->is_closing = true;
    for (uint32_t i = 0; i < pool->worker_count; i++)
        pool_kill(pool, &pool->workers[i]);
    condition_signal(&pool->keeper_wakes);
    condition_broadcast(&pool->changed);
    mutex_unlock(&pool->mutex);
    thread_join(pool->keeper);
    free_pool(pool);
}

Status query_pool_allow_folder(QueryPool *pool, Slice folder, Error *error)
{
    Slice copy = SLICE_EMPTY;
    Status status = OK;
    mutex_lock(&pool->mutex);
    for (uint32_t i = 0; i < pool->folder_count; i++) {
        if (slice_equal(pool->folders[i], folder))
            goto done;
    }
    if (pool->folder_count == POOL_FOLDERS_MAX)
        GO(error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "more than %d folders",
                     POOL_FOLDERS_MAX));
    GO(arena_clone(&pool->arena, folder, &copy, error));
    pool->folders[pool->folder_count++] = copy;
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        PoolWorker *worker = &pool->workers[i];
        worker->is_stale = worker->pid != 0;
        if (worker->state == WORKER_IDLE) {
            worker->state = WORKER_ENDING;
            pool_kill(pool, worker);
        }
    }
    condition_signal(&pool->keeper_wakes);
done:
    mutex_unlock(&pool->mutex);
    return status;
}

void query_cancel(QueryPool *pool, QueryHandle *handle)
{
    mutex_lock(&pool->mutex);
    atomic_store(&handle->cancelled, true);
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        PoolWorker *worker = &pool->workers[i];
        if (worker->state == WORKER_BUSY && worker->handle == handle)
            pool_kill(pool, worker);
    }
    condition_broadcast(&pool->changed);
    mutex_unlock(&pool->mutex);
}

void query_pool_statistics(QueryPool *pool, QueryPoolStatistics *out)
{
    mutex_lock(&pool->mutex);
    *out = pool->statistics;
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        const PoolWorker *worker = &pool->workers[i];
        out->workers_alive += worker->pid != 0 && worker->state != WORKER_ENDING;
        out->workers_busy += worker->state == WORKER_BUSY;
    }
    mutex_unlock(&pool->mutex);
}

DataFileIo *query_data_file_io(QueryPool *pool)
{
    return &pool->io;
}
