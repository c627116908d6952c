#include "worker/run.h"

#include "base/assert.h"
#include "worker/parameter.h"
#include "worker/vector.h"

enum {
    RUN_ARENA_BYTES_KEPT = 1 << 20,
    PAUSE_NS_MIN = 10 * 1000,
    PAUSE_NS_MAX = 160 * 1000,
};

/* What a run needs of DuckDB, in the order in which it is given back. */
typedef struct Run {
    Worker *worker;
    const WorkerRequest *request;
    Outlet *outlet;
    duckdb_prepared_statement prepared;
    duckdb_pending_result pending;
    duckdb_result result;
    bool has_result;
    VectorReader *readers;
    uint32_t reader_count;
    RowLayout layout;
    Value *row;
    Arena row_arena;
    uint64_t rows;
} Run;

/* ---- rows ---- */

static void put_json_row(Run *run, Buffer *out)
{
    const WorkerRequest *request = run->request;
    buffer_put_text(out, run->rows == 0 ? "[" : ",[");
    for (uint32_t c = 0; c < request->result_count; c++) {
        if (c > 0)
            buffer_put_u8(out, ',');
        value_put_json(out, request->result_types[c], &run->row[c], request->json_flags);
    }
    buffer_put_u8(out, ']');
}

static Status put_packed_row(Run *run, Buffer *out, Error *error)
{
    uint32_t leads = run->request->lead_count;
    size_t at = out->size;
    buffer_put_u32(out, 0);
    buffer_put_u32(out, leads);
    for (uint32_t c = 0; c < leads; c++)
        buffer_put_u64(out, run->row[c].is_null ? 0 : (uint64_t)run->row[c].as.integer);
    size_t begin = out->size;
    TRY(row_encode(&run->layout, run->row + leads, out, error));
    size_t size = out->size - begin;
    buffer_set_u32(out, at, (uint32_t)size);
    buffer_put_zeros(out, -size % 8);
    return OK;
}

static Status put_row(Run *run, idx_t index, Error *error)
{
    for (uint32_t c = 0; c < run->reader_count; c++)
        TRY(reader_get(&run->readers[c], index, &run->row_arena, &run->row[c], error));
    if (run->request->format == FORMAT_JSON)
        put_json_row(run, &run->outlet->rows);
    else
        TRY(put_packed_row(run, &run->outlet->rows, error));
    run->rows++;
    TRY(outlet_row(run->outlet, error));
    if (run->row_arena.used > 0)
        arena_reset(&run->row_arena);
    return OK;
}

static bool is_enough(const Run *run)
{
    uint64_t max = run->request->rows_max;
    return run->outlet->was_stopped || (max > 0 && run->rows >= max);
}

static Status put_chunk(Run *run, duckdb_data_chunk chunk, Error *error)
{
    for (uint32_t c = 0; c < run->reader_count; c++)
        reader_point(&run->readers[c], duckdb_data_chunk_get_vector(chunk, c));
    bool wants_rows = run->reader_count > 0 || run->request->format == FORMAT_JSON;
    idx_t count = wants_rows ? duckdb_data_chunk_get_size(chunk) : 0;
    for (idx_t i = 0; i < count && !is_enough(run); i++)
        TRY(put_row(run, i, error));
    return OK;
}

static Status put_chunks(Run *run, Error *error)
{
    while (!is_enough(run)) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(run->result);
        if (chunk == NULL)
            break;
        Status status = put_chunk(run, chunk, error);
        duckdb_destroy_data_chunk(&chunk);
        if (status != OK)
            return status;
    }
    const char *text = is_enough(run) ? NULL : duckdb_result_error(&run->result);
    return text == NULL ? OK : engine_error(&run->worker->engine, error, text);
}

/* ---- running ---- */

static Status prepare(Run *run, Error *error)
{
    Engine *engine = &run->worker->engine;
    TRY(engine_prepare_names(engine, run->request->sql, error));
    char *sql = arena_text(&run->worker->arena, run->request->sql);
    if (sql == NULL)
        return arena_error(&run->worker->arena, error);
    if (duckdb_prepare(engine->connection, sql, &run->prepared) != DuckDBSuccess)
        return engine_error(engine, error, duckdb_prepare_error(run->prepared));
    for (uint32_t i = 0; i < run->request->parameter_count; i++)
        TRY(parameter_bind(run->prepared, i, &run->request->parameters[i], error));
    return OK;
}

/* duckdb_execute_pending would spin while other threads have the last tasks in hand, and take from
 * writers what it does not use. */
static duckdb_pending_state work_until_ready(Run *run)
{
    int64_t pause_ns = PAUSE_NS_MIN;
    for (;;) {
        duckdb_pending_state state = duckdb_pending_execute_task(run->pending);
        if (duckdb_pending_execution_is_finished(state))
            return state;
        if (state != DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
            pause_ns = PAUSE_NS_MIN;
            continue;
        }
        env_sleep_ns(run->worker->env, pause_ns);
        pause_ns = pause_ns < PAUSE_NS_MAX ? pause_ns * 2 : PAUSE_NS_MAX;
    }
}

static Status execute(Run *run, Error *error)
{
    Engine *engine = &run->worker->engine;
    if (duckdb_pending_prepared_streaming(run->prepared, &run->pending) != DuckDBSuccess)
        return engine_error(engine, error, duckdb_pending_error(run->pending));
    if (work_until_ready(run) == DUCKDB_PENDING_ERROR)
        return engine_error(engine, error, duckdb_pending_error(run->pending));
    run->has_result = true;
    if (duckdb_execute_pending(run->pending, &run->result) != DuckDBSuccess)
        return engine_error(engine, error, duckdb_result_error(&run->result));
    return OK;
}

/* A request that wants no columns runs the statement for what it does; one for JSON wants its rows
 * even so, as many and empty. */
static Status open_readers(Run *run, Error *error)
{
    const WorkerRequest *request = run->request;
    if (request->result_count > 0 && duckdb_column_count(&run->result) != request->result_count)
        return error_set(error, STATUS_INTERNAL, "the statement has %llu columns, not %u",
                         (unsigned long long)duckdb_column_count(&run->result),
                         request->result_count);
    run->readers = ARENA_ARRAY(&run->worker->arena, VectorReader, request->result_count);
    run->row = ARENA_ARRAY(&run->worker->arena, Value, request->result_count);
    if (run->readers == NULL || run->row == NULL)
        return arena_error(&run->worker->arena, error);
    for (uint32_t c = 0; c < request->result_count; c++) {
        TRY(reader_open(&run->readers[c], &run->worker->arena,
                        duckdb_column_logical_type(&run->result, c), request->result_types[c],
                        error));
        run->reader_count = c + 1;
    }
    if (request->format != FORMAT_ROWS)
        return OK;
    return row_layout_open(&run->worker->arena, request->result_types + request->lead_count,
                           request->result_count - request->lead_count, &run->layout, error);
}

static Status run_all(Run *run, Error *error)
{
    TRY(engine_set_threads(&run->worker->engine, run->request->threads, error));
    TRY(prepare(run, error));
    TRY(execute(run, error));
    TRY(open_readers(run, error));
    return put_chunks(run, error);
}

/* The result goes first: streaming ones still run until they are destroyed. */
static void close_run(Run *run)
{
    for (uint32_t i = 0; i < run->reader_count; i++)
        reader_close(&run->readers[i]);
    if (run->has_result)
        duckdb_destroy_result(&run->result);
    if (run->pending != NULL)
        duckdb_destroy_pending(&run->pending);
    if (run->prepared != NULL)
        duckdb_destroy_prepare(&run->prepared);
    arena_close(&run->row_arena);
}

static Status run_statement(Worker *worker, const WorkerRequest *request, Outlet *outlet,
                            Error *error)
{
    Run run = {.worker = worker, .request = request, .outlet = outlet};
    arena_open(&run.row_arena, 0);
    Status status = run_all(&run, error);
    close_run(&run);
    return status;
}

static Status run_decoded(Worker *worker, const WorkerRequest *request, Outlet *outlet,
                          Error *error)
{
    Statement *statement = NULL;
    TRY(statement_open(&worker->arena, request, &worker->regions, &worker->bitmaps,
                       (const uint64_t *)(const void *)worker->table.data,
                       worker->table.size / sizeof(uint64_t), &statement, error));
    if (request->holds)
        outlet_hold(outlet, worker->spill_folder, worker->setup.spill_bytes_max);
    worker->engine.context->statement = statement;
    Status status = run_statement(worker, request, outlet, error);
    worker->engine.context->statement = NULL;
    uint64_t hot_rows_read = atomic_load(&statement->hot_rows_read);
    statement_close(statement);
    return status == OK ? outlet_finish(outlet, hot_rows_read, error) : status;
}

static Status send_failure(Worker *worker, uint64_t statement, const Error *failure, Error *error)
{
    Buffer body;
    buffer_open(&body, 0);
    failure_encode(&body, failure);
    Status status = buffer_status(&body, error);
    if (status == OK)
        status = channel_send(&worker->channel, MESSAGE_FAILED, statement, buffer_slice(&body),
                              NULL, 0, INT64_MAX, error);
    buffer_close(&body);
    return status;
}

static void forget_statement(Worker *worker)
{
    if (worker->table.capacity > CHANNEL_KEPT_BYTES_MAX)
        buffer_close(&worker->table);
    buffer_clear(&worker->table);
    if (worker->arena.used > RUN_ARENA_BYTES_KEPT)
        arena_close(&worker->arena);
    else
        arena_reset(&worker->arena);
}

/* A statement's error is its answer, but for the server's being gone: then there is nobody left. */
Status run_request(Worker *worker, uint64_t number, Slice body, Error *error)
{
    Error failure;
    WorkerRequest request = {.reference_count = 0};
    Outlet outlet;
    TRY(channel_send(&worker->channel, MESSAGE_STARTED, number, SLICE_EMPTY, NULL, 0, INT64_MAX,
                     error));
    outlet_open(&outlet, &worker->channel, worker->ring, number);
    Status status = request_decode(&worker->arena, body, &request, &failure);
    if (status == OK) {
        status = run_decoded(worker, &request, &outlet, &failure);
        request_close(&request);
    }
    outlet_close(&outlet);
    forget_statement(worker);
    if (status == STATUS_CONNECTION_FAILURE) {
        *error = failure;
        return status;
    }
    return status == OK ? OK : send_failure(worker, number, &failure, error);
}
