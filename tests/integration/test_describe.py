"""DESCRIBE, EXPLAIN and SHOW STATS: the truth about tiers."""
from harness import flush


def test_describe(shared):
    run = shared.root.sql
    run("CREATE NAMESPACE de")
    run("CREATE TABLE de.t (a INT, b TEXT DEFAULT 'x' NOT NULL, c DOUBLE, PRIMARY KEY (b, a)) "
        "FLUSH ROWS 1000 INTERVAL 30s WITH (access='protected')")
    run("INSERT INTO de.t SELECT i, 'k', 1 FROM generate_series(1, 100) AS g(i)")
    flush(shared, "de.t")
    run("INSERT INTO de.t VALUES (500, 'k', 2), (501, 'k', 2)")
    run("DELETE FROM de.t WHERE a = 1")
    result = run("DESCRIBE TABLE de.t")
    assert result.columns == ["section", "name", "type", "nullable", "key_position", "default",
                              "value", "comment"], result.columns
    rows = result.records()
    columns = [(r["name"], r["nullable"], r["key_position"]) for r in rows
               if r["section"] == "column"]
    assert columns == [("a", False, 2), ("b", False, 1), ("c", True, None)], columns
    values = {r["name"]: r["value"] for r in rows if r["section"] == "table"}
    assert (values["hot_rows"], values["cold_rows"], values["total_rows"]) == ("2", "99", "101"), \
        values
    assert (values["kind"], values["access"], values["key"]) == ("shared", "protected", "b, a")
    assert (values["flush_rows"], values["flush_interval"]) == ("1000", "30s"), values
    assert int(values["files"]) == 1 and int(values["bytes"]) > 0, values
    assert [r for r in rows if r["section"] == "index"], rows
    assert run("DESC de.t").rows == result.rows or len(run("DESC de.t").rows) == len(result.rows)
    assert run("DESCRIBE system.users").rows


def test_a_user_sees_his_own_counts(shared):
    shared.root.sql("CREATE NAMESPACE du")
    shared.root.sql("CREATE USER TABLE du.t (id INT PRIMARY KEY)")
    shared.user("alice").sql("INSERT INTO du.t VALUES (1)")
    shared.user("bob").sql("INSERT INTO du.t VALUES (1), (2), (3)")

    def total(who):
        return [r["value"] for r in who.sql("DESCRIBE du.t").records()
                if r["name"] == "total_rows"][0]

    assert (total(shared.user("alice")), total(shared.user("bob")), total(shared.root)) == \
        ("1", "3", "4")


def plan(server, sql, params=None):
    return "\n".join(row[0] for row in server.root.rows("EXPLAIN " + sql, params))


def test_explain_tells_the_tier_plan(shared):
    """Which files are considered, pruned and opened: a file that cannot hold the key is not read."""
    run = shared.root.sql
    run("CREATE NAMESPACE ex")
    run("CREATE TABLE ex.t (id INT PRIMARY KEY, body TEXT)")
    for part in range(4):
        run(f"INSERT INTO ex.t SELECT i, 'b' FROM generate_series({part * 1000}, "
            f"{part * 1000 + 999}) AS g(i)")
        flush(shared, "ex.t")
    run("INSERT INTO ex.t VALUES (9000, 'hot')")
    text = plan(shared, "SELECT count(*) FROM ex.t WHERE id BETWEEN 1200 AND 1300 AND body = 'b'")
    assert "4 considered, 3 pruned, 1 opened" in text, text
    text = plan(shared, "SELECT body, count(*) FROM ex.t GROUP BY body")
    assert "4 considered, 0 pruned, 4 opened; hot rows: 1" in text, text
    one = plan(shared, "SELECT * FROM ex.t WHERE id = 7")
    assert "one key" in one, one
    newest = plan(shared, "SELECT * FROM ex.t ORDER BY id DESC LIMIT 3")
    assert "newest first" in newest, newest
    ran = plan(shared, "ANALYZE SELECT * FROM ex.t WHERE id < 10")
    assert "Ran: 10 rows in " in ran, ran
    assert run("SELECT count(*) FROM ex.t").value == 4001
    run("EXPLAIN DELETE FROM ex.t")
    assert run("SELECT count(*) FROM ex.t").value == 4001


def test_explain_analyze_of_a_write_changes_nothing_or_is_refused(shared):
    run = shared.root.sql
    run("CREATE NAMESPACE ew")
    run("CREATE TABLE ew.t (id INT PRIMARY KEY)")
    run("INSERT INTO ew.t VALUES (1)")
    error = shared.root.error("EXPLAIN ANALYZE DELETE FROM ew.t")
    assert error.sqlstate == "0A000", error
    assert run("SELECT count(*) FROM ew.t").value == 1


def test_counts_agree_with_the_rows(shared):
    run = shared.root.sql
    run("CREATE NAMESPACE dc")
    run("CREATE TABLE dc.t (id INT PRIMARY KEY, body TEXT)")
    run("INSERT INTO dc.t SELECT i, 'x' FROM generate_series(1, 1000) AS g(i)")
    flush(shared, "dc.t")
    run("DELETE FROM dc.t WHERE id % 10 = 0")
    run("UPDATE dc.t SET body = 'y' WHERE id % 7 = 0")
    run("INSERT INTO dc.t SELECT i, 'z' FROM generate_series(2001, 2100) AS g(i)")
    for _ in range(3):
        total = run("SELECT count(*) FROM dc.t").value
        assert total == run("SELECT count(*) FROM dc.t WHERE body IS NOT NULL").value == 1000
        stats = run("SHOW STATS FOR TABLE dc.t").records()[0]
        assert stats["total_rows"] == total, stats
        flush(shared, "dc.t")
        run("STORAGE COMPACT TABLE dc.t")
