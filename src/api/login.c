/* /v1/auth: logging in, refreshing, logging out, and who one is. */
#include "api/api_int.h"
#include "api/request.h"

typedef enum LoginKind { LOGIN_PASSWORD, LOGIN_REFRESH, LOGIN_LOGOUT } LoginKind;

/* In the exchange's arena. */
typedef struct LoginCall {
    ApiRequest request; /* the first member */
    DatabaseTask task;
    LoginKind kind;
    Slice user;
    Slice password;
    Slice token;
    LoginTokens tokens;
} LoginCall;

/* ---- answers ---- */

/* Tokens are not for caches. */
static void answer_private(HttpExchange *exchange, Slice body)
{
    HttpHeader header = {SLICE("Cache-Control"), SLICE("no-store")};
    http_answer(exchange, &(HttpAnswer){.status = 200,
                                        .content_type = "application/json",
                                        .headers = &header,
                                        .header_count = 1,
                                        .body = body,
                                        .is_packed = true});
}

static void put_tokens(Buffer *out, const LoginTokens *tokens)
{
    JsonWriter writer;
    json_begin(&writer, out);
    json_open_object(&writer);
    json_key(&writer, "access_token");
    json_text(&writer, tokens->access);
    json_key(&writer, "refresh_token");
    json_text(&writer, tokens->refresh);
    json_key(&writer, "token_type");
    json_text(&writer, "Bearer");
    json_key(&writer, "expires_in");
    json_integer(&writer, tokens->expires_in_s);
    json_key(&writer, "user");
    json_text(&writer, tokens->user_name);
    json_key(&writer, "role");
    json_text(&writer, role_name(tokens->role));
    json_close_object(&writer);
    buffer_put_u8(out, '\n');
}

static void answer(LoginCall *call)
{
    HttpExchange *exchange = call->request.exchange;
    Buffer body;
    Error error;
    buffer_open(&body, 0);
    if (call->kind == LOGIN_LOGOUT)
        buffer_put_text(&body, "{\"status\":\"success\"}\n");
    else
        put_tokens(&body, &call->tokens);
    if (buffer_status(&body, &error) == OK)
        answer_private(exchange, buffer_slice(&body));
    else
        http_answer_error(exchange, &error);
    buffer_close(&body);
}

/* ---- on a statement thread: a password takes 20 ms, a revocation a sync ---- */

static Status run_call(LoginCall *call, Error *error)
{
    Database *database = call->request.api->database;
    switch (call->kind) {
    case LOGIN_PASSWORD:
        return database_login(database, call->user, call->password,
                              slice_of_text(call->request.session.session.client_address),
                              &call->tokens, error);
    case LOGIN_REFRESH:
        return database_refresh(database, call->token, &call->tokens, error);
    case LOGIN_LOGOUT:
        return database_logout(database, call->token, error);
    }
    UNREACHABLE();
}

static void run(DatabaseTask *task)
{
    LoginCall *call = (LoginCall *)(void *)((uint8_t *)task - offsetof(LoginCall, task));
    Error error;
    if (run_call(call, &error) == OK)
        answer(call);
    else
        http_answer_error(call->request.exchange, &error);
}

/* ---- on the loop ---- */

static Status read_password(LoginCall *call, const JsonValue *object, Error *error)
{
    static const char *const names[] = {"user", "password", NULL};
    TRY(request_check_fields(object, names, error));
    TRY(request_text(object, "user", &call->user, error));
    TRY(request_text(object, "password", &call->password, error));
    if (call->user.data == NULL || call->password.data == NULL)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "{\"user\": …, \"password\": …} is expected");
    return OK;
}

static Status read_token(LoginCall *call, const JsonValue *object, Error *error)
{
    static const char *const names[] = {"refresh_token", NULL};
    TRY(request_check_fields(object, names, error));
    TRY(request_text(object, "refresh_token", &call->token, error));
    if (call->token.data == NULL)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "{\"refresh_token\": …} is expected");
    return OK;
}

/* An address without its port: what failures are counted by. */
static void client_host(HttpExchange *exchange, char out[CONNECTION_ADDRESS_BYTES])
{
    http_peer(exchange, out);
    char *colon = strrchr(out, ':');
    if (colon != NULL)
        *colon = '\0';
}

static Status begin(LoginCall *call, Error *error)
{
    HttpExchange *exchange = call->request.exchange;
    JsonValue *object;
    TRY(json_read(http_arena(exchange), http_request(exchange)->body, API_JSON_DEPTH_MAX, &object,
                  error));
    TRY(call->kind == LOGIN_PASSWORD ? read_password(call, object, error)
                                     : read_token(call, object, error));
    client_host(exchange, call->request.session.session.client_address);
    call->task.run = run;
    return database_submit(call->request.api->database, THREADS_STATEMENTS, &call->task, error);
}

static void serve(Api *api, HttpExchange *exchange, LoginKind kind)
{
    LoginCall *call =
        (LoginCall *)(void *)request_create(api, exchange, REQUEST_LOGIN, sizeof *call);
    Error error;
    if (call == NULL)
        return;
    call->kind = kind;
    if (begin(call, &error) != OK)
        http_answer_error(exchange, &error);
}

void login_request(Api *api, HttpExchange *exchange)
{
    serve(api, exchange, LOGIN_PASSWORD);
}

void refresh_request(Api *api, HttpExchange *exchange)
{
    serve(api, exchange, LOGIN_REFRESH);
}

void logout_request(Api *api, HttpExchange *exchange)
{
    serve(api, exchange, LOGIN_LOGOUT);
}

/* ---- who one is ---- */

static Status put_me(Api *api, HttpExchange *exchange, Buffer *out, Error *error)
{
    DatabaseSession session;
    JsonWriter writer;
    TRY(session_of_request(api, exchange, &session, error));
    TRY(database_session_refresh(api->database, &session, error));
    json_begin(&writer, out);
    json_open_object(&writer);
    json_key(&writer, "user");
    json_text(&writer, session.session.user_name);
    json_key(&writer, "role");
    json_text(&writer, role_name(session.session.principal.role));
    json_key(&writer, "expires_in");
    if (session.expires_us == INT64_MAX)
        json_null(&writer);
    else
        json_integer(&writer, (session.expires_us - env_wall_us(api->env)) / 1000000);
    json_close_object(&writer);
    buffer_put_u8(out, '\n');
    return buffer_status(out, error);
}

void me_request(Api *api, HttpExchange *exchange)
{
    Buffer body;
    Error error;
    buffer_open(&body, 0);
    if (put_me(api, exchange, &body, &error) == OK)
        answer_private(exchange, buffer_slice(&body));
    else
        http_answer_error(exchange, &error);
    buffer_close(&body);
}
