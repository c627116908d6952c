"""HTTP as strict as promised, and the doors that are no SQL."""
import gzip
import json
import socket
import threading

import client
from client import parse_answer, raw_exchange
from harness import wait_for

BODY = b'{"sql":"SELECT 1"}'


def post(headers, body=BODY, line=b"POST /v1/sql HTTP/1.1"):
    return line + b"\r\n" + headers + b"\r\n\r\n" + body


def test_health(shared):
    who = shared.client()
    assert who.request("GET", "/healthz").status == 200
    assert who.request("GET", "/readyz").status == 200
    assert who.request("HEAD", "/healthz").status == 200
    page = who.request("GET", "/")
    assert page.status == 200 and b"irn" in page.body, page.body[:200]
    metrics = who.request("GET", "/metrics")
    assert metrics.status == 200 and b"# TYPE" in metrics.body, metrics.body[:200]


def test_what_is_not_there(shared):
    who = shared.client()
    for method, path, status in (("GET", "/nothing", 404), ("GET", "/v1/sql", 405),
                                 ("DELETE", "/v1/sql", 405), ("PUT", "/healthz", 405),
                                 ("GET", "/ui/", 501), ("GET", "/iceberg/v1/config", 501),
                                 ("GET", "/v1/export/root", 501), ("GET", "/v1/openapi.json", None),
                                 ("POST", "/v1/topics/t/consume", 501)):
        answer = who.request(method, path)
        if status is not None:
            assert answer.status == status, (method, path, answer.status, answer.body)
            assert answer.json()["error"]["message"], (method, path, answer.body)


def test_malformed_requests(shared):
    length = b"Content-Length: %d" % len(BODY)
    for name, data, status in (
            ("bare LF", b"GET /healthz HTTP/1.1\nHost: x\n\n", 400),
            ("space before the colon", post(b"Host: x\r\nContent-Length : 18"), 400),
            ("two lengths", post(b"Host: x\r\n" + length + b"\r\n" + length), 400),
            ("two different lengths", post(b"Host: x\r\n" + length + b"\r\nContent-Length: 3"), 400),
            ("length and chunked", post(b"Host: x\r\n" + length
                                        + b"\r\nTransfer-Encoding: chunked"), 400),
            ("no host", post(length), 400),
            ("two hosts", post(b"Host: x\r\nHost: y\r\n" + length), 400),
            ("folded header", post(b"Host: x\r\nX-A: 1\r\n  2\r\n" + length), 400),
            ("negative length", post(b"Host: x\r\nContent-Length: -1"), 400),
            ("plus in length", post(b"Host: x\r\nContent-Length: +18"), 400),
            ("length too long", post(b"Host: x\r\nContent-Length: 99999999999999999999"), 413),
            ("other coding", post(b"Host: x\r\nTransfer-Encoding: gzip"), 501),
            ("chunked twice", post(b"Host: x\r\nTransfer-Encoding: chunked, chunked"), None),
            ("bad chunk", post(b"Host: x\r\nTransfer-Encoding: chunked", b"zz\r\nabc\r\n"), 400),
            ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
            ("HTTP/3", b"GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n", None),
            ("control character", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n", 400),
            ("zero byte", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: \x00\r\n\r\n", 400),
            ("encoded slash", b"GET /v1%2Fsql HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("dots", b"GET /ui/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("encoded dots", b"GET /ui/%2e%2e/x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("huge header", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20000
             + b"\r\n\r\n", 431),
            ("many headers", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
             + b"".join(b"X-%d: 1\r\n" % i for i in range(200)) + b"\r\n", 431),
            ("unknown method", b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n", 501),
            ("not HTTP", b"\x00\x01\x02\x03\x04\x05\x06\x07", None),
            ("expectation", post(b"Host: x\r\nExpect: magic\r\n" + length), None)):
        status_got, body = parse_answer(raw_exchange(shared.address, data))
        if status is not None:
            assert status_got == status, (name, status_got, body)
        else:
            assert status_got == 0 or status_got >= 400, (name, status_got, body)
        if body is not None:
            assert body["status"] == "error" and body["error"]["sqlstate"], (name, body)
        assert shared.client().request("GET", "/healthz").status == 200, name


def test_bodies_too_large(fresh):
    fresh.root.sql("ALTER SYSTEM SET http.body_bytes_max = '64KiB'")
    answer = fresh.root.request("POST", "/v1/sql", {"sql": "SELECT '" + "x" * 70000 + "'"})
    assert answer.status == 413, answer.status
    assert answer.json()["error"]["code"] == "PAYLOAD_TOO_LARGE", answer.body
    assert fresh.root.value("SELECT 1") == 1


def test_bad_json(shared):
    for body, text in ((b"", None), (b"{", None), (b"[]", None), (b'{"sql":1}', None),
                       (b'{"sql":"SELECT 1","nix":1}', None), (b"{}", None),
                       (b'{"sql":"SELECT 1"} x', None), (b'{"sql":"\xff"}', None),
                       (b'{"sql":"SELECT 1","params":{}}', None),
                       (b'{"sql":"SELECT 1","sql":"SELECT 2"}', None),
                       (b"[" * 100000, None), (b'{"a":' * 50000, None)):
        answer = shared.root.request("POST", "/v1/sql", body,
                                     {"Content-Type": "application/json"})
        assert answer.status == 400, (body[:60], answer.status, answer.body[:300])
        assert answer.json()["status"] == "error", text


def test_content_type(shared):
    answer = shared.root.request("POST", "/v1/sql", BODY, {"Content-Type": "text/plain"})
    assert answer.status == 415, answer.body


def test_chunked_and_gzip_bodies(shared):
    host = shared.address.encode()
    data = (b"POST /v1/sql HTTP/1.1\r\nHost: " + host + b"\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + shared.root.token.encode()
            + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"".join(b"%x\r\n%c\r\n" % (1, byte) for byte in BODY) + b"0\r\n\r\n")
    status, _ = parse_answer(raw_exchange(shared.address, data))
    assert status == 200
    answer = shared.root.request("POST", "/v1/sql", gzip.compress(BODY), {
        "Content-Type": "application/json", "Content-Encoding": "gzip", "Accept-Encoding": "gzip"})
    assert answer.status == 200, answer.body
    big = json.dumps({"sql": "SELECT repeat('x', 100000)"}).encode()
    answer = shared.root.request("POST", "/v1/sql", big, {
        "Content-Type": "application/json", "Accept-Encoding": "gzip"})
    assert answer.headers.get("Content-Encoding") == "gzip", dict(answer.headers)
    assert "x" * 100000 in gzip.decompress(answer.body).decode()


def test_pipelined_requests_are_answered_in_order(shared):
    request = (b"POST /v1/sql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               b"Content-Length: %d\r\n\r\n%s")
    bodies = [b'{"sql":"SELECT %d"}' % i for i in range(20)]
    host, port = shared.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"".join(request % (len(body), body) for body in bodies))
        received = b""
        while received.count(b'"status":"success"') < 20:
            piece = connection.recv(65536)
            assert piece, received[-500:]
            received += piece
    places = [received.index(b"[[%d]]" % i) for i in range(20)]
    assert places == sorted(places), places


def test_a_client_that_goes_away_stops_its_query(shared):
    def running():
        return [row for row in shared.root.rows("SELECT sql FROM system.queries")
                if "generate_series(1, 2000000000)" in row[0] and "system.queries" not in row[0]]

    host, port = shared.address.rsplit(":", 1)
    body = json.dumps({"sql": "SELECT count(*) FROM generate_series(1, 2000000000) AS g(i) "
                              "WHERE i % 7 = 3"}).encode()
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(b"POST /v1/sql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                       b"Authorization: Bearer " + shared.root.token.encode()
                       + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    wait_for(running, what="the query to run")
    client.reset_on_close(connection)
    connection.close()
    wait_for(lambda: not running(), 10, "the end of the query")


def test_large_results_are_streamed(shared):
    rows = shared.root.rows("SELECT i, 'row number ' || i FROM generate_series(1, 200000) AS g(i)")
    assert len(rows) == 200000 and sorted(rows)[0] == [1, "row number 1"]


def test_many_connections_at_once(shared):
    failures = []

    def ask():
        who = shared.client("root")
        try:
            for i in range(20):
                if who.value(f"SELECT {i} + 1") != i + 1:
                    failures.append(i)
        except Exception as error:  # reported in the main thread
            failures.append(error)
        finally:
            who.close()

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]


def test_statement_timeout(fresh):
    fresh.root.sql("ALTER SYSTEM SET statement.timeout = '500ms'")
    error = fresh.root.error("SELECT count(*) FROM generate_series(1, 5000000000) AS g(i) "
                             "WHERE i % 3 = 1")
    assert error.sqlstate == "57014" and error.status == 503, error
    assert fresh.root.value("SELECT 1") == 1
