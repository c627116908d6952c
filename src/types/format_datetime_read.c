/* to_date and to_timestamp, first half: the text along the template (PostgreSQL's DCH_from_char).
 */
#include <stdio.h>

#include "types/format_read_int.h"

typedef struct Reader {
    Slice text;
    size_t at;
    const FormatTemplate *format;
    size_t node;   /* the current one */
    bool is_exact; /* FX */
    int extra;     /* characters skipped beyond what the template has */
    Parsed parsed;
    Error *error;
} Reader;

static const FormatNode *current(const Reader *reader)
{
    return &reader->format->nodes[reader->node];
}

static uint8_t peek(const Reader *reader)
{
    return reader->at < reader->text.size ? reader->text.data[reader->at] : 0;
}

static void skip_space(Reader *reader)
{
    while (text_is_space(peek(reader))) {
        reader->at++;
        reader->extra++;
    }
}

/* ---- errors ---- */

static Status bad(Reader *reader, const char *detail, const char *hint)
{
    if (detail != NULL)
        error_set_detail(reader->error, "%s", detail);
    if (hint != NULL)
        error_set_hint(reader->error, "%s", hint);
    return STATUS_INVALID_DATETIME_FORMAT;
}

/* `invalid value "x" for "YYYY"` */
static Status bad_value(Reader *reader, Slice value, const char *detail, const char *hint)
{
    while (value.size > 0 && !slice_is_utf8_text(value)) /* cut inside of a character */
        value.size--;
    (void)error_set(reader->error, STATUS_INVALID_DATETIME_FORMAT,
                    "invalid value \"%.*s\" for \"%s\"", SLICE_ARGUMENTS(value),
                    current(reader)->word->text);
    return bad(reader, detail, hint);
}

static const char *const fill_hint =
    "If your source string is not fixed-width, try using the \"FM\" modifier.";

/* ---- values ---- */

/* The same part twice must say the same. */
static Status set(Reader *reader, int *part, int value)
{
    if (*part != 0 && *part != value) {
        (void)error_set(reader->error, STATUS_INVALID_DATETIME_FORMAT,
                        "conflicting values for \"%s\" field in formatting string",
                        current(reader)->word->text);
        return bad(reader, "This value contradicts a previous setting for the same field type.",
                   NULL);
    }
    *part = value;
    return OK;
}

static Status set_convention(Reader *reader)
{
    enum PatternConvention convention = (enum PatternConvention)current(reader)->word->convention;
    if (convention == CONVENTION_NONE)
        return OK;
    if (reader->parsed.convention != CONVENTION_NONE && reader->parsed.convention != convention) {
        (void)error_set(reader->error, STATUS_INVALID_DATETIME_FORMAT,
                        "invalid combination of date conventions");
        return bad(reader, NULL,
                   "Do not mix Gregorian and ISO week date conventions in a formatting template.");
    }
    reader->parsed.convention = convention;
    return OK;
}

/* Will something that is no digit end the number? */
static bool next_is_separator(const Reader *reader)
{
    if (current(reader)->suffix & SUFFIX_TH)
        return true;
    if (reader->node + 1 == reader->format->count)
        return true;
    const FormatNode *next = current(reader) + 1;
    if (next->kind == NODE_PATTERN)
        return !next->word->is_digit;
    return !(next->character.size == 1 && text_is_digit(next->character.data[0]));
}

/* A sign and digits within the next `most` bytes; *end behind them, at the start where there are
 * none. False where the number passes 64 bits. */
static bool scan_number(const Reader *reader, size_t most, int64_t *out, size_t *end)
{
    Slice s = slice_part(reader->text, reader->at, most);
    size_t at = 0;
    bool fits = true;
    while (at < s.size && text_is_space(s.data[at]))
        at++;
    bool negative = at < s.size && s.data[at] == '-';
    at += at < s.size && (s.data[at] == '-' || s.data[at] == '+');
    size_t first = at;
    *out = 0;
    for (; at < s.size && text_is_digit(s.data[at]); at++)
        fits = fits && !__builtin_mul_overflow(*out, 10, out) &&
               !__builtin_add_overflow(*out, s.data[at] - '0', out);
    *out = negative ? -*out : *out;
    *end = reader->at + (at == first ? 0 : at);
    return fits;
}

/* Exactly `length` digits, because digits of another field follow. */
static Status take_fixed(Reader *reader, size_t length, int64_t *n, bool *fits)
{
    size_t end;
    size_t rest = reader->text.size - reader->at;
    Slice copy = slice_part(reader->text, reader->at, length);
    char detail[100];
    if (rest < length) {
        (void)error_set(reader->error, STATUS_INVALID_DATETIME_FORMAT,
                        "source string too short for \"%s\" formatting field",
                        current(reader)->word->text);
        (void)snprintf(detail, sizeof detail, "Field requires %zu characters, but only %zu remain.",
                       length, rest);
        return bad(reader, detail, fill_hint);
    }
    *fits = scan_number(reader, length, n, &end);
    size_t used = end - reader->at;
    if (used > 0 && used < length) {
        (void)snprintf(detail, sizeof detail,
                       "Field requires %zu characters, but only %zu could be parsed.", length,
                       used);
        return bad_value(reader, copy, detail, fill_hint);
    }
    reader->at = end;
    return OK;
}

/* A number of at most `length` digits (as many as there are, where nothing but a separator
 * follows); *digits is how many bytes it took. */
static Status take_number(Reader *reader, size_t length, int *part, int *bytes)
{
    size_t begin = reader->at;
    int64_t n;
    bool fits;
    while (text_is_space(peek(reader)))
        reader->at++;
    Slice copy = slice_part(reader->text, reader->at, length);
    if ((current(reader)->suffix & SUFFIX_FILL) || next_is_separator(reader)) {
        size_t start = reader->at;
        fits = scan_number(reader, SIZE_MAX, &n, &reader->at);
        reader->at = reader->at == start ? begin : reader->at;
    } else {
        TRY(take_fixed(reader, length, &n, &fits));
    }
    if (reader->at == begin)
        return bad_value(reader, copy, "Value must be an integer.", NULL);
    if (!fits || n < INT32_MIN || n > INT32_MAX) {
        Status status = error_set(reader->error, STATUS_DATETIME_FIELD_OVERFLOW,
                                  "value for \"%s\" in source string is out of range",
                                  current(reader)->word->text);
        error_set_detail(reader->error, "Value must be in the range %d to %d.", INT32_MIN,
                         INT32_MAX);
        return status;
    }
    if (bytes != NULL)
        *bytes = (int)(reader->at - begin);
    return part == NULL ? OK : set(reader, part, (int)n);
}

static Status take_plain(Reader *reader, int *part)
{
    return take_number(reader, strlen(current(reader)->word->text), part, NULL);
}

static void skip_ordinal(Reader *reader)
{
    for (int i = 0; i < 2 && (current(reader)->suffix & SUFFIX_TH); i++) {
        if (reader->at < reader->text.size)
            reader->at += text_step(reader->text, reader->at);
    }
}

/* ---- names ---- */

/* Does the rest begin with the name, in any case? */
static bool rest_begins(const Reader *reader, const char *name)
{
    Slice wanted = slice_of_text(name);
    return slice_equal_ignoring_case(slice_part(reader->text, reader->at, wanted.size), wanted);
}

/* One of the names, which end with NULL; its number in *out. */
static Status take_name(Reader *reader, const char *const *names, int *out)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (rest_begins(reader, names[i])) {
            reader->at += strlen(names[i]);
            *out = i;
            return OK;
        }
    }
    size_t size = 0;
    Slice rest = slice_part(reader->text, reader->at, reader->text.size);
    while (size < rest.size && !text_is_space(rest.data[size]))
        size++;
    return bad_value(reader, slice_part(rest, 0, size),
                     "The given value did not match any of the allowed values for this field.",
                     NULL);
}

static Status take_month_name(Reader *reader, bool is_short)
{
    char names[12][4];
    const char *list[13] = {NULL};
    int value;
    for (int i = 0; i < 12; i++) {
        list[i] = format_month_name(i);
        if (is_short) {
            (void)snprintf(names[i], sizeof names[i], "%.3s", list[i]);
            list[i] = names[i];
        }
    }
    TRY(take_name(reader, list, &value));
    return set(reader, &reader->parsed.month, value + 1);
}

static Status take_day_name(Reader *reader, bool is_short)
{
    char names[7][4];
    const char *list[8] = {NULL};
    int value;
    for (int i = 0; i < 7; i++) {
        list[i] = format_day_name(i);
        if (is_short) {
            (void)snprintf(names[i], sizeof names[i], "%.3s", list[i]);
            list[i] = names[i];
        }
    }
    TRY(take_name(reader, list, &value));
    TRY(set(reader, &reader->parsed.weekday, value));
    reader->parsed.weekday++;
    return OK;
}

/* From XII down, so that the longer names come before what they begin with. */
static Status take_roman(Reader *reader)
{
    const char *list[13] = {NULL};
    int value;
    for (int i = 0; i < 12; i++)
        list[i] = format_roman_month(12 - i);
    TRY(take_name(reader, list, &value));
    return set(reader, &reader->parsed.month, 12 - value);
}

static Status take_choice(Reader *reader, const char *first, const char *second, int *part)
{
    const char *const list[] = {first, second, NULL};
    int value;
    TRY(take_name(reader, list, &value));
    return set(reader, part, value);
}

/* ---- fields ---- */

static Status take_fraction(Reader *reader, int length, int *part)
{
    int bytes;
    TRY(take_number(reader, (size_t)length, part, &bytes));
    int64_t n = *part;
    int whole = part == &reader->parsed.millisecond ? 3 : 6;
    for (int i = bytes; i < whole && n < INT32_MAX; i++)
        n *= 10;
    *part = n > INT32_MAX ? INT32_MAX : (int)n;
    skip_ordinal(reader);
    return OK;
}

/* Two and three digits are years near 2020. */
static int whole_year(int year)
{
    if (year < 70)
        return year + 2000;
    if (year < 100)
        return year + 1900;
    if (year < 520)
        return year + 2000;
    return year < 1000 ? year + 1000 : year;
}

static Status take_year(Reader *reader)
{
    int digits = current(reader)->word->value;
    int bytes;
    TRY(take_number(reader, (size_t)digits, &reader->parsed.year, &bytes));
    if (digits < 4 && bytes < 4)
        reader->parsed.year = whole_year(reader->parsed.year);
    reader->parsed.year_digits = digits;
    skip_ordinal(reader);
    return OK;
}

/* "2,020": any number of thousands, then up to three digits. */
static Status take_year_comma(Reader *reader)
{
    int64_t thousands;
    int64_t rest;
    size_t end;
    bool good = scan_number(reader, SIZE_MAX, &thousands, &end) && end > reader->at &&
                end < reader->text.size && reader->text.data[end] == ',';
    if (good) {
        reader->at = end + 1;
        good = scan_number(reader, 3, &rest, &end) && end > reader->at && thousands < 1000000 &&
               thousands > -1000000;
    }
    if (!good) {
        (void)error_set(reader->error, STATUS_INVALID_DATETIME_FORMAT,
                        "invalid input string for \"Y,YYY\"");
        return STATUS_INVALID_DATETIME_FORMAT;
    }
    reader->at = end;
    reader->parsed.year_digits = 4;
    TRY(set(reader, &reader->parsed.year, (int)(thousands * 1000 + rest)));
    skip_ordinal(reader);
    return OK;
}

/* A minus may have been taken for a separator. */
static Status take_zone_hour(Reader *reader)
{
    uint8_t c = peek(reader);
    if (c == '+' || c == '-' || c == ' ') {
        reader->parsed.zone_sign = c == '-' ? -1 : 1;
        reader->at++;
    } else {
        bool had_minus =
            reader->extra > 0 && reader->at > 0 && reader->text.data[reader->at - 1] == '-';
        reader->parsed.zone_sign = had_minus ? -1 : 1;
    }
    return take_number(reader, 2, &reader->parsed.zone_hour, NULL);
}

static Status take_with_ordinal(Reader *reader, size_t length, int *part)
{
    TRY(take_number(reader, length, part, NULL));
    skip_ordinal(reader);
    return OK;
}

static Status take_clock(Reader *reader)
{
    Parsed *parsed = &reader->parsed;
    switch ((DatetimePattern)current(reader)->word->pattern) {
    case PATTERN_MERIDIEM:
        parsed->has_12_hours = true;
        return take_choice(reader, "am", "pm", &parsed->is_pm);
    case PATTERN_MERIDIEM_DOTS:
        parsed->has_12_hours = true;
        return take_choice(reader, "a.m.", "p.m.", &parsed->is_pm);
    case PATTERN_HOUR_12:
        parsed->has_12_hours = true;
        return take_with_ordinal(reader, 2, &parsed->hour);
    case PATTERN_HOUR_24:
        return take_with_ordinal(reader, 2, &parsed->hour);
    case PATTERN_MINUTE:
        return take_with_ordinal(reader, 2, &parsed->minute);
    case PATTERN_SECOND:
        return take_with_ordinal(reader, 2, &parsed->second);
    case PATTERN_SECOND_OF_DAY:
        TRY(take_plain(reader, &parsed->second_of_day));
        skip_ordinal(reader);
        return OK;
    case PATTERN_MILLISECOND:
        return take_fraction(reader, 3, &parsed->millisecond);
    case PATTERN_FRACTION:
        parsed->fraction_digits = current(reader)->word->value;
        return take_fraction(reader, current(reader)->word->value, &parsed->microsecond);
    case PATTERN_MICROSECOND:
        return take_fraction(reader, 6, &parsed->microsecond);
    case PATTERN_ZONE_HOUR:
        return take_zone_hour(reader);
    case PATTERN_ZONE_MINUTE:
        parsed->zone_sign = parsed->zone_sign == 0 ? 1 : parsed->zone_sign;
        return take_number(reader, 2, &parsed->zone_minute, NULL);
    default:
        return error_set(reader->error, STATUS_FEATURE_NOT_SUPPORTED,
                         "formatting field \"%s\" is only supported in to_char",
                         current(reader)->word->text);
    }
}

static Status take_date(Reader *reader)
{
    Parsed *parsed = &reader->parsed;
    switch ((DatetimePattern)current(reader)->word->pattern) {
    case PATTERN_ERA:
        return take_choice(reader, "ad", "bc", &parsed->is_bc);
    case PATTERN_ERA_DOTS:
        return take_choice(reader, "a.d.", "b.c.", &parsed->is_bc);
    case PATTERN_MONTH_NAME:
        return take_month_name(reader, false);
    case PATTERN_MONTH_SHORT:
        return take_month_name(reader, true);
    case PATTERN_MONTH_ROMAN:
        return take_roman(reader);
    case PATTERN_DAY_NAME:
        return take_day_name(reader, false);
    case PATTERN_DAY_SHORT:
        return take_day_name(reader, true);
    case PATTERN_MONTH:
        return take_with_ordinal(reader, 2, &parsed->month);
    case PATTERN_DAY:
        return take_with_ordinal(reader, 2, &parsed->day);
    case PATTERN_DAY_OF_YEAR:
    case PATTERN_ISO_DAY_OF_YEAR:
        return take_with_ordinal(reader, 3, &parsed->year_day);
    case PATTERN_DAY_OF_WEEK:
        return take_with_ordinal(reader, 1, &parsed->weekday);
    case PATTERN_ISO_DAY_OF_WEEK:
        TRY(take_number(reader, 1, &parsed->weekday, NULL));
        parsed->weekday = parsed->weekday + 1 > 7 ? 1 : parsed->weekday + 1;
        skip_ordinal(reader);
        return OK;
    case PATTERN_WEEK_OF_YEAR:
    case PATTERN_ISO_WEEK:
        return take_with_ordinal(reader, 2, &parsed->week);
    case PATTERN_WEEK_OF_MONTH:
        return take_with_ordinal(reader, 1, &parsed->week_of_month);
    case PATTERN_QUARTER: /* says too little to be used */
        return take_with_ordinal(reader, 1, NULL);
    case PATTERN_CENTURY:
        return take_with_ordinal(reader, 2, &parsed->century);
    case PATTERN_YEAR:
    case PATTERN_ISO_YEAR:
        return take_year(reader);
    case PATTERN_YEAR_COMMA:
        return take_year_comma(reader);
    case PATTERN_JULIAN:
        return take_with_ordinal(reader, 1, &parsed->julian);
    default:
        return take_clock(reader);
    }
}

/* ---- the walk along the template ---- */

static bool is_separator(uint8_t c)
{
    return c > ' ' && c < 0x7f && !text_is_letter(c) && !text_is_digit(c);
}

/* One blank or separator of the template takes one of the text, or none (FX: any character). */
static void match_separator(Reader *reader)
{
    if (reader->is_exact) {
        reader->at += text_step(reader->text, reader->at);
        return;
    }
    reader->extra--;
    if (text_is_space(peek(reader)) || is_separator(peek(reader))) {
        reader->at++;
        reader->extra++;
    }
}

/* Any other character takes one, whatever it is, unless one too many was skipped before. */
static void match_character(Reader *reader)
{
    if (!reader->is_exact && reader->extra > 0)
        reader->extra--;
    else
        reader->at += text_step(reader->text, reader->at);
}

static Status match_pattern(Reader *reader)
{
    TRY(set_convention(reader));
    if (current(reader)->word->pattern == PATTERN_EXACT) {
        reader->is_exact = true;
        return OK;
    }
    TRY(take_date(reader));
    if (!reader->is_exact) {
        reader->extra = 0;
        skip_space(reader);
    }
    return OK;
}

static Status match(Reader *reader)
{
    for (; reader->node < reader->format->count && reader->at < reader->text.size; reader->node++) {
        const FormatNode *node = current(reader);
        bool is_fx = node->kind == NODE_PATTERN && node->word->pattern == PATTERN_EXACT;
        if (!reader->is_exact && !is_fx && (node->kind == NODE_PATTERN || reader->node == 0))
            skip_space(reader);
        if (node->kind == NODE_PATTERN)
            TRY(match_pattern(reader));
        else if (reader->at == reader->text.size)
            break;
        else if (node->kind == NODE_CHARACTER)
            match_character(reader);
        else
            match_separator(reader);
    }
    return OK;
}

Status format_read_datetime(Slice text, const FormatTemplate *format, Parsed *out, Error *error)
{
    Reader reader = {.text = text, .format = format, .error = error};
    TRY(match(&reader));
    *out = reader.parsed;
    return OK;
}
