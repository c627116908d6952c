#include "types/wide_int.h"

#include "base/assert.h"

Wide wide_of(UInt128 n)
{
    Wide out = {{0}};
    for (int i = 0; i < 4; i++)
        out.limbs[i] = (uint32_t)(n >> (32 * i));
    return out;
}

static unsigned limb_count(const Wide *a)
{
    unsigned count = WIDE_LIMBS;
    while (count > 0 && a->limbs[count - 1] == 0)
        count--;
    return count;
}

unsigned wide_bits(const Wide *a)
{
    unsigned count = limb_count(a);
    return count == 0 ? 0 : count * 32 - (unsigned)__builtin_clz(a->limbs[count - 1]);
}

bool wide_fits_128(const Wide *a)
{
    return limb_count(a) <= 4;
}

UInt128 wide_to_128(const Wide *a)
{
    UInt128 n = 0;
    for (int i = 3; i >= 0; i--)
        n = n << 32 | a->limbs[i];
    return n;
}

int wide_compare(const Wide *a, const Wide *b)
{
    for (int i = WIDE_LIMBS - 1; i >= 0; i--) {
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

Wide wide_add(const Wide *a, const Wide *b)
{
    Wide out;
    uint64_t carry = 0;
    for (int i = 0; i < WIDE_LIMBS; i++) {
        carry += (uint64_t)a->limbs[i] + b->limbs[i];
        out.limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return out;
}

Wide wide_subtract(const Wide *a, const Wide *b)
{
    Wide out;
    uint64_t borrow = 0;
    for (int i = 0; i < WIDE_LIMBS; i++) {
        uint64_t difference = (uint64_t)a->limbs[i] - b->limbs[i] - borrow;
        out.limbs[i] = (uint32_t)difference;
        borrow = difference >> 63;
    }
    return out;
}

Wide wide_multiply(const Wide *a, const Wide *b)
{
    Wide out = {{0}};
    unsigned a_count = limb_count(a);
    unsigned b_count = limb_count(b);
    for (unsigned i = 0; i < a_count; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; i + j < WIDE_LIMBS && (j < b_count || carry != 0); j++) {
            uint32_t factor = j < b_count ? b->limbs[j] : 0;
            carry += (uint64_t)a->limbs[i] * factor + out.limbs[i + j];
            out.limbs[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    return out;
}

Wide wide_shift_left(const Wide *a, unsigned bits)
{
    Wide out = {{0}};
    unsigned limbs = bits / 32;
    unsigned rest = bits % 32;
    for (unsigned i = limbs; i < WIDE_LIMBS; i++) {
        uint64_t low = i > limbs ? a->limbs[i - limbs - 1] : 0;
        uint64_t both = (uint64_t)a->limbs[i - limbs] << 32 | low;
        out.limbs[i] = (uint32_t)(both << rest >> 32);
    }
    return out;
}

Wide wide_shift_right(const Wide *a, unsigned bits)
{
    Wide out = {{0}};
    unsigned limbs = bits / 32;
    unsigned rest = bits % 32;
    for (unsigned i = 0; i + limbs < WIDE_LIMBS; i++) {
        unsigned at = i + limbs;
        uint64_t high = at + 1 < WIDE_LIMBS ? a->limbs[at + 1] : 0;
        out.limbs[i] = (uint32_t)((high << 32 | a->limbs[at]) >> rest);
    }
    return out;
}

Wide wide_power_of_10(unsigned exponent)
{
    Wide out = wide_of(1);
    const Wide billion = wide_of(1000000000);
    for (; exponent >= 9; exponent -= 9)
        out = wide_multiply(&out, &billion);
    uint32_t rest = 1;
    for (; exponent > 0; exponent--)
        rest *= 10;
    Wide last = wide_of(rest);
    return wide_multiply(&out, &last);
}

static Wide divide_by_limb(const Wide *a, uint32_t divisor, Wide *remainder)
{
    Wide quotient = {{0}};
    uint64_t rest = 0;
    for (int i = WIDE_LIMBS - 1; i >= 0; i--) {
        rest = rest << 32 | a->limbs[i];
        quotient.limbs[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    *remainder = wide_of(rest);
    return quotient;
}

/* rest[at … at + count] -= digit × divisor; false where that went below zero. */
static bool subtract_product(uint32_t *rest, const Wide *divisor, unsigned count, uint64_t digit)
{
    uint64_t borrow = 0;
    uint64_t carry = 0;
    for (unsigned i = 0; i <= count; i++) {
        carry += i < count ? digit * divisor->limbs[i] : 0;
        uint64_t difference = (uint64_t)rest[i] - (uint32_t)carry - borrow;
        rest[i] = (uint32_t)difference;
        borrow = difference >> 63;
        carry >>= 32;
    }
    return borrow == 0;
}

static void add_back(uint32_t *rest, const Wide *divisor, unsigned count)
{
    uint64_t carry = 0;
    for (unsigned i = 0; i <= count; i++) {
        carry += (uint64_t)rest[i] + (i < count ? divisor->limbs[i] : 0);
        rest[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

/* One digit of the quotient, guessed from the leading limbs (Knuth, algorithm D, step D3). */
static uint64_t guess_digit(const uint32_t *rest, const Wide *divisor, unsigned count)
{
    uint64_t leading = (uint64_t)rest[count] << 32 | rest[count - 1];
    uint64_t first = divisor->limbs[count - 1];
    uint64_t guess = leading / first;
    uint64_t left = leading % first;
    while (guess >> 32 != 0 || guess * divisor->limbs[count - 2] > (left << 32 | rest[count - 2])) {
        guess--;
        left += first;
        if (left >> 32 != 0)
            break;
    }
    return guess;
}

Wide wide_divide(const Wide *a, const Wide *b, Wide *remainder)
{
    Wide ignored;
    remainder = remainder == NULL ? &ignored : remainder;
    unsigned count = limb_count(b);
    ASSERT(count > 0);
    if (wide_compare(a, b) < 0) {
        *remainder = *a;
        return wide_of(0);
    }
    if (count == 1)
        return divide_by_limb(a, b->limbs[0], remainder);
    unsigned shift = (unsigned)__builtin_clz(b->limbs[count - 1]);
    Wide divisor = wide_shift_left(b, shift);
    uint32_t rest[WIDE_LIMBS + 1];
    Wide shifted = wide_shift_left(a, shift);
    memcpy(rest, shifted.limbs, sizeof shifted.limbs);
    rest[WIDE_LIMBS] = shift == 0 ? 0 : a->limbs[WIDE_LIMBS - 1] >> (32 - shift);
    Wide quotient = {{0}};
    for (int at = (int)(WIDE_LIMBS - count); at >= 0; at--) {
        uint64_t digit = guess_digit(rest + at, &divisor, count);
        if (!subtract_product(rest + at, &divisor, count, digit)) {
            digit--;
            add_back(rest + at, &divisor, count);
        }
        quotient.limbs[at] = (uint32_t)digit;
    }
    memcpy(shifted.limbs, rest, sizeof shifted.limbs);
    *remainder = wide_shift_right(&shifted, shift);
    return quotient;
}

Wide wide_divide_rounding(const Wide *a, const Wide *b)
{
    Wide remainder;
    Wide quotient = wide_divide(a, b, &remainder);
    Wide twice = wide_shift_left(&remainder, 1);
    const Wide one = wide_of(1);
    return wide_compare(&twice, b) >= 0 ? wide_add(&quotient, &one) : quotient;
}

/* Newton from above: falls until it is the root. */
Wide wide_square_root(const Wide *a)
{
    const Wide one = wide_of(1);
    Wide root = wide_shift_left(&one, (wide_bits(a) + 1) / 2);
    if (wide_bits(a) == 0)
        return wide_of(0);
    for (;;) {
        Wide quotient = wide_divide(a, &root, NULL);
        Wide sum = wide_add(&root, &quotient);
        Wide next = wide_shift_right(&sum, 1);
        if (wide_compare(&next, &root) >= 0)
            return root;
        root = next;
    }
}
