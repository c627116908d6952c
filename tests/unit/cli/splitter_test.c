/* The files of cli/ are no library that `make unit` links: their tests include them. */
#include "cli/splitter.c"

#include "base/random.h"
#include "tests/unit/base/test.h"

/* All statements of the text, one to a line. */
static void split(const char *text, const char *wanted)
{
    Splitter splitter = {0};
    Slice statement;
    Buffer out;
    buffer_open(&out, 0);
    while (splitter_next(&splitter, slice_of_text(text), &statement) ||
           splitter_rest(&splitter, slice_of_text(text), &statement)) {
        buffer_put_slice(&out, statement);
        buffer_put_u8(&out, '\n');
    }
    assert_slice(buffer_slice(&out), wanted);
    buffer_close(&out);
}

static void splits_at_semicolons(void **state)
{
    (void)state;
    split("", "");
    split(" ; ;; \n", "");
    split("SELECT 1", "SELECT 1\n");
    split("SELECT 1; SELECT 2 ;", "SELECT 1\nSELECT 2\n");
    split("a;b;c", "a\nb\nc\n");
}

static void knows_quotes(void **state)
{
    (void)state;
    split("SELECT ';'; x", "SELECT ';'\nx\n");
    split("SELECT 'it''s;'; x", "SELECT 'it''s;'\nx\n");
    split("SELECT 'a\\'; x'; y", "SELECT 'a\\'\nx'; y\n"); /* no escape without E */
    split("SELECT E'a\\';'; x", "SELECT E'a\\';'\nx\n");
    split("SELECT e'a'';'; x", "SELECT e'a'';'\nx\n");
    split("SELECT name'a\\'; x'; y", "SELECT name'a\\'\nx'; y\n"); /* E is not a word here */
    split("SELECT \"a;\"\";b\"; x", "SELECT \"a;\"\";b\"\nx\n");
    split("SELECT $$;'$$; x", "SELECT $$;'$$\nx\n");
    split("SELECT $a$;$$;$b$;$a$; x", "SELECT $a$;$$;$b$;$a$\nx\n");
    split("SELECT a$b$;c", "SELECT a$b$\nc\n"); /* a dollar within a name */
    split("SELECT $1;$2", "SELECT $1\n$2\n");
}

static void knows_comments(void **state)
{
    (void)state;
    split("-- a;b\nSELECT 1;", "SELECT 1\n");
    split("SELECT -- ;\n1; x", "SELECT -- ;\n1\nx\n");
    split("/* ; /* ; */ ; */ SELECT 1; x", "SELECT 1\nx\n");
    split("SELECT 1 /* ; */ - 2; x", "SELECT 1 /* ; */ - 2\nx\n");
    split("SELECT '/*'; x", "SELECT '/*'\nx\n");
    split("-- only a comment", "");
    split("/* only a comment", "");
}

static void asks_for_what_is_missing(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        char prompt;
    } cases[] = {{"", '='},       {"SELECT 1;\n", '='}, {"SELECT\n", '-'}, {"'a;", '\''},
                 {"E'a;", '\''},  {"\"a;", '"'},        {"$$a;", '$'},     {"/* ;", '*'},
                 {"-- x\n", '='}, {"a -- x\n", '-'},    {"a /* x", '*'},   {"$x$ $$", '$'}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Splitter splitter = {0};
        Slice statement;
        while (splitter_next(&splitter, slice_of_text(cases[i].text), &statement))
            ;
        assert_int_equal(splitter_prompt(&splitter), cases[i].prompt);
    }
}

static void sees_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has;
    } cases[] = {{"SELECT $1;", true},        {"SELECT '$1';", false},     {"SELECT a$1;", false},
                 {"SELECT -- $1\n2;", false}, {"SELECT $$ $1 $$;", false}, {"SELECT ($22);", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Splitter splitter = {0};
        Slice statement;
        assert_true(splitter_next(&splitter, slice_of_text(cases[i].text), &statement));
        assert_int_equal(splitter.has_parameter, cases[i].has);
    }
}

static void reads_first_words(void **state)
{
    (void)state;
    assert_true(statement_begins_with(SLICE("Use x"), "use"));
    assert_true(statement_begins_with(SLICE("USE\"x\""), "use"));
    assert_false(statement_begins_with(SLICE("used x"), "use"));
    assert_false(statement_begins_with(SLICE(""), "use"));
}

static size_t statements_of(Slice text, bool in_pieces, Slice *out, size_t count_max)
{
    Splitter splitter = {0};
    size_t count = 0;
    for (size_t end = in_pieces ? 1 : text.size; end <= text.size; end++) {
        while (count < count_max && splitter_next(&splitter, slice_part(text, 0, end), &out[count]))
            count++;
    }
    if (count < count_max && splitter_rest(&splitter, text, &out[count]))
        count++;
    return count;
}

/* A text that comes byte by byte has the same statements as one that comes whole. */
static void does_not_care_for_pieces(void **state)
{
    static const char letters[] = "'\"$;-/*\\\n aE1$'";
    (void)state;
    Random random = random_of(test_seed());
    for (int round = 0; round < 20000; round++) {
        char text[24];
        Slice whole[sizeof text];
        Slice pieces[sizeof text];
        size_t size = 1 + random_below(&random, sizeof text - 1);
        for (size_t i = 0; i < size; i++)
            text[i] = letters[random_below(&random, sizeof letters - 1)];
        size_t count = statements_of(slice_of(text, size), false, whole, sizeof text);
        size_t others = statements_of(slice_of(text, size), true, pieces, sizeof text);
        bool is_same = count == others;
        for (size_t i = 0; is_same && i < count; i++)
            is_same = slice_equal(whole[i], pieces[i]);
        if (!is_same)
            fail_msg("\"%.*s\": %zu statements whole, %zu in pieces", (int)size, text, count,
                     others);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_semicolons),    cmocka_unit_test(knows_quotes),
        cmocka_unit_test(knows_comments),          cmocka_unit_test(asks_for_what_is_missing),
        cmocka_unit_test(sees_parameters),         cmocka_unit_test(reads_first_words),
        cmocka_unit_test(does_not_care_for_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
