#include "tests/sim/seed.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/random.h"
#include "tests/sim/world.h"

enum {
    RUNS_MAX = 4,
    STEPS_MAX = 3000000,
    FAULTLESS_OPERATIONS = 40, /* the engine is open by then */
    CHANGES_MAX = 400,
    CRASH_STEPS_MAX = 15000,
    LONG_LIFE = 10,
};

/* What a seed decides beside the order of steps. */
typedef struct Plan {
    Random random;
    SimulationOptions options;
    LogDurability durability;
    SimulationCrash crash;
    size_t runs;
    bool has_faults;
    bool has_points;
    uint64_t length; /* of a life, as a multiple: some fill several segments of the log */
} Plan;

/* What is set to happen in one life. */
typedef struct Life {
    World *world;
    uint64_t length;
    CrashCause cause;
    enum FaultPoint point;
    bool has_point;
    bool is_kill;
    char armed[96]; /* of a fault point; "": none */
    SimulationOperation operation;
    bool has_fault; /* something is refused, whether or not it comes to that */
    char fault[96]; /* for people */
    uint64_t fired_before;
    uint64_t faults_before;
    uint64_t refusals_before;
} Life;

static const char *const operation_names[] = {
#define X(name, changes) #name,
    SIMULATION_OPERATIONS(X)
#undef X
};

static void make_plan(uint64_t seed, const SeedOptions *options, Plan *plan)
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
    };
    plan->durability = random_below(random, 4) != 0   ? LOG_ALWAYS
                       : random_below(random, 2) == 0 ? LOG_INTERVAL
                                                      : LOG_NONE;
    plan->crash = random_below(random, 3) == 0 ? SIMULATION_KILL : SIMULATION_POWER_LOSS;
    plan->options.killed_as = plan->crash;
    plan->has_faults = random_below(random, 4) == 0 || options->has_faults;
    plan->runs = 1 + random_below(random, RUNS_MAX - 1);
    plan->has_points = random_below(random, 3) == 0;
    plan->length = random_below(random, 5) == 0 ? LONG_LIFE : 1;
}

static void expect_armed(World *world, const char *text)
{
    Error error;
    world_expect(world, fault_arm(text, &error), &error, "arming");
}

/* A kill may come while the engine opens; an error only once it is open. */
static void live(void *argument)
{
    Life *life = argument;
    World *world = life->world;
    if (life->is_kill)
        expect_armed(world, life->armed);
    world_open(world);
    if (life->has_point && !life->is_kill)
        expect_armed(world, life->armed);
    actors_start(world);
    world_pause(world, (300 + world_random(world, 1200)) * life->length);
    world_stop(world);
    oracle_check_counters(world);
    world_close(world);
}

static void arm_crash(Plan *plan, Life *life, bool is_last)
{
    Simulation *simulation = life->world->simulation;
    simulation_crash_at_change(simulation, 0, plan->crash);
    simulation_crash_at_step(simulation, 0, plan->crash);
    if (is_last)
        return;
    life->cause = random_below(&plan->random, 2) == 0 ? CRASH_AT_CHANGE : CRASH_AT_STEP;
    if (life->cause == CRASH_AT_CHANGE)
        simulation_crash_at_change(
            simulation, 1 + random_below(&plan->random, CHANGES_MAX * plan->length), plan->crash);
    else
        simulation_crash_at_step(simulation,
                                 1 + random_below(&plan->random, CRASH_STEPS_MAX * plan->length),
                                 plan->crash);
}

/* One operation of the disk fails, once or from then on; or the disk is full from some time on. The
 * next morning all is well again. */
static void arm_faults(Plan *plan, Life *life)
{
    static const SimulationOperation operations[] = {
        SIMULATION_WRITE,    SIMULATION_SYNC,   SIMULATION_SYNC_DIRECTORY, SIMULATION_CREATE,
        SIMULATION_ALLOCATE, SIMULATION_RENAME, SIMULATION_LINK,           SIMULATION_REMOVE,
    };
    Random *random = &plan->random;
    Simulation *simulation = life->world->simulation;
    simulation_clear_faults(simulation);
    simulation_set_disk_bytes(simulation, 0);
    if (!plan->has_faults)
        return;
    life->has_fault = true;
    if (random_below(random, 4) == 0) {
        uint64_t more = random_below(random, 2000) << 10;
        simulation_set_disk_bytes(simulation, simulation_disk_used(simulation) + (1 << 20) + more);
        (void)snprintf(life->fault, sizeof life->fault, "full after %" PRIu64 " more bytes, ",
                       (1 << 20) + more);
        return;
    }
    life->operation = operations[random_below(random, sizeof operations / sizeof *operations)];
    SimulationFault fault = {.operation = life->operation,
                             .nth = FAULTLESS_OPERATIONS + random_below(random, 300),
                             .for_good = random_below(random, 2) == 0,
                             .status =
                                 random_below(random, 4) == 0 ? STATUS_DISK_FULL : STATUS_IO_ERROR};
    simulation_inject(simulation, &fault);
    (void)snprintf(life->fault, sizeof life->fault, "%s %" PRIu64 " fails%s, ",
                   operation_names[fault.operation], fault.nth, fault.for_good ? " for good" : "");
}

/* A fault point that kills, or, where faults are allowed, one that fails a few times. */
static void arm_point(Plan *plan, Life *life, bool is_last)
{
    static const char *const errors[] = {"eio", "enospc", "short"};
    Random *random = &plan->random;
    const char *action = "kill";
    uint64_t from = 1 + random_below(random, 12);
    life->point = (enum FaultPoint)random_below(random, FAULT_POINT_COUNT);
    life->is_kill = !plan->has_faults || random_below(random, 2) == 0;
    if (!plan->has_points || (is_last && life->is_kill))
        return;
    life->has_point = true;
    if (!life->is_kill)
        action = errors[random_below(random, sizeof errors / sizeof *errors)];
    (void)snprintf(life->armed, sizeof life->armed, "%s:%s*%" PRIu64 "@%" PRIu64,
                   fault_name(life->point), action, life->is_kill ? 1 : 1 + random_below(random, 3),
                   from);
}

/* ---- what came of it ---- */

static void note_before(Life *life)
{
    life->fired_before = fault_fired(life->point);
    life->faults_before = simulation_faults_fired(life->world->simulation);
    life->refusals_before = simulation_refusals(life->world->simulation);
}

static void count_life(const Plan *plan, const Life *life, SimulationEnd end, Totals *totals)
{
    const Simulation *simulation = life->world->simulation;
    uint64_t fired = fault_fired(life->point) - life->fired_before;
    totals->lives++;
    totals->faults[life->operation] += simulation_faults_fired(simulation) - life->faults_before;
    totals->refusals += simulation_refusals(simulation) - life->refusals_before;
    totals->fired[life->point] += fired;
    if (!life->is_kill)
        totals->point_errors += fired;
    if (end != SIMULATION_CRASHED)
        return;
    bool at_point = life->is_kill && fired > 0;
    totals->crashes++;
    totals->crashes_with_faults += life->has_fault || (life->has_point && !life->is_kill);
    totals->crashes_of_power += plan->crash == SIMULATION_POWER_LOSS;
    totals->crashes_by[at_point ? CRASH_AT_POINT : life->cause]++;
}

static void add_up(Totals *totals, const World *world)
{
    const Oracle *oracle = world->oracle;
    totals->worlds++;
    totals->checks += oracle->checks;
    totals->keys_read += oracle->keys_read;
    totals->rows_changed += oracle->rows_changed;
    totals->acknowledged += oracle->acknowledged;
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

static void complain(uint64_t seed, const Plan *plan, const Life *life, SimulationEnd end,
                     bool with_trace)
{
    static const char *const modes[] = {"always", "interval", "none"};
    const Simulation *simulation = life->world->simulation;
    (void)printf(
        "seed %" PRIu64 " (durability %s, %s%s%s%s, %" PRIu64 " crashes): %s: %s\n", seed,
        modes[plan->durability], life->fault, life->armed, life->armed[0] == '\0' ? "" : ", ",
        plan->crash == SIMULATION_KILL ? "kill" : "loss of power", life->world->oracle->crashes,
        simulation_end_name(end), simulation_report(simulation));
    if (with_trace)
        print_trace(simulation);
}

static SimulationEnd run_life(Plan *plan, Life *life, bool is_last, Totals *totals)
{
    Error error;
    arm_crash(plan, life, is_last);
    arm_faults(plan, life);
    arm_point(plan, life, is_last);
    note_before(life);
    SimulationEnd end = simulation_run(life->world->simulation, live, life);
    Status disarmed = fault_arm("", &error);
    ASSERT(disarmed == OK);
    count_life(plan, life, end, totals);
    return end;
}

bool seed_run(uint64_t seed, const SeedOptions *options, Totals *totals)
{
    Plan plan;
    World world = {0};
    Life life;
    SimulationEnd end = SIMULATION_CRASHED;
    make_plan(seed, options, &plan);
    world.simulation = simulation_create(&plan.options);
    world.env = simulation_env(world.simulation);
    world.oracle = oracle_create();
    world.durability = plan.durability;
    world.interval_ns = 5000000;
    world.segment_bytes = (uint64_t)(16 << 10) << random_below(&plan.random, 7);
    world.has_stream = random_below(&plan.random, 2) == 0;
    world.has_faults = plan.has_faults;
    world.may_lose_acked = plan.durability != LOG_ALWAYS && plan.crash != SIMULATION_KILL;
    for (size_t run = 0; run <= plan.runs && end == SIMULATION_CRASHED; run++) {
        life = (Life){.world = &world, .length = plan.length};
        end = run_life(&plan, &life, run == plan.runs, totals);
        if (options->with_trace)
            (void)printf("life %zu: %s%s: %s\n", run + 1, life.fault, life.armed,
                         simulation_end_name(end));
        if (end == SIMULATION_FINISHED && run < plan.runs)
            end = SIMULATION_CRASHED; /* it ended before the crash: another morning all the same */
        else if (end == SIMULATION_CRASHED)
            world.oracle->crashes++;
    }
    if (end != SIMULATION_FINISHED)
        complain(seed, &plan, &life, end, options->with_trace);
    add_up(totals, &world);
    oracle_destroy(world.oracle);
    simulation_destroy(world.simulation);
    return end == SIMULATION_FINISHED;
}

/* ---- printing ---- */

static void print_faults(const Totals *totals)
{
    (void)printf("faults:");
    for (int i = 0; i < SIMULATION_OPERATION_COUNT; i++)
        if (totals->faults[i] > 0)
            (void)printf(" %" PRIu64 " %s,", totals->faults[i], operation_names[i]);
    (void)printf(" %" PRIu64 " for want of space, %" PRIu64 " errors at fault points\n",
                 totals->refusals, totals->point_errors);
}

void totals_print(const Totals *totals, uint64_t from, int64_t seconds)
{
    (void)printf("clean: %" PRIu64 " worlds from seed %" PRIu64 ", %" PRIu64 " lives, %" PRIu64
                 " row changes, %" PRIu64 " acknowledgements, %" PRIu64 " flushes, %" PRIu64
                 " compactions, %" PRIu64 " definitions, %" PRIu64 " checks of %" PRIu64
                 " rows, %" PRIu64 " steps, %" PRId64 " s\n",
                 totals->worlds, from, totals->lives, totals->rows_changed, totals->acknowledged,
                 totals->flushes, totals->compactions, totals->definitions, totals->checks,
                 totals->keys_read, totals->steps, seconds);
    (void)printf("crashes: %" PRIu64 ", %" PRIu64 " of them in lives with faults; %" PRIu64
                 " losses of power, %" PRIu64 " kills; %" PRIu64
                 " at a change of the disk, %" PRIu64 " at a step, %" PRIu64 " at a fault point\n",
                 totals->crashes, totals->crashes_with_faults, totals->crashes_of_power,
                 totals->crashes - totals->crashes_of_power, totals->crashes_by[CRASH_AT_CHANGE],
                 totals->crashes_by[CRASH_AT_STEP], totals->crashes_by[CRASH_AT_POINT]);
    print_faults(totals);
}

void points_print(const Totals *totals)
{
    for (int i = 0; i < FAULT_POINT_COUNT; i++)
        (void)printf("point %-28s %10" PRIu64 " passed %8" PRIu64 " fired\n",
                     fault_name((enum FaultPoint)i), fault_passed((enum FaultPoint)i),
                     totals->fired[i]);
}
