"""Fault points in the crash loop: which comes next, and which were hit."""
import os
import struct
import subprocess
import time

import harness

# How a point is made to fail, and how often of a hundred times.
ACTIONS = {"kill": 60, "eio": 14, "enospc": 10, "short": 6, "pause": 10}
# Which passing it is; of points that are passed often, it is drawn from more.
OFTEN = {"log_append", "log_write", "log_append_mid_batch", "log_sync", "log_after_sync"}
OFTEN_MOST = 60
FEW = (1, 1, 1, 2, 3)


def list_points():
    firnd = os.path.join(harness.need_faults(), "firnd")
    return subprocess.run([firnd, "--list-failpoints"], capture_output=True, text=True,
                          check=True).stdout.split()


class Coverage:
    """What the programs count in a file that outlives them (src/base/fault.h), and what we saw."""

    def __init__(self, directory, number=0, loops=1):
        self.path = os.path.join(directory, "fault-counts")
        self.names = list_points()
        self.own = self.names[number::loops]  # those that this loop of several arms
        self.kills = {name: 0 for name in self.names}
        self.armed = {name: 0 for name in self.names}

    def environment(self):
        return {"FIRN_FAULT_COUNTS_FILE": self.path}

    def counts(self):
        """name → (passed, fired)."""
        size = 16 * len(self.names)
        data = b""
        if os.path.exists(self.path):
            with open(self.path, "rb") as file:
                data = file.read(size)
        numbers = struct.unpack(f"={2 * len(self.names)}Q", data.ljust(size, b"\0"))
        return {name: numbers[2 * i:2 * i + 2] for i, name in enumerate(self.names)}

    def choose(self, random):
        """One of those that fired least."""
        counts = self.counts()
        least = min(counts[name][1] * 4 + self.armed[name] for name in self.own)
        return random.choice([name for name in self.own
                              if counts[name][1] * 4 + self.armed[name] <= least + 2])

    def is_complete(self):
        counts = self.counts()
        return all(counts[name][1] > 0 for name in self.own)

    def table(self):
        counts = self.counts()
        return [{"name": name, "passed": counts[name][0], "fired": counts[name][1],
                 "kills": self.kills[name], "armed": self.armed[name]} for name in self.names]


class Armed:
    """A fault point that is armed for one life of the server."""

    def __init__(self, coverage, directory, random):
        self.coverage = coverage
        self.name = coverage.choose(random)
        self.action = random.choices(list(ACTIONS), list(ACTIONS.values()))[0]
        if coverage.kills[self.name] == 0:
            self.action = "kill"
        passing = random.choice(FEW)
        if self.name in OFTEN:
            passing = random.randint(1, OFTEN_MOST)
        times = "" if self.action in ("kill", "pause") else f"*{random.randint(1, 3)}"
        self.text = f"{self.name}:{self.action}{times}@{passing}"
        self.pause_file = os.path.join(directory, "paused")
        coverage.armed[self.name] += 1
        self.fired_before = coverage.counts()[self.name][1]

    def environment(self):
        return {"FIRN_FAULT": self.text, "FIRN_FAULT_PAUSE_FILE": self.pause_file}

    def is_paused(self):
        return os.path.exists(self.pause_file)

    def wait(self, server, seconds):
        """Until it died there, or stands still there, or it has had its time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and server.process.poll() is None:
            if self.is_paused():
                time.sleep(0.1)
                break
            time.sleep(0.005)

    def judge(self, status, ended, lives):
        """What ended the server; None where it ended by itself and should not have."""
        if self.is_paused():
            os.unlink(self.pause_file)
        fired = self.coverage.counts()[self.name][1] > self.fired_before
        if fired and self.action == "kill" and status == -9:
            self.coverage.kills[self.name] += 1
            return self.text
        if not lives and fired and status > 0:
            return f"{self.text}, refused to start"
        if ended is not None:
            return None
        return f"kill -9 at {self.text}" if fired else "kill -9"


def add_tables(tables):
    """name → numbers of several loops together."""
    total = {}
    for table in tables:
        for row in table:
            known = total.setdefault(row["name"], {"passed": 0, "fired": 0, "kills": 0, "armed": 0})
            for key in known:
                known[key] += row[key]
    return total


def print_coverage(tables):
    """Gives the names that never fired."""
    total = add_tables(tables)
    print(f"{'fault point':28} {'passed':>10} {'armed':>6} {'fired':>6} {'killed there':>13}")
    for name, row in total.items():
        print(f"{name:28} {row['passed']:>10,} {row['armed']:>6} {row['fired']:>6} "
              f"{row['kills']:>13}")
    return [name for name, row in total.items() if row["fired"] == 0]
