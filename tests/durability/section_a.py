"""0 and A: the hooks that the rest stands on; durability at acknowledgement."""
import os
import re
import signal
import subprocess
import time

import client
import harness
import kit
from kit import attempt, check, check_offline, count, dump, fill, flush, make, stat, wait_for

POINTS_OF_F = """flush_rotate_memtable flush_rotate_log flush_before_write flush_mid_write
flush_after_write flush_after_file_sync flush_after_directory_sync flush_mid_metadata
flush_after_metadata_sync flush_before_commit flush_after_commit flush_after_install
flush_after_link flush_mid_release flush_after_release flush_multi_file ddl_commit compaction_commit
checkpoint_write checkpoint_publish log_append_mid_batch log_sync recover_mid""".split()


@check("H1")
def hooks(case):
    listed = subprocess.run([os.path.join(harness.need_faults(), "firnd"), "--list-failpoints"],
                            capture_output=True, text=True, check=True).stdout.split()
    missing = set(POINTS_OF_F) - set(listed)
    assert not missing, f"not listed: {missing}"
    release = os.path.join(harness.ROOT, "build", "release", "firnd")
    symbols = subprocess.run(["nm", release], capture_output=True, text=True, check=True).stdout
    assert "T main" in symbols, "the release build has no symbols to look at"
    assert "fault_check" not in symbols and "fault_arm" not in symbols
    server = case.server()  # and the release ignores what would arm one
    server.restart()
    server.stop()
    server.start({"FIRN_FAULT": "log_sync:kill"})
    make(server)
    return f"{len(listed)} points listed; the release has none"


def broken_copy(server, ending, offset, found):
    """Turns one bit of the first file that ends so; gives what puts it back."""
    for top, _, names in sorted(os.walk(server.data)):
        paths = [os.path.join(top, name) for name in names if name.endswith(ending)]
        for path in sorted(paths, key=os.path.getmtime, reverse=True):  # older ones may be unused
            if os.path.getsize(path) < abs(offset):
                continue
            with open(path, "rb") as file:
                kept = file.read()
            at = offset if offset >= 0 else len(kept) + offset
            with open(path, "wb") as file:
                file.write(kept[:at] + bytes([kept[at] ^ 4]) + kept[at + 1:])
            found.append(os.path.relpath(path, server.data))
            return path, kept
    raise AssertionError(f"there is no file *{ending}")


@check("H2")
def offline_checker(case):
    server = case.server()
    t = make(server)
    u = make(server, "d.u", kind="USER")
    for table in (t, u):
        fill(server, table, 1, 500)
        flush(server, table)
    server.root.sql(f"DELETE FROM {t} WHERE id < 20")
    flush(server, t)
    fill(server, t, 1000, 50)
    server.restart()
    server.kill()
    assert "good: 0 damaged, 0 derived" in check_offline(server)
    broken = []
    for ending, offset in ((".log", 5000), (".log", 20), (".checkpoint", 60), (".keys", 4200),
                           (".keys", 30), (".deletes", 66), (".avro", 80), (".metadata", 100),
                           ("version-hint.text", 0), ("v2.metadata.json", 50), (".parquet", 1),
                           (".parquet", -2), (".parquet", -7)):
        path, kept = broken_copy(server, ending, offset, broken)
        ended = kit.firn("check", server.data)
        text = ended.stdout + ended.stderr
        assert ended.returncode == 4, f"{broken[-1]}, offset {offset}: not noticed\n{text}"
        assert "damaged: " in text or "derived: " in text, text
        with open(path, "wb") as file:
            file.write(kept)
    check_offline(server)
    path, kept = broken_copy(server, ".parquet", 1, broken)
    os.rename(path, path + ".away")
    check_offline(server, good=False)
    os.rename(path + ".away", path)
    with open(path, "wb") as file:
        file.write(kept)
    path, _ = broken_copy(server, ".keys", 4200, broken)
    assert "repaired" in check_offline(server, "--repair")
    check_offline(server)
    server.start()
    assert count(server, t) == 531 and os.path.exists(path)
    return f"{len(broken)} damages in {len(set(broken))} files noticed, a key index repaired"


@check("H3")
def dumps(case):
    server = case.server()
    t = make(server)
    fill(server, t, 1, 20)
    flush(server, t)
    server.root.sql(f"UPDATE {t} SET body = 'x' WHERE id = 7")
    files = kit.live_files(server)
    server.kill()
    lines = dump(server, "log")
    assert sum(" put d.t key " in line for line in lines) == 21, lines[-30:]
    assert any(" flush d.t hi " in line for line in lines) and lines[-1].startswith("log: ")
    manifest = dump(server, "manifest", "d.t")
    assert all(any(path.endswith(line.split()[1]) or line.split()[1] in path for path, _ in files)
               for line in manifest if line.startswith("  live ")), (manifest, files)
    row = dump(server, "row", "d.t", "7")
    assert sum(" put " in line for line in row) == 2 and any("index: " in line for line in row)
    return f"{len(lines)} lines of log, {len(manifest)} of manifest"


@check("H4")
def triggers_at_run_time(case):
    server = case.server()
    t = make(server)
    server.root.sql("ALTER SYSTEM SET flush.check_every = '50ms'")
    for text, number in (("flush.rows = 10", 10), ("flush.bytes = '64KiB'", 200)):
        server.root.sql(f"ALTER SYSTEM SET {text}")
        fill(server, t, 1000 * number, number, body="x" * 500)
        wait_for(lambda: harness.counts(server, t)[0] < number, 15, text)
        server.root.sql(f"ALTER SYSTEM RESET {text.split()[0]}")
    flush(server, t)
    server.root.sql("ALTER SYSTEM SET flush.interval = '1s'")
    server.root.sql(f"INSERT INTO {t} VALUES (1, 'alone')")
    wait_for(lambda: harness.counts(server, t)[0] == 0, 15, "flush.interval")
    return "rows, bytes and interval accepted while running"


# ---- A ----

@check("A1")
def answer_behind_the_sync(case):
    server = case.server()
    t = make(server)
    who = server.root
    who.sql(f"INSERT INTO {t} VALUES (0, 'warm')")
    trace = kit.Trace(server, "write,writev,pwrite64,fdatasync,fsync,sendto,sendmsg")
    for i in range(1, 6):
        who.sql(f"INSERT INTO {t} VALUES ({i}, 'traced row')")
    lines = trace.stop()
    syncs = kit.finished(lines, "fdatasync", r"/log/")
    writes = [n for n, line in enumerate(lines) if re.search(r"pwrite64\(\d+<[^>]*/log/", line)]
    answers = [n for n, line in enumerate(lines) if "HTTP/1.1 200" in line]
    assert len(answers) >= 5 and len(syncs) >= 5, (len(answers), len(syncs), lines[-20:])
    for answer in answers[:5]:
        wrote = [n for n in writes if n < answer]
        assert wrote and any(wrote[-1] < n < answer for n in syncs), \
            f"an answer before its sync: {lines[max(0, answer - 8):answer + 1]}"
    return f"{len(answers)} answers, each behind fdatasync of the log ({len(syncs)} syncs)"


@check("A2")
def every_way_of_writing(case):
    server = case.server()
    t = make(server)
    fill(server, t, 100, 50)
    done = 0
    for statement in (f"INSERT INTO {t} VALUES (1, 'one')",
                      f"INSERT INTO {t} VALUES (2, 'a'), (3, 'b'), (4, 'c')",
                      f"INSERT INTO {t} SELECT i, 's' FROM generate_series(500, 1500) AS g(i)",
                      f"UPDATE {t} SET body = 'u' WHERE id = 2",
                      f"UPDATE {t} SET body = 'many' WHERE id > 120",
                      f"DELETE FROM {t} WHERE id = 3",
                      f"DELETE FROM {t} WHERE id BETWEEN 600 AND 700",
                      f"INSERT INTO {t} VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET body = 'y'",
                      f"ALTER TABLE {t} ADD COLUMN more INT DEFAULT 7", "bulk",
                      f"TRUNCATE {t}"):
        if statement == "bulk":
            body = "\n".join('{"id": %d, "body": "bulk"}' % i for i in range(2000, 2500))
            answer = server.root.request("POST", "/v1/tables/d.t/rows", body.encode(),
                                         {"Content-Type": "application/x-ndjson"})
            assert answer.status == 200, answer.body[:300]
        else:
            server.root.sql(statement)
        before = kit.rows_of(server, t)
        server.restart(crash=True)
        assert kit.rows_of(server, t) == before, statement[:60]
        done += 1
    return f"{done} kinds of writing, each killed right after its answer"


@check("A3")
def kill_right_after_the_answer(case):
    server = case.server()
    load = kit.Load(case, server).prepare()
    rounds = case.rounds(2, 100)
    for _ in range(rounds):
        load.start()
        time.sleep(case.random.uniform(0.3, 1.2))
        load.kill()
        server.start()
        load.verify()
    return f"{rounds} rounds, {load.acknowledged} acknowledged, 0 lost"


@check("A4")
def group_commit(case):
    """On a disk whose every sync takes 20 ms more, which strace makes of this one."""
    server = case.server()
    t = make(server)
    each = case.rounds(15, 100)

    def measure(threads, base):
        clients = [server.client("root") for _ in range(threads)]
        for who in clients:
            who.sql("SELECT 1")
        trace = kit.Trace(server, "fdatasync", "--seccomp-bpf", "-e",
                          "inject=fdatasync:delay_enter=20000")
        before = stat(server, "firn_log_syncs_total")
        begin = time.monotonic()

        def write(number):
            for i in range(each):
                clients[number].sql(f"INSERT INTO {t} VALUES ({base + number * each + i}, 'x')")

        kit.in_threads(threads, write)
        seconds = time.monotonic() - begin
        syncs = stat(server, "firn_log_syncs_total") - before
        trace.stop()
        for who in clients:
            who.close()
        return threads * each / seconds, syncs

    one, one_syncs = measure(1, 0)
    many, many_syncs = measure(64, 100000)
    assert one_syncs >= each, f"{one_syncs} syncs for {each} writes one after the other"
    assert many_syncs <= 64 * each / 4, f"{many_syncs} syncs for {64 * each} writes"
    assert many >= 5 * one, f"{many:.0f}/s of 64 writers, {one:.0f}/s of one"
    return (f"64 writers: {many_syncs:.0f} syncs for {64 * each} acknowledgements, {many:.0f}/s "
            f"against {one:.0f}/s of one, with syncs of 20 ms")


@check("A5")
def durability_modes(case):
    figures = []
    for mode, least, most in (("always", 100, None), ("interval", 0, 40), ("none", 0, 10)):
        server = case.server(f"log.durability={mode}")
        t = make(server)
        before = stat(server, "firn_log_syncs_total")
        for i in range(100):
            server.root.sql(f"INSERT INTO {t} VALUES ({i}, 'x')")
        syncs = stat(server, "firn_log_syncs_total") - before
        assert syncs >= least and (most is None or syncs <= most), f"{mode}: {syncs} syncs"
        server.restart(crash=True)
        there = count(server, t)
        assert there == 100, f"{mode}: {there} of 100 after kill -9"
        figures.append(f"{mode} {syncs:.0f} syncs")
        server.end()
    return f"100 writes each: {', '.join(figures)}; kill -9 lost none; {measure_loss(case)}"


def measure_loss(case):
    """Of losses of power in the simulated machine, in ms and in acknowledged changes."""
    program = os.path.join(harness.ROOT, "build", "check", "engine_sim")
    if not os.path.exists(program):
        raise harness.Skip("build/check/engine_sim is not built")
    losses = case.rounds(40, 300)
    ended = subprocess.run([program, "--loss", str(losses), "--from", str(case.seed)],
                           capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stdout[-1000:]
    found = re.findall(r"^(\w+) .*: (\d+) of (\d+) ack.*the oldest ([0-9.]+) ms old \(promised: "
                       r"([^)]+)\): kept$", ended.stdout, re.M)
    assert len(found) == 3 and found[0][:2] == ("always", "0"), ended.stdout
    return f"{losses} losses of power each: " + ", ".join(
        f"{mode} {lost} of {all_of_them} changes, {age} ms (promised: {promised})"
        for mode, lost, all_of_them, age, promised in found)


@check("A6")
def the_answer_says_the_mode(case):
    said = {}
    for mode in ("always", "interval", "none"):
        server = case.server(f"log.durability={mode}")
        t = make(server)
        body = server.root.sql(f"INSERT INTO {t} VALUES (1, 'x')").body
        said[mode] = body.get("durability")
        assert isinstance(body.get("seq"), int), body
        status, out, _ = server.cli("--verbose", "-c", f"INSERT INTO {t} VALUES (2, 'y')")
        assert status == 0 and mode in out, out
        assert mode == "always" or "durable" not in out.replace("durability", ""), out
        server.end()
    assert len(set(said.values())) == 3 and said["none"] == "none", said
    return str(said)


@check("A7", "A8")
def failed_sync(case):
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 20)
    server.stop()
    after = case.random.randrange(4, 12)
    kit.start_with(server, f"log_sync:eio@{after}")
    acknowledged, refused = list(range(1, 21)), []
    for i in range(100, 130):
        error = attempt(server.root, f"INSERT INTO {t} VALUES ({i}, 'x')")
        assert not isinstance(error, client.ConnectionLost)
        (acknowledged if error is None else refused).append(i)
    assert refused and refused == list(range(refused[0], 130)), "an acknowledgement after the error"
    error = attempt(server.root, f"DELETE FROM {t} WHERE id = 1")
    assert error is not None and error.sqlstate == "58P01", error
    seen = server.root.rows(f"SELECT id FROM {t} ORDER BY id")
    assert seen == [[i] for i in acknowledged], "a failed write is visible"
    server.kill()
    server.start()
    after = [row[0] for row in server.root.rows(f"SELECT id FROM {t} ORDER BY id")]
    unknown = set(after) - set(acknowledged)
    assert set(acknowledged) <= set(after), "an acknowledged row is lost"
    assert unknown <= set(refused[:1]), f"more than the write in flight: {unknown}"
    fill(server, t, 5000, 10)
    return (f"{len(acknowledged)} acknowledged, {len(refused)} refused, "
            f"{len(unknown)} in flight kept")


def small_disk(case, megabytes):
    """A tmpfs of so many MB; not where mounting is refused."""
    path = os.path.join(case.directory, "small")
    os.mkdir(path)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise harness.Skip(f"mount: {done.stderr.strip()}")
    case.stack.callback(subprocess.run, ["umount", "-l", path], check=False)
    return path


@check("A9")
def full_disk(case):
    path = small_disk(case, 64)
    server = case.server("log.segment_bytes=1MiB", "feed.bytes_max=0B", "flush.rows=1000000",
                         directory=path)
    t = make(server)
    filler = os.path.join(path, "filler")
    fill(server, t, 1, 1000)
    with open(filler, "wb") as file:
        try:
            while True:
                file.write(b"x" * (256 << 10))
                file.flush()
        except OSError:
            pass
    error, at = None, 10000
    while error is None and at < 200000:
        error = attempt(server.root, f"INSERT INTO {t} SELECT i, repeat('y', 4000) FROM "
                                     f"generate_series({at}, {at + 99}) AS g(i)")
        at += 100 if error is None else 0
    assert error is not None and error.sqlstate == "53100", error
    expected = 1000 + at - 10000
    assert count(server, t) == expected, "reads on a full disk"
    os.unlink(filler)
    wait_for(lambda: attempt(server.root, f"INSERT INTO {t} VALUES (999999, 'again')") is None, 30,
             "writing without a restart")
    server.restart(crash=True)
    assert count(server, t) == expected + 1
    server.kill()
    check_offline(server)
    return f"53100 after {expected} rows; reads went on; wrote again without a restart"


@check("A10")
def new_segment(case):
    server = case.server("log.segment_bytes=1MiB")
    t = make(server)
    trace = kit.Trace(server, "fsync,rename,renameat2,openat")
    before = len(kit.log_names(server))
    for i in range(8):
        fill(server, t, 1000 * i, 400, body="z" * 1000)
    wait_for(lambda: len(kit.log_names(server)) > before, 20, "a new segment")
    lines = trace.stop()
    made = [n for n, line in enumerate(lines) if re.search(r'rename.*spare-.*\.log"', line)]
    syncs = kit.finished(lines, "fsync", r"/log>")
    assert made and all(any(n > at for n in syncs) for at in made), (made, syncs)
    server.end()
    server = case.server("log.segment_bytes=1MiB", faults=True)
    t = make(server)
    server.stop()
    kit.start_with(server, "log_directory_sync:eio@2")
    error, i = None, 0
    while error is None and i < 40:
        error = attempt(server.root, f"INSERT INTO {t} SELECT i, repeat('z', 1000) FROM "
                                     f"generate_series({1000 * i}, {1000 * i + 399}) AS g(i)")
        i += error is None
    assert error is not None, "the error was ignored"
    server.kill()
    server.start()
    there = count(server, t)
    assert there in (400 * i, 400 * (i + 1)), (there, i)
    return f"{len(made)} segments, each with fsync of the folder; the error: {error.sqlstate}"


@check("A11")
def a_batch_is_whole(case):
    server = case.server(faults=True)
    t = make(server)
    results = []
    for first in range(case.rounds(2, 10)):
        server.stop()
        kit.start_with(server, f"log_append_mid_batch:kill@{case.random.randrange(3, 6)}")
        lost = None
        for i in range(20):
            base = 100000 * (first + 1) + 1000 * i
            lost = attempt(server.root, f"INSERT INTO {t} SELECT i, 'b' FROM "
                                        f"generate_series({base}, {base + 999}) AS g(i)")
            if lost is not None:
                break
        assert isinstance(lost, client.ConnectionLost), lost
        assert server.wait(30) == -signal.SIGKILL
        server.start()
        found = server.root.value(f"SELECT count(*) FROM {t} WHERE id BETWEEN {base} "
                                  f"AND {base + 999}")
        total = server.root.value(f"SELECT count(*) FROM {t} WHERE id >= {100000 * (first + 1)}")
        assert found in (0, 1000) and total == 1000 * i + found, (found, total, i)
        results.append(found)
    return f"1000 rows each, killed in the middle: {results}"


@check("A12")
def one_process(case):
    server = case.server()
    other = harness.Server(os.path.dirname(server.data))
    case.stack.callback(other.end)
    other.log_path += ".second"
    other.spawn()
    assert other.wait(30) == 3 and "locked" in other.log_tail().lower(), other.log_tail()
    assert kit.firn("check", server.data).returncode == 3
    return "the second exits with 3: locked; so does firn check"
