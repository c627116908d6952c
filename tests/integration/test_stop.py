"""How a server ends: subscribers are told, jobs are waited for and named, a second signal hurries."""
import os
import signal
import subprocess
import threading
import time

import client
import harness
from harness import wait_for


def make(server):
    server.root.sql("CREATE NAMESPACE IF NOT EXISTS s")
    server.root.sql("CREATE TABLE s.t (id INT PRIMARY KEY, body TEXT)")
    server.root.sql("INSERT INTO s.t VALUES (1, 'x')")


def test_subscribers_are_told(fresh):
    make(fresh)
    socket = fresh.socket()
    socket.subscribe("one", "SELECT * FROM s.t")
    fresh.signal()
    code, messages = socket.expect_close(20)
    said = [m for m in messages if m["type"] in ("closing", "unsubscribed")]
    assert said and {m["reason"] for m in said} == {"shutdown"}, messages
    assert code == 1001, code
    assert fresh.wait() == 0, fresh.log_tail()


def test_both_signals_stop_cleanly(fresh):
    make(fresh)
    for number in (signal.SIGTERM, signal.SIGINT):
        fresh.signal(number)
        assert fresh.wait() == 0, fresh.log_tail()
        fresh.start()
        assert fresh.root.rows("SELECT * FROM s.t") == [[1, "x"]]


def test_an_idle_server_stops_at_once(fresh):
    make(fresh)
    begin = time.monotonic()
    assert fresh.stop() == 0
    assert time.monotonic() - begin < 10


def paused_flush(directory):
    folder = harness.need_faults()
    server = harness.Server(directory, folder=folder)
    pause = os.path.join(directory, "paused")
    # a server that ends in a hurry leaves its threads to the system: TSan calls each a leak
    told = os.environ.get("TSAN_OPTIONS", "") + " report_thread_leaks=0"
    server.start({"FIRN_FAULT": "flush_write:pause", "FIRN_FAULT_PAUSE_FILE": pause,
                  "TSAN_OPTIONS": told})
    make(server)
    job = server.root.value("STORAGE FLUSH TABLE s.t ASYNC")
    wait_for(lambda: os.path.exists(pause), what="the paused flush")
    return server, pause, job


def test_running_jobs_are_waited_for_and_named(directory):
    server, pause, job = paused_flush(directory)
    try:
        server.signal()
        wait_for(lambda: job in server.log(), 10, "the job's name in the log")
        assert server.is_alive(), "it did not wait"
        os.unlink(pause)
        assert server.wait(20) == 0, server.log_tail()
        server.start()
        assert server.root.value("SELECT state FROM system.jobs WHERE job_id = $1", [job]) \
            == "completed"
        assert harness.counts(server, "s.t") == (0, 1)
    finally:
        server.end()


def test_a_second_signal_ends_at_once(directory):
    server, _, job = paused_flush(directory)
    try:
        server.signal()
        wait_for(lambda: job in server.log(), 10, "the job's name in the log")
        server.signal()
        status = server.wait(15)
        assert status in (0, 1), (status, server.log_tail())
        server.start()
        row = server.root.rows("SELECT state, error FROM system.jobs WHERE job_id = $1", [job])
        assert row == [["failed", "interrupted by shutdown"]], row
        assert server.root.rows("SELECT * FROM s.t") == [[1, "x"]]
    finally:
        server.end()


def test_a_long_query_does_not_hold_up_the_stop(fresh):
    query = harness.LongQuery(fresh).running()
    fresh.process.send_signal(signal.SIGTERM)
    assert fresh.process.wait(60) == 0
    query.join(10)
    assert isinstance(query.outcome, client.SqlError), query.outcome
    assert query.outcome.sqlstate == "57014", query.outcome


def test_requests_under_way_are_answered(fresh):
    """Every request that was taken gets an answer: a result, or an error that says why."""
    make(fresh)
    answers, stop = [], threading.Event()

    def write(first):
        who, i = fresh.client("root"), first
        while not stop.is_set():
            i += 1
            try:
                who.sql(f"INSERT INTO s.t VALUES ({i}, 'w')")
                answers.append(i)
            except client.SqlError as error:
                if error.sqlstate not in ("57P01", "57014"):
                    answers.append(error)
                return
            except (client.ConnectionLost, OSError):
                return

    writers = [threading.Thread(target=write, args=(1000 * (n + 1),)) for n in range(4)]
    for writer in writers:
        writer.start()
    time.sleep(0.5)
    fresh.signal()
    assert fresh.wait() == 0, fresh.log_tail()
    stop.set()
    for writer in writers:
        writer.join(20)
    assert all(isinstance(answer, int) for answer in answers), answers[-3:]
    fresh.start()
    present = {row[0] for row in fresh.root.rows("SELECT id FROM s.t")}
    assert set(answers) <= present, sorted(set(answers) - present)[:5]


def run(directory, *arguments, variables=None, wait=30):
    command = [harness.program("firnd"), *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FIRN_")}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=wait, cwd=directory,
                           env={**environment, **(variables or {})}, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_version(directory):
    status, said = run(directory, "--version")
    assert status == 0, said
    for word in ("Firn 0.1.0", "gcc", "built ", "DuckDB v1.5."):
        assert word in said, said
    assert os.listdir(directory) == [], "it made something"


def test_wrong_use(directory):
    for arguments in (("--nix",), ("--listen",), ("--set", "x"), ("--listen", "nowhere"),
                      ("--listen", "127.0.0.1:99999"), ("extra",)):
        status, said = run(directory, *arguments)
        assert status == 2, (arguments, status, said)
        assert said.strip(), arguments


def test_help(directory):
    status, said = run(directory, "--help")
    assert status == 0 and "--data" in said and "--check-config" in said, said


def test_what_cannot_be_opened(directory):
    """Exit 1, with the reason: a taken port, a directory that is a file."""
    path = os.path.join(directory, "file")
    with open(path, "w", encoding="ascii") as file:
        file.write("x")
    status, said = run(directory, "--data", path, "--listen", "127.0.0.1:0")
    assert status == 1 and said.strip(), (status, said)
    with harness.running() as server:
        status, said = run(directory, "--data", os.path.join(directory, "d"),
                           "--listen", server.address)
        assert status == 1 and said.strip(), (status, said)


def test_a_directory_of_something_else_is_refused(directory):
    """Files that no Firn made: exit 4 or 1, and nothing is changed."""
    data = os.path.join(directory, "data")
    os.makedirs(os.path.join(data, "log"))
    path = os.path.join(data, "log", "0000000000000001.log")
    with open(path, "wb") as file:
        file.write(b"this is somebody's only copy of something" * 100)
    with open(path, "rb") as file:
        before = file.read()
    status, said = run(directory, "--data", data, "--listen", "127.0.0.1:0")
    assert status in (1, 4), (status, said)
    with open(path, "rb") as file:
        assert file.read() == before
