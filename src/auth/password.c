/* Passwords by argon2id. A verifier is libargon2's own encoded form, so that other tools read it:
 *     $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
 * salt and hash in base64 without padding. The library is called below its text functions, because
 * only there it takes our allocator. */
#include <argon2.h>
#include <openssl/crypto.h>
#include <stdio.h>

#include "auth/auth.h"
#include "auth/base64_int.h"
#include "base/assert.h"
#include "base/memory.h"

enum {
    MEMORY_KIB = 19456,
    PASSES = 2,
    LANES = 1,
    SALT_BYTES = 16,
    HASH_BYTES = 32,
    GENERATED_CHARACTERS = 20,
};

typedef struct Verifier {
    uint8_t salt[SALT_BYTES];
    uint8_t hash[HASH_BYTES];
} Verifier;

static const char verifier_start[] = "$argon2id$v=19$m=19456,t=2,p=1$";

_Static_assert(MEMORY_KIB == 19456 && PASSES == 2 && LANES == 1, "verifier_start says so");
_Static_assert(ARGON2_VERSION_NUMBER == 0x13, "verifier_start says 19");

static int allocate(uint8_t **memory, size_t bytes)
{
    *memory = memory_allocate(bytes);
    return *memory == NULL ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
}

static void release(uint8_t *memory, size_t bytes)
{
    (void)bytes;
    memory_free(memory);
}

static Status hash_password(Slice password, const uint8_t salt[SALT_BYTES], uint8_t out[HASH_BYTES],
                            Error *error)
{
    uint8_t salt_copy[SALT_BYTES];
    memcpy(salt_copy, salt, sizeof salt_copy);
    argon2_context context = {
        .out = out,
        .outlen = HASH_BYTES,
        .pwd = (uint8_t *)(uintptr_t)password.data, /* only read: no flag asks to clear it */
        .pwdlen = (uint32_t)password.size,
        .salt = salt_copy,
        .saltlen = sizeof salt_copy,
        .t_cost = PASSES,
        .m_cost = MEMORY_KIB,
        .lanes = LANES,
        .threads = LANES,
        .version = ARGON2_VERSION_NUMBER,
        .allocate_cbk = allocate,
        .free_cbk = release,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    int result = argon2_ctx(&context, Argon2_id);
    if (result == ARGON2_MEMORY_ALLOCATION_ERROR)
        return error_out_of_memory(error);
    ASSERT(result == ARGON2_OK);
    return OK;
}

/* ---- the encoded form ---- */

static void verifier_write(const Verifier *verifier, char out[PASSWORD_VERIFIER_BYTES_MAX])
{
    char salt[32];
    char hash[64];
    int salt_size = (int)base64_size(SALT_BYTES);
    int hash_size = (int)base64_size(HASH_BYTES);
    auth_base64_encode(BASE64_STANDARD, slice_of(verifier->salt, SALT_BYTES), salt);
    auth_base64_encode(BASE64_STANDARD, slice_of(verifier->hash, HASH_BYTES), hash);
    int size = snprintf(out, PASSWORD_VERIFIER_BYTES_MAX, "%s%.*s$%.*s", verifier_start, salt_size,
                        salt, hash_size, hash);
    ASSERT(size > 0 && size < PASSWORD_VERIFIER_BYTES_MAX);
}

/* Other costs are refused: they would show in the time which users exist. */
static bool verifier_read(Slice text, Verifier *out)
{
    Slice start = slice_of_text(verifier_start);
    if (!slice_starts_with(text, start))
        return false;
    Slice rest = slice_part(text, start.size, SIZE_MAX);
    size_t dollar = slice_find(rest, '$');
    size_t salt_size;
    size_t hash_size;
    return auth_base64_decode(BASE64_STANDARD, slice_part(rest, 0, dollar), out->salt, SALT_BYTES,
                              &salt_size) &&
           auth_base64_decode(BASE64_STANDARD, slice_part(rest, dollar + 1, SIZE_MAX), out->hash,
                              HASH_BYTES, &hash_size) &&
           salt_size == SALT_BYTES && hash_size == HASH_BYTES;
}

/* ---- what others call ---- */

Status password_hash(Env *env, Slice password, char out[PASSWORD_VERIFIER_BYTES_MAX], Error *error)
{
    Verifier verifier;
    if (password.size == 0)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "a password must not be empty");
    if (password.size > PASSWORD_BYTES_MAX)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "a password of %zu bytes is too long (at most %d)", password.size,
                         PASSWORD_BYTES_MAX);
    env_random(env, verifier.salt, sizeof verifier.salt);
    TRY(hash_password(password, verifier.salt, verifier.hash, error));
    verifier_write(&verifier, out);
    return OK;
}

static Status wrong_password(const char *reason, Error *error)
{
    (void)error_of(error, STATUS_INVALID_PASSWORD);
    return error_wrap(error, "%s", reason);
}

/* Where there is nothing to compare with, the same work is done for a verifier that no password has
 * (its hash is all zeros), and the answer is no whatever comes out. */
Status password_verify(Slice password, const char *text, Error *error)
{
    static const Verifier nobody;
    Verifier verifier = nobody;
    uint8_t hash[HASH_BYTES];
    bool is_readable = text != NULL && verifier_read(slice_of_text(text), &verifier);
    bool is_too_long = password.size > PASSWORD_BYTES_MAX;
    Slice hashed = is_too_long ? slice_part(password, 0, PASSWORD_BYTES_MAX) : password;
    TRY(hash_password(hashed, verifier.salt, hash, error));
    bool is_equal = CRYPTO_memcmp(hash, verifier.hash, HASH_BYTES) == 0;
    OPENSSL_cleanse(hash, sizeof hash);
    OPENSSL_cleanse(&verifier, sizeof verifier);
    if (text == NULL)
        return wrong_password("no such user", error);
    if (!is_readable)
        return wrong_password("the stored verifier is none of ours", error);
    if (is_too_long || !is_equal)
        return wrong_password("the password differs", error);
    return OK;
}

void password_generate(Env *env, char out[GENERATED_CHARACTERS + 1])
{
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    enum { COUNT = sizeof characters - 1, FAIR = 256 / COUNT * COUNT };
    int written = 0;
    while (written < GENERATED_CHARACTERS) {
        uint8_t byte;
        env_random(env, &byte, sizeof byte);
        if (byte < FAIR) /* what is above would make some characters likelier */
            out[written++] = characters[byte % COUNT];
    }
    out[written] = '\0';
}
