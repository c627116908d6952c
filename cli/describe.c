#include "cli/describe.h"

#include "cli/json_walk.h"
#include "cli/result.h"
#include "cli/table.h"

/* The columns of DESCRIBE. */
enum { SECTION, NAME, TYPE, NULLABLE, KEY_POSITION, DEFAULT, VALUE, COMMENT, DESCRIBE_COLUMNS };

enum { PART_COLUMNS_MAX = 6 };

static const char *const describe_names[DESCRIBE_COLUMNS] = {
    "section", "name", "type", "nullable", "key_position", "default", "value", "comment"};

/* One section of it: its rows, and what of them is shown. */
typedef struct Part {
    const char *section;
    const char *title;
    size_t count;
    struct {
        int of; /* column of DESCRIBE */
        const char *name;
    } columns[PART_COLUMNS_MAX];
} Part;

static const Part parts[] = {
    {"column",
     NULL,
     6,
     {{NAME, "column"},
      {TYPE, "type"},
      {NULLABLE, "nullable"},
      {KEY_POSITION, "key"},
      {DEFAULT, "default"},
      {COMMENT, "comment"}}},
    {"index", "Indexes", 3, {{NAME, "index"}, {TYPE, "method"}, {VALUE, "columns"}}},
    {"table", "Properties", 2, {{NAME, "property"}, {VALUE, "value"}}},
};

static bool is_description(const ResponseResult *result)
{
    if (result->column_count != DESCRIBE_COLUMNS)
        return false;
    for (size_t i = 0; i < DESCRIBE_COLUMNS; i++) {
        if (!slice_equal_text(result->columns[i].name, describe_names[i]))
            return false;
    }
    return true;
}

/* The raw values of a row; false where they are fewer or more. */
static Status read_values(Slice row, Slice *values, bool *fits, Error *error)
{
    JsonWalk walk;
    bool has = json_walk_array(&walk, row);
    size_t count = 0;
    while (has) {
        Slice key;
        Slice value;
        TRY(json_walk_next(&walk, &has, &key, &value, error));
        if (has && count < DESCRIBE_COLUMNS)
            values[count] = value;
        count += has;
    }
    *fits = count == DESCRIBE_COLUMNS;
    return OK;
}

static bool is_of(const Part *part, const Slice *values)
{
    Slice section = values[SECTION];
    return section.size >= 2 &&
           slice_equal_text(slice_part(section, 1, section.size - 2), part->section);
}

static bool is_empty(const Part *part, const Slice *values)
{
    return part->columns[1].of == VALUE && slice_equal_text(values[VALUE], "null");
}

/* The rows of a part as JSON; *count of them. */
static Status collect(const Part *part, Slice rows, Buffer *out, int64_t *count, Error *error)
{
    JsonWalk walk;
    bool has = json_walk_array(&walk, rows);
    *count = 0;
    buffer_put_u8(out, '[');
    while (has) {
        Slice key;
        Slice row;
        Slice values[DESCRIBE_COLUMNS];
        bool fits;
        TRY(json_walk_next(&walk, &has, &key, &row, error));
        if (!has)
            break;
        TRY(read_values(row, values, &fits, error));
        if (!fits || !is_of(part, values) || is_empty(part, values))
            continue;
        buffer_put_text(out, (*count)++ > 0 ? ",[" : "[");
        for (size_t i = 0; i < part->count; i++) {
            buffer_put_text(out, i > 0 ? "," : "");
            buffer_put_slice(out, values[part->columns[i].of]);
        }
        buffer_put_u8(out, ']');
    }
    buffer_put_u8(out, ']');
    return buffer_status(out, error);
}

static Status put_part(Shell *shell, Arena *arena, const Part *part, Slice rows, Error *error)
{
    Buffer text;
    int64_t count;
    Status status = OK;
    ResponseColumn columns[PART_COLUMNS_MAX] = {{.is_key = false}};
    ResponseResult result = {.columns = columns, .column_count = part->count};
    for (size_t i = 0; i < part->count; i++)
        columns[i].name = slice_of_text(part->columns[i].name);
    buffer_open(&text, 0);
    GO(collect(part, rows, &text, &count, error));
    if (count == 0)
        goto done;
    if (part->title != NULL) {
        printer_color(&shell->out, COLOR_BOLD);
        printer_text(&shell->out, part->title);
        printer_color(&shell->out, COLOR_NONE);
        printer_text(&shell->out, "\n");
    }
    result.rows = buffer_slice(&text);
    GO(table_write(&shell->out, arena, &result, error));
    printer_text(&shell->out, "\n");
done:
    buffer_close(&text);
    return status;
}

Status describe_view(Shell *shell, Arena *arena, const ResponseResult *result, Error *error)
{
    if (!is_description(result))
        return result_put(&shell->out, arena, result, shell->format, false, error);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        TRY(put_part(shell, arena, &parts[i], result->rows, error));
    return OK;
}
