/* `query` over a WebSocket: statements one after the other in the order they came, so that what a
 * client writes is there when it reads. Between them its namespace stays (USE). */
#include "api/result.h"
#include "api/socket_int.h"
#include "base/json.h"

struct QueryCall {
    QueryCall *next;
    DatabaseTask task;
    ApiSocket *socket; /* a reference */
    Arena arena;
    char id[API_CLIENT_ID_BYTES_MAX + 1];
    SqlRequest sql;
    int64_t began_ns;
};

static void query_free(QueryCall *call)
{
    ApiSocket *socket = call->socket;
    arena_close(&call->arena);
    memory_free(call);
    socket_release(socket);
}

/* ---- answers ---- */

static Status too_large(ResultWriter *writer, Error *error)
{
    (void)error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                    "the result is larger than a message may be (%zu bytes)", writer->limit);
    error_set_hint(error, "POST /v1/sql sends results of any size; or use LIMIT");
    return error->status;
}

static void put_head(Buffer *out, const QueryCall *call, bool is_error)
{
    put_message(out, is_error ? "error" : "result", slice_of_text(call->id));
    buffer_put_text(out, is_error ? ",\"status\":\"error\",\"took\":"
                                  : ",\"status\":\"success\",\"took\":");
    http_put_took(out, env_monotonic_ns(call->socket->api->env) - call->began_ns);
    buffer_put_text(out, ",\"results\":[");
}

static void answer(QueryCall *call, ResultWriter *writer, const Error *error,
                   const StatementPlace *place)
{
    HttpErrorPlace at = error_place(place);
    Buffer json;
    buffer_open(&json, 0);
    put_head(&json, call, error != NULL);
    buffer_put_slice(&json, result_content(writer));
    buffer_put_u8(&json, ']');
    if (error != NULL) {
        buffer_put_text(&json, ",\"error\":");
        http_put_error(&json, error, &at);
    }
    buffer_put_u8(&json, '}');
    socket_say(call->socket, NULL, OUTGOING_OWN, &json);
    buffer_close(&json);
}

/* ---- on a statement thread ---- */

/* The session as the last query left it, or in the namespace that this one names. */
static void borrow_session(QueryCall *call, DatabaseSession *out)
{
    ApiSocket *socket = call->socket;
    Slice name = call->sql.namespace_name;
    mutex_lock(&socket->mutex);
    session_copy(out, &socket->session);
    mutex_unlock(&socket->mutex);
    if (name.size > 0) {
        memcpy(out->session.namespace_name, name.data, name.size);
        out->session.namespace_name[name.size] = '\0';
    }
    out->session.json_flags = call->sql.json_flags;
}

static void keep_namespace(QueryCall *call, const DatabaseSession *session)
{
    ApiSocket *socket = call->socket;
    if (call->sql.namespace_name.size > 0)
        return;
    mutex_lock(&socket->mutex);
    memcpy(socket->session.session.namespace_name, session->session.namespace_name,
           sizeof session->session.namespace_name);
    mutex_unlock(&socket->mutex);
}

static Status execute(QueryCall *call, const StatementSink *sink, StatementPlace *place,
                      Error *error)
{
    Api *api = call->socket->api;
    const JsonValue *params = call->sql.params;
    StatementRequest request = {
        .text = call->sql.sql,
        .parameters = {.json = params, .count = params == NULL ? 0 : params->count},
        .began_ns = call->began_ns};
    DatabaseSession session;
    borrow_session(call, &session);
    error->position_byte = -1;
    TRY(rate_check_request(api, &session, error));
    TRY(rate_begin_statement(api, &session, error));
    Status status = database_execute(api->database, &session, &request, sink, place, error);
    rate_end_statement(api, &session);
    keep_namespace(call, &session);
    return status;
}

static void run(DatabaseTask *task)
{
    QueryCall *call = (QueryCall *)(void *)((uint8_t *)task - offsetof(QueryCall, task));
    ApiSocket *socket = call->socket;
    ResultWriter writer;
    StatementPlace place = {0};
    Error error;
    uint64_t bytes = atomic_load(&socket->api->limits.message_bytes);
    result_writer_open(&writer, (size_t)bytes);
    writer.overflow = too_large;
    StatementSink sink = result_writer_sink(&writer);
    Status status = execute(call, &sink, &place, &error);
    if (status != OK)
        result_drop(&writer);
    answer(call, &writer, status == OK ? NULL : &error, &place);
    result_writer_close(&writer);
    mutex_lock(&socket->mutex);
    socket->is_querying = false;
    socket_wake(socket); /* for the next one */
    mutex_unlock(&socket->mutex);
    query_free(call);
}

/* ---- on the loop ---- */

static QueryCall *take_next(ApiSocket *socket)
{
    mutex_lock(&socket->mutex);
    QueryCall *call = socket->first_query;
    if (socket->is_querying || socket->is_closed || socket->own_bytes > SOCKET_OWN_BYTES_LOW)
        call = NULL;
    if (call != NULL) {
        socket->first_query = call->next;
        if (call->next == NULL)
            socket->last_query = NULL;
        socket->query_count--;
        socket->is_querying = true;
    }
    mutex_unlock(&socket->mutex);
    return call;
}

static void refuse(QueryCall *call, const Error *error)
{
    ApiSocket *socket = call->socket;
    socket_say_error(socket, slice_of_text(call->id), error);
    mutex_lock(&socket->mutex);
    socket->is_querying = false;
    mutex_unlock(&socket->mutex);
    query_free(call);
}

void query_start_next(ApiSocket *socket)
{
    QueryCall *call;
    Error error;
    while ((call = take_next(socket)) != NULL) {
        call->task.run = run;
        if (database_submit(socket->api->database, THREADS_STATEMENTS, &call->task, &error) == OK)
            return;
        refuse(call, &error);
    }
}

void queries_drop(ApiSocket *socket)
{
    mutex_lock(&socket->mutex);
    QueryCall *call = socket->first_query;
    socket->first_query = NULL;
    socket->last_query = NULL;
    socket->query_count = 0;
    mutex_unlock(&socket->mutex);
    while (call != NULL) {
        QueryCall *next = call->next;
        query_free(call);
        call = next;
    }
}

static QueryCall *create(ApiSocket *socket, Slice id, Arena *arena)
{
    QueryCall *call = MEMORY_NEW(QueryCall);
    if (call == NULL) {
        arena_close(arena);
        return NULL;
    }
    call->socket = socket_clone(socket);
    call->arena = *arena;
    call->began_ns = env_monotonic_ns(socket->api->env);
    memcpy(call->id, id.data, id.size);
    return call;
}

static Status read_query(QueryCall *call, const JsonValue *message, Error *error)
{
    static const char *const others[] = {"type", "id", NULL};
    ApiLimits *limits = &call->socket->api->limits;
    SqlRequestLimits bounds = {atomic_load(&limits->params), atomic_load(&limits->param_bytes)};
    TRY(sql_request_of(message, others, &bounds, &call->sql, error));
    if (call->socket->query_count >= API_QUERIES_WAITING_MAX)
        return error_set(error, STATUS_TOO_MANY_REQUESTS,
                         "%d queries of this connection wait already", API_QUERIES_WAITING_MAX);
    return OK;
}

static void append(QueryCall *call)
{
    ApiSocket *socket = call->socket;
    mutex_lock(&socket->mutex);
    if (socket->last_query == NULL)
        socket->first_query = call;
    else
        socket->last_query->next = call;
    socket->last_query = call;
    socket->query_count++;
    mutex_unlock(&socket->mutex);
}

void query_begin(ApiSocket *socket, Slice id, const JsonValue *message, Arena *arena)
{
    QueryCall *call = create(socket, id, arena);
    Error error;
    if (call == NULL) {
        (void)error_out_of_memory(&error);
        socket_say_error(socket, SLICE_EMPTY, &error); /* its id went with the arena */
        return;
    }
    if (read_query(call, message, &error) != OK) {
        socket_say_error(socket, slice_of_text(call->id), &error);
        query_free(call);
        return;
    }
    append(call);
    query_start_next(socket);
}
