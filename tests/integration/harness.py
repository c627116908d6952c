"""Starts the real firnd in a temporary directory, and ends it in every way a server can end.

A test gets a Server; everything it makes lives in a directory that goes with it. Waiting always
has a deadline. Nothing here knows more of the server than spec/protocols.md §4 tells everybody.
"""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

import client
import websocket

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.path.join(ROOT, "..", "shared")  # facts and cases that are not part of the repository
ROOT_PASSWORD = "correct horse battery staple"

START_SECONDS = 60
STOP_SECONDS = 60
END_SECONDS = 30
# "==PID==" begins each report of a sanitizer, also those that do not name it ("Failed to mmap").
COMPLAINT = re.compile(r"Sanitizer|runtime error:|assertion|^==\d+==", re.IGNORECASE)
COMPLAINT_LINES = 30
LISTENING = re.compile(r"listening on (\d+\.\d+\.\d+\.\d+:\d+)")

# Where the programs are; run.py sets it by --server.
programs = os.path.join(ROOT, "build", "release")


class Skip(Exception):
    """A test cannot be run here; says why, and is counted apart."""


def program(name):
    path = os.path.join(programs, name)
    if not os.path.exists(path):
        raise Skip(f"{os.path.relpath(path, ROOT)} is not built")
    return path


def need_faults():
    """The programs have fault points; otherwise those of build/check are taken, or the test is
    left out."""
    for folder in (programs, os.path.join(ROOT, "build", "check"),
                   os.path.join(ROOT, "build", "debug")):
        if os.path.basename(folder) != "release" and os.path.exists(os.path.join(folder, "firnd")):
            return folder
    raise Skip("no build with fault points: make FLAVOR=check programs")


@contextlib.contextmanager
def temporary_directory():
    """Removed afterwards, also where the test failed."""
    path = tempfile.mkdtemp(prefix="firn-test-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class LongQuery(threading.Thread):
    """A statement that takes minutes of the engine's time: when `running` returns it is under way;
    `outcome` is its value or its error."""

    sql = "SELECT count(*) FROM generate_series(1, 3000000000) AS g(i) WHERE i % 7 = 3"

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.outcome = None

    def run(self):
        try:
            self.outcome = self.server.client("root").value(self.sql)
        except client.SqlError as error:
            self.outcome = error

    def running(self):
        self.start()
        wait_for(lambda: self.server.root.value(
            "SELECT count(*) FROM system.queries WHERE sql LIKE 'SELECT count%3000000000%'"),
            what="the long query")
        return self


def wait_for(condition, seconds=15, what="the condition", every=0.02):
    """Calls until the answer is true, and gives it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come in {seconds} s; last: {answer!r:.500}")
        time.sleep(every)


class Server:
    """firnd over one data directory, started again as often as a test wants."""

    def __init__(self, directory, settings=(), environment=None, folder=None):
        self.data = os.path.join(directory, "data")
        self.log_path = os.path.join(directory, "firnd.out")
        self.settings = list(settings)
        self.environment = dict(environment or {})
        self.folder = folder or programs
        self.process = None
        self.address = None  # after a crash the old one, until the new one is known
        self.has_address = False
        self.passwords = {"root": ROOT_PASSWORD}
        self.clients = {}

    # ---- life ----

    def command(self):
        command = [os.path.join(self.folder, "firnd"), "--data", self.data,
                   "--listen", "127.0.0.1:0"]
        for setting in self.settings:
            command += ["--set", setting]
        return command

    def spawn(self, environment=None):
        """Starts the process and does not wait for anything."""
        assert self.process is None or self.process.poll() is not None, "it runs already"
        variables = {k: v for k, v in os.environ.items() if not k.startswith("FIRN_")}
        variables.update({"FIRN_ROOT_PASSWORD": ROOT_PASSWORD, **self.environment,
                          **(environment or {})})
        self.has_address = False
        self.forget_clients()
        self.log_start = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=variables, start_new_session=True)
        return self

    def start(self, environment=None):
        """Starts it and waits until it serves."""
        if not os.path.exists(os.path.join(self.folder, "firnd")):
            raise Skip(f"{os.path.relpath(self.folder, ROOT)}/firnd is not built")
        self.spawn(environment)
        self.wait_ready()
        return self

    def wait_ready(self, seconds=START_SECONDS):
        wait_for(self._is_ready, seconds, "a server that serves")
        return self

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"firnd ended with {self.process.returncode}:\n{self.log_tail()}")
        if not self.has_address:
            found = LISTENING.search(self.log())
            if found is None:
                return False
            self.address = found.group(1)
            self.has_address = True
        try:
            with urllib.request.urlopen(f"http://{self.address}/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL, to the server alone: its workers have to notice by themselves."""
        self.forget_clients()
        if self.is_alive():
            self.process.kill()
        return self.process.wait(STOP_SECONDS)

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=STOP_SECONDS):
        """The exit status."""
        return self.process.wait(seconds)

    def stop(self):
        """A graceful stop; gives the exit status."""
        self.forget_clients()
        self.signal()
        return self.wait()

    def restart(self, crash=False):
        if crash:
            self.kill()
        else:
            status = self.stop()
            assert status == 0, f"a graceful stop ended with {status}:\n{self.log_tail()}"
        return self.start()

    def end(self):
        """However it is, it ends; and so do the workers it left behind. What a sanitizer said, a
        leak found at the stop included, and a stop that crashes or does not come are an
        AssertionError: the test cannot have looked for it."""
        self.forget_clients()
        if self.process is None:
            return
        problems = self._stop_if_alive()
        try:  # the session it was started in is all its own
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        said = self.complaints()
        if said:
            problems += ["the server or a worker complained:", *said[:COMPLAINT_LINES]]
        assert not problems, "\n".join(problems)

    def _stop_if_alive(self):
        if not self.is_alive():
            return []
        self.process.terminate()
        try:
            status = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(END_SECONDS)
            return [f"no end {END_SECONDS} s after SIGTERM:\n{self.log_tail()}"]
        return [f"the stop ended by signal {-status}:\n{self.log_tail()}"] if status < 0 else []

    def workers(self):
        """Process ids of its firn-worker children."""
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                    text = stat.read()
            except OSError:
                continue
            fields = text.rpartition(")")[2].split()
            if int(fields[1]) == self.process.pid and fields[0] != "Z":
                found.append(int(name))
        return found

    # ---- what it said ----

    def log(self):
        """Since the last start."""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            log.seek(self.log_start)
            return log.read()

    def log_tail(self, lines=15):
        if not os.path.exists(self.log_path):
            return "(no log)"
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def complaints(self):
        """Reports of the sanitizers and failed assertions, which no test may leave behind: from
        the first such line on, since the stack below says where."""
        if not os.path.exists(self.log_path):
            return []
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            lines = [line.rstrip() for line in log]
        first = next((i for i, line in enumerate(lines) if COMPLAINT.search(line)), len(lines))
        return lines[first:]

    # ---- who asks ----

    def client(self, user=None, password=None, timeout=client.TIMEOUT_SECONDS):
        """A connection of its own; anonymous without a name."""
        made = client.Client(self.address, timeout=timeout)
        if user is not None:
            made.login(user, password or self.passwords[user])
        return made

    @property
    def root(self):
        return self.user("root")

    def user(self, name, role="user"):
        """The one connection of this user, who is made where he does not exist."""
        if name in self.clients:
            return self.clients[name]
        if name not in self.passwords:
            password = f"password of {name}"
            self.root.sql(f"CREATE USER '{name}' WITH PASSWORD '{password}' ROLE {role}")
            self.passwords[name] = password
        self.clients[name] = self.client(name)
        return self.clients[name]

    @property
    def anonymous(self):
        if "" not in self.clients:
            self.clients[""] = self.client()
        return self.clients[""]

    def forget_clients(self):
        for made in self.clients.values():
            made.close()
        self.clients.clear()

    def socket(self, user="root"):
        """A WebSocket, authenticated by its first message."""
        return websocket.WebSocket(self.address, token=self.user(user).token)

    # ---- what lies on the disk ----

    def files(self, pattern, under="storage"):
        """Paths below DATA/`under` whose name ends in the pattern, relative to it."""
        top = os.path.join(self.data, under)
        found = []
        for folder, _, names in os.walk(top):
            found += [os.path.relpath(os.path.join(folder, name), top)
                      for name in names if name.endswith(pattern)]
        return sorted(found)

    def cli(self, *arguments, user="root", password=None, stdin="", timeout=30):
        """Runs the shell; gives (exit status, stdout, stderr)."""
        host, port = self.address.rsplit(":", 1)
        variables = {k: v for k, v in os.environ.items() if not k.startswith("FIRN_")}
        if user == "anonymous":
            user = ""
        else:
            variables["FIRN_PASSWORD"] = password or self.passwords[user]
        ended = subprocess.run([program("firn"), "-H", host, "-p", port, "-U", user, *arguments],
                               input=stdin, capture_output=True, text=True, timeout=timeout,
                               env=variables, check=False)
        return ended.returncode, ended.stdout, ended.stderr


@contextlib.contextmanager
def running(settings=(), environment=None, folder=None):
    """A server of its own in a directory of its own, ended and removed afterwards."""
    with temporary_directory() as directory:
        server = Server(directory, settings, environment, folder)
        try:
            server.start()
            yield server
        finally:
            server.end()


# ---- what tests ask again and again ----

def jobs(server, kind, table, columns="job_id, state, rows, trigger"):
    namespace, name = table.split(".")
    return server.root.rows(
        f"SELECT {columns} FROM system.jobs WHERE type = $1 AND namespace = $2 AND table_name = $3"
        " ORDER BY created_at, job_id", [kind, namespace, name])


def flush(server, table, who=None):
    """STORAGE FLUSH TABLE; the answer's row as a dict."""
    return (who or server.root).sql(f"STORAGE FLUSH TABLE {table}").records()[0]


def counts(server, table):
    """(hot, cold) rows as DESCRIBE says."""
    rows = server.root.sql(f"DESCRIBE TABLE {table}").records()
    values = {row["name"]: row["value"] for row in rows if row["section"] == "table"}
    return int(values["hot_rows"]), int(values["cold_rows"])


def expect_error(error, sqlstate, message=None, status=None):
    assert error.sqlstate == sqlstate, f"expected {sqlstate}, got {error}"
    if message is not None:
        assert error.message == message, f"expected {message!r}, got {error.message!r}"
    if status is not None:
        assert error.status == status, f"expected HTTP {status}, got {error}"
