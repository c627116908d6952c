/* Decimals: exact arithmetic on 128-bit unscaled integers, with PostgreSQL's rules for scales.
 *
 * A decimal has at most 38 digits in all and 38 behind the point; PostgreSQL's numeric goes on.
 * What would need more is NUMERIC_VALUE_OUT_OF_RANGE, never a rounded answer.
 *
 * Threading: pure functions. Ownership: values. Errors: PostgreSQL's codes and texts. */
#ifndef FIRN_TYPES_DECIMAL_INT_H
#define FIRN_TYPES_DECIMAL_INT_H

#include "types/value.h"

enum { DECIMAL_DIGITS_MAX = 38 };

typedef struct Decimal {
    Int128 unscaled;
    unsigned scale; /* 0–38 */
} Decimal;

static inline Decimal decimal_of(const Value *value)
{
    return (Decimal){value->as.decimal, value->scale};
}

static inline Value value_of_decimal(Decimal decimal)
{
    return value_decimal(decimal.unscaled, decimal.scale);
}

Int128 decimal_power_of_10(unsigned exponent); /* exponent at most 38 */

/* Has it at most 38 digits? */
bool decimal_fits(Int128 unscaled);

/* The number of decimal digits of |unscaled|; 0 has none. */
unsigned decimal_digits(Int128 unscaled);

/* To another scale, rounding half away from zero; false where it does not fit. */
bool decimal_rescale(Int128 unscaled, unsigned from, unsigned to, Int128 *out);

int decimal_compare(Decimal a, Decimal b);

/* "value overflows numeric format", with the limit in the detail. */
Status decimal_overflow(Error *error);

CHECKED Status decimal_add(Decimal a, Decimal b, Decimal *out, Error *error);
CHECKED Status decimal_subtract(Decimal a, Decimal b, Decimal *out, Error *error);
CHECKED Status decimal_multiply(Decimal a, Decimal b, Decimal *out, Error *error);
CHECKED Status decimal_divide(Decimal a, Decimal b, Decimal *out, Error *error);
CHECKED Status decimal_modulo(Decimal a, Decimal b, Decimal *out, Error *error);

/* The quotient's whole part: div(). */
CHECKED Status decimal_quotient(Decimal a, Decimal b, Decimal *out, Error *error);

/* The quotient at a given scale, rounded half away from zero; b is not zero. */
CHECKED Status decimal_divide_at(Decimal a, Decimal b, unsigned scale, Decimal *out, Error *error);

enum DecimalRounding { DECIMAL_HALF_AWAY, DECIMAL_TRUNCATE, DECIMAL_FLOOR, DECIMAL_CEILING };

/* At `digits` digits behind the point (before it where negative), as round() and trunc(). */
CHECKED Status decimal_round(Decimal a, int32_t digits, enum DecimalRounding rounding, Decimal *out,
                             Error *error);

/* The position of the leading digit in groups of four, as PostgreSQL weighs a number (0 for 1 to
 * 9999, -1 for 0.0001 to 0.9999), and that group's value; 0 and 0 for zero. */
void decimal_weigh(Decimal a, int *weight, int *first_group);

/* numeric(p,s): rounds to s digits; "numeric field overflow" where p does not hold it. p 0: none.
 */
CHECKED Status decimal_apply(Decimal a, Type type, Decimal *out, Error *error);

/* To an integer kind, rounding half away from zero: "integer out of range". */
CHECKED Status decimal_to_integer(Decimal a, TypeKind kind, int64_t *out, Error *error);
double decimal_to_double(Decimal a);

/* As PostgreSQL casts: 15 significant digits of a double, 6 of a float; then the type's scale. */
CHECKED Status decimal_from_double(double x, TypeKind kind, Type type, Decimal *out, Error *error);

/* PostgreSQL's input syntax, with the type's precision and scale. */
CHECKED Status decimal_from_text(Slice text, Type type, Decimal *out, Error *error);
void decimal_put_text(Buffer *out, Decimal a);

enum { DECIMAL_TEXT_BYTES_MAX = 48 };

/* The same into `out`; returns its size. */
size_t decimal_write(Decimal a, char out[DECIMAL_TEXT_BYTES_MAX]);

/* ---- functions with more than rational results (decimal_math.c) ---- */

CHECKED Status decimal_sqrt(Decimal a, Decimal *out, Error *error);

/* With so many digits behind the point, at least half of those that `a` has. */
CHECKED Status decimal_sqrt_to(Decimal a, unsigned scale, Decimal *out, Error *error);
CHECKED Status decimal_exp(Decimal a, Decimal *out, Error *error);
CHECKED Status decimal_ln(Decimal a, Decimal *out, Error *error);
CHECKED Status decimal_log(Decimal base, Decimal a, Decimal *out, Error *error);
CHECKED Status decimal_power(Decimal a, Decimal b, Decimal *out, Error *error);

#endif
