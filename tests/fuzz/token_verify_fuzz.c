/* Token verification against any bytes: as a token, which none of them can be, and as header and
 * payload under a right signature, behind which the parsers lie. What is taken can be issued again
 * and means the same. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth/auth.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PART_BYTES_MAX = 700 };

static const uint8_t secret[TOKEN_SECRET_BYTES] = "fuzz";

static TokenSigner *open_signer(void)
{
    Error error;
    TokenSigner *signer = NULL;
    ASSERT(token_signer_create(secret, &signer, &error) == OK);
    return signer;
}

/* Base64url by OpenSSL's base64. Returns how many characters. */
static size_t put_base64(Slice bytes, char *out)
{
    size_t size = (size_t)EVP_EncodeBlock((uint8_t *)out, bytes.data, (int)bytes.size);
    while (size > 0 && out[size - 1] == '=')
        size--;
    for (size_t i = 0; i < size; i++) {
        if (out[i] == '+')
            out[i] = '-';
        else if (out[i] == '/')
            out[i] = '_';
    }
    return size;
}

static Slice forge(Slice header, Slice payload, char out[4 * PART_BYTES_MAX])
{
    uint8_t signature[32];
    unsigned size = sizeof signature;
    size_t end = put_base64(header, out);
    out[end++] = '.';
    end += put_base64(payload, out + end);
    ASSERT(HMAC(EVP_sha256(), secret, sizeof secret, (const uint8_t *)out, end, signature, &size) !=
           NULL);
    out[end++] = '.';
    end += put_base64(slice_of(signature, sizeof signature), out + end);
    return slice_of(out, end);
}

static void check_issued(const TokenSigner *signer, const TokenClaims *claims)
{
    Error error;
    char token[TOKEN_BYTES_MAX];
    TokenClaims again;
    ASSERT(claims->user_id > 0 && claims->role >= ROLE_USER && claims->expires_us > 0);
    ASSERT(token_issue(signer, claims, token, &error) == OK);
    ASSERT(token_verify(signer, slice_of_text(token), 0, &again, &error) == OK);
    ASSERT(again.user_id == claims->user_id && again.role == claims->role);
    ASSERT(again.user_version == claims->user_version && again.token_id == claims->token_id);
    ASSERT(again.is_refresh == claims->is_refresh && again.expires_us == claims->expires_us);
}

/* The first zero byte parts header and payload; without one the header is ours. */
static void check_forged(const TokenSigner *signer, Slice input)
{
    Error error;
    TokenClaims claims;
    char token[4 * PART_BYTES_MAX];
    size_t zero = slice_find(input, 0);
    Slice header = SLICE("{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    Slice payload = input;
    if (zero < input.size) {
        header = slice_part(input, 0, zero);
        payload = slice_part(input, zero + 1, SIZE_MAX);
    }
    if (header.size > PART_BYTES_MAX || payload.size > PART_BYTES_MAX)
        return;
    Status status = token_verify(signer, forge(header, payload, token), 0, &claims, &error);
    ASSERT(status == OK || status == STATUS_INVALID_AUTHORIZATION);
    if (status == OK)
        check_issued(signer, &claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Error error;
    TokenClaims claims;
    static TokenSigner *signer; /* one for the process: making it is what takes longest */
    if (signer == NULL)
        signer = open_signer();
    Slice input = slice_of(data, size);
    ASSERT(token_verify(signer, input, 0, &claims, &error) == STATUS_INVALID_AUTHORIZATION);
    check_forged(signer, input);
    return 0;
}
