#include "cli/line_reader.h"

#include <errno.h>
#include <unistd.h>

#include "cli/interrupt.h"

enum { LINE_READ_BYTES = 64 << 10 };

void line_reader_open(LineReader *reader, int descriptor)
{
    *reader = (LineReader){.descriptor = descriptor};
    buffer_open(&reader->buffer, LINE_BYTES_MAX);
}

void line_reader_close(LineReader *reader)
{
    buffer_close(&reader->buffer);
}

static Status read_more(LineReader *reader, Error *error)
{
    uint8_t *at = buffer_reserve(&reader->buffer, LINE_READ_BYTES);
    TRY(buffer_status(&reader->buffer, error));
    for (;;) {
        if (!interrupt_wait_input(reader->descriptor))
            return error_set(error, STATUS_QUERY_CANCELED, "cancelled");
        ssize_t got = read(reader->descriptor, at, LINE_READ_BYTES);
        if (got >= 0) {
            reader->buffer.size += (size_t)got;
            reader->is_at_end = got == 0;
            return OK;
        }
        if (errno != EINTR)
            return error_set_errno(error, errno, "read", "the input");
    }
}

static Slice give(LineReader *reader, size_t end, size_t next)
{
    Slice line = slice_part(buffer_slice(&reader->buffer), reader->begin, end - reader->begin);
    reader->begin = next;
    reader->scanned = next;
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

/* What was given is no longer needed. */
static void drop_given(LineReader *reader)
{
    Buffer *buffer = &reader->buffer;
    if (reader->begin == 0)
        return;
    memmove(buffer->data, buffer->data + reader->begin, buffer->size - reader->begin);
    buffer->size -= reader->begin;
    reader->scanned -= reader->begin;
    reader->begin = 0;
}

Status line_reader_next(LineReader *reader, Slice *line, bool *has, Error *error)
{
    for (;;) {
        Slice text = buffer_slice(&reader->buffer);
        Slice rest = slice_part(text, reader->scanned, text.size);
        size_t end = reader->scanned + slice_find(rest, '\n');
        *has = true;
        if (end < text.size) {
            *line = give(reader, end, end + 1);
            return OK;
        }
        reader->scanned = text.size;
        if (reader->is_at_end) {
            *has = reader->begin < text.size;
            *line = give(reader, text.size, text.size);
            return OK;
        }
        drop_given(reader);
        TRY(read_more(reader, error));
    }
}
