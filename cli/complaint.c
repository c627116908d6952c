#include "cli/complaint.h"

#include "cli/text.h"

enum { EXCERPT_WIDTH = 72 }; /* of a line that is longer, around the place */

static uint64_t count_lines(Slice text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == '\n';
    return count;
}

static void put_head(Printer *output, const StatementPlace *place, uint64_t lines_before,
                     Slice sqlstate)
{
    if (place != NULL && place->name != NULL)
        buffer_put_format(&output->buffer, "%s:%llu: ", place->name,
                          (unsigned long long)(place->line + lines_before));
    printer_color(output, COLOR_RED);
    printer_text(output, "ERROR");
    printer_color(output, COLOR_NONE);
    if (sqlstate.size > 0)
        buffer_put_u8(&output->buffer, ' ');
    printer_clean(output, sqlstate);
    printer_text(output, ": ");
}

static void put_extra(Printer *output, const char *name, Slice text)
{
    if (text.size == 0)
        return;
    printer_color(output, COLOR_BOLD);
    printer_text(output, name);
    printer_color(output, COLOR_NONE);
    printer_text(output, ": ");
    printer_clean(output, text);
    printer_text(output, "\n");
}

/* Columns that are shown before `at`, tabs being blanks. */
static void put_line_text(Printer *output, Slice text)
{
    for (size_t i = 0; i < text.size;) {
        size_t end = i + slice_find(slice_part(text, i, text.size), '\t');
        printer_clean(output, slice_part(text, i, end - i));
        if (end < text.size)
            buffer_put_u8(&output->buffer, ' ');
        i = end + 1;
    }
}

static size_t line_width(Slice text)
{
    size_t tabs = 0;
    for (size_t i = 0; i < text.size; i++)
        tabs += text.data[i] == '\t';
    return text_width(text) - tabs; /* "\t" takes two columns as an escape, one as a blank */
}

/* Moves back to where a character begins. */
static size_t to_border(Slice text, size_t at)
{
    while (at > 0 && at < text.size && (text.data[at] & 0xc0) == 0x80)
        at--;
    return at;
}

/* The line of the place, and a caret below it. */
static void put_excerpt(Printer *output, Slice sql, size_t byte)
{
    size_t begin = byte;
    while (begin > 0 && sql.data[begin - 1] != '\n')
        begin--;
    Slice line = slice_part(sql, begin, sql.size);
    line = slice_part(line, 0, slice_find(line, '\n'));
    size_t at = byte - begin;
    size_t cut = at > EXCERPT_WIDTH / 2 && line.size > EXCERPT_WIDTH
                     ? to_border(line, at - EXCERPT_WIDTH / 2)
                     : 0;
    Slice shown = slice_part(line, cut, to_border(slice_part(line, cut, line.size), EXCERPT_WIDTH));
    size_t size_before = output->buffer.size;
    buffer_put_format(&output->buffer, "LINE %llu: %s",
                      (unsigned long long)(count_lines(slice_part(sql, 0, begin)) + 1),
                      cut > 0 ? "..." : "");
    size_t indent = output->buffer.size - size_before;
    put_line_text(output, shown);
    printer_text(output, cut + shown.size < line.size ? "...\n" : "\n");
    text_put_spaces(&output->buffer, indent + line_width(slice_part(shown, 0, at - cut)));
    printer_color(output, COLOR_RED);
    printer_text(output, "^");
    printer_color(output, COLOR_NONE);
    printer_text(output, "\n");
}

void complaint_put(Printer *output, const ResponseError *error, Slice sql,
                   const StatementPlace *place)
{
    bool has_place = error->byte >= 0 && (uint64_t)error->byte <= sql.size && sql.size > 0;
    size_t byte = has_place ? (size_t)error->byte : 0;
    put_head(output, place, count_lines(slice_part(sql, 0, byte)), error->sqlstate);
    printer_clean(output, error->message);
    printer_text(output, "\n");
    if (has_place)
        put_excerpt(output, sql, byte);
    put_extra(output, "DETAIL", error->detail);
    put_extra(output, "HINT", error->hint);
    printer_flush(output);
}

void complaint_put_own(Printer *output, const Error *error, const StatementPlace *place)
{
    put_head(output, place, 0, SLICE_EMPTY);
    printer_clean(output, slice_of_text(error->message));
    printer_text(output, "\n");
    put_extra(output, "DETAIL", slice_of_text(error->detail));
    put_extra(output, "HINT", slice_of_text(error->hint));
    printer_flush(output);
}
