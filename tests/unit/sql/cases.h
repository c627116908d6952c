/* Tables of statements, good and bad, bound against one catalog: what the tests of definitions,
 * operations and clauses have in common. */
#ifndef FIRN_TESTS_UNIT_SQL_CASES_H
#define FIRN_TESTS_UNIT_SQL_CASES_H

#include "tests/unit/sql/catalog_fixture.h"
#include "tests/unit/sql/plan_text.h"

static const char *const fixture[] = {
    "CREATE NAMESPACE chat",
    "CREATE NAMESPACE shop",
    "CREATE STORAGE \"s3-eu\" TYPE 'filesystem' PATH '/mnt/eu'",
    "CREATE USER TABLE chat.messages (id BIGINT PRIMARY KEY, author TEXT NOT NULL, body TEXT, "
    "n INT DEFAULT 7, price NUMERIC(10,2), code VARCHAR(8), CHECK (n > 0), "
    "CONSTRAINT priced CHECK (price > 0 AND n < 100), "
    "CONSTRAINT odd CHECK (lower(code) <> messages.author))",
    "CREATE STREAM TABLE chat.typing (who TEXT PRIMARY KEY, at TIMESTAMPTZ) TTL 1h",
    "CREATE TABLE chat.rooms (name TEXT, topic TEXT) WITH (access='public')",
    "CREATE TABLE shop.twin (twin INT, abs INT, CONSTRAINT c CHECK (twin.twin > abs(abs) OR twin "
    "< 5))",
    "CREATE TABLE shop.orders (a INT, b INT, c REAL, PRIMARY KEY (b, a))",
};

static CatalogSnapshot *catalog;

typedef struct GoodCase {
    const char *sql;
    const char *plan;
} GoodCase;

typedef struct BadCase {
    const char *sql;
    const char *sqlstate;
    int32_t byte;
    const char *message; /* NULL: another room's words */
} BadCase;

static inline Status bind(const char *sql, Plan **plan, Error *error)
{
    BindRequest request = {
        .sql = slice_of_text(sql), .snapshot = catalog, .namespace_name = SLICE("chat")};
    return plan_bind(&request, plan, error);
}

/* All cases of a table are tried, so that one run shows all that is wrong. */
static inline void expect_good(const GoodCase *cases, size_t count)
{
    unsigned failures = 0;
    for (size_t i = 0; i < count; i++) {
        Plan *plan;
        Buffer text;
        Error error;
        if (bind(cases[i].sql, &plan, &error) != OK) {
            print_error("%s:\n  %s\n", cases[i].sql, error.message);
            failures++;
            continue;
        }
        buffer_open(&text, 0);
        plan_put_text(&text, plan);
        if (!slice_equal_text(buffer_slice(&text), cases[i].plan)) {
            print_error("%s:\n  got    %.*s\n  wanted %s\n", cases[i].sql,
                        SLICE_ARGUMENTS(buffer_slice(&text)), cases[i].plan);
            failures++;
        }
        buffer_close(&text);
        plan_release(plan);
    }
    assert_int_equal(failures, 0);
}

static inline void expect_bad(const BadCase *cases, size_t count)
{
    unsigned failures = 0;
    for (size_t i = 0; i < count; i++) {
        const BadCase *wanted = &cases[i];
        Plan *plan;
        Error error;
        error_clear(&error);
        if (bind(wanted->sql, &plan, &error) == OK)
            plan_release(plan);
        if (strcmp(status_sqlstate(error.status), wanted->sqlstate) == 0 &&
            error.position_byte == wanted->byte &&
            (wanted->message == NULL || strcmp(error.message, wanted->message) == 0))
            continue;
        print_error("%s:\n  got    %s @%d %s\n  wanted %s @%d %s\n", wanted->sql,
                    status_sqlstate(error.status), error.position_byte, error.message,
                    wanted->sqlstate, wanted->byte, wanted->message == NULL ? "" : wanted->message);
        failures++;
    }
    assert_int_equal(failures, 0);
}

static inline int make_catalog(void **state)
{
    (void)state;
    catalog = fixture_create(fixture, COUNT(fixture));
    return 0;
}

static inline int drop_catalog(void **state)
{
    (void)state;
    catalog_snapshot_release(catalog);
    return 0;
}

/* Every allocation of a statement fails once: an error, and nothing leaks. */
static inline void expect_no_leaks(const char *sql)
{
    for (int64_t n = 1;; n++) {
        Plan *plan = NULL;
        Error error;
        memory_fail_at(n, 1);
        Status status = bind(sql, &plan, &error);
        bool reached = memory_allocations() >= n;
        memory_fail_at(0, 0);
        if (status == OK)
            plan_release(plan);
        else
            assert_status(STATUS_OUT_OF_MEMORY, status);
        if (!reached)
            return;
    }
}

#endif
