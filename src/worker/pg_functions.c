#include "worker/pg_functions.h"

#include "types/function.h"
#include "worker/vector.h"

enum { QUOTIENT_SCALE = 20 };

static void fail(duckdb_function_info info, const Error *error)
{
    char text[FUNCTION_ERROR_BYTES];
    function_error_text(error, text);
    duckdb_scalar_function_set_error(info, text);
}

static bool is_null_at(duckdb_vector vector, idx_t row)
{
    uint64_t *validity = duckdb_vector_get_validity(vector);
    return validity != NULL && !duckdb_validity_row_is_valid(validity, row);
}

/* ---- pg_num_div ---- */

static Status read_number(Arena *arena, duckdb_vector vector, idx_t row, Value *out, Error *error)
{
    const duckdb_string_t *strings = duckdb_vector_get_data(vector);
    return value_from_text(arena, TYPE(DECIMAL), slice_of_string(&strings[row]), out, error);
}

static Status divide_row(EvaluationContext *context, ScalarFunction divide, duckdb_data_chunk input,
                         idx_t row, duckdb_hugeint *out, Error *error)
{
    Value arguments[2];
    for (idx_t i = 0; i < 2; i++)
        TRY(read_number(context->arena, duckdb_data_chunk_get_vector(input, i), row, &arguments[i],
                        error));
    Value quotient;
    Value rescaled;
    TRY(divide(context, arguments, 2, &quotient, error));
    Type type = {.kind = TYPE_DECIMAL, .a = DECIMAL_PRECISION_MAX, .b = QUOTIENT_SCALE};
    TRY(value_cast(context->arena, &quotient, TYPE(DECIMAL), type, CAST_EXPLICIT, &rescaled,
                   error));
    *out = hugeint_of(rescaled.as.decimal);
    return OK;
}

static void number_divide(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    ScalarFunction divide = function_find(SLICE("numeric_divide"));
    duckdb_hugeint *out = duckdb_vector_get_data(output);
    Arena arena;
    arena_open(&arena, 0);
    EvaluationContext context = {.arena = &arena};
    Error error;
    Status status = OK;
    idx_t rows = duckdb_data_chunk_get_size(input);
    for (idx_t row = 0; row < rows && status == OK; row++) {
        if (is_null_at(duckdb_data_chunk_get_vector(input, 0), row) ||
            is_null_at(duckdb_data_chunk_get_vector(input, 1), row))
            continue; /* DuckDB makes it NULL */
        status = divide_row(&context, divide, input, row, &out[row], &error);
        arena_reset(&arena);
    }
    arena_close(&arena);
    if (status != OK)
        fail(info, &error);
}

/* ---- pg_f8text, pg_f4text ---- */

static void put_texts(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output,
                      Type type)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    const void *data = duckdb_vector_get_data(vector);
    Buffer text;
    buffer_open(&text, 0);
    idx_t rows = duckdb_data_chunk_get_size(input);
    for (idx_t row = 0; row < rows && !text.failed; row++) {
        if (is_null_at(vector, row))
            continue;
        bool is_double = type.kind == TYPE_DOUBLE;
        double number =
            is_double ? ((const double *)data)[row] : (double)((const float *)data)[row];
        Value value = {.kind = type.kind, .as.real = number};
        buffer_clear(&text);
        value_put_text(&text, type, &value);
        duckdb_unsafe_vector_assign_string_element_len(output, row, (const char *)text.data,
                                                       text.size);
    }
    if (text.failed)
        duckdb_scalar_function_set_error(info, "PG53200 out of memory");
    buffer_close(&text);
}

static void double_text(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    put_texts(info, input, output, TYPE(DOUBLE));
}

static void float_text(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    put_texts(info, input, output, TYPE(REAL));
}

/* ---- registering ---- */

static Status register_function(Bridge *bridge, const char *name, Type argument, uint32_t count,
                                Type result, duckdb_scalar_function_t body, Error *error)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type argument_type = vector_type(argument);
    duckdb_logical_type result_type = vector_type(result);
    duckdb_scalar_function_set_name(function, name);
    for (uint32_t i = 0; i < count; i++)
        duckdb_scalar_function_add_parameter(function, argument_type);
    duckdb_scalar_function_set_return_type(function, result_type);
    duckdb_scalar_function_set_function(function, body);
    duckdb_state state = duckdb_register_scalar_function(bridge->connection, function);
    duckdb_destroy_logical_type(&argument_type);
    duckdb_destroy_logical_type(&result_type);
    duckdb_destroy_scalar_function(&function);
    return state == DuckDBSuccess ? OK : error_set(error, STATUS_INTERNAL, "%s was refused", name);
}

Status pg_functions_register(Bridge *bridge, Error *error)
{
    static const char *const aliases[][2] = {
        {"pg_initcap", "text_initcap"},
        {"pg_format", "text_format"},
        {"pg_quote_ident", "text_quote_ident"},
        {"pg_quote_literal", "text_quote_literal"},
        {"pg_encode", "bytea_encode"},
        {"pg_decode", "text_decode"},
        {"pg_justify_days", "interval_justify_days"},
        {"pg_justify_hours", "interval_justify_hours"},
        {"pg_jcontains", "jsonb_contains"},
        {"pg_jconcat", "jsonb_concat"},
        {"pg_jeq", "jsonb_equal"},
    };
    Type quotient = {.kind = TYPE_DECIMAL, .a = DECIMAL_PRECISION_MAX, .b = QUOTIENT_SCALE};
    TRY(register_function(bridge, "pg_num_div", TYPE(TEXT), 2, quotient, number_divide, error));
    TRY(register_function(bridge, "pg_f8text", TYPE(DOUBLE), 1, TYPE(TEXT), double_text, error));
    TRY(register_function(bridge, "pg_f4text", TYPE(REAL), 1, TYPE(TEXT), float_text, error));
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        TRY(bridge_alias(bridge, aliases[i][0], aliases[i][1], error));
    return OK;
}
