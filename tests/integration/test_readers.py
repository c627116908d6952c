"""Foreign readers of our Iceberg tables see what our SELECT sees, to the value."""
import glob
import json
import os
import shutil
import subprocess
import sys

import harness
from harness import ROOT, Skip, flush

sys.path.insert(0, os.path.join(ROOT, "tools"))
import demo_mails  # noqa: E402

DEPENDENCIES = os.path.join(ROOT, "build", "dependencies")
MAILS = 1500
CHANGES = 300
COLUMNS = ["_user", "grp", "id", "subject", "sent_at", "is_read", "size", "_seq"]


def read_by_icebird(folder, columns):
    modules = os.path.join(DEPENDENCIES, "icebird")
    if shutil.which("node") is None or not os.path.isdir(os.path.join(modules, "node_modules")):
        raise Skip("icebird is not set up: tools/setup test")
    done = subprocess.run(
        ["node", os.path.join(ROOT, "tests", "readers", "icebird.mjs"), modules, folder, *columns],
        capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def folder_of(server, table):
    found = glob.glob(os.path.join(server.data, "**", f"{table}-*", "metadata",
                                   "version-hint.text"), recursive=True)
    assert len(found) == 1, found
    return os.path.dirname(os.path.dirname(os.path.abspath(found[0])))


def comparable(rows):
    """As both sides can say it: times to the millisecond, which is all that JavaScript has."""
    def time_of(text):
        if text is None:
            return None
        text = text.replace("T", " ").rstrip("Z")
        whole, _, fraction = text.partition(".")
        return f"{whole}.{(fraction + '000')[:3]}"
    at = COLUMNS.index("sent_at")
    return sorted(row[:at] + [time_of(row[at])] + row[at + 1:] for row in rows)


def write_mails(server, mails):
    root = server.root
    root.sql("CREATE NAMESPACE mail")
    root.sql("CREATE USER TABLE mail.messages (grp TEXT, id INT, subject TEXT, sent_at TIMESTAMP,"
             " is_read BOOLEAN, size BIGINT, PRIMARY KEY (grp, id)) FLUSH ROWS 100000 INTERVAL 24h")
    owners = {}
    for mail in mails:
        owners.setdefault(mail.owner, []).append(mail)
    for owner, own in sorted(owners.items()):
        root.sql(f"CREATE USER '{owner}' WITH PASSWORD 'x' ROLE user")
        for first in range(0, len(own), 100):
            params, values = [], []
            for mail in own[first:first + 100]:
                at = len(params)
                params += [mail.group, mail.number, mail.subject, mail.sent_at, False,
                           len(mail.body)]
                values.append("(" + ",".join(f"${at + i + 1}" for i in range(6)) + ")")
            root.sql(f"INSERT INTO mail.messages AS USER '{owner}' VALUES " + ",".join(values),
                     params)


def check(server, when):
    ours = server.root.rows("SELECT " + ", ".join(COLUMNS) + " FROM mail.messages FOR ALL USERS")
    theirs = read_by_icebird(folder_of(server, "mail.messages"), COLUMNS)
    ours, theirs = comparable(ours), comparable(theirs)
    assert len(ours) == len(theirs), (when, len(ours), len(theirs))
    for mine, other in zip(ours, theirs):
        assert mine == other, (when, mine, other)
    return len(ours)


def test_icebird_reads_the_mails(fresh):
    """A flush, 300 updates and 300 deletes over it, another flush, a compaction."""
    package = os.path.join(DEPENDENCIES, "spam-assassin")
    if not os.path.isdir(package):
        raise Skip("the mails are not set up: tools/setup test")
    mails = demo_mails.read_mails(package, MAILS)
    write_mails(fresh, mails)
    flush(fresh, "mail.messages")
    assert check(fresh, "after the first flush") == MAILS
    for number, mail in enumerate(mails[:2 * CHANGES]):
        key = [mail.group, mail.number]
        where = f"mail.messages AS USER '{mail.owner}'"
        if number % 2 == 0:
            changed = fresh.root.sql(f"UPDATE {where} SET is_read = true, subject = subject || ' *'"
                                     " WHERE grp = $1 AND id = $2", key)
        else:
            changed = fresh.root.sql(f"DELETE FROM {where} WHERE grp = $1 AND id = $2", key)
        assert changed.row_count == 1, (key, changed.message)
    flush(fresh, "mail.messages")
    assert check(fresh, "after changes") == MAILS - CHANGES
    fresh.root.sql("STORAGE COMPACT TABLE mail.messages")
    assert check(fresh, "after the compaction") == MAILS - CHANGES
    harness.counts(fresh, "mail.messages")
    fresh.restart(crash=True)
    assert check(fresh, "after a crash") == MAILS - CHANGES


test_icebird_reads_the_mails.deadline = 240
