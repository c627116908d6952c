"""A WebSocket client (RFC 6455) over a plain socket, and what Firn says over it.

Every wait has a deadline and raises TimeoutError with what was received meanwhile, so that a test
which fails says what came instead. Threading: one thread for each socket.
"""
import base64
import collections
import json
import os
import socket
import struct
import time

WAIT_SECONDS = 15

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The server closed; `code` is None where it did so without a close frame."""

    def __init__(self, code=None, reason=""):
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


class WebSocket:
    def __init__(self, address, token=None, header_token=None, path="/v1/ws"):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=WAIT_SECONDS)
        self.buffer = b""
        self.fragments = b""
        self.waiting = collections.deque()  # messages that were received and not asked for yet
        self.answers_pings = True
        self._handshake(host, port, path, header_token)
        self.ready = None
        if token is not None:
            self.send({"type": "auth", "token": token})
        if token is not None or header_token is not None:
            self.ready = self.expect("ready")

    def _handshake(self, host, port, path, token):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Upgrade: websocket",
                 "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        if token is not None:
            lines.append("Authorization: Bearer " + token)
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        while b"\r\n\r\n" not in self.buffer:
            piece = self.socket.recv(65536)
            if not piece:
                raise Closed()
            self.buffer += piece
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        if status != 101:
            raise Closed(status, head.decode(errors="replace"))

    # ---- frames ----

    def send_frame(self, opcode, payload, final=True, masked=True, reserved=0):
        head = bytes([(0x80 if final else 0) | reserved | opcode])
        size = len(payload)
        mark = 0x80 if masked else 0
        if size < 126:
            head += bytes([mark | size])
        elif size < 65536:
            head += bytes([mark | 126]) + struct.pack(">H", size)
        else:
            head += bytes([mark | 127]) + struct.pack(">Q", size)
        if masked:
            mask = os.urandom(4)
            head += mask
            whole = mask * (size // 4 + 1)
            payload = (int.from_bytes(payload, "big")
                       ^ int.from_bytes(whole[:size], "big")).to_bytes(size, "big")
        self.socket.sendall(head + payload)

    def _fill(self, size, deadline):
        while len(self.buffer) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing came")
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(1 << 20)
            except socket.timeout:
                raise TimeoutError("nothing came") from None
            except OSError as lost:
                raise Closed(None, str(lost)) from lost
            if not piece:
                raise Closed()
            self.buffer += piece

    def receive_frame(self, deadline):
        self._fill(2, deadline)
        first, second = self.buffer[0], self.buffer[1]
        size, start = second & 0x7F, 2
        if size == 126:
            self._fill(4, deadline)
            size, start = struct.unpack(">H", self.buffer[2:4])[0], 4
        elif size == 127:
            self._fill(10, deadline)
            size, start = struct.unpack(">Q", self.buffer[2:10])[0], 10
        self._fill(start + size, deadline)
        payload = self.buffer[start:start + size]
        self.buffer = self.buffer[start + size:]
        return first & 0x0F, bool(first & 0x80), payload

    # ---- messages ----

    def send(self, message):
        text = message if isinstance(message, str) else json.dumps(message)
        self.send_frame(TEXT, text.encode())

    def _receive(self, deadline):
        while True:
            opcode, final, payload = self.receive_frame(deadline)
            if opcode == PING:
                if self.answers_pings:
                    self.send_frame(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None
                self.close()
                raise Closed(code, payload[2:].decode(errors="replace"))
            elif opcode != PONG:
                self.fragments += payload
                if final:
                    whole, self.fragments = self.fragments, b""
                    return json.loads(whole)

    def receive(self, wait=WAIT_SECONDS):
        """The next message, whatever it is."""
        if self.waiting:
            return self.waiting.popleft()
        return self._receive(time.monotonic() + wait)

    def expect(self, kind, subscription=None, wait=WAIT_SECONDS):
        """The next message of this kind (and id); others stay for later."""
        for message in self.waiting:
            if _is(message, kind, subscription):
                self.waiting.remove(message)
                return message
        deadline = time.monotonic() + wait
        while True:
            try:
                message = self._receive(deadline)
            except TimeoutError:
                raise TimeoutError(f"no {kind} came, but {list(self.waiting)!r:.1500}") from None
            except Closed as closed:
                closed.args = (f"{closed.args[0]}, waiting for {kind}, after "
                               f"{list(self.waiting)!r:.1500}",)
                raise
            if _is(message, kind, subscription):
                return message
            self.waiting.append(message)

    def expect_close(self, wait=WAIT_SECONDS):
        """(close code, messages before it)."""
        deadline = time.monotonic() + wait
        messages = list(self.waiting)
        self.waiting.clear()
        while True:
            try:
                messages.append(self._receive(deadline))
            except Closed as closed:
                return closed.code, messages

    def quiet(self, seconds=0.3):
        """Nothing but pings comes for so long; what came instead otherwise."""
        try:
            return self.receive(seconds)
        except TimeoutError:
            return None

    def close(self):
        try:
            self.send_frame(CLOSE, struct.pack(">H", 1000))
        except OSError:
            pass
        self.socket.close()

    # ---- Firn's conversation ----

    def query(self, sql, params=None, name="q", **more):
        """`result` or `error` of a statement over the socket."""
        self.send({"type": "query", "id": name, "sql": sql, **more,
                   **({} if params is None else {"params": params})})
        while True:
            message = self.receive()
            if message.get("id") == name and message["type"] in ("result", "error"):
                return message
            self.waiting.append(message)

    def subscribe(self, name, sql, params=None, **options):
        """Sends it and gives (`subscribed`, initial rows, `live`'s seq)."""
        message = {"type": "subscribe", "id": name, "sql": sql}
        if params is not None:
            message["params"] = params
        if options:
            message["options"] = options
        self.send(message)
        return self.initial(name)

    def initial(self, name):
        subscribed = self._expect_or_error(("subscribed",), name)
        rows = []
        while True:
            message = self._expect_or_error(("rows", "live", "changes", "resync"), name)
            if message["type"] == "rows":
                rows.extend(message["rows"])
            elif message["type"] == "live":
                return subscribed, rows, message["seq"]
            else:
                self.waiting.appendleft(message)
                return subscribed, rows, None

    def _expect_or_error(self, kinds, name):
        deadline = time.monotonic() + WAIT_SECONDS
        for message in list(self.waiting):
            if message.get("id") == name and message["type"] in kinds + ("error",):
                self.waiting.remove(message)
                break
        else:
            while True:
                message = self._receive(deadline)
                if message.get("id") == name and message["type"] in kinds + ("error",):
                    break
                self.waiting.append(message)
        if message["type"] == "error":
            raise SubscribeError(message)
        return message

    def changes(self, name, wait=WAIT_SECONDS):
        """All changes of the next transaction: (commit, [change])."""
        gathered = []
        while True:
            message = self.expect("changes", name, wait)
            gathered.extend(message["changes"])
            if not message.get("more"):
                return message["commit"], gathered


class SubscribeError(Exception):
    def __init__(self, message):
        self.message = message
        error = message.get("error", message)
        self.sqlstate = error.get("sqlstate")
        self.text = error.get("message")
        super().__init__(f"{self.sqlstate}: {self.text}")


def _is(message, kind, subscription):
    return message.get("type") == kind and subscription in (None, message.get("id"))
