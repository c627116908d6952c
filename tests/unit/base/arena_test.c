#include "base/arena.h"

#include "base/random.h"
#include "tests/unit/base/test.h"

static void memory_is_aligned_and_apart(void **state)
{
    (void)state;
    enum { OBJECTS = 2000 };
    static uint8_t *objects[OBJECTS];
    static size_t sizes[OBJECTS];
    Random random = random_of(test_seed());
    Arena arena;
    arena_open(&arena, 0);
    for (size_t i = 0; i < OBJECTS; i++) {
        sizes[i] = random_below(&random, random_chance(&random, 1, 50) ? 100000 : 200);
        objects[i] = arena_allocate(&arena, sizes[i]);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % 16, 0);
        memset(objects[i], (int)i, sizes[i]);
    }
    for (size_t i = 0; i < OBJECTS; i++) {
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(objects[i][at], (uint8_t)i);
    }
    arena_close(&arena);
    assert_int_equal(arena.used, 0);
}

static void texts_are_copied(void **state)
{
    (void)state;
    Arena arena;
    Slice copy;
    Error error;
    arena_open(&arena, 0);
    char text[] = "text";
    assert_ok(arena_clone(&arena, slice_of(text, 4), &copy, &error), &error);
    text[0] = 'x';
    assert_slice(copy, "text");
    assert_string_equal(arena_text(&arena, SLICE("abc")), "abc");
    assert_string_equal(arena_text(&arena, SLICE_EMPTY), "");
    assert_string_equal(arena_format(&arena, "%s-%d", "a", 7), "a-7");
    int *numbers = ARENA_ARRAY(&arena, int, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    assert_non_null(ARENA_ARRAY(&arena, int, 0));
    assert_null(arena_allocate_zeroed(&arena, SIZE_MAX, 2));
    arena_close(&arena);
}

static void a_reset_keeps_one_chunk(void **state)
{
    (void)state;
    Arena arena;
    arena_open(&arena, 0);
    void *first = arena_allocate(&arena, 100);
    for (int i = 0; i < 100; i++)
        assert_non_null(arena_allocate(&arena, 10000));
    arena_reset(&arena);
    assert_true(arena.used > 0 && arena.used < 10000);
    assert_ptr_equal(arena_allocate(&arena, 100), first);
    arena_close(&arena);
    arena_close(&arena);

    arena_open(&arena, 0);
    assert_non_null(arena_allocate(&arena, 3 << 20)); /* too large to be kept */
    arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    arena_close(&arena);
}

/* Nearly all of a limit can be used, whatever the sizes asked for, and never more than it. */
static void a_limit_is_used_and_kept(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    for (size_t limit = 1000; limit < 3000000; limit = limit * 3 / 2) {
        Arena arena;
        Error error;
        size_t given = 0;
        arena_open(&arena, limit);
        for (;;) {
            size_t size = 1 + random_below(&random, 64);
            if (arena_allocate(&arena, size) == NULL)
                break;
            given += size;
            assert_true(arena.used <= limit);
        }
        assert_true(given > limit / 4);
        assert_true(arena.used + 200 > limit);
        assert_status(arena_error(&arena, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
        arena_close(&arena);
    }
}

static void the_error_says_which_end_it_was(void **state)
{
    (void)state;
    Arena arena;
    Error error;
    arena_open(&arena, 1 << 20);
    assert_null(arena_allocate(&arena, 2 << 20));
    assert_status(arena_error(&arena, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
    memory_fail_at(1, 1);
    assert_null(arena_allocate(&arena, 100));
    memory_fail_at(0, 0);
    assert_status(arena_error(&arena, &error), STATUS_OUT_OF_MEMORY);
    assert_null(arena_allocate(&arena, SIZE_MAX));
    assert_status(arena_error(&arena, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
    arena_close(&arena);
    Slice copy = SLICE("untouched");
    arena_open(&arena, 100);
    char large[200] = {0};
    assert_status(arena_clone(&arena, slice_of(large, sizeof large), &copy, &error),
                  STATUS_PROGRAM_LIMIT_EXCEEDED);
    assert_slice(copy, "untouched");
    assert_null(arena_format(&arena, "%200d", 1));
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_apart),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(a_reset_keeps_one_chunk),
        cmocka_unit_test(a_limit_is_used_and_kept),
        cmocka_unit_test(the_error_says_which_end_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
