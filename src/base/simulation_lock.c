/* Locks, conditions and threads of the simulated Env. A lock is free or has a holder; whoever waits
 * for it is woken when it is released and competes for it anew, as with a real one. */
#include "base/assert.h"
#include "base/simulation_int.h"

/* Outside a run there is one holder: the program that holds the simulation. */
static void *self(Simulation *simulation)
{
    return simulation->current != NULL ? (void *)simulation->current : (void *)simulation;
}

void simulated_mutex_open(Mutex *mutex)
{
    mutex->as.simulated.holder = NULL;
    mutex->as.simulated.waiting = NULL;
}

void simulated_mutex_close(Mutex *mutex)
{
    ASSERT(mutex->as.simulated.holder == NULL);
}

static void wait_for_mutex(Simulation *simulation, Mutex *mutex)
{
    Coroutine *thread = simulation->current;
    ASSERT(thread != NULL); /* outside a run nobody could ever release it */
    thread->mutex = mutex;
    mutex->as.simulated.waiting = thread;
    (void)simulation_wait(simulation, mutex, INT64_MAX, "lock", mutex->name);
    thread->mutex = NULL;
}

static void take_mutex(Simulation *simulation, Mutex *mutex)
{
    while (mutex->as.simulated.holder != NULL)
        wait_for_mutex(simulation, mutex);
    mutex->as.simulated.holder = self(simulation);
}

static void give_mutex(Simulation *simulation, Mutex *mutex)
{
    ASSERT(mutex->as.simulated.holder == self(simulation));
    mutex->as.simulated.holder = NULL;
    if (mutex->as.simulated.waiting == NULL)
        return;
    mutex->as.simulated.waiting = NULL;
    simulation_wake(simulation, mutex, true);
}

void simulated_mutex_lock(Mutex *mutex)
{
    Simulation *simulation = simulation_of(mutex->env);
    simulation_step(simulation, "lock", mutex->name);
    take_mutex(simulation, mutex);
}

bool simulated_mutex_try_lock(Mutex *mutex)
{
    Simulation *simulation = simulation_of(mutex->env);
    simulation_step(simulation, "try lock", mutex->name);
    if (mutex->as.simulated.holder != NULL)
        return false;
    mutex->as.simulated.holder = self(simulation);
    return true;
}

void simulated_mutex_unlock(Mutex *mutex)
{
    Simulation *simulation = simulation_of(mutex->env);
    give_mutex(simulation, mutex);
    simulation_step(simulation, "unlock", mutex->name);
}

void simulated_condition_open(Condition *condition)
{
    condition->as.simulated_waiting = NULL;
}

void simulated_condition_close(Condition *condition)
{
    Simulation *simulation = simulation_of(condition->env);
    for (size_t i = 0; i < simulation->thread_count; i++)
        ASSERT(simulation->threads[i]->channel != condition);
}

/* Now and then a wait ends for no reason, as the real ones may. */
static bool is_spurious(Simulation *simulation)
{
    uint32_t in_1000 = simulation->options.spurious_in_1000;
    return in_1000 > 0 && random_chance(&simulation->schedule_random, in_1000, 1000);
}

bool simulated_condition_wait_until(Condition *condition, Mutex *mutex, int64_t deadline_ns)
{
    Simulation *simulation = simulation_of(condition->env);
    int64_t until_ns = deadline_ns;
    if (simulation->current != NULL && is_spurious(simulation)) {
        int64_t soon_ns =
            simulation->now_ns + (int64_t)random_below(&simulation->schedule_random, 1000000);
        until_ns = soon_ns < deadline_ns ? soon_ns : deadline_ns;
    }
    give_mutex(simulation, mutex);
    bool woken = simulation_wait(simulation, condition, until_ns, "wait", mutex->name);
    take_mutex(simulation, mutex);
    return woken || simulation->now_ns < deadline_ns;
}

void simulated_condition_wake(Condition *condition, bool all)
{
    Simulation *simulation = simulation_of(condition->env);
    simulation_wake(simulation, condition, all);
    simulation_step(simulation, all ? "broadcast" : "signal", "");
}

Status simulated_thread_start(Env *env, const char *name, size_t stack_bytes, void (*run)(void *),
                              void *argument, Thread **out, Error *error)
{
    (void)stack_bytes; /* the simulation's options say */
    Simulation *simulation = simulation_of(env);
    ASSERT(simulation->current != NULL); /* only a run has threads */
    Operation operation = operation_begin(simulation, SIMULATION_START_THREAD, name, error);
    if (operation.fault != OK)
        return operation_end(&operation, operation.fault);
    *out = &simulation_start_thread(simulation, name, run, argument)->base;
    simulation_step(simulation, "started", name);
    return operation_end(&operation, OK);
}

void simulated_thread_join(Thread *base)
{
    Coroutine *thread = (Coroutine *)base;
    Simulation *simulation = thread->simulation;
    simulation_step(simulation, "join", thread->name);
    while (thread->state != COROUTINE_ENDED)
        (void)simulation_wait(simulation, thread, INT64_MAX, "join", thread->name);
    simulation_free_thread(thread);
}
