#!/usr/bin/env python3
"""The demo's two tables, whole, read by ClickHouse: the same rows as our SELECT, to the value.

    readers.py [--server build/release] [--mails N]

Loads the mails and the flights as the demo does, settles them, changes some, and compares every row
of both tables as npm's chdb reads the Iceberg tables with what our server answers.
"""
import argparse
import csv
import glob
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import demo  # noqa: E402
import demo_mails  # noqa: E402
import harness  # noqa: E402

MODULES = os.path.join(ROOT, "build", "dependencies", "chdb")
csv.field_size_limit(1 << 30)


def folder_of(server, table):
    found = glob.glob(os.path.join(server.data, "storage", f"{table}-*", "metadata"))
    assert len(found) == 1, found
    return os.path.dirname(os.path.abspath(found[0]))


def ask_clickhouse(sql):
    done = subprocess.run(["node", os.path.join(ROOT, "tests", "readers", "chdb.mjs"), MODULES, sql],
                          capture_output=True, timeout=900, cwd="/")  # it reads files below it
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode()[-3000:])
    return csv.reader(io.StringIO(done.stdout.decode(), newline=""))


def ask_firn(server, sql):
    response = server.root.request("POST", "/v1/sql", {"sql": sql}, {"Accept": "text/csv"})
    assert response.status == 200, response.body[:1000]
    rows = csv.reader(io.StringIO(response.body.decode(), newline=""))
    next(rows)  # the header
    return rows


def plain(cell):
    if cell == "\\N":
        return ""
    return {"true": "1", "false": "0", "t": "1", "f": "0"}.get(cell, cell)


def compare(what, ours, theirs, vector=None):
    count = 0
    for mine in ours:
        other = next(theirs, None)
        assert other is not None, f"{what}: ClickHouse has only {count} rows"
        if vector is not None:
            for row in (mine, other):
                numbers = json.loads(row[vector])
                row[vector] = struct.pack(f"{len(numbers)}f", *numbers)
        mine = [plain(cell) if isinstance(cell, str) else cell for cell in mine]
        other = [plain(cell) if isinstance(cell, str) else cell for cell in other]
        differing = [i for i, (a, b) in enumerate(zip(mine, other)) if a != b]
        assert mine == other, (f"{what}, row {count}, columns {differing}:"
                               f"\n  ours   {[mine[i] for i in differing]!r:.600}"
                               f"\n  theirs {[other[i] for i in differing]!r:.600}")
        count += 1
    assert next(theirs, None) is None, f"{what}: ClickHouse has more than {count} rows"
    return count


def seconds_of(column):
    """None of the demo's times has parts of a second."""
    return f"formatDateTime(toDateTime64({column}, 6, 'UTC'), '%Y-%m-%d %H:%i:%S')"


def compare_mails(server):
    columns = "grp, id, subject, sender, body, is_read, _seq"
    order = "ORDER BY _user, grp, id"
    ours = ask_firn(server, f"SELECT _user, sent_at, embedding, {columns} FROM mail.messages"
                    f" FOR ALL USERS {order}")
    theirs = ask_clickhouse(f"SELECT _user, {seconds_of('sent_at')}, embedding, {columns}"
                            f" FROM icebergLocal('{folder_of(server, 'mail.messages')}') {order}")
    return compare("mail.messages", ours, theirs, vector=2)


def compare_flights(server):
    rest = "delay, distance, origin, destination, _seq"
    ours = ask_firn(server, f"SELECT date, {rest} FROM air.flights ORDER BY _seq")
    theirs = ask_clickhouse(f"SELECT {seconds_of('date')}, {rest}"
                            f" FROM icebergLocal('{folder_of(server, 'air.flights')}')"
                            " ORDER BY _seq")
    return compare("air.flights", ours, theirs)


def change(server, mails):
    root = server.root
    for number, mail in enumerate(mails[:600]):
        where = f"mail.messages AS USER '{mail.owner}'"
        key = [mail.group, mail.number]
        if number % 2 == 0:
            root.sql(f"UPDATE {where} SET is_read = true WHERE grp = $1 AND id = $2", key)
        else:
            root.sql(f"DELETE FROM {where} WHERE grp = $1 AND id = $2", key)
    root.sql("DELETE FROM air.flights WHERE origin = 'HNL'")
    root.sql("UPDATE air.flights SET delay = delay + 1 WHERE origin = 'BUR'")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--server", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--mails", type=int, default=None)
    options = parser.parse_args()
    if not os.path.isdir(os.path.join(MODULES, "node_modules")) or shutil.which("node") is None:
        print("chdb is not set up: tools/setup conformance")
        print("0 passed, 1 failed")
        return 1
    harness.programs = os.path.abspath(options.server)
    failed = 0
    with harness.temporary_directory() as directory:
        server = harness.Server(directory)
        server.start()
        try:
            mails = demo_mails.read_mails(demo.MAILS, options.mails)
            demo.prepare(server.root, mails)
            demo.write_mails(server.root, mails)
            demo.load_flights(server.root)
            server.root.sql("STORAGE FLUSH ALL")
            change(server, mails)
            server.root.sql("STORAGE FLUSH ALL")
            for what in (compare_mails, compare_flights):
                began = time.monotonic()
                try:
                    rows = what(server)
                    print(f"passed  {what.__name__}: {rows:,} rows are the same"
                          f" ({time.monotonic() - began:.0f} s)", flush=True)
                except AssertionError as error:
                    failed += 1
                    print(f"FAILED  {what.__name__}: {error}", flush=True)
            server.stop()
        finally:
            server.end()
    print(f"{2 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
