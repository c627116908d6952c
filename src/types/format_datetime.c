/* to_char of timestamps and intervals. */
#include <stdlib.h>

#include "types/format_int.h"
#include "types/function_datetime_int.h"

enum { NAME_WIDTH = 9, ROMAN_WIDTH = 4 }; /* as wide as the longest */

/* What is printed: a moment, or an interval's parts in the same places. */
typedef struct Printed {
    int64_t year; /* astronomical, or an interval's years */
    int month;
    int day;
    int64_t hour;
    int minute;
    int second;
    int micro;
    int64_t days; /* since 1970; of a moment */
    int64_t year_day;
    bool is_interval;
    bool has_zone;
} Printed;

static Status not_for_intervals(Error *error)
{
    Status status = error_set(error, STATUS_INVALID_DATETIME_FORMAT,
                              "invalid format specification for an interval value");
    error_set_hint(error, "Intervals are not tied to specific calendar dates.");
    return status;
}

/* ---- numbers and names ---- */

static void put_ordinal(Buffer *out, size_t begin, const FormatNode *node)
{
    if (!(node->suffix & SUFFIX_TH) || out->failed)
        return;
    Slice number = slice_of(out->data + begin, out->size - begin);
    buffer_put_text(out, format_ordinal(number, node->suffix & SUFFIX_TH_UPPER));
}

/* At least `width` digits, one more for a sign; FM: as many as it has. */
static void put_number(Buffer *out, const FormatNode *node, int width, int64_t n)
{
    size_t begin = out->size;
    int least = node->suffix & SUFFIX_FILL ? 0 : n >= 0 ? width : width + 1;
    buffer_put_format(out, "%0*lld", least, (long long)n);
    put_ordinal(out, begin, node);
}

/* Exactly so many digits, also with FM. */
static void put_digits(Buffer *out, const FormatNode *node, int width, int64_t n)
{
    size_t begin = out->size;
    buffer_put_format(out, "%0*lld", width, (long long)n);
    put_ordinal(out, begin, node);
}

/* Names are title case; `length` 3 for the short ones. Padded to `width` but with FM. */
static void put_name(Buffer *out, const FormatNode *node, const char *name, size_t length,
                     size_t width)
{
    size_t i = 0;
    for (; i < length && name[i] != '\0'; i++) {
        uint8_t c = (uint8_t)name[i];
        buffer_put_u8(out, node->word->letters == CASE_UPPER   ? text_upper_ascii(c)
                           : node->word->letters == CASE_LOWER ? text_lower_ascii(c)
                                                               : c);
    }
    for (; i < width && !(node->suffix & (SUFFIX_FILL | SUFFIX_LOCALE)); i++)
        buffer_put_u8(out, ' ');
}

/* ---- parts ---- */

/* Years before Christ count from 1. */
static int64_t shown_year(const Printed *printed, int64_t year)
{
    return printed->is_interval || year > 0 ? year : 1 - year;
}

static void put_year(Buffer *out, const FormatNode *node, const Printed *printed, int64_t year)
{
    static const int spans[] = {1, 10, 100, 1000};
    int64_t shown = shown_year(printed, year);
    int digits = node->word->value;
    int64_t part = digits == 4 ? shown : shown % spans[digits];
    int width = shown_year(printed, printed->year) >= 0 ? digits : digits + 1;
    size_t begin = out->size;
    buffer_put_format(out, "%0*lld",
                      node->suffix & SUFFIX_FILL ? 0
                      : digits == 1              ? 1
                                                 : width,
                      (long long)part);
    put_ordinal(out, begin, node);
}

static void put_year_comma(Buffer *out, const FormatNode *node, const Printed *printed)
{
    size_t begin = out->size;
    int64_t shown = shown_year(printed, printed->year);
    buffer_put_format(out, "%lld,%03lld", (long long)(shown / 1000), (long long)(shown % 1000));
    put_ordinal(out, begin, node);
}

static void put_century(Buffer *out, const FormatNode *node, const Printed *printed)
{
    int64_t year = printed->year;
    int64_t century = printed->is_interval ? year / 100
                      : year > 0           ? (year - 1) / 100 + 1
                                           : year / 100 - 1;
    put_number(out, node, 2, century);
}

/* 1 is January; an interval of whole years shows the last month, negative ones count back. */
static void put_roman(Buffer *out, const FormatNode *node, const Printed *printed)
{
    int month = printed->month;
    if (month == 0 && printed->year == 0)
        return;
    if (month == 0)
        month = printed->year >= 0 ? 12 : 1;
    else if (month < 0)
        month += 13;
    FormatNode plain = *node;
    plain.suffix &= SUFFIX_FILL;
    put_name(out, &plain, format_roman_month(month), SIZE_MAX, ROMAN_WIDTH);
}

static void put_choice(Buffer *out, const FormatNode *node, bool second, const char *first_text,
                       const char *second_text)
{
    FormatNode unpadded = *node;
    unpadded.suffix = SUFFIX_FILL;
    put_name(out, &unpadded, second ? second_text : first_text, SIZE_MAX, 0);
}

static int64_t iso_year_of(const Printed *printed, int *week)
{
    int64_t year;
    *week = calendar_iso_week(printed->days, &year);
    return year;
}

static void put_iso(Buffer *out, const FormatNode *node, const Printed *printed)
{
    int week;
    int64_t year = iso_year_of(printed, &week);
    if (node->word->pattern == PATTERN_ISO_WEEK)
        put_number(out, node, 2, week);
    else if (node->word->pattern == PATTERN_ISO_YEAR)
        put_year(out, node, printed, year);
    else
        put_number(out, node, 3, printed->days - calendar_iso_year_start(year) + 1);
}

static void put_clock(Buffer *out, const FormatNode *node, const Printed *printed)
{
    static const int units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    int64_t hour = printed->hour;
    switch ((DatetimePattern)node->word->pattern) {
    case PATTERN_MERIDIEM:
        put_choice(out, node, hour % 24 >= 12, "AM", "PM");
        return;
    case PATTERN_MERIDIEM_DOTS:
        put_choice(out, node, hour % 24 >= 12, "A.M.", "P.M.");
        return;
    case PATTERN_HOUR_12: {
        size_t begin = out->size;
        int width = node->suffix & SUFFIX_FILL ? 0 : hour >= 0 ? 2 : 3;
        buffer_put_format(out, "%0*lld", width, (long long)(hour % 12 == 0 ? 12 : hour % 12));
        put_ordinal(out, begin, node);
        return;
    }
    case PATTERN_HOUR_24:
        put_number(out, node, 2, hour);
        return;
    case PATTERN_MINUTE:
        put_number(out, node, 2, printed->minute);
        return;
    case PATTERN_SECOND:
        put_number(out, node, 2, printed->second);
        return;
    case PATTERN_SECOND_OF_DAY:
        put_digits(out, node, 0, (hour * 60 + printed->minute) * 60 + printed->second);
        return;
    default: /* fractions */
        put_digits(out, node, node->word->value, printed->micro / units[node->word->value]);
    }
}

/* The zone is UTC; a TIMESTAMP has none to name. */
static void put_zone(Buffer *out, const FormatNode *node, const Printed *printed)
{
    switch ((DatetimePattern)node->word->pattern) {
    case PATTERN_ZONE:
        if (printed->has_zone)
            put_choice(out, node, false, "UTC", "");
        return;
    case PATTERN_ZONE_MINUTE:
        buffer_put_text(out, "00");
        return;
    case PATTERN_ZONE_HOUR:
        buffer_put_text(out, "+00");
        return;
    default:
        buffer_put_text(out, node->suffix & SUFFIX_FILL ? "+0" : "+00");
    }
}

static void put_calendar(Buffer *out, const FormatNode *node, const Printed *printed)
{
    int weekday = calendar_weekday(printed->days);
    switch ((DatetimePattern)node->word->pattern) {
    case PATTERN_ERA:
        put_choice(out, node, printed->year <= 0, "AD", "BC");
        return;
    case PATTERN_ERA_DOTS:
        put_choice(out, node, printed->year <= 0, "A.D.", "B.C.");
        return;
    case PATTERN_MONTH_NAME:
        put_name(out, node, format_month_name(printed->month - 1), SIZE_MAX, NAME_WIDTH);
        return;
    case PATTERN_MONTH_SHORT:
        put_name(out, node, format_month_name(printed->month - 1), 3, 0);
        return;
    case PATTERN_DAY_NAME:
        put_name(out, node, format_day_name(weekday), SIZE_MAX, NAME_WIDTH);
        return;
    case PATTERN_DAY_SHORT:
        put_name(out, node, format_day_name(weekday), 3, 0);
        return;
    case PATTERN_DAY_OF_WEEK:
        put_digits(out, node, 0, weekday + 1);
        return;
    case PATTERN_ISO_DAY_OF_WEEK:
        put_digits(out, node, 0, weekday == 0 ? 7 : weekday);
        return;
    default:
        put_zone(out, node, printed);
    }
}

/* Patterns that mean something only on a calendar. */
static bool is_of_calendar(DatetimePattern pattern)
{
    switch (pattern) {
    case PATTERN_ERA:
    case PATTERN_ERA_DOTS:
    case PATTERN_MONTH_NAME:
    case PATTERN_MONTH_SHORT:
    case PATTERN_DAY_NAME:
    case PATTERN_DAY_SHORT:
    case PATTERN_DAY_OF_WEEK:
    case PATTERN_ISO_DAY_OF_WEEK:
    case PATTERN_ZONE:
    case PATTERN_ZONE_HOUR:
    case PATTERN_ZONE_MINUTE:
    case PATTERN_OFFSET:
        return true;
    default:
        return false;
    }
}

static void put_date(Buffer *out, const FormatNode *node, const Printed *printed)
{
    switch ((DatetimePattern)node->word->pattern) {
    case PATTERN_EXACT:
        return;
    case PATTERN_CENTURY:
        put_century(out, node, printed);
        return;
    case PATTERN_YEAR:
        put_year(out, node, printed, printed->year);
        return;
    case PATTERN_YEAR_COMMA:
        put_year_comma(out, node, printed);
        return;
    case PATTERN_MONTH:
        put_number(out, node, 2, printed->month);
        return;
    case PATTERN_MONTH_ROMAN:
        put_roman(out, node, printed);
        return;
    case PATTERN_QUARTER:
        if (printed->month != 0)
            put_digits(out, node, 0, (printed->month - 1) / 3 + 1);
        return;
    case PATTERN_DAY:
        put_digits(out, node, node->suffix & SUFFIX_FILL ? 0 : 2, printed->day);
        return;
    case PATTERN_DAY_OF_YEAR:
        put_digits(out, node, node->suffix & SUFFIX_FILL ? 0 : 3, printed->year_day);
        return;
    case PATTERN_WEEK_OF_YEAR:
        put_digits(out, node, node->suffix & SUFFIX_FILL ? 0 : 2, (printed->year_day - 1) / 7 + 1);
        return;
    case PATTERN_WEEK_OF_MONTH:
        put_digits(out, node, 0, (printed->day - 1) / 7 + 1);
        return;
    case PATTERN_JULIAN:
        put_digits(out, node, 0, printed->days + JULIAN_DAY_OF_EPOCH);
        return;
    case PATTERN_ISO_WEEK:
    case PATTERN_ISO_YEAR:
    case PATTERN_ISO_DAY_OF_YEAR:
        put_iso(out, node, printed);
        return;
    default:
        put_clock(out, node, printed);
    }
}

static Status print(EvaluationContext *context, Slice text, const Printed *printed, Value *result,
                    Error *error)
{
    FormatTemplate format;
    Buffer out;
    Status status = OK;
    TRY(format_parse_datetime(context->arena, text, &format, error));
    text_buffer_open(&out);
    for (size_t i = 0; i < format.count && status == OK; i++) {
        const FormatNode *node = &format.nodes[i];
        if (node->kind != NODE_PATTERN)
            buffer_put_slice(&out, node->character);
        else if (printed->is_interval && node->word->convention == CONVENTION_ISO_WEEK)
            status = error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                               "ISO weeks and years of an interval are not supported");
        else if (!is_of_calendar((DatetimePattern)node->word->pattern))
            put_date(&out, node, printed);
        else if (printed->is_interval)
            status = not_for_intervals(error);
        else
            put_calendar(&out, node, printed);
    }
    if (status != OK) {
        buffer_close(&out);
        return status;
    }
    return text_buffer_result(context, &out, TYPE_TEXT, result, error);
}

/* ---- the functions: NULL for infinity and for an empty template ---- */

static Status timestamp_to_char(EvaluationContext *context, const Value *arguments, Value *result,
                                Error *error)
{
    int64_t micros = arguments[0].as.integer;
    int64_t clock;
    if (timestamp_is_infinite(micros) || arguments[1].as.bytes.size == 0)
        return OK;
    Moment moment = moment_from_micros(micros);
    int64_t days = micros_to_days(micros, &clock);
    Printed printed = {.year = moment.year,
                       .month = moment.month,
                       .day = moment.day,
                       .hour = moment.hour,
                       .minute = moment.minute,
                       .second = moment.second,
                       .micro = moment.micro,
                       .days = days,
                       .year_day = calendar_year_day(days),
                       .has_zone = arguments[0].kind == TYPE_TIMESTAMPTZ};
    return print(context, arguments[1].as.bytes, &printed, result, error);
}

FUNCTION(timestamp_to_char)
{
    return timestamp_to_char(context, arguments, result, error);
}

FUNCTION(timestamptz_to_char)
{
    return timestamp_to_char(context, arguments, result, error);
}

/* The Julian day that PostgreSQL's formula gives for an interval's fields. It is made for dates:
 * months outside of a year come out as its rounding has them. */
static int64_t julian_day_of_fields(int64_t year, int month, int day)
{
    int64_t y = year + (month > 2 ? 4800 : 4799);
    int64_t m = month + (month > 2 ? 1 : 13);
    int64_t century = y / 100;
    return y * 365 - 32167 + y / 4 - century + century / 4 + 7834 * m / 256 + day;
}

FUNCTION(interval_to_char)
{
    Interval interval = arguments[0].as.interval;
    int64_t micros = interval.micros;
    if (arguments[1].as.bytes.size == 0)
        return OK;
    Printed printed = {.year = interval.months / 12,
                       .month = interval.months % 12,
                       .day = interval.days,
                       .hour = micros / MICROS_PER_HOUR,
                       .minute = (int)(micros / MICROS_PER_MINUTE % 60),
                       .second = (int)(micros / MICROS_PER_SECOND % 60),
                       .micro = (int)(micros % MICROS_PER_SECOND),
                       .year_day = (int64_t)interval.months * 30 + interval.days,
                       .is_interval = true};
    printed.days =
        julian_day_of_fields(printed.year, printed.month, printed.day) - JULIAN_DAY_OF_EPOCH;
    return print(context, arguments[1].as.bytes, &printed, result, error);
}
