#include "net/http_uri.h"

#include "net/ascii_int.h"

static Status refuse(Error *error, const char *why)
{
    return error_set(error, STATUS_PROTOCOL_VIOLATION, "%s", why);
}

static Status decode_bytes(Slice raw, bool plus_is_space, uint8_t *out, size_t *size, Error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < raw.size; i++) {
        uint8_t c = raw.data[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < raw.size ? ascii_hex_value(raw.data[i + 1]) : -1;
            int low = i + 2 < raw.size ? ascii_hex_value(raw.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return refuse(error, "a percent sign without two hexadecimal digits");
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        out[count++] = c;
    }
    *size = count;
    return OK;
}

static bool has_control(Slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] < 0x20 || s.data[i] == 0x7f)
            return true;
    }
    return false;
}

static Status decode(Slice raw, bool plus_is_space, Arena *arena, Slice *out, Error *error)
{
    bool is_plain =
        slice_find(raw, '%') == raw.size && (!plus_is_space || slice_find(raw, '+') == raw.size);
    if (is_plain) {
        *out = raw;
        return OK;
    }
    uint8_t *bytes = arena_allocate(arena, raw.size);
    if (bytes == NULL)
        return arena_error(arena, error);
    size_t size = 0;
    TRY(decode_bytes(raw, plus_is_space, bytes, &size, error));
    Slice decoded = slice_of(bytes, size);
    if (!slice_is_utf8_text(decoded))
        return refuse(error, "a percent-encoded text is not UTF-8");
    *out = decoded;
    return OK;
}

static Status check_segments(Slice path, Error *error)
{
    for (size_t at = 1; at <= path.size;) {
        Slice rest = slice_part(path, at, path.size);
        Slice segment = slice_part(rest, 0, slice_find(rest, '/'));
        if (slice_equal_text(segment, ".") || slice_equal_text(segment, ".."))
            return refuse(error, "a path must not contain \".\" or \"..\"");
        at += segment.size + 1;
    }
    return OK;
}

static size_t count_slashes(Slice s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.size; i++)
        count += s.data[i] == '/';
    return count;
}

Status http_path_decode(Slice raw, Arena *arena, Slice *out, Error *error)
{
    Slice path;
    TRY(decode(raw, false, arena, &path, error));
    if (count_slashes(path) != count_slashes(raw))
        return refuse(error, "a path must not contain an encoded slash");
    if (has_control(path))
        return refuse(error, "a path must not contain control characters");
    TRY(check_segments(path, error));
    *out = path;
    return OK;
}

static Status add_parameter(Slice pair, Arena *arena, HttpParameter *parameters, size_t *count,
                            Error *error)
{
    HttpParameter *added = &parameters[*count];
    size_t equals = slice_find(pair, '=');
    TRY(decode(slice_part(pair, 0, equals), true, arena, &added->name, error));
    TRY(decode(slice_part(pair, equals + 1, pair.size), true, arena, &added->value, error));
    for (size_t i = 0; i < *count; i++) {
        if (slice_equal(parameters[i].name, added->name))
            return refuse(error, "a name stands twice in the query");
    }
    *count += 1;
    return OK;
}

Status http_query_decode(Slice raw, Arena *arena, HttpParameter **out, size_t *count, Error *error)
{
    *out = NULL;
    *count = 0;
    if (raw.size == 0)
        return OK;
    size_t pairs = 1;
    for (size_t i = 0; i < raw.size; i++)
        pairs += raw.data[i] == '&';
    if (pairs > HTTP_PARAMETERS_MAX)
        return refuse(error, "too many names in the query");
    HttpParameter *parameters = ARENA_ARRAY(arena, HttpParameter, pairs);
    if (parameters == NULL)
        return arena_error(arena, error);
    size_t used = 0;
    for (size_t at = 0; at < raw.size;) {
        Slice rest = slice_part(raw, at, raw.size);
        Slice pair = slice_part(rest, 0, slice_find(rest, '&'));
        if (pair.size > 0)
            TRY(add_parameter(pair, arena, parameters, &used, error));
        at += pair.size + 1;
    }
    *out = parameters;
    *count = used;
    return OK;
}
