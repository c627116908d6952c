#include <stdio.h>
#include <stdlib.h>

#include "types/datetime_int.h"

typedef struct Writer {
    char *out;
    size_t size;
} Writer;

static void put_text(Writer *writer, const char *text)
{
    size_t size = strlen(text);
    memcpy(writer->out + writer->size, text, size);
    writer->size += size;
}

/* At least `width` digits of a number that is not negative. */
static void put_digits(Writer *writer, uint64_t n, int width)
{
    char reversed[24];
    int size = 0;
    for (; n > 0 || size < width; n /= 10)
        reversed[size++] = (char)('0' + n % 10);
    while (size > 0)
        writer->out[writer->size++] = reversed[--size];
}

/* ".25": without zeros at the end, nothing for 0. */
static void put_fraction(Writer *writer, int64_t micros)
{
    int width = 6;
    if (micros == 0)
        return;
    for (; micros % 10 == 0; micros /= 10)
        width--;
    put_text(writer, ".");
    put_digits(writer, (uint64_t)micros, width);
}

static void put_clock(Writer *writer, uint64_t clock)
{
    put_digits(writer, clock / MICROS_PER_HOUR, 2);
    put_text(writer, ":");
    put_digits(writer, clock / MICROS_PER_MINUTE % 60, 2);
    put_text(writer, ":");
    put_digits(writer, clock / MICROS_PER_SECOND % 60, 2);
    put_fraction(writer, (int64_t)(clock % MICROS_PER_SECOND));
}

/* Year 0 is 1 BC; the mark itself comes last. */
static void put_date(Writer *writer, int64_t year, int month, int day)
{
    put_digits(writer, (uint64_t)(year > 0 ? year : 1 - year), 4);
    put_text(writer, "-");
    put_digits(writer, (uint64_t)month, 2);
    put_text(writer, "-");
    put_digits(writer, (uint64_t)day, 2);
}

static bool put_infinity(Writer *writer, int64_t n, int64_t infinity)
{
    if (n != infinity && n != -infinity)
        return false;
    put_text(writer, n > 0 ? "infinity" : "-infinity");
    return true;
}

static void put_day(Writer *writer, int64_t days)
{
    int64_t year;
    int month;
    int day;
    if (put_infinity(writer, days, DATE_INFINITY))
        return;
    calendar_from_days(days, &year, &month, &day);
    put_date(writer, year, month, day);
    put_text(writer, year > 0 ? "" : " BC");
}

static void put_timestamp(Writer *writer, TypeKind kind, int64_t micros, enum DatetimeStyle style)
{
    if (put_infinity(writer, micros, TIMESTAMP_INFINITY))
        return;
    Moment moment = moment_from_micros(micros);
    put_date(writer, moment.year, moment.month, moment.day);
    put_text(writer, style == DATETIME_ISO ? "T" : " ");
    put_clock(writer, (uint64_t)moment_clock(&moment));
    if (kind == TYPE_TIMESTAMPTZ)
        put_text(writer, style == DATETIME_ISO ? "+00:00" : "+00");
    put_text(writer, moment.year > 0 ? "" : " BC");
}

size_t datetime_write(TypeKind kind, int64_t n, enum DatetimeStyle style,
                      char out[DATETIME_TEXT_BYTES_MAX])
{
    Writer writer = {out, 0};
    if (kind == TYPE_DATE)
        put_day(&writer, n);
    else if (kind == TYPE_TIME)
        put_clock(&writer, (uint64_t)n);
    else
        put_timestamp(&writer, kind, n, style);
    return writer.size;
}

/* One part of an interval. A part behind a negative one says its plus (PostgreSQL's habit). */
static void put_part(Writer *writer, int64_t n, const char *unit, bool *after_negative)
{
    if (n == 0)
        return;
    put_text(writer, writer->size > 0 ? " " : "");
    put_text(writer, n < 0 ? "-" : *after_negative ? "+" : "");
    put_digits(writer, (uint64_t)(n < 0 ? -n : n), 1);
    put_text(writer, " ");
    put_text(writer, unit);
    put_text(writer, n == 1 ? "" : "s");
    *after_negative = n < 0;
}

size_t interval_write(Interval interval, char out[DATETIME_TEXT_BYTES_MAX])
{
    Writer writer = {out, 0};
    bool after_negative = false;
    put_part(&writer, interval.months / 12, "year", &after_negative);
    put_part(&writer, interval.months % 12, "mon", &after_negative);
    put_part(&writer, interval.days, "day", &after_negative);
    if (writer.size > 0 && interval.micros == 0)
        return writer.size;
    put_text(&writer, writer.size > 0 ? " " : "");
    put_text(&writer, interval.micros < 0 ? "-" : after_negative ? "+" : "");
    uint64_t size = (uint64_t)interval.micros;
    put_clock(&writer, interval.micros < 0 ? -size : size);
    return writer.size;
}
