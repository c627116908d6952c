/* Dead sets from portable roaring bitmaps, checked against the library that writes them; and
 * alive() over a real file. */
#include <roaring/roaring.h>

#include "tests/unit/worker/harness.h"
#include "worker/dead_set.h"

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t start_random(void)
{
    const char *text = getenv("SEED");
    seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)env_monotonic_ns(env_real()) | 1;
    print_message("SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static Slice serialize(roaring_bitmap_t *bitmap, bool runs)
{
    if (runs)
        (void)roaring_bitmap_run_optimize(bitmap);
    size_t size = roaring_bitmap_portable_size_in_bytes(bitmap);
    char *bytes = malloc(size);
    assert_int_equal(size, roaring_bitmap_portable_serialize(bitmap, bytes));
    return slice_of(bytes, size);
}

/* Sparse, dense and run containers, whole and empty chunks. */
static roaring_bitmap_t *random_bitmap(uint32_t rows)
{
    roaring_bitmap_t *bitmap = roaring_bitmap_create();
    for (uint32_t from = 0; from < rows; from += DEAD_CHUNK_ROWS) {
        uint32_t end = rows - from < DEAD_CHUNK_ROWS ? rows : from + DEAD_CHUNK_ROWS;
        switch (next_random() % 5) {
        case 0:
            break;
        case 1:
            for (int i = 0; i < 50; i++)
                roaring_bitmap_add(bitmap, from + (uint32_t)(next_random() % (end - from)));
            break;
        case 2:
            for (int i = 0; i < 20000; i++)
                roaring_bitmap_add(bitmap, from + (uint32_t)(next_random() % (end - from)));
            break;
        case 3:
            roaring_bitmap_add_range(bitmap, from + (uint32_t)(next_random() % (end - from)), end);
            break;
        default:
            roaring_bitmap_add_range(bitmap, from, end);
        }
    }
    return bitmap;
}

static void check_everything(const DeadSet *set, const roaring_bitmap_t *bitmap, uint32_t rows)
{
    assert_int_equal(roaring_bitmap_get_cardinality(bitmap), set->dead_count);
    for (uint32_t i = 0; i < rows; i++)
        assert_int_equal(roaring_bitmap_contains(bitmap, i), dead_set_has(set, i));
    uint64_t count = 0;
    for (uint64_t at = dead_set_next(set, 0); at < rows; at = dead_set_next(set, at + 1)) {
        assert_true(roaring_bitmap_contains(bitmap, (uint32_t)at));
        count++;
    }
    assert_int_equal(set->dead_count, count);
}

static void check_vectors(const DeadSet *set, const roaring_bitmap_t *bitmap, uint32_t rows)
{
    enum { COUNT = 2048 };
    static int64_t positions[COUNT];
    static bool alive[COUNT];
    for (int round = 0; round < 40; round++) {
        bool is_run = round % 2 == 0;
        uint32_t count = rows < COUNT ? rows : 1 + (uint32_t)(next_random() % COUNT);
        uint32_t first = (uint32_t)(next_random() % (rows - count + 1));
        for (uint32_t i = 0; i < count; i++) {
            positions[i] = is_run ? first + i : (uint32_t)(next_random() % rows);
            alive[i] = true;
        }
        assert_true(dead_set_clear(set, positions, count, alive));
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(!roaring_bitmap_contains(bitmap, (uint32_t)positions[i]), alive[i]);
    }
}

static void sets_say_what_the_library_wrote(void **state)
{
    (void)state;
    (void)start_random();
    for (int round = 0; round < 20; round++) {
        uint32_t rows = 1 + (uint32_t)(next_random() % 500000);
        roaring_bitmap_t *bitmap = random_bitmap(rows);
        Slice bytes = serialize(bitmap, round % 2 == 0);
        DeadSet set;
        Error error;
        assert_int_equal(OK, dead_set_open(&set, rows, bytes, &error));
        check_everything(&set, bitmap, rows);
        check_vectors(&set, bitmap, rows);
        dead_set_close(&set);
        free((void *)(uintptr_t)bytes.data);
        roaring_bitmap_free(bitmap);
    }
}

static void positions_outside_are_refused(void **state)
{
    (void)state;
    DeadSet set;
    Error error;
    bool alive[2] = {true, true};
    assert_int_equal(OK, dead_set_open(&set, 100, SLICE_EMPTY, &error));
    assert_true(dead_set_clear(&set, (int64_t[]){5, 99}, 2, alive));
    assert_true(alive[0] && alive[1]);
    assert_false(dead_set_clear(&set, (int64_t[]){5, 100}, 2, alive));
    assert_false(dead_set_clear(&set, (int64_t[]){-1, 0}, 2, alive));
    assert_false(dead_set_clear(&set, (int64_t[]){99, 100}, 2, alive));
    assert_int_equal(100, dead_set_next(&set, 0));
    dead_set_close(&set);
}

/* No bytes may be believed, and none may lead outside. */
static void damaged_bitmaps_are_refused(void **state)
{
    (void)state;
    (void)start_random();
    roaring_bitmap_t *bitmap = random_bitmap(300000);
    roaring_bitmap_add(bitmap, 299999);
    Slice bytes = serialize(bitmap, true);
    DeadSet set;
    Error error;
    assert_int_equal(STATUS_DATA_CORRUPTED, dead_set_open(&set, 299999, bytes, &error));
    for (size_t size = 1; size < bytes.size; size += 1 + size / 50)
        assert_int_equal(STATUS_DATA_CORRUPTED,
                         dead_set_open(&set, 300000, slice_of(bytes.data, size), &error));
    uint8_t *copy = malloc(bytes.size);
    for (int round = 0; round < 2000; round++) {
        memcpy(copy, bytes.data, bytes.size);
        for (int i = 0; i < 3; i++)
            copy[next_random() % (round % 2 == 0 ? 64 : bytes.size)] = (uint8_t)next_random();
        if (dead_set_open(&set, 300000, slice_of(copy, bytes.size), &error) == OK)
            dead_set_close(&set);
    }
    free(copy);
    free((void *)(uintptr_t)bytes.data);
    roaring_bitmap_free(bitmap);
}

static void allocation_failures_are_errors(void **state)
{
    (void)state;
    (void)start_random();
    roaring_bitmap_t *bitmap = random_bitmap(400000);
    Slice bytes = serialize(bitmap, false);
    DeadSet set;
    Error error;
    for (int64_t n = 1;; n++) {
        memory_fail_at(n, 1);
        Status status = dead_set_open(&set, 400000, bytes, &error);
        memory_fail_at(0, 0);
        if (status == OK)
            break;
        assert_int_equal(STATUS_OUT_OF_MEMORY, status);
    }
    dead_set_close(&set);
    free((void *)(uintptr_t)bytes.data);
    roaring_bitmap_free(bitmap);
}

/* ---- alive() ---- */

enum { FILE_ROWS = 300000 };

static void write_files(Harness *harness, int count)
{
    for (int i = 0; i < count; i++) {
        char sql[300];
        (void)snprintf(
            sql, sizeof sql,
            "COPY (SELECT range::BIGINT AS n, %d AS f FROM range(%d)) TO '%s/%d.parquet' "
            "(FORMAT parquet, ROW_GROUP_SIZE 20480)",
            i, FILE_ROWS, harness->folder, i);
        harness_do(harness, sql);
    }
}

static uint64_t alive_sum(const roaring_bitmap_t *deletes, const roaring_bitmap_t *marks)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < FILE_ROWS; i++) {
        bool dead = (deletes != NULL && roaring_bitmap_contains(deletes, i)) ||
                    (marks != NULL && roaring_bitmap_contains(marks, i));
        sum += dead ? 0 : i;
    }
    return sum;
}

static void alive_hides_deletes_and_marks(void **state)
{
    (void)state;
    (void)start_random();
    Harness harness;
    harness_open(&harness, 2);
    write_files(&harness, 2);
    roaring_bitmap_t *deletes = random_bitmap(FILE_ROWS);
    roaring_bitmap_t *marks = random_bitmap(FILE_ROWS);
    Slice delete_bytes = serialize(deletes, true);
    Slice mark_bytes = serialize(marks, true);
    harness_bitmap(&harness, 77, FILE_ROWS, delete_bytes);
    const Column columns[] = {test_column("n", TYPE(BIGINT), 1)};
    Schema *schema = test_schema(TABLE_SHARED, 1, columns, 1);
    const WorkerFile files[] = {{.row_count = FILE_ROWS, .bitmap_id = 77, .marks = mark_bytes},
                                {.row_count = FILE_ROWS, .bitmap_id = 77}};
    WorkerReference reference = {.schema = schema, .files = files, .file_count = 2};
    WorkerRequest request = {.references = &reference, .reference_count = 1};
    request.alive_slots[3] = (AliveSlot){0, 0};
    request.alive_slot_count = 4;
    char expected[100];
    char sql[400];
    (void)snprintf(expected, sizeof expected, "[%llu]",
                   (unsigned long long)alive_sum(deletes, marks));
    (void)snprintf(sql, sizeof sql,
                   "SELECT sum(n)::BIGINT FROM read_parquet('%s/0.parquet') WHERE "
                   "alive_3(file_row_number)",
                   harness.folder);
    assert_string_equal(expected, RUN_JSON(&harness, request, sql, TYPE(BIGINT)));
    (void)snprintf(expected, sizeof expected, "[0,%llu],[1,%llu]",
                   (unsigned long long)alive_sum(deletes, marks),
                   (unsigned long long)alive_sum(deletes, NULL));
    (void)snprintf(sql, sizeof sql,
                   "SELECT f, sum(n)::BIGINT FROM read_parquet(['%s/0.parquet', '%s/1.parquet']) "
                   "WHERE alive_any(0, file_index, file_row_number) GROUP BY 1 ORDER BY 1",
                   harness.folder, harness.folder);
    assert_string_equal(expected, RUN_JSON(&harness, request, sql, TYPE(INTEGER), TYPE(BIGINT)));
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM read_parquet('%s/0.parquet') WHERE n BETWEEN 150000 AND "
                   "150099 AND alive_3(file_row_number)",
                   harness.folder); /* row groups skipped: row numbers stay those of the file */
    uint64_t count = 0;
    for (uint32_t i = 150000; i < 150100; i++)
        count += !roaring_bitmap_contains(deletes, i) && !roaring_bitmap_contains(marks, i);
    (void)snprintf(expected, sizeof expected, "[%llu]", (unsigned long long)count);
    assert_string_equal(expected, RUN_JSON(&harness, request, sql, TYPE(BIGINT)));
    schema_release(schema);
    free((void *)(uintptr_t)delete_bytes.data);
    free((void *)(uintptr_t)mark_bytes.data);
    roaring_bitmap_free(deletes);
    roaring_bitmap_free(marks);
    harness_close(&harness);
}

static void alive_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 2);
    write_files(&harness, 1);
    const Column columns[] = {test_column("n", TYPE(BIGINT), 1)};
    Schema *schema = test_schema(TABLE_SHARED, 1, columns, 1);
    WorkerFile file = {.row_count = 5000}; /* the file has more */
    WorkerReference reference = {.schema = schema, .files = &file, .file_count = 1};
    WorkerRequest request = {.references = &reference, .reference_count = 1};
    request.alive_slot_count = 1;
    char sql[300];
    (void)snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM read_parquet('%s/0.parquet') WHERE alive_0(file_row_number)",
        harness.folder);
    assert_string_equal("[300000]", RUN_JSON(&harness, request, sql, TYPE(BIGINT)));
    roaring_bitmap_t *marks = roaring_bitmap_create();
    roaring_bitmap_add(marks, 7);
    file.marks = serialize(marks, false);
    assert_string_equal("XX001 a data file has rows that nobody knows of",
                        RUN_JSON(&harness, request, sql, TYPE(BIGINT)));
    file.row_count = 7; /* the mark lies behind the end */
    assert_string_equal("XX001 a bitmap of deleted rows is damaged",
                        RUN_JSON(&harness, request, sql, TYPE(BIGINT)));
    free((void *)(uintptr_t)file.marks.data);
    file = (WorkerFile){.row_count = FILE_ROWS, .bitmap_id = 5};
    assert_string_equal("08P01 a bitmap that was never sent",
                        RUN_JSON(&harness, request, sql, TYPE(BIGINT)));
    file.bitmap_id = 0;
    (void)snprintf(
        sql, sizeof sql,
        "SELECT count(*) FROM read_parquet('%s/0.parquet') WHERE alive_1(file_row_number)",
        harness.folder);
    assert_string_equal("XX000 no such file in the statement",
                        RUN_JSON(&harness, request, sql, TYPE(BIGINT)));
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FROM read_parquet('%s/0.parquet') WHERE "
                   "alive_any(4, file_index, file_row_number)",
                   harness.folder);
    assert_string_equal("XX000 no such reference in the statement",
                        RUN_JSON(&harness, request, sql, TYPE(BIGINT)));
    roaring_bitmap_free(marks);
    schema_release(schema);
    harness_close(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_say_what_the_library_wrote),
        cmocka_unit_test(positions_outside_are_refused),
        cmocka_unit_test(damaged_bitmaps_are_refused),
        cmocka_unit_test(allocation_failures_are_errors),
        cmocka_unit_test(alive_hides_deletes_and_marks),
        cmocka_unit_test(alive_refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
