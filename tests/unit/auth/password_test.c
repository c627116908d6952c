#include <argon2.h>

#include "auth/auth.h"
#include "auth/base64_int.h"
#include "base/memory.h"
#include "base/random.h"
#include "tests/unit/base/test.h"

static void test_right_and_wrong(void **state)
{
    (void)state;
    Error error;
    char verifier[PASSWORD_VERIFIER_BYTES_MAX];
    assert_ok(password_hash(env_real(), SLICE("correct horse"), verifier, &error), &error);
    assert_ok(password_verify(SLICE("correct horse"), verifier, &error), &error);
    assert_status(STATUS_INVALID_PASSWORD,
                  password_verify(SLICE("correct horsf"), verifier, &error));
    assert_status(STATUS_INVALID_PASSWORD,
                  password_verify(SLICE("correct hors"), verifier, &error));
    assert_status(STATUS_INVALID_PASSWORD, password_verify(SLICE_EMPTY, verifier, &error));
    assert_null(strstr(verifier, "horse"));
}

/* The encoded form is libargon2's: each reads the other's. */
static void test_the_form_is_the_librarys(void **state)
{
    (void)state;
    Error error;
    char ours[PASSWORD_VERIFIER_BYTES_MAX];
    char theirs[PASSWORD_VERIFIER_BYTES_MAX];
    assert_ok(password_hash(env_real(), SLICE("pässword\x01"), ours, &error), &error);
    assert_true(strncmp(ours, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
    assert_int_equal(argon2id_verify(ours, "pässword\x01", strlen("pässword\x01")), ARGON2_OK);
    assert_int_equal(argon2id_hash_encoded(2, 19456, 1, "secret", 6, "0123456789abcdef", 16, 32,
                                           theirs, sizeof theirs),
                     ARGON2_OK);
    assert_ok(password_verify(SLICE("secret"), theirs, &error), &error);
}

static void test_salts_differ(void **state)
{
    (void)state;
    Error error;
    char one[PASSWORD_VERIFIER_BYTES_MAX];
    char two[PASSWORD_VERIFIER_BYTES_MAX];
    assert_ok(password_hash(env_real(), SLICE("same"), one, &error), &error);
    assert_ok(password_hash(env_real(), SLICE("same"), two, &error), &error);
    assert_string_not_equal(one, two);
}

/* Neither the answer nor, on purpose, the work differs where there is no such user. */
static void test_nobody(void **state)
{
    (void)state;
    Error nobody;
    Error wrong;
    char verifier[PASSWORD_VERIFIER_BYTES_MAX];
    assert_ok(password_hash(env_real(), SLICE("right"), verifier, &wrong), &wrong);
    memory_fail_at(1000, 1);
    assert_status(STATUS_INVALID_PASSWORD, password_verify(SLICE("any"), NULL, &nobody));
    int64_t work = memory_allocations();
    memory_fail_at(1000, 1);
    assert_status(STATUS_INVALID_PASSWORD, password_verify(SLICE("any"), verifier, &wrong));
    assert_int_equal(memory_allocations(), work);
    memory_fail_at(0, 0);
    assert_int_equal(work, 1);
    assert_string_equal(nobody.message, wrong.message);
    assert_string_equal(nobody.detail, "");
    assert_string_equal(nobody.hint, "");
    assert_string_not_equal(nobody.internal, wrong.internal);
}

static void test_damaged_verifiers(void **state)
{
    (void)state;
    static const char *const verifiers[] = {
        "",
        "x",
        "$argon2id$v=19$m=19456,t=2,p=1$",
        "$argon2id$v=19$m=19456,t=2,p=1$$",
        "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAA",
        "$argon2i$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAA",
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg",
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAA",
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg=="
        "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    Error error;
    for (size_t i = 0; i < sizeof verifiers / sizeof verifiers[0]; i++) {
        assert_status(STATUS_INVALID_PASSWORD, password_verify(SLICE("pw"), verifiers[i], &error));
        assert_non_null(strstr(error.internal, "verifier"));
    }
    char verifier[PASSWORD_VERIFIER_BYTES_MAX];
    assert_ok(password_hash(env_real(), SLICE("pw"), verifier, &error), &error);
    for (size_t i = 0; i < strlen(verifier); i += 7) {
        char damaged[PASSWORD_VERIFIER_BYTES_MAX];
        memcpy(damaged, verifier, sizeof damaged);
        damaged[i] ^= 1;
        assert_status(STATUS_INVALID_PASSWORD, password_verify(SLICE("pw"), damaged, &error));
    }
}

static void test_sizes(void **state)
{
    (void)state;
    Error error;
    char verifier[PASSWORD_VERIFIER_BYTES_MAX] = "untouched";
    char password[PASSWORD_BYTES_MAX + 1];
    memset(password, 'p', sizeof password);
    assert_status(STATUS_INVALID_PARAMETER_VALUE,
                  password_hash(env_real(), SLICE_EMPTY, verifier, &error));
    assert_status(STATUS_INVALID_PARAMETER_VALUE,
                  password_hash(env_real(), slice_of(password, sizeof password), verifier, &error));
    assert_string_equal(verifier, "untouched");
    Slice longest = slice_of(password, PASSWORD_BYTES_MAX);
    assert_ok(password_hash(env_real(), longest, verifier, &error), &error);
    assert_ok(password_verify(longest, verifier, &error), &error);
    assert_status(STATUS_INVALID_PASSWORD,
                  password_verify(slice_of(password, sizeof password), verifier, &error));
}

static void test_no_memory(void **state)
{
    (void)state;
    Error error;
    char verifier[PASSWORD_VERIFIER_BYTES_MAX] = "untouched";
    memory_fail_at(1, -1);
    assert_status(STATUS_OUT_OF_MEMORY, password_hash(env_real(), SLICE("pw"), verifier, &error));
    assert_status(STATUS_OUT_OF_MEMORY, password_verify(SLICE("pw"), NULL, &error));
    memory_fail_at(0, 0);
    assert_string_equal(verifier, "untouched");
}

static void test_generated(void **state)
{
    (void)state;
    size_t seen[256] = {0};
    for (int i = 0; i < 10000; i++) {
        char password[21];
        password_generate(env_real(), password);
        assert_int_equal(strlen(password), 20);
        for (int c = 0; c < 20; c++)
            seen[(uint8_t)password[c]]++;
    }
    /* 200,000 characters, 3,226 of each of the 62, give or take 56: six times that is no chance.
     * The eight that a careless remainder favours would come 3,906 times. */
    for (int c = 0; c < 256; c++) {
        bool is_one = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        assert_true(is_one ? seen[c] > 2886 && seen[c] < 3566 : seen[c] == 0);
    }
}

/* ---- base64 ---- */

static void test_base64_both_ways(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    for (size_t size = 0; size < 100; size++) {
        for (int kind = 0; kind < 2; kind++) {
            uint8_t bytes[100];
            char text[200];
            uint8_t again[100];
            size_t got = 0;
            random_bytes(&random, bytes, size);
            auth_base64_encode((Base64)kind, slice_of(bytes, size), text);
            Slice whole = slice_of(text, base64_size(size));
            assert_true(auth_base64_decode((Base64)kind, whole, again, sizeof again, &got));
            assert_int_equal(got, size);
            assert_memory_equal(again, bytes, size);
            assert_false(size > 0 &&
                         auth_base64_decode((Base64)kind, whole, again, size - 1, &got));
        }
    }
}

static void test_base64_is_strict(void **state)
{
    (void)state;
    uint8_t out[16];
    size_t size = 77;
    static const char *const texts[] = {"A", "AAAAA", "AA==", "AB", "AAB", "A A", "AA\n", "Zm9v*A"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(auth_base64_decode(BASE64_URL, slice_of_text(texts[i]), out, 16, &size));
    assert_false(auth_base64_decode(BASE64_URL, SLICE("+/AA"), out, 16, &size));
    assert_false(auth_base64_decode(BASE64_STANDARD, SLICE("-_AA"), out, 16, &size));
    assert_int_equal(size, 77);
    assert_true(auth_base64_decode(BASE64_URL, SLICE("-_8"), out, 16, &size));
    assert_int_equal(size, 2);
    assert_true(out[0] == 0xfb && out[1] == 0xff);
    assert_true(auth_base64_decode(BASE64_STANDARD, SLICE("Zm9vYg"), out, 16, &size));
    assert_memory_equal(out, "foob", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_and_wrong),   cmocka_unit_test(test_the_form_is_the_librarys),
        cmocka_unit_test(test_salts_differ),      cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_damaged_verifiers), cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_no_memory),         cmocka_unit_test(test_generated),
        cmocka_unit_test(test_base64_both_ways),  cmocka_unit_test(test_base64_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
