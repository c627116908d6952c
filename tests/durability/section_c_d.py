"""C: triggers are honoured. D: the manager of background work."""
import os
import signal
import time

import harness
import kit
from kit import attempt, check, count, fill, flush, make, stat, wait_for

QUICK = "flush.check_every=100ms"


def finished_flushes(server, table):
    return [row for row in harness.jobs(server, "flush", table) if row[1] == "completed"]


def load_kilobytes(server, table, rows=2000, base=0):
    for first in range(base, base + rows, 200):
        last = min(first + 200, base + rows) - 1
        server.root.sql(f"INSERT INTO {table} SELECT i, repeat('v', 1500) FROM "
                        f"generate_series({first}, {last}) AS g(i)")


def flushes_by_bytes(case, name):
    server = case.server(QUICK)
    t = make(server, name, options="WITH (flush_bytes='1MiB')")
    for first in range(0, 5000, 50):
        load_kilobytes(server, t, 50, first)
        time.sleep(0.02)
        wait_for(lambda: stat(server, "firn_flush_queue") == 0
                 and stat(server, "firn_flush_in_flight") == 0, 20, "the flush by bytes")
    assert len(finished_flushes(server, t)) >= 7, finished_flushes(server, t)
    done = finished_flushes(server, t)
    assert len(done) <= 12 and {row[3] for row in done} == {"bytes"}, done
    assert count(server, t) == 5000
    return server, len(done)


@check("C1")
def by_bytes(case):
    server, done = flushes_by_bytes(case, "d.t")
    quiet = case.server(QUICK, "flush.bytes=1GiB", "flush.memory_max=4GiB", "cache.rows_bytes=0B")
    t = make(quiet)
    load_kilobytes(quiet, t, 2000)
    before, counted = kit.rss_bytes(quiet), stat(quiet, "firn_memory_active_bytes")
    load_kilobytes(quiet, t, 20000, 2000)
    grown = kit.rss_bytes(quiet) - before
    counted = stat(quiet, "firn_memory_active_bytes") - counted
    assert 0.8 * grown <= counted <= 1.25 * grown, f"{counted} counted, {grown} measured"
    return f"{done} flushes of 7.5 MB; {counted / 1e6:.1f} MB counted, {grown / 1e6:.1f} MB of RSS"


@check("C2")
def by_rows(case):
    server = case.server(QUICK)
    t = make(server, options="FLUSH ROWS 100")
    for first in range(0, 1000, 100):
        fill(server, t, first, 100)
        wait_for(lambda wanted=first + 100: harness.counts(server, t) == (0, wanted), 20, "a flush")
    done = finished_flushes(server, t)
    assert 9 <= len(done) <= 11 and {row[3] for row in done} == {"rows"}, done
    return f"{len(done)} flushes of 1000 rows"


@check("C3")
def by_time(case):
    server = case.server()
    t = make(server, options="FLUSH INTERVAL 2s")
    server.root.sql(f"INSERT INTO {t} VALUES (1, 'alone')")
    wait_for(lambda: harness.counts(server, t) == (0, 1), 10, "the flush of an idle table")
    assert len(kit.live_files(server, t)) == 1
    return "one row, no client: flushed"


@check("C4")
def whichever_first(case):
    server = case.server(QUICK)
    t = make(server, options="FLUSH ROWS 1000 INTERVAL 2s")
    fill(server, t, 1, 10)
    wait_for(lambda: finished_flushes(server, t), 10, "the flush by time")
    assert finished_flushes(server, t)[0][3] == "interval"
    fill(server, t, 100, 1000)
    wait_for(lambda: len(finished_flushes(server, t)) == 2, 10, "the flush by rows")
    assert finished_flushes(server, t)[1][3] == "rows"
    return "10 rows by interval, 1000 by rows"


@check("C5")
def memory_of_all(case):
    server = case.server(QUICK, "flush.memory_max=8MiB", "flush.bytes=1GiB",
                         "flush.rows=1000000000")
    tables = [make(server, f"d.t{i}") for i in range(10)]
    most = 0
    for first in range(0, 3000, 200):
        for t in tables:
            fill(server, t, first, 200, body="m" * 80)
            most = max(most, stat(server, "firn_memory_active_bytes")
                       + stat(server, "firn_memory_sealed_bytes"))
    triggers = {row[3] for t in tables for row in finished_flushes(server, t)}
    assert triggers == {"memory"}, triggers
    assert most <= (8 << 20) + (2 << 20), f"{most} bytes"
    assert all(count(server, t) == 3000 for t in tables)
    return f"at most {most / 1048576:.1f} MiB of 8"


@check("C6")
def by_log_size(case):
    server = case.server(QUICK, "log.bytes_max=8MiB", "log.segment_bytes=1MiB", "flush.bytes=1GiB",
                         "flush.rows=1000000000", "feed.bytes_max=4MiB")
    cold, hot = make(server, "d.cold"), make(server, "d.hot")
    server.root.sql(f"INSERT INTO {cold} VALUES (1, 'pins the log')")
    most = 0
    for i in range(60):
        server.root.sql(f"INSERT INTO {hot} SELECT i, repeat('h', 1900) FROM "
                        f"generate_series(0, 199) AS g(i) ON CONFLICT (id) DO UPDATE SET body = "
                        f"'{i}' || excluded.body")
        most = max(most, stat(server, "firn_log_unflushed_bytes"))
    wait_for(lambda: harness.counts(server, cold) == (0, 1), 20, "the flush of the cold table")
    assert {row[3] for row in finished_flushes(server, cold)} == {"log"}
    assert most <= (8 << 20) + (2 << 20), most
    wait_for(lambda: stat(server, "firn_log_released_bytes") <= 6 << 20, 20, "feed.bytes_max")
    return f"unflushed at most {most / 1048576:.1f} MiB of 8"


@check("C7")
def own_policies(case):
    server = case.server(QUICK, "flush.rows=1000")
    t, other = make(server, "d.t"), make(server, "d.other")
    server.root.sql(f"ALTER TABLE {t} SET (flush_rows=5)")
    fill(server, t, 1, 5)
    fill(server, other, 1, 5)
    wait_for(lambda: harness.counts(server, t) == (0, 5), 10, "the flush by the changed policy")
    assert harness.counts(server, other) == (5, 0)
    return "5 rows after ALTER TABLE, no restart"


@check("C8")
def keys_of_the_configuration(case):
    server = case.server(start=False)
    for text in ("flush.rowz=1", "flush.rows=0", "flush.rows=x", "log.durability=maybe",
                 "nothing.at_all=1"):
        server.settings = [text]
        server.spawn()
        status = server.wait(30)
        assert status == 2, f"{text}: exit {status}\n{server.log_tail()}"
    server.settings = []
    server.start()
    names = {row[0] for row in server.root.rows("SELECT name FROM system.settings")}
    path = os.path.join(kit.TESTS, "integration", "test_configuration.py")
    with open(path, encoding="utf-8") as file:
        tests = file.read()
    paths = [os.path.join(top, name) for top, _, found in os.walk(kit.TESTS) for name in found
             if name.endswith((".py", ".c", ".slt")) and "configuration_test.c" not in name]
    source = tests
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as file:
            source += file.read()
    storage = {name for name in names if name.split(".")[0] in
               ("log", "feed", "flush", "stall", "cold", "snapshot", "cache")}
    storage.discard("cache.files_bytes")  # of remote storages, which are not built
    untested = sorted(name for name in storage if name not in source)
    assert not untested, f"no test shows the effect of: {', '.join(untested)}"
    return f"5 bad settings refused; each of {len(storage)} keys of the storage is used by a test"


@check("C9")
def an_empty_table(case):
    server = case.server(QUICK)
    t = make(server, options="FLUSH INTERVAL 1s")
    time.sleep(case.rounds(4, 10))
    assert harness.jobs(server, "flush", t) == [] and kit.live_files(server, t) == []
    return "no file, no job"


@check("C10")
def names_mean_nothing(case):
    _, done = flushes_by_bytes(case, "memory.memory_test")
    return f"{done} flushes of memory.memory_test"


# ---- D ----

@check("D1")
def runs_by_default(case):
    server = case.server()
    assert stat(server, "firn_background_running") == 1
    before = stat(server, "firn_background_ticks_total")
    tasks = f"/proc/{server.process.pid}/task"
    names = set()
    for task in os.listdir(tasks):
        with open(os.path.join(tasks, task, "comm"), encoding="ascii") as comm:
            names.add(comm.read().strip())
    assert any("job" in name for name in names), names
    wait_for(lambda: stat(server, "firn_background_ticks_total") > before, 15, "a tick")
    return ", ".join(sorted(name for name in names if "job" in name))


@check("D2")
def does_real_work(case):
    server = case.server(QUICK)
    t = make(server, options="FLUSH ROWS 50")
    before = stat(server, "firn_flush_completed_total")
    for first in range(0, 300, 50):
        fill(server, t, first, 50)
        wait_for(lambda wanted=first + 50: harness.counts(server, t) == (0, wanted), 20, "a flush")
    flushes = stat(server, "firn_flush_completed_total") - before
    on_disk = [path for path in server.files(".parquet") if "/data/" in path]
    named = server.root.value("SELECT files FROM system.manifest WHERE namespace = 'd'")
    assert flushes == len(on_disk) == named == 6, (flushes, on_disk, named)
    return f"{flushes:.0f} flushes, {len(on_disk)} files, {named} in the manifest"


@check("D3", "L4")
def survives_a_failed_job(case):
    server = case.server(QUICK, faults=True)
    t = make(server, options="FLUSH ROWS 10")
    server.stop()
    kit.start_with(server, "flush_write:eio*3")
    fill(server, t, 1, 20)
    wait_for(lambda: stat(server, "firn_flush_failed_total") >= 1, 20, "the failure")
    errors = [row[0] for row in server.root.rows("SELECT error FROM system.jobs WHERE type = "
                                                 "'flush' AND error IS NOT NULL")]
    assert errors and "input/output" in errors[0], errors
    assert count(server, t) == 20
    wait_for(lambda: harness.counts(server, t) == (0, 20), 60, "the flush after three failures")
    # The rows are settled a moment before their job is done and counted.
    wait_for(lambda: stat(server, "firn_flush_completed_total") >= 1, 20, "the end of its job")
    failed = stat(server, "firn_flush_failed_total")
    completed = stat(server, "firn_flush_completed_total")
    assert failed == 3 and completed == 1, (failed, completed)
    assert count(server, t) == 20
    return f"{failed:.0f} failures counted, {completed:.0f} success; {errors[0][:60]}"


@check("D4")
def resumes_after_a_crash(case):
    server = case.server(QUICK, faults=True)
    t = make(server)
    fill(server, t, 1, 50)
    server.stop()
    kit.start_with(server, "flush_after_write:kill")
    assert attempt(server.root, f"STORAGE FLUSH TABLE {t}") is not None
    server.wait(20)
    server.start()
    wait_for(lambda: not server.root.rows("SELECT 1 FROM system.jobs WHERE state = 'running'"), 30,
             "no job that is stuck")
    states = {row[1] for row in harness.jobs(server, "flush", t)}
    assert states <= {"completed", "superseded"}, states
    assert count(server, t) == 50
    return f"the job ends {', '.join(sorted(states))}"


@check("D5")
def a_stop_waits_for_the_flush(case):
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 50)
    server.stop()
    kit.start_with(server, "flush_write:pause*1")
    server.root.sql(f"STORAGE FLUSH TABLE {t} ASYNC")
    kit.wait_paused(server)
    server.signal(signal.SIGTERM)
    time.sleep(1)
    assert server.is_alive(), "it did not wait"
    kit.resume(server)
    assert server.wait(60) == 0, server.log_tail()
    server.start()
    assert harness.counts(server, t) == (0, 50)
    return "stopped after the flush, exit 0"


@check("D6")
def one_table_fails_alone(case):
    server = case.server(QUICK)
    a, b = make(server, "d.a"), make(server, "d.b")
    fill(server, a, 1, 20)
    flush(server, a)
    folder = next(os.path.join(server.data, "storage", name)
                  for name in os.listdir(os.path.join(server.data, "storage")) if ".a-" in name)
    os.rename(os.path.join(folder, "data"), os.path.join(folder, "data.away"))
    with open(os.path.join(folder, "data"), "w", encoding="ascii") as file:
        file.write("in the way")
    fill(server, a, 100, 20)
    fill(server, b, 1, 20)
    error = attempt(server.root, f"STORAGE FLUSH TABLE {a}")
    assert error is not None, "a flush into a file that should be a folder"
    flush(server, b)
    assert harness.counts(server, b) == (0, 20)
    os.unlink(os.path.join(folder, "data"))
    os.rename(os.path.join(folder, "data.away"), os.path.join(folder, "data"))
    wait_for(lambda: attempt(server.root, f"STORAGE FLUSH TABLE {a}") is None, 30, "a's recovery")
    assert count(server, a) == 40
    return f"{error.sqlstate} for the one, the other flushed"


@check("D7")
def no_lost_wakeup(case):
    server = case.server("flush.check_every=5s", "cold.small_files_max=100")
    t = make(server, options="FLUSH ROWS 5")
    slowest = 0
    rounds = case.rounds(40, 10000)
    for i in range(rounds):
        fill(server, t, 10 * i, 5)
        begin = time.monotonic()
        wait_for(lambda: harness.counts(server, t)[0] == 0, 6 + 20, "the flush", every=0.005)
        slowest = max(slowest, time.monotonic() - begin)
        time.sleep(case.random.uniform(0, 0.01))
    assert slowest <= 6, f"{slowest:.1f} s"
    return f"{rounds} flushes, the slowest {slowest * 1000:.0f} ms after its trigger"


@check("D8")
def needs_no_client(case):
    server = case.server("flush.rows=1000000000")
    t = make(server)
    fill(server, t, 1, 500)
    server.kill()
    server.settings = ["flush.rows=100", QUICK]
    server.start()
    server.forget_clients()
    wait_for(lambda: [path for path in server.files(".parquet") if "/data/" in path], 20,
             "a file that nobody asked for")
    assert count(server, t) == 500
    return "flushed after the crash without a request"
