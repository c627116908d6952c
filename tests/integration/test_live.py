"""Live queries over WebSocket: initial rows, then every change, to whom it concerns and nobody
else, without a gap or a repetition."""
import json
import threading
import time

import websocket
from harness import expect_error, flush, wait_for
from websocket import SubscribeError


def make(server, name, kind="", columns="id INT PRIMARY KEY, room TEXT, body TEXT"):
    server.root.sql(f"CREATE NAMESPACE IF NOT EXISTS {name.split('.')[0]}")
    server.root.sql(f"CREATE {kind} TABLE {name} ({columns})")
    return name


def short(changes):
    return [(change["op"], change.get("row"), change.get("old")) for change in changes]


def test_the_whole_conversation(shared):
    t = make(shared, "talk.t")
    run = shared.root.sql
    run(f"INSERT INTO {t} VALUES (1,'a','one'),(2,'b','two'),(3,'a','three')")
    socket = shared.socket()
    assert socket.ready["user"] == "root" and socket.ready["role"] == "system", socket.ready
    subscribed, rows, live = socket.subscribe("s", f"SELECT id, body FROM {t} WHERE room = $1",
                                              ["a"])
    assert [(c["name"], c.get("key", False)) for c in subscribed["columns"]] == [
        ("id", True), ("body", False)], subscribed
    assert sorted(rows) == [[1, "one"], [3, "three"]], rows
    assert live >= subscribed["snapshot_seq"], (live, subscribed)
    run(f"INSERT INTO {t} VALUES (4,'a','four'),(5,'b','five'),(6,'a','six')")
    commit, changes = socket.changes("s")
    assert short(changes) == [("insert", [4, "four"], None), ("insert", [6, "six"], None)], changes
    assert [c["seq"] for c in changes] == sorted(c["seq"] for c in changes)
    assert live < changes[0]["seq"] <= commit, (live, changes, commit)
    run(f"UPDATE {t} SET body = 'ONE' WHERE id = 1")
    assert short(socket.changes("s")[1]) == [("update", [1, "ONE"], [1, "one"])]
    run(f"UPDATE {t} SET room = 'b' WHERE id = 3")
    op, row, old = short(socket.changes("s")[1])[0]
    assert (op, old) == ("leave", [3, "three"]) and not row, (op, row, old)
    run(f"UPDATE {t} SET room = 'a' WHERE id = 2")
    assert short(socket.changes("s")[1])[0][:2] == ("insert", [2, "two"])
    run(f"DELETE FROM {t} WHERE id = 4")
    op, row, old = short(socket.changes("s")[1])[0]
    assert (op, old) == ("delete", [4, "four"]) and not row, (op, row, old)
    run(f"DELETE FROM {t} WHERE id = 5")  # it never matched
    run(f"UPDATE {t} SET id = 60 WHERE id = 6")
    keyed = short(socket.changes("s")[1])
    assert [op for op, _, _ in keyed] == ["delete", "insert"], keyed
    flush(shared, t)
    run(f"STORAGE COMPACT TABLE {t}")
    assert socket.quiet() is None
    socket.send({"type": "unsubscribe", "id": "s"})
    socket.expect("unsubscribed", "s")
    run(f"INSERT INTO {t} VALUES (7,'a','seven')")
    assert socket.quiet() is None
    socket.close()


def test_key_columns_are_added(shared):
    t = make(shared, "keys.t")
    shared.root.sql(f"INSERT INTO {t} VALUES (1,'a','x')")
    socket = shared.socket()
    subscribed, rows, _ = socket.subscribe("s", f"SELECT body FROM {t}")
    assert [(c["name"], c.get("key", False)) for c in subscribed["columns"]] == [
        ("body", False), ("id", True)], subscribed
    assert rows == [["x", 1]], rows
    hidden = make(shared, "keys.keyless", columns="a INT")
    subscribed, _, _ = socket.subscribe("k", f"SELECT * FROM {hidden}")
    assert [c["name"] for c in subscribed["columns"]][-1] == "_row", subscribed
    socket.close()


def test_options(shared):
    t = make(shared, "options.t")
    for i in range(10):
        shared.root.sql(f"INSERT INTO {t} VALUES ({i},'a','b')")
    seqs = [row[0] for row in shared.root.rows(f"SELECT _seq FROM {t} ORDER BY id")]
    socket = shared.socket()
    _, rows, _ = socket.subscribe("last", f"SELECT id FROM {t}", last_rows=3)
    assert sorted(rows) == [[7], [8], [9]], rows
    _, rows, _ = socket.subscribe("until", f"SELECT id FROM {t}", until_seq=seqs[4])
    assert sorted(rows) == [[i] for i in range(5)], rows
    socket.send({"type": "subscribe", "id": "batches", "sql": f"SELECT id FROM {t}",
                 "options": {"batch_size": 4}})
    batches = []
    while not batches or batches[-1]["more"]:
        batches.append(socket.expect("rows", "batches"))
    assert [len(b["rows"]) for b in batches] == [4, 4, 2], batches
    socket.expect("live", "batches")
    socket.waiting.clear()
    socket.send({"type": "subscribe", "id": "pulled", "sql": f"SELECT id FROM {t}",
                 "options": {"batch_size": 6, "pull": True}})
    socket.expect("subscribed", "pulled")
    assert len(socket.expect("rows", "pulled")["rows"]) == 6
    assert socket.quiet() is None
    socket.send({"type": "next", "id": "pulled"})
    assert len(socket.expect("rows", "pulled")["rows"]) == 4
    socket.expect("live", "pulled")
    socket.send({"type": "subscribe", "id": "text",
                 "sql": f"SUBSCRIBE TO {t} WHERE id > 5 OPTIONS (last_rows=2)"})
    _, rows, _ = socket.initial("text")
    assert sorted(row[0] for row in rows) == [8, 9], rows
    socket.close()


def test_resume(shared):
    t = make(shared, "resume.t")
    run = shared.root.sql
    socket = shared.socket()
    _, _, live = socket.subscribe("s", f"SELECT id, body FROM {t}")
    run(f"INSERT INTO {t} VALUES (1,'a','x')")
    commit, _ = socket.changes("s")
    socket.close()
    for i in range(2, 6):
        run(f"INSERT INTO {t} VALUES ({i},'a','x')")
    flush(shared, t)
    run(f"UPDATE {t} SET body = 'y' WHERE id = 1")
    run(f"DELETE FROM {t} WHERE id = 2")
    after_first = [("insert", 2), ("insert", 3), ("insert", 4), ("insert", 5), ("update", 1),
                   ("delete", 2)]
    for stage in ("running", "killed", "compacted"):
        if stage == "killed":
            shared.restart(crash=True)
        if stage == "compacted":
            shared.root.sql(f"STORAGE COMPACT TABLE {t}")
        for from_seq, expected in ((commit, after_first), (live, [("insert", 1)] + after_first)):
            socket = shared.socket()
            socket.send({"type": "subscribe", "id": "r", "sql": f"SELECT id, body FROM {t}",
                         "options": {"from_seq": from_seq}})
            socket.expect("subscribed", "r")
            got = []
            while len(got) < len(expected):
                got += [(c["op"], (c.get("row") or c.get("old"))[0])
                        for c in socket.changes("r")[1]]
            assert got == expected, (stage, got)
            socket.expect("live", "r")
            assert not [m for m in socket.waiting if m["type"] == "rows"], socket.waiting
            assert socket.quiet() is None
            socket.close()


def test_resync_where_history_is_gone(shared):
    t = make(shared, "gone.t")
    shared.root.sql(f"INSERT INTO {t} VALUES (1,'a','x')")
    socket = shared.socket()
    for number, from_seq in enumerate((1 << 60, 9007199254740991)):
        socket.send({"type": "subscribe", "id": f"r{number}", "sql": f"SELECT * FROM {t}",
                     "options": {"from_seq": from_seq}})
        resync = socket.expect("resync", f"r{number}")
        assert resync["reason"], resync
    socket.close()


def test_resync_of_a_slow_client(fresh):
    """A client that does not read is told `resync`, the writer never waits, others hear all."""
    fresh.root.sql("ALTER SYSTEM SET ws.queue_bytes_max = '64KiB'")
    t = make(fresh, "slow.t")
    slow, quick = fresh.socket(), fresh.socket()
    slow.answers_pings = True
    slow.subscribe("s", f"SELECT * FROM {t}")
    quick.subscribe("q", f"SELECT id FROM {t}")
    heard = []

    def listen():
        while len(heard) < 400:
            heard.extend(quick.changes("q")[1])

    listener = threading.Thread(target=listen)
    listener.start()
    for i in range(400):
        fresh.root.sql(f"INSERT INTO {t} VALUES ({i}, 'a', repeat('x', 20000))")
    listener.join(30)
    assert [c["row"] for c in heard] == [[i] for i in range(400)], len(heard)
    resync = slow.expect("resync", "s", 30)
    assert resync["reason"], resync
    _, rows, _ = slow.subscribe("again", f"SELECT id FROM {t}")
    assert len(rows) == 400
    slow.close()
    quick.close()


def test_users_are_isolated(shared):
    t = make(shared, "mine.t", kind="USER")
    alice, bob = shared.user("alice"), shared.user("bob")
    agent = shared.user("agent", "service")
    of_alice, of_bob, of_agent = (shared.socket(n) for n in ("alice", "bob", "agent"))
    bob.sql(f"INSERT INTO {t} VALUES (1,'a','bob was first')")
    for name, socket in (("alice", of_alice), ("bob", of_bob)):
        _, rows, _ = socket.subscribe("s", f"SELECT * FROM {t} WHERE room = 'a' OR true")
        assert len(rows) == (1 if name == "bob" else 0), rows
    _, rows, _ = of_agent.subscribe("s", f"SELECT id, _user FROM {t} FOR ALL USERS")
    assert rows == [[1, "bob"]], rows
    alice.sql(f"INSERT INTO {t} VALUES (1,'a','private')")
    bob.sql(f"UPDATE {t} SET body = 'changed' WHERE id = 1")
    assert short(of_alice.changes("s")[1]) == [("insert", [1, "a", "private"], None)]
    assert short(of_bob.changes("s")[1])[0][:2] == ("update", [1, "a", "changed"])
    assert [short(of_agent.changes("s")[1])[0][1] for _ in range(2)] == [[1, "alice"], [1, "bob"]]
    agent.sql(f"INSERT INTO {t} AS USER 'alice' VALUES (2,'a','from the agent')")
    assert short(of_alice.changes("s")[1])[0][1] == [2, "a", "from the agent"]
    assert of_bob.quiet() is None
    for socket in (of_alice, of_bob):
        try:
            socket.subscribe("all", f"SELECT * FROM {t} FOR ALL USERS")
            raise AssertionError("a user watches all users")
        except SubscribeError as error:
            assert error.sqlstate == "42501", error
        socket.close()
    of_agent.close()


def test_rights_are_looked_at_again(shared):
    t = make(shared, "rights.t")
    shared.root.sql(f"ALTER TABLE {t} SET (access='protected')")
    shared.user("carol")
    socket = shared.socket("carol")
    socket.subscribe("s", f"SELECT * FROM {t}")
    shared.root.sql(f"ALTER TABLE {t} SET (access='private')")
    ended = socket.expect("unsubscribed", "s")
    assert ended["reason"] == "permission changed", ended
    shared.root.sql(f"INSERT INTO {t} VALUES (1,'a','x')")
    assert socket.quiet() is None
    socket.close()


def test_what_cannot_be_watched(shared):
    t = make(shared, "refused.t")
    socket = shared.socket()
    for sql, sqlstate, text in (
            ("SELECT * FROM system.users", "0A000", "system tables cannot be subscribed to"),
            (f"SELECT count(*) FROM {t}", "0A000", None),
            (f"SELECT * FROM {t} a JOIN {t} b ON true", "0A000", None),
            (f"SELECT id FROM {t} GROUP BY id", "0A000", None),
            ("SELECT 1", "0A000", None),
            (f"INSERT INTO {t} VALUES (1,'a','x')", None, None),
            (f"SELECT * FROM {t} WHERE id IN (SELECT 1)", "0A000", None),
            (f"SELECT nix FROM {t}", "42703", 'column "nix" does not exist'),
            ("SELECT * FROM refused.nix", "42P01", None),
            ("SELEC", "42601", None),
            (f"SELECT * FROM {t} WHERE id = $1", None, None)):
        try:
            socket.subscribe("bad", sql)
            raise AssertionError(f"{sql} is watched")
        except SubscribeError as error:
            assert sqlstate in (None, error.sqlstate), (sql, error)
            assert text in (None, error.text), (sql, error)
    assert socket.query(f"SELECT count(*) FROM {t}")["type"] == "result"
    socket.close()


def test_subscription_names(shared):
    t = make(shared, "named.t")
    socket = shared.socket()
    socket.subscribe("s", f"SELECT * FROM {t}")
    socket.send({"type": "subscribe", "id": "s", "sql": f"SELECT * FROM {t}"})
    assert socket.expect("error", "s")["error"]["sqlstate"], "one id twice"
    socket.send({"type": "unsubscribe", "id": "nix"})
    socket.expect("error", "nix")
    for i in range(99):
        socket.subscribe(f"n{i}", f"SELECT * FROM {t}")
        if i % 30 == 29:
            time.sleep(1)  # ws.messages_per_second
    try:
        socket.subscribe("one too many", f"SELECT * FROM {t}")
        raise AssertionError("101 subscriptions")
    except SubscribeError as error:
        assert error.sqlstate == "53400", error
    socket.close()


def test_drop_ends_subscriptions(shared):
    t = make(shared, "dropped.t")
    socket = shared.socket()
    socket.subscribe("s", f"SELECT * FROM {t}")
    shared.root.sql(f"DROP TABLE {t}")
    ended = socket.expect("unsubscribed", "s")
    assert ended["reason"] == "table dropped", ended
    make(shared, t)
    shared.root.sql(f"INSERT INTO {t} VALUES (1,'a','x')")
    assert socket.quiet() is None
    socket.close()


def test_kill_live_query(shared):
    t = make(shared, "killed.t")
    socket = shared.socket()
    socket.subscribe("s", f"SELECT * FROM {t}")
    live = shared.root.value("SELECT live_id FROM system.live_queries WHERE namespace = 'killed'")
    shared.root.sql(f"KILL LIVE QUERY '{live}'")
    ended = socket.expect("unsubscribed", "s")
    assert ended["reason"] == "killed", ended
    code, _ = socket.expect_close()
    assert code is not None, "a socket whose last subscription is killed is closed too"
    expect_error(shared.root.error(f"KILL LIVE QUERY '{live}'"), "42704")


def test_filters_of_every_kind(shared):
    """Each filter hears exactly what a SELECT with the same WHERE would return."""
    t = make(shared, "filters.t")
    filters = ["id = 3", "id > 6", "id BETWEEN 2 AND 4", "room = 'b'", "room LIKE 'a%'",
               "room IN ('a', 'c')", "body IS NULL", "length(room) + id > 8", "NOT room = 'a'",
               "id % 2 = 0 AND room <> 'b'", "current_user = 'root' AND id = 5",
               "lower(body) = 'x' OR id = 1", "coalesce(body, 'none') = 'none'", "true"]
    socket = shared.socket()
    for number, text in enumerate(filters):
        socket.subscribe(f"f{number}", f"SELECT id FROM {t} WHERE {text}")
    rows = [(i, "abc"[i % 3], None if i % 4 == 0 else "X") for i in range(10)]
    values = ", ".join(f"({i}, '{room}', {'NULL' if body is None else repr(body)})"
                       for i, room, body in rows)
    shared.root.sql(f"INSERT INTO {t} VALUES {values}")
    for number, text in enumerate(filters):
        expected = shared.root.rows(f"SELECT id FROM {t} WHERE {text} ORDER BY id")
        got = [c["row"] for c in socket.changes(f"f{number}")[1]] if expected else []
        assert sorted(got) == expected, (text, got, expected)
    shared.root.sql(f"DELETE FROM {t}")
    for number, text in enumerate(filters):
        _, changes = socket.changes(f"f{number}")
        assert {c["op"] for c in changes} == {"delete"}, (text, changes)
    assert socket.quiet() is None
    socket.close()


def test_one_transaction_one_message(shared):
    """10,000 updated rows are 10,000 change records of one commit."""
    t = make(shared, "large.t")
    shared.root.sql(f"INSERT INTO {t} SELECT i, 'a', 'x' FROM generate_series(1, 10000) AS g(i)")
    socket = shared.socket()
    _, rows, _ = socket.subscribe("s", f"SELECT id, body FROM {t}")
    assert len(rows) == 10000
    shared.root.sql(f"UPDATE {t} SET body = 'y'")
    commit, changes = socket.changes("s", 30)
    assert len(changes) == 10000 and changes[-1]["seq"] == commit, (len(changes), commit)
    assert {c["op"] for c in changes} == {"update"}
    socket.close()


def test_large_values(shared):
    t = make(shared, "huge.t")
    socket = shared.socket()
    socket.subscribe("s", f"SELECT id, body FROM {t}")
    shared.root.sql(f"INSERT INTO {t} VALUES (1, 'a', repeat('x', 3000000))")
    _, changes = socket.changes("s")
    assert changes[0]["row"][0] == 1, changes
    assert changes[0]["row"][1] == {"large": 3000000}, str(changes)[:300]
    socket.close()


def test_unauthenticated_sockets(shared):
    socket = websocket.WebSocket(shared.address)
    socket.send({"type": "subscribe", "id": "s", "sql": "SELECT 1"})
    message = socket.receive()
    assert message["type"] == "error", message
    socket = websocket.WebSocket(shared.address)
    socket.send({"type": "auth", "token": "x.y.z"})
    message = socket.receive()
    assert message["type"] == "error" and message["error"]["sqlstate"] == "28000", message
    silent = websocket.WebSocket(shared.address)
    code, _ = silent.expect_close(10)  # ws.auth_timeout is 5 s
    assert code is not None
    header = websocket.WebSocket(shared.address, header_token=shared.root.token)
    assert header.ready["user"] == "root"
    header.close()


def test_silence_closes(fresh):
    fresh.root.sql("ALTER SYSTEM SET ws.silence_timeout = '2s'")
    awake, dead = fresh.socket(), fresh.socket()
    dead.answers_pings = False
    until = time.monotonic() + 5
    while time.monotonic() < until:
        assert awake.quiet(0.2) is None  # it answers pings meanwhile
    code, _ = dead.expect_close(1)
    assert code is None or code >= 1000, code
    awake.send({"type": "ping"})
    assert awake.receive()["type"] in ("pong", "ping"), "a ping of the application"
    awake.close()


def test_query_over_the_socket(shared):
    t = make(shared, "asked.t")
    socket = shared.socket()
    done = socket.query(f"INSERT INTO {t} VALUES ($1,'a','x')", [1])
    assert done["type"] == "result", done
    read = socket.query(f"SELECT id FROM {t}")
    assert json.dumps(read).count("[[1]]") == 1, read
    wrong = socket.query("SELECT nix")
    assert wrong["type"] == "error" and wrong["error"]["sqlstate"] == "42703", wrong
    socket.close()


def test_subscribe_over_http_says_where_to(shared):
    t = make(shared, "pointer.t")
    answer = shared.root.sql(f"SUBSCRIBE TO {t} WHERE id > 1 OPTIONS (last_rows=5)").body
    assert answer["message"] == "connect by WebSocket", answer
    assert set(answer["subscription"]) == {"ws_url", "sql", "options"}, answer
    assert answer["subscription"]["ws_url"].endswith("/v1/ws"), answer


def test_nothing_is_left_behind(shared):
    t = make(shared, "remains.t")
    sockets = [shared.socket() for _ in range(5)]
    for socket in sockets:
        socket.subscribe("s", f"SELECT * FROM {t}")
    for socket in sockets:
        socket.close()
    wait_for(lambda: shared.root.value("SELECT count(*) FROM system.live_queries "
                                       "WHERE namespace = 'remains'") == 0, what="the end of all")
