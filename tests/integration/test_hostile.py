"""hostile.py's requests: each gets its exact error; none crashes, hangs, tells or changes anything."""
import json
import re

import client
import hostile
from client import SqlError, parse_answer, raw_exchange
from harness import wait_for
from websocket import Closed, WebSocket

SETTINGS = ("statement.timeout=5s",)
SECRETS = ("roots-secret-value", "bobs-secret-value")
LEAKS = re.compile(r"/tmp/|/etc/|/proc/|\.parquet|\.log\b|0x[0-9a-f]{6,}|\.c:\d+|src/|firn-worker"
                   r"|DuckDB|duckdb")


def prepare(server):
    if "h" in server.root.sql("SHOW NAMESPACES").column():
        return
    run = server.root.sql
    run("CREATE NAMESPACE h")
    run("CREATE TABLE h.shared (id INT PRIMARY KEY, body TEXT)")
    run("CREATE TABLE h.texts (k TEXT PRIMARY KEY)")
    run("CREATE USER TABLE h.own (id INT PRIMARY KEY, body TEXT)")
    run("INSERT INTO h.shared VALUES (1, 'roots-secret-value')")
    server.user("bob").sql("INSERT INTO h.own VALUES (1, 'bobs-secret-value')")
    server.user("mallory").sql("INSERT INTO h.own VALUES (1, 'her own')")
    run("STORAGE FLUSH ALL IN h")


def state(server):
    """Everything that a hostile request could have changed."""
    return json.dumps([server.root.rows(text) for text in (
        "SELECT namespace, table_name, schema_version, access FROM system.tables ORDER BY 1, 2",
        "SELECT user_name, role FROM system.users ORDER BY 1",
        "SELECT namespace FROM system.namespaces ORDER BY 1",
        "SELECT name, value FROM system.settings ORDER BY 1",
        "SELECT *, _seq FROM h.shared", "SELECT *, _seq FROM h.texts",
        "SELECT *, _user, _seq FROM h.own FOR ALL USERS ORDER BY _user")])


def who_is(server, name):
    return {"root": lambda: server.root, "user": lambda: server.user("mallory"),
            "anonymous": lambda: server.anonymous}[name]()


def check_text(name, text, statement=""):
    """The answer tells no path, no place in the code, nobody's value; what was sent may come back."""
    for secret in SECRETS:
        assert secret not in text, (name, text[:500])
    for found in LEAKS.finditer(text):
        assert found.group(0) in statement, (name, found.group(0), text[:500])


def run_all(server, cases, check):
    """Each case, then: the server lives and nothing has changed. All problems at once."""
    prepare(server)
    before, process, problems = state(server), server.process.pid, []
    for case in cases:
        try:
            check(server, *case)
        except (AssertionError, client.ConnectionLost, TimeoutError, OSError, Closed) as problem:
            problems.append(f"{case[0]}: {type(problem).__name__} {str(problem)[:400]}")
        assert server.is_alive() and server.process.pid == process, f"{case[0]}: the server died"
    assert state(server) == before, "something was changed"
    assert not problems, f"{len(problems)} of {len(cases)}:\n" + "\n".join(problems)


def check_sql(server, name, who, statement, sqlstate, message):
    statement = statement.replace("{data}", server.data)
    try:
        results = who_is(server, who).statements(statement)
    except SqlError as error:
        assert 400 <= error.status < 600 and error.status != 500, error
        assert sqlstate in (None, error.sqlstate), f"expected {sqlstate}, got {error}"
        assert message in (None, error.message), f"expected {message!r}, got {error.message!r}"
        assert error.message, "an error without a text"
        check_text(name, json.dumps([error.message, error.detail, error.hint]), statement)
        return
    text = json.dumps([result.body for result in results])
    if sqlstate is None and name in ("a lone semicolon", "a lone comment", "a bad escape",
                                     "deep arrays", "deep JSON value"):
        return  # an answer is right too
    raise AssertionError(f"it was answered: {text[:300]}")


def test_sql(shared):
    run_all(shared, hostile.SQL, check_sql)


test_sql.deadline = 240


def check_json(server, name, body, status, sqlstate):
    answer = server.root.request("POST", "/v1/sql", body, {"Content-Type": "application/json"})
    assert answer.status == status, (answer.status, answer.body[:300])
    error = answer.json()["error"]
    assert error["sqlstate"] and error["message"], error
    assert sqlstate in (None, error["sqlstate"]), error
    check_text(name, answer.body.decode())


def test_json(shared):
    run_all(shared, hostile.JSON, check_json)


def check_http(server, name, data, status, message):
    received = raw_exchange(server.address, data, timeout=12)
    if not received.startswith(b"HTTP/"):
        assert status is None, f"no HTTP answer: {received[:100]!r}"
        check_text(name, received.decode(errors="replace"))
        return
    got, body = parse_answer(received)
    assert got >= 400, (got, body)
    assert status in (None, got), (got, body)
    assert body and body["error"]["message"], body
    assert message in (None, body["error"]["message"]), body["error"]["message"]
    check_text(name, json.dumps(body), data.decode(errors="replace"))


def test_http(shared):
    run_all(shared, hostile.HTTP, check_http)


def check_frames(server, _name, frames, code):
    socket = server.socket("mallory")
    try:
        for opcode, payload, options in frames:
            socket.send_frame(opcode, payload, **options)
    except OSError:
        pass
    got, _ = socket.expect_close()
    assert got == code, f"closed with {got}, expected {code}"


def test_frames(shared):
    prepare(shared)
    shared.user("mallory")
    run_all(shared, hostile.FRAMES, check_frames)


def check_message(server, name, text, sqlstate):
    socket = server.socket("mallory")
    socket.send(text)
    try:
        answer = socket.receive()
    except Closed as closed:
        assert name in ("deep", "auth again with a bad token"), closed
        return
    assert answer["type"] == "error", answer
    error = answer.get("error", answer)
    assert error["message"] and sqlstate in (None, error["sqlstate"]), answer
    check_text(name, json.dumps(answer), text)
    socket.close()


def test_messages(shared):
    prepare(shared)
    shared.user("mallory")
    run_all(shared, hostile.MESSAGES, check_message)


def test_rate_of_messages(shared):
    prepare(shared)
    socket = shared.socket("mallory")
    try:
        for _ in range(300):
            socket.send({"type": "ping"})
    except OSError:
        pass
    code, _ = socket.expect_close()
    assert code == 1008, code


def test_handshakes(shared):
    good = ("GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    for old, new in (("Version: 13", "Version: 8"), ("dGhlIHNhbXBsZSBub25jZQ==", "short"),
                     ("Upgrade: websocket\r\n", ""), ("GET", "POST"), ("/v1/ws", "/v1/sql"),
                     ("Connection: Upgrade\r\n", "")):
        status, _ = parse_answer(raw_exchange(shared.address, good.replace(old, new).encode()))
        assert 400 <= status < 502, (new, status)


def test_slow_and_half_requests(fresh):
    """Clients that stop in the middle are let go; others are served meanwhile."""
    import socket
    fresh.root.sql("ALTER SYSTEM SET http.header_timeout = '1s'")
    host, port = fresh.address.rsplit(":", 1)
    halves = []
    for data in (b"", b"POST", b"POST /v1/sql HTTP/1.1\r\nHost: x\r\nContent-",
                 b"POST /v1/sql HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"):
        connection = socket.create_connection((host, int(port)), timeout=10)
        connection.sendall(data)
        halves.append(connection)
    assert fresh.root.value("SELECT 1") == 1
    for connection in halves[1:3]:
        answer = connection.recv(65536)
        assert b" 408 " in answer.split(b"\r\n")[0] or answer == b"", answer
    for connection in halves:
        connection.close()
    assert fresh.root.value("SELECT 1") == 1


def test_many_connections_are_refused_not_fatal(fresh):
    import socket
    fresh.root.sql("ALTER SYSTEM SET limits.connections = 50")
    host, port = fresh.address.rsplit(":", 1)
    opened = []
    for _ in range(120):
        opened.append(socket.create_connection((host, int(port)), timeout=10))
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    statuses = []
    for connection in opened:
        try:
            connection.sendall(request)
            statuses.append(connection.recv(4096)[9:12])
        except OSError:
            statuses.append(b"")
        connection.close()
    assert b"200" in statuses and b"503" in statuses, statuses[:5]
    wait_for(lambda: _works(fresh), 10, "room for a new connection")


def _works(server):
    try:
        return server.client("root").value("SELECT 1") == 1
    except (client.ConnectionLost, SqlError, OSError):
        return False


def test_at_least_sixty():
    count = sum(map(len, (hostile.SQL, hostile.JSON, hostile.HTTP, hostile.FRAMES,
                          hostile.MESSAGES)))
    print(f"        {count} hostile requests")
    assert count >= 60


def test_unknown_socket(shared):
    """Nothing is said to whom nobody knows."""
    socket = WebSocket(shared.address)
    socket.send({"type": "query", "id": "a", "sql": "SELECT * FROM system.users"})
    answer = socket.receive()
    assert answer["type"] == "error", answer
    check_text("unknown", json.dumps(answer))
