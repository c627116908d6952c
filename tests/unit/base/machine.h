/* One simulated machine for each test of the disk. */
#ifndef FIRN_TESTS_UNIT_BASE_MACHINE_H
#define FIRN_TESTS_UNIT_BASE_MACHINE_H

#include "tests/unit/base/simulated.h"

static Simulation *machine;
static Env *env;

static int boot(void **state)
{
    (void)state;
    machine = simulation_of_seed(1);
    env = simulation_env(machine);
    return 0;
}

static int shut_down(void **state)
{
    (void)state;
    simulation_destroy(machine);
    return 0;
}

static inline void boot_with(const SimulationOptions *options)
{
    simulation_destroy(machine);
    machine = simulation_create(options);
    env = simulation_env(machine);
}

static inline File *open_file(const char *path)
{
    File *file;
    Error error;
    assert_ok(file_open(env, path, FILE_READ | FILE_WRITE | FILE_CREATE, &file, &error), &error);
    return file;
}

static inline void close_file(File *file)
{
    Error error;
    assert_ok(file_close(file, &error), &error);
}

#define ON_A_MACHINE(test) cmocka_unit_test_setup_teardown(test, boot, shut_down)

#endif
