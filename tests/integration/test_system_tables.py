"""The system tables: exactly the columns promised, in order and with their types; who sees what."""
import json

from harness import expect_error, flush

TEXT, INT, BIGINT, BOOLEAN, TS, JSON, REAL, DOUBLE = (
    "TEXT", "INT", "BIGINT", "BOOLEAN", "TIMESTAMPTZ", "JSON", "REAL", "DOUBLE")
TEXTS = "TEXT[]"

COLUMNS = {
    "namespaces": "namespace TEXT, owner TEXT, created_at TS, tables INT, options JSON",
    "tables": "namespace TEXT, table_name TEXT, kind TEXT, access TEXT, storage TEXT, "
              "schema_version INT, key TEXT[], flush_rows BIGINT, flush_interval_ms BIGINT, "
              "flush_bytes BIGINT, ttl_ms BIGINT, compression TEXT, options JSON, comment TEXT, "
              "created_at TS, altered_at TS",
    "columns": "namespace TEXT, table_name TEXT, column_name TEXT, position INT, field_id INT, "
               "type TEXT, nullable BOOLEAN, default TEXT, key_position INT, comment TEXT, "
               "dropped BOOLEAN",
    "users": "user_name TEXT, role TEXT, email TEXT, storage TEXT, created_at TS, last_seen TS, "
             "deleted_at TS, options JSON",
    "storages": "storage_id TEXT, type TEXT, path TEXT, options JSON, tables INT, bytes BIGINT, "
                "checked_at TS, status TEXT",
    "files": "namespace TEXT, table_name TEXT, user_name TEXT, path TEXT, kind TEXT, format TEXT, "
             "rows BIGINT, deleted_rows BIGINT, bytes BIGINT, key_min TEXT, key_max TEXT, "
             "min_seq BIGINT, max_seq BIGINT, snapshot_id BIGINT, deletes_path TEXT, created_at TS",
    "manifest": "namespace TEXT, table_name TEXT, user_name TEXT, snapshot_id BIGINT, files BIGINT,"
                " rows BIGINT, bytes BIGINT, min_seq BIGINT, max_seq BIGINT, hot_rows BIGINT, "
                "hot_bytes BIGINT, needs_flush BOOLEAN, metadata_path TEXT, committed_at TS",
    "snapshots": "namespace TEXT, table_name TEXT, snapshot_id BIGINT, parent_id BIGINT, "
                 "operation TEXT, summary JSON, first_seq BIGINT, last_seq BIGINT, "
                 "committed_at TS",
    "jobs": "job_id TEXT, type TEXT, state TEXT, namespace TEXT, table_name TEXT, user_name TEXT, "
            "parameters JSON, trigger TEXT, rows BIGINT, bytes BIGINT, files BIGINT, "
            "progress REAL, message TEXT, error TEXT, attempts INT, created_at TS, started_at TS, "
            "finished_at TS, heartbeat_at TS",
    "live_queries": "live_id TEXT, connection_id TEXT, user_name TEXT, namespace TEXT, "
                    "table_name TEXT, sql TEXT, filter_kind TEXT, state TEXT, last_seq BIGINT, "
                    "changes_sent BIGINT, queued_bytes BIGINT, lag_ms INT, client_address TEXT, "
                    "created_at TS",
    "connections": "connection_id TEXT, door TEXT, user_name TEXT, client_address TEXT, "
                   "statements BIGINT, subscriptions INT, connected_at TS",
    "queries": "query_id TEXT, connection_id TEXT, user_name TEXT, sql TEXT, state TEXT, "
               "executor TEXT, started_at TS, rows BIGINT, bytes BIGINT",
    "settings": "name TEXT, value TEXT, default TEXT, unit TEXT, source TEXT, restart BOOLEAN, "
                "description TEXT",
    "stats": "name TEXT, value DOUBLE, labels JSON",
    "functions": "name TEXT, arguments TEXT[], returns TEXT, kind TEXT, short_path BOOLEAN, "
                 "description TEXT",
}

SAME = {"INTEGER": "INT", "DOUBLE PRECISION": "DOUBLE", "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}


def expected(text):
    for part in text.split(","):
        name, kind = part.split()
        yield name, "TIMESTAMPTZ" if kind == "TS" else kind


def test_columns(shared):
    for table, text in COLUMNS.items():
        for prefix in ("system", "sys"):
            result = shared.root.sql(f"SELECT * FROM {prefix}.{table}")
            got = [(name, SAME.get(kind, kind)) for name, kind in zip(result.columns, result.types)]
            assert got == list(expected(text)), (table, got)


def prepare(server):
    run = server.root.sql
    run("CREATE NAMESPACE IF NOT EXISTS seen")
    run("CREATE TABLE IF NOT EXISTS seen.t (b INT, a TEXT NOT NULL DEFAULT 'x', "
        "PRIMARY KEY (b, a)) FLUSH ROWS 500 INTERVAL 20s WITH (compression='zstd')")
    run("CREATE STREAM TABLE IF NOT EXISTS seen.s (id INT PRIMARY KEY) TTL 90s")
    run("COMMENT ON COLUMN seen.t.a IS 'the letter'")


def test_tables_and_columns_are_true(shared):
    prepare(shared)
    rows = shared.root.sql("SELECT * FROM system.tables WHERE namespace = 'seen' "
                           "ORDER BY table_name").records()
    assert [row["kind"] for row in rows] == ["stream", "shared"], rows
    assert rows[0]["ttl_ms"] == 90000 and rows[1]["ttl_ms"] is None, rows
    t = rows[1]
    assert (t["key"], t["flush_rows"], t["flush_interval_ms"]) == (["b", "a"], 500, 20000), t
    assert (t["access"], t["compression"]) == ("private", "zstd") and t["schema_version"] >= 1, t
    columns = shared.root.sql("SELECT column_name, position, type, nullable, \"default\", "
                              "key_position, comment, dropped FROM system.columns WHERE "
                              "namespace = 'seen' AND table_name = 't' ORDER BY position").rows
    assert [row[0] for row in columns] == ["b", "a"], columns
    assert [row[3] for row in columns] == [False, False] and columns[1][4] is not None, columns
    assert columns[1][6] == "the letter" and columns[0][7] is False, columns
    spaces = shared.root.sql("SELECT namespace, tables FROM system.namespaces "
                             "WHERE namespace = 'seen'").rows
    assert spaces == [["seen", 2]], spaces


def test_users_never_show_a_hash(shared):
    shared.user("shown")
    answer = json.dumps(shared.root.sql("SELECT * FROM system.users").body)
    assert "argon2" not in answer and "$m=" not in answer
    rows = shared.root.rows("SELECT user_name, role FROM system.users ORDER BY user_name")
    assert ["root", "system"] in rows and ["shown", "user"] in rows, rows


def test_jobs_of_a_flush(shared):
    prepare(shared)
    shared.root.sql("INSERT INTO seen.t VALUES (1, 'j')")
    flush(shared, "seen.t")
    job = shared.root.sql("SELECT * FROM system.jobs WHERE table_name = 't' AND type = 'flush' "
                          "ORDER BY created_at DESC LIMIT 1").records()[0]
    assert job["job_id"].startswith("FL-") and len(job["job_id"]) == 15, job
    assert job["state"] == "completed" and job["progress"] == 1, job
    assert job["trigger"] == "command" and job["rows"] == 1 and job["files"] >= 1, job
    assert job["error"] is None and job["attempts"] == 1, job
    assert job["created_at"] <= job["started_at"] <= job["finished_at"], job


def test_live_queries_connections_queries(shared):
    prepare(shared)
    socket = shared.socket()
    socket.subscribe("s1", "SELECT * FROM seen.t WHERE b = 1")
    live = shared.root.sql("SELECT * FROM system.live_queries").records()
    assert len(live) == 1 and live[0]["filter_kind"] == "equal", live
    assert (live[0]["namespace"], live[0]["table_name"], live[0]["user_name"]) == \
        ("seen", "t", "root"), live
    connection = shared.root.sql("SELECT * FROM system.connections WHERE connection_id = $1",
                                 [live[0]["connection_id"]]).records()
    assert connection[0]["door"] == "ws" and connection[0]["subscriptions"] == 1, connection
    assert shared.root.value("SELECT count(*) FROM system.connections WHERE door = 'http'") >= 1
    queries = shared.root.sql("SELECT * FROM system.queries").records()
    assert any("system.queries" in query["sql"] for query in queries), queries
    socket.close()


def test_settings_and_stats(shared):
    settings = {row[0]: row for row in
                shared.root.rows("SELECT name, value, \"default\", source FROM system.settings")}
    assert settings["log.durability"][1] == "always", settings["log.durability"]
    assert settings["server.listen"][3] == "command", settings["server.listen"]
    stats = {row[0] for row in shared.root.rows("SELECT name FROM system.stats")}
    metrics = shared.root.request("GET", "/metrics").body.decode()
    names = {line.split("{")[0].split(" ")[0] for line in metrics.splitlines()
             if line and not line.startswith("#")}
    assert names, metrics[:500]
    assert len(stats & names) >= len(names) // 2, (sorted(stats)[:20], sorted(names)[:20])


def test_functions_are_for_all_users(shared):
    rows = shared.user("reader").rows("SELECT name, kind FROM system.functions")
    assert len(rows) >= 150, len(rows)
    assert ["lower", "scalar"] in rows and ["count", "aggregate"] in rows


def test_others_see_their_own_rows_only(shared):
    alice = shared.user("alice")
    for table in COLUMNS:
        if table in ("jobs", "connections", "queries", "live_queries", "functions"):
            result = alice.sql(f"SELECT * FROM system.{table}")
            if "user_name" in result.columns:
                names = {row[result.columns.index("user_name")] for row in result.rows}
                assert names <= {"alice"}, (table, names)
        else:
            expect_error(alice.error(f"SELECT * FROM system.{table}"), "42501",
                         "permission denied", 403)


def test_they_are_read_only(shared):
    for statement in ("INSERT INTO system.users(user_name) VALUES ('x')",
                      "UPDATE system.jobs SET state = 'completed'",
                      "DELETE FROM system.tables", "TRUNCATE system.jobs",
                      "DROP TABLE system.users", "ALTER TABLE system.users ADD COLUMN x INT",
                      "CREATE TABLE system.mine (id INT)"):
        error = shared.root.error(statement)
        assert error.sqlstate in ("42501", "42939", "42809"), (statement, error)
        if statement[0] in "IUD" and "TABLE" not in statement:
            expect_error(error, "42501", "system tables are read-only")


def test_joined_with_ones_own_tables(shared):
    prepare(shared)
    rows = shared.root.rows("SELECT t.table_name, count(c.column_name) FROM system.tables t JOIN "
                            "system.columns c USING (namespace, table_name) WHERE namespace = "
                            "'seen' AND NOT c.dropped GROUP BY 1 ORDER BY 1")
    assert rows == [["s", 1], ["t", 2]], rows


def test_show(shared):
    prepare(shared)
    run = shared.root.sql
    assert ["seen", "t", "shared"] in [row[:3] for row in run("SHOW TABLES IN seen").rows]
    assert "seen" in run("SHOW NAMESPACES").column()
    assert "root" in run("SHOW USERS").column()
    for statement in ("SHOW STORAGES", "SHOW JOBS", "SHOW LIVE QUERIES", "SHOW MANIFEST",
                      "SHOW MANIFEST FOR seen.t", "SHOW STATS FOR TABLE seen.t"):
        run(statement)
    visible = shared.user("alice").sql("SHOW TABLES").rows
    assert all(row[2] != "shared" or row[3] != "private" for row in visible), visible
