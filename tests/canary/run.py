#!/usr/bin/env python3
"""Every rule of the protocol broken on purpose, one at a time: does a test notice?

    run.py [--seeds N] [--only NAME,…] [--jobs N]

A breakage (src/base/breakage.h) is compiled into the programs with fault points and switched on by
its name: in the engine's simulation by --breakage, in any other program by FIRN_BREAKAGE. Prints for
each rule of the protocol that needs proof the breakages that stand for it, and for each breakage
the test that fails and what it says. A rule without a breakage, a breakage that no rule names and
one that nothing notices count as failed; the last line is `N passed, N failed`."""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "check")
SIMULATION = os.path.join(BUILD, "engine_sim")

# The rules of design/engine.md that its models need, by section; what the product does not have yet
# (transactions, secondary indexes) is not among them.
RULES = [
    ("2.2 one writer of a key at a time", ["no_lock"]),
    ("2.5 a statement of another schema version goes back to bind", ["schema_check"]),
    ("2.5 what was installed since the look-up is followed", ["resolve", "compact_pending"]),
    ("2.6 acknowledged and visible at the hand-out point", ["ack_early", "visible_early"]),
    ("2.6 every answer waits until what it saw is visible", ["noop_ack"]),
    ("2 replay finds the replaced row by its key", ["replay_lookup", "drop_last"]),
    ("3 the log is synced, its folder too", ["skip_sync", "skip_directory_sync"]),
    ("3 cold commits, checkpoints, DDL and rotation sync in every mode",
     ["cold_sync", "checkpoint_early", "define_sync", "rotate_sync", "skip_data_sync"]),
    ("4 super-version and visible sequence are taken together", ["pin_seq_first", "pin_sv_first"]),
    ("4 all tables of a statement come from one root", ["lazy_pin"]),
    ("5.2 sealed memtables are flushed oldest first", ["order"]),
    ("5.3 under the cold lock: still current?", ["recheck", "cold_lock"]),
    ("5.5 installed at the hand-out point, marks complete before", ["swap_before_commit", "tail"]),
    ("5.7 the log is released below the oldest unsettled record of all tables",
     ["release_per_table", "release"]),
    ("5 one user's flush: his deletes only, his keys gone from the memtable, and recovery skips them",
     ["user_marks", "gone", "user_replay"]),
    ("6 inputs still current?", ["compact_recheck"]),
    ("6 deletes committed meanwhile become the output's", ["compact_deletes"]),
    ("6 memtables' marks on the inputs are added on the output", ["compact_marks"]),
    ("7 DDL: table lock, sealed memtable, installed with visible",
     ["truncate_lock", "truncate_seal", "install_early"]),
    ("8 a checkpoint is the state as appended, published when durable",
     ["checkpoint_state", "checkpoint_early"]),
    ("8 the sweep spares what is in flight and what is pinned", ["sweep_in_flight", "sweep_pinned"]),
    ("10 registered, then pinned", ["handover"]),
]

# What the letters of the simulation's complaints stand for: its tests.
CHECKS = {
    "R:": "a_reader_sees_the_state_of_the_log",
    "O:": "files_alone_are_a_state_that_was",
    "C:": "after_a_crash_nothing_acknowledged_is_lost",
    "N:": "an_answer_never_speaks_of_what_a_crash_takes",
}
# Rules of rooms that the simulation does not have, and one whose moment it meets too seldom: programs
# of unit tests.
ELSEWHERE = {"handover": "tests/unit/live/hand_over_test",
             "rotate_sync": "tests/unit/log/segment_test"}
FAILED_TEST = re.compile(r"^\[  FAILED  \] (\w+)$", re.M)
SEED = re.compile(r"^seed (\d+)", re.M)
SECONDS = 900


def list_breakages():
    lines = subprocess.run([SIMULATION, "--list"], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    return {line.split(None, 1)[0]: line.split(None, 1)[1].strip() for line in lines}


def run(command, name=None):
    variables = dict(os.environ)
    if name is not None:
        variables["FIRN_BREAKAGE"] = name
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS,
                           env=variables)
    return ended.returncode, ended.stdout + ended.stderr


def simulate(name, seeds):
    """(the test that failed, what it said), or (None, why not)."""
    status, text = run([SIMULATION, "--breakage", name, "--seeds", str(seeds)])
    last = text.strip().splitlines()[-1] if text.strip() else "nothing was printed"
    if status != 0:
        return None, last
    seed = SEED.search(text)
    assert seed, text
    test = next((test for letter, test in CHECKS.items() if f" {letter} " in text), None)
    if test is None:
        test = "the_engine_stops_itself" if "signal" in last else "every_call_does_what_it_should"
    said = " / ".join(line.strip() for line in text.strip().splitlines()[-2:])
    return f"engine_sim --seed {seed.group(1)}: {test}", said


def run_unit(name):
    program = os.path.join(BUILD, ELSEWHERE[name])
    status, text = run([program], name)
    failed = list(dict.fromkeys(FAILED_TEST.findall(text)))
    if status == 0 or not failed:
        return None, f"{ELSEWHERE[name]} ended with {status}"
    return f"{ELSEWHERE[name]}: {failed[0]}", f"{len(failed)} of its tests fail"


def is_sound(program):
    """Nothing is broken: nothing may fail."""
    return run([program])[0] == 0


def judge_rules(breakages):
    named = {name for _, names in RULES for name in names}
    problems = [f"no rule names the breakage {name}" for name in breakages if name not in named]
    problems += [f"there is no breakage {name}" for name in named if name not in breakages]
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--only")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4))
    arguments = parser.parse_args()
    breakages = list_breakages()
    problems = judge_rules(breakages)
    chosen = [name for name in breakages
              if not arguments.only or name in arguments.only.split(",")]
    for program in set(ELSEWHERE.values()):
        if not is_sound(os.path.join(BUILD, program)):
            problems.append(f"{program} fails with nothing broken")
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        found = dict(zip(chosen, pool.map(
            lambda name: run_unit(name) if name in ELSEWHERE else simulate(name, arguments.seeds),
            chosen)))
    missed = 0
    for rule, names in RULES:
        if not any(name in found for name in names):
            continue
        print(rule)
        for name in names:
            if name not in found:
                continue
            test, said = found[name]
            missed += test is None
            print(f"    {name}: {breakages.get(name)}\n        "
                  + (f"noticed by {test}\n        {said:.300}" if test else f"MISSED: {said:.300}"))
    for problem in problems:
        print(problem)
    noticed = sum(test is not None for test, _ in found.values())
    print(f"{len(RULES)} rules, {len(found)} breakages")
    print(f"{noticed} passed, {len(found) - noticed + len(problems)} failed")
    return 1 if problems or noticed < len(found) or not found else 0


if __name__ == "__main__":
    sys.exit(main())
