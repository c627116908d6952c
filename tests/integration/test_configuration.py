"""firn.toml, FIRN_SECTION_KEY, --set: what is in force, from where; what is refused, and how."""
import os
import subprocess

import harness
from harness import expect_error, wait_for

# The keys of spec/config.md that this server must have, with their defaults as shown.
KEYS = """server.listen server.node_id server.workers server.loops
http.header_bytes_max http.body_bytes_max http.header_timeout http.idle_timeout http.cors_origins
ws.message_bytes_max ws.messages_per_second ws.auth_timeout ws.silence_timeout ws.queue_bytes_max
limits.connections limits.subscriptions_per_connection limits.sql_bytes_max limits.sql_tokens_max
limits.params_max limits.param_bytes_max limits.key_bytes_max limits.transaction_bytes_max
limits.load_bytes_max limits.failed_logins_per_minute
statement.timeout statement.write_timeout statement.lock_timeout
snapshot.age_max snapshot.bytes_max
log.durability log.interval log.segment_bytes log.bytes_max feed.retention feed.bytes_max
flush.rows flush.interval flush.bytes flush.memory_max flush.check_every
cold.compression cold.target_file_size cold.small_files_max cold.deleted_ratio_max
cold.delete_files_max cold.snapshot_retention cold.snapshots_max
engine.workers engine.worker_memory_max engine.threads engine.temp_bytes_max engine.worker_path
jobs.workers jobs.retention jobs.stuck_after shutdown.wait
auth.anonymous auth.access_ttl auth.refresh_ttl
logging.level logging.format logging.slow_query""".split()


def check(directory, *arguments, variables=None, toml=None):
    """firnd --check-config: (status, what it said)."""
    data = os.path.join(directory, "data")
    os.makedirs(data, exist_ok=True)
    path = os.path.join(data, "firn.toml")
    if toml is not None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(toml)
    elif os.path.exists(path):
        os.unlink(path)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FIRN_")}
    ended = subprocess.run(
        [harness.program("firnd"), "--data", data, *arguments, "--check-config"],
        capture_output=True, text=True, timeout=30, check=False,
        env={**environment, **(variables or {})})
    return ended.returncode, ended.stdout + ended.stderr


def line_of(said, key):
    lines = [line for line in said.splitlines() if key in line]
    section, name = key.split(".", 1)
    lines = lines or [line for line in said.splitlines() if line.strip().startswith(name)]
    assert lines, f"{key} is not in {said[:2000]}"
    return lines[0]


def test_every_key_is_there(directory):
    status, said = check(directory)
    assert status == 0, said
    for key in KEYS:
        assert key in said, f"{key} is missing in:\n{said}"
    assert not os.path.exists(os.path.join(directory, "data", "log")), "it opened the database"


def test_sources_in_their_order(directory):
    toml = '[flush]\nrows = 111\nbytes = "1MiB"\ninterval = "5s"\n'
    variables = {"FIRN_FLUSH_ROWS": "222", "FIRN_FLUSH_BYTES": "2MiB"}
    status, said = check(directory, "--set", "flush.rows=333", variables=variables, toml=toml)
    assert status == 0, said
    for key, value, source in (("flush.rows", "333", "command"),
                               ("flush.bytes", "2", "environment"),
                               ("flush.interval", "5", "file"),
                               ("flush.check_every", "5", "default")):
        line = line_of(said, key)
        assert value in line and source in line, (key, line)


def test_what_is_refused(directory):
    for toml, setting, words in (
            ("[flush]\nrowz = 1\n", None, ("rowz", "rows")),
            ("[nix]\na = 1\n", None, ("nix",)),
            ("", "flush.rowz=1", ("flush.rowz", "flush.rows")),
            ("", "flush.rows=-1", ("flush.rows",)),
            ("", "flush.rows=many", ("flush.rows", "many")),
            ("", "log.durability=sometimes", ("log.durability", "always", "interval", "none")),
            ("", "http.body_bytes_max=12X", ("http.body_bytes_max", "12X")),
            ("", "statement.timeout=forever", ("statement.timeout",)),
            ("", "server.node_id=0", ("server.node_id", "65535")),
            ("", "server.node_id=65536", ("server.node_id", "65535")),
            ("[flush]\nrows = 1\nrows = 2\n", None, ("rows",)),
            ("flush rows = 1\n", None, ("firn.toml",)),
            ("[flush\nrows = 1\n", None, ("firn.toml",))):
        arguments = () if setting is None else ("--set", setting)
        status, said = check(directory, *arguments, toml=toml)
        assert status not in (0, 3, 4), (toml, setting, status, said)
        for word in words:
            assert word in said, (toml, setting, word, said)
    status, said = check(directory, variables={"FIRN_FLUSH_ROWZ": "1"})
    assert status != 0 and "FIRN_FLUSH_ROWZ" in said, said


def test_a_wrong_key_stops_the_start(directory):
    server = harness.Server(directory, settings=["flush.rowz=1"])
    try:
        server.spawn()
        assert server.wait(20) not in (0, 3, 4), server.log_tail()
        assert not os.path.exists(os.path.join(server.data, "log"))
    finally:
        server.end()


def test_alter_system(fresh):
    run = fresh.root.sql
    run("CREATE NAMESPACE c")
    run("CREATE TABLE c.t (id INT PRIMARY KEY)")
    run("ALTER SYSTEM SET flush.rows = 10")
    row = run("SELECT value, source, restart FROM system.settings WHERE name = 'flush.rows'").rows
    assert row[0][0] == "10" and row[0][2] is False, row
    run("INSERT INTO c.t SELECT i FROM generate_series(1, 10) AS g(i)")
    wait_for(lambda: harness.counts(fresh, "c.t") == (0, 10), what="the flush by the new default")
    fresh.restart(crash=True)
    assert fresh.root.value("SELECT value FROM system.settings WHERE name = 'flush.rows'") == "10"
    fresh.root.sql("ALTER SYSTEM RESET flush.rows")
    assert fresh.root.value("SELECT value FROM system.settings WHERE name = 'flush.rows'") \
        == "100000"
    for text, sqlstate in (("ALTER SYSTEM SET flush.rowz = 1", "42704"),
                           ("ALTER SYSTEM SET flush.rows = 0", "22023"),
            ("ALTER SYSTEM SET flush.rows = -1", None),
                           ("ALTER SYSTEM SET flush.rows = 'x'", "22023"),
                           ("ALTER SYSTEM SET server.listen = '0.0.0.0:1'", None)):
        error = fresh.root.error(text)
        assert error.status in (400, 404, 409), (text, error)
        assert sqlstate in (None, error.sqlstate), (text, error)


def test_durability_modes(directory):
    """Each mode says what it gives, and none of them loses what a kill of the process allows."""
    for mode in ("always", "interval", "none"):
        place = os.path.join(directory, mode)
        os.makedirs(place)
        server = harness.Server(place, settings=[f"log.durability={mode}"])
        try:
            server.start()
            server.root.sql("CREATE NAMESPACE m")
            server.root.sql("CREATE TABLE m.t (id INT PRIMARY KEY)")
            for i in range(50):
                server.root.sql(f"INSERT INTO m.t VALUES ({i})")
            body = server.root.sql("INSERT INTO m.t VALUES (50)").body
            if "durability" in body:
                assert body["durability"] == mode, body
            if mode == "none":
                server.restart()
            else:
                server.restart(crash=True)
            assert server.root.value("SELECT count(*) FROM m.t") == 51 or mode == "interval"
        finally:
            server.end()


def test_reload_by_signal(fresh):
    import signal
    path = os.path.join(fresh.data, "firn.toml")
    with open(path, "w", encoding="utf-8") as file:
        file.write('[flush]\nrows = 77\n')
    fresh.signal(signal.SIGHUP)
    wait_for(lambda: fresh.root.value("SELECT value FROM system.settings WHERE name = "
                                      "'flush.rows'") == "77", what="the new value")
    expect_error(fresh.root.error("ALTER SYSTEM SET nix = 1"), "42704")
