#include "net/http_parse.h"

#include "base/assert.h"
#include "net/ascii_int.h"

static const char *const method_names[HTTP_METHOD_COUNT] = {"GET",   "HEAD",   "POST",   "PUT",
                                                            "PATCH", "DELETE", "OPTIONS"};

const char *http_method_name(HttpMethod method)
{
    ASSERT((unsigned)method < HTTP_METHOD_COUNT);
    return method_names[method];
}

static Status refuse(Error *error, const char *why)
{
    return error_set(error, STATUS_PROTOCOL_VIOLATION, "%s", why);
}

int http_refusal_status(Status status)
{
    switch (status) {
    case STATUS_VERSION_NOT_SUPPORTED:
        return 505;
    case STATUS_FEATURE_NOT_SUPPORTED:
        return 417;
    default:
        return status_http(status);
    }
}

/* ---- classes of bytes ---- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static bool is_visible(uint8_t c)
{
    return c > 0x20 && c < 0x7f;
}

/* Field values: visible ASCII, blanks, and bytes above it, which mean nothing to us. */
static bool is_value_byte(uint8_t c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static Slice trim_blanks(Slice s)
{
    while (s.size > 0 && is_blank(s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size > 0 && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

/* ---- lists ---- */

bool http_list_next(Slice *list, Slice *element)
{
    while (list->size > 0) {
        size_t comma = slice_find(*list, ',');
        *element = trim_blanks(slice_part(*list, 0, comma));
        *list = slice_part(*list, comma + 1, list->size);
        if (element->size > 0)
            return true;
    }
    return false;
}

bool http_list_has(Slice list, const char *token)
{
    Slice element;
    while (http_list_next(&list, &element)) {
        Slice name = trim_blanks(slice_part(element, 0, slice_find(element, ';')));
        if (slice_equal_ignoring_case(name, slice_of_text(token)))
            return true;
    }
    return false;
}

Slice http_head_value(const HttpHead *head, const char *name)
{
    Slice wanted = slice_of_text(name);
    for (size_t i = 0; i < head->header_count; i++) {
        const HttpHeader *header = &head->headers[i];
        if (header->name.size == wanted.size && slice_equal_ignoring_case(header->name, wanted))
            return header->value;
    }
    return SLICE_EMPTY;
}

/* ---- the end of the head ---- */

Status http_head_find_end(Slice input, size_t *scanned, size_t *end, Error *error)
{
    size_t at = *scanned;
    *end = 0;
    while (at < input.size) {
        Slice rest = slice_part(input, at, input.size);
        size_t line_size = slice_find(rest, '\r');
        if (slice_find(slice_part(rest, 0, line_size), '\n') < line_size)
            return refuse(error, "a line ends in LF without CR");
        at += line_size;
        if (at + 1 >= input.size)
            break;
        if (input.data[at + 1] != '\n')
            return refuse(error, "a CR without LF");
        bool is_empty_line = at == 0 || input.data[at - 1] == '\n';
        at += 2;
        if (is_empty_line) {
            *end = at;
            break;
        }
    }
    *scanned = at;
    return OK;
}

/* ---- the request line ---- */

static Status parse_method(Slice name, HttpMethod *out, Error *error)
{
    for (int i = 0; i < HTTP_METHOD_COUNT; i++) {
        if (slice_equal_text(name, method_names[i])) {
            *out = (HttpMethod)i;
            return OK;
        }
    }
    if (name.size == 0)
        return refuse(error, "the request has no method");
    for (size_t i = 0; i < name.size; i++) {
        if (!ascii_is_token(name.data[i]))
            return refuse(error, "the method is not a word");
    }
    return error_set(error, STATUS_NOT_BUILT, "the method %.*s is not known here",
                     SLICE_ARGUMENTS(slice_part(name, 0, 32)));
}

static Status parse_version(Slice version, HttpHead *out, Error *error)
{
    if (slice_equal_text(version, "HTTP/1.1"))
        out->minor_version = 1;
    else if (slice_equal_text(version, "HTTP/1.0"))
        out->minor_version = 0;
    else if (version.size == 8 && slice_starts_with(version, SLICE("HTTP/")))
        return error_set(error, STATUS_VERSION_NOT_SUPPORTED, "only HTTP/1.1 and 1.0 are spoken");
    else
        return refuse(error, "the request line does not end in HTTP/1.1");
    return OK;
}

/* Bytes of "[IPv6 address]" at the start, 0 where it is none. */
static size_t bracketed_size(Slice host)
{
    size_t end = slice_find(host, ']');
    if (end < 3 || end == host.size)
        return 0;
    for (size_t i = 1; i < end; i++) {
        uint8_t c = host.data[i];
        if (ascii_hex_value(c) < 0 && c != ':' && c != '.')
            return 0;
    }
    return end + 1;
}

static size_t host_name_size(Slice host)
{
    size_t size = 0;
    for (; size < host.size; size++) {
        uint8_t c = host.data[size];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && (c == 0 || strchr("-._~", c) == NULL))
            break;
    }
    return size;
}

static bool is_port(Slice port)
{
    if (port.size == 0 || port.data[0] != ':' || port.size > 6)
        return port.size == 0;
    for (size_t i = 1; i < port.size; i++) {
        if (!ascii_is_digit(port.data[i]))
            return false;
    }
    return true;
}

/* A name, an address or [an IPv6 address], with or without a port. Empty is allowed: RFC 9110 has
 * clients send it so where the target has no authority. */
static bool is_host(Slice host)
{
    bool is_bracketed = host.size > 0 && host.data[0] == '[';
    size_t size = is_bracketed ? bracketed_size(host) : host_name_size(host);
    if (is_bracketed && size == 0)
        return false;
    return is_port(slice_part(host, size, host.size));
}

/* "http://host[:port]/path": the authority takes the place of the Host header. */
static Status parse_absolute(Slice target, size_t scheme_size, HttpHead *out, Slice *rest,
                             Error *error)
{
    Slice behind = slice_part(target, scheme_size, target.size);
    size_t size = 0;
    while (size < behind.size && behind.data[size] != '/' && behind.data[size] != '?')
        size++;
    out->host = slice_part(behind, 0, size);
    if (size == 0 || !is_host(out->host))
        return refuse(error, "the request's target names no valid host");
    *rest = slice_part(behind, size, behind.size);
    return OK;
}

static Status split_target(Slice target, HttpHead *out, Error *error)
{
    Slice rest = target;
    if (slice_equal_ignoring_case(slice_part(target, 0, 7), SLICE("http://")))
        TRY(parse_absolute(target, 7, out, &rest, error));
    else if (slice_equal_ignoring_case(slice_part(target, 0, 8), SLICE("https://")))
        TRY(parse_absolute(target, 8, out, &rest, error));
    else if (target.data[0] != '/' &&
             !(out->method == HTTP_OPTIONS && slice_equal_text(target, "*")))
        return refuse(error, "the request's target is not a path");
    size_t mark = slice_find(rest, '?');
    out->path = mark == 0 ? SLICE("/") : slice_part(rest, 0, mark);
    out->query = slice_part(rest, mark + 1, rest.size);
    return OK;
}

static Status parse_target(Slice target, HttpHead *out, Error *error)
{
    if (target.size == 0)
        return refuse(error, "the request has no target");
    for (size_t i = 0; i < target.size; i++) {
        if (!is_visible(target.data[i]) || target.data[i] == '#')
            return refuse(error, "a character in the request's target must be percent-encoded");
    }
    return split_target(target, out, error);
}

static Status parse_request_line(Slice line, HttpHead *out, Error *error)
{
    size_t first = slice_find(line, ' ');
    Slice behind = slice_part(line, first + 1, line.size);
    size_t second = slice_find(behind, ' ');
    if (first == line.size || second == behind.size)
        return refuse(error, "the request line is not METHOD TARGET VERSION");
    TRY(parse_version(slice_part(behind, second + 1, behind.size), out, error));
    TRY(parse_method(slice_part(line, 0, first), &out->method, error));
    return parse_target(slice_part(behind, 0, second), out, error);
}

/* ---- header lines ---- */

static Status parse_header(Slice line, HttpHeader *out, Error *error)
{
    if (line.size == 0 || is_blank(line.data[0]))
        return refuse(error, "a header line begins with white space");
    size_t colon = 0;
    while (colon < line.size && ascii_is_token(line.data[colon]))
        colon++;
    if (colon == 0 || colon == line.size || line.data[colon] != ':')
        return refuse(error, "a header line is not NAME: VALUE");
    for (size_t i = colon + 1; i < line.size; i++) {
        if (!is_value_byte(line.data[i]))
            return refuse(error, "a control character in a header");
    }
    out->name = slice_part(line, 0, colon);
    out->value = trim_blanks(slice_part(line, colon + 1, line.size));
    return OK;
}

static size_t count_lines(Slice text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.size; count++)
        at += slice_find(slice_part(text, at, text.size), '\n') + 1;
    return count;
}

/* `text` holds whole lines, each ended by CRLF, without the empty one. */
static Status parse_headers(Slice text, Arena *arena, HttpHead *out, Error *error)
{
    size_t lines = count_lines(text);
    if (lines > HTTP_HEADERS_MAX)
        return error_set(error, STATUS_HEADER_TOO_LARGE, "more than %d headers", HTTP_HEADERS_MAX);
    out->headers = ARENA_ARRAY(arena, HttpHeader, lines);
    if (out->headers == NULL)
        return arena_error(arena, error);
    for (size_t at = 0; at < text.size;) {
        Slice rest = slice_part(text, at, text.size);
        size_t size = slice_find(rest, '\r');
        TRY(parse_header(slice_part(rest, 0, size), &out->headers[out->header_count], error));
        out->header_count++;
        at += size + 2;
    }
    return OK;
}

/* ---- headers that frame the message ---- */

static Status read_length(Slice value, HttpHead *out, Error *error)
{
    if (out->has_length)
        return refuse(error, "more than one Content-Length");
    if (value.size == 0)
        return refuse(error, "Content-Length is not a number");
    uint64_t length = 0;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];
        if (!ascii_is_digit(c))
            return refuse(error, "Content-Length is not a number");
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (uint64_t)(c - '0'), &length))
            return error_of(error, STATUS_PAYLOAD_TOO_LARGE);
    }
    out->has_length = true;
    out->length = length;
    return OK;
}

static Status read_transfer_encoding(Slice value, HttpHead *out, Error *error)
{
    if (out->is_chunked)
        return refuse(error, "more than one Transfer-Encoding");
    if (out->minor_version == 0)
        return refuse(error, "HTTP/1.0 has no Transfer-Encoding");
    if (!slice_equal_ignoring_case(value, SLICE("chunked")))
        return error_set(error, STATUS_NOT_BUILT,
                         "the only Transfer-Encoding understood is \"chunked\"");
    out->is_chunked = true;
    return OK;
}

static Status read_expect(Slice value, HttpHead *out, Error *error)
{
    if (!slice_equal_ignoring_case(value, SLICE("100-continue")))
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "the only expectation understood is \"100-continue\"");
    out->expects_continue = out->minor_version > 0;
    return OK;
}

typedef struct FramingCount {
    unsigned hosts;
    bool has_close;
    bool host_of_target; /* an absolute target named it */
} FramingCount;

static Status read_host(Slice value, FramingCount *count, HttpHead *out, Error *error)
{
    if (count->hosts++ > 0)
        return refuse(error, "more than one Host header");
    if (!is_host(value))
        return refuse(error, "the Host header names no valid host");
    if (!count->host_of_target)
        out->host = value;
    return OK;
}

static Status read_framing(const HttpHeader *header, FramingCount *count, HttpHead *out,
                           Error *error)
{
    Slice name = header->name;
    switch (name.size) {
    case 4:
        if (slice_equal_ignoring_case(name, SLICE("host")))
            return read_host(header->value, count, out, error);
        return OK;
    case 6:
        if (slice_equal_ignoring_case(name, SLICE("expect")))
            return read_expect(header->value, out, error);
        return OK;
    case 10:
        if (slice_equal_ignoring_case(name, SLICE("connection"))) {
            count->has_close = count->has_close || http_list_has(header->value, "close");
            out->wants_upgrade = out->wants_upgrade || http_list_has(header->value, "upgrade");
        }
        return OK;
    case 14:
        if (slice_equal_ignoring_case(name, SLICE("content-length")))
            return read_length(header->value, out, error);
        return OK;
    case 17:
        if (slice_equal_ignoring_case(name, SLICE("transfer-encoding")))
            return read_transfer_encoding(header->value, out, error);
        return OK;
    default:
        return OK;
    }
}

/* HTTP/1.0 is answered with a closed connection: its keep-alive was never a standard. */
static Status frame_message(HttpHead *out, Error *error)
{
    FramingCount count = {.host_of_target = out->host.size > 0};
    for (size_t i = 0; i < out->header_count; i++)
        TRY(read_framing(&out->headers[i], &count, out, error));
    if (count.hosts == 0 && out->minor_version > 0)
        return refuse(error, "the request has no Host header");
    if (out->is_chunked && out->has_length)
        return refuse(error, "both Content-Length and Transfer-Encoding");
    out->keep_alive = out->minor_version > 0 && !count.has_close;
    return OK;
}

Status http_head_parse(Slice text, Arena *arena, HttpHead *out, Error *error)
{
    ASSERT(text.size >= 2);
    HttpHead head = {0};
    size_t line_size = slice_find(text, '\r');
    if (line_size == 0)
        return refuse(error, "an empty line in place of a request");
    ASSERT(text.size >= line_size + 4);
    TRY(parse_request_line(slice_part(text, 0, line_size), &head, error));
    Slice headers = slice_part(text, line_size + 2, text.size - line_size - 4);
    TRY(parse_headers(headers, arena, &head, error));
    TRY(frame_message(&head, error));
    *out = head;
    return OK;
}
