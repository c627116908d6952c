/* HTTP/1.1 on a connection. One request at a time:
 *
 *     READS_HEAD ──head whole──▶ READS_BODY ──body whole──▶ ANSWERS ──answer queued──▶ READS_HEAD
 *          └────────────no body────────────────────────────────▲
 * An answer may come while the body is still read (a stream's, or one given at the head): what is
 * left of a short body is skipped, after a longer one the connection is closed. What the client
 * sends ahead of its answers waits, at most one read of it. */
#include "base/assert.h"
#include "net/http_int.h"

HttpCodec *http_codec_of(Connection *connection)
{
    bool is_http = connection_is_open(connection) && connection->protocol == &http_protocol;
    return is_http ? connection->state : NULL;
}

bool http_codec_attach(Connection *connection)
{
    HttpCodec *codec = MEMORY_NEW(HttpCodec);
    if (codec == NULL)
        return false;
    codec->connection = connection;
    connection_set_protocol(connection, &http_protocol, codec);
    return true;
}

static const NetLimits *limits_of(const HttpCodec *codec)
{
    return &codec->connection->loop->configuration->limits;
}

/* ---- deadlines ---- */

/* A body may take a grace time, and then must come at a rate. */
static int64_t body_deadline(const HttpCodec *codec)
{
    int64_t seconds = (int64_t)(codec->body_received / HTTP_BODY_RATE_MIN);
    return codec->body_began_ns + limits_of(codec)->idle_timeout_ns + seconds * 1000000000;
}

void http_codec_set_deadline(HttpCodec *codec)
{
    Connection *connection = codec->connection;
    const NetLimits *limits = limits_of(codec);
    int64_t now_ns = connection->loop->now_ns;
    int64_t deadline_ns = INT64_MAX; /* the handler's time is its own */
    if (connection_queued(connection) > 0)
        deadline_ns = now_ns + limits->idle_timeout_ns; /* moved by each bit of progress */
    else if (codec->state == HTTP_READS_HEAD && codec->head_began_ns == 0)
        deadline_ns = now_ns + limits->idle_timeout_ns;
    else if (codec->state == HTTP_READS_HEAD)
        deadline_ns = codec->head_began_ns + limits->header_timeout_ns;
    else if (codec->state == HTTP_READS_BODY && connection->paused == 0)
        deadline_ns = body_deadline(codec);
    connection_set_deadline(connection, deadline_ns);
}

/* ---- refusals ---- */

void http_codec_refuse(HttpCodec *codec, const Error *error)
{
    Connection *connection = codec->connection;
    counter_add(&connection->loop->counters.requests_refused, 1);
    SharedFrame *frame = http_refusal_frame(connection->loop->env, error);
    if (frame != NULL)
        (void)connection_send(connection, frame);
    connection_close_gently(connection);
}

/* The refusal of a request whose head was understood carries its id and origin. */
void http_codec_refuse_exchange(HttpCodec *codec, const Error *error)
{
    counter_add(&codec->connection->loop->counters.requests_refused, 1);
    codec->is_owned = true;
    codec->exchange->says_close = true;
    http_answer_error(codec->exchange, error);
}

/* ---- giving requests to the handlers ---- */

static void give_request(HttpCodec *codec)
{
    const NetHandlers *handlers = &codec->connection->loop->net->handlers;
    codec->is_owned = true;
    codec->exchange->is_given = true;
    handlers->http_request(handlers->context, codec->exchange);
}

/* The body is there. */
static void end_body(HttpCodec *codec)
{
    HttpExchange *exchange = codec->exchange;
    Error error;
    codec->state = HTTP_ANSWERS;
    atomic_store_explicit(&exchange->body_is_complete, true, memory_order_release);
    Status status = http_body_settle(exchange, &error); /* a stream's reader may answer now */
    if (codec->is_owned)
        return;
    if (status == OK)
        give_request(codec);
    else
        http_codec_refuse_exchange(codec, &error);
}

static void answer_preflight(HttpCodec *codec)
{
    HttpHeader headers[] = {
        {SLICE("Access-Control-Allow-Methods"), SLICE("GET, HEAD, POST, PUT, PATCH, DELETE")},
        {SLICE("Access-Control-Allow-Headers"),
         SLICE("Authorization, Content-Type, Content-Encoding, Accept, X-Request-ID")},
        {SLICE("Access-Control-Max-Age"), SLICE("600")},
    };
    HttpAnswer answer = {
        .status = 204, .headers = headers, .header_count = sizeof headers / sizeof headers[0]};
    codec->is_owned = true;
    http_answer(codec->exchange, &answer);
}

/* A browser's question whether it may send a request. Who is not allowed gets no headers that say
 * so, and no reason. */
static bool is_preflight(const HttpExchange *exchange)
{
    return exchange->head.method == HTTP_OPTIONS && exchange->cors_origin.size > 0 &&
           http_header(exchange, "access-control-request-method").size > 0;
}

static void refuse_websocket(HttpCodec *codec)
{
    HttpHeader version = {SLICE("Sec-WebSocket-Version"), SLICE("13")};
    HttpAnswer answer = {.status = 426, .headers = &version, .header_count = 1};
    codec->is_owned = true;
    http_answer(codec->exchange, &answer);
}

static bool has_other_websocket_version(const HttpExchange *exchange)
{
    Slice version = http_header(exchange, "sec-websocket-version");
    return exchange->head.wants_upgrade && version.size > 0 && !slice_equal_text(version, "13");
}

/* ---- heads ---- */

static void begin_body(HttpCodec *codec)
{
    const HttpHead *head = &codec->exchange->head;
    codec->state = HTTP_READS_BODY;
    codec->body_is_chunked = head->is_chunked;
    codec->chunked = (HttpChunked){0};
    codec->body_left = head->length;
    codec->body_began_ns = codec->connection->loop->now_ns;
    codec->body_received = 0;
    codec->exchange->can_discard =
        !head->is_chunked && !head->expects_continue && head->length <= HTTP_DISCARD_BYTES_MAX;
}

static bool send_continue(HttpCodec *codec)
{
    SharedFrame *frame = shared_frame_copy(SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
    if (frame == NULL) {
        connection_abort(codec->connection);
        return false;
    }
    return connection_send(codec->connection, frame);
}

/* True where the exchange is still unanswered after a handler was called. */
static bool is_pending(Connection *connection, const HttpExchange *exchange)
{
    HttpCodec *codec = http_codec_of(connection);
    return codec != NULL && codec->exchange == exchange;
}

static void start_body(HttpCodec *codec)
{
    Connection *connection = codec->connection;
    HttpExchange *exchange = codec->exchange;
    const NetHandlers *handlers = &connection->loop->net->handlers;
    Error error;
    begin_body(codec);
    codec->is_owned = true; /* it may answer */
    if (handlers->http_head != NULL)
        handlers->http_head(handlers->context, exchange);
    if (!is_pending(connection, exchange))
        return;
    codec->is_owned = false;
    if (!exchange->body_is_streamed && exchange->head.length > limits_of(codec)->body_bytes_max) {
        (void)error_set(&error, STATUS_PAYLOAD_TOO_LARGE, "the body is larger than %zu bytes",
                        limits_of(codec)->body_bytes_max);
        http_codec_refuse_exchange(codec, &error);
        return;
    }
    if (exchange->body_is_streamed)
        give_request(codec);
    if (is_pending(connection, exchange) && exchange->head.expects_continue)
        (void)send_continue(codec);
}

static void start_request(HttpCodec *codec)
{
    HttpExchange *exchange = codec->exchange;
    Error error;
    counter_add(&exchange->loop->counters.requests, 1);
    if (http_exchange_begin(exchange, &error) != OK) {
        http_codec_refuse_exchange(codec, &error);
    } else if (exchange->head.is_chunked || exchange->head.length > 0) {
        start_body(codec);
    } else {
        codec->state = HTTP_ANSWERS;
        atomic_store_explicit(&exchange->body_is_complete, true, memory_order_relaxed);
        if (is_preflight(exchange))
            answer_preflight(codec);
        else if (has_other_websocket_version(exchange))
            refuse_websocket(codec);
        else
            give_request(codec);
    }
}

/* Copies the head into the exchange's arena: it must outlive the input. */
static Status parse_head(HttpExchange *exchange, Slice text, Error *error)
{
    Slice copy;
    TRY(arena_clone(&exchange->arena, text, &copy, error));
    return http_head_parse(copy, &exchange->arena, &exchange->head, error);
}

static void take_head(HttpCodec *codec, Slice text)
{
    Error error;
    HttpExchange *exchange = http_exchange_take(codec->connection);
    if (exchange == NULL) {
        (void)error_out_of_memory(&error);
        http_codec_refuse(codec, &error);
        return;
    }
    if (parse_head(exchange, text, &error) != OK) {
        http_exchange_give_back(exchange);
        http_codec_refuse(codec, &error);
        return;
    }
    codec->exchange = exchange;
    codec->is_owned = false;
    start_request(codec);
}

static Status find_head(HttpCodec *codec, Slice input, size_t *end, Error *error)
{
    size_t limit = limits_of(codec)->header_bytes_max;
    TRY(http_head_find_end(input, &codec->scanned, end, error));
    size_t size = *end > 0 ? *end : input.size;
    if (size <= limit)
        return OK;
    return error_set(error, STATUS_HEADER_TOO_LARGE, "the request's head is larger than %zu bytes",
                     limit);
}

static size_t read_head(HttpCodec *codec, Slice input)
{
    Connection *connection = codec->connection;
    size_t end = 0;
    Error error;
    if (connection_queued(connection) > CONNECTION_OUTPUT_HIGH)
        return 0; /* goes on when the client has read its answers */
    if (codec->head_began_ns == 0)
        codec->head_began_ns = connection->loop->now_ns;
    if (find_head(codec, input, &end, &error) != OK) {
        http_codec_refuse(codec, &error);
        return input.size;
    }
    if (end > 0)
        take_head(codec, slice_part(input, 0, end));
    return end;
}

/* ---- input ---- */

static void begin_next(HttpCodec *codec);

static size_t read_body(HttpCodec *codec, Slice input)
{
    Connection *connection = codec->connection;
    HttpExchange *exchange = codec->exchange;
    size_t used = http_body_take(codec, input);
    if (!is_pending(connection, exchange) || !http_body_is_done(codec))
        return used;
    if (exchange == NULL)
        begin_next(codec); /* nobody wanted it */
    else
        end_body(codec);
    return used;
}

static size_t step(HttpCodec *codec, Slice input)
{
    switch (codec->state) {
    case HTTP_READS_HEAD:
        return read_head(codec, input);
    case HTTP_READS_BODY:
        return read_body(codec, input);
    case HTTP_ANSWERS:
        connection_pause(codec->connection); /* the next request came early: it waits */
        return 0;
    }
    UNREACHABLE();
}

static size_t on_input(Connection *connection, uint8_t *data, size_t size)
{
    size_t used = 0;
    HttpCodec *codec = connection->state;
    while (used < size && codec != NULL) {
        size_t taken = step(codec, slice_of(data + used, size - used));
        used += taken;
        codec = http_codec_of(connection);
        if (taken == 0)
            break;
    }
    if (codec != NULL)
        http_codec_set_deadline(codec);
    return used;
}

/* ---- the end of an exchange ---- */

static bool is_idle(const HttpCodec *codec)
{
    return codec->state == HTTP_READS_HEAD;
}

/* Takes what waits in the input, and closes where nothing more can come of it. */
static void go_on(Connection *connection)
{
    connection_process_input(connection);
    HttpCodec *codec = http_codec_of(connection);
    bool is_over = connection_peer_ended(connection) || connection->loop->phase != LOOP_RUNNING;
    if (codec != NULL && is_over && is_idle(codec) && !connection->is_processing &&
        connection_queued(connection) <= CONNECTION_OUTPUT_HIGH)
        connection_close_gently(connection);
}

/* The request was answered and its body is over: the next one. */
static void begin_next(HttpCodec *codec)
{
    codec->state = HTTP_READS_HEAD;
    codec->scanned = 0;
    codec->head_began_ns = 0;
    connection_resume(codec->connection);
    http_codec_set_deadline(codec);
    go_on(codec->connection);
}

/* The answer is out before the body is in: what is left of it is nobody's. */
static void skip_rest(HttpCodec *codec)
{
    connection_resume(codec->connection);
    http_codec_set_deadline(codec);
    connection_process_input(codec->connection);
}

void http_codec_finish(HttpExchange *exchange)
{
    Connection *connection = exchange->connection;
    bool closes = exchange->says_close;
    HttpCodec *codec = exchange->is_detached ? NULL : http_codec_of(connection);
    if (codec == NULL) {
        http_exchange_give_back(exchange);
        return;
    }
    ASSERT(codec->exchange == exchange);
    codec->exchange = NULL;
    (void)connection_clone(connection);
    http_exchange_give_back(exchange);
    if (closes)
        connection_close_gently(connection);
    else if (codec->state == HTTP_ANSWERS)
        begin_next(codec);
    else
        skip_rest(codec);
    connection_release(connection);
}

void http_codec_leave(HttpExchange *exchange)
{
    HttpCodec *codec = http_codec_of(exchange->connection);
    ASSERT(codec != NULL && codec->exchange == exchange);
    connection_set_protocol(exchange->connection, NULL, NULL);
    memory_free(codec);
    http_exchange_give_back(exchange);
}

/* ---- what else happens to the connection ---- */

static void on_end(Connection *connection)
{
    HttpCodec *codec = connection->state;
    bool has_input = connection_unused_input(connection) > 0;
    if (codec->state == HTTP_ANSWERS) {
        if (!has_input)
            http_exchange_cancel(codec->exchange); /* the answer is sent all the same */
    } else if (!connection_peer_ended(connection)) {
        return; /* there is more to read */
    } else if (is_idle(codec)) {
        go_on(connection);
    } else {
        connection_abort(connection); /* half a body */
    }
}

static void on_output(Connection *connection)
{
    HttpCodec *codec = connection->state;
    if (codec->exchange != NULL && codec->exchange->seen_stream != NULL)
        http_stream_on_output(codec->exchange);
    codec = http_codec_of(connection);
    if (codec == NULL)
        return;
    http_codec_set_deadline(codec);
    if (is_idle(codec))
        go_on(connection);
}

static void on_deadline(Connection *connection)
{
    HttpCodec *codec = connection->state;
    Error error;
    bool is_late_head = is_idle(codec) && codec->head_began_ns != 0;
    bool is_late_body = codec->state == HTTP_READS_BODY && codec->exchange != NULL;
    if (connection_queued(connection) > 0) {
        connection_abort(connection); /* the client does not read */
    } else if (is_late_body && codec->is_owned) {
        (void)error_set(&error, STATUS_REQUEST_TIMEOUT, "the body did not come in time");
        connection_pause(connection);
        http_body_stream_fail(codec->exchange, &error);
    } else if (is_late_body) {
        (void)error_set(&error, STATUS_REQUEST_TIMEOUT, "the body did not come in time");
        http_codec_refuse_exchange(codec, &error);
    } else if (is_late_head) {
        (void)error_set(&error, STATUS_REQUEST_TIMEOUT, "the request did not come in time");
        http_codec_refuse(codec, &error);
    } else {
        connection_close_gently(connection);
    }
}

/* Requests under way are still answered; their answers close the connection. */
static void on_stop(Connection *connection)
{
    HttpCodec *codec = connection->state;
    bool is_silent = is_idle(codec) && connection_queued(connection) == 0;
    if (is_silent && connection_unused_input(connection) == 0)
        connection_abort(connection); /* nothing that could be lost */
    else if (is_idle(codec) || codec->exchange == NULL)
        connection_close_gently(connection);
}

static void on_closed(Connection *connection)
{
    HttpCodec *codec = connection->state;
    HttpExchange *exchange = codec->exchange;
    bool is_owned = codec->is_owned;
    memory_free(codec);
    if (exchange == NULL)
        return;
    exchange->is_detached = true;
    if (!is_owned) {
        http_exchange_give_back(exchange);
        return;
    }
    if (exchange->seen_stream != NULL)
        http_stream_on_closed(exchange);
    http_exchange_cancel(exchange);
}

const ConnectionProtocol http_protocol = {
    .name = "http",
    .on_input = on_input,
    .on_end = on_end,
    .on_output = on_output,
    .on_deadline = on_deadline,
    .on_stop = on_stop,
    .on_closed = on_closed,
};
