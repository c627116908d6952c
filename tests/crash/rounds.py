"""Rounds of load, kill, recovery and verdict over one data directory, which lives through all of
them."""
import contextlib
import os
import random
import signal
import subprocess
import time

import client
import harness
import points
import verdict as judging
from writers import (IN_DOUBT, REFUSALS, STREAM, TABLES, TROUBLES, Bulk, Definer, Maintainer, Writer,
                     connect)

ROUND_SECONDS = 120
STREAM_ROWS_MAX = 1500
SMALL_DISK_MB = 96

# At what moment the server is killed, and how often of a hundred rounds.
MOMENTS = {"load": 40, "flush": 14, "compaction": 8, "definition": 10, "recovery": 12,
           "stopped": 6, "after a stop": 4, "worker killed": 4, "worker stopped": 2}
SETTINGS = ("flush.check_every=100ms", "cold.snapshot_retention=1s", "jobs.retention=20s")
VARIANTS = {"cold.small_files_max": ("3", "6"), "log.segment_bytes": ("1MiB", "1MiB", "4MiB"),
            "log.bytes_max": ("4MiB", "16MiB"), "feed.bytes_max": ("0B", "0B", "8MiB"),
            "log.durability": ("always", "always", "always", "interval", "none")}


class Overdue(BaseException):
    pass


@contextlib.contextmanager
def deadline(seconds):
    def over(_number, _frame):
        raise Overdue(f"the round took more than {seconds} s")
    signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def prepare(server, threads, tables=TABLES):
    """The tables, and a user for each writer."""
    run = server.root.sql
    run("CREATE NAMESPACE crash")
    columns = "(id INT PRIMARY KEY, version BIGINT, body TEXT) FLUSH ROWS 300"
    run(f"CREATE SHARED TABLE crash.shared {columns}")
    run(f"CREATE USER TABLE crash.own {columns}")
    if STREAM in tables:
        run(f"CREATE STREAM TABLE {STREAM} (id BIGINT PRIMARY KEY, version BIGINT, body TEXT) "
            "TTL 1d")
        run("CREATE SHARED TABLE crash.bulk (id INT PRIMARY KEY, version BIGINT, body TEXT)")
        run("CREATE NAMESPACE crash_d")
    for number in range(threads):
        server.user(f"writer{number}", "service")


def kill(server):
    """-9, whatever else it was told before. How it ended: by us, or a status of its own."""
    before = server.process.poll()
    server.kill()
    return before


class Round:
    """One round: what is done to the server, and what is found."""

    def __init__(self, loop, number):
        self.loop = loop
        self.number = number
        self.server = loop.server
        self.random = loop.random
        self.moment = loop.random.choices(list(MOMENTS), list(MOMENTS.values()))[0]
        self.point = None  # armed fault point
        self.killed_by = "kill -9"
        self.full = False
        self.ended = None  # the status of a server that ended before it was killed
        self.clients = []

    # ---- the load ----

    def start_load(self):
        loop = self.loop
        loop.writers = [Writer(self.server, writer.number, self.random.getrandbits(60),
                               writer.tables).succeed(writer) for writer in loop.writers]
        loop.definer = Definer(self.server, self.random.getrandbits(60), loop.definer)
        loop.bulk = Bulk(self.server, self.random.getrandbits(60), loop.bulk)
        self.maintainer = Maintainer(self.server, self.random.getrandbits(60))
        self.clients = [*loop.writers, loop.definer, loop.bulk, self.maintainer]
        for one in self.clients:
            one.accepted = REFUSALS | TROUBLES if self.is_troubled() else REFUSALS - IN_DOUBT
            one.start()

    def is_troubled(self):
        return self.full or self.point is not None or self.moment.startswith("worker")

    def wait_for_load(self):
        """Every writer had an answer, or nobody will."""
        harness.wait_for(lambda: self.is_standing_still() or all(
            writer.done or writer.refused or writer.problem for writer in self.loop.writers),
            30, "a first statement of every writer", 0.005)

    def is_standing_still(self):
        """It is dead, or paused at a fault point."""
        return self.server.process.poll() is not None or \
            (self.point is not None and self.point.is_paused())

    def wait_until_busy(self, one, kinds, seconds=1.5):
        end = time.monotonic() + seconds
        while time.monotonic() < end and one.busy_with not in kinds:
            time.sleep(0.001)

    def disturb(self):
        """Until the moment of the kill."""
        chosen, server = self.random, self.server
        time.sleep(chosen.uniform(0.05, 0.6))
        if self.moment == "flush":
            self.wait_until_busy(self.maintainer, ("FLUSH",))
            time.sleep(chosen.uniform(0, 0.06))
        elif self.moment == "compaction":
            self.wait_until_busy(self.maintainer, ("COMPACT",))
            time.sleep(chosen.uniform(0, 0.06))
        elif self.moment == "definition":
            self.wait_until_busy(self.loop.definer, ("create", "add_column", "truncate", "drop"))
            time.sleep(chosen.uniform(0, 0.01))
        elif self.moment in ("stopped", "after a stop"):
            server.signal(signal.SIGSTOP)
            time.sleep(chosen.uniform(0.01, 0.3))
            if self.moment == "after a stop":
                server.signal(signal.SIGCONT)
                time.sleep(chosen.uniform(0, 0.2))
        elif self.moment.startswith("worker"):
            for worker in chosen.sample(server.workers(), min(1, len(server.workers()))):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL if self.moment == "worker killed"
                            else signal.SIGSTOP)
            time.sleep(chosen.uniform(0, 0.4))

    def join(self):
        for one in self.clients:
            one.join(30)
            assert not one.is_alive(), f"a client hangs, busy with {one.busy_with}"

    # ---- the round ----

    def die(self):
        """By the fault point that is armed, or by kill -9 at the chosen moment."""
        self.start_load()
        self.wait_for_load()
        if self.full:
            self.loop.fill_disk()
        if self.point is None:
            self.disturb()
        else:
            self.point.wait(self.server, self.random.uniform(0.4, 1.0))
        self.ended = kill(self.server)
        self.join()
        if self.full:
            self.loop.free_disk()

    def die_again(self):
        """At some moment of the recovery."""
        self.server.spawn(self.loop.environment())
        time.sleep(self.random.uniform(0, 0.15))
        kill(self.server)

    def arm(self):
        """Starts the server again, with a fault point armed. Does it serve, or did it die or stand
        still as it started?"""
        kill(self.server)
        self.point = points.Armed(self.loop.coverage, self.loop.directory, self.random)
        self.server.spawn({**self.loop.environment(), **self.point.environment()})
        with contextlib.suppress(AssertionError):  # it died
            harness.wait_for(lambda: self.is_standing_still() or self.server._is_ready(), 60,
                             "a server that serves", 0.005)
        if self.is_standing_still():
            self.ended = kill(self.server)
            return False
        return True

    def run(self):
        loop = self.loop
        self.full = loop.small_disk and self.random.random() < 0.15
        lives = True
        if loop.coverage is not None:
            lives = self.arm()
        if lives:
            self.die()
        if self.point is not None:
            self.killed_by = self.point.judge(self.server.process.returncode, self.ended, lives)
        if self.moment == "recovery":
            self.die_again()
        loop.start()
        found = judging.verify(self.server, loop.writers, loop.definer, loop.bulk,
                               loop.known_jobs, loop.ways)
        self.look(found)
        return found

    def look(self, found):
        """What the clients, the server and the jobs say beside the rows."""
        if self.ended is not None and self.point is None:
            found.other.append(f"the server ended by itself: {self.ended}")
        if self.killed_by is None:
            found.other.append(f"{self.point.text}: the server ended with {self.ended}")
        found.other += [one.problem for one in self.clients if one.problem]
        found.other += self.loop.complaints()
        if self.is_troubled():  # jobs may give up then; from now on these are known
            root = connect(self.server, "root")
            self.loop.known_jobs |= {job[0] for job in judging.failed_jobs(root)}
            root.close()
            found.other = [one for one in found.other if not isinstance(one, tuple)]

    def tell(self):
        """For people: the moment and what was acknowledged."""
        done = {}
        for one in self.clients:
            for kind, count in one.done.items():
                done[kind] = done.get(kind, 0) + count
        return done


class Loop:
    """The directory, the server, and what is known of them between the rounds."""

    def __init__(self, directory, seed, threads, coverage=None, small_disk=False, rule=None):
        self.random = random.Random(seed)
        self.stack = contextlib.ExitStack()
        self.small_disk = small_disk
        self.directory = self.mount(directory) if small_disk else directory
        self.coverage = coverage
        folder = harness.need_faults() if coverage is not None else None
        self.server = harness.Server(self.directory, SETTINGS, folder=folder)
        if rule is not None:
            self.server.environment["FIRN_BREAKAGE"] = rule
        self.threads = threads
        self.definer = self.bulk = None
        self.known_jobs = set()
        self.ways = 1
        self.said = 0

    def mount(self, directory):
        path = os.path.join(directory, "small")
        os.mkdir(path)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MB}m", "tmpfs",
                               path], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(f"no full disks: mount: {done.stderr.strip()}", flush=True)
            self.small_disk = False
            return directory
        self.stack.callback(subprocess.run, ["umount", "-l", path], check=False)
        return path

    def environment(self):
        return self.coverage.environment() if self.coverage is not None else {}

    def wait_ready(self):
        harness.wait_for(self.server._is_ready, 60, "a server that serves", 0.005)

    def start(self):
        """With settings of the round's own: whatever they are, nothing may be lost."""
        self.server.settings = [*SETTINGS, *(f"{key}={self.random.choice(values)}"
                                             for key, values in VARIANTS.items())]
        self.server.spawn(self.environment())
        self.wait_ready()

    def open(self):
        self.start()
        tables = (*TABLES, STREAM)
        prepare(self.server, self.threads, tables)
        self.writers = [Writer(self.server, number, 0, tables) for number in range(self.threads)]
        self.definer = Definer(self.server, 0)
        self.bulk = Bulk(self.server, 0)
        return self

    def close(self):
        self.stack.callback(self.server.end)
        self.stack.close()

    def fill_disk(self):
        with open(os.path.join(self.directory, "filler"), "wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * (64 << 10))
        time.sleep(self.random.uniform(0.05, 0.4))

    def free_disk(self):
        os.unlink(os.path.join(self.directory, "filler"))

    def complaints(self):
        """What a sanitizer or an assertion said since the last time."""
        with open(self.server.log_path, encoding="utf-8", errors="replace") as log:
            log.seek(self.said)
            lines = log.read().splitlines()
            self.said = log.tell()
        found = next((i for i, line in enumerate(lines) if harness.COMPLAINT.search(line)), None)
        return [] if found is None else ["\n".join(lines[found:found + 30])]

    def trim_stream(self):
        if sum(len(writer.rows[STREAM]) for writer in self.writers) < STREAM_ROWS_MAX:
            return
        connect(self.server, "root").sql(f"TRUNCATE {STREAM}")
        for writer in self.writers:
            writer.rows[STREAM] = {}

    def round(self, number):
        """(problems, the round)."""
        one = Round(self, number)
        try:
            with deadline(ROUND_SECONDS):
                problems = one.run().problems()
                self.trim_stream()
        except (Overdue, AssertionError, client.SqlError, client.ConnectionLost,
                TimeoutError) as error:
            one.is_last = True  # what there is cannot be verified further
            return [f"{type(error).__name__}: {error}\n{self.server.log_tail()}"], one
        one.is_last = bool(problems)
        return problems, one
