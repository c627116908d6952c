/* JSON Web Tokens as we make them, and no others:
 *     base64url(HEADER) . base64url(PAYLOAD) . base64url(HMAC-SHA-256 of what stands before)
 *     HEADER    {"alg":"HS256","typ":"JWT"}
 *     PAYLOAD   {"sub":"42","role":"user","ver":"7","jti":"9","use":"access","exp":1700000000}
 *               sub: user id; ver: version of the user's record; jti: token id; numbers of 64 bits
 *               as texts, because many readers of JSON would round them; exp: seconds
 *
 * Nothing of a token is looked at before its signature is found right, with the one algorithm there
 * is; the header's own opinion is checked, not followed. */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "auth/auth.h"
#include "auth/base64_int.h"
#include "base/assert.h"
#include "base/json.h"

enum {
    SIGNATURE_BYTES = 32,
    SIGNATURE_CHARACTERS = 43,
    PART_BYTES_MAX = TOKEN_BYTES_MAX / 4 * 3, /* of a decoded header or payload */
    JSON_DEPTH_MAX = 4,
    ARENA_BYTES_MAX = 256 << 10,
    SECONDS_US = 1000000,
};

static const int64_t EXPIRY_SECONDS_MAX = INT64_MAX / SECONDS_US;

static const char header_text[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

/* The key is set once; each signature works on a copy, so that threads share nothing. */
struct TokenSigner {
    EVP_MAC_CTX *keyed;
};

/* ---- signing ---- */

Status token_signer_create(const uint8_t secret[TOKEN_SECRET_BYTES], TokenSigner **out,
                           Error *error)
{
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    TokenSigner *signer = MEMORY_NEW(TokenSigner);
    if (signer == NULL)
        return error_out_of_memory(error);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    signer->keyed = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    if (signer->keyed == NULL ||
        EVP_MAC_init(signer->keyed, secret, TOKEN_SECRET_BYTES, parameters) != 1) {
        token_signer_destroy(signer);
        return error_out_of_memory(error);
    }
    *out = signer;
    return OK;
}

void token_signer_destroy(TokenSigner *signer)
{
    if (signer == NULL)
        return;
    EVP_MAC_CTX_free(signer->keyed); /* wipes the key */
    memory_free(signer);
}

static Status sign(const TokenSigner *signer, Slice text, uint8_t out[SIGNATURE_BYTES],
                   Error *error)
{
    size_t size = 0;
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(signer->keyed);
    bool is_done = context != NULL && EVP_MAC_update(context, text.data, text.size) == 1 &&
                   EVP_MAC_final(context, out, &size, SIGNATURE_BYTES) == 1;
    EVP_MAC_CTX_free(context);
    if (!is_done)
        return error_out_of_memory(error);
    ASSERT(size == SIGNATURE_BYTES);
    return OK;
}

/* ---- issuing ---- */

static char *put_base64(char *at, Slice bytes)
{
    auth_base64_encode(BASE64_URL, bytes, at);
    return at + base64_size(bytes.size);
}

Status token_issue(const TokenSigner *signer, const TokenClaims *claims, char out[TOKEN_BYTES_MAX],
                   Error *error)
{
    char payload[256];
    uint8_t signature[SIGNATURE_BYTES];
    ASSERT(claims->user_id > 0 && claims->expires_us >= 0);
    ASSERT(claims->role >= ROLE_USER && claims->role <= ROLE_SYSTEM);
    int size =
        snprintf(payload, sizeof payload,
                 "{\"sub\":\"%u\",\"role\":\"%s\",\"ver\":\"%llu\",\"jti\":\"%llu\",\"use\":\"%s\","
                 "\"exp\":%lld}",
                 claims->user_id, role_name(claims->role), (unsigned long long)claims->user_version,
                 (unsigned long long)claims->token_id, claims->is_refresh ? "refresh" : "access",
                 (long long)(claims->expires_us / SECONDS_US));
    ASSERT(size > 0 && (size_t)size < sizeof payload);
    char text[TOKEN_BYTES_MAX];
    char *at = put_base64(text, slice_of_text(header_text));
    *at++ = '.';
    at = put_base64(at, slice_of(payload, (size_t)size));
    TRY(sign(signer, slice_of(text, (size_t)(at - text)), signature, error));
    *at++ = '.';
    at = put_base64(at, slice_of(signature, sizeof signature));
    *at++ = '\0';
    memcpy(out, text, (size_t)(at - text));
    return OK;
}

/* ---- verifying ---- */

static Status bad_token(const char *reason, Error *error)
{
    (void)error_set(error, STATUS_INVALID_AUTHORIZATION, "invalid token");
    return error_wrap(error, "%s", reason);
}

typedef struct TokenParts {
    Slice header;
    Slice payload;
    Slice signature;
    Slice is_signed; /* header, dot, payload */
} TokenParts;

static bool split(Slice token, TokenParts *out)
{
    if (token.size >= TOKEN_BYTES_MAX)
        return false;
    size_t first = slice_find(token, '.');
    Slice rest = slice_part(token, first + 1, SIZE_MAX);
    size_t second = slice_find(rest, '.');
    out->header = slice_part(token, 0, first);
    out->payload = slice_part(rest, 0, second);
    out->signature = slice_part(rest, second + 1, SIZE_MAX);
    out->is_signed = slice_part(token, 0, first + 1 + second);
    return out->signature.size == SIGNATURE_CHARACTERS;
}

static Status check_signature(const TokenSigner *signer, const TokenParts *parts, Error *error)
{
    uint8_t wanted[SIGNATURE_BYTES];
    uint8_t given[SIGNATURE_BYTES];
    size_t size;
    if (!auth_base64_decode(BASE64_URL, parts->signature, given, sizeof given, &size) ||
        size != sizeof given)
        return bad_token("the signature is not base64url", error);
    TRY(sign(signer, parts->is_signed, wanted, error));
    bool is_equal = CRYPTO_memcmp(wanted, given, sizeof wanted) == 0;
    OPENSSL_cleanse(wanted, sizeof wanted);
    return is_equal ? OK : bad_token("the signature differs", error);
}

/* A part as a JSON object; its texts are in the arena. */
static Status read_part(Arena *arena, Slice text, const JsonValue **out, Error *error)
{
    size_t size;
    JsonValue *value;
    uint8_t *bytes = arena_allocate(arena, PART_BYTES_MAX);
    if (bytes == NULL)
        return arena_error(arena, error);
    if (!auth_base64_decode(BASE64_URL, text, bytes, PART_BYTES_MAX, &size))
        return bad_token("a part is not base64url", error);
    Status status = json_read(arena, slice_of(bytes, size), JSON_DEPTH_MAX, &value, error);
    if (status == STATUS_OUT_OF_MEMORY)
        return status;
    if (status != OK || value->kind != JSON_OBJECT)
        return bad_token("a part is no JSON object", error);
    *out = value;
    return OK;
}

/* The member that stands there exactly once; NULL where it does not. */
static const JsonValue *member_of(const JsonValue *object, const char *key)
{
    const JsonValue *found = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < object->count; i++) {
        if (!slice_equal_text(object->children[i].key, key))
            continue;
        found = &object->children[i];
        count++;
    }
    return count == 1 ? found : NULL;
}

static Slice text_of(const JsonValue *object, const char *key)
{
    const JsonValue *member = member_of(object, key);
    return member != NULL && member->kind == JSON_STRING ? member->text : SLICE_EMPTY;
}

/* Two members, and no word about keys, addresses or extensions to believe in. */
static bool header_is_ours(const JsonValue *header)
{
    return header->count == 2 && slice_equal_text(text_of(header, "alg"), "HS256") &&
           slice_equal_text(text_of(header, "typ"), "JWT");
}

/* Digits without a sign and without zeros in front. */
static bool unsigned_of(const JsonValue *payload, const char *key, uint64_t most, uint64_t *out)
{
    Slice text = text_of(payload, key);
    uint64_t value = 0;
    if (text.size == 0 || (text.size > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        uint64_t digit = text.data[i] - '0';
        if (value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool use_of(const JsonValue *payload, bool *is_refresh)
{
    Slice use = text_of(payload, "use");
    *is_refresh = slice_equal_text(use, "refresh");
    return *is_refresh || slice_equal_text(use, "access");
}

static bool expiry_of(const JsonValue *payload, int64_t *expires_us)
{
    const JsonValue *expiry = member_of(payload, "exp");
    if (expiry == NULL || expiry->kind != JSON_NUMBER || !expiry->is_integer ||
        expiry->integer < 0 || expiry->integer > EXPIRY_SECONDS_MAX)
        return false;
    *expires_us = expiry->integer * SECONDS_US;
    return true;
}

/* A member that an older server does not know does not make a token invalid: it was signed by us.
 */
static bool claims_of(const JsonValue *payload, TokenClaims *out)
{
    uint64_t user_id;
    TokenClaims claims;
    if (!unsigned_of(payload, "sub", UINT32_MAX, &user_id) || user_id == 0 ||
        !unsigned_of(payload, "ver", UINT64_MAX, &claims.user_version) ||
        !unsigned_of(payload, "jti", UINT64_MAX, &claims.token_id) ||
        !use_of(payload, &claims.is_refresh) || !expiry_of(payload, &claims.expires_us) ||
        !role_from_name(text_of(payload, "role"), &claims.role) || claims.role < ROLE_USER)
        return false;
    claims.user_id = (OwnerId)user_id;
    *out = claims;
    return true;
}

static Status read_claims(Arena *arena, const TokenParts *parts, TokenClaims *out, Error *error)
{
    const JsonValue *header;
    const JsonValue *payload;
    TRY(read_part(arena, parts->header, &header, error));
    if (!header_is_ours(header))
        return bad_token("the header is none of ours", error);
    TRY(read_part(arena, parts->payload, &payload, error));
    if (!claims_of(payload, out))
        return bad_token("a claim is missing or malformed", error);
    return OK;
}

Status token_verify(const TokenSigner *signer, Slice token, int64_t now_us, TokenClaims *out,
                    Error *error)
{
    Arena arena;
    TokenParts parts;
    TokenClaims claims;
    if (!split(token, &parts))
        return bad_token("three parts are wanted", error);
    TRY(check_signature(signer, &parts, error));
    arena_open(&arena, ARENA_BYTES_MAX);
    Status status = read_claims(&arena, &parts, &claims, error);
    arena_close(&arena);
    TRY(status);
    if (now_us >= claims.expires_us)
        return error_set(error, STATUS_INVALID_AUTHORIZATION, "the token has expired");
    *out = claims;
    return OK;
}
