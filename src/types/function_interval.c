/* INTERVAL: arithmetic as PostgreSQL has it, months, days and clock time apart. */
#include <math.h>

#include "types/function_datetime_int.h"

enum { DAYS_PER_MONTH = 30 };

Status interval_out_of_range(Error *error)
{
    return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "interval out of range");
}

/* ---- adding ---- */

Status interval_sum(Interval a, Interval b, Interval *out, Error *error)
{
    if (__builtin_add_overflow(a.months, b.months, &a.months) ||
        __builtin_add_overflow(a.days, b.days, &a.days) ||
        __builtin_add_overflow(a.micros, b.micros, &a.micros))
        return interval_out_of_range(error);
    *out = a;
    return OK;
}

Status interval_negate(Interval interval, Interval *out, Error *error)
{
    if (interval.months == INT32_MIN || interval.days == INT32_MIN || interval.micros == INT64_MIN)
        return interval_out_of_range(error);
    *out = (Interval){-interval.months, -interval.days, -interval.micros};
    return OK;
}

FUNCTION(interval_add)
{
    Interval sum;
    TRY(interval_sum(arguments[0].as.interval, arguments[1].as.interval, &sum, error));
    *result = value_interval(sum);
    return OK;
}

FUNCTION(interval_subtract)
{
    Interval a = arguments[0].as.interval;
    Interval b = arguments[1].as.interval;
    if (__builtin_sub_overflow(a.months, b.months, &a.months) ||
        __builtin_sub_overflow(a.days, b.days, &a.days) ||
        __builtin_sub_overflow(a.micros, b.micros, &a.micros))
        return interval_out_of_range(error);
    *result = value_interval(a);
    return OK;
}

FUNCTION(interval_negate)
{
    Interval negative;
    TRY(interval_negate(arguments[0].as.interval, &negative, error));
    *result = value_interval(negative);
    return OK;
}

/* ---- multiplying: fractions of months become days of 30 to the month, those of days time ---- */

static double round_to_micros(double x)
{
    return rint(x * 1e6) / 1e6;
}

static bool to_int32(double x, int32_t *out)
{
    if (!(x >= INT32_MIN && x <= INT32_MAX))
        return false;
    *out = (int32_t)x;
    return true;
}

/* The products are the caller's, so that a division divides. */
static Status spread(double months, double days, double micros, Value *result, Error *error)
{
    Interval out;
    if (!to_int32(months, &out.months) || !to_int32(days, &out.days))
        return interval_out_of_range(error);
    double month_days = round_to_micros((months - out.months) * DAYS_PER_MONTH);
    double seconds = round_to_micros((days - out.days + month_days - (int)month_days) * 86400.0);
    if (fabs(seconds) >= 86400) {
        out.days += (int)(seconds / 86400);
        seconds -= (int)(seconds / 86400) * 86400.0;
    }
    if (__builtin_add_overflow(out.days, (int32_t)month_days, &out.days))
        return interval_out_of_range(error);
    double all = rint(micros + seconds * 1e6);
    if (!(all >= -9223372036854775808.0 && all < 9223372036854775808.0))
        return interval_out_of_range(error);
    out.micros = (int64_t)all;
    *result = value_interval(out);
    return OK;
}

FUNCTION(interval_multiply)
{
    Interval interval = arguments[0].as.interval;
    double factor = arguments[1].as.real;
    return spread(interval.months * factor, interval.days * factor,
                  (double)interval.micros * factor, result, error);
}

FUNCTION(interval_divide)
{
    Interval interval = arguments[0].as.interval;
    double divisor = arguments[1].as.real;
    if (divisor == 0)
        return error_set(error, STATUS_DIVISION_BY_ZERO, "division by zero");
    return spread(interval.months / divisor, interval.days / divisor,
                  (double)interval.micros / divisor, result, error);
}

/* ---- justifying ---- */

static Status move_days_to_months(Interval *interval, Error *error)
{
    int32_t months = interval->days / DAYS_PER_MONTH;
    interval->days -= months * DAYS_PER_MONTH;
    if (__builtin_add_overflow(interval->months, months, &interval->months))
        return interval_out_of_range(error);
    return OK;
}

static Status move_hours_to_days(Interval *interval, Error *error)
{
    int64_t days = interval->micros / MICROS_PER_DAY;
    interval->micros -= days * MICROS_PER_DAY;
    if (__builtin_add_overflow(interval->days, (int32_t)days, &interval->days))
        return interval_out_of_range(error);
    return OK;
}

/* Days and time get the same sign. */
static void align_hours(Interval *interval)
{
    if (interval->days > 0 && interval->micros < 0) {
        interval->micros += MICROS_PER_DAY;
        interval->days--;
    } else if (interval->days < 0 && interval->micros > 0) {
        interval->micros -= MICROS_PER_DAY;
        interval->days++;
    }
}

Status interval_justify_hours(Interval *interval, Error *error)
{
    TRY(move_hours_to_days(interval, error));
    align_hours(interval);
    return OK;
}

FUNCTION(interval_justify_hours)
{
    Interval interval = arguments[0].as.interval;
    TRY(interval_justify_hours(&interval, error));
    *result = value_interval(interval);
    return OK;
}

/* Months and days get the same sign; `time` says which way days of zero lean. */
static void align_days(Interval *interval, int64_t time)
{
    bool is_below = interval->days < 0 || (interval->days == 0 && time < 0);
    bool is_above = interval->days > 0 || (interval->days == 0 && time > 0);
    if (interval->months > 0 && is_below) {
        interval->days += DAYS_PER_MONTH;
        interval->months--;
    } else if (interval->months < 0 && is_above) {
        interval->days -= DAYS_PER_MONTH;
        interval->months++;
    }
}

FUNCTION(interval_justify_days)
{
    Interval interval = arguments[0].as.interval;
    TRY(move_days_to_months(&interval, error));
    align_days(&interval, 0);
    *result = value_interval(interval);
    return OK;
}

FUNCTION(interval_justify_interval)
{
    Interval interval = arguments[0].as.interval;
    bool same_sign =
        (interval.days > 0 && interval.micros > 0) || (interval.days < 0 && interval.micros < 0);
    if (same_sign) /* first, so that the days do not overflow */
        TRY(move_days_to_months(&interval, error));
    TRY(move_hours_to_days(&interval, error));
    TRY(move_days_to_months(&interval, error));
    align_days(&interval, interval.micros);
    align_hours(&interval);
    *result = value_interval(interval);
    return OK;
}

FUNCTION(isfinite_interval)
{
    *result = value_boolean(true);
    return OK;
}

/* ---- truncating ---- */

static bool truncate_months(Interval *interval, DatetimeUnit unit)
{
    int32_t span = unit == UNIT_MILLENNIUM ? 12000
                   : unit == UNIT_CENTURY  ? 1200
                   : unit == UNIT_DECADE   ? 120
                   : unit == UNIT_YEAR     ? 12
                   : unit == UNIT_QUARTER  ? 3
                   : unit == UNIT_MONTH    ? 1
                                           : 0;
    if (span == 0)
        return false;
    *interval = (Interval){interval->months / span * span, 0, 0};
    return true;
}

static int64_t unit_micros(DatetimeUnit unit)
{
    switch (unit) {
    case UNIT_DAY:
        return INT64_MAX; /* nothing of the time is left */
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

FUNCTION(date_trunc_interval)
{
    Interval interval = arguments[1].as.interval;
    DatetimeUnit unit = datetime_unit(arguments[0].as.bytes, false);
    if (!truncate_months(&interval, unit)) {
        int64_t span = unit_micros(unit);
        if (span == 0) {
            Status status = unit_error(unit, arguments[0].as.bytes, TYPE_INTERVAL, error);
            if (unit == UNIT_WEEK)
                error_set_detail(error, "Months usually have fractional weeks.");
            return status;
        }
        interval.micros = span == INT64_MAX ? 0 : interval.micros / span * span;
    }
    *result = value_interval(interval);
    return OK;
}

/* ---- making ---- */

FUNCTION(make_interval)
{
    Int128 months = (Int128)arguments[0].as.integer * 12 + arguments[1].as.integer;
    Int128 days = (Int128)arguments[2].as.integer * 7 + arguments[3].as.integer;
    Int128 micros = (Int128)arguments[4].as.integer * MICROS_PER_HOUR +
                    (Int128)arguments[5].as.integer * MICROS_PER_MINUTE;
    double seconds = rint(arguments[6].as.real * 1e6);
    if (!(fabs(seconds) < 9.2e18))
        return interval_out_of_range(error);
    micros += (int64_t)seconds;
    if (months != (int32_t)months || days != (int32_t)days || micros != (int64_t)micros)
        return interval_out_of_range(error);
    *result = value_interval((Interval){(int32_t)months, (int32_t)days, (int64_t)micros});
    return OK;
}
