"""What is there, against what was acknowledged."""
from writers import KEYS, KEYS_APART, STREAM, STREAM_KEYS, connect


class Verdict:
    """What is wrong, by kind."""

    def __init__(self):
        self.lost, self.doubled, self.resurrected, self.half, self.other = [], [], [], [], []

    def problems(self):
        return [f"{name}: {len(found)}: {found[:3]!r:.600}" for name, found in vars(self).items()
                if found]


def owner_of(key):
    if key >= STREAM_KEYS:
        return key // STREAM_KEYS - 1
    return key // KEYS_APART


def scan(root, table, number, verdict):
    """Everything in the table, by one scan of the engine: of each writer, {key: row}."""
    everybody = "" if table.endswith("shared") else " FOR ALL USERS"
    found = [{} for _ in range(number)]
    for row in root.rows(f"SELECT id, version, body FROM {table}{everybody} WHERE length(body) > 0"):
        writer = owner_of(row[0])
        if not 0 <= writer < number:
            verdict.resurrected.append((table, "a key that nobody wrote", row[:2]))
        elif row[0] in found[writer]:
            verdict.doubled.append((table, row[:2], found[writer][row[0]][:2]))
        else:
            found[writer][row[0]] = tuple(row)
    return found


def check_ways(server, writer, table, found, verdict):
    """The same rows by key range, and by key."""
    who = connect(server, writer.user)
    low, high = writer.number * KEYS_APART, (writer.number + 1) * KEYS_APART - 1
    keys = range(low, low + KEYS)
    if table == STREAM:
        low, high = (writer.number + 1) * STREAM_KEYS, (writer.number + 2) * STREAM_KEYS - 1
        keys = sorted(found) or range(low, low + KEYS)
    ranged = [tuple(row) for row in who.rows(
        f"SELECT id, version, body FROM {table} WHERE id >= {low} AND id <= {high} ORDER BY id")]
    if ranged != sorted(found.values()):
        verdict.doubled.append((table, "key range and scan differ",
                                sorted(set(ranged) ^ set(found.values()))[:4]))
    for key in writer.random.sample(keys, min(6, len(keys))):
        rows = [tuple(row) for row in
                who.rows(f"SELECT id, version, body FROM {table} WHERE id = {key}")]
        if rows != ([found[key]] if key in found else []):
            verdict.doubled.append((table, key, rows, found.get(key)))
    who.close()


def judge_key(table, key, expected, actual, verdict):
    if actual is None:
        verdict.lost.append((table, key, expected))
    elif expected is None or actual[1] < expected[1]:
        verdict.resurrected.append((table, key, actual[:2], expected and expected[:2]))
    else:
        verdict.lost.append((table, key, actual[:2], expected[:2]))


def judge_rows(writer, table, found, verdict):
    """What had no answer may be there or not, but whole. What there is, is from now on right."""
    expected = writer.rows[table]
    pending = writer.pending if writer.pending and writer.pending.table == table else None
    if pending is not None and pending.effect:
        after = dict(expected)
        pending.apply(after)
        touched = [key for key in pending.effect if after.get(key) != expected.get(key)]
        there = [key for key in touched if found.get(key) == after.get(key)]
        if len(there) == len(touched):
            expected = after
        elif there:
            verdict.half.append((table, pending.sql[:100], sorted(there), sorted(touched)))
            expected = {**after, **{key: found.get(key) for key in touched}}
    for key in set(found) | set(expected):
        if found.get(key) != expected.get(key):
            judge_key(table, key, expected.get(key), found.get(key), verdict)
    writer.rows[table] = found


def check_total(root, table, number, verdict):
    everybody = "" if table.endswith("shared") else " FOR ALL USERS"
    total = root.value(f"SELECT count(*) FROM {table}{everybody}")
    if total != number:
        verdict.doubled.append((table, "count(*)", total, "of", number))


# ---- tables that come and go ----

def read_tables(root):
    names = [row[0] for row in root.rows(
        "SELECT table_name FROM system.tables WHERE namespace = 'crash_d' ORDER BY table_name")]
    found = {}
    for name in names:
        result = root.sql(f"SELECT * FROM crash_d.{name} ORDER BY id")
        found[f"crash_d.{name}"] = (len(result.columns), result.rows)
    return found


def tables_as_read(tables):
    """The columns count where there is no row."""
    return {name: (2 + len(columns), [[key, version, *columns]
                                      for key, version in sorted(rows.items())])
            for name, (columns, rows) in tables.items()}


def judge_tables(root, definer, verdict):
    found = read_tables(root)
    if definer.pending is not None and found == tables_as_read(definer.pending):
        definer.tables = definer.pending
        return
    expected = tables_as_read(definer.tables)
    for name in sorted(set(found) | set(expected)):
        if found.get(name) == expected.get(name):
            continue
        wrong = verdict.lost if name in expected else verdict.resurrected
        wrong.append((name, "found", str(found.get(name))[:200],
                      "expected", str(expected.get(name))[:200]))


def judge_bulk(root, bulk, verdict):
    """All rows of one statement, or all of the one before it."""
    found = root.rows("SELECT version, count(*), min(length(body)) FROM crash.bulk GROUP BY version")
    allowed = [[[version, bulk.ROWS, bulk.BYTES]] if version > 0 else []
               for version in (bulk.version, bulk.pending) if version is not None]
    if found in allowed:
        bulk.version = found[0][0] if found else 0
    elif len(found) > 1:
        verdict.half.append(("crash.bulk", found, allowed))
    else:
        verdict.lost.append(("crash.bulk", found, allowed))


# ---- all of it ----

def failed_jobs(root):
    """(id, what) of jobs that gave up, or go on for ever. A cleanup that a reader was in the way of
    is tried again, and no problem."""
    rows = root.rows("SELECT job_id, type, state, error FROM system.jobs WHERE "
                     "(state = 'failed') OR (state = 'running' AND attempts > 5)")
    return [tuple(row) for row in rows if "interrupted" not in str(row)
            and "still reads the table" not in str(row)]


def verify(server, writers, definer=None, bulk=None, known_jobs=None, ways=None):
    """Every row of every table; by other ways of reading for `ways` of the writers (all)."""
    verdict = Verdict()
    root = connect(server, "root")
    for table in writers[0].tables:
        found = scan(root, table, len(writers), verdict)
        chosen = writers if ways is None else writers[0].random.sample(writers, ways)
        for writer in chosen:
            check_ways(server, writer, table, found[writer.number], verdict)
        for writer in writers:
            judge_rows(writer, table, found[writer.number], verdict)
        check_total(root, table, sum(len(rows) for rows in found), verdict)
    if definer is not None:
        judge_tables(root, definer, verdict)
    if bulk is not None:
        judge_bulk(root, bulk, verdict)
    verdict.other += [job for job in failed_jobs(root)
                      if known_jobs is None or job[0] not in known_jobs][:5]
    root.close()
    return verdict
