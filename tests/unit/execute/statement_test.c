/* Statements that need no analytic engine: definitions, INSERT with its conflicts and RETURNING,
 * reads and changes by key, the guard, and the path that never waits. There is no pool of workers
 * here: whatever would need one stops the process. */
#include "execute/execute.h"
#include "sql/parse.h"
#include "tests/unit/catalog/fixture.h"

enum { TEXT_MAX = 8192 };

static Jobs *jobs;
static Metrics *metrics;
static Logger *logger;
static Executor *executor;
static Session root;
static Session bob;
static char rows_text[TEXT_MAX]; /* "1|one;2|two;" */
static ResultSummary summary;
static ResultColumn result_columns[16];
static uint32_t result_column_count;

/* ---- a sink ---- */

static Status take_columns(void *context, const ResultColumn *columns, uint32_t count, Error *error)
{
    (void)context;
    (void)error;
    CHECK(count <= 16);
    memcpy(result_columns, columns, count * sizeof *columns);
    result_column_count = count;
    return OK;
}

static void put_value(const Value *value)
{
    size_t size = strlen(rows_text);
    if (value->is_null)
        (void)snprintf(rows_text + size, TEXT_MAX - size, "NULL");
    else if (value->kind == TYPE_TEXT || value->kind == TYPE_VARCHAR)
        (void)snprintf(rows_text + size, TEXT_MAX - size, "%.*s", SLICE_ARGUMENTS(value->as.bytes));
    else
        (void)snprintf(rows_text + size, TEXT_MAX - size, "%ld", value->as.integer);
}

static Status take_row(void *context, const Value *values, uint32_t count, Error *error)
{
    (void)context;
    (void)error;
    for (uint32_t i = 0; i < count; i++) {
        put_value(&values[i]);
        (void)strncat(rows_text, i + 1 < count ? "|" : ";", TEXT_MAX - strlen(rows_text) - 1);
    }
    return OK;
}

static const ResultSink sink = {.columns = take_columns, .row = take_row};

/* ---- opening ---- */

static void rights_changed(void *context, OwnerId user_id)
{
    (void)context;
    (void)user_id;
}

static void table_dropped(void *context, uint64_t table_id)
{
    (void)context;
    (void)table_id;
}

static bool no_output(void *context, Slice line)
{
    (void)context;
    (void)line;
    return true;
}

static void log_in(Session *session, const char *name, Role role)
{
    OwnerId id;
    Error error;
    *session = (Session){.namespace_name = "shop"};
    CHECK_OK(put_user(name, &id, &error), &error);
    (void)snprintf(session->user_name, sizeof session->user_name, "%s", name);
    session->principal = (Principal){.user_id = id, .role = role};
    session->principal.acting_as = id;
    session->principal.name = slice_of_text(session->user_name);
    session->principal.acting_name = session->principal.name;
}

static void open_executor(void)
{
    Error error;
    JobsOptions jobs_options = {
        .workers = 1, .retention_us = 1000000000, .stuck_after_us = 1000000000, .tick_ns = 1 << 30};
    ExecutorHooks hooks = {.rights_changed = rights_changed, .table_dropped = table_dropped};
    ExecutorOptions executor_options = {.statement_timeout_ns = INT64_C(60000000000),
                                        .write_timeout_ns = INT64_C(10000000000),
                                        .lock_timeout_ns = INT64_C(10000000000),
                                        .transaction_bytes_max = 1 << 24};
    LoggerOptions logger_options = {.level = LOG_LEVEL_ERROR, .write = no_output};
    CHECK_OK(logger_create(env, &logger_options, &logger, &error), &error);
    CHECK_OK(metrics_create(env, &metrics, &error), &error);
    CHECK_OK(jobs_open(env, &jobs_options, logger, metrics, &jobs, &error), &error);
    open_all();
    create_namespace("shop");
    log_in(&root, "root", ROLE_SYSTEM);
    log_in(&bob, "bob", ROLE_USER);
    CHECK_OK(executor_create(env, engine, catalog, jobs, NULL, &hooks, &executor_options, &executor,
                             &error),
             &error);
    CHECK_OK(jobs_start(jobs, engine, catalog, &error), &error);
}

static void close_executor(void)
{
    jobs_stop(jobs, INT64_MAX, NULL, NULL);
    executor_destroy(executor);
    close_all();
    jobs_close(jobs);
    metrics_destroy(metrics);
    logger_destroy(logger);
}

/* ---- running ---- */

static Status bind(Session *session, const char *sql, Plan **out, Error *error)
{
    CatalogSnapshot *snapshot = catalog_snapshot(catalog);
    BindRequest request = {.sql = slice_of_text(sql),
                           .snapshot = snapshot,
                           .namespace_name = slice_of_text(session->namespace_name)};
    Status status = plan_bind(&request, out, error);
    catalog_snapshot_release(snapshot);
    return status;
}

static Status try_as(Session *session, const char *sql, const Value *parameters, uint32_t count,
                     Error *error)
{
    Plan *plan;
    rows_text[0] = '\0';
    summary = (ResultSummary){0};
    TRY(bind(session, sql, &plan, error));
    Status status =
        execute_plan(executor, session, plan, parameters, count, &sink, &summary, error);
    plan_release(plan);
    return status;
}

static void execute_as(Session *session, const char *sql)
{
    Error error;
    Status status = try_as(session, sql, NULL, 0, &error);
    if (status != OK)
        simulation_fail(machine, "%s: %s %s [%s]", sql, status_name(status), error.message,
                        error.internal);
}

static void execute(const char *sql)
{
    execute_as(&root, sql);
}

static void expect_as(Session *session, const char *sql, const char *wanted)
{
    execute_as(session, sql);
    if (strcmp(rows_text, wanted) != 0)
        simulation_fail(machine, "%s: \"%s\", wanted \"%s\"", sql, rows_text, wanted);
}

static void expect(const char *sql, const char *wanted)
{
    expect_as(&root, sql, wanted);
}

static void refuse_as(Session *session, const char *sql, Status wanted)
{
    Error error;
    Status status = try_as(session, sql, NULL, 0, &error);
    if (status != wanted)
        simulation_fail(machine, "%s: %s %s, wanted %s", sql, status_name(status),
                        status == OK ? "" : error.message, status_name(wanted));
}

static void refuse(const char *sql, Status wanted)
{
    refuse_as(&root, sql, wanted);
}

static uint64_t id_of(const char *name)
{
    CatalogSnapshot *snapshot = catalog_snapshot(catalog);
    const CatalogTable *table = catalog_find_table(snapshot, SLICE("shop"), slice_of_text(name));
    CHECK(table != NULL);
    uint64_t id = table->id;
    catalog_snapshot_release(snapshot);
    return id;
}

/* ---- INSERT ---- */

static void insert(void *argument)
{
    (void)argument;
    open_executor();
    execute("CREATE SHARED TABLE t (k BIGINT PRIMARY KEY, v TEXT DEFAULT 'none', n BIGINT CHECK (n "
            "> 0))");
    execute("INSERT INTO t VALUES (1, 'one', 10), (2, 'two', 20)");
    CHECK(strcmp(summary.tag, "INSERT 0 2") == 0 && summary.seq > 0);
    CHECK(strcmp(summary.durability, "always") == 0);
    expect("SELECT v, n FROM t WHERE k = 2", "two|20;");
    expect("SELECT v FROM t WHERE k = 9", "");
    expect("INSERT INTO t (k) VALUES (3) RETURNING k, v, n, k + 1", "3|none|NULL|4;");
    refuse("INSERT INTO t VALUES (1, 'again', 1)", STATUS_UNIQUE_VIOLATION);
    refuse("INSERT INTO t VALUES (4, 'x', 1), (4, 'y', 1)", STATUS_UNIQUE_VIOLATION);
    refuse("INSERT INTO t VALUES (4, 'x', 0)", STATUS_CHECK_VIOLATION);
    refuse("INSERT INTO t VALUES (NULL, 'x', 1)", STATUS_NOT_NULL_VIOLATION);
    expect("SELECT v FROM t WHERE k = 4", ""); /* all or nothing */
    execute("INSERT INTO t VALUES (1, 'x', 1), (5, 'five', 5) ON CONFLICT DO NOTHING");
    CHECK(strcmp(summary.tag, "INSERT 0 1") == 0);
    expect("SELECT v FROM t WHERE k = 1", "one;");
    execute("INSERT INTO t VALUES (1, 'x', 1) ON CONFLICT DO NOTHING");
    CHECK(strcmp(summary.tag, "INSERT 0 0") == 0);
    expect("INSERT INTO t VALUES (1, 'new', 7) ON CONFLICT (k) DO UPDATE SET v = excluded.v, n = "
           "t.n + excluded.n RETURNING v, n",
           "new|17;");
    expect("SELECT v, n FROM t WHERE k = 1", "new|17;");
    refuse("INSERT INTO t VALUES (1, 'x', 1) ON CONFLICT (k) DO UPDATE SET n = 0",
           STATUS_CHECK_VIOLATION);
    refuse("INSERT INTO t VALUES (1, 'x', 1) ON CONFLICT (k) DO UPDATE SET k = 8",
           STATUS_FEATURE_NOT_SUPPORTED);
    expect("SELECT v, n FROM t WHERE k = 1", "new|17;");
    close_executor();
}

static void insert_with_conflicts_and_returning(void **state)
{
    (void)state;
    run(insert);
}

/* ---- by key ---- */

static void change_by_key(void *argument)
{
    SettleResult result;
    Error error;
    (void)argument;
    open_executor();
    execute("CREATE SHARED TABLE t (k BIGINT PRIMARY KEY, v TEXT)");
    execute("INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')");
    for (int round = 0; round < 2; round++) { /* from memory, then from a file */
        expect("SELECT v FROM t WHERE k = 1", "one;");
        expect("UPDATE t SET v = v || '!' WHERE k = 2 RETURNING v",
               round == 0 ? "two!;" : "two!!;");
        CHECK(strcmp(summary.tag, "UPDATE 1") == 0);
        execute("UPDATE t SET v = 'x' WHERE k = 99");
        CHECK(strcmp(summary.tag, "UPDATE 0") == 0);
        execute("DELETE FROM t WHERE k = 3");
        CHECK(strcmp(summary.tag, round == 0 ? "DELETE 1" : "DELETE 0") == 0);
        EngineTable *table = engine_table(engine, id_of("t"));
        SettleRequest request = {.job_id = SLICE("test")};
        CHECK_OK(engine_flush(engine, table, &request, &result, &error), &error);
        engine_table_release(table);
    }
    expect("SELECT k, v FROM t WHERE k = 2", "2|two!!;");
    execute("UPDATE t SET k = 7 WHERE k = 1"); /* a delete and an insert */
    expect("SELECT v FROM t WHERE k = 1", "");
    expect("SELECT v FROM t WHERE k = 7", "one;");
    refuse("UPDATE t SET k = 2 WHERE k = 7", STATUS_UNIQUE_VIOLATION);
    expect("SELECT v FROM t WHERE k = 7", "one;");
    expect("SELECT v FROM t WHERE k = 2", "two!!;");
    close_executor();
}

static void rows_are_changed_by_key(void **state)
{
    (void)state;
    run(change_by_key);
}

static void without_a_table(void *argument)
{
    (void)argument;
    open_executor();
    expect("SELECT 1 + 1, 'a' || 'b', NULL", "2|ab|NULL;");
    CHECK(summary.has_rows && summary.row_count == 1 && result_column_count == 3);
    refuse("SELECT 1 / 0", STATUS_DIVISION_BY_ZERO);
    refuse("SELECT v FROM nothing WHERE k = 1", STATUS_UNDEFINED_TABLE);
    close_executor();
}

static void expressions_need_no_table(void **state)
{
    (void)state;
    run(without_a_table);
}

/* ---- the guard ---- */

static void guard(void *argument)
{
    (void)argument;
    open_executor();
    execute("CREATE SHARED TABLE closed (k BIGINT PRIMARY KEY, v TEXT)");
    execute("CREATE USER TABLE own (k BIGINT PRIMARY KEY, v TEXT)");
    execute("INSERT INTO closed VALUES (1, 'secret')");
    execute("INSERT INTO own VALUES (1, 'of root')");
    refuse_as(&bob, "SELECT v FROM closed WHERE k = 1", STATUS_INSUFFICIENT_PRIVILEGE);
    refuse_as(&bob, "INSERT INTO closed VALUES (2, 'x')", STATUS_INSUFFICIENT_PRIVILEGE);
    refuse_as(&bob, "UPDATE closed SET v = 'x' WHERE k = 1", STATUS_INSUFFICIENT_PRIVILEGE);
    refuse_as(&bob, "DELETE FROM closed WHERE k = 1", STATUS_INSUFFICIENT_PRIVILEGE);
    refuse_as(&bob, "DROP TABLE closed", STATUS_INSUFFICIENT_PRIVILEGE);
    refuse_as(&bob, "CREATE SHARED TABLE mine (k BIGINT PRIMARY KEY)",
              STATUS_INSUFFICIENT_PRIVILEGE);
    expect("SELECT v FROM closed WHERE k = 1", "secret;");
    expect_as(&bob, "SELECT v FROM own WHERE k = 1", ""); /* another one's row is not there */
    execute_as(&bob, "INSERT INTO own VALUES (1, 'of bob')");
    expect_as(&bob, "SELECT v FROM own WHERE k = 1", "of bob;");
    expect_as(&root, "SELECT v FROM own WHERE k = 1", "of root;");
    execute_as(&bob, "DELETE FROM own WHERE k = 1");
    expect_as(&root, "SELECT v FROM own WHERE k = 1", "of root;");
    close_executor();
}

static void the_guard_is_asked_at_every_run(void **state)
{
    (void)state;
    run(guard);
}

/* ---- without waiting ---- */

static Status quick_status;
static bool quick_ended;

static void quick_done(void *context, Status status, uint64_t seq)
{
    (void)context;
    CHECK(seq > 0 || status != OK);
    quick_status = status;
    quick_ended = true;
}

static Status quick(Session *session, const char *sql, Error *error)
{
    Plan *plan;
    bool pending = false;
    rows_text[0] = '\0';
    quick_ended = false;
    TRY(bind(session, sql, &plan, error));
    Status status = execute_quick(executor, session, plan, NULL, 0, &sink, &summary, quick_done,
                                  NULL, &pending, error);
    while (status == OK && pending && !quick_ended)
        env_yield(env, "quick");
    plan_release(plan);
    return status == OK && pending ? quick_status : status;
}

static void run_quick(void *argument)
{
    SettleResult result;
    Error error;
    (void)argument;
    open_executor();
    execute("CREATE SHARED TABLE t (k BIGINT PRIMARY KEY, v TEXT)");
    CHECK_STATUS(OK, quick(&root, "INSERT INTO t VALUES (1, 'one')", &error));
    expect("SELECT v FROM t WHERE k = 1", "one;");
    CHECK_STATUS(OK, quick(&root, "SELECT v FROM t WHERE k = 1", &error));
    CHECK(strcmp(rows_text, "one;") == 0);
    CHECK_STATUS(STATUS_UNIQUE_VIOLATION, quick(&root, "INSERT INTO t VALUES (1, 'x')", &error));
    CHECK_STATUS(STATUS_INSUFFICIENT_PRIVILEGE, quick(&bob, "SELECT v FROM t WHERE k = 1", &error));
    EngineTable *table = engine_table(engine, id_of("t"));
    SettleRequest request = {.job_id = SLICE("test")};
    CHECK_OK(engine_flush(engine, table, &request, &result, &error), &error);
    engine_table_release(table);
    CHECK_STATUS(STATUS_WOULD_BLOCK, quick(&root, "INSERT INTO t VALUES (1, 'x')", &error));
    expect("SELECT v FROM t WHERE k = 1", "one;");
    Plan *plan;
    CHECK_OK(bind(&root, "SELECT v FROM t", &plan, &error), &error);
    CHECK(!plan_is_quick(plan));
    plan_release(plan);
    CHECK_OK(bind(&root, "SELECT v FROM t WHERE k = 1", &plan, &error), &error);
    CHECK(plan_is_quick(plan));
    plan_release(plan);
    close_executor();
}

static void the_quick_path_writes_and_reads_or_does_nothing(void **state)
{
    (void)state;
    run(run_quick);
}

/* ---- plans that are old ---- */

static void old_plan(void *argument)
{
    Plan *plan;
    Error error;
    (void)argument;
    open_executor();
    execute("CREATE SHARED TABLE t (k BIGINT PRIMARY KEY, v TEXT)");
    CHECK_OK(bind(&root, "INSERT INTO t VALUES (1, 'x')", &plan, &error), &error);
    execute("ALTER TABLE t ADD COLUMN n BIGINT DEFAULT 5");
    CHECK_STATUS(STATUS_SCHEMA_CHANGED,
                 execute_plan(executor, &root, plan, NULL, 0, &sink, &summary, &error));
    plan_release(plan);
    execute("INSERT INTO t (k) VALUES (1)");
    expect("SELECT n FROM t WHERE k = 1", "5;");
    CHECK_OK(bind(&root, "SELECT v FROM t WHERE k = 1", &plan, &error), &error);
    execute("DROP TABLE t");
    CHECK(execute_plan(executor, &root, plan, NULL, 0, &sink, &summary, &error) != OK);
    plan_release(plan);
    close_executor();
}

static void a_plan_of_an_old_schema_is_sent_back(void **state)
{
    (void)state;
    run(old_plan);
}

static int boot_deep(void **state)
{
    (void)boot(state);
    simulation_destroy(machine);
    machine = simulation_create(&(SimulationOptions){.seed = 1, .stack_bytes = 16 << 20});
    env = simulation_env(machine);
    options.seals_only_by_command = true;
    return 0;
}

#define ON_A_DEEP_MACHINE(test) cmocka_unit_test_setup_teardown(test, boot_deep, shut_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_DEEP_MACHINE(insert_with_conflicts_and_returning),
        ON_A_DEEP_MACHINE(rows_are_changed_by_key),
        ON_A_DEEP_MACHINE(expressions_need_no_table),
        ON_A_DEEP_MACHINE(the_guard_is_asked_at_every_run),
        ON_A_DEEP_MACHINE(the_quick_path_writes_and_reads_or_does_nothing),
        ON_A_DEEP_MACHINE(a_plan_of_an_old_schema_is_sent_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
