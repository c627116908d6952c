/* The life: a step for every kind of statement, on tables of every kind, in memory and in files,
 * and the calls of the library that are not statements. */
#include <stdio.h>
#include <string.h>

#include "tests/faults/acts.h"
#include "tests/faults/faults.h"

#define ACT(call) .act = call, .name = #call

const Step steps[] = {
    /* ---- definitions ---- */
    {.sql = "CREATE NAMESPACE app", .undo = "DROP NAMESPACE app"},
    {.sql = "CREATE NAMESPACE IF NOT EXISTS app"},
    {.sql = "CREATE TABLE app.t (id BIGINT PRIMARY KEY, name TEXT NOT NULL, n INT DEFAULT 7, "
            "price DECIMAL(9,2), CHECK (n < 1000))",
     .undo = "DROP TABLE app.t"},
    {.sql = "CREATE USER TABLE app.notes (id INT PRIMARY KEY, body TEXT)",
     .undo = "DROP TABLE app.notes"},
    {.sql = "CREATE STREAM TABLE app.events (id INT PRIMARY KEY, body TEXT) TTL 1h",
     .undo = "DROP TABLE app.events"},
    {.sql = "CREATE TABLE app.bare (a INT, b TEXT)", .undo = "DROP TABLE app.bare"},
    {.sql = "CREATE TABLE app.t (id INT PRIMARY KEY)", .expected = STATUS_DUPLICATE_TABLE},
    {.sql = "CREATE USER 'ann' WITH PASSWORD 'first-password' ROLE user EMAIL 'ann@example.org'",
     .undo = "DROP USER 'ann'"},
    {.sql = "CREATE USER 'ben' WITH PASSWORD 'other-password' ROLE service",
     .undo = "DROP USER 'ben'"},
    {.sql = "CREATE STORAGE disk TYPE 'filesystem' PATH '%D-disk'", .undo = "DROP STORAGE disk"},
    {.sql = "CREATE TABLE app.far (id INT PRIMARY KEY, v VECTOR(3)) WITH (storage = 'disk')",
     .undo = "DROP TABLE app.far"},
    {.sql = "STORAGE CHECK disk", .varies = true},
    {.sql = "COMMENT ON TABLE app.t IS 'the table'", .undo = "COMMENT ON TABLE app.t IS NULL"},
    {.sql = "COMMENT ON COLUMN app.t.name IS 'a name'",
     .undo = "COMMENT ON COLUMN app.t.name IS NULL"},
    /* ---- writes in memory ---- */
    {.sql = "INSERT INTO app.t VALUES (1, 'one', 1, 1.5)",
     .undo = "DELETE FROM app.t WHERE id = 1"},
    {.sql = "INSERT INTO app.t (id, name) VALUES (2, 'two'), (3, 'three'), (4, 'four') RETURNING "
            "id, n",
     .undo = "DELETE FROM app.t WHERE id IN (2, 3, 4)"},
    {.sql = "INSERT INTO app.t VALUES (1, 'again', 1, 1)", .expected = STATUS_UNIQUE_VIOLATION},
    {.sql = "INSERT INTO app.t VALUES (9, 'much', 5000, 1)", .expected = STATUS_CHECK_VIOLATION},
    {.sql = "INSERT INTO app.t VALUES (1, 'x', 1, 1) ON CONFLICT DO NOTHING"},
    {.sql = "INSERT INTO app.t VALUES (2, 'second', 2, 2) ON CONFLICT (id) DO UPDATE SET name = "
            "excluded.name RETURNING name",
     .undo = "UPDATE app.t SET name = 'two' WHERE id = 2"},
    {.sql = "INSERT INTO app.t SELECT i, 'row ' || i, i, i FROM generate_series(10, 30) AS g(i)",
     .undo = "DELETE FROM app.t WHERE id BETWEEN 10 AND 30"},
    {.sql = "INSERT INTO app.bare VALUES (1, 'a'), (2, 'b'), (2, 'b')",
     .undo = "DELETE FROM app.bare WHERE a IN (1, 2)"},
    {.actor = ANN,
     .sql = "INSERT INTO app.notes VALUES (1, 'hers'), (2, 'also hers')",
     .undo = "DELETE FROM app.notes AS USER 'ann'"},
    {.actor = BEN,
     .sql = "INSERT INTO app.notes VALUES (1, 'his')",
     .undo = "DELETE FROM app.notes AS USER 'ben'"},
    {.sql = "INSERT INTO app.notes AS USER 'ann' VALUES (3, 'from root')",
     .undo = "DELETE FROM app.notes AS USER 'ann' WHERE id = 3"},
    {.actor = ANN, .sql = "INSERT INTO app.events VALUES (1, 'typing')"},
    {.sql = "INSERT INTO app.far VALUES (1, '[1,0,0]'), (2, '[0,1,0]')",
     .undo = "DELETE FROM app.far WHERE id IN (1, 2)"},
    {.sql = "UPDATE app.t SET n = n + 1, name = upper(name) WHERE id = 3 RETURNING n",
     .undo = "UPDATE app.t SET n = 7, name = 'three' WHERE id = 3"},
    {.sql = "UPDATE app.t SET price = 3 WHERE name LIKE 'row 1%'",
     .undo = "UPDATE app.t SET price = id WHERE id BETWEEN 10 AND 19"},
    {.sql = "INSERT INTO app.t VALUES (9, 'nine', 0, 1) RETURNING 1 / n",
     .expected = STATUS_DIVISION_BY_ZERO},
    {.sql = "UPDATE app.t SET n = 0 WHERE id = 3 RETURNING 1 / n",
     .expected = STATUS_DIVISION_BY_ZERO},
    {.sql = "DELETE FROM app.t WHERE id = 4 RETURNING 1 / (n - 7)",
     .expected = STATUS_DIVISION_BY_ZERO},
    {.sql = "DELETE FROM app.t WHERE id = 30 RETURNING name",
     .undo = "INSERT INTO app.t VALUES (30, 'row 30', 30, 30)"},
    {.actor = ANN,
     .sql = "DELETE FROM app.notes WHERE id = 2",
     .undo = "INSERT INTO app.notes AS USER 'ann' VALUES (2, 'also hers')"},
    {ACT(act_put), .undo = "DELETE FROM app.t WHERE id = 100"},
    {ACT(act_put_batch), .undo = "DELETE FROM app.t WHERE id IN (101, 102)"},
    {ACT(act_delete), .undo = "INSERT INTO app.t VALUES (100, 'put', 5, 0.5)"},
    {ACT(act_put_large), .undo = "DELETE FROM app.bare WHERE a = 1000"},
    {ACT(act_load), .undo = "DELETE FROM app.t WHERE id BETWEEN 200 AND 203"},
    {ACT(act_load_csv), .undo = "DELETE FROM app.t WHERE id BETWEEN 210 AND 212"},
    /* ---- reads of memory ---- */
    {.sql = "SELECT 1 + 1, 'text'"},
    {.sql = "SELECT * FROM app.t WHERE id = 3"},
    {.sql = "SELECT id, name FROM app.t WHERE id IN (1, 2, 77)"},
    {.sql = "SELECT id FROM app.t WHERE id >= 10 AND id < 15 ORDER BY id DESC LIMIT 3"},
    {.sql = "SELECT count(*) FROM app.t"},
    {.sql = "SELECT n % 2 AS odd, sum(price) FROM app.t GROUP BY odd ORDER BY odd"},
    {.sql = "SELECT t.id, f.id FROM app.t t JOIN app.far f ON f.id = t.id ORDER BY 1"},
    {.sql = "SELECT id FROM app.far ORDER BY v <=> '[1,0,0]' LIMIT 1"},
    {.sql = "SELECT body FROM app.notes FOR ALL USERS ORDER BY 1"},
    {.actor = ANN, .sql = "SELECT * FROM app.notes ORDER BY id"},
    {.actor = ANN, .sql = "SELECT * FROM app.events ORDER BY id"},
    {.actor = ANN, .sql = "DROP TABLE app.t", .expected = STATUS_INSUFFICIENT_PRIVILEGE},
    {.sql = "SELECT nothing FROM app.t", .expected = STATUS_UNDEFINED_COLUMN},
    {.sql = "EXECUTE AS USER 'ann' (SELECT id, body FROM app.notes ORDER BY id)"},
    {ACT(act_get)},
    {ACT(act_scan)},
    {ACT(act_each)},
    {ACT(act_statistics)},
    /* ---- the session, the server ---- */
    {.sql = "USE app"},
    {.sql = "SET search_path = app"},
    {.sql = "SET application_name = 'faults'"},
    {.sql = "SHOW search_path"},
    {.sql = "SHOW TABLES IN app", .varies = true},
    {.sql = "SHOW STATS FOR TABLE app.t", .varies = true},
    {.sql = "DESCRIBE app.t", .varies = true},
    {.sql = "EXPLAIN SELECT * FROM app.t WHERE id = 1", .varies = true},
    {.sql = "EXPLAIN ANALYZE SELECT count(*) FROM app.t WHERE n > 1", .varies = true},
    {.sql = "ALTER SYSTEM SET flush.rows = 90000", .undo = "ALTER SYSTEM RESET flush.rows"},
    {.sql = "ALTER SYSTEM RESET flush.rows", .undo = "ALTER SYSTEM SET flush.rows = 90000"},
    {.sql = "BEGIN", .expected = STATUS_FEATURE_NOT_SUPPORTED},
    {.sql = "COMMIT", .expected = STATUS_FEATURE_NOT_SUPPORTED},
    {.sql = "ROLLBACK", .expected = STATUS_FEATURE_NOT_SUPPORTED},
    {.sql = "KILL JOB 'FL-000000000000'", .expected = STATUS_UNDEFINED_OBJECT},
    {.sql = "KILL QUERY 'q-1'", .expected = STATUS_UNDEFINED_OBJECT},
    {.sql = "KILL LIVE QUERY 'l-1'", .expected = STATUS_UNDEFINED_OBJECT},
    {.sql = "KILL CONNECTION 'c-1'", .expected = STATUS_UNDEFINED_OBJECT},
    {.sql = "SUBSCRIBE TO app.t WHERE id < 5", .expected = STATUS_FEATURE_NOT_SUPPORTED},
    {ACT(act_subscribe)},
    {ACT(act_kill_live)},
    {ACT(act_login)},
    {ACT(act_system_tables)},
    {.sql = "ALTER USER 'ann' SET PASSWORD 'second-password'"},
    {.sql = "ALTER USER 'ben' SET ROLE user", .undo = "ALTER USER 'ben' SET ROLE service"},
    /* ---- into files, and there ---- */
    {.sql = "STORAGE FLUSH TABLE app.t",
     .varies = true,
     .only_settles = true,
     .undo = "UPDATE app.t SET n = n WHERE id < 5"},
    {.sql = "STORAGE FLUSH TABLE app.t", .varies = true, .only_settles = true},
    {.actor = ANN,
     .sql = "STORAGE FLUSH TABLE app.notes",
     .varies = true,
     .only_settles = true,
     .undo = "UPDATE app.notes AS USER 'ann' SET body = body WHERE id = 1"},
    {.sql = "SELECT name, n FROM app.t WHERE id = 4"},
    {.sql = "SELECT id FROM app.t WHERE id BETWEEN 11 AND 14 ORDER BY id"},
    {.sql = "SELECT count(*), sum(n) FROM app.t WHERE price > 2"},
    {ACT(act_get)},
    {ACT(act_scan)},
    {.sql = "UPDATE app.t SET n = 40 WHERE id = 4", .undo = "UPDATE app.t SET n = 7 WHERE id = 4"},
    {.sql = "UPDATE app.t SET n = 50 WHERE name LIKE 'row 2%'",
     .undo = "UPDATE app.t SET n = id WHERE id BETWEEN 20 AND 29"},
    {.sql = "DELETE FROM app.t WHERE id IN (10, 11)",
     .undo = "INSERT INTO app.t VALUES (10, 'row 10', 10, 3), (11, 'row 11', 11, 3)"},
    {.sql = "DELETE FROM app.t WHERE name = 'row 12'",
     .undo = "INSERT INTO app.t VALUES (12, 'row 12', 12, 3)"},
    {.sql = "INSERT INTO app.t VALUES (13, 'x', 1, 1)", .expected = STATUS_UNIQUE_VIOLATION},
    {.sql = "INSERT INTO app.t VALUES (13, 'thirteen', 13, 13) ON CONFLICT (id) DO UPDATE SET name "
            "= excluded.name",
     .undo = "UPDATE app.t SET name = 'row 13' WHERE id = 13"},
    {ACT(act_reopen)},
    {.sql = "STORAGE FLUSH ALL IN app",
     .varies = true,
     .only_settles = true,
     .undo = "UPDATE app.t SET n = n WHERE id < 5; UPDATE app.far SET v = v"},
    {.sql = "STORAGE COMPACT TABLE app.t",
     .varies = true,
     .only_settles = true,
     .undo = "UPDATE app.t SET n = n WHERE id < 5; STORAGE FLUSH TABLE app.t"},
    {.sql = "STORAGE COMPACT ALL IN app",
     .varies = true,
     .only_settles = true,
     .undo = "UPDATE app.t SET n = n WHERE id < 5; STORAGE FLUSH TABLE app.t"},
    {ACT(act_flush), .only_settles = true, .undo = "UPDATE app.t SET n = n WHERE id = 1"},
    {ACT(act_flush_async), .only_settles = true, .undo = "UPDATE app.t SET n = n WHERE id = 1"},
    {ACT(act_compact), .only_settles = true},
    /* ---- tables altered, with rows in files ---- */
    {.sql = "ALTER TABLE app.t ADD COLUMN more TEXT DEFAULT 'new'",
     .undo = "ALTER TABLE app.t DROP COLUMN more"},
    {.sql = "ALTER TABLE app.t RENAME COLUMN more TO most",
     .undo = "ALTER TABLE app.t RENAME COLUMN most TO more"},
    {.sql = "ALTER TABLE app.t ALTER COLUMN n TYPE BIGINT"},
    {.sql = "ALTER TABLE app.t ALTER COLUMN n SET DEFAULT 8",
     .undo = "ALTER TABLE app.t ALTER COLUMN n DROP DEFAULT"},
    {.sql = "ALTER TABLE app.t ALTER COLUMN n DROP DEFAULT",
     .undo = "ALTER TABLE app.t ALTER COLUMN n SET DEFAULT 8"},
    {.sql = "ALTER TABLE app.t ALTER COLUMN n SET NOT NULL",
     .undo = "ALTER TABLE app.t ALTER COLUMN n DROP NOT NULL"},
    {.sql = "ALTER TABLE app.t ALTER COLUMN n DROP NOT NULL",
     .undo = "ALTER TABLE app.t ALTER COLUMN n SET NOT NULL"},
    {.sql = "ALTER TABLE app.t SET (flush_rows = 5000, access = 'public')",
     .undo = "ALTER TABLE app.t SET (flush_rows = 6000, access = 'private')"},
    {.sql = "ALTER TABLE app.far RENAME TO further",
     .undo = "ALTER TABLE app.further RENAME TO far"},
    {.sql = "SELECT * FROM app.t WHERE id = 4"},
    {.sql = "INSERT INTO app.t (id, name) VALUES (300, 'after')",
     .undo = "DELETE FROM app.t WHERE id = 300"},
    {.sql = "ALTER TABLE app.t DROP COLUMN most"},
    {ACT(act_reopen)},
    /* ---- the end of things ---- */
    {.sql = "TRUNCATE app.bare", .undo = "INSERT INTO app.bare VALUES (1, 'a')"},
    {.sql = "DROP TABLE app.further",
     .undo = "CREATE TABLE app.further (id INT PRIMARY KEY, v VECTOR(3)) WITH (storage = 'disk')"},
    {.sql = "DROP TABLE IF EXISTS app.further"},
    {.sql = "ALTER STORAGE disk SET PATH '%D-moved'",
     .undo = "ALTER STORAGE disk SET PATH '%D-disk'"},
    {.sql = "DROP STORAGE disk", .undo = "CREATE STORAGE disk TYPE 'filesystem' PATH '%D-moved'"},
    {.sql = "DROP USER 'ann'",
     .varies = true, /* housekeeping may delete some of the rows before it does */
     .undo = "CREATE USER 'ann' WITH PASSWORD 'first-password' ROLE user; INSERT INTO app.notes AS "
             "USER 'ann' VALUES (1, 'hers'), (3, 'from root')"},
    {.sql = "DROP USER 'ben' KEEP DATA"},
    {.sql = "DROP USER IF EXISTS 'nobody'"},
    {.sql = "DROP SCHEMA app", .expected = STATUS_DEPENDENT_OBJECTS_STILL_EXIST},
    {.sql = "DROP TABLE app.events",
     .undo = "CREATE STREAM TABLE app.events (id INT PRIMARY KEY, body TEXT) TTL 1h"},
    {.sql = "DROP NAMESPACE app CASCADE",
     .varies = true,
     .undo = "CREATE NAMESPACE app; CREATE TABLE app.bare (a INT, b TEXT)"},
    {ACT(act_jobs_rest)},
};

const size_t step_count = sizeof steps / sizeof steps[0];

const char *step_name(const Step *step)
{
    return step->sql != NULL ? step->sql : step->name;
}

/* ---- running one ---- */

void step_text(const Life *life, const char *sql, char *out, size_t size)
{
    size_t at = 0;
    for (; *sql != '\0' && at + 1 < size; sql++) {
        if (sql[0] == '%' && sql[1] == 'D') {
            at += (size_t)snprintf(out + at, size - at, "%s", life->directory.text);
            sql++;
        } else {
            out[at++] = *sql;
        }
    }
    ASSERT(at < size);
    out[at] = '\0';
}

static const char *actor_name(Actor actor)
{
    static const char *const names[] = {NULL, "ann", "ben"};
    return names[actor];
}

static int run_sql(firn_session *session, const char *sql, Text *answer, firn_error *error)
{
    firn_result *result;
    int code = firn_session_execute(session, sql, NULL, 0, &result, error);
    if (code != FIRN_OK)
        return code;
    text_put(answer, "%llu rows:", (unsigned long long)firn_row_count(result));
    while (firn_next(result))
        (void)row_put(answer, firn_row(result), firn_column_count(result));
    firn_result_close(result);
    return FIRN_OK;
}

Status step_run(Life *life, const Step *step, Text *answer, firn_error *error)
{
    char sql[STEP_SQL_BYTES];
    firn_session *session = NULL;
    text_clear(answer);
    *error = (firn_error){0};
    if (step->act == act_reopen)
        return (Status)step->act(life, NULL, answer, error);
    int code = firn_session_open(life->database, actor_name(step->actor), &session, error);
    if (code == FIRN_OK && step->act != NULL) {
        code = step->act(life, session, answer, error);
    } else if (code == FIRN_OK) {
        step_text(life, step->sql, sql, sizeof sql);
        code = run_sql(session, sql, answer, error);
    }
    firn_session_close(session);
    return (Status)code;
}

bool step_was_done(const firn_error *error)
{
    return strncmp(error->message, "the statement was done", strlen("the statement was done")) == 0;
}

/* ---- does every kind of statement occur? ---- */

static bool seen[STEPS_MAX];

/* A kind that is new has no case here, and then this does not compile. */
static const char *kind_name(StatementKind kind)
{
    switch (kind) {
#define X(name)            \
    case STATEMENT_##name: \
        return #name;
        STATEMENT_NAMES(X)
#undef X
    }
    return NULL;
}

void kinds_note(Life *life, const Step *step)
{
    char sql[STEP_SQL_BYTES];
    firn_session *session;
    firn_error failure;
    Parameters none = {0};
    Plan *plan = NULL;
    Error error;
    if (step->sql == NULL ||
        firn_session_open(life->database, actor_name(step->actor), &session, &failure) != FIRN_OK)
        return;
    step_text(life, step->sql, sql, sizeof sql);
    if (find_plan(life->database->database, &session->session, slice_of_text(sql), &none, false,
                  &plan, &error) == OK) {
        seen[plan->kind] = true;
        plan_release(plan);
    }
    firn_session_close(session);
}

void kinds_check(void)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        const char *name = kind_name((StatementKind)i);
        if (name != NULL && !seen[i])
            broken("no step is a statement of the kind %s", name);
    }
}
