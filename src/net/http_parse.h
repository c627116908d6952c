/* The head of an HTTP/1.x request, read strictly (RFC 9112): what two parsers could read in two
 * ways is refused, because the one in front of us may read it in the other way.
 *
 * Refused besides what the RFC refuses: folded lines, any repeated Content-Length (equal ones too),
 * any Transfer-Encoding but one "chunked", lines that end in a bare LF, empty lines before the
 * request, white space anywhere the grammar has none.
 *
 * Threading: pure functions. Ownership: the slices of a head point into the bytes it was read from;
 * its headers lie in the arena. Errors: PROTOCOL_VIOLATION (400), HEADER_TOO_LARGE (431),
 * PAYLOAD_TOO_LARGE (413), NOT_BUILT (501), VERSION_NOT_SUPPORTED (505), FEATURE_NOT_SUPPORTED
 * (417, an expectation): http_refusal_status gives these numbers. */
#ifndef FIRN_NET_HTTP_PARSE_H
#define FIRN_NET_HTTP_PARSE_H

#include "base/arena.h"
#include "base/error.h"

enum { HTTP_HEADERS_MAX = 100 };

typedef enum HttpMethod {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_COUNT
} HttpMethod;

const char *http_method_name(HttpMethod method);

typedef struct HttpHeader {
    Slice name; /* as sent: compare without case */
    Slice value;
} HttpHeader;

typedef struct HttpHead {
    HttpMethod method;
    uint32_t minor_version; /* of HTTP/1.x: 0 or 1 */
    Slice path;             /* of the target, still percent-encoded; "*" for OPTIONS * */
    Slice query;            /* behind the question mark, still encoded */
    Slice host;             /* of the Host header, or of an absolute target */
    HttpHeader *headers;
    size_t header_count;
    bool has_length;
    uint64_t length; /* Content-Length, where has_length */
    bool is_chunked;
    bool keep_alive; /* the client wants the connection kept */
    bool expects_continue;
    bool wants_upgrade; /* Connection names "upgrade" */
} HttpHead;

/* Looks for the empty line that ends a head. `*scanned` is 0 at first and kept by the caller while
 * the head is incomplete, so that no byte is looked at twice; `*end` is one past the empty line, or
 * 0 while it has not come. Bare CR and LF are refused as soon as they are seen. */
CHECKED Status http_head_find_end(Slice input, size_t *scanned, size_t *end, Error *error);

/* Reads a whole head, the empty line included. */
CHECKED Status http_head_parse(Slice text, Arena *arena, HttpHead *out, Error *error);

/* The value of the first header of this name (lower case), or an empty slice with data NULL. */
Slice http_head_value(const HttpHead *head, const char *name);

/* Is `token` (lower case) an element of a comma-separated list, parameters left aside? */
bool http_list_has(Slice list, const char *token);

/* The next element of a comma-separated list, trimmed; false at its end. */
bool http_list_next(Slice *list, Slice *element);

/* The HTTP status for a refusal of the protocol: the catalogue's but for codes that mean something
 * else on this level. */
int http_refusal_status(Status status);

#endif
