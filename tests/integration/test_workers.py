"""The analytic engine's processes: one that dies costs its statement an error, and nothing else."""
import os
import random
import signal
import threading
import time

import client
from harness import LongQuery, flush, wait_for

SLOW = LongQuery.sql


def prepare(server):
    run = server.root.sql
    run("CREATE NAMESPACE w")
    run("CREATE TABLE w.t (id INT PRIMARY KEY, body TEXT)")
    run("INSERT INTO w.t SELECT i, 'b' || i FROM generate_series(1, 20000) AS g(i)")
    flush(server, "w.t")
    run("INSERT INTO w.t SELECT i, 'h' || i FROM generate_series(20001, 25000) AS g(i)")


def kill_workers(server):
    killed = 0
    for worker in server.workers():
        try:
            os.kill(worker, signal.SIGKILL)
            killed += 1
        except ProcessLookupError:
            pass
    return killed


def test_a_killed_worker_costs_its_statement(fresh):
    prepare(fresh)
    query = LongQuery(fresh).running()
    killed = 0
    for _ in range(60):  # on a busy machine the statement may not have reached its worker yet
        query.join(0.3)
        if not query.is_alive():
            break
        killed += kill_workers(fresh)
    assert killed >= 1
    assert isinstance(query.outcome, client.SqlError), query.outcome
    assert query.outcome.sqlstate == "58P05" and query.outcome.status == 503, query.outcome
    assert fresh.root.value("SELECT count(*) FROM w.t WHERE body LIKE 'b%'") == 20000


def test_killed_at_any_moment(fresh):
    """Reads, flushes, updates and compactions while workers die: right answers or clean errors."""
    prepare(fresh)
    seed = int(os.environ.get("SEED", "1"))
    stop = threading.Event()
    wrong, counted = [], {"answers": 0, "errors": 0}

    def ask(number):
        who = fresh.client("root")
        while not stop.is_set():
            try:
                total = who.value("SELECT count(*) FROM w.t WHERE length(body) > 0")
                counted["answers"] += 1
                if total != 25000:
                    wrong.append(total)
                if number == 0:
                    who.sql("UPDATE w.t SET body = body || '+' WHERE id % 1000 = 7")
                    who.sql("STORAGE FLUSH TABLE w.t")
            except client.SqlError as error:
                counted["errors"] += 1
                if error.sqlstate not in ("58P05", "58030", "57014"):
                    wrong.append(error)

    askers = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for asker in askers:
        asker.start()
    chosen = random.Random(f"workers {seed}")
    try:
        for killing in range(60):
            if killing >= 25 and counted["answers"] > 5:
                break
            # a build with a sanitizer starts its workers slowly: they are given more and more
            time.sleep(chosen.uniform(0.02, 0.5) * (1 + killing // 15))
            kill_workers(fresh)
    finally:
        stop.set()
        for asker in askers:
            asker.join(30)
    assert not wrong, wrong[:3]
    assert fresh.root.rows("SELECT count(*), count(DISTINCT id) FROM w.t") == [[25000, 25000]]
    lengths = fresh.root.rows("SELECT DISTINCT length(regexp_replace(body, '[^+]', '', 'g')) "
                              "FROM w.t WHERE id % 1000 = 7")
    assert len(lengths) == 1, lengths  # each update reached all of its rows or none
    flush(fresh, "w.t")
    fresh.restart(crash=True)
    assert fresh.root.rows("SELECT count(*), count(DISTINCT id) FROM w.t") == [[25000, 25000]]
    assert counted["answers"] > 5, counted


def test_key_reads_and_writes_need_no_worker(fresh):
    prepare(fresh)
    for worker in fresh.workers():
        os.kill(worker, signal.SIGSTOP)
    try:
        who = fresh.client("root", timeout=10)
        who.sql("INSERT INTO w.t VALUES (900000, 'written')")
        assert who.rows("SELECT body FROM w.t WHERE id = 900000") == [["written"]]
        who.sql("UPDATE w.t SET body = 'again' WHERE id = 900000")
        who.sql("DELETE FROM w.t WHERE id = 900000")
    finally:
        for worker in fresh.workers():
            os.kill(worker, signal.SIGCONT)
    assert fresh.root.value("SELECT count(*) FROM w.t WHERE body <> ''") == 25000


def test_kill_query(fresh):
    prepare(fresh)
    outcome = []

    def ask():
        who = fresh.client("root")
        try:
            outcome.append(who.value(SLOW))
        except client.SqlError as error:
            outcome.append(error)

    asker = threading.Thread(target=ask)
    asker.start()
    found = wait_for(lambda: fresh.root.rows(
        "SELECT query_id FROM system.queries WHERE sql LIKE 'SELECT count%3000000000%'"),
        what="the query")
    fresh.root.sql(f"KILL QUERY '{found[0][0]}'")
    asker.join(20)
    assert outcome[0].sqlstate == "57014", outcome


def test_no_worker_outlives_its_server(fresh):
    prepare(fresh)
    fresh.root.value("SELECT count(*) FROM w.t WHERE body <> ''")
    workers = fresh.workers()
    assert workers
    fresh.kill()

    def gone():
        for worker in workers:
            try:
                with open(f"/proc/{worker}/comm", encoding="ascii") as comm:
                    if comm.read().startswith("firn-worker"):
                        return False
            except OSError:
                pass
        return True

    wait_for(gone, 10, "the end of the workers")
    fresh.start()


def test_a_query_too_large_for_a_worker(fresh):
    """It is refused memory; the next query works."""
    fresh.root.sql("ALTER SYSTEM SET engine.worker_memory_max = '128MiB'")
    fresh.restart()
    error = fresh.root.error("SELECT length(string_agg(repeat('x', 1000), ',')) FROM "
                             "generate_series(1, 3000000) AS g(i)")
    assert error.sqlstate in ("53200", "58P05", "57014"), error
    assert fresh.root.value("SELECT count(*) FROM generate_series(1, 1000)") == 1000
