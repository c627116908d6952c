/* Texts of statements, parameters, places of errors, statements that need no waiting. */
#include "tests/unit/database/opened.h"

static void make_table(Opened *opened)
{
    expect(opened,
           "CREATE NAMESPACE app; CREATE TABLE app.t (id BIGINT PRIMARY KEY, s TEXT, d "
           "DECIMAL(9,2))",
           "");
}

static void each_statement_is_answered_until_one_fails(void **state)
{
    Opened *opened = *state;
    Answer answer;
    make_table(opened);
    assert_status(ask(opened, &opened->root,
                      "INSERT INTO app.t VALUES (1, 'a', 1);\n SELECT id FROM app.t WHERE id = 1;\n"
                      "  SELECT bad FROM app.t; INSERT INTO app.t VALUES (2, 'b', 2)",
                      &answer),
                  STATUS_UNDEFINED_COLUMN);
    assert_string_equal(answer.tags, "1:INSERT 0 1;2:SELECT 1;");
    assert_int_equal(answer.place.statement, 3);
    assert_true(answer.place.has_position);
    assert_int_equal(answer.place.line, 3);
    assert_int_equal(answer.place.column, 10);
    expect(opened, "SELECT id FROM app.t WHERE id = 2", "");
}

static void nothing_at_all_is_no_error(void **state)
{
    expect(*state, "", "");
    expect(*state, " ; -- nothing\n ;", "");
}

static void parameters_are_read_as_the_statement_wants_them(void **state)
{
    Opened *opened = *state;
    Answer answer;
    Error error;
    Arena arena;
    JsonValue *json;
    make_table(opened);
    arena_open(&arena, 0);
    assert_ok(json_read(&arena, SLICE("[\"7\",null,\"1.5\"]"), 8, &json, &error), &error);
    Parameters parameters = {.json = json};
    assert_ok(ask_with(opened, &opened->root, "INSERT INTO app.t VALUES ($1, $2, $3)", &parameters,
                       &answer),
              &answer.error);
    expect(opened, "SELECT * FROM app.t WHERE id = 7", "[7,null,\"1.50\"]");
    assert_status(ask_with(opened, &opened->root, "SELECT $1::int", &parameters, &answer),
                  STATUS_UNDEFINED_PARAMETER);
    assert_status(ask_with(opened, &opened->root, "SELECT 1; SELECT 2", &parameters, &answer),
                  STATUS_SYNTAX_ERROR);
    assert_ok(json_read(&arena, SLICE("[\"x\"]"), 8, &json, &error), &error);
    parameters.json = json;
    assert_status(ask_with(opened, &opened->root, "SELECT $1::int", &parameters, &answer),
                  STATUS_INVALID_TEXT_REPRESENTATION);
    assert_contains(answer.error.message, "parameter $1");
    arena_close(&arena);
}

static void a_session_keeps_its_namespace(void **state)
{
    Opened *opened = *state;
    make_table(opened);
    expect(opened, "USE app; INSERT INTO t VALUES (1, 'x', 0)", "");
    expect(opened, "SELECT s FROM t WHERE id = 1", "[\"x\"]");
}

static void positions_are_told_in_characters_and_bytes(void **state)
{
    StatementPlace place = {0};
    (void)state;
    statement_place_at(SLICE("SELECT 'ä',\n x"), 14, &place);
    assert_true(place.has_position);
    assert_int_equal(place.line, 2);
    assert_int_equal(place.column, 2);
    assert_int_equal(place.byte, 14);
    place = (StatementPlace){0};
    statement_place_at(SLICE("abc"), 4, &place);
    assert_false(place.has_position);
}

/* ---- without waiting ---- */

typedef struct Quick {
    Mutex mutex;
    Condition ended;
    bool is_ended;
    Status status;
} Quick;

static void quick_done(void *context, Status status, uint64_t seq)
{
    Quick *quick = context;
    (void)seq;
    mutex_lock(&quick->mutex);
    quick->status = status;
    quick->is_ended = true;
    condition_signal(&quick->ended);
    mutex_unlock(&quick->mutex);
}

static Status run_quick(Opened *opened, const char *sql, Answer *answer)
{
    StatementRequest request = {.text = slice_of_text(sql)};
    ResultSink sink = {
        .wants_json = true, .columns = answer_columns, .json = answer_json, .context = answer};
    ResultSummary summary;
    Quick quick = {0};
    Arena arena;
    bool pending;
    memset(answer, 0, sizeof *answer);
    arena_open(&arena, 0);
    mutex_open(&quick.mutex, env_real(), "test");
    condition_open(&quick.ended, env_real());
    Status status = database_execute_quick(opened->database, &opened->root, &request, &arena, &sink,
                                           &summary, quick_done, &quick, &pending, &answer->error);
    if (status == OK && pending) {
        mutex_lock(&quick.mutex);
        while (!quick.is_ended)
            condition_wait(&quick.ended, &quick.mutex);
        mutex_unlock(&quick.mutex);
        status = quick.status;
    }
    if (status == OK)
        (void)snprintf(answer->tags, sizeof answer->tags, "%s", summary.tag);
    condition_close(&quick.ended);
    mutex_close(&quick.mutex);
    arena_close(&arena);
    return status;
}

static void known_statements_run_without_waiting(void **state)
{
    Opened *opened = *state;
    Answer answer;
    const char *insert = "INSERT INTO app.t VALUES (1, 'a', 1)";
    const char *update = "UPDATE app.t SET s = s || 'b' WHERE id = 1";
    const char *find = "SELECT s FROM app.t WHERE id = 1";
    make_table(opened);
    assert_status(run_quick(opened, insert, &answer), STATUS_WOULD_BLOCK); /* not known yet */
    expect(opened, insert, "");
    expect(opened, update, "");
    expect(opened, find, "[\"ab\"]");
    assert_ok(run_quick(opened, update, &answer), &answer.error);
    assert_string_equal(answer.tags, "UPDATE 1");
    assert_ok(run_quick(opened, find, &answer), &answer.error);
    assert_string_equal(answer.rows, "[\"abb\"]");
    assert_status(run_quick(opened, insert, &answer), STATUS_UNIQUE_VIOLATION);
    assert_contains(answer.error.detail, "(1)");
    expect(opened, "ALTER TABLE app.t ADD COLUMN n INT", "");
    assert_status(run_quick(opened, find, &answer), STATUS_WOULD_BLOCK); /* bound anew first */
}

/* What RETURNING says is found out before the commit. */
static void an_error_of_returning_changes_nothing(void **state)
{
    static const char *const failing[] = {
        "INSERT INTO app.t VALUES (2, 'b', 0) RETURNING 1 / d",
        "INSERT INTO app.t VALUES (1, 'b', 0) ON CONFLICT (id) DO UPDATE SET s = 'c' RETURNING 1 / "
        "(id - 1)",
        "UPDATE app.t SET s = 'c' WHERE id = 1 RETURNING 1 / (id - 1)",
        "DELETE FROM app.t WHERE id = 1 RETURNING 1 / (id - 1)",
    };
    Opened *opened = *state;
    make_table(opened);
    expect(opened, "INSERT INTO app.t VALUES (1, 'a', 1)", "");
    for (size_t i = 0; i < COUNT(failing); i++) {
        Answer answer;
        assert_status(ask(opened, &opened->root, failing[i], &answer), STATUS_DIVISION_BY_ZERO);
        expect(opened, "SELECT id, s FROM app.t WHERE id > 0 ORDER BY id", "[1,\"a\"]");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_statement_is_answered_until_one_fails, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_at_all_is_no_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parameters_are_read_as_the_statement_wants_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_session_keeps_its_namespace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_error_of_returning_changes_nothing, set_up, tear_down),
        cmocka_unit_test(positions_are_told_in_characters_and_bytes),
        cmocka_unit_test_setup_teardown(known_statements_run_without_waiting, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
