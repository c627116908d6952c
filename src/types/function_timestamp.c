/* TIMESTAMP and TIMESTAMPTZ: adding, subtracting, truncating, moving between zones. */
#include "types/function_datetime_int.h"

Status timestamp_out_of_range(Error *error)
{
    return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "timestamp out of range");
}

Status timestamp_result(TypeKind kind, Int128 micros, Value *result, Error *error)
{
    if (micros < TIMESTAMP_MICROS_MIN || micros > TIMESTAMP_MICROS_MAX)
        return timestamp_out_of_range(error);
    *result = value_integer(kind, (int64_t)micros);
    return OK;
}

Status timestamp_of_moment(const Moment *moment, int64_t *out, Error *error)
{
    return moment_to_micros(moment, out) ? OK : timestamp_out_of_range(error);
}

Status timestamp_of_date(int64_t days, int64_t *out, Error *error)
{
    Value date = value_integer(TYPE_DATE, days);
    Value timestamp;
    TRY(value_cast(NULL, &date, TYPE(DATE), TYPE(TIMESTAMP), CAST_IMPLICIT, &timestamp, error));
    *out = timestamp.as.integer;
    return OK;
}

/* ---- adding intervals ---- */

static Status add_months(int64_t micros, int32_t months, int64_t *out, Error *error)
{
    Moment moment = moment_from_micros(micros);
    int64_t month = moment.month - 1 + (int64_t)months;
    int64_t years = month / 12 - (month % 12 < 0);
    moment.year += years;
    moment.month = (int)(month - years * 12) + 1;
    int last = calendar_month_days(moment.year, moment.month);
    moment.day = moment.day > last ? last : moment.day;
    return timestamp_of_moment(&moment, out, error);
}

static Status add_micros(int64_t micros, Int128 more, int64_t *out, Error *error)
{
    Value value;
    TRY(timestamp_result(TYPE_TIMESTAMP, micros + more, &value, error));
    *out = value.as.integer;
    return OK;
}

Status timestamp_add(int64_t micros, Interval interval, int64_t *out, Error *error)
{
    if (!timestamp_is_infinite(micros)) {
        if (interval.months != 0)
            TRY(add_months(micros, interval.months, &micros, error));
        TRY(add_micros(micros, (Int128)interval.days * MICROS_PER_DAY, &micros, error));
        TRY(add_micros(micros, interval.micros, &micros, error));
    }
    *out = micros;
    return OK;
}

static Status add_interval(TypeKind kind, int64_t micros, Interval interval, Value *result,
                           Error *error)
{
    int64_t sum;
    TRY(timestamp_add(micros, interval, &sum, error));
    *result = value_integer(kind, sum);
    return OK;
}

static Status subtract_interval(TypeKind kind, int64_t micros, Interval interval, Value *result,
                                Error *error)
{
    TRY(interval_negate(interval, &interval, error));
    return add_interval(kind, micros, interval, result, error);
}

/* ---- differences ---- */

static Status subtract(int64_t a, int64_t b, Value *result, Error *error)
{
    if (timestamp_is_infinite(a) || timestamp_is_infinite(b))
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW,
                         "cannot subtract infinite timestamps");
    Interval interval = {0};
    if (__builtin_sub_overflow(a, b, &interval.micros))
        return interval_out_of_range(error);
    TRY(interval_justify_hours(&interval, error));
    *result = value_interval(interval);
    return OK;
}

/* Borrows from the next larger part until no part is negative; days of the month that `month_of`
 * lies in. */
static void borrow(Moment *difference, const Moment *month_of)
{
    while (difference->micro < 0) {
        difference->micro += MICROS_PER_SECOND;
        difference->second--;
    }
    while (difference->second < 0) {
        difference->second += 60;
        difference->minute--;
    }
    while (difference->minute < 0) {
        difference->minute += 60;
        difference->hour--;
    }
    while (difference->hour < 0) {
        difference->hour += 24;
        difference->day--;
    }
    while (difference->day < 0) {
        difference->day += calendar_month_days(month_of->year, month_of->month);
        difference->month--;
    }
    while (difference->month < 0) {
        difference->month += 12;
        difference->year--;
    }
}

/* a - b in years, months, days and clock time, where a >= b; days are borrowed from b's month, or
 * from a's where the arguments stood the other way round. */
static Interval age_of(int64_t a, int64_t b, bool swapped)
{
    Moment x = moment_from_micros(a);
    Moment y = moment_from_micros(b);
    Moment difference = {x.year - y.year,  x.month - y.month,   x.day - y.day,
                         x.hour - y.hour,  x.minute - y.minute, x.second - y.second,
                         x.micro - y.micro};
    borrow(&difference, &y);
    Interval age = {(int32_t)(difference.year * 12 + difference.month), difference.day,
                    moment_clock(&difference)};
    return swapped ? (Interval){-age.months, -age.days, -age.micros} : age;
}

static Status age(int64_t a, int64_t b, Value *result, Error *error)
{
    if (timestamp_is_infinite(a) || timestamp_is_infinite(b))
        return timestamp_out_of_range(error);
    *result = value_interval(a >= b ? age_of(a, b, false) : age_of(b, a, true));
    return OK;
}

/* With one argument: from it to midnight today. */
static Status age_of_arguments(const EvaluationContext *context, const Value *arguments,
                               uint32_t count, Value *result, Error *error)
{
    if (count > 1)
        return age(arguments[0].as.integer, arguments[1].as.integer, result, error);
    int64_t now;
    int64_t clock;
    TRY(context_now(context, &now, error));
    (void)micros_to_days(now, &clock);
    return age(now - clock, arguments[0].as.integer, result, error);
}

/* ---- truncating ---- */

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The first year of the decade, century or millennium; the last two begin with year 1. */
static int64_t truncate_year(int64_t year, DatetimeUnit unit)
{
    if (unit == UNIT_DECADE)
        return floor_divide(year, 10) * 10;
    int64_t span = unit == UNIT_CENTURY ? 100 : 1000;
    return floor_divide(year - 1, span) * span + 1;
}

static bool truncate_date(Moment *moment, DatetimeUnit unit)
{
    switch (unit) {
    case UNIT_MILLENNIUM:
    case UNIT_CENTURY:
    case UNIT_DECADE:
        moment->year = truncate_year(moment->year, unit);
        moment->month = 1;
        break;
    case UNIT_YEAR:
        moment->month = 1;
        break;
    case UNIT_QUARTER:
        moment->month = 3 * ((moment->month - 1) / 3) + 1;
        break;
    case UNIT_MONTH:
        break;
    default:
        return false;
    }
    *moment = (Moment){.year = moment->year, .month = moment->month, .day = 1};
    return true;
}

/* The length of a unit that divides the day; 0 for others. */
static int64_t unit_micros(DatetimeUnit unit)
{
    switch (unit) {
    case UNIT_DAY:
        return MICROS_PER_DAY;
    case UNIT_HOUR:
        return MICROS_PER_HOUR;
    case UNIT_MINUTE:
        return MICROS_PER_MINUTE;
    case UNIT_SECOND:
        return MICROS_PER_SECOND;
    case UNIT_MILLISECOND:
        return 1000;
    case UNIT_MICROSECOND:
        return 1;
    default:
        return 0;
    }
}

static Status truncate(TypeKind kind, Slice name, int64_t micros, int64_t *out, Error *error)
{
    DatetimeUnit unit = datetime_unit(name, false);
    int64_t clock;
    if (timestamp_is_infinite(micros)) {
        *out = micros;
        return OK;
    }
    int64_t days = micros_to_days(micros, &clock);
    Moment moment = moment_from_micros(micros);
    if (truncate_date(&moment, unit))
        return timestamp_of_moment(&moment, out, error);
    int64_t span = unit_micros(unit);
    if (span > 0)
        *out = micros - clock + clock / span * span;
    else if (unit == UNIT_WEEK) /* its Monday */
        return add_micros(micros, -clock - ((calendar_weekday(days) + 6) % 7) * MICROS_PER_DAY, out,
                          error);
    else
        return unit_error(unit, name, kind, error);
    return OK;
}

FUNCTION(date_trunc_timestamp)
{
    int64_t micros;
    TRY(truncate(TYPE_TIMESTAMP, arguments[0].as.bytes, arguments[1].as.integer, &micros, error));
    *result = value_integer(TYPE_TIMESTAMP, micros);
    return OK;
}

FUNCTION(date_trunc_timestamptz)
{
    int32_t east = 0;
    int64_t micros = arguments[1].as.integer;
    if (count > 2)
        TRY(zone_read(arguments[2].as.bytes, &east, error));
    if (timestamp_is_infinite(micros)) {
        *result = arguments[1];
        return OK;
    }
    TRY(add_micros(micros, east * MICROS_PER_SECOND, &micros, error));
    TRY(truncate(TYPE_TIMESTAMPTZ, arguments[0].as.bytes, micros, &micros, error));
    return timestamp_result(TYPE_TIMESTAMPTZ, (Int128)micros - east * MICROS_PER_SECOND, result,
                            error);
}

/* ---- date_bin ---- */

static Status stride_micros(Interval stride, int64_t *out, Error *error)
{
    if (stride.months != 0)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "timestamps cannot be binned into intervals containing months or years");
    if (__builtin_mul_overflow((int64_t)stride.days, MICROS_PER_DAY, out) ||
        __builtin_add_overflow(*out, stride.micros, out))
        return interval_out_of_range(error);
    if (*out <= 0)
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "stride must be greater than zero");
    return OK;
}

static Status bin(TypeKind kind, const Value *arguments, Value *result, Error *error)
{
    int64_t micros = arguments[1].as.integer;
    int64_t origin = arguments[2].as.integer;
    int64_t stride;
    int64_t difference;
    if (timestamp_is_infinite(micros)) {
        *result = arguments[1];
        return OK;
    }
    if (timestamp_is_infinite(origin))
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "origin out of range");
    TRY(stride_micros(arguments[0].as.interval, &stride, error));
    if (__builtin_sub_overflow(micros, origin, &difference))
        return interval_out_of_range(error);
    int64_t rest = difference % stride;
    Int128 start = (Int128)micros - rest - (rest < 0 ? stride : 0);
    return timestamp_result(kind, start, result, error);
}

/* ---- zones ---- */

static Status shift(TypeKind kind, int64_t micros, int64_t seconds, Value *result, Error *error)
{
    if (timestamp_is_infinite(micros)) {
        *result = value_integer(kind, micros);
        return OK;
    }
    return timestamp_result(kind, (Int128)micros + seconds * MICROS_PER_SECOND, result, error);
}

FUNCTION(timestamp_at_zone)
{
    int32_t east;
    TRY(zone_read(arguments[0].as.bytes, &east, error));
    return shift(TYPE_TIMESTAMPTZ, arguments[1].as.integer, -east, result, error);
}

FUNCTION(timestamptz_at_zone)
{
    int32_t east;
    TRY(zone_read(arguments[0].as.bytes, &east, error));
    return shift(TYPE_TIMESTAMP, arguments[1].as.integer, east, result, error);
}

static Status interval_seconds(Interval zone, int64_t *out, Error *error)
{
    if (zone.months != 0 || zone.days != 0) {
        char text[DATETIME_TEXT_BYTES_MAX];
        int size = (int)interval_write(zone, text);
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "interval time zone \"%.*s\" must not include months or days", size, text);
    }
    *out = zone.micros / MICROS_PER_SECOND;
    return OK;
}

FUNCTION(timestamp_at_interval)
{
    int64_t east;
    TRY(interval_seconds(arguments[0].as.interval, &east, error));
    return shift(TYPE_TIMESTAMPTZ, arguments[1].as.integer, -east, result, error);
}

FUNCTION(timestamptz_at_interval)
{
    int64_t east;
    TRY(interval_seconds(arguments[0].as.interval, &east, error));
    return shift(TYPE_TIMESTAMP, arguments[1].as.integer, east, result, error);
}

/* ---- the same for both kinds: every day has 24 hours in UTC ---- */

#define TIMESTAMP_FUNCTIONS(type, kind)                                                           \
    FUNCTION(type##_add_interval)                                                                 \
    {                                                                                             \
        return add_interval(kind, arguments[0].as.integer, arguments[1].as.interval, result,      \
                            error);                                                               \
    }                                                                                             \
    FUNCTION(type##_subtract_interval)                                                            \
    {                                                                                             \
        return subtract_interval(kind, arguments[0].as.integer, arguments[1].as.interval, result, \
                                 error);                                                          \
    }                                                                                             \
    FUNCTION(type##_subtract)                                                                     \
    {                                                                                             \
        return subtract(arguments[0].as.integer, arguments[1].as.integer, result, error);         \
    }                                                                                             \
    FUNCTION(type##_age)                                                                          \
    {                                                                                             \
        return age_of_arguments(context, arguments, count, result, error);                        \
    }                                                                                             \
    FUNCTION(type##_bin)                                                                          \
    {                                                                                             \
        return bin(kind, arguments, result, error);                                               \
    }                                                                                             \
    FUNCTION(isfinite_##type)                                                                     \
    {                                                                                             \
        *result = value_boolean(!timestamp_is_infinite(arguments[0].as.integer));                 \
        return OK;                                                                                \
    }

TIMESTAMP_FUNCTIONS(timestamp, TYPE_TIMESTAMP)
TIMESTAMP_FUNCTIONS(timestamptz, TYPE_TIMESTAMPTZ)
