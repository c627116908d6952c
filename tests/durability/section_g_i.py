"""G: tombstones and versions. H10 on: the release of the log. I: memtables go when they may."""
import itertools
import os
import threading
import time

import harness
import kit
from kit import (attempt, check, check_offline, count, fill, flush, make, rows_of, stat, wait_for)


@check("G1", "G8")
def a_delete_stays(case):
    server = case.server()
    t = make(server)
    fill(server, t, 1, 100)
    flush(server, t)
    server.root.sql(f"DELETE FROM {t} WHERE id = 42")
    server.root.sql(f"UPDATE {t} SET body = 'new' WHERE id = 43")
    expected = rows_of(server, t)
    assert len(expected) == 99
    stages = []
    for name, go in (("hot", lambda: None), ("replayed", lambda: server.restart(crash=True)),
                     ("flushed", lambda: flush(server, t)),
                     ("restarted", lambda: server.restart(crash=True)),
                     ("compacted", lambda: server.root.sql(f"STORAGE COMPACT TABLE {t}")),
                     ("again", server.restart)):
        go()
        assert rows_of(server, t) == expected, name
        assert server.root.rows(f"SELECT id FROM {t} WHERE id = 42") == [], name
        assert count(server, t) == 99, name
        stages.append(name)
    return "absent: " + ", ".join(stages)


@check("G2")
def deletes_name_their_rows(case):
    server = case.server("cold.deleted_ratio_max=1", "cold.small_files_max=1000")
    t = make(server, columns="id INT PRIMARY KEY, body TEXT NOT NULL, number INT NOT NULL")
    server.root.sql(f"INSERT INTO {t} SELECT i, 'b' || i, i FROM generate_series(1, 300) AS g(i)")
    flush(server, t)
    gone = sorted(case.random.sample(range(1, 301), 37))
    for key in gone:
        server.root.sql(f"DELETE FROM {t} WHERE id = {key}")
    flush(server, t)
    server.kill()
    check_offline(server)
    named = []
    for line in kit.dump(server, "manifest", t):
        if line.startswith("  live "):
            named.append(int(line.split(" deleted ")[1].split()[0]))
    assert sum(named) == len(gone), named
    for key in range(1, 301):
        if key in gone or key % 23 == 0:
            places = [line for line in kit.dump(server, "row", t, str(key)) if "index: " in line]
            assert len(places) == 1 and places[0].endswith("deleted" if key in gone else "alive"), \
                (key, places)
    return f"{len(gone)} position deletes, each on its key's row"


@check("G3")
def the_old_row_is_kept(case):
    server = case.server()
    t = make(server)
    fill(server, t, 1, 50)
    flush(server, t)
    socket = server.socket("root")
    socket.subscribe("s", f"SELECT id, body FROM {t}")
    server.root.sql(f"DELETE FROM {t} WHERE id = 7")
    flush(server, t)
    server.root.sql(f"STORAGE COMPACT TABLE {t}")
    server.restart(crash=True)
    server.kill()
    lines = kit.dump(server, "row", t, "7")
    assert any(" delete " in line and "old yes" in line for line in lines), lines
    return "the record of the delete carries the old row, behind flush, compaction and restart"


def paused_flush(case, change):
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 50)
    server.stop()
    kit.start_with(server, f"{case.random.choice(('flush_write', 'flush_after_write'))}:pause*1")
    server.root.sql(f"STORAGE FLUSH TABLE {t} ASYNC")
    kit.wait_paused(server)
    server.root.sql(change.format(t))
    before = rows_of(server, t)
    kit.resume(server)
    wait_for(lambda: harness.counts(server, t)[1] >= 49, 20, "the flush")
    assert rows_of(server, t) == before
    server.restart(crash=True)
    assert rows_of(server, t) == before
    flush(server, t)
    assert rows_of(server, t) == before
    return before


@check("G4")
def deleted_during_a_flush(case):
    rows = paused_flush(case, "DELETE FROM {} WHERE id = 17")
    assert len(rows) == 49 and all(row[0] != 17 for row in rows)
    return "absent behind the flush and behind a crash"


@check("G5")
def updated_during_a_flush(case):
    rows = paused_flush(case, "UPDATE {} SET body = 'newer' WHERE id = 17")
    assert [17, "newer"] in rows and len(rows) == 50
    return "the new value behind the flush and behind a crash"


@check("G6")
def one_key_twice(case):
    server = case.server()
    t = make(server)
    results = server.root.statements(f"BEGIN; INSERT INTO {t} VALUES (1, 'a'); UPDATE {t} SET "
                                     "body = 'b' WHERE id = 1; COMMIT") \
        if attempt(server.root, "BEGIN; COMMIT") is None else None
    if results is None:
        server.root.sql(f"INSERT INTO {t} VALUES (1, 'a')")
        server.root.sql(f"INSERT INTO {t} VALUES (1, 'b') ON CONFLICT (id) DO UPDATE SET "
                        "body = excluded.body")
    error = attempt(server.root, f"INSERT INTO {t} VALUES (1, 'c'), (1, 'd') ON CONFLICT (id) "
                                 "DO UPDATE SET body = excluded.body")
    assert error is not None and error.sqlstate == "21000", error
    assert rows_of(server, t) == [[1, "b"]]
    server.kill()
    seqs = [line.split()[2] for line in kit.dump(server, "row", t, "1") if " put " in line]
    assert len(seqs) == len(set(seqs)) == 2, seqs
    return "the last one wins; sequences differ; twice in one statement is 21000, as in PostgreSQL"


@check("G7", "K7")
def an_old_snapshot(case):
    """A slow scan keeps the snapshot it began with while everything below it is replaced."""
    server = case.server("cold.snapshot_retention=1ms", "flush.check_every=10ms")
    t = make(server)
    fill(server, t, 1, 3000)
    flush(server, t)
    found = []

    def scan():
        who = server.client("root")
        found.append(who.rows(f"SELECT count(*), sum(a.id), count(b.body) FROM {t} a, {t} b "
                              "WHERE (a.id * b.id) % 7 >= 0 AND b.body LIKE 'b%'")[0])

    scanner = threading.Thread(target=scan)
    scanner.start()
    wait_for(lambda: not scanner.is_alive() or server.root.value(
        "SELECT count(*) FROM system.queries WHERE sql LIKE '%a.id * b.id%'") > 1, 20, "the scan")
    running = scanner.is_alive()
    server.root.sql(f"DELETE FROM {t} WHERE id > 10")
    server.root.sql(f"UPDATE {t} SET body = 'overwritten' WHERE id <= 10")
    flush(server, t)
    server.root.sql(f"STORAGE COMPACT TABLE {t}")
    still = scanner.is_alive()
    scanner.join(120)
    assert found and found[0] == [9000000, 3000 * 3000 * 3001 // 2, 9000000], found
    assert running, "the scan was over before anything changed: nothing is shown"
    assert count(server, t) == 10
    wait_for(lambda: len([p for p in server.files(".parquet") if "/data/" in p]) <= 1, 40,
             "the end of the files that were replaced")
    return f"the scan saw its 9,000,000 pairs ({'still running' if still else 'over'} when the " \
           "compaction was); the old files went"


@check("G9")
def missing_and_again(case):
    server = case.server("cold.small_files_max=1000")
    made = case.rounds(12, 32)
    placements = list(itertools.product((False, True), repeat=5))
    for number, flushes in enumerate(case.random.sample(placements, made)):
        t = make(server, f"d.t{number}")
        steps = (f"DELETE FROM {t} WHERE id = 1", f"INSERT INTO {t} VALUES (1, 'a')",
                 f"DELETE FROM {t} WHERE id = 1", f"INSERT INTO {t} VALUES (1, 'b')",
                 f"DELETE FROM {t} WHERE id = 2")
        expected = ([], [[1, "a"]], [], [[1, "b"]], [[1, "b"]])
        for statement, wanted, flushed in zip(steps, expected, flushes):
            server.root.sql(statement)
            if flushed:
                flush(server, t)
            assert rows_of(server, t) == wanted, (flushes, statement)
    server.restart(crash=True)
    for number in range(made):
        assert rows_of(server, f"d.t{number}") == [[1, "b"]]
    return f"{made} of 32 placements of flushes"


@check("G10")
def expired_rows(case):
    server = case.server("flush.check_every=100ms")
    t = make(server, kind="STREAM", options="TTL 1s")
    server.root.sql(f"INSERT INTO {t} VALUES (1, 'x')")
    attempt(server.root, f"STORAGE FLUSH TABLE {t}")
    wait_for(lambda: server.root.rows(f"SELECT id FROM {t}") == [], 10, "the row's end")
    for crash in (True, False):
        server.restart(crash=crash)
        assert server.root.rows(f"SELECT id FROM {t}") == []
    return "gone after its time, and after two restarts"


# ---- H10 on ----

@check("H12", "H14")
def shared_segment(case):
    server = case.server("feed.bytes_max=0B", "feed.retention=0s", "log.segment_bytes=1MiB",
                         "flush.check_every=100ms")
    a, b = make(server, "d.a"), make(server, "d.b")
    fill(server, b, 1, 100)
    fill(server, a, 1, 100)
    for i in range(1, 4):
        fill(server, a, 1000 * i, 400, body="z" * 1000)
        flush(server, a)
    table = stat(server, "firn_log_pinning_table_id")
    seq = stat(server, "firn_log_oldest_unflushed_seq")
    assert table > 0 and seq > 0, "what pins the log is not told"
    server.restart(crash=True)
    assert count(server, b) == 100 and harness.counts(server, b) == (100, 0)
    assert count(server, a) == 1300
    flush(server, b)
    assert stat(server, "firn_log_pinning_table_id") in (0, table) \
        and stat(server, "firn_log_oldest_unflushed_seq") != seq
    return f"b survived a's flush; table {table:.0f} pinned the log from sequence {seq:.0f}"


@check("H13")
def log_is_bounded(case):
    server = case.server("log.bytes_max=8MiB", "feed.bytes_max=8MiB", "log.segment_bytes=1MiB",
                         "flush.check_every=100ms", "cold.small_files_max=8")
    t = make(server)
    most = [0, 0, 0]
    end = time.monotonic() + case.rounds(6, 600)
    i = 0
    while time.monotonic() < end:
        server.root.sql(f"INSERT INTO {t} SELECT i, repeat('h', 1900) || {i} FROM generate_series("
                        f"0, 199) AS g(i) ON CONFLICT (id) DO UPDATE SET body = excluded.body")
        i += 1
        folder = os.path.join(server.data, "log")
        on_disk = 0
        for name in os.listdir(folder):
            try:
                on_disk += os.path.getsize(os.path.join(folder, name))
            except FileNotFoundError:
                pass
        now = [stat(server, "firn_log_unflushed_bytes"), stat(server, "firn_log_released_bytes"),
               on_disk]
        most = [max(pair) for pair in zip(most, now)]
    assert most[0] <= 10 << 20 and most[1] <= 24 << 20 and most[2] <= 48 << 20, most
    wait_for(lambda: stat(server, "firn_log_released_bytes") <= 8 << 20, 20, "feed.bytes_max")
    return "at most {:.1f} MiB unflushed, {:.1f} kept, {:.1f} on the disk".format(
        *(bytes_ / 1048576 for bytes_ in most))


@check("H15")
def unlink_fails(case):
    server = case.server(faults=True)
    t = make(server)
    server.settings = ["feed.bytes_max=0B", "feed.retention=0s", "log.segment_bytes=1MiB",
                       "log.bytes_max=4MiB", "flush.check_every=100ms"]
    server.stop()
    kit.start_with(server, "log_unlink:eio*2")
    for i in range(1, 6):
        fill(server, t, 1000 * i, 400, body="z" * 1000)
        flush(server, t)
    wait_for(lambda: stat(server, "firn_log_unlink_failures_total") == 2, 20, "the failures")
    wait_for(lambda: stat(server, "firn_log_released_bytes") == 0, 20, "the success after them")
    assert count(server, t) == 2000
    return "two failures counted, then removed"


# ---- I ----

@check("I1")
def seen_at_every_moment(case):
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 200)
    server.stop()
    points = ["flush_before_write", "flush_after_directory_sync", "flush_before_commit",
              "flush_after_install"]
    seen = 0
    for round_number, point in enumerate(points):
        kit.start_with(server, f"{point}:pause*1")
        fill(server, t, 1000 * (round_number + 1), 10)
        rows = 200 + 10 * (round_number + 1)
        server.root.sql(f"STORAGE FLUSH TABLE {t} ASYNC")
        kit.wait_paused(server)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            key = case.random.randrange(1, 201)
            assert server.root.rows(f"SELECT id FROM {t} WHERE id = {key}") == [[key]], point
            seen += 1
        assert count(server, t) == rows == len(rows_of(server, t)), point
        kit.resume(server)
        wait_for(lambda: harness.counts(server, t)[0] == 0, 20, "the flush")
        assert count(server, t) == rows
        server.stop()
    return f"{seen} keys looked up while a flush stood still at {len(points)} steps"


@check("I2")
def only_its_own(case):
    server = case.server()
    a, b = make(server, "d.a"), make(server, "d.b")
    fill(server, a, 1, 100)
    fill(server, b, 1, 100)
    flush(server, a)
    assert harness.counts(server, a) == (0, 100) and harness.counts(server, b) == (100, 0)
    fill(server, a, 1000, 10)
    assert harness.counts(server, a) == (10, 100)
    server.restart(crash=True)
    assert harness.counts(server, b) == (100, 0) and count(server, b) == 100
    return "b's buffer is as it was"


@check("I3")
def memory_comes_back(case):
    megabytes = case.rounds(150, 1024)
    server = case.server("flush.bytes=16MiB", "flush.check_every=100ms", "flush.memory_max=64MiB",
                         "cache.rows_bytes=1MiB", "cold.small_files_max=1000")
    t = make(server)
    floor, most = kit.rss_bytes(server), 0
    for i in range(megabytes):
        server.root.sql(f"INSERT INTO {t} SELECT i, repeat('y', 1000) FROM generate_series("
                        f"{1000 * i}, {1000 * i + 999}) AS g(i)")
        most = max(most, kit.rss_bytes(server))
    flush(server, t)
    wait_for(lambda: kit.rss_bytes(server) - floor < 40 << 20, 20, "the memory of the memtables")
    after = kit.rss_bytes(server)
    assert most - floor <= 4 * (16 << 20) + (32 << 20), f"{(most - floor) >> 20} MiB"
    return (f"{megabytes} MB through memtables of 16 MiB: at most {(most - floor) >> 20} MiB, "
            f"{(after - floor) >> 20} MiB after the flush")


@check("I4")
def a_flush_that_never_works(case):
    server = case.server("flush.check_every=100ms", faults=True)
    t = make(server)
    server.settings = ["flush.check_every=100ms", "flush.memory_max=4MiB",
                       "statement.write_timeout=500ms"]
    server.stop()
    kit.start_with(server, "flush_write:eio")
    error, i = None, 0
    while error is None and i < 200:
        error = attempt(server.root, f"INSERT INTO {t} SELECT i, repeat('y', 1000) FROM "
                                     f"generate_series({100 * i}, {100 * i + 99}) AS g(i)")
        i += error is None
    assert error is not None and error.sqlstate == "53P01" and "memory" in error.message, error
    assert count(server, t) == 100 * i
    assert attempt(server.root, f"STORAGE FLUSH TABLE {t}") is not None
    server.kill()
    server.start()
    assert count(server, t) == 100 * i
    wait_for(lambda: harness.counts(server, t)[1] > 0, 20, "the flush that works")
    return f"{100 * i} rows readable, then \"{error.message}\"; none lost by kill -9"
