#include "cli/live_line.h"

#include "base/json.h"
#include "cli/row_walk.h"
#include "cli/rows_out.h"
#include "cli/text.h"

static OutputColor color_of(Slice op)
{
    if (slice_equal_text(op, "insert"))
        return COLOR_GREEN;
    if (slice_equal_text(op, "update"))
        return COLOR_YELLOW;
    if (slice_equal_text(op, "delete") || slice_equal_text(op, "leave"))
        return COLOR_RED;
    return COLOR_DIM;
}

static Status read_cells(LiveLines *lines, Arena *arena, Slice row, Cell **out, Error *error)
{
    *out = NULL;
    if (row.data == NULL)
        return OK;
    Cell *cells = ARENA_ARRAY(arena, Cell, lines->column_count);
    if (cells == NULL)
        return arena_error(arena, error);
    TRY(row_read(arena, row, cells, lines->column_count, error));
    *out = cells;
    return OK;
}

/* ---- a line to look at ---- */

static void put_op(Printer *output, Slice op)
{
    printer_color(output, color_of(op));
    printer_clean(output, op);
    printer_color(output, COLOR_NONE);
    text_put_spaces(&output->buffer, op.size < 6 ? 6 - op.size : 0);
}

static void put_value(LiveLines *lines, const Cell *cell)
{
    size_t width = lines->output->width > 0 ? LIVE_VALUE_WIDTH : 0;
    Slice text = cell->is_null ? SLICE("NULL") : cell->text;
    (void)text_put(&lines->output->buffer, text, width, lines->output->is_unicode);
}

/* " (7, 'x')", or nothing where no column is a key. */
static void put_key(LiveLines *lines, const Cell *cells)
{
    bool has_key = false;
    for (size_t i = 0; i < lines->column_count; i++) {
        if (!lines->columns[i].is_key)
            continue;
        printer_text(lines->output, has_key ? ", " : " (");
        has_key = true;
        printer_color(lines->output, COLOR_BOLD);
        put_value(lines, &cells[i]);
        printer_color(lines->output, COLOR_NONE);
    }
    printer_text(lines->output, has_key ? ")" : "");
}

static bool is_same(const Cell *a, const Cell *b)
{
    return a->is_null == b->is_null && slice_equal(a->text, b->text);
}

/* name=value, and what it was where that is another. */
static void put_columns(LiveLines *lines, const Cell *cells, const Cell *old)
{
    Printer *output = lines->output;
    for (size_t i = 0; i < lines->column_count; i++) {
        printer_text(output, "  ");
        printer_color(output, COLOR_DIM);
        printer_clean(output, lines->columns[i].name);
        printer_text(output, "=");
        printer_color(output, COLOR_NONE);
        if (old != NULL && !is_same(&cells[i], &old[i])) {
            put_value(lines, &old[i]);
            printer_text(output, output->is_unicode ? " \xe2\x86\x92 " : " -> ");
        }
        put_value(lines, &cells[i]);
    }
}

static Status put_text_line(LiveLines *lines, Arena *arena, const LiveChange *change, Error *error)
{
    Cell *row;
    Cell *old;
    TRY(read_cells(lines, arena, change->row, &row, error));
    TRY(read_cells(lines, arena, change->old, &old, error));
    put_op(lines->output, change->op);
    if (row != NULL || old != NULL) {
        put_key(lines, row != NULL ? row : old);
        put_columns(lines, row != NULL ? row : old, row != NULL ? old : NULL);
    }
    printer_text(lines->output, "\n");
    return OK;
}

/* ---- lines for programs ---- */

static void put_json_key(LiveLines *lines, const Slice *values)
{
    Buffer *out = &lines->output->buffer;
    bool has_key = false;
    buffer_put_text(out, ",\"key\":{");
    for (size_t i = 0; i < lines->column_count; i++) {
        if (!lines->columns[i].is_key)
            continue;
        buffer_put_text(out, has_key ? "," : "");
        has_key = true;
        json_put_string(out, lines->columns[i].name);
        buffer_put_u8(out, ':');
        buffer_put_slice(out, values[i]);
    }
    buffer_put_u8(out, '}');
}

/* The raw values of a row that row_read has found to fit. */
static Status raw_values(LiveLines *lines, Arena *arena, Slice row, Slice **out, Error *error)
{
    JsonWalk walk;
    Cell *cells;
    TRY(read_cells(lines, arena, row, &cells, error));
    *out = ARENA_ARRAY(arena, Slice, lines->column_count);
    if (*out == NULL)
        return arena_error(arena, error);
    bool has = json_walk_array(&walk, row);
    for (size_t i = 0; has && i < lines->column_count; i++) {
        Slice key;
        TRY(json_walk_next(&walk, &has, &key, &(*out)[i], error));
    }
    return OK;
}

static Status put_json_row(LiveLines *lines, const char *name, Slice row, Error *error)
{
    Buffer *out = &lines->output->buffer;
    if (row.data == NULL)
        return OK;
    buffer_put_format(out, ",\"%s\":", name);
    return json_put_row(out, lines->columns, lines->column_count, row, error);
}

static Status put_json_line(LiveLines *lines, Arena *arena, const LiveChange *change, Error *error)
{
    Buffer *out = &lines->output->buffer;
    Slice *values;
    buffer_put_text(out, "{\"op\":");
    json_put_string(out, change->op);
    if (change->seq > 0)
        buffer_put_format(out, ",\"seq\":%lld", (long long)change->seq);
    Slice known = change->row.data != NULL ? change->row : change->old;
    if (known.data != NULL) {
        TRY(raw_values(lines, arena, known, &values, error));
        put_json_key(lines, values);
    }
    TRY(put_json_row(lines, "row", change->row, error));
    TRY(put_json_row(lines, "old", change->old, error));
    buffer_put_text(out, "}\n");
    return OK;
}

static void put_csv_begin(Buffer *out, Slice op, int64_t seq)
{
    csv_put_value(out, op);
    buffer_put_u8(out, ',');
    if (seq > 0)
        buffer_put_format(out, "%lld", (long long)seq);
}

static Status put_csv_line(LiveLines *lines, Arena *arena, const LiveChange *change, Error *error)
{
    Buffer *out = &lines->output->buffer;
    Cell *cells;
    TRY(read_cells(lines, arena, change->row.data != NULL ? change->row : change->old, &cells,
                   error));
    put_csv_begin(out, change->op, change->seq);
    buffer_put_u8(out, lines->column_count > 0 ? ',' : '\n');
    if (cells != NULL && lines->column_count > 0)
        csv_put_cells(out, cells, lines->column_count);
    return OK;
}

/* ---- ---- */

void live_lines_begin(LiveLines *lines)
{
    Buffer *out = &lines->output->buffer;
    if (lines->format != FORMAT_CSV)
        return;
    buffer_put_text(out, "op,seq");
    for (size_t i = 0; i < lines->column_count; i++) {
        buffer_put_u8(out, ',');
        csv_put_value(out, lines->columns[i].name);
    }
    buffer_put_u8(out, '\n');
}

Status live_lines_put(LiveLines *lines, Arena *arena, const LiveChange *change, Error *error)
{
    switch (lines->format) {
    case FORMAT_JSON:
        return put_json_line(lines, arena, change, error);
    case FORMAT_CSV:
        return put_csv_line(lines, arena, change, error);
    case FORMAT_TABLE:
        break;
    }
    return put_text_line(lines, arena, change, error);
}

static void put_json_event(Buffer *out, const char *op, int64_t seq, Slice reason)
{
    JsonWriter writer;
    json_begin(&writer, out);
    json_open_object(&writer);
    json_key(&writer, "op");
    json_text(&writer, op);
    if (seq > 0) {
        json_key(&writer, "seq");
        json_integer(&writer, seq);
    }
    if (reason.size > 0) {
        json_key(&writer, "reason");
        json_slice(&writer, reason);
    }
    json_close_object(&writer);
    buffer_put_u8(out, '\n');
}

void live_lines_put_event(LiveLines *lines, const char *op, int64_t seq, Slice reason)
{
    Printer *output = lines->output;
    if (lines->format == FORMAT_JSON) {
        put_json_event(&output->buffer, op, seq, reason);
        return;
    }
    if (lines->format == FORMAT_CSV) {
        put_csv_begin(&output->buffer, slice_of_text(op), seq);
        for (size_t i = 0; i < lines->column_count; i++)
            buffer_put_u8(&output->buffer, ',');
        printer_text(output, "\n");
        return;
    }
    put_op(output, slice_of_text(op));
    if (seq > 0)
        buffer_put_format(&output->buffer, "  from sequence %lld", (long long)seq);
    printer_text(output, reason.size > 0 ? "  " : "");
    printer_clean(output, reason);
    printer_text(output, "\n");
}
