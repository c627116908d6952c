/* Which door a request is for. */
#include "api/api_int.h"

typedef struct Route {
    const char *path;
    bool takes_get; /* and HEAD */
    bool takes_post;
    void (*run)(Api *api, HttpExchange *exchange);
} Route;

static const Route routes[] = {
    {"/", true, false, page_request},
    {"/v1/sql", false, true, statement_request},
    {"/v1/ws", true, false, socket_request},
    {"/v1/auth/login", false, true, login_request},
    {"/v1/auth/refresh", false, true, refresh_request},
    {"/v1/auth/logout", false, true, logout_request},
    {"/v1/auth/me", true, false, me_request},
    {"/healthz", true, false, health_request},
    {"/readyz", true, false, ready_request},
    {"/metrics", true, false, metrics_request},
};

/* What the plan has and this server has not: told by name. */
static const struct {
    const char *prefix;
    const char *feature;
} later[] = {
    {"/v1/openapi.json", "the OpenAPI description"},
    {"/ui", "the admin UI"},
    {"/iceberg", "the Iceberg REST catalog"},
    {"/v1/export", "the export of a user's data"},
    {"/v1/topics", "topics"},
};

/* ---- refusals ---- */

static void refuse(HttpExchange *exchange, Status status, const char *format, const char *what)
{
    Error error;
    (void)error_set(&error, status, "%s%s", format, what);
    http_answer_error(exchange, &error);
}

static void refuse_method(HttpExchange *exchange, bool takes_get, bool takes_post)
{
    HttpMethod method = http_request(exchange)->method;
    const char *allowed = takes_get && takes_post ? "GET, HEAD, POST"
                          : takes_get             ? "GET, HEAD"
                                                  : "POST";
    HttpHeader header = {SLICE("Allow"), slice_of_text(allowed)};
    Error error;
    Buffer body;
    (void)error_set(&error, STATUS_METHOD_NOT_ALLOWED, "%s is not allowed here: use %s",
                    http_method_name(method), takes_post ? "POST" : "GET");
    buffer_open(&body, 0);
    http_put_error_body(&body, &error, NULL, 0);
    http_answer(exchange, &(HttpAnswer){.status = 405,
                                        .content_type = "application/json",
                                        .headers = &header,
                                        .header_count = 1,
                                        .body = body.failed ? SLICE_EMPTY : buffer_slice(&body)});
    buffer_close(&body);
}

static bool is_below(Slice path, const char *prefix)
{
    size_t size = strlen(prefix);
    return slice_starts_with(path, slice_of_text(prefix)) &&
           (path.size == size || path.data[size] == '/');
}

static void refuse_path(HttpExchange *exchange, Slice path)
{
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (is_below(path, later[i].prefix)) {
            refuse(exchange, STATUS_NOT_BUILT, later[i].feature, ": not built yet");
            return;
        }
    }
    refuse(exchange, STATUS_NOT_FOUND, "there is nothing at this path", "");
}

/* ---- paths with names in them ---- */

/* /v1/tables/NS.T/rows; the target is what stands between. */
static bool is_load(Slice path, Slice *target)
{
    Slice prefix = SLICE("/v1/tables/");
    Slice suffix = SLICE("/rows");
    if (!slice_starts_with(path, prefix) || path.size <= prefix.size + suffix.size)
        return false;
    Slice rest = slice_part(path, prefix.size, path.size);
    *target = slice_part(rest, 0, rest.size - suffix.size);
    return slice_equal(slice_part(rest, target->size, rest.size), suffix) &&
           slice_find(*target, '/') == target->size;
}

static bool is_job(Slice path, Slice *id)
{
    Slice prefix = SLICE("/v1/jobs/");
    *id = slice_part(path, prefix.size, path.size);
    return slice_starts_with(path, prefix) && id->size > 0 && slice_find(*id, '/') == id->size;
}

/* ---- handlers ---- */

static bool is_get(HttpMethod method)
{
    return method == HTTP_GET || method == HTTP_HEAD;
}

static void run_route(Api *api, HttpExchange *exchange, const Route *route)
{
    HttpMethod method = http_request(exchange)->method;
    if ((route->takes_get && is_get(method)) || (route->takes_post && method == HTTP_POST))
        route->run(api, exchange);
    else
        refuse_method(exchange, route->takes_get, route->takes_post);
}

static const Route *find_route(Slice path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (slice_equal_text(path, routes[i].path))
            return &routes[i];
    }
    return NULL;
}

void route_request(void *context, HttpExchange *exchange)
{
    Api *api = context;
    const HttpRequest *request = http_request(exchange);
    const Route *route = find_route(request->path);
    Slice name;
    if (route != NULL)
        run_route(api, exchange, route);
    else if (is_load(request->path, &name) && request->method == HTTP_POST)
        load_request(api, exchange, name);
    else if (is_load(request->path, &name))
        refuse_method(exchange, false, true);
    else if (is_job(request->path, &name) && is_get(request->method))
        job_request(api, exchange, name);
    else if (is_job(request->path, &name))
        refuse_method(exchange, true, false);
    else
        refuse_path(exchange, request->path);
}

/* Bodies that nobody wants are refused before they come; loads are read as streams. */
void route_head(void *context, HttpExchange *exchange)
{
    Api *api = context;
    const HttpRequest *request = http_request(exchange);
    Slice target;
    if (is_load(request->path, &target) && request->method == HTTP_POST)
        load_head(api, exchange, target);
    else if (find_route(request->path) == NULL && !is_job(request->path, &target))
        refuse_path(exchange, request->path);
}

/* The client went away. */
void route_cancelled(void *context, HttpExchange *exchange)
{
    Api *api = context;
    ApiRequest *request = http_user(exchange);
    if (request != NULL && request->kind != REQUEST_LOGIN)
        database_cancel(api->database, request->session.session.id);
}
