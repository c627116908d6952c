#!/usr/bin/env python3
"""kill -9 under a mixed load, each round verified against what was acknowledged.

    run.py [--rounds N] [--seed S] [--server build/release] [--threads N] [--keep]

Each thread owns keys of its own in a SHARED and in a USER table and runs one statement after the
other on them: inserts, updates, deletes, upserts, of one row and of several, beside flushes and
compactions. It notes what it is about to do, and what was acknowledged. The server is killed at a
random moment (one round in four again while it recovers), started, and every table is read in
several ways. A key must be exactly what the acknowledged statements made of it:

    lost         a change that was acknowledged is not there
    doubled      a key comes more than once, or by one way of reading and not by another
    resurrected  a row that was deleted, or a value that was overwritten, is back
    half         a statement of several rows is there in part

The one statement of a thread that had no answer may be there or not, but whole. The tables live
through all rounds, so what a later round brings back is seen too. Prints the seed, and for each
round what was done; the last line is `N passed, N failed` (rounds).
"""
import argparse
import contextlib
import os
import random
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

import client  # noqa: E402
import harness  # noqa: E402

KEYS = 60  # of each thread in each table
TABLES = ("crash.shared", "crash.own")
SETTINGS = ("cold.small_files_max=6", "log.segment_bytes=1MiB", "flush.check_every=100ms")
ROUND_SECONDS = 120


class Operation:
    """A statement and what it makes of its keys, once it is done."""

    def __init__(self, table, sql, effect):
        self.table = table
        self.sql = sql
        self.effect = effect  # key → row, or None where it is gone

    def apply(self, rows):
        for key, row in self.effect.items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row


class Writer(threading.Thread):
    """One client. `rows` is what was acknowledged; `pending` what had no answer."""

    def __init__(self, server, number, seed):
        super().__init__(daemon=True)
        self.server = server
        self.number = number
        self.random = random.Random(seed)
        self.rows = {table: {} for table in TABLES}
        self.pending = None
        self.serial = 0
        self.done = {}
        self.refused = {}
        self.problem = None

    def key(self):
        return self.number * 1000 + self.random.randrange(KEYS)

    def row(self, key):
        self.serial += 1
        size = self.random.choice((5, 20, 200, 2000))
        return (key, self.serial, f"w{self.number}-{self.serial}-" + "x" * size)

    # ---- the statements ----

    def next(self):
        table = self.random.choice(TABLES)
        kind = self.random.choice(("insert", "insert", "insert_many", "update", "update_many",
                                   "delete", "delete_many", "upsert", "upsert_many", "replace"))
        return kind, getattr(self, kind)(table, self.rows[table])

    def values(self, rows):
        return ",".join(f"({key},{version},'{body}')" for key, version, body in rows)

    def absent(self, rows, count):
        keys = [self.number * 1000 + i for i in range(KEYS)
                if self.number * 1000 + i not in rows]
        return self.random.sample(keys, min(count, len(keys)))

    def insert(self, table, rows, count=1):
        keys = self.absent(rows, count)
        made = [self.row(key) for key in keys]
        if not made:
            return self.delete_many(table, rows)
        return Operation(table, f"INSERT INTO {table} VALUES {self.values(made)}",
                         {row[0]: row for row in made})

    def insert_many(self, table, rows):
        return self.insert(table, rows, self.random.randrange(2, 20))

    def update(self, table, rows):
        key = self.key()
        made = self.row(key)
        return Operation(table, f"UPDATE {table} SET version = {made[1]}, body = '{made[2]}' "
                         f"WHERE id = {key}", {key: made} if key in rows else {})

    def update_many(self, table, rows):
        low = self.key()
        high = min(low + self.random.randrange(15), self.number * 1000 + 999)
        self.serial += 1
        version = self.serial
        effect = {key: (key, version, rows[key][2]) for key in range(low, high + 1) if key in rows}
        return Operation(table, f"UPDATE {table} SET version = {version} "
                         f"WHERE id BETWEEN {low} AND {high}", effect)

    def delete(self, table, rows):
        key = self.key()
        return Operation(table, f"DELETE FROM {table} WHERE id = {key}",
                         {key: None} if key in rows else {})

    def delete_many(self, table, rows):
        low = self.key()
        high = min(low + self.random.randrange(10), self.number * 1000 + 999)
        return Operation(table, f"DELETE FROM {table} WHERE id BETWEEN {low} AND {high}",
                         {key: None for key in range(low, high + 1) if key in rows})

    def upsert(self, table, rows, count=1):
        keys = sorted({self.key() for _ in range(count)})
        made = [self.row(key) for key in keys]
        return Operation(table, f"INSERT INTO {table} VALUES {self.values(made)} ON CONFLICT (id) "
                         "DO UPDATE SET version = excluded.version, body = excluded.body",
                         {row[0]: row for row in made})

    def upsert_many(self, table, rows):
        return self.upsert(table, rows, self.random.randrange(2, 10))

    def replace(self, table, rows):
        """A row leaves its key for another: delete and insert in one statement."""
        keys, free = sorted(rows), self.absent(rows, 1)
        if not keys or not free:
            return self.upsert(table, rows)
        old, new = self.random.choice(keys), free[0]
        self.serial += 1
        return Operation(table, f"UPDATE {table} SET id = {new}, version = {self.serial} "
                         f"WHERE id = {old}", {old: None, new: (new, self.serial, rows[old][2])})

    # ---- running ----

    def run(self):
        try:
            who = self.server.client(f"writer{self.number}")
            while True:
                kind, operation = self.next()
                self.pending = operation
                try:
                    who.sql(operation.sql)
                except client.SqlError as error:
                    # it says that nothing was applied
                    self.refused[error.sqlstate] = self.refused.get(error.sqlstate, 0) + 1
                    self.pending = None
                    if error.sqlstate not in ("57P01", "58P01", "53P01", "40001", "57014"):
                        self.problem = f"{operation.sql[:200]}: {error}"
                        return
                    continue
                operation.apply(self.rows[operation.table])
                self.pending = None
                self.done[kind] = self.done.get(kind, 0) + 1
        except (client.ConnectionLost, OSError):
            return  # killed: what is pending is open


class Maintainer(threading.Thread):
    """Flushes and compacts all the time."""

    def __init__(self, server, seed):
        super().__init__(daemon=True)
        self.server = server
        self.random = random.Random(seed)
        self.done = {}
        self.problem = None

    def run(self):
        try:
            who = self.server.client("root")
            while True:
                time.sleep(self.random.uniform(0, 0.2))
                table = self.random.choice(TABLES)
                kind = self.random.choice(("FLUSH", "FLUSH", "FLUSH", "COMPACT"))
                try:
                    who.sql(f"STORAGE {kind} TABLE {table}")
                except client.SqlError as error:
                    self.problem = f"{kind} {table}: {error}"
                    return
                self.done[kind] = self.done.get(kind, 0) + 1
        except (client.ConnectionLost, OSError):
            return


# ---- verifying ----

class Verdict:
    def __init__(self):
        self.lost, self.doubled, self.resurrected, self.half, self.other = [], [], [], [], []

    def problems(self):
        return [f"{name}: {len(found)}: {found[:3]!r:.600}" for name, found in vars(self).items()
                if found]


def read_all(server, writer, table):
    """{key: row} by a scan of the engine; other ways of reading must agree."""
    who = server.user(f"writer{writer.number}")
    low, high = writer.number * 1000, writer.number * 1000 + 999
    scanned = who.rows(f"SELECT id, version, body FROM {table} WHERE id BETWEEN {low} AND {high} "
                       "AND length(body) > 0")
    return who, low, high, [tuple(row) for row in scanned]


def check_ways(writer, table, who, low, high, scanned, verdict):
    """The same rows by count, by key range, by key."""
    found = {row[0]: row for row in scanned}
    if len(found) != len(scanned):
        keys = [row[0] for row in scanned]
        verdict.doubled.append((table, [key for key in found if keys.count(key) > 1][:5]))
    ranged = [tuple(row) for row in who.rows(
        f"SELECT id, version, body FROM {table} WHERE id >= {low} AND id <= {high} ORDER BY id")]
    if ranged != sorted(scanned):
        verdict.doubled.append((table, "key range and scan differ",
                                sorted(set(ranged) ^ set(scanned))[:4]))
    for key in writer.random.sample(range(low, low + KEYS), 8):
        rows = [tuple(row) for row in
                who.rows(f"SELECT id, version, body FROM {table} WHERE id = {key}")]
        if rows != ([found[key]] if key in found else []):
            verdict.doubled.append((table, key, rows, found.get(key)))


def judge(table, key, expected, actual, verdict):
    if actual is None:
        verdict.lost.append((table, key, expected))
    elif expected is None:
        verdict.resurrected.append((table, key, actual))
    elif actual[1] < expected[1]:
        verdict.resurrected.append((table, key, actual[:2], expected[:2]))
    else:
        verdict.lost.append((table, key, actual[:2], expected[:2]))


def verify_table(server, writer, table, verdict):
    who, low, high, scanned = read_all(server, writer, table)
    check_ways(writer, table, who, low, high, scanned, verdict)
    found = {row[0]: row for row in scanned}
    expected = writer.rows[table]
    pending = writer.pending if writer.pending and writer.pending.table == table else None
    if pending is not None and pending.effect:
        after = dict(expected)
        pending.apply(after)
        touched = [key for key in pending.effect if after.get(key) != expected.get(key)]
        there = [key for key in touched if found.get(key) == after.get(key)]
        if len(there) == len(touched):
            expected = after
        elif there:
            verdict.half.append((table, pending.sql[:100], sorted(there), sorted(touched)))
            expected = {**after, **{key: found.get(key) for key in touched}}
    for key in set(found) | set(expected):
        if found.get(key) != expected.get(key):
            judge(table, key, expected.get(key), found.get(key), verdict)
    writer.rows[table] = found


def verify_totals(server, writers, verdict):
    for table in TABLES:
        everybody = " FOR ALL USERS" if table == "crash.own" else ""
        total = server.root.value(f"SELECT count(*) FROM {table}{everybody}")
        expected = sum(len(writer.rows[table]) for writer in writers)
        if total != expected:
            verdict.doubled.append((table, "count(*)", total, "of", expected))


def verify(server, writers):
    verdict = Verdict()
    for writer in writers:
        for table in TABLES:
            verify_table(server, writer, table, verdict)
    verify_totals(server, writers, verdict)
    running = server.root.rows("SELECT job_id, state, error FROM system.jobs WHERE "
                               "(state = 'failed') OR (state = 'running' AND attempts > 5)")
    verdict.other += [tuple(row) for row in running if "interrupted" not in str(row)][:5]
    return verdict


# ---- rounds ----

def prepare(server, threads):
    run = server.root.sql
    run("CREATE NAMESPACE crash")
    columns = "(id INT PRIMARY KEY, version BIGINT, body TEXT) FLUSH ROWS 300"
    run(f"CREATE SHARED TABLE crash.shared {columns}")
    run(f"CREATE USER TABLE crash.own {columns}")
    for number in range(threads):
        server.user(f"writer{number}", "service")


def one_round(server, writers, chosen):
    """Load, kill, recover, verify; gives (verdict, what was done)."""
    old = {writer.number: writer for writer in writers}
    for number, writer in enumerate(writers):
        made = Writer(server, number, chosen.getrandbits(60))
        made.rows, made.serial = old[number].rows, old[number].serial
        writers[number] = made
    helpers = [Maintainer(server, chosen.getrandbits(60))]
    for thread in [*writers, *helpers]:
        thread.start()
    harness.wait_for(lambda: all(writer.done or writer.problem for writer in writers), 30,
                     "a first statement of every writer")
    time.sleep(chosen.uniform(0, 1.6))
    server.kill()
    for thread in [*writers, *helpers]:
        thread.join(30)
    if chosen.random() < 0.25:  # and again, at some moment of its recovery
        server.spawn()
        time.sleep(chosen.uniform(0, 0.5))
        server.kill()
    server.start()
    verdict = verify(server, writers)
    verdict.other += [thread.problem for thread in [*writers, *helpers] if thread.problem]
    done = {}
    for thread in [*writers, *helpers]:
        for kind, count in thread.done.items():
            done[kind] = done.get(kind, 0) + count
    return verdict, done


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


def run_rounds(server, arguments):
    chosen = random.Random(arguments.seed)
    prepare(server, arguments.threads)
    writers = [Writer(server, number, 0) for number in range(arguments.threads)]
    passed = failed = operations = 0
    for number in range(1, arguments.rounds + 1):
        begin = time.monotonic()
        try:
            with deadline(ROUND_SECONDS):
                verdict, done = one_round(server, writers, chosen)
            problems = verdict.problems()
            assert not server.complaints(), "\n".join(server.complaints()[:30])
        except (Overdue, AssertionError, client.SqlError, client.ConnectionLost,
                TimeoutError) as error:
            print(f"round {number}: {error}\n{server.log_tail()}", flush=True)
            return passed, failed + 1, operations  # what there is cannot be verified further
        operations += sum(done.values())
        passed, failed = passed + (not problems), failed + bool(problems)
        text = ", ".join(f"{count} {kind}" for kind, count in sorted(done.items()))
        print(f"round {number} {time.monotonic() - begin:.1f} s: "
              f"{'FAILED' if problems else 'ok'}: {text}", flush=True)
        for problem in problems:
            print("    " + problem, flush=True)
    return passed, failed, operations


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int,
                        default=int(os.environ.get("SEED", "0"))
                        or random.SystemRandom().randrange(1, 1 << 31))
    parser.add_argument("--server", default="build/release")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--keep", action="store_true", help="keep the data directory of a failure")
    arguments = parser.parse_args()
    harness.programs = os.path.join(harness.ROOT, arguments.server)
    print(f"seed {arguments.seed}, {arguments.rounds} rounds, {arguments.threads} threads, "
          f"programs of {arguments.server}", flush=True)
    passed = failed = operations = 0
    with harness.temporary_directory() as directory:
        server = harness.Server(directory, SETTINGS)
        try:
            server.start()
            passed, failed, operations = run_rounds(server, arguments)
            if failed and arguments.keep:
                server.kill()
                kept = f"{directory}.kept"
                os.rename(directory, kept)
                print(f"the data directory is kept: {kept}")
        except harness.Skip as reason:
            print(f"SKIPPED: {reason}\n0 passed, 0 failed, 1 skipped")
            return 1
        finally:
            try:
                server.end()
            except AssertionError as complaint:
                print(complaint)
                failed += 1
    print(f"{operations} operations acknowledged")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
