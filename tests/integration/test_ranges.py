"""Ranges of the key over rows in memory and in files: forwards, backwards, cut, after every change."""
import os
import random

from harness import flush

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1 << 31)
ROOMS = 8
IDS = 20000


class Rooms:
    """The table, and what it must hold."""

    def __init__(self, root, name, seed):
        self.root, self.name = root, name
        self.random = random.Random(seed)
        self.rows = {}

    def put(self, count):
        made = {(f"room{self.random.randrange(ROOMS)}", self.random.randrange(IDS)):
                f"b{self.random.randrange(1000)}" for _ in range(count)}
        values = ",".join(f"('{room}',{number},'{body}')"
                          for (room, number), body in made.items())
        self.root.sql(f"INSERT INTO {self.name} VALUES {values} ON CONFLICT (room, id) DO UPDATE"
                      " SET body = excluded.body")
        self.rows.update(made)

    def delete(self):
        room, low = f"room{self.random.randrange(ROOMS)}", self.random.randrange(IDS)
        high = low + self.random.randrange(IDS // 10)
        self.root.sql(f"DELETE FROM {self.name} WHERE room = '{room}' AND id BETWEEN {low} AND"
                      f" {high}")
        for key in [key for key in self.rows if key[0] == room and low <= key[1] <= high]:
            del self.rows[key]

    def ask(self):
        room, low = f"room{self.random.randrange(ROOMS)}", self.random.randrange(IDS)
        high = low + self.random.randrange(IDS // 4)
        where, holds = self.random.choice((
            (f"id BETWEEN {low} AND {high}", lambda number: low <= number <= high),
            (f"id > {low}", lambda number: number > low),
            (f"id < {low}", lambda number: number < low),
            ("body <> 'b7'", None)))
        order = self.random.choice(("ASC", "DESC"))
        limit, offset = self.random.choice((1, 5, 50, None)), self.random.choice((0, 0, 3))
        wanted = [[*key, body] for key, body in sorted(self.rows.items()) if key[0] == room
                  and (holds(key[1]) if holds else body != "b7")]
        wanted = (wanted[::-1] if order == "DESC" else wanted)[offset:]
        cut = f" OFFSET {offset}" + (f" LIMIT {limit}" if limit else "")
        got = self.root.rows(f"SELECT room, id, body FROM {self.name} WHERE room = '{room}' AND"
                             f" {where} ORDER BY room {order}, id {order}{cut}")
        got = [[name, int(number), body] for name, number, body in got]
        assert got == (wanted[:limit] if limit else wanted), (SEED, where, order, limit, offset)


def test_ranges_are_what_was_written(fresh):
    print(f"seed {SEED}", flush=True)
    fresh.root.statements("CREATE NAMESPACE ranges; CREATE TABLE ranges.t (room TEXT, id BIGINT,"
                          " body TEXT, PRIMARY KEY (room, id)) FLUSH ROWS 100000000 INTERVAL 24h")
    rooms = Rooms(fresh.root, "ranges.t", SEED)
    for step in range(5):  # two flushes, memory, a compaction, another schema
        for _ in range(3):
            rooms.put(1000)
        rooms.delete()
        if step in (0, 1, 3):
            flush(fresh, "ranges.t")
        if step == 3:
            fresh.root.sql("STORAGE COMPACT TABLE ranges.t")
        if step == 4:
            fresh.root.sql("ALTER TABLE ranges.t ADD COLUMN more INT DEFAULT 4")
        for _ in range(25):
            rooms.ask()
    misses = fresh.root.value("SELECT value FROM system.stats WHERE name ="
                              " 'firn_row_cache_misses_total'")
    hits = fresh.root.value("SELECT value FROM system.stats WHERE name ="
                            " 'firn_row_cache_hits_total'")
    assert hits > 10 * misses > 0, (hits, misses)


def test_a_range_of_a_user_is_only_his(fresh):
    root = fresh.root
    root.statements("CREATE NAMESPACE mine; CREATE USER TABLE mine.t (id BIGINT PRIMARY KEY,"
                    " body TEXT) FLUSH ROWS 100000000 INTERVAL 24h")
    for name in ("ann", "bob"):
        root.sql(f"CREATE USER '{name}' WITH PASSWORD '{name}-long-password' ROLE user")
    for name in ("ann", "bob"):
        who = fresh.client(name, f"{name}-long-password")
        who.sql(f"INSERT INTO mine.t SELECT i, '{name}' || i FROM generate_series(1, 500) AS g(i)")
    flush(fresh, "mine.t")
    for name in ("ann", "bob"):
        who = fresh.client(name, f"{name}-long-password")
        for _ in range(2):
            assert who.rows("SELECT id, body FROM mine.t WHERE id > 490 ORDER BY id DESC LIMIT 3") \
                == [[500, f"{name}500"], [499, f"{name}499"], [498, f"{name}498"]]
        assert len(who.rows("SELECT id FROM mine.t WHERE id BETWEEN 1 AND 1000")) == 500
