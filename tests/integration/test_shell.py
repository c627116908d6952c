"""The shell `firn` against the real server: statements, files, formats, live queries, exit status."""
import csv
import io
import json
import os
import signal
import subprocess
import time

import harness
from harness import wait_for


def make(server):
    server.root.sql("CREATE NAMESPACE IF NOT EXISTS sh")
    server.root.sql("CREATE TABLE IF NOT EXISTS sh.t (id INT PRIMARY KEY, body TEXT)")
    server.root.sql("INSERT INTO sh.t VALUES (1, 'a, \"b\"'), (2, NULL), (3, '') "
                    "ON CONFLICT DO NOTHING")


def test_formats(shared):
    make(shared)
    query = "SELECT id, body FROM sh.t ORDER BY id"
    status, out, err = shared.cli("-c", query)
    assert status == 0 and "(3 rows)" in out and "body" in out, (status, out, err)
    assert "\033" not in out, "colours in what is no terminal"
    status, out, _ = shared.cli("--format", "json", "-c", query)
    assert status == 0 and json.loads(out) == [
        {"id": 1, "body": 'a, "b"'}, {"id": 2, "body": None}, {"id": 3, "body": ""}], out
    status, out, _ = shared.cli("--format", "csv", "-c", query)
    assert list(csv.reader(io.StringIO(out))) == [
        ["id", "body"], ["1", 'a, "b"'], ["2", ""], ["3", ""]], out
    assert out.splitlines()[2:] == ["2,", '3,""'], out


def test_exit_status(shared):
    make(shared)
    assert shared.cli("-c", "SELECT 1")[0] == 0
    status, out, err = shared.cli("-c", "SELECT nix FROM sh.t")
    assert status == 1 and "42703" in err and 'column "nix" does not exist' in err, (out, err)
    assert shared.cli("--nix")[0] == 2
    assert shared.cli("-c", "SELECT 1", password="wrong")[0] in (1, 3)
    ended = subprocess.run([harness.program("firn"), "-p", "1", "-c", "SELECT 1"],
                           capture_output=True, timeout=20, check=False,
                           env={**os.environ, "FIRN_PASSWORD": "x"})
    assert ended.returncode == 3, ended


def test_files_and_input(shared):
    make(shared)
    text = ("-- a comment; with a semicolon\nSELECT 1 AS one; /* another;\n one */\n"
            "SELECT 'it''s; fine' AS two;\nSELECT $$;$$ AS three")
    status, out, err = shared.cli("--format", "json", "-", stdin=text)
    assert status == 0, err
    for piece in ('"one":1', "it's; fine", '"three":";"'):
        assert piece in out.replace(" ", "").replace("it's;fine", "it's; fine"), (piece, out)
    with harness.temporary_directory() as directory:
        path = os.path.join(directory, "many.sql")
        with open(path, "w", encoding="utf-8") as file:
            file.write("INSERT INTO sh.t VALUES (10, 'x');\n\nSELECT nix;\n"
                       "INSERT INTO sh.t VALUES (11, 'x');\n")
        status, _, err = shared.cli("-f", path)
        assert status == 1 and "many.sql:3" in err, err
        assert shared.root.rows("SELECT id FROM sh.t WHERE id >= 10") == [[10]]
        shared.root.sql("DELETE FROM sh.t WHERE id = 10")


def test_parameters_and_namespace(shared):
    make(shared)
    status, out, err = shared.cli("-n", "sh", "--format", "csv", "--param", "1", "--param", "it's",
                                  "-c", "SELECT id, $2::text AS said FROM t WHERE id = $1")
    assert status == 0 and out == "id,said\n1,it's\n", (out, err)


def test_verbose_tells_the_durability(shared):
    make(shared)
    _, out, err = shared.cli("--verbose", "-c", "UPDATE sh.t SET body = 'x' WHERE id = 3")
    assert "durability always" in out + err, (out, err)
    shared.root.sql("UPDATE sh.t SET body = '' WHERE id = 3")


def test_commands(shared):
    make(shared)
    status, out, err = shared.cli("-", stdin="\\dt\n\\d sh.t\n")
    assert status == 0 and "sh" in out and "body" in out, (out, err)


def test_control_characters_stay_inside(shared):
    """What stands in rows cannot steer the terminal."""
    make(shared)
    shared.root.sql("INSERT INTO sh.t VALUES (50, $1)", ["\x1b[2J\x07evil\r\n\x9b31m"])
    _, out, _ = shared.cli("-c", "SELECT body FROM sh.t WHERE id = 50")
    shared.root.sql("DELETE FROM sh.t WHERE id = 50")
    assert "evil" in out and not set(out) & set("\x1b\x07\r\x9b"), repr(out)


def test_version():
    ended = subprocess.run([harness.program("firn"), "version"], capture_output=True, text=True,
                           timeout=20, check=False)
    assert ended.returncode == 0 and "0.1.0" in ended.stdout, ended


def test_live(shared):
    make(shared)
    host, port = shared.address.rsplit(":", 1)
    environment = {**os.environ, "FIRN_PASSWORD": shared.passwords["root"]}
    with harness.temporary_directory() as directory:
        path = os.path.join(directory, "out")
        with open(path, "wb") as out:
            shell = subprocess.Popen(
                [harness.program("firn"), "-H", host, "-p", port, "--format", "json", "-c",
                 "\\live SELECT id, body FROM sh.t WHERE id >= 100"], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, env=environment)
        try:
            def said():
                with open(path, encoding="utf-8") as file:
                    return file.read()

            wait_for(lambda: '"live"' in said(), what="the live query")
            shared.root.sql("INSERT INTO sh.t VALUES (100, 'new')")
            shared.root.sql("DELETE FROM sh.t WHERE id = 100")
            wait_for(lambda: '"delete"' in said(), what="the changes")
            lines = [json.loads(line) for line in said().splitlines() if line.startswith("{")]
            assert [line["op"] for line in lines if line["op"] in ("insert", "delete")] == [
                "insert", "delete"], lines
            shell.send_signal(signal.SIGINT)
            assert shell.wait(10) == 0, said()
        finally:
            shell.kill()
            shell.wait()


def test_a_query_is_stopped_by_ctrl_c(shared):
    make(shared)
    host, port = shared.address.rsplit(":", 1)
    shell = subprocess.Popen(
        [harness.program("firn"), "-H", host, "-p", port, "-c",
         "SELECT count(*) FROM generate_series(1, 3000000000) AS g(i) WHERE i % 7 = 2"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "FIRN_PASSWORD": shared.passwords["root"]})
    try:
        def running():
            return shared.root.value("SELECT count(*) FROM system.queries WHERE sql LIKE "
                                     "'SELECT count%3000000000%7 = 2'")
        wait_for(running, what="the query")
        time.sleep(0.2)
        shell.send_signal(signal.SIGINT)
        shell.wait(10)
        wait_for(lambda: not running(), 10, "its end on the server")
    finally:
        shell.kill()
        shell.wait()
