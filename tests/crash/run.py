#!/usr/bin/env python3
"""kill -9 under a mixed load, each round verified against what was acknowledged.

    run.py [--rounds N] [--seed S] [--jobs N] [--points] [--server build/release] [--threads N]
           [--break RULE] [--summary FILE] [--keep]

Each writer owns keys of its own in a SHARED, a USER and a STREAM table and runs one statement after
the other on them: inserts, updates, deletes, upserts, of one row and of several, beside flushes and
compactions, and tables that are made, changed and dropped. It notes what it is about to do, and
what was acknowledged. The server is killed: at a random moment, in the midst of a flush, a
compaction or a definition, stopped (SIGSTOP), after a stop, with a worker killed or stopped, again
while it recovers, and, where a small file system can be mounted, with a full disk. Then it is
started with other sizes and another durability (what was written survives kill -9 in each), and
every row of every table is read. A key must be what the acknowledged statements made of it:

    lost         a change that was acknowledged is not there
    doubled      a key comes more than once, or by one way of reading and not by another
    resurrected  a row that was deleted, or a value that was overwritten, is back
    half         a statement of several rows is there in part

The one statement of a client that had no answer may be there or not, but whole. The tables live
through all rounds, so what a later round brings back is seen too.

--points arms in each round one fault point of the build of build/check, with kill, an error or a
pause, and prints how often each was passed and fired; one that never fired is a failure. --break
breaks a rule of the protocol (src/base/breakage.h): the rounds must fail. Prints the seed, and for
each round what was done; the last line is `N passed, N failed` (rounds)."""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

import harness  # noqa: E402
import points  # noqa: E402
import rounds  # noqa: E402
from rounds import prepare  # noqa: E402,F401  tests/durability stands on these, too
from verdict import verify  # noqa: E402,F401
from writers import Maintainer, Writer  # noqa: E402,F401

POINT_ROUNDS_MIN = 100  # below it nobody can ask that every point was hit


def add(total, more):
    for key, count in more.items():
        total[key] = total.get(key, 0) + count


def run_loop(loop, arguments):
    """What one loop did, as numbers."""
    told = {"passed": 0, "failed": 0, "operations": {}, "moments": {}, "kills": {}, "seconds": 0}
    begin = time.monotonic()
    for number in range(1, arguments.rounds + 1):
        before = time.monotonic()
        loop.ways = None if number == arguments.rounds else 1
        problems, one = loop.round(number)
        done = one.tell()
        add(told["operations"], done)
        add(told["moments"], {"full disk" if one.full else one.moment: 1})
        add(told["kills"], {one.killed_by.split(":")[0] if one.killed_by else "itself": 1})
        told["failed" if problems else "passed"] += 1
        print(f"round {number} {time.monotonic() - before:.1f} s: "
              f"{'FAILED' if problems else 'ok'}: {one.killed_by}"
              f"{', ' + one.moment if one.point is None else ''}{', full disk' if one.full else ''}, "
              f"{sum(done.values())} acknowledged", flush=True)
        for problem in problems:
            print("    " + problem, flush=True)
        if one.is_last or (arguments.until_covered and loop.coverage.is_complete()):
            break
    told["seconds"] = time.monotonic() - begin
    return told


def one_loop(arguments):
    with harness.temporary_directory() as directory:
        coverage = None
        if arguments.points:
            coverage = points.Coverage(directory, arguments.number, arguments.loops)
        loop = rounds.Loop(directory, arguments.seed, arguments.threads, coverage,
                           arguments.small_disk, arguments.rule)
        told = {"passed": 0, "failed": 1}
        try:
            loop.open()
            told = run_loop(loop, arguments)
            if loop.coverage is not None:
                told["coverage"] = [loop.coverage.table()]
            if told["failed"] and arguments.keep:
                loop.server.kill()
                kept = f"{directory}.kept"
                shutil.copytree(loop.directory, kept)
                print(f"the data directory is kept: {kept}")
        finally:
            try:
                loop.close()
            except AssertionError as complaint:
                print(complaint)
                told["failed"] += 1
    return told


# ---- several loops side by side ----

def start_child(arguments, number, rounds_of_it, directory):
    small = arguments.jobs > 1 and number % 2 == 1 and not arguments.points
    summary = os.path.join(directory, f"summary-{number}")
    command = [sys.executable, os.path.abspath(__file__), "--rounds", str(rounds_of_it),
               "--seed", str(arguments.seed + number * 1000003), "--threads", str(arguments.threads),
               "--server", arguments.server, "--summary", summary, "--number", str(number),
               "--loops", str(arguments.jobs)]
    for name, is_set in (("--points", arguments.points), ("--keep", arguments.keep),
                         ("--small-disk", small), ("--until-covered", arguments.until_covered)):
        command += [name] if is_set else []
    command += ["--break", arguments.rule] if arguments.rule else []
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)

    def relay():
        for line in process.stdout:
            print(f"{number}: {line}", end="", flush=True)

    reader = threading.Thread(target=relay, daemon=True)
    reader.start()
    return process, reader, summary


def merge(summaries):
    total = {"passed": 0, "failed": 0, "operations": {}, "moments": {}, "kills": {}, "seconds": 0,
             "coverage": []}
    for told in summaries:
        for key in ("passed", "failed"):
            total[key] += told[key]
        for key in ("operations", "moments", "kills"):
            add(total[key], told.get(key, {}))
        total["seconds"] = max(total["seconds"], told.get("seconds", 0))
        total["coverage"] += told.get("coverage", [])
    return total


def several_loops(arguments):
    with harness.temporary_directory() as directory:
        share = [arguments.rounds // arguments.jobs + (i < arguments.rounds % arguments.jobs)
                 for i in range(arguments.jobs)]
        children = [start_child(arguments, i, count, directory) for i, count in enumerate(share)]
        summaries = []
        for process, reader, path in children:
            status = process.wait()
            reader.join()
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    summaries.append(json.load(file))
            else:
                summaries.append({"passed": 0, "failed": 1})
            if status != 0 and not summaries[-1]["failed"]:
                summaries[-1]["failed"] += 1
    return merge(summaries)


def report(total, arguments):
    """The last line last."""
    operations = sum(total["operations"].values())
    text = ", ".join(f"{count} {kind}" for kind, count in sorted(total["operations"].items()))
    print(f"acknowledged: {operations}: {text}")
    if arguments.points:
        print("ended by: " + ", ".join(f"{count} {kind}" for kind, count in
                                       sorted(total["kills"].items(), key=lambda k: -k[1])[:3]))
        never = points.print_coverage(total["coverage"])
        is_asked = arguments.until_covered or arguments.rounds >= POINT_ROUNDS_MIN
        if never and is_asked and arguments.loops == 1:
            print(f"never hit: {', '.join(never)}")
            total["failed"] += 1
    else:
        print("killed: " + ", ".join(f"{count} {kind}" for kind, count in
                                     sorted(total["moments"].items())))
    rounds_done = max(1, total["passed"] + total["failed"])
    print(f"{total['seconds']:.0f} s, {total['seconds'] * arguments.jobs / rounds_done:.2f} s a "
          f"round in each of {arguments.jobs} loops")
    print(f"{total['passed']} passed, {total['failed']} failed")


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int,
                        default=int(os.environ.get("SEED", "0"))
                        or random.SystemRandom().randrange(1, 1 << 31))
    parser.add_argument("--server", default="build/release")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1, help="loops side by side; the second of two "
                        "has its data on a small file system that is full at times")
    parser.add_argument("--points", action="store_true", help="a fault point in each round")
    parser.add_argument("--until-covered", action="store_true",
                        help="end as soon as every point was hit, and fail if one never was")
    parser.add_argument("--break", dest="rule", help="a rule to be broken; with build/check")
    parser.add_argument("--small-disk", action="store_true")
    parser.add_argument("--number", type=int, default=0, help="of this loop among --loops")
    parser.add_argument("--loops", type=int, default=1)
    parser.add_argument("--summary", help="a file for the numbers")
    parser.add_argument("--keep", action="store_true", help="keep the data directory of a failure")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    if arguments.rule:
        arguments.server = "build/check"
    harness.programs = os.path.join(harness.ROOT, arguments.server)
    print(f"seed {arguments.seed}, {arguments.rounds} rounds, {arguments.threads} writers, "
          f"programs of {'build/check' if arguments.points else arguments.server}"
          f"{', broken: ' + arguments.rule if arguments.rule else ''}", flush=True)
    try:
        total = several_loops(arguments) if arguments.jobs > 1 else merge([one_loop(arguments)])
    except harness.Skip as reason:
        print(f"SKIPPED: {reason}\n0 passed, 0 failed, 1 skipped")
        return 1
    if arguments.summary:
        with open(arguments.summary, "w", encoding="utf-8") as file:
            json.dump({**total, "seed": arguments.seed, "jobs": arguments.jobs}, file)
    report(total, arguments)
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
