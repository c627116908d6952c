/* The text that is being written: pieces with holes between. */
#include "sql/writer_int.h"

#include <stdarg.h>
#include <stdio.h>

void put(Writer *writer, const char *text)
{
    buffer_put_text(&writer->out, text);
}

void put_slice(Writer *writer, Slice text)
{
    buffer_put_slice(&writer->out, text);
}

void put_format(Writer *writer, const char *format, ...)
{
    char text[128];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ASSERT(size >= 0 && (size_t)size < sizeof text);
    buffer_put(&writer->out, text, (size_t)size);
}

static void put_doubled(Writer *writer, Slice text, uint8_t quote)
{
    buffer_put_u8(&writer->out, quote);
    for (size_t at = 0; at < text.size;) {
        Slice rest = slice_part(text, at, text.size);
        size_t size = slice_find(rest, quote);
        buffer_put(&writer->out, rest.data, size);
        at += size;
        if (at < text.size) {
            buffer_put_u8(&writer->out, quote);
            buffer_put_u8(&writer->out, quote);
            at++;
        }
    }
    buffer_put_u8(&writer->out, quote);
}

void put_identifier(Writer *writer, Slice name)
{
    put_doubled(writer, name, '"');
}

void put_literal(Writer *writer, Slice text)
{
    put_doubled(writer, text, '\'');
}

static Status end_piece(Writer *writer, Error *error)
{
    Slice piece;
    TRY(buffer_status(&writer->out, error));
    writer->written += writer->out.size;
    if (writer->written > WRITTEN_BYTES_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "the statement is too large for the engine");
    TRY(arena_clone(writer->binder->kept, buffer_slice(&writer->out), &piece, error));
    TRY(list_grow(writer->binder->kept, (void **)&writer->pieces, writer->hole_count,
                  &writer->piece_capacity, sizeof piece, error));
    writer->pieces[writer->hole_count] = piece;
    buffer_clear(&writer->out);
    return OK;
}

Status put_hole(Writer *writer, uint32_t reference, Error *error)
{
    TRY(end_piece(writer, error));
    TRY(list_grow(writer->binder->kept, (void **)&writer->holes, writer->hole_count,
                  &writer->hole_capacity, sizeof reference, error));
    writer->holes[writer->hole_count++] = reference;
    return OK;
}

Status writer_down(Writer *writer, Error *error)
{
    /* The bound tree is bounded already; what the writer adds is a small factor. */
    if (writer->depth >= 4 * BIND_DEPTH_MAX)
        return error_set(error, STATUS_STATEMENT_TOO_COMPLEX, "statement nests too deeply");
    writer->depth++;
    return OK;
}

Status error_unwritable(const Bound *bound, Error *error, const char *what)
{
    return error_set_at(error, bound->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                        "%s is not supported", what);
}

/* ---- the statement ---- */

Type sent_type(Type type, int16_t scale)
{
    if (type.kind == TYPE_DECIMAL && scale == SCALE_VARIES)
        return TYPE(TEXT);
    if (type.kind == TYPE_DECIMAL)
        return (Type){.kind = TYPE_DECIMAL, .a = DECIMAL_PRECISION_MAX, .b = scale};
    if (type.kind == TYPE_INTERVAL || type.kind == TYPE_RECORD || type.kind == TYPE_UNKNOWN)
        return TYPE(TEXT);
    return type;
}

Status result_columns(Binder *binder, const BoundQuery *query, ResultColumn **out, Error *error)
{
    ResultColumn *columns = ARENA_ARRAY(binder->kept, ResultColumn, query->column_count);
    if (columns == NULL)
        return arena_error(binder->kept, error);
    for (uint32_t i = 0; i < query->column_count; i++) {
        const RelationColumn *from = &query->columns[i];
        TRY(arena_clone(binder->kept, from->name, &columns[i].name, error));
        columns[i].type = from->type;
        columns[i].sent = sent_type(from->type, from->scale);
    }
    *out = columns;
    return OK;
}

/* SELECT … FROM (query): the forms in which columns are sent that are not those they are kept in.
 */
static Status write_sent(Writer *writer, const BoundQuery *query, const ResultColumn *columns,
                         Error *error)
{
    put(writer, "SELECT ");
    for (uint32_t i = 0; i < query->column_count; i++) {
        bool as_text = columns[i].type.kind == TYPE_INTERVAL;
        put_format(writer, as_text ? "%spg_text(s.c%u) AS c%u" : "%ss.c%u AS c%u",
                   i == 0 ? "" : ", ", i, i);
    }
    put(writer, " FROM (");
    TRY(write_query(writer, query, query->columns, error));
    put(writer, ") AS s");
    return OK;
}

static bool needs_sent_form(const BoundQuery *query)
{
    for (uint32_t i = 0; i < query->column_count; i++) {
        if (query->columns[i].type.kind == TYPE_INTERVAL)
            return true;
    }
    return false;
}

Status write_statement(Binder *binder, const BoundQuery *query, const ResultColumn *columns,
                       WrittenQuery *out, Error *error)
{
    Writer writer = {.binder = binder};
    Status status;
    buffer_open(&writer.out, WRITTEN_BYTES_MAX);
    if (needs_sent_form(query))
        GO(write_sent(&writer, query, columns, error));
    else
        GO(write_query(&writer, query, query->columns, error));
    GO(end_piece(&writer, error));
    *out = (WrittenQuery){
        .text = {.pieces = writer.pieces, .holes = writer.holes, .hole_count = writer.hole_count},
        .uses_now = writer.uses_now,
        .uses_user = writer.uses_user};
done:
    buffer_close(&writer.out);
    return status;
}
