"""An HTTP client for the doors of Firn, on http.client and sockets alone.

Client keeps its connection open; nothing is ever sent twice by itself, so that a test which asks
"was it done?" gets the truth: a request whose answer was lost raises ConnectionLost.
Threading: one Client for each thread.
"""
import http.client
import json
import socket
import struct

TIMEOUT_SECONDS = 60


class ConnectionLost(Exception):
    """No answer came: what was asked may have been done or not."""


class SqlError(Exception):
    """An error answer, with everything it said."""

    def __init__(self, status, body):
        error = body.get("error") or {}
        self.status = status
        self.code = error.get("code")
        self.sqlstate = error.get("sqlstate")
        self.message = error.get("message")
        self.detail = error.get("detail")
        self.hint = error.get("hint")
        self.position = error.get("position")
        self.statement = error.get("statement")
        self.results = body.get("results", [])
        super().__init__(f"{status} {self.sqlstate} {self.code}: {self.message}"
                         + (f" ({self.detail})" if self.detail else ""))


class Result:
    """One statement's result."""

    def __init__(self, body):
        self.body = body
        self.columns = [column["name"] for column in body.get("columns", [])]
        self.types = [column["type"] for column in body.get("columns", [])]
        self.rows = body.get("rows", [])
        self.row_count = body.get("row_count")
        self.message = body.get("message")
        self.notices = [notice["message"] if isinstance(notice, dict) else notice
                        for notice in body.get("notices", [])]

    @property
    def value(self):
        """The one value of a result of one row and one column."""
        assert len(self.rows) == 1 and len(self.rows[0]) == 1, f"not one value: {self.rows!r:.200}"
        return self.rows[0][0]

    def column(self, number=0):
        return [row[number] for row in self.rows]

    def records(self):
        return [dict(zip(self.columns, row)) for row in self.rows]


class Response:
    """An HTTP answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)


class Client:
    def __init__(self, address, token=None, timeout=TIMEOUT_SECONDS):
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)
        self.token = token
        self.user = None
        self.session = None  # what the login answered
        self.timeout = timeout
        self.connection = None

    # ---- HTTP ----

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def request(self, method, path, body=None, headers=None):
        """One request and its answer, whatever its status."""
        sent = dict(headers or {})
        if self.token is not None and "Authorization" not in sent:
            sent["Authorization"] = "Bearer " + self.token
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        fresh = self.connection is None
        if fresh:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            self.connection.request(method, path, body=body, headers=sent)
            answer = self.connection.getresponse()
            response = Response(answer.status, answer.headers, answer.read())
        except (OSError, http.client.HTTPException) as lost:
            self.close()
            raise ConnectionLost(f"{type(lost).__name__}: {lost}") from lost
        if answer.will_close:
            self.close()
        return response

    # ---- statements ----

    def statements(self, sql, params=None, namespace=None, headers=None, **more):
        """All results of a text of one or more statements; SqlError where one failed."""
        body = {"sql": sql, **more}
        if params is not None:
            body["params"] = params
        if namespace is not None:
            body["namespace"] = namespace
        response = self.request("POST", "/v1/sql", body, headers)
        answer = response.json()
        if response.status != 200 or answer.get("status") != "success":
            raise SqlError(response.status, answer)
        return [Result(result) for result in answer["results"]]

    def sql(self, sql, params=None, namespace=None, **more):
        """The last result."""
        return self.statements(sql, params, namespace, **more)[-1]

    def rows(self, sql, params=None, namespace=None):
        return self.sql(sql, params, namespace).rows

    def value(self, sql, params=None, namespace=None):
        return self.sql(sql, params, namespace).value

    def error(self, sql, params=None, namespace=None, **more):
        """The SqlError that the text must end in."""
        try:
            results = self.statements(sql, params, namespace, **more)
        except SqlError as error:
            return error
        raise AssertionError(f"no error from {sql[:200]!r}: {results[-1].body!r:.300}")

    # ---- who ----

    def login(self, user, password):
        response = self.request("POST", "/v1/auth/login", {"user": user, "password": password})
        if response.status != 200:
            raise SqlError(response.status, response.json())
        self.session = response.json()
        self.token = self.session["access_token"]
        self.user = user
        return self


# ---- bytes, for what no proper client would send ----

def raw_exchange(address, data, timeout=10, half_close=False):
    """Sends bytes; gives everything that comes back until the server closes or is quiet."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=timeout) as connection:
        try:
            connection.sendall(data)
        except OSError:
            pass  # it may have answered and closed before all was sent
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return _read_answer(connection, timeout)


def _read_answer(connection, timeout):
    received = b""
    connection.settimeout(timeout)
    while not _is_whole(received):
        try:
            piece = connection.recv(65536)
        except socket.timeout:
            break
        except OSError:
            break
        if not piece:
            break
        received += piece
    return received


def _is_whole(received):
    head, mark, body = received.partition(b"\r\n\r\n")
    if not mark:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return False


def parse_answer(received):
    """(status, JSON body or None) of an HTTP answer's bytes."""
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/"):
        return 0, None
    status = int(head.split(b" ", 2)[1])
    try:
        return status, json.loads(body)
    except ValueError:
        return status, None


def reset_on_close(connection):
    """Closing the socket sends RST: a client that is simply gone."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
