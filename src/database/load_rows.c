/* What the readers of bulk loads share: the window over the body, and the row being filled. */
#include "database/load_rows.h"

#include "database/load_int.h"
#include "sql/guess.h"

enum {
    WINDOW_BYTES_FIRST = 64 << 10,
    ROW_ARENA_BYTES_MAX = 512 << 20, /* of what one row's text becomes */
};

/* ---- bytes that arrive ---- */

void window_open(LoadWindow *window, const LoadTarget *target, const LoadSource *source)
{
    *window = (LoadWindow){.source = source, .line = 1};
    window->limit = target->row_bytes_max == 0 ? LOAD_ROW_BYTES_MAX_DEFAULT : target->row_bytes_max;
}

void window_close(LoadWindow *window)
{
    memory_free(window->data);
}

static Status grow(LoadWindow *window, Error *error)
{
    size_t wanted = window->capacity == 0 ? WINDOW_BYTES_FIRST : window->capacity * 2;
    if (wanted > window->limit)
        wanted = window->limit;
    if (wanted <= window->capacity)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "line %llu: a row is longer than %zu bytes",
                         (unsigned long long)window->line, window->limit);
    uint8_t *data = memory_resize(window->data, wanted);
    if (data == NULL)
        return error_out_of_memory(error);
    window->data = data;
    window->capacity = wanted;
    return OK;
}

Status window_fill(LoadWindow *window, Error *error)
{
    size_t rest = window->end - window->begin;
    size_t got = 0;
    if (window->at_end)
        return OK;
    if (window->begin > 0) {
        memmove(window->data, window->data + window->begin, rest);
        window->begin = 0;
        window->end = rest;
    }
    if (window->end == window->capacity)
        TRY(grow(window, error));
    TRY(window->source->read(window->source->context, window->data + window->end,
                             window->capacity - window->end, &got, error));
    ASSERT(got <= window->capacity - window->end);
    window->end += got;
    window->at_end = got == 0;
    return OK;
}

Status window_skip_mark(LoadWindow *window, Error *error)
{
    while (!window->at_end && window->end < 3)
        TRY(window_fill(window, error));
    if (window->end > 0 && slice_starts_with(window_slice(window), SLICE("\xef\xbb\xbf")))
        window->begin = 3;
    return OK;
}

/* ---- the row ---- */

Status fill_open(const LoadTarget *target, LoadFill *out, Error *error)
{
    ASSERT(target->column_count > 0 && target->column_count <= COLUMNS_MAX);
    *out = (LoadFill){.target = target};
    arena_open(&out->arena, ROW_ARENA_BYTES_MAX);
    out->values = memory_allocate_zeroed(target->column_count, sizeof *out->values);
    out->given = memory_allocate_zeroed(target->column_count, sizeof *out->given);
    if (out->values != NULL && out->given != NULL)
        return OK;
    fill_close(out);
    return error_out_of_memory(error);
}

void fill_close(LoadFill *fill)
{
    arena_close(&fill->arena);
    memory_free(fill->values);
    memory_free(fill->given);
}

void fill_begin(LoadFill *fill)
{
    arena_reset(&fill->arena);
    for (uint32_t i = 0; i < fill->target->column_count; i++) {
        fill->values[i] = value_null((TypeKind)fill->target->columns[i].type.kind);
        fill->given[i] = false;
    }
}

Status fill_find(const LoadFill *fill, Slice name, uint32_t *out, Error *error)
{
    NameGuess guess;
    for (uint32_t i = 0; i < fill->target->column_count; i++) {
        if (slice_equal(fill->target->columns[i].name, name)) {
            *out = i;
            return OK;
        }
    }
    guess_open(&guess, name);
    for (uint32_t i = 0; i < fill->target->column_count; i++)
        guess_offer(&guess, fill->target->columns[i].name);
    (void)error_set(error, STATUS_UNDEFINED_COLUMN, "column \"%.*s\" does not exist",
                    SLICE_ARGUMENTS(slice_part(name, 0, 2 * NAME_BYTES_MAX)));
    guess_hint(&guess, error);
    return error->status;
}

Status fill_visit(LoadFill *fill, uint64_t line, Error *error)
{
    LoadRow row = {line, fill->values, fill->given};
    return fill->target->visit(fill->target->context, &row, error);
}

Status load_fail_at(uint64_t line, const char *what, Error *error)
{
    return error_set(error, STATUS_BAD_COPY_FILE_FORMAT, "line %llu: %s", (unsigned long long)line,
                     what);
}

Status load_fail_in(const LoadFill *fill, const char *unit, uint64_t line, uint32_t column,
                    Error *error)
{
    return error_prefix(error, "%s %llu, column %.*s", unit, (unsigned long long)line,
                        SLICE_ARGUMENTS(fill->target->columns[column].name));
}
