#include "base/random.h"

#include "tests/unit/base/test.h"

/* Seeds of failures must stay good for ever. */
static void the_sequence_of_a_seed_is_fixed(void **state)
{
    (void)state;
    Random random = random_of(42);
    static const uint64_t wanted[] = {UINT64_C(0x15780b2e0c2ec716), UINT64_C(0x6104d9866d113a7e),
                                      UINT64_C(0xae17533239e499a1)};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_int_equal(random_u64(&random), wanted[i]);
}

static void numbers_below_a_limit_are_even(void **state)
{
    (void)state;
    enum { LIMIT = 7, DRAWS = 70000 };
    Random random = random_of(test_seed());
    int counts[LIMIT] = {0};
    for (int i = 0; i < DRAWS; i++)
        counts[random_below(&random, LIMIT)]++;
    for (int i = 0; i < LIMIT; i++)
        assert_in_range(counts[i], DRAWS / LIMIT - 600, DRAWS / LIMIT + 600); /* 6 sigma */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(random_below(&random, 1), 0);
        assert_true(random_below(&random, UINT64_MAX) < UINT64_MAX);
        assert_true(random_chance(&random, 1, 1));
        assert_false(random_chance(&random, 0, 1));
    }
}

static void bytes_fill_their_room_only(void **state)
{
    (void)state;
    Random random = random_of(1);
    for (size_t size = 0; size < 30; size++) {
        uint8_t bytes[32] = {0};
        random_bytes(&random, bytes, size);
        for (size_t i = size; i < sizeof bytes; i++)
            assert_int_equal(bytes[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_of_a_seed_is_fixed),
        cmocka_unit_test(numbers_below_a_limit_are_even),
        cmocka_unit_test(bytes_fill_their_room_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
