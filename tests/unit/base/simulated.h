/* What the tests of the simulation share. */
#ifndef FIRN_TESTS_UNIT_BASE_SIMULATED_H
#define FIRN_TESTS_UNIT_BASE_SIMULATED_H

#include "base/simulation.h"
#include "tests/unit/base/test.h"

static inline Simulation *simulation_of_seed(uint64_t seed)
{
    return simulation_create(&(SimulationOptions){.seed = seed});
}

/* Ends the run with the error's text where a call fails inside it. */
#define simulation_ok(simulation, call, error)                                             \
    do {                                                                                   \
        if ((call) != OK)                                                                  \
            simulation_fail((simulation), "%s:%d: %s: %s [%s]", __FILE__, __LINE__, #call, \
                            (error)->message, (error)->internal);                          \
    } while (0)

static inline void assert_end(SimulationEnd wanted, SimulationEnd got, const Simulation *simulation)
{
    if (wanted == got)
        return;
    Buffer trace;
    buffer_open(&trace, 0);
    simulation_put_trace(simulation, &trace);
    buffer_put_u8(&trace, 0);
    fail_msg("the run %s, wanted %s: %s\n%s", simulation_end_name(got), simulation_end_name(wanted),
             simulation_report(simulation), (char *)trace.data);
}

/* ---- files, by one call each; they stop the test outside a run and must not fail ---- */

static inline void put_file(Env *env, const char *path, uint64_t offset, Slice data, bool sync)
{
    File *file;
    Error error;
    assert_ok(file_open(env, path, FILE_WRITE | FILE_CREATE, &file, &error), &error);
    assert_ok(file_write_at(file, offset, data, &error), &error);
    if (sync)
        assert_ok(file_sync(file, &error), &error);
    assert_ok(file_close(file, &error), &error);
}

static inline bool file_exists(Env *env, const char *path)
{
    Error error;
    FileInformation information;
    assert_ok(env_stat(env, path, &information, &error), &error);
    return information.exists;
}

/* The whole file; "(none)" where it is not there. The bytes live until the next call. */
static inline Slice get_file(Env *env, const char *path)
{
    static Buffer content;
    Error error;
    if (!file_exists(env, path))
        return SLICE("(none)");
    buffer_close(&content);
    buffer_open(&content, 0);
    assert_ok(env_read_file(env, path, 1 << 24, &content, &error), &error);
    return buffer_slice(&content);
}

static inline void sync_directory(Env *env, const char *path)
{
    Error error;
    assert_ok(env_sync_directory(env, path, &error), &error);
}

#endif
