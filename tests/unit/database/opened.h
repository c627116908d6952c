/* A whole database, opened in a folder of its own, and how tests speak to it. No analytic worker is
 * needed by what these tests ask: it is named, and never started. */
#ifndef FIRN_TESTS_UNIT_DATABASE_OPENED_H
#define FIRN_TESTS_UNIT_DATABASE_OPENED_H

#include "base/memory.h"
#include "database/database.h"
#include "tests/unit/database/test.h"

typedef struct Opened {
    Path folder;
    Database *database;
    DatabaseOpening opening;
    DatabaseSession root;
} Opened;

static inline Status try_open(const char *folder, bool is_embedded, const char *password,
                              Database **out, DatabaseOpening *opening, Error *error)
{
    static const char *const settings[] = {"engine.worker_path=build/release/firn-worker",
                                           "limits.failed_logins_per_minute=3"};
    ConfigurationSources sources = {
        .directory = folder, .settings = settings, .setting_count = COUNT(settings)};
    DatabaseOptions options = {
        .directory = folder, .is_embedded = is_embedded, .root_password = slice_of_text(password)};
    TRY(configuration_load(env_real(), &sources, &options.configuration, error));
    return database_open(env_real(), &options, out, opening, error);
}

static inline void open_in(Opened *opened, bool is_embedded, const char *password)
{
    Error error;
    assert_ok(try_open(opened->folder.text, is_embedded, password, &opened->database,
                       &opened->opening, &error),
              &error);
    assert_ok(database_session_as(opened->database, SLICE("root"), &opened->root, &error), &error);
}

static inline int set_up(void **state)
{
    Opened *opened = test_calloc(1, sizeof *opened);
    make_folder(&opened->folder);
    open_in(opened, false, "secret");
    *state = opened;
    return 0;
}

static inline void close_database(Opened *opened)
{
    Error error;
    database_stop(opened->database, env_monotonic_ns(env_real()) + INT64_C(10000000000), NULL,
                  NULL);
    assert_ok(database_close(opened->database, &error), &error);
    opened->database = NULL;
}

static inline int tear_down(void **state)
{
    Opened *opened = *state;
    if (opened->database != NULL)
        close_database(opened);
    remove_folder(&opened->folder);
    test_free(opened);
    return 0;
}

/* ---- statements; the rows of all of them as JSON, and the tags ---- */

typedef struct Answer {
    char rows[4096];
    char tags[512];
    StatementPlace place;
    Error error;
} Answer;

static inline Status answer_columns(void *context, const ResultColumn *columns, uint32_t count,
                                    Error *error)
{
    (void)context, (void)columns, (void)count, (void)error;
    return OK;
}

static inline Status answer_json(void *context, Slice rows, uint64_t count, Error *error)
{
    Answer *answer = context;
    size_t size = strlen(answer->rows);
    (void)count, (void)error;
    assert_true(size + rows.size < sizeof answer->rows);
    memcpy(answer->rows + size, rows.data, rows.size);
    answer->rows[size + rows.size] = '\0';
    return OK;
}

static inline Status answer_end(void *context, uint32_t number, const ResultSummary *summary,
                                int64_t took_ns, Error *error)
{
    Answer *answer = context;
    size_t size = strlen(answer->tags);
    (void)took_ns, (void)error;
    (void)snprintf(answer->tags + size, sizeof answer->tags - size, "%u:%s;", number, summary->tag);
    return OK;
}

static inline Status ask_with(Opened *opened, DatabaseSession *session, const char *sql,
                              const Parameters *parameters, Answer *answer)
{
    StatementRequest request = {.text = slice_of_text(sql)};
    StatementSink sink = {.rows = {.wants_json = true,
                                   .columns = answer_columns,
                                   .json = answer_json,
                                   .context = answer},
                          .end = answer_end,
                          .context = answer};
    if (parameters != NULL)
        request.parameters = *parameters;
    memset(answer, 0, sizeof *answer);
    return database_execute(opened->database, session, &request, &sink, &answer->place,
                            &answer->error);
}

static inline Status ask(Opened *opened, DatabaseSession *session, const char *sql, Answer *answer)
{
    return ask_with(opened, session, sql, NULL, answer);
}

/* As root; must succeed, with these rows. */
static inline void expect(Opened *opened, const char *sql, const char *rows)
{
    Answer answer;
    assert_ok(ask(opened, &opened->root, sql, &answer), &answer.error);
    assert_string_equal(answer.rows, rows);
}

#endif
