/* Durations, sizes, and the nearest name. */
#include "sql/guess.h"
#include "sql/quantity.h"
#include "tests/unit/sql/test.h"

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t milliseconds; /* -1: no duration */
    } cases[] = {
        {"60s", 60000},
        {"250ms", 250},
        {"5m", 300000},
        {"2h", 7200000},
        {"7d", 604800000},
        {"0s", 0},
        {"60", 60000},
        {"60S", 60000},
        {"9223372036854775807ms", INT64_MAX},
        {"9223372036854775807s", -1},
        {"9223372036854775808ms", -1},
        {"", -1},
        {"s", -1},
        {"-1s", -1},
        {"+1s", -1},
        {"1.5h", -1},
        {"60 s", -1},
        {" 60s", -1},
        {"60s ", -1},
        {"60sec", -1},
        {"1w", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t got = -1;
        bool found = duration_from_text(slice_of_text(cases[i].text), &got);
        assert_int_equal(found, cases[i].milliseconds >= 0);
        if (found)
            assert_int_equal(got, cases[i].milliseconds);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {
        {"64MB", 64 << 20},
        {"64MiB", 64 << 20},
        {"64M", 64 << 20},
        {"16kib", 16384},
        {"16K", 16384},
        {"16KB", 16384},
        {"1G", 1 << 30},
        {"2T", (int64_t)2 << 40},
        {"1024", 1024},
        {"7B", 7},
        {"0", 0},
        {"", -1},
        {"MB", -1},
        {"64 MB", -1},
        {"-1", -1},
        {"64MBs", -1},
        {"9223372036854775807G", -1},
        {"1.5G", -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t got = -1;
        bool found = size_from_text(slice_of_text(cases[i].text), &got);
        assert_int_equal(found, cases[i].bytes >= 0);
        if (found)
            assert_int_equal(got, cases[i].bytes);
    }
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *duration;
        const char *size;
    } cases[] = {{0, "0ms", "0"},
                 {1, "1ms", "1B"},
                 {1000, "1s", "1000B"},
                 {1024, "1024ms", "1KiB"},
                 {60000, "1m", "60000B"},
                 {90000, "90s", "90000B"},
                 {86400000, "1d", "84375KiB"},
                 {67108864, "67108864ms", "64MiB"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[QUANTITY_TEXT_BYTES_MAX];
        int64_t back;
        duration_put_text(cases[i].value, text);
        assert_string_equal(text, cases[i].duration);
        assert_true(duration_from_text(slice_of_text(text), &back));
        assert_int_equal(back, cases[i].value);
        size_put_text(cases[i].value, text);
        assert_string_equal(text, cases[i].size);
        assert_true(size_from_text(slice_of_text(text), &back));
        assert_int_equal(back, cases[i].value);
    }
}

static void test_guesses(void **state)
{
    (void)state;
    static const char *const names[] = {"body", "id", "author", "created_at", "flush_rows"};
    static const struct {
        const char *wanted;
        const char *best; /* "": none is near */
    } cases[] = {
        {"bdy", "body"},
        {"boyd", "body"},
        {"BODY", "body"},
        {"authr", "author"},
        {"athour", "author"},
        {"creatd_at", "created_at"},
        {"flushrows", "flush_rows"},
        {"zzz", ""},
        {"", ""},
        {"idx", "id"},
        {"completely_else", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        NameGuess guess;
        Error error;
        guess_open(&guess, slice_of_text(cases[i].wanted));
        for (size_t k = 0; k < COUNT(names); k++)
            guess_offer(&guess, slice_of_text(names[k]));
        if (cases[i].best[0] == '\0')
            assert_int_equal(guess.best.size, 0);
        else
            assert_slice(guess.best, cases[i].best);
        error_clear(&error);
        guess_hint(&guess, &error);
        assert_int_equal(error.hint[0] != '\0', cases[i].best[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_guesses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
