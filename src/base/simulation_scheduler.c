/* The scheduler: who runs, what time it is, and how a run ends.
 *
 * Exactly one coroutine runs. Each switch goes from it straight to the next one, so that a step
 * that chooses the same coroutine again costs no switch. Threads that wait are found by their
 * channel (the address of what they wait for) with a walk over all threads: there are dozens, not
 * thousands. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/simulation_int.h"

enum {
    STREAK_MAX = 2000, /* by priorities: a thread that only spins must let others by */
    LOW_PRIORITIES = 1 << 30,
};

/* ---- reports and the trace ---- */

void simulation_add_report(Simulation *simulation, const char *format, ...)
{
    size_t used = strlen(simulation->report);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(simulation->report + used, sizeof simulation->report - used, format, arguments);
    va_end(arguments);
}

static uint64_t mix_text(uint64_t hash, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
    return hash * 0x9e3779b97f4a7c15u;
}

static void note(Simulation *simulation, Coroutine *thread, const char *point, const char *name)
{
    TraceEvent *event = &simulation->trace[simulation->trace_count++ % SIMULATION_TRACE_EVENTS];
    size_t size = strlen(name);
    size_t shown = size < sizeof event->name ? size : sizeof event->name - 1;
    event->step = simulation->steps;
    event->point = point;
    memcpy(event->thread, thread->name, sizeof event->thread);
    memcpy(event->name, name + size - shown, shown);
    event->name[shown] = '\0';
    uint64_t hash = mix_text(simulation->trace_hash ^ thread->number, point, strlen(point));
    simulation->trace_hash = mix_text(hash, event->name, shown);
    thread->point = point;
    thread->point_name = name;
}

void simulation_put_trace(const Simulation *simulation, Buffer *out)
{
    uint64_t count = simulation->trace_count;
    uint64_t first = count < SIMULATION_TRACE_EVENTS ? 0 : count - SIMULATION_TRACE_EVENTS;
    for (uint64_t i = first; i < count; i++) {
        const TraceEvent *event = &simulation->trace[i % SIMULATION_TRACE_EVENTS];
        buffer_put_format(out, "%8llu %-15s %s %s\n", (unsigned long long)event->step,
                          event->thread, event->point, event->name);
    }
}

uint64_t simulation_trace_hash(const Simulation *simulation)
{
    return simulation->trace_hash;
}

static const char *holder_name(const Simulation *simulation, const Mutex *mutex)
{
    const void *holder = mutex->as.simulated.holder;
    if (holder == simulation)
        return "the program outside the run";
    return holder == NULL ? "nobody" : ((const Coroutine *)holder)->name;
}

void simulation_report_threads(Simulation *simulation)
{
    for (size_t i = 0; i < simulation->thread_count; i++) {
        const Coroutine *thread = simulation->threads[i];
        if (thread->state == COROUTINE_ENDED)
            continue;
        bool waits = thread->state == COROUTINE_WAITING;
        simulation_add_report(simulation, "; %s %s %s%s%s", thread->name,
                              waits ? "waits in" : "is at", thread->point,
                              thread->point_name[0] == '\0' ? "" : " ", thread->point_name);
        if (waits && thread->mutex != NULL)
            simulation_add_report(simulation, ", held by %s",
                                  holder_name(simulation, thread->mutex));
    }
}

/* ---- who can run ---- */

static void add_runnable(Simulation *simulation, Coroutine *thread)
{
    thread->state = COROUTINE_RUNNABLE;
    thread->place = simulation->runnable_count;
    simulation->runnable[simulation->runnable_count++] = thread;
}

static void remove_runnable(Simulation *simulation, Coroutine *thread)
{
    Coroutine *last = simulation->runnable[--simulation->runnable_count];
    simulation->runnable[thread->place] = last;
    last->place = thread->place;
}

static void find_earliest(Simulation *simulation)
{
    simulation->earliest_ns = INT64_MAX;
    for (size_t i = 0; i < simulation->thread_count; i++) {
        const Coroutine *thread = simulation->threads[i];
        if (thread->state == COROUTINE_WAITING && thread->deadline_ns < simulation->earliest_ns)
            simulation->earliest_ns = thread->deadline_ns;
    }
}

static void wake_late(Simulation *simulation)
{
    for (size_t i = 0; i < simulation->thread_count; i++) {
        Coroutine *thread = simulation->threads[i];
        if (thread->state != COROUTINE_WAITING || thread->deadline_ns > simulation->now_ns)
            continue;
        thread->timed_out = true;
        add_runnable(simulation, thread);
    }
    find_earliest(simulation);
}

/* ---- who runs next ---- */

static void lower_priority(Simulation *simulation, Coroutine *thread)
{
    thread->priority = --simulation->low_priority;
    thread->streak = 0;
}

static Coroutine *choose_by_priority(Simulation *simulation)
{
    Coroutine *current = simulation->current;
    const SimulationOptions *options = &simulation->options;
    bool changes = random_chance(&simulation->schedule_random, options->priority_changes,
                                 options->priority_steps);
    if (changes || ++current->streak > STREAK_MAX)
        lower_priority(simulation, current);
    Coroutine *best = simulation->runnable[0];
    for (size_t i = 1; i < simulation->runnable_count; i++) {
        if (simulation->runnable[i]->priority > best->priority)
            best = simulation->runnable[i];
    }
    if (best != current)
        best->streak = 0;
    return best;
}

static Coroutine *choose(Simulation *simulation)
{
    if (simulation->options.schedule == SIMULATION_PRIORITIES)
        return choose_by_priority(simulation);
    if (simulation->runnable_count == 1)
        return simulation->runnable[0];
    uint64_t chosen = random_below(&simulation->schedule_random, simulation->runnable_count);
    return simulation->runnable[chosen];
}

static void switch_to(Simulation *simulation, Coroutine *next)
{
    Coroutine *from = simulation->current;
    if (next == from)
        return;
    simulation->current = next;
    simulation->switches++;
    fiber_switch(&from->fiber, &next->fiber);
}

noreturn void simulation_end_run(Simulation *simulation, SimulationEnd end)
{
    simulation->end = end;
    fiber_switch(&simulation->current->fiber, &simulation->outside);
    UNREACHABLE();
}

static void count_step(Simulation *simulation)
{
    simulation->steps++;
    simulation->now_ns += simulation->options.step_ns;
    if (simulation->crash_step != 0 && --simulation->crash_step == 0) {
        simulation->crash_policy = simulation->crash_step_policy;
        simulation->is_crash_chosen = true;
        simulation_add_report(simulation, "crashed at the chosen step");
        simulation_end_run(simulation, SIMULATION_CRASHED);
    }
    if (++simulation->steps_of_run > simulation->options.steps_max) {
        simulation_add_report(simulation, "%llu steps and no end",
                              (unsigned long long)simulation->options.steps_max);
        simulation_report_threads(simulation);
        simulation_end_run(simulation, SIMULATION_STEPS_EXHAUSTED);
    }
}

/* Comes back when the current thread is chosen again. */
static void schedule(Simulation *simulation)
{
    count_step(simulation);
    if (simulation->now_ns >= simulation->earliest_ns)
        wake_late(simulation);
    /* The earliest deadline may be of somebody who was woken before it: then nobody wakes yet. */
    while (simulation->runnable_count == 0) {
        if (simulation->earliest_ns == INT64_MAX) {
            simulation_add_report(simulation, "deadlock");
            simulation_report_threads(simulation);
            simulation_end_run(simulation, SIMULATION_DEADLOCKED);
        }
        if (simulation->earliest_ns > simulation->now_ns)
            simulation->now_ns = simulation->earliest_ns;
        wake_late(simulation);
    }
    switch_to(simulation, choose(simulation));
}

/* ---- what the others call ---- */

void simulation_step(Simulation *simulation, const char *point, const char *name)
{
    if (simulation->current == NULL) {
        simulation->now_ns += simulation->options.step_ns;
        return;
    }
    note(simulation, simulation->current, point, name);
    schedule(simulation);
}

bool simulation_wait(Simulation *simulation, const void *channel, int64_t deadline_ns,
                     const char *point, const char *name)
{
    Coroutine *thread = simulation->current;
    if (thread == NULL) { /* nobody else is there: only time can end it */
        ASSERT(deadline_ns != INT64_MAX);
        if (simulation->now_ns < deadline_ns)
            simulation->now_ns = deadline_ns;
        return false;
    }
    note(simulation, thread, point, name);
    remove_runnable(simulation, thread);
    thread->state = COROUTINE_WAITING;
    thread->channel = channel;
    thread->deadline_ns = deadline_ns;
    thread->timed_out = false;
    if (deadline_ns < simulation->earliest_ns)
        simulation->earliest_ns = deadline_ns;
    schedule(simulation);
    thread->channel = NULL;
    return !thread->timed_out;
}

static bool waits_for(const Coroutine *thread, const void *channel)
{
    return thread->state == COROUTINE_WAITING && thread->channel == channel;
}

void simulation_wake(Simulation *simulation, const void *channel, bool all)
{
    size_t waiting = 0;
    for (size_t i = 0; i < simulation->thread_count; i++)
        waiting += waits_for(simulation->threads[i], channel);
    if (waiting == 0)
        return;
    uint64_t chosen = all ? 0 : random_below(&simulation->schedule_random, waiting);
    size_t at = 0;
    for (size_t i = 0; i < simulation->thread_count; i++) {
        if (!waits_for(simulation->threads[i], channel))
            continue;
        if (all || at == chosen)
            add_runnable(simulation, simulation->threads[i]);
        at++;
    }
}

void simulation_sleep(Simulation *simulation, int64_t duration_ns, const char *point,
                      const char *name)
{
    if (duration_ns <= 0) {
        simulation_step(simulation, point, name);
        return;
    }
    int64_t deadline_ns;
    if (__builtin_add_overflow(simulation->now_ns, duration_ns, &deadline_ns))
        deadline_ns = INT64_MAX - 1;
    (void)simulation_wait(simulation, NULL, deadline_ns, point, name);
}

/* ---- threads ---- */

static void run_thread(void *argument)
{
    Coroutine *thread = argument;
    Simulation *simulation = thread->simulation;
    thread->run(thread->argument);
    thread->state = COROUTINE_ENDED;
    remove_runnable(simulation, thread);
    simulation_wake(simulation, thread, true);
    note(simulation, thread, "end", "");
    schedule(simulation);
}

static void add_thread(Simulation *simulation, Coroutine *thread)
{
    if (simulation->thread_count == simulation->thread_capacity) {
        size_t capacity = simulation->thread_capacity * 2 + 16;
        simulation->threads =
            simulation_resize(simulation->threads, capacity * sizeof *simulation->threads);
        simulation->runnable =
            simulation_resize(simulation->runnable, capacity * sizeof *simulation->runnable);
        simulation->thread_capacity = capacity;
    }
    simulation->threads[simulation->thread_count++] = thread;
    add_runnable(simulation, thread);
}

/* All stacks are of one size, so that each can be used again for any thread. */
Coroutine *simulation_start_thread(Simulation *simulation, const char *name,
                                   void (*run)(void *argument), void *argument)
{
    Coroutine *thread = simulation_allocate(sizeof *thread);
    size_t size = strlen(name);
    memcpy(thread->name, name, size < sizeof thread->name ? size : sizeof thread->name - 1);
    thread->base.env = &simulation->env;
    thread->simulation = simulation;
    thread->number = ++simulation->threads_started;
    thread->point = "start";
    thread->point_name = "";
    thread->run = run;
    thread->argument = argument;
    thread->priority = LOW_PRIORITIES + (random_u64(&simulation->schedule_random) >> 2);
    fiber_open(&thread->fiber, &simulation->stacks, simulation->options.stack_bytes, run_thread,
               thread);
    add_thread(simulation, thread);
    return thread;
}

/* An ended one, or any one after the run. */
void simulation_free_thread(Coroutine *thread)
{
    Simulation *simulation = thread->simulation;
    size_t i = 0;
    while (simulation->threads[i] != thread)
        i++;
    simulation->threads[i] = simulation->threads[--simulation->thread_count];
    fiber_close(&thread->fiber, &simulation->stacks);
    simulation_free(thread);
}
