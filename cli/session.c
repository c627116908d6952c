#include "cli/session.h"

#include <stdio.h>

#include "base/json.h"
#include "cli/credentials.h"

enum { PARAMETER_DEPTH_MAX = 100, PARAMETER_BYTES_MAX = 64 << 20, LOGIN_BYTES_MAX = 1 << 20 };

static const int64_t SECOND_NS = 1000000000;
static const int64_t TOKEN_SECONDS_MAX = 365 * 86400;

Status session_open(Session *session, Env *env, const Options *options, Error *error)
{
    *session = (Session){.env = env, .options = options};
    buffer_open(&session->password, 0);
    buffer_open(&session->token, SESSION_TOKEN_BYTES_MAX);
    TRY(http_client_open(&session->http, env, options->host, options->port, error));
    if (options->namespace_name == NULL)
        return OK;
    return session_set_namespace(session, slice_of_text(options->namespace_name), error);
}

void session_close(Session *session)
{
    http_client_close(&session->http);
    credentials_wipe(&session->password);
    credentials_wipe(&session->token);
}

Status session_set_namespace(Session *session, Slice name, Error *error)
{
    if (name.size > SESSION_NAMESPACE_BYTES_MAX || memchr(name.data, 0, name.size) != NULL)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "this is no namespace's name");
    memcpy(session->namespace_name, name.data, name.size);
    session->namespace_name[name.size] = '\0';
    return OK;
}

bool session_is_lost(Status status)
{
    return status == STATUS_CONNECTION_FAILURE || status == STATUS_PROTOCOL_VIOLATION ||
           status == STATUS_INVALID_PASSWORD || status == STATUS_INVALID_AUTHORIZATION ||
           status == STATUS_IO_ERROR;
}

/* ---- logging in ---- */

/* The server's error, told as ours. */
static Status refused(const JsonValue *answer, int http_status, Error *error)
{
    const JsonValue *told = json_member(answer, "error");
    Slice message = json_member_text(told, "message", SLICE("the server refused the login"));
    Slice hint = json_member_text(told, "hint", SLICE_EMPTY);
    error_set(error, http_status == 401 ? STATUS_INVALID_PASSWORD : STATUS_INVALID_AUTHORIZATION,
              "%.*s", SLICE_ARGUMENTS(message));
    if (hint.size > 0)
        error_set_hint(error, "%.*s", SLICE_ARGUMENTS(hint));
    return error->status;
}

static Status read_login(Session *session, Arena *arena, const HttpReply *reply, Error *error)
{
    JsonValue *answer;
    Slice body = buffer_slice(&reply->body);
    if (json_read(arena, body, RESPONSE_DEPTH_MAX, &answer, error) != OK)
        return error_set(error, STATUS_PROTOCOL_VIOLATION,
                         "the answer to the login (HTTP %d) is not a Firn server's", reply->status);
    Slice token = json_member_text(answer, "access_token", SLICE_EMPTY);
    Slice role = json_member_text(answer, "role", SLICE_EMPTY);
    if (reply->status != 200 || token.size == 0)
        return refused(answer, reply->status, error);
    int64_t seconds = json_member_integer(answer, "expires_in", 0);
    if (seconds > 0 && seconds <= TOKEN_SECONDS_MAX)
        session->renew_ns = env_monotonic_ns(session->env) + seconds * (SECOND_NS / 2);
    buffer_clear(&session->token);
    buffer_put_slice(&session->token, token);
    (void)snprintf(session->role, sizeof session->role, "%.*s", SLICE_ARGUMENTS(role));
    return buffer_status(&session->token, error);
}

static void put_login(const Session *session, Buffer *out)
{
    JsonWriter writer;
    json_begin(&writer, out);
    json_open_object(&writer);
    json_key(&writer, "user");
    json_text(&writer, session->options->user);
    json_key(&writer, "password");
    json_slice(&writer, buffer_slice(&session->password));
    json_close_object(&writer);
}

static Status log_in_again(Session *session, Error *error)
{
    Status status = OK;
    Arena arena;
    Buffer body;
    HttpReply reply;
    arena_open(&arena, LOGIN_BYTES_MAX);
    buffer_open(&body, LOGIN_BYTES_MAX);
    http_reply_open(&reply);
    put_login(session, &body);
    GO(buffer_status(&body, error));
    GO(http_client_ask(&session->http, "POST", "/v1/auth/login", SLICE_EMPTY, buffer_slice(&body),
                       &reply, error));
    GO(read_login(session, &arena, &reply, error));
done:
    http_reply_close(&reply);
    credentials_wipe(&body);
    arena_close(&arena);
    return status;
}

Status session_log_in(Session *session, Error *error)
{
    const Options *options = session->options;
    if (options->user[0] == '\0') {
        (void)snprintf(session->role, sizeof session->role, "anonymous");
        return http_client_connect(&session->http, error);
    }
    TRY(http_client_connect(&session->http, error)); /* before a password is asked for */
    TRY(credentials_find(options->host, options->port, options->user, &session->password, error));
    return log_in_again(session, error);
}

Status session_renew(Session *session, Error *error)
{
    bool is_old = session->token.size > 0 && env_monotonic_ns(session->env) >= session->renew_ns;
    return is_old ? log_in_again(session, error) : OK;
}

/* ---- statements ---- */

/* What is no UTF-8 cannot be said in JSON; to send something else instead would be worse. */
static Status check_text(Slice text, const char *what, Error *error)
{
    if (slice_is_utf8_text(text))
        return OK;
    return error_set(error, STATUS_CHARACTER_NOT_IN_REPERTOIRE, "the %s is not UTF-8", what);
}

/* JSON as it is, where it is JSON; else a text. */
static Status put_parameter(JsonWriter *writer, Slice text, Error *error)
{
    Arena arena;
    JsonValue *value;
    Error ignored;
    TRY(check_text(text, "parameter", error));
    arena_open(&arena, PARAMETER_BYTES_MAX);
    Status status = json_read(&arena, text, PARAMETER_DEPTH_MAX, &value, &ignored);
    if (status == OK)
        json_raw(writer, slice_trim(text));
    else
        json_slice(writer, text);
    arena_close(&arena);
    return status == STATUS_OUT_OF_MEMORY ? error_out_of_memory(error) : OK;
}

Status session_put_parameters(const Options *options, Buffer *out, Error *error)
{
    JsonWriter writer;
    json_begin(&writer, out);
    json_open_array(&writer);
    for (size_t i = 0; i < options->parameter_count; i++)
        TRY(put_parameter(&writer, slice_of_text(options->parameters[i]), error));
    json_close_array(&writer);
    return buffer_status(out, error);
}

static Status put_request(const Session *session, Slice sql, bool with_parameters, Buffer *out,
                          Error *error)
{
    JsonWriter writer;
    TRY(check_text(sql, "statement", error));
    json_begin(&writer, out);
    json_open_object(&writer);
    json_key(&writer, "sql");
    json_slice(&writer, sql);
    if (with_parameters) {
        json_key(&writer, "params");
        json_before_raw(&writer);
        TRY(session_put_parameters(session->options, out, error));
    }
    if (session->namespace_name[0] != '\0') {
        json_key(&writer, "namespace");
        json_text(&writer, session->namespace_name);
    }
    json_close_object(&writer);
    return buffer_status(out, error);
}

static Status ask(Session *session, Slice body, HttpReply *reply, Error *error)
{
    Status status = http_client_ask(&session->http, "POST", "/v1/sql",
                                    buffer_slice(&session->token), body, reply, error);
    if (status == STATUS_CONNECTION_FAILURE)
        error_set_detail(error, "It is not known whether the statement was carried out.");
    return status;
}

Status session_run(Session *session, Slice sql, bool with_parameters, Arena *arena,
                   HttpReply *reply, Response *out, Error *error)
{
    Status status = OK;
    Buffer body;
    buffer_open(&body, 0);
    GO(put_request(session, sql, with_parameters, &body, error));
    GO(http_client_connect(&session->http, error));
    GO(ask(session, buffer_slice(&body), reply, error));
    if (reply->status == 401 && session->token.size > 0) {
        GO(log_in_again(session, error));
        GO(ask(session, buffer_slice(&body), reply, error));
    }
    GO(response_read(arena, buffer_slice(&reply->body), out, error));
    if (reply->status == 401)
        status = error_set(error, STATUS_INVALID_AUTHORIZATION, "%.*s",
                           SLICE_ARGUMENTS(out->error.message));
done:
    buffer_close(&body);
    return status;
}
