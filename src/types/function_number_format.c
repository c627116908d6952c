/* to_char of numbers: each kind of number as digits, which format_number.c prints. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "types/decimal_int.h"
#include "types/format_number_int.h"

enum { ROMAN_BYTES_MAX = 16, ROMAN_MAX = 3999 };

/* A number's text without its sign. */
typedef struct Digits {
    Slice text;
    bool is_negative;
} Digits;

static Status digits_of(EvaluationContext *context, const char *text, Digits *out, Error *error)
{
    if (text == NULL)
        return arena_error(context->arena, error);
    out->is_negative = text[0] == '-';
    out->text = slice_of_text(text + out->is_negative);
    return OK;
}

/* '#' for every digit, where the template has too few. */
static Status fill(EvaluationContext *context, int before, size_t size, Slice *out, Error *error)
{
    uint8_t *text;
    TRY(text_room(context, size, &text, error));
    memset(text, '#', size);
    text[before] = '.';
    *out = slice_of(text, size);
    return OK;
}

static Status print(EvaluationContext *context, Picture *picture, Digits digits, Value *result,
                    Error *error)
{
    int before = (int)slice_find(digits.text, '.');
    int blanks = before < picture->before ? picture->before - before : 0;
    if (before > picture->before)
        TRY(fill(context, picture->before, (size_t)(picture->before + picture->behind + 1),
                 &digits.text, error));
    return picture_print(context, picture, digits.text, blanks, digits.is_negative, result, error);
}

static Status print_roman(EvaluationContext *context, Picture *picture, int64_t n, Value *result,
                          Error *error)
{
    static const struct {
        int value;
        const char *text;
    } parts[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
                 {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
                 {5, "V"},    {4, "IV"},   {1, "I"}};
    char text[ROMAN_BYTES_MAX] = "###############";
    size_t size = 15;
    if (n >= 1 && n <= ROMAN_MAX) {
        size = 0;
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            for (; n >= parts[i].value; n -= parts[i].value) {
                for (const char *c = parts[i].text; *c != '\0'; c++)
                    text[size++] = *c;
            }
        }
    }
    return picture_print(context, picture, slice_of(text, size), 0, false, result, error);
}

/* "+1.50e+01" with a blank for the plus. */
static Status print_exponent(EvaluationContext *context, Picture *picture, const char *text,
                             Value *result, Error *error)
{
    if (text == NULL)
        return arena_error(context->arena, error);
    char *copy = arena_text(context->arena, slice_of_text(text));
    if (copy == NULL)
        return arena_error(context->arena, error);
    if (copy[0] == '+')
        copy[0] = ' ';
    return picture_print(context, picture, slice_of_text(copy), 0, false, result, error);
}

/* The template; *done where it is empty, and so is the result. */
static Status begin(EvaluationContext *context, const Value *arguments, Picture *picture,
                    bool *done, Value *result, Error *error)
{
    *done = arguments[1].as.bytes.size == 0;
    if (*done)
        *result = value_text(SLICE_EMPTY);
    return *done ? OK : picture_read(context->arena, arguments[1].as.bytes, picture, error);
}

/* ---- integers ---- */

/* × 10^n, where the result is still of the kind. */
static Status shift_integer(TypeKind kind, int digits, int64_t *n, Error *error)
{
    Value shifted;
    Int128 product = *n;
    for (; digits > 0 && product != 0; digits--) {
        product *= 10;
        TRY(integer_result(kind, product, &shifted, error));
    }
    *n = (int64_t)product;
    return OK;
}

static Status integer_digits(EvaluationContext *context, Picture *picture, int64_t n, Digits *out,
                             Error *error)
{
    Buffer text;
    Value value;
    text_buffer_open(&text);
    buffer_put_decimal(&text, n < 0 ? -(uint64_t)n : (uint64_t)n);
    if (picture->behind > 0)
        buffer_put_u8(&text, '.');
    for (int i = 0; i < picture->behind; i++)
        buffer_put_u8(&text, '0');
    TRY(text_buffer_result(context, &text, TYPE_TEXT, &value, error));
    *out = (Digits){value.as.bytes, n < 0};
    return OK;
}

static Status decimal_to_char(EvaluationContext *context, Decimal decimal, Picture *picture,
                              Value *result, Error *error);

static Status integer_to_char(EvaluationContext *context, TypeKind kind, const Value *arguments,
                              Value *result, Error *error)
{
    Picture picture;
    Digits digits;
    bool done;
    int64_t n = arguments[0].as.integer;
    TRY(begin(context, arguments, &picture, &done, result, error));
    if (done)
        return OK;
    if (picture.has_roman && n != (int32_t)n)
        return integer_out_of_range(TYPE_INTEGER, error);
    if (picture.has_roman)
        return print_roman(context, &picture, n, result, error);
    if (picture.has_exponent && kind == TYPE_BIGINT)
        return decimal_to_char(context, (Decimal){n, 0}, &picture, result, error);
    if (picture.has_exponent)
        return print_exponent(context, &picture,
                              arena_format(context->arena, "%+.*e", picture.behind, (double)n),
                              result, error);
    if (picture.has_shift) {
        TRY(shift_integer(kind, picture.shift, &n, error));
        picture.before += picture.shift;
    }
    TRY(integer_digits(context, &picture, n, &digits, error));
    return print(context, &picture, digits, result, error);
}

FUNCTION(int4_to_char)
{
    return integer_to_char(context, TYPE_INTEGER, arguments, result, error);
}

FUNCTION(int8_to_char)
{
    return integer_to_char(context, TYPE_BIGINT, arguments, result, error);
}

/* ---- numeric ---- */

/* d.ddde±dd. The exponent is that of the number before it is rounded, so that 9.996 with two digits
 * is 10.00e+00 (in PostgreSQL 15). */
static const char *scientific(EvaluationContext *context, Decimal decimal, int digits)
{
    int length = (int)decimal_digits(decimal.unscaled);
    int exponent = decimal.unscaled == 0 ? 0 : length - 1 - (int)decimal.scale;
    int dropped = length - 1 - digits;
    int kept = dropped > 0 ? digits : length > 0 ? length - 1 : 0;
    Int128 mantissa = decimal.unscaled < 0 ? -decimal.unscaled : decimal.unscaled;
    if (dropped > 0) {
        Int128 divisor = decimal_power_of_10((unsigned)dropped);
        mantissa = (mantissa + divisor / 2) / divisor;
    }
    char text[DECIMAL_TEXT_BYTES_MAX];
    size_t size = decimal_write((Decimal){mantissa, (unsigned)kept}, text);
    Buffer out;
    buffer_open(&out, TEXT_RESULT_BYTES_MAX);
    buffer_put_u8(&out, decimal.unscaled < 0 ? '-' : '+');
    buffer_put(&out, text, size);
    if (kept == 0 && digits > 0)
        buffer_put_u8(&out, '.');
    for (int i = kept; i < digits; i++)
        buffer_put_u8(&out, '0');
    buffer_put_format(&out, "e%c%02d", exponent < 0 ? '-' : '+',
                      exponent < 0 ? -exponent : exponent);
    const char *copy = out.failed ? NULL : arena_text(context->arena, buffer_slice(&out));
    buffer_close(&out);
    return copy;
}

static Status decimal_to_char(EvaluationContext *context, Decimal decimal, Picture *picture,
                              Value *result, Error *error)
{
    char text[DECIMAL_TEXT_BYTES_MAX];
    Digits digits;
    int64_t n;
    if (picture->has_exponent)
        return print_exponent(context, picture, scientific(context, decimal, picture->behind),
                              result, error);
    if (picture->has_roman) {
        TRY(decimal_to_integer(decimal, TYPE_INTEGER, &n, error));
        return print_roman(context, picture, n, result, error);
    }
    if (picture->has_shift) {
        if (picture->shift > DECIMAL_DIGITS_MAX)
            return decimal_overflow(error);
        TRY(decimal_multiply(decimal, (Decimal){decimal_power_of_10((unsigned)picture->shift), 0},
                             &decimal, error));
        picture->before += picture->shift;
    }
    TRY(decimal_round(decimal, picture->behind, DECIMAL_HALF_AWAY, &decimal, error));
    size_t size = decimal_write(decimal, text);
    TRY(digits_of(context, arena_text(context->arena, slice_of(text, size)), &digits, error));
    return print(context, picture, digits, result, error);
}

FUNCTION(numeric_to_char)
{
    Picture picture;
    bool done;
    TRY(begin(context, arguments, &picture, &done, result, error));
    return done ? OK : decimal_to_char(context, decimal_of(&arguments[0]), &picture, result, error);
}

/* ---- floats ---- */

static Status float_exponent(EvaluationContext *context, Picture *picture, double x, Value *result,
                             Error *error)
{
    if (isfinite(x))
        return print_exponent(context, picture,
                              arena_format(context->arena, "%+.*e", picture->behind, x), result,
                              error);
    Slice text;
    size_t size = (size_t)(picture->before + picture->behind + 6);
    TRY(fill(context, picture->before + 1, size, &text, error));
    char *copy = arena_text(context->arena, text);
    if (copy == NULL)
        return arena_error(context->arena, error);
    copy[0] = ' ';
    return picture_print(context, picture, slice_of_text(copy), 0, false, result, error);
}

static Status float_to_char(EvaluationContext *context, const Value *arguments, int digits_max,
                            Value *result, Error *error)
{
    Picture picture;
    Digits digits;
    bool done;
    double x = arguments[0].as.real;
    TRY(begin(context, arguments, &picture, &done, result, error));
    if (done)
        return OK;
    if (picture.has_exponent)
        return float_exponent(context, &picture, x, result, error);
    if (picture.has_roman) {
        bool fits = x >= 0.5 && x < ROMAN_MAX + 1; /* 0: no Roman number */
        return print_roman(context, &picture, fits ? (int64_t)rint(x) : 0, result, error);
    }
    if (picture.has_shift) {
        double factor = pow(10, picture.shift);
        x = digits_max == FLT_DIG ? (double)((float)x * (float)factor) : x * factor;
        picture.before += picture.shift;
    }
    Slice special = isnan(x) ? SLICE("NaN") : SLICE("Infinity");
    int before = isfinite(x) ? snprintf(NULL, 0, "%.0f", fabs(x)) : (int)special.size;
    if (before >= digits_max)
        picture.behind = 0;
    else if (before + picture.behind > digits_max)
        picture.behind = digits_max - before;
    digits = (Digits){special, x < 0};
    if (isfinite(x))
        TRY(digits_of(context, arena_format(context->arena, "%.*f", picture.behind, x), &digits,
                      error));
    return print(context, &picture, digits, result, error);
}

FUNCTION(float4_to_char)
{
    return float_to_char(context, arguments, FLT_DIG, result, error);
}

FUNCTION(float8_to_char)
{
    return float_to_char(context, arguments, DBL_DIG, result, error);
}
