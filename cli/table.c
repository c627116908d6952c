#include "cli/table.h"

#include "cli/interrupt.h"
#include "cli/row_walk.h"
#include "cli/text.h"

static const char NULL_TEXT[] = "NULL";

typedef struct Table {
    Printer *output;
    const ResponseResult *result;
    size_t *widths;
} Table;

static size_t cell_width(const Cell *cell)
{
    return cell->is_null ? sizeof NULL_TEXT - 1 : text_width(cell->text);
}

static Status measure(Table *table, Arena *arena, Error *error)
{
    RowWalk walk;
    Status status = OK;
    bool has = true;
    for (size_t i = 0; i < table->result->column_count; i++)
        table->widths[i] = text_width(table->result->columns[i].name);
    GO(row_walk_open(&walk, arena, table->result->rows, table->result->column_count, error));
    for (;;) {
        GO(row_walk_next(&walk, &has, error));
        if (!has)
            break;
        for (size_t i = 0; i < walk.column_count; i++) {
            size_t width = cell_width(&walk.cells[i]);
            if (width > table->widths[i])
                table->widths[i] = width;
        }
    }
done:
    row_walk_close(&walk);
    return status;
}

static size_t width_under(const size_t *widths, size_t count, size_t limit)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += widths[i] < limit ? widths[i] : limit;
    return sum;
}

size_t table_column_limit(const size_t *widths, size_t count, size_t room)
{
    size_t between = 3 * count; /* " │ " between two, a blank at both ends */
    size_t low = TABLE_CUT_MIN;
    size_t high = room;
    if (between >= room || width_under(widths, count, low) + between > room)
        return TABLE_CUT_MIN;
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (width_under(widths, count, middle) + between <= room)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void fit(Table *table)
{
    size_t count = table->result->column_count;
    if (table->output->width == 0)
        return;
    if (width_under(table->widths, count, SIZE_MAX) + 3 * count <= table->output->width + 1)
        return;
    size_t limit = table_column_limit(table->widths, count, table->output->width + 1);
    for (size_t i = 0; i < count; i++) {
        if (table->widths[i] > limit)
            table->widths[i] = limit;
    }
}

static bool is_last(const Table *table, size_t column)
{
    return column + 1 == table->result->column_count;
}

static void put_separator(Table *table)
{
    printer_text(table->output, table->output->is_unicode ? " \xe2\x94\x82" : " |");
}

/* A text in its column, with a blank before it; nothing behind the last one. */
static void put_text(Table *table, size_t column, Slice text, size_t width, bool at_right,
                     OutputColor color)
{
    Printer *output = table->output;
    size_t room = table->widths[column];
    size_t missing = width < room ? room - width : 0;
    buffer_put_u8(&output->buffer, ' ');
    if (at_right)
        text_put_spaces(&output->buffer, missing);
    if (color != COLOR_NONE)
        printer_color(output, color);
    (void)text_put(&output->buffer, text, room == 0 ? 1 : room, output->is_unicode);
    if (color != COLOR_NONE)
        printer_color(output, COLOR_NONE);
    if (is_last(table, column))
        return;
    if (!at_right)
        text_put_spaces(&output->buffer, missing);
    put_separator(table);
}

static void put_head(Table *table)
{
    const ResponseResult *result = table->result;
    for (size_t i = 0; i < result->column_count; i++) {
        Slice name = result->columns[i].name;
        put_text(table, i, name, text_width(name), type_is_number(result->columns[i].type),
                 COLOR_BOLD);
    }
    buffer_put_u8(&table->output->buffer, '\n');
}

static void put_line(Table *table)
{
    Printer *output = table->output;
    const char *dash = output->is_unicode ? "\xe2\x94\x80" : "-";
    const char *cross = output->is_unicode ? "\xe2\x94\xbc" : "+";
    for (size_t i = 0; i < table->result->column_count; i++) {
        for (size_t k = 0; k < table->widths[i] + 2; k++)
            printer_text(output, dash);
        if (!is_last(table, i))
            printer_text(output, cross);
    }
    buffer_put_u8(&output->buffer, '\n');
}

static void put_row(Table *table, const Cell *cells)
{
    for (size_t i = 0; i < table->result->column_count; i++) {
        Slice text = cells[i].is_null ? slice_of_text(NULL_TEXT) : cells[i].text;
        put_text(table, i, text, cell_width(&cells[i]),
                 type_is_number(table->result->columns[i].type),
                 cells[i].is_null ? COLOR_DIM : COLOR_NONE);
    }
    buffer_put_u8(&table->output->buffer, '\n');
    printer_drain(table->output);
}

static Status put_rows(Table *table, Arena *arena, Error *error)
{
    RowWalk walk;
    Status status = OK;
    bool has = true;
    GO(row_walk_open(&walk, arena, table->result->rows, table->result->column_count, error));
    while (!table->output->failed) {
        GO(row_walk_next(&walk, &has, error));
        if (!has)
            break;
        if (interrupt_is_pending()) {
            status = error_set(error, STATUS_QUERY_CANCELED, "cancelled");
            break;
        }
        put_row(table, walk.cells);
    }
done:
    row_walk_close(&walk);
    return status;
}

Status table_write(Printer *output, Arena *arena, const ResponseResult *result, Error *error)
{
    Table table = {.output = output, .result = result};
    table.widths = ARENA_ARRAY(arena, size_t, result->column_count);
    if (table.widths == NULL)
        return arena_error(arena, error);
    TRY(measure(&table, arena, error));
    fit(&table);
    put_head(&table);
    put_line(&table);
    return put_rows(&table, arena, error);
}
