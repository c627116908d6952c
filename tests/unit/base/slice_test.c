#include "base/slice.h"

#include "tests/unit/base/test.h"

static void compares(void **state)
{
    (void)state;
    assert_int_equal(slice_compare(SLICE("a"), SLICE("a")), 0);
    assert_true(slice_compare(SLICE("a"), SLICE("b")) < 0);
    assert_true(slice_compare(SLICE("ab"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE_EMPTY, SLICE("a")) < 0);
    assert_int_equal(slice_compare(SLICE_EMPTY, SLICE("")), 0);
    assert_true(slice_compare(SLICE("\xff"), SLICE("a")) > 0); /* bytes, not signed characters */
    assert_true(slice_equal(SLICE("x"), SLICE("x")));
    assert_false(slice_equal(SLICE("x"), SLICE("y")));
    assert_true(slice_equal_ignoring_case(SLICE("SeLecT[é"), SLICE("sElECt[é")));
    assert_false(slice_equal_ignoring_case(SLICE("["), SLICE("{")));
    assert_false(slice_equal_ignoring_case(SLICE("a"), SLICE("ab")));
    assert_true(slice_starts_with(SLICE("abc"), SLICE("ab")));
    assert_true(slice_starts_with(SLICE("abc"), SLICE_EMPTY));
    assert_false(slice_starts_with(SLICE("a"), SLICE("ab")));
}

static void takes_parts(void **state)
{
    (void)state;
    assert_slice(slice_part(SLICE("abcdef"), 2, 3), "cde");
    assert_slice(slice_part(SLICE("abcdef"), 4, SIZE_MAX), "ef");
    assert_slice(slice_part(SLICE("abcdef"), 6, 1), "");
    assert_slice(slice_part(SLICE("abcdef"), SIZE_MAX, SIZE_MAX), "");
    assert_int_equal(slice_find(SLICE("abc"), 'c'), 2);
    assert_int_equal(slice_find(SLICE("abc"), 'x'), 3);
    assert_int_equal(slice_find(SLICE_EMPTY, 'x'), 0);
    assert_slice(slice_trim(SLICE(" \t\r\n\v\fa b \n")), "a b");
    assert_slice(slice_trim(SLICE(" \t")), "");
    assert_slice(slice_trim(SLICE_EMPTY), "");
}

static void knows_utf8(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "plain ASCII of more than eight bytes",
        "é",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "12345678é12345678",
    };
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x41",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xe2\x82",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xf0\x9f\x98",
        "1234567\xff",
        "12345678\xff",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(slice_is_utf8_text(slice_of_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(slice_is_utf8_text(slice_of_text(bad[i])));
    char with_nul[] = "0123456789";
    for (size_t i = 0; i < sizeof with_nul - 1; i++) {
        with_nul[i] = '\0';
        assert_false(slice_is_utf8_text(slice_of(with_nul, sizeof with_nul - 1)));
        with_nul[i] = 'x';
    }
}

/* Every code point by the rule's own arithmetic. */
static void knows_every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 1; code < 0x110000; code += code < 0x800 ? 1 : 61) {
        uint8_t bytes[4];
        size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
        uint32_t rest = code;
        for (size_t i = size; i-- > 1; rest >>= 6)
            bytes[i] = (uint8_t)(0x80 | (rest & 0x3f));
        bytes[0] = (uint8_t)(heads[size] | rest);
        bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
        assert_int_equal(slice_utf8_size(slice_of(bytes, size), 0), is_surrogate ? 0 : size);
        if (size > 1)
            assert_int_equal(slice_utf8_size(slice_of(bytes, size - 1), 0), 0);
    }
}

static void reads_integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"+7", 7},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      " 1",
                                      "1 ",
                                      "1.",
                                      "0x1",
                                      "9223372036854775808",
                                      "1e3",
                                      "--1",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = 99;
        assert_true(slice_to_int64(slice_of_text(good[i].text), &value));
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = 99;
        assert_false(slice_to_int64(slice_of_text(bad[i]), &value));
        assert_int_equal(value, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares),       cmocka_unit_test(takes_parts),
        cmocka_unit_test(knows_utf8),     cmocka_unit_test(knows_every_code_point),
        cmocka_unit_test(reads_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
