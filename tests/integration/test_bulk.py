"""POST /v1/tables/ns.t/rows: NDJSON, CSV and Parquet, streamed, in one transaction or many."""
import json
import os

import harness
from client import SqlError

NDJSON, CSV, PARQUET = "application/x-ndjson", "text/csv", "application/vnd.apache.parquet"


def make(server, name="bulk.t", kind="", columns="id INT PRIMARY KEY, body TEXT, score DOUBLE"):
    server.root.sql(f"CREATE NAMESPACE IF NOT EXISTS {name.split('.')[0]}")
    server.root.sql(f"CREATE {kind} TABLE {name} ({columns})")
    return name


def load(who, table, body, kind, query=""):
    """The last line of the answer: what became of it all."""
    answer = who.request("POST", f"/v1/tables/{table}/rows{query}", body, {"Content-Type": kind})
    lines = [json.loads(line) for line in answer.body.decode().splitlines() if line.strip()]
    if answer.status != 200 or lines[-1].get("status") == "error":
        raise SqlError(answer.status, lines[-1])
    return lines[-1]


def load_error(who, *arguments):
    try:
        answer = load(who, *arguments)
    except SqlError as error:
        return error
    raise AssertionError(f"it was loaded: {answer}")


def lines(first, last):
    return "".join(json.dumps({"id": i, "body": f"row {i}", "score": i / 2}) + "\n"
                   for i in range(first, last)).encode()


def test_ndjson(shared):
    t = make(shared, "ndjson.t")
    answer = load(shared.root, t, lines(0, 5000), NDJSON)
    assert answer["progress"]["rows"] == 5000, answer
    assert shared.root.rows(f"SELECT count(*), sum(score) FROM {t}") == [[5000, 6248750.0]]
    load(shared.root, t, b'{"id": 9000}\n\n{"score": 1.5, "id": 9001, "body": null}', NDJSON)
    assert shared.root.rows(f"SELECT * FROM {t} WHERE id >= 9000 ORDER BY id") == [
        [9000, None, None], [9001, None, 1.5]]


def test_csv(shared):
    t = make(shared, "csv.t")
    answer = load(shared.root, t, 'score,id,body\r\n1.5,1,"a, ""quoted""\nline"\r\n,2,\r\n'
                  .encode(), CSV)
    assert answer["progress"]["rows"] == 2, answer
    assert shared.root.rows(f"SELECT * FROM {t} ORDER BY id") == [
        [1, 'a, "quoted"\nline', 1.5], [2, None, None]]


def test_parquet_that_firn_wrote(shared):
    """A file of one table's cold tier, loaded into another table: the same rows."""
    source = make(shared, "parquet.source")
    target = make(shared, "parquet.target")
    shared.root.sql(f"INSERT INTO {source} SELECT i, 'row ' || i, i / 4.0 "
                    "FROM generate_series(1, 3000) AS g(i)")
    harness.flush(shared, source)
    path = [path for path in shared.files(".parquet") if path.startswith("parquet.source-")][0]
    with open(os.path.join(shared.data, "storage", path), "rb") as file:
        answer = load(shared.root, target, file.read(), PARQUET)
    assert answer["progress"]["rows"] == 3000, answer
    ours = shared.root.rows(f"SELECT * FROM {target} ORDER BY id")
    assert ours == shared.root.rows(f"SELECT * FROM {source} ORDER BY id")
    shared.restart(crash=True)
    assert shared.root.rows(f"SELECT * FROM {target} ORDER BY id") == ours


def test_batches_and_atomic(shared):
    t = make(shared, "batches.t")
    body = lines(0, 100) + b'{"id": "no number"}\n' + lines(200, 300)
    error = load_error(shared.root, t, body, NDJSON, "?atomic=1")
    assert error.sqlstate == "22P02" and error.status == 400, error
    assert shared.root.value(f"SELECT count(*) FROM {t}") == 0
    error = load_error(shared.root, t, body, NDJSON, "?batch=50")
    assert error.sqlstate == "22P02", error
    assert shared.root.value(f"SELECT count(*) FROM {t}") == 100
    error = load_error(shared.root, t, lines(99, 110), NDJSON, "?atomic=1")
    assert error.sqlstate == "23505", error
    assert shared.root.value(f"SELECT count(*) FROM {t}") == 100


def test_into_user_tables(shared):
    t = make(shared, "loaded.t", kind="USER", columns="id INT PRIMARY KEY, body TEXT")
    alice, service = shared.user("alice"), shared.user("loader", "service")
    shared.user("bob")
    load(alice, t, b'{"id": 1, "body": "own"}\n', NDJSON)
    load(service, t, b'{"id": 1, "body": "for bob"}\n', NDJSON, "?user=bob")
    load(service, t, b'{"id": 2, "body": "x", "_user": "bob"}\n'
         b'{"id": 2, "body": "y", "_user": "alice"}\n', NDJSON)
    assert alice.rows(f"SELECT * FROM {t} ORDER BY id") == [[1, "own"], [2, "y"]]
    assert shared.user("bob").rows(f"SELECT * FROM {t} ORDER BY id") == [[1, "for bob"], [2, "x"]]
    for body, query in ((b'{"id": 9}\n', "?user=bob"), (b'{"id": 9, "_user": "bob"}\n', "")):
        assert load_error(alice, t, body, NDJSON, query).sqlstate == "42501"
    assert shared.user("bob").value(f"SELECT count(*) FROM {t}") == 2


def test_refusals(shared):
    t = make(shared, "refused.t")
    alice = shared.user("alice")
    for who, table, body, kind, status, sqlstate in (
            (alice, t, lines(0, 2), NDJSON, 403, "42501"),
            (shared.anonymous, t, lines(0, 2), NDJSON, None, None),
            (shared.root, "refused.nix", lines(0, 2), NDJSON, 404, "42P01"),
            (shared.root, "nix.t", lines(0, 2), NDJSON, 404, None),
            (shared.root, "system.users", lines(0, 2), NDJSON, 403, "42501"),
            (shared.root, t, lines(0, 2), "application/xml", 415, None),
            (shared.root, t, b'{"id": 1, "nix": 2}\n', NDJSON, 400, "42703"),
            (shared.root, t, b'{"id": 1\n', NDJSON, 400, None),
            (shared.root, t, b"[1]\n", NDJSON, 400, None),
            (shared.root, t, b"id,nix\n1,2\n", CSV, 400, "42703"),
            (shared.root, t, b'id,body\n1,"open\n', CSV, 400, "22P04"),
            (shared.root, t, b"id,body\n1,2,3\n", CSV, 400, "22P04"),
            (shared.root, t, b"PAR1 this is no parquet PAR1", PARQUET, 400, None),
            (shared.root, t, os.urandom(3000), PARQUET, 400, None),
            (shared.root, t, lines(0, 2), NDJSON + "; charset=latin1", None, None)):
        if status is None:
            continue
        error = load_error(who, table, body, kind, "?atomic=1")
        assert error.status == status, (table, body[:40], error)
        assert sqlstate is None or error.sqlstate == sqlstate, (table, body[:40], error)
        assert shared.data not in str(error) + str(error.hint), error
    assert shared.root.value(f"SELECT count(*) FROM {t}") == 0


def test_query_parameters(shared):
    t = make(shared, "queried.t")
    for query in ("?batch=0", "?batch=x", "?atomic=maybe", "?nix=1", "?batch=1&batch=2"):
        error = load_error(shared.root, t, lines(0, 1), NDJSON, query)
        assert error.status == 400, (query, error)


def test_acknowledged_is_durable(fresh):
    t = make(fresh)
    load(fresh.root, t, lines(0, 20000), NDJSON)
    fresh.restart(crash=True)
    assert fresh.root.rows(f"SELECT count(*), count(DISTINCT id) FROM {t}") == [[20000, 20000]]


def test_a_large_file_is_read_whole_once(shared):
    """One file with many row groups, alone in its table: with and without deletes."""
    root = shared.root
    rows = 150_000
    root.statements("CREATE NAMESPACE large; CREATE TABLE large.t (id BIGINT PRIMARY KEY, n BIGINT)"
                    " FLUSH ROWS 10000000 INTERVAL 24h WITH (flush_bytes='1GB')")
    root.sql(f"INSERT INTO large.t SELECT i, i * 3 FROM generate_series(1, {rows}) AS g(i)")
    root.sql("STORAGE FLUSH TABLE large.t")
    files = root.value("SELECT count(*) FROM system.files WHERE namespace = 'large'"
                       " AND kind = 'data'")
    assert files == 1, files
    asked = "SELECT count(n), sum(n), min(id), max(id), count(DISTINCT id) FROM large.t"
    total = rows * (rows + 1) // 2
    assert [int(x) for x in root.rows(asked)[0]] == [rows, 3 * total, 1, rows, rows]
    root.sql("UPDATE large.t SET n = 0 WHERE id % 1000 = 7")
    root.sql("DELETE FROM large.t WHERE id % 1000 = 8")
    for _ in range(2):  # marks in memory, then deletes in files
        gone = [i for i in range(1, rows + 1) if i % 1000 == 8]
        zero = [i for i in range(1, rows + 1) if i % 1000 == 7]
        wanted = [rows - len(gone), 3 * (total - sum(gone) - sum(zero)), 1, rows, rows - len(gone)]
        assert [int(x) for x in root.rows(asked)[0]] == wanted
        root.sql("STORAGE FLUSH TABLE large.t")
