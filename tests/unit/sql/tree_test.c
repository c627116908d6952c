/* The parse tree: what libpg_query loses is put back, errors keep PostgreSQL's words and get byte
 * positions, names of 64 bytes survive, depth is limited. */
#include "sql/parse.h"
#include "sql/tree.h"
#include "tests/unit/sql/catalog_fixture.h"

static const Node *select_item(const Node *statements, uint32_t i)
{
    const Node *select = node_field(node_item(statements, 0), "stmt");
    return node_field(node_item(node_field(select, "targetList"), i), "val");
}

static const Node *parse(Arena *arena, const char *sql)
{
    const Node *statements;
    Error error;
    if (tree_parse(arena, slice_of_text(sql), &statements, &error) != OK)
        fail_msg("%s: %s", sql, error.message);
    return statements;
}

/* libpg_query 15-4.0.0 writes {"ival":{}} for every integer that is not above zero. */
static void test_negative_integers(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        int64_t value;
    } cases[] = {
        {"SELECT -1", -1},
        {"SELECT 0", 0},
        {"SELECT -0", 0},
        {"SELECT - 5", -5},
        {"SELECT (-7)", -7},
        {"SELECT -(7)", -7},
        {"SELECT -((7))", -7},
        {"SELECT - -5", 5},
        {"SELECT - - -5", -5},
        {"SELECT -(-(-5))", -5},
        {"SELECT -/* c */2147483647", -2147483647},
        {"SELECT - -- c\n 3", -3},
        {"/* \xc3\xa9 */ SELECT -12", -12},
        {"SELECT 12", 12},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Arena arena;
        arena_open(&arena, 0);
        const Node *constant = select_item(parse(&arena, cases[i].sql), 0);
        assert_true(node_is(constant, "A_Const"));
        int64_t value = node_integer(node_field(constant, "ival"), "ival", 0);
        if (value != cases[i].value)
            fail_msg("%s is %lld", cases[i].sql, (long long)value);
        arena_close(&arena);
    }
}

static void test_negative_integers_everywhere(void **state)
{
    (void)state;
    Arena arena;
    arena_open(&arena, 0);
    const Node *statements =
        parse(&arena, "SELECT a[-2], 3-4, f(-1, 0), ARRAY[-6] FROM t LIMIT -9 OFFSET (-8)");
    const Node *select = node_field(node_item(statements, 0), "stmt");
    const Node *subscript = node_item(node_field(select_item(statements, 0), "indirection"), 0);
    assert_int_equal(node_integer(node_field(node_field(subscript, "uidx"), "ival"), "ival", 0),
                     -2);
    const Node *difference = select_item(statements, 1);
    assert_int_equal(node_integer(node_field(node_field(difference, "rexpr"), "ival"), "ival", 0),
                     4);
    const Node *arguments = node_field(select_item(statements, 2), "args");
    assert_int_equal(node_integer(node_field(node_item(arguments, 0), "ival"), "ival", 0), -1);
    assert_int_equal(node_integer(node_field(node_item(arguments, 1), "ival"), "ival", 0), 0);
    assert_int_equal(node_integer(node_field(node_field(select, "limitCount"), "ival"), "ival", 0),
                     -9);
    assert_int_equal(node_integer(node_field(node_field(select, "limitOffset"), "ival"), "ival", 0),
                     -8);
    arena_close(&arena);
}

/* ---- names of 64 bytes ---- */

#define NAME_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"
#define NAME_64 NAME_63 "l"

static void expect_names(const char *sql, const char *const *names, size_t count)
{
    Arena arena;
    arena_open(&arena, 0);
    const Node *statements = parse(&arena, sql);
    for (uint32_t i = 0; i < count; i++)
        assert_slice(node_string(node_item(node_field(select_item(statements, i), "fields"), 0)),
                     names[i]);
    arena_close(&arena);
}

static void test_long_names(void **state)
{
    (void)state;
    expect_names("SELECT " NAME_63 ", " NAME_64 " , \"" NAME_64 "\"",
                 (const char *const[]){NAME_63, NAME_64, NAME_64}, 3);
    expect_names("SELECT \"" NAME_63 "\"\"\", \"" NAME_63 "\\\", A" NAME_63,
                 (const char *const[]){NAME_63 "\"", NAME_63 "\\", "a" NAME_63}, 3);
    expect_names("SELECT " NAME_63 "m, " NAME_63 "n, " NAME_63 "o, x",
                 (const char *const[]){NAME_63 "m", NAME_63 "n", NAME_63 "o", "x"}, 4);
}

static void expect_error(const char *sql, Status status, int32_t byte, const char *message)
{
    Arena arena;
    const Node *statements;
    Error error;
    arena_open(&arena, 0);
    error_clear(&error);
    Status got = tree_parse(&arena, slice_of_text(sql), &statements, &error);
    if (got != status || error.position_byte != byte || strcmp(error.message, message) != 0)
        fail_msg("%s:\n  got    %s @%d %s\n  wanted %s @%d %s", sql, status_name(got),
                 error.position_byte, error.message, status_name(status), byte, message);
    arena_close(&arena);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        int32_t byte;
        const char *message;
    } cases[] = {
        {"SELEC 1", 0, "syntax error at or near \"SELEC\""},
        {"SELECT 1 1", 9, "syntax error at or near \"1\""},
        {"SELECT '\xc3\xa9\xc3\xa9' FROM FROM", 19, "syntax error at or near \"FROM\""},
        {"SELECT 'a", 7, "unterminated quoted string at or near \"'a\""},
        {"SELECT 60s", 7, "trailing junk after numeric literal at or near \"60s\""},
        {"SELECT 12\xc3\xa9", 7, "trailing junk after numeric literal at or near \"12\""},
        {"SELECT (1", 9, "syntax error at end of input"},
        {"SELECT " NAME_64 " " NAME_64 " " NAME_64, 137, "syntax error at or near \"" NAME_64 "\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_error(cases[i].sql, STATUS_SYNTAX_ERROR, cases[i].byte, cases[i].message);
    expect_error("SELECT " NAME_64 "m", STATUS_NAME_TOO_LONG, 7,
                 "name \"" NAME_64 "m\" has 65 bytes (maximum 64)");
    expect_error("SELECT " NAME_64 ", E'\\1'", STATUS_NAME_TOO_LONG, 7,
                 "a name of 64 bytes cannot stand in this statement");
    expect_error("SELECT E'\\xff'", STATUS_CHARACTER_NOT_IN_REPERTOIRE, -1,
                 "invalid byte sequence for encoding \"UTF8\": 0xff");
    expect_error("CREATE ASSERTION a CHECK (true)", STATUS_FEATURE_NOT_SUPPORTED, -1,
                 "CREATE ASSERTION is not yet implemented");
    expect_error("SELECT 1::float(54)", STATUS_INVALID_PARAMETER_VALUE, 16,
                 "precision for type float must be less than 54 bits");
}

static void test_depth(void **state)
{
    (void)state;
    Buffer sql;
    Arena arena;
    const Node *statements;
    Error error;
    static const struct {
        const char *before;
        const char *inside;
        uint32_t count;
    } cases[] = {
        {"SELECT 1", "+1", 25000}, {"SELECT ", "(SELECT ", 4000}, {"SELECT ", "NOT ", 40000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        buffer_open(&sql, 0);
        arena_open(&arena, 0);
        buffer_put_text(&sql, cases[i].before);
        for (uint32_t k = 0; k < cases[i].count; k++)
            buffer_put_text(&sql, cases[i].inside);
        if (cases[i].inside[0] != '+')
            buffer_put_text(&sql, "1");
        for (uint32_t k = 0; k < cases[i].count && cases[i].inside[0] == '('; k++)
            buffer_put_text(&sql, ")");
        assert_status(STATUS_STATEMENT_TOO_COMPLEX,
                      tree_parse(&arena, buffer_slice(&sql), &statements, &error));
        assert_string_equal(error.message, "the statement nests too deeply");
        buffer_close(&sql);
        arena_close(&arena);
    }
}

static void test_nodes(void **state)
{
    (void)state;
    Arena arena;
    arena_open(&arena, 0);
    const Node *statements = parse(&arena, "SELECT a.b FROM t WHERE NOT x; DROP TABLE c");
    assert_int_equal(node_count(statements), 2);
    const Node *select = node_field(node_item(statements, 0), "stmt");
    assert_true(node_is(select, "SelectStmt"));
    assert_slice(node_kind(select), "SelectStmt");
    assert_int_equal(node_kind(node_fields(select)).size, 0);
    assert_int_equal(node_kind(NULL).size, 0);
    assert_null(node_field(NULL, "x"));
    assert_null(node_field(select, "x"));
    assert_int_equal(node_count(node_field(select, "x")), 0);
    assert_null(node_item(statements, 2));
    const Node *range = node_item(node_field(select, "fromClause"), 0);
    assert_slice(node_text(range, "relname"), "t");
    assert_int_equal(node_location(range), 16);
    assert_int_equal(node_location(select), -1);
    assert_true(node_boolean(range, "inh"));
    assert_false(node_boolean(range, "nothing"));
    assert_int_equal(node_integer(range, "location", 0), 16);
    assert_int_equal(node_integer(range, "relname", 3), 3);
    arena_close(&arena);
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char sql[] = "SELECT -1, " NAME_64 ", 'x' FROM t";
    for (int64_t n = 1;; n++) {
        Arena arena;
        const Node *statements;
        Error error;
        arena_open(&arena, 0);
        memory_fail_at(n, 1);
        Status status = tree_parse(&arena, slice_of_text(sql), &statements, &error);
        bool reached = memory_allocations() >= n;
        memory_fail_at(0, 0);
        assert_status(reached ? STATUS_OUT_OF_MEMORY : OK, status);
        arena_close(&arena);
        if (!reached)
            return;
    }
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_negative_integers),
        cmocka_unit_test(test_negative_integers_everywhere),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return run_on_big_stack(run);
}
