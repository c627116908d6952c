#!/usr/bin/env python3
"""The whole shell against a fake server: `shell_test.py [build/release/firn]`.

What is typed goes through a pseudo terminal where the test is about one."""
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from fake_server import FakeServer, failure, rows, success, tag

ROOT = Path(__file__).resolve().parents[3]
FIRN = ROOT / "build/release/firn"
PATIENCE = 20


def answer(sql, request):
    if sql.startswith("SELECT id, bdy"):
        return 400, failure("UNDEFINED_COLUMN", "42703", 'column "bdy" does not exist', 11,
                            'Did you mean "body"?', "there is none")
    if "broken" in sql:
        byte = sql.encode().index(b"broken")
        return 400, failure("SYNTAX_ERROR", "42601", 'syntax error at "broken"', byte)
    if "system.jobs" in sql:
        columns = [(n, "TEXT") for n in ("type", "namespace", "table_name", "progress", "message")]
        return 200, success(rows(columns, [["flush", "chat", "t", 0.42, "writing"]]))
    if "slow" in sql:
        time.sleep(PATIENCE)
    if "$1" in sql:
        parameters = request.get("params", [])
        return 200, success(rows([("p", "JSON")], [[json.dumps(p)] for p in parameters]))
    if sql.startswith("INSERT"):
        return 200, success(tag("INSERT 0 1", 1, seq=42, durability="always"))
    if sql.startswith("BEGIN"):
        return 200, success(tag("BEGIN"), tag("INSERT 0 1", 1), tag("COMMIT"))
    if sql.startswith("SELECT"):
        return 200, success(rows([("id", "BIGINT"), ("body", "TEXT")],
                                 [[7, "hello"], [None, 'a,"b"\nc'], [123456789012345678, ""]]))
    if sql.startswith("SHOW TABLES"):
        return 200, success(rows([("table_name", "TEXT")], [[sql]]))
    if sql.startswith("DESCRIBE"):
        names = "section name type nullable key_position default value comment".split()
        return 200, success(rows([(n, "TEXT") for n in names], [
            ["column", "id", "BIGINT", False, 1, None, None, None],
            ["column", "body", "TEXT", True, None, "'x'", None, None],
            ["table", "kind", None, None, None, None, "shared", None],
            ["table", "ttl", None, None, None, None, None, None],
            ["index", "primary", "key", None, None, None, "id", None]]))
    return 200, success(tag(sql.split()[0].upper()))


class ShellTest(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.server = FakeServer(answer)
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.home.name, "LANG": "C.UTF-8",
                            "FIRN_PASSWORD": "secret", "TERM": "xterm"}

    def tearDown(self):
        self.server.close()
        self.home.cleanup()

    def run_firn(self, *arguments, text="", server=None):
        port = (server or self.server).port
        done = subprocess.run([FIRN, "-p", str(port), *arguments], input=text, capture_output=True,
                              text=True, env=self.environment, timeout=PATIENCE,
                              start_new_session=True)
        return done.returncode, done.stdout, done.stderr

    def asked(self):
        return [r["sql"] for r in self.server.requests]

    # ---- results ----

    def test_table(self):
        code, out, err = self.run_firn("-c", "SELECT 1")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(out, "                 id | body\n"
                              "--------------------+----------\n"
                              "                  7 | hello\n"
                              "               NULL | a,\"b\"\\nc\n"
                              " 123456789012345678 | \n"
                              "(3 rows)\n\n")

    def test_csv(self):
        code, out, _ = self.run_firn("--format", "csv", "-c", "SELECT 1; INSERT INTO t VALUES (1)")
        self.assertEqual(code, 0)
        self.assertEqual(out, 'id,body\n7,hello\n,"a,""b""\nc"\n123456789012345678,""\n')

    def test_json(self):
        code, out, _ = self.run_firn("--format", "json", "-c", "SELECT 1")
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out), [
            {"id": 7, "body": "hello"}, {"id": None, "body": 'a,"b"\nc'},
            {"id": 123456789012345678, "body": ""}])
        self.assertEqual(json.loads(self.run_firn("--format", "json", "-c", "INSERT x")[1]),
                         {"message": "INSERT 0 1", "row_count": 1})

    def test_verbose_shows_durability_and_sequence(self):
        code, out, _ = self.run_firn("--verbose", "-c", "INSERT INTO t VALUES (1)")
        self.assertEqual((code, out), (0, "INSERT 0 1\n(durability always, sequence 42)\n"))

    def test_chunked_answer(self):
        server = FakeServer(answer, chunked=True)
        self.assertEqual(self.run_firn("-c", "SELECT 1", server=server),
                         self.run_firn("-c", "SELECT 1"))
        server.close()

    # ---- errors and exit codes ----

    def test_error_shows_place_hint_and_detail(self):
        code, out, err = self.run_firn("-c", "SELECT id, bdy FROM t")
        self.assertEqual((code, out), (1, ""))
        self.assertEqual(err, 'ERROR 42703: column "bdy" does not exist\n'
                              'LINE 1: SELECT id, bdy FROM t\n'
                              '                   ^\n'
                              'DETAIL: there is none\nHINT: Did you mean "body"?\n')

    def test_error_in_a_file_names_its_line(self):
        path = Path(self.home.name, "x.sql")
        path.write_text("-- first\nSELECT 1;\n\nSELECT\n  'é', broken\n;\nINSERT never;\n")
        code, _, err = self.run_firn("-f", str(path))
        self.assertEqual(code, 1)
        self.assertIn(f"{path}:5: ERROR 42601", err)
        self.assertIn("LINE 2:   'é', broken\n               ^\n", err)
        self.assertEqual(len(self.asked()), 2)

    def test_exit_codes(self):
        self.assertEqual(self.run_firn("--format", "xml")[0], 2)
        self.assertEqual(self.run_firn("-c", "SELECT 1", "-f", "x")[0], 2)
        self.assertEqual(subprocess.run([FIRN, "top"], capture_output=True).returncode, 2)
        self.assertEqual(subprocess.run([FIRN, "version"], capture_output=True).returncode, 0)
        self.environment["FIRN_PASSWORD"] = "wrong"
        code, _, err = self.run_firn("-c", "SELECT 1")
        self.assertEqual((code, err), (3, "ERROR: invalid user name or password\n"))
        closed = FakeServer(answer)
        closed.close()
        self.assertEqual(self.run_firn("-c", "SELECT 1", server=closed)[0], 3)
        self.assertEqual(self.run_firn("-f", "/nonexistent")[0], 3)  # the password is wrong first
        self.environment["FIRN_PASSWORD"] = "secret"
        self.assertEqual(self.run_firn("-f", "/nonexistent")[0], 1)

    def test_server_that_goes_away(self):
        server = FakeServer(lambda sql, request: (_ for _ in ()).throw(OSError()))
        code, _, err = self.run_firn("-c", "INSERT x", server=server)
        self.assertEqual(code, 3)
        self.assertIn("not known whether", err)
        server.close()

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([FIRN, "-p", str(self.server.port), "-c", "SELECT 1; SELECT 2"],
                                  stdout=full, stderr=subprocess.PIPE, env=self.environment)
        self.assertEqual((done.returncode, self.asked()), (1, ["SELECT 1"]))
        self.assertIn(b"cannot be written", done.stderr)

    # ---- who asks ----

    def test_credentials_file(self):
        del self.environment["FIRN_PASSWORD"]
        folder = Path(self.home.name, ".firn")
        folder.mkdir()
        file = folder / "credentials"
        file.write_text(f"# mine\nother:1:root:no\n*:{self.server.port}:ro\\:ot:secret\n"
                        "127.0.0.1:*:root:secret\n")
        file.chmod(0o644)
        code, _, err = self.run_firn("-c", "SELECT 1")
        self.assertEqual(code, 3)
        self.assertIn("may be read by others", err)
        file.chmod(0o600)
        self.assertEqual(self.run_firn("-c", "SELECT 1")[0], 0)
        self.assertEqual(self.run_firn("-U", "ro:ot", "-c", "SELECT 1")[0], 0)
        code, _, err = self.run_firn("-U", "other", "-c", "SELECT 1")
        self.assertEqual(code, 3)
        self.assertIn("no password for user", err)

    def test_anonymous_needs_no_password(self):
        del self.environment["FIRN_PASSWORD"]
        self.assertEqual(self.run_firn("-U", "", "-c", "SELECT 1")[0], 0)
        self.assertEqual(self.server.logins, 0)

    def test_expired_token_is_renewed(self):
        seen = []

        def expire(sql, request):
            seen.append(sql)
            if len(seen) == 1:
                server.tokens = {"none"}
            return answer(sql, request)
        server = FakeServer(expire)
        self.assertEqual(self.run_firn("-c", "SELECT 1; SELECT 2", server=server)[0], 0)
        self.assertEqual((seen, server.logins), (["SELECT 1", "SELECT 2"], 2))
        server.close()

    # ---- statements ----

    def test_standard_input(self):
        text = "SELECT ';' /* ; */,\n$x$;$x$; USE \"Other\";\nSELECT 2"
        code, _, _ = self.run_firn("-n", "chat", text=text)
        self.assertEqual(code, 0)
        self.assertEqual(self.asked(), ["SELECT ';' /* ; */,\n$x$;$x$", 'USE "Other"', "SELECT 2"])
        self.assertEqual([r["namespace"] for r in self.server.requests], ["chat", "chat", "Other"])

    def test_transaction_is_one_request(self):
        code, out, _ = self.run_firn("-c", "BEGIN; INSERT 1; ROLLBACK TO x; COMMIT; SELECT 1")
        self.assertEqual(code, 0)
        self.assertEqual(self.asked(), ["BEGIN; INSERT 1; ROLLBACK TO x; COMMIT", "SELECT 1"])
        code, _, err = self.run_firn("-c", "BEGIN; INSERT 1")
        self.assertEqual((code, len(self.asked())), (1, 2))
        self.assertIn("was not run", err)

    def test_parameters(self):
        code, out, _ = self.run_firn("--format", "csv", "--param", "7", "--param", "x'y",
                                     "--param", '"7"', "--param", "[1,{\"a\":null}]",
                                     "-c", "SELECT $1; SELECT 2")
        self.assertEqual(code, 0)
        self.assertEqual(self.server.requests[0]["params"], [7, "x'y", "7", [1, {"a": None}]])
        self.assertNotIn("params", self.server.requests[1])

    def test_what_is_not_utf8_is_refused(self):
        done = subprocess.run([FIRN, "-p", str(self.server.port)], input=b"SELECT '\xff';",
                              capture_output=True, env=self.environment, timeout=PATIENCE)
        self.assertEqual((done.returncode, self.asked()), (1, []))
        self.assertIn(b"not UTF-8", done.stderr)

    # ---- commands ----

    def test_commands(self):
        Path(self.home.name, "i.sql").write_text("SELECT 5;\n\\q\n")
        code, out, err = self.run_firn(
            text="\\format csv\n\\dt\n\\dt *\n\\n chat\n\\dt\n\\conninfo\n\\timing on\nSELECT 1;\n"
            f"\\i {self.home.name}/i.sql\nSELECT never;\n")
        self.assertEqual(code, 0, err)
        self.assertEqual(self.asked(), ["SHOW TABLES", "SHOW TABLES", "SHOW TABLES IN chat",
                                        "SELECT 1", "SELECT 5"])
        self.assertIn("user root, role system, at 127.0.0.1", out)
        self.assertIn("namespace chat", out)
        self.assertRegex(err, r"Time: [0-9.]+ ms \(server 0.412 ms\)")

    def test_describe(self):
        code, out, _ = self.run_firn("-c", "\\d chat.t;")
        self.assertEqual(code, 0)
        self.assertEqual(self.asked(), ["DESCRIBE chat.t"])
        self.assertEqual(out, " column | type   | nullable | key  | default | comment\n"
                              "--------+--------+----------+------+---------+---------\n"
                              " id     | BIGINT | false    | 1    | NULL    | NULL\n"
                              " body   | TEXT   | true     | NULL | 'x'     | NULL\n\n"
                              "Indexes\n index   | method | columns\n"
                              "---------+--------+---------\n primary | key    | id\n\n"
                              "Properties\n property | value\n"
                              "----------+--------\n kind     | shared\n\n")

    def test_commands_refused(self):
        for text in ("\\nosuch", "\\format xml", "\\i", "\\q now", "\\live", "\\timing maybe"):
            code, _, err = self.run_firn("-c", text)
            self.assertEqual(code, 1, text)
            self.assertIn("ERROR: ", err)

    def test_files_that_include_themselves_end(self):
        path = Path(self.home.name, "loop.sql")
        path.write_text(f"\\i {path}\n")
        code, _, err = self.run_firn("-f", str(path))
        self.assertEqual(code, 1)
        self.assertIn("too deeply", err)

    # ---- live queries ----

    def live_server(self, script):
        self.pongs = []

        def live(peer, message):
            if message["type"] == "auth":
                self.assertEqual(message["token"], "token-1")
                peer.send({"type": "ready", "user": "root", "role": "system", "limits": {}})
            elif message["type"] == "subscribe":
                script(peer, message)
            elif message["type"] == "PONG":
                self.pongs.append(message["payload"])
        return FakeServer(answer, live)

    COLUMNS = [{"name": "id", "type": "BIGINT", "key": True}, {"name": "body", "type": "TEXT"}]

    def test_live(self):
        subscriptions = []

        def script(peer, message):
            subscriptions.append(message)
            id = message["id"]
            peer.send({"type": "subscribed", "id": id, "columns": self.COLUMNS, "snapshot_seq": 5})
            peer.send({"type": "rows", "id": id, "batch": 0, "rows": [[1, "a"], [2, None]],
                       "more": False})
            peer.send({"type": "live", "id": id, "seq": 5}, fragments=3)
            peer.frame(9, b"beat")
            peer.send({"type": "changes", "id": "0", "commit": 1,
                       "changes": [{"seq": 1, "op": "insert", "row": [0, "stale"]}]})
            if len(subscriptions) == 1:
                peer.send({"type": "resync", "id": id, "reason": "client too slow"})
                return
            peer.send({"type": "changes", "id": id, "commit": 9, "changes": [
                {"seq": 7, "op": "insert", "row": [3, "c" * 70000]},
                {"seq": 8, "op": "update", "row": [1, "b"], "old": [1, "a"]},
                {"seq": 9, "op": "delete", "old": [2, None]}]})
            peer.send({"type": "unsubscribed", "id": id, "reason": "table dropped"})
        for format in ("table", "json", "csv"):
            subscriptions.clear()
            server = self.live_server(script)
            code, out, err = self.run_firn("-n", "chat", "--format", format, "--param", "1", "-c",
                                           "\\live SELECT * FROM t WHERE x = $1;", server=server)
            server.close()
            self.assertEqual(code, 1)
            self.assertEqual(err, "ERROR: the server ended the live query: table dropped\n")
            self.assertEqual([s["sql"] for s in subscriptions],
                             ["SELECT * FROM t WHERE x = $1"] * 2)
            self.assertEqual(subscriptions[0]["params"], [1])
            self.assertEqual(subscriptions[0]["namespace"], "chat")
            self.assertNotIn("stale", out)
            self.assertIn("beat", self.pongs)
            getattr(self, "check_live_" + format)(out.replace("c" * 70000, "C"))

    def check_live_table(self, out):
        initial = ["row    (1)  id=1  body=a", "row    (2)  id=2  body=NULL",
                   "live    from sequence 5"]
        self.assertEqual(out.splitlines(), initial + [
            "resync  client too slow", "        subscribed again: all rows follow"] + initial + [
            "insert (3)  id=3  body=C", "update (1)  id=1  body=a -> b",
            "delete (2)  id=2  body=NULL"])

    def check_live_json(self, out):
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(lines[0], {"op": "row", "key": {"id": 1}, "row": {"id": 1, "body": "a"}})
        self.assertEqual(lines[2:4], [{"op": "live", "seq": 5},
                                      {"op": "resync", "reason": "client too slow"}])
        self.assertEqual(lines[-2:], [
            {"op": "update", "seq": 8, "key": {"id": 1}, "row": {"id": 1, "body": "b"},
             "old": {"id": 1, "body": "a"}},
            {"op": "delete", "seq": 9, "key": {"id": 2}, "old": {"id": 2, "body": None}}])

    def check_live_csv(self, out):
        initial = ["row,,1,a", "row,,2,", "live,5,,"]
        self.assertEqual(out.splitlines(), ["op,seq,id,body"] + initial + ["resync,,,"] + initial +
                         ["insert,7,3,C", "update,8,1,b", "delete,9,2,"])

    def test_live_renews_an_old_token(self):
        tokens = []

        def live(peer, message):
            if message["type"] == "auth":
                tokens.append(message["token"])
            peer.send({"type": "closing", "reason": "shutdown"})
        server = FakeServer(answer, live)
        server.expires_in = 0
        code, _, err = self.run_firn("-c", "\\live SELECT 1", server=server)
        self.assertEqual((code, tokens), (1, ["token-2"]))
        self.assertIn("shutdown", err)
        server.close()

    def test_live_that_is_refused(self):
        server = self.live_server(lambda peer, message: peer.send(
            {"type": "error", "id": message["id"],
             **failure("UNDEFINED_TABLE", "42P01", "no such table", 14)}))
        code, _, err = self.run_firn("-c", "\\live SELECT * FROM t", server=server)
        self.assertEqual(code, 1)
        self.assertIn("ERROR 42P01: no such table\nLINE 1: SELECT * FROM t\n" + " " * 22 + "^\n",
                      err)
        server.close()

    # ---- Ctrl-C and terminals ----

    def wait_for(self, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not what():
            self.assertLess(time.monotonic(), end, "it never came")
            time.sleep(0.01)

    def start_firn(self, server, *arguments):
        return subprocess.Popen([FIRN, "-p", str(server.port), *arguments], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.environment)

    def test_interrupt_ends_a_statement(self):
        firn = self.start_firn(self.server, "-c", "SELECT slow; SELECT 1")
        self.wait_for(lambda: self.asked())
        firn.send_signal(signal.SIGINT)
        out, err = firn.communicate(timeout=PATIENCE)
        self.assertEqual((firn.returncode, out, err), (1, "", "ERROR: cancelled\n"))

    def test_interrupt_is_the_end_of_a_live_query(self):
        server = self.live_server(lambda peer, message: peer.send(
            {"type": "subscribed", "id": message["id"], "columns": self.COLUMNS,
             "snapshot_seq": 5}))
        firn = self.start_firn(server, "--format", "csv", "-c", "\\live SELECT 1")
        self.assertEqual(firn.stdout.readline(), "op,seq,id,body\n")
        firn.send_signal(signal.SIGINT)
        out, err = firn.communicate(timeout=PATIENCE)
        self.assertEqual((firn.returncode, out, err), (0, "", ""))
        server.close()

    def terminal(self, *arguments):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(FIRN, ["firn", "-p", str(self.server.port), "--no-color", *arguments],
                      self.environment)
        return Terminal(self, pid, terminal)

    def test_shell(self):
        t = self.terminal()
        t.expect("role system")
        t.expect("firn=> ")
        t.type("SELECT\n")
        t.expect("firn-> ")
        t.type("1;\n")
        t.expect("│ hello")
        t.expect("(3 rows)")
        t.type("SELECT 'a\n")
        t.expect("firn'> ")
        t.type("\x03")
        t.expect("^C")
        t.expect("firn=> ")
        t.type("INSERT broken;\n")
        t.expect("ERROR 42601")
        t.type("BEGIN;\n")
        t.expect("firn+> ")
        t.type("INSERT 1; COMMIT;\n")
        t.expect("COMMIT\r\n")
        t.type("STORAGE FLUSH slow;\n")
        t.expect("0:02  flush chat.t 42%: writing  (Ctrl-C cancels)")
        t.type("\x03")
        t.expect("cancelled")
        t.expect("firn=> ")
        t.type("\\n chat\n")
        t.expect("chat=> ")
        t.type("CREATE USER u PASSWORD 'x';\n")
        t.expect("\r\nCREATE\r\n")
        t.expect("chat=> ")
        t.type("\x04")
        self.assertEqual(t.end(), 0)
        history = Path(self.home.name, ".firn/history")
        self.assertEqual(history.stat().st_mode & 0o777, 0o600)
        self.assertIn("broken", history.read_text())
        self.assertNotIn("PASSWORD", history.read_text())
        t = self.terminal()
        t.expect("firn=> ")
        t.type("\x10\x10")  # the line before the last
        t.expect("chat")
        t.type("\x03")
        t.expect("firn=> ")
        t.type("\\q\n")
        self.assertEqual(t.end(), 0)

    def test_password_is_asked_for(self):
        del self.environment["FIRN_PASSWORD"]
        t = self.terminal("-c", "SELECT 1")
        t.expect("Password for root: ")
        t.type("secret\n")
        t.expect("(3 rows)")
        self.assertEqual(t.end(), 0)
        self.assertNotIn("secret", t.seen)


class Terminal:
    def __init__(self, test, pid, descriptor):
        self.test, self.pid, self.descriptor, self.seen, self.at = test, pid, descriptor, "", 0

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def expect(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.seen[self.at:]:
            self.test.assertLess(time.monotonic(), end,
                                 f"{text!r} did not come in {self.seen[self.at:]!r}")
            if select.select([self.descriptor], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.descriptor, 65536).decode(errors="replace")
                except OSError:
                    self.test.fail(f"{text!r} did not come in {self.seen[self.at:]!r}: the end")
        self.at += self.seen[self.at:].index(text) + len(text)

    def end(self):
        end = time.monotonic() + PATIENCE
        try:
            while (not select.select([self.descriptor], [], [], 0.1)[0]
                   or os.read(self.descriptor, 65536)):
                if time.monotonic() > end:
                    os.kill(self.pid, signal.SIGKILL)
        except OSError:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and "Test" not in sys.argv[1]:
        FIRN = Path(sys.argv.pop(1)).resolve()
    unittest.main()
