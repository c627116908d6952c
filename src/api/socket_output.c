/* What waits for a WebSocket's client: one queue in the order in which it was said, from which the
 * loop gives the network as much as it sends at one time. */
#include "api/socket_int.h"
#include "base/json.h"

/* ---- messages ---- */

Outgoing *outgoing_create(ApiSubscription *subscription, OutgoingKind kind, SharedFrame *head,
                          SharedFrame *body)
{
    Outgoing *message = head == NULL ? NULL : MEMORY_NEW(Outgoing);
    if (message == NULL) {
        shared_frame_release(head);
        shared_frame_release(body);
        return NULL;
    }
    message->subscription = subscription == NULL ? NULL : client_subscription_clone(subscription);
    message->kind = kind;
    message->head = head;
    message->body = body;
    message->size = head->size + (body == NULL ? 0 : body->size);
    return message;
}

void outgoing_free(Outgoing *first)
{
    while (first != NULL) {
        Outgoing *next = first->next;
        shared_frame_release(first->head);
        shared_frame_release(first->body);
        if (first->subscription != NULL)
            client_subscription_release(first->subscription);
        memory_free(first);
        first = next;
    }
}

void socket_wake(ApiSocket *socket)
{
    if (socket->pump_is_posted || socket->is_closed)
        return;
    socket->pump_is_posted = true;
    (void)socket_clone(socket);
    loop_post(socket->loop, &socket->pump);
}

void socket_append(ApiSocket *socket, Outgoing *first)
{
    for (Outgoing *at = first; at != NULL; at = at->next) {
        if (socket->last == NULL)
            socket->first = at;
        else
            socket->last->next = at;
        socket->last = at;
        socket->queued_bytes += at->size;
        if (at->subscription != NULL)
            at->subscription->queued[at->kind] += at->size;
        else
            socket->own_bytes += at->size;
    }
    socket->is_too_slow = socket->is_too_slow || socket->own_bytes > SOCKET_OWN_BYTES_MAX;
    socket_wake(socket);
}

bool socket_put(ApiSocket *socket, ApiSubscription *subscription, OutgoingKind kind,
                SharedFrame *head, SharedFrame *body)
{
    Outgoing *message = outgoing_create(subscription, kind, head, body);
    if (message == NULL)
        return false;
    mutex_lock(&socket->mutex);
    bool is_open = !socket->is_closed;
    if (is_open)
        socket_append(socket, message);
    mutex_unlock(&socket->mutex);
    if (!is_open)
        outgoing_free(message);
    return is_open;
}

static void set_broken(ApiSocket *socket)
{
    mutex_lock(&socket->mutex);
    socket->is_broken = true;
    socket_wake(socket);
    mutex_unlock(&socket->mutex);
}

void socket_say(ApiSocket *socket, ApiSubscription *subscription, OutgoingKind kind,
                const Buffer *json)
{
    SharedFrame *frame = json->failed ? NULL : websocket_frame(WEBSOCKET_TEXT, buffer_slice(json));
    if (!socket_put(socket, subscription, kind, frame, NULL))
        set_broken(socket);
}

void put_message(Buffer *out, const char *type, Slice id)
{
    buffer_put_format(out, "{\"type\":\"%s\"", type);
    if (id.data == NULL)
        return;
    buffer_put_text(out, ",\"id\":");
    json_put_string(out, id);
}

/* As the body of an error over HTTP. */
void put_error_message(Buffer *out, Slice id, const Error *error, const StatementPlace *place)
{
    HttpErrorPlace at = error_place(place);
    put_message(out, "error", id);
    if (id.data == NULL)
        buffer_put_text(out, ",\"id\":null");
    buffer_put_text(out, ",\"status\":\"error\",\"error\":");
    http_put_error(out, error, &at);
    buffer_put_u8(out, '}');
}

void socket_say_error(ApiSocket *socket, Slice id, const Error *error)
{
    Buffer json;
    buffer_open(&json, 0);
    put_error_message(&json, id, error, NULL);
    socket_say(socket, NULL, OUTGOING_OWN, &json);
    buffer_close(&json);
}

/* ---- on the loop ---- */

void socket_send_now(ApiSocket *socket, const Buffer *json)
{
    SharedFrame *frame = json->failed ? NULL : websocket_frame(WEBSOCKET_TEXT, buffer_slice(json));
    if (frame != NULL)
        (void)websocket_send(socket->socket, frame);
}

/* Takes messages off the queue, at most `room` bytes and at least one. */
static Outgoing *take_messages(ApiSocket *socket, size_t room)
{
    Outgoing *first = socket->first;
    Outgoing *last = NULL;
    size_t taken = 0;
    for (Outgoing *at = first; at != NULL && (taken == 0 || taken < room); at = at->next) {
        taken += at->size;
        if (at->subscription != NULL)
            at->subscription->queued[at->kind] -= at->size;
        else
            socket->own_bytes -= at->size;
        last = at;
    }
    if (last == NULL)
        return NULL;
    socket->queued_bytes -= taken;
    socket->first = last->next;
    if (socket->first == NULL)
        socket->last = NULL;
    last->next = NULL;
    condition_broadcast(&socket->changed);
    return first;
}

/* The two are one WebSocket frame: where the second is refused, the connection is gone already (the
 * network's limit lies above ours). */
static void send_message(ApiSocket *socket, Outgoing *message)
{
    SharedFrame *head = message->head;
    SharedFrame *body = message->body;
    bool is_last = false;
    message->head = NULL;
    message->body = NULL;
    bool is_sent = websocket_send(socket->socket, head);
    if (body != NULL && is_sent)
        (void)websocket_send(socket->socket, body);
    else
        shared_frame_release(body);
    if (message->kind == OUTGOING_FINAL)
        is_last = client_subscription_finish(message->subscription);
    if (is_last && message->is_killed)
        socket_end(socket, "killed");
}

static bool send_some(ApiSocket *socket, size_t room)
{
    mutex_lock(&socket->mutex);
    Outgoing *messages = socket->is_closed ? NULL : take_messages(socket, room);
    mutex_unlock(&socket->mutex);
    for (Outgoing *at = messages; at != NULL; at = at->next) {
        if (!socket->is_closed) /* written by this thread alone */
            send_message(socket, at);
    }
    outgoing_free(messages);
    return messages != NULL;
}

void socket_send_rest(ApiSocket *socket)
{
    while (send_some(socket, SIZE_MAX))
        ;
}

/* The user's rights changed: where he may not be here any more, he is told and goes. */
static void check_user(ApiSocket *socket)
{
    DatabaseSession session;
    Error error;
    mutex_lock(&socket->mutex);
    socket->wants_check = false;
    session_copy(&session, &socket->session);
    mutex_unlock(&socket->mutex);
    session.expires_us = INT64_MAX; /* that time passes is no change of rights */
    if (database_session_refresh(socket->api->database, &session, &error) != OK)
        socket_end(socket, "permission changed");
}

static void close_with(ApiSocket *socket, const char *reason)
{
    Buffer json;
    buffer_open(&json, 0);
    put_message(&json, "closing", SLICE_EMPTY);
    buffer_put_text(&json, ",\"reason\":");
    json_put_string(&json, slice_of_text(reason));
    buffer_put_u8(&json, '}');
    socket_send_now(socket, &json);
    buffer_close(&json);
    websocket_close(socket->socket, WEBSOCKET_POLICY, slice_of_text(reason));
}

static void look_at_flags(ApiSocket *socket)
{
    mutex_lock(&socket->mutex);
    bool wants_check = socket->wants_check;
    mutex_unlock(&socket->mutex);
    if (wants_check)
        check_user(socket);
    mutex_lock(&socket->mutex);
    bool is_broken = socket->is_broken;
    bool is_too_slow = socket->is_too_slow;
    const char *closing = socket->closing;
    mutex_unlock(&socket->mutex);
    if (is_broken)
        websocket_close(socket->socket, WEBSOCKET_SERVER_ERROR, SLICE("out of memory"));
    else if (is_too_slow)
        close_with(socket, "client too slow");
    else if (closing != NULL)
        close_with(socket, closing);
}

void socket_pump(ApiSocket *socket)
{
    bool goes_on = true;
    while (goes_on && !socket->is_closed && websocket_is_open(socket->socket)) {
        size_t queued = websocket_queued(socket->socket);
        goes_on = queued < SOCKET_SENT_HIGH && send_some(socket, SOCKET_SENT_HIGH - queued);
    }
    if (!socket->is_closed && websocket_is_open(socket->socket))
        look_at_flags(socket);
    if (!socket->is_closed)
        query_start_next(socket);
}

void socket_run_pump(LoopTask *task)
{
    ApiSocket *socket = (ApiSocket *)(void *)((uint8_t *)task - offsetof(ApiSocket, pump));
    mutex_lock(&socket->mutex);
    socket->pump_is_posted = false;
    mutex_unlock(&socket->mutex);
    if (!socket->is_closed)
        socket_pump(socket);
    socket_release(socket);
}
