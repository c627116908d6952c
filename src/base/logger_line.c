/* One line of the log, in a buffer of fixed size. A field that does not fit is taken back whole, so
 * that the line stays valid; the bytes of the end are kept free from the start. */
#include <stdio.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/logger_int.h"

enum {
    END_BYTES = 32, /* ,"cut":true} and the newline */
    TIME_BYTES = 64,
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* ---- time ---- */

typedef struct Date {
    int64_t year;
    int month;
    int day;
} Date;

/* Days since 1970-01-01 to a date of the Gregorian calendar; years are counted from March, so that
 * the leap day comes last. */
static Date date_of(int64_t days)
{
    days += 719468; /* since 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0: March */
    Date date = {.year = year_of_era + era * 400 + (month >= 10)};
    date.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    date.month = (int)(month < 10 ? month + 3 : month - 9);
    return date;
}

static void format_time(int64_t wall_us, char *out, size_t size)
{
    const int64_t day_us = INT64_C(86400000000);
    int64_t days = wall_us / day_us - (wall_us % day_us < 0);
    int64_t rest = wall_us - days * day_us;
    int64_t seconds = rest / 1000000;
    Date date = date_of(days);
    (void)snprintf(out, size, "%04lld-%02d-%02dT%02d:%02d:%02d.%06dZ", (long long)date.year,
                   date.month, date.day, (int)(seconds / 3600), (int)(seconds / 60 % 60),
                   (int)(seconds % 60), (int)(rest % 1000000));
}

/* ---- values ---- */

static Slice cut_value(LogLine *line, Slice text)
{
    static const char ellipsis[] = "…";
    if (text.size <= LOG_VALUE_BYTES_MAX)
        return text;
    size_t size = LOG_VALUE_BYTES_MAX;
    while (size > 0 && (text.data[size] & 0xc0) == 0x80)
        size--;
    memcpy(line->value, text.data, size);
    memcpy(line->value + size, ellipsis, sizeof ellipsis - 1);
    return slice_of(line->value, size + sizeof ellipsis - 1);
}

/* Text that can stand in a text line without quotes. */
static bool is_bare(Slice text, bool may_have_spaces)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '=')
            return false;
        if (c == ' ' && !may_have_spaces)
            return false;
    }
    return text.size > 0 && slice_is_utf8_text(text);
}

static void put_text(LogLine *line, Slice text, bool may_have_spaces)
{
    Slice value = cut_value(line, text);
    if (line->format == LOG_FORMAT_TEXT && is_bare(value, may_have_spaces))
        buffer_put_slice(&line->out, value);
    else
        json_put_string(&line->out, value);
}

static void put_value(LogLine *line, const LogField *field)
{
    JsonWriter writer;
    json_begin(&writer, &line->out);
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        put_text(line, field->as.text, false);
        return;
    case LOG_FIELD_INTEGER:
        json_integer(&writer, field->as.integer);
        return;
    case LOG_FIELD_UNSIGNED:
        json_unsigned(&writer, field->as.number);
        return;
    case LOG_FIELD_DOUBLE:
        json_double(&writer, field->as.real);
        return;
    case LOG_FIELD_BOOLEAN:
        json_boolean(&writer, field->as.boolean);
        return;
    case LOG_FIELD_NONE:
    case LOG_FIELD_ERROR:
        break;
    }
    UNREACHABLE();
}

static void put_name(LogLine *line, const char *name)
{
    if (line->format == LOG_FORMAT_TEXT) {
        buffer_put_format(&line->out, " %s=", name);
        return;
    }
    if (line->out.size > 1) /* something stands behind the opening brace */
        buffer_put_u8(&line->out, ',');
    json_put_string(&line->out, slice_of_text(name));
    buffer_put_u8(&line->out, ':');
}

static void add_one(LogLine *line, const LogField *field)
{
    size_t size = line->out.size;
    put_name(line, field->name);
    put_value(line, field);
    if (!line->out.failed)
        return;
    line->out.size = size;
    line->out.failed = false;
    line->is_cut = true;
}

static void add_text(LogLine *line, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    LogField field = LOG_TEXT(name, text);
    add_one(line, &field);
}

void log_line_add(LogLine *line, const LogField *field)
{
    if (field->kind == LOG_FIELD_NONE)
        return;
    if (field->kind != LOG_FIELD_ERROR) {
        add_one(line, field);
        return;
    }
    add_text(line, "status", status_name(field->as.error->status));
    add_text(line, field->name, field->as.error->message);
    add_text(line, "detail", field->as.error->detail);
    add_text(line, "internal", field->as.error->internal);
}

/* ---- the line ---- */

Status log_line_open(LogLine *line, Error *error)
{
    buffer_open(&line->out, LOG_LINE_BYTES_MAX);
    if (buffer_reserve(&line->out, LOG_LINE_BYTES_MAX) == NULL)
        return error_out_of_memory(error);
    return OK;
}

void log_line_close(LogLine *line)
{
    buffer_close(&line->out);
}

void log_line_begin(LogLine *line, LogFormat format, int64_t wall_us, LogLevel level,
                    const char *event, const char *message)
{
    char time[TIME_BYTES];
    format_time(wall_us, time, sizeof time);
    buffer_clear(&line->out);
    line->out.limit = LOG_LINE_BYTES_MAX - END_BYTES;
    line->format = format;
    line->is_cut = false;
    if (format == LOG_FORMAT_TEXT) {
        buffer_put_format(&line->out, "%s %-5s %s: ", time, level_names[level], event);
        put_text(line, slice_of_text(message), true);
        return;
    }
    buffer_put_u8(&line->out, '{');
    add_text(line, "time", time);
    add_text(line, "level", level_names[level]);
    add_text(line, "event", event);
    add_text(line, "message", message);
}

Slice log_line_end(LogLine *line)
{
    line->out.limit = LOG_LINE_BYTES_MAX;
    if (line->is_cut)
        buffer_put_text(&line->out,
                        line->format == LOG_FORMAT_TEXT ? " cut=true" : ",\"cut\":true");
    buffer_put_text(&line->out, line->format == LOG_FORMAT_TEXT ? "\n" : "}\n");
    ASSERT(!line->out.failed);
    return buffer_slice(&line->out);
}

bool log_level_of(Slice name, LogLevel *out)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (slice_equal_text(name, level_names[i])) {
            *out = (LogLevel)i;
            return true;
        }
    }
    return false;
}

bool log_format_of(Slice name, LogFormat *out)
{
    bool is_json = slice_equal_text(name, "json");
    if (!is_json && !slice_equal_text(name, "text"))
        return false;
    *out = is_json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
    return true;
}
