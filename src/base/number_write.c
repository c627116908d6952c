/* Binary floating point to the shortest decimal text that reads back as the same number, as
 * PostgreSQL prints it.
 *
 * A decimal of at most 15 digits (float: 6) that reads back is the only one of its length, and
 * printf finds it. Above that printf's nearest decimal of n digits is the right one as well, but
 * for two corners that PostgreSQL's algorithm knows and printf does not: a number whose mantissa is
 * a power of two has a narrower neighbourhood below than above, so that the next decimal above may
 * read back where the nearest does not; and a decimal exactly between two numbers reads back only
 * under one rule of rounding, so that it is not used. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

typedef struct Decimal {
    uint64_t digits; /* as one integer, without zeros at the end */
    int exponent;    /* of its last digit */
} Decimal;

/* What differs between the two kinds of number. */
typedef struct Kind {
    int mantissa_bits;
    int digits_min; /* this many digits always survive text → number → text */
    int digits_max; /* this many always survive number → text → number */
    int plain_exponent_max;
} Kind;

static const Kind kind_double = {DBL_MANT_DIG, DBL_DIG, DBL_DECIMAL_DIG, 14};
static const Kind kind_float = {FLT_MANT_DIG, FLT_DIG, FLT_DECIMAL_DIG, 5};

enum {
    PLAIN_EXPONENT_MIN = -4,
    FEW_DECIMALS_MAX = 6,
    NUMBER_BYTES_MAX = 40,
};

static int digit_count(uint64_t digits)
{
    int count = 1;
    for (; digits >= 10; digits /= 10)
        count++;
    return count;
}

static Decimal without_zeros(Decimal decimal)
{
    while (decimal.digits % 10 == 0 && decimal.digits != 0) {
        decimal.digits /= 10;
        decimal.exponent++;
    }
    return decimal;
}

/* ---- finding the digits ---- */

/* Money, percentages, coordinates: r / 10^n of two exact numbers is rounded once, so equality means
 * that r with n decimals reads back. */
static bool has_few_decimals(double value, Decimal *out)
{
    double power = 1;
    for (int n = 0; n <= FEW_DECIMALS_MAX && value * power < 1e15; n++, power *= 10) {
        uint64_t rounded = (uint64_t)(value * power + 0.5);
        if ((double)rounded / power != value)
            continue;
        *out = without_zeros((Decimal){rounded, -n});
        return true;
    }
    return false;
}

static bool has_few_decimals_float(float value, Decimal *out)
{
    float power = 1;
    for (int n = 0; n <= FEW_DECIMALS_MAX && value * power < 1e6f; n++, power *= 10) {
        uint32_t rounded = (uint32_t)(value * power + 0.5f);
        if ((float)rounded / power != value)
            continue;
        *out = without_zeros((Decimal){rounded, -n});
        return true;
    }
    return false;
}

static Decimal nearest_decimal(double value, int digits)
{
    char text[NUMBER_BYTES_MAX];
    Decimal decimal = {0, 0};
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, value);
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') /* all but the locale's decimal point */
            decimal.digits = decimal.digits * 10 + (uint64_t)(*at - '0');
    }
    decimal.exponent = (int)strtol(at + 1, NULL, 10) - (digits - 1);
    return decimal;
}

static bool reads_back(Decimal decimal, double value, const Kind *kind)
{
    char text[NUMBER_BYTES_MAX];
    (void)snprintf(text, sizeof text, "%llue%d", (unsigned long long)decimal.digits,
                   decimal.exponent);
    if (kind == &kind_float)
        return strtof(text, NULL) == (float)value;
    return strtod(text, NULL) == value;
}

/* Odd, with exactly one bit more than the mantissa: half-way between two neighbours. Only integers
 * can be that within 17 digits. */
static bool is_midpoint(Decimal decimal, const Kind *kind)
{
    if (decimal.exponent < 0)
        decimal = without_zeros(decimal);
    uint64_t odd = decimal.digits >> __builtin_ctzll(decimal.digits);
    for (int i = 0; i < decimal.exponent; i++) {
        if (__builtin_mul_overflow(odd, 5, &odd))
            return false;
    }
    return decimal.exponent >= 0 && 64 - __builtin_clzll(odd) == kind->mantissa_bits + 1;
}

static bool is_power_of_two(double value)
{
    int exponent;
    return frexp(value, &exponent) == 0.5;
}

static Decimal shortest_decimal(double value, bool is_normal, const Kind *kind)
{
    int digits = is_normal ? kind->digits_min : 1;
    for (; digits < kind->digits_max; digits++) {
        Decimal decimal = nearest_decimal(value, digits);
        if (reads_back(decimal, value, kind) && !is_midpoint(decimal, kind))
            return without_zeros(decimal);
        decimal.digits++;
        if (is_power_of_two(value) && reads_back(decimal, value, kind) &&
            !is_midpoint(decimal, kind))
            return without_zeros(decimal);
    }
    return without_zeros(nearest_decimal(value, kind->digits_max));
}

/* ---- writing them ---- */

typedef struct Text {
    char bytes[NUMBER_BYTES_MAX];
    size_t size;
} Text;

static void put_char(Text *text, char c)
{
    text->bytes[text->size++] = c;
}

static void put_zeros(Text *text, int count)
{
    for (; count > 0; count--)
        put_char(text, '0');
}

/* The digits, with a point behind the first `before` of them. */
static void put_digits(Text *text, uint64_t digits, int count, int before)
{
    char reversed[NUMBER_BYTES_MAX];
    for (int i = count; i > 0; i--, digits /= 10)
        reversed[i - 1] = (char)('0' + digits % 10);
    for (int i = 0; i < count; i++) {
        if (i == before && i > 0)
            put_char(text, '.');
        put_char(text, reversed[i]);
    }
}

static void put_exponent(Text *text, int exponent)
{
    put_char(text, 'e');
    put_char(text, exponent < 0 ? '-' : '+');
    unsigned size = (unsigned)abs(exponent);
    put_digits(text, size, size >= 100 ? 3 : 2, 0);
}

static void put_decimal(Text *text, Decimal decimal, const Kind *kind)
{
    int count = digit_count(decimal.digits);
    int exponent = decimal.exponent + count - 1; /* of the first digit */
    if (exponent < PLAIN_EXPONENT_MIN || exponent > kind->plain_exponent_max) {
        put_digits(text, decimal.digits, count, 1);
        put_exponent(text, exponent);
    } else if (exponent < 0) {
        put_char(text, '0');
        put_char(text, '.');
        put_zeros(text, -exponent - 1);
        put_digits(text, decimal.digits, count, 0);
    } else {
        put_digits(text, decimal.digits, count, exponent + 1);
        put_zeros(text, decimal.exponent);
    }
}

/* NaN, the infinities and the zeros; false for every other number. */
static bool put_special(Buffer *out, double value)
{
    if (isnan(value))
        buffer_put_text(out, "NaN");
    else if (isinf(value))
        buffer_put_text(out, value < 0 ? "-Infinity" : "Infinity");
    else if (value == 0)
        buffer_put_text(out, signbit(value) ? "-0" : "0");
    else
        return false;
    return true;
}

static void put_number(Buffer *out, bool negative, Decimal decimal, const Kind *kind)
{
    Text text = {.size = 0};
    if (negative)
        put_char(&text, '-');
    put_decimal(&text, decimal, kind);
    buffer_put(out, text.bytes, text.size);
}

void put_double(Buffer *out, double value)
{
    if (put_special(out, value))
        return;
    Decimal decimal;
    double positive = fabs(value);
    if (!has_few_decimals(positive, &decimal))
        decimal = shortest_decimal(positive, positive >= DBL_MIN, &kind_double);
    put_number(out, value < 0, decimal, &kind_double);
}

void put_float(Buffer *out, float value)
{
    if (put_special(out, value))
        return;
    Decimal decimal;
    float positive = fabsf(value);
    if (!has_few_decimals_float(positive, &decimal))
        decimal = shortest_decimal(positive, positive >= FLT_MIN, &kind_float);
    put_number(out, value < 0, decimal, &kind_float);
}
