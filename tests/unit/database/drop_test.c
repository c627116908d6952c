/* Drops that run out of memory in the midst: an error has dropped nothing, and what was dropped is
 * told as such although its rows and files go later. */
#include "tests/unit/database/opened.h"

enum { ALLOCATIONS_MAX = 2000 };

/* As root, with the n-th allocation failing; *hit: there was an n-th. */
static Status ask_failing(Opened *opened, const char *sql, int64_t n, bool *hit, Answer *answer)
{
    memory_fail_at(n, 1);
    Status status = ask(opened, &opened->root, sql, answer);
    *hit = memory_allocations() >= n;
    memory_fail_at(0, 0);
    return status;
}

static bool answers(Opened *opened, const char *sql)
{
    Answer answer;
    return ask(opened, &opened->root, sql, &answer) == OK;
}

/* The drop with each allocation failing; `probe` works as long as nothing was dropped. */
static void drop_without_memory(Opened *opened, const char *make, const char *drop,
                                const char *probe)
{
    bool hit = true;
    expect(opened, make, "");
    for (int64_t n = 1; hit; n++) {
        Answer answer;
        assert_true(n < ALLOCATIONS_MAX);
        Status status = ask_failing(opened, drop, n, &hit, &answer);
        assert_true(hit || status == OK);
        assert_int_equal(status != OK, answers(opened, probe));
        if (status == OK)
            expect(opened, make, "");
    }
}

static void a_table_is_dropped_though_no_job_takes_its_files(void **state)
{
    drop_without_memory(*state, "CREATE TABLE public.t (id INT PRIMARY KEY)", "DROP TABLE public.t",
                        "SELECT id FROM public.t WHERE id = 1");
}

static void a_namespace_is_dropped_though_no_job_takes_its_files(void **state)
{
    drop_without_memory(*state,
                        "CREATE NAMESPACE app; CREATE TABLE app.t (id INT PRIMARY KEY); CREATE "
                        "TABLE app.u (id INT PRIMARY KEY)",
                        "DROP NAMESPACE app", "SELECT id FROM app.u WHERE id = 1");
}

/* The rows that the statement did not come to are deleted by a job, also those in memory. */
static void wait_until_no_row_is_left(Opened *opened)
{
    for (int i = 0; i < 1000; i++) {
        Error error;
        TableCount count;
        Pin *pin;
        CatalogSnapshot *snapshot = catalog_snapshot(database_catalog(opened->database));
        const CatalogTable *table = catalog_find_table(snapshot, SLICE("public"), SLICE("notes"));
        EngineTable *engine = engine_table(database_engine(opened->database), table->id);
        assert_ok(pin_open(database_engine(opened->database), &engine, 1, &pin, &error), &error);
        assert_ok(pin_count(pin, 0, 0, &count, &error), &error);
        pin_release(pin);
        engine_table_release(engine);
        catalog_snapshot_release(snapshot);
        if (count.hot_rows + count.cold_rows == 0)
            return;
        env_sleep_ns(env_real(), 10000000);
    }
    fail_msg("the rows of a dropped user are still there");
}

static void a_user_is_dropped_though_his_rows_go_later(void **state)
{
    static const char make[] = "CREATE USER 'ann' ROLE user; INSERT INTO public.notes AS USER "
                               "'ann' VALUES (1), (2)";
    Opened *opened = *state;
    bool hit = true;
    expect(opened, "CREATE USER TABLE public.notes (id INT PRIMARY KEY)", "");
    expect(opened, make, "");
    for (int64_t n = 1; hit; n++) {
        Answer answer;
        assert_true(n < ALLOCATIONS_MAX);
        Status status = ask_failing(opened, "DROP USER 'ann'", n, &hit, &answer);
        assert_true(hit || status == OK);
        assert_int_equal(status != OK, answers(opened, "EXECUTE AS USER 'ann' (SELECT 1)"));
        if (status != OK)
            continue;
        wait_until_no_row_is_left(opened);
        expect(opened, make, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_table_is_dropped_though_no_job_takes_its_files, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_namespace_is_dropped_though_no_job_takes_its_files,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_user_is_dropped_though_his_rows_go_later, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
