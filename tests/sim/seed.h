/* One seed: a world, the crashes and faults that the seed has for it, and what came of them.
 *
 * Threading: one thread. Ownership: the caller's totals, which are added to. */
#ifndef FIRN_TESTS_SIM_SEED_H
#define FIRN_TESTS_SIM_SEED_H

#include "base/fault.h"
#include "base/simulation.h"

/* What ended a life that did not end by itself. */
typedef enum CrashCause {
    CRASH_AT_CHANGE, /* of the disk: before it, after it or in its midst */
    CRASH_AT_STEP,   /* of the scheduler */
    CRASH_AT_POINT,  /* a fault point */
    CRASH_CAUSES,
} CrashCause;

typedef struct Totals {
    uint64_t worlds;
    uint64_t lives; /* from an opening to a close or a crash */
    uint64_t crashes;
    uint64_t crashes_with_faults; /* in lives in which something was set to fail */
    uint64_t crashes_of_power;
    uint64_t crashes_by[CRASH_CAUSES];
    uint64_t faults[SIMULATION_OPERATION_COUNT]; /* that an operation of the disk was refused */
    uint64_t refusals;                           /* for want of space */
    uint64_t point_errors;                       /* that a fault point gave */
    uint64_t fired[FAULT_POINT_COUNT];           /* kills and errors */
    uint64_t checks;
    uint64_t keys_read;
    uint64_t rows_changed;
    uint64_t acknowledged;
    uint64_t flushes;
    uint64_t compactions;
    uint64_t definitions;
    uint64_t steps;
} Totals;

typedef struct SeedOptions {
    bool has_faults; /* in every life; otherwise in every fourth world */
    bool with_trace; /* print what happened last */
} SeedOptions;

/* One world, with its crashes. False, with the reason printed, where it was not clean. */
bool seed_run(uint64_t seed, const SeedOptions *options, Totals *totals);

void totals_print(const Totals *totals, uint64_t from, int64_t seconds);

/* A line for each fault point: how often it was passed, and how often it was made to fail. */
void points_print(const Totals *totals);

/* ---- loss.c ---- */

/* `count` losses of power in each mode of durability, with the disk's worst choice in half of them:
 * what was acknowledged and is gone, by time and by number. Prints a line for each mode; false
 * where a mode lost more than it is allowed to. */
bool loss_measure(uint64_t from, uint64_t count);

#endif
