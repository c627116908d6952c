/* Functions of DECIMAL: thin covers of decimal_int.h. */
#include "types/decimal_int.h"
#include "types/function_int.h"

#define BINARY(name, operation)                                                                \
    FUNCTION(numeric_##name)                                                                   \
    {                                                                                          \
        Decimal decimal;                                                                       \
        TRY(operation(decimal_of(&arguments[0]), decimal_of(&arguments[1]), &decimal, error)); \
        *result = value_of_decimal(decimal);                                                   \
        return OK;                                                                             \
    }

BINARY(add, decimal_add)
BINARY(subtract, decimal_subtract)
BINARY(multiply, decimal_multiply)
BINARY(divide, decimal_divide)
BINARY(modulo, decimal_modulo)
BINARY(quotient, decimal_quotient)
BINARY(log, decimal_log)
BINARY(power, decimal_power)

#define UNARY(name, operation)                                      \
    FUNCTION(numeric_##name)                                        \
    {                                                               \
        Decimal decimal;                                            \
        TRY(operation(decimal_of(&arguments[0]), &decimal, error)); \
        *result = value_of_decimal(decimal);                        \
        return OK;                                                  \
    }

UNARY(sqrt, decimal_sqrt)
UNARY(exp, decimal_exp)
UNARY(ln, decimal_ln)

FUNCTION(numeric_log10)
{
    Decimal decimal;
    TRY(decimal_log((Decimal){10, 0}, decimal_of(&arguments[0]), &decimal, error));
    *result = value_of_decimal(decimal);
    return OK;
}

/* The deviation from a variance: PostgreSQL gives it the variance's scale. */
FUNCTION(numeric_sqrt_same_scale)
{
    Decimal decimal = decimal_of(&arguments[0]);
    TRY(decimal_sqrt_to(decimal, decimal.scale, &decimal, error));
    *result = value_of_decimal(decimal);
    return OK;
}

FUNCTION(numeric_negate)
{
    *result = value_decimal(-arguments[0].as.decimal, arguments[0].scale);
    return OK;
}

FUNCTION(numeric_abs)
{
    Int128 n = arguments[0].as.decimal;
    *result = value_decimal(n < 0 ? -n : n, arguments[0].scale);
    return OK;
}

FUNCTION(numeric_sign)
{
    Int128 n = arguments[0].as.decimal;
    *result = value_decimal(n < 0 ? -1 : n > 0, 0);
    return OK;
}

static Status round_value(const Value *value, int64_t digits, enum DecimalRounding rounding,
                          Value *result, Error *error)
{
    Decimal decimal;
    TRY(decimal_round(decimal_of(value), (int32_t)digits, rounding, &decimal, error));
    *result = value_of_decimal(decimal);
    return OK;
}

FUNCTION(numeric_ceil)
{
    return round_value(&arguments[0], 0, DECIMAL_CEILING, result, error);
}

FUNCTION(numeric_floor)
{
    return round_value(&arguments[0], 0, DECIMAL_FLOOR, result, error);
}

FUNCTION(numeric_round)
{
    return round_value(&arguments[0], 0, DECIMAL_HALF_AWAY, result, error);
}

FUNCTION(numeric_trunc)
{
    return round_value(&arguments[0], 0, DECIMAL_TRUNCATE, result, error);
}

FUNCTION(numeric_round_to)
{
    return round_value(&arguments[0], arguments[1].as.integer, DECIMAL_HALF_AWAY, result, error);
}

FUNCTION(numeric_trunc_to)
{
    return round_value(&arguments[0], arguments[1].as.integer, DECIMAL_TRUNCATE, result, error);
}

/* ---- scales ---- */

static Decimal without_zeros(Decimal decimal)
{
    while (decimal.scale > 0 && decimal.unscaled % 10 == 0) {
        decimal.unscaled /= 10;
        decimal.scale--;
    }
    return decimal;
}

FUNCTION(numeric_scale)
{
    *result = value_integer(TYPE_INTEGER, arguments[0].scale);
    return OK;
}

FUNCTION(numeric_min_scale)
{
    *result = value_integer(TYPE_INTEGER, without_zeros(decimal_of(&arguments[0])).scale);
    return OK;
}

FUNCTION(numeric_trim_scale)
{
    *result = value_of_decimal(without_zeros(decimal_of(&arguments[0])));
    return OK;
}

/* ---- divisors ---- */

static Int128 magnitude(Int128 n)
{
    return n < 0 ? -n : n;
}

static Int128 common_divisor(Int128 x, Int128 y)
{
    while (y != 0) {
        Int128 rest = x % y;
        x = y;
        y = rest;
    }
    return x;
}

/* Both at the finer of their scales. */
static Status align(const Value *arguments, Int128 *x, Int128 *y, unsigned *scale, Error *error)
{
    Decimal a = decimal_of(&arguments[0]);
    Decimal b = decimal_of(&arguments[1]);
    *scale = a.scale > b.scale ? a.scale : b.scale;
    if (!decimal_rescale(a.unscaled, a.scale, *scale, x) ||
        !decimal_rescale(b.unscaled, b.scale, *scale, y))
        return decimal_overflow(error);
    *x = magnitude(*x);
    *y = magnitude(*y);
    return OK;
}

FUNCTION(numeric_gcd)
{
    Int128 x;
    Int128 y;
    unsigned scale;
    TRY(align(arguments, &x, &y, &scale, error));
    *result = value_decimal(common_divisor(x, y), scale);
    return OK;
}

FUNCTION(numeric_lcm)
{
    Int128 x;
    Int128 y;
    unsigned scale;
    TRY(align(arguments, &x, &y, &scale, error));
    Int128 multiple = 0;
    if (x != 0 && y != 0 &&
        (__builtin_mul_overflow(x / common_divisor(x, y), y, &multiple) || !decimal_fits(multiple)))
        return decimal_overflow(error);
    *result = value_decimal(multiple, scale);
    return OK;
}

/* ---- width_bucket ---- */

static Status bad_bucket(const char *what, Error *error)
{
    return error_set(error, STATUS_INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "%s", what);
}

/* count × (x - low) / (high - low), whole, plus one; the quotient may have been rounded up. */
static Status bucket_of(Decimal x, Decimal low, Decimal high, int64_t buckets, int64_t *out,
                        Error *error)
{
    Decimal above;
    Decimal span;
    Decimal quotient;
    TRY(decimal_subtract(x, low, &above, error));
    TRY(decimal_subtract(high, low, &span, error));
    TRY(decimal_multiply(above, (Decimal){buckets, 0}, &above, error));
    TRY(decimal_divide(above, span, &quotient, error));
    TRY(decimal_round(quotient, 0, DECIMAL_FLOOR, &quotient, error));
    *out = (int64_t)quotient.unscaled + 1;
    return OK;
}

FUNCTION(numeric_width_bucket)
{
    Decimal x = decimal_of(&arguments[0]);
    Decimal low = decimal_of(&arguments[1]);
    Decimal high = decimal_of(&arguments[2]);
    int64_t buckets = arguments[3].as.integer;
    int order = decimal_compare(low, high);
    if (buckets <= 0)
        return bad_bucket("count must be greater than zero", error);
    if (order == 0)
        return bad_bucket("lower bound cannot equal upper bound", error);
    int64_t bucket = 0;
    if ((order < 0) == (decimal_compare(x, low) < 0) && decimal_compare(x, low) != 0)
        bucket = 0;
    else if (order < 0 ? decimal_compare(x, high) >= 0 : decimal_compare(x, high) <= 0)
        bucket = buckets + 1;
    else
        TRY(bucket_of(x, low, high, buckets, &bucket, error));
    return integer_result(TYPE_INTEGER, bucket, result, error);
}
