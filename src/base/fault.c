/* Fault points. Other builds than those with FIRN_FAULTS keep the names only. */
#include "base/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/assert.h"

static const char *const names[FAULT_POINT_COUNT] = {
#define X(name, meaning) #name,
    FAULT_POINTS(X)
#undef X
};

const char *fault_name(enum FaultPoint point)
{
    ASSERT((unsigned)point < FAULT_POINT_COUNT);
    return names[point];
}

#ifdef FIRN_FAULTS

typedef struct Arming {
    bool is_armed;
    enum FaultAction action;
    uint64_t first;  /* fires from this passing on */
    uint64_t times;  /* this often; UINT64_MAX: for good */
    uint64_t passed; /* since it was armed */
    uint64_t arm_id; /* which fault_arm did it */
} Arming;

typedef struct Armings {
    Arming of[FAULT_POINT_COUNT];
} Armings;

enum Mode { MODE_UNREAD, MODE_OFF, MODE_ON };

enum {
    PAUSE_POLL_NS = 2000000,
    NUMBER_BYTES_MAX = 20,
};

/* The points are places in the program, so what is armed is the process's. The lock is held for a
 * few instructions and never across a wait: it needs no Env. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int mode = MODE_UNREAD;
static Armings armings;
static uint64_t arm_ids;

/* In a file, where a test wants to read them behind the end of the process. */
typedef struct Counts {
    _Atomic uint64_t passed;
    _Atomic uint64_t fired;
} Counts;

static Counts own_counts[FAULT_POINT_COUNT];
static Counts *counts = own_counts;

/* ---- reading the text ---- */

static bool find_point(Slice name, enum FaultPoint *out)
{
    for (int i = 0; i < FAULT_POINT_COUNT; i++) {
        if (slice_equal_text(name, names[i])) {
            *out = (enum FaultPoint)i;
            return true;
        }
    }
    return false;
}

static bool find_action(Slice name, enum FaultAction *out)
{
    static const char *const actions[] = {"kill", "eio", "enospc", "short", "pause"};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (slice_equal_text(name, actions[i])) {
            *out = (enum FaultAction)i;
            return true;
        }
    }
    return false;
}

/* What stands behind `mark` at the end of the text, as a positive number, and cuts it off; the
 * fallback where the mark is not there. */
static bool take_number(Slice *text, uint8_t mark, uint64_t fallback, uint64_t *out)
{
    size_t at = slice_find(*text, mark);
    *out = fallback;
    if (at == text->size)
        return true;
    int64_t number;
    Slice digits = slice_part(*text, at + 1, NUMBER_BYTES_MAX);
    if (!slice_to_int64(digits, &number) || number <= 0)
        return false;
    text->size = at;
    *out = (uint64_t)number;
    return true;
}

static Status read_one(Slice text, Armings *out, Error *error)
{
    size_t colon = slice_find(text, ':');
    Slice action = slice_part(text, colon + 1, text.size);
    enum FaultPoint point;
    Arming arming = {.is_armed = true};
    bool valid = find_point(slice_part(text, 0, colon), &point) &&
                 take_number(&action, '@', 1, &arming.first) &&
                 take_number(&action, '*', UINT64_MAX, &arming.times) &&
                 find_action(action, &arming.action);
    if (!valid)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "\"%.*s\" is not POINT:ACTION[*N][@K] of a fault point",
                         SLICE_ARGUMENTS(text));
    out->of[point] = arming;
    return OK;
}

static Status read_text(const char *text, Armings *out, Error *error)
{
    Slice rest = slice_of_text(text);
    while (rest.size > 0) {
        size_t comma = slice_find(rest, ',');
        TRY(read_one(slice_part(rest, 0, comma), out, error));
        rest = slice_part(rest, comma + 1, rest.size);
    }
    return OK;
}

/* ---- arming ---- */

static void install(const Armings *wanted)
{
    bool any = false;
    arm_ids++;
    armings = *wanted;
    for (int i = 0; i < FAULT_POINT_COUNT; i++) {
        armings.of[i].arm_id = arm_ids;
        any = any || armings.of[i].is_armed;
    }
    atomic_store(&mode, any ? MODE_ON : MODE_OFF);
}

Status fault_arm(const char *text, Error *error)
{
    Armings wanted = {0};
    TRY(read_text(text, &wanted, error));
    ASSERT(pthread_mutex_lock(&lock) == 0);
    install(&wanted);
    ASSERT(pthread_mutex_unlock(&lock) == 0);
    return OK;
}

static noreturn void stop(const char *variable, const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", variable, what);
    abort();
}

static void map_counts(void)
{
    const char *path = getenv("FIRN_FAULT_COUNTS_FILE");
    if (path == NULL)
        return;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *memory = MAP_FAILED;
    if (file >= 0 && ftruncate(file, sizeof own_counts) == 0)
        memory = mmap(NULL, sizeof own_counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED)
        stop("FIRN_FAULT_COUNTS_FILE", "the file cannot be mapped");
    (void)close(file);
    counts = memory;
}

static void read_environment(void)
{
    Armings wanted = {0};
    Error error;
    const char *text = getenv("FIRN_FAULT");
    if (text != NULL && read_text(text, &wanted, &error) != OK)
        stop("FIRN_FAULT", error.message);
    ASSERT(pthread_mutex_lock(&lock) == 0);
    if (atomic_load(&mode) == MODE_UNREAD) {
        map_counts();
        install(&wanted);
    }
    ASSERT(pthread_mutex_unlock(&lock) == 0);
}

static bool is_on(void)
{
    int now = atomic_load_explicit(&mode, memory_order_acquire);
    if (now == MODE_UNREAD) {
        read_environment();
        now = atomic_load_explicit(&mode, memory_order_acquire);
    }
    return now == MODE_ON;
}

/* ---- passing a point ---- */

static bool fires_at(const Arming *arming, uint64_t passing)
{
    return arming->is_armed && passing >= arming->first && passing - arming->first < arming->times;
}

/* Counts the passing; a copy of what was armed where it fires now. */
static bool take_passing(enum FaultPoint point, Arming *out)
{
    ASSERT(pthread_mutex_lock(&lock) == 0);
    Arming *arming = &armings.of[point];
    arming->passed++;
    bool fires = fires_at(arming, arming->passed);
    *out = *arming;
    if (fires)
        atomic_fetch_add_explicit(&counts[point].fired, 1, memory_order_relaxed);
    ASSERT(pthread_mutex_unlock(&lock) == 0);
    return fires;
}

static bool is_still_armed(enum FaultPoint point, const Arming *arming)
{
    ASSERT(pthread_mutex_lock(&lock) == 0);
    const Arming *now = &armings.of[point];
    bool still = now->is_armed && now->arm_id == arming->arm_id;
    ASSERT(pthread_mutex_unlock(&lock) == 0);
    return still;
}

static void disarm(enum FaultPoint point, const Arming *arming)
{
    ASSERT(pthread_mutex_lock(&lock) == 0);
    if (armings.of[point].arm_id == arming->arm_id)
        armings.of[point].is_armed = false;
    ASSERT(pthread_mutex_unlock(&lock) == 0);
}

static Status make_file(Env *env, const char *path, Error *error)
{
    File *file;
    TRY(file_open(env, path, FILE_WRITE | FILE_CREATE, &file, error));
    return file_close(file, error);
}

static Status pause_here(Env *env, enum FaultPoint point, const Arming *arming, Error *error)
{
    const char *path = getenv("FIRN_FAULT_PAUSE_FILE");
    FileInformation information = {.exists = true};
    if (path != NULL)
        TRY(make_file(env, path, error));
    while (information.exists && is_still_armed(point, arming)) {
        env_sleep_ns(env, PAUSE_POLL_NS);
        if (path != NULL)
            TRY(env_stat(env, path, &information, error));
    }
    if (!information.exists)
        disarm(point, arming);
    return OK;
}

static void kill_process(Env *env)
{
    if (env->operations->kill != NULL)
        env->operations->kill(env);
    else
        (void)raise(SIGKILL);
    UNREACHABLE();
}

Status fault_check(Env *env, enum FaultPoint point, Error *error)
{
    Arming arming;
    bool on = is_on();
    atomic_fetch_add_explicit(&counts[point].passed, 1, memory_order_relaxed);
    if (!on || !take_passing(point, &arming))
        return OK;
    switch (arming.action) {
    case FAULT_ACTION_KILL:
        kill_process(env);
        break;
    case FAULT_ACTION_ENOSPC:
        return error_set(error, STATUS_DISK_FULL, "no space left on device (fault point %s)",
                         names[point]);
    case FAULT_ACTION_EIO:
    case FAULT_ACTION_SHORT:
        return error_set(error, STATUS_IO_ERROR, "input/output error (fault point %s)",
                         names[point]);
    case FAULT_ACTION_PAUSE:
        return pause_here(env, point, &arming, error);
    }
    UNREACHABLE();
}

bool fault_is_armed(enum FaultPoint point, enum FaultAction action)
{
    if (!is_on())
        return false;
    ASSERT(pthread_mutex_lock(&lock) == 0);
    const Arming *arming = &armings.of[point];
    bool result = fires_at(arming, arming->passed + 1) && arming->action == action;
    ASSERT(pthread_mutex_unlock(&lock) == 0);
    return result;
}

uint64_t fault_passed(enum FaultPoint point)
{
    return atomic_load(&counts[point].passed);
}

uint64_t fault_fired(enum FaultPoint point)
{
    return atomic_load(&counts[point].fired);
}

#endif
