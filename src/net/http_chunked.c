#include "net/http_chunked.h"

#include "base/assert.h"
#include "net/ascii_int.h"

enum { CHUNK_DIGITS_MAX = 16 };

static Status refuse(Error *error, const char *why)
{
    return error_set(error, STATUS_PROTOCOL_VIOLATION, "%s", why);
}

static Status step_size(HttpChunked *chunked, uint8_t c, Error *error)
{
    int digit = ascii_hex_value(c);
    if (digit >= 0) {
        if (++chunked->digits > CHUNK_DIGITS_MAX)
            return refuse(error, "the size of a chunk is too long");
        chunked->left = chunked->left << 4 | (unsigned)digit;
        return OK;
    }
    if (chunked->digits == 0 || (c != '\r' && c != ';'))
        return refuse(error, "the size of a chunk is not a hexadecimal number");
    chunked->state = c == ';' ? HTTP_CHUNK_EXTENSION : HTTP_CHUNK_SIZE_LF;
    return OK;
}

static Status count_extra(HttpChunked *chunked, uint8_t c, Error *error)
{
    if (++chunked->extra > HTTP_CHUNK_EXTRA_BYTES_MAX)
        return error_set(error, STATUS_HEADER_TOO_LARGE,
                         "chunk extensions and trailers of more than %d bytes",
                         HTTP_CHUNK_EXTRA_BYTES_MAX);
    if (c != '\t' && (c < 0x20 || c == 0x7f))
        return refuse(error, "a control character in a chunk extension or trailer");
    return OK;
}

static Status step_text(HttpChunked *chunked, uint8_t c, HttpChunkState next, Error *error)
{
    if (c == '\r') {
        chunked->state = next;
        return OK;
    }
    return count_extra(chunked, c, error);
}

/* At the start of a trailer line, or inside its name. */
static Status step_trailer_name(HttpChunked *chunked, uint8_t c, Error *error)
{
    bool at_start = chunked->state == HTTP_CHUNK_TRAILER_START;
    if (at_start && c == '\r') {
        chunked->state = HTTP_CHUNK_END_LF;
        return OK;
    }
    TRY(count_extra(chunked, c, error));
    if (c == ':' && !at_start)
        chunked->state = HTTP_CHUNK_TRAILER_VALUE;
    else if (ascii_is_token(c))
        chunked->state = HTTP_CHUNK_TRAILER_NAME;
    else
        return refuse(error, "a trailer line is not NAME: VALUE");
    return OK;
}

static Status expect(HttpChunked *chunked, uint8_t c, uint8_t wanted, HttpChunkState next,
                     Error *error)
{
    if (c != wanted)
        return refuse(error, "a chunk does not end in CRLF");
    chunked->state = next;
    return OK;
}

static Status end_size_line(HttpChunked *chunked, uint8_t c, Error *error)
{
    TRY(expect(chunked, c, '\n', HTTP_CHUNK_DATA, error));
    chunked->digits = 0;
    if (chunked->left == 0)
        chunked->state = HTTP_CHUNK_TRAILER_START;
    return OK;
}

static Status step(HttpChunked *chunked, uint8_t c, Error *error)
{
    switch (chunked->state) {
    case HTTP_CHUNK_SIZE:
        return step_size(chunked, c, error);
    case HTTP_CHUNK_EXTENSION:
        return step_text(chunked, c, HTTP_CHUNK_SIZE_LF, error);
    case HTTP_CHUNK_SIZE_LF:
        return end_size_line(chunked, c, error);
    case HTTP_CHUNK_DATA_CR:
        return expect(chunked, c, '\r', HTTP_CHUNK_DATA_LF, error);
    case HTTP_CHUNK_DATA_LF:
        return expect(chunked, c, '\n', HTTP_CHUNK_SIZE, error);
    case HTTP_CHUNK_TRAILER_START:
    case HTTP_CHUNK_TRAILER_NAME:
        return step_trailer_name(chunked, c, error);
    case HTTP_CHUNK_TRAILER_VALUE:
        return step_text(chunked, c, HTTP_CHUNK_TRAILER_LF, error);
    case HTTP_CHUNK_TRAILER_LF:
        return expect(chunked, c, '\n', HTTP_CHUNK_TRAILER_START, error);
    case HTTP_CHUNK_END_LF:
        return expect(chunked, c, '\n', HTTP_CHUNK_DONE, error);
    case HTTP_CHUNK_DATA:
    case HTTP_CHUNK_DONE:
        break;
    }
    UNREACHABLE();
}

static Slice take_data(HttpChunked *chunked, Slice input, size_t at)
{
    uint64_t left = chunked->left;
    Slice data = slice_part(input, at, left > SIZE_MAX ? SIZE_MAX : (size_t)left);
    chunked->left -= data.size;
    if (chunked->left == 0)
        chunked->state = HTTP_CHUNK_DATA_CR;
    return data;
}

Status http_chunked_next(HttpChunked *chunked, Slice input, size_t *used, Slice *data, Error *error)
{
    size_t at = 0;
    *data = SLICE_EMPTY;
    *used = 0;
    while (at < input.size && chunked->state != HTTP_CHUNK_DONE) {
        if (chunked->state == HTTP_CHUNK_DATA) {
            *data = take_data(chunked, input, at);
            at += data->size;
            break;
        }
        TRY(step(chunked, input.data[at], error));
        at++;
    }
    *used = at;
    return OK;
}
