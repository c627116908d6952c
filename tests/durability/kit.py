"""What the checks of tests/durability share: the list of checks, servers, what was acknowledged."""
import contextlib
import importlib.util
import os
import random
import re
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TESTS, "integration"))

import client  # noqa: E402
import harness  # noqa: E402
from harness import wait_for  # noqa: E402,F401

# tests/crash/run.py has the writers that note what was acknowledged, and the verdict on it.
_crash = importlib.util.spec_from_file_location("crash_run", os.path.join(TESTS, "crash", "run.py"))
crash = importlib.util.module_from_spec(_crash)
_crash.loader.exec_module(crash)

CHECKS = {}  # id → function


class NotApplicable(Exception):
    """The line of the specification does not apply to this product; says why."""


def check(*ids):
    """A check of these lines: a function of a Case that gives the figure asked for, or raises."""
    def note(function):
        for name in ids:
            assert name not in CHECKS, name
            CHECKS[name] = function
        return function
    return note


def not_applicable(name, reason):
    def function(_case):
        raise NotApplicable(reason)
    CHECKS[name] = function


class Case:
    """One check's run: its seed, its servers, its directory. All of it goes when it ends."""

    def __init__(self, name, seed, short):
        self.name = name
        self.seed = seed
        self.random = random.Random(f"{seed} {name}")
        self.short = short
        self.stack = contextlib.ExitStack()
        self.directory = self.stack.enter_context(harness.temporary_directory())
        self.count = 0

    def rounds(self, short, full):
        return short if self.short else full

    def server(self, *settings, fault=None, start=True, faults=False, directory=None):
        """A server of this case's own. With `fault` (or faults) the programs with fault points."""
        self.count += 1
        if directory is None:
            directory = os.path.join(self.directory, str(self.count))
            os.mkdir(directory)
        folder = harness.need_faults() if fault is not None or faults else None
        server = harness.Server(directory, settings, folder=folder)
        self.stack.callback(end_server, server)
        if start:
            server.start(fault_environment(fault, directory))
        return server

    def close(self):
        self.stack.close()


def fault_environment(fault, directory):
    if fault is None:
        return None
    return {"FIRN_FAULT": fault, "FIRN_FAULT_PAUSE_FILE": os.path.join(directory, "paused")}


def end_server(server):
    """Nothing stands still at a fault point any more; then it must end by itself."""
    with contextlib.suppress(FileNotFoundError):
        resume(server)
    server.end()


def pause_file(server):
    return os.path.join(os.path.dirname(server.data), "paused")


def start_with(server, fault):
    server.start(fault_environment(fault, os.path.dirname(server.data)))


def wait_paused(server, seconds=20):
    wait_for(lambda: os.path.exists(pause_file(server)), seconds, "the paused fault point")


def resume(server):
    os.unlink(pause_file(server))


# ---- tables ----

def make(server, name="d.t", kind="", options="", columns="id INT PRIMARY KEY, body TEXT"):
    server.root.sql(f"CREATE NAMESPACE IF NOT EXISTS {name.split('.')[0]}")
    server.root.sql(f"CREATE {kind} TABLE {name} ({columns}) {options}")
    return name


def fill(server, table, first, count, body="b", who=None):
    """One statement of `count` rows."""
    (who or server.root).sql(f"INSERT INTO {table} SELECT i, '{body}' || i FROM "
                             f"generate_series({first}, {first + count - 1}) AS g(i)")


def count(server, table):
    return server.root.value(f"SELECT count(*) FROM {table}")


def flush(server, table):
    return harness.flush(server, table)


def rows_of(server, table):
    return server.root.rows(f"SELECT * FROM {table} ORDER BY id")


def stat(server, name, labels=None):
    """A figure of system.stats; of all labels together where none are given."""
    rows = server.root.rows("SELECT value, labels FROM system.stats WHERE name = $1", [name])
    assert rows, f"system.stats has no {name}"
    return sum(value for value, has in rows
               if all(has.get(key) == wanted for key, wanted in (labels or {}).items()))


def live_files(server, table=None):
    """(path, rows) of the data files of system.files."""
    where = ""
    if table is not None:
        namespace, name = table.split(".")
        where = f"AND namespace = '{namespace}' AND table_name = '{name}'"
    return [tuple(row) for row in server.root.rows(
        f"SELECT path, rows FROM system.files WHERE kind = 'data' {where} ORDER BY path")]


def attempt(who, sql):
    """The SqlError, ConnectionLost or None."""
    try:
        who.sql(sql)
    except (client.SqlError, client.ConnectionLost) as error:
        return error
    return None


# ---- the offline programs ----

def firn(*arguments):
    return subprocess.run([harness.program("firn"), *arguments], capture_output=True, text=True,
                          timeout=120, check=False)


def check_offline(server, *options, good=True):
    """`firn check` on the directory of a server that is not running."""
    ended = firn("check", *options, server.data)
    text = ended.stdout + ended.stderr
    assert (ended.returncode == 0) == good, f"firn check ended with {ended.returncode}:\n{text}"
    return text


def dump(server, *what):
    ended = firn("dump", what[0], server.data, *what[1:])
    assert ended.returncode == 0, ended.stdout[-500:] + ended.stderr
    return ended.stdout.splitlines()


def nothing_left_over(server):
    """The running server's sweep leaves no orphans, or the offline check names them."""
    text = check_offline(server)
    return text.count("orphan: ")


# ---- what was acknowledged ----

class Load:
    """The writers of tests/crash over a server, and the verdict on what they were told."""

    def __init__(self, case, server, threads=2):
        self.case = case
        self.server = server
        self.writers = [crash.Writer(server, number, 0) for number in range(threads)]
        self.acknowledged = 0

    def prepare(self):
        crash.prepare(self.server, len(self.writers))
        return self

    def start(self, with_maintainer=True):
        old = self.writers
        self.writers = []
        for number, before in enumerate(old):
            writer = crash.Writer(self.server, number, self.case.random.getrandbits(60))
            writer.rows, writer.serial = before.rows, before.serial
            self.writers.append(writer)
        self.helpers = []
        if with_maintainer:
            self.helpers.append(crash.Maintainer(self.server, self.case.random.getrandbits(60)))
        for thread in [*self.writers, *self.helpers]:
            thread.start()

    def join(self):
        for thread in [*self.writers, *self.helpers]:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"
        self.acknowledged += sum(sum(writer.done.values()) for writer in self.writers)

    def kill(self):
        self.server.kill()
        self.join()

    def verify(self):
        verdict = crash.verify(self.server, self.writers)
        problems = verdict.problems()
        assert not problems, "; ".join(problems)


# ---- watching system calls ----

class Trace:
    """strace of a running server: its lines, in order."""

    def __init__(self, server, calls, *options):
        self.path = os.path.join(os.path.dirname(server.data), "strace.out")
        try:
            self.process = subprocess.Popen(
                ["strace", "-f", "-y", "-s", "200", "-e", "trace=" + calls, *options,
                 "-o", self.path, "-p", str(server.process.pid)], stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, start_new_session=True)
        except FileNotFoundError as missing:
            raise harness.Skip("strace is not installed") from missing
        line = self.process.stderr.readline()
        if "attached" not in line:
            raise harness.Skip(f"strace cannot attach: {line.strip()}")
        # the threads are attached one by one behind the first line
        threads = len(os.listdir(f"/proc/{server.process.pid}/task"))
        self.reader = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.reader.start()
        time.sleep(0.2 + threads * 0.005)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()


def finished(lines, call, path):
    """Numbers of the lines at which such a call on such a descriptor has returned."""
    found, open_calls = [], set()
    for number, line in enumerate(lines):
        thread = line.split(" ", 1)[0]
        if re.search(rf"\b{call}\(\d+<[^>]*{path}", line):
            if "unfinished" in line:
                open_calls.add(thread)
            else:
                found.append(number)
        elif f"{call} resumed" in line and thread in open_calls:
            open_calls.discard(thread)
            found.append(number)
    return found


def rss_bytes(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def in_threads(number, work):
    """Runs work(i) in so many threads; the first problem is raised."""
    problems = []

    def run(i):
        try:
            work(i)
        except BaseException as error:  # told below, in the thread that waits
            problems.append(error)

    threads = [threading.Thread(target=run, args=(i,), daemon=True) for i in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(180)
        assert not thread.is_alive(), "a thread hangs"
    if problems:
        raise problems[0]


def log_names(server):
    return sorted(name for name in os.listdir(os.path.join(server.data, "log"))
                  if name.endswith(".log"))


def exit_of(server, seconds=60):
    """The exit status of a start that is to fail."""
    server.spawn()
    status = server.wait(seconds)
    return status
