"""N: after the flush. O: the long runs."""
import os
import re
import subprocess
import sys
import threading
import time

import client
import harness
import kit
from kit import (attempt, check, check_offline, count, fill, flush, make, rows_of, stat, wait_for)

@check("N1")
def file_count_is_bounded(case):
    server = case.server("cold.small_files_max=8", "cold.snapshot_retention=1ms",
                         "flush.check_every=50ms")
    t = make(server)
    flushes = case.rounds(60, 10000)
    most = 0
    for i in range(flushes):
        server.root.sql(f"INSERT INTO {t} VALUES ({i}, 'x')")
        flush(server, t)
        most = max(most, len(kit.live_files(server, t)))
    wait_for(lambda: len(kit.live_files(server, t)) <= 9, 30, "the last compaction")
    assert most <= 24, f"{most} files"
    assert count(server, t) == flushes
    left = len(kit.live_files(server, t))
    return f"{flushes} flushes of one row: at most {most} files, {left} left"


@check("N2")
def content_is_kept(case):
    server = case.server("cold.small_files_max=10000")
    t = make(server)
    rounds = case.rounds(6, 1000)
    for i in range(rounds):
        for _ in range(3):
            first = case.random.randrange(1000)
            server.root.sql(f"INSERT INTO {t} SELECT i, 'r{i}' FROM generate_series({first}, "
                            f"{first + 30}) AS g(i) ON CONFLICT (id) DO UPDATE SET body = "
                            "excluded.body")
            server.root.sql(f"DELETE FROM {t} WHERE id % 17 = {case.random.randrange(17)}")
            flush(server, t)
        before = server.root.rows(f"SELECT *, _seq, _updated FROM {t} ORDER BY id")
        server.root.sql(f"STORAGE COMPACT TABLE {t}")
        after = server.root.rows(f"SELECT *, _seq, _updated FROM {t} ORDER BY id")
        assert before == after, i
    return f"{rounds} compactions, every row with its sequence and time as before"


@check("N3")
def pinned_files_stay(case):
    server = case.server("cold.snapshot_retention=1ms", "cold.small_files_max=2",
                         "flush.check_every=20ms")
    t = make(server)
    fill(server, t, 1, 2000)
    flush(server, t)
    stop, problems, scans = threading.Event(), [], [0]

    def read():
        who = server.client("root")
        while not stop.is_set():
            try:
                found = who.value(f"SELECT count(*) FROM {t} a WHERE (SELECT max(length(b.body)) "
                                  f"FROM {t} b WHERE b.id < 50) >= 0 AND length(a.body) > 0")
                scans[0] += 1
                if found < 2000:
                    problems.append(found)
            except client.SqlError as error:
                problems.append(error)
        who.close()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    removed = stat(server, "firn_gc_files_removed_total")
    try:
        end = time.monotonic() + case.rounds(6, 120)
        i = 0
        while time.monotonic() < end and not problems:
            server.root.sql(f"UPDATE {t} SET body = 'v{i}' WHERE id % 9 = {i % 9}")
            flush(server, t)
            server.root.sql(f"STORAGE COMPACT TABLE {t}")
            i += 1
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not problems, problems[:2]
    removed = stat(server, "firn_gc_files_removed_total") - removed
    assert removed > 0, "no file was removed: nothing is shown"
    return f"{scans[0]} scans beside {i} compactions, {removed:.0f} files removed, none missing"


@check("N4")
def the_list_survives(case):
    server = case.server("cold.snapshot_retention=1h", "flush.check_every=50ms",
                         "cold.small_files_max=1000")
    t = make(server)
    for i in range(4):
        fill(server, t, 100 * i, 50)
        flush(server, t)
    server.root.sql(f"STORAGE COMPACT TABLE {t}")
    before = [path for path in server.files(".parquet") if "/data/" in path]
    assert len(before) == 5, before
    server.kill()
    server.settings = ["cold.snapshot_retention=1ms", "cold.snapshots_max=1",
                       "flush.check_every=10ms", "cold.small_files_max=1000"]
    server.start()
    wait_for(lambda: len([p for p in server.files(".parquet") if "/data/" in p]) == 1, 40,
             "the end of the files that were replaced")
    assert count(server, t) == 200
    server.kill()
    check_offline(server)
    return "killed before the removal; four of five files went after the restart"


def watch_memory(server, most, stop):
    """The most of server and workers together, without what they share."""
    while not stop.is_set():
        total = kit.rss_bytes(server)
        for worker in server.workers():
            try:
                with open(f"/proc/{worker}/smaps_rollup", encoding="ascii") as file:
                    dirty = re.search(r"Private_Dirty:\s+(\d+)", file.read())
                total += int(dirty.group(1)) << 10
            except (OSError, AttributeError):
                pass  # it is gone
        most[0] = max(most[0], total)
        time.sleep(0.01)


def compact_watched(server, t):
    """(the command's answer, the most of memory above what was taken before)."""
    most, stop = [0], threading.Event()
    watcher = threading.Thread(target=watch_memory, args=(server, most, stop))
    floor = kit.rss_bytes(server)
    who = server.client("root", timeout=3600)
    watcher.start()
    try:
        done = who.sql(f"STORAGE COMPACT TABLE {t}").records()[0]
    finally:
        stop.set()
        watcher.join()
        who.close()
    return done, most[0] - floor


@check("N5")
def compaction_needs_little_memory(case):
    """Keys that grow, whose files lie behind each other; and any, whose files have to be sorted."""
    megabytes = case.rounds(60, 4096)
    budget, text = 256, []
    for name, key in (("growing", "i"), ("mixed", "(i::BIGINT * 1103515245 % 2147483647)::INT")):
        server = case.server(f"engine.worker_memory_max={budget}MiB", "engine.workers=1",
                             "cold.small_files_max=10000", "flush.bytes=16MiB",
                             "flush.check_every=100ms", "statement.timeout=1h")
        t = make(server)
        for i in range(megabytes):
            server.root.sql(f"INSERT INTO {t} SELECT {key}, md5(i::text) || repeat('y', 970) FROM "
                            f"generate_series({1000 * i}, {1000 * i + 999}) AS g(i)")
        flush(server, t)
        rows, before = count(server, t), len(kit.live_files(server, t))
        done, grown = compact_watched(server, t)
        after = len(kit.live_files(server, t))
        assert done["status"] == "compacted" and after < before, (done, before, after)
        assert count(server, t) == rows == 1000 * megabytes
        assert grown <= 1.5 * budget * 1048576, f"{name}: {grown >> 20} MiB"
        text.append(f"{name} keys: {before} files became {after} within {grown >> 20} MiB")
        server.end()
    return f"{megabytes} MB each, budget {budget} MiB; {'; '.join(text)}"


@check("N6")
def a_failed_compaction(case):
    server = case.server("cold.small_files_max=1000", "cold.deleted_ratio_max=1", faults=True)
    t = make(server)
    for i in range(4):
        fill(server, t, 100 * i, 50)
        flush(server, t)
    server.root.sql(f"DELETE FROM {t} WHERE id % 3 = 0")
    before, files = rows_of(server, t), None
    server.stop()
    kit.start_with(server, "compact_write:eio*1")
    flush(server, t)
    files = kit.live_files(server, t)
    error = attempt(server.root, f"STORAGE COMPACT TABLE {t}")
    assert error is not None, "the failure was not told"
    assert stat(server, "firn_compact_failed_total") == 1
    assert rows_of(server, t) == before and kit.live_files(server, t) == files
    server.root.sql(f"STORAGE COMPACT TABLE {t}")
    assert rows_of(server, t) == before
    return f"{error.sqlstate}, counted; the files as they were; the next one worked"


# ---- O ----

def run_crashes(case, rounds, *arguments):
    """tests/crash/run.py in two loops side by side; its output."""
    ended = subprocess.run([sys.executable, os.path.join(kit.TESTS, "crash", "run.py"), "--rounds",
                            str(rounds), "--seed", str(case.seed), "--jobs", "2", *arguments],
                           capture_output=True, text=True, check=False, timeout=120 + 30 * rounds)
    assert ended.returncode == 0, ended.stdout[-2500:]
    return ended.stdout


@check("O1")
def crash_loop(case):
    rounds = case.rounds(16, 1000)
    text = run_crashes(case, rounds)
    acknowledged = re.search(r"^acknowledged: (\d+)", text, re.M)
    return f"{acknowledged.group(1)} acknowledged, {text.splitlines()[-1]}"


@check("O2")
def every_point_is_hit(case):
    """A fault point in each round of the crash loop, until each was hit; and the table of them."""
    text = run_crashes(case, case.rounds(120, 400), "--points",
                       *(["--until-covered"] if case.short else []))
    table = re.findall(r"^(\w+) +[\d,]+ +\d+ +(\d+) +(\d+)$", text, re.M)
    assert table and all(int(fired) > 0 for _, fired, _ in table), table
    for name, fired, killed in table:
        print(f"      {name:28} hit {fired:>4}, killed there {killed:>4}")
    return f"{len(table)} points, each hit; {text.splitlines()[-1]}"


def faults_within(case):
    """A whole database whose calls and allocations fail in turn (tests/faults), some of them."""
    program = os.path.join(harness.need_faults(), "faults")
    ended = subprocess.run([program, "--samples", str(case.rounds(1, 8)), "--seed", str(case.seed)],
                           cwd=harness.ROOT, capture_output=True, text=True, check=False,
                           timeout=3600)
    assert ended.returncode == 0, ended.stdout[-3000:]
    return ended.stdout.splitlines()[-2].split(",")[0]


@check("O3")
def faults_at_calls(case):
    """Errors that strace makes of system calls of the release, and that tests/faults makes of calls
    and allocations: told, and nothing is lost."""
    within = faults_within(case)
    told = 0
    kinds = [("fdatasync", "error=EIO"), ("pwrite64", "error=ENOSPC"), ("pwrite64", "error=EINTR"),
             ("fsync", "error=EIO"), ("link", "error=EIO"), ("fdatasync", "delay_enter=200000")]
    for call, what in kinds:
        server = case.server("flush.check_every=100ms")
        t = make(server)
        fill(server, t, 1, 30)
        which = case.random.randrange(3, 12)
        trace = kit.Trace(server, call, "-e", f"inject={call}:{what}:when={which}")
        acknowledged, unknown = set(range(1, 31)), set()
        for i in range(100, 140):
            error = attempt(server.root, f"INSERT INTO {t} VALUES ({i}, 'x')")
            if error is None:
                acknowledged.add(i)
            else:
                unknown.add(i)
                told += 1
            if i % 10 == 0:
                told += attempt(server.root, f"STORAGE FLUSH TABLE {t}") is not None
        trace.stop()
        server.kill()
        server.start()
        found = {row[0] for row in server.root.rows(f"SELECT id FROM {t}")}
        assert acknowledged <= found <= acknowledged | unknown, \
            f"{call} {what} at {which}: lost {acknowledged - found}, " \
            f"invented {found - acknowledged - unknown}"
        server.kill()
        check_offline(server)
        server.end()
    return f"{len(kinds)} kinds at system calls, {told} errors told; {within} within; 0 lost"


SANITIZERS = (("debug", "ASan and UBSan"), ("tsan", "TSan"))


def sanitized_programs(case, folder):
    """False where they are not built, and it is not for the short form to build them."""
    if not case.short:
        jobs = str(os.cpu_count() or 1)
        subprocess.run(["make", "-C", harness.ROOT, f"-j{jobs}", f"FLAVOR={folder}", "programs"],
                       stdout=subprocess.DEVNULL, check=True, timeout=3600)
    return all(os.path.exists(os.path.join(harness.ROOT, "build", folder, name))
               for name in ("firnd", "firn-worker"))


@check("O4")
def sanitizers(case):
    text = []
    for folder, name in SANITIZERS:
        if not sanitized_programs(case, folder):
            continue
        rounds = case.rounds(2, 50)
        run = [sys.executable, os.path.join(kit.TESTS, "crash", "run.py"), "--rounds", str(rounds),
               "--seed", str(case.seed), "--server", f"build/{folder}"]
        environment = {**os.environ, "TSAN_OPTIONS": "ignore_noninstrumented_modules=1"}
        ended = subprocess.run(run, capture_output=True, text=True, check=False,
                               env=environment, timeout=300 + 120 * rounds)
        said = ended.stdout + ended.stderr
        assert ended.returncode == 0 and "Sanitizer" not in said, said[-1500:]
        text.append(f"{rounds} rounds under {name}")
    if not text:
        raise kit.NotApplicable("no programs with sanitizers are built here, and building them is "
                                "for the long form (make FLAVOR=debug programs)")
    return "clean: " + ", ".join(text)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores"


def measure_writers(server, t, writers, each, base):
    """(acknowledged per s, p50, p99 in ms, syncs per acknowledgement)."""
    took = []
    clients = [server.client("root") for _ in range(writers)]
    for who in clients:
        who.sql("SELECT 1")
    before, begin = stat(server, "firn_log_syncs_total"), time.monotonic()

    def write(number):
        for i in range(each):
            sent = time.monotonic()
            clients[number].sql(f"INSERT INTO {t} VALUES ({base + number * each + i}, 'x')")
            took.append(time.monotonic() - sent)

    kit.in_threads(writers, write)
    seconds = time.monotonic() - begin
    syncs = stat(server, "firn_log_syncs_total") - before
    took.sort()
    return (len(took) / seconds, 1000 * took[len(took) // 2], 1000 * took[len(took) * 99 // 100],
            syncs / len(took))


@check("O5")
def figures_of_syncs(case):
    """What make bench prints for each load, taken here of a short one: mode, hardware, syncs,
    operations, latencies. No figure of speed is asserted."""
    server = case.server()
    t = make(server)
    mode = server.root.value("SELECT value FROM system.settings WHERE name = 'log.durability'")
    text = [f"durability {mode}, {processor()}"]
    for writers, each in ((1, case.rounds(100, 2000)), (16, case.rounds(40, 1000))):
        rate, p50, p99, syncs = measure_writers(server, t, writers, each, 1000000 * writers)
        assert writers > 1 or syncs >= 1, f"{syncs} syncs for each acknowledgement"
        text.append(f"{writers} writers {rate:.0f}/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms, "
                    f"{syncs:.2f} syncs each")
    trace = kit.Trace(server, "fsync,fdatasync")
    done = flush(server, t)
    lines = trace.stop()
    synced = len(kit.finished(lines, "fsync", "")) + len(kit.finished(lines, "fdatasync", ""))
    assert done["rows"] > 0 and synced >= 6, (done, synced)  # two files, two folders, log, metadata
    text.append(f"a flush of {done['rows']} rows: {synced} syncs")
    with open(os.path.join(harness.ROOT, "bench", "parts.py"), encoding="utf-8") as file:
        printed = file.read()
    assert "syncs/request" in printed and "p50" in printed and "p99" in printed
    return "; ".join(text)


@check("O6")
def the_output_is_kept(case):
    path = os.path.join(harness.ROOT, "tools", "run-tests")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert "tests/durability/run.py" in text and "test-logs" in text, \
        "make test does not run this and keep what it prints"
    return "make test keeps this output in build/test-logs/durability.log"
