#!/usr/bin/env python3
"""A long life of the server: does anything grow, and is every acknowledged row there throughout?

    run.py [--cycles N | --minutes M] [--seed S] [--seconds S] [--kill-every K] [--server build/release]

Writers (those of tests/crash, which know what was acknowledged), a reader that asks for
acknowledged keys at every moment, live subscribers whose picture must become the table's, flushes,
compactions, and tables that come, change and go. A cycle is some seconds of that; then what the
process holds is measured: resident memory, descriptors, threads, bytes of log, files. Every K-th
cycle ends in kill -9 and a verdict over every row (0: never). The figures of the last quarter must
not be larger than those of the second by more than a fifth and a little. Prints the seed; the last
line is `N passed, N failed` (cycles, and one for the figures)."""
import argparse
import os
import random
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "durability"))

import kit  # noqa: E402
import websocket  # noqa: E402

client, harness, crash = kit.client, kit.harness, kit.crash

SETTINGS = ("cold.small_files_max=6", "log.segment_bytes=1MiB", "log.bytes_max=16MiB",
            "feed.bytes_max=8MiB", "flush.check_every=200ms", "cold.snapshot_retention=1s",
            "cold.snapshots_max=5", "jobs.retention=30s", "cache.rows_bytes=8MiB")
SLACK = {"rss": 24 << 20, "descriptors": 12, "threads": 4, "log": 8 << 20, "files": 60}
WARMUP = 0.25


class Actor(threading.Thread):
    """Works until it is told to stop; its problem is the cycle's."""

    def __init__(self, server, seed):
        super().__init__(daemon=True)
        self.server = server
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.problem = None
        self.done = 0

    def run(self):
        try:
            who = self.server.client("root")
            while not self.stopping.is_set():
                self.act(who)
                self.done += 1
            who.close()
        except (client.ConnectionLost, websocket.Closed, OSError) as lost:
            if not self.stopping.is_set():
                self.problem = f"{type(self).__name__}: {lost}"
        except (client.SqlError, AssertionError) as error:
            self.problem = f"{type(self).__name__}: {error}"


class KeyReader(Actor):
    """Puts rows in and asks for any of those that were acknowledged: each is there, always."""

    keys = 0

    def act(self, who):
        first = KeyReader.keys
        who.sql(f"INSERT INTO soak.seen SELECT i, 'x' FROM generate_series({first}, {first + 4}) "
                "AS g(i)")
        KeyReader.keys = first + 5
        for _ in range(20):
            key = self.random.randrange(KeyReader.keys)
            least = max(0, KeyReader.keys - 2000)
            if key < least:
                key = least + key % 2000
            assert who.rows(f"SELECT id FROM soak.seen WHERE id = {key}") == [[key]], \
                f"key {key} of {KeyReader.keys} is not visible"
        if KeyReader.keys % 500 == 0 and KeyReader.keys > 2000:
            who.sql(f"DELETE FROM soak.seen WHERE id < {KeyReader.keys - 2000}")


class Scanner(Actor):
    """No scan sees fewer rows than were acknowledged before it, and none twice."""

    def act(self, who):
        most = KeyReader.keys
        total, distinct, highest = who.rows(
            "SELECT count(*), count(DISTINCT id), max(id) FROM soak.seen WHERE body <> ''")[0]
        assert total == distinct, f"{total} rows, {distinct} keys"
        assert most == 0 or highest >= most - 1, f"{highest} is the highest of {most}"
        time.sleep(0.05)


class Definer(Actor):
    """Tables that come, change, are filled, flushed, and go."""

    def act(self, who):
        name = f"soak.t{self.random.randrange(1 << 40)}"
        kind = self.random.choice(("SHARED", "USER"))
        who.sql(f"CREATE {kind} TABLE {name} (id INT PRIMARY KEY, body TEXT)")
        who.sql(f"INSERT INTO {name} SELECT i, 'x' FROM generate_series(1, 50) AS g(i)")
        who.sql(f"STORAGE FLUSH TABLE {name}")
        who.sql(f"ALTER TABLE {name} ADD COLUMN more INT DEFAULT 3")
        assert who.rows(f"SELECT count(*), sum(more) FROM {name}") == [[50, 150]]
        who.sql(f"TRUNCATE {name}")
        assert who.value(f"SELECT count(*) FROM {name}") == 0
        who.sql(f"DROP TABLE {name}")


class Subscriber(Actor):
    """Comes, hears of changes for a while, goes. Nothing comes twice, and what was acknowledged
    while it listened is in its picture before anything later is."""

    def act(self, who):
        socket = websocket.WebSocket(self.server.address, token=who.token)
        try:
            first = KeyReader.keys
            _, rows, _ = socket.subscribe("s", f"SELECT id, body FROM soak.seen WHERE id >= {first}")
            picture = {row[0] for row in rows}
            assert len(picture) == len(rows), "a row came twice"
            self.listen(socket, picture, time.monotonic() + 0.5, sys.maxsize)
            upto = KeyReader.keys
            self.listen(socket, picture, time.monotonic() + 30, upto)
            missing = set(range(first, upto)) - picture
            assert not missing or self.stopping.is_set(), f"never heard of {sorted(missing)[:5]}"
        finally:
            socket.close()

    def listen(self, socket, picture, until, upto):
        """To the end of the time, and no longer than until the newest is there."""
        while time.monotonic() < until and not self.stopping.is_set():
            if picture and max(picture) >= upto - 1:
                return
            try:
                message = socket.receive(0.2)
            except TimeoutError:
                continue
            for change in message.get("changes", ()):
                key = (change.get("row") or change["old"])[0]
                if change["op"] == "insert":
                    assert key not in picture, f"{key} came twice"
                    picture.add(key)
                elif change["op"] == "delete":
                    picture.remove(key)
            assert message["type"] != "resync", "a reader that kept up was told to begin again"


def sizes_of(folder):
    total = number = 0
    for top, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.path.getsize(os.path.join(top, name))
                number += 1
            except FileNotFoundError:
                pass
    return total, number


def measure(server):
    process = f"/proc/{server.process.pid}"
    log, _ = sizes_of(os.path.join(server.data, "log"))
    return {"rss": kit.rss_bytes(server), "descriptors": len(os.listdir(process + "/fd")),
            "threads": len(os.listdir(process + "/task")), "log": log,
            "files": sizes_of(server.data)[1]}


def verify(server, load):
    """Nothing is lost; a cleanup that a reader was in the way of is tried again, and no problem."""
    verdict = crash.verify(server, load.writers)
    verdict.other = [one for one in verdict.other if "still reads the table" not in str(one)]
    return verdict.problems()


def judge_growth(samples):
    """Problems: what is larger at the end than in the second quarter of the time."""
    if len(samples) < 8:
        return []
    quarter = len(samples) // 4
    problems = []
    for name, slack in SLACK.items():
        early = statistics.median(sample[name] for sample in samples[quarter:2 * quarter])
        late = statistics.median(sample[name] for sample in samples[-quarter:])
        print(f"{name}: {early:,.0f} in the second quarter, {late:,.0f} in the last", flush=True)
        if late > early * 1.2 + slack:
            problems.append(f"{name} grows from {early:,.0f} to {late:,.0f}")
    return problems


def run_cycle(server, load, arguments, chosen, is_killed):
    kinds = (KeyReader, Scanner, Scanner, Definer, Subscriber, Subscriber)
    actors = [kind(server, chosen.getrandbits(60)) for kind in kinds]
    load.start()
    for actor in actors:
        actor.start()
    time.sleep(arguments.seconds)
    sample = measure(server)
    for actor in actors:
        actor.stopping.set()
    if not is_killed:
        for actor in actors:
            actor.join(60)
    load.kill()  # the writers know no other end
    for actor in actors:
        actor.join(60)
    problems = [actor.problem for actor in actors if actor.problem]
    problems += [thread.problem for thread in [*load.writers, *load.helpers] if thread.problem]
    server.start()
    return sample, problems + verify(server, load), sum(actor.done for actor in actors)


def run_calm(server, load, arguments, chosen, samples):
    """One long life without a kill: what grows is seen here."""
    kinds = (KeyReader, Scanner, Scanner, Definer, Subscriber, Subscriber)
    actors = [kind(server, chosen.getrandbits(60)) for kind in kinds]
    load.start()
    for actor in actors:
        actor.start()
    passed = 0
    problems = []
    for cycle in range(1, arguments.cycles + 1):
        time.sleep(arguments.seconds)
        samples.append(measure(server))
        problems = [one.problem for one in [*actors, *load.writers, *load.helpers] if one.problem]
        figures = ", ".join(f"{name} {value:,}" for name, value in samples[-1].items())
        print(f"cycle {cycle}: {'FAILED' if problems else 'ok'}: {figures}, "
              f"{sum(actor.done for actor in actors)} acts", flush=True)
        if problems:
            break
        passed += 1
    for actor in actors:
        actor.stopping.set()
    for actor in actors:
        actor.join(60)
    load.kill()
    server.start()
    return passed, problems + verify(server, load)


def run_kills(server, load, arguments, chosen):
    passed = 0
    for cycle in range(1, arguments.cycles + 1):
        is_killed = cycle % arguments.kill_every == 0
        sample, problems, acts = run_cycle(server, load, arguments, chosen, is_killed)
        print(f"cycle {cycle}: {'FAILED' if problems else 'ok'}: {acts} acts, {sample}", flush=True)
        if problems:
            return passed, problems
        passed += 1
    return passed, []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--minutes", type=float, help="in place of --cycles")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--kill-every", type=int, default=0)
    parser.add_argument("--threads", type=int, default=3)
    parser.add_argument("--server", default="build/release")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0"))
                        or random.SystemRandom().randrange(1, 1 << 31))
    arguments = parser.parse_args()
    if arguments.minutes:
        arguments.cycles = max(1, round(arguments.minutes * 60 / arguments.seconds))
    harness.programs = os.path.join(harness.ROOT, arguments.server)
    print(f"seed {arguments.seed}, {arguments.cycles} cycles of {arguments.seconds} s", flush=True)
    case = kit.Case("soak", arguments.seed, short=False)
    samples = []
    try:
        server = case.server(*SETTINGS)
        load = kit.Load(case, server, arguments.threads).prepare()
        server.root.sql("CREATE NAMESPACE soak")
        server.root.sql("CREATE SHARED TABLE soak.seen (id INT PRIMARY KEY, body TEXT) "
                        "FLUSH ROWS 200")
        if arguments.kill_every > 0:
            passed, problems = run_kills(server, load, arguments, case.random)
        else:
            passed, problems = run_calm(server, load, arguments, case.random, samples)
        problems += judge_growth(samples)
        if problems:
            print(server.log_tail())
    finally:
        case.close()
    for problem in problems:
        print("    " + problem[:600])
    print(f"{passed} passed, {len(problems)} failed")
    return 1 if problems or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
