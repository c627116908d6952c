/* POST /v1/tables/{ns}.{t}/rows: bulk load. The body is read as a stream by a thread of its own;
 * what was made durable before a failure is said in the answer.
 *
 *     200 {"status":"success","took":…,"results":[{"row_count":n,"message":"COPY n","notices":[]}],
 *          "progress":{"rows":n,"bytes":n,"transactions":n},"seq":n}
 * With Accept: application/x-ndjson a line {"rows":n,"bytes":n} comes after each transaction, and
 * the answer above as the last line; after a failure that line is the error, and the stream is cut
 * off. */
#include "api/outlet.h"
#include "base/json.h"

typedef struct LoadCall {
    ApiRequest request; /* the first member */
    DatabaseTask task;
    LoadRequest load;
    LoadResult result;
    Outlet outlet;
    bool tells_progress;
} LoadCall;

/* ---- what is asked ---- */

static Status read_format(HttpExchange *exchange, LoadFormat *out, Error *error)
{
    Slice type = http_header(exchange, "content-type");
    if (http_list_has(type, "application/x-ndjson"))
        *out = LOAD_NDJSON;
    else if (http_list_has(type, "text/csv"))
        *out = LOAD_CSV;
    else if (http_list_has(type, "application/vnd.apache.parquet"))
        *out = LOAD_PARQUET;
    else
        return error_set(error, STATUS_UNSUPPORTED_MEDIA_TYPE,
                         "Content-Type must be application/x-ndjson, text/csv or "
                         "application/vnd.apache.parquet");
    return OK;
}

static Status read_number(HttpExchange *exchange, const char *name, uint64_t *out, Error *error)
{
    Slice text = http_parameter(exchange, name);
    int64_t number = 0;
    if (text.data == NULL)
        return OK;
    if (!slice_to_int64(text, &number) || number < 1)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "?%s must be a whole number above 0", name);
    *out = (uint64_t)number;
    return OK;
}

static Status read_atomic(HttpExchange *exchange, bool *out, Error *error)
{
    Slice text = http_parameter(exchange, "atomic");
    *out = slice_equal_text(text, "1") || slice_equal_text(text, "true");
    if (text.data == NULL || *out || slice_equal_text(text, "0") || slice_equal_text(text, "false"))
        return OK;
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "?atomic must be 1 or 0");
}

static Status check_parameters(HttpExchange *exchange, Error *error)
{
    const HttpRequest *request = http_request(exchange);
    for (size_t i = 0; i < request->parameter_count; i++) {
        Slice name = request->parameters[i].name;
        if (!slice_equal_text(name, "batch") && !slice_equal_text(name, "atomic") &&
            !slice_equal_text(name, "user"))
            return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                             "unknown parameter \"%.*s\": there are ?batch, ?atomic and ?user",
                             SLICE_ARGUMENTS(slice_part(name, 0, 64)));
    }
    return OK;
}

static Status read_load(LoadCall *call, Slice target, Error *error)
{
    HttpExchange *exchange = call->request.exchange;
    LoadRequest *load = &call->load;
    size_t dot = slice_find(target, '.');
    if (dot == 0 || dot + 1 >= target.size)
        return error_set(error, STATUS_UNDEFINED_TABLE,
                         "the path must name a table: /v1/tables/NAMESPACE.TABLE/rows");
    load->namespace_name = slice_part(target, 0, dot);
    load->table_name = slice_part(target, dot + 1, target.size);
    TRY(check_parameters(exchange, error));
    TRY(read_format(exchange, &load->format, error));
    TRY(read_number(exchange, "batch", &load->batch_rows, error));
    TRY(read_atomic(exchange, &load->is_atomic, error));
    load->as_user = http_parameter(exchange, "user");
    if (load->as_user.data != NULL && load->as_user.size == 0)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "?user must name a user");
    call->tells_progress = http_list_has(http_header(exchange, "accept"), "application/x-ndjson");
    return OK;
}

/* ---- answers ---- */

static void put_progress(Buffer *out, const LoadResult *result)
{
    buffer_put_text(out, "{\"rows\":");
    buffer_put_decimal(out, result->rows);
    buffer_put_text(out, ",\"bytes\":");
    buffer_put_decimal(out, result->bytes);
    buffer_put_text(out, ",\"transactions\":");
    buffer_put_decimal(out, result->transactions);
    buffer_put_u8(out, '}');
}

static void put_answer(Buffer *out, const LoadCall *call, const Error *error)
{
    const LoadResult *result = &call->result;
    int64_t took_ns =
        env_monotonic_ns(call->request.api->env) - http_began_ns(call->request.exchange);
    buffer_put_text(out, error == NULL ? "{\"status\":\"success\",\"took\":"
                                       : "{\"status\":\"error\",\"took\":");
    http_put_took(out, took_ns);
    buffer_put_text(out, ",\"results\":[");
    if (error == NULL)
        buffer_put_format(out, "{\"row_count\":%llu,\"message\":\"COPY %llu\",\"notices\":[]}",
                          (unsigned long long)result->rows, (unsigned long long)result->rows);
    buffer_put_text(out, "],\"progress\":");
    put_progress(out, result);
    if (error == NULL) {
        buffer_put_text(out, ",\"seq\":");
        buffer_put_decimal(out, result->seq);
    } else {
        buffer_put_text(out, ",\"error\":");
        http_put_error(out, error, NULL);
    }
    buffer_put_text(out, "}\n");
}

/* The call is gone behind it. */
static void answer(LoadCall *call, const Error *error)
{
    HttpExchange *exchange = call->request.exchange;
    Error failure;
    Buffer body;
    buffer_open(&body, 0);
    put_answer(&body, call, error);
    if (call->outlet.is_open) {
        bool is_sent =
            !body.failed && outlet_send(&call->outlet, buffer_slice(&body), &failure) == OK;
        outlet_end(&call->outlet, is_sent && error == NULL);
    } else if (buffer_status(&body, &failure) != OK) {
        http_answer_error(exchange, &failure);
    } else {
        answer_json(exchange, error == NULL ? 200 : status_http(error->status),
                    buffer_slice(&body));
    }
    buffer_close(&body);
}

/* ---- on a thread of its own ---- */

static Status read_body(void *context, void *out, size_t size, size_t *got, Error *error)
{
    LoadCall *call = context;
    if (atomic_load(&call->request.is_killed))
        return error_set(error, STATUS_QUERY_CANCELED, "the connection was killed");
    return http_body_read(call->request.exchange, out, size, got, error);
}

static Status tell_progress(void *context, uint64_t rows, uint64_t bytes, Error *error)
{
    LoadCall *call = context;
    atomic_store(&call->request.client.active_us, env_wall_us(call->request.api->env));
    if (!call->tells_progress)
        return OK;
    Buffer line;
    buffer_open(&line, 0);
    buffer_put_format(&line, "{\"rows\":%llu,\"bytes\":%llu}\n", (unsigned long long)rows,
                      (unsigned long long)bytes);
    Status status = buffer_status(&line, error);
    if (status == OK)
        status = outlet_send(&call->outlet, buffer_slice(&line), error);
    buffer_close(&line);
    return status;
}

static Status load(LoadCall *call, Error *error)
{
    Api *api = call->request.api;
    TRY(rate_begin_statement(api, &call->request.session, error));
    request_list(&call->request, "http");
    Status status =
        database_load(api->database, &call->request.session, &call->load, &call->result, error);
    request_unlist(&call->request);
    rate_end_statement(api, &call->request.session);
    metric_add(api->metrics.loaded_rows, (int64_t)call->result.rows);
    return status;
}

static void run(DatabaseTask *task)
{
    LoadCall *call = (LoadCall *)(void *)((uint8_t *)task - offsetof(LoadCall, task));
    Error error;
    Status status = load(call, &error);
    answer(call, status == OK ? NULL : &error);
}

/* ---- on the loop ---- */

static Status prepare(LoadCall *call, Slice target, Error *error)
{
    Api *api = call->request.api;
    HttpExchange *exchange = call->request.exchange;
    DatabaseSession *session = &call->request.session;
    TRY(session_of_request(api, exchange, session, error));
    TRY(database_session_refresh(api->database, session, error));
    if (session->session.principal.role == ROLE_ANONYMOUS)
        return error_set(error, STATUS_INVALID_AUTHORIZATION, "a bulk load needs a token");
    session_set_connection(api, http_connection_id(exchange), &session->session);
    http_peer(exchange, session->session.client_address);
    TRY(rate_check_request(api, session, error));
    TRY(read_load(call, target, error));
    call->load.read = read_body;
    call->load.progress = tell_progress;
    call->load.context = call;
    call->outlet = (Outlet){api, exchange, "application/x-ndjson", NULL, false};
    return OK;
}

static LoadCall *create(Api *api, HttpExchange *exchange, Slice target)
{
    LoadCall *call = (LoadCall *)(void *)request_create(api, exchange, REQUEST_LOAD, sizeof *call);
    Error error;
    if (call == NULL)
        return NULL;
    if (prepare(call, target, &error) == OK)
        return call;
    http_answer_error(exchange, &error);
    return NULL;
}

/* At the head, so that who may not load is told before he has sent it all. */
void load_head(Api *api, HttpExchange *exchange, Slice target)
{
    Error error;
    if (create(api, exchange, target) == NULL)
        return;
    uint64_t bytes_max = atomic_load(&api->limits.load_bytes);
    if (http_stream_body(exchange, bytes_max, &error) != OK)
        http_answer_error(exchange, &error);
}

void load_request(Api *api, HttpExchange *exchange, Slice target)
{
    LoadCall *call = http_user(exchange);
    Error error;
    if (call == NULL) /* there is no body: an empty load */
        call = create(api, exchange, target);
    if (call == NULL)
        return;
    call->task.run = run;
    if (database_submit(api->database, THREADS_SUBSCRIPTIONS, &call->task, &error) != OK)
        http_answer_error(exchange, &error);
}
