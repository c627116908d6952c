/* Opening, closing, and what a directory has from its first start on. */
#include "tests/unit/database/opened.h"

static void a_first_start_keeps_the_password_it_made(void **state)
{
    Opened opened = {0};
    LoginTokens tokens;
    Buffer kept;
    Error error;
    (void)state;
    make_folder(&opened.folder);
    open_in(&opened, false, "");
    assert_true(opened.opening.is_new);
    assert_int_equal(strlen(opened.opening.root_password), 20);
    buffer_open(&kept, 0);
    assert_ok(env_read_file(env_real(), opened.opening.root_password_file, 4096, &kept, &error),
              &error);
    assert_int_equal(kept.size, 21);
    assert_memory_equal(kept.data, opened.opening.root_password, 20);
    assert_ok(database_login(opened.database, SLICE("root"),
                             slice_of_text(opened.opening.root_password), SLICE("1.2.3.4:5"),
                             &tokens, &error),
              &error);
    buffer_close(&kept);

    close_database(&opened);
    open_in(&opened, false, "another");
    assert_false(opened.opening.is_new);
    assert_string_equal(opened.opening.root_password, "");
    assert_status(database_login(opened.database, SLICE("root"), SLICE("another"),
                                 SLICE("1.2.3.4:5"), &tokens, &error),
                  STATUS_INVALID_PASSWORD);
    close_database(&opened);
    remove_folder(&opened.folder);
}

static void the_password_file_goes_with_the_password(void **state)
{
    Opened opened = {0};
    FileInformation information;
    Error error;
    (void)state;
    make_folder(&opened.folder);
    open_in(&opened, false, "");
    expect(&opened, "ALTER USER 'root' SET PASSWORD 'chosen'", "");
    assert_ok(env_stat(env_real(), opened.opening.root_password_file, &information, &error),
              &error);
    assert_false(information.exists);
    close_database(&opened);
    remove_folder(&opened.folder);
}

static void a_second_one_is_refused(void **state)
{
    Opened *opened = *state;
    Database *second = NULL;
    DatabaseOpening opening;
    Error error;
    assert_status(try_open(opened->folder.text, false, "", &second, &opening, &error),
                  STATUS_DIRECTORY_LOCKED);
    assert_null(second);
    expect(opened, "SELECT 1", "[1]");
}

static void everything_is_there_after_a_restart(void **state)
{
    Opened *opened = *state;
    expect(opened,
           "CREATE NAMESPACE app; CREATE TABLE app.t (id BIGINT PRIMARY KEY, s TEXT);"
           "INSERT INTO app.t VALUES (1, 'one'), (2, 'two'); DELETE FROM app.t WHERE id = 1;"
           "CREATE USER 'ann' WITH PASSWORD 'x' ROLE user; ALTER SYSTEM SET flush.rows = 777",
           "");
    close_database(opened);
    open_in(opened, false, "");
    expect(opened, "SELECT id, s FROM app.t WHERE id IN (1, 2)", "[2,\"two\"]");
    expect(opened, "SHOW \"flush.rows\"", "[\"777\"]");
    DatabaseSession ann;
    Error error;
    assert_ok(database_session_as(opened->database, SLICE("ann"), &ann, &error), &error);
}

/* A program's directory has no password; the first server that opens it makes one. */
static void an_embedded_directory_gets_its_password_later(void **state)
{
    Opened opened = {0};
    (void)state;
    make_folder(&opened.folder);
    open_in(&opened, true, "");
    assert_string_equal(opened.opening.root_password, "");
    expect(&opened, "CREATE TABLE public.t (id INT PRIMARY KEY); INSERT INTO public.t VALUES (1)",
           "");
    close_database(&opened);
    open_in(&opened, false, "");
    assert_int_equal(strlen(opened.opening.root_password), 20);
    expect(&opened, "SELECT id FROM public.t WHERE id = 1", "[1]");
    close_database(&opened);
    remove_folder(&opened.folder);
}

static void a_damaged_token_key_is_told(void **state)
{
    Opened *opened = *state;
    Database *database = NULL;
    DatabaseOpening opening;
    Error error;
    close_database(opened);
    write_text(&opened->folder, "token-key", "short");
    assert_status(try_open(opened->folder.text, false, "", &database, &opening, &error),
                  STATUS_DATA_CORRUPTED);
    assert_contains(error.message, "token-key");
    assert_contains(error.hint, "remove it");
}

/* What the first directories had: the secret alone. */
static void a_bare_token_key_is_read(void **state)
{
    Opened *opened = *state;
    close_database(opened);
    write_text(&opened->folder, "token-key", "0123456789abcdef0123456789abcdef");
    open_in(opened, false, "");
    close_database(opened);
}

/* The n-th allocation of an opening fails: it says so, and the next one succeeds. */
static void openings_without_memory(void **state)
{
    Opened opened = {0};
    Error error;
    int refused = 0;
    (void)state;
    make_folder(&opened.folder);
    open_in(&opened, true, "");
    close_database(&opened);
    for (int n = 1; n < 4000; n += 37) {
        memory_fail_at(n, 1);
        Status status =
            try_open(opened.folder.text, true, "", &opened.database, &opened.opening, &error);
        memory_fail_at(0, 0);
        if (status == OK) {
            close_database(&opened);
            continue;
        }
        assert_status(status, STATUS_OUT_OF_MEMORY);
        refused++;
    }
    assert_true(refused > 3);
    open_in(&opened, true, "");
    expect(&opened, "SELECT 1", "[1]");
    close_database(&opened);
    remove_folder(&opened.folder);
}

static void nothing_runs_after_a_stop(void **state)
{
    Opened *opened = *state;
    Answer answer;
    Error error;
    assert_ok(database_check_ready(opened->database, &error), &error);
    database_stop(opened->database, env_monotonic_ns(env_real()), NULL, NULL);
    assert_status(database_check_ready(opened->database, &error), STATUS_SHUTTING_DOWN);
    assert_status(ask(opened, &opened->root, "SELECT 1", &answer), STATUS_SHUTTING_DOWN);
}

static bool has_folder(const Opened *opened, const char *name)
{
    Path path;
    FileInformation information;
    Error error;
    assert_ok(path_join(&path, opened->folder.text, name, &error), &error);
    assert_ok(env_stat(env_real(), path.text, &information, &error), &error);
    return information.exists;
}

static void add_folder(const Opened *opened, const char *name)
{
    Path path;
    Error error;
    assert_ok(path_join(&path, opened->folder.text, name, &error), &error);
    assert_ok(env_make_directories(env_real(), path.text, &error), &error);
}

static void reopen_until_gone(Opened *opened, const char *left)
{
    close_database(opened);
    add_folder(opened, left);
    open_in(opened, false, "");
    for (int i = 0; i < 1000 && has_folder(opened, left); i++)
        env_sleep_ns(env_real(), 10000000);
    assert_false(has_folder(opened, left));
}

/* What a process leaves that ends between a drop and its cleanup. What is not called like a table's
 * folder, or has a number that no table had, is somebody's own. */
static void folders_of_dropped_tables_go_at_the_next_start(void **state)
{
    static const char *const others[] = {"storage/public.mine-20260101", "storage/mine-1",
                                         "storage/public.mine", "storage/-1"};
    Opened *opened = *state;
    expect(opened, "CREATE TABLE public.t (id INT PRIMARY KEY)", "");
    for (size_t i = 0; i < COUNT(others); i++)
        add_folder(opened, others[i]);
    reopen_until_gone(opened, "storage/public.gone-1");
    reopen_until_gone(opened, "streams/public.gone-1");
    for (size_t i = 0; i < COUNT(others); i++)
        assert_true(has_folder(opened, others[i]));
    expect(opened, "INSERT INTO public.t VALUES (1); SELECT id FROM public.t WHERE id = 1", "[1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_start_keeps_the_password_it_made),
        cmocka_unit_test(the_password_file_goes_with_the_password),
        cmocka_unit_test_setup_teardown(a_second_one_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everything_is_there_after_a_restart, set_up, tear_down),
        cmocka_unit_test(an_embedded_directory_gets_its_password_later),
        cmocka_unit_test_setup_teardown(a_damaged_token_key_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bare_token_key_is_read, set_up, tear_down),
        cmocka_unit_test(openings_without_memory),
        cmocka_unit_test_setup_teardown(nothing_runs_after_a_stop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folders_of_dropped_tables_go_at_the_next_start, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
