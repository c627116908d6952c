/* Who asks: sessions, logins and tokens. */
#include "database/database_int.h"

/* ---- sessions ---- */

void database_connection_id(Database *database, char out[SESSION_ID_BYTES])
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint64_t number = env_random_u64(database->env);
    memcpy(out, "c-", 2);
    for (size_t i = 0; i < 12; i++)
        out[2 + i] = alphabet[number >> (5 * i) & 31];
    out[14] = '\0';
}

static void fill_session(const CatalogUser *user, int64_t expires_us, DatabaseSession *out)
{
    Session *session = &out->session;
    *out = (DatabaseSession){.user_version = user->version, .expires_us = expires_us};
    ASSERT(user->name.size <= USER_NAME_BYTES_MAX);
    memcpy(session->user_name, user->name.data, user->name.size);
    session->principal = (Principal){.user_id = user->id, .role = user->role};
}

/* The names of a principal point into its session, which may have been copied. */
static void point_names(Session *session)
{
    session->principal.name = slice_of_text(session->user_name);
    session->principal.acting_as = session->principal.user_id;
    session->principal.acting_name = session->principal.name;
}

Status database_anonymous(Database *database, DatabaseSession *out, Error *error)
{
    Configuration *configuration = database_configuration(database);
    bool allowed = configuration->auth_anonymous;
    configuration_release(configuration);
    if (!allowed)
        return error_of(error, STATUS_INVALID_AUTHORIZATION);
    *out = (DatabaseSession){.expires_us = INT64_MAX};
    point_names(&out->session);
    return OK;
}

static Status no_such_session(Error *error)
{
    error_set(error, STATUS_INVALID_AUTHORIZATION, "the token is not valid any more");
    error_set_hint(error, "log in again");
    return error->status;
}

Status database_authenticate(Database *database, Slice access_token, DatabaseSession *out,
                             Error *error)
{
    TokenClaims claims;
    TRY(token_verify(database->signer, access_token, env_wall_us(database->env), &claims, error));
    if (claims.is_refresh)
        return error_set(error, STATUS_INVALID_AUTHORIZATION,
                         "a refresh token is not an access token");
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    const CatalogUser *user = catalog_user_by_id(snapshot, claims.user_id);
    bool stands = user != NULL && user->deleted_us == 0 && user->version == claims.user_version;
    if (stands)
        fill_session(user, claims.expires_us, out);
    catalog_snapshot_release(snapshot);
    if (!stands)
        return no_such_session(error);
    point_names(&out->session);
    return OK;
}

Status database_session_as(Database *database, Slice user_name, DatabaseSession *out, Error *error)
{
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    const CatalogUser *user = catalog_find_user(snapshot, user_name);
    if (user != NULL)
        fill_session(user, INT64_MAX, out);
    catalog_snapshot_release(snapshot);
    if (user == NULL)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "user \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(user_name));
    point_names(&out->session);
    return OK;
}

Status database_session_refresh(Database *database, DatabaseSession *session, Error *error)
{
    Principal *principal = &session->session.principal;
    point_names(&session->session);
    if (principal->user_id == 0)
        return OK;
    if (session->expires_us != INT64_MAX && session->expires_us <= env_wall_us(database->env)) {
        error_set(error, STATUS_INVALID_AUTHORIZATION, "the token has expired");
        error_set_hint(error, "refresh it, or log in again");
        return error->status;
    }
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    const CatalogUser *user = catalog_user_by_id(snapshot, principal->user_id);
    bool stands = user != NULL && user->deleted_us == 0 && user->version == session->user_version;
    if (stands)
        principal->role = user->role;
    catalog_snapshot_release(snapshot);
    return stands ? OK : no_such_session(error);
}

/* ---- tokens ---- */

static Status issue(Database *database, const CatalogUser *user, LoginTokens *out, Error *error)
{
    Configuration *configuration = database_configuration(database);
    int64_t now_us = env_wall_us(database->env);
    int64_t access_ttl_us = configuration->auth_access_ttl_ns / 1000;
    TokenClaims claims = {.user_id = user->id,
                          .role = user->role,
                          .user_version = user->version,
                          .expires_us = now_us + access_ttl_us};
    TokenClaims refresh = claims;
    refresh.is_refresh = true;
    refresh.expires_us = now_us + configuration->auth_refresh_ttl_ns / 1000;
    configuration_release(configuration);
    do
        refresh.token_id = env_random_u64(database->env) >> 1; /* a JSON number of any reader */
    while (refresh.token_id == 0);
    out->expires_in_s = access_ttl_us / 1000000;
    out->role = user->role;
    ASSERT(user->name.size <= USER_NAME_BYTES_MAX);
    memcpy(out->user_name, user->name.data, user->name.size);
    out->user_name[user->name.size] = '\0';
    TRY(token_issue(database->signer, &claims, out->access, error));
    return token_issue(database->signer, &refresh, out->refresh, error);
}

static Status login(Database *database, Slice user_name, Slice password, LoginTokens *out,
                    Error *error)
{
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    const CatalogUser *user = catalog_find_user(snapshot, user_name);
    bool has_password = user != NULL && user->verifier.size > 0;
    Status status = OK;
    GO(password_verify(password, has_password ? (const char *)user->verifier.data : NULL, error));
    ASSERT(has_password);
    GO(issue(database, user, out, error));
done:
    catalog_snapshot_release(snapshot);
    return status;
}

Status database_login(Database *database, Slice user_name, Slice password, Slice client_address,
                      LoginTokens *out, Error *error)
{
    Configuration *configuration = database_configuration(database);
    uint32_t failures_max = configuration->limits_failed_logins;
    configuration_release(configuration);
    TRY(check_open(database, error));
    TRY(login_limit_check(database->login_limit, client_address, failures_max, error));
    Status status = login(database, user_name, password, out, error);
    if (status == STATUS_INVALID_PASSWORD) {
        login_limit_failed(database->login_limit, client_address, failures_max);
        LOG_WARN(database->logger, "login_failed", "a login failed",
                 LOG_SLICE("client", client_address));
    }
    return status;
}

static Status verify_refresh(Database *database, Slice token, TokenClaims *out, Error *error)
{
    TRY(token_verify(database->signer, token, env_wall_us(database->env), out, error));
    if (!out->is_refresh)
        return error_set(error, STATUS_INVALID_AUTHORIZATION, "this is not a refresh token");
    return OK;
}

Status database_refresh(Database *database, Slice refresh_token, LoginTokens *out, Error *error)
{
    TokenClaims claims;
    TRY(check_open(database, error));
    TRY(verify_refresh(database, refresh_token, &claims, error));
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    const CatalogUser *user = catalog_user_by_id(snapshot, claims.user_id);
    Status status = OK;
    if (user == NULL || user->deleted_us != 0 || user->version != claims.user_version) {
        status = no_such_session(error);
        goto done;
    }
    GO(token_book_revoke(database->tokens, database->engine, claims.token_id, claims.expires_us,
                         error));
    GO(issue(database, user, out, error));
done:
    catalog_snapshot_release(snapshot);
    return status;
}

Status database_logout(Database *database, Slice refresh_token, Error *error)
{
    TokenClaims claims;
    TRY(check_open(database, error));
    TRY(verify_refresh(database, refresh_token, &claims, error));
    return token_book_revoke(database->tokens, database->engine, claims.token_id, claims.expires_us,
                             error);
}
