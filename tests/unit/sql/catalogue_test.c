/* The catalogue of functions promises nothing that nobody computes. */
#include "sql/catalogue.h"
#include "tests/unit/sql/test.h"
#include "types/function.h"

static void every_symbol_is_a_function(void **state)
{
    size_t position = 0;
    size_t count = 0;
    const CatalogueFunction *function;
    (void)state;
    while ((function = catalogue_next(&position)) != NULL) {
        count++;
        if (function->symbol != NULL && function_describe(slice_of_text(function->symbol)) == NULL)
            fail_msg("%s says %s, which is no function", function->name, function->symbol);
    }
    assert_true(count > 300);
}

static void what_is_absent_is_not_there(void **state)
{
    const CatalogueFunction *overloads[CATALOGUE_OVERLOADS_MAX];
    static const char *const ABSENT[] = {"abbrev", "nextval", "to_number", "xpath_exists"};
    size_t position = 0;
    const CatalogueFunction *function;
    (void)state;
    for (size_t i = 0; i < sizeof ABSENT / sizeof ABSENT[0]; i++) {
        assert_true(catalogue_is_absent(slice_of_text(ABSENT[i])));
        assert_int_equal(catalogue_find(slice_of_text(ABSENT[i]), false, overloads), 0);
    }
    assert_false(catalogue_is_absent(SLICE("no_such_function")));
    while ((function = catalogue_next(&position)) != NULL)
        assert_false(catalogue_is_absent(slice_of_text(function->name)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_symbol_is_a_function),
        cmocka_unit_test(what_is_absent_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
