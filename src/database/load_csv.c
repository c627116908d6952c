/* CSV as RFC 4180 has it, with a header row. */
#include "database/load_int.h"

/* One field of the record at hand. */
typedef struct CsvField {
    Slice text;     /* between the quotes, where it has them, "" not yet made " */
    bool is_quoted; /* "" is the empty text, nothing is NULL */
    bool has_escapes;
} CsvField;

typedef struct CsvLoad {
    LoadWindow window;
    LoadFill fill;
    uint32_t *columns; /* of each field of the header */
    uint32_t field_count;
} CsvLoad;

/* ---- records: where one ends ---- */

typedef enum CsvState {
    FIELD_BEGIN,
    IN_FIELD, /* without quotes, or behind the closing one */
    IN_QUOTES,
    AFTER_QUOTE, /* a quote inside quotes: the end, or the first of two */
} CsvState;

static CsvState step(CsvState state, uint8_t c)
{
    switch (state) {
    case IN_QUOTES:
        return c == '"' ? AFTER_QUOTE : IN_QUOTES;
    case AFTER_QUOTE:
        if (c == '"')
            return IN_QUOTES;
        break;
    case FIELD_BEGIN:
        if (c == '"')
            return IN_QUOTES;
        break;
    default:
        break;
    }
    return c == ',' ? FIELD_BEGIN : IN_FIELD;
}

/* Takes the next record with its line end cut off; *lines says over how many lines it goes. *has is
 * false at the end of the body. */
static Status next_record(LoadWindow *window, Slice *out, uint64_t *lines, bool *has, Error *error)
{
    CsvState state = FIELD_BEGIN;
    size_t at = 0;
    *lines = 1;
    for (;;) {
        Slice rest = window_slice(window);
        for (; at < rest.size; at++) {
            uint8_t c = rest.data[at];
            if (c == '\n' && state != IN_QUOTES)
                break;
            *lines += c == '\n';
            state = step(state, c);
        }
        if (at < rest.size || window->at_end) {
            if (at == rest.size && state == IN_QUOTES)
                return load_fail_at(window->line, "a quoted field without its end", error);
            *has = rest.size > 0;
            size_t size = at > 0 && rest.data[at - 1] == '\r' ? at - 1 : at;
            *out = slice_part(rest, 0, size);
            window->begin += at < rest.size ? at + 1 : at;
            return OK;
        }
        TRY(window_fill(window, error));
    }
}

/* ---- fields ---- */

static Status quoted_field(Slice record, size_t *at, uint64_t line, CsvField *out, Error *error)
{
    size_t begin = ++*at;
    *out = (CsvField){.is_quoted = true};
    for (;; ++*at) {
        /* next_record saw the closing quote, or the body would have ended. */
        if (*at >= record.size)
            return load_fail_at(line, "a quoted field without its end", error);
        if (record.data[*at] != '"')
            continue;
        if (*at + 1 == record.size || record.data[*at + 1] != '"')
            break;
        out->has_escapes = true;
        ++*at;
    }
    out->text = slice_part(record, begin, *at - begin);
    ++*at;
    if (*at < record.size && record.data[*at] != ',')
        return load_fail_at(line, "something follows a closing quote", error);
    return OK;
}

static Status plain_field(Slice record, size_t *at, uint64_t line, CsvField *out, Error *error)
{
    Slice rest = slice_part(record, *at, SIZE_MAX);
    *out = (CsvField){.text = slice_part(rest, 0, slice_find(rest, ','))};
    if (slice_find(out->text, '"') < out->text.size)
        return load_fail_at(line, "a quote inside a field without quotes", error);
    *at += out->text.size;
    return OK;
}

/* The next field; *at goes behind the comma, beyond the record's end after the last one. */
static Status next_field(Slice record, size_t *at, uint64_t line, CsvField *out, Error *error)
{
    if (*at < record.size && record.data[*at] == '"')
        TRY(quoted_field(record, at, line, out, error));
    else
        TRY(plain_field(record, at, line, out, error));
    ++*at;
    return OK;
}

static Status field_text(LoadFill *fill, const CsvField *field, Slice *out, Error *error)
{
    if (!field->has_escapes) {
        *out = field->text;
        return OK;
    }
    uint8_t *copy = arena_allocate(&fill->arena, field->text.size);
    if (copy == NULL)
        return arena_error(&fill->arena, error);
    size_t size = 0;
    for (size_t i = 0; i < field->text.size; i++) {
        copy[size++] = field->text.data[i];
        i += field->text.data[i] == '"'; /* quotes come in pairs */
    }
    *out = slice_of(copy, size);
    return OK;
}

/* ---- the header ---- */

static Status take_name(CsvLoad *load, const CsvField *field, Error *error)
{
    uint32_t column;
    Slice name;
    TRY(field_text(&load->fill, field, &name, error));
    if (fill_find(&load->fill, name, &column, error) != OK)
        return error_prefix(error, "line %llu", (unsigned long long)load->window.line);
    if (load->fill.given[column])
        return error_set(error, STATUS_DUPLICATE_COLUMN,
                         "line %llu: column \"%.*s\" is named twice",
                         (unsigned long long)load->window.line, SLICE_ARGUMENTS(name));
    load->fill.given[column] = true;
    load->columns[load->field_count++] = column;
    return OK;
}

static Status read_header(CsvLoad *load, Error *error)
{
    Slice record;
    uint64_t lines;
    bool has;
    fill_begin(&load->fill);
    TRY(next_record(&load->window, &record, &lines, &has, error));
    if (!has)
        return load_fail_at(load->window.line, "a CSV body begins with a row of column names",
                            error);
    /* No column is named twice, so that there are never more fields than columns. */
    for (size_t at = 0; at <= record.size;) {
        CsvField field;
        TRY(next_field(record, &at, load->window.line, &field, error));
        TRY(take_name(load, &field, error));
    }
    load->window.line += lines;
    return OK;
}

/* ---- rows ---- */

static Status read_field(CsvLoad *load, uint32_t number, const CsvField *field, Error *error)
{
    LoadFill *fill = &load->fill;
    uint32_t column = load->columns[number];
    Slice text;
    fill->given[column] = true;
    if (field->text.size == 0 && !field->is_quoted)
        return OK; /* NULL, as fill_begin left it */
    TRY(field_text(fill, field, &text, error));
    Status status = slice_is_utf8_text(text)
                        ? value_from_text_at(&fill->arena, fill->target->columns[column].type, text,
                                             fill->target->now_us, &fill->values[column], error)
                        : error_of(error, STATUS_CHARACTER_NOT_IN_REPERTOIRE);
    return status == OK ? OK : load_fail_in(fill, "line", load->window.line, column, error);
}

static Status read_row(CsvLoad *load, Slice record, Error *error)
{
    uint64_t line = load->window.line;
    uint32_t number = 0;
    fill_begin(&load->fill);
    for (size_t at = 0; at <= record.size; number++) {
        CsvField field;
        TRY(next_field(record, &at, line, &field, error));
        if (number == load->field_count)
            return load_fail_at(line, "more fields than the first row names", error);
        TRY(read_field(load, number, &field, error));
    }
    if (number < load->field_count)
        return load_fail_at(line, "fewer fields than the first row names", error);
    return fill_visit(&load->fill, line, error);
}

static Status read_rows(CsvLoad *load, Error *error)
{
    TRY(window_skip_mark(&load->window, error));
    TRY(read_header(load, error));
    for (;;) {
        Slice record;
        uint64_t lines;
        bool has;
        TRY(next_record(&load->window, &record, &lines, &has, error));
        if (!has)
            return OK;
        if (record.size > 0 || load->field_count == 1)
            TRY(read_row(load, record, error));
        load->window.line += lines;
    }
}

Status load_csv(const LoadTarget *target, const LoadSource *source, Error *error)
{
    CsvLoad load = {.field_count = 0};
    TRY(fill_open(target, &load.fill, error));
    window_open(&load.window, target, source);
    load.columns = memory_allocate_zeroed(target->column_count, sizeof *load.columns);
    Status status = load.columns == NULL ? error_out_of_memory(error) : read_rows(&load, error);
    memory_free(load.columns);
    window_close(&load.window);
    fill_close(&load.fill);
    return status;
}
