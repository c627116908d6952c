"""A user of a USER table never sees or touches another's rows, whatever he writes in SQL.

Two users hold rows with the same keys, hot, cold, updated and deleted ones. Every statement below
is run as alice; each value of bob's is a word that occurs nowhere else, so that one look at the
whole answer, errors and notices included, says whether anything came through.
"""
import json

import client
from harness import expect_error

SECRET = "bobs-secret-"

# SELECTs that try: each is run hot, mixed and cold, by every executor it reaches.
ATTEMPTS = (
    "SELECT * FROM iso.t",
    "SELECT * FROM iso.t WHERE id = 1",
    "SELECT * FROM iso.t WHERE id IN (1, 2, 3, 4)",
    "SELECT * FROM iso.t WHERE id BETWEEN 0 AND 100",
    "SELECT * FROM iso.t ORDER BY id DESC LIMIT 10",
    "SELECT * FROM iso.t WHERE id = 1 OR true",
    "SELECT * FROM iso.t WHERE _user = 'bob'",
    "SELECT * FROM iso.t WHERE _user <> current_user",
    "SELECT _user, _seq, _updated, body FROM iso.t WHERE _user LIKE '%'",
    "SELECT max(body), min(body), count(*), string_agg(body, ',') FROM iso.t",
    "SELECT body FROM iso.t UNION ALL SELECT body FROM iso.t UNION SELECT body FROM iso.u",
    "SELECT a.body, b.body FROM iso.t a CROSS JOIN iso.t b",
    "SELECT a.body, b.body FROM iso.t a FULL JOIN iso.u b ON a.id <> b.id",
    "SELECT (SELECT max(body) FROM iso.t WHERE _user <> 'alice')",
    "SELECT * FROM (SELECT * FROM iso.t) s WHERE s.body LIKE 'bob%'",
    "WITH x AS (SELECT * FROM iso.t) SELECT * FROM x WHERE EXISTS (SELECT 1 FROM iso.t t2 WHERE "
    "t2.id = x.id AND t2.body <> x.body)",
    "WITH RECURSIVE r(n, b) AS (SELECT 1, ''::text UNION ALL SELECT n + 1, (SELECT max(body) FROM "
    "iso.t WHERE id = n) FROM r WHERE n < 5) SELECT * FROM r",
    "SELECT body, row_number() OVER (PARTITION BY _user ORDER BY id) FROM iso.t",
    "SELECT lead(body) OVER (ORDER BY id, _user) FROM iso.t",
    "SELECT DISTINCT ON (_user) body FROM iso.t ORDER BY _user, id",
    "SELECT * FROM iso.t, LATERAL (SELECT body AS other FROM iso.t t2 WHERE t2.id = t.id) l",
    "SELECT array_agg(body) FROM iso.t GROUP BY GROUPING SETS ((), (_user))",
    "SELECT * FROM iso.t TABLESAMPLE SYSTEM (100)",
    "TABLE iso.t",
    "VALUES ((SELECT max(body) FROM iso.t))",
    "SELECT * FROM iso.t FOR SYSTEM_TIME ALL",
    "SELECT * FROM iso.t FOR ALL USERS",
    "SELECT * FROM iso.t /* */ FOR /* */ ALL -- x\n USERS",
    "SELECT current_setting('x'), body FROM iso.t",
    "EXPLAIN SELECT * FROM iso.t",
    "EXPLAIN ANALYZE SELECT * FROM iso.t WHERE body LIKE 'bob%'",
    "EXECUTE AS USER 'bob' (SELECT * FROM iso.t)",
    "SELECT * FROM system.files WHERE table_name = 't'",
    "SELECT * FROM system.manifest",
    "SHOW MANIFEST FOR iso.t",
    "DESCRIBE TABLE iso.t",
    "SELECT key_min, key_max FROM system.files",
    "SELECT * FROM read_parquet('{file}')",
    "SELECT * FROM '{file}'",
    "SELECT * FROM parquet_scan(['{file}'])",
    "SELECT * FROM iceberg_scan('{folder}')",
    "SELECT * FROM glob('{folder}/**')",
    "SELECT * FROM duckdb_tables()",
    "SELECT * FROM duckdb_views()",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM query('SELECT * FROM iso.t')",
    "SELECT * FROM query_table('iso.t')",
    "SELECT * FROM iso.\"t\" AS _t(a, b, c, d) WHERE true",
    "SELECT getvariable('x'), body FROM iso.t",
    "SELECT * FROM main.t",
    "SELECT * FROM memory.main.t",
)

WRITES = (
    "UPDATE iso.t SET body = 'hacked' WHERE _user = 'bob'",
    "UPDATE iso.t SET body = 'hacked' WHERE id >= 0 RETURNING *",
    "UPDATE iso.t SET body = o.body FROM iso.t o WHERE o.id = t.id RETURNING t.body, o.body",
    "UPDATE iso.t SET _user = 'bob'",
    "INSERT INTO iso.t(id, body, _user) VALUES (9, 'x', 'bob')",
    "INSERT INTO iso.t(id, body) SELECT id + 1000, body FROM iso.t RETURNING *",
    "INSERT INTO iso.t(id, body) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET body = t.body || "
    "excluded.body RETURNING *",
    "DELETE FROM iso.t WHERE _user <> 'alice' RETURNING *",
    "DELETE FROM iso.t USING iso.u WHERE t.id = u.id RETURNING *",
    "INSERT INTO iso.t AS USER 'bob' VALUES (99, 'x')",
    "DELETE FROM iso.t AS USER 'bob'",
    "STORAGE FLUSH TABLE iso.t FOR USER 'bob'",
    "TRUNCATE iso.t", "DROP TABLE iso.t",
)


def prepare(server):
    run = server.root.sql
    run("CREATE NAMESPACE iso")
    run("CREATE USER TABLE iso.t (id INT PRIMARY KEY, body TEXT, extra TEXT) "
        "WITH (flush_interval='1h')")
    run("CREATE USER TABLE iso.u (id INT PRIMARY KEY, body TEXT) WITH (flush_interval='1h')")
    for name, word in (("alice", "hers-"), ("bob", SECRET)):
        who = server.user(name)
        for table in ("t", "u"):
            who.sql(f"INSERT INTO iso.{table}(id, body) VALUES (1,'{word}1'),(2,'{word}2'),"
                    f"(3,'{word}3')")
    bob = server.user("bob")
    bob.sql("INSERT INTO iso.t VALUES (50, 'bobs-secret-only', 'bobs-secret-extra')")


def ask(who, statement):
    try:
        return [result.body for result in who.statements(statement)]
    except client.SqlError as error:
        return {"error": str(error), "hint": error.hint, "detail": error.detail}


def check_reads(server, stage):
    alice = server.user("alice")
    files = [path for path in server.files(".parquet")]
    file = f"{server.data}/storage/{files[0]}" if files else "/etc/passwd"
    for attempt in ATTEMPTS:
        statement = attempt.format(file=file, folder=f"{server.data}/storage")
        answer = json.dumps(ask(alice, statement))
        assert SECRET not in answer, (stage, statement, answer[:500])
        assert server.data in statement or server.data not in answer, (stage, statement, answer)
        if "SELECT * FROM iso.t" == statement:
            assert "hers-1" in answer, answer
    assert alice.value("SELECT count(*) FROM iso.t") == 3, stage


def bobs_rows(server):
    return server.user("bob").rows("SELECT id, body, extra, _user, _seq FROM iso.t ORDER BY id")


def test_reads_at_every_stage(fresh):
    prepare(fresh)
    check_reads(fresh, "hot")
    fresh.root.sql("STORAGE FLUSH ALL IN iso")
    check_reads(fresh, "cold")
    fresh.user("bob").sql("UPDATE iso.t SET body = 'bobs-secret-updated' WHERE id = 2")
    fresh.user("bob").sql("DELETE FROM iso.t WHERE id = 3")
    check_reads(fresh, "cold with marks")
    fresh.root.sql("STORAGE FLUSH ALL IN iso")
    fresh.root.sql("STORAGE COMPACT ALL IN iso")
    check_reads(fresh, "compacted")
    fresh.restart(crash=True)
    check_reads(fresh, "restarted")


test_reads_at_every_stage.deadline = 240


def test_writes_reach_ones_own_rows_only(fresh):
    prepare(fresh)
    for stage in ("hot", "cold"):
        before = bobs_rows(fresh)
        for statement in WRITES:
            answer = json.dumps(ask(fresh.user("alice"), statement))
            assert SECRET not in answer, (stage, statement, answer[:500])
            assert bobs_rows(fresh) == before, (stage, statement, answer[:500])
        fresh.root.sql("STORAGE FLUSH ALL IN iso")


def test_keys_of_users_do_not_collide(fresh):
    """`ab` + `c` is not `a` + `bc`: names and keys that run into each other."""
    fresh.root.sql("CREATE NAMESPACE prefix")
    fresh.root.sql("CREATE USER TABLE prefix.t (k TEXT, l TEXT, v INT, PRIMARY KEY (k, l))")
    names = ("a", "ab", "abc", "a.b")
    for number, name in enumerate(names):
        who = fresh.user(name)
        who.sql("INSERT INTO prefix.t VALUES ('b', 'c', $1), ('bc', '', $1), ('', 'bc', $1)",
                [number])
    for stage in ("hot", "cold"):
        for number, name in enumerate(names):
            rows = fresh.user(name).rows("SELECT DISTINCT v FROM prefix.t")
            assert rows == [[number]], (stage, name, rows)
            assert fresh.user(name).rows("SELECT v FROM prefix.t WHERE k = 'b'") == [[number]]
        fresh.root.sql("STORAGE FLUSH ALL IN prefix")


def test_duplicates_are_a_users_own(fresh):
    fresh.root.sql("CREATE NAMESPACE same")
    fresh.root.sql("CREATE USER TABLE same.t (id INT PRIMARY KEY)")
    alice, bob = fresh.user("alice"), fresh.user("bob")
    alice.sql("INSERT INTO same.t VALUES (1)")
    bob.sql("INSERT INTO same.t VALUES (1)")
    expect_error(alice.error("INSERT INTO same.t VALUES (1)"), "23505")
    fresh.root.sql("STORAGE FLUSH TABLE same.t")
    expect_error(bob.error("INSERT INTO same.t VALUES (1)"), "23505")
    alice.sql("DELETE FROM same.t WHERE id = 1")
    assert bob.value("SELECT count(*) FROM same.t") == 1
