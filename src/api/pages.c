/* What needs no statement: the first page, health, metrics. */
#include "api/api_int.h"

static const char page[] =
    "<!doctype html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Firn</title>\n"
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:46em;margin:3em auto;padding:0 1em}"
    "pre{background:#f3f4f6;padding:1em;overflow-x:auto}code{font-size:14px}</style></head><body>\n"
    "<h1>Firn</h1>\n"
    "<p>This is a Firn server: a SQL database whose fresh rows are durable, readable and pushed "
    "live at once, and settle into Parquet files of Apache Iceberg tables that other engines read. "
    "One port serves HTTP and WebSocket.</p>\n"
    "<h2>First lines</h2>\n"
    "<p>The password of <code>root</code> was printed at the first start, and is kept in "
    "<code>root-password</code> in the data directory until it is changed.</p>\n"
    "<pre>TOKEN=$(curl -s http://HOST/v1/auth/login -d '{\"user\":\"root\",\"password\":\"…\"}' |\n"
    "  sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\n"
    "curl -s http://HOST/v1/sql -H \"Authorization: Bearer $TOKEN\" -d '{\"sql\":\n"
    "  \"CREATE NAMESPACE chat; CREATE TABLE chat.messages (id BIGINT PRIMARY KEY, body "
    "TEXT)\"}'\n\n"
    "curl -s http://HOST/v1/sql -H \"Authorization: Bearer $TOKEN\" -d '{\"sql\":\n"
    "  \"INSERT INTO chat.messages VALUES ($1, $2)\", \"params\": [1, \"hello\"]}'\n\n"
    "curl -s http://HOST/v1/sql -H \"Authorization: Bearer $TOKEN\" -d '{\"sql\":\n"
    "  \"SELECT * FROM chat.messages\"}'</pre>\n"
    "<p>Live, over a WebSocket at <code>ws://HOST/v1/ws</code>:</p>\n"
    "<pre>{\"type\":\"auth\",\"token\":\"…\"}\n"
    "{\"type\":\"subscribe\",\"id\":\"a\",\"sql\":\"SELECT * FROM chat.messages\"}</pre>\n"
    "<p>The shell: <code>firn -U root</code>, and in it <code>\\live SELECT * FROM "
    "chat.messages</code>.</p>\n"
    "<p><a href=\"/healthz\">/healthz</a> · <a href=\"/readyz\">/readyz</a> · "
    "<a href=\"/metrics\">/metrics</a> (loopback, or with a token)</p>\n"
    "</body></html>\n";

/* Could this stand in a page as it is? What a client calls us is not to be trusted. */
static bool is_plain_host(Slice host)
{
    for (size_t i = 0; i < host.size; i++) {
        uint8_t c = host.data[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':' || c == '[' ||
                        c == ']';
        if (!is_plain)
            return false;
    }
    return host.size > 0;
}

static void put_page(Buffer *out, Slice host)
{
    Slice rest = slice_of_text(page);
    for (size_t i = 0; i < rest.size;) {
        if (slice_starts_with(slice_part(rest, i, 4), SLICE("HOST"))) {
            buffer_put_slice(out, host);
            i += 4;
        } else {
            buffer_put_u8(out, rest.data[i]);
            i++;
        }
    }
}

static void answer_text(HttpExchange *exchange, int status, const char *type, const Buffer *body)
{
    Error error;
    if (buffer_status(body, &error) == OK)
        http_answer(
            exchange,
            &(HttpAnswer){.status = status, .content_type = type, .body = buffer_slice(body)});
    else
        http_answer_error(exchange, &error);
}

void page_request(Api *api, HttpExchange *exchange)
{
    Slice host = http_request(exchange)->host;
    Buffer body;
    (void)api;
    buffer_open(&body, 0);
    put_page(&body, is_plain_host(host) ? host : SLICE("127.0.0.1:7700"));
    answer_text(exchange, 200, "text/html; charset=utf-8", &body);
    buffer_close(&body);
}

/* ---- health ---- */

void health_request(Api *api, HttpExchange *exchange)
{
    (void)api;
    answer_json(exchange, 200, SLICE("{\"status\":\"up\"}\n"));
}

void ready_request(Api *api, HttpExchange *exchange)
{
    Error error;
    if (database_check_ready(api->database, &error) == OK)
        answer_json(exchange, 200, SLICE("{\"status\":\"ready\"}\n"));
    else
        http_answer_error(exchange, &error);
}

/* ---- metrics ---- */

static bool is_loopback(HttpExchange *exchange)
{
    char address[CONNECTION_ADDRESS_BYTES];
    http_peer(exchange, address);
    Slice peer = slice_of_text(address);
    return slice_starts_with(peer, SLICE("127.")) || slice_starts_with(peer, SLICE("[::1]")) ||
           slice_starts_with(peer, SLICE("[::ffff:127."));
}

static Status check_reader(Api *api, HttpExchange *exchange, Error *error)
{
    DatabaseSession session;
    if (is_loopback(exchange))
        return OK;
    TRY(session_of_request(api, exchange, &session, error));
    TRY(database_session_refresh(api->database, &session, error));
    if (session.session.principal.role == ROLE_ANONYMOUS)
        return error_set(error, STATUS_INVALID_AUTHORIZATION,
                         "metrics are for this machine, or for who has a token");
    return OK;
}

void metrics_request(Api *api, HttpExchange *exchange)
{
    Error error;
    Buffer body;
    if (check_reader(api, exchange, &error) != OK) {
        http_answer_error(exchange, &error);
        return;
    }
    buffer_open(&body, 0);
    api_refresh_metrics(api);
    metrics_put_prometheus(database_metrics(api->database), &body);
    answer_text(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
    buffer_close(&body);
}
