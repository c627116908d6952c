/* Templates of numbers. */
#include "types/format_number_int.h"

#define UPPER CASE_UPPER
#define LOWER CASE_LOWER

static const PatternWord number_words[] = {
    {",", NUMBER_COMMA, UPPER, 0, false, 0},        {".", NUMBER_POINT, UPPER, 0, false, 0},
    {"0", NUMBER_ZERO, UPPER, 0, false, 0},         {"9", NUMBER_NINE, UPPER, 0, false, 0},
    {"B", NUMBER_BLANK, UPPER, 0, false, 0},        {"C", NUMBER_IGNORED, UPPER, 0, false, 0},
    {"D", NUMBER_LOCALE_POINT, UPPER, 0, false, 0}, {"EEEE", NUMBER_EXPONENT, UPPER, 0, false, 0},
    {"FM", NUMBER_FILL, UPPER, 0, false, 0},        {"G", NUMBER_GROUP, UPPER, 0, false, 0},
    {"L", NUMBER_CURRENCY, UPPER, 0, false, 0},     {"MI", NUMBER_MINUS, UPPER, 0, false, 0},
    {"PL", NUMBER_PLUS, UPPER, 0, false, 0},        {"PR", NUMBER_BRACKET, UPPER, 0, false, 0},
    {"RN", NUMBER_ROMAN, UPPER, 0, false, 0},       {"SG", NUMBER_SIGN_HERE, UPPER, 0, false, 0},
    {"SP", NUMBER_IGNORED, UPPER, 0, false, 0},     {"S", NUMBER_SIGN, UPPER, 0, false, 0},
    {"TH", NUMBER_ORDINAL, UPPER, 0, false, 0},     {"V", NUMBER_SHIFT, UPPER, 0, false, 0},
    {"b", NUMBER_BLANK, LOWER, 0, false, 0},        {"c", NUMBER_IGNORED, LOWER, 0, false, 0},
    {"d", NUMBER_LOCALE_POINT, LOWER, 0, false, 0}, {"eeee", NUMBER_EXPONENT, LOWER, 0, false, 0},
    {"fm", NUMBER_FILL, LOWER, 0, false, 0},        {"g", NUMBER_GROUP, LOWER, 0, false, 0},
    {"l", NUMBER_CURRENCY, LOWER, 0, false, 0},     {"mi", NUMBER_MINUS, LOWER, 0, false, 0},
    {"pl", NUMBER_PLUS, LOWER, 0, false, 0},        {"pr", NUMBER_BRACKET, LOWER, 0, false, 0},
    {"rn", NUMBER_ROMAN, LOWER, 0, false, 0},       {"sg", NUMBER_SIGN_HERE, LOWER, 0, false, 0},
    {"sp", NUMBER_IGNORED, LOWER, 0, false, 0},     {"s", NUMBER_SIGN, LOWER, 0, false, 0},
    {"th", NUMBER_ORDINAL, LOWER, 0, false, 0},     {"v", NUMBER_SHIFT, LOWER, 0, false, 0},
};

static Status refuse(Error *error, const char *what)
{
    return error_set(error, STATUS_SYNTAX_ERROR, "%s", what);
}

static Status add_digit(Picture *picture, bool is_zero, Error *error)
{
    if (picture->has_bracket)
        return refuse(error,
                      is_zero ? "\"0\" must be ahead of \"PR\"" : "\"9\" must be ahead of \"PR\"");
    if (!is_zero && picture->has_shift) {
        picture->shift++;
        return OK;
    }
    if (is_zero && !picture->has_zero && !picture->has_point) {
        picture->has_zero = true;
        picture->zero_start = picture->before + 1;
    }
    if (picture->has_point)
        picture->behind++;
    else
        picture->before++;
    if (is_zero)
        picture->zero_end = picture->before + picture->behind;
    return OK;
}

static Status add_point(Picture *picture, Error *error)
{
    if (picture->has_point)
        return refuse(error, "multiple decimal points");
    if (picture->has_shift)
        return refuse(error, "cannot use \"V\" and decimal point together");
    picture->has_point = true;
    return OK;
}

static Status add_leading_sign(Picture *picture, Error *error)
{
    if (picture->has_sign)
        return refuse(error, "cannot use \"S\" twice");
    if (picture->has_plus || picture->has_minus || picture->has_bracket)
        return refuse(error, "cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
    picture->has_sign = true;
    picture->sign_place = picture->has_point ? LEADING_BEHIND : LEADING_BEFORE;
    picture->digits_before_sign = picture->before;
    return OK;
}

static Status add_own_sign(Picture *picture, enum NumberPattern pattern, Error *error)
{
    if (picture->has_sign)
        return refuse(error, pattern == NUMBER_MINUS  ? "cannot use \"S\" and \"MI\" together"
                             : pattern == NUMBER_PLUS ? "cannot use \"S\" and \"PL\" together"
                                                      : "cannot use \"S\" and \"SG\" together");
    picture->has_minus = picture->has_minus || pattern != NUMBER_PLUS;
    picture->has_plus = picture->has_plus || pattern != NUMBER_MINUS;
    return OK;
}

static Status add_exponent(Picture *picture, Error *error)
{
    if (picture->has_exponent)
        return refuse(error, "cannot use \"EEEE\" twice");
    if (picture->has_blank || picture->has_fill || picture->has_sign || picture->has_bracket ||
        picture->has_minus || picture->has_plus || picture->has_roman || picture->has_shift) {
        Status status = refuse(error, "\"EEEE\" is incompatible with other formats");
        error_set_detail(error, "\"EEEE\" may only be used together with digit and decimal point "
                                "patterns.");
        return status;
    }
    picture->has_exponent = true;
    return OK;
}

static Status add_bracket(Picture *picture, Error *error)
{
    if (picture->has_sign || picture->has_plus || picture->has_minus)
        return refuse(error, "cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
    picture->has_bracket = true;
    return OK;
}

static Status add_pattern(Picture *picture, enum NumberPattern pattern, Error *error)
{
    if (picture->has_exponent && pattern != NUMBER_EXPONENT)
        return refuse(error, "\"EEEE\" must be the last pattern used");
    switch (pattern) {
    case NUMBER_NINE:
    case NUMBER_ZERO:
        return add_digit(picture, pattern == NUMBER_ZERO, error);
    case NUMBER_BLANK:
        picture->has_blank = picture->has_blank ||
                             (picture->before == 0 && picture->behind == 0 && !picture->has_zero);
        return OK;
    case NUMBER_POINT:
    case NUMBER_LOCALE_POINT:
        return add_point(picture, error);
    case NUMBER_FILL:
        picture->has_fill = true;
        return OK;
    case NUMBER_SIGN:
        return add_leading_sign(picture, error);
    case NUMBER_MINUS:
    case NUMBER_PLUS:
    case NUMBER_SIGN_HERE:
        return add_own_sign(picture, pattern, error);
    case NUMBER_BRACKET:
        return add_bracket(picture, error);
    case NUMBER_ROMAN:
        picture->has_roman = true;
        return OK;
    case NUMBER_SHIFT:
        picture->has_shift = true;
        return picture->has_point ? refuse(error, "cannot use \"V\" and decimal point together")
                                  : OK;
    case NUMBER_EXPONENT:
        return add_exponent(picture, error);
    default:
        return OK;
    }
}

Status picture_read(Arena *arena, Slice text, Picture *out, Error *error)
{
    *out = (Picture){.before = 0};
    TRY(format_parse(arena, text, number_words, sizeof number_words / sizeof *number_words, false,
                     &out->format, error));
    for (size_t i = 0; i < out->format.count; i++) {
        const FormatNode *node = &out->format.nodes[i];
        if (node->kind == NODE_PATTERN)
            TRY(add_pattern(out, (enum NumberPattern)node->word->pattern, error));
    }
    return OK;
}
