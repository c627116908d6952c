/* GET /v1/ws: a WebSocket from its handshake to its end. */
#include "api/socket_int.h"

/* ---- references ---- */

ApiSocket *socket_clone(ApiSocket *socket)
{
    uint32_t before = atomic_fetch_add_explicit(&socket->references, 1, memory_order_relaxed);
    ASSERT(before > 0);
    return socket;
}

void socket_release(ApiSocket *socket)
{
    uint32_t before = atomic_fetch_sub_explicit(&socket->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    ASSERT(socket->first == NULL && socket->subscriptions == NULL && socket->first_query == NULL);
    condition_close(&socket->changed);
    mutex_close(&socket->mutex);
    memory_free(socket);
}

/* ---- as others see it ---- */

static ApiSocket *socket_of(ApiClient *client)
{
    return (ApiSocket *)(void *)client;
}

static void who_asks(ApiClient *client, DatabaseSession *out)
{
    ApiSocket *socket = socket_of(client);
    mutex_lock(&socket->mutex);
    session_copy(out, &socket->session);
    mutex_unlock(&socket->mutex);
}

static size_t count_queued(ApiClient *client)
{
    ApiSocket *socket = socket_of(client);
    mutex_lock(&socket->mutex);
    size_t queued = socket->queued_bytes;
    mutex_unlock(&socket->mutex);
    return queued;
}

void socket_end(ApiSocket *socket, const char *reason)
{
    mutex_lock(&socket->mutex);
    if (socket->closing == NULL)
        socket->closing = reason;
    socket_wake(socket);
    mutex_unlock(&socket->mutex);
}

static void kill_socket(ApiClient *client, const char *reason)
{
    ApiSocket *socket = socket_of(client);
    socket_end(socket, reason);
    database_cancel(socket->api->database, client->id);
}

static void look_again(ApiClient *client)
{
    ApiSocket *socket = socket_of(client);
    mutex_lock(&socket->mutex);
    socket->wants_check = true;
    socket_wake(socket);
    mutex_unlock(&socket->mutex);
}

/* ---- the handshake ---- */

static ApiSocket *create(Api *api, HttpExchange *exchange)
{
    ApiSocket *socket = MEMORY_NEW(ApiSocket);
    if (socket == NULL)
        return NULL;
    atomic_init(&socket->references, 1);
    socket->api = api;
    socket->loop = http_loop(exchange);
    socket->pump.run = socket_run_pump;
    mutex_open(&socket->mutex, api->env, "api_socket");
    condition_open(&socket->changed, api->env);
    ApiClient *client = &socket->client;
    client->protocol = "websocket";
    client->connected_us = env_wall_us(api->env);
    atomic_store(&client->active_us, client->connected_us);
    client->who = who_asks;
    client->queued = count_queued;
    client->kill = kill_socket;
    client->look_again = look_again;
    return socket;
}

/* With an Authorization header it is somebody at once; without one the first message says who. */
static Status identify(ApiSocket *socket, HttpExchange *exchange, Error *error)
{
    Session *session = &socket->session.session;
    if (http_header(exchange, "authorization").data != NULL) {
        TRY(session_of_request(socket->api, exchange, &socket->session, error));
        TRY(database_session_refresh(socket->api->database, &socket->session, error));
        socket->is_authenticated = true;
    }
    session_set_connection(socket->api, http_connection_id(exchange), session);
    http_peer(exchange, session->client_address);
    memcpy(socket->client.id, session->id, sizeof socket->client.id);
    memcpy(socket->client.address, session->client_address, sizeof socket->client.address);
    return OK;
}

static void refuse_plain(HttpExchange *exchange)
{
    HttpHeader headers[] = {{SLICE("Upgrade"), SLICE("websocket")},
                            {SLICE("Sec-WebSocket-Version"), SLICE("13")}};
    http_answer(exchange, &(HttpAnswer){.status = 426,
                                        .content_type = "text/plain",
                                        .headers = headers,
                                        .header_count = 2,
                                        .body = SLICE("this path speaks WebSocket, version 13\n")});
}

void socket_request(Api *api, HttpExchange *exchange)
{
    Error error;
    if (!http_request(exchange)->wants_websocket) {
        refuse_plain(exchange);
        return;
    }
    ApiSocket *socket = create(api, exchange);
    Status status =
        socket == NULL ? error_out_of_memory(&error) : identify(socket, exchange, &error);
    if (status != OK) {
        http_answer_error(exchange, &error);
        if (socket != NULL)
            socket_release(socket);
        return;
    }
    socket->socket = websocket_accept(exchange, socket);
    if (socket->socket == NULL) {
        socket_release(socket);
        return;
    }
    clients_add(api, &socket->client);
    if (socket->is_authenticated)
        socket_say_ready(socket);
    else
        websocket_set_timer(socket->socket,
                            loop_now_ns(socket->loop) + atomic_load(&api->limits.auth_timeout_ns));
}

/* ---- what the network tells ---- */

void socket_drained(void *context, WebSocket *websocket)
{
    (void)context;
    socket_pump(websocket_user(websocket));
}

/* A last message that says why; the network closes it then. */
void socket_refused(void *context, WebSocket *websocket, const Error *error)
{
    ApiSocket *socket = websocket_user(websocket);
    Buffer json;
    (void)context;
    buffer_open(&json, 0);
    put_error_message(&json, SLICE_EMPTY, error, NULL);
    socket_send_now(socket, &json);
    buffer_close(&json);
}

void socket_timer(void *context, WebSocket *websocket)
{
    ApiSocket *socket = websocket_user(websocket);
    Error error;
    if (socket->is_authenticated) /* written by this thread alone */
        return;
    (void)error_set(&error, STATUS_INVALID_AUTHORIZATION,
                    "nobody said who is here: {\"type\":\"auth\",\"token\":…} comes first");
    socket_refused(context, websocket, &error);
    websocket_close(websocket, WEBSOCKET_POLICY, SLICE("not authenticated"));
}

/* What was said already is sent, also to a slow client: it is in memory anyway. */
void socket_stopping(void *context, WebSocket *websocket)
{
    ApiSocket *socket = websocket_user(websocket);
    Buffer json;
    (void)context;
    socket_send_rest(socket);
    if (socket->is_closed)
        return;
    buffer_open(&json, 0);
    put_message(&json, "closing", SLICE_EMPTY);
    buffer_put_text(&json, ",\"reason\":\"shutdown\"}");
    socket_send_now(socket, &json);
    buffer_close(&json);
}

void socket_closed(void *context, WebSocket *websocket, uint16_t code)
{
    Api *api = context;
    ApiSocket *socket = websocket_user(websocket);
    (void)code;
    clients_remove(api, &socket->client);
    mutex_lock(&socket->mutex);
    Outgoing *rest = socket->first;
    socket->is_closed = true;
    socket->first = NULL;
    socket->last = NULL;
    condition_broadcast(&socket->changed);
    mutex_unlock(&socket->mutex);
    outgoing_free(rest);
    queries_drop(socket);
    client_unsubscribe_all(socket);
    database_cancel(api->database, socket->client.id);
    socket_release(socket);
}
