"""J: back-pressure. K: readable throughout. L: figures are true. M: who and what is apart."""
import os
import re
import signal
import sqlite3
import threading
import time

import client
import harness
import kit
from kit import (attempt, check, check_offline, count, fill, flush, make, rows_of, stat, wait_for)

SMALL = ("flush.check_every=100ms", "flush.memory_max=4MiB")


def stalled_server(case, timeout="60s", settings=()):
    """Its flushes stand still, and its memory is full."""
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 10)
    server.settings = [*SMALL, f"statement.write_timeout={timeout}", *settings]
    server.stop()
    kit.start_with(server, "flush_write:pause*1")
    return server, t


def write_until_stalled(server, t, batch=True):
    """In a thread of its own; gives (thread, rows acknowledged, errors)."""
    done, errors = [0], []

    def write():
        who, i = server.client("root"), 0
        try:
            while not errors and done[0] < 30000:
                number = 100 if batch else 1
                first = 100000 + number * i
                error = attempt(who, f"INSERT INTO {t} SELECT i, repeat('y', 4000) FROM "
                                     f"generate_series({first}, {first + number - 1}) AS g(i)")
                if error is not None:
                    errors.append(error)
                else:
                    done[0] += number
                    i += 1
        except (client.ConnectionLost, OSError) as lost:
            errors.append(lost)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread, done, errors


def wait_stalled(server):
    wait_for(lambda: stat(server, "firn_stalled", {"reason": "memory"}) == 1, 40, "the stall")


@check("J1", "J2", "J4")
def stall_and_resume(case):
    text = []
    for batch in (True, False):
        server, t = stalled_server(case)
        thread, done, errors = write_until_stalled(server, t, batch)
        wait_stalled(server)
        before = done[0]
        time.sleep(0.5)
        assert done[0] == before and not errors, "a writer goes on above the limit"
        memory = stat(server, "firn_memory_active_bytes") + stat(server, "firn_memory_sealed_bytes")
        assert memory <= (4 << 20) + (2 << 20), memory
        assert stat(server, "firn_stalls_total") >= 1
        begin = time.monotonic()
        kit.resume(server)
        wait_for(lambda: done[0] > before, 20, "the first write", every=0.001)
        text.append(f"{'batch' if batch else 'single'}: {memory / 1048576:.1f} MiB of 4, first "
                    f"write {1000 * (time.monotonic() - begin):.0f} ms after")
        assert stat(server, "firn_stall_seconds_total") >= 0.5
        server.kill()
        thread.join(30)
        server.start()
        assert count(server, t) in (10 + done[0], 10 + done[0] + (100 if batch else 1))
        server.end()
    return "; ".join(text)


@check("J3")
def no_deadlock(case):
    server, t = stalled_server(case)
    thread, _, errors = write_until_stalled(server, t)
    wait_stalled(server)
    other = make(server, "d.other")
    server.root.sql(f"STORAGE FLUSH TABLE {other}")
    job = server.root.value(f"STORAGE FLUSH TABLE {t} ASYNC")
    server.signal(signal.SIGTERM)
    time.sleep(0.5)
    kit.resume(server)
    assert server.wait(60) == 0, server.log_tail()
    thread.join(30)
    assert not thread.is_alive() and job
    return f"a flush by hand and a stop while stalled: exit 0; the writer was told {errors[0]}"[:200]


@check("J5")
def told_in_time(case):
    rows = []
    for settings in ((), ("stall.hard=25%", "stall.soft=10%")):
        server, t = stalled_server(case, "1s", settings)
        thread, done, errors = write_until_stalled(server, t)
        thread.join(60)
        rows.append(done[0])
    assert rows[1] < rows[0], f"{rows} rows before the stall, at 100% and at 25% of the memory"
    assert errors and errors[0].sqlstate == "53P01" and "stalled" in errors[0].message, errors
    assert count(server, t) == 10 + done[0], "something of the refused write is there"
    assert stat(server, "firn_slowdowns_total") > 0
    return f"after {rows} rows at 100% and 25%: {errors[0].message}"


@check("J6")
def poison_rows(case):
    server = case.server()
    t = make(server, columns="id TEXT PRIMARY KEY, body TEXT")
    other = make(server, "d.other")
    error = server.root.error(f"INSERT INTO {t} VALUES ($1, 'x')", ["k" * 70000])
    assert error.sqlstate == "54000", error
    body = b'{"sql": "INSERT INTO d.t VALUES (\'\xff\xfe\', 1)"}'
    answer = server.root.request("POST", "/v1/sql", body, {"Content-Type": "application/json"})
    assert answer.status == 400, answer.body
    assert count(server, t) == 0
    server.root.sql(f"INSERT INTO {t} VALUES ('good', 'x')")
    fill(server, other, 1, 10)
    flush(server, t)
    flush(server, other)
    assert count(server, t) == 1 and count(server, other) == 10
    return "a key of 70,000 bytes and bytes that are no text are refused; flushes go on"


@check("J7")
def reads_go_on(case):
    server, t = stalled_server(case)

    def p99(number=300):
        took = []
        for _ in range(number):
            begin = time.monotonic()
            assert server.root.rows(f"SELECT id FROM {t} WHERE id = 5") == [[5]]
            took.append(time.monotonic() - begin)
        return 1000 * sorted(took)[int(number * 0.99) - 1]

    idle = p99()
    thread, _, _ = write_until_stalled(server, t)
    wait_stalled(server)
    stalled = p99()
    kit.resume(server)
    server.kill()
    thread.join(30)
    assert stalled < max(2 * idle, idle + 50), (idle, stalled)
    return f"p99 of a read by key: {idle:.2f} ms idle, {stalled:.2f} ms while writers wait"


# ---- K ----

QUERIES = ("SELECT * FROM {} ORDER BY id", "SELECT count(*), sum(n), min(body), max(n) FROM {}",
           "SELECT * FROM {} WHERE id = 77", "SELECT * FROM {} WHERE id IN (3, 78, 500, 901)",
           "SELECT id FROM {} WHERE id BETWEEN 100 AND 120 ORDER BY id",
           "SELECT n, count(*) FROM {} GROUP BY n ORDER BY n",
           "SELECT id FROM {} WHERE body LIKE 'b1%' ORDER BY id DESC LIMIT 7",
           "SELECT id, body FROM {} WHERE n > 3 ORDER BY body, id LIMIT 20 OFFSET 5",
           "SELECT count(*) FROM {} WHERE body = 'changed'")


@check("K1", "K3")
def five_states(case):
    server = case.server("flush.rows=1000000")
    t = make(server, columns="id INT PRIMARY KEY, body TEXT, n INT")
    oracle = sqlite3.connect(":memory:")
    case.stack.callback(oracle.close)
    oracle.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT, n INT)")
    oracle.execute("PRAGMA case_sensitive_like = ON")

    def both(sql):
        server.root.sql(sql.format(t))
        oracle.execute(sql.format("t"))

    values = ",".join(f"({i},'b{i}',{i % 10})" for i in range(1, 1001))
    both("INSERT INTO {} VALUES " + values)
    states = []

    def compare(state):
        for query in QUERIES:
            mine = server.root.rows(query.format(t))
            theirs = [list(row) for row in oracle.execute(query.format("t")).fetchall()]
            assert mine == theirs, f"{state}: {query}: {mine[:3]} for {theirs[:3]}"
        states.append(state)

    compare("buffer")
    flush(server, t)
    compare("file")
    both("DELETE FROM {} WHERE id % 7 = 3")
    both("UPDATE {} SET body = 'changed', n = n + 1 WHERE id % 11 = 0")
    both("INSERT INTO {} VALUES (5000, 'b17', 4), (5001, 'z', 5)")
    compare("mixed")
    flush(server, t)
    compare("files with deletes")
    server.restart(crash=True)
    compare("restarted")
    server.root.sql(f"STORAGE COMPACT TABLE {t}")
    compare("compacted")
    return f"{len(QUERIES)} queries as SQLite answers them: {', '.join(states)}"


@check("K2")
def each_row_once(case):
    server = case.server("cold.small_files_max=3", "flush.check_every=50ms")
    t = make(server)
    stop, problems, floor, scans = threading.Event(), [], [0], [0]

    def read():
        who = server.client("root")
        while not stop.is_set():
            least = floor[0]
            total, distinct = who.rows(f"SELECT count(*), count(DISTINCT id) FROM {t} "
                                       "WHERE body <> ''")[0]
            if total < least or total != distinct:
                problems.append((least, total, distinct))
            scans[0] += 1
        who.close()

    reader = threading.Thread(target=read)
    reader.start()
    end = time.monotonic() + case.rounds(6, 600)
    try:
        while time.monotonic() < end and not problems:
            fill(server, t, floor[0], 40)
            floor[0] += 40
            if floor[0] % 120 == 0:
                flush(server, t)
    finally:
        stop.set()
        reader.join()
    assert not problems, problems[:3]
    return f"{scans[0]} scans beside flushes up to {floor[0]} rows"


def distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b))


@check("K4", "K5")
def vectors(case):
    server = case.server("flush.rows=1000000")
    t = make(server, columns="id INT PRIMARY KEY, kind INT, v VECTOR(8)")
    query = [case.random.uniform(-1, 1) for _ in range(8)]

    def search(where=""):
        text = "[" + ",".join(map(str, query)) + "]"
        return [row[0] for row in server.root.rows(
            f"SELECT id FROM {t} {where} ORDER BY v <-> $1 LIMIT 10", [text])]

    assert search() == []
    rows = {i: [round(case.random.uniform(-1, 1), 4) for _ in range(8)] for i in range(400)}

    def put(i):
        text = "[" + ",".join(map(str, rows[i])) + "]"
        server.root.sql(f"INSERT INTO {t} VALUES ({i}, {i % 3}, '{text}')")

    put(0)
    assert search() == [0]
    flush(server, t)
    assert search() == [0]
    for i in range(1, 400):
        put(i)
    states = 0

    def compare():
        nonlocal states
        best = sorted(rows, key=lambda i: distance(rows[i], query))
        assert search() == best[:10]
        assert search("WHERE kind = 2") == [i for i in best if i % 3 == 2][:10]
        states += 1

    compare()
    flush(server, t)
    compare()
    for i in sorted(rows, key=lambda i: distance(rows[i], query))[:5]:
        server.root.sql(f"DELETE FROM {t} WHERE id = {i}")
        del rows[i]
    compare()
    server.restart(crash=True)
    compare()
    flush(server, t)
    server.root.sql(f"STORAGE COMPACT TABLE {t}")
    compare()
    return f"the exact ten in {states} states, with and without a filter; a hit right after CREATE"


@check("K6")
def other_readers(case):
    """Through Iceberg's own files, by this repository's second reader of Avro. make conformance
    asks ClickHouse."""
    import json
    import avro
    server = case.server("cold.deleted_ratio_max=1")
    t = make(server)
    fill(server, t, 1, 500)
    flush(server, t)
    server.root.sql(f"UPDATE {t} SET body = 'u' WHERE id <= 20")
    server.root.sql(f"DELETE FROM {t} WHERE id > 490")
    flush(server, t)
    folder = os.path.join(server.data, "storage", os.listdir(os.path.join(server.data,
                                                                          "storage"))[0])
    with open(os.path.join(folder, "metadata", "version-hint.text"), encoding="ascii") as file:
        version = int(file.read())
    with open(os.path.join(folder, "metadata", f"v{version}.metadata.json"),
              encoding="utf-8") as file:
        table = json.load(file)
    snapshot = next(s for s in table["snapshots"]
                    if s["snapshot-id"] == table["current-snapshot-id"])

    def read(path):
        with open(os.path.join(folder, "metadata", os.path.basename(path)), "rb") as file:
            found = avro.read_file(file.name)
        return found[1] if isinstance(found, tuple) else found

    total = {0: 0, 1: 0}
    for manifest in read(snapshot["manifest-list"]):
        for entry in read(manifest["manifest_path"]):
            if entry["status"] != 2:
                total[manifest["content"]] += entry["data_file"]["record_count"]
    assert total[0] - total[1] == 490 == count(server, t), total
    return f"{total[0]} rows, {total[1]} deleted: {total[0] - total[1]}"


@check("K8")
def caches_are_never_stale(case):
    servers = [case.server("cache.rows_bytes=64MiB"), case.server("cache.rows_bytes=0B")]
    tables = [make(server) for server in servers]
    for i in range(case.rounds(150, 3000)):
        key = case.random.randrange(40)
        kind = case.random.choice(("put", "put", "delete", "flush", "compact", "read", "read"))
        sql = {"put": f"INSERT INTO d.t VALUES ({key}, 'v{i}') ON CONFLICT (id) DO UPDATE SET body"
                      " = excluded.body", "delete": f"DELETE FROM d.t WHERE id = {key}",
               "flush": "STORAGE FLUSH TABLE d.t", "compact": "STORAGE COMPACT TABLE d.t",
               "read": f"SELECT * FROM d.t WHERE id = {key}"}[kind]
        answers = [server.root.sql(sql) for server in servers]
        if kind == "read":
            assert answers[0].rows == answers[1].rows, (i, sql)
    assert rows_of(servers[0], tables[0]) == rows_of(servers[1], tables[1])
    hits = stat(servers[0], "firn_row_cache_hits_total")
    return f"with and without the cache alike ({hits:.0f} hits)"


# ---- L ----

WANTED = """flush_started_total flush_completed_total flush_failed_total flush_rows_total
flush_bytes_total flush_seconds_count flush_last_time_seconds flush_queue flush_in_flight
flush_triggered_total flush_output_bytes_count memory_active_bytes memory_sealed_bytes
memory_active_rows memory_sealed_rows log_unreleased_bytes log_segments log_syncs_total
log_sync_seconds_total log_oldest_unflushed_seq commit_seconds_total snapshots_committed_total
stalls_total stall_seconds_total stalled gc_files_removed_total gc_failed_total recovery_entries
recovery_seconds recovery_bytes recovery_skipped background_ticks_total""".split()


@check("L1")
def all_figures(case):
    server = case.server()
    have = {row[0] for row in server.root.rows("SELECT name FROM system.stats")}
    missing = [name for name in WANTED if "firn_" + name not in have]
    assert not missing, f"system.stats lacks {missing}"
    scraped = server.root.request("GET", "/metrics")
    assert scraped.status == 200
    shown = {re.split(r"[ {]", line)[0] for line in scraped.body.decode().splitlines()
             if line and not line.startswith("#")}
    assert have == shown, have ^ shown
    return f"{len(WANTED)} wanted, {len(shown)} shown, the same by /metrics and system.stats"


@check("L2", "L5")
def figures_are_true(case):
    server = case.server("cold.small_files_max=1000")
    t = make(server)
    zero = {name: stat(server, "firn_" + name) for name in
            ("flush_rows_total", "flush_bytes_total", "flush_completed_total", "log_syncs_total",
             "snapshots_committed_total")}
    trace = kit.Trace(server, "fdatasync")
    sizes = [case.random.randrange(1, 300) for _ in range(5)]
    answered = []
    for number, size in enumerate(sizes):
        fill(server, t, 1000 * number, size)
        answered.append(flush(server, t))
    hot = case.random.randrange(1, 50)
    fill(server, t, 90000, hot)
    syncs = stat(server, "firn_log_syncs_total") - zero["log_syncs_total"]
    traced = len(kit.finished(trace.stop(), "fdatasync", r"/log/"))
    now = {name: stat(server, "firn_" + name) - value for name, value in zero.items()}
    on_disk = [os.path.join(server.data, "storage", path) for path in server.files(".parquet")]
    assert [done["rows"] for done in answered] == sizes
    assert now["flush_rows_total"] == sum(sizes) == sum(n for _, n in kit.live_files(server, t))
    assert now["flush_completed_total"] == 5 == len(on_disk)
    assert now["flush_bytes_total"] == sum(os.path.getsize(path) for path in on_disk)
    assert stat(server, "firn_memory_active_rows") == hot == harness.counts(server, t)[0]
    assert abs(traced - syncs) <= 2, (traced, syncs)
    return (f"{sum(sizes)} rows, {now['flush_bytes_total']:.0f} bytes, {len(on_disk)} files; "
            f"{syncs:.0f} syncs, {traced} by strace")


@check("L3")
def each_is_emitted(case):
    """Every figure of flushes and the log moves in some scenario; failures too."""
    server = case.server("flush.check_every=100ms", "cold.snapshot_retention=1ms", faults=True)
    t = make(server, options="FLUSH ROWS 20")
    server.stop()
    kit.start_with(server, "flush_write:eio*1,compact_write:eio*1")
    fill(server, t, 1, 30)
    wait_for(lambda: stat(server, "firn_flush_failed_total") == 1, 20, "the failed flush")
    wait_for(lambda: harness.counts(server, t)[0] == 0, 30, "the flush")
    for i in range(3):
        fill(server, t, 1000 * (i + 1), 30)
        flush(server, t)
    attempt(server.root, f"STORAGE COMPACT TABLE {t}")
    wait_for(lambda: attempt(server.root, f"STORAGE COMPACT TABLE {t}") is None, 30, "compaction")
    wait_for(lambda: stat(server, "firn_gc_files_removed_total") > 0, 60, "the sweep")
    quiet = []
    for name in ("flush_started_total", "flush_completed_total", "flush_failed_total",
                 "flush_rows_total", "flush_bytes_total", "flush_seconds_count",
                 "flush_last_time_seconds", "flush_output_bytes_count", "compact_completed_total",
                 "compact_failed_total", "compact_files_removed_total", "gc_files_removed_total",
                 "gc_bytes_removed_total", "log_syncs_total", "log_frames_total",
                 "commit_seconds_total", "snapshots_committed_total", "recovery_seconds"):
        if stat(server, "firn_" + name) <= 0:
            quiet.append(name)
    assert not quiet, f"never moved: {quiet}"
    return "18 figures moved, failures among them (stalls: J1, unlinking: H15)"


@check("L6")
def jobs_table(case):
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 25)
    flush(server, t)
    row = server.root.sql("SELECT * FROM system.jobs WHERE type = 'flush'").records()[0]
    assert row["state"] == "completed" and row["rows"] == 25 and row["files"] == 1, row
    assert row["trigger"] == "command" and row["started_at"] and row["finished_at"], row
    assert row["table_name"] == "t" and row["bytes"] > 0 and row["error"] is None, row
    server.stop()
    kit.start_with(server, "flush_write:kill")
    fill(server, t, 100, 5)
    attempt(server.root, f"STORAGE FLUSH TABLE {t}")
    server.wait(20)
    server.start()
    wait_for(lambda: not server.root.rows("SELECT 1 FROM system.jobs WHERE state = 'running'"),
             30, "no job of the process that is gone")
    return "every column filled; no job still runs that a dead process began"


# ---- M ----

@check("M1", "M3")
def files_of_users(case):
    server = case.server()
    t = make(server, kind="USER")
    shared = make(server, "d.shared")
    names = [f"user{i}" for i in range(10)]
    for number, name in enumerate(names):
        fill(server, t, 1, number + 1, who=server.user(name))
    fill(server, shared, 1, 100)
    flush(server, t)
    assert flush(server, shared)["files"] == 1 == len(kit.live_files(server, shared))
    rows = server.root.rows("SELECT user_name, path, rows FROM system.files WHERE kind = 'data' "
                            "AND table_name = 't' ORDER BY user_name")
    assert len(rows) == 10
    for name, path, number in rows:
        assert f"/{name}/" in "/" + path and number == int(name[4:]) + 1, (name, path, number)
    for number, name in enumerate(names):
        assert server.user(name).value(f"SELECT count(*) FROM {t}") == number + 1
    server.kill()
    check_offline(server)
    return "10 users, 10 files with their own rows only; a shared table: one file"


@check("M2")
def no_file_of_streams(case):
    server = case.server("flush.check_every=100ms", "flush.rows=100")
    t = make(server, kind="STREAM", options="TTL 3s")
    for i in range(10):
        fill(server, t, 1000 * i, 200)
    wait_for(lambda: server.root.rows(f"SELECT id FROM {t} LIMIT 1") == [], 20, "the rows' end")
    assert server.files(".parquet") == [] and server.files("", "storage") == []
    return "2000 rows: no Parquet file; gone after their time"


@check("M4")
def dropped_during_its_flush(case):
    server = case.server("cold.snapshot_retention=1ms", "flush.check_every=100ms", faults=True)
    t = make(server)
    fill(server, t, 1, 50)
    server.stop()
    kit.start_with(server, "flush_write:pause*1")
    server.root.sql(f"STORAGE FLUSH TABLE {t} ASYNC")
    kit.wait_paused(server)
    server.root.sql(f"DROP TABLE {t}")
    kit.resume(server)
    wait_for(lambda: not server.root.rows("SELECT 1 FROM system.jobs WHERE state = 'running'"), 30,
             "the flush's end")
    server.restart(crash=True)
    assert server.root.error(f"SELECT * FROM {t}").sqlstate == "42P01"
    make(server)
    assert count(server, t) == 0
    wait_for(lambda: server.files(".parquet") == [], 40, "no file of the dropped table")
    server.kill()
    check_offline(server)
    return "gone, also for a new table of its name; no file left"


@check("M5")
def altered_during_its_flush(case):
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 50)
    server.stop()
    kit.start_with(server, "flush_write:pause*1")
    server.root.sql(f"STORAGE FLUSH TABLE {t} ASYNC")
    kit.wait_paused(server)
    altered = threading.Thread(target=lambda: attempt(
        server.client("root"), f"ALTER TABLE {t} ADD COLUMN more INT DEFAULT 7"))
    altered.start()
    time.sleep(0.3)
    kit.resume(server)
    altered.join(30)
    server.root.sql(f"INSERT INTO {t} (id, body) VALUES (100, 'new')")
    for step in ("now", "flushed", "restarted"):
        if step == "flushed":
            flush(server, t)
        if step == "restarted":
            server.restart(crash=True)
        assert server.root.rows(f"SELECT count(*), sum(more), count(DISTINCT more) FROM {t}") == \
            [[51, 51 * 7, 1]], step
        assert [row[0] for row in server.root.rows(
            "SELECT column_name FROM system.columns WHERE table_name = 't' AND namespace = 'd' "
            "ORDER BY position")][-1] == "more"
    return "old rows have the default in memory, in files and after a crash"


@check("M6")
def no_way_out(case):
    server = case.server()
    outside = set(os.listdir(os.path.dirname(server.data)))
    make(server, kind="USER")
    refused = 0
    for name in ("../../x", "..", "a/b", "/etc/x", "x\x00y"):
        error = attempt(server.root, f"CREATE USER '{name}' WITH PASSWORD 'a long password' ROLE "
                                     "user") if "\x00" not in name else True
        refused += error is not None
        if error is None:
            who = server.client(name, "a long password")
            who.sql("INSERT INTO d.t VALUES (1, 'x')")
            flush(server, "d.t")
        for text in (f'CREATE TABLE d."{name}" (id INT PRIMARY KEY)',
                     f'CREATE NAMESPACE "{name}"'):
            assert attempt(server.root, text) is not None, text
    assert set(os.listdir(os.path.dirname(server.data))) == outside
    for path in server.files(".parquet"):
        assert ".." not in path and path.count("/") == 3, path
    return f"{refused} of 5 user names refused, the others kept inside; tables and namespaces all"
