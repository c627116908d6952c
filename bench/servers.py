"""The two servers of the benchmarks, each in a folder of its own on the same disk.

Durability is the same on both sides: every commit is synced before it is acknowledged.
"""
import glob
import os
import pwd
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
import client  # noqa: E402

PASSWORD = "bench"
POSTGRES_PORT = 15432


def process_tree(pid):
    """The process and everything below it."""
    children = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        children.setdefault(int(fields[1]), []).append(int(path.split("/")[2]))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def cpu_seconds(pid):
    """User and system time of a process tree, with that of children that have ended."""
    ticks = 0
    for each in process_tree(pid):
        try:
            with open(f"/proc/{each}/stat", encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        ticks += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_of(pid):
    """RSS and private bytes."""
    sizes = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
        for line in file:
            found = re.match(r"(\w+):\s+(\d+) kB", line)
            if found:
                sizes[found.group(1)] = int(found.group(2)) * 1024
    return sizes["Rss"], sizes["Private_Clean"] + sizes["Private_Dirty"]


class Firn:
    name = "Firn"

    def __init__(self, folder, settings=()):
        self.data = os.path.join(folder, "firn")
        self.settings = settings
        self.process = None
        self.address = None

    def start(self):
        arguments = [os.path.join(ROOT, "build", "release", "firnd"), "--data", self.data,
                     "--listen", "127.0.0.1:0"]
        for setting in self.settings:
            arguments += ["--set", setting]
        os.makedirs(self.data, exist_ok=True)
        self.log_path = os.path.join(self.data, "server.log")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                arguments, stdout=subprocess.PIPE, stderr=log,
                env={**os.environ, "FIRN_ROOT_PASSWORD": PASSWORD})
        for line in self.process.stdout:
            found = re.search(rb"listening on (\S+)", line)
            if found:
                self.address = found.group(1).decode()
                break
        else:
            raise SystemExit("firnd did not start: " + open(self.log_path).read()[-2000:])
        return self

    def root(self):
        return client.Client(self.address, timeout=3600).login("root", PASSWORD)

    def workers(self):
        return [pid for pid in process_tree(self.process.pid) if pid != self.process.pid]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class Postgres:
    name = "PostgreSQL"

    def __init__(self, folder):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not found:
            raise SystemExit("PostgreSQL is not installed: tools/setup bench")
        self.programs = found[-1]
        self.folder = os.path.join(folder, "postgres")
        self.process = None
        self.pid = None

    def _as_postgres(self, *arguments, **more):
        return subprocess.run(["runuser", "-u", "postgres", "--", *arguments], check=True,
                              capture_output=True, text=True, **more)

    def start(self):
        user = pwd.getpwnam("postgres")
        os.makedirs(self.folder)
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._as_postgres(os.path.join(self.programs, "initdb"), "-D", self.folder, "-A", "trust",
                          "-E", "UTF8", "--locale=C.UTF-8")
        options = (f"-p {POSTGRES_PORT} -c listen_addresses=127.0.0.1 -c max_connections=200"
                   " -c shared_buffers=1GB -c max_wal_size=8GB -c synchronous_commit=on"
                   " -c fsync=on -c unix_socket_directories=" + self.folder)
        self._as_postgres(os.path.join(self.programs, "pg_ctl"), "-D", self.folder, "-w", "-o",
                          options, "-l", os.path.join(self.folder, "log"), "start")
        with open(os.path.join(self.folder, "postmaster.pid"), encoding="utf-8") as file:
            self.pid = int(file.readline())
        return self

    def sql(self, text):
        return self._as_postgres(os.path.join(self.programs, "psql"), "-h", "127.0.0.1", "-p",
                                 str(POSTGRES_PORT), "-U", "postgres", "-qAt", "-v",
                                 "ON_ERROR_STOP=1", input=text).stdout.strip()

    def version(self):
        return self.sql("SHOW server_version")

    def stop(self):
        if self.pid is not None:
            self._as_postgres(os.path.join(self.programs, "pg_ctl"), "-D", self.folder, "-m",
                              "fast", "stop")
            self.pid = None


# ---- the load generator ----

def build_load():
    out = os.path.join(ROOT, "build", "release", "load")
    sources = [os.path.join(ROOT, "bench", name) for name in ("load.c", "load_postgres.c")]
    subprocess.run(["gcc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-o", out,
                    *sources], check=True)
    return out


def run_load(program, server, arguments, body=None, sql=None, values=()):
    """One run of the generator; what it measured, with the server's CPU time per request."""
    command = [program, "-j", *arguments]
    if isinstance(server, Postgres):
        pid = server.pid
        command += ["-a", f"127.0.0.1:{POSTGRES_PORT}", "-q", sql]
        for value in values:
            command += ["-v", value]
    else:
        pid = server.process.pid
        command += ["-a", server.address, "-H", "Authorization: Bearer " + server.token,
                    "-b", body]
    before, began = cpu_seconds(pid), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    took = time.monotonic() - began
    if done.returncode != 0:
        raise SystemExit(f"the load failed on {server.name}: {done.stdout[-500:]}"
                         f"{done.stderr[-500:]}")
    import json
    measured = json.loads(done.stdout)
    whole = measured["answers"] * max(1.0, took / measured["seconds"])
    measured["server_cpu_us"] = (cpu_seconds(pid) - before) * 1e6 / max(1.0, whole)
    measured["client_cpu_us"] = measured["own_cpu_seconds"] * 1e6 / max(1, measured["answers"])
    return measured


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
