#include "cli/rows_out.h"

#include "cli/interrupt.h"

static Status check_interrupt(Error *error)
{
    return interrupt_is_pending() ? error_set(error, STATUS_QUERY_CANCELED, "cancelled") : OK;
}

/* ---- CSV ---- */

static bool needs_quotes(Slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == ',' || c == '"' || c == '\n' || c == '\r')
            return true;
    }
    return text.size == 0 || text.data[0] == ' ' || text.data[text.size - 1] == ' ';
}

void csv_put_value(Buffer *out, Slice text)
{
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

void csv_put_cells(Buffer *out, const Cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_put_u8(out, ',');
        if (!cells[i].is_null)
            csv_put_value(out, cells[i].text);
    }
    buffer_put_u8(out, '\n');
}

static void put_names(Printer *output, const ResponseResult *result)
{
    for (size_t i = 0; i < result->column_count; i++) {
        if (i > 0)
            buffer_put_u8(&output->buffer, ',');
        csv_put_value(&output->buffer, result->columns[i].name);
    }
    buffer_put_u8(&output->buffer, '\n');
}

Status csv_write(Printer *output, Arena *arena, const ResponseResult *result, Error *error)
{
    RowWalk walk;
    Status status = OK;
    bool has = true;
    put_names(output, result);
    GO(row_walk_open(&walk, arena, result->rows, result->column_count, error));
    while (!output->failed) {
        GO(row_walk_next(&walk, &has, error));
        if (!has)
            break;
        GO(check_interrupt(error));
        csv_put_cells(&output->buffer, walk.cells, walk.column_count);
        printer_drain(output);
    }
done:
    row_walk_close(&walk);
    return status;
}

/* ---- JSON ---- */

Status json_put_row(Buffer *out, const ResponseColumn *columns, size_t count, Slice row,
                    Error *error)
{
    JsonWalk values;
    size_t at = 0;
    bool has = json_walk_array(&values, row);
    buffer_put_u8(out, '{');
    while (has) {
        Slice key;
        Slice value;
        TRY(json_walk_next(&values, &has, &key, &value, error));
        if (!has || at == count)
            break;
        if (at > 0)
            buffer_put_text(out, ",");
        json_put_string(out, columns[at++].name);
        buffer_put_u8(out, ':');
        buffer_put_slice(out, value);
    }
    if (has || at != count)
        return error_set(error, STATUS_INVALID_JSON_TEXT,
                         "a row of the server's answer does not fit its columns");
    buffer_put_u8(out, '}');
    return OK;
}

Status json_write(Printer *output, const ResponseResult *result, Error *error)
{
    JsonWalk rows;
    size_t count = 0;
    bool has = json_walk_array(&rows, result->rows.data == NULL ? SLICE("[]") : result->rows);
    printer_text(output, "[");
    while (has && !output->failed) {
        Slice key;
        Slice row;
        TRY(json_walk_next(&rows, &has, &key, &row, error));
        if (!has)
            break;
        TRY(check_interrupt(error));
        printer_text(output, count++ == 0 ? "\n" : ",\n");
        TRY(json_put_row(&output->buffer, result->columns, result->column_count, row, error));
        printer_drain(output);
    }
    printer_text(output, count == 0 ? "]\n" : "\n]\n");
    return OK;
}
