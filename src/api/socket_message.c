/* What a WebSocket's client may say (spec/protocols.md §2). */
#include "api/socket_int.h"
#include "base/json.h"

/* ---- who it is ---- */

static void put_limits(Buffer *out, const Api *api)
{
    JsonWriter writer;
    json_begin(&writer, out);
    json_open_object(&writer);
    json_key(&writer, "subscriptions");
    json_unsigned(&writer, atomic_load(&api->limits.subscriptions));
    json_key(&writer, "message_bytes");
    json_unsigned(&writer, atomic_load(&api->limits.message_bytes));
    json_key(&writer, "queue_bytes");
    json_unsigned(&writer, atomic_load(&api->limits.queue_bytes));
    json_close_object(&writer);
}

void socket_say_ready(ApiSocket *socket)
{
    const Session *session = &socket->session.session;
    Buffer json;
    buffer_open(&json, 0);
    put_message(&json, "ready", SLICE_EMPTY);
    buffer_put_text(&json, ",\"user\":");
    json_put_string(&json, slice_of_text(session->user_name));
    buffer_put_format(&json, ",\"role\":\"%s\",\"connection_id\":\"%s\",\"limits\":",
                      role_name(session->principal.role), session->id);
    put_limits(&json, socket->api);
    buffer_put_u8(&json, '}');
    socket_say(socket, NULL, OUTGOING_OWN, &json);
    buffer_close(&json);
}

/* A null token is anonymous. A second one is a fresher one of the same user. */
static Status read_session(ApiSocket *socket, const JsonValue *message, DatabaseSession *out,
                           Error *error)
{
    static const char *const names[] = {"type", "token", NULL};
    Database *database = socket->api->database;
    Slice token;
    TRY(request_check_fields(message, names, error));
    TRY(request_text(message, "token", &token, error));
    TRY(token.data == NULL ? database_anonymous(database, out, error)
                           : database_authenticate(database, token, out, error));
    OwnerId user_id = socket->session.session.principal.user_id;
    if (socket->is_authenticated && out->session.principal.user_id != user_id)
        return error_set(error, STATUS_INVALID_AUTHORIZATION,
                         "this connection is another user's: open a new one");
    return OK;
}

static void take_session(ApiSocket *socket, const DatabaseSession *session)
{
    Session *own = &socket->session.session;
    mutex_lock(&socket->mutex);
    Session before = *own;
    session_copy(&socket->session, session);
    memcpy(own->id, before.id, sizeof own->id);
    memcpy(own->client_address, before.client_address, sizeof own->client_address);
    memcpy(own->namespace_name, before.namespace_name, sizeof own->namespace_name);
    memcpy(own->initial_namespace, before.initial_namespace, sizeof own->initial_namespace);
    socket->is_authenticated = true;
    mutex_unlock(&socket->mutex);
}

static void authenticate(ApiSocket *socket, const JsonValue *message)
{
    DatabaseSession session;
    Error error;
    if (read_session(socket, message, &session, &error) == OK) {
        take_session(socket, &session);
        websocket_set_timer(socket->socket, INT64_MAX);
        socket_say_ready(socket);
        return;
    }
    socket_refused(socket->api, socket->socket, &error);
    websocket_close(socket->socket, WEBSOCKET_POLICY, SLICE("not authenticated"));
}

/* ---- the rest ---- */

static void pong(ApiSocket *socket, Slice id)
{
    Buffer json;
    buffer_open(&json, 0);
    put_message(&json, "pong", id);
    buffer_put_u8(&json, '}');
    socket_say(socket, NULL, OUTGOING_OWN, &json);
    buffer_close(&json);
}

static Status read_id(const JsonValue *message, bool is_needed, Slice *out, Error *error)
{
    TRY(request_text(message, "id", out, error));
    if (out->size > API_CLIENT_ID_BYTES_MAX || (is_needed && out->size == 0)) {
        *out = SLICE_EMPTY;
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "\"id\" must be a text of 1 to %d bytes: the client's own name for it",
                         API_CLIENT_ID_BYTES_MAX);
    }
    return OK;
}

static Status refuse_type(const JsonValue *message, Slice type, Error *error)
{
    if (slice_equal_text(type, "consume") || slice_equal_text(type, "ack"))
        return error_set(error, STATUS_NOT_BUILT, "topics are not built yet");
    if (message->kind != JSON_OBJECT || type.data == NULL)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "a message is a JSON object with a \"type\"");
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                     "unknown type \"%.*s\": there are auth, subscribe, next, unsubscribe, query "
                     "and ping",
                     SLICE_ARGUMENTS(slice_part(type, 0, 64)));
}

/* Takes the arena over where it returns OK. */
static Status dispatch(ApiSocket *socket, const JsonValue *message, Slice *id, Arena *arena,
                       bool *takes_arena, Error *error)
{
    Slice type = json_member_text(message, "type", SLICE_EMPTY);
    bool is_ping = slice_equal_text(type, "ping");
    bool is_subscribe = slice_equal_text(type, "subscribe");
    bool is_query = slice_equal_text(type, "query");
    bool is_next = slice_equal_text(type, "next");
    bool is_known =
        is_ping || is_subscribe || is_query || is_next || slice_equal_text(type, "unsubscribe");
    TRY(read_id(message, is_known && !is_ping, id, error));
    if (!is_known)
        return refuse_type(message, type, error);
    *takes_arena = is_subscribe || is_query;
    if (is_ping)
        pong(socket, *id);
    else if (is_subscribe)
        client_subscribe(socket, *id, message, arena);
    else if (is_query)
        query_begin(socket, *id, message, arena);
    else if (is_next)
        client_next(socket, *id);
    else
        client_unsubscribe(socket, *id);
    return OK;
}

static Status handle(ApiSocket *socket, const JsonValue *message, Slice *id, Arena *arena,
                     bool *takes_arena, Error *error)
{
    Slice type = json_member_text(message, "type", SLICE_EMPTY);
    if (slice_equal_text(type, "auth")) {
        authenticate(socket, message);
        return OK;
    }
    if (socket->is_authenticated)
        return dispatch(socket, message, id, arena, takes_arena, error);
    (void)error_set(error, STATUS_INVALID_AUTHORIZATION,
                    "the first message must be {\"type\":\"auth\",\"token\":…}");
    socket_refused(socket->api, socket->socket, error);
    websocket_close(socket->socket, WEBSOCKET_POLICY, SLICE("not authenticated"));
    return OK;
}

static Status read_message(Arena *arena, Slice text, JsonValue **out, Error *error)
{
    Slice copy;
    TRY(arena_clone(arena, text, &copy, error));
    return json_read(arena, copy, API_JSON_DEPTH_MAX, out, error);
}

void socket_message(void *context, WebSocket *websocket, Slice text, bool is_text)
{
    ApiSocket *socket = websocket_user(websocket);
    Slice id = SLICE_EMPTY;
    bool takes_arena = false;
    JsonValue *message;
    Arena arena;
    Error error;
    (void)context;
    if (!is_text) {
        websocket_close(websocket, WEBSOCKET_UNSUPPORTED, SLICE("messages are JSON texts"));
        return;
    }
    atomic_store(&socket->client.active_us, env_wall_us(socket->api->env));
    atomic_fetch_add(&socket->client.requests, 1);
    arena_open(&arena, HTTP_ARENA_BYTES_MAX);
    Status status = read_message(&arena, text, &message, &error);
    if (status == OK)
        status = handle(socket, message, &id, &arena, &takes_arena, &error);
    if (status != OK)
        socket_say_error(socket, id, &error);
    if (!takes_arena)
        arena_close(&arena);
}
