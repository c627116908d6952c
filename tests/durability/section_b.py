"""B: the log's format, and recovery."""
import os
import re
import shutil
import signal
import time

import harness
import kit
from kit import (attempt, check, check_offline, count, dump, exit_of, fill, flush, log_names, make,
                 stat, wait_for)


def copy_of(case, server):
    """A second server over a copy of the first one's directory."""
    directory = os.path.join(case.directory, f"copy{case.count}")
    case.count += 1
    os.mkdir(directory)
    shutil.copytree(server.data, os.path.join(directory, "data"))
    return case.server(start=False, directory=directory)


def log_path(server, name=None):
    return os.path.join(server.data, "log", name or log_names(server)[-1])


def content_end(path):
    with open(path, "rb") as file:
        return len(file.read().rstrip(b"\0"))


@check("B1")
def torn_tail(case):
    server = case.server()
    t = make(server)
    for i in range(30):
        server.root.sql(f"INSERT INTO {t} VALUES ({i}, 'kept')")
    time.sleep(0.2)
    server.kill()
    path = log_path(server)
    before = content_end(path)
    server.start()
    there = count(server, t)
    server.kill()
    assert there == 30
    path = log_path(server)
    base = content_end(path)
    server.start()
    server.root.sql(f"INSERT INTO {t} VALUES (100, 'the last record')")
    server.kill()
    path = log_path(server)
    with open(path, "rb") as file:
        whole = file.read()
    end = len(whole.rstrip(b"\0"))
    begin = max(4096, end - 150)
    opened = 0
    for at in range(begin, end):
        with open(path, "r+b") as file:
            file.truncate(at)
        ended = kit.firn("check", server.data)
        assert ended.returncode == 0, f"cut at {at} of {end}: {ended.stdout}{ended.stderr}"
        opened += 1
        with open(path, "wb") as file:
            file.write(whole)
    for at in case.random.sample(range(begin, end), case.rounds(3, 20)):
        other = copy_of(case, server)
        with open(log_path(other), "r+b") as file:
            file.truncate(at)
        other.start()
        assert count(other, t) in (30, 31), at
        other.end()
    assert base > 0 and before > 0
    return f"{opened} cuts checked, some opened: every earlier row there"


@check("B2")
def damage_is_refused(case):
    server = case.server()
    t = make(server)
    for i in range(100):
        server.root.sql(f"INSERT INTO {t} VALUES ({i}, '{'x' * 100}')")
    server.kill()
    path = log_path(server)
    lines = dump(server, "log")
    durable = int(re.search(r"durable to (\d+)", lines[-1]).group(1))
    refused = 0
    for _ in range(case.rounds(4, 30)):
        other = copy_of(case, server)
        at = 4096 + case.random.randrange(64, durable - 64)
        with open(log_path(other), "r+b") as file:
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ (1 << case.random.randrange(8))]))
        assert exit_of(other) == 4, other.log_tail()
        assert "offset" in other.log() and ".log" in other.log(), other.log_tail()
        refused += 1
    end = content_end(path)
    kept = 0
    for _ in range(case.rounds(3, 20)):
        other = copy_of(case, server)
        begin = (4096 + durable + 511) // 512 * 512
        with open(log_path(other), "r+b") as file:
            for piece in range(begin, end, 512):
                if case.random.random() < 0.5:
                    file.seek(piece)
                    file.write(b"\0" * 512)
        other.start()
        assert count(other, t) in (99, 100)
        kept += 1
        other.end()
    return f"{refused} bits turned below {durable}: refused; {kept} tails with holes: opened"


@check("B3")
def kill_during_replay(case):
    server = case.server(faults=True)
    t = make(server)
    fill(server, t, 1, 3000)
    server.root.sql(f"UPDATE {t} SET body = 'new' WHERE id % 3 = 0")
    server.root.sql(f"DELETE FROM {t} WHERE id % 5 = 0")
    expected = kit.rows_of(server, t)
    server.kill()
    killed = 0
    for i in range(5):
        server.spawn({"FIRN_FAULT": f"recover_mid:kill@{case.random.randrange(1, 40)}"})
        assert server.wait(60) == -signal.SIGKILL, (i, server.log_tail())
        killed += 1
    server.start()
    assert kit.rows_of(server, t) == expected
    assert count(server, t) == len(expected)
    return f"killed {killed} times while it replayed; {len(expected)} rows, none twice"


@check("B4")
def sequences_grow(case):
    server = case.server()
    t = make(server)
    highest = 0
    for first in (0, 1000, 2000):
        for i in range(first, first + 1000, 100):
            fill(server, t, i, 100)
        least, most, distinct = server.root.rows(
            f"SELECT min(_seq), max(_seq), count(DISTINCT _seq) FROM {t} "
            f"WHERE id >= {first}")[0]
        assert least > highest and distinct == 1000, (least, highest, distinct)
        highest = most
        assert harness.counts(server, t)[0] == first + 1000
        assert stat(server, "firn_memory_active_rows") == first + 1000
        server.restart(crash=first == 0)
    server.kill()
    text = dump(server, "log")[-1]
    assert int(text.rsplit(" ", 1)[1]) >= highest
    return f"highest sequence {highest}, strictly growing over three lives"


@check("B5")
def names_are_new(case):
    server = case.server("log.segment_bytes=1MiB", "feed.bytes_max=0B", "feed.retention=0s",
                         "log.bytes_max=4MiB", "flush.check_every=100ms")
    t = make(server)
    seen = set(log_names(server))
    for life in range(3):
        for i in range(4):
            server.root.sql(f"INSERT INTO {t} SELECT i, repeat('y', 900) FROM generate_series("
                            f"{10000 * life + 1000 * i}, {10000 * life + 1000 * i + 999}) AS g(i)")
            now = set(log_names(server))
            newer = now - seen
            assert all(name > max(seen) for name in newer), "a name below one that was used"
            seen |= now
        flush(server, t)
        server.restart(crash=life % 2 == 0)
    server.end()
    server = case.server("log.segment_bytes=1MiB")
    t = make(server)
    for i in range(5):
        server.root.sql(f"INSERT INTO {t} SELECT i, repeat('y', 900) FROM generate_series("
                        f"{1000 * i}, {1000 * i + 999}) AS g(i)")
    server.kill()
    names = log_names(server)
    assert len(names) >= 3, names
    os.rename(log_path(server, names[1]), os.path.join(case.directory, "away"))
    assert exit_of(server) == 4, server.log_tail()
    assert "missing" in server.log() or "incomplete" in server.log()
    return f"{len(seen)} names, none used twice; one of {len(names)} away: refused"


@check("B6")
def recovered_logs_go(case):
    server = case.server("log.segment_bytes=1MiB", "feed.bytes_max=0B", "feed.retention=0s",
                         "flush.check_every=100ms", "log.bytes_max=16MiB")
    t = make(server)
    for i in range(5):
        server.root.sql(f"INSERT INTO {t} SELECT i, repeat('y', 900) FROM generate_series("
                        f"{1000 * i}, {1000 * i + 999}) AS g(i)")
    before = log_names(server)
    server.restart(crash=True)
    server.restart(crash=True)
    assert count(server, t) == 5000
    flush(server, t)
    server.root.sql(f"INSERT INTO {t} VALUES (999999, 'later')")
    flush(server, t)
    server.restart()
    wait_for(lambda: not set(before[:-1]) & set(log_names(server)), 30, "the old segments' end")
    server.restart(crash=True)
    assert count(server, t) == 5001
    return f"{len(before)} segments before, {len(log_names(server))} after"


@check("B7")
def recovery_needs_little_memory(case):
    megabytes = case.rounds(48, 1024)
    budget = case.rounds(16, 128)
    server = case.server("log.segment_bytes=8MiB", "log.bytes_max=4GiB", "flush.memory_max=4GiB",
                         "flush.bytes=4GiB", "flush.rows=1000000000")
    t = make(server)
    batch = 0
    while stat(server, "firn_log_written_bytes_total") < megabytes << 20:
        server.root.sql(f"INSERT INTO {t} SELECT i, repeat('y', 1900) FROM generate_series("
                        f"{1000 * batch}, {1000 * batch + 999}) AS g(i)")
        batch += 1
    server.kill()
    bare = case.server()
    floor = kit.rss_bytes(bare)
    bare.end()
    server.settings = [f"flush.memory_max={budget}MiB", "log.bytes_max=4GiB",
                       "flush.rows=1000000000"]
    server.start()
    rss = kit.rss_bytes(server)
    flushed = harness.counts(server, t)[1]
    assert count(server, t) == 1000 * batch
    assert flushed > 0, "no flush while replaying"
    assert rss - floor <= 2 * budget << 20, f"{(rss - floor) >> 20} MiB above an empty server"
    return f"{megabytes} MiB of log: {(rss - floor) >> 20} MiB above an empty server's, " \
           f"budget {budget} MiB, {flushed} rows flushed meanwhile"


@check("B8")
def recovery_says_what_it_did(case):
    server = case.server()
    t = make(server)
    fill(server, t, 1, 500)
    server.kill()
    lines = [line for line in dump(server, "log") if re.match(r"\d+ seq ", line)]
    frames = int(re.search(r"(\d+) frames", dump(server, "log")[-1]).group(1))
    server.start()
    entries = stat(server, "firn_recovery_entries")
    assert entries == frames, (entries, frames)
    assert stat(server, "firn_recovery_rows") == 500
    assert stat(server, "firn_recovery_bytes") > 0 and stat(server, "firn_recovery_seconds") > 0
    server.kill()
    for name in log_names(server):
        os.rename(log_path(server, name), os.path.join(case.directory, name))
    assert exit_of(server) == 4, server.log_tail()
    return f"{entries:.0f} entries, as firn dump counts them ({len(lines)} lines); no log: refused"


@check("B9")
def never_a_new_database(case):
    server = case.server("flush.check_every=100ms")
    t = make(server)
    fill(server, t, 1, 100)
    flush(server, t)
    server.stop()
    checkpoints = [name for name in os.listdir(os.path.join(server.data, "catalog"))
                   if name.endswith(".checkpoint")]
    assert checkpoints
    for damage in ("no checkpoint", "no log", "neither", "garbled checkpoint", "no metadata"):
        other = copy_of(case, server)
        catalog = os.path.join(other.data, "catalog")
        if damage in ("no checkpoint", "neither"):
            for name in checkpoints:
                os.unlink(os.path.join(catalog, name))
            first = log_names(other)[0]
            os.unlink(log_path(other, first))  # else the whole log makes the catalog again
        if damage in ("no log", "neither"):
            shutil.rmtree(os.path.join(other.data, "log"))
        if damage == "garbled checkpoint":
            with open(os.path.join(catalog, max(checkpoints)), "r+b") as file:
                file.seek(50)
                file.write(b"garbled")
        if damage == "no metadata":
            for path in other.files(".metadata"):
                os.unlink(os.path.join(other.data, "storage", path))
        status = exit_of(other)
        assert status == 4, f"{damage}: exit {status}\n{other.log_tail()}"
        check_offline(other, good=False)
    return "five ways to lose the pointer: each refused, by the server and by firn check"


@check("B10")
def acknowledged_is_files_and_log(case):
    server = case.server()
    t = make(server)
    acknowledged = {}
    for step in range(4):
        for i in range(10):
            key = case.random.randrange(60)
            error = attempt(server.root, f"INSERT INTO {t} VALUES ({key}, 's{step}') ON CONFLICT "
                                         f"(id) DO UPDATE SET body = 's{step}{i}'")
            assert error is None
            acknowledged[key] = True
        for key in case.random.sample(sorted(acknowledged), 3):
            server.root.sql(f"DELETE FROM {t} WHERE id = {key}")
            acknowledged[key] = False
        if step < 3:
            flush(server, t)
    server.kill()
    check_offline(server)
    for key, alive in acknowledged.items():
        lines = dump(server, "row", t, str(key))
        puts = [line for line in lines if " seq " in line]
        in_log = (" put " in puts[-1]) if puts else None
        in_files = any(line.endswith(" alive") for line in lines)
        assert (in_log if in_log is not None else in_files) == alive, (key, alive, lines)
        assert alive or not in_files or in_log is False, (key, lines)
    return f"{len(acknowledged)} keys, found (or found deleted) in log and files without a server"
