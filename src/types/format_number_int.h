/* A template of numbers: what to_char needs to know before it prints.
 *
 * Threading: pure functions. Ownership: the arena's. Errors: 42601, as PostgreSQL refuses. */
#ifndef FIRN_TYPES_FORMAT_NUMBER_INT_H
#define FIRN_TYPES_FORMAT_NUMBER_INT_H

#include "types/format_int.h"

enum NumberPattern {
    NUMBER_COMMA,
    NUMBER_POINT,
    NUMBER_ZERO,
    NUMBER_NINE,
    NUMBER_BLANK,
    NUMBER_IGNORED,
    NUMBER_LOCALE_POINT,
    NUMBER_EXPONENT,
    NUMBER_FILL,
    NUMBER_GROUP,
    NUMBER_CURRENCY,
    NUMBER_MINUS,
    NUMBER_PLUS,
    NUMBER_BRACKET,
    NUMBER_ROMAN,
    NUMBER_SIGN,
    NUMBER_SIGN_HERE,
    NUMBER_ORDINAL,
    NUMBER_SHIFT,
};

enum LeadingSign { LEADING_NONE, LEADING_BEFORE, LEADING_BEHIND };

/* What a template says as a whole. */
typedef struct Picture {
    FormatTemplate format;
    int before; /* digits before the point */
    int behind;
    int shift; /* digits behind V */
    bool has_point;
    bool has_zero;
    bool has_blank;
    bool has_fill;
    bool has_sign;
    bool has_minus;
    bool has_plus;
    bool has_bracket;
    bool has_roman;
    bool has_shift;
    bool has_exponent;
    enum LeadingSign sign_place;
    int digits_before_sign;
    int zero_start; /* number of the first digit that is '0', from 1 */
    int zero_end;
} Picture;

CHECKED Status picture_read(Arena *arena, Slice text, Picture *out, Error *error);

/* A number as its digits ("12.50", without sign; "####" where they do not fit), printed. `blanks`:
 * digits of the template before the first of the number. */
CHECKED Status picture_print(EvaluationContext *context, Picture *picture, Slice digits, int blanks,
                             bool is_negative, Value *result, Error *error);

#endif
