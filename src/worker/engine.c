#include "worker/engine.h"

#include <stdio.h>

#include "base/memory.h"
#include "worker/errors.h"
#include "worker/pg_functions.h"
#include "worker/protocol.h"

enum { ENGINE_THREADS_MAX = 256 };

Status engine_error(const Engine *engine, Error *error, const char *text)
{
    return duckdb_error_set(error, text, engine->folders, engine->folder_count);
}

Status engine_execute(Engine *engine, const char *sql, Error *error)
{
    duckdb_result result;
    Status status = OK;
    if (duckdb_query(engine->connection, sql, &result) != DuckDBSuccess)
        status = engine_error(engine, error, duckdb_result_error(&result));
    duckdb_destroy_result(&result);
    return status;
}

Status engine_set_threads(Engine *engine, uint32_t threads, Error *error)
{
    threads = threads == 0 ? 1 : threads > ENGINE_THREADS_MAX ? ENGINE_THREADS_MAX : threads;
    if (threads == engine->threads)
        return OK;
    char sql[64];
    (void)snprintf(sql, sizeof sql, "SET threads = %u", threads);
    TRY(engine_execute(engine, sql, error));
    engine->threads = threads;
    return OK;
}

/* ---- opening ---- */

/* One thread only: the process is not restricted yet, and only what this thread starts later would
 * be. Opening reads the cgroup's files, which a restricted process may not. */
static Status open_database(Engine *engine, Error *error)
{
    static const char *const options[][2] = {
        {"threads", "1"},
        {"autoload_known_extensions", "false"},
        {"autoinstall_known_extensions", "false"},
        {"allow_community_extensions", "false"},
    };
    duckdb_config config = NULL;
    if (duckdb_create_config(&config) != DuckDBSuccess)
        return error_out_of_memory(error);
    Status status = OK;
    for (size_t i = 0; i < sizeof options / sizeof *options && status == OK; i++) {
        if (duckdb_set_config(config, options[i][0], options[i][1]) != DuckDBSuccess)
            status = error_set(error, STATUS_INTERNAL, "no setting %s", options[i][0]);
    }
    char *text = NULL;
    if (status == OK && duckdb_open_ext(NULL, &engine->database, config, &text) != DuckDBSuccess)
        status = engine_error(engine, error, text);
    if (text != NULL)
        duckdb_free(text);
    duckdb_destroy_config(&config);
    engine->threads = 1;
    return status;
}

static void put_literal(Buffer *out, Slice text)
{
    buffer_put_u8(out, '\'');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\'')
            buffer_put_u8(out, '\'');
        buffer_put_u8(out, text.data[i]);
    }
    buffer_put_u8(out, '\'');
}

/* Beside a single file it makes a list, which all threads read. Its columns are not those of any
 * table: reading by field ids, that is no matter. */
static void put_file_without_rows(Buffer *out, const WorkerSetup *setup)
{
    Buffer path;
    buffer_open(&path, 0);
    buffer_put_slice(&path, setup->spill_folder);
    buffer_put_text(&path, "/no-rows.parquet");
    buffer_put_text(out, "COPY (SELECT 1 AS nothing WHERE false) TO ");
    put_literal(out, buffer_slice(&path));
    buffer_put_text(out, " (FORMAT parquet);SET VARIABLE " WORKER_NO_ROWS_VARIABLE " = ");
    put_literal(out, buffer_slice(&path));
    buffer_put_u8(out, ';');
    out->failed |= path.failed;
    buffer_close(&path);
}

/* What DuckDB may do, and how it means things. External access goes off last: from then on it opens
 * nothing outside the folders, and cannot be told otherwise. */
static void put_settings(Buffer *out, const WorkerSetup *setup)
{
    buffer_put_text(out, "SET default_null_order = 'nulls_last_on_asc_first_on_desc';"
                         "SET preserve_identifier_case = false;"
                         "SET preserve_insertion_order = true;" /* merges rest on it */
                         "SET TimeZone = 'UTC';"
                         "SET Calendar = 'gregorian';"
                         "SET parquet_metadata_cache = true;"
                         "SET validate_external_file_cache = 'NO_VALIDATION';"
                         "SET enable_progress_bar = false;"
                         "SET temp_directory = ");
    put_literal(out, setup->spill_folder);
    buffer_put_format(out, ";SET max_temp_directory_size = '%llu bytes';",
                      (unsigned long long)setup->spill_bytes_max);
    buffer_put_format(out, "SET memory_limit = '%llu bytes';",
                      (unsigned long long)setup->memory_bytes_max);
    buffer_put_text(out, "SET allowed_directories = [");
    put_literal(out, setup->spill_folder);
    for (uint32_t i = 0; i < setup->folder_count; i++) {
        buffer_put_u8(out, ',');
        put_literal(out, setup->folders[i]);
    }
    buffer_put_text(out, "];");
    put_file_without_rows(out, setup);
    buffer_put_text(out, "SET enable_external_access = false;");
}

static Status apply_settings(Engine *engine, const WorkerSetup *setup, Error *error)
{
    Buffer sql;
    buffer_open(&sql, 0);
    put_settings(&sql, setup);
    buffer_put_u8(&sql, 0);
    Status status = buffer_status(&sql, error);
    if (status == OK)
        status = engine_execute(engine, (const char *)sql.data, error);
    buffer_close(&sql);
    return status;
}

static Status furnish(Engine *engine, Error *error)
{
    if (duckdb_vector_size() != 2048)
        return error_set(error, STATUS_INTERNAL, "DuckDB's vectors are of another size");
    TRY(hot_scan_register(engine->connection, engine->context, error));
    TRY(delete_rows_register(engine->connection, engine->context, error));
    TRY(alive_register(engine->connection, engine->context, error));
    TRY(bridge_open(&engine->bridge, engine->connection, engine->context, error));
    TRY(pg_functions_register(&engine->bridge, error));
    TRY(sql_functions_open(&engine->sql_functions, &engine->bridge, error));
    return macros_open(&engine->macros, error);
}

Status engine_prepare_names(Engine *engine, Slice sql, Error *error)
{
    TRY(bridge_prepare(&engine->bridge, sql, error));
    TRY(sql_functions_prepare(&engine->sql_functions, sql, error));
    return macros_prepare(&engine->macros, engine->connection, sql, error);
}

Status engine_open(Engine *engine, Env *env, const WorkerSetup *setup, Error *error)
{
    *engine = (Engine){.folders = setup->folders, .folder_count = setup->folder_count};
    engine->context = MEMORY_NEW(FunctionContext);
    if (engine->context == NULL)
        return error_out_of_memory(error);
    engine->context->env = env;
    Status status = open_database(engine, error);
    if (status == OK && duckdb_connect(engine->database, &engine->connection) != DuckDBSuccess)
        status = error_set(error, STATUS_INTERNAL, "DuckDB refused a connection");
    if (status == OK)
        status = furnish(engine, error);
    if (status == OK)
        status = apply_settings(engine, setup, error);
    if (status == OK)
        status = engine_set_threads(engine, setup->threads, error);
    if (status != OK)
        engine_close(engine);
    return status;
}

void engine_close(Engine *engine)
{
    if (engine->connection != NULL)
        duckdb_disconnect(&engine->connection);
    if (engine->database != NULL)
        duckdb_close(&engine->database);
    sql_functions_close(&engine->sql_functions);
    bridge_close(&engine->bridge);
    macros_close(&engine->macros);
    memory_free(engine->context);
    *engine = (Engine){.threads = 0};
}
