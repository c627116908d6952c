#include "net/websocket.h"

#include "base/assert.h"
#include "net/http_int.h"

struct WebSocket {
    Connection *connection; /* a reference */
    void *user;
    _Atomic uint32_t references;
    WebSocketReader reader;
    int64_t heard_ns;  /* when the client last sent anything */
    int64_t timer_ns;  /* INT64_MAX: not set */
    int64_t window_ns; /* when the present second of the rate limit began */
    uint32_t window_messages;
    uint16_t close_code; /* the client's */
    bool is_closing;     /* our close frame is queued: nothing may follow it */
    bool was_pinged;     /* since heard_ns */
    bool is_paused;
    bool was_above_low; /* websocket_drained is owed when the queue falls */
};

static const ConnectionProtocol websocket_protocol;

static const int64_t SECOND_NS = 1000000000;

/* ---- references and questions ---- */

WebSocket *websocket_clone(WebSocket *socket)
{
    uint32_t before = atomic_fetch_add_explicit(&socket->references, 1, memory_order_relaxed);
    ASSERT(before > 0);
    return socket;
}

void websocket_release(WebSocket *socket)
{
    uint32_t before = atomic_fetch_sub_explicit(&socket->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    connection_release(socket->connection);
    memory_free(socket);
}

void *websocket_user(const WebSocket *socket)
{
    return socket->user;
}

Loop *websocket_loop(const WebSocket *socket)
{
    return connection_loop(socket->connection);
}

uint64_t websocket_connection_id(const WebSocket *socket)
{
    return connection_id(socket->connection);
}

void websocket_peer(const WebSocket *socket, char out[CONNECTION_ADDRESS_BYTES])
{
    connection_peer(socket->connection, out);
}

size_t websocket_queued(const WebSocket *socket)
{
    return connection_queued(socket->connection);
}

bool websocket_is_open(const WebSocket *socket)
{
    return !socket->is_closing && connection_is_open(socket->connection);
}

static const NetLimits *limits_of(const WebSocket *socket)
{
    return &socket->connection->loop->configuration->limits;
}

static const NetHandlers *handlers_of(const WebSocket *socket)
{
    return &socket->connection->loop->net->handlers;
}

/* ---- deadlines: silence, and the handler's timer ---- */

/* A paused socket cannot be heard, so its silence means nothing. */
static int64_t silence_deadline(const WebSocket *socket)
{
    int64_t timeout_ns = limits_of(socket)->silence_timeout_ns;
    if (socket->is_paused && !socket->is_closing)
        return INT64_MAX;
    bool waits_whole = socket->was_pinged || socket->is_closing;
    return socket->heard_ns + (waits_whole ? timeout_ns : timeout_ns / 2);
}

static void set_deadline(WebSocket *socket)
{
    int64_t deadline_ns = silence_deadline(socket);
    if (socket->timer_ns < deadline_ns)
        deadline_ns = socket->timer_ns;
    connection_set_deadline(socket->connection, deadline_ns);
}

void websocket_set_timer(WebSocket *socket, int64_t deadline_ns)
{
    socket->timer_ns = deadline_ns;
    if (connection_is_open(socket->connection))
        set_deadline(socket);
}

/* ---- sending ---- */

SharedFrame *websocket_frame(WebSocketOpcode opcode, Slice payload)
{
    uint8_t header[WEBSOCKET_HEADER_BYTES_MAX];
    size_t header_size = websocket_put_header(header, opcode, payload.size);
    SharedFrame *frame = shared_frame_create(header_size + payload.size);
    if (frame == NULL)
        return NULL;
    memcpy(frame->data, header, header_size);
    if (payload.size > 0)
        memcpy(frame->data + header_size, payload.data, payload.size);
    return frame;
}

/* Control frames pass the limit: they are small, and few. */
static bool send_frame(WebSocket *socket, SharedFrame *frame)
{
    if (frame == NULL) {
        connection_abort(socket->connection); /* no memory for what the protocol demands */
        return false;
    }
    return connection_send(socket->connection, frame);
}

bool websocket_send(WebSocket *socket, SharedFrame *frame)
{
    Connection *connection = socket->connection;
    ASSERT(loop_is_current(connection->loop));
    if (!websocket_is_open(socket) ||
        connection_queued(connection) >= limits_of(socket)->output_bytes_max) {
        shared_frame_release(frame);
        return false;
    }
    counter_add(&connection->loop->counters.messages_out, 1);
    bool sent = connection_send(connection, frame);
    if (sent && connection_queued(connection) >= CONNECTION_OUTPUT_LOW)
        socket->was_above_low = true;
    return sent;
}

typedef struct PostedFrame {
    LoopTask task;
    WebSocket *socket; /* a reference */
    SharedFrame *frame;
} PostedFrame;

static void send_posted(LoopTask *task)
{
    PostedFrame *posted = (PostedFrame *)(void *)task;
    (void)websocket_send(posted->socket, posted->frame);
    websocket_release(posted->socket);
    memory_free(posted);
}

bool websocket_post(WebSocket *socket, SharedFrame *frame)
{
    PostedFrame *posted = MEMORY_NEW(PostedFrame);
    if (posted == NULL) {
        shared_frame_release(frame);
        return false;
    }
    *posted = (PostedFrame){{.run = send_posted}, websocket_clone(socket), frame};
    loop_post(connection_loop(socket->connection), &posted->task);
    return true;
}

void websocket_close(WebSocket *socket, uint16_t code, Slice reason)
{
    uint8_t payload[WEBSOCKET_CONTROL_BYTES_MAX];
    if (!websocket_is_open(socket))
        return;
    size_t size = websocket_put_close(payload, code, reason);
    socket->is_closing = true;
    if (!send_frame(socket, websocket_frame(WEBSOCKET_CLOSE, slice_of(payload, size))))
        return;
    socket->heard_ns = socket->connection->loop->now_ns; /* the client's close must come in time */
    set_deadline(socket);
    websocket_resume(socket);
}

/* ---- back-pressure ---- */

void websocket_pause(WebSocket *socket)
{
    if (!websocket_is_open(socket))
        return;
    socket->is_paused = true;
    connection_pause(socket->connection);
    set_deadline(socket);
}

void websocket_resume(WebSocket *socket)
{
    Connection *connection = socket->connection;
    if (!socket->is_paused || !connection_is_open(connection))
        return;
    socket->is_paused = false;
    socket->was_pinged = false;
    socket->heard_ns = connection->loop->now_ns;
    connection_resume(connection);
    set_deadline(socket);
    connection_process_input(connection);
}

/* ---- what the client sends ---- */

/* The client broke a rule. The handler may still say why in a message. */
static void refuse(WebSocket *socket, uint16_t code, Status status, Slice why)
{
    const NetHandlers *handlers = handlers_of(socket);
    Error error;
    (void)error_set(&error, status, "%.*s", SLICE_ARGUMENTS(why));
    if (handlers->websocket_refused != NULL)
        handlers->websocket_refused(handlers->context, socket, &error);
    websocket_close(socket, code, why);
}

static void refuse_event(WebSocket *socket, const WebSocketEvent *event)
{
    Status status = event->code == WEBSOCKET_TOO_BIG    ? STATUS_PAYLOAD_TOO_LARGE
                    : event->code == WEBSOCKET_BAD_TEXT ? STATUS_CHARACTER_NOT_IN_REPERTOIRE
                                                        : STATUS_PROTOCOL_VIOLATION;
    refuse(socket, event->code, status, event->payload);
}

/* As many messages a second as allowed, counted in seconds that begin with a message. */
static bool is_within_rate(WebSocket *socket)
{
    uint32_t limit = limits_of(socket)->messages_per_second;
    int64_t now_ns = socket->connection->loop->now_ns;
    if (now_ns - socket->window_ns >= SECOND_NS) {
        socket->window_ns = now_ns;
        socket->window_messages = 0;
    }
    socket->window_messages++;
    return limit == 0 || socket->window_messages <= limit;
}

static void handle_message(WebSocket *socket, const WebSocketEvent *event)
{
    const NetHandlers *handlers = handlers_of(socket);
    counter_add(&socket->connection->loop->counters.messages_in, 1);
    if (handlers->websocket_message != NULL)
        handlers->websocket_message(handlers->context, socket, event->payload, event->is_text);
}

/* Answers the client's close by its own code, once, and ends. */
static void handle_close(WebSocket *socket, const WebSocketEvent *event)
{
    Connection *connection = socket->connection;
    socket->close_code = event->code;
    if (!socket->is_closing)
        websocket_close(socket, event->code == WEBSOCKET_NO_CODE ? WEBSOCKET_NORMAL : event->code,
                        SLICE_EMPTY);
    connection_close_gently(connection);
}

static bool is_counted(const WebSocketEvent *event)
{
    return event->kind == WEBSOCKET_EVENT_MESSAGE || event->kind == WEBSOCKET_EVENT_PING;
}

static void handle_event(WebSocket *socket, const WebSocketEvent *event)
{
    if (is_counted(event) && !is_within_rate(socket)) {
        refuse(socket, WEBSOCKET_POLICY, STATUS_TOO_MANY_REQUESTS, SLICE("too many messages"));
        return;
    }
    switch (event->kind) {
    case WEBSOCKET_EVENT_MESSAGE:
        handle_message(socket, event);
        return;
    case WEBSOCKET_EVENT_PING:
        (void)send_frame(socket, websocket_frame(WEBSOCKET_PONG, event->payload));
        return;
    case WEBSOCKET_EVENT_FAIL:
        refuse_event(socket, event);
        return;
    case WEBSOCKET_EVENT_CLOSE:
        handle_close(socket, event);
        return;
    case WEBSOCKET_EVENT_NONE:
    case WEBSOCKET_EVENT_PONG:
        return;
    }
}

/* Behind our close frame only the client's is of interest; behind a broken rule nothing is. */
static bool takes_event(const WebSocket *socket, const WebSocketEvent *event)
{
    return !socket->is_closing || event->kind == WEBSOCKET_EVENT_CLOSE;
}

/* One event; false where nothing more is to be read now. */
static bool read_event(WebSocket *socket, uint8_t *data, size_t size, size_t *used)
{
    WebSocketEvent event;
    Error error;
    if (socket->reader.has_failed) {
        *used = size; /* thrown away until the client closes */
        return false;
    }
    if (websocket_reader_next(&socket->reader, data, size, used, &event, &error) != OK) {
        websocket_close(socket, WEBSOCKET_SERVER_ERROR, SLICE("out of memory"));
        connection_close_gently(socket->connection);
        return false;
    }
    if (takes_event(socket, &event))
        handle_event(socket, &event);
    return true;
}

static size_t on_input(Connection *connection, uint8_t *data, size_t size)
{
    WebSocket *socket = websocket_clone(connection->state);
    size_t used = 0;
    if (!socket->is_closing)
        socket->heard_ns = connection->loop->now_ns;
    socket->was_pinged = false;
    for (bool goes_on = true; goes_on && used < size;) {
        size_t step = 0;
        goes_on = !socket->is_paused && connection->state == socket &&
                  read_event(socket, data + used, size - used, &step);
        used += step;
    }
    if (connection->state == socket)
        set_deadline(socket);
    websocket_release(socket);
    return used;
}

/* ---- what else happens to the connection ---- */

static void on_end(Connection *connection)
{
    if (connection_peer_ended(connection) || connection_unused_input(connection) == 0)
        connection_abort(connection);
}

static void on_output(Connection *connection)
{
    WebSocket *socket = websocket_clone(connection->state);
    const NetHandlers *handlers = handlers_of(socket);
    bool has_fallen =
        socket->was_above_low && connection_queued(connection) < CONNECTION_OUTPUT_LOW;
    if (socket->was_above_low && !socket->is_closing) {
        socket->heard_ns = connection->loop->now_ns; /* it reads: it lives, though unheard */
        set_deadline(socket);
    }
    if (has_fallen) {
        socket->was_above_low = false;
        if (handlers->websocket_drained != NULL && !socket->is_closing)
            handlers->websocket_drained(handlers->context, socket);
    }
    websocket_release(socket);
}

static void run_timer(WebSocket *socket)
{
    const NetHandlers *handlers = handlers_of(socket);
    socket->timer_ns = INT64_MAX;
    if (handlers->websocket_timer != NULL)
        handlers->websocket_timer(handlers->context, socket);
}

/* A ping for the first half of the time, the end for the second. */
static void check_silence(WebSocket *socket)
{
    if (silence_deadline(socket) > socket->connection->loop->now_ns)
        return;
    if (socket->is_closing || socket->was_pinged) {
        connection_close_gently(socket->connection);
        return;
    }
    socket->was_pinged = true;
    (void)send_frame(socket, websocket_frame(WEBSOCKET_PING, SLICE_EMPTY));
}

static void on_deadline(Connection *connection)
{
    WebSocket *socket = websocket_clone(connection->state);
    if (socket->timer_ns <= connection->loop->now_ns)
        run_timer(socket);
    if (connection->state == socket)
        check_silence(socket);
    if (connection->state == socket)
        set_deadline(socket);
    websocket_release(socket);
}

static void on_stop(Connection *connection)
{
    WebSocket *socket = websocket_clone(connection->state);
    const NetHandlers *handlers = handlers_of(socket);
    if (handlers->websocket_stopping != NULL)
        handlers->websocket_stopping(handlers->context, socket);
    websocket_close(socket, WEBSOCKET_GOING_AWAY, SLICE("the server stops"));
    websocket_release(socket);
}

static void on_closed(Connection *connection)
{
    WebSocket *socket = connection->state;
    const NetHandlers *handlers = handlers_of(socket);
    counter_add(&connection->loop->counters.websockets, -1);
    socket->is_closing = true;
    if (handlers->websocket_closed != NULL)
        handlers->websocket_closed(handlers->context, socket, socket->close_code);
    websocket_reader_close(&socket->reader);
    websocket_release(socket);
}

static const ConnectionProtocol websocket_protocol = {
    .name = "websocket",
    .on_input = on_input,
    .on_end = on_end,
    .on_output = on_output,
    .on_deadline = on_deadline,
    .on_stop = on_stop,
    .on_closed = on_closed,
};

/* ---- the handshake ---- */

static SharedFrame *handshake_frame(HttpExchange *exchange)
{
    char accept[WEBSOCKET_ACCEPT_BYTES + 1];
    if (!websocket_accept_key(http_header(exchange, "sec-websocket-key"), accept))
        return NULL;
    HttpHeader headers[] = {
        {SLICE("Upgrade"), SLICE("websocket")},
        {SLICE("Connection"), SLICE("Upgrade")},
        {SLICE("Sec-WebSocket-Accept"), slice_of(accept, WEBSOCKET_ACCEPT_BYTES)},
    };
    HttpAnswer answer = {.status = 101, .headers = headers, .header_count = 3};
    HttpAnswerHead head = {.answer = &answer, .body_size = BODY_NONE};
    uint8_t *body = NULL;
    exchange->head.keep_alive = true; /* "Connection" is said already */
    return http_answer_frame(exchange, &head, &body);
}

static WebSocket *create(Connection *connection, void *user)
{
    const NetLimits *limits = &connection->loop->configuration->limits;
    WebSocket *socket = MEMORY_NEW(WebSocket);
    if (socket == NULL)
        return NULL;
    atomic_init(&socket->references, 1);
    socket->connection = connection_clone(connection);
    socket->user = user;
    socket->heard_ns = connection->loop->now_ns;
    socket->timer_ns = INT64_MAX;
    socket->close_code = WEBSOCKET_ABNORMAL;
    websocket_reader_open(&socket->reader, true, limits->message_bytes_max);
    return socket;
}

static void refuse_handshake(HttpExchange *exchange, Status status)
{
    Error error;
    (void)error_of(&error, status);
    http_answer_error(exchange, &error);
}

/* The handshake is queued first: where that fails, the connection is closed as HTTP's. */
static bool send_handshake(HttpExchange *exchange)
{
    SharedFrame *frame = handshake_frame(exchange);
    if (frame == NULL || exchange->says_close) {
        shared_frame_release(frame);
        refuse_handshake(exchange, frame == NULL ? STATUS_OUT_OF_MEMORY : STATUS_SHUTTING_DOWN);
        return false;
    }
    if (connection_send(exchange->connection, frame))
        return true;
    http_codec_finish(exchange);
    return false;
}

WebSocket *websocket_accept(HttpExchange *exchange, void *user)
{
    Connection *connection = exchange->connection;
    ASSERT(exchange->request.wants_websocket && connection->is_processing);
    WebSocket *socket = create(connection, user);
    if (socket == NULL) {
        refuse_handshake(exchange, STATUS_OUT_OF_MEMORY);
        return NULL;
    }
    if (!send_handshake(exchange)) {
        websocket_release(socket);
        return NULL;
    }
    http_codec_leave(exchange);
    connection_set_protocol(connection, &websocket_protocol, socket);
    counter_add(&connection->loop->counters.websockets, 1);
    set_deadline(socket);
    return socket;
}
