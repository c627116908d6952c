/* Reads through the analytic engine. */
#include "execute/execute_int.h"

/* The statement's own parameters, then now() and current_user for texts that ask for them. */
static Status all_parameters(Run *run, const BoundSelect *select, Value **out, size_t *count,
                             Error *error)
{
    uint32_t own = run->parameter_count;
    Value *values = ARENA_ARRAY(&run->arena, Value, (size_t)own + 2);
    if (values == NULL)
        return arena_error(&run->arena, error);
    if (own > 0)
        memcpy(values, run->parameters, own * sizeof(Value));
    values[own] = value_integer(TYPE_TIMESTAMPTZ, run->now_us);
    values[own + 1] = value_text(run->who.name);
    *count = own;
    if (select->uses_now)
        *count = own + 1;
    if (select->uses_user)
        *count = own + 2;
    *out = values;
    return OK;
}

static Status result_types(Run *run, const BoundSelect *select, Type **out, Error *error)
{
    Type *types = ARENA_ARRAY(&run->arena, Type, select->column_count);
    if (types == NULL)
        return arena_error(&run->arena, error);
    for (uint32_t i = 0; i < select->column_count; i++)
        types[i] = select->columns[i].sent;
    *out = types;
    return OK;
}

static Status fill_request(Run *run, const BoundSelect *select, const OpenReferences *references,
                           QueryRequest *out, Error *error)
{
    Value *parameters;
    Type *types;
    size_t count;
    TRY(all_parameters(run, select, &parameters, &count, error));
    TRY(result_types(run, select, &types, error));
    *out = (QueryRequest){.text = &select->text,
                          .references = references->references,
                          .reference_count = references->reference_count,
                          .parameters = parameters,
                          .parameter_count = count,
                          .result_types = types,
                          .result_count = select->column_count,
                          .json_flags = run->session->json_flags,
                          .deadline_ns = run->deadline_ns,
                          .now_us = run->now_us};
    return OK;
}

static Status run_request(Run *run, const QueryRequest *request, const QuerySink *sink,
                          QueryResult *result, Error *error)
{
    Executor *executor = run->executor;
    QueryHandle own = {0};
    QueryHandle *handle = run->running == NULL ? &own : &run->running->handle;
    atomic_fetch_add(&executor->engine_reads, 1);
    TRY(check_cancelled(run, error));
    Status status = query_run(executor->pool, request, sink, handle, result, error);
    /* Who was cancelled by its pin's age is told so. */
    return status;
}

/* ---- to the client ---- */

typedef struct ClientSink {
    Run *run;
    const ResultSink *sink;
    const BoundSelect *select;
    uint64_t rows;
} ClientSink;

static Status client_bytes(void *context, Slice json, uint64_t rows, Error *error)
{
    ClientSink *client = context;
    TRY(check_cancelled(client->run, error));
    client->rows += rows;
    return client->sink->json(client->sink->context, json, rows, error);
}

/* What the engine sends as text because its own type cannot say it. */
static Status as_told(Arena *arena, const ResultColumn *column, Value *value, Error *error)
{
    if (column->sent.kind == column->type.kind)
        return OK;
    if (value->is_null) {
        *value = value_null(column->type.kind);
        return OK;
    }
    Slice text = value->as.bytes;
    return value_from_text(arena, column->type, text, value, error);
}

static Status client_row(ClientSink *client, const RowLayout *layout, Slice row, Arena *scratch,
                         Error *error)
{
    uint32_t columns = client->select->column_count;
    Value *values = ARENA_ARRAY(scratch, Value, columns);
    if (values == NULL)
        return arena_error(scratch, error);
    for (uint32_t c = 0; c < columns; c++) {
        row_get(layout, row, c, &values[c]);
        TRY(as_told(scratch, &client->select->columns[c], &values[c], error));
    }
    return client->sink->row(client->sink->context, values, columns, error);
}

static Status client_rows(void *context, const RowLayout *layout, const Slice *rows, size_t count,
                          Error *error)
{
    ClientSink *client = context;
    Arena scratch;
    TRY(check_cancelled(client->run, error));
    arena_open(&scratch, 0);
    Status status = OK;
    for (size_t i = 0; i < count && status == OK; i++) {
        arena_reset(&scratch);
        status = client_row(client, layout, rows[i], &scratch, error);
    }
    arena_close(&scratch);
    client->rows += count;
    return status;
}

Status select_by_engine(Run *run, const BoundSelect *select, const ResultSink *sink, uint64_t *rows,
                        Error *error)
{
    ClientSink client = {.run = run, .sink = sink, .select = select};
    QuerySink query_sink = {client_bytes, client_rows, &client};
    OpenReferences references;
    QueryRequest request;
    QueryResult result;
    TRY(references_open(run, select, false, &references, error));
    Status status = fill_request(run, select, &references, &request, error);
    if (status == OK) {
        request.format = sink->wants_json ? QUERY_JSON : QUERY_ROWS;
        status = run_request(run, &request, &query_sink, &result, error);
    }
    Error old;
    if (status != OK && pin_check(references.pin, &old) != OK) {
        *error = old;
        status = old.status;
    }
    references_close(run, &references);
    *rows = client.rows;
    return status;
}

Status explain_by_engine(Run *run, const BoundSelect *select, const OpenReferences *open,
                         Buffer *out, Error *error)
{
    QueryRequest request;
    TRY(fill_request(run, select, open, &request, error));
    request.format = QUERY_ROWS;
    return query_explain(run->executor->pool, &request, out, error);
}

/* ---- counts ---- */

/* SELECT count(*) FROM t: from what files and memtables know, exactly at the pin. */
static Status count_table(Run *run, const BoundSelect *select, const ResultSink *sink, Error *error)
{
    const BoundReference *reference = &select->references[0];
    EngineTable *table = engine_table(run->executor->engine, reference->table->id);
    Pin *pin = NULL;
    TableCount count;
    RowSender sender;
    Status status = OK;
    OwnerId owner = reference->all_users ? 0 : owner_for(run, reference->table);
    Run own = *run;
    own.sink = sink;
    if (table == NULL)
        return error_of(error, STATUS_SCHEMA_CHANGED);
    row_sender_open(&own, select->columns, 1, &sender);
    if (run->given_pin != NULL)
        pin = pin_clone(run->given_pin);
    else
        GO(pin_open(run->executor->engine, &table, 1, &pin, error));
    GO(pin_count(pin, 0, owner, &count, error));
    Value value = value_integer(TYPE_BIGINT, (int64_t)(count.hot_rows + count.cold_rows));
    GO(row_sender_put(&sender, &value, error));
    GO(row_sender_flush(&sender, error));
done:
    row_sender_close(&sender);
    pin_release(pin);
    engine_table_release(table);
    return status;
}

static bool counts_are_known(const BoundSelect *select)
{
    return select->is_count_of_table && select->reference_count == 1 &&
           select->references[0].system == NULL;
}

Status select_any(Run *run, const BoundSelect *select, const ResultSink *sink, uint64_t *rows,
                  Error *error)
{
    bool done = false;
    if (counts_are_known(select)) {
        *rows = 1;
        return count_table(run, select, sink, error);
    }
    if (select->short_read != NULL) {
        const ResultSink *before = run->sink;
        run->sink = sink;
        Status status = read_short(run, select, false, rows, &done, error);
        run->sink = before;
        TRY(status);
    }
    return done ? OK : select_by_engine(run, select, sink, rows, error);
}

/* ---- to ourselves ---- */

typedef struct PackedSink {
    PackedRowVisitor visit;
    void *context;
} PackedSink;

static Status packed_rows(void *context, const RowLayout *layout, const Slice *rows, size_t count,
                          Error *error)
{
    PackedSink *sink = context;
    for (size_t i = 0; i < count; i++)
        TRY(sink->visit(sink->context, layout, rows[i], error));
    return OK;
}

Status select_packed(Run *run, const BoundSelect *select, bool with_location,
                     PackedRowVisitor visit, void *context, Error *error)
{
    PackedSink packed = {visit, context};
    QuerySink sink = {NULL, packed_rows, &packed};
    OpenReferences references;
    QueryRequest request;
    QueryResult result;
    TRY(references_open(run, select, with_location, &references, error));
    Status status = fill_request(run, select, &references, &request, error);
    if (status == OK) {
        request.format = QUERY_ROWS;
        status = run_request(run, &request, &sink, &result, error);
    }
    references_close(run, &references);
    return status;
}
