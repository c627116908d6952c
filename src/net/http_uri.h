/* Paths and queries of requests, decoded strictly.
 *
 * A percent sign must be followed by two hexadecimal digits; what comes out must be UTF-8 without
 * control characters. In a path an encoded slash and the segments "." and ".." are refused, so that
 * nobody behind us can read another path than the one that was checked. In a query each name may
 * stand once.
 *
 * Threading: pure functions. Ownership: results point into the input or lie in the arena.
 * Errors: PROTOCOL_VIOLATION. */
#ifndef FIRN_NET_HTTP_URI_H
#define FIRN_NET_HTTP_URI_H

#include "base/arena.h"
#include "base/error.h"

enum { HTTP_PARAMETERS_MAX = 64 };

typedef struct HttpParameter {
    Slice name;
    Slice value;
} HttpParameter;

CHECKED Status http_path_decode(Slice raw, Arena *arena, Slice *out, Error *error);

/* name=value pairs separated by '&', '+' for a space; a name without '=' has an empty value. */
CHECKED Status http_query_decode(Slice raw, Arena *arena, HttpParameter **out, size_t *count,
                                 Error *error);

/* The same for a body of type application/x-www-form-urlencoded. */
#define http_form_decode http_query_decode

#endif
