/* The JSON of errors, as spec/protocols.md has it. */
#include "base/json.h"
#include "net/http_int.h"

void http_put_took(Buffer *out, int64_t took_ns)
{
    int64_t took_us = took_ns < 0 ? 0 : took_ns / 1000;
    buffer_put_format(out, "%lld.%03d", (long long)(took_us / 1000), (int)(took_us % 1000));
}

static void put_text_or_null(JsonWriter *writer, const char *key, const char *text)
{
    json_key(writer, key);
    if (text[0] == '\0')
        json_null(writer);
    else
        json_text(writer, text);
}

static void put_position(JsonWriter *writer, const HttpErrorPlace *place)
{
    json_key(writer, "position");
    if (place == NULL || !place->has_position) {
        json_null(writer);
        return;
    }
    json_open_object(writer);
    json_key(writer, "line");
    json_unsigned(writer, place->line);
    json_key(writer, "column");
    json_unsigned(writer, place->column);
    json_key(writer, "byte");
    json_unsigned(writer, place->byte);
    json_close_object(writer);
}

void http_put_error(Buffer *out, const Error *error, const HttpErrorPlace *place)
{
    JsonWriter writer;
    json_begin(&writer, out);
    json_open_object(&writer);
    json_key(&writer, "code");
    json_text(&writer, status_name(error->status));
    json_key(&writer, "sqlstate");
    json_text(&writer, status_sqlstate(error->status));
    json_key(&writer, "message");
    json_text(&writer, error->message);
    put_text_or_null(&writer, "detail", error->detail);
    put_text_or_null(&writer, "hint", error->hint);
    put_position(&writer, place);
    json_key(&writer, "statement");
    if (place == NULL || place->statement == 0)
        json_null(&writer);
    else
        json_unsigned(&writer, place->statement);
    json_close_object(&writer);
}

void http_put_error_body(Buffer *out, const Error *error, const HttpErrorPlace *place,
                         int64_t took_ns)
{
    buffer_put_text(out, "{\"status\":\"error\",\"took\":");
    http_put_took(out, took_ns);
    buffer_put_text(out, ",\"results\":[],\"error\":");
    http_put_error(out, error, place);
    buffer_put_text(out, "}\n");
}
