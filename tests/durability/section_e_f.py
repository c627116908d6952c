"""E: a flush by hand is one. F: kill -9 at each step, and an error at each."""
import os
import re
import signal
import subprocess
import threading
import time

import client
import harness
import kit
from kit import attempt, check, check_offline, count, fill, flush, make, wait_for

# ---- E ----


@check("E1", "E2")
def executes(case):
    server = case.server()
    t = make(server)
    server.root.sql(f"INSERT INTO {t} VALUES (1, 'one')")
    done = flush(server, t)
    assert done["status"] == "flushed" and done["rows"] == 1 and done["files"] == 1, done
    assert harness.counts(server, t) == (0, 1)
    assert [row[1] for row in harness.jobs(server, "flush", t)] == ["completed"]
    fill(server, t, 100, 777)
    done = flush(server, t)
    path, rows = max(kit.live_files(server, t))
    size = server.root.value("SELECT bytes FROM system.files WHERE path = $1", [path])
    snapshot = server.root.value("SELECT max(snapshot_id) FROM system.files WHERE path = $1",
                                 [path])
    full = [os.path.join(server.data, "storage", found) for found in server.files(".parquet")
            if found.endswith(os.path.basename(path))]
    assert rows == done["rows"] == 777 and len(full) == 1
    assert done["bytes"] == size == os.path.getsize(full[0]), (done, size)
    assert done["snapshot"] == snapshot, (done, snapshot)
    server.kill()
    check_offline(server)  # reads the rows in the file's own footer
    return f"{done['rows']} rows, {done['bytes']} bytes, snapshot {done['snapshot']}"


@check("E3")
def any_size(case):
    server = case.server("cold.small_files_max=1000")
    for size in (1, 10, 999, 1000, 1001, case.rounds(50000, 10000000)):
        t = make(server, f"d.t{size}")
        fill(server, t, 1, size)
        flush(server, t)
        assert sum(rows for _, rows in kit.live_files(server, t)) == size
        assert count(server, t) == size
    return "1 to 50000 rows and more"


@check("E4")
def all_of_a_namespace(case):
    server = case.server()
    make(server, "n.shared")
    make(server, "n.own", kind="USER")
    make(server, "n.stream", kind="STREAM", options="TTL 1h")
    for name in ("shared", "own", "stream"):
        server.root.sql(f"INSERT INTO n.{name} VALUES (1, 'x')")
    done = {row["table_name"]: row["status"] for row in
            server.root.sql("STORAGE FLUSH ALL IN n").records()}
    assert done == {"shared": "flushed", "own": "flushed", "stream": "skipped: stream"}, done
    assert {path.split(".")[1].split("-")[0] for path in server.files(".parquet")} == \
        {"shared", "own"}
    return str(done)


@check("E5")
def in_files_when_it_returns(case):
    server = case.server()
    t = make(server)
    for i in range(case.rounds(3, 30)):
        fill(server, t, 1000 * i, 200)
        flush(server, t)
        server.kill()
        text = check_offline(server, "--no-log")
        assert f"{200 * (i + 1)} rows alive" in text, text
        server.start()
    return f"{200 * (i + 1)} rows in the files alone, right after the flush"


@check("E6")
def covers_what_was_acknowledged(case):
    server = case.server("cold.small_files_max=1000")
    t = make(server)
    stop = threading.Event()
    seqs = [0] * 8

    def write(number):
        who, i = server.client("root"), 0
        while not stop.is_set():
            body = who.sql(f"INSERT INTO {t} VALUES ({number * 100000 + i}, 'x')").body
            seqs[number] = body["seq"]
            i += 1
        who.close()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    flushes = 0
    try:
        wait_for(lambda: min(seqs) > 0, 20, "a write of each")
        for _ in range(case.rounds(10, 200)):
            highest = max(seqs)
            flush(server, t)
            flushed = server.root.value("SELECT max_seq FROM system.manifest "
                                        "WHERE namespace = 'd'")
            assert (flushed or 0) >= highest, (flushed, highest)
            flushes += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return f"{flushes} flushes beside 8 writers, {max(seqs)} sequences"


@check("E7", "H11")
def flushes_at_once(case):
    server = case.server("cold.small_files_max=8", "log.segment_bytes=1MiB")
    t = make(server)
    written = [0] * 8
    big = "z" * 3000
    rounds = case.rounds(2, 50)
    for _ in range(rounds):
        clients = [server.client("root") for _ in range(8)]

        def work(number, clients=clients):
            who = clients[number]
            try:
                while True:
                    key = number * 1000000 + written[number]
                    who.sql(f"INSERT INTO {t} VALUES ({key}, '{big if key % 7 == 0 else 'x'}')")
                    written[number] += 1
                    who.sql(f"STORAGE FLUSH TABLE {t}")
            except (client.ConnectionLost, OSError):
                pass

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(case.random.uniform(0.8, 1.6))
        server.kill()
        for thread in threads:
            thread.join(30)
        server.start()
        for number in range(8):
            low = number * 1000000
            found = [row[0] - low for row in server.root.rows(
                f"SELECT id FROM {t} WHERE id BETWEEN {low} AND {low + 999999} ORDER BY id")]
            assert found in (list(range(written[number])), list(range(written[number] + 1))), number
            written[number] = len(found)
        total = sum(written)
        assert count(server, t) == total
        assert sum(rows for _, rows in kit.live_files(server, t)) \
            + harness.counts(server, t)[0] == total
    assert total > 8, "nothing was written"
    return f"{total} rows by 8 threads of put and flush, killed {rounds} times: none lost or twice"


@check("E8")
def an_empty_flush(case):
    server = case.server(faults=True)
    t = make(server)
    assert flush(server, t)["status"] == "nothing to do"
    server.stop()
    kit.start_with(server, "flush_write:pause*1")
    server.root.sql(f"INSERT INTO {t} VALUES (1, 'first')")
    job = server.root.value(f"STORAGE FLUSH TABLE {t} ASYNC")
    kit.wait_paused(server)
    server.root.sql(f"INSERT INTO {t} VALUES (2, 'meanwhile')")
    second = threading.Thread(target=lambda: attempt(server.client("root"),
                                                     f"STORAGE FLUSH TABLE {t}"))
    second.start()
    assert count(server, t) == 2
    kit.resume(server)
    second.join(30)
    wait_for(lambda: server.root.value("SELECT state FROM system.jobs WHERE job_id = $1", [job])
             == "completed", what="the job")
    assert flush(server, t)["rows"] in (0, 1) and flush(server, t)["status"] == "nothing to do"
    server.restart(crash=True)
    assert kit.rows_of(server, t) == [[1, "first"], [2, "meanwhile"]]
    return "the row written while a flush stood still is there, before and after a crash"


@check("E9")
def by_each_door(case):
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 10)
    assert flush(server, t)["rows"] == 10
    fill(server, t, 100, 10)
    status, out, error = server.cli("-c", f"STORAGE FLUSH TABLE {t}")
    assert status == 0 and "flushed" in out, (out, error)
    fill(server, t, 200, 10)
    answer = server.root.request("POST", "/v1/sql", {"sql": f"STORAGE FLUSH TABLE {t}"})
    assert answer.status == 200 and b"flushed" in answer.body
    server.stop()
    kit.start_with(server, "flush_write:enospc")
    fill(server, t, 300, 10)
    error = attempt(server.root, f"STORAGE FLUSH TABLE {t}")
    assert error is not None and "no space left" in error.message, error
    status, out, text = server.cli("-c", f"STORAGE FLUSH TABLE {t}")
    assert status == 1 and "no space left" in text + out, (status, out, text)
    assert count(server, t) == 40
    return f"SQL, API and shell; a full disk is told by each ({error.sqlstate})"


@check("E10")
def asynchronously(case):
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 10)
    server.stop()
    kit.start_with(server, "flush_write:pause*1")
    job = server.root.value(f"STORAGE FLUSH TABLE {t} ASYNC")

    def state():
        return server.root.value("SELECT state FROM system.jobs WHERE job_id = $1", [job])

    kit.wait_paused(server)
    assert state() == "running"
    error = attempt(server.root, f"KILL JOB '{job}'")
    assert error is None, error
    kit.resume(server)
    wait_for(lambda: state() in ("cancelled", "completed"), 30, "the job's end")
    ended = state()
    assert count(server, t) == 10
    flush(server, t)
    assert count(server, t) == 10
    return f"running, then {ended} after KILL JOB; the rows stayed"


# ---- F ----

def start_until_killed(server, fault, load):
    """The exit status. Points that recovery passes, too, may end the server as it starts."""
    try:
        kit.start_with(server, fault)
    except AssertionError:
        if server.process.returncode != -signal.SIGKILL:
            raise
        return server.process.returncode
    load.start()
    try:
        status = server.wait(30)
    except subprocess.TimeoutExpired:
        status = None
        server.kill()
    load.join()
    return status


def kill_at(case, point, passing, settings=(), prepare=None, rounds=(1, 5)):
    """The load of tests/crash until the server dies at the point; then everything is verified."""
    hits = 0
    server = case.server("cold.small_files_max=4", "log.segment_bytes=1MiB",
                         "flush.check_every=100ms", *settings, faults=True)
    load = kit.Load(case, server).prepare()
    if prepare is not None:
        prepare(server)
    for _ in range(case.rounds(*rounds)):
        server.stop()
        status = start_until_killed(server, f"{point}:kill@{case.random.randrange(*passing)}", load)
        assert status == -signal.SIGKILL, f"{point} was not passed: {status} {server.log_tail()}"
        hits += 1
        text = check_offline(server)
        server.start()
        load.verify()
    server.kill()
    text = check_offline(server)
    return hits, load.acknowledged, text.count("orphan: ")


def error_at(case, point):
    """Each kind of error once: told or retried, nothing lost."""
    told = 0
    for action in ("eio", "enospc"):
        server = case.server("cold.small_files_max=1000", faults=True)
        t, u = make(server), make(server, "d.u", kind="USER")
        fill(server, t, 1, 100)
        fill(server, u, 1, 100)
        server.user("alice").sql("INSERT INTO d.u VALUES (1, 'a')")
        flush(server, t)
        server.stop()
        kit.start_with(server, f"{point}:{action}*1")
        server.root.sql(f"DELETE FROM {t} WHERE id < 10")
        fill(server, t, 1000, 50)
        for table in (t, u):
            told += attempt(server.root, f"STORAGE FLUSH TABLE {table}") is not None
        assert count(server, t) == 141
        for table in (t, u):
            wait_for(lambda name=table: attempt(server.root, f"STORAGE FLUSH TABLE {name}") is None,
                     20, "the retry")
        assert harness.counts(server, t) == (0, 141), harness.counts(server, t)
        server.restart(crash=True)
        assert count(server, t) == 141
        assert server.root.value("SELECT count(*) FROM d.u FOR ALL USERS") == 101
        server.kill()
        check_offline(server)
        server.end()
    return told


def step(name, point, passing=(1, 6), with_error=True, settings=()):
    def function(case):
        hits, acknowledged, orphans = kill_at(case, point, passing, settings)
        text = f"{point}: killed {hits} times, {acknowledged} acknowledged, 0 lost"
        if with_error:
            told = error_at(case, point)
            text += f"; eio and enospc: {told} told, retried, 0 lost"
        return text + f"; {orphans} orphans left"
    kit.CHECKS[name] = function


step("F1", "flush_rotate_memtable")
step("F2", "log_directory_sync", (2, 3), with_error=False)
step("F3", "flush_before_write")
step("F4", "flush_mid_write")
step("F5", "flush_after_write")
step("F6", "flush_after_file_sync")
step("F7", "flush_after_directory_sync")
step("F8", "flush_mid_metadata")
step("F9", "flush_after_metadata_sync")
step("F10", "flush_after_link", with_error=False)  # at a start it refuses the start
step("F11", "flush_after_commit", with_error=False)
step("F12", "flush_after_install")
step("F14", "flush_after_release", with_error=False)
step("F15", "flush_multi_file")


@check("F13")
def while_segments_go(case):
    hits, acknowledged, _ = kill_at(case, "flush_mid_release", (1, 3),
                                    ("feed.bytes_max=0B", "feed.retention=0s",
                                     "log.bytes_max=4MiB"),
                                    rounds=(1, 5))
    return f"killed {hits} times between segments, {acknowledged} acknowledged, 0 lost"


@check("F16")
def definitions_and_compactions(case):
    text = []
    for point, passing in (("compaction_commit", (1, 3)), ("checkpoint_publish", (1, 3)),
                           ("checkpoint_write", (1, 3))):
        settings = ("log.bytes_max=8MiB",) if point.startswith("check") else ()
        hits, acknowledged, _ = kill_at(case, point, passing, settings)
        text.append(f"{point} {hits}")
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 100)
    flush(server, t)
    for statement, seen in ((f"ALTER TABLE {t} ADD COLUMN more INT DEFAULT 3", 1),
                            (f"TRUNCATE {t}", 100), (f"DROP TABLE {t}", 100)):
        server.stop()
        kit.start_with(server, "ddl_commit:kill")
        assert attempt(server.root, statement) is not None
        server.wait(20)
        check_offline(server)
        server.start()
        assert count(server, t) == 100 and seen, statement
    error = None
    server.stop()
    kit.start_with(server, "ddl_commit:eio*1")
    error = attempt(server.root, f"TRUNCATE {t}")
    assert error is not None and count(server, t) == 100
    server.root.sql(f"TRUNCATE {t}")
    assert count(server, t) == 0
    return ", ".join(text) + ", ddl_commit 3 kills; there is no export beside the Iceberg table"


@check("F17")
def loss_of_power(case):
    program = os.path.join(harness.need_faults(), "engine_sim")
    if not os.path.exists(program):
        raise harness.Skip("build/check/engine_sim is not built: make simulation")
    worlds = case.rounds(60, 2000)
    first = case.random.randrange(1, 1 << 30)
    ended = subprocess.run([program, "--seeds", str(worlds), "--from", str(first)],
                           capture_output=True, text=True, timeout=3600, check=False)
    assert ended.returncode == 0, ended.stdout[-800:] + ended.stderr[-400:]
    crashes = re.search(r"^(crashes: (\d+), .*)$", ended.stdout, re.M)
    assert crashes and int(crashes.group(2)) > 0, ended.stdout[-300:]
    return f"{worlds} worlds from seed {first}: {crashes.group(1)}"


@check("F20")
def no_row_in_two_files(case):
    server = case.server("flush.bytes=64KiB", "flush.check_every=50ms",
                         "cold.small_files_max=10000")
    t = make(server)
    each = case.rounds(60, 1000)

    def write(number):
        who = server.client("root")
        for i in range(each):
            who.sql(f"INSERT INTO {t} VALUES ({number * 100000 + i}, '{'x' * 500}')")
            if i % 20 == number:
                who.sql(f"STORAGE FLUSH TABLE {t}")
        who.close()

    kit.in_threads(8, write)
    flush(server, t)
    rows = sum(number for _, number in kit.live_files(server, t))
    assert rows == 8 * each == count(server, t), (rows, 8 * each)
    assert server.root.value(f"SELECT count(DISTINCT _seq) FROM {t}") == rows
    return f"{rows} rows in {len(kit.live_files(server, t))} files of first generation, each once"


@check("F21")
def commit_and_install(case):
    server = case.server("cold.small_files_max=2", "flush.check_every=50ms")
    t = make(server)
    stop, problems, floor = threading.Event(), [], [0]
    looked = [0, 0]

    def read(number):
        who, snapshot = server.client("root"), -1
        while not stop.is_set():
            least = floor[0]
            if number == 0 and least > 0:
                key = case.random.randrange(least)
                if who.rows(f"SELECT id FROM {t} WHERE id = {key}") != [[key]]:
                    problems.append(f"key {key} of {least} is not visible")
            else:
                now = who.rows("SELECT metadata_path FROM system.manifest WHERE namespace = 'd'")
                version = who.value("SELECT count(*) FROM system.snapshots WHERE namespace = 'd'")
                if version < snapshot:
                    problems.append(f"snapshots go back: {snapshot} to {version} {now}")
                snapshot = version
            looked[number] += 1
        who.close()

    readers = [threading.Thread(target=read, args=(n,)) for n in range(2)]
    for reader in readers:
        reader.start()
    flushes = case.rounds(25, 10000)
    try:
        for i in range(flushes):
            fill(server, t, 10 * i, 10)
            floor[0] = 10 * i + 10
            flush(server, t)
            if i % 5 == 4:
                server.root.sql(f"STORAGE COMPACT TABLE {t}")
            assert not problems, problems[0]
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    return f"{flushes} flushes beside compactions, {looked[0]} keys looked up, none missing"


@check("F22")
def orphans_are_swept(case):
    server = case.server("cold.snapshot_retention=1ms", "flush.check_every=50ms", faults=True)
    t = make(server)
    fill(server, t, 1, 50)
    for point in ("flush_after_write", "flush_after_directory_sync", "flush_after_metadata_sync"):
        server.stop()
        kit.start_with(server, f"{point}:kill")
        attempt(server.root, f"STORAGE FLUSH TABLE {t}")
        server.wait(20)
    left = check_offline(server).count("orphan: ")
    assert left > 0, "the crashes left nothing behind: nothing is shown"
    server.start()
    flush(server, t)

    def is_clean():
        paths = server.files(".parquet") + server.files(".keys")
        return len(paths) == 2 * len(kit.live_files(server, t))

    wait_for(is_clean, 40, "the sweep")
    assert count(server, t) == 50
    server.kill()
    text = check_offline(server)
    assert ".parquet: no commit" not in text and ".keys: no commit" not in text, text
    return f"{left} orphans after three crashes, swept"


@check("F23")
def names_are_unique(case):
    server = case.server("cold.small_files_max=10000")
    t = make(server)
    seen = set()
    for i in range(100):
        server.root.sql(f"INSERT INTO {t} VALUES ({i}, 'x')")
        flush(server, t)
    seen = {os.path.basename(path) for path, _ in kit.live_files(server, t)}
    assert len(seen) == 100, len(seen)
    return "100 flushes, 100 names"


@check("F24", "H10")
def order_of_a_flush(case):
    server = case.server("feed.bytes_max=0B", "feed.retention=0s", "log.segment_bytes=1MiB",
                         "log.bytes_max=4MiB", "flush.check_every=100ms", "flush.bytes=1GiB")
    t = make(server)
    for i in range(2):
        fill(server, t, 1000 * i, 400, body="z" * 1000)
    trace = kit.Trace(server, "fsync,fdatasync,link,linkat,rename,unlink,pwrite64")
    flush(server, t)
    for i in range(4):
        fill(server, t, 10000 * (i + 1), 400, body="z" * 1000)
        flush(server, t)
    time.sleep(1)
    lines = trace.stop()

    def first(pattern, behind=0):
        for number in range(behind, len(lines)):
            if re.search(pattern, lines[number]):
                return number
        raise AssertionError(f"no {pattern} behind line {behind}")

    data = first(r"fsync\(\d+<[^>]*\.parquet")
    folder = first(r"fsync\(\d+<[^>]*/data>", data)
    metadata = first(r"fsync\(\d+<[^>]*/metadata/[^>]*\.metadata", folder)
    names = first(r"fsync\(\d+<[^>]*/metadata>", metadata)
    record = first(r"fdatasync\(\d+<[^>]*/log/", names)
    link = first(r"link(at)?\(.*metadata\.json", record)
    gone = [n for n, line in enumerate(lines)
            if re.search(r"(unlink|rename)\(.*/log/[0-9a-f]+\.log", line)]
    assert all(n > record for n in gone), "a segment went before the commit record"
    order = [data, folder, metadata, names, record, link]
    assert order == sorted(order), order
    return (f"data, its folder, metadata, its folder, commit record, link: lines {order}; "
            f"{len(gone)} segments removed or reused, all later")
