#!/usr/bin/env python3
"""tools/check-tree against small trees: each rule is broken once, and what only looks like a breach
is let through."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "check-tree"
HEAD = "/* What it is for. */\n"


def guarded(path, body=""):
    guard = "FIRN_" + path.removeprefix("src/").replace("/", "_").replace(".", "_").upper()
    return f"{HEAD}#ifndef {guard}\n#define {guard}\n{body}#endif\n"


def check(files):
    """The tool's exit code and its lines, for a tree of these files."""
    with tempfile.TemporaryDirectory() as root:
        for folder in ("src", "cli", "include", "tests"):
            (Path(root) / folder).mkdir()
        for path, text in files.items():
            file = Path(root) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            if path.startswith("src/"):
                (file.parent / "README.md").touch()
        result = subprocess.run([sys.executable, TOOL, root], capture_output=True, text=True,
                                check=False)
        return result.returncode, result.stdout.splitlines()


class CheckTree(unittest.TestCase):
    def assert_breach(self, path, text, line, words):
        code, lines = check({path: text})
        self.assertEqual(code, 1, lines)
        found = [l for l in lines if l.startswith(f"{path}:{line}:") and words in l]
        self.assertEqual(len(found), 1, lines)

    def assert_clean(self, files):
        code, lines = check(files)
        self.assertEqual((code, lines), (0, [f"{len(files)} files checked"]))

    def test_a_clean_tree(self):
        self.assert_clean({
            "src/base/a.c": '#include "base/a.h"\n#include <stdlib.h>\nint f(void)\n{\n'
                            "    free(malloc(1));\n    return open(1);\n}\n",
            "src/base/a.h": guarded("src/base/a.h"),
            "src/server/main.c": '#include "base/a.h"\n#include "net/loop.h"\n',
            "src/query/pool.c": '#include "worker/protocol_request.h"\n'
                                '#include "worker/region.h"\n#include "query/wire_int.h"\n',
            "src/query/process.c": "int f(void)\n{\n    kill(1, 9);\n    return waitpid(1);\n}\n",
            "src/worker/scan.c": '#include "types/row.h"\n#include <duckdb.h>\n',
            "cli/main.c": '#include "base/json.h"\n#include "firn/firn.h"\n',
            "tests/unit/base/a_test.c": '#include "base/a_int.h"\n#include "server/x.h"\n'
                                        "void *p(void)\n{\n    return malloc(1);\n}\n",
        })

    def test_calls_go_down(self):
        for path, header in (("src/log/a.c", "engine/engine.h"), ("src/base/a.c", "types/row.h"),
                             ("src/worker/a.c", "log/log.h"), ("src/query/a.c", "worker/scan.h"),
                             ("src/sql/a.c", "worker/protocol.h"), ("cli/a.c", "sql/plan.h"),
                             ("src/log/a.c", "nowhere/a.h")):
            self.assert_breach(path, f'\n#include "{header}"\n', 2, "may not include")

    def test_private_headers_stay_private(self):
        self.assert_breach("src/engine/a.c", '#include "log/log_int.h"\n', 1, "is private to log")
        self.assert_breach("tests/unit/engine/a.c", '#include "log/log_int.h"\n', 1, "is private")

    def test_duckdb_stays_in_the_worker(self):
        self.assert_breach("src/query/a.c", "#include <duckdb.h>\n", 1, "src/worker alone")

    def test_banned_calls(self):
        for path, call in (("src/base/a.c", "strcpy(a, b)"), ("src/base/a.c", "sprintf (a, b)"),
                           ("src/log/a.c", "malloc(1)"), ("src/log/a.c", "free(p)"),
                           ("src/log/a.c", "fsync(1)"), ("src/sql/a.c", "time(NULL)"),
                           ("src/sql/a.c", "system(x)"), ("cli/a.c", "malloc(1)"),
                           ("src/log/a.c", "pthread_self()"), ("tests/unit/log/a.c", "atoi(x)"),
                           ("src/query/a.c", "waitpid(1)"), ("src/query/process.c", "malloc(1)"),
                           ("src/net/a.c", "socket(1)"), ("bench/a.c", "strcpy(a, b)")):
            self.assert_breach(path, f"int f(void)\n{{\n    {call};\n}}\n", 3, "is banned here")

    def test_what_only_looks_like_a_banned_call(self):
        self.assert_clean({"src/log/a.c": (
            "/* malloc(1) and\n * open(path) */\n"
            "// free(p)\n"
            "static const char text[] = \"strcpy(a, b) \\\" atoi(x) /* \";\n"
            "static const char quote = '\"';\n"
            "int f(struct S *s)\n{\n"
            "    memory_free(s);\n    s->open(s);\n    s->operations.read(s);\n"
            "    my_time(3);\n    int time = 1;\n    return time;\n}\n"
            "struct S {\n    int (*write)(int);\n};\n"
            "static int write(int x)\n{\n    return write(x);\n}\n"
            "int g(void)\n{\n    Reader *read = find();\n    return read(1);\n}\n")})

    def test_long_things(self):
        self.assert_breach("src/log/a.c", "\n// " + "x" * 98 + "\n", 2, "101 characters")
        self.assert_clean({"src/log/a.c": "// " + "é" * 97 + "\n"})
        self.assert_clean({"tools/a": "#!/bin/sh\nsum='\n    " + "0" * 128 + "'\n"})
        body = "    x++;\n"
        self.assert_breach("src/log/a.c", "int f(void)\n{\n" + body * 71 + "}\n", 2, "71 lines")
        self.assert_clean({"src/log/a.c": "int f(void)\n{\n" + body * 70 + "}\n"})
        self.assert_breach("src/log/a.c", "int x;\n" * 701, 701, "701 lines")
        code, lines = check({"src/log/a.c": "int x;\n" * 601})
        self.assertEqual(code, 0)
        self.assertIn("warning: 601 lines", lines[0])

    def test_small_things(self):
        self.assert_breach("src/log/a.c", "int x; \n", 1, "blanks")
        self.assert_breach("src/log/a.c", "int x;", 1, "no newline")
        self.assert_breach("src/log/a.c", "// TO" + "DO: later\n", 1, "finish it")
        self.assert_breach("tests/a.py", "# FIX" + "ME\n", 1, "finish it")
        self.assert_breach("tools/a", "#!/usr/bin/env python3\n# X" + "XX\n", 2, "finish it")
        self.assert_clean({"src/log/a.c": "int x;\n", "bench/a.c": "#include <duckdb.h>\n"})
        self.assert_breach("tests/a.py", "x = 1\nif x\n", 2, "cannot read")
        self.assert_breach("src/log/a.c", 'char *p = "/ro' + 'ot/x";\n', 1, "one machine")
        self.assert_breach("src/log/a.h", "int x;\n", 1, "begins with a comment")
        self.assert_breach("src/log/a.h", HEAD + "#ifndef A_H\n#define A_H\n#endif\n", 1,
                           "FIRN_LOG_A_H")

    def test_rooms(self):
        code, lines = check({"src/attic/a.c": "int x;\n"})
        self.assertEqual(code, 1)
        self.assertIn("a room that ARCHITECTURE.md", lines[0])
        with tempfile.TemporaryDirectory() as root:
            for folder in ("src/log", "cli", "include", "tests"):
                (Path(root) / folder).mkdir(parents=True)
            (Path(root) / "src/log/a.c").write_text("int x;\n", encoding="utf-8")
            result = subprocess.run([sys.executable, TOOL, root], capture_output=True, text=True,
                                    check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("src/log:1: a room without README.md", result.stdout)

    def test_fault_points_are_used(self):
        points = guarded("src/base/fault.h",
                         '#define FAULT_POINTS(X) \\\n    X(a, "x") \\\n    X(b, "x") \\\n'
                         '    X(c, "x")\n')
        use = ("int f(void)\n{\n    TRY(FAULT(log_env(x), a, error));\n"
               "    // FAULT(env, c, error)\n    return FAULT_IS_SHORT(b);\n}\n")
        code, lines = check({"src/base/fault.h": points, "src/log/a.c": use})
        self.assertEqual(code, 0)
        self.assertEqual([l for l in lines if "nothing passes" in l],
                         ["src/base/fault.h:7: warning: nothing passes the fault point c"])


if __name__ == "__main__":
    unittest.main()
