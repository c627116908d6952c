/* Numbers to text and back. The texts are PostgreSQL 15's (float8out, float4out). */
#include <float.h>
#include <math.h>

#include "base/json.h"
#include "base/random.h"
#include "tests/unit/base/test.h"

static const char *double_text(double value)
{
    static char text[64];
    Buffer out;
    buffer_open(&out, 0);
    put_double(&out, value);
    assert_true(out.size < sizeof text);
    memcpy(text, out.data, out.size);
    text[out.size] = '\0';
    buffer_close(&out);
    return text;
}

static const char *float_text(float value)
{
    static char text[64];
    Buffer out;
    buffer_open(&out, 0);
    put_float(&out, value);
    assert_true(out.size < sizeof text);
    memcpy(text, out.data, out.size);
    text[out.size] = '\0';
    buffer_close(&out);
    return text;
}

static void doubles_print_as_in_postgresql(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {-1, "-1"},
        {100, "100"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {-12.5, "-12.5"},
        {1234.5678, "1234.5678"},
        {1.0 / 3, "0.3333333333333333"},
        {0.0001, "0.0001"},
        {0.00012345, "0.00012345"},
        {0.00001, "1e-05"},
        {123456789012345, "123456789012345"},
        {100000000000000, "100000000000000"},
        {1e15, "1e+15"},
        {1.5e15, "1.5e+15"},
        {9007199254740992, "9.007199254740992e+15"},
        {9007199254740994, "9.007199254740994e+15"},
        {1e22, "1e+22"},
        {1e23, "9.999999999999999e+22"}, /* 1e+23 lies half-way to the next */
        {1e100, "1e+100"},
        {1.2345e-300, "1.2345e-300"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {1.5e-323, "1.5e-323"},
        {0x1p-44,
         "5.684341886080802e-14"}, /* the nearest 16 digits end in 1 and do not read back */
        {0x1p-1022, "2.2250738585072014e-308"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {NAN, "NaN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(double_text(cases[i].value), cases[i].text);
}

static void floats_print_as_in_postgresql(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {0.0f, "0"},
        {-0.0f, "-0"},
        {0.1f, "0.1"},
        {123456, "123456"},
        {100000, "100000"},
        {1e6f, "1e+06"},
        {1234567, "1.234567e+06"},
        {16777216, "1.6777216e+07"},
        {0.0001f, "0.0001"},
        {0.00001f, "1e-05"},
        {1.0f / 3, "0.33333334"},
        {FLT_MAX, "3.4028235e+38"},
        {FLT_MIN, "1.1754944e-38"},
        {1e-45f, "1e-45"},
        {INFINITY, "Infinity"},
        {NAN, "NaN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(float_text(cases[i].value), cases[i].text);
}

static double random_double(Random *random)
{
    uint64_t bits = random_u64(random);
    if (random_chance(random, 1, 4))
        return (double)(int64_t)random_below(random, 1000000000) / 1000;
    if (random_chance(random, 1, 4))
        bits &= 0xfff0000000000000u; /* powers of two */
    if (random_chance(random, 1, 8))
        bits &= 0x000fffffffffffffu; /* below the smallest normal number */
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void every_number_reads_back(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    for (int i = 0; i < 50000; i++) {
        double wanted = random_double(&random);
        double got;
        if (!isfinite(wanted))
            continue;
        assert_true(slice_to_double(slice_of_text(double_text(wanted)), &got));
        assert_memory_equal(&got, &wanted, sizeof got);
        float wanted_float = (float)wanted;
        float got_float;
        if (!isfinite(wanted_float))
            continue;
        assert_true(slice_to_float(slice_of_text(float_text(wanted_float)), &got_float));
        assert_memory_equal(&got_float, &wanted_float, sizeof got_float);
    }
}

static void no_text_is_longer_than_it_must_be(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    for (int i = 0; i < 20000; i++) {
        double value = random_double(&random);
        char shorter[64];
        if (!isfinite(value) || value == 0)
            continue;
        int digits = 0;
        const char *text = double_text(value);
        for (const char *at = text; *at != '\0' && *at != 'e'; at++)
            digits += (*at >= '1' && *at <= '9') || (*at == '0' && digits > 0);
        if (digits < 2 || strchr(text, '.') == NULL)
            continue;
        (void)snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
        if (strtod(shorter, NULL) == value)
            assert_true(fabs(value) > 9e15); /* an exact midpoint, which is left to others */
    }
}

static void reads_what_is_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"+1.5", 1.5},
        {"-1.5e3", -1500},
        {".5", 0.5},
        {"5.", 5},
        {"1e-2", 0.01},
        {"1E+2", 100},
        {"007", 7},
        {"1e400", INFINITY},
        {"-1e400", -INFINITY},
        {"1e-400", 0},
        {"1e99999999999999999999", INFINITY},
        {"0e99999999999999999999", 0},
        {"9007199254740993", 9007199254740992},
        {"9007199254740993.0000000001", 9007199254740994},
        {"2.2250738585072011e-308", 2.2250738585072011e-308},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double got;
        assert_true(slice_to_double(slice_of_text(cases[i].text), &got));
        assert_true(got == cases[i].value);
    }
}

static void refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",   "-",   ".",    "e5",  "1e",  "1e+", "1.5.2", " 1",
                                        "1 ", "NaN", "0x10", "1,5", "--1", "1-",  "1e5.0", "inf"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        double got = 42;
        float got_float = 42;
        assert_false(slice_to_double(slice_of_text(texts[i]), &got));
        assert_false(slice_to_float(slice_of_text(texts[i]), &got_float));
        assert_true(got == 42 && got_float == 42);
    }
}

/* Half-way between two doubles but for the last of a thousand digits, and a million zeros. */
static void reads_texts_of_any_length(void **state)
{
    (void)state;
    enum { ZEROS = 1000000 };
    double got;
    Buffer text;
    buffer_open(&text, 0);
    buffer_put_text(&text, "9007199254740993.");
    for (int i = 0; i < 1000; i++)
        buffer_put_u8(&text, '0');
    assert_true(slice_to_double(buffer_slice(&text), &got));
    assert_true(got == 9007199254740992);
    buffer_put_u8(&text, '1');
    assert_true(slice_to_double(buffer_slice(&text), &got));
    assert_true(got == 9007199254740994);

    buffer_clear(&text);
    buffer_put_u8(&text, '1');
    for (int i = 0; i < ZEROS; i++)
        buffer_put_u8(&text, '0');
    buffer_put_text(&text, "e-1000000");
    assert_true(slice_to_double(buffer_slice(&text), &got));
    assert_true(got == 1);
    buffer_close(&text);
}

/* 1 + 2^-24 + 2^-54 is above half-way between two floats; by way of double it is exactly there. */
static void floats_are_rounded_once(void **state)
{
    (void)state;
    float got;
    assert_true(slice_to_float(SLICE("1.000000059604644830726"), &got));
    assert_true(got == 1.00000011920928955f);
    double by_way_of_double;
    assert_true(slice_to_double(SLICE("1.000000059604644830726"), &by_way_of_double));
    assert_true((float)by_way_of_double == 1.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_print_as_in_postgresql),
        cmocka_unit_test(floats_print_as_in_postgresql),
        cmocka_unit_test(every_number_reads_back),
        cmocka_unit_test(no_text_is_longer_than_it_must_be),
        cmocka_unit_test(reads_what_is_a_number),
        cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(reads_texts_of_any_length),
        cmocka_unit_test(floats_are_rounded_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
