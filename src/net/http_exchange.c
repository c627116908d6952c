#include "base/assert.h"
#include "net/ascii_int.h"
#include "net/http_int.h"

/* ---- what handlers ask ---- */

const HttpRequest *http_request(const HttpExchange *exchange)
{
    return &exchange->request;
}

Slice http_header(const HttpExchange *exchange, const char *name)
{
    return http_head_value(&exchange->head, name);
}

Slice http_parameter(const HttpExchange *exchange, const char *name)
{
    const HttpRequest *request = &exchange->request;
    for (size_t i = 0; i < request->parameter_count; i++) {
        if (slice_equal_text(request->parameters[i].name, name)) {
            Slice value = request->parameters[i].value;
            return value.data == NULL ? SLICE("") : value;
        }
    }
    return SLICE_EMPTY;
}

Arena *http_arena(HttpExchange *exchange)
{
    return &exchange->arena;
}

void http_set_user(HttpExchange *exchange, void *user)
{
    exchange->user = user;
}

void *http_user(const HttpExchange *exchange)
{
    return exchange->user;
}

Loop *http_loop(const HttpExchange *exchange)
{
    return exchange->loop;
}

uint64_t http_connection_id(const HttpExchange *exchange)
{
    return connection_id(exchange->connection);
}

int64_t http_began_ns(const HttpExchange *exchange)
{
    return exchange->began_ns;
}

void http_peer(const HttpExchange *exchange, char out[CONNECTION_ADDRESS_BYTES])
{
    connection_peer(exchange->connection, out);
}

bool http_is_cancelled(const HttpExchange *exchange)
{
    return atomic_load_explicit(&exchange->is_cancelled, memory_order_acquire);
}

/* ---- the pool ---- */

static HttpExchange *pool_take(Loop *loop)
{
    HttpExchange *exchange = loop->free_exchanges;
    if (exchange != NULL) {
        loop->free_exchanges = exchange->next_free;
        loop->free_exchange_count--;
        return exchange;
    }
    exchange = MEMORY_NEW(HttpExchange);
    if (exchange != NULL)
        arena_open(&exchange->arena, HTTP_ARENA_BYTES_MAX);
    return exchange;
}

static void exchange_free(HttpExchange *exchange)
{
    arena_close(&exchange->arena);
    memory_free(exchange);
}

HttpExchange *http_exchange_take(Connection *connection)
{
    Loop *loop = connection->loop;
    HttpExchange *exchange = pool_take(loop);
    if (exchange == NULL)
        return NULL;
    Arena arena = exchange->arena;
    *exchange = (HttpExchange){.arena = arena, .loop = loop, .began_ns = loop->now_ns};
    exchange->connection = connection_clone(connection);
    buffer_open(&exchange->body, 0);
    loop->exchange_count++;
    return exchange;
}

static bool waits_for_resume(HttpExchange *exchange)
{
    HttpStream *stream = exchange->stream;
    if (stream == NULL)
        return false;
    mutex_lock(&stream->mutex);
    bool waits = stream->resume_is_posted;
    mutex_unlock(&stream->mutex);
    return waits;
}

static void tell_finished(HttpExchange *exchange)
{
    const NetHandlers *handlers = &exchange->loop->net->handlers;
    if (exchange->is_given && handlers->http_finished != NULL)
        handlers->http_finished(handlers->context, exchange);
}

void http_exchange_give_back(HttpExchange *exchange)
{
    Loop *loop = exchange->loop;
    ASSERT(exchange->answer == NULL && exchange->answer_body == NULL);
    exchange->is_over = waits_for_resume(exchange);
    if (exchange->is_over)
        return; /* comes again */
    tell_finished(exchange);
    http_stream_close(exchange);
    gzip_reader_close(&exchange->gzip);
    buffer_close(&exchange->body);
    (void)atomic_fetch_sub(&loop->net->body_bytes, exchange->body_counted);
    connection_release(exchange->connection);
    exchange->connection = NULL;
    if (loop->free_exchange_count < EXCHANGE_POOL_MAX) {
        arena_reset(&exchange->arena);
        exchange->next_free = loop->free_exchanges;
        loop->free_exchanges = exchange;
        loop->free_exchange_count++;
    } else {
        exchange_free(exchange);
    }
    ASSERT(loop->exchange_count > 0);
    loop->exchange_count--;
    loop_check_done(loop);
}

void http_exchange_pool_free(Loop *loop)
{
    while (loop->free_exchanges != NULL) {
        HttpExchange *exchange = loop->free_exchanges;
        loop->free_exchanges = exchange->next_free;
        exchange_free(exchange);
    }
    loop->free_exchange_count = 0;
}

void http_exchange_cancel(HttpExchange *exchange)
{
    const NetHandlers *handlers = &exchange->loop->net->handlers;
    bool was_cancelled = atomic_exchange(&exchange->is_cancelled, true);
    if (!was_cancelled && exchange->is_given && handlers->http_cancelled != NULL)
        handlers->http_cancelled(handlers->context, exchange);
}

/* ---- the beginning ---- */

static bool is_request_id(Slice id)
{
    if (id.size == 0 || id.size > HTTP_REQUEST_ID_BYTES_MAX)
        return false;
    for (size_t i = 0; i < id.size; i++) {
        uint8_t c = id.data[i];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && (c == 0 || strchr("-_.:/+=@", c) == NULL))
            return false;
    }
    return true;
}

/* Unlike the others' and in no order that tells anything: the loop's random seed, and a count. */
static Status make_request_id(HttpExchange *exchange, Slice *out, Error *error)
{
    static const char digits[] = "0123456789abcdef";
    Loop *loop = exchange->loop;
    uint64_t value = loop->request_seed + (loop->next_request++ * 0x9e3779b97f4a7c15u);
    uint8_t *text = arena_allocate(&exchange->arena, 16);
    if (text == NULL)
        return arena_error(&exchange->arena, error);
    for (int i = 0; i < 16; i++)
        text[i] = (uint8_t)digits[value >> (60 - 4 * i) & 15];
    *out = slice_of(text, 16);
    return OK;
}

static Status set_request_id(HttpExchange *exchange, Error *error)
{
    Slice given = http_header(exchange, "x-request-id");
    if (!is_request_id(given))
        return make_request_id(exchange, &exchange->request.request_id, error);
    exchange->request.request_id = given;
    return OK;
}

/* ";q=0", "; q=0.000": not wanted at all. */
static bool has_zero_weight(Slice element)
{
    Slice weight = slice_trim(slice_part(element, slice_find(element, ';') + 1, element.size));
    if (!slice_equal_ignoring_case(slice_part(weight, 0, 2), SLICE("q=")))
        return false;
    for (size_t i = 2; i < weight.size; i++) {
        if (weight.data[i] != '0' && weight.data[i] != '.')
            return false;
    }
    return true;
}

static bool accepts_gzip(Slice list)
{
    Slice element;
    while (http_list_next(&list, &element)) {
        Slice name = slice_trim(slice_part(element, 0, slice_find(element, ';')));
        if (slice_equal_ignoring_case(name, SLICE("gzip")))
            return !has_zero_weight(element);
    }
    return false;
}

static Status read_content_encoding(HttpExchange *exchange, Error *error)
{
    Slice encoding = http_header(exchange, "content-encoding");
    if (encoding.size == 0 || slice_equal_ignoring_case(encoding, SLICE("identity")))
        return OK;
    exchange->body_is_gzip = slice_equal_ignoring_case(encoding, SLICE("gzip")) ||
                             slice_equal_ignoring_case(encoding, SLICE("x-gzip"));
    if (exchange->body_is_gzip)
        return OK;
    return error_set(error, STATUS_UNSUPPORTED_MEDIA_TYPE,
                     "the only Content-Encoding understood is \"gzip\"");
}

static void read_origin(HttpExchange *exchange)
{
    Slice origin = http_header(exchange, "origin");
    if (origin.size > 0 && net_configuration_allows_origin(exchange->loop->configuration, origin))
        exchange->cors_origin = origin;
}

/* What RFC 6455, section 4.2.1 wants; the version is checked by its own, to be told. */
static bool is_websocket(const HttpExchange *exchange)
{
    const HttpHead *head = &exchange->head;
    bool upgrades = head->method == HTTP_GET && head->minor_version > 0 && head->wants_upgrade &&
                    http_list_has(http_header(exchange, "upgrade"), "websocket");
    char accept[WEBSOCKET_ACCEPT_BYTES + 1];
    return upgrades && !head->is_chunked && head->length == 0 &&
           slice_equal_text(http_header(exchange, "sec-websocket-version"), "13") &&
           websocket_accept_key(http_header(exchange, "sec-websocket-key"), accept);
}

Status http_exchange_begin(HttpExchange *exchange, Error *error)
{
    HttpRequest *request = &exchange->request;
    const HttpHead *head = &exchange->head;
    HttpParameter *parameters = NULL;
    request->method = head->method;
    request->headers = head->headers;
    request->header_count = head->header_count;
    request->host = head->host;
    read_origin(exchange);
    exchange->accepts_gzip = accepts_gzip(http_header(exchange, "accept-encoding"));
    TRY(set_request_id(exchange, error));
    TRY(http_path_decode(head->path, &exchange->arena, &request->path, error));
    TRY(http_query_decode(head->query, &exchange->arena, &parameters, &request->parameter_count,
                          error));
    request->parameters = parameters;
    if (head->is_chunked || head->length > 0)
        TRY(read_content_encoding(exchange, error));
    request->wants_websocket = head->wants_upgrade && is_websocket(exchange);
    return OK;
}
