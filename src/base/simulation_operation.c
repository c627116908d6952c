/* What every operation goes through: counting, a choice of the scheduler, faults that a test asked
 * for, and the chosen moment of a crash. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/simulation_int.h"

static const struct {
    const char *name;
    bool changes;
} operations[SIMULATION_OPERATION_COUNT] = {
#define X(name, changes) {#name, changes},
    SIMULATION_OPERATIONS(X)
#undef X
};

void simulation_inject(Simulation *simulation, const SimulationFault *fault)
{
    ASSERT(simulation->fault_count < SIMULATION_FAULTS_MAX);
    ASSERT(fault->nth > 0 && fault->status != OK);
    simulation->faults[simulation->fault_count++] = *fault;
}

void simulation_clear_faults(Simulation *simulation)
{
    simulation->fault_count = 0;
}

uint64_t simulation_faults_fired(const Simulation *simulation)
{
    return simulation->faults_fired;
}

uint64_t simulation_count(const Simulation *simulation, SimulationOperation operation)
{
    return simulation->counts[operation];
}

uint64_t simulation_changes(const Simulation *simulation)
{
    return simulation->changes;
}

void simulation_crash_at_change(Simulation *simulation, uint64_t n, SimulationCrash policy)
{
    simulation->crash_change = n;
    simulation->crash_change_policy = policy;
}

void simulation_crash_at_step(Simulation *simulation, uint64_t n, SimulationCrash policy)
{
    simulation->crash_step = n;
    simulation->crash_step_policy = policy;
}

/* ---- faults ---- */

/* Counts the operation in every rule that it meets; the status of the first that fires. */
static Status fault_of(Simulation *simulation, SimulationOperation operation, const char *path)
{
    Status status = OK;
    for (size_t i = 0; i < simulation->fault_count; i++) {
        SimulationFault *fault = &simulation->faults[i];
        bool is_meant = fault->operation == operation &&
                        (fault->path_part == NULL || strstr(path, fault->path_part) != NULL);
        if (!is_meant || fault->nth == 0)
            continue;
        if (--fault->nth > 0)
            continue;
        fault->nth = fault->for_good;
        if (status == OK)
            status = fault->status;
    }
    return status;
}

static Status set_fault(Status status, SimulationOperation operation, const char *path,
                        Error *error)
{
    const char *name = operations[operation].name;
    if (status == STATUS_IO_ERROR)
        return error_set_errno(error, EIO, name, path);
    if (status == STATUS_DISK_FULL)
        return error_set_errno(error, ENOSPC, name, path);
    (void)error_of(error, status);
    return error_wrap(error, "%s %s", name, path);
}

/* ---- the moment of a crash ---- */

static void crash_now(Simulation *simulation)
{
    simulation_add_report(simulation, "crashed at the chosen change of the disk");
    simulation_crash(simulation, simulation->crash_change_policy);
}

/* True where this is the chosen change. A sync that is cut off is one that has not happened; every
 * other change is as likely to have happened as not. */
static bool is_chosen_change(Simulation *simulation, SimulationOperation operation)
{
    if (!operations[operation].changes)
        return false;
    simulation->changes++;
    if (simulation->current == NULL || simulation->crash_change == 0 ||
        --simulation->crash_change > 0)
        return false;
    bool is_sync = operation == SIMULATION_SYNC || operation == SIMULATION_SYNC_DIRECTORY;
    if (is_sync || random_chance(&simulation->disk_random, 1, 2))
        crash_now(simulation);
    return true;
}

Operation operation_begin(Simulation *simulation, SimulationOperation operation, const char *path,
                          Error *error)
{
    Operation begun = {.simulation = simulation, .fault = OK};
    simulation_step(simulation, operations[operation].name, path);
    simulation->counts[operation]++;
    begun.crashes = is_chosen_change(simulation, operation);
    Status fault = fault_of(simulation, operation, path);
    if (fault != OK) {
        simulation->faults_fired++;
        begun.fault = set_fault(fault, operation, path, error);
    }
    return begun;
}

Status operation_end(const Operation *operation, Status status)
{
    if (operation->crashes)
        crash_now(operation->simulation);
    return status;
}
