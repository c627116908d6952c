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
    if (type.kind == TYPE_DECIMAL && type.a == 0)
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

static bool needs_sent_form(const BoundQuery *query)
{
    for (uint32_t i = 0; i < query->column_count; i++) {
        if (query->columns[i].type.kind == TYPE_INTERVAL)
            return true;
    }
    return false;
}

static void put_sent_columns(Writer *writer, const BoundQuery *query)
{
    put(writer, "SELECT ");
    for (uint32_t i = 0; i < query->column_count; i++) {
        bool as_text = query->columns[i].type.kind == TYPE_INTERVAL;
        put_format(writer, as_text ? "%spg_text(s.c%u) AS c%u" : "%ss.c%u AS c%u",
                   i == 0 ? "" : ", ", i, i);
    }
    if (query->column_count == 0)
        put(writer, "s.c0");
    put(writer, " FROM (");
}

static bool is_left_out(const Writer *writer, uint32_t parameter)
{
    const BindContext *context = writer->binder->context;
    if (parameter == context->parameter_count)
        return writer->uses_user && !writer->uses_now;
    return !writer->mentioned[parameter];
}

static bool leaves_parameters_out(const Writer *writer)
{
    uint32_t count = writer->binder->context->parameter_count;
    for (uint32_t i = 0; i <= count; i++) {
        if (is_left_out(writer, i))
            return true;
    }
    return false;
}

/* The engine takes no value for a parameter that its text does not name: WHERE names them all. */
static void put_left_out(Writer *writer)
{
    const BindContext *context = writer->binder->context;
    bool first = true;
    put(writer, " WHERE ");
    for (uint32_t i = 0; i <= context->parameter_count; i++) {
        Type type = i < context->parameter_count ? context->parameter_types[i] : TYPE(TIMESTAMPTZ);
        if (!is_left_out(writer, i))
            continue;
        put_format(writer, first ? "(CAST($%u AS " : " AND (CAST($%u AS ", i + 1);
        put_type(writer, type, SCALE_VARIES, DECIMAL_PRECISION_MAX);
        put(writer, ") IS NULL OR true)");
        first = false;
    }
    if (writer->uses_user)
        writer->uses_now = true;
}

/* The query, or a SELECT around it where its columns are sent in another form, or parameters are
 * left over. What is left over is known only when it was written once. */
static Status write_whole(Writer *writer, const BoundQuery *query, bool wrapped, Error *error)
{
    if (wrapped)
        put_sent_columns(writer, query);
    TRY(write_query(writer, query, query->columns, error));
    if (!wrapped)
        return OK;
    put(writer, ") AS s");
    if (leaves_parameters_out(writer))
        put_left_out(writer);
    return OK;
}

static Status writer_open(Writer *writer, Binder *binder, Error *error)
{
    *writer = (Writer){.binder = binder};
    buffer_open(&writer->out, WRITTEN_BYTES_MAX);
    writer->mentioned = ARENA_ARRAY(binder->arena, bool, binder->context->parameter_count);
    return writer->mentioned != NULL ? OK : arena_error(binder->arena, error);
}

static Status write_once(Binder *binder, const BoundQuery *query, bool wrapped, bool *again,
                         WrittenQuery *out, Error *error)
{
    Writer writer;
    Status status;
    GO(writer_open(&writer, binder, error));
    GO(write_whole(&writer, query, wrapped, error));
    GO(end_piece(&writer, error));
    *again = !wrapped && leaves_parameters_out(&writer);
    *out = (WrittenQuery){
        .text = {.pieces = writer.pieces, .holes = writer.holes, .hole_count = writer.hole_count},
        .uses_now = writer.uses_now,
        .uses_user = writer.uses_user};
done:
    buffer_close(&writer.out);
    return status;
}

Status write_statement(Binder *binder, const BoundQuery *query, WrittenQuery *out, Error *error)
{
    bool again;
    TRY(write_once(binder, query, needs_sent_form(query), &again, out, error));
    return again ? write_once(binder, query, true, &again, out, error) : OK;
}
