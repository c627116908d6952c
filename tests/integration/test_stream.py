"""STREAM tables: each user's own rows, for so long, and never a file of the cold tier."""
import os
import time

from harness import expect_error, wait_for


def make(server, name, ttl):
    server.root.sql(f"CREATE NAMESPACE IF NOT EXISTS {name.split('.')[0]}")
    server.root.sql(f"CREATE STREAM TABLE {name} (id INT PRIMARY KEY, body TEXT) TTL {ttl}")
    return name


def test_own_rows_and_no_changes(shared):
    t = make(shared, "stream.t", "1h")
    alice, bob = shared.user("alice"), shared.user("bob")
    alice.sql(f"INSERT INTO {t} VALUES (1, 'typing'), (2, 'online')")
    bob.sql(f"INSERT INTO {t} VALUES (1, 'thinking')")
    assert alice.rows(f"SELECT * FROM {t} ORDER BY id") == [[1, "typing"], [2, "online"]]
    assert bob.rows(f"SELECT id, body, _user FROM {t}") == [[1, "thinking", "bob"]]
    assert shared.root.value(f"SELECT count(*) FROM {t} FOR ALL USERS") == 3
    for text, message in ((f"UPDATE {t} SET body = 'x'",
                           "UPDATE not supported on stream tables"),
                          (f"DELETE FROM {t}", "DELETE not supported on stream tables")):
        expect_error(alice.error(text), "0A000", message, 400)
    expect_error(alice.error(f"SELECT _updated FROM {t}"), "42703")
    expect_error(alice.error(f"SELECT _deleted FROM {t}"), "42703")


def test_rows_expire(shared):
    """After the TTL no read and no new subscription sees them, also across restarts."""
    t = make(shared, "expire.t", "2s")
    alice = shared.user("alice")
    alice.sql(f"INSERT INTO {t} VALUES (1, 'gone soon')")
    assert alice.value(f"SELECT count(*) FROM {t}") == 1
    time.sleep(1.2)
    alice.sql(f"INSERT INTO {t} VALUES (2, 'later')")
    wait_for(lambda: alice.rows(f"SELECT id FROM {t}") == [[2]], 5, "the first row's end")
    socket = shared.socket("alice")
    _, rows, _ = socket.subscribe("s", f"SELECT id FROM {t}")
    assert [1] not in rows, rows
    socket.close()
    shared.restart(crash=True)
    assert [1] not in shared.user("alice").rows(f"SELECT id FROM {t}")
    wait_for(lambda: shared.user("alice").rows(f"SELECT id FROM {t}") == [], 5, "the second's end")


def test_durable_as_the_log(fresh):
    t = make(fresh, "kept.t", "1h")
    alice = fresh.user("alice")
    for i in range(50):
        alice.sql(f"INSERT INTO {t} VALUES ({i}, 'r')")
    fresh.restart(crash=True)
    assert fresh.user("alice").value(f"SELECT count(*) FROM {t}") == 50
    fresh.restart()
    assert fresh.user("alice").rows(f"SELECT id FROM {t} ORDER BY id") == [[i] for i in range(50)]


def test_settles_into_window_files(fresh):
    """Settled rows lie in DATA/streams, a file for each user and window; reads see them once."""
    t = make(fresh, "windows.t", "1h")
    for name in ("alice", "bob"):
        fresh.user(name).sql(f"INSERT INTO {t} SELECT i, repeat('x', 100) "
                             "FROM generate_series(1, 500) AS g(i)")
    answer = fresh.root.sql(f"STORAGE FLUSH TABLE {t}").records()[0]
    assert answer["status"] in ("flushed", "skipped: stream"), answer
    fresh.restart()
    for name in ("alice", "bob"):
        rows = fresh.user(name).rows(f"SELECT count(*), count(DISTINCT id) FROM {t}")
        assert rows == [[500, 500]], (name, rows)
    top = os.path.join(fresh.data, "streams")
    folders = os.listdir(top) if os.path.exists(top) else []
    for folder in folders:
        assert folder.startswith("windows.t-"), folders
        for window in os.listdir(os.path.join(top, folder)):
            files = os.listdir(os.path.join(top, folder, window))
            assert set(files) <= {"alice.log", "bob.log"}, files
    assert fresh.files(".parquet") == []


def test_ttl_can_be_changed(shared):
    t = make(shared, "changed.t", "1h")
    shared.root.sql(f"INSERT INTO {t} VALUES (1, 'x')")
    shared.root.sql(f"ALTER TABLE {t} SET (ttl='1s')")
    wait_for(lambda: shared.root.value(f"SELECT count(*) FROM {t}") == 0, 6, "the row's end")
    expect_error(shared.root.error(f"ALTER TABLE {t} SET (ttl='32d')"), "22023")


def test_live_on_a_stream(shared):
    t = make(shared, "typing.t", "1h")
    alice = shared.user("alice")
    socket = shared.socket("alice")
    socket.subscribe("s", f"SELECT id, body FROM {t} WHERE body <> 'quiet'")
    alice.sql(f"INSERT INTO {t} VALUES (1, 'quiet'), (2, 'typing')")
    _, changes = socket.changes("s")
    assert [(c["op"], c["row"][:2]) for c in changes] == [("insert", [2, "typing"])], changes
    shared.user("bob").sql(f"INSERT INTO {t} VALUES (3, 'typing')")
    assert socket.quiet() is None
    socket.close()
