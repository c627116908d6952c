/* What the two files that read dates and times share: the state of one reading. */
#ifndef FIRN_TYPES_DATETIME_READ_INT_H
#define FIRN_TYPES_DATETIME_READ_INT_H

#include "types/datetime_int.h"

/* Parts that were found, as a set, so that nothing is given twice. */
enum Found {
    FOUND_YEAR = 1,
    FOUND_MONTH = 2,
    FOUND_DAY = 4,
    FOUND_DATE = 7,
    FOUND_HOUR = 8,
    FOUND_MINUTE = 16,
    FOUND_SECOND = 32,
    FOUND_FRACTION = 64,
    FOUND_SECONDS = 96,
    FOUND_TIME = 120,
    FOUND_ZONE = 128,
    FOUND_YEAR_DAY = 256,
    FOUND_MERIDIEM = 512,
    FOUND_ERA = 1024,
    FOUND_WEEKDAY = 2048,
    FOUND_SPECIAL = 4096,
    FOUND_DAYLIGHT = 8192,
    FOUND_ZONE_DAYLIGHT = 16384,
};

typedef struct DatetimeReader {
    Slice text;
    TypeKind kind;
    int64_t now_us;
    Error *error;
    bool is_time; /* TIME: the date is optional */
    DatetimeFields fields;
    unsigned found;
    int year;
    int month;
    int day;
    int hour;
    int minute;
    int second;
    int64_t micro;
    int year_day;
    int zone_seconds; /* east */
    int meridiem;     /* 1 AM, 2 PM */
    bool is_bc;
    bool is_julian;
    bool has_two_digits; /* of the year */
    bool has_text_month;
    DatetimeUnit label; /* of the number that comes next */
    bool is_special;
    SpecialTime special; /* epoch or an infinity */
} DatetimeReader;

/* Errors, with PostgreSQL's texts. */
Status datetime_bad_format(DatetimeReader *reader);
Status datetime_out_of_range(DatetimeReader *reader);

/* Adds parts to those found; an error where one was found before. */
CHECKED Status datetime_mark(DatetimeReader *reader, unsigned found);
bool datetime_has(const DatetimeReader *reader, unsigned parts);

/* "+02", "-0530", "+05:30:15"; does not mark. */
CHECKED Status datetime_read_offset(DatetimeReader *reader, const char *text);

/* A zone's name; marks it. */
CHECKED Status datetime_read_zone(DatetimeReader *reader, const char *text);

/* yyyymmdd, hhmmss and the like; says what it was. */
CHECKED Status datetime_read_run(DatetimeReader *reader, const char *text, bool date_is_known,
                                 unsigned *found);

/* A number whose meaning follows from what is known. */
CHECKED Status datetime_read_number(DatetimeReader *reader, const char *text, unsigned known,
                                    unsigned *found);

/* A date with delimiters; marks it and changes the text. */
CHECKED Status datetime_read_date(DatetimeReader *reader, char *text);

/* The date as a whole: era, two-digit years, days of months. */
CHECKED Status datetime_check_date(DatetimeReader *reader);

#endif
