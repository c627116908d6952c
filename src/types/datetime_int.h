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

/* ---- input ---- */

/* DATE, TIME, TIMESTAMP, TIMESTAMPTZ from PostgreSQL's many forms, months before days (MDY).
 * now_us is what 'now' and 'today' mean; VALUE_NO_CLOCK refuses them. */
CHECKED Status datetime_read(TypeKind kind, Slice text, int64_t now_us, int64_t *out, Error *error);
CHECKED Status interval_read(Slice text, Interval *out, Error *error);

/* ---- zones ---- */

enum ZoneKind {
    ZONE_UNKNOWN,
    ZONE_FIXED,
    ZONE_DAYLIGHT,   /* a fixed offset, of summer time */
    ZONE_NEEDS_DATA, /* its offset depends on the date */
};

/* PostgreSQL's default abbreviations; `name` in lower case. */
enum ZoneKind zone_of_abbreviation(Slice name, int32_t *seconds_east);

/* Names that need no data: Greenwich's, and POSIX's ("UTC+3" lies three hours west). */
enum ZoneKind zone_of_name(Slice name, int32_t *seconds_east);

/* Either, for AT TIME ZONE; FEATURE_NOT_SUPPORTED for what needs data. */
CHECKED Status zone_read(Slice name, int32_t *seconds_east, Error *error);
Status zone_not_here(Slice name, Error *error);

/* ---- taking a text apart (datetime_token.c), shared by dates and intervals ---- */

enum {
    DATETIME_FIELDS_MAX = 25,
    DATETIME_INPUT_BYTES_MAX = 256, /* of the fields together, with a NUL behind each */
};

typedef enum FieldKind {
    FIELD_NUMBER,  /* 12, 12.5, .5 */
    FIELD_TEXT,    /* letters */
    FIELD_DATE,    /* with -, / or . inside; also zone names with punctuation */
    FIELD_TIME,    /* with : inside */
    FIELD_ZONE,    /* a sign, then digits: an offset, or a signed number */
    FIELD_SPECIAL, /* a sign, then letters */
} FieldKind;

typedef struct DatetimeFields {
    char text[DATETIME_INPUT_BYTES_MAX]; /* lower case */
    char *field[DATETIME_FIELDS_MAX];
    FieldKind kind[DATETIME_FIELDS_MAX];
    int count;
} DatetimeFields;

/* False where the text cannot be one; `bytes_max` is the type's own limit in PostgreSQL. */
bool datetime_split(Slice text, size_t bytes_max, DatetimeFields *out);

typedef enum WordKind {
    WORD_UNKNOWN,
    WORD_IGNORED,
    WORD_SPECIAL,  /* value: SpecialTime */
    WORD_MONTH,    /* value: 1–12 */
    WORD_WEEKDAY,  /* value: 0 is Sunday */
    WORD_UNIT,     /* value: DatetimeUnit of the number that follows (dates) or precedes */
    WORD_MERIDIEM, /* value: 1 AM, 2 PM */
    WORD_ERA,      /* value: 1 BC */
    WORD_DAYLIGHT, /* DST behind a zone */
    WORD_ISO_TIME, /* t */
    WORD_AGO,
} WordKind;

typedef enum SpecialTime {
    SPECIAL_NOW,
    SPECIAL_TODAY,
    SPECIAL_TOMORROW,
    SPECIAL_YESTERDAY,
    SPECIAL_ZULU, /* allballs: midnight, UTC */
    SPECIAL_EPOCH,
    SPECIAL_INFINITY,
    SPECIAL_MINUS_INFINITY,
} SpecialTime;

typedef enum DatetimeUnit {
    UNIT_NONE,
    UNIT_MICROSECOND,
    UNIT_MILLISECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_DECADE,
    UNIT_CENTURY,
    UNIT_MILLENNIUM,
    UNIT_JULIAN,
    UNIT_DAY_OF_WEEK,
    UNIT_ISO_DAY_OF_WEEK,
    UNIT_DAY_OF_YEAR,
    UNIT_ISO_YEAR,
    UNIT_EPOCH,
    UNIT_ZONE,
    UNIT_ZONE_HOUR,
    UNIT_ZONE_MINUTE,
    UNIT_TIME, /* "t": the number that follows is a time */
} DatetimeUnit;

/* Words of dates, and of intervals and extract's fields; only the first ten bytes count. */
WordKind datetime_word(Slice word, int *value);
WordKind interval_word(Slice word, int *value);

/* A whole number at *at, which moves behind it; 0 and unmoved where there is none. False where it
 * does not fit. */
CHECKED bool datetime_take_int(const char **at, int *out);
CHECKED bool datetime_take_int64(const char **at, int64_t *out);

/* "." or ".25" up to the end of the text, as microseconds (and as a fraction); false where anything
 * else follows. */
CHECKED bool datetime_fraction(const char *at, double *out);
CHECKED bool datetime_micros(const char *at, int64_t *out);

/* hh:mm, hh:mm:ss.ffffff or mm:ss.ffffff, hours beyond 24 allowed. */
typedef struct ClockText {
    int64_t hour;
    int minute;
    int second;
    int64_t micro;
} ClockText;

enum ClockResult { CLOCK_GOOD, CLOCK_BAD_FORMAT, CLOCK_OUT_OF_RANGE };
enum ClockResult datetime_clock(const char *text, ClockText *out);

#endif
