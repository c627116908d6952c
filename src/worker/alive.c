/* alive_<slot>(file_row_number), alive_any(reference, file_index, file_row_number): is the row of
 * the file alive for the statement's pin?
 *
 * The first form is for a read_parquet of one file: which file is a matter of the function's name,
 * so that DuckDB makes no vector of a constant for it. The second is for a list of many. */
#include <stdio.h>

#include "worker/functions.h"

typedef struct AliveFunction {
    FunctionContext *context;
    uint32_t slot;
} AliveFunction;

static const int64_t *int64_vector(duckdb_data_chunk input, idx_t column)
{
    return duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, column));
}

/* Clears what is dead of rows of one file; false where one is not of the file. */
static bool clear_dead(const FileDead *file, const int64_t *positions, size_t count, bool *alive)
{
    if (file->deletes != NULL && !dead_set_clear(file->deletes, positions, count, alive))
        return false;
    if (file->has_marks && !dead_set_clear(&file->marks, positions, count, alive))
        return false;
    return true;
}

static void fail_position(duckdb_function_info info)
{
    duckdb_scalar_function_set_error(info, "PGXX001 a data file has rows that nobody knows of");
}

static void alive_in_slot(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const AliveFunction *function = duckdb_scalar_function_get_extra_info(info);
    const Statement *statement = function->context->statement;
    if (statement == NULL || function->slot >= statement->request->alive_slot_count) {
        duckdb_scalar_function_set_error(info, "PGXX000 no such file in the statement");
        return;
    }
    AliveSlot slot = statement->request->alive_slots[function->slot];
    const FileDead *file = &statement->references[slot.reference].files[slot.file];
    size_t count = duckdb_data_chunk_get_size(input);
    bool *alive = duckdb_vector_get_data(output);
    memset(alive, true, count);
    if (!clear_dead(file, int64_vector(input, 0), count, alive))
        fail_position(info);
}

/* Rows of one file come together: the runs of equal file numbers are answered each at once. */
static bool clear_runs(const StatementReference *reference, const uint64_t *files,
                       const int64_t *positions, size_t count, bool *alive)
{
    for (size_t from = 0; from < count;) {
        size_t to = from + 1;
        while (to < count && files[to] == files[from])
            to++;
        if (files[from] >= reference->source->file_count ||
            !clear_dead(&reference->files[files[from]], positions + from, to - from, alive + from))
            return false;
        from = to;
    }
    return true;
}

static void alive_in_list(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const AliveFunction *function = duckdb_scalar_function_get_extra_info(info);
    size_t count = duckdb_data_chunk_get_size(input);
    if (count == 0)
        return;
    const StatementReference *reference =
        function_reference(function->context, int64_vector(input, 0)[0]);
    if (reference == NULL) {
        duckdb_scalar_function_set_error(info, "PGXX000 no such reference in the statement");
        return;
    }
    bool *alive = duckdb_vector_get_data(output);
    memset(alive, true, count);
    const uint64_t *files = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    if (!clear_runs(reference, files, int64_vector(input, 2), count, alive))
        fail_position(info);
}

static Status register_one(duckdb_connection connection, const char *name, uint32_t parameters,
                           duckdb_scalar_function_t body, AliveFunction *extra, Error *error)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type index = duckdb_create_logical_type(DUCKDB_TYPE_UBIGINT);
    duckdb_logical_type boolean = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb_scalar_function_set_name(function, name);
    for (uint32_t i = 0; i < parameters; i++) /* of three, file_index is the middle one */
        duckdb_scalar_function_add_parameter(function, i == 1 ? index : number);
    duckdb_scalar_function_set_return_type(function, boolean);
    duckdb_scalar_function_set_extra_info(function, extra, memory_free);
    duckdb_scalar_function_set_function(function, body);
    duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_logical_type(&number);
    duckdb_destroy_logical_type(&index);
    duckdb_destroy_logical_type(&boolean);
    duckdb_destroy_scalar_function(&function);
    return state == DuckDBSuccess ? OK : error_set(error, STATUS_INTERNAL, "%s was refused", name);
}

/* The extra info is DuckDB's to free, whether the function is taken or not. */
static Status register_alive(duckdb_connection connection, FunctionContext *context,
                             const char *name, uint32_t slot, uint32_t parameters,
                             duckdb_scalar_function_t body, Error *error)
{
    AliveFunction *extra = MEMORY_NEW(AliveFunction);
    if (extra == NULL)
        return error_out_of_memory(error);
    *extra = (AliveFunction){.context = context, .slot = slot};
    return register_one(connection, name, parameters, body, extra, error);
}

Status alive_register(duckdb_connection connection, FunctionContext *context, Error *error)
{
    for (uint32_t slot = 0; slot < ALIVE_SLOTS_MAX; slot++) {
        char name[16];
        (void)snprintf(name, sizeof name, "alive_%u", slot);
        TRY(register_alive(connection, context, name, slot, 1, alive_in_slot, error));
    }
    return register_alive(connection, context, "alive_any", 0, 3, alive_in_list, error);
}
