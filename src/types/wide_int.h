/* Wide: unsigned integers of 768 bits, for quotients and fixed-point numbers that 128 bits do not
 * hold. Overflow is the caller's business: sizes are bounded where they are used.
 *
 * Threading: pure functions. Ownership: values. Errors: none; a division by zero is an assertion.
 */
#ifndef FIRN_TYPES_WIDE_INT_H
#define FIRN_TYPES_WIDE_INT_H

#include "types/value.h"

enum { WIDE_LIMBS = 24 };

typedef unsigned __int128 UInt128;

typedef struct Wide {
    uint32_t limbs[WIDE_LIMBS]; /* the lowest first */
} Wide;

Wide wide_of(UInt128 n);
unsigned wide_bits(const Wide *a); /* up to its highest set bit; 0 for zero */
bool wide_fits_128(const Wide *a);
UInt128 wide_to_128(const Wide *a); /* its lowest 128 bits */
int wide_compare(const Wide *a, const Wide *b);
Wide wide_add(const Wide *a, const Wide *b);
Wide wide_subtract(const Wide *a, const Wide *b); /* a >= b */
Wide wide_multiply(const Wide *a, const Wide *b);
Wide wide_shift_left(const Wide *a, unsigned bits);
Wide wide_shift_right(const Wide *a, unsigned bits);
Wide wide_power_of_10(unsigned exponent);

/* Quotient; the remainder where it is wanted (NULL otherwise). */
Wide wide_divide(const Wide *a, const Wide *b, Wide *remainder);

/* Rounded half up. */
Wide wide_divide_rounding(const Wide *a, const Wide *b);

/* The largest whole number whose square is at most a. */
Wide wide_square_root(const Wide *a);

#endif
