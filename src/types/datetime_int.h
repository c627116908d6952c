/* Dates and times as text: PostgreSQL's output (DateStyle ISO, TimeZone UTC) and input.
 *
 * Threading: pure functions. Ownership: values. Errors: PostgreSQL's codes and texts; named time
 * zones (Europe/Berlin) are FEATURE_NOT_SUPPORTED, because this room has no zone data: UTC, numeric
 * offsets and PostgreSQL's fixed abbreviations are known. */
#ifndef FIRN_TYPES_DATETIME_INT_H
#define FIRN_TYPES_DATETIME_INT_H

#include "types/calendar_int.h"
#include "types/value.h"

enum { DATETIME_TEXT_BYTES_MAX = 80 };

/* ---- output: into `out`, not NUL-terminated; the size is returned ---- */

enum DatetimeStyle {
    DATETIME_SQL, /* 2020-01-01 10:00:00+00 */
    DATETIME_ISO, /* 2020-01-01T10:00:00+00:00, as JSON has it */
};

/* DATE, TIME, TIMESTAMP, TIMESTAMPTZ (and "infinity"). */
size_t datetime_write(TypeKind kind, int64_t n, enum DatetimeStyle style,
                      char out[DATETIME_TEXT_BYTES_MAX]);
size_t interval_write(Interval interval, char out[DATETIME_TEXT_BYTES_MAX]);

#endif
