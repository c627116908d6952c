/* The JSON writer. */
#include <math.h>
#include <stdio.h>

#include "base/assert.h"
#include "base/json.h"

void json_begin(JsonWriter *writer, Buffer *out)
{
    *writer = (JsonWriter){.out = out};
}

void json_before_raw(JsonWriter *writer)
{
    bool *needs_comma = &writer->needs_comma[writer->depth];
    if (*needs_comma)
        buffer_put_u8(writer->out, ',');
    *needs_comma = true;
}

static void open_container(JsonWriter *writer, char bracket)
{
    json_before_raw(writer);
    buffer_put_u8(writer->out, (uint8_t)bracket);
    ASSERT(writer->depth + 1 < JSON_WRITER_DEPTH_MAX);
    writer->needs_comma[++writer->depth] = false;
}

static void close_container(JsonWriter *writer, char bracket)
{
    ASSERT(writer->depth > 0);
    writer->depth--;
    buffer_put_u8(writer->out, (uint8_t)bracket);
}

void json_open_object(JsonWriter *writer)
{
    open_container(writer, '{');
}

void json_close_object(JsonWriter *writer)
{
    close_container(writer, '}');
}

void json_open_array(JsonWriter *writer)
{
    open_container(writer, '[');
}

void json_close_array(JsonWriter *writer)
{
    close_container(writer, ']');
}

void json_key(JsonWriter *writer, const char *key)
{
    json_key_slice(writer, slice_of_text(key));
}

void json_key_slice(JsonWriter *writer, Slice key)
{
    json_slice(writer, key);
    buffer_put_u8(writer->out, ':');
    writer->needs_comma[writer->depth] = false; /* its value follows */
}

void json_null(JsonWriter *writer)
{
    json_raw(writer, SLICE("null"));
}

void json_boolean(JsonWriter *writer, bool value)
{
    json_raw(writer, value ? SLICE("true") : SLICE("false"));
}

void json_integer(JsonWriter *writer, int64_t value)
{
    json_before_raw(writer);
    if (value < 0)
        buffer_put_u8(writer->out, '-');
    buffer_put_decimal(writer->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void json_unsigned(JsonWriter *writer, uint64_t value)
{
    json_before_raw(writer);
    buffer_put_decimal(writer->out, value);
}

void json_double(JsonWriter *writer, double value)
{
    json_before_raw(writer);
    bool is_number = isfinite(value);
    if (!is_number)
        buffer_put_u8(writer->out, '"');
    put_double(writer->out, value);
    if (!is_number)
        buffer_put_u8(writer->out, '"');
}

void json_text(JsonWriter *writer, const char *value)
{
    json_slice(writer, slice_of_text(value));
}

void json_slice(JsonWriter *writer, Slice value)
{
    json_before_raw(writer);
    json_put_string(writer->out, value);
}

void json_raw(JsonWriter *writer, Slice json)
{
    json_before_raw(writer);
    buffer_put_slice(writer->out, json);
}

/* ---- strings ---- */

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void put_escaped(Buffer *out, uint8_t c)
{
    static const char letters[0x20] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    char letter = c < sizeof letters ? letters[c] : (char)c;
    char text[8];
    if (letter == 0)
        (void)snprintf(text, sizeof text, "\\u%04x", c);
    else
        (void)snprintf(text, sizeof text, "\\%c", letter);
    buffer_put_text(out, text);
}

void json_put_string(Buffer *out, Slice s)
{
    static const uint8_t replacement[] = {0xef, 0xbf, 0xbd}; /* U+FFFD */
    buffer_put_u8(out, '"');
    size_t done = 0;
    for (size_t at = 0; at < s.size;) {
        uint8_t c = s.data[at];
        size_t size = is_plain(c) ? 1 : c >= 0x80 ? slice_utf8_size(s, at) : 0;
        if (size > 0) {
            at += size;
            continue;
        }
        buffer_put(out, s.data + done, at - done);
        if (c > 0 && c < 0x80)
            put_escaped(out, c);
        else
            buffer_put(out, replacement, sizeof replacement);
        done = ++at;
    }
    if (done < s.size)
        buffer_put(out, s.data + done, s.size - done);
    buffer_put_u8(out, '"');
}
