#include "base/memory.h"

#include "base/random.h"
#include "tests/unit/base/test.h"

static void the_nth_allocation_fails(void **state)
{
    (void)state;
    memory_fail_at(3, 2);
    for (int i = 1; i <= 6; i++) {
        void *block = memory_allocate(8);
        assert_int_equal(block == NULL, i == 3 || i == 4);
        memory_free(block);
    }
    assert_int_equal(memory_allocations(), 6);
    memory_fail_at(1, -1);
    assert_null(memory_allocate(1));
    assert_null(memory_allocate_zeroed(2, 8));
    assert_null(memory_clone("x", 1));
    assert_null(memory_resize(NULL, 1));
    memory_fail_at(0, 0);
    void *block = memory_allocate(1);
    assert_non_null(block);
    memory_fail_at(1, 1);
    assert_null(memory_resize(block, 100)); /* and the old one stays */
    memory_fail_at(0, 0);
    memory_free(block);
    memory_free(NULL);
}

static void clones_and_zeros(void **state)
{
    (void)state;
    char *copy = memory_clone("abc", 4);
    assert_string_equal(copy, "abc");
    memory_free(copy);
    memory_free(memory_clone(NULL, 0));
    uint8_t *zeros = memory_allocate_zeroed(100, 3);
    for (int i = 0; i < 300; i++)
        assert_int_equal(zeros[i], 0);
    memory_free(zeros);
}

static void a_tracker_knows_what_is_left(void **state)
{
    (void)state;
    MemoryTracker *tracker = memory_tracker_create();
    void *before = memory_allocate(10);
    memory_tracker_use(tracker);
    void *first = memory_allocate(10);
    void *second = memory_allocate_zeroed(1, 10);
    assert_int_equal(memory_tracker_count(tracker), 2);
    before = memory_resize(before, 5000); /* stays what it was */
    first = memory_resize(first, 5000);
    assert_int_equal(memory_tracker_count(tracker), 2);
    memory_free(first);
    assert_int_equal(memory_tracker_count(tracker), 1);
    memory_tracker_use(NULL);
    memory_free(memory_allocate(10)); /* not watched */
    memory_tracker_free_all(tracker); /* second */
    assert_int_equal(memory_tracker_count(tracker), 0);
    (void)second;
    memory_tracker_use(tracker);
    void *kept = memory_allocate(10);
    memory_tracker_use(NULL);
    memory_tracker_forget_all(tracker);
    memory_tracker_destroy(tracker);
    memory_free(kept);
    memory_free(before);
}

/* Against the plain truth: an array of what is allocated. */
static void a_tracker_never_loses_count(void **state)
{
    (void)state;
    enum { BLOCKS = 3000, STEPS = 100000 };
    static void *blocks[BLOCKS];
    Random random = random_of(test_seed());
    MemoryTracker *tracker = memory_tracker_create();
    size_t count = 0;
    memory_tracker_use(tracker);
    for (int i = 0; i < STEPS; i++) {
        void **block = &blocks[random_below(&random, BLOCKS)];
        if (*block == NULL) {
            *block = memory_allocate(1 + random_below(&random, 64));
            count++;
        } else if (random_chance(&random, 1, 3)) {
            *block = memory_resize(*block, 1 + random_below(&random, 200));
        } else {
            memory_free(*block);
            *block = NULL;
            count--;
        }
        assert_int_equal(memory_tracker_count(tracker), count);
    }
    memory_tracker_use(NULL);
    memory_tracker_free_all(tracker); /* a block missed or freed twice is ASan's to find */
    memory_tracker_destroy(tracker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nth_allocation_fails),
        cmocka_unit_test(clones_and_zeros),
        cmocka_unit_test(a_tracker_knows_what_is_left),
        cmocka_unit_test(a_tracker_never_loses_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
