#include "memtable/marks.h"

#include "tests/unit/memtable/test.h"

static Marks *open_marks(void)
{
    Error error;
    Marks *marks;
    assert_ok(marks_create(env_real(), &marks, &error), &error);
    return marks;
}

static void reserve(Marks *marks, size_t count)
{
    Error error;
    assert_ok(marks_reserve(marks, count, &error), &error);
}

static void test_the_first_sequence_stays(void **state)
{
    (void)state;
    Marks *marks = open_marks();
    reserve(marks, 3);
    marks_add(marks, &(Mark){.file_id = 7, .position = 9, .seq = 50, .owner = 3});
    marks_add(marks, &(Mark){.file_id = 7, .position = 9, .seq = 40, .owner = 4});
    marks_add(marks, &(Mark){.file_id = 7, .position = 9, .seq = 60, .owner = 5});
    assert_int_equal(marks_count(marks), 1);
    assert_false(marks_covers(marks, 7, 9, 49));
    assert_true(marks_covers(marks, 7, 9, 50));
    assert_true(marks_covers(marks, 7, 9, UINT64_MAX));
    assert_false(marks_covers(marks, 7, 8, UINT64_MAX));
    assert_false(marks_covers(marks, 8, 9, UINT64_MAX));
    Mark mark;
    marks_copy(marks, 0, 1, &mark);
    assert_int_equal(mark.seq, 50);
    assert_int_equal(mark.owner, 3);
    marks_destroy(marks);
}

static void test_empty(void **state)
{
    (void)state;
    Marks *marks = open_marks();
    assert_int_equal(marks_count(marks), 0);
    assert_false(marks_covers(marks, 0, 0, UINT64_MAX));
    marks_copy(marks, 0, 0, NULL);
    assert_true(marks_bytes(marks) < 1024);
    marks_destroy(marks);
}

/* ---- against an array ---- */

enum { FILES = 5, POSITIONS = 40000 };

typedef struct Plain {
    uint64_t seq[FILES][POSITIONS]; /* 0: not marked */
    Mark *list;
    size_t count;
} Plain;

static void check_all(Marks *marks, const Plain *plain, Random *random)
{
    assert_int_equal(marks_count(marks), plain->count);
    for (int i = 0; i < 2000; i++) {
        uint64_t file = random_below(random, FILES);
        uint32_t position = (uint32_t)random_below(random, POSITIONS);
        uint64_t seq = random_below(random, 300000);
        uint64_t first = plain->seq[file][position];
        assert_int_equal(marks_covers(marks, file, position, seq), first != 0 && first <= seq);
    }
    size_t from = random_below(random, plain->count + 1);
    size_t count = random_below(random, plain->count - from + 1);
    Mark *copy = calloc(count + 1, sizeof *copy);
    assert_non_null(copy);
    marks_copy(marks, from, count, copy);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(copy[i].file_id, plain->list[from + i].file_id);
        assert_int_equal(copy[i].position, plain->list[from + i].position);
        assert_int_equal(copy[i].seq, plain->list[from + i].seq);
        assert_int_equal(copy[i].owner, plain->list[from + i].owner);
    }
    free(copy);
}

static void test_it_does_as_an_array(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    Marks *marks = open_marks();
    Plain *plain = calloc(1, sizeof *plain);
    assert_non_null(plain);
    plain->list = calloc(FILES * POSITIONS, sizeof *plain->list);
    assert_non_null(plain->list);
    uint64_t seq = 0;
    for (int batch = 0; batch < 300; batch++) {
        size_t count = random_below(&random, 1000);
        reserve(marks, count);
        for (size_t i = 0; i < count; i++) {
            Mark mark = {.file_id = random_below(&random, FILES), .seq = ++seq, .owner = 9};
            mark.position = (uint32_t)random_below(&random, POSITIONS);
            marks_add(marks, &mark);
            uint64_t *first = &plain->seq[mark.file_id][mark.position];
            if (*first == 0) {
                *first = seq;
                plain->list[plain->count++] = mark;
            }
        }
        if (batch < 10 || batch % 50 == 0)
            check_all(marks, plain, &random);
    }
    check_all(marks, plain, &random);
    free(plain->list);
    free(plain);
    marks_destroy(marks);
}

/* ---- room ---- */

/* Room that is asked for again and again, and not used, is not made again and again. */
static void test_room_stays(void **state)
{
    (void)state;
    Marks *marks = open_marks();
    reserve(marks, 1000);
    uint64_t bytes = marks_bytes(marks);
    for (int i = 0; i < 10000; i++)
        reserve(marks, 1000);
    assert_int_equal(marks_bytes(marks), bytes);
    memory_fail_at(1, -1);
    for (uint32_t i = 0; i < 1000; i++) {
        marks_add(marks, &(Mark){.file_id = 1, .position = i, .seq = 1});
        marks_add(marks, &(Mark){.file_id = 1, .position = i, .seq = 2});
    }
    memory_fail_at(0, 0);
    assert_int_equal(marks_count(marks), 1000);
    marks_destroy(marks);
}

static void test_reserve_is_all_or_nothing(void **state)
{
    (void)state;
    Error error;
    Marks *marks = open_marks();
    reserve(marks, 200);
    for (uint32_t i = 0; i < 100; i++)
        marks_add(marks, &(Mark){.file_id = 1, .position = i, .seq = 1});
    uint64_t bytes = marks_bytes(marks);
    FAIL_EVERY_ALLOCATION(marks_reserve(marks, 100000, &error), &error,
                          assert_int_equal(marks_bytes(marks), bytes));
    assert_true(marks_bytes(marks) > bytes + 100000 * sizeof(Mark));
    memory_fail_at(1, -1);
    for (uint32_t i = 100; i < 100200; i++)
        marks_add(marks, &(Mark){.file_id = 1, .position = i, .seq = 1});
    assert_status(STATUS_OUT_OF_MEMORY, marks_reserve(marks, SIZE_MAX, &error));
    memory_fail_at(0, 0);
    for (uint32_t i = 0; i < 100200; i++)
        assert_true(marks_covers(marks, 1, i, 1));
    marks_destroy(marks);
}

/* While a map is being moved to its successor every mark is found, and a huge reservation in the
 * middle of it is served. */
static void test_marks_are_found_while_the_map_moves(void **state)
{
    (void)state;
    Marks *marks = open_marks();
    uint32_t count = 0;
    while (count < 100000) {
        reserve(marks, 1);
        marks_add(marks, &(Mark){.file_id = 1, .position = count, .seq = 1});
        count++;
        assert_true(marks_covers(marks, 1, count / 2, 1));
        assert_true(marks_covers(marks, 1, 0, 1));
        assert_false(marks_covers(marks, 1, count, 1));
        reserve(marks, 1);
        marks_add(marks, &(Mark){.file_id = 1, .position = count / 3, .seq = 1});
        assert_int_equal(marks_count(marks), count);
        if (count == 50001) {
            reserve(marks, 1000000);
            reserve(marks, 3000000);
        }
    }
    marks_destroy(marks);
}

/* ---- threads ---- */

enum { THREADS = 4, EACH = 20000 };

typedef struct Marker {
    Marks *marks;
    Mutex *sequencer;
    uint64_t file_id;
    uint64_t seed;
} Marker;

static void mark_some(const Marker *marker, uint32_t *done, uint32_t count)
{
    Error error;
    mutex_lock(marker->sequencer);
    ASSERT(marks_reserve(marker->marks, count, &error) == OK);
    for (uint32_t i = 0; i < count; i++, (*done)++) {
        Mark mark = {.file_id = marker->file_id, .position = *done, .seq = *done + 1};
        marks_add(marker->marks, &mark);
    }
    mutex_unlock(marker->sequencer);
}

static void look_around(const Marker *marker, Random *random, uint32_t done)
{
    uint32_t known = (uint32_t)random_below(random, done);
    ASSERT(marks_covers(marker->marks, marker->file_id, known, known + 1));
    ASSERT(!marks_covers(marker->marks, marker->file_id, known, known));
    ASSERT(!marks_covers(marker->marks, marker->file_id, done, UINT64_MAX));
    Mark mark;
    size_t total = marks_count(marker->marks);
    marks_copy(marker->marks, random_below(random, total), 1, &mark);
    ASSERT(mark.seq == mark.position + 1 && mark.file_id < THREADS);
}

static void run_marker(void *argument)
{
    const Marker *marker = argument;
    Random random = random_of(marker->seed);
    uint32_t done = 0;
    while (done < EACH) {
        mark_some(marker, &done, 1 + (uint32_t)random_below(&random, 50));
        for (int i = 0; i < 10; i++)
            look_around(marker, &random, done);
    }
}

static void test_threads(void **state)
{
    (void)state;
    Error error;
    uint64_t seed = test_seed();
    Marks *marks = open_marks();
    Mutex sequencer;
    Marker markers[THREADS];
    Thread *threads[THREADS];
    mutex_open(&sequencer, env_real(), "test");
    for (uint64_t i = 0; i < THREADS; i++) {
        markers[i] = (Marker){marks, &sequencer, i, seed + i};
        assert_ok(thread_start(env_real(), "marker", THREAD_STACK_BYTES_DEFAULT, run_marker,
                               &markers[i], &threads[i], &error),
                  &error);
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    mutex_close(&sequencer);
    for (uint64_t file = 0; file < THREADS; file++) {
        for (uint32_t i = 0; i < EACH; i++)
            assert_true(marks_covers(marks, file, i, i + 1) && !marks_covers(marks, file, i, i));
    }
    marks_destroy(marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_sequence_stays),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_it_does_as_an_array),
        cmocka_unit_test(test_room_stays),
        cmocka_unit_test(test_reserve_is_all_or_nothing),
        cmocka_unit_test(test_marks_are_found_while_the_map_moves),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
