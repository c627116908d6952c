/* Session: a user's conversation with a server over HTTP: log in, run statements.
 *
 * Over HTTP nothing outlives a request but what the session sends with each: the token and the
 * namespace. A token that has expired is replaced by a new login, once, and the statement sent
 * again: the server refused it before looking at it.
 *
 * Threading: one thread. Ownership: options outlive the session. Errors: CONNECTION_FAILURE where
 * the server is not there, INVALID_PASSWORD and INVALID_AUTHORIZATION where it does not know the
 * user, QUERY_CANCELED after Ctrl-C. What a statement did wrong is in its Response, no error here.
 */
#ifndef FIRN_CLI_SESSION_H
#define FIRN_CLI_SESSION_H

#include "cli/http_client.h"
#include "cli/options.h"
#include "cli/response.h"

enum {
    SESSION_NAMESPACE_BYTES_MAX = 64,
    SESSION_TOKEN_BYTES_MAX = 16 << 10,
    SESSION_ARENA_BYTES_MAX = 1 << 30, /* for what is kept of one answer */
};

typedef struct Session {
    Env *env;
    const Options *options;
    HttpClient http;
    Buffer password;
    Buffer token;     /* empty: anonymous */
    int64_t renew_ns; /* env_monotonic_ns from which on the token is better renewed */
    char role[32];
    char namespace_name[SESSION_NAMESPACE_BYTES_MAX + 1]; /* "": none */
} Session;

CHECKED Status session_open(Session *session, Env *env, const Options *options, Error *error);
void session_close(Session *session);

/* Finds the password and logs in; nothing for the anonymous user. */
CHECKED Status session_log_in(Session *session, Error *error);

/* Logs in again where half of the token's time is over: for what will use it for long. */
CHECKED Status session_renew(Session *session, Error *error);

/* INVALID_PARAMETER_VALUE where the name is too long. */
CHECKED Status session_set_namespace(Session *session, Slice name, Error *error);

/* Runs statements. `out` points into `reply` and the arena. */
CHECKED Status session_run(Session *session, Slice sql, bool with_parameters, Arena *arena,
                           HttpReply *reply, Response *out, Error *error);

/* The options' parameters as a JSON array. */
CHECKED Status session_put_parameters(const Options *options, Buffer *out, Error *error);

/* Is it an error of the connection or of who asks, rather than of a statement? */
bool session_is_lost(Status status);

#endif
