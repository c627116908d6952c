/* A simulation from its creation to its end, and its Env. */
#include "base/simulation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/simulation_int.h"

static const SimulationOptions defaults = {
    .priority_changes = 3,
    .priority_steps = 10000,
    .steps_max = 10000000,
    .step_ns = 1000,
    .wall_us = INT64_C(1704067200000000),
    .stack_bytes = 1 << 20,
};

/* ---- memory of its own ---- */

void *simulation_allocate(size_t size)
{
    void *memory = calloc(1, size);
    ASSERT(memory != NULL);
    return memory;
}

void *simulation_resize(void *memory, size_t size)
{
    void *resized = realloc(memory, size);
    ASSERT(resized != NULL);
    return resized;
}

char *simulation_clone_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(simulation_allocate(size), text, size);
}

void simulation_free(void *memory)
{
    free(memory);
}

/* ---- clock, randomness, yielding ---- */

static int64_t simulated_wall_us(Env *env)
{
    const Simulation *simulation = simulation_of(env);
    return simulation->options.wall_us + simulation->wall_moved_us + simulation->now_ns / 1000;
}

static int64_t simulated_monotonic_ns(Env *env)
{
    return simulation_of(env)->now_ns;
}

static void simulated_sleep_ns(Env *env, int64_t duration_ns)
{
    simulation_sleep(simulation_of(env), duration_ns, "sleep", "");
}

static void simulated_random(Env *env, void *out, size_t size)
{
    random_bytes(&simulation_of(env)->program_random, out, size);
}

static void simulated_yield(Env *env, const char *point)
{
    simulation_step(simulation_of(env), "yield", point);
}

static void simulated_kill(Env *env)
{
    Simulation *simulation = simulation_of(env);
    ASSERT(simulation->current != NULL);
    simulation_add_report(simulation, "killed at a fault point");
    simulation_crash(simulation, simulation->options.killed_as);
}

void simulation_move_wall_clock(Simulation *simulation, int64_t by_us)
{
    simulation->wall_moved_us += by_us;
}

/* ---- shared memory: pages of this process ---- */

static Status simulated_shared_memory_open(Env *env, const char *name, size_t size,
                                           SharedMemory *out, Error *error)
{
    Simulation *simulation = simulation_of(env);
    Operation operation = operation_begin(simulation, SIMULATION_SHARE_MEMORY, name, error);
    if (operation.fault != OK)
        return operation_end(&operation, operation.fault);
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT(data != MAP_FAILED);
    SharedBlock *block = simulation_allocate(sizeof *block);
    *block = (SharedBlock){.next = simulation->shared,
                           .data = data,
                           .size = size,
                           .run = simulation->current == NULL ? 0 : simulation->runs};
    simulation->shared = block;
    *out = (SharedMemory){.data = data, .size = size, .descriptor = -1};
    return operation_end(&operation, OK);
}

static void free_shared(Simulation *simulation, SharedBlock **at)
{
    SharedBlock *block = *at;
    *at = block->next;
    simulation_forget_marks(block->data, block->size); /* its owner may have ended with a crash */
    ASSERT(munmap(block->data, block->size) == 0);
    simulation_free(block);
    (void)simulation;
}

static void simulated_shared_memory_close(Env *env, SharedMemory *memory)
{
    Simulation *simulation = simulation_of(env);
    if (memory->data == NULL)
        return;
    SharedBlock **at = &simulation->shared;
    while ((*at)->data != memory->data)
        at = &(*at)->next;
    free_shared(simulation, at);
    *memory = (SharedMemory){.descriptor = -1};
}

static const EnvOperations simulated_operations = {
    .wall_us = simulated_wall_us,
    .monotonic_ns = simulated_monotonic_ns,
    .sleep_ns = simulated_sleep_ns,
    .random = simulated_random,
    .yield = simulated_yield,
    .kill = simulated_kill,
    .mutex_open = simulated_mutex_open,
    .mutex_close = simulated_mutex_close,
    .mutex_lock = simulated_mutex_lock,
    .mutex_try_lock = simulated_mutex_try_lock,
    .mutex_unlock = simulated_mutex_unlock,
    .condition_open = simulated_condition_open,
    .condition_close = simulated_condition_close,
    .condition_wait_until = simulated_condition_wait_until,
    .condition_wake = simulated_condition_wake,
    .thread_start = simulated_thread_start,
    .thread_join = simulated_thread_join,
    .file_open = simulated_file_open,
    .stat = simulated_stat,
    .list = simulated_list,
    .make_directory = simulated_make_directory,
    .sync_directory = simulated_sync_directory,
    .rename = simulated_rename,
    .link = simulated_link,
    .remove = simulated_remove,
    .remove_directory = simulated_remove_directory,
    .free_space = simulated_free_space,
    .lock_open = simulated_lock_open,
    .shared_memory_open = simulated_shared_memory_open,
    .shared_memory_close = simulated_shared_memory_close,
    .socket_listen = simulated_socket_listen,
    .socket_connect = simulated_socket_connect,
};

/* ---- from creation to destruction ---- */

static void fill_options(SimulationOptions *options)
{
    if (options->priority_changes == 0)
        options->priority_changes = defaults.priority_changes;
    if (options->priority_steps == 0)
        options->priority_steps = defaults.priority_steps;
    if (options->steps_max == 0)
        options->steps_max = defaults.steps_max;
    if (options->step_ns == 0)
        options->step_ns = defaults.step_ns;
    if (options->wall_us == 0)
        options->wall_us = defaults.wall_us;
    if (options->stack_bytes == 0)
        options->stack_bytes = defaults.stack_bytes;
    options->stack_bytes = (options->stack_bytes + 4095) & ~(size_t)4095;
}

Simulation *simulation_create(const SimulationOptions *options)
{
    Simulation *simulation = simulation_allocate(sizeof *simulation);
    simulation->env.operations = &simulated_operations;
    simulation->options = *options;
    fill_options(&simulation->options);
    simulation->tracker = memory_tracker_create();
    simulation->schedule_random = random_of(options->seed);
    simulation->disk_random = random_of(options->seed ^ 0x6469736b);
    simulation->program_random = random_of(options->seed ^ 0x70726f67);
    simulation->low_priority = 1 << 30;
    simulation->earliest_ns = INT64_MAX;
    simulation->root = inode_create(simulation, true);
    simulation->root->links = 1;
    return simulation;
}

Env *simulation_env(Simulation *simulation)
{
    return &simulation->env;
}

static void close_everything(Simulation *simulation)
{
    while (simulation->thread_count > 0)
        simulation_free_thread(simulation->threads[0]);
    simulation->runnable_count = 0;
    simulation->earliest_ns = INT64_MAX;
    while (simulation->files != NULL)
        disk_file_free(simulation, simulation->files);
    simulated_sockets_close(simulation);
    while (simulation->shared != NULL)
        free_shared(simulation, &simulation->shared);
}

void simulation_destroy(Simulation *simulation)
{
    if (simulation == NULL)
        return;
    ASSERT(simulation->current == NULL);
    close_everything(simulation);
    disk_crash(simulation, true); /* nothing holds on to anything by a change */
    inode_release(simulation, simulation->root);
    ASSERT(simulation->inodes == NULL);
    stack_pool_close(&simulation->stacks);
    memory_tracker_destroy(simulation->tracker);
    simulation_free(simulation->threads);
    simulation_free(simulation->runnable);
    simulation_free(simulation);
}

/* ---- running ---- */

typedef struct Main {
    Simulation *simulation;
    void (*run)(void *argument);
    void *argument;
} Main;

/* Main has returned: whatever else is still there was left behind. */
static SimulationEnd look_for_leftovers(Simulation *simulation)
{
    size_t found = 0;
    for (size_t i = 0; i < simulation->thread_count; i++) {
        const Coroutine *thread = simulation->threads[i];
        if (thread == simulation->current)
            continue;
        simulation_add_report(simulation, "thread %s at %s %s; ", thread->name, thread->point,
                              thread->state == COROUTINE_ENDED ? "" : thread->point_name);
        found++;
    }
    for (const DiskFile *file = simulation->files; file != NULL; file = file->next) {
        if (file->run != simulation->runs)
            continue;
        simulation_add_report(simulation, "file %s; ", file->path);
        found++;
    }
    size_t sockets = simulated_sockets_of_run(simulation);
    if (sockets > 0)
        simulation_add_report(simulation, "%zu sockets; ", sockets);
    size_t blocks = 0;
    for (const SharedBlock *block = simulation->shared; block != NULL; block = block->next)
        blocks += block->run == simulation->runs;
    if (blocks > 0)
        simulation_add_report(simulation, "%zu shared memories; ", blocks);
    return found + sockets + blocks == 0 ? SIMULATION_FINISHED : SIMULATION_LEFTOVERS;
}

static void run_main(void *argument)
{
    Main *main = argument;
    main->run(main->argument);
    simulation_end_run(main->simulation, look_for_leftovers(main->simulation));
}

static void apply_crash(Simulation *simulation, SimulationCrash policy)
{
    close_everything(simulation);
    if (policy != SIMULATION_KILL)
        disk_crash(simulation, policy == SIMULATION_LOSE_ALL);
}

static void clean_up(Simulation *simulation)
{
    if (simulation->end == SIMULATION_FINISHED) {
        memory_tracker_forget_all(simulation->tracker); /* what is left is a leak of its own */
        simulation_free_thread(simulation->threads[0]);
        simulation->runnable_count = 0;
        return;
    }
    apply_crash(simulation,
                simulation->is_crash_chosen ? simulation->crash_policy : SIMULATION_KILL);
    memory_tracker_free_all(simulation->tracker);
}

SimulationEnd simulation_run(Simulation *simulation, void (*main)(void *argument), void *argument)
{
    ASSERT(simulation->current == NULL && simulation->thread_count == 0);
    Main wrapped = {simulation, main, argument};
    simulation->runs++;
    simulation->steps_of_run = 0;
    simulation->report[0] = '\0';
    simulation->is_crash_chosen = false;
    fiber_open_own(&simulation->outside);
    simulation->current = simulation_start_thread(simulation, "main", run_main, &wrapped);
    memory_tracker_use(simulation->tracker);
    fiber_switch(&simulation->outside, &simulation->current->fiber);
    memory_tracker_use(NULL);
    simulation->current = NULL;
    clean_up(simulation);
    return simulation->end;
}

const char *simulation_report(const Simulation *simulation)
{
    return simulation->report;
}

const char *simulation_end_name(SimulationEnd end)
{
    static const char *const names[] = {"finished",   "leftovers",       "crashed",
                                        "deadlocked", "steps exhausted", "failed"};
    return names[end];
}

void simulation_crash(Simulation *simulation, SimulationCrash policy)
{
    if (simulation->current == NULL) {
        apply_crash(simulation, policy);
        return;
    }
    simulation->crash_policy = policy;
    simulation->is_crash_chosen = true;
    simulation_end_run(simulation, SIMULATION_CRASHED);
}

noreturn void simulation_fail(Simulation *simulation, const char *format, ...)
{
    ASSERT(simulation->current != NULL);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(simulation->report, sizeof simulation->report, format, arguments);
    va_end(arguments);
    simulation_end_run(simulation, SIMULATION_FAILED);
}

uint64_t simulation_steps(const Simulation *simulation)
{
    return simulation->steps;
}

uint64_t simulation_switches(const Simulation *simulation)
{
    return simulation->switches;
}
