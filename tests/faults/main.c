/* Fails one allocation or one call to the machine in a life that touches every kind of statement:
 *     faults                           every n of every kind: hours
 *     faults --samples K               about K of each
 *     faults --kind sync --nth 17 --once|--for-good [--full] [--dies]       one life again
 *     faults --kind allocation --step 20 --nth 17 --once|--for-good         one failure again
 *     faults --kind opening --nth 17 --once|--for-good
 *     faults --list                    the kinds, and how many calls of each there are
 * --seed S (or SEED) chooses the samples; --verbose says what is done; --keep leaves the files.
 * The last line is `N passed, N failed`: of steps, and of lives with one failing call. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/faults/acts.h"
#include "tests/faults/faults.h"

enum {
    SECONDS_MAX = 60, /* of one child without a sign of life */
    ERRORS_SHOWN_BYTES = 3000,
    FAILURES_MAX = 40, /* then enough is known */
};

typedef struct Options {
    const char *kind; /* NULL: all */
    uint64_t nth;     /* 0: all */
    uint64_t samples; /* 0: all */
    int64_t step;     /* -1: all */
    bool once;
    bool for_good;
    bool is_full;
    bool dies;
    bool lists;
    bool keeps;
} Options;

typedef struct Totals {
    uint64_t passed;
    uint64_t failed;
} Totals;

static Options options = {.step = -1};
static Totals totals;
static Random choices;
static Path base;

static void path_in_base(const char *name, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/%s", base.text, name);
}

/* ---- children ---- */

static void clear_base(void)
{
    Error error;
    Status status = env_remove_tree(env_real(), base.text, &error);
    if (status == OK || status == STATUS_FILE_NOT_FOUND)
        status = env_make_directories(env_real(), base.text, &error);
    if (status != OK) {
        (void)fprintf(stderr, "%s: %s [%s]\n", base.text, error.message, error.internal);
        exit(2);
    }
}

/* Its wait status; it is stopped where it does nothing new for too long. */
static int wait_for(pid_t child)
{
    struct timespec pause = {0, 2000000};
    uint64_t last = 0;
    time_t moved = time(NULL);
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        uint64_t now = notes->tried + notes->step;
        if (now != last)
            moved = time(NULL);
        last = now;
        if (time(NULL) - moved > SECONDS_MAX) {
            (void)snprintf(notes->broken, sizeof notes->broken,
                           "nothing happens for %d s at \"%s\"", SECONDS_MAX,
                           notes->step < step_count ? step_name(&steps[notes->step]) : "opening");
            (void)kill(child, SIGABRT);
            moved = time(NULL);
        }
        (void)nanosleep(&pause, NULL);
    }
    return status;
}

static int run_child(void (*run)(void *context), void *context)
{
    char errors[PATH_BYTES_MAX + 16];
    path_in_base("errors", errors, sizeof errors);
    notes->broken[0] = '\0';
    (void)fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        (void)fprintf(stderr, "cannot run a child\n");
        exit(2);
    }
    if (child == 0) {
        if (freopen(errors, "w", stderr) == NULL)
            _exit(2);
        run(context);
        exit(0);
    }
    return wait_for(child);
}

static void print_errors(void)
{
    static char bytes[1 << 20];
    char path[PATH_BYTES_MAX + 16];
    path_in_base("errors", path, sizeof path);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    size_t size = fread(bytes, 1, sizeof bytes - 1, file);
    (void)fclose(file);
    bytes[size] = '\0';
    const char *at = strstr(bytes, "ERROR: ");
    if (at == NULL)
        at = strstr(bytes, "runtime error");
    if (at == NULL)
        at = size > ERRORS_SHOWN_BYTES ? bytes + size - ERRORS_SHOWN_BYTES : bytes;
    (void)printf("%.*s\n", ERRORS_SHOWN_BYTES, at);
}

/* True where the child ended as it should. */
static bool judge(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        totals.passed++;
        return true;
    }
    totals.failed++;
    (void)printf("FAILED: faults --seed %llu %s\n    %s\n", (unsigned long long)notes->seed,
                 notes->doing, notes->broken);
    if (WIFSIGNALED(status))
        (void)printf("    ended by signal %d at \"%s\"\n", WTERMSIG(status),
                     notes->step < step_count ? step_name(&steps[notes->step]) : "opening");
    else
        (void)printf("    exit status %d\n", WEXITSTATUS(status));
    print_errors();
    (void)fflush(stdout);
    return false;
}

/* ---- lives with a call that fails ---- */

static void run_reference(void *context)
{
    calls_reference(context);
}

typedef struct CallRun {
    const char *directory;
    CallPlan plan;
} CallRun;

static void run_call(void *context)
{
    CallRun *run = context;
    calls_life(run->directory, &run->plan);
}

static void run_afterlife(void *context)
{
    CallRun *run = context;
    calls_afterlife(run->directory);
}

static bool live(const char *directory, const CallPlan *plan)
{
    CallRun run = {directory, *plan};
    clear_base();
    (void)snprintf(notes->doing, sizeof notes->doing, "--kind %s --nth %llu %s%s%s",
                   machine_call_name(plan->call), (unsigned long long)plan->nth,
                   plan->for_good ? "--for-good" : "--once", plan->is_full ? " --full" : "",
                   plan->dies ? " --dies" : "");
    if (is_verbose)
        (void)printf("%s\n", notes->doing);
    int status = run_child(run_call, &run);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DIED) {
        notes->tried++;
        status = run_child(run_afterlife, &run);
    }
    return judge(status);
}

/* The same each time for the same n. */
static CallPlan plan_of(MachineCall call, uint64_t nth, bool for_good)
{
    Random random = random_of(notes->seed + nth * 64 + call * 2 + for_good);
    return (CallPlan){.call = call,
                      .nth = nth,
                      .for_good = for_good,
                      .is_full = machine_call_fills(call) && random_below(&random, 2) == 0,
                      .dies = random_below(&random, 3) == 0};
}

static void live_both(const char *directory, MachineCall call, uint64_t nth)
{
    for (int i = 0; i < 2 && totals.failed < FAILURES_MAX; i++) {
        CallPlan plan = plan_of(call, nth, i == 1);
        if (i == 1 ? options.for_good : options.once)
            (void)live(directory, &plan);
    }
}

static void live_all(const char *directory)
{
    for (MachineCall call = 0; call < MACHINE_CALL_COUNT; call++) {
        uint64_t count = notes->calls[call];
        bool wanted = options.kind == NULL || strcmp(options.kind, machine_call_name(call)) == 0;
        if (!wanted || count == 0)
            continue;
        if (options.nth > 0) {
            CallPlan plan = {call, options.nth, options.for_good, options.is_full, options.dies};
            (void)live(directory, &plan);
            continue;
        }
        for (uint64_t i = 1; i <= count && options.samples == 0; i++)
            live_both(directory, call, i);
        for (uint64_t i = 0; i < options.samples; i++) {
            bool for_good = random_below(&choices, 2) == 0;
            CallPlan plan = plan_of(call, 1 + random_below(&choices, count), for_good);
            (void)live(directory, &plan);
        }
    }
}

/* ---- allocations ---- */

typedef struct MemoryRun {
    const char *directory;
    const char *crashed;
    MemoryPlan plan;
} MemoryRun;

static void run_steps(void *context)
{
    MemoryRun *run = context;
    memory_steps(run->directory, &run->plan);
}

static void run_prepare(void *context)
{
    MemoryRun *run = context;
    memory_prepare(run->crashed, run->plan.last_step);
}

static void run_openings(void *context)
{
    MemoryRun *run = context;
    memory_openings(run->crashed, run->directory, &run->plan);
}

static MemoryPlan memory_plan(void)
{
    return (MemoryPlan){.last_step = step_count - 1,
                        .nth = options.nth,
                        .samples = options.samples,
                        .once = options.once,
                        .for_good = options.for_good};
}

/* A step that is broken is told, and the next child begins behind it. */
static void fail_allocations(MemoryRun *run)
{
    run->plan = memory_plan();
    if (options.step >= 0)
        run->plan.first_step = run->plan.last_step = (size_t)options.step;
    while (run->plan.first_step <= run->plan.last_step && totals.failed < FAILURES_MAX) {
        clear_base();
        size_t first = run->plan.first_step;
        (void)snprintf(notes->doing, sizeof notes->doing, "--kind allocation --step %zu", first);
        bool good = judge(run_child(run_steps, run));
        size_t last = good ? run->plan.last_step : notes->step;
        totals.passed += last > first ? last - first : 0;
        run->plan.first_step = (last > first ? last : first) + 1;
    }
}

static size_t find_reopening(void)
{
    size_t i = 0;
    while (steps[i].act != act_reopen)
        i++;
    return i;
}

static void fail_openings(MemoryRun *run)
{
    run->plan = memory_plan();
    run->plan.last_step = find_reopening() - 1;
    clear_base();
    (void)snprintf(notes->doing, sizeof notes->doing, "--kind opening");
    int status = run_child(run_prepare, run);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_DIED)
        (void)judge(status);
    else
        (void)judge(run_child(run_openings, run));
}

/* ---- all of it ---- */

static void list(void)
{
    for (MachineCall i = 0; i < MACHINE_CALL_COUNT; i++)
        (void)printf("%8llu %s\n", (unsigned long long)notes->calls[i], machine_call_name(i));
}

/* Two lives without a fault: what is right, and how many calls there are. */
static bool learn(char *directory)
{
    CallPlan never = {.nth = UINT64_MAX};
    clear_base();
    (void)snprintf(notes->doing, sizeof notes->doing, "--list");
    if (!judge(run_child(run_reference, directory)))
        return false;
    bool good = live(directory, &never);
    notes->tried = notes->refused = notes->recovered = 0;
    return good;
}

static void run_all(void)
{
    char directory[PATH_BYTES_MAX + 16];
    char crashed[PATH_BYTES_MAX + 16];
    path_in_base("data", directory, sizeof directory);
    path_in_base("crashed", crashed, sizeof crashed);
    MemoryRun run = {.directory = directory, .crashed = crashed};
    if (!learn(directory))
        return;
    if (options.lists) {
        list();
        return;
    }
    if (options.kind == NULL || strcmp(options.kind, "allocation") == 0)
        fail_allocations(&run);
    if (options.kind == NULL || strcmp(options.kind, "opening") == 0)
        fail_openings(&run);
    live_all(directory);
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

static bool take_flag(const char *argument)
{
    struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--once", &options.once},    {"--for-good", &options.for_good},
                 {"--full", &options.is_full}, {"--dies", &options.dies},
                 {"--list", &options.lists},   {"--keep", &options.keeps},
                 {"--verbose", &is_verbose}};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(argument, flags[i].name) == 0)
            return *flags[i].flag = true;
    }
    return false;
}

static void take_options(int count, char **arguments)
{
    for (int i = 1; i < count; i++) {
        const char *name = arguments[i];
        if (take_flag(name))
            continue;
        const char *value = ++i < count ? arguments[i] : "";
        if (strcmp(name, "--kind") == 0)
            options.kind = value;
        else if (strcmp(name, "--nth") == 0)
            options.nth = number_of(value);
        else if (strcmp(name, "--step") == 0)
            options.step = (int64_t)number_of(value);
        else if (strcmp(name, "--samples") == 0)
            options.samples = number_of(value);
        else if (strcmp(name, "--seed") == 0)
            notes->seed = number_of(value);
        else {
            (void)fprintf(stderr, "unknown: %s\n", name);
            exit(2);
        }
    }
    if (!options.once && !options.for_good)
        options.once = options.for_good = options.nth == 0;
    if (!options.once && !options.for_good)
        options.once = true;
    if (options.step >= (int64_t)step_count) {
        (void)fprintf(stderr, "there are %zu steps\n", step_count);
        exit(2);
    }
}

int main(int count, char **arguments)
{
    const char *seed = getenv("SEED");
    time_t began = time(NULL);
    Error error;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (notes == MAP_FAILED) {
        (void)fprintf(stderr, "no memory\n");
        return 2;
    }
    ASSERT(step_count <= STEPS_MAX);
    notes->seed = seed == NULL ? 1 : number_of(seed);
    take_options(count, arguments);
    choices = random_of(notes->seed);
    (void)snprintf(base.text, sizeof base.text, "/dev/shm/firn-faults-%d", (int)getpid());
    (void)printf("seed %llu\n", (unsigned long long)notes->seed);
    run_all();
    if (!options.keeps && env_remove_tree(env_real(), base.text, &error) != OK)
        (void)printf("%s is left\n", base.text);
    (void)printf("%llu failures made, %llu told to the caller, %llu recoveries, %lld s\n",
                 (unsigned long long)notes->tried, (unsigned long long)notes->refused,
                 (unsigned long long)notes->recovered, (long long)(time(NULL) - began));
    (void)printf("%llu passed, %llu failed\n", (unsigned long long)totals.passed,
                 (unsigned long long)totals.failed);
    return totals.failed > 0;
}
