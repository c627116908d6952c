"""Clients that know what was acknowledged: writers, a maintainer, a definer.

Each is a thread with keys, or tables, of its own. It notes what it is about to do before it asks for
it, and what was acknowledged after the answer. The thread ends where the connection does; what had
no answer then stays in `pending`."""
import random
import threading
import time

import client

KEYS = 60  # of each writer in each table
KEYS_APART = 1000  # between one writer's and the next one's
STREAM_KEYS = 1 << 40  # behind them, those of STREAM tables, which are never used twice
TABLES = ("crash.shared", "crash.own")
STREAM = "crash.stream"

# Refusals that a client may meet at any time: nothing was done, and it says so.
REFUSALS = {"57P01", "57P03", "53P01", "40001", "57014", "55P03", "58P01"}
# The log failed: what was in flight is in doubt until the restart, and nothing is written any more.
IN_DOUBT = {"58P01", "58030"}
# And those of a disk that is full, of errors made at fault points, of a worker that was killed.
TROUBLES = {"53100", "58030", "57P02", "XX000", "08006", "53200", "53400", "58P05"}

tokens = {}  # (data directory, user) → (token, when): a login is expensive by design
TOKEN_SECONDS = 300


def connect(server, name):
    """A connection of its own; a token outlives the server that gave it."""
    known = tokens.get((server.data, name))
    if known is not None and time.monotonic() - known[1] < TOKEN_SECONDS:
        return client.Client(server.address, token=known[0])
    made = server.client(name)
    tokens[(server.data, name)] = (made.token, time.monotonic())
    return made


class Operation:
    """A statement and what it makes of its keys, once it is done."""

    def __init__(self, table, sql, effect):
        self.table = table
        self.sql = sql
        self.effect = effect  # key → row, or None where it is gone

    def apply(self, rows):
        for key, row in self.effect.items():
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row


class Client(threading.Thread):
    """Acts until the server is gone, or until it is told to stop."""

    user = "root"
    doubts = IN_DOUBT

    def __init__(self, server, seed):
        super().__init__(daemon=True)
        self.server = server
        self.random = random.Random(seed)
        self.accepted = REFUSALS
        self.stopping = False
        self.done = {}  # kind → how often it was acknowledged
        self.refused = {}
        self.problem = None
        self.busy_with = None  # what it waits for an answer to

    def run(self):
        who = None
        try:
            who = connect(self.server, self.user)
            while not self.stopping and self.problem is None:
                self.act(who)
        except (client.ConnectionLost, OSError):
            return  # killed: what is pending is open
        finally:
            if who is not None:
                who.close()

    def ask(self, who, kind, sql):
        """Is it done? None: that is not known, and this client has nothing more to ask."""
        self.busy_with = kind
        try:
            who.sql(sql)
        except client.SqlError as error:
            # it says that nothing was applied
            self.refused[error.sqlstate] = self.refused.get(error.sqlstate, 0) + 1
            if error.sqlstate not in self.accepted:
                self.problem = f"{sql[:200]}: {error}"
            self.stopping = self.stopping or error.sqlstate in self.doubts
            return None if error.sqlstate in self.doubts else False
        finally:
            self.busy_with = None
        self.done[kind] = self.done.get(kind, 0) + 1
        return True


class Writer(Client):
    """`rows` is what was acknowledged; `pending` what had no answer."""

    def __init__(self, server, number, seed, tables=TABLES):
        super().__init__(server, seed)
        self.number = number
        self.user = f"writer{number}"
        self.tables = tables
        self.rows = {table: {} for table in tables}
        self.pending = None
        self.serial = 0

    def succeed(self, before):
        """Goes on where another ended."""
        self.rows, self.serial = before.rows, before.serial
        return self

    def act(self, who):
        kind, operation = self.next()
        self.pending = operation
        done = self.ask(who, kind, operation.sql)
        if done:
            operation.apply(self.rows[operation.table])
        if done is not None:
            self.pending = None

    def key(self):
        return self.number * KEYS_APART + self.random.randrange(KEYS)

    def row(self, key):
        self.serial += 1
        size = self.random.choice((5, 20, 200, 2000))
        return (key, self.serial, f"w{self.number}-{self.serial}-" + "x" * size)

    # ---- the statements ----

    def next(self):
        table = self.random.choice(self.tables)
        if table == STREAM and self.random.random() < 0.7:  # these rows stay
            table = self.tables[0]
        kind = self.random.choice(("insert", "insert", "insert_many", "update", "update_many",
                                   "delete", "delete_many", "upsert", "upsert_many", "replace"))
        if table == STREAM:
            kind = "append"
        return kind, getattr(self, kind)(table, self.rows[table])

    def values(self, rows):
        return ",".join(f"({key},{version},'{body}')" for key, version, body in rows)

    def append(self, table, rows):
        made = [self.row(STREAM_KEYS + self.number * STREAM_KEYS + self.serial + 1)
                for _ in range(self.random.choice((1, 1, 1, 5)))]
        return Operation(table, f"INSERT INTO {table} VALUES {self.values(made)}",
                         {row[0]: row for row in made})

    def absent(self, rows, count):
        first = self.number * KEYS_APART
        keys = [first + i for i in range(KEYS) if first + i not in rows]
        return self.random.sample(keys, min(count, len(keys)))

    def insert(self, table, rows, count=1):
        keys = self.absent(rows, count)
        made = [self.row(key) for key in keys]
        if not made:
            return self.delete_many(table, rows)
        return Operation(table, f"INSERT INTO {table} VALUES {self.values(made)}",
                         {row[0]: row for row in made})

    def insert_many(self, table, rows):
        return self.insert(table, rows, self.random.randrange(2, 20))

    def update(self, table, rows):
        key = self.key()
        made = self.row(key)
        return Operation(table, f"UPDATE {table} SET version = {made[1]}, body = '{made[2]}' "
                         f"WHERE id = {key}", {key: made} if key in rows else {})

    def range(self, most):
        low = self.key()
        return low, min(low + self.random.randrange(most), (self.number + 1) * KEYS_APART - 1)

    def update_many(self, table, rows):
        low, high = self.range(15)
        self.serial += 1
        version = self.serial
        effect = {key: (key, version, rows[key][2]) for key in range(low, high + 1) if key in rows}
        return Operation(table, f"UPDATE {table} SET version = {version} "
                         f"WHERE id BETWEEN {low} AND {high}", effect)

    def delete(self, table, rows):
        key = self.key()
        return Operation(table, f"DELETE FROM {table} WHERE id = {key}",
                         {key: None} if key in rows else {})

    def delete_many(self, table, rows):
        low, high = self.range(10)
        return Operation(table, f"DELETE FROM {table} WHERE id BETWEEN {low} AND {high}",
                         {key: None for key in range(low, high + 1) if key in rows})

    def upsert(self, table, _rows, count=1):
        keys = sorted({self.key() for _ in range(count)})
        made = [self.row(key) for key in keys]
        return Operation(table, f"INSERT INTO {table} VALUES {self.values(made)} ON CONFLICT (id) "
                         "DO UPDATE SET version = excluded.version, body = excluded.body",
                         {row[0]: row for row in made})

    def upsert_many(self, table, rows):
        return self.upsert(table, rows, self.random.randrange(2, 10))

    def replace(self, table, rows):
        """A row leaves its key for another: delete and insert in one statement."""
        keys, free = sorted(rows), self.absent(rows, 1)
        if not keys or not free:
            return self.upsert(table, rows)
        old, new = self.random.choice(keys), free[0]
        self.serial += 1
        return Operation(table, f"UPDATE {table} SET id = {new}, version = {self.serial} "
                         f"WHERE id = {old}", {old: None, new: (new, self.serial, rows[old][2])})


class Maintainer(Client):
    """Flushes and compacts all the time."""

    doubts = frozenset()

    def act(self, who):
        time.sleep(self.random.uniform(0, 0.2))
        kind = self.random.choice(("FLUSH", "FLUSH", "FLUSH", "COMPACT"))
        self.ask(who, kind, f"STORAGE {kind} TABLE {self.random.choice(TABLES)}")


class Bulk(Client):
    """One statement of a megabyte after the other, which writes all its rows anew: `version` is that
    of all of them."""

    ROWS = 20
    BYTES = 50000

    def __init__(self, server, seed, before=None):
        super().__init__(server, seed)
        self.version = before.version if before is not None else 0
        self.pending = None

    def act(self, who):
        time.sleep(self.random.uniform(0, 0.5))
        self.pending = self.version + 1
        done = self.ask(who, "bulk", f"INSERT INTO crash.bulk SELECT i, {self.pending}, "
                        f"repeat('b', {self.BYTES}) FROM generate_series(1, {self.ROWS}) AS g(i) "
                        "ON CONFLICT (id) DO UPDATE SET version = excluded.version")
        if done:
            self.version = self.pending
        if done is not None:
            self.pending = None


class Definer(Client):
    """Tables that come, change, and go. `tables` is what was acknowledged: name → (columns added,
    rows), a row being its key, its version, and the default of every column added."""

    MOST = 3

    def __init__(self, server, seed, before=None):
        super().__init__(server, seed)
        self.tables = before.tables if before is not None else {}
        self.serial = before.serial if before is not None else 0
        self.pending = None  # the tables as they are if what had no answer was done

    def act(self, who):
        time.sleep(self.random.uniform(0, 0.1))
        kind = self.random.choice(("create", "fill", "fill", "add_column", "truncate", "drop"))
        if kind == "create" and len(self.tables) >= self.MOST:
            kind = "drop"
        if kind != "create" and not self.tables:
            kind = "create"
        after = {name: (list(columns), dict(rows)) for name, (columns, rows) in self.tables.items()}
        sql = getattr(self, kind)(after)
        self.pending = after
        done = self.ask(who, kind, sql)
        if done:
            self.tables = after
        if done is not None:
            self.pending = None

    def choose(self, tables):
        return self.random.choice(sorted(tables))

    def create(self, after):
        self.serial += 1
        name = f"crash_d.t{self.serial}"
        after[name] = ([], {})
        kind = self.random.choice(("SHARED", "USER"))
        return f"CREATE {kind} TABLE {name} (id INT PRIMARY KEY, version BIGINT) FLUSH ROWS 20"

    def fill(self, after):
        name = self.choose(after)
        rows = after[name][1]
        self.serial += 1
        made = [(key, self.serial) for key in self.random.sample(range(40), 8)]
        rows.update(made)
        values = ",".join(f"({key},{version})" for key, version in made)
        return (f"INSERT INTO {name} (id, version) VALUES {values} ON CONFLICT (id) DO UPDATE SET "
                "version = excluded.version")

    def add_column(self, after):
        name = self.choose(after)
        columns = after[name][0]
        if len(columns) >= 5:
            return self.truncate(after)
        columns.append(self.random.randrange(1000))
        return f"ALTER TABLE {name} ADD COLUMN c{len(columns)} INT DEFAULT {columns[-1]}"

    def truncate(self, after):
        name = self.choose(after)
        after[name][1].clear()
        return f"TRUNCATE {name}"

    def drop(self, after):
        name = self.choose(after)
        del after[name]
        return f"DROP TABLE {name}"
