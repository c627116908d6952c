/* Roots, logarithms and powers of decimals, rounded from 256 binary digits behind the point. The
 * scales of the results are PostgreSQL's: 16 significant digits at least, and no fewer behind the
 * point than the arguments have. */
#include <math.h>

#include "base/assert.h"
#include "types/decimal_int.h"
#include "types/wide_int.h"

enum {
    FRACTION_BITS = 256,
    WHOLE_BITS_MAX = 127, /* as many as 38 digits need */
    HALVINGS = 8,         /* of an exponent before its series, undone by squaring */
    SIGNIFICANT_DIGITS_MIN = 16,
};

#define LOG10_E 0.434294481903252
#define LN_10   2.302585092994046

/* A number × 2^256, with its sign apart. */
typedef struct Fixed {
    Wide size;
    bool negative;
} Fixed;

/* ln 2 */
static const Wide ln_2 = {{0x8baafa2c, 0x8a0d175b, 0x7298b62d, 0x40f34326, 0x03f2f6af, 0xc9e3b398,
                           0xd1cf79ab, 0xb17217f7}};

static UInt128 magnitude(Int128 n)
{
    return n < 0 ? -(UInt128)n : (UInt128)n;
}

static Wide one(void)
{
    Wide n = wide_of(1);
    return wide_shift_left(&n, FRACTION_BITS);
}

static Wide multiply(const Wide *a, const Wide *b)
{
    Wide product = wide_multiply(a, b);
    return wide_shift_right(&product, FRACTION_BITS);
}

static Wide divide(const Wide *a, const Wide *b)
{
    Wide shifted = wide_shift_left(a, FRACTION_BITS);
    return wide_divide(&shifted, b, NULL);
}

/* a / 10^scale, × 2^bits */
static Wide scaled(Decimal a, unsigned bits)
{
    Wide n = wide_of(magnitude(a.unscaled));
    Wide divisor = wide_power_of_10(a.scale);
    n = wide_shift_left(&n, bits);
    return wide_divide(&n, &divisor, NULL);
}

static double to_double(const Fixed *a)
{
    double x = 0;
    for (int i = WIDE_LIMBS - 1; i >= 0; i--)
        x += ldexp((double)a->size.limbs[i], 32 * i - FRACTION_BITS);
    return a->negative ? -x : x;
}

/* Rounded half away from zero. */
static Status finish(const Fixed *a, int scale, Decimal *out, Error *error)
{
    if (scale > DECIMAL_DIGITS_MAX || wide_bits(&a->size) > FRACTION_BITS + WHOLE_BITS_MAX)
        return decimal_overflow(error);
    Wide factor = wide_power_of_10((unsigned)scale);
    Wide product = wide_multiply(&a->size, &factor);
    Wide half = wide_of(1);
    half = wide_shift_left(&half, FRACTION_BITS - 1);
    product = wide_add(&product, &half);
    product = wide_shift_right(&product, FRACTION_BITS);
    Int128 n = (Int128)wide_to_128(&product);
    if (!wide_fits_128(&product) || n < 0 || !decimal_fits(n))
        return decimal_overflow(error);
    *out = (Decimal){a->negative ? -n : n, (unsigned)scale};
    return OK;
}

/* At least 16 significant digits of a result whose first digit stands at 10^weight. */
static int result_scale(int weight, unsigned scale_min)
{
    int scale = SIGNIFICANT_DIGITS_MIN - weight;
    return scale < (int)scale_min ? (int)scale_min : scale;
}

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* ---- square root ---- */

Status decimal_sqrt_to(Decimal a, unsigned scale, Decimal *out, Error *error)
{
    if (a.unscaled < 0)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_POWER,
                         "cannot take square root of a negative number");
    if (scale > DECIMAL_DIGITS_MAX)
        return decimal_overflow(error);
    /* The root of a × 10^(2 scale), exactly; half a unit more rounds it up. */
    Wide n = wide_of((UInt128)a.unscaled);
    Wide factor = wide_power_of_10(2 * scale - a.scale);
    n = wide_multiply(&n, &factor);
    Wide root = wide_square_root(&n);
    Wide square = wide_multiply(&root, &root);
    Wide rest = wide_subtract(&n, &square);
    const Wide unit = wide_of(1);
    if (wide_compare(&rest, &root) > 0)
        root = wide_add(&root, &unit);
    if (!wide_fits_128(&root) || !decimal_fits((Int128)wide_to_128(&root)))
        return decimal_overflow(error);
    *out = (Decimal){(Int128)wide_to_128(&root), scale};
    return OK;
}

Status decimal_sqrt(Decimal a, Decimal *out, Error *error)
{
    int weight;
    int first;
    decimal_weigh(a, &weight, &first);
    int scale = result_scale((weight + 1) * 4 / 2 - 1, a.scale);
    return decimal_sqrt_to(a, (unsigned)scale, out, error);
}

/* ---- logarithms ---- */

/* ln((1 + z) / (1 - z)) / 2 = z + z³/3 + z⁵/5 … */
static Wide inverse_tanh(const Wide *z)
{
    Wide square = multiply(z, z);
    Wide power = *z;
    Wide sum = wide_of(0);
    for (uint32_t n = 1; wide_bits(&power) > 0; n += 2) {
        Wide divisor = wide_of(n);
        Wide term = wide_divide(&power, &divisor, NULL);
        sum = wide_add(&sum, &term);
        power = multiply(&power, &square);
    }
    return sum;
}

static Fixed add(const Fixed *a, const Fixed *b)
{
    if (a->negative == b->negative)
        return (Fixed){wide_add(&a->size, &b->size), a->negative};
    if (wide_compare(&a->size, &b->size) >= 0)
        return (Fixed){wide_subtract(&a->size, &b->size), a->negative};
    return (Fixed){wide_subtract(&b->size, &a->size), b->negative};
}

/* a = m × 2^k with m near 1: ln a = 2 artanh((m - 1) / (m + 1)) + k ln 2 */
static Fixed logarithm(Decimal a)
{
    const Wide unit = one();
    Wide divisor = wide_power_of_10(a.scale);
    Wide n = wide_of(magnitude(a.unscaled));
    int k = (int)wide_bits(&n) - (int)wide_bits(&divisor);
    Wide m = scaled(a, (unsigned)(FRACTION_BITS - k));
    Wide sum = wide_add(&m, &unit);
    Fixed z = {wide_of(0), wide_compare(&m, &unit) < 0};
    z.size = z.negative ? wide_subtract(&unit, &m) : wide_subtract(&m, &unit);
    z.size = divide(&z.size, &sum);
    z.size = inverse_tanh(&z.size);
    z.size = wide_shift_left(&z.size, 1);
    Wide factor = wide_of((UInt128)(k < 0 ? -k : k));
    Fixed power = {wide_multiply(&ln_2, &factor), k < 0};
    return add(&z, &power);
}

/* The decimal weight of ln(a), as PostgreSQL estimates it. */
static int logarithm_weight(Decimal a)
{
    int weight;
    int first;
    const Decimal low = {9, 1};
    const Decimal high = {11, 1};
    if (decimal_compare(a, low) >= 0 && decimal_compare(a, high) <= 0) {
        Int128 unit = decimal_power_of_10(a.scale);
        decimal_weigh((Decimal){a.unscaled - unit, a.scale}, &weight, &first);
        return first == 0 ? 0 : weight * 4 + (int)log10((double)first);
    }
    double estimate = log(decimal_to_double((Decimal){a.unscaled, 0})) - a.scale * LN_10;
    return (int)log10(fabs(estimate));
}

static Status check_logarithm(Decimal a, Error *error)
{
    if (a.unscaled == 0)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_LOGARITHM,
                         "cannot take logarithm of zero");
    if (a.unscaled < 0)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_LOGARITHM,
                         "cannot take logarithm of a negative number");
    return OK;
}

Status decimal_ln(Decimal a, Decimal *out, Error *error)
{
    TRY(check_logarithm(a, error));
    Fixed result = logarithm(a);
    return finish(&result, result_scale(logarithm_weight(a), a.scale), out, error);
}

Status decimal_log(Decimal base, Decimal a, Decimal *out, Error *error)
{
    TRY(check_logarithm(base, error));
    TRY(check_logarithm(a, error));
    int weight = logarithm_weight(a) - logarithm_weight(base);
    int scale = result_scale(weight, larger(a.scale, base.scale));
    Fixed numerator = logarithm(a);
    Fixed denominator = logarithm(base);
    if (wide_bits(&denominator.size) == 0)
        return error_set(error, STATUS_DIVISION_BY_ZERO, "division by zero");
    Fixed result = {divide(&numerator.size, &denominator.size),
                    numerator.negative != denominator.negative};
    return finish(&result, scale, out, error);
}

/* ---- powers ---- */

/* e^a for a >= 0, below 2^127: the series of a small part, squared and shifted back. */
static Wide exponential(const Wide *a)
{
    Wide rest;
    Wide k = wide_divide(a, &ln_2, &rest);
    Wide small = wide_shift_right(&rest, HALVINGS);
    Wide term = one();
    Wide sum = one();
    for (uint32_t n = 1; wide_bits(&term) > 0; n++) {
        Wide divisor = wide_of(n);
        term = multiply(&term, &small);
        term = wide_divide(&term, &divisor, NULL);
        sum = wide_add(&sum, &term);
    }
    for (int i = 0; i < HALVINGS; i++)
        sum = multiply(&sum, &sum);
    return wide_shift_left(&sum, k.limbs[0]);
}

static Wide reciprocal(const Wide *a)
{
    const Wide unit = one();
    return divide(&unit, a);
}

/* e^a at a scale that fits its size. */
static Status exponential_result(const Fixed *a, bool negative, unsigned scale_min, Decimal *out,
                                 Error *error)
{
    double weight = to_double(a) * LOG10_E;
    if (fabs(weight) > DECIMAL_DIGITS_MAX + 1)
        return decimal_overflow(error);
    int scale = result_scale((int)weight, scale_min);
    if (scale > DECIMAL_DIGITS_MAX)
        return decimal_overflow(error);
    Fixed result = {exponential(&a->size), negative};
    if (a->negative)
        result.size = reciprocal(&result.size);
    return finish(&result, scale, out, error);
}

Status decimal_exp(Decimal a, Decimal *out, Error *error)
{
    if (fabs(decimal_to_double(a)) > 2 * DECIMAL_DIGITS_MAX * LN_10)
        return decimal_overflow(error);
    Fixed exponent = {scaled(a, FRACTION_BITS), a.unscaled < 0};
    return exponential_result(&exponent, false, a.scale, out, error);
}

/* base^n by squaring, n > 0; false where it passes every decimal. */
static bool whole_power(Wide base, uint32_t n, Wide *out)
{
    *out = one();
    for (;; n >>= 1) {
        if (n & 1)
            *out = multiply(out, &base);
        if (wide_bits(out) > FRACTION_BITS + WHOLE_BITS_MAX)
            return false;
        if (n <= 1)
            return true;
        if (wide_bits(&base) > FRACTION_BITS + WHOLE_BITS_MAX)
            return false;
        base = multiply(&base, &base);
    }
}

/* PostgreSQL 15 gives whole powers 16 digits behind the point, however large they are. */
static Status power_of_whole(Decimal base, int32_t n, Decimal *out, Error *error)
{
    int scale = (int)larger(base.scale, SIGNIFICANT_DIGITS_MIN);
    if (n == 0)
        return decimal_round((Decimal){1, 0}, scale, DECIMAL_HALF_AWAY, out, error);
    if (n == 1 || base.unscaled == 0)
        return decimal_round(base, scale, DECIMAL_HALF_AWAY, out, error);
    if (n == -1)
        return decimal_divide_at((Decimal){1, 0}, base, (unsigned)scale, out, error);
    if (n == 2 && 2 * base.scale <= (unsigned)scale) {
        TRY(decimal_multiply(base, base, out, error));
        return decimal_round(*out, scale, DECIMAL_HALF_AWAY, out, error);
    }
    Fixed result = {scaled(base, FRACTION_BITS), base.unscaled < 0 && (n & 1)};
    if (!whole_power(result.size, n < 0 ? -(uint32_t)n : (uint32_t)n, &result.size) ||
        wide_bits(&result.size) == 0)
        return decimal_overflow(error);
    if (n < 0)
        result.size = reciprocal(&result.size);
    return finish(&result, scale, out, error);
}

/* Is it a whole number; *is_odd and *n (where it fits 32 bits) say which. */
static bool is_whole(Decimal a, bool *is_odd, bool *fits, int32_t *n)
{
    Int128 unit = decimal_power_of_10(a.scale);
    Int128 whole = a.unscaled / unit;
    *is_odd = whole % 2 != 0;
    *fits = whole >= INT32_MIN && whole <= INT32_MAX;
    *n = *fits ? (int32_t)whole : 0;
    return a.unscaled % unit == 0;
}

Status decimal_power(Decimal a, Decimal b, Decimal *out, Error *error)
{
    bool is_odd;
    bool fits;
    int32_t n;
    bool whole = is_whole(b, &is_odd, &fits, &n);
    if (a.unscaled == 0 && b.unscaled < 0)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_POWER,
                         "zero raised to a negative power is undefined");
    if (a.unscaled < 0 && !whole)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_POWER,
                         "a negative number raised to a non-integer power yields a complex "
                         "result");
    if (whole && fits)
        return power_of_whole(a, n, out, error);
    if (a.unscaled == 0) {
        *out = (Decimal){0, SIGNIFICANT_DIGITS_MIN};
        return OK;
    }
    Fixed exponent = logarithm((Decimal){(Int128)magnitude(a.unscaled), a.scale});
    Wide factor = scaled(b, FRACTION_BITS);
    if (wide_bits(&exponent.size) + wide_bits(&factor) > 2 * FRACTION_BITS + WHOLE_BITS_MAX)
        return decimal_overflow(error);
    exponent.size = multiply(&exponent.size, &factor);
    exponent.negative = exponent.negative != (b.unscaled < 0);
    return exponential_result(&exponent, a.unscaled < 0 && is_odd, larger(a.scale, b.scale), out,
                              error);
}
