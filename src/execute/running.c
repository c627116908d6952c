/* The statements that run now, for system.queries and KILL QUERY. */
#include <stdio.h>

#include "execute/execute_int.h"

static void copy_text(char *out, size_t size, Slice text)
{
    size_t n = text.size < size - 1 ? text.size : size - 1;
    if (n > 0)
        memcpy(out, text.data, n);
    out[n] = '\0';
}

static void fill(Running *running, const Run *run, uint64_t number)
{
    RunningStatement *shown = &running->shown;
    (void)snprintf(shown->query_id, sizeof shown->query_id, "Q-%llu", (unsigned long long)number);
    memcpy(shown->connection_id, run->session->id, sizeof shown->connection_id);
    shown->user_id = run->session->principal.user_id;
    copy_text(shown->user_name, sizeof shown->user_name, run->session->principal.name);
    copy_text(shown->sql, sizeof shown->sql, run->plan->sql);
    shown->state = "running";
    shown->executor =
        run->plan->kind == STATEMENT_SELECT && run->plan->as.select->short_read == NULL ? "engine"
                                                                                        : "short";
    shown->started_us = run->now_us;
}

void running_begin(Run *run, Running *running)
{
    Executor *executor = run->executor;
    *running = (Running){0};
    mutex_lock(&executor->mutex);
    fill(running, run, ++executor->next_query);
    running->next = executor->running;
    if (executor->running != NULL)
        executor->running->previous = running;
    executor->running = running;
    mutex_unlock(&executor->mutex);
    run->running = running;
}

void running_end(Run *run)
{
    Executor *executor = run->executor;
    Running *running = run->running;
    mutex_lock(&executor->mutex);
    if (running->previous != NULL)
        running->previous->next = running->next;
    else
        executor->running = running->next;
    if (running->next != NULL)
        running->next->previous = running->previous;
    mutex_unlock(&executor->mutex);
    run->running = NULL;
}

static void cancel(Executor *executor, Running *running)
{
    atomic_store(&running->cancelled, true);
    if (executor->pool != NULL)
        query_cancel(executor->pool, &running->handle);
}

static bool may_kill(const Running *running, const Principal *who)
{
    GuardedObject none = {.kind = OBJECT_NONE};
    return running->shown.user_id == who->user_id ||
           guard_allows(who->role, ACTION_KILL_ALL, &none);
}

Status executor_kill(Executor *executor, Slice query_id, const Principal *who, Error *error)
{
    bool found = false;
    mutex_lock(&executor->mutex);
    for (Running *running = executor->running; running != NULL; running = running->next) {
        if (!slice_equal_text(query_id, running->shown.query_id) || !may_kill(running, who))
            continue;
        cancel(executor, running);
        found = true;
    }
    mutex_unlock(&executor->mutex);
    if (found)
        return OK;
    return error_set(error, STATUS_UNDEFINED_OBJECT, "query \"%.*s\" does not exist",
                     SLICE_ARGUMENTS(query_id));
}

void executor_cancel_connection(Executor *executor, const char *connection_id)
{
    mutex_lock(&executor->mutex);
    for (Running *running = executor->running; running != NULL; running = running->next) {
        if (connection_id == NULL || strcmp(running->shown.connection_id, connection_id) == 0)
            cancel(executor, running);
    }
    mutex_unlock(&executor->mutex);
}

void executor_cancel_queries(Executor *executor)
{
    mutex_lock(&executor->mutex);
    for (Running *running = executor->running; running != NULL; running = running->next) {
        if (strcmp(running->shown.executor, "engine") == 0 && !atomic_load(&running->cancelled))
            cancel(executor, running);
    }
    mutex_unlock(&executor->mutex);
}

static size_t count_running(Executor *executor)
{
    size_t count = 0;
    for (const Running *running = executor->running; running != NULL; running = running->next)
        count++;
    return count;
}

Status executor_running(Executor *executor, Arena *arena, RunningStatement **out, size_t *count,
                        Error *error)
{
    for (;;) {
        mutex_lock(&executor->mutex);
        size_t wanted = count_running(executor);
        mutex_unlock(&executor->mutex);
        RunningStatement *list = ARENA_ARRAY(arena, RunningStatement, wanted);
        if (list == NULL)
            return arena_error(arena, error);
        size_t n = 0;
        mutex_lock(&executor->mutex);
        bool fits = count_running(executor) <= wanted;
        for (Running *running = executor->running; fits && running != NULL; running = running->next)
            list[n++] = running->shown;
        mutex_unlock(&executor->mutex);
        if (!fits)
            continue;
        *out = list;
        *count = n;
        return OK;
    }
}
