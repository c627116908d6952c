#!/usr/bin/env python3
"""Runs sqllogictest files against the real server: tests/sql, and the conformance files.

    slt.py [--server build/release] [--every N] [--threads N] [--show N] [FILE|FOLDER]...

Without names: tests/sql, then ../shared/conformance/slt, which is not part of the repository: where
it is absent that is said, and counted as skipped. Every file has a namespace of its own.

The dialect is that of sqllogictest, with what Firn's own files need:
    statement ok                    must succeed
    statement count N               must succeed and affect N rows
    statement error [SQLSTATE] [text]   must fail so; the text is part of the message
    query TYPES [SORT] [LABEL]      I integer, R real (3 decimals), T text; nosort, rowsort,
                                    valuesort; rows after ----, or `N values hashing to MD5`
    skipif|onlyif NAME              we are `firn` and `postgresql`
    user NAME [ROLE]                the following records run as NAME (root at the beginning)
    restart [crash]                 the server is stopped, or killed, and started again
    include-in settled              the file's queries are run a second time, after STORAGE FLUSH
    hash-threshold N, halt
One line for each file; the last line is `N passed, N failed` (records), `, N skipped`.
"""
import argparse
import concurrent.futures
import decimal
import hashlib
import os
import sys

import client
import harness

NAMES = ("firn", "postgresql")
OWN = os.path.join(harness.ROOT, "tests", "sql")
SHARED = os.path.join(harness.SHARED, "conformance", "slt")


class Record:
    def __init__(self, line, kind, words, text, expected):
        self.line = line
        self.kind = kind
        self.words = words
        self.text = text
        self.expected = expected  # lines after ----, None where there is no ----


def paragraphs(path):
    """(line number, lines) of each block between empty lines, comments left out."""
    block, start = [], 0
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\n")
            if line.startswith("#"):
                continue
            if line.strip():
                start = start if block else number
                block.append(line)
            elif block:
                yield start, block
                block = []
    if block:
        yield start, block


def read_records(path):
    for start, lines in paragraphs(path):
        skip = False
        while lines and lines[0].split()[0] in ("skipif", "onlyif"):
            words = lines.pop(0).split()
            skip = skip or (words[1] in NAMES) == (words[0] == "skipif")
        if not lines or skip:
            continue
        words = lines[0].split()
        if words[0] == "halt":
            return
        if words[0] not in ("statement", "query"):
            for line in lines:  # settings: each stands on its own
                yield Record(start, line.split()[0], line.split(), "", None)
            continue
        body, expected = lines[1:], None
        if "----" in body:
            mark = body.index("----")
            body, expected = body[:mark], body[mark + 1:]
        yield Record(start, words[0], words, "\n".join(body), expected)


# ---- values, as sqllogictest writes them ----

def write_value(value, kind):
    if value is None:
        return "NULL"
    if kind == "I":
        if isinstance(value, bool):
            return str(int(value))
        return str(int(decimal.Decimal(str(value))))
    if kind == "R":
        return f"{decimal.Decimal(str(value)):.3f}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if value != int(value) or abs(value) > 1e15 else str(int(value))
    if isinstance(value, (list, dict)):
        import json
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    text = str(value)
    return "(empty)" if text == "" else text


def write_rows(rows, kinds, sort):
    """The flat list of values in the order they are compared in."""
    written = [[write_value(value, kind) for value, kind in zip(row, kinds)] for row in rows]
    if sort == "rowsort":
        written.sort()
    flat = [value for row in written for value in row]
    if sort == "valuesort":
        flat.sort()
    return flat


def expected_values(record, kinds, sort):
    """The file's values: one on each line, or a whole row on a line (tests/sql)."""
    lines = record.expected
    if len(kinds) > 1 and all(len(line.split("\t")) == len(kinds) for line in lines) and lines:
        rows = [line.split("\t") for line in lines]
        if sort == "rowsort":
            rows.sort()
        lines = [value for row in rows for value in row]
    return sorted(lines) if sort == "valuesort" else lines


def compare(record, rows, kinds, sort, threshold):
    """None where they agree, else what differs."""
    ours = write_rows(rows, kinds, sort)
    if record.expected is None:
        return None
    if len(record.expected) == 1 and " values hashing to " in record.expected[0]:
        digest = hashlib.md5(("\n".join(ours) + "\n").encode()).hexdigest()
        made = f"{len(ours)} values hashing to {digest}"
        return None if made == record.expected[0] else f"{made}, expected {record.expected[0]}"
    theirs = expected_values(record, kinds, sort)
    if ours == theirs:
        return None
    return f"got {ours!r:.300}\n    expected {theirs!r:.300} (threshold {threshold})"


# ---- running a file ----

class Runner:
    def __init__(self, server, path, every, threads, show):
        self.server = server
        self.path = path
        self.every = every if path.endswith(".test") else 1  # our own files build on every line
        self.threads = threads
        self.show = show
        self.namespace = "slt_" + "".join(
            c if c.isalnum() else "_" for c in os.path.basename(path).rpartition(".")[0].lower())
        self.who = ("root", None)
        self.threshold = 0
        self.passed = 0
        self.failures = []
        self.settled = []  # queries to run once more when all is flushed
        self.again = False
        self.clients = []

    def client(self):
        return self.server.user(self.who[0], self.who[1] or "user")

    def fail(self, record, why):
        self.failures.append(f"{os.path.basename(self.path)}:{record.line}: {why}\n"
                             f"    {record.text[:300]}")

    def judge(self, record, who):
        """None, or why the record failed."""
        try:
            result = who.sql(record.text, namespace=self.namespace)
        except client.SqlError as error:
            return self.judge_error(record, error)
        except client.ConnectionLost as lost:
            return f"no answer: {lost}"
        if record.kind == "statement":
            return self.judge_statement(record, result)
        kinds = record.words[1]
        if len(result.types) != len(kinds):
            return f"{len(result.types)} columns, expected {len(kinds)}"
        sort = record.words[2] if len(record.words) > 2 else "nosort"
        return compare(record, result.rows, kinds, sort, self.threshold)

    @staticmethod
    def judge_error(record, error):
        if record.kind == "query" or record.words[1] != "error":
            return f"failed: {error}"
        if len(record.words) > 2 and record.words[2] != error.sqlstate:
            return f"{error}, expected {record.words[2]}"
        text = " ".join(record.words[3:])
        if text not in error.message:
            return f"{error.message!r}, expected {text!r}"
        return None

    @staticmethod
    def judge_statement(record, result):
        if record.words[1] == "error":
            return f"succeeded: {result.message}"
        if record.words[1] == "count" and result.row_count != int(record.words[2]):
            return f"{result.row_count} rows, expected {record.words[2]}"
        return None

    def setting(self, record):
        words = record.words
        if words[0] == "hash-threshold":
            self.threshold = int(words[1])
        elif words[0] == "user":
            self.who = (words[1], words[2] if len(words) > 2 else None)
        elif words[0] == "restart":
            self.server.restart(crash=words[1:] == ["crash"])
        elif words[0] == "include-in":
            self.again = True
        else:
            raise ValueError(f"{self.path}:{record.line}: {words[0]}?")

    def run(self):
        self.server.root.sql(f"CREATE NAMESPACE {self.namespace}")
        waiting = []
        seen = 0
        for record in read_records(self.path):
            if record.kind == "query" and self.who[0] == "root":
                seen += 1
                if seen % self.every == 0:
                    waiting.append(record)
                    self.settled.append(record)
                continue
            self.run_queries(waiting)
            waiting = []
            if record.kind in ("statement", "query"):
                self.settled = []  # they were about rows that may be others now
                self.count(record, self.judge(record, self.client()))
            else:
                self.setting(record)
        self.run_queries(waiting)
        if self.again:
            self.server.root.sql(f"STORAGE FLUSH ALL IN {self.namespace}")
            self.run_queries(self.settled)
        self.server.root.sql(f"DROP NAMESPACE {self.namespace} CASCADE")
        return self

    def count(self, record, why):
        if why is None:
            self.passed += 1
        else:
            self.fail(record, why)

    def run_queries(self, records):
        """Queries between two statements change nothing: several connections ask them."""
        if not records:
            return
        threads = min(self.threads, len(records))
        while len(self.clients) < threads:
            self.clients.append(None)
        for i in range(threads):
            made = self.clients[i]
            if made is None or made.port != int(self.server.address.rsplit(":", 1)[1]):
                self.clients[i] = self.server.client("root")
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            parts = [pool.submit(self.run_part, records[i::threads], self.clients[i])
                     for i in range(threads)]
            for part in parts:
                for record, why in part.result():
                    self.count(record, why)

    def run_part(self, records, who):
        return [(record, self.judge(record, who)) for record in records]


def collect(paths):
    for path in paths:
        if os.path.isdir(path):
            for folder, _, names in sorted(os.walk(path)):
                for name in sorted(names):
                    if name.endswith((".slt", ".test")):
                        yield os.path.join(folder, name)
        else:
            yield path


def run_files(server, paths, every=1, threads=4, show=5):
    """(passed, failures) over all files; a line for each."""
    passed, failed = 0, []
    for path in collect(paths):
        name = os.path.relpath(path, harness.ROOT)
        runner = Runner(server, path, every, threads, show)
        try:
            runner.run()
        except (client.SqlError, client.ConnectionLost, ValueError, AssertionError) as error:
            runner.failures.append(f"{name}: {error}")
            if not server.is_alive():
                server.start()
        print(f"{name}: {runner.passed} passed, {len(runner.failures)} failed", flush=True)
        for text in runner.failures[:show]:
            print("    " + text, flush=True)
        passed += runner.passed
        failed += runner.failures
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--server", default="build/release")
    parser.add_argument("--every", type=int, default=1, help="only each N-th query of a conformance file")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--show", type=int, default=5, help="failures printed for a file")
    arguments = parser.parse_args()
    harness.programs = os.path.join(harness.ROOT, arguments.server)
    paths, skipped = arguments.paths or [OWN, SHARED], 0
    for path in list(paths):
        if not os.path.exists(path):
            print(f"SKIPPED: {os.path.normpath(path)} is not there: its files are not run")
            paths.remove(path)
            skipped += 1
    try:
        with harness.running() as server:
            passed, failed = run_files(server, paths, arguments.every, arguments.threads,
                                       arguments.show)
    except harness.Skip as reason:
        print(f"SKIPPED: {reason}\n0 passed, 0 failed, 1 skipped")
        return 1
    print(f"{passed} passed, {len(failed)} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
