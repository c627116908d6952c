#!/usr/bin/env python3
"""One line for each line of the durability specification (sections 0 and A to O): pass, fail or
not applicable (and why), the seed, the figure asked for.

    run.py [--only ID[,ID…]] [--short] [--seed S] [--jobs N] [--server build/release]

Each check runs the real programs in directories of its own; those that stop at fault points take
the ones of build/check (make FLAVOR=check programs). --short does each once, with small numbers; a
line that has no check is printed as "not built" and counts as failed. Without --seed one is drawn
and printed; a check's own randomness comes from it and the check's name. The last line is
`N passed, N failed, N skipped`."""
import argparse
import concurrent.futures
import os
import random
import sys
import threading
import time
import traceback

import kit
import section_a  # noqa: F401
import section_b  # noqa: F401
import section_c_d  # noqa: F401
import section_e_f  # noqa: F401
import section_g_i  # noqa: F401
import section_j_m  # noqa: F401
import section_n_o  # noqa: F401

SECTIONS = {"H": 0, "A": 12, "B": 10, "C": 10, "D": 8, "E": 10, "F": 17, "G": 10, "I": 4, "J": 7,
            "K": 8, "L": 6, "M": 6, "N": 6, "O": 6}

printing = threading.Lock()


def list_ids():
    """In the order of the specification: hooks first, log release (H10 on) behind G."""
    ids = [f"H{number}" for number in range(1, 5)]
    for section, last in SECTIONS.items():
        ids += [f"{section}{number}" for number in range(1, last + 1)]
        if section == "F":
            ids += [f"F{number}" for number in range(20, 25)]
        if section == "G":
            ids += [f"H{number}" for number in range(10, 16)]
    return ids


def say(name, word, seed, seconds, text):
    with printing:
        print(f"{name:4} {word:14} seed {seed} {seconds:5.1f} s  {text}", flush=True)


def close_case(case, outcome):
    """What the servers say at their end counts too."""
    try:
        case.close()
    except Exception as error:
        say(case.name, "FAIL", case.seed, 0, f"at its end: {error}"[:1500])
        return "fail"
    return outcome


def run_one(name, seed, short, verbose):
    """pass, fail or skip."""
    function = kit.CHECKS.get(name)
    if function is None:
        say(name, "FAIL", seed, 0, "not built")
        return "fail"
    case = kit.Case(name, seed, short)
    return close_case(case, run_case(case, function, verbose))


def run_case(case, function, verbose):
    name, seed = case.name, case.seed
    begin = time.monotonic()
    try:
        figure = function(case)
        say(name, "pass", seed, time.monotonic() - begin, figure or "")
        return "pass"
    except kit.NotApplicable as reason:
        say(name, "not applicable", seed, time.monotonic() - begin, str(reason))
        return "skip"
    except kit.harness.Skip as reason:  # a machine without strace or mounts; the long form needs them
        say(name, "not run" if case.short else "FAIL", seed, time.monotonic() - begin,
            f"cannot be run here: {reason}")
        return "skip" if case.short else "fail"
    except Exception as error:  # whatever it is, it is this check's failure
        text = f"{type(error).__name__}: {error}".replace("\n", "\n        ")
        say(name, "FAIL", seed, time.monotonic() - begin, text[:2000])
        if verbose:
            traceback.print_exc()
        return "fail"


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", help="ids, or sections, separated by commas")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0"))
                        or random.SystemRandom().randrange(1, 1 << 31))
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 3))
    parser.add_argument("--server", default="build/release")
    return parser.parse_args()


def main():
    arguments = read_arguments()
    kit.harness.programs = os.path.join(kit.harness.ROOT, arguments.server)
    ids = list_ids()
    unknown = set(kit.CHECKS) - set(ids)
    assert not unknown, f"checks of lines that are not in the specification: {unknown}"
    if arguments.only:
        wanted = arguments.only.split(",")
        ids = [name for name in ids if name in wanted or name.rstrip("0123456789") in wanted]
    print(f"seed {arguments.seed}, {'short' if arguments.short else 'long'}, {len(ids)} lines",
          flush=True)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(
            lambda name: run_one(name, arguments.seed, arguments.short, arguments.verbose), ids))
    passed, failed, skipped = (results.count(word) for word in ("pass", "fail", "skip"))
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
