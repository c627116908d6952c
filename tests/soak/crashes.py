#!/usr/bin/env python3
"""Crashes of every kind, from one seed: `make soak CYCLES=n SEED=s`.

    crashes.py --cycles N [--seed S]

N rounds of kill -9 of the release against what its clients know to be acknowledged, in two loops
side by side: stopped and continued (SIGSTOP), with workers killed, in flushes, compactions and
definitions, in recoveries, and, in one of the loops, on a small file system that is full at times
(tests/crash). A quarter of N of the build with fault points, one armed in each round. And N crashes
of the simulated machine, whose disk forgets or garbles what was not synced, and fails. The same seed
draws the same; what the threads make of it differs. The last line is `N passed, N failed`."""
import argparse
import os
import random
import re
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CRASH = os.path.join(TESTS, "crash", "run.py")
SIMULATION = os.path.join(os.path.dirname(TESTS), "build", "check", "engine_sim")
RESULT = re.compile(r"^(\d+) passed, (\d+) failed", re.M)
CRASHES = re.compile(r"^crashes: (\d+)", re.M)


def run(command):
    """Its output, shown as it comes; and its status."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in process.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    return "".join(lines), process.wait()


def run_rounds(*arguments):
    """(passed, failed)"""
    text, status = run([sys.executable, CRASH, "--jobs", "2", *arguments])
    found = RESULT.findall(text)
    passed, failed = (int(number) for number in found[-1]) if found else (0, 1)
    return passed, failed or int(status != 0)


def run_simulation(crashes, seed):
    text, status = run([SIMULATION, "--crashes", str(crashes), "--from", str(seed)])
    found = CRASHES.search(text)
    return (int(found.group(1)) if found else 0), int(status != 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0"))
                        or random.SystemRandom().randrange(1, 1 << 31))
    arguments = parser.parse_args()
    seed = str(arguments.seed)
    print(f"seed {seed}", flush=True)
    results = [run_rounds("--rounds", str(arguments.cycles), "--seed", seed),
               run_rounds("--rounds", str(max(arguments.cycles // 4, 4)), "--seed", seed,
                          "--points"),
               run_simulation(arguments.cycles, seed)]
    passed, failed = (sum(numbers) for numbers in zip(*results))
    print(f"{results[0][0]} rounds of the release, {results[1][0]} with fault points, "
          f"{results[2][0]} simulated crashes")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
