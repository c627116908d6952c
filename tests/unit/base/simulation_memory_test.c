/* Memory across simulated crashes: what a run held is freed, what was there before stays. */
#include "tests/unit/base/simulated.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

enum { FORBIDDEN_BYTES = 1 << 20 };

typedef struct Held {
    Simulation *simulation;
    Env *env;
    Buffer outside; /* from before the run */
    void *freed_inside;
    void *forbidden;
} Held;

static void allocate_and_crash(void *argument)
{
    Held *held = argument;
    void *blocks[300];
    for (size_t i = 0; i < 300; i++)
        blocks[i] = memory_allocate(i + 1);
    for (size_t i = 0; i < 300; i += 3)
        memory_free(blocks[i]);
    for (size_t i = 1; i < 300; i += 3)
        blocks[i] = memory_resize(blocks[i], 10000);
    memory_free(held->freed_inside);
    held->freed_inside = NULL;
    for (int i = 0; i < 5000; i++)
        buffer_put_u64(&held->outside, (uint64_t)i);
    env_sleep_ns(held->env, 10);
    simulation_crash(held->simulation, SIMULATION_KILL);
    fail_msg("a crash came back");
}

#if defined(__SANITIZE_ADDRESS__)
static void forbid_and_crash(void *argument)
{
    Held *held = argument;
    Error error;
    SharedMemory memory;
    simulation_ok(held->simulation,
                  shared_memory_open(held->env, "rows", FORBIDDEN_BYTES, &memory, &error), &error);
    ASAN_POISON_MEMORY_REGION(memory.data, FORBIDDEN_BYTES);
    held->forbidden = memory.data;
    simulation_crash(held->simulation, SIMULATION_KILL);
    fail_msg("a crash came back");
}
#endif

/* Whatever was mapped there next, a stack for instance, was said to be poisoned. */
static void a_crash_leaves_no_poison_in_shared_memory(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    Simulation *simulation = simulation_of_seed(1);
    Held held = {.simulation = simulation, .env = simulation_env(simulation)};
    assert_end(SIMULATION_CRASHED, simulation_run(simulation, forbid_and_crash, &held), simulation);
    assert_null(__asan_region_is_poisoned(held.forbidden, FORBIDDEN_BYTES));
    simulation_destroy(simulation);
#else
    skip();
#endif
}

/* LeakSanitizer and ASan judge: what the run held is freed, what was there before is not. */
static void a_crash_frees_what_the_run_held(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(1);
    Held held = {.simulation = simulation, .env = simulation_env(simulation)};
    buffer_open(&held.outside, 0);
    buffer_put_text(&held.outside, "before");
    for (int i = 0; i < 20; i++) {
        held.freed_inside = memory_allocate(100);
        assert_end(SIMULATION_CRASHED, simulation_run(simulation, allocate_and_crash, &held),
                   simulation);
        assert_null(held.freed_inside);
    }
    assert_int_equal(held.outside.size, 6 + 20 * 5000 * 8);
    assert_slice(slice_part(buffer_slice(&held.outside), 0, 6), "before");
    buffer_close(&held.outside);
    simulation_destroy(simulation);
}

static void keep_memory(void *argument)
{
    void **out = argument;
    *out = memory_clone("kept", 4);
}

static void a_finished_run_hands_its_memory_out(void **state)
{
    (void)state;
    Simulation *simulation = simulation_of_seed(1);
    void *kept = NULL;
    assert_end(SIMULATION_FINISHED, simulation_run(simulation, keep_memory, &kept), simulation);
    simulation_crash(simulation, SIMULATION_LOSE_ALL);
    assert_memory_equal(kept, "kept", 4);
    memory_free(kept);
    simulation_destroy(simulation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_frees_what_the_run_held),
        cmocka_unit_test(a_crash_leaves_no_poison_in_shared_memory),
        cmocka_unit_test(a_finished_run_hands_its_memory_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
