/* Who asks: from the Authorization header to a session.
 *
 * Verifying a token is cheap, but not for nothing: each loop remembers the sessions of the tokens
 * it saw last. What is remembered is who logged in; whether he still may, database_session_refresh
 * asks the catalog at every statement. */
#include <stdio.h>

#include "api/api_int.h"
#include "base/hash.h"

typedef struct CachedToken {
    Slice token; /* our own copy; empty: a free place */
    DatabaseSession session;
} CachedToken;

struct TokenCache {
    CachedToken places[API_TOKENS_CACHED]; /* by hash: a newcomer takes the place */
};

static Slice own_name(const DatabaseSession *session, Slice name)
{
    return slice_of(session->session.user_name, name.size);
}

void session_copy(DatabaseSession *out, const DatabaseSession *session)
{
    const Principal *principal = &session->session.principal;
    bool is_own = principal->acting_name.data == (const uint8_t *)session->session.user_name;
    *out = *session;
    out->session.principal.name = own_name(out, principal->name);
    if (is_own)
        out->session.principal.acting_name = own_name(out, principal->acting_name);
}

/* A number that says nothing about how many there were, in the form of the catalog's ids. */
void session_set_connection(Api *api, uint64_t connection, Session *session)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint64_t value = (connection + api->connection_seed) * UINT64_C(0x9e3779b97f4a7c15);
    value ^= value >> 32;
    session->id[0] = 'c';
    session->id[1] = '-';
    for (int i = 0; i < 12; i++)
        session->id[2 + i] = digits[value >> (59 - 5 * i) & 31];
    session->id[14] = '\0';
}

/* ---- the cache ---- */

static CachedToken *place_of(Api *api, HttpExchange *exchange, Slice token)
{
    uint32_t number = loop_number(http_loop(exchange));
    if (api->tokens[number] == NULL)
        api->tokens[number] = MEMORY_NEW(TokenCache);
    if (api->tokens[number] == NULL)
        return NULL;
    return &api->tokens[number]->places[hash_64(token) % API_TOKENS_CACHED];
}

static void remember(CachedToken *place, Slice token, const DatabaseSession *session)
{
    uint8_t *copy = memory_clone(token.data, token.size);
    if (copy == NULL)
        return; /* it is verified again then */
    memory_free((void *)(uintptr_t)place->token.data);
    place->token = slice_of(copy, token.size);
    session_copy(&place->session, session);
}

void token_caches_free(Api *api)
{
    for (size_t i = 0; i < NET_LOOPS_MAX; i++) {
        TokenCache *cache = api->tokens[i];
        for (size_t j = 0; cache != NULL && j < API_TOKENS_CACHED; j++)
            memory_free((void *)(uintptr_t)cache->places[j].token.data);
        memory_free(cache);
    }
}

static Status session_of_token(Api *api, HttpExchange *exchange, Slice token, DatabaseSession *out,
                               Error *error)
{
    CachedToken *place = place_of(api, exchange, token);
    if (place != NULL && place->token.size > 0 && slice_equal(place->token, token)) {
        session_copy(out, &place->session);
        return OK;
    }
    TRY(database_authenticate(api->database, token, out, error));
    if (place != NULL && token.size > 0)
        remember(place, token, out);
    return OK;
}

Status session_of_request(Api *api, HttpExchange *exchange, DatabaseSession *out, Error *error)
{
    Slice header = http_header(exchange, "authorization");
    Slice scheme = slice_part(header, 0, 7);
    if (header.data == NULL)
        return database_anonymous(api->database, out, error);
    if (!slice_equal_ignoring_case(scheme, SLICE("Bearer ")))
        return error_set(error, STATUS_INVALID_AUTHORIZATION,
                         "the Authorization header must be \"Bearer \" and an access token");
    return session_of_token(api, exchange, slice_trim(slice_part(header, 7, header.size)), out,
                            error);
}
