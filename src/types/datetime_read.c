/* Dates and times from text: what the fields mean (PostgreSQL's DecodeDateTime and
 * DecodeTimeOnly, DateStyle ISO, MDY). */
#include <math.h>

#include "types/datetime_read_int.h"
#include "types/text_int.h"

enum {
    DATE_BYTES_MAX = 129, /* what PostgreSQL's buffers for these types hold */
    TIMESTAMP_BYTES_MAX = 153,
};

/* ---- numbers behind a label: "y2001m02d04", "J2451187", "T040506" ---- */

static void set_julian_day(DatetimeReader *reader, int day)
{
    int64_t year;
    calendar_from_days((int64_t)day - JULIAN_DAY_OF_EPOCH, &year, &reader->month, &reader->day);
    reader->year = (int)year;
    reader->is_julian = true;
}

static void set_clock(DatetimeReader *reader, int64_t micros)
{
    reader->hour = (int)(micros / MICROS_PER_HOUR);
    reader->minute = (int)(micros / MICROS_PER_MINUTE % 60);
    reader->second = (int)(micros / MICROS_PER_SECOND % 60);
    reader->micro = micros % MICROS_PER_SECOND;
}

static Status read_julian(DatetimeReader *reader, int n, const char *fraction)
{
    double part;
    if (n < 0)
        return datetime_out_of_range(reader);
    set_julian_day(reader, n);
    if (*fraction == '\0')
        return datetime_mark(reader, FOUND_DATE);
    if (!datetime_fraction(fraction, &part))
        return datetime_bad_format(reader);
    set_clock(reader, (int64_t)(part * (double)MICROS_PER_DAY));
    return datetime_mark(reader, FOUND_DATE | FOUND_TIME);
}

static Status read_labelled_time(DatetimeReader *reader, const char *text)
{
    unsigned found = 0;
    TRY(datetime_read_run(reader, text, true, &found));
    return found == FOUND_TIME ? datetime_mark(reader, found) : datetime_bad_format(reader);
}

static Status read_labelled_second(DatetimeReader *reader, int n, const char *fraction)
{
    reader->second = n;
    if (*fraction == '\0')
        return datetime_mark(reader, FOUND_SECOND);
    if (!datetime_micros(fraction, &reader->micro))
        return datetime_bad_format(reader);
    return datetime_mark(reader, FOUND_SECONDS);
}

/* "m" is the month, unless month and hour are known: then the minutes. */
static Status read_labelled_month(DatetimeReader *reader, int n)
{
    bool is_minute = datetime_has(reader, FOUND_MONTH | FOUND_HOUR);
    *(is_minute ? &reader->minute : &reader->month) = n;
    return datetime_mark(reader, is_minute ? FOUND_MINUTE : FOUND_MONTH);
}

static Status read_labelled(DatetimeReader *reader, const char *text)
{
    const char *at = text;
    DatetimeUnit label = reader->label;
    int n;
    reader->label = UNIT_NONE;
    reader->is_special = false;
    if (!datetime_take_int(&at, &n))
        return datetime_out_of_range(reader);
    bool may_have_fraction = label == UNIT_JULIAN || label == UNIT_TIME || label == UNIT_SECOND;
    if (*at != '\0' && (*at != '.' || !may_have_fraction))
        return datetime_bad_format(reader);
    switch (label) {
    case UNIT_YEAR:
        reader->year = n;
        return datetime_mark(reader, FOUND_YEAR);
    case UNIT_MONTH:
        return read_labelled_month(reader, n);
    case UNIT_DAY:
        reader->day = n;
        return datetime_mark(reader, FOUND_DAY);
    case UNIT_HOUR:
        reader->hour = n;
        return datetime_mark(reader, FOUND_HOUR);
    case UNIT_MINUTE:
        reader->minute = n;
        return datetime_mark(reader, FOUND_MINUTE);
    case UNIT_SECOND:
        return read_labelled_second(reader, n, at);
    case UNIT_JULIAN:
        return read_julian(reader, n, at);
    case UNIT_TIME:
        return read_labelled_time(reader, text);
    default:
        return datetime_bad_format(reader);
    }
}

/* ---- fields ---- */

static int64_t clock_of(const DatetimeReader *reader)
{
    return reader->hour * MICROS_PER_HOUR + reader->minute * MICROS_PER_MINUTE +
           reader->second * MICROS_PER_SECOND + reader->micro;
}

/* 24:00 is the last time of a day, and 60 seconds are a minute. */
static bool clock_overflows(const DatetimeReader *reader)
{
    bool fits = reader->hour >= 0 && reader->hour <= 24 && reader->minute >= 0 &&
                reader->minute < 60 && reader->second >= 0 && reader->second <= 60 &&
                reader->micro >= 0 && reader->micro <= MICROS_PER_SECOND;
    return !fits || clock_of(reader) > MICROS_PER_DAY;
}

static Status read_time(DatetimeReader *reader, const char *text)
{
    ClockText clock;
    if (!reader->is_time) { /* there a label stays for the number that may follow */
        if (reader->label != UNIT_NONE && reader->label != UNIT_TIME)
            return datetime_bad_format(reader);
        reader->label = UNIT_NONE;
    }
    enum ClockResult result = datetime_clock(text, &clock);
    if (result == CLOCK_BAD_FORMAT)
        return datetime_bad_format(reader);
    if (result == CLOCK_OUT_OF_RANGE || clock.hour > INT32_MAX)
        return datetime_out_of_range(reader);
    reader->hour = (int)clock.hour;
    reader->minute = clock.minute;
    reader->second = clock.second;
    reader->micro = clock.micro;
    if (!reader->is_time && clock_overflows(reader))
        return datetime_out_of_range(reader);
    return datetime_mark(reader, FOUND_TIME);
}

/* "040506-08": a time and an offset in one field. */
static Status read_run_with_offset(DatetimeReader *reader, char *text)
{
    unsigned found = 0;
    char *sign = strchr(text, '-');
    if (datetime_has(reader, FOUND_TIME) || sign == NULL)
        return datetime_bad_format(reader);
    TRY(datetime_read_offset(reader, sign));
    *sign = '\0';
    TRY(datetime_read_run(reader, text, reader->is_time || datetime_has(reader, FOUND_DATE),
                          &found));
    return datetime_mark(reader, found | FOUND_ZONE);
}

/* "J2451187-08": a day and an offset in one field. */
static Status read_julian_with_offset(DatetimeReader *reader, const char *text)
{
    const char *at = text;
    int day;
    if (!datetime_take_int(&at, &day) || day < 0)
        return datetime_out_of_range(reader);
    set_julian_day(reader, day);
    reader->label = UNIT_NONE;
    TRY(datetime_read_offset(reader, at));
    return datetime_mark(reader, FOUND_DATE | FOUND_TIME | FOUND_ZONE);
}

/* In a TIME a date may only stand first, and not alone. */
static bool time_may_have_date(const DatetimeReader *reader, int i)
{
    const DatetimeFields *fields = &reader->fields;
    return i == 0 && fields->count >= 2 &&
           (fields->kind[fields->count - 1] == FIELD_DATE || fields->kind[1] == FIELD_TIME);
}

static Status read_date_field(DatetimeReader *reader, int i)
{
    char *text = reader->fields.field[i];
    bool is_digit = text_is_digit((uint8_t)text[0]);
    if (reader->is_time) {
        if (time_may_have_date(reader, i))
            return datetime_read_date(reader, text);
        return is_digit ? read_run_with_offset(reader, text) : datetime_read_zone(reader, text);
    }
    if (reader->label == UNIT_JULIAN)
        return read_julian_with_offset(reader, text);
    if (reader->label == UNIT_NONE && !datetime_has(reader, FOUND_MONTH | FOUND_DAY))
        return datetime_read_date(reader, text);
    if (reader->label != UNIT_NONE && reader->label != UNIT_TIME)
        return datetime_bad_format(reader);
    bool is_run = is_digit || reader->label != UNIT_NONE;
    reader->label = UNIT_NONE;
    return is_run ? read_run_with_offset(reader, text) : datetime_read_zone(reader, text);
}

static Status read_run(DatetimeReader *reader, const char *text)
{
    unsigned found = 0;
    bool date_is_known = reader->is_time || datetime_has(reader, FOUND_DATE);
    TRY(datetime_read_run(reader, text, date_is_known, &found));
    return datetime_mark(reader, found);
}

static Status read_plain_number(DatetimeReader *reader, const char *text)
{
    unsigned found = 0;
    unsigned known = reader->found | (reader->is_time ? FOUND_DATE : 0);
    TRY(datetime_read_number(reader, text, known, &found));
    return datetime_mark(reader, found);
}

/* A number without a label in a TIME. */
static Status read_number_of_time(DatetimeReader *reader, int i)
{
    char *text = reader->fields.field[i];
    const DatetimeFields *fields = &reader->fields;
    const char *point = strchr(text, '.');
    if (point == NULL)
        return strlen(text) > 4 ? read_run(reader, text) : read_plain_number(reader, text);
    if (i == 0 && fields->count >= 2 && fields->kind[fields->count - 1] == FIELD_DATE)
        return datetime_read_date(reader, text);
    return point - text > 2 ? read_run(reader, text) : datetime_bad_format(reader);
}

static Status read_number_field(DatetimeReader *reader, int i)
{
    char *text = reader->fields.field[i];
    if (reader->label != UNIT_NONE)
        return read_labelled(reader, text);
    if (reader->is_time)
        return read_number_of_time(reader, i);
    const char *point = strchr(text, '.');
    if (point != NULL && !(reader->found & FOUND_DATE))
        return datetime_read_date(reader, text);
    bool is_long =
        strlen(text) >= 6 && (!(reader->found & FOUND_DATE) || !(reader->found & FOUND_TIME));
    bool is_run = is_long || (point != NULL && point - text > 2);
    return is_run ? read_run(reader, text) : read_plain_number(reader, text);
}

/* ---- words ---- */

static void set_day(DatetimeReader *reader, int64_t days)
{
    int64_t year;
    calendar_from_days(days, &year, &reader->month, &reader->day);
    reader->year = (int)year;
}

static Status read_special(DatetimeReader *reader, SpecialTime special)
{
    bool needs_clock = special <= SPECIAL_YESTERDAY;
    if (reader->is_time && special != SPECIAL_NOW && special != SPECIAL_ZULU)
        return datetime_bad_format(reader);
    if (needs_clock && reader->now_us == VALUE_NO_CLOCK)
        return error_set(reader->error, STATUS_FEATURE_NOT_SUPPORTED,
                         "a date/time value relative to now is not supported here: \"%.*s\"",
                         SLICE_ARGUMENTS(reader->text));
    int64_t clock = 0;
    int64_t today = needs_clock ? micros_to_days(reader->now_us, &clock) : 0;
    reader->is_special = false;
    switch (special) {
    case SPECIAL_NOW:
        set_day(reader, today);
        set_clock(reader, clock);
        return datetime_mark(reader,
                             reader->is_time ? FOUND_TIME : FOUND_DATE | FOUND_TIME | FOUND_ZONE);
    case SPECIAL_TODAY:
        set_day(reader, today);
        return datetime_mark(reader, FOUND_DATE);
    case SPECIAL_TOMORROW:
        set_day(reader, today + 1);
        return datetime_mark(reader, FOUND_DATE);
    case SPECIAL_YESTERDAY:
        set_day(reader, today - 1);
        return datetime_mark(reader, FOUND_DATE);
    case SPECIAL_ZULU:
        set_clock(reader, 0);
        return datetime_mark(reader, FOUND_TIME | FOUND_ZONE);
    default:
        reader->is_special = true; /* and whatever else is well formed does not count */
        reader->special = special;
        return datetime_mark(reader, FOUND_SPECIAL);
    }
}

/* A month in letters behind a number that was taken for the month: that was the day. */
static Status read_month(DatetimeReader *reader, int month)
{
    bool was_day = (reader->found & FOUND_MONTH) && !reader->has_text_month &&
                   !(reader->found & FOUND_DAY) && reader->month >= 1 && reader->month <= 31;
    if (was_day)
        reader->day = reader->month;
    reader->has_text_month = true;
    reader->month = month;
    return datetime_mark(reader, was_day ? FOUND_DAY : FOUND_MONTH);
}

/* Of several labels the last one counts, and one without a number says nothing. */
static Status read_label(DatetimeReader *reader, DatetimeUnit unit)
{
    reader->label = unit;
    return OK;
}

/* "t" stands before a time, and behind the date where there is one. */
static Status read_time_label(DatetimeReader *reader, int i)
{
    const DatetimeFields *fields = &reader->fields;
    FieldKind next = i + 1 < fields->count ? fields->kind[i + 1] : FIELD_TEXT;
    bool is_time = next == FIELD_NUMBER || next == FIELD_TIME || next == FIELD_DATE;
    if (!is_time || (!reader->is_time && !datetime_has(reader, FOUND_DATE)))
        return datetime_bad_format(reader);
    return read_label(reader, UNIT_TIME);
}

static Status read_other_word(DatetimeReader *reader, WordKind word, int value)
{
    switch (word) {
    case WORD_IGNORED:
        return OK;
    case WORD_SPECIAL:
        return read_special(reader, (SpecialTime)value);
    case WORD_MERIDIEM:
        reader->meridiem = value;
        return datetime_mark(reader, FOUND_MERIDIEM);
    case WORD_ERA:
        reader->is_bc = value != 0;
        return datetime_mark(reader, FOUND_ERA);
    case WORD_DAYLIGHT:
        reader->zone_seconds += 3600;
        return datetime_mark(reader, FOUND_DAYLIGHT | FOUND_ZONE_DAYLIGHT);
    case WORD_UNIT:
        return read_label(reader, (DatetimeUnit)value);
    case WORD_MONTH:
        return reader->is_time ? datetime_bad_format(reader) : read_month(reader, value);
    case WORD_WEEKDAY:
        return reader->is_time ? datetime_bad_format(reader) : datetime_mark(reader, FOUND_WEEKDAY);
    default:
        return datetime_bad_format(reader);
    }
}

/* Zones come before the words of dates. */
static Status read_word(DatetimeReader *reader, int i)
{
    Slice word = slice_of_text(reader->fields.field[i]);
    int32_t seconds = 0;
    int value = 0;
    enum ZoneKind zone = zone_of_abbreviation(word, &seconds);
    if (zone == ZONE_NEEDS_DATA)
        return zone_not_here(word, reader->error);
    if (zone != ZONE_UNKNOWN) {
        reader->zone_seconds = seconds;
        return datetime_mark(reader,
                             zone == ZONE_DAYLIGHT ? FOUND_ZONE | FOUND_ZONE_DAYLIGHT : FOUND_ZONE);
    }
    WordKind kind = datetime_word(word, &value);
    if (kind == WORD_ISO_TIME)
        return read_time_label(reader, i);
    if (kind != WORD_UNKNOWN)
        return read_other_word(reader, kind, value);
    if (zone_of_name(word, &seconds) != ZONE_FIXED)
        return datetime_bad_format(reader);
    reader->zone_seconds = seconds;
    return datetime_mark(reader, FOUND_ZONE);
}

/* ---- the whole ---- */

static Status read_field(DatetimeReader *reader, int i)
{
    const char *text = reader->fields.field[i];
    switch (reader->fields.kind[i]) {
    case FIELD_DATE:
        return read_date_field(reader, i);
    case FIELD_TIME:
        return read_time(reader, text);
    case FIELD_ZONE:
        TRY(datetime_read_offset(reader, text));
        return datetime_mark(reader, FOUND_ZONE);
    case FIELD_NUMBER:
        return read_number_field(reader, i);
    default:
        return read_word(reader, i);
    }
}

static Status check_meridiem(DatetimeReader *reader)
{
    if (reader->meridiem != 0 && reader->hour > 12)
        return datetime_out_of_range(reader);
    if (reader->meridiem == 1 && reader->hour == 12)
        reader->hour = 0;
    else if (reader->meridiem == 2 && reader->hour != 12)
        reader->hour += 12;
    return OK;
}

static Status read_fields(DatetimeReader *reader)
{
    size_t limit =
        reader->kind == TYPE_DATE || reader->is_time ? DATE_BYTES_MAX : TIMESTAMP_BYTES_MAX;
    if (!datetime_split(reader->text, limit, &reader->fields))
        return datetime_bad_format(reader);
    for (int i = 0; i < reader->fields.count; i++)
        TRY(read_field(reader, i));
    TRY(datetime_check_date(reader));
    TRY(check_meridiem(reader));
    if (reader->is_special)
        return OK;
    if (reader->is_time && clock_overflows(reader))
        return datetime_out_of_range(reader);
    if (!datetime_has(reader, reader->is_time ? FOUND_TIME : FOUND_DATE))
        return datetime_bad_format(reader);
    bool has_part_of_date = (reader->found & FOUND_DATE) && !datetime_has(reader, FOUND_DATE);
    if (has_part_of_date && !(reader->found & FOUND_ZONE))
        return datetime_bad_format(reader);
    if ((reader->found & FOUND_DAYLIGHT) && !(reader->found & FOUND_ZONE))
        return datetime_bad_format(reader);
    return OK;
}

static int64_t special_value(const DatetimeReader *reader)
{
    bool is_date = reader->kind == TYPE_DATE;
    if (reader->special == SPECIAL_EPOCH)
        return 0;
    int64_t infinity = is_date ? DATE_INFINITY : TIMESTAMP_INFINITY;
    return reader->special == SPECIAL_INFINITY ? infinity : -infinity;
}

static Status not_in_range(const DatetimeReader *reader, const char *what)
{
    return error_set(reader->error, STATUS_DATETIME_FIELD_OVERFLOW, "%s out of range: \"%.*s\"",
                     what, SLICE_ARGUMENTS(reader->text));
}

static Status finish_date(const DatetimeReader *reader, int64_t *out)
{
    int64_t days = calendar_days(reader->year, reader->month, reader->day);
    if (days < DATE_DAYS_MIN || days > DATE_DAYS_MAX)
        return not_in_range(reader, "date");
    *out = days;
    return OK;
}

static Status finish_timestamp(const DatetimeReader *reader, int64_t *out)
{
    int64_t clock = clock_of(reader);
    if (reader->kind == TYPE_TIMESTAMPTZ)
        clock -= reader->zone_seconds * MICROS_PER_SECOND;
    Int128 micros =
        (Int128)calendar_days(reader->year, reader->month, reader->day) * MICROS_PER_DAY + clock;
    if (micros < TIMESTAMP_MICROS_MIN || micros > TIMESTAMP_MICROS_MAX)
        return not_in_range(reader, "timestamp");
    *out = (int64_t)micros;
    return OK;
}

Status datetime_read(TypeKind kind, Slice text, int64_t now_us, int64_t *out, Error *error)
{
    DatetimeReader reader = {
        .text = text, .kind = kind, .now_us = now_us, .error = error, .is_time = kind == TYPE_TIME};
    TRY(read_fields(&reader));
    if (reader.is_special) {
        *out = special_value(&reader);
        return OK;
    }
    if (kind == TYPE_DATE)
        return finish_date(&reader, out);
    if (kind != TYPE_TIME)
        return finish_timestamp(&reader, out);
    *out = clock_of(&reader);
    return OK;
}
