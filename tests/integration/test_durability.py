"""What was acknowledged is there: after kill -9, flush, compaction, restart and all of them."""
import os
import random
import threading
import time

import client
import harness
from harness import flush, jobs, wait_for

SETTINGS = ("cold.small_files_max=4",)


def make(server, name="d.t", kind="", options=""):
    server.root.sql(f"CREATE NAMESPACE IF NOT EXISTS {name.split('.')[0]}")
    server.root.sql(f"CREATE {kind} TABLE {name} (id INT PRIMARY KEY, body TEXT) {options}")
    return name


def test_every_kind_of_write_survives_kill(fresh):
    t = make(fresh)
    run = fresh.root.sql
    for i, statement in enumerate((
            f"INSERT INTO {t} VALUES (1, 'one')",
            f"INSERT INTO {t} SELECT i, 'row ' || i FROM generate_series(2, 200) AS g(i)",
            f"UPDATE {t} SET body = 'two' WHERE id = 2",
            f"UPDATE {t} SET body = body || '!' WHERE id > 150",
            f"DELETE FROM {t} WHERE id = 3",
            f"INSERT INTO {t} VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET body = 'upserted'",
            f"ALTER TABLE {t} ADD COLUMN more INT DEFAULT 7",
            f"STORAGE FLUSH TABLE {t}",
            f"UPDATE {t} SET body = 'cold' WHERE id BETWEEN 20 AND 29",
            f"DELETE FROM {t} WHERE id BETWEEN 30 AND 39",
            f"COMMENT ON TABLE {t} IS 'said'",
            f"STORAGE COMPACT TABLE {t}",
            f"TRUNCATE {t}")):
        run(statement)
        before = run(f"SELECT * FROM {t} ORDER BY id").rows
        fresh.restart(crash=True)
        run = fresh.root.sql
        after = run(f"SELECT * FROM {t} ORDER BY id").rows
        assert before == after, (i, statement, len(before), len(after))
        assert run(f"SELECT count(*) FROM {t}").value == len(before), statement


def test_kill_at_the_moment_of_the_answer(fresh):
    t = make(fresh)
    fresh.root.sql(f"INSERT INTO {t} VALUES (0, 'begin')")
    for i in range(1, 9):
        fresh.root.sql(f"INSERT INTO {t} VALUES ({i}, 'acknowledged')")
        fresh.restart(crash=True)
        assert fresh.root.value(f"SELECT count(*) FROM {t}") == i + 1


def start_with_paused_sync(server, pause):
    """The first sync after the start stands still: as many are let pass as the start takes."""
    for passing in range(1, 30):
        server.spawn({"FIRN_FAULT": f"log_sync:pause@{passing}", "FIRN_FAULT_PAUSE_FILE": pause})
        wait_for(lambda: os.path.exists(pause) or server._is_ready(), 30, "a start or a pause")
        if not os.path.exists(pause):
            server.root.sql("SELECT 1")
            return
        server.kill()
        os.unlink(pause)
    raise AssertionError("the start never ends to sync")


def test_the_answer_waits_for_the_disk(directory):
    """With the sync of the log held up, an insert is not acknowledged; released, it is."""
    folder = harness.need_faults()
    pause = os.path.join(directory, "paused")
    server = harness.Server(directory, folder=folder)
    try:
        server.start()
        t = make(server)
        server.stop()
        start_with_paused_sync(server, pause)
        answered = threading.Event()
        done = []

        def write(who):
            try:
                done.append(who.sql(f"INSERT INTO {t} VALUES (1, 'held')"))
            except (client.SqlError, client.ConnectionLost) as error:
                done.append(error)
            answered.set()

        who = server.root
        writer = threading.Thread(target=write, args=(who,))
        writer.start()
        wait_for(lambda: os.path.exists(pause), what="the paused sync")
        assert not answered.wait(0.5), done
        os.unlink(pause)
        assert answered.wait(10), "no answer after the sync"
        writer.join()
        assert not isinstance(done[0], Exception), done
        server.restart(crash=True)
        assert server.root.value(f"SELECT count(*) FROM {t}") == 1
    finally:
        server.end()


def test_flush_moves_rows_and_changes_no_answer(fresh):
    t = make(fresh)
    run = fresh.root.sql
    run(f"INSERT INTO {t} SELECT i, 'b' || i FROM generate_series(1, 1000) AS g(i)")
    before = run(f"SELECT *, _seq, _updated FROM {t} ORDER BY id").rows
    assert harness.counts(fresh, t) == (1000, 0)
    done = flush(fresh, t)
    assert done["rows"] == 1000 and done["files"] == 1 and done["bytes"] > 0, done
    assert done["snapshot"] is not None and done["status"] == "flushed", done
    assert harness.counts(fresh, t) == (0, 1000)
    assert run(f"SELECT *, _seq, _updated FROM {t} ORDER BY id").rows == before
    nothing = flush(fresh, t)
    assert nothing["status"] == "nothing to do" and nothing["rows"] == 0, nothing
    job = jobs(fresh, "flush", t)
    assert len(job) == 1 and job[0][1:] == ["completed", 1000, "command"], job
    run(f"UPDATE {t} SET body = 'new' WHERE id <= 10")
    run(f"DELETE FROM {t} WHERE id > 990")
    run(f"INSERT INTO {t} VALUES (5000, 'hot')")
    mixed = run(f"SELECT * FROM {t} ORDER BY id").rows
    assert len(mixed) == 991
    flush(fresh, t)
    assert run(f"SELECT * FROM {t} ORDER BY id").rows == mixed
    fresh.restart(crash=True)
    assert fresh.root.rows(f"SELECT * FROM {t} ORDER BY id") == mixed


def test_a_deleted_row_stays_deleted(fresh):
    """Through flush, compaction, restart, and an insert of the same key."""
    t = make(fresh)
    fresh.root.sql(f"INSERT INTO {t} SELECT i, 'b' FROM generate_series(1, 100) AS g(i)")
    flush(fresh, t)
    fresh.root.sql(f"DELETE FROM {t} WHERE id = 42")

    def absent():
        who = fresh.root
        return who.rows(f"SELECT id FROM {t} WHERE id = 42") == [] \
            and who.value(f"SELECT count(*) FROM {t}") == 99 \
            and who.value(f"SELECT count(*) FROM {t} WHERE body = 'b'") == 99

    assert absent()
    flush(fresh, t)
    assert absent()
    fresh.restart(crash=True)
    assert absent()
    fresh.root.sql(f"STORAGE COMPACT TABLE {t}")
    assert absent()
    fresh.restart()
    assert absent()
    fresh.root.sql(f"INSERT INTO {t} VALUES (42, 'again')")
    assert fresh.root.rows(f"SELECT * FROM {t} WHERE id = 42") == [[42, "again"]]
    flush(fresh, t)
    assert fresh.root.value(f"SELECT count(*) FROM {t}") == 100


def test_flush_triggers(fresh):
    """By rows, by bytes and by time also on an idle table; nothing for an empty one."""
    rows = make(fresh, "triggers.by_rows", options="FLUSH ROWS 100")
    size = make(fresh, "triggers.by_bytes", options="WITH (flush_bytes='64KiB')")
    late = make(fresh, "triggers.by_time", options="FLUSH INTERVAL 1s")
    both = make(fresh, "triggers.both", options="FLUSH ROWS 1000 INTERVAL 1s")
    idle = make(fresh, "triggers.idle", options="FLUSH INTERVAL 1s")
    run = fresh.root.sql
    for i in range(5):
        run(f"INSERT INTO {rows} SELECT i, 'r' FROM generate_series({i * 100}, {i * 100 + 99}) g(i)")
    run(f"INSERT INTO {size} SELECT i, repeat('x', 1000) FROM generate_series(1, 200) AS g(i)")
    run(f"INSERT INTO {late} VALUES (1, 'alone')")
    run(f"INSERT INTO {both} VALUES (1, 'early')")

    def triggers(table):
        return {row[3] for row in jobs(fresh, "flush", table) if row[1] == "completed"}

    wait_for(lambda: harness.counts(fresh, rows) == (0, 500), what="the flush by rows")
    # rows are cold a moment before their job is completed
    wait_for(lambda: triggers(rows) == {"rows"}, what="nothing but rows as the trigger")
    wait_for(lambda: "bytes" in triggers(size), what="the flush by bytes")
    wait_for(lambda: harness.counts(fresh, late) == (0, 1), what="the flush by time")
    wait_for(lambda: triggers(late) == {"interval"}, what="nothing but time as the trigger")
    wait_for(lambda: triggers(both) == {"interval"}, what="whichever comes first")
    assert jobs(fresh, "flush", idle) == []
    run(f"ALTER TABLE {late} SET (flush_rows=5)")
    run(f"INSERT INTO {late} SELECT i, 'n' FROM generate_series(2, 6) AS g(i)")
    wait_for(lambda: harness.counts(fresh, late)[1] == 6, what="the changed policy")


def test_flush_all_and_what_it_skips(fresh):
    make(fresh, "everything.a")
    make(fresh, "everything.b", kind="USER")
    make(fresh, "everything.c", kind="STREAM", options="TTL 1h")
    for name in "abc":
        fresh.root.sql(f"INSERT INTO everything.{name} VALUES (1, 'x')")
    answer = {row["table_name"]: row for row in
              fresh.root.sql("STORAGE FLUSH ALL IN everything").records()}
    assert answer["a"]["status"] == "flushed" and answer["b"]["status"] == "flushed", answer
    assert answer["c"]["status"] == "skipped: stream" and answer["c"]["rows"] == 0, answer
    assert fresh.root.sql("STORAGE COMPACT ALL IN everything").columns[0] == "namespace"


def test_asynchronous_flush(fresh):
    t = make(fresh)
    fresh.root.sql(f"INSERT INTO {t} VALUES (1, 'x')")
    job = fresh.root.value(f"STORAGE FLUSH TABLE {t} ASYNC")
    assert job.startswith("FL-"), job
    wait_for(lambda: fresh.root.value("SELECT state FROM system.jobs WHERE job_id = $1", [job])
             == "completed", what="the job")


def test_compaction_bounds_the_files(fresh):
    """Many small flushes do not grow files without end, and no answer changes."""
    t = make(fresh, options="FLUSH INTERVAL 1h")
    expected = []
    for i in range(20):
        fresh.root.sql(f"INSERT INTO {t} VALUES ({2 * i}, 'b{i}'), ({2 * i + 1}, 'c{i}')")
        if i % 3 == 0:
            fresh.root.sql(f"DELETE FROM {t} WHERE id = {2 * i}")
        else:
            expected.append([2 * i, f"b{i}"])
        expected.append([2 * i + 1, f"c{i}"])
        flush(fresh, t)

    def data_files():
        return fresh.root.value("SELECT files FROM system.manifest WHERE namespace = 'd'")

    wait_for(lambda: data_files() <= 5, 30, "the compaction")
    assert fresh.root.rows(f"SELECT * FROM {t} ORDER BY id") == expected
    assert any(row[1] == "completed" for row in jobs(fresh, "compact", t))
    fresh.restart(crash=True)
    assert fresh.root.rows(f"SELECT * FROM {t} ORDER BY id") == expected
    compacted = fresh.root.sql(f"STORAGE COMPACT TABLE {t}").records()[0]
    assert compacted["status"] in ("compacted", "nothing to do"), compacted
    assert fresh.root.rows(f"SELECT * FROM {t} ORDER BY id") == expected


def test_a_name_is_never_given_twice(directory):
    """A compaction's first group has no row alive, so its file goes; the worker remembers what it
    wrote under a name, so the next group's file must not get that name."""
    server = harness.Server(directory, ("engine.workers=1", "flush.check_every=50ms",
                                        "cold.small_files_max=1000", "flush.interval=1h"))
    try:
        server.start()
        t = make(server, kind="USER")
        for first, count in ((1, 5), (100, 100)):
            server.root.sql(f"INSERT INTO {t} SELECT i, 'b' || i FROM "
                            f"generate_series({first}, {first + count - 1}) AS g(i)")
            flush(server, t)
        server.root.sql(f"DELETE FROM {t} WHERE id < 150")
        flush(server, t)
        wait_for(lambda: any(row[1] == "completed" for row in jobs(server, "compact", t)), 30,
                 "the compaction of both")
        for text in ("body <> ''", "id > 0", "length(body) > 1"):
            assert server.root.value(f"SELECT count(*) FROM {t} WHERE {text}") == 50, text
        server.root.sql(f"INSERT INTO {t} SELECT i, 'n' FROM generate_series(1, 20) AS g(i)")
        flush(server, t)
        server.root.sql(f"STORAGE COMPACT TABLE {t}")
        assert server.root.value(f"SELECT count(*) FROM {t} WHERE body <> ''") == 70
        server.restart(crash=True)
        assert server.root.value(f"SELECT count(*) FROM {t} WHERE body <> ''") == 70
    finally:
        server.end()


def test_only_ones_own_rows_are_flushed(fresh):
    make(fresh, "own.t", kind="USER")
    alice, bob = fresh.user("alice"), fresh.user("bob")
    alice.sql("INSERT INTO own.t VALUES (1, 'a'), (2, 'a')")
    bob.sql("INSERT INTO own.t VALUES (1, 'b')")
    done = flush(fresh, "own.t", alice)
    assert done["rows"] == 2, done
    assert [row for row in fresh.root.rows(
        "SELECT user_name, hot_rows, rows FROM system.manifest WHERE namespace = 'own' "
        "ORDER BY user_name")] == [["alice", 0, 2], ["bob", 1, 0]]
    assert alice.value("SELECT count(*) FROM own.t") == 2
    assert bob.rows("SELECT * FROM own.t") == [[1, "b"]]
    assert flush(fresh, "own.t")["rows"] == 1
    fresh.restart(crash=True)
    assert fresh.user("alice").value("SELECT count(*) FROM own.t") == 2
    assert fresh.root.value("SELECT count(*) FROM own.t FOR ALL USERS") == 3


def test_readers_see_every_row_once_while_it_settles(fresh):
    """Scans run beside flushes and compactions: the count is never below what was acknowledged."""
    t = make(fresh)
    stop = threading.Event()
    acknowledged = [0]
    problems = []

    def read(by_engine):
        who = fresh.client("root")
        text = f"SELECT count(*), count(DISTINCT id) FROM {t} WHERE body <> ''" if by_engine \
            else f"SELECT count(*), count(*) FROM {t}"
        while not stop.is_set():
            floor = acknowledged[0]
            total, distinct = who.rows(text)[0]
            if total < floor or total != distinct:
                problems.append((floor, total, distinct, by_engine))
        who.close()

    readers = [threading.Thread(target=read, args=(flag,)) for flag in (True, False)]
    for reader in readers:
        reader.start()
    try:
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline and not problems:
            start = acknowledged[0]
            fresh.root.sql(f"INSERT INTO {t} SELECT i, 'x' FROM "
                           f"generate_series({start}, {start + 49}) AS g(i)")
            acknowledged[0] = start + 50
            if start % 200 == 0:
                flush(fresh, t)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    assert not problems, problems[:5]


def test_two_servers_one_directory(fresh):
    other = harness.Server(os.path.dirname(fresh.data))
    other.log_path += ".second"
    other.spawn()
    try:
        assert other.wait(20) == 3, other.log_tail()
        assert "locked" in other.log_tail().lower(), other.log_tail()
    finally:
        other.end()
    assert fresh.root.value("SELECT 1") == 1


def test_damage_is_refused(directory):
    """Exit status 4, and nothing on the disk was changed."""
    server = harness.Server(directory)
    try:
        server.start()
        t = make(server)
        for i in range(200):
            server.root.sql(f"INSERT INTO {t} VALUES ({i}, '{'x' * 200}')")
        server.kill()
        segment = last_segment(server)
        with open(segment, "r+b") as file:
            file.seek(20000)
            byte = file.read(1)
            file.seek(20000)
            file.write(bytes([byte[0] ^ 1]))
        before = fingerprint(server.data)
        server.spawn()
        assert server.wait(30) == 4, server.log_tail()
        assert fingerprint(server.data) == before, "something was changed"
    finally:
        server.end()


def last_segment(server):
    folder = os.path.join(server.data, "log")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".log"))
    return os.path.join(folder, names[-1])


def fingerprint(folder):
    found = {}
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = hash(file.read())
    found.pop("LOCK", None)
    return found


def test_torn_tail_is_taken_for_what_it_is(directory):
    """Cut anywhere behind what was acknowledged: it opens and has every acknowledged row."""
    random.seed(int(os.environ.get("SEED", "1")))
    server = harness.Server(directory)
    try:
        server.start()
        t = make(server)
        for i in range(20):
            server.root.sql(f"INSERT INTO {t} VALUES ({i}, 'kept')")
        server.kill()
        segment = last_segment(server)
        with open(segment, "rb") as file:
            end = len(file.read().rstrip(b"\0"))
        with open(segment, "r+b") as file:  # what a crash may leave behind the durable end
            file.seek((end + 4095) // 4096 * 4096)
            file.write(random.randbytes(300))
        server.start()
        assert server.root.value(f"SELECT count(*) FROM {t}") == 20
        server.root.sql(f"INSERT INTO {t} VALUES (100, 'after')")
        server.restart(crash=True)
        assert server.root.value(f"SELECT count(*) FROM {t}") == 21
    finally:
        server.end()


def drop_and_kill(server, name, with_checkpoint):
    """The job that removes the folder waits for a reader when the process ends."""
    def read():
        who = server.client("root")
        try:
            who.rows(f"SELECT count(*), sum(a.id % (b.id + c.id)) FROM {name} a, {name} b, {name} c")
        except (client.ConnectionLost, client.SqlError):
            pass

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    wait_for(lambda: server.root.value("SELECT count(*) FROM system.queries WHERE sql LIKE "
                                       "'%b.id + c.id%'") > 1, 20, "the reader")
    server.root.sql(f"DROP TABLE {name}")
    if with_checkpoint:
        checkpoints = os.listdir(os.path.join(server.data, "catalog"))
        server.root.sql("INSERT INTO d.kept SELECT i, repeat('x', 1000) FROM "
                        "generate_series(10, 4000) AS g(i)")
        flush(server, "d.kept")
        wait_for(lambda: os.listdir(os.path.join(server.data, "catalog")) != checkpoints, 20,
                 "a checkpoint behind the DROP")
    assert reader.is_alive(), "the reader is done: nothing is shown"
    server.kill()
    reader.join(20)


def folders(server, name):
    return [folder for top in ("storage", "streams")
            for folder in os.listdir(os.path.join(server.data, top)) if folder.startswith(name)]


def drop_with_crash(with_checkpoint):
    with harness.running(["flush.check_every=100ms", "log.bytes_max=4MiB"]) as server:
        for name in ("d.t", "d.kept"):
            make(server, name)
            server.root.sql(f"INSERT INTO {name} SELECT i, 'x' FROM generate_series(1, 3000) AS "
                            "g(i) ON CONFLICT DO NOTHING")
            flush(server, name)
        server.root.sql("DELETE FROM d.kept WHERE id >= 10")
        os.makedirs(os.path.join(server.data, "storage", "d.somebody_elses-999999"))
        drop_and_kill(server, "d.t", with_checkpoint)
        assert folders(server, "d.t-"), "the folder is gone already: nothing is shown"
        server.start()
        wait_for(lambda: not folders(server, "d.t-"), 30, "the end of the folder")
        assert folders(server, "d.kept-") and folders(server, "d.somebody_elses-999999")
        assert server.root.value("SELECT count(*) FROM d.kept WHERE id < 10") == 9


def test_bug_a_dropped_tables_folder_stayed_after_a_crash():
    """The process ends between the record of the DROP and the job that removes the folder: the next
    start queues it again, from the record. Folders that no DROP named stay."""
    drop_with_crash(False)


def test_bug_a_dropped_tables_folder_stayed_after_a_checkpoint_and_a_crash():
    """The same where the record is behind a checkpoint already: from the job in it."""
    drop_with_crash(True)
