/* What the functions of dates and times share.
 *
 * Threading: pure functions. Errors: PostgreSQL's texts, mostly 22008. */
#ifndef FIRN_TYPES_FUNCTION_DATETIME_INT_H
#define FIRN_TYPES_FUNCTION_DATETIME_INT_H

#include "types/datetime_int.h"
#include "types/function_int.h"

static inline bool timestamp_is_infinite(int64_t micros)
{
    return micros == TIMESTAMP_INFINITY || micros == TIMESTAMP_MINUS_INFINITY;
}

static inline bool date_is_infinite(int64_t days)
{
    return days == DATE_INFINITY || days == DATE_MINUS_INFINITY;
}

static inline Value value_interval(Interval interval)
{
    Value value = {.kind = TYPE_INTERVAL};
    value.as.interval = interval;
    return value;
}

Status timestamp_out_of_range(Error *error);
Status interval_out_of_range(Error *error);

/* micros as a timestamp of `kind`, where it is one. */
CHECKED Status timestamp_result(TypeKind kind, Int128 micros, Value *result, Error *error);

/* The same from its parts. */
CHECKED Status timestamp_of_moment(const Moment *moment, int64_t *out, Error *error);
CHECKED Status timestamp_of_date(int64_t days, int64_t *out, Error *error);

/* Months first (at a month's end, its last day), then days, then the rest. */
CHECKED Status timestamp_add(int64_t micros, Interval interval, int64_t *out, Error *error);
CHECKED Status interval_negate(Interval interval, Interval *out, Error *error);
CHECKED Status interval_sum(Interval a, Interval b, Interval *out, Error *error);
CHECKED Status interval_justify_hours(Interval *interval, Error *error);

/* A unit's name in any case; UNIT_NONE where it is none. `allow_special`: epoch and what only dates
 * know (extract); without it what date_trunc knows. */
DatetimeUnit datetime_unit(Slice name, bool allow_special);

/* `unit "x" not recognized for type t`, or not supported. */
Status unit_error(DatetimeUnit unit, Slice name, TypeKind kind, Error *error);

#endif
