/* The row evaluator's functions as DuckDB's, and the macros. */
#include "tests/unit/worker/harness.h"
#include "types/function.h"
#include "worker/macros.h"

static const WorkerRequest plain = {.reference_count = 0};

/* Their result has the type of an argument: DuckDB's own forms stand for them. */
static bool is_bridged(const FunctionImplementation *function)
{
    const char *result = strstr(function->signature, "-> ") + 3;
    return strcmp(result, "any") != 0 && strcmp(result, "array") != 0 &&
           strcmp(result, "vector") != 0;
}

/* Every signature is one that DuckDB takes: named in one statement, all are registered. */
static void every_function_can_be_registered(void **state)
{
    (void)state;
    Harness harness;
    Buffer sql;
    size_t count = 0;
    const FunctionImplementation *all = function_all(&count);
    int bridged = 0;
    harness_open(&harness, 1);
    buffer_open(&sql, 0);
    buffer_put_text(&sql, "SELECT count(DISTINCT function_name) FROM duckdb_functions() WHERE "
                          "function_name IN (''");
    for (size_t i = 0; i < count; i++) {
        buffer_put_format(&sql, ", 'fn_%s'", all[i].symbol);
        bridged += is_bridged(&all[i]);
    }
    buffer_put_text(&sql, ")");
    buffer_put_u8(&sql, 0);
    char expected[32];
    (void)snprintf(expected, sizeof expected, "[%d]", bridged);
    assert_true(bridged > 250);
    assert_string_equal(expected, RUN_JSON(&harness, plain, (const char *)sql.data, TYPE(BIGINT)));
    buffer_clear(&sql);
    buffer_put_text(&sql, "SELECT count(DISTINCT function_name) FROM duckdb_functions() WHERE "
                          "function_type = 'macro' AND NOT internal AND function_name IN (''");
    int macros = 0;
    for (; macros_name((size_t)macros) != NULL; macros++)
        buffer_put_format(&sql, ", '%s'", macros_name((size_t)macros));
    buffer_put_text(&sql, ")");
    buffer_put_u8(&sql, 0);
    (void)snprintf(expected, sizeof expected, "[%d]", macros);
    assert_string_equal(expected, RUN_JSON(&harness, plain, (const char *)sql.data, TYPE(BIGINT)));
    buffer_close(&sql);
    harness_close(&harness);
}

typedef struct Case {
    const char *expression;
    const char *expected; /* as text; NULL: the value is */
} Case;

static void check_cases(Harness *harness, const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char sql[500];
        char expected[500];
        (void)snprintf(sql, sizeof sql, "SELECT (%s)::VARCHAR", cases[i].expression);
        bool is_error = cases[i].expected != NULL && strncmp(cases[i].expected, "!", 1) == 0;
        if (cases[i].expected == NULL)
            (void)snprintf(expected, sizeof expected, "[null]");
        else if (is_error)
            (void)snprintf(expected, sizeof expected, "%s", cases[i].expected + 1);
        else
            (void)snprintf(expected, sizeof expected, "[\"%s\"]", cases[i].expected);
        const char *got = RUN_JSON(harness, plain, sql, TYPE(TEXT));
        if (strcmp(expected, got) != 0)
            fail_msg("%s: %s instead of %s", cases[i].expression, got, expected);
    }
}

static void functions_mean_what_the_evaluator_does(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"fn_int4_add(1, 2)", "3"},
        {"fn_int4_add(2147483647, 1)", "!22003 integer out of range"},
        {"fn_int4_add(NULL, 1)", NULL},
        {"fn_int8_divide(7, 0)", "!22012 division by zero"},
        {"fn_numeric_divide(10, 3)", "3.3333333333333333"},
        {"fn_numeric_divide(1.00, 8::DECIMAL(5,1))", "0.12500000000000000000"},
        {"fn_numeric_divide('1e40', 3)", "!22003 value overflows numeric format"},
        {"fn_numeric_add('0.1', 2::SMALLINT)", "2.1"},
        {"fn_text_initcap('hello WORLD')", "Hello World"},
        {"fn_text_length('\xc3\xa4\xc3\xb6')", "2"},
        {"fn_text_substring('abcdef', 2)", "bcdef"},
        {"fn_text_substring('abcdef', 2, 3)", "bcd"},
        {"fn_text_format('%s-%s', 1, NULL)", "1-"},
        {"fn_concat('a', NULL, 1.50, true)", "a1.50t"},
        {"fn_json_build_object('a', 1, 'b', '[1]'::JSON, 'c', NULL)",
         "{\\\"a\\\" : 1, \\\"b\\\" : [1], \\\"c\\\" : null}"},
        {"fn_jsonb_contains('{\"a\": 1, \"b\": 2}', '{\"b\": 2}')", "true"},
        {"fn_text_to_array('a,b,,c', ',')", "[a, b, '', c]"},
        {"fn_array_length([1, 2, 3], 1)", "3"},
        {"fn_array_to_text([1, NULL, 3], ',', 'x')", "1,x,3"},
        {"fn_array_positions([1, 2, 1], 1)", "[1, 3]"},
        {"fn_vector_dims([1, 2, 3]::FLOAT[3])", "3"},
        {"fn_vector_l2_distance([0, 0]::FLOAT[2], [3, 4]::FLOAT[2])", "5.0"},
        {"fn_date_trunc_timestamp('month', TIMESTAMP '2020-05-17 10:00:00')",
         "2020-05-01 00:00:00"},
        {"fn_timestamp_age(TIMESTAMP '2020-03-01', TIMESTAMP '2019-02-28')", "1 year 1 day"},
        {"fn_text_quote_ident('Select')", "\\\"Select\\\""},
        {"fn_bytea_encode('\\x00\\xFF'::BLOB, 'hex')", "00ff"},
        {"fn_any_num_nulls(1, NULL, 'x', NULL)", "2"},
        {"fn_nothing(1)", "!42883 Scalar Function with name fn_nothing does not exist!"},
    };
    Harness harness;
    harness_open(&harness, 2);
    check_cases(&harness, cases, sizeof cases / sizeof *cases);
    harness_close(&harness);
}

/* Over vectors, in several threads, with NULLs between. */
static void functions_work_on_many_rows(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 4);
    assert_string_equal(
        "[133334,true]",
        RUN_JSON(&harness, plain,
                 "SELECT count(r), bool_and(r IS NULL OR r = 'Row ' || x) FROM "
                 "(SELECT range x, fn_text_initcap(CASE WHEN range % 3 = 2 THEN NULL "
                 "ELSE 'row ' || range END) r FROM range(200000))",
                 TYPE(BIGINT), TYPE(BOOLEAN)));
    assert_string_equal("[100000]",
                        RUN_JSON(&harness, plain,
                                 "SELECT count(DISTINCT fn_gen_random_uuid()) FROM range(100000)",
                                 TYPE(BIGINT)));
    assert_string_equal("[3]", RUN_JSON(&harness, plain,
                                        "SELECT len(list_transform(fn_text_to_array('a b c', ' '), "
                                        "lambda x: fn_text_upper(x)))",
                                        TYPE(BIGINT)));
    WorkerRequest at = {.now_us = 1600000000000000};
    assert_string_equal("[\"2020-09-13T12:26:40+00:00\"]",
                        RUN_JSON(&harness, at, "SELECT fn_now()", TYPE(TIMESTAMPTZ)));
    harness_close(&harness);
}

static const Case macro_cases[] = {
    {"pg_idiv(7, 2)", "3"},
    {"pg_idiv(-7, 2)", "-3"},
    {"pg_idiv(NULL::INTEGER, 0)", NULL},
    {"pg_idiv(1, 0)", "!22012 division by zero"},
    {"pg_fdiv(1::DOUBLE, 4)", "0.25"},
    {"pg_mod(-7, 2)", "-1"},
    {"pg_mod(-2147483648, -1)", "0"},
    {"pg_mod(1, 0)", "!22012 division by zero"},
    {"pg_num_div('10', '3')", "3.33333333333333330000"},
    {"pg_num_div('1', '0')", "!22012 division by zero"},
    {"pg_num_div(NULL, '3')", NULL},
    {"pg_f8text(0.1::DOUBLE)", "0.1"},
    {"pg_f8text(1e15::DOUBLE)", "1e+15"},
    {"pg_f8text(1e14::DOUBLE)", "100000000000000"},
    {"pg_f8text('nan'::DOUBLE)", "NaN"},
    {"pg_f4text(0.1::FLOAT)", "0.1"},
    {"pg_substr('abc', 0)", "abc"},
    {"pg_substr('abc', NULL)", NULL},
    {"pg_substr3('abc', 0, 2)", "a"},
    {"pg_substr3('abc', -5, 2)", ""},
    {"pg_substr3('abc', NULL, 2)", NULL},
    {"pg_substr3(NULL, 1, -1)", NULL},
    {"pg_substr3('abc', 1, -1)", "!22011 negative substring length not allowed"},
    {"pg_lpad('x', 3)", "  x"},
    {"pg_lpad('xyz', 2, 'ab')", "xy"},
    {"pg_lpad(NULL, 0)", NULL},
    {"pg_rpad('x', 4, 'ab')", "xaba"},
    {"pg_overlay('abcdef', 'XX', 2, 3)", "aXXef"},
    {"pg_overlay('abcdef', NULL, 2, 3)", NULL},
    {"pg_split_part('a,b,c', ',', 2)", "b"},
    {"pg_split_part('a,b,c', ',', -1)", "c"},
    {"pg_split_part('a,b,c', ',', 9)", ""},
    {"pg_split_part(NULL, '', 1)", NULL},
    {"pg_split_part('a', ',', 0)", "!22023 field position must not be zero"},
    {"pg_chr(228)", "\xc3\xa4"},
    {"pg_chr(0)", "!54000 null character not permitted"},
    {"pg_chr(55296)", "!54000 requested character not valid for encoding: 55296"},
    {"pg_to_hex4(-1)", "ffffffff"},
    {"pg_quote_ident('select')", "\\\"select\\\""},
    {"pg_quote_literal('it''s')", "'it''s'"},
    {"pg_encode('\\x01'::BLOB, 'base64')", "AQ=="},
    {"pg_initcap('ab cd')", "Ab Cd"},
    {"pg_format('%s=%s', 'a', 1)", "a=1"},
    {"pg_string_to_array('a,b', ',')", "[a, b]"},
    {"pg_string_to_array('ab', NULL)", "[a, b]"},
    {"pg_string_to_array('a,b', '')", "['a,b']"},
    {"pg_string_to_array('', ',')", "[]"},
    {"pg_string_to_array3('a,x,b', ',', 'x')", "[a, NULL, b]"},
    {"pg_array_to_string3([1, NULL, 2], ',', '?')", "1,?,2"},
    {"pg_regexp_instr('abc', 'c')", "3"},
    {"pg_regexp_instr(NULL, 'c')", NULL},
    {"pg_cast_i4(' 12 ')", "12"},
    {"pg_cast_i4('1.5')", "!22P02 invalid input syntax for type integer: \"1.5\""},
    {"pg_cast_i4(NULL::VARCHAR)", NULL},
    {"pg_cast_i8(true)", "!42846 cannot cast type boolean to bigint"},
    {"pg_date_trunc('month', DATE '2020-05-17')", "2020-05-01 00:00:00+00"},
    {"pg_extract_s(TIMESTAMP '2020-01-01 00:00:01.5')", "1.500000"},
    {"pg_epoch(DATE '1970-01-02')", "86400"},
    {"pg_sub_date(DATE '2020-03-01', DATE '2020-02-01')", "29"},
    {"pg_justify_days(INTERVAL '35 days')", "1 month 5 days"},
    {"pg_make_interval(days := 3, hours := 2)", "3 days 02:00:00"},
    {"pg_cardinality([1, 2])", "2"},
    {"pg_cardinality(NULL::INTEGER[])", NULL},
    {"pg_array_length([]::INTEGER[], 1)", NULL},
    {"pg_array_dims([1, 2])", "[1:2]"},
    {"pg_array_positions([1, NULL, 1], 1)", "[1, 3]"},
    {"pg_array_positions(NULL::INTEGER[], 1)", NULL},
    {"pg_array_replace([1, 2], 2, 3)", "[1, 3]"},
    {"pg_trim_array([1, 2, 3], 2)", "[1]"},
    {"pg_trim_array([1], 2)", "!2202E number of elements to trim must be between 0 and 1"},
    {"pg_idx([1, 2], 0)", NULL},
    {"pg_idx([1, 2], 2)", "2"},
    {"pg_json_typeof('[1]')", "array"},
    {"pg_json_typeof(NULL)", NULL},
    {"pg_json_array_length('[1, 2]')", "2"},
    {"pg_json_array_length('{}')", "!22023 cannot get array length of a non-array"},
    {"pg_jgets_k('{\"a\": \"x\"}', 'a')", "x"},
    {"pg_jgets_k('{\"a/b~\": 1}', 'a/b~')", "1"},
    {"pg_jgets_k('{\"$\": 1, \"a\\\"b\": 2}', '$')", "1"},
    {"pg_jgets_k('[5]', '0')", NULL},
    {"pg_jgets_i('[5, 6]', -1)", "6"},
    {"pg_jgets_i('{\"0\": 5}', 0)", NULL},
    {"pg_jcontains('{\"a\": [1, 2]}', '{\"a\": [2]}')", "true"},
    {"pg_jconcat('{\"a\": 1}', '{\"b\": null}')", "{\\\"a\\\": 1, \\\"b\\\": null}"},
    {"pg_jeq('{\"a\": 1, \"b\": 2}', '{\"a\": 1, \"b\": 2.0}')", "true"},
    {"pg_power(0, -1)", "!2201F zero raised to a negative power is undefined"},
    {"pg_power(10, 1000)", "!22003 value out of range: overflow"},
    {"pg_exp(1000::DOUBLE)", "!22003 value out of range: overflow"},
    {"pg_round_f(2.5::DOUBLE)", "2.0"},
};

static void macros_are_strict_and_postgres_meaning(void **state)
{
    (void)state;
    Harness harness;
    harness_open(&harness, 1);
    check_cases(&harness, macro_cases, sizeof macro_cases / sizeof *macro_cases);
    harness_close(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_function_can_be_registered),
        cmocka_unit_test(functions_mean_what_the_evaluator_does),
        cmocka_unit_test(functions_work_on_many_rows),
        cmocka_unit_test(macros_are_strict_and_postgres_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
