"""What is measured, part by part. Each adds figures: what, Firn's value, the other's, the unit."""
import json
import os
import statistics
import subprocess
import time

import servers

BODY_SIZE = 100
FLIGHTS = os.path.join(servers.ROOT, "build", "dependencies", "vega-datasets", "data",
                       "flights-3m.parquet")


class Bench:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.figures = []
        self.load = servers.build_load()
        self.counter = 0
        self._firn = self._postgres = None
        self.postgres_version = None

    def firn(self):
        if self._firn is None:
            self._firn = servers.Firn(self.folder).start()
            self._firn.token = self._firn.root().token
        return self._firn

    def postgres(self):
        if self._postgres is None:
            self._postgres = servers.Postgres(self.folder).start()
            self.postgres_version = self._postgres.version()
        return self._postgres

    def close(self):
        for server in (self._firn, self._postgres):
            if server is not None:
                server.stop()

    def add(self, what, firn, other=None, **more):
        self.figures.append({"what": what, "firn": firn, "other": other, **more})
        print(f"  {what}: {firn:,.4g}" + (f" beside {other:,.4g}" if other else "")
              + (f"  ({more['more']})" if "more" in more else ""), flush=True)

    def log_in(self):
        self.firn().token = self.firn().root().token

    def run(self, server, connections, body=None, sql=None, values=(), requests=None):
        arguments = ["-c", str(connections), "-s", str(self.counter)]
        if requests is None:
            arguments += ["-t", str(self.options.seconds), "-w", "0.5"]
        else:
            arguments += ["-n", str(requests), "-t", "600"]
        self.counter += 10_000_000
        return servers.run_load(self.load, server, arguments, body=body, sql=sql, values=values)

    def run_firn(self, connections, body, requests):
        """With the log's syncs for each request, the time before the measured part included."""
        before = self.syncs()
        run = self.run(self.firn(), connections, body=body, requests=requests)
        warm = 1.0 if requests is not None else 1 + 0.5 / self.options.seconds
        run["syncs"] = (self.syncs() - before) / max(1.0, run["answers"] * warm)
        return run

    def syncs(self):
        return self.firn().root().value(
            "SELECT sum(value) FROM system.stats WHERE name = 'firn_log_syncs_total'")

    def both(self, what, connections, body, sql, values, key="per_second", requests=None,
             target="", scale=1.0):
        """In turn on both servers; medians."""
        firn, other = [], []
        for _ in range(self.options.runs):
            firn.append(self.run_firn(connections, body, requests))
            other.append(self.run(self.postgres(), connections, sql=sql, values=values,
                                  requests=requests))

        def median(runs, name):
            return statistics.median(run[name] for run in runs)

        more = (f"p50 {median(firn, 'p50_us') / 1000:.2f} / {median(other, 'p50_us') / 1000:.2f} ms"
                f"; p99 {median(firn, 'p99_us') / 1000:.2f} / {median(other, 'p99_us') / 1000:.2f} ms"
                f"; {median(firn, 'syncs'):.3f} syncs/request"
                f"; CPU us/request client {median(firn, 'client_cpu_us'):.1f} /"
                f" {median(other, 'client_cpu_us'):.1f}, server {median(firn, 'server_cpu_us'):.1f}"
                f" / {median(other, 'server_cpu_us'):.1f}")
        self.add(what, median(firn, key) * scale, median(other, key) * scale,
                 beside="PostgreSQL", more=more, target=target,
                 all_runs=[[run[key] * scale for run in firn], [run[key] * scale for run in other]])


def median_of(runs, call):
    return statistics.median(call() for _ in range(runs))


# ---- durable writes beside PostgreSQL ----

INSERT = "INSERT INTO b.t VALUES ($1, $2)"
INSERT_BODY = '{"sql":"%s","params":[{counter},"{random:%d}"]}' % (INSERT, BODY_SIZE)
INSERT_VALUES = ("{counter}", "{random:%d}" % BODY_SIZE)


def make_tables(bench):
    root = bench.firn().root()
    if root.value("SELECT count(*) FROM system.tables WHERE namespace = 'b'") == 0:
        root.statements("CREATE NAMESPACE b; CREATE TABLE b.t (id BIGINT PRIMARY KEY, body TEXT);"
                        "CREATE TABLE b.hot (id BIGINT PRIMARY KEY, n BIGINT)")
        root.sql("INSERT INTO b.hot VALUES (1, 0)")
        bench.postgres().sql("CREATE SCHEMA b; CREATE TABLE b.t (id bigint PRIMARY KEY, body text);"
                             "CREATE TABLE b.hot (id bigint PRIMARY KEY, n bigint);"
                             "INSERT INTO b.hot VALUES (1, 0)")
    bench.log_in()


def single_inserts(bench):
    make_tables(bench)
    for connections in (1, 16, 64):
        bench.both(f"durable inserts/s, one row each, {connections} connections", connections,
                   INSERT_BODY, INSERT, INSERT_VALUES,
                   target=">= 2.5x" if connections == 64 else "")


def batch_of(rows):
    sql = "INSERT INTO b.t VALUES " + ",".join(
        f"(${2 * i + 1},${2 * i + 2})" for i in range(rows))
    params = ",".join(['{counter},"{random:%d}"' % BODY_SIZE] * rows)
    return '{"sql":"%s","params":[%s]}' % (sql, params), sql, INSERT_VALUES * rows


def batches(bench):
    make_tables(bench)
    body, sql, values = batch_of(100)
    for connections in (1, 16):
        bench.both(f"rows/s in durable batches of 100, {connections} connections", connections,
                   body, sql, values, scale=100.0)


def shapes(bench):
    """The three shapes that people quote; seconds in all."""
    make_tables(bench)
    body, sql, values = batch_of(100)
    bench.both("seconds for 200 single inserts", 1, INSERT_BODY, INSERT, INSERT_VALUES,
               key="seconds", requests=200)
    bench.both("seconds for 2,000 rows in batches of 100", 1, body, sql, values, key="seconds",
               requests=20)
    bench.both("seconds for 1,000 single inserts from 10 clients", 10, INSERT_BODY, INSERT,
               INSERT_VALUES, key="seconds", requests=1000)


def hot_row(bench):
    make_tables(bench)
    sql = "UPDATE b.hot SET n = n + 1 WHERE id = 1"
    bench.both("durable updates/s of one and the same row, 64 connections", 64,
               '{"sql":"%s"}' % sql, sql, (), target=">= 10x")


# ---- reads ----

READ_ROWS = 100_000


def csv_rows(first, count):
    return ("id,body\n" + "".join(f"{i},{'x' * BODY_SIZE}\n"
                                  for i in range(first, first + count))).encode()


def bulk(root, table, body, kind):
    response = root.request("POST", f"/v1/tables/{table}/rows", body, {"Content-Type": kind})
    if response.status != 200:
        raise SystemExit(response.body.decode()[:1000])
    return response.json()


def point_reads(bench):
    root = bench.firn().root()
    root.statements("CREATE NAMESPACE IF NOT EXISTS r; DROP TABLE IF EXISTS r.t;"
                    "CREATE TABLE r.t (id BIGINT PRIMARY KEY, body TEXT)"
                    " FLUSH ROWS 100000000 INTERVAL 24h")
    bulk(root, "r.t", csv_rows(0, READ_ROWS), "text/csv")
    bench.postgres().sql("CREATE SCHEMA IF NOT EXISTS r; DROP TABLE IF EXISTS r.t;"
                         "CREATE TABLE r.t (id bigint PRIMARY KEY, body text);"
                         f"INSERT INTO r.t SELECT i, repeat('x', {BODY_SIZE}) FROM"
                         f" generate_series(0, {READ_ROWS - 1}) i; ANALYZE r.t")
    bench.log_in()
    sql = "SELECT id, body FROM r.t WHERE id = $1"
    for where in ("hot", "cold"):
        if where == "cold":
            root.sql("STORAGE FLUSH TABLE r.t")
        for connections in (1, 64):
            bench.both(f"point reads/s, {where}, {connections} connections", connections,
                       '{"sql":"%s","params":[{random_below:%d}]}' % (sql, READ_ROWS), sql,
                       ("{random_below:%d}" % READ_ROWS,))


def many_files(bench):
    """A SHARED table of 100 files by key, by range and by count."""
    root = bench.firn().root()
    rows = 5000
    root.statements("ALTER SYSTEM SET cold.small_files_max = 1000;"
                    "CREATE NAMESPACE IF NOT EXISTS f; DROP TABLE IF EXISTS f.t;"
                    "CREATE TABLE f.t (id BIGINT PRIMARY KEY, body TEXT)"
                    " FLUSH ROWS 100000000 INTERVAL 24h")
    for i in range(100):
        bulk(root, "f.t", csv_rows(i * rows, rows), "text/csv")
        root.sql("STORAGE FLUSH TABLE f.t")
    files = root.value("SELECT count(*) FROM system.files WHERE namespace = 'f' AND kind = 'data'")
    bench.postgres().sql("CREATE SCHEMA IF NOT EXISTS f; DROP TABLE IF EXISTS f.t;"
                         "CREATE TABLE f.t (id bigint PRIMARY KEY, body text);"
                         f"INSERT INTO f.t SELECT i, repeat('x', {BODY_SIZE}) FROM"
                         f" generate_series(0, {100 * rows - 1}) i; ANALYZE f.t")
    bench.log_in()
    below = "{random_below:%d}" % (100 * rows - 100)
    for what, sql in (("by key", "SELECT id, body FROM f.t WHERE id = $1"),
                      ("by range of 100",
                       "SELECT id, body FROM f.t WHERE id >= $1 AND id < $1 + 100"),
                      ("count(*)", "SELECT count(*) FROM f.t")):
        values = (below,) if "$1" in sql else ()
        params = ',"params":[%s]' % below if values else ""
        bench.both(f"reads/s of {files} files, {what}, 1 connection", 1,
                   '{"sql":"%s"%s}' % (sql, params), sql, values)
    bench.firn().root().sql("ALTER SYSTEM RESET cold.small_files_max")  # the old one was idle long


# ---- history beside plain DuckDB ----

SCANS = (
    ("count(*), 5 columns", "SELECT count(date), min(date), avg(delay), sum(distance), max(origin),"
     " min(destination) FROM {t}", "<= 1.25x"),
    ("GROUP BY origin", "SELECT origin, count(*), avg(delay) FROM {t} GROUP BY origin"
     " ORDER BY origin", "<= 1.4x"),
    ("sum(delay)", "SELECT sum(delay) FROM {t}", "<= 1.6x"),
    ("count(*)", "SELECT count(*) FROM {t}", "from counts"),
)


def build_scan():
    out = os.path.join(servers.ROOT, "build", "release", "duckdb_scan")
    home = os.environ.get("DUCKDB_HOME",
                          os.path.join(servers.ROOT, "build", "dependencies", "duckdb"))
    subprocess.run(["gcc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-isystem",
                    os.path.join(home, "include"), "-o", out,
                    os.path.join(servers.ROOT, "bench", "duckdb_scan.c"), "-L",
                    os.path.join(home, "lib"), "-lduckdb",
                    "-Wl,-rpath," + os.path.abspath(os.path.join(home, "lib"))], check=True)
    return out


def scans(bench):
    """3 M flights with 1 % of the rows deleted, beside DuckDB over the same data files."""
    firn = bench.firn()
    root = firn.root()
    program = build_scan()
    root.statements("CREATE NAMESPACE IF NOT EXISTS air; DROP TABLE IF EXISTS air.flights;"
                    "CREATE TABLE air.flights (date TIMESTAMP, delay SMALLINT, distance SMALLINT,"
                    " origin TEXT, destination TEXT) FLUSH ROWS 4000000 INTERVAL 24h"
                    " WITH (flush_bytes='1GB')")
    with open(FLIGHTS, "rb") as file:
        body = file.read()
    began = time.monotonic()
    bulk(root, "air.flights", body, "application/vnd.apache.parquet")
    bench.add("bulk load of Parquet, rows/s", 3_000_000 / (time.monotonic() - began))
    flushed = root.sql("STORAGE FLUSH TABLE air.flights")
    deleted = root.sql("DELETE FROM air.flights WHERE (date_part('minute', date)::int * 7"
                       " + distance) % 100 = 3").row_count
    root.sql("STORAGE FLUSH TABLE air.flights")
    share = deleted / 3_000_000
    paths = [os.path.join(firn.data, "storage", row[0]) for row in root.rows(
        "SELECT path FROM system.files WHERE namespace = 'air' AND kind = 'data'")]
    plain = "read_parquet([" + ", ".join(f"'{path}'" for path in paths) + "])"
    del flushed
    for what, sql, target in SCANS:
        ours = measure_scan(bench, root, sql.format(t="air.flights"))
        seconds = subprocess.run([program, str(os.cpu_count()), str(bench.options.runs + 1),
                                  sql.format(t=plain)], capture_output=True, text=True, check=True)
        other = statistics.median([float(x) for x in seconds.stdout.split()][1:])
        bench.add(f"scan of 3 M rows, {what}, ms", ours * 1000, other * 1000, beside="DuckDB",
                  target=target, more=f"{share:.1%} of the rows deleted, {len(paths)} files")


def measure_scan(bench, root, sql):
    root.sql(sql)
    times = []
    for _ in range(bench.options.runs):
        began = time.monotonic()
        root.sql(sql)
        times.append(time.monotonic() - began)
    return statistics.median(times)


# ---- group commit inside one process, beside RocksDB and the bare disk ----

ENGINE_LIBRARIES = ["-l:libpg_query.a", "-lroaring", "-lxxhash", "-lzstd", "-lz", "-lcrypto",
                    "-largon2", "-lm"]
COMMIT_PROGRAMS = {"disk": ["-lm"], "rocksdb": ["-lrocksdb", "-lm"],
                   "firn": ["build/release/libfirn.a", *ENGINE_LIBRARIES]}
COMMIT_SETTINGS = {
    "disk": [], "rocksdb default": ["default"], "rocksdb best": ["best"],
    "firn": ["log.durability=always", "flush.memory_max=8GiB", "log.bytes_max=8GiB"]}


def build_commit(name):
    out = os.path.join(servers.ROOT, "build", "release", "commit_" + name)
    subprocess.run(["gcc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-pthread",
                    "-Iinclude", "-o", out, "bench/commit.c", f"bench/commit_{name}.c",
                    *COMMIT_PROGRAMS[name]], check=True, cwd=servers.ROOT)
    return out


def run_commit(bench, name, writers, rows=1, settings=()):
    """One run in a fresh folder: what it printed."""
    folder = os.path.join(bench.folder, "commit")
    servers.remove(folder)
    os.makedirs(folder)
    program = os.path.join(servers.ROOT, "build", "release", "commit_" + name.split()[0])
    done = subprocess.run([program, folder, str(writers), str(bench.options.seconds), str(rows),
                           *(settings or COMMIT_SETTINGS[name])], capture_output=True, text=True)
    servers.remove(folder)
    if done.returncode != 0:
        raise SystemExit(f"{name}: {done.stdout[-500:]}{done.stderr[-500:]}")
    return json.loads(done.stdout)


def medians(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def compare_commits(bench, writers, rows=1):
    """In turn, so that a slow minute of the disk is everybody's."""
    runs = {name: [] for name in COMMIT_SETTINGS}
    for _ in range(bench.options.runs):
        for name, of_name in runs.items():
            of_name.append(run_commit(bench, name, 1 if name == "disk" else writers,
                                      1 if name == "disk" else rows))
    found = {name: medians(of_name) for name, of_name in runs.items()}
    rocksdb = max(found["rocksdb default"], found["rocksdb best"],
                  key=lambda figures: figures["commits_per_second"])
    return found["firn"], rocksdb, found["disk"], runs


def commits(bench):
    """Single-row commits and batches of 100 through libfirn; the better one of RocksDB's options."""
    for name in COMMIT_PROGRAMS:
        build_commit(name)
    for writers in (1, 4, 16, 64, 256):
        firn, rocksdb, disk, runs = compare_commits(bench, writers)
        bench.add(f"durable commits/s in one process, {writers} writers",
                  firn["commits_per_second"], rocksdb["commits_per_second"], beside="RocksDB",
                  target=">= 1.5x" if writers == 64 else ">= 1x",
                  more=f"p99 {firn['p99_us'] / 1000:.2f} / {rocksdb['p99_us'] / 1000:.2f} ms; CPU "
                  f"us/commit {firn['cpu_us_per_commit']:.1f} / {rocksdb['cpu_us_per_commit']:.1f}",
                  all_runs=runs)
        bench.add(f"syncs/s of the log, {writers} writers", firn["syncs_per_second"],
                  disk["syncs_per_second"], beside="the disk", target=">= 0.6x",
                  more=f"{firn['commits_per_second'] / max(1, firn['syncs_per_second']):.1f} commits"
                  f" a sync; RocksDB {rocksdb['syncs_per_second']:,.0f} syncs/s")
    firn, rocksdb, _, runs = compare_commits(bench, 16, rows=100)
    bench.add("rows/s in durable batches of 100 in one process, 16 writers",
              firn["rows_per_second"], rocksdb["rows_per_second"], beside="RocksDB",
              target=">= 500,000 rows/s", all_runs=runs,
              more=f"CPU us/row {firn['cpu_us_per_commit'] / 100:.2f} /"
              f" {rocksdb['cpu_us_per_commit'] / 100:.2f}")


def durability_cost(bench):
    """What each mode costs; what each may lose is shown by `make durability` (A5)."""
    build_commit("firn")
    for mode in (("log.durability=always",), ("log.durability=interval", "log.interval=100ms"),
                 ("log.durability=none",)):
        for writers in (1, 64):
            settings = [*mode, *COMMIT_SETTINGS["firn"][1:]]
            firn = medians([run_commit(bench, "firn", writers, settings=settings)
                            for _ in range(bench.options.runs)])
            bench.add(f"commits/s in one process, {' '.join(mode)}, {writers} writers",
                      firn["commits_per_second"], more=f"p99 {firn['p99_us'] / 1000:.2f} ms, "
                      f"{firn['syncs_per_second']:,.0f} syncs/s")


# ---- settling, restarting, memory ----

def narrow_csv(first, count):
    return ("id,n\n" + "".join(f"{i},{i * 7}\n" for i in range(first, first + count))).encode()


def flushes(bench):
    root = bench.firn().root()
    speeds = []
    for i in range(bench.options.runs):
        root.statements("CREATE NAMESPACE IF NOT EXISTS s; DROP TABLE IF EXISTS s.t;"
                        "CREATE TABLE s.t (id BIGINT PRIMARY KEY, n BIGINT)"
                        " FLUSH ROWS 100000000 INTERVAL 24h WITH (flush_bytes='4GB')")
        bulk(root, "s.t", narrow_csv(0, 1_000_000), "text/csv")
        root.sql("STORAGE FLUSH TABLE s.t")
        row = root.rows("SELECT rows, (extract(epoch FROM finished_at) - extract(epoch FROM"
                        " started_at))::float FROM system.jobs WHERE type = 'flush' AND"
                        " namespace = 's' AND rows > 0 ORDER BY created_at DESC LIMIT 1")[0]
        speeds.append(int(row[0]) / float(row[1]))
    bench.add("flush of a SHARED table, narrow rows/s", statistics.median(speeds),
              target=">= 1,000,000", all_runs=speeds)


def recovery_of(firn):
    with open(firn.log_path, encoding="utf-8") as file:
        started = [json.loads(line) for line in file if '"event":"started"' in line]
    return started[-1]["rows_replayed"], started[-1]["recovery_ms"]


def restarts(bench):
    for what, updates in (("inserts", False), ("with a third updates of cold rows", True)):
        folder = os.path.join(bench.folder, "restart-" + what.replace(" ", "-"))
        firn = servers.Firn(folder, settings=("log.bytes_max=4GiB", "flush.memory_max=4GiB"))
        firn.start()
        try:
            root = firn.root()
            root.statements("CREATE NAMESPACE s; CREATE TABLE s.t (id BIGINT PRIMARY KEY, n BIGINT)"
                            " FLUSH ROWS 100000000 INTERVAL 24h WITH (flush_bytes='4GB')")
            if updates:
                bulk(root, "s.t", narrow_csv(0, 333_333), "text/csv")
                root.sql("STORAGE FLUSH TABLE s.t")
                bulk(root, "s.t", narrow_csv(1_000_000, 666_667), "text/csv")
                root.sql("UPDATE s.t SET n = n + 1 WHERE id < 333333")
            else:
                bulk(root, "s.t", narrow_csv(0, 1_000_000), "text/csv")
            firn.kill()
            firn.start()
            rows, milliseconds = recovery_of(firn)
            bench.add(f"replay of the log, rows/s ({what})", rows / (milliseconds / 1000),
                      target=">= 1,000,000" if not updates else "reported",
                      more=f"{rows:,} rows, ready after {milliseconds:,.0f} ms")
        finally:
            firn.stop()


def memory(bench):
    firn = servers.Firn(os.path.join(bench.folder, "idle")).start()
    try:
        time.sleep(10)
        rss, _ = servers.memory_of(firn.process.pid)
        bench.add("idle RSS of the server, MB", rss / 1e6, target="<= 30")
        private = [servers.memory_of(pid)[1] for pid in firn.workers()]
        firn.root().sql("SELECT count(*) FROM system.functions")
        time.sleep(10)
        private = private or [servers.memory_of(pid)[1] for pid in firn.workers()]
        for size in private:
            bench.add("idle private memory of a worker, MB", size / 1e6, target="<= 15")
    finally:
        firn.stop()
    rss, private = servers.memory_of(bench.firn().process.pid)
    bench.add("RSS of the server after the other parts, MB", rss / 1e6)


PARTS = {
    "single_inserts": single_inserts,
    "batches": batches,
    "shapes": shapes,
    "hot_row": hot_row,
    "commits": commits,
    "durability_cost": durability_cost,
    "point_reads": point_reads,
    "many_files": many_files,
    "scans": scans,
    "flushes": flushes,
    "restarts": restarts,
    "memory": memory,
}
