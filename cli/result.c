#include "cli/result.h"

#include "cli/rows_out.h"
#include "cli/table.h"

static void put_durability(Printer *output, const ResponseResult *result)
{
    printer_color(output, COLOR_DIM);
    printer_text(output, "(durability ");
    printer_clean(output, result->durability.size > 0 ? result->durability : SLICE("not told"));
    if (result->seq > 0)
        buffer_put_format(&output->buffer, ", sequence %lld", (long long)result->seq);
    printer_text(output, ")");
    printer_color(output, COLOR_NONE);
    printer_text(output, "\n");
}

static bool is_write(const ResponseResult *result)
{
    return result->durability.size > 0 || result->seq > 0;
}

static Status put_table(Printer *output, Arena *arena, const ResponseResult *result,
                        bool is_verbose, Error *error)
{
    if (result->columns == NULL) {
        printer_clean(output, result->message);
        printer_text(output, result->information.size > 0 ? ": " : "");
        printer_clean(output, result->information);
        printer_text(output, "\n");
    } else {
        TRY(table_write(output, arena, result, error));
        buffer_put_format(&output->buffer, "(%lld row%s)\n\n", (long long)result->row_count,
                          result->row_count == 1 ? "" : "s");
    }
    if (is_verbose && is_write(result))
        put_durability(output, result);
    return OK;
}

static void put_json_tag(Printer *output, const ResponseResult *result, bool is_verbose)
{
    JsonWriter writer;
    json_begin(&writer, &output->buffer);
    json_open_object(&writer);
    json_key(&writer, "message");
    json_slice(&writer, result->message);
    json_key(&writer, "row_count");
    json_integer(&writer, result->row_count);
    if (is_verbose && is_write(result)) {
        json_key(&writer, "durability");
        json_slice(&writer, result->durability);
        json_key(&writer, "seq");
        json_integer(&writer, result->seq);
    }
    json_close_object(&writer);
    printer_text(output, "\n");
}

Status result_put(Printer *output, Arena *arena, const ResponseResult *result, OutputFormat format,
                  bool is_verbose, Error *error)
{
    switch (format) {
    case FORMAT_TABLE:
        return put_table(output, arena, result, is_verbose, error);
    case FORMAT_CSV:
        return result->columns == NULL ? OK : csv_write(output, arena, result, error);
    case FORMAT_JSON:
        break;
    }
    if (result->columns != NULL)
        return json_write(output, result, error);
    put_json_tag(output, result, is_verbose);
    return OK;
}

void result_put_notices(Printer *output, const ResponseResult *result)
{
    const JsonValue *notices = result->notices;
    if (notices == NULL || notices->kind != JSON_ARRAY || notices->count == 0)
        return;
    for (uint32_t i = 0; i < notices->count; i++) {
        printer_color(output, COLOR_YELLOW);
        printer_text(output, "NOTICE");
        printer_color(output, COLOR_NONE);
        printer_text(output, ": ");
        printer_clean(output, notices->children[i].text);
        printer_text(output, "\n");
    }
    printer_flush(output);
}
