/* Decimal text to binary floating point. The digits are gathered by hand, so that neither the
 * locale's decimal point nor a text of a million digits matters; the rounding is left to strtod. */
#include <stdio.h>
#include <stdlib.h>

#include "base/slice.h"

enum {
    /* No double and no midpoint of two has more significant digits than 768: beyond them it only
     * counts whether anything but zeros follows. */
    DIGITS_MAX = 770,
    EXPONENT_MAX = 100000, /* far beyond every double, far below what overflows */
    EXACT_DIGITS_MAX = 15, /* integers that are doubles, and powers of ten that are */
    EXACT_EXPONENT_MAX = 22,
};

typedef struct Decimal {
    bool negative;
    bool cut; /* digits other than zero were left out */
    size_t count;
    int64_t exponent; /* of the last digit kept */
    char digits[DIGITS_MAX + 1];
} Decimal;

static bool is_digit(Slice s, size_t at)
{
    return at < s.size && s.data[at] >= '0' && s.data[at] <= '9';
}

static void add_digit(Decimal *decimal, char digit, bool is_fraction)
{
    bool is_leading_zero = decimal->count == 0 && digit == '0';
    bool fits = decimal->count < DIGITS_MAX;
    if (fits && !is_leading_zero)
        decimal->digits[decimal->count++] = digit;
    if (!fits && digit != '0')
        decimal->cut = true;
    if (fits && is_fraction)
        decimal->exponent--;
    if (!fits && !is_fraction)
        decimal->exponent++;
}

static size_t read_digits(Slice s, size_t at, bool is_fraction, Decimal *decimal)
{
    for (; is_digit(s, at); at++)
        add_digit(decimal, (char)s.data[at], is_fraction);
    return at;
}

/* Behind the "e"; 0 where no digits are there. */
static size_t read_exponent(Slice s, size_t at, Decimal *decimal)
{
    int64_t exponent = 0;
    bool negative = at < s.size && s.data[at] == '-';
    if (at < s.size && (s.data[at] == '-' || s.data[at] == '+'))
        at++;
    if (!is_digit(s, at))
        return 0;
    for (; is_digit(s, at); at++) {
        if (exponent < INT64_MAX / 100)
            exponent = exponent * 10 + (s.data[at] - '0');
    }
    decimal->exponent += negative ? -exponent : exponent;
    return at;
}

static bool read_decimal(Slice s, Decimal *decimal)
{
    decimal->negative = s.size > 0 && s.data[0] == '-';
    decimal->cut = false;
    decimal->count = 0;
    decimal->exponent = 0;
    size_t at = s.size > 0 && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0;
    size_t end = read_digits(s, at, false, decimal);
    size_t count = end - at;
    at = end;
    if (at < s.size && s.data[at] == '.') {
        end = read_digits(s, at + 1, true, decimal);
        count += end - at - 1;
        at = end;
    }
    if (count == 0)
        return false;
    if (at < s.size && (s.data[at] == 'e' || s.data[at] == 'E'))
        at = read_exponent(s, at + 1, decimal);
    return at == s.size;
}

/* Few digits and a small exponent: one correctly rounded operation on two exact numbers. */
static bool is_exact(const Decimal *decimal, double *out)
{
    static const double powers[EXACT_EXPONENT_MAX + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (decimal->count > EXACT_DIGITS_MAX || decimal->exponent < -EXACT_EXPONENT_MAX ||
        decimal->exponent > EXACT_EXPONENT_MAX)
        return false;
    uint64_t digits = 0;
    for (size_t i = 0; i < decimal->count; i++)
        digits = digits * 10 + (uint64_t)(decimal->digits[i] - '0');
    double value = (double)digits;
    if (decimal->exponent < 0)
        *out = value / powers[-decimal->exponent];
    else
        *out = value * powers[decimal->exponent];
    return true;
}

/* An integer and an exponent: strtod reads that alike in every locale. */
static void put_for_strtod(Decimal *decimal, char *out, size_t size)
{
    if (decimal->cut) {
        decimal->digits[decimal->count++] = '1';
        decimal->exponent--;
    }
    if (decimal->count == 0) {
        (void)snprintf(out, size, "0");
        return;
    }
    int64_t exponent = decimal->exponent;
    exponent = exponent > EXPONENT_MAX ? EXPONENT_MAX : exponent;
    exponent = exponent < -EXPONENT_MAX ? -EXPONENT_MAX : exponent;
    (void)snprintf(out, size, "%.*se%d", (int)decimal->count, decimal->digits, (int)exponent);
}

bool slice_to_double(Slice s, double *out)
{
    Decimal decimal;
    char text[DIGITS_MAX + 16];
    double value;
    if (!read_decimal(s, &decimal))
        return false;
    if (!is_exact(&decimal, &value)) {
        put_for_strtod(&decimal, text, sizeof text);
        value = strtod(text, NULL);
    }
    *out = decimal.negative ? -value : value;
    return true;
}

/* Not by way of double: rounding twice is not rounding once. */
bool slice_to_float(Slice s, float *out)
{
    Decimal decimal;
    char text[DIGITS_MAX + 16];
    if (!read_decimal(s, &decimal))
        return false;
    put_for_strtod(&decimal, text, sizeof text);
    float value = strtof(text, NULL);
    *out = decimal.negative ? -value : value;
    return true;
}
