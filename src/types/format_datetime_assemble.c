/* to_date and to_timestamp, second half: what the fields mean together. */
#include "types/format_read_int.h"

enum { ZONE_HOURS_MAX = 15 };

typedef struct Reader {
    Slice text;
    Parsed parsed;
    Error *error;
} Reader;

typedef struct Assembled {
    Moment moment;
    bool has_year;
    bool has_month;
    bool has_day;
} Assembled;

static Status field_out_of_range(const Reader *reader)
{
    return error_set(reader->error, STATUS_DATETIME_FIELD_OVERFLOW,
                     "date/time field value out of range: \"%.*s\"", SLICE_ARGUMENTS(reader->text));
}

static Status assemble_clock(Reader *reader, Moment *moment)
{
    const Parsed *parsed = &reader->parsed;
    moment->hour = parsed->second_of_day / 3600;
    moment->minute = parsed->second_of_day / 60 % 60;
    moment->second = parsed->second_of_day % 60;
    moment->second = parsed->second != 0 ? parsed->second : moment->second;
    moment->minute = parsed->minute != 0 ? parsed->minute : moment->minute;
    moment->hour = parsed->hour != 0 ? parsed->hour : moment->hour;
    if (!parsed->has_12_hours)
        return OK;
    if (moment->hour < 1 || moment->hour > 12) {
        Status status = error_set(reader->error, STATUS_INVALID_DATETIME_FORMAT,
                                  "hour \"%d\" is invalid for the 12-hour clock", moment->hour);
        error_set_hint(reader->error, "Use the 24-hour clock, or give an hour between 1 and 12.");
        return status;
    }
    if (parsed->is_pm && moment->hour < 12)
        moment->hour += 12;
    else if (!parsed->is_pm && moment->hour == 12)
        moment->hour = 0;
    return OK;
}

/* Two digits of a year in a century; the 21st runs from 2001 to 2100. */
static int64_t year_in_century(int64_t century, int64_t year)
{
    year %= 100;
    if (year == 0)
        return century * 100 + (century >= 0 ? 0 : 1);
    return century >= 0 ? year + (century - 1) * 100 : (century + 1) * 100 - year + 1;
}

static void assemble_year(const Parsed *parsed, Assembled *out)
{
    int64_t century = parsed->is_bc ? -(int64_t)parsed->century : parsed->century;
    out->has_year = parsed->year != 0 || parsed->century != 0;
    if (parsed->year == 0) {
        if (parsed->century != 0) /* its first year */
            out->moment.year = (century >= 0 ? century - 1 : century) * 100 + 1;
        return;
    }
    if (parsed->century != 0 && parsed->year_digits <= 2) {
        out->moment.year = year_in_century(century, parsed->year);
        return;
    }
    out->moment.year = parsed->is_bc ? -(int64_t)parsed->year : parsed->year;
    out->moment.year += out->moment.year < 0;
}

static void set_date(Assembled *out, int64_t days)
{
    calendar_from_days(days, &out->moment.year, &out->moment.month, &out->moment.day);
    out->has_year = out->has_month = out->has_day = true;
}

/* A day of the year, where month and day do not say more. */
static Status assemble_year_day(Reader *reader, int64_t year_day, Assembled *out)
{
    Moment *moment = &out->moment;
    if (year_day == 0 || (moment->month > 1 && moment->day > 1))
        return OK;
    if (moment->year == 0 && !reader->parsed.is_bc)
        return error_set(reader->error, STATUS_INVALID_DATETIME_FORMAT,
                         "cannot calculate day of year without year information");
    if (reader->parsed.convention == CONVENTION_ISO_WEEK) {
        set_date(out, calendar_iso_year_start(moment->year) + year_day - 1);
        return OK;
    }
    int64_t before = 0;
    int month = 1;
    while (month <= 12 && year_day > before + calendar_month_days(moment->year, month))
        before += calendar_month_days(moment->year, month++);
    if (moment->month <= 1)
        moment->month = month;
    if (moment->day <= 1)
        moment->day = (int)(year_day - before > 366 ? 367 : year_day - before);
    out->has_month = out->has_day = true;
    return OK;
}

static Status assemble_date(Reader *reader, Assembled *out)
{
    const Parsed *parsed = &reader->parsed;
    int64_t year_day = parsed->year_day;
    int64_t day = parsed->day;
    assemble_year(parsed, out);
    if (parsed->julian != 0)
        set_date(out, (int64_t)parsed->julian - JULIAN_DAY_OF_EPOCH);
    if (parsed->week != 0 && parsed->convention == CONVENTION_ISO_WEEK) {
        int64_t monday = calendar_iso_year_start(out->moment.year) + (parsed->week - 1) * 7LL;
        int weekday = parsed->weekday == 0 ? 2 : parsed->weekday;
        set_date(out, monday + (weekday > 1 ? weekday - 2 : 6));
    } else if (parsed->week != 0) {
        year_day = (parsed->week - 1) * 7LL + 1;
    }
    if (parsed->week_of_month != 0)
        day = (parsed->week_of_month - 1) * 7LL + 1;
    if (day != 0) {
        out->moment.day = day > INT32_MAX || day < INT32_MIN ? 0 : (int)day;
        out->has_day = true;
    }
    if (parsed->month != 0) {
        out->moment.month = parsed->month;
        out->has_month = true;
    }
    return assemble_year_day(reader, year_day, out);
}

static bool date_is_valid(const Assembled *out)
{
    const Moment *moment = &out->moment;
    if (out->has_month && (moment->month < 1 || moment->month > 12))
        return false;
    if (out->has_day && (moment->day < 1 || moment->day > 31))
        return false;
    bool is_whole = out->has_year && out->has_month && out->has_day;
    return !is_whole || moment->day <= calendar_month_days(moment->year, moment->month);
}

static Status assemble(Reader *reader, Moment *out)
{
    const Parsed *parsed = &reader->parsed;
    Assembled all = {.moment = {.month = 1, .day = 1}};
    TRY(assemble_clock(reader, &all.moment));
    TRY(assemble_date(reader, &all));
    int64_t micro = parsed->millisecond * 1000LL + parsed->microsecond;
    const Moment *moment = &all.moment;
    bool good = date_is_valid(&all) && moment->hour >= 0 && moment->hour < 24 &&
                moment->minute >= 0 && moment->minute < 60 && moment->second >= 0 &&
                moment->second < 60 && micro >= 0 && micro < MICROS_PER_SECOND;
    if (!good)
        return field_out_of_range(reader);
    if (parsed->zone_sign != 0 && (parsed->zone_hour < 0 || parsed->zone_hour > ZONE_HOURS_MAX ||
                                   parsed->zone_minute < 0 || parsed->zone_minute > 59))
        return error_set(reader->error, STATUS_INVALID_TIME_ZONE_DISPLACEMENT,
                         "time zone displacement out of range: \"%.*s\"",
                         SLICE_ARGUMENTS(reader->text));
    all.moment.micro = (int)micro;
    *out = all.moment;
    return OK;
}

static Status read_text(EvaluationContext *context, const Value *arguments, Reader *reader,
                        Moment *moment, Error *error)
{
    FormatTemplate format;
    *reader = (Reader){.text = arguments[0].as.bytes, .error = error};
    TRY(format_parse_datetime(context->arena, arguments[1].as.bytes, &format, error));
    TRY(format_read_datetime(reader->text, &format, &reader->parsed, error));
    return assemble(reader, moment);
}

static Status not_in_range(const Reader *reader, const char *what)
{
    return error_set(reader->error, STATUS_DATETIME_FIELD_OVERFLOW, "%s out of range: \"%.*s\"",
                     what, SLICE_ARGUMENTS(reader->text));
}

FUNCTION(text_to_date)
{
    Reader reader;
    Moment moment;
    TRY(read_text(context, arguments, &reader, &moment, error));
    int64_t days = calendar_days(moment.year, moment.month, moment.day);
    if (days < DATE_DAYS_MIN || days > DATE_DAYS_MAX)
        return not_in_range(&reader, "date");
    *result = value_integer(TYPE_DATE, days);
    return OK;
}

/* To as many digits of the second as FFn gave. */
static int64_t round_fraction(int64_t micros, int digits)
{
    int64_t unit = 1;
    for (; digits > 0 && digits < 6; digits++)
        unit *= 10;
    int64_t half = micros >= 0 ? unit / 2 : -(unit / 2);
    return (micros + half) / unit * unit;
}

FUNCTION(text_to_timestamp)
{
    Reader reader;
    Moment moment;
    TRY(read_text(context, arguments, &reader, &moment, error));
    const Parsed *parsed = &reader.parsed;
    int64_t east = parsed->zone_sign * (parsed->zone_hour * 60LL + parsed->zone_minute) * 60;
    Int128 micros = (Int128)calendar_days(moment.year, moment.month, moment.day) * MICROS_PER_DAY +
                    moment_clock(&moment) - east * MICROS_PER_SECOND;
    if (micros < TIMESTAMP_MICROS_MIN || micros > TIMESTAMP_MICROS_MAX - MICROS_PER_SECOND)
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "timestamp out of range");
    *result =
        value_integer(TYPE_TIMESTAMPTZ, round_fraction((int64_t)micros, parsed->fraction_digits));
    return OK;
}
