/* Statements of our own: STORAGE, SHOW, DESCRIBE, KILL, USE, users, storages, settings; wrappers
 * around any statement; what is recognised and refused by its name. */
#include "sql/results.h"
#include "tests/unit/sql/cases.h"

static const GoodCase good[] = {
    {"STORAGE FLUSH TABLE messages", "STORAGE FLUSH chat.messages"},
    {"storage flush table shop.orders async;", "STORAGE FLUSH shop.orders async"},
    {"STORAGE FLUSH TABLE chat.messages FOR USER 'alice'", "STORAGE FLUSH chat.messages for=alice"},
    {"STORAGE FLUSH TABLE chat.messages FOR USER alice ASYNC",
     "STORAGE FLUSH chat.messages for=alice async"},
    {"STORAGE FLUSH TABLE typing", "STORAGE FLUSH chat.typing"},
    {"STORAGE FLUSH ALL", "STORAGE FLUSH"},
    {"STORAGE FLUSH ALL IN shop", "STORAGE FLUSH in=shop"},
    {"STORAGE FLUSH ALL IN shop ASYNC", "STORAGE FLUSH in=shop async"},
    {"STORAGE COMPACT TABLE shop.orders", "STORAGE COMPACT shop.orders"},
    {"STORAGE COMPACT ALL", "STORAGE COMPACT"},
    {"STORAGE COMPACT ALL IN chat", "STORAGE COMPACT in=chat"},
    {"STORAGE CHECK \"s3-eu\"", "STORAGE CHECK id=s3-eu"},
    {"STORAGE CHECK 'local'", "STORAGE CHECK id=local"},
    {"DESCRIBE messages", "DESCRIBE chat.messages"},
    {"DESC TABLE shop.orders", "DESCRIBE shop.orders"},
    {"DESCRIBE \"chat\".\"rooms\"", "DESCRIBE chat.rooms"},
    {"DESCRIBE U&\"ch\\0061t\".U&\"r!006foms\" UESCAPE '!'", "DESCRIBE chat.rooms"},
    {"DESCRIBE system.jobs", "DESCRIBE system.jobs"},
    {"DESC sys.jobs", "DESCRIBE system.jobs"},
    {"KILL JOB 'FL-4k7q'", "KILL JOB id=FL-4k7q"},
    {"KILL QUERY 'q1'", "KILL QUERY id=q1"},
    {"KILL QUERY 17", "KILL QUERY id=17"},
    {"KILL LIVE QUERY 'l1'", "KILL LIVE QUERY id=l1"},
    {"KILL CONNECTION $$c1$$", "KILL CONNECTION id=c1"},
    {"USE chat", "SET namespace=chat"},
    {"USE NAMESPACE shop", "SET namespace=shop"},
    {"USE system", "SET namespace=system"},
    {"SET search_path = shop", "SET namespace=shop"},
    {"SET search_path TO \"$user\", shop, pg_catalog", "SET namespace=shop"},
    {"SET SCHEMA 'shop'", "SET namespace=shop"},
    {"SET search_path = nowhere", "SET namespace=nowhere"},
    {"RESET search_path", "SET"},
    {"SET search_path TO DEFAULT", "SET"},
    {"SET statement_timeout = 5000", "SET name=statement_timeout value=5000"},
    {"SET statement_timeout TO '5s'", "SET name=statement_timeout value=5s"},
    {"SET extra_float_digits = -1", "SET name=extra_float_digits value=-1"},
    {"SET a.b = on", "SET name=a.b value=on"},
    {"SET SESSION x = 1.5, 'y'", "SET name=x value=1.5, y"},
    {"SET x TO DEFAULT", "SET name=x reset"},
    {"SET TIME ZONE 'UTC'", "SET name=timezone value=UTC"},
    {"RESET x", "SET name=x reset"},
    {"RESET ALL", "SET name=all reset"},
    {"SHOW search_path", "SHOW name=search_path"},
    {"SHOW server_version", "SHOW name=server_version"},
    {"SHOW TRANSACTION ISOLATION LEVEL", "SHOW name=transaction_isolation"},
    {"ALTER SYSTEM SET flush.rows = 5000", "ALTER SYSTEM name=flush.rows value=5000"},
    {"ALTER SYSTEM SET flush.interval TO 60s", "ALTER SYSTEM name=flush.interval value=60s"},
    {"ALTER SYSTEM SET flush.bytes = 64MB", "ALTER SYSTEM name=flush.bytes value=64MB"},
    {"ALTER SYSTEM SET log.durability = 'interval'",
     "ALTER SYSTEM name=log.durability value=interval"},
    {"ALTER SYSTEM SET server.ui = off", "ALTER SYSTEM name=server.ui value=off"},
    {"ALTER SYSTEM SET flush.rows TO DEFAULT", "ALTER SYSTEM name=flush.rows reset"},
    {"ALTER SYSTEM RESET flush.rows", "ALTER SYSTEM name=flush.rows reset"},
    {"CREATE USER bob", "CREATE ROLE name=bob role=user"},
    {"CREATE USER 'Bob.O-1@x' WITH PASSWORD 'pw' ROLE service",
     "CREATE ROLE name=Bob.O-1@x password=pw role=service"},
    {"CREATE USER IF NOT EXISTS bob ROLE 'dba' EMAIL 'b@example.org' STORAGE 's3-eu'",
     "CREATE ROLE name=bob role=dba email=b@example.org storage=s3-eu if not exists"},
    {"CREATE USER \"Bob\" PASSWORD E'a\\'b'", "CREATE ROLE name=Bob password=a'b role=user"},
    {"CREATE USER stream ROLE user", "CREATE ROLE name=stream role=user"},
    {"ALTER USER bob SET PASSWORD 'new'", "ALTER ROLE name=bob password=new"},
    {"ALTER USER 'bob' SET ROLE dba", "ALTER ROLE name=bob role=dba"},
    {"ALTER USER IF EXISTS bob WITH PASSWORD 'x' ROLE user",
     "ALTER ROLE name=bob password=x role=user if exists"},
    {"DROP USER bob", "DROP ROLE name=bob"},
    {"DROP USER IF EXISTS 'bob' KEEP DATA", "DROP ROLE name=bob keep data if exists"},
    {"CREATE STORAGE eu TYPE 'filesystem' PATH '/mnt/eu'",
     "CREATE STORAGE id=eu type=filesystem path=/mnt/eu"},
    {"CREATE STORAGE 's3-us' TYPE filesystem PATH '/mnt'",
     "CREATE STORAGE id=s3-us type=filesystem path=/mnt"},
    {"ALTER STORAGE eu SET PATH '/mnt/eu2'", "ALTER STORAGE id=eu path=/mnt/eu2"},
    {"DROP STORAGE eu", "DROP STORAGE id=eu"},
    {"BEGIN", "BEGIN name=transaction_isolation"},
    {"START TRANSACTION ISOLATION LEVEL REPEATABLE READ",
     "BEGIN name=transaction_isolation value=repeatable read"},
    {"BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE",
     "BEGIN name=transaction_isolation value=read committed"},
    {"COMMIT", "COMMIT"},
    {"END", "COMMIT"},
    {"ROLLBACK", "ROLLBACK"},
    {"ABORT", "ROLLBACK"},
    {"SHOW TABLES", "SELECT system.tables"},
    {"SHOW TABLES IN chat", "SELECT system.tables"},
    {"show namespaces;", "SELECT system.namespaces"},
    {"SHOW USERS", "SELECT system.users"},
    {"SHOW STORAGES", "SELECT system.storages"},
    {"SHOW JOBS", "SELECT system.jobs"},
    {"SHOW LIVE QUERIES", "SELECT system.live_queries"},
    {"SHOW MANIFEST", "SELECT system.manifest"},
    {"SHOW MANIFEST FOR messages", "SELECT system.manifest"},
    {"SHOW STATS FOR TABLE shop.orders", "SELECT system.manifest"},
    {"EXPLAIN STORAGE FLUSH ALL", "EXPLAIN: STORAGE FLUSH"},
    {"EXPLAIN ANALYZE SELECT 1", "EXPLAIN analyze: SELECT"},
    {"EXPLAIN (ANALYZE) SELECT 1", "EXPLAIN analyze: SELECT"},
    {"EXPLAIN (ANALYZE off, FORMAT text) SELECT 1", "EXPLAIN: SELECT"},
    {"EXPLAIN (SELECT 1)", "EXPLAIN: SELECT"},
    {"EXPLAIN CREATE TABLE t (a INT)", "EXPLAIN: CREATE TABLE chat.t shared (a INTEGER)"},
    {"EXECUTE AS USER 'alice' (SELECT 1)", "SELECT execute as=alice"},
    {"execute as user alice (STORAGE FLUSH ALL);", "STORAGE FLUSH execute as=alice"},
    {"EXPLAIN EXECUTE AS USER 'alice' (SELECT (1))",
     "EXPLAIN execute as=alice: SELECT execute as=alice"},
    {"EXECUTE AS USER 'alice' (EXPLAIN SELECT 1)",
     "EXPLAIN execute as=alice: SELECT execute as=alice"},
};

static const BadCase bad[] = {
    {"STORAGE", "42601", 7, "syntax error at end of input: expected FLUSH, COMPACT or CHECK"},
    {"STORAGE FLUSHH", "42601", 8,
     "syntax error at or near \"FLUSHH\": expected FLUSH, COMPACT or CHECK"},
    {"STORAGE FLUSH messages", "42601", 14,
     "syntax error at or near \"messages\": expected TABLE or ALL"},
    {"STORAGE FLUSH TABLE", "42601", 19, "syntax error at end of input: expected a table's name"},
    {"STORAGE FLUSH TABLE nothere", "42P01", 20, "relation \"nothere\" does not exist"},
    {"STORAGE FLUSH TABLE system.jobs", "42501", 20, "system tables are read-only"},
    {"STORAGE FLUSH TABLE messages ASYNC ASYNC", "42601", 35,
     "syntax error at or near \"ASYNC\": expected the end of the statement"},
    {"STORAGE FLUSH TABLE rooms FOR USER 'x'", "42809", 26, "\"chat.rooms\" is not a USER table"},
    {"STORAGE FLUSH TABLE messages FOR USER", "42601", 37,
     "syntax error at end of input: expected a user's name"},
    {"STORAGE FLUSH ALL IN nowhere", "3F000", 21, "namespace \"nowhere\" does not exist"},
    {"STORAGE COMPACT TABLE typing", "42809", 22,
     "\"typing\" is a STREAM table: it has no data files to compact"},
    {"STORAGE COMPACT", "42601", 15, "syntax error at end of input: expected TABLE or ALL"},
    {"DESCRIBE", "42601", 8, "syntax error at end of input: expected a table's name"},
    {"DESCRIBE nothere", "42P01", 9, "relation \"nothere\" does not exist"},
    {"DESCRIBE messages rooms", "42601", 18,
     "syntax error at or near \"rooms\": expected the end of the statement"},
    {"DESCRIBE 'messages'", "42601", 9,
     "syntax error at or near \"'messages'\": expected a table's name"},
    {"DESCRIBE \"messages", "42601", 9, "unterminated quoted identifier at or near \"\"messages\""},
    {"KILL", "42601", 4,
     "syntax error at end of input: expected JOB, QUERY, LIVE QUERY or CONNECTION"},
    {"KILL LIVE 'x'", "42601", 5,
     "syntax error at or near \"LIVE\": expected JOB, QUERY, LIVE QUERY or CONNECTION"},
    {"KILL JOB", "42601", 8, "syntax error at end of input: expected a value"},
    {"USE", "42601", 3, "syntax error at end of input: expected a namespace's name"},
    {"USE nowhere", "3F000", 4, "namespace \"nowhere\" does not exist"},
    {"SET search_path = a, b", "0A000", 21,
     "search_path of several namespaces is not supported yet"},
    {"SET LOCAL x = 1", "0A000", 0, "SET LOCAL is not supported yet"},
    {"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "0A000", 0,
     "SET TRANSACTION is not supported yet"},
    {"SET ROLE bob", "0A000", 0, "SET ROLE is not supported yet"},
    {"SET SESSION AUTHORIZATION bob", "0A000", 0, "SET SESSION AUTHORIZATION is not supported yet"},
    {"SET x FROM CURRENT", "0A000", 0, "SET … FROM CURRENT is not supported yet"},
    {"SET TIME ZONE INTERVAL '1 hour' HOUR", "0A000", -1,
     "SET to such a value is not supported yet"},
    {"ALTER SYSTEM", "42601", 12, "syntax error at end of input: expected SET or RESET"},
    {"ALTER SYSTEM SET x 5", "42601", 19, "syntax error at or near \"5\": expected \"=\" or TO"},
    {"ALTER SYSTEM SET x =", "42601", 20, "syntax error at end of input: expected a value"},
    {"CREATE USER", "42601", 11, "syntax error at end of input: expected a user's name"},
    {"CREATE USER bob WITH", "42601", 20,
     "syntax error at end of input: expected PASSWORD, ROLE, EMAIL or STORAGE"},
    {"CREATE USER bob NONSENSE", "42601", 16,
     "syntax error at or near \"NONSENSE\": expected PASSWORD, ROLE, EMAIL or STORAGE"},
    {"CREATE USER bob PASSWORD", "42601", 24,
     "syntax error at end of input: expected the password as a string"},
    {"CREATE USER bob PASSWORD ''", "22023", 25, "a password has 1 to 1024 bytes"},
    {"CREATE USER bob PASSWORD 'a' PASSWORD 'b'", "42601", 29, "password is given more than once"},
    {"CREATE USER bob ROLE boss", "22023", 21, "\"boss\" is not a role"},
    {"CREATE USER bob ROLE anonymous", "22023", 21, "\"anonymous\" is not a role"},
    {"CREATE USER bob EMAIL 'nobody'", "22023", 22, "\"nobody\" is not an e-mail address"},
    {"ALTER USER bob", "42601", 14,
     "syntax error at end of input: expected PASSWORD, ROLE, EMAIL or STORAGE"},
    {"ALTER USER bob SET", "42601", 18,
     "syntax error at end of input: expected PASSWORD, ROLE, EMAIL or STORAGE"},
    {"DROP USER bob KEEP", "42601", 14,
     "syntax error at or near \"KEEP\": expected the end of the statement"},
    {"DROP USER bob, alice", "42601", 13,
     "syntax error at or near \",\": expected the end of the statement"},
    {"CREATE STORAGE", "42601", 14, "syntax error at end of input: expected a storage's id"},
    {"CREATE STORAGE 1x TYPE 'filesystem' PATH '/x'", "42601", 15,
     "trailing junk after numeric literal at or near \"1x\""},
    {"CREATE STORAGE \"a/b\" TYPE 'filesystem' PATH '/x'", "42602", 15,
     "\"a/b\" cannot be a storage's id"},
    {"CREATE STORAGE eu PATH '/x'", "42601", 18, "syntax error at or near \"PATH\": expected TYPE"},
    {"CREATE STORAGE eu TYPE 's3' PATH '/x'", "0A000", 23,
     "storage of type 's3' is not supported yet"},
    {"CREATE STORAGE eu TYPE 'ftp' PATH '/x'", "22023", 23,
     "invalid value for \"type\": \"ftp\" is not filesystem, s3, gcs or azure"},
    {"CREATE STORAGE eu TYPE 'filesystem' PATH 'x'", "22023", 41,
     "a storage's path begins with / and has at most 512 bytes"},
    {"CREATE STORAGE eu TYPE 'filesystem' PATH '/x' WITH (user_template='{user}')", "0A000", 52,
     "\"user_template\" of a storage is not supported yet"},
    {"CREATE STORAGE eu TYPE 'filesystem' PATH '/x' WITH (nonsense=1)", "22023", 52,
     "unrecognized parameter \"nonsense\""},
    {"BEGIN ISOLATION LEVEL SERIALIZABLE", "0A000", 6,
     "isolation level SERIALIZABLE is not supported yet"},
    {"BEGIN READ ONLY", "0A000", 6, "a READ ONLY transaction is not supported yet"},
    {"COMMIT AND CHAIN", "0A000", 0, "AND CHAIN is not supported yet"},
    {"SAVEPOINT s", "0A000", 0, "SAVEPOINT is not supported yet"},
    {"ROLLBACK TO s", "0A000", 0, "ROLLBACK TO SAVEPOINT is not supported yet"},
    {"RELEASE s", "0A000", 0, "RELEASE SAVEPOINT is not supported yet"},
    {"PREPARE TRANSACTION 'x'", "0A000", 0, "PREPARE TRANSACTION is not supported yet"},
    {"SHOW VIEWS", "0A000", 0, "SHOW VIEWS is not supported yet"},
    {"SHOW TABLES IN nowhere", "3F000", 15, "namespace \"nowhere\" does not exist"},
    {"SHOW TABLES chat", "42601", 12,
     "syntax error at or near \"chat\": expected the end of the statement"},
    {"SHOW MANIFEST FOR nothere", "42P01", 18, "relation \"nothere\" does not exist"},
    {"SHOW STATS", "42601", 10, "syntax error at end of input: expected FOR TABLE"},
    {"SHOW", "42601", 4, "syntax error at end of input"},
    {"EXPLAIN", "42601", 7, "syntax error at end of input"},
    {"EXPLAIN EXPLAIN SELECT 1", "42601", 8, "syntax error at or near \"EXPLAIN\""},
    {"EXPLAIN VERBOSE SELECT 1", "0A000", 8, "EXPLAIN VERBOSE is not supported yet"},
    {"EXPLAIN (COSTS off) SELECT 1", "0A000", 9, "EXPLAIN (costs) is not supported yet"},
    {"EXPLAIN (FORMAT json) SELECT 1", "0A000", 9, "EXPLAIN (format) is not supported yet"},
    {"EXPLAIN (ANALYZE SELECT 1", "22023", 17,
     "invalid value for \"analyze\": \"select\" is not true or false"},
    {"EXPLAIN (ANALYZE on SELECT 1", "42601", 20,
     "syntax error at or near \"SELECT\": expected \")\""},
    {"EXECUTE AS USER (SELECT 1)", "42601", 16,
     "syntax error at or near \"(\": expected a user's name"},
    {"EXECUTE AS USER 'a b' (SELECT 1)", "42602", 16, NULL},
    {"EXECUTE AS USER 'a' SELECT 1", "42601", 20,
     "syntax error at or near \"SELECT\": expected \"(\""},
    {"EXECUTE AS USER 'a' (SELECT 1", "42601", 29, "syntax error at end of input: expected \")\""},
    {"EXECUTE AS USER 'a' (SELECT 1) + 1", "42601", 31,
     "syntax error at or near \"+\": expected the end of the statement"},
    {"EXECUTE AS USER 'a' ()", "42601", 21, "syntax error at end of input"},
    {"EXECUTE AS USER 'a' (EXECUTE AS USER 'b' (SELECT 1))", "0A000", 21,
     "EXECUTE AS USER inside EXECUTE AS USER is not supported yet"},
    {"STORAGE FLUSH TABLE $1", "42P02", 20, "there is no parameter $1"},
    /* named in the specification, built later */
    {"CREATE TOKEN t FOR 'u' EXPIRES 5m", "0A000", 0, "CREATE TOKEN is not supported yet"},
    {"DROP TOKEN t", "0A000", 0, "DROP TOKEN is not supported yet"},
    {"CREATE TOPIC t PARTITIONS 3", "0A000", 0, "CREATE TOPIC is not supported yet"},
    {"ALTER TOPIC t ADD SOURCE a ON INSERT", "0A000", 0, "ALTER TOPIC is not supported yet"},
    {"DROP TOPIC t", "0A000", 0, "DROP TOPIC is not supported yet"},
    {"CONSUME FROM t WAIT 10s", "0A000", 0, "CONSUME is not supported yet"},
    {"ACK t GROUP 'g' UPTO OFFSET 3", "0A000", 0, "ACK is not supported yet"},
    {"RESET t GROUP 'g' TO EARLIEST", "0A000", 0, "RESET of a topic's group is not supported yet"},
    {"BACKUP DATABASE TO '/x'", "0A000", 0, "BACKUP is not supported yet"},
    {"RESTORE DATABASE FROM '/x'", "0A000", 0, "RESTORE is not supported yet"},
    {"EXPORT USER DATA", "0A000", 0, "EXPORT is not supported yet"},
    {"CLUSTER STATUS", "0A000", 0, "CLUSTER is not supported yet"},
    {"CREATE POLICY p ON t USING (true)", "0A000", 0, "CREATE POLICY is not supported yet"},
    {"GRANT SELECT ON t TO bob", "0A000", 0, "GRANT is not supported yet"},
    {"GRANT SELECT ON NAMESPACE chat TO bob", "0A000", 0, "GRANT is not supported yet"},
    {"REVOKE ALL ON t FROM bob", "0A000", 0, "REVOKE is not supported yet"},
    {"CREATE USER MAPPING FOR x SERVER y", "0A000", 0, "CREATE USER MAPPING is not supported yet"},
};

static void test_good(void **state)
{
    (void)state;
    expect_good(good, COUNT(good));
}

static void test_bad(void **state)
{
    (void)state;
    expect_bad(bad, COUNT(bad));
}

/* A password is in no plan's text: not in logs, not in lists of running statements. */
static void test_passwords_are_hidden(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *kept;
    } cases[] = {
        {"CREATE USER bob PASSWORD 'hunter2' ROLE user",
         "CREATE USER bob PASSWORD ********* ROLE user"},
        {"ALTER USER bob SET PASSWORD $q$hunter2$q$", "ALTER USER bob SET PASSWORD *************"},
        {"EXPLAIN ALTER USER bob SET PASSWORD 'hunter2'",
         "EXPLAIN ALTER USER bob SET PASSWORD *********"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Plan *plan;
        Error error;
        assert_ok(bind(cases[i].sql, &plan, &error), &error);
        assert_slice(plan->sql, cases[i].kept);
        if (plan->kind == STATEMENT_EXPLAIN)
            assert_slice(plan->as.explained->sql, cases[i].kept);
        assert_false(plan_is_cacheable(plan));
        plan_release(plan);
    }
}

/* What the guard is asked about the statement as a whole. */
static void test_actions(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        Action action;
    } cases[] = {
        {"STORAGE FLUSH TABLE messages", ACTION_FLUSH_OWN},
        {"STORAGE FLUSH TABLE messages FOR USER 'a'", ACTION_FLUSH},
        {"STORAGE FLUSH TABLE rooms", ACTION_FLUSH},
        {"STORAGE FLUSH ALL", ACTION_FLUSH},
        {"STORAGE COMPACT ALL", ACTION_COMPACT},
        {"SHOW TABLES", ACTION_SHOW_OWN},
        {"EXPLAIN DROP TABLE rooms", ACTION_DROP_TABLE},
        {"KILL JOB 'x'", ACTION_KILL_OWN},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Plan *plan;
        Error error;
        assert_ok(bind(cases[i].sql, &plan, &error), &error);
        assert_int_equal(plan->action, cases[i].action);
        plan_release(plan);
    }
}

static void test_result_columns(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *columns;
    } cases[] = {
        {"STORAGE FLUSH ALL", "namespace table_name rows bytes files snapshot status "},
        {"STORAGE COMPACT TABLE rooms ASYNC", "job_id "},
        {"DESCRIBE rooms", "section name type nullable key_position default value comment "},
        {"EXPLAIN SELECT 1", "QUERY PLAN "},
        {"STORAGE CHECK local", "storage_id status free_bytes "},
        {"SHOW search_path", "search_path "},
        {"DROP TABLE rooms", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Plan *plan;
        Buffer shown;
        Error error;
        uint32_t count;
        assert_ok(bind(cases[i].sql, &plan, &error), &error);
        const ResultColumn *columns = statement_result_columns(plan, &count);
        buffer_open(&shown, 0);
        for (uint32_t k = 0; k < count; k++)
            buffer_put_format(&shown, "%.*s ", SLICE_ARGUMENTS(columns[k].name));
        assert_slice(buffer_slice(&shown), cases[i].columns);
        buffer_close(&shown);
        plan_release(plan);
    }
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_passwords_are_hidden),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_result_columns),
    };
    return cmocka_run_group_tests(tests, make_catalog, drop_catalog);
}

int main(void)
{
    return run_on_big_stack(run);
}
