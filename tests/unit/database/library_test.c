/* The library of include/firn/firn.h, as a program of somebody else's uses it. */
#include "firn/firn.h"

#include "tests/unit/database/test.h"

typedef struct Program {
    Path folder;
    firn_database *database;
    firn_session *session;
    firn_error error;
} Program;

#define assert_done(program, call)                                                          \
    do {                                                                                    \
        if ((call) != FIRN_OK)                                                              \
            fail_msg("%s: %s: %s", #call, (program)->error.name, (program)->error.message); \
    } while (0)

static int open_program(void **state)
{
    Program *program = test_calloc(1, sizeof *program);
    firn_options options = {.worker_path = "build/release/firn-worker"};
    make_folder(&program->folder);
    assert_done(program,
                firn_open(program->folder.text, &options, &program->database, &program->error));
    assert_done(program,
                firn_session_open(program->database, NULL, &program->session, &program->error));
    assert_done(program,
                firn_execute(program->database,
                             "CREATE TABLE public.t (id BIGINT PRIMARY KEY, name TEXT, price "
                             "DECIMAL(9,2), data BYTEA, v VECTOR(3), ok BOOLEAN, w DOUBLE)",
                             NULL, 0, NULL, &program->error));
    *state = program;
    return 0;
}

static int close_program(void **state)
{
    Program *program = *state;
    firn_session_close(program->session);
    assert_done(program, firn_close(program->database, &program->error));
    remove_folder(&program->folder);
    test_free(program);
    return 0;
}

enum { COLUMNS = 7 };

static void make_row(int64_t id, const float *vector, firn_value row[COLUMNS])
{
    row[0] = firn_integer(id);
    row[1] = firn_text("name");
    row[2] = firn_text("12.5");
    row[3] = firn_bytes("a\0b", 3);
    row[4] = firn_vector(vector, 3);
    row[5] = firn_boolean(true);
    row[6] = firn_real(0.25);
}

static void values_come_back_as_they_went_in(void **state)
{
    Program *program = *state;
    static const float vector[] = {1.5F, -2, 0};
    firn_value row[COLUMNS];
    firn_table *table;
    firn_result *result;
    make_row(7, vector, row);
    assert_done(program, firn_table_open(program->session, "public.t", &table, &program->error));
    assert_done(program, firn_put(table, row, COLUMNS, &program->error));
    assert_done(program, firn_get(table, row, 1, &result, &program->error));
    assert_int_equal(firn_row_count(result), 1);
    assert_string_equal(firn_column_name(result, 2), "price");
    assert_string_equal(firn_column_type(result, 2), "DECIMAL(9,2)");
    assert_null(firn_column_name(result, COLUMNS));
    const firn_value *got = firn_row(result);
    assert_int_equal(got[0].as.integer, 7);
    assert_string_equal(got[1].as.bytes.data, "name");
    assert_string_equal(got[2].as.bytes.data, "12.50");
    assert_int_equal(got[3].kind, FIRN_BYTES);
    assert_int_equal(got[3].as.bytes.size, 3);
    assert_memory_equal(got[3].as.bytes.data, "a\0b", 3);
    assert_int_equal(got[4].as.vector.count, 3);
    assert_memory_equal(got[4].as.vector.elements, vector, sizeof vector);
    assert_true(got[5].as.boolean);
    assert_true(got[6].as.real == 0.25);
    assert_false(firn_next(result));
    firn_result_close(result);
    row[0] = firn_integer(8);
    assert_done(program, firn_get(table, row, 1, &result, &program->error));
    assert_null(result);
    firn_table_close(table);
}

static void a_put_replaces_and_a_delete_says_what_was(void **state)
{
    Program *program = *state;
    static const float vector[] = {0, 0, 0};
    firn_value row[COLUMNS];
    firn_table *table;
    firn_result *result;
    bool existed;
    make_row(1, vector, row);
    assert_done(program, firn_table_open(program->session, "public.t", &table, &program->error));
    assert_done(program, firn_put(table, row, COLUMNS, &program->error));
    row[1] = firn_text("second");
    row[4] = firn_null();
    assert_done(program, firn_put(table, row, COLUMNS, &program->error));
    assert_done(program, firn_get(table, row, 1, &result, &program->error));
    assert_string_equal(firn_row(result)[1].as.bytes.data, "second");
    assert_int_equal(firn_row(result)[4].kind, FIRN_NULL);
    firn_result_close(result);
    assert_done(program, firn_delete(table, row, 1, &existed, &program->error));
    assert_true(existed);
    assert_done(program, firn_delete(table, row, 1, &existed, &program->error));
    assert_false(existed);
    firn_table_close(table);
}

static int collect(void *context, const firn_value *row, size_t columns)
{
    int64_t *sum = context;
    assert_int_equal(columns, COLUMNS);
    *sum = *sum * 10 + row[0].as.integer;
    return 0;
}

static int stop_at_once(void *context, const firn_value *row, size_t columns)
{
    (void)context, (void)row, (void)columns;
    return 1;
}

static void batches_are_whole_and_scans_in_order(void **state)
{
    Program *program = *state;
    static const float vector[] = {0, 0, 0};
    static const int64_t ids[] = {5, 3, 9, 1};
    firn_value rows[4 * COLUMNS];
    firn_value from = firn_integer(3);
    firn_value to = firn_integer(9);
    firn_table *table;
    firn_table_stats stats;
    int64_t seen = 0;
    for (size_t i = 0; i < 4; i++)
        make_row(ids[i], vector, rows + i * COLUMNS);
    assert_done(program, firn_table_open(program->session, "public.t", &table, &program->error));
    uint64_t before = firn_visible_sequence(program->database);
    assert_done(program, firn_put_batch(table, rows, COLUMNS, 4, &program->error));
    assert_true(firn_visible_sequence(program->database) >= before + 4);
    assert_done(program, firn_scan(table, NULL, NULL, 0, collect, &seen, &program->error));
    assert_int_equal(seen, 1359);
    seen = 0;
    assert_done(program, firn_scan(table, &from, &to, 0, collect, &seen, &program->error));
    assert_int_equal(seen, 35);
    seen = 0;
    assert_done(program, firn_scan(table, &from, NULL, 2, collect, &seen, &program->error));
    assert_int_equal(seen, 35);
    assert_int_not_equal(firn_scan(table, NULL, NULL, 0, stop_at_once, NULL, &program->error),
                         FIRN_OK);
    assert_string_equal(program->error.sqlstate, "57014");
    assert_done(program, firn_stats(table, &stats, &program->error));
    assert_int_equal(stats.hot_rows, 4);
    assert_int_equal(stats.cold_rows, 0);

    rows[COLUMNS] = rows[0]; /* the same key twice: nothing of the batch is written */
    rows[1] = firn_text("changed");
    assert_int_not_equal(firn_put_batch(table, rows, COLUMNS, 4, &program->error), FIRN_OK);
    assert_done(program, firn_stats(table, &stats, &program->error));
    assert_int_equal(stats.hot_rows, 4);
    firn_table_close(table);
}

static void errors_say_what_and_where(void **state)
{
    Program *program = *state;
    firn_error *error = &program->error;
    firn_table *table;
    firn_value value = firn_text("x");
    int code = firn_execute(program->database, "SELECT nmae FROM public.t", NULL, 0, NULL, error);
    assert_int_not_equal(code, FIRN_OK);
    assert_int_equal(code, error->code);
    assert_string_equal(error->name, "UNDEFINED_COLUMN");
    assert_string_equal(error->sqlstate, "42703");
    assert_int_equal(error->position, 7);
    assert_contains(error->hint, "name");
    assert_int_not_equal(firn_table_open(program->session, "public.none", &table, error), FIRN_OK);
    assert_string_equal(error->sqlstate, "42P01");
    assert_done(program, firn_table_open(program->session, "public.t", &table, &program->error));
    assert_int_not_equal(firn_put(table, &value, 1, error), FIRN_OK);
    assert_string_equal(error->name, "INVALID_PARAMETER_VALUE");
    assert_int_not_equal(firn_put(table, &value, 1, NULL), FIRN_OK);
    firn_table_close(table);
    firn_table_close(NULL);
    firn_result_close(NULL);
}

static void users_have_rows_of_their_own(void **state)
{
    Program *program = *state;
    firn_error *error = &program->error;
    firn_session *ann;
    firn_session *bob;
    firn_result *result;
    assert_done(program, firn_execute(program->database,
                                      "CREATE USER TABLE public.own (id INT PRIMARY KEY);"
                                      "CREATE USER 'ann' WITH PASSWORD 'a' ROLE user;"
                                      "CREATE USER 'bob' WITH PASSWORD 'b' ROLE user",
                                      NULL, 0, NULL, error));
    assert_done(program, firn_session_open(program->database, "ann", &ann, error));
    assert_done(program, firn_session_open(program->database, "bob", &bob, error));
    assert_done(program, firn_session_execute(ann, "INSERT INTO public.own VALUES (1)", NULL, 0,
                                              NULL, error));
    assert_done(program, firn_session_execute(bob, "SELECT id FROM public.own WHERE id = 1", NULL,
                                              0, &result, error));
    assert_int_equal(firn_row_count(result), 0);
    firn_result_close(result);
    assert_int_not_equal(
        firn_session_execute(bob, "SELECT * FROM public.t WHERE id = 1", NULL, 0, NULL, error),
        FIRN_OK);
    assert_string_equal(error->sqlstate, "42501");
    firn_session_close(ann);
    firn_session_close(bob);
}

/* ---- live ---- */

typedef struct Heard {
    char text[512];
} Heard;

static void hear(void *context, const firn_event *event)
{
    static const char letters[] = "rLiudlXE";
    Heard *heard = context;
    size_t size = strlen(heard->text);
    const firn_value *values = event->row != NULL ? event->row : event->old;
    (void)snprintf(heard->text + size, sizeof heard->text - size, "%c", letters[event->kind]);
    if (values != NULL)
        (void)snprintf(heard->text + size + 1, sizeof heard->text - size - 1, "%lld ",
                       (long long)values[0].as.integer);
}

/* The fan-out has a thread of its own: what was committed comes soon. */
static void wait_for(const Heard *heard, const char *wanted)
{
    for (int i = 0; i < 1000 && strcmp(heard->text, wanted) != 0; i++)
        env_sleep_ns(env_real(), 5000000);
    assert_string_equal(heard->text, wanted);
}

static void run(Program *program, const char *sql)
{
    assert_done(program, firn_execute(program->database, sql, NULL, 0, NULL, &program->error));
}

static void changes_are_heard_in_order(void **state)
{
    Program *program = *state;
    Heard heard = {""};
    firn_subscription *subscription;
    firn_value limit = firn_integer(10);
    run(program, "INSERT INTO public.t (id, name) VALUES (1, 'a'), (20, 'b')");
    assert_done(program,
                firn_subscribe(program->session, "SELECT id, name FROM public.t WHERE id < $1",
                               &limit, 1, hear, &heard, &subscription, &program->error));
    run(program, "INSERT INTO public.t (id, name) VALUES (2, 'c'), (30, 'd')");
    run(program, "UPDATE public.t SET name = 'e' WHERE id = 2");
    run(program, "DELETE FROM public.t WHERE id = 1");
    wait_for(&heard, "r1 Li2 u2 d1 ");
    firn_unsubscribe(subscription);
    run(program, "INSERT INTO public.t (id) VALUES (3)");
    env_sleep_ns(env_real(), 50000000);
    assert_string_equal(heard.text, "r1 Li2 u2 d1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_come_back_as_they_went_in, open_program,
                                        close_program),
        cmocka_unit_test_setup_teardown(a_put_replaces_and_a_delete_says_what_was, open_program,
                                        close_program),
        cmocka_unit_test_setup_teardown(batches_are_whole_and_scans_in_order, open_program,
                                        close_program),
        cmocka_unit_test_setup_teardown(errors_say_what_and_where, open_program, close_program),
        cmocka_unit_test_setup_teardown(users_have_rows_of_their_own, open_program, close_program),
        cmocka_unit_test_setup_teardown(changes_are_heard_in_order, open_program, close_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
