/* Functions of SMALLINT, INTEGER and BIGINT: computed in 128 bits, checked once. */
#include "types/decimal_int.h"
#include "types/function_int.h"

Status integer_out_of_range(TypeKind kind, Error *error)
{
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(TYPE_OF_KIND(kind), name);
    return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", name);
}

Status integer_result(TypeKind kind, Int128 n, Value *result, Error *error)
{
    int64_t limit = kind == TYPE_SMALLINT  ? INT16_MAX
                    : kind == TYPE_INTEGER ? INT32_MAX
                                           : INT64_MAX;
    if (n > limit || n < -(Int128)limit - 1)
        return integer_out_of_range(kind, error);
    *result = value_integer(kind, (int64_t)n);
    return OK;
}

static Status division_by_zero(Error *error)
{
    return error_set(error, STATUS_DIVISION_BY_ZERO, "division by zero");
}

static Status divide(TypeKind kind, const Value *arguments, Value *result, Error *error)
{
    if (arguments[1].as.integer == 0)
        return division_by_zero(error);
    return integer_result(kind, (Int128)arguments[0].as.integer / arguments[1].as.integer, result,
                          error);
}

static Status modulo(TypeKind kind, const Value *arguments, Value *result, Error *error)
{
    if (arguments[1].as.integer == 0)
        return division_by_zero(error);
    return integer_result(kind, (Int128)arguments[0].as.integer % arguments[1].as.integer, result,
                          error);
}

/* A shift takes its distance modulo the width of the C type that PostgreSQL shifts. */
static unsigned shift_distance(TypeKind kind, const Value *distance)
{
    return (unsigned)distance->as.integer & (kind == TYPE_BIGINT ? 63 : 31);
}

static int64_t truncate_to(TypeKind kind, uint64_t bits)
{
    return kind == TYPE_SMALLINT  ? (int16_t)bits
           : kind == TYPE_INTEGER ? (int32_t)bits
                                  : (int64_t)bits;
}

#define OPERATOR(type, kind, name, expression)                     \
    FUNCTION(type##_##name)                                        \
    {                                                              \
        Int128 a = arguments[0].as.integer;                        \
        UNUSED Int128 b = count > 1 ? arguments[1].as.integer : 0; \
        return integer_result(kind, expression, result, error);    \
    }

#define INTEGER_FUNCTIONS(type, kind)                                                             \
    OPERATOR(type, kind, add, a + b)                                                              \
    OPERATOR(type, kind, subtract, a - b)                                                         \
    OPERATOR(type, kind, multiply, a *b)                                                          \
    OPERATOR(type, kind, negate, -a)                                                              \
    OPERATOR(type, kind, abs, a < 0 ? -a : a)                                                     \
    OPERATOR(type, kind, bit_and, a &b)                                                           \
    OPERATOR(type, kind, bit_or, a | b)                                                           \
    OPERATOR(type, kind, bit_xor, a ^ b)                                                          \
    OPERATOR(type, kind, bit_not, ~a)                                                             \
    FUNCTION(type##_divide)                                                                       \
    {                                                                                             \
        return divide(kind, arguments, result, error);                                            \
    }                                                                                             \
    FUNCTION(type##_modulo)                                                                       \
    {                                                                                             \
        return modulo(kind, arguments, result, error);                                            \
    }                                                                                             \
    FUNCTION(type##_shift_left)                                                                   \
    {                                                                                             \
        uint64_t bits = (uint64_t)arguments[0].as.integer << shift_distance(kind, &arguments[1]); \
        *result = value_integer(kind, truncate_to(kind, bits));                                   \
        return OK;                                                                                \
    }                                                                                             \
    FUNCTION(type##_shift_right)                                                                  \
    {                                                                                             \
        *result =                                                                                 \
            value_integer(kind, arguments[0].as.integer >> shift_distance(kind, &arguments[1]));  \
        return OK;                                                                                \
    }

INTEGER_FUNCTIONS(int2, TYPE_SMALLINT)
INTEGER_FUNCTIONS(int4, TYPE_INTEGER)
INTEGER_FUNCTIONS(int8, TYPE_BIGINT)

static Int128 magnitude(int64_t n)
{
    return n < 0 ? -(Int128)n : n;
}

static Int128 common_divisor(int64_t a, int64_t b)
{
    Int128 x = magnitude(a);
    Int128 y = magnitude(b);
    while (y != 0) {
        Int128 rest = x % y;
        x = y;
        y = rest;
    }
    return x;
}

static Int128 common_multiple(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return 0;
    return magnitude(a) / common_divisor(a, b) * magnitude(b);
}

#define DIVISOR_FUNCTIONS(type, kind)                                                 \
    FUNCTION(type##_gcd)                                                              \
    {                                                                                 \
        Int128 n = common_divisor(arguments[0].as.integer, arguments[1].as.integer);  \
        return integer_result(kind, n, result, error);                                \
    }                                                                                 \
    FUNCTION(type##_lcm)                                                              \
    {                                                                                 \
        Int128 n = common_multiple(arguments[0].as.integer, arguments[1].as.integer); \
        return integer_result(kind, n, result, error);                                \
    }

DIVISOR_FUNCTIONS(int4, TYPE_INTEGER)
DIVISOR_FUNCTIONS(int8, TYPE_BIGINT)

/* 33! is the last that 38 digits hold. */
FUNCTION(int8_factorial)
{
    int64_t n = arguments[0].as.integer;
    Int128 product = 1;
    if (n < 0)
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "factorial of a negative number is undefined");
    for (int64_t i = 2; i <= n; i++) {
        if (__builtin_mul_overflow(product, (Int128)i, &product) || !decimal_fits(product))
            return decimal_overflow(error);
    }
    *result = value_decimal(product, 0);
    return OK;
}

/* ---- as hexadecimal digits ---- */

static Status to_hex(EvaluationContext *context, uint64_t n, Value *result, Error *error)
{
    char *text = arena_format(context->arena, "%llx", (unsigned long long)n);
    if (text == NULL)
        return arena_error(context->arena, error);
    *result = value_text(slice_of_text(text));
    return OK;
}

FUNCTION(int4_to_hex)
{
    return to_hex(context, (uint32_t)arguments[0].as.integer, result, error);
}

FUNCTION(int8_to_hex)
{
    return to_hex(context, (uint64_t)arguments[0].as.integer, result, error);
}
