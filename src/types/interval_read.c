/* Intervals from text: PostgreSQL's own forms, read from right to left so that a unit is known
 * before its number, and ISO 8601's (P1Y2M3DT4H). */
#include <math.h>

#include "types/datetime_int.h"
#include "types/text_int.h"

enum { INTERVAL_BYTES_MAX = 256 };

/* What was found, as a set, so that nothing is given twice. */
enum Found {
    FOUND_MICROSECOND = 1,
    FOUND_MILLISECOND = 2,
    FOUND_SECOND = 4,
    FOUND_ALL_SECONDS = 7,
    FOUND_MINUTE = 8,
    FOUND_HOUR = 16,
    FOUND_TIME = 31,
    FOUND_DAY = 32,
    FOUND_WEEK = 64,
    FOUND_MONTH = 128,
    FOUND_YEAR = 256,
    FOUND_DECADE = 512,
    FOUND_CENTURY = 1024,
    FOUND_MILLENNIUM = 2048,
};

typedef struct Reader {
    Slice text;
    Error *error;
    unsigned found;
    int32_t years;
    int32_t months;
    int32_t days;
    int64_t micros;
} Reader;

static Status bad_format(Reader *reader)
{
    return error_set(reader->error, STATUS_INVALID_DATETIME_FORMAT,
                     "invalid input syntax for type interval: \"%.*s\"",
                     SLICE_ARGUMENTS(reader->text));
}

static Status out_of_range(Reader *reader)
{
    return error_set(reader->error, STATUS_INTERVAL_FIELD_OVERFLOW,
                     "interval field value out of range: \"%.*s\"", SLICE_ARGUMENTS(reader->text));
}

/* ---- adding a number of some unit; false on overflow ---- */

static bool add_fraction_of_micros(Reader *reader, double fraction, int64_t scale)
{
    if (fraction == 0)
        return true;
    fraction *= (double)scale;
    int64_t whole = (int64_t)fraction;
    fraction -= (double)whole;
    whole += fraction > 0.5 ? 1 : fraction < -0.5 ? -1 : 0;
    return !__builtin_add_overflow(reader->micros, whole, &reader->micros);
}

static bool add_fraction_of_days(Reader *reader, double fraction, int scale)
{
    if (fraction == 0)
        return true;
    fraction *= scale;
    int32_t whole = (int32_t)fraction;
    return !__builtin_add_overflow(reader->days, whole, &reader->days) &&
           add_fraction_of_micros(reader, fraction - whole, MICROS_PER_DAY);
}

static bool add_micros(Reader *reader, int64_t n, double fraction, int64_t scale)
{
    int64_t product;
    return !__builtin_mul_overflow(n, scale, &product) &&
           !__builtin_add_overflow(reader->micros, product, &reader->micros) &&
           add_fraction_of_micros(reader, fraction, scale);
}

/* n × scale onto a 32-bit field. */
static bool add_whole(int32_t *field, int64_t n, int32_t scale)
{
    int32_t product;
    return !__builtin_mul_overflow(n, (int64_t)scale, &product) &&
           !__builtin_add_overflow(*field, product, field);
}

static bool add_days(Reader *reader, int64_t n, double fraction, int32_t scale)
{
    if (!add_whole(&reader->days, n, scale))
        return false;
    return scale == 1 ? add_fraction_of_micros(reader, fraction, MICROS_PER_DAY)
                      : add_fraction_of_days(reader, fraction, scale);
}

static bool add_months(Reader *reader, int64_t n, double fraction)
{
    return add_whole(&reader->months, n, 1) && add_fraction_of_days(reader, fraction, 30);
}

static bool add_years(Reader *reader, int64_t n, double fraction, int32_t scale)
{
    int32_t months = (int32_t)rint(fraction * scale * 12);
    return add_whole(&reader->years, n, scale) &&
           !__builtin_add_overflow(reader->months, months, &reader->months);
}

/* What PostgreSQL marks as found is not always the unit itself; 0: it cannot be a number's unit. */
static unsigned found_by_unit(DatetimeUnit unit, double fraction)
{
    switch (unit) {
    case UNIT_MICROSECOND:
        return FOUND_MICROSECOND;
    case UNIT_MILLISECOND:
        return FOUND_MILLISECOND;
    case UNIT_SECOND:
        return fraction == 0 ? FOUND_SECOND : FOUND_ALL_SECONDS;
    case UNIT_MINUTE:
        return FOUND_MINUTE;
    case UNIT_HOUR:
        return FOUND_HOUR;
    case UNIT_DAY:
        return FOUND_DAY;
    case UNIT_WEEK:
        return FOUND_WEEK;
    case UNIT_MONTH:
        return FOUND_MONTH;
    case UNIT_YEAR:
        return FOUND_YEAR;
    case UNIT_DECADE:
        return FOUND_DECADE;
    case UNIT_CENTURY:
        return FOUND_CENTURY;
    case UNIT_MILLENNIUM:
        return FOUND_MILLENNIUM;
    default:
        return 0;
    }
}

static bool add(Reader *reader, DatetimeUnit unit, int64_t n, double fraction)
{
    switch (unit) {
    case UNIT_MICROSECOND:
        return add_micros(reader, n, fraction, 1);
    case UNIT_MILLISECOND:
        return add_micros(reader, n, fraction, 1000);
    case UNIT_SECOND:
        return add_micros(reader, n, fraction, MICROS_PER_SECOND);
    case UNIT_MINUTE:
        return add_micros(reader, n, fraction, MICROS_PER_MINUTE);
    case UNIT_HOUR:
        return add_micros(reader, n, fraction, MICROS_PER_HOUR);
    case UNIT_DAY:
        return add_days(reader, n, fraction, 1);
    case UNIT_WEEK:
        return add_days(reader, n, fraction, 7);
    case UNIT_MONTH:
        return add_months(reader, n, fraction);
    case UNIT_YEAR:
        return add_years(reader, n, fraction, 1);
    case UNIT_DECADE:
        return add_years(reader, n, fraction, 10);
    case UNIT_CENTURY:
        return add_years(reader, n, fraction, 100);
    default:
        return add_years(reader, n, fraction, 1000);
    }
}

/* ---- PostgreSQL's forms ---- */

static Status mark(Reader *reader, unsigned found)
{
    if (reader->found & found)
        return bad_format(reader);
    reader->found |= found;
    return OK;
}

/* "04:05:06"; it takes the place of what seconds were read before, as PostgreSQL's does. */
static Status read_clock(Reader *reader, const char *text, bool negative, bool *is_clock)
{
    ClockText clock;
    enum ClockResult result = datetime_clock(text, &clock);
    *is_clock = result == CLOCK_GOOD;
    if (result == CLOCK_BAD_FORMAT)
        return bad_format(reader);
    if (result == CLOCK_OUT_OF_RANGE)
        return out_of_range(reader);
    int64_t micros;
    int64_t rest =
        clock.minute * MICROS_PER_MINUTE + clock.second * MICROS_PER_SECOND + clock.micro;
    *is_clock = !__builtin_mul_overflow(clock.hour, MICROS_PER_HOUR, &micros) &&
                !__builtin_add_overflow(micros, rest, &micros);
    if (!*is_clock)
        return out_of_range(reader);
    reader->micros = negative ? -micros : micros;
    return OK;
}

/* "1-2": years and months of SQL's form, behind the years. */
static Status read_year_month(Reader *reader, const char *field, const char *at, int64_t years)
{
    int months;
    at++;
    if (!datetime_take_int(&at, &months) || months < 0 || months >= 12)
        return out_of_range(reader);
    if (*at != '\0')
        return bad_format(reader);
    int64_t all;
    if (__builtin_mul_overflow(years, 12, &all) ||
        __builtin_add_overflow(all, field[0] == '-' ? -months : months, &all) ||
        !add_months(reader, all, 0))
        return out_of_range(reader);
    return mark(reader, FOUND_MONTH);
}

static Status read_number(Reader *reader, const char *field, DatetimeUnit *unit)
{
    const char *at = field;
    int64_t n;
    double fraction = 0;
    if (!datetime_take_int64(&at, &n))
        return out_of_range(reader);
    if (*at == '-') {
        *unit = UNIT_MONTH;
        return read_year_month(reader, field, at, n);
    }
    if (*at == '.' && !datetime_fraction(at, &fraction))
        return bad_format(reader);
    if (*at != '.' && *at != '\0')
        return bad_format(reader);
    if (field[0] == '-')
        fraction = -fraction;
    unsigned found = found_by_unit(*unit, fraction);
    if (found == 0)
        return bad_format(reader);
    if (!add(reader, *unit, n, fraction))
        return out_of_range(reader);
    if (*unit == UNIT_HOUR)
        *unit = UNIT_DAY; /* of a number to the left without unit: '1 2 hours' */
    return mark(reader, found);
}

/* Numbers without a unit are seconds at the end and days to the left of a time. */
static Status read_field(Reader *reader, const char *field, FieldKind kind, DatetimeUnit *unit)
{
    bool is_clock = false;
    if (kind == FIELD_TIME) {
        TRY(read_clock(reader, field, false, &is_clock));
        *unit = UNIT_DAY;
        return mark(reader, FOUND_TIME);
    }
    if (kind == FIELD_ZONE && strchr(field + 1, ':') != NULL &&
        read_clock(reader, field + 1, field[0] == '-', &is_clock) == OK) {
        *unit = UNIT_DAY;
        return mark(reader, FOUND_TIME);
    }
    if (*unit == UNIT_NONE)
        *unit = UNIT_SECOND;
    return read_number(reader, field, unit);
}

static Status read_fields(Reader *reader, DatetimeFields *fields)
{
    DatetimeUnit unit = UNIT_NONE;
    bool is_before = false;
    for (int i = fields->count - 1; i >= 0; i--) {
        int value = 0;
        if (fields->kind[i] != FIELD_TEXT && fields->kind[i] != FIELD_SPECIAL) {
            TRY(read_field(reader, fields->field[i], fields->kind[i], &unit));
            continue;
        }
        WordKind word = interval_word(slice_of_text(fields->field[i]), &value);
        if (word != WORD_UNIT && word != WORD_AGO)
            return bad_format(reader);
        is_before = is_before || word == WORD_AGO;
        unit = word == WORD_AGO ? UNIT_TIME : (DatetimeUnit)value; /* '1 ago' has no unit */
    }
    if (reader->found == 0)
        return bad_format(reader);
    if (!is_before)
        return OK;
    if (reader->years == INT32_MIN || reader->months == INT32_MIN || reader->days == INT32_MIN ||
        reader->micros == INT64_MIN)
        return out_of_range(reader);
    reader->years = -reader->years;
    reader->months = -reader->months;
    reader->days = -reader->days;
    reader->micros = -reader->micros;
    return OK;
}

/* ---- ISO 8601 ---- */

typedef struct IsoNumber {
    int64_t whole;
    double fraction;
    size_t digits; /* before the point, for the basic forms without units */
} IsoNumber;

/* Bytes of the number at `at` as strtod sees them: digits, a fraction, an exponent. */
static size_t number_size(Slice s, size_t begin)
{
    size_t at = begin + (begin < s.size && s.data[begin] == '-');
    while (at < s.size && (text_is_digit(s.data[at]) || s.data[at] == '.'))
        at++;
    size_t exponent = at + 1;
    if (at < s.size && (s.data[at] | 0x20) == 'e') {
        exponent += exponent < s.size && (s.data[exponent] == '-' || s.data[exponent] == '+');
        if (exponent < s.size && text_is_digit(s.data[exponent]))
            for (at = exponent; at < s.size && text_is_digit(s.data[at]); at++)
                ;
    }
    return at - begin;
}

static Status take_iso(Reader *reader, size_t *at, IsoNumber *out)
{
    Slice number = slice_part(reader->text, *at, number_size(reader->text, *at));
    double x;
    if (number.size == 0 || !slice_to_double(number, &x))
        return bad_format(reader);
    if (!(x >= -1e15 && x <= 1e15))
        return out_of_range(reader);
    out->whole = (int64_t)x;
    out->fraction = x - (double)out->whole;
    size_t sign = number.data[0] == '-';
    for (out->digits = 0; sign + out->digits < number.size; out->digits++) {
        if (!text_is_digit(number.data[sign + out->digits]))
            break;
    }
    *at += number.size;
    return OK;
}

static uint8_t peek(const Reader *reader, size_t at)
{
    return at < reader->text.size ? reader->text.data[at] : 0;
}

/* Years-months-days or hours:minutes:seconds, where the first number was read; stops at the end or
 * at the T. */
static Status read_iso_list(Reader *reader, size_t *at, IsoNumber number,
                            const DatetimeUnit units[3], uint8_t separator)
{
    for (int i = 0;; i++) {
        if (!add(reader, units[i], number.whole, number.fraction))
            return out_of_range(reader);
        uint8_t next = peek(reader, *at);
        if (next == 0 || (next == 'T' && separator == '-'))
            return OK;
        if (next != separator || i == 2)
            return bad_format(reader);
        ++*at;
        TRY(take_iso(reader, at, &number));
    }
}

/* yyyymmdd or hhmmss */
static Status read_iso_basic(Reader *reader, IsoNumber number, const DatetimeUnit units[3])
{
    int64_t n = number.whole;
    bool is_date = units[0] == UNIT_YEAR;
    bool good = add(reader, units[0], n / 10000, 0) && add(reader, units[1], n / 100 % 100, 0) &&
                add(reader, units[2], n % 100, 0) &&
                add_fraction_of_micros(reader, number.fraction, is_date ? MICROS_PER_DAY : 1);
    return good ? OK : out_of_range(reader);
}

static DatetimeUnit iso_unit(uint8_t letter, bool is_date)
{
    switch (letter) {
    case 'Y':
        return is_date ? UNIT_YEAR : UNIT_NONE;
    case 'M':
        return is_date ? UNIT_MONTH : UNIT_MINUTE;
    case 'W':
        return is_date ? UNIT_WEEK : UNIT_NONE;
    case 'D':
        return is_date ? UNIT_DAY : UNIT_NONE;
    case 'H':
        return is_date ? UNIT_NONE : UNIT_HOUR;
    case 'S':
        return is_date ? UNIT_NONE : UNIT_SECOND;
    default:
        return UNIT_NONE;
    }
}

/* One number with its letter, or a list of numbers without. */
static Status read_iso_part(Reader *reader, size_t *at, bool is_date, bool is_first)
{
    static const DatetimeUnit date_units[] = {UNIT_YEAR, UNIT_MONTH, UNIT_DAY};
    static const DatetimeUnit time_units[] = {UNIT_HOUR, UNIT_MINUTE, UNIT_SECOND};
    const DatetimeUnit *units = is_date ? date_units : time_units;
    IsoNumber number;
    TRY(take_iso(reader, at, &number));
    uint8_t next = peek(reader, *at);
    DatetimeUnit unit = iso_unit(next, is_date);
    if (unit != UNIT_NONE) {
        ++*at;
        return add(reader, unit, number.whole, number.fraction) ? OK : out_of_range(reader);
    }
    if (!is_first || (next != 0 && next != (is_date ? '-' : ':') && !(is_date && next == 'T')))
        return bad_format(reader);
    if (number.digits == (is_date ? 8 : 6) && (next == 0 || next == 'T'))
        return read_iso_basic(reader, number, units);
    return read_iso_list(reader, at, number, units, is_date ? '-' : ':');
}

static Status read_iso(Reader *reader)
{
    if (reader->text.size < 2 || reader->text.data[0] != 'P')
        return bad_format(reader);
    bool is_date = true;
    bool is_first = true;
    for (size_t at = 1; at < reader->text.size;) {
        if (reader->text.data[at] == 'T') {
            is_date = false;
            is_first = true;
            at++;
            continue;
        }
        TRY(read_iso_part(reader, &at, is_date, is_first));
        is_first = false;
    }
    return OK;
}

/* ---- both ---- */

static Status read_own(Reader *reader)
{
    DatetimeFields fields;
    if (!datetime_split(reader->text, INTERVAL_BYTES_MAX, &fields))
        return bad_format(reader);
    return read_fields(reader, &fields);
}

Status interval_read(Slice text, Interval *out, Error *error)
{
    Reader reader = {.text = text, .error = error};
    Status status = read_own(&reader);
    if (status == STATUS_INVALID_DATETIME_FORMAT) {
        reader = (Reader){.text = text, .error = error};
        status = read_iso(&reader);
    }
    TRY(status);
    int64_t months = (int64_t)reader.years * 12 + reader.months;
    if (months < INT32_MIN || months > INT32_MAX)
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "interval out of range");
    *out = (Interval){(int32_t)months, reader.days, reader.micros};
    return OK;
}
