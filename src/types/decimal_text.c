/* Decimals as text, and as the doubles that PostgreSQL casts through text. */
#include <math.h>
#include <stdio.h>

#include "base/assert.h"
#include "types/decimal_int.h"
#include "types/text_int.h"

/* PostgreSQL refuses exponents beyond INT_MAX / 2; nothing near it fits here. */
enum { EXPONENT_MAX = 1000000 };

typedef struct Scanned {
    Slice digits; /* of the number, with its point */
    int64_t whole_digits;
    int64_t fraction_digits;
    int64_t exponent;
    bool negative;
} Scanned;

static Status bad_syntax(Slice text, Error *error)
{
    return error_set(error, STATUS_INVALID_TEXT_REPRESENTATION,
                     "invalid input syntax for type numeric: \"%.*s\"", SLICE_ARGUMENTS(text));
}

static size_t skip_digits(Slice s, size_t at)
{
    while (at < s.size && text_is_digit(s.data[at]))
        at++;
    return at;
}

/* "e-12" up to the end; false where it is not that. A far too large one stays far too large. */
static bool scan_exponent(Slice s, size_t at, int64_t *out)
{
    while (at < s.size && text_is_space(s.data[at])) /* strtol's habit, and so PostgreSQL's */
        at++;
    bool negative = at < s.size && s.data[at] == '-';
    if (at < s.size && (s.data[at] == '-' || s.data[at] == '+'))
        at++;
    if (at == s.size || skip_digits(s, at) != s.size)
        return false;
    int64_t exponent = 0;
    for (; at < s.size; at++) {
        if (exponent <= EXPONENT_MAX)
            exponent = exponent * 10 + (s.data[at] - '0');
    }
    *out = negative ? -exponent : exponent;
    return true;
}

static bool scan(Slice s, Scanned *out)
{
    *out = (Scanned){.negative = s.size > 0 && s.data[0] == '-'};
    size_t begin = s.size > 0 && (s.data[0] == '-' || s.data[0] == '+');
    size_t at = skip_digits(s, begin);
    out->whole_digits = (int64_t)(at - begin);
    if (at < s.size && s.data[at] == '.') {
        size_t end = skip_digits(s, at + 1);
        out->fraction_digits = (int64_t)(end - at - 1);
        at = end;
    }
    out->digits = slice_part(s, begin, at - begin);
    if (out->whole_digits + out->fraction_digits == 0)
        return false;
    if (at == s.size)
        return true;
    return (s.data[at] == 'e' || s.data[at] == 'E') && scan_exponent(s, at + 1, &out->exponent);
}

/* The number's digits up to `scale` behind the point, rounded half away; false on overflow. */
static bool collect(const Scanned *scanned, int64_t scale, Int128 *out)
{
    int64_t kept = scanned->whole_digits + scanned->exponent + scale;
    Int128 n = 0;
    for (size_t i = 0; i < scanned->digits.size && kept >= 0; i++) {
        uint8_t c = scanned->digits.data[i];
        if (c == '.')
            continue;
        if (kept-- == 0) {
            n += c >= '5';
            kept = -1;
            break;
        }
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, c - '0', &n))
            return false;
    }
    for (; kept > 0 && n != 0; kept--) {
        if (__builtin_mul_overflow(n, 10, &n))
            return false;
    }
    *out = scanned->negative ? -n : n;
    return decimal_fits(n);
}

static bool is_special(Slice s)
{
    static const char *const words[] = {"nan",       "inf",       "infinity", "+inf",
                                        "+infinity", "-infinity", "-inf"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (slice_equal_ignoring_case(s, slice_of_text(words[i])))
            return true;
    }
    return false;
}

static Status special(Error *error)
{
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                     "NaN and infinity are not supported in type numeric");
}

Status decimal_from_text(Slice text, Type type, Decimal *out, Error *error)
{
    Slice s = slice_trim(text);
    Scanned scanned;
    if (!scan(s, &scanned))
        return is_special(s) ? special(error) : bad_syntax(text, error);
    int64_t scale = scanned.fraction_digits - scanned.exponent;
    scale = type.a > 0 ? type.b : scale < 0 ? 0 : scale;
    Int128 n = 0;
    bool fits = scale <= DECIMAL_DIGITS_MAX && collect(&scanned, scale, &n);
    if (!fits && type.a == 0)
        return decimal_overflow(error);
    Decimal decimal = {n, fits ? (unsigned)scale : 0};
    if (!fits) /* too large for any precision: decimal_apply says so with the field's numbers */
        decimal.unscaled = decimal_power_of_10(DECIMAL_DIGITS_MAX);
    return decimal_apply(decimal, type, out, error);
}

size_t decimal_write(Decimal a, char out[DECIMAL_TEXT_BYTES_MAX])
{
    char reversed[DECIMAL_TEXT_BYTES_MAX];
    size_t size = 0;
    bool negative = a.unscaled < 0;
    unsigned __int128 n = negative ? -(unsigned __int128)a.unscaled : (unsigned __int128)a.unscaled;
    for (unsigned digit = 0; n > 0 || digit <= a.scale; digit++) {
        if (digit == a.scale && a.scale > 0)
            reversed[size++] = '.';
        reversed[size++] = (char)('0' + (int)(n % 10));
        n /= 10;
    }
    if (negative)
        reversed[size++] = '-';
    for (size_t i = 0; i < size; i++)
        out[i] = reversed[size - 1 - i];
    return size;
}

void decimal_put_text(Buffer *out, Decimal a)
{
    char text[DECIMAL_TEXT_BYTES_MAX];
    buffer_put(out, text, decimal_write(a, text));
}

double decimal_to_double(Decimal a)
{
    char text[DECIMAL_TEXT_BYTES_MAX];
    double x = 0;
    ASSERT(slice_to_double(slice_of(text, decimal_write(a, text)), &x));
    return x;
}

Status decimal_from_double(double x, TypeKind kind, Type type, Decimal *out, Error *error)
{
    if (isnan(x) || isinf(x))
        return special(error);
    char text[64];
    int size = snprintf(text, sizeof text, "%.*g", kind == TYPE_REAL ? 6 : 15, x);
    return decimal_from_text(slice_of(text, (size_t)size), type, out, error);
}
