/* Sessions, logins and tokens. */
#include "tests/unit/database/opened.h"

static Status log_in(Opened *opened, const char *user, const char *password, LoginTokens *out,
                     Error *error)
{
    return database_login(opened->database, slice_of_text(user), slice_of_text(password),
                          SLICE("10.0.0.1:4000"), out, error);
}

static void a_login_gives_tokens_that_serve(void **state)
{
    Opened *opened = *state;
    LoginTokens tokens;
    DatabaseSession session;
    Answer answer;
    Error error;
    assert_ok(log_in(opened, "root", "secret", &tokens, &error), &error);
    assert_int_equal(tokens.expires_in_s, 900);
    assert_string_equal(tokens.user_name, "root");
    assert_int_equal(tokens.role, ROLE_SYSTEM);
    assert_ok(
        database_authenticate(opened->database, slice_of_text(tokens.access), &session, &error),
        &error);
    assert_ok(ask(opened, &session, "SELECT current_user", &answer), &answer.error);
    assert_string_equal(answer.rows, "[\"root\"]");
    assert_status(
        database_authenticate(opened->database, slice_of_text(tokens.refresh), &session, &error),
        STATUS_INVALID_AUTHORIZATION);
    assert_status(database_authenticate(opened->database, SLICE("a.b.c"), &session, &error),
                  STATUS_INVALID_AUTHORIZATION);
}

static void wrong_names_and_passwords_are_one_error(void **state)
{
    Opened *opened = *state;
    LoginTokens tokens;
    Error wrong_password;
    Error wrong_name;
    assert_status(log_in(opened, "root", "wrong", &tokens, &wrong_password),
                  STATUS_INVALID_PASSWORD);
    assert_status(log_in(opened, "nobody", "secret", &tokens, &wrong_name),
                  STATUS_INVALID_PASSWORD);
    assert_string_equal(wrong_password.message, wrong_name.message);
    assert_string_equal(wrong_password.detail, wrong_name.detail);
}

static void too_many_failures_are_refused(void **state)
{
    Opened *opened = *state;
    LoginTokens tokens;
    Error error;
    for (int i = 0; i < 3; i++)
        assert_status(log_in(opened, "root", "wrong", &tokens, &error), STATUS_INVALID_PASSWORD);
    assert_status(log_in(opened, "root", "secret", &tokens, &error), STATUS_TOO_MANY_REQUESTS);
    assert_contains(error.hint, "seconds");
    assert_ok(database_login(opened->database, SLICE("root"), SLICE("secret"),
                             SLICE("10.0.0.2:4000"), &tokens, &error),
              &error);
}

static void a_refresh_token_serves_once(void **state)
{
    Opened *opened = *state;
    LoginTokens first;
    LoginTokens second;
    LoginTokens third;
    Error error;
    assert_ok(log_in(opened, "root", "secret", &first, &error), &error);
    assert_ok(database_refresh(opened->database, slice_of_text(first.refresh), &second, &error),
              &error);
    assert_status(database_refresh(opened->database, slice_of_text(first.refresh), &third, &error),
                  STATUS_INVALID_AUTHORIZATION);
    assert_status(database_refresh(opened->database, slice_of_text(second.access), &third, &error),
                  STATUS_INVALID_AUTHORIZATION);
    assert_ok(database_logout(opened->database, slice_of_text(second.refresh), &error), &error);
    assert_status(database_refresh(opened->database, slice_of_text(second.refresh), &third, &error),
                  STATUS_INVALID_AUTHORIZATION);
}

/* From the log, and from a checkpoint, which a clean close writes. */
static void a_used_refresh_token_stays_used_after_restarts(void **state)
{
    Opened *opened = *state;
    LoginTokens first;
    LoginTokens second;
    Error error;
    assert_ok(log_in(opened, "root", "secret", &first, &error), &error);
    assert_ok(database_refresh(opened->database, slice_of_text(first.refresh), &second, &error),
              &error);
    for (int i = 0; i < 2; i++) {
        close_database(opened);
        open_in(opened, false, "");
        assert_status(
            database_refresh(opened->database, slice_of_text(first.refresh), &second, &error),
            STATUS_INVALID_AUTHORIZATION);
    }
}

static void a_new_password_or_role_ends_tokens(void **state)
{
    Opened *opened = *state;
    LoginTokens tokens;
    DatabaseSession session;
    Answer answer;
    Error error;
    expect(opened, "CREATE USER 'ann' WITH PASSWORD 'one' ROLE user", "");
    assert_ok(log_in(opened, "ann", "one", &tokens, &error), &error);
    assert_ok(
        database_authenticate(opened->database, slice_of_text(tokens.access), &session, &error),
        &error);
    assert_ok(ask(opened, &session, "SELECT 1", &answer), &answer.error);
    expect(opened, "ALTER USER 'ann' ROLE service", "");
    assert_status(ask(opened, &session, "SELECT 1", &answer), STATUS_INVALID_AUTHORIZATION);
    assert_status(
        database_refresh(opened->database, slice_of_text(tokens.refresh), &tokens, &error),
        STATUS_INVALID_AUTHORIZATION);
    assert_ok(log_in(opened, "ann", "one", &tokens, &error), &error);
    expect(opened, "DROP USER 'ann'", "");
    assert_status(
        database_authenticate(opened->database, slice_of_text(tokens.access), &session, &error),
        STATUS_INVALID_AUTHORIZATION);
}

static void an_expired_session_is_told(void **state)
{
    Opened *opened = *state;
    DatabaseSession session = opened->root;
    Answer answer;
    session.expires_us = env_wall_us(env_real()) - 1;
    assert_status(ask(opened, &session, "SELECT 1", &answer), STATUS_INVALID_AUTHORIZATION);
    assert_contains(answer.error.message, "expired");
}

static void anonymous_may_be_switched_off(void **state)
{
    Opened *opened = *state;
    DatabaseSession session;
    Answer answer;
    Error error;
    assert_ok(database_anonymous(opened->database, &session, &error), &error);
    assert_ok(ask(opened, &session, "SELECT 1", &answer), &answer.error);
    expect(opened, "ALTER SYSTEM SET auth.anonymous = off", "");
    assert_status(database_anonymous(opened->database, &session, &error),
                  STATUS_INVALID_AUTHORIZATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_login_gives_tokens_that_serve, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_names_and_passwords_are_one_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_failures_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refresh_token_serves_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_used_refresh_token_stays_used_after_restarts, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_new_password_or_role_ends_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_expired_session_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(anonymous_may_be_switched_off, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
