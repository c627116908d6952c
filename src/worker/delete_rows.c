/* delete_rows(): the positions that a delete file is to hold, as (file_path, pos), in the order of
 * the request's lists and ascending in each. */
#include "base/memory.h"
#include "worker/functions.h"

typedef struct DeleteScan {
    const Statement *statement;
    uint32_t list;
    uint64_t next; /* position to look from */
} DeleteScan;

static void delete_bind(duckdb_bind_info info)
{
    const FunctionContext *context = duckdb_bind_get_extra_info(info);
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_bind_add_result_column(info, "file_path", text);
    duckdb_bind_add_result_column(info, "pos", number);
    duckdb_destroy_logical_type(&text);
    duckdb_destroy_logical_type(&number);
    if (context->statement == NULL)
        duckdb_bind_set_error(info, "PGXX000 there is no statement");
}

static void delete_init(duckdb_init_info info)
{
    const FunctionContext *context = duckdb_init_get_extra_info(info);
    DeleteScan *scan = MEMORY_NEW(DeleteScan);
    if (scan == NULL) {
        duckdb_init_set_error(info, "PG53200 out of memory");
        return;
    }
    scan->statement = context->statement;
    duckdb_init_set_init_data(info, scan, memory_free);
}

static void delete_function(duckdb_function_info info, duckdb_data_chunk chunk)
{
    DeleteScan *scan = duckdb_function_get_init_data(info);
    const WorkerRequest *request = scan->statement->request;
    duckdb_vector paths = duckdb_data_chunk_get_vector(chunk, 0);
    int64_t *positions = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
    idx_t count = 0;
    while (count < duckdb_vector_size() && scan->list < request->delete_count) {
        const DeadSet *set = &scan->statement->delete_lists[scan->list];
        uint64_t position = dead_set_next(set, scan->next);
        if (position == set->row_count) {
            scan->list++;
            scan->next = 0;
            continue;
        }
        Slice path = request->deletes[scan->list].path;
        duckdb_vector_assign_string_element_len(paths, count, (const char *)path.data, path.size);
        positions[count++] = (int64_t)position;
        scan->next = position + 1;
    }
    duckdb_data_chunk_set_size(chunk, count);
}

Status delete_rows_register(duckdb_connection connection, FunctionContext *context, Error *error)
{
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_table_function_set_name(function, "delete_rows");
    duckdb_table_function_set_extra_info(function, context, NULL);
    duckdb_table_function_set_bind(function, delete_bind);
    duckdb_table_function_set_init(function, delete_init);
    duckdb_table_function_set_function(function, delete_function);
    duckdb_state state = duckdb_register_table_function(connection, function);
    duckdb_destroy_table_function(&function);
    return state == DuckDBSuccess ? OK
                                  : error_set(error, STATUS_INTERNAL, "delete_rows was refused");
}
