/* Definitions: what CREATE TABLE, ALTER TABLE and their like bind to, and every way to get them
 * wrong: code, place and words. */
#include "tests/unit/sql/cases.h"

/* ---- CREATE TABLE ---- */

static const GoodCase good_tables[] = {
    {"CREATE TABLE t (a INT)", "CREATE TABLE chat.t shared (a INTEGER)"},
    {"CREATE TABLE shop.t (a INT PRIMARY KEY)",
     "CREATE TABLE shop.t shared (a INTEGER not null key 1)"},
    {"CREATE TABLE firn.shop.t (a INT)", "CREATE TABLE shop.t shared (a INTEGER)"},
    {"CREATE USER TABLE t (id BIGINT PRIMARY KEY, body TEXT)",
     "CREATE TABLE chat.t user (id BIGINT not null key 1, body TEXT)"},
    {"CREATE SHARED TABLE t (a INT)", "CREATE TABLE chat.t shared (a INTEGER)"},
    {"create stream table t (a int) ttl 30s",
     "CREATE TABLE chat.t stream (a INTEGER) ttl_ms=30000"},
    {"CREATE STREAM TABLE t (a INT) TTL 31d",
     "CREATE TABLE chat.t stream (a INTEGER) ttl_ms=2678400000"},
    {"CREATE STREAM TABLE t (a INT) FLUSH ROWS 10 TTL 250ms",
     "CREATE TABLE chat.t stream (a INTEGER) flush_rows=10 ttl_ms=250"},
    {"CREATE TABLE IF NOT EXISTS messages (nonsense NOSUCHTYPE)",
     "CREATE TABLE chat.messages if not exists exists"},
    {"CREATE TABLE IF NOT EXISTS t (a INT)",
     "CREATE TABLE chat.t if not exists shared (a INTEGER)"},
    {"CREATE TABLE t (a INT) FLUSH ROWS 100",
     "CREATE TABLE chat.t shared (a INTEGER) flush_rows=100"},
    {"CREATE TABLE t (a INT) FLUSH INTERVAL 60s",
     "CREATE TABLE chat.t shared (a INTEGER) flush_interval_ms=60000"},
    {"CREATE TABLE t (a INT) FLUSH ROWS 100 INTERVAL 5m",
     "CREATE TABLE chat.t shared (a INTEGER) flush_rows=100 flush_interval_ms=300000"},
    {"CREATE TABLE t (a INT) FLUSH INTERVAL '5m' ROWS '100'",
     "CREATE TABLE chat.t shared (a INTEGER) flush_rows=100 flush_interval_ms=300000"},
    {"CREATE TABLE t (a INT) FLUSH INTERVAL 90",
     "CREATE TABLE chat.t shared (a INTEGER) flush_interval_ms=90000"},
    {"CREATE TABLE t (a INT) FLUSH INTERVAL INTERVAL '1 hour 30 minutes'",
     "CREATE TABLE chat.t shared (a INTEGER) flush_interval_ms=5400000"},
    {"CREATE TABLE t (a INT) FLUSH INTERVAL '1 day'",
     "CREATE TABLE chat.t shared (a INTEGER) flush_interval_ms=86400000"},
    {"CREATE TABLE t (a INT) FLUSH /* when */ ROWS -- how many\n 5",
     "CREATE TABLE chat.t shared (a INTEGER) flush_rows=5"},
    {"CREATE TABLE t (a INT) WITH (flush_rows=5, flush_interval='60s', flush_bytes='64MB')",
     "CREATE TABLE chat.t shared (a INTEGER) flush_rows=5 flush_interval_ms=60000 "
     "flush_bytes=67108864"},
    {"CREATE TABLE t (a INT) WITH (flush_interval=60s, flush_bytes=64MB, target_file_size=1GiB)",
     "CREATE TABLE chat.t shared (a INTEGER) flush_interval_ms=60000 flush_bytes=67108864 "
     "target_file_bytes=1073741824"},
    {"CREATE TABLE t (a INT) WITH (type='user')", "CREATE TABLE chat.t user (a INTEGER)"},
    {"CREATE TABLE t (a INT) WITH (type=stream, ttl='30s')",
     "CREATE TABLE chat.t stream (a INTEGER) ttl_ms=30000"},
    {"CREATE USER TABLE t (a INT) WITH (type='USER')", "CREATE TABLE chat.t user (a INTEGER)"},
    {"CREATE TABLE t (a INT) WITH (compression='snappy', format_version=2, "
     "snapshot_retention='1h', access='protected', storage='s3-eu')",
     "CREATE TABLE chat.t shared (a INTEGER) snapshot_retention_ms=3600000 compression=snappy "
     "format_version=2 protected storage=s3-eu"},
    {"CREATE TABLE t (a INT) WITH (access=public) FLUSH ROWS 7",
     "CREATE TABLE chat.t shared (a INTEGER) flush_rows=7 public"},
    {"CREATE TABLE t (a INT);", "CREATE TABLE chat.t shared (a INTEGER)"},
    {"CREATE TABLE t (flush INT, ttl TEXT, \"user\" TEXT, storage INT, rows INT, stream TEXT)",
     "CREATE TABLE chat.t shared (flush INTEGER, ttl TEXT, user TEXT, storage INTEGER, "
     "rows INTEGER, stream TEXT)"},
    {"CREATE TABLE flush (ttl INT)", "CREATE TABLE chat.flush shared (ttl INTEGER)"},
    {"CREATE TABLE stream (a INT)", "CREATE TABLE chat.stream shared (a INTEGER)"},
    {"CREATE TABLE t (a BOOLEAN, b SMALLINT, c INT8, d FLOAT4, e DOUBLE PRECISION, "
     "f DECIMAL(38,10), g CHAR(3), h BYTEA, i DATE, j TIME, k TIMESTAMP, l TIMESTAMPTZ, m UUID, "
     "n JSON, o JSONB, p VECTOR(3), q EMBEDDING(384), r VARCHAR, s NUMERIC(5))",
     "CREATE TABLE chat.t shared (a BOOLEAN, b SMALLINT, c BIGINT, d REAL, e DOUBLE, "
     "f DECIMAL(38,10), g CHAR(3), h BYTEA, i DATE, j TIME, k TIMESTAMP, l TIMESTAMPTZ, m UUID, "
     "n JSON, o JSONB, p VECTOR(3), q VECTOR(384), r VARCHAR, s DECIMAL(5,0))"},
    {"CREATE TABLE t (a INT, b TEXT, PRIMARY KEY (b, a))",
     "CREATE TABLE chat.t shared (a INTEGER not null key 2, b TEXT not null key 1)"},
    {"CREATE TABLE t (a INT, CONSTRAINT pk PRIMARY KEY (a))",
     "CREATE TABLE chat.t shared (a INTEGER not null key 1)"},
    {"CREATE TABLE t (a TEXT COLLATE \"C\" NULL)", "CREATE TABLE chat.t shared (a TEXT)"},
    {"CREATE TABLE t (a INT DEFAULT 1 + 2 NOT NULL, b TEXT DEFAULT 'x, y' , c TIMESTAMPTZ DEFAULT "
     "now())",
     "CREATE TABLE chat.t shared (a INTEGER not null default (1 + 2), b TEXT default ('x, y'), "
     "c TIMESTAMPTZ default (now()))"},
    {"CREATE TABLE t (a INT DEFAULT NULL, b INT DEFAULT (1) CHECK (b > 0))",
     "CREATE TABLE chat.t shared (a INTEGER, b INTEGER default ((1))) check t_b_check (b > 0)"},
    {"CREATE TABLE t (a INT CHECK (a > 0) CHECK (a < 9), b INT, CHECK (a < b), "
     "CONSTRAINT z CHECK ( b <> 3 ))",
     "CREATE TABLE chat.t shared (a INTEGER, b INTEGER) check t_a_check (a > 0) check t_a_check1 "
     "(a < 9) check t_check (a < b) check z (b <> 3)"},
    {"CREATE TABLE t (b INT, a INT CHECK (b > 0))",
     "CREATE TABLE chat.t shared (b INTEGER, a INTEGER) check t_b_check (b > 0)"},
    {"CREATE TABLE t (abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl INT)",
     "CREATE TABLE chat.t shared "
     "(abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl INTEGER)"},
    {"CREATE TABLE abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl (a INT, "
     "CHECK (a > 0))",
     "CREATE TABLE chat.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl shared "
     "(a INTEGER) check abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcd_a_check (a > 0)"},
};

static const BadCase bad_tables[] = {
    {"CREATE TABLE messages (a INT)", "42P07", 13, "relation \"messages\" already exists"},
    {"CREATE TABLE nowhere.t (a INT)", "3F000", 13, "namespace \"nowhere\" does not exist"},
    {"CREATE TABLE system.t (a INT)", "42501", 13, "system tables are read-only"},
    {"CREATE TABLE other.chat.t (a INT)", "0A000", 13,
     "cross-database references are not implemented: \"other\""},
    {"CREATE TABLE _t (a INT)", "42939", 13,
     "\"_t\" cannot be a table's name: names that begin with _ are reserved"},
    {"CREATE TABLE \"a b\" (a INT)", "42602", 13, "\"a b\" cannot be a table's name"},
    {"CREATE TABLE t (\"A b\" INT)", "42602", 16, "\"A b\" cannot be a column's name"},
    {"CREATE TABLE t (_seq INT)", "42939", 16,
     "\"_seq\" cannot be a column's name: names that begin with _ are reserved"},
    {"CREATE TABLE t (aabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl INT)",
     "42622", 16,
     "name \"aabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl\" has 65 bytes "
     "(maximum 64)"},
    {"CREATE TABLE t ()", "0A000", 0, "a table without columns is not supported yet"},
    {"CREATE TABLE t", "42601", 14, "syntax error at end of input"},
    {"CREATE TABLE t (a)", "42601", 18, "syntax error at end of input"},
    {"CREATE TABLE t (a INT", "42601", 21, "syntax error at end of input"},
    {"CREATE TABLE t (a INT, a TEXT)", "42701", 23, "column \"a\" specified more than once"},
    {"CREATE TABLE t (a NOSUCH)", "42704", 18, "type \"nosuch\" does not exist"},
    {"CREATE TABLE t (a SERIAL)", "0A000", 18, "SERIAL is not supported yet"},
    {"CREATE TABLE t (a BIGSERIAL PRIMARY KEY)", "0A000", 18, "BIGSERIAL is not supported yet"},
    {"CREATE TABLE t (a FILE)", "0A000", 18, "the type FILE is not supported yet"},
    {"CREATE TABLE t (a NUMERIC)", "0A000", 18,
     "a NUMERIC column without a precision is not supported yet"},
    {"CREATE TABLE t (a TEXT[])", "0A000", 18, "a column of type TEXT[] is not supported yet"},
    {"CREATE TABLE t (a INTERVAL)", "0A000", 18, "a column of type INTERVAL is not supported yet"},
    {"CREATE TABLE t (a INT UNIQUE)", "0A000", 22, "UNIQUE is not supported yet"},
    {"CREATE TABLE t (a INT, UNIQUE (a))", "0A000", 23, "UNIQUE is not supported yet"},
    {"CREATE TABLE t (a INT REFERENCES messages)", "0A000", 22,
     "a FOREIGN KEY is not supported yet"},
    {"CREATE TABLE t (a INT, FOREIGN KEY (a) REFERENCES messages)", "0A000", 23,
     "a FOREIGN KEY is not supported yet"},
    {"CREATE TABLE t (a INT GENERATED ALWAYS AS IDENTITY)", "0A000", 22,
     "GENERATED … AS IDENTITY is not supported yet"},
    {"CREATE TABLE t (a INT, b INT GENERATED ALWAYS AS (a + 1) STORED)", "0A000", 29,
     "a GENERATED column is not supported yet"},
    {"CREATE TABLE t (a INT, EXCLUDE (a WITH =))", "0A000", 23, "EXCLUDE is not supported yet"},
    {"CREATE TABLE t (a INT PRIMARY KEY DEFERRABLE)", "0A000", 34,
     "a DEFERRABLE constraint is not supported yet"},
    {"CREATE TABLE t (a INT, PRIMARY KEY (a) INCLUDE (a))", "0A000", 23,
     "INCLUDE is not supported yet"},
    {"CREATE TABLE t (a TEXT COLLATE \"de_DE\")", "0A000", 23,
     "a collation other than \"C\" is not supported yet"},
    {"CREATE TABLE t (a INT COMPRESSION lz4)", "0A000", 16,
     "COMPRESSION of a column is not supported yet"},
    {"CREATE TABLE t (LIKE messages)", "0A000", 21, "LIKE is not supported yet"},
    {"CREATE TEMP TABLE t (a INT)", "0A000", 0, "CREATE TEMPORARY TABLE is not supported yet"},
    {"CREATE UNLOGGED TABLE t (a INT)", "0A000", 0, "CREATE UNLOGGED TABLE is not supported yet"},
    {"CREATE TABLE t (a INT) INHERITS (messages)", "0A000", 13,
     "INHERITS and PARTITION OF is not supported yet"},
    {"CREATE TABLE t (a INT) PARTITION BY RANGE (a)", "0A000", 13,
     "PARTITION BY is not supported yet"},
    {"CREATE TABLE t (a INT) TABLESPACE x", "0A000", 13, "TABLESPACE is not supported yet"},
    {"CREATE TABLE t AS SELECT 1 AS ttl", "0A000", 0, "CREATE TABLE AS is not supported yet"},
    {"CREATE TABLE t (a) AS SELECT 1", "0A000", 0, "CREATE TABLE AS is not supported yet"},
    {"CREATE TABLE t (a INT PRIMARY KEY, b INT PRIMARY KEY)", "42P16", 41,
     "multiple primary keys for table \"t\" are not allowed"},
    {"CREATE TABLE t (a INT PRIMARY KEY, PRIMARY KEY (a))", "42P16", 35,
     "multiple primary keys for table \"t\" are not allowed"},
    {"CREATE TABLE t (a INT PRIMARY KEY PRIMARY KEY)", "42P16", 34,
     "multiple primary keys for table \"t\" are not allowed"},
    {"CREATE TABLE t (a INT, PRIMARY KEY (b))", "42703", 36,
     "column \"b\" named in key does not exist"},
    {"CREATE TABLE t (a INT, PRIMARY KEY (a, a))", "42701", 36,
     "column \"a\" appears twice in primary key constraint"},
    {"CREATE TABLE t (a JSON PRIMARY KEY)", "0A000", 16, "a key cannot have a column of type JSON"},
    {"CREATE TABLE t (a VECTOR(3), PRIMARY KEY (a))", "0A000", 42,
     "a key cannot have a column of type VECTOR(3)"},
    {"CREATE TABLE t (a INT NOT NULL NULL)", "42601", 31,
     "conflicting NULL/NOT NULL declarations for column \"a\" of table \"t\""},
    {"CREATE TABLE t (a INT NULL NOT NULL)", "42601", 27,
     "conflicting NULL/NOT NULL declarations for column \"a\" of table \"t\""},
    {"CREATE TABLE t (a INT NULL PRIMARY KEY)", "42601", 27,
     "conflicting NULL/NOT NULL declarations for column \"a\" of table \"t\""},
    {"CREATE TABLE t (a INT NULL, PRIMARY KEY (a))", "42601", 41,
     "conflicting NULL/NOT NULL declarations for column \"a\" of table \"t\""},
    {"CREATE TABLE t (a INT DEFAULT 1 DEFAULT 2)", "42601", 32,
     "multiple default values specified for column \"a\" of table \"t\""},
    {"CREATE TABLE t (a INT, CONSTRAINT x CHECK (a > 0), CONSTRAINT x CHECK (a < 9))", "42710", 51,
     "check constraint \"x\" already exists"},
    {"CREATE TABLE t (a INT CHECK (a > 0) NO INHERIT)", "0A000", 22,
     "NO INHERIT is not supported yet"},
    {"CREATE TABLE t (a INT) FLUSH", "42601", 28,
     "syntax error at end of input: expected ROWS or INTERVAL"},
    {"CREATE TABLE t (a INT) FLUSH 5", "42601", 29,
     "syntax error at or near \"5\": expected ROWS or INTERVAL"},
    {"CREATE TABLE t (a INT) FLUSH ROWS", "42601", 33,
     "syntax error at end of input: expected a value"},
    {"CREATE TABLE t (a INT) FLUSH ROWS x", "22023", 34,
     "invalid value for \"flush_rows\": \"x\" is not a whole number"},
    {"CREATE TABLE t (a INT) FLUSH ROWS 0", "22023", 34,
     "\"flush_rows\" must be between 1 and 1000000000, not 0"},
    {"CREATE TABLE t (a INT) FLUSH ROWS 1 ROWS 2", "42601", 36,
     "\"flush_rows\" is given more than once"},
    {"CREATE TABLE t (a INT) FLUSH INTERVAL 1ms", "22023", 38,
     "\"flush_interval\" must be between 10ms and 365d, not 1ms"},
    {"CREATE TABLE t (a INT) FLUSH INTERVAL 5y", "22023", 38,
     "invalid value for \"flush_interval\": \"5y\" is not a duration like 60s, 5m, 2h or 7d"},
    {"CREATE TABLE t (a INT) FLUSH INTERVAL '1 month'", "22023", 38,
     "invalid value for \"flush_interval\": \"1 month\" is not a duration like 60s, 5m, 2h or 7d"},
    {"CREATE TABLE t (a INT) FLUSH ROWS 1 FLUSH ROWS 2", "42601", 42,
     "\"flush_rows\" is given more than once"},
    {"CREATE TABLE t (a INT) FLUSH ROWS 1 WITH (flush_rows=2)", "42601", 42,
     "\"flush_rows\" is given more than once"},
    {"CREATE TABLE t (a INT) TTL 5m", "42P16", 27, "TTL is for STREAM tables only"},
    {"CREATE STREAM TABLE t (a INT)", "42P16", 20, "a STREAM table needs a TTL"},
    {"CREATE STREAM TABLE t (a INT) TTL 32d", "22023", 34,
     "\"ttl\" must be between 100ms and 31d, not 32d"},
    {"CREATE STREAM TABLE t (a INT) TTL", "42601", 33,
     "syntax error at end of input: expected a value"},
    {"CREATE STREAM TABLE t (a INT) TTL 1h WITH (compression='lz4')", "42P16", 43,
     "\"compression\" is not for STREAM tables: they have no data files"},
    {"CREATE STREAM TABLE t (a INT) TTL 1h WITH (access='public')", "42P16", 43,
     "\"access\" is for SHARED tables only"},
    {"CREATE USER TABLE t (a INT) WITH (access='public')", "42P16", 34,
     "\"access\" is for SHARED tables only"},
    {"CREATE USER TABLE t (a INT) WITH (type='shared')", "42P16", 34,
     "\"type\" names another kind of table than CREATE does"},
    {"CREATE TABLE t (a INT) WITH (type='system')", "22023", 34,
     "invalid value for \"type\": \"system\" is not shared, user or stream"},
    {"CREATE TABLE t (a INT) WITH (flush_row=5)", "22023", 29,
     "unrecognized parameter \"flush_row\""},
    {"CREATE TABLE t (a INT) WITH (fillfactor=70)", "22023", 29,
     "unrecognized parameter \"fillfactor\""},
    {"CREATE TABLE t (a INT) WITH ()", "42601", 29,
     "syntax error at or near \")\": expected an option's name"},
    {"CREATE TABLE t (a INT) WITH (flush_rows)", "42601", 39,
     "syntax error at or near \")\": expected \"=\""},
    {"CREATE TABLE t (a INT) WITH (flush_rows=5", "42601", 41,
     "syntax error at end of input: expected \",\" or \")\""},
    {"CREATE TABLE t (a INT) WITH (compression='gzip')", "22023", 41,
     "invalid value for \"compression\": \"gzip\" is not zstd, snappy, lz4 or none"},
    {"CREATE TABLE t (a INT) WITH (format_version=3)", "0A000", 44,
     "format_version 3 is not supported yet"},
    {"CREATE TABLE t (a INT) WITH (format_version=1)", "22023", 44,
     "\"format_version\" must be between 2 and 3, not 1"},
    {"CREATE TABLE t (a INT) WITH (storage='s3-us')", "42704", 29,
     "storage \"s3-us\" does not exist"},
    {"CREATE TABLE t (a INT) WITH (flush_bytes='1')", "22023", 41,
     "\"flush_bytes\" must be between 1KiB and 1TiB, not 1"},
    {"CREATE TABLE t (a INT) WITH (flush_bytes='many')", "22023", 41,
     "invalid value for \"flush_bytes\": \"many\" is not a size like 64MB"},
    {"CREATE TABLE t (a INT) WITH (snapshot_retention='forever')", "22023", 48,
     "invalid value for \"snapshot_retention\": \"forever\" is not a duration like 60s, 5m, 2h or "
     "7d"},
    {"CREATE TABLE t (a INT DEFAULT $1)", "42P02", 30, "there is no parameter $1"},
    {"CREATE TABLE t (a INT) nonsense", "42601", 23, "syntax error at or near \"nonsense\""},
    {"CREATE USER TABLE", "42601", 17, "syntax error at end of input"},
    {"CREATE STREAMS TABLE t (a INT)", "42601", 7, "syntax error at or near \"STREAMS\""},
};

/* ---- the others ---- */

static const GoodCase good_others[] = {
    {"CREATE NAMESPACE a", "CREATE SCHEMA namespace=a"},
    {"CREATE SCHEMA IF NOT EXISTS chat", "CREATE SCHEMA namespace=chat if not exists"},
    {"create namespace if not exists \"Big\"", "CREATE SCHEMA namespace=Big if not exists"},
    {"DROP NAMESPACE chat", "DROP SCHEMA namespace=chat cascade"},
    {"DROP NAMESPACE chat RESTRICT", "DROP SCHEMA namespace=chat"},
    {"DROP NAMESPACE IF EXISTS a CASCADE", "DROP SCHEMA namespace=a if exists cascade"},
    {"DROP SCHEMA chat", "DROP SCHEMA namespace=chat"},
    {"DROP SCHEMA chat CASCADE;", "DROP SCHEMA namespace=chat cascade"},
    {"DROP TABLE messages", "DROP TABLE namespace=chat name=messages found"},
    {"DROP TABLE shop.orders CASCADE", "DROP TABLE namespace=shop name=orders found"},
    {"DROP TABLE firn.shop.orders", "DROP TABLE namespace=shop name=orders found"},
    {"DROP TABLE IF EXISTS nothere", "DROP TABLE name=nothere if exists"},
    {"DROP TABLE IF EXISTS nowhere.t", "DROP TABLE namespace=nowhere name=t if exists"},
    {"TRUNCATE messages", "TRUNCATE TABLE namespace=chat name=messages found"},
    {"TRUNCATE TABLE ONLY shop.orders CASCADE", "TRUNCATE TABLE namespace=shop name=orders found"},
    {"COMMENT ON TABLE messages IS 'what people said'",
     "COMMENT chat.messages text=what people said"},
    {"COMMENT ON COLUMN chat.messages.body IS 'the text'",
     "COMMENT chat.messages column=3 text=the text"},
    {"COMMENT ON TABLE shop.orders IS NULL", "COMMENT shop.orders"},
};

static const BadCase bad_others[] = {
    {"CREATE NAMESPACE chat", "42P06", 17, "namespace \"chat\" already exists"},
    {"CREATE NAMESPACE system", "42939", 17, "\"system\" is a reserved namespace"},
    {"CREATE NAMESPACE \"a b\"", "42602", 17, "\"a b\" cannot be a namespace's name"},
    {"CREATE NAMESPACE abcdefghijklmnopqrstuvwxyzabcdefg", "42622", 17,
     "the namespace's name has 33 bytes (maximum 32)"},
    {"CREATE NAMESPACE", "42601", 16, "syntax error at end of input"},
    {"CREATE SCHEMA a AUTHORIZATION bob", "0A000", 14,
     "CREATE SCHEMA … AUTHORIZATION is not supported yet"},
    {"CREATE SCHEMA a CREATE TABLE t (a INT)", "0A000", 14,
     "CREATE SCHEMA with elements is not supported yet"},
    {"DROP NAMESPACE system", "42939", 15, "\"system\" is a reserved namespace"},
    {"DROP SCHEMA chat, shop", "0A000", 0,
     "DROP SCHEMA of several namespaces is not supported yet"},
    {"DROP TABLE nothere", "42P01", 11, "relation \"nothere\" does not exist"},
    {"DROP TABLE system.tables", "42501", 11, "system tables are read-only"},
    {"DROP TABLE messages, rooms", "0A000", 0, "DROP TABLE of several tables is not supported yet"},
    {"DROP TABLE a.b.c.d", "42601", 11, "improper relation name (too many dotted names)"},
    {"DROP VIEW v", "0A000", 0, "DROP VIEW is not supported yet"},
    {"DROP INDEX i", "0A000", 0, "DROP INDEX is not supported yet"},
    {"DROP MATERIALIZED VIEW v", "0A000", 0, "DROP MATERIALIZED is not supported yet"},
    {"TRUNCATE messages, rooms", "0A000", 0, "TRUNCATE of several tables is not supported yet"},
    {"TRUNCATE messages RESTART IDENTITY", "0A000", 0,
     "TRUNCATE … RESTART IDENTITY is not supported yet"},
    {"TRUNCATE nothere", "42P01", 9, "relation \"nothere\" does not exist"},
    {"COMMENT ON COLUMN messages.bdy IS 'x'", "42703", 27,
     "column \"bdy\" of relation \"messages\" does not exist"},
    {"COMMENT ON COLUMN body IS 'x'", "42601", 18, "column name must be qualified"},
    {"COMMENT ON VIEW v IS 'x'", "0A000", 0,
     "COMMENT on other objects than tables and columns is not supported yet"},
    {"CREATE VIEW v AS SELECT 1", "0A000", 0, "CREATE VIEW is not supported yet"},
    {"CREATE OR REPLACE TEMP VIEW v AS SELECT 1", "0A000", 0, "CREATE VIEW is not supported yet"},
    {"CREATE INDEX ON messages (n)", "0A000", 0, "CREATE INDEX is not supported yet"},
    {"CREATE UNIQUE INDEX i ON messages (n)", "0A000", 0, "CREATE INDEX is not supported yet"},
    {"CREATE INDEX i ON t USING hnsw (e vector_cosine_ops)", "0A000", 0,
     "CREATE INDEX is not supported yet"},
    {"CREATE TYPE mood AS ENUM ('a')", "0A000", 0, "CREATE TYPE is not supported yet"},
    {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'", "0A000", 0,
     "CREATE FUNCTION is not supported yet"},
    {"CREATE SEQUENCE s", "0A000", 0, "CREATE SEQUENCE is not supported yet"},
    {"CREATE EXTENSION vector", "0A000", 0, "CREATE EXTENSION is not supported yet"},
    {"CREATE ROLE r", "0A000", 0, "CREATE ROLE is not supported yet"},
    {"CREATE DATABASE d", "0A000", 0, "CREATE DATABASE is not supported yet"},
    {"CREATE TRIGGER t AFTER INSERT ON m EXECUTE FUNCTION f()", "0A000", 0,
     "CREATE TRIGGER is not supported yet"},
    {"MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", "0A000", 0,
     "MERGE is not supported yet"},
    {"COPY messages FROM STDIN", "0A000", 0, "COPY is not supported yet"},
    {"PREPARE p AS SELECT 1", "0A000", 0, "PREPARE is not supported yet"},
    {"EXECUTE p(1)", "0A000", 0, "EXECUTE is not supported yet"},
    {"DEALLOCATE p", "0A000", 0, "DEALLOCATE is not supported yet"},
    {"DECLARE c CURSOR FOR SELECT 1", "0A000", 0, "DECLARE is not supported yet"},
    {"FETCH 3 FROM c", "0A000", 0, "FETCH is not supported yet"},
    {"CLOSE c", "0A000", 0, "CLOSE is not supported yet"},
    {"VACUUM", "0A000", 0, "VACUUM is not supported yet"},
    {"ANALYZE messages", "0A000", 0, "ANALYZE is not supported yet"},
    {"LISTEN x", "0A000", 0, "LISTEN is not supported yet"},
    {"NOTIFY x", "0A000", 0, "NOTIFY is not supported yet"},
    {"LOCK TABLE messages", "0A000", 0, "LOCK TABLE is not supported yet"},
    {"DO 'x'", "0A000", 0, "DO is not supported yet"},
    {"CALL f()", "0A000", 0, "CALL is not supported yet"},
    {"DISCARD ALL", "0A000", 0, "DISCARD is not supported yet"},
    {"REINDEX TABLE t", "0A000", 0, "REINDEX is not supported yet"},
};

static void test_tables(void **state)
{
    (void)state;
    expect_good(good_tables, COUNT(good_tables));
    expect_bad(bad_tables, COUNT(bad_tables));
}

static void test_others(void **state)
{
    (void)state;
    expect_good(good_others, COUNT(good_others));
    expect_bad(bad_others, COUNT(bad_others));
}

/* ---- what a table of cases cannot say ---- */

/* Without a namespace a name is refused, and the text says what to do. */
static void test_no_namespace(void **state)
{
    (void)state;
    static const char *const statements[] = {"CREATE TABLE t (a INT)", "DROP TABLE IF EXISTS t",
                                             "TRUNCATE t", "DESCRIBE t"};
    for (size_t i = 0; i < COUNT(statements); i++) {
        BindRequest request = {.sql = slice_of_text(statements[i]), .snapshot = catalog};
        Plan *plan;
        Error error;
        assert_status(STATUS_INVALID_SCHEMA_NAME, plan_bind(&request, &plan, &error));
        assert_string_equal(error.message, "no namespace: write ns.t or USE ns");
    }
}

static void expect_hint(const char *sql, const char *hint)
{
    Plan *plan;
    Error error;
    assert_int_not_equal(bind(sql, &plan, &error), OK);
    if (strcmp(error.hint, hint) != 0)
        fail_msg("%s: hint is \"%s\", not \"%s\"", sql, error.hint, hint);
}

static void test_hints(void **state)
{
    (void)state;
    expect_hint("CREATE TABLE chta.t (a INT)", "Did you mean \"chat\"?");
    expect_hint("CREATE TABLE t (abc INT, PRIMARY KEY (acb))", "Did you mean \"abc\"?");
    expect_hint("CREATE TABLE t (a INT) WITH (flush_row=5)", "Did you mean \"flush_rows\"?");
    expect_hint("CREATE TABLE t (a INT) WITH (storage='s3eu')", "Did you mean \"s3-eu\"?");
    expect_hint("ALTER TABLE messages DROP COLUMN bdy", "Did you mean \"body\"?");
    expect_hint("CREATE TABLE t (a NUMERIC)", "Write NUMERIC(18, 4), say: up to 38 digits.");
    expect_hint("SELCT 1", "Did you mean \"select\"?");
    expect_hint("CREATE STREAM TABLE t (a INT)",
                "Write TTL 1h behind the columns, say: up to 31d.");
}

/* Refused before anything is said about names, for every definition. */
static Status refuse(void *context, Action action, const GuardedObject *object, Error *error)
{
    (void)object;
    *(Action *)context = action;
    return error_of(error, STATUS_INSUFFICIENT_PRIVILEGE);
}

static void test_guard_comes_first(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        Action action;
    } cases[] = {
        {"CREATE TABLE nowhere.t (a NOSUCH)", ACTION_CREATE_TABLE},
        {"ALTER TABLE nowhere.t ADD COLUMN a INT", ACTION_ALTER_TABLE},
        {"ALTER TABLE nowhere.t RENAME TO x", ACTION_ALTER_TABLE},
        {"ALTER TABLE nowhere.t SET (flush_rows = 1)", ACTION_ALTER_TABLE},
        {"DROP TABLE nowhere.t", ACTION_DROP_TABLE},
        {"TRUNCATE nowhere.t", ACTION_TRUNCATE},
        {"COMMENT ON TABLE nowhere.t IS 'x'", ACTION_COMMENT},
        {"CREATE NAMESPACE chat", ACTION_CREATE_NAMESPACE},
        {"DROP NAMESPACE nowhere", ACTION_DROP_NAMESPACE},
        {"STORAGE FLUSH TABLE nowhere.t", ACTION_FLUSH_OWN},
        {"STORAGE COMPACT TABLE nowhere.t", ACTION_COMPACT},
        {"STORAGE CHECK nowhere", ACTION_STORAGE},
        {"DESCRIBE nowhere.t", ACTION_SHOW_OWN},
        {"SHOW STATS FOR TABLE nowhere.t", ACTION_SHOW_OWN},
        {"USE nowhere", ACTION_SET},
        {"CREATE USER bob WITH PASSWORD 'x' ROLE dba", ACTION_CREATE_USER},
        {"DROP USER bob", ACTION_DROP_USER},
        {"ALTER USER bob SET ROLE dba", ACTION_ALTER_USER},
        {"ALTER USER bob SET PASSWORD 'x'", ACTION_ALTER_OWN_PASSWORD},
        {"ALTER SYSTEM SET flush.rows = 5", ACTION_ALTER_SYSTEM},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        Action asked = ACTION_COUNT;
        BindRequest request = {.sql = slice_of_text(cases[i].sql),
                               .snapshot = catalog,
                               .allow = refuse,
                               .allow_context = &asked};
        Plan *plan;
        Error error;
        assert_status(STATUS_INSUFFICIENT_PRIVILEGE, plan_bind(&request, &plan, &error));
        if (asked != cases[i].action)
            fail_msg("%s asked for %s", cases[i].sql, action_name(asked));
    }
}

static void test_many_checks(void **state)
{
    (void)state;
    for (uint32_t count = 256; count <= 257; count++) {
        Buffer sql;
        Plan *plan;
        Error error;
        buffer_open(&sql, 0);
        buffer_put_text(&sql, "CREATE TABLE t (a INT, b INT");
        for (uint32_t i = 0; i < count; i++)
            buffer_put_text(&sql, ", CHECK (a < b)");
        buffer_put_text(&sql, ")");
        buffer_put_u8(&sql, '\0');
        Status status = bind((const char *)sql.data, &plan, &error);
        assert_status(count <= 256 ? OK : STATUS_PROGRAM_LIMIT_EXCEEDED, status);
        if (status == OK) {
            const CatalogCheck *checks = plan->as.create_table->checks;
            assert_slice(checks[0].name, "t_check");
            assert_slice(checks[255].name, "t_check99");
            plan_release(plan);
        }
        buffer_close(&sql);
    }
}

static const char *const failing[] = {
    "CREATE USER TABLE IF NOT EXISTS t (id BIGINT PRIMARY KEY, n INT DEFAULT 1 + 2 NOT NULL, "
    "CHECK (n > 0)) FLUSH ROWS 5 WITH (storage='s3-eu')",
    "EXPLAIN STORAGE FLUSH TABLE messages FOR USER 'bob'",
    "SHOW STATS FOR TABLE messages",
    "CREATE USER 'bob' WITH PASSWORD 'secret' ROLE user EMAIL 'a@b'",
};

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(failing); i++)
        expect_no_leaks(failing[i]);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_no_namespace),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_guard_comes_first),
        cmocka_unit_test(test_many_checks),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, make_catalog, drop_catalog);
}

int main(void)
{
    return run_on_big_stack(run);
}
