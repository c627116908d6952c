/* Answers: their heads, and how a whole answer goes from whichever thread made it to its
 * connection. Everything that costs (packing, copying) is done by the thread that answers. */
#include "base/assert.h"
#include "net/http_int.h"

enum { FIXED_HEAD_BYTES = 768 }; /* everything in a head whose size does not vary much */

typedef struct StatusText {
    int status;
    const char *text;
} StatusText;

static const char *status_words(int status)
{
    static const StatusText texts[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Header Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].status == status)
            return texts[i].text;
    }
    return "Unknown";
}

/* ---- writing a head ---- */

typedef struct HeadWriter {
    uint8_t *at;
    const uint8_t *end;
} HeadWriter;

static void put(HeadWriter *writer, Slice s)
{
    ASSERT((size_t)(writer->end - writer->at) >= s.size);
    if (s.size > 0)
        memcpy(writer->at, s.data, s.size);
    writer->at += s.size;
}

static void put_number(HeadWriter *writer, uint64_t value)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put(writer, slice_of(digits + at, sizeof digits - at));
}

/* Values may stem from requests: what could end the line is replaced. */
static void put_value(HeadWriter *writer, Slice value)
{
    uint8_t *begin = writer->at;
    put(writer, value);
    for (uint8_t *at = begin; at < writer->at; at++) {
        if (*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
}

static void put_header(HeadWriter *writer, Slice name, Slice value)
{
    put(writer, name);
    put(writer, SLICE(": "));
    put_value(writer, value);
    put(writer, SLICE("\r\n"));
}

static void put_start(HeadWriter *writer, Env *env, int status)
{
    char date[HTTP_DATE_BYTES];
    ASSERT(status >= 100 && status <= 599);
    http_date(env_wall_us(env), date);
    put(writer, SLICE("HTTP/1.1 "));
    put_number(writer, (uint64_t)status);
    put(writer, SLICE(" "));
    put(writer, slice_of_text(status_words(status)));
    put(writer, SLICE("\r\nServer: firn\r\nDate: "));
    put(writer, slice_of(date, sizeof date));
    put(writer, SLICE("\r\n"));
}

static void put_framing(HeadWriter *writer, const HttpAnswerHead *head)
{
    if (head->body_size == BODY_CHUNKED) {
        put(writer, SLICE("Transfer-Encoding: chunked\r\n"));
    } else if (head->body_size != BODY_NONE) {
        put(writer, SLICE("Content-Length: "));
        put_number(writer, (uint64_t)head->body_size);
        put(writer, SLICE("\r\n"));
    }
    if (head->is_gzip)
        put(writer, SLICE("Content-Encoding: gzip\r\n"));
}

static void put_origin(HeadWriter *writer, const HttpExchange *exchange)
{
    put_header(writer, SLICE("Access-Control-Allow-Origin"), exchange->cors_origin);
    put(writer, SLICE("Access-Control-Expose-Headers: X-Request-ID, Retry-After\r\n"));
}

static size_t head_bytes_max(const HttpExchange *exchange, const HttpAnswer *answer)
{
    size_t size = FIXED_HEAD_BYTES + exchange->request.request_id.size + exchange->cors_origin.size;
    if (answer->content_type != NULL)
        size += strlen(answer->content_type);
    for (size_t i = 0; i < answer->header_count; i++)
        size += answer->headers[i].name.size + answer->headers[i].value.size + 4;
    return size;
}

/* Will the connection be of use after this answer? */
static bool must_close(const HttpExchange *exchange)
{
    bool body_is_settled =
        atomic_load_explicit(&exchange->body_is_complete, memory_order_acquire) ||
        atomic_load_explicit(&exchange->can_discard, memory_order_relaxed);
    return !exchange->head.keep_alive || !body_is_settled ||
           atomic_load_explicit(&exchange->loop->net->is_stopping, memory_order_relaxed);
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

/* Would it be packed for a client that takes gzip? */
static bool is_packable(const HttpAnswer *answer)
{
    return !answer->is_packed && !has_no_body(answer->status) && answer->frame == NULL &&
           answer->body.size >= HTTP_GZIP_BYTES_MIN;
}

static void put_head(HeadWriter *writer, const HttpExchange *exchange, const HttpAnswerHead *head)
{
    const HttpAnswer *answer = head->answer;
    put_start(writer, exchange->loop->env, answer->status);
    put_header(writer, SLICE("X-Request-ID"), exchange->request.request_id);
    if (answer->content_type != NULL)
        put_header(writer, SLICE("Content-Type"), slice_of_text(answer->content_type));
    put_framing(writer, head);
    bool varies_by_origin = exchange->cors_origin.size > 0;
    if (varies_by_origin)
        put_origin(writer, exchange);
    if (head->body_size == BODY_CHUNKED ? !answer->is_packed : is_packable(answer))
        put(writer, varies_by_origin ? SLICE("Vary: Accept-Encoding, Origin\r\n")
                                     : SLICE("Vary: Accept-Encoding\r\n"));
    else if (varies_by_origin)
        put(writer, SLICE("Vary: Origin\r\n"));
    for (size_t i = 0; i < answer->header_count; i++)
        put_header(writer, answer->headers[i].name, answer->headers[i].value);
    if (exchange->says_close)
        put(writer, SLICE("Connection: close\r\n"));
    put(writer, SLICE("\r\n"));
}

SharedFrame *http_answer_frame(HttpExchange *exchange, const HttpAnswerHead *head, uint8_t **body)
{
    size_t room = head_bytes_max(exchange, head->answer);
    SharedFrame *frame = shared_frame_create(room + head->inline_size);
    if (frame == NULL)
        return NULL;
    exchange->says_close = exchange->says_close || must_close(exchange);
    HeadWriter writer = {frame->data, frame->data + room};
    put_head(&writer, exchange, head);
    *body = writer.at;
    frame->size = (size_t)(writer.at - frame->data) + head->inline_size;
    return frame;
}

/* ---- whole answers ---- */

static bool is_head(const HttpExchange *exchange)
{
    return exchange->head.method == HTTP_HEAD;
}

/* Packs the body; false where that failed, and the body goes as it is. */
static bool pack(Slice body, Buffer *out)
{
    GzipWriter writer;
    Error error;
    if (body.size > UINT32_MAX || gzip_writer_open(&writer, body.size, &error) != OK)
        return false;
    Status status = gzip_writer_put(&writer, body, true, out, &error);
    gzip_writer_close(&writer);
    return status == OK && out->size < body.size;
}

static SharedFrame *encode_inline(HttpExchange *exchange, const HttpAnswer *answer, Slice body,
                                  bool is_gzip)
{
    HttpAnswerHead head = {.answer = answer, .body_size = (int64_t)body.size, .is_gzip = is_gzip};
    if (has_no_body(answer->status))
        head.body_size = BODY_NONE;
    else if (!is_head(exchange))
        head.inline_size = body.size;
    uint8_t *at = NULL;
    SharedFrame *frame = http_answer_frame(exchange, &head, &at);
    if (frame != NULL && head.inline_size > 0)
        memcpy(at, body.data, head.inline_size);
    return frame;
}

static void encode_frame(HttpExchange *exchange, const HttpAnswer *answer)
{
    HttpAnswerHead head = {.answer = answer, .body_size = (int64_t)answer->frame->size};
    uint8_t *at = NULL;
    exchange->answer = http_answer_frame(exchange, &head, &at);
    if (is_head(exchange) || exchange->answer == NULL)
        shared_frame_release(answer->frame);
    else
        exchange->answer_body = answer->frame;
}

static void encode(HttpExchange *exchange, const HttpAnswer *answer)
{
    if (answer->frame != NULL) {
        ASSERT(!has_no_body(answer->status));
        encode_frame(exchange, answer);
        return;
    }
    Buffer packed;
    buffer_open(&packed, 0);
    bool is_gzip = exchange->accepts_gzip && is_packable(answer) && pack(answer->body, &packed);
    exchange->answer =
        encode_inline(exchange, answer, is_gzip ? buffer_slice(&packed) : answer->body, is_gzip);
    buffer_close(&packed);
}

static HttpExchange *exchange_of(LoopTask *task)
{
    return (HttpExchange *)(void *)((uint8_t *)task - offsetof(HttpExchange, task));
}

/* On the loop: the answer goes to the connection. */
static void deliver(LoopTask *task)
{
    HttpExchange *exchange = exchange_of(task);
    SharedFrame *head = exchange->answer;
    SharedFrame *body = exchange->answer_body;
    exchange->answer = NULL;
    exchange->answer_body = NULL;
    if (exchange->is_detached) {
        shared_frame_release(head);
        shared_frame_release(body);
    } else if (head == NULL) {
        shared_frame_release(body);
        connection_abort(exchange->connection); /* no memory for an answer */
    } else {
        bool sent = connection_send(exchange->connection, head);
        if (body != NULL && sent)
            (void)connection_send(exchange->connection, body);
        else
            shared_frame_release(body);
    }
    http_codec_finish(exchange);
}

void http_answer(HttpExchange *exchange, const HttpAnswer *answer)
{
    ASSERT(exchange->stream == NULL || !exchange->stream->is_begun);
    encode(exchange, answer);
    exchange->task.run = deliver;
    if (loop_is_current(exchange->loop))
        deliver(&exchange->task);
    else
        loop_post(exchange->loop, &exchange->task);
}

/* ---- errors ---- */

static size_t error_headers(int status, HttpHeader headers[1])
{
    if (status == 401)
        headers[0] = (HttpHeader){SLICE("WWW-Authenticate"), SLICE("Bearer")};
    else if (status == 429 || status == 503)
        headers[0] = (HttpHeader){SLICE("Retry-After"), SLICE("1")};
    else
        return 0;
    return 1;
}

void http_answer_error(HttpExchange *exchange, const Error *error)
{
    HttpHeader headers[1];
    HttpAnswer answer = {.status = http_refusal_status(error->status),
                         .content_type = "application/json",
                         .headers = headers};
    if (error->status == STATUS_FEATURE_NOT_SUPPORTED)
        answer.status = status_http(error->status); /* 417 is the protocol's only */
    answer.header_count = error_headers(answer.status, headers);
    Buffer body;
    buffer_open(&body, 0);
    int64_t took_ns = env_monotonic_ns(exchange->loop->env) - exchange->began_ns;
    http_put_error_body(&body, error, NULL, took_ns);
    answer.body = buffer_slice(&body); /* less of it where memory ran out: the status stands */
    if (body.failed)
        answer.body = SLICE_EMPTY;
    http_answer(exchange, &answer);
    buffer_close(&body);
}

SharedFrame *http_refusal_frame(Env *env, const Error *error)
{
    HttpHeader headers[1];
    int status = http_refusal_status(error->status);
    size_t header_count = error_headers(status, headers);
    SharedFrame *frame = NULL;
    Buffer body;
    buffer_open(&body, 0);
    http_put_error_body(&body, error, NULL, 0);
    if (!body.failed)
        frame = shared_frame_create(FIXED_HEAD_BYTES + body.size);
    if (frame != NULL) {
        HeadWriter writer = {frame->data, frame->data + FIXED_HEAD_BYTES + body.size};
        put_start(&writer, env, status);
        put(&writer, SLICE("Content-Type: application/json\r\nConnection: close\r\n"));
        for (size_t i = 0; i < header_count; i++)
            put_header(&writer, headers[i].name, headers[i].value);
        put_framing(&writer, &(HttpAnswerHead){.body_size = (int64_t)body.size});
        put(&writer, SLICE("\r\n"));
        put(&writer, buffer_slice(&body));
        frame->size = (size_t)(writer.at - frame->data);
    }
    buffer_close(&body);
    return frame;
}
