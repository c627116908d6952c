#!/usr/bin/env python3
"""The demo on real input: mails written live, flights loaded whole, questions over both.

    demo.py --data DIR [--again] [--listen HOST:PORT] [--build DIR] [--once]

Starts the server on DIR. Where DIR holds no demo yet (or with --again) it writes 6,046 mails as a
USER table by small transactions while somebody watches one mailbox, loads 3,000,000 flights as
Parquet, asks five questions, kills the server with SIGKILL, starts it again and asks the same.
Then it stays in the foreground until Ctrl-C, which stops the server cleanly; --once ends instead.
Every number it prints is computed then and there.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
import client  # noqa: E402
import demo_mails  # noqa: E402
import websocket  # noqa: E402

MAILS = os.path.join(ROOT, "build", "dependencies", "spam-assassin")
FLIGHTS = os.path.join(ROOT, "build", "dependencies", "vega-datasets", "data", "flights-3m.parquet")
WATCHED = "social.linux.ie"  # a mailbox small enough to read along
MAILS_OF_A_TRANSACTION = 20
START_SECONDS = 60

TABLES = """
CREATE NAMESPACE IF NOT EXISTS mail;
CREATE NAMESPACE IF NOT EXISTS air;
CREATE USER TABLE mail.messages (
    grp TEXT, id INT, subject TEXT NOT NULL, sender TEXT, sent_at TIMESTAMP, body TEXT,
    is_read BOOLEAN NOT NULL DEFAULT false, embedding VECTOR(%d), PRIMARY KEY (grp, id))
    FLUSH ROWS 1500 INTERVAL 10s;
CREATE TABLE air.flights (
    date TIMESTAMP, delay SMALLINT, distance SMALLINT, origin TEXT, destination TEXT)
    FLUSH ROWS 500000 INTERVAL 10s WITH (access='protected');
""" % demo_mails.DIMENSIONS

QUESTIONS = [
    ("The five largest mailboxes, and how much of each was read",
     "SELECT _user AS mailbox, count(*) AS mails, count(*) FILTER (WHERE is_read) AS read,"
     " round(avg(length(body))) AS mean_length FROM mail.messages FOR ALL USERS"
     " GROUP BY _user ORDER BY mails DESC, mailbox LIMIT 5"),
    ("Mails of one week",
     "SELECT grp, count(*) AS mails, min(sent_at) AS first, max(sent_at) AS last"
     " FROM mail.messages FOR ALL USERS"
     " WHERE sent_at >= '2002-08-19' AND sent_at < '2002-08-26' GROUP BY grp ORDER BY grp"),
    ("Airports with the most flights, and their delays",
     "SELECT origin, count(*) AS flights, round(avg(delay), 1) AS mean_delay, max(delay) AS worst"
     " FROM air.flights GROUP BY origin ORDER BY flights DESC LIMIT 5"),
    ("Mails and delayed flights by weekday and hour: the busiest hours for mail",
     "WITH m AS (SELECT extract(dow FROM sent_at)::int AS day, extract(hour FROM sent_at)::int AS"
     " hour, count(*) AS mails FROM mail.messages FOR ALL USERS WHERE sent_at IS NOT NULL"
     " GROUP BY 1, 2),"
     " f AS (SELECT extract(dow FROM date)::int AS day, extract(hour FROM date)::int AS hour,"
     " count(*) AS flights, count(*) FILTER (WHERE delay > 15) AS late FROM air.flights"
     " GROUP BY 1, 2)"
     " SELECT day, hour, mails, flights, round(100.0 * late / flights, 1) AS late_percent"
     " FROM m JOIN f USING (day, hour) ORDER BY mails DESC, day, hour LIMIT 5"),
    ("The mails most like 'cheap mortgage rates refinance your home' (exact vector search)",
     "SELECT grp, id, left(subject, 50) AS subject,"
     " round((embedding <=> '{vector}')::numeric, 4) AS distance"
     " FROM mail.messages FOR ALL USERS ORDER BY embedding <=> '{vector}', grp, id LIMIT 5"
     .replace("{vector}", str(demo_mails.embedding_of(
         "cheap mortgage rates refinance your home loan low interest")))),
]


def say(text=""):
    print(text, flush=True)


class Server:
    def __init__(self, build, data, listen):
        self.build, self.data, self.listen = build, data, listen
        self.process = None
        self.address = None
        self.started_in = None

    def start(self):
        began = time.monotonic()
        log = open(os.path.join(self.data, "server.log"), "ab")
        self.process = subprocess.Popen(
            [os.path.join(self.build, "firnd"), "--data", self.data, "--listen", self.listen],
            stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        log.close()
        for line in self.process.stdout:
            found = re.search(rb"listening on (\S+)", line)
            if found:
                self.address = found.group(1).decode()
                break
        else:
            raise SystemExit(f"the server did not start: see {self.data}/server.log")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        deadline = time.monotonic() + START_SECONDS
        while client.Client(self.address).request("GET", "/readyz").status != 200:
            if time.monotonic() > deadline:
                raise SystemExit("the server does not become ready")
            time.sleep(0.02)
        self.started_in = time.monotonic() - began

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait()

    def root(self):
        password = os.environ.get("FIRN_PASSWORD")
        kept = os.path.join(self.data, "root-password")
        if password is None and os.path.exists(kept):
            with open(kept, encoding="utf-8") as file:
                password = file.read().strip()
        if password is None:
            return None
        return client.Client(self.address, timeout=600).login("root", password)


# ---- watching ----

class Watcher(threading.Thread):
    """Subscribes to one mailbox and prints each change as it arrives."""

    def __init__(self, address, token):
        super().__init__(daemon=True)
        self.socket = websocket.WebSocket(address, token=token)
        self.socket.send({"type": "subscribe", "id": "watch", "sql":
                          "SELECT _user, grp, id, subject FROM mail.messages FOR ALL USERS"
                          f" WHERE _user = '{WATCHED}'"})
        self.seen = 0
        self.done = threading.Event()
        while self.socket.receive()["type"] != "live":
            pass

    def run(self):
        while not self.done.is_set():
            try:
                message = self.socket.receive(wait=1)
            except (TimeoutError, OSError, AssertionError, websocket.Closed):
                continue
            if message.get("type") == "changes":
                for change in message["changes"]:
                    self.show(change)

    def show(self, change):
        self.seen += 1
        owner, group, number, subject = change.get("row") or change["old"]
        say(f"  live  {change['op']:6}  {owner}  ({group}, {number})  {subject[:60]}")

    def stop(self):
        self.done.set()
        self.join(timeout=5)
        self.socket.close()


# ---- writing ----

def write_mails(root, mails):
    """Small transactions, each of one mailbox, in the order in which the mails are."""
    waiting = {}
    transactions = 0
    began = time.monotonic()
    for mail in mails:
        batch = waiting.setdefault(mail.owner, [])
        batch.append(mail)
        if len(batch) == MAILS_OF_A_TRANSACTION:
            transactions += insert(root, waiting.pop(mail.owner))
    for batch in waiting.values():
        transactions += insert(root, batch)
    seconds = time.monotonic() - began
    say(f"  {len(mails):,} mails in {transactions:,} transactions, {seconds:.1f} s")


def insert(root, batch):
    rows, params = [], []
    for mail in batch:
        first = len(params)
        params += [mail.group, mail.number, mail.subject, mail.sender, mail.sent_at, mail.body,
                   mail.embedding]
        rows.append("(" + ", ".join(f"${first + i + 1}" for i in range(7)) + ")")
    root.sql(f"INSERT INTO mail.messages AS USER '{batch[0].owner}' (grp, id, subject, sender,"
             f" sent_at, body, embedding) VALUES {', '.join(rows)}", params)
    return 1


def change_mails(root, mails):
    """Somebody reads every fifth mail of the watched mailbox, and deletes every ninth."""
    own = [mail for mail in mails if mail.owner == WATCHED]
    updated = deleted = 0
    for i, mail in enumerate(own):
        key = [mail.group, mail.number]
        if i % 5 == 0:
            updated += root.sql(f"UPDATE mail.messages AS USER '{WATCHED}' SET is_read = true"
                                " WHERE grp = $1 AND id = $2", key).row_count
        if i % 9 == 4:
            deleted += root.sql(f"DELETE FROM mail.messages AS USER '{WATCHED}'"
                                " WHERE grp = $1 AND id = $2", key).row_count
    return updated, deleted


def load_flights(root):
    with open(FLIGHTS, "rb") as file:
        body = file.read()
    began = time.monotonic()
    response = root.request("POST", "/v1/tables/air.flights/rows", body,
                            {"Content-Type": "application/vnd.apache.parquet"})
    answer = response.json()
    if response.status != 200:
        raise client.SqlError(response.status, answer)
    rows = answer["results"][0]["row_count"]
    seconds = time.monotonic() - began
    say(f"  {rows:,} flights from {len(body) / 1e6:.1f} MB of Parquet in {seconds:.1f} s"
        f" ({rows / seconds:,.0f} rows/s, durable)")


def prepare(root, mails):
    root.statements("DROP NAMESPACE IF EXISTS mail CASCADE; DROP NAMESPACE IF EXISTS air CASCADE")
    root.statements(TABLES)
    taken = {row[0] for row in root.rows("SELECT user_name FROM system.users")}
    for name in sorted({mail.owner for mail in mails} - taken):
        root.sql(f"CREATE USER '{name}' WITH PASSWORD '{os.urandom(12).hex()}' ROLE user")


# ---- asking ----

def table_of(result):
    cells = [result.columns] + [["" if cell is None else str(cell) for cell in row]
                                for row in result.rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(result.columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return ["    " + line.rstrip() for line in lines]


def plan_of(root, sql):
    """What EXPLAIN says of files: considered, pruned, opened."""
    for row in root.rows("EXPLAIN " + sql):
        if row[0].lstrip().startswith("Files:"):
            return row[0].strip()
    return "no files"


def ask(root):
    answers = []
    for number, (title, sql) in enumerate(QUESTIONS, 1):
        began = time.monotonic()
        result = root.sql(sql)
        took = (time.monotonic() - began) * 1000
        answers.append(result.rows)
        say(f"\n  {number}. {title}")
        for line in table_of(result):
            say(line)
        say(f"    {plan_of(root, sql)}; {took:.0f} ms")
    return answers


def settled(root):
    rows = root.rows("SELECT namespace, table_name, count(*), sum(rows), sum(bytes)"
                     " FROM system.files WHERE kind = 'data' AND namespace IN ('mail', 'air')"
                     " GROUP BY 1, 2 ORDER BY 1, 2")
    for namespace, table, files, count, size in rows:
        say(f"  {namespace}.{table}: {int(count):,} rows in {files} Parquet files,"
            f" {float(size) / 1e6:.1f} MB")


def show(server, root):
    say("Reading the mails …")
    mails = demo_mails.read_mails(MAILS)
    prepare(root, mails)
    say(f"Watching the mailbox {WATCHED} while {len(mails):,} mails go in:")
    watcher = Watcher(server.address, root.token)
    watcher.start()
    write_mails(root, mails)
    updated, deleted = change_mails(root, mails)
    time.sleep(0.5)
    watcher.stop()
    say(f"  {updated} updated, {deleted} deleted; {watcher.seen} changes seen by the watcher")
    say("\nLoading flights:")
    load_flights(root)
    flushes = root.value("SELECT count(*) FROM system.jobs WHERE type = 'flush'"
                         " AND state = 'completed' AND trigger <> 'command'")
    say(f"\nSettled so far, by {flushes} flushes that nobody asked for:")
    settled(root)
    say("\nFive questions over hot and cold rows:")
    before = ask(root)
    say("\nkill -9, and a new start …")
    server.kill()
    server.start()
    say(f"  ready after {server.started_in:.2f} s. The same questions:")
    root = server.root()
    after = ask(root)
    if before != after:
        raise SystemExit("\nThe answers differ: that is a defect.")
    say("\nThe same answers, to the last digit.")


# ---- the whole ----

def has_demo(root):
    return root.value("SELECT count(*) FROM system.tables WHERE (namespace, table_name) IN"
                      " (('mail', 'messages'), ('air', 'flights'))") == 2


def stay(server, build):
    firn = os.path.relpath(os.path.join(build, "firn"))
    host, port = server.address.rsplit(":", 1)
    kept = os.path.relpath(os.path.join(server.data, "root-password"))
    where = "" if port == "7700" else f" -p {port}"
    say(f"\nThe server listens on http://{server.address}/ until Ctrl-C. To try:")
    say(f"  export FIRN_PASSWORD=$(cat {kept})")
    say(f"  {firn}{where} -c \"SELECT count(*) FROM air.flights\"")
    say(f"  {firn}{where} -c \"\\live SELECT grp, id, subject FROM mail.messages FOR ALL USERS\"")
    say(f"  TOKEN=$(curl -s http://{server.address}/v1/auth/login -d"
        " '{\"user\":\"root\",\"password\":\"'$FIRN_PASSWORD'\"}' | sed 's/.*\"access_token\":\"//"
        ";s/\".*//')")
    say(f"  curl -s http://{server.address}/v1/sql -H \"Authorization: Bearer $TOKEN\" -d"
        " '{\"sql\":\"SELECT origin, count(*) FROM air.flights GROUP BY 1 LIMIT 3\"}'")
    try:
        code = server.process.wait()
        raise SystemExit(f"the server ended by itself with {code}: see {server.data}/server.log")
    except KeyboardInterrupt:
        say("\nStopping …")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", default="./data")
    parser.add_argument("--listen", default="127.0.0.1:7700")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--once", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.data, exist_ok=True)
    server = Server(options.build, options.data, options.listen)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        server.start()
        say(f"Firn is ready on {server.address} after {server.started_in:.2f} s.")
        root = server.root()
        if root is None:
            say("The password of root is not known here (FIRN_PASSWORD): no demo.")
        elif options.again or not has_demo(root):
            show(server, root)
        else:
            say("The demo is in this directory already: \"make demo\" runs it again.")
        if not options.once:
            stay(server, options.build)
    except KeyboardInterrupt:
        say("\nStopping …")
    finally:
        if server.process is not None and server.process.poll() is None:
            code = server.stop()
            say("Stopped." if code == 0 else f"The server ended with {code}.")


if __name__ == "__main__":
    main()
