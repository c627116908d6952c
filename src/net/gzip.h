/* gzip (RFC 1952), both ways, on zlib.
 *
 * Threading: one thread at a time. Ownership: close what was opened, always. Errors:
 * PROTOCOL_VIOLATION for bytes that are not gzip, PAYLOAD_TOO_LARGE for a stream that swells beyond
 * GZIP_RATIO_MAX (a bomb: deflate reaches 1032, text does not), OUT_OF_MEMORY. */
#ifndef FIRN_NET_GZIP_H
#define FIRN_NET_GZIP_H

#include <zlib.h>

#include "base/buffer.h"

enum {
    GZIP_RATIO_MAX = 128,
    GZIP_RATIO_FREE_BYTES = 1 << 20, /* output that may come out before the ratio is looked at */
};

/* ---- unpacking ---- */

typedef struct GzipReader {
    z_stream stream;
    uint64_t in;
    uint64_t out;
    bool is_open;
    bool is_done; /* the stream's end was read */
} GzipReader;

CHECKED Status gzip_reader_open(GzipReader *reader, Error *error);
void gzip_reader_close(GzipReader *reader);

/* Unpacks from the front of `*input`, which loses what was used, into at most `size` bytes. It made
 * all it could where *got < size. Bytes behind the stream's end are an error. */
CHECKED Status gzip_reader_next(GzipReader *reader, Slice *input, void *out, size_t size,
                                size_t *got, Error *error);

/* ---- packing ---- */

typedef struct GzipWriter {
    z_stream stream;
    bool is_open;
} GzipWriter;

/* `size_hint`: bytes that will come, if known (0: many): small texts get small tables. */
CHECKED Status gzip_writer_open(GzipWriter *writer, size_t size_hint, Error *error);
void gzip_writer_close(GzipWriter *writer);

/* Appends to `out` all that `data` packs to, so that the reader can unpack all of it; with
 * `is_last` also the end of the stream. A failed buffer is the caller's to notice. */
CHECKED Status gzip_writer_put(GzipWriter *writer, Slice data, bool is_last, Buffer *out,
                               Error *error);

#endif
