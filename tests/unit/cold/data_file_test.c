#include "cold/data_file.h"

#include "tests/unit/cold/test.h"

static void ids_hold_sequence_and_ordinal(void **state)
{
    (void)state;
    uint64_t id = data_file_id(7, 5);
    assert_int_equal(data_file_sequence(id), 7);
    assert_int_equal(data_file_ordinal(id), 5);
    assert_true(data_file_id(7, 5) < data_file_id(7, 6));
    assert_true(data_file_id(7, (1u << DATA_FILE_ORDINAL_BITS) - 1) < data_file_id(8, 0));
}

static void the_last_reference_frees_it(void **state)
{
    (void)state;
    Error error;
    DataFile *file;
    assert_ok(data_file_create(&file, &error), &error);
    file->path = arena_format(&file->arena, "data/%s", "x.parquet");
    assert_non_null(file->path);
    DataFile *again = data_file_clone(file);
    assert_ptr_equal(again, file);
    data_file_release(file);
    assert_string_equal(again->path, "data/x.parquet"); /* ASan: still there */
    data_file_release(again);
    data_file_release(NULL);
}

static void no_memory_is_an_error(void **state)
{
    (void)state;
    Error error;
    DataFile *file = NULL;
    FAIL_EVERY_ALLOCATION(data_file_create(&file, &error), &error);
    data_file_release(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_hold_sequence_and_ordinal),
        cmocka_unit_test(the_last_reference_frees_it),
        cmocka_unit_test(no_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
