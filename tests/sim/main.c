/* The engine in a simulated machine, seed by seed:
 *     engine_sim --seeds N [--from S]     N worlds; stops at the first that is not clean
 *     engine_sim --crashes N [--from S]   as many worlds as it takes for N crashes, every life of
 *                                         which has a fault of the disk; and the points it passed
 *     engine_sim --seed S                 one of them again, with what happened last
 *     engine_sim --faulty-seed S          one of --crashes again
 *     engine_sim --loss N                 what N losses of power cost in each mode of durability
 *     engine_sim --breakage NAME [--seeds N]   one rule broken: must be noticed (tests/canary)
 *     engine_sim --list                   the rules */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/breakage.h"
#include "tests/sim/seed.h"

typedef struct Arguments {
    uint64_t seeds;
    uint64_t from;
    uint64_t crashes;
    uint64_t losses;
    bool is_one;
    bool has_faults;
    enum Breakage breakage;
} Arguments;

static int run_seeds(uint64_t from, uint64_t count, bool is_one, bool has_faults)
{
    SeedOptions options = {.with_trace = is_one, .has_faults = has_faults};
    Totals totals = {0};
    time_t began = time(NULL);
    for (uint64_t seed = from; seed < from + count; seed++)
        if (!seed_run(seed, &options, &totals))
            return 1;
    totals_print(&totals, from, time(NULL) - began);
    return 0;
}

static int run_crashes(uint64_t from, uint64_t count)
{
    SeedOptions options = {.has_faults = true};
    Totals totals = {0};
    time_t began = time(NULL);
    for (uint64_t seed = from; totals.crashes_with_faults < count; seed++)
        if (!seed_run(seed, &options, &totals))
            return 1;
    totals_print(&totals, from, time(NULL) - began);
    points_print(&totals);
    return 0;
}

/* ---- a broken rule ---- */

/* In a child: a broken engine may stop the process, and that counts. `at` is the seed it was at. */
static int break_rule(enum Breakage breakage, uint64_t from, uint64_t count, uint64_t *at)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child != 0) {
        int status = 0;
        if (child < 0 || waitpid(child, &status, 0) != child)
            return -1;
        return status;
    }
    SeedOptions options = {0};
    Totals totals = {0};
    breakage_set(breakage);
    for (*at = from; *at < from + count; (*at)++)
        if (!seed_run(*at, &options, &totals)) {
            (void)fflush(stdout);
            _exit(1);
        }
    _exit(0);
}

static int run_broken(enum Breakage breakage, uint64_t from, uint64_t count)
{
    uint64_t *at =
        mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return 2;
    int status = break_rule(breakage, from, count, at);
    if (status == 0)
        (void)printf("MISSED in %" PRIu64 " worlds: %s\n", count, breakage_meaning(breakage));
    else if (WIFSIGNALED(status))
        (void)printf("seed %" PRIu64 ": the engine stopped itself (signal %d)\n", *at,
                     WTERMSIG(status));
    return status == 0 || status == -1;
}

static int list(void)
{
    for (int i = BREAKAGE_NONE + 1; i < BREAKAGE_COUNT; i++)
        (void)printf("%-20s %s\n", breakage_name((enum Breakage)i),
                     breakage_meaning((enum Breakage)i));
    return 0;
}

/* ---- arguments ---- */

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

static bool take_seed(Arguments *out, const char *name, uint64_t seed)
{
    out->has_faults = strcmp(name, "--faulty-seed") == 0;
    out->is_one = out->has_faults || strcmp(name, "--seed") == 0;
    out->from = seed;
    return out->is_one;
}

static bool take_argument(Arguments *out, const char *name, const char *value)
{
    if (strcmp(name, "--breakage") == 0)
        return breakage_find(value, &out->breakage);
    uint64_t number = number_of(value);
    if (strcmp(name, "--seeds") == 0)
        out->seeds = number;
    else if (strcmp(name, "--crashes") == 0)
        out->crashes = number;
    else if (strcmp(name, "--loss") == 0)
        out->losses = number;
    else if (strcmp(name, "--from") == 0)
        out->from = number;
    else
        return take_seed(out, name, number);
    return true;
}

int main(int count, char **texts)
{
    Arguments arguments = {.seeds = 100, .from = 1};
    if (count == 2 && strcmp(texts[1], "--list") == 0)
        return list();
    for (int i = 1; i < count; i += 2) {
        if (i + 1 == count || !take_argument(&arguments, texts[i], texts[i + 1])) {
            (void)fprintf(stderr, "unknown: %s\n", texts[i]);
            return 2;
        }
    }
    if (arguments.is_one)
        arguments.seeds = 1;
    if (arguments.losses > 0)
        return loss_measure(arguments.from, arguments.losses) ? 0 : 1;
    if (arguments.breakage != BREAKAGE_NONE && !arguments.is_one)
        return run_broken(arguments.breakage, arguments.from, arguments.seeds);
    breakage_set(arguments.breakage);
    if (arguments.crashes > 0)
        return run_crashes(arguments.from, arguments.crashes);
    return run_seeds(arguments.from, arguments.seeds, arguments.is_one, arguments.has_faults);
}
