#!/usr/bin/env python3
"""The proof against crashes, whole, with one closing report: `make proof`.

    proof.py [PART…] [--crashes N] [--rounds N] [--point-rounds N] [--losses N] [--seeds N]
             [--minutes M] [--seed S] [--write]

    simulation  crashes of the simulated machine, with faults of its disk in every life
    rounds      kill -9 of the real server (tests/crash/run.py)
    points      kill -9 of the build with fault points, one of them armed in each round
    life        one life of the server under every load: nothing grows (tests/soak/run.py)
    loss        what losses of power cost in each mode of durability
    canary      every rule of the protocol broken in turn (tests/canary)

All parts where none is named. What each printed is kept in build/test-logs/proof; the report is
made of the last results of all parts, each with its commit, and with --write it is kept in
tests/crash/results. Exit 0 only where every part passed, no row was lost, doubled or resurrected,
and every fault point was hit in a real server or in the simulated machine."""
import argparse
import datetime
import json
import os
import platform
import random
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))

import points  # noqa: E402

LOGS = os.path.join(ROOT, "build", "test-logs", "proof")
SIMULATION = os.path.join(ROOT, "build", "check", "engine_sim")
PARTS = ("simulation", "rounds", "points", "life", "loss", "canary")
POINT = re.compile(r"^point (\w+) +(\d+) passed +(\d+) fired$", re.M)
RESULT = re.compile(r"^(\d+) passed, (\d+) failed", re.M)
CRASHES = re.compile(r"^crashes: (\d+), (\d+) of them", re.M)


def command_of(part, arguments):
    run = [sys.executable, os.path.join(HERE, "run.py"), "--keep", "--seed", str(arguments.seed),
           "--jobs", str(arguments.jobs), "--summary", os.path.join(LOGS, f"{part}-summary.json")]
    return {
        "simulation": [SIMULATION, "--crashes", str(arguments.crashes), "--from",
                       str(arguments.seed)],
        "rounds": [*run, "--rounds", str(arguments.rounds)],
        "points": [*run, "--rounds", str(arguments.point_rounds), "--points"],
        "life": [sys.executable, os.path.join(ROOT, "tests", "soak", "run.py"), "--minutes",
                 str(arguments.minutes), "--seed", str(arguments.seed)],
        "loss": [SIMULATION, "--loss", str(arguments.losses), "--from", str(arguments.seed)],
        "canary": [sys.executable, os.path.join(ROOT, "tests", "canary", "run.py"), "--seeds",
                   str(arguments.seeds), "--jobs", str(arguments.jobs)],
    }[part]


def commit():
    """Of the sources, and whether they were changed since."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True,
                              check=True).stdout.strip()
    return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain") else "")


def run_part(part, arguments):
    os.makedirs(LOGS, exist_ok=True)
    begin = time.monotonic()
    sources = commit()
    path = os.path.join(LOGS, f"{part}.log")
    print(f"{part} …", flush=True)
    with open(path, "w", encoding="utf-8") as log:
        status = subprocess.run(command_of(part, arguments), stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT, check=False).returncode
    result = {"status": status, "seconds": time.monotonic() - begin, "commit": sources,
              "seed": arguments.seed, "date": datetime.date.today().isoformat()}
    with open(os.path.join(LOGS, f"{part}.json"), "w", encoding="utf-8") as file:
        json.dump(result, file)
    print(f"{part}: {'ok' if status == 0 else 'FAILED'} in {result['seconds']:.0f} s", flush=True)


def read(name):
    path = os.path.join(LOGS, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file) if name.endswith(".json") else file.read()


# ---- the report ----

def tell_simulation(text):
    """Its own lines, but those of the points."""
    return [line for line in text.splitlines() if line and not line.startswith("point ")]


def tell_rounds(text):
    """What stands behind the rounds."""
    lines = [line for line in text.splitlines() if line]
    at = next((i for i, line in enumerate(lines) if line.startswith("acknowledged: ")), len(lines))
    problems = [line for line in lines[:at] if "FAILED" in line]
    return problems + [line for line in lines[at:] if not re.match(r"fault point|\w+ +[\d,]+ +\d+ ",
                                                                    line)]


def tell_life(text):
    """What stands behind the cycles, and the last of these."""
    lines = text.splitlines()
    at = max((i for i, line in enumerate(lines) if line.startswith("cycle ")), default=0)
    return lines[at:]


def tell_canary(text):
    """A line for each broken rule, and the test that noticed."""
    lines, name = [], ""
    for line in text.splitlines():
        if line.startswith("    ") and not line.startswith("        "):
            name = line.strip().split(":")[0]
        elif line.strip().startswith("noticed by "):
            lines.append(f"{name:20} {line.strip()}")
        elif "MISSED" in line:
            lines.append(f"{name:20} {line.strip()}")
    return lines + text.splitlines()[-2:]


TELL = {"simulation": tell_simulation, "rounds": tell_rounds, "points": tell_rounds,
        "life": tell_life, "loss": str.splitlines, "canary": tell_canary}


def point_lines():
    """(lines, names that were hit nowhere)."""
    simulated = {name: (int(passed), int(fired)) for name, passed, fired in
                 POINT.findall(read("simulation.log") or "")}
    real = points.add_tables((read("points-summary.json") or {}).get("coverage", []))
    lines = [f"{'':28} {'real server':>32}   {'simulated machine':>20}",
             f"{'fault point':28} {'passed':>12} {'fired':>9} {'killed':>9}   {'passed':>10} "
             f"{'fired':>9}"]
    never = []
    for name in sorted(set(simulated) | set(real), key=list({**real, **simulated}).index):
        here = real.get(name, {"passed": 0, "fired": 0, "kills": 0})
        there = simulated.get(name, (0, 0))
        lines.append(f"{name:28} {here['passed']:>12,} {here['fired']:>9,} {here['kills']:>9,}   "
                     f"{there[0]:>10,} {there[1]:>9,}")
        if here["fired"] + there[1] == 0:
            never.append(name)
    return lines, never


def report():
    """(lines, is everything shown?)."""
    lines = ["The proof against crashes", "",
             f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
             f"{datetime.date.today().isoformat()}"]
    good = True
    for part in PARTS:
        result, text = read(f"{part}.json"), read(f"{part}.log")
        if result is None or text is None:
            lines += ["", f"## {part}: not run"]
            good = False
            continue
        good = good and result["status"] == 0
        lines += ["", f"## {part}: {'passed' if result['status'] == 0 else 'FAILED'}, commit "
                  f"{result['commit']}, seed {result['seed']}, {result['seconds']:.0f} s",
                  *TELL[part](text)]
    table, never = point_lines()
    lines += ["", "## fault points", *table,
              f"never hit: {', '.join(never)}" if never else "every point was hit"]
    return lines, good and not never


def sum_up():
    """The closing line: crashes, rounds, what was lost."""
    found = CRASHES.search(read("simulation.log") or "")
    simulated = int(found.group(2)) if found else 0
    passed = failed = 0
    for part in ("rounds", "points"):
        told = read(f"{part}-summary.json") or {"passed": 0, "failed": 0}
        passed, failed = passed + told["passed"], failed + told["failed"]
    return (f"{simulated} simulated crashes in lives with faults, {passed + failed} rounds of kill -9 "
            f"of the real server: {failed} of them with a row lost, doubled, resurrected or half")


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--crashes", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--point-rounds", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--losses", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0"))
                        or random.SystemRandom().randrange(1, 1 << 31))
    parser.add_argument("--report", action="store_true", help="run nothing, report")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    for part in arguments.parts or ([] if arguments.report else PARTS):
        run_part(part, arguments)
    lines, good = report()
    lines += ["", sum_up(), "1 passed, 0 failed" if good else "0 passed, 1 failed"]
    print("\n".join(lines))
    if arguments.write:
        folder = os.path.join(HERE, "results")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, datetime.date.today().isoformat() + ".txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(line.rstrip() for line in lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
