/* The chunked transfer coding (RFC 9112, section 7.1), read in pieces of any size.
 *
 *     chunk    = size in 1 to 16 hexadecimal digits, [; extensions], CRLF, bytes, CRLF
 *     body     = chunks, a chunk of size 0 without bytes, trailer lines, CRLF
 * Extensions and trailers are checked for form and dropped; together they may take
 * HTTP_CHUNK_EXTRA_BYTES_MAX bytes, so that a body cannot consist of nothing else.
 *
 * Threading: one thread at a time. Ownership: data points into the input. Errors:
 * PROTOCOL_VIOLATION, HEADER_TOO_LARGE; then the decoder must not be used any more. */
#ifndef FIRN_NET_HTTP_CHUNKED_H
#define FIRN_NET_HTTP_CHUNKED_H

#include "base/error.h"

enum { HTTP_CHUNK_EXTRA_BYTES_MAX = 4096 };

typedef enum HttpChunkState {
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_EXTENSION,
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_CR,
    HTTP_CHUNK_DATA_LF,
    HTTP_CHUNK_TRAILER_START,
    HTTP_CHUNK_TRAILER_NAME,
    HTTP_CHUNK_TRAILER_VALUE,
    HTTP_CHUNK_TRAILER_LF,
    HTTP_CHUNK_END_LF,
    HTTP_CHUNK_DONE,
} HttpChunkState;

/* All zero at the start. */
typedef struct HttpChunked {
    HttpChunkState state;
    uint32_t digits; /* of the size read so far */
    uint32_t extra;  /* bytes of extensions and trailers so far */
    uint64_t left;   /* bytes of this chunk to come */
} HttpChunked;

/* Reads until a piece of content is found, the body is done or the input is used up; *data is that
 * piece (empty where there is none) and *used counts bytes of the input, the piece included. */
CHECKED Status http_chunked_next(HttpChunked *chunked, Slice input, size_t *used, Slice *data,
                                 Error *error);

static inline bool http_chunked_is_done(const HttpChunked *chunked)
{
    return chunked->state == HTTP_CHUNK_DONE;
}

#endif
