/* Our clauses in PostgreSQL's statements: AS USER, FOR ALL USERS, SUBSCRIBE TO; the past is
 * refused; our words stay free everywhere else; limits and splitting. */
#include "tests/unit/sql/cases.h"

static const GoodCase good[] = {
    {"SELECT * FROM messages", "SELECT chat.messages"},
    {"SELECT * FROM messages FOR ALL USERS", "SELECT chat.messages all users"},
    {"SELECT * FROM messages FOR ALL USERS WHERE id = 1", "SELECT chat.messages all users"},
    {"SELECT * FROM chat.messages FOR ALL USERS AS m WHERE m.id = 1",
     "SELECT chat.messages all users"},
    {"SELECT * FROM chat . messages /* x */ for all users m", "SELECT chat.messages all users"},
    {"SELECT * FROM rooms, messages FOR ALL USERS", "SELECT chat.rooms chat.messages all users"},
    {"SELECT * FROM rooms JOIN messages FOR ALL USERS ON true",
     "SELECT chat.rooms chat.messages all users"},
    {"SELECT * FROM rooms WHERE name IN (SELECT author FROM messages FOR ALL USERS)",
     "SELECT chat.rooms chat.messages all users"},
    {"SELECT * FROM messages FOR ALL USERS; ", "SELECT chat.messages all users"},
    {"TABLE messages FOR ALL USERS", "SELECT chat.messages all users"},
    {"SELECT * FROM ONLY messages FOR ALL USERS", "SELECT chat.messages all users"},
    {"SELECT id AS user FROM messages", "SELECT chat.messages"},
    {"SELECT 'for all users', \"n\" AS \"for all users\" FROM messages", "SELECT chat.messages"},
    {"SELECT 1 AS flush, 2 AS ttl, 3 AS storage, 4 AS subscribe, 5 AS kill", "SELECT"},
    {"INSERT INTO messages (id, author) VALUES (1, 'a')", "INSERT chat.messages"},
    {"INSERT INTO messages AS USER 'bob' (id, author) VALUES (1, 'a')",
     "INSERT chat.messages as=bob"},
    {"INSERT INTO messages (id, author) AS USER 'bob' VALUES (1, 'a')",
     "INSERT chat.messages as=bob"},
    {"INSERT INTO chat.messages AS m (id, author) AS USER 'bob' VALUES (1, 'a')",
     "INSERT chat.messages as=bob"},
    {"INSERT INTO messages AS USER 'bob' SELECT 1, 'as user', 'b'", "INSERT chat.messages as=bob"},
    {"UPDATE messages AS USER 'bob' SET body = 'x' WHERE id = 1", "UPDATE chat.messages as=bob"},
    {"UPDATE ONLY chat.messages AS USER $$bob$$ SET body = 'x'", "UPDATE chat.messages as=bob"},
    {"UPDATE messages * AS USER 'bob' SET body = 'x'", "UPDATE chat.messages as=bob"},
    {"UPDATE messages AS USER 'bob' m SET body = 'x' WHERE m.id = 1",
     "UPDATE chat.messages as=bob"},
    {"DELETE FROM messages AS USER 'bob' WHERE id = 1", "DELETE chat.messages as=bob"},
    {"DELETE FROM messages AS USER 'bob'", "DELETE chat.messages as=bob"},
    {"EXPLAIN DELETE FROM messages AS USER 'bob'", "EXPLAIN: DELETE chat.messages as=bob"},
    {"EXECUTE AS USER 'a' (DELETE FROM messages AS USER 'bob')",
     "DELETE execute as=a chat.messages as=bob"},
    {"SUBSCRIBE TO messages", "SUBSCRIBE chat.messages"},
    {"subscribe to chat.messages where id > 5", "SUBSCRIBE chat.messages filter"},
    {"SUBSCRIBE /* to */ TO \"messages\"", "SUBSCRIBE chat.messages"},
    {"SUBSCRIBE TO messages FOR ALL USERS", "SUBSCRIBE chat.messages all users"},
    {"SUBSCRIBE TO messages OPTIONS (last_rows = 10)", "SUBSCRIBE chat.messages last_rows=11"},
    {"SUBSCRIBE TO messages WHERE n > 1 OPTIONS (last_rows=0, batch_size='100', from_seq=5, "
     "until_seq=9, pull=true);",
     "SUBSCRIBE chat.messages filter last_rows=1 batch_size=101 from_seq=6 until_seq=10 pull"},
    {"SUBSCRIBE TO messages OPTIONS ()", "SUBSCRIBE chat.messages"},
};

static const BadCase bad[] = {
    {"SELECT * FROM messages m FOR ALL USERS", "42601", 25,
     "FOR ALL USERS must stand directly behind a table's name"},
    {"SELECT * FROM messages AS m FOR ALL USERS", "42601", 28,
     "FOR ALL USERS must stand directly behind a table's name"},
    {"SELECT * FROM (SELECT 1) FOR ALL USERS", "42601", 25,
     "FOR ALL USERS must stand directly behind a table's name"},
    {"WITH x AS (SELECT 1 AS a) SELECT * FROM x FOR ALL USERS", "42601", 40,
     "FOR ALL USERS must stand directly behind a table's name"},
    {"SELECT lower(author FOR ALL USERS) FROM messages", "42601", 13,
     "FOR ALL USERS must stand directly behind a table's name"},
    {"FOR ALL USERS", "42601", 0, "FOR ALL USERS must stand directly behind a table's name"},
    {"SELECT * FROM messages FOR ALL USERS IN STORAGE 's3-eu'", "0A000", 37,
     "FOR ALL USERS IN STORAGE is not supported yet"},
    {"DELETE FROM messages FOR ALL USERS", "0A000", 21,
     "FOR ALL USERS in a write is not supported yet"},
    {"UPDATE messages FOR ALL USERS SET n = 1", "0A000", 16,
     "FOR ALL USERS in a write is not supported yet"},
    {"UPDATE ONLY chat.messages FOR ALL USERS SET n = 1", "0A000", 26,
     "FOR ALL USERS in a write is not supported yet"},
    {"INSERT INTO messages FOR ALL USERS VALUES (1)", "0A000", 21,
     "FOR ALL USERS in a write is not supported yet"},
    {"SELECT * FROM messages FOR ALL", "42601", 27, "syntax error at or near \"ALL\""},
    {"SELECT * FROM messages AT (TIMESTAMP => '2024-01-01')", "0A000", 23,
     "AT (TIMESTAMP | VERSION => …) is not supported yet"},
    {"SELECT * FROM messages AT (VERSION => 5)", "0A000", 23,
     "AT (TIMESTAMP | VERSION => …) is not supported yet"},
    {"SELECT * FROM messages FOR SYSTEM_TIME ALL", "0A000", 23,
     "FOR SYSTEM_TIME is not supported yet"},
    {"SELECT * FROM messages FOR SYSTEM_TIME AS OF '2024-01-01'", "0A000", 23,
     "FOR SYSTEM_TIME is not supported yet"},
    {"INSERT INTO messages AS USER 'a' (id) AS USER 'b' VALUES (1)", "42601", 38,
     "AS USER is given more than once"},
    {"INSERT INTO messages AS USER bob VALUES (1)", "42601", 24,
     "syntax error at or near \"USER\""},
    {"INSERT INTO messages VALUES (1) AS USER 'bob'", "42601", 32,
     "syntax error at or near \"AS\""},
    {"DELETE FROM messages WHERE id = 1 AS USER 'bob'", "42601", 34,
     "syntax error at or near \"AS\""},
    {"DELETE FROM messages AS USER '-bob'", "42602", 29, NULL},
    {"SELECT * FROM messages AS USER 'bob'", "42601", 26, "syntax error at or near \"USER\""},
    {"SELECT 60s", "42601", 7, "trailing junk after numeric literal at or near \"60s\""},
    {"SELECT * FROM messages FLUSH ROWS 5", "42601", 29, "syntax error at or near \"ROWS\""},
    {"SUBSCRIBE", "42601", 9, "syntax error at end of input: expected TO"},
    {"SUBSCRIBE messages", "42601", 10, "syntax error at or near \"messages\": expected TO"},
    {"SUBSCRIBE TO", "42601", 12, "syntax error at end of input: expected a table's name"},
    {"SUBSCRIBE TO (SELECT 1)", "42601", 13,
     "syntax error at or near \"(\": expected a table's name"},
    {"SUBSCRIBE TO messages OPTIONS (lastrows = 10)", "22023", 31,
     "unrecognized parameter \"lastrows\""},
    {"SUBSCRIBE TO messages OPTIONS (last_rows = -1)", "42601", 43,
     "syntax error at or near \"-\": expected a value"},
    {"SUBSCRIBE TO messages OPTIONS (last_rows = 5, last_rows = 6)", "42601", 46,
     "\"last_rows\" is given more than once"},
    {"SUBSCRIBE TO messages OPTIONS (batch_size = 1000000)", "22023", 44,
     "\"batch_size\" must be between 0 and 100000, not 1000000"},
    {"SUBSCRIBE TO messages OPTIONS (from_time = 'soon')", "22007", 43, NULL},
    {"SUBSCRIBE TO messages OPTIONS (from_time = '1969-01-01')", "22023", 43,
     "invalid value for \"from_time\": \"1969-01-01\" is not a time after 1970"},
    {"SUBSCRIBE TO messages OPTIONS (pull = maybe)", "22023", 38,
     "invalid value for \"pull\": \"maybe\" is not true or false"},
    {"SUBSCRIBE TO messages OPTIONS (last_rows = 5) WHERE n = 1", "42601", 46,
     "syntax error at or near \"WHERE\": expected the end of the statement"},
    {"SUBSCRIBE TO messages WHERE", "42601", 27, "syntax error at end of input"},
    {"", "42601", -1, "the statement is empty"},
    {" -- nothing\n;;", "42601", -1, "the statement is empty"},
    {"SELECT 1; SELECT 2", "42601", 8, "several statements where one is expected"},
    {"SELECT (1; SELECT 2", "42601", 9, "syntax error at or near \";\""},
    {"SELECT $0", "42P02", 7, "there is no parameter $0"},
    {"SELECT $65536", "54023", 7, "parameter $65536 is above the limit of 65535"},
    {"SELECT $99999999999999999999", "54023", 7,
     "parameter $99999999999999999999 is above the limit of 65535"},
    {"SELECT '\xff'", "22021", 8, "invalid byte sequence for encoding \"UTF8\": 0xff"},
    {"SELECT /*", "42601", 7, "unterminated /* comment at or near \"/*\""},
};

static void test_good(void **state)
{
    (void)state;
    expect_good(good, COUNT(good));
}

static void test_bad(void **state)
{
    (void)state;
    expect_bad(bad, COUNT(bad));
}

/* The times of OPTIONS, as numbers. */
static void test_times(void **state)
{
    (void)state;
    Plan *plan;
    Error error;
    assert_ok(bind("SUBSCRIBE TO messages OPTIONS (from_time='2024-01-01T00:00:00Z', "
                   "until_time='infinity')",
                   &plan, &error),
              &error);
    assert_int_equal(plan->subscribe_options.from_time_us, 1704067200000000);
    assert_int_equal(plan->subscribe_options.until_time_us, INT64_MAX);
    assert_int_equal(plan->subscribe_options.last_rows, -1);
    plan_release(plan);
}

/* A `subscribe` message carries a SELECT; everything else is refused. */
static void test_as_subscription(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        Status status;
    } cases[] = {
        {"SELECT * FROM messages", OK},
        {"SELECT * FROM messages FOR ALL USERS WHERE n > 1", OK},
        {"SUBSCRIBE TO messages", OK},
        {"DELETE FROM messages", STATUS_FEATURE_NOT_SUPPORTED},
        {"SHOW TABLES", STATUS_FEATURE_NOT_SUPPORTED},
        {"EXPLAIN SELECT * FROM messages", STATUS_FEATURE_NOT_SUPPORTED},
        {"CREATE TABLE t (a INT)", STATUS_FEATURE_NOT_SUPPORTED},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        BindRequest request = {.sql = slice_of_text(cases[i].sql),
                               .snapshot = catalog,
                               .namespace_name = SLICE("chat"),
                               .as_subscription = true};
        Plan *plan;
        Error error;
        assert_status(cases[i].status, plan_bind(&request, &plan, &error));
        if (cases[i].status != OK)
            continue;
        assert_int_equal(plan->kind, STATEMENT_SUBSCRIBE);
        plan_release(plan);
    }
}

/* ---- splitting and limits ---- */

static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *statements[4];
    } cases[] = {
        {"", {NULL}},
        {" ; ;; -- x\n ; /* y */", {NULL}},
        {"SELECT 1", {"SELECT 1", NULL}},
        {"SELECT 1;", {"SELECT 1", NULL}},
        {" /* a */ SELECT 1 ; -- b\n SELECT 2", {"SELECT 1", "SELECT 2", NULL}},
        {"SELECT ';'; SELECT $$;$$; SELECT \";\"",
         {"SELECT ';'", "SELECT $$;$$", "SELECT \";\"", NULL}},
        {"SELECT (1; 2); SELECT 3", {"SELECT (1; 2)", "SELECT 3", NULL}},
        {"SELECT 1); SELECT 2", {"SELECT 1)", "SELECT 2", NULL}},
        {"SELECT 'x; SELECT 2", {"SELECT 'x; SELECT 2", NULL}},
        {"CREATE TABLE t (a INT) FLUSH INTERVAL 60s; USE x",
         {"CREATE TABLE t (a INT) FLUSH INTERVAL 60s", "USE x", NULL}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        SqlLimits limits = {0};
        Arena arena;
        Slice *statements;
        uint32_t count;
        Error error;
        arena_open(&arena, 0);
        assert_ok(statement_split(&arena, slice_of_text(cases[i].text), &limits, &statements,
                                  &count, &error),
                  &error);
        uint32_t wanted = 0;
        for (; cases[i].statements[wanted] != NULL; wanted++) {
            assert_true(wanted < count);
            assert_slice(statements[wanted], cases[i].statements[wanted]);
            assert_true((const char *)statements[wanted].data >= cases[i].text);
        }
        assert_int_equal(count, wanted);
        arena_close(&arena);
    }
}

static Status split_status(Slice text, const SqlLimits *limits, Error *error)
{
    Arena arena;
    Slice *statements;
    uint32_t count;
    arena_open(&arena, 0);
    Status status = statement_split(&arena, text, limits, &statements, &count, error);
    arena_close(&arena);
    return status;
}

static void test_limits(void **state)
{
    (void)state;
    SqlLimits limits = {.bytes_max = 20, .tokens_max = 5, .parameters_max = 3};
    Error error;
    assert_status(STATUS_PROGRAM_LIMIT_EXCEEDED, split_status(SLICE("SELECT 1, 2, 3, 4, 5"
                                                                    "6"),
                                                              &limits, &error));
    assert_string_equal(error.message, "SQL query too long: 21 bytes (maximum 20 bytes)");
    assert_status(OK, split_status(SLICE("a b c d e; a b c d e"), &limits, &error));
    assert_status(STATUS_STATEMENT_TOO_COMPLEX,
                  split_status(SLICE("a b c d e f"), &limits, &error));
    assert_string_equal(error.message, "the statement has more than 5 tokens");
    assert_status(STATUS_CHARACTER_NOT_IN_REPERTOIRE,
                  split_status(slice_of("SELECT 1\0", 9), &limits, &error));
    BindRequest request = {.sql = SLICE("SELECT $4"), .snapshot = catalog, .limits = limits};
    Plan *plan;
    assert_status(STATUS_TOO_MANY_ARGUMENTS, plan_bind(&request, &plan, &error));
    request.sql = SLICE("SELECT 1,2,3");
    assert_status(STATUS_STATEMENT_TOO_COMPLEX, plan_bind(&request, &plan, &error));
}

static void test_default_limits(void **state)
{
    (void)state;
    SqlLimits limits = {0};
    Buffer text;
    Error error;
    buffer_open(&text, 0);
    buffer_put_text(&text, "SELECT 1");
    while (text.size <= 1048576)
        buffer_put_text(&text, "+1");
    assert_status(STATUS_PROGRAM_LIMIT_EXCEEDED,
                  split_status(buffer_slice(&text), &limits, &error));
    assert_string_equal(error.message, "SQL query too long: 1048578 bytes (maximum 1048576 bytes)");
    assert_status(STATUS_STATEMENT_TOO_COMPLEX,
                  split_status(slice_part(buffer_slice(&text), 0, 1048576), &limits, &error));
    assert_string_equal(error.message, "the statement has more than 50000 tokens");
    buffer_close(&text);
}

static Status bind_repeated(const char *before, const char *repeated, uint32_t count, Error *error)
{
    Buffer sql;
    Plan *plan;
    buffer_open(&sql, 0);
    buffer_put_text(&sql, before);
    for (uint32_t i = 0; i < count; i++)
        buffer_put_text(&sql, repeated);
    buffer_put_u8(&sql, '\0');
    Status status = bind((const char *)sql.data, &plan, error);
    if (status == OK)
        plan_release(plan);
    buffer_close(&sql);
    return status;
}

/* What is found by looking ahead is found in linear time, and lists have an end. */
static void test_repetition(void **state)
{
    (void)state;
    Error error;
    assert_status(STATUS_PROGRAM_LIMIT_EXCEEDED,
                  bind_repeated("SELECT * FROM rooms", ", messages FOR ALL USERS", 1001, &error));
    assert_string_equal(error.message, "more than 1000 clauses behind tables in one statement");
    assert_status(STATUS_SYNTAX_ERROR, bind_repeated("", "INSERT INTO messages (", 12000, &error));
    assert_status(STATUS_STATEMENT_TOO_COMPLEX, bind_repeated("SELECT ", "(", 49000, &error));
    assert_status(STATUS_SYNTAX_ERROR,
                  bind_repeated("CREATE TABLE t (", "a INT CHECK (a > 0), ", 1000, &error));
}

/* A leading comment, a last semicolon: positions stay those of the text that was given. */
static void test_positions(void **state)
{
    (void)state;
    static const BadCase cases[] = {
        {"/* x */ SELECT * FROM FROM;", "42601", 22, "syntax error at or near \"FROM\""},
        {"EXPLAIN ANALYZE SELECT * FROM FROM", "42601", 30, "syntax error at or near \"FROM\""},
        {"EXECUTE AS USER 'a' (SELECT * FROM FROM)", "42601", 35,
         "syntax error at or near \"FROM\""},
        {"SELECT '\xc3\xa9' FROM messages FOR ALL USERS WHERE WHERE", "42601", 46,
         "syntax error at or near \"WHERE\""},
        {"CREATE USER TABLE t (a INT) FLUSH ROWS 5 WITH (flush_bytes=1MB) WHAT", "42601", 64,
         "syntax error at or near \"WHAT\""},
        {"EXPLAIN DROP TABLE nothere", "42P01", 19, "relation \"nothere\" does not exist"},
    };
    expect_bad(cases, COUNT(cases));
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char *const statements[] = {
        "SUBSCRIBE TO messages WHERE n > 1 OPTIONS (last_rows=5, from_time='2024-01-01')",
        "INSERT INTO messages (id, author) AS USER 'bob' VALUES ($1, $2)",
        "EXPLAIN ANALYZE EXECUTE AS USER 'bob' (SELECT * FROM messages FOR ALL USERS)",
    };
    for (size_t i = 0; i < COUNT(statements); i++)
        expect_no_leaks(statements[i]);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),           cmocka_unit_test(test_bad),
        cmocka_unit_test(test_times),          cmocka_unit_test(test_as_subscription),
        cmocka_unit_test(test_split),          cmocka_unit_test(test_limits),
        cmocka_unit_test(test_default_limits), cmocka_unit_test(test_repetition),
        cmocka_unit_test(test_positions),      cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, make_catalog, drop_catalog);
}

int main(void)
{
    return run_on_big_stack(run);
}
