/* Lines: rows as text, one line each, for programs that read tables and not answers.
 *
 *     application/x-ndjson   {"id":7,"body":"hello"}      a JSON object for each row
 *     text/csv               id,body                      RFC 4180, names first, lines end in CRLF;
 *                            7,"a ""word"""               values as SQL prints them; NULL is
 *                            8,                           nothing, an empty text is ""
 * Both hold the rows of one statement; statements that return none leave nothing.
 *
 * Threading: one thread. Ownership: the writer owns its bytes until lines_close; names are copied
 * to the arena. Errors: FEATURE_NOT_SUPPORTED for a second statement with rows; the outlet's. */
#ifndef FIRN_API_LINES_H
#define FIRN_API_LINES_H

#include "api/outlet.h"

typedef enum LineFormat { LINES_NDJSON, LINES_CSV } LineFormat;

typedef struct LineWriter {
    LineFormat format;
    Buffer out;
    Arena *arena;
    Outlet *outlet;
    unsigned json_flags;
    ResultColumn *columns;
    uint32_t column_count;
    bool has_columns;
    size_t limit; /* bytes gathered before they are sent */
} LineWriter;

const char *lines_content_type(LineFormat format);
void lines_open(LineWriter *writer, LineFormat format, unsigned json_flags, Arena *arena,
                Outlet *outlet);
void lines_close(LineWriter *writer);
StatementSink lines_sink(LineWriter *writer);

/* One field of CSV with the quotes it needs. */
void csv_put_field(Buffer *out, Slice text, bool is_null);

#endif
