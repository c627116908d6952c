/* The calendar: days, months and clock time as PostgreSQL counts them (proleptic Gregorian, years
 * before 1 shown with BC), from 4714-11-24 BC on.
 *
 * Threading: pure functions. Errors: none here; callers know the texts. */
#ifndef FIRN_TYPES_CALENDAR_INT_H
#define FIRN_TYPES_CALENDAR_INT_H

#include <stdbool.h>
#include <stdint.h>

#define MICROS_PER_SECOND 1000000LL
#define MICROS_PER_MINUTE (60 * MICROS_PER_SECOND)
#define MICROS_PER_HOUR   (60 * MICROS_PER_MINUTE)
#define MICROS_PER_DAY    (24 * MICROS_PER_HOUR)

/* The first and last day of a DATE and the first and last microsecond of a timestamp. PostgreSQL
 * counts timestamps from 2000, so its last (294276-12-31) lies some 30 years after ours. */
#define DATE_DAYS_MIN        (-2440588) /* 4714-11-24 BC */
#define DATE_DAYS_MAX        2145042905 /* 5874897-12-31 */
#define TIMESTAMP_MICROS_MIN (DATE_DAYS_MIN * MICROS_PER_DAY)
#define TIMESTAMP_MICROS_MAX (INT64_MAX - 1) /* 294247-01-10 04:00:54.775806 */

enum { JULIAN_DAY_OF_EPOCH = 2440588 };

/* A point in time taken apart. Years are astronomical: 0 is 1 BC. */
typedef struct Moment {
    int64_t year;
    int month; /* 1–12 */
    int day;   /* 1–31 */
    int hour;
    int minute;
    int second;
    int micro; /* of the second */
} Moment;

bool calendar_is_leap(int64_t year);
int calendar_month_days(int64_t year, int month);

/* Days since 1970-01-01; month and day must be in their ranges. */
int64_t calendar_days(int64_t year, int month, int day);
void calendar_from_days(int64_t days, int64_t *year, int *month, int *day);

/* Takes apart and puts together microseconds since 1970-01-01; no range is checked. */
Moment moment_from_micros(int64_t micros);
int64_t moment_clock(const Moment *moment); /* microseconds since midnight */

/* False where the timestamp is out of range. */
bool moment_to_micros(const Moment *moment, int64_t *out);

/* Days since 1970-01-01 and the microseconds of the day, also before 1970. */
int64_t micros_to_days(int64_t micros, int64_t *clock);

int calendar_weekday(int64_t days);  /* 0: Sunday */
int calendar_year_day(int64_t days); /* 1–366 */

/* The ISO 8601 week and the year it belongs to. */
int calendar_iso_week(int64_t days, int64_t *iso_year);

/* The Monday of an ISO year's first week. */
int64_t calendar_iso_year_start(int64_t iso_year);

#endif
