/* HTTP of any bytes, as a connection meets it: in pieces, head after head, each with its body. What
 * must hold whatever comes: the same requests are found however the bytes are cut, a head that was
 * taken has the form its framing says, and decoded paths and queries are text. */
#include "base/assert.h"
#include "net/http_chunked.h"
#include "net/http_parse.h"
#include "net/http_uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read of the input, to be compared. */
typedef struct Reading {
    uint32_t requests;
    size_t consumed;
    uint64_t body_bytes;
    Status status;
} Reading;

static void check_text(Slice s, bool may_have_controls)
{
    ASSERT(slice_is_utf8_text(s));
    for (size_t i = 0; i < s.size && !may_have_controls; i++)
        ASSERT(s.data[i] >= 0x20 && s.data[i] != 0x7f);
}

static Status check_head(const HttpHead *head, Arena *arena, Error *error)
{
    Slice path;
    HttpParameter *parameters;
    size_t count;
    ASSERT(!(head->is_chunked && head->has_length));
    ASSERT(head->header_count <= HTTP_HEADERS_MAX);
    ASSERT(head->path.size > 0);
    TRY(http_path_decode(head->path, arena, &path, error));
    check_text(path, false);
    TRY(http_query_decode(head->query, arena, &parameters, &count, error));
    for (size_t i = 0; i < count; i++) {
        check_text(parameters[i].name, true);
        check_text(parameters[i].value, true);
    }
    return OK;
}

/* Bytes of the body that are there; *done where it is whole. */
static Status read_body(const HttpHead *head, Slice input, size_t step, Reading *reading,
                        size_t *used, bool *done, Error *error)
{
    HttpChunked chunked = {0};
    *used = 0;
    *done = !head->is_chunked && head->length <= input.size;
    if (!head->is_chunked) {
        *used = *done ? (size_t)head->length : input.size;
        reading->body_bytes += *used;
        return OK;
    }
    while (*used < input.size && !http_chunked_is_done(&chunked)) {
        size_t taken;
        Slice piece;
        TRY(http_chunked_next(&chunked, slice_part(input, *used, step), &taken, &piece, error));
        ASSERT(taken > 0 && piece.size <= taken);
        reading->body_bytes += piece.size;
        *used += taken;
    }
    *done = http_chunked_is_done(&chunked);
    return OK;
}

static Status find_head(Slice input, size_t step, size_t *end, Error *error)
{
    size_t scanned = 0;
    *end = 0;
    for (size_t size = step; *end == 0; size += step) {
        bool is_all = size >= input.size;
        TRY(http_head_find_end(slice_part(input, 0, size), &scanned, end, error));
        if (is_all)
            break;
    }
    return OK;
}

static Status read_request(Slice input, size_t step, Reading *reading, size_t *used, bool *done,
                           Arena *arena, Error *error)
{
    HttpHead head;
    size_t end;
    size_t body = 0;
    *done = false;
    *used = 0;
    TRY(find_head(input, step, &end, error));
    if (end == 0)
        return OK;
    TRY(http_head_parse(slice_part(input, 0, end), arena, &head, error));
    reading->requests++;
    TRY(check_head(&head, arena, error));
    TRY(read_body(&head, slice_part(input, end, input.size), step, reading, &body, done, error));
    *used = end + body;
    return OK;
}

static Reading read_all(Slice input, size_t step)
{
    Reading reading = {0};
    Error error;
    bool done = true;
    while (done && reading.status == OK && reading.consumed < input.size) {
        Arena arena;
        size_t used;
        arena_open(&arena, 1 << 20);
        reading.status = read_request(slice_part(input, reading.consumed, input.size), step,
                                      &reading, &used, &done, &arena, &error);
        if (reading.status != OK)
            ASSERT(error.status == reading.status && http_refusal_status(error.status) >= 400);
        reading.consumed += used;
        arena_close(&arena);
    }
    return reading;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 20000)
        return 0;
    Reading whole = read_all(slice_of(data, size), size + 1);
    for (size_t step = 1; step < 8; step += 3) {
        Reading pieces = read_all(slice_of(data, size), step);
        ASSERT(pieces.status == whole.status && pieces.requests == whole.requests);
        ASSERT(whole.status != OK ||
               (pieces.consumed == whole.consumed && pieces.body_bytes == whole.body_bytes));
    }
    return 0;
}
