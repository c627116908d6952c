#include "api/lines.h"

#include "base/json.h"

const char *lines_content_type(LineFormat format)
{
    return format == LINES_CSV ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson";
}

void lines_open(LineWriter *writer, LineFormat format, unsigned json_flags, Arena *arena,
                Outlet *outlet)
{
    *writer = (LineWriter){.format = format,
                           .arena = arena,
                           .outlet = outlet,
                           .json_flags = json_flags,
                           .limit = API_ANSWER_BYTES_MAX};
    buffer_open(&writer->out, 0);
}

void lines_close(LineWriter *writer)
{
    buffer_close(&writer->out);
}

/* ---- CSV ---- */

static bool needs_quotes(Slice text)
{
    if (text.size == 0 || text.data[0] == ' ' || text.data[text.size - 1] == ' ')
        return true;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == ',' || c == '\n' || c == '\r')
            return true;
    }
    return false;
}

void csv_put_field(Buffer *out, Slice text, bool is_null)
{
    if (is_null)
        return;
    if (!needs_quotes(text)) {
        buffer_put_slice(out, text);
        return;
    }
    buffer_put_u8(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            buffer_put_u8(out, '"');
        buffer_put_u8(out, text.data[i]);
    }
    buffer_put_u8(out, '"');
}

static void put_csv_names(LineWriter *writer)
{
    for (uint32_t i = 0; i < writer->column_count; i++) {
        if (i > 0)
            buffer_put_u8(&writer->out, ',');
        csv_put_field(&writer->out, writer->columns[i].name, false);
    }
    buffer_put_text(&writer->out, "\r\n");
}

/* A line of one NULL would be an empty line, which readers pass over: it is "" then. */
static Status put_csv_row(LineWriter *writer, const Value *values, Error *error)
{
    Buffer text;
    Status status = OK;
    buffer_open(&text, 0);
    for (uint32_t i = 0; i < writer->column_count && status == OK; i++) {
        bool is_null = values[i].is_null && writer->column_count > 1;
        buffer_clear(&text);
        if (!values[i].is_null)
            value_put_text(&text, writer->columns[i].type, &values[i]);
        if (i > 0)
            buffer_put_u8(&writer->out, ',');
        csv_put_field(&writer->out, buffer_slice(&text), is_null);
        status = buffer_status(&text, error);
    }
    buffer_put_text(&writer->out, "\r\n");
    buffer_close(&text);
    return status;
}

/* ---- NDJSON ---- */

static void put_json_row(LineWriter *writer, const Value *values)
{
    Buffer *out = &writer->out;
    for (uint32_t i = 0; i < writer->column_count; i++) {
        buffer_put_u8(out, i > 0 ? ',' : '{');
        json_put_string(out, writer->columns[i].name);
        buffer_put_u8(out, ':');
        if (values[i].is_null)
            buffer_put_text(out, "null");
        else
            value_put_json(out, writer->columns[i].type, &values[i], writer->json_flags);
    }
    buffer_put_text(out, writer->column_count == 0 ? "{}\n" : "}\n");
}

/* ---- as a sink ---- */

static Status send_if_full(LineWriter *writer, Error *error)
{
    TRY(buffer_status(&writer->out, error));
    if (writer->out.size <= writer->limit)
        return OK;
    TRY(outlet_send(writer->outlet, buffer_slice(&writer->out), error));
    buffer_clear(&writer->out);
    writer->limit = OUTLET_PIECE_BYTES;
    return OK;
}

static Status take_columns(void *context, const ResultColumn *columns, uint32_t count, Error *error)
{
    LineWriter *writer = context;
    if (writer->has_columns)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "%s holds the rows of one statement: ask for application/json, or for one "
                         "statement at a time",
                         writer->format == LINES_CSV ? "CSV" : "NDJSON");
    writer->columns = ARENA_ARRAY(writer->arena, ResultColumn, count);
    if (writer->columns == NULL)
        return arena_error(writer->arena, error);
    for (uint32_t i = 0; i < count; i++) {
        writer->columns[i] = columns[i];
        TRY(arena_clone(writer->arena, columns[i].name, &writer->columns[i].name, error));
    }
    writer->column_count = count;
    writer->has_columns = true;
    if (writer->format == LINES_CSV)
        put_csv_names(writer);
    return send_if_full(writer, error);
}

static Status take_row(void *context, const Value *values, uint32_t count, Error *error)
{
    LineWriter *writer = context;
    ASSERT(count == writer->column_count);
    if (writer->format == LINES_CSV)
        TRY(put_csv_row(writer, values, error));
    else
        put_json_row(writer, values);
    return send_if_full(writer, error);
}

StatementSink lines_sink(LineWriter *writer)
{
    return (StatementSink){
        .rows = {.wants_json = false, .columns = take_columns, .row = take_row, .context = writer},
        .context = writer,
    };
}
