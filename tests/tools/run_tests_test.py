#!/usr/bin/env python3
"""tools/run-tests: what it makes of the parts' outputs and statuses, and its closing line."""
import importlib.machinery
import importlib.util
import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

PATH = Path(__file__).resolve().parents[2] / "tools" / "run-tests"


def load():
    loader = importlib.machinery.SourceFileLoader("run_tests", str(PATH))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    loader.exec_module(module)
    return module


TOOL = load()


def run_parts(parts):
    """Exit status and lines of a run of these parts: (name, shell text, must count, needs)."""
    with tempfile.TemporaryDirectory() as root, contextlib.redirect_stdout(io.StringIO()) as out:
        listed = [(name, ["sh", "-c", text], 2, must_count, needs)
                  for name, text, must_count, needs in parts]
        with mock.patch.multiple(TOOL, ROOT=Path(root), LOGS=Path(root) / "logs",
                                 list_parts=lambda: listed), \
                mock.patch.object(TOOL.sys, "argv", ["run-tests"]):
            status = TOOL.main()
    return status, out.getvalue().splitlines()


class RunTests(unittest.TestCase):
    def test_the_last_result_counts(self):
        text = "1 passed, 0 failed\nother: 7 passed, 7 failed\n5 passed, 0 failed, 2 skipped\nbye\n"
        self.assertEqual(TOOL.judge(0, text, True), (5, 0, "2 skipped"))

    def test_a_part_that_counts_nothing(self):
        self.assertEqual(TOOL.judge(0, "built\n", False), (1, 0, ""))
        self.assertEqual(TOOL.judge(2, "error\n", False), (0, 1, ""))
        self.assertEqual(TOOL.judge(0, "nothing\n", True)[:2], (0, 1))
        self.assertEqual(TOOL.judge(0, "0 passed, 0 failed\n", True)[:2], (0, 1))

    def test_the_status_is_believed_too(self):
        self.assertEqual(TOOL.judge(1, "5 passed, 0 failed\n", True)[:2], (5, 1))
        self.assertEqual(TOOL.judge(0, "5 passed, 1 failed\n", True)[:2], (5, 1))

    def test_the_sum(self):
        status, lines = run_parts([("a", "echo 3 passed, 0 failed", True, None),
                                   ("b", "true", False, None)])
        self.assertEqual((status, lines[-1]), (0, "4 passed, 0 failed"))
        status, lines = run_parts([("a", "echo broken; exit 1", False, None),
                                   ("b", "echo 9 passed, 0 failed", True, "a"),
                                   ("c", "echo 1 passed, 2 failed; exit 1", True, None)])
        self.assertEqual((status, lines[-1]), (1, "1 passed, 4 failed"))
        self.assertIn("broken", lines)
        self.assertIn("b: FAILED, not run: a failed", lines)
        self.assertEqual(sum(TOOL.RESULT.match(line) is not None for line in lines), 2)

    def test_a_part_that_hangs_is_ended(self):
        status, lines = run_parts([("a", "echo 1 passed, 0 failed; sleep 60", True, None)])
        self.assertEqual((status, lines[-1]), (1, "1 passed, 1 failed"))
        self.assertTrue(any("not finished after 2 s" in line for line in lines), lines)

    def test_a_program_that_is_not_there(self):
        status, lines = run_parts([("a", "/nowhere/x", True, None)])
        self.assertEqual((status, lines[-1]), (1, "0 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
