/* POST /v1/sql.
 *
 * What needs no waiting is run on the network loop (a hop to another thread costs more than a
 * single-row write); the rest goes to a statement thread, which answers. Answers up to 1 MiB are
 * made whole, so that an error late in them still has its status; longer ones are streams, which an
 * error cuts off. */
#include "api/lines.h"
#include "api/outlet.h"
#include "api/request.h"
#include "api/result.h"

typedef enum AnswerFormat { ANSWER_JSON, ANSWER_NDJSON, ANSWER_CSV } AnswerFormat;

/* In the exchange's arena. */
typedef struct StatementCall {
    ApiRequest request; /* the first member */
    DatabaseTask task;  /* on a statement thread */
    LoopTask committed; /* back on the loop, after a write */
    AnswerFormat format;
    bool is_read;
    SqlRequest sql;
    ResultWriter writer;
    LineWriter lines;
    Outlet outlet;
    ResultSummary summary;
    StatementPlace place;
    Status commit_status;
} StatementCall;

/* ---- what is asked ---- */

static bool accepts(Slice list, const char *type)
{
    return http_list_has(list, type);
}

static Status choose_format(HttpExchange *exchange, AnswerFormat *out, Error *error)
{
    Slice list = http_header(exchange, "accept");
    *out = ANSWER_JSON;
    if (list.size == 0 || accepts(list, "application/json"))
        return OK;
    if (accepts(list, "application/vnd.apache.arrow.stream"))
        return error_set(error, STATUS_NOT_BUILT, "Arrow streams are not built yet");
    if (accepts(list, "application/x-ndjson"))
        *out = ANSWER_NDJSON;
    else if (accepts(list, "text/csv"))
        *out = ANSWER_CSV;
    return OK;
}

/* curl's default, which says nothing about what it sends, is taken as JSON. */
static Status check_content_type(HttpExchange *exchange, Error *error)
{
    Slice type = http_header(exchange, "content-type");
    if (type.size == 0 || http_list_has(type, "application/json") ||
        http_list_has(type, "application/x-www-form-urlencoded"))
        return OK;
    return error_set(error, STATUS_UNSUPPORTED_MEDIA_TYPE,
                     "the body must be application/json: {\"sql\": \"SELECT 1\"}");
}

static Status read_request(StatementCall *call, Error *error)
{
    HttpExchange *exchange = call->request.exchange;
    ApiLimits *limits = &call->request.api->limits;
    Session *session = &call->request.session.session;
    SqlRequestLimits bounds = {atomic_load(&limits->params), atomic_load(&limits->param_bytes)};
    call->is_read = true;
    TRY(sql_request_read(http_arena(exchange), http_request(exchange)->body, &bounds, &call->sql,
                         error));
    Slice name = call->sql.namespace_name;
    if (name.size > 0) {
        memcpy(session->namespace_name, name.data, name.size);
        session->namespace_name[name.size] = '\0';
        memcpy(session->initial_namespace, session->namespace_name,
               sizeof session->initial_namespace);
    }
    session->json_flags = call->sql.json_flags;
    return OK;
}

static StatementRequest statement_of(const StatementCall *call)
{
    const JsonValue *params = call->sql.params;
    return (StatementRequest){
        .text = call->sql.sql,
        .parameters = {.json = params, .count = params == NULL ? 0 : params->count},
        .began_ns = http_began_ns(call->request.exchange),
    };
}

/* ---- answers: after each of them the call is gone ---- */

static int64_t took_ns(const StatementCall *call)
{
    return env_monotonic_ns(call->request.api->env) - http_began_ns(call->request.exchange);
}

static void note(StatementCall *call, Status status)
{
    Api *api = call->request.api;
    int64_t took = took_ns(call);
    metric_observe(api->metrics.request_seconds, took);
    if (status != OK)
        metric_add(api->metrics.failed, 1);
    LOG_DEBUG(api->logger, "sql", "answered POST /v1/sql",
              LOG_SLICE("request_id", http_request(call->request.exchange)->request_id),
              LOG_SLICE("user", call->request.session.session.principal.name),
              LOG_TEXT("status", status_name(status)), LOG_DOUBLE("took_ms", (double)took / 1e6));
}

static void fail(StatementCall *call, const Error *error)
{
    ResultWriter writer = call->writer;
    LineWriter lines = call->lines;
    note(call, error->status);
    if (call->outlet.is_open) {
        outlet_end(&call->outlet, false);
    } else {
        result_drop(&writer);
        Slice before = call->format == ANSWER_JSON ? result_content(&writer) : SLICE_EMPTY;
        answer_failure(call->request.exchange, call->request.api->env, before, error, &call->place);
    }
    result_writer_close(&writer);
    lines_close(&lines);
}

static void succeed_json(StatementCall *call)
{
    HttpExchange *exchange = call->request.exchange;
    Error error;
    Slice body;
    Status status = result_finish(&call->writer, took_ns(call), &body, &error);
    if (status != OK) {
        fail(call, &error);
        return;
    }
    ResultWriter writer = call->writer;
    note(call, OK);
    answer_json(exchange, 200, body);
    result_writer_close(&writer);
}

static void put_stream_tail(StatementCall *call)
{
    buffer_put_text(&call->writer.out, "],\"took\":");
    http_put_took(&call->writer.out, took_ns(call));
    buffer_put_text(&call->writer.out, "}\n");
}

static void succeed_stream(StatementCall *call)
{
    bool is_json = call->format == ANSWER_JSON;
    ResultWriter writer;
    LineWriter lines;
    Error error;
    if (is_json)
        put_stream_tail(call);
    writer = call->writer;
    lines = call->lines;
    Slice rest = is_json ? result_content(&writer) : buffer_slice(&lines.out);
    Status status = buffer_status(is_json ? &writer.out : &lines.out, &error);
    if (status == OK)
        status = outlet_send(&call->outlet, rest, &error);
    note(call, status);
    outlet_end(&call->outlet, status == OK);
    result_writer_close(&writer);
    lines_close(&lines);
}

static void succeed_lines(StatementCall *call)
{
    LineWriter lines = call->lines;
    note(call, OK);
    http_answer(call->request.exchange,
                &(HttpAnswer){.status = 200,
                              .content_type = lines_content_type(lines.format),
                              .body = buffer_slice(&lines.out)});
    lines_close(&lines);
}

static void succeed(StatementCall *call)
{
    if (call->outlet.is_open)
        succeed_stream(call);
    else if (call->format == ANSWER_JSON)
        succeed_json(call);
    else
        succeed_lines(call);
}

/* ---- on a statement thread ---- */

static Status stream_results(ResultWriter *writer, Error *error)
{
    StatementCall *call = writer->context;
    TRY(outlet_send(&call->outlet, result_content(writer), error));
    result_sent(writer);
    writer->limit = OUTLET_PIECE_BYTES;
    return OK;
}

static StatementSink open_sink(StatementCall *call)
{
    HttpExchange *exchange = call->request.exchange;
    call->outlet = (Outlet){.api = call->request.api,
                            .exchange = exchange,
                            .content_type = "application/json",
                            .opening = "{\"status\":\"success\",\"results\":["};
    if (call->format == ANSWER_JSON) {
        result_writer_open(&call->writer, API_ANSWER_BYTES_MAX);
        call->writer.overflow = stream_results;
        call->writer.context = call;
        return result_writer_sink(&call->writer);
    }
    LineFormat format = call->format == ANSWER_CSV ? LINES_CSV : LINES_NDJSON;
    call->outlet.content_type = lines_content_type(format);
    call->outlet.opening = NULL;
    lines_open(&call->lines, format, call->sql.json_flags, http_arena(exchange), &call->outlet);
    return lines_sink(&call->lines);
}

/* A door that cannot push says where one is that can. */
static bool is_subscription(const StatementCall *call, const Error *error)
{
    Slice text = slice_trim(call->sql.sql);
    return error->status == STATUS_FEATURE_NOT_SUPPORTED && call->format == ANSWER_JSON &&
           call->place.statement == 1 && call->writer.results == 0 &&
           slice_equal_ignoring_case(slice_part(text, 0, 9), SLICE("SUBSCRIBE")) &&
           strstr(error->message, "connect by WebSocket") != NULL;
}

static Status answer_subscription(StatementCall *call, Error *error)
{
    HttpExchange *exchange = call->request.exchange;
    Slice host = http_request(exchange)->host;
    char *url = arena_format(http_arena(exchange), "ws://%.*s/v1/ws", SLICE_ARGUMENTS(host));
    if (url == NULL)
        return arena_error(http_arena(exchange), error);
    result_put_subscription(&call->writer, slice_of_text(url), slice_trim(call->sql.sql));
    return OK;
}

static Status execute(StatementCall *call, Error *error)
{
    Api *api = call->request.api;
    StatementSink sink = open_sink(call);
    StatementRequest statement = statement_of(call);
    TRY(rate_begin_statement(api, &call->request.session, error));
    request_list(&call->request, "http");
    error->position_byte = -1;
    Status status = OK;
    if (http_is_cancelled(call->request.exchange))
        status = error_of(error, STATUS_QUERY_CANCELED);
    else
        status = database_execute(api->database, &call->request.session, &statement, &sink,
                                  &call->place, error);
    request_unlist(&call->request);
    rate_end_statement(api, &call->request.session);
    if (status != OK && is_subscription(call, error))
        status = answer_subscription(call, error);
    return status;
}

static void run(DatabaseTask *task)
{
    StatementCall *call =
        (StatementCall *)(void *)((uint8_t *)task - offsetof(StatementCall, task));
    Error error;
    Status status = call->is_read ? OK : read_request(call, &error);
    if (status == OK)
        status = execute(call, &error);
    if (status == OK)
        succeed(call);
    else
        fail(call, &error);
}

static void submit(StatementCall *call)
{
    Error error;
    call->task.run = run;
    if (database_submit(call->request.api->database, THREADS_STATEMENTS, &call->task, &error) != OK)
        fail(call, &error);
}

/* ---- on the loop ---- */

static void answer_committed(LoopTask *task)
{
    StatementCall *call =
        (StatementCall *)(void *)((uint8_t *)task - offsetof(StatementCall, committed));
    Error error;
    Status status = call->commit_status;
    if (status != OK)
        (void)error_of(&error, status);
    else
        status = result_end(&call->writer, &call->summary, &error);
    if (status == OK)
        succeed(call);
    else
        fail(call, &error);
}

/* On the committer's thread, which others wait for: the answer is made on the loop. */
static void committed(void *context, Status status, uint64_t seq)
{
    StatementCall *call = context;
    call->commit_status = status;
    call->summary.seq = seq;
    loop_post(http_loop(call->request.exchange), &call->committed);
}

static void give_up_quick(StatementCall *call)
{
    result_writer_close(&call->writer);
    call->writer = (ResultWriter){0};
    call->summary = (ResultSummary){0};
    submit(call);
}

static void try_quick(StatementCall *call)
{
    Api *api = call->request.api;
    StatementSink sink = open_sink(call);
    StatementRequest statement = statement_of(call);
    bool pending = false;
    Error error = {.position_byte = -1};
    call->writer.overflow = NULL; /* a loop does not wait for clients */
    call->committed.run = answer_committed;
    call->place.statement = 1;
    result_begin(&call->writer);
    Status status = database_execute_quick(api->database, &call->request.session, &statement,
                                           http_arena(call->request.exchange), &sink.rows,
                                           &call->summary, committed, call, &pending, &error);
    if (status == OK && pending) {
        metric_add(api->metrics.quick, 1); /* and nothing else: it may be answered already */
        return;
    }
    if (status == STATUS_WOULD_BLOCK || status == STATUS_PROGRAM_LIMIT_EXCEEDED) {
        give_up_quick(call);
        return;
    }
    metric_add(api->metrics.quick, 1);
    if (status == OK)
        status = result_end(&call->writer, &call->summary, &error);
    if (status == OK) {
        succeed(call);
        return;
    }
    statement_place_at(call->sql.sql, error.position_byte, &call->place);
    fail(call, &error);
}

static Status prepare(Api *api, HttpExchange *exchange, StatementCall *call, Error *error)
{
    DatabaseSession *session = &call->request.session;
    TRY(session_of_request(api, exchange, session, error));
    session_set_connection(api, http_connection_id(exchange), &session->session);
    http_peer(exchange, session->session.client_address);
    TRY(rate_check_request(api, session, error));
    TRY(choose_format(exchange, &call->format, error));
    return check_content_type(exchange, error);
}

void statement_request(Api *api, HttpExchange *exchange)
{
    StatementCall *call =
        (StatementCall *)(void *)request_create(api, exchange, REQUEST_STATEMENT, sizeof *call);
    Error error;
    if (call == NULL)
        return;
    if (prepare(api, exchange, call, &error) != OK) {
        fail(call, &error);
        return;
    }
    bool is_small = http_request(exchange)->body.size <= API_QUICK_BODY_BYTES_MAX;
    if (!is_small || call->format != ANSWER_JSON) {
        submit(call);
        return;
    }
    if (read_request(call, &error) == OK)
        try_quick(call);
    else
        fail(call, &error);
}
