/* The committer: makes groups durable, and hands them out.
 *
 * The hand-out point, in this order, in one step: visible advances, what waits for it is installed
 * (both under root, so that a pin sees either all of it or nothing), waiters are told, the frames
 * go to live queries. */
#include "engine/engine_int.h"

enum { COMMITTER_TICK_NS = 200 * 1000 * 1000 };

static bool is_due(const Install *install, const LogGroup *group, uint64_t visible)
{
    return install->position <= group->durable && install->seq <= visible;
}

/* Under sequencer and root. */
static bool run_installs(Engine *engine, const LogGroup *group, uint64_t visible)
{
    bool any = false;
    while (engine->installs != NULL && is_due(engine->installs, group, visible)) {
        Install *install = engine->installs;
        engine->installs = install->next;
        if (engine->installs == NULL)
            engine->installs_end = &engine->installs;
        install->run(install);
        install->status = OK;
        install->done = true;
        any = true;
    }
    return any;
}

/* Takes the waiters whose sequence is visible now off the list. Under root. */
static CommitWaiter *take_visible_waiters(Engine *engine, uint64_t visible)
{
    CommitWaiter *taken = NULL;
    CommitWaiter **at = &engine->visible_waiters;
    while (*at != NULL) {
        CommitWaiter *waiter = *at;
        if (waiter->seq > visible) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        waiter->next = taken;
        taken = waiter;
    }
    return taken;
}

static void complete(CommitWaiter *waiter, Status status)
{
    while (waiter != NULL) {
        CommitWaiter *next = waiter->next; /* the callback may free it */
        waiter->callback(waiter->context, status, &waiter->result);
        waiter = next;
    }
}

static void count_commits(Engine *engine, const CommitWaiter *waiter)
{
    int64_t now_ns = env_monotonic_ns(engine->env);
    uint64_t count = 0;
    uint64_t waited_ns = 0;
    for (; waiter != NULL; waiter = waiter->next) {
        count++;
        waited_ns += (uint64_t)(now_ns - waiter->appended_ns);
    }
    atomic_fetch_add_explicit(&engine->commits, count, memory_order_relaxed);
    atomic_fetch_add_explicit(&engine->commit_ns, waited_ns, memory_order_relaxed);
}

/* Installs take the sequencer too: they change what the next statement is sequenced against. */
static void hand_out(Engine *engine, const LogGroup *group, CommitWaiter *waiters, uint64_t head,
                     bool has_installs)
{
    bool installed = false;
    env_yield(engine->env, "durable");
    if (has_installs)
        mutex_lock(&engine->sequencer);
    mutex_lock(&engine->root);
    atomic_store_explicit(&engine->visible, head, memory_order_release);
    if (has_installs)
        installed = run_installs(engine, group, head);
    CommitWaiter *visible_waiters = take_visible_waiters(engine, head);
    if (installed)
        condition_broadcast(&engine->handed_out);
    mutex_unlock(&engine->root);
    if (has_installs)
        mutex_unlock(&engine->sequencer);
    count_commits(engine, waiters);
    complete(waiters, OK);
    complete(visible_waiters, OK);
    if (group->chunk != NULL)
        engine->hooks.handed_out(engine->hooks.context, group->chunk, head);
}

/* The log refused: nothing more will ever be visible. Who waits is told that the outcome is not
 * known; the files that a handed-over commit record names stay for recovery to decide. */
static void poison(Engine *engine, CommitWaiter *waiters, const Error *why)
{
    mutex_lock(&engine->sequencer);
    atomic_store(&engine->poisoned, true);
    CommitWaiter *later = engine->waiters;
    engine->waiters = NULL;
    engine->waiters_end = &engine->waiters;
    mutex_lock(&engine->root);
    for (Install *install = engine->installs; install != NULL; install = install->next) {
        install->status = STATUS_LOG_POISONED;
        install->done = true;
    }
    engine->installs = NULL;
    engine->installs_end = &engine->installs;
    CommitWaiter *visible_waiters = engine->visible_waiters;
    engine->visible_waiters = NULL;
    condition_broadcast(&engine->handed_out);
    mutex_unlock(&engine->root);
    mutex_unlock(&engine->sequencer);
    complete(waiters, STATUS_LOG_POISONED);
    complete(later, STATUS_LOG_POISONED);
    complete(visible_waiters, STATUS_LOG_POISONED);
    pressure_relieved(engine);
    engine->hooks.background_error(engine->hooks.context, "log", 0, why);
}

/* Under the sequencer. */
static void count_unflushed(Engine *engine)
{
    LogPosition end = log_appended(engine->log);
    uint64_t bytes = engine->oldest_unsettled == UINT64_MAX ? 0 : end - engine->oldest_unsettled;
    atomic_store_explicit(&engine->unflushed_bytes, bytes, memory_order_relaxed);
}

static void commit_once(Engine *engine)
{
    LogGroup group;
    Error error;
    mutex_lock(&engine->sequencer);
    uint64_t head = engine->head;
    CommitWaiter *waiters = engine->waiters;
    bool has_installs = engine->installs != NULL;
    engine->waiters = NULL;
    engine->waiters_end = &engine->waiters;
    log_take_group(engine->log, head, &group);
    count_unflushed(engine);
    mutex_unlock(&engine->sequencer);
    if (BROKEN(visible_early))
        atomic_store(&engine->visible, head);
    env_yield(engine->env, "group taken");
    Status status = log_write_group(engine->log, &group, &error);
    if (status == OK)
        hand_out(engine, &group, waiters, head, has_installs);
    else
        poison(engine, waiters, &error);
    log_chunk_release(group.chunk);
}

static bool has_work(Engine *engine)
{
    return log_pending_bytes(engine->log) > 0;
}

void committer_run(void *argument)
{
    Engine *engine = argument;
    while (!atomic_load(&engine->closing) ||
           (has_work(engine) && !atomic_load(&engine->poisoned))) {
        if (!atomic_load(&engine->closing))
            log_wait(engine->log, env_monotonic_ns(engine->env) + COMMITTER_TICK_NS);
        if (!atomic_load(&engine->poisoned))
            commit_once(engine);
        else if (!atomic_load(&engine->closing))
            env_sleep_ns(engine->env, COMMITTER_TICK_NS / 10);
    }
}

/* ---- installs ---- */

void engine_add_install(Engine *engine, Install *install)
{
    install->next = NULL;
    install->done = false;
    *engine->installs_end = install;
    engine->installs_end = &install->next;
}

Status engine_wait_install(Engine *engine, Install *install, Error *error)
{
    mutex_lock(&engine->root);
    while (!install->done)
        condition_wait(&engine->handed_out, &engine->root);
    Status status = install->status;
    mutex_unlock(&engine->root);
    if (status != OK)
        return error_set(error, status,
                         "the outcome is not known until the server is started again");
    return OK;
}

/* ---- waiting for visible ---- */

static bool add_visible_waiter(Engine *engine, CommitWaiter *waiter, Status *status)
{
    bool added = false;
    *status = OK;
    mutex_lock(&engine->root);
    if (atomic_load(&engine->visible) < waiter->seq) {
        if (atomic_load(&engine->poisoned)) {
            *status = STATUS_LOG_POISONED;
        } else {
            waiter->next = engine->visible_waiters;
            engine->visible_waiters = waiter;
            added = true;
        }
    }
    mutex_unlock(&engine->root);
    return added;
}

Status engine_wait_visible(Engine *engine, uint64_t seq, Error *error)
{
    if (atomic_load_explicit(&engine->visible, memory_order_acquire) >= seq)
        return OK;
    Status status;
    CommitWait *wait = commit_wait_take(engine);
    if (wait == NULL)
        return error_out_of_memory(error);
    wait->waiter.seq = seq;
    if (add_visible_waiter(engine, &wait->waiter, &status)) {
        log_wake(engine->log);
        status = commit_wait_for(wait);
    }
    commit_wait_give(engine, wait);
    return status == OK ? OK : error_of(error, status);
}

uint64_t engine_visible(const Engine *engine)
{
    return atomic_load_explicit(&engine->visible, memory_order_acquire);
}
