#!/usr/bin/env python3
"""Integration tests: every function test_* of every file test_*.py, against the real firnd.

    run.py [--only TEXT]... [--server DIR=build/release] [--seed N] [--keep-going]

A test's parameters say what it wants:
    shared      one server for all tests of the file (settings: SETTINGS of the file)
    fresh       a server of its own
    directory   a temporary directory, no server
One line for each test; the last line is `N passed, N failed` and, where some could not be run,
`, N skipped`: those are listed with their reason. Exit status 1 where one failed.
A test may take DEADLINE_SECONDS; one that needs more says so by a `deadline` attribute.
"""
import argparse
import importlib
import inspect
import os
import random
import signal
import sys
import time
import traceback

import harness

DEADLINE_SECONDS = 90


class Overdue(BaseException):
    """Not an Exception, so that no test catches it by accident."""


def on_alarm(_number, _frame):
    raise Overdue("the test's time is over")


class File:
    """The tests of one file and the server they share."""

    def __init__(self, name):
        self.module = importlib.import_module(name)
        self.name = name
        self.stack = None
        self.server = None

    def tests(self):
        for name, function in vars(self.module).items():
            if name.startswith("test_") and inspect.isfunction(function) \
                    and function.__module__ == self.name:
                yield name, function

    def shared(self):
        if self.server is not None and not self.server.is_alive():
            self.close()
        if self.server is None:
            self.stack = harness.running(getattr(self.module, "SETTINGS", ()))
            self.server = self.stack.__enter__()
        return self.server

    def close(self):
        """What the shared server complained of at its end, as text."""
        stack, self.stack, self.server = self.stack, None, None
        try:
            if stack is not None:
                stack.__exit__(None, None, None)
        except AssertionError as complaint:
            return str(complaint)
        return ""


def call(file, function):
    """Runs one test with what its parameters ask for."""
    wanted = list(inspect.signature(function).parameters)
    settings = getattr(function, "settings", getattr(file.module, "SETTINGS", ()))
    if wanted == ["shared"]:
        server = file.shared()
        function(server)
        assert server.is_alive(), "the server died"
        assert not server.complaints(), "the server or a worker complained"
    elif wanted == ["fresh"]:
        with harness.running(settings) as server:
            function(server)
    elif wanted == ["directory"]:
        with harness.temporary_directory() as directory:
            function(directory)
    else:
        function()


def run_test(file, name, function):
    """(outcome, text): passed, failed or skipped."""
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(getattr(function, "deadline", DEADLINE_SECONDS))
    try:
        call(file, function)
        return "passed", ""
    except harness.Skip as reason:
        return "skipped", str(reason)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # Overdue too
        text = traceback.format_exc()
        if file.server is not None and "shared" in inspect.signature(function).parameters:
            text += "server's log:\n" + file.server.log_tail(5)
            if isinstance(error, Overdue) or not file.server.is_alive() \
                    or file.server.complaints():
                text += file.close()  # whatever it hangs in is not the next test's
        return "failed", text
    finally:
        signal.alarm(0)


def discover(folder, only):
    names = sorted(name[:-3] for name in os.listdir(folder)
                   if name.startswith("test_") and name.endswith(".py"))
    for name in names:
        file = File(name)
        chosen = [(test, function) for test, function in file.tests()
                  if not only or any(text in f"{name}.{test}" for text in only)]
        if chosen:
            yield file, chosen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--server", default="build/release")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "0")) or
                        random.SystemRandom().randrange(1, 1 << 31))
    arguments = parser.parse_args()
    harness.programs = os.path.join(harness.ROOT, arguments.server)
    os.environ["SEED"] = str(arguments.seed)
    print(f"seed {arguments.seed}, programs of {arguments.server}", flush=True)
    folder = os.path.dirname(os.path.abspath(__file__))
    outcomes = {"passed": 0, "failed": 0, "skipped": 0}
    for file, chosen in discover(folder, arguments.only):
        try:
            for name, function in chosen:
                begin = time.monotonic()
                outcome, text = run_test(file, name, function)
                outcomes[outcome] += 1
                took = time.monotonic() - begin
                reason = f": {text}" if outcome == "skipped" else ""
                print(f"{outcome:7} {file.name}.{name} {took:.1f} s{reason}", flush=True)
                if outcome == "failed":
                    print("        " + text.replace("\n", "\n        "), flush=True)
        finally:
            text = file.close()
            if text:
                outcomes["failed"] += 1
                print(f"failed  {file.name}, at the shared server's end\n{text}", flush=True)
    skipped = f", {outcomes['skipped']} skipped" if outcomes["skipped"] else ""
    print(f"{outcomes['passed']} passed, {outcomes['failed']} failed{skipped}")
    return 1 if outcomes["failed"] or not outcomes["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
