/* Numbers of varying scale: keys to sort and compare by, the grid of a scale, statistics. */
#include "types/function.h"
#include "worker/sql_functions_int.h"

enum {
    NUMBER_DIGITS_MAX = 40,
    KEY_NEGATIVE = 0x40,
    KEY_ZERO = 0x80,
    KEY_POSITIVE = 0xc0,
    KEY_EXPONENT_ZERO = 0x40,
};

/* ---- keys ---- */

/* A key is
 *     ZERO                              0
 *     POSITIVE exponent digits          digits as '1' … without zeros at either end
 *     NEGATIVE ~exponent ~digits 0xff   so that larger magnitudes come first
 * where the number is 0.digits × 10^exponent. */
static size_t put_digits(const Value *number, uint8_t out[NUMBER_DIGITS_MAX], int *exponent)
{
    uint8_t reversed[NUMBER_DIGITS_MAX];
    Int128 value = number->as.decimal;
    unsigned __int128 rest = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;
    size_t count = 0;
    for (; rest > 0 && count < NUMBER_DIGITS_MAX; rest /= 10)
        reversed[count++] = (uint8_t)('0' + (int)(rest % 10));
    *exponent = (int)count - number->scale;
    size_t last = 0;
    while (last < count && reversed[last] == '0')
        last++;
    size_t size = 0;
    for (size_t i = count; i > last; i--)
        out[size++] = reversed[i - 1];
    return size;
}

static Status number_key(EvaluationContext *context, const Value *arguments, uint32_t count,
                         Value *result, Error *error)
{
    uint8_t digits[NUMBER_DIGITS_MAX];
    uint8_t key[NUMBER_DIGITS_MAX + 3];
    int exponent;
    size_t size = 0;
    const Value *number = &arguments[0];
    (void)count;
    size_t digit_count = put_digits(number, digits, &exponent);
    bool negative = number->as.decimal < 0;
    uint8_t turn = negative ? 0xff : 0;
    key[size++] = digit_count == 0 ? KEY_ZERO : negative ? KEY_NEGATIVE : KEY_POSITIVE;
    if (digit_count > 0)
        key[size++] = (uint8_t)((KEY_EXPONENT_ZERO + exponent) ^ turn);
    for (size_t i = 0; i < digit_count; i++)
        key[size++] = digits[i] ^ turn;
    if (negative)
        key[size++] = 0xff;
    Slice kept;
    TRY(arena_clone(context->arena, slice_of(key, size), &kept, error));
    *result = value_bytes(TYPE_BYTEA, kept);
    return OK;
}

/* ---- the grid of a scale ---- */

static Int128 power_of_ten(unsigned exponent)
{
    Int128 power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static Status number_to_grid(const Value *arguments, bool up, Value *result, Error *error)
{
    const Value *number = &arguments[0];
    int64_t scale = arguments[1].as.integer;
    if (scale < 0 || scale > DECIMAL_PRECISION_MAX)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "scale out of range");
    if (number->scale <= scale) {
        *result = *number;
        return OK;
    }
    Int128 step = power_of_ten((unsigned)(number->scale - scale));
    Int128 quotient = number->as.decimal / step;
    Int128 rest = number->as.decimal % step;
    if (up && rest > 0)
        quotient++;
    if (!up && rest < 0)
        quotient--;
    *result = value_decimal(quotient, (unsigned)scale);
    return OK;
}

static Status number_floor(EvaluationContext *context, const Value *arguments, uint32_t count,
                           Value *result, Error *error)
{
    (void)context;
    (void)count;
    return number_to_grid(arguments, false, result, error);
}

static Status number_ceil(EvaluationContext *context, const Value *arguments, uint32_t count,
                          Value *result, Error *error)
{
    (void)context;
    (void)count;
    return number_to_grid(arguments, true, result, error);
}

/* ---- extremes ---- */

static Status number_extreme(EvaluationContext *context, const Value *arguments, uint32_t count,
                             int sign, Value *result, Error *error)
{
    *result = value_null(TYPE_DECIMAL);
    for (uint32_t i = 0; i < count; i++) {
        Value number;
        if (arguments[i].is_null)
            continue;
        TRY(value_cast(context->arena, &arguments[i], TYPE_OF_KIND(arguments[i].kind),
                       TYPE(DECIMAL), CAST_EXPLICIT, &number, error));
        if (result->is_null || sign * value_compare(&number, result) > 0)
            *result = number;
    }
    return OK;
}

static Status number_greatest(EvaluationContext *context, const Value *arguments, uint32_t count,
                              Value *result, Error *error)
{
    return number_extreme(context, arguments, count, 1, result, error);
}

static Status number_least(EvaluationContext *context, const Value *arguments, uint32_t count,
                           Value *result, Error *error)
{
    return number_extreme(context, arguments, count, -1, result, error);
}

/* ---- variance from count, sum and sum of squares ---- */

static Status call(EvaluationContext *context, const char *symbol, const Value *a, const Value *b,
                   Value *result, Error *error)
{
    Value arguments[2] = {*a, b == NULL ? *a : *b};
    ScalarFunction function = function_find(slice_of_text(symbol));
    if (function == NULL)
        return error_set(error, STATUS_INTERNAL, "there is no function %s", symbol);
    return function(context, arguments, b == NULL ? 1 : 2, result, error);
}

/* (n × squares - sum²) / (n × divisor), as numeric_stddev_internal has it. */
static Status variance(EvaluationContext *context, const Value *arguments, bool sample,
                       Value *result, Error *error)
{
    const Value *n = &arguments[0];
    Value one = value_decimal(1, 0);
    Value zero = value_decimal(0, 0);
    Value scaled;
    Value square;
    Value above;
    Value below;
    Value divisor = *n;
    *result = value_null(TYPE_DECIMAL);
    if (value_compare(n, sample ? &one : &zero) <= 0)
        return OK;
    TRY(call(context, "numeric_multiply", n, &arguments[2], &scaled, error));
    TRY(call(context, "numeric_multiply", &arguments[1], &arguments[1], &square, error));
    TRY(call(context, "numeric_subtract", &scaled, &square, &above, error));
    if (value_compare(&above, &zero) <= 0) {
        *result = zero;
        return OK;
    }
    if (sample)
        TRY(call(context, "numeric_subtract", n, &one, &divisor, error));
    TRY(call(context, "numeric_multiply", n, &divisor, &below, error));
    return call(context, "numeric_divide", &above, &below, result, error);
}

static Status deviation(EvaluationContext *context, const Value *arguments, bool sample,
                        Value *result, Error *error)
{
    Value squared;
    TRY(variance(context, arguments, sample, &squared, error));
    *result = squared;
    if (squared.is_null || squared.as.decimal == 0)
        return OK;
    return call(context, "numeric_sqrt_same_scale", &squared, NULL, result, error);
}

#define STATISTIC(name, function, sample)                                                  \
    static Status name(EvaluationContext *context, const Value *arguments, uint32_t count, \
                       Value *result, Error *error)                                        \
    {                                                                                      \
        (void)count;                                                                       \
        return function(context, arguments, sample, result, error);                        \
    }

STATISTIC(var_samp, variance, true)
STATISTIC(var_pop, variance, false)
STATISTIC(stddev_samp, deviation, true)
STATISTIC(stddev_pop, deviation, false)

static const SqlScalar scalars[] = {
    {"pg_num_key", "numeric -> bytea", false, number_key},
    {"pg_num_floor", "numeric int4 -> numeric", false, number_floor},
    {"pg_num_ceil", "numeric int4 -> numeric", false, number_ceil},
    {"pg_num_greatest", "numeric any ... -> numeric", true, number_greatest},
    {"pg_num_least", "numeric any ... -> numeric", true, number_least},
    {"pg_num_var_samp", "numeric numeric numeric -> numeric", false, var_samp},
    {"pg_num_var_pop", "numeric numeric numeric -> numeric", false, var_pop},
    {"pg_num_stddev_samp", "numeric numeric numeric -> numeric", false, stddev_samp},
    {"pg_num_stddev_pop", "numeric numeric numeric -> numeric", false, stddev_pop},
};

const SqlTable sql_numbers = {scalars, sizeof scalars / sizeof *scalars};
