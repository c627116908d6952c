/* Simulation: a whole machine in one thread, repeatable from a seed.
 *
 * Its Env runs every Thread as a coroutine of a scheduler that chooses, at each lock, wait, sleep,
 * yield and file operation, who goes on. Its clock stands still while somebody can run, but for a
 * little at each step, and jumps when all are asleep. Its disk remembers for every file and
 * directory what is durable and what is not yet, and after a crash is one of the disks a real
 * machine could be left with. The same seed and the same program give the same run, to the last
 * step.
 *
 *     Simulation *simulation = simulation_create(&options);
 *     while (simulation_run(simulation, open_database_and_work, &test) == SIMULATION_CRASHED)
 *         ;                          each run starts on the disk that the last one left
 *     simulation_destroy(simulation);
 *
 * Threading: one simulation belongs to one OS thread; several may run at once in several threads.
 * Outside simulation_run its Env may be used as well, by that one thread: files can be prepared and
 * looked at; what would wait for another thread stops the process.
 * Ownership: a crash frees everything that the run allocated through base/memory.h and every
 * thread, file, socket and shared memory of the Env. What must outlive a crash (what a test
 * believes) is allocated before the run, or by malloc; blocks from outside may grow and be freed
 * inside. What a library takes from malloc by itself is lost in a crash: give it base/memory.h.
 * Errors: none; a simulation without memory stops the process. Nothing in production refers to it.
 */
#ifndef FIRN_BASE_SIMULATION_H
#define FIRN_BASE_SIMULATION_H

#include <stdnoreturn.h>

#include "base/env.h"

enum {
    SIMULATION_SECTOR_BYTES = 512, /* written whole or not at all */
    SIMULATION_FAULTS_MAX = 16,
    SIMULATION_TRACE_EVENTS = 256,
    SIMULATION_SOCKET_BUFFER_BYTES = 64 * 1024, /* in each direction */
};

typedef struct Simulation Simulation;

/* What is left of what was not synced when a run ends by a crash. */
typedef enum SimulationCrash {
    SIMULATION_KILL,       /* the process died: everything written is there, and still unsynced */
    SIMULATION_POWER_LOSS, /* each unsynced write is kept, lost or torn at sectors, later ones kept
                              where earlier ones are lost; of each directory a part of its unsynced
                              changes is kept, in order; all chosen by the seed */
    SIMULATION_LOSE_ALL,   /* power loss at its worst: nothing unsynced is left */
} SimulationCrash;

typedef enum SimulationSchedule {
    SIMULATION_UNIFORM,    /* whoever can run is as likely as the others */
    SIMULATION_PRIORITIES, /* the highest of random priorities runs; they change a few times. Finds
                              what needs one thread to be delayed for long */
} SimulationSchedule;

/* Zeros are good values. */
typedef struct SimulationOptions {
    uint64_t seed;
    SimulationSchedule schedule;
    uint32_t priority_changes; /* in priority_steps steps, on average; 0: 3 */
    uint64_t priority_steps;   /* 0: 10,000 */
    uint64_t steps_max;        /* of one run; 0: 10 million */
    int64_t step_ns;           /* by which each step moves the clock; 0: 1,000 */
    int64_t wall_us;           /* at the start; 0: 2024-01-01 */
    uint32_t spurious_in_1000; /* waits for a condition that end for no reason */
    size_t stack_bytes;        /* of every thread, whatever it asks for; 0: 1 MiB */
    uint64_t disk_bytes;       /* 0: without end */
    int64_t sync_ns_min;       /* a sync takes this long … */
    int64_t sync_ns_max;       /* … to this long, and others run meanwhile */
    bool corrupts_unsynced;    /* a power loss may leave garbage in the bytes being written */
    SimulationCrash killed_as; /* what a fault point's `kill` does */
    int64_t socket_latency_ns; /* from a write until it can be read */
} SimulationOptions;

Simulation *simulation_create(const SimulationOptions *options);
void simulation_destroy(Simulation *simulation);
Env *simulation_env(Simulation *simulation);

/* ---- running ---- */

typedef enum SimulationEnd {
    SIMULATION_FINISHED,        /* main returned, and left nothing behind */
    SIMULATION_LEFTOVERS,       /* main returned and left threads, files, sockets or memory open */
    SIMULATION_CRASHED,         /* simulation_crash, or what was set to crash it */
    SIMULATION_DEADLOCKED,      /* all wait for each other */
    SIMULATION_STEPS_EXHAUSTED, /* steps_max: a livelock, or a long test */
    SIMULATION_FAILED,          /* simulation_fail */
} SimulationEnd;

/* Until main returns or the run ends otherwise; an end other than FINISHED leaves the disk as a
 * crash does (as SIMULATION_KILL where no policy was given) and frees what the run held. */
SimulationEnd simulation_run(Simulation *simulation, void (*main)(void *argument), void *argument);

/* How the last run ended, for people: who waits for what, what was left open, what failed. */
const char *simulation_report(const Simulation *simulation);
const char *simulation_end_name(SimulationEnd end);

/* Inside a run: ends it here and now, does not return. Outside: the disk alone suffers. */
void simulation_crash(Simulation *simulation, SimulationCrash policy);

/* Inside a run: ends it with this text as its report. */
noreturn void simulation_fail(Simulation *simulation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define SIMULATION_CHECK(simulation, expression)                                         \
    do {                                                                                 \
        if (!(expression))                                                               \
            simulation_fail((simulation), "%s:%d: %s", __FILE__, __LINE__, #expression); \
    } while (0)

/* Crashes at the n-th change of the disk from now (1 is the next): before it, after it, or in its
 * midst. 0 switches it off. */
void simulation_crash_at_change(Simulation *simulation, uint64_t n, SimulationCrash policy);

/* Crashes at the n-th step of the scheduler from now. */
void simulation_crash_at_step(Simulation *simulation, uint64_t n, SimulationCrash policy);

/* ---- looking at it ---- */

/* The operations that can be counted and failed. X(name, does it change the disk?) */
#define SIMULATION_OPERATIONS(X) \
    X(OPEN, false)               \
    X(CREATE, true)              \
    X(READ, false)               \
    X(WRITE, true)               \
    X(SYNC, true)                \
    X(TRUNCATE, true)            \
    X(ALLOCATE, true)            \
    X(STAT, false)               \
    X(LIST, false)               \
    X(MAKE_DIRECTORY, true)      \
    X(SYNC_DIRECTORY, true)      \
    X(RENAME, true)              \
    X(LINK, true)                \
    X(REMOVE, true)              \
    X(REMOVE_DIRECTORY, true)    \
    X(LOCK, true)                \
    X(START_THREAD, false)       \
    X(SHARE_MEMORY, false)       \
    X(CONNECT, false)

typedef enum SimulationOperation {
#define X(name, changes) SIMULATION_##name,
    SIMULATION_OPERATIONS(X)
#undef X
        SIMULATION_OPERATION_COUNT
} SimulationOperation;

uint64_t simulation_count(const Simulation *simulation, SimulationOperation operation);
uint64_t simulation_changes(const Simulation *simulation); /* of the disk */
uint64_t simulation_steps(const Simulation *simulation);
uint64_t simulation_switches(const Simulation *simulation);

/* Of everything that happened since the start: equal hashes, equal runs. */
uint64_t simulation_trace_hash(const Simulation *simulation);

/* The last events, one line each: step, thread, point, name. */
void simulation_put_trace(const Simulation *simulation, Buffer *out);

/* ---- breaking it ---- */

typedef struct SimulationFault {
    SimulationOperation operation;
    const char *path_part; /* of paths that contain it; NULL: of all. Must outlive the fault */
    uint64_t nth;          /* from now; 1 is the next */
    bool for_good;         /* it and all after it, until the faults are cleared */
    Status status;         /* STATUS_IO_ERROR, STATUS_DISK_FULL, … */
} SimulationFault;

/* A write that fails may have written a part; a sync that fails leaves some of the unsynced data
 * durable and forgets the rest: reads still see it, no later sync makes it durable. */
void simulation_inject(Simulation *simulation, const SimulationFault *fault);
void simulation_clear_faults(Simulation *simulation);
uint64_t simulation_faults_fired(const Simulation *simulation);

void simulation_set_disk_bytes(Simulation *simulation, uint64_t disk_bytes); /* 0: without end */
uint64_t simulation_disk_used(const Simulation *simulation);
uint64_t simulation_refusals(const Simulation *simulation); /* for want of space */
void simulation_move_wall_clock(Simulation *simulation, int64_t by_us);

typedef enum SimulationLink {
    SIMULATION_LINK_UP,
    SIMULATION_LINK_HELD, /* nothing arrives; it does when the link is up again */
    SIMULATION_LINK_CUT,  /* connections break, new ones are refused */
} SimulationLink;

/* The link to those who listen on this address, as socket_connect names it. */
void simulation_set_link(Simulation *simulation, const char *address, SimulationLink link);

#endif
