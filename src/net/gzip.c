#include "net/gzip.h"

#include <limits.h>

#include "base/assert.h"

enum {
    GZIP_WINDOW_BITS = 15 + 16,       /* zlib's way to say: with gzip's header */
    GZIP_SMALL_WINDOW_BITS = 12 + 16, /* 4 KiB */
    GZIP_SMALL_BYTES_MAX = 16 << 10,
    GZIP_SMALL_MEMORY_LEVEL = 4,
    GZIP_MEMORY_LEVEL = 8,
    GZIP_LEVEL = 1, /* the fastest: two thirds of the gain for a third of the time */
    GZIP_OUT_BYTES = 16 << 10,
};

static void *allocate(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    size_t whole;
    if (__builtin_mul_overflow((size_t)count, (size_t)size, &whole) || whole == 0)
        return NULL;
    return memory_allocate_zeroed(1, whole);
}

static void release(void *opaque, void *memory)
{
    (void)opaque;
    memory_free(memory);
}

/* ---- unpacking ---- */

Status gzip_reader_open(GzipReader *reader, Error *error)
{
    *reader = (GzipReader){.stream = {.zalloc = allocate, .zfree = release}};
    if (inflateInit2(&reader->stream, GZIP_WINDOW_BITS) != Z_OK)
        return error_out_of_memory(error);
    reader->is_open = true;
    return OK;
}

void gzip_reader_close(GzipReader *reader)
{
    if (reader->is_open)
        (void)inflateEnd(&reader->stream);
    reader->is_open = false;
}

static Status check_ratio(const GzipReader *reader, Error *error)
{
    if (reader->out <= GZIP_RATIO_FREE_BYTES || reader->out / GZIP_RATIO_MAX <= reader->in)
        return OK;
    return error_set(error, STATUS_PAYLOAD_TOO_LARGE,
                     "the gzip body unpacks to more than %d times its size", GZIP_RATIO_MAX);
}

static Status inflate_status(GzipReader *reader, int result, Error *error)
{
    if (result == Z_STREAM_END)
        reader->is_done = true;
    else if (result == Z_MEM_ERROR)
        return error_out_of_memory(error);
    else if (result != Z_OK && result != Z_BUF_ERROR)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "the body is not valid gzip");
    return check_ratio(reader, error);
}

Status gzip_reader_next(GzipReader *reader, Slice *input, void *out, size_t size, size_t *got,
                        Error *error)
{
    ASSERT(reader->is_open);
    *got = 0;
    if (reader->is_done) {
        if (input->size == 0)
            return OK;
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "bytes follow the gzip body");
    }
    size_t in_size = input->size < UINT_MAX ? input->size : UINT_MAX;
    size_t out_size = size < UINT_MAX ? size : UINT_MAX;
    reader->stream.next_in = (Bytef *)(uintptr_t)input->data;
    reader->stream.avail_in = (uInt)in_size;
    reader->stream.next_out = out;
    reader->stream.avail_out = (uInt)out_size;
    int result = inflate(&reader->stream, Z_NO_FLUSH);
    size_t used = in_size - reader->stream.avail_in;
    *got = out_size - reader->stream.avail_out;
    *input = slice_part(*input, used, input->size);
    reader->in += used;
    reader->out += *got;
    return inflate_status(reader, result, error);
}

/* ---- packing ---- */

Status gzip_writer_open(GzipWriter *writer, size_t size_hint, Error *error)
{
    *writer = (GzipWriter){.stream = {.zalloc = allocate, .zfree = release}};
    bool is_small = size_hint > 0 && size_hint <= GZIP_SMALL_BYTES_MAX;
    int result =
        deflateInit2(&writer->stream, GZIP_LEVEL, Z_DEFLATED,
                     is_small ? GZIP_SMALL_WINDOW_BITS : GZIP_WINDOW_BITS,
                     is_small ? GZIP_SMALL_MEMORY_LEVEL : GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    if (result != Z_OK)
        return error_out_of_memory(error);
    writer->is_open = true;
    return OK;
}

void gzip_writer_close(GzipWriter *writer)
{
    if (writer->is_open)
        (void)deflateEnd(&writer->stream);
    writer->is_open = false;
}

Status gzip_writer_put(GzipWriter *writer, Slice data, bool is_last, Buffer *out, Error *error)
{
    ASSERT(writer->is_open && data.size <= UINT_MAX);
    writer->stream.next_in = (Bytef *)(uintptr_t)data.data;
    writer->stream.avail_in = (uInt)data.size;
    int result = Z_OK;
    do {
        uint8_t *at = buffer_reserve(out, GZIP_OUT_BYTES);
        TRY(buffer_status(out, error));
        writer->stream.next_out = at;
        writer->stream.avail_out = GZIP_OUT_BYTES;
        result = deflate(&writer->stream, is_last ? Z_FINISH : Z_SYNC_FLUSH);
        ASSERT(result != Z_STREAM_ERROR);
        out->size += GZIP_OUT_BYTES - writer->stream.avail_out;
    } while (writer->stream.avail_out == 0 || (is_last && result != Z_STREAM_END));
    return OK;
}
