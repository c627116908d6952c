"""What lies on the disk after a flush: a real Iceberg v2 table, in the folders and names promised."""
import json
import os
import re
import stat

import avro
from harness import flush, wait_for


def make(server, name, kind="", columns="id INT PRIMARY KEY, body TEXT"):
    server.root.sql(f"CREATE NAMESPACE IF NOT EXISTS {name.split('.')[0]}")
    server.root.sql(f"CREATE {kind} TABLE {name} ({columns})")
    return name


def folder_of(server, table):
    """The one folder of the table; its name is <namespace>.<table>-<id>."""
    top = os.path.join(server.data, "storage")
    found = [name for name in os.listdir(top) if name.rpartition("-")[0] == table]
    assert len(found) == 1, os.listdir(top)
    return os.path.join(top, found[0])


def local(server, table, uri):
    """A path of the metadata as a path of this machine."""
    path = uri[len("file://"):] if uri.startswith("file://") else uri
    return path if os.path.isabs(path) else os.path.join(folder_of(server, table), path)


def metadata_of(server, table):
    folder = os.path.join(folder_of(server, table), "metadata")
    with open(os.path.join(folder, "version-hint.text"), encoding="ascii") as hint:
        version = int(hint.read())
    with open(os.path.join(folder, f"v{version}.metadata.json"), encoding="utf-8") as file:
        return json.load(file)


def current(server, table):
    """(metadata, live entries of the current snapshot's manifests)."""
    metadata = metadata_of(server, table)
    snapshot = next(s for s in metadata["snapshots"]
                    if s["snapshot-id"] == metadata["current-snapshot-id"])
    _, manifests = avro.read_file(local(server, table, snapshot["manifest-list"]))
    entries = []
    for manifest in manifests:
        _, records = avro.read_file(local(server, table, manifest["manifest_path"]))
        entries += [record for record in records if record["status"] != 2]
    return metadata, entries


def check_files(server, table, entries):
    for entry in entries:
        path = local(server, table, entry["data_file"]["file_path"])
        assert os.path.getsize(path) == entry["data_file"]["file_size_in_bytes"], path
        with open(path, "rb") as file:
            data = file.read()
        assert data[:4] == b"PAR1" and data[-4:] == b"PAR1", path


def test_shared_table(shared):
    t = make(shared, "ice.shared")
    run = shared.root.sql
    run(f"INSERT INTO {t} SELECT i, 'b' || i FROM generate_series(1, 100) AS g(i)")
    done = flush(shared, t)
    metadata, entries = current(shared, t)
    assert metadata["format-version"] == 2
    assert metadata["current-snapshot-id"] == done["snapshot"], (metadata, done)
    assert [e["data_file"]["content"] for e in entries] == [0], entries
    assert entries[0]["data_file"]["record_count"] == 100
    check_files(shared, t, entries)
    name = os.path.relpath(local(shared, t, entries[0]["data_file"]["file_path"]),
                           folder_of(shared, t))
    assert re.fullmatch(r"data/batch-\d{13}-\d+\.parquet", name), name
    fields = {f["name"]: f["id"] for f in metadata["schemas"][-1]["fields"]}
    assert {"id", "body", "_seq", "_updated"} <= set(fields), fields
    run(f"DELETE FROM {t} WHERE id <= 20")  # few enough that no compaction comes by itself
    run(f"UPDATE {t} SET body = 'u' WHERE id = 50")
    flush(shared, t)
    metadata, entries = current(shared, t)
    check_files(shared, t, entries)
    data = sum(e["data_file"]["record_count"] for e in entries if e["data_file"]["content"] == 0)
    deletes = sum(e["data_file"]["record_count"] for e in entries if e["data_file"]["content"] == 1)
    assert (data, deletes) == (101, 21), entries
    assert all(e["data_file"]["file_path"].endswith(".deletes.parquet") for e in entries
               if e["data_file"]["content"] == 1)
    assert data - deletes == run(f"SELECT count(*) FROM {t}").value


def test_snapshots_tell_their_job(shared):
    t = make(shared, "ice.summaries")
    run = shared.root.sql
    run(f"INSERT INTO {t} VALUES (1, 'a')")
    flush(shared, t)
    first_seq = run(f"SELECT _seq FROM {t}").value
    metadata = metadata_of(shared, t)
    summary = metadata["snapshots"][-1]["summary"]
    job = run("SELECT job_id FROM system.jobs WHERE type = 'flush' AND table_name = 'summaries'")
    assert summary["firn.job"] == job.value, summary
    assert int(summary["firn.first_seq"]) <= first_seq <= int(summary["firn.last_seq"]), summary
    assert summary["operation"] == "append", summary
    rows = run("SELECT snapshot_id, operation, first_seq, last_seq FROM system.snapshots "
               "WHERE table_name = 'summaries'").rows
    assert rows[-1] == [metadata["current-snapshot-id"], "append",
                        int(summary["firn.first_seq"]), int(summary["firn.last_seq"])], rows


def test_user_table_has_a_file_for_each_user(shared):
    t = make(shared, "ice.users", kind="USER")
    for name, rows in (("ann@example.org", 3), ("ben", 2)):
        who = shared.user(name)
        for i in range(rows):
            who.sql(f"INSERT INTO {t} VALUES ({i}, '{name}')")
    flush(shared, t)
    metadata, entries = current(shared, t)
    assert metadata["partition-specs"][-1]["fields"], "no partition by user"
    files = {}
    for entry in entries:
        name = os.path.relpath(local(shared, t, entry["data_file"]["file_path"]),
                               folder_of(shared, t))
        found = re.fullmatch(r"data/([^/]+)/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d+(\.\d+)?\.parquet",
                             name)
        assert found, name
        files[found.group(1)] = entry["data_file"]["record_count"]
        assert list(entry["data_file"]["partition"].values()) == [found.group(1)], entry
    assert files == {"ann@example.org": 3, "ben": 2}, files
    for entry in entries:  # a user's file holds his rows alone
        with open(local(shared, t, entry["data_file"]["file_path"]), "rb") as file:
            data = file.read()
        assert (b"ben" in data) != (b"ann@example.org" in data), entry["data_file"]["file_path"]


def test_stream_and_empty_tables_have_no_files(shared):
    make(shared, "ice.empty")
    shared.root.sql("CREATE STREAM TABLE ice.stream (id INT PRIMARY KEY) TTL 1h")
    shared.root.sql("INSERT INTO ice.stream VALUES (1)")
    shared.root.sql("STORAGE FLUSH ALL IN ice")
    paths = [path for path in shared.files(".parquet")
             if path.startswith(("ice.empty-", "ice.stream-"))]
    assert paths == [], paths


def test_system_files_and_manifest_agree_with_the_disk(shared):
    t = make(shared, "ice.agree")
    run = shared.root.sql
    run(f"INSERT INTO {t} SELECT i, 'x' FROM generate_series(1, 50) AS g(i)")
    flush(shared, t)
    run(f"DELETE FROM {t} WHERE id = 1")
    flush(shared, t)
    listed = run("SELECT kind, path, rows, deleted_rows, bytes, key_min, key_max FROM system.files "
                 "WHERE namespace = 'ice' AND table_name = 'agree' ORDER BY kind, path").records()
    data = [row for row in listed if row["kind"] == "data"]
    assert [(row["rows"], row["deleted_rows"]) for row in data] == [(50, 1)], listed
    top = os.path.join(shared.data, "storage")
    for row in listed:
        found = [path for path in walk(top) if path.endswith(row["path"].lstrip("/"))]
        assert len(found) == 1 and os.path.getsize(found[0]) == row["bytes"], (row, found)
    manifest = run("SELECT files, rows, hot_rows, needs_flush, metadata_path FROM system.manifest "
                   "WHERE namespace = 'ice' AND table_name = 'agree'").records()[0]
    assert manifest["files"] == 1 and manifest["hot_rows"] == 0, manifest
    assert manifest["needs_flush"] is False and manifest["metadata_path"], manifest


def walk(top):
    return [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]


def test_a_dropped_table_leaves_no_folder(shared):
    t = make(shared, "ice.dropped")
    shared.root.sql(f"INSERT INTO {t} VALUES (1, 'x')")
    flush(shared, t)
    folder = folder_of(shared, t)
    shared.root.sql(f"DROP TABLE {t}")
    wait_for(lambda: not os.path.exists(folder), what="the folder's removal")
    assert shared.root.rows("SELECT * FROM system.files WHERE table_name = 'dropped'") == []


def test_the_directory_is_as_promised(shared):
    names = set(os.listdir(shared.data))
    assert {"LOCK", "log", "storage"} <= names, names
    assert names <= {"LOCK", "log", "storage", "tmp", "catalog", "streams", "root-password",
                     "token-key", "firn.toml"}, names
    for name in os.listdir(os.path.join(shared.data, "log")):
        assert re.fullmatch(r"[0-9a-f]{16}\.log|spare-\d+", name), name
    assert stat.S_IMODE(os.stat(os.path.join(shared.data, "token-key")).st_mode) == 0o600
    for path in [shared.data, *walk(shared.data)]:
        mode = stat.S_IMODE(os.stat(path).st_mode)
        assert mode & 0o007 == 0, f"{path} is open to every account: {mode:o}"


def test_flushes_in_one_second_have_names_of_their_own(shared):
    t = make(shared, "ice.names")
    for i in range(10):
        shared.root.sql(f"INSERT INTO {t} VALUES ({i}, 'x')")
        flush(shared, t)
    rows = shared.root.rows("SELECT sum(rows) FROM system.jobs WHERE type = 'flush' AND "
                            "table_name = 'names' AND state = 'completed'")
    assert int(rows[0][0]) == 10, rows
    assert shared.root.value(f"SELECT count(*) FROM {t}") == 10
