/* A log on a simulated machine: the test is the committer, so that nothing happens by itself. */
#ifndef FIRN_TESTS_UNIT_LOG_MACHINE_H
#define FIRN_TESTS_UNIT_LOG_MACHINE_H

#include "base/memory.h"
#include "base/random.h"
#include "log/log_int.h"
#include "tests/unit/base/simulated.h"

#define LOG_FOLDER "/data/log"

enum { TEST_SEGMENT_BYTES = SEGMENT_BYTES_MIN / 16, TEXT_MAX = 1 << 20 };

static Simulation *machine;
static Env *env;
static Log *log_;
static LogRecovery recovery;
static LogOptions options;
static uint64_t last_seq;       /* given to a frame or a segment's name */
static char replayed[TEXT_MAX]; /* payloads of what log_replay gave, each followed by a space */

static int boot(void **state)
{
    (void)state;
    machine = simulation_create(&(SimulationOptions){.seed = 1});
    env = simulation_env(machine);
    options = (LogOptions){.durability = LOG_ALWAYS,
                           .interval_ns = 1000000000,
                           .segment_bytes = TEST_SEGMENT_BYTES,
                           .spare_segments = 1};
    log_ = NULL;
    last_seq = 0;
    return 0;
}

static int shut_down(void **state)
{
    (void)state;
    simulation_destroy(machine);
    return 0;
}

#define ON_A_MACHINE(test) cmocka_unit_test_setup_teardown(test, boot, shut_down)

/* Inside a run. */
#define CHECK(expression)     SIMULATION_CHECK(machine, expression)
#define CHECK_OK(call, error) simulation_ok(machine, call, error)

static inline void check_status(Status wanted, Status got, const char *where)
{
    if (wanted != got)
        simulation_fail(machine, "%s: %s, wanted %s", where, status_name(got), status_name(wanted));
}

#define CHECK_STATUS(wanted, call) check_status(wanted, call, #call)

static inline void run_until(SimulationEnd end, void (*body)(void *argument), void *argument)
{
    assert_end(end, simulation_run(machine, body, argument), machine);
}

static inline void run(void (*body)(void *argument))
{
    run_until(SIMULATION_FINISHED, body, NULL);
}

/* ---- opening ---- */

static inline Status collect_frame(void *context, const LogFrame *frame, Error *error)
{
    size_t size = strlen(replayed);
    (void)context;
    (void)error;
    CHECK(size + frame->payload.size + 2 < TEXT_MAX);
    if (frame->payload.size > 0)
        memcpy(replayed + size, frame->payload.data, frame->payload.size);
    memcpy(replayed + size + frame->payload.size, " ", 2);
    if (frame->seq > last_seq)
        last_seq = frame->seq;
    return OK;
}

static inline Status open_from(LogPosition from, Error *error)
{
    return log_open(env, LOG_FOLDER, &options, from, &log_, &recovery, error);
}

/* Opens, replays, starts. */
static inline void open_log(LogPosition from)
{
    Error error;
    CHECK_OK(open_from(from, &error), &error);
    replayed[0] = '\0';
    CHECK_OK(log_replay(log_, from, collect_frame, NULL, &error), &error);
    last_seq = (recovery.highest_seq > last_seq ? recovery.highest_seq : last_seq) + 1;
    CHECK_OK(log_start(log_, last_seq, &error), &error);
}

static inline void close_log(void)
{
    log_close(log_);
    log_ = NULL;
}

static inline void check_replayed(const char *wanted)
{
    if (strcmp(replayed, wanted) != 0)
        simulation_fail(machine, "replayed \"%.400s\", wanted \"%.400s\"", replayed, wanted);
}

/* ---- writing ---- */

/* One transaction of `count` frames with this payload. */
static inline Status append(const char *text, size_t count, Error *error)
{
    Slice part = slice_of_text(text);
    TRY(log_reserve(log_, count, part.size * count, false, error));
    for (size_t i = 0; i < count; i++) {
        uint8_t flags = i + 1 == count ? LOG_FRAME_COMMIT : 0;
        (void)log_append(log_, LOG_FRAME_KIND_MIN, flags, ++last_seq, count > 1, &part, 1);
    }
    return OK;
}

static inline Status commit(Error *error)
{
    LogGroup group;
    log_take_group(log_, last_seq, &group);
    Status status = log_write_group(log_, &group, error);
    log_chunk_release(group.chunk);
    return status;
}

static inline void put(const char *text)
{
    Error error;
    CHECK_OK(append(text, 1, &error), &error);
    CHECK_OK(commit(&error), &error);
}

static inline LogStatistics statistics(void)
{
    LogStatistics out;
    log_statistics(log_, &out);
    return out;
}

/* Puts until the current segment is another one. */
static inline void fill_segment(const char *text)
{
    uint64_t id = log_->current->id;
    for (int i = 0; log_->current->id == id; i++) {
        CHECK(i < 100000);
        put(text);
    }
}

/* ---- the folder ---- */

/* The name of the n-th segment in order of name; "" where there are fewer. */
static inline void segment_number(size_t n, char out[64])
{
    Arena arena;
    DirectoryEntry *entries;
    size_t count;
    Error error;
    out[0] = '\0';
    arena_open(&arena, 0);
    assert_ok(env_list(env, LOG_FOLDER, &arena, &entries, &count, &error), &error);
    for (size_t i = 0; i < count; i++) {
        uint64_t seq;
        if (segment_name_parse(entries[i].name, &seq) && n-- == 0)
            (void)snprintf(out, 64, "%s/%.*s", LOG_FOLDER, SLICE_ARGUMENTS(entries[i].name));
    }
    arena_close(&arena);
}

static inline size_t count_segments(void)
{
    char path[64];
    size_t n = 0;
    for (segment_number(n, path); path[0] != '\0'; segment_number(n, path))
        n++;
    return n;
}

/* Flips one bit; outside a run, and safe from then on. */
static inline void damage(const char *path, uint64_t offset)
{
    Slice content = get_file(env, path);
    assert_true(offset < content.size);
    uint8_t byte = (uint8_t)(content.data[offset] ^ 4);
    put_file(env, path, offset, slice_of(&byte, 1), true);
}

static inline void remove_file(const char *path)
{
    Error error;
    assert_ok(env_remove(env, path, &error), &error);
    assert_ok(env_sync_directory(env, LOG_FOLDER, &error), &error);
}

#endif
