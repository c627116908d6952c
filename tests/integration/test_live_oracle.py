"""The contract of live queries as one oracle: snapshot plus changes, applied in order, equals
SELECT at the same sequence; under load, with flushes, slow and resumed clients, and kill -9.

Every watcher keeps a copy of the rows by key and applies what it hears. A change that does not fit
(an insert of what is there, an update or delete of what is not, another old value) is a failure
at once. When the writers rest, each copy must be what SELECT gives.
"""
import os
import random
import threading
import time

import client
import websocket
from harness import flush, wait_for

COLUMNS = "id, room, body, n"
FILTERS = ("", "WHERE room = 'a'", "WHERE id < 40", "WHERE n % 2 = 0", "WHERE body LIKE 'b1%'")


class Copy:
    """What one watcher believes the rows are."""

    def __init__(self, table, where):
        self.sql = f"SELECT {COLUMNS} FROM {table} {where}"
        self.rows = {}
        self.seq = None  # everything up to here was heard
        self.resyncs = 0

    def start(self, socket):
        """From a snapshot, or from where it was."""
        if self.seq is not None:
            socket.send({"type": "subscribe", "id": "o", "sql": self.sql,
                         "options": {"from_seq": self.seq}})
            socket.expect("subscribed", "o")
            return
        subscribed, rows, live = socket.subscribe("o", self.sql)
        self.rows = {row[0]: row for row in rows}
        assert len(self.rows) == len(rows), "a row came twice"
        self.seq = subscribed["snapshot_seq"] if live is None else live

    def take(self, message):
        if message["type"] == "changes":
            for change in message["changes"]:
                self.apply(change)
            if not message.get("more"):
                assert message["commit"] > self.seq, (message["commit"], self.seq)
                self.seq = message["commit"]
        elif message["type"] == "live":
            self.seq = max(self.seq, message["seq"])
        elif message["type"] == "resync":
            self.seq = None
            self.resyncs += 1
            raise websocket.Closed(None, "resync")
        else:
            raise AssertionError(f"unexpected {message!r:.300}")

    def apply(self, change):
        op, row, old = change["op"], change.get("row"), change.get("old")
        key = (row or old)[0]
        if op == "insert":
            assert key not in self.rows, (change, self.rows.get(key))
            self.rows[key] = row
            return
        assert self.rows.get(key) == old, (change, self.rows.get(key))
        if op == "update":
            self.rows[key] = row
        else:
            del self.rows[key]


class Watcher(threading.Thread):
    """Follows one query; now and then it goes away and resumes."""

    def __init__(self, server, table, where, seed):
        super().__init__()
        self.server = server
        self.copy = Copy(table, where)
        self.random = random.Random(seed)
        self.stop = threading.Event()
        self.problem = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.follow()
        except Exception as error:  # looked at by the test
            self.problem = error

    def follow(self):
        try:
            token = self.server.client("root").token
            socket = websocket.WebSocket(self.server.address, token=token)
        except (OSError, client.ConnectionLost, websocket.Closed, TimeoutError, client.SqlError):
            time.sleep(0.1)  # the server is being started again
            return
        until = time.monotonic() + self.random.uniform(0.5, 4)
        try:
            self.copy.start(socket)
            while not self.stop.is_set() and time.monotonic() < until:
                try:
                    self.copy.take(socket.receive(0.2))
                except TimeoutError:
                    continue
        except (websocket.Closed, OSError):
            pass
        finally:
            socket.close()


class Writer(threading.Thread):
    def __init__(self, server, table, seed):
        super().__init__()
        self.server = server
        self.table = table
        self.random = random.Random(seed)
        self.stop = threading.Event()
        self.statements = 0
        self.problem = None

    def run(self):
        try:
            self.write()
        except Exception as error:  # looked at by the test
            self.problem = error

    def write(self):
        who = None
        while not self.stop.is_set():
            try:
                who = who or self.server.client("root")
                who.sql(self.statement())
                self.statements += 1
            except client.SqlError as error:
                if error.sqlstate not in ("23505", "21000", "40001", "57P01"):
                    raise
            except (client.ConnectionLost, OSError):
                who = None
                time.sleep(0.05)

    def statement(self):
        key, many = self.random.randrange(80), self.random.randrange(80)
        body, n = f"b{self.random.randrange(300)}", self.random.randrange(10)
        room, t = self.random.choice("abc"), self.table
        return self.random.choice((
            f"INSERT INTO {t} VALUES ({key},'{room}','{body}',{n}) ON CONFLICT DO NOTHING",
            f"INSERT INTO {t} VALUES ({key},'{room}','{body}',{n}),({key + 100},'{room}','{body}',"
            f"{n}) ON CONFLICT (id) DO UPDATE SET body = excluded.body, n = excluded.n",
            f"UPDATE {t} SET n = n + 1, room = '{room}' WHERE id = {key}",
            f"UPDATE {t} SET body = '{body}' WHERE id BETWEEN {many} AND {many + 10}",
            f"DELETE FROM {t} WHERE id = {key}",
            f"DELETE FROM {t} WHERE n = {n} AND id % 7 = {key % 7}"))


def work_on(writers, statements):
    """Waits until so many more statements were acknowledged."""
    begun = sum(writer.statements for writer in writers)

    def have_worked():
        problems = [writer.problem for writer in writers if writer.problem]
        assert not problems, problems
        return sum(writer.statements for writer in writers) >= begun + statements

    wait_for(have_worked, 30, f"{statements} statements")


def rest_and_compare(server, watchers, what):
    """No writer runs: every copy comes to be what SELECT says."""
    head = server.root.value("SELECT max(_seq) FROM oracle.t")
    deadline = time.monotonic() + 30
    for watcher in watchers:
        expected = {row[0]: row for row in server.root.rows(watcher.copy.sql)}
        while watcher.copy.rows != expected and watcher.problem is None:
            if time.monotonic() > deadline:
                ours = watcher.copy.rows
                differ = [(k, ours.get(k), expected.get(k)) for k in set(ours) | set(expected)
                          if ours.get(k) != expected.get(k)]
                raise AssertionError(f"{what}: {watcher.copy.sql} at {head}: {differ[:5]}")
            time.sleep(0.05)
        assert watcher.problem is None, (what, watcher.copy.sql, watcher.problem)


def run_oracle(server, rounds, crash):
    seed = int(os.environ.get("SEED", "1"))
    server.root.sql("CREATE NAMESPACE oracle")
    server.root.sql("CREATE TABLE oracle.t (id INT PRIMARY KEY, room TEXT, body TEXT, n INT)")
    watchers = [Watcher(server, "oracle.t", where, f"{seed} watcher {number}")
                for number, where in enumerate(FILTERS)]
    for watcher in watchers:
        watcher.start()
    try:
        for number in range(rounds):
            writers = [Writer(server, "oracle.t", f"{seed} writer {number} {w}") for w in range(3)]
            for writer in writers:
                writer.start()
            for _ in range(4):
                work_on(writers, 15)
                flush(server, "oracle.t")
            if crash:
                server.restart(crash=True)
                work_on(writers, 15)
            for writer in writers:
                writer.stop.set()
            for writer in writers:
                writer.join()
            rest_and_compare(server, watchers, f"round {number}, seed {seed}")
    finally:
        for watcher in watchers:
            watcher.stop.set()
        for watcher in watchers:
            watcher.join()
    for watcher in watchers:
        assert watcher.problem is None, watcher.problem
        assert watcher.copy.resyncs == 0, f"{watcher.copy.sql}: {watcher.copy.resyncs} resyncs"


def test_under_load_with_flushes(fresh):
    run_oracle(fresh, 3, crash=False)


def test_under_load_with_kill(fresh):
    run_oracle(fresh, 3, crash=True)


test_under_load_with_flushes.deadline = test_under_load_with_kill.deadline = 150
