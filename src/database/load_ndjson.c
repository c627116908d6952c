/* NDJSON: a JSON object on each line. */
#include "base/json.h"
#include "database/load_int.h"

enum { ROW_DEPTH_MAX = 128 };

typedef struct NdjsonLoad {
    LoadWindow window;
    LoadFill fill;
    uint32_t *usual; /* the column that the n-th member was the last time: most bodies repeat it */
} NdjsonLoad;

/* The next line without its end; *has is false at the end of the body. */
static Status next_line(LoadWindow *window, Slice *out, bool *has, Error *error)
{
    size_t looked = 0;
    for (;;) {
        Slice rest = window_slice(window);
        size_t end = looked + slice_find(slice_part(rest, looked, SIZE_MAX), '\n');
        if (end < rest.size || window->at_end) {
            *has = rest.size > 0;
            *out = slice_part(rest, 0, end);
            window->begin += end < rest.size ? end + 1 : end;
            return OK;
        }
        looked = rest.size;
        TRY(window_fill(window, error));
    }
}

static Status find_column(NdjsonLoad *load, uint32_t member, Slice name, uint32_t *out,
                          Error *error)
{
    const LoadTarget *target = load->fill.target;
    if (member < target->column_count &&
        slice_equal(target->columns[load->usual[member]].name, name)) {
        *out = load->usual[member];
        return OK;
    }
    TRY(fill_find(&load->fill, name, out, error));
    if (member < target->column_count)
        load->usual[member] = *out;
    return OK;
}

/* What value_from_json does, without reading the plain cases a second time. */
static Status read_value(LoadFill *fill, Type type, const JsonValue *json, Value *out, Error *error)
{
    bool is_plain_number = json->kind == JSON_NUMBER && json->is_integer && type_is_number(type);
    if (json->kind == JSON_NULL) {
        *out = value_null((TypeKind)type.kind);
        return OK;
    }
    if (is_plain_number || (json->kind == JSON_STRING && type.kind != TYPE_BYTEA))
        return value_from_text_at(&fill->arena, type, json->text, fill->target->now_us, out, error);
    return value_from_json(&fill->arena, type, json->raw, out, error);
}

static Status read_member(NdjsonLoad *load, uint32_t number, const JsonValue *member, Error *error)
{
    uint64_t line = load->window.line;
    LoadFill *fill = &load->fill;
    uint32_t column;
    if (find_column(load, number, member->key, &column, error) != OK)
        return error_prefix(error, "line %llu", (unsigned long long)line);
    Type type = fill->target->columns[column].type;
    if (read_value(fill, type, member, &fill->values[column], error) != OK)
        return load_fail_in(fill, "line", line, column, error);
    fill->given[column] = true;
    return OK;
}

static Status read_row(NdjsonLoad *load, Slice text, Error *error)
{
    JsonValue *row;
    uint64_t line = load->window.line;
    fill_begin(&load->fill);
    if (json_read(&load->fill.arena, text, ROW_DEPTH_MAX, &row, error) != OK)
        return error_prefix(error, "line %llu", (unsigned long long)line);
    if (row->kind != JSON_OBJECT)
        return error_set(error, STATUS_INVALID_JSON_TEXT, "line %llu: a row is a JSON object",
                         (unsigned long long)line);
    for (uint32_t i = 0; i < row->count; i++)
        TRY(read_member(load, i, &row->children[i], error));
    return fill_visit(&load->fill, line, error);
}

static Status read_rows(NdjsonLoad *load, Error *error)
{
    TRY(window_skip_mark(&load->window, error));
    for (;; load->window.line++) {
        Slice line;
        bool has;
        TRY(next_line(&load->window, &line, &has, error));
        if (!has)
            return OK;
        line = slice_trim(line);
        if (line.size > 0)
            TRY(read_row(load, line, error));
    }
}

Status load_ndjson(const LoadTarget *target, const LoadSource *source, Error *error)
{
    NdjsonLoad load;
    TRY(fill_open(target, &load.fill, error));
    window_open(&load.window, target, source);
    load.usual = memory_allocate_zeroed(target->column_count, sizeof *load.usual);
    Status status = load.usual == NULL ? error_out_of_memory(error) : read_rows(&load, error);
    memory_free(load.usual);
    window_close(&load.window);
    fill_close(&load.fill);
    return status;
}
