/* extract() and date_part(): one part of a date, time or interval. Both compute the part exactly;
 * date_part gives it as a double. */
#include <math.h>

#include "types/decimal_int.h"
#include "types/function_datetime_int.h"

enum { UNIT_BYTES_MAX = 64 };

/* ---- units ---- */

DatetimeUnit datetime_unit(Slice name, bool allow_special)
{
    uint8_t lowered[UNIT_BYTES_MAX];
    int value = 0;
    if (name.size > sizeof lowered)
        return UNIT_NONE;
    for (size_t i = 0; i < name.size; i++)
        lowered[i] = text_lower_ascii(name.data[i]);
    Slice word = slice_of(lowered, name.size);
    if (interval_word(word, &value) == WORD_UNIT)
        return (DatetimeUnit)value;
    if (!allow_special)
        return UNIT_NONE;
    WordKind kind = datetime_word(word, &value);
    if (kind == WORD_SPECIAL) /* a word of dates, but none of their parts */
        return value == SPECIAL_EPOCH ? UNIT_EPOCH : UNIT_TIME;
    return kind == WORD_UNIT ? (DatetimeUnit)value : UNIT_NONE;
}

Status unit_error(DatetimeUnit unit, Slice name, TypeKind kind, Error *error)
{
    char type[TYPE_NAME_BYTES_MAX];
    char lowered[UNIT_BYTES_MAX];
    size_t size = name.size < sizeof lowered ? name.size : sizeof lowered;
    for (size_t i = 0; i < size; i++)
        lowered[i] = (char)text_lower_ascii(name.data[i]);
    type_postgres_name(TYPE_OF_KIND(kind), type);
    bool knows_specials = kind != TYPE_TIME && kind != TYPE_INTERVAL;
    if (unit == UNIT_NONE || (unit == UNIT_TIME && !knows_specials))
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "unit \"%.*s\" not recognized for type %s", (int)size, lowered, type);
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "unit \"%.*s\" not supported for type %s",
                     (int)size, lowered, type);
}

/* ---- what was extracted ---- */

enum PartKind {
    PART_NUMBER,
    PART_NULL,     /* of an infinite time: what comes and goes */
    PART_INFINITE, /* what only grows */
    PART_MINUS_INFINITE,
    PART_UNKNOWN, /* not a unit of this type */
};

typedef struct Part {
    enum PartKind kind;
    Decimal number;
    double real; /* date_part's answer; PostgreSQL computes some parts in floating point */
} Part;

static Part whole(int64_t n)
{
    return (Part){PART_NUMBER, {n, 0}, (double)n};
}

/* micros as seconds or milliseconds */
static Part fraction(Int128 micros, unsigned scale)
{
    double divisor = scale == 6 ? 1e6 : 1e3;
    return (Part){PART_NUMBER, {micros, scale}, (double)micros / divisor};
}

static const Part unknown = {PART_UNKNOWN, {0, 0}, 0};

static Part part_of_clock(int64_t clock, DatetimeUnit unit)
{
    int64_t in_minute = clock % MICROS_PER_MINUTE;
    switch (unit) {
    case UNIT_MICROSECOND:
        return whole(in_minute);
    case UNIT_MILLISECOND:
        return fraction(in_minute, 3);
    case UNIT_SECOND:
        return fraction(in_minute, 6);
    case UNIT_MINUTE:
        return whole(clock / MICROS_PER_MINUTE % 60);
    case UNIT_HOUR:
        return whole(clock / MICROS_PER_HOUR);
    default:
        return unknown;
    }
}

/* Years count on from -1 to 1, and so do longer spans of them. */
static int64_t part_of_year(int64_t year, DatetimeUnit unit)
{
    switch (unit) {
    case UNIT_YEAR:
        return year > 0 ? year : year - 1;
    case UNIT_DECADE:
        return year >= 0 ? year / 10 : -((8 - (year - 1)) / 10);
    case UNIT_CENTURY:
        return year > 0 ? (year + 99) / 100 : -((99 - (year - 1)) / 100);
    default:
        return year > 0 ? (year + 999) / 1000 : -((999 - (year - 1)) / 1000);
    }
}

static Part part_of_days(int64_t days, DatetimeUnit unit)
{
    int64_t year;
    int64_t iso_year;
    int month;
    int day;
    calendar_from_days(days, &year, &month, &day);
    int week = calendar_iso_week(days, &iso_year);
    int weekday = calendar_weekday(days);
    switch (unit) {
    case UNIT_DAY:
        return whole(day);
    case UNIT_MONTH:
        return whole(month);
    case UNIT_QUARTER:
        return whole((month - 1) / 3 + 1);
    case UNIT_WEEK:
        return whole(week);
    case UNIT_YEAR:
    case UNIT_DECADE:
    case UNIT_CENTURY:
    case UNIT_MILLENNIUM:
        return whole(part_of_year(year, unit));
    case UNIT_ISO_YEAR:
        return whole(iso_year > 0 ? iso_year : iso_year - 1);
    case UNIT_DAY_OF_WEEK:
        return whole(weekday);
    case UNIT_ISO_DAY_OF_WEEK:
        return whole(weekday == 0 ? 7 : weekday);
    case UNIT_DAY_OF_YEAR:
        return whole(calendar_year_day(days));
    default:
        return unknown;
    }
}

static Part part_of_infinity(bool is_negative, DatetimeUnit unit, bool has_clock)
{
    Part infinite = {is_negative ? PART_MINUS_INFINITE : PART_INFINITE, {0, 0}, 0};
    const Part nothing = {PART_NULL, {0, 0}, 0};
    infinite.real = is_negative ? -INFINITY : INFINITY;
    switch (unit) {
    case UNIT_YEAR:
    case UNIT_DECADE:
    case UNIT_CENTURY:
    case UNIT_MILLENNIUM:
    case UNIT_JULIAN:
    case UNIT_ISO_YEAR:
    case UNIT_EPOCH:
        return infinite;
    case UNIT_MICROSECOND:
    case UNIT_MILLISECOND:
    case UNIT_SECOND:
    case UNIT_MINUTE:
    case UNIT_HOUR:
        return has_clock ? nothing : unknown;
    default:
        return part_of_days(0, unit).kind == PART_UNKNOWN ? unknown : nothing;
    }
}

static Part part_of_date(int64_t days, DatetimeUnit unit)
{
    if (date_is_infinite(days))
        return part_of_infinity(days < 0, unit, false);
    if (unit == UNIT_JULIAN)
        return whole(days + JULIAN_DAY_OF_EPOCH);
    return unit == UNIT_EPOCH ? whole(days * 86400) : part_of_days(days, unit);
}

/* The day's number and the part of the day that has passed, to numeric's 16 digits. */
static Part julian_day(int64_t days, int64_t clock)
{
    Part part = whole(days + JULIAN_DAY_OF_EPOCH);
    Decimal passed = {0, 0};
    Error ignored;
    Status status =
        decimal_divide((Decimal){clock, 0}, (Decimal){MICROS_PER_DAY, 0}, &passed, &ignored);
    if (status == OK)
        status = decimal_add(part.number, passed, &part.number, &ignored);
    ASSERT(status == OK);
    int64_t seconds = clock / MICROS_PER_SECOND;
    part.real += ((double)seconds + (double)(clock % MICROS_PER_SECOND) / 1e6) / 86400.0;
    return part;
}

static Part part_of_timestamp(int64_t micros, DatetimeUnit unit, bool has_zone)
{
    bool is_zone = unit == UNIT_ZONE || unit == UNIT_ZONE_HOUR || unit == UNIT_ZONE_MINUTE;
    int64_t clock;
    if (timestamp_is_infinite(micros)) {
        const Part nothing = {PART_NULL, {0, 0}, 0};
        return is_zone ? nothing : part_of_infinity(micros < 0, unit, true);
    }
    int64_t days = micros_to_days(micros, &clock);
    if (is_zone)
        return has_zone ? whole(0) : unknown;
    if (unit == UNIT_EPOCH)
        return fraction(micros, 6);
    if (unit == UNIT_JULIAN)
        return julian_day(days, clock);
    Part part = part_of_clock(clock, unit);
    return part.kind == PART_UNKNOWN ? part_of_days(days, unit) : part;
}

static Part part_of_time(int64_t clock, DatetimeUnit unit)
{
    return unit == UNIT_EPOCH ? fraction(clock, 6) : part_of_clock(clock, unit);
}

/* A year has 365.25 days here, and a month 30. */
static Part interval_epoch(Interval interval)
{
    int64_t years = interval.months / 12;
    int64_t months = interval.months % 12;
    int64_t quarters = 1461 * years + 120 * months + 4 * (int64_t)interval.days;
    Int128 micros = (Int128)quarters * (86400 / 4) * MICROS_PER_SECOND + interval.micros;
    Part part = fraction(micros, 6);
    part.real = (double)interval.micros / 1e6;
    part.real += 365.25 * 86400.0 * (double)years;
    part.real += 30.0 * 86400.0 * (double)months;
    part.real += 86400.0 * interval.days;
    return part;
}

static Part part_of_interval(Interval interval, DatetimeUnit unit)
{
    int64_t years = interval.months / 12;
    switch (unit) {
    case UNIT_EPOCH:
        return interval_epoch(interval);
    case UNIT_DAY:
        return whole(interval.days);
    case UNIT_MONTH:
        return whole(interval.months % 12);
    case UNIT_QUARTER:
        return whole(interval.months % 12 / 3 + 1);
    case UNIT_YEAR:
        return whole(years);
    case UNIT_DECADE:
        return whole(years / 10);
    case UNIT_CENTURY:
        return whole(years / 100);
    case UNIT_MILLENNIUM:
        return whole(years / 1000);
    default:
        return part_of_clock(interval.micros, unit);
    }
}

/* ---- the functions ---- */

static Part part_of(const Value *value, DatetimeUnit unit)
{
    switch ((TypeKind)value->kind) {
    case TYPE_DATE:
        return part_of_date(value->as.integer, unit);
    case TYPE_TIME:
        return part_of_time(value->as.integer, unit);
    case TYPE_INTERVAL:
        return part_of_interval(value->as.interval, unit);
    default:
        return part_of_timestamp(value->as.integer, unit, value->kind == TYPE_TIMESTAMPTZ);
    }
}

static Status extract(const Value *arguments, Value *result, Error *error)
{
    DatetimeUnit unit = datetime_unit(arguments[0].as.bytes, true);
    Part part = part_of(&arguments[1], unit);
    if (part.kind == PART_UNKNOWN)
        return unit_error(unit, arguments[0].as.bytes, (TypeKind)arguments[1].kind, error);
    if (part.kind == PART_INFINITE || part.kind == PART_MINUS_INFINITE)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "NaN and infinity are not supported in type numeric");
    if (part.kind == PART_NUMBER)
        *result = value_of_decimal(part.number);
    return OK;
}

/* Of a DATE, date_part takes the parts of its midnight. */
static Status date_part(const Value *arguments, Value *result, Error *error)
{
    DatetimeUnit unit = datetime_unit(arguments[0].as.bytes, true);
    Value value = arguments[1];
    if (value.kind == TYPE_DATE) {
        value.kind = TYPE_TIMESTAMP;
        TRY(timestamp_of_date(arguments[1].as.integer, &value.as.integer, error));
    }
    Part part = part_of(&value, unit);
    if (part.kind == PART_UNKNOWN)
        return unit_error(unit, arguments[0].as.bytes, (TypeKind)value.kind, error);
    if (part.kind != PART_NULL)
        *result = value_double(part.real);
    return OK;
}

#define EXTRACT_FUNCTIONS(type)                     \
    FUNCTION(extract_##type)                        \
    {                                               \
        return extract(arguments, result, error);   \
    }                                               \
    FUNCTION(date_part_##type)                      \
    {                                               \
        return date_part(arguments, result, error); \
    }

EXTRACT_FUNCTIONS(date)
EXTRACT_FUNCTIONS(time)
EXTRACT_FUNCTIONS(timestamp)
EXTRACT_FUNCTIONS(timestamptz)
EXTRACT_FUNCTIONS(interval)
