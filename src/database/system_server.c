/* What the server is and can: system.settings, stats, functions. */
#include <stdio.h>

#include "database/system_int.h"
#include "sql/catalogue.h"

/* ---- settings ---- */

Status system_rows_settings(SystemRows *rows, Error *error)
{
    for (unsigned key = 0; key < CONFIGURATION_KEY_COUNT; key++) {
        ConfigurationSetting setting;
        configuration_setting(rows->sources->configuration, key, &setting);
        row_words(rows, setting.definition->name);
        row_text(rows, setting.value);
        row_text(rows, setting.default_text);
        row_words(rows, setting.unit);
        row_words(rows, configuration_source_name(setting.source));
        row_boolean(rows, !setting.definition->is_live);
        row_words(rows, setting.definition->description);
        TRY(row_end(rows, error));
    }
    return OK;
}

/* ---- stats ---- */

static Status put_sample(void *context, const MetricSample *sample, Error *error)
{
    SystemRows *rows = context;
    row_text(rows, sample->name);
    row_real(rows, sample->value);
    row_text(rows, sample->labels);
    return row_end(rows, error);
}

Status system_rows_stats(SystemRows *rows, Error *error)
{
    return metrics_visit(rows->sources->metrics, put_sample, rows, error);
}

/* ---- functions ---- */

static const char *function_kind(const CatalogueFunction *function)
{
    switch ((FunctionKind)function->kind) {
    case FUNCTION_AGGREGATE:
    case FUNCTION_ORDERED_SET:
        return "aggregate";
    case FUNCTION_WINDOW:
        return "window";
    case FUNCTION_SET:
        return "table";
    default:
        return "scalar";
    }
}

static Slice type_text(SystemRows *rows, ArgumentType type, const char *before)
{
    char name[TYPE_NAME_BYTES_MAX];
    argument_type_name(type, name);
    char *text = arena_format(&rows->scratch, "%s%s", before, name);
    if (text == NULL) {
        rows->status = STATUS_OUT_OF_MEMORY;
        return SLICE_EMPTY;
    }
    return slice_of_text(text);
}

static void row_arguments(SystemRows *rows, const CatalogueFunction *function)
{
    Slice names[FUNCTION_ARGUMENTS_MAX];
    uint32_t count = function->argument_count;
    for (uint32_t i = 0; i < count; i++) {
        bool is_variadic = i + 1 == count && function->flags & FUNCTION_VARIADIC;
        names[i] = type_text(rows, function->arguments[i], is_variadic ? "VARIADIC " : "");
    }
    row_texts(rows, names, count);
}

/* As \df says it: a type, SETOF one, or the columns of a row. */
static void row_returns(SystemRows *rows, const CatalogueFunction *function)
{
    const SetColumn *columns;
    Buffer text;
    if (function->kind != FUNCTION_SET) {
        row_text(rows, type_text(rows, function->result, ""));
        return;
    }
    uint32_t count = catalogue_set_columns(function, &columns);
    if (count == 0) {
        row_text(rows, type_text(rows, function->result, "SETOF "));
        return;
    }
    buffer_open(&text, 0);
    buffer_put_text(&text, "TABLE(");
    for (uint32_t i = 0; i < count; i++) {
        buffer_put_format(&text, "%s%s ", i == 0 ? "" : ", ", columns[i].name);
        buffer_put_slice(&text, type_text(rows, columns[i].type, ""));
    }
    buffer_put_text(&text, ")");
    if (text.failed)
        rows->status = STATUS_OUT_OF_MEMORY;
    row_copy(rows, buffer_slice(&text));
    buffer_close(&text);
}

Status system_rows_functions(SystemRows *rows, Error *error)
{
    const CatalogueFunction *function;
    size_t position = 0;
    while ((function = catalogue_next(&position)) != NULL) {
        if (function->kind == FUNCTION_OPERATOR || function->flags & FUNCTION_HIDDEN)
            continue;
        row_words(rows, function->name);
        row_arguments(rows, function);
        row_returns(rows, function);
        row_words(rows, function_kind(function));
        row_boolean(rows, function->kind == FUNCTION_SCALAR && function->symbol != NULL);
        row_words(rows, function->description);
        TRY(row_end(rows, error));
    }
    return OK;
}
