"""A server for the shell's tests: /v1/auth/login, /v1/sql and /v1/ws as docs/ describe them, with
canned answers. It keeps what it was asked in `requests`."""
import base64
import hashlib
import json
import socket
import struct
import threading

ACCEPT_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def success(*results):
    return {"status": "success", "took": 0.412, "results": list(results)}


def rows(columns, values, message=None, **more):
    return {"columns": [{"name": n, "type": t} for n, t in columns], "rows": values,
            "row_count": len(values), "message": message or f"SELECT {len(values)}", "notices": [],
            **more}


def tag(message, count=0, **more):
    return {"row_count": count, "message": message, "notices": [], **more}


def failure(code, sqlstate, message, byte=None, hint=None, detail=None):
    position = None if byte is None else {"line": 1, "column": byte + 1, "byte": byte}
    return {"status": "error", "took": 0.1, "results": [],
            "error": {"code": code, "sqlstate": sqlstate, "message": message, "detail": detail,
                      "hint": hint, "position": position, "statement": 1}}


class FakeServer:
    """`answer(sql, request)` gives (HTTP status, object); `live(peer, message)` is told what comes
    by WebSocket and sends with peer.send(object)."""

    def __init__(self, answer, live=None, password="secret", chunked=False):
        self.answer, self.live, self.password, self.chunked = answer, live, password, chunked
        self.expires_in = 900
        self.requests, self.tokens, self.logins = [], {"token-1"}, 0
        self.aborted = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        stream = peer.makefile("rwb")
        try:
            while self.exchange(peer, stream):
                pass
        except (OSError, ValueError):
            pass
        finally:
            peer.close()

    def exchange(self, peer, stream):
        line = stream.readline()
        if not line:
            return False
        method, path, _ = line.decode().split()
        headers = {}
        while (line := stream.readline().strip()):
            name, value = line.decode().split(":", 1)
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        if path == "/v1/ws":
            self.websocket(stream, headers)
            return False
        status, answer = self.dispatch(path, headers, json.loads(body), peer)
        self.send(stream, status, answer)
        return True

    def dispatch(self, path, headers, request, peer):
        if path == "/v1/auth/login":
            self.logins += 1
            if request["password"] != self.password:
                return 401, failure("INVALID_PASSWORD", "28P01", "invalid user name or password")
            token = f"token-{self.logins}"
            self.tokens = {token}
            return 200, {"access_token": token, "refresh_token": "r", "token_type": "Bearer",
                         "expires_in": self.expires_in, "user": request["user"], "role": "system"}
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in self.tokens:
            return 401, failure("INVALID_AUTHORIZATION", "28000", "the token has expired")
        self.requests.append(request)
        return self.answer(request["sql"], request)

    def send(self, stream, status, answer):
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
        if self.chunked:
            stream.write((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
            for at in range(0, len(body), 7):
                piece = body[at:at + 7]
                stream.write(f"{len(piece):X};x=y\r\n".encode() + piece + b"\r\n")
            stream.write(b"0\r\nTrailer: 1\r\n\r\n")
        else:
            stream.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        stream.flush()

    # ---- WebSocket ----

    def websocket(self, stream, headers):
        key = headers["sec-websocket-key"].encode()
        accept = base64.b64encode(hashlib.sha1(key + ACCEPT_MAGIC).digest()).decode()
        stream.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").encode())
        stream.flush()
        peer = Peer(stream)
        while True:
            opcode, payload = peer.receive()
            if opcode == 8:
                self.aborted.set()
                return
            if opcode == 1:
                self.live(peer, json.loads(payload))
            if opcode == 10:
                self.live(peer, {"type": "PONG", "payload": payload.decode()})


class Peer:
    def __init__(self, stream):
        self.stream = stream

    def receive(self):
        first, second = self.exactly(2)
        size = second & 127
        if size == 126:
            size, = struct.unpack(">H", self.exactly(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.exactly(8))
        mask = self.exactly(4) if second & 128 else None
        assert mask is not None, "a client's frame without a mask"
        payload = self.exactly(size)
        return first & 15, bytes(b ^ mask[i % 4] for i, b in enumerate(payload))

    def exactly(self, size):
        data = self.stream.read(size)
        if len(data) < size:
            raise OSError("gone")
        return data

    def frame(self, opcode, payload, last=True):
        head = bytes([(128 if last else 0) | opcode])
        if len(payload) < 126:
            head += bytes([len(payload)])
        elif len(payload) < 65536:
            head += bytes([126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([127]) + struct.pack(">Q", len(payload))
        self.stream.write(head + payload)
        self.stream.flush()

    def send(self, message, fragments=1):
        data = json.dumps(message).encode()
        size = -(-len(data) // fragments)
        for i in range(fragments):
            self.frame(1 if i == 0 else 0, data[i * size:(i + 1) * size], i == fragments - 1)
