/* Line reader: a file, pipe or terminal line by line, of any length up to LINE_BYTES_MAX; what has
 * come is given at once.
 *
 * Threading: one thread. Ownership: the descriptor is the caller's; a line lives until the next
 * call. Errors: IO_ERROR, QUERY_CANCELED after Ctrl-C, PROGRAM_LIMIT_EXCEEDED for a longer line. */
#ifndef FIRN_CLI_LINE_READER_H
#define FIRN_CLI_LINE_READER_H

#include "base/buffer.h"

enum { LINE_BYTES_MAX = 64 << 20 };

typedef struct LineReader {
    int descriptor;
    Buffer buffer;
    size_t begin;   /* of the next line */
    size_t scanned; /* bytes known to hold no line's end */
    bool is_at_end;
} LineReader;

void line_reader_open(LineReader *reader, int descriptor);
void line_reader_close(LineReader *reader);

/* The next line without its LF or CRLF; *has is false at the end. */
CHECKED Status line_reader_next(LineReader *reader, Slice *line, bool *has, Error *error);

#endif
