"""Statements over POST /v1/sql: what comes back, and errors with their exact place."""
from harness import expect_error


def namespace(server, name):
    server.root.sql(f"CREATE NAMESPACE IF NOT EXISTS {name}")
    return name


def table(server, name, columns="id INT PRIMARY KEY, body TEXT, score DOUBLE"):
    space = name.split(".")[0]
    namespace(server, space)
    server.root.sql(f"CREATE TABLE {name} ({columns})")
    return name


def test_tags_and_counts(shared):
    t = table(shared, "tags.t")
    run = shared.root.sql
    inserted = run(f"INSERT INTO {t} VALUES (1,'a',1.5),(2,'b',NULL),(3,'c',3)")
    assert (inserted.message, inserted.row_count) == ("INSERT 0 3", 3), inserted.body
    assert "rows" not in inserted.body and "columns" not in inserted.body
    assert run(f"UPDATE {t} SET body = 'x' WHERE id > 1").message == "UPDATE 2"
    assert run(f"DELETE FROM {t} WHERE id = 3").message == "DELETE 1"
    selected = run(f"SELECT * FROM {t} ORDER BY id")
    assert selected.message == "SELECT 2" and selected.row_count == 2
    assert selected.columns == ["id", "body", "score"], selected.columns
    assert selected.types == ["INT", "TEXT", "DOUBLE"] or \
        selected.types == ["INTEGER", "TEXT", "DOUBLE"], selected.types
    assert selected.rows == [[1, "a", 1.5], [2, "x", None]], selected.rows
    assert run(f"DROP TABLE {t}").message == "DROP TABLE"


def test_took_has_three_decimals(shared):
    answer = shared.root.request("POST", "/v1/sql", {"sql": "SELECT 1"})
    took = answer.body.decode().split('"took":')[1].split(",")[0].rstrip("}")
    assert len(took.split(".")[1]) == 3, took
    assert answer.json()["status"] == "success"


def test_several_statements_and_the_one_that_fails(shared):
    t = table(shared, "several.t")
    results = shared.root.statements(
        f"INSERT INTO {t}(id) VALUES (1); INSERT INTO {t}(id) VALUES (2); SELECT count(*) FROM {t}")
    assert [r.message for r in results] == ["INSERT 0 1", "INSERT 0 1", "SELECT 1"]
    assert results[-1].value == 2
    error = shared.root.error(f"INSERT INTO {t}(id) VALUES (3); SELECT nix FROM {t}; "
                              f"INSERT INTO {t}(id) VALUES (4)")
    expect_error(error, "42703", status=400)
    assert error.statement == 2, error.statement
    assert len(error.results) == 1, error.results
    assert shared.root.value(f"SELECT count(*) FROM {t}") == 3


def test_parameters(shared):
    t = table(shared, "parameters.t")
    run = shared.root.sql
    run(f"INSERT INTO {t} VALUES ($1, $2, $3)", [7, "it's", 0.25])
    run(f"INSERT INTO {t} VALUES ($1, $2, $3)", [8, None, None])
    assert run(f"SELECT body, score FROM {t} WHERE id = $1", [7]).rows == [["it's", 0.25]]
    assert run(f"SELECT id FROM {t} WHERE body IS NULL AND id > $1", [1]).rows == [[8]]
    assert shared.root.error(f"SELECT $2 FROM {t}", [1]).sqlstate in ("42P02", "42P18")
    expect_error(shared.root.error(f"SELECT id FROM {t} WHERE id = $1"), "42P02")
    expect_error(shared.root.error(f"SELECT id FROM {t} WHERE id = $1", ["seven"]), "22P02")
    error = shared.root.error("SELECT 1; SELECT $1", [1])
    assert error.status == 400, error


def test_namespace_of_the_request(shared):
    table(shared, "spoken.t")
    run = shared.root.sql
    run("INSERT INTO t(id) VALUES (1)", namespace="spoken")
    assert run("SELECT count(*) FROM t", namespace="spoken").value == 1
    expect_error(shared.root.error("SELECT * FROM t"), "3F000",
                 "no namespace: write ns.t or USE ns")
    assert shared.root.statements("USE spoken; SELECT id FROM t")[-1].rows == [[1]]
    expect_error(shared.root.error("SELECT * FROM t"), "3F000")  # USE was that request's


def test_error_positions(shared):
    t = table(shared, "positions.t")
    error = shared.root.error(f"SELECT bdy FROM {t}")
    expect_error(error, "42703", 'column "bdy" does not exist', 400)
    assert error.code == "UNDEFINED_COLUMN"
    assert error.position == {"line": 1, "column": 8, "byte": 7}, error.position
    assert error.hint == 'Did you mean "body"?', error.hint
    error = shared.root.error(f"SELECT id,\n       bäd\nFROM {t}")
    assert error.position["line"] == 2 and error.position["column"] == 8, error.position
    error = shared.root.error("SELECT 1 FORM x y z")
    expect_error(error, "42601")
    assert error.position["line"] == 1, error.position
    error = shared.root.error("SELECT * FROM positions.nowhere")
    expect_error(error, "42P01", 'relation "positions.nowhere" does not exist', 404)
    assert error.position["byte"] == 14, error.position
    error = shared.root.error("SELECT 1; SELECT * FROM positions.nowhere")
    assert (error.statement, error.position["byte"]) == (2, 24), (error.statement, error.position)


def test_conflicts(shared):
    t = table(shared, "conflicts.t")
    run = shared.root.sql
    run(f"INSERT INTO {t} VALUES (1,'one',1)")
    error = shared.root.error(f"INSERT INTO {t} VALUES (2,'two',2),(1,'again',1)")
    expect_error(error, "23505", status=409)
    assert error.detail == "Key (id)=(1) already exists.", error.detail
    assert run(f"SELECT count(*) FROM {t}").value == 1  # nothing of the statement stayed
    error = shared.root.error(f"INSERT INTO {t}(id) VALUES (5),(5)")
    expect_error(error, "23505")
    assert run(f"INSERT INTO {t}(id) VALUES (1) ON CONFLICT DO NOTHING").message == "INSERT 0 0"
    done = run(f"INSERT INTO {t} VALUES (1,'new',9),(2,'two',2) ON CONFLICT (id) DO UPDATE "
               f"SET body = excluded.body || '!' WHERE t.score < excluded.score "
               f"RETURNING id, body, score")
    assert done.message == "INSERT 0 2", done.message
    assert sorted(done.rows) == [[1, "new!", 1], [2, "two", 2]], done.rows
    kept = run(f"INSERT INTO {t} VALUES (1,'no',0) ON CONFLICT (id) DO UPDATE "
               f"SET body = excluded.body WHERE t.score < excluded.score")
    assert kept.message == "INSERT 0 0"
    expect_error(shared.root.error(f"INSERT INTO {t}(id) VALUES (1) ON CONFLICT (body) DO NOTHING"),
                 "42P10")
    expect_error(shared.root.error(f"INSERT INTO {t}(id) VALUES (7),(7) "
                                   f"ON CONFLICT (id) DO UPDATE SET body = 'x'"), "21000")


def test_conflicts_with_cold_rows(shared):
    t = table(shared, "cold_conflicts.t")
    run = shared.root.sql
    run(f"INSERT INTO {t} SELECT i, 'b' || i, i FROM generate_series(1, 500) AS g(i)")
    run(f"STORAGE FLUSH TABLE {t}")
    error = shared.root.error(f"INSERT INTO {t}(id) VALUES (250)")
    expect_error(error, "23505")
    assert error.detail == "Key (id)=(250) already exists.", error.detail
    assert run(f"INSERT INTO {t}(id) VALUES (250) ON CONFLICT DO NOTHING").row_count == 0
    run(f"INSERT INTO {t} VALUES (250,'up',0) ON CONFLICT (id) DO UPDATE SET body = 'up'")
    assert run(f"SELECT body, score FROM {t} WHERE id = 250").rows == [["up", 250]]
    assert run(f"SELECT count(*), count(DISTINCT id) FROM {t}").rows == [[500, 500]]
    run(f"UPDATE {t} SET id = 1000 WHERE id = 250")
    assert run(f"SELECT id FROM {t} WHERE id IN (250, 1000)").rows == [[1000]]
    expect_error(shared.root.error(f"UPDATE {t} SET id = 2 WHERE id = 1"), "23505")


def test_returning(shared):
    t = table(shared, "gaveback.t")
    run = shared.root.sql
    made = run(f"INSERT INTO {t}(id, score) VALUES (1, 2) RETURNING id, score * 2 AS twice, _seq")
    assert made.columns == ["id", "twice", "_seq"] and made.rows[0][:2] == [1, 4], made.body
    assert isinstance(made.rows[0][2], int) and made.rows[0][2] > 0
    changed = run(f"UPDATE {t} SET score = score + 1 WHERE id = 1 RETURNING score")
    assert changed.rows == [[3]] and changed.message == "UPDATE 1"
    gone = run(f"DELETE FROM {t} RETURNING *")
    assert gone.rows == [[1, None, 3]] and gone.row_count == 1, gone.body


def test_data_errors(shared):
    t = table(shared, "data_errors.t", "id INT PRIMARY KEY, name VARCHAR(3) NOT NULL, "
              "small SMALLINT CHECK (small < 100), money DECIMAL(6,2)")
    for statement, sqlstate, message in (
            ("INSERT INTO {t} VALUES (1, NULL, 1, 1)", "23502",
             'null value in column "name" of relation "t" violates not-null constraint'),
            ("INSERT INTO {t} VALUES (1, 'abcd', 1, 1)", "22001",
             "value too long for type character varying(3)"),
            ("INSERT INTO {t} VALUES (1, 'a', 40000, 1)", "22003", "smallint out of range"),
            ("INSERT INTO {t} VALUES (1, 'a', 100, 1)", "23514", None),
            ("INSERT INTO {t} VALUES (1, 'a', 1, 123456)", "22003", "numeric field overflow"),
            ("INSERT INTO {t} VALUES (NULL, 'a', 1, 1)", "23502", None),
            ("INSERT INTO {t} VALUES ('x', 'a', 1, 1)", "22P02",
             'invalid input syntax for type integer: "x"'),
            ("INSERT INTO {t}(id, nix) VALUES (1, 2)", "42703",
             'column "nix" of relation "t" does not exist'),
            ("INSERT INTO {t} VALUES (1, 'a', 1, 1, 1)", "42601",
             "INSERT has more expressions than target columns"),
            ("UPDATE {t} SET nix = 1", "42703", 'column "nix" of relation "t" does not exist'),
            ("SELECT 1/0", "22012", "division by zero"),
            ("SELECT small/0 FROM {t} WHERE false OR id = 1", None, None),
            ("SELECT nofunction(1)", "42883", "function nofunction(integer) does not exist"),
            ("SELECT 1 + 'a'::text", "42883", "operator does not exist: integer + text"),
            ("SELECT id, count(*) FROM {t}", "42803", None),
            ("SELECT * FROM {t} a JOIN {t} b ON true WHERE id = 1", "42702",
             'column reference "id" is ambiguous')):
        if sqlstate is None:
            shared.root.sql(statement.format(t=t))
            continue
        expect_error(shared.root.error(statement.format(t=t)), sqlstate, message)
    assert shared.root.value(f"SELECT count(*) FROM {t}") == 0


def test_definition_errors(shared):
    t = table(shared, "definitions.t")
    again = shared.root.sql(f"CREATE TABLE IF NOT EXISTS {t} (x INT)")
    assert again.notices == ['relation "t" already exists, skipping'], again.body
    for statement, sqlstate, message in (
            (f"CREATE TABLE {t} (id INT)", "42P07", 'relation "t" already exists'),
            ("CREATE NAMESPACE definitions", "42P06", None),
            ("CREATE NAMESPACE system", "42939", None),
            ("CREATE NAMESPACE " + "n" * 33, "42622", None),
            ("CREATE TABLE nowhere.t (id INT)", "3F000", None),
            ("CREATE TABLE definitions._hidden (id INT)", None, None),
            ("CREATE TABLE definitions.a (_seq BIGINT)", None, None),
            ("CREATE TABLE definitions.b (id INT, id INT)", "42701", None),
            ("CREATE TABLE definitions.c (id INT UNIQUE)", "0A000", None),
            ("CREATE INDEX i ON definitions.t (body)", "0A000", None),
            ("CREATE TABLE definitions.d (id INT, PRIMARY KEY (nix))", "42703", None),
            ("CREATE TABLE definitions.e (v VECTOR(0))", "22023", None),
            ("CREATE TABLE definitions.f (v VECTOR(16001))", "22023", None),
            ("CREATE TABLE definitions.g (id INT) WITH (nix=1)", "22023", None),
            ("CREATE STREAM TABLE definitions.h (id INT)", None, None),
            ("CREATE STREAM TABLE definitions.i (id INT) TTL 32d", None, None),
            ("CREATE TABLE definitions.j (id INT) TTL 10s", None, None),
            ("DROP TABLE definitions.nix", "42P01", None),
            ("DROP NAMESPACE nix", "3F000", None),
            ("DROP SCHEMA definitions", "2BP01", None),
            ("ALTER TABLE definitions.t ALTER COLUMN id TYPE SMALLINT", None, None),
            ("ALTER TABLE definitions.t DROP COLUMN id", None, None),
            ("BEGIN ISOLATION LEVEL SERIALIZABLE", "0A000", None),
            ("SELECT * FROM generate_series(1,2) QUALIFY true", "42601", None)):
        error = shared.root.error(statement)
        assert error.status in (400, 404, 409), error
        if sqlstate is not None:
            expect_error(error, sqlstate, message)
    assert shared.root.sql("DROP TABLE IF EXISTS definitions.nix").notices


def test_alter_table_keeps_what_is_cold(shared):
    t = table(shared, "altered.t")
    run = shared.root.sql
    run(f"INSERT INTO {t} VALUES (1,'a',1),(2,'b',2)")
    run(f"STORAGE FLUSH TABLE {t}")
    run(f"INSERT INTO {t} VALUES (3,'c',3)")
    run(f"ALTER TABLE {t} ADD COLUMN flag BOOLEAN")
    run(f"ALTER TABLE {t} ADD COLUMN level INT DEFAULT 5")
    run(f"ALTER TABLE {t} RENAME COLUMN body TO text")
    run(f"ALTER TABLE {t} ALTER COLUMN id TYPE BIGINT")
    run(f"ALTER TABLE {t} DROP COLUMN score")
    assert run(f"SELECT * FROM {t} ORDER BY id").rows == [
        [1, "a", None, 5], [2, "b", None, 5], [3, "c", None, 5]]
    run(f"INSERT INTO {t} VALUES (5000000000,'big',true,1)")
    run(f"STORAGE FLUSH TABLE {t}")
    run(f"ALTER TABLE {t} ADD COLUMN score TEXT")  # the name of a dropped column: a new field
    assert run(f"SELECT id, score FROM {t} WHERE id = 1").rows == [[1, None]]
    shared.restart(crash=True)
    run = shared.root.sql
    assert run(f"SELECT id, text, flag, level FROM {t} ORDER BY id").rows == [
        [1, "a", None, 5], [2, "b", None, 5], [3, "c", None, 5], [5000000000, "big", True, 1]]
    run(f"ALTER TABLE {t} RENAME TO u")
    assert run("SELECT count(*) FROM altered.u").value == 4
    expect_error(shared.root.error(f"SELECT * FROM {t}"), "42P01")


def test_drop_and_recreate_sees_nothing_old(shared):
    t = table(shared, "again.t")
    run = shared.root.sql
    run(f"INSERT INTO {t}(id) VALUES (1),(2)")
    run(f"STORAGE FLUSH TABLE {t}")
    run(f"INSERT INTO {t}(id) VALUES (3)")
    run(f"DROP TABLE {t}")
    assert run("SELECT count(*) FROM system.tables WHERE namespace = 'again'").value == 0
    table(shared, "again.t")
    assert run(f"SELECT count(*) FROM {t}").value == 0
    run(f"INSERT INTO {t}(id) VALUES (1)")
    dropped = run("DROP NAMESPACE again CASCADE")
    assert dropped.message.startswith("DROP"), dropped.body
    table(shared, "again.t")
    assert run(f"SELECT count(*) FROM {t}").value == 0
    shared.restart(crash=True)
    assert shared.root.value(f"SELECT count(*) FROM {t}") == 0


def test_truncate(shared):
    t = table(shared, "truncated.t")
    run = shared.root.sql
    run(f"INSERT INTO {t}(id) VALUES (1),(2)")
    run(f"STORAGE FLUSH TABLE {t}")
    run(f"INSERT INTO {t}(id) VALUES (3)")
    assert run(f"TRUNCATE {t}").message == "TRUNCATE TABLE"
    assert run(f"SELECT count(*) FROM {t}").value == 0
    run(f"INSERT INTO {t}(id) VALUES (1)")
    shared.restart(crash=True)
    assert shared.root.value(f"SELECT count(*) FROM {t}") == 1


TYPES = (
    ("BOOLEAN", "true", True), ("BOOLEAN", "false", False),
    ("SMALLINT", "-32768", -32768), ("INT", "2147483647", 2147483647),
    ("BIGINT", "-9223372036854775808", -9223372036854775808),
    ("BIGINT", "9223372036854775807", 9223372036854775807),
    ("REAL", "1.5", 1.5), ("DOUBLE", "1e300", 1e300), ("DOUBLE", "'NaN'", "NaN"),
    ("DOUBLE", "'Infinity'", "Infinity"), ("DOUBLE", "'-Infinity'", "-Infinity"),
    ("DECIMAL(38,10)", "1234567890123456789012345678.0123456789",
     "1234567890123456789012345678.0123456789"),
    ("DECIMAL(5,2)", "-0.5", "-0.50"),
    ("TEXT", "''", ""), ("TEXT", "'æ€𝄞'", "æ€𝄞"), ("VARCHAR(5)", "'abc'", "abc"),
    ("CHAR(5)", "'ab'", "ab   "),
    ("BYTEA", r"'\x00ff'", "AP8="),
    ("DATE", "'1999-12-31'", "1999-12-31"), ("TIME", "'23:59:59.5'", "23:59:59.5"),
    ("TIMESTAMP", "'2020-02-29 12:00:00.123456'", "2020-02-29T12:00:00.123456"),
    ("TIMESTAMPTZ", "'2020-02-29 12:00:00+02'", None),
    ("UUID", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("JSON", """'{"a": [1, 2]}'""", None), ("VECTOR(3)", "'[1,2.5,-3]'", [1, 2.5, -3]),
)


def test_types_round_trip_hot_and_cold(shared):
    """The same JSON before a flush, from files, and after kill -9."""
    namespace(shared, "types")
    run = shared.root.sql
    for i, (kind, literal, expected) in enumerate(TYPES):
        t = f"types.t{i}"
        run(f"CREATE TABLE {t} (id INT PRIMARY KEY, v {kind})")
        run(f"INSERT INTO {t} VALUES (1, {literal}), (2, NULL)")
        hot = run(f"SELECT v FROM {t} ORDER BY id").rows
        if expected is not None:
            assert hot[0][0] == expected, (kind, literal, hot)
        assert hot[1][0] is None
    run("STORAGE FLUSH ALL IN types")
    answers = []
    for i, (kind, literal, expected) in enumerate(TYPES):
        t = f"types.t{i}"
        cold = run(f"SELECT v FROM {t} ORDER BY id").rows
        by_key = run(f"SELECT v FROM {t} WHERE id = 1").rows
        engine = run(f"SELECT max(v::text) FROM {t}").rows if kind != "BYTEA" else None
        assert cold[1][0] is None and by_key[0] == cold[0], (kind, cold, by_key)
        if expected is not None:
            assert cold[0][0] == expected, (kind, literal, cold)
        answers.append((cold, engine))
    shared.restart(crash=True)
    for i, (kind, _, _) in enumerate(TYPES):
        again = shared.root.rows(f"SELECT v FROM types.t{i} ORDER BY id")
        assert again == answers[i][0], (kind, again, answers[i][0])


def test_bigint_as_string(shared):
    sql = "SELECT 9007199254740993::bigint, 5::bigint"
    assert shared.root.sql(sql).rows == [[9007199254740993, 5]]
    assert shared.root.sql(sql, bigint="string").rows[0][0] == "9007199254740993"


def test_system_columns(shared):
    t = table(shared, "columns.t")
    run = shared.root.sql
    for i in range(3):
        run(f"INSERT INTO {t}(id) VALUES ({i})")
    hot = run(f"SELECT id, _seq, _updated FROM {t} ORDER BY id").rows
    assert hot[0][1] < hot[1][1] < hot[2][1], hot
    run(f"STORAGE FLUSH TABLE {t}")
    assert run(f"SELECT id, _seq, _updated FROM {t} ORDER BY id").rows == hot
    run(f"UPDATE {t} SET body = 'x' WHERE id = 0")
    after = run(f"SELECT _seq, _updated FROM {t} WHERE id = 0").rows[0]
    assert after[0] > hot[2][1] and after[1] > hot[0][2], (after, hot)
    assert run(f"SELECT _deleted FROM {t} WHERE id = 1").value is False
    assert "_seq" not in run(f"SELECT * FROM {t}").columns
    hidden = table(shared, "columns.keyless", "a INT")
    run(f"INSERT INTO {hidden} VALUES (1),(1)")
    assert run(f"SELECT * FROM {hidden}").rows == [[1], [1]]


def test_request_id_comes_back(shared):
    answer = shared.root.request("POST", "/v1/sql", {"sql": "SELECT 1"},
                                 {"X-Request-ID": "my-request-7"})
    assert answer.headers["X-Request-ID"] == "my-request-7", dict(answer.headers)


def test_pages_are_stable(shared):
    t = table(shared, "pages.t")
    run = shared.root.sql
    run(f"INSERT INTO {t}(id) SELECT (i * 7919) % 1000 FROM generate_series(0, 999) AS g(i)")
    run(f"STORAGE FLUSH TABLE {t}")
    run(f"DELETE FROM {t} WHERE id % 10 = 3")
    run(f"INSERT INTO {t}(id) SELECT i FROM generate_series(1000, 1099) AS g(i)")
    pages = [row[0] for page in range(11)
             for row in run(f"SELECT id FROM {t} LIMIT 100 OFFSET {page * 100}").rows]
    assert pages == [i for i in range(1100) if i >= 1000 or i % 10 != 3], pages[:20]


def test_long_statements(shared):
    error = shared.root.error("SELECT '" + "x" * (1 << 20) + "'")
    size = (1 << 20) + 9
    expect_error(error, "54000",
                 f"SQL query too long: {size} bytes (maximum 1048576 bytes)")
    error = shared.root.error("SELECT " + "+".join(["1"] * 60000))
    expect_error(error, "54001")
