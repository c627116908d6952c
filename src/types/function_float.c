/* Functions of REAL and DOUBLE: the C library's, with PostgreSQL's errors where a result overflows
 * or is no number. */
#include <errno.h>
#include <math.h>

#include "types/function_int.h"

#define RADIANS_PER_DEGREE 0.0174532925199432957692
#define PI                 3.14159265358979323846

static Status overflow(Error *error)
{
    return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow");
}

static Status underflow(Error *error)
{
    return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: underflow");
}

static Status input_out_of_range(Error *error)
{
    return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "input is out of range");
}

/* ---- arithmetic ---- */

/* An infinity that came of finite numbers is an error, and so is a zero that `may_be_zero` does not
 * allow. Double arithmetic rounded to float is float arithmetic. */
static Status finish(TypeKind kind, double x, bool may_be_infinite, bool may_be_zero, Value *result,
                     Error *error)
{
    Value value = value_real(kind, x);
    if (isinf(value.as.real) && !may_be_infinite)
        return overflow(error);
    if (value.as.real == 0 && !may_be_zero)
        return underflow(error);
    *result = value;
    return OK;
}

static Status divide(TypeKind kind, double a, double b, Value *result, Error *error)
{
    if (b == 0 && !isnan(a))
        return error_set(error, STATUS_DIVISION_BY_ZERO, "division by zero");
    return finish(kind, a / b, isinf(a), a == 0 || isinf(b), result, error);
}

#define FLOAT_FUNCTIONS(type, kind)                                                        \
    FUNCTION(type##_add)                                                                   \
    {                                                                                      \
        double a = arguments[0].as.real;                                                   \
        double b = arguments[1].as.real;                                                   \
        return finish(kind, a + b, isinf(a) || isinf(b), true, result, error);             \
    }                                                                                      \
    FUNCTION(type##_subtract)                                                              \
    {                                                                                      \
        double a = arguments[0].as.real;                                                   \
        double b = arguments[1].as.real;                                                   \
        return finish(kind, a - b, isinf(a) || isinf(b), true, result, error);             \
    }                                                                                      \
    FUNCTION(type##_multiply)                                                              \
    {                                                                                      \
        double a = arguments[0].as.real;                                                   \
        double b = arguments[1].as.real;                                                   \
        return finish(kind, a * b, isinf(a) || isinf(b), a == 0 || b == 0, result, error); \
    }                                                                                      \
    FUNCTION(type##_divide)                                                                \
    {                                                                                      \
        return divide(kind, arguments[0].as.real, arguments[1].as.real, result, error);    \
    }                                                                                      \
    FUNCTION(type##_negate)                                                                \
    {                                                                                      \
        *result = value_real(kind, -arguments[0].as.real);                                 \
        return OK;                                                                         \
    }                                                                                      \
    FUNCTION(type##_abs)                                                                   \
    {                                                                                      \
        *result = value_real(kind, fabs(arguments[0].as.real));                            \
        return OK;                                                                         \
    }

FLOAT_FUNCTIONS(float4, TYPE_REAL)
FLOAT_FUNCTIONS(float8, TYPE_DOUBLE)

/* ---- functions that always have a result ---- */

static double sign_of(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}

#define TOTAL(name, expression)             \
    FUNCTION(float8_##name)                 \
    {                                       \
        double x = arguments[0].as.real;    \
        *result = value_double(expression); \
        return OK;                          \
    }

TOTAL(ceil, ceil(x))
TOTAL(floor, floor(x))
TOTAL(round, rint(x))
TOTAL(trunc, x >= 0 ? floor(x) : -floor(-x))
TOTAL(sign, sign_of(x))
TOTAL(cbrt, cbrt(x))
TOTAL(atan, atan(x))
TOTAL(sinh, sinh(x))
TOTAL(cosh, cosh(x))
TOTAL(tanh, tanh(x))
TOTAL(asinh, asinh(x))

FUNCTION(pi)
{
    *result = value_double(PI);
    return OK;
}

FUNCTION(float8_atan2)
{
    *result = value_double(atan2(arguments[0].as.real, arguments[1].as.real));
    return OK;
}

FUNCTION(float8_degrees)
{
    return divide(TYPE_DOUBLE, arguments[0].as.real, RADIANS_PER_DEGREE, result, error);
}

FUNCTION(float8_radians)
{
    double x = arguments[0].as.real;
    return finish(TYPE_DOUBLE, x * RADIANS_PER_DEGREE, isinf(x), x == 0, result, error);
}

/* ---- functions of a part of the numbers ---- */

#define PARTIAL(name, condition, expression)  \
    FUNCTION(float8_##name)                   \
    {                                         \
        double x = arguments[0].as.real;      \
        if (!isnan(x) && !(condition))        \
            return input_out_of_range(error); \
        *result = value_double(expression);   \
        return OK;                            \
    }

PARTIAL(sin, !isinf(x), sin(x))
PARTIAL(cos, !isinf(x), cos(x))
PARTIAL(tan, !isinf(x), tan(x))
PARTIAL(cot, !isinf(x), 1.0 / tan(x))
PARTIAL(asin, x >= -1 && x <= 1, asin(x))
PARTIAL(acos, x >= -1 && x <= 1, acos(x))
PARTIAL(acosh, x >= 1, acosh(x))
PARTIAL(atanh, x >= -1 && x <= 1, x == 1 ? INFINITY : x == -1 ? -INFINITY : atanh(x))

FUNCTION(float8_sqrt)
{
    double x = arguments[0].as.real;
    if (x < 0)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_POWER,
                         "cannot take square root of a negative number");
    *result = value_double(sqrt(x));
    return OK;
}

static Status check_logarithm(double x, Error *error)
{
    if (x == 0)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_LOGARITHM,
                         "cannot take logarithm of zero");
    if (x < 0)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_LOGARITHM,
                         "cannot take logarithm of a negative number");
    return OK;
}

FUNCTION(float8_ln)
{
    TRY(check_logarithm(arguments[0].as.real, error));
    *result = value_double(log(arguments[0].as.real));
    return OK;
}

FUNCTION(float8_log10)
{
    TRY(check_logarithm(arguments[0].as.real, error));
    *result = value_double(log10(arguments[0].as.real));
    return OK;
}

FUNCTION(float8_exp)
{
    double x = arguments[0].as.real;
    return finish(TYPE_DOUBLE, exp(x), isinf(x), isinf(x), result, error);
}

/* Infinite bases and exponents, as POSIX has them. */
static double infinite_power(double base, double exponent)
{
    double size = fabs(base);
    if (isinf(exponent)) {
        if (size == 1)
            return 1;
        return (exponent > 0) == (size > 1) ? INFINITY : 0;
    }
    if (exponent == 0)
        return 1;
    bool is_odd = floor(exponent / 2) != exponent / 2;
    double power = exponent > 0 ? INFINITY : 0.0;
    return base < 0 && is_odd ? -power : power;
}

FUNCTION(float8_power)
{
    double base = arguments[0].as.real;
    double exponent = arguments[1].as.real;
    if (isnan(base) || isnan(exponent)) {
        bool is_one = isnan(base) ? exponent == 0 : base == 1;
        *result = value_double(is_one ? 1 : (double)NAN);
        return OK;
    }
    if (base == 0 && exponent < 0)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_POWER,
                         "zero raised to a negative power is undefined");
    if (base < 0 && floor(exponent) != exponent)
        return error_set(error, STATUS_INVALID_ARGUMENT_FOR_POWER,
                         "a negative number raised to a non-integer power yields a complex "
                         "result");
    if (isinf(base) || isinf(exponent)) {
        *result = value_double(infinite_power(base, exponent));
        return OK;
    }
    return finish(TYPE_DOUBLE, pow(base, exponent), false, base == 0, result, error);
}

/* ---- width_bucket ---- */

static Status bad_bucket(const char *what, Error *error)
{
    return error_set(error, STATUS_INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "%s", what);
}

/* low < high. The quotient may round up to the whole, as PostgreSQL 15's does; the halves keep a
 * span from overflowing, which it does not. */
static int64_t bucket_of(double x, double low, double high, int64_t buckets)
{
    if (x < low)
        return 0;
    if (x >= high)
        return buckets + 1;
    if (isinf(high - low))
        return (int64_t)((double)buckets * ((x / 2 - low / 2) / (high / 2 - low / 2))) + 1;
    return (int64_t)((double)buckets * (x - low) / (high - low) + 1);
}

FUNCTION(float8_width_bucket)
{
    double x = arguments[0].as.real;
    double low = arguments[1].as.real;
    double high = arguments[2].as.real;
    int64_t buckets = arguments[3].as.integer;
    if (buckets <= 0)
        return bad_bucket("count must be greater than zero", error);
    if (isnan(x) || isnan(low) || isnan(high))
        return bad_bucket("operand, lower bound, and upper bound cannot be NaN", error);
    if (isinf(low) || isinf(high))
        return bad_bucket("lower and upper bounds must be finite", error);
    if (low == high)
        return bad_bucket("lower bound cannot equal upper bound", error);
    int64_t bucket =
        low < high ? bucket_of(x, low, high, buckets) : bucket_of(-x, -low, -high, buckets);
    return integer_result(TYPE_INTEGER, bucket, result, error);
}
