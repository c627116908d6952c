"""Directories that older releases left (tests/formats): the present build opens each, answers as it
did, writes on in it; and one of a later format is refused by name, with nothing changed."""
import datetime
import json
import os
import shutil
import subprocess
import tarfile

import disk_format as disk
import harness
from harness import Server, flush, program

FORMATS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "formats")


def kept_versions():
    return sorted(name for name in os.listdir(FORMATS)
                  if os.path.exists(os.path.join(FORMATS, name, "data.tar.gz")))


def expected_of(version):
    with open(os.path.join(FORMATS, version, "expected.json"), encoding="utf-8") as file:
        return json.load(file)


def unpack(version, directory):
    """A server, not started, over the kept directory; and what is expected of it."""
    os.makedirs(directory)
    with tarfile.open(os.path.join(FORMATS, version, "data.tar.gz")) as tar:
        tar.extractall(directory)
    expected = expected_of(version)
    server = Server(directory, expected["settings"])
    server.passwords.update(expected["passwords"])
    assert expected["root"] == harness.ROOT_PASSWORD
    return server, expected


def check(server, good=True):
    ended = subprocess.run([program("firn"), "check", server.data], capture_output=True, text=True,
                           timeout=60, check=False)
    text = ended.stdout + ended.stderr
    assert (ended.returncode == 0) == good, text
    return text


def compare(server, expected):
    for answer in expected["answers"]:
        found = server.user(answer["user"]).rows(answer["sql"])
        assert found == answer["rows"], f"{answer['sql']}\n{found}\ninstead of\n{answer['rows']}"
    until = datetime.datetime.fromisoformat(expected["stream_until"])
    is_alive = datetime.datetime.now(datetime.timezone.utc) < until
    for answer in expected["stream_answers"] if is_alive else ():
        assert server.user(answer["user"]).rows(answer["sql"]) == answer["rows"], answer


def write_on(server):
    """Each table takes rows, settles them beside the old ones, and merges both."""
    root = server.root
    for table, values in (("shared", "(9001, 'later', 1, 'a')"), ("emptied", "(9001, 'later')"),
                          ("compacted", "(9001, 'p9', 'later')"), ("keyless", "(9001, 'later')")):
        root.sql(f"INSERT INTO kept.{table} VALUES {values}")
    root.sql("INSERT INTO kept.types (id, number) VALUES (9001, 1)")
    server.user("alice").sql("INSERT INTO kept.own VALUES (9001, 'later')")
    server.user("bob").sql("INSERT INTO kept.stream VALUES (9001, 'later')")
    root.sql("UPDATE kept.shared SET body = 'over an old file' WHERE id = 100")
    tables = ("shared", "emptied", "compacted", "keyless", "types", "own")
    counts = [root.value(f"SELECT count(*) FROM kept.{t}{' FOR ALL USERS' * (t == 'own')}")
              for t in tables]
    for table in tables:
        flush(server, f"kept.{table}")
        root.sql(f"STORAGE COMPACT TABLE kept.{table}")
    server.restart(crash=True)
    root = server.root
    after = [root.value(f"SELECT count(*) FROM kept.{t}{' FOR ALL USERS' * (t == 'own')}")
             for t in tables]
    assert after == counts, (tables, counts, after)
    assert root.rows("SELECT body FROM kept.shared WHERE id IN (100, 9001) ORDER BY id") == \
        [["over an old file"], ["later"]]
    assert server.user("bob").rows("SELECT body FROM kept.stream WHERE id = 9001") == [["later"]]


def test_kept_directories_open(directory):
    versions = kept_versions()
    assert versions, "no directory is kept"
    for version in versions:
        server, expected = unpack(version, os.path.join(directory, version))
        try:
            assert "good: 0 damaged, 0 derived" in check(server), version
            server.start()
            compare(server, expected)
            server.restart()
            compare(server, expected)
            write_on(server)
            assert server.stop() == 0
            check(server)
        finally:
            server.end()


def test_the_present_release_is_kept():
    said = subprocess.run([program("firnd"), "--version"], capture_output=True, text=True,
                          check=True).stdout
    assert said.split()[1] in kept_versions(), "tests/formats/make.py was not run for this release"


# What is made newer by one: name, file, edit, and what the refusal says. The log's records are
# found by their kind.
def record(kind, offset_of=disk.first_byte):
    return lambda data: disk.bump_record(os.path.join(data, "log"), kind, offset_of)


def one_file(pattern, edit):
    return lambda data: disk.change(disk.find(data, pattern)[-1], edit)


def every_file(pattern, edit):
    def run(data):
        for path in disk.find(data, pattern):
            disk.change(path, edit)
    return run


REFUSED = [
    ("log segment", one_file(r"/log/[0-9a-f]{16}\.log$", disk.bump_segment), "log segment"),
    ("cold commit", record(disk.COLD), "a cold commit record"),
    ("definition", record(disk.DEFINITION), "a definition record"),
    ("catalog change", record(disk.DEFINITION, disk.catalog_change), "a catalog record"),
    ("job", record(disk.JOB), "a job record"),
    ("token", record(disk.TOKEN), "a token record"),
    ("checkpoint", one_file(r"\.checkpoint$", disk.bump_checkpoint), "the catalog's checkpoint"),
    ("checkpoint, upper part", one_file(r"\.checkpoint$", disk.bump_upper_part),
     "the checkpoint's part of catalog, jobs and tokens"),
    ("checkpoint, catalog", one_file(r"\.checkpoint$", disk.bump_catalog_in_checkpoint),
     "a catalog record"),
    ("token key", one_file(r"/token-key$", disk.bump_token_key), "the file token-key"),
    ("table metadata", lambda data: disk.bump_metadata(data, disk.bump_firn_format),
     "a table's metadata"),
    ("key index", every_file(r"\.keys$", disk.bump_key_index), "a key index"),
    ("deleted rows", every_file(r"\.deletes$", disk.bump_sidecar), "list of deleted rows"),
    ("windows' manifest", every_file(r"/catalog/streams/", disk.bump_stream_manifest),
     "a stream's manifest"),
    ("schema", every_file(r"/catalog/streams/", disk.bump_stream_schema), "a table's schema"),
]


def state_of(data):
    """Every file by path, but the log's spares: a refusal changes none of them. (What lies behind
    the log is read when the log has a new segment already.)"""
    state = {}
    for folder, _, names in os.walk(data):
        for name in names:
            if name.startswith("spare-"):
                continue
            with open(os.path.join(folder, name), "rb") as file:
                state[os.path.relpath(os.path.join(folder, name), data)] = hash(file.read())
    return state


def expect_refusal(directory, version, name, edit, said):
    server, _ = unpack(version, directory)
    try:
        edit(server.data)
        before = state_of(server.data)
        server.spawn()
        status = server.wait()
        text = server.log()
        assert status != 0, f"{name}: it was opened\n{text}"
        assert said in text and "has format 2" in text and "reads up to 1" in text, f"{name}:\n{text}"
        after = state_of(server.data)
        changed = [path for path in before if after.get(path) != before[path]]
        assert not changed, f"{name}: the refusal changed {changed}"
        if name != "token key":  # which holds nothing that firn check could look at
            offline = check(server, good=False)
            assert said in offline and "has format 2" in offline, f"{name}:\n{offline}"
    finally:
        server.end()
    shutil.rmtree(directory)


def test_later_formats_are_refused_by_name(directory):
    version = kept_versions()[-1]
    for number, (name, edit, said) in enumerate(REFUSED):
        expect_refusal(os.path.join(directory, str(number)), version, name, edit, said)


test_later_formats_are_refused_by_name.deadline = 300


def test_a_later_iceberg_is_refused(directory):
    server, _ = unpack(kept_versions()[-1], os.path.join(directory, "iceberg"))
    try:
        disk.bump_metadata(server.data, disk.bump_iceberg_format)
        server.spawn()
        assert server.wait() != 0
        assert "Iceberg format version 3 is not supported, only 2" in server.log(), server.log()
    finally:
        server.end()


def test_a_later_window_is_refused(directory):
    """Window files are read when they are asked for: the table's scan is refused, not the start."""
    server, _ = unpack(kept_versions()[-1], os.path.join(directory, "window"))
    try:
        every_file(r"/streams/kept.*/alice\.log$", disk.bump_window)(server.data)
        text = check(server, good=False)
        assert "a window file has format 2" in text and "alice.log" in text, text
        server.start()
        error = server.user("alice").error("SELECT count(*), max(body) FROM kept.stream")
        assert error.sqlstate == "58P04" and "format 2" in error.message, error
        assert server.root.value("SELECT count(*) FROM kept.emptied") == 1
    finally:
        server.end()
