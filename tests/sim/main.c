/* The engine in a simulated machine, seed by seed:
 *     engine_sim --seeds N [--from S]     N worlds; stops at the first that is not clean
 *     engine_sim --seed S                 one of them again, with what happened last
 *     engine_sim --breakage NAME [--seeds N]   one rule broken: must be noticed
 *     engine_sim --canary [--seeds N]     each rule in turn
 *     engine_sim --list                   the rules */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/sim/world.h"

enum {
    RUNS_MAX = 4,
    STEPS_MAX = 3000000,
    FAULTLESS_OPERATIONS = 40, /* the engine is open by then */
};

typedef struct Totals {
    uint64_t worlds;
    uint64_t crashes;
    uint64_t checks;
    uint64_t keys_read;
    uint64_t rows_changed;
    uint64_t flushes;
    uint64_t compactions;
    uint64_t definitions;
    uint64_t steps;
} Totals;

/* What a seed decides beside the order of steps. */
typedef struct Plan {
    Random random;
    SimulationOptions options;
    LogDurability durability;
    SimulationCrash crash;
    size_t runs;
    bool has_faults;
} Plan;

static void make_plan(uint64_t seed, Plan *plan)
{
    *plan = (Plan){0};
    plan->random = random_of(seed);
    Random *random = &plan->random;
    plan->options = (SimulationOptions){
        .seed = seed,
        .schedule = random_below(random, 2) == 0 ? SIMULATION_UNIFORM : SIMULATION_PRIORITIES,
        .priority_changes = 30,
        .priority_steps = 10000,
        .steps_max = STEPS_MAX,
        .spurious_in_1000 = 2,
        .sync_ns_min = 1000,
        .sync_ns_max = 50000,
        .corrupts_unsynced = random_below(random, 2) == 0,
        .killed_as = SIMULATION_KILL,
    };
    plan->durability = random_below(random, 4) != 0   ? LOG_ALWAYS
                       : random_below(random, 2) == 0 ? LOG_INTERVAL
                                                      : LOG_NONE;
    plan->crash = random_below(random, 3) == 0 ? SIMULATION_KILL : SIMULATION_POWER_LOSS;
    plan->has_faults = random_below(random, 4) == 0;
    plan->runs = 1 + random_below(random, RUNS_MAX - 1);
}

static void live(void *argument)
{
    World *world = argument;
    world_open(world);
    actors_start(world);
    world_pause(world, 300 + world_random(world, 1200));
    world_stop(world);
    oracle_check_counters(world);
    world_close(world);
}

static void arm_crash(Plan *plan, World *world, bool is_last)
{
    simulation_crash_at_change(world->simulation, 0, plan->crash);
    simulation_crash_at_step(world->simulation, 0, plan->crash);
    if (is_last)
        return;
    if (random_below(&plan->random, 2) == 0)
        simulation_crash_at_change(world->simulation, 1 + random_below(&plan->random, 400),
                                   plan->crash);
    else
        simulation_crash_at_step(world->simulation, 1 + random_below(&plan->random, 15000),
                                 plan->crash);
}

/* One operation of the disk fails, once or from then on; or the disk is full from some time on. The
 * next morning all is well again. */
static void arm_faults(Plan *plan, World *world)
{
    static const SimulationOperation operations[] = {
        SIMULATION_WRITE,    SIMULATION_SYNC,   SIMULATION_SYNC_DIRECTORY, SIMULATION_CREATE,
        SIMULATION_ALLOCATE, SIMULATION_RENAME, SIMULATION_LINK,           SIMULATION_REMOVE,
    };
    Random *random = &plan->random;
    simulation_clear_faults(world->simulation);
    simulation_set_disk_bytes(world->simulation, 0);
    if (!plan->has_faults)
        return;
    if (random_below(random, 4) == 0) {
        uint64_t more = random_below(random, 2000) << 10;
        simulation_set_disk_bytes(world->simulation,
                                  simulation_disk_used(world->simulation) + (1 << 20) + more);
        return;
    }
    size_t count = sizeof operations / sizeof *operations;
    SimulationFault fault = {.operation = operations[random_below(random, count)],
                             .nth = FAULTLESS_OPERATIONS + random_below(random, 300),
                             .for_good = random_below(random, 2) == 0,
                             .status =
                                 random_below(random, 4) == 0 ? STATUS_DISK_FULL : STATUS_IO_ERROR};
    simulation_inject(world->simulation, &fault);
}

static void add_up(Totals *totals, const World *world)
{
    const Oracle *oracle = world->oracle;
    totals->worlds++;
    totals->crashes += oracle->crashes;
    totals->checks += oracle->checks;
    totals->keys_read += oracle->keys_read;
    totals->rows_changed += oracle->rows_changed;
    totals->flushes += oracle->flushes;
    totals->compactions += oracle->compactions;
    totals->definitions += oracle->definitions;
    totals->steps += simulation_steps(world->simulation);
}

static void print_trace(const Simulation *simulation)
{
    Buffer text;
    buffer_open(&text, 0);
    simulation_put_trace(simulation, &text);
    (void)printf("%.*s\n", (int)text.size, (const char *)text.data);
    buffer_close(&text);
}

/* One world, with its crashes. False, with the reason printed, where it was not clean. */
static bool run_seed(uint64_t seed, Totals *totals, bool with_trace)
{
    Plan plan;
    World world = {0};
    SimulationEnd end = SIMULATION_CRASHED;
    make_plan(seed, &plan);
    world.simulation = simulation_create(&plan.options);
    world.env = simulation_env(world.simulation);
    world.oracle = oracle_create();
    world.durability = plan.durability;
    world.segment_bytes = (uint64_t)(64 << 10) << random_below(&plan.random, 5);
    world.has_stream = random_below(&plan.random, 2) == 0;
    world.has_faults = plan.has_faults;
    world.may_lose_acked = plan.durability != LOG_ALWAYS && plan.crash != SIMULATION_KILL;
    for (size_t run = 0; run <= plan.runs && end == SIMULATION_CRASHED; run++) {
        arm_crash(&plan, &world, run == plan.runs);
        arm_faults(&plan, &world);
        end = simulation_run(world.simulation, live, &world);
        if (end == SIMULATION_FINISHED && run < plan.runs)
            end = SIMULATION_CRASHED; /* it ended before the crash: another morning all the same */
        else if (end == SIMULATION_CRASHED)
            world.oracle->crashes++;
    }
    if (end != SIMULATION_FINISHED) {
        static const char *const modes[] = {"always", "interval", "none"};
        (void)printf("seed %" PRIu64 " (durability %s, %s%s, %" PRIu64 " crashes): %s: %s\n", seed,
                     modes[plan.durability], plan.has_faults ? "faults, " : "",
                     plan.crash == SIMULATION_KILL ? "kill" : "loss of power",
                     world.oracle->crashes, simulation_end_name(end),
                     simulation_report(world.simulation));
        if (with_trace)
            print_trace(world.simulation);
    }
    add_up(totals, &world);
    oracle_destroy(world.oracle);
    simulation_destroy(world.simulation);
    return end == SIMULATION_FINISHED;
}

static int run_seeds(uint64_t from, uint64_t count)
{
    Totals totals = {0};
    time_t began = time(NULL);
    for (uint64_t seed = from; seed < from + count; seed++)
        if (!run_seed(seed, &totals, count == 1))
            return 1;
    (void)printf("clean: %" PRIu64 " worlds from seed %" PRIu64 ", %" PRIu64 " crashes, %" PRIu64
                 " row changes, %" PRIu64 " flushes, %" PRIu64 " compactions, %" PRIu64
                 " definitions, %" PRIu64 " checks of %" PRIu64 " rows, %" PRIu64
                 " steps, %lld s\n",
                 totals.worlds, from, totals.crashes, totals.rows_changed, totals.flushes,
                 totals.compactions, totals.definitions, totals.checks, totals.keys_read,
                 totals.steps, (long long)(time(NULL) - began));
    return 0;
}

/* ---- canaries: each broken rule must be noticed ---- */

/* In a child: a broken engine may stop the process, and that counts. */
static bool is_noticed(enum Breakage breakage, uint64_t count, bool is_quiet)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (is_quiet && freopen("/dev/null", "w", stderr) == NULL)
            _exit(0);
        breakage_set(breakage);
        Totals totals = {0};
        for (uint64_t seed = 1; seed <= count; seed++)
            if (!run_seed(seed, &totals, false)) {
                (void)fflush(stdout);
                _exit(1);
            }
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        (void)printf("cannot run a child\n");
        exit(2);
    }
    if (WIFSIGNALED(status))
        (void)printf("the engine stopped itself (signal %d)\n", WTERMSIG(status));
    return WIFSIGNALED(status) || WEXITSTATUS(status) == 1;
}

/* Rules of rooms that are not in this program are tested with those. */
static bool is_elsewhere(enum Breakage breakage)
{
    return breakage == BREAKAGE_handover;
}

static int run_canaries(uint64_t count)
{
    int missed = 0;
    for (int i = BREAKAGE_NONE + 1; i < BREAKAGE_COUNT; i++) {
        if (is_elsewhere((enum Breakage)i))
            continue;
        (void)printf("%-20s ", breakage_name((enum Breakage)i));
        if (is_noticed((enum Breakage)i, count, true))
            continue;
        (void)printf("MISSED in %" PRIu64 " worlds: %s\n", count,
                     breakage_meaning((enum Breakage)i));
        missed++;
    }
    return missed > 0;
}

static int list(void)
{
    for (int i = BREAKAGE_NONE + 1; i < BREAKAGE_COUNT; i++)
        (void)printf("%-20s %s\n", breakage_name((enum Breakage)i),
                     breakage_meaning((enum Breakage)i));
    return 0;
}

static bool find_breakage(const char *name, enum Breakage *out)
{
    for (int i = BREAKAGE_NONE + 1; i < BREAKAGE_COUNT; i++)
        if (strcmp(name, breakage_name((enum Breakage)i)) == 0) {
            *out = (enum Breakage)i;
            return true;
        }
    return false;
}

static uint64_t number_of(const char *text)
{
    char *rest;
    unsigned long long number = strtoull(text, &rest, 10);
    if (*text == '\0' || *rest != '\0') {
        (void)fprintf(stderr, "not a number: %s\n", text);
        exit(2);
    }
    return number;
}

int main(int count, char **arguments)
{
    uint64_t seeds = 100;
    uint64_t from = 1;
    bool canary = false;
    enum Breakage breakage = BREAKAGE_NONE;
    for (int i = 1; i < count; i++) {
        const char *value = i + 1 < count ? arguments[i + 1] : "";
        if (strcmp(arguments[i], "--list") == 0)
            return list();
        if (strcmp(arguments[i], "--canary") == 0) {
            canary = true;
            continue;
        }
        i++;
        if (strcmp(arguments[i - 1], "--seeds") == 0) {
            seeds = number_of(value);
        } else if (strcmp(arguments[i - 1], "--from") == 0) {
            from = number_of(value);
        } else if (strcmp(arguments[i - 1], "--seed") == 0) {
            from = number_of(value);
            seeds = 1;
        } else if (strcmp(arguments[i - 1], "--breakage") != 0 ||
                   !find_breakage(value, &breakage)) {
            (void)fprintf(stderr, "unknown: %s %s\n", arguments[i - 1], value);
            return 2;
        }
    }
    if (canary)
        return run_canaries(seeds);
    if (breakage != BREAKAGE_NONE && seeds > 1)
        return is_noticed(breakage, seeds, false) ? 0 : 1;
    breakage_set(breakage);
    return run_seeds(from, seeds);
}
