/* Whole answers of HTTP: JSON, and errors with their place. */
#include "api/api_int.h"

HttpErrorPlace error_place(const StatementPlace *place)
{
    if (place == NULL)
        return (HttpErrorPlace){0};
    return (HttpErrorPlace){.statement = place->statement,
                            .line = place->line,
                            .column = place->column,
                            .byte = place->byte,
                            .has_position = place->has_position};
}

/* What goes with a refusal of this status. */
static size_t headers_of(int status, HttpHeader headers[1])
{
    if (status == 401)
        headers[0] = (HttpHeader){SLICE("WWW-Authenticate"), SLICE("Bearer")};
    else if (status == 429 || status == 503)
        headers[0] = (HttpHeader){SLICE("Retry-After"), SLICE("1")};
    else
        return 0;
    return 1;
}

void answer_json(HttpExchange *exchange, int status, Slice body)
{
    HttpHeader headers[1];
    HttpAnswer answer = {
        .status = status, .content_type = "application/json", .body = body, .headers = headers};
    answer.header_count = headers_of(status, headers);
    http_answer(exchange, &answer);
}

void answer_failure(HttpExchange *exchange, Env *env, Slice results, const Error *error,
                    const StatementPlace *place)
{
    HttpErrorPlace at = error_place(place);
    Buffer body;
    buffer_open(&body, 0);
    buffer_put_text(&body, "{\"status\":\"error\",\"took\":");
    http_put_took(&body, env_monotonic_ns(env) - http_began_ns(exchange));
    buffer_put_text(&body, ",\"results\":[");
    buffer_put_slice(&body, results);
    buffer_put_text(&body, "],\"error\":");
    http_put_error(&body, error, &at);
    buffer_put_text(&body, "}\n");
    if (body.failed)
        http_answer_error(exchange, error);
    else
        answer_json(exchange, status_http(error->status), buffer_slice(&body));
    buffer_close(&body);
}

/* ---- requests that are not answered at once ---- */

static void who_asks(ApiClient *client, DatabaseSession *out)
{
    ApiRequest *request = (ApiRequest *)(void *)((uint8_t *)client - offsetof(ApiRequest, client));
    session_copy(out, &request->session);
}

/* Its statement is ended; the connection is the client's to use again. */
static void kill_request(ApiClient *client, const char *reason)
{
    ApiRequest *request = (ApiRequest *)(void *)((uint8_t *)client - offsetof(ApiRequest, client));
    (void)reason;
    atomic_store(&request->is_killed, true);
    database_cancel(request->api->database, client->id);
}

ApiRequest *request_create(Api *api, HttpExchange *exchange, RequestKind kind, size_t size)
{
    ApiRequest *request = arena_allocate_zeroed(http_arena(exchange), 1, size);
    if (request == NULL) {
        Error error;
        (void)arena_error(http_arena(exchange), &error);
        http_answer_error(exchange, &error);
        return NULL;
    }
    request->kind = kind;
    request->api = api;
    request->exchange = exchange;
    http_set_user(exchange, request);
    return request;
}

void request_list(ApiRequest *request, const char *protocol)
{
    ApiClient *client = &request->client;
    memcpy(client->id, request->session.session.id, sizeof client->id);
    memcpy(client->address, request->session.session.client_address, sizeof client->address);
    client->protocol = protocol;
    client->connected_us = env_wall_us(request->api->env);
    atomic_store(&client->active_us, client->connected_us);
    atomic_store(&client->requests, 1);
    client->who = who_asks;
    client->kill = kill_request;
    request->is_listed = true;
    clients_add(request->api, client);
}

void request_unlist(ApiRequest *request)
{
    if (request->is_listed)
        clients_remove(request->api, &request->client);
    request->is_listed = false;
}
