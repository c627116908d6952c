/* Sums of numbers whose scale varies, and of intervals. */
#include "worker/sql_functions_int.h"
#include "worker/vector.h"

static void fail(duckdb_function_info info, const Error *error)
{
    char text[FUNCTION_ERROR_BYTES];
    function_error_text(error, text);
    duckdb_aggregate_function_set_error(info, text);
}

static bool is_null_at(const uint64_t *validity, idx_t row)
{
    return validity != NULL && ((validity[row / 64] >> (row % 64)) & 1) == 0;
}

/* ---- pg_num_sum ---- */

typedef struct NumberSum {
    Int128 sum;
    uint8_t scale;
    bool any;
    bool overflowed;
} NumberSum;

static idx_t number_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(NumberSum);
}

static void number_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    NumberSum none = {.sum = 0};
    memcpy(state, &none, sizeof none); /* DuckDB aligns states to 8 bytes only */
}

/* Both at the larger scale; false beyond 38 digits. */
static bool align(Int128 *number, uint8_t from, uint8_t to)
{
    for (; from < to; from++) {
        if (__builtin_mul_overflow(*number, (Int128)10, number))
            return false;
    }
    return true;
}

static bool is_in_range(Int128 number)
{
    static const Int128 HALF = (Int128)10000000000000000000ull; /* 10^19 */
    Int128 limit = HALF * HALF;
    return number < limit && number > -limit;
}

static void number_add(NumberSum *sum, Int128 number, uint8_t scale)
{
    uint8_t larger = scale > sum->scale ? scale : sum->scale;
    bool fits = align(&sum->sum, sum->scale, larger) && align(&number, scale, larger) &&
                !__builtin_add_overflow(sum->sum, number, &sum->sum) && is_in_range(sum->sum);
    sum->scale = larger;
    sum->any = true;
    sum->overflowed = sum->overflowed || !fits;
}

static Status number_update_rows(duckdb_data_chunk input, duckdb_aggregate_state *states,
                                 Arena *arena, Error *error)
{
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    const duckdb_string_t *strings = duckdb_vector_get_data(vector);
    const uint64_t *validity = duckdb_vector_get_validity(vector);
    idx_t rows = duckdb_data_chunk_get_size(input);
    for (idx_t row = 0; row < rows; row++) {
        Value number;
        NumberSum sum;
        if (is_null_at(validity, row))
            continue;
        TRY(value_from_text(arena, TYPE(DECIMAL), slice_of_string(&strings[row]), &number, error));
        memcpy(&sum, states[row], sizeof sum);
        number_add(&sum, number.as.decimal, number.scale);
        memcpy(states[row], &sum, sizeof sum);
        arena_reset(arena);
    }
    return OK;
}

static void number_update(duckdb_function_info info, duckdb_data_chunk input,
                          duckdb_aggregate_state *states)
{
    Arena arena;
    Error error;
    arena_open(&arena, 0);
    if (number_update_rows(input, states, &arena, &error) != OK)
        fail(info, &error);
    arena_close(&arena);
}

static void number_combine(duckdb_function_info info, duckdb_aggregate_state *source,
                           duckdb_aggregate_state *target, idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        NumberSum from;
        NumberSum to;
        memcpy(&from, source[i], sizeof from);
        memcpy(&to, target[i], sizeof to);
        if (from.any)
            number_add(&to, from.sum, from.scale);
        to.overflowed = to.overflowed || from.overflowed;
        memcpy(target[i], &to, sizeof to);
    }
}

static Status number_put(duckdb_vector result, idx_t row, const NumberSum *sum, Buffer *text,
                         Error *error)
{
    if (!sum->any) {
        vector_put_null(result, row);
        return OK;
    }
    if (sum->overflowed)
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "value overflows numeric format");
    Value value = value_decimal(sum->sum, sum->scale);
    buffer_clear(text);
    value_put_text(text, TYPE(DECIMAL), &value);
    TRY(buffer_status(text, error));
    duckdb_vector_assign_string_element_len(result, row, (const char *)text->data, text->size);
    return OK;
}

static void number_finalize(duckdb_function_info info, duckdb_aggregate_state *source,
                            duckdb_vector result, idx_t count, idx_t offset)
{
    Buffer text;
    Error error;
    Status status = OK;
    buffer_open(&text, 0);
    for (idx_t i = 0; i < count && status == OK; i++) {
        NumberSum sum;
        memcpy(&sum, source[i], sizeof sum);
        status = number_put(result, offset + i, &sum, &text, &error);
    }
    buffer_close(&text);
    if (status != OK)
        fail(info, &error);
}

/* ---- pg_interval_sum ---- */

typedef struct IntervalSum {
    int64_t months;
    int64_t days;
    int64_t micros;
    bool any;
    bool overflowed;
} IntervalSum;

static idx_t interval_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(IntervalSum);
}

static void interval_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    IntervalSum none = {.months = 0};
    memcpy(state, &none, sizeof none);
}

static void interval_add(IntervalSum *sum, int64_t months, int64_t days, int64_t micros)
{
    sum->overflowed = sum->overflowed ||
                      __builtin_add_overflow(sum->months, months, &sum->months) ||
                      __builtin_add_overflow(sum->days, days, &sum->days) ||
                      __builtin_add_overflow(sum->micros, micros, &sum->micros);
    sum->any = true;
}

static void interval_update(duckdb_function_info info, duckdb_data_chunk input,
                            duckdb_aggregate_state *states)
{
    (void)info;
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    const duckdb_interval *intervals = duckdb_vector_get_data(vector);
    const uint64_t *validity = duckdb_vector_get_validity(vector);
    idx_t rows = duckdb_data_chunk_get_size(input);
    for (idx_t row = 0; row < rows; row++) {
        IntervalSum sum;
        if (is_null_at(validity, row))
            continue;
        memcpy(&sum, states[row], sizeof sum);
        interval_add(&sum, intervals[row].months, intervals[row].days, intervals[row].micros);
        memcpy(states[row], &sum, sizeof sum);
    }
}

static void interval_combine(duckdb_function_info info, duckdb_aggregate_state *source,
                             duckdb_aggregate_state *target, idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        IntervalSum from;
        IntervalSum to;
        memcpy(&from, source[i], sizeof from);
        memcpy(&to, target[i], sizeof to);
        if (from.any)
            interval_add(&to, from.months, from.days, from.micros);
        to.overflowed = to.overflowed || from.overflowed;
        memcpy(target[i], &to, sizeof to);
    }
}

static void interval_finalize(duckdb_function_info info, duckdb_aggregate_state *source,
                              duckdb_vector result, idx_t count, idx_t offset)
{
    duckdb_interval *out = duckdb_vector_get_data(result);
    for (idx_t i = 0; i < count; i++) {
        IntervalSum sum;
        memcpy(&sum, source[i], sizeof sum);
        bool is_wide =
            sum.overflowed || sum.months != (int32_t)sum.months || sum.days != (int32_t)sum.days;
        if (is_wide) {
            Error error;
            (void)error_set(&error, STATUS_DATETIME_FIELD_OVERFLOW, "interval out of range");
            fail(info, &error);
            return;
        }
        if (!sum.any)
            vector_put_null(result, offset + i);
        else
            out[offset + i] = (duckdb_interval){
                .months = (int32_t)sum.months, .days = (int32_t)sum.days, .micros = sum.micros};
    }
}

/* ---- registering ---- */

typedef struct Parts {
    duckdb_type type; /* of the argument and the result */
    duckdb_aggregate_state_size size;
    duckdb_aggregate_init_t init;
    duckdb_aggregate_update_t update;
    duckdb_aggregate_combine_t combine;
    duckdb_aggregate_finalize_t finalize;
} Parts;

static Status make(duckdb_connection connection, const char *name, const Parts *parts, Error *error)
{
    duckdb_aggregate_function function = duckdb_create_aggregate_function();
    duckdb_logical_type type = duckdb_create_logical_type(parts->type);
    duckdb_aggregate_function_set_name(function, name);
    duckdb_aggregate_function_add_parameter(function, type);
    duckdb_aggregate_function_set_return_type(function, type);
    duckdb_aggregate_function_set_functions(function, parts->size, parts->init, parts->update,
                                            parts->combine, parts->finalize);
    duckdb_state state = duckdb_register_aggregate_function(connection, function);
    duckdb_destroy_logical_type(&type);
    duckdb_destroy_aggregate_function(&function);
    return state == DuckDBSuccess ? OK : error_set(error, STATUS_INTERNAL, "%s was refused", name);
}

static Status make_number_sum(duckdb_connection connection, const char *name, Error *error)
{
    Parts parts = {DUCKDB_TYPE_VARCHAR, number_size,    number_init,
                   number_update,       number_combine, number_finalize};
    return make(connection, name, &parts, error);
}

static Status make_interval_sum(duckdb_connection connection, const char *name, Error *error)
{
    Parts parts = {DUCKDB_TYPE_INTERVAL, interval_size,    interval_init,
                   interval_update,      interval_combine, interval_finalize};
    return make(connection, name, &parts, error);
}

const SqlAggregate sql_aggregates[] = {
    {"pg_num_sum", make_number_sum},
    {"pg_interval_sum", make_interval_sum},
};

const size_t sql_aggregate_count = sizeof sql_aggregates / sizeof *sql_aggregates;
