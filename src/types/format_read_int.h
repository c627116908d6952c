/* What to_date and to_timestamp read by a template, before it is put together.
 *
 * Threading: pure functions. Errors: PostgreSQL's. */
#ifndef FIRN_TYPES_FORMAT_READ_INT_H
#define FIRN_TYPES_FORMAT_READ_INT_H

#include "types/format_int.h"
#include "types/function_datetime_int.h"

/* What was read; 0 is what PostgreSQL takes for "not given". */
typedef struct Parsed {
    enum PatternConvention convention;
    int hour;
    int minute;
    int second;
    int second_of_day;
    int month;
    int day;
    int weekday; /* 1 is Sunday */
    int year_day;
    int week;
    int week_of_month;
    int julian;
    int millisecond;
    int microsecond;
    int fraction_digits; /* of FFn; 0: none was given */
    int year;
    int year_digits; /* of the pattern */
    int century;
    int is_bc;
    int is_pm;
    bool has_12_hours;
    int zone_sign;
    int zone_hour;
    int zone_minute;
} Parsed;

/* Follows the template along the text; what is left of either is ignored. */
CHECKED Status format_read_datetime(Slice text, const FormatTemplate *format, Parsed *out,
                                    Error *error);

#endif
