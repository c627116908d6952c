/* Dates and times from text: numbers, dates and zones. */
#include "types/datetime_read_int.h"
#include "types/text_int.h"

enum {
    ZONE_HOURS_MAX = 15,
    YEAR_MAX = 100000000,
};

/* ---- errors ---- */

Status datetime_bad_format(DatetimeReader *reader)
{
    /* PostgreSQL's input functions leave the "without time zone" out. */
    static const char *const names[TYPE_KIND_COUNT] = {[TYPE_DATE] = "date",
                                                       [TYPE_TIME] = "time",
                                                       [TYPE_TIMESTAMP] = "timestamp",
                                                       [TYPE_TIMESTAMPTZ] =
                                                           "timestamp with time zone"};
    return error_set(reader->error, STATUS_INVALID_DATETIME_FORMAT,
                     "invalid input syntax for type %s: \"%.*s\"", names[reader->kind],
                     SLICE_ARGUMENTS(reader->text));
}

Status datetime_out_of_range(DatetimeReader *reader)
{
    return error_set(reader->error, STATUS_DATETIME_FIELD_OVERFLOW,
                     "date/time field value out of range: \"%.*s\"", SLICE_ARGUMENTS(reader->text));
}

static Status month_or_day_out_of_range(DatetimeReader *reader)
{
    Status status = datetime_out_of_range(reader);
    error_set_hint(reader->error, "Perhaps you need a different \"datestyle\" setting.");
    return status;
}

static Status zone_out_of_range(DatetimeReader *reader)
{
    return error_set(reader->error, STATUS_INVALID_TIME_ZONE_DISPLACEMENT,
                     "time zone displacement out of range: \"%.*s\"",
                     SLICE_ARGUMENTS(reader->text));
}

Status datetime_mark(DatetimeReader *reader, unsigned found)
{
    if (reader->found & found)
        return datetime_bad_format(reader);
    reader->found |= found;
    return OK;
}

bool datetime_has(const DatetimeReader *reader, unsigned parts)
{
    return (reader->found & parts) == parts;
}

/* ---- zones ---- */

/* "+02", "-0530", "+05:30:15" */
Status datetime_read_offset(DatetimeReader *reader, const char *text)
{
    const char *at = text + 1;
    int hours;
    int minutes = 0;
    int seconds = 0;
    if (text[0] != '+' && text[0] != '-')
        return datetime_bad_format(reader);
    if (!datetime_take_int(&at, &hours))
        return zone_out_of_range(reader);
    if (*at == ':') {
        at++;
        if (!datetime_take_int(&at, &minutes))
            return zone_out_of_range(reader);
        if (*at == ':') {
            at++;
            if (!datetime_take_int(&at, &seconds))
                return zone_out_of_range(reader);
        }
    } else if (*at == '\0' && strlen(text) > 3) {
        minutes = hours % 100;
        hours /= 100;
    }
    if (hours < 0 || hours > ZONE_HOURS_MAX || minutes < 0 || minutes > 59 || seconds < 0 ||
        seconds > 59)
        return zone_out_of_range(reader);
    int offset = (hours * 60 + minutes) * 60 + seconds;
    reader->zone_seconds = text[0] == '-' ? -offset : offset;
    return *at == '\0' ? OK : datetime_bad_format(reader);
}

/* A name with punctuation ("etc/utc", "utc+3"), or letters that are nothing else. */
Status datetime_read_zone(DatetimeReader *reader, const char *text)
{
    int32_t seconds;
    Slice name = slice_of_text(text);
    if (zone_of_name(name, &seconds) != ZONE_FIXED)
        return zone_not_here(name, reader->error);
    reader->zone_seconds = seconds;
    return datetime_mark(reader, FOUND_ZONE);
}

/* ---- numbers ---- */

/* A year that is too long is one that is out of range. */
static int digits_to_int(const char *digits, size_t count)
{
    int64_t n = 0;
    for (size_t i = 0; i < count && n <= YEAR_MAX; i++)
        n = n * 10 + (digits[i] - '0');
    return n > YEAR_MAX ? YEAR_MAX : (int)n;
}

static bool are_digits(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!text_is_digit((uint8_t)text[i]))
            return false;
    }
    return true;
}

/* yyyymmdd, yymmdd, hhmmss or hhmm, perhaps with a fraction of the second. */
Status datetime_read_run(DatetimeReader *reader, const char *text, bool date_is_known,
                         unsigned *found)
{
    size_t size = strlen(text);
    const char *point = strchr(text, '.');
    if (point != NULL) {
        if (!datetime_micros(point, &reader->micro))
            return datetime_bad_format(reader);
        size = (size_t)(point - text);
    }
    if (!are_digits(text, size))
        return datetime_bad_format(reader);
    if (point == NULL && !date_is_known && size >= 6) {

        reader->day = digits_to_int(text + size - 2, 2);
        reader->month = digits_to_int(text + size - 4, 2);
        reader->year = digits_to_int(text, size - 4);
        reader->has_two_digits = reader->has_two_digits || size == 6;
        *found = FOUND_DATE;
        return OK;
    }
    if (datetime_has(reader, FOUND_TIME) || (size != 6 && size != 4))
        return datetime_bad_format(reader);
    reader->hour = digits_to_int(text, 2);
    reader->minute = digits_to_int(text + 2, 2);
    reader->second = size == 6 ? digits_to_int(text + 4, 2) : 0;
    *found = FOUND_TIME;
    return OK;
}

/* The third number of a date with the month in letters: the first may have been the day after all.
 */
static void take_last_of_text_date(DatetimeReader *reader, size_t size, int n)
{
    if (size >= 3 && reader->has_two_digits) {
        reader->day = reader->year;
        reader->year = n;
        reader->has_two_digits = false;
    } else {
        reader->day = n;
    }
}

/* What a number means follows from what was found so far: month, day, year, or year first where it
 * has three digits or more. */
static Status read_date_number(DatetimeReader *reader, unsigned known, size_t size, int n,
                               unsigned *found)
{
    switch (known & FOUND_DATE) {
    case 0:
        *found = size >= 3 ? FOUND_YEAR : FOUND_MONTH;
        break;
    case FOUND_YEAR:
    case FOUND_DAY:
        *found = FOUND_MONTH;
        break;
    case FOUND_MONTH:
        *found = reader->has_text_month && size >= 3 ? FOUND_YEAR : FOUND_DAY;
        break;
    case FOUND_YEAR | FOUND_MONTH:
        *found = FOUND_DAY;
        if (reader->has_text_month) {
            take_last_of_text_date(reader, size, n);
            return OK;
        }
        break;
    case FOUND_MONTH | FOUND_DAY:
        *found = FOUND_YEAR;
        break;
    default:
        return datetime_bad_format(reader);
    }
    if (*found == FOUND_YEAR) {
        reader->year = n;
        reader->has_two_digits = size <= 2;
    } else if (*found == FOUND_MONTH) {
        reader->month = n;
    } else {
        reader->day = n;
    }
    return OK;
}

Status datetime_read_number(DatetimeReader *reader, const char *text, unsigned known,
                            unsigned *found)
{
    const char *at = text;
    size_t size = strlen(text);
    int n;
    if (!datetime_take_int(&at, &n))
        return datetime_out_of_range(reader);
    if (at == text)
        return datetime_bad_format(reader);
    if (*at == '.') {
        if (at - text > 2)
            return datetime_read_run(reader, text, true, found);
        if (!datetime_micros(at, &reader->micro))
            return datetime_bad_format(reader);
    } else if (*at != '\0') {
        return datetime_bad_format(reader);
    }
    if (size == 3 && (known & FOUND_DATE) == FOUND_YEAR && n >= 1 && n <= 366) {
        reader->year_day = n;
        *found = FOUND_YEAR_DAY | FOUND_MONTH | FOUND_DAY;
        return OK;
    }
    if ((known & FOUND_DATE) == FOUND_DATE)
        return datetime_read_run(reader, text, true, found);
    return read_date_number(reader, known, size, n, found);
}

/* ---- dates with delimiters ---- */

typedef struct DateParts {
    char *part[DATETIME_FIELDS_MAX];
    int count;
} DateParts;

static bool split_date(char *at, DateParts *out)
{
    out->count = 0;
    while (*at != '\0' && out->count < DATETIME_FIELDS_MAX) {
        while (*at != '\0' && !text_is_digit((uint8_t)*at) && !text_is_letter((uint8_t)*at))
            at++;
        if (*at == '\0')
            return false;
        out->part[out->count++] = at;
        bool digits = text_is_digit((uint8_t)*at);
        while (digits ? text_is_digit((uint8_t)*at) : text_is_letter((uint8_t)*at))
            at++;
        if (*at != '\0')
            *at++ = '\0';
    }
    return true;
}

Status datetime_read_date(DatetimeReader *reader, char *text)
{
    DateParts parts;
    unsigned known = reader->found;
    unsigned found_here = 0;
    bool had_text_month = reader->has_text_month;
    reader->has_text_month = false;
    if (!split_date(text, &parts))
        return datetime_bad_format(reader);
    for (int i = 0; i < parts.count; i++) {
        int value;
        if (!text_is_letter((uint8_t)parts.part[i][0]))
            continue;
        WordKind word = datetime_word(slice_of_text(parts.part[i]), &value);
        parts.part[i] = NULL;
        if (word == WORD_IGNORED)
            continue;
        if (word != WORD_MONTH || (known & FOUND_MONTH))
            return datetime_bad_format(reader);
        reader->month = value;
        reader->has_text_month = true;
        known |= FOUND_MONTH;
        found_here |= FOUND_MONTH;
    }
    for (int i = 0; i < parts.count; i++) {
        unsigned found = 0;
        if (parts.part[i] == NULL)
            continue;
        TRY(datetime_read_number(reader, parts.part[i], known, &found));
        if (known & found)
            return datetime_bad_format(reader);
        known |= found;
        found_here |= found;
    }
    reader->has_text_month = had_text_month;
    if ((known & ~(unsigned)(FOUND_YEAR_DAY | FOUND_ZONE)) != FOUND_DATE)
        return datetime_bad_format(reader);
    return datetime_mark(reader, found_here);
}

/* ---- the date as a whole ---- */

static Status check_year(DatetimeReader *reader)
{
    if (reader->is_julian)
        return OK;
    if (reader->has_two_digits && !reader->is_bc) {
        reader->year += reader->year < 70 ? 2000 : 1900;
        return OK;
    }
    if (reader->year <= 0)
        return datetime_out_of_range(reader);
    if (reader->is_bc)
        reader->year = 1 - reader->year;
    return OK;
}

Status datetime_check_date(DatetimeReader *reader)
{
    if (reader->found & FOUND_YEAR)
        TRY(check_year(reader));
    if (reader->found & FOUND_YEAR_DAY) {
        int64_t year;
        int64_t days = calendar_days(reader->year, 1, 1) + reader->year_day - 1;
        calendar_from_days(days, &year, &reader->month, &reader->day);
        reader->year = (int)year;
    }
    if ((reader->found & FOUND_MONTH) && (reader->month < 1 || reader->month > 12))
        return month_or_day_out_of_range(reader);
    if ((reader->found & FOUND_DAY) && (reader->day < 1 || reader->day > 31))
        return month_or_day_out_of_range(reader);
    if (datetime_has(reader, FOUND_DATE) &&
        reader->day > calendar_month_days(reader->year, reader->month))
        return datetime_out_of_range(reader);
    return OK;
}
