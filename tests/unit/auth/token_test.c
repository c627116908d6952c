#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth/auth.h"
#include "auth/base64_int.h"
#include "base/assert.h"
#include "base/memory.h"
#include "base/random.h"
#include "tests/unit/base/test.h"

static const uint8_t secret[TOKEN_SECRET_BYTES] = "0123456789abcdef0123456789abcde";
static const int64_t now_us = 1700000000123456;

static TokenSigner *open_signer(void)
{
    Error error;
    TokenSigner *signer;
    assert_ok(token_signer_create(secret, &signer, &error), &error);
    return signer;
}

static TokenClaims some_claims(void)
{
    return (TokenClaims){.user_id = 42,
                         .role = ROLE_SERVICE,
                         .user_version = UINT64_MAX,
                         .token_id = 77,
                         .expires_us = 1700000900000000};
}

static void assert_claims(const TokenClaims *got, const TokenClaims *wanted)
{
    assert_int_equal(got->user_id, wanted->user_id);
    assert_int_equal(got->role, wanted->role);
    assert_int_equal(got->user_version, wanted->user_version);
    assert_int_equal(got->token_id, wanted->token_id);
    assert_int_equal(got->is_refresh, wanted->is_refresh);
    assert_int_equal(got->expires_us, wanted->expires_us / 1000000 * 1000000);
}

static Status verify(const TokenSigner *signer, Slice token)
{
    Error error;
    TokenClaims claims = {.user_id = 99};
    Status status = token_verify(signer, token, now_us, &claims, &error);
    assert_true(status == OK || (claims.user_id == 99 && error.status == status));
    return status;
}

/* A token with the right signature over any header and payload. Made with OpenSSL's other
 * interface, so that both would have to be wrong together. */
static Slice forge(const char *header, const char *payload, char out[4096])
{
    size_t header_size = base64_size(strlen(header));
    size_t payload_size = base64_size(strlen(payload));
    uint8_t signature[32];
    unsigned size = sizeof signature;
    auth_base64_encode(BASE64_URL, slice_of_text(header), out);
    out[header_size] = '.';
    auth_base64_encode(BASE64_URL, slice_of_text(payload), out + header_size + 1);
    size_t at = header_size + 1 + payload_size;
    assert_non_null(
        HMAC(EVP_sha256(), secret, sizeof secret, (const uint8_t *)out, at, signature, &size));
    out[at] = '.';
    auth_base64_encode(BASE64_URL, slice_of(signature, sizeof signature), out + at + 1);
    return slice_of(out, at + 1 + 43);
}

static const char good_header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
static const char good_payload[] = "{\"sub\":\"42\",\"role\":\"user\",\"ver\":\"7\",\"jti\":\"9\","
                                   "\"use\":\"access\",\"exp\":1700000900}";

static void test_there_and_back(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    TokenSigner *signer = open_signer();
    for (int i = 0; i < 1000; i++) {
        Error error;
        char token[TOKEN_BYTES_MAX];
        TokenClaims claims = {
            .user_id = (OwnerId)(1 + random_below(&random, UINT32_MAX)),
            .role = (Role)(ROLE_USER + random_below(&random, 4)),
            .user_version = random_u64(&random) >> random_below(&random, 64),
            .token_id = random_u64(&random) >> random_below(&random, 64),
            .is_refresh = random_chance(&random, 1, 2),
            .expires_us = now_us + 1000000 + (int64_t)random_below(&random, 1ull << 60),
        };
        TokenClaims got;
        assert_ok(token_issue(signer, &claims, token, &error), &error);
        assert_ok(token_verify(signer, slice_of_text(token), now_us, &got, &error), &error);
        assert_claims(&got, &claims);
    }
    token_signer_destroy(signer);
}

/* The example of RFC 7515, appendix A.1, has another key; this one was computed by other means. */
static void test_what_others_sign_is_taken(void **state)
{
    (void)state;
    char token[4096];
    TokenSigner *signer = open_signer();
    assert_status(OK, verify(signer, forge(good_header, good_payload, token)));
    token_signer_destroy(signer);
}

static void test_every_changed_bit_is_found(void **state)
{
    (void)state;
    Error error;
    char token[TOKEN_BYTES_MAX];
    TokenSigner *signer = open_signer();
    TokenClaims claims = some_claims();
    assert_ok(token_issue(signer, &claims, token, &error), &error);
    size_t size = strlen(token);
    for (size_t i = 0; i < size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            token[i] ^= (char)(1 << bit);
            assert_status(STATUS_INVALID_AUTHORIZATION, verify(signer, slice_of(token, size)));
            token[i] ^= (char)(1 << bit);
        }
    }
    for (size_t i = 0; i < size; i++)
        assert_status(STATUS_INVALID_AUTHORIZATION, verify(signer, slice_of(token, i)));
    token[size] = 'A';
    assert_status(STATUS_INVALID_AUTHORIZATION, verify(signer, slice_of(token, size + 1)));
    assert_status(OK, verify(signer, slice_of(token, size)));
    token_signer_destroy(signer);
}

static void test_another_secret(void **state)
{
    (void)state;
    Error error;
    char token[TOKEN_BYTES_MAX];
    uint8_t other_secret[TOKEN_SECRET_BYTES];
    memcpy(other_secret, secret, sizeof other_secret);
    other_secret[31] ^= 1;
    TokenSigner *signer = open_signer();
    TokenSigner *other;
    TokenClaims claims = some_claims();
    assert_ok(token_signer_create(other_secret, &other, &error), &error);
    assert_ok(token_issue(signer, &claims, token, &error), &error);
    assert_status(OK, verify(signer, slice_of_text(token)));
    assert_status(STATUS_INVALID_AUTHORIZATION, verify(other, slice_of_text(token)));
    token_signer_destroy(other);
    token_signer_destroy(signer);
}

static void test_expiry(void **state)
{
    (void)state;
    Error error;
    char token[TOKEN_BYTES_MAX];
    TokenSigner *signer = open_signer();
    TokenClaims claims = some_claims();
    TokenClaims got;
    assert_ok(token_issue(signer, &claims, token, &error), &error);
    Slice text = slice_of_text(token);
    assert_ok(token_verify(signer, text, claims.expires_us - 1, &got, &error), &error);
    assert_status(STATUS_INVALID_AUTHORIZATION,
                  token_verify(signer, text, claims.expires_us, &got, &error));
    assert_string_equal(error.message, "the token has expired");
    assert_status(STATUS_INVALID_AUTHORIZATION,
                  token_verify(signer, text, INT64_MAX, &got, &error));
    token_signer_destroy(signer);
}

/* An attacker's favourites: no algorithm, another one, keys and extensions in the header. All of
 * them are signed here with the right secret, so only the header can be why they are refused. */
static void test_headers(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"typ\":\"JWT\"}",
        "{\"alg\":\"None\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS512\",\"typ\":\"JWT\"}",
        "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"hs256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"\",\"typ\":\"JWT\"}",
        "{\"alg\":null,\"typ\":\"JWT\"}",
        "{\"alg\":[\"HS256\"],\"typ\":\"JWT\"}",
        "{\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWE\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"1\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"jwk\":{}}",
        "{\"alg\":\"none\",\"alg\":\"HS256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\\u0000\",\"typ\":\"JWT\"}",
        "[\"HS256\",\"JWT\"]",
        "\"HS256\"",
        "{}",
        "",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\"",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\"}x",
        "\xff\xfe",
    };
    char token[4096];
    TokenSigner *signer = open_signer();
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_status(STATUS_INVALID_AUTHORIZATION,
                      verify(signer, forge(headers[i], good_payload, token)));
    assert_status(OK, verify(signer, forge("{ \"typ\" : \"JWT\" , \"alg\" : \"HS256\" }",
                                           good_payload, token)));
    token_signer_destroy(signer);
}

static void test_claims(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        Status status;
    } cases[] = {
#define BAD STATUS_INVALID_AUTHORIZATION

#define BUT_EXP "{\"sub\":\"42\",\"role\":\"user\",\"ver\":\"7\",\"jti\":\"9\",\"use\":\"access\""

#define REST "\"role\":\"user\",\"ver\":\"7\",\"jti\":\"9\",\"use\":\"access\",\"exp\":1700000900}"
        {BUT_EXP ",\"exp\":1700000900}", OK},
        {BUT_EXP ",\"exp\":1700000900,\"later\":{\"a\":[1]}}", OK},
        {BUT_EXP ",\"exp\":1700000900,\"exp\":1700000900}", BAD},
        {BUT_EXP "}", BAD},
        {BUT_EXP ",\"exp\":\"1700000900\"}", BAD},
        {BUT_EXP ",\"exp\":1700000900.5}", BAD},
        {BUT_EXP ",\"exp\":1.7e12}", BAD},
        {BUT_EXP ",\"exp\":-1}", BAD},
        {BUT_EXP ",\"exp\":9223372036855}", BAD},
        {BUT_EXP ",\"exp\":9223372036854}", OK},
        {BUT_EXP ",\"exp\":99999999999999999999}", BAD},
        {BUT_EXP ",\"exp\":null}", BAD},
        {BUT_EXP ",\"exp\":true}", BAD},
        {BUT_EXP ",\"exp\":1699999999}", BAD},
        {"{\"sub\":\"42\"," REST, OK},
        {"{\"sub\":\"4294967295\"," REST, OK},
        {"{\"sub\":\"4294967296\"," REST, BAD},
        {"{\"sub\":\"99999999999999999999999\"," REST, BAD},
        {"{\"sub\":\"0\"," REST, BAD},
        {"{\"sub\":\"042\"," REST, BAD},
        {"{\"sub\":\"+42\"," REST, BAD},
        {"{\"sub\":\"-1\"," REST, BAD},
        {"{\"sub\":\"4 2\"," REST, BAD},
        {"{\"sub\":\"\"," REST, BAD},
        {"{\"sub\":42," REST, BAD},
        {"{\"sub\":\"42\",\"sub\":\"43\"," REST, BAD},
        {"{\"sub\":42,\"sub\":\"43\"," REST, BAD},
        {"{" REST, BAD},
        {"{\"sub\":\"42\",\"role\":\"anonymous\",\"ver\":\"7\",\"jti\":\"9\",\"use\":\"access\","
         "\"exp\":1700000900}",
         BAD},
        {"{\"sub\":\"42\",\"role\":\"root\",\"ver\":\"7\",\"jti\":\"9\",\"use\":\"access\","
         "\"exp\":1700000900}",
         BAD},
        {"{\"sub\":\"42\",\"role\":\"user\",\"ver\":\"18446744073709551615\",\"jti\":\"9\","
         "\"use\":\"refresh\",\"exp\":1700000900}",
         OK},
        {"{\"sub\":\"42\",\"role\":\"user\",\"ver\":\"18446744073709551616\",\"jti\":\"9\","
         "\"use\":\"refresh\",\"exp\":1700000900}",
         BAD},
        {"{\"sub\":\"42\",\"role\":\"user\",\"ver\":\"7\",\"jti\":\"9\",\"use\":\"both\","
         "\"exp\":1700000900}",
         BAD},
        {"{\"sub\":\"42\",\"role\":\"user\",\"ver\":\"7\",\"jti\":\"9\",\"exp\":1700000900}", BAD},
        {"", BAD},
        {"42", BAD},
        {"[[[[[[[[[[]]]]]]]]]]", BAD},
    };
    char token[4096];
    TokenSigner *signer = open_signer();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Status status = verify(signer, forge(good_header, cases[i].claims, token));
        if (status != cases[i].status)
            fail_msg("%s: %s", cases[i].claims, status_name(status));
    }
    token_signer_destroy(signer);
}

static void test_garbage(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    static const char *const texts[] = {
        "", ".", "..", "...", "a.b.c", "Bearer x.y.z", "\xff.\xff.\xff"};
    TokenSigner *signer = open_signer();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_status(STATUS_INVALID_AUTHORIZATION, verify(signer, slice_of_text(texts[i])));
    for (int i = 0; i < 20000; i++) {
        static const char characters[] = "ABCxyz019-_..{}\"";
        char text[2 * TOKEN_BYTES_MAX];
        size_t size = random_below(&random, random_chance(&random, 1, 9) ? sizeof text : 200);
        for (size_t c = 0; c < size; c++)
            text[c] = characters[random_below(&random, sizeof characters - 1)];
        assert_status(STATUS_INVALID_AUTHORIZATION, verify(signer, slice_of(text, size)));
    }
    token_signer_destroy(signer);
}

/* A valid token that is longer than any of ours is not looked at. */
static void test_too_long(void **state)
{
    (void)state;
    char payload[2000];
    char token[4096];
    TokenSigner *signer = open_signer();
    for (int blanks = 500; blanks < 900; blanks += 10) {
        (void)snprintf(payload, sizeof payload, "%*s%s", blanks, "", good_payload);
        Slice text = forge(good_header, payload, token);
        bool fits = text.size < TOKEN_BYTES_MAX;
        assert_status(fits ? OK : STATUS_INVALID_AUTHORIZATION, verify(signer, text));
    }
    token_signer_destroy(signer);
}

static void test_one_text_for_every_forgery(void **state)
{
    (void)state;
    Error error;
    TokenClaims claims;
    char token[4096];
    TokenSigner *signer = open_signer();
    Slice texts[] = {SLICE("x"), SLICE("a.b.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
                     forge("{}", good_payload, token)};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_status(STATUS_INVALID_AUTHORIZATION,
                      token_verify(signer, texts[i], now_us, &claims, &error));
        assert_string_equal(error.message, "invalid token");
        assert_string_equal(error.detail, "");
        assert_string_equal(error.hint, "");
    }
    token_signer_destroy(signer);
}

static void test_no_memory(void **state)
{
    (void)state;
    Error error;
    TokenSigner *signer = NULL;
    char token[4096];
    TokenClaims claims = {.user_id = 99};
    memory_fail_at(1, -1);
    assert_status(STATUS_OUT_OF_MEMORY, token_signer_create(secret, &signer, &error));
    memory_fail_at(0, 0);
    assert_null(signer);
    signer = open_signer();
    Slice text = forge(good_header, good_payload, token);
    Status status = STATUS_OUT_OF_MEMORY;
    for (int64_t n = 1; status == STATUS_OUT_OF_MEMORY; n++) {
        memory_fail_at(n, 1);
        status = token_verify(signer, text, now_us, &claims, &error);
        memory_fail_at(0, 0);
        assert_int_equal(claims.user_id, status == OK ? 42 : 99);
    }
    assert_status(OK, status);
    token_signer_destroy(signer);
}

/* ---- threads ---- */

static void run_verifier(void *argument)
{
    const TokenSigner *signer = argument;
    for (uint64_t i = 1; i <= 3000; i++) {
        Error error;
        char token[TOKEN_BYTES_MAX];
        TokenClaims claims = some_claims();
        TokenClaims got;
        claims.token_id = i;
        ASSERT(token_issue(signer, &claims, token, &error) == OK);
        ASSERT(token_verify(signer, slice_of_text(token), now_us, &got, &error) == OK);
        ASSERT(got.token_id == i && got.user_version == UINT64_MAX);
        token[60] ^= 1;
        ASSERT(token_verify(signer, slice_of_text(token), now_us, &got, &error) != OK);
    }
}

static void test_threads_share_a_signer(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    Error error;
    Thread *threads[THREADS];
    TokenSigner *signer = open_signer();
    for (int i = 0; i < THREADS; i++)
        assert_ok(thread_start(env_real(), "verifier", THREAD_STACK_BYTES_DEFAULT, run_verifier,
                               signer, &threads[i], &error),
                  &error);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    token_signer_destroy(signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_others_sign_is_taken),
        cmocka_unit_test(test_every_changed_bit_is_found),
        cmocka_unit_test(test_another_secret),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_one_text_for_every_forgery),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_threads_share_a_signer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
