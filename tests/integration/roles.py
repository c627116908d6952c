"""The table of rights (spec/sql.md §8) as one list: what each role may, statement by statement.

An Attempt is one statement kind. `least` is the least role that may; those below are refused with
42501, or with what `refusal` says. Where a right depends on whom it is about, there is an attempt
for each. `before` is run by root first, each time. {role} is the name of the role that tries, so
that each has objects of its own to make and break; {live} is a live query of its own, {other} one
of root's. UNBUILT statements are refused to everybody: by right, or as not supported yet.
"""
ROLES = ("anonymous", "user", "service", "dba", "system")
UNBUILT = "unbuilt"
PREPARATION = """
CREATE NAMESPACE app;
CREATE TABLE app.public (id INT PRIMARY KEY, body TEXT) WITH (access='public');
CREATE TABLE app.protected (id INT PRIMARY KEY, body TEXT) WITH (access='protected');
CREATE TABLE app.private (id INT PRIMARY KEY, body TEXT);
CREATE USER TABLE app.own (id INT PRIMARY KEY, body TEXT);
CREATE STREAM TABLE app.stream (id INT PRIMARY KEY, body TEXT) TTL 1h;
INSERT INTO app.public VALUES (0, 'x');
INSERT INTO app.protected VALUES (0, 'x');
INSERT INTO app.private VALUES (0, 'x');
CREATE USER 'the_user' WITH PASSWORD 'password of the_user' ROLE user;
CREATE USER 'the_service' WITH PASSWORD 'password of the_service' ROLE service;
CREATE USER 'the_dba' WITH PASSWORD 'password of the_dba' ROLE dba;
CREATE USER 'the_system' WITH PASSWORD 'password of the_system' ROLE system;
CREATE USER 'other_user' WITH PASSWORD 'password of other' ROLE user;
CREATE USER 'other_service' WITH PASSWORD 'password of other' ROLE service;
CREATE USER 'other_dba' WITH PASSWORD 'password of other' ROLE dba;
CREATE USER 'other_system' WITH PASSWORD 'password of other' ROLE system;
"""


class Attempt:
    def __init__(self, sql, least, before="", refusal="42501"):
        self.sql = sql
        self.least = least
        self.before = before
        self.refusal = refusal

    def allows(self, role):
        return self.least != UNBUILT and ROLES.index(role) >= ROLES.index(self.least)


TABLE = "CREATE TABLE IF NOT EXISTS app.{role} (id INT PRIMARY KEY, body TEXT)"
USER = "CREATE USER IF NOT EXISTS 'mine_{role}' WITH PASSWORD 'long enough' ROLE user"

ATTEMPTS = [
    # rows of SHARED tables, by access
    Attempt("SELECT 1", "anonymous"),
    Attempt("SELECT * FROM app.public", "anonymous"),
    Attempt("SELECT * FROM app.protected", "user"),
    Attempt("SELECT * FROM app.private", "service"),
    Attempt("SELECT count(*) FROM app.public p JOIN app.private q USING (id)", "service"),
    Attempt("SELECT (SELECT max(body) FROM app.private)", "service"),
    Attempt("WITH x AS (SELECT * FROM app.private) SELECT 1", "service"),
    Attempt("EXPLAIN SELECT * FROM app.private", "service"),
    *[Attempt(text.format(table=f"app.{access}", role="{role}"), "service",
              before=f"DELETE FROM app.{access} WHERE id BETWEEN 1 AND 9")
      for access in ("public", "protected", "private")
      for text in ("INSERT INTO {table} VALUES (1, 'x')",
                   "INSERT INTO {table} VALUES (0, 'y') ON CONFLICT (id) DO UPDATE SET body = 'y'",
                   "UPDATE {table} SET body = 'z' WHERE id = 0",
                   "DELETE FROM {table} WHERE id = 1")],
    # one's own rows
    *[Attempt(text, "user")
      for text in ("SELECT * FROM app.own", "DELETE FROM app.own WHERE id = 1",
                   "INSERT INTO app.own VALUES (1, 'x')", "UPDATE app.own SET body = 'y'",
                   "SELECT * FROM app.stream", "INSERT INTO app.stream(id) SELECT count(*) "
                   "FROM app.stream",
                   "INSERT INTO app.own SELECT id + 10, body FROM app.own")],
    Attempt("INSERT INTO app.own SELECT id + 100, body FROM app.private", "service"),
    Attempt("SELECT * FROM app.own FOR ALL USERS", "service"),
    Attempt("SELECT * FROM app.stream FOR ALL USERS", "service"),
    Attempt("SUBSCRIBE TO app.own", "user"),
    Attempt("SUBSCRIBE TO app.public", "anonymous"),
    Attempt("SUBSCRIBE TO app.private", "service"),
    Attempt("SUBSCRIBE TO app.own FOR ALL USERS", "service"),
    # in another's name: to whom one may
    *[Attempt(text.format(other=other), least)
      for other, least in (("other_user", "service"), ("other_service", "service"),
                           ("other_dba", "dba"), ("other_system", "system"))
      for text in ("DELETE FROM app.own AS USER '{other}' WHERE id = 1",
                   "INSERT INTO app.own AS USER '{other}' VALUES (1, 'x') ON CONFLICT DO NOTHING",
                   "UPDATE app.own AS USER '{other}' SET body = 'y'",
                   "EXECUTE AS USER '{other}' (SELECT * FROM app.own)")],
    Attempt("EXECUTE AS USER 'other_user' (SELECT * FROM app.private)", UNBUILT),
    # tables
    Attempt("CREATE TABLE app.{role} (id INT PRIMARY KEY)", "service",
            before="DROP TABLE IF EXISTS app.{role}"),
    Attempt("CREATE USER TABLE app.{role} (id INT PRIMARY KEY)", "service",
            before="DROP TABLE IF EXISTS app.{role}"),
    Attempt("CREATE STREAM TABLE app.{role} (id INT PRIMARY KEY) TTL 1h", "service",
            before="DROP TABLE IF EXISTS app.{role}"),
    Attempt("ALTER TABLE app.{role} ADD COLUMN more INT", "service",
            before="DROP TABLE IF EXISTS app.{role}; " + TABLE),
    Attempt("ALTER TABLE app.{role} SET (flush_rows=10)", "service", before=TABLE),
    Attempt("ALTER TABLE app.{role} RENAME TO renamed_{role}", "service",
            before="DROP TABLE IF EXISTS app.renamed_{role}; " + TABLE),
    Attempt("COMMENT ON TABLE app.{role} IS 'x'", "service", before=TABLE),
    Attempt("TRUNCATE app.{role}", "service", before=TABLE),
    Attempt("DROP TABLE app.{role}", "dba", before=TABLE),
    Attempt("CREATE INDEX i ON app.public (body)", UNBUILT),
    Attempt("CREATE VIEW app.view AS SELECT 1", UNBUILT),
    # settling
    Attempt("STORAGE FLUSH TABLE app.own", "user"),
    Attempt("STORAGE FLUSH TABLE app.own FOR USER 'other_user'", "service"),
    Attempt("STORAGE FLUSH TABLE app.public", "service"),
    Attempt("STORAGE COMPACT TABLE app.public", "service"),
    Attempt("STORAGE FLUSH ALL IN app", "service"),
    Attempt("STORAGE COMPACT ALL IN app", "service"),
    # looking
    Attempt("DESCRIBE app.own", "user"),
    Attempt("DESCRIBE app.protected", "user"),
    Attempt("DESCRIBE app.private", "service"),
    *[Attempt(text, "user") for text in (
        "SHOW TABLES", "SHOW JOBS", "SHOW LIVE QUERIES", "SELECT * FROM system.jobs",
        "SELECT * FROM system.connections", "SELECT * FROM system.queries",
        "SELECT * FROM system.live_queries", "SELECT * FROM system.functions")],
    *[Attempt(f"SELECT * FROM system.{name}", "dba") for name in (
        "users", "tables", "columns", "namespaces", "storages", "files", "manifest", "snapshots",
        "settings", "stats", "indexes")],
    # killing
    Attempt("KILL LIVE QUERY '{live}'", "user"),
    Attempt("KILL LIVE QUERY '{other}'", "dba", refusal="42704"),
    # namespaces, users, the server
    Attempt("CREATE NAMESPACE ns_{role}", "dba", before="DROP NAMESPACE IF EXISTS ns_{role}"),
    Attempt("DROP NAMESPACE ns_{role}", "dba", before="CREATE NAMESPACE IF NOT EXISTS ns_{role}"),
    *[Attempt(f"CREATE USER 'new_{{role}}' WITH PASSWORD 'long enough' ROLE {made}", least,
              before="DROP USER IF EXISTS 'new_{role}'")
      for made, least in (("user", "service"), ("service", "dba"), ("dba", "dba"),
                          ("system", "system"))],
    Attempt("ALTER USER 'mine_{role}' SET PASSWORD 'another one'", "dba", before=USER),
    Attempt("ALTER USER 'mine_{role}' SET ROLE service", "dba", before=USER),
    Attempt("ALTER USER 'mine_{role}' SET ROLE system", "system", before=USER),
    Attempt("DROP USER 'mine_{role}'", "dba", before=USER),
    Attempt("ALTER USER 'other_system' SET PASSWORD 'password of other'", "system"),
    Attempt("ALTER SYSTEM SET logging.slow_query = '2s'", "dba"),
    Attempt("ALTER SYSTEM RESET logging.slow_query", "dba"),
    *[Attempt(text, UNBUILT) for text in (
        "GRANT SELECT ON app.private TO the_user", "REVOKE SELECT ON app.private FROM the_user",
        "CREATE POLICY p ON app.private USING (true)", "BACKUP DATABASE TO '/tmp/x'",
        "CLUSTER STATUS", "CREATE TOPIC t", "CONSUME FROM t", "CREATE TOKEN n FOR 'the_user' "
        "EXPIRES 1h", "EXPORT USER DATA FOR 'other_user'")],
    # the session
    Attempt("USE app", "anonymous"),
    Attempt("SET search_path = app", "anonymous"),
]
