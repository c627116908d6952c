#include "types/decimal_int.h"

#include <math.h>
#include <stdio.h>

#include "base/assert.h"
#include "types/wide_int.h"

enum { DIVISION_DIGITS_MIN = 16 }; /* significant digits of a quotient (NUMERIC_MIN_SIG_DIGITS) */

#define E18 1000000000000000000LL

Int128 decimal_power_of_10(unsigned exponent)
{
    static const int64_t powers[] = {
        1LL,
        10LL,
        100LL,
        1000LL,
        10000LL,
        100000LL,
        1000000LL,
        10000000LL,
        100000000LL,
        1000000000LL,
        10000000000LL,
        100000000000LL,
        1000000000000LL,
        10000000000000LL,
        100000000000000LL,
        1000000000000000LL,
        10000000000000000LL,
        100000000000000000LL,
        E18,
    };
    ASSERT(exponent <= DECIMAL_DIGITS_MAX);
    if (exponent <= 18)
        return powers[exponent];
    if (exponent <= 36)
        return (Int128)E18 * powers[exponent - 18];
    return (Int128)E18 * E18 * powers[exponent - 36];
}

static UInt128 magnitude(Int128 n)
{
    return n < 0 ? -(UInt128)n : (UInt128)n;
}

static Int128 with_sign(UInt128 n, bool negative)
{
    return negative ? -(Int128)n : (Int128)n;
}

bool decimal_fits(Int128 unscaled)
{
    return magnitude(unscaled) < (UInt128)decimal_power_of_10(DECIMAL_DIGITS_MAX);
}

unsigned decimal_digits(Int128 unscaled)
{
    UInt128 n = magnitude(unscaled);
    unsigned digits = 0;
    if (n >= (UInt128)E18) {
        digits = 18;
        n /= (UInt128)E18;
    }
    if (n >= (UInt128)E18) {
        digits = 36;
        n /= (UInt128)E18;
    }
    for (; n > 0; n /= 10)
        digits++;
    return digits;
}

Status decimal_overflow(Error *error)
{
    Status status =
        error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format");
    error_set_detail(error, "A numeric has at most %d digits here.", DECIMAL_DIGITS_MAX);
    return status;
}

static Int128 divide_rounding(Int128 n, Int128 divisor)
{
    UInt128 d = (UInt128)divisor;
    UInt128 quotient = magnitude(n) / d;
    UInt128 rest = magnitude(n) % d;
    return with_sign(quotient + (rest >= d - rest), n < 0);
}

bool decimal_rescale(Int128 unscaled, unsigned from, unsigned to, Int128 *out)
{
    Int128 result = unscaled;
    if (from > to)
        result = divide_rounding(unscaled, decimal_power_of_10(from - to));
    else if (from < to && __builtin_mul_overflow(unscaled, decimal_power_of_10(to - from), &result))
        return false;
    if (!decimal_fits(result))
        return false;
    *out = result;
    return true;
}

/* What overflows when it is brought to the finer scale is beyond every other decimal. */
int decimal_compare(Decimal a, Decimal b)
{
    if (a.scale > b.scale)
        return -decimal_compare(b, a);
    Int128 grown;
    if (__builtin_mul_overflow(a.unscaled, decimal_power_of_10(b.scale - a.scale), &grown))
        return a.unscaled < 0 ? -1 : 1;
    return grown < b.unscaled ? -1 : grown > b.unscaled;
}

static Status finish(Int128 unscaled, unsigned scale, Decimal *out, Error *error)
{
    if (scale > DECIMAL_DIGITS_MAX || !decimal_fits(unscaled))
        return decimal_overflow(error);
    *out = (Decimal){unscaled, scale};
    return OK;
}

Status decimal_add(Decimal a, Decimal b, Decimal *out, Error *error)
{
    unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    Int128 x;
    Int128 y;
    if (!decimal_rescale(a.unscaled, a.scale, scale, &x) ||
        !decimal_rescale(b.unscaled, b.scale, scale, &y) || __builtin_add_overflow(x, y, &x))
        return decimal_overflow(error);
    return finish(x, scale, out, error);
}

Status decimal_subtract(Decimal a, Decimal b, Decimal *out, Error *error)
{
    return decimal_add(a, (Decimal){-b.unscaled, b.scale}, out, error);
}

Status decimal_multiply(Decimal a, Decimal b, Decimal *out, Error *error)
{
    Int128 product;
    if (__builtin_mul_overflow(a.unscaled, b.unscaled, &product))
        return decimal_overflow(error);
    return finish(product, a.scale + b.scale, out, error);
}

/* ---- division ---- */

static int floor_of_quarter(int n)
{
    return n >= 0 ? n / 4 : -((3 - n) / 4);
}

void decimal_weigh(Decimal a, int *weight, int *first_group)
{
    *weight = 0;
    *first_group = 0;
    if (a.unscaled == 0)
        return;
    int digits = (int)decimal_digits(a.unscaled);
    int exponent = digits - 1 - (int)a.scale;
    *weight = floor_of_quarter(exponent);
    int wanted = exponent - 4 * *weight + 1;
    UInt128 n = magnitude(a.unscaled);
    if (digits >= wanted)
        *first_group = (int)(n / (UInt128)decimal_power_of_10((unsigned)(digits - wanted)));
    else
        *first_group = (int)n * (int)decimal_power_of_10((unsigned)(wanted - digits));
}

/* At least 16 significant digits, and no fewer behind the point than either side has
 * (select_div_scale). */
static unsigned division_scale(Decimal a, Decimal b)
{
    int a_weight;
    int b_weight;
    int a_first;
    int b_first;
    decimal_weigh(a, &a_weight, &a_first);
    decimal_weigh(b, &b_weight, &b_first);
    int weight = a_weight - b_weight - (a_first <= b_first);
    int scale = DIVISION_DIGITS_MIN - weight * 4;
    if (scale < (int)a.scale)
        scale = (int)a.scale;
    if (scale < (int)b.scale)
        scale = (int)b.scale;
    return (unsigned)(scale < 0 ? 0 : scale);
}

static Status finish_wide(const Wide *n, bool negative, unsigned scale, Decimal *out, Error *error)
{
    if (!wide_fits_128(n) || wide_to_128(n) >> 127 != 0)
        return decimal_overflow(error);
    return finish(with_sign(wide_to_128(n), negative), scale, out, error);
}

Status decimal_divide_at(Decimal a, Decimal b, unsigned scale, Decimal *out, Error *error)
{
    ASSERT(b.unscaled != 0);
    if (scale > DECIMAL_DIGITS_MAX)
        return decimal_overflow(error);
    bool negative = (a.unscaled < 0) != (b.unscaled < 0);
    int shift = (int)scale + (int)b.scale - (int)a.scale;
    Int128 n;
    if (shift >= 0 && shift <= DECIMAL_DIGITS_MAX &&
        !__builtin_mul_overflow(a.unscaled, decimal_power_of_10((unsigned)shift), &n)) {
        UInt128 quotient = magnitude(divide_rounding(n, with_sign(magnitude(b.unscaled), false)));
        return finish(with_sign(quotient, negative), scale, out, error);
    }
    Wide dividend = wide_of(magnitude(a.unscaled));
    Wide divisor = wide_of(magnitude(b.unscaled));
    Wide factor = wide_power_of_10((unsigned)(shift < 0 ? -shift : shift));
    Wide *grows = shift < 0 ? &divisor : &dividend;
    *grows = wide_multiply(grows, &factor);
    Wide quotient = wide_divide_rounding(&dividend, &divisor);
    return finish_wide(&quotient, negative, scale, out, error);
}

static Status division_by_zero(Error *error)
{
    return error_set(error, STATUS_DIVISION_BY_ZERO, "division by zero");
}

Status decimal_divide(Decimal a, Decimal b, Decimal *out, Error *error)
{
    if (b.unscaled == 0)
        return division_by_zero(error);
    return decimal_divide_at(a, b, division_scale(a, b), out, error);
}

/* Both at the finer of their scales: the quotient without fraction, and what is left. */
static void divide_whole(Decimal a, Decimal b, Wide *quotient, Wide *remainder)
{
    Wide dividend = wide_of(magnitude(a.unscaled));
    Wide divisor = wide_of(magnitude(b.unscaled));
    bool a_grows = a.scale < b.scale;
    Wide factor = wide_power_of_10(a_grows ? b.scale - a.scale : a.scale - b.scale);
    Wide *grows = a_grows ? &dividend : &divisor;
    *grows = wide_multiply(grows, &factor);
    *quotient = wide_divide(&dividend, &divisor, remainder);
}

Status decimal_modulo(Decimal a, Decimal b, Decimal *out, Error *error)
{
    if (b.unscaled == 0)
        return division_by_zero(error);
    Wide quotient;
    Wide remainder;
    divide_whole(a, b, &quotient, &remainder);
    unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    return finish_wide(&remainder, a.unscaled < 0, scale, out, error);
}

Status decimal_quotient(Decimal a, Decimal b, Decimal *out, Error *error)
{
    if (b.unscaled == 0)
        return division_by_zero(error);
    Wide quotient;
    Wide remainder;
    divide_whole(a, b, &quotient, &remainder);
    return finish_wide(&quotient, (a.unscaled < 0) != (b.unscaled < 0), 0, out, error);
}

/* ---- rounding and limits ---- */

static bool rounds_up(UInt128 rest, UInt128 divisor, bool negative, enum DecimalRounding rounding)
{
    switch (rounding) {
    case DECIMAL_HALF_AWAY:
        return rest >= divisor - rest;
    case DECIMAL_FLOOR:
        return rest > 0 && negative;
    case DECIMAL_CEILING:
        return rest > 0 && !negative;
    case DECIMAL_TRUNCATE:
        break;
    }
    return false;
}

Status decimal_round(Decimal a, int32_t digits, enum DecimalRounding rounding, Decimal *out,
                     Error *error)
{
    unsigned scale = digits > 0 ? (unsigned)digits : 0;
    if (digits >= (int32_t)a.scale) {
        Int128 grown = 0;
        if (scale > DECIMAL_DIGITS_MAX || !decimal_rescale(a.unscaled, a.scale, scale, &grown))
            return decimal_overflow(error);
        return finish(grown, scale, out, error);
    }
    int64_t dropped = (int64_t)a.scale - digits;
    if (dropped > DECIMAL_DIGITS_MAX) {
        *out = (Decimal){0, scale};
        return OK;
    }
    UInt128 divisor = (UInt128)decimal_power_of_10((unsigned)dropped);
    UInt128 n = magnitude(a.unscaled);
    bool up = rounds_up(n % divisor, divisor, a.unscaled < 0, rounding);
    Int128 result = with_sign(n / divisor + up, a.unscaled < 0);
    if (digits < 0 &&
        __builtin_mul_overflow(result, decimal_power_of_10((unsigned)-digits), &result))
        return decimal_overflow(error);
    return finish(result, scale, out, error);
}

static Status field_overflow(Type type, Error *error)
{
    int digits = type.a - type.b;
    Status status = error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow");
    error_set_detail(error,
                     "A field with precision %d, scale %d must round to an absolute value less "
                     "than %s%d.",
                     type.a, type.b, digits > 0 ? "10^" : "", digits > 0 ? digits : 1);
    return status;
}

Status decimal_apply(Decimal a, Type type, Decimal *out, Error *error)
{
    if (type.a == 0) {
        *out = a;
        return OK;
    }
    ASSERT(type.a <= DECIMAL_PRECISION_MAX && type.b >= 0 && type.b <= type.a);
    Int128 n;
    if (!decimal_rescale(a.unscaled, a.scale, (unsigned)type.b, &n) ||
        magnitude(n) >= (UInt128)decimal_power_of_10((unsigned)type.a))
        return field_overflow(type, error);
    *out = (Decimal){n, (unsigned)type.b};
    return OK;
}

/* ---- other kinds of numbers ---- */

Status decimal_to_integer(Decimal a, TypeKind kind, int64_t *out, Error *error)
{
    Int128 n = a.unscaled;
    if (a.scale > 0)
        n = divide_rounding(n, decimal_power_of_10(a.scale));
    int64_t limit = kind == TYPE_SMALLINT  ? INT16_MAX
                    : kind == TYPE_INTEGER ? INT32_MAX
                                           : INT64_MAX;
    if (n > limit || n < -(Int128)limit - 1) {
        char name[TYPE_NAME_BYTES_MAX];
        type_postgres_name(TYPE_OF_KIND(kind), name);
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", name);
    }
    *out = (int64_t)n;
    return OK;
}
