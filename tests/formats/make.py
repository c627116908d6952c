#!/usr/bin/env python3
"""Makes the directory that is kept of a release: tests/formats/<version>/data.tar.gz, and beside it
expected.json with what its tables answer.

    make.py [--server build/release] [--force]

Run once for each release, with the programs of that release; what is there is never made again
(--force: while the release is not out yet). tests/integration/test_formats.py opens every kept
directory with the present build. The directory has one of everything that Firn writes: rows that
are only in the log, files with position deletes and without, key indexes, a compacted table,
windows of a STREAM table, users, settings, jobs, tokens, columns added and dropped, and tables
that were dropped and truncated. The server is killed: nothing of it is tidied up."""
import argparse
import datetime
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

import client  # noqa: E402
import harness  # noqa: E402

# Small segments, so that the directory is small; nothing happens by itself.
SETTINGS = ["log.segment_bytes=1MiB", "flush.interval=365d", "cold.small_files_max=10000",
            "cold.deleted_ratio_max=1", "cold.delete_files_max=10000", "jobs.retention=3650d",
            "cold.snapshot_retention=3650d", "feed.retention=3650d", "auth.refresh_ttl=3650d"]
BYTES_MAX = 300000
PASSWORDS = {"alice": "password of alice", "bob": "password of bob", "helper": "password of helper"}

ALL_TYPES = """id BIGINT PRIMARY KEY, flag BOOLEAN, small SMALLINT, number INT NOT NULL, big BIGINT,
real REAL, double DOUBLE PRECISION, price DECIMAL(12,3), name TEXT, short VARCHAR(20),
code CHAR(4), bytes BYTEA, day DATE, moment TIMESTAMPTZ, clock TIME, uuid UUID, doc JSONB,
v VECTOR(3)"""

# (user, statement), in order.
STATEMENTS = [
    ("root", "CREATE NAMESPACE kept"),
    ("root", f"CREATE SHARED TABLE kept.types ({ALL_TYPES})"),
    ("root", """INSERT INTO kept.types VALUES
        (1, true, -3, 7, 9000000000, 1.5, 2.25, 12345.678, 'one', 'short', 'ab', '\\x00ff',
         '2001-02-03', '2024-05-06 07:08:09.123456+00', '10:11:12',
         '00000000-0000-0000-0000-00000000abcd',
         '{"a": [1, 2, {"b": null}]}', '[1, 2.5, -3]'),
        (2, NULL, NULL, 8, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         NULL, NULL),
        (3, false, 32767, -2147483648, -1, -0.0, 1e300, -0.001, 'drei \u00e4\u00f6\u00fc \u2744', '',
         'wxyz', '', '0001-01-01', '1969-12-31 23:59:59+00', '23:59:59.999999',
         'ffffffff-ffff-ffff-ffff-ffffffffffff', '"text"', '[0, 0, 0]')"""),
    ("root", "STORAGE FLUSH TABLE kept.types"),
    ("root", "INSERT INTO kept.types (id, number, name) VALUES (4, 4, 'only in the log')"),
    # Files with deletes and updates, then hot rows that replace, delete and add.
    ("root", "CREATE SHARED TABLE kept.shared (id INT PRIMARY KEY, body TEXT, gone INT, n INT "
             "CHECK (n >= 0)) FLUSH ROWS 100000"),
    ("root", "INSERT INTO kept.shared SELECT i, 'body ' || i, i, i % 10 FROM "
             "generate_series(1, 3000) AS g(i)"),
    ("root", "STORAGE FLUSH TABLE kept.shared"),
    ("root", "DELETE FROM kept.shared WHERE id % 7 = 0"),
    ("root", "UPDATE kept.shared SET body = 'updated ' || id WHERE id % 11 = 0"),
    ("root", "STORAGE FLUSH TABLE kept.shared"),
    ("root", "ALTER TABLE kept.shared DROP COLUMN gone"),
    ("root", "ALTER TABLE kept.shared ADD COLUMN added TEXT DEFAULT 'as added'"),
    ("root", "ALTER TABLE kept.shared RENAME COLUMN n TO renamed"),
    ("root", "INSERT INTO kept.shared VALUES (5000, 'new schema', 3, 'given')"),
    ("root", "STORAGE FLUSH TABLE kept.shared"),
    ("root", "DELETE FROM kept.shared WHERE id IN (1, 2, 3)"),
    ("root", "UPDATE kept.shared SET added = 'hot' WHERE id IN (4, 5, 5000)"),
    ("root", "INSERT INTO kept.shared VALUES (6000, 'hot only', 1, 'x'), (1, 'again', 1, 'y')"),
    ("root", "CREATE USER TABLE kept.own (id INT PRIMARY KEY, body TEXT)"),
    ("alice", "INSERT INTO kept.own SELECT i, 'a' || i FROM generate_series(1, 200) AS g(i)"),
    ("bob", "INSERT INTO kept.own SELECT i, 'b' || i FROM generate_series(1, 50) AS g(i)"),
    ("root", "STORAGE FLUSH TABLE kept.own"),
    ("alice", "DELETE FROM kept.own WHERE id > 190"),
    ("alice", "UPDATE kept.own SET body = 'changed' WHERE id = 5"),
    ("root", "STORAGE FLUSH TABLE kept.own FOR USER 'alice'"),
    ("bob", "UPDATE kept.own SET body = 'bob, hot' WHERE id = 7"),
    ("root", "CREATE SHARED TABLE kept.compacted (id INT, part TEXT, body TEXT, "
             "PRIMARY KEY (part, id))"),
    *[item for i in range(4) for item in (
        ("root", f"INSERT INTO kept.compacted SELECT i, 'p{i}', 'c' || i FROM "
                 f"generate_series({100 * i}, {100 * i + 99}) AS g(i)"),
        ("root", "STORAGE FLUSH TABLE kept.compacted"))],
    ("root", "DELETE FROM kept.compacted WHERE id % 5 = 0"),
    ("root", "STORAGE FLUSH TABLE kept.compacted"),
    ("root", "STORAGE COMPACT TABLE kept.compacted"),
    ("root", "CREATE SHARED TABLE kept.keyless (a INT, b TEXT)"),
    ("root", "INSERT INTO kept.keyless VALUES (1, 'x'), (1, 'x'), (2, NULL)"),
    ("root", "STORAGE FLUSH TABLE kept.keyless"),
    ("root", "DELETE FROM kept.keyless WHERE a = 2"),
    ("root", "INSERT INTO kept.keyless VALUES (3, 'hot')"),
    ("root", "CREATE STREAM TABLE kept.stream (id INT PRIMARY KEY, body TEXT) TTL 31d"),
    ("alice", "INSERT INTO kept.stream SELECT i, 's' || i FROM generate_series(1, 40) AS g(i)"),
    ("bob", "INSERT INTO kept.stream VALUES (1, 'of bob')"),
    ("root", "CREATE SHARED TABLE kept.dropped (id INT PRIMARY KEY)"),
    ("root", "INSERT INTO kept.dropped VALUES (1)"),
    ("root", "STORAGE FLUSH TABLE kept.dropped"),
    ("root", "DROP TABLE kept.dropped"),
    ("root", "CREATE SHARED TABLE kept.emptied (id INT PRIMARY KEY, body TEXT)"),
    ("root", "INSERT INTO kept.emptied VALUES (1, 'before')"),
    ("root", "STORAGE FLUSH TABLE kept.emptied"),
    ("root", "TRUNCATE kept.emptied"),
    ("root", "INSERT INTO kept.emptied VALUES (2, 'after')"),
    ("root", "ALTER SYSTEM SET statement.timeout = '61s'"),
    ("root", "DROP USER 'helper'"),
]
# Behind the last checkpoint, in the log alone.
LATER = [
    ("root", "INSERT INTO kept.shared VALUES (7000, 'behind the checkpoint', 2, 'z')"),
    ("root", "UPDATE kept.shared SET body = 'twice' WHERE id = 6000"),
    ("root", "DELETE FROM kept.shared WHERE id BETWEEN 40 AND 60"),
    ("root", "UPDATE kept.types SET name = 'hot', doc = '{\"hot\": true}', v = '[9, 9, 9]' "
             "WHERE id = 3"),
    ("root", "INSERT INTO kept.types (id, number, day) VALUES (5, 5, '2020-02-29')"),
    ("alice", "INSERT INTO kept.own VALUES (1000, 'hot'), (1001, 'hot')"),
    ("alice", "DELETE FROM kept.own WHERE id = 1"),
    ("root", "DELETE FROM kept.keyless WHERE b = 'hot'"),
    ("root", "CREATE SHARED TABLE kept.last (id INT PRIMARY KEY, body TEXT)"),
    ("root", "INSERT INTO kept.last VALUES (1, 'made behind the checkpoint')"),
    ("root", "STORAGE FLUSH TABLE kept.last"),
    ("root", "INSERT INTO kept.last VALUES (2, 'hot')"),
]

EVERYBODY = "SELECT count(*), sum(id), min(body), max(body) FROM {} FOR ALL USERS"
QUESTIONS = [
    ("root", "SELECT * FROM kept.types ORDER BY id"),
    ("root", "SELECT id, v <-> '[1, 2, 3]' FROM kept.types WHERE v IS NOT NULL ORDER BY 2"),
    ("root", "SELECT count(*), sum(id), sum(renamed), min(body), max(body) FROM kept.shared"),
    ("root", "SELECT * FROM kept.shared WHERE id IN (1, 2, 4, 7, 11, 2999, 5000, 6000) "
             "ORDER BY id"),
    ("root", "SELECT added, count(*) FROM kept.shared GROUP BY added ORDER BY added"),
    ("root", "SELECT * FROM kept.shared WHERE id = 22"),
    ("alice", "SELECT * FROM kept.own WHERE id IN (5, 7, 190, 191) ORDER BY id"),
    ("alice", "SELECT count(*), min(body), max(body) FROM kept.own"),
    ("bob", "SELECT * FROM kept.own WHERE id < 9 ORDER BY id"),
    ("root", EVERYBODY.format("kept.own")),
    ("root", "SELECT part, count(*), sum(id) FROM kept.compacted GROUP BY part ORDER BY part"),
    ("root", "SELECT body FROM kept.compacted WHERE part = 'p2' AND id = 201"),
    ("root", "SELECT a, b FROM kept.keyless ORDER BY a, b"),
    ("root", "SELECT * FROM kept.emptied"),
    ("root", "SELECT * FROM kept.last ORDER BY id"),
    ("root", "SELECT namespace, table_name, kind, key, schema_version FROM system.tables "
             "WHERE namespace = 'kept' ORDER BY table_name"),
    ("root", "SELECT table_name, column_name, field_id, type, nullable, dropped FROM system.columns "
             "WHERE namespace = 'kept' ORDER BY table_name, field_id"),
    ("root", "SELECT user_name, role FROM system.users WHERE user_name <> 'helper' "
             "ORDER BY user_name"),
    ("root", "SELECT value, source FROM system.settings WHERE name = 'statement.timeout'"),
    ("root", "SELECT type, state, count(*), sum(rows) FROM system.jobs WHERE type IN ('flush', "
             "'compact') AND created_at < TIMESTAMPTZ '{made}' GROUP BY 1, 2 ORDER BY 1, 2"),
    ("root", "SELECT min(_seq), max(_seq), count(DISTINCT _seq) FROM kept.shared"),
]
STREAM_QUESTIONS = [
    ("alice", "SELECT count(*), min(body), max(body) FROM kept.stream"),
    ("bob", "SELECT id, body FROM kept.stream ORDER BY id"),
]


def run(server, statements):
    for user, statement in statements:
        try:
            server.user(user).sql(statement)
        except client.SqlError as error:
            sys.exit(f"{statement}\n{error}")


def fill(server):
    for name, password in PASSWORDS.items():
        server.root.sql(f"CREATE USER '{name}' WITH PASSWORD '{password}' ROLE user")
        server.passwords[name] = password
    run(server, STATEMENTS)

def take_token_back(server):
    session = server.client("alice").session
    server.user("alice").request("POST", "/v1/auth/logout",
                                 {"refresh_token": session["refresh_token"]})
    server.forget_clients()


def settle_stream(server):
    """Its rows go into window files; later ones stay in the log."""
    done = server.root.sql("ALTER TABLE kept.stream SET (flush_rows = 1)")
    assert done is not None
    harness.wait_for(lambda: [path for path in server.files(".log", "streams")], 30, "windows")
    server.root.sql("ALTER TABLE kept.stream SET (flush_rows = 100000)")
    server.user("bob").sql("INSERT INTO kept.stream VALUES (2, 'in the log')")


def wait_for_checkpoint(server):
    """The last statement stays behind it, in the log."""
    folder = os.path.join(server.data, "catalog")
    harness.wait_for(lambda: [name for name in os.listdir(folder) if name.endswith(".checkpoint")],
                     30, "a checkpoint")


def ask(server, questions, made):
    return [{"user": user, "sql": sql.format(made=made),
             "rows": server.user(user).rows(sql.format(made=made))} for user, sql in questions]


def pack(data, path):
    """The same bytes from the same directory: no times, no owners."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(data, "data", filter=forget)
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as out:
        out.write(packed.getvalue())
    size = os.path.getsize(path)
    assert size <= BYTES_MAX, f"{size} bytes, more than {BYTES_MAX}"
    return size


def forget(member):
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return None if "/tmp/" in member.name else member


def version_of(program):
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", default="build/release")
    parser.add_argument("--force", action="store_true")
    arguments = parser.parse_args()
    harness.programs = os.path.join(harness.ROOT, arguments.server)
    version = version_of(harness.program("firnd"))
    folder = os.path.join(HERE, version)
    if os.path.exists(folder) and not arguments.force:
        sys.exit(f"{folder} is there: what a release has left is never made again")
    os.makedirs(folder, exist_ok=True)
    with harness.running(SETTINGS) as server:
        fill(server)
        settle_stream(server)
        server.restart()
        wait_for_checkpoint(server)
        run(server, LATER)
        take_token_back(server)
        time.sleep(0.01)
        now = datetime.datetime.now(datetime.timezone.utc)
        made = now.isoformat(timespec="microseconds")
        expected = {"version": version, "made": made, "settings": SETTINGS, "passwords": PASSWORDS,
                    "root": harness.ROOT_PASSWORD, "answers": ask(server, QUESTIONS, made),
                    "stream_until": (now + datetime.timedelta(days=30)).isoformat(),
                    "stream_answers": ask(server, STREAM_QUESTIONS, made)}
        server.kill()
        size = pack(server.data, os.path.join(folder, "data.tar.gz"))
    with open(os.path.join(folder, "expected.json"), "w", encoding="utf-8") as file:
        json.dump(expected, file, indent=1, ensure_ascii=True)
        file.write("\n")
    print(f"{folder}: {size} bytes, {len(expected['answers'])} answers")


if __name__ == "__main__":
    main()
