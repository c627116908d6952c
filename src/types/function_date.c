/* DATE and TIME: arithmetic, making them from numbers, and the clock. */
#include <math.h>

#include "types/function_datetime_int.h"

enum { TIME_PRECISION_MAX = 6 };

static Status date_out_of_range(Error *error)
{
    return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "date out of range");
}

/* ---- days ---- */

static Status add_days(int64_t date, int64_t days, Value *result, Error *error)
{
    if (!date_is_infinite(date)) {
        date += days;
        if (date < DATE_DAYS_MIN || date > DATE_DAYS_MAX)
            return date_out_of_range(error);
    }
    *result = value_integer(TYPE_DATE, date);
    return OK;
}

FUNCTION(date_add_days)
{
    return add_days(arguments[0].as.integer, arguments[1].as.integer, result, error);
}

FUNCTION(date_subtract_days)
{
    return add_days(arguments[0].as.integer, -arguments[1].as.integer, result, error);
}

FUNCTION(date_subtract)
{
    int64_t a = arguments[0].as.integer;
    int64_t b = arguments[1].as.integer;
    if (date_is_infinite(a) || date_is_infinite(b))
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "cannot subtract infinite dates");
    return integer_result(TYPE_INTEGER, (Int128)a - b, result, error);
}

FUNCTION(date_add_interval)
{
    int64_t micros;
    TRY(timestamp_of_date(arguments[0].as.integer, &micros, error));
    TRY(timestamp_add(micros, arguments[1].as.interval, &micros, error));
    *result = value_integer(TYPE_TIMESTAMP, micros);
    return OK;
}

FUNCTION(date_subtract_interval)
{
    int64_t micros;
    Interval negative;
    TRY(interval_negate(arguments[1].as.interval, &negative, error));
    TRY(timestamp_of_date(arguments[0].as.integer, &micros, error));
    TRY(timestamp_add(micros, negative, &micros, error));
    *result = value_integer(TYPE_TIMESTAMP, micros);
    return OK;
}

FUNCTION(date_add_time)
{
    int64_t micros;
    TRY(timestamp_of_date(arguments[0].as.integer, &micros, error));
    if (timestamp_is_infinite(micros)) {
        *result = value_integer(TYPE_TIMESTAMP, micros);
        return OK;
    }
    return timestamp_result(TYPE_TIMESTAMP, (Int128)micros + arguments[1].as.integer, result,
                            error);
}

FUNCTION(isfinite_date)
{
    *result = value_boolean(!date_is_infinite(arguments[0].as.integer));
    return OK;
}

/* ---- time of day: round and round ---- */

static Status turn_clock(int64_t time, Int128 micros, Value *result)
{
    int64_t clock = (int64_t)((time + micros) % MICROS_PER_DAY);
    *result = value_integer(TYPE_TIME, clock < 0 ? clock + MICROS_PER_DAY : clock);
    return OK;
}

FUNCTION(time_add_interval)
{
    return turn_clock(arguments[0].as.integer, arguments[1].as.interval.micros, result);
}

FUNCTION(time_subtract_interval)
{
    return turn_clock(arguments[0].as.integer, -(Int128)arguments[1].as.interval.micros, result);
}

FUNCTION(time_subtract)
{
    *result = value_interval((Interval){0, 0, arguments[0].as.integer - arguments[1].as.integer});
    return OK;
}

/* ---- from numbers ---- */

/* make_date tells the year as it counts them (1 BC is 0), make_timestamp as it was given. */
static Status bad_date(const char *what, const Value *parts, bool is_counted, Error *error)
{
    long long year = (long long)parts[0].as.integer;
    return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "%s out of range: %lld-%02d-%02d", what,
                     year + (is_counted && year < 0), (int)parts[1].as.integer,
                     (int)parts[2].as.integer);
}

/* Years before Christ are negative; there is no year 0. */
static Status days_of_parts(const Value *parts, bool is_counted, int64_t *out, Error *error)
{
    int64_t year = parts[0].as.integer;
    int64_t month = parts[1].as.integer;
    int64_t day = parts[2].as.integer;
    year += year < 0;
    bool good = parts[0].as.integer != 0 && month >= 1 && month <= 12 && day >= 1 &&
                day <= calendar_month_days(year, (int)month);
    if (!good)
        return bad_date("date field value", parts, is_counted, error);
    *out = calendar_days(year, (int)month, (int)day);
    if (*out < DATE_DAYS_MIN || *out > DATE_DAYS_MAX)
        return bad_date("date", parts, is_counted, error);
    return OK;
}

static Status clock_of_parts(const Value *parts, int64_t *out, Error *error)
{
    int64_t hour = parts[0].as.integer;
    int64_t minute = parts[1].as.integer;
    double seconds = parts[2].as.real;
    double micros = rint(seconds * 1e6);
    bool good = hour >= 0 && hour <= 24 && minute >= 0 && minute < 60 && seconds >= 0 &&
                micros >= 0 && micros <= 60e6;
    if (good)
        *out = hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + (int64_t)micros;
    if (good && *out <= MICROS_PER_DAY)
        return OK;
    if (!isfinite(seconds))
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW,
                         "time field value out of range: %d:%02d:%s", (int)hour, (int)minute,
                         isnan(seconds) ? "NaN"
                         : seconds < 0  ? "-Infinity"
                                        : "Infinity");
    return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW,
                     "time field value out of range: %d:%02d:%02g", (int)hour, (int)minute,
                     seconds);
}

FUNCTION(make_date)
{
    int64_t days;
    TRY(days_of_parts(arguments, true, &days, error));
    *result = value_integer(TYPE_DATE, days);
    return OK;
}

FUNCTION(make_time)
{
    int64_t clock;
    TRY(clock_of_parts(arguments, &clock, error));
    *result = value_integer(TYPE_TIME, clock);
    return OK;
}

static Status make_timestamp(const Value *parts, int32_t east, TypeKind kind, Value *result,
                             Error *error)
{
    int64_t days;
    int64_t clock;
    TRY(days_of_parts(parts, false, &days, error));
    TRY(clock_of_parts(parts + 3, &clock, error));
    Int128 micros = (Int128)days * MICROS_PER_DAY + clock - east * MICROS_PER_SECOND;
    return timestamp_result(kind, micros, result, error);
}

FUNCTION(make_timestamp)
{
    return make_timestamp(arguments, 0, TYPE_TIMESTAMP, result, error);
}

FUNCTION(make_timestamptz)
{
    int32_t east = 0;
    if (count > 6) {
        Slice zone = arguments[6].as.bytes;
        TRY(zone_read(zone, &east, error));
        if (zone.size > 0 && (zone.data[0] == '+' || zone.data[0] == '-'))
            east = -east; /* a bare offset is ISO's here, not POSIX's */
    }
    return make_timestamp(arguments, east, TYPE_TIMESTAMPTZ, result, error);
}

/* Seconds since 1970; rounded from 2000 on, as PostgreSQL counts. */
FUNCTION(float8_to_timestamp)
{
    const double seconds_to_2000 = 946684800;
    double seconds = arguments[0].as.real;
    if (isnan(seconds))
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "timestamp cannot be NaN");
    if (isinf(seconds)) {
        *result = value_integer(TYPE_TIMESTAMPTZ,
                                seconds > 0 ? TIMESTAMP_INFINITY : TIMESTAMP_MINUS_INFINITY);
        return OK;
    }
    double micros = rint((seconds - seconds_to_2000) * 1e6);
    bool fits = fabs(micros) < 9.2e18;
    Int128 n = fits ? (Int128)(int64_t)micros + (int64_t)seconds_to_2000 * MICROS_PER_SECOND : 0;
    if (!fits || n < TIMESTAMP_MICROS_MIN || n > TIMESTAMP_MICROS_MAX)
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "timestamp out of range: \"%g\"",
                         seconds);
    *result = value_integer(TYPE_TIMESTAMPTZ, (int64_t)n);
    return OK;
}

/* ---- the clock ---- */

static Status take_precision(const Value *arguments, uint32_t count, int64_t *out, Error *error)
{
    *out = count > 0 ? arguments[0].as.integer : TIME_PRECISION_MAX;
    if (*out < 0)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "precision must not be negative");
    if (*out > TIME_PRECISION_MAX)
        *out = TIME_PRECISION_MAX;
    return OK;
}

static int64_t round_to_precision(int64_t micros, int64_t precision)
{
    int64_t unit = 1;
    for (; precision < TIME_PRECISION_MAX; precision++)
        unit *= 10;
    int64_t half = micros >= 0 ? unit / 2 : -(unit / 2);
    return (micros + half) / unit * unit;
}

static Status now_rounded(const EvaluationContext *context, const Value *arguments, uint32_t count,
                          int64_t *out, Error *error)
{
    int64_t precision;
    TRY(context_now(context, out, error));
    TRY(take_precision(arguments, count, &precision, error));
    *out = round_to_precision(*out, precision);
    return OK;
}

FUNCTION(now)
{
    int64_t micros;
    TRY(now_rounded(context, arguments, count, &micros, error));
    *result = value_integer(TYPE_TIMESTAMPTZ, micros);
    return OK;
}

FUNCTION(localtimestamp)
{
    int64_t micros;
    TRY(now_rounded(context, arguments, count, &micros, error));
    *result = value_integer(TYPE_TIMESTAMP, micros);
    return OK;
}

FUNCTION(localtime)
{
    int64_t precision;
    int64_t now;
    int64_t clock;
    TRY(context_now(context, &now, error));
    TRY(take_precision(arguments, count, &precision, error));
    (void)micros_to_days(now, &clock);
    *result = value_integer(TYPE_TIME, round_to_precision(clock, precision));
    return OK;
}

FUNCTION(current_date)
{
    int64_t now;
    int64_t clock;
    TRY(context_now(context, &now, error));
    *result = value_integer(TYPE_DATE, micros_to_days(now, &clock));
    return OK;
}

FUNCTION(clock_timestamp)
{
    if (context->clock_us == 0 && context->env == NULL)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "the current time is not available here");
    int64_t micros = context->clock_us != 0 ? context->clock_us : env_wall_us(context->env);
    *result = value_integer(TYPE_TIMESTAMPTZ, micros);
    return OK;
}
