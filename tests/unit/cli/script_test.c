#include "cli/script.c"
#include "cli/splitter.c"

#include "tests/unit/base/test.h"

typedef struct Record {
    Buffer out;
    const char *failing; /* the statement that fails */
} Record;

static int record_statement(void *context, Slice sql, bool has_parameter, uint64_t line)
{
    Record *record = context;
    buffer_put_format(&record->out, "%d%s[%.*s]", (int)line, has_parameter ? "$" : "",
                      SLICE_ARGUMENTS(sql));
    return record->failing != NULL && slice_equal_text(sql, record->failing) ? 1 : 0;
}

static int record_command(void *context, Slice text, uint64_t line)
{
    Record *record = context;
    buffer_put_format(&record->out, "%d<%.*s>", (int)line, SLICE_ARGUMENTS(text));
    return 0;
}

static void record_problem(void *context, const Error *error, uint64_t line)
{
    Record *record = context;
    buffer_put_format(&record->out, "%d!%s", (int)line, status_name(error->status));
}

/* What comes of the lines; '~' stands for the end of one. */
static void run(const char *lines, const char *failing, int wanted_code, const char *wanted)
{
    Record record = {.failing = failing};
    ScriptHandlers handlers = {&record, record_statement, record_command, record_problem};
    Script script;
    Slice rest = slice_of_text(lines);
    int code = 0;
    buffer_open(&record.out, 0);
    script_open(&script, &handlers);
    while (rest.size > 0 && code == 0) {
        size_t end = slice_find(rest, '~');
        code = script_feed(&script, slice_part(rest, 0, end));
        rest = slice_part(rest, end + 1, rest.size);
    }
    if (code == 0)
        code = script_end(&script);
    assert_slice(buffer_slice(&record.out), wanted);
    assert_int_equal(code, wanted_code);
    script_close(&script);
    buffer_close(&record.out);
}

static void gives_statements(void **state)
{
    (void)state;
    run("", NULL, 0, "");
    run("a; b;~~c~d;", NULL, 0, "1[a]1[b]3[c\nd]");
    run("a;~-- x~b $1", NULL, 0, "1[a]3$[b $1]");
    run("a $1; b; c", NULL, 0, "1$[a $1]1[b]1[c]");
}

static void gives_commands_between_statements(void **state)
{
    (void)state;
    run("\\dt~ \\q x ~a;~\\x", NULL, 0, "1<\\dt>2<\\q x>3[a]4<\\x>");
    run("SELECT~\\dt;~", NULL, 0, "1[SELECT\n\\dt]"); /* within a statement it is none */
    run("'~\\dt~';", NULL, 0, "1['\n\\dt\n']");
}

static void sends_transactions_whole(void **state)
{
    (void)state;
    run("BEGIN; a;~b $1;~COMMIT; c;", NULL, 0, "1$[BEGIN; a;\nb $1;\nCOMMIT]3[c]");
    run("start  transaction;rollback to x;ROLLBACK WORK TO y;rollback;z", NULL, 0,
        "1[start  transaction;rollback to x;ROLLBACK WORK TO y;rollback]1[z]");
    run("begin;~\\dt~a;end;~b;", NULL, 0, "2<\\dt>1[begin;\n\na;end]4[b]");
    run("starting; commit;", NULL, 0, "1[starting]1[commit]");
    run("a;~BEGIN; b", NULL, EXIT_STATEMENT_FAILED, "1[a]2!ACTIVE_TRANSACTION");
}

static void stops_at_a_failure(void **state)
{
    (void)state;
    run("a; b; c;~d;", "b", 1, "1[a]1[b]");
}

static void drops_what_is_begun(void **state)
{
    (void)state;
    Record record = {0};
    ScriptHandlers handlers = {&record, record_statement, record_command, record_problem};
    Script script;
    buffer_open(&record.out, 0);
    script_open(&script, &handlers);
    assert_true(script_is_idle(&script));
    assert_int_equal(script_feed(&script, SLICE("BEGIN; SELECT '")), 0);
    assert_false(script_is_idle(&script));
    assert_int_equal(script_prompt(&script), '\'');
    script_drop(&script);
    assert_true(script_is_idle(&script));
    assert_int_equal(script_feed(&script, SLICE("a;")), 0);
    assert_int_equal(script_end(&script), 0);
    assert_slice(buffer_slice(&record.out), "2[a]");
    script_close(&script);
    buffer_close(&record.out);
}

static void survives_without_memory(void **state)
{
    (void)state;
    for (int64_t n = 1; n < 6; n++) {
        Record record = {0};
        ScriptHandlers handlers = {&record, record_statement, record_command, record_problem};
        Script script;
        buffer_open(&record.out, 0);
        script_open(&script, &handlers);
        memory_fail_at(n, -1);
        (void)script_feed(&script, SLICE("SELECT 1"));
        (void)script_end(&script);
        memory_fail_at(0, 0);
        script_close(&script);
        buffer_close(&record.out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gives_statements),
                                       cmocka_unit_test(gives_commands_between_statements),
                                       cmocka_unit_test(sends_transactions_whole),
                                       cmocka_unit_test(stops_at_a_failure),
                                       cmocka_unit_test(drops_what_is_begun),
                                       cmocka_unit_test(survives_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
