/* What a loss of power costs in each mode of durability (spec: A5): the same writers in the same
 * machine, whose disk forgets what was not synced. */
#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "tests/sim/seed.h"
#include "tests/sim/world.h"

enum {
    INTERVAL_MS = 100, /* log.interval as it is shipped */
    SYNC_MS_MAX = 10,
    STEP_NS = 20000,
    CRASH_STEPS_MIN = 5000,
    CRASH_STEPS_MORE = 30000,
    NS_IN_MS = 1000000,
    /* Between the end of a sync and its being noted, others may run. */
    SCHEDULING_MS = 5,
};

typedef struct Loss {
    uint64_t crashes;
    uint64_t crashes_that_cost;
    uint64_t acknowledged;
    uint64_t lost;
    uint64_t lost_most;
    int64_t lost_ns_most;
} Loss;

static const char *const names[] = {"always", "interval", "none"};

/* What may be lost, in ms; -1: whatever the system had not written. */
static int64_t window_ms(LogDurability durability)
{
    switch (durability) {
    case LOG_ALWAYS:
        return 0;
    case LOG_INTERVAL:
        return INTERVAL_MS + SYNC_MS_MAX + SCHEDULING_MS;
    case LOG_NONE:
        return -1;
    }
    UNREACHABLE();
}

static void write_until_crash(void *argument)
{
    World *world = argument;
    world_open(world);
    actors_start_writers(world);
    for (;;)
        world_pause(world, 1000);
}

static void look(void *argument)
{
    World *world = argument;
    world_open(world);
    world_close(world);
}

static bool complain(const World *world, uint64_t seed, SimulationEnd end)
{
    (void)printf("%s, seed %" PRIu64 ": %s: %s\n", names[world->durability], seed,
                 simulation_end_name(end), simulation_report(world->simulation));
    return false;
}

static bool lose_power(World *world, uint64_t seed, Loss *loss)
{
    SimulationEnd end = simulation_run(world->simulation, write_until_crash, world);
    if (end != SIMULATION_CRASHED)
        return complain(world, seed, end);
    world->oracle->crashed_ns = env_monotonic_ns(world->env);
    end = simulation_run(world->simulation, look, world);
    if (end != SIMULATION_FINISHED)
        return complain(world, seed, end);
    const Oracle *oracle = world->oracle;
    loss->crashes++;
    loss->crashes_that_cost += oracle->lost > 0;
    loss->acknowledged += oracle->acknowledged;
    loss->lost += oracle->lost;
    if (oracle->lost > loss->lost_most)
        loss->lost_most = oracle->lost;
    if (oracle->lost_ns > loss->lost_ns_most)
        loss->lost_ns_most = oracle->lost_ns;
    return true;
}

static bool run_seed(uint64_t seed, LogDurability durability, Loss *loss)
{
    SimulationOptions options = {.seed = seed,
                                 .step_ns = STEP_NS,
                                 .sync_ns_min = NS_IN_MS,
                                 .sync_ns_max = SYNC_MS_MAX * NS_IN_MS};
    SimulationCrash crash = seed % 2 == 0 ? SIMULATION_LOSE_ALL : SIMULATION_POWER_LOSS;
    World world = {.durability = durability,
                   .interval_ns = INTERVAL_MS * NS_IN_MS,
                   .segment_bytes = 4 << 20,
                   .may_lose_acked = durability != LOG_ALWAYS};
    world.simulation = simulation_create(&options);
    world.env = simulation_env(world.simulation);
    world.oracle = oracle_create();
    simulation_crash_at_step(world.simulation, CRASH_STEPS_MIN + seed * 7919 % CRASH_STEPS_MORE,
                             crash);
    bool is_clean = lose_power(&world, seed, loss);
    oracle_destroy(world.oracle);
    simulation_destroy(world.simulation);
    return is_clean;
}

static bool print_loss(LogDurability durability, const Loss *loss)
{
    int64_t allowed = window_ms(durability);
    double most_ms = (double)loss->lost_ns_most / NS_IN_MS;
    bool is_kept = allowed < 0 || (allowed == 0 ? loss->lost == 0 : most_ms <= (double)allowed);
    char window[64] = "no limit";
    if (allowed >= 0)
        (void)snprintf(window, sizeof window, "at most %" PRId64 " ms", allowed);
    (void)printf("%-8s %" PRIu64 " losses of power, %" PRIu64 " of them cost something: %" PRIu64
                 " of %" PRIu64 " acknowledged changes, at most %" PRIu64
                 " at once, the oldest %.1f ms old (promised: %s): %s\n",
                 names[durability], loss->crashes, loss->crashes_that_cost, loss->lost,
                 loss->acknowledged, loss->lost_most, most_ms, window, is_kept ? "kept" : "BROKEN");
    return is_kept;
}

bool loss_measure(uint64_t from, uint64_t count)
{
    static const LogDurability modes[] = {LOG_ALWAYS, LOG_INTERVAL, LOG_NONE};
    bool is_kept = true;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        Loss loss = {0};
        for (uint64_t seed = from; seed < from + count; seed++)
            if (!run_seed(seed, modes[i], &loss))
                return false;
        is_kept = print_loss(modes[i], &loss) && is_kept;
    }
    return is_kept;
}
