#include "cli/cell.c"
#include "cli/json_walk.c"

#include "base/random.h"
#include "tests/unit/base/test.h"

/* Keys and raw values, "key=value" each, or the error's name at the end. */
static void walk(const char *text, const char *wanted)
{
    JsonWalk walk;
    Buffer out;
    Error error;
    Status status = OK;
    buffer_open(&out, 0);
    bool has =
        json_walk_array(&walk, slice_of_text(text)) || json_walk_object(&walk, slice_of_text(text));
    while (has) {
        Slice key;
        Slice value;
        status = json_walk_next(&walk, &has, &key, &value, &error);
        if (status != OK)
            break;
        if (has)
            buffer_put_format(&out, "%.*s=%.*s ", SLICE_ARGUMENTS(key), SLICE_ARGUMENTS(value));
    }
    buffer_put_text(&out, status == OK ? "" : status_name(status));
    assert_slice(buffer_slice(&out), wanted);
    buffer_close(&out);
}

static void walks(void **state)
{
    (void)state;
    walk("[]", "");
    walk(" [ 1 , \"a,]\" , null ] ", "=1 =\"a,]\" =null ");
    walk("[[1,[2]],{\"a\":[]},\"\\\"]\"]", "=[1,[2]] ={\"a\":[]} =\"\\\"]\" ");
    walk("{\"a\" : 1,\"b\":{\"c\":2}}", "a=1 b={\"c\":2} ");
    walk("{}", "");
    walk("7", ""); /* neither */
}

static void refuses_what_breaks_off(void **state)
{
    static const char *const broken[] = {"[",    "[1",      "[1,",      "[1 2]", "[\"a",
                                         "[[1]", "{\"a\"}", "{\"a\":}", "{a:1}", "[,]"};
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        JsonWalk walk;
        Slice text = slice_of_text(broken[i]);
        Slice key;
        Slice value;
        Error error;
        bool has = true;
        Status status = OK;
        assert_true(json_walk_array(&walk, text) || json_walk_object(&walk, text));
        while (status == OK && has)
            status = json_walk_next(&walk, &has, &key, &value, &error);
        if (status != STATUS_INVALID_JSON_TEXT)
            fail_msg("%s was taken", broken[i]);
    }
}

static void finds_members(void **state)
{
    Slice value;
    Error error;
    (void)state;
    assert_ok(json_walk_member(SLICE("{\"a\":1,\"b\":[2]}"), "b", &value, &error), &error);
    assert_slice(value, "[2]");
    assert_ok(json_walk_member(SLICE("{\"a\":1}"), "b", &value, &error), &error);
    assert_null(value.data);
    assert_ok(json_walk_member(SLICE("[1]"), "b", &value, &error), &error);
    assert_null(value.data);
}

/* Whatever comes, the walk ends and stays within the text (ASan looks). */
static void ends_on_anything(void **state)
{
    static const char letters[] = "[]{}\",:\\ 1a";
    (void)state;
    Random random = random_of(test_seed());
    for (int round = 0; round < 50000; round++) {
        size_t size = random_below(&random, 20);
        uint8_t *text = memory_allocate(size + 1);
        JsonWalk walk;
        bool has;
        Error error;
        assert_non_null(text);
        for (size_t i = 0; i < size; i++)
            text[i] = (uint8_t)letters[random_below(&random, sizeof letters - 1)];
        Slice exact = slice_of(memory_clone(text, size), size);
        has = json_walk_array(&walk, exact) || json_walk_object(&walk, exact);
        for (size_t steps = 0; has; steps++) {
            Slice key;
            Slice value;
            assert_true(steps <= size);
            if (json_walk_next(&walk, &has, &key, &value, &error) != OK)
                break;
        }
        memory_free((void *)(uintptr_t)exact.data);
        memory_free(text);
    }
}

static void reads_cells(void **state)
{
    static const struct {
        const char *raw;
        const char *text;
    } cases[] = {{"7", "7"},
                 {"\"a\"", "a"},
                 {"\"\"", ""},
                 {"true", "true"},
                 {"\"a\\nb\"", "a\nb"},
                 {"[1, 2]", "[1, 2]"},
                 {"1.50", "1.50"},
                 {"\"\\u00e9\"", "é"},
                 {"123456789012345678901", "123456789012345678901"}};
    Arena arena;
    Cell cell;
    Error error;
    (void)state;
    arena_open(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(cell_read(&arena, slice_of_text(cases[i].raw), &cell, &error), &error);
        assert_slice(cell.text, cases[i].text);
        assert_false(cell.is_null);
    }
    assert_ok(cell_read(&arena, SLICE("null"), &cell, &error), &error);
    assert_true(cell.is_null);
    assert_status(cell_read(&arena, SLICE("nul"), &cell, &error), STATUS_INVALID_JSON_TEXT);
    assert_status(cell_read(&arena, SLICE("\"a\\\""), &cell, &error), STATUS_INVALID_JSON_TEXT);
    arena_close(&arena);
    assert_true(type_is_number(SLICE("BIGINT")) && type_is_number(SLICE("DECIMAL(10,2)")) &&
                type_is_number(SLICE("DOUBLE PRECISION")) && type_is_number(SLICE("real")));
    assert_false(type_is_number(SLICE("TEXT")) || type_is_number(SLICE("BIGINT[]")) ||
                 type_is_number(SLICE("INTERVAL")) || type_is_number(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks), cmocka_unit_test(refuses_what_breaks_off),
        cmocka_unit_test(finds_members), cmocka_unit_test(ends_on_anything),
        cmocka_unit_test(reads_cells)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
